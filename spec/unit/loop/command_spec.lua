-- Commands that run in the way of the host; that credentials come of them: spec/behaviour/credentials_spec.lua.

local abilities = require "spec.support.abilities"
local anthropic = require "anthropic"
local command = require "anthropic.loop.command"
local core = require "anthropic.core"
local loop = require "anthropic.loop"

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

describe("a command", function()
  local function waiter(fields)
    local self = { deadline = math.huge }
    for name, value in pairs(fields or {}) do
      self[name] = value
    end
    function self.has_news()
      return self.closed or self.was_called
    end
    return self
  end

  local function run(arguments, fields, driver)
    return command.output(driver or loop.driver "blocking", arguments, waiter(fields))
  end

  it("has its output and its status", function()
    assert.same({ "x\n", 0 }, { run { "echo", "x" } })
    assert.same({ "", 3 }, { run { "/bin/sh", "-c", "exit 3" } })
    assert.same({ "", -15 }, { run { "/bin/sh", "-c", "kill $$" } })
  end)

  it("goes on after it has written all", function()
    assert.same({ "x\n", 4 }, { run { "/bin/sh", "-c", "echo x; exec >/dev/null; sleep 0.02; exit 4" } })
  end)

  it("may write so much and no more", function()
    assert.same({ nil, "too_large" }, { run { "head", "-c", "300000", "/dev/zero" } })
  end)

  it("that cannot be run says so", function()
    local text, status, message = run { "/no/such/command" }
    if text then -- in some C libraries the child finds out
      assert.equal(127, status)
    else
      assert.same({ nil, "No such file or directory" }, { status, message })
    end
  end)

  it("has its status where the host collects all children", function()
    if not abilities then
      pending "of this system cannot be had"
      return
    end
    abilities.ignore_children(true)
    local ok, results = pcall(function()
      local list = {}
      for i, words in ipairs {
        { "/bin/sh", "-c", "echo x; exit 3" }, { "printf", "%s", "a\n0" },
        { "head", "-c", "300000", "/dev/zero" },
      } do
        list[i] = { run(words) }
      end
      list[#list + 1] = { run({ "sleep", "60" }, { deadline = core.now() + 0.02 }) }
      return list
    end)
    abilities.ignore_children(false)
    assert(ok, results)
    assert.same({ { "x\n", 3 }, { "a\n0", 0 }, { nil, "too_large" }, { nil, "cancelled" } }, results)
  end)

  it("may have its status behind its output", function()
    for words, expected in pairs {
      [{ "/bin/sh", "-c", "echo x; exit 3" }] = { "x\n", 3 }, [{ "true" }] = { "", 0 },
      [{ "printf", "%s", "a b\n7" }] = { "a b\n7", 0 },
    } do
      assert.same(expected, { command.split_status((run(command.with_status(words)))) })
    end
    assert.same({ nil, nil }, { command.split_status "ended early\n" })
  end)

  it("may be run without its standard error", function()
    local loud = { "/bin/sh", "-c", "exec 2>&1; echo out" } -- its own words still come
    assert.same({ "out\n", 0 }, { run(command.quietly(loud)) })
    local seen = command.quietly { "/bin/sh", "-c", "echo unseen >&2; exit 5" }
    assert.same({ "", 5 }, { run { "/bin/sh", "-c", '"$@" 2>&1', "sh", unpack(seen) } })
  end)

  it("is waited for as long as its waiter lasts", function()
    assert.same({ nil, "cancelled" }, { run({ "sleep", "60" }, { closed = true }) })
    assert.same({ nil, "cancelled" }, { run({ "sleep", "60" }, { deadline = core.now() }) })
  end)

  it("lets others go on meanwhile", function()
    local steps, result = 0, nil
    anthropic.run(function()
      local task = anthropic.spawn(function()
        result = { run({ "/bin/sh", "-c", "sleep 0.03; echo x" }, nil, loop.driver()) }
      end)
      while not result do
        anthropic.sleep(0.002)
        steps = steps + 1
      end
      task:join()
    end)
    assert.same({ "x\n", 0 }, result)
    assert.is_true(steps > 1)
  end)

  it("is run by the driver that can", function()
    local closed, asked = false, nil
    local driver = { wait = function() return true end, run = function(arguments)
      asked = arguments
      return {
        output = function() return "own", 0 end, close = function() closed = true end, has_news = function() end,
      }
    end }
    assert.same({ "own", 0 }, { run({ "a" }, nil, driver) })
    assert.same({ "a" }, asked)
    assert.is_true(closed)
    function driver.run()
      return nil, "no such thing"
    end
    assert.same({ nil, nil, "no such thing" }, { run({ "a" }, nil, driver) })
    function driver.run() end
    driver.wait = loop.driver("blocking").wait
    assert.equal("x\n", (run({ "echo", "x" }, nil, driver)))
  end)
end)
