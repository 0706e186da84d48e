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

local callbacks = require "anthropic.loop.callbacks"
local check = require "anthropic.base.check"
local events = require "anthropic.message.events"
local tasks = require "anthropic.loop.task"

local stream_callbacks = {}

---@class anthropic.StreamCallbacks: anthropic.Options the callbacks of messages.stream; options of the request stand in
---  the same table
---@field on_event? fun(event: anthropic.api.RawMessageStreamEvent) called with each event
---@field on_text? fun(text: string) called with each non-empty piece of text
---@field on_done? fun(message: anthropic.Message?, err: anthropic.Error?) called once, at the end, whatever happens

---@class anthropic.StreamHandle: anthropic.Task
---@field snapshot fun(handle: anthropic.StreamHandle): anthropic.Message? the message so far, and at the end all that
---  arrived; nil before the response's headers

stream_callbacks.settings = {
  on_event = check.of_type "function",
  on_text = check.of_type "function",
  on_done = check.of_type "function",
}

local function deliver(stream, given, call)
  local on_event, on_text = given.on_event, given.on_text
  local event = (on_event or on_text) and stream:next()
  while event do
    local text = on_text and events.text_of(event)
    if not call(on_event, event) or text and not call(on_text, text) then
      break
    end
    event = stream:next()
  end
  if not call() then
    stream:close()
  end
  return stream:message()
end

--- Begins a stream that calls back.
---@param driver string|table|nil the client's `loop` option
---@param given anthropic.StreamCallbacks
---@param open fun(): anthropic.Stream?, anthropic.Error? sends the request
---@return anthropic.StreamHandle|nil handle
---@return anthropic.Error? err if nothing could go on with the stream; on_done was called with it
function stream_callbacks.start(driver, given, open)
  local stream, latest
  local function on_done(message, err)
    stream, latest = nil, message or err and err.partial
    if given.on_done then
      given.on_done(message, err)
    end
  end
  local can_go_on, refusal = tasks.check_host(driver)
  if not can_go_on then
    on_done(nil, refusal)
    return nil, refusal
  end
  local handle = callbacks.start(driver, on_done, open, function(opened, call)
    stream = opened
    return deliver(stream, given, call)
  end)
  function handle.snapshot()
    if stream then
      return stream:snapshot()
    end
    return latest
  end
  return handle
end

return stream_callbacks
