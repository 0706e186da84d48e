-- Suspending coroutines of other libraries, in their ways.

local editor_async = require "spec.support.editor_async"
local host_coroutines = require "anthropic.loop.host_coroutines"

describe("a coroutine of another library", function()
  local before, closed

  before_each(function()
    before = { nio = package.loaded["nio.tasks"], async = package.loaded.async }
    package.loaded["nio.tasks"], package.loaded.async = editor_async.nio, editor_async.async
    closed = 0
  end)

  after_each(function()
    package.loaded["nio.tasks"], package.loaded.async = before.nio, before.async
  end)

  local function new_wait()
    return { subject = { close = function() closed = closed + 1 end } }
  end

  -- Suspends twice, in a coroutine that `run` starts; gives its task and the wait.
  local function suspend_twice(run)
    local wait = new_wait()
    local task = run(function()
      host_coroutines.suspend(wait)
      host_coroutines.suspend(wait)
      return "done with it"
    end)
    return task, wait
  end

  for name, library in pairs(editor_async) do
    it("is suspended and resumed in the way of " .. name, function()
      local task, wait = suspend_twice(library.run)
      assert.equal("running", task.state)
      wait.resume()
      assert.equal("running", task.state)
      wait.resume()
      assert.same({ "done", "done with it" }, { task.state, task.results[1] })
      assert.is_nil(wait.resume)
      assert.equal(0, closed)
    end)
  end

  it("yields what nobody looks at where it is of none", function()
    local wait = new_wait()
    local thread = coroutine.create(function()
      host_coroutines.suspend(wait)
      return "done"
    end)
    assert(coroutine.resume(thread))
    assert.is_nil(wait.resume)
    assert.same({ true, "done" }, { coroutine.resume(thread) })
  end)

  it("is told apart by where it runs, not by what is loaded", function()
    local inner
    local task = editor_async.nio.run(function()
      inner = suspend_twice(editor_async.plenary.run)
      return "outer"
    end)
    assert.same({ "done", "outer" }, { task.state, task.results[1] })
    assert.equal("running", inner.state)
  end)

  it("closes what it waits for with its task, where the library tells", function()
    local task = suspend_twice(editor_async.async.run)
    task.close()
    assert.same({ "failed", "closed" }, { task.state, task.results[1] })
    assert.equal(1, closed)
  end)

  it("is lost where its library has forgotten it", function()
    local task, wait = suspend_twice(editor_async.nio.run)
    task.cancel()
    assert.is_true(wait.resume())
    assert.equal("failed", task.state)
  end)

  it("takes modules of the same names for what they are", function()
    local function fails() error "type error :: expected func" end
    for _, other in ipairs { true, "text", {}, { await = true }, { await = function() end }, { await = fails } } do
      package.loaded.async, package.loaded["nio.tasks"] = other, other
      assert.equal("running", suspend_twice(editor_async.plenary.run).state)
    end
  end)
end)
