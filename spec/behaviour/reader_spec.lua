-- A reader that is fed by hand gives the events, messages and errors of a Stream over a connection, however the bytes
-- are cut.

local anthropic = require "anthropic"
local aws_frames = require "spec.support.aws_frames"
local dialects = require "spec.fixtures.dialects"
local json = require "anthropic.base.json"
local extent = require "spec.support.extent"
local hosted = require "spec.support.hosted"
local odd_streams = require "spec.support.odd_streams"
local service = require "spec.support.service"
local streams = require "spec.support.streams"

local PARAMS = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hi" } } }
local EVENT_STREAM = { ["content-type"] = "text/event-stream" }
local JSON = { ["content-type"] = "application/json" }
local ODD = 6 -- streams of chance, of each kind

local function payloads_of(answer)
  local list = {}
  for i, payload in ipairs(answer) do
    list[i] = type(payload) == "table" and payload[1]
      and ("event: %s\ndata: %s\n\n"):format(payload[1], json.encode(payload[2]))
      or type(payload) == "table" and ("data: %s\n\n"):format(json.encode(payload)) or payload
  end
  return table.concat(list)
end

-- Every answer: what it is, its status, headers and body.
local answers = {}

local function add(name, body, headers, status)
  headers = headers or EVENT_STREAM
  headers["request-id"] = "req_1"
  table.insert(answers, { name = name, body = body, headers = headers, status = status or 200 })
end

