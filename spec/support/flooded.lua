-- Reads a stream of pings that comes faster than it is read, and prints how many came, what ended it,
-- and by how many KiB the process grew: while nobody read, and at most while it did. In a process of its
-- own, as the garbage of a large heap would hide it: lua flooded.lua url

local anthropic = require "anthropic"
local loop = require "anthropic.loop"

local SECONDS_UNREAD = 1

local function resident_kib()
  local file = io.open "/proc/self/status"
  local text = file and file:read "*a" or ""
  return file and file:close() and tonumber(text:match "VmRSS:%s*(%d+)") or 0
end

local client = anthropic.new { base_url = ..., api_key = "a key of a test", max_retries = 0 }
local stream = assert(client.messages.stream {
  model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } },
})
local before = resident_kib()
local deadline = anthropic.now() + SECONDS_UNREAD
while anthropic.now() < deadline do
  loop.step(0.1)
end
local unread, most, count = resident_kib() - before, 0, 0
local event, err = stream:next()
while event do
  count = count + (event.type == "ping" and 1 or 0)
  if count % 64 == 0 then
    most = math.max(most, resident_kib() - before)
  end
  event, err = stream:next()
end
print(count, err and err.kind, unread, most)
