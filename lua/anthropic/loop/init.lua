--- Where the library waits.
--
-- There is one core loop per Lua state; all clients share it and its connections. Whoever steps it
-- wakes everyone whose transfer has news, so several ways of waiting can be mixed. How a caller
-- waits is a driver's business. A driver is a table with one function, the only one of the library
-- that blocks or yields:
--
--     wait(subject, seconds?) -> true | nil, "cancelled"
--
-- It returns once `subject:has_news()` (a transfer, or a table with that method) or when the
-- seconds have passed. It is told of news by `loop.on_news(subject, f)`, and finds the work that
-- has to be done meanwhile in `loop.step`.

local core = require "anthropic.core"

local loop = {}

local the_loop
local waiting = {} -- subject -> function that wakes the one who waits for it
-- Transfers that nobody reads any more but whose connection is worth keeping -> what has news when
-- they have ended.
local draining = {}

-- A finished stream's last bytes come within this time, or its connection is given up.
local DRAIN_SECONDS = 1
-- The next request waits so long for it: less than a new connection takes.
local SETTLE_SECONDS = 0.02

--- The core loop of this Lua state.
function loop.core()
  the_loop = the_loop or core.loop()
  return the_loop
end

--- Wakes whoever waits for the subject.
function loop.wake(subject)
  local drained = draining[subject]
  if drained and subject:done() then
    draining[subject] = nil
    subject:close()
    loop.wake(drained)
  end
  local resume = waiting[subject]
  waiting[subject] = nil
  if resume then
    resume()
  end
end

--- Does the work at hand and wakes whoever waits for it.
---@param seconds number wait at most this long for work; negative: for ever
function loop.step(seconds)
  local the_core = loop.core()
  the_core:wait(seconds)
  local transfer = the_core:next_ready()
  while transfer do
    loop.wake(transfer)
    transfer = the_core:next_ready()
  end
end

--- Calls `resume` once, as soon as the subject has news. nil forgets it.
function loop.on_news(subject, resume)
  waiting[subject] = resume
end

local never = { has_news = function() return false end }

--- Waits in the way of the host.
---@param seconds number
---@return true|nil, "cancelled"?
function loop.sleep(seconds)
  return loop.driver().wait(never, seconds)
end

--- Lets a transfer that has been read come to its end in the background, so that its connection
--- can be used again.
function loop.drain(transfer)
  if not transfer:done() then
    loop.step(0)
  end
  if transfer:done() then
    transfer:close()
  else
    transfer:limit(DRAIN_SECONDS)
    draining[transfer] = { has_news = function() return draining[transfer] == nil end }
  end
end

--- Waits a moment for a transfer that is coming to its end, so that its connection is free.
---@param chosen? string|table the client's `loop` option
---@return true|nil, "cancelled"?
function loop.settle(chosen)
  if next(draining) then
    loop.step(0)
  end
  local _, drained = next(draining)
  if drained then
    return loop.driver(chosen).wait(drained, SETTLE_SECONDS)
  end
  return true
end

--- The driver for the calling code.
---@param chosen? string|table the client's `loop` option
function loop.driver(chosen)
  if type(chosen) == "table" then
    return chosen
  end
  if chosen then
    return require("anthropic.loop." .. chosen)
  end
  local scheduler = package.loaded["anthropic.loop.scheduler"]
  if scheduler and scheduler.current() then
    return scheduler
  end
  return require "anthropic.loop.blocking"
end

-- The C code of stock Lua 5.1 that calls an iterator cannot be suspended.
local ITERATORS_CANNOT_WAIT = _VERSION == "Lua 5.1" and rawget(_G, "jit") == nil

--- Raises where an iterator that waits cannot be used in a generic `for`.
---@param chosen? string|table the client's `loop` option
---@param instead string what to call there
---@param level? integer where to put the blame, as in `error`; default 3: on the caller's caller
function loop.check_iteration(chosen, instead, level)
  if ITERATORS_CANNOT_WAIT and loop.driver(chosen).suspends then
    error("stock Lua 5.1 cannot wait inside a generic `for` under a scheduler: use " .. instead, level or 3)
  end
end

return loop
