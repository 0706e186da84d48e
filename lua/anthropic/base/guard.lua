--- What is to be done once nobody holds an object any more: stock tables have no finalizer in Lua 5.1 and LuaJIT.
--
--     object.guard = guard.new(function() print "nobody holds the object" end)
--
-- The function may run inside of any other code, so what it raises is dropped.

local guard = {}

local newproxy = rawget(_G, "newproxy") -- Lua 5.1 and LuaJIT

--- Makes a value that calls a function when it is collected. Where this Lua has no finalizers, it never does.
---@param call fun()
---@return any
function guard.new(call)
  local function finalize()
    pcall(call)
  end
  if not newproxy then
    return setmetatable({}, { __gc = finalize })
  end
  local proxy = newproxy(true)
  getmetatable(proxy).__gc = finalize
  return proxy
end

return guard
