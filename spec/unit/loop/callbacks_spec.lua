-- What all that calls back has in common: slices, and `on_done` once and last.

local callbacks = require "anthropic.loop.callbacks"
local errors = require "anthropic.base.error"
local loop_waiting = require "anthropic.loop.waiting"
local waiting = require "spec.support.waiting"

-- A host whose waits come back at once; it counts them.
local function host(fields)
  local self = { waits = 0 }
  function self.wait()
    self.waits = self.waits + 1
    return true
  end
  for name, value in pairs(fields or {}) do
    self[name] = value
  end
  return self
end

local function source_of()
  local source = { closed = 0 }
  function source.close()
    source.closed = source.closed + 1
  end
  return source
end

describe("callbacks", function()
  after_each(waiting.restart_clock)

  it("leave the host its turn after 64 calls", function()
    waiting.stop_clock() -- else by their time, on a busy machine
    for calls, turns in pairs { [63] = 0, [64] = 1, [127] = 1, [128] = 2, [1000] = 15 } do
      local driver, called = host(), 0
      callbacks.start(driver, nil, source_of, function(_, call)
        for _ = 1, calls do
          assert.is_true(call(function() called = called + 1 end, "x"))
        end
      end)
      assert.equal(calls, called)
      assert.equal(turns, driver.waits)
    end
  end)

  it("begin to count anew where the task has waited for what comes", function()
    waiting.stop_clock()
    local driver = host()
    callbacks.start(driver, nil, source_of, function(_, call)
      for _ = 1, 10 do
        for _ = 1, 63 do
          call(function() end)
        end
        loop_waiting.sleep(1, driver)
      end
    end)
    assert.equal(10, driver.waits)
  end)

  it("leave a host of frames its turn by their time alone", function()
    local driver = host { has_frames = true }
    callbacks.start(driver, nil, source_of, function(_, call)
      for _ = 1, 1000 do
        call(function() end)
      end
    end)
    assert.is_true(driver.waits < 15)
  end)

  it("are called no more in a task that is cancelled, nor counted where there is no function", function()
    local calls, ends, driver = 0, {}, host()
    local body
    function driver.spawn(f)
      body = f
    end
    local task
    task = callbacks.start(driver, function(_, err) ends[#ends + 1] = err.kind end, source_of, function(_, call)
      for _ = 1, 200 do
        assert.is_true(call(nil, "x"))
      end
      assert.equal(0, driver.waits)
      assert.is_false(call(function()
        calls = calls + 1
        task:cancel()
      end))
      assert.is_false(call(function() calls = calls + 1 end))
      assert.is_false(call())
      return nil, errors.cancelled "no more"
    end)
    coroutine.wrap(body)()
    assert.equal(1, calls)
    assert.same({ "cancelled" }, ends)
  end)

  it("end with what delivering gives, once", function()
    local ends = {}
    local function on_done(...)
      ends[#ends + 1] = { n = select("#", ...), ... }
    end
    callbacks.start(host(), on_done, source_of, function() return "all" end)
    callbacks.start(host(), on_done, function() return nil, "no source" end, error)
    assert.same({ { n = 2, "all" }, { n = 2, nil, "no source" } }, ends)
  end)

  it("open what was prepared before, whose failure is told then", function()
    local open = callbacks.prepared(function() return source_of end)
    assert.equal(0, open().closed)
    assert.same({ nil, "wrong" }, { callbacks.prepared(function() return nil, "wrong" end)() })
    open = callbacks.prepared(function() error("of a member", 0) end)
    assert.same({ false, "of a member" }, { pcall(open) })
  end)

  it("end with an error, and the source closed, where one raises; that is raised too", function()
    local source, ends = source_of(), {}
    local function on_done(_, err)
      ends[#ends + 1] = err
    end
    local ok, message = pcall(callbacks.start, host(), on_done, function() return source end, function()
      error("of a callback", 0)
    end)
    assert.same({ false, "of a callback" }, { ok, message })
    assert.equal(1, source.closed)
    assert.equal(1, #ends)
    assert.same({ "cancelled", "a callback failed: of a callback" }, { ends[1].kind, ends[1].message })
    local own = errors.invalid_request "own"
    pcall(callbacks.start, host(), on_done, source_of, function() error(own, 0) end)
    assert.equal(own, ends[2])
    local count = 0
    assert.is_false(pcall(callbacks.start, host(), function()
      count = count + 1
      error "of on_done"
    end, source_of, function() end))
    assert.equal(1, count)
  end)
end)
