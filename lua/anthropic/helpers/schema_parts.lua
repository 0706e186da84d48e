--- The parts of a JSON schema that apply to the same value (the target of a reference, allOf, anyOf, oneOf), and the
--- members of an object that they name.

local parts = {}

-- --- references ----------------------------------------------------------------------------------

local function unescape(name)
  name = name:gsub("%%(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end)
  return (name:gsub("~1", "/"):gsub("~0", "~"))
end

--- What a reference within a schema stands for: "#/$defs/name".
---@param root table
---@param reference any
---@return table|nil target nil if it is missing
function parts.resolve(root, reference)
  if type(reference) ~= "string" or not (reference == "#" or reference:find "^#/") then
    return nil
  end
  local target = root
  for escaped in reference:gmatch "/([^/]*)" do
    local name = unescape(escaped)
    local position = name:find "^%d+$" and tonumber(name) + 1
    target = type(target) == "table" and (target[name] or position and target[position])
  end
  return type(target) == "table" and target or nil
end

local LISTS = { "allOf", "anyOf", "oneOf" }

--- The schemas that apply, or may apply, to the same value as this one.
---@param node table
---@param root table
---@return table[]
function parts.of(node, root)
  local list = { parts.resolve(root, node["$ref"]) }
  for _, name in ipairs(LISTS) do
    for _, part in ipairs(node[name] or {}) do
      list[#list + 1] = part
    end
  end
  return list
end

-- --- names ---------------------------------------------------------------------------------------

-- Stands for every name, if additionalProperties admits any.
local ANY = {}

-- Stands for a schema, or a list of them, that is absent.
local NONE = {}

local count_of

-- Adds the names of one source to the counts.
local function add(counts, source)
  for name in pairs(source) do
    counts[name] = (counts[name] or 0) + 1
  end
end

-- The alternatives of a list are one source together.
local function count_of_alternatives(list, root, known)
  local counts = known[list or NONE]
  if not counts then
    counts = {}
    known[list] = counts
    for _, alternative in ipairs(list) do
      add(counts, count_of(alternative, root, known))
    end
  end
  return counts
end

-- How many sources of a schema (its own properties, its reference, each of allOf, anyOf, oneOf) name a member: name ->
-- count. `known` holds what was found of other schemas, and lists of them.
function count_of(node, root, known)
  local counts = known[type(node) == "table" and node or NONE]
  if counts then
    return counts
  end
  counts = {}
  known[node] = counts
  add(counts, node.properties or {})
  if node.additionalProperties then
    add(counts, { [ANY] = true })
  end
  add(counts, count_of(parts.resolve(root, node["$ref"]), root, known))
  for _, part in ipairs(node.allOf or {}) do
    add(counts, count_of(part, root, known))
  end
  add(counts, count_of_alternatives(node.anyOf, root, known))
  add(counts, count_of_alternatives(node.oneOf, root, known))
  return counts
end

---@class anthropic.SchemaNames which members the schemas of the same value name
---@field root table
---@field known table
---@field others table
local Names = {}

local metatable = { __index = Names }

--- The names in a schema.
---@param root table
---@return anthropic.SchemaNames
function parts.names(root)
  return setmetatable({ root = root, known = { [NONE] = {} }, others = {} }, metatable)
end

--- Whether a schema, or another one of the same value, names a member, and whether one of them admits any.
---@param node table
---@return boolean names_one
---@return boolean admits_any
function Names:of(node)
  local counts = count_of(node, self.root, self.known)
  local first, second = next(counts), nil
  if first == ANY then
    second = next(counts, first)
  end
  return (second or first or ANY) ~= ANY, counts[ANY] ~= nil
end

local function names(others, name)
  return (others.counts[name] or 0) > (others.own[name] and 1 or 0)
end

local function names_any(others)
  for name in pairs(others.counts) do
    if names(others, name) then
      return true
    end
  end
  return false
end

--- What the other schemas of a value name, besides a part of its schema: nil, or a table, which is the same for the
--- same arguments.
---@param part table a target, a part of allOf, or a list of alternatives
---@param node table the schema that it is a part of
---@param beyond? table what is named outside of the schema
---@return table|nil
function Names:others_of(part, node, beyond)
  local of_node = self.others[node] or {}
  self.others[node] = of_node
  local made = of_node[part]
  if made == nil then
    made = { counts = count_of(node, self.root, self.known), own = self.known[part] or NONE }
    made = names_any(made) and { [NONE] = made } or false
    of_node[part] = made
  end
  if not made or not beyond then
    return made and made[NONE] or beyond
  end
  made[beyond] = made[beyond] or { counts = made[NONE].counts, own = made[NONE].own, beyond = beyond }
  return made[beyond]
end

--- Whether a schema, or another one of the same value, names a member or admits any.
---@param name string
---@param node table
---@param others? table as `others_of` returns it
---@return boolean
function Names:has(name, node, others)
  local counts = count_of(node, self.root, self.known)
  local found = (counts[name] or counts[ANY]) ~= nil
  while others and not found do
    found = names(others, name) or names(others, ANY)
    others = others.beyond
  end
  return found
end

return parts
