--- Calls code that may wait, and cleans up after it, in every Lua.
--
--     local ok, err = protected.call(function() return waiting.sleep(1) end)
--     return protected.finally(await, leave, self)   -- leave(self) follows, whatever becomes of await(self)

local protected = {}

-- workaround: Lua 5.1 cannot yield across pcall. There a function is protected by a coroutine of its own,
-- which stands for the one that it was called in.
local PCALL_CAN_BE_LEFT = _VERSION ~= "Lua 5.1" or rawget(_G, "jit") ~= nil

--- Whether coroutines protect functions here. Then `finally` may leave something for `mend`, too.
protected.BY_COROUTINES = not PCALL_CAN_BE_LEFT

local outer_of = setmetatable({}, { __mode = "kv" })

--- The coroutine that the host knows; nil outside of any.
---@return thread?
function protected.running()
  local here, is_main = coroutine.running()
  if not here or is_main then
    return nil
  end
  while outer_of[here] do -- one may stand inside another
    here = outer_of[here]
  end
  return here
end

--- The coroutine in which `call` has made the given one.
---@param thread thread
---@return thread?
function protected.outer_of(thread)
  return outer_of[thread]
end

--- Whether the calling code runs in a coroutine that `call` has made inside the host's.
---@return boolean
function protected.is_protected()
  return outer_of[coroutine.running()] ~= nil
end

local function relay(inner, ok, ...)
  if not ok or coroutine.status(inner) ~= "suspended" then
    return ok, ...
  elseif not outer_of[inner] then
    return false, "attempt to yield from outside a coroutine"
  end
  return relay(inner, coroutine.resume(inner, coroutine.yield(...)))
end

-- Calls f in a coroutine of its own, and returns that coroutine as well.
local function protect(f)
  local inner = coroutine.create(function() return f() end)
  outer_of[inner] = coroutine.running()
  return inner, relay(inner, coroutine.resume(inner))
end

--- `pcall` for a function that may wait, in every Lua.
---@param f function
---@return boolean ok
---@return any ... results, or what was raised
function protected.call(f)
  if PCALL_CAN_BE_LEFT or not coroutine.running() then -- outside of any, Lua 5.1 has nothing to leave
    return pcall(f)
  end
  return select(2, protect(f))
end

-- The stack of a thread, or of the code that raised if its handler calls this.
local function stack(...)
  return (debug.traceback(...):gsub("^\n", ""))
end

local function after_xpcall(raised, ok, ...)
  if ok then
    return ok, ...
  end
  return false, (...), raised.stack
end

local function after_protect(is_wanted, inner, ok, ...)
  if ok then
    return ok, ...
  end
  return false, (...), is_wanted(...) and stack(inner, "") or nil
end

local function always()
  return true
end

--- `call` that also returns where an error was raised.
---@param f function
---@param is_wanted? fun(raised: any): boolean whether a traceback is wanted, which costs more; default: always
---@return boolean ok
---@return any ... results; or what was raised, and the traceback, if there is one
function protected.trace(f, is_wanted)
  is_wanted = is_wanted or always
  if not PCALL_CAN_BE_LEFT then
    return after_protect(is_wanted, protect(f))
  end
  local raised = {}
  return after_xpcall(raised, xpcall(f, function(value)
    raised.stack = is_wanted(value) and stack("", 3) or nil
    return value
  end))
end

local unfinished = setmetatable({}, { __mode = "k" }) -- in Lua 5.1: { clean, self, ... } by coroutine

--- Cleans up after an error that ended a coroutine's code, if `finally` could not.
---@param thread? thread default: the one that runs
function protected.mend(thread)
  thread = thread or protected.running()
  local left = thread and unfinished[thread]
  if left then
    unfinished[thread] = nil
    for i = #left, 1, -2 do
      left[i - 1](left[i])
    end
  end
end

local function after_pcall(clean, self, ok, result, reason)
  clean(self)
  if not ok then
    error(result, 0)
  end
  return result, reason
end

local function finally_by_pcall(f, clean, self, ...)
  return after_pcall(clean, self, pcall(f, self, ...))
end

local function finally_in_5_1(f, clean, self, ...)
  local thread = protected.running()
  if not thread then -- which is not suspended
    return finally_by_pcall(f, clean, self, ...)
  end
  local left = unfinished[thread] or {}
  unfinished[thread] = left
  left[#left + 1], left[#left + 2] = clean, self
  local result, reason = f(self, ...)
  left[#left], left[#left - 1] = nil, nil
  clean(self)
  return result, reason
end

local Guard = { __close = function(guard) guard.clean(guard.self) end }

local ONCE = { true }

-- The fourth value of a generic `for` is closed when the loop is left, however that happens.
local function finally_by_closing(f, clean, self, ...)
  for _ in next, ONCE, nil, setmetatable({ clean = clean, self = self }, Guard) do -- luacheck: ignore 512
    return f(self, ...)
  end
end

--- Calls `f(self, ...)`, which may wait, then `clean(self)`, even if an error ends `f` or, since
--- Lua 5.4, its coroutine is closed. Stock Lua 5.1 cannot catch an error of code that waits:
--- there `mend` makes up for it, at the next wait of the coroutine and at the end of a task.
---@param f function
---@param clean fun(self: table) must not raise
---@param self table
---@return any, any two results of f
protected.finally = rawget(coroutine, "close") and finally_by_closing
  or PCALL_CAN_BE_LEFT and finally_by_pcall or finally_in_5_1

--- The same for an `f` with waits of its own, which would mend what they find unfinished.
---@param f function
---@param clean fun(self: table) must not raise
---@param self table
---@return any, any two results of f
function protected.finally_around(f, clean, self)
  if PCALL_CAN_BE_LEFT or not protected.running() then
    return protected.finally(f, clean, self)
  end
  return after_pcall(clean, self, protected.call(function() return f(self) end))
end

local function call_back(callback)
  callback.f(callback.value)
  callback.has_returned = true
end

local function close_unreturned(callback)
  if not callback.has_returned then
    callback.object.callback_raised = true
    pcall(callback.object.close, callback.object) -- which may call back itself
  end
end

--- Calls `f(value)`, a function of the caller's that may wait, on behalf of an object. If `f` raises, the object is
--- closed (then its `callback_raised` is set).
---@param object { close: fun(self: table) }
---@param f fun(value: any)
---@param value any
function protected.call_for(object, f, value)
  protected.finally_around(call_back, close_unreturned, { object = object, f = f, value = value, has_returned = false })
end

return protected
