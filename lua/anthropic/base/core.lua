--- The C core, where it is of the same build as these Lua files. Two plugins that bundle the library, or an update
--- without `make`, can bring together halves that do not fit.

local package, require = package, require
local core = require "anthropic.core"
local interface = require "anthropic.base.interface"

local function place_of(name, field)
  return require("anthropic.base.places").of(name, package and package[field])[1] or "?"
end

if core.interface ~= interface then
  if package then
    package.loaded["anthropic.base.core"] = nil -- the next caller gets the same error
  end
  error(("anthropic: the Lua files and the C core are of different builds: run `make` where the library is. Lua files: "
    .. "%s (interface %s); C core: %s (interface %s)"):format(place_of("anthropic.base.core", "path"), interface,
    place_of("anthropic.core", "cpath"), tostring(core.interface or "none")), 0)
end

return core
