local anthropic = require "anthropic"
local string_formats = require "anthropic.helpers.string_formats"
local json = require "anthropic.base.json"
local schema = require "anthropic.helpers.schema"
local structured_output = require "anthropic.helpers.structured_output"

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
    fails('"c"', { type = "string", enum = { "a", "b" } }, 'value: "c" is none of ["a","b"]')
    fails("2", { const = 1 }, "value: 1 expected, got 2")
    fails("true", { const = false }, "value: false expected, got true")
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
    local good = {
      ["date-time"] = { "2024-02-29T12:00:00Z", "2024-01-01t00:00:60.123+05:30" },
      date = { "2000-02-29", "2023-12-31" },
      time = { "23:59:60Z", "00:00:00.5-01:00" },
      duration = { "P1Y2M3DT4H5M6S", "PT1H", "P3W", "P1D", "P1M" },
      email = { "a@b.c", "first.last+tag@sub.example.com" },
      hostname = { "localhost", "a-b.example.com" },
      uri = { "https://example.com/a?b=c#d", "urn:isbn:123", "mailto:a@b.c" },
      ipv4 = { "0.0.0.0", "255.255.255.255" },
      ipv6 = { "::", "::1", "1:2:3:4:5:6:7:8", "fe80::1:2", "::ffff:1.2.3.4", "1::8" },
      uuid = { "123e4567-e89b-12d3-a456-426614174000" },
    }
    local bad = {
      ["date-time"] = { "2024-02-29", "2024-02-30T12:00:00Z", "2024-01-01T00:00:00", "2024-01-01 00:00:00Z" },
      date = { "1900-02-29", "2023-13-01", "2023-04-31", "2023-00-10", "23-01-01", "" },
      time = { "24:00:00Z", "12:60:00Z", "12:00:61Z", "12:00Z", "12:00:00+24:00" },
      duration = { "P", "PT", "P1", "1D", "P1H", "PT1D", "P1DT", "P1W1D" },
      email = { "a", "@b.c", "a@", "a b@c.d", "a@b@c" },
      hostname = { "", "-a.b", "a..b", "a_b", ("a"):rep(64), "a." },
      uri = { "example.com", "http:", "http://a b", "://x" },
      ipv4 = { "1.2.3", "256.1.1.1", "01.2.3.4", "1.2.3.4.5" },
      ipv6 = { ":", "1:2:3:4:5:6:7", "1::2::3", "12345::", "1:2:3:4:5:6:7:8:9", "::1.2.3.400", "g::" },
      uuid = { "123e4567-e89b-12d3-a456-42661417400", "123e4567e89b12d3a456426614174000", "" },
    }
    for name, texts in pairs(good) do
      for _, text in ipairs(texts) do
        assert.is_true(string_formats[name](text), name .. " " .. text)
      end
      for _, text in ipairs(bad[name]) do
        assert.is_false(string_formats[name](text), name .. " " .. text)
      end
    end
    fails('"soon"', { type = "string", format = "date" }, 'value: "soon" is no date')
    fits('"soon"', { type = "string", format = "unknown" })
    fits("1", { format = "date" })
  end)
end)

