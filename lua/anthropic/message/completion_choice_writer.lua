--- Writes the events of one answer as the deltas of a choice of a chat completion: what
-- message/completion_choice.lua reads.
--
--     local choice = choices.new(encoder, 0)
--     choice:feed(event) -- adds to encoder.chunks
--     choice:stop()
--
-- completion_writer.lua writes what is around the choices, and whole messages.

local accumulator = require "anthropic.message.accumulator"
local call_writer = require "anthropic.message.completion_call_writer"
local json = require "anthropic.base.json"
local parts = require "anthropic.message.parts"
local stop_reasons = require "anthropic.message.stop_reasons"
local tables = require "anthropic.base.tables"
local token_counts = require "anthropic.message.token_counts"
local turns = require "anthropic.message.turns"

local completion_choice_writer = {}

---@class anthropic.ChoiceWriter the chunks of one answer
---@field calls integer how many have begun
---@field blocks table<number, table> those under way, by their index
---@field ended_calls table<number, table> those that have ended, by the index that they had
---@field listed table<string, integer> how many elements each list has had
local Choice = {}
Choice.__index = Choice

local FIELDS = { "reasoning_content", "content" }

--- Begins a choice.
---@param encoder anthropic.CompletionEncoder that the chunks are added to
---@param index integer of the choice
---@return anthropic.ChoiceWriter
function completion_choice_writer.new(encoder, index)
  local self = setmetatable({
    encoder = encoder, index = index, calls = 0, blocks = {}, ended_calls = {}, turns = {}, listed = {},
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

-- The next element of a list that the chunks tell of: clients put lists together by the index of each.
local function listed(self, name, value)
  local number = self.listed[name] or 0
  self.listed[name] = number + 1
  if type(value) == "table" and not json.is_array(value) and value.index == nil then
    value = json.copy(value)
    value.index = number
  end
  return value
end

local function foreign(self, field, value)
  return { provider_specific_fields = { [field] = json.array { listed(self, field, value) } } }
end

local function thinking_block(self, block)
  return { thinking_blocks = json.array { listed(self, "thinking_blocks", block) } }
end

local function begin(self)
  if not self.has_begun then
    self.has_begun = true
    emit(self, { role = "assistant", content = "" })
  end
end

--- Writes a delta.
---@param delta table
function Choice:say(delta)
  begin(self)
  emit(self, delta)
end

-- Writes a piece of a block's text or thinking. If blocks overlap, the later one waits for the end of the earlier.
local function say_piece(self, block, field, piece)
  local due = self.turns[field]:add(block, parts.word(piece))
  if due then
    self:say { [field] = due }
  end
end

-- Writes what waited for the end of a block.
local function say_due(self, field, due)
  for _, each in ipairs(due) do
    self:say(type(each) == "string" and { [field] = each } or thinking_block(self, each))
  end
end

-- A block that has no place in a chat completion is accumulated, and handed on at its end.
local function keep(self, block, event)
  block.kept = block.kept or accumulator.new()
  block.kept:add(event)
  return self
end

-- Says the citations that a text begins with. A repeated start has them again.
local function say_citations(self, block, citations)
  if type(citations) == "table" and not parts.is_empty(citations) and not block.is_cited then
    block.is_cited = true
    for _, citation in ipairs(citations[1] ~= nil and citations or { citations }) do
      self:say(foreign(self, "citations", citation))
    end
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
    self:say(thinking_block(self, { type = "redacted_thinking", data = members.data }))
  end,
  tool_use = call_writer.start,
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
  input_json_delta = call_writer.add_arguments,
  citations_delta = function(self, _, delta)
    self:say(foreign(self, "citations", delta.citation))
  end,
}

-- The delta with the signature of thinking, which follows it.
local function signed(block)
  local signature = block.type == "thinking" and block.signature
  return signature and { type = "thinking", thinking = "", signature = signature } or nil
end

local function stop_block(self, block)
  say_due(self, "reasoning_content", self.turns.reasoning_content:stop(block, signed(block)))
  say_due(self, "content", self.turns.content:stop(block))
  local kept = block.kept and block.kept:finish().content[1]
  if kept then
    self:say(foreign(self, "blocks", kept))
  elseif block.call then
    call_writer.stop(self, block)
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
    return self:say(foreign(self, "blocks", members))
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
    self:say { provider_specific_fields = { delta = delta } }
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

-- The call that an event belongs to, if it is known which that is.
local function call_of(self, event)
  local block = self.blocks[parts.index(event.index)]
  return block and block.is_told and block or nil
end

-- What a server of this shape sent and no event of the API can say: it goes back as it came, unless clients read
-- another form under its name. What is beside a call's own members is a piece of that call.
function handlers.unknown_delta(self, event)
  local delta = type(event.delta) == "table" and event.delta or {}
  local calls, block = delta.tool_calls, call_of(self, event)
  if block and type(calls) == "table" and not json.is_array(calls) then
    local more = json.copy(calls)
    more.id = nil
    return call_writer.add_piece(self, block, more)
  elseif calls ~= nil or delta.content ~= nil or delta.function_call ~= nil then
    delta = foreign(self, "deltas", delta)
  end
  self:say(delta)
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

--- Ends the choice with the reason, if it has not ended.
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

-- As servers of this shape report an error in a stream. Nothing follows.
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
