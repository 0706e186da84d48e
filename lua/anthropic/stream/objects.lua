--- The object of a structured output, while its text streams: in time linear in the bytes.
--
--     local reader = objects.reader(stream)
--     local object, progress = reader:read(text)     -- each piece of text

local core = require "anthropic.base.core"
local tool_inputs = require "anthropic.stream.tool_inputs"

local objects = {}

local ObjectReader = {}
ObjectReader.__index = ObjectReader

--- Reads the text of a stream, what has come of it before included.
---@param stream anthropic.Stream
function objects.reader(stream)
  local self = setmetatable({ progress = tool_inputs.progress { reader = core.json_partial() } }, ObjectReader)
  self.before = stream.is_seen and stream:snapshot():text() or ""
  return self
end

--- Takes in a piece of text.
---@param text string
---@return table|nil object as far as it is known; nil where its JSON was broken before
---@return anthropic.ToolInputProgress? progress
function ObjectReader:read(text)
  local progress = self.progress
  if progress.message then
    return nil
  elseif self.before ~= "" then
    text, self.before = self.before .. text, ""
  end
  progress.message = select(2, progress.reader:feed(text))
  return progress.reader:value(), progress
end

return objects
