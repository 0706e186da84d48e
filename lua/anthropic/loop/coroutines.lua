--- Parts for drivers: what hosts of coroutines have in common; [waiting](waiting.md) shows how they are used.

local core = require "anthropic.base.core"
local loop = require "anthropic.loop"
local protected = require "anthropic.loop.protected"

local coroutines = {}

local CANNOT_YIELD = "the calling code cannot wait: it was called by a function in C (string.gsub, table.sort, "
  .. "tostring, require, a finalizer%s), which Lua cannot suspend; wait before or after that call, or in a "
  .. "task of its own (anthropic.spawn)"

-- workaround: Lua 5.1 and 5.2 have no isyieldable, and nginx hides it. In 5.1 a coroutine may stand for another.
local function can_yield_outwards()
  local thread = coroutine.running()
  while thread and core.can_yield(thread) do
    thread = protected.outer_of(thread)
    if not thread then
      return true
    end
  end
  return false
end

local can_yield = rawget(coroutine, "isyieldable") or can_yield_outwards

--- A driver's `check`: whether the calling code, which runs in a coroutine, can be suspended.
---@return true|nil ok
---@return string? words why not, and what to do
function coroutines.check()
  if can_yield() then
    return true
  end
  return nil, CANNOT_YIELD:format(protected.BY_COROUTINES and "; here also pcall, an iterator or a metamethod" or "")
end

local function resume(thread)
  local ok, err = coroutine.resume(thread)
  if not ok then
    error(err, 0)
  end
end

local own = setmetatable({}, { __mode = "k" }) -- coroutines that are this module's own

local function create(f)
  local thread = coroutine.create(f)
  own[thread] = true
  return thread
end

--- Whether a coroutine was made here, so that only the library resumes it.
---@private
---@param thread thread
---@return boolean
function coroutines.is_own(thread)
  return own[thread] == true
end

--- Runs a function in a coroutine until it waits. What it raises is raised.
---@private
---@param f function
function coroutines.begin(f)
  resume(create(f))
end

--- A driver's `spawn`: runs a function in a coroutine, from the next step of the loop on. An error of the function is
--- raised by the step.
---@param f function
function coroutines.spawn(f)
  local thread = create(f)
  loop.after(0, function()
    resume(thread)
  end)
end

--- Steps the loop in a coroutine of the driver's own. What a wake-up raises is raised in the host's
--- way, by another coroutine.
---@private
---@param driver table
function coroutines.step(driver)
  local ok, err = pcall(loop.step, 0)
  if not ok then
    driver.spawn(function() error(err, 0) end)
  end
end

local function await(self, seconds)
  if seconds then
    self.forget = loop.after(seconds, function()
      self.is_over = true
      self.wake()
    end)
  end
  local subject, failure = self.subject, nil
  while failure == nil and not self.is_over and not subject:has_news() do
    loop.on_news(subject, self.wake)
    failure = self:suspend()
  end
  return failure
end

local function leave(self)
  self.is_parked = false
  loop.on_news(self.subject, nil)
  if self.forget then
    self.forget()
  end
  if self.left then
    self.left()
  end
end

local function wait(self, seconds)
  local failure = protected.finally(await, leave, self, seconds)
  if failure ~= nil then
    error(failure, 0)
  end
  return true
end

local function suspend_as_given(self)
  return self.given()
end

--- Waits for a subject in the way of a host: what every driver's `wait` needs around its own yield.
---@param subject anthropic.Subject
---@param seconds? number how long at most
---@param suspend fun(): any returns some time after `wake`, or before; what it returns is raised
---@param wake fun() called from inside a step
---@param left? fun() called at the end of the wait, even if an error interrupts it
function coroutines.wait(subject, seconds, suspend, wake, left)
  return wait({ subject = subject, suspend = suspend_as_given, given = suspend, wake = wake, left = left }, seconds)
end

