-- A server in the specs' own process, for transfers of the bare core: what is sent and read is up
-- to the spec, step by step, while the core's loop is moved along.
--
--     local peer = core_peer.listen()
--     local loop = core.loop()
--     local transfer = core_peer.start(loop, peer)
--     local connection = peer:accept(loop)
--     connection:send(core_peer.head .. "hello")

local abilities = require "spec.support.abilities" -- before libcurl is used
local core = require "anthropic.core"
local socket = require "socket"

local core_peer = {}

local Peer = {}
Peer.__index = Peer

--- The head of an answer that ends with its connection.
core_peer.head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"

--- The head of an answer with so many bytes.
function core_peer.head_of(length)
  return "HTTP/1.1 200 OK\r\nContent-Length: " .. length .. "\r\n\r\n"
end

function core_peer.listen()
  local listener = assert(socket.bind("127.0.0.1", 0))
  listener:settimeout(0)
  local _, port = listener:getsockname()
  return setmetatable({ listener = listener, url = "http://127.0.0.1:" .. port .. "/", port = port }, Peer)
end

--- Starts a request. `options` override what is sent; `body = false` is none.
function core_peer.start(loop, peer, options)
  local all = { method = "POST", url = peer.url, body = "{}", headers = { "Content-Type: application/json" } }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  all.body = all.body or nil
  return assert(loop:start(all))
end

local LONGEST = os.getenv "SPEC_LUA" and 60 or 10 -- seconds; under valgrind a server begins slowly

--- Moves the loop along until the condition holds; an error if it does not within `seconds` (10).
function core_peer.run(loop, condition, seconds)
  local deadline = core.now() + (seconds or LONGEST)
  while true do
    local result = condition()
    if result then
      return result
    end
    if core.now() > deadline then
      error("it did not happen", 2)
    end
    loop:wait(0.01)
  end
end

--- Moves the loop along for so long.
function core_peer.pass(loop, seconds)
  local deadline = core.now() + seconds
  while core.now() < deadline do
    loop:wait(math.max(0, math.min(0.01, deadline - core.now())))
  end
end

--- Runs the transfer to its end.
function core_peer.finish(loop, transfer)
  core_peer.run(loop, function()
    return transfer:done()
  end)
  return transfer
end

--- Runs a command to its end, a step at a time: what it wrote, its status.
function core_peer.run_command(loop, ...)
  local process = assert(loop:run { ... })
  local output, status = process:output()
  while not output and status ~= "too_large" do
    loop:wait(status == "soon" and 0.005 or 10)
    loop:next_ready()
    output, status = process:output()
  end
  process:close()
  return output, status
end

--- Until the transfer has its answer's headers, and no more work.
function core_peer.wait_for_headers(loop, transfer)
  core_peer.run(loop, function() return transfer:status() end)
  core_peer.pass(loop, 0.01)
end

--- The next connection, without reading from it.
function Peer:connection(loop)
  local connection = core_peer.run(loop, function()
    return (self.listener:accept())
  end)
  connection:settimeout(0)
  connection:setoption("tcp-nodelay", true)
  return connection
end

