local child = require "spec.support.child"
local core = require "anthropic.core"
local fake_core = require "spec.support.fake_core"
local loop = require "anthropic.loop"
local waiting = require "spec.support.waiting"

local STOCK_5_1 = _VERSION == "Lua 5.1" and rawget(_G, "jit") == nil

local function latest(list)
  return list[#list]
end

describe("the loop", function()
  local the_core, pass, put_back

  before_each(function()
    the_core = fake_core()
    put_back = waiting.replace_core(the_core)
    pass = waiting.stop_clock()
  end)

  after_each(function()
    put_back()
    waiting.restart_clock()
    loop.use(nil)
    assert.is_true(loop.is_idle())
  end)

  it("is one for the whole Lua state", function()
    put_back()
    local one = loop.core()
    assert.equal(one, loop.core())
    assert.equal(0, one:active())
  end)

  describe("has a descriptor", function()
    it("that is the core's", function()
      the_core.descriptor = 17
      assert.equal(17, loop.descriptor())
    end)

    it("or says what to use where the system has none", function()
      assert.same({ false, 'this system has no descriptor for all transfers: use loop = "blocking"' },
        { pcall(loop.descriptor) })
    end)
  end)

  describe("on news", function()
    it("calls once, and only for the subject that has it", function()
      local subject, other, called = {}, {}, {}
      loop.on_news(subject, function() called[#called + 1] = "subject" end)
      loop.on_news(other, function() called[#called + 1] = "other" end)
      loop.wake(subject)
      loop.wake(subject)
      assert.same({ "subject" }, called)
      assert.is_false(loop.is_awaited(subject))
      assert.is_true(loop.is_awaited(other))
      loop.wake(other)
      assert.same({ "subject", "other" }, called)
    end)

    it("calls nobody for a subject that nobody waits for", function()
      loop.wake({})
      assert.is_false(loop.is_awaited({}))
    end)

    it("tells one that stands for another of both's news, until it is told or forgotten", function()
      local other = waiting.subject()
      local subject = { stands_for = other, has_news = other.has_news }
      local told = 0
      local function tell() told = told + 1 end
      loop.on_news(subject, tell)
      loop.wake(other)
      loop.wake(other)
      assert.equal(1, told)
      loop.on_news(subject, tell)
      loop.wake(subject)
      assert.equal(2, told)
      loop.on_news(subject, nil)
      loop.wake(other)
      loop.wake(subject)
      assert.equal(2, told)
      assert.is_true(loop.is_idle())
    end)

    it("calls the latest who asked, and nobody who took it back", function()
      local subject, called = {}, {}
      loop.on_news(subject, function() called[#called + 1] = 1 end)
      loop.on_news(subject, function() called[#called + 1] = 2 end)
      loop.wake(subject)
      loop.on_news(subject, function() called[#called + 1] = 3 end)
      loop.on_news(subject, nil)
      loop.wake(subject)
      assert.same({ 2 }, called)
    end)

    it("lets who is called ask again", function()
      local subject, count = {}, 0
      local function again()
        count = count + 1
        loop.on_news(subject, again)
      end
      loop.on_news(subject, again)
      loop.wake(subject)
      assert.equal(1, count)
      assert.is_true(loop.is_awaited(subject))
      loop.wake(subject)
      assert.equal(2, count)
      loop.on_news(subject, nil)
    end)

    it("has forgotten who is called, also where that raises: the next step raises it, in place of who wakes", function()
      local subject = {}
      loop.on_news(subject, function() error("words", 0) end)
      loop.wake(subject)
      assert.is_false(loop.is_awaited(subject))
      assert.same({ false, "words" }, { pcall(loop.step, 0) })
      assert.is_true((pcall(loop.step, 0)))
    end)
  end)

  describe("is idle", function()
    it("unless somebody waits for news", function()
      local subject = {}
      assert.is_true(loop.is_idle())
      loop.on_news(subject, function() end)
      assert.is_false(loop.is_idle())
      loop.on_news(subject, nil)
      assert.is_true(loop.is_idle())
    end)

    it("unless somebody waits for a time", function()
      local forget = loop.after(60, function() end)
      assert.is_false(loop.is_idle())
      forget()
      assert.is_true(loop.is_idle())
    end)
  end)

  describe("in a step", function()
    it("waits for the core as long as it is told, and tells whether something came", function()
      assert.is_false(loop.step(0.25))
      the_core.has_worked = true
      assert.is_true(loop.step(-1))
      assert.same({ 0.25, -1 }, the_core.waits)
    end)

    it("wakes whoever waits for a transfer that has news, in order", function()
      local called = {}
      local transfers = { {}, {}, {} }
      for i, transfer in ipairs(transfers) do
        loop.on_news(transfer, function() called[#called + 1] = i end)
      end
      the_core.ready = { transfers[3], {}, transfers[1] }
      loop.step(0)
      assert.same({ 3, 1 }, called)
      the_core.ready = { transfers[2] }
      loop.step(0)
      assert.same({ 3, 1, 2 }, called)
    end)

    it("raises what a wake-up raises, unchanged, and wakes the others in the next one", function()
      local object, woken = {}, 0
      local one, other = {}, {}
      loop.on_news(one, function() error(object) end)
      loop.on_news(other, function() woken = woken + 1 end)
      the_core.ready = { one, other }
      local ok, err = pcall(loop.step, 0)
      assert.is_false(ok)
      assert.equal(object, err)
      assert.equal(0, woken)
      assert.is_true(the_core.time <= core.now()) -- so the descriptor is readable
      loop.step(0)
      assert.equal(1, woken)
      assert.is_nil(the_core.time)
    end)

    it("tells of an interrupt that the core took, once, to who wants to know", function()
      the_core.interrupts = { false, true }
      assert.same({ false, false }, { loop.step(0, nil, true) })
      assert.same({ false, true }, { loop.step(0, nil, true) })
      assert.same({ false, false }, { loop.step(0, nil, true) })
      assert.same({ false, false }, { loop.step(0) })
    end)

    it("tells of an interrupt in the next step where a wake-up raises in the one that took it", function()
      local transfer = {}
      loop.on_news(transfer, function() error("of another", 0) end)
      the_core.ready, the_core.interrupts = { transfer }, { true }
      assert.same({ false, "of another" }, { pcall(loop.step, 0, nil, true) })
      assert.same({ false, false }, { loop.step(0) }) -- which does not ask
      assert.same({ false, true }, { loop.step(0, nil, true) })
      assert.same({ false, false }, { loop.step(0, nil, true) })
    end)

    it("adds no position to the words that a wake-up raises", function()
      local subject = {}
      loop.on_news(subject, function() error("words", 0) end)
      the_core.ready = { subject }
      assert.same({ false, "words" }, { pcall(loop.step, 0) })
      loop.after(0, function() error("of a time", 0) end)
      assert.same({ false, "of a time" }, { pcall(loop.step, 0) })
    end)

    it("tells that it is, and not any more after it, nor after an error", function()
      local subject, seen = {}, nil
      assert.is_false(loop.is_stepping())
      loop.on_news(subject, function() seen = loop.is_stepping() end)
      the_core.ready = { subject }
      loop.step(0)
      assert.is_true(seen)
      assert.is_false(loop.is_stepping())
      loop.on_news(subject, error)
      the_core.ready = { subject }
      pcall(loop.step, 0)
      assert.is_false(loop.is_stepping())
    end)

    it("tells that it still is after a step inside of it", function()
      local subject, seen = {}, nil
      loop.on_news(subject, function()
        loop.step(0)
        seen = loop.is_stepping()
      end)
      the_core.ready = { subject }
      loop.step(0)
      assert.is_true(seen)
    end)

    it("wakes one after the other until its budget is used up, and leaves the rest to the next", function()
      local woken = {}
      for i = 1, 5 do
        local transfer = {}
        the_core.ready[i] = transfer
        loop.on_news(transfer, function()
          woken[#woken + 1] = i
          pass(1)
        end)
      end
      loop.step(0, 2.5)
      assert.same({ 1, 2, 3 }, woken)
      loop.step(0, 0)
      assert.same({ 1, 2, 3, 4 }, woken)
      loop.step(0)
      assert.same({ 1, 2, 3, 4, 5 }, woken)
    end)

    it("wakes for 5 ms where it has no budget, after it has waited", function()
      local woken = 0
      for i = 1, 4 do
        local transfer = {}
        the_core.ready[i] = transfer
        loop.on_news(transfer, function()
          woken = woken + 1
          pass(0.003)
        end)
      end
      the_core.during = function() pass(1) end
      assert.is_true(loop.step(2))
      assert.equal(2, woken)
      the_core.during = nil
      loop.step(0)
      assert.equal(4, woken)
    end)

    it("goes on where exactly its budget is used up", function()
      local woken = 0
      for i = 1, 2 do
        local transfer = {}
        the_core.ready[i] = transfer
        loop.on_news(transfer, function()
          woken = woken + 1
          pass(1)
        end)
      end
      local began = pass()
      loop.step(0, pass(1) - began)
      assert.equal(2, woken)
    end)
  end)

  it("takes its first step without more", function()
    assert.equal("false", child.output [[io.write(tostring((require("anthropic.loop").step(0))))]])
  end)

  it("has a subject closed that was waited for by code that will not come back, or who stands for it", function()
    local closed = {}
    local function closable(name)
      return { close = function(self) closed[#closed + 1] = { name, self } end }
    end
    local subject, owned, owner = closable "subject", closable "owned", closable "owner"
    loop.own(owned, owner)
    loop.give_up(subject)
    loop.give_up(owned)
    loop.give_up { has_news = function() return false end }
    assert.same({ { "subject", subject }, { "owner", owner } }, closed)
  end)

  describe("after a time", function()
    it("calls once, in the first step that comes at it, not in one before", function()
      local called = 0
      loop.after(2, function() called = called + 1 end)
      loop.step(0)
      pass(1)
      loop.step(0)
      assert.equal(0, called)
      pass(1)
      assert.equal(0, called)
      loop.step(0)
      assert.equal(1, called)
      pass(5)
      loop.step(0)
      assert.equal(1, called)
      assert.is_true(loop.is_idle())
    end)

    it("tells by that of no news", function()
      for _, has_worked in ipairs { false, true } do
        loop.after(1, function() end)
        pass(1)
        the_core.has_worked = has_worked
        assert.equal(has_worked, loop.step(0))
      end
    end)

    it("has the core know of it again where a wake-up raises before", function()
      local began, subject = pass(), {}
      loop.after(1, function() end)
      loop.on_news(subject, function() error("words", 0) end)
      the_core.ready = { subject }
      the_core.alarms = {}
      assert.is_false((pcall(loop.step, 0)))
      assert.same({ began + 1 }, the_core.alarms)
      pass(1)
      loop.step(0)
    end)

    it("calls in the order of the times, and of the calls for equal times", function()
      local order = {}
      for i, seconds in ipairs { 3, 1, 2, 1, 3, 2, 1, -4, 5, 3 } do
        loop.after(seconds, function() order[#order + 1] = i end)
      end
      pass(4)
      loop.step(0)
      assert.same({ 8, 2, 4, 7, 3, 6, 1, 5, 10 }, order)
      pass(1)
      loop.step(0)
      assert.equal(9, latest(order))
    end)

    it("has the core know of the soonest, whatever comes and goes", function()
      local began = pass()
      local forget_late = loop.after(30, function() end)
      assert.equal(began + 30, latest(the_core.alarms))
      local forget_soon = loop.after(10, function() end)
      assert.equal(began + 10, latest(the_core.alarms))
      local count = #the_core.alarms
      local forget_middle = loop.after(20, function() end)
      assert.equal(count, #the_core.alarms)
      forget_soon()
      assert.equal(began + 20, latest(the_core.alarms))
      forget_middle()
      assert.equal(began + 30, latest(the_core.alarms))
      forget_late()
      assert.equal("none", latest(the_core.alarms))
    end)

    it("has the core know of the next when one was called", function()
      local began = pass()
      loop.after(1, function() end)
      loop.after(7, function() end)
      pass(1)
      loop.step(0)
      assert.equal(began + 7, latest(the_core.alarms))
      pass(6)
      loop.step(0)
      assert.equal("none", latest(the_core.alarms))
    end)

    it("does not call one that is forgotten, and forgetting twice forgets no other", function()
      local called = {}
      local forgets = {}
      for i = 1, 3 do
        forgets[i] = loop.after(1, function() called[#called + 1] = i end)
      end
      forgets[2]()
      forgets[2]()
      pass(1)
      loop.step(0)
      forgets[1]()
      assert.same({ 1, 3 }, called)
    end)

    it("lets one that is called forget another that would have been", function()
      local called, forget = 0, nil
      loop.after(1, function()
        called = called + 1
        forget()
      end)
      forget = loop.after(1, function() called = called + 10 end)
      pass(1)
      loop.step(0)
      assert.equal(1, called)
    end)

    it("leaves to a later step what is set by one that is called", function()
      local called = 0
      loop.after(1, function()
        called = called + 1
        loop.after(0.5, function() called = called + 10 end)
        pass(1) -- meanwhile its time has come
      end)
      pass(1)
      loop.step(0)
      assert.equal(1, called)
      loop.step(0)
      assert.equal(11, called)
    end)

    it("leaves to a later step also what is set for a time that has passed", function()
    end)

    it("raises what one that is called raises, unchanged, and calls the others in the next step", function()
      local object, called = {}, 0
      local began = pass()
      loop.after(1, function() error(object) end)
      loop.after(1, function() called = called + 1 end)
      pass(1)
      the_core.alarms = {}
      local ok, err = pcall(loop.step, 0)
      assert.is_false(ok)
      assert.equal(object, err)
      assert.equal(0, called)
      assert.equal(began + 1, latest(the_core.alarms)) -- so that the next step comes at once
      loop.step(0)
      assert.equal(1, called)
    end)

    it("calls one after the other until the step's budget is used up, one at least", function()
      local called = 0
      local began = pass()
      for _ = 1, 4 do
        loop.after(0, function()
          called = called + 1
          pass(1)
        end)
      end
      loop.step(0, 0)
      assert.equal(1, called)
      assert.equal(began, latest(the_core.alarms))
      local now = pass()
      loop.step(0, pass(1) - now)
      assert.equal(3, called)
      loop.step(0)
      assert.equal(4, called)
    end)

    it("calls one also where there is more news than the step has time for", function()
      local woken, called = 0, 0
      for i = 1, 3 do
        the_core.ready[i] = {}
        loop.on_news(the_core.ready[i], function()
          woken = woken + 1
          pass(1)
        end)
        loop.after(0, function() called = called + 1 end)
      end
      for i = 1, 3 do
        loop.step(0, 0.5)
        assert.same({ i, i }, { woken, called })
      end
    end)

    it("calls in the same step that woke for news, which comes first", function()
      local order, transfer = {}, {}
      loop.on_news(transfer, function() order[#order + 1] = "news" end)
      loop.after(1, function() order[#order + 1] = "time" end)
      the_core.ready = { transfer }
      the_core.during = function() pass(1) end
      loop.step(1)
      assert.same({ "news", "time" }, order)
    end)
  end)
end)

describe("a driver", function()
  local NAMES = { "scheduler", "ngx", "cqueues", "copas", "uv", "frame", "blocking", "yield" }

  -- What is found here is taken away for a test, and comes back.
  local HIDDEN = {
    [package.loaded] = { "anthropic.loop.scheduler", "anthropic.loop.frame", "cqueues", "copas", "luv" },
    [_G] = { "ngx", "vim", "love" },
  }
  local before = {}

  before_each(function()
    for place, names in pairs(HIDDEN) do
      before[place] = {}
      for _, name in ipairs(names) do
        before[place][name] = rawget(place, name)
        rawset(place, name, nil)
      end
    end
  end)

  after_each(function()
    for place, names in pairs(HIDDEN) do
      for _, name in ipairs(names) do
        rawset(place, name, before[place][name])
      end
    end
    loop.use(nil)
  end)

  local function in_coroutine(f, ...)
    return coroutine.wrap(f)(...)
  end

  it("has one of these names, or is a table", function()
    assert.same(NAMES, loop.names())
    for _, name in ipairs(NAMES) do
      assert.is_true(loop.is_driver(name), name)
    end
    assert.is_true(loop.is_driver { wait = function() end })
    assert.is_false(loop.is_driver {}) -- which would raise at the first wait
    assert.is_false(loop.is_driver { spawn = function() end })
    for _, other in ipairs { "Uv", "", "init", 1, true, print } do
      assert.is_false(loop.is_driver(other), tostring(other))
    end
    assert.is_false(loop.is_driver(nil))
  end)

  it("is blocking where there is no host", function()
    assert.equal("blocking", loop.name())
    assert.equal("blocking", in_coroutine(loop.name))
    assert.equal(require "anthropic.loop.blocking", loop.driver())
  end)

  local function ngx() return { get_phase = function() return "content" end } end
  local function truthy() return true end
  local function falsy() return nil end
  local ROWS = {
    { "inside anthropic.run", package.loaded, "anthropic.loop.scheduler", { thread = truthy }, "scheduler" },
    { "outside of anthropic.run", package.loaded, "anthropic.loop.scheduler", { thread = falsy }, "blocking" },
    { "in nginx", _G, "ngx", ngx(), "ngx" },
    { "in nginx without Lua's phases", _G, "ngx", {}, "blocking" },
    { "where ngx is something else", _G, "ngx", "text", "blocking" },
    { "in a coroutine of cqueues", package.loaded, "cqueues", { running = truthy }, "cqueues" },
    { "outside of cqueues' coroutines", package.loaded, "cqueues", { running = falsy }, "blocking" },
    { "in a coroutine, Copas running", package.loaded, "copas", { running = true }, "blocking", "copas" },
    { "in a coroutine, Copas old", package.loaded, "copas", {}, "blocking", "copas" },
    { "where Copas does not run", package.loaded, "copas", { running = false }, "blocking" },
    { "in Neovim", _G, "vim", { uv = {}, schedule_wrap = truthy }, "uv" },
    { "in an older Neovim", _G, "vim", { loop = {}, schedule_wrap = truthy }, "uv" },
    { "in a thread of Neovim's", _G, "vim", { uv = {} }, "blocking" },
    { "where vim has no event loop", _G, "vim", {}, "blocking" },
    { "where vim is something else", _G, "vim", "text", "blocking" },
    { "where luv is loaded", package.loaded, "luv", {}, "uv" },
    { "in a game", _G, "love", {}, "frame" },
    { "where the program steps the frames", package.loaded, "anthropic.loop.frame", { is_chosen = true }, "frame" },
    { "where a client alone waits by it", package.loaded, "anthropic.loop.frame", { is_chosen = false }, "blocking" },
  }

  for _, row in ipairs(ROWS) do
    it(("is found %s: %s"):format(row[1], row[6] or row[5]), function()
      rawset(row[2], row[3], row[4])
      assert.equal(row[5], loop.name())
      assert.equal(row[6] or row[5], in_coroutine(loop.name))
    end)
  end

  it("is the first of those that are there", function()
    rawset(_G, "love", {})
    assert.equal("frame", loop.name())
    package.loaded.luv = {}
    assert.equal("uv", loop.name())
    package.loaded.copas = {}
    assert.equal("copas", in_coroutine(loop.name))
    assert.equal("uv", loop.name())
    package.loaded.cqueues = { running = truthy }
    assert.equal("cqueues", in_coroutine(loop.name))
    rawset(_G, "ngx", ngx())
    assert.equal("ngx", in_coroutine(loop.name))
    package.loaded["anthropic.loop.scheduler"] = { thread = truthy }
    assert.equal("scheduler", loop.name())
  end)

  it("is not looked for by way of a global's metatable", function()
    local metatable = getmetatable(_G)
    setmetatable(_G, { __index = function(_, name)
      if name == "ngx" or name == "vim" or name == "love" then
        error("looked for " .. name)
      end
    end })
    local ok, name = pcall(loop.name)
    setmetatable(_G, metatable)
    assert.is_true(ok, name)
    assert.equal("blocking", name)
  end)

  it("is the one that is named by use, over what the host is, until that is taken back", function()
    rawset(_G, "love", {})
    local mine = { wait = function() return true end }
    loop.use "blocking"
    assert.equal("blocking", loop.name())
    assert.equal(require "anthropic.loop.blocking", loop.driver())
    loop.use(mine)
    assert.equal(mine, loop.name())
    assert.equal(mine, loop.driver())
    loop.use()
    assert.equal("frame", loop.name())
  end)

  it("is lacking where neither the program nor a host says one", function()
    assert.is_true(loop.lacks_host())
    loop.use "blocking"
    assert.is_false(loop.lacks_host())
    loop.use()
    rawset(_G, "love", {})
    assert.is_false(loop.lacks_host())
  end)

  it("is the one that is asked for, over the one that is named by use", function()
    local mine = {}
    loop.use "frame"
    assert.equal(mine, loop.driver(mine))
    assert.equal(require "anthropic.loop.blocking", loop.driver "blocking")
    assert.equal(loop.driver "frame", loop.driver(nil))
  end)

  it("is loaded once by its name, also where the library is loaded a second time", function()
    local frame = loop.driver "frame"
    package.loaded["anthropic.loop.frame"] = {}
    assert.equal(frame, loop.driver "frame")
  end)

  it("does not become the driver of all others where one client asked for it, unless it was so before", function()
    local function name_after(code)
      return child.output(([[local loop = require "anthropic.loop" %s io.write(loop.name())]]):format(code))
    end
    assert.equal("blocking", name_after 'loop.driver "frame"')
    assert.equal("frame", name_after 'require "anthropic.loop.frame" loop.driver "frame"')
  end)

  it("that does not exist raises, names those that do, and blames the caller", function()
    for given, shown in pairs { uvv = "uvv", [7] = "7", [true] = "true" } do
      local ok, err = pcall(function() loop.use(given) end)
      assert.is_false(ok)
      assert.matches("^spec/unit/loop/loop_spec%.lua:%d+: no such loop: " .. shown .. " %(there are scheduler, ngx, "
        .. "cqueues, copas, uv, frame, blocking, yield%)$", err)
    end
  end)

  it("that has no wait raises, and blames the caller", function()
    local ok, err = pcall(function() loop.use { spawn = function() end } end)
    assert.is_false(ok)
    assert.matches("^spec/unit/loop/loop_spec%.lua:%d+: ", err)
    assert.equal("blocking", loop.name())
  end)
end)

describe("an iterator that waits", function()
  local function iterate(chosen, level)
    loop.check_iteration(chosen, "stream:next()", level)
  end

  after_each(function() loop.use(nil) end)

  it("is allowed where waiting blocks", function()
    iterate "blocking"
    iterate { wait = function() end }
  end)

  it("is refused on stock Lua 5.1 where waiting yields, and allowed elsewhere", function()
    assert.equal(STOCK_5_1, loop.ITERATORS_CANNOT_WAIT)
    for _, chosen in ipairs { "frame", { suspends = true } } do
      local ok, err = pcall(iterate, chosen)
      assert.equal(not STOCK_5_1, ok)
      assert.equal(STOCK_5_1 and "stock Lua 5.1 cannot wait inside a generic `for` under a scheduler: use stream:next()"
        or nil, err and err:gsub("^%S+:%d+: ", ""))
    end
    loop.use "frame"
    assert.equal(not STOCK_5_1, (pcall(iterate, nil)))
    assert.is_true((pcall(iterate, "blocking")))
  end)

  it("blames the caller's caller, or whom it is told", function()
    local cannot = loop.ITERATORS_CANNOT_WAIT
    loop.ITERATORS_CANNOT_WAIT = true
    local function outer(level)
      local result = iterate({ suspends = true }, level)
      return result
    end
    local inner_line = debug.getinfo(iterate, "S").linedefined + 1
    local outer_line = debug.getinfo(outer, "S").linedefined + 1
    local _, by_default = pcall(outer)
    local _, blamed_inner = pcall(outer, 2)
    local _, blamed_outer = pcall(outer, 3)
    loop.ITERATORS_CANNOT_WAIT = cannot
    assert.matches("^spec/unit/loop/loop_spec%.lua:" .. outer_line .. ": ", by_default)
    assert.matches("^spec/unit/loop/loop_spec%.lua:" .. inner_line .. ": ", blamed_inner)
    assert.matches("^spec/unit/loop/loop_spec%.lua:" .. outer_line .. ": ", blamed_outer)
  end)
end)

describe("time passes", function()
  it("for the core too: a step that waits for ever ends at the time", function()
    local called = false
    local began = core.now()
    loop.after(0.02, function() called = true end)
    while not called do
      loop.step(-1)
    end
    local taken = core.now() - began
    assert.is_true(taken >= 0.02 and taken < 1, taken)
  end)
end)
