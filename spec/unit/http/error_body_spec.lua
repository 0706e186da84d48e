-- What the body of an error comes to: type, status, message and the rest, wherever a server puts them.

local error_body = require "anthropic.http.error_body"

local function same(text)
  return text
end

local function read(body, name)
  return error_body.read(body, same, name)
end

-- Asserts that a body says what is expected, of `fields` and no other.
local function check(body, expected, fields, name)
  local said = read(body, name)
  for field in fields:gmatch "%S+" do
    assert.equal(expected[field], said[field], body .. " " .. field)
  end
end

describe("the body of an error", function()
  for _, case in ipairs {
    -- the body, type, status
    { '{"type":"error","error":{"type":"overloaded_error"}}', "overloaded_error", 529 },
    { '{"type":"error","error":{"type":"error","error":{"type":"overloaded_error"}}}', "overloaded_error", 529 },
    { '{"error":{"type":"server_error","code":null}}', "server_error", 500 },
    { '{"error":{"type":"server_error","code":503}}', "server_error", 503 },
    { '{"error":{"type":"server_error"},"code":503}', "server_error", 503 },
    { '{"error":{"type":"new_api_error","code":"model_not_found"}}', "new_api_error", 404 },
    { '{"error":{"type":"None","code":"429"}}', nil, 429 },
    { '{"error":{"type":"","code":"rate_limit_exceeded"}}', nil, 429 },
    { '{"error":{"code":503,"status":"UNAVAILABLE"}}', nil, 503 },
    { '{"error":{"status":"INVALID_ARGUMENT"}}', nil, 400 },
    { '{"error":{"code":10000}}', nil, nil },
    { '{"error":{"code":"x"}}', nil, nil },
    { '{"error":{"grpc_code":14,"http_code":503}}', nil, 503 },
    { '{"error":{"type":"strange_error"}}', "strange_error", nil },
    { '{"error":{"type":5,"code":true,"status":{}}}', nil, nil },
    { '{"error":"insufficient_quota"}', "insufficient_quota", 429 },
    { '{"error":"Internal Server Error"}', nil, 500 },
    { '{"error":"no"}', nil, nil },
    { '{"error":503}', nil, 503 },
    { '{"error":"Model is overloaded","error_type":"overloaded"}', "overloaded", 529 },
    { '{"error":[{"type":"overloaded_error"},{"type":"api_error"}]}', "overloaded_error", 529 },
    { '[{"error":{"code":400,"status":"INVALID_ARGUMENT"}}]', nil, 400 },
    { '{"object":"error","type":"BadRequestError","code":400}', "BadRequestError", 400 },
    { '{"type":"overloaded_error","message":"no"}', "overloaded_error", 529 },
    { '{"type":"https://x/y","title":"no","status":422}', nil, 422 },
    { '{"type":"about:blank","title":"no"}', nil, nil },
    { '{"Error":{"Code":"Throttling","Message":"no"}}', nil, 429 },
    { '{"Code":"InvalidApiKey","Message":"no"}', nil, 401 },
    { '{"err":{"code":503}}', nil, 503 },
    { '{"__type":"com.amazon.coral#ThrottlingException"}', "ThrottlingException", 429 },
    { '{"statusCode":429,"message":"no"}', nil, 429 },
    { '{"message":"Too Many Requests"}', nil, 429 },
    { '{"message":"no"}', nil, nil },
    { '{"base_resp":{"status_code":1002}}', nil, 429 },
    { '{"base_resp":{"status_code":503}}', nil, 503 },
    { '{"choices":[{"error":{"code":502}}]}', nil, 502 },
    { '{"choices":[{"delta":{}}],"x_groq":{"id":"req_1","error":"Internal Server Error"}}', nil, 500 },
    { '{"type":"chat.completion.chunk","error":{"code":502}}', nil, 502 },
    { '{"detail":[{"type":"missing","loc":["body"],"msg":"no"}]}', nil, nil },
    { '{"detail":{"error":{"type":"overloaded_error"}}}', "overloaded_error", 529 },
    { '{"type":"message_start","message":{"type":"error","error":{"type":"api_error"}}}', "api_error", 500 },
    { [[{"error":{"type":"upstream_error","message":"{\"error\":{\"type\":\"overloaded_error\"}}"}}]],
      "overloaded_error", 529 },
    { [[{"error":{"code":400,"metadata":{"raw":"{\"error\":{\"type\":\"rate_limit_error\",\"code\":429}}"}}}]],
      "rate_limit_error", 400 },
    { [["{\"error\":{\"type\":\"overloaded_error\"}}"]], "overloaded_error", 529 },
    { '"Overloaded"', nil, 529 },
    { "Overloaded", nil, 529 },
    { "no", nil, nil },
    { "", nil, nil }, { "null", nil, nil }, { "[]", nil, nil }, { "5", nil, nil }, { "[[[]]]", nil, nil },
  } do
    it(("says its type and its status: %s"):format(case[1]), function()
      check(case[1], { type = case[2], status = case[3] }, "type status")
    end)
  end

  it("has a type that is an identifier of the API, or any word, but not what stands there otherwise", function()
    for _, word in ipairs {
      "error", "message", "null", "chat.completion", "a/b", "a\nb", (" "):rep(3), ("x"):rep(101),
    } do
      local quoted = word:gsub("\n", "\\n")
      assert.is_nil(read('{"error":{"type":"' .. quoted .. '"}}').type)
    end
    assert.equal("Any words", read('{"error":{"type":"Any words"}}').type)
  end)

  it("goes by the event's name where it says no type", function()
    check('{"message":"no"}', { type = "throttlingException", status = 429 }, "type status", "throttlingException")
    check('{"type":"api_error"}', { type = "api_error", status = 500 }, "type status", "throttlingException")
    check('{"message":"no"}', {}, "type status", "error")
    check('{"message":"no"}', {}, "type status", "completion")
  end)

  for _, case in ipairs {
    { '{"retry_after":120}', 120 }, { '{"error":{"retry_after":"1.5"}}', 1.5 }, { '{"retryAfter":3}', 3 },
    { '{"retry_after_ms":1500,"retry_after":9}', 1.5 }, { '{"retry_after":0}', nil }, { '{"retry_after":-1}', nil },
    { '{"retry_after":"soon"}', nil }, { '{"retry_after":[1]}', nil }, { '{"retry_after":1e999}', nil },
    { '{"error":{"details":[{"@type":"x"},{"@type":"y","retryDelay":"17.5s"}]}}', 17.5 },
    { '{"error":{"details":[{"retryDelay":"s"},5]}}', nil }, { '{"error":{"details":"17s"}}', nil },
  } do
    it(("says how long to wait: %s"):format(case[1]), function()
      assert.equal(case[2], read(case[1]).retry_after)
    end)
  end

  it("may say that asking again will not help", function()
    for _, body in ipairs {
      '{"retryable":false}', '{"error":{"retryable":false}}', '{"error":{"code":"insufficient_quota"}}',
      '{"error":{"type":"rate_limit_error","details":{"error_code":"enforced_spend_limit_reached"}}}',
    } do
      assert.is_false(read(body).retryable)
    end
    for _, body in ipairs { '{"retryable":true}', '{"retryable":"false"}', '{"retryable":null}', "{}", "no" } do
      assert.is_nil(read(body).retryable)
    end
  end)

  it("has the ID of the request", function()
    for body, id in pairs {
      ['{"request_id":"a","error":{}}'] = "a", ['{"error":{"requestId":"a"}}'] = "a", ['{"RequestId":"a"}'] = "a",
      ['{"request_id":7}'] = false, ['{"request_id":" "}'] = false,
      ['{"request_id":"a","error":{"request_id":"b"}}'] = "b",
    } do
      assert.equal(id or nil, read(body).request_id)
    end
  end)

  it("has details", function()
    assert.same({ a = { 1 } }, read('{"error":{"details":{"a":[1]}}}').details)
    assert.equal("x", read('{"error":{"message":"no","details":"x"}}').details)
    assert.is_nil(read('{"error":{"details":null}}').details)
  end)

  it("has for its words a code that is one, where it has no other", function()
    assert.equal("model_not_found", read('{"error":{"code":"model_not_found"}}').message)
    assert.is_nil(read('{"error":{"code":401}}').message)
    assert.is_nil(read('{"error":{"type":"api_error"}}').message)
  end)

  it("holds no secret, also in JSON inside JSON", function()
    local function redact(text)
      return (text:gsub("secret", "***"))
    end
    local inner = [[{\"error\":{\"message\":\"\\u0073ecret\",\"type\":\"a_secret\"}}]]
    local said = error_body.read('{"error":{"message":"' .. inner .. '","details":{"a":"\\u0073ecret"}}}', redact)
    assert.same({ message = "***", type = "a_***", details = { a = "***" } }, said)
    assert.equal("a ***", error_body.read("a secret", redact).message)
  end)

  it("never raises, whatever stands where", function()
    local values = {
      "null", "5", '"x"', "true", "[]", "{}", "[5]", '{"a":1}', '["x"]', '[[{"error":[]}]]', '"{}"', '"["',
    }
    for _, name in ipairs {
      "error", "message", "msg", "detail", "title", "errors", "code", "status", "type", "base_resp", "choices",
      "metadata", "details", "retry_after", "retryable", "request_id", "loc", "field",
    } do
      for _, value in ipairs(values) do
        for _, form in ipairs { '{"%s":%s}', '{"error":{"%s":%s}}', '[{"%s":%s}]', '{"errors":[{"%s":%s,"msg":"a"}]}',
          '{"choices":[{"%s":%s}]}', '{"base_resp":{"status_code":1,"%s":%s}}' } do
          local body = form:format(name, value)
          local said = read(body)
          assert.is_true(said.message == nil or type(said.message) == "string", body)
          assert.is_true(said.status == nil or said.status >= 400 and said.status <= 599, body)
        end
      end
    end
  end)

  it("may be an event stream", function()
    local over = '{"type":"error","error":{"type":"overloaded_error","message":"Over"}}'
    local expected = { type = "overloaded_error", status = 529, message = "Over" }
    for _, body in ipairs {
      "event: error\ndata: " .. over, "data:" .. over .. "\n\n",
      "\239\187\191: hi\r\n\r\nid: 1\r\ndata: " .. over .. "\r\n",
      "\n\nretry: 5\n\ndata: {}\n\ndata: " .. over .. "\n\ndata: [DONE]\n\n",
      'event: ping\ndata: {"type":"ping"}\n\nevent: error\ndata: ' .. over .. "\n\n",
      "event: overloaded_error\ndata: Over\n\n",
    } do
      check(body, expected, "type status message")
    end
    check("data: Out of order\n\n", { message = "Out of order" }, "type status message")
    check("event: throttlingException\ndata: Slow\n\n",
      { message = "Slow", type = "throttlingException", status = 429 }, "type status message")
    check(": nothing\n\n", { message = ": nothing" }, "type status message")
    check("error: wrong", { message = "error: wrong" }, "type status message")
    check("data center is down", { message = "data center is down" }, "type status message")
    check("Message: data: {}", { message = "Message: data: {}" }, "type status message")
  end)

  it("keeps the error's name where it is no JSON", function()
    check("not so fast", { type = "throttlingException", status = 429, message = "not so fast" }, "type status message",
      "throttlingException")
    check("not so fast", { message = "not so fast" }, "type status message", "chunk")
    check('{"message":"m"}', { type = "ValidationException", status = 400, message = "m" }, "type status message",
      "ValidationException")
  end)
end)
