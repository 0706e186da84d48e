--- The calls of a choice: the pieces that servers send of them become blocks.
--
--     calls.add_all(choice, { { index = 0, id = "a", ["function"] = { name = "f", arguments = "{" } } })
--     calls.finish(choice)
--
-- A choice is as in completion_blocks.lua, with these fields, too: `calls` (an anthropic.ToolCalls), `call_pieces` and
-- `begun_calls` (how many pieces have come, and how many calls have begun), `ids`.

local blocks = require "anthropic.message.completion_blocks"
local json = require "anthropic.base.json"
local parts = require "anthropic.message.parts"
local tool_calls = require "anthropic.message.tool_calls"

local calls = {}

-- Members of a call, and of its function, that are read or say nothing; a server may have only one of the two.
local OF_CALL = {
  id = true, index = true, type = true, name = true, ["function"] = true, custom = true, arguments = true, input = true,
  parameters = true, input_json = true, input_error = true,
}

-- Begins the blocks of the calls up to `last`. A call's block begins when its name and ID are known; at the latest with
-- its first arguments, or before a later call's block.
local function begin(self, last)
  blocks.close(self)
  while not last.index do
    self.begun_calls = self.begun_calls + 1
    local call = self.calls.list[self.begun_calls]
    call.block_id = parts.call_id(self.ids, call.id, self.shared.id)
    call.told = call.name
    call.index = blocks.open(self, {
      type = "tool_use", id = call.block_id, name = call.name, input = json.object {},
    })
  end
end

-- Adds the unknown members of a call and of its function, with the ID and the index that identify the call.
local function add_unknown(self, piece, said, call)
  local more = parts.others(piece, OF_CALL)
  for _, name in ipairs { "function", "custom" } do
    local called = piece[name]
    local inner = type(called) == "table" and parts.others(called, OF_CALL) or nil
    if inner then
      more = more or {}
      more[name] = inner
    end
  end
  if more then
    more.id, more.index = said.id, said.index
    blocks.add_unknown(self, "tool_calls", more, call and call.index)
  end
end

-- Takes in what a piece says of a call: a new call, unless one is given or found.
local function add_said(self, piece, said, call)
  self.shared.has_begun, self.call_pieces = true, self.call_pieces + 1
  call = self.calls:take(said, self.shared.chunk, call)
  if not call.index and (call.id and call.name or said.arguments ~= "" or call.held) then
    begin(self, call)
  elseif call.index and call.name ~= call.told then -- a name that comes after arguments
    call.told = call.name
    blocks.emit(self, {
      type = "content_block_start",
      index = call.index,
      content_block = { type = "tool_use", id = call.block_id, name = call.name, input = json.object {} },
    })
  end
  if said.arguments ~= "" then
    blocks.add_delta(self, call.index, { type = "input_json_delta", partial_json = said.arguments })
  end
  add_unknown(self, piece, said, call)
end

--- Adds a piece of a call.
---@param self table a choice
---@param piece table
function calls.add(self, piece)
  local said = tool_calls.read(piece)
  if not (said.id or said.name) and said.arguments == "" then
    return add_unknown(self, piece, said, self.calls:known(said))
  end
  add_said(self, piece, said)
end

-- Hands each of the calls in a list to a function. A value that is not a call is kept.
local function each(self, list, f)
  if type(list) ~= "table" then
    return blocks.add_unknown(self, "tool_calls", list)
  end
  for position, call in ipairs(list[1] ~= nil and list or { list }) do
    if type(call) == "table" and not json.is_array(call) then
      f(self, call, position)
    else
      blocks.add_unknown(self, "tool_calls", call)
    end
  end
end

--- Adds the pieces of calls.
---@param self table a choice
---@param list any
function calls.add_all(self, list)
  each(self, list, calls.add)
end

local function add_rest(self, piece, position)
  local said = tool_calls.read(piece)
  local call = self.calls:again(said, position)
  if not call then
    return calls.add(self, piece)
  end
  local rest = tool_calls.rest(call, said)
  if not rest then
    local others = { name = said.name, arguments = said.arguments }
    blocks.keep_once(self, "tool_calls", { id = said.id, ["function"] = others })
  end
  said.arguments, said.index = rest or "", nil
  add_said(self, piece, said, call)
end

--- Adds what had not come yet of calls that are said once more, all of them in their order.
---@param self table a choice
---@param list any
function calls.add_rest_of_all(self, list)
  each(self, list, add_rest)
end

--- Ends all calls.
---@param self table a choice
function calls.finish(self)
  for _, call in ipairs(self.calls.list) do
    begin(self, call)
    if call.held then
      blocks.add_delta(self, call.index, { type = "input_json_delta", partial_json = call.held })
    end
    blocks.emit(self, { type = "content_block_stop", index = call.index })
  end
end

return calls
