--- What is known of the rate limits of one model: how much each has left, and until when.
--
-- A limit is either reset at a time, or comes back bit by bit (the API's own): if every request moves the time of its
-- reset away, it comes back bit by bit.

local dates = require "anthropic.http.dates"
local tables = require "anthropic.base.tables"

-- A server may name any number of limits: more than this are not remembered.
local MOST_LIMITS = 16
-- The time of a reset has whole seconds: a smaller difference is not a move.
local MOVED = 1.5
-- Seconds that a limit still counts after its reset if no answer mentions it.
local MEMORY = 60

---@class anthropic.RateBudget
---@field remaining number as stated last, less the requests answered since without a statement
---@field limit? number
---@field reset number by core.now(); math.huge: not known yet
---@field learned number by core.now()
---@field comes_back? boolean bit by bit

---@class anthropic.RateLimits
---@field budgets table<string, anthropic.RateBudget>
---@field pending table<anthropic.LimiterRequest, any> requests without an answer
---@field holders table<anthropic.LimiterRequest, any> a request's holder: an earlier request of the same waits for it
local RateLimits = {}
RateLimits.__index = RateLimits

local rate_limits = {}

--- Nothing is known yet.
---@param pending table<anthropic.LimiterRequest, any> requests without an answer: the caller keeps it up to date
---@param holders? table<anthropic.LimiterRequest, any> a request's holder: an earlier request of the same waits for it
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

--- Whether no known limit still holds.
---@param now number by core.now()
---@return boolean
function RateLimits:is_empty(now)
  forget_old(self, now)
  return next(self.budgets) == nil
end

-- What a request takes of a limit. Its output is not known beforehand.
local function need_of(what, request)
  if what == "requests" then
    return 1
  elseif what == "tokens" or what:find "input_tokens$" then
    return type(request.tokens) == "number" and math.max(request.tokens, 1) or 1
  end
  return 1
end

-- The need of the requests without an answer. The server may have counted them already: they are taken as not counted.
local function pending_need(self, what)
  local need = 0
  if what == "requests" or need_of(what, { tokens = 2 }) == 2 then
    for request in pairs(self.pending) do
      need = need + need_of(what, request)
    end
  end
  return need
end

-- Whether another request can be answered while this one waits. A request that a middleware sends in the middle of
-- another cannot wait for that one.
local function is_another_pending(self, request)
  local holder = self.holders[request]
  for other in pairs(self.pending) do
    if not holder or self.holders[other] ~= holder then
      return true
    end
  end
  return false
end

-- Treats a limit whose time is over as reset. If nothing is known of it any more, it is forgotten.
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
    return is_another_pending(self, request) and budget.learned + MEMORY - now or 0 -- mostly it has an answer before
  end
  return budget.reset - now
end

--- Seconds until the limits have room for a request, or until it is worth looking again.
---@param request anthropic.LimiterRequest
---@param now number by core.now()
---@param longest number seconds: a limit that would take longer is ignored
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

--- Notes what an answer says of a limit.
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

--- Counts a request that was answered, for the limits that its answer does not mention.
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
