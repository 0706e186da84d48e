-- Errors as gateways, relays and other providers send them: with a status, in a whole 200, as a stream's first
-- event and in its middle. Each is one row, with what comes of it.

local service = require "spec.support.service"
local testing = require "anthropic.testing"

local params = service.params

-- Each: what the server sends; what it comes to in a 200, where its own status is not there to tell; `retried` where
-- that status is worth it. `name` is the event's: such a row is of streams only.
local ROWS = {
  -- the API's own, wrapped, unwrapped and named only
  { '{"type":"error","error":{"type":"overloaded_error","message":"No."}}', type = "overloaded_error", status = 529,
    retried = true },
  { '{"type":"error","error":{"type":"not_found_error","message":"No."}}', type = "not_found_error", status = 404 },
  { '{"type":"overloaded_error","message":"No."}', type = "overloaded_error", status = 529, retried = true },
  { '{"type":"overloaded_error","message":"No."}', type = "overloaded_error", status = 529, retried = true,
    name = "error" },
  { '{"message":"No."}', name = "error" },
  { '{"code":503,"message":"No."}', name = "error", type = "api_error", status = 503, retried = true },
  { "No.\nMore of it.", message = "No.", name = "error" },
  { '"No."', name = "error" },
  { "Overloaded", message = "Overloaded", name = "error", type = "overloaded_error", status = 529, retried = true },
  { '{"message":"No."}', name = "throttlingException", type = "throttlingException", status = 429, retried = true },
  -- OpenAI, and those who speak like it
  { '{"error":{"message":"No.","type":"server_error","param":null,"code":null}}', type = "server_error", status = 500,
    retried = true },
  { '{"error":{"message":"No.","type":"requests","param":null,"code":"rate_limit_exceeded"}}', type = "requests",
    status = 429, retried = true },
  { '{"error":{"message":"No.","type":"insufficient_quota","code":"insufficient_quota"}}', type = "insufficient_quota",
    status = 429 },
  { '{"error":{"message":"No.","type":"invalid_request_error","code":"context_length_exceeded"}}',
    type = "invalid_request_error", status = 400 },
  { '{"error":{"message":"No.","type":"invalid_request_error","code":"invalid_api_key"}}',
    type = "invalid_request_error", status = 400 },
  { '{"error":{"message":"No.","type":"None","param":"None","code":"500"}}', type = "api_error", status = 500,
    retried = true },
  { '{"error":{"object":"error","message":"No.","type":"BadRequestError","param":null,"code":400}}',
    type = "BadRequestError", status = 400 },
  { '{"object":"error","message":"No.","type":"BadRequestError","param":null,"code":400}', type = "BadRequestError",
    status = 400 },
  { '{"error":{"code":429,"message":"No."}}', type = "rate_limit_error", status = 429, retried = true },
  { '{"error":{"code":"429","message":"No."}}', type = "rate_limit_error", status = 429, retried = true },
  { '{"error":{"code":502,"message":"No.","metadata":{"provider_name":"x"}}}', type = "api_error", status = 502,
    retried = true },
  { [[{"error":{"code":400,"message":"Provider returned error",]]
    .. [["metadata":{"raw":"{\"error\":{\"message\":\"No.\"}}"}}}]],
    message = "Provider returned error: No.", type = "invalid_request_error", status = 400 },
  { '{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":""},'
    .. '"finish_reason":"error","error":{"code":502,"message":"No."}}]}', type = "api_error", status = 502,
    retried = true },
  { '{"id":"c","choices":[],"error":{"code":429,"message":"No."}}', type = "rate_limit_error", status = 429,
    retried = true },
  { '{"id":"c","choices":[{"index":0,"delta":{"content":"more"}}],"error":{"message":"No.","code":503}}',
    type = "api_error", status = 503, retried = true },
  { '{"error":{"message":"No.","type":"new_api_error","code":"model_not_found"}}', type = "new_api_error",
    status = 404 },
  { [[{"error":{"message":"{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"No.\"}}",]]
    .. [["type":"upstream_error"}}]], type = "overloaded_error", status = 529, retried = true },
  { '{"error":{"error":{"type":"rate_limit_error","message":"No."}}}', type = "rate_limit_error", status = 429,
    retried = true },
  -- Google
  { '{"error":{"code":503,"message":"No.","status":"UNAVAILABLE"}}', type = "api_error", status = 503, retried = true },
  { '[{"error":{"code":400,"message":"No.","status":"INVALID_ARGUMENT"}}]', type = "invalid_request_error",
    status = 400 },
  { '{"error":{"message":"No.","status":"RESOURCE_EXHAUSTED"}}', type = "rate_limit_error", status = 429,
    retried = true },
  -- AWS and Azure
  { '{"message":"No."}' },
  { '{"Message":"No."}' },
  { '{"__type":"com.amazon.coral#ThrottlingException","message":"No."}', type = "ThrottlingException", status = 429,
    retried = true },
  { '{"statusCode":429,"message":"No."}', type = "rate_limit_error", status = 429, retried = true },
  -- others
  { '{"error":"No."}' },
  { '{"error":["No.","And no."]}', message = "No.; And no." },
  { '{"error":"insufficient_quota","message":"No."}', type = "insufficient_quota", status = 429 },
  { '{"error":"Internal Server Error"}', message = "Internal Server Error", type = "api_error", status = 500,
    retried = true },
  { '{"error":"No.","error_type":"overloaded"}', type = "overloaded", status = 529, retried = true },
  { '{"error_code":17,"error_msg":"No."}' },
  { '{"error_message":"No.","choices":[]}' },
  { '{"errorCode":"503","errorMessage":"No."}', type = "api_error", status = 503, retried = true },
  { '{"code":500,"message":"No."}', type = "api_error", status = 500, retried = true },
  { '{"code":401,"msg":"No.","data":null}', type = "authentication_error", status = 401 },
  { '{"code":"Throttling.RateQuota","message":"No.","request_id":"r"}', type = "rate_limit_error", status = 429,
    retried = true },
  { '{"base_resp":{"status_code":1002,"status_msg":"No."},"choices":null}', type = "rate_limit_error", status = 429,
    retried = true },
  { '{"object":"chat.completion.chunk","choices":[{"index":0,"delta":{}}],"x_groq":{"id":"r","error":"No."}}' },
  { '{"success":false,"errors":[{"code":10000,"message":"No."}],"messages":[],"result":null}' },
  { '{"status":"error","message":"No."}' },
  { '{"event":"error","status":400,"code":"invalid_param","message":"No."}', type = "invalid_request_error",
    status = 400 },
  { '{"detail":"No."}' },
  { '{"detail":[{"type":"missing","loc":["body","model"],"msg":"No."}]}', message = "body.model: No." },
  { '{"detail":{"error":{"type":"overloaded_error","message":"No."}}}', type = "overloaded_error", status = 529,
    retried = true },
  { '{"type":"about:blank","title":"Wrong","status":400,"errors":{"model":["No."]}}', message = "Wrong: model: No.",
    type = "invalid_request_error", status = 400 },
  { '{"title":"Error 522","status":522,"detail":"No.","retryable":true}', message = "Error 522: No.",
    type = "api_error", status = 522, retried = true },
  { '{"title":"Error 525","status":525,"detail":"No.","retryable":false}', message = "Error 525: No.",
    type = "api_error", status = 525 },
}

