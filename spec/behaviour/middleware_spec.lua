-- Functions of the caller around each attempt of a request.

local anthropic = require "anthropic"
local directories = require "spec.support.directory"
local service = require "spec.support.service"
local testing = require "anthropic.testing"

local params, header = service.params, service.header

local HELLO = testing.message { text = "Hello!" }

-- A middleware that notes what it sees.
local function noting(seen)
  return function(request, send)
    local response, err = send()
    seen[#seen + 1] = { request = request, response = response, err = err }
    return response, err
  end
end

local function client_of(script, middleware, options)
  options = options or {}
  options.middleware = middleware
  local server = service.serve(script)
  return service.client(server, options), server
end

before_each(function()
  service.environment {}
end)

after_each(service.clear)

describe("a middleware", function()
  it("sees the request and the whole answer", function()
    local seen = {}
    local client, server = client_of({ HELLO }, { noting(seen) }, { tag = "a tag" })
    local message = assert(client.messages.create(params()))
    assert.equal("Hello!", message:text())
    local request, response = seen[1].request, seen[1].response
    assert.equal("POST", request.method)
    assert.equal(server.url .. "/v1/messages", request.url)
    assert.equal(server:requests()[1].body, request.body)
    assert.equal("2023-06-01", request.headers["Anthropic-Version"])
    assert.equal("application/json", request.headers["content-type"])
    assert.equal(1, request.attempt)
    assert.equal("a tag", request.tag)
    assert.equal(200, response.status)
    assert.equal("application/json", response.headers["Content-Type"])
    assert.equal("Hello!", anthropic.decode(response.body).content[1].text)
  end)

  it("sees no credential, whoever gave it", function()
    local seen = {}
    local client, server = client_of({ HELLO }, { noting(seen) }, { headers = { ["X-Team-Token"] = "secret-team" } })
    assert(client.messages.create(params()))
    for name, value in pairs(seen[1].request.headers) do
      assert.is_nil(value:find("secret-team", 1, true), name)
      assert.is_nil(value:find(service.KEY, 1, true), name)
    end
    assert.equal("secret-team", header(server:requests()[1], "x-team-token"))
    assert.equal("Bearer " .. service.KEY, header(server:requests()[1], "authorization"))
  end)

  it("sees of a stream that is still coming no body", function()
    local seen = {}
    local client = client_of({ testing.stream { text = "Hello!" } }, { noting(seen) })
    local stream = assert(client.messages.stream(params()))
    assert.equal(200, seen[1].response.status)
    assert.is_nil(seen[1].response.body)
    assert.equal("Hello!", assert(stream:message()):text())
  end)

  it("sees what the server refuses, and each attempt", function()
    local seen = {}
    local client = client_of({ testing.error { status = 529, headers = { ["retry-after-ms"] = "1" } }, HELLO },
      { noting(seen) }, { max_retries = 1 })
    local message = assert(client.messages.create(params()))
    assert.equal(2, message.response.attempts)
    assert.equal(529, seen[1].response.status)
    assert.truthy(seen[1].response.body:find("overloaded_error", 1, true))
    assert.same({ 1, 2 }, { seen[1].request.attempt, seen[2].request.attempt })
  end)

  it("sees that no answer came", function()
    local seen = {}
    local nowhere = { url = "http://127.0.0.1:" .. service.refusing_port() }
    local client = service.client(nowhere, { middleware = { noting(seen) } })
    local message, err = client.messages.create(params())
    assert.is_nil(message)
    assert.equal("connection", err.kind)
    assert.equal(err, seen[1].err)
  end)

  it("is called from the first to the last", function()
    local order = {}
    local function named(name)
      return function(_, send)
        order[#order + 1] = name .. " before"
        local response, err = send()
        order[#order + 1] = name .. " after"
        return response, err
      end
    end
    local client = client_of({ HELLO }, { named "one", named "two" })
    assert(client.messages.create(params()))
    assert.same({ "one before", "two before", "two after", "one after" }, order)
  end)

  it("may be one of the request alone", function()
    local of_client, of_request = {}, {}
    local client = client_of({ HELLO, HELLO }, { noting(of_client) })
    assert(client.messages.create(params(), { middleware = { noting(of_request) } }))
    assert.same({ 0, 1 }, { #of_client, #of_request })
    assert(client.messages.create(params(), { middleware = {} }))
    assert.same({ 0, 1 }, { #of_client, #of_request })
  end)

  it("has each of its sends in the history", function()
    local refused = testing.error { status = 500 }
    local client, server = client_of({ refused }, { function(_, send)
      send()
      return send()
    end }, { max_retries = 1, on_retry = function() end })
    local message, err = client.messages.create(params())
    assert.is_nil(message)
    assert.same({ 4, 4 }, { #server:requests(), err.attempts })
    local seen = {}
    for i = 1, 4 do
      local entry = err.history[i]
      seen[i] = entry and entry.status .. " " .. entry.kind .. " " .. tostring(entry.waited > 0)
    end
    assert.same({ "500 api false", "500 api true", "500 api false", "500 api false" }, seen)
  end)

  it("is a list of functions", function()
    for _, given in ipairs { "text", { "text" }, { noting, "x" } } do
      assert.has_error(function() anthropic.new { middleware = given } end)
    end
    assert.has_error(function() anthropic.new { middleware = function() end } end)
  end)
end)

describe("what a middleware changes", function()
  local function changing(change, options)
    local client, server = client_of({ HELLO, HELLO }, { function(request, send)
      change(request)
      return send(request)
    end }, options)
    local message, err = client.messages.create(params())
    return message and server:requests()[1], err
  end

  it("goes out", function()
    local request = changing(function(request)
      request.headers["X-Trace"] = "t1"
      request.headers["anthropic-version"] = "2099-01-01"
      request.headers["ACCEPT"] = "text/plain"
      request.headers["User-Agent"] = nil
      request.method = "PUT"
      request.url = request.url .. "?x=1"
      request.body = '{"another":"body"}'
      request.attempt, request.tag = 7, "x"
    end)
    assert.equal("PUT", request.method)
    assert.equal("x=1", request.query)
    assert.equal('{"another":"body"}', request.body)
    assert.equal("t1", header(request, "x-trace"))
    assert.equal("2099-01-01", header(request, "anthropic-version"))
    assert.equal("text/plain", header(request, "accept"))
    assert.is_nil(header(request, "user-agent"))
    assert.equal("Bearer " .. service.KEY, header(request, "authorization"))
  end)

  it("may be all headers, in a table of its own", function()
    local request = changing(function(request) request.headers = { ["X-Only"] = 5 } end)
    assert.equal("5", header(request, "x-only"))
    assert.is_nil(header(request, "anthropic-version"))
    assert.equal("Bearer " .. service.KEY, header(request, "authorization"))
  end)

  it("may be the credential: it is the only one then", function()
    local request = changing(function(asked) asked.headers.authorization = "Bearer of-its-own" end)
    assert.equal("Bearer of-its-own", header(request, "authorization"))
    request = changing(function(asked) asked.headers["X-Api-Key"] = "of-its-own" end)
    assert.equal("of-its-own", header(request, "x-api-key"))
    assert.is_nil(header(request, "authorization"))
  end)

  it("is refused where it is no request", function()
    for _, change in ipairs {
      function(asked) asked.headers["x-a"] = "a\r\nb: c" end,
      function(asked) asked.headers["x-a"] = "a\nb" end,
      function(asked) asked.headers["x-a"] = "a\0b" end,
      function(asked) asked.headers["x a"] = "b" end,
      function(asked) asked.headers["content-length"] = "2" end,
      function(asked) asked.headers["x-a"] = {} end,
      function(asked) asked.headers = "x" end,
      function(asked) asked.url = "ftp://127.0.0.1/" end,
      function(asked) asked.url = "/v1/messages" end,
      function(asked) asked.url = asked.url .. " x" end,
      function(asked) asked.url = nil end,
      function(asked) asked.url = asked.url:gsub("//", "//user:pass@") end,
      function(asked) asked.method = "GET /" end,
      function(asked) asked.body = {} end,
    } do
      local request, err = changing(change)
      assert.is_nil(request)
      assert.equal("invalid_request", err.kind)
    end
  end)

  it("leads to another server without a credential", function()
    local other = service.serve { HELLO, HELLO }
    local client, server = client_of({ HELLO }, { function(request, send)
      request.url = request.url:gsub("^%a+://[^/]+", other.url)
      return send()
    end }, { headers = { ["X-Team-Token"] = "secret-team", ["X-Team"] = "blue" } })
    assert(client.messages.create(params()))
    assert.equal(0, #server:requests())
    local request = other:requests()[1]
    assert.is_nil(header(request, "authorization"))
    assert.is_nil(header(request, "x-api-key"))
    assert.is_nil(header(request, "x-team-token"))
    assert.equal("blue", header(request, "x-team"))
  end)
end)

describe("an answer of a middleware", function()
  local function answering(response, options)
    options = options or {}
    options.middleware = { function() return response end }
    return service.client(nil, options)
  end

  local function sse(events)
    local text = {}
    for i, event in ipairs(events) do
      text[i] = ("event: %s\ndata: %s\n\n"):format(event.type, anthropic.encode(event))
    end
    return table.concat(text)
  end

  local STREAM = sse {
    { type = "message_start", message = {
      id = "m", type = "message", role = "assistant", model = "claude-test", content = {},
      usage = { input_tokens = 1, output_tokens = 1 },
    } },
    { type = "content_block_start", index = 0, content_block = { type = "text", text = "" } },
    { type = "content_block_delta", index = 0, delta = { type = "text_delta", text = "Hel" } },
    { type = "content_block_delta", index = 0, delta = { type = "text_delta", text = "lo!" } },
    { type = "content_block_stop", index = 0 },
    { type = "message_delta", delta = { stop_reason = "end_turn" }, usage = { output_tokens = 2 } },
    { type = "message_stop" },
  }

  local MESSAGE = anthropic.encode {
    id = "m", type = "message", role = "assistant", model = "claude-test", stop_reason = "end_turn",
    content = { { type = "text", text = "Hello!" } }, usage = { input_tokens = 1, output_tokens = 2 },
  }

  it("is a message, and nothing is sent", function()
    local client = answering { status = 200, headers = { ["Request-Id"] = "r1" }, body = MESSAGE }
    local message = assert(client.messages.create(params()))
    assert.equal("Hello!", message:text())
    assert.equal("r1", message.response.request_id)
    assert.equal(1, message.response.attempts)
    assert.equal(2, client.usage:total().output_tokens)
  end)

  it("needs no credential, and neither status nor headers", function()
    local client = answering({ body = MESSAGE }, { api_key = false })
    assert.equal("Hello!", assert(client.messages.create(params())):text())
  end)

  it("is a stream", function()
    for _, headers in ipairs { { ["Content-Type"] = "text/event-stream" }, {} } do
      local client = answering { status = 200, headers = headers, body = STREAM }
      local texts = {}
      for text in assert(client.messages.stream(params())):text_deltas() do
        texts[#texts + 1] = text
      end
      assert.same({ "Hel", "lo!" }, texts)
      assert.equal("Hello!", assert(client.messages.create(params())):text())
    end
  end)

  it("is a stream that breaks off", function()
    local client = answering { headers = { ["content-type"] = "text/event-stream" }, body = STREAM:sub(1, -40) }
    local message, err = client.messages.create(params())
    assert.is_nil(message)
    assert.equal("truncated", err.kind)
    assert.equal("Hello!", err.partial:text())
  end)

  it("is that of any method", function()
    local client = answering { body = '{"data":[{"id":"a"}],"has_more":false,"input_tokens":3}' }
    assert.equal(3, assert(client.messages.count_tokens(params())).input_tokens)
    assert.equal("a", assert(client.models.list()).data[1].id)
    assert.equal(3, assert(client:request { path = "/v1/x" }).input_tokens)
    assert.equal('{"data"', assert(client:request { path = "/v1/x", binary = true }):sub(1, 7))
  end)

  it("goes into a file", function()
    local client = answering { body = "bytes" }
    local directory = directories.new()
    local result = assert(client.files.download("f", { path = directory:path "f" }))
    assert.equal(5, result.bytes)
    assert.equal("bytes", directory:read "f")
    directory:remove()
  end)

  it("is an error, which is retried as any", function()
    local calls = 0
    local client = service.client(nil, { max_retries = 2, middleware = { function(request)
      calls = calls + 1
      assert.equal(calls, request.attempt)
      return {
        status = calls < 3 and 529 or 400, headers = { ["retry-after-ms"] = "1" },
        body = '{"type":"error","error":{"type":"overloaded_error","message":"Busy"}}',
      }
    end } })
    local message, err = client.messages.create(params())
    assert.is_nil(message)
    assert.equal("api", err.kind)
    assert.equal("Busy", err.message)
    assert.same({ 400, 3, 3 }, { err.status, err.attempts, calls })
    assert.equal(529, err.history[1].status)
  end)

  it("may be what came, in other words", function()
    local client = client_of({ HELLO, HELLO }, { function(_, send)
      local response = assert(send())
      response.body = response.body:gsub("Hello!", "Goodbye!")
      response.headers["request-id"] = "mine"
      return response
    end })
    local message = assert(client.messages.create(params()))
    assert.equal("Goodbye!", message:text())
    assert.equal("mine", message.response.request_id)
    assert.equal(1, message.response.attempts)
  end)

  it("may be a stream with other headers", function()
    local client = client_of({ testing.stream { text = "Hello!" } }, { function(_, send)
      local response = assert(send())
      response.headers["x-mine"] = "yes"
      return response
    end })
    local stream = assert(client.messages.stream(params()))
    assert.equal("yes", stream.response.headers["x-mine"])
    assert.equal("Hello!", assert(stream:message()):text())
  end)

  describe("that has header names which are no tokens", function()
    local ODD = { { "X@y", "2" }, { "X-Paren(1)", "1" }, { "x-gr\195\188n", "ja" }, { "request-id", "r1" } }
    local body = testing.message { text = "Hello!" }
    local server

    local function fields_by(middleware, count)
      server = service.serve { { body = body.body, headers = ODD } }
      local client = service.client(server, { middleware = { middleware } })
      local message
      for _ = 1, count or 1 do
        message = assert(client.messages.create(params()))
      end
      assert.equal("Hello!", message:text())
      local fields = message.response.headers
      assert.same({ "2", "1", "ja" }, { fields["x@y"], fields["X-Paren(1)"], fields["x-gr\195\188n"] })
      return fields
    end

    it("keeps them", function()
      fields_by(function(_, send) return send() end)
      assert.equal("mine", fields_by(function(_, send)
        local response = assert(send())
        response.headers["Request-Id"] = "mine"
        return response
      end)["request-id"])
    end)

    it("keeps them in a copy, and with another body", function()
      fields_by(function(_, send)
        local response = assert(send())
        local copy = {}
        for name, value in pairs(response.headers) do
          copy[name] = value
        end
        return { status = response.status, headers = copy, body = response.body .. "\n" }
      end)
    end)

    it("keeps them in a cache", function()
      local kept
      fields_by(function(_, send)
        if not kept then
          local response = assert(send())
          kept = { headers = response.headers, body = response.body }
        end
        return kept
      end, 2)
      assert.equal(1, #server:requests())
    end)

    it("has those checked that the middleware adds", function()
      local client = client_of({ { body = body.body, headers = ODD } }, { function(_, send)
        local response = assert(send())
        response.headers["a b"] = "c"
        return response
      end })
      local message, err = client.messages.create(params())
      assert.is_nil(message)
      assert.equal('middleware: headers["a b"]: not a header name', err.message)
    end)
  end)

  it("has its headers changed whatever the case of their names", function()
    local busy = testing.error { status = 529, headers = { ["retry-after"] = "30", ["x-other"] = "1" } }
    local seen
    local function setting(value)
      local client = client_of({ busy, HELLO }, { function(_, send)
        local response = assert(send())
        response.headers["Retry-After"] = value
        return response
      end }, { max_retries = 1, on_retry = function(info) seen = info end })
      assert.equal("Hello!", assert(client.messages.create(params())):text())
      return seen.delay, seen.error.headers["retry-after"]
    end
    assert.same({ 0.01, "0.01" }, { setting "0.01" })
    local delay, value = setting(nil)
    assert.is_true(delay <= 0.5)
    assert.is_nil(value)
  end)

  it("may be a copy of a stream that is still coming", function()
    local client, server = client_of({ testing.stream { text = "Hello!" } }, { function(_, send)
      local r = assert(send())
      return { status = r.status, headers = r.headers, body = r.body }
    end, function(_, send)
      local r = assert(send())
      local copy = { ["x-mine"] = "yes" }
      for name, value in pairs(r.headers) do
        copy[name] = value
      end
      return { headers = copy }
    end }, { max_retries = 2 })
    local stream = assert(client.messages.stream(params()))
    assert.equal("yes", stream.response.headers["x-mine"])
    assert.equal("Hello!", assert(stream:message()):text())
    assert.equal(1, #server:requests())
  end)

  it("is not an earlier stream than the last", function()
    for _, choose in ipairs {
      function(first) return first end,
      function(first) return { status = first.status, headers = first.headers } end,
    } do
      local client, server = client_of({ testing.stream { text = "Hello!" } }, { function(_, send)
        local first = assert(send())
        assert(send())
        return choose(first)
      end }, { max_retries = 2 })
      local stream, err = client.messages.stream(params())
      assert.is_nil(stream)
      assert.equal("invalid_request", err.kind)
      assert.equal("middleware: returned a stream or a download of another send than its last", err.message)
      assert.equal(2, #server:requests())
    end
  end)

  it("may come of a second request", function()
    local client, server = client_of({ testing.error { status = 500 }, HELLO }, { function(_, send)
      local response = assert(send())
      return response.status == 500 and send() or response
    end })
    local message = assert(client.messages.create(params()))
    assert.equal("Hello!", message:text())
    assert.equal(2, message.response.attempts)
    assert.equal(2, #server:requests())
  end)

  it("is refused where it is none", function()
    for _, response in ipairs {
      "text", { status = 20 }, { status = "200" }, { status = 200.5 }, { body = {} }, { headers = "x" },
      { headers = { ["x-a"] = "b\r\nc" } }, true,
    } do
      local message, err = answering(response, { max_retries = 2 }).messages.create(params())
      assert.is_nil(message)
      assert.equal("invalid_request", err.kind)
      assert.truthy(err.message:find("middleware", 1, true))
    end
  end)
end)

describe("an error of a middleware", function()
  local function failing(f, options)
    local calls = 0
    options = options or {}
    options.middleware = { function(...)
      calls = calls + 1
      return f(...)
    end }
    local message, err = service.client(nil, options).messages.create(params())
    assert.is_nil(message)
    return err, calls
  end

  it("is the request's, raised or returned", function()
    for _, f in ipairs {
      function() error("no vault", 0) end,
      function() return nil, "no vault" end,
    } do
      local err, calls = failing(f, { max_retries = 2 })
      assert.equal("invalid_request", err.kind)
      assert.equal("middleware: no vault", err.message)
      assert.equal(1, calls)
    end
    assert.truthy(failing(function() end).message:find("neither", 1, true))
    assert.truthy(failing(function() return false end).message:find("neither", 1, true))
  end)

  it("may be one of this library", function()
    for _, fail in ipairs { error, function(err) return nil, err end } do
      local given = require("anthropic.base.error").new { kind = "api", message = "no", status = 418 }
      assert.equal(given, (failing(function() return fail(given) end)))
    end
    local err = failing(function() return nil, { kind = "protocol", message = "odd" } end)
    assert.equal("anthropic: protocol error: odd", tostring(err))
  end)

  it("may be one of a kind that passes", function()
    local calls = 0
    local err = failing(function()
      calls = calls + 1
      return nil, { kind = "connection", message = "no way" }
    end, { max_retries = 1 })
    assert.same({ "connection", 2, 2 }, { err.kind, err.attempts, calls })
  end)

  it("may say its status and its wait as a header has them", function()
    local given = { kind = "api", status = "429", retry_after = "0.001", message = "slow down" }
    local err, calls = failing(function() return nil, given end, { max_retries = 1 })
    assert.same({ "api", 429, 0.001, 2 }, { err.kind, err.status, err.retry_after, calls })
  end)

  it("may be that of another request", function()
    local other = service.client { url = "http://127.0.0.1:" .. service.refusing_port() }
    local err = failing(function() return nil, select(2, other.messages.create(params())) end)
    assert.equal("connection", err.kind)
    assert.equal(1, err.attempts)
    assert.equal(1, #err.history)
  end)

  it("that an answer follows is none", function()
    local client = service.client({ url = "http://127.0.0.1:" .. service.refusing_port() }, {
      middleware = { function(_, send)
        local response = send()
        return response or { body = '{"input_tokens":1}' }
      end },
    })
    assert.equal(1, assert(client.messages.count_tokens(params())).input_tokens)
  end)
end)

describe("with a middleware, what on_log raises", function()
  for _, event in ipairs { "request", "response", "body" } do
    it(("is raised, of %q, and the request ends"):format(event), function()
      for _, middleware in ipairs {
        function(_, send) return send() end,
        function(request, send)
          send(request)
          return send(request)
        end,
      } do
        local client = client_of({ HELLO }, { middleware }, { max_retries = 2, on_log = function(record)
          if record.event == event then
            error("raised of " .. event, 0)
          end
        end })
        local ok, raised = pcall(client.messages.create, params())
        assert.is_false(ok)
        assert.equal("raised of " .. event, raised)
      end
    end)
  end

  it("is raised where nothing is sent", function()
    local client = service.client(nil, {
      middleware = { function() return { body = "{}" } end },
      on_log = function() error("raised", 0) end,
    })
    assert.same({ false, "raised" }, { pcall(client.messages.create, params()) })
  end)
end)

describe("all that sends goes through middleware:", function()
  it("uploads, whose body it does not see", function()
    local seen = {}
    local client, server = client_of({ { body = { id = "f" } } }, { noting(seen) })
    assert(client.files.upload { file = { data = "bytes", filename = "x.txt" } })
    assert.is_nil(seen[1].request.body)
    assert.truthy(server:requests()[1].body:find("bytes", 1, true))
  end)

  it("uploads, whose length it cannot change", function()
    for name, value in pairs { ["content-length"] = { 0, false, 5 }, ["transfer-encoding"] = { false, "gzip" } } do
      for _, each in ipairs(value) do
        local client, server = client_of({ { body = { id = "f" } } }, { function(request, send)
          request.headers[name] = each
          return send()
        end })
        local file, err = client.files.upload { file = { data = "bytes", filename = "x.txt" } }
        assert.is_nil(file)
        assert.equal("invalid_request", err.kind)
        assert.matches(name, err.message, 1, true)
        assert.same({}, server:requests())
      end
    end
  end)

  it("downloads, whose answer goes to the file", function()
    local seen = {}
    local client = client_of({ { body = "bytes" }, { body = "bytes" } }, { noting(seen) })
    local directory = directories.new()
    assert(client.files.download("f", { path = directory:path "f" }))
    assert.is_nil(seen[1].response.body)
    directory:remove()
    assert.equal("bytes", assert(client.files.download "f"))
    assert.equal("bytes", seen[2].response.body)
  end)

  it("every page", function()
    local seen = {}
    local client = client_of({
      { body = { data = { { id = "a" } }, has_more = true, last_id = "a" } },
      { body = { data = { { id = "b" } }, has_more = false, last_id = "b" } },
    }, { noting(seen) })
    local ids = {}
    local page = assert(client.models.list())
    repeat
      ids[#ids + 1] = page.data[1].id
      page = page:next_page()
    until not page
    assert.same({ "a", "b" }, ids)
    assert.equal(2, #seen)
  end)

  it("the results of a batch, which come line by line", function()
    local seen = {}
    local result = '{"custom_id":"a","result":{"type":"canceled"}}\n'
    local client = client_of({
      { body = { id = "b", processing_status = "ended", results_url = "/v1/messages/batches/b/results" } },
      { headers = { ["content-type"] = "application/x-jsonl" }, body = result },
    }, { noting(seen) })
    local results = assert(client.messages.batches.results "b")
    assert.equal("a", assert(results:next()).custom_id)
    assert.is_nil(seen[2].response.body)
  end)
end)

describe("a middleware that waits", function()
  it("lets others go on", function()
    local client = client_of({ HELLO, HELLO }, { function(_, send)
      anthropic.sleep(0.03)
      return send()
    end })
    local ends = {}
    anthropic.run(function()
      local task = anthropic.spawn(function()
        assert(client.messages.create(params()))
        ends[#ends + 1] = "request"
      end)
      anthropic.sleep(0)
      ends[#ends + 1] = "other"
      task:join()
    end)
    assert.same({ "other", "request" }, ends)
  end)

  it("may send requests of its own", function()
    local client
    local inner = 0
    client = client_of({ HELLO, HELLO }, { function(_, send)
      inner = inner + 1
      if inner == 1 then
        assert(client.messages.create(params()))
      end
      return send()
    end })
    anthropic.run(function()
      assert(client.messages.create(params()))
    end)
    assert.equal(2, inner)
  end)

  it("sends nothing once its attempt has ended", function()
    local late
    local client, server = client_of({ HELLO }, { function(_, send)
      late = send
      return send()
    end })
    assert(client.messages.create(params()))
    local response, err = late()
    assert.is_nil(response)
    assert.equal("middleware: its send was called after the attempt had ended", err.message)
    assert.equal(1, #server:requests())
  end)

  it("has one send at a time under way", function()
    local client, server = client_of({ HELLO }, { function(_, send)
      local one, two = anthropic.spawn(send), anthropic.spawn(send)
      local response, err = one:join()
      local none, refused = two:join()
      assert.is_nil(none)
      assert.equal("middleware: its send is already under way: call it again once it has returned", refused.message)
      return response, err
    end })
    anthropic.run(function()
      assert.equal("Hello!", assert(client.messages.create(params())):text())
    end)
    assert.equal(1, #server:requests())
  end)

  it("may send again after another middleware has raised", function()
    local calls = 0
    local client = client_of({ HELLO }, { function(_, send)
      pcall(send)
      return send()
    end, function(_, send)
      calls = calls + 1
      return calls == 1 and error("once", 0) or send()
    end })
    assert.equal("Hello!", assert(client.messages.create(params())):text())
  end)

  for _, case in ipairs {
    { "before its headers", { body = { input_tokens = 1 }, delay = 0.2 } },
    { "within its body", {
      headers = { ["content-type"] = "application/json" },
      events = { { raw = '{"input_' }, { raw = 'tokens":1}', delay = 0.2 } },
    } },
  } do
    it("may leave what it has sent and answer itself, " .. case[1], function()
      local left, err
      local client, server = client_of({ case[2] }, { function(_, send)
        anthropic.spawn(function() left, err = send() end)
        anthropic.sleep(0.05)
        return { body = '{"input_tokens":7}' }
      end })
      anthropic.run(function()
        local counted = assert(client.messages.count_tokens(params()))
        assert.equal(7, counted.input_tokens)
        assert.equal(1, counted.response.attempts)
      end)
      assert.is_nil(left)
      assert.equal("cancelled", err.kind)
      assert.equal(1, #server:requests())
    end)
  end

  it("may leave what it has sent and fail", function()
    local errs, calls = {}, 0
    local client = client_of({ { body = { input_tokens = 1 }, delay = 0.1 } }, { function(_, send)
      calls = calls + 1
      if calls == 2 then
        return send()
      end
      anthropic.spawn(function() errs[1] = select(2, send()) end)
      anthropic.sleep(0.02)
      return nil, { kind = "connection", message = "too slow" }
    end }, { max_retries = 1 })
    anthropic.run(function()
      assert.equal(1, assert(client.messages.count_tokens(params())).input_tokens)
    end)
    assert.equal("cancelled", errs[1].kind)
  end)

  it("sends nothing after its attempt has ended while a credential was waited for", function()
    local err
    local client, server = client_of({ HELLO }, { function(_, send)
      anthropic.spawn(function() err = select(2, send()) end)
      anthropic.sleep(0.01)
      return { body = '{"input_tokens":7}' }
    end }, { auth_token = function()
      anthropic.sleep(0.05)
      return "token"
    end })
    anthropic.run(function()
      assert.equal(7, assert(client.messages.count_tokens(params())).input_tokens)
    end)
    assert.equal("cancelled", err.kind)
    assert.equal(0, #server:requests())
  end)

  it("is cancelled with its task", function()
    local client, server = client_of({ HELLO }, { function(_, send)
      anthropic.sleep(60)
      return send()
    end })
    anthropic.run(function()
      local message, err
      local task = anthropic.spawn(function() message, err = client.messages.create(params()) end)
      anthropic.sleep(0.01)
      task:cancel()
      task:join()
      assert.is_nil(message)
      assert.truthy(err == nil or err.kind == "cancelled")
    end)
    assert.equal(0, #server:requests())
  end)

  it("sends nothing once its client is closed", function()
    local client, server = client_of({ HELLO }, { function(_, send)
      anthropic.sleep(0.02)
      return send()
    end })
    anthropic.run(function()
      local task = anthropic.spawn(function() return client.messages.create(params()) end)
      anthropic.sleep(0)
      client:close()
      local message, err = task:join()
      assert.is_nil(message)
      assert.equal("cancelled", err.kind)
    end)
    assert.equal(0, #server:requests())
  end)
end)
