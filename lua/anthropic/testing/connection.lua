--- One client of the testing server: its socket, the bytes read from it and not
--- used yet, and what its coroutine waits for. The methods that wait yield to
--- the server's loop; they raise `connection.CLOSED` when the peer has gone.
---
---     local client = connection.new(socket, 1)
---     local head = client:read_until("\r\n\r\n", 65536)
---     client:send("HTTP/1.1 204 No Content\r\n\r\n")

local connection = {}
connection.__index = connection

--- Raised in a connection's coroutine when the peer closed.
connection.CLOSED = {}

local read_bytes = 256 * 1024
local input_limit = 1024 * 1024

---@param socket table a connected LuaSocket TCP socket
---@param number integer which connection of the server it is, from 1
function connection.new(socket, number)
  socket:settimeout(0)
  socket:setoption("tcp-nodelay", true)
  return setmetatable({ socket = socket, number = number, input = "", closed = false }, connection)
end

--- Reads what has come, without waiting; for the loop, when the socket is readable.
function connection:fill()
  local bytes, failure, partial = self.socket:receive(read_bytes)
  bytes = bytes or partial
  if bytes ~= "" then
    self.input = self.input .. bytes
    self.fresh = true
  end
  if failure and failure ~= "timeout" then
    self.closed = true
  end
end

--- Whether there is room for more input; a full one is not read from.
function connection:wants_input()
  return not self.closed and #self.input < input_limit
end

--- Whether its coroutine can go on.
function connection:is_due(now, writable)
  return self.closed
    or self.waiting == "input" and self.fresh
    or self.waiting == "output" and writable
    or self.deadline ~= nil and self.deadline <= now
end

local function wait(self, what, deadline)
  self.waiting, self.deadline, self.fresh = what, deadline, false
  coroutine.yield()
  self.waiting, self.deadline = nil, nil
end

local function wait_for_input(self)
  if self.closed then
    error(connection.CLOSED, 0)
  end
  wait(self, "input")
end

--- Waits until the loop's clock, `self.now`, is `seconds` further.
---@param seconds number 0 lets the other connections run
function connection:sleep(seconds)
  local deadline = self.now + seconds
  repeat
    if self.closed then
      error(connection.CLOSED, 0)
    end
    wait(self, "time", deadline)
  until self.now >= deadline and not self.closed
end

--- Takes the input up to and with `mark`; nil where it is longer than `limit` bytes.
---@param mark string
---@param limit integer
---@return string?
function connection:read_until(mark, limit)
  while true do
    local _, last = self.input:find(mark, 1, true)
    if last then
      local text = self.input:sub(1, last)
      self.input = self.input:sub(last + 1)
      return text
    elseif #self.input > limit then
      return nil
    end
    wait_for_input(self)
  end
end

--- Takes what there is of the input, at least one byte and at most `limit`.
---@param limit integer
---@return string
function connection:read_some(limit)
  while self.input == "" do
    wait_for_input(self)
  end
  local bytes = self.input:sub(1, limit)
  self.input = self.input:sub(limit + 1)
  return bytes
end

--- Sends all bytes, in one write where the peer's window has room.
---@param bytes string
function connection:send(bytes)
  local first = 1
  while first <= #bytes do
    if self.closed then
      error(connection.CLOSED, 0)
    end
    local last, failure, partial = self.socket:send(bytes, first)
    first = (last or partial) + 1
    if failure and failure ~= "timeout" then
      self.closed = true
    elseif not last then
      wait(self, "output")
    end
  end
end

--- Ends the connection: in order, or by a reset that drops what is unsent.
---@param how? "close"|"reset"
function connection:close(how)
  if how == "reset" then
    self.socket:setoption("linger", { on = true, timeout = 0 })
  elseif not self.closed then
    self:fill() -- unread input would turn the close into a reset
  end
  self.socket:close()
end

return connection
