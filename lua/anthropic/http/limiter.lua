--- Paces requests by what their answers say of rate limits.
--
-- The limiter learns from every answer: the `anthropic-ratelimit-*` headers say how much is left and until when, a 429
-- or 529 that all must slow down. Each model has its own limits. If nothing is left, requests wait in their order until
-- the limit is reset, or a request under way is answered. rate_limits.lua keeps what is known of the limits.

local core = require "anthropic.base.core"
local dates = require "anthropic.http.dates"
local errors = require "anthropic.base.error"
local loop = require "anthropic.loop"
local protected = require "anthropic.loop.protected"
local rate_limits = require "anthropic.http.rate_limits"
local tables = require "anthropic.base.tables"
local waiting = require "anthropic.loop.waiting"

-- A longer wait is not made: the server's own refusal says more.
local LONGEST_WAIT = 300
-- Names of models may be a user's words: no more than so many are remembered.
local MOST_LANES = 64
-- All wait this long after a refusal that does not say how long, twice as long after the next one, ...
local PAUSE, LONGEST_PAUSE = 1, 8
-- A waiter that does not take its turn in so many seconds is gone: nginx may have ended its request.
local GRACE = 1

---@class anthropic.Lane the requests for one model
---@field limits anthropic.RateLimits
---@field first? table of the waiters, linked by `following` and `preceding`
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

--- Whether a value is a limiter of this class.
function limiter.is(value)
  return getmetatable(value) == Limiter
end

-- --- what is known -------------------------------------------------------------------------------

local function is_idle(lane)
  local now = core.now()
  if lane.first or next(lane.pending) ~= nil or lane.paused_until > now then
    return false
  end
  return lane.limits:is_empty(now)
end

-- `request`: one that was let go; it may be in the lane of all other models, though its model has its own by now.
local function lane_of(self, model, request)
  local lanes, name = self.lanes, type(model) == "string" and model or ""
  if request and lanes[""] and lanes[""].pending[request] then
    return lanes[""]
  end
  if not lanes[name] and tables.count(lanes) >= MOST_LANES then
    for other, lane in pairs(lanes) do
      lanes[other] = not is_idle(lane) and lane or nil
    end
    name = tables.count(lanes) >= MOST_LANES and "" or name
  end
  local pending = setmetatable({}, { __mode = "k" }) -- request without an answer -> when it began, unless it was lost
  local holders = setmetatable({}, { __mode = "kv" }) -- request -> its coroutine
  lanes[name] = lanes[name] or {
    limits = rate_limits.new(pending, holders),
    holders = holders,
    paused_until = 0,
    paused_at = -math.huge,
    refusals = 0, -- in a row
    pending = pending,
  }
  return lanes[name]
end

-- Seconds until a request may go out, or until it is worth looking again.
local function delay(lane, request)
  local now = core.now()
  return math.max(0, lane.paused_until - now, lane.limits:delay(request, now, LONGEST_WAIT))
end

-- --- waiting -------------------------------------------------------------------------------------

local function call_first(lane)
  if lane.first then
    lane.first.subject:call()
  end
end

-- Puts an entry behind another; nil: in front.
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

-- A waiter outside of an exchange.
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

-- Seconds until a waiter's turn (0: now), or until this is to be asked again.
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
    local ok, reason = waiting.wait(entry.driver, subject, math.min(seconds, entry.deadline - core.now()))
    if not ok then
      return nil, waiting.is_refusal(reason) and reason or errors.cancelled "the request was cancelled"
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

local MAIN = {} -- stands for the main coroutine

--- Waits until a request may go out.
---@param request anthropic.LimiterRequest
---@return true|nil
---@return anthropic.Error?
function Limiter:acquire(request)
  local lane = lane_of(self, request.model)
  local exchange = request.exchange
  lane.holders[request] = protected.running() or MAIN
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

--- Notes the limits that an answer states.
---@param model? string
---@param response anthropic.Response
function Limiter:learn(model, response)
  if not response.rate_limit then
    return
  end
  local now = core.now()
  local lane = lane_of(self, model)
  local date = dates.http(response.headers.date) or os.time()
  for what, limit in pairs(response.rate_limit) do
    lane.limits:learn(what, limit, now, date)
  end
  call_first(lane)
end

--- Notes an error: a refusal for too many requests holds back all requests for the model.
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

--- The headers of a request's answer have come.
---@param request anthropic.LimiterRequest
---@param response anthropic.Response
function Limiter:observe(request, response)
  local lane = lane_of(self, request.model, request)
  if lane.pending[request] then
    request.began, lane.pending[request] = lane.pending[request], nil
    if response.status < 400 then
      lane.refusals = 0
      lane.limits:spend(request, response.rate_limit or {})
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
