--- What is known of the rate limits of one model: how much each has left, and until when.
--
-- A limit is either reset at a time, or comes back bit by bit (the API's own): where the time of its reset moves away
-- with every request, it is one that comes back.

local dates = require "anthropic.http.dates"
local tables = require "anthropic.base.tables"

-- Names of limits are a server's words: more are not remembered.
local MOST_LIMITS = 16
-- A reset is told in whole seconds: what moves by less has not moved.
local MOVED = 1.5
-- Seconds that a limit which was reset still counts although no answer mentions it.
local MEMORY = 60

---@class anthropic.RateBudget
---@field remaining number as it was said last, less what was answered since without saying
---@field limit? number
---@field reset number by core.now(); math.huge: not known yet
---@field learned number by core.now()
---@field comes_back? boolean bit by bit

---@class anthropic.RateLimits
---@field budgets table<string, anthropic.RateBudget>
---@field pending table<anthropic.LimiterRequest, any> requests without an answer
---@field holders table<anthropic.LimiterRequest, any> what a request is of: one of the same waits for it
local RateLimits = {}
RateLimits.__index = RateLimits

local rate_limits = {}

--- Nothing is known yet.
---@param pending table<anthropic.LimiterRequest, any> requests without an answer: the caller keeps it up to date
---@param holders? table<anthropic.LimiterRequest, any> what a request is of: one of the same waits for it
---@return anthropic.RateLimits
function rate_limits.new(pending, holders)
  return setmetatable({ budgets = {}, pending = pending, holders = holders or {} }, RateLimits)
end

-- Whether nothing is known of a limit any more.
local function is_old(budget, now)
  return budget.reset == math.huge and now - budget.learned > MEMORY
end

local function forget_old(self, now)
  for what, budget in pairs(self.budgets) do
    if budget.reset <= now or is_old(budget, now) then
      self.budgets[what] = nil
    end
  end
end

--- Whether nothing is known that still holds.
---@param now number by core.now()
---@return boolean
function RateLimits:is_empty(now)
  forget_old(self, now)
  return next(self.budgets) == nil
end

-- What a request takes of a limit. Output is not known before.
local function need_of(what, request)
  if what == "requests" then
    return 1
  elseif what == "tokens" or what:find "input_tokens$" then
    return type(request.tokens) == "number" and math.max(request.tokens, 1) or 1
  end
  return 1
end

-- The same of those without an answer. They may be counted already or not: they are taken for not counted.
local function pending_need(self, what)
  local need = 0
  if what == "requests" or need_of(what, { tokens = 2 }) == 2 then
    for request in pairs(self.pending) do
      need = need + need_of(what, request)
    end
  end
  return need
end

-- Whether there is one without an answer that can get it while this one waits: what a middleware sends in the middle of
-- a request cannot wait for that request.
local function is_another_pending(self, request)
  local holder = self.holders[request]
  for other in pairs(self.pending) do
    if not holder or self.holders[other] ~= holder then
      return true
    end
  end
  return false
end

-- Takes a limit whose time is over for reset. Where nothing is known of it any more, it is forgotten.
local function renew(self, what, budget, now)
  local is_forgotten = is_old(budget, now)
  if budget.reset > now and not is_forgotten then
    return budget
  elseif is_forgotten or not budget.limit then
    self.budgets[what] = nil
    return nil
  end
  budget.remaining, budget.reset, budget.learned = budget.limit, math.huge, now
  return budget
end

-- Seconds until a limit has room for a request, or until nothing is known of it any more.
local function delay_of(self, what, budget, request, now)
  local need = math.min(need_of(what, request), budget.limit or math.huge)
  local left = budget.remaining - pending_need(self, what)
  if budget.comes_back and budget.reset < math.huge then
    local rate = (budget.limit - budget.remaining) / math.max(budget.reset - budget.learned, 0.001)
    left = math.min(left + rate * (now - budget.learned), budget.limit)
    return left >= need and 0 or math.min((need - left) / math.max(rate, 1e-6), budget.reset - now)
  elseif left >= need then
    return 0
  elseif budget.reset == math.huge then
    return is_another_pending(self, request) and budget.learned + MEMORY - now or 0 -- mostly it is answered before
  end
  return budget.reset - now
end

--- Seconds until they have room for a request, or until it is worth looking again.
---@param request anthropic.LimiterRequest
---@param now number by core.now()
---@param longest number seconds: a limit that would take longer is passed over
---@return number
function RateLimits:delay(request, now, longest)
  local seconds = 0
  for what, budget in pairs(self.budgets) do
    budget = renew(self, what, budget, now)
    local wait = budget and delay_of(self, what, budget, request, now) or 0
    if wait <= longest then
      seconds = math.max(seconds, wait)
    end
  end
  return seconds
end

-- Whether there is room for one more limit, once those whose time is over are forgotten.
local function has_room(self, now)
  forget_old(self, now)
  return tables.count(self.budgets) < MOST_LIMITS
end

--- Takes in what an answer tells of a limit.
---@param what string its name
---@param limit anthropic.RateLimit
---@param now number by core.now()
---@param date number when the answer was made, by the server's clock: seconds since 1970
function RateLimits:learn(what, limit, now, date)
  local reset, before = dates.timestamp(limit.reset), self.budgets[what]
  if not reset or type(limit.remaining) ~= "number" or not (before or has_room(self, now)) then
    return
  end
  local whole = type(limit.limit) == "number" and limit.limit > 0 and limit.limit or nil
  local budget = {
    remaining = limit.remaining, limit = whole, reset = now + math.max(0, reset - date), learned = now,
  }
  if before and whole and before.reset < math.huge and before.reset > now then
    budget.comes_back = before.comes_back or budget.reset - before.reset > MOVED
  end
  self.budgets[what] = budget
end

--- Counts a request that was answered, for the limits of which the answer says nothing.
---@param request anthropic.LimiterRequest
---@param told table<string, anthropic.RateLimit> what it says
function RateLimits:spend(request, told)
  for what, budget in pairs(self.budgets) do
    if not told[what] then
      budget.remaining = budget.remaining - need_of(what, request)
    end
  end
end

return rate_limits
