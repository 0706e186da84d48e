--- A stream for programs that think in callbacks.
--
--     local handle = client.messages.stream(params, {
--       on_text = function(text) io.write(text) end,
--       on_done = function(message, err) print(message and message.stop_reason or err) end,
--     })
--     handle:cancel()
--
-- The callbacks are called where the host calls its own: in Neovim in its main loop, in a game by
-- `frame.update`. `on_done` is called once, whatever happens. What a callback raises ends the stream
-- and is raised in the host's way.

local callbacks = require "anthropic.loop.callbacks"
local check = require "anthropic.base.check"
local events = require "anthropic.message.events"

local stream_callbacks = {}

---@class anthropic.StreamCallbacks: anthropic.Options its table holds options of the request as well
---@field on_event? fun(event: anthropic.api.RawMessageStreamEvent) each event
---@field on_text? fun(text: string) each non-empty piece of text
---@field on_done? fun(message: anthropic.Message?, err: anthropic.Error?) at the end

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
---@return anthropic.Task handle
function stream_callbacks.start(driver, given, open)
  return callbacks.start(driver, given.on_done, open, function(stream, call)
    return deliver(stream, given, call)
  end)
end

return stream_callbacks
