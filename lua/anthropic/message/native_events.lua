--- Makes the API's own events of what a server sends as such: the message begins once, and so do its blocks (see
--- native_blocks.lua); what is said of the message elsewhere becomes a message_delta. What cannot be read this way is
--- refused.
--
--     local reader = native_events.reader()
--     for _, event in ipairs(assert(reader:feed(decoded))) do ... end
--
-- Every member of an event is used, known to mean nothing, or stays in the event and, as an unknown delta, in the
-- message. What stands beside a start or a delta, and is not a part of it, means nothing.

local deltas = require "anthropic.message.deltas"
local json = require "anthropic.base.json"
local native_blocks = require "anthropic.message.native_blocks"
local parts = require "anthropic.message.parts"
local stop_reasons = require "anthropic.message.stop_reasons"
local tables = require "anthropic.base.tables"
local token_counts = require "anthropic.message.token_counts"

local native_events = {}

---@class anthropic.NativeReader
---@field has_begun boolean a message, or a part of one, has come
local Reader = {}
Reader.__index = Reader

--- A reader for the events of one stream.
---@param budget? anthropic.Budget counts what waits to become an event; the caller checks the limit
---@param input_at? fun(index: integer): any see native_blocks.new
---@return anthropic.NativeReader
function native_events.reader(budget, input_at)
  return setmetatable({
    has_begun = false,
    blocks = native_blocks.new(budget, input_at),
    told = { type = "message", role = "assistant" }, -- what was said of the message
    told_usage = {},
  }, Reader)
end

--- Whether deltas need no change: every block has the index, and every call the ID, that the server sent.
---@return boolean
function Reader:is_plain()
  return self.blocks.is_plain
end

