-- What happens once nobody holds an object any more.

local guard = require "anthropic.base.guard"

local function collect()
  for _ = 1, 5 do
    collectgarbage()
  end
  guard.run_due() -- with LuaJIT
end

describe("a guard", function()
  it("calls its function once, when it is collected", function()
    local calls = 0
    local holder = { guard = guard.new(function() calls = calls + 1 end) }
    collect()
    assert.equal(0, calls)
    assert.is_not_nil(holder.guard)
    holder.guard = nil
    collect()
    collect()
    assert.equal(1, calls)
  end)

  it("is collected with what holds it, also where its function holds that", function()
    local called = false
    local function make()
      local holder = {}
      holder.guard = guard.new(function() called = holder.guard ~= nil end)
    end
    make()
    collect()
    assert.is_true(called)
  end)

  it("drops what its function raises", function()
    guard.new(function() error "nobody is there" end)
    collect()
  end)
end)
