--- What a delta of the API's own events brings, in whatever form a server sends it: it may lack a type, bring two
-- things at once, or have its text under another name.
--
--     deltas.read { type = "thinking_delta", text = "Hm." }
--       --> { { row = deltas.OF_TYPE.thinking_delta, value = "Hm." } }

local json = require "anthropic.base.json"
local parts = require "anthropic.message.parts"

local deltas = {}

-- The deltas of the API. `members`: the names under which the value may be, the API's own first; `kind`: that of the
-- blocks that the delta belongs to; `grows`: the member of the block that grows by it; `is_text`: the value is a text;
-- `is_content`: the value is the content of such blocks.
local ROWS = {
  { type = "thinking_delta", kind = "thinking", grows = "thinking", is_text = true, is_content = true,
    members = { "thinking", "text", "content" } },
  { type = "signature_delta", kind = "thinking", grows = "signature", is_text = true, members = { "signature" } },
  { type = "text_delta", kind = "text", grows = "text", is_text = true, is_content = true,
    members = { "text", "content" } },
  { type = "citations_delta", kind = "text", members = { "citation" } },
  { type = "input_json_delta", kind = "tool_use", grows = "input", is_text = true, is_content = true,
    members = { "partial_json", "input", "arguments" } },
}

---@class anthropic.DeltaRow
---@field type string
---@field kind "text"|"thinking"|"tool_use"
---@field grows? string
---@field is_text? boolean
---@field is_content? boolean
---@field members string[]

--- The rows in the order in which a delta that brings several things brings them.
---@type anthropic.DeltaRow[]
deltas.ROWS = ROWS

--- The row of a delta's type, with or without the ending `_delta`.
---@type table<string, anthropic.DeltaRow>
deltas.OF_TYPE = {}

-- The row of a delta that is nothing but a text, by the kind of its block.
local OF_KIND = { text = ROWS[3], thinking = ROWS[1], tool_use = ROWS[5] }

for _, row in ipairs(ROWS) do
  deltas.OF_TYPE[row.type] = row
  deltas.OF_TYPE[row.type:gsub("_delta$", "")] = row
end

--- The kind of deltas that a block of a type takes; nil if it takes all, as a block of a later API does.
---@param block_type? string
---@return string?
function deltas.kind_of(block_type)
  if parts.is_tool_use(block_type) then
    return "tool_use"
  end
  return (OF_KIND[block_type] or block_type == "redacted_thinking") and block_type or nil
end

--- Whether deltas of a kind go into a block of a type. Text and thinking go only into their own blocks: in others they
--- would not be found. An input may belong to a later API's block.
---@param block_type? string
---@param kind string
---@return boolean
function deltas.suits(block_type, kind)
  local own = deltas.kind_of(block_type)
  return own == kind or block_type == nil or own == nil and kind == "tool_use"
end

--- The delta for a mere text, in a block of a type.
---@param text string
---@param block_type? string
---@return table delta
function deltas.of_text(text, block_type)
  return deltas.made(OF_KIND[deltas.kind_of(block_type)] or OF_KIND.text, text)
end

--- A delta as the API sends it.
---@param row anthropic.DeltaRow
---@param value any
---@return table delta
function deltas.made(row, value)
  return { type = row.type, [row.members[1]] = value }
end

--- Whether a delta is already as the API sends it, or says no more than that.
---@param delta any
---@param row anthropic.DeltaRow
---@param value any
---@return boolean
function deltas.is_made(delta, row, value)
  return type(delta) == "table" and delta.type == row.type and delta[row.members[1]] == value
end

--- The empty block for one whose start did not come.
---@param kind string
---@return table
function deltas.empty_block(kind)
  return kind == "tool_use" and { type = kind, input = json.object {} } or { type = kind, [kind] = "" }
end

-- The member of a delta that has the value of its type: the first that is not empty, else one that is there.
local function member_of(row, delta)
  local present
  for _, name in ipairs(row.members) do
    if not parts.is_empty(delta[name]) then
      return name
    end
    present = present or delta[name] ~= nil and name or nil
  end
  return present
end

-- The value of a member: nil if it has none; nil and the reason if it cannot be read.
local function value_of(row, name, value)
  if value == json.null then
    return nil
  elseif not row.is_text or type(value) == "string" then
    return value
  elseif row.grows == "input" then
    return json.input_text(value)
  end
  local text = parts.text_of(value)
  if text ~= "" or parts.is_empty(value) then
    return text
  end
  return nil, ("%s: %s is a %s"):format(row.type, name, type(value))
end

--- What a delta brings, in order. Empty if it brings nothing.
---@param delta table
---@return { row: anthropic.DeltaRow, value: any }[]|nil brought nil if its type is unknown, or if it has neither a
---type nor a known member
---@return string? problem why it cannot be read
function deltas.read(delta)
  local known = deltas.OF_TYPE[delta.type]
  if not known and parts.word(delta.type) then
    return nil
  end
  local brought, claimed = {}, known and member_of(known, delta)
  local problem
  local function add(row, name)
    local value, why = value_of(row, name, delta[name])
    problem = problem or why
    brought[#brought + 1] = value ~= nil and { row = row, value = value } or nil
  end
  if claimed then
    add(known, claimed)
  end
  local found = claimed ~= nil
  for _, row in ipairs(ROWS) do
    local name = row.members[1]
    if row ~= known and name ~= claimed and delta[name] ~= nil then
      found = true
      add(row, name)
    end
  end
  if problem then
    return nil, problem
  elseif not found then
    for name, value in pairs(delta) do
      if name ~= "type" and not parts.is_empty(value) then
        return nil, known and ("%s: %s is missing"):format(known.type, known.members[1])
      end
    end
  end
  return brought
end

return deltas
