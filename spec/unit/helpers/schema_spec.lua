-- Whether an answer fits its schema, and what is said where it does not.

local anthropic = require "anthropic"
local json = require "anthropic.base.json"
local schema = require "anthropic.helpers.schema"

local null = anthropic.null

describe("checking a value against a schema", function()
  local function fits(text, given)
    local ok, problem = schema.check((json.decode(text)), given)
    assert.is_nil(problem)
    assert.is_true(ok)
  end

  local function fails(text, given, problem)
    local ok, found = schema.check((json.decode(text)), given)
    assert.is_nil(ok)
    assert.equal(problem, found)
  end

  it("knows the types", function()
    local texts = {
      object = "{}", array = "[]", string = '""', integer = "12", number = "1.5", boolean = "false", null = "null",
    }
    for name in pairs(texts) do
      for kind, text in pairs(texts) do
        local is_number = name == "number" and kind == "integer"
        local got = kind == "integer" and "number" or kind
        if kind == name or is_number then
          fits(text, { type = name })
        else
          fails(text, { type = name }, ("value: %s expected, got %s"):format(name, got))
        end
      end
    end
    fits('{"a":1}', { type = "object", properties = { a = { type = "integer" } } })
    fits("[1]", { type = "array" })
    fits("1.0", { type = "integer" })
    fits("null", { type = { "string", "null" } })
    fails("1", { type = { "string", "null" } }, "value: string or null expected, got number")
  end)

  it("names the path of what does not fit", function()
    local given = {
      type = "object",
      properties = {
        recipes = {
          type = "array",
          items = {
            type = "object",
            properties = { name = { type = "string" }, ["cook time"] = { type = "integer" } },
            required = { "name" },
          },
        },
      },
    }
    fits('{"recipes":[{"name":"soup","cook time":5},{"name":"tea"}]}', given)
    fails('{"recipes":[{"name":"soup"},{"name":2}]}', given, "recipes[2].name: string expected, got number")
    fails('{"recipes":[{"cook time":2}]}', given, "recipes[1].name: missing")
    fails('{"recipes":[{"name":"a","cook time":"b"}]}', given,
      'recipes[1]["cook time"]: integer expected, got string')
    fails('{"recipes":[{"name":"a","b":1}]}', given, "recipes[1].b: not a property of the schema")
  end)

  it("allows other members where the schema says so", function()
    fits('{"b":1}', { type = "object", additionalProperties = true })
    fits('{"b":1}', { type = "object", additionalProperties = { type = "number" } })
    fails('{"b":""}', { type = "object", additionalProperties = { type = "number" } },
      "b: number expected, got string")
    fails('{"b":1}', { type = "object" }, "b: not a property of the schema")
  end)

  it("takes a null for a value that is there", function()
    local given = { type = "object", properties = { a = { type = "null" } }, required = { "a" } }
    fits('{"a":null}', given)
    fails("{}", given, "a: missing")
    fails('{"a":null}', { type = "object", properties = { a = { type = "string" } } },
      "a: string expected, got null")
  end)

  it("knows enum and const", function()
    fits('"b"', { type = "string", enum = { "a", "b" } })
    fits("null", { enum = { "a", null } })
    fits("1", { const = 1 })
    fits("1.0", { const = 1 })
    fits('{"a":[1]}', { const = { a = { 1 } } })
    fails('"c"', { type = "string", enum = { "a", "b" } }, 'value: "c" is not one of ["a","b"]')
    fails("2", { const = 1 }, "value: 1 expected, got 2")
    fails("true", { const = false }, "value: false expected, got true")
  end)

  it("takes -0 for 0 in enum and const, wherever it stands", function()
    for _, text in ipairs { "-0", "-0.0", "0", "0.0" } do
      fits(text, { enum = { 1, 0 } })
      fits(text, { const = 0 })
      fits(text, { const = -1 / math.huge })
      fits(('{"a":[null,"-0",{"b":%s},[]]}'):format(text), { const = { a = { null, "-0", { b = 0 }, json.array {} } } })
    end
    fails('"-0"', { const = "0" }, 'value: "0" expected, got "-0"')
    fails("-0.5", { const = 0.5 }, "value: 0.5 expected, got -0.5")
  end)

  it("knows anyOf, oneOf and allOf", function()
    local text_or_point = {
      anyOf = {
        { type = "string" },
        { type = "object", properties = { x = { type = "number" } }, required = { "x" } },
      },
    }
    fits('"a"', text_or_point)
    fits('{"x":1}', text_or_point)
    fails("1", text_or_point, "value: 1 fits no alternative")
    fails('{"x":"1"}', text_or_point, "x: number expected, got string")
    local one = { oneOf = { { type = "integer" }, { type = "number", minimum = 10 } } }
    fits("5", one)
    fits("10.5", one)
    fails("10", one, "value: 10 fits more than one alternative")
    fails('"a"', one, 'value: "a" fits no alternative')
    local both = {
      allOf = {
        { type = "object", properties = { a = { type = "string" } }, required = { "a" } },
        { type = "object", properties = { b = { type = "string" } }, required = { "b" } },
      },
    }
    fits('{"a":"","b":""}', both)
    fails('{"a":""}', both, "b: missing")
  end)

  it("follows references", function()
    local given = {
      ["$defs"] = {
        point = { type = "object", properties = { x = { ["$ref"] = "#/$defs/a~1b%20c" } }, required = { "x" } },
        ["a/b c"] = { type = "integer" },
      },
      type = "array",
      items = { ["$ref"] = "#/$defs/point" },
    }
    fits('[{"x":1},{"x":2}]', given)
    fails('[{"x":1},{"x":true}]', given, "[2].x: integer expected, got boolean")
    fits('{"a":1,"b":2}', {
      type = "object",
      properties = { a = { type = "integer" }, b = { ["$ref"] = "#/properties/a" } },
    })
  end)

  it("knows items and prefixItems", function()
    local given = { type = "array", prefixItems = { { type = "string" }, { type = "integer" } } }
    fits('["a",1,true]', given)
    fails('["a","b"]', given, "[2]: integer expected, got string")
    given.items = { type = "boolean" }
    fits('["a",1,true]', given)
    fails('["a",1,2]', given, "[3]: boolean expected, got number")
  end)

  it("knows the limits", function()
    fails("0", { type = "integer", minimum = 1 }, "value: 0 is less than the minimum, 1")
    fails("2", { type = "integer", maximum = 1 }, "value: 2 is more than the maximum, 1")
    fails("1", { type = "integer", exclusiveMinimum = 1 }, "value: 1 is not more than 1")
    fails("1", { type = "integer", exclusiveMaximum = 1 }, "value: 1 is not less than 1")
    fails("0.25", { type = "number", multipleOf = 0.1 }, "value: 0.25 is no multiple of 0.1")
    fits("0.3", { type = "number", multipleOf = 0.1 })
    fails('"éé"', { type = "string", minLength = 3 }, "value: 2 characters are less than the minimum, 3")
    fails('"ééé"', { type = "string", maxLength = 2 }, "value: 3 characters are more than the maximum, 2")
    fails("[]", { type = "array", minItems = 1 }, "value: 0 elements are less than the minimum, 1")
    fails("[1,2]", { type = "array", maxItems = 1 }, "value: 2 elements are more than the maximum, 1")
    fits("null", { type = { "integer", "null" }, minimum = 1 })
  end)

  it("knows the formats", function()
    fails('"soon"', { type = "string", format = "date" }, 'value: "soon" is no date')
    fits('"soon"', { type = "string", format = "unknown" })
    fits("1", { format = "date" })
  end)

  -- A value of each kind, and keywords that say no to everything that they apply to.
  local VALUES = {
    object = '{"z":1}', array = "[1,2]", string = '"ab"', integer = "5", number = "2.5", boolean = "true",
    null = "null",
  }
  local KEYWORDS = {
    { "required", { "a" }, object = "a: missing" },
    { "properties", { z = { type = "string" } }, object = "z: string expected, got number" },
    { "properties", {}, object = "z: not a property of the schema" },
    { "prefixItems", { { type = "string" } }, array = "[1]: string expected, got number" },
    { "items", { type = "string" }, array = "[1]: string expected, got number" },
    { "minItems", 3, array = "value: 2 elements are less than the minimum, 3" },
    { "maxItems", 1, array = "value: 2 elements are more than the maximum, 1" },
    { "minLength", 3, string = "value: 2 characters are less than the minimum, 3" },
    { "maxLength", 1, string = "value: 2 characters are more than the maximum, 1" },
    { "format", "date", string = 'value: "ab" is no date' },
    { "minimum", 6, integer = "value: 5 is less than the minimum, 6",
      number = "value: 2.5 is less than the minimum, 6" },
    { "maximum", 2, integer = "value: 5 is more than the maximum, 2",
      number = "value: 2.5 is more than the maximum, 2" },
    { "exclusiveMinimum", 5, integer = "value: 5 is not more than 5", number = "value: 2.5 is not more than 5" },
    { "exclusiveMaximum", 2.5, integer = "value: 5 is not less than 2.5", number = "value: 2.5 is not less than 2.5" },
    { "multipleOf", 2, integer = "value: 5 is no multiple of 2", number = "value: 2.5 is no multiple of 2" },
  }

  for _, row in ipairs(KEYWORDS) do
    it(("applies %s %s to values of its kind only"):format(row[1], json.encode(row[2])), function()
      for kind, text in pairs(VALUES) do
        if row[kind] then
          fails(text, { [row[1]] = row[2] }, row[kind])
        else
          fits(text, { [row[1]] = row[2] })
          local applies = row.object and "object" or row.array and "array" or row.string and "string" or "number"
          fits(text, { type = { applies, kind }, [row[1]] = row[2], additionalProperties = true })
        end
      end
    end)
  end

  it("applies additionalProperties to objects only", function()
    for kind, text in pairs(VALUES) do
      for _, others in ipairs { false, { type = "string" } } do
        local given = { type = { "object", kind }, additionalProperties = others }
        if kind == "object" then
          fails(text, given, others and "z: string expected, got number" or "z: not a property of the schema")
        else
          fits(text, given)
        end
      end
    end
  end)

  it("applies the keywords for every kind to every kind", function()
    for kind, text in pairs(VALUES) do
      fits(text, { enum = { 7, (json.decode(text)) } })
      fits(text, { const = (json.decode(text)) })
      fits(text, { anyOf = { { const = 7 }, { type = kind, additionalProperties = true } } })
      fits(text, { oneOf = { { const = 7 }, { type = kind, additionalProperties = true } } })
      fits(text, { allOf = { { type = kind, additionalProperties = true }, {} } })
      fits(text, { ["$ref"] = "#/$defs/a", ["$defs"] = { a = { const = (json.decode(text)) } } })
      fails(text, { enum = { 7 } }, ("value: %s is not one of [7]"):format(text))
      fails(text, { const = 7 }, ("value: 7 expected, got %s"):format(text))
      fails(text, { anyOf = { { const = 7 }, { const = 8 } } }, ("value: %s fits no alternative"):format(text))
      fails(text, { oneOf = { { const = 7 } } }, ("value: %s fits no alternative"):format(text))
      fails(text, { allOf = { {}, { const = 7 } } }, ("value: 7 expected, got %s"):format(text))
      fails(text, { ["$ref"] = "#/$defs/a", ["$defs"] = { a = { const = 7 } } },
        ("value: 7 expected, got %s"):format(text))
    end
  end)

  it("takes an object or null, and the like, for what may be absent", function()
    local person = {
      type = { "object", "null" },
      properties = { name = { type = { "string", "null" }, minLength = 1, format = "email" } },
      required = { "name" },
    }
    fits("null", person)
    fits('{"name":null}', person)
    fits('{"name":"a@b.c"}', person)
    fails('{"name":""}', person, "name: 0 characters are less than the minimum, 1")
    fails("{}", person, "name: missing")
    fails("false", person, "value: object or null expected, got boolean")
    local list = { type = { "array", "null" }, items = { type = "string" }, minItems = 1, maxItems = 2 }
    fits("null", list)
    fits('["a"]', list)
    fails("[]", list, "value: 0 elements are less than the minimum, 1")
    fails("{}", list, "value: array or null expected, got object")
  end)

  it("knows every limit from both sides", function()
    for _, case in ipairs {
      { "minimum", 1, fit = { "1", "1.5" }, fail = { "0.99" } },
      { "maximum", -1, fit = { "-1", "-1.5" }, fail = { "-0.5" } },
      { "exclusiveMinimum", 0, fit = { "0.001", "1" }, fail = { "0", "-0", "-1" } },
      { "exclusiveMaximum", 0, fit = { "-0.001" }, fail = { "0", "1" } },
      { "multipleOf", 0.01, fit = { "0", "-0.07", "19.99", "1e15", "123456789.01" }, fail = { "0.005", "19.999" } },
      { "multipleOf", 0.1, fit = { "7000021.1", "343001029.7" }, fail = { "7000021.15" } },
      { "multipleOf", 3, fit = { "0", "-9", "300000000" }, fail = { "1", "-10", "3.5", "300000001" } },
      { "multipleOf", 1e10, fit = { "0", "2e10" }, fail = { "5e9", "1e5" } },
      { "minLength", 2, fit = { '"ab"', '"éé"', '"\\u00e9x"', '"日本"' }, fail = { '""', '"日"', '"😀"' } },
      { "maxLength", 2, fit = { '""', '"日本"', '"😀😀"', '"\194\128\194\191"' }, fail = { '"abc"', '"ééé"' } },
      { "minItems", 2, fit = { "[1,2]", "[null,null]" }, fail = { "[]", "[null]" } },
      { "maxItems", 1, fit = { "[]", "[[1,2]]" }, fail = { "[1,2]" } },
    } do
      for _, text in ipairs(case.fit) do
        fits(text, { [case[1]] = case[2] })
      end
      for _, text in ipairs(case.fail) do
        assert.is_nil((schema.check((json.decode(text)), { [case[1]] = case[2] })), case[1] .. " " .. text)
      end
    end
  end)

  it("knows the multiples of a small step among large numbers", function()
    fails("1000000001", { multipleOf = 2 }, "value: 1000000001 is no multiple of 2")
    for _, step in ipairs { 2, 5 } do
      assert.is_nil((schema.check(9007199254740991, { multipleOf = step })))
    end
    for _, case in ipairs {
      { 2, { "1000000000", "9007199254740990", "-4" }, { "9007199254740991", "1000000000000001", "-3" } },
      { 0.1, { "50000000.1", "0.3", "0.7", "1e15", "-12345678.9", "0" }, { "50000000.05", "1000000000.05", "1e-20" } },
      { 0.01, { "4.35", "1.1", "1000000.07", "0.29" }, { "1000000.075", "4.355" } },
      { 1e-7, { "0.0000003", "1.0000001" }, { "0.00000035" } },
      { 0.25, { "1e9", "1000000000.25" }, { "1000000000.125" } },
      { 1.5, { "3", "4.5", "3000000000" }, { "4", "3000000001" } },
    } do
      for _, text in ipairs(case[2]) do
        fits(text, { multipleOf = case[1] })
      end
      for _, text in ipairs(case[3]) do
        assert.is_nil((schema.check((json.decode(text)), { multipleOf = case[1] })), text)
      end
    end
  end)

  it("passes over limits that are no numbers", function()
    for _, name in ipairs { "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf" } do
      fits("5", { [name] = true })
      fits("5", { [name] = "6" })
    end
    for _, name in ipairs { "minLength", "maxLength" } do
      fits('"abc"', { [name] = null })
    end
    for _, name in ipairs { "minItems", "maxItems" } do
      fits("[1,2]", { [name] = {} })
    end
    fits("5", { multipleOf = 0 })
    fits('"a"', { format = { "date" } })
  end)

  it("knows that infinity is no integer", function()
    fails("1e400", { type = "integer" }, "value: integer expected, got number")
    fits("1e300", { type = "integer" })
    fails("-0.5", { type = "integer" }, "value: integer expected, got number")
  end)

  it("names the first wrong member in the order of the names", function()
    local a_to_d = { a = { type = "null" }, b = { type = "null" }, c = { type = "null" }, d = { type = "null" } }
    fails('{"d":1,"c":1,"b":1,"a":null}', { type = "object", properties = a_to_d }, "b: null expected, got number")
    fails('{"z":1,"y":1,"x":1}', { type = "object" }, "x: not a property of the schema")
    fails('{"z":1,"y":1,"x":""}', { type = "object", additionalProperties = { type = "string" } },
      "y: string expected, got number")
    fails("{}", { required = { "b", "a" } }, "b: missing")
    fails('{"b":null}', { properties = { b = {} }, required = { "b", "a", "c" } }, "a: missing")
  end)

  it("closes an object that has properties, with or without a type", function()
    fails('{"a":1,"b":2}', { properties = { a = {} } }, "b: not a property of the schema")
    fails('{"a":1,"b":2}', { type = { "null", "object" }, properties = { a = {} } },
      "b: not a property of the schema")
    fails('{"a":1,"b":2}', { type = "object", properties = { a = {} }, additionalProperties = false },
      "b: not a property of the schema")
    fits('{"a":1,"b":2}', { required = { "a" } })
  end)

  it("does not hold a member of the schema against additionalProperties", function()
    local given = { properties = { a = { type = "integer" } }, additionalProperties = { type = "string" } }
    fits('{"a":1,"b":""}', given)
    fails('{"a":1,"b":1}', given, "b: string expected, got number")
    fails('{"a":"","b":""}', given, "a: integer expected, got string")
  end)

  it("checks members inside of members, with the whole path", function()
    local given = { type = "object", additionalProperties = { type = "array", items = { additionalProperties = {
      type = "integer" }, type = "object" } } }
    fits('{"a":[{"b":1},{}],"c":[]}', given)
    fails('{"a":[{"b":1},{"c d":true}]}', given, 'a[2]["c d"]: integer expected, got boolean')
    fails('{"1":[{"":true}]}', given, '["1"][1][""]: integer expected, got boolean')
  end)

  it("leaves elements alone where items is no schema", function()
    fits('[1,"a"]', { type = "array", items = true })
    fits("[1]", { type = "array", items = false })
  end)

  it("checks the elements of prefixItems that are there, and items after them", function()
    local given = { prefixItems = { { type = "string" }, { type = "integer" } }, items = { type = "null" } }
    fits("[]", given)
    fits('["a"]', given)
    fits('["a",1,null,null]', given)
    fails("[null]", given, "[1]: string expected, got null")
    fails('["a",null]', given, "[2]: integer expected, got null")
    fails('["a",1,1]', given, "[3]: null expected, got number")
    fails('["a",1,null,1]', given, "[4]: null expected, got number")
  end)

  it("compares enum and const by what they say", function()
    fits('{"b":[],"a":1}', { const = { a = 1, b = json.array {} } })
    fails('{"a":1}', { const = { a = 1, b = null } }, 'value: {"a":1,"b":null} expected, got {"a":1}')
    fails("[]", { const = json.object {} }, "value: {} expected, got []")
    fails('"1"', { const = 1 }, 'value: 1 expected, got "1"')
    fails("1", { enum = { "1", true } }, 'value: 1 is not one of ["1",true]')
    fails("false", { enum = { null, 0, "" } }, 'value: false is not one of [null,0,""]')
    fails("1", { enum = {} }, "value: 1 is not one of []")
    fits("false", { const = false })
    fails("null", { const = false }, "value: false expected, got null")
  end)

  it("shows an enum of any table", function()
    fails("1", { enum = setmetatable({ "a" }, {}) }, 'value: 1 is not one of ["a"]')
    fails("1", { enum = json.object { "a" } }, 'value: 1 is not one of ["a"]')
  end)

  it("leaves the schema of an enum as it was", function()
    local enum = { "a" }
    fails("1", { enum = enum }, 'value: 1 is not one of ["a"]')
    assert.is_nil(getmetatable(enum))
    assert.same({ "a" }, enum)
  end)

  it("says of several alternatives what is wrong with the one that fits furthest", function()
    local shape = {
      anyOf = {
        { type = "object", properties = { at = { type = "object", properties = { x = { type = "integer" } } } } },
        { type = "object", properties = { to = { type = "integer" } } },
        { type = "object", properties = { at = { type = "object", properties = { y = { type = "null" } } } } },
      },
    }
    fails('{"at":{"x":""}}', shape, "at.x: integer expected, got string")
    fails('{"to":""}', shape, "to: not a property of the schema")
    fails('{"at":{"y":""}}', shape, "at.y: not a property of the schema")
    fails("[]", shape, "value: [] fits no alternative")
    fails("[1,[]]", { items = { anyOf = { { type = "integer" }, { type = "string" } } } },
      "[2]: [] fits no alternative")
    fails("1", { anyOf = {} }, "value: 1 fits no alternative")
    local only = { oneOf = { { properties = { a = { type = "string" } } } } }
    fails('{"a":1}', only, "a: string expected, got number")
  end)

  it("wants exactly one of oneOf", function()
    local given = { oneOf = { { type = "integer" }, { type = "number" }, { type = "string" } } }
    fits("1.5", given)
    fits('"a"', given)
    fails("1", given, "value: 1 fits more than one alternative")
    fails("1", { oneOf = { {}, {}, {} } }, "value: 1 fits more than one alternative")
    fails("[1]", { items = given }, "[1]: 1 fits more than one alternative")
  end)

  it("leaves the members of one part of allOf to the other parts", function()
    local a = { type = "object", properties = { a = { type = "string" } } }
    local b = { properties = { b = { type = "object", properties = { c = {} } } }, additionalProperties = false }
    fits('{"a":"","b":{"c":1}}', { allOf = { a, b } })
    fails('{"a":1}', { allOf = { a, b } }, "a: string expected, got number")
    -- but not what is deeper
    fails('{"b":{"d":1}}', { allOf = { a, b } }, "b.d: not a property of the schema")
    -- and a part may say something of all others
    fits('{"a":"","x":1}', { allOf = { a, { type = "object", additionalProperties = true } } })
    fails('{"a":"","x":1}', { allOf = { { properties = { a = {} }, additionalProperties = { type = "string" } } } },
      "x: string expected, got number")
    fits("1", { allOf = {} })
  end)

  it("leaves them to the other parts behind references, too", function()
    fits('{"a":"","b":""}', {
      ["$defs"] = {
        a = { type = "object", properties = { a = { type = "string" } } },
        b = { type = "object", properties = { b = { type = "string" } } },
      },
      allOf = { { ["$ref"] = "#/$defs/a" }, { ["$ref"] = "#/$defs/b" } },
    })
  end)

  it("knows the members that another part of a schema names, wherever it stands", function()
    local function object(name)
      return { type = "object", properties = { [name] = { type = "string" } } }
    end
    local defs = { a = object "a", b = object "b", ab = { allOf = { object "a", { ["$ref"] = "#/$defs/b" } } } }
    local a, b, ab = { ["$ref"] = "#/$defs/a" }, { ["$ref"] = "#/$defs/b" }, { ["$ref"] = "#/$defs/ab" }
    for _, given in ipairs {
      { type = "object", allOf = { a, b } },
      { type = "object", allOf = { ab } },
      { type = "object", ["$ref"] = "#/$defs/ab" },
      { type = "object", properties = object("a").properties, allOf = { b } },
      { type = "object", properties = object("a").properties, ["$ref"] = "#/$defs/b" },
      { type = "object", properties = object("a").properties, anyOf = { b, { type = "null" } } },
      { properties = object("a").properties, oneOf = { object "b", object "c" } },
      { allOf = { a, { anyOf = { object "c", object "b" } } } },
      { allOf = { { oneOf = { object "c", b } }, object "a" } },
      { anyOf = { object "c", ab } },
      { ["$ref"] = "#/$defs/ab", description = "D" },
      { allOf = { { type = "object", properties = object("a").properties, additionalProperties = false }, b } },
    } do
      given["$defs"] = defs
      fits('{"a":"","b":""}', given)
      local ok, problem = schema.check({ a = "", b = "", z = 1 }, given)
      assert.is_nil(ok)
      assert.matches("^[abz]: not a property of the schema$", problem) -- of alternatives the first one says why
      ok, problem = schema.check({ a = "", b = 1 }, given)
      assert.is_nil(ok)
      assert.matches("^[ab]: ", problem)
    end
  end)

  it("still tells alternatives apart by what they name", function()
    local function object(name)
      return { type = "object", properties = { [name] = { type = "string" } } }
    end
    local given = { properties = { kind = {} }, oneOf = { object "a", object "b" } }
    fits('{"kind":1,"a":""}', given)
    fits('{"kind":1,"b":""}', given)
    assert.is_nil((schema.check({ kind = 1, a = "", b = "" }, given)))
    given = { allOf = { { properties = { kind = {} } }, { ["$ref"] = "#/$defs/ab" } },
      ["$defs"] = { ab = { anyOf = { object "a", object "b" } } } }
    fits('{"kind":1,"a":""}', given)
    assert.is_nil((schema.check({ kind = 1, a = "", b = "" }, given)))
  end)

  it("goes round a schema that leads back to itself, as deep as the value is", function()
    local tree = {
      ["$defs"] = { tree = {
        type = "object", required = { "name" },
        properties = {
          name = { type = "string" }, children = { type = "array", items = { ["$ref"] = "#/$defs/tree" } },
        },
      } },
      ["$ref"] = "#/$defs/tree",
    }
    fits('{"name":"a","children":[{"name":"b"},{"name":"c","children":[]}]}', tree)
    fails('{"name":"a","children":[{"name":"b"},{"name":"c","children":[{"name":1}]}]}', tree,
      "children[2].children[1].name: string expected, got number")
    fails('{"name":"a","children":[{"children":[]}]}', tree, "children[1].name: missing")
    local list = { type = { "object", "null" }, properties = { next = { ["$ref"] = "#" } } }
    fits(('{"next":'):rep(200) .. "null" .. ("}"):rep(200), list)
    fails(('{"next":'):rep(200) .. "5" .. ("}"):rep(200), list,
      ("next."):rep(199) .. "next: object or null expected, got number")
    -- past what a stack holds it says so
    local ok, problem = schema.check((json.decode(('{"next":'):rep(900) .. "5" .. ("}"):rep(900))), list)
    assert.is_nil(ok)
    assert.matches("^next%.next.*: nested too deep to be checked$", problem)
    assert.is_nil((schema.check(5, { anyOf = { { ["$ref"] = "#" }, { ["$ref"] = "#" } } })))
  end)

  it("counts the levels that it is in, not those that it has left", function()
    local items = {}
    for i = 1, 2000 do
      items[i] = 5
    end
    local list = { items = { ["$ref"] = "#" } }
    assert.is_true((schema.check(items, list)))
    items[2001] = {}
    local deep = items[2001]
    for _ = 1, 1001 do
      deep[1] = {}
      deep = deep[1]
    end
    local ok, problem = schema.check(items, list)
    assert.is_nil(ok)
    assert.matches("nested too deep to be checked$", problem)
  end)

  -- How many calls of Lua functions a check takes.
  local function calls_of(value, given)
    local count = 0
    debug.sethook(function() count = count + 1 end, "c")
    schema.check(value, given)
    debug.sethook()
    return count
  end

  it("asks a definition once of a value, however many references lead to it", function()
    if rawget(_G, "jit") then
      jit.off()
    end
    local function chain(count, make)
      local defs = { ["d" .. count + 1] = { type = "string" } }
      for i = 1, count do
        defs["d" .. i] = make({ ["$ref"] = "#/$defs/d" .. i + 1 }, i)
      end
      return { ["$defs"] = defs, ["$ref"] = "#/$defs/d1" }
    end
    for _, make in ipairs {
      function(ref) return { anyOf = { ref, ref } } end,
      function(ref) return { oneOf = { ref, ref } } end,
      function(ref) return { allOf = { ref, ref } } end,
      function(ref) return { anyOf = { { allOf = { ref } }, ref } } end,
    } do
      local few, many = calls_of(5, chain(5, make)), calls_of(5, chain(40, make))
      assert.is_true(many < 10 * few, many .. " calls, not 8 times " .. few)
    end
    -- kinds of nodes in a tree that are told apart by what comes after their children
    local node = { anyOf = {} }
    for i, kind in ipairs { "plus", "times", "minus" } do
      node.anyOf[i] = { type = "object", properties = { child = { ["$ref"] = "#" }, kind = { const = kind } } }
    end
    local function nested(levels)
      local value = { kind = "minus" }
      for _ = 2, levels do
        value = { kind = "minus", child = value }
      end
      return value
    end
    local few, many = calls_of(nested(3), node), calls_of(nested(30), node)
    assert.is_true(many < 12 * few, many .. " calls, not 10 times " .. few)
    fits(json.encode(nested(30)), node)
    if rawget(_G, "jit") then
      jit.on()
    end
  end)

  it("checks what stands beside a reference, anyOf or allOf, too", function()
    local given = { ["$ref"] = "#/$defs/a", ["$defs"] = { a = { type = "integer" } }, minimum = 3 }
    fits("3", given)
    fails("2", given, "value: 2 is less than the minimum, 3")
    fails('"a"', given, "value: integer expected, got string")
    fails("2", { allOf = { { type = "integer" } }, minimum = 3 }, "value: 2 is less than the minimum, 3")
    fails("4", { anyOf = { { type = "integer" } }, maximum = 3 }, "value: 4 is more than the maximum, 3")
  end)

  it("takes everything for a schema that says nothing, and for a reference that leads nowhere", function()
    for _, text in pairs(VALUES) do
      fits(text, {})
      fits(text, true)
      fits(text, { pattern = "^x", title = "A" })
      fits(text, { ["$ref"] = "#/$defs/none" })
    end
  end)

  it("shows up to 60 bytes of a value, and not half a character", function()
    local function shown(value)
      local ok, problem = schema.check(value, { const = 0 })
      assert.is_nil(ok)
      return problem:match "^value: 0 expected, got (.*)$"
    end
    assert.equal('"' .. ("x"):rep(58) .. '"', shown(("x"):rep(58)))
    assert.equal('"' .. ("x"):rep(56) .. "...", shown(("x"):rep(59)))
    assert.equal('"' .. ("x"):rep(55) .. "...", shown(("x"):rep(55) .. "é" .. ("x"):rep(9)))
    assert.equal('"' .. ("x"):rep(56) .. 'é"', shown(("x"):rep(56) .. "é"))
    assert.equal("0.1", shown(0.1))
    assert.equal("1234567890123", shown(1234567890123))
    assert.equal("1e+100", shown(1e100))
    assert.equal('{"a":[1,2.5,null]}', shown { a = { 1, 2.5, null } })
  end)
end)

describe("a schema", function()
  it("is one of objects by its type or its properties", function()
    for _, given in ipairs {
      { type = "object" }, { type = { "null", "object" } }, { properties = {} }, { type = "string", properties = {} },
    } do
      assert.is_true(schema.is_of_objects(given))
    end
    for _, given in ipairs { {}, { type = "array" }, { type = { "null", "string" } }, { required = { "a" } } } do
      assert.is_false(schema.is_of_objects(given))
    end
  end)
end)
