--- Functions to call once an object is garbage: stock tables have no finalizer in Lua 5.1 and LuaJIT.
--
--     object.guard = guard.new(function() print "the object is gone" end)
--     guard.run_due()
--
-- The function may run inside of any other code, so what it raises is dropped.
--
-- workaround: LuaJIT before August 2023 never ends a `pairs` loop that it has compiled, if a finalizer runs it. With
-- LuaJIT a finalizer notes that its function is due, and `run_due` calls it.

local guard = {}

local newproxy = rawget(_G, "newproxy") -- Lua 5.1 and LuaJIT
local IS_JIT = rawget(_G, "jit") ~= nil

local due -- the entry that became due last; each has the one before it as `next`

--- Makes a value that calls a function when it is collected; with LuaJIT `run_due` calls it after that. If this Lua
--- has no finalizers, nothing calls it.
---@param call fun()
---@return any
function guard.new(call)
  local entry = { call = call, next = nil }
  local function finalize()
    if IS_JIT then
      entry.next, due = due, entry
    else
      pcall(call)
    end
  end
  if not newproxy then
    return setmetatable({}, { __gc = finalize })
  end
  local proxy = newproxy(true)
  getmetatable(proxy).__gc = finalize
  return proxy
end

--- Whether `run_due` has anything to do here.
guard.DEFERS = IS_JIT

--- Calls the functions that are due. What they raise is dropped.
function guard.run_due()
  while due do
    local entry = due
    due = entry.next
    pcall(entry.call)
  end
end

return guard
