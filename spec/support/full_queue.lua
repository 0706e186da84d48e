-- An address on which nobody answers: the queue of connections behind it is full.
--
--     local queue = full_queue.open()
--     if queue then ... queue.url ... queue:close() end

local socket = require "socket"

local full_queue = {}
full_queue.__index = full_queue

--- nil where the system answers connections above its queue.
function full_queue.open()
  local self = setmetatable({ sockets = {} }, full_queue)
  local listener = assert(socket.tcp())
  self.sockets[1] = listener
  assert(listener:bind("127.0.0.1", 0))
  assert(listener:listen(0))
  local _, port = listener:getsockname()
  self.url = "http://127.0.0.1:" .. port
  for _ = 1, 8 do
    local filler = socket.tcp()
    filler:settimeout(0)
    filler:connect("127.0.0.1", port)
    self.sockets[#self.sockets + 1] = filler
  end
  socket.sleep(0.1)
  local probe = socket.tcp()
  probe:settimeout(0.2)
  local connected = probe:connect("127.0.0.1", port)
  probe:close()
  if connected then
    self:close()
    return nil
  end
  return self
end

function full_queue:close()
  for _, each in ipairs(self.sockets) do
    each:close()
  end
end

return full_queue
