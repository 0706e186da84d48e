--- Native stream events to a message.
--
-- Blocks are found by their index, so interleaved blocks work; usage is merged, never added; what
-- is unknown is kept. Text is joined when it is asked for, which keeps the whole linear.

local budgets = require "anthropic.message.budget"
local core = require "anthropic.base.core"
local growing_text = require "anthropic.message.growing_text"
local json = require "anthropic.base.json"
local message = require "anthropic.message.message"
local parts = require "anthropic.message.parts"
local token_counts = require "anthropic.message.token_counts"

---@class anthropic.Accumulator
local Accumulator = {}
Accumulator.__index = Accumulator

local accumulator = {}

-- What a message, a block of it, and one of its fields take beside their content.
local MESSAGE_BYTES, BLOCK_BYTES, FIELD_BYTES = 1500, 1000, 200

--- An empty message.
---@param budget? anthropic.Budget what it may hold together with others; `add` counts, whoever calls it looks
---@return anthropic.Accumulator
function accumulator.new(budget)
  budget = budget or budgets.new()
  budget:take(MESSAGE_BYTES)
  return setmetatable({ fields = { content = {} }, entries = {}, by_index = {}, budget = budget }, Accumulator)
end

-- An entry is a block under way: its `block`, `index`, the string fields that grow as lists of
-- `pieces`, the tool input's `json` pieces, and the `citations` that were added to.

