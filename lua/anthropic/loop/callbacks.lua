--- What all requests that call back have in common: a task, callbacks in slices, and `on_done` once and last.
--
-- Much may have come at once. After so many callbacks, or so much time in them, the host has its turn.

local core = require "anthropic.base.core"
local errors = require "anthropic.base.error"
local loop = require "anthropic.loop"
local tasks = require "anthropic.loop.task"
local waiting = require "anthropic.loop.waiting"

local callbacks = {}

local SLICE_CALLS, SLICE_SECONDS = 64, 0.005

-- A host that has frames has its turn once in each: there the time alone counts.
local function calls_of(driver)
  return loop.driver(driver).has_frames and math.huge or SLICE_CALLS
end

-- Makes `call(f, value)`, which yields to the host at the end of a slice; after a wait of the task a new slice begins.
-- If the task is cancelled, it calls nothing and returns false. Without arguments it only returns false or true.
local function caller(driver, task)
  local most = calls_of(driver)
  local calls, seconds, waits = 0, 0, task.waits
  return function(f, value)
    if task.is_cancelled or not f then
      return not task.is_cancelled
    end
    if task.waits ~= waits then
      calls, seconds, waits = 0, 0, task.waits
    end
    local began = core.now()
    f(value)
    calls, seconds = calls + 1, seconds + core.now() - began
    if not task.is_cancelled and (calls >= most or seconds > SLICE_SECONDS) then
      waiting.sleep(0, driver)
    end
    return not task.is_cancelled
  end
end

--- Prepares at once what a task is to open, so that later changes by the caller are not sent. A failure is the task's.
---@param prepare fun(): (fun(): table?, anthropic.Error?)|nil, anthropic.Error?
---@return fun(): table?, anthropic.Error? open
function callbacks.prepared(prepare)
  local ok, open, err = pcall(prepare)
  return function()
    if not ok then
      error(open, 0)
    elseif not open then
      return nil, err
    end
    return open()
  end
end

--- Starts a task that calls back.
---@param driver string|table|nil the client's `loop` option
---@param on_done? fun(result: any, err: anthropic.Error?)
---@param open fun(): table?, anthropic.Error? makes what is read, which has a `close`
---@param deliver fun(source: table, call: fun(f?: function, value: any): boolean): any, anthropic.Error? reads it,
---calls back by `call`, until that returns false, and returns what `on_done` gets
---@return anthropic.Task handle
function callbacks.start(driver, on_done, open, deliver)
  local source
  on_done = on_done or function() end
  local function done(result, err)
    source, deliver = nil, nil
    local call = on_done
    on_done = function() end
    call(result, err)
  end
  return tasks.start(driver, function()
    local result, err
    source, err = open()
    if source then
      result, err = deliver(source, caller(driver, waiting.current()))
    end
    done(result, err)
    return result, err
  end, function(failure)
    if source then
      source:close()
    end
    if not errors.is(failure) then
      failure = errors.cancelled("a callback failed: " .. tostring(failure))
    end
    done(nil, failure)
  end)
end

return callbacks
