-- A text that comes in pieces.

local growing_text = require "anthropic.message.growing_text"

describe("a growing text", function()
  local function grown(...)
    local pieces = {}
    for _, piece in ipairs { ... } do
      growing_text.add(pieces, piece)
    end
    return pieces
  end

  it("is all of its pieces, in order", function()
    assert.equal("", growing_text.joined {})
    assert.equal("a", growing_text.joined { "a" })
    assert.equal("ab", growing_text.joined(grown("a", "b")))
    assert.equal("abc", growing_text.joined(grown("a", "b", "c")))
  end)

  it("is one piece once it was asked for, and goes on", function()
    local pieces = grown("a", "b", "c")
    growing_text.joined(pieces)
    assert.equal("abc", pieces[1])
    assert.equal(1, #pieces)
    growing_text.add(pieces, "d")
    assert.equal("abcd", growing_text.joined(pieces))
  end)

  it("is of few pieces, however many came, and whatever was put beside them", function()
    local pieces, expected = { "before" }, { "before" }
    for i = 1, 2000 do
      local piece = tostring(i)
      expected[#expected + 1] = piece
      if i % 700 == 0 then -- as an accumulator does with what a run took in
        pieces[#pieces + 1] = piece
      else
        growing_text.add(pieces, piece)
      end
      assert.is_true(#pieces < 280)
    end
    assert.equal(table.concat(expected), growing_text.joined(pieces))
  end)
end)
