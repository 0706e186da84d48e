--- Tasks: coroutines that can be joined and cancelled, the same in every host.
--
--     anthropic.run(function()
--       local one = anthropic.spawn(ask, "one")
--       local two = anthropic.spawn(ask, "two")
--       print(one:join(), two:join())
--     end)
--
-- A task is a coroutine that the host runs: it has results, can be joined and cancelled, and may itself spawn others.
--
-- In a host with callbacks, a task may also yield by itself and be resumed by a callback of your own:
--
--     local function select(items, options)           -- waits for what the user of Neovim selects
--       local this = coroutine.running()
--       vim.ui.select(items, options, vim.schedule_wrap(function(choice) coroutine.resume(this, choice) end))
--       return coroutine.yield()
--     end

local package, require = package, require
local coroutines = require "anthropic.loop.coroutines"
local counted_set = require "anthropic.loop.counted_set"
local errors = require "anthropic.base.error"
local loop = require "anthropic.loop"
local protected = require "anthropic.loop.protected"
local waiting = require "anthropic.loop.waiting"

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

local tasks = {}

---@class anthropic.Task what anthropic.spawn returns, and messages.stream with callbacks
---@field done boolean whether it has ended
local Task = {}
Task.__index = Task
Task.__name = "anthropic.Task"

local cancelled_error = waiting.cancelled_error

local function pack(...)
  return { n = select("#", ...), ... }
end

-- --- a task's life -------------------------------------------------------------------------------

-- The tasks that `run` waits for, and the failed ones that were not joined, numbered in their order.
local Group = {}
Group.__index = Group

function Group:has_news()
  return self.tasks:count() == 0
end

-- Notes the failure of a task, or of a function that it has called back.
function Group:fail(failed)
  self.failed = self.failed + 1
  self.unjoined[failed] = self.failed
end

-- What was raised as an error: nil and false may be raised, but would not be seen as one.
local function as_error(raised)
  return raised or tostring(raised) .. " was raised"
end

-- An error of one waiter must not keep the others asleep. `problem`: what another waiter has raised, in a table.
local function wake(subject, problem)
  local ok, raised = loop.try_wake(subject)
  return problem or not ok and { failure = as_error(raised) } or nil
end

-- Ends a task. Returns what a waiter has raised, in a table.
local function end_task(self)
  self.done = true
  waiting.leave(self) -- what an error may have interrupted
  local problem
  for _, joiner in ipairs(self.joiners) do
    problem = joiner and wake(joiner, problem) or problem
  end
  return wake(self, problem)
end

local function leave_group(self, problem)
  local group = self.group
  if problem then
    group:fail(problem)
  end
  group.tasks:put(self, nil)
  if group:has_news() then
    loop.wake(group)
  end
end

-- Ends a task whose coroutine will not go on, as cancelled. Memory may be short, so nothing is
-- allocated here, unless a waiter raises.
local function abandon(self)
  self.is_cancelled = true
  local problem = end_task(self)
  if self.group then
    leave_group(self, problem)
  elseif problem then
    loop.raise_later(false, problem.failure)
  end
end

-- Calls the task's `on_failure`. Returns what that raises, in a table.
local function tell(self)
  local ok, raised = protected.call(self.on_failure)
  return not ok and { failure = as_error(raised) } or nil
end

-- Whether a cancelled task raised the cancellation; anything else is a failure.
local function is_cancellation(raised)
  return errors.is(raised) and raised.kind == "cancelled"
end

-- Whether an error comes from a bug: its words name a place in the code.
local function is_of_bug(raised)
  return type(raised) == "string" and raised:find "^[^\n]-:%d+: " ~= nil
end

-- A failure as the host shows it, with the traceback if it comes from a bug.
local function shown(self)
  return self.traceback and self.failure .. "\n" .. self.traceback or self.failure
end

-- Who joins hears of a failure; one that a function of `close` waits for is told nothing.
local function is_joined(self)
  for _, joiner in ipairs(self.joiners) do
    if joiner and joiner.is_join then
      return true
    end
  end
  return false
end

