--- What the answers of one client name that only its server knows: containers, files, batches, sessions.
--
--     names:learn { container = { id = "container_1" } }
--     names:has "container_1" --> true

local json = require "anthropic.base.json"

---@class anthropic.OwnedNames
local Names = {}
Names.__index = Names

local owned_names = {}

-- Of the latest, at least so many are remembered.
local MOST = 4096
local LONGEST = 256
local DEEPEST = 16

-- Fields named `..._id` that name nothing of one server's alone.
local COMMON = { tool_use_id = true, request_id = true, custom_id = true, user_id = true, organization_id = true }

---@return anthropic.OwnedNames
function owned_names.new()
  return setmetatable({ young = {}, count = 0, old = {} }, Names)
end

local function add(self, name)
  if type(name) ~= "string" or name == "" or #name > LONGEST or self.young[name] then
    return
  elseif self.count >= MOST then
    self.young, self.count, self.old = {}, 0, self.young
  end
  self.young[name], self.count = true, self.count + 1
end

-- `is_own`: the value is a thing of the server's, whose ID is its name.
local function learn(self, value, is_own, depth)
  for key, member in pairs(value) do
    if key == "id" and is_own or type(key) == "string" and key:sub(-3) == "_id" and not COMMON[key] then
      add(self, member)
    elseif type(member) == "table" and member ~= json.null and depth < DEEPEST then
      learn(self, member, key == "container" or is_own and (key == "data" or type(key) == "number"), depth + 1)
    end
  end
end

--- Takes in an answer.
---@param value any decoded
function Names:learn(value)
  if type(value) == "table" and value ~= json.null then
    learn(self, value, value.type ~= "message" and value.role == nil, 1)
  end
end

--- Whether a name is one of them.
---@param name string
---@return boolean
function Names:has(name)
  return self.young[name] or self.old[name] or false
end

local function find(value, is_owned, depth)
  for _, member in pairs(value) do
    if type(member) == "string" then
      if #member <= LONGEST and is_owned(member) then
        return true
      end
    elseif type(member) == "table" and depth < DEEPEST and find(member, is_owned, depth + 1) then
      return true
    end
  end
  return false
end

--- Whether a request names one of them, in its path or in its parameters.
---@param spec table of an exchange: `path`, `params`
---@return boolean
function Names:are_in(spec)
  if self.count == 0 and next(self.old) == nil then
    return false
  end
  local function is_owned(text)
    return self:has(text)
  end
  for segment in (spec.path or ""):gmatch "[^/?#]+" do
    if is_owned(segment) then
      return true
    end
  end
  return type(spec.params) == "table" and find(spec.params, is_owned, 1)
end

return owned_names
