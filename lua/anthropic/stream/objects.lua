--- The object of a structured output, while its text streams: in time linear in the bytes.
--
--     local reader = objects.reader(stream)
--     local object, progress = reader:read(piece)    -- each piece of text, and each event between texts

local answer_text = require "anthropic.message.answer_text"
local core = require "anthropic.base.core"
local events = require "anthropic.message.events"
local tool_inputs = require "anthropic.stream.tool_inputs"

local objects = {}

local ObjectReader = {}
ObjectReader.__index = ObjectReader

--- The event itself if the answer begins behind it: text before it is not part of the answer.
---@param event table
---@return table?
function objects.parts(event)
  local is_first = event.type == "content_block_start" and events.choice_of(event) == 0
  return is_first and answer_text.begins_behind(event.content_block) and event or nil
end

--- Reads the text of a stream, including what has come of it before.
---@param stream anthropic.Stream
function objects.reader(stream)
  local self = setmetatable({}, ObjectReader)
  self:begin(stream.is_seen and answer_text.of(stream:snapshot().content) or "")
  return self
end

-- Begins with an answer, of which `text` has come before.
function ObjectReader:begin(text)
  self.progress, self.before = tool_inputs.progress { reader = core.json_partial() }, text
end

--- Takes in a piece of text, or an event behind which the answer begins.
---@param piece string|table
---@return table|nil object as far as it is known; nil if its JSON was broken before
---@return anthropic.ToolInputProgress? progress
function ObjectReader:read(piece)
  local progress = self.progress
  if type(piece) == "table" then
    self:begin ""
    return nil
  elseif progress.message then
    return nil
  elseif self.before ~= "" then
    piece, self.before = self.before .. piece, ""
  end
  progress.message = select(2, progress.reader:feed(piece))
  return progress.reader:value(), progress
end

return objects
