--- The tool calls of a chat completion, put together from their pieces.
--
-- Servers tell calls apart by an index, by an ID, or not at all. A call begins with a new index; with a new name; with
-- a new ID together with a name; with the same ID and a name in the same chunk, if the arguments of the call before
-- are whole; or, without an ID, with a name in the same chunk, or if those arguments are whole.

local budgets = require "anthropic.message.budget"
local heard_text = require "anthropic.message.heard_text"
local json = require "anthropic.base.json"
local parts = require "anthropic.message.parts"

---@class anthropic.ForeignCall
---@field id? string as the server sent it
---@field name? string
---@field index? integer of its block, once that has begun
---@field block_id? string of its block, which may be made up
---@field chunk integer the number of the chunk that brought its last piece
---@field has_number? boolean the server sent an index
---@field last_byte? string of its arguments so far
---@field is_whole? boolean its arguments came as an object
---@field heard anthropic.HeardText its arguments so far
---@field held? string an empty object, if its arguments are no more so far: it has not been handed on

---@class anthropic.ToolCalls
---@field list anthropic.ForeignCall[] in the order of their beginning
---@field budget anthropic.Budget
local ToolCalls = {}
ToolCalls.__index = ToolCalls

local tool_calls = {}

-- Bytes that a call, and an index for one, take besides their words.
local CALL_BYTES, INDEX_BYTES = 300, 50

--- The calls of one choice.
---@param budget? anthropic.Budget what is kept of them counts there
---@return anthropic.ToolCalls
function tool_calls.new(budget)
  return setmetatable({ list = {}, by_index = {}, by_id = {}, budget = budget or budgets.new() }, ToolCalls)
end

local function first_of(members, ...)
  for _, name in ipairs { ... } do
    if members[name] ~= nil then
      return members[name]
    end
  end
end

--- What a piece says of a call.
---@param piece table an element of `tool_calls`, or `{ ["function"] = function_call }`
---@return { index?: any, id?: string, name?: string, arguments: string, is_whole?: boolean }
function tool_calls.read(piece)
  local called = piece["function"] or piece.custom
  called = type(called) == "table" and called or piece
  local arguments = first_of(called, "arguments", "input", "parameters", "input_json") -- the last if it is broken
  local is_whole = type(arguments) == "table"
  if is_whole then
    arguments = json.input_text(arguments) -- with its nulls
    arguments = arguments and not arguments:find "^[{%[]%s*[}%]]$" and arguments or nil
  end
  local id = piece.id
  return {
    index = parts.index(piece.index) or parts.word(piece.index),
    id = type(id) == "number" and json.encode(id) or parts.word(id),
    name = parts.word(called.name) or parts.word(piece.name) or parts.word(piece["function"]),
    arguments = parts.word(arguments) or type(arguments) == "number" and json.encode(arguments) or "",
    is_whole = is_whole or nil,
  }
end

--- Whether a `function_call` is one of the calls beside it.
---@param calls any
---@param called any
---@return boolean
function tool_calls.has(calls, called)
  if type(called) ~= "table" or type(calls) ~= "table" then
    return false
  end
  for _, piece in ipairs(calls[1] ~= nil and calls or { calls }) do
    if type(piece) == "table" and (parts.is_empty(called.name) or tool_calls.read(piece).name == called.name) then
      return true
    end
  end
  return false
end

-- Whether a piece cannot go on with the arguments so far: no JSON goes on like that after an object's end.
local function begins_anew(call, said)
  local has_ended = call.is_whole or call.last_byte == "}"
  return has_ended and (said.is_whole or said.arguments:find "^%s*{" ~= nil)
end

-- Whether a piece that might go on with a call begins another. In a later chunk a new ID alone does not begin one: some
-- servers make an ID for each piece. Nor does a whole call with the same ID, which may be a repetition.
local function is_another(call, said, chunk)
  local has_gone_on = call.chunk ~= chunk
  if said.name and call.name and said.name ~= call.name then
    return true
  elseif said.id and said.id == call.id then
    return said.name ~= nil and not has_gone_on and begins_anew(call, said)
  elseif said.id and call.id then
    return said.name ~= nil or not has_gone_on
  end
  return said.name ~= nil and call.name ~= nil and (not has_gone_on or begins_anew(call, said))
end

-- Arguments with more than so many times a piece's bytes are not compared with it: that would cost too much.
local MOST_TIMES = 16

