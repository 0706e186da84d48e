-- transfer:pieces(). What a recording holds is spec/unit/net/recording_spec.lua's.

local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"

describe("transfer:pieces()", function()
  local loop, peer, transfer

  before_each(function()
    loop, peer = core.loop(), core_peer.listen()
    transfer = core_peer.start(loop, peer, { record = true })
    local connection = peer:accept(loop)
    connection:send(core_peer.head .. "text")
    connection:close()
    core_peer.finish(loop, transfer)
  end)

  after_each(function()
    loop:close()
    peer:close()
  end)

  it("is a new table of pairs each time: the seconds since the start, and the bytes", function()
    local pieces = transfer:pieces()
    assert.equal(1, #pieces)
    assert.same({ "number", "string" }, { type(pieces[1][1]), type(pieces[1][2]) })
    assert.equal("text", pieces[1][2])
    assert.same(pieces, transfer:pieces())
    assert.not_equal(pieces, transfer:pieces())
  end)

  it("is empty once the transfer is closed", function()
    transfer:close()
    assert.same({}, transfer:pieces())
  end)

  it("belongs to a transfer", function()
    for _, other in ipairs { loop, io.stdout, {} } do
      assert.has_error(function() transfer.pieces(other) end)
    end
    assert.has_error(function() transfer.pieces() end)
  end)
end)
