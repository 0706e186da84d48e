-- Answers every request on a Unix socket with one body, for a minute: lua unix_server.lua log path body
-- Logs each request's head.

local socket = require "socket"
local unix = require "socket.unix"

local log_path, path, body = ...
local log = assert(io.open(log_path, "a"))
log:setvbuf "no"

local make = type(unix) == "table" and unix.stream or unix
local listener = assert(make())
assert(listener:bind(path))
assert(listener:listen(8))
print "1"
io.stdout:flush()

local function serve(client)
  local length = 0
  repeat
    local line = client:receive "*l"
    if not line then
      return
    end
    log:write(line, "\n")
    length = tonumber(line:lower():match "^content%-length: (%d+)") or length
  until line == ""
  if length > 0 then
    client:receive(length)
  end
  client:send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
    .. ("Content-Length: %d\r\n\r\n"):format(#body) .. body)
end

local deadline = socket.gettime() + 60
while socket.gettime() < deadline do
  listener:settimeout(1)
  local client = listener:accept()
  if client then
    client:settimeout(5)
    serve(client)
    client:close()
  end
end
