--- Paces the requests of a client by what its responses say of its rate limits.
--
-- Every response teaches: the `anthropic-ratelimit-*` headers how much is left and until when, a 429
-- or 529 that all have to slow down. Only requests that ask for it (`paced`) are held back: while
-- nothing is left, until the limit is reset, or until one of those under way has come back.

local core = require "anthropic.base.core"
local headers = require "anthropic.http.headers"
local tasks = require "anthropic.loop.task"

-- What is longer than this is not waited for: the server's own refusal says more.
local LONGEST_WAIT = 300
-- Names of limits are a server's words: more are not remembered.
local MOST_BUDGETS = 16
-- Others wait this long after a refusal whose own request is not sent again.
local PAUSE = 1

---@class anthropic.Limiter
local Limiter = {}
Limiter.__index = Limiter

local limiter = {}

---@return anthropic.Limiter
function limiter.new()
  return setmetatable({
    budgets = {}, -- what is limited -> { remaining, reset }; reset by core.now()
    paused_until = 0,
    under_way = setmetatable({}, { __mode = "k" }), -- paced exchange -> true, unless it was lost
    waiting = {}, -- exchange -> true
  }, Limiter)
end

local function count(set)
  local result = 0
  for _ in pairs(set) do
    result = result + 1
  end
  return result
end

-- Whether there is room for one more limit, once those whose time is over are forgotten.
local function has_room(self, now)
  for what, budget in pairs(self.budgets) do
    if budget.reset <= now then
      self.budgets[what] = nil
    end
  end
  return count(self.budgets) < MOST_BUDGETS
end

local function call_all(self)
  for exchange in pairs(self.waiting) do
    exchange:call()
  end
end

--- Takes in a response's rate limits.
---@param response anthropic.Response
function Limiter:learn(response)
  if not response.rate_limit then
    return
  end
  local now = core.now()
  local date = headers.date(response.headers.date) or os.time()
  for what, limit in pairs(response.rate_limit) do
    local reset = headers.timestamp(limit.reset)
    local is_known = self.budgets[what] ~= nil
    if reset and type(limit.remaining) == "number" and (is_known or has_room(self, now)) then
      self.budgets[what] = { remaining = limit.remaining, reset = now + math.max(0, reset - date) }
    end
  end
  call_all(self)
end

--- Takes in a failure: a refusal for too many requests holds everyone.
---@param err anthropic.Error
---@param delay? number seconds until its own request is sent again
function Limiter:hear(err, delay)
  if err.status == 429 or err.status == 529 then
    local seconds = math.min(delay or err.retry_after or PAUSE, LONGEST_WAIT)
    self.paused_until = math.max(self.paused_until, core.now() + seconds)
  end
end

-- Seconds until a request may go out, or until it is worth looking again.
local function delay(self)
  local now = core.now()
  local seconds = math.max(0, self.paused_until - now)
  for what, budget in pairs(self.budgets) do
    local left = budget.reset - now
    -- requests under way may be counted already or not: they are taken for not counted
    local remaining = budget.remaining - (what == "requests" and count(self.under_way) or 0)
    if left > 0 and left <= LONGEST_WAIT and remaining <= 0 then
      seconds = math.max(seconds, left)
    end
  end
  return seconds
end

--- Waits until the exchange may send its request.
---@param exchange anthropic.Exchange
---@return boolean|nil true, or nil when it was cancelled
function Limiter:wait(exchange)
  local seconds = delay(self)
  local ok = true
  self.waiting[exchange] = true
  while ok and seconds > 0 and core.now() < exchange.deadline and not exchange.closed do
    exchange.was_called = false
    ok = tasks.wait(exchange.option "loop", exchange, math.min(seconds, exchange.deadline - core.now()))
    seconds = delay(self)
  end
  self.waiting[exchange] = nil
  exchange.was_called = false
  if not ok or exchange.closed then
    return nil
  end
  self.under_way[exchange] = true
  return true
end

--- A request has come back, or was given up.
---@param exchange anthropic.Exchange
function Limiter:release(exchange)
  self.waiting[exchange] = nil
  if self.under_way[exchange] then
    self.under_way[exchange] = nil
    call_all(self)
  end
end

return limiter
