-- What specs cannot do in plain Lua: fork, and let allocations fail (abilities.c). The core that the specs load has it
-- on Linux, and the host (make asan); false elsewhere. libcurl's allocations can fail where this comes before its use.
--
--     local abilities = require "spec.support.abilities"
--     local pid = abilities and abilities.fork()

if package.preload.host then
  return require "host"
end
for template in package.cpath:gmatch "[^;]+" do
  local open = package.loadlib((template:gsub("?", "anthropic/core")), "luaopen_abilities")
  if open then
    return open()
  end
end
return false
