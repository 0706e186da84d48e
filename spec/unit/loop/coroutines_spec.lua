-- Each Lua suspends in a way of its own: see support/lua_variants.lua.

local loop = require "anthropic.loop"
local variants = require "spec.support.lua_variants"
local waiting = require "spec.support.waiting"

local pack, start = variants.pack, variants.start

-- Wakes all that wait, however busy the machine is.
local function step_once()
  return loop.step(0, 60)
end

local function describe_all(variant)
  local coroutines, protected, is_stock_5_1 = variant.coroutines, variant.protected, variant.is_stock_5_1

  after_each(function()
    assert.is_true(loop.is_idle())
  end)

  describe("the check", function()
    local WORDS = "the calling code cannot wait: it was called by a function in C (string.gsub, table.sort, tostring, "
      .. "require, a finalizer" .. (is_stock_5_1 and "; here also pcall, an iterator or a metamethod" or "")
      .. "), which Lua cannot suspend; wait before or after that call, or in a task of its own (anthropic.spawn)"

    it("passes in a coroutine, also under protect", function()
      local plain, once, twice
      start(function()
        plain = pack(coroutines.check())
        protected.call(function()
          once = coroutines.check()
          protected.call(function() twice = coroutines.check() end)
        end)
      end)
      assert.same({ n = 1, true }, plain)
      assert.is_true(once)
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
          protected.call(function() outside = pack(coroutines.check()) end)
        end)
        protected.call(function()
          ("x"):gsub(".", function() inside = pack(coroutines.check()) end)
        end)
      end)
      -- elsewhere the core does not know the coroutine that waits for this one
      if is_stock_5_1 == variants[1].is_stock_5_1 then
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
        assert.equal(not variants[1].is_stock_5_1 or nil, seen[i])
      end
    end)

    it("fails outside of coroutines", function()
      assert.is_nil((coroutines.check()))
    end)
  end)

  describe("spawn", function()
    it("runs the function in a coroutine of its own, in the next step", function()
      local thread
      coroutines.spawn(function(...)
        assert.equal(0, select("#", ...))
        thread = protected.running()
      end)
      assert.is_nil(thread)
      step_once()
      assert.equal("thread", type(thread))
    end)

    it("runs them in order", function()
      local order = {}
      for i = 1, 3 do
        coroutines.spawn(function() order[#order + 1] = i end)
      end
      step_once()
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
      step_once()
      assert.same({ "suspend", "wake" }, log)
      assert.same({ true, true }, { coroutine.resume(thread) })
      assert.is_false(loop.is_awaited(subject))
    end)

    it("raises what suspend returns, false too, and leaves, on stock Lua 5.1 by mend", function()
      for _, failure in ipairs { "words", false } do
        local subject = waiting.subject()
        local thread = start(function()
          local results = pack(protected.call(function()
            return coroutines.wait(subject, 60, suspend, wake, left)
          end))
          protected.mend()
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
      step_once()
      assert.is_true(state.result)
    end)

    it("goes on in the next step where the news comes outside of one", function()
      local subject = waiting.subject()
      local state = park_for(subject)
      subject.give()
      assert.is_nil(state.has_ended)
      step_once()
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
      step_once()
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
      step_once()
      assert.equal(1, yields)
    end)

    it("does not resume one that runs", function()
      local subject = waiting.subject()
      local is_woken = false
      local state = park_for(subject, nil, function()
        if not is_woken then
          is_woken = true
          loop.after(0, subject.give)
          step_once() -- as by the code that suspend runs
        end
        return nil
      end)
      assert.is_true(state.result)
    end)

    it("suspends as it is told, and raises what that returns", function()
      local asked = 0
      local results
      start(function()
        results = pack(protected.call(function()
          return coroutines.park(waiting.subject(), nil, function()
            asked = asked + 1
            return asked == 3 and "at the third time" or nil
          end)
        end))
        protected.mend()
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
        protected.call(function()
          coroutines.park(subject, nil, function() error(coroutine.yield(), 0) end)
        end)
        protected.mend()
        coroutine.yield()
      end)
      subject.give() -- has it go on in the next step
      subject.is_ready = false
      coroutine.resume(thread, "broken off")
      step_once()
      assert.equal("suspended", coroutine.status(thread))
      assert.is_false(loop.is_awaited(subject))
    end)
  end)
end

for _, variant in ipairs(variants) do
  describe("coroutines, " .. variant.name .. ":", function() describe_all(variant) end)
end