-- `...`: the results, or what was raised and the traceback.
local function finish(self, ok, ...)
  if self.done then
    return
  end
  local is_asked_for = is_joined(self) or loop.is_awaited(self)
  local has_failed = not ok and not (self.is_cancelled and is_cancellation((...)))
  if has_failed then
    self.failure, self.traceback = ...
    self.failure = as_error(self.failure)
    if self.group then
      self.group:fail(self)
    end
  elseif self.is_cancelled then
    self.failure = cancelled_error()
  else
    self.results = pack(...)
  end
  local problem = end_task(self)
  problem = self.failure and self.on_failure and tell(self) or problem
  if self.group then
    leave_group(self, problem)
  elseif problem then
    error(problem.failure, 0)
  elseif has_failed and not is_asked_for then
    error(shown(self), 0)
  end
end

-- `driver`: the one that starts the task, and that it waits by if no client names another.
local function new(group, driver)
  local self = setmetatable({
    done = false, has_begun = false, is_cancelled = false, was_told = false, -- was_told: of the cancel, by a wait
    waits = 0, joiners = {}, group = group, driver = driver,
  }, Task)
  self.waiter = waiting.waiter(self, abandon)
  return self
end

local function start(self, f, ...)
  local driver, arguments = self.driver, pack(...)
  local function body()
    if self.is_cancelled then -- before
      return
    end
    self.has_begun = true
    waiting.begin(self)
    finish(self, protected.trace(function()
      return f(unpack(arguments, 1, arguments.n))
    end, is_of_bug))
  end
  if self.group then
    self.group.tasks:put(self, true)
  end
  if driver.spawn then
    local ok, err = pcall(driver.spawn, body)
    if not ok then -- the group must not wait for it
      if self.group then
        self.group.tasks:put(self, nil)
      end
      error(err, 0)
    end
  elseif coroutines.is_polling(driver.wait) and protected.running() then -- no other coroutine would be resumed
    waiting.lend(body)
  else -- the caller of resume waits, or the driver knows what to resume
    coroutines.begin(body)
  end
  return self
end

local function expect_function(name, f)
  if type(f) ~= "function" then
    error(("anthropic.%s: function expected, got %s"):format(name, type(f)), 3)
  end
end

-- The driver that starts further tasks: the one for all code, unless it cannot and the running task's can.
local function starting_driver(current)
  local driver = loop.driver()
  return not driver.spawn and current and current.driver.spawn and current.driver or driver
end

-- Whether a driver is the built-in scheduler, without a run that is open.
local function is_resting(driver)
  local scheduler = package.loaded["anthropic.loop.scheduler"]
  return driver == scheduler and not scheduler.is_open()
end

--- Starts another coroutine, in a host that runs several, or inside `run`.
---@param f function called with the further arguments
---@return anthropic.Task
function tasks.spawn(f, ...)
  expect_function("spawn", f)
  local parent = waiting.current()
  local driver = starting_driver(parent)
  if not driver.spawn or is_resting(driver) then
    error("anthropic.spawn works inside anthropic.run", 2)
  end
  return start(new(parent and parent.group, driver), f, ...)
end

local function cannot_wait(message)
  return errors.new { kind = "invalid_request", type = "cannot_wait", message = message }
end

local NOTHING_STEPS = "nothing would call back here: call it inside anthropic.run, or call "
  .. 'require("anthropic.loop.frame").update() once a frame, or choose loop = "blocking", which returns at the end'

--- Whether something resumes a coroutine after its caller has returned.
---@param driver string|table|nil the client's `loop` option
---@return true|nil
---@return anthropic.Error? err of type "cannot_wait": no driver is named, and there is no host
function tasks.check_host(driver)
  if not driver and loop.lacks_host() then
    return nil, cannot_wait(NOTHING_STEPS)
  end
  return true
end

--- Starts a coroutine for callbacks, in every host; if nothing else could resume it, it has ended when this returns.
---@param driver string|table|nil the client's `loop` option
---@param f function
---@param on_failure fun(failure: any) called when f raised or was cancelled, or could not begin
---@return anthropic.Task
function tasks.start(driver, f, on_failure)
  local parent = waiting.current()
  local self = new(parent and parent.group, loop.driver(driver))
  if is_resting(self.driver) then
    self.done, self.failure = true, cannot_wait(self.driver.OUTSIDE)
    on_failure(self.failure)
    return self
  end
  self.on_failure = function() on_failure(self.failure) end
  return start(self, f)
end

-- Waits for the group in the host's way. nil and an error when the running task is cancelled.
local function wait_for(group)
  while not group:has_news() do
    if not waiting.wait(nil, group) then
      for task in pairs(group.tasks.members) do
        task:cancel()
      end
      return nil, cancelled_error()
    end
  end
  return true
end

local function start_and_turn(group, scheduler, f, ...)
  local main = start(new(group, scheduler), f, ...)
  scheduler.turn_until(group)
  return main
