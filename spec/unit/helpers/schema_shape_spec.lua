-- What a schema has to be before anything is sent: its keywords hold what they must, it ends.

local json = require "anthropic.base.json"
local shape = require "anthropic.helpers.schema_shape"

local function problem(keyword, value)
  return shape.problem { type = "string", [keyword] = value }
end

describe("the keywords of a schema", function()
  -- name, what is wrong with any other, what it takes, what it does not
  local a_string, a_number = ": string expected, got ", ": number expected, got "
  local a_count = ": a whole number, 0 or more expected"
  local ROWS = {
    { "title", a_string, { "", "a" }, { 1, true, {}, json.null } },
    { "description", a_string, { "", "a" }, { 1, false, {}, json.null } },
    { "format", a_string, { "date", "mine" }, { 1, true, {}, json.null } },
    { "pattern", a_string, { "^a" }, { 1, true, {} } },
    { "$schema", a_string, { "x" }, { 1, true, {} } },
    { "$id", a_string, { "x" }, { 1, true, {} } },
    { "$comment", a_string, { "x" }, { 1, true, {} } },
    { "minimum", a_number, { 0, -1, 0.5 }, { "1", true, {}, json.null } },
    { "maximum", a_number, { 0, -1, 0.5 }, { "1", true, {}, json.null } },
    { "exclusiveMinimum", a_number, { 0, -1, 0.5 }, { "1", true, {}, json.null } },
    { "exclusiveMaximum", a_number, { 0, -1, 0.5 }, { "1", false, {}, json.null } },
    { "multipleOf", ": a number above 0 expected", { 1, 0.01 }, { 0, -1, "1", true, {}, json.null, 0 / 0, 1 / 0 } },
    { "minLength", a_count, { 0, 3 }, { -1, 0.5, "1", true, {}, json.null, 0 / 0 } },
    { "maxLength", a_count, { 0, 3 }, { -1, 0.5, "1", true, {}, json.null } },
    { "minItems", a_count, { 0, 3 }, { -1, 0.5, "1", true, {}, json.null } },
    { "maxItems", a_count, { 0, 3 }, { -1, 0.5, "1", true, {}, json.null } },
    { "minProperties", a_count, { 0, 3 }, { -1, 0.5, "1", true, {} } },
    { "maxProperties", a_count, { 0, 3 }, { -1, 0.5, "1", true, {} } },
    { "uniqueItems", ": boolean expected, got ", { true, false }, { 1, "true", {}, json.null } },
    { "required", ": a list expected, got ", { {}, { "a" }, { "a", "b" } }, { true, "a", 1, { a = true }, json.null } },
    { "enum", ": a list expected, got ", { { "a" }, { 1, json.null, false } }, { "a", 1, true, { a = 1 } } },
    { "type", " is no type", { "string", { "string", "null" } }, { "text", "", 1, true, json.null } },
    { "properties", ": a table of schemas expected, got ", { {}, { a = {} } }, { "a", 1, true, { {} }, json.null } },
    { "$defs", ": a table of schemas expected, got ", { {}, { a = {} } }, { "a", 1, true, { {} } } },
    { "definitions", ": a table of schemas expected, got ", { {}, { a = {} } }, { "a", 1, true, { {} } } },
    { "anyOf", ": a table of schemas expected, got ", { { {} } }, { "a", 1, true, json.null, json.raw "[{}]" } },
    { "oneOf", ": a table of schemas expected, got ", { { {} } }, { "a", 1, true } },
    { "allOf", ": a table of schemas expected, got ", { { {} } }, { "a", 1, true } },
    { "prefixItems", ": a table of schemas expected, got ", { { {} } }, { "a", 1, true } },
    { "items", ": a schema expected, got ", { {}, true, false }, { "a", 1, json.null, { {} } } },
    { "additionalProperties", ": a schema expected, got ", { {}, true, false }, { "a", 1, json.null, { {} } } },
  }

  for _, row in ipairs(ROWS) do
    it("hold what they must: " .. row[1], function()
      for _, value in ipairs(row[3]) do
        assert.is_nil(problem(row[1], value))
      end
      for _, value in ipairs(row[4]) do
        local words = problem(row[1], value)
        local start = "schema." .. row[1]
        assert.equal(start, words:sub(1, #start))
        assert.truthy(words:find(row[2], 1, true), words)
      end
    end)
  end

  it("hold lists without holes and names, which are not empty", function()
    for _, name in ipairs { "anyOf", "oneOf", "allOf", "prefixItems" } do
      assert.equal(("schema.%s: at least one schema expected"):format(name), problem(name, {}))
      assert.equal(("schema.%s[2]: missing"):format(name), problem(name, { {}, nil, {} }))
      assert.equal(("schema.%s: a list expected, got a table with the key a"):format(name), problem(name, { a = {} }))
      assert.equal(("schema.%s[1]: a schema expected, got boolean"):format(name), problem(name, { true }))
    end
    assert.equal("schema.enum: at least one value expected", problem("enum", {}))
    assert.equal("schema.enum[1]: missing", problem("enum", { nil, "b" }))
    assert.equal("schema.enum[2]: a string, number, boolean or null expected, got table", problem("enum", { 1, {} }))
    assert.equal("schema.required[2]: missing", problem("required", { "a", nil, "c" }))
    assert.equal("schema.required[1]: string expected, got number", problem("required", { 1 }))
    assert.equal("schema.type: at least one type expected", problem("type", {}))
    assert.equal("schema.type[2]: missing", problem("type", { "string", nil, "null" }))
    assert.equal("schema.properties: a table of schemas expected, got the key 1", problem("properties", { {} }))
  end)

  it("may be unknown, and hold anything", function()
    assert.is_nil(problem("x-mine", print))
    assert.is_nil(problem("default", json.null))
    assert.is_nil(problem("examples", "none"))
    assert.is_nil(problem("const", { a = {} }))
  end)

  it("may hold tables with metatables of another library", function()
    local foreign = { __jsontype = "array" }
    assert.is_nil(problem("enum", setmetatable({ "a" }, foreign)))
    assert.is_nil(problem("required", setmetatable({ "a" }, foreign)))
    assert.is_nil(problem("anyOf", setmetatable({ {} }, foreign)))
    assert.is_nil(shape.problem(json.decode '{"type":"object","required":[],"properties":{"a":{"enum":["b"]}}}'))
  end)
end)

describe("a schema", function()
  it("is a table of names", function()
    for _, case in ipairs { { "x", "string" }, { 1, "number" }, { true, "boolean" }, { json.null, "null" } } do
      assert.equal("schema: a schema expected, got " .. case[2], shape.problem(case[1]))
    end
    assert.equal("schema: a schema expected, got nil", shape.problem(nil))
    assert.equal("schema: a schema expected, got a list", shape.problem { { type = "string" } })
    assert.matches("^schema: a schema expected, got raw JSON", shape.problem(json.raw "{}"))
    assert.is_nil(shape.problem {})
  end)

  it("is not nested deeper than JSON is", function()
    local function nested(levels)
      local node = { type = "string" }
      for _ = 2, levels do
        node = { type = "object", properties = { a = node } }
      end
      return node
    end
    assert.is_nil(shape.problem(nested(500)))
    assert.matches("^schema%.properties%.a.*: nested deeper than 500$", shape.problem(nested(501)))
  end)

  it("ends: it is not its own part", function()
    local defs = { a = { anyOf = { { type = "null" }, { ["$ref"] = "#/$defs/b" } } }, b = { ["$ref"] = "#/$defs/a" } }
    assert.equal("schema.$defs.a: the schema contains itself", shape.problem { type = "string", ["$defs"] = defs })
    local list = { type = "array" }
    list.items = list
    assert.equal("schema.items: the schema contains itself", shape.problem(list))
    assert.is_nil(shape.problem { type = "array", items = { ["$ref"] = "#" } })
    assert.is_nil(shape.problem { type = "object", additionalProperties = { ["$ref"] = "#" } })
    assert.is_nil(shape.problem { prefixItems = { { ["$ref"] = "#" } } })
  end)

  it("has no more parts in one another than can be checked", function()
    local function chain(count)
      local defs = { ["d" .. count] = { type = "string" } }
      for i = 1, count - 1 do
        defs["d" .. i] = { ["$ref"] = "#/$defs/d" .. i + 1 }
      end
      return { type = "string", ["$defs"] = defs }
    end
    assert.is_nil(shape.problem(chain(1000)))
    assert.matches("^schema%.%$defs%.d%d+: more than 1000 schemas in one another, without a member between$",
      shape.problem(chain(1001)))
  end)
end)
