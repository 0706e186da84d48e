--- Writes the events of one answer as the deltas of a choice of a chat completion: what
-- message/completion_choice.lua reads.
--
--     local choice = choices.new(encoder, 0)
--     choice:feed(event) -- adds to encoder.chunks
--     choice:stop()
--
-- completion_writer.lua writes what stands around the choices, and whole messages.

local accumulator = require "anthropic.message.accumulator"
local json = require "anthropic.base.json"
local parts = require "anthropic.message.parts"
local stop_reasons = require "anthropic.message.stop_reasons"
local tables = require "anthropic.base.tables"
local token_counts = require "anthropic.message.token_counts"
local turns = require "anthropic.message.turns"

local completion_choice_writer = {}

local function foreign(field, value)
  return { provider_specific_fields = { [field] = value } }
end

---@class anthropic.ChoiceWriter the chunks of one answer
---@field calls integer how many have begun
---@field blocks table<number, table> those under way, by their index
---@field ended_calls table<number, table> those that have ended, by the index that they had
local Choice = {}
Choice.__index = Choice

local FIELDS = { "reasoning_content", "content" }

-- Members of a call's block that have a place of their own in a chat completion, or must not stand beside the call.
local OF_BLOCK = tables.set {
  "type", "id", "name", "input", "input_json", "input_error", "index", "function", "custom", "arguments", "parameters",
}

--- The members of a call's block that stand beside the call: `caller`, and what a server has of its own.
---@param block table
---@return table
function completion_choice_writer.beside_call(block)
  return parts.others(block, OF_BLOCK) or {}
end

--- Begins a choice.
---@param encoder anthropic.CompletionEncoder that the chunks are added to
---@param index integer of the choice
---@return anthropic.ChoiceWriter
function completion_choice_writer.new(encoder, index)
  local self = setmetatable({
    encoder = encoder, index = index, calls = 0, blocks = {}, ended_calls = {}, turns = {},
  }, Choice)
  for _, field in ipairs(FIELDS) do
    self.turns[field] = turns.new()
  end
  return self
end

local function emit(self, delta, reason)
  local encoder = self.encoder
  table.insert(encoder.chunks, encoder:chunk(json.array { {
    index = self.index,
    delta = next(delta) == nil and json.object {} or delta,
    finish_reason = reason or json.null,
    logprobs = json.null,
  } }))
end

local function begin(self)
  if not self.has_begun then
    self.has_begun = true
    emit(self, { role = "assistant", content = "" })
  end
end

local function say(self, delta)
  begin(self)
  emit(self, delta)
end

-- Says a piece of a block's text or thinking. If blocks overlap, the later one waits for the end of the earlier.
local function say_piece(self, block, field, piece)
  local due = self.turns[field]:add(block, parts.word(piece))
  if due then
    say(self, { [field] = due })
  end
end

-- Says what waited for the end of a block.
local function say_due(self, field, due)
  for _, each in ipairs(due) do
    say(self, type(each) == "string" and { [field] = each } or each)
  end
end

local function call_piece(self, block, members)
  members.index = block.call
  say(self, { tool_calls = json.array { members } })
end

-- Notes what stands beside a call. Returns what was not noted before: a repeated start says the rest again.
local function add_beside(block, members)
  local added = {}
  block.beside = block.beside or {}
  for name, value in pairs(completion_choice_writer.beside_call(members)) do
    if block.beside[name] == nil then
      block.beside[name], added[name] = value, value
    end
  end
  return added
end

local function announce(self, block)
  block.is_told, block.is_named = true, block.name ~= nil
  call_piece(self, block, tables.merge(tables.copy(block.beside), {
    id = block.id, type = "function", ["function"] = { name = block.name, arguments = "" },
  }))
end

-- Says a name that comes after arguments.
local function announce_name(self, block)
  block.is_named = true
  call_piece(self, block, { ["function"] = { name = block.name } })
end

-- After an input that came whole, pieces may say it again, or nothing: they wait for the end.
local function hold_arguments(block, piece)
  block.arguments = block.arguments or {}
  table.insert(block.arguments, piece)
end

