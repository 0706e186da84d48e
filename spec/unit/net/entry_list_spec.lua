local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"

describe("the list of a loop's transfers", function()
  local loop, peer

  before_each(function()
    loop, peer = core.loop(), core_peer.listen()
  end)

  after_each(function()
    loop:close()
    peer:close()
  end)

  -- A transfer and the peer's side of it.
  local function open(options)
    return core_peer.pair(loop, peer, options)
  end

  local function open_many(count)
    return core_peer.pairs(loop, peer, count)
  end

  it("names the ready ones once each, first come first served", function()
    local list = open_many(3)
    for _, i in ipairs { 2, 3, 1 } do
      list[i].connection:send(core_peer.head)
      core_peer.run(loop, function()
        return list[i].transfer:status()
      end)
    end
    for _, i in ipairs { 2, 3, 1 } do
      assert.equal(list[i].transfer, loop:next_ready())
    end
    assert.is_nil(loop:next_ready())
    core_peer.close_all(list)
  end)

  it("does not name those whose news were read, or which were closed, wherever they stood", function()
    for gone = 1, 3 do
      for _, way in ipairs { "close", "event" } do
        local list = open_many(3)
        for _, each in ipairs(list) do
          each.connection:send(core_peer.head)
          core_peer.run(loop, function()
            return each.transfer:status()
          end)
        end
        list[gone].transfer[way](list[gone].transfer)
        local another = open()
        another.connection:send(core_peer.head)
        core_peer.run(loop, function()
          return another.transfer:status()
        end)
        for i = 1, 3 do
          if i ~= gone then
            assert.equal(list[i].transfer, loop:next_ready())
          end
        end
        assert.equal(another.transfer, loop:next_ready())
        assert.is_nil(loop:next_ready())
        list[4] = another
        core_peer.close_all(list)
      end
    end
  end)

  it("has each of them until it ends, whatever ends it", function()
    local list = open_many(4)
    list[2].transfer:limit(0)
    core_peer.finish(loop, list[2].transfer)
    for _, i in ipairs { 1, 3 } do
      list[i].transfer:limit(50)
    end
    core.advance(60)
    loop:step()
    for i, failure in ipairs { "total", "total", "total", false } do
      assert.equal(failure, (list[i].transfer:failure()) or false, i)
    end
    assert.equal(1, loop:active())
    loop:close()
    assert.equal("cancelled", (list[4].transfer:failure()))
    core_peer.close_all(list)
  end)

  it("goes on with all others when one is closed, wherever it stands", function()
    for gone = 1, 3 do
      local list = open_many(3)
      assert.equal(3, loop:active())
      list[gone].transfer:close()
      assert.equal(2, loop:active())
      for i, each in ipairs(list) do
        if i ~= gone then
          each.connection:send(core_peer.head_of(2) .. "ok")
          core_peer.finish(loop, each.transfer)
          assert.equal("ok", each.transfer:body())
        end
      end
      assert.equal(0, loop:active())
      core_peer.close_all(list)
    end
  end)
end)