-- Rows that an answer of that kind can be.
local function rows(is_stream)
  local found = {}
  for _, row in ipairs(ROWS) do
    found[#found + 1] = (is_stream or not row.name) and row or nil
  end
  return found
end

local NO_WAIT = { ["retry-after-ms"] = "1" }

local function whole(row, status)
  return { body = row[1], status = status, headers = NO_WAIT }
end

local BEGINNING = {
  { data = '{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[]}}' },
}

local CONTENT = {
  { data = '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}' },
  { data = '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"One"}}' },
}

local CHUNKS = {
  { data = '{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"One"}}]}' },
}

-- A stream of the lists of events, one after the other, and then the row's; it is the end, or [DONE] is.
local function streamed(row, ...)
  local events = {}
  for _, list in ipairs { ... } do
    for _, event in ipairs(list) do
      events[#events + 1] = event
    end
  end
  events[#events + 1] = { event = row.name, data = row[1] }
  events[#events + 1] = { data = "[DONE]" }
  return { events = events, headers = NO_WAIT }
end

local function ask(client, is_stream)
  local result, err = client.messages.create(params { stream = is_stream })
  if not result or not is_stream then
    return result, err
  end
  return result:message()
end

-- Plays an answer for each row, and has the error of each checked.
local function play(list, make_answer, is_stream, check)
  local script = {}
  for i, row in ipairs(list) do
    script[i] = make_answer(row)
  end
  local client = service.client(service.serve(script))
  for _, row in ipairs(list) do
    local message, err = ask(client, is_stream)
    assert.is_nil(message, row[1])
    assert.equal("api", err.kind, row[1] .. " " .. tostring(err))
    assert.equal(row.message or "No.", err.message, row[1])
    assert.equal(row[1], err.body)
    check(row, err)
  end
end

describe("an error of another server", function()
  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  it("in a whole 200 has its words, its type and the status that it means", function()
    play(rows(), whole, false, function(row, err)
      assert.equal(row.type, err.type, row[1])
      assert.equal(row.status or 200, err.status, row[1])
      assert.is_nil(err.in_stream)
    end)
  end)

  it("in a whole 200 where a stream was asked for has them too", function()
    play(rows(), whole, true, function(row, err)
      assert.equal(row.type, err.type, row[1])
      assert.equal(row.status or 200, err.status, row[1])
    end)
  end)

  for name, before in pairs {
    ["first in a stream"] = {}, ["after a message's start"] = { BEGINNING }, ["after text"] = { BEGINNING, CONTENT },
    ["after a chunk"] = { CHUNKS },
  } do
    it(name .. " has them too, with what came before", function()
      play(rows(true), function(row)
        return streamed(row, before[1] or {}, before[2] or {})
      end, true, function(row, err)
        assert.equal(row.type, err.type, row[1])
        assert.equal(row.status, err.status, row[1])
        assert.is_true(err.in_stream)
        local has_text = before[1] == CHUNKS or before[2] ~= nil
        assert.equal(has_text and "One" or nil, err.partial and has_text and err.partial:text() or nil, row[1])
      end)
    end)
  end

  -- Under the status 418.
  local function check_418(row, err)
    assert.equal(418, err.status)
    local is_from_status = row.type == nil or require("anthropic.base.error").type_of_status(row.status) == row.type
      and not row[1]:find(row.type, 1, true)
    assert.equal(is_from_status and "invalid_request_error" or row.type, err.type, row[1])
  end

  it("with a status of its own keeps that, and has its words", function()
    play(rows(), function(row)
      return whole(row, 418)
    end, false, check_418)
  end)

  it("has its words also where its status stands over an event stream", function()
    local list = {}
    for i, row in ipairs(rows(true)) do
      local event = (row.name and "event: " .. row.name .. "\n" or "") .. "data: " .. row[1]:gsub("\n", "\ndata: ")
      list[i] = {
        ": connected\n\n" .. event .. (i % 2 == 0 and "\n\ndata: [DONE]\n\n" or ""),
        message = row.message, type = row.type, status = row.status,
      }
    end
    play(list, function(row)
      return { body = row[1], status = 418, headers = { ["content-type"] = "text/event-stream" } }
    end, true, check_418)
  end)

  for name, play_row in pairs {
    ["a whole 200"] = { whole, false, testing.message { text = "Hello" } },
    ["the beginning of a stream"] = {
      function(row) return streamed(row, BEGINNING) end, true, testing.stream { text = "Hello" },
    },
  } do
    it("in " .. name .. " is retried where its status is, and nothing else says that it is no use", function()
      local script, list = {}, rows(play_row[2])
      for _, row in ipairs(list) do
        script[#script + 1] = play_row[1](row)
        script[#script + 1] = row.retried and play_row[3] or nil
      end
      local server = service.serve(script)
      local client = service.client(server, { max_retries = 1 })
      for _, row in ipairs(list) do
        local message, err = ask(client, play_row[2])
        assert.equal(row.retried and "Hello" or nil, message and message:text(), row[1] .. " " .. tostring(err))
        assert.equal(row.retried and 2 or 1, (message and message.response or err).attempts, row[1])
      end
      assert.equal(#script, #server:requests())
    end)
  end

  local FORMS = {
    ["without an empty line"] = "data: %s\n", ["without a line's end"] = "data: %s",
    ["as a bare line"] = "%s\n\n", ["as a bare line before an end mark"] = "%s\n\ndata: [DONE]\n\n",
    ["as bare text at the end"] = "%s", ["in a field `error`, before an end mark"] = "error: %s\n\ndata: [DONE]\n\n",
    ["in a field `error` at the end"] = "error:%s", ["in a bare list before an end mark"] = "[%s]\n\ndata: [DONE]\n\n",
  }
  for name, form in pairs(FORMS) do
    it("at the end of a stream is one " .. name, function()
      local list, script = {}, {}
      for _, row in ipairs(rows()) do
        if row[1]:find "^{" and not row[1]:find '"choices"' then
          list[#list + 1] = row
        end
      end
      for i, row in ipairs(list) do
        local before = {}
        for _, event in ipairs(i % 2 == 0 and CHUNKS or { BEGINNING[1], CONTENT[1], CONTENT[2] }) do
          before[#before + 1] = "data: " .. event.data .. "\n\n"
        end
        script[i] = { headers = { ["content-type"] = "text/event-stream" },
          body = table.concat(before) .. form:gsub("%%s", function() return row[1] end) }
      end
      local client = service.client(service.serve(script), { max_retries = 0 })
      for _, row in ipairs(list) do
        local message, err = ask(client, true)
        assert.is_nil(message, row[1])
        assert.equal("api", err.kind, row[1] .. " " .. tostring(err))
        assert.equal(row.message or "No.", err.message, row[1])
        assert.equal("One", err.partial:text())
      end
    end)
  end

  it("after text is not retried", function()
    local server = service.serve(streamed(ROWS[1], BEGINNING, CONTENT))
    local _, err = ask(service.client(server, { max_retries = 2 }), true)
    assert.equal(529, err.status)
    assert.equal(1, #server:requests())
  end)

  it("is retried, or not, where x-should-retry says so", function()
    local server = service.serve {
      { body = '{"error":{"type":"insufficient_quota","message":"No."}}',
        headers = { ["x-should-retry"] = "true", ["retry-after-ms"] = "1" } },
      testing.message { text = "Hello" },
      { body = '{"error":{"code":429,"message":"No."}}', headers = { ["x-should-retry"] = "false" } },
    }
    local client = service.client(server, { max_retries = 1 })
    assert.equal("Hello", assert(ask(client)):text())
    local _, err = ask(client)
    assert.equal(1, err.attempts)
  end)

  it("has the wait that its body asks for, where no header says how long", function()
    local delays = {}
    local server = service.serve {
      { status = 522, body = '{"title":"No.","status":522,"retry_after":0.02}' },
      { status = 429, body = '{"error":{"code":429,"details":[{"retryDelay":"0.03s"}]}}' },
      testing.message { text = "Hello" },
      { status = 522, body = '{"title":"No.","retry_after":120}', headers = { ["retry-after"] = "7" } },
      { status = 522, body = '{"title":"No.","retry_after":301}' },
    }
    local client = service.client(server, { max_retries = 2, on_retry = function(info)
      delays[#delays + 1] = info.delay
    end })
    assert.equal("Hello", assert(ask(client)):text())
    assert.same({ 0.02, 0.03 }, delays)
    client = service.client(server)
    local _, err = ask(client)
    assert.equal(7, err.retry_after)
    _, err = ask(client)
    assert.equal(301, err.retry_after)
  end)

  it("is told by the page that a proxy sends", function()
    local pages = {
      { "upstream connect error or disconnect/reset before headers. reset reason: overflow\n" },
      { "error code: 524", "error code: 524" },
      { "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><hr>nginx</body></html>", "502 Bad Gateway" },
      { "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>", "Access Denied" },
      { "", "HTTP 503" },
      { "\0\1\2", "HTTP 503" },
    }
    local script = {}
    for i, page in ipairs(pages) do
      script[i] = { status = 503, body = page[1], headers = { ["Content-Type"] = "text/plain" } }
    end
    local client = service.client(service.serve(script))
    for _, page in ipairs(pages) do
      local _, err = ask(client)
      assert.equal(503, err.status)
      assert.equal(page[2] or page[1]:match "[^\n]*", err.message)
    end
  end)

  it("names the URL that was asked where there is nothing, without query and credentials", function()
    local server = service.serve {
      { status = 404, body = "<html><title>404</title></html>" },
      { status = 404, body = '{"detail":"Not Found"}' },
      testing.error { status = 404, message = "No." },
      { status = 400, body = '{"detail":"No."}' },
    }
    local client = service.client(server)
    for _, words in ipairs { "404", "Not Found", "No." } do
      local _, err = client:request { method = "POST", path = "/v1/v1/messages", query = { key = service.KEY } }
      assert.equal(words, err.message)
      assert.equal(server.url .. "/v1/v1/messages", err.url)
      assert.equal(" at " .. err.url, tostring(err):sub(-#err.url - 4))
    end
    local _, err = ask(client)
    assert.equal(server.url .. "/v1/messages", err.url)
    assert.is_nil(tostring(err):find(err.url, 1, true))
  end)

  it("shows no credential that it echoes, however it writes it", function()
    local escaped = service.KEY:gsub("%d", function(digit) return "\\u003" .. digit end)
    for _, is_stream in ipairs { false, true } do
      local row = { ('{"error":{"type":"%s","message":"key %s","details":{"key":"%s"}},"request_id":"%s"}')
        :format(escaped, escaped, escaped, escaped) }
      local client = service.client(service.serve(is_stream and streamed(row) or whole(row)))
      local _, err = ask(client, is_stream)
      assert.equal("key [redacted]", err.message)
      assert.equal("[redacted]", err.type)
      assert.same({ key = "[redacted]" }, err.details)
      assert.is_nil(tostring(err):find(service.KEY, 1, true))
    end
  end)
end)

describe("no error", function()
  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  it("is an answer beside whose text an empty error, a code of success or an error's name stands", function()
    local bodies = {
      '{"type":"message","role":"assistant","content":[{"type":"text","text":"Hello"}],"error":null}',
      '{"type":"message","role":"assistant","content":[{"type":"text","text":"Hello"}],"error":{},"code":200}',
      '{"choices":[{"message":{"content":"Hello"}}],"error":null}',
      '{"choices":[{"message":{"content":"Hello"}}],"error":{}}',
      '{"choices":[{"message":{"content":"Hello"}}],"error":""}',
      '{"choices":[{"message":{"content":"Hello"}}],"error":false,"success":true}',
      '{"choices":[{"message":{"content":"Hello"},"error":null}],"base_resp":{"status_code":0,"status_msg":""}}',
      '{"choices":[{"message":{"content":"Hello"}}],"error_code":0,"error_msg":"ok"}',
      '{"choices":[{"message":{"content":"Hello"}}],"error":{"code":0,"message":"success"}}',
      '{"choices":[{"message":{"content":"Hello"}}],"code":0,"message":"ok","status":200}',
      '{"choices":[{"message":{"content":"Hello"}}],"detail":"of what","title":"x"}',
    }
    local script = {}
    for i, body in ipairs(bodies) do
      script[i] = { body = body }
    end
    for _, is_stream in ipairs { false, true } do
      local client = service.client(service.serve(script))
      for _, body in ipairs(bodies) do
        local message, err = ask(client, is_stream)
        assert.equal("Hello", message and message:text(), body .. " " .. tostring(err))
      end
    end
  end)

  it("is an event of the API, or one of tomorrow, whatever its members are called", function()
    local events = testing.stream({ text = "Hello" }).events
    for _, event in ipairs {
      { event = "ping", data = '{"type":"ping","message":"x","error":null}' },
      { event = "ping", data = '{"message":"x"}' },
      { event = "status", data = '{"message":"queued","status":"waiting"}' },
      { data = '{"status":"queued","message":"position 3"}' },
      { data = '{"code":0,"message":"ok"}' },
      { data = '{"type":"event_of_tomorrow","code":500,"message":"x","error":{"message":"x"}}' },
      { data = '{"type":"event_of_tomorrow","error":"x"}' },
      { data = "{}" },
    } do
      table.insert(events, #events - 1, event)
    end
    local client = service.client(service.serve { events = events })
    local message, err = ask(client, true)
    assert.equal("Hello", message and message:text(), tostring(err))
  end)

  it("is what was asked for by client:request, unless it calls itself one", function()
    local bodies = {
      '{"message":"pong"}', '{"detail":"of it"}', '{"status":"error","code":500}', '{"id":"a","title":"x"}',
      '{"id":"r","object":"response","status":"failed","error":{"code":"server_error"}}', '[{"id":"a","message":"x"}]',
    }
    local script = {}
    for i, body in ipairs(bodies) do
      script[i] = { body = body }
    end
    script[#script + 1] = { body = '{"error":{"code":429,"message":"No."}}' }
    local client = service.client(service.serve(script))
    for _, body in ipairs(bodies) do
      assert.is_table((client:request { path = "/things" }), body)
    end
    local _, err = client:request { path = "/things" }
    assert.equal(429, err.status)
  end)

  it("is a list, a count or a result of a batch", function()
    local client = service.client(service.serve {
      { body = '{"data":[{"type":"model","id":"a"},{"type":"model","id":"b","message":"retired"}],"has_more":false}' },
      { body = '{"input_tokens":9}' },
      { body = '{"detail":"No."}' },
    })
    assert.equal(2, #assert(client.models.list()).data)
    assert.equal(9, assert(client.messages.count_tokens(params())).input_tokens)
    local page, err = client.models.list()
    assert.is_nil(page)
    assert.equal("api", err.kind)
    assert.equal("No.", err.message)
  end)
end)
