-- The server's process, by programs that are no server.

local abilities = require "spec.support.abilities"
local process = require "anthropic.testing.process"
local temporary = require "spec.support.directory"

describe("a child process", function()
  local directory, child, arg_given

  before_each(function()
    directory = temporary.new()
    arg_given = rawget(_G, "arg")
  end)

  after_each(function()
    rawset(_G, "arg", arg_given)
    if child then
      child:stop()
      child:remove()
      child = nil
    end
    directory:remove()
  end)

  -- An interpreter that runs this in sh; $1 is the program that it was given, $2 its process id.
  local function interpreter(text)
    local path = directory:write("an 'interpreter'", "#!/bin/sh\n" .. text .. "\n")
    directory:run "chmod +x *"
    return path
  end

  local function exists(path)
    local file = io.open(path)
    return file ~= nil and file:close()
  end

  it("has a process id and a port once it says so, and its settings in a directory", function()
    child = process.start("some settings\0", interpreter 'echo "$2 4711"; exec sleep 5', 5)
    assert.equal(4711, child.port)
    assert.equal("number", type(child.pid))
    local file = io.open(child.directory .. "/settings", "rb")
    assert.equal("some settings\0", file:read "*a")
    file:close()
    local program = io.open(child.directory .. "/start.lua"):read "*a"
    assert.matches('require("anthropic.testing.server").child(', program, 1, true)
    assert.is_function((loadstring or load)(program)) -- luacheck: ignore 113
  end)

  it("is gone once it is stopped, and its directory once it is removed", function()
    child = process.start("", interpreter 'echo "$2 1"; exec sleep 5', 5)
    local path = child.directory
    child:stop()
    assert.is_true(exists(path .. "/ended"))
    assert.equal("gone\n", directory:run("kill -0 " .. child.pid .. " 2>/dev/null && echo there || echo gone"))
    child:remove()
    assert.is_falsy(exists(path .. "/settings"))
    child = nil
  end)

  it("goes on where a process that was forked from its parent stops and removes it", function()
    if not abilities then
      pending "the core cannot fork"
      return
    end
    child = process.start("", interpreter 'echo "$2 1"; exec sleep 5', 5)
    local pid = abilities.fork()
    if pid == 0 then
      child:stop()
      child:remove()
      abilities.exit(0)
    end
    abilities.wait(pid)
    assert.is_true(exists(child.directory .. "/settings"))
    assert.is_false(exists(child.directory .. "/ended"))
    assert.equal("there\n", directory:run("kill -0 " .. child.pid .. " 2>/dev/null && echo there || echo gone"))
  end)

  it("raises what it said where it ends before it is ready", function()
    local ok, message = pcall(process.start, "", interpreter 'echo "no luck" >&2', 5)
    assert.same({ false, "anthropic.testing: the server did not start: no luck\n" }, { ok, message })
  end)

  it("raises where it is not ready in time", function()
    local ok, message = pcall(process.start, "", interpreter "exec sleep 5", 0.02)
    assert.same({ false, "anthropic.testing: the server did not start: not ready after 0.02 seconds" }, { ok, message })
  end)

  it("names the interpreters that it did not find", function()
    local ok, message = pcall(process.start, "", "/nowhere/lua it's", 5)
    assert.is_false(ok)
    assert.equal("anthropic.testing: the server did not start: no Lua interpreter found: tried /nowhere/lua it's\n",
      message)
  end)

  it("is run by the Lua that runs this program, where that is one", function()
    local path = directory:write("lua5.9", "#!/bin/sh\necho \"$2 42\"; exec sleep 5\n")
    directory:run "chmod +x *"
    rawset(_G, "arg", { [0] = "x", [-1] = "-e", [-2] = path })
    child = process.start("", nil, 5)
    assert.equal(42, child.port)
    child:stop()
    child:remove()
    child = nil
    local other = directory:write("nvim", "#!/bin/sh\necho \"$2 43\"; exec sleep 5\n")
    directory:run "chmod +x *"
    rawset(_G, "arg", { [0] = other })
    local ok, message = pcall(process.start, "", nil, 5)
    assert.is_false(ok) -- by a real one, which finds no settings in what it is given
    assert.matches("the server did not start: ", message)
  end)
end)

