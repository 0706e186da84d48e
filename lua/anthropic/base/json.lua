--- JSON as the client sends and reads it: nothing that JSON can say is lost on the way.
--
--   local json = require "anthropic.base.json"
--   json.encode { b = 1, a = json.array {} }      --> {"a":[],"b":1}
--   json.decode('{"id":9007199254740993}').id     --> 9007199254740993 (Lua 5.3 and later)
--
-- Reading is lua-cjson's. Before it, the text is checked and what lua-cjson would lose is marked;
-- after it, the marks become values. Writing is this library's own: equal values, equal bytes.

local require = require
local core = require "anthropic.base.core"
local descriptors = require "anthropic.base.descriptors"
local fields = require "anthropic.base.json_fields"
local kinds = require "anthropic.base.json_kinds"
local lazy = require "anthropic.base.lazy"
local memory = require "anthropic.base.memory"

local json_nan = lazy.module "anthropic.base.json_nan"

local prepare, restore = core.json_prepare, core.json_restore
local CHECK, REPAIR, STRICT, INPUT = core.json_check, core.json_repair, core.json_strict, core.json_input
local ANSWER, EVENT = core.json_answer, core.json_event
local REQUEST, MEND = core.json_request, core.json_mend

local json = {}

local LARGE_EVENT = 1024 * 1024 -- one that may take more memory than there is

--- Stands for null: for a field that has to be sent as null, or that was null in user data.
json.null = core.null

json.array, json.object, json.list = kinds.array, kinds.object, kinds.list
json.is_array, json.is_raw = kinds.is_array, kinds.is_raw

-- The objects that keep the text of a member: those with such a `type` keep that of `input`. If it is broken, the
-- members beside it are not sent: `input_json`, which stands for it, and `input_error`.
local kept = {
  "type",
  { tool_use = true, server_tool_use = true, mcp_tool_use = true },
  "input",
  { input_json = true, input_error = false },
}

--- Names under which servers send a tool's input, or a piece of it, as an object.
---@private
json.INPUT_NAMES = { input = true, arguments = true, parameters = true, partial_json = true }

-- Tool inputs as decoded, to the text they came as.
local input_texts = setmetatable({}, { __mode = "k" })

-- Inputs as decoded, wherever they stand, to the text of those that held NaN or an infinity.
local broken_texts = setmetatable({}, { __mode = "k" })

-- Tables as decoded, to the digits of their numbers that Lua's numbers cannot hold: key -> text.
local digits = setmetatable({}, { __mode = "k" })

local decoder

-- The decoder of lua-cjson, or of a host's own build of it, and its name.
local function find_decoder()
  local found, cjson = pcall(require, "cjson")
  if found then
    -- Anyone may change the settings of the shared module; a copy has its own.
    return cjson.new().decode, "lua-cjson " .. tostring(cjson._VERSION)
  end
  local vim = rawget(_G, "vim")
  if type(vim) == "table" and vim.json then
    return vim.json.decode, "vim.json, Neovim's own build of lua-cjson"
  end
  if descriptors.are_out() then
    error("anthropic: lua-cjson cannot be loaded: " .. descriptors.ADVICE, 0)
  end
  local reason = tostring(cjson):match "[^\n]*"
  error(("anthropic needs lua-cjson to read JSON: luarocks install lua-cjson (%s)"):format(reason), 0)
end

--- Loads the library that reads JSON, before a request is sent whose answer needs it; raises if it is missing.
function json.load()
  decoder = decoder or find_decoder()
end

--- The name of the library that reads JSON; raises if it is missing.
---@return string
function json.library()
  return (select(2, find_decoder()))
end

-- Returns the value, what core.json_restore found, whether halves of characters are left, and whether the text had to
-- be changed, as for NaN.
local function decode_text(text, options, member, nulls_absent)
  local prepared, pending, halves, marked = prepare(text, options, member)
  if not prepared then
    return nil, pending
  end
  decoder = decoder or find_decoder()
  local decoded, value = pcall(decoder, prepared)
  if not decoded and memory.is_lack(value) then
    error(value, 0)
  elseif not decoded then
    -- The text is valid, but lua-cjson notes the locale's decimal point when it is made, and a host
    -- may set another locale later.
    decoder = find_decoder()
    value = decoder(prepared)
  end
  if pending == 0 then
    return value, nil, halves
  end
  local restored, found = restore(value, pending, nulls_absent, marked, digits, kept)
  return restored, found, halves, prepared ~= text
