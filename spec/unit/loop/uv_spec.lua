-- The driver with luv where it is installed, and with the calls that it makes of libuv and of Neovim played.

local anthropic = require "anthropic"
local loop = require "anthropic.loop"
local testing = require "anthropic.testing"
local hosted = require "spec.support.hosted"
local waiting = require "spec.support.waiting"

local has_descriptor = require("spec.support.descriptor").is_there

local has_luv, luv = pcall(require, "luv")

local before = { vim = rawget(_G, "vim"), luv = package.loaded.luv }

-- The driver for an editor, or for programs on luv.
local function load_driver(vim, uv)
  rawset(_G, "vim", vim)
  package.loaded.luv, package.loaded["anthropic.loop.uv"] = uv, nil
  local driver = require "anthropic.loop.uv"
  package.loaded["anthropic.loop.uv"] = nil
  return driver
end

-- Replaces a function of the core loop's; gives a function that puts the loop back.
local function with_descriptor(fd)
  local core = loop.core
  loop.core = function()
    return setmetatable({ fd = fd }, { __index = function(_, name)
      return function(_, ...) return core()[name](core(), ...) end
    end })
  end
  return function() loop.core = core end
end

-- What is played does not look at it.
if not has_descriptor then
  with_descriptor(function() return 1000 end)
end

local opened = {} -- handles of luv: there can be but one for a descriptor

local function put_back()
  for i = #opened, 1, -1 do
    if not opened[i]:is_closing() then
      opened[i]:close()
    end
    opened[i] = nil
    luv.run "nowait" -- so that it is closed
  end
  rawset(_G, "vim", before.vim)
  package.loaded.luv = before.luv
  assert.is_true(loop.is_idle())
end

-- What an event loop's callbacks raised: luv would end the program.
local failure

local function told_failure()
  local told = failure
  failure = nil
  return told
end

local function call_safely(f, ...)
  local ok, err = pcall(f, ...)
  failure = failure or not ok and err or nil
end

