-- The server's process, by programs that are no server.

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
      process.stop(child)
      process.remove(child)
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
    process.stop(child)
    assert.is_true(exists(path .. "/ended"))
    assert.equal("gone\n", directory:run("kill -0 " .. child.pid .. " 2>/dev/null && echo there || echo gone"))
    process.remove(child)
    assert.is_falsy(exists(path .. "/settings"))
    child = nil
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
    process.stop(child)
    process.remove(child)
    child = nil
    local other = directory:write("nvim", "#!/bin/sh\necho \"$2 43\"; exec sleep 5\n")
    directory:run "chmod +x *"
    rawset(_G, "arg", { [0] = other })
    local ok, message = pcall(process.start, "", nil, 5)
    assert.is_false(ok) -- by a real one, which finds no settings in what it is given
    assert.matches("the server did not start: ", message)
  end)
end)
