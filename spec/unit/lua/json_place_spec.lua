-- How an error names the place of what cannot be encoded.

local encoder = require "spec.support.encoder"

local OBJECT = encoder.OBJECT
local encode, fails, of, nested = encoder.encode, encoder.fails, encoder.of, encoder.nested

describe("a message names the place", function()
  local function place(value)
    local _, message = encode(value)
    return (message:match "^(.*): a function has no JSON form$")
  end

  it("as the value, by name and by position", function()
    assert.equal("value", place(print))
    assert.equal("a", place { a = print })
    assert.equal("[2]", place { 1, print })
    assert.equal("a.b[3].c", place { a = { b = { 1, 2, { c = print } } } })
    assert.equal("[1][2]", place { { 1, print } })
    assert.equal("[1].a", place { { a = print } })
  end)

  it("quotes names that are no words", function()
    for _, name in ipairs { "a", "Z", "_", "z9", "A0", "a_b", "_1", "aZ", "za", "AZ" } do
      assert.equal("x." .. name, place { x = { [name] = print } })
    end
    for _, name in ipairs { "", "0", "9a", "a b", "a-b", "a.b", "a/", "a:", "a@", "a[", "a`", "a{", "{", "@", "é" } do
      assert.equal('x["' .. name .. '"]', place { x = { [name] = print } })
    end
    assert.equal('["a\\"\\n"]', place { ['a"\n'] = print })
    assert.equal('["\\u0000"].b', place { ["\0"] = { b = print } })
    assert.equal('["7"]', place(of(OBJECT, { [7] = print })))
  end)

  it("whole up to 32 levels, and without the middle from 33 on", function()
    local function named(levels)
      local value = print
      for i = levels, 1, -1 do
        value = { ["a" .. i] = value }
      end
      return place(value)
    end
    local function names(from, to)
      local list = {}
      for i = from, to do
        list[#list + 1] = "a" .. i
      end
      return table.concat(list, ".")
    end
    assert.equal(names(1, 31), named(31))
    assert.equal(names(1, 14) .. "..." .. "." .. names(16, 32), named(32))
    assert.equal(names(1, 14) .. "..." .. "." .. names(17, 33), named(33))
    assert.equal(names(1, 14) .. "..." .. "." .. names(84, 100), named(100))
    assert.equal(("[1]"):rep(31), place(nested(print, 31)))
    assert.equal(("[1]"):rep(14) .. "..." .. ("[1]"):rep(17), place(nested(print, 500)))
  end)

  it("of a table that contains itself, at whatever distance", function()
    local value = {}
    value.a = value
    fails("a: the table contains itself", value)
    value = { 1, 2, {} }
    value[3].x = { value }
    fails("[3].x[1]: the table contains itself", value)
    local inner = {}
    inner[1] = inner
    fails("a.b[1]: the table contains itself", { a = { b = inner } })
  end)

  it("of no table that stands twice side by side", function()
    local shared = { 1 }
    assert.equal('{"a":[1],"b":[[1],[1]]}', encode { a = shared, b = { shared, shared } })
  end)
end)