local function whole_arguments(block)
  local text, read = block.arguments and table.concat(block.arguments) or "", {}
  json.tool_input(read, text)
  if read.input_error or not parts.is_empty(read.input) then
    return text
  end
  return parts.input_text(block)
end

local function add_arguments(self, block, piece)
  if piece == "" then
    return
  elseif not block.is_told then
    announce(self, block)
  end
  block.has_arguments = true
  call_piece(self, block, { ["function"] = { arguments = piece } })
end

-- Gathers a block that has no place in a chat completion; it is handed on at its end.
local function keep(self, block, event)
  block.kept = block.kept or accumulator.new()
  block.kept:add(event)
  return self
end

-- Says the citations that a text begins with. A repeated start has them again.
local function say_citations(self, block, citations)
  if type(citations) == "table" and not parts.is_empty(citations) and not block.is_cited then
    block.is_cited = true
    say(self, foreign("citations", citations[1] ~= nil and citations or json.array { citations }))
  end
end

-- What a block's start brings, by its type; any other is kept.
local STARTS = {
  text = function(self, block, members)
    say_piece(self, block, "content", members.text)
    say_citations(self, block, members.citations)
  end,
  thinking = function(self, block, members)
    say_piece(self, block, "reasoning_content", members.thinking)
    block.signature = parts.word(members.signature)
  end,
  redacted_thinking = function(self, _, members)
    say(self, { thinking_blocks = json.array { { type = "redacted_thinking", data = members.data } } })
  end,
  tool_use = function(self, block, members)
    if not block.call then
      block.call, self.calls = self.calls, self.calls + 1
    end
    block.id, block.name = parts.word(members.id) or block.id, parts.word(members.name) or block.name
    block.input = not parts.is_empty(members.input) and members.input or block.input
    block.input_json = parts.word(members.input_json) or block.input_json
    local beside = add_beside(block, members)
    if block.is_told and next(beside) ~= nil then
      call_piece(self, block, beside)
    end
    if not block.is_told and block.id and block.name then
      announce(self, block)
    elseif block.is_told and not block.is_named and block.name then
      announce_name(self, block)
    end
  end,
}

local DELTAS = {
  text_delta = function(self, block, delta)
    say_piece(self, block, "content", delta.text)
  end,
  thinking_delta = function(self, block, delta)
    say_piece(self, block, "reasoning_content", delta.thinking)
  end,
  signature_delta = function(_, block, delta)
    block.signature = parts.word(delta.signature)
  end,
  input_json_delta = function(self, block, delta)
    local piece = parts.word(delta.partial_json) or ""
    if (block.input ~= nil or block.input_json) and not block.has_arguments then
      hold_arguments(block, piece)
    else
      add_arguments(self, block, piece)
    end
  end,
  citations_delta = function(self, _, delta)
    say(self, foreign("citations", json.array { delta.citation }))
  end,
}

-- The signature of thinking, which follows its text; nil if there is none.
local function signed(block)
  local signature = block.type == "thinking" and block.signature
  return signature and { thinking_blocks = json.array { { type = "thinking", thinking = "", signature = signature } } }
    or nil
end

local function stop_block(self, block)
  say_due(self, "reasoning_content", self.turns.reasoning_content:stop(block, signed(block)))
  say_due(self, "content", self.turns.content:stop(block))
  local kept = block.kept and block.kept:finish().content[1]
  if kept then
    say(self, foreign("blocks", json.array { kept }))
  elseif block.call then
    if not block.is_told then
      announce(self, block)
    end
    if not block.has_arguments then
      add_arguments(self, block, whole_arguments(block))
    end
  end
end

-- The type of a block whose start did not come, by the type of its delta.
local TYPE_OF_DELTA = {
  text_delta = "text", thinking_delta = "thinking", signature_delta = "thinking", input_json_delta = "tool_use",
  citations_delta = "text",
}

local function new_block(index, kind)
  return { type = kind, index = index }
end

local function block_at(self, index, kind)
  local block = self.blocks[index] or kind == "tool_use" and self.ended_calls[index]
  if not block then
    block = new_block(index, kind)
    self.blocks[index] = block
    if kind == "tool_use" then
      STARTS.tool_use(self, block, {})
    end
  end
  return block
