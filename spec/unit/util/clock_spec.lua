local core = require "anthropic.core"
local socket = require "socket"

describe("the clock", function()
  it("never goes back, and goes as fast as any", function()
    local began, real = core.now(), socket.gettime()
    local last = began
    repeat
      local now = core.now()
      assert.is_true(now >= last)
      last = now
    until socket.gettime() - real >= 0.02
    assert.is_true(core.now() - began >= 0.015)
  end)

  it("tells parts of a millisecond apart", function()
    local began, steps = core.now(), 0
    for _ = 1, 100000 do
      local now = core.now()
      if now > began then
        steps, began = steps + 1, now
      end
    end
    assert.is_true(steps > 100)
  end)

  it("can be moved ahead here, and stays there", function()
    local began = core.now()
    core.advance(1000.5)
    local moved = core.now() - began
    assert.is_true(moved >= 1000.5 and moved < 1030)
    core.advance(0.5)
    assert.is_true(core.now() - began >= 1001)
  end)
end)
