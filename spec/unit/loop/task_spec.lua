local anthropic = require "anthropic"
local core = require "anthropic.core"
local coroutines = require "anthropic.loop.coroutines"
local errors = require "anthropic.base.error"
local loop = require "anthropic.loop"
local protected = require "anthropic.loop.protected"
local task_module = require "anthropic.loop.task"
local loop_waiting = require "anthropic.loop.waiting"
local waiting = require "spec.support.waiting"

local STOCK_5_1 = _VERSION == "Lua 5.1" and rawget(_G, "jit") == nil

describe("anthropic.sleep", function()
  it("wakes in the order of the times, and of the calls for equal times", function()
    local order = {}
    anthropic.run(function()
      for _, seconds in ipairs { 0.06, 0.02, 0.04 } do
        anthropic.spawn(function()
          anthropic.sleep(seconds)
          order[#order + 1] = seconds
        end)
      end
      for i = 1, 3 do
        anthropic.spawn(function()
          anthropic.sleep(-math.huge)
          order[#order + 1] = i
        end)
      end
    end)
    assert.same({ 1, 2, 3, 0.02, 0.04, 0.06 }, order)
  end)

  it("returns true, and not before the time", function()
    local started = core.now()
    assert.is_true(anthropic.run(anthropic.sleep, 0.03))
    assert.is_true(core.now() - started >= 0.03)
    started = core.now()
    assert.is_true(anthropic.sleep(0.03))
    assert.is_true(core.now() - started >= 0.03)
  end)

  it("lets the others go first also with zero and negative seconds", function()
    for _, seconds in ipairs { 0, -1, -math.huge } do
      local ready = false
      anthropic.run(function()
        anthropic.spawn(function() ready = true end)
        local turns = 0
        while not ready do
          turns = turns + 1
          assert.is_true(turns < 100, "the other task never ran")
          anthropic.sleep(seconds)
        end
      end)
      assert.is_true(anthropic.sleep(seconds))
    end
  end)

  it("refuses what is no number of seconds", function()
    for _, wrong in ipairs { 0 / 0, "1", {} } do
      assert.has_error(function() anthropic.sleep(wrong) end, "anthropic.sleep: number of seconds expected")
      assert.has_error(function() anthropic.run(anthropic.sleep, wrong) end)
    end
    assert.has_error(function() anthropic.sleep() end)
  end)

  it("forgets long sleeps that were cancelled", function()
    local watch = setmetatable({}, { __mode = "k" })
    anthropic.run(function()
      for _ = 1, 50 do
        local task = anthropic.spawn(anthropic.sleep, 100000)
        watch[task] = true
        anthropic.sleep(0)
        task:cancel()
        task:join()
      end
      anthropic.sleep(0)
      collectgarbage()
      collectgarbage()
      local left = 0
      for _ in pairs(watch) do
        left = left + 1
      end
      assert.is_true(left <= 5, left) -- LuaJIT's traces may keep some
    end)
  end)
end)

describe("a task", function()
  it("that yields by itself goes on after the others", function()
    local order = {}
    anthropic.run(function()
      for i = 1, 2 do
        anthropic.spawn(function()
          for turn = 1, 3 do
            order[#order + 1] = i .. "." .. turn
            assert.equal(0, select("#", coroutine.yield("something of its own")))
          end
        end)
      end
    end)
    assert.same({ "1.1", "2.1", "1.2", "2.2", "1.3", "2.3" }, order)
  end)

  it("that yields by itself all the time starves no sleeper", function()
    local woken = false
    anthropic.run(function()
      anthropic.spawn(function()
        while not woken do
          coroutine.yield()
        end
      end)
      anthropic.sleep(0.02)
      woken = true
    end)
  end)

  it("says what it is", function()
    anthropic.run(function()
      local task = anthropic.spawn(function() end)
      assert.equal("anthropic.Task (running)", tostring(task))
      task:join()
      assert.equal("anthropic.Task (done)", tostring(task))
      local other = anthropic.spawn(function() end)
      other:cancel()
      assert.equal("anthropic.Task (cancelled)", tostring(other))
    end)
  end)

  it("may wait inside pcall", function()
    if STOCK_5_1 then
      pending "stock Lua 5.1 cannot yield inside pcall"
      return
    end
    anthropic.run(function()
      local other = anthropic.spawn(function()
        anthropic.sleep(0.01)
        error("of the other", 0)
      end)
      assert.same({ true, true }, { pcall(anthropic.sleep, 0.01) })
      assert.same({ true, nil, "of the other" }, { pcall(other.join, other) })
    end)
  end)
end)

describe("a task that waits inside a coroutine of its own", function()
  it("lets the others run", function()
    local order = {}
    anthropic.run(function()
      anthropic.spawn(function()
        for _ = 1, 3 do
          anthropic.sleep(0.002)
          order[#order + 1] = "other"
        end
      end)
      local numbers = coroutine.wrap(function()
        for i = 1, 2 do
          repeat
            anthropic.sleep(0.002)
          until #order >= 3
          coroutine.yield(i)
        end
      end)
      for _ = 1, 2 do
        local number = numbers()
        order[#order + 1] = number
      end
    end)
    assert.same({ "other", "other", "other", 1, 2 }, order)
  end)

  it("can join a task that was spawned in the same round", function()
    assert.equal("later", anthropic.run(function()
      local second
      local first = anthropic.spawn(function()
        return coroutine.wrap(function() return second:join() end)()
      end)
      second = anthropic.spawn(function()
        anthropic.sleep(0.01)
        return "later"
      end)
      return first:join()
    end))
  end)

  it("is told that every task waits for another one, however often", function()
    anthropic.run(function()
      for _ = 1, 30 do
        local one, two
        one = anthropic.spawn(function()
          return coroutine.wrap(function() return two:join() end)()
        end)
        two = anthropic.spawn(function() return one:join() end)
        local value, err = one:join()
        assert.is_nil(value)
        assert.matches("every task waits for another one", err)
        assert.equal(err, select(2, two:join()))
      end
      assert.is_true(coroutine.wrap(function() return anthropic.sleep(0.01) end)())
    end)
  end)

  it("works many at a time", function()
    local ended = 0
    anthropic.run(function()
      for i = 1, 30 do
        anthropic.spawn(coroutine.wrap(function()
          for _ = 1, 3 do
            anthropic.sleep(0.001 * (i % 3))
          end
          ended = ended + 1
        end))
      end
    end)
    assert.equal(30, ended)
  end)

  it("gets an error, not a hang, where too many of them join", function()
    local tasks, count = {}, 0
    anthropic.run(function()
      for i = 1, 30 do
        tasks[i] = anthropic.spawn(coroutine.wrap(function()
          return tasks[i + 1] and tasks[i + 1]:join() or i
        end))
      end
      for i = 1, 30 do
        local _, err = tasks[i]:join()
        if err then
          assert.matches("wait inside coroutines of their own", err)
          count = count + 1
        end
      end
    end)
    assert.is_true(count > 0 and count < 30)
  end)
end)

-- Stock Lua 5.1 cannot clean up where an error has ended a coroutine inside a task's, as above.
local function assert_idle()
  if not STOCK_5_1 then
    assert.is_true(loop.is_idle())
  end
end

describe("a run", function()
  it("raises the first failure that nobody asked for", function()
    for count = 2, 12 do
      local ok, raised = pcall(anthropic.run, function()
        for i = 1, count do
          anthropic.spawn(error, "number " .. i, 0)
        end
      end)
      assert.is_false(ok)
      assert.equal("number 1", raised)
    end
  end)

  it("returns nothing where its own function was cancelled", function()
    assert.equal(0, select("#", anthropic.run(function()
      loop_waiting.current():cancel()
      return 1
    end)))
  end)

  it("leaves tasks cancelled behind where the loop itself fails", function()
    local task
    local step = loop.try_step
    finally(function() loop.try_step = step end)
    local ok, raised = pcall(anthropic.run, function()
      task = anthropic.spawn(anthropic.sleep, 600)
      anthropic.sleep(0)
      loop.try_step = function() error("no memory", 0) end
      anthropic.sleep(600)
    end)
    loop.try_step = step
    assert.is_false(ok)
    assert.equal("no memory", raised)
    assert.is_true(task.done)
    assert.equal("anthropic.Task (cancelled)", tostring(task))
    assert.equal("cancelled", select(2, task:join()).kind)
  end)
end)

describe("a task in a host", function()
  before_each(function() loop.use "frame" end)

  after_each(function()
    loop.use(nil)
    assert_idle()
  end)

  local function turn(count)
    for _ = 1, count or 3 do
      loop.step(0, 1)
    end
  end

  -- What a turn raises.
  local function failure_of_turn()
    local ok, err = pcall(turn)
    assert.is_false(ok, "nothing was raised")
    return err
  end

  it("is the current one in its code, and none is outside", function()
    local seen
    assert.is_nil(loop_waiting.current())
    local task = task_module.spawn(function()
      loop_waiting.sleep(0)
      seen = loop_waiting.current()
    end)
    turn()
    assert.equal(task, seen)
    assert.is_nil(loop_waiting.current())
  end)

  it("has its results, nils inside, also without a run", function()
    local task = task_module.spawn(function(...) return ..., nil, nil end, 1)
    assert.is_false(task.done)
    assert.is_false(task:has_news())
    turn()
    assert.is_true(task.done)
    assert.is_true(task:has_news())
    assert.equal(3, select("#", task:join()))
    assert.equal(1, (task:join()))
  end)

  describe("that raises", function()
    it("has the host tell of it, unchanged, where nobody waits for it", function()
      local object = {}
      local task = task_module.spawn(function() error(object) end)
      assert.equal(object, failure_of_turn())
      assert.same({ nil, object }, { task:join() })
      task_module.spawn(error, "words", 0)
      assert.equal("words", failure_of_turn())
    end)

    it("has the host tell the way there too, where the words name a place: they are a bug's", function()
      local function broken(nothing) return nothing.field end
      local task = task_module.spawn(function() return (broken()) end)
      local told = failure_of_turn()
      local place = debug.getinfo(broken, "S")
      local position = "^spec/unit/loop/task_spec%.lua:" .. place.linedefined
      assert.matches(position .. ": attempt to index [^\n]*\nstack traceback:\n", told)
      assert.is_truthy(told:find("'broken'", 1, true))
      assert.equal(told:match "^[^\n]*", select(2, task:join()))
    end)

    it("gives who joins words where false was raised", function()
      local told
      local task = task_module.spawn(function()
        loop_waiting.sleep(0)
        error(false)
      end)
      task_module.spawn(function() told = { task:join() } end)
      turn(5)
      assert.same({ nil, "false was raised" }, told)
    end)

    it("waits for nothing any more where the wait itself raised", function()
      loop.use {
        suspends = true, spawn = coroutines.spawn,
        wait = function(subject)
          loop.on_news(subject, function() end)
          error("no wait", 0)
        end,
      }
      local task = task_module.spawn(loop_waiting.sleep, 600)
      assert.equal("no wait", failure_of_turn())
      assert.is_true(task.done)
      assert.is_true(loop.is_idle())
    end)

    it("gives it to who joins alone", function()
      local told
      local task = task_module.spawn(function()
        loop_waiting.sleep(0)
        error("words", 0)
      end)
      task_module.spawn(function() told = { task:join() } end)
      turn(5)
      assert.same({ nil, "words" }, told)
    end)

    it("gives it to who waits for it as for a transfer alone", function()
      local task = task_module.spawn(function()
        loop_waiting.sleep(0)
        error("words", 0)
      end)
      local ended
      task_module.spawn(function() ended = loop_waiting.wait(nil, task) end)
      turn(5)
      assert.is_true(ended)
      assert.same({ nil, "words" }, { task:join() })
    end)
  end)

  describe("that is cancelled", function()
    it("never begins, where it has not", function()
      local has_begun = false
      local task = task_module.spawn(function() has_begun = true end)
      task:cancel()
      assert.is_true(task.done)
      assert.is_true(task:is_closing())
      assert.equal("anthropic.Task (cancelled)", tostring(task))
      turn()
      assert.is_false(has_begun)
      local value, err = task:join()
      assert.is_nil(value)
      assert.equal("the task was cancelled", err.message)
      assert.equal("cancelled", err.kind)
    end)

    it("has its wait end, and what it then returns is not heard of, nor that it was cancelled", function()
      for _, ending in ipairs { function() return "result" end, function() error(errors.cancelled "no") end } do
        local told
        local task = task_module.spawn(function()
          told = { loop_waiting.wait(nil, waiting.subject(), 600) }
          return ending()
        end)
        turn()
        task:cancel()
        assert.is_false(task.done)
        assert.is_true(task:is_closing())
        turn()
        assert.is_true(task.done)
        assert.same({ nil, "cancelled" }, told)
        assert.equal("cancelled", select(2, task:join()).kind)
      end
    end)

    it("has the host tell of what it raises besides", function()
      for _, raised in ipairs { "words", errors.invalid_request "wrong" } do
        local task = task_module.spawn(function()
          loop_waiting.sleep(600)
          error(raised, 0)
        end)
        turn()
        task:cancel()
        assert.equal(raised, failure_of_turn())
        assert.is_true(task.done)
        assert.equal(raised, select(2, task:join()))
        assert.equal("anthropic.Task (cancelled)", tostring(task))
      end
    end)

    it("is told once: its next wait raises, and closes what it would wait for", function()
      local subject, bare = waiting.subject(), { has_news = function() return true end }
      for _, second in ipairs { subject, bare } do
        local reached = {}
        local task = task_module.spawn(function()
          reached[1] = { loop_waiting.sleep(600) }
          reached[2] = { loop_waiting.wait(nil, second) }
        end)
        turn()
        task:cancel()
        turn()
        assert.same({ { nil, "cancelled" } }, reached)
        assert.is_true(task.done)
        assert.equal("cancelled", select(2, task:join()).kind)
      end
      assert.equal(1, subject.closed)
    end)

    it("begins no run of its own after it was told, as it would not wait for the end", function()
      local begun, ended = 0, false
      local task = task_module.spawn(function()
        loop_waiting.sleep(600)
        task_module.run(function() begun = begun + 1 end)
        ended = true
      end)
      turn()
      task:cancel()
      turn()
      turn()
      assert.is_true(task.done)
      assert.equal("cancelled", select(2, task:join()).kind)
      assert.same({ 0, false }, { begun, ended })
    end)

    it("by itself is told at its next wait", function()
      local told
      local subject = waiting.subject()
      local task
      task = task_module.spawn(function()
        task:cancel()
        told = { loop_waiting.wait(nil, subject) }
      end)
      turn()
      assert.same({ nil, "cancelled" }, told)
      assert.equal(0, subject.closed)
      assert.is_true(task.done)
    end)

    it("stays as it is where it has ended", function()
      local task = task_module.spawn(function() return 5 end)
      turn()
      task:cancel()
      assert.equal(5, task:join())
      assert.equal("anthropic.Task (done)", tostring(task))
      assert.is_true(task:is_closing())
    end)
  end)

  describe("that is closed, as a host's handle", function()
    it("is cancelled, and calls once when it has ended", function()
      local called = 0
      local task = task_module.spawn(loop_waiting.sleep, 600)
      turn()
      assert.is_false(task:is_closing())
      task:close(function() called = called + 1 end)
      assert.is_true(task:is_closing())
      assert.equal(0, called)
      turn()
      assert.equal(1, called)
      turn()
      assert.equal(1, called)
    end)

    it("calls at once where it has ended, and where it had not begun", function()
      local called = 0
      local task = task_module.spawn(function() return 5 end)
      turn()
      task:close(function() called = called + 1 end)
      assert.equal(1, called)
      assert.equal(5, task:join())
      local other = task_module.spawn(function() end)
      other:close(function() called = called + 1 end)
      assert.equal(2, called)
      turn()
    end)

    it("calls no sooner, whoever wakes it", function()
      local called = 0
      local task = task_module.spawn(function()
        loop_waiting.sleep(600)
        coroutine.yield()
      end)
      turn()
      task:close(function() called = called + 1 end)
      for _, joiner in ipairs(task.joiners) do
        loop.wake(joiner)
      end
      assert.equal(0, called)
      turn()
      assert.equal(0, called)
      for _, joiner in ipairs(task.joiners) do -- the coroutine is dropped
        loop.on_news(joiner, nil)
      end
    end)

    it("calls when it has ended also where somebody woke it before", function()
      local called = 0
      local task = task_module.spawn(loop_waiting.sleep, 600)
      turn()
      task:close(function() called = called + 1 end)
      loop.wake(task.joiners[1])
      assert.equal(0, called)
      turn()
      assert.equal(1, called)
    end)

    it("ends, and its joiners go on, where what it calls raises, which is raised in the host", function()
      local joined, called = nil, 0
      local task = task_module.spawn(loop_waiting.sleep, 600)
      turn()
      task:close(function() error("of a callback", 0) end)
      task:close(function() called = called + 1 end)
      task_module.spawn(function() joined = select("#", task:join()) end)
      assert.equal("of a callback", failure_of_turn())
      turn()
      assert.same({ true, 1, 2 }, { task.done, called, joined })
    end)

    it("before it begins tells of its end where what it calls raises", function()
      local told
      local task = task_module.start(nil, error, function(failure) told = failure.kind end)
      task:close(function() error("of a callback", 0) end)
      assert.equal("cancelled", told)
      assert.equal("of a callback", failure_of_turn())
    end)

    it("raises nothing where it is cancelled by another: the next step does", function()
      local task = task_module.spawn(function()
        loop_waiting.sleep(600)
        error("words", 0)
      end)
      local other = task_module.spawn(function()
        loop_waiting.sleep(0)
        task:cancel()
        return "done"
      end)
      assert.equal("words", failure_of_turn())
      assert.same({ "done", "words" }, { other:join(), select(2, task:join()) })
    end)

    it("needs nobody to call", function()
      local task = task_module.spawn(loop_waiting.sleep, 600)
      turn()
      task:close()
      turn()
      assert.is_true(task.done)
      task:close()
    end)

    it("is not joined by that: what it raises by then is raised in the host", function()
      local called = 0
      local task = task_module.spawn(function()
        loop_waiting.sleep(600)
        error("words", 0)
      end)
      turn()
      task:close(function() called = called + 1 end)
      assert.equal("words", failure_of_turn())
      assert.equal(1, called)
    end)
  end)

  describe("that joins", function()
    it("cannot join itself, and is blamed for it", function()
      local task
      task = task_module.spawn(function() task:join() end)
      assert.matches("^spec/unit/loop/task_spec%.lua:%d+: a task cannot join itself\n", failure_of_turn())
    end)

    it("leaves the other running where it is cancelled, and the other's error is the host's again", function()
      local told
      local subject = waiting.subject()
      local other = task_module.spawn(function()
        loop_waiting.wait(nil, subject)
        error("words", 0)
      end)
      local joiner = task_module.spawn(function() told = { other:join() } end)
      turn()
      joiner:cancel()
      turn()
      assert.is_true(joiner.done)
      assert.equal("cancelled", told[2].kind)
      assert.is_false(other.done)
      subject.give()
      assert.equal("words", failure_of_turn())
    end)

    it("is refused where it cannot wait, and can join elsewhere", function()
      local told
      local other = task_module.spawn(function()
        loop_waiting.sleep(0)
        return "result"
      end)
      local joiner = task_module.spawn(function()
        ("x"):gsub("x", function() told = { other:join() } end)
        return other:join()
      end)
      turn(5)
      assert.is_nil(told[1])
      assert.equal("cannot_wait", told[2].type)
      assert.equal("result", (joiner:join()))
    end)
  end)

  describe("that cannot be started", function()
    it("raises what the driver raises", function()
      local driver = { suspends = true, wait = function() end, spawn = function() error("no more coroutines", 0) end }
      loop.use(driver)
      assert.same({ false, "no more coroutines" }, { pcall(task_module.spawn, function() end) })
    end)

    it("is waited for by no run", function()
      local is_broken = false
      loop.use {
        suspends = true, wait = coroutines.park,
        spawn = function(f)
          if is_broken then
            error("no more coroutines", 0)
          end
          coroutines.spawn(f)
        end,
      }
      local told
      coroutine.wrap(function()
        told = { task_module.run(function()
          is_broken = true
          return pcall(task_module.spawn, function() end)
        end) }
      end)()
      loop.step(0)
      loop.step(0)
      assert.same({ false, "no more coroutines" }, told)
    end)
  end)

  it("is refused where it is no function, by the names of what was called", function()
    for name, f in pairs { spawn = task_module.spawn, run = task_module.run } do
      for _, wrong in ipairs { "text", {}, 1 } do
        local ok, err = pcall(function() f(wrong) end)
        assert.is_false(ok)
        assert.matches(("^spec/unit/loop/task_spec%%.lua:%%d+: anthropic.%s: function expected, got %s$")
          :format(name, type(wrong)), err)
      end
    end
  end)

  describe("without a host", function()
    before_each(function() loop.use(nil) end)

    it("cannot be spawned outside of a run, and the caller is blamed", function()
      local ok, err = pcall(function() task_module.spawn(function() end) end)
      assert.is_false(ok)
      assert.matches("^spec/unit/loop/task_spec%.lua:%d+: anthropic%.spawn works inside anthropic%.run$", err)
    end)

    it("cannot be joined outside of a run before it has ended, and the caller is blamed", function()
      loop.use "frame"
      local task = task_module.spawn(function() end)
      loop.use(nil)
      local ok, err = pcall(function() task:join() end)
      assert.is_false(ok)
      assert.matches("^spec/unit/loop/task_spec%.lua:%d+: task:join works inside anthropic%.run$", err)
      turn()
      assert.equal(0, select("#", task:join()))
    end)

    it("has raised what ends the run, unchanged, and those that are left end as cancelled", function()
      for _, object in ipairs { {}, "words" } do
        local left
        local ok, err = pcall(task_module.run, function()
          left = task_module.spawn(loop_waiting.sleep, 600)
          loop.after(0, function() error(object, 0) end)
          loop_waiting.sleep(600)
        end)
        assert.is_false(ok)
        assert.equal(object, err)
        assert.is_true(left.done)
        assert.equal("cancelled", select(2, left:join()).kind)
      end
    end)

    it("has the run raise the way there too, where the words of its failure name a place", function()
      local function broken() error "of a bug" end
      for _, spawn in ipairs { function(f) return f() end, task_module.spawn } do
        local ok, err = pcall(task_module.run, function()
          spawn(function() return (broken()) end)
        end)
        assert.is_false(ok)
        assert.matches("^spec/unit/loop/task_spec%.lua:%d+: of a bug\nstack traceback:\n.*'broken'", err)
      end
    end)

    it("has what calls back at its end raised, once all have ended", function()
      for _, has_begun in ipairs { true, false } do
        local told
        local ok, err = pcall(task_module.run, function()
          local task = task_module.spawn(loop_waiting.sleep, 600)
          if has_begun then
            loop_waiting.sleep(0)
          end
          task:close(function() error("of a callback", 0) end)
          task_module.start(nil, error, function(failure)
            told = failure.kind
            error("of the end", 0)
          end):cancel()
          loop_waiting.sleep(0.002)
          told = told .. ", then the rest"
        end)
        assert.same({ false, has_begun and "of the end" or "of a callback" }, { ok, err })
        assert.equal("cancelled, then the rest", told)
      end
    end)

    it("runs whatever driver was set, and so do those that it starts", function()
      for _, name in ipairs { "scheduler", "blocking" } do
        loop.use(name)
        local results = { pcall(task_module.run, function()
          local one = task_module.spawn(function()
            loop_waiting.sleep(0.001)
            return 1
          end)
          return one:join() + task_module.run(function() return task_module.spawn(function() return 2 end):join() end)
        end) }
        local ok, message = pcall(task_module.spawn, function() end)
        loop.use(nil)
        assert.same({ true, 3 }, results)
        assert.is_false(ok)
        assert.matches("anthropic%.spawn works inside anthropic%.run$", message)
      end
    end)

    it("runs in one run at a time: another begun by a wake-up is refused", function()
      local told
      assert.equal("on", task_module.run(function()
        loop.after(0, function() told = { pcall(task_module.run, function() end) } end)
        loop_waiting.sleep(0.001)
        return "on"
      end))
      assert.same({ false, "anthropic.run is running already; use anthropic.spawn" }, told)
    end)
  end)

  describe("in a run", function()
    -- Runs f in a coroutine of the host's, which takes its turns; gives what the run gave or raised.
    local function run(f, ...)
      local results
      local arguments = { ... }
      coroutine.wrap(function()
        results = { protected.call(function()
          return task_module.run(f, (unpack or table.unpack)(arguments))
        end) }
      end)()
      assert.is_true(waiting.turn_until(turn, function() return results end) and true)
      return (unpack or table.unpack)(results, 1, 5)
    end

    it("gives its results when all have ended", function()
      local ended = false
      local ok, one, two = run(function(...)
        task_module.spawn(function()
          loop_waiting.sleep(0.002)
          ended = true
        end)
        return ...
      end, "one", "two")
      assert.same({ true, "one", "two", true }, { ok, one, two, ended })
    end)

    it("that nobody joined has its error raised, the first of them, and the main function's before all", function()
      local object = {}
      local ended = 0
      local function two_that_fail()
        task_module.spawn(function()
          loop_waiting.sleep(0)
          ended = ended + 1
          error "second"
        end)
        task_module.spawn(function()
          ended = ended + 1
          error(object)
        end)
      end
      assert.same({ false, object }, { run(two_that_fail) })
      assert.equal(2, ended)
      assert.same({ false, "of the main function" }, { run(function()
        two_that_fail()
        loop_waiting.sleep(0.001)
        error("of the main function", 0)
      end) })
      assert.equal(4, ended)
    end)

    it("that raises after it was cancelled has its error raised, once all have ended", function()
      local ended = false
      assert.same({ false, "of the clean-up" }, { run(function()
        local task = task_module.spawn(function()
          loop_waiting.sleep(600)
          error("of the clean-up", 0)
        end)
        loop_waiting.sleep(0)
        task:cancel()
        loop_waiting.sleep(0.002)
        ended = true
      end) })
      assert.is_true(ended)
    end)

    it("has what calls back at its end raised, once all have ended", function()
      for _, has_begun in ipairs { true, false } do
        local ended, told = false, nil
        assert.same({ false, "of a callback" }, { run(function()
          local task = task_module.start(nil, function() return loop_waiting.sleep(600) end, function(failure)
            told = failure.kind
            error("of the end", 0)
          end)
          if has_begun then
            loop_waiting.sleep(0)
          end
          task_module.spawn(function()
            loop_waiting.sleep(0.002)
            ended = true
          end)
          local other = task_module.spawn(loop_waiting.sleep, 600)
          other:close(function() error("of a callback", 0) end)
          task:cancel()
        end) })
        assert.same({ true, "cancelled" }, { ended, told })
      end
    end)

    it("whose error was joined has nothing raised", function()
      local ok, value, err = run(function()
        return task_module.spawn(error, "joined", 0):join()
      end)
      assert.same({ true, nil, "joined" }, { ok, value, err })
    end)

    it("is cancelled with the run", function()
      local inner, told
      local outer = task_module.spawn(function()
        told = { task_module.run(function()
          inner = task_module.spawn(loop_waiting.sleep, 600)
          loop_waiting.sleep(600)
        end) }
      end)
      turn()
      outer:cancel()
      turn(5)
      assert.is_nil(told[1])
      assert.equal("cancelled", told[2].kind)
      assert.is_true(inner.done)
      assert.is_true(outer.done)
    end)

    it("does not begin where the calling code cannot wait", function()
      local told, has_begun = nil, false
      task_module.spawn(function()
        ("x"):gsub("x", function() told = { task_module.run(function() has_begun = true end) } end)
      end)
      turn()
      assert.is_nil(told[1])
      assert.equal("cannot_wait", told[2].type)
      assert.is_false(has_begun)
    end)
  end)

  describe("started for callbacks", function()
    it("begins in the host's next turn, and tells nobody where it succeeds", function()
      local failures, has_run = {}, false
      local task = task_module.start(nil, function() has_run = true end, function(err)
        failures[#failures + 1] = err
      end)
      assert.is_false(has_run)
      turn()
      assert.is_true(has_run and task.done)
      assert.same({}, failures)
    end)

    it("tells of what it raised, once, which is raised in the host too", function()
      local failures = {}
      task_module.start(nil, function() error("words", 0) end, function(err) failures[#failures + 1] = err end)
      assert.equal("words", failure_of_turn())
      assert.same({ "words" }, failures)
    end)

    it("tells that it was cancelled, at once where it had not begun", function()
      local failures = {}
      local function tell(err) failures[#failures + 1] = err.kind end
      task_module.start(nil, function() end, tell):cancel()
      assert.same({ "cancelled" }, failures)
      local task = task_module.start(nil, function() loop_waiting.sleep(600) end, tell)
      turn()
      task:cancel()
      assert.equal(1, #failures)
      turn()
      assert.same({ "cancelled", "cancelled" }, failures)
    end)

    it("tells so in the next step where it may not be called back, and does not begin", function()
      local failures, has_run, is_fast = {}, false, true
      local driver = { wait = coroutines.park, spawn = coroutines.spawn, is_fast = function() return is_fast end }
      local task = task_module.start(driver, function() has_run = true end, function(err)
        failures[#failures + 1] = err.kind
      end)
      task:cancel()
      task:cancel()
      assert.same({}, failures)
      assert.is_true(task:is_closing())
      is_fast = false
      turn()
      assert.same({ { "cancelled" }, true, false }, { failures, task.done, has_run })
    end)

    it("has ended when this returns, where nothing else could move it on", function()
      for _, name in ipairs { "blocking" } do
        local task = task_module.start(name, function()
          loop_waiting.sleep(0.001)
          return "result"
        end, function() end)
        assert.is_true(task.done)
        assert.equal("result", task:join())
      end
    end)

    it("needs a host that goes on with it, or a driver that is named", function()
      local lacks_host = loop.lacks_host
      finally(function() loop.lacks_host = lacks_host end)
      for _, case in ipairs { { nil, false, true }, { nil, true, nil }, { "blocking", true, true } } do
        loop.lacks_host = function() return case[2] end
        local ok, err = task_module.check_host(case[1])
        assert.equal(case[3], ok)
        assert.equal(not ok and "cannot_wait" or nil, err and err.type)
        if err then
          assert.matches('inside anthropic.run, or call require("anthropic.loop.frame").update() once a frame, or '
            .. 'choose loop = "blocking"', err.message, 1, true)
        end
      end
    end)

    it("waits by the driver that was chosen", function()
      local waits = {}
      local chosen = { wait = function(subject, seconds)
        waits[#waits + 1] = seconds
        return require("anthropic.loop.blocking").wait(subject, seconds)
      end }
      task_module.start(chosen, function() loop_waiting.sleep(0) end, function() end)
      assert.same({ 0 }, waits)
    end)

    it("belongs to the run that it was started in", function()
      local ended
      local told
      task_module.spawn(function()
        task_module.run(function()
          task_module.start(nil, function()
            loop_waiting.sleep(0.001)
            ended = true
          end, function() end)
        end)
        told = ended
      end)
      waiting.turn_until(turn, function() return told ~= nil end)
      assert.is_true(told)
    end)
  end)
end)