for path in io.popen("ls spec/fixtures/*.sse"):lines() do
  local name = path:match "([%w_]+)%.sse$"
  local body = streams.read(name)
  add(name, body)
  add(name .. ", lines ended by CR LF", (body:gsub("\n", "\r\n")))
  add(name .. ", lines ended by CR", (body:gsub("\n", "\r")))
  add(name .. ", cut off", body:sub(1, math.floor(#body * 0.6)))
end
for kind, list in pairs(dialects) do
  for i, case in ipairs(list) do
    local answer = case[2]
    local is_stream = answer[1] ~= nil
    add(("%s %d"):format(kind, i), is_stream and payloads_of(answer) or json.encode(answer),
      is_stream and EVENT_STREAM or JSON)
  end
end
for _, kind in ipairs { "native", "chat", "anything" } do
  for seed = 1, ODD do
    add(("%s of chance %d"):format(kind, seed), streams.of((odd_streams[kind](seed))))
  end
end
for _, name in ipairs { "bedrock_ok", "bedrock_throttle" } do
  local body, headers = aws_frames.fixture(name .. ".bin"), { ["content-type"] = aws_frames.CONTENT_TYPE }
  add(name, body, headers)
  add(name .. ", cut off", body:sub(1, math.floor(#body * 0.6)), headers)
  add(name .. ", broken", body:sub(1, 99) .. "\0" .. body:sub(101), headers)
end
local ERROR = '{"type":"error","error":{"type":"overloaded_error","message":"Over"},"request_id":"req_2"}'
add("an error", ERROR, { ["content-type"] = "application/json", ["retry-after"] = "7" }, 529)
add("an error without words", "", {}, 502)
add("a page", "<html><title>Bad Gateway</title></html>", { ["content-type"] = "text/html" }, 502)
add("a proxy's", "", { ["proxy-authenticate"] = "Basic" }, 407)
add("a stream that is called JSON", streams.read "thinking", JSON)
add("an error in a 200", ERROR, JSON)
add("an error event", "event: error\ndata: " .. ERROR .. "\n\n")
add("nothing", "")
add("nothing, called JSON", "", JSON)
add("comments alone", ": a\n\n: b\n\n")
add("comments before JSON", ": a\n\n" .. '{"type":"message","role":"assistant","content":[]}')
add("a page in a 200", "<html>Hello</html>", { ["content-type"] = "text/html" })
add("text", "Hello", { ["content-type"] = "text/plain" })
add("a list", "[1]", JSON)
add("a byte order mark", "\239\187\191" .. streams.read "text")
add("no blank line at the end", (streams.read("text"):gsub("\n\n$", "")))
add("half a character",
  'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a\\ud83d"}}\n\n')

local FIELDS = {
  "kind", "type", "status", "message", "request_id", "in_stream", "retry_after", "body", "timeout", "attempts",
}

local function facts_of(err)
  local facts = {}
  for _, name in ipairs(FIELDS) do
    facts[name] = err[name]
  end
  facts.partial = err.partial and streams.whole(err.partial)
  return facts
end

local function encoded(event)
  return assert(json.encode(event))
end

-- What a Stream gives: the events, the message and the error.
local function by_stream(base_url)
  local client = service.client(nil, { base_url = base_url, max_retries = 0 })
  local stream, err = client.messages.stream(PARAMS)
  local events = {}
  if stream then
    local event
    event, err = stream:next()
    while event do
      events[#events + 1] = encoded(event)
      event, err = stream:next()
    end
  end
  return events, stream and stream:message(), err
end

local function by_reader(answer, size)
  local reader = anthropic.reader { status = answer.status, headers = answer.headers }
  local events, err = {}, nil
  local function take()
    local event, problem = reader:next()
    while event do
      events[#events + 1] = encoded(event)
      event, problem = reader:next()
    end
    err = problem
  end
  for i = 1, #answer.body, size do
    local ok, problem = reader:feed(answer.body:sub(i, i + size - 1))
    assert(ok or problem == err)
    take()
  end
  local ok, problem = reader:finish()
  take()
  assert.equal(err, problem)
  assert.equal(err == nil or nil, ok)
  local message, same = reader:message()
  assert.equal(err, same)
  return events, message, err
end

describe("a reader", function()
  local server

  setup(function()
    local routes = {}
    for i, answer in ipairs(answers) do
      routes[i] = { match = ("^/a%d/"):format(i), answers = { {
        status = answer.status, headers = answer.headers, body = answer.body,
      } } }
    end
    server = hosted.server { script = { routes = routes } }
  end)

  teardown(function()
    server:stop()
  end)

  after_each(service.clear)

  it("gives what a Stream gives, however the bytes are cut", function()
    for i, answer in ipairs(answers) do
      local events, message, err = by_stream(("%s/a%d"):format(server.url, i))
      for _, size in ipairs(extent({ 1, 2, 3, 7, math.max(#answer.body, 1) }, { 3, math.max(#answer.body, 1) })) do
        local where = ("%s, %d bytes at a time"):format(answer.name, size)
        local read, whole, problem = by_reader(answer, size)
        if #events > 0 or not err then -- up to the first content a Stream keeps its events back
          assert.same(events, read, where)
        end
        assert.equal(message and streams.whole(message), whole and streams.whole(whole), where)
        assert.same(err and facts_of(err), problem and facts_of(problem), where)
      end
    end
  end)

  it("is public under both names", function()
    assert.equal(require "anthropic.reader", anthropic.reader)
    assert.equal("ping", anthropic.reader.new():feed "event: ping\ndata: {}\n\n" and "ping")
  end)

  it("hands on each event as soon as it is whole", function()
    local reader = anthropic.reader()
    assert.is_true(reader:feed 'data: {"type":"message_start","message":{"role":"assistant"}}\n')
    assert.same({}, { reader:next() })
    assert.is_true(reader:feed "\n")
    assert.equal("message_start", reader:next().type)
    assert.same({}, { reader:next() })
    assert.equal("assistant", reader:snapshot().role)
  end)

  it("has no message before the end", function()
    local reader, body = anthropic.reader(), streams.read "text"
    reader:feed(body:sub(1, 600))
    local message, err = reader:message()
    assert.is_nil(message)
    assert.equal("invalid_request", err.kind)
    assert.is_true(reader:feed(body:sub(601)))
    assert.equal(reader:message(), reader:message())
    assert.is_true(reader:finish())
    assert.same({}, { reader:next() })
    assert.equal("anthropic.Reader (ended)", tostring(reader))
  end)

  it("hands on after finish what came before it", function()
    local reader = anthropic.reader()
    reader:feed(streams.read("text"):sub(1, 600))
    local ok, err = reader:finish()
    assert.is_nil(ok)
    assert.equal("truncated", err.kind)
    assert.equal("message_start", reader:next().type)
    local event, problem = reader:next()
    while event do
      event, problem = reader:next()
    end
    assert.equal(err, problem)
    assert.equal(err, select(2, reader:feed "x"))
    assert.equal(err, select(2, reader:message()))
    assert.equal("anthropic.Reader (failed)", tostring(reader))
  end)

  it("says at finish that a long answer was cut that nobody has read", function()
    local reader = anthropic.reader()
    local delta = 'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"'
      .. ("x"):rep(20000) .. '"}}\n\n'
    assert(reader:feed 'data: {"type":"message_start","message":{"role":"assistant"}}\n\n')
    assert(reader:feed(delta:rep(1000)))
    local ok, err = reader:finish()
    assert.is_nil(ok)
    assert.equal("truncated", err.kind)
    assert.equal("message_start", reader:next().type)
    assert.equal(20000000, #err.partial:text())
  end)

  it("says while events are read what is wrong, if they were too many to be read ahead", function()
    local reader = anthropic.reader { max_response_bytes = 8 * 1024 * 1024 }
    local delta = 'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"abcd"}}\n\n'
    assert(reader:feed('data: {"type":"message_start","message":{"role":"assistant"}}\n\n' .. delta:rep(45000)))
    assert.is_true(reader:finish())
    local bytes, event, err = 0, reader:next()
    while event do
      bytes = bytes + (event.delta and #(event.delta.text or "") or 0)
      event, err = reader:next()
    end
    assert.equal(4 * 45000, bytes)
    assert.equal("truncated", err.kind)
    assert.equal(err, select(2, reader:message()))
    assert.equal(err, select(2, reader:finish()))
  end)

  describe("of a call whose input is an object", function()
    local CALL = '"type":"tool_use","id":"a","name":"f"'
    local START = 'data: {"type":"content_block_start","index":0,"content_block":{%s}}\n\n'
    local STOP = 'data: {"type":"content_block_stop","index":0}\n\ndata: {"type":"message_stop"}\n\n'
    local DELTA = 'data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","input":?}}\n\n'
    local CHUNK = 'data: {"choices":[{"delta":{%s},"logprobs":[NaN]}]}\n\ndata: [DONE]\n\n'
    local ARGUMENTS = '"tool_calls":[{"id":"a","function":{"name":"f","arguments":?}}]'
    local WHOLE = '{"type":"message","role":"assistant","content":[{%s}]}'
    local BODIES = {
      ["arguments"] = CHUNK:format(ARGUMENTS), ["whole arguments"] = '{"choices":[{"message":{' .. ARGUMENTS .. "}}]}",
      ["a part of the content"] = CHUNK:format('"content":[{' .. CALL .. ',"input":?}]'),
      ["a block"] = WHOLE:format(CALL .. ',"input":?'), ["another name"] = WHOLE:format(CALL .. ',"arguments":?'),
      ["no type"] = WHOLE:format '"id":"a","name":"f","input":?',
      ["a start"] = START:format(CALL .. ',"input":?') .. STOP,
      ["a start with another name"] = START:format(CALL .. ',"parameters":?') .. STOP,
      ["a start without a type"] = START:format '"id":"a","name":"f","input":?' .. STOP,
      ["a delta"] = START:format(CALL) .. DELTA .. STOP,
    }

    local function block_of(body, input)
      local reader = anthropic.reader()
      assert(reader:feed((body:gsub("%?", input))))
      assert(reader:finish())
      local message = reader:message()
      assert.is_nil(message.unknown_deltas)
      assert.equal(1, #message.content)
      return message.content[1]
    end

    for name, body in pairs(BODIES) do
      it("gives its nulls: " .. name, function()
        local input = block_of(body, '{"x":null}').input
        assert.equal(anthropic.null, input.x)
        input = block_of(body, '{"l":[{"y":null}],"x":1}').input
        assert.equal(anthropic.null, input.l[1].y)
      end)

      it("tells of NaN as of broken JSON: " .. name, function()
        local block = block_of(body, '{"x":NaN,"y":1}')
        assert.is_nil(block.input)
        assert.equal('{"x":NaN,"y":1}', block.input_json)
        assert.matches("NaN", block.input_error)
      end)
    end
  end)

  it("takes what follows the end, and nothing after finish", function()
    local reader = anthropic.reader()
    reader:feed(streams.read "text")
    assert.is_table(reader:message())
    assert.is_true(reader:feed "data: [DONE]\n\n")
    local other = anthropic.reader { headers = JSON }
    other:feed '{"type":"message","role":"assistant","content":[]}'
    assert.is_true(other:finish())
    assert.is_true(other:feed "x")
    local failed = anthropic.reader()
    local _, err = failed:finish()
    assert.equal("the answer is empty", err.message)
    assert.equal(err, select(2, failed:feed "x"))
  end)

  it("knows the response", function()
    local reader = anthropic.reader { status = 429, headers = {
      ["Retry-After"] = 3, ["Request-Id"] = "req_1", ["Set-Cookie"] = { "a", "b" },
      ["anthropic-ratelimit-requests-remaining"] = "0",
    } }
    reader:feed '{"type":"error","error":{"type":"rate_limit_error","message":"Slow down"}}'
    assert.same({}, { reader:next() })
    local _, err = reader:finish()
    assert.equal("api", err.kind)
    assert.equal("rate_limit_error", err.type)
    assert.equal(3, err.retry_after)
    assert.equal("req_1", err.request_id)
    assert.equal(0, err.rate_limit.requests.remaining)
    assert.equal("a, b", err.headers["set-cookie"])
    assert.equal("anthropic: api error 429 rate_limit_error: Slow down (req_1)", tostring(err))
    local message = anthropic.reader { headers = JSON }
    message:feed '{"type":"message","role":"assistant","content":[],"id":"m"}'
    message:finish()
    assert.equal(200, message:message().response.status)
    assert.equal("req_1", message:message().response.request_id)
  end)

  it("says so where the answer is a redirect", function()
    local reader = anthropic.reader { status = 302, headers = { location = "/elsewhere" } }
    assert.equal("anthropic: api error 302: HTTP 302", tostring(select(2, reader:finish())))
  end)

  it("holds no more than it may", function()
    local reader = anthropic.reader { max_event_bytes = 100 }
    reader:feed("data: " .. ("x"):rep(101) .. "\n\n")
    assert.equal("an event is larger than 100 bytes", select(2, reader:next()).message)
    reader = anthropic.reader { max_response_bytes = 1000 }
    local ok, err = reader:feed(("x"):rep(1001))
    assert.is_nil(ok)
    assert.equal("the answer is larger than 1000 bytes", err.message)
    reader = anthropic.reader { max_response_bytes = 10000 } -- of text
    local delta = 'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%s"}}\n\n'
    repeat
      ok = reader:feed(delta:format(("x"):rep(1000)))
      err = select(2, reader:next())
    until not ok or err
    assert.equal("the answer is larger than 10000 bytes", err.message)
    assert.is_true(#err.partial:text() > 5000)
  end)

  -- What a server says of a block, a call or its counts again and again, under other names each time.
  it("holds no more than it may of what it only notes, or nothing of it", function()
    local long = ("x"):rep(1000)
    local start = '{"type":"message_start","message":{"id":"m","role":"assistant","content":[]}}'
    local block = '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"a"}}'
    local stop = '{"type":"content_block_stop","index":0}'
    local chunk = '{"choices":[{"delta":{"content":"a"}}]}'
    for name, case in pairs {
      ["stops of a block"] = { { start, block, stop },
        '{"type":"content_block_stop","index":0,"content_block":{"type":"text","KEY":"%s"}}' },
      ["starts of a block without a type"] = { { start },
        '{"type":"content_block_start","index":0,"content_block":{"KEY":"%s"}}', true },
      ["blocks without a type"] = { { start },
        '{"type":"content_block_start","index":KEY,"content_block":{"a":"%s"}}', true },
      ["counts"] = { { start }, '{"type":"message_delta","delta":{},"usage":{"KEY":"%s"}}' },
      ["counts of a completion"] = { { chunk }, '{"choices":[],"usage":{"KEY":"%s"}}', true },
      ["calls without a name"] = { { chunk },
        '{"choices":[{"delta":{"tool_calls":[{"index":KEY,"id":"%s"}]}}]}', true },
    } do
      local reader = anthropic.reader { max_response_bytes = 100000, headers = EVENT_STREAM }
      for _, payload in ipairs(case[1]) do
        assert(reader:feed("data: " .. payload .. "\n\n"))
      end
      local err
      collectgarbage()
      local before = collectgarbage "count"
      for i = 1, 500 do
        reader:feed("data: " .. case[2]:format(long):gsub("KEY", tostring(i)) .. "\n\n")
        repeat
          local event, problem = reader:next()
          err = err or problem
        until not event
      end
      collectgarbage()
      assert.is_true(collectgarbage "count" - before < 300, name)
      if case[3] then
        assert.equal("the answer is larger than 100000 bytes", err.message, name)
      end
    end
  end)

  it("reads AWS event streams where they are announced, or the caller says so", function()
    local body = aws_frames.fixture "bedrock_ok.bin"
    for _, options in ipairs {
      { framing = "event_stream" },
      { framing = "event_stream", headers = { ["Content-Type"] = "text/event-stream" } },
      { headers = { ["Content-Type"] = "application/vnd.amazon.eventstream" } },
      { framing = "auto", headers = { ["content-type"] = "application/vnd.amazon.eventstream; x=y" } },
    } do
      local reader = anthropic.reader(options)
      assert(reader:feed(body))
      assert(reader:finish())
      assert.equal("Hé€😀", reader:message():text())
    end
    local reader = anthropic.reader {
      framing = "sse", headers = { ["Content-Type"] = "application/vnd.amazon.eventstream" },
    }
    assert(reader:feed 'data: {"type":"ping"}\n\n')
    assert.equal("ping", reader:next().type)
  end)

  it("reads a whole answer in whatever framing its events would have come", function()
    for _, framing in ipairs { "sse", "event_stream", "auto" } do
      for _, kind in ipairs { "application/json", "application/vnd.amazon.eventstream", "text/event-stream" } do
        for _, size in ipairs { 1, 7, 1000 } do
          local reader = anthropic.reader { framing = framing, headers = { ["Content-Type"] = kind } }
          local body = ' \n{"type":"message","role":"assistant","content":"Hi"}'
          for from = 1, #body, size do
            assert(reader:feed(body:sub(from, from + size - 1)))
            assert.is_nil(reader:next())
          end
          assert(reader:finish())
          assert.equal("message_start", reader:next().type)
          assert.equal("Hi", reader:message():text())
        end
        local refused = anthropic.reader { framing = framing, headers = { ["Content-Type"] = kind } }
        assert(refused:feed '{"type":"error","error":{"type":"overloaded_error","message":"Busy"}}')
        local _, err = refused:finish()
        assert.equal("overloaded_error", err.type)
      end
    end
  end)

  it("refuses wrong options and arguments", function()
    for words, call in pairs {
      ['unknown option "frame"'] = function() anthropic.reader { frame = "sse" } end,
      ['option "framing"'] = function() anthropic.reader.new { framing = "ndjson" } end,
      ['option "status"'] = function() anthropic.reader { status = "200" } end,
      ['option "status": a whole number from 100 to 999'] = function() anthropic.reader { status = 1e300 } end,
      ['option "max_event_bytes"'] = function() anthropic.reader { max_event_bytes = 0 } end,
      ["table expected, got string"] = function() anthropic.reader "sse" end,
      ["string expected, got nil"] = function() anthropic.reader():feed() end,
    } do
      local ok, message = pcall(call)
      assert.is_false(ok)
      assert.truthy(message:find(words, 1, true), message)
      assert.truthy(message:find "reader_spec", message)
    end
  end)

  it("makes no loop", function()
    local output = service.run [[
      local core = require "anthropic.core"
      core.loop = function() error "a loop was made" end
      local anthropic = require "anthropic"
      local reader = anthropic.reader { headers = { ["content-type"] = "application/json" } }
      assert(reader:feed '{"type":"message","role":"assistant","content":"Hi"}')
      assert(reader:finish())
      io.write(reader:message():text())
      reader = anthropic.reader { status = 500 }
      local ok, err = reader:finish()
      io.write(" ", tostring(err))
    ]]
    assert.equal("Hi anthropic: api error 500 api_error: HTTP 500", output)
  end)
end)

describe("an end without its empty line", function()
  it("is one whatever its type lacks", function()
    local start = 'data: {"type":"message_start","message":{"id":"m","role":"assistant","content":[]}}\n\n'
    for _, ending in ipairs {
      'data: {"type":"message_stop"}', 'event: message_stop\ndata: {}', 'event: message_stop\ndata: {"type":""}\n',
    } do
      local reader = anthropic.reader.new { status = 200, headers = EVENT_STREAM }
      reader:feed(start .. ending)
      reader:finish()
      assert.equal("m", assert(reader:message()).id, ending)
    end
  end)
end)
