-- Checks of what a caller gave.

local check = require "anthropic.base.check"
local tables = require "anthropic.base.tables"

local f = function() end

-- What a row says of each value.
local function answers(row, values)
  local said = {}
  for i = 1, values.n do
    said[i] = row.check(values[i])
  end
  return said
end

describe("a row of a check", function()
  it("takes the types that it names", function()
    local row = check.of_type("string", "table")
    assert.equal("string or table", row.expected)
    assert.same({ true, true, false, false, false }, answers(row, { "a", {}, 1, f, nil, n = 5 }))
    assert.equal("function", check.of_type("function").expected)
  end)

  it("takes the words that it names", function()
    local row = check.one_of("1.1", "2")
    assert.equal('one of "1.1", "2"', row.expected)
    assert.same({ true, true, false, false, false }, answers(row, { "1.1", "2", "3", 2, {}, n = 5 }))
  end)

  it("takes numbers above 0", function()
    assert.equal("a positive number", check.positive().expected)
    assert.equal("a number of seconds", check.positive("a number of seconds").expected)
    assert.same({ true, true, true, false, false, false, false, false },
      answers(check.positive(), { 1, 0.5, math.huge, 0, -1, "1", nil, 0 / 0, n = 8 }))
  end)

  it("takes whole numbers from the least one on", function()
    assert.equal("a whole number, 1 or more", check.whole(1).expected)
    assert.same({ true, true, false, false, false, false, false },
      answers(check.whole(1), { 1, 2 ^ 40, 0, 1.5, math.huge, "1", 0 / 0, n = 7 }))
    assert.same({ true, false }, answers(check.whole(0), { 0, -1, n = 2 }))
  end)
end)

describe("the nearest name", function()
  it("needs the fewest letters inserted, removed or replaced", function()
    for _, row in ipairs { -- what was written, names, nearest
      { "abc", { "abc", "abd" }, "abc" },
      { "abc", { "abcd", "xyz" }, "abcd" }, -- one inserted
      { "abcd", { "abc", "wxyz" }, "abc" }, -- one removed
      { "abd", { "abc", "bd__" }, "abc" }, -- one replaced
      { "kitten", { "sitting", "mittens" }, "mittens" }, -- 3 and 2
      { "kitten", { "sitting", "k" }, "sitting" }, -- 3 and 5
      { "ab", { "ba", "abcd" }, "abcd" },
      { "aaaa", { "a", "aaaabbbb" }, "a" }, -- 3 and 4
      { "xabc", { "abcx", "abc" }, "abc" },
      { "", { "a", "bb" }, "a" },
      { "bbb", { "a", "bb" }, "bb" },
      { "flaw", { "lawn", "fl" }, "fl" },
      { "", { "ccc", "dddd" }, "ccc" },
      { "abcdef", { "azced", "zzzzzz" }, "azced" }, -- 3
      { "filenme", { "filename", "file_no" }, "filename" },
    } do
      assert.equal(row[3], check.nearest(row[1], tables.set(row[2])), row[1])
    end
  end)

  it("is the first in the alphabet of equally near ones", function()
    for _ = 1, 3 do
      assert.equal("a", check.nearest("z", tables.set { "c", "b", "a", "d" }))
      assert.equal("abcd", check.nearest("ab", tables.set { "ba", "abcd" }))
      assert.equal("cat", check.nearest("at", tables.set { "hat", "cat", "rat" }))
    end
  end)

  it("takes what is no string for its text", function()
    assert.equal("12", check.nearest(1, tables.set { "12", "nil" }))
    assert.equal("true", check.nearest(true, tables.set { "12", "true" }))
  end)
end)

describe("a list of strings", function()
  it("has strings at 1 to n, and nothing else", function()
    assert.is_true(check.is_list_of_strings {})
    assert.is_true(check.is_list_of_strings { "a" })
    assert.is_true(check.is_list_of_strings { "a", "b" })
    for _, value in ipairs { { 1 }, { "a", 1 }, { a = "b" }, { "a", a = "b" }, { { "a" } }, { false }, "a", 1, true,
                             f, { "a", nil, "c" }, { nil, "b" }, { [0] = "a" } } do
      assert.is_false(check.is_list_of_strings(value))
    end
    assert.is_false(check.is_list_of_strings(nil))
  end)
end)
