-- Watches a tool's input while it streams: lua bench/read_tool_input.lua URL
local anthropic = require "anthropic"

local client = anthropic.new { base_url = arg[1], api_key = "bench-key" }
local stream = assert(client.messages.stream {
  model = "bench", max_tokens = 1, messages = { { role = "user", content = "go" } },
})
local seen, is_whole = 0, false
for _, _, input, is_complete, progress in stream:tool_inputs() do
  seen = seen + #progress:added() + (input.lines and #input.lines or 0)
  is_whole = is_complete
end
assert(seen >= 0 and is_whole, "the input is not complete")
print "read to its end"
