-- Copies of tables, and what stands in them.

local tables = require "anthropic.base.tables"

describe("tables", function()
  it("are merged into the first one, which is returned", function()
    local target = { a = 1, b = 1 }
    assert.equal(target, tables.merge(target, { b = 2, c = false }))
    assert.same({ a = 1, b = 2, c = false }, target)
    assert.equal(target, tables.merge(target, nil))
    assert.same({ a = 1, b = 2, c = false }, target)
  end)

  it("are copied with what stands in them, not what stands in that", function()
    local inner = {}
    local original = setmetatable({ "a", "b", inner = inner }, {})
    local copy = tables.copy(original)
    assert.same({ "a", "b", inner = {} }, copy)
    assert.is_true(copy ~= original)
    assert.equal(inner, copy.inner)
    assert.is_nil(getmetatable(copy))
    assert.same({}, tables.copy(nil))
  end)

  it("has so many keys, of whatever kind", function()
    assert.equal(0, tables.count {})
    assert.equal(3, tables.count { "a", false, x = 1 })
    assert.equal(2, tables.count(setmetatable({ [1.5] = 1, [{}] = 2 }, { __index = { y = 1 } })))
  end)

  it("have their keys in order", function()
    assert.same({ "a", "b", "c" }, tables.sorted_keys { b = 1, c = false, a = 2 })
    assert.same({ 0, 2, 10 }, tables.sorted_keys { [10] = true, [0] = true, [2] = true })
    assert.same({ "b", "a" }, tables.sorted_keys({ a = 1, b = 1 }, function(one, other) return one > other end))
    assert.same({ 1, 10, 2, "a" }, tables.sorted_keys({ [2] = 1, a = 1, [10] = 1, [1] = 1 }, tables.is_before_as_text))
    assert.same({}, tables.sorted_keys {})
  end)

  it("have the values of a list in order, also behind a hole", function()
    assert.same({ "a", "b", "c" }, tables.items { [4] = "c", [2] = "b", [1] = "a", name = "x" })
    assert.same({}, tables.items { name = "x" })
  end)

  it("are sets of what is in a list", function()
    assert.same({ a = true, [1] = true }, tables.set { "a", 1, "a" })
  end)
end)
