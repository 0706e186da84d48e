--- What drivers for hosts of coroutines have in common.

local loop = require "anthropic.loop"

local coroutines = {}

-- Stock Lua 5.1 cannot yield across pcall. There a function is protected by a coroutine of its own,
-- which stands for the one that it was called in.
local PCALL_CAN_BE_LEFT = _VERSION ~= "Lua 5.1" or rawget(_G, "jit") ~= nil
local outer_of = setmetatable({}, { __mode = "kv" })

--- The coroutine that the host knows; nil outside of any.
---@return thread?
function coroutines.running()
  local here, is_main = coroutine.running()
  if not here or is_main then
    return nil
  end
  return not PCALL_CAN_BE_LEFT and outer_of[here] or here
end

--- Whether the calling code runs in a coroutine that `protect` has put between it and the host's.
---@return boolean
function coroutines.is_protected()
  return outer_of[coroutine.running()] ~= nil
end

local function relay(inner, ok, ...)
  if ok and coroutine.status(inner) == "suspended" then
    return relay(inner, coroutine.resume(inner, coroutine.yield(...)))
  end
  return ok, ...
end

local function protect(f)
  local inner = coroutine.create(function() return f() end)
  outer_of[inner] = coroutine.running()
  return relay(inner, coroutine.resume(inner))
end

--- `pcall` for a function that may wait, in every Lua.
---@param f function
---@return boolean ok
---@return any ... results, or what was raised
function coroutines.protect(f)
  if PCALL_CAN_BE_LEFT then
    return pcall(f)
  end
  return protect(f)
end

local function resume(thread)
  local ok, err = coroutine.resume(thread)
  if not ok then
    error(err, 0)
  end
end

--- Runs a function in a coroutine, from the next step of the loop on. What it raises, the step raises.
---@param f function
function coroutines.spawn(f)
  local thread = coroutine.create(f)
  loop.after(0, function()
    resume(thread)
  end)
end

--- Steps the loop in a coroutine of the driver's own. What a wake-up raises is raised in the host's
--- way, by another one.
---@param driver table
function coroutines.step(driver)
  local ok, err = pcall(loop.step, 0)
  if not ok then
    driver.spawn(function() error(err, 0) end)
  end
end

--- What every `wait` has in common.
---@param subject table
---@param seconds? number
---@param suspend fun(): any returns some time after `wake`, or before; what it returns is raised
---@param wake fun() called from inside a step
function coroutines.wait(subject, seconds, suspend, wake)
  local is_over = false
  local forget = seconds and loop.after(seconds, function()
    is_over = true
    wake()
  end)
  local failure
  while failure == nil and not is_over and not subject:has_news() do
    loop.on_news(subject, wake)
    failure = suspend()
  end
  loop.on_news(subject, nil)
  if forget then
    forget()
  end
  if failure ~= nil then
    error(failure, 0)
  end
  return true
end

--- A driver's `wait` for coroutines that whoever steps the loop resumes, always from inside a step.
--- The host may resume them as well.
---@param subject table
---@param seconds? number
---@param suspend? fun(): any yields; what it returns is raised
function coroutines.park(subject, seconds, suspend)
  local thread = coroutines.running()
  local is_parked = false
  local function go_on()
    if not is_parked or coroutine.status(thread) ~= "suspended" then
      return
    elseif not loop.is_stepping() then
      loop.after(0, go_on)
      return
    end
    is_parked = false
    resume(thread)
  end
  return coroutines.wait(subject, seconds, function()
    is_parked = true
    local failure
    if suspend then
      failure = suspend()
    else
      coroutine.yield()
    end
    is_parked = false
    return failure
  end, go_on)
end

return coroutines
