--- When a stream brought its first content and text, for its response's timings.
--
--     local clock = stream_clock.new()
--     clock:note(event)                        -- at each event
--     clock:add_to(timings, began, usage)

local core = require "anthropic.base.core"
local events = require "anthropic.message.events"

---@class anthropic.StreamClock
---@field awaits_text boolean a text block has started, and its first text has not come
local Clock = {}
Clock.__index = Clock

local stream_clock = {}

--- Makes a clock for one attempt.
---@return anthropic.StreamClock
function stream_clock.new()
  return setmetatable({ awaits_text = false }, Clock)
end

local function starts_text(event)
  local block = event.type == "content_block_start" and events.choice_of(event) == 0 and event.content_block
  return type(block) == "table" and block.type == "text"
end

--- Notes the time of an event that matters. Deltas of other blocks than text may be left out.
---@param event table
function Clock:note(event)
  if self.text_at then
    return
  elseif not self.content_at and events.is_content(event) then
    self.content_at = core.now()
  end
  if events.text_of(event) then
    self.text_at = core.now()
  end
  self.awaits_text = not self.text_at and (self.awaits_text or starts_text(event))
end

--- At the end of the stream: adds `first_text`, in seconds since the attempt began, and
--- `tokens_per_second`, from the first content on.
---@param timings table
---@param began number
---@param usage? table
function Clock:add_to(timings, began, usage)
  local tokens = usage and usage.output_tokens
  local seconds = self.content_at and core.now() - self.content_at or 0
  timings.first_text = self.text_at and self.text_at - began
  timings.tokens_per_second = type(tokens) == "number" and seconds > 0 and tokens / seconds or nil
end

return stream_clock
