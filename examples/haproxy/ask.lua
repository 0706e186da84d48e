--- Answers by a service of HAProxy's: `http-request use-service lua.ask`.
-- luacheck: read globals core

local anthropic = require "anthropic"
local coroutines = require "anthropic.loop.coroutines"

-- HAProxy resumes a coroutine when it has slept, and never again once its client is gone: then its stream is closed.
local function sleep(seconds)
  core.msleep(math.max(1, math.floor(seconds * 1000)))
end

local client = anthropic.new {
  loop = { suspends = true, check = coroutines.check, wait = coroutines.poll(sleep, { abandoned_after = 1 }) },
}

core.register_service("ask", "http", function(applet)
  local stream, err = client.messages.stream {
    model = "claude-sonnet-5-5",
    max_tokens = 1024,
    messages = { { role = "user", content = "Why is the sky blue?" } },
  }
  applet:set_status(stream and 200 or 502)
  applet:add_header("content-type", "text/plain")
  applet:start_response()
  if not stream then
    applet:send(err.message)
    return
  end
  for text in stream:text_deltas() do
    applet:send(text)
  end
end)
