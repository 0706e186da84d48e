-- What the specs of the loop and of its drivers share: a clock that stands still, what is waited for, and what
-- every driver promises (doc/how-to/event-loops.md).

local assert = require "luassert"
local core = require "anthropic.core"
local loop = require "anthropic.loop"
local tasks = require "anthropic.loop.task"

local waiting = {}

-- --- time ----------------------------------------------------------------------------------------

local real_now = core.now

--- Stops the clock, at the time given or where it is. Returns a function that moves it on; with no seconds it tells the
--- time.
function waiting.stop_clock(at)
  local time = at or real_now()
  core.now = function() return time end
  return function(seconds)
    time = time + (seconds or 0)
    return time
  end
end

function waiting.restart_clock()
  core.now = real_now
end

-- --- the core loop --------------------------------------------------------------------------------

--- Has the loop work by another core loop. Returns a function that puts its own back.
function waiting.replace_core(other)
  local own = loop.core()
  local function set(the_core)
    for i = 1, math.huge do
      local name = assert(debug.getupvalue(loop.core, i))
      if name == "the_loop" then
        return debug.setupvalue(loop.core, i, the_core)
      end
    end
  end
  set(other)
  return function() set(own) end
end

-- --- subjects ------------------------------------------------------------------------------------

--- What can be waited for: `give` makes its news and wakes who waits. It counts its closings.
function waiting.subject()
  local self = { closed = 0 }
  function self.has_news() return self.is_ready or false end
  function self.close() self.closed = self.closed + 1 end
  function self.give()
    self.is_ready = true
    loop.wake(self)
  end
  return self
end

--- Takes turns until the condition holds; false where it does not within two seconds.
function waiting.turn_until(turn, condition)
  local deadline = real_now() + 2
  local holds = condition()
  while not holds and real_now() < deadline do
    turn()
    holds = condition()
  end
  return holds
end

--- Whether this Lua can end a coroutine from outside.
waiting.can_close = rawget(coroutine, "close") ~= nil

-- --- what drivers promise ------------------------------------------------------------------------

