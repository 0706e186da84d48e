--- Where the library waits.
--
--     require("anthropic.loop").use "uv"
--
-- There is one core loop per Lua state; all clients share it and its connections. A step of it wakes everything whose
-- transfer has news and whose time has come, so several ways of waiting can be mixed. How the calling code waits is a
-- driver's business; [waiting](waiting.md) shows how to write one. A driver's `wait` is the only function that
-- blocks or yields. `loop.on_news` tells it of news, `loop.after` of time; both call from inside `loop.step`, for which
-- there is work whenever `loop.descriptor()` is readable.

local package, require = package, require
local alarms = require "anthropic.loop.alarms"
local core = require "anthropic.base.core"
local guard = require "anthropic.base.guard"

---@class anthropic.Driver
---@field wait fun(subject: anthropic.Subject, seconds?: number): boolean?, any returns true once
---  `subject:has_news()`, or when the seconds have passed; nil and "cancelled" if the host ended the wait
---@field spawn? fun(f: function) if the host runs several coroutines: runs `f` in another one, which may wait
---@field suspends? boolean true if `wait` yields
---@field run? fun(arguments: string[], on_news: fun()): anthropic.Command?, string? starts a command in the host's way;
---  nil alone, or if absent: the core loop starts it
---@field check? fun(): boolean?, string? called before each wait: nil and words if the calling code cannot be
---  suspended; raises if its host cannot wait at all

---@class anthropic.Command a command that runs; a wake-up (`on_news`) may be early, and may be in any context
---@field output fun(command: anthropic.Command): string?, integer|"unknown"|"soon"|"too_large"|nil nil while it runs,
---  "soon" if it is to be asked again soon; what it wrote, and its exit status (negative: the signal that ended it)
---@field close fun(command: anthropic.Command) ends the command if it still runs

---@class anthropic.Subject what is waited for
---@field has_news fun(subject: anthropic.Subject): boolean whether the wait is over
---@field stands_for? anthropic.Subject|false whose news are its own, too

---@class anthropic.loop
local loop = {}

local the_loop
local waiting = {} -- subject -> function that wakes its waiter
local alarm_set = alarms.new()
local is_stepping = false
-- By name: if the library is loaded a second time, `require` finds the drivers of the other loop.
local drivers = {}

-- A step wakes no further waiters after this time, so that the host's own work has its turn.
local BUDGET = 0.005

--- The core loop of this Lua state.
---@private
function loop.core()
  the_loop = the_loop or core.loop()
  return the_loop
end

--- Returns the descriptor for hosts that watch one: it is readable whenever there is work. It changes after a fork.
--- Raises if the system has no such descriptor.
---@return integer descriptor
function loop.descriptor()
  return loop.core():fd() or error('this system has no descriptor for all transfers: use loop = "blocking"', 0)
end

--- Wakes the waiter of the subject.
---@private
---@param subject anthropic.Subject
---@return boolean ok
---@return any raised what the waiter raised
function loop.try_wake(subject)
  local resume = waiting[subject]
  waiting[subject] = nil
  if resume then
    return pcall(resume)
  end
  return true
end

--- The same, but what the waiter raises is raised by the next step, in the host's way.
---@private
---@param subject anthropic.Subject
function loop.wake(subject)
  loop.raise_later(loop.try_wake(subject))
end

-- Tells the core loop when it is to be stepped next.
local function set_alarm()
  local soonest = alarm_set:soonest()
  loop.core():alarm(soonest and soonest.time)
end

-- Calls a function as a part of a step. Returns true, or false and what the function raised.
local function wake_up(call)
  local was_stepping = is_stepping
  is_stepping = true
  local ok, err = pcall(call)
  is_stepping = was_stepping
  return ok, err
end

-- Calls the alarms that are due now, not those that this step's wake-ups set later. When the step's time is over, the
-- rest is left to the next step; so it is after an alarm that raised: then returns false and what it raised.
local function ring()
  local now, alarm = core.now(), alarm_set:soonest()
  local ok, err = true, nil
  while ok and alarm and alarm.time <= now do
    alarm_set:remove(alarm)
    ok, err = wake_up(alarm.call)
    alarm = alarm_set:soonest()
    if the_loop:is_late() then
      break
    end
  end
  set_alarm()
  return ok, err