end

local handlers = {}

function handlers.message_start(self, event)
  local message = type(event.message) == "table" and event.message or {}
  self.usage = token_counts.hold(self.usage, message.usage)
  begin(self)
  self.reason = parts.word(message.stop_reason) or self.reason
end

function handlers.content_block_start(self, event, index)
  local members = type(event.content_block) == "table" and event.content_block or {}
  if json.is_array(members) then -- no block
    return say(self, foreign("blocks", json.array { members }))
  end
  local block = self.blocks[index]
  if not block or block.type ~= members.type then
    block = new_block(index, members.type)
    self.blocks[index] = block
  end
  local start = STARTS[members.type]
  if start then
    start(self, block, members)
  else
    keep(self, block, event)
  end
end

function handlers.content_block_delta(self, event, index)
  local delta = type(event.delta) == "table" and event.delta or {}
  local block = block_at(self, index, TYPE_OF_DELTA[delta.type])
  local add = DELTAS[delta.type]
  if block.kept then
    keep(self, block, event)
  elseif add then
    add(self, block, delta)
  else
    say(self, foreign("delta", delta))
  end
end

function handlers.content_block_stop(self, _, index)
  local block = self.blocks[index]
  if block then
    self.blocks[index] = nil
    self.ended_calls[index] = block.call and block -- its arguments may go on
    stop_block(self, block)
  end
end

-- Further members of a call, as a piece of that call if it is known which one it is.
local function more_of_call(self, more, index)
  local block = self.blocks[index]
  if block and block.call then
    more = json.copy(more)
    more.id, more.index = nil, block.call
  end
  return { tool_calls = json.array { more } }
end

-- What a server of this shape sent and no event of the API can say. It goes back as it came, unless clients read
-- another form under its name.
function handlers.unknown_delta(self, event)
  local delta = type(event.delta) == "table" and event.delta or {}
  local calls = delta.tool_calls
  if type(calls) == "table" and not json.is_array(calls) then
    delta = more_of_call(self, calls, parts.index(event.index))
  elseif calls ~= nil or delta.content ~= nil or delta.function_call ~= nil then
    delta = foreign("deltas", json.array { delta })
  end
  say(self, delta)
end

-- Ends the blocks whose end did not come. A signature that came after the end of its thinking makes such a block.
local function stop_all(self)
  local function is_before(one, other)
    return self.blocks[one].index < self.blocks[other].index
  end
  for _, key in ipairs(tables.sorted_keys(self.blocks, is_before)) do
    stop_block(self, self.blocks[key])
  end
  self.blocks = {}
end

--- Ends the choice with its stop reason, unless it has ended.
function Choice:stop()
  if not self.is_stopped then
    self.is_stopped = true
    begin(self)
    stop_all(self)
    for _, field in ipairs(FIELDS) do
      say_due(self, field, self.turns[field]:stop_all())
    end
    emit(self, {}, stop_reasons.to_completion(self.reason, self.calls > 0))
  end
end

function handlers.message_delta(self, event)
  local delta = type(event.delta) == "table" and event.delta or {}
  self.usage = token_counts.hold(self.usage, event.usage)
  self.reason = parts.word(delta.stop_reason) or parts.word(event.stop_reason) or self.reason
end

handlers.message_stop = Choice.stop

-- Writes an error as servers of this shape do in a stream. Nothing follows.
function handlers.error(self, event)
  local told = type(event.error) == "table" and event.error or {}
  local text = parts.word(told.message) or parts.word(event.error) or parts.word(event.message)
  self.encoder.is_over = true
  table.insert(self.encoder.chunks, { error = {
    message = text or "the answer broke off",
    type = parts.word(told.type) or "api_error",
    param = json.null,
    code = json.null,
  } })
end

--- Adds the chunks that an event stands for.
---@param event table of the API
function Choice:feed(event)
  local handle = handlers[event.type]
  if handle then
    handle(self, event, parts.index(event.index) or 0)
  end
end

return completion_choice_writer
