-- Requests with long strings, such as a document in base64: what is sent is the same, but they are not copied.

local anthropic = require "anthropic"
local service = require "spec.support.service"
local testing = require "anthropic.testing"

local DATA = ("QUJD"):rep(100000)
local HELLO = testing.message { text = "Hello!" }
local AWS = {
  platform = "bedrock", aws_access_key_id = "AKIDEXAMPLE", aws_secret_access_key = "secret+key", region = "r",
}

local function params_of(data)
  return {
    model = "m",
    max_tokens = 9,
    messages = { { role = "user", content = {
      { type = "document", source = { type = "base64", media_type = "application/pdf", data = data } },
      { type = "text", text = "What does it say?" },
    } } },
  }
end

local PARAMS = params_of(DATA)
local BODY = anthropic.encode(PARAMS)

local function bodies_of(server)
  local bodies = {}
  for i, request in ipairs(server:requests()) do
    bodies[i] = request.body
  end
  return bodies
end

-- Not assert.same: it would print them.
local function assert_bodies(server, ...)
  local bodies = bodies_of(server)
  assert.equal(select("#", ...), #bodies)
  for i = 1, #bodies do
    assert.is_true(bodies[i] == (select(i, ...)))
  end
end

before_each(function()
  service.environment {}
end)

after_each(service.clear)

describe("a request with a long string", function()
  it("is sent as any other, also as a stream", function()
    local server = service.serve { HELLO, testing.stream { text = "Hello!" } }
    local client = service.client(server)
    assert.equal("Hello!", assert(client.messages.create(PARAMS)):text())
    assert.equal("Hello!", assert(assert(client.messages.stream(PARAMS)):message()):text())
    assert_bodies(server, BODY, (BODY:gsub('"model":"m"', '"model":"m","stream":true')))
    assert.equal(tostring(#BODY), server:requests()[1].headers["content-length"])
  end)

  it("may have its length named, if it is that", function()
    local server = service.serve { HELLO }
    local client = service.client(server)
    assert(client.messages.create(PARAMS, { headers = { ["Content-Length"] = tostring(#BODY) } }))
    local _, err = client.messages.create(PARAMS, { headers = { ["Content-Length"] = "3" } })
    assert.matches("must be left out", err.message)
    assert_bodies(server, BODY)
  end)

  it("is the same in each attempt", function()
    local server = service.serve { { status = 529 }, { cut_headers = 0 }, HELLO }
    local client = service.client(server, { max_retries = 2, retry = "always" })
    assert(client.messages.create(PARAMS))
    assert_bodies(server, BODY, BODY, BODY)
  end)

  it("may follow a redirect", function()
    local server = service.serve { { status = 307, headers = { location = "/elsewhere" } }, HELLO }
    assert(service.client(server).messages.create(PARAMS))
    assert_bodies(server, BODY, BODY)
  end)

  it("is what a middleware sees, and may change", function()
    local server = service.serve { HELLO }
    local seen
    local client = service.client(server, { middleware = { function(request, send)
      seen = request.body
      request.body = request.body:gsub('"model":"m"', '"model":"other"')
      return send(request)
    end } })
    assert(client.messages.create(PARAMS))
    assert.is_true(seen == BODY)
    assert_bodies(server, (BODY:gsub('"model":"m"', '"model":"other"')))
  end)

  it("is signed as it is sent", function()
    local server = service.serve { HELLO }
    assert(service.client(server, AWS).messages.create(PARAMS))
    local request = server:requests()[1]
    assert.is_true(request.body:find(DATA, 1, true) ~= nil)
    assert.is_nil(request.body:find('"model"', 1, true))
  end)

  it("stands whole in the command of an error and in a record", function()
    local server = service.serve { { status = 400 } }
    local whole, shortened
    local client = service.client(server, { on_log = function(record)
      if record.event == "request" then
        whole, shortened = record.request_body(true), record.request_body()
      end
    end })
    local _, err = client.messages.create(PARAMS)
    assert.is_true(err:to_curl():find(BODY, 1, true) ~= nil)
    assert.is_true(whole == BODY)
    assert.is_true(#shortened < 1000)
  end)

  it("is measured by a limiter", function()
    local server = service.serve { HELLO }
    local tokens
    local client = service.client(server, { limiter = {
      acquire = function(_, request)
        tokens = request.tokens
        return true
      end,
      observe = function() end,
      release = function() end,
    } })
    assert(client.messages.create(PARAMS))
    assert.is_true(tokens > #DATA / 64 and tokens < #DATA / 64 + 100)
  end)

  it("goes to the next member of a pool", function()
    local first, second = service.serve { { status = 529 } }, service.serve { HELLO }
    local pool = anthropic.pool { members = {
      { client = service.client(first, { max_retries = 0 }) }, { client = service.client(second, { max_retries = 0 }) },
    }, max_retries = 1 }
    for _ = 1, 2 do
      assert(pool.messages.create(PARAMS))
    end
    assert_bodies(second, BODY, BODY)
  end)

  it("may be one of a batch", function()
    local server = service.serve { { body = { id = "batch_1", type = "message_batch" } } }
    local requests = { { custom_id = "a", params = PARAMS }, { custom_id = "b", params = PARAMS } }
    assert(service.client(server).messages.batches.create { requests = requests })
    assert_bodies(server, anthropic.encode { requests = requests })
  end)

  it("is refused where it cannot be encoded, and sends nothing", function()
    local server = service.serve { HELLO }
    local params = params_of(DATA)
    params.metadata = { user_id = print }
    local message, err = service.client(server).messages.create(params)
    assert.is_nil(message)
    assert.same({ "invalid_request", "metadata.user_id: a function has no JSON form" }, { err.kind, err.message })
    assert.equal(0, #server:requests())
  end)

  it("may be cancelled while it is sent", function()
    local server = service.serve { { delay = 30, body = {} } }
    local client, err = service.client(server), nil
    anthropic.run(function()
      local task = anthropic.spawn(function()
        return client.messages.create(params_of(("x"):rep(20000000)))
      end)
      anthropic.sleep(0.01)
      task:cancel()
      err = select(2, task:join())
    end)
    assert.equal("cancelled", err.kind)
  end)
end)
