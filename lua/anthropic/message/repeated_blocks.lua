--- Finds the blocks of a stream that content repeats when it comes whole: for a call the one with its ID, or with its
--- name and input if the server made another ID; for anything else the first of its type that was not repeated yet. A
--- text that came as one block may be repeated in several.
--
--     local repeated = repeated_blocks.new(blocks.order, content)
--     repeated:take(content[1])   --> the block; nil and true: it has not come yet; nil and false: it has, elsewhere

local native_block = require "anthropic.message.native_block"
local parts = require "anthropic.message.parts"

---@class anthropic.RepeatedBlocks
---@field queues table<string, { [integer]: anthropic.NativeBlock, first: integer }> by what they are found by
---@field taken table<anthropic.NativeBlock, true>
---@field blocks anthropic.NativeBlock[]
---@field said_ids table<string, true>
---@field input_of fun(block: anthropic.NativeBlock): any
---@field has_inputs? boolean calls are found by their inputs
---@field missing table<string, integer> bytes of the content's texts, less those that have come, by type
local Repeated = {}
Repeated.__index = Repeated

local repeated_blocks = {}

local function name_of(content)
  return parts.word(content.name) or ""
end

local TEXTS = { text = true, thinking = true }

-- Counts the text of a block, and what was added to it.
local function count(self, content, added, sign)
  local kind = content.type
  if TEXTS[kind] then
    local bytes = (type(content[kind]) == "string" and #content[kind] or 0) + (added or 0)
    self.missing[kind] = (self.missing[kind] or 0) + sign * bytes
  end
end

local function add(self, key, block)
  local queue = self.queues[key] or { first = 1 }
  self.queues[key] = queue
  queue[#queue + 1] = block
end

-- The ID of a call, as the server sent it.
local function id_of(block, content)
  return block.given_id or block.pending and parts.word(content.id)
end

--- Takes the blocks that have come, in order, and the content that repeats them.
---@param blocks anthropic.NativeBlock[]
---@param said table[]
---@param input_of fun(block: anthropic.NativeBlock): any the input of a call, or its JSON text, as far as it has come
---@return anthropic.RepeatedBlocks
function repeated_blocks.new(blocks, said, input_of)
  local self = setmetatable({
    queues = {}, taken = {}, missing = {}, blocks = blocks, said_ids = {}, input_of = input_of,
  }, Repeated)
  for _, content in ipairs(said) do
    count(self, content, 0, 1)
    self.said_ids[content.id or ""] = true
  end
  for _, block in ipairs(blocks) do
    local content = native_block.content_of(block)
    count(self, content, block.added, -1)
    local id = id_of(block, content)
    if not parts.is_tool_use(content.type) then
      add(self, "type " .. tostring(content.type), block)
    elseif id then
      add(self, "id " .. id, block)
      add(self, "call " .. name_of(content), block)
    else
      add(self, "unnamed " .. name_of(content), block)
    end
  end
  return self
end

local function first(self, key)
  local queue = self.queues[key]
  while queue and queue[queue.first] do
    local block = queue[queue.first]
    queue.first = queue.first + 1
    if not self.taken[block] then
      self.taken[block] = true
      return block
    end
  end
end

local function key_of_input(content, input)
  local text = parts.canonical_input(input)
  return text and ("input %s %s"):format(name_of(content), text)
end

-- The call of the same name and input that came under an ID which the content does not have.
local function first_of_input(self, content)
  if not self.has_inputs then
    self.has_inputs = true
    for _, block in ipairs(self.blocks) do
      local begun = native_block.content_of(block)
      local id = parts.is_tool_use(begun.type) and id_of(block, begun)
      local key = id and not self.said_ids[id] and key_of_input(begun, self.input_of(block))
      if key then
        add(self, key, block)
      end
    end
  end
  local key = key_of_input(content, content.input)
  return key and first(self, key)
end

local function first_call(self, content)
  local id, name = parts.word(content.id), name_of(content)
  return id and first(self, "id " .. id) or first(self, "unnamed " .. name) or first(self, "unnamed ")
    or id and first_of_input(self, content) or not id and first(self, "call " .. name) or nil
end

--- The block that the content repeats. Each block is found only once.
---@param content table
---@return anthropic.NativeBlock? block
---@return boolean? is_missing if no block is returned: whether the content has not come
function Repeated:take(content)
  local kind = content.type
  local block = parts.is_tool_use(kind) and first_call(self, content) or first(self, "type " .. tostring(kind))
  if block then
    return block
  end
  return nil, not TEXTS[kind] or self.missing[kind] > 0
end

return repeated_blocks
