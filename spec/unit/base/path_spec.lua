local paths = require "anthropic.base.path"

describe("a path", function()
  it("names members and elements", function()
    assert.equal("a", paths.join("", "a"))
    assert.equal("a.b", paths.join("a", "b"))
    assert.equal("a.$ref", paths.join("a", "$ref"))
    assert.equal("a[2]", paths.join("a", 2))
    assert.equal("[1]", paths.join("", 1))
    assert.equal('a["b c"]', paths.join("a", "b c"))
    assert.equal('a[""]', paths.join("a", ""))
    assert.equal('a["1"]', paths.join("a", "1"))
    assert.equal('["1a"]', paths.join("", "1a"))
    assert.equal('a["b.c"]', paths.join("a", "b.c"))
    assert.equal('a["b\\"c"]', paths.join("a", 'b"c'))
    assert.equal("[2].a", paths.join("[2]", "a"))
  end)

  it("stands before what is wrong", function()
    assert.equal("a.b: missing", paths.problem("a.b", "missing"))
    assert.equal("value: missing", paths.problem("", "missing"))
  end)
end)

describe("a list", function()
  it("has values at 1 to n, and nothing else", function()
    for _, value in ipairs { {}, { 1 }, { "a", "b" }, { false }, setmetatable({ 1 }, {}) } do
      assert.is_nil(paths.problem_of_list("a", value))
    end
  end)

  it("has no hole and no name", function()
    for _, case in ipairs {
      { { 1, nil, 3 }, "a[2]: missing" },
      { { nil, 2 }, "a[1]: missing" },
      { { [2 ^ 31] = 1 }, "a[1]: missing" },
      { { 1, [0] = 1 }, "a[2]: missing" },
      { { 1, [-1] = 1 }, "a[2]: missing" },
      { { 1, [1.5] = 1 }, "a[2]: missing" },
      { { x = 1 }, "a: a list expected, got a table with the key x" },
      { { 1, x = 1 }, "a: a list expected, got a table with the key x" },
      { { 1, n = 1 }, "a: a list expected, got a table with the key n" },
      { { [true] = 1 }, "a: a list expected, got a table with the key true" },
      { "x", "a: a list expected, got string" },
      { 5, "a: a list expected, got number" },
      { false, "a: a list expected, got boolean" },
    } do
      assert.equal(case[2], paths.problem_of_list("a", case[1]))
    end
    assert.equal("a: a list expected, got nil", paths.problem_of_list("a", nil))
    assert.equal("value: a list expected, got string", paths.problem_of_list("", "x"))
  end)
end)
