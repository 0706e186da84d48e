local anthropic = require "anthropic"

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
        anthropic.sleep(0.15)
        order[#order + 1] = "outer"
      end)
      assert.equal("inner", anthropic.run(function()
        anthropic.spawn(function()
          anthropic.sleep(0.02)
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
