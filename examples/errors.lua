-- Shows what failures look like: values with a kind, never a crash.
--
--     ANTHROPIC_API_KEY=... lua examples/errors.lua

local anthropic = require "anthropic"

local client = anthropic.new {
  max_retries = 3,
  on_retry = function(info)
    print(("attempt %d failed: %s"):format(info.attempt, tostring(info.error)))
    print(("  the next one comes in %.1f s"):format(info.delay))
  end,
}

local function explain(err)
  if err.kind == "api" then
    print(("the server said no: %d %s"):format(err.status, err.type))
  elseif err.kind == "timeout" then
    print("too slow: the " .. err.timeout .. " timeout ran out")
  elseif err.kind == "invalid_request" then
    print("not even sent: " .. err.message)
  else -- "connection", "truncated", "protocol", "cancelled"
    print("did not work: " .. err.message)
  end
  print("  in one line: " .. tostring(err))
  if err.partial then
    print("  what had arrived: " .. err.partial:text())
  end
end

local function ask(params, options)
  params.max_tokens = 1024
  params.messages = params.messages or { { role = "user", content = "Hello" } }
  local message, err = client.messages.create(params, options)
  if not message then
    explain(err)
    return
  end
  print("answered after " .. message.response.attempts .. " attempts: " .. message:text())
end

ask { model = "claude-sonnet-5-5", messages = "Hello" } -- a list is expected
ask { model = "no-such-model" }
ask({ model = "claude-sonnet-5-5" }, { timeout = 0.001 })
ask { model = "claude-sonnet-5-5" } -- overloaded for a while? It is tried again

-- A stream can fail when half of it is there. Iterating raises the error; stream:next() returns it.
local stream, err = client.messages.stream {
  model = "claude-sonnet-5-5",
  max_tokens = 1024,
  messages = { { role = "user", content = "Count to ten." } },
}
if not stream then
  return explain(err)
end
local event
repeat
  event, err = stream:next()
until not event
if err then
  explain(err)
else
  print(stream:message():text())
end
