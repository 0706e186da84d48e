--- The built-in scheduler: many coroutines in a plain Lua program.
--
--     anthropic.run(function()
--       local one = anthropic.spawn(ask, "one")
--       local two = anthropic.spawn(ask, "two")
--       print(one:join(), two:join())
--     end)
--
-- Tasks run in turn, each until it waits. A round resumes every runnable task once, then the core
-- loop is stepped. An error that nobody joins is raised by `run` when all tasks have ended.

local core = require "anthropic.core"
local errors = require "anthropic.error"
local loop = require "anthropic.loop"

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

local scheduler = {
  suspends = true, -- waiting yields
}

-- What a waiting task yields. Anything else that comes out of a task is a yield of the user's own
-- and means "let the others go first".
local PARKED = {}

-- A task that waits inside a coroutine of its own cannot be suspended; it runs the others instead,
-- this deep at most.
local MAX_DEPTH = 8

local close_thread = rawget(coroutine, "close") -- Lua 5.4

local running -- the task whose code is being run
local active = false
local depth = 0
local tasks = {} -- set of those that have not ended
local runnable = { first = 1, last = 0 } -- queue
local sleepers = {} -- { time, task }, soonest last
local unjoined = {} -- failures that nobody has asked for, in order

---@class anthropic.Task
---@field done boolean
local Task = {}
Task.__index = Task

local function pack(...)
  return { n = select("#", ...), ... }
end

local function make_runnable(task)
  if not task.queued and not task.done then
    task.queued = true
    runnable.last = runnable.last + 1
    runnable[runnable.last] = task
  end
end

local function take_runnable()
  local task = runnable[runnable.first]
  runnable[runnable.first] = nil
  runnable.first = runnable.first + 1
  task.queued = false
  return task
end

local function cancelled_error()
  return errors.new { kind = "cancelled", message = "the task was cancelled" }
end

-- Nothing that the task waited for will wake it any more.
local function stop_waiting(task)
  if task.subject then
    loop.on_news(task.subject, nil)
    task.subject = nil
  end
  if task.alarm then
    for i, sleeper in ipairs(sleepers) do
      if sleeper == task.alarm then
        table.remove(sleepers, i)
        break
      end
    end
    task.alarm = nil
  end
end

