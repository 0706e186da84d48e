--- What a server sends as the API's own events, made the API's own events: each block begins once, each delta is of its
--- block's kind and brings something, each has an index. What cannot be read so is refused.
--
--     local reader = native_events.reader()
--     for _, event in ipairs(assert(reader:feed(decoded))) do ... end
--
-- Servers leave out an index, a type, a message's or a block's start, or send one twice; they use one index for two
-- blocks, or write thinking into a text. Every member of an event is used, known to mean nothing, or stays in the
-- event and, as an unknown delta, in the message.

local json = require "anthropic.base.json"
local parts = require "anthropic.message.parts"
local token_counts = require "anthropic.message.token_counts"

local native_events = {}

-- The deltas of the API: the member that they bring, the kind of block that they belong to, and whether that member is
-- a text. The first whose member is there tells the type of a delta that names none.
local DELTAS = {
  { type = "text_delta", member = "text", block = "text", is_text = true },
  { type = "thinking_delta", member = "thinking", block = "thinking", is_text = true },
  { type = "input_json_delta", member = "partial_json", block = "tool_use", is_text = true },
  { type = "signature_delta", member = "signature", block = "thinking", is_text = true },
  { type = "citations_delta", member = "citation", block = "text" },
}
local DELTA_OF_TYPE = {}
-- By the member of a block that it makes grow.
local DELTA_OF_MEMBER = { input = DELTAS[3] }
for _, row in ipairs(DELTAS) do
  DELTA_OF_TYPE[row.type] = row
  DELTA_OF_MEMBER[row.member] = row.is_text and row or nil
end

local TEXT_OF_BLOCK = { text = "text_delta", thinking = "thinking_delta" }

-- Whether deltas of a kind go into a block. A block of a later API takes all, if the server began it.
local function suits(block, kind)
  if parts.is_tool_use(block.type) then
    return kind == "tool_use"
  elseif TEXT_OF_BLOCK[block.type] or block.type == "redacted_thinking" or block.is_guessed then
    return kind == block.type
  end
  return true
end

---@class anthropic.NativeReader
---@field has_begun boolean a message, or a part of one, has come
---@field is_plain boolean every block has the index that the server gave it
local Reader = {}
Reader.__index = Reader

--- A reader for the events of one stream.
---@return anthropic.NativeReader
function native_events.reader()
  return setmetatable({
    has_begun = false,
    is_plain = true,
    -- The blocks by the server's index. A block: `index`; `type`, once it is known; `pending`, the start that waits for
    -- it; `brought`, the deltas' types that came; `beside`, another block under the same index.
    blocks = {},
    order = {}, -- of their beginning
    taken = {}, highest = -1,
    latest = nil, -- the server's index of the block that began last
    ids = {}, -- of calls
    was_told = false, -- the server has begun the message itself
    message_id = nil,
    has_started = false, -- message_start was emitted
  }, Reader)
end

