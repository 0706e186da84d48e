-- When a request is sent again, after how long, and what is left behind.

local anthropic = require "anthropic"
local errors = require "anthropic.base.error"
local retry = require "anthropic.http.retry"
local service = require "spec.support.service"
local socket = require "socket"
local testing = require "anthropic.testing"

local params = service.params

-- A failing answer that asks for a short wait.
local function failing(status, more)
  local answer = { status = status, headers = { ["retry-after-ms"] = 1 }, body = "" }
  for name, value in pairs(more or {}) do
    answer.headers[name] = value
  end
  return answer
end

local function good()
  return testing.message { text = "Hello!" }
end

local function create(script, options)
  local server = service.serve(script)
  local client = service.client(server, options)
  local message, err = client.messages.create(params())
  return message, err, server
end

describe("retry.after", function()
  local date = "Wed, 01 Jan 2025 00:00:00 GMT"

  it("reads milliseconds, then seconds, then dates; what is no wait is passed over", function()
    for _, case in ipairs {
      { {}, nil },
      { { ["retry-after"] = "20" }, 20 },
      { { ["retry-after"] = "0.25" }, 0.25 },
      { { ["retry-after"] = " 20 " }, 20 },
      { { ["retry-after"] = "0" }, nil },
      { { ["retry-after"] = "-10" }, nil },
      { { ["retry-after"] = "60" }, 60 },
      { { ["retry-after"] = "61" }, 61 },
      { { ["retry-after"] = "" }, nil },
      { { ["retry-after"] = "soon" }, nil },
      { { ["retry-after"] = "nan" }, nil },
      { { ["retry-after"] = "inf" }, nil },
      { { ["retry-after"] = "1e999" }, nil },
      { { ["retry-after"] = "0x10" }, nil },
      { { ["retry-after-ms"] = "0x10" }, nil },
      { { ["retry-after"] = "." }, nil },
      { { ["retry-after"] = "1 2" }, nil },
      { { ["retry-after-ms"] = "30" }, 0.03 },
      { { ["retry-after-ms"] = "0.5" }, 0.0005 },
      { { ["retry-after-ms"] = "30", ["retry-after"] = "20" }, 0.03 },
      { { ["retry-after-ms"] = "0", ["retry-after"] = "1" }, 1 },
      { { ["retry-after-ms"] = "-5", ["retry-after"] = "1" }, 1 },
      { { ["retry-after-ms"] = "soon", ["retry-after"] = "1" }, 1 },
      { { ["retry-after-ms"] = "soon" }, nil },
      { { date = date, ["retry-after"] = "Wed, 01 Jan 2025 00:00:20 GMT" }, 20 },
      { { date = date, ["retry-after"] = "Thu, 02 Jan 2025 00:00:00 GMT" }, 86400 },
      { { date = date, ["retry-after"] = date }, nil },
      { { date = date, ["retry-after"] = "Tue, 31 Dec 2024 23:59:59 GMT" }, nil },
      { { date = date, ["retry-after"] = "Zun, 29 Sep 2016 12:26:26 GMT" }, nil },
      { { date = date, ["retry-after"] = "Wed, 01 Foo 2025 00:00:20 GMT" }, nil },
      { { date = date, ["retry-after"] = "2025-01-01T00:00:20Z" }, nil },
      { { date = date, ["retry-after"] = "Wednesday, 01-Jan-25 00:00:20 GMT" }, 20 },
      { { date = date, ["retry-after"] = "Wed Jan  1 00:00:20 2025" }, 20 },
    } do
      assert.equal(case[2], retry.after(case[1]), anthropic.encode(case[1]))
    end
    assert.is_nil(retry.after(nil))
  end)

  it("reckons a date from the local clock, where the response has none", function()
    local soon = os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + 20)
    for _, own_date in ipairs { "none", "garbage" } do
      local seconds = retry.after { ["retry-after"] = soon, date = own_date ~= "none" and own_date or nil }
      assert.is_true(seconds > 10 and seconds <= 20, tostring(seconds))
    end
    assert.is_nil(retry.after { ["retry-after"] = os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() - 20) })
  end)
end)

