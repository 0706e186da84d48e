-- Asks one question and prints the answer.
--
--     ANTHROPIC_API_KEY=... lua examples/hello.lua

local anthropic = require "anthropic"

local client = anthropic.new()

local message = assert(client.messages.create {
  model = "claude-sonnet-5-5",
  max_tokens = 1024,
  messages = { { role = "user", content = "Hello" } },
})

print(message:text())
