-- Streams in AWS's framing, as a user of a client reads them: the same events, and every fault by its kind.

local aws_frames = require "spec.support.aws_frames"
local json = require "anthropic.base.json"
local service = require "spec.support.service"
local streams = require "spec.support.streams"
local tables = require "anthropic.base.tables"

local PARAMS = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hi" } } }
local TYPE = { ["content-type"] = aws_frames.CONTENT_TYPE .. "; charset=x" }

local START = { type = "message_start", message = { id = "msg_1", type = "message", role = "assistant", model = "m",
  content = json.array {}, usage = { input_tokens = 1, output_tokens = 1 } } }
local BLOCK = { type = "content_block_start", index = 0, content_block = { type = "text", text = "" } }
local DELTA = { type = "content_block_delta", index = 0, delta = { type = "text_delta", text = "Hé" } }
local BEGINNING = aws_frames.stream { START, BLOCK, DELTA }

local function answer(body, fields)
  local made = { headers = TYPE, body = body }
  for name, value in pairs(fields or {}) do
    made[name] = value
  end
  return made
end

local function open(script, options)
  local server = service.serve(script)
  local all = { max_retries = 0 }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  return assert(service.client(server, all).messages.stream(PARAMS)), server
end

-- The errors that streams of these bodies end with.
local function failures_of(bodies, fields, options)
  local script, errs = {}, {}
  for i, body in ipairs(bodies) do
    script[i] = answer(body, fields)
  end
  local client = service.client(service.serve(script), options)
  for i in ipairs(bodies) do
    local opened = assert(client.messages.stream(PARAMS))
    local message, err = opened:message()
    assert.is_nil(message)
    assert.equal(err, select(2, opened:next()))
    errs[i] = err
  end
  return errs
end

local function failure_of(body, fields, options)
  return failures_of({ body }, fields, options)[1]
end

