-- The driver with what it calls of nginx played: light threads are coroutines, timers are taken by the spec, and the
-- clock stands still.

local core = require "anthropic.core"
local loop = require "anthropic.loop"
local waiting = require "spec.support.waiting"

if _VERSION == "Lua 5.1" and rawget(_G, "jit") == nil then
  describe("the ngx driver", function()
    it("waits in nginx", function() pending "nginx runs LuaJIT: stock Lua 5.1 cannot yield inside pcall" end)
  end)
  return
end

-- nginx with its Lua module, as far as the driver calls it. A turn resumes every light thread that can go on.
local function played_nginx(pass)
  local ngx = {
    ERR = "error", phase = "content", logged = {}, slept = {}, waited = {}, timers = {}, buried = {},
    worker = {}, timer = {}, thread = {},
  }
  local threads = {} -- { thread, until, semaphore, result } by thread, in order

  function ngx.on_timeout() end
  function ngx.get_phase() return ngx.phase end
  function ngx.worker.exiting() return ngx.is_exiting or false end
  function ngx.log(...) ngx.logged[#ngx.logged + 1] = table.concat({ ... }, " ") end

  local function find(thread)
    for i, entry in ipairs(threads) do
      if entry.thread == thread then
        return entry, i
      end
    end
  end

  local function resume(entry, ...)
    entry.semaphore, entry.time = nil, nil
    local ok, err = coroutine.resume(entry.thread, ...)
    if coroutine.status(entry.thread) == "dead" then
      local _, place = find(entry.thread)
      table.remove(threads, place)
    end
    if not ok then
      ngx.failure = ngx.failure or err
    end
  end

  -- A request, or what a timer runs.
  function ngx.start(f, ...)
    local entry = { thread = coroutine.create(f) }
    threads[#threads + 1] = entry
    resume(entry, ...)
    return entry.thread
  end

  function ngx.thread.spawn(f)
    return ngx.start(f)
  end

  function ngx.thread.wait(thread)
    ngx.buried[#ngx.buried + 1] = thread
    if ngx.refuses_waiting then
      error "attempt to wait on a coroutine that is not a user thread"
    end
    return true
  end

  function ngx.timer.at(seconds, f)
    assert.equal(0, seconds)
    ngx.timers[#ngx.timers + 1] = f
    return true
  end

  function ngx.sleep(seconds)
    ngx.slept[#ngx.slept + 1] = seconds
    local entry = find(coroutine.running())
    entry.time = core.now() + seconds
    coroutine.yield()
  end

  local Semaphore = {}
  Semaphore.__index = Semaphore

  function Semaphore:count() return self.posts - self.waiters end
  function Semaphore:post(count) self.posts = self.posts + count end

  function Semaphore:wait(seconds)
    if self.posts > 0 then
      self.posts = self.posts - 1
      ngx.found_posted = ngx.found_posted or seconds > 0
      return true
    elseif seconds == 0 then
      return nil, "timeout"
    end
    ngx.waited[#ngx.waited + 1] = seconds
    if ngx.refuses_semaphores then
      error("API disabled", 0)
    end
    local entry = find(coroutine.running())
    entry.time, entry.semaphore = core.now() + seconds, self
    self.waiters = self.waiters + 1
    return coroutine.yield()
  end

  ngx.made = 0
  local semaphores = { new = function(posts)
    ngx.made = ngx.made + 1
    if ngx.has_no_memory then
      return nil, "no memory"
    end
    return setmetatable({ posts = posts, waiters = 0 }, Semaphore)
  end }

  -- One turn of the worker's event loop, `seconds` later.
  function ngx.turn(seconds)
    pass(seconds or 0.001)
    local due = {}
    for i, entry in ipairs(threads) do
      due[i] = entry
    end
    for _, entry in ipairs(due) do
      local semaphore = entry.semaphore
      if semaphore and semaphore.posts > 0 then
        semaphore.posts, semaphore.waiters = semaphore.posts - 1, semaphore.waiters - 1
        resume(entry, true)
      elseif entry.time and entry.time <= core.now() then
        if semaphore then
          semaphore.waiters = semaphore.waiters - 1
          ngx.on_timeout()
          resume(entry, nil, ngx.broken or "timeout")
        else
          resume(entry)
        end
      end
    end
  end

  -- Runs the timers that were asked for.
  function ngx.take_timers()
    local due = ngx.timers
    ngx.timers = {}
    for _, f in ipairs(due) do
      ngx.start(f, false)
    end
    return #due
  end

  -- Ends a light thread as nginx does where a browser hangs up: it is never resumed.
  function ngx.kill(thread)
    local entry, place = find(thread)
    table.remove(threads, place)
    if entry.semaphore then
      entry.semaphore.waiters = entry.semaphore.waiters - 1
    end
  end

  function ngx.count() return #threads end
  return ngx, semaphores
end

local before = { ngx = rawget(_G, "ngx"), semaphore = package.loaded["ngx.semaphore"] }
local real_core, step = loop.core, loop.step
local collect = collectgarbage

-- A driver, nginx around it, and a core loop that has as many transfers under way as the spec says.
local ngx, driver, pass, active, steps, works
local subjects = {}

local function load(at)
  pass = waiting.stop_clock(type(at) == "number" and at or nil)
  active, steps, works = 0, 0, 0
  local semaphores
  ngx, semaphores = played_nginx(pass)
  rawset(_G, "ngx", ngx)
  package.loaded["ngx.semaphore"], package.loaded["anthropic.loop.ngx"] = semaphores, nil
  driver = require "anthropic.loop.ngx"
  package.loaded["anthropic.loop.ngx"] = nil
  local the_core = real_core()
  loop.core = function()
    return setmetatable({ active = function() return active end }, { __index = function(_, name)
      return function(_, ...) return the_core[name](the_core, ...) end
    end })
  end
  -- Each of the first `works` steps has had work.
  loop.step = function(...)
    assert.same({ 0 }, { ... })
    steps = steps + 1
    step(0)
    works = works - 1
    return works >= 0
  end
end

local function put_back()
  rawset(_G, "ngx", before.ngx)
  package.loaded["ngx.semaphore"] = before.semaphore
  rawset(_G, "collectgarbage", collect)
  loop.core, loop.step = real_core, step
  waiting.restart_clock()
  local is_idle = loop.is_idle()
  for _, subject in ipairs(subjects) do -- what a test that failed has left
    loop.on_news(subject, nil)
  end
  subjects = {}
  assert.is_true(is_idle)
end

describe("the ngx driver", function()
  before_each(load)
  after_each(put_back)

  waiting.describe_driver(it, {
    driver = function() return driver end,
    start = function(f) ngx.start(f) end,
    turn = function()
      active = 1
      ngx.take_timers()
      ngx.turn(0.002)
    end,
    failure = function()
      local told = ngx.failure
      ngx.failure = nil
      return told
    end,
    spawns_at_once = true,
  })
end)

describe("the ngx driver", function()
  before_each(load)

  after_each(function()
    put_back()
    assert.is_nil(ngx.failure)
  end)

  -- Waits in a light thread.
  local function begin_wait(seconds)
    local state = { subject = waiting.subject() }
    subjects[#subjects + 1] = state.subject
    state.thread = ngx.start(function()
      state.result = driver.wait(state.subject, seconds)
      state.has_ended = true
    end)
    function state.finish()
      state.subject.give()
      ngx.turn()
      assert.is_true(state.has_ended)
      assert.is_true(state.result)
    end
    return state
  end

  describe("may wait", function()
    for _, phase in ipairs { "server_rewrite", "rewrite", "access", "content", "timer", "ssl_client_hello", "ssl_cert",
                             "ssl_session_fetch", "preread" } do
      it("in the phase " .. phase, function()
        ngx.phase = phase
        assert.is_true(coroutine.wrap(driver.check)())
        local has_run
        ngx.start(function()
          driver.spawn(function() has_run = true end)
        end)
        assert.is_true(has_run)
      end)
    end

    for _, phase in ipairs { "set", "log", "header_filter", "body_filter", "balancer", "init_worker", "exit_worker" } do
      it("not in the phase " .. phase .. ", where it says what can", function()
        ngx.phase = phase
        local words = ('nginx cannot wait in its phase "%s": make the request in a timer, ngx.timer.at(0, ...)')
          :format(phase)
        assert.same({ false, words }, { pcall(driver.check) })
        assert.same({ false, words }, { pcall(driver.spawn, function() end) })
      end)
    end

    it("not when nginx reads its configuration, where there are no timers either", function()
      ngx.phase = "init"
      assert.same({ false, 'nginx cannot wait in its phase "init": make the request in a timer, ngx.timer.at(0, ...) '
        .. "of init_worker_by_lua" }, { pcall(driver.check) })
    end)
  end)

  describe("with no transfer under way", function()
    it("waits on a semaphore, without a poller, for the time that is given, an hour at most", function()
      local state = begin_wait(5)
      assert.same({ 5 }, ngx.waited)
      state.finish()
      state = begin_wait(3600)
      state.finish()
      state = begin_wait(3600.5)
      state.finish()
      state = begin_wait()
      state.finish()
      for i, seconds in ipairs { 5, 3600, 3600, 3600 } do
        assert.is_true(math.abs(ngx.waited[i] - seconds) < 0.001)
      end
      assert.equal(4, #ngx.waited)
      assert.is_true(ngx.waited[3] <= 3600)
      assert.same({}, ngx.timers)
      assert.equal(0, steps)
    end)

    it("waits a millisecond at least", function()
      local state = begin_wait(0.0001)
      assert.same({ 0.001 }, ngx.waited)
      ngx.turn()
      assert.is_true(state.has_ended)
    end)

    it("lets the others go first where there is no time", function()
      for i, seconds in ipairs { 0, -1, -math.huge } do
        local state = begin_wait(seconds)
        assert.is_nil(state.has_ended)
        assert.equal(0.001, ngx.waited[i])
        ngx.turn()
        assert.is_true(state.result)
      end
      local subject = waiting.subject()
      subject.is_ready = true
      ngx.start(function() driver.wait(subject, 0) end)
      assert.equal(3, #ngx.waited)
    end)

    it("waits on with the time that is left", function()
      local state = begin_wait(5)
      pass(2)
      loop.wake(state.subject)
      ngx.turn(0)
      assert.is_nil(state.has_ended)
      assert.is_true(math.abs(ngx.waited[2] - 3) < 0.001)
      ngx.turn(3.001)
      assert.is_true(state.has_ended)
    end)

    it("waits longer than an hour by waiting again", function()
      local state = begin_wait(4000)
      ngx.turn(3600)
      assert.is_nil(state.has_ended)
      assert.is_true(math.abs(ngx.waited[2] - 400) < 0.001)
      ngx.turn(400.001)
      assert.is_true(state.has_ended)
    end)
  end)

  describe("has semaphores", function()
    it("that are used again, one for each who waits at a time", function()
      begin_wait().finish()
      begin_wait().finish()
      assert.equal(1, ngx.made)
      local one, other = begin_wait(), begin_wait()
      one.finish()
      other.finish()
      assert.equal(2, ngx.made)
      one, other = begin_wait(), begin_wait()
      other.finish()
      one.finish()
      assert.equal(2, ngx.made)
    end)

    it("that are posted once, however often there is a wake-up", function()
      local state = begin_wait()
      for _ = 1, 3 do
        loop.wake(state.subject)
        loop.on_news(state.subject, nil)
      end
      ngx.turn()
      assert.is_nil(state.has_ended)
      ngx.turn()
      assert.equal(2, #ngx.waited)
      state.finish()
      state = begin_wait()
      assert.equal(3, #ngx.waited)
      state.finish()
    end)

    it("whose post is taken back where it came with the end of the time", function()
      local state = begin_wait(1)
      ngx.on_timeout = function() loop.wake(state.subject) end
      ngx.turn(1)
      assert.is_true(state.has_ended)
      ngx.on_timeout = function() end
      state = begin_wait(7)
      assert.equal(7, ngx.waited[#ngx.waited])
      loop.wake(state.subject)
      ngx.turn()
      assert.is_nil(state.has_ended)
      state.finish()
      assert.is_false(ngx.found_posted)
    end)

    it("whose failures are raised, and nothing stays behind", function()
      local state = { subject = waiting.subject() }
      ngx.start(function()
        state.told = { pcall(driver.wait, state.subject, 1) }
        require("anthropic.loop.protected").mend()
      end)
      ngx.broken = "busy"
      ngx.turn(1)
      assert.same({ false, "busy" }, state.told)
      assert.is_false(loop.is_awaited(state.subject))
    end)

    it("which raise themselves: nothing stays behind, and what was waited for is not closed", function()
      local state = { subject = waiting.subject() }
      local other = begin_wait()
      ngx.refuses_semaphores = true
      ngx.start(function() state.told = { pcall(driver.wait, state.subject, 1) } end)
      ngx.refuses_semaphores = false
      assert.same({ false, "API disabled" }, state.told)
      assert.is_false(loop.is_awaited(state.subject))
      active = 1
      local third = begin_wait()
      ngx.turn(0.01) -- which steps the loop, and looks for those who are gone
      assert.equal(0, state.subject.closed)
      other.finish()
      third.finish()
    end)

    it("that cannot be made for want of memory: that is raised", function()
      ngx.has_no_memory = true
      local told
      ngx.start(function() told = { pcall(driver.wait, waiting.subject(), 1) } end)
      assert.is_false(told[1])
      assert.matches("no memory", told[2])
    end)
  end)

  describe("with a transfer under way", function()
    before_each(function() active = 1 end)

    it("asks for a poller, once, and steps the loop itself until that shows life", function()
      local one, other = begin_wait(), begin_wait()
      assert.equal(1, #ngx.timers)
      assert.same({ 0.01, 0.01 }, ngx.waited)
      assert.equal(0, steps)
      ngx.turn(0.01)
      assert.equal(2, steps)
      assert.equal(1, #ngx.timers)
      one.finish()
      other.finish()
      assert.equal(1, #ngx.timers)
    end)

    it("asks again after a second where nginx has dropped the timer, not before", function()
      local state = begin_wait()
      ngx.timers = {}
      for _ = 1, 99 do
        ngx.turn(0.01)
      end
      assert.equal(0, #ngx.timers)
      ngx.turn(0.011)
      assert.equal(1, #ngx.timers)
      state.finish()
    end)

    it("waits a second at a time while the poller lives, and steps nothing itself", function()
      local state = begin_wait()
      assert.equal(1, ngx.take_timers())
      local count = steps
      state.finish()
      state = begin_wait()
      assert.equal(1, ngx.waited[#ngx.waited])
      state.finish()
      state = begin_wait(0.5)
      assert.equal(0.5, ngx.waited[#ngx.waited])
      state.finish()
      assert.equal(0, #ngx.timers)
      assert.is_true(steps >= count)
      active = 0
      for _ = 1, 20 do
        ngx.turn(0.02)
      end
      assert.equal(0, ngx.count())
    end)

    it("takes the poller for dead after a tenth of a second without a step", function()
      local state = begin_wait()
      ngx.take_timers()
      state.finish()
      state = begin_wait()
      assert.equal(1, ngx.waited[#ngx.waited])
      pass(0.0985) -- a millisecond has passed before
      local second = begin_wait()
      assert.equal(1, ngx.waited[#ngx.waited])
      pass(0.001)
      local third = begin_wait()
      assert.equal(0.01, ngx.waited[#ngx.waited])
      assert.equal(1, #ngx.timers)
      for _, each in ipairs { state, second, third } do
        each.finish()
      end
    end)

    it("takes it for alive up to then", function()
      put_back()
      load(0) -- times that are exact
      active = 1
      local state = begin_wait()
      ngx.take_timers()
      pass(0.1)
      local second = begin_wait()
      assert.equal(0.01, ngx.waited[#ngx.waited])
      state.finish()
      second.finish()
    end)

    it("asks again after exactly a second", function()
      put_back()
      load(0)
      active = 1
      local state = begin_wait()
      ngx.timers = {}
      pass(1)
      local second = begin_wait()
      assert.equal(1, #ngx.timers)
      state.finish()
      second.finish()
    end)

    it("does not ask where the worker is about to leave and has polled never before", function()
      ngx.is_exiting = true
      local state = begin_wait()
      assert.equal(0, #ngx.timers)
      assert.same({ 0.01 }, ngx.waited)
      ngx.turn(0.01)
      assert.equal(1, steps)
      state.finish()
    end)

    it("asks where the worker is about to leave and has polled before", function()
      local state = begin_wait()
      ngx.take_timers()
      state.finish()
      active = 0
      for _ = 1, 20 do
        ngx.turn(0.02)
      end
      assert.equal(0, ngx.count())
      ngx.is_exiting, active = true, 1
      state = begin_wait()
      assert.equal(1, #ngx.timers)
      state.finish()
    end)

    it("goes on by itself where the news comes of a step of its own", function()
      local state = begin_wait()
      loop.after(0, state.subject.give)
      ngx.turn(0.01)
      assert.is_true(state.has_ended)
      assert.equal(0, #ngx.slept)
    end)
  end)

  describe("has a poller", function()
    local state

    -- A poller that has taken its first step.
    local function begin_polling()
      active = 1
      state = begin_wait()
      assert.equal(1, ngx.take_timers())
    end

    -- Lets the poller come to its end.
    local function finish()
      active = 0
      if not state.has_ended then
        state.subject.give()
      end
      for _ = 1, 30 do
        ngx.turn(0.02)
      end
      assert.equal(0, ngx.count())
    end

    it("that steps the loop as long as there is work, a millisecond at most", function()
      active = 1
      state = begin_wait()
      works = 5
      ngx.take_timers()
      assert.equal(6, steps)
      steps, works = 0, 100
      local count = 0
      local real = loop.step
      loop.step = function(...)
        count = count + 1
        pass(0.0004)
        return real(...)
      end
      ngx.turn(0.01)
      loop.step = real
      assert.equal(3, count)
      works = 0
      finish()
    end)

    it("that sleeps two milliseconds where something has come, and longer the longer nothing has", function()
      begin_polling()
      assert.same({ 0.002 }, ngx.slept)
      ngx.turn(0.002)
      assert.equal(0.002, ngx.slept[2])
      ngx.turn(0.04) -- 42 milliseconds without anything
      assert.is_true(math.abs(ngx.slept[3] - 0.002) < 0.0003)
      ngx.turn(0.058)
      assert.is_true(math.abs(ngx.slept[4] - 0.005) < 0.0001)
      ngx.turn(0.1)
      assert.is_true(math.abs(ngx.slept[5] - 0.01) < 0.0001)
      ngx.turn(0.1)
      assert.equal(0.01, ngx.slept[6])
      works = 1
      ngx.turn(0.1)
      assert.equal(0.002, ngx.slept[7])
      finish()
    end)

    it("that looks often again when somebody begins to wait", function()
      begin_polling()
      for _ = 1, 10 do
        ngx.turn(0.1)
      end
      assert.equal(0.01, ngx.slept[#ngx.slept])
      local other = begin_wait()
      ngx.turn(0.01)
      assert.equal(0.002, ngx.slept[#ngx.slept])
      other.finish()
      finish()
    end)

    it("that wakes who waits, by the semaphore alone: nobody's code runs in its timer", function()
      begin_polling()
      loop.after(0, state.subject.give)
      local in_poller = ngx.count()
      ngx.turn(0.002)
      assert.equal(2, in_poller)
      ngx.turn(0.002)
      assert.is_true(state.has_ended)
      finish()
    end)

    it("that writes what a wake-up raises to the log, and polls on", function()
      begin_polling()
      loop.after(0, function() error(setmetatable({}, { __tostring = function() return "of a wake-up" end })) end)
      ngx.turn(0.002)
      assert.same({ "error anthropic:  of a wake-up" }, ngx.logged)
      local count = steps
      ngx.turn(0.002)
      assert.is_true(steps > count)
      finish()
    end)

    it("that ends a tenth of a second after the last transfer, not before", function()
      begin_polling()
      for _ = 1, 20 do
        ngx.turn(0.02)
      end
      ngx.turn(0.002)
      state.finish()
      active = 0
      local began = core.now()
      while ngx.count() > 0 and core.now() - began < 1 do
        ngx.turn(0.002)
      end
      local taken = core.now() - began
      assert.is_true(taken >= 0.08 and taken < 0.12, taken)
      active = 1
      state = begin_wait()
      assert.equal(1, #ngx.timers) -- at once: the one before has ended
      state.finish()
    end)

    it("that ends at once where nobody waits and the worker is about to leave", function()
      begin_polling()
      state.finish()
      ngx.is_exiting = true
      ngx.turn(0.011)
      assert.equal(0, ngx.count())
    end)

    it("that stays where the worker is about to leave and somebody waits for a transfer", function()
      begin_polling()
      ngx.is_exiting = true
      for _ = 1, 20 do
        ngx.turn(0.02)
      end
      assert.equal(2, ngx.count())
      state.finish()
      ngx.turn(0.02)
      assert.equal(0, ngx.count())
    end)

    it("that collects garbage bit by bit where a transfer may have lost its reader", function()
      local collected = {}
      begin_polling()
      state.finish()
      rawset(_G, "collectgarbage", function(...) collected[#collected + 1] = { ... } end)
      local began = core.now()
      while #collected == 0 and core.now() - began < 1 do
        ngx.turn(0.002)
      end
      assert.is_true(core.now() - began >= 0.098)
      assert.same({ { "step", 512 } }, collected)
      assert.equal(0.1, ngx.slept[#ngx.slept])
      ngx.turn(0.099)
      assert.equal(1, #collected)
      ngx.turn(0.002)
      assert.equal(2, #collected)
      active = 0
      ngx.turn(0.101)
      assert.equal(2, #collected)
      rawset(_G, "collectgarbage", collect)
      assert.equal(0, ngx.count())
    end)

    it("that gives way to another while it collects garbage, for whoever waits then", function()
      begin_polling()
      state.finish()
      rawset(_G, "collectgarbage", function() end)
      local turns = 0
      while ngx.slept[#ngx.slept] ~= 0.1 and turns < 100 do
        ngx.turn(0.002)
        turns = turns + 1
      end
      state = begin_wait()
      assert.equal(1, #ngx.timers)
      assert.equal(0.01, ngx.waited[#ngx.waited])
      assert.equal(1, ngx.take_timers())
      assert.equal(3, ngx.count())
      ngx.turn(0.1) -- the first one sees that it is not the poller any more
      assert.equal(2, ngx.count())
      rawset(_G, "collectgarbage", collect)
      finish()
    end)

    it("that is the only one: another timer ends at once", function()
      begin_polling()
      local f
      pass(0.2) -- it seems dead
      local other = begin_wait()
      f = ngx.timers[1]
      ngx.turn(0.002) -- it lives
      ngx.timers = {}
      local count, slept = ngx.count(), #ngx.slept
      ngx.start(f, false)
      assert.equal(count, ngx.count())
      assert.equal(slept, #ngx.slept)
      other.finish()
      finish()
    end)

    it("that raises in its timer what nginx raises, and another can begin", function()
      active = 1
      state = begin_wait()
      local sleep = ngx.sleep
      ngx.sleep = function() error("no memory", 0) end
      ngx.take_timers()
      assert.equal("no memory", ngx.failure)
      ngx.failure, ngx.sleep = nil, sleep
      ngx.turn(0.02)
      assert.equal(1, #ngx.timers)
      ngx.take_timers()
      assert.equal(1, #ngx.slept)
      finish()
    end)
  end)

  describe("where nginx ends a light thread that waits", function()
    it("the poller closes what it waited for, within a tenth of a second", function()
      active = 1
      local lost, other = begin_wait(), begin_wait()
      ngx.take_timers()
      ngx.kill(lost.thread)
      for _ = 1, 9 do
        ngx.turn(0.01)
      end
      assert.equal(0, lost.subject.closed)
      ngx.turn(0.011)
      assert.equal(1, lost.subject.closed)
      assert.is_false(loop.is_awaited(lost.subject))
      assert.equal(0, other.subject.closed)
      ngx.turn(0.2)
      assert.equal(1, lost.subject.closed)
      other.finish()
      active = 0
      for _ = 1, 20 do
        ngx.turn(0.02)
      end
    end)

    it("so does whoever steps the loop itself", function()
      active = 1
      local lost, other = begin_wait(), begin_wait()
      ngx.kill(lost.thread)
      ngx.turn(0.01)
      assert.equal(1, lost.subject.closed)
      other.finish()
    end)

    it("also where a wake-up has come to it too late", function()
      active = 1
      local lost, other = begin_wait(), begin_wait()
      ngx.kill(lost.thread)
      loop.wake(lost.subject)
      ngx.turn(0.01)
      assert.equal(1, lost.subject.closed)
      other.finish()
    end)

    it("also where there is nothing to close", function()
      active = 1
      local lost, other = begin_wait(), begin_wait()
      lost.subject.close = nil
      ngx.kill(lost.thread)
      ngx.turn(0.01)
      assert.is_false(loop.is_awaited(lost.subject))
      other.finish()
    end)

    it("and nothing of those who were called and have not gone on yet", function()
      active = 1
      local called, other = begin_wait(), begin_wait()
      loop.wake(called.subject)
      ngx.take_timers() -- sweeps
      assert.equal(0, called.subject.closed)
      called.finish()
      other.finish()
      active = 0
      for _ = 1, 20 do
        ngx.turn(0.02)
      end
    end)
  end)

  describe("spawns light threads", function()
    it("and buries those that have ended at the next one of the same parent", function()
      local children = {}
      local parent
      ngx.start(function()
        parent = coroutine.running()
        for i = 1, 2 do
          driver.spawn(function() children[i] = coroutine.running() end)
        end
        driver.wait(waiting.subject(), 1)
        driver.spawn(function() end)
        driver.wait(waiting.subject(), 1)
      end)
      assert.same({ children[1] }, ngx.buried)
      ngx.start(function() driver.spawn(function() end) end)
      assert.equal(1, #ngx.buried)
      ngx.turn(1)
      assert.same({ children[1], children[2] }, ngx.buried)
      assert.is_not.equal(parent, ngx.buried[1])
      ngx.turn(1)
    end)

    it("and buries several that have ended at once", function()
      local children = {}
      ngx.start(function()
        for i = 1, 3 do
          driver.spawn(function()
            children[i] = coroutine.running()
            driver.wait(waiting.subject(), 1)
          end)
        end
        driver.wait(waiting.subject(), 2)
        driver.spawn(function() end)
        driver.spawn(function() end)
      end)
      ngx.turn(1)
      assert.same({}, ngx.buried)
      ngx.turn(1)
      assert.same({ children[3], children[2], children[1] }, { ngx.buried[1], ngx.buried[2], ngx.buried[3] })
      assert.equal(4, #ngx.buried)
    end)

    it("and buries none that still waits", function()
      ngx.start(function()
        driver.spawn(function() driver.wait(waiting.subject(), 1) end)
        driver.spawn(function() end)
      end)
      assert.same({}, ngx.buried)
      ngx.turn(1)
    end)

    it("whatever nginx says of those of an earlier request", function()
      ngx.refuses_waiting = true
      local count = 0
      ngx.start(function()
        for _ = 1, 3 do
          driver.spawn(function() count = count + 1 end)
        end
      end)
      assert.equal(3, count)
      assert.equal(2, #ngx.buried)
    end)

    it("which raise what the function raises, unchanged, and are buried as well", function()
      for _, object in ipairs { {}, "words" } do
        ngx.start(function()
          driver.spawn(function() error(object, 0) end)
          driver.spawn(function() end)
        end)
        assert.equal(object, ngx.failure)
        ngx.failure = nil
      end
      assert.equal(2, #ngx.buried)
    end)
  end)
end)
