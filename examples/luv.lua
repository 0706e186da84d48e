-- Streams two answers at once under luv's event loop, whose timer goes on meanwhile.
--
--     ANTHROPIC_API_KEY=... lua examples/luv.lua

local uv = require "luv"
local anthropic = require "anthropic"

local client = anthropic.new()

local function params(question)
  return {
    model = "claude-sonnet-5-5",
    max_tokens = 1024,
    messages = { { role = "user", content = question } },
  }
end

-- By callbacks. The handle can be cancelled, asked with is_closing() and closed, as luv's own.
client.messages.stream(params "Write a haiku about the moon.", {
  on_text = function(text) io.write(text) io.flush() end,
  on_done = function(_, err) io.write(err and tostring(err) or "", "\n") end,
})

-- In a coroutine.
coroutine.wrap(function()
  local message, err = client.messages.create(params "Write a haiku about the sun.")
  print(message and message:text() or err)
end)()

local ticks = 0
local timer = uv.new_timer()
timer:start(0, 10, function()
  ticks = ticks + 1
end)
timer:unref()

uv.run() -- until both are done
print(("(%d ticks meanwhile)"):format(ticks))
