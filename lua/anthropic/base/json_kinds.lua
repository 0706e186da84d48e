--- What a table says of itself: that it is an array, an object, or text that is JSON already; and what the markers of
--- other libraries say, if they are loaded.

local package = package
local core = require "anthropic.base.core"

local kinds = {}

local array_metatable = core.json_array_metatable
local object_metatable = core.json_object_metatable

--- The metatable of a table whose first member is its text.
---@private
kinds.RAW = {
  __tostring = function(raw)
    return raw[1]
  end,
}

--- What metatables mean; those of `kinds.list` are held by their lists alone.
---@private
---@type table<table, "array"|"empty array"|"object"|"raw">
kinds.BY_METATABLE = setmetatable({
  [array_metatable] = "array",
  [object_metatable] = "object",
  [kinds.RAW] = "raw",
}, { __mode = "k" })

--- Values that stand for a text.
---@private
kinds.LITERALS = { [core.null] = "null" }

local by_metatable = kinds.BY_METATABLE

--- Whether a table is encoded as an array, if nothing but the table says so.
---@param value table
---@return boolean
function kinds.is_array(value)
  local kind = by_metatable[getmetatable(value)]
  if kind == "array" or kind == "object" then
    return kind == "array"
  elseif kind == "raw" then
    return type(value[1]) == "string" and value[1]:find "^%s*%[" ~= nil
  elseif next(value) == nil then
    return kind == "empty array"
  end
  return rawget(value, 1) ~= nil
end

local function note(meanings, marker, meaning)
  if marker ~= nil then
    meanings[marker] = meaning
  end
end

local noted_cjson, noted_vim -- whose markers are known

--- Learns the markers by which other libraries, if they are loaded, say what a table cannot.
function kinds.note_markers()
  local cjson, vim = package.loaded.cjson, rawget(_G, "vim")
  if cjson ~= noted_cjson and type(cjson) == "table" then
    note(by_metatable, cjson.array_mt, "array")
    note(by_metatable, cjson.empty_array_mt, "empty array")
    note(kinds.LITERALS, cjson.empty_array, "[]")
    noted_cjson = cjson
  end
  if vim ~= noted_vim and type(vim) == "table" then
    note(kinds.LITERALS, vim.NIL, "null")
    note(by_metatable, vim.empty_dict and getmetatable(vim.empty_dict()), "object")
    noted_vim = vim
  end
end

--- Raises for an argument of another type.
---@param argument any
---@param expected string
---@param name string of the function
---@param level integer the stack level that the message names, as for `error`
function kinds.refuse(argument, expected, name, level)
  local message = "bad argument #1 to '%s' (%s expected, got %s)"
  error(message:format(name, expected, type(argument)), level + 1)
end

local function set_kind(value, metatable, name)
  if type(value) ~= "table" then
    kinds.refuse(value, "table", name, 3)
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
---@return table value the same table, with a metatable; raises if it has another one
function kinds.array(value)
  return (set_kind(value, array_metatable, "array")) -- no tail call: it blames the caller
end

--- An array with members that are neither iterated over nor encoded.
---@param value table from `decode`: a list of values
---@param members table<string, any>
---@return table value the same table
function kinds.list(value, members)
  local metatable = { __index = members }
  by_metatable[metatable] = "array"
  return setmetatable(value, metatable)
end

--- Makes a table an object, also when it is empty or has numbers as keys (1 becomes "1").
---@param value table
---@return table value the same table, with a metatable; raises if it has another one
function kinds.object(value)
  return (set_kind(value, object_metatable, "object")) -- no tail call: it blames the caller
end

--- Whether a value was made by `json.raw`.
---@param value any
---@return boolean
function kinds.is_raw(value)
  return getmetatable(value) == kinds.RAW
end

return kinds
