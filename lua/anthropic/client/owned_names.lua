--- The names in the answers of one client that only its server knows: containers, files, batches, sessions, threads.
--
--     names:learn { container = { id = "container_1" } }
--     names:has "container_1" --> true

local json = require "anthropic.base.json"

---@class anthropic.OwnedNames
local Names = {}
Names.__index = Names

local owned_names = {}

-- At least so many of the latest names are remembered.
local MOST = 4096
local LONGEST = 256
local DEEPEST = 16

-- Fields `..._id` whose values are not one server's alone. (The first and the last ID of a page are in the page, too.)
local COMMON = {
  tool_use_id = true, tool_id = true, request_id = true, custom_id = true, user_id = true, organization_id = true,
  first_id = true, last_id = true, model_id = true,
}

-- Members that a caller or a model wrote, with fields of any name.
local FOREIGN = { input = true, metadata = true }

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

-- Whether every server may have it: a model, or one of the vendor's skills.
local function is_everywhere(value)
  return value.type == "model" or value.object == "model" or value.type == "anthropic" or value.source == "anthropic"
end

-- `is_own`: the value is an object of the server's, whose ID is its name.
local function learn(self, value, is_own, depth)
  local is_common = is_everywhere(value)
  is_own = is_own and not is_common
  for key, member in pairs(value) do
    local is_name = key == "id" and is_own or type(key) == "string" and key:sub(-3) == "_id" and not COMMON[key]
    if is_name and not is_common then
      add(self, member)
    elseif type(member) == "table" and member ~= json.null and depth < DEEPEST and not FOREIGN[key] then
      learn(self, member, key == "container" or is_own and (key == "data" or type(key) == "number"), depth + 1)
    end
  end
end

--- Notes the names in an answer.
---@param value any decoded
---@param params? table of the request; a thread that they ask for goes on by the answer's own ID
function Names:learn(value, params)
  if type(value) == "table" and value ~= json.null then
    learn(self, value, value.type ~= "message" and value.role == nil, 1)
    if type(params) == "table" and type(params.thread) == "table" then
      add(self, value.id)
    end
  end
end

--- Whether a name was noted.
---@param name string
---@return boolean
function Names:has(name)
  return self.young[name] or self.old[name] or false
end

local function find(value, is_owned, depth)
  for key, member in pairs(value) do
    if type(member) == "string" and key ~= "model" then
      if #member <= LONGEST and is_owned(member) then
        return true
      end
    elseif type(member) == "table" and depth < DEEPEST and find(member, is_owned, depth + 1) then
      return true
    end
  end
  return false
end

--- Whether a request has a noted name, in its path or in its parameters.
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
