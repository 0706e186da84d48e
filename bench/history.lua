-- Encodes, or decodes, a conversation of so many small messages, without the collector: lua bench/history.lua HOW COUNT
local anthropic = require "anthropic"

collectgarbage "stop" -- when it runs is not what is measured

local how, count = arg[1], tonumber(arg[2])
local MESSAGES = {
  { role = "user", content = "Look at the file again, please." },
  { role = "assistant", content = {
    { type = "text", text = "I look." },
    { type = "tool_use", id = "toolu_01", name = "read_file", input = { path = "src/main.lua", from = 1, to = 40 } },
  } },
  { role = "user", content = { { type = "tool_result", tool_use_id = "toolu_01", content = "local x = 1" } } },
  { role = "assistant", content = { { type = "text", text = "It holds one line." } } },
}

local messages, texts, encoded = {}, {}, {}
for i, message in ipairs(MESSAGES) do
  encoded[i] = assert(anthropic.encode(message))
end
for i = 1, count do
  local kind = (i - 1) % #MESSAGES + 1
  messages[i], texts[i] = MESSAGES[kind], encoded[kind]
end
if how == "decode" then
  assert(#anthropic.decode('{"messages":[' .. table.concat(texts, ",") .. "]}").messages == count)
else
  print(#assert(anthropic.encode { model = "bench", max_tokens = 1000, messages = messages }))
end