local function grow(self, entry, field, piece)
  self.budget:take(#piece)
  local pieces = entry.pieces[field]
  if not pieces then
    local before = entry.block[field]
    pieces = { type(before) == "string" and before ~= "" and before or nil }
    entry.pieces[field] = pieces
  end
  growing_text.add(pieces, piece)
end

local joined = growing_text.joined -- mostly of one piece, what a run took in

-- The deltas of text that grows, and its field.
local GROWING = { text_delta = "text", thinking_delta = "thinking" }

local function growing(kind)
  local field = GROWING[kind]
  return function(self, entry, delta)
    if type(delta[field]) ~= "string" then
      return false
    end
    grow(self, entry, field, delta[field])
    return true
  end
end

-- Each known delta: the type of block it belongs to, and what it does to an entry of an accumulator (false:
-- it is malformed).
local DELTAS = {
  text_delta = { block = "text", apply = growing "text_delta" },
  thinking_delta = { block = "thinking", apply = growing "thinking_delta" },
  signature_delta = {
    block = "thinking",
    apply = function(self, entry, delta)
      self.budget:replace(delta.signature, entry.block.signature)
      entry.block.signature = delta.signature
      return type(delta.signature) == "string"
    end,
  },
  input_json_delta = {
    block = "tool_use",
    apply = function(self, entry, delta)
      if type(delta.partial_json) ~= "string" then
        return false
      end
      self.budget:take(#delta.partial_json)
      entry.json, entry.closed = entry.json or {}, nil
      growing_text.add(entry.json, delta.partial_json)
      return true
    end,
  },
  citations_delta = {
    block = "text",
    apply = function(self, entry, delta)
      self.budget:replace(delta)
      if not entry.citations then -- the block's own are the event's
        local before = entry.block.citations
        entry.citations = type(before) == "table" and json.copy(before) or json.array {}
        entry.block.citations = entry.citations
      end
      table.insert(entry.citations, delta.citation)
      return true
    end,
  },
}

local KNOWN_BLOCKS = {}
for _, known in pairs(DELTAS) do
  KNOWN_BLOCKS[known.block] = true
end

local function keep_unknown(self, event)
  self.budget:replace(event.delta)
  self.budget:take(BLOCK_BYTES)
  self.unknown = self.unknown or {}
  table.insert(self.unknown, { index = event.index, delta = event.delta })
end

-- A delta of a later API. In a block of a type that is known, a field it brought might be refused
-- when the block is sent back, so it is kept beside; in a block of another type its strings grow
-- the block's, as all deltas do so far.
local function add_unknown(self, entry, event)
  if KNOWN_BLOCKS[entry.block.type] then
    return keep_unknown(self, event)
  end
  for name, value in pairs(event.delta) do
    if name ~= "type" and type(value) == "string" then
      grow(self, entry, name, value)
    elseif name ~= "type" then
      self.budget:replace(value, entry.block[name])
      entry.block[name] = value
    end
  end
end

function Accumulator:open(index, block)
  self.budget:replace(block)
  self.budget:take(BLOCK_BYTES)
  local entries = self.entries
  local entry = { index = index, number = #entries + 1, block = block, pieces = {} }
  self.is_unsorted = self.is_unsorted or entries[1] ~= nil and entries[#entries].index > index
  entries[#entries + 1] = entry
  self.by_index[index] = entry
  return entry
end

local function is_before(one, other)
  if one.index ~= other.index then
    return one.index < other.index
  end
  return one.number < other.number
end

-- The entries by their index, those with the same one in the order of their beginning. They are sorted when they are
-- asked for: blocks may begin in any order.
local function sorted_entries(self)
  local entries = self.entries
  if self.is_unsorted then
    table.sort(entries, is_before)
    self.is_unsorted = false
    for i, entry in ipairs(entries) do
      entry.number = i
    end
  end
  return entries
end

-- A block copy whose growing fields have their present value.
local function settle(entry, block)
  for field, pieces in pairs(entry.pieces) do
    block[field] = joined(pieces)
  end
end

-- What came in pieces is the input, unless it says nothing where the block's start brought one.
local function close_input(entry)
  local block, before = entry.block, entry.block.input
  local text = joined(entry.json)
  json.tool_input(block, text)
  if not parts.is_empty(before) and not block.input_error and parts.is_empty(block.input) then
    block.input = before
  end
end

-- A block that goes on after its end is closed again.
local function close(entry)
  settle(entry, entry.block)
  entry.pieces = {}
  if entry.closed then
    return
  elseif entry.json then
    close_input(entry)
  end
  parts.read_input(entry.block)
  entry.closed = true
end

local handlers = {}

local function is_table_or_nil(value)
  return value == nil or type(value) == "table"
end

function handlers.message_start(self, event)
  if type(event.message) ~= "table" or not is_table_or_nil(event.message.usage) then
    return false
  end
  self.budget:replace(event.message)
  local fields = json.copy(event.message)
  local content = type(fields.content) == "table" and fields.content or {}
  for _, block in ipairs(content) do
    if type(block) ~= "table" then
      return false
    end
  end
  fields.content = {}
  self.fields, self.entries, self.by_index, self.unknown, self.is_unsorted = fields, {}, {}, nil, false
  for i, block in ipairs(content) do
    self:open(i - 1, json.copy(block))
  end
  return true
end

-- A start that is repeated says what was missing, and its text goes on with the block's.
local function begin_again(self, entry, members)
  self.budget:replace(members)
  local field = GROWING[tostring(members.type) .. "_delta"]
  for name, value in pairs(members) do
    if name == field then
      if type(value) == "string" and value ~= "" then
        grow(self, entry, field, value)
      end
    elseif parts.is_empty(entry.block[name]) then
      entry.block[name] = value
    end
  end
end

function handlers.content_block_start(self, event)
  if type(event.content_block) ~= "table" or type(event.index) ~= "number" then
    return false
  end
  local block, repeated = json.copy(event.content_block), self.by_index[event.index]
  if repeated and not repeated.closed and repeated.block.type == block.type then
    begin_again(self, repeated, block)
    return true
  end
  self:open(event.index, block)
  if block.type == "fallback" and type(block.to) == "table" then
    self.fields.model = block.to.model or self.fields.model
  end
  return true
end

function handlers.content_block_delta(self, event)
  local delta = event.delta
  if type(delta) ~= "table" or type(delta.type) ~= "string" or type(event.index) ~= "number" then
    return false
  end
  local known = DELTAS[delta.type]
  local entry = self.by_index[event.index]
  if not entry then -- a server that leaves out content_block_start
    local kind = known and known.block or delta.type:gsub("_delta$", "")
    entry = self:open(event.index, { type = kind })
  end
  if known then
    return known.apply(self, entry, delta)
  end
  add_unknown(self, entry, event)
  return true
end

function handlers.content_block_stop(self, event)
  local entry = self.by_index[event.index]
  if entry then
    close(entry)
  end
  return true
end

-- Null fields are absent after decoding, so what was said earlier stays.
local function set(self, name, value)
  local before = self.fields[name]
  self.budget:replace(value, before)
  self.budget:take(before == nil and FIELD_BYTES + #tostring(name) or 0)
  self.fields[name] = value
end

function handlers.message_delta(self, event)
  if not is_table_or_nil(event.delta) or not is_table_or_nil(event.usage) then
    return false
  end
  for name, value in pairs(event) do
    if name == "delta" then
      for member, said in pairs(value) do
        set(self, member, said)
      end
    elseif name == "usage" then
      set(self, "usage", token_counts.merge(self.fields.usage, value))
    elseif name ~= "type" and name ~= "raw" and name ~= "choice" then
      set(self, name, value)
    end
  end
  return true
end

-- What a server of the other shape sent and no event of the API says.
function handlers.unknown_delta(self, event)
  keep_unknown(self, event)
  return true
end

-- Takes over what the run brought since it was last asked.
local function catch_up(self)
  local followed = self.followed
  local text = followed and self.run:take()
  if text then
    self.budget:take(#text)
    followed[#followed + 1] = text
  end
end

--- Adds an event. Events that do not concern the message are passed over.
---@param event table decoded
---@return boolean false when the event is malformed
function Accumulator:add(event)
  if self.followed then
    catch_up(self)
    self.run:stop()
    self.followed = nil
  end
  local handler = handlers[event.type]
  return not handler or handler(self, event)
end

-- The pieces of the text that a delta grows, where it has begun.
local function pieces_of(self, event)
  local delta, entry = event.delta, self.by_index[event.index]
  if event.type ~= "content_block_delta" or not entry then
    return nil
  elseif delta.type == "input_json_delta" then
    return entry.json
  end
  return GROWING[delta.type] and entry.pieces[GROWING[delta.type]]
end

--- Whether an event that was added grows a text which has begun.
---@param event table
---@return boolean
function Accumulator:grows(event)
  return pieces_of(self, event) ~= nil
end

--- Lets a run take in the deltas that go on with the event that was added last, until another is
--- added.
---@param event table
---@return userdata|nil run for `transfer:reader`; nil where the event grows no text
function Accumulator:follow(event)
  self.followed = pieces_of(self, event)
  if self.followed then
    self.run = self.run or core.delta_run()
    local is_first = #self.followed == 1 -- all that grows is then in the run, and need not be joined
    local text = is_first and self.followed[1] or ""
    self.budget:take(-#text)
    self.run:follow(event.delta.type, event.index, text, self.budget:room())
    if is_first then
      self.followed[1], self.followed.loose = nil, 0
    end
    return self.run
  end
end

--- The last block, or nil.
---@return { index: integer, block: table, closed?: boolean }?
function Accumulator:last()
  local entries = sorted_entries(self)
  return entries[#entries]
end

--- Whether no event has been added.
---@return boolean
function Accumulator:is_empty()
  return #self.entries == 0 and self.fields.role == nil
end

--- The text of a tool's input as far as it came.
---@param entry table
---@return string json
function Accumulator:input_json(entry)
  catch_up(self)
  return table.concat(entry.json or {})
end

--- The message as it stands; the accumulator can go on.
---@return anthropic.Message
function Accumulator:snapshot()
  catch_up(self)
  local fields = json.copy(self.fields)
  fields.content = json.array {}
  fields.unknown_deltas = self.unknown and json.copy(self.unknown) or fields.unknown_deltas
  for i, entry in ipairs(sorted_entries(self)) do
    local block = json.copy(entry.block)
    settle(entry, block)
    block.citations = entry.citations and json.copy(entry.citations) or block.citations
    if entry.json and not entry.closed then
      block.input = nil
      block.input_json = joined(entry.json)
      block.input_error = "the input is not complete"
    end
    fields.content[i] = block
  end
  return message.new(fields)
end

--- The message at the end of its stream.
---@return anthropic.Message
function Accumulator:finish()
  catch_up(self)
  local content = json.array {}
  for i, entry in ipairs(sorted_entries(self)) do
    close(entry)
    content[i] = entry.block
  end
  self.fields.content = content
  self.fields.unknown_deltas = self.unknown or self.fields.unknown_deltas
  return message.new(self.fields)
end

return accumulator
