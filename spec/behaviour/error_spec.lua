-- What comes of answers that are no message: refusals, broken bodies, cuts, errors inside a stream.
-- Nothing is retried here; see retry_spec, and for broken connections and answers faults_spec.

local anthropic = require "anthropic"
local extent = require "spec.support.extent"
local service = require "spec.support.service"
local testing = require "anthropic.testing"

local params = service.params

local HTML = "<html>\n<body><h1>Bad\r\ngateway</h1></body>\n</html>"

-- What every error after a sent request has.
local function check_common(err, kind, expected)
  expected = expected or {}
  assert.equal(kind, err.kind, tostring(err))
  assert.equal("string", type(err.message))
  assert.equal(1, err.attempts)
  assert.equal(1, #err.history)
  local attempt = err.history[1]
  assert.equal(kind, attempt.kind)
  assert.is_true(attempt.seconds >= 0 and attempt.seconds < 20)
  assert.equal(0, attempt.waited)
  for name, value in pairs(expected) do
    assert.equal(value, err[name], name)
  end
  assert.equal(err.headers and err.headers["request-id"], err.headers and err.request_id)
  local line = tostring(err)
  assert.is_nil(line:find("[\r\n]"), line)
  assert.truthy(line:find(kind, 1, true), line)
  for _, name in ipairs { "type", "status", "request_id" } do
    assert.truthy(err[name] == nil or line:find(tostring(err[name]), 1, true), line)
  end
end

-- Reads an answer whole, asked for as a stream or not: a message, or nil and the error.
local function ask(client, streamed, options)
  local result, err = client.messages.create(params { stream = streamed }, options)
  if not result or not streamed then
    return result, err
  end
  return result:message()
end

-- Each answer of the script, asked for as it is and streamed.
local function each(script, check, options)
  for _, streamed in ipairs { false, true } do
    local client = service.client(service.serve(script), options)
    for i = 1, #script do
      local message, err = ask(client, streamed)
      assert.is_nil(message, "answer " .. i)
      assert.is_not_nil(err, "answer " .. i)
      check(err, i, streamed)
    end
  end
end

describe("a failure", function()
  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  describe("by a status of 400 and above", function()
    local types = {
      [400] = "invalid_request_error", [401] = "authentication_error", [402] = "billing_error",
      [403] = "permission_error", [404] = "not_found_error", [405] = "invalid_request_error",
      [408] = "timeout_error", [409] = "conflict_error", [413] = "request_too_large",
      [418] = "invalid_request_error", [422] = "invalid_request_error", [429] = "rate_limit_error",
      [500] = "api_error", [501] = "api_error", [502] = "api_error", [503] = "api_error",
      [504] = "timeout_error", [529] = "overloaded_error", [599] = "api_error",
    }
    local statuses = {}
    for status in pairs(types) do
      statuses[#statuses + 1] = status
    end
    table.sort(statuses)

    local function each_status(make_answer, check)
      local script = {}
      for i, status in ipairs(statuses) do
        script[i] = make_answer(status)
        script[i].status = status
      end
      each(script, function(err, i)
        check_common(err, "api", { status = statuses[i] })
        assert.is_nil(err.in_stream)
        assert.is_nil(err.partial)
        check(err, statuses[i], i)
      end)
    end

    it("has the API's words", function()
      each_status(function(status)
        return testing.error {
          status = status, type = "word_of_" .. status, message = "no\n" .. status, request_id = "req_1",
        }
      end, function(err, status)
        assert.equal("word_of_" .. status, err.type)
        assert.equal("no\n" .. status, err.message)
        assert.equal("req_1", err.request_id)
        assert.equal("application/json", err.headers["content-type"])
        assert.equal("application/json", err.headers["Content-Type"])
        assert.equal("error", anthropic.decode(err.body).type)
      end)
    end)

    it("has the type that its status stands for, where the body is HTML", function()
      each_status(function()
        return { body = HTML, headers = { ["Content-Type"] = "text/html" } }
      end, function(err, status, i)
        assert.equal(types[status], err.type)
        assert.equal("HTTP " .. status, err.message)
        assert.equal(HTML, err.body)
        assert.matches("^req_test_" .. i .. "$", err.request_id)
      end)
    end)

    it("has it where the body is empty", function()
      each_status(function() return { body = "" } end, function(err, status)
        assert.equal(types[status], err.type)
        assert.equal("", err.body)
      end)
    end)

    it("takes the shapes of other servers", function()
      local bodies = {
        { '{"error":{"message":"no","type":"bad_key","param":null,"code":"x"}}', "no", "bad_key" },
        { '{"error":{"message":"no","type":null,"code":"x"}}', "no", "authentication_error" },
        { '{"error":{"code":401}}', "HTTP 401", "authentication_error" },
        { '{"error":"no"}', "no", "authentication_error" },
        { '{"error":true,"message":"no"}', "no", "authentication_error" },
        { '{"message":"no"}', "no", "authentication_error" },
        { '{"detail":"no"}', "no", "authentication_error" },
        { '{"detail":[{"loc":["body"]}]}', "HTTP 401", "authentication_error" },
        { '{"detail":[{"loc":["body","n",0],"msg":"no"}]}', "body.n.0: no", "authentication_error" },
        { '{"type":"error"}', "HTTP 401", "authentication_error" },
        { '{"type":"error","error":{"type":5,"message":{}}}', "HTTP 401", "authentication_error" },
        { '{"type":"error","error":null}', "HTTP 401", "authentication_error" },
        { "[]", "HTTP 401", "authentication_error" },
        { "[1]", "HTTP 401", "authentication_error" },
        { "null", "HTTP 401", "authentication_error" },
        { '"no"', "no", "authentication_error" },
        { "5", "HTTP 401", "authentication_error" },
        { '{"error":{"message":"no"', '{"error":{"message":"no"', "authentication_error" },
        { '{"error":{"message":"\255"}}', "\239\191\189", "authentication_error" },
      }
      local script = {}
      for i, case in ipairs(bodies) do
        script[i] = { status = 401, body = case[1] }
      end
      each(script, function(err, i)
        check_common(err, "api", { status = 401, message = bodies[i][2], type = bodies[i][3], body = bodies[i][1] })
      end)
    end)

    it("keeps a body of 10 MB, and no more of it than max_response_bytes", function()
      local large = ("0123456789abcdef"):rep(625000)
      local answer = { status = 500, body = large }
      each({ answer }, function(err)
        check_common(err, "api", { status = 500, message = large:sub(1, 300) .. "..." })
        assert.is_true(err.body == large)
      end)
      local message = large:sub(1, 100000)
      each({ { status = 400, body = '{"error":{"message":"' .. message .. '"}}' } }, function(err)
        check_common(err, "api", { status = 400 })
        assert.is_true(err.message == message)
      end)
      each({ answer }, function(err)
        check_common(err, "api", { status = 500 })
        assert.equal(1000, #err.body)
      end, { max_response_bytes = 1000 })
    end)

    it("has the request ID of the body, or of another header", function()
      local server = service.serve {
        { status = 400, headers = { ["request-id"] = false }, body = { error = {}, request_id = "req_body" } },
        { status = 400, headers = { ["request-id"] = false, ["x-request-id"] = "req_other" }, body = "" },
        { status = 400, headers = { ["request-id"] = false }, body = "" },
      }
      local client = service.client(server)
      for _, expected in ipairs { "req_body", "req_other", false } do
        local _, err = client.messages.create(params())
        assert.equal(expected or nil, err.request_id)
      end
    end)

    it("says how long the server asked to wait", function()
      local server = service.serve {
        testing.error { status = 429, retry_after = 7 },
        { status = 429, headers = { ["retry-after-ms"] = "1500", ["retry-after"] = "9" } },
        { status = 429 },
      }
      local client = service.client(server)
      for _, expected in ipairs { 7, 1.5, false } do
        local _, err = client.messages.create(params())
        assert.equal(expected or nil, err.retry_after)
      end
    end)

    it("says what the headers say of limits", function()
      local server = service.serve {
        { status = 429, headers = { ["anthropic-ratelimit-requests-remaining"] = "0" } }, { status = 429 },
      }
      local client = service.client(server)
      local _, limited = client.messages.create(params())
      assert.same({ requests = { remaining = 0 } }, limited.rate_limit)
      local _, other = client.messages.create(params())
      assert.is_nil(other.rate_limit)
    end)

    it("stands when the body is cut, and when it never ends", function()
      local refused = testing.error { status = 400, message = "no" }
      refused.cut_after = 10
      local endless = testing.error { status = 400, message = "no" }
      endless.hang_after = 10
      each({ refused, endless }, function(err)
        check_common(err, "api", { status = 400, type = "invalid_request_error" })
        assert.equal(10, #err.body)
      end, { timeout = { idle = 0.3 } })
    end)

    it("is not followed by what a stream would be", function()
      local client = service.client(service.serve {
        status = 503, headers = { ["Content-Type"] = "text/event-stream" },
        events = testing.stream({ text = "Hello" }).events,
      })
      local stream, err = client.messages.stream(params())
      assert.is_nil(stream)
      check_common(err, "api", { status = 503 })
    end)
  end)

  describe("by a redirect", function()
    it("is not followed to another server, and names both places", function()
      local script = {}
      for i, status in ipairs { 300, 301, 302, 303, 304, 307, 308 } do
        script[i] = { status = status, headers = { Location = "http://127.0.0.1:1/elsewhere" } }
      end
      local server = service.serve(script)
      local client = service.client(server)
      for _, answer in ipairs(script) do
        local message, err = client.messages.create(params())
        assert.is_nil(message)
        check_common(err, "api", { status = answer.status })
        assert.is_nil(err.type)
        assert.equal(("HTTP %d: %s/v1/messages redirects to http://127.0.0.1:1/elsewhere (not followed)"):format(
          answer.status, server.url), err.message)
      end
      assert.equal(#script, #server:requests())
    end)
  end)

  describe("by a success that is not a message", function()
    it("is a protocol error with the body", function()
      local script = {}
      local bodies = {
        HTML, "[]", "[1]", "null", "5", "true", '"Hello"', "{}", "", "  \n", "{", '{"type":"message"',
        '{"type":"message"}', '{"type":"message","content":[5]}',
        '{"role":"assistant","content":null}', '{"choices":[]}', '{"choices":[5]}', '{"choices":"x"}',
        '{"type":"message_batch","id":"b"}', '{"content":[{"type":"text","text":"Hello"}]}',
      }
      for i, body in ipairs(bodies) do
        script[i] = { body = body }
      end
      script[#script + 1] = { body = HTML, headers = { ["Content-Type"] = "text/html; charset=utf-8" } }
      bodies[#bodies + 1] = HTML
      each(script, function(err, i)
        check_common(err, "protocol", { status = 200, body = bodies[i] })
        assert.is_nil(err.type)
        assert.is_nil(err.partial)
      end)
    end)

    it("is one for 204 and other statuses without a body", function()
      local script = { { status = 204 }, { status = 205, body = "" }, { status = 202, body = "" } }
      each(script, function(err, i)
        check_common(err, "protocol", { status = script[i].status })
      end)
      each({ { status = 204, headers = { ["Content-Type"] = false } } }, function(err)
        check_common(err, "protocol", { status = 204 })
      end)
    end)

    it("is the API's error where it is an error object", function()
      local script = {
        { body = '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}' },
        { body = '{"error":{"type":"strange_error","message":"Strange"}}' },
        { body = '{"error":"no"}' },
        { body = '{"type":"error"}' },
      }
      local expected = {
        { status = 529, type = "overloaded_error", message = "Overloaded" },
        { status = 200, type = "strange_error", message = "Strange" },
        { status = 200, message = "no" },
        { status = 200 },
      }
      each(script, function(err, i)
        check_common(err, "api", expected[i])
        assert.is_nil(err.message:find "nil")
      end)
    end)

    it("is one for a stream of another content type", function()
      for _, kind in ipairs { "text/plain", "application/octet-stream", false } do
        local client = service.client(service.serve { body = HTML, headers = { ["Content-Type"] = kind } })
        local message, err = ask(client, true)
        assert.is_nil(message)
        check_common(err, "protocol", { status = 200 })
      end
    end)

    it("is a truncated stream where it says that it is one", function()
      for _, body in ipairs { "", "\n\n\n", ": comment\n\n", "event: message_start\n\n" } do
        local client = service.client(service.serve {
          body = body, headers = { ["Content-Type"] = "text/event-stream" },
        })
        for _, streamed in ipairs { true, false } do
          local message, err = ask(client, streamed)
          assert.is_nil(message)
          check_common(err, "truncated", { status = 200 })
          assert.is_nil(err.partial)
        end
      end
    end)

    it("is a protocol error with the body where it is no stream, though it says that it is one", function()
      for _, body in ipairs { HTML, "Bad gateway", "null", '{"a":1}\n{"a":2}\n', "\0\1\255" } do
        local client = service.client(service.serve {
          body = body, headers = { ["Content-Type"] = "text/event-stream" },
        })
        for _, streamed in ipairs { true, false } do
          local message, err = ask(client, streamed)
          assert.is_nil(message)
          check_common(err, "protocol", { status = 200, body = body })
        end
      end
    end)

    it("is no failure where only the content type is wrong", function()
      local answer = testing.stream { text = "Hello!" }
      answer.headers = { ["Content-Type"] = "text/plain" }
      assert.equal("Hello!", assert(ask(service.client(service.serve(answer)), true)):text())
      answer = testing.message { text = "Hello!" }
      answer.headers = { ["Content-Type"] = "text/html" }
      local client = service.client(service.serve(answer))
      assert.equal("Hello!", assert(ask(client, false)):text())
      assert.equal("Hello!", assert(ask(client, true)):text())
    end)

    it("is one above max_response_bytes, and none at it", function()
      local body = '{"type":"message","role":"assistant","content":[{"type":"text","text":"Hello!"}]}'
      local client = service.client(service.serve { body = body })
      assert.equal("Hello!", assert(ask(client, false, { max_response_bytes = #body })):text())
      local message, err = ask(client, false, { max_response_bytes = #body - 1 })
      assert.is_nil(message)
      check_common(err, "protocol", { status = 200 })
      assert.matches("larger than " .. #body - 1 .. " bytes", err.message)
    end)
  end)

  describe("by an answer that breaks off", function()
    it("in its body keeps what came of it", function()
      local server = service.serve(testing.message { text = "Hello", cut_after = 20 })
      local message, err = service.client(server).messages.create(params())
      assert.is_nil(message)
      check_common(err, "truncated", { status = 200 })
      assert.equal(20, #err.body)
      assert.equal("{", err.body:sub(1, 1))
    end)
  end)

  describe("of the connection", function()
    it("is told where the URL cannot be used", function()
      for _, url in ipairs { "http://127.0.0.1:99999", "http://[::1" } do
        local message, err = service.client(nil, { base_url = url }).messages.create(params())
        assert.is_nil(message)
        check_common(err, "connection")
      end
    end)

    it("is told where the server speaks no HTTP", function()
      local script = {
        { raw = "SSH-2.0-OpenSSH_9.2\r\n" },
        { raw = "HTTP/9.9 200 OK\r\n\r\n" },
        { raw = "\0\1\2\3" },
        { raw = "<html>Hello</html>" },
        { raw = "HTTP/1.1 abc OK\r\n\r\n" },
        { raw = "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}" },
        { raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}" },
      }
      each(script, function(err)
        assert.is_true(err.kind == "connection" or err.kind == "truncated" or err.kind == "protocol", tostring(err))
        check_common(err, err.kind)
      end)
    end)
  end)

  describe("inside a stream", function()
    local function start_event()
      return testing.stream({ text = "x" }).events[1]
    end

    -- A stream whose text is "one two", and then these events.
    local function after_content(...)
      local events = {
        start_event(),
        { data = { type = "content_block_start", index = 0, content_block = { type = "text", text = "" } } },
        { data = { type = "content_block_delta", index = 0, delta = { type = "text_delta", text = "one two" } } },
      }
      for _, data in ipairs { ... } do
        events[#events + 1] = { data = data }
      end
      return { events = events }
    end

    local function open(answer, options)
      return assert(service.client(service.serve(answer), options).messages.stream(params()))
    end

    it("by an error event has its type, the type's status and the text so far", function()
      for name, status in pairs {
        invalid_request_error = 400, authentication_error = 401, billing_error = 402, permission_error = 403,
        not_found_error = 404, conflict_error = 409, request_too_large = 413, rate_limit_error = 429,
        api_error = 500, timeout_error = 504, overloaded_error = 529,
      } do
        local stream = open(testing.stream { text = "one two", error = { type = name, message = "No.\nNo!" } })
        local message, err = stream:message()
        assert.is_nil(message)
        check_common(err, "api", { type = name, status = status, message = "No.\nNo!", in_stream = true })
        assert.equal("one two", err.partial:text())
        assert.equal("msg_test", err.partial.id)
        assert.equal(name, anthropic.decode(err.body).error.type)
      end
    end)

    it("by an error event of unknown type has no status", function()
      local _, err = open(testing.stream { text = "one", error = { type = "strange_error", message = "?" } }):message()
      check_common(err, "api", { type = "strange_error", message = "?", in_stream = true })
      assert.is_nil(err.status)
    end)

    it("has the request ID of the event", function()
      local answer = after_content(
        '{"type":"error","error":{"type":"api_error","message":"No."},"request_id":"req_of_event"}')
      answer.headers = { ["request-id"] = false }
      local _, err = open(answer):message()
      assert.equal("req_of_event", err.request_id)
    end)

    it("by an error event before the content comes from the stream, not from create", function()
      local stream = open {
        events = { start_event(), { event = "error", data = '{"type":"error","error":{"type":"api_error"}}' } },
      }
      local event, err = stream:next()
      assert.is_nil(event)
      check_common(err, "api", { type = "api_error", status = 500, in_stream = true })
      assert.is_nil(err.message:find "nil")
      assert.equal("", err.partial:text())
    end)

    it("takes the shapes of other servers' error events", function()
      for data, words in pairs {
        ['{"error":{"message":"no","type":"server_error","code":500}}'] = "no",
        ['{"error":"no"}'] = "no",
        ['{"type":"error","message":"no"}'] = "no",
        ['{"error":{"message":"no"}}'] = "no",
        ['{"type":"error"}'] = "the server sent an error without a message",
      } do
        local _, err = open(after_content(data)):message()
        check_common(err, "api", { message = words, in_stream = true })
        assert.equal("one two", err.partial:text())
      end
      local answer = after_content()
      answer.events[4] = { event = "error", data = '{"message":"no"}' }
      local _, err = open(answer):message()
      check_common(err, "api", { message = "no", in_stream = true })
    end)

    it("by data that is no event is a protocol error with the data", function()
      for _, data in ipairs { "not JSON", "{", "[]", "5", '"text"', "true", '{"type":"ping"} {}' } do
        local _, err = open(after_content(data)):message()
        check_common(err, "protocol", { status = 200, body = data })
        assert.equal("one two", err.partial:text())
      end
    end)

    it("by an event named error is the server's, whatever its data is", function()
      for data, words in pairs {
        ["not JSON"] = "not JSON", ['"text"'] = "text", ["null"] = "the server sent an error without a message",
      } do
        local answer = after_content()
        answer.events[4] = { event = "error", data = data }
        local _, err = open(answer):message()
        check_common(err, "api", { body = data, message = words, in_stream = true })
        assert.equal("one two", err.partial:text())
      end
    end)

    it("by a malformed event is a protocol error, with what came before", function()
      for _, data in ipairs {
        '{"type":"content_block_start","index":1,"content_block":5}',
        '{"type":"content_block_start","index":1,"content_block":[5]}',
        '{"type":"content_block_delta","index":0,"delta":5}',
        '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":true}}',
        '{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":{"a":1}}}',
        '{"type":"message_delta","delta":"x"}',
        '{"type":"message_start","message":"x"}',
        '{"type":"message_start","message":{"content":[5]}}',
      } do
        local _, err = open(after_content(data)):message()
        check_common(err, "protocol", { status = 200 })
        assert.matches("malformed", err.message, data)
        assert.equal("one two", err.partial:text(), data)
      end
    end)

    it("is none by what is unknown", function()
      local stream = open(after_content(
        '{"type":"event_of_tomorrow","index":"x"}', '{"type":"ping"}', "{}", '{"a":1}',
        '{"type":"content_block_delta","index":0,"delta":{"type":"delta_of_tomorrow","text":5}}',
        '{"type":"content_block_stop","index":7}', '{"type":"content_block_stop"}',
        '{"type":"message_delta","delta":{"stop_reason":"end_turn"}}', '{"type":"message_stop"}'
      ))
      assert.equal("one two", assert(stream:message()):text())
    end)

    it("is none by a block whose text is no string: it has digits, or no text", function()
      local stream = open(after_content(
        '{"type":"content_block_start","index":1,"content_block":{"type":"text","text":5}}',
        '{"type":"content_block_start","index":2,"content_block":{"type":"text","text":true}}',
        '{"type":"message_delta","delta":{"stop_reason":"end_turn"}}', '{"type":"message_stop"}'
      ))
      local texts = {}
      for text in stream:text_deltas() do
        texts[#texts + 1] = text
      end
      assert.same({ "one two", "5" }, texts)
      assert.equal("one two5", assert(stream:message()):text())
    end)

    it("by an event above max_event_bytes is a protocol error, and none at it", function()
      local data = '{"type":"ping","padding":"' .. ("x"):rep(1000) .. '"}'
      local ends = { '{"type":"message_delta","delta":{}}', '{"type":"message_stop"}' }
      local answer = after_content(data, ends[1], ends[2])
      assert.equal("one two", assert(open(answer, { max_event_bytes = #data }):message()):text())
      local _, err = open(answer, { max_event_bytes = #data - 1 }):message()
      check_common(err, "protocol", { status = 200 })
      assert.matches("larger than " .. #data - 1 .. " bytes", err.message)
      assert.equal("one two", err.partial:text())
    end)

    it("is the same error however the stream is read afterwards", function()
      local stream = open(testing.stream { text = "one two", error = { type = "api_error", message = "No." } })
      local event, err
      repeat
        event, err = stream:next()
      until not event
      assert.equal("api", err.kind)
      for _ = 1, 2 do
        local again, same = stream:next()
        assert.is_nil(again)
        assert.is_true(rawequal(err, same))
        again, same = stream:message()
        assert.is_nil(again)
        assert.is_true(rawequal(err, same))
        local ok, raised = pcall(function()
          for _ in stream do end
        end)
        assert.is_false(ok)
        assert.is_true(rawequal(err, raised))
        ok, raised = pcall(function()
          for _ in stream:text_deltas() do end
        end)
        assert.is_false(ok)
        assert.is_true(rawequal(err, raised))
        stream:close()
      end
      assert.equal("one two", stream:snapshot():text())
      assert.equal("anthropic.Stream (failed)", tostring(stream))
    end)

    it("is raised by the iterators, after what came", function()
      local answer = testing.stream { text = "one two", error = { type = "overloaded_error", message = "No." } }
      local texts = {}
      local ok, raised = pcall(function()
        for text in open(answer):text_deltas() do
          texts[#texts + 1] = text
        end
      end)
      assert.is_false(ok)
      assert.equal(529, raised.status)
      assert.equal("one two", table.concat(texts))
      local count = 0
      ok, raised = pcall(function()
        for _ in open(answer) do
          count = count + 1
        end
      end)
      assert.is_false(ok)
      assert.equal(529, raised.status)
      assert.equal(#answer.events - 1, count)
    end)

    it("is one of kind cancelled after close", function()
      local stream = open(testing.stream { text = "one two three", delay_between = 0.05 })
      assert(stream:next())
      stream:close()
      stream:close()
      local event, err = stream:next()
      assert.is_nil(event)
      check_common(err, "cancelled")
      assert.equal("msg_test", err.partial.id)
    end)
  end)

  describe("of any shape", function()
    local values = { "null", "5", '"x"', "true", "[]", "{}", "[5]", '{"a":1}', '["x"]' }

    -- Every text that is `json` with one of its values replaced.
    local function mutations(json)
      local found = {}
      local function walk(value, rebuild)
        for _, other in ipairs(values) do
          found[#found + 1] = rebuild(anthropic.raw(other))
        end
        if type(value) == "table" then
          for key, member in pairs(value) do
            walk(member, function(new)
              local copy = getmetatable(value) and setmetatable({}, getmetatable(value)) or {}
              for name, item in pairs(value) do
                copy[name] = item
              end
              copy[key] = new
              return rebuild(copy)
            end)
          end
        end
      end
      walk(assert(anthropic.decode(json)), function(new)
        return assert(anthropic.encode(new))
      end)
      return found
    end

    local function use(message)
      message:text()
      message:thinking()
      message:tool_uses()
      for _, choice in ipairs(message.choices or {}) do
        choice:text()
      end
      anthropic.encode { messages = { message } }
    end

    local function check_all(script, streamed)
      local tried = {}
      for i = 1, #script, extent(1, 3) do
        tried[#tried + 1] = script[i]
      end
      local client = service.client(service.serve(tried))
      for i, answer in ipairs(tried) do
        local ok, message, err = pcall(ask, client, streamed)
        local body = answer.body or answer.events[#answer.events].data
        assert.is_true(ok, tostring(message) .. "\n" .. tostring(body) .. "\nanswer " .. i)
        if message then
          local fine, reason = pcall(use, message)
          assert.is_true(fine, tostring(reason) .. "\n" .. tostring(body))
        else
          assert.equal("string", type(err.kind))
          assert.is_nil(tostring(err):find "\n")
        end
      end
    end

    local whole = '{"id":"msg_1","type":"message","role":"assistant","model":"m","stop_reason":"tool_use",'
      .. '"usage":{"input_tokens":1},"content":[{"type":"thinking","thinking":"Hm.","signature":"s"},'
      .. '{"type":"text","text":"a","citations":[{"type":"x"}]},'
      .. '{"type":"tool_use","id":"t","name":"n","input":{"a":1}}]}'
    local completion = '{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,'
      .. '"message":{"role":"assistant","content":"a","reasoning_content":"b","refusal":"c","tool_calls":'
      .. '[{"id":"t","type":"function","function":{"name":"n","arguments":"{}"}}]},"finish_reason":"stop"}],'
      .. '"usage":{"prompt_tokens":9,"completion_tokens":12,"prompt_tokens_details":{"cached_tokens":3},'
      .. '"completion_tokens_details":{"reasoning_tokens":2}}}'

    for name, json in pairs { message = whole, ["chat completion"] = completion } do
      it("never raises by a " .. name, function()
        local script = {}
        for i, text in ipairs(mutations(json)) do
          script[i] = { body = text }
        end
        check_all(script, false)
        check_all(script, true)
      end)
    end

    -- A stream of the events, with each in turn replaced by its mutations, cut after it and whole.
    local function streams(events)
      local script = {}
      for i, event in ipairs(events) do
        for _, text in ipairs(mutations(event)) do
          local mutated = {}
          for j, other in ipairs(events) do
            mutated[j] = { data = j == i and text or other }
          end
          mutated[#mutated + 1] = { data = "[DONE]" }
          script[#script + 1] = { events = mutated }
        end
      end
      return script
    end

    it("never raises by a stream of events", function()
      check_all(streams {
        '{"type":"message_start","message":{"id":"m","role":"assistant","content":[{"type":"text","text":"a"}],'
          .. '"usage":{"input_tokens":1}}}',
        '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"a","citations":[]}}',
        '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"b"}}',
        '{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{"a":1}}}',
        '{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"n","input":{}}}',
        '{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{}"}}',
        '{"type":"content_block_start","index":2,"content_block":{"type":"fallback","to":{"model":"x"}}}',
        '{"type":"content_block_delta","index":2,"delta":{"type":"delta_of_tomorrow","to":"b","x":"y"}}',
        '{"type":"content_block_stop","index":0}',
        '{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}',
        '{"type":"message_stop"}',
      }, true)
    end)

    it("never raises by a stream of chunks", function()
      check_all(streams {
        '{"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"role":"assistant",'
          .. '"content":"a","reasoning_content":"b","refusal":"c"},"finish_reason":null}]}',
        '{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t","type":"function",'
          .. '"function":{"name":"n","arguments":"{"}}]}},{"index":1,"delta":{"content":"d"}}]}',
        '{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]},'
          .. '"finish_reason":"tool_calls"}]}',
        '{"id":"c","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":12,'
          .. '"prompt_tokens_details":{"cached_tokens":3},"completion_tokens_details":{"reasoning_tokens":2}}}',
      }, true)
    end)
  end)

  describe("in the log", function()
    it("is told once", function()
      for _, answer in ipairs {
        testing.error { status = 400 },
        testing.stream { text = "one", error = { type = "api_error", message = "No." } },
        { body = "no message" },
      } do
        local errors = {}
        local client = service.client(service.serve(answer), {
          on_log = function(record)
            if record.event == "error" then
              errors[#errors + 1] = record
            end
          end,
        })
        for _, streamed in ipairs { false, true } do
          errors = {}
          local _, err = ask(client, streamed)
          assert.equal(1, #errors)
          assert.same({
            event = "error", level = "error", attempt = 1, error = tostring(err), method = "POST", url = err.url,
            status = err.status, request_id = err.request_id,
          }, errors[1])
        end
      end
    end)
  end)
end)
