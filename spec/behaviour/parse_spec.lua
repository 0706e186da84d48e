local anthropic = require "anthropic"
local hosted = require "spec.support.hosted"
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
    server = hosted.server { script = { ... } }
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
    assert.equal('size: "huge" is not one of ["small","large"]',
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

  describe("with repair", function()
    local bad, good = { text = '{"people":1}' }, { text = '{"city":"Paris"}' }

    it("asks again with what is wrong, until the answer fits", function()
      serve(testing.message { text = "It is Paris." }, testing.message(bad), testing.message(good))
      local message = assert(client.messages.parse(params { repair = 5 }))
      assert.same({ city = "Paris" }, message.parsed)
      assert.is_nil(message.parse_error)
      local requests = server:requests()
      assert.equal(3, #requests)
      assert.is_nil(requests[1].json.repair)
      local turns = requests[3].json.messages
      assert.equal(5, #turns)
      assert.same({ role = "assistant", content = { { type = "text", text = "It is Paris." } } }, turns[2])
      assert.equal("user", turns[3].role)
      assert.matches("^the answer is not JSON: ", turns[3].content)
      assert.same({ role = "user", content = "city: missing" }, turns[5])
      assert.same(requests[1].json.output_config, requests[3].json.output_config)
      assert.equal(30, client.usage:total().input_tokens)
    end)

    it("returns the last answer where none fits", function()
      serve(testing.message(bad), testing.message { text = '{"city":5}' }, testing.message(good))
      local message = assert(client.messages.parse(params { repair = 1 }))
      assert.is_nil(message.parsed)
      assert.equal("city: string expected, got number", message.parse_error)
      assert.equal(2, #server:requests())
    end)

    it("does not ask again where a tool is called, whose result would be the next turn", function()
      serve(testing.message { text = "x", tool_uses = { { name = "a" } } }, testing.message(good))
      local message, err = client.messages.parse(params { repair = 3 })
      assert.equal(1, #assert(message, err):tool_uses())
      assert.is_string(message.parse_error)
      assert.equal(1, #server:requests())
    end)

    it("does not ask again after a refusal, where the answer fits, or by 0", function()
      serve(testing.message { text = "No.", stop_reason = "refusal" }, testing.message(good), testing.message(bad))
      assert.equal("the model refused", assert(client.messages.parse(params { repair = 3 })).parse_error)
      assert.is_nil(assert(client.messages.parse(params { repair = 3 })).parse_error)
      assert.equal("city: missing", assert(client.messages.parse(params { repair = 0 })).parse_error)
      assert.equal(3, #server:requests())
    end)

    it("fails with what the other request fails with, and keeps the answer", function()
      serve(testing.message(bad), testing.error { status = 400, message = "no" })
      local message, err = client.messages.parse(params { repair = 1 })
      assert.is_nil(message)
      assert.equal(400, err.status)
      assert.equal("city: missing", err.partial.parse_error)
    end)

    it("holds for a stream, whose events are those of the first answer", function()
      serve(testing.stream(bad), testing.message(good))
      local stream = assert(client.messages.parse(params { repair = 1, stream = true }))
      local texts = {}
      for text in stream:text_deltas() do
        texts[#texts + 1] = text
      end
      assert.equal(bad.text, table.concat(texts))
      assert.same({ city = "Paris" }, stream:message().parsed)
      assert.same({ city = "Paris" }, stream:message().parsed)
      assert.equal(2, #server:requests())
      assert.is_nil(server:requests()[2].json.stream)
    end)

    it("sends the messages that were asked with, whatever the program has added to them since", function()
      serve(testing.stream(bad), testing.message(good))
      local messages = { { role = "user", content = "Where?" } }
      local stream = assert(client.messages.parse(params { repair = 1, stream = true, messages = messages }))
      for _ in stream:text_deltas() do
        messages[2] = messages[2] or { role = "assistant", content = "as it was shown" }
      end
      assert.same({ city = "Paris" }, stream:message().parsed)
      local sent = server:requests()[2].json.messages
      assert.same({ 3, "Where?", "city: missing" }, { #sent, sent[1].content, sent[3].content })
    end)

    it("gives no other coroutine the answer that does not fit yet", function()
      serve(testing.stream(bad), testing.message { text = good.text, delay = 0.05 })
      local stream = assert(client.messages.parse(params { repair = 1, stream = true }))
      anthropic.run(function()
        local first, second = anthropic.spawn(stream.message, stream), anthropic.spawn(stream.message, stream)
        assert.matches("read by another coroutine", tostring(select(2, second:join())))
        assert.same({ city = "Paris" }, first:join().parsed)
      end)
      assert.same({ city = "Paris" }, stream:message().parsed)
      assert.equal(2, #server:requests())
    end)

    it("fails a stream with what the other request fails with", function()
      serve(testing.stream(bad), testing.error { status = 400, message = "no" })
      local stream = assert(client.messages.parse(params { repair = 1, stream = true }))
      for _ = 1, 2 do
        local message, err = stream:message()
        assert.is_nil(message)
        assert.equal(400, err.status)
      end
    end)

    it("is a whole number, and needs messages that can grow", function()
      serve(testing.message(good))
      for _, value in ipairs { -1, 0.5, "1", true } do
        local _, err = client.messages.parse(params { repair = value })
        assert.matches("^repair: a whole number, 0 or more expected", err.message)
      end
      local _, err = client.messages.parse(params { repair = 1, messages = anthropic.raw "[]" })
      assert.equal("repair: needs a list of messages, got raw JSON", err.message)
    end)
  end)

  describe("stream:objects", function()
    local TEXT = '{"city":"Par\\u0069s","people":2000000,"parts":[{"n":1},{"n":2}],"open":true}'

    local function objects_of(answer)
      serve(answer)
      return assert(client.messages.parse(params { stream = true, schema = { type = "object", properties = {
        city = { type = "string" }, people = { type = "integer" }, open = { type = "boolean" },
        parts = { type = "array", items = { type = "object", properties = { n = { type = "integer" } } } },
      } } }))
    end

    it("shows the object as far as it is known", function()
      local stream = objects_of(testing.stream { text = TEXT, pieces = #TEXT })
      local seen, written, first = {}, {}, nil
      for object, progress in stream:objects() do
        first = first or object
        assert.equal(first, object)
        seen[#seen + 1] = anthropic.encode(object)
        written[#written + 1] = progress:added()
        assert.is_nil(progress:problem())
      end
      assert.equal(#TEXT, #seen)
      assert.equal("{}", seen[1])
      assert.equal('{"city":"Paris"}', seen[21])
      assert.equal("Paris", table.concat(written))
      assert.same(anthropic.decode(TEXT), first)
      assert.same(first, stream:message().parsed)
    end)

    it("takes up what was read in another way", function()
      local stream = objects_of(testing.stream { text = TEXT, pieces = #TEXT })
      local next_text = stream:text_deltas()
      for _ = 1, 30 do
        next_text()
      end
      local last
      for object in stream:objects() do
        last = object
      end
      assert.same(anthropic.decode(TEXT), last)
    end)

    for _, way in ipairs { "message", "stream" } do
      it("shows the object behind a tool of the server's, in an answer that is a " .. way, function()
        local stream = objects_of(testing[way] { content = {
          { type = "text", text = "I look it up: {" },
          { type = "server_tool_use", id = "s", name = "web_search", input = {} },
          { type = "web_search_tool_result", tool_use_id = "s", content = {} },
          { type = "text", text = TEXT },
        } })
        stream:next() -- what has come before is read, too
        local last
        for object in stream:objects() do
          last = object
        end
        assert.same(anthropic.decode(TEXT), last)
        assert.same(last, stream:message().parsed)
      end)
    end

    it("shows the object of an answer that comes whole", function()
      local count, last = 0, nil
      for object in objects_of(testing.message { text = TEXT }):objects() do
        count, last = count + 1, object
      end
      assert.equal(1, count)
      assert.same(anthropic.decode(TEXT), last)
    end)

    it("stops where the text is no JSON, and the message says so", function()
      local stream = objects_of(testing.stream { text = '{"city": Paris, of course}', pieces = 26 })
      local problem
      for _, progress in stream:objects() do
        assert.is_nil(problem)
        problem = progress:problem()
      end
      assert.matches("at byte 10$", problem)
      assert.matches("^the answer is not JSON", stream:message().parse_error)
    end)

    it("raises the error of a stream that breaks off", function()
      local stream = objects_of(testing.stream { text = TEXT, cut_after = 700 })
      local ok, err = pcall(function()
        local next_object = stream:objects()
        while next_object() do end -- luacheck: ignore 542
      end)
      assert.is_false(ok)
      assert.equal("truncated", err.kind)
    end)
  end)

  it("gives the request's error", function()
    serve(testing.error { status = 400, message = "no such model" })
    local message, err = client.messages.parse(params())
    assert.is_nil(message)
    assert.equal(400, err.status)
  end)
end)
