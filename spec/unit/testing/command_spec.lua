-- The command: its arguments, what it prints, how it ends.

local command = require "anthropic.testing.command"
local server = require "anthropic.testing.server"

describe("the command", function()
  local run, exit, stdout, stderr, arg_given = server.run, os.exit, io.stdout, io.stderr, rawget(_G, "arg")
  local settings, printed, complained, code

  local function sink(note)
    return { write = function(_, ...) note(table.concat { ... }) end, flush = function() end }
  end

  before_each(function()
    settings, printed, complained, code = nil, "", "", nil
    server.run = function(given) settings = given end
  end)

  after_each(function()
    server.run, os.exit, io.stdout, io.stderr = run, exit, stdout, stderr -- luacheck: ignore 122
    rawset(_G, "arg", arg_given)
  end)

  -- Runs it until it ends; its exit code.
  local function main(arguments, failure)
    if failure then
      server.run = function() error(failure, 0) end
    end
    os.exit = function(given) -- luacheck: ignore 122
      code = given
      error("exit", 0)
    end
    io.stdout = sink(function(text) printed = printed .. text end) -- luacheck: ignore 122
    io.stderr = sink(function(text) complained = complained .. text end) -- luacheck: ignore 122
    local ok, how = pcall(command, arguments)
    io.stdout, io.stderr = stdout, stderr -- luacheck: ignore 122
    assert.same({ false, "exit" }, { ok, how })
    return code
  end

  it("plays the demo where it is told nothing, without an end", function()
    assert.equal(0, main {})
    assert.equal(4, #settings.plan.routes)
    assert.is_nil(settings.port)
    assert.is_nil(settings.lifetime)
    assert.equal("", printed .. complained)
    io.stdout = sink(function(text) printed = printed .. text end) -- luacheck: ignore 122
    settings.ready(4711)
    io.stdout = stdout -- luacheck: ignore 122
    assert.equal("http://127.0.0.1:4711\n", printed)
  end)

  it("takes a port, a lifetime and a script", function()
    local path = os.tmpname()
    local file = io.open(path, "w")
    file:write 'return { { body = "mine" } }'
    file:close()
    assert.equal(0, main { "--port", "8080", "--lifetime", "1.5", "--script", path })
    os.remove(path)
    assert.same({ 8080, 1.5 }, { settings.port, settings.lifetime })
    assert.same({ "mine" }, settings.plan.routes[1].answers[1].pieces)
  end)

  it("shows how it is used where it is told anything else", function()
    for _, arguments in ipairs {
      { "--port" }, { "--port", "x" }, { "--lifetime" }, { "--lifetime", "x" }, { "--script" }, { "--other", "1" },
      { "port", "1" }, { "-port", "1" }, { "--port", "1", "x" }, { "--port=1" }, { "" },
    } do
      complained = ""
      assert.equal(1, main(arguments))
      assert.matches("^Runs a local server .*%-%-port N .*%-%-script FILE .*%-%-lifetime S ", complained)
      assert.is_nil(settings)
    end
  end)

  it("takes its arguments from the command line, from the first option on", function()
    for _, arg in ipairs {
      { [-2] = "lua", [-1] = "-e", [0] = "code", "--port", "7" }, { [-1] = "lua", [0] = "--port", "7" },
      { [-1] = "--port", [0] = "7" }, { [-2] = "lua", [-1] = "--port", [0] = "7" },
      { [-3] = "lua", [-2] = "-e", [-1] = "code", [0] = "--port", "7" }, { [0] = "x", "-", "y", "--port", "7" },
    } do
      rawset(_G, "arg", arg)
      settings = nil
      assert.equal(0, main())
      assert.equal(7, settings.port)
    end
    rawset(_G, "arg", { [0] = "x", "y", "-p" })
    assert.equal(0, main())
    assert.is_nil(settings.port)
  end)

  it("fails with the server's words, but not where it is interrupted", function()
    assert.equal(1, main({}, "cannot listen"))
    assert.equal("cannot listen\n", complained)
    complained = ""
    assert.equal(0, main({}, "x: interrupted!"))
    assert.equal("", complained)
    assert.equal(1, main { "--script", "/nowhere/x.lua" })
    assert.matches("/nowhere/x.lua", complained, 1, true)
  end)
end)
