-- Prints the rockspec of a version, with the files that are in the tree: lua tools/rockspec.lua 0.1.0

package.path = "./?.lua;" .. package.path

local files = require "tools.files"

local version = arg[1]

local function module_name(path)
  return path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")
end

local sources, modules = {}, {}
for _, path in ipairs(files.list "ls src/*/*.c") do
  sources[#sources + 1] = ('        "%s",\n'):format(path)
end
for _, path in ipairs(files.list "ls lua/*/*.lua lua/*/*/*.lua lua/*/*/*/*.lua") do
  modules[#modules + 1] = ('    ["%s"] = "%s",\n'):format(module_name(path), path)
end

io.write(([[
rockspec_format = "3.0"
package = "anthropic"
version = "%s-1"
source = {
  url = "git+file://.",%s
}
description = {
  summary = "A client for the Messages API",
  detailed = "Messages, streams, tools and every other method; on libcurl, for Lua 5.1 to 5.4 and LuaJIT.",
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
]]):format(version, version == "scm" and "" or ('\n  tag = "v%s",'):format(version), table.concat(sources),
  table.concat(modules)))
