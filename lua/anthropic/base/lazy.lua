--- Modules that are loaded at their first use, as a process pays for each with its first request: those that only some
--- programs need.
--
--     local stream = lazy.module "anthropic.stream"
--     stream.new(exchange)  -- loads it
--
-- Such a module is a table that is never iterated over with `pairs`.

local package, require = package, require

local descriptors = require "anthropic.base.descriptors"

local lazy = {}

local WORDS = "anthropic: the module %s cannot be loaded: %s; anthropic.preload() loads all before"

local waiting = {} -- names of modules that are not loaded yet
local waiting_for_failure = {}

-- What stands for a module while it is loaded: a userdata in Lua 5.1, a number in LuaJIT.
local IS_MARK = { userdata = true, number = true }

-- Lua 5.1 and LuaJIT take a module that could not be loaded, and those that were loading it, for half loaded for ever.
local function forget_half_loaded()
  for name, value in pairs(package and package.loaded or {}) do
    if IS_MARK[type(value)] and type(name) == "string" and name:find "^anthropic%." then
      package.loaded[name] = nil
    end
  end
end

--- Loads a module at its first use. If that fails because memory or descriptors are out, the next use tries again.
--- Lua reports a file that it has no descriptor for as missing; this error names the reason.
---@param name string
---@return any module
function lazy.require(name)
  local ok, module = pcall(require, name)
  if not ok then
    forget_half_loaded()
    error(descriptors.are_out() and WORDS:format(name, descriptors.ADVICE) or module, 0)
  end
  return module
end

local function stand_in(name, names)
  names[name] = true
  local metatable = {}
  function metatable.__index(_, key)
    metatable.__index = lazy.require(name)
    names[name] = nil
    return metatable.__index[key]
  end
  return setmetatable({}, metatable)
end

--- A table that stands for a module: it loads the module at the first use, and leads to it from then on.
---@param name string such as "anthropic.stream"
---@return table
function lazy.module(name)
  return stand_in(name, waiting)
end

--- The same for a module that a failure needs: `load_for_failure` loads it, too, before the first request is sent.
---@param name string
---@return table
function lazy.module_for_failure(name)
  return stand_in(name, waiting_for_failure)
end

-- Loads modules, and those that they name.
local function load_all(names)
  local name = next(names)
  while name do
    lazy.require(name)
    names[name] = nil
    name = next(names)
  end
end

--- Loads what failures need. To be called while there are descriptors: without one, nothing can be loaded.
function lazy.load_for_failure()
  load_all(waiting_for_failure)
end

--- Loads everything.
function lazy.load()
  while next(waiting) or next(waiting_for_failure) do
    load_all(waiting)
    load_all(waiting_for_failure)
  end
end

return lazy