--- Describes a driver that suspends, by the `it` of a spec. The host is given by
---
---     driver()         the driver
---     start(f)         runs f in a coroutine of the host's own, now or later
---     turn()           has the host do what there is to do, waiting little
---     failure()        what the host tells of errors, since last asked
---     spawns_at_once   true where what is spawned begins before the spawning code goes on
---     keeps_threads    true where coroutines cannot be closed from outside
function waiting.describe_driver(it, host)
  -- Runs f in the host until it has ended.
  local function run(f)
    local has_ended, ok, err = false, nil, nil
    host.start(function()
      ok, err = pcall(f)
      has_ended = true
    end)
    assert.is_true(waiting.turn_until(host.turn, function() return has_ended end), "it has not ended")
    if not ok then
      error(err, 0)
    end
  end

  -- The same where waiting inside pcall is not wanted.
  local function start(f)
    local state = {}
    host.start(function()
      state.result, state.reason = f()
      state.has_ended = true
    end)
    function state.finish()
      assert.is_true(waiting.turn_until(host.turn, function() return state.has_ended end), "it has not ended")
      return state.result, state.reason
    end
    return state
  end

  local function turn(count)
    for _ = 1, count or 5 do
      host.turn()
    end
  end

  it("suspends, and says so", function()
    assert.is_true(host.driver().suspends)
  end)

  it("returns true when there is news", function()
    local subject = waiting.subject()
    local waiter = start(function() return host.driver().wait(subject) end)
    turn()
    assert.is_nil(waiter.has_ended)
    subject.give()
    assert.is_true((waiter.finish()))
    assert.is_false(loop.is_awaited(subject))
    assert.is_true(loop.is_idle())
  end)

  it("returns at once where there is news already", function()
    local subject = waiting.subject()
    subject.is_ready = true
    assert.is_true((start(function() return host.driver().wait(subject) end).finish()))
    assert.is_true((start(function() return host.driver().wait(subject, 60) end).finish()))
    assert.is_true(loop.is_idle())
  end)

  it("returns true when the seconds have passed, and not before", function()
    local subject = waiting.subject()
    local began = core.now()
    assert.is_true((start(function() return host.driver().wait(subject, 0.02) end).finish()))
    assert.is_true(core.now() - began >= 0.02)
    assert.is_true(loop.is_idle())
  end)

  it("takes news before the seconds have passed, and forgets the time", function()
    local subject = waiting.subject()
    local waiter = start(function() return host.driver().wait(subject, 600) end)
    turn()
    subject.give()
    assert.is_true((waiter.finish()))
    assert.is_true(loop.is_idle())
  end)

  it("waits on where a wake-up came without news", function()
    local subject = waiting.subject()
    local waiter = start(function() return host.driver().wait(subject) end)
    for _ = 1, 3 do
      turn()
      loop.wake(subject)
    end
    turn()
    assert.is_nil(waiter.has_ended)
    assert.is_true(loop.is_awaited(subject))
    subject.give()
    assert.is_true((waiter.finish()))
  end)

  it("waits with the time that is left where a wake-up came without news", function()
    local subject = waiting.subject()
    local began = core.now()
    local waiter = start(function() return host.driver().wait(subject, 0.04) end)
    while core.now() - began < 0.02 do
      turn(1)
      loop.wake(subject)
    end
    assert.is_true((waiter.finish()))
    local taken = core.now() - began
    assert.is_true(taken >= 0.04, taken)
    assert.is_true(loop.is_idle())
  end)

  it("wakes several who wait, each for what is theirs", function()
    local one, other = waiting.subject(), waiting.subject()
    local first = start(function() return host.driver().wait(one) end)
    local second = start(function() return host.driver().wait(other, 600) end)
    turn()
    other.give()
    assert.is_true((second.finish()))
    turn()
    assert.is_nil(first.has_ended)
    one.give()
    assert.is_true((first.finish()))
    assert.is_true(loop.is_idle())
  end)

  it("can wait again and again", function()
    local count = 0
    local waiter = start(function()
      for _ = 1, 20 do
        host.driver().wait(waiting.subject(), 0)
        count = count + 1
      end
      return true
    end)
    waiter.finish()
    assert.equal(20, count)
    assert.is_true(loop.is_idle())
  end)

  it("leaves nothing behind where what it waits for raises", function()
    local subject = waiting.subject()
    local is_broken = false
    function subject.has_news()
      if is_broken then
        error("of the subject", 0)
      end
      return false
    end
    local failure
    local task
    host.start(function()
      loop.use(host.driver())
      task = tasks.start(nil, function() host.driver().wait(subject, 600) end, function(err) failure = err end)
      loop.use(nil)
    end)
    turn()
    assert.is_true(loop.is_awaited(subject))
    is_broken = true
    loop.wake(subject)
    assert.is_true(waiting.turn_until(function() pcall(host.turn) end, function() return task.done end))
    assert.equal("of the subject", failure)
    turn(1)
    host.failure()
    assert.is_false(loop.is_awaited(subject))
    turn()
    assert.is_true(loop.is_idle())
  end)

  if waiting.can_close and not host.keeps_threads then
    it("leaves nothing behind where the coroutine is closed", function()
      local subject = waiting.subject()
      local thread
      start(function()
        thread = coroutine.running()
        host.driver().wait(subject, 600)
      end)
      turn()
      assert.is_true(loop.is_awaited(subject))
      coroutine["close"](thread)
      assert.is_false(loop.is_awaited(subject))
      turn()
      assert.is_true(loop.is_idle())
    end)
  end

  it("lets its check pass in a coroutine of the host's", function()
    local waiter = start(function() return host.driver().check() end)
    assert.same({ true }, { waiter.finish() })
  end)

  it("has its check say so where a function in C has called", function()
    local ok, words
    run(function()
      ("x"):gsub("x", function() ok, words = host.driver().check() end)
    end)
    assert.is_nil(ok)
    assert.matches("^the calling code cannot wait: it was called by a function in C %(string%.gsub", words)
    assert.matches("%(anthropic%.spawn%)$", words)
  end)

  it("spawns what may wait" .. (host.spawns_at_once and "" or ", and the spawning code goes on first"), function()
    local order = {}
    local spawned = {}
    start(function()
      host.driver().spawn(function()
        order[#order + 1] = "spawned"
        spawned.result = host.driver().wait(waiting.subject(), 0.001)
        spawned.has_ended = true
      end)
      order[#order + 1] = "spawning"
    end).finish()
    assert.is_true(waiting.turn_until(host.turn, function() return spawned.has_ended end))
    assert.is_true(spawned.result)
    assert.same(host.spawns_at_once and { "spawned", "spawning" } or { "spawning", "spawned" }, order)
    turn()
    assert.is_true(loop.is_idle())
  end)

  it("has the host tell of what a spawned function raises, and goes on", function()
    start(function()
      host.driver().spawn(function() error("of the spawned", 0) end)
    end).finish()
    local failure
    assert.is_true(waiting.turn_until(host.turn, function()
      failure = host.failure()
      return failure ~= nil
    end))
    assert.matches("of the spawned", failure)
    assert.is_true((start(function() return host.driver().wait(waiting.subject(), 0) end).finish()))
  end)
end

return waiting
