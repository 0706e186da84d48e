--- The blocks of the API's own events: each begins once, has an index of its own and a type, takes deltas of its kind,
--- and ends once, whatever a server leaves out, sends twice or mixes up.
--
--     local blocks = native_blocks.new()
--     blocks:delta { index = 0, delta = { text = "Hel" } }
--     blocks.events   --> { content_block_start, content_block_delta }

local budgets = require "anthropic.message.budget"
local deltas = require "anthropic.message.deltas"
local heard_text = require "anthropic.message.heard_text"
local json = require "anthropic.base.json"
local members = require "anthropic.message.native_members"
local native_block = require "anthropic.message.native_block"
local parts = require "anthropic.message.parts"
local repeated_blocks = require "anthropic.message.repeated_blocks"

---@class anthropic.NativeBlocks
---@field events table[] the events that they made since the list was last changed
---@field message_id? string
---@field is_plain boolean every block has the index that the server sent, and every call the server's ID
---@field has_calls boolean there is one for the caller to answer
---@field budget anthropic.Budget counts blocks that wait: the accumulator counts them only once they begin
local Blocks = {}
Blocks.__index = Blocks

local native_blocks = {}

local WAITING_BYTES, MEMBER_BYTES = 600, 100 -- of a block that waits, and of a member of it, besides their content

--- The blocks of one stream.
---@param budget? anthropic.Budget the caller checks the limit
---@param input_at? fun(index: integer): any the input of the block with an index in the message, or its JSON text, as
---far as it has come
---@return anthropic.NativeBlocks
function native_blocks.new(budget, input_at)
  return setmetatable({
    input_at = input_at,
    budget = budget or budgets.new(),
    events = {},
    is_plain = true,
    has_calls = false,
    -- By the server's index: the `latest` block under it, and the last that takes deltas of each kind.
    slots = {},
    order = {}, -- the blocks as they began
    taken = {}, highest = -1,
    latest = nil, -- the server's index of the block that began last
    is_unnumbered = false, -- that block came without an index
    leaves_out_zero = false, -- so did the first block
    ids = parts.answer_ids(), -- of calls
  }, Blocks)
end

