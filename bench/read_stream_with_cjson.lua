-- The same by the usual means, for comparison: LuaSocket, lines, lua-cjson. arg[1] is http://HOST:PORT.
local cjson = require "cjson"
local socket = require "socket"

local host, port = arg[1]:match "//([^:]+):(%d+)"
local peer = assert(socket.connect(host, tonumber(port)))
local body = cjson.encode { model = "bench", max_tokens = 1, stream = true, messages = {} }
peer:send(("POST /v1/messages HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"):format(host)
  .. ("Connection: close\r\nContent-Length: %d\r\n\r\n%s"):format(#body, body))
local count = 0
local line = peer:receive "*l"
while line do
  local data = line:match "^data: (.*)"
  if data then
    local event = cjson.decode(data)
    if event.type == "content_block_delta" then
      count = count + #event.delta.text
    end
  end
  line = peer:receive "*l"
end
print(count)