describe("the schema that is sent", function()
  local function sent(given)
    local transformed, message = structured_output.transform(given)
    assert.is_nil(message)
    return (assert(anthropic.encode(transformed)))
  end

  local function refused(given, message)
    local transformed, found = structured_output.transform(given)
    assert.is_nil(transformed)
    assert.equal(message, found)
  end

  it("closes every object", function()
    assert.equal(
      '{"additionalProperties":false,"properties":{"a":{"additionalProperties":false,"type":"object"}},'
        .. '"type":"object"}',
      sent { type = "object", additionalProperties = true, properties = { a = { type = "object" } } })
  end)

  it("puts what the API does not know into the description", function()
    assert.equal('{"description":"How many.\\n\\n{\\"maximum\\":9,\\"minimum\\":1}","type":"integer"}',
      sent { type = "integer", description = "How many.", minimum = 1, maximum = 9 })
    assert.equal('{"description":"{\\"pattern\\":\\"^a\\"}","type":"string"}',
      sent { type = "string", pattern = "^a" })
    assert.equal('{"description":"{\\"minItems\\":2}","items":{"type":"string"},"type":"array"}',
      sent { type = "array", items = { type = "string" }, minItems = 2 })
    assert.equal('{"description":"{\\"format\\":\\"regex\\"}","type":"string"}',
      sent { type = "string", format = "regex" })
  end)

  it("keeps what the API knows", function()
    for _, text in ipairs {
      '{"format":"date-time","type":"string"}',
      '{"items":{"type":"string"},"minItems":1,"type":"array"}',
      '{"enum":["a","b",null,1],"title":"T","type":"string"}',
      '{"const":false,"type":"boolean"}',
      '{"anyOf":[{"type":"string"},{"type":"null"}]}',
      '{"allOf":[{"type":"string"}]}',
      '{"prefixItems":[{"type":"string"}],"type":"array"}',
      '{"type":["string","null"]}',
      '{"$defs":{"a":{"type":"string"}},"$ref":"#/$defs/a"}',
      '{"additionalProperties":false,"properties":{},"required":[],"type":"object"}',
    } do
      assert.equal(text, sent(anthropic.decode(text)))
    end
  end)

  it("says oneOf as anyOf", function()
    assert.equal('{"anyOf":[{"type":"string"}]}', sent { oneOf = { { type = "string" } } })
  end)

  it("leaves out what means nothing to the model", function()
    assert.equal('{"type":"string"}', sent {
      ["$schema"] = "https://json-schema.org/draft/2020-12/schema", ["$id"] = "x", ["$comment"] = "y",
      type = "string",
    })
  end)

  it("leaves the given schema as it was", function()
    local given = { type = "object", properties = { a = { type = "integer", minimum = 1 } } }
    local before = anthropic.encode(given)
    sent(given)
    assert.equal(before, anthropic.encode(given))
  end)

  it("is not one that the API would refuse", function()
    refused({}, "schema: a type, anyOf, allOf or $ref is missing")
    refused({ type = "object", properties = { a = { description = "no type" } } },
      "schema.properties.a: a type, anyOf, allOf or $ref is missing")
    refused({ type = "text" }, "schema.type: text is no type")
    refused({ type = "array", items = { type = "list" } }, "schema.items.type: list is no type")
    refused({ anyOf = { { type = "string" }, true } }, "schema.anyOf[2]: a schema expected, got boolean")
    refused({ type = "array", items = { { type = "string" } } }, "schema.items: a schema expected, got a list")
    refused("string", "schema: a schema expected, got string")
    refused({ type = "string", enum = { "a", { b = 1 } } },
      "schema.enum[2]: a string, number, boolean or null expected, got table")
    refused({ type = "string", description = 1 }, "schema.description: string expected, got number")
    refused({ ["$ref"] = "https://example.com/schema" },
      "schema.$ref: https://example.com/schema leads to nothing within the schema")
    refused({ ["$ref"] = "#/$defs/none" }, "schema.$ref: #/$defs/none leads to nothing within the schema")
    refused({ anyOf = { { type = "string" } }, oneOf = { { type = "string" } } },
      "schema: anyOf and oneOf exclude each other")
  end)

  it("is not one that contains itself", function()
    refused({ type = "object", properties = { next = { ["$ref"] = "#" } } },
      "schema.properties.next.$ref: the schema contains itself")
    local children = { type = "array", items = { ["$ref"] = "#/$defs/tree" } }
    local tree = { type = "object", properties = { children = children } }
    local _, message = structured_output.transform { ["$defs"] = { tree = tree }, ["$ref"] = "#/$defs/tree" }
    assert.matches("the schema contains itself$", message)
    local loop = { type = "object" }
    loop.properties = { again = loop }
    refused(loop, "schema.properties.again: the schema contains itself")
  end)

  it("may use one definition twice", function()
    local point = { ["$ref"] = "#/$defs/point" }
    assert.is_string(sent {
      ["$defs"] = { point = { type = "integer" } },
      type = "object", properties = { a = point, b = point },
    })
  end)
end)
