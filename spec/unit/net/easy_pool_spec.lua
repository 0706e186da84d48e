local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local exhaustion = require "spec.support.exhaustion"

local head_of = core_peer.head_of

describe("the pool of easy handles", function()
  local loop, peer

  before_each(function()
    loop, peer = core.loop(), core_peer.listen()
  end)

  after_each(function()
    loop:close()
    peer:close()
  end)

  local function answered(text, options)
    return core_peer.answered(loop, peer, text, options)
  end

  it("keeps handles of a few transfers only, and frees those of all others", function()
    local transfers = {}
    for i = 1, 40 do
      transfers[i] = answered(head_of(2) .. "ok")
    end
    for _, transfer in ipairs(transfers) do
      transfer:close()
      transfer:close()
    end
    for _ = 1, 40 do
      local transfer = answered(head_of(2) .. "ok")
      assert.equal("ok", transfer:body())
    end
  end)

  it("holds no more of libcurl's memory after many transfers than after few, and none after its loop", function()
    if not exhaustion.is_possible "curl" then
      pending "which cannot be counted here"
    end
    local function held_after(count)
      local own = core.loop()
      for _ = 1, count do
        core_peer.answered(own, peer, head_of(2) .. "ok"):close()
      end
      own:close()
      return exhaustion.blocks "curl"
    end
    held_after(1)
    local before = held_after(2)
    assert.equal(before, held_after(20))
  end)

  it("gives no handle whose next answer could begin with what its last one left", function()
    local folded = "HTTP/1.1 200 OK\r\n and: on\r\nX: 1\r\nContent-Length: 2\r\n\r\nok"
    local first = answered(folded):headers()
    for _ = 1, 3 do
      answered("HTTP/1.1 200 OK\r\nX: 1\r\nContent-Length: 2\r\n\r\nok"):close()
      local transfer = answered(folded)
      assert.equal(first, transfer:headers())
      transfer:close()
    end
  end)
end)
