-- Streams two answers at once in coroutines of cqueues, beside one that ticks.
--
--     ANTHROPIC_API_KEY=... lua examples/cqueues.lua

local cqueues = require "cqueues"
local anthropic = require "anthropic"

local client = anthropic.new()
local controller = cqueues.new()
local left, ticks = 2, 0

local function answer(question)
  local stream, err = client.messages.stream {
    model = "claude-sonnet-5-5",
    max_tokens = 1024,
    messages = { { role = "user", content = question } },
  }
  local message = stream
  if stream then
    message, err = stream:message() -- stream:next() returns the events one by one
  end
  print(message and message:text() or err)
  left = left - 1
end

controller:wrap(answer, "Write a haiku about the moon.")
controller:wrap(answer, "Write a haiku about the sun.")
controller:wrap(function()
  while left > 0 do
    cqueues.sleep(0.01)
    ticks = ticks + 1
  end
end)

assert(controller:loop()) -- until all are done
print(("(%d ticks meanwhile)"):format(ticks))
