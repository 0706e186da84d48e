-- The body in pieces that end with an empty line, and the events of each.

local core = require "anthropic.core"

local function fed(...)
  local transfer = core.fed(200, 100, 1000)
  for _, bytes in ipairs { ... } do
    transfer:feed(bytes)
  end
  return transfer
end

-- The pieces that are there, each with the data of its event.
local function take(transfer, list)
  list = list or {}
  local bytes, is_cut, data, name = transfer:raw_piece(true)
  while bytes do
    local piece = { bytes, is_cut or data }
    piece[3] = is_cut and data or nil
    list[#list + 1] = piece
    if not data and name ~= "piece" and name ~= "done" then
      error(name)
    end
    bytes, is_cut, data, name = transfer:raw_piece(true)
  end
  return list
end

describe("a body in pieces", function()
  it("is cut behind empty lines", function()
    for text, pieces in pairs {
      ["data: a\n\ndata: b\n\n"] = { { "data: a\n\n", "a" }, { "data: b\n\n", "b" } },
      ["data: a\r\n\r\n: x\r\n\r\n"] = { { "data: a\r\n\r\n", "a" }, { ": x\r\n\r\n" } },
      ["data: a\r\rdata: b\r\r"] = { { "data: a\r\r", "a" }, { "data: b\r\r", "b" } },
      ["\n\n: x\n\n"] = { { "\n" }, { "\n" }, { ": x\n\n" } },
      ["data: a\ndata: b\n\n\n"] = { { "data: a\ndata: b\n\n", "a\nb" }, { "\n" } },
      ["event: a\n\ndata: b\n\n"] = { { "event: a\n\n" }, { "data: b\n\n", "b" } },
      ["data: a\n\ndata: b"] = { { "data: a\n\n", "a" }, { "data: b" } },
      ["data: a\r\n\ndata: b\n\r\n"] = { { "data: a\r\n\n", "a" }, { "data: b\n\r\n", "b" } },
    } do
      local transfer = fed(text)
      transfer:finish()
      assert.same(pieces, (take(transfer)), text)
    end
  end)

  it("is cut the same however its bytes come", function()
    local text = ": a\r\n\r\nevent: x\r\ndata: 1\r\ndata: 2\r\n\r\n\r\ndata: 3\r\n\r\nrest"
    local whole = fed(text)
    whole:finish()
    local expected = take(whole)
    local transfer, list = fed(), {}
    for i = 1, #text do
      transfer:feed(text:sub(i, i))
      take(transfer, list)
    end
    transfer:finish()
    assert.same(expected, (take(transfer, list)))
  end)

  it("does not wait behind the CR of an empty line where lines end so", function()
    assert.same({ { "data: a\r\r", "a" } }, (take(fed "data: a\r\r")))
    assert.same({}, (take(fed "data: a\r\n\r")))
    local transfer = fed "data: a\r\r"
    local list = take(transfer)
    transfer:feed "\ndata: b\r\r"
    assert.same({ { "data: a\r\r", "a" }, { "\ndata: b\r\r", "b" } }, (take(transfer, list)))
  end)

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
