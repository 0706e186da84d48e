-- What is installed, by which way, and that it works there.

local background = require "spec.support.background"
local extent = require "spec.support.extent"
local testing = require "anthropic.testing"

local LUA = background.interpreter()
local ABI = _VERSION:match "%d.%d"
local ROCKSPECS = {
  "anthropic-scm-1.rockspec",
  ("rockspec/anthropic-%s-1.rockspec"):format(require "anthropic.version"),
}

local FAST = "CFLAGS='-O0 -fPIC'" -- compilers take most of the time here

local function read_rockspec(path)
  local fields = {}
  local chunk = assert(loadfile(path, "t", fields))
  if setfenv then
    setfenv(chunk, fields)
  end
  chunk()
  return fields
end

local function lines_of(command)
  local lines = {}
  for line in background.output_of(command):gmatch "[^\n]+" do
    lines[#lines + 1] = line
  end
  table.sort(lines)
  return lines
end

local function run(command)
  local output, code = background.output_of(command .. " 2>&1")
  assert.equal(0, code, output)
  return output
end

-- Asks something with nothing of this library on the paths but the tree under `prefix`.
local function assert_works(prefix)
  local server = testing.server { script = testing.stream { text = "Hello from there." } }
  local directory = background.make_directory()
  background.write_file(directory .. "/program.lua", ([[
    local anthropic = require "anthropic"
    local client = anthropic.new { base_url = %q, api_key = "test" }
    local stream = assert(client.messages.stream { model = "m", max_tokens = 9, messages = {} })
    print(stream:message():text())
    for _, name in ipairs { "anthropic", "anthropic.stream", "anthropic.testing" } do
      require(name)
    end
    for name in pairs(package.loaded) do
      if name:find "^anthropic" and package.searchpath then
        local path = package.searchpath(name, package.path) or package.searchpath(name, package.cpath)
        assert(path:find(%q, 1, true), path)
      end
    end
  ]]):format(server.url, prefix))
  local modules, libraries = prefix .. "/share/lua/" .. ABI, prefix .. "/lib/lua/" .. ABI
  local output = background.output_of(
    ("cd %s && LUA_PATH='%s/?.lua;%s/?/init.lua' LUA_CPATH='%s/?.so;;' %s program.lua 2>&1"):format(
      directory, modules, modules, libraries, LUA))
  server:stop()
  os.execute("rm -rf " .. directory)
  assert.equal("Hello from there.\n", output)
end

describe("the rockspec", function()
  for i, path in ipairs(ROCKSPECS) do
    it(path .. " lists every file, and no other (make rockspecs writes it)", function()
      local build = read_rockspec(path).build
      local modules = build.modules
      assert.same(lines_of "find src -name '*.c' ! -name '*_windows.c'", modules["anthropic.core"].sources)
      assert.same(lines_of "find src -name '*.c' ! -name '*_posix.c'",
        build.platforms.windows.modules["anthropic.core"].sources)
      modules["anthropic.core"] = nil
      local files = {}
      for name, file in pairs(modules) do
        files[#files + 1] = file
        local as_path = "lua/" .. name:gsub("%.", "/")
        assert.is_true(file == as_path .. ".lua" or file == as_path .. "/init.lua", name)
      end
      table.sort(files)
      assert.same(lines_of "find lua -name '*.lua'", files)
    end)

    it(path .. " is named by its package and version", function()
      local rockspec = read_rockspec(path)
      assert.equal(path:match "[^/]*$", rockspec.package .. "-" .. rockspec.version .. ".rockspec")
      local archive = rockspec.source.url:match "/anthropic%-(.*)%.tar%.gz$"
      assert.equal(i == 2 and require "anthropic.version" or nil, archive)
    end)
  end
end)

describe("a copy of the tree", function()
  local copy

  setup(function()
    copy = background.make_directory()
    run("cp -Rp Makefile mk tools types *.rockspec rockspec src lua doc " .. copy)
    -- what was compiled for the specs, too, where there is it: luarocks compiles all anew
    run(("mkdir %s/build; cp -Rp build/%s %s/build || true"):format(copy, LUA, copy))
  end)

  teardown(function()
    os.execute("rm -rf " .. copy)
  end)

  it("installs with make, below DESTDIR", function()
    run(("make -C %s install LUA=%s DESTDIR=%s/stage PREFIX=/usr %s"):format(copy, LUA, copy, FAST))
    assert_works(copy .. "/stage/usr")
  end)

  it("installs with make into a directory whose name has blanks, by a shell without GNU's install", function()
    os.execute(("mkdir -p %s/bin && printf '#!/bin/sh\\nexit 1\\n' >%s/bin/install && chmod +x %s/bin/install"):format(
      copy, copy, copy))
    run(("PATH=%s/bin:$PATH make -C %s install LUA=%s PREFIX='%s/a prefix' %s"):format(copy, copy, LUA, copy, FAST))
    local files = lines_of(("cd '%s/a prefix' && find . -type f | grep -c ."):format(copy))
    assert.equal(#lines_of "find lua types -name '*.lua'" + 1, tonumber(files[1]))
    run(("mv '%s/a prefix' %s/prefix"):format(copy, copy)) -- LUA_PATH in a shell's words
    assert_works(copy .. "/prefix")
  end)

  it("installs with make what one Lua has compiled, which names the lines of the sources", function()
    local prefix = copy .. "/compiled"
    run(("make -C %s install COMPILED=1 LUA=%s PREFIX=%s %s"):format(copy, LUA, prefix, FAST))
    assert_works(prefix)
    local path = ("%s/share/lua/%s/anthropic/client/messages.lua"):format(prefix, ABI)
    local file = assert(io.open(path, "rb"))
    assert.equal("\27", file:read(1))
    file:close()
    assert.equal("@" .. path, debug.getinfo(assert(loadfile(path)), "S").source)
  end)

  it("installs with luarocks, without asking anyone", function()
    if extent(1, 0) == 0 then
      return pending "compiles all anew: make check"
    end
    if background.output_of "command -v luarocks" == "" then
      return pending "luarocks is not installed"
    end
    background.write_file(copy .. "/config.lua",
      'rocks_servers = {}\nrocks_provided = { ["lua-cjson"] = "2.1.0-1" }\n')
    run(("cd %s && HOME=%s LUAROCKS_CONFIG=%s/config.lua luarocks --lua-version=%s --tree=%s/rocks make %s"):format(
      copy, copy, copy, ABI, copy, FAST))
    assert_works(copy .. "/rocks")
  end)

  it("has rockspecs that luarocks takes", function()
    if background.output_of "command -v luarocks" == "" then
      return pending "luarocks is not installed"
    end
    for _, path in ipairs(ROCKSPECS) do
      run(("HOME=%s luarocks lint %s"):format(copy, path))
    end
  end)
end)