describe("retry.delay", function()
  local function delay(retries, retry_after)
    return retry.delay({ kind = "api", retry_after = retry_after }, retries)
  end

  it("doubles from half a second to eight, less up to a quarter", function()
    for retries, longest in pairs { [0] = 0.5, 1, 2, 4, 8, 8, 8, [50] = 8, [1100] = 8 } do
      for _ = 1, 50 do
        local seconds = delay(retries)
        assert.is_true(seconds <= longest and seconds >= longest * 0.75, retries .. ": " .. seconds)
      end
    end
  end)

  it("is not the same each time", function()
    local seen, count = {}, 0
    for _ = 1, 1000 do
      local seconds = delay(0)
      count = count + (seen[seconds] and 0 or 1)
      seen[seconds] = true
    end
    assert.is_true(count > 1)
  end)

  it("is what the server asked for, exactly", function()
    for _, seconds in ipairs { 0.001, 0.5, 20, 60, 61, 300 } do
      assert.equal(seconds, delay(0, seconds))
      assert.equal(seconds, delay(5, seconds))
    end
  end)

  it("is none where the server asks for too long", function()
    for _, seconds in ipairs { 301, 3600, 1e30 } do
      assert.is_nil(delay(0, seconds))
    end
  end)

  it("leaves the user's random numbers alone", function()
    math.randomseed(7)
    local expected = { math.random(1000), math.random(1000) }
    math.randomseed(7)
    delay(0)
    local first = math.random(1000)
    delay(1)
    assert.same(expected, { first, math.random(1000) })
  end)
end)

describe("retry.is_worthwhile", function()
  local function is_worthwhile(fields)
    return retry.is_worthwhile(errors.new(fields))
  end

  it("goes by the status", function()
    for status = 300, 599 do
      local expected = status == 408 or status == 409 or status == 429 or status >= 500
      assert.equal(expected, is_worthwhile { kind = "api", status = status }, status)
    end
    assert.is_false(is_worthwhile { kind = "api" })
  end)

  it("lets x-should-retry decide", function()
    for status, plain in pairs { [200] = false, [400] = false, [408] = true, [500] = true, [529] = true } do
      for word, expected in pairs { ["true"] = true, ["false"] = false, ["maybe"] = plain, [""] = plain } do
        local fields = { ["x-should-retry"] = word }
        assert.equal(expected, is_worthwhile { kind = "api", status = status, headers = fields }, status .. word)
      end
    end
  end)

  it("goes by the type of an error event, whatever the headers said before it", function()
    for status, expected in pairs { [400] = false, [401] = false, [429] = true, [500] = true, [529] = true } do
      for _, word in ipairs { "true", "false" } do
        assert.equal(expected, is_worthwhile {
          kind = "api", in_stream = true, status = status, headers = { ["x-should-retry"] = word },
        })
      end
    end
  end)

  it("holds for what may pass, and not for what will stay", function()
    for _, code in ipairs { 1, 6, 7, 35, 52, 55, 56 } do
      assert.is_true(is_worthwhile { kind = "connection", code = code }, code)
    end
    for _, code in ipairs { 3, 58, 60, 77 } do
      assert.is_false(is_worthwhile { kind = "connection", code = code }, code)
    end
    assert.is_true(is_worthwhile { kind = "connection" })
    assert.is_true(is_worthwhile { kind = "truncated" })
    for name, expected in pairs { connect = true, first_byte = true, idle = true, total = false } do
      assert.equal(expected, is_worthwhile { kind = "timeout", timeout = name })
    end
    for _, kind in ipairs { "protocol", "cancelled", "invalid_request" } do
      assert.is_false(is_worthwhile { kind = kind })
    end
  end)
end)

