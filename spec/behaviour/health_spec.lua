-- The health check of a plain program; spec/hosts has Neovim's.

local background = require "spec.support.background"
local core = require "anthropic.core"
local directory = require "spec.support.directory"

local LUA = background.interpreter()
local UNSET = "env -u ANTHROPIC_API_KEY -u ANTHROPIC_AUTH_TOKEN -u ANTHROPIC_BASE_URL "

-- What it prints, and whether it says that all is well.
local function check(assignments, before)
  local output = background.output_of(("%s %s %s -e %s 2>&1"):format(UNSET, assignments, LUA,
    background.quote((before or "") .. ' print(require("anthropic.health").check())')))
  local printed, well = output:match "^(.*)\n(%a+)\n$"
  assert.is_truthy(printed, output)
  return printed, well == "true"
end

local function has(text, words)
  assert.truthy(text:find(words, 1, true), words .. "\n" .. text)
end

describe("the health check", function()
  it("tells what the library works with, and shows no key", function()
    local printed, well = check "ANTHROPIC_API_KEY=a-key-of-a-test ANTHROPIC_BASE_URL=http://127.0.0.1:9/gateway"
    has(printed, "ok       anthropic " .. require "anthropic.version" .. " (")
    has(printed, "ok       " .. (rawget(_G, "jit") and "LuaJIT" or _VERSION))
    has(printed, "ok       libcurl " .. core.curl_info().version .. " (AsynchDNS, ")
    has(printed, "ok       TLS by " .. core.curl_info().tls)
    has(printed, "ok       names are looked up without blocking")
    has(printed, "ok       JSON by lua-cjson 2.1")
    has(printed, "ok       waits by the driver blocking")
    has(printed, "ok       the key in ANTHROPIC_API_KEY is used")
    has(printed, "ok       requests go to http://127.0.0.1:9/gateway")
    assert.is_nil(printed:find("a-key-of-a-test", 1, true))
    assert.is_nil(printed:find("warning", 1, true))
    assert.is_true(well)
  end)

  it("knows a driver of the program's own", function()
    has(check("", 'require("anthropic.loop").use { wait = function() end }'),
      "ok       waits by a driver of the program's own")
  end)

  it("warns of a missing key", function()
    local printed, well = check ""
    has(printed, "warning  no key: neither ANTHROPIC_API_KEY nor ANTHROPIC_AUTH_TOKEN is set")
    has(printed, "ok       requests go to https://api.anthropic.com")
    assert.is_true(well)
  end)

  it("names the token", function()
    local printed = check "ANTHROPIC_AUTH_TOKEN=a-token-of-a-test"
    has(printed, "ok       the token in ANTHROPIC_AUTH_TOKEN is used")
    assert.is_nil(printed:find("a-token-of-a-test", 1, true))
  end)

  it("fails with a base URL that cannot be used, and quotes no password", function()
    local printed, well = check "ANTHROPIC_BASE_URL=https://user:password@example.com"
    has(printed, "ERROR    ANTHROPIC_BASE_URL: base_url: must not hold a user name or password")
    assert.is_nil(printed:find("user:password", 1, true))
    assert.is_false(well)
  end)

  it("fails with a core of another build, and shows where both halves lie", function()
    local printed, well = check("", [[
      local core = require "anthropic.core"
      package.loaded["anthropic.core"] = setmetatable({ interface = "0123" }, { __index = core })
    ]])
    has(printed, "ERROR    the Lua files and the C core are of different builds: run `make")
    has(printed, "/anthropic/core.so (interface 0123)")
    assert.is_false(well)
  end)

  it("shows where the core lies, and warns of a second copy of the library on the path", function()
    local alone = check ""
    has(alone, "ok       the C core fits (")
    assert.is_nil(alone:find("another copy", 1, true))
    local root = directory.new()
    root:run "mkdir anthropic"
    root:write("anthropic/health.lua", "")
    local printed, well = check("", ("package.path = package.path .. ';%s/?.lua'"):format(root.root))
    root:remove()
    has(printed, "warning  there is another copy of the library; this one is used by all: ")
    has(printed, "\n         also in " .. root.root .. "/anthropic/")
    assert.is_true(well)
  end)

  it("tells of two versions on the path which one all who require it have got", function()
    local root = directory.new()
    root:run(("cp -r '%s' lua && echo 'return \"9.8.7\"' >lua/anthropic/version.lua"):format(background.absolute "lua"))
    local printed = check("", ([[
      package.path = "%s/lua/?.lua;%s/lua/?/init.lua;" .. package.path
      local first = require "anthropic" -- by the plugin that brought this version
      local second = require "anthropic" -- by the one that brought the other
      print(first == second, second.version)
    ]]):format(root.root, root.root))
    root:remove()
    has(printed, "true\t9.8.7\n")
    has(printed, "ok       anthropic 9.8.7 (")
    has(printed, "warning  there is another copy of the library")
  end)

  it("fails without the C module, and says how to build it", function()
    local printed, well = check("", [[
      package.preload["anthropic.core"] = function() error("libcurl.so:\n\tno such file", 0) end
    ]])
    has(printed, "ERROR    the C module cannot be loaded: ")
    has(printed, "libcurl.so: no such file")
    has(printed, ": run `make")
    assert.is_false(well)
    printed = check("LUA_CPATH=/nowhere/?.so", "")
    has(printed, "ERROR    the C module cannot be loaded: module 'anthropic.core' not found: run `make")
  end)

  it("fails without lua-cjson", function()
    local printed, well = check("", 'package.preload.cjson = function() error("not here", 0) end')
    has(printed, "ERROR    anthropic needs lua-cjson to read JSON: luarocks install lua-cjson (")
    assert.is_false(well)
  end)

  it("knows an old libcurl, one without TLS, and one that blocks", function()
    local printed, well = check("", [[
      local core = require "anthropic.core"
      core.curl_info = function() return { version = "7.68.0-DEV", features = { HTTP2 = true } } end
    ]])
    has(printed, "ERROR    libcurl 7.68.0-DEV (HTTP2)\n         libcurl 7.85 or later is needed")
    has(printed, "ERROR    libcurl has no TLS")
    has(printed, "warning  libcurl blocks while it looks a name up")
    assert.is_false(well)
  end)
end)