end

-- The task whose failure is raised: the main one, else the first failed one that was not joined.
local function first_failed(group, main)
  local failed = group.unjoined[main] and main
  for task, number in pairs(group.unjoined) do
    if not failed or failed ~= main and number < group.unjoined[failed] then
      failed = task
    end
  end
  return failed
end

--- Runs `f` and all that it spawns until they have ended: in the host's way, and in a plain program
--- by the built-in scheduler.
---@param f function called with the further arguments
---@return any ... the results of f; what f raised is raised, and so is what a task raised that was
--- not joined
function tasks.run(f, ...)
  expect_function("run", f)
  local group = setmetatable({ tasks = counted_set.new(), unjoined = {}, failed = 0 }, Group)
  local current = waiting.current()
  local driver = starting_driver(current)
  local main
  if current and current.was_told then -- to wait for the end would raise, and leave behind what has begun
    error(cancelled_error(), 0)
  elseif driver.spawn and not is_resting(driver) then
    local ok, err = waiting.check()
    if ok then
      main = start(new(group, driver), f, ...)
      ok, err = wait_for(group)
    end
    if not ok then
      return nil, err
    end
  else
    local scheduler = require "anthropic.loop.scheduler"
    scheduler.open()
    local ok
    ok, main = pcall(start_and_turn, group, scheduler, f, ...)
    scheduler.close()
    if not ok then
      for task in pairs(group.tasks.members) do -- that an error has left behind
        abandon(task)
      end
      error(main, 0)
    end
  end
  local failed = first_failed(group, main)
  if failed then
    error(shown(failed), 0)
  end
  return unpack(main.results or {}, 1, main.results and main.results.n or 0)
end

local function add_joiner(self, joiner)
  local joiners = self.joiners
  joiner.place = #joiners + 1
  joiners[joiner.place] = joiner
end

-- A joiner with others behind it in the list becomes false there.
local function remove_joiner(self, joiner)
  local joiners = self.joiners
  joiners[joiner.place] = false
  while joiners[#joiners] == false do
    joiners[#joiners] = nil
  end
end

--- Waits until the task has ended.
---@return any ... its results; nil and an error when it raised one, or was cancelled
function Task:join()
  if not self.done then
    local current = waiting.current()
    if current == self then
      error("a task cannot join itself", 2)
    elseif not (current and current.driver or loop.driver()).spawn then
      error("task:join works inside anthropic.run", 2)
    end
    local joiner = { is_join = true, has_news = function() return self.done end }
    add_joiner(self, joiner)
    local ok, reason = waiting.wait(nil, joiner)
    if not ok then
      remove_joiner(self, joiner)
      return nil, waiting.is_refusal(reason) and reason or cancelled_error()
    end
  end
  if self.group then
    self.group.unjoined[self] = nil
  end
  if self.results then
    return unpack(self.results, 1, self.results.n)
  end
  return nil, self.failure or cancelled_error()
end

--- A task can be waited for like a transfer: its end is its news.
---@private
function Task:has_news()
  return self.done
end

--- Cancels the task: what it waits for ends at once with an error of kind "cancelled"; if it waits again, that error is
--- raised. A task that has ended stays as it is; one that has not begun never begins. If the task then raises an error
--- of another kind, that is its failure.
function Task:cancel()
  if self.done or self.is_cancelled then
    return
  end
  self.is_cancelled = true
  if self.has_begun then
    loop.wake(self.waiter)
  elseif self.driver.is_fast and self.driver.is_fast() then -- no place to call back
    loop.after(0, function() finish(self, true) end)
  else
    loop.raise_later(protected.call(function() finish(self, true) end))
  end
end

--- Cancels the task, by the name that handles of libuv have for it.
---@param closed? fun() called when the task has ended
function Task:close(closed)
  if closed and self.done then
    closed()
  elseif closed then
    local joiner = {}
    local function call()
      if self.done then
        closed()
      else
        loop.on_news(joiner, call)
      end
    end
    add_joiner(self, joiner)
    loop.on_news(joiner, call)
  end
  self:cancel()
end

--- Returns whether the task has ended, or was cancelled.
---@return boolean is_closing
function Task:is_closing()
  return self.done or self.is_cancelled or false
end

function Task:__tostring()
  local state = self.is_cancelled and "cancelled" or self.done and "done" or "running"
  return "anthropic.Task (" .. state .. ")"
end

return tasks
