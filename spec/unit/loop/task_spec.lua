local anthropic = require "anthropic"
local core = require "anthropic.core"

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
          anthropic.sleep(0.01)
          order[#order + 1] = "other"
        end
      end)
      local numbers = coroutine.wrap(function()
        for i = 1, 2 do
          anthropic.sleep(0.1)
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
    local tasks, errors = {}, 0
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
          errors = errors + 1
        end
      end
    end)
    assert.is_true(errors > 0 and errors < 30)
  end)
end)