local function emit(self, event)
  self.events[#self.events + 1] = event
end

local function latest_at(self, wire)
  return self.slots[wire] and self.slots[wire].latest
end

-- A server that leaves out an index of 0 does so in all events of the block; one that leaves out all indices, or all
-- but those of starts, has one block at a time.
local function present_index(self, event)
  local index = parts.index(event.index)
  self.leaves_out_zero = self.leaves_out_zero or not index and not self.latest
  return index or not self.is_unnumbered and self.leaves_out_zero and self.slots[0] and 0 or self.latest or 0
end

-- The index that a block has in the message: the server's, if no other block has it.
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

local function open(self, wire, event, content)
  local block = { index = own_index(self, wire), type = content.type, pending = event, brought = {} }
  event.type, event.index, event.content_block = "content_block_start", block.index, content
  local slot = self.slots[wire] or {}
  local kind = deltas.kind_of(block.type)
  self.slots[wire], slot.latest = slot, block
  if kind then
    slot[kind] = block
  end
  self.order[#self.order + 1] = block
  self.latest = wire
  return block
end

-- Counts the bytes of what waits.
local function weigh(self, block, value, more)
  local before = self.budget.held
  self.budget:replace(value)
  self.budget:take(more)
  block.waiting = (block.waiting or 0) + self.budget.held - before
end

-- Emits a start that waited.
local function begin(self, block)
  local start = block.pending
  if not start then
    return
  end
  self.budget:take(-(block.waiting or 0))
  block.waiting = nil
  local content = start.content_block
  content.type = content.type or block.type
  block.pending, block.type = nil, content.type
  if parts.is_tool_use(block.type) then
    block.given_id = parts.word(content.id)
    self.is_plain = self.is_plain and block.given_id ~= nil -- else its input is heard
    content.id = parts.call_id(self.ids, content.id, self.message_id)
  end
  block.content = json.copy(content)
  self.has_calls = self.has_calls or block.type == "tool_use"
  emit(self, start)
end

local GROWS = {}
for _, row in ipairs(deltas.ROWS) do
  if row.grows then
    GROWS[row.grows] = row
  end
end

-- Emits another start of a block that has begun: it has what the first one lacked, and does not repeat text.
local function begin_again(self, block)
  local content = json.copy(block.content)
  for name in pairs(GROWS) do
    if content[name] ~= nil then
      content[name] = name == "input" and json.object {} or ""
    end
  end
  emit(self, { type = "content_block_start", index = block.index, content_block = content })
end

-- Adds what a repeated start, or a stop, says of a block: a text that has not come, a name that was missing.
local function add_to(self, block, content)
  local begun, adds = native_block.content_of(block), false
  if not block.pending and parts.is_tool_use(block.type) then
    block.given_id = block.given_id or parts.word(content.id)
  end
  for name, value in pairs(content) do
    local has_come = GROWS[name] or name == "citations" and block.brought.citations_delta
    local is_open = block.pending or not (has_come or block.has_ended)
    if is_open and parts.is_empty(begun[name]) and not parts.is_empty(value) then
      json.set(content, begun, name)
      adds = true
      if block.pending then
        weigh(self, block, value, MEMBER_BYTES + #tostring(name))
      end
    end
  end
  if block.pending then
    return native_block.is_told(begun) and begin(self, block) or nil
  elseif adds then
    begin_again(self, block)
  end
  for _, row in ipairs(deltas.ROWS) do
    local rest = row.grows and deltas.suits(block.type, row.kind) and native_block.rest_of(block, row, content)
    if rest then
      begun[row.grows] = content[row.grows]
      emit(self, { type = "content_block_delta", index = block.index, delta = deltas.made(row, rest) })
    end
  end
end

-- Ends a block. If nothing is known of it, it is dropped.
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

local function stop_all_at(self, wire)
  for _, name in ipairs { "thinking", "text", "tool_use", "latest" } do
    local block = self.slots[wire] and self.slots[wire][name]
    if block then
      stop(self, block)
    end
  end
end

-- --- events --------------------------------------------------------------------------------------

-- The index of a start that came without one.
local function index_of_start(self, content)
  local first, latest = latest_at(self, 0), latest_at(self, self.latest)
  if first == nil or not first.has_ended then
    return 0
  end
  return not latest.has_ended and native_block.is_same(latest, content) and self.latest or self.highest + 1
end

--- Whether a block has come.
---@return boolean
function Blocks:have_begun()
  return self.latest ~= nil
end

local function start(self, event, given)
  local content = parts.block(given)
  if not content then
    return "content_block_start: the block is a " .. type(given)
  end
  local wire = parts.index(event.index)
  self.is_unnumbered = wire == nil
  self.leaves_out_zero = self.leaves_out_zero or wire == nil
  wire = wire or index_of_start(self, content)
  local before = latest_at(self, wire)
  if before and not before.has_ended and native_block.is_same(before, content) then
    return add_to(self, before, content)
  end
  stop_all_at(self, wire)
  local block = open(self, wire, event, content)
  if native_block.is_told(content) then
    begin(self, block)
  else
    weigh(self, block, content, WAITING_BYTES)
  end
end

-- A block of a later API takes all deltas, if the server began it. One that began without a type takes none.
local function takes(block, kind)
  local has_type = block.type ~= nil or block.pending ~= nil
  return has_type and deltas.suits(block.type, kind) and not block.is_guessed
end

-- The block under an index that a delta goes into, if there is one. Text goes into an earlier block only while that
-- is open; a signature may come late.
local function block_for(self, wire, row)
  local slot = self.slots[wire]
  if not slot or takes(slot.latest, row.kind) then
    return slot and slot.latest
  end
  local earlier = slot[row.kind]
  return earlier and not (earlier.has_ended and row.is_content) and earlier or nil
end

local function add_known(self, wire, row, value, event)
  local block = block_for(self, wire, row)
  if value == "" and (not block or block.pending or row.grows == "signature") then
    return
  end
  block = block or open(self, wire, {}, deltas.empty_block(row.kind))
  block.type = block.type or row.kind
  self.slots[wire][row.kind] = block
  begin(self, block)
  if row.grows == "input" and not block.given_id then
    block.heard = block.heard or heard_text.new(self.budget)
    block.heard:add(value)
  end
  block.brought[row.type] = block.brought[row.type] or value ~= "" or nil
  if row.is_content then
    block.added = (block.added or 0) + #value
  end
  if not deltas.is_made(event.delta, row, value) then
    event = { type = "content_block_delta", delta = deltas.made(row, value) }
  end
  event.index = block.index
  emit(self, event)
end

local function add_unknown(self, wire, event)
  local block = latest_at(self, wire)
  if not block then
    local kind = parts.word(event.delta.type)
    block = open(self, wire, {}, { type = kind and kind:gsub("_delta$", "") or "text" })
    block.is_guessed = true
  end
  begin(self, block)
  event.index = block.index
  emit(self, event)
end

local function add(self, event, delta, is_beside)
  local wire = present_index(self, event)
  if type(delta) == "string" then
    local block = latest_at(self, wire)
    delta = deltas.of_text(delta, block and block.type)
  elseif type(delta) ~= "table" then
    return "content_block_delta: the delta is a " .. type(delta)
  end
  local brought, problem = deltas.read(delta)
  if problem then
    return problem
  elseif not brought then
    return not is_beside and add_unknown(self, wire, event) or nil
  end
  for _, one in ipairs(brought) do
    add_known(self, wire, one.row, one.value, event)
  end
end

-- Takes in the delta of a start or a stop.
local function add_delta_of(self, event)
  local delta = event.delta
  if members.is_delta(delta) then
    return add(self, { type = "content_block_delta", index = event.index, delta = delta }, delta)
  end
end

--- Takes in a content_block_start.
---@param event table it may be changed
---@return string? problem why it cannot be read
function Blocks:start(event)
  local given = members.block_of(event)
  local beside = { index = event.index, delta = event.delta }
  return start(self, event, given) or add_delta_of(self, beside)
end

--- Takes in a content_block_delta.
---@param event table it may be changed
---@return string? problem why it cannot be read
function Blocks:delta(event)
  local given = event.content_block
  if type(event.delta) == "table" and parts.is_tool_use(event.delta.type) then
    return start(self, { index = event.index }, event.delta)
  elseif not parts.is_empty(event.delta) then
    return add(self, event, event.delta)
  elseif members.is_delta(given) then
    return add(self, event, given)
  elseif not parts.is_empty(given) then
    event.delta = nil
    return start(self, event, given)
  end
  return add(self, event, members.beside(event), true)
end

--- Takes in a content_block_stop.
---@param event table
---@return string? problem why it cannot be read
function Blocks:stop(event)
  local wire, content = present_index(self, event), event.content_block
  local problem, block = add_delta_of(self, event), latest_at(self, wire)
  content = not parts.is_empty(content) and parts.block(content) or nil
  if content and block and native_block.is_same(block, content) then
    add_to(self, block, content)
  elseif content then
    problem = problem or start(self, { index = wire }, content)
  end
  stop_all_at(self, wire)
  return problem
end

--- Ends what is open.
function Blocks:stop_all()
  for _, block in ipairs(self.order) do
    stop(self, block)
  end
end

--- Takes in blocks that came whole, at the beginning of the message whose content they are.
---@param content table[]
---@return string? problem why they cannot be read
function Blocks:begin_with(content)
  for i, block in ipairs(content) do
    local problem = self:start { index = i - 1, content_block = block }
    if problem then
      return problem
    end
  end
end

--- Takes in the whole content after some of its blocks: what had not come of these, and blocks that had not come.
---@param content table[] as `parts.blocks` returns them
---@return string? problem why they cannot be read
function Blocks:complete(content)
  local repeated = repeated_blocks.new(self.order, content, function(block)
    return self.input_at and self.input_at(block.index)
  end)
  for _, said in ipairs(content) do
    local block, is_missing = repeated:take(said)
    local problem
    if block then
      add_to(self, block, said)
    elseif is_missing then
      problem = self:start { index = self.highest + 1, content_block = said }
    end
    if problem then
      return problem
    end
  end
end

return native_blocks
