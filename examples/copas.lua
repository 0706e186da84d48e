-- Answers whoever connects to a Copas server: each line that comes is a question, and its answer goes back
-- as it is written. Several connections are served at once.
--
--     ANTHROPIC_API_KEY=... lua5.1 examples/copas.lua 8000
--     nc 127.0.0.1 8000

local copas = require "copas"
local socket = require "socket"
local anthropic = require "anthropic"

local client = anthropic.new()

local function answer(connection, question)
  local stream, err = client.messages.stream {
    model = "claude-sonnet-5-5",
    max_tokens = 1024,
    messages = { { role = "user", content = question } },
  }
  local event = stream and stream:next()
  while event do
    local text = event.delta and event.delta.text
    if text and not copas.send(connection, text) then
      stream:close() -- whoever has asked is gone
      return
    end
    event, err = stream:next()
  end
  copas.send(connection, (err and tostring(err) or "") .. "\n")
end

local listener = assert(socket.bind("127.0.0.1", tonumber(arg[1]) or 8000))
copas.addserver(listener, function(connection)
  local question = copas.receive(connection)
  while question do
    answer(connection, question)
    question = copas.receive(connection)
  end
  connection:close()
end)
print(("127.0.0.1:%d"):format(select(2, listener:getsockname())))
io.stdout:flush()
copas.loop()