end

-- Whether `value` says the same as `original`, which is fresh from the decoder.
local function is_same(value, original)
  if type(value) ~= "table" or type(original) ~= "table" then
    return value == original and (value ~= 0 or 1 / value == 1 / original)
  end
  local metatable = getmetatable(value)
  if metatable and (not kinds.BY_METATABLE[metatable] or kinds.BY_METATABLE[metatable] == "raw") then
    return false
  end
  if json.is_array(value) ~= json.is_array(original) then
    return false
  end
  for key, member in next, value do
    if not is_same(member, original[key]) then
      return false
    end
  end
  for key in next, original do
    if rawget(value, key) == nil then
      return false
    end
  end
  return true
end

local rules = {
  kinds = kinds.BY_METATABLE,
  literals = kinds.LITERALS,
  fields = fields,
  kept = kept,
  inputs = input_texts,
  digits = digits,
  is_unchanged = function(input, text)
    return is_same(input, (decode_text(text, STRICT)))
  end,
}

--- A value that is encoded as the given text, byte for byte.
---@param text string raises if it is not valid JSON
---@return table raw opaque
function json.raw(text)
  if type(text) ~= "string" then
    kinds.refuse(text, "string", "raw", 2)
  end
  local valid, message = prepare(text, CHECK)
  if not valid then
    error(("bad argument #1 to 'raw' (invalid JSON: %s)"):format(message), 2)
  end
  return setmetatable({ text }, kinds.RAW)
end

--- Encodes a value. Object keys are sorted, numbers read back as the same ones.
---@param value any
---@return string? text nil if the value has no JSON form
---@return string? message the path to the part that has none, and why
function json.encode(value)
  kinds.note_markers()
  return core.json_encode(value, rules)
end

--- Encodes what a request sends: a tool's input that is broken is sent as `{}`.
---@param value any
---@return string|string[]|nil text see segments.lua
---@return string? message
function json.encode_request(value)
  kinds.note_markers()
  return memory.attempt(core.json_encode, value, rules, REQUEST)
end

--- Encodes a value that its sender can no longer mend: in its strings and names, each ill-formed part of
--- what is not UTF-8 becomes U+FFFD.
---@param value any
---@return string? text
---@return string? message
function json.encode_mended(value)
  kinds.note_markers()
  return core.json_encode(value, rules, MEND)
end

-- Sets the fields of a block whose tool input is not JSON.
local function set_broken(block, text, message)
  block.input, block.input_json, block.input_error = nil, text, message
end

-- Keeps the texts of the inputs that core.json_restore found. In an answer they may be broken.
local function keep_inputs(text, found)
  for i = 1, #found, 3 do
    local block, input = found[i], text:sub(found[i + 1], found[i + 2])
    local repaired, message = prepare(input, REPAIR)
    if type(block.input) == "table" and repaired then
      input_texts[block.input] = repaired
    elseif type(block.input) == "table" then
      set_broken(block, json.mend(input), message)
    end
  end
end

local function decode(text, options, nulls_absent)
  local value, found, halves, is_changed = decode_text(text, options, kept[3], nulls_absent)
  if value == nil then
    return nil, found
  elseif found then
    keep_inputs(text, found)
  end
  local may_have_nan = is_changed and nulls_absent and type(value) == "table"
    and (text:find("NaN", 1, true) or text:find("Infinity", 1, true))
  if may_have_nan then
    local marked = json_nan.mark(text)
    local other = marked and decode_text(marked, ANSWER, nil, true)
    if other then
      json_nan.note(value, other, json, broken_texts)
    end
  end
  return value, nil, halves
end

