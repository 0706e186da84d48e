-- Each Lua suspends, and cleans up, in a way of its own. The module is run as it is, and as it runs where Lua has
-- less.

local loop = require "anthropic.loop"
local waiting = require "spec.support.waiting"

local NOTHING = select(2, pcall(error)) -- what was raised: Lua 5.5 has words for it
local IS_STOCK_5_1 = _VERSION == "Lua 5.1" and rawget(_G, "jit") == nil

-- The module, loaded where the globals given replace the real ones.
local function load_with(globals)
  local path
  for template in package.path:gmatch "[^;]+" do
    local candidate = template:gsub("%?", "anthropic/loop/coroutines")
    local file = not path and io.open(candidate)
    if file then
      file:close()
      path = candidate
    end
  end
  local environment = setmetatable(globals, { __index = _G })
  environment._G = environment
  if setfenv then
    return setfenv(assert(loadfile(path)), environment)()
  end
  return assert(loadfile(path, "t", environment))()
end

-- Lua's coroutines without the functions named.
local function coroutine_without(...)
  local rest = {}
  for name, value in pairs(coroutine) do
    rest[name] = value
  end
  for _, name in ipairs { ... } do
    rest[name] = nil
  end
  return rest
end

local VARIANTS = { {
  name = "as it is", module = require "anthropic.loop.coroutines",
  is_stock_5_1 = IS_STOCK_5_1, closes = rawget(coroutine, "close") ~= nil,
} }
if not IS_STOCK_5_1 then
  local jit = rawget(_G, "jit")
  VARIANTS[2] = { name = "without coroutine.close", module = load_with {
    coroutine = coroutine_without "close", jit = jit,
  } }
  VARIANTS[3] = { name = "without coroutine.isyieldable", module = load_with {
    coroutine = coroutine_without("close", "isyieldable"), jit = jit,
  } }
  VARIANTS[4] = { name = "as on stock Lua 5.1", is_stock_5_1 = true, module = load_with {
    coroutine = coroutine_without("close", "isyieldable"), _VERSION = "Lua 5.1",
  } }
end

local function pack(...)
  return { n = select("#", ...), ... }
end

-- Runs f in a coroutine until it first yields; gives the coroutine and what it yielded.
local function start(f, ...)
  local thread = coroutine.create(f)
  local results = pack(coroutine.resume(thread, ...))
  if not results[1] then
    error(results[2], 0)
  end
  return thread, results[2]
end

