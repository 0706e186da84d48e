-- The type of a command that runs: loop:run { ... }.

local abilities = require "spec.support.abilities"
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
    local process = assert(loop:run { "/bin/sh", "-c", "sleep 0.01; echo x; exec sleep 60" })
    assert.is_false(process:has_news())
    assert.same({ n = 2 }, { n = select("#", process:output()), process:output() })
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
    for arguments, message in pairs {
      [{}] = "a list of strings expected", ["true"] = "a list of strings expected",
      [{ 1 }] = "strings without NUL expected", [{ "a\0b" }] = "strings without NUL expected",
      [{ "a", {} }] = "strings without NUL expected",
    } do
      local ok, words = pcall(loop.run, loop, arguments)
      assert.is_false(ok)
      assert.matches(message, words, 1, true)
    end
    assert.has_error(function() loop:run() end)
    assert.equal("a|b", (run("printf", "%s|%s", "a", "b")))
  end)

  it("says that nobody knows how it ended where the host collects all children", function()
    if not abilities then
      pending "of this system cannot be had"
      return
    end
    abilities.ignore_children(true)
    local ok, output, status = pcall(run, "/bin/sh", "-c", "echo x; exit 3")
    local done, ignored = pcall(run, "sed", "-n", "s/^SigIgn:.*\\(.\\)....$/\\1/p", "/proc/self/status")
    abilities.ignore_children(false)
    assert(ok, output)
    assert.same({ "x\n", "unknown" }, { output, status })
    assert.same({ true, "0\n" }, { done, ignored }) -- it does not inherit that
  end)

  it("says what has become of it: nothing yet, that nothing more comes, all of it, or too much", function()
    local process = assert(loop:run { "/bin/sh", "-c", "echo x; exec >/dev/null; sleep 0.05; exit 3" })
    local seen = {}
    core_peer.run(loop, function()
      local count, output, state = select("#", process:output()), process:output()
      assert.equal(2, count)
      seen[#seen + 1] = not output and (state or "nothing") or nil
      return output == "x\n" and state == 3
    end)
    assert.equal("soon", seen[#seen])
    process:close()
    process = assert(loop:run { "/bin/sh", "-c", "head -c 300000 /dev/zero" })
    core_peer.run(loop, function()
      local count, output, state = select("#", process:output()), process:output()
      return count == 2 and not output and state == "too_large"
    end)
    process:close()
  end)
end)
