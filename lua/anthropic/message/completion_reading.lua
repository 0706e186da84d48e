--- The reading of a chat completion's request: what each value must be. It keeps the first problem, with its path.
--
--     local reading = completion_reading.new()
--     reading:expect("top_p", body.top_p, "number")
--     print(reading.problem)   --> top_p: number expected, got string

local json = require "anthropic.base.json"
local parts = require "anthropic.message.parts"
local paths = require "anthropic.base.path"

---@class anthropic.CompletionReading
---@field problem? string the first thing that cannot be translated, with its path
local Reading = {}
Reading.__index = Reading

local completion_reading = {}

--- A reading of one request.
---@return anthropic.CompletionReading
function completion_reading.new()
  return setmetatable({}, Reading)
end

--- Notes what cannot be translated.
---@param to string its path
---@param words string
---@return nil
function Reading:refuse(to, words)
  self.problem = self.problem or paths.problem(to, words)
end

local function shown(value)
  return type(value) == "string" and #value <= 40 and ("%q"):format(value) or type(value)
end

--- Notes that a value is not one of those that can be translated.
---@param to string
---@param value any
---@return nil
function Reading:refuse_value(to, value)
  return self:refuse(to, shown(value) .. " cannot be translated")
end

--- A value of one of the types; nil if it is absent or null, and if it is of another type, which is refused.
---@param to string
---@param value any
---@param kind type
---@param other? type
---@return any
function Reading:expect(to, value, kind, other)
  if value == nil or value == json.null then
    return nil
  elseif type(value) == kind or type(value) == other then
    return value
  end
  return self:refuse(to, ("%s expected, got %s"):format(kind .. (other and " or " .. other or ""), type(value)))
end

--- The same for a value that must be there.
---@param to string
---@param value any
---@param kind type
---@param other? type
---@return any
function Reading:need(to, value, kind, other)
  if value == nil or value == json.null then
    return self:refuse(to, "missing")
  end
  return self:expect(to, value, kind, other)
end

--- A list; an empty one in place of a value that is not a list, which is refused.
---@param to string
---@param value any
---@return table
function Reading:list(to, value)
  local problem = paths.problem_of_list(to, value)
  if problem then
    self.problem = self.problem or problem
    return {}
  end
  return value
end

--- Refuses the members that are neither empty nor known.
---@param to string
---@param object table
---@param known table<string, any>
function Reading:check_members(to, object, known)
  local first
  for key, value in pairs(object) do
    local name = tostring(key)
    if not known[name] and not parts.is_empty(value) and (not first or name < first) then
      first = name
    end
  end
  if first then
    self:refuse(paths.join(to, first), "cannot be translated")
  end
end

return completion_reading
