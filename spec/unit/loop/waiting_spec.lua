-- How a task's wait adds to the driver's.

local loop = require "anthropic.loop"
local tasks = require "anthropic.loop.task"
local wait_support = require "spec.support.waiting"
local waiting = require "anthropic.loop.waiting"

describe("a wait", function()
  -- A driver that says what it was asked.
  local function played(given)
    local driver = { waits = {} }
    function driver.wait(subject, seconds)
      driver.waits[#driver.waits + 1] = { subject, seconds }
      if driver.result then
        return (unpack or table.unpack)(driver.result, 1, 2)
      end
      return true
    end
    for name, value in pairs(given or {}) do
      driver[name] = value
    end
    return driver
  end

  after_each(function()
    loop.use(nil)
    assert.is_true(loop.is_idle())
  end)

  it("outside of tasks is the driver's, as it is", function()
    local driver, subject = played(), wait_support.subject()
    assert.is_true(waiting.wait(driver, subject, 3))
    assert.same({ { subject, 3 } }, driver.waits)
    driver.result = { nil, "cancelled" }
    assert.same({ nil, "cancelled" }, { waiting.wait(driver, subject) })
  end)

  it("is by the one that is chosen, else by the one that is used, else by the host's", function()
    local used, chosen = played(), played()
    loop.use(used)
    waiting.wait(nil, wait_support.subject())
    waiting.wait(chosen, wait_support.subject())
    assert.same({ 1, 1 }, { #used.waits, #chosen.waits })
    loop.use(nil)
    assert.is_true(waiting.sleep(0))
    assert.equal(1, #used.waits)
  end)

  it("of a task is by the driver that started it, unless another is chosen", function()
    local starter, chosen, used = played(), played(), played()
    tasks.start(starter, function()
      loop.use(used)
      waiting.sleep(1)
      waiting.sleep(2, chosen)
    end, error)
    assert.equal(1, starter.waits[1][2])
    assert.equal(2, chosen.waits[1][2])
    assert.same({}, used.waits)
  end)

  it("of a task gives what the driver gives, and tells it whether it is a join", function()
    local is_join = {}
    local driver = played()
    local wait = driver.wait
    function driver.wait(subject, seconds)
      is_join[#is_join + 1] = subject.is_join or false
      return wait(subject, seconds)
    end
    driver.result = { nil, "cancelled" }
    local told
    tasks.start(driver, function()
      told = { waiting.wait(nil, wait_support.subject()) }
      waiting.wait(nil, { is_join = true, has_news = function() return true end })
      waiting.wait(nil, wait_support.subject())
    end, error)
    assert.same({ nil, "cancelled" }, told)
    assert.same({ false, true, false }, is_join)
  end)

  it("sleeps by waiting for nothing, in the host's way", function()
    local driver = played()
    assert.is_true(waiting.sleep(7, driver))
    local subject, seconds = driver.waits[1][1], driver.waits[1][2]
    assert.equal(7, seconds)
    assert.is_false(subject:has_news())
  end)

  it("is refused where the driver's check says so, and nothing is waited for", function()
    local driver = played { check = function() return nil, "the calling code cannot wait" end }
    for _, refused in ipairs { waiting.wait, function(...) return waiting.check(...) end } do
      local ok, err = refused(driver, wait_support.subject())
      assert.is_nil(ok)
      assert.equal("invalid_request", err.kind)
      assert.equal("cannot_wait", err.type)
      assert.equal("the calling code cannot wait", err.message)
      assert.is_true(waiting.is_refusal(err))
    end
    assert.same({}, driver.waits)
  end)

  it("raises what the driver's check raises", function()
    local driver = played { check = function() error("cannot wait here at all", 0) end }
    assert.same({ false, "cannot wait here at all" }, { pcall(waiting.wait, driver, wait_support.subject()) })
    assert.same({ false, "cannot wait here at all" }, { pcall(waiting.check, driver) })
    assert.same({}, driver.waits)
  end)

  it("goes on where the driver's check says nothing against it", function()
    for _, check in ipairs { function() return true end, function() return true, "words" end, function() end } do
      local driver = played { check = check }
      assert.equal(driver, (waiting.check(driver)))
      assert.is_true(waiting.wait(driver, wait_support.subject()))
      assert.equal(1, #driver.waits)
    end
  end)

  it("is possible where the host's check neither refuses nor raises", function()
    for is_possible, checks in pairs {
      [true] = { function() return true end, function() end },
      [false] = { function() return nil, "not here" end, function() error("not at all", 0) end },
    } do
      for _, check in ipairs(checks) do
        loop.use(played { check = check })
        local found = waiting.is_possible()
        loop.use(nil)
        assert.equal(is_possible, found)
      end
    end
    assert.is_true(waiting.is_possible())
    tasks.run(function()
      assert.is_true(waiting.is_possible())
      local found
      local _ = ("a"):gsub("a", function() found = waiting.is_possible() end)
      assert.is_false(found)
    end)
  end)

  it("knows a refusal from every other reason", function()
    assert.is_true(waiting.is_refusal { type = "cannot_wait" })
    for _, other in ipairs { "cancelled", "cannot_wait", {}, { type = "other" }, true } do
      assert.is_false(waiting.is_refusal(other))
    end
    assert.is_false(waiting.is_refusal(nil))
  end)

  it("passes a wake-up on, and asks again where there is no news", function()
    local subject = wait_support.subject()
    local seen
    local driver = played()
    function driver.wait(waiter)
      local woken = 0
      local function wake() woken = woken + 1 end
      assert.is_false(waiter:has_news())
      loop.on_news(waiter, wake)
      loop.wake(subject)
      assert.equal(1, woken)
      assert.is_false(waiter:has_news())
      loop.on_news(waiter, wake)
      subject.give()
      assert.equal(2, woken)
      seen = waiter:has_news()
      return true
    end
    tasks.start(driver, function() waiting.wait(nil, subject) end, error)
    assert.is_true(seen)
    assert.is_false(loop.is_awaited(subject))
  end)

  it("leaves no registration behind at the end of its task, whatever the driver did", function()
    local subject = wait_support.subject()
    local driver = played()
    function driver.wait(waiter)
      loop.on_news(waiter, function() end)
      error("of the driver", 0)
    end
    pcall(tasks.start, driver, function() waiting.wait(nil, subject) end, function() end)
    assert.is_false(loop.is_awaited(subject))
  end)

  it("leaves no registration behind where the driver raises", function()
    local subject = wait_support.subject()
    local driver = played()
    function driver.wait(waiter)
      assert.is_false(waiter:has_news())
      error("of the driver", 0)
    end
    local told
    local ok, err = pcall(tasks.start, driver, function() waiting.wait(nil, subject) end, function(failure)
      told = failure
    end)
    assert.is_false(ok)
    assert.matches("of the driver$", err)
    assert.equal("of the driver", told)
    assert.is_false(loop.is_awaited(subject))
  end)

  -- nginx ends coroutines without a word.
  describe("whose coroutine the host has ended", function()
    local function begin(subject)
      local driver, waiter = played(), nil
      function driver.wait(given)
        waiter = given
        waiter:has_news()
        return coroutine.yield()
      end
      local failures = {}
      local task = tasks.start(driver, function() return waiting.wait(nil, subject) end, function(err)
        failures[#failures + 1] = err
      end)
      return task, waiter, failures
    end

    it("ends its task as cancelled, and closes what it waited for", function()
      local subject = wait_support.subject()
      local task, waiter = begin(subject)
      local told
      loop.on_news(task, function() told = true end)
      waiter:close()
      assert.is_true(task.done)
      assert.is_true(told)
      assert.equal("anthropic.Task (cancelled)", tostring(task))
      assert.equal("cancelled", select(2, task:join()).kind)
      assert.equal(1, subject.closed)
      assert.is_false(loop.is_awaited(subject))
    end)

    it("does so also where there is nothing to close", function()
      local subject = { has_news = function() return false end }
      local task, waiter = begin(subject)
      waiter:close()
      assert.is_true(task.done)
      assert.is_false(loop.is_awaited(subject))
    end)
  end)
end)