-- Whether the arguments of a call are those of a piece, however they are written.
local function is_same(call, said)
  local heard = call.heard
  if heard.bytes == #said.arguments and heard:rest(said.arguments) == "" then
    return true
  end
  local is_comparable = heard.bytes <= MOST_TIMES * (#said.arguments + 1)
  return is_comparable and heard:text() ~= nil and parts.is_same_input(heard:text(), said.arguments)
end

-- The arguments that stand as a text in a text; nil where none do.
local function unwrapped(text)
  local read = {}
  if text:find '^%s*"%s*{' then
    json.tool_input(read, text)
  end
  return type(read.input) == "string" and read.input or nil
end

-- Some servers end with all of the arguments once more, LiteLLM with their text as JSON.
local function is_repetition(call, said, chunk)
  if call.heard.bytes == 0 or call.chunk == chunk then
    return false
  elseif begins_anew(call, said) then
    return is_same(call, said)
  end
  local text = call.last_byte == "}" and unwrapped(said.arguments)
  return text and is_same(call, { arguments = text }) or false
end

-- Other servers begin with an empty object, as the API's own blocks do. It is held until more comes: arguments that
-- begin anew take its place.
local function add_arguments(self, call, said)
  local text, held = said.arguments, call.held
  if text == "" then
    return
  elseif held and begins_anew(call, said) then
    call.heard, held = heard_text.new(self.budget), nil
  end
  local is_held = call.heard.bytes == 0 and #text < 16 and text:gsub("%s", "") == "{}"
  call.heard:add(text)
  call.last_byte = text:sub(-1)
  call.held = is_held and text or nil
  said.arguments = is_held and "" or (held or "") .. text
end

--- The call that a piece names by its index, if it has come; a piece without an index goes with the last call.
---@param said table see tool_calls.read
---@return anthropic.ForeignCall?
function ToolCalls:known(said)
  if said.index ~= nil then
    return self.by_index[said.index]
  end
  return self.list[#self.list]
end

--- The call that is repeated, if a message repeats all calls.
---@param said table see tool_calls.read
---@param position integer among all
---@return anthropic.ForeignCall? call nil if it has not come
function ToolCalls:again(said, position)
  local call = said.id and self.by_id[said.id] or self.list[position]
  if not call or said.name and call.name and said.name ~= call.name then
    return nil
  elseif said.id and call.id and said.id ~= call.id and not call.heard:rest(said.arguments)
    and not is_same(call, said) then
    return nil -- some servers make a new ID for the same
  end
  return call
end

--- The rest of a call's repeated arguments that has not come.
---@param call anthropic.ForeignCall
---@param said table see tool_calls.read
---@return string? rest "" if that is nothing; nil if they differ from those that came
function tool_calls.rest(call, said)
  local rest = call.heard:rest(said.arguments)
  if not rest and (call.heard:may_hold(said.arguments) or is_same(call, said)) then
    return ""
  end
  return rest or call.held and begins_anew(call, said) and said.arguments or nil
end

--- What of a piece of arguments is to be handed on: not an empty object before them, nor all of them once more.
---@param call { heard: anthropic.HeardText, held?: string }
---@param text string
---@return string
function tool_calls.handed_on(call, text)
  local said = { arguments = text }
  if is_repetition(call, said, true) then
    return ""
  end
  add_arguments(call.heard, call, said)
  return said.arguments
end

local function find(self, said, chunk)
  local call = said.index ~= nil and self.by_index[said.index]
  if not call then
    call = said.id and self.by_id[said.id] or self.list[#self.list]
    -- A new index begins a call, unless the found one has no number from the server yet.
    if call and said.index ~= nil and (call.has_number or said.id and said.id ~= call.id) then
      return nil
    end
  end
  return call and not is_another(call, said, chunk) and call or nil
end

--- The call that a piece belongs to, with what the piece says of it; a new call if it belongs to none.
---@param said table see tool_calls.read; its arguments become the part that is to be handed on
---@param chunk integer the number of the chunk
---@param given? anthropic.ForeignCall if it is known
---@return anthropic.ForeignCall
function ToolCalls:take(said, chunk, given)
  local call = given or find(self, said, chunk)
  if not call then
    call = { heard = heard_text.new(self.budget) }
    self.list[#self.list + 1] = call
    self.budget:take(CALL_BYTES)
  end
  if is_repetition(call, said, chunk) then
    said.arguments = ""
  end
  add_arguments(self, call, said)
  self.budget:take((call.id and 0 or #(said.id or "")) + (call.name and 0 or #(said.name or "")))
  call.id, call.name, call.chunk = call.id or said.id, call.name or said.name, chunk
  call.is_whole = call.is_whole or said.is_whole
  if said.index ~= nil then
    self.budget:take(self.by_index[said.index] and 0 or INDEX_BYTES + #tostring(said.index))
    self.by_index[said.index], call.has_number = call, true
  end
  if call.id then
    self.by_id[call.id] = call
  end
  return call
end

return tool_calls
