--- One block of the API's own events: what has come of it, and what is new in a repetition. native_blocks.lua has all
--- blocks.

local json = require "anthropic.base.json"
local parts = require "anthropic.message.parts"

---@class anthropic.NativeBlock
---@field index integer
---@field type? string nil until it is known
---@field pending? table the start that waits for the type, or for a call's name and ID
---@field waiting? number bytes of `pending`
---@field content? table the block as it has begun
---@field given_id? string of a call, as the server sent it
---@field heard? anthropic.HeardText the input of a call that began without an ID
---@field brought table<string, true> the types of deltas that came
---@field added? integer bytes of text that they brought
---@field has_ended? boolean
---@field is_guessed? boolean the server has not begun it, and its type is only its first delta's

local native_block = {}

--- Whether a block's start says enough to begin it: nothing has to be waited for.
---@param content table the block as its start has it
---@return boolean
function native_block.is_told(content)
  if parts.is_tool_use(content.type) then
    return parts.word(content.id) ~= nil and parts.word(content.name) ~= nil
  end
  return content.type ~= nil
end

--- The content of a block that has begun, or waits to begin.
---@param block anthropic.NativeBlock
---@return table
function native_block.content_of(block)
  return block.pending and block.pending.content_block or block.content
end

local function is_same_word(begun, said)
  begun, said = parts.word(begun), parts.word(said)
  return begun == nil or said == nil or begun == said
end

-- Whether the input beside a late ID, if there is an input, is what has come of the call.
local function is_same_input(block, content)
  local said, came = content.input, block.content.input
  if block.heard then
    came = block.heard:text() or json.null
  end
  if parts.is_empty(said) or not block.heard and parts.is_empty(came) then
    return true
  end
  return came == said or parts.is_same_input(came, said)
end

-- The same for the ID. A made-up ID proves nothing: the server's may come late.
local function is_same_id(block, content)
  local begun, said = native_block.content_of(block), parts.word(content.id)
  if block.pending or not parts.is_tool_use(begun.type) then
    return is_same_word(begun.id, said)
  end
  return is_same_word(block.given_id, said) and (block.given_id ~= nil or said == nil or is_same_input(block, content))
end

--- Whether something that is said of a block can be said of this one.
---@param block anthropic.NativeBlock
---@param content table
---@return boolean
function native_block.is_same(block, content)
  local begun = native_block.content_of(block)
  return is_same_word(begun.type, content.type) and is_same_word(begun.name, content.name)
    and is_same_id(block, content)
end

--- The part of a growing member that has not come yet: the member may be repeated, or repeated with more to it.
---@param block anthropic.NativeBlock
---@param row table of deltas.ROWS
---@param content table
---@return string?
function native_block.rest_of(block, row, content)
  local begun, said = block.content[row.grows], content[row.grows]
  if block.brought[row.type] or parts.is_empty(said) then
    return nil
  elseif row.grows == "input" then
    return parts.is_empty(begun) and parts.input_text { type = "tool_use", input = said } or nil
  elseif type(said) ~= "string" or said == begun then
    return nil
  end
  local has_grown = type(begun) == "string" and row.grows ~= "signature" and said:sub(1, #begun) == begun
  return has_grown and said:sub(#begun + 1) or said
end

return native_block
