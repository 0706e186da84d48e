--- What the messages of one exchange may hold in memory. What only passes through does not count.
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

-- Below this an interrupted message can be handed over whole within the memory that an error may cost, though its text
-- is there twice then.
local FREE_COPY = 16 * 1024 * 1024

--- A budget, one for each stream. Above 16 MiB a text counts twice: it is there twice when the message is made.
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

--- Bytes that may still be held; nil if there is no limit.
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
