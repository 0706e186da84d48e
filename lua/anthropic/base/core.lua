--- The C core, if it is of the same build as these Lua files. Two plugins that bundle the library, or an update
--- without `make`, can bring together halves that do not fit, or leave one out.

local package, require = package, require
local interface = require "anthropic.base.interface"

local jit = rawget(_G, "jit")
local MAKE = jit and "make LUA=luajit" or _VERSION == "Lua 5.4" and "make"
  or "make LUA=" .. _VERSION:lower():gsub(" ", "")

local function place_of(name, field)
  return require("anthropic.base.places").first(name, field)
end

local function refuse(problem, halves, ...)
  if package then
    package.loaded["anthropic.base.core"] = nil -- the next caller gets the same error
  end
  error(("anthropic: %s: run `%s` where the library is. Lua files: %s" .. halves):format(problem, MAKE,
    place_of("anthropic.base.core", "path"), ...), 0)
end

local found, core = pcall(require, "anthropic.core")
if not found then
  local reason = tostring(core)
  reason = reason:find("not found:", 1, true) and reason:match "[^:\n]*" or reason:gsub("%s+", " ")
  refuse("the C module cannot be loaded: " .. reason, "")
elseif core.interface ~= interface then
  refuse("the Lua files and the C core are of different builds", " (interface %s); C core: %s (interface %s)",
    interface, place_of("anthropic.core", "cpath"), tostring(core.interface or "none"))
end

return core
