--- What the events of blocks bring, under any name: some servers call a block a delta or a delta a block, or have the
-- members of either in the event itself.
--
--     members.block_of { type = "content_block_start", index = 0, text = "Hi" }   --> { text = "Hi" }

local deltas = require "anthropic.message.deltas"
local json = require "anthropic.base.json"
local parts = require "anthropic.message.parts"

local members = {}

--- The members of an event besides those in which it should have its block or delta.
---@param event table
---@return table
function members.beside(event)
  local beside = json.copy(event)
  beside.type, beside.index, beside.content_block, beside.delta = nil, nil, nil, nil
  return beside
end

--- Whether a value can be read as a delta.
---@param value any
---@return boolean
function members.is_delta(value)
  return type(value) == "string" and value ~= "" or type(value) == "table" and deltas.read(value) ~= nil
end

--- The block that a start brings: as its `content_block`, as its `delta`, or in the event itself.
---@param event table a delta that is the block is taken out of it
---@return any block empty if it brings none
function members.block_of(event)
  local given, delta = event.content_block, event.delta
  if not parts.is_empty(given) then
    return given
  elseif type(delta) == "table" and parts.type_of(delta) and not members.is_delta(delta) then
    event.delta = nil
    return delta
  end
  given = members.beside(event)
  return parts.type_of(given) and given or {}
end

return members
