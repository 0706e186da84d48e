-- Prints the rockspec of a version, with the files that are in the tree:
--
--     lua tools/rockspec.lua 0.2.0 [PLACE]   its archive is below PLACE (default: below)
--     lua tools/rockspec.lua scm             of a clone
--     lua tools/rockspec.lua place           prints the default place

local PLACE = "https://example.invalid/anthropic" -- where releases are published: the one line to set

package.path = "./?.lua;" .. package.path

local files = require "tools.files"

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

local function module_name(path)
  return path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")
end

-- Of src/port/ the files of one system. LuaRocks puts a system's list over the general one, item by item: so it has
-- to be as long.
local function sources_of(system, indent)
  local list = {}
  for _, path in ipairs(files.list "ls src/*/*.c") do
    local of = path:match "^src/port/.*_(%l+)%.c$"
    if not of or of == system then
      list[#list + 1] = ('%s"%s",\n'):format(indent, path)
    end
  end
  return list
end

local sources, sources_of_windows = sources_of("posix", (" "):rep(8)), sources_of("windows", (" "):rep(12))
assert(#sources_of_windows >= #sources)
local modules = {}
for _, path in ipairs(files.list "ls lua/*/*.lua lua/*/*/*.lua lua/*/*/*/*.lua") do
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
  platforms = {
    windows = {
      modules = {
        ["anthropic.core"] = {
          sources = {
%s          },
          libraries = { "curl", "ws2_32", "ntdll" },
        },
      },
    },
  },
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
]]):format(version, source(), table.concat(sources), table.concat(modules), table.concat(sources_of_windows)))
