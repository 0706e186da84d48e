-- What the health check tells, by a report of the host's. spec/behaviour/health_spec.lua has what a program prints.

local core = require "anthropic.core"
local health = require "anthropic.health"
local json = require "anthropic.base.json"
local loop = require "anthropic.loop"
local service = require "spec.support.service"

local BUILD = 'lazy.nvim: build = "nvim -l tools/install.lua LUA=luajit"'

describe("the health check", function()
  local curl_info, library, name = core.curl_info, json.library, loop.name
  local vim, jit = rawget(_G, "vim"), rawget(_G, "jit")
  local told

  -- Notes what it is told: level, words, advice.
  local function reporter(prefix)
    local methods = {}
    for _, level in ipairs { "start", "ok", "warn", "error" } do
      methods[prefix .. level] = function(words, advice)
        told[#told + 1] = { level, words, advice }
      end
    end
    return methods
  end

  before_each(function()
    told = {}
    service.environment {}
    rawset(_G, "vim", { fn = {}, health = reporter "" })
  end)

  after_each(function()
    service.clear()
    core.curl_info, json.library, loop.name = curl_info, library, name
    rawset(_G, "vim", vim)
    rawset(_G, "jit", jit)
    package.loaded.health = nil
    package.loaded["anthropic.core"], package.preload["anthropic.core"] = core, nil
    package.loaded["anthropic.base.core"] = core
  end)

  -- What is told of the words, which must be there once.
  local function entry(pattern)
    local found
    for _, item in ipairs(told) do
      if item[2]:find(pattern) then
        assert.is_nil(found, "told twice: " .. pattern)
        found = item
      end
    end
    assert.is_table(found, "not told: " .. pattern)
    return found
  end

  local function curl(version, features, tls)
    core.curl_info = function()
      return { version = version, features = features, tls = tls }
    end
  end

  it("begins with its name and gives whether all is well", function()
    assert.is_true(health.check())
    assert.same({ "start", "anthropic" }, told[1])
    assert.same({ "ok", ("anthropic %s ("):format(require "anthropic.version") },
      { told[2][1], told[2][2]:match "^anthropic %S+ %(" })
    assert.matches("lua/anthropic%)$", told[2][2])
    assert.same({ "ok", jit and jit.version or _VERSION }, told[3])
    assert.equal(11, #told)
  end)

  it("takes the ways in which Windows spells a path for one copy of the library", function()
    local config, path = package.config, package.path
    rawset(package, "config", "\\" .. config:sub(2))
    package.path = ""
    local here = debug.getinfo(health.check, "S").source:sub(2)
    _G.vim.fn.getcwd = function() return "C:/Users/me" end
    _G.vim.api = { nvim_get_runtime_file = function()
      return {
        here, (here:gsub("/", "\\")), (here:gsub("^.*/", string.upper)), "x/../" .. here,
        "D:\\lua\\anthropic\\health.lua",
      }
    end }
    health.check()
    rawset(package, "config", config)
    package.path = path
    assert.same({ "also in D:\\lua\\anthropic\\" }, entry "another copy"[3])
  end)

  it("names Neovim and what runs Lua there", function()
    rawset(_G, "jit", { version = "LuaJIT 2.1" })
    _G.vim.version = function() return { major = 0, minor = 11, patch = 4 } end
    health.check()
    assert.same({ "ok", "Neovim 0.11.4, LuaJIT 2.1" }, told[3])
    rawset(_G, "jit", nil)
    told = {}
    health.check()
    assert.same({ "ok", "Neovim 0.11.4, " .. _VERSION }, told[3])
    for _, none in ipairs { {}, "0.11" } do
      _G.vim.version = function() return none end
      told = {}
      health.check()
      assert.same({ "ok", _VERSION }, told[3])
    end
  end)

  it("tells Neovim by the names that it has", function()
    rawset(_G, "vim", { fn = {}, health = reporter "report_" })
    health.check()
    assert.equal(11, #told)
    told = {}
    package.loaded.health = reporter "report_"
    rawset(_G, "vim", { fn = {} })
    health.check()
    assert.equal(11, #told)
  end)

  describe("in a plain program", function()
    -- Both by the file of this name, as `print` goes to the process's own output.
    it("prints, with advice below", function()
      local output = service.run([[
        local core = require "anthropic.core"
        core.curl_info = function() return { version = "7.84.9", features = {} } end
        print(require("anthropic.health").check())
      ]], {})
      assert.matches("^anthropic\nok       anthropic ", output)
      assert.matches("\nERROR    libcurl 7.84.9 ()\n         libcurl 7.85 or later is needed\n", output, 1, true)
      assert.matches("\nERROR    libcurl has no TLS\n         only http:// URLs can be reached\n", output, 1, true)
      assert.matches("\nwarning  libcurl blocks while it looks a name up\n         install a libcurl", output, 1, true)
      assert.matches("\nfalse\n$", output)
    end)

    it("prints also where a table `vim` is not Neovim's", function()
      assert.matches("^anthropic\nok       anthropic .*\ntrue\n$", service.run [[
        vim = { health = 5 }
        print(require("anthropic.health").check())
      ]])
      assert.matches("^anthropic\nok       anthropic .*\ntrue\n$", service.run [[
        vim = "x"
        print(require("anthropic.health").check())
      ]])
    end)
  end)

  it("takes libcurl from 7.85 on", function()
    for version, well in pairs {
      ["7.85.0"] = true, ["7.84.9"] = false, ["7.100"] = true, ["8.0.0"] = true, ["8.84.1-DEV"] = true,
      ["6.99.0"] = false, ["7.9.0"] = false, ["10.0.0"] = true, ["7.85"] = true,
    } do
      told = {}
      curl(version, { SSL = true, AsynchDNS = true }, "T/1")
      assert.equal(well, health.check(), version)
      local item = entry "^libcurl "
      assert.equal(("libcurl %s (AsynchDNS, SSL)"):format(version), item[2])
      assert.equal(well and "ok" or "error", item[1])
      assert.same(not well and { "libcurl 7.85 or later is needed" } or nil, item[3])
    end
  end)

  it("wants TLS, and a lookup that does not block", function()
    curl("8.0.0", { SSL = true, AsynchDNS = true }, "OpenSSL/3")
    assert.is_true(health.check())
    assert.same({ "ok", "TLS by OpenSSL/3" }, entry "TLS")
    assert.same({ "ok", "names are looked up without blocking" }, entry "look")
    told = {}
    curl("8.0.0", { AsynchDNS = true })
    assert.is_false(health.check())
    assert.same({ "error", "libcurl has no TLS", { "only http:// URLs can be reached" } }, entry "TLS")
    told = {}
    curl("8.0.0", { SSL = true }, "x")
    assert.is_true(health.check())
    assert.same({ "warn", "libcurl blocks while it looks a name up", {
      "install a libcurl that is built with a threaded resolver or with c-ares",
    } }, entry "look")
  end)

  it("tells what reads JSON, or what is missing", function()
    json.library = function() return "a reader" end
    assert.is_true(health.check())
    assert.same({ "ok", "JSON by a reader" }, entry "JSON")
    told = {}
    json.library = function() error("nothing reads JSON", 0) end
    assert.is_false(health.check())
    assert.same({ "error", "nothing reads JSON" }, entry "JSON")
  end)

  it("tells who waits", function()
    loop.name = function() return "blocking" end
    health.check()
    assert.same({ "ok", "waits by the driver blocking" }, entry "waits by")
    told = {}
    loop.name = function() return {} end
    health.check()
    assert.same({ "ok", "waits by a driver of the program's own" }, entry "waits by")
  end)

  it("tells which credential is used, and shows none", function()
    local function credential(variables)
      told = {}
      service.environment(variables)
      assert.is_true(health.check())
      for _, item in ipairs(told) do
        assert.is_nil(item[2]:find("secret", 1, true))
      end
      return entry "ANTHROPIC_A"
    end
    assert.same({ "ok", "the key in ANTHROPIC_API_KEY is used" }, credential { ANTHROPIC_API_KEY = "secret" })
    assert.same({ "ok", "the token in ANTHROPIC_AUTH_TOKEN is used" }, credential { ANTHROPIC_AUTH_TOKEN = "secret" })
    assert.same({ "warn", "no key: neither ANTHROPIC_API_KEY nor ANTHROPIC_AUTH_TOKEN is set", {
      "set one of them, or give api_key or auth_token to anthropic.new",
    } }, credential {})
  end)

  it("says what makes every request fail in the environment's credential and headers", function()
    local function problem_of(variables)
      told = {}
      service.environment(variables)
      assert.is_false(health.check())
      local found
      for _, item in ipairs(told) do
        assert.is_nil(item[2]:find("secret", 1, true))
        assert.is_true(not found or item[1] ~= "error", item[2])
        found = item[1] == "error" and item or found
      end
      return found
    end
    for _, variable in ipairs { "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN" } do
      assert.same({ "error", variable .. ": must not contain a line break or NUL" },
        problem_of { [variable] = "secret\nsecret" })
    end
    local OTHERWISE = { "mend that, or set ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN instead" }
    assert.same({ "error", 'there is no profile "nope" in /nowhere', OTHERWISE },
      problem_of { ANTHROPIC_PROFILE = "nope" })
    assert.equal("error", problem_of { ANTHROPIC_API_KEY = "k", ANTHROPIC_CUSTOM_HEADERS = "a b: secret" }[1])
    assert.matches("^ANTHROPIC_CUSTOM_HEADERS: .*not a header name",
      problem_of { ANTHROPIC_API_KEY = "k", ANTHROPIC_CUSTOM_HEADERS = "a b: secret" }[2])
  end)

  it("tells where requests go, or why that is no URL", function()
    assert.is_true(health.check())
    assert.same({ "ok", "requests go to https://api.anthropic.com" }, entry "requests go to")
    told = {}
    service.environment { ANTHROPIC_BASE_URL = "http://127.0.0.1:9/x" }
    assert.is_true(health.check())
    assert.same({ "ok", "requests go to http://127.0.0.1:9/x" }, entry "requests go to")
    told = {}
    service.environment { ANTHROPIC_BASE_URL = "ftp://secret:word@x" }
    assert.is_false(health.check())
    local item = entry "^ANTHROPIC_BASE_URL: "
    assert.equal("error", item[1])
    assert.is_nil(item[2]:find("secret", 1, true))
  end)

  it("ends where the C module cannot be loaded, with the reason in one line", function()
    package.loaded["anthropic.core"], package.loaded["anthropic.base.core"] = nil, nil
    package.preload["anthropic.core"] = function() error("libcurl.so:\n\tno such  file", 0) end
    assert.is_false(health.check())
    assert.equal(4, #told)
    local item = told[4]
    assert.equal("error", item[1])
    assert.matches("^the C module cannot be loaded: ", item[2])
    assert.matches("libcurl.so: no such file", item[2], 1, true)
    assert.is_nil(item[2]:find "\n")
    assert.same({ BUILD }, item[3])
  end)

  it("names a C module that is not there by the first line only", function()
    package.loaded["anthropic.core"], package.loaded["anthropic.base.core"] = nil, nil
    local cpath = package.cpath
    package.cpath = "./nowhere/?.so"
    local ok, well = pcall(health.check)
    package.cpath = cpath
    assert.is_true(ok, well)
    assert.is_false(well)
    assert.matches("^the C module cannot be loaded: module 'anthropic.core' not found: run `make", told[4][2])
    assert.same({ "error", told[4][2], { BUILD } }, told[4])
  end)
end)
