-- Encodes a request with a history of so many turns, and prints its bytes: lua bench/encode_history.lua COUNT
local anthropic = require "anthropic"

local TEXT = ("A sentence of a conversation, with a \"quotation\" and a new line.\n"):rep(8)

local messages = {}
for i = 1, tonumber(arg[1]) do
  messages[2 * i - 1] = { role = "user", content = TEXT }
  messages[2 * i] = {
    role = "assistant",
    content = {
      { type = "text", text = TEXT },
      { type = "tool_use", id = "toolu_" .. i, name = "look", input = { at = i } },
    },
  }
end
print(#assert(anthropic.encode { model = "bench", max_tokens = 1000, stream = true, messages = messages }))
