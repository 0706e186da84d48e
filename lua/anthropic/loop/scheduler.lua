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

local running -- the task whose code is being run
local active = false
local depth = 0
local runnable = {} -- queue
local sleepers = {} -- { time, task }, soonest last
local alive = 0
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
    runnable[#runnable + 1] = task
  end
end

local function cancelled_error()
  return errors.new { kind = "cancelled", message = "the task was cancelled" }
end

local function finish(task, ok, ...)
  task.done = true
  alive = alive - 1
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

local function after_resume(task, ok, first, ...)
  if not ok or coroutine.status(task.thread) == "dead" then
    finish(task, ok, first, ...)
  elseif first ~= PARKED then
    make_runnable(task)
  end
end

local function resume(task)
  if task.done or coroutine.status(task.thread) ~= "suspended" then
    return
  end
  local previous = running
  running = task
  local arguments = task.arguments
  task.arguments = nil
  if arguments then
    after_resume(task, coroutine.resume(task.thread, unpack(arguments, 1, arguments.n)))
  else
    after_resume(task, coroutine.resume(task.thread))
  end
  running = previous
end

local function wake_sleepers()
  local now = core.now()
  while sleepers[1] and sleepers[#sleepers].time <= now do
    make_runnable(table.remove(sleepers).task)
  end
end

local function seconds_to_wait()
  if runnable[1] then
    return 0
  end
  local soonest = sleepers[#sleepers]
  if soonest then
    return math.max(0, soonest.time - core.now())
  end
  if loop.core():active() == 0 then
    error("every task waits for another one", 0)
  end
  return -1
end

-- One round.
local function turn()
  loop.step(seconds_to_wait())
  wake_sleepers()
  local round = runnable
  runnable = {}
  for _, task in ipairs(round) do
    task.queued = false
    resume(task)
  end
end

-- Suspends the running task until is_over() or cancelled.
local function wait_until(is_over)
  local task = running
  local suspendable = coroutine.running() == task.thread
  depth = depth + (suspendable and 0 or 1)
  while not is_over() and not task.is_cancelled do
    if suspendable then
      coroutine.yield(PARKED)
    elseif depth <= MAX_DEPTH then
      turn()
    else
      loop.step(0.01)
      wake_sleepers()
    end
  end
  depth = depth - (suspendable and 0 or 1)
  if not task.is_cancelled then
    return true
  end
  if task.was_told then -- it went on: nothing it waits for will come
    error(cancelled_error(), 0)
  end
  task.was_told = true
  return nil, "cancelled"
end

--- The task whose code is running, or nil.
---@return anthropic.Task?
function scheduler.current()
  return running
end

local function sleep_until(time)
  local position = #sleepers + 1
  while position > 1 and sleepers[position - 1].time < time do
    position = position - 1
  end
  table.insert(sleepers, position, { time = time, task = running })
end

function scheduler.wait(subject, seconds)
  local task = running
  local deadline = seconds and core.now() + seconds
  if deadline then
    sleep_until(deadline)
  end
  loop.on_news(subject, function()
    make_runnable(task)
  end)
  local ok, reason = wait_until(function()
    return subject:has_news() or deadline and core.now() >= deadline
  end)
  loop.on_news(subject, nil)
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
    thread = coroutine.create(f),
    arguments = pack(...),
    joiners = {},
    done = false,
  }, Task)
  alive = alive + 1
  make_runnable(task)
  return task
end

local function reset()
  active, alive, depth = false, 0, 0
  running, runnable, sleepers, unjoined = nil, {}, {}, {}
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
  local ok, reason = true, nil
  while ok and alive > 0 do
    ok, reason = pcall(turn)
  end
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
