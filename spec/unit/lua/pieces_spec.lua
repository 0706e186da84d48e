-- The body in pieces that end with an empty line, and the events of each.

local core = require "anthropic.core"
local fed_pieces = require "spec.support.fed_pieces"

local fed, take = fed_pieces.fed, fed_pieces.take

describe("a body in pieces", function()
  it("says why no piece is there", function()
    local transfer = fed "data: a"
    assert.same({ nil, "again" }, { transfer:raw_piece(true) })
    transfer:finish()
    assert.same({ "data: a", false, nil, "done" }, { transfer:raw_piece(true) })
    assert.same({ "a", "" }, { transfer:rest() })
    assert.same({ nil, "done" }, { transfer:raw_piece(true) })
    local full = core.fed(200, 5, 5)
    full:feed "aaaaa"
    assert.same({ nil, "full" }, { full:raw_piece(true) })
    full:close()
    assert.same({ nil, "done" }, { full:raw_piece(true) })
  end)

  it("begins with comments before it is known for a stream", function()
    local transfer = fed ": a\n\n: b"
    assert.same({ nil, "again" }, { transfer:form() })
    assert.same({ ": a\n\n", false }, { transfer:raw_piece(false) })
    assert.same({ nil, "again" }, { transfer:raw_piece(false) })
    transfer:feed "\n\n"
    transfer:form()
    assert.equal(": b\n\n", (transfer:raw_piece(false)))
    transfer:feed '{"a":1}'
    assert.equal("json", transfer:form())
    transfer:finish()
    assert.equal('{"a":1}', transfer:body())
  end)

  it("can go on as events, and in pieces again", function()
    local transfer = fed "data: a\n\ndata: b\n\nda"
    assert.same({ "data: a\n\n", false, "a", "" }, { transfer:raw_piece(true) })
    assert.equal("b", (transfer:event()))
    assert.same({ nil, "again" }, { transfer:event() })
    transfer:feed "ta: c\n\ndata: d\n\n"
    assert.equal("", (transfer:raw_piece(true))) -- first what is in no piece
    assert.same({ nil, "piece" }, { transfer:event() })
    assert.same({ { "ta: c\n\n", true, "c" }, { "data: d\n\n", "d" } }, (take(transfer)))
  end)

  it("can begin after events, also inside of one", function()
    local transfer = fed "data: a\n\ndata: b\n\ndata: c\n"
    assert.equal("a", (transfer:event()))
    assert.equal("", (transfer:raw_piece(true)))
    assert.equal("b", (transfer:event()))
    assert.same({ nil, "piece" }, { transfer:event() })
    transfer:feed "\n"
    assert.same({ { "\n", true, "c" } }, (take(transfer)))
    transfer:feed "data: d\n\n"
    assert.same({ { "data: d\n\n", "d" } }, (take(transfer)))
  end)

  it("bounds its events as ever", function()
    local transfer = fed("data: " .. ("x"):rep(200) .. "\n\n")
    assert.same({ nil, "too_large" }, { select(3, transfer:raw_piece(true)) })
  end)
end)
