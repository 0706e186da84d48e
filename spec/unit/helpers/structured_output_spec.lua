-- Structured output: the schema that is sent, the request around it, and what becomes of the answer.

local anthropic = require "anthropic"
local json = require "anthropic.base.json"
local message_type = require "anthropic.message.message"
local structured_output = require "anthropic.helpers.structured_output"

local null = anthropic.null

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

  it("closes every object that names members", function()
    assert.equal(
      '{"additionalProperties":false,"properties":{"a":{"additionalProperties":false,"properties":{"b":'
        .. '{"type":"null"}},"type":"object"}},"type":"object"}',
      sent {
        type = "object", additionalProperties = true,
        properties = { a = { type = "object", properties = { b = { type = "null" } } } },
      })
  end)

  describe("refuses an object without properties, as closing it would leave {}:", function()
    local free = { type = "object" }
    local words = ": an object without properties would admit {} alone: name its properties, or say its "
      .. "additionalProperties (false: it is empty)"
    for _, case in ipairs {
      { "schema", free },
      { "schema", { type = { "object", "null" } } },
      { "schema", { type = "object", properties = {} } },
      { "schema", { type = "object", required = { "a" }, description = "Anything." } },
      { "schema", { type = "object", patternProperties = { ["^a"] = { type = "string" } } } },
      { "schema", { type = "object", anyOf = { { type = "null" } } } },
      { "schema.properties.meta", { type = "object", properties = { meta = free } } },
      { "schema.items", { type = "array", items = free } },
      { "schema.prefixItems[1]", { type = "array", prefixItems = { free } } },
      { "schema.anyOf[2]", { anyOf = { { type = "null" }, free } } },
      { "schema.oneOf[1]", { oneOf = { free } } },
      { "schema.allOf[1]", { allOf = { free } } },
      { "schema.$defs.a", { type = "string", ["$defs"] = { a = free } } },
      { "schema.definitions.a", { type = "string", definitions = { a = free } } },
      { "schema.additionalProperties", { type = "object", additionalProperties = free } },
      { "schema.properties.b.anyOf[1]", { type = "object", properties = { b = { anyOf = { free } } } } },
    } do
      it(json.encode(case[2]), function()
        refused(case[2], case[1] .. words)
      end)
    end
  end)

  it("sends what the caller says of additionalProperties where no member is named", function()
    for _, case in ipairs {
      { { type = "object", additionalProperties = false }, '{"additionalProperties":false,"type":"object"}' },
      { { type = "object", additionalProperties = true }, '{"additionalProperties":true,"type":"object"}' },
      { { type = "object", properties = {}, additionalProperties = false },
        '{"additionalProperties":false,"properties":{},"type":"object"}' },
      { { type = { "object", "null" }, additionalProperties = { type = "integer", minimum = 1 } },
        '{"additionalProperties":{"description":"{\\"minimum\\":1}","type":"integer"},"type":["object","null"]}' },
    } do
      assert.equal(case[2], sent(case[1]))
    end
    refused({ type = "object", additionalProperties = { type = "text" } },
      "schema.additionalProperties.type: text is no type")
    refused({ type = "object", additionalProperties = "no" },
      "schema.additionalProperties: a schema expected, got string")
  end)

  it("closes an object whose members are named beside its properties", function()
    local defs = { a = { type = "object", properties = { a = { type = "null" } } } }
    local ref = { ["$ref"] = "#/$defs/a" }
    local sent_defs = '"$defs":{"a":{"additionalProperties":false,"properties":{"a":{"type":"null"}},"type":"object"}},'
    for _, case in ipairs {
      { { type = "object", ["$ref"] = "#/$defs/a" },
        '"$ref":"#/$defs/a","additionalProperties":false,"type":"object"' },
      { { type = "object", allOf = { ref } },
        '"additionalProperties":false,"allOf":[{"$ref":"#/$defs/a"}],"type":"object"' },
      { { type = "object", anyOf = { ref } },
        '"additionalProperties":false,"anyOf":[{"$ref":"#/$defs/a"}],"type":"object"' },
      { { type = "object", oneOf = { ref } },
        '"additionalProperties":false,"anyOf":[{"$ref":"#/$defs/a"}],"type":"object"' },
      { { type = "object", allOf = { { allOf = { ref } } } },
        '"additionalProperties":false,"allOf":[{"allOf":[{"$ref":"#/$defs/a"}]}],"type":"object"' },
      { { type = "object", allOf = { ref }, additionalProperties = true },
        '"additionalProperties":false,"allOf":[{"$ref":"#/$defs/a"}],"type":"object"' },
      -- a part need not name what the rest of its schema names
      { { allOf = { { type = "object" }, ref } },
        '"allOf":[{"additionalProperties":false,"type":"object"},{"$ref":"#/$defs/a"}]' },
      { { properties = { a = { type = "null" } }, anyOf = { { type = "object" }, { type = "null" } } },
        '"additionalProperties":false,"anyOf":[{"additionalProperties":false,"type":"object"},{"type":"null"}],'
          .. '"properties":{"a":{"type":"null"}}' },
    } do
      case[1]["$defs"] = defs
      assert.equal("{" .. sent_defs .. case[2] .. "}", sent(case[1]))
    end
  end)

  it("takes enum and const without a type", function()
    for _, text in ipairs {
      '{"enum":["a","b"]}', '{"enum":[1,null,true]}', '{"const":"a"}', '{"const":null}', '{"const":false}',
      '{"description":"D","enum":["a"],"title":"T"}',
    } do
      assert.equal(text, sent(anthropic.decode(text)))
    end
    assert.equal('{"additionalProperties":false,"properties":{"kind":{"const":"a"}},"type":"object"}',
      sent { type = "object", properties = { kind = { const = "a" } } })
    -- the API takes no tables there: they are described, and checked
    assert.equal('{"additionalProperties":false,"description":"{\\"const\\":{\\"a\\":1}}","type":"object"}',
      sent { type = "object", const = { a = 1 } })
    refused({ const = { a = 1 } }, "schema: a type, enum, const, anyOf, allOf or $ref is missing")
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
    refused({}, "schema: a type, enum, const, anyOf, allOf or $ref is missing")
    refused({ type = "object", properties = { a = { description = "no type" } } },
      "schema.properties.a: a type, enum, const, anyOf, allOf or $ref is missing")
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

  it("may lead back to itself by a reference", function()
    for _, text in ipairs {
      '{"additionalProperties":false,"properties":{"next":{"$ref":"#"}},"type":"object"}',
      '{"$defs":{"tree":{"additionalProperties":false,"properties":{"children":{"items":{"$ref":"#/$defs/tree"},'
        .. '"type":"array"}},"type":"object"}},"$ref":"#/$defs/tree"}',
      '{"$defs":{"a":{"additionalProperties":false,"properties":{"b":{"$ref":"#/$defs/b"}},"type":"object"},'
        .. '"b":{"additionalProperties":false,"properties":{"a":{"anyOf":[{"$ref":"#/$defs/a"},{"type":"null"}]}},'
        .. '"type":"object"}},"$ref":"#/$defs/a"}',
    } do
      assert.equal(text, sent(anthropic.decode(text)))
    end
  end)

  it("is not one that contains itself", function()
    local loop = { type = "object" }
    loop.properties = { again = loop }
    refused(loop, "schema.properties.again: the schema contains itself")
    for _, case in ipairs { -- no value is between
      { { ["$ref"] = "#" }, "schema" },
      { { anyOf = { { type = "null" }, { ["$ref"] = "#" } } }, "schema" },
      { { ["$ref"] = "#/$defs/a", ["$defs"] = { a = { ["$ref"] = "#/$defs/b" }, b = { ["$ref"] = "#/$defs/a" } } },
        "schema.$defs.a" },
      { { type = "array", items = { allOf = { { oneOf = { { ["$ref"] = "#/items" } } } } } }, "schema.items" },
    } do
      refused(case[1], case[2] .. ": the schema contains itself")
    end
  end)

  it("is read once, however often its definitions are used", function()
    local defs = { d120 = { type = "string" } }
    for i = 1, 119 do
      local next_one = { ["$ref"] = "#/$defs/d" .. i + 1 }
      defs["d" .. i] = i % 2 == 0 and { anyOf = { next_one, next_one } }
        or { type = "object", properties = { a = next_one, b = next_one } }
    end
    assert.is_string(sent { ["$defs"] = defs, ["$ref"] = "#/$defs/d1" })
  end)

  it("may use one definition twice", function()
    local point = { ["$ref"] = "#/$defs/point" }
    assert.is_string(sent {
      ["$defs"] = { point = { type = "integer" } },
      type = "object", properties = { a = point, b = point },
    })
  end)

  it("may have each of the seven types, and lists of them", function()
    for _, name in ipairs { "object", "array", "string", "integer", "number", "boolean", "null" } do
      local closed = name == "object" and '"additionalProperties":false,' or ""
      local others
      if name == "object" then
        others = false
      end
      assert.equal(("{%s\"type\":%q}"):format(closed, name), sent { type = name, additionalProperties = others })
      assert.equal(("{%s\"type\":[%q,\"null\"]}"):format(closed, name),
        sent { type = { name, "null" }, additionalProperties = others })
    end
    refused({ type = { "string", "text" } }, "schema.type[2]: text is no type")
    refused({ type = { "string", 1 } }, "schema.type[2]: 1 is no type")
    refused({ type = {} }, "schema.type: at least one type expected")
    refused({ type = true }, "schema.type: true is no type")
  end)

  it("needs a type, enum, const, anyOf, oneOf, allOf or a reference", function()
    local words = "schema: a type, enum, const, anyOf, allOf or $ref is missing"
    refused({ properties = { a = { type = "string" } } }, words)
    refused({ title = "A", description = "B" }, words)
    refused({ ["$defs"] = { a = { type = "string" } } }, words)
    sent { oneOf = { { type = "string" } } }
    sent { allOf = { { type = "string" } } }
    sent { anyOf = { { type = "string" } } }
    sent { ["$ref"] = "#/$defs/a", ["$defs"] = { a = { type = "string" } } }
  end)

  it("closes an object by its type among several, or its properties", function()
    assert.equal('{"additionalProperties":false,"properties":{"a":{"type":"null"}},"type":["object","null"]}',
      sent { type = { "object", "null" }, properties = { a = { type = "null" } } })
    assert.equal('{"additionalProperties":false,"anyOf":[{"type":"null"}],"properties":{"a":{"type":"null"}}}',
      sent { anyOf = { { type = "null" } }, properties = { a = { type = "null" } } })
    assert.equal('{"type":"array"}', sent { type = "array", additionalProperties = false })
  end)

  it("keeps minItems of 0 and 1", function()
    for _, case in ipairs {
      { 0, '{"minItems":0,"type":"array"}' },
      { 1, '{"minItems":1,"type":"array"}' },
      { 2, '{"description":"{\\"minItems\\":2}","type":"array"}' },
    } do
      assert.equal(case[2], sent { type = "array", minItems = case[1] })
    end
  end)

  it("keeps every format that is checked later, and describes the others", function()
    for _, name in ipairs { "date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6",
      "uuid" } do
      assert.equal(('{"format":%q,"type":"string"}'):format(name), sent { type = "string", format = name })
    end
    assert.equal('{"description":"{\\"format\\":\\"idn-email\\"}","type":"string"}',
      sent { type = "string", format = "idn-email" })
  end)

  it("keeps a false or a null", function()
    assert.equal('{"const":false,"type":"boolean"}', sent { type = "boolean", const = false })
    assert.equal('{"const":null,"type":"null"}', sent { type = "null", const = null })
    assert.equal('{"enum":[false,null],"type":"boolean"}', sent { type = "boolean", enum = { false, null } })
    assert.equal('{"description":"{\\"default\\":false,\\"deprecated\\":null}","type":"boolean"}',
      sent { type = "boolean", default = false, deprecated = null })
  end)

  it("describes what items says where it is no schema", function()
    assert.equal('{"description":"{\\"items\\":false}","prefixItems":[{"type":"null"}],"type":"array"}',
      sent { type = "array", prefixItems = { { type = "null" } }, items = false })
  end)

  it("describes in every schema inside, too", function()
    assert.equal('{"$defs":{"n":{"description":"{\\"minimum\\":1}","type":"integer"}},'
      .. '"additionalProperties":false,"allOf":[{"description":"{\\"pattern\\":\\"a\\"}","type":"string"}],'
      .. '"definitions":{"m":{"description":"{\\"maximum\\":1}","type":"integer"}},'
      .. '"items":{"description":"{\\"maxLength\\":1}","type":"string"},'
      .. '"prefixItems":[{"description":"{\\"minLength\\":1}","type":"string"}],'
      .. '"properties":{"a":{"anyOf":[{"description":"{\\"multipleOf\\":2}","type":"number"}]}},"type":"object"}',
      sent {
        type = "object",
        properties = { a = { oneOf = { { type = "number", multipleOf = 2 } } } },
        items = { type = "string", maxLength = 1 },
        prefixItems = { { type = "string", minLength = 1 } },
        allOf = { { type = "string", pattern = "a" } },
        ["$defs"] = { n = { type = "integer", minimum = 1 } },
        definitions = { m = { type = "integer", maximum = 1 } },
      })
  end)

  it("takes properties that are called like keywords", function()
    assert.equal('{"additionalProperties":false,"properties":{"$id":{"type":"string"},"minimum":{"type":"integer"},'
      .. '"type":{"type":"string"}},"required":["type"],"type":"object"}', sent {
      type = "object",
      properties = { type = { type = "string" }, minimum = { type = "integer" }, ["$id"] = { type = "string" } },
      required = { "type" },
    })
  end)

  it("is refused with the path to what is wrong, wherever it is", function()
    local wrong = { type = "text" }
    for _, case in ipairs {
      { { type = "object", properties = { ["a b"] = wrong } }, 'schema.properties["a b"].type' },
      { { type = "array", items = wrong }, "schema.items.type" },
      { { type = "array", prefixItems = { { type = "null" }, wrong } }, "schema.prefixItems[2].type" },
      { { anyOf = { wrong } }, "schema.anyOf[1].type" },
      { { oneOf = { wrong } }, "schema.oneOf[1].type" },
      { { allOf = { wrong } }, "schema.allOf[1].type" },
      { { type = "null", ["$defs"] = { a = wrong } }, "schema.$defs.a.type" },
      { { type = "null", definitions = { a = wrong } }, "schema.definitions.a.type" },
      { { allOf = { { anyOf = { { type = "array", items = wrong } } } } }, "schema.allOf[1].anyOf[1].items.type" },
    } do
      refused(case[1], case[2] .. ": text is no type")
    end
    for _, name in ipairs { "properties", "$defs", "definitions", "anyOf", "oneOf", "allOf", "prefixItems" } do
      refused({ type = "object", [name] = "x" }, ("schema.%s: a table of schemas expected, got string"):format(name))
    end
    refused({ type = "object", enum = "a" }, "schema.enum: a list expected, got string")
    refused({ type = "object", enum = { {} } },
      "schema.enum[1]: a string, number, boolean or null expected, got table")
    refused({ type = "object", properties = { a = { "string" } } },
      "schema.properties.a: a schema expected, got a list")
    refused({ type = "object", properties = { a = false } },
      "schema.properties.a: a schema expected, got boolean")
    refused({ type = "string", description = false }, "schema.description: string expected, got boolean")
    refused(nil, "schema: a schema expected, got nil")
    refused(json.raw '{"type":"string"}',
      "schema: a schema expected, got raw JSON; anthropic.decode makes a table of it")
    refused({ ["$ref"] = 5 }, "schema.$ref: 5 leads to nothing within the schema")
    refused({ type = "string", default = print }, "schema: default: a function has no JSON form")
    refused({ type = "string", examples = { "\255" } }, "schema: examples[1]: invalid UTF-8 at byte 1")
  end)

  it("may be nested, and repeat a table, as long as it does not contain itself", function()
    local text = { type = "string" }
    local pair = { type = "array", prefixItems = { text, text }, items = text }
    assert.is_string(sent { type = "object", properties = { a = pair, b = pair }, anyOf = { pair, text } })
    local list = { type = "array" }
    list.items = { anyOf = { { type = "null" }, list } }
    refused(list, "schema.items.anyOf[2]: the schema contains itself")
    -- the same schema again, after a refusal
    refused(list, "schema.items.anyOf[2]: the schema contains itself")
    list.items = nil
    assert.equal('{"type":"array"}', sent(list))
  end)

  it("is refused where required is no list of names", function()
    refused({ type = "object", required = true }, "schema.required: a list expected, got boolean")
  end)

  it("is refused for a reference to what is not sent as a schema", function()
    for _, reference in ipairs { "#/x", "#/components/schemas/a", "#/properties", "#/$defs", "#/oneOf/0" } do
      refused({
        type = "object", properties = { a = { ["$ref"] = reference } }, x = { type = "string" },
        components = { schemas = { a = { type = "string" } } }, ["$defs"] = { b = { type = "string" } },
        oneOf = { { type = "object", properties = { a = { type = "null" } } } },
      }, ("schema.properties.a.$ref: %s leads to no schema that is sent; put it into $defs"):format(reference))
    end
  end)
end)

