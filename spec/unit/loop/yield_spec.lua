local descriptor = require "spec.support.descriptor"
local driver = require "anthropic.loop.yield"
local loop = require "anthropic.loop"
local waiting = require "spec.support.waiting"

describe("the yield driver", function()
  -- A scheduler of somebody's own: it resumes all, again and again.
  local threads, failure = {}, nil

  local function resume_all()
    for i = #threads, 1, -1 do
      if coroutine.status(threads[i]) == "suspended" then
        local ok, err = coroutine.resume(threads[i])
        failure = failure or not ok and err or nil
      end
      if coroutine.status(threads[i]) == "dead" then
        table.remove(threads, i)
      end
    end
  end

  waiting.describe_driver(it, {
    driver = function() return driver end,
    start = function(f) threads[#threads + 1] = coroutine.create(f) end,
    turn = function()
      if not threads[1] then
        local ok, err = pcall(loop.step, 0)
        failure = failure or not ok and err or nil
      end
      resume_all()
    end,
    failure = function()
      local told = failure
      failure = nil
      return told
    end,
  })

  it("yields the descriptor, at each turn, and takes nothing from who resumes it", function()
    if not descriptor.is_there then
      pending(descriptor.MISSING)
    end
    local subject = waiting.subject()
    local thread = coroutine.create(function() return driver.wait(subject) end)
    for _ = 1, 3 do
      local ok, yielded = coroutine.resume(thread, "something")
      assert.is_true(ok)
      assert.equal(loop.descriptor(), yielded)
    end
    subject.is_ready = true
    local ok, result = coroutine.resume(thread)
    assert.same({ true, true, "dead" }, { ok, result, coroutine.status(thread) })
    assert.is_true(loop.is_idle())
  end)

  describe("resumed by the host", function()
    local step = loop.step
    local calls

    before_each(function()
      calls = {}
      loop.step = function(...)
        calls[#calls + 1] = { ... }
        return step(...)
      end
    end)

    after_each(function() loop.step = step end)

    it("steps the loop without waiting, for all", function()
      local one, other = waiting.subject(), waiting.subject()
      local ended
      local second = coroutine.create(function()
        driver.wait(other)
        ended = true
      end)
      local first = coroutine.create(function() driver.wait(one) end)
      coroutine.resume(first)
      coroutine.resume(second)
      assert.same({}, calls)
      loop.after(0, other.give)
      coroutine.resume(first)
      assert.same({ { 0 } }, calls)
      assert.is_true(ended)
      one.give()
      coroutine.resume(first)
      assert.equal("dead", coroutine.status(first))
    end)

    it("takes no step where a step has resumed it", function()
      local subject, ended = waiting.subject(), false
      local thread = coroutine.create(function()
        driver.wait(subject)
        ended = true
      end)
      coroutine.resume(thread)
      loop.after(0, subject.give)
      step(0)
      assert.is_true(ended)
      assert.same({}, calls)
    end)

    it("raises what another's wake-up raised, and forgets what it waited for", function()
      local subject = waiting.subject()
      local thread = coroutine.create(function() driver.wait(subject, 600) end)
      coroutine.resume(thread)
      driver.spawn(function() error("unheard", 0) end)
      local ok, err = coroutine.resume(thread)
      assert.same({ false, "unheard" }, { ok, err })
      assert.is_true(loop.is_awaited(subject) == false and loop.is_idle())
    end)
  end)

  it("cannot wait outside of coroutines", function()
    assert.same({ false, 'the loop "yield" waits inside a coroutine only' }, { pcall(driver.check) })
  end)
end)
