local anthropic = require "anthropic"
local broken_off = require "spec.support.broken_off"
local core = require "anthropic.core"
local loop = require "anthropic.loop"
local protected = require "anthropic.loop.protected"
local scheduler = require "anthropic.loop.scheduler"
local waiting = require "spec.support.waiting"

local STOCK_5_1 = _VERSION == "Lua 5.1" and rawget(_G, "jit") == nil

-- Stock Lua 5.1 cannot clean up where an error has ended a coroutine inside a task's.
local function assert_idle()
  if not STOCK_5_1 then
    assert.is_true(loop.is_idle())
  end
end

local function count_and_pack(...)
  return { n = select("#", ...), ... }
end

-- Runs f and gives what run raised.
local function failure_of(f, ...)
  local ok, err = pcall(anthropic.run, f, ...)
  assert.is_false(ok, "run raised nothing")
  return err
end

describe("anthropic.run", function()
  it("passes its arguments on and returns all results, nils inside", function()
    local results = count_and_pack(anthropic.run(function(...)
      assert.same({ n = 4, 1, nil, "x", nil }, count_and_pack(...))
      return nil, 2, nil, 4, nil
    end, 1, nil, "x", nil))
    assert.same({ n = 5, nil, 2, nil, 4, nil }, results)
  end)

  it("returns nothing where the function returns nothing", function()
    assert.equal(0, select("#", anthropic.run(function() end)))
    assert.equal(1, select("#", anthropic.run(function() return nil end)))
  end)

  it("returns the results also after waits", function()
    assert.same({ n = 2, nil, false }, count_and_pack(anthropic.run(function()
      anthropic.sleep(0.001)
      return nil, false
    end)))
  end)

  it("raises what the function raised, unchanged", function()
    local object = setmetatable({}, { __tostring = function() return "mine" end })
    assert.equal(object, failure_of(function() error(object) end))
    assert.equal("words", failure_of(function()
      anthropic.sleep(0.001)
      error("words", 0)
    end))
    assert.equal(7, failure_of(error, 7, 0))
  end)

  it("waits for all that was spawned, also by spawned tasks", function()
    local ended = {}
    anthropic.run(function()
      anthropic.spawn(function()
        anthropic.sleep(0.01)
        anthropic.spawn(function()
          anthropic.sleep(0.01)
          ended[#ended + 1] = "inner"
        end)
        ended[#ended + 1] = "outer"
      end)
      ended[#ended + 1] = "main"
    end)
    assert.same({ "main", "outer", "inner" }, ended)
  end)

  it("waits for the others before it raises", function()
    local ended = false
    assert.equal("early", failure_of(function()
      anthropic.spawn(function()
        anthropic.sleep(0.02)
        ended = true
      end)
      error("early", 0)
    end))
    assert.is_true(ended)
  end)

  it("raises the error of a task that nobody joined, after all tasks ended", function()
    local object, ended = {}, false
    local err = failure_of(function()
      anthropic.spawn(function() error(object) end)
      anthropic.spawn(function()
        anthropic.sleep(0.02)
        ended = true
      end)
    end)
    assert.equal(object, err)
    assert.is_true(ended)
  end)

  it("raises the main function's error rather than a task's", function()
    assert.equal("main", failure_of(function()
      anthropic.spawn(function() error("task", 0) end)
      anthropic.sleep(0.001)
      error("main", 0)
    end))
  end)

  it("raises nothing for a task whose error was joined", function()
    local object = {}
    local value, err = anthropic.run(function()
      return anthropic.spawn(function() error(object) end):join()
    end)
    assert.is_nil(value)
    assert.equal(object, err)
  end)

  it("can be used again after a success and after an error", function()
    assert.equal(1, anthropic.run(function() return 1 end))
    failure_of(error, "once")
    assert.equal(2, anthropic.run(function()
      anthropic.sleep(0.001)
      return 2
    end))
  end)

  it("works inside itself: it waits for its own tasks only", function()
    local order = {}
    anthropic.run(function()
      anthropic.spawn(function()
        local deadline = core.now() + 5
        repeat
          anthropic.sleep(0.001)
        until #order == 2 or core.now() > deadline
        order[#order + 1] = "outer"
      end)
      assert.equal("inner", anthropic.run(function()
        anthropic.spawn(function()
          anthropic.sleep(0.005)
          order[#order + 1] = "inner"
        end)
        return "inner"
      end))
      order[#order + 1] = "after"
    end)
    assert.same({ "inner", "after", "outer" }, order)
  end)

  it("raises inside itself what its own tasks raised, and the outer run goes on", function()
    assert.equal("on", anthropic.run(function()
      local _, err = anthropic.spawn(function()
        anthropic.run(function()
          anthropic.spawn(error, "of the inner", 0)
        end)
      end):join()
      assert.equal("of the inner", err)
      return "on"
    end))
  end)

  it("is cancelled with the task that called it, and its tasks with it", function()
    local inner
    anthropic.run(function()
      local task = anthropic.spawn(function()
        return anthropic.run(function()
          inner = anthropic.spawn(anthropic.sleep, 600)
          anthropic.sleep(600)
        end)
      end)
      anthropic.sleep(0.02)
      task:cancel()
      assert.equal("cancelled", select(2, task:join()).kind)
      assert.equal("cancelled", select(2, inner:join()).kind)
    end)
  end)

  it("refuses what is no function", function()
    assert.has_error(function() anthropic.run("x") end, "anthropic.run: function expected, got string")
    assert.equal(1, anthropic.run(function() return 1 end))
  end)

  it("works inside a coroutine of a host, and gives control back at its end only", function()
    local host = coroutine.create(function()
      local value = anthropic.run(function()
        anthropic.sleep(0.01)
        coroutine.yield "to the scheduler"
        return "done"
      end)
      coroutine.yield("run gave " .. value)
    end)
    local _, said = coroutine.resume(host)
    assert.equal("run gave done", said)
  end)

  it("leaves nothing behind that a later run would trip over", function()
    local left
    failure_of(function()
      local other
      left = anthropic.spawn(function() return other:join() end)
      other = anthropic.spawn(function() return left:join() end)
    end)
    assert.equal("on", anthropic.run(function()
      left:cancel()
      local value, err = left:join()
      assert.is_nil(value)
      assert.equal("cancelled", err.kind)
      anthropic.sleep(0.01)
      return "on"
    end))
  end)

  it("can be left by an error from a debug hook, and be used again", function()
    local sleeper
    local hook_count = 0
    local ok, err = pcall(function()
      anthropic.run(function()
        sleeper = anthropic.spawn(anthropic.sleep, 600)
        anthropic.spawn(function()
          while true do
            coroutine.yield()
            hook_count = hook_count + 1
            if hook_count == 3 then
              error(setmetatable({}, { __tostring = function() return "interrupted" end }))
            end
          end
        end)
        anthropic.sleep(0.01)
        sleeper:cancel()
      end)
    end)
    assert.is_false(ok)
    assert.equal("interrupted", tostring(err))
    assert.equal(3, anthropic.run(function() return 3 end))
  end)
end)

describe("anthropic.spawn", function()
  it("is refused outside of run", function()
    assert.has_error(function() anthropic.spawn(function() end) end, "anthropic.spawn works inside anthropic.run")
  end)

  it("refuses what is no function", function()
    assert.matches("function expected, got nil", failure_of(function() anthropic.spawn() end))
  end)

  it("passes arguments on, and starts in order, after its caller waits", function()
    local order = {}
    anthropic.run(function()
      for i = 1, 3 do
        anthropic.spawn(function(...)
          assert.same({ n = 3, i, nil, nil }, count_and_pack(...))
          order[#order + 1] = i
        end, i, nil, nil)
      end
      order[#order + 1] = "spawned"
      anthropic.sleep(0)
      order[#order + 1] = "main"
    end)
    assert.same({ "spawned", 1, 2, 3, "main" }, order)
  end)

  it("makes ten thousand tasks", function()
    local sum = 0
    anthropic.run(function()
      for i = 1, 10000 do
        anthropic.spawn(function()
          anthropic.sleep(0)
          sum = sum + i
        end)
      end
    end)
    assert.equal(50005000, sum)
  end)
end)

describe("task:join", function()
  it("gives all results", function()
    assert.same({ n = 3, nil, 2, nil }, count_and_pack(anthropic.run(function()
      return anthropic.spawn(function()
        anthropic.sleep(0.001)
        return nil, 2, nil
      end):join()
    end)))
    assert.equal(0, anthropic.run(function()
      return select("#", anthropic.spawn(function() end):join())
    end))
  end)

  it("gives them twice, and to several tasks", function()
    anthropic.run(function()
      local object = {}
      local task = anthropic.spawn(function()
        anthropic.sleep(0.01)
        return object
      end)
      local joiners = {}
      for i = 1, 3 do
        joiners[i] = anthropic.spawn(function() return task:join() end)
      end
      for i = 1, 3 do
        assert.equal(object, joiners[i]:join())
      end
      assert.equal(object, task:join())
      assert.equal(object, task:join())
    end)
  end)

  it("gives the same error twice, and to several tasks", function()
    anthropic.run(function()
      local object = {}
      local task = anthropic.spawn(function()
        anthropic.sleep(0.01)
        error(object)
      end)
      local other = anthropic.spawn(function() return task:join() end)
      for _, joined in ipairs { task, other, task } do
        assert.same({ n = 2, nil, object }, count_and_pack(joined:join()))
      end
      local _, err = task:join()
      assert.equal(object, err)
    end)
  end)

  it("gives the results of an ended task also after the run", function()
    local task
    anthropic.run(function()
      task = anthropic.spawn(function() return 5 end)
    end)
    assert.equal(5, task:join())
  end)

  it("is refused for the task itself", function()
    local task
    local err = failure_of(function()
      task = anthropic.spawn(function()
        anthropic.sleep(0)
        task:join()
      end)
    end)
    assert.matches("cannot join itself", err)
  end)

  it("is refused outside of run for a task that has not ended", function()
    local task
    failure_of(function()
      task = anthropic.spawn(function() task:join() end)
    end)
    assert.equal(nil, (task:join()))
  end)

  it("raises where two tasks wait for each other", function()
    local err = failure_of(function()
      local one, two
      one = anthropic.spawn(function() return two:join() end)
      two = anthropic.spawn(function() return one:join() end)
    end)
    assert.matches("every task waits for another one", err)
  end)
end)

describe("the scheduler", function()
  after_each(function()
    assert.is_nil(scheduler.thread())
  end)

  it("knows the coroutine that it has resumed, also inside of one's own, and none outside", function()
    assert.is_nil(scheduler.thread())
    local thread, inside
    anthropic.run(function()
      thread = protected.running()
      anthropic.sleep(0)
      assert.equal(thread, scheduler.thread())
      inside = coroutine.wrap(scheduler.thread)()
      anthropic.spawn(function() assert.are_not.equal(thread, scheduler.thread()) end)
      anthropic.sleep(0)
      assert.equal(thread, scheduler.thread())
    end)
    assert.equal(thread, inside)
  end)

  it("suspends, and says so", function()
    assert.is_true(scheduler.suspends)
  end)

  describe("has a check", function()
    it("that raises outside of a run", function()
      assert.same({ false, 'the loop "scheduler" waits inside anthropic.run only' }, { pcall(scheduler.check) })
    end)

    it("that passes in a task, and says so where a function in C has called", function()
      anthropic.run(function()
        assert.same({ true }, { scheduler.check() })
        local ok, words
        ("x"):gsub("x", function() ok, words = scheduler.check() end)
        assert.is_nil(ok)
        assert.matches("called by a function in C", words)
      end)
    end)

    it("that passes in a coroutine of one's own, which is not suspended, wherever that was called", function()
      anthropic.run(function()
        local seen = {}
        coroutine.wrap(function()
          seen[1] = scheduler.check()
          ;("x"):gsub("x", function() seen[2] = scheduler.check() end)
        end)()
        assert.same({ true, true }, seen)
      end)
    end)
  end)

  describe("in a wait", function()
    local subject

    before_each(function() subject = waiting.subject() end)

    it("takes news that is there already without a turn, with time or without", function()
      subject.is_ready = true
      anthropic.run(function()
        local others = 0
        anthropic.spawn(function() others = others + 1 end)
        assert.is_true(scheduler.wait(subject))
        assert.is_true(scheduler.wait(subject, 60))
        assert.equal(0, others)
      end)
      assert_idle()
    end)

    it("goes on when there is news, and forgets the time", function()
      anthropic.run(function()
        anthropic.spawn(subject.give)
        assert.is_true(scheduler.wait(subject, 600))
        assert.is_false(loop.is_awaited(subject))
        assert_idle()
      end)
    end)

    it("goes on when the time is over, and forgets the subject", function()
      anthropic.run(function()
        local began = anthropic.now()
        assert.is_true(scheduler.wait(subject, 0.01))
        assert.is_true(anthropic.now() - began >= 0.01)
        assert.is_false(loop.is_awaited(subject))
        assert_idle()
      end)
    end)

    it("waits on where a wake-up came without news", function()
      anthropic.run(function()
        local woken = 0
        anthropic.spawn(function()
          for _ = 1, 3 do
            loop.wake(subject)
            woken = woken + 1
            anthropic.sleep(0)
          end
          subject.give()
        end)
        scheduler.wait(subject)
        assert.equal(3, woken)
      end)
    end)

    it("of the only one that is left ends the run with what a wake-up raises", function()
      local object, has_ended = {}, false
      loop.after(0.001, function() error(object) end)
      assert.equal(object, failure_of(function()
        scheduler.wait(subject)
        has_ended = true
      end))
      assert.is_false(has_ended)
      assert_idle()
      assert.equal(1, anthropic.run(function() return 1 end))
    end)

    it("of the only one that is left can be broken off by an error of the step itself", function()
      local try_step = loop.try_step
      anthropic.run(function()
        function loop.try_step()
          loop.try_step = try_step
          error("of the step", 0)
        end
        assert.same({ false, "of the step" }, { pcall(scheduler.wait, subject) })
        assert.equal(protected.running(), scheduler.thread())
        local joined = false
        anthropic.spawn(function() joined = true end):join()
        assert.is_true(joined)
      end)
      assert_idle()
    end)

    it("of the only one left returns now and then to the main coroutine, whose hooks run there alone", function()
      local calls, before = 0, nil
      debug.sethook(function() calls = calls + 1 end, "c")
      anthropic.run(function()
        before = calls
        for _ = 1, 40 do
          subject.is_ready = false
          loop.after(0, subject.give)
          scheduler.wait(subject)
        end
      end)
      debug.sethook()
      assert.is_true(calls > before)
    end)

    it("waits anew after one whose time was over", function()
      anthropic.run(function()
        scheduler.wait(subject, 0)
        local given = false
        anthropic.spawn(function()
          anthropic.sleep(0.005)
          given = true
          subject.give()
        end)
        scheduler.wait(subject)
        assert.is_true(given)
      end)
    end)

    it("leaves nothing behind where the subject raises", function()
      local seen
      anthropic.run(function()
        local asked = 0
        function subject.has_news()
          asked = asked + 1
          return asked > 1 and error("of the subject", 0)
        end
        local task = anthropic.spawn(function() scheduler.wait(subject, 600) end)
        anthropic.sleep(0)
        loop.wake(subject)
        seen = { task:join() }
      end)
      assert.same({ nil, "of the subject" }, seen)
      assert.is_false(loop.is_awaited(subject))
      assert_idle()
    end)
  end)

  it("wakes one that is woken twice once", function()
    local subject, turns = waiting.subject(), 0
    anthropic.run(function()
      anthropic.spawn(function()
        scheduler.wait(subject)
        turns = turns + 1
        coroutine.yield()
        turns = turns + 1
      end)
      anthropic.sleep(0)
      subject.give()
      loop.wake(subject)
      anthropic.sleep(0)
      assert.equal(1, turns)
    end)
    assert.equal(2, turns)
  end)

  it("wakes one once whose news and time come in the same step", function()
    local subject, turns = waiting.subject(), 0
    anthropic.run(function()
      anthropic.spawn(function()
        scheduler.wait(subject, 0.004)
        turns = turns + 1
        coroutine.yield()
        turns = turns + 1
      end)
      anthropic.sleep(0)
      loop.after(0.001, subject.give)
      local both_are_over = anthropic.now() + 0.006
      while anthropic.now() < both_are_over do end -- nobody steps
      assert.equal(0, turns)
      anthropic.sleep(0)
      assert.equal(1, turns)
      anthropic.sleep(0)
    end)
    assert.equal(2, turns)
    assert_idle()
  end)

  it("lets go of those that have ended", function()
    local watch = setmetatable({}, { __mode = "k" })
    anthropic.run(function()
      for _ = 1, 10 do
        anthropic.spawn(function() watch[protected.running()] = true end)
      end
      anthropic.sleep(0)
      anthropic.sleep(0)
      collectgarbage()
      collectgarbage()
      local left = 0
      for _ in pairs(watch) do
        left = left + 1
      end
      assert.is_true(left <= 2, left)
    end)
  end)

  it("takes those that become runnable in a round in the next one", function()
    local order = {}
    anthropic.run(function()
      anthropic.spawn(function()
        order[#order + 1] = "one"
        anthropic.spawn(function() order[#order + 1] = "of one" end)
      end)
      anthropic.spawn(function() order[#order + 1] = "two" end)
    end)
    assert.same({ "one", "two", "of one" }, order)
  end)

  describe("where tasks wait inside coroutines of their own", function()
    local function in_coroutine(f, ...)
      return coroutine.wrap(f)(...)
    end

    it("lets one that is alone wait for a time, and for news", function()
      anthropic.run(function()
        assert.is_true(in_coroutine(anthropic.sleep, 0.005))
        local subject = waiting.subject()
        loop.after(0.001, subject.give)
        assert.is_true(in_coroutine(scheduler.wait, subject))
      end)
    end)

    it("lets the others go on meanwhile", function()
      local ended = false
      anthropic.run(function()
        anthropic.spawn(function()
          anthropic.sleep(0.001)
          ended = true
        end)
        in_coroutine(anthropic.sleep, 0.02)
        assert.is_true(ended)
      end)
    end)

    -- Joins a task that takes a while, from as many as given; how many failed, and with what.
    local function join_from(count)
      local failed, words = 0, nil
      anthropic.run(function()
        local target = anthropic.spawn(function()
          anthropic.sleep(0.01)
          return "result"
        end)
        local joiners = {}
        for i = 1, count do
          joiners[i] = anthropic.spawn(function() return in_coroutine(target.join, target) end)
        end
        for _, joiner in ipairs(joiners) do
          local value, err = joiner:join()
          failed = failed + (value == "result" and 0 or 1)
          words = words or err
        end
      end)
      return failed, words
    end

    it("lets eight of them join, one inside the other, and tells the ninth that there are too many", function()
      assert.equal(0, (join_from(8)))
      local failed, words = join_from(9)
      assert.equal(1, failed)
      assert.matches("too many tasks wait inside coroutines of their own$", words)
      assert.equal(0, (join_from(8)))
    end)

    it("lets any number sleep", function()
      local ended = 0
      anthropic.run(function()
        for _ = 1, 12 do
          anthropic.spawn(function()
            in_coroutine(anthropic.sleep, 0.005)
            ended = ended + 1
          end)
        end
      end)
      assert.equal(12, ended)
    end)

    it("has one of them fail where a wake-up raises that it ran, and lets eight join again", function()
      local told
      anthropic.run(function()
        local task = anthropic.spawn(function() in_coroutine(anthropic.sleep, 600) end)
        anthropic.sleep(0)
        loop.after(0, function() error("of a wake-up", 0) end)
        told = { task:join() }
      end)
      assert.is_nil(told[1])
      assert.matches("of a wake%-up$", told[2])
      assert.equal(0, (join_from(8)))
      assert.equal(1, (join_from(9)))
    end)
  end)

  describe("that is broken off", function()
    it("has dropped all that it had", function()
      local watch = setmetatable({}, { __mode = "k" })
      local subject = waiting.subject()
      local cleaned = 0
      failure_of(function()
        for _ = 1, 3 do
          local object = {}
          watch[object] = true
          anthropic.spawn(function()
            watch[protected.running()] = true
            scheduler.wait(subject, 600)
            object.used = true
          end)
        end
        anthropic.spawn(function()
          watch[protected.running()] = true
          protected.finally(function()
            scheduler.wait(waiting.subject(), 600)
          end, function() cleaned = cleaned + 1 end, {})
        end)
        anthropic.sleep(0)
        loop.after(0, function() error("of a wake-up", 0) end)
        anthropic.sleep(600)
      end)
      assert.equal((waiting.can_close or STOCK_5_1) and 1 or 0, cleaned)
      assert_idle()
      collectgarbage()
      collectgarbage()
      local left = 0
      for _ in pairs(watch) do
        left = left + 1
      end
      assert.is_true(left <= 1, left) -- LuaJIT's traces may keep some
    end)

    it("runs none of it in the next run", function()
      local has_run = false
      failure_of(function()
        anthropic.spawn(function()
          error("at once", 0)
        end)
        loop.after(0, function() error("of a wake-up", 0) end)
        anthropic.spawn(function()
          anthropic.sleep(0)
          has_run = true
        end)
        anthropic.sleep(600)
      end)
      anthropic.run(function()
        anthropic.sleep(0)
        anthropic.sleep(0.001)
      end)
      assert.is_false(has_run)
      assert_idle()
    end)
  end)

  -- Elsewhere hooks are not the coroutine's own, or a wait cannot stand inside pcall.
  if not rawget(_G, "jit") and not STOCK_5_1 then
    it("goes on with the others where an error breaks a wait off, wherever", function()
      broken_off.everywhere(function(break_off)
        anthropic.run(function()
          local others = { anthropic.spawn(anthropic.sleep, 0), anthropic.spawn(anthropic.sleep, 0.0001) }
          local broken = anthropic.spawn(function()
            break_off(function() anthropic.sleep(0) end)
          end)
          others[3] = anthropic.spawn(broken.join, broken)
          for i = 1, 3 do
            others[i]:join()
          end
          anthropic.sleep(0.0001)
        end)
      end)
      loop.step(0)
      assert_idle()
    end)
  end

  it("starts 32 a round, in their order, so that those whose time has come need not wait for all", function()
    local started, at_rounds = {}, {}
    anthropic.run(function()
      for i = 1, 70 do
        anthropic.spawn(function()
          started[#started + 1] = i
          anthropic.sleep(0)
        end)
      end
      for round = 1, 4 do
        anthropic.sleep(0)
        at_rounds[round] = #started
      end
    end)
    assert.same({ 32, 64, 70, 70 }, at_rounds)
    for i = 1, 70 do
      assert.equal(i, started[i])
    end
  end)

  it("loaded anew lets eight wait inside coroutines of their own, and no more", function()
    local loaded = package.loaded["anthropic.loop.scheduler"]
    package.loaded["anthropic.loop.scheduler"] = nil
    local fresh = require "anthropic.loop.scheduler"
    package.loaded["anthropic.loop.scheduler"] = loaded
    local told = {}
    fresh.open()
    local joined = waiting.subject()
    joined.is_join = true
    fresh.spawn(function()
      fresh.wait(waiting.subject(), 0.01)
      joined.give()
    end)
    for i = 1, 9 do
      fresh.spawn(function()
        coroutine.wrap(function()
          local own = { is_join = true, has_news = joined.has_news }
          told[i] = { pcall(fresh.wait, own) }
        end)()
      end)
    end
    fresh.turn_until { has_news = function() return joined.is_ready and told[1] end }
    fresh.close()
    for i = 1, 8 do
      assert.same({ true, true }, told[i])
    end
    assert.same({ false, "too many tasks wait inside coroutines of their own" }, told[9])
    assert_idle()
  end)

  it("runs once at a time", function()
    scheduler.open()
    local told = { pcall(scheduler.open) }
    scheduler.close()
    assert.same({ false, "anthropic.run is running already; use anthropic.spawn" }, told)
    scheduler.open()
    scheduler.close()
  end)

  it("takes no turn where there is news already", function()
    local subject = waiting.subject()
    subject.is_ready = true
    scheduler.open()
    local has_run = false
    scheduler.spawn(function() has_run = true end)
    scheduler.turn_until(subject)
    assert.is_false(has_run)
    subject.is_ready = false
    scheduler.spawn(function() subject.is_ready = true end)
    scheduler.turn_until(subject)
    scheduler.close()
    assert.is_true(has_run)
  end)

  it("raises what a coroutine raises, unchanged, and goes on with the others", function()
    local subject, object = waiting.subject(), {}
    scheduler.open()
    scheduler.spawn(function() error(object) end)
    scheduler.spawn(function() subject.is_ready = true end)
    local ok, err = pcall(scheduler.turn_until, subject)
    scheduler.turn_until(subject)
    scheduler.close()
    assert.is_false(ok)
    assert.equal(object, err)
  end)

  it("raises where every task waits for another one, with no position", function()
    local subject = waiting.subject()
    subject.is_join = true
    scheduler.open()
    scheduler.spawn(function() scheduler.wait(subject) end)
    local told = { pcall(scheduler.turn_until, waiting.subject()) }
    scheduler.close()
    assert.same({ false, "every task waits for another one" }, told)
    assert.is_false(loop.is_awaited(subject))
  end)
end)