local function finish(task, ok, ...)
  task.done = true
  tasks[task] = nil
  stop_waiting(task)
  if task.is_cancelled then
    task.failure = cancelled_error()
  elseif ok then
    task.results = pack(...)
  else
    task.failure = (...)
    unjoined[#unjoined + 1] = task
  end
  for _, joiner in ipairs(task.joiners) do
    make_runnable(joiner)
  end
  loop.wake(task)
end

local function after_resume(task, ok, ...)
  if not ok or coroutine.status(task.thread) == "dead" then
    finish(task, ok, ...)
  elseif (...) ~= PARKED then
    make_runnable(task)
  end
end

local function resume(task)
  if task.done or coroutine.status(task.thread) ~= "suspended" then
    return
  end
  local running_before, depth_before = running, depth
  running = task
  local arguments = task.arguments
  task.arguments = nil
  if arguments then
    after_resume(task, coroutine.resume(task.thread, unpack(arguments, 1, arguments.n)))
  else
    after_resume(task, coroutine.resume(task.thread))
  end
  running, depth = running_before, depth_before
end

local function wake_sleepers()
  local now = core.now()
  while sleepers[1] and sleepers[#sleepers].time <= now do
    local task = table.remove(sleepers).task
    task.alarm = nil
    make_runnable(task)
  end
end

-- Whether a task that can go on waits for more than another task.
local function something_will_come()
  for task in pairs(tasks) do
    if task.subject and (task == running or coroutine.status(task.thread) == "suspended") then
      return true
    end
  end
  return false
end

local function seconds_to_wait()
  if runnable.first <= runnable.last then
    return 0
  end
  local soonest = sleepers[#sleepers]
  if soonest then
    return math.max(0, soonest.time - core.now())
  end
  if not something_will_come() then
    error("every task waits for another one", 0)
  end
  return -1
end

-- One round: those that are runnable now. A task that runs the others meanwhile takes from the
-- same queue.
local function turn()
  loop.step(seconds_to_wait())
  wake_sleepers()
  local last = runnable.last
  while runnable.first <= last do
    resume(take_runnable())
  end
end

-- Lets the others go on.
local function suspend(task)
  if coroutine.running() == task.thread then
    coroutine.yield(PARKED)
  elseif depth < MAX_DEPTH then
    depth = depth + 1
    turn()
    depth = depth - 1
  elseif task.subject then
    loop.step(0.01)
    wake_sleepers()
  else
    error("too many tasks wait inside coroutines of their own", 0)
  end
end

-- Suspends the running task until is_over() or cancelled.
local function wait_until(is_over)
  local task = running
  while not is_over() and not task.is_cancelled do
    suspend(task)
  end
  if not task.is_cancelled then
    return true
  end
  task.was_told = true
  return nil, "cancelled"
end

-- A cancelled task that went on must not wait again.
local function check_cancelled(task, subject)
  if task.was_told then
    if subject and subject.close then
      subject:close()
    end
    error(cancelled_error(), 0)
  end
end

--- The task whose code is running, or nil.
---@return anthropic.Task?
function scheduler.current()
  return running
end

local function set_alarm(task, time)
  local first, last = 1, #sleepers + 1
  while first < last do
    local middle = math.floor((first + last) / 2)
    if sleepers[middle].time > time then
      first = middle + 1
    else
      last = middle
    end
  end
  task.alarm = { time = time, task = task }
  table.insert(sleepers, first, task.alarm)
end

--- Waits as loop/init.lua describes. Where seconds are given the others go first, even if there is
--- no time to wait.
function scheduler.wait(subject, seconds)
  local task = running
  if not task then
    error('the loop "scheduler" waits inside anthropic.run only', 0)
  end
  check_cancelled(task, subject)
  if seconds then
    set_alarm(task, core.now() + seconds)
  end
  task.subject = subject
  loop.on_news(subject, function()
    make_runnable(task)
  end)
  local ok, reason = wait_until(function()
    return subject:has_news() or seconds and not task.alarm
  end)
  stop_waiting(task)
  return ok, reason
end

--- Starts another coroutine. Only inside `run`.
---@param f function called with the further arguments
---@return anthropic.Task
function scheduler.spawn(f, ...)
  if type(f) ~= "function" then
    error("anthropic.spawn: function expected, got " .. type(f), 2)
  end
  if not active then
    error("anthropic.spawn works inside anthropic.run", 2)
  end
  local task = setmetatable({
    thread = coroutine.create(function(...) -- stock Lua 5.1 makes none of a C function
      return f(...)
    end),
    arguments = pack(...),
    joiners = {},
    done = false,
  }, Task)
  tasks[task] = true
  make_runnable(task)
  return task
end

-- Ends a run. Tasks that are left, because an error broke it off, end as cancelled.
local function reset()
  local left = tasks
  active, running, depth = false, nil, 0
  tasks, runnable, sleepers, unjoined = {}, { first = 1, last = 0 }, {}, {}
  for task in pairs(left) do
    task.done, task.failure = true, cancelled_error()
    stop_waiting(task)
    if close_thread and coroutine.status(task.thread) == "suspended" then
      close_thread(task.thread)
    end
  end
end

local function run_all()
  while next(tasks) do
    turn()
  end
end

--- Runs `f` and all that it spawns until they have ended.
---@param f function called with the further arguments
---@return any ... the results of f; what f raised is raised, and so is what a task raised that
--- nobody joined
function scheduler.run(f, ...)
  if active then
    error("anthropic.run is running already; use anthropic.spawn", 2)
  end
  if type(f) ~= "function" then
    error("anthropic.run: function expected, got " .. type(f), 2)
  end
  active = true
  local main = scheduler.spawn(f, ...)
  local ok, reason = pcall(run_all)
  local failed = unjoined[1]
  for _, task in ipairs(unjoined) do
    failed = task == main and main or failed
  end
  reset()
  if not ok then
    error(reason, 0)
  end
  if failed then
    error(failed.failure, 0)
  end
  return unpack(main.results or {}, 1, main.results and main.results.n or 0)
end

--- Waits until the task has ended.
---@return any ... its results; nil and an error when it raised one or was cancelled
function Task:join()
  if not self.done then
    if not running then
      error("task:join works inside anthropic.run", 2)
    end
    if running == self then
      error("a task cannot join itself", 2)
    end
    check_cancelled(running)
    self.joiners[#self.joiners + 1] = running
    local ok = wait_until(function()
      return self.done
    end)
    if not ok then
      return nil, cancelled_error()
    end
  end
  for i, task in ipairs(unjoined) do
    if task == self then
      table.remove(unjoined, i)
      break
    end
  end
  if self.results then
    return unpack(self.results, 1, self.results.n)
  end
  return nil, self.failure
end

--- A task can be waited for like a transfer: its end is its news.
function Task:has_news()
  return self.done
end

--- Cancels the task: what it waits for ends at once with an error of kind "cancelled", and if it
--- waits again that is raised. A task that has ended stays as it is; one that has not begun never
--- does.
function Task:cancel()
  if self.done or self.is_cancelled then
    return
  end
  self.is_cancelled = true
  if self.arguments then
    finish(self, true)
  else
    make_runnable(self)
  end
end

function Task:__tostring()
  local state = self.is_cancelled and "cancelled" or self.done and "done" or "running"
  return "anthropic.Task (" .. state .. ")"
end

return scheduler
