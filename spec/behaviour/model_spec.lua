-- Who names the model of a request: the request, the options or the environment; nobody else.

local hosted = require "spec.support.hosted"
local service = require "spec.support.service"
local testing = require "anthropic.testing"

local MESSAGES = { { role = "user", content = "Hello" } }

local function params(given)
  local all = { max_tokens = 9, messages = MESSAGES }
  for name, value in pairs(given or {}) do
    all[name] = value
  end
  return all
end

local function merged(...)
  local all = {}
  for _, given in ipairs { ... } do
    for name, value in pairs(given) do
      all[name] = value
    end
  end
  return all
end

local function batch(status)
  return { body = { id = "b", type = "message_batch", processing_status = status or "ended", results_url = "",
    request_counts = { succeeded = 1, processing = 0, errored = 0, canceled = 0, expired = 0 } } }
end

local RESULT = '{"custom_id":"one","result":{"type":"succeeded","message":{"type":"message","role":"assistant",'
  .. '"content":[]}}}\n'

local SCRIPT = { routes = {
  { path = "/v1/messages/count_tokens", answers = { { body = { input_tokens = 5 } } } },
  { method = "POST", path = "/v1/messages/batches", answers = { batch() } },
  { method = "GET", path = "/v1/messages/batches/b", answers = { batch() } },
  { path = "/v1/messages/batches/b/results", answers = { { body = RESULT } } },
  { body_contains = '"stream":true', answers = { testing.stream { text = "Hi" } } },
  { path = "/v1/messages", answers = { testing.message { text = "{}" } } },
  { answers = { { body = { id = "x" } } } },
} }

local function read_all(iterator)
  for _ in iterator do end -- luacheck: ignore
  return true
end

local function in_batch(given)
  return { { custom_id = "one", params = given } }
end

-- Every way to send params with messages: what it calls with the params, and with the options of the request
-- where it takes some.
local WAYS = {
  ["ask"] = { without_options = true, function(client, given) return client:ask("Hello", given) end },
  ["chat:say"] = { function(client, given, options) return client:chat(given):say("Hello", options) end },
  ["chat:stream"] = { raises = true, function(client, given, options)
    return read_all(client:chat(given):stream("Hello", options))
  end },
}

for _, prefix in ipairs { "", "beta." } do
  local function resource(client)
    return prefix == "" and client.messages or client.beta.messages
  end
  for _, name in ipairs { "create", "count_tokens" } do
    WAYS[prefix .. "messages." .. name] = { function(client, given, options)
      return resource(client)[name](given, options)
    end }
  end
  WAYS[prefix .. "messages.create, streamed"] = { function(client, given, options)
    local stream, err = resource(client).create(merged(given, { stream = true }), options)
    return stream and stream:message(), err
  end }
  WAYS[prefix .. "messages.stream"] = { function(client, given, options)
    local stream, err = resource(client).stream(given, options)
    return stream and stream:message(), err
  end }
  WAYS[prefix .. "messages.stream with callbacks"] = { function(client, given, options)
    local told
    local with_callback = merged({ loop = "blocking" }, options or {})
    with_callback.on_done = function(...) told = { ... } end
    resource(client).stream(given, with_callback)
    return told[1], told[2]
  end }
  WAYS[prefix .. "messages.parse"] = { function(client, given, options)
    local schema = { type = "object", additionalProperties = false }
    return resource(client).parse(merged(given, { schema = schema }), options)
  end }
  WAYS[prefix .. "messages.run"] = { function(client, given, options)
    return resource(client).run(merged(given, { tools = {} }), options)
  end }
  WAYS[prefix .. "messages.map"] = { function(client, given, options)
    local found, errs = resource(client).map({ given }, options)
    return found[1], errs[1]
  end }
  WAYS[prefix .. "messages.map, by the params in common"] = { function(client, given, options)
    local found, errs = resource(client).map({ { messages = MESSAGES } }, merged(options or {}, { params = given }))
    return found[1], errs[1]
  end }
  WAYS[prefix .. "messages.batches.create"] = { in_batch = true, function(client, given, options)
    return resource(client).batches.create({ requests = in_batch(given) }, options)
  end }
  WAYS[prefix .. "messages.batches.run"] = { in_batch = true, function(client, given, options)
    return resource(client).batches.run(in_batch(given), merged(options or {}, { poll_interval = 0.001 }))
  end }
end

local function call(way, ...)
  if not way.raises then
    return way[1](...)
  end
  local ok, result = pcall(way[1], ...)
  return ok and result or nil, not ok and result or nil
end