end

-- Whether an interrupt was taken and not reported yet: a wake-up may raise before the report.
local is_interrupted = false

--- Takes a step as `loop.step` does, and raises no error of a wake-up.
---@private
---@param seconds number how long to wait for work; negative: for ever
---@param budget? number
---@param takes_interrupt? boolean
---@return boolean ok
---@return any has_worked or what a wake-up raised
function loop.try_step(seconds, budget, takes_interrupt)
  if guard.DEFERS then
    guard.run_due()
  end
  local the_core = the_loop or loop.core()
  budget = budget or BUDGET
  local has_worked, was_interrupted, is_due, subject, has_more = the_core:wait(seconds, takes_interrupt, budget)
  is_interrupted = is_interrupted or was_interrupted
  while subject do
    local resume = waiting[subject]
    if resume then
      waiting[subject] = nil
      local ok, err = wake_up(resume)
      if not ok then
        set_alarm()
        if has_more then
          the_core:alarm(core.now()) -- else nothing tells the host of the rest
        end
        return false, err
      end
    end
    if not has_more then
      break
    end
    subject, has_more = the_core:next_ready()
  end
  has_worked = has_worked or has_more or false
  if is_due then -- it may also come too early; one is called whatever else there is
    local ok, err = ring()
    if not ok then
      return false, err
    end
  end
  return true, has_worked
end

--- Does the work at hand, and wakes the coroutines that wait for it. An error that a wake-up raises is raised; the
--- others are woken by the next step.
---@param seconds number how long to wait for work; negative: for ever
---@param budget? number seconds after which the next step wakes the rest. Default: 0.005
---@param takes_interrupt? boolean keep SIGINT (Ctrl-C) from the host's handler meanwhile, and report it
---@return boolean has_worked false when nothing came for any transfer
---@return boolean was_interrupted an interrupt was taken, by this step or by one that raised
function loop.step(seconds, budget, takes_interrupt)
  local ok, result = loop.try_step(seconds, budget, takes_interrupt)
  if not ok then
    error(result, 0)
  end
  local was_interrupted = takes_interrupt and is_interrupted or false
  is_interrupted = is_interrupted and not was_interrupted
  return result, was_interrupted
end

--- Whether the calling code was woken by a step.
---@private
function loop.is_stepping()
  return is_stepping
end

--- Calls a function once, in the first step after the time, which is not before now. Functions of equal
--- times are called in their order.
---@param seconds number from now
---@param call fun()
---@return fun() forget cancels the call
function loop.after(seconds, call)
  local time, soonest = core.now() + math.max(seconds, 0), alarm_set:soonest()
  if not soonest or time < soonest.time then
    loop.core():alarm(time) -- first: if an error interrupts this, a step comes too early, none is missing
  end
  local alarm = alarm_set:add(time, call)
  return function()
    alarm_set:remove(alarm)
    if alarm_set.heap then -- else a step comes too early; making the heap anew takes memory, which may be short
      set_alarm()
    end
  end
end

--- Has the next step raise an error, in the host's way.
---@private
---@param ok boolean nothing was raised
---@param raised any
function loop.raise_later(ok, raised)
  if not ok then
    loop.after(0, function() error(raised, 0) end)
  end
end

--- Calls a function once, as soon as the subject has news.
---@param subject anthropic.Subject
---@param resume? fun() nil: forget the earlier function
function loop.on_news(subject, resume)
  waiting[subject] = resume
  local other = subject.stands_for
  if other then
    waiting[other] = resume
  end
end

local owners = setmetatable({}, { __mode = "kv" })

--- Sets what is closed in place of the subject if the host ends the wait for it.
---@private
---@param subject anthropic.Subject
---@param owner { close: fun(owner: table) }
function loop.own(subject, owner)
  owners[subject] = owner
end

--- Closes the subject of a waiter whose code will not go on.
---@private
---@param subject anthropic.Subject
function loop.give_up(subject)
  local owner = owners[subject] or subject
  if owner.close then
    owner:close()
  end
end

--- Whether the subject has a waiter.
---@private
function loop.is_awaited(subject)
  return waiting[subject] ~= nil
end

