--- Whether a decoded value fits a JSON schema.
--
--     schema.check({ n = 0 }, { type = "object", properties = { n = { type = "integer", minimum = 1 } } })
--     --> nil, "n: 0 is less than the minimum, 1"
--
-- It knows the keywords that the API accepts, and the usual limits of numbers, strings and arrays.
-- An object has no other members than its properties, unless `additionalProperties` says so: that
-- is how the API takes a schema. Other schemas of the same object ($ref, allOf, anyOf, oneOf) may name more members.
-- Other keywords (`pattern`) are not checked.

local string_formats = require "anthropic.helpers.string_formats"
local json = require "anthropic.base.json"
local parts = require "anthropic.helpers.schema_parts"
local paths = require "anthropic.base.path"

local schema = {}

local join = paths.join

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

local function without_signs_of_zero(value)
  if type(value) ~= "table" or json.is_raw(value) then
    return value == 0 and 0 or value
  end
  local copy = json.copy(value)
  for name, member in next, value do
    copy[name] = without_signs_of_zero(member)
  end
  return copy
end

-- The text by which values are compared: -0 is 0 there. nil if a value has no text.
local function text_of(value)
  local text = json.encode(value)
  return text and text:find("-0", 1, true) and json.encode(without_signs_of_zero(value)) or text
end

-- --- keywords ------------------------------------------------------------------------------------

local check

-- The check of each keyword: a function of the keyword's argument, the value, its path, the schema, the context and
-- what other schemas of the value name. It returns nothing, or what is wrong and the path to it, like `check`.
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

-- The texts of the values of an enum: text -> true.
local function texts_of(enum, context)
  local texts = context.enums[enum]
  if not texts then
    texts = {}
    for _, allowed in ipairs(enum) do
      texts[text_of(allowed) or allowed] = true
    end
    context.enums[enum] = texts
  end
  return texts
end

function KEYWORDS.enum(given, value, path, _, context)
  if texts_of(given, context)[text_of(value)] then
    return nil
  end
  local list = json.array {}
  for i, allowed in ipairs(given) do
    list[i] = allowed
  end
  return show(value) .. " is not one of " .. show(list), path
end

function KEYWORDS.const(given, value, path)
  if text_of(given) ~= text_of(value) then
    return ("%s expected, got %s"):format(show(given), show(value)), path
  end
end

local NONE = {}

-- A schema that several references lead to is checked once against a value.
KEYWORDS["$ref"] = function(given, value, path, node, context, others)
  local target = parts.resolve(context.root, given)
  if not target then
    return nil
  end
  others = context.names:others_of(target, node, others)
  local found = context.found[target] or {}
  local here = found[others or NONE] or {}
  context.found[target], found[others or NONE] = found, here
  if not here[path] then
    here[path] = { check(value, target, path, context, others) }
  end
  return here[path][1], here[path][2]
end

-- Of the alternatives that do not fit, the one that fits furthest says why.
function KEYWORDS.anyOf(given, value, path, node, context, others)
  others = context.names:others_of(given, node, others)
  local best, furthest = nil, path
  for _, alternative in ipairs(given) do
    local words, where = check(value, alternative, path, context, others)
    if not words then
      return nil
    elseif #where > #furthest then
      best, furthest = words, where
    end
  end
  return best or show(value) .. " fits no alternative", furthest
end

function KEYWORDS.oneOf(given, value, path, node, context, others)
  local beside = context.names:others_of(given, node, others)
  local fitting = 0
  for _, alternative in ipairs(given) do
    fitting = fitting + (check(value, alternative, path, context, beside) and 0 or 1)
  end
  if fitting == 0 then
    return KEYWORDS.anyOf(given, value, path, node, context, others)
  elseif fitting > 1 then
    return show(value) .. " fits more than one alternative", path
  end
end

function KEYWORDS.allOf(given, value, path, node, context, others)
  for _, part in ipairs(given) do
    local words, where = check(value, part, path, context, context.names:others_of(part, node, others))
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

local ROUNDING = 2 ^ -51

local function is_more(value, most)
  return value > most
end

-- Two whole numbers are divided exactly. Of others each is rounded once, and so is the product.
local function is_no_multiple(value, step)
  if step <= 0 then
    return false
  elseif value % 1 == 0 and step % 1 == 0 then
    return math.fmod(value, step) ~= 0
  end
  local nearest = math.floor(value / step + 0.5) * step
  return math.abs(value - nearest) > ROUNDING * math.abs(value)
end

KEYWORDS.minimum = limit("number", itself, is_less, "%s is less than the minimum, %s")
KEYWORDS.maximum = limit("number", itself, is_more, "%s is more than the maximum, %s")
KEYWORDS.exclusiveMinimum = limit("number", itself, function(value, least)
  return value <= least
end, "%s is not more than %s")
KEYWORDS.exclusiveMaximum = limit("number", itself, function(value, most)
  return value >= most
end, "%s is not less than %s")
KEYWORDS.multipleOf = limit("number", itself, is_no_multiple, "%s is no multiple of %s")
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

function KEYWORDS.prefixItems(given, value, path, _, context)
  for i, element in ipairs(given) do
    if kind_of(value) == "array" and value[i] ~= nil then
      local words, where = check(value[i], element, join(path, i), context)
      if words then
        return words, where
      end
    end
  end
end

function KEYWORDS.items(given, value, path, node, context)
  if kind_of(value) ~= "array" or type(given) ~= "table" then
    return nil
  end
  for i = 1 + #(node.prefixItems or {}), #value do
    local words, where = check(value[i], given, join(path, i), context)
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

function KEYWORDS.properties(given, value, path, _, context)
  if kind_of(value) ~= "object" then
    return nil
  end
  for _, name in ipairs(sorted_names(given)) do
    if value[name] ~= nil then
      local words, where = check(value[name], given[name], join(path, name), context)
      if words then
        return words, where
      end
    end
  end
end

-- The members that are not among the schema's properties.
local function check_others(value, path, node, context, others)
  if kind_of(value) ~= "object" then
    return nil
  end
  local given = node.additionalProperties
  for _, name in ipairs(sorted_names(value)) do
    if not (node.properties and node.properties[name] ~= nil) then
      local where, words = join(path, name), nil
      if given then
        words, where = check(value[name], given, where, context)
      elseif not context.names:has(name, node, others) then
        words = "not a property of the schema"
      end
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

schema.is_of_objects = is_of_objects

local function check_keywords(value, node, path, context, others)
  for _, name in ipairs(ORDER) do
    if node[name] ~= nil then
      local words, where = KEYWORDS[name](node[name], value, path, node, context, others)
      if words then
        return words, where
      end
    end
  end
  if is_of_objects(node) then
    return check_others(value, path, node, context, others)
  end
end

-- Lua's stack is not endless, and the value is the model's.
local MOST_LEVELS = 1000

function check(value, node, path, context, others)
  if type(node) ~= "table" then
    return nil
  elseif context.level > MOST_LEVELS then
    return "nested too deep to be checked", path
  end
  context.level = context.level + 1
  local words, where = check_keywords(value, node, path, context, others)
  context.level = context.level - 1
  return words, where
end

--- Checks a value, decoded with `json.decode`, against a schema in which schema_shape.lua finds nothing wrong.
---@param value any
---@param root table
---@return true|nil
---@return string? problem "path: what is wrong"
function schema.check(value, root)
  local context = { root = root, level = 1, names = parts.names(root), found = {}, enums = {} }
  local words, path = check(value, root, "", context)
  if words then
    return nil, paths.problem(path, words)
  end
  return true
end

return schema
