--- A value that expires, fetched by one request at a time while the others wait for it in their host's way.
--
--     local get = remembered.new(function(option) return token, expires_at end)
--     local token, err = get(option)

local coroutines = require "anthropic.loop.coroutines"
local errors = require "anthropic.base.error"
local loop = require "anthropic.loop"
local tasks = require "anthropic.loop.task"

local remembered = {}

local MARGIN = 60 -- seconds before its end from which it is fetched anew

local function is_fresh(state)
  return state.value ~= nil and state.expires_at ~= nil and os.time() < state.expires_at - MARGIN
end

-- Waits until the one who fetches has ended.
local function await(state, option)
  local waiter = {}
  function waiter.has_news()
    return waiter.is_called
  end
  state.waiters[#state.waiters + 1] = waiter
  local ok, reason = tasks.wait(option "loop", waiter)
  if ok then
    return true
  end
  return nil, tasks.is_refusal(reason) and reason or errors.cancelled "the request was cancelled"
end

local function end_flight(state)
  local waiters = state.waiters
  state.flight, state.waiters = nil, {}
  for _, waiter in ipairs(waiters) do
    waiter.is_called = true
    loop.wake(waiter)
  end
end

-- Whether somebody fetches who can still go on.
local function is_in_flight(state)
  local thread = state.flight
  return thread ~= nil and thread ~= (coroutine.running() or "main")
    and (thread == "main" or coroutine.status(thread) ~= "dead")
end

local function take(state, ok, value, second)
  end_flight(state)
  if not ok then
    error(value, 0)
  elseif value == nil then
    return nil, second
  end
  state.value, state.expires_at = value, second
  return value
end

--- Makes a function that returns the value. What has no end is fetched each time.
---@param fetch fun(option: fun(name: string): any): any, any returns the value and when it expires (seconds since the
---  epoch), or nil and an error; may wait
---@return fun(option: fun(name: string): any): any, anthropic.Error?
function remembered.new(fetch)
  local state = { waiters = {} }
  return function(option)
    while is_in_flight(state) do
      local ok, err = await(state, option)
      if not ok then
        return nil, err
      end
    end
    if is_fresh(state) then
      return state.value
    end
    state.flight = coroutine.running() or "main"
    return take(state, coroutines.protect(function()
      return fetch(option)
    end))
  end
end

return remembered
