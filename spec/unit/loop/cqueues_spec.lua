local descriptor = require "spec.support.descriptor"
local has_cqueues, cqueues = pcall(require, "cqueues")
local waiting = require "spec.support.waiting"

if not has_cqueues or not descriptor.is_there then
  describe("the cqueues driver", function()
    it("waits in coroutines of cqueues", function()
      pending(has_cqueues and descriptor.MISSING or "cqueues is not installed")
    end)
  end)
  return
end

local driver = require "anthropic.loop.cqueues"
local loop = require "anthropic.loop"
local protected = require "anthropic.loop.protected"

describe("the cqueues driver", function()
  local controller, failure

  local function turn(seconds)
    local ok, err = controller:step(seconds or 0.001)
    failure = failure or not ok and err or nil
  end

  before_each(function()
    controller, failure = cqueues.new(), nil
  end)

  after_each(function()
    assert.is_true(loop.is_idle())
  end)

  waiting.describe_driver(it, {
    driver = function() return driver end,
    start = function(f) controller:wrap(f) end,
    turn = turn,
    failure = function()
      local told = failure
      failure = nil
      return told and tostring(told)
    end,
    keeps_threads = true, -- it would not forget them
  })

  describe("lets controller:loop() return", function()
    it("when the last one who waits has gone on", function()
      local ended = 0
      for _, seconds in ipairs { 0.01, 0.02 } do
        controller:wrap(function()
          driver.wait(waiting.subject(), seconds)
          ended = ended + 1
        end)
      end
      assert.is_true((controller:loop(2)))
      assert.equal(2, ended)
      assert.equal(0, controller:count())
    end)

    it("when a wait was broken off", function()
      local subject = waiting.subject()
      local is_broken = false
      function subject.has_news()
        if is_broken then
          error("of the subject", 0)
        end
        return false
      end
      local told
      controller:wrap(function()
        told = { protected.call(function() return driver.wait(subject, 600) end) }
        protected.mend()
      end)
      turn()
      turn()
      is_broken = true
      loop.wake(subject)
      assert.is_true((controller:loop(2)))
      assert.same({ false, "of the subject" }, told)
      assert.equal(0, controller:count())
    end)

    it("at once, whatever it waits for, when news comes from elsewhere", function()
      local subject = waiting.subject()
      controller:wrap(function() driver.wait(subject, 600) end)
      controller:wrap(function()
        cqueues.sleep(0.005)
        subject.give()
      end)
      local began = cqueues.monotime()
      assert.is_true((controller:loop(2)))
      assert.is_true(cqueues.monotime() - began < 1)
      assert.equal(0, controller:count())
    end)
  end)

  it("has one coroutine of its own in a controller, however many wait, and one again later", function()
    for _ = 1, 2 do
      local subjects = {}
      for i = 1, 3 do
        subjects[i] = waiting.subject()
        controller:wrap(function() driver.wait(subjects[i]) end)
        turn()
      end
      assert.equal(4, controller:count())
      for i = 1, 3 do
        subjects[i].give()
        turn()
      end
      assert.is_true((controller:loop(2)))
      assert.equal(0, controller:count())
    end
  end)

  it("wakes those of several controllers, whichever of them steps", function()
    local other = cqueues.new()
    local subject, done = waiting.subject(), {}
    controller:wrap(function() driver.wait(subject) done[#done + 1] = "here" end)
    other:wrap(function()
      driver.wait(waiting.subject(), 0.01)
      subject.give()
      done[#done + 1] = "there"
    end)
    turn()
    assert.is_true((other:loop(2)))
    assert.is_true((controller:loop(2)))
    assert.same({ "there", "here" }, done)
  end)

  describe("cannot wait", function()
    it("outside of cqueues' coroutines", function()
      assert.same({ false, "cqueues cannot wait here: wait in a coroutine of cq:wrap" }, { pcall(driver.check) })
    end)

    it("in a coroutine inside of one", function()
      local told
      controller:wrap(function()
        local inner = coroutine.create(driver.check)
        told = { coroutine.resume(inner) }
      end)
      turn()
      assert.same({ false, "cqueues cannot wait in a coroutine inside one of its own: use cq:wrap or anthropic.spawn" },
        told)
    end)

    it("but it can under protect", function()
      local told
      controller:wrap(function()
        protected.call(function()
          told = { driver.check(), driver.wait(waiting.subject(), 0) }
        end)
      end)
      assert.is_true((controller:loop(2)))
      assert.same({ true, true }, told)
    end)
  end)

  it("cannot spawn where no controller runs", function()
    assert.same({ false, "cqueues runs no controller here: call it in a coroutine of cq:wrap" },
      { pcall(driver.spawn, function() end) })
  end)

  it("can spawn in a coroutine inside of one of cqueues'", function()
    local has_run = false
    controller:wrap(function()
      coroutine.wrap(function()
        driver.spawn(function() has_run = true end)
      end)()
    end)
    assert.is_true((controller:loop(2)))
    assert.is_true(has_run)
  end)

  it("has controller:loop() tell of what a wake-up raises, and goes on", function()
    local ended = false
    controller:wrap(function()
      driver.wait(waiting.subject(), 0.01)
      ended = true
    end)
    loop.after(0, function() error("of a wake-up", 0) end)
    local ok, err = controller:loop(2)
    assert.is_false(ok or false)
    assert.matches("of a wake%-up", tostring(err))
    assert.is_true((controller:loop(2)))
    assert.is_true(ended)
  end)
end)
