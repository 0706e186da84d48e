-- The gateway of examples/openresty: whom it lets through, how much of it, and what it says otherwise.

local anthropic = require "anthropic"
local background = require "spec.support.background"
local http = require "socket.http"
local ltn12 = require "ltn12"
local nginx = require "spec.support.nginx"
local raw_client = require "spec.support.raw_client"
local testing = require "anthropic.testing"

describe("the gateway in nginx", function()
  local service, server

  local is_there, why_not = nginx.is_installed()
  if not is_there then
    it("is there", function() pending(why_not) end)
    return
  end

  setup(function()
    background.output_of "make -s LUA=luajit >&2"
  end)

  local function start(upstream, environment)
    return nginx.start_example {
      name = "gateway.conf",
      environment = ("ANTHROPIC_API_KEY=real-secret ANTHROPIC_BASE_URL=%s %s")
        :format(upstream.url, environment or ""),
    }
  end

  local USAGE = {
    input_tokens = 10, cache_creation_input_tokens = 20, cache_read_input_tokens = 10, output_tokens = 30,
  }

  before_each(function()
    service = testing.server { script = { routes = {
      { body_contains = "slowly", answers = { testing.stream { text = ("word "):rep(500), delay_between = 0.02 } } },
      { body_contains = "at length", answers = {
        testing.stream { text = ("word "):rep(40), delay_between = 0.02, usage = USAGE },
      } },
      { body_contains = "busy", answers = {
        testing.error { status = 529, retry_after = 0.01, request_id = "req_7" },
      } },
      { body_contains = "broken", answers = {
        testing.stream { text = "one two", error = { type = "overloaded_error", message = "Overloaded" } },
      } },
      { body_contains = "gone", answers = { { close = true } } },
      {
        body_match = '"stream":true',
        answers = { testing.stream { thinking = "Hm.", text = "Hello.", usage = USAGE } },
      },
      { answers = { testing.message { text = "Hello.", usage = USAGE } } },
    } } }
    server = start(service)
  end)

  after_each(function()
    service:stop()
    local errors = server:stop()
    assert.is_nil(errors:find("real-secret", 1, true))
    assert.is_nil(errors:find("traceback", 1, true), errors)
  end)

  -- A team's client is one of this library, as any would do.
  local function client_of(key)
    return anthropic.new { base_url = server.url, api_key = key, auth = "x-api-key", max_retries = 0 }
  end

  local function request(words, changed)
    local params = {
      model = "claude-sonnet-5-5", max_tokens = 100, messages = { { role = "user", content = words } },
    }
    for name, value in pairs(changed or {}) do
      params[name] = value
    end
    return params
  end

  it("passes messages on with a key of its own, whole and streamed", function()
    local client = client_of "key-of-red"
    local message = assert(client.messages.create(request "Hi"))
    assert.equal("Hello.", message:text())
    local streamed = assert(assert(client.messages.stream(request "Hi")):message())
    assert.equal("Hm.", streamed:thinking())
    assert.equal("Hello.", streamed:text())
    assert.equal("end_turn", streamed.stop_reason)
    for _, sent in ipairs(service:requests()) do
      assert.equal("Bearer real-secret", sent.headers.authorization)
      assert.is_nil(sent.headers["x-api-key"])
    end
  end)

  local REFUSALS = {
    ["an unknown key"] = { key = "other", status = 401, type = "authentication_error" },
    ["a model that is not offered"] = { changed = { model = "m" }, status = 403, type = "permission_error" },
    ["too many tokens"] = { changed = { max_tokens = 5000 }, status = 400, type = "invalid_request_error" },
    ["a body that is too large"] = { words = ("a"):rep(300000), status = 413, type = "request_too_large" },
  }
  for what, case in pairs(REFUSALS) do
    it("refuses " .. what, function()
      local message, err = client_of(case.key or "key-of-red").messages.create(
        request(case.words or "Hi", case.changed))
      assert.is_nil(message)
      assert.equal(case.status, err.status)
      assert.equal(case.type, err.type)
      assert.equal(0, #service:requests())
    end)
  end

  it("hands on the API's errors, before the answer and inside it", function()
    local client = client_of "key-of-red"
    local _, err = client.messages.create(request "busy")
    assert.equal(529, err.status)
    assert.equal("overloaded_error", err.type)
    assert.equal("req_7", err.request_id)
    local _, inside = assert(client.messages.stream(request "broken")):message()
    assert.equal("overloaded_error", inside.type)
    assert.equal("one two", inside.partial:text())
  end)

  it("tells of no answer without the network's words", function()
    local _, err = client_of("key-of-red").messages.create(request "gone")
    assert.equal(502, err.status)
    assert.equal("no whole answer from the service: connection", err.message)
  end)

  it("ends a team's day when its tokens are spent", function()
    local client = client_of "key-of-blue"
    assert(client.messages.create(request "Hi"))
    assert(assert(client.messages.stream(request "Hi")):message())
    local _, err = client.messages.create(request "Hi")
    assert.equal(429, err.status)
    assert.matches("tokens for today are spent", err.message)
    assert(client_of("key-of-red").messages.create(request "Hi"))
  end)

  it("counts answers whose reader hung up, and asks for no more of them", function()
    local client = client_of "key-of-blue"
    for _ = 1, 10 do -- 10 and 1 tokens each, as far as the API has said
      local stream = client.messages.stream(request "slowly")
      if stream then
        stream:next()
        stream:close()
        raw_client.eventually(function() return service:connections().open == 0 end)
      end
    end
    local _, err = client.messages.create(request "Hi")
    assert.equal(429, err.status)
  end)

  it("lets a team have two answers at a time", function()
    local client = client_of "key-of-red"
    local one = assert(client.messages.stream(request "slowly"))
    local two = assert(client.messages.stream(request "slowly"))
    local _, err = client.messages.create(request "Hi")
    assert.equal(429, err.status)
    assert.equal("too many requests at once", err.message)
    for _, headers in ipairs {
      { ["x-api-key"] = "key-of-red", authorization = "Bearer anything" },
      { ["x-api-key"] = false, authorization = "Bearer key-of-red" }, -- the same key
    } do
      local _, refusal = client.messages.create(request "Hi", { headers = headers })
      assert.equal(429, refusal and refusal.status)
    end
    one:close()
    two:close()
  end)

  -- As an OpenAI client asks.
  local function complete(key, words, more)
    local body = ('{"model":"claude-sonnet-5-5","messages":[{"role":"user","content":"%s"}]%s}')
      :format(words, more or "")
    local parts = {}
    local _, status = http.request {
      url = server.url .. "/v1/chat/completions", method = "POST", source = ltn12.source.string(body),
      sink = ltn12.sink.table(parts),
      headers = { authorization = "Bearer " .. key, ["content-length"] = #body },
    }
    return table.concat(parts), status
  end

  it("answers in the shape of a chat completion, its refusals and its errors too", function()
    local body = complete("key-of-red", "Hi")
    assert.equal("Hello.", anthropic.decode(body).choices[1].message.content)
    body = complete("key-of-red", "Hi", ',"stream":true')
    assert.matches("^data: {.*data: %[DONE%]\n\n$", body)
    for _, case in ipairs {
      { "other", "Hi", "", 401, "authentication_error" },
      { "key-of-red", "Hi", ',"max_tokens":5000', 400, "invalid_request_error" },
      { "key-of-red", "Hi", ',"seed":7', 400, "invalid_request_error" },
      { "key-of-red", "busy", "", 529, "overloaded_error" },
      { "key-of-red", "gone", "", 502, "api_error" },
    } do
      local status
      body, status = complete(case[1], case[2], case[3])
      assert.equal(case[4], status)
      assert.equal(case[5], anthropic.decode(body).error.type)
      assert.is_nil(anthropic.decode(body).type)
    end
    body = complete("key-of-red", "broken", ',"stream":true')
    assert.matches('data: {"error":{"code":null,"message":"Overloaded"', body)
  end)

  it("counts the tokens of both shapes together", function()
    assert(client_of("key-of-blue").messages.create(request "Hi"))
    complete("key-of-blue", "Hi", ',"stream":true')
    local body, status = complete("key-of-blue", "Hi")
    assert.equal(429, status)
    assert.matches("tokens for today are spent", body)
  end)

  it("hands on the betas that are asked for, and which request of the API it was", function()
    local client = anthropic.new {
      base_url = server.url, api_key = "key-of-red", auth = "x-api-key", max_retries = 0, betas = { "one", "two" },
    }
    for _, streamed in ipairs { false, true } do
      local answer = assert(client.messages.create(request("Hi", { stream = streamed })))
      assert.matches("^req_test_%d$", answer.response.request_id)
    end
    for _, sent in ipairs(service:requests()) do
      assert.equal("one,two", (sent.headers["anthropic-beta"]:gsub(" ", "")))
    end
  end)

  it("says nothing of what the API said of its own key", function()
    local refusing = testing.server { script = testing.error { status = 401, message = "this key has been stolen" } }
    server:stop()
    server = start(refusing)
    local _, err = client_of("key-of-red").messages.create(request "Hi")
    refusing:stop()
    assert.equal(502, err.status)
    assert.equal("the service refuses the gateway", err.message)
  end)

  it("asks another service where the first one fails", function()
    local other = testing.server { script = { routes = {
      { body_match = '"stream":true', answers = { testing.stream { text = "From the other." } } },
      { answers = { testing.message { text = "From the other." } } },
    } } }
    server:stop()
    server = start(service, "FALLBACK_API_KEY=other-secret FALLBACK_BASE_URL=" .. other.url)
    local client = client_of "key-of-red"
    assert.equal("From the other.", assert(client.messages.create(request "busy")):text())
    assert.equal("From the other.", assert(assert(client.messages.stream(request "busy")):message()):text())
    local sent = other:requests()
    other:stop()
    assert.equal("Bearer other-secret", sent[1].headers.authorization)
    assert.equal(2, #sent)
  end)

  it("loses no answer when it is loaded anew, and no count", function()
    local client = client_of "key-of-blue"
    assert(client.messages.create(request "Hi"))
    assert(client.messages.create(request "Hi"))
    local stream = assert(client_of("key-of-red").messages.stream(request "at length"))
    assert(stream:next())
    local old = server:workers()[1]
    server:signal "HUP"
    assert.is_true(raw_client.eventually(function()
      local workers = server:workers()
      return #workers == 2 and workers[#workers] ~= old
    end))
    assert.equal(("word "):rep(40), assert(stream:message()):text())
    -- not on a connection that the old worker may be about to close
    local _, err = client.messages.create(request "Hi", { max_idle = 0.001 })
    assert.equal(429, err.status)
    assert(client_of("key-of-red").messages.create(request "Hi", { max_idle = 0.001 }))
  end)

  it("has a page of metrics", function()
    assert(client_of("key-of-red").messages.create(request "Hi"))
    complete("key-of-red", "busy")
    local page = http.request(server.url .. "/metrics")
    for _, line in ipairs {
      'anthropic_requests_total{model="claude-test",outcome="ok",status="200"} 1',
      'anthropic_tokens_total{model="claude-test",kind="output_tokens"} 30',
      'anthropic_errors_total{kind="api",type="overloaded_error"} 1',
      'anthropic_requests_in_flight{worker="0"} 0',
    } do
      assert.truthy(page:find(line, 1, true), line .. " is not in\n" .. page)
    end
  end)
end)
