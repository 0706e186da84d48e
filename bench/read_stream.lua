-- Reads one stream as fast as it comes: lua bench/read_stream.lua URL [events|text|message]
local anthropic = require "anthropic"

local url, how = arg[1], arg[2] or "events"
local client = anthropic.new { base_url = url, api_key = "bench-key" }
local stream = assert(client.messages.stream {
  model = "bench", max_tokens = 1, messages = { { role = "user", content = "go" } },
})
local count = 0
if how == "events" then
  for event in stream do
    count = count + (event.type == "content_block_delta" and #event.delta.text or 0)
  end
elseif how == "text" then
  for text in stream:text_deltas() do
    count = count + #text
  end
else
  count = #assert(stream:message()):text()
end
print(count)
