-- Says the same to everyone who connects, and closes: lua greeter.lua log greeting

local socket = require "socket"

local LIFETIME = 300 -- seconds

local _, greeting = ...
local listener = assert(socket.bind("127.0.0.1", 0, 64))
print((select(2, listener:getsockname())))
io.stdout:flush()

local deadline = socket.gettime() + LIFETIME
while socket.gettime() < deadline do
  listener:settimeout(1)
  local client = listener:accept()
  if client then
    client:settimeout(1)
    client:send(greeting)
    client:receive(1) -- unread input would turn the close into a reset
    client:close()
  end
end
