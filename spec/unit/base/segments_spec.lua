local segments = require "anthropic.base.segments"

describe("the segments of a text", function()
  it("are joined, a string is itself, and nil stays nil", function()
    assert.equal("abcd", segments.text { "ab", "", "cd" })
    assert.equal("", segments.text {})
    assert.equal("ab", segments.text "ab")
    assert.equal("", segments.text "")
    assert.is_nil(segments.text(nil))
  end)

  it("are as long as all of them", function()
    assert.equal(4, segments.size { "ab", "", "cd" })
    assert.equal(0, segments.size {})
    assert.equal(2, segments.size "ab")
    assert.equal(0, segments.size "")
  end)
end)
