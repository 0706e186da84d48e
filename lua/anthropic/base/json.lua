--- JSON as the client sends and reads it: nothing that JSON can say is lost on the way.
--
--   local json = require "anthropic.base.json"
--   json.encode { b = 1, a = json.array {} }      --> {"a":[],"b":1}
--   json.decode('{"id":9007199254740993}').id     --> 9007199254740993 (Lua 5.3 and later)
--
-- Reading is lua-cjson's. Before it, the text is checked and what lua-cjson would lose is marked;
-- after it, the marks become values. Writing is this library's own: equal values, equal bytes.

local package, require = package, require
local core = require "anthropic.base.core"
local descriptors = require "anthropic.base.descriptors"
local fields = require "anthropic.base.json_fields"
local lazy = require "anthropic.base.lazy"
local memory = require "anthropic.base.memory"

local json_nan = lazy.module "anthropic.base.json_nan"

local prepare, restore = core.json_prepare, core.json_restore
local CHECK, REPAIR, STRICT, INPUT = core.json_check, core.json_repair, core.json_strict, core.json_input
local ANSWER, EVENT = core.json_answer, core.json_event
local REQUEST, MEND = core.json_request, core.json_mend

local json = {}

local LARGE_EVENT = 1024 * 1024 -- one that may take more memory than there is

--- Stands for null, where a field has to be sent as null or was one in user data.
json.null = core.null

local array_metatable = core.json_array_metatable
local object_metatable = core.json_object_metatable
local raw_metatable = {
  __tostring = function(raw)
    return raw[1]
  end,
}

-- By metatable; those of json.list are held by their lists alone.
local kinds = setmetatable({
  [array_metatable] = "array",
  [object_metatable] = "object",
  [raw_metatable] = "raw",
}, { __mode = "k" })

local literals = { [core.null] = "null" }

-- Which objects keep the text of a member: those with such a `type` that of `input`. What stands beside one that is
-- broken is not sent; `input_json` stands for it.
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

-- Tables as decoded, to the digits of those of their numbers that Lua's do not hold: key -> text.
local digits = setmetatable({}, { __mode = "k" })

local decoder

-- The decoder of lua-cjson, or of what a host has of it, and its name.
local function find_decoder()
  local found, cjson = pcall(require, "cjson")
  if found then
    -- The settings of the shared module are anyone's to change; a copy has its own.
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

--- Loads what reads JSON, before a request is sent whose answer needs it; raises where there is nothing.
function json.load()
  decoder = decoder or find_decoder()
end

--- The name of what reads JSON; raises where there is nothing.
---@return string
function json.library()
  return (select(2, find_decoder()))
end

-- Returns the value, what core.json_restore found, whether halves of characters are left, and whether the text had to
-- be changed, as NaN has.
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

--- Whether a table is encoded as an array, where nothing but the table says so.
---@param value table
---@return boolean
function json.is_array(value)
  local kind = kinds[getmetatable(value)]
  if kind == "array" or kind == "object" then
    return kind == "array"
  elseif kind == "raw" then
    return type(value[1]) == "string" and value[1]:find "^%s*%[" ~= nil
  elseif next(value) == nil then
    return kind == "empty array"
  end
  return rawget(value, 1) ~= nil
end

-- Whether `value` says the same as `original`, which is fresh from the decoder.
local function is_same(value, original)
  if type(value) ~= "table" or type(original) ~= "table" then
    return value == original and (value ~= 0 or 1 / value == 1 / original)
  end
  local metatable = getmetatable(value)
  if metatable and (not kinds[metatable] or kinds[metatable] == "raw") then
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
  kinds = kinds,
  literals = literals,
  fields = fields,
  kept = kept,
  inputs = input_texts,
  digits = digits,
  is_unchanged = function(input, text)
    return is_same(input, (decode_text(text, STRICT)))
  end,
}

local function note(meanings, marker, meaning)
  if marker ~= nil then
    meanings[marker] = meaning
  end
end

local noted_cjson, noted_vim -- whose markers are known

-- Other libraries' ways to say what a table cannot, where they are loaded.
local function note_markers()
  local cjson, vim = package.loaded.cjson, rawget(_G, "vim")
  if cjson ~= noted_cjson and type(cjson) == "table" then
    note(kinds, cjson.array_mt, "array")
    note(kinds, cjson.empty_array_mt, "empty array")
    note(literals, cjson.empty_array, "[]")
    noted_cjson = cjson
  end
  if vim ~= noted_vim and type(vim) == "table" then
    note(literals, vim.NIL, "null")
    note(kinds, vim.empty_dict and getmetatable(vim.empty_dict()), "object")
    noted_vim = vim
  end
