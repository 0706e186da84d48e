-- Where a body is cut: behind its empty lines. What the pieces bring: spec/unit/lua/pieces_spec.lua.

local core = require "anthropic.core"
local fed_pieces = require "spec.support.fed_pieces"

local fed, take = fed_pieces.fed, fed_pieces.take

describe("a piece of a body", function()
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

  it("is as long as its lines are, of one kind or of several", function()
    for _, ends in ipairs { { "\n", "\n" }, { "\r\n", "\r\n" }, { "\r", "\r" }, { "\n", "\r\n" }, { "\r\n", "\n" } } do
      for _, length in ipairs { 1, 2, 100, 5000 } do
        local one = "data: " .. ("x"):rep(length) .. ends[1] .. ends[2]
        local transfer = core.fed(200, 10000, 100000)
        transfer:feed(one:rep(3))
        transfer:finish()
        local list = take(transfer)
        assert.equal(3, #list)
        for _, piece in ipairs(list) do
          assert.equal(one, piece[1])
        end
      end
    end
  end)

  it("is one more for each further empty line", function()
    for ending, pieces in pairs { ["\n"] = "\n|\n|a\n\n|\n", ["\r\n"] = "\r\n|\r\n|a\r\n\r\n|\r\n" } do
      local transfer = fed((ending:rep(2) .. "a" .. ending:rep(3)))
      transfer:finish()
      local texts = {}
      for i, piece in ipairs(take(transfer)) do
        texts[i] = piece[1]
      end
      assert.equal(pieces, table.concat(texts, "|"))
    end
  end)
end)
