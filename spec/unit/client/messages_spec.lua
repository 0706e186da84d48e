local fake_exchange = require "spec.support.fake_exchange"
local json = require "anthropic.base.json"
local messages = require "anthropic.client.messages"
local stream = require "anthropic.stream"
local streams = require "spec.support.streams"

local TEXT = { type = "text", text = "Hello!" }
local DOCUMENT = '{"type":"message","role":"assistant","content":[{"type":"text","text":"Hello!"}]}'

local EVENTS = streams.of {
  { type = "message_start", message = { id = "msg", type = "message", role = "assistant", content = json.array {},
    usage = { input_tokens = 1, output_tokens = 1 } } },
  { type = "content_block_start", index = 0, content_block = { type = "text", text = "" } },
  { type = "content_block_delta", index = 0, delta = { type = "text_delta", text = "Hello!" } },
  { type = "content_block_stop", index = 0 },
  { type = "message_delta", delta = { stop_reason = "end_turn" }, usage = { output_tokens = 2 } },
  { type = "message_stop" },
}

-- A client whose exchanges answer as the spec says: a `body` of a `content_type`, or an `err`.
local client

before_each(function()
  client = { sent = {}, asked = {}, answer = { body = DOCUMENT, content_type = "application/json" } }

  function client:exchange(spec, given)
    self.sent[#self.sent + 1] = { spec = spec, given = given, body = json.decode(spec.body) }
    if self.closed_with then
      return nil, self.closed_with
    end
    local answer = self.answer
    local exchange = fake_exchange { answer.body }
    exchange.response.headers["content-type"] = answer.content_type
    exchange.spec = function() return spec end
    exchange.run = function(own, read)
      if answer.err then
        return nil, answer.err
      end
      return read(own)
    end
    self.latest = exchange
    return exchange
  end

  function client:options_for(given)
    return function(name)
      self.asked[#self.asked + 1] = { name, given }
      return given and given[name]
    end
  end
end)

local function call(name, params, given)
  return messages.methods[name].call(client, {}, params, given)
end

local function params_with(given)
  local params = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } } }
  for name, value in pairs(given or {}) do
    params[name] = value
  end
  return params
end

