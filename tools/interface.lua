-- The interface between the two halves of the library, the C core and its Lua files: a hash over what the core shows
-- (src's headers, types/core.lua) and the version, which stands in both.
--
--     lua5.4 tools/interface.lua          fails where it is not what the sources say (make lint)
--     lua5.4 tools/interface.lua write    writes it (make interface)

local function output_of(command)
  local pipe = assert(io.popen(command))
  local output = pipe:read "*a"
  assert(pipe:close())
  return output
end

local HASHED = "LC_ALL=C; export LC_ALL; cat $(find src -name '*.h' ! -path src/lua/interface.h | sort) types/core.lua"
  .. " lua/anthropic/version.lua"

local hash = output_of(HASHED .. " | sha256sum"):sub(1, 16)

local FILES = {
  ["src/lua/interface.h"] = ([[
/* Written by tools/interface.lua: do not edit. */
#ifndef ANTHROPIC_LUA_INTERFACE_H
#define ANTHROPIC_LUA_INTERFACE_H

#define ANTHROPIC_INTERFACE "%s"

#endif
]]):format(hash),
  ["lua/anthropic/base/interface.lua"] = ("-- Written by tools/interface.lua: do not edit.\nreturn %q\n"):format(hash),
}

local is_whole = true
for path, text in pairs(FILES) do
  if arg[1] == "write" then
    local file = assert(io.open(path, "w"))
    file:write(text)
    file:close()
  else
    local file = io.open(path)
    is_whole = is_whole and file ~= nil and file:read "*a" == text
    if file then
      file:close()
    end
  end
end
if not is_whole then
  io.stderr:write "the core's headers or types/core.lua have changed: run `make interface`\n"
  os.exit(1)
end