describe("the parameters of messages.parse", function()
  local schema = { type = "object", properties = { n = { type = "integer", minimum = 1 } } }

  local function refused(params, message)
    local whole, found = structured_output.params(params)
    assert.is_nil(whole)
    assert.equal(message, found)
  end

  it("become those of messages.create, and stay as they were", function()
    local messages = { { role = "user", content = "a" } }
    local params = { model = "m", max_tokens = 1, messages = messages, schema = schema, temperature = 0 }
    local whole, message = structured_output.params(params)
    assert.is_nil(message)
    assert.equal('{"max_tokens":1,"messages":[{"content":"a","role":"user"}],"model":"m","output_config":'
      .. '{"format":{"schema":{"additionalProperties":false,"properties":{"n":{"description":"{\\"minimum\\":1}",'
      .. '"type":"integer"}},"type":"object"},"type":"json_schema"}},"temperature":0}', json.encode(whole))
    assert.equal(schema, params.schema)
    assert.is_nil(params.output_config)
  end)

  it("may say how often the answer is repaired, where the messages are a list", function()
    local raw = json.raw "[]"
    assert(structured_output.params { schema = schema, repair = 1, messages = {} })
    assert(structured_output.params { schema = schema, repair = 0, messages = {} })
    assert(structured_output.params { schema = schema, messages = raw })
    for _, wrong in ipairs { -1, 0.5, "1", true } do
      refused({ schema = schema, repair = wrong, messages = {} },
        "repair: a whole number, 0 or more expected, got " .. tostring(wrong))
    end
    refused({ schema = schema, repair = 1, messages = raw }, "repair: needs a list of messages, got raw JSON")
  end)

  it("keep what else output_config says, and leave the given one alone", function()
    local config = { effort = "low" }
    local whole = assert(structured_output.params { schema = { type = "null" }, output_config = config })
    assert.same({ effort = "low", format = { type = "json_schema", schema = { type = "null" } } },
      whole.output_config)
    assert.same({ effort = "low" }, config)
  end)

  it("are refused where the schema is missing, twice there or wrong", function()
    refused({}, "schema: missing")
    refused({ schema = "x" }, "schema: a schema expected, got string")
    refused({ schema = {} }, "schema: a type, enum, const, anyOf, allOf or $ref is missing")
    refused({ schema = schema, output_config = "low" }, "output_config: table expected, got string")
    refused({ schema = schema, output_config = false }, "output_config: table expected, got boolean")
    refused({ schema = schema, output_config = { format = { type = "json_schema" } } },
      "output_config.format: excludes schema")
    refused({ schema = schema, output_config = { format = false } }, "output_config.format: excludes schema")
  end)
end)

