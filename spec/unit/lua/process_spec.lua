-- The type of a command that runs: loop:run { ... }.

local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"

describe("a command", function()
  local loop

  before_each(function()
    loop = core.loop()
  end)

  after_each(function()
    loop:close()
  end)

  local function run(...)
    return core_peer.run_command(loop, ...)
  end

  it("wakes the loop, which tells of it", function()
    local process = assert(loop:run { "/bin/sh", "-c", "sleep 0.01; echo x" })
    assert.is_false(process:has_news())
    local ready
    repeat
      loop:wait(10)
      ready = loop:next_ready()
    until ready
    assert.equal(process, ready)
    assert.is_true(process:has_news())
    process:close()
    process:close()
  end)

  it("is ended where nobody has it any more", function()
    local process = assert(loop:run { "/bin/sh", "-c", "echo $$; exec sleep 60" })
    loop:wait(10)
    process:output()
    process = nil -- luacheck: ignore 311
    collectgarbage()
    collectgarbage()
    assert.is_nil(loop:next_ready())
    local other = assert(loop:run { "sleep", "60" })
    loop:close()
    assert.is_nil((other:output()))
    other:close()
  end)

  it("may end between its news and whoever takes them", function()
    local process = assert(loop:run { "true" })
    repeat
      loop:wait(10)
    until process:has_news()
    process:close()
    process = nil -- luacheck: ignore 311
    collectgarbage()
    collectgarbage()
    assert.is_nil(loop:next_ready())
  end)

  it("that is not there is none", function()
    local process, message = loop:run { "/no/such/command" }
    if process then -- under valgrind, and in some C libraries, the child finds out
      process:close()
      assert.equal(127, select(2, run "/no/such/command"))
    else
      assert.equal("No such file or directory", message)
    end
  end)

  it("is a list of strings", function()
    for _, arguments in ipairs { {}, { 1 }, { "a\0b" }, { "a", {} } } do
      assert.has_error(function() loop:run(arguments) end)
    end
    assert.has_error(function() loop:run() end)
  end)
end)
