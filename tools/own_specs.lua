-- Which spec is a module's own: that of its name in spec/unit/<layer>/ (init.lua: of its folder's name; a public face:
-- also in spec/behaviour/). `lua5.4 tools/own_specs.lua` fails where a module has none (make lint).

local own_specs = {}

-- Modules without one, and why.
local WITHOUT = {
  ["lua/anthropic/version.lua"] = "a word; packaging_spec.lua holds the rockspecs against it",
  ["lua/anthropic/base/interface.lua"] = "written by tools/interface.lua, which fails where it is not up to date",
  ["src/net/poller_kqueue.c"] = "of other systems: tools/platforms runs all specs on it",
  ["src/net/poller_poll.c"] = "of other systems: tools/platforms runs all specs on it",
  ["src/port/error_windows.c"] = "of another system: tools/windows runs it under wine",
  ["src/port/poll_windows.c"] = "of another system: tools/windows runs it under wine",
  ["src/port/poll_posix.c"] = "what poller_poll.c uses of the system",
}

-- What src/port/ has of a system is tried by the spec of the one that uses it.
local OF_USERS = {
  child = "net/process", clock = "util/clock", directory = "util/folder", file = "util/file", self = "net/loop_state",
  socket = "net/socket_list",
}

local function exists(path)
  local file = io.open(path)
  return file ~= nil and file:close()
end

--- The path of a module's own spec without "_spec.lua"; nil and the path that is missing.
function own_specs.of(path)
  local layer, name = path:match "([a-z_]+)/([a-z_0-9]+)%.[a-z]+$"
  if path:find "^lua/anthropic/helpers/batches/" then
    layer, name = "helpers", name == "init" and "batches" or "batches_" .. name
  end
  name = name == "init" and layer or name
  if layer == "port" then
    name = name:gsub("_posix$", ""):gsub("_windows$", "")
    layer, name = (OF_USERS[name] or "port/" .. name):match "(.*)/(.*)"
  end
  local own, of_face = ("spec/unit/%s/%s"):format(layer, name), "spec/behaviour/" .. name
  if exists(own .. "_spec.lua") then
    return own
  elseif layer == "anthropic" and exists(of_face .. "_spec.lua") then
    return of_face
  end
  return nil, own .. "_spec.lua"
end

local function check()
  local is_complete = true
  local files = assert(io.popen "find lua/anthropic src -name '*.lua' -o -name '*.c' | LC_ALL=C sort")
  for path in files:lines() do
    local own, missing = own_specs.of(path)
    if own and WITHOUT[path] then
      print(("own_specs: %s has a spec, and is named as one that has none"):format(path))
      is_complete = false
    elseif not own and not WITHOUT[path] then
      print(("own_specs: %s has no %s"):format(path, missing))
      is_complete = false
    end
  end
  files:close()
  return is_complete
end

if arg and arg[0]:find "own_specs" then
  os.exit(check())
end
return own_specs
