-- This library at the work of the benchmarks; see bench/peers/README.md for the arguments and the output.
local url, how, requests, at_once, prompt, history = arg[1], arg[2], tonumber(arg[3]), tonumber(arg[4]),
  tonumber(arg[5]), tonumber(arg[6])
local anthropic = require "anthropic"
if how == "load" then
  return print "0 0"
end

local client = anthropic.new {
  base_url = url, api_key = "bench-key", max_retries = 0,
  ca_file = os.getenv "BENCH_CA_FILE", http_version = os.getenv "BENCH_HTTP_VERSION",
}
if how == "ready" then
  return print "0 0"
end

local messages = { { role = "user", content = ("word "):rep(prompt / 5) } }
for i = 1, history do
  messages[#messages + 1] = {
    role = i % 2 == 1 and "assistant" or "user",
    content = { { type = "text", text = ("What was said before. "):rep(10) } },
  }
end
local params = { model = "claude-bench", max_tokens = 1024, messages = messages }

local readers = {}

function readers.create()
  return #assert(client.messages.create(params)):text(), 0
end

function readers.events()
  local bytes, deltas = 0, 0
  for event in assert(client.messages.stream(params)) do
    if event.type == "content_block_delta" then
      bytes = bytes + #event.delta.text
      deltas = deltas + 1
    end
  end
  return bytes, deltas
end

function readers.text()
  local bytes, deltas = 0, 0
  for text in assert(client.messages.stream(params)):text_deltas() do
    bytes = bytes + #text
    deltas = deltas + 1
  end
  return bytes, deltas
end

function readers.message()
  return #assert(assert(client.messages.stream(params)):message()):text(), 0
end

function readers.tool()
  local message = assert(assert(client.messages.stream(params)):message())
  return #message:tool_uses()[1].input.text, 0
end

local bytes, deltas = 0, 0
local function request()
  local more_bytes, more_deltas = readers[how]()
  bytes, deltas = bytes + more_bytes, deltas + more_deltas
end

if at_once == 1 then
  for _ = 1, requests do
    request()
  end
else
  anthropic.run(function()
    local tasks = {}
    for i = 1, at_once do
      tasks[i] = anthropic.spawn(request)
    end
    for _, task in ipairs(tasks) do
      assert(task:join() == nil)
    end
  end)
end
print(("%d %d"):format(bytes, deltas))
