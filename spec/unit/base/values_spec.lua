local values = require "anthropic.base.values"

describe("a value from elsewhere", function()
  local OTHERS = { 1, true, false, print }

  it("is a table, or nothing", function()
    local given = {}
    assert.equal(given, values.table_or_nil(given))
    for _, other in ipairs { "x", unpack and unpack(OTHERS) or table.unpack(OTHERS) } do
      assert.is_nil(values.table_or_nil(other))
    end
    assert.is_nil(values.table_or_nil(nil))
  end)

  it("is a string, or nothing; as a word none that is empty", function()
    assert.equal("", values.string_or_nil "")
    assert.is_nil(values.word "")
    assert.equal("x", values.string_or_nil "x")
    assert.equal("x", values.word "x")
    for _, other in ipairs { {}, unpack and unpack(OTHERS) or table.unpack(OTHERS) } do
      assert.is_nil(values.string_or_nil(other))
      assert.is_nil(values.word(other))
    end
    assert.is_nil(values.word(nil))
  end)
end)
