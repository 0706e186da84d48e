--- Whether a decoded value fits a JSON schema.
--
--     schema.check({ n = 0 }, { type = "object", properties = { n = { type = "integer", minimum = 1 } } })
--     --> nil, "n: 0 is less than the minimum, 1"
--
-- It knows the keywords that the API accepts, and the usual limits of numbers, strings and arrays.
-- An object has no other members than its properties, unless `additionalProperties` says so: that
-- is how the API takes a schema. Other keywords (`pattern`) are not checked.

local string_formats = require "anthropic.helpers.string_formats"
local json = require "anthropic.base.json"

local schema = {}

-- --- paths ---------------------------------------------------------------------------------------

--- The path to a member (a name) or an element (a number) of what is at `path`.
---@param path string "" for the whole
---@param name string|integer
---@return string
function schema.join(path, name)
  if type(name) == "number" then
    return ("%s[%d]"):format(path, name)
  elseif not name:find "^[%a_$][%w_$]*$" then
    return ("%s[%q]"):format(path, name)
  end
  return path == "" and name or path .. "." .. name
end

--- "path: words"
---@param path string
---@param words string
---@return string
function schema.problem(path, words)
  return (path == "" and "value" or path) .. ": " .. words
end

local join = schema.join

local function unescape(name)
  name = name:gsub("%%(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end)
  return (name:gsub("~1", "/"):gsub("~0", "~"))
end

--- What a reference within a schema stands for: "#/$defs/name".
---@param root table
---@param reference any
---@return table|nil target nil where there is none
function schema.resolve(root, reference)
  if type(reference) ~= "string" or not (reference == "#" or reference:find "^#/") then
    return nil
  end
  local target = root
  for name in reference:gmatch "/([^/]*)" do
    name = unescape(name)
    local position = tonumber(name)
    target = type(target) == "table" and (target[name] or position and target[position + 1])
  end
  return type(target) == "table" and target or nil
end

-- --- values --------------------------------------------------------------------------------------

local function kind_of(value)
  if value == json.null then
    return "null"
  elseif type(value) == "table" then
    return json.is_array(value) and "array" or "object"
  end
  return type(value)
end

local function show(value)
  local text = type(value) == "number" and ("%.14g"):format(value) or json.encode(value) or type(value)
  return #text <= 60 and text or text:sub(1, 57):gsub("[\128-\255]*$", "") .. "..."
end

local function is_of_type(value, name)
  if name == "integer" then
    return type(value) == "number" and value % 1 == 0
  end
  return kind_of(value) == name
end

local function names_of(given)
  return type(given) == "table" and given or { given }
end

local function sorted_names(object)
  local names = {}
  for name in pairs(object) do
    names[#names + 1] = tostring(name)
  end
  table.sort(names)
  return names
end

-- --- keywords ------------------------------------------------------------------------------------

local check

-- What each keyword says of a value: a function of the keyword's argument, the value, its path, the
-- schema and the root. It returns nothing, or what is wrong and the path to it, as `check` does.
local KEYWORDS = {}

function KEYWORDS.type(given, value, path)
  local names = names_of(given)
  for _, name in ipairs(names) do
    if is_of_type(value, name) then
      return nil
    end
  end
  return ("%s expected, got %s"):format(table.concat(names, " or "), kind_of(value)), path
end

function KEYWORDS.enum(given, value, path)
  local text = json.encode(value)
  for _, allowed in ipairs(given) do
    if json.encode(allowed) == text then
      return nil
    end
  end
  return show(value) .. " is none of " .. show(json.array(json.copy(given))), path
end

function KEYWORDS.const(given, value, path)
  if json.encode(given) ~= json.encode(value) then
    return ("%s expected, got %s"):format(show(given), show(value)), path
  end
end

KEYWORDS["$ref"] = function(given, value, path, _, root)
  local target = schema.resolve(root, given)
  if target then
    return check(value, target, path, root)
  end
end

-- Of the alternatives that do not fit, the one that fits furthest says why.
function KEYWORDS.anyOf(given, value, path, _, root)
  local best, furthest = show(value) .. " fits no alternative", path
  for _, alternative in ipairs(given) do
    local words, where = check(value, alternative, path, root)
    if not words then
      return nil
    elseif #where > #furthest then
      best, furthest = words, where
    end
  end
  return best, furthest
end

function KEYWORDS.oneOf(given, value, path, node, root)
  local fitting = 0
  for _, alternative in ipairs(given) do
    fitting = fitting + (check(value, alternative, path, root) and 0 or 1)
  end
  if fitting == 0 then
    return KEYWORDS.anyOf(given, value, path, node, root)
  elseif fitting > 1 then
    return show(value) .. " fits more than one alternative", path
  end
end

function KEYWORDS.allOf(given, value, path, _, root)
  for _, part in ipairs(given) do
    local words, where = check(value, part, path, root, true)
    if words then
      return words, where
    end
  end
end

-- --- numbers and strings

local function limit(kind, measure, is_broken, words)
  return function(given, value, path)
    if kind_of(value) == kind and type(given) == "number" and is_broken(measure(value), given) then
      return words:format(show(measure(value)), show(given)), path
    end
  end
end

local function itself(value)
  return value
end

local function characters(text)
  return select(2, text:gsub("[^\128-\191]", ""))
end

local function count(list)
  return #list
end

local function is_less(value, least)
  return value < least
end

local function is_more(value, most)
  return value > most
end

KEYWORDS.minimum = limit("number", itself, is_less, "%s is less than the minimum, %s")
KEYWORDS.maximum = limit("number", itself, is_more, "%s is more than the maximum, %s")
KEYWORDS.exclusiveMinimum = limit("number", itself, function(value, least)
  return value <= least
end, "%s is not more than %s")
KEYWORDS.exclusiveMaximum = limit("number", itself, function(value, most)
  return value >= most
end, "%s is not less than %s")
KEYWORDS.multipleOf = limit("number", itself, function(value, step)
  local quotient = value / step
  return math.abs(quotient - math.floor(quotient + 0.5)) > 1e-9 * math.max(1, math.abs(quotient))
end, "%s is no multiple of %s")
KEYWORDS.minLength = limit("string", characters, is_less, "%s characters are less than the minimum, %s")
KEYWORDS.maxLength = limit("string", characters, is_more, "%s characters are more than the maximum, %s")
KEYWORDS.minItems = limit("array", count, is_less, "%s elements are less than the minimum, %s")
KEYWORDS.maxItems = limit("array", count, is_more, "%s elements are more than the maximum, %s")

function KEYWORDS.format(given, value, path)
  local fits = string_formats[given]
  if fits and type(value) == "string" and not fits(value) then
    return show(value) .. " is no " .. given, path
  end
end

-- --- arrays and objects

function KEYWORDS.prefixItems(given, value, path, _, root)
  for i, element in ipairs(given) do
    if kind_of(value) == "array" and value[i] ~= nil then
      local words, where = check(value[i], element, join(path, i), root)
      if words then
        return words, where
      end
    end
  end
end

function KEYWORDS.items(given, value, path, node, root)
  if kind_of(value) ~= "array" or type(given) ~= "table" then
    return nil
  end
  for i = 1 + #(node.prefixItems or {}), #value do
    local words, where = check(value[i], given, join(path, i), root)
    if words then
      return words, where
    end
  end
end

function KEYWORDS.required(given, value, path)
  if kind_of(value) ~= "object" then
    return nil
  end
  for _, name in ipairs(given) do
    if value[name] == nil then
      return "missing", join(path, name)
    end
  end
end

function KEYWORDS.properties(given, value, path, _, root)
  if kind_of(value) ~= "object" then
    return nil
  end
  for _, name in ipairs(sorted_names(given)) do
    if value[name] ~= nil then
      local words, where = check(value[name], given[name], join(path, name), root)
      if words then
        return words, where
      end
    end
  end
end

local function check_others(given, value, path, node, root)
  if kind_of(value) ~= "object" then
    return nil
  end
  for _, name in ipairs(sorted_names(value)) do
    if not (node.properties and node.properties[name] ~= nil) then
      local where = join(path, name)
      if not given then
        return "not a property of the schema", where
      end
      local words
      words, where = check(value[name], given, where, root)
      if words then
        return words, where
      end
    end
  end
end

local ORDER = {
  "$ref", "type", "const", "enum", "required", "properties", "prefixItems", "items", "minItems", "maxItems",
  "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "format",
  "allOf", "anyOf", "oneOf",
}

local function is_of_objects(node)
  for _, name in ipairs(names_of(node.type)) do
    if name == "object" then
      return true
    end
  end
  return node.properties ~= nil
end

-- `is_part`: other parts of an allOf may have the other members.
function check(value, node, path, root, is_part)
  if type(node) ~= "table" then
    return nil
  end
  for _, name in ipairs(ORDER) do
    if node[name] ~= nil then
      local words, where = KEYWORDS[name](node[name], value, path, node, root)
      if words then
        return words, where
      end
    end
  end
  if is_of_objects(node) and not (is_part and not node.additionalProperties) then
    return check_others(node.additionalProperties, value, path, node, root)
  end
end

schema.is_of_objects = is_of_objects

--- Checks a value, decoded with `json.decode`, against a schema that structured_output.lua let pass.
---@param value any
---@param root table
---@return true|nil
---@return string? problem "path: what is wrong"
function schema.check(value, root)
  local words, path = check(value, root, "", root)
  if words then
    return nil, schema.problem(path, words)
  end
  return true
end

return schema