local function describe_all(variant)
  local coroutines, is_stock_5_1 = variant.module, variant.is_stock_5_1 or false

  before_each(function() -- a step wakes as many as it has time for
    waiting.stop_clock()
  end)

  after_each(function()
    waiting.restart_clock()
    assert.is_true(loop.is_idle())
  end)

  describe("the running coroutine", function()
    it("is none outside of any", function()
      assert.is_nil(coroutines.running())
      assert.is_false(coroutines.is_protected())
    end)

    it("is the one that the host knows, also where protect has put one between", function()
      local inside, protected
      local thread = start(function()
        inside = coroutines.running()
        coroutines.protect(function() protected = coroutines.running() end)
      end)
      assert.equal(thread, inside)
      assert.equal(thread, protected)
    end)

    it("is the one that the host knows also where protect is called under protect", function()
      local inside
      local thread = start(function()
        coroutines.protect(function()
          coroutines.protect(function() inside = coroutines.running() end)
        end)
      end)
      assert.equal(thread, inside)
    end)

    it("is a coroutine of one's own inside of it", function()
      local inner, seen
      start(function()
        inner = start(function() seen = coroutines.running() end)
      end)
      assert.equal(inner, seen)
    end)

    it("is protected where protect has put one between: on stock Lua 5.1 alone", function()
      local before, inside, after
      start(function()
        before = coroutines.is_protected()
        coroutines.protect(function() inside = coroutines.is_protected() end)
        after = coroutines.is_protected()
      end)
      assert.same({ false, is_stock_5_1, false }, { before, inside, after })
    end)
  end)

  describe("the check", function()
    local WORDS = "the calling code cannot wait: it was called by a function in C (string.gsub, table.sort, tostring, "
      .. "require, a finalizer" .. (is_stock_5_1 and "; here also pcall, an iterator or a metamethod" or "")
      .. "), which Lua cannot suspend; wait before or after that call, or in a task of its own (anthropic.spawn)"

    it("passes in a coroutine, also under protect", function()
      local plain, protected, twice
      start(function()
        plain = pack(coroutines.check())
        coroutines.protect(function()
          protected = coroutines.check()
          coroutines.protect(function() twice = coroutines.check() end)
        end)
      end)
      assert.same({ n = 1, true }, plain)
      assert.is_true(protected)
      assert.is_true(twice)
    end)

    it("says why not, and what to do, inside a function in C", function()
      local ways = {
        gsub = function(f) ("x"):gsub(".", f) end,
        sort = function(f) table.sort({ 2, 1 }, function(a, b) f() return a < b end) end,
      }
      if not rawget(_G, "jit") then -- which suspends that one
        ways.tostring = function(f) tostring(setmetatable({}, { __tostring = function() f() return "" end })) end
      end
      for name, way in pairs(ways) do
        local seen
        start(function()
          way(function() seen = pack(coroutines.check()) end)
        end)
        assert.same({ n = 2, nil, WORDS }, seen, name)
      end
    end)

    it("says so under protect too, where the function in C is outside of that or inside", function()
      local outside, inside
      start(function()
        ("x"):gsub(".", function()
          coroutines.protect(function() outside = pack(coroutines.check()) end)
        end)
        coroutines.protect(function()
          ("x"):gsub(".", function() inside = pack(coroutines.check()) end)
        end)
      end)
      if is_stock_5_1 == IS_STOCK_5_1 then -- elsewhere the core does not know the coroutine that waits for this one
        assert.same({ n = 2, nil, WORDS }, outside)
      end
      assert.same({ n = 2, nil, WORDS }, inside)
    end)

    it("passes inside pcall, an iterator and a metamethod where Lua can suspend them", function()
      local seen = {}
      start(function()
        pcall(function() seen[1] = coroutines.check() end)
        for value in function(_, last) seen[2] = coroutines.check() return not last or nil end do -- luacheck: ignore
        end
        local _ = setmetatable({}, { __index = function() seen[3] = coroutines.check() end }).x
      end)
      for i = 1, 3 do
        assert.equal(not IS_STOCK_5_1 or nil, seen[i])
      end
    end)

    it("fails outside of coroutines", function()
      assert.is_nil((coroutines.check()))
    end)
  end)

  describe("trace", function()
    it("gives all results, nils inside", function()
      start(function()
        assert.same({ n = 4, true, nil, 2, nil }, pack(coroutines.trace(function() return nil, 2, nil end)))
        assert.same({ n = 1, true }, pack(coroutines.trace(function() end)))
      end)
    end)

    it("gives what was raised as it is, and where", function()
      local object = {}
      local function raise(value)
        error(value, 0)
      end
      local function check()
        for _, value in ipairs { "words", 5, object, false } do
          local results = pack(coroutines.trace(function()
            raise(value)
            return 1
          end))
          assert.same({ false, value, 3 }, { results[1], results[2], results.n })
          assert.equal(value, results[2])
          assert.matches("^stack traceback:\n.*coroutines_spec%.lua:%d+: in .*raise", results[3])
          assert.is_nil(results[3]:find("coroutines.lua:%d+: in.-raise"))
        end
        assert.equal(NOTHING, (select(2, coroutines.trace(function() error() end))))
      end
      check()
      start(check)
    end)

    it("may be left by a wait, also of one under another", function()
      local results
      local thread, yielded = start(function()
        results = pack(coroutines.trace(function()
          return coroutines.trace(function()
            local given = coroutine.yield "waits"
            error("after " .. given, 0)
          end)
        end))
      end)
      assert.equal("waits", yielded)
      coroutine.resume(thread, "news")
      assert.same({ true, false, "after news" }, { results[1], results[2], results[3] })
      assert.matches("^stack traceback:", results[4])
    end)

    it("gives an error whose stack was too deep", function()
      local function deeper()
        return 1 + deeper()
      end
      local ok, raised = coroutines.trace(deeper)
      assert.is_false(ok)
      local words = tostring(raised) -- LuaJIT may have no stack left for the handler
      assert.is_true(words:find "stack overflow" ~= nil or words == "error in error handling", words)
    end)
  end)

  describe("protect", function()
    it("gives all results, nils inside", function()
      start(function()
        assert.same({ n = 4, true, nil, 2, nil }, pack(coroutines.protect(function() return nil, 2, nil end)))
        assert.same({ n = 1, true }, pack(coroutines.protect(function() end)))
      end)
    end)

    it("gives what was raised, unchanged", function()
      local object = {}
      start(function()
        assert.same({ n = 2, false, object }, pack(coroutines.protect(function() error(object) end)))
        assert.equal(object, select(2, coroutines.protect(function() error(object) end)))
        assert.same({ n = 2, false, NOTHING }, pack(coroutines.protect(function() error(nil) end)))
      end)
    end)

    it("lets the function wait: what it yields comes out, what it is resumed with goes in", function()
      local results
      local thread, yielded = start(function()
        results = pack(coroutines.protect(function()
          local first = coroutine.yield "one"
          local second = pack(coroutine.yield(first .. " then two"))
          return second.n, second[2]
        end))
      end)
      assert.equal("one", yielded)
      assert.same({ true, "in then two" }, { coroutine.resume(thread, "in") })
      coroutine.resume(thread, nil, "second", nil)
      assert.same({ n = 3, true, 3, "second" }, results)
    end)

    it("gives what was raised after a wait", function()
      local results
      local thread = start(function()
        results = pack(coroutines.protect(function()
          coroutine.yield()
          error("late", 0)
        end))
      end)
      coroutine.resume(thread)
      assert.same({ n = 2, false, "late" }, results)
    end)

    it("works outside of coroutines", function()
      assert.same({ n = 2, true, 5 }, pack(coroutines.protect(function() return 5 end)))
      assert.same({ n = 2, false, "words" }, pack(coroutines.protect(function() error("words", 0) end)))
    end)
  end)

  describe("finally_around", function()
    it("cleans up once after a function that waits several times, whether it returns or raises", function()
      for _, raised in ipairs { false, "broken" } do
        local cleaned, ok, first, second = 0, nil, nil, nil
        local thread = coroutine.create(function()
          ok, first, second = coroutines.protect(function()
            return coroutines.finally_around(function()
              for i = 1, 3 do
                coroutine.yield(i)
                coroutines.mend() -- which each wait does
                assert.equal(0, cleaned)
              end
              if raised then
                error(raised, 0)
              end
              return "one", "two"
            end, function() cleaned = cleaned + 1 end, {})
          end)
        end)
        for _ = 1, 4 do
          assert(coroutine.resume(thread))
        end
        assert.equal("dead", coroutine.status(thread))
        assert.equal(1, cleaned)
        assert.same(raised and { false, raised } or { true, "one", "two" }, { ok, first, second })
      end
    end)
  end)

  describe("finally", function()
    local cleaned

    before_each(function() cleaned = {} end)

    local function clean(self) cleaned[#cleaned + 1] = self end

    it("gives two results, and cleans up once after the function", function()
      local function f(self, ...)
        assert.same({}, cleaned)
        return self, ..., nil
      end
      local object = {}
      assert.same({ object, "more" }, { coroutines.finally(f, clean, object, "more") })
      assert.same({ object }, cleaned)
      cleaned = {}
      start(function()
        assert.same({ object, "more" }, { coroutines.finally(f, clean, object, "more") })
        local one, two = coroutines.finally(function() return nil, false end, clean, object)
        assert.is_nil(one)
        assert.is_false(two)
      end)
      assert.same({ object, object }, cleaned)
    end)

    it("passes several arguments on", function()
      local seen
      coroutines.finally(function(...) seen = pack(...) end, clean, "self", nil, 3, nil)
      assert.same({ n = 4, "self", nil, 3, nil }, seen)
    end)

    it("cleans up where the function raises, and raises that unchanged", function()
      local object = {}
      local ok, err = pcall(coroutines.finally, function() error(object) end, clean, "self")
      assert.is_false(ok)
      assert.equal(object, err)
      assert.same({ "self" }, cleaned)
    end)

    it("lets the function wait, and cleans up after it", function()
      local results
      local thread, yielded = start(function()
        results = { coroutines.finally(function() return coroutine.yield "waiting", 2 end, clean, "self") }
      end)
      assert.equal("waiting", yielded)
      assert.same({}, cleaned)
      coroutine.resume(thread, 1)
      assert.same({ 1, 2 }, results)
      assert.same({ "self" }, cleaned)
    end)

    it("cleans up where the function raises after a wait, on stock Lua 5.1 by mend", function()
      local thread = start(function()
        local ok, err = coroutines.protect(function()
          coroutines.finally(function()
            coroutine.yield()
            error("late", 0)
          end, clean, "self")
        end)
        assert.same({ false, "late" }, { ok, err })
        assert.same(is_stock_5_1 and {} or { "self" }, cleaned)
        coroutines.mend()
        return "ended"
      end)
      assert.same({ true, "ended" }, { coroutine.resume(thread) })
      assert.same({ "self" }, cleaned)
    end)

    it("cleans up inner before outer", function()
      local thread = start(function()
        coroutines.protect(function()
          coroutines.finally(function()
            coroutines.finally(function()
              coroutine.yield()
              error "late"
            end, clean, "inner")
          end, clean, "outer")
        end)
        coroutines.mend()
      end)
      assert.same({}, cleaned)
      coroutine.resume(thread)
      assert.same({ "inner", "outer" }, cleaned)
    end)

    it("leaves nothing to mend where the function has returned", function()
      local thread = start(function()
        coroutines.finally(function() coroutines.finally(coroutine.yield, clean, "inner") end, clean, "outer")
        assert.same({ "inner", "outer" }, cleaned)
        coroutines.mend()
      end)
      assert.is_true((coroutine.resume(thread)))
      assert.same({ "inner", "outer" }, cleaned)
    end)

    it("mends what an earlier error broke off, and not what is under way elsewhere", function()
      local other = start(function()
        coroutines.finally(coroutine.yield, clean, "other")
      end)
      start(function() coroutines.mend() end)
      coroutines.mend()
      assert.same({}, cleaned)
      coroutine.resume(other)
      assert.same({ "other" }, cleaned)
    end)

    if variant.closes then
      it("cleans up where the coroutine is closed", function()
        local thread = start(function()
          coroutines.finally(coroutine.yield, clean, "self")
        end)
        assert.is_true(coroutine["close"](thread))
        assert.same({ "self" }, cleaned)
      end)
    end
  end)

  describe("spawn", function()
    it("runs the function in a coroutine of its own, in the next step", function()
      local thread
      coroutines.spawn(function(...)
        assert.equal(0, select("#", ...))
        thread = coroutines.running()
      end)
      assert.is_nil(thread)
      loop.step(0)
      assert.equal("thread", type(thread))
    end)

    it("runs them in order", function()
      local order = {}
      for i = 1, 3 do
        coroutines.spawn(function() order[#order + 1] = i end)
      end
      loop.step(0)
      assert.same({ 1, 2, 3 }, order)
    end)

    it("has the step raise what the function raises, unchanged", function()
      local object = {}
      coroutines.spawn(function() error(object) end)
      local ok, err = pcall(loop.step, 0)
      assert.is_false(ok)
      assert.equal(object, err)
    end)
  end)

  describe("a driver's step", function()
    it("takes a step that does not wait", function()
      local step, seconds = loop.step, nil
      loop.step = function(...) seconds = pack(...) end
      coroutines.step { spawn = function() error "nothing was raised" end }
      loop.step = step
      assert.same({ n = 1, 0 }, seconds)
    end)

    it("calls those whose time has come", function()
      local called = false
      loop.after(0, function() called = true end)
      coroutines.step { spawn = function() error "nothing was raised" end }
      assert.is_true(called)
    end)

    it("has another coroutine raise what a wake-up raises, unchanged", function()
      for _, object in ipairs { {}, "words" } do
        local spawned
        loop.after(0, function() error(object, 0) end)
        coroutines.step { spawn = function(f) spawned = f end }
        local ok, err = pcall(spawned)
        assert.is_false(ok)
        assert.equal(object, err)
      end
    end)
  end)

  describe("wait", function()
    -- A host that is suspended by yielding, and resumed by the spec.
    local log

    before_each(function() log = {} end)

    local function suspend()
      log[#log + 1] = "suspend"
      return coroutine.yield()
    end

    local function wake() log[#log + 1] = "wake" end
    local function left() log[#log + 1] = "left" end

    local function wait_for(subject, seconds)
      return start(function() return coroutines.wait(subject, seconds, suspend, wake, left) end)
    end

    it("does not suspend where there is news already, and leaves", function()
      local subject = waiting.subject()
      subject.is_ready = true
      assert.is_true(coroutines.wait(subject, nil, suspend, wake, left))
      assert.is_true(coroutines.wait(subject, 60, suspend, wake))
      assert.same({ "left" }, log)
    end)

    it("suspends until there is news: whoever wakes calls the host's wake", function()
      local subject = waiting.subject()
      local thread = wait_for(subject)
      assert.same({ "suspend" }, log)
      subject.give()
      assert.same({ "suspend", "wake" }, log)
      assert.same({ true, true }, { coroutine.resume(thread) })
      assert.same({ "suspend", "wake", "left" }, log)
    end)

    it("registers and suspends again where there is no news", function()
      local subject = waiting.subject()
      local thread = wait_for(subject)
      loop.wake(subject)
      coroutine.resume(thread)
      assert.is_true(loop.is_awaited(subject))
      assert.same({ "suspend", "wake", "suspend" }, log)
      subject.give()
      assert.same({ true, true }, { coroutine.resume(thread) })
    end)

    it("ends when the time is over, which calls the host's wake", function()
      local subject = waiting.subject()
      local thread = wait_for(subject, 0)
      assert.is_true(loop.is_awaited(subject))
      loop.step(0)
      assert.same({ "suspend", "wake" }, log)
      assert.same({ true, true }, { coroutine.resume(thread) })
      assert.is_false(loop.is_awaited(subject))
    end)

    it("raises what suspend returns, false too, and leaves, on stock Lua 5.1 by mend", function()
      for _, failure in ipairs { "words", false } do
        local subject = waiting.subject()
        local thread = start(function()
          local results = pack(coroutines.protect(function()
            return coroutines.wait(subject, 60, suspend, wake, left)
          end))
          coroutines.mend()
          return results
        end)
        local _, results = coroutine.resume(thread, failure)
        assert.same({ n = 2, false, failure }, results)
        assert.equal("left", log[#log])
        assert.is_false(loop.is_awaited(subject))
        assert.is_true(loop.is_idle())
      end
    end)
  end)

  describe("park", function()
    local function park_for(subject, seconds, suspend)
      local state = {}
      state.thread = start(function()
        state.result = coroutines.park(subject, seconds, suspend)
        state.has_ended = true
      end)
      return state
    end

    it("goes on from inside a step: at once where the news comes in one", function()
      local subject = waiting.subject()
      local state = park_for(subject)
      loop.after(0, function()
        subject.give()
        assert.is_true(state.has_ended)
      end)
      loop.step(0)
      assert.is_true(state.result)
    end)

    it("goes on in the next step where the news comes outside of one", function()
      local subject = waiting.subject()
      local state = park_for(subject)
      subject.give()
      assert.is_nil(state.has_ended)
      loop.step(0)
      assert.is_true(state.result)
    end)

    it("takes that the host resumes it as well, with news or without, before the step and after", function()
      local subject = waiting.subject()
      local state = park_for(subject)
      coroutine.resume(state.thread)
      assert.is_nil(state.has_ended)
      assert.is_true(loop.is_awaited(subject))
      subject.give() -- has it go on in the next step
      coroutine.resume(state.thread)
      assert.is_true(state.has_ended)
      loop.step(0)
      assert.equal("dead", coroutine.status(state.thread))
    end)

    it("is not resumed by a late wake-up where it waits for something else, in a yield of its own", function()
      local subject, yields = waiting.subject(), 0
      local thread = start(function()
        coroutines.park(subject)
        yields = yields + 1
        coroutine.yield()
        yields = yields + 1
      end)
      subject.give()
      coroutine.resume(thread)
      assert.equal(1, yields)
      loop.step(0)
      assert.equal(1, yields)
    end)

    it("does not resume one that runs", function()
      local subject = waiting.subject()
      local is_woken = false
      local state = park_for(subject, nil, function()
        if not is_woken then
          is_woken = true
          loop.after(0, subject.give)
          loop.step(0) -- as by the code that suspend runs
        end
        return nil
      end)
      assert.is_true(state.result)
    end)

    it("suspends as it is told, and raises what that returns", function()
      local asked = 0
      local results
      start(function()
        results = pack(coroutines.protect(function()
          return coroutines.park(waiting.subject(), nil, function()
            asked = asked + 1
            return asked == 3 and "at the third time" or nil
          end)
        end))
        coroutines.mend()
      end)
      assert.same({ n = 2, false, "at the third time" }, results)
      assert.equal(3, asked)
    end)

    it("has the step raise what the coroutine raises, unchanged", function()
      local object, subject = {}, waiting.subject()
      start(function()
        coroutines.park(subject)
        error(object)
      end)
      subject.give()
      local ok, err = pcall(loop.step, 0)
      assert.is_false(ok)
      assert.equal(object, err)
    end)

    it("lets a wake-up pass whose wait was broken off", function()
      local subject = waiting.subject()
      local thread = start(function()
        coroutines.protect(function()
          coroutines.park(subject, nil, function() error(coroutine.yield(), 0) end)
        end)
        coroutines.mend()
        coroutine.yield()
      end)
      subject.give() -- has it go on in the next step
      subject.is_ready = false
      coroutine.resume(thread, "broken off")
      loop.step(0)
      assert.equal("suspended", coroutine.status(thread))
      assert.is_false(loop.is_awaited(subject))
    end)
  end)
end

for _, variant in ipairs(VARIANTS) do
  describe("coroutines, " .. variant.name .. ":", function() describe_all(variant) end)
end
