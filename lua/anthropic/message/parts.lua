--- The parts that content is made of, in whatever form a server sends them: their text, and the type of a block or
--- delta whose type is missing.
--
--     parts.text_of { { type = "text", text = "Hel" }, "lo" }   --> "Hello"
--     parts.type_of { thinking = "Hm." }                        --> "thinking"

local core = require "anthropic.base.core"
local json = require "anthropic.base.json"
local values = require "anthropic.base.values"

local parts = {}

-- The members in which an object may have its text; the first that is there counts.
local TEXT_MEMBERS = { "text", "content", "thinking", "reasoning", "reasoning_content", "summary", "value" }
-- No text is nested deeper than this.
local DEEPEST = 4

local function add_text(pieces, value, depth)
  local kind = type(value)
  if kind == "string" then
    pieces[#pieces + 1] = value ~= "" and value or nil
  elseif kind == "number" then
    pieces[#pieces + 1] = json.encode(value)
  elseif kind ~= "table" or depth > DEEPEST then
    return
  elseif value[1] ~= nil then
    for _, part in ipairs(value) do
      add_text(pieces, part, depth + 1)
    end
  else
    for _, name in ipairs(TEXT_MEMBERS) do
      local before = #pieces
      add_text(pieces, value[name], depth + 1)
      if #pieces > before then
        return
      end
    end
  end
end

--- The text of a string, a number, a part or a list of parts.
---@param value any
---@return string text "" if it has no text
function parts.text_of(value)
  if type(value) == "string" then
    return value
  elseif value == nil then
    return ""
  end
  local pieces = {}
  add_text(pieces, value, 1)
  return table.concat(pieces)
end

--- A number that can be an index, also if it is in a string; nil for all else.
---@param value any
---@return number?
function parts.index(value)
  local index = tonumber(value)
  return index and index == index and math.abs(index) < 2 ^ 53 and index or nil
end

parts.word = values.word

--- A text without the white space behind it, in linear time.
---@param text string
---@return string
function parts.without_space_behind(text)
  return text:match "^.*%S" or ""
end

--- Whether a value says nothing: absent, null, "", false or an empty table.
---@param value any
---@return boolean
function parts.is_empty(value)
  return value == nil or value == json.null or value == "" or value == false
    or type(value) == "table" and next(value) == nil
end

--- The members of an object that are neither known nor empty; nil if there are no such members. A list stays whole.
---@param object table
---@param known table<string, any>
---@return table?
function parts.others(object, known)
  if json.is_array(object) then
    return object
  end
  local others
  for name, value in pairs(object) do
    if not known[name] and not parts.is_empty(value) then
      others = others or {}
      others[name] = value
    end
  end
  return others
end

-- Members by which a block's type is known, the more certain ones first.
local TYPE_OF_MEMBER = {
  { "thinking", "thinking" },
  { "signature", "thinking" },
  { "input", "tool_use" },
  { "partial_json", "tool_use" },
  { "text", "text" },
  { "citation", "text" },
}

-- Other APIs' names for the types of the API's blocks.
local OWN_TYPE = { output_text = "text" }

--- The type of a block or of its first delta; if it names none, the type that its members imply.
---@param block table
---@return string?
function parts.type_of(block)
  if parts.word(block.type) then
    return OWN_TYPE[block.type] or block.type
  end
  for _, row in ipairs(TYPE_OF_MEMBER) do
    if block[row[1]] ~= nil then
      return row[2]
    end
  end
  return block.name ~= nil and block.id ~= nil and "tool_use" or nil
end

local AFTER_END = "^expected the end of the text at byte (%d+)$"

-- Reads the input of a text that goes on after its end: by what follows an empty object, or the same once more.
local function read_repeated(block, depth)
  local at = depth > 0 and tonumber((block.input_error or ""):match(AFTER_END))
  if not at then
    return
  end
  local text, first, rest = block.input_json, {}, {}
  json.tool_input(first, text:sub(1, at - 1))
  json.tool_input(rest, text:sub(at))
  read_repeated(rest, depth - 1)
  if type(rest.input) == "string" then -- a text in a text
    json.tool_input(rest, rest.input)
  end
  local is_nothing = parts.is_empty(first.input)
  if type(rest.input) == "table" and (is_nothing or parts.is_same_input(first.input, rest.input)) then
    block.input, block.input_json, block.input_error = rest.input, nil, nil
  end
end

--- Sets the input of a tool's use from the pieces of its text. Some servers begin with an empty object, as the block's
--- start does, or end with all of it once more.
---@param block table
---@param text string
function parts.read_pieces(block, text)
  json.tool_input(block, text)
  read_repeated(block, 2)
end

--- Makes the input of a tool's use a table that says the same: an empty one is `{}`, the JSON text of an object is that
--- object. For a text that begins as JSON and is broken, `input_json` and `input_error` are set; any other text stays.
---@param block table changed in place
function parts.read_input(block)
  if not parts.is_tool_use(block.type) or block.input_error then
    return
  elseif parts.is_empty(block.input) then
    block.input = json.object {}
  elseif type(block.input) == "string" then
    local read = {}
    parts.read_pieces(read, block.input)
    if type(read.input) == "table" or read.input_error and block.input:find "^%s*[{%[]" then
      block.input, block.input_json, block.input_error = read.input, read.input_json, read.input_error
    end
  end
end

--- The JSON text of the input of a tool's use, as it came if it is broken.
---@param block table changed as by `read_input`
---@return string
function parts.input_text(block)
  parts.read_input(block)
  local input = block.input
  return parts.word(block.input_json) or input ~= nil and json.input_text(input) or "{}"
end

--- An input, or its JSON text, as a text that is the same for equal inputs.
---@param input any
---@return string? text nil if the input is not whole
function parts.canonical_input(input)
  local text, read = type(input) == "string" and input or json.input_text(input), {}
  if text then
    json.tool_input(read, text)
  end
  return (json.encode(read.input))
end

--- Whether two inputs are whole and the same, however they are written.
---@param one any the input, or its JSON text
---@param other any
---@return boolean
function parts.is_same_input(one, other)
  local text = parts.canonical_input(one)
  return text ~= nil and text == parts.canonical_input(other)
end

-- Sets the text of a block that has it in another form, or under another name.
local function read_text(block)
  local name = block.type
  if name ~= "text" and name ~= "thinking" or type(block[name]) == "string" then
    return
  end
  for _, other in ipairs { name, "text", "content" } do
    local text = parts.text_of(block[other])
    if text ~= "" then
      block[other] = nil
      block[name] = text
      return
    end
  end
end

-- Whether a value as decoded says something, even if only that a member is null.
local function says_something(value)
  return not parts.is_empty(value) or type(value) == "table" and json.nulls_of(value) ~= nil
end

local INPUTS = { "input", "arguments", "parameters" }

-- The same for the input of a call. A value with another name, or in a block without a type, was not decoded as an
-- input: its nulls are absent.
local function read_arguments(block, has_type)
  local is_read = has_type and not parts.is_empty(block.input) or parts.word(block.input_json)
  if is_read or not parts.is_tool_use(block.type) then
    return
  end
  for _, name in ipairs(INPUTS) do
    local given = block[name]
    if says_something(given) then
      local text = type(given) == "table" and json.input_text(given)
      block[name] = nil
      block.input = given
      if text then
        json.tool_input(block, text)
      end
      return
    end
  end
end

-- Makes a single citation a list.
local function read_citations(block)
  local given = block.citations
  if block.type == "text" and type(given) == "table" and given[1] == nil and not parts.is_empty(given) then
    block.citations = json.array { given }
  end
end

--- A copy of a block, with a type; nil if the value is not a block.
---@param value any
---@return table?
function parts.block(value)
  if type(value) == "string" then
    return { type = "text", text = value }
  elseif type(value) ~= "table" or json.is_array(value) then
    return nil
  end
  local block = json.copy(value)
  block.type = parts.type_of(block)
  read_text(block)
  read_citations(block)
  read_arguments(block, parts.word(value.type))
  block.input_json = parts.word(block.input_json) -- this library's notes on a broken input: texts
  block.input_error = parts.word(block.input_error)
  return block
end

--- The blocks of a message's content, which is a list (nulls are skipped), one block, or a text.
---@param content any
---@return table[]|nil blocks nil if something in it is not a block
function parts.blocks(content)
  local blocks = json.array {}
  if parts.is_empty(content) then
    return blocks
  elseif type(content) ~= "table" or not json.is_array(content) then
    content = { content }
  end
  for i = 1, #content do
    local block = parts.block(content[i])
    if not block and content[i] ~= json.null then
      return nil
    end
    blocks[#blocks + 1] = block
  end
  return blocks
end

--- Whether a type is one of a tool's use: `tool_use`, `server_tool_use`, `mcp_tool_use`.
---@param kind any
---@return boolean
function parts.is_tool_use(kind)
  return type(kind) == "string" and kind:sub(-8) == "tool_use"
end

local made = 0 -- words, by this process

--- A word that no other answer has, in this process or another.
---@return string
function parts.own_word()
  made = made + 1
  local seed = ("%d %.9f %d %s"):format(os.time(), core.now(), made, tostring {}) -- math.random is the user's
  return core.hex(core.sha256(seed)):sub(1, 16)
end

--- The IDs of an answer that arrives, for `call_id`: IDs made for it are like no other answer's, even if the answer has
--- no ID itself.
---@param word? string see own_word; default: one of its own
---@return table seen
function parts.answer_ids(word)
  return { 0, word or true }
end

-- An ID unlike those of other messages, and always the same for the same message.
local function own_id(message_id, seen)
  local word = parts.word(message_id)
  if not word and seen[2] == true then
    seen[2] = parts.own_word()
  end
  local of_message = (word or seen[2] or ""):sub(1, 64):gsub("[^%w_-]", "_")
  return ("call_%s%s%d"):format(of_message, of_message ~= "" and "_" or "", seen[1])
end

--- The ID of a call: its own, or one made for it if that is missing or another call of the message has it.
---@param seen table of one message: the IDs so far, at 1 the number of those that were made, at 2 see answer_ids
---@param id any as it came
---@param message_id any
---@return string
function parts.call_id(seen, id, message_id)
  id = parts.word(id)
  while not id or seen[id] do
    seen[1] = (seen[1] or 0) + 1
    id = own_id(message_id, seen)
  end
  seen[id] = true
  return id
end

--- Completes the calls among the blocks of an answer so that they can be answered: each has an input and its own ID.
---@param blocks table[] changed in place
---@param message_id any
function parts.complete_calls(blocks, message_id)
  local seen = parts.answer_ids()
  for i = 1, #blocks do
    local block = blocks[i]
    if parts.is_tool_use(block.type) then
      parts.read_input(block)
      block.id = parts.call_id(seen, block.id, message_id)
    end
  end
end

return parts