describe("what a child is started with", function()
  local execute, popen, arg_given, jit_given = os.execute, io.popen, rawget(_G, "arg"), rawget(_G, "jit")
  local root

  after_each(function()
    os.execute, io.popen = execute, popen -- luacheck: ignore 122
    rawset(_G, "arg", arg_given)
    rawset(_G, "jit", jit_given)
  end)

  it("goes with its directory where no process can be started", function()
    local path
    io.popen = function(command, mode) -- luacheck: ignore 122
      if mode then
        path = command:match "'([^']*)'/owner"
        return nil, "sh: Too many open files", 24
      end
      return popen(command)
    end
    local ok, message = pcall(process.start, "", nil, 1)
    assert.same({ false, "anthropic.testing: the server did not start: sh: Too many open files" }, { ok, message })
    assert.is_nil(io.open(path .. "/start.lua"))
  end)

  -- Starts nothing; gives the texts of the program and of the shell's script, and the commands.
  local function start(lua, seconds)
    local commands = {}
    os.execute = function(command) commands[#commands + 1] = command end -- luacheck: ignore 122
    io.popen = function(command, mode) -- luacheck: ignore 122
      if command:find "^mktemp" then
        return popen(command)
      end
      assert.equal("w", mode)
      commands[#commands + 1] = command
      return { close = function() end }
    end
    local ok, message = pcall(process.start, "", lua, seconds or 1)
    os.execute, io.popen = execute, popen -- luacheck: ignore 122
    assert.is_false(ok)
    assert.matches("not ready after " .. (seconds or 1) .. " seconds$", message)
    root = commands[#commands]:match "^rm %-rf '(.*)'$"
    assert.is_string(root, "its directory stays")
    local function read(name)
      local file = assert(io.open(root .. "/" .. name))
      local text = file:read "*a"
      file:close()
      return text
    end
    local program, script = read "start.lua", read "start.sh"
    execute("rm -rf '" .. root .. "'")
    return program, script, table.concat(commands, "\n")
  end

  -- The interpreters that are tried.
  local function tried(lua)
    local text = select(2, start(lua))
    return (text:match "for lua in ([^\n]*); do\n")
  end

  it("waits a hundredth of a second as often as it takes", function()
    assert.matches("$count -ge 100 ]; do sleep 0.01; count=$((count + 1)); done", select(3, start(nil, 1)), 1, true)
    assert.matches("$count -ge 3 ]", select(3, start(nil, 0.021)), 1, true)
    assert.matches("&& count=0\n", select(3, start(nil, 1)), 1, true)
  end)

  it("tries one Lua, or this one and its usual names", function()
    assert.equal("'/my lua'", tried "/my lua")
    local version = _VERSION:match "%d.%d"
    local usual = ("'lua%s' 'lua%s' 'lua-%s' 'lua'"):format(version, (version:gsub("%.", "")), version)
    rawset(_G, "jit", nil)
    rawset(_G, "arg", nil)
    assert.equal(usual, tried())
    rawset(_G, "arg", { [0] = "spec.lua", [-1] = "/usr/bin/lua5.4", "x" })
    assert.equal("'/usr/bin/lua5.4' " .. usual, tried())
    for _, program in ipairs { "/usr/bin/nvim", "spec.lua.exe", "/lua/nvim", "mylua" } do
      rawset(_G, "arg", { [0] = program })
      assert.equal(usual, tried())
    end
    rawset(_G, "jit", { version = "LuaJIT" })
    rawset(_G, "arg", { [0] = "luajit-2.1" })
    assert.equal("'luajit-2.1' 'luajit' 'lua'", tried())
  end)

  it("runs the server with the paths of this process, where it is the same Lua, before its own", function()
    local program = start()
    local path, cpath, require_given = package.path, package.cpath, rawget(_G, "require")
    local function run(version, jit)
      local version_given, seen = _VERSION, nil
      local load_program = rawget(_G, "loadstring") or load
      package.path, package.cpath = "its/?.lua", "its/?.so"
      rawset(_G, "_VERSION", version)
      rawset(_G, "jit", jit)
      rawset(_G, "require", function(name)
        seen = { name, package.path, package.cpath }
        return { child = function(...) seen[4], seen[5] = ... end }
      end)
      local ok, message = pcall(load_program(program), "77")
      rawset(_G, "_VERSION", version_given)
      rawset(_G, "jit", jit_given)
      rawset(_G, "require", require_given)
      package.path, package.cpath = path, cpath
      assert.is_true(ok, message)
      return seen
    end
    local function of_environment(name)
      return ";" .. ((os.getenv(name) or ""):gsub(";;+", ";"):gsub("^;", ""))
    end
    local source = debug.getinfo(process.start, "S").source:match "^@(.*)anthropic/testing/process%.lua$"
    local here = source .. "?.lua;" .. source .. "?/init.lua;"
    assert.same({ "anthropic.testing.server", here .. path .. ";its/?.lua", cpath .. ";its/?.so", root, "77" },
      run(_VERSION, jit_given))
    local other_path, other_cpath = "its/?.lua" .. of_environment "LUA_PATH", "its/?.so" .. of_environment "LUA_CPATH"
    assert.same({ "anthropic.testing.server", here .. other_path, other_cpath, root, "77" }, run("Lua 9", jit_given))
    assert.equal(other_cpath, run(_VERSION, not jit_given and {} or nil)[3])
  end)
end)
