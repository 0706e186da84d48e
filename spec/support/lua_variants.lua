-- The modules of loop/ that differ from Lua to Lua: as they are, and as they run where Lua has less.

-- A module, loaded where the globals given replace the real ones.
local function load_with(globals, name)
  local path
  for template in package.path:gmatch "[^;]+" do
    local candidate = template:gsub("%?", "anthropic/loop/" .. name)
    local file = not path and io.open(candidate)
    if file then
      file:close()
      path = candidate
    end
  end
  local environment = setmetatable(globals, { __index = _G })
  environment._G = environment
  if setfenv then
    return setfenv(assert(loadfile(path)), environment)()
  end
  return assert(loadfile(path, "t", environment))()
end

-- Lua's coroutines without the functions named.
local function coroutine_without(...)
  local rest = {}
  for name, value in pairs(coroutine) do
    rest[name] = value
  end
  for _, name in ipairs { ... } do
    rest[name] = nil
  end
  return rest
end

local variants = { {
  name = "as it is",
  coroutines = require "anthropic.loop.coroutines", protected = require "anthropic.loop.protected",
  is_stock_5_1 = _VERSION == "Lua 5.1" and rawget(_G, "jit") == nil, closes = rawget(coroutine, "close") ~= nil,
} }

local function add(name, globals)
  local protected = load_with(globals, "protected")
  globals.require = function(wanted)
    return wanted == "anthropic.loop.protected" and protected or require(wanted)
  end
  table.insert(variants, {
    name = name, protected = protected, coroutines = load_with(globals, "coroutines"),
    is_stock_5_1 = rawget(globals, "_VERSION") ~= nil,
  })
end

if not variants[1].is_stock_5_1 then
  local jit = rawget(_G, "jit")
  add("without coroutine.close", { coroutine = coroutine_without "close", jit = jit })
  add("without coroutine.isyieldable", { coroutine = coroutine_without("close", "isyieldable"), jit = jit })
  add("as on stock Lua 5.1", { coroutine = coroutine_without("close", "isyieldable"), _VERSION = "Lua 5.1" })
end

function variants.pack(...)
  return { n = select("#", ...), ... }
end

-- Runs f in a coroutine until it first yields; gives the coroutine and what it yielded.
function variants.start(f, ...)
  local thread = coroutine.create(f)
  local results = variants.pack(coroutine.resume(thread, ...))
  if not results[1] then
    error(results[2], 0)
  end
  return thread, results[2]
end

return variants
