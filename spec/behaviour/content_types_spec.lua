-- Answers that are called something else than they are, or nothing: what a call asked for and what the body holds
-- decide how they are read. Encodings: encoding_spec.

local json = require "anthropic.testing.json"
local service = require "spec.support.service"
local streams = require "spec.support.streams"
local testing = require "anthropic.testing"

local params = service.params

local CONTENT_TYPES = {
  false, "text/event-stream", "TEXT/Event-Stream; charset=utf-8", "text/plain", "text/html; charset=UTF-8",
  "application/json", "application/problem+json", "application/octet-stream", "application/x-ndjson",
  "application/stream+json", "text/readystream", "application/json, text/event-stream; charset=utf-8", "nonsense",
}

local NATIVE = testing.stream { text = "Hello!" }
local CHUNKS = testing.completion_stream { content = "Hello!" }

-- The bytes of an answer's body.
local function body_of(answer)
  if not answer.events then
    return json.encode(answer.body)
  end
  local lines = {}
  for _, event in ipairs(answer.events) do
    lines[#lines + 1] = event.event and "event: " .. event.event .. "\n" or ""
    local data = event.data
    data = type(data) == "table" and json.encode(data) or data
    lines[#lines + 1] = "data: " .. data .. "\n\n"
  end
  return table.concat(lines)
end

local MESSAGES = {
  ["the API's events"] = body_of(NATIVE),
  ["chunks of a chat completion"] = body_of(CHUNKS),
  ["a message"] = body_of(testing.message { text = "Hello!" }),
  ["a chat completion"] = body_of(testing.completion { content = "Hello!" }),
}

-- What may stand before a body's first line.
local SILENCE = {
  ["nothing"] = "",
  ["line ends"] = "\n\r\n\n",
  ["a byte order mark"] = "\239\187\191",
  ["heartbeats"] = ": ping\n\n: OPENROUTER PROCESSING\n\n",
  ["all of them"] = "\239\187\191\n\n: ping\r\n\r\n",
}

local function answer(body, content_type, more)
  local made = { body = body, headers = { ["Content-Type"] = content_type } }
  for name, value in pairs(more or {}) do
    made[name] = value
  end
  return made
end

-- The script, so often.
local function repeated(script, times)
  local list = {}
  for i = 0, times * #script - 1 do
    list[i + 1] = script[i % #script + 1]
  end
  return list
end

-- Ways to ask: each to the text of the message, or nil and an error.
local WAYS = { -- whole, as a stream, as a stream by its pieces
  function(client)
    local message, err = client.messages.create(params())
    return message and message:text(), err
  end,
  function(client)
    local stream, err = client.messages.stream(params())
    if not stream then
      return nil, err
    end
    local message
    message, err = stream:message()
    return message and message:text(), err
  end,
  function(client)
    local stream, err = client.messages.stream(params())
    if not stream then
      return nil, err
    end
    local pieces = {}
    local ok, raised = pcall(function()
      for text in stream:text_deltas() do
        pieces[#pieces + 1] = text
      end
    end)
    return ok and table.concat(pieces) or nil, not ok and raised or nil
  end,
}

describe("an answer to a request for a message", function()
  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  for what, body in pairs(MESSAGES) do
    it("is read by what it holds, whatever it is called: " .. what, function()
      local script = {}
      for i, content_type in ipairs(CONTENT_TYPES) do
        script[i] = answer(body, content_type, { framing = i % 2 == 0 and "chunked" or "length" })
      end
      local client = service.client(service.serve(repeated(script, #WAYS)))
      for _, ask in ipairs(WAYS) do
        for _, content_type in ipairs(CONTENT_TYPES) do
          local text, err = ask(client)
          assert.equal("Hello!", text, tostring(content_type) .. ": " .. tostring(err))
        end
      end
    end)

    it("is read behind what says nothing, and in any pieces: " .. what, function()
      local script = {}
      for _, silence in pairs(SILENCE) do
        for _, content_type in ipairs { "text/event-stream", "application/json", false } do
          script[#script + 1] = answer(silence .. body, content_type)
          script[#script + 1] = answer(silence .. body, content_type, { splits = { 1, 2, 3, 9, 12 } })
        end
      end
      local client = service.client(service.serve(repeated(script, #WAYS)))
      for _, ask in ipairs(WAYS) do
        for i = 1, #script do
          local text, err = ask(client)
          assert.equal("Hello!", text, i .. ": " .. tostring(err))
        end
      end
    end)
  end

  it("is the API's error where it holds one, and retried by its status, whatever it is called", function()
    local OVERLOADED = '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
    local QUOTA = '{"error":{"message":"quota exceeded","type":"insufficient_quota"}}'
    local script = {}
    for _, content_type in ipairs(CONTENT_TYPES) do
      local more = { headers = { ["Content-Type"] = content_type, ["retry-after-ms"] = 1 } }
      for _, body in ipairs { OVERLOADED, "\n" .. OVERLOADED, MESSAGES["a message"], QUOTA } do
        script[#script + 1] = answer(body, content_type, more)
      end
    end
    local client = service.client(service.serve(repeated(script, #WAYS)), { max_retries = 2 })
    for _, ask in ipairs(WAYS) do
      for _ = 1, #CONTENT_TYPES do
        assert.equal("Hello!", ask(client))
        local text, err = ask(client)
        assert.is_nil(text)
        assert.equal("api", err.kind)
        assert.equal("quota exceeded", err.message)
        assert.equal(1, err.attempts)
      end
    end
  end)

  it("is a protocol error with the body where it is not a message, whatever it is called", function()
    local bodies = { "<html><title>502</title></html>", "upstream timed out", '{"id":1}\n{"id":2}\n', "null", "[]",
                     "\0\1\255" }
    local script = {}
    for _, body in ipairs(bodies) do
      for _, content_type in ipairs(CONTENT_TYPES) do
        script[#script + 1] = answer(body, content_type)
      end
    end
    local client = service.client(service.serve(repeated(script, #WAYS)), { max_retries = 2 })
    for _, ask in ipairs(WAYS) do
      for _, sent in ipairs(script) do
        local text, err = ask(client)
        assert.is_nil(text)
        assert.equal("protocol", err.kind)
        assert.equal(sent.body, err.body)
        assert.equal(1, err.attempts)
      end
    end
  end)

  it("may have come whole where an earlier attempt broke off as a stream", function()
    local server = service.serve {
      testing.stream { text = "Hello!", cut_after = 100, headers = { ["retry-after-ms"] = 1 } },
      answer(MESSAGES["a chat completion"], "application/json"),
    }
    local message = assert(assert(service.client(server, { max_retries = 1 }).messages.stream(params())):message())
    assert.equal("Hello!", message:text())
    assert.equal("chat.completion", message.raw.object)
    assert.equal(2, message.response.attempts)
  end)

  it("is a stream as soon as its headers are there, if it calls itself one", function()
    local server = service.serve(answer("\n\n" .. MESSAGES["the API's events"], "text/event-stream", {
      splits = { 2 }, delay_between = 0.03, framing = "chunked",
    }))
    local stream = assert(service.client(server).messages.stream(params()))
    assert.equal(200, stream.response.status)
    assert.equal("", stream:snapshot():text())
    assert.equal("Hello!", assert(stream:message()):text())
  end)

  it("keeps its connection alive by heartbeats before it shows what it is", function()
    local script = {}
    for _, body in pairs(MESSAGES) do
      local events = { { raw = "\n" } }
      for i = 2, 8 do
        events[i] = { raw = i % 2 == 0 and ": ping\n\n" or "\n", delay = 0.05 }
      end
      events[9] = { raw = body }
      script[#script + 1] = { events = events, headers = { ["Content-Type"] = "application/json" } }
    end
    local client = service.client(service.serve(script), { timeout = { idle = 0.3, first_byte = 10 } })
    for _ = 1, #script do
      assert.equal("Hello!", assert(client.messages.create(params())):text())
    end
  end)

  it("fails in time where it never shows what it is", function()
    for _, content_type in ipairs { "text/event-stream", "application/json" } do
      local server = service.serve {
        events = { { raw = ": ping\n\n" } }, hang_after = 8, headers = { ["Content-Type"] = content_type },
      }
      for _, ask in ipairs(WAYS) do
        local text, err = ask(service.client(server, { timeout = { idle = 0.05 } }))
        assert.is_nil(text)
        assert.equal("idle", err.timeout)
      end
    end
  end)
end)

describe("a stream whose body ends cleanly", function()
  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  -- The stream with `ending` in place of what follows its end mark's line.
  local function ending_with(what, ending)
    return (MESSAGES[what]:gsub("\n\n$", "")) .. ending
  end

  for _, what in ipairs { "the API's events", "chunks of a chat completion" } do
    it("is whole where the empty line behind its end mark is missing: " .. what, function()
      local script = {}
      for _, ending in ipairs { "", "\n", "\r\n", "\r", "\n: bye", "\n: bye\n" } do
        for _, framing in ipairs { "chunked", "length", "close" } do
          script[#script + 1] = answer(ending_with(what, ending), "text/event-stream", { framing = framing })
        end
      end
      local client = service.client(service.serve(repeated(script, #WAYS + 1)))
      for _, ask in ipairs(WAYS) do
        for i = 1, #script do
          assert.equal("Hello!", (ask(client)), i)
        end
      end
      for _ = 1, #script do
        local request = { method = "POST", path = "/v1/messages", body = params(), stream = true }
        assert.equal("Hello!", assert(assert(client:request(request)):message()):text())
      end
    end)

    it("is truncated where a part of its end mark is missing: " .. what, function()
      local whole = ending_with(what, "")
      for _, missing in ipairs { 1, 2, 5 } do
        local server = service.serve(answer(whole:sub(1, -1 - missing), "text/event-stream", { framing = "close" }))
        for _, ask in ipairs(WAYS) do
          local text, err = ask(service.client(server))
          assert.is_nil(text)
          assert.equal("truncated", err.kind)
          assert.equal("Hello!", err.partial:text())
        end
        server:stop()
      end
    end)

    it("is truncated where it was cut, whatever came: " .. what, function()
      for _, framing in ipairs { "chunked", "length" } do
        local body = ending_with(what, "")
        local cut = { framing = framing, cut_after = #body }
        local server = service.serve(answer(body .. "\n\n", "text/event-stream", cut))
        for _, ask in ipairs(WAYS) do
          local text, err = ask(service.client(server))
          assert.is_nil(text)
          assert.equal("truncated", err.kind)
        end
        server:stop()
      end
    end)
  end

  it("is truncated where the last event is another, its empty line missing", function()
    for name in pairs { text = true, chat_text = true } do
      local bytes = streams.read(name)
      local before_end = bytes:gsub("event: message_stop.*$", ""):gsub("data: %[DONE%].*$", ""):gsub("\n\n$", "")
      local server = service.serve(answer(before_end, "text/event-stream", { framing = "close" }))
      for _, ask in ipairs(WAYS) do
        local text, err = ask(service.client(server))
        assert.is_nil(text)
        assert.equal("truncated", err.kind)
      end
      server:stop()
    end
  end)
end)

describe("a stream of any kind", function()
  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  local EVENTS = 'event: thing\ndata: {"type":"thing","n":1}\n\nevent: thing\ndata: {"type":"thing","n":2}\n\n'

  -- Ways to ask for one, each to its events or nil and an error.
  local ASKS = {
    function(client) return client:request { path = "/v1/things/stream", stream = true } end,
    function(client) return client:request { path = "/v1/messages", body = params(), stream = true } end,
    function(client) return client.beta.sessions.events.stream "session" end,
  }

  local function read(client, ask)
    local stream, err = ask(client)
    local events = {}
    while stream do
      local event
      event, err = stream:next()
      if not event then
        break
      end
      events[#events + 1] = event
    end
    return not err and events or nil, err
  end

  it("is read where it calls itself one, with events or without", function()
    local script = {
      answer(EVENTS, "text/event-stream"), answer("\n: hello\n\n" .. EVENTS, "Text/Event-Stream;charset=utf-8"),
      answer("", "text/event-stream"), answer(": bye\n\n", "text/event-stream"),
    }
    local client = service.client(service.serve(repeated(script, #ASKS)))
    for _, ask in ipairs(ASKS) do
      for _, count in ipairs { 2, 2, 0, 0 } do
        assert.equal(count, #assert(read(client, ask)))
      end
    end
  end)

  it("is no empty success where the answer has no body, or ends inside its only event", function()
    for _, ask in ipairs(ASKS) do
      local script = {
        { status = 204, headers = { ["Content-Type"] = "text/event-stream" } },
        answer('data: {"id":1}\n', "text/event-stream"), answer('data: {"id":', "text/event-stream"),
      }
      local client = service.client(service.serve(script))
      for _, kind in ipairs { "protocol", "truncated", "truncated" } do
        local events, err = read(client, ask)
        assert.is_nil(events)
        assert.equal(kind, err.kind)
      end
    end
  end)

  it("is truncated where it ends inside an event, whatever came before", function()
    local client = service.client(service.serve(repeated({
      answer(EVENTS .. 'event: thing\ndata: {"n":', "text/event-stream"),
      answer(EVENTS .. 'event: thing\ndata: {"n":3}\n', "text/event-stream"),
    }, #ASKS)))
    for _, ask in ipairs(ASKS) do
      for _ = 1, 2 do
        local stream = assert(ask(client))
        assert.same({ 1, 2 }, { stream:next().n, stream:next().n })
        local event, err = stream:next()
        assert.is_nil(event)
        assert.equal("truncated", err.kind)
      end
    end
  end)

  it("is a protocol error with the body where it calls itself something else, or holds something else", function()
    for _, ask in ipairs(ASKS) do
      local cases = {
        { "<html><title>504</title></html>", "text/html" }, { '{"id":1}\n{"id":2}\n', "application/x-ndjson" },
        { '{"id":"x"}', "application/json" }, { "\0\1\255", "application/octet-stream" }, { "", "application/json" },
        { "upstream timed out", "text/plain" }, { EVENTS, "text/plain" }, { EVENTS, false },
        { MESSAGES["a message"], "application/json" },
        { "<html></html>", "text/event-stream" }, { '{"id":"x"}', "text/event-stream" },
        { '{"id":1}\n{"id":2}\n', "text/event-stream" }, { "upstream timed out", "text/event-stream" },
        { "[]", "text/event-stream" },
      }
      local script = {}
      for i, case in ipairs(cases) do
        script[i] = answer(case[1], case[2])
      end
      local server = service.serve(script)
      local client = service.client(server, { max_retries = 2 })
      for _, case in ipairs(cases) do
        local events, err = read(client, ask)
        assert.is_nil(events)
        assert.equal("protocol", err.kind)
        assert.equal("the answer is not an event stream", err.message)
        assert.equal(case[1], err.body)
        assert.equal(200, err.status)
        assert.equal(1, err.attempts)
      end
      server:stop()
    end
  end)

  it("is the API's error where it holds an error object, and retried by its status", function()
    local OVERLOADED = '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
    local script = {}
    for _, content_type in ipairs { "application/json", "text/event-stream", "text/plain" } do
      local refusal = answer(OVERLOADED, content_type, {
        headers = { ["Content-Type"] = content_type, ["retry-after-ms"] = 1 },
      })
      for _, sent in ipairs { refusal, answer(EVENTS, "text/event-stream"), refusal, refusal } do
        script[#script + 1] = sent
      end
    end
    local client = service.client(service.serve(repeated(script, #ASKS)), { max_retries = 1 })
    for _, ask in ipairs(ASKS) do
      for _ = 1, 3 do
        assert.equal(2, #assert(read(client, ask)))
        local events, err = read(client, ask)
        assert.is_nil(events)
        assert.equal("api", err.kind)
        assert.equal(529, err.status)
        assert.equal("Overloaded", err.message)
        assert.equal(2, err.attempts)
      end
    end
  end)

  it("that begins a message is truncated without its end, whatever path it was asked for by", function()
    local cuts = {
      ["the API's events"] = "event: message_stop.*$", ["chunks of a chat completion"] = "data: %[DONE%].*$",
    }
    for what, cut in pairs(cuts) do
      local script = {
        answer(MESSAGES[what], "text/event-stream"), answer((MESSAGES[what]:gsub(cut, "")), "text/event-stream"),
      }
      local client = service.client(service.serve(repeated(script, 4)))
      for _, path in ipairs { "/v1/messages", "/v1/messages?beta=true", "/relay/messages", "/openai/deployments/x" } do
        local function ask()
          return assert(client:request { method = "POST", path = path, body = params(), stream = true }):message()
        end
        assert.equal("Hello!", assert(ask()):text())
        local message, err = ask()
        assert.is_nil(message)
        assert.equal("truncated", err.kind)
        assert.equal("Hello!", err.partial:text())
      end
    end
  end)
end)

describe("an answer without a body", function()
  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  it("is an empty table with its response, to a DELETE, to HEAD and where its status says so", function()
    local EMPTY = { status = 200, body = "" }
    local client = service.client(service.serve {
      { status = 204 }, EMPTY, { status = 204, headers = { ["Content-Type"] = false } }, EMPTY,
      { status = 202, body = "" },
    })
    for _, ask in ipairs {
      function() return client.files.delete "file_1" end,
      function() return client.messages.batches.delete "batch_1" end,
      function() return client:request { method = "DELETE", path = "/v1/things/1" } end,
      function() return client:request { method = "HEAD", path = "/v1/things/1" } end,
      function() return client:request { path = "/v1/things", body = { a = 1 } } end,
    } do
      local result, err = ask()
      assert.same({}, result, tostring(err))
      assert.is_nil((next(result)))
      assert.matches("^20%d$", tostring(result.response.status))
      assert.is_string(result.response.request_id)
      assert.equal("{}", require("anthropic").encode(result))
    end
  end)

  it("is a protocol error where something was asked for", function()
    local client = service.client(service.serve { status = 200, body = "" })
    for _, ask in ipairs {
      function() return client.models.retrieve "m" end,
      function() return client.models.list() end,
      function() return client.messages.count_tokens(params()) end,
      function() return client.messages.create(params()) end,
    } do
      local result, err = ask()
      assert.is_nil(result)
      assert.equal("protocol", err.kind)
      assert.equal("the answer is empty", err.message)
    end
  end)
end)
