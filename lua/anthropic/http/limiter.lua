--- Paces requests by what their answers say of rate limits.
--
-- Every answer teaches: the `anthropic-ratelimit-*` headers how much is left and until when, a 429 or 529 that all have
-- to slow down. Limits are those of a model. Requests wait in their order: while nothing is left, until the limit is
-- reset, or until one of those under way has been answered.
--
-- A limit is either reset at a time, or comes back bit by bit (the API's own): where the time of its reset moves away
-- with every request, it is one that comes back.

local core = require "anthropic.base.core"
local errors = require "anthropic.base.error"
local headers = require "anthropic.http.headers"
local loop = require "anthropic.loop"
local protected = require "anthropic.loop.protected"
local tasks = require "anthropic.loop.task"

-- What is longer than this is not waited for: the server's own refusal says more.
local LONGEST_WAIT = 300
-- Names of limits are a server's words, those of models may be a user's: more are not remembered.
local MOST_BUDGETS, MOST_LANES = 16, 64
-- All wait this long after a refusal that does not say how long, twice as long after the next one, ...
local PAUSE, LONGEST_PAUSE = 1, 8
-- A reset is told in whole seconds: what moves by less has not moved.
local MOVED = 1.5
-- How long a limit that was reset is believed in without a word of it.
local MEMORY = 60
-- One whose turn has come and who does not take it is lost: nginx may have ended its request.
local GRACE = 1

---@class anthropic.RateBudget
---@field remaining number as it was said last, less what was answered since without saying
---@field limit? number
---@field reset number by core.now(); math.huge: not known yet
---@field learned number by core.now()
---@field comes_back? boolean bit by bit

---@class anthropic.Lane the requests for one model
---@field budgets table<string, anthropic.RateBudget>
---@field first? table of those who wait, linked by `following` and `preceding`
---@field last? table

--- The limiter that is built in: what `map` uses, and with the option `limiter` all requests.
---@class anthropic.Limiter
local Limiter = {}
Limiter.__index = Limiter
Limiter.__name = "anthropic.Limiter"

local limiter = {}

---@return anthropic.Limiter
function limiter.new()
  return setmetatable({ lanes = {} }, Limiter)
end

--- Whether a value is one of these.
function limiter.is(value)
  return getmetatable(value) == Limiter
end

local function count(set)
  local result = 0
  for _ in pairs(set) do
    result = result + 1
  end
  return result
end

-- --- what is known -------------------------------------------------------------------------------

-- Whether nothing is known of a limit any more.
local function is_old(budget, now)
  return budget.reset == math.huge and now - budget.learned > MEMORY
end

local function forget_old(lane, now)
  for what, budget in pairs(lane.budgets) do
    if budget.reset <= now or is_old(budget, now) then
      lane.budgets[what] = nil
    end
  end
end

local function is_idle(lane)
  local now = core.now()
  if lane.first or next(lane.pending) ~= nil or lane.paused_until > now then
    return false
  end
  forget_old(lane, now)
  return next(lane.budgets) == nil
end

-- `request`: one that has been let go, which may be in the lane for all others though its model has one by now.
local function lane_of(self, model, request)
  local lanes, name = self.lanes, type(model) == "string" and model or ""
  if request and lanes[""] and lanes[""].pending[request] then
    return lanes[""]
  end
  if not lanes[name] and count(lanes) >= MOST_LANES then
    for other, lane in pairs(lanes) do
      lanes[other] = not is_idle(lane) and lane or nil
    end
    name = count(lanes) >= MOST_LANES and "" or name
  end
  lanes[name] = lanes[name] or {
    budgets = {},
    paused_until = 0,
    paused_at = -math.huge,
    refusals = 0, -- in a row
    pending = setmetatable({}, { __mode = "k" }), -- request without an answer -> when it began, unless it was lost
  }
  return lanes[name]
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
local function pending_need(lane, what)
  local need = 0
  if what == "requests" or need_of(what, { tokens = 2 }) == 2 then
    for request in pairs(lane.pending) do
      need = need + need_of(what, request)
    end
  end
  return need
end

-- Takes a limit whose time is over for reset. Where nothing is known of it any more, it is forgotten.
local function renew(lane, what, budget, now)
  local is_forgotten = is_old(budget, now)
  if budget.reset > now and not is_forgotten then
    return budget
  elseif is_forgotten or not budget.limit then
    lane.budgets[what] = nil
    return nil
  end
  budget.remaining, budget.reset, budget.learned = budget.limit, math.huge, now
  return budget
end

-- Seconds until a limit has room for a request; math.huge: until another is answered.
local function delay_of(lane, what, budget, request, now)
  local need = math.min(need_of(what, request), budget.limit or math.huge)
  local left = budget.remaining - pending_need(lane, what)
  if budget.comes_back and budget.reset < math.huge then
    local rate = (budget.limit - budget.remaining) / math.max(budget.reset - budget.learned, 0.001)
    left = math.min(left + rate * (now - budget.learned), budget.limit)
    return left >= need and 0 or math.min((need - left) / math.max(rate, 1e-6), budget.reset - now)
  elseif left >= need then
    return 0
  elseif budget.reset == math.huge then
    return next(lane.pending) and math.huge or 0
  end
  return budget.reset - now
end

-- Seconds until a request may go out, or until it is worth looking again.
local function delay(lane, request)
  local now = core.now()
  local seconds = math.max(0, lane.paused_until - now)
  for what, budget in pairs(lane.budgets) do
    budget = renew(lane, what, budget, now)
    local wait = budget and delay_of(lane, what, budget, request, now) or 0
    if wait == math.huge or wait <= LONGEST_WAIT then
      seconds = math.max(seconds, wait)
    end
  end
  return seconds
end

-- --- waiting -------------------------------------------------------------------------------------

local function call_first(lane)
  if lane.first then
    lane.first.subject:call()
  end
end

-- Puts one behind another; nil: in front.
local function put(lane, entry, preceding)
  local following
  if preceding then
    following, preceding.following = preceding.following, entry
  else
    following, lane.first = lane.first, entry
  end
  if following then
    following.preceding = entry
  else
    lane.last = entry
  end
  entry.preceding, entry.following, entry.is_queued = preceding, following, true
end

local function take(lane, entry)
  local preceding, following = entry.preceding, entry.following
  if preceding then
    preceding.following = following
  else
    lane.first = following
  end
  if following then
    following.preceding = preceding
  else
    lane.last = preceding
  end
  entry.preceding, entry.following, entry.is_queued = nil, nil, false
end

-- Whoever waits outside of an exchange.
local Pause = {}
Pause.__index = Pause

function Pause:has_news()
  return self.closed or self.was_called
end

function Pause:call()
  self.was_called = true
  loop.wake(self)
end

function Pause:close()
  self.closed = true
  loop.wake(self)
end

local function leave(entry)
  local lane = entry.lane
  if entry.is_queued then
    local was_first = lane.first == entry
    take(lane, entry)
    if was_first then
      call_first(lane)
    end
  end
end

-- Seconds until it is the turn of one who waits, 0: it is; or until it is worth looking again.
local function seconds_to_turn(lane, entry)
  while true do
    local first = lane.first
    local seconds = delay(lane, first.request)
    if first == entry then
      return seconds
    elseif seconds > 0 then
      first.due = nil
      return seconds + GRACE
    end
    first.due = first.due or core.now()
    local patience = first.due + GRACE - core.now()
    if patience > 0 then
      first.subject:call()
      return patience
    end
    take(lane, first)
  end
end

local function await(entry)
  local subject, lane = entry.subject, entry.lane
  local seconds = seconds_to_turn(lane, entry)
  while seconds > 0 and not subject.closed and core.now() < entry.deadline do
    subject.was_called = false
    local ok, reason = tasks.wait(entry.driver, subject, math.min(seconds, entry.deadline - core.now()))
    if not ok then
      return nil, tasks.is_refusal(reason) and reason or errors.cancelled "the request was cancelled"
    elseif not entry.is_queued then -- it was taken for lost
      put(lane, entry, nil)
    end
    seconds = seconds_to_turn(lane, entry)
  end
  subject.was_called = false
  if subject.closed then
    return nil, errors.cancelled "the request was cancelled"
  end
  return true
end

--- Waits until a request may go out.
---@param request anthropic.LimiterRequest
---@return true|nil
---@return anthropic.Error?
function Limiter:acquire(request)
  local lane = lane_of(self, request.model)
  local exchange = request.exchange
  if exchange and exchange.closed then
    return nil, errors.cancelled "the request was cancelled"
  elseif lane.first or delay(lane, request) > 0 then
    local entry = {
      request = request,
      lane = lane,
      subject = exchange or setmetatable({}, Pause),
      driver = exchange and exchange.option "loop",
      deadline = exchange and exchange.deadline or math.huge,
    }
    put(lane, entry, lane.last)
    local ok, err = protected.finally_around(await, leave, entry)
    if not ok then
      return nil, err
    end
  end
  if exchange then
    exchange.was_called = false
  end
  lane.pending[request] = core.now()
  call_first(lane)
  return true
end

-- --- learning ------------------------------------------------------------------------------------

-- Whether there is room for one more limit, once those whose time is over are forgotten.
local function has_room(lane, now)
  forget_old(lane, now)
  return count(lane.budgets) < MOST_BUDGETS
end

local function learn_budget(lane, what, limit, now, date)
  local reset, before = headers.timestamp(limit.reset), lane.budgets[what]
  if not reset or type(limit.remaining) ~= "number" or not (before or has_room(lane, now)) then
    return
  end
  local whole = type(limit.limit) == "number" and limit.limit > 0 and limit.limit or nil
  local budget = {
    remaining = limit.remaining, limit = whole, reset = now + math.max(0, reset - date), learned = now,
  }
  if before and whole and before.reset < math.huge and before.reset > now then
    budget.comes_back = before.comes_back or budget.reset - before.reset > MOVED
  end
  lane.budgets[what] = budget
end

--- Takes in the limits that an answer tells of.
---@param model? string
---@param response anthropic.Response
function Limiter:learn(model, response)
  if not response.rate_limit then
    return
  end
  local now = core.now()
  local lane = lane_of(self, model)
  local date = headers.date(response.headers.date) or os.time()
  for what, limit in pairs(response.rate_limit) do
    learn_budget(lane, what, limit, now, date)
  end
  call_first(lane)
end

--- Takes in an error: a refusal for too many requests holds everyone.
---@param model? string
---@param err anthropic.Error
---@param began? number when its request began
function Limiter:hear(model, err, began)
  if err.status ~= 429 and err.status ~= 529 then
    return
  end
  local lane, now = lane_of(self, model), core.now()
  if not began or began >= lane.paused_at then -- several at once are one refusal
    lane.refusals = lane.refusals + 1
    lane.paused_at = now
  end
  local seconds = err.retry_after or math.min(PAUSE * 2 ^ (lane.refusals - 1), LONGEST_PAUSE)
  lane.paused_until = math.max(lane.paused_until, now + math.min(seconds, LONGEST_WAIT))
end

-- Counts a request that was answered, where the answer says nothing of it.
local function spend(lane, request, told)
  for what, budget in pairs(lane.budgets) do
    if not told[what] then
      budget.remaining = budget.remaining - need_of(what, request)
    end
  end
end

--- The headers of a request's answer have come.
---@param request anthropic.LimiterRequest
---@param response anthropic.Response
function Limiter:observe(request, response)
  local lane = lane_of(self, request.model, request)
  if lane.pending[request] then
    request.began, lane.pending[request] = lane.pending[request], nil
    if response.status < 400 then
      lane.refusals = 0
      spend(lane, request, response.rate_limit or {})
    end
  end
  self:learn(request.model, response)
  call_first(lane)
end

--- A request is over.
---@param request anthropic.LimiterRequest
---@param _ anthropic.Response?
---@param err? anthropic.Error
function Limiter:release(request, _, err)
  local lane = lane_of(self, request.model, request)
  local began = lane.pending[request] or request.began
  lane.pending[request] = nil
  if err then
    self:hear(request.model, err, began)
  end
  call_first(lane)
end

return limiter
