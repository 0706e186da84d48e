local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local exhaustion = require "spec.support.exhaustion"
local full_queue = require "spec.support.full_queue"

-- The loop counts what it has open by this list.
describe("the list of a loop's sockets", function()
  local loop, peer, list

  before_each(function()
    loop, peer, list = core.loop(), core_peer.listen(), {}
  end)

  after_each(function()
    for _, each in ipairs(list) do
      each.transfer:close()
      each.connection:close()
    end
    loop:close()
    peer:close()
  end)

  local function open(count)
    for _ = 1, count do
      local transfer = core_peer.start(loop, peer)
      list[#list + 1] = { transfer = transfer, connection = peer:accept(loop) }
    end
  end

  it("has each that is open, also above its first room", function()
    for count = 1, 40 do
      open(1)
      assert.equal(count, loop:connections())
    end
  end)

  it("has none that was closed, whichever is first, and room for new ones", function()
    open(36)
    local order = {}
    for i = 1, 36 do
      order[i] = (i * 7) % 37 -- every one once
    end
    for i, gone in ipairs(order) do
      list[gone].transfer:close()
      assert.equal(36 - i, loop:connections())
    end
    open(36)
    assert.equal(36, loop:connections())
  end)

  it("has one whose connection did not come about no more", function()
    local queue = full_queue.open()
    if not queue then
      pending "this system answers connections above its queue"
      return
    end
    open(2)
    local transfers = {}
    for i = 1, 3 do
      transfers[i] = core_peer.start(loop, peer, { url = queue.url, connect_timeout = 0.05 * i })
    end
    assert.equal(5, loop:connections())
    for i, transfer in ipairs(transfers) do
      core_peer.finish(loop, transfer)
      assert.equal(5 - i, loop:connections())
    end
    open(3) -- their numbers are there again
    assert.equal(5, loop:connections())
    queue:close()
  end)

  it("keeps no other's descriptor that has the number of one of its own", function()
    local queue = full_queue.open()
    if not queue then
      pending "this system answers connections above its queue"
      return
    end
    local transfer = core_peer.start(loop, peer, { url = queue.url, connect_timeout = 0.05 })
    core_peer.finish(loop, transfer)
    queue:close()
    local files = {}
    for i = 1, 10 do
      files[i] = assert(io.open "/dev/null")
    end
    assert.equal(0, loop:connections())
    loop:close()
    for _, file in ipairs(files) do
      assert.equal("", file:read "*a" or "") -- it was not closed with the loop's
      file:close()
    end
  end)

  it("is empty when its loop is closed, and begins anew with another", function()
    open(20)
    loop:close()
    loop = core.loop()
    assert.equal(0, loop:connections())
    open(3)
    assert.equal(3, loop:connections())
  end)

  it("takes no socket that it has no room for, and gives its memory back", function()
    if not exhaustion.is_possible "core" then
      pending "of this system has memory at all times"
    end
    assert.is_true(exhaustion.survive(function()
      local own, transfers, count = core.loop(), {}, 0
      for i = 1, 18 do -- above its first room
        local ok, transfer = pcall(own.start, own, { method = "GET", url = peer.url })
        transfers[i] = ok and transfer or nil
        count = count + (transfers[i] and not transfer:done() and 1 or 0)
      end
      local connections = own:connections()
      own:close()
      if connections ~= count then
        return ("%d of %d"):format(connections, count)
      end
      return count == 18 or nil
    end) > 18)
  end)
end)
