--- Checks of what a caller passed, as rows: what is expected, in words, and whether a value is that.
--
--     local row = check.of_type("string", "table")
--     if not row.check(value) then
--       error(("body: %s expected, got %s"):format(row.expected, type(value)))
--     end

local paths = require "anthropic.base.path"
local tables = require "anthropic.base.tables"

local check = {}

---@class anthropic.Check
---@field expected string
---@field check fun(value: any): boolean
---@field hidden? boolean the value may hold a secret

--- Values of some types.
---@param ... type
---@return anthropic.Check
function check.of_type(...)
  local allowed = tables.set { ... }
  return {
    expected = table.concat({ ... }, " or "),
    check = function(value) return allowed[type(value)] or false end,
  }
end

--- One of some words.
---@param ... string
---@return anthropic.Check
function check.one_of(...)
  local allowed = tables.set { ... }
  return {
    expected = 'one of "' .. table.concat({ ... }, '", "') .. '"',
    check = function(value) return allowed[value] or false end,
  }
end

--- Whether a value is a number above 0.
function check.is_positive(value)
  return type(value) == "number" and value > 0
end

--- Numbers above 0.
---@param expected? string of what
---@return anthropic.Check
function check.positive(expected)
  return { expected = expected or "a positive number", check = check.is_positive }
end

--- Whole numbers, which infinity is not.
---@param least integer
---@return anthropic.Check
function check.whole(least)
  return {
    expected = ("a whole number, %d or more"):format(least),
    check = function(value) return type(value) == "number" and value >= least and value % 1 == 0 end,
  }
end

--- Whether a value is a list of strings, without names and holes.
function check.is_list_of_strings(value)
  if paths.problem_of_list("", value) then
    return false
  end
  for _, item in ipairs(value) do
    if type(item) ~= "string" then
      return false
    end
  end
  return true
end

-- How many letters have to be inserted, removed or replaced to turn one word into the other.
local function distance(from, to)
  local row = {}
  for j = 0, #to do
    row[j] = j
  end
  for i = 1, #from do
    local diagonal = row[0]
    row[0] = i
    for j = 1, #to do
      local cost = from:byte(i) == to:byte(j) and 0 or 1
      local value = math.min(row[j] + 1, row[j - 1] + 1, diagonal + cost)
      diagonal, row[j] = row[j], value
    end
  end
  return row[#to]
end

--- The name in `names` (a set) that is written most like `name`.
---@param name any
---@param names table<string, any>
---@return string
function check.nearest(name, names)
  local best, best_distance
  for candidate in pairs(names) do
    local d = distance(tostring(name), candidate)
    if not best or d < best_distance or (d == best_distance and candidate < best) then
      best, best_distance = candidate, d
    end
  end
  return best
end

return check