--- Reads one request, head and body.
function core_peer.read_request(loop, connection)
  local pieces, count, whole = {}, 0, nil
  core_peer.run(loop, function()
    local all, _, partial = connection:receive(65536)
    local piece = all or partial
    pieces[#pieces + 1], count = piece, count + #piece
    if not whole and #piece > 0 then
      local text = table.concat(pieces)
      local head, first = text:match "^(.-\r\n)\r\n()"
      whole = head and first - 1 + tonumber(head:lower():match "\r\ncontent%-length: (%d+)" or 0)
    end
    return whole and count >= whole
  end)
  return table.concat(pieces)
end

--- The next connection and its first request.
function Peer:accept(loop)
  local connection = self:connection(loop)
  return connection, core_peer.read_request(loop, connection)
end

--- Sends of `text` behind its first `sent` bytes what the connection takes at once, 256 KiB at most;
--- how many bytes of it have been sent now.
function core_peer.send_some(connection, text, sent)
  local last, _, reached = connection:send(text, sent + 1, math.min(#text, sent + 262144))
  return last or reached
end

function Peer:close()
  self.listener:close()
end

--- Starts a request, and accepts it.
---@return userdata transfer
---@return table connection
---@return string request
function core_peer.open(loop, peer, options)
  local transfer = core_peer.start(loop, peer, options)
  return transfer, peer:accept(loop)
end

--- A request and what it is answered, to its end.
---@return userdata transfer
function core_peer.answered(loop, peer, text, options)
  local transfer, connection = core_peer.open(loop, peer, options)
  local sent = 0
  core_peer.run(loop, function()
    sent = core_peer.send_some(connection, text, sent)
    return sent == #text or transfer:done()
  end)
  connection:shutdown("send")
  core_peer.finish(loop, transfer)
  connection:close()
  return transfer
end

--- A transfer and the peer's side of it.
---@return { transfer: userdata, connection: table }
function core_peer.pair(loop, peer, options)
  local transfer, connection = core_peer.open(loop, peer, options)
  return { transfer = transfer, connection = connection }
end

--- So many of them.
function core_peer.pairs(loop, peer, count)
  local list = {}
  for i = 1, count do
    list[i] = core_peer.pair(loop, peer)
  end
  return list
end

function core_peer.close_all(list)
  for _, each in ipairs(list) do
    each.transfer:close()
    each.connection:close()
  end
end

--- Whether there is something to read from a descriptor, within so many seconds (0).
function core_peer.is_readable(descriptor, seconds)
  local watched = { getfd = function() return descriptor end, dirty = function() return false end }
  return #socket.select({ watched }, nil, seconds or 0) > 0
end

--- Runs `f` in a forked process; an error there is one here. (Not everywhere: see abilities.)
function core_peer.in_child(f)
  local pid = abilities.fork()
  if pid == 0 then
    local ok, message = pcall(f)
    if not ok then
      io.stderr:write("in the child: ", tostring(message), "\n")
    end
    abilities.exit(ok and 0 or 1)
  end
  local code = abilities.wait(pid)
  if code ~= 0 then
    error("the child ended with " .. code, 2)
  end
end

--- The signals that this process does not take; nil where the system does not tell.
function core_peer.held_signals()
  local status = io.open "/proc/self/status"
  local text = status and status:read "*a" or ""
  return status and status:close() and text:match "SigBlk:%s*(%x+)"
end

--- What the open descriptors of this process are, sorted; without pipes, as this makes one itself, of
--- which an end may be closed while they are listed.
function core_peer.descriptors()
  local names = "sed '/->/!d; s/.*-> //; s/:\\[[0-9]*\\]$//; /^pipe/d'"
  local pipe = assert(io.popen("ls -l /proc/$PPID/fd 2>/dev/null | " .. names .. " | sort"))
  local list = pipe:read("*a")
  pipe:close()
  return list
end

local function facts_of(descriptor)
  local file = io.open("/proc/self/fdinfo/" .. descriptor)
  local text = file and file:read "*a" or ""
  if file then
    file:close()
  end
  return text
end

--- The seconds that are left of the timer behind a loop's descriptor, and those it repeats after; 0 where it is not
--- set, nil where the system does not tell.
function core_peer.timer(descriptor)
  for watched in facts_of(descriptor):gmatch "tfd:%s*(%d+)" do
    local facts = facts_of(watched)
    local seconds, nanoseconds = facts:match "it_value: %((%d+), (%d+)%)"
    if seconds then
      local again, more = facts:match "it_interval: %((%d+), (%d+)%)"
      return seconds + nanoseconds / 1e9, again + more / 1e9
    end
  end
end

--- Resident memory of this process in bytes.
function core_peer.memory()
  local file = io.open("/proc/self/status")
  local text = file and file:read("*a") or ""
  if file then
    file:close()
  end
  return (tonumber(text:match("VmRSS:%s*(%d+)")) or 0) * 1024
end

return core_peer
