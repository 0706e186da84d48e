-- The build step of a plugin, tools/install.lua: it takes an archive, or a compiler, or says in a line what is missing.

local child = require "spec.support.child"
local directory = require "spec.support.directory"
local places = require "anthropic.base.places"

local LUA = rawget(_G, "jit") and "luajit" or "lua" .. _VERSION:match "%d+%.%d+"
local CORE = places.of("anthropic.core", package.cpath)[1]
local INTERFACE = "lua/anthropic/base/interface.lua"

-- What a machine has that has no compiler.
local TOOLS = "sh tar gzip sha256sum mktemp cp mv mkdir rm ls uname cat"

describe("the build step of a plugin", function()
  if package.preload["anthropic.core"] then
    pending "needs a core of its own (under sanitizers it is a part of the interpreter)"
    return
  end

  local made, core, tree, name, target

  -- An archive as `make dist` makes it, with this build's core under two names.
  setup(function()
    made = directory.new()
    local maps = io.open "/proc/self/maps"
    local text = maps and maps:read "*a" or ""
    local libc = (text:find "/ld%-musl%-" or text:find "%-musl/libc%.so") and "-musl-" or "-"
    target = made:run("uname -sm"):gsub("%s+$", ""):gsub(" ", libc):lower()
    name = "anthropic-9.9.9-" .. target .. ".tar.gz"
    local folder = name:gsub("%.tar%.gz$", "")
    made:run(("mkdir -p %s/lua/anthropic/base %s/lib/luajit/anthropic bin"):format(folder, folder))
    made:run(("cd %s && ln -s luajit lib/%s"):format(folder, LUA == "luajit" and "lua5.4" or LUA))
    core = made:path(folder .. "/lib/luajit/anthropic/core.so")
    os.execute(("cp %s %s"):format(child.quote(CORE), child.quote(core)))
    made:write(folder .. "/" .. INTERFACE, "return 'this build'")
    made:write(folder .. "/lua/anthropic/version.lua", "return '9.9.9'")
    made:run(("tar -chf - %s | gzip -1 >%s && sha256sum %s >SHA256SUMS"):format(folder, name, name))
    made:run(("for tool in %s; do ln -s \"$(command -v $tool)\" bin/$tool; done"):format(TOOLS))
  end)

  teardown(function()
    made:remove()
  end)

  before_each(function()
    tree = directory.new()
    tree:run "mkdir -p tools lua/anthropic/base src/lua bin"
    os.execute("cp tools/install.lua " .. child.quote(tree:path "tools/install.lua"))
    tree:write(INTERFACE, "return 'this build'")
    tree:write("lua/anthropic/version.lua", "return '9.9.9'")
  end)

  after_each(function()
    tree:remove()
  end)

  local function put_archive(folder)
    tree:run(("mkdir -p %s && cp %s %s %s"):format(folder, made:path(name), made:path "SHA256SUMS", folder))
  end

  -- A command of the tree's own, which comes first.
  local function put_command(command, script)
    tree:write("bin/" .. command, "#!/bin/sh\n" .. script .. "\n")
    tree:run("chmod +x bin/" .. command)
  end

  -- What it printed and whether it went well, on a machine without compiler.
  local function run(words, environment)
    local interpreter = child.interpreter()
    local output = tree:run(("lua=$(command -v %s); unset VIMRUNTIME CC; "
      .. "%s PATH=$PWD/bin:%s \"$lua\" tools/install.lua %s; echo $?")
      :format(child.quote(interpreter), environment or "", made:path "bin", words or ""))
    local text, code = output:match "^(.*)\n(%d+)\n$"
    return text, code == "0"
  end

  local function exists(path)
    return tree:run(("test -s %s && echo yes"):format(path)) == "yes\n"
  end

  for _, folder in ipairs { ".", "dist" } do
    it("takes the core out of an archive in " .. folder, function()
      put_archive(folder)
      local text, well = run()
      assert.equal(("anthropic: the core for %s is there, by %s"):format(LUA, name), text)
      assert.is_true(well)
      assert.is_true(exists(("build/%s/anthropic/core.so"):format(LUA)))
    end)
  end

  it("puts the core for LuaJIT beside the Lua files where Neovim runs it", function()
    put_archive "."
    local text = run(nil, "VIMRUNTIME=/usr/share/nvim/runtime")
    assert.matches("the core for luajit is there", text)
    assert.is_true(exists "lua/anthropic/core.so")
    assert.is_true(exists "build/luajit/anthropic/core.so")
  end)

  it("brings the Lua files where there are none", function()
    put_archive "."
    tree:run "rm -r lua"
    assert.is_true(select(2, run()))
    assert.equal("return '9.9.9'", tree:read "lua/anthropic/version.lua")
  end)

  it("puts both halves where LuaRocks wants them", function()
    put_archive "."
    assert.is_true(select(2, run("LIBDIR=\"$PWD/a rock/lib\" LUADIR=\"$PWD/a rock/lua\"", "VIMRUNTIME=/editor")))
    assert.is_true(exists "'a rock/lib/anthropic/core.so'")
    assert.is_true(exists "'a rock/lua/anthropic/version.lua'")
    assert.is_false(exists "build")
  end)

  it("takes no archive that differs from its checksum", function()
    put_archive "."
    tree:run("echo >>" .. name)
    local text, well = run()
    assert.equal(("anthropic: ./%s differs from its checksum in SHA256SUMS: fetch both anew"):format(name), text)
    assert.is_false(well)
    assert.is_false(exists "build")
  end)

  it("takes no archive without a checksum", function()
    put_archive "."
    tree:write("SHA256SUMS", ("0"):rep(64) .. "  other-" .. name .. "\n")
    local text, well = run()
    assert.equal(("anthropic: ./SHA256SUMS has no checksum of %s: fetch it from where the archive is"):format(name),
      text)
    assert.is_false(well)
  end)

  it("takes no archive of another build", function()
    put_archive "."
    tree:write(INTERFACE, "return 'another build'")
    local text, well = run()
    assert.matches("is of another build than the Lua files here", text, 1, true)
    assert.is_false(well)
  end)

  it("says that libcurl may be missing where the core does not load", function()
    put_archive "."
    local folder = name:gsub("%.tar%.gz$", "")
    tree:run(("tar -xzf %s && echo no >%s/lib/%s/anthropic/core.so && tar -czf %s %s && sha256sum %s >SHA256SUMS")
      :format(name, folder, LUA, name, folder, name))
    local text, well = run()
    assert.matches("^anthropic: the core does not load; .*libcurl.*apt%-get install libcurl4%): [^\n]*$", text)
    assert.is_false(well)
  end)

  it("says in one line what to install where there is neither an archive nor a compiler", function()
    tree:write("src/lua/core.c", "")
    local text, well = run "LUA=lua5.4"
    assert.equal(("anthropic: there is no archive for %s and lua5.4, and to build it, install make, a C compiler, "
      .. "libcurl's headers, lua5.4's headers (Debian: apt-get install make gcc libc6-dev libcurl4-openssl-dev "
      .. "liblua5.4-dev)"):format(target), text)
    assert.is_false(well)
  end)

  it("says so where there are no sources either", function()
    local text, well = run()
    assert.equal(("anthropic: there is neither an archive for %s and %s in ., nor the sources"):format(target, LUA),
      text)
    assert.is_false(well)
  end)

  describe("with a compiler", function()
    before_each(function()
      tree:write("src/lua/core.c", "")
      put_command("cc", "")
      tree:run "printf '#!/bin/sh\n' >tools/headers; chmod +x tools/headers"
    end)

    it("builds for who will load it", function()
      put_command("make", ("echo \"$@\" >asked; mkdir -p build/luajit/anthropic && cp %s build/luajit/anthropic")
        :format(core))
      assert.equal("anthropic: the core for luajit is there, by make", (run(nil, "VIMRUNTIME=/editor")))
      assert.equal("-s LUA=luajit\n", tree:read "asked")
    end)

    it("ends with the last line of a build that fails", function()
      put_command("make", "echo one; echo two >&2; exit 2")
      local text, well = run "LUA=lua5.4"
      assert.equal("anthropic: make LUA=lua5.4 failed in .: two", text)
      assert.is_false(well)
    end)
  end)

  it("raises in an editor, which goes on", function()
    local code = ("arg = nil; print(pcall(assert(loadfile(%q))))"):format(tree:path "tools/install.lua")
    assert.equal(("false\tanthropic: there is neither an archive for %s and %s in %s, nor the sources\n")
      :format(target, LUA, tree.root), child.output(code))
  end)

  it("names a word that it does not know", function()
    assert.equal("anthropic: PREFIX=/usr: expected LUA=, LIBDIR= or LUADIR=", (run "PREFIX=/usr"))
  end)
end)
