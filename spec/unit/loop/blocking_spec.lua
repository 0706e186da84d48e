local blocking = require "anthropic.loop.blocking"
local core = require "anthropic.core"
local loop = require "anthropic.loop"
local waiting = require "spec.support.waiting"

describe("the blocking driver", function()
  local step = loop.step
  local waits, pass

  before_each(function()
    waits = {}
    pass = waiting.stop_clock()
  end)

  after_each(function()
    loop.step = step
    waiting.restart_clock()
  end)

  -- Replaces the steps: each takes the seconds given, then does what `during` says.
  local function steps_take(seconds, during)
    loop.step = function(limit, budget, takes_interrupt)
      waits[#waits + 1] = limit
      assert.is_nil(budget)
      assert.is_true(#waits < 100, "it waits for ever")
      pass(seconds)
      return true, during and during(#waits, takes_interrupt)
    end
  end

  it("blocks: it does not suspend, needs no coroutine and spawns none", function()
    assert.is_nil(blocking.suspends)
    assert.is_nil(blocking.spawn)
    assert.is_nil(blocking.check)
  end)

  it("takes no step where there is news already", function()
    steps_take(1)
    local subject = waiting.subject()
    subject.is_ready = true
    assert.is_true(blocking.wait(subject))
    assert.is_true(blocking.wait(subject, 5))
    assert.is_true(blocking.wait(subject, 0))
    assert.same({}, waits)
  end)

  it("steps as long as it takes until there is news", function()
    local subject = waiting.subject()
    steps_take(1, function(count) subject.is_ready = count == 3 end)
    assert.is_true(blocking.wait(subject))
    assert.same({ 0.1, 0.1, 0.1 }, waits) -- each looks for Ctrl-C at its end
  end)

  it("steps for the time that is left", function()
    local subject = waiting.subject()
    steps_take(2, function(count) subject.is_ready = count == 4 end)
    assert.is_true(blocking.wait(subject, 6.0625))
    assert.same({ 0.1, 0.1, 0.1, 0.0625 }, waits)
  end)

  it("takes a last step when the time is over, and then returns true", function()
    steps_take(2)
    assert.is_true(blocking.wait(waiting.subject(), 3))
    assert.same({ 0.1, 0.1, 0 }, waits)
  end)

  it("ends by an interrupt, and leaves another within a second of it to the host", function()
    local takes = {}
    steps_take(0.5, function(count, takes_interrupt)
      takes[count] = takes_interrupt
      return count == 2 or count == 6
    end)
    assert.same({ nil, "cancelled" }, { blocking.wait(waiting.subject()) })
    assert.equal(2, #waits)
    assert.same({ nil, "cancelled" }, { blocking.wait(waiting.subject(), 60) })
    assert.same({ true, true, false, false, false, true }, takes)
    assert.same({ 0.1, 0.1, 60, 59.5, 59, 0.1 }, waits)
    pass(2)
  end)

  it("takes one step where there is no time", function()
    for _, seconds in ipairs { 0, -1, -math.huge } do
      waits = {}
      steps_take(0)
      assert.is_true(blocking.wait(waiting.subject(), seconds))
      assert.same({ 0 }, waits)
    end
  end)

  it("moves the others along: what has its time meanwhile is called", function()
    waiting.restart_clock()
    local called
    loop.after(0.01, function() called = true end)
    local began = core.now()
    assert.is_true(blocking.wait(waiting.subject(), 0.02))
    assert.is_true(core.now() - began >= 0.02)
    assert.is_true(called)
  end)

  it("ends by news that comes of a wake-up", function()
    waiting.restart_clock()
    local subject = waiting.subject()
    loop.after(0.01, subject.give)
    assert.is_true(blocking.wait(subject))
  end)

  it("raises what a wake-up raises, where no host takes steps", function()
    waiting.restart_clock()
    loop.after(0, function() error("of another", 0) end)
    local ok, err = pcall(blocking.wait, waiting.subject(), 5)
    assert.is_false(ok)
    assert.equal("of another", err)
  end)

  it("has the host's own steps raise that, one after the other, and waits on", function()
    waiting.restart_clock()
    loop.use "frame"
    finally(function() loop.use(nil) end)
    local subject = waiting.subject()
    loop.after(0, function() error("of another", 0) end)
    loop.after(0, function() error(false) end)
    loop.after(0.01, subject.give)
    assert.same({ true }, { blocking.wait(subject) })
    assert.same({ false, "of another" }, { pcall(loop.step, 0) })
    assert.same({ false, false }, { pcall(loop.step, 0) })
    assert.is_true((pcall(loop.step, 0)))
    assert.is_true(loop.is_idle())
  end)
end)
