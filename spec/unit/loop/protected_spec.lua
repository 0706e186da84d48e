-- Each Lua cleans up in a way of its own: see support/lua_variants.lua.

local variants = require "spec.support.lua_variants"

local NOTHING = select(2, pcall(error)) -- what was raised: Lua 5.5 has words for it

local pack, start = variants.pack, variants.start

local function describe_all(variant)
  local protected, is_stock_5_1 = variant.protected, variant.is_stock_5_1

  describe("the running coroutine", function()
    it("is none outside of any", function()
      assert.is_nil(protected.running())
      assert.is_false(protected.is_protected())
    end)

    it("is the one that the host knows, also where protect has put one between", function()
      local inside, under
      local thread = start(function()
        inside = protected.running()
        protected.call(function() under = protected.running() end)
      end)
      assert.equal(thread, inside)
      assert.equal(thread, under)
    end)

    it("is the one that the host knows also where protect is called under protect", function()
      local inside
      local thread = start(function()
        protected.call(function()
          protected.call(function() inside = protected.running() end)
        end)
      end)
      assert.equal(thread, inside)
    end)

    it("is a coroutine of one's own inside of it", function()
      local inner, seen
      start(function()
        inner = start(function() seen = protected.running() end)
      end)
      assert.equal(inner, seen)
    end)

    it("is protected where protect has put one between: on stock Lua 5.1 alone", function()
      local before, inside, after
      start(function()
        before = protected.is_protected()
        protected.call(function() inside = protected.is_protected() end)
        after = protected.is_protected()
      end)
      assert.same({ false, is_stock_5_1, false }, { before, inside, after })
    end)
  end)

  describe("trace", function()
    it("gives all results, nils inside", function()
      start(function()
        assert.same({ n = 4, true, nil, 2, nil }, pack(protected.trace(function() return nil, 2, nil end)))
        assert.same({ n = 1, true }, pack(protected.trace(function() end)))
      end)
    end)

    it("gives what was raised as it is, and where", function()
      local object = {}
      local function raise(value)
        error(value, 0)
      end
      local function check()
        for _, value in ipairs { "words", 5, object, false } do
          local results = pack(protected.trace(function()
            raise(value)
            return 1
          end))
          assert.same({ false, value, 3 }, { results[1], results[2], results.n })
          assert.equal(value, results[2])
          assert.matches("^stack traceback:\n.*protected_spec%.lua:%d+: in .*raise", results[3])
          assert.is_nil(results[3]:find("coroutines.lua:%d+: in.-raise"))
        end
        assert.equal(NOTHING, (select(2, protected.trace(function() error() end))))
      end
      check()
      start(check)
    end)

    it("may be left by a wait, also of one under another", function()
      local results
      local thread, yielded = start(function()
        results = pack(protected.trace(function()
          return protected.trace(function()
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
      local function deeper(...)
        return 1 + deeper(...)
      end
      local ok, raised = protected.trace(function() -- with many arguments the stack is full after fewer levels
        return deeper(("x"):rep(200):byte(1, -1))
      end)
      assert.is_false(ok)
      local words = tostring(raised) -- LuaJIT may have no stack left for the handler
      assert.is_true(words:find "stack overflow" ~= nil or words == "error in error handling", words)
    end)
  end)

  describe("protect", function()
    it("gives all results, nils inside", function()
      start(function()
        assert.same({ n = 4, true, nil, 2, nil }, pack(protected.call(function() return nil, 2, nil end)))
        assert.same({ n = 1, true }, pack(protected.call(function() end)))
      end)
    end)

    it("gives what was raised, unchanged", function()
      local object = {}
      start(function()
        assert.same({ n = 2, false, object }, pack(protected.call(function() error(object) end)))
        assert.equal(object, select(2, protected.call(function() error(object) end)))
        assert.same({ n = 2, false, NOTHING }, pack(protected.call(function() error(nil) end)))
      end)
    end)

    it("lets the function wait: what it yields comes out, what it is resumed with goes in", function()
      local results
      local thread, yielded = start(function()
        results = pack(protected.call(function()
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
        results = pack(protected.call(function()
          coroutine.yield()
          error("late", 0)
        end))
      end)
      coroutine.resume(thread)
      assert.same({ n = 2, false, "late" }, results)
    end)

    it("works outside of coroutines", function()
      assert.same({ n = 2, true, 5 }, pack(protected.call(function() return 5 end)))
      assert.same({ n = 2, false, "words" }, pack(protected.call(function() error("words", 0) end)))
    end)
  end)

  describe("finally_around", function()
    it("cleans up once after a function that waits several times, whether it returns or raises", function()
      for _, raised in ipairs { false, "broken" } do
        local cleaned, ok, first, second = 0, nil, nil, nil
        local thread = coroutine.create(function()
          ok, first, second = protected.call(function()
            return protected.finally_around(function()
              for i = 1, 3 do
                coroutine.yield(i)
                protected.mend() -- which each wait does
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
      assert.same({ object, "more" }, { protected.finally(f, clean, object, "more") })
      assert.same({ object }, cleaned)
      cleaned = {}
      start(function()
        assert.same({ object, "more" }, { protected.finally(f, clean, object, "more") })
        local one, two = protected.finally(function() return nil, false end, clean, object)
        assert.is_nil(one)
        assert.is_false(two)
      end)
      assert.same({ object, object }, cleaned)
    end)

    it("passes several arguments on", function()
      local seen
      protected.finally(function(...) seen = pack(...) end, clean, "self", nil, 3, nil)
      assert.same({ n = 4, "self", nil, 3, nil }, seen)
    end)

    it("cleans up where the function raises, and raises that unchanged", function()
      local object = {}
      local ok, err = pcall(protected.finally, function() error(object) end, clean, "self")
      assert.is_false(ok)
      assert.equal(object, err)
      assert.same({ "self" }, cleaned)
    end)

    it("lets the function wait, and cleans up after it", function()
      local results
      local thread, yielded = start(function()
        results = { protected.finally(function() return coroutine.yield "waiting", 2 end, clean, "self") }
      end)
      assert.equal("waiting", yielded)
      assert.same({}, cleaned)
      coroutine.resume(thread, 1)
      assert.same({ 1, 2 }, results)
      assert.same({ "self" }, cleaned)
    end)

    it("cleans up where the function raises after a wait, on stock Lua 5.1 by mend", function()
      local thread = start(function()
        local ok, err = protected.call(function()
          protected.finally(function()
            coroutine.yield()
            error("late", 0)
          end, clean, "self")
        end)
        assert.same({ false, "late" }, { ok, err })
        assert.same(is_stock_5_1 and {} or { "self" }, cleaned)
        protected.mend()
        return "ended"
      end)
      assert.same({ true, "ended" }, { coroutine.resume(thread) })
      assert.same({ "self" }, cleaned)
    end)

    it("cleans up inner before outer", function()
      local thread = start(function()
        protected.call(function()
          protected.finally(function()
            protected.finally(function()
              coroutine.yield()
              error "late"
            end, clean, "inner")
          end, clean, "outer")
        end)
        protected.mend()
      end)
      assert.same({}, cleaned)
      coroutine.resume(thread)
      assert.same({ "inner", "outer" }, cleaned)
    end)

    it("leaves nothing to mend where the function has returned", function()
      local thread = start(function()
        protected.finally(function() protected.finally(coroutine.yield, clean, "inner") end, clean, "outer")
        assert.same({ "inner", "outer" }, cleaned)
        protected.mend()
      end)
      assert.is_true((coroutine.resume(thread)))
      assert.same({ "inner", "outer" }, cleaned)
    end)

    it("mends what an earlier error broke off, and not what is under way elsewhere", function()
      local other = start(function()
        protected.finally(coroutine.yield, clean, "other")
      end)
      start(function() protected.mend() end)
      protected.mend()
      assert.same({}, cleaned)
      coroutine.resume(other)
      assert.same({ "other" }, cleaned)
    end)

    if variant.closes then
      it("cleans up where the coroutine is closed", function()
        local thread = start(function()
          protected.finally(coroutine.yield, clean, "self")
        end)
        assert.is_true(coroutine["close"](thread))
        assert.same({ "self" }, cleaned)
      end)
    end
  end)

  describe("a callback of an object", function()
    local object

    before_each(function()
      object = { closed = 0 }
      function object:close()
        self.closed = self.closed + 1
        error "which is dropped"
      end
    end)

    it("gets its value, may wait, and the object stays open", function()
      local seen
      local thread = start(function()
        protected.call_for(object, function(value)
          seen = coroutine.yield(value)
        end, 7)
      end)
      coroutine.resume(thread, "went on")
      assert.equal("went on", seen)
      assert.equal("dead", coroutine.status(thread))
      assert.equal(0, object.closed)
      assert.is_nil(object.callback_raised)
    end)

    it("has it closed where it raises, whatever that is", function()
      local raised = {}
      local function call()
        return pcall(protected.call_for, object, function() error(raised) end)
      end
      local inside, value
      start(function() inside, value = call() end)
      assert.is_false(inside)
      assert.equal(raised, value)
      assert.equal(1, object.closed)
      assert.is_true(object.callback_raised)
      assert.same({ false, raised }, { call() })
      assert.equal(2, object.closed)
    end)
  end)
end

for _, variant in ipairs(variants) do
  describe("protected calls, " .. variant.name .. ":", function() describe_all(variant) end)
end
