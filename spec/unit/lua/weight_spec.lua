-- core.weigh(value): what decoded values cost.

local core = require "anthropic.core"
local json = require "anthropic.base.json"

describe("the weight", function()
  it("of what stands in its place is nothing", function()
    for _, value in ipairs { 1, true, false, core.null } do
      assert.equal(0, core.weigh(value))
    end
    assert.equal(0, core.weigh(nil))
    assert.equal(0, core.weigh())
  end)

  it("grows with texts, members and elements, inner ones too", function()
    local one = core.weigh "x"
    assert.equal(one + 999, core.weigh(("x"):rep(1000)))
    local empty = core.weigh {}
    assert.is_true(empty > 0)
    assert.is_true(core.weigh { 1 } > empty)
    assert.is_true(core.weigh { a = 1 } > core.weigh { 1 })
    assert.equal(core.weigh { "x" } - core.weigh { 1 }, one)
    assert.equal(core.weigh { a = { a = {} } } - core.weigh { a = 1 }, core.weigh { a = {} })
  end)

  it("has the names of what was null", function()
    assert.is_true(core.weigh(json.decode_answer '{"a":null}') > core.weigh {} + 200)
  end)

  it("goes as deep as JSON does", function()
    local deep = json.decode_answer(("["):rep(1000) .. ("]"):rep(1000))
    assert.is_true(core.weigh(deep) >= 1000 * core.weigh {})
  end)
end)
