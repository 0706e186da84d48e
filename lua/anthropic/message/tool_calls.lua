--- The tool calls of a chat completion, put together from their pieces.
--
-- Servers tell calls apart by an index, by an ID, or not at all. A call begins with a new index; with a new ID together
-- with a name; or, without both, with a new name, or as a further call of the same chunk.

local json = require "anthropic.base.json"
local parts = require "anthropic.message.parts"

---@class anthropic.ForeignCall
---@field id? string
---@field name? string
---@field index? integer of its block, once that has begun
---@field chunk integer the number of the chunk that brought its last piece

---@class anthropic.ToolCalls
---@field list anthropic.ForeignCall[] in the order of their beginning
local ToolCalls = {}
ToolCalls.__index = ToolCalls

local tool_calls = {}

--- The calls of one choice.
---@return anthropic.ToolCalls
function tool_calls.new()
  return setmetatable({ list = {}, by_index = {}, by_id = {} }, ToolCalls)
end

--- What a piece says of a call.
---@param piece table an element of `tool_calls`, or `{ ["function"] = function_call }`
---@return { index?: any, id?: string, name?: string, arguments: string }
function tool_calls.read(piece)
  local called = piece["function"] or piece.custom
  called = type(called) == "table" and called or piece
  local arguments = called.arguments
  if arguments == nil then
    arguments = called.input
  end
  if type(arguments) == "table" then
    arguments = next(arguments) == nil and "{}" or json.encode(arguments)
  end
  local id = piece.id
  return {
    index = tonumber(piece.index) or piece.index,
    id = type(id) == "number" and tostring(id) or parts.word(id),
    name = parts.word(called.name),
    arguments = parts.word(arguments) or type(arguments) == "number" and tostring(arguments) or "",
  }
end

-- Whether a piece that might go on with a call begins another. In a later chunk a new ID alone does not: some servers
-- make one for each piece.
local function is_another(call, said, chunk)
  local has_gone_on = call.chunk ~= chunk
  if said.id and call.id then
    return said.id ~= call.id and (said.name ~= nil or not has_gone_on)
  elseif said.name == nil then
    return false
  end
  return call.name ~= nil and said.name ~= call.name or said.id == nil and not has_gone_on
end

local function find(self, said, chunk)
  local call
  if said.index ~= nil then
    call = self.by_index[said.index]
  else
    call = said.id and self.by_id[said.id] or self.list[#self.list]
  end
  return call and not is_another(call, said, chunk) and call or nil
end

--- The call that a piece belongs to, with what the piece says of it; a new one where it belongs to none.
---@param said table see tool_calls.read
---@param chunk integer the number of the chunk
---@return anthropic.ForeignCall
function ToolCalls:take(said, chunk)
  local call = find(self, said, chunk)
  if not call then
    call = {}
    self.list[#self.list + 1] = call
  end
  call.id, call.name, call.chunk = call.id or said.id, call.name or said.name, chunk
  if said.index ~= nil then
    self.by_index[said.index] = call
  end
  if call.id then
    self.by_id[call.id] = call
  end
  return call
end

return tool_calls
