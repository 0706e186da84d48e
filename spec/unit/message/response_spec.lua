-- What a successful response holds, and what is said where it holds something else.

local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"
local responses = require "anthropic.message.response"

local NATIVE = '{"id":"msg_1","type":"message","role":"assistant","model":"m","usage":{"output_tokens":2},'
  .. '"content":[{"type":"text","text":"Hi"}]}'

local function response_of(content_type)
  return { status = 200, headers = { ["content-type"] = content_type } }
end

-- An exchange whose body has arrived; it notes what is done to it.
local function exchange_of(body, fields)
  local exchange = { response = response_of "application/json", done = {} }
  function exchange.read_body()
    return body
  end
  function exchange.api_error(self, text)
    return errors.new { kind = "api", message = "of the API", body = text, exchange = self }
  end
  function exchange.describe(self, err)
    err.described_by = self
    return err
  end
  function exchange.redact(text)
    return (text:gsub("secret", "..."))
  end
  function exchange.option(name)
    return name == "base_url" and "https://gateway.example" or nil
  end
  function exchange.finish(self)
    self.done[#self.done + 1] = "finish"
    return true
  end
  function exchange.count(self, whole)
    self.done[#self.done + 1] = whole
  end
  for name, value in pairs(fields or {}) do
    exchange[name] = value
  end
  return exchange
end

-- Bodies that are no object and no list, and what is said of them.
local NO_VALUES = {
  { "", "the answer is empty" },
  { " \t\r\n", "the answer is empty" },
  { "<html>", "the answer is not JSON" },
  { '{"type":"message"', "the answer is not JSON" },
  { "{} {}", "the answer is not JSON" },
  { "5", "the answer is neither an object nor a list" },
  { '"text"', "the answer is neither an object nor a list" },
  { "true", "the answer is neither an object nor a list" },
  { "false", "the answer is neither an object nor a list" },
}

describe("a response's media type", function()
  for _, case in ipairs {
    -- what it says, whether that is an event stream, whether a document
    { nil, false, false },
    { "", false, false },
    { ";", false, false },
    { "text/event-stream", true, false },
    { "text/event-stream; charset=utf-8", true, false },
    { "text/event-stream;charset=utf-8", true, false },
    { " Text/Event-Stream ", true, false },
    { "text/event-streams", false, false },
    { "xtext/event-stream", false, false },
    { "text/plain; text/event-stream", false, false },
    { "application/json", false, true },
    { "application/json; charset=utf-8", false, true },
    { "APPLICATION/JSON", false, true },
    { "application/json2", false, false },
    { "text/html", false, true },
    { "text/html;x", false, true },
    { "text/plain", false, false },
    { "application/problem+json", false, true },
    { "application/problem+json; x=y", false, true },
    { "application/problem+jsonl", false, false },
    { "application/problemjson", false, false },
    { "application/octet-stream", false, false },
  } do
    it(("says what it is: %s"):format(tostring(case[1])), function()
      assert.equal(case[2], responses.is_event_stream(response_of(case[1])))
      assert.equal(case[3], responses.is_document(response_of(case[1])))
    end)
  end
end)

describe("a body read as JSON", function()
  it("is the failure to read it where there is one", function()
    local problem = {}
    for _, read in ipairs { responses.read_json, responses.read_message } do
      local value, err = read(exchange_of(nil, { read_body = function() return nil, problem end }))
      assert.is_nil(value)
      assert.equal(problem, err)
    end
  end)

  for _, case in ipairs(NO_VALUES) do
    it(("is refused where %s: %q"):format(case[2], case[1]), function()
      local exchange = exchange_of(case[1])
      local value, err = responses.read_json(exchange)
      assert.is_nil(value)
      assert.equal("protocol", err.kind)
      assert.equal(case[2], err.message)
      assert.equal(200, err.status)
      assert.equal(case[1], err.body)
      assert.equal(exchange, err.described_by)
    end)
  end

  it("is given with its text", function()
    for _, body in ipairs {
      '{"a":1}', "[1,2]", "{}", "[]", '{"type":"message","error":{}}', '{"error":null}', '{"error":false}',
    } do
      local value, err, text = responses.read_json(exchange_of(body))
      assert.is_table(value)
      assert.is_nil(err)
      assert.equal(body, text)
    end
    assert.same({ a = 1 }, (responses.read_json(exchange_of '{"a":1,"b":null}')))
  end)

  it("may be null", function()
    local value, err, text = responses.read_json(exchange_of "null")
    assert.equal(json.null, value)
    assert.is_nil(err)
    assert.equal("null", text)
  end)

  for _, body in ipairs {
    '{"type":"error","error":{"type":"overloaded_error"}}', '{"type":"error"}', '{"error":{"message":"no"}}',
    '{"error":"no"}',
  } do
    it("is an error of the API where it says so: " .. body, function()
      local exchange = exchange_of(body)
      local value, err = responses.read_json(exchange)
      assert.is_nil(value)
      assert.equal("api", err.kind)
      assert.equal(body, err.body)
      assert.equal(exchange, err.exchange)
      assert.equal(200, err.status)
    end)
  end

  it("is an error with the status that the API's type stands for, where there is one", function()
    local _, err = responses.read_json(exchange_of('{"type":"error"}', {
      api_error = function() return errors.new { kind = "api", status = 529 } end,
    }))
    assert.equal(529, err.status)
  end)

  it("says nothing else about the exchange", function()
    local exchange = exchange_of "{}"
    responses.read_json(exchange)
    assert.same({}, exchange.done)
  end)
end)

describe("a protocol error", function()
  it("has the status, the words, and the body without credentials", function()
    local exchange = exchange_of ""
    exchange.response.status = 203
    local err = responses.protocol_error(exchange, "wrong", "a secret b")
    assert.is_true(errors.is(err))
    assert.equal("protocol", err.kind)
    assert.equal("wrong", err.message)
    assert.equal(203, err.status)
    assert.equal("a ... b", err.body)
    assert.equal(exchange, err.described_by)
  end)

  it("may have no body", function()
    assert.is_nil(responses.protocol_error(exchange_of "", "wrong").body)
  end)

  it("is what the exchange makes of it", function()
    local other = {}
    local exchange = exchange_of("", { describe = function() return other end })
    assert.equal(other, responses.protocol_error(exchange, "wrong"))
  end)
end)

describe("a value as a message", function()
  it("is none where it has neither shape", function()
    for _, value in ipairs {
      {}, { type = "error" }, { type = "message" }, { choices = {} }, "message", 5, json.null,
    } do
      assert.is_nil(responses.to_message(value))
    end
    assert.is_nil(responses.to_message(nil))
  end)

  it("is one in the native shape", function()
    local whole = responses.to_message { type = "message", content = { { type = "text", text = "a" } } }
    assert.equal("a", whole:text())
    assert.is_nil(whole.raw)
  end)

  it("is one in the chat-completion shape", function()
    local object = { choices = { { message = { content = "a" } } } }
    local whole = responses.to_message(object)
    assert.equal("a", whole:text())
    assert.equal(object, whole.raw)
  end)

  it("is native where it has both", function()
    local whole = responses.to_message { role = "assistant", content = { { type = "text", text = "a" } },
      choices = { { message = { content = "b" } } } }
    assert.equal("a", whole:text())
  end)
end)

describe("a body read as a message", function()
  for _, case in ipairs(NO_VALUES) do
    it(("is refused where %s: %q"):format(case[2], case[1]), function()
      local whole, err = responses.read_message(exchange_of(case[1]))
      assert.is_nil(whole)
      assert.equal("protocol", err.kind)
      assert.equal(case[2], err.message)
    end)
  end

  for _, case in ipairs {
    { "null", "the answer is neither an object nor a list" },
    { "{}", "the answer is not a message" },
    { "[]", "the answer is not a message" },
    { '{"type":"message","name":"secret"}', "the answer is not a message" },
    { '{"type":"message","content":5}', "the answer is not a message" },
    { '{"choices":[]}', "the answer is not a message" },
  } do
    it(("is refused where %s: %s"):format(case[2], case[1]), function()
      local exchange = exchange_of(case[1])
      local whole, err = responses.read_message(exchange)
      assert.is_nil(whole)
      assert.equal("protocol", err.kind)
      assert.equal(case[2], err.message)
      assert.equal((case[1]:gsub("secret", "...")), err.body)
      assert.equal(200, err.status)
      assert.same({}, exchange.done)
    end)
  end

  it("is an error of the API where it says so, and is not counted", function()
    local exchange = exchange_of '{"type":"error"}'
    local whole, err = responses.read_message(exchange)
    assert.is_nil(whole)
    assert.equal("api", err.kind)
    assert.same({}, exchange.done)
  end)

  it("ends the exchange and is counted once, with its response", function()
    for _, body in ipairs { NATIVE, '{"choices":[{"message":{"content":"Hi"}}]}' } do
      local exchange = exchange_of(body)
      local whole, err = responses.read_message(exchange)
      assert.is_nil(err)
      assert.equal("Hi", whole:text())
      assert.equal(exchange.response, whole.response)
      assert.equal(2, #exchange.done)
      assert.equal(whole, exchange.done[1]) -- first: what is told at the end has its tokens
      assert.equal("finish", exchange.done[2])
    end
  end)

  it("has its response in every choice", function()
    local exchange = exchange_of '{"choices":[{"message":{"content":"a"}},{"message":{"content":"b"}}]}'
    local whole = responses.read_message(exchange)
    assert.equal(2, #whole.choices)
    assert.equal(exchange.response, whole.choices[1].response)
    assert.equal(exchange.response, whole.choices[2].response)
    assert.equal(2, #exchange.done)
  end)
end)
