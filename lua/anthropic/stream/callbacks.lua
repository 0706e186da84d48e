--- Callbacks: `client.messages.stream` with functions among its options.
--
--     local handle = client.messages.stream(params, {
--       on_text = function(text) io.write(text) end,
--       on_done = function(message, err) print(message and message.stop_reason or err) end,
--     })
--     handle:cancel()
--
-- The functions are called where the host calls its own: in Neovim in its main loop, in a game by `frame.update`. An
-- error that one of them raises ends the stream, and is raised in the host's way. `on_event` and
-- `on_text` may wait.

local check = require "anthropic.base.check"
local core = require "anthropic.core"
local errors = require "anthropic.base.error"
local events = require "anthropic.message.events"
local tasks = require "anthropic.loop.task"

local stream_callbacks = {}

---@class anthropic.StreamCallbacks: anthropic.Options the callbacks of messages.stream; options of the request stand in
---  the same table
---@field on_event? fun(event: anthropic.api.RawMessageStreamEvent) called with each event
---@field on_text? fun(text: string) called with each non-empty piece of text
---@field on_done? fun(message: anthropic.Message?, err: anthropic.Error?) called once, at the end, whatever happens

---@class anthropic.StreamHandle: anthropic.Task
---@field snapshot fun(): anthropic.Message? the message so far, and at the end all that arrived; nil before
---  the response's headers

stream_callbacks.settings = {
  on_event = check.of_type "function",
  on_text = check.of_type "function",
  on_done = check.of_type "function",
}

-- Much may have come at once: when callbacks have taken so long, the host goes on first.
local SLICE_SECONDS = 0.005

local function deliver(driver, stream, callbacks)
  local on_event, on_text = callbacks.on_event, callbacks.on_text
  local task = tasks.current()
  local event = (on_event or on_text) and stream:next()
  local taken = 0
  while event and not task.is_cancelled do
    local began = core.now()
    if on_event then
      on_event(event)
    end
    local text = on_text and events.text_of(event)
    if text then
      on_text(text)
    end
    taken = taken + core.now() - began
    if taken > SLICE_SECONDS then
      tasks.sleep(0, driver)
      taken = 0
    end
    event = not task.is_cancelled and stream:next()
  end
  if task.is_cancelled then
    stream:close()
  end
  return stream:message()
end

--- Begins a stream that calls back.
---@param driver string|table|nil the client's `loop` option
---@param callbacks anthropic.StreamCallbacks
---@param open fun(): anthropic.Stream?, anthropic.Error? sends the request
---@return anthropic.StreamHandle|nil handle
---@return anthropic.Error? err where nothing could go on with the stream; on_done was called with it
function stream_callbacks.start(driver, callbacks, open)
  local stream, latest
  local on_done = callbacks.on_done or function() end
  local function done(message, err)
    callbacks, stream, latest = {}, nil, message or err and err.partial
    local call = on_done
    on_done = function() end
    call(message, err)
  end
  local handle, refusal = tasks.start(driver, function()
    local message, err
    stream, err = open()
    if stream then
      message, err = deliver(driver, stream, callbacks)
    end
    done(message, err)
  end, function(failure)
    if stream then
      stream:close()
    end
    if not errors.is(failure) then
      failure = errors.cancelled("a callback failed: " .. tostring(failure))
    end
    done(nil, failure)
  end)
  if not handle then
    done(nil, refusal)
    return nil, refusal
  end
  function handle.snapshot()
    if stream then
      return stream:snapshot()
    end
    return latest
  end
  return handle
end

return stream_callbacks
