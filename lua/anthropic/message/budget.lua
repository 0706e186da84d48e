--- What the messages of one exchange may hold in memory. What passes through does not count.
--
--     local budget = budgets.new(64 * 1024 * 1024)
--     budget:take(#piece)
--     if budget:is_exceeded() then ... end

local core = require "anthropic.base.core"

---@class anthropic.Budget
---@field held number bytes
---@field most number
local Budget = {}
Budget.__index = Budget

local budgets = {}

-- Below this size an interrupted message can be handed over whole within the memory that an error may cost, though its
-- text is then in memory twice.
local FREE_COPY = 16 * 1024 * 1024

--- Makes a budget; each stream has its own. Above 16 MiB text counts twice: making the message needs a second copy.
---@param limit? number bytes
---@return anthropic.Budget
function budgets.new(limit)
  limit = limit or math.huge
  return setmetatable({ held = 0, most = math.min(limit, (limit + FREE_COPY) / 2) }, Budget)
end

--- Counts bytes that are held from now on, or, below 0, that no longer are.
---@param bytes number
function Budget:take(bytes)
  self.held = self.held + bytes
end

--- Counts a decoded value that takes the place of another one.
---@param value any
---@param before? any
function Budget:replace(value, before)
  self.held = self.held + core.weigh(value) - core.weigh(before)
end

--- How many more bytes may be held; nil: there is no limit.
---@return number?
function Budget:room()
  return self.most < math.huge and self.most - self.held or nil
end

--- Removes the limit.
function Budget:lift()
  self.most = math.huge
end

---@return boolean
function Budget:is_exceeded()
  return self.held > self.most
end

return budgets