--- Whether there is no waiter and no alarm, so that the loop needs no steps.
---@private
function loop.is_idle()
  return next(waiting) == nil and not alarm_set:soonest()
end

local function is_in_coroutine()
  local here, is_main = coroutine.running()
  return here ~= nil and not is_main
end

-- How hosts are recognized, in the order in which they are tried: by a loaded module or a global, and
-- by a test if that alone does not prove that the host is the one for the calling code.
local HOSTS = {
  { "scheduler", package.loaded, "anthropic.loop.scheduler", function(scheduler)
    return scheduler.thread()
  end },
  { "frame", package.loaded, "anthropic.loop.frame", function(frame)
    return type(frame) == "table" and frame.is_chosen
  end },
  { "ngx", _G, "ngx", function(ngx)
    return type(ngx) == "table" and ngx.get_phase
  end },
  { "cqueues", package.loaded, "cqueues", function(cqueues)
    return cqueues.running()
  end },
  { "copas", package.loaded, "copas", function(copas)
    return copas.running ~= false and is_in_coroutine() -- workaround: older versions do not tell
  end },
  { "uv", _G, "vim", function(vim)
    return type(vim) == "table" and vim.schedule_wrap and (vim.uv or vim.loop)
  end },
  { "uv", package.loaded, "luv", function()
    return type(rawget(_G, "vim")) ~= "table" -- in a thread of Neovim's nothing runs the event loop
  end },
  { "frame", _G, "love" },
}
local NAMES = { "scheduler", "ngx", "cqueues", "copas", "uv", "frame", "blocking", "yield" }

--- Returns the names of the drivers, in the order in which they are tried.
---@return string[] names
function loop.names()
  return NAMES
end

--- Whether a value names a driver, or can be one.
---@private
function loop.is_driver(value)
  for _, name in ipairs(NAMES) do
    if value == name then
      return true
    end
  end
  return type(value) == "table" and value.wait ~= nil
end

local used

--- Sets the driver for tasks, `anthropic.sleep`, and clients without the option `loop`.
---@param driver? string|anthropic.Driver a driver's name, or a driver; nil: the host decides
function loop.use(driver)
  if type(driver) == "table" and not loop.is_driver(driver) then
    error("loop.use: the driver has no wait", 2)
  elseif driver and not loop.is_driver(driver) then
    error(("no such loop: %s (there are %s)"):format(tostring(driver), table.concat(loop.names(), ", ")), 2)
  end
  used = driver
end

--- Whether neither the program nor a host decides how code waits that names no driver.
---@private
---@return boolean
function loop.lacks_host()
  return not used and loop.name() == "blocking"
end

--- Returns the name of the driver that holds for the calling code, or the driver that was set.
---@return string|anthropic.Driver driver
function loop.name()
  if used then
    return used
  end
  for i = 1, #HOSTS do
    local host = HOSTS[i]
    local found = rawget(host[2], host[3])
    if found and (not host[4] or host[4](found)) then
      return host[1]
    end
  end
  return "blocking"
end

--- The driver for the calling code.
---@private
---@param driver? string|table the client's `loop` option
function loop.driver(driver)
  driver = driver or loop.name()
  if type(driver) == "table" then
    return driver
  end
  local found = drivers[driver]
  if not found then
    local module = "anthropic.loop." .. driver
    local was_loaded = package.loaded[module]
    found = require(module)
    if found.is_chosen and not was_loaded then
      found.is_chosen = false -- chosen for this call alone, not for all
    end
    drivers[driver] = found
  end
  return found
end

--- The C code of stock Lua 5.1 that calls an iterator cannot be suspended. workaround: Lua 5.1
---@private
loop.ITERATORS_CANNOT_WAIT = _VERSION == "Lua 5.1" and rawget(_G, "jit") == nil

--- Raises if an iterator that waits cannot be used in a generic `for`.
---@private
---@param driver? string|table the client's `loop` option
---@param instead string what to call there
---@param level? integer where to put the blame, as in `error`; default 3: on the caller's caller
function loop.check_iteration(driver, instead, level)
  if loop.ITERATORS_CANNOT_WAIT and loop.driver(driver).suspends then
    error("stock Lua 5.1 cannot wait inside a generic `for` under a scheduler: use " .. instead, level or 3)
  end
end

return loop
