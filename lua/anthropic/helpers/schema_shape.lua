--- Whether a table is a JSON schema at all: what its keywords hold, where its references lead, and that it ends.
--
--     shape.problem { type = "object", required = true }   --> "schema.required: a list expected, got boolean"
--
-- A schema that passes can be transformed and checked against. Keywords that are unknown may hold anything.

local json = require "anthropic.base.json"
local parts = require "anthropic.helpers.schema_parts"
local paths = require "anthropic.base.path"
local tables = require "anthropic.base.tables"

local shape = {}

local join = paths.join

local TYPES = {
  object = true, array = true, string = true, integer = true, number = true, boolean = true, null = true,
}

-- JSON is written 1,000 levels deep, and `properties` is a level of its own.
local MOST_LEVELS = 500

-- So many schemas of the same value may be nested, by references, allOf, anyOf and oneOf.
local MOST_AT_ONCE = 1000

local function wrong(path, expected, given)
  return ("%s: %s expected, got %s"):format(path, expected, given == json.null and "null" or type(given))
end

local visit

-- --- what a keyword holds: functions of its argument, the argument's path and the context, which return what is wrong

local function of_type(name)
  return function(given, path)
    return type(given) ~= name and wrong(path, name, given) or nil
  end
end

local function positive(given, path)
  if type(given) ~= "number" or not (given > 0 and given < math.huge) then
    return path .. ": a number above 0 expected"
  end
end

local function count(given, path)
  if type(given) ~= "number" or given < 0 or given % 1 ~= 0 then
    return path .. ": a whole number, 0 or more expected"
  end
end

-- Checks a list, each element by a function of the element and its path.
local function list_of(problem_of, least)
  return function(given, path, context)
    local problem = paths.problem_of_list(path, given)
    if not problem and least and given[1] == nil then
      problem = ("%s: at least one %s expected"):format(path, least)
    end
    if problem then
      return problem
    end
    for i, element in ipairs(given) do
      problem = problem_of(element, join(path, i), context)
      if problem then
        return problem
      end
    end
  end
end

local list_of_constants = list_of(function(value, path)
  return type(value) == "table" and wrong(path, "a string, number, boolean or null", value) or nil
end, "value")

local function problem_of_type(name, path)
  return not TYPES[name] and ("%s: %s is no type"):format(path, tostring(name)) or nil
end

local list_of_types = list_of(problem_of_type, "type")

local function types(given, path)
  return (type(given) == "table" and list_of_types or problem_of_type)(given, path)
end

local function named_schemas(given, path, context)
  if type(given) ~= "table" or json.is_raw(given) then
    return wrong(path, "a table of schemas", given)
  end
  for _, name in ipairs(tables.sorted_keys(given, tables.is_before_as_text)) do
    local problem
    if type(name) ~= "string" then
      problem = ("%s: a table of schemas expected, got the key %s"):format(path, tostring(name))
    else
      problem = visit(given[name], join(path, name), context)
    end
    if problem then
      return problem
    end
  end
end

local list_of_visited = list_of(function(node, path, context)
  return visit(node, path, context)
end, "schema")

local function list_of_schemas(given, path, context)
  if type(given) ~= "table" or json.is_raw(given) then
    return wrong(path, "a table of schemas", given)
  end
  return list_of_visited(given, path, context)
end

local function schema_or_boolean(given, path, context)
  return type(given) ~= "boolean" and visit(given, path, context) or nil
end

local KEYWORDS = {
  ["$schema"] = of_type "string",
  ["$id"] = of_type "string",
  ["$comment"] = of_type "string",
  title = of_type "string",
  description = of_type "string",
  type = types,
  enum = list_of_constants,
  format = of_type "string",
  pattern = of_type "string",
  minLength = count,
  maxLength = count,
  minimum = of_type "number",
  maximum = of_type "number",
  exclusiveMinimum = of_type "number",
  exclusiveMaximum = of_type "number",
  multipleOf = positive,
  required = list_of(of_type "string"),
  properties = named_schemas,
  additionalProperties = schema_or_boolean,
  minProperties = count,
  maxProperties = count,
  items = schema_or_boolean,
  prefixItems = list_of_schemas,
  minItems = count,
  maxItems = count,
  uniqueItems = of_type "boolean",
  allOf = list_of_schemas,
  anyOf = list_of_schemas,
  oneOf = list_of_schemas,
  ["$defs"] = named_schemas,
  definitions = named_schemas,
}

-- --- the schemas within a schema

-- Notes every schema in `context.paths`, with the first path to it, and in `context.order`.
function visit(node, path, context)
  if type(node) ~= "table" then
    return wrong(path, "a schema", node)
  elseif json.is_raw(node) then
    return path .. ": a schema expected, got raw JSON; anthropic.decode makes a table of it"
  elseif context.open[node] then
    return path .. ": the schema contains itself"
  elseif context.paths[node] then
    return nil
  elseif context.level > MOST_LEVELS then
    return ("%s: nested deeper than %d"):format(path, MOST_LEVELS)
  end
  context.paths[node], context.open[node] = path, true
  context.order[#context.order + 1] = node
  context.level = context.level + 1
  for _, name in ipairs(tables.sorted_keys(node, tables.is_before_as_text)) do
    local problem
    if type(name) ~= "string" then
      problem = path .. ": a schema expected, got a list"
    elseif KEYWORDS[name] then
      problem = KEYWORDS[name](node[name], join(path, name), context)
    end
    if problem then
      return problem
    end
  end
  context.level = context.level - 1
  context.open[node] = nil
end

-- --- references

local function problem_of_reference(node, context)
  local reference = node["$ref"]
  if reference == nil then
    return nil
  end
  local target = parts.resolve(context.root, reference)
  if not target then
    return ("%s.$ref: %s leads to nothing within the schema"):format(context.paths[node], tostring(reference))
  elseif not context.paths[target] then
    return ("%s.$ref: %s leads to no schema that is sent; put it into $defs"):format(context.paths[node], reference)
  end
end

local function too_many(node, context)
  return nil, ("%s: more than %d schemas in one another, without a member between"):format(
    context.paths[node], MOST_AT_ONCE)
end

-- How many schemas of the same value are nested here; nil and what is wrong if the nesting has no end, or is too deep
-- to be checked.
local function height_of(node, context, level)
  if context.heights[node] then
    return context.heights[node]
  elseif context.open[node] then
    return nil, context.paths[node] .. ": the schema contains itself"
  elseif level > MOST_AT_ONCE then
    return too_many(node, context)
  end
  context.open[node] = true
  local height = 1
  for _, part in ipairs(parts.of(node, context.root)) do
    local of_part, problem = height_of(part, context, level + 1)
    if not of_part then
      return nil, problem
    end
    height = math.max(height, of_part + 1)
  end
  if height > MOST_AT_ONCE then
    return too_many(node, context)
  end
  context.open[node], context.heights[node] = nil, height
  return height
end

--- What is wrong with a schema.
---@param root any
---@return string|nil problem with its path; nil: nothing is
function shape.problem(root)
  local context = { root = root, level = 1, open = {}, paths = {}, order = {}, heights = {} }
  local problem = visit(root, "schema", context)
  for _, node in ipairs(problem and {} or context.order) do
    problem = problem or problem_of_reference(node, context)
  end
  for _, node in ipairs(problem and {} or context.order) do
    problem = problem or select(2, height_of(node, context, 1))
  end
  return problem
end

return shape