--- Decodes valid JSON text; nulls are `json.null`, empty arrays stay arrays, and tool inputs keep their
--- text.
---@param text string
---@return any value nil if the text is not valid
---@return string? message what is wrong, and at which byte
function json.decode(text)
  if type(text) ~= "string" then
    kinds.refuse(text, "string", "decode", 2)
  end
  local value, message = decode(text, STRICT)
  return value, message
end

--- A value as it is or, if its strings or names are not all UTF-8, a copy of it in which they are:
--- see `json.encode_mended`.
---@param value any
---@return any value nil if it has no JSON form
---@return string? message
function json.mend(value)
  if json.encode(value) then
    return value
  end
  local text, message = json.encode_mended(value)
  if not text then
    return nil, message
  end
  return json.decode(text)
end

--- Sets `block.input` from a tool input's text, which is sent again as it is unless the input is
--- changed. If the text is not valid, `input` is nil, `input_json` the text and `input_error` the
--- reason.
---@param block table a tool_use block
---@param text string JSON; an empty one is an empty object
function json.tool_input(block, text)
  if not text:find "%S" then
    text = "{}"
  end
  local repaired, message = prepare(text, REPAIR)
  if not repaired then
    set_broken(block, text, message)
    return
  end
  local input, problem = decode_text(repaired, INPUT)
  if input == nil then
    set_broken(block, text, problem)
    return
  elseif type(input) == "table" then
    input_texts[input] = repaired
  end
  block.input, block.input_json, block.input_error = input, nil, nil
end

--- The text of a tool's input as it came, if the input is unchanged; else its encoding. If the input held NaN or an
--- infinity, the text is not JSON.
---@param input any
---@return string? text
function json.input_text(input)
  local text = input_texts[input]
  if text and rules.is_unchanged(input, text) then
    return text
  end
  return broken_texts[input] or (json.encode(input))
end

--- Decodes an answer: an object's nulls are absent fields (that are sent again as null), what is not
--- valid UTF-8 is U+FFFD, NaN and infinities are null, and tool inputs keep their text.
---@param text string
---@return any value nil if the text is not valid
---@return string? message what is wrong, and at which byte
function json.decode_answer(text)
  local value, message = memory.attempt(decode, text, ANSWER, true)
  return value, message
end

--- Decodes an event of a stream: an answer whose strings may be cut inside a surrogate pair. Such
--- halves are left in the strings as three bytes, for `anthropic.surrogates` to join.
---@param text string
---@return any value nil if the text is not valid
---@return string? message
---@return boolean? halves whether there are any
function json.decode_event(text)
  if #text > LARGE_EVENT then
    return memory.attempt(decode, text, EVENT, true)
  end
  return decode(text, EVENT, true)
end

--- Copies a member of a table to another one, of the caller's own, which encodes it as the first does.
---@param from table
---@param to table
---@param name string
function json.set(from, to, name)
  to[name] = from[name]
  local noted = digits[from] and digits[from][name]
  if noted then
    digits[to] = digits[to] or {}
  end
  if digits[to] then
    digits[to][name] = noted
  end
end

--- Copies the members of a table in this way to another one, of the caller's own.
---@generic T: table
---@param to T
---@param from? table
---@return T to
function json.merge(to, from)
  for name in pairs(from or {}) do
    json.set(from, to, name)
  end
  return to
end

--- A shallow copy that is encoded like the original.
---@param value table
---@return table
function json.copy(value)
  local copy = {}
  for key, member in next, value do
    copy[key] = member
  end
  if digits[value] then
    digits[copy] = json.copy(digits[value]) -- json.set changes them
  end
  return setmetatable(copy, getmetatable(value))
end

--- The names that were null in an object as decoded, and are absent.
---@param value table
---@return table<string, true>? names
function json.nulls_of(value)
  local metatable = getmetatable(value)
  return type(metatable) == "table" and rawget(metatable, "__nulls") or nil
end

--- Makes a table, of the caller's own, an object that is encoded with these nulls. They may grow.
---@param value table
---@param names table<string, true>
function json.set_nulls(value, names)
  setmetatable(value, { __nulls = names })
end

return json
