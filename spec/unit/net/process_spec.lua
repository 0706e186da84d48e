-- A command that runs beside the host: what it may write, and what it has of the host.

local abilities = require "spec.support.abilities"
local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local socket = require "socket"

describe("a command's process", function()
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

  it("gives what it wrote and its status", function()
    local output, status = run("/bin/sh", "-c", "printf 'a\\0b'; exit 7")
    assert.same({ "a\0b", 7 }, { output, status })
    output, status = run("/bin/sh", "-c", "kill -9 $$")
    assert.same({ "", -9 }, { output, status })
  end)

  it("writes at most 256 KiB", function()
    local output, status = run("/bin/sh", "-c", "head -c 262144 /dev/zero")
    assert.same({ 262144, 0 }, { #output, status })
    output, status = run("/bin/sh", "-c", "head -c 262145 /dev/zero")
    assert.same({ nil, "too_large" }, { output, status })
  end)

  it("reads nothing", function()
    assert.equal("", (run "cat"))
  end)

  it("has its output whole, in whatever pieces it comes", function()
    local output, status = run("/bin/sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.002; done")
    assert.same({ "1\n2\n3\n", 0 }, { output, status })
    for _, count in ipairs { 1, 4095, 4096, 4097, 65537 } do
      assert.equal(count, #run("/bin/sh", "-c", ("head -c %d /dev/zero"):format(count)))
    end
  end)

  it("has news as soon as it writes, which is named", function()
    local process = assert(loop:run { "/bin/sh", "-c", "echo x; exec sleep 60" })
    assert.is_false(process:has_news())
    core_peer.run(loop, function() return process:has_news() end)
    assert.equal(process, loop:next_ready())
    assert.is_nil(loop:next_ready())
    process:close()
  end)

  it("has its output where nobody steps the loop", function()
    local process = assert(loop:run { "/bin/sh", "-c", "echo x; exit 3" })
    local output, status = process:output()
    local deadline = core.now() + 10
    while not output and core.now() < deadline do
      socket.sleep(0.002)
      output, status = process:output()
    end
    assert.same({ "x\n", 3 }, { output, status })
    process:close()
  end)

  it("may go on after it has written all", function()
    local output, status = run("/bin/sh", "-c", "echo x; exec >/dev/null; sleep 0.02; exit 3")
    assert.same({ "x\n", 3 }, { output, status })
    local process = assert(loop:run { "/bin/sh", "-c", "echo x; exec >/dev/null; exec sleep 60" })
    core_peer.run(loop, function() -- nobody waits for it meanwhile
      output, status = process:output()
      return status == "soon"
    end)
    assert.is_nil(output)
    process:close()
  end)

  it("takes the status of no other one, however often it is asked", function()
    local first, second = assert(loop:run { "true" }), assert(loop:run { "/bin/sh", "-c", "exit 7" })
    core_peer.run(loop, function() return first:output() end)
    core_peer.run(loop, function() return second:has_news() end)
    socket.sleep(0.02) -- it may be over only then
    assert.same({ "", 0 }, { first:output() })
    core_peer.run(loop, function() return second:output() end)
    assert.same({ "", 7 }, { second:output() })
    first:close()
    second:close()
  end)

  it("ends by a signal that the host may ignore", function()
    local output = run("/bin/sh", "-c", "kill -PIPE $$; echo survived")
    assert.equal("", output)
  end)

  it("is found by its name on the path, and gets its arguments as they are", function()
    assert.equal("a b|$HOME|", (run("printf", "%s|", "a b", "$HOME")))
  end)

  it("is ended with all that it would write", function()
    local process = assert(loop:run { "/bin/sh", "-c", "echo x; exec sleep 60" })
    loop:wait(10)
    assert.is_nil((process:output()))
    process:close()
    assert.is_true(process:has_news())
    assert.equal(-9, select(2, process:output()))
  end)

  it("is its parent's in a forked child, which neither ends nor waits for it", function()
    if not abilities then
      pending "of this system cannot be had"
      return
    end
    local process = assert(loop:run { "/bin/sh", "-c", "sleep 0.05; echo x" })
    for _, asks in ipairs { false, true } do
      local pid = abilities.fork()
      if pid == 0 then
        local output, status = "", -9
        if asks then
          output, status = process:output()
        end
        process:close()
        abilities.exit(output == "" and status == -9 and 0 or 1)
      end
      assert.equal(0, abilities.wait(pid))
    end
    local output, status = process:output()
    while not output do
      loop:wait(status == "soon" and 0.005 or 10)
      output, status = process:output()
    end
    process:close()
    assert.same({ "x\n", 0 }, { output, status })
  end)

  it("leaves no descriptor open, however it ends", function()
    run("true")
    local _, before = core_peer.descriptors():gsub("\n", "")
    run("true")
    run("/bin/sh", "-c", "head -c 300000 /dev/zero")
    assert(loop:run { "sleep", "60" }):close()
    loop:run { "/no/such/command" }
    collectgarbage()
    local _, after = core_peer.descriptors():gsub("\n", "")
    assert.equal(before, after)
  end)
end)
