--- The text of an answer that is to be JSON. Before it calls one of the server's tools, or before another model takes
--- over, a model may say other things: the answer is what follows.
--
--     answer_text.of(message.content)       --> '{"city":"Paris"}'

local tables = require "anthropic.base.tables"

local answer_text = {}

local WITHIN = tables.set { "text", "thinking", "redacted_thinking" }

--- Whether the answer begins after this block, if text follows the block.
---@param block any
---@return boolean
function answer_text.begins_behind(block)
  return type(block) == "table" and not WITHIN[block.type]
end

--- The text after the last such block; "" if no text follows it.
---@param content table[]
---@return string
function answer_text.of(content)
  local pieces = {}
  for _, block in ipairs(content) do
    if answer_text.begins_behind(block) then
      pieces = {}
    elseif block.type == "text" and type(block.text) == "string" then
      pieces[#pieces + 1] = block.text
    end
  end
  return table.concat(pieces)
end

return answer_text