-- libuv with poll handles that are always readable.
local function played_uv()
  local uv = { handles = {}, runs = {} }

  function uv.new_poll(descriptor)
    local handle = { descriptor = descriptor, starts = 0, stops = 0, is_closed = false }
    function handle:start(events, call)
      assert.is_false(self.is_closed)
      self.events, self.call, self.starts = events, call, self.starts + 1
    end
    function handle:stop()
      assert.is_false(self.is_closed)
      self.call, self.stops = nil, self.stops + 1
    end
    function handle:is_active() return self.call ~= nil end
    function handle:is_closing() return self.is_closed end
    function handle:close() self.is_closed, self.call = true, nil end
    uv.handles[#uv.handles + 1] = handle
    return handle
  end

  function uv.turn()
    for _, handle in ipairs(uv.handles) do
      if handle.call then
        call_safely(handle.call, nil, "r")
      end
    end
  end

  function uv.run(mode)
    uv.runs[#uv.runs + 1] = mode
    uv.turn()
  end

  function uv.loop_mode() return uv.mode end
  return uv
end

-- Neovim around that; what is scheduled comes in its main loop.
local function played_vim(uv, place)
  local vim = { waits = {}, [place or "uv"] = uv }
  local scheduled = {}

  function vim.schedule(f)
    scheduled[#scheduled + 1] = f
  end

  function vim.turn()
    uv.turn()
    local due = scheduled
    scheduled = {}
    vim.scheduled = #due
    for _, f in ipairs(due) do
      call_safely(f)
    end
  end

  function vim.wait(milliseconds, condition, interval)
    vim.waits[#vim.waits + 1] = { milliseconds, interval }
    for _ = 1, 3 do
      if condition() then
        return true
      elseif vim.is_interrupted then
        return false, -2
      end
      vim.turn()
    end
    return false, -1
  end

  function vim.in_fast_event() return vim.is_fast or false end
  return vim
end

local function describe_promises(make)
  local driver, turn

  before_each(function() driver, turn = make() end)
  after_each(put_back)

  waiting.describe_driver(it, {
    driver = function() return driver end,
    start = function(f) coroutine.wrap(f)() end,
    turn = function() turn() end,
    failure = told_failure,
  })
end

describe("the uv driver with luv", function()
  if not has_luv then
    pending "luv is not installed"
    return
  end

  local function guarded()
    local uv = setmetatable({}, { __index = luv })
    function uv.new_poll(descriptor)
      local handle = assert(luv.new_poll(descriptor))
      opened[#opened + 1] = handle
      return {
        start = function(_, events, call)
          handle:start(events, function(...) call_safely(call, ...) end)
        end,
        stop = function() handle:stop() end,
        is_active = function() return handle:is_active() end,
        is_closing = function() return handle:is_closing() end,
      }
    end
    function uv.new_timer()
      local handle = luv.new_timer()
      opened[#opened + 1] = handle
      return {
        start = function(_, after, interval, call)
          assert.same({ 10, 10 }, { after, interval })
          handle:start(after, interval, function() call_safely(call) end)
        end,
        stop = function() handle:stop() end,
        is_active = function() return handle:is_active() end,
        is_closing = function() return handle:is_closing() end,
      }
    end
    return uv
  end

  if has_descriptor then
    describe_promises(function()
      return load_driver(nil, guarded()), function() luv.run "nowait" end
    end)
  end

  describe("where the system has no descriptor", function()
    local restore

    before_each(function()
      restore = with_descriptor(function() end)
    end)

    after_each(function()
      restore()
    end)

    describe_promises(function()
      return load_driver(nil, guarded()), function() luv.run "once" end
    end)

    it("has requests go on, step by step", function()
      local server = hosted.server { script = testing.stream { text = ("word "):rep(50), delay_between = 0.001 } }
      local client = anthropic.new { base_url = server.url, api_key = "test-key", loop = load_driver(nil, guarded()) }
      local text = assert(client.messages.stream {
        model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } },
      }):message():text()
      put_back()
      server:stop()
      assert.equal(("word "):rep(50), text)
    end)
  end)

  it("runs the event loop outside of coroutines, with the host's own timers, and keeps nothing alive", function()
    if not has_descriptor then
      pending "which wait for the descriptor"
    end
    local driver = load_driver(nil, guarded())
    local subject, ticks = waiting.subject(), 0
    local timer = luv.new_timer()
    timer:start(1, 1, function()
      ticks = ticks + 1
      if ticks == 3 then
        timer:close()
        subject.give()
      end
    end)
    assert.is_true(driver.wait(subject))
    assert.equal(3, ticks)
    assert.is_true(driver.wait(waiting.subject(), 0.01))
    assert.is_true(loop.is_idle())
    luv.run() -- would not return
    put_back()
  end)

  it("makes another handle where the program has closed all", function()
    local driver = load_driver(nil, guarded())
    for _ = 1, 2 do
      assert.is_true(driver.wait(waiting.subject(), 0.001))
      luv.walk(function(handle)
        if not handle:is_closing() then
          handle:close()
        end
      end)
    end
    put_back()
  end)
end)

describe("the uv driver with libuv's calls played", function()
  describe_promises(function()
    local uv = played_uv()
    return load_driver(nil, uv), uv.turn
  end)
end)

describe("the uv driver in a played Neovim", function()
  describe_promises(function()
    local vim = played_vim(played_uv())
    return load_driver(vim, nil), vim.turn
  end)
end)

describe("the uv driver", function()
  local uv, driver

  before_each(function()
    uv = played_uv()
    driver = load_driver(nil, uv)
  end)

  after_each(put_back)

  -- Waits in a coroutine; gives a function that has it end.
  local function begin_wait(seconds)
    local subject = waiting.subject()
    local thread = coroutine.create(function() driver.wait(subject, seconds) end)
    assert(coroutine.resume(thread))
    return function()
      subject.give()
      assert.is_true(waiting.turn_until(uv.turn, function() return coroutine.status(thread) == "dead" end))
    end, subject, thread
  end

  it("watches the descriptor for reading by one handle, while somebody waits", function()
    assert.same({}, uv.handles)
    local finish_one = begin_wait()
    local finish_other = begin_wait(60)
    assert.equal(1, #uv.handles)
    local handle = uv.handles[1]
    assert.equal(loop.descriptor(), handle.descriptor)
    assert.equal("r", handle.events)
    assert.equal(1, handle.starts)
    finish_one()
    assert.is_true(handle:is_active())
    finish_other()
    assert.is_false(handle:is_active())
    begin_wait()()
    assert.equal(1, #uv.handles)
    assert.equal(2, handle.starts)
    assert.is_false(handle:is_active())
  end)

  it("makes another handle where the descriptor has changed, and closes the old one", function()
    begin_wait()()
    local descriptor = loop.descriptor()
    local restore = with_descriptor(function() return descriptor + 1 end)
    local ok, err = pcall(function() begin_wait()() end)
    restore()
    assert.is_true(ok, err)
    assert.equal(2, #uv.handles)
    assert.is_true(uv.handles[1].is_closed)
    assert.equal(descriptor + 1, uv.handles[2].descriptor)
    assert.is_false(uv.handles[2].is_closed)
  end)

  it("makes another handle where the program has closed the old one, also while somebody waits", function()
    begin_wait()()
    uv.handles[1]:close()
    local finish_one = begin_wait()
    uv.handles[2]:close()
    local finish_other = begin_wait()
    assert.equal(3, #uv.handles)
    finish_one()
    uv.handles[3]:close()
    driver.wait({ has_news = function() return true end }) -- it stops no handle that is closed
    begin_wait()()
    finish_other()
  end)

  it("watches from a spawn on", function()
    local has_run
    driver.spawn(function() has_run = true end)
    assert.is_true(uv.handles[1]:is_active())
    uv.turn()
    assert.is_true(has_run)
    assert.is_false(uv.handles[1]:is_active())
  end)

  it("stops watching where the host resumes the last one who waits", function()
    local _, subject, thread = begin_wait()
    subject.is_ready = true
    assert(coroutine.resume(thread))
    assert.equal("dead", coroutine.status(thread))
    assert.is_false(uv.handles[1]:is_active())
  end)

  it("watches during a wake-up, which may run the event loop itself", function()
    local seen
    loop.after(0, function() seen = uv.handles[1]:is_active() end)
    local finish = begin_wait()
    uv.turn()
    assert.is_true(seen)
    finish()
  end)

  it("raises what a wake-up raises as a string, and has the others take their turn at once", function()
    local step = loop.step
    local finish = begin_wait()
    loop.step = function() error(setmetatable({}, { __tostring = function() return "of a wake-up" end })) end
    uv.turn()
    loop.step = step
    assert.equal("of a wake-up", told_failure())
    assert.is_true(uv.handles[1]:is_active())
    assert.is_true(loop.core():wait(0.02) ~= nil)
    finish()
    loop.step(0)
  end)

  it("has work at once after a wake-up raised", function()
    local is_readable
    driver.spawn(function() error("of a wake-up", 0) end)
    uv.turn()
    assert.equal("of a wake-up", told_failure())
    is_readable = not loop.is_idle()
    uv.turn()
    assert.is_true(is_readable)
    assert.is_true(loop.is_idle())
    assert.is_false(uv.handles[1]:is_active())
  end)

  describe("outside of coroutines", function()
    it("runs the event loop, an event at a time, until there is news", function()
      local subject = waiting.subject()
      loop.after(0, function() loop.after(0, subject.give) end)
      assert.is_true(driver.wait(subject))
      assert.equal("once", uv.runs[1])
      assert.is_true(#uv.runs >= 2)
      assert.is_false(uv.handles[1]:is_active())
    end)

    it("runs nothing where there is news already", function()
      local subject = waiting.subject()
      subject.is_ready = true
      assert.is_true(driver.wait(subject))
      assert.is_true(driver.wait(subject, 5))
      assert.same({}, uv.runs)
      assert.is_true(loop.is_idle())
    end)

    it("waits on where a wake-up came without news", function()
      local subject = waiting.subject()
      loop.after(0, function()
        loop.wake(subject)
        loop.after(0.001, subject.give)
      end)
      assert.is_true(driver.wait(subject))
    end)

    it("returns true when the seconds have passed", function()
      assert.is_true(driver.wait(waiting.subject(), 0.005))
      assert.is_true(driver.wait(waiting.subject(), 0))
      assert.is_true(loop.is_idle())
      assert.is_false(uv.handles[1]:is_active())
    end)

    it("raises what the event loop raises, and leaves nothing behind", function()
      local object, subject = {}, waiting.subject()
      uv.run = function() error(object) end
      local ok, err = pcall(driver.wait, subject, 60)
      assert.is_false(ok)
      assert.equal(object, err)
      assert.is_false(loop.is_awaited(subject))
      assert.is_true(loop.is_idle())
      uv.run = function() error("words", 0) end
      assert.same({ false, "words" }, { pcall(driver.wait, subject) })
    end)

    it("may wait where the event loop does not run", function()
      assert.is_true(driver.check())
      uv.loop_mode = nil -- an older luv does not tell
      assert.is_true(driver.check())
    end)

    it("cannot wait in a callback of the event loop, and says what can", function()
      uv.mode = "default"
      assert.same({ false, "a callback of the event loop cannot wait: use anthropic.spawn, or on_done of "
        .. "messages.stream" }, { pcall(driver.check) })
    end)
  end)

  it("may wait in a coroutine that a callback of the event loop has started", function()
    uv.mode = "default"
    assert.is_true(coroutine.wrap(driver.check)())
  end)
end)

describe("the uv driver in Neovim", function()
  local uv, vim, driver

  before_each(function()
    uv = played_uv()
    vim = played_vim(uv)
    driver = load_driver(vim, nil)
  end)

  after_each(put_back)

  it("takes its steps in the main loop: one for all events that came, and none meanwhile", function()
    local subject, ended = waiting.subject(), 0
    local step, steps = loop.step, 0
    coroutine.wrap(function()
      driver.wait(subject)
      ended = ended + 1
    end)()
    local handle = uv.handles[1]
    loop.step = function(...)
      steps = steps + 1
      return step(...)
    end
    subject.give()
    uv.turn()
    assert.is_true(handle:is_active()) -- the editor mostly takes the step before it polls again
    uv.turn()
    assert.is_false(handle:is_active())
    assert.equal(0, steps)
    vim.turn()
    loop.step = step
    assert.equal(1, vim.scheduled)
    assert.equal(1, steps)
    assert.equal(1, ended)
  end)

  it("watches during a wake-up, which may run the event loop itself", function()
    local seen
    driver.spawn(function() seen = uv.handles[1]:is_active() end)
    driver.spawn(function() end)
    vim.turn()
    if uv.handles[1]:is_active() then -- a step leaves the rest to the next one after 5 ms, as on a busy machine
      vim.turn()
    end
    assert.is_true(seen)
    assert.is_false(uv.handles[1]:is_active())
  end)

  it("leaves the handle alone in a step after which somebody still waits", function()
    local last = waiting.subject()
    coroutine.wrap(function() driver.wait(last) end)()
    for _ = 1, 3 do
      local subject = waiting.subject()
      coroutine.wrap(function() driver.wait(subject) end)()
      subject.give()
      vim.turn()
    end
    local handle = uv.handles[1]
    assert.same({ 1, 1, 0 }, { #uv.handles, handle.starts, handle.stops })
    last.give()
    vim.turn()
  end)

  it("watches again where libuv has given the handle up", function()
    local subject = waiting.subject()
    coroutine.wrap(function() driver.wait(subject) end)()
    local handle = uv.handles[1]
    local call = handle.call
    handle.call = nil
    call "EBADF"
    vim.turn()
    assert.is_true(handle:is_active())
    subject.give()
    vim.turn()
  end)

  it("asks no library about a coroutine of its own", function()
    local asked = 0
    package.loaded["nio.tasks"] = { current_task = function() asked = asked + 1 end }
    driver.spawn(function() driver.wait(waiting.subject(), 0) end)
    vim.turn()
    vim.turn()
    assert.equal(0, asked)
    coroutine.wrap(function() driver.wait(waiting.subject(), 0) end)()
    assert.equal(1, asked)
    vim.turn()
    package.loaded["nio.tasks"] = nil
  end)

  it("watches on where somebody still waits after a step", function()
    local subject = waiting.subject()
    coroutine.wrap(function() driver.wait(subject) end)()
    vim.turn()
    assert.is_true(uv.handles[1]:is_active())
    subject.give()
    vim.turn()
    assert.is_false(uv.handles[1]:is_active())
  end)

  it("finds libuv where older ones have it", function()
    local old = played_uv()
    local older = load_driver(played_vim(old, "loop"), nil)
    older.spawn(function() end)
    assert.equal(1, #old.handles)
    old.turn()
    loop.step(0)
  end)

  it("prefers libuv where newer ones have it", function()
    vim.loop = played_uv()
    driver.spawn(function() end)
    assert.equal(1, #uv.handles)
    assert.equal(0, #vim.loop.handles)
    vim.turn()
  end)

  it("waits by vim.wait outside of coroutines, and looks for an interrupt several times a second", function()
    local subject = waiting.subject()
    loop.after(0.002, subject.give)
    assert.is_true(driver.wait(subject))
    assert.same({ 200, 10 }, vim.waits[1])
    assert.is_true(driver.wait(waiting.subject(), 0.005))
    assert.same({}, uv.runs)
    assert.is_false(uv.handles[1]:is_active())
  end)

  it("is cancelled by an interrupt, and leaves nothing behind", function()
    local subject = waiting.subject()
    vim.is_interrupted = true
    assert.same({ nil, "cancelled" }, { driver.wait(subject, 60) })
    assert.is_false(loop.is_awaited(subject))
    assert.is_true(loop.is_idle())
    assert.is_false(uv.handles[1]:is_active())
    assert.same({ nil, "cancelled" }, { driver.wait(subject) })
  end)

  it("cannot wait in a fast event outside of coroutines", function()
    uv.mode = "default" -- it always is
    assert.is_true(driver.check())
    vim.is_fast = true
    assert.same({ false, "a callback of the event loop cannot wait: use anthropic.spawn, or on_done of "
      .. "messages.stream" }, { pcall(driver.check) })
    assert.is_true(coroutine.wrap(driver.check)())
  end)
end)
