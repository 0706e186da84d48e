-- Prints an answer piece by piece, as it is written.
--
--     ANTHROPIC_API_KEY=... lua examples/stream.lua

local anthropic = require "anthropic"

local client = anthropic.new()

local stream = assert(client.messages.create {
  model = "claude-sonnet-5-5",
  max_tokens = 1024,
  messages = { { role = "user", content = "Write a haiku about the moon." } },
  stream = true,
})

for text in stream:text_deltas() do
  io.write(text)
  io.flush()
end

local message = stream:message() -- the whole message, put together from the events
print(("\n(%s, %s tokens)"):format(tostring(message.stop_reason), tostring(message.usage.output_tokens)))