local function go_on(self)
  if not self.is_parked or coroutine.status(self.thread) ~= "suspended" then
    return
  elseif not loop.is_stepping() then
    loop.after(0, self.wake)
    return
  end
  self.is_parked = false
  if not self.resume then
    return resume(self.thread)
  end
  self.is_lost = true
  if self.resume() and self.is_lost then
    loop.give_up(self.subject)
  end
end

local function suspend_parked(self)
  self.is_parked = true
  local failure
  if self.given then
    failure = self.given(self)
  else
    coroutine.yield()
  end
  self.is_parked, self.is_lost = false, false
  return failure
end

--- A driver's `wait`: yields until a step of the loop resumes the coroutine. The host may resume it as well.
---@param subject anthropic.Subject
---@param seconds? number how long at most
---@param suspend? fun(host: table): any yields; what it returns is raised. `host.thread` is what it suspends, for
---  `host.subject`. It may set `host.resume`, which then resumes the coroutine; if that returns true, a coroutine that
---  has not gone on is lost
function coroutines.park(subject, seconds, suspend)
  local self = {
    subject = subject, thread = protected.running(), suspend = suspend_parked, given = suspend,
    is_parked = false, is_lost = false, wake = false,
  }
  function self.wake()
    go_on(self)
  end
  return wait(self, seconds)
end

-- --- hosts that resume a coroutine at its own time alone -------------------------------------------

-- At most so much of the time between two looks counts: a host that stood still has abandoned no coroutine.
local LONGEST_GAP = 0.1

-- Advances the clock of the host's activity, and closes what abandoned coroutines waited for.
local function look(self)
  local now = core.now()
  self.clock = self.clock + math.min(now - self.looked_at, LONGEST_GAP)
  self.looked_at = now
  for waiter in pairs(self.patience and self.asleep or {}) do
    if self.clock - waiter.due > self.patience then
      self.asleep[waiter] = nil
      loop.give_up(waiter.subject)
    end
  end
end

-- Where seconds are given the others go first, even if there is no time to wait.
local function await_polling(waiter, deadline)
  local self, left, has_slept = waiter.poller, deadline - core.now(), false
  while (left > 0 or not has_slept) and not waiter.subject:has_news() do
    loop.step(0)
    look(self)
    if not waiter.subject:has_news() then
      local pause = math.max(math.min(self.interval, left), 0)
      has_slept = true
      waiter.due = self.clock + pause
      self.asleep[waiter] = true
      self.sleep(pause)
      self.asleep[waiter] = nil
    end
    left = deadline - core.now()
  end
  return true
end

local function wake_up(waiter)
  waiter.poller.asleep[waiter] = nil
end

local polling = setmetatable({}, { __mode = "k" }) -- what `poll` has made

--- Whether a driver's `wait` is of a host that resumes its own coroutines alone: in another one it would wait for ever.
---@private
---@param wait_of_driver function
---@return boolean
function coroutines.is_polling(wait_of_driver)
  return polling[wait_of_driver] == true
end

---@class anthropic.PollOptions
---@field interval? number seconds between two looks. Default: 0.002
---@field abandoned_after? number seconds that a coroutine may stay away while the host resumes others; then the host is
---  taken to have given it up, and what it waited for is closed. Default: never

--- Makes a driver's `wait` for a host that resumes a coroutine only when the time that it asked for has come: each
--- waiting coroutine looks for news, and steps the loop for all.
---@param sleep fun(seconds: number) suspends the calling coroutine, in the host's way
---@param given? anthropic.PollOptions
---@return fun(subject: anthropic.Subject, seconds: number?): true wait
function coroutines.poll(sleep, given)
  given = given or {}
  local self = {
    sleep = sleep,
    interval = given.interval or 0.002,
    patience = given.abandoned_after,
    asleep = {}, -- the waiters for a time
    clock = 0, looked_at = core.now(),
  }
  local function poll(subject, seconds)
    local deadline = seconds and core.now() + seconds or math.huge
    return (protected.finally(await_polling, wake_up, { poller = self, subject = subject }, deadline))
  end
  polling[poll] = true
  return poll
end

return coroutines
