--- Writes the calls of a choice of a chat completion, in pieces: see completion_choice_writer.lua.

local budgets = require "anthropic.message.budget"
local heard_text = require "anthropic.message.heard_text"
local json = require "anthropic.base.json"
local parts = require "anthropic.message.parts"
local tables = require "anthropic.base.tables"
local tool_calls = require "anthropic.message.tool_calls"

local completion_call_writer = {}

-- Members of a call's block that have a place of their own in a chat completion, or no place beside the call.
local OF_BLOCK = tables.set {
  "type", "id", "name", "input", "input_json", "input_error", "index", "function", "custom", "arguments", "parameters",
}

--- The members of a call's block that are written beside the call: `caller`, and a server's own.
---@param block table
---@return table
function completion_call_writer.beside(block)
  return parts.others(block, OF_BLOCK) or {}
end

--- Writes a piece of a call. Clients want a function in each.
---@param choice anthropic.ChoiceWriter
---@param block table of the call
---@param members table of the piece
function completion_call_writer.add_piece(choice, block, members)
  members.index = block.call
  members["function"] = members["function"] or { arguments = "" }
  choice:say { tool_calls = json.array { members } }
end

-- Notes what is beside a call, and returns what is new: a start that is repeated says it again.
local function add_beside(block, members)
  local added = {}
  block.beside = block.beside or {}
  for name, value in pairs(completion_call_writer.beside(members)) do
    if block.beside[name] == nil then
      block.beside[name], added[name] = value, value
    end
  end
  return added
end

local function announce(choice, block)
  block.is_told, block.is_named = true, block.name ~= nil
  completion_call_writer.add_piece(choice, block, tables.merge(tables.copy(block.beside), {
    id = block.id, type = "function", ["function"] = { name = block.name, arguments = "" },
  }))
end

-- Says a name that comes after arguments.
local function announce_name(choice, block)
  block.is_named = true
  completion_call_writer.add_piece(choice, block, { ["function"] = { name = block.name } })
end

-- If an input came whole, pieces after it may say it again, or be empty: they wait for the end.
local function hold_arguments(block, piece)
  block.arguments = block.arguments or {}
  table.insert(block.arguments, piece)
end

local function whole_arguments(block)
  local text, read = block.arguments and table.concat(block.arguments) or "", {}
  parts.read_pieces(read, text)
  if read.input_error or not parts.is_empty(read.input) then
    return text
  end
  return parts.input_text(block)
end

local function add_arguments(choice, block, piece)
  if piece == "" then
    return
  elseif not block.is_told then
    announce(choice, block)
  end
  block.has_arguments = true
  completion_call_writer.add_piece(choice, block, { ["function"] = { arguments = piece } })
end

--- Writes what the start of a call's block brings. A repeated start brings what is new.
---@param choice anthropic.ChoiceWriter
---@param block table
---@param members table
function completion_call_writer.start(choice, block, members)
  if not block.call then
    block.call, choice.calls = choice.calls, choice.calls + 1
  end
  block.id, block.name = parts.word(members.id) or block.id, parts.word(members.name) or block.name
  block.input = not parts.is_empty(members.input) and members.input or block.input
  block.input_json = parts.word(members.input_json) or block.input_json
  local beside = add_beside(block, members)
  if block.is_told and next(beside) ~= nil then
    completion_call_writer.add_piece(choice, block, beside)
  end
  if not block.is_told and block.id and block.name then
    announce(choice, block)
  elseif block.is_told and not block.is_named and block.name then
    announce_name(choice, block)
  end
end

--- Writes a piece of a call's arguments.
---@param choice anthropic.ChoiceWriter
---@param block table
---@param delta table
function completion_call_writer.add_arguments(choice, block, delta)
  local piece = parts.word(delta.partial_json) or ""
  if (block.input ~= nil or block.input_json) and not block.has_arguments then
    hold_arguments(block, piece)
  else
    block.heard = block.heard or heard_text.new(budgets.new())
    add_arguments(choice, block, tool_calls.handed_on(block, piece))
  end
end

--- Writes what is left of a call at its block's end: its beginning, and arguments that came whole.
---@param choice anthropic.ChoiceWriter
---@param block table
function completion_call_writer.stop(choice, block)
  if not block.is_told then
    announce(choice, block)
  end
  if not block.has_arguments then
    add_arguments(choice, block, whole_arguments(block))
  end
end

return completion_call_writer