describe("the answer to messages.parse", function()
  local schema = { type = "object", properties = { n = { type = "integer" } }, required = { "n" } }

  local function finish(content, fields)
    if type(content) == "string" then
      content = { { type = "text", text = content } }
    end
    fields = fields or {}
    local message = message_type.new { type = "message", role = "assistant", content = content,
      stop_reason = fields.stop_reason or "end_turn" }
    message.parsed, message.parse_error = "old", "old"
    structured_output.finish(message, fields.schema or schema)
    return message
  end

  local function text(words)
    return { type = "text", text = words }
  end

  it("stands behind the last of the server's tools", function()
    local call, result = { type = "server_tool_use", id = "s", name = "web_search", input = {} },
      { type = "web_search_tool_result", tool_use_id = "s", content = {} }
    for _, content in ipairs {
      { text "I look it up.", call, result, text '{"n"', text ":1}" },
      { text "One.", call, result, text "Two.", call, result, { type = "thinking", thinking = "so" }, text '{"n":1}' },
      { text '{"n":2', { type = "fallback", to = { model = "other" } }, text '{"n":1}' },
      { text '{"n":1}', { type = "tool_use", id = "t", name = "f", input = {} } },
      { text '{"n"', { type = "thinking", thinking = "so" }, text ":1}", call, result, text " " },
    } do
      assert.same({ n = 1 }, finish(content).parsed)
    end
    assert.matches("^the answer is not JSON", finish({ text "I look it up.", call, result }).parse_error)
  end)

  it("is parsed where it fits", function()
    for _, reason in ipairs { "end_turn", "stop_sequence", "tool_use", "something new" } do
      local message = finish('{"n":1}', { stop_reason = reason })
      assert.same({ n = 1 }, message.parsed)
      assert.is_nil(message.parse_error)
    end
    assert.same({ n = 1 }, finish(' \n{"n":1}\t ').parsed)
  end)

  it("may be a false, a null, or nothing in a list", function()
    assert.equal(false, finish("false", { schema = { type = "boolean" } }).parsed)
    assert.equal(null, finish("null", { schema = { type = "null" } }).parsed)
    assert.equal("[]", json.encode(finish("[]", { schema = { type = "array" } }).parsed))
  end)

  for _, case in ipairs {
    { "is not JSON", "Sorry.", nil, "the answer is not JSON: expected a" },
    { "is JSON and more", '{"n":1}{', nil, "the answer is not JSON: expected the end of the text at byte 8" },
    { "does not fit", '{"n":"1"}', nil, "n: integer expected, got string" },
    { "does not fit as a whole", "[]", nil, "value: object expected, got array" },
    { "is empty", "", nil, "the answer has no text" },
    { "is blank", " \n\t", nil, "the answer has no text" },
    { "was cut off", '{"n":1}', "max_tokens", "the answer was cut off at max_tokens" },
    { "did not fit into the context window", '{"n":1}', "model_context_window_exceeded",
      "the answer was cut off at the end of the context window" },
    { "is a refusal", '{"n":1}', "refusal", "the model refused" },
    { "is not there yet", '{"n":1}', "pause_turn", "the turn was paused" },
  } do
    it("is an error beside the message where it " .. case[1], function()
      local message = finish(case[2], { stop_reason = case[3] })
      assert.is_nil(message.parsed)
      assert.equal(case[4], message.parse_error:sub(1, #case[4]))
    end)
  end
end)

describe("an answer that is repaired", function()
  local schema = { type = "object", properties = { n = { type = "integer" } } }

  local function answer(text, stop_reason, block)
    local content = { { type = "text", text = text }, block }
    return message_type.new { type = "message", role = "assistant", content = content, stop_reason = stop_reason }
  end

  -- What a first answer leads to, and the requests that ask again. These get the other answers in turn.
  local function converge(repair, first, ...)
    local answers, asked = { ... }, {}
    local sent = { model = "m", stream = true, messages = { { role = "user", content = "go" } } }
    local message, err = structured_output.converge(first, { schema = schema, repair = repair }, sent, function(params)
      asked[#asked + 1] = params
      local given = answers[#asked]
      if given.kind then
        return nil, given
      end
      return given
    end)
    assert.equal(1, #sent.messages)
    assert.is_true(sent.stream)
    return message, asked, err
  end

  it("is asked for again as often as wanted, with what it was and what is wrong with it", function()
    local first, second, right = answer "Sorry.", answer '{"n":"1"}', answer '{"n":1}'
    local message, asked = converge(3, first, second, right)
    assert.equal(right, message)
    assert.same({ n = 1 }, message.parsed)
    assert.equal(2, #asked)
    assert.is_nil(asked[1].stream)
    assert.equal("m", asked[1].model)
    assert.equal(3, #asked[1].messages)
    assert.equal(first, asked[1].messages[2])
    assert.same({ role = "user", content = first.parse_error }, asked[1].messages[3])
    assert.equal(5, #asked[2].messages)
    assert.equal(second, asked[2].messages[4])
    for repair, count in pairs { [0] = 0, [1] = 1, [2] = 2 } do
      local last
      last, asked = converge(repair, answer "a", answer "b", answer "c", answer "d")
      assert.equal(count, #asked)
      assert.is_string(last.parse_error)
    end
    assert.equal(0, #select(2, converge(nil, answer "a")))
  end)

  it("is that no more where nothing more can be said, or a call waits for its result", function()
    for _, reason in ipairs { "refusal", "pause_turn", "model_context_window_exceeded" } do
      assert.equal(0, #select(2, converge(1, answer("a", reason))))
    end
    local call = { type = "tool_use", id = "t", name = "f", input = {} }
    assert.equal(0, #select(2, converge(1, answer("a", "tool_use", call))))
  end)

  it("is part of the error where asking again fails", function()
    local first, problem = answer "a", { kind = "connection" }
    local message, asked, err = converge(2, first, problem)
    assert.is_nil(message)
    assert.equal(1, #asked)
    assert.equal(problem, err)
    assert.equal(first, err.partial)
    local partial = answer "b"
    assert.equal(partial, select(3, converge(2, first, { kind = "connection", partial = partial })).partial)
  end)
end)