local function emit(self, event)
  self.blocks.events[#self.blocks.events + 1] = event
end

-- --- the message ---------------------------------------------------------------------------------

-- The members of `fields` that say something: with `all` every one, else those that were not `told` yet.
local function news(fields, told, all)
  local new = {}
  for name, value in pairs(fields) do
    if name ~= "content" and name ~= "usage" and not parts.is_empty(value)
      and (all or parts.is_empty(told[name]) or told[name] == 0) then
      json.set(fields, new, name)
    end
  end
  return new
end

-- Puts what a late or a second start, or the end, says of the message into a message_delta.
local function amend(self, fields, usage, all)
  local delta, counts = news(fields, self.told, all), news(usage or {}, self.told_usage, all)
  tables.merge(self.told, delta)
  tables.merge(self.told_usage, counts)
  if next(delta) ~= nil or next(counts) ~= nil then
    emit(self, { type = "message_delta", delta = delta, usage = next(counts) ~= nil and counts or nil })
  end
end

-- Some servers write "" for null, or another server's word for the reason.
local function read_end(self, members)
  for _, name in ipairs { "stop_reason", "stop_sequence" } do
    if members[name] == "" then
      members[name] = nil
    end
  end
  members.stop_reason = stop_reasons.native(members.stop_reason, self.blocks.has_calls)
end

local function usage_of(event, inner)
  return token_counts.merge(token_counts.merge(nil, event.usage), inner and inner.usage)
end

local function start_of(self, event, fields, usage)
  local start, copy = json.copy(event), json.copy(fields)
  start.message, start.usage = copy, nil
  copy.type = parts.word(copy.type) or "message"
  copy.role = parts.word(copy.role) or "assistant"
  copy.content = json.array {}
  copy.usage = usage or {}
  read_end(self, copy)
  return start
end

-- Takes in content that came whole. After blocks of it, it repeats them, and brings what was missing.
local function add_content(self, content, where)
  local blocks = parts.blocks(content)
  if not blocks then
    return where .. ": the content is not a list of blocks"
  elseif not self.blocks:have_begun() then
    return self.blocks:begin_with(blocks)
  end
  return self.blocks:complete(blocks)
end

-- An empty list is how some servers write an empty object.
local function is_object(value)
  return type(value) == "table" and value[1] == nil
end

local function kind_of(value)
  return type(value) == "table" and "list" or type(value)
end

local handlers = {}

local OF_BLOCKS = { content_block_start = "start", content_block_delta = "delta", content_block_stop = "stop" }

for name, method in pairs(OF_BLOCKS) do
  handlers[name] = function(self, event)
    local usage = event.usage ~= nil and usage_of(event)
    local problem = self.blocks[method](self.blocks, event)
    if usage then
      amend(self, {}, usage, true)
    end
    return problem
  end
end

function handlers.message_start(self, event)
  local fields = event.message
  if parts.is_empty(fields) then -- its fields may stand in the event
    fields = json.copy(event)
    fields.type, fields.message = nil, nil
  elseif not is_object(fields) then
    return "message_start: the message is a " .. kind_of(fields)
  end
  local usage, id, before = usage_of(event, fields), parts.word(fields.id), self.blocks.message_id
  local is_another = id ~= nil and before ~= nil and id ~= before
  if is_another and self.blocks:have_begun() then
    return "another message begins inside a message"
  end
  self.blocks.message_id = id or before
  if self.has_begun then
    amend(self, fields, usage, is_another)
  else
    self.has_begun = true
    emit(self, start_of(self, event, fields, usage))
    tables.merge(self.told, news(fields, self.told))
    tables.merge(self.told_usage, usage or {})
  end
  return add_content(self, fields.content, "message_start")
end

function handlers.message_delta(self, event)
  local delta = event.delta
  if delta ~= nil and not is_object(delta) then
    return "message_delta: the delta is a " .. kind_of(delta)
  elseif delta and deltas.OF_TYPE[delta.type] then
    event.type = "content_block_delta"
    return handlers.content_block_delta(self, event)
  end
  local content = event.content
  event.usage, event.content = usage_of(event, delta), nil
  if delta then
    content = parts.is_empty(content) and delta.content or content
    delta.type, delta.content, delta.usage = nil, nil, nil
  end
  local problem = add_content(self, content, "message_delta")
  read_end(self, event)
  read_end(self, delta or {})
  tables.merge(self.told, delta or {})
  tables.merge(self.told_usage, event.usage or {})
  emit(self, event)
  return problem
end

function handlers.message_stop(self, event)
  local fields = type(event.message) == "table" and event.message or event
  local problem = add_content(self, fields.content, "message_stop")
  self.blocks:stop_all()
  local ending = { stop_reason = fields.stop_reason, stop_sequence = fields.stop_sequence }
  read_end(self, ending)
  amend(self, ending, usage_of(event, fields), true)
  emit(self, event)
  return problem
end

-- A whole message as one event.
function handlers.message(self, event)
  local stop = { type = "message_stop", stop_reason = event.stop_reason, stop_sequence = event.stop_sequence }
  event.stop_reason, event.stop_sequence = nil, nil
  return handlers.message_start(self, { type = "message_start", message = event }) or handlers.message_stop(self, stop)
end

-- --- events --------------------------------------------------------------------------------------

-- The type of an event without a `type`.
local function type_of(event)
  local delta = event.delta
  local members = type(delta) == "table" and delta or {}
  if type(event.message) == "table" then
    return "message_start"
  elseif event.content_block ~= nil then
    return "content_block_start"
  elseif type(delta) == "string" or next(deltas.read(members) or {}) ~= nil then
    return "content_block_delta"
  elseif event.stop_reason ~= nil or members.stop_reason ~= nil or event.index == nil and event.usage ~= nil then
    return "message_delta"
  end
  return type(delta) == "table" and "content_block_delta" or nil
end

local function is_of_message(event)
  return event.type ~= "message" or event.content ~= nil or event.stop_reason ~= nil
end

--- Takes an event in.
---@param event table decoded; it may be changed
---@return table[]|nil events the API's own that it stands for, in order; empty if it brings nothing
---@return string? problem why it cannot be read
function Reader:feed(event)
  if next(event) == nil then
    return {}
  end
  event.type = event.type or type_of(event)
  local handle = handlers[event.type]
  if not handle or not is_of_message(event) then
    return { event }
  end
  self.blocks.events = {}
  local problem = handle(self, event)
  local list = self.blocks.events
  if problem then
    return nil, problem
  elseif list[1] and not self.has_begun then
    self.has_begun = true
    table.insert(list, 1, start_of(self, { type = "message_start" }, {}))
  end
  return list
end

return native_events
