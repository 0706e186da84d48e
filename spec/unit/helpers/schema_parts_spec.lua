-- What of a schema holds of the same value: where references lead, and which members are named.

local parts = require "anthropic.helpers.schema_parts"

describe("a reference", function()
  local root = {
    ["$defs"] = { a = { type = "string" }, ["b/c~d e"] = { type = "null" }, ["~1"] = { type = "array" }, [""] = {} },
    anyOf = { { const = 1 }, { const = 2 } },
    properties = { ["0"] = { const = "zero" } },
    type = "object",
  }

  it("leads to a schema within the whole", function()
    for reference, target in pairs {
      ["#"] = root,
      ["#/$defs/a"] = root["$defs"].a,
      ["#/%24defs/a"] = root["$defs"].a,
      ["#/$defs/b~1c~0d%20e"] = root["$defs"]["b/c~d e"],
      ["#/$defs/~01"] = root["$defs"]["~1"],
      ["#/$defs/"] = root["$defs"][""],
      ["#/anyOf/0"] = root.anyOf[1],
      ["#/anyOf/1"] = root.anyOf[2],
      ["#/properties/0"] = root.properties["0"],
      ["#/$defs"] = root["$defs"],
    } do
      assert.equal(target, parts.resolve(root, reference), reference)
    end
  end)

  it("leads to nothing elsewhere", function()
    for _, reference in ipairs {
      "", "#a", "/$defs/a", "$defs/a", "https://example.com#/$defs/a", "#/$defs/b", "#/none/a", "#/anyOf/2",
      "#/anyOf/-1", "#/type", "#/type/a", "#/$defs/a/type", "#/$defs/a/type/b", 1, true, {},
    } do
      assert.is_nil(parts.resolve(root, reference), tostring(reference))
    end
    assert.is_nil(parts.resolve(root, nil))
  end)
end)

describe("the parts of a schema", function()
  it("are what its reference leads to and the members of allOf, anyOf and oneOf", function()
    local a, b, c, d = {}, {}, {}, {}
    local root = { ["$ref"] = "#/$defs/a", ["$defs"] = { a = a }, allOf = { b }, anyOf = { c }, oneOf = { d },
      properties = { x = {} }, items = {} }
    assert.same({ a, b, c, d }, parts.of(root, root))
    assert.same({}, parts.of(a, root))
    assert.same({}, parts.of({ ["$ref"] = "#/none" }, root))
  end)
end)

describe("the names in a schema", function()
  local root = {
    ["$defs"] = { a = { properties = { a = {} } } },
    properties = { p = {} },
    allOf = { { ["$ref"] = "#/$defs/a" }, { properties = { b = {} } } },
    anyOf = { { properties = { c = {} } }, { properties = { d = {}, p = {} } } },
  }

  it("are those of all its parts", function()
    local names = parts.names(root)
    for _, name in ipairs { "p", "a", "b", "c", "d" } do
      assert.is_true(names:has(name, root))
    end
    assert.is_false(names:has("z", root))
    assert.is_true(names:of(root))
    assert.is_false((select(2, names:of(root))))
  end)

  it("of the others of a part are the rest", function()
    local names = parts.names(root)
    local function known(part)
      local others, list = names:others_of(part, root), {}
      for _, name in ipairs { "p", "a", "b", "c", "d", "z" } do
        list[#list + 1] = names:has(name, {}, others) and name or nil
      end
      return table.concat(list)
    end
    assert.equal("pbcd", known(root.allOf[1]))
    assert.equal("pacd", known(root.allOf[2]))
    assert.equal("pab", known(root.anyOf))
  end)

  it("of the others are the same value for the same, and what is beyond where there are none", function()
    local names = parts.names(root)
    local others = names:others_of(root.anyOf, root)
    assert.equal(others, names:others_of(root.anyOf, root))
    local inner = { allOf = { { properties = { x = {} } } } }
    assert.equal(others, names:others_of(inner.allOf[1], inner, others))
    assert.is_nil(names:others_of(inner.allOf[1], inner))
    local wider = names:others_of(root.allOf[1], root, others)
    assert.not_equal(others, wider)
    assert.equal(wider, names:others_of(root.allOf[1], root, others))
  end)

  it("are any where additionalProperties admits any", function()
    for _, others in ipairs { true, { type = "string" } } do
      local open = { allOf = { { additionalProperties = others }, { properties = { a = {} } } } }
      local names = parts.names(open)
      assert.is_true(names:has("z", open))
      assert.same({ true, true }, { names:of(open) })
      assert.same({ false, true }, { names:of(open.allOf[1]) })
      assert.is_true(names:has("z", {}, names:others_of(open.allOf[2], open)))
      assert.is_false(names:has("z", {}, names:others_of(open.allOf[1], open)))
    end
    assert.same({ false, false }, { parts.names({}):of { additionalProperties = false } })
  end)
end)
