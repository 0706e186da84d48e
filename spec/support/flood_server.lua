-- Answers with a stream that never ends, as fast as it is read: lua flood_server.lua log

local socket = require "socket"

local LIFETIME = 60 -- seconds

local function event(name, data)
  return ("event: %s\ndata: %s\n\n"):format(name, data)
end

local HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
local START = event("message_start", '{"type":"message_start","message":{"id":"msg","content":[]}}')
  .. event("content_block_start",
    '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}')
local DELTAS = event("content_block_delta",
  '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}'):rep(500)

local listener = assert(socket.bind("127.0.0.1", 0))
print((select(2, listener:getsockname())))
io.stdout:flush()
listener:settimeout(LIFETIME)
local deadline = socket.gettime() + LIFETIME
local client = assert(listener:accept())
client:settimeout(LIFETIME)
repeat
  local line = client:receive("*l")
until not line or line == ""
local ok = client:send(HEAD .. START)
while ok and socket.gettime() < deadline do
  ok = client:send(DELTAS)
end
