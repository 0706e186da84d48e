--- Builds a message from native stream events.
--
-- Blocks are found by their index, so interleaved blocks work; usage is merged, never added; what
-- is unknown is kept. growing_block.lua decides how a block grows.

local budgets = require "anthropic.message.budget"
local core = require "anthropic.base.core"
local growing_block = require "anthropic.message.growing_block"
local json = require "anthropic.base.json"
local message = require "anthropic.message.message"
local tables = require "anthropic.base.tables"
local token_counts = require "anthropic.message.token_counts"

---@class anthropic.Accumulator
local Accumulator = {}
Accumulator.__index = Accumulator

local accumulator = {}

-- The bytes that a message, one of its fields, and an unknown delta take besides their content.
local MESSAGE_BYTES, FIELD_BYTES, UNKNOWN_BYTES = 1500, 200, 1000

--- An empty message.
---@param budget? anthropic.Budget what all messages may hold together; `add` counts, its caller compares
---@return anthropic.Accumulator
function accumulator.new(budget)
  budget = budget or budgets.new()
  budget:take(MESSAGE_BYTES)
  return setmetatable({
    fields = { content = {} }, entries = {}, by_index = {}, budget = budget,
    nulls = {}, -- table -> its nulls, of tables here that have nulls of their own
  }, Accumulator)
end

-- An entry is a growing block with its `index`, and its `number` among those with the same index.

local function keep_unknown(self, event)
  self.budget:replace(event.delta)
  self.budget:take(UNKNOWN_BYTES)
  self.unknown = self.unknown or {}
  table.insert(self.unknown, { index = event.index, delta = event.delta })
end

function Accumulator:open(index, block)
  local entries = self.entries
  local entry = growing_block.new(block, self.budget)
  entry.index, entry.number = index, #entries + 1
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

-- The entries by their index, those with the same index in the order of their beginning. They are sorted when they are
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
  self.nulls = {}
  for i, block in ipairs(content) do
    self:open(i - 1, json.copy(block))
  end
  return true
end

function handlers.content_block_start(self, event)
  if type(event.content_block) ~= "table" or type(event.index) ~= "number" then
    return false
  end
  local block, repeated = json.copy(event.content_block), self.by_index[event.index]
  if repeated and not repeated.closed and repeated.block.type == block.type then
    repeated:begin_again(block)
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
  local entry = self.by_index[event.index]
  if not entry then -- a server that leaves out content_block_start
    entry = self:open(event.index, { type = growing_block.type_of(delta.type) })
  end
  local ok = entry:add(delta)
  if ok == nil then
    keep_unknown(self, event)
  end
  return ok ~= false
end

function handlers.content_block_stop(self, event)
  local entry = self.by_index[event.index]
  if entry then
    entry:close()
  end
  return true
end

-- Null fields are absent after decoding, so an earlier value stays. `from`: the decoded table that has the value.
local function set(self, name, value, from)
  local before = self.fields[name]
  self.budget:replace(value, before)
  self.budget:take(before == nil and FIELD_BYTES + #tostring(name) or 0)
  self.fields[name] = value
  if from then
    json.set(from, self.fields, name)
  end
end

local OF_DELTA = { type = true, delta = true, usage = true, raw = true, choice = true }

-- A field that was null is stored as null, if it has no other value.
local function add_nulls(self, into, said, but)
  local nulls = json.nulls_of(said)
  if not nulls then
    return
  end
  local known = json.nulls_of(into) or {}
  for name in pairs(nulls) do
    if into[name] == nil and not known[name] and not (but and but[name]) then
      if known ~= self.nulls[into] then
        known = tables.copy(known)
        self.nulls[into] = known
        json.set_nulls(into, known)
      end
      known[name] = true
      self.budget:take(FIELD_BYTES + #name)
    end
  end
end

-- The first time the counts are copied: those of the start are the reader's, too.
local function add_usage(self, later)
  local fields, budget = self.fields, self.budget
  if not self.own_usage or self.own_usage ~= fields.usage then
    local merged = token_counts.merge(fields.usage, later)
    self.own_usage = merged ~= fields.usage and merged or nil
    set(self, "usage", merged)
    return self.own_usage and add_nulls(self, merged, later)
  end
  add_nulls(self, self.own_usage, later)
  token_counts.hold(self.own_usage, later, function(name, value, before)
    budget:replace(value, before)
    budget:take(before == nil and FIELD_BYTES + #tostring(name) or 0)
  end)
end

function handlers.message_delta(self, event)
  if not is_table_or_nil(event.delta) or not is_table_or_nil(event.usage) then
    return false
  end
  for name, value in pairs(event) do
    if name == "delta" then
      for member, said in pairs(value) do
        set(self, member, said, value)
      end
      add_nulls(self, self.fields, value)
    elseif name == "usage" then
      add_usage(self, value)
    elseif not OF_DELTA[name] then
      set(self, name, value, event)
    end
  end
  add_nulls(self, self.fields, event, OF_DELTA)
  return true
end

-- What a server of the other shape sent and no event of the API can say.
function handlers.unknown_delta(self, event)
  keep_unknown(self, event)
  return true
end

-- Takes over the text that the run has taken in since it was last asked.
local function catch_up(self)
  local followed = self.followed
  local text = followed and self.run:take()
  if text then
    self.budget:take(#text)
    followed[#followed + 1] = text
  end
end

--- Adds an event. Events that do not concern the message are ignored.
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

-- The pieces of the text that a delta grows, if the text has begun.
local function pieces_of(self, event)
  local entry = event.type == "content_block_delta" and self.by_index[event.index]
  return entry and entry:pieces_of(event.delta.type) or nil
end

--- Whether an event that was added grows a text which has begun.
---@param event table
---@return boolean
function Accumulator:grows(event)
  return pieces_of(self, event) ~= nil
end

--- Lets a run take in the deltas that go on with the event that was added last, until another event
--- is added.
---@param event table
---@return userdata|nil run for `transfer:follow`; nil if the event grows no text
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

--- The input of the block at an index, or its JSON text, as far as it came.
---@param index integer
---@return any
function Accumulator:input_at(index)
  local entry = self.by_index[index]
  if entry and entry.json and not entry.closed then
    return self:input_json(entry)
  end
  return entry and entry.block.input
end

local function copy_nulls(self, from, copy)
  if from and self.nulls[from] then
    json.set_nulls(copy, tables.copy(self.nulls[from]))
  end
end

--- The message as it stands; the accumulator can go on.
---@return anthropic.Message
function Accumulator:snapshot()
  catch_up(self)
  local fields = json.copy(self.fields)
  fields.content = json.array {}
  fields.usage = fields.usage == self.own_usage and token_counts.merge(nil, fields.usage) or fields.usage
  copy_nulls(self, self.fields, fields)
  copy_nulls(self, self.own_usage, fields.usage)
  fields.unknown_deltas = self.unknown and json.copy(self.unknown) or fields.unknown_deltas
  for i, entry in ipairs(sorted_entries(self)) do
    fields.content[i] = entry:copy()
  end
  return message.new(fields)
end

--- The message at the end of its stream.
---@return anthropic.Message
function Accumulator:finish()
  catch_up(self)
  local content = json.array {}
  for i, entry in ipairs(sorted_entries(self)) do
    entry:close()
    content[i] = entry.block
  end
  self.fields.content = content
  self.fields.unknown_deltas = self.unknown or self.fields.unknown_deltas
  return message.new(self.fields)
end

return accumulator
