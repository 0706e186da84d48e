local child = require "spec.support.child"
local frame = require "anthropic.loop.frame"
local loop = require "anthropic.loop"
local waiting = require "spec.support.waiting"

describe("the frame driver", function()
  local failure

  waiting.describe_driver(it, {
    driver = function() return frame end,
    start = function(f) coroutine.wrap(f)() end,
    turn = function()
      local ok, err = pcall(frame.update, 1)
      failure = not ok and err or failure
    end,
    failure = function()
      local told = failure
      failure = nil
      return told
    end,
  })

  describe("in an update", function()
    local step = loop.step

    after_each(function() loop.step = step end)

    it("never waits, and stops waking after a millisecond or the seconds given", function()
      local calls = {}
      loop.step = function(...) calls[#calls + 1] = { ... } end
      frame.update()
      frame.update(0.25)
      frame.update(0)
      assert.same({ { 0, 0.001 }, { 0, 0.25 }, { 0, 0 } }, calls)
    end)

    it("raises what a task raises that nobody waits for", function()
      frame.spawn(function() error("unheard", 0) end)
      local ok, err = pcall(frame.update)
      assert.is_false(ok)
      assert.equal("unheard", err)
    end)
  end)

  it("goes on in an update, not where the news is given", function()
    local subject, has_ended = waiting.subject(), false
    coroutine.wrap(function()
      frame.wait(subject)
      has_ended = true
    end)()
    subject.give()
    assert.is_false(has_ended)
    frame.update()
    assert.is_true(has_ended)
  end)

  it("is chosen by whoever requires it or steps it, not by a client that names it", function()
    local function name_after(code)
      return child.output(([[local loop = require "anthropic.loop" %s io.write(loop.name())]]):format(code))
    end
    assert.equal("frame", name_after 'require "anthropic.loop.frame"')
    assert.equal("blocking", name_after 'loop.driver "frame"')
    assert.equal("frame", name_after 'loop.driver("frame").update()')
    assert.equal("blocking", name_after 'require "anthropic.loop.frame" loop.use "blocking"')
  end)

  it("cannot wait outside of coroutines, and says what can", function()
    assert.same({ false, "the frame loop cannot wait here: use anthropic.spawn, or on_done of messages.stream" },
      { pcall(frame.check) })
  end)
end)
