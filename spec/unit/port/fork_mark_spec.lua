-- How a process knows that it was forked: by what a loop does in it.

local abilities = require "spec.support.abilities"
local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"

describe("the mark of a process", function()
  if not abilities then
    pending "of this system cannot be had"
    return
  end

  local loop, peer

  before_each(function()
    loop, peer = core.loop(), core_peer.listen()
  end)

  after_each(function()
    loop:close()
    peer:close()
  end)

  -- The exit status of a child that runs `f`: 0, unless it raised.
  local function status_of_child(f)
    local pid = abilities.fork()
    if pid == 0 then
      abilities.exit(pcall(f) and 0 or 1)
    end
    return abilities.wait(pid)
  end

  local function is_under_way(transfer)
    loop:step()
    return not transfer:done()
  end

  it("is the parent's in a child, and the child's own in what that starts, down to the last", function()
    local transfer = core_peer.start(loop, peer)
    local function descend(depth, parents)
      assert(not is_under_way(parents))
      local own = core_peer.start(loop, peer)
      assert(is_under_way(own))
      assert(depth == 0 or status_of_child(function() descend(depth - 1, own) end) == 0)
      assert(is_under_way(own))
    end
    assert.equal(0, status_of_child(function() descend(2, transfer) end))
    assert.is_true(is_under_way(transfer))
  end)

  it("stays the process's when a loop is closed and another is made", function()
    for _ = 1, 3 do
      loop:close()
      loop = core.loop()
      local transfer = core_peer.start(loop, peer)
      assert.is_true(is_under_way(transfer))
      assert.equal(0, status_of_child(function() assert(not is_under_way(transfer)) end))
      assert.is_true(is_under_way(transfer))
    end
  end)
end)