describe("a stream in AWS's framing", function()
  after_each(service.clear)

  it("is handed on as server-sent events", function()
    local opened = open { answer(aws_frames.fixture "bedrock_ok.bin") }
    local text, types = {}, {}
    for bytes, events in opened:raw_events() do
      text[#text + 1] = bytes
      for _, event in ipairs(events) do
        types[#types + 1] = event.type
      end
    end
    assert.equal(6, #types)
    assert.equal(6, #text) -- and nothing behind the end: its bytes are no text
    assert.matches("^event: message_stop\ndata: [^%c]+\n\n$", text[6])
    local reader = require("anthropic.reader").new {}
    assert(reader:feed(table.concat(text)))
    assert(reader:finish())
    assert.equal("Hé€😀", reader:message():text())
    assert.equal("Hé€😀", opened:message():text())
    opened = open { answer(BEGINNING .. aws_frames.exception("throttlingException", "Slow down")) }
    text = {}
    local ok, err = pcall(function()
      for bytes in opened:raw_events() do
        text[#text + 1] = bytes
      end
    end)
    assert.is_false(ok)
    assert.equal(429, err.status)
    assert.equal("Hé", err.partial:text())
    assert.matches("Hé", table.concat(text), 1, true)
    local told = 'event: error\ndata: {"error":{"message":"Slow down","type":"throttlingException"},"type":"error"}\n\n'
    assert.equal(told, text[#text])
    assert.is_true(err.in_stream)
  end)

  it("is read by each way of reading, with the service's own figures", function()
    local fixture = aws_frames.fixture "bedrock_ok.bin"
    local opened = open { answer(fixture) }
    local types, last = {}, nil
    for event in opened do
      types[#types + 1], last = event.type, event
    end
    assert.same({ "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
      "message_stop" }, types)
    assert.equal(10, last["amazon-bedrock-invocationMetrics"].invocationLatency)
    assert.equal("Hé€😀", opened:message():text())
    assert.equal("end_turn", opened:message().stop_reason)
    local texts = {}
    for text in open({ answer(fixture) }):text_deltas() do
      texts[#texts + 1] = text
    end
    assert.same({ "Hé€😀" }, texts)
  end)

  it("comes in pieces of any size, as a thousand deltas, and equals the same in SSE", function()
    local events = { START, BLOCK }
    for i = 1, 1000 do
      local delta = { type = "text_delta", text = i .. " " }
      events[#events + 1] = { type = "content_block_delta", index = 0, delta = delta }
    end
    events[#events + 1] = { type = "content_block_stop", index = 0 }
    local usage = { output_tokens = 9 }
    events[#events + 1] = { type = "message_delta", delta = { stop_reason = "end_turn" }, usage = usage }
    events[#events + 1] = { type = "message_stop" }
    local framed = streams.digest(open { answer(aws_frames.stream(events), { chunk_bytes = 777 }) })
    assert.equal(streams.digest(open { { headers = { ["content-type"] = "text/event-stream" },
      body = streams.of(events) } }), framed)
  end)

  it("is read to its end where a whole message was asked for", function()
    local server = service.serve { answer(aws_frames.fixture "bedrock_ok.bin") }
    assert.equal("Hé€😀", assert(service.client(server).messages.create(PARAMS)):text())
  end)

  it("keeps events of other names, and passes over what has no type", function()
    local opened = open { answer(aws_frames.stream { START, BLOCK } .. aws_frames.chunk "{}"
      .. aws_frames.chunk '{"keep":"alive"}' .. aws_frames.event("metrics", '{"a":1}')
      .. aws_frames.stream { DELTA, { type = "message_stop" } }) }
    local types = {}
    for event in opened do
      types[#types + 1] = event.type
    end
    assert.same({ "message_start", "content_block_start", "metrics", "content_block_delta",
      "content_block_stop", "message_stop" }, types)
  end)

  describe("ends with an error of the server's, and what had come,", function()
    it("for every exception", function()
      local statuses = {
        internalServerException = 500, modelStreamErrorException = 424, validationException = 400,
        throttlingException = 429, modelTimeoutException = 408, serviceUnavailableException = 503,
        resourceNotFoundException = 404, accessDeniedException = 403, serviceQuotaExceededException = 400,
        modelNotReadyException = 429,
      }
      local names = tables.sorted_keys(statuses)
      local bodies = {}
      for i, name in ipairs(names) do
        bodies[i] = BEGINNING .. aws_frames.exception(name, "words")
      end
      for i, err in ipairs(failures_of(bodies)) do
        assert.same({ "api", names[i], statuses[names[i]], "words", true },
          { err.kind, err.type, err.status, err.message, err.in_stream })
        assert.equal("Hé", err.partial:text())
      end
    end)

    it("for an exception that has no words, no JSON or an unknown name", function()
      local text = aws_frames.text_header
      local headers = text(":message-type", "exception") .. text(":exception-type", "throttlingException")
      for payload, words in pairs {
        [""] = "throttlingException", ["{}"] = "the server sent an error without a message",
        ["not so fast"] = "not so fast",
      } do
        local err = failure_of(BEGINNING .. aws_frames.frame(headers, payload))
        assert.same({ "api", 429, words }, { err.kind, err.status, err.message }, payload)
      end
      local err = failure_of(BEGINNING .. aws_frames.exception("somethingElse", "words"))
      assert.same({ "api", "somethingElse", "words" }, { err.kind, err.type, err.message })
      assert.is_nil(err.status)
    end)

    it("for an error that the model does not have", function()
      local err = failure_of(BEGINNING .. aws_frames.error("InternalServerError", "words"))
      assert.same({ "api", 500, "words", "InternalServerError" }, { err.kind, err.status, err.message, err.type })
      err = failure_of(BEGINNING .. aws_frames.error("", ""))
      assert.equal("api", err.kind)
    end)

    it("for an error event of the API's", function()
      local err = failure_of(BEGINNING
        .. aws_frames.chunk '{"type":"error","error":{"type":"overloaded_error","message":"busy"}}')
      assert.same({ "api", "overloaded_error", 529, "busy" }, { err.kind, err.type, err.status, err.message })
    end)

    it("of the vector of another encoder", function()
      local err = failure_of(aws_frames.fixture "bedrock_throttle.bin")
      assert.same({ "api", 429, "Too many tokens" }, { err.kind, err.status, err.message })
    end)
  end)

  it("is sent again after an exception before the first content", function()
    local at_once = { ["content-type"] = aws_frames.CONTENT_TYPE, ["retry-after"] = "0" }
    local opened, server = open({
      answer(aws_frames.exception("throttlingException", "wait"), { headers = at_once }),
      answer(aws_frames.fixture "bedrock_ok.bin"),
    }, { max_retries = 1 })
    assert.equal("Hé€😀", assert(opened:message()):text())
    assert.equal(2, #server:requests())
  end)

  it("is truncated wherever it is cut", function()
    local whole = aws_frames.fixture "bedrock_ok.bin"
    local cuts = { 0, 1, 4, 11, 12, 13, 100, #BEGINNING, #whole - 1 }
    for i = 1, 20 do
      cuts[#cuts + 1] = math.floor(#whole * i / 21)
    end
    local bodies = {}
    for i, cut in ipairs(cuts) do
      bodies[i] = whole:sub(1, cut)
    end
    for i, err in ipairs(failures_of(bodies)) do
      assert.equal("truncated", err.kind, cuts[i])
    end
    local err = failure_of(whole, { cut_after = #whole - 30 })
    assert.equal("truncated", err.kind)
    assert.equal("Hé€😀", err.partial:text())
  end)

  it("is refused at a byte that is wrong, with what had come", function()
    local whole = aws_frames.fixture "bedrock_ok.bin"
    local kept = aws_frames.fixture("bedrock_throttle.bin"):find("\0\0\0\142", 1, true) - 1
    local bodies = {}
    for i, offset in ipairs { 1, 6, 10, 13, 20, 80, 100, 170 } do
      local at = kept + offset
      bodies[i] = whole:sub(1, at - 1) .. string.char((whole:byte(at) + 1) % 256) .. whole:sub(at + 1)
    end
    for _, err in ipairs(failures_of(bodies)) do
      assert.equal("protocol", err.kind)
      assert.matches("the event stream is broken", err.message)
      assert.equal("Hé€😀", err.partial:text())
    end
  end)

  it("is refused where a message is not as it should be", function()
    for payload, words in pairs {
      ["{}"] = "a chunk without bytes", ["nonsense"] = "a chunk without bytes",
      ['{"bytes":1}'] = "a chunk without bytes", ['{"bytes":"!"}'] = "no base64",
    } do
      local err = failure_of(BEGINNING .. aws_frames.event("chunk", payload))
      assert.equal("protocol", err.kind)
      assert.truthy(err.message:find(words, 1, true), err.message)
      assert.equal("Hé", err.partial:text())
    end
    local err = failure_of(BEGINNING .. aws_frames.frame(aws_frames.text_header(":message-type", "new"), "{}"))
    assert.matches("neither an event nor an error", err.message)
    err = failure_of(BEGINNING .. aws_frames.chunk "nonsense")
    assert.equal("protocol", err.kind)
  end)

  it("has no frame above the limit", function()
    local large = aws_frames.chunk { type = "content_block_delta", index = 0,
      delta = { type = "text_delta", text = ("x"):rep(3000) } }
    local err = failure_of(BEGINNING .. large, nil, { max_event_bytes = 2000 })
    assert.equal("protocol", err.kind)
    assert.matches("an event is larger than 2000 bytes", err.message)
    assert.equal("Hé", err.partial:text())
  end)
end)