end

local function refuse(argument, expected, name, level)
  local message = "bad argument #1 to '%s' (%s expected, got %s)"
  error(message:format(name, expected, type(argument)), level + 1)
end

local function set_kind(value, metatable, name)
  if type(value) ~= "table" then
    refuse(value, "table", name, 3)
  end
  local present = getmetatable(value)
  if present == nil then
    return setmetatable(value, metatable)
  end
  local is_object = type(present) == "table" and rawget(present, "__nulls")
  if present ~= metatable and not (is_object and metatable == object_metatable) then
    error(("bad argument #1 to '%s' (the table has another metatable)"):format(name), 3)
  end
  return value
end

--- Makes a table an array, also when it is empty.
---@param value table its keys must be 1 to n when it is encoded
---@return table value the same table, with a metatable; raises where it has another one
function json.array(value)
  return (set_kind(value, array_metatable, "array")) -- no tail call: it blames the caller
end

--- An array with members that are neither iterated over nor encoded.
---@param value table from `decode`: a list of values
---@param members table<string, any>
---@return table value the same table
function json.list(value, members)
  local metatable = { __index = members }
  kinds[metatable] = "array"
  return setmetatable(value, metatable)
end

--- Makes a table an object, also when it is empty or has numbers as keys (1 becomes "1").
---@param value table
---@return table value the same table, with a metatable; raises where it has another one
function json.object(value)
  return (set_kind(value, object_metatable, "object")) -- no tail call: it blames the caller
end

--- A value that is encoded as the given text, byte for byte.
---@param text string raises where it is not valid JSON
---@return table raw opaque
function json.raw(text)
  if type(text) ~= "string" then
    refuse(text, "string", "raw", 2)
  end
  local valid, message = prepare(text, CHECK)
  if not valid then
    error(("bad argument #1 to 'raw' (invalid JSON: %s)"):format(message), 2)
  end
  return setmetatable({ text }, raw_metatable)
end

--- Encodes a value. Object keys are sorted, numbers read back as the same ones.
---@param value any
---@return string? text nil where the value has no JSON form
---@return string? message the path to what has none, and why
function json.encode(value)
  note_markers()
  return core.json_encode(value, rules)
end

--- Encodes what a request sends: of a tool's input that is broken, `{}` alone.
---@param value any
---@return string|string[]|nil text see segments.lua
---@return string? message
function json.encode_request(value)
  note_markers()
  return memory.attempt(core.json_encode, value, rules, REQUEST)
end

--- Encodes a value that nobody can mend any more: in its strings and names, each ill-formed part of
--- what is not UTF-8 becomes U+FFFD.
---@param value any
---@return string? text
---@return string? message
function json.encode_mended(value)
  note_markers()
  return core.json_encode(value, rules, MEND)
end

-- Puts in place what is known of a tool's input that is not JSON.
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
---@return any value nil where the text is not valid
---@return string? message what is wrong, and at which byte
function json.decode(text)
  if type(text) ~= "string" then
    refuse(text, "string", "decode", 2)
  end
  local value, message = decode(text, STRICT)
  return value, message
end

--- A value as it is or, where its strings or names are not all UTF-8, a copy of it in which they are:
--- see `json.encode_mended`.
---@param value any
---@return any value nil where it has no JSON form
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
--- changed. Where the text is not valid, `input` is nil, `input_json` the text and `input_error` the
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

--- The text that a tool's input came as, where it is unchanged; else its encoding. Of one that held NaN or an infinity
--- it is no JSON.
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
---@return any value nil where the text is not valid
---@return string? message what is wrong, and at which byte
function json.decode_answer(text)
  local value, message = memory.attempt(decode, text, ANSWER, true)
  return value, message
end

--- Decodes an event of a stream: an answer whose strings may be cut inside a surrogate pair. Such
--- halves are left in the strings as three bytes, for `anthropic.surrogates` to join.
---@param text string
---@return any value nil where the text is not valid
---@return string? message
---@return boolean? halves whether there are any
function json.decode_event(text)
  if #text > LARGE_EVENT then
    return memory.attempt(decode, text, EVENT, true)
  end
  return decode(text, EVENT, true)
end

--- Sets a member of a table in another one, of the caller's own, which encodes it as the first does.
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

--- Sets the members of a table so in another one, of the caller's own.
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

--- Whether a value was made by `json.raw`.
function json.is_raw(value)
  return getmetatable(value) == raw_metatable
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

--- What was null in an object as decoded, and is absent.
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