local function emit(self, event)
  self.events[#self.events + 1] = event
end

local function index_of(value)
  local index = tonumber(value)
  return index and index == index and math.abs(index) < math.huge and index or nil
end

-- A server that leaves out an index of 0 does so in all events of the block; one that leaves out all has one block at a
-- time.
local function present_index(self, event)
  return index_of(event.index) or self.is_unnumbered and self.latest or self.blocks[0] and 0 or self.latest or 0
end

-- --- the message ---------------------------------------------------------------------------------

local function start_message(self)
  if not self.has_started then
    self.has_started = true
    emit(self, {
      type = "message_start",
      message = { type = "message", role = "assistant", content = json.array {}, usage = {} },
    })
  end
end

local handlers = {}

-- What a late or a second start says of the message goes into a message_delta.
local function amend(self, fields, usage)
  local delta = {}
  for name, value in pairs(fields) do
    if name ~= "content" and name ~= "usage" and not parts.is_empty(value) then
      delta[name] = value
    end
  end
  emit(self, { type = "message_delta", delta = delta, usage = usage })
end

local function start_of(event, fields, usage)
  local start, copy = json.copy(event), json.copy(fields)
  start.message, start.usage = copy, nil
  copy.type = parts.word(copy.type) or "message"
  copy.role = parts.word(copy.role) or "assistant"
  copy.content = json.array {}
  copy.usage = token_counts.merge(nil, usage) or {}
  return start
end

function handlers.message_start(self, event)
  local fields = parts.is_empty(event.message) and {} or event.message
  if type(fields) ~= "table" then
    return "message_start: the message is a " .. type(fields)
  end
  local blocks = parts.blocks(fields.content)
  if not blocks then
    return "message_start: the content is no list of blocks"
  end
  local usage = type(fields.usage) == "table" and fields.usage or type(event.usage) == "table" and event.usage or nil
  local id = parts.word(fields.id)
  local is_another = id and self.message_id and id ~= self.message_id
  self.message_id = id or self.message_id
  if next(self.blocks) ~= nil and is_another then
    return "another message begins inside a message"
  elseif not self.has_started then
    self.has_started = true
    emit(self, start_of(event, fields, usage))
  elseif is_another or not self.was_told then
    amend(self, fields, usage)
  end
  self.was_told = next(fields) ~= nil
  for i, block in ipairs(blocks) do
    if not self.blocks[i - 1] then
      handlers.content_block_start(self, { type = "content_block_start", index = i - 1, content_block = block })
    end
  end
end

local function clean(delta)
  for _, name in ipairs { "stop_reason", "stop_sequence" } do
    if delta[name] == "" then
      delta[name] = nil
    end
  end
end

function handlers.message_delta(self, event)
  if event.delta ~= nil and type(event.delta) ~= "table" then
    return "message_delta: the delta is a " .. type(event.delta)
  end
  start_message(self)
  clean(event)
  clean(event.delta or event)
  if type(event.usage) ~= "table" then
    event.usage = nil
  end
  emit(self, event)
end

-- --- blocks --------------------------------------------------------------------------------------

-- The index that a block has in the message: the server's, where no other block has it.
local function own_index(self, wire)
  local index = wire
  if self.taken[index] then
    index = self.highest + 1
    self.is_plain = false
  end
  self.taken[index] = true
  self.highest = math.max(self.highest, index)
  return index
end

local function open(self, wire, block_type)
  start_message(self)
  local block = { index = own_index(self, wire), type = block_type, brought = {}, beside = self.blocks[wire] }
  self.blocks[wire] = block
  self.order[#self.order + 1] = block
  self.latest = wire
  return block
end

-- Emits a start that waited for the block's type, or for a call's name and ID.
local function begin(self, block)
  local start = block.pending
  if not start then
    return
  end
  block.pending = nil
  local content = start.content_block
  content.type = content.type or block.type
  block.type = content.type
  if parts.is_tool_use(block.type) then
    content.id = parts.call_id(self.ids, content.id, self.message_id)
  end
  block.content = json.copy(content)
  emit(self, start)
end

local function is_told(content)
  if parts.is_tool_use(content.type) then
    return parts.word(content.id) ~= nil and parts.word(content.name) ~= nil
  end
  return content.type ~= nil
end

local function add_delta(self, block, delta)
  block.brought[delta.type] = true
  emit(self, { type = "content_block_delta", index = block.index, delta = delta })
end

-- What a repeated start, or a stop, says of a block that has begun: a text that has not come, a name that was missing.
local function add_to(self, block, content)
  local begun = block.pending and block.pending.content_block or block.content
  local adds = false
  for name, value in pairs(content) do
    local row = DELTA_OF_MEMBER[name]
    if block.pending then
      begun[name] = parts.is_empty(begun[name]) and value or begun[name]
    elseif row and suits(block, row.block) then
      if not block.brought[row.type] and not parts.is_empty(value) then
        local text = name == "input" and json.input_text(value) or value
        add_delta(self, block, { type = row.type, [row.member] = text })
      end
    elseif parts.is_empty(begun[name]) and not parts.is_empty(value) then
      begun[name], adds = value, true
    end
  end
  if adds then
    emit(self, { type = "content_block_start", index = block.index, content_block = json.copy(begun) })
  elseif block.pending and is_told(begun) then
    begin(self, block)
  end
end

local function is_same_call(begun, content)
  local id, name = parts.word(content.id), parts.word(content.name)
  return (not id or not parts.word(begun.id) or id == begun.id)
    and (not name or not parts.word(begun.name) or name == begun.name)
end

-- Whether a start repeats the block that is open under its index.
local function is_repeated(block, content)
  if not block or block.has_ended then
    return false
  end
  local begun = block.pending and block.pending.content_block or block.content
  return content.type == nil or begun.type == nil or begun.type == content.type and is_same_call(begun, content)
end

-- A block of which nothing is known is none.
local function stop(self, block)
  if block.has_ended then
    return
  end
  block.has_ended = true
  if block.pending and next(block.pending.content_block) == nil then
    return
  end
  begin(self, block)
  emit(self, { type = "content_block_stop", index = block.index })
end

function handlers.content_block_start(self, event)
  local content = parts.is_empty(event.content_block) and {} or parts.block(event.content_block)
  if not content then
    return "content_block_start: the block is a " .. type(event.content_block)
  end
  local wire = index_of(event.index)
  self.is_unnumbered = wire == nil
  wire = wire or self.blocks[0] and self.blocks[0].has_ended and self.highest + 1 or 0
  local before = self.blocks[wire]
  if is_repeated(before, content) then
    return add_to(self, before, content)
  elseif before then
    stop(self, before)
  end
  local block = open(self, wire, content.type)
  event.index, event.content_block = block.index, content
  block.pending = event
  for name, row in pairs(DELTA_OF_MEMBER) do
    block.brought[row.type] = block.brought[row.type] or not parts.is_empty(content[name])
  end
  if is_told(content) then
    begin(self, block)
  end
end

-- The block under an index that takes deltas of a kind, the latest first; a new one where there is none.
local function block_for(self, wire, kind)
  local block = self.blocks[wire]
  while block and not suits(block, kind) do
    block = block.beside
  end
  if not block then
    block = open(self, wire, kind)
    block.pending = {
      type = "content_block_start",
      index = block.index,
      content_block = kind == "tool_use" and { type = kind, input = json.object {} } or { type = kind, [kind] = "" },
    }
  end
  block.type = block.type or kind
  return block
end

local function text_of_member(value)
  if type(value) == "string" then
    return value
  end
  local text = parts.text_of(value)
  return text ~= "" and text or nil
end

-- The value that a delta brings: nil where it brings none, and a message where it cannot be read.
local function value_of(row, delta)
  local value = delta[row.member]
  if value == nil or value == json.null then
    return nil
  elseif not row.is_text or type(value) == "string" then
    return value
  elseif row.member == "partial_json" then
    return (json.encode(value))
  end
  local text = text_of_member(value)
  return text, not text and not parts.is_empty(value) and ("%s: %s is a %s"):format(row.type, row.member, type(value))
    or nil
end

local function add_known(self, wire, row, delta, event)
  local value, problem = value_of(row, delta)
  if value == nil or row.type == "signature_delta" and value == "" then
    return problem
  end
  local block = block_for(self, wire, row.block)
  if value ~= "" then
    begin(self, block)
  elseif block.pending then
    return
  end
  block.brought[row.type] = block.brought[row.type] or value ~= ""
  if delta.type == row.type and delta[row.member] == value then
    event.index = block.index
    return emit(self, event)
  end
  emit(self, {
    type = "content_block_delta",
    index = block.index,
    delta = { type = row.type, [row.member] = value },
  })
end

local function add_unknown(self, wire, delta, event)
  local kind = parts.word(delta.type)
  if not kind and next(delta) == nil then
    return
  end
  local block = self.blocks[wire]
  if not block then
    block = open(self, wire, kind and kind:gsub("_delta$", "") or "text")
    block.is_guessed = true
    block.pending = { type = "content_block_start", index = block.index, content_block = { type = block.type } }
  end
  begin(self, block)
  event.index = block.index
  emit(self, event)
end

function handlers.content_block_delta(self, event)
  local wire, delta = present_index(self, event), event.delta
  if type(delta) == "string" then
    local block = self.blocks[wire]
    local field = block and DELTA_OF_TYPE[TEXT_OF_BLOCK[block.type]]
    delta = { [field and field.member or "text"] = delta }
  elseif parts.is_empty(delta) then
    return
  elseif type(delta) ~= "table" then
    return "content_block_delta: the delta is a " .. type(delta)
  end
  local known = DELTA_OF_TYPE[delta.type]
  if known and delta[known.member] ~= nil then
    return add_known(self, wire, known, delta, event)
  elseif not known and parts.word(delta.type) then
    return add_unknown(self, wire, delta, event)
  end
  local found
  for _, row in ipairs(DELTAS) do
    if delta[row.member] ~= nil then
      found = true
      local problem = add_known(self, wire, row, delta, event)
      if problem then
        return problem
      end
    end
  end
  if not found and not known then
    return add_unknown(self, wire, delta, event)
  end
end

function handlers.content_block_stop(self, event)
  local block = self.blocks[present_index(self, event)]
  while block do
    if not block.has_ended and type(event.content_block) == "table" then
      add_to(self, block, event.content_block)
    end
    stop(self, block)
    block = block.beside
  end
end

function handlers.message_stop(self, event)
  start_message(self)
  for _, block in ipairs(self.order) do
    stop(self, block)
  end
  if type(event.usage) == "table" then
    emit(self, { type = "message_delta", delta = {}, usage = event.usage })
  end
  emit(self, event)
end

-- --- events --------------------------------------------------------------------------------------

-- The type of an event that names none.
local function type_of(event)
  local delta = event.delta
  if type(event.message) == "table" then
    return "message_start"
  elseif event.content_block ~= nil then
    return "content_block_start"
  elseif type(delta) ~= "table" then
    return nil
  end
  return (delta.stop_reason ~= nil or event.index == nil and event.usage ~= nil) and "message_delta"
    or "content_block_delta"
end

--- Takes an event in.
---@param event table decoded; it may be changed
---@return table[]|nil events the API's own that it stands for, in order; empty where it brings nothing
---@return string? problem why it cannot be read
function Reader:feed(event)
  event.type = event.type or type_of(event)
  local handle = handlers[event.type]
  if not handle then
    return { event }
  end
  self.events = {}
  local problem = handle(self, event)
  if problem then
    return nil, problem
  end
  self.has_begun = true
  return self.events
end

return native_events
