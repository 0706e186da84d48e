local anthropic = require "anthropic"
local as_sent = require "spec.support.sent"
local testing = require "anthropic.testing"

local SCHEMA = {
  type = "object",
  properties = { city = { type = "string" }, people = { type = "integer", minimum = 1 } },
  required = { "city" },
}

describe("client.messages.parse", function()
  local server, client

  local function serve(...)
    server = testing.server { script = { ... } }
    client = anthropic.new { base_url = server.url, api_key = "test-key", max_retries = 0 }
  end

  local function params(fields)
    local whole = {
      model = "m", max_tokens = 100, schema = SCHEMA,
      messages = { { role = "user", content = "Which city?" } },
    }
    for name, value in pairs(fields or {}) do
      whole[name] = value
    end
    return whole
  end

  after_each(function()
    if server then
      client:close()
      server:stop()
      server = nil
    end
  end)

  it("sends the schema and decodes the answer", function()
    serve(testing.message { text = '{"city":"Paris","people":2000000}' })
    local message = assert(client.messages.parse(params { output_config = { effort = "low" } }))
    assert.same({ city = "Paris", people = 2000000 }, message.parsed)
    assert.is_nil(message.parse_error)
    assert.equal('{"city":"Paris","people":2000000}', message:text())
    local sent = server:requests()[1].json
    assert.is_nil(sent.schema)
    assert.equal("low", sent.output_config.effort)
    assert.equal("json_schema", sent.output_config.format.type)
    assert.is_false(sent.output_config.format.schema.additionalProperties)
    assert.equal('{"minimum":1}', sent.output_config.format.schema.properties.people.description)
  end)

  it("leaves the parameters as they were", function()
    serve(testing.message { text = "{}" })
    local given = params { output_config = { effort = "low" } }
    local before = anthropic.encode(given)
    assert(client.messages.parse(given))
    assert.equal(before, anthropic.encode(given))
  end)

  it("works streamed", function()
    serve(testing.stream { text = '{"city":"Paris"}' })
    local stream = assert(client.messages.parse(params { stream = true }))
    local pieces = {}
    for text in stream:text_deltas() do
      pieces[#pieces + 1] = text
    end
    assert.equal('{"city":"Paris"}', table.concat(pieces))
    assert.same({ city = "Paris" }, stream:message().parsed)
    assert.same({ city = "Paris" }, stream:snapshot().parsed)
  end)

  it("works streamed from a server that does not stream", function()
    serve(testing.message { text = '{"city":"Paris"}' })
    local stream = assert(client.messages.parse(params { stream = true }))
    local first = stream:next()
    assert.is_nil(first.message.parsed)
    assert.same({ city = "Paris" }, stream:message().parsed)
  end)

  it("works streamed underneath", function()
    serve(testing.stream { text = '{"city":"Paris"}' })
    local message = assert(client.messages.parse(params { max_tokens = 64000 }))
    assert.same({ city = "Paris" }, message.parsed)
  end)

  it("keeps nulls", function()
    serve(testing.message { text = '{"city":null}' })
    local message = assert(client.messages.parse(params {
      schema = { type = "object", properties = { city = { type = { "string", "null" } } } },
    }))
    assert.equal(anthropic.null, message.parsed.city)
  end)

  local function fails(answer, problem)
    serve(answer)
    local message = assert(client.messages.parse(params()))
    assert.is_nil(message.parsed)
    assert.matches(problem, message.parse_error)
    return message
  end

  it("says that the text is not JSON, and gives the message", function()
    local message = fails(testing.message { text = "It is Paris." }, "^the answer is not JSON: .* at byte 1$")
    assert.equal("It is Paris.", message:text())
  end)

  it("says where the answer does not fit", function()
    fails(testing.message { text = '{"city":"Paris","people":"many"}' }, "^people: integer expected, got string$")
  end)

  it("checks what the API did not know", function()
    fails(testing.message { text = '{"city":"Paris","people":0}' }, "^people: 0 is less than the minimum, 1$")
  end)

  it("says that the model refused", function()
    fails(testing.message { text = '{"city":"Paris"}', stop_reason = "refusal" }, "^the model refused$")
  end)

  it("says that the answer was cut off", function()
    fails(testing.message { text = '{"city":"Par', stop_reason = "max_tokens" },
      "^the answer was cut off at max_tokens$")
  end)

  it("says that there is no text", function()
    fails(testing.message { tool_uses = { { name = "f", input = {} } } }, "^the answer has no text$")
  end)

  it("sends neither the parsed value nor the error again", function()
    serve(testing.message { text = '{"city":"Paris"}' })
    local message = assert(client.messages.parse(params()))
    assert.equal('{"content":[{"text":"{\\"city\\":\\"Paris\\"}","type":"text"}],"role":"assistant"}',
      as_sent(message))
    assert.is_nil(anthropic.encode(message):find("parse", 1, true))
    message.parsed, message.parse_error = nil, "x"
    assert.is_nil(anthropic.encode(message):find("parse", 1, true))
  end)

  it("sends a schema that leads back to itself, and checks with it", function()
    local tree = {
      type = "object", required = { "name" },
      properties = { name = { type = "string" }, children = { type = "array", items = { ["$ref"] = "#/$defs/tree" } } },
    }
    local schema = { ["$defs"] = { tree = tree }, ["$ref"] = "#/$defs/tree" }
    serve(
      testing.message { text = '{"name":"a","children":[{"name":"b","children":[]}]}' },
      testing.message { text = '{"name":"a","children":[{"children":[]}]}' })
    local message = assert(client.messages.parse(params { schema = schema }))
    assert.equal("b", message.parsed.children[1].name)
    local sent = server:requests()[1].json.output_config.format.schema
    assert.equal("#/$defs/tree", sent["$ref"])
    assert.equal("#/$defs/tree", sent["$defs"].tree.properties.children.items["$ref"])
    message = assert(client.messages.parse(params { schema = schema }))
    assert.is_nil(message.parsed)
    assert.equal("children[1].name: missing", message.parse_error)
  end)

  it("takes what the vendor's libraries send: enum and const without a type, allOf with references", function()
    local schema = {
      ["$defs"] = { base = { type = "object", properties = { kind = { const = "city" } }, required = { "kind" } } },
      type = "object",
      allOf = {
        { ["$ref"] = "#/$defs/base" },
        { type = "object", properties = { size = { enum = { "small", "large" } } }, required = { "size" } },
      },
    }
    serve(
      testing.message { text = '{"kind":"city","size":"large"}' },
      testing.message { text = '{"kind":"city","size":"huge"}' },
      testing.message { text = '{"kind":"city","size":"large","x":1}' })
    local message = assert(client.messages.parse(params { schema = schema }))
    assert.same({ kind = "city", size = "large" }, message.parsed)
    local sent = server:requests()[1].json.output_config.format.schema
    assert.same({ "small", "large" }, sent.allOf[2].properties.size.enum)
    assert.is_false(sent.additionalProperties)
    assert.equal('size: "huge" is none of ["small","large"]',
      assert(client.messages.parse(params { schema = schema })).parse_error)
    assert.equal("x: not a property of the schema",
      assert(client.messages.parse(params { schema = schema })).parse_error)
  end)

  it("sends a map as the caller says it", function()
    serve(testing.message { text = '{"Paris":2}' }, testing.message { text = '{"Paris":"two"}' })
    local schema = { type = "object", additionalProperties = { type = "integer" } }
    assert.same({ Paris = 2 }, assert(client.messages.parse(params { schema = schema })).parsed)
    assert.equal("integer", server:requests()[1].json.output_config.format.schema.additionalProperties.type)
    assert.equal("Paris: integer expected, got string",
      assert(client.messages.parse(params { schema = schema })).parse_error)
  end)

  it("refuses a bad schema before anything is sent", function()
    serve(testing.message { text = "{}" })
    for problem, fields in pairs {
      ["schema.properties.a.type: text is no type"] = {
        schema = { type = "object", properties = { a = { type = "text" } } },
      },
      ["output_config.format: excludes schema"] = { output_config = { format = { type = "json_schema" } } },
      ["output_config: table expected, got string"] = { output_config = "low" },
      ["schema: a schema expected, got string"] = { schema = "{}" },
      ["schema.required: a list expected, got boolean"] = {
        schema = { type = "object", properties = { a = { type = "string" } }, required = true },
      },
      ["schema.properties.meta: an object without properties would admit {} alone: name its properties, or say its "
        .. "additionalProperties (false: it is empty)"] = {
        schema = { type = "object", properties = { meta = { type = "object" } } },
      },
      ["output_config: table expected, got raw JSON"] = { output_config = anthropic.raw '{"effort":"low"}' },
    } do
      local message, err = client.messages.parse(params(fields))
      assert.is_nil(message)
      assert.equal("invalid_request", err.kind)
      assert.equal(problem, err.message)
    end
    local without = params()
    without.schema = nil
    local _, err = client.messages.parse(without)
    assert.equal("schema: missing", err.message)
    assert.equal(0, #server:requests())
  end)

  it("gives the request's error", function()
    serve(testing.error { status = 400, message = "no such model" })
    local message, err = client.messages.parse(params())
    assert.is_nil(message)
    assert.equal(400, err.status)
  end)
end)