-- What was sent, and nothing else was.
local function the_one_sent()
  assert.equal(1, #client.sent)
  return client.sent[1]
end

local function assert_refused(message, value, err)
  assert.is_nil(value)
  assert.equal("invalid_request", err.kind)
  assert.equal(message, err.message)
  assert.same({}, client.sent)
end

local function streamed()
  client.answer = { body = EVENTS, content_type = "text/event-stream" }
end

describe("the methods", function()
  it("take parameters, and no path", function()
    for _, name in ipairs { "create", "stream", "map", "parse", "run" } do
      assert.same({}, messages.methods[name].names)
      assert.is_true(messages.methods[name].needs_params)
    end
  end)

  it("take settings beside options where they have some", function()
    assert.same({ "on_done", "on_event", "on_text" }, (function()
      local names = {}
      for name in pairs(messages.methods.stream.settings) do
        names[#names + 1] = name
      end
      table.sort(names)
      return names
    end)())
    assert.is_table(messages.methods.map.settings.concurrency)
    for _, name in ipairs { "create", "parse", "run" } do
      assert.is_nil(messages.methods[name].settings)
    end
  end)
end)

describe("a request is refused, with nothing sent:", function()
  local message = { role = "user", content = "Hello" }
  local REFUSED = {
    { { model = json.null }, "model: string expected, got userdata" },
    { { model = 5 }, "model: string expected, got number" },
    { { messages = "Hello" }, "messages: table expected, got string" },
    { { stream = "yes" }, "stream: boolean expected, got string" },
    { { stream = 1 }, "stream: boolean expected, got number" },
    { { betas = "one" }, "betas: list of strings expected" },
    { { betas = { 1 } }, "betas: list of strings expected" },
    { { betas = { name = "one" } }, "betas: list of strings expected" },
    { { messages = { role = "user", content = "Hello" } }, nil, "^messages: a list expected, got a table with the key "
      .. "%a+$" },
    { { messages = { message, last = message } }, "messages: a list expected, got a table with the key last" },
    { { messages = { message, nil, message } }, "messages[2]: missing" },
    { { messages = { nil, message } }, "messages[1]: missing" },
    { { messages = { message, { type = "message", role = "assistant", content = "Hi" }, nil, message } },
      "messages[3]: missing" },
    { { messages = { "Hello" } }, "messages[1]: table expected, got string" },
    { { messages = { message, 5 } }, "messages[2]: table expected, got number" },
    { { messages = { { content = "Hello" } } }, "messages[1].role: missing" },
    { { messages = { { role = 5, content = "Hello" } } }, "messages[1].role: string expected, got number" },
    { { messages = { message, message, { role = "user" } } }, "messages[3].content: missing" },
    { { messages = { { role = "user", content = 5 } } }, "messages[1].content: string or table expected, got number" },
    { { messages = { { role = "user", content = true } } },
      "messages[1].content: string or table expected, got boolean" },
    { { system = "\255" }, "system: invalid UTF-8 at byte 1" },
    { { messages = { { role = "user", content = "ab\255" } } }, "messages[1].content: invalid UTF-8 at byte 3" },
  }

  for _, row in ipairs(REFUSED) do
    it(row[2] or row[3], function()
      for _, name in ipairs { "create", "stream" } do
        if name == "create" or row[1].stream == nil then
          local value, err = call(name, params_with(row[1]))
          assert_refused(row[2] or err.message:match(row[3]), value, err)
        end
      end
    end)
  end

  it("where the model or the messages are missing, the model first", function()
    assert_refused("model: missing", call("create", {}))
    assert_refused("messages: missing", call("create", { model = "m" }))
  end)

  it("not what only the API can judge", function()
    for _, given in ipairs {
      { messages = {} }, { max_tokens = "many" }, { model = "" }, { betas = {} }, { unknown = 1 },
      { messages = { { role = "somebody", content = {} } } }, { messages = json.raw "[]" },
      { messages = { json.raw '{"role":"user"}' } }, { messages = { message, json.raw "{}" } },
      { messages = { { role = "user", content = json.raw "[]" } } },
    } do
      client.sent = {}
      assert(call("create", params_with(given)))
      assert.equal(1, #client.sent)
    end
  end)
end)

describe("a request", function()
  it("is a POST to the messages, with the parameters as its body", function()
    local params = params_with { unknown = { 1, 2 } }
    local given = {}
    call("create", params, given)
    local spec = the_one_sent().spec
    assert.equal("POST", spec.method)
    assert.equal("/v1/messages", spec.path)
    assert.equal(json.encode(params), spec.body)
    assert.is_nil(spec.headers)
    assert.is_nil(spec.betas)
    assert.is_nil(spec.paced)
    assert.equal(given, the_one_sent().given)
  end)

  it("has betas and the parameters that travel as headers outside of its body", function()
    local params = params_with { betas = { "one", "two" }, user_profile_id = "u", workspace_id = "w", worker_id = "x" }
    call("create", params)
    local sent = the_one_sent()
    assert.equal(json.encode(params_with()), sent.spec.body)
    assert.same({ "one", "two" }, sent.spec.betas)
    assert.same({
      ["anthropic-user-profile-id"] = "u", ["anthropic-workspace-id"] = "w", ["Anthropic-Worker-ID"] = "x",
    }, sent.spec.headers)
    assert.same({ "one", "two" }, params.betas)
    client.sent = {}
    call("create", params_with { workspace_id = "w" })
    assert.same({ ["anthropic-workspace-id"] = "w" }, the_one_sent().spec.headers)
    assert.is_nil(the_one_sent().body.workspace_id)
  end)

  it("can be made anew for a member of a pool, with the model's name there", function()
    local params = params_with { stream = true }
    streamed()
    call("create", params)
    local remake = the_one_sent().spec.remake
    local function member(names)
      return { options_for = function()
        return function(name) return name == "model_names" and names or nil end
      end }
    end
    local made = remake(member { m = "m@there" })
    assert.same({ "m@there", "m@there" }, { made.model, made.completed.model })
    assert.equal(json.encode(params_with { stream = true, model = "m@there" }), made.body)
    assert.same({ body = json.encode(params), model = "m", completed = params }, remake(member(nil)))
    params.messages[1].content = print
    local none, err = remake(member(nil))
    assert.is_nil(none)
    assert.equal("invalid_request", err.kind)
    params.messages[1].content, params.model = "Hello", nil
    none, err = remake(member(nil))
    assert.is_nil(none)
    assert.matches("model", err.message)
  end)

  local STREAMED = {
    { {}, nil },
    { { stream = true }, true },
    { { stream = false }, false },
    { { stream = false, betas = { "one" } }, false },
    { { stream = true, betas = { "one" } }, true },
    { { max_tokens = 21333 }, nil }, -- ten minutes at 128,000 tokens an hour
    { { max_tokens = 21334 }, true },
    { { max_tokens = 21334, betas = { "one" } }, true },
    { { max_tokens = 1000000, stream = false }, false },
    { { max_tokens = 9, stream = true }, true },
    { { max_tokens = "21334" }, nil },
    { { max_tokens = 64000 }, true },
  }

  for _, row in ipairs(STREAMED) do
    it(("with %s asks for a stream: %s"):format(json.encode(row[1]), tostring(row[2])), function()
      assert(call("create", params_with(row[1])))
      assert.equal(row[2], the_one_sent().body.stream)
      assert.is_nil(the_one_sent().body.betas)
      assert.equal(row[1].max_tokens or 9, the_one_sent().body.max_tokens)
    end)
  end

  it("leaves the caller's parameters as they were", function()
    local params = params_with { max_tokens = 30000 }
    call("create", params)
    call("stream", params)
    assert.is_nil(params.stream)
    assert.is_true(client.sent[2].body.stream)
  end)

  it("gives the error of a client that is closed, and of what failed", function()
    local err = {}
    client.closed_with = err
    local value, told = call("create", params_with())
    assert.is_nil(value)
    assert.equal(err, told)
    client.closed_with = nil
    client.answer.err = {}
    for _, name in ipairs { "create", "stream" } do
      value, told = call(name, params_with())
      assert.is_nil(value)
      assert.equal(client.answer.err, told)
    end
  end)
end)

describe("an answer", function()
  it("comes whole where it was asked for whole", function()
    local message = assert(call("create", params_with()))
    assert.is_false(streams.is(message))
    assert.equal("Hello!", message:text())
    assert.equal(client.latest.response, message.response)
    assert.equal(1, client.latest.counted)
  end)

  it("comes whole where the server streams it all the same, and where it was streamed underneath", function()
    streamed()
    for _, given in ipairs { {}, { stream = false }, { max_tokens = 30000 } } do
      local message = assert(call("create", params_with(given)))
      assert.is_false(streams.is(message))
      assert.equal("Hello!", message:text())
      assert.equal("end_turn", message.stop_reason)
    end
  end)

  it("comes whole where it was asked for underneath as a stream, and the server sends a document", function()
    local message = assert(call("create", params_with { max_tokens = 30000 }))
    assert.is_false(streams.is(message))
    assert.equal("Hello!", message:text())
  end)

  it("is a stream where that was asked for", function()
    streamed()
    for _, read in ipairs { call("create", params_with { stream = true }), call("stream", params_with()) } do
      assert.is_true(streams.is(read))
      assert.equal("message_start", read:next().type)
      assert.equal("Hello!", read:message():text())
    end
  end)

  local CONTENT_TYPES = {
    "text/event-stream", "text/plain", "text/html; charset=UTF-8", "", "application/octet-stream", "application/json",
    "application/json, text/event-stream", "application/x-ndjson", "application/stream+json",
  }

  for _, content_type in ipairs(CONTENT_TYPES) do
    for _, case in ipairs { { "events", EVENTS }, { "a document", DOCUMENT } } do
      it(("is read by what it holds: %s as %q"):format(case[1], content_type), function()
        client.answer = { body = "\n\n" .. case[2], content_type = content_type }
        local message = assert(call("create", params_with()))
        assert.is_false(streams.is(message))
        assert.equal("Hello!", message:text())
        local read = assert(call("stream", params_with()))
        assert.is_true(streams.is(read))
        assert.equal("message_start", read:next().type)
        assert.equal("Hello!", read:message():text())
        assert.equal(client.latest.response, read:message().response)
      end)
    end

    it(("is an error where it holds neither: %q"):format(content_type), function()
      for _, body in ipairs { "<html>", "Hello", '{"type":"other"}', "null", "dat" } do
        client.answer = { body = body, content_type = content_type }
        local value, err = call("create", params_with())
        assert.is_nil(value)
        assert.equal("protocol", err.kind)
        assert.equal(body, err.body)
        value, err = call("stream", params_with())
        if value then
          value, err = value:message()
        end
        assert.is_nil(value)
        assert.equal("protocol", err.kind)
        assert.equal(body, err.body)
      end
    end)

    it(("is the error that it holds: %q"):format(content_type), function()
      local body = '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
      client.answer = { body = body, content_type = content_type }
      local value, err = call("create", params_with())
      assert.is_nil(value)
      assert.equal("api", err.kind)
      value, err = call("stream", params_with())
      if value then
        value, err = value:next()
      end
      assert.is_nil(value)
      assert.equal("api", err.kind)
      assert.equal("Overloaded", err.message)
    end)
  end

  it("is a stream where that was asked for and a document comes", function()
    local read = assert(call("stream", params_with()))
    assert.is_true(streams.is(read))
    local pieces = {}
    local next_text = read:text_deltas()
    pieces[1] = next_text()
    assert.same({ "Hello!" }, pieces)
    assert.same({ TEXT }, { read:message().content[1] })
  end)

  it("is an error where it is not a message, whole or streamed", function()
    client.answer.body = '{"type":"other"}'
    for _, name in ipairs { "create", "stream" } do
      local value, err = call(name, params_with())
      assert.is_nil(value)
      assert.equal("protocol", err.kind)
    end
  end)

  it("that breaks off in a stream underneath is an error", function()
    client.answer = { body = EVENTS:sub(1, -40), content_type = "text/event-stream" }
    local value, err = call("create", params_with { max_tokens = 30000 })
    assert.is_nil(value)
    assert.equal("truncated", err.kind)
  end)

  describe("that is streamed can be asked for its rest", function()
    local function ask_for_rest(params)
      streamed()
      return assert(call("stream", params)).ask_for_rest
    end

    it("by the same request, with what came as the assistant's last message", function()
      local params = params_with { betas = { "one" } }
      local body = ask_for_rest(params) { { type = "text", text = "Hel" } }
      local decoded = json.decode(body)
      assert.is_true(decoded.stream)
      assert.same({ role = "user", content = "Hello" }, decoded.messages[1])
      assert.same({ role = "assistant", content = { { type = "text", text = "Hel" } } }, decoded.messages[2])
      assert.is_nil(decoded.betas)
      assert.equal(1, #params.messages)
    end)

    it("not where the API does not go on", function()
      assert.is_falsy(ask_for_rest(params_with()) { { type = "tool_use" } })
      assert.is_falsy(ask_for_rest(params_with { messages = json.raw "[]" }) { TEXT })
    end)

    it("by a streamed request where it was streamed underneath", function()
      streamed()
      client.latest = nil
      local asked
      local new = stream.new
      stream.new = function(...)
        asked = new(...)
        return asked
      end
      assert(call("create", params_with { max_tokens = 30000 }))
      stream.new = new
      assert.is_true(json.decode((asked.ask_for_rest { TEXT })).stream)
    end)
  end)
end)

describe("stream", function()
  it("asks for a stream whatever its parameters say", function()
    call("stream", params_with { stream = false })
    assert.is_true(the_one_sent().body.stream)
  end)

  it("gives its options on, where there is no callback among them", function()
    local given = { max_retries = 1 }
    call("stream", params_with(), given)
    assert.equal(given, the_one_sent().given)
    assert.same({ { "model_names", given }, { "base_url", given } }, client.asked)
  end)

  it("with callbacks gives a task, calls back, and sends with the options alone", function()
    streamed()
    local seen = { texts = {}, events = 0, done = 0 }
    local task = call("stream", params_with(), {
      max_retries = 1, loop = "blocking",
      on_text = function(text) seen.texts[#seen.texts + 1] = text end,
      on_event = function() seen.events = seen.events + 1 end,
      on_done = function(message, err) seen.message, seen.err, seen.done = message, err, seen.done + 1 end,
    })
    assert.equal("anthropic.Task (done)", tostring(task))
    assert.same({ "Hello!" }, seen.texts)
    assert.equal(6, seen.events)
    assert.equal(1, seen.done)
    assert.equal("Hello!", seen.message:text())
    assert.is_nil(seen.err)
    assert.same({ max_retries = 1, loop = "blocking" }, the_one_sent().given)
    local sent_with = { max_retries = 1, loop = "blocking" }
    assert.same({ { "loop", sent_with }, { "model_names", sent_with }, { "base_url", sent_with } }, client.asked)
  end)

  for _, name in ipairs { "on_text", "on_event", "on_done" } do
    it("with " .. name .. " alone does not wait", function()
      streamed()
      assert.equal("anthropic.Task (done)", tostring((call("stream", params_with(), {
        loop = "blocking", [name] = function() end,
      }))))
    end)
  end

  it("has a refused request told by its callback", function()
    local told
    call("stream", {}, { loop = "blocking", on_done = function(...) told = { ... } end })
    assert.is_nil(told[1])
    assert.equal("model: missing", told[2].message)
  end)
end)

describe("map", function()
  it("sends each with what all have in common, held back by the rate limits, and gives them in order", function()
    local answers, errs = call("map", {
      { messages = { { role = "user", content = "one" } } },
      { messages = { { role = "user", content = "two" } }, model = "other" },
      { messages = "three" },
    }, { params = { model = "m" }, max_retries = 1 })
    assert.equal(3, answers.n)
    assert.equal("Hello!", answers[1]:text())
    assert.equal("Hello!", answers[2]:text())
    assert.is_nil(answers[3])
    assert.equal("messages: table expected, got string", errs[3].message)
    assert.equal(2, #client.sent)
    for i, sent in ipairs(client.sent) do
      assert.is_true(sent.spec.paced)
      assert.same({ max_retries = 1 }, sent.given)
      assert.equal(i == 1 and "m" or "other", sent.body.model)
    end
  end)
end)

describe("parse", function()
  local SCHEMA = { type = "object", properties = { city = { type = "string" } }, required = { "city" } }

  it("sends the schema as the API takes it, and gives the decoded text", function()
    client.answer.body = DOCUMENT:gsub("Hello!", '{\\"city\\":\\"Paris\\"}')
    local params = params_with { schema = SCHEMA }
    local given = {}
    local message = assert(call("parse", params, given))
    assert.same({ city = "Paris" }, message.parsed)
    assert.is_nil(message.parse_error)
    local sent = the_one_sent()
    assert.is_nil(sent.body.schema)
    assert.equal("json_schema", sent.body.output_config.format.type)
    assert.equal(given, sent.given)
    assert.equal(SCHEMA, params.schema)
  end)

  it("says why where the text does not fit, beside the message", function()
    local message = assert(call("parse", params_with { schema = SCHEMA }))
    assert.is_nil(message.parsed)
    assert.is_string(message.parse_error)
    assert.equal("Hello!", message:text())
  end)

  it("parses what comes as a stream, asked for or not, by its end", function()
    client.answer = { body = EVENTS:gsub("Hello!", '{\\\\\\"city\\\\\\":\\\\\\"Paris\\\\\\"}'),
      content_type = "text/event-stream" }
    client.answer.body = client.answer.body:gsub("\\\\\\", "\\")
    assert.same({ city = "Paris" }, assert(call("parse", params_with { schema = SCHEMA })).parsed)
    local read = assert(call("parse", params_with { schema = SCHEMA, stream = true }))
    assert.is_true(streams.is(read))
    assert.same({ city = "Paris" }, read:message().parsed)
  end)

  it("parses a document that comes where a stream was asked for", function()
    client.answer.body = DOCUMENT:gsub("Hello!", '{\\"city\\":\\"Paris\\"}')
    local read = assert(call("parse", params_with { schema = SCHEMA, stream = true }))
    assert.same({ city = "Paris" }, read:message().parsed)
  end)

  it("is refused without a schema, and where something else is wrong", function()
    assert_refused("schema: missing", call("parse", params_with()))
    assert_refused("model: missing", call("parse", { schema = SCHEMA }))
  end)

  it("gives the error of a failure", function()
    client.answer.err = {}
    local message, err = call("parse", params_with { schema = SCHEMA })
    assert.is_nil(message)
    assert.equal(client.answer.err, err)
  end)
end)

describe("run", function()
  it("sends a turn with the options, and gives the message and what happened", function()
    local given = { max_retries = 1 }
    local message, run = call("run", params_with { tools = {} }, given)
    assert.equal("Hello!", assert(message, run):text())
    assert.equal(1, #run.turns)
    assert.equal(given, the_one_sent().given)
  end)

  it("gives the error of a turn", function()
    client.answer.err = require("anthropic.base.error").new { kind = "connection", message = "words" }
    local message, err = call("run", params_with { tools = {} })
    assert.is_nil(message)
    assert.equal("words", err.message)
  end)
end)
