--- Waiting in the way of the host, during which the running task can be cancelled.
--
--     local ok, reason = waiting.wait(client_loop, transfer, 10)
--
-- A task waits by a subject of its own, its waiter, which stands for what it waits for: cancelling the task wakes the
-- waiter, whatever it stands for.

local package, require = package, require
local errors = require "anthropic.base.error"
local loop = require "anthropic.loop"
local protected = require "anthropic.loop.protected"

local waiting = {}

-- The coroutine that the host knows; outside of coroutines, nil or the main one, which belongs to no task.
local running = protected.BY_COROUTINES and protected.running or coroutine.running
local task_of = setmetatable({}, { __mode = "k" }) -- by its coroutine

---@return anthropic.Error
function waiting.cancelled_error()
  return errors.cancelled "the task was cancelled"
end

-- Under the built-in scheduler, a coroutine that a task made runs for that task, too.
local function outer_task()
  local scheduler = package.loaded["anthropic.loop.scheduler"]
  return scheduler and task_of[scheduler.thread()]
end

--- The task whose code is running, or nil.
---@return anthropic.Task?
function waiting.current()
  return task_of[running()] or outer_task()
end

--- Makes the running coroutine a task's from here on.
---@param task anthropic.Task
function waiting.begin(task)
  task_of[protected.running()] = task
end

--- Runs a task's body in the calling coroutine, which then is again whose it was.
---@param body function
function waiting.lend(body)
  local thread = protected.running()
  local before = task_of[thread]
  local ok, raised = protected.call(body)
  task_of[thread] = before
  if not ok then
    error(raised, 0)
  end
end

-- --- a task's waiter -----------------------------------------------------------------------------

---@class anthropic.Waiter: anthropic.Subject
---@field task anthropic.Task
---@field stands_for anthropic.Subject|false
---@field is_join boolean it waits only for the end of another task
local Waiter = {}
Waiter.__index = Waiter

--- Makes the subject that a task waits by.
---@param task anthropic.Task
---@param abandon fun(task: anthropic.Task) ends the task if the host has ended its coroutine
---@return anthropic.Waiter
function waiting.waiter(task, abandon)
  return setmetatable({ task = task, abandon = abandon, stands_for = false, is_join = false }, Waiter)
end

function Waiter:has_news()
  local subject = self.stands_for
  return not subject or self.task.is_cancelled or subject:has_news()
end

--- The host has ended the coroutine that waits.
function Waiter:close()
  local subject = self.stands_for
  self.abandon(self.task)
  loop.give_up(subject)
end

--- Ends what is left of a task's wait, which an error may have interrupted.
---@param task anthropic.Task
function waiting.leave(task)
  if protected.BY_COROUTINES then
    protected.mend()
  end
  loop.on_news(task.waiter, nil)
  task.waiter.stands_for = false
end

-- --- waiting -------------------------------------------------------------------------------------

-- A cancelled task that went on must not wait again.
local function refuse(subject)
  loop.give_up(subject)
  error(waiting.cancelled_error(), 0)
end

--- The driver for the calling code. Raises if its host cannot wait at all, such as outside of its
--- coroutines.
---@param driver string|table|nil the client's `loop` option
---@param task? anthropic.Task the running one
---@return table|nil driver
---@return anthropic.Error? err of kind "invalid_request" and type "cannot_wait": the calling code
--- cannot be suspended where it is
local function find_driver(driver, task)
  local found = not driver and task and task.driver or loop.driver(driver)
  if found.check then
    local ok, words = found.check()
    if not ok and words then
      return nil, errors.new { kind = "invalid_request", type = "cannot_wait", message = words }
    end
  end
  return found
end

--- The driver for the calling code, to be asked for before a request is sent.
---@param driver string|table|nil the client's `loop` option
---@return table|nil driver
---@return anthropic.Error? err if the calling code cannot wait
function waiting.check(driver)
  return find_driver(driver, waiting.current())
end

--- Whether the calling code can wait in the way of its host. A client that has a driver of its own may wait even if
--- the host cannot.
---@return boolean
function waiting.is_possible()
  local ok, found = protected.call(waiting.check)
  return ok and found ~= nil
end

--- Whether a wait was refused: what was waited for goes on, and can be waited for elsewhere.
---@param reason any second result of waiting.wait
function waiting.is_refusal(reason)
  return type(reason) == "table" and reason.type == "cannot_wait"
end

--- Waits in the way of the host, as loop/init.lua describes; the running task can be cancelled
--- meanwhile.
---@param driver string|table|nil the client's `loop` option
---@param subject anthropic.Subject
---@param seconds? number
---@return true|nil
---@return "cancelled"|anthropic.Error? reason an error if the calling code cannot wait
function waiting.wait(driver, subject, seconds)
  local task = task_of[running()] or outer_task()
  if task and task.was_told then
    refuse(subject)
  end
  if protected.BY_COROUTINES then
    protected.mend()
  end
  local found, err = find_driver(driver, task)
  if not found then
    return nil, err
  elseif not task then
    return found.wait(subject, seconds)
  end
  local waiter = task.waiter
  waiter.stands_for, waiter.is_join = subject, subject.is_join or false
  task.waits = task.waits + 1
  local ok, reason = found.wait(waiter, seconds)
  waiter.stands_for = false
  if task.is_cancelled then
    task.was_told = true
    return nil, "cancelled"
  end
  return ok, reason
end

local never = { has_news = function() return false end }

--- Waits in the way of the host.
---@param seconds number
---@param driver? string|table the client's `loop` option
---@return true|nil
---@return "cancelled"|anthropic.Error? reason an error if the calling code cannot wait
function waiting.sleep(seconds, driver)
  return waiting.wait(driver, never, seconds)
end

return waiting