describe("the model of", function()
  local server
  local seen = 0

  setup(function()
    server = hosted.server { script = SCRIPT }
  end)

  teardown(function()
    server:stop()
  end)

  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  local function client_with(options)
    return service.client(server, options)
  end

  -- What was sent since the last time, the requests of a batch for their batch.
  local function sent()
    local requests, new = server:requests(), {}
    for i = seen + 1, #requests do
      local body = requests[i].json
      new[#new + 1] = body and body.requests and body.requests[1].params or body
    end
    seen = #requests
    return new
  end

  for name, way in pairs(WAYS) do
    describe(name, function()
      it("is the one that it names", function()
        service.environment { ANTHROPIC_MODEL = "environment" }
        local given = params { model = "own" }
        local options = not way.without_options and { model = "options" } or nil
        assert(call(way, client_with { model = "client" }, given, options))
        assert.equal("own", sent()[1].model)
      end)

      it("is that of its options where it names none, then the client's, then the environment's", function()
        service.environment { ANTHROPIC_MODEL = " environment\n" }
        local given = params()
        if not way.without_options then
          assert(call(way, client_with { model = "client" }, given, { model = "options" }))
          assert.equal("options", sent()[1].model)
        end
        assert(call(way, client_with { model = "client" }, given))
        assert.equal("client", sent()[1].model)
        assert(call(way, client_with(), given))
        local body = sent()[1]
        assert.equal("environment", body.model)
        assert.same(MESSAGES[1], body.messages[1])
        assert.same(params(), given) -- the caller's own table
      end)

      it("is missing where nobody names one: nothing is sent, and it is told how to", function()
        for _, value in ipairs { "unset", "", " \t\n" } do
          service.environment { ANTHROPIC_MODEL = value ~= "unset" and value or nil }
          local result, err = call(way, client_with(), params())
          assert.is_nil(result)
          assert.equal("invalid_request", err.kind)
          assert.matches((way.in_batch and "^requests%[1%]%.params%." or "^") .. "model: missing; ", err.message)
          for _, words in ipairs { "request (model = ...)", "options of the client", "ANTHROPIC_MODEL" } do
            assert.truthy(err.message:find(words, 1, true), words)
          end
          assert.same({}, sent())
        end
      end)
    end)
  end

  it("each request of a batch is its own, or the option's", function()
    local requests = {
      { custom_id = "one", params = params { model = "own" } }, { custom_id = "two", params = params() },
      { custom_id = "three", params = { model = "no messages" } },
    }
    assert(client_with({ model = "client" }).messages.batches.create { requests = requests })
    local body = server:requests()[seen + 1].json
    local models = {}
    for i, request in ipairs(body.requests) do
      models[i] = request.params.model
    end
    assert.same({ "own", "client", "no messages" }, models)
    assert.is_nil(requests[2].params.model)
    sent()
  end)

  it("each turn of a run is the same", function()
    local client = client_with { model = "client" }
    local turns = 0
    assert(client.messages.run(merged(params(), { tools = {}, on_turn = function() turns = turns + 1 end })))
    assert.equal(1, turns)
    assert.equal("client", sent()[1].model)
  end)

  it("client:request is the caller's alone", function()
    local client = client_with { model = "client" }
    assert(client:request({ path = "/v1/messages", body = { messages = MESSAGES } }, { model = "options" }))
    assert.same({ messages = MESSAGES }, sent()[1])
  end)

  it("client:request refuses messages that cannot be sent, also in a batch", function()
    local block = { type = "text", text = "a" }
    local stored = { type = "message", role = "assistant", content = { block, nil, block } }
    local whole = { model = "m", messages = { MESSAGES[1], stored } }
    for words, body in pairs {
      ["messages[2].content[2]: missing"] = whole,
      ["requests[1].params.messages[2].content[2]: missing"] = { requests = { { custom_id = "x", params = whole } } },
    } do
      local value, err = client_with({}):request { path = "/v1/messages", body = body }
      assert.same({ nil, "invalid_request", words }, { value, err.kind, err.message })
    end
    assert.same({}, sent())
  end)

  it("methods without messages is none", function()
    local client = client_with { model = "client" }
    assert(client.beta.agents.create({ name = "a" }, { model = "options" }))
    assert.same({ name = "a" }, sent()[1])
    assert(client.models.retrieve "m")
    assert.equal("", server:requests()[seen + 1].query)
    sent()
  end)

  it("a client must be a name", function()
    for _, wrong in ipairs { "", " ", 5, {}, true } do
      local ok, message = pcall(client_with, { model = wrong })
      assert.is_false(ok)
      assert.matches('option "model": the name of a model expected', message)
    end
  end)
end)
