--- A content block that comes in deltas.
--
--     local entry = growing_block.new({ type = "text", text = "" }, budget)
--     entry:add { type = "text_delta", text = "Hello" }   --> true
--     entry:copy().text                                   --> "Hello"
--
-- Text is joined when it is asked for, which keeps the whole linear. What is unknown is kept.

local growing_text = require "anthropic.message.growing_text"
local json = require "anthropic.base.json"
local parts = require "anthropic.message.parts"

local growing_block = {}

local BLOCK_BYTES = 1000 -- that a block takes besides its content

---@class anthropic.GrowingBlock
---@field block table as far as it came, except for the fields that grow
---@field budget anthropic.Budget
---@field pieces table<string, string[]> of the string fields that grow
---@field json? string[] pieces of a tool's input
---@field citations? table the block's, if some were added
---@field closed? boolean it has ended
---@field has_ended? boolean the same, though it may have gone on
local GrowingBlock = {}
GrowingBlock.__index = GrowingBlock

--- Begins a block.
---@param block table as its start brought it; it becomes the whole
---@param budget anthropic.Budget
---@return anthropic.GrowingBlock
function growing_block.new(block, budget)
  budget:replace(block)
  budget:take(BLOCK_BYTES)
  return setmetatable({ block = block, pieces = {}, budget = budget }, GrowingBlock)
end

local function grow(self, field, piece)
  self.budget:take(#piece)
  local pieces = self.pieces[field]
  if not pieces then
    local before = self.block[field]
    pieces = { type(before) == "string" and before ~= "" and before or nil }
    self.pieces[field] = pieces
  end
  growing_text.add(pieces, piece)
end

local joined = growing_text.joined -- mostly of one piece, what a run took in

-- The deltas of the API, by the type of block that they belong to.
local BLOCK_OF = {
  text_delta = "text",
  citations_delta = "text",
  thinking_delta = "thinking",
  signature_delta = "thinking",
  input_json_delta = "tool_use",
}

local KNOWN_BLOCKS = {}
for _, kind in pairs(BLOCK_OF) do
  KNOWN_BLOCKS[kind] = true
end

-- The deltas of text that grows, and the text's field.
local GROWING = { text_delta = "text", thinking_delta = "thinking" }

-- What the other deltas do to a block (false: the delta is malformed).
local appliers = {}

function appliers.signature_delta(self, delta)
  self.budget:replace(delta.signature, self.block.signature)
  self.block.signature = delta.signature
  return type(delta.signature) == "string"
end

function appliers.input_json_delta(self, delta)
  if type(delta.partial_json) ~= "string" then
    return false
  end
  self.budget:take(#delta.partial_json)
  self.json, self.closed = self.json or {}, nil
  growing_text.add(self.json, delta.partial_json)
  return true
end

function appliers.citations_delta(self, delta)
  self.budget:replace(delta)
  if not self.citations then -- the block's own are the event's
    local before = self.block.citations
    before = type(before) == "table" and not parts.is_empty(before) and before or {}
    self.citations = json.array((before[1] ~= nil or next(before) == nil) and json.copy(before) or { before })
    self.block.citations = self.citations
  end
  table.insert(self.citations, delta.citation)
  return true
end

-- Adds a delta of a later API: its strings grow the block's, as those of all deltas do so far.
local function add_unknown(self, delta)
  for name, value in pairs(delta) do
    if name ~= "type" and type(value) == "string" then
      grow(self, name, value)
    elseif name ~= "type" then
      self.budget:replace(value, self.block[name])
      json.set(delta, self.block, name)
    end
  end
  return true
end

--- The type of block that a delta belongs to.
---@param delta_type string
---@return string
function growing_block.type_of(delta_type)
  return BLOCK_OF[delta_type] or (delta_type:gsub("_delta$", ""))
end

--- Adds a delta. A delta of a later API has no place in a block of a known type: its field might be refused when the
--- block is sent back.
---@param delta table
---@return boolean|nil ok false when it is malformed; nil if it has no place in the block
function GrowingBlock:add(delta)
  local field = GROWING[delta.type]
  if field then
    local piece = delta[field]
    if type(piece) ~= "string" then
      return false
    end
    grow(self, field, piece)
    return true
  end
  local apply = appliers[delta.type] or not KNOWN_BLOCKS[self.block.type] and add_unknown
  if apply then
    return apply(self, delta)
  end
end

--- Takes in a repeated start: it fills in what was missing, and its text goes on with the block's.
---@param members table
function GrowingBlock:begin_again(members)
  self.budget:replace(members)
  local field = GROWING[tostring(members.type) .. "_delta"]
  for name, value in pairs(members) do
    if name == field then
      if type(value) == "string" and value ~= "" then
        grow(self, field, value)
      end
    elseif parts.is_empty(self.block[name]) then
      json.set(members, self.block, name)
    end
  end
end

--- The pieces of the text that a type of delta grows, if the text has begun.
---@param delta_type string
---@return string[]?
function GrowingBlock:pieces_of(delta_type)
  if delta_type == "input_json_delta" then
    return self.json
  end
  return GROWING[delta_type] and self.pieces[GROWING[delta_type]]
end

-- Sets the growing fields of a block, or of a copy of it, to their present value.
local function settle(self, block)
  for field, pieces in pairs(self.pieces) do
    block[field] = joined(pieces)
  end
end

--- The block as it stands; it can go on.
---@return table
function GrowingBlock:copy()
  local block = json.copy(self.block)
  settle(self, block)
  block.citations = self.citations and json.copy(self.citations) or block.citations
  if self.json and not self.closed then
    block.input = nil
    block.input_json = joined(self.json)
    block.input_error = "the input is not complete"
  end
  return block
end

-- The pieces make the input, unless they are empty and the block's start brought an input, even a broken one.
local function close_input(self)
  local block = self.block
  local before, text, problem = block.input, parts.word(block.input_json), block.input_error
  parts.read_pieces(block, joined(self.json))
  if block.input_error or not parts.is_empty(block.input) then
    return
  elseif not parts.is_empty(before) then
    block.input = before
  elseif text and not self.has_ended then -- else that is of the pieces before the end
    block.input, block.input_json, block.input_error = nil, text, problem
  end
end

--- Ends the block: `block` is whole. A block that goes on after its end is closed again.
function GrowingBlock:close()
  settle(self, self.block)
  self.pieces = {}
  if self.closed then
    return
  elseif self.json then
    close_input(self)
  end
  parts.read_input(self.block)
  self.closed, self.has_ended = true, true
end

return growing_block