describe("a request that fails", function()
  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  describe("is sent again", function()
    it("after 408, 409, 429 and 500 and above, the same to the byte", function()
      for _, status in ipairs { 408, 409, 429, 500, 501, 502, 503, 504, 529, 599 } do
        local message, _, server = create({ failing(status), failing(status), good() }, { max_retries = 2 })
        assert.equal("Hello!", assert(message):text())
        assert.equal(3, message.response.attempts)
        local requests = server:requests()
        assert.equal(3, #requests)
        for i = 2, 3 do
          for _, name in ipairs { "method", "target", "version", "body", "raw_headers" } do
            assert.same(requests[1][name], requests[i][name], name)
          end
        end
      end
    end)

    it("not after any other status", function()
      for _, status in ipairs { 301, 400, 401, 402, 403, 404, 405, 410, 413, 422, 499 } do
        local message, err, server = create({ failing(status), good() }, { max_retries = 2 })
        assert.is_nil(message)
        assert.equal(status, err.status)
        assert.equal(1, err.attempts)
        assert.equal(1, #server:requests())
      end
    end)

    it("as x-should-retry says", function()
      local message = create({ failing(400, { ["x-should-retry"] = "true" }), good() }, { max_retries = 2 })
      assert.equal(2, assert(message).response.attempts)
      local _, err = create({ failing(500, { ["x-should-retry"] = "false" }), good() }, { max_retries = 2 })
      assert.equal(500, err.status)
      assert.equal(1, err.attempts)
    end)

    it("twice by default, or as often as max_retries says", function()
      local server = service.serve(failing(500))
      local _, err = anthropic.new({ base_url = server.url, api_key = "k" }).messages.create(params())
      assert.equal(3, err.attempts)
      assert.equal(3, #server:requests())
      for _, retries in ipairs { 0, 1, 5 } do
        local _, its, another = create(failing(500), { max_retries = retries })
        assert.equal(retries + 1, its.attempts)
        assert.equal(retries + 1, #its.history)
        assert.equal(retries + 1, #another:requests())
      end
    end)

    it("as often as the request's own option says", function()
      local server = service.serve(failing(500))
      local _, err = service.client(server, { max_retries = 5 }).messages.create(params(), { max_retries = 1 })
      assert.equal(2, err.attempts)
    end)

    it("by client:request too", function()
      local server = service.serve { failing(503), { body = { ok = true } } }
      local value = service.client(server, { max_retries = 1 }):request { path = "/v1/things" }
      assert.is_true(value.ok)
      assert.equal(2, value.response.attempts)
    end)

    it("after the connection was refused", function()
      local listener = assert(socket.bind("127.0.0.1", 0))
      local _, port = listener:getsockname()
      listener:close()
      local kind
      local client = service.client(nil, {
        base_url = "http://127.0.0.1:" .. port,
        max_retries = 3,
        on_retry = function(info)
          if info.attempt == 1 then
            kind = info.error.kind
            service.serve(good(), { port = tonumber(port) })
          end
        end,
      })
      local message = assert(client.messages.create(params()))
      assert.equal("Hello!", message:text())
      assert.equal("connection", kind)
      assert.equal(2, message.response.attempts)
    end)

    it("not after a protocol error", function()
      local _, err, server = create({ { body = "<html>" }, good() }, { max_retries = 2 })
      assert.equal("protocol", err.kind)
      assert.equal(1, #server:requests())
    end)
  end)

  describe("waits", function()
    -- The delay before the first retry, which is not waited for.
    local function delay_of(answer, options)
      local client, delay
      local all = { max_retries = 1, on_retry = function(info)
        delay = info.delay
        client:close()
      end }
      for name, value in pairs(options or {}) do
        all[name] = value
      end
      client = service.client(service.serve(answer), all)
      local _, err = client.messages.create(params())
      return delay, err
    end

    -- The SDKs' own cases, and what comes of them here: false is the client's own delay. A wait of more
    -- than a minute is not cut to a shorter one, as the server would refuse again.
    it("as the headers ask", function()
      local function http_date(seconds)
        return os.date("!%a, %d %b %Y %H:%M:%S GMT", 1735689600 + seconds)
      end
      for _, case in ipairs {
        { 20, after = "20" },
        { false, after = "0" },
        { false, after = "-10" },
        { false, after = "-5" },
        { 60, after = "60" },
        { 61, after = "61" },
        { 0.1, after = "0.1" },
        { 0.2, after = "0.2" },
        { 20, after = http_date(20) },
        { 61, after = http_date(61) },
        { false, after = http_date(0) },
        { false, after = http_date(-20) },
        { false, after = "Zun, 29 Sep 2016 12:26:26 GMT" },
        { false, after = "" },
        { false, after = "garbage" },
        { 0.01, after_ms = "10" },
        { 0.03, after_ms = "30" },
        { 0.25, after_ms = "250", after = "20" },
        { 1, after_ms = "0", after = "1" },
        { false, after_ms = "0" },
        { false },
      } do
        local delay = delay_of { status = 503, body = "", headers = {
          Date = http_date(0), ["retry-after"] = case.after, ["retry-after-ms"] = case.after_ms,
        } }
        local where = ("%s, %s: %s"):format(tostring(case.after), tostring(case.after_ms), tostring(delay))
        if case[1] then
          assert.equal(case[1], delay, where)
        else
          assert.is_true(delay >= 0.375 and delay <= 0.5, where)
        end
      end
    end)

    it("not at all where the server asks for too long: the caller is told", function()
      local delay, err = delay_of { status = 429, headers = { ["retry-after"] = "99999999999999999999" }, body = "" }
      assert.is_nil(delay)
      assert.equal(429, err.status)
      assert.equal(1, err.attempts)
      assert.equal(99999999999999999999, err.retry_after)
    end)

    it("that long before it sends again", function()
      local message, _, server = create(
        { { status = 500, headers = { ["retry-after-ms"] = 300 }, body = "" }, good() }, { max_retries = 1 })
      assert(message)
      local requests = server:requests()
      assert.is_true(requests[2].time - requests[1].time >= 0.29)
    end)

    it("less and more from one attempt to the next, as it was not told", function()
      local delays = {}
      local client
      client = service.client(service.serve { status = 500, body = "" }, {
        max_retries = 2,
        on_retry = function(info)
          delays[#delays + 1] = info.delay
          if #delays == 2 then
            client:close()
          end
        end,
      })
      client.messages.create(params())
      assert.is_true(delays[1] >= 0.375 and delays[1] <= 0.5)
      assert.is_true(delays[2] >= 0.75 and delays[2] <= 1)
    end)

    it("within the total timeout, which spans the retries", function()
      local began = socket.gettime()
      local _, err = create(
        { status = 500, headers = { ["retry-after-ms"] = 150 }, body = "" }, { max_retries = 100, timeout = 0.6 })
      assert.equal("api", err.kind)
      assert.equal(500, err.status)
      assert.is_true(err.attempts >= 2 and err.attempts <= 4, err.attempts)
      assert.is_true(socket.gettime() - began < 5)
      _, err = create({ failing(500), { hang = true } }, { max_retries = 100, timeout = 0.5 })
      assert.equal("timeout", err.kind)
      assert.equal("total", err.timeout)
      assert.equal(2, err.attempts)
      assert.equal("api", err.history[1].kind)
      assert.equal("timeout", err.history[2].kind)
    end)

    it("not for a wait that ends after the total timeout: the caller is told at once", function()
      local overloaded = { { data = { type = "error", error = { type = "overloaded_error", message = "No." } } } }
      for status, answer in pairs {
        [500] = { status = 500, headers = { ["retry-after"] = 20 }, body = "" },
        [529] = { events = overloaded, headers = { ["retry-after"] = 20 } },
      } do
        local began = socket.gettime()
        local _, err, server = create(answer, { max_retries = 1, timeout = 5 })
        assert.equal("api", err.kind)
        assert.equal(status, err.status)
        assert.equal(20, err.retry_after)
        assert.equal(1, err.attempts)
        assert.equal(1, #err.history)
        assert.equal(0, err.history[1].waited)
        assert.equal(1, #server:requests())
        assert.is_true(socket.gettime() - began < 4)
      end
    end)
  end)

  describe("tells of it", function()
    it("to on_retry before each wait", function()
      local infos = {}
      local cut = testing.message { text = "Hello!", cut_headers = 20 }
      local message = create({ failing(529), cut, failing(500), good() }, {
        max_retries = 5,
        on_retry = function(info)
          infos[#infos + 1] = info
        end,
      })
      assert.equal(4, assert(message).response.attempts)
      assert.equal(3, #infos)
      for i, info in ipairs(infos) do
        assert.equal(i, info.attempt)
        assert.equal(5, info.max_retries)
      end
      assert.equal(529, infos[1].error.status)
      assert.equal("overloaded_error", infos[1].error.type)
      assert.equal(0.001, infos[1].delay)
      assert.equal("truncated", infos[2].error.kind)
      assert.is_true(infos[2].delay >= 0.75 and infos[2].delay <= 1)
      assert.equal(500, infos[3].error.status)
    end)

    it("in the error's history", function()
      local _, err = create({
        failing(500),
        testing.message { text = "Hello!", cut_after = 20, headers = { ["retry-after-ms"] = 20 } },
        testing.error { status = 400, delay = 0.1 },
      }, { max_retries = 5 })
      assert.equal("api", err.kind)
      assert.equal(400, err.status)
      assert.equal(3, err.attempts)
      assert.equal(3, #err.history)
      local first, second, third = err.history[1], err.history[2], err.history[3]
      assert.equal(500, first.status)
      assert.equal("api", first.kind)
      assert.equal(0.001, first.waited)
      assert.equal(200, second.status)
      assert.equal("truncated", second.kind)
      assert.equal(0.02, second.waited)
      assert.equal(400, third.status)
      assert.equal("api", third.kind)
      assert.equal(0, third.waited)
      assert.is_true(third.seconds >= 0.09 and third.seconds < 5)
      assert.is_true(first.seconds >= 0 and first.seconds < 5)
    end)

    it("in the log", function()
      local events = {}
      create({ failing(500), good() }, {
        max_retries = 1,
        on_log = function(record)
          events[#events + 1] = record.event .. " " .. record.attempt
        end,
      })
      assert.same({
        "request 1", "response 1", "body 1", "retry 1", "request 2", "response 2", "body 2", "done 2",
      }, events)
    end)
  end)
end)

describe("a stream that fails", function()
  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  local OVERLOADED = { type = "error", error = { type = "overloaded_error", message = "Overloaded" } }

  local function start(id)
    return { type = "message_start", message = { id = id, type = "message", role = "assistant", model = "m",
      content = testing.array {}, usage = { input_tokens = 1 } } }
  end

  local function block(kind)
    return { type = "content_block_start", index = 0, content_block = { type = kind, [kind] = "" } }
  end

  local function answer(...)
    local events = {}
    for i, data in ipairs { ... } do
      events[i] = { event = data.type, data = data }
    end
    return { events = events, headers = { ["retry-after-ms"] = 1 } }
  end

  local function good_stream()
    return testing.stream { id = "msg_good", text = "Hello again!", ping = false }
  end

  -- How often each type of event was seen, and how the reading ended.
  local function read(stream)
    local seen = {}
    local event, err = stream:next()
    while event do
      seen[event.type] = (seen[event.type] or 0) + 1
      event, err = stream:next()
    end
    return seen, err
  end

  local before_content = {
    ["after its start"] = answer(start "msg_bad", OVERLOADED),
    ["after a ping"] = answer(start "msg_bad", { type = "ping" }, OVERLOADED),
    ["after an empty text block's start"] = answer(start "msg_bad", block "text", { type = "ping" }, OVERLOADED),
    ["after an empty thinking block's start"] = answer(start "msg_bad", block "thinking", OVERLOADED),
    ["at once"] = answer(OVERLOADED),
  }

  for name, bad in pairs(before_content) do
    it("by an error event " .. name .. " is asked for again, and the reader sees one stream", function()
      local infos = {}
      local server = service.serve { bad, good_stream() }
      local client = service.client(server, {
        max_retries = 2,
        on_retry = function(info)
          infos[#infos + 1] = info
        end,
      })
      local stream = assert(client.messages.stream(params()))
      local seen, err = read(stream)
      assert.is_nil(err)
      assert.equal(1, seen.message_start)
      assert.equal(1, seen.content_block_start)
      assert.equal(1, seen.message_stop)
      assert.is_nil(seen.ping)
      assert.is_nil(seen.error)
      local message = assert(stream:message())
      assert.equal("msg_good", message.id)
      assert.equal("Hello again!", message:text())
      assert.equal(2, message.response.attempts)
      assert.equal(2, stream.response.attempts)
      assert.equal("req_test_2", stream.response.request_id)
      assert.equal(2, #server:requests())
      assert.equal(1, #infos)
      assert.equal(529, infos[1].error.status)
      assert.equal(0.001, infos[1].delay)
    end)
  end

  it("before its content in another way is asked for again", function()
    local reset = answer(start "msg_bad", { type = "ping" })
    reset.reset_after = 1000
    local stuck = answer(start "msg_bad")
    stuck.hang_after = 1000
    for _, bad in ipairs { answer(start "msg_bad"), answer(), reset, stuck } do
      local client = service.client(service.serve { bad, good_stream() }, { max_retries = 1, timeout = { idle = 0.3 } })
      local message = assert(assert(client.messages.stream(params())):message())
      assert.equal("msg_good", message.id)
      assert.equal(2, message.response.attempts)
    end
  end)

  it("is asked for as often as max_retries says, failures of both sorts counted", function()
    local bad = answer(start "msg_bad", OVERLOADED)
    local server = service.serve { failing(500), bad, failing(503), bad, good_stream() }
    local stream = assert(service.client(server, { max_retries = 3 }).messages.stream(params()))
    local seen, err = read(stream)
    assert.same({}, seen)
    assert.equal("overloaded_error", err.type)
    assert.is_true(err.in_stream)
    assert.equal(4, err.attempts)
    assert.equal(4, #server:requests())
    local statuses = {}
    for i, attempt in ipairs(err.history) do
      statuses[i] = attempt.status .. " " .. attempt.kind .. " " .. attempt.waited
    end
    assert.same({ "500 api 0.001", "200 api 0.001", "503 api 0.001", "200 api 0" }, statuses)
    server = service.serve { failing(500), bad, failing(503), bad, good_stream() }
    stream = assert(service.client(server, { max_retries = 4 }).messages.stream(params()))
    assert.equal("msg_good", assert(stream:message()).id)
    assert.equal(5, stream.response.attempts)
  end)

  it("and then meets another refusal gives that one", function()
    local server = service.serve { answer(start "msg_bad", OVERLOADED), testing.error { status = 400 } }
    local stream = assert(service.client(server, { max_retries = 3 }).messages.stream(params()))
    local seen, err = read(stream)
    assert.same({}, seen)
    assert.equal(400, err.status)
    assert.equal(2, err.attempts)
    assert.is_nil(err.in_stream)
    local _, same = stream:next()
    assert.is_true(rawequal(err, same))
  end)

  it("before its content by what will stay is not asked for again", function()
    for _, bad in ipairs {
      answer(start "msg_bad", { type = "error", error = { type = "invalid_request_error", message = "No." } }),
      answer(start "msg_bad", { type = "error", error = { type = "strange_error", message = "No." } }),
      { events = { { data = "not JSON" } } },
      answer { type = "content_block_delta", index = 0 },
    } do
      local server = service.serve { bad, good_stream() }
      local _, err = assert(service.client(server, { max_retries = 2 }).messages.stream(params())):message()
      assert.equal(1, err.attempts)
      assert.equal(1, #server:requests())
    end
  end)

  local function delta(kind, field)
    return { type = "content_block_delta", index = 0, delta = { type = kind, [field or "text"] = "x" } }
  end

  it("after its first content is never asked for again", function()
    for _, bad in ipairs {
      answer(start "msg_bad", block "text", delta "text_delta", OVERLOADED),
      answer(start "msg_bad", block "thinking", delta("thinking_delta", "thinking"), OVERLOADED),
      answer(start "msg_bad", { type = "content_block_start", index = 0,
        content_block = { type = "text", text = "Hello" } }, OVERLOADED),
      answer(start "msg_bad", { type = "content_block_start", index = 0,
        content_block = { type = "tool_use", id = "t", name = "n", input = {} } }, OVERLOADED),
      answer(start "msg_bad", { type = "event_of_tomorrow" }, OVERLOADED),
      answer(start "msg_bad", block "text", delta "text_delta"),
    } do
      local server = service.serve { bad, good_stream() }
      local seen, err = read(assert(service.client(server, { max_retries = 2 }).messages.stream(params())))
      assert.equal(1, seen.message_start)
      assert.equal(1, err.attempts)
      assert.equal("msg_bad", err.partial.id)
      assert.equal(1, #server:requests())
    end
  end)

  it("before its content is asked for again where the caller wanted a whole message", function()
    local server = service.serve { answer(start "msg_bad", OVERLOADED), good_stream() }
    local message = assert(service.client(server, { max_retries = 2 }).messages.create(params()))
    assert.equal("msg_good", message.id)
    assert.equal(2, message.response.attempts)
  end)

  it("after its content is not, where the caller wanted a whole message and saw nothing of it", function()
    local server = service.serve {
      answer(start "msg_bad", block "text", delta "text_delta", OVERLOADED), good_stream(),
    }
    local message, err = service.client(server, { max_retries = 2 }).messages.create(params())
    assert.is_nil(message)
    assert.equal(1, err.attempts)
    assert.equal("x", err.partial:text())
  end)
end)

describe("the wait before a retry", function()
  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  local function busy()
    return { status = 503, headers = { ["retry-after"] = 60 }, body = "" }
  end

  local function busy_stream()
    return {
      headers = { ["retry-after"] = 60 },
      events = { { data = { type = "error", error = { type = "overloaded_error", message = "Overloaded" } } } },
    }
  end

  -- Runs `wait` as a task, `interrupt(task)` as soon as it waits for a retry, and gives what `wait`
  -- gave and the seconds that it all took.
  local function interrupted(script, wait, interrupt)
    local waiting, result = false, nil
    local client = service.client(service.serve(script), {
      max_retries = 2,
      on_retry = function()
        waiting = true
      end,
    })
    local began = socket.gettime()
    anthropic.run(function()
      local task = anthropic.spawn(function()
        result = { wait(client) }
      end)
      while not waiting and not task.done do
        anthropic.sleep(0.01)
      end
      anthropic.sleep(0.05)
      assert.is_nil(result, result and tostring(result[2]))
      interrupt(task, client)
      task:join()
    end)
    assert.is_true(socket.gettime() - began < 20)
    return result
  end

  local function check(result)
    assert.is_nil(result[1])
    local err = result[2]
    assert.equal("cancelled", err.kind)
    assert.equal(1, err.attempts)
    assert.equal(1, #err.history)
    assert.is_nil(tostring(err):find "\n")
  end

  local function ask(client)
    return client.messages.create(params())
  end

  it("ends when the task is cancelled", function()
    check(interrupted(busy(), ask, function(task) task:cancel() end))
  end)

  it("ends when the client is closed", function()
    check(interrupted(busy(), ask, function(_, client) client:close() end))
  end)

  it("ends when the task that reads the stream is cancelled", function()
    check(interrupted(busy_stream(), function(client)
      return assert(client.messages.stream(params())):next()
    end, function(task) task:cancel() end))
  end)

  it("ends when the stream is closed by another task", function()
    local stream
    check(interrupted(busy_stream(), function(client)
      stream = assert(client.messages.stream(params()))
      return stream:next()
    end, function() stream:close() end))
    local event, err = stream:next()
    assert.is_nil(event)
    assert.equal("cancelled", err.kind)
  end)

  it("ends when the client of the stream is closed by another task", function()
    check(interrupted(busy_stream(), function(client)
      return assert(client.messages.stream(params())):next()
    end, function(_, client) client:close() end))
  end)

  it("ends without a scheduler when on_retry closes the client", function()
    local client
    client = service.client(service.serve(busy()), { max_retries = 2, on_retry = function() client:close() end })
    local began = socket.gettime()
    check { client.messages.create(params()) }
    assert.is_true(socket.gettime() - began < 20)
  end)

  it("lets other tasks go on", function()
    local client = service.client(service.serve { routes = {
      { body_contains = "slow", answers = { { status = 500, headers = { ["retry-after-ms"] = 400 }, body = "" },
        testing.message { text = "slow" } } },
      { answers = { testing.message { text = "quick" } } },
    } }, { max_retries = 1 })
    local order = {}
    anthropic.run(function()
      anthropic.spawn(function()
        local message = assert(client.messages.create(params { metadata = { user_id = "slow" } }))
        order[#order + 1] = message:text()
      end)
      anthropic.sleep(0.05)
      for _ = 1, 3 do
        local message = assert(client.messages.create(params()))
        order[#order + 1] = message:text()
      end
    end)
    assert.same({ "quick", "quick", "quick", "slow" }, order)
  end)
end)
