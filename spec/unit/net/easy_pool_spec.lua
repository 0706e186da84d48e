local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"

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
end)
