-- Prints the rockspec of a version, with the files that are in the tree:
--
--     lua tools/rockspec.lua 0.2.0 [PLACE]   its archive is below PLACE (default: below)
--     lua tools/rockspec.lua scm             of a clone
--     lua tools/rockspec.lua place           prints the default place

local PLACE = "https://example.invalid/anthropic" -- where releases are published: the one line to set

local version = arg[1]
if version == "place" then
  print(PLACE)
  return
end

local function source()
  if version == "scm" then
    return "git+file://."
  end
  return ("%s/anthropic-%s.tar.gz"):format(arg[2] or PLACE, version)
end

local function files(pattern)
  local pipe = assert(io.popen("ls " .. pattern .. " | LC_ALL=C sort"))
  local list = {}
  for path in pipe:lines() do
    list[#list + 1] = path
  end
  pipe:close()
  return list
end

local function module_name(path)
  return path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")
end

local sources, modules = {}, {}
for _, path in ipairs(files "src/*/*.c") do
  sources[#sources + 1] = ('        "%s",\n'):format(path)
end
for _, path in ipairs(files "lua/*/*.lua lua/*/*/*.lua lua/*/*/*/*.lua") do
  modules[#modules + 1] = ('    ["%s"] = "%s",\n'):format(module_name(path), path)
end

io.write(([[
rockspec_format = "3.0"
package = "anthropic"
version = "%s-1"
source = {
  url = "%s",
}
description = {
  summary = "A client for the Messages API",
  detailed = "Messages, streams, tools and every other method; on libcurl, for Lua 5.1 to 5.5 and LuaJIT.",
  license = "MIT",
  labels = { "http", "neovim", "openresty" },
}
dependencies = {
  "lua >= 5.1, < 5.6",
  "lua-cjson >= 2.1",
}
external_dependencies = {
  CURL = { library = "curl" },
}
build = {
  type = "builtin",
  modules = {
    ["anthropic.core"] = {
      sources = {
%s      },
      libraries = { "curl" },
      incdirs = { "src", "$(CURL_INCDIR)" },
      libdirs = { "$(CURL_LIBDIR)" },
    },
%s  },
  copy_directories = { "doc", "types" },
}
test_dependencies = {
  "busted",
  "luasocket",
  "luasec",
}
test = {
  type = "busted",
}
]]):format(version, source(), table.concat(sources),
  table.concat(modules)))
