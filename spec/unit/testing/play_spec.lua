local play = require "anthropic.testing.play"
local raw_client = require "spec.support.raw_client"
local prepare = require("anthropic.testing.script").prepare
local socket = require "socket"
local testing = require "anthropic.testing"

local connect = raw_client.connect
local request_text = raw_client.request_text
local read_to_end = raw_client.read_to_end
local exchange = raw_client.exchange
local fetch = raw_client.fetch
local read_answer = raw_client.read_answer
local chunks_of = raw_client.chunks_of
local dechunk = raw_client.dechunk
local eventually = raw_client.eventually
local closing = { "Connection: close" }

describe("the testing server", function()
  local server

  local function serve(script, options)
    options = options or {}
    options.script = script
    server = testing.server(options)
    return server
  end

  after_each(function()
    if server then
      server:stop()
      server = nil
    end
  end)

  describe("playing a script", function()
    it("gives the answers in order and repeats the last", function()
      serve { { body = "1" }, { body = "2" } }
      assert.equal("1", (fetch(server)))
      assert.equal("2", (fetch(server)))
      assert.equal("2", (fetch(server)))
    end)

    it("fails at its end when it is told to", function()
      serve({ { body = "1" } }, { on_end = "error" })
      assert.equal("1", (fetch(server)))
      local body, head = fetch(server)
      assert.matches("^HTTP/1.1 500 ", head)
      assert.matches('"type":"api_error"', body)
      assert.matches("the script is at its end", body)
    end)

    it("takes a single answer", function()
      serve { status = 404, body = "alone" }
      local body, head = fetch(server)
      assert.equal("alone", body)
      assert.matches("^HTTP/1.1 404 Not Found\r\n", head)
    end)

    it("chooses by method, path and body", function()
      serve { routes = {
        { method = "GET", path = "/v1/models", answers = { { body = "models" } } },
        { match = "^/v1/files/[^/]+$", answers = { { body = "file 1" }, { body = "file 2" } } },
        { body_contains = "%d", answers = { { body = "percent" } } },
        { body_match = { '"stream"%s*:%s*true', "two" }, answers = { { body = "both" } } },
        { path = "/once", on_end = "error", answers = { { body = "once" } } },
      } }
      assert.equal("file 1", (fetch(server, { target = "/v1/files/a?x=1" })))
      assert.equal("models", (fetch(server, { method = "GET", target = "/v1/models?limit=1" })))
      assert.equal("file 2", (fetch(server, { target = "/v1/files/b" })))
      assert.equal("percent", (fetch(server, { body = "a%da" })))
      assert.equal("both", (fetch(server, { body = '{"stream" : true, "two": 1}' })))
      assert.equal("once", (fetch(server, { target = "/once" })))
      assert.matches("500", (select(2, fetch(server, { target = "/once" }))))
      local body, head = fetch(server, { body = '{"stream": true}' })
      assert.matches("^HTTP/1.1 404 ", head)
      assert.matches('"not_found_error"', body)
    end)

    it("sends status, reason, headers and request id", function()
      serve {
        { status = 529, reason = "Overloaded", request_id = "req_mine", body = "x",
          headers = { ["retry-after"] = 3, ["content-type"] = "text/html" } },
        { headers = { { "Set-Cookie", "a" }, { "Set-Cookie", "b" }, { "request-id", false } } },
      }
      local _, head = fetch(server)
      assert.matches("^HTTP/1.1 529 Overloaded\r\n", head)
      assert.matches("\r\nrequest%-id: req_mine\r\n", head)
      assert.matches("\r\nretry%-after: 3\r\n", head)
      assert.matches("\r\ncontent%-type: text/html\r\n", head)
      assert.is_nil(head:find("application/json", 1, true))
      _, head = fetch(server)
      assert.matches("\r\nSet%-Cookie: a\r\nSet%-Cookie: b\r\n", head)
      assert.is_nil(head:find("request-id", 1, true))
      assert.matches("\r\nContent%-Type: application/json\r\n", head)
    end)

    it("numbers its request ids", function()
      serve { {} }
      assert.matches("request%-id: req_test_1\r\n", (select(2, fetch(server))))
      assert.matches("request%-id: req_test_2\r\n", (select(2, fetch(server))))
    end)

    it("frames a body by length, in chunks, or by its end", function()
      serve {
        { body = "abc" },
        { body = "abc", framing = "chunked" },
        { body = "abc", framing = "close" },
        { body = "abc", headers = { ["content-length"] = false } },
      }
      local body, head = fetch(server)
      assert.equal("abc", body)
      assert.matches("Content%-Length: 3\r\n", head)
      body, head = fetch(server)
      assert.equal("3\r\nabc\r\n0\r\n\r\n", body)
      assert.matches("Transfer%-Encoding: chunked\r\n", head)
      for _ = 1, 2 do
        body, head = fetch(server, { headers = { "X: y" } })
        assert.equal("abc", body)
        assert.is_nil(head:lower():find("content-length", 1, true))
        assert.is_nil(head:find("Transfer-Encoding", 1, true))
      end
    end)

    it("sends no body to HEAD and with 204, and keeps the connection", function()
      serve { { body = "abc" }, { status = 204, body = "abc" }, { body = "end" } }
      local client = connect(server)
      client:send(request_text { method = "HEAD" } .. request_text() .. request_text { headers = closing })
      local text = read_to_end(client)
      assert.is_nil(text:find("abc", 1, true))
      assert.matches("^HTTP/1.1 200 .*Content%-Length: 3.*HTTP/1.1 204 No Content.*HTTP/1.1 200 .*end$", text)
    end)

    it("sends a table as JSON", function()
      serve { { body = { type = "message", content = testing.array {}, stop_reason = testing.null, n = 1.5 } } }
      assert.equal('{"type":"message","content":[],"n":1.5,"stop_reason":null}', (fetch(server)))
    end)

    it("sends events, raw strings and pauses", function()
      serve { { events = {
        { event = "ping", data = { type = "ping" } },
        ": comment\n\n",
        { delay = 0.05 },
        { data = "two\nlines", id = "7" },
      } } }
      local body, head = fetch(server)
      assert.matches("Content%-Type: text/event%-stream; charset=utf%-8\r\n", head)
      assert.same({
        'event: ping\ndata: {"type":"ping"}\n\n', ": comment\n\n", "id: 7\ndata: two\ndata: lines\n\n",
      }, chunks_of(body))
    end)

    it("sends interim answers first", function()
      serve { { interim = { 100, { status = 103, headers = { Link = "<x>" } } }, body = "final" } }
      local text = exchange(server, { headers = closing })
      assert.matches("^HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"
        .. "HTTP/1.1 200 OK\r\n.*final$", text)
    end)

    it("waits before the answer, before an event and between the pieces", function()
      serve {
        { delay = 0.3, body = "x" },
        { events = { "a", { data = "b", delay = 0.3 } } },
        { body = "abcd", chunk_bytes = 1, delay_between = 0.1 },
      }
      for _ = 1, 3 do
        local start = socket.gettime()
        fetch(server)
        local seconds = socket.gettime() - start
        assert.is_true(seconds >= 0.29 and seconds < 5, seconds)
      end
    end)

    it("sends the head before the pause of the first event", function()
      serve { { events = { { data = "a", delay = 0.5 } } } }
      local client = connect(server)
      local start = socket.gettime()
      client:send(request_text { headers = closing })
      client:receive("*l")
      assert.is_true(socket.gettime() - start < 0.4)
      read_to_end(client)
      assert.is_true(socket.gettime() - start >= 0.49)
    end)
  end)

  describe("cutting a body", function()
    local stream = testing.stream { text = "Hi 你好", pieces = 2, ping = false }

    it("sends pieces of the given size, each a chunk", function()
      stream.chunk_bytes = nil
      serve { stream, { events = stream.events, chunk_bytes = 7 } }
      local whole = dechunk((fetch(server)))
      local chunks = chunks_of((fetch(server)))
      assert.equal(whole, table.concat(chunks))
      assert.equal(math.ceil(#whole / 7), #chunks)
      assert.equal(7, #chunks[1])
    end)

    it("splits a stream in two at every byte", function()
      local answers = { stream }
      serve { stream }
      local whole = dechunk((fetch(server)))
      server:stop()
      for position = 1, #whole - 1 do
        answers[position] = { events = stream.events, splits = { position } }
      end
      serve(answers)
      for position = 1, #whole - 1 do
        local chunks = chunks_of((fetch(server)))
        assert.same({ whole:sub(1, position), whole:sub(position + 1) }, chunks)
      end
    end)

    it("lets the pieces arrive one by one", function()
      serve { { body = "abcdef", splits = { 1, 3 }, delay_between = 0.15 } }
      local client = connect(server)
      client:send(request_text { headers = closing })
      repeat
        local line = client:receive("*l")
      until line == ""
      client:settimeout(0)
      local seen = {}
      assert.is_true(eventually(function()
        local bytes, failure, partial = client:receive(100)
        bytes = bytes or partial
        if bytes ~= "" then
          seen[#seen + 1] = bytes
        end
        return failure == "closed"
      end))
      client:close()
      assert.same({ "a", "bc", "def" }, seen)
    end)

    it("keeps an event's pause when the body is cut anew", function()
      serve { { events = { "ab", { data = "x", delay = 0.3 } }, chunk_bytes = 1 } }
      local start = socket.gettime()
      assert.equal("abdata: x\n\n", dechunk((fetch(server))))
      assert.is_true(socket.gettime() - start >= 0.29)
    end)
  end)

  describe("failing", function()
    it("closes in the middle of a body", function()
      serve {
        { body = "abcdef", cut_after = 3 },
        { body = "abcdef", cut_after = 3, framing = "chunked" },
        { events = { "abc", "def" }, cut_after = 3 },
        { events = { "abc", "def" }, cut_after = 6 },
        { body = "abcdef", cut_after = 0 },
      }
      local expected = { "abc", "6\r\nabc", "3\r\nabc\r\n", "3\r\nabc\r\n3\r\ndef\r\n", "" }
      for index = 1, #expected do
        local body, head, failure = fetch(server, { headers = { "X: y" } })
        assert.equal(expected[index], body)
        assert.matches("^HTTP/1.1 200 OK\r\n", head)
        assert.is_nil(failure)
      end
      assert.matches("Content%-Length: 6", (select(2, fetch(server))))
    end)

    it("resets in the middle of a body", function()
      serve { { body = "abcdef", reset_after = 3 } }
      local text, failure = exchange(server)
      assert.matches("\r\n\r\nabc$", text)
      assert.equal("closed", failure)
    end)

    it("resets or closes in place of an answer", function()
      serve { { body = "first" }, { reset = true }, { body = "first" }, { close = true } }
      for _, failure in ipairs { "closed", false } do
        local client = connect(server)
        client:send(request_text() .. request_text())
        local text, reason = read_to_end(client)
        assert.matches("^HTTP/1.1 200 OK\r\n.*\r\n\r\nfirst$", text)
        assert.equal(failure, reason or false)
      end
      assert.equal(4, #server:requests())
    end)

    it("hangs in place of an answer, or in its middle, until the peer closes", function()
      serve { { hang = true }, { body = "abcdef", hang_after = 3 } }
      for _, expected in ipairs { "^$", "\r\n\r\nabc$" } do
        local client = connect(server)
        client:send(request_text())
        client:settimeout(0.3)
        local _, failure, partial = client:receive("*a")
        assert.equal("timeout", failure)
        assert.matches(expected, partial)
        client:close()
      end
      assert.is_true(eventually(function() return server:connections().open == 0 end))
      assert.is_true(server:requests()[1].closed_early)
      assert.is_true(server:requests()[2].closed_early)
    end)

    it("closes within the headers", function()
      serve { { body = "abc", cut_headers = 20 } }
      assert.equal("HTTP/1.1 200 OK\r\nCon", (exchange(server)))
    end)

    it("sends raw bytes and nothing else", function()
      serve {
        { raw = "no HTTP \0\255 at all" },
        { raw = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", keep_open = true },
        { body = "b" },
      }
      assert.equal("no HTTP \0\255 at all", (exchange(server)))
      local client = connect(server)
      client:send(request_text())
      assert.equal("a", (read_answer(client)))
      client:send(request_text())
      assert.equal("b", (read_answer(client)))
      client:close()
    end)
  end)
end)

-- Without a server: what a connection is told to do, in order. Strings were sent, numbers are pauses.
describe("an answer", function()
  local function played(answer, request)
    local done = {}
    local client = {
      send = function(_, bytes) done[#done + 1] = bytes end,
      sleep = function(_, seconds) done[#done + 1] = seconds end,
    }
    local all = { method = "POST", version = "1.1", keep_alive = true, number = 7 }
    for name, value in pairs(request or {}) do
      all[name] = value
    end
    local outcome = play(client, all, prepare(answer).routes[1].answers[1])
    return outcome, done
  end

  -- The response as bytes.
  local function text_of(answer, request)
    local outcome, done = played(answer, request)
    local bytes = {}
    for _, item in ipairs(done) do
      bytes[#bytes + 1] = type(item) == "string" and item or nil
    end
    return table.concat(bytes), outcome
  end

  local HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nrequest-id: req_test_7\r\n"
  local EVENTS = HEAD:gsub("application/json", "text/event-stream; charset=utf-8")

  it("waits first, then sends its head and its body", function()
    local outcome, done = played { body = "abc", delay = 5 }
    assert.equal("keep", outcome)
    assert.same({ 5, HEAD .. "Content-Length: 3\r\n\r\n", "abc" }, done)
    assert.equal(0, select(2, played { body = "abc" })[1])
  end)

  it("has no piece where its body is empty", function()
    assert.same({ 0, HEAD .. "Content-Length: 0\r\n\r\n" }, select(2, played { body = "" }))
    assert.same({ 0, EVENTS .. "Transfer-Encoding: chunked\r\n\r\n", "0\r\n\r\n" }, select(2, played { events = {} }))
  end)

  it("pauses before pieces and between them, but not before the first or an empty one", function()
    local head = EVENTS .. "Transfer-Encoding: chunked\r\n\r\n"
    assert.same({ 0, head, "1\r\na\r\n", 2, "1\r\nb\r\n", 3, "1\r\nc\r\n", "0\r\n\r\n" },
      select(2, played { delay_between = 2, events = { "a", "b", { raw = "c", delay = 1 } } }))
    assert.same({ 0, head, 4, "1\r\na\r\n", 5, 2, "1\r\nb\r\n", "0\r\n\r\n" },
      select(2, played { delay_between = 2, events = { { raw = "a", delay = 4 }, { delay = 5 }, "b" } }))
  end)

  it("lets others have their turn at each sixteenth piece", function()
    local turns = 0
    for index, item in ipairs(select(2, played { body = ("x"):rep(33), chunk_bytes = 1 })) do
      turns = turns + (type(item) == "number" and index > 1 and 1 or 0)
    end
    assert.equal(2, turns)
    local done = select(2, played { body = ("x"):rep(16), chunk_bytes = 1 })
    assert.same({ "x", 0, "x" }, { done[#done - 2], done[#done - 1], done[#done] })
    done = select(2, played { body = ("x"):rep(15), chunk_bytes = 1 })
    assert.equal("x", done[#done - 1])
  end)

  it("is framed by length, by chunks or by its end", function()
    local text, outcome = text_of { body = "abc", framing = "chunked" }
    assert.equal(HEAD .. "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", text)
    assert.equal("keep", outcome)
    text, outcome = text_of { body = ("x"):rep(17), framing = "chunked" }
    assert.matches("\r\n\r\n11\r\nx+\r\n0\r\n\r\n$", text)
    assert.equal("keep", outcome)
    text, outcome = text_of { body = "abc", framing = "close" }
    assert.equal(HEAD .. "Connection: close\r\n\r\nabc", text)
    assert.equal("close", outcome)
    text, outcome = text_of { events = { "abc" }, framing = "length" }
    assert.equal(EVENTS .. "Content-Length: 3\r\n\r\nabc", text)
    assert.equal("keep", outcome)
  end)

  it("is never chunked for HTTP/1.0", function()
    local text, outcome = text_of({ events = { "abc" } }, { version = "1.0", keep_alive = false })
    assert.equal(EVENTS .. "Connection: close\r\n\r\nabc", text)
    assert.equal("close", outcome)
    text, outcome = text_of({ body = "abc" }, { version = "1.0", keep_alive = false })
    assert.equal(HEAD .. "Content-Length: 3\r\nConnection: close\r\n\r\nabc", text)
    assert.equal("close", outcome)
  end)

  it("closes where the request asks for that", function()
    local text, outcome = text_of({ body = "abc" }, { keep_alive = false })
    assert.equal(HEAD .. "Content-Length: 3\r\nConnection: close\r\n\r\nabc", text)
    assert.equal("close", outcome)
  end)

  it("has no body for HEAD, 204 and 304", function()
    local text, outcome = text_of({ body = "abc" }, { method = "HEAD" })
    assert.equal(HEAD .. "Content-Length: 3\r\n\r\n", text)
    assert.equal("keep", outcome)
    for status, reason in pairs { [204] = "No Content", [304] = "Not Modified" } do
      text, outcome = text_of { status = status, body = "abc" }
      assert.equal((HEAD:gsub("200 OK", status .. " " .. reason)) .. "\r\n", text)
      assert.equal("keep", outcome)
    end
    text, outcome = text_of({ status = 204, body = "abc" }, { method = "HEAD" })
    assert.matches("Content%-Length: 3\r\n\r\n$", text)
    assert.equal("keep", outcome)
  end)

  it("has the script's headers in place of its own", function()
    local text = text_of { headers = { { "X", "1" }, { "content-TYPE", "a/b" }, { "X", 2 } }, request_id = "req_a" }
    assert.equal("HTTP/1.1 200 OK\r\nrequest-id: req_a\r\nContent-Length: 0\r\n"
      .. "X: 1\r\ncontent-TYPE: a/b\r\nX: 2\r\n\r\n", text)
    text = text_of { headers = { ["Request-Id"] = false } }
    assert.equal("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n", text)
  end)

  it("closes where its own headers leave its end open, or say so", function()
    assert.equal("close", (played { body = "a", headers = { ["content-length"] = false } }))
    assert.equal("close", (played { body = "a", headers = { Connection = "Close" } }))
    assert.equal("close", (played { body = "a", headers = { connection = "x, close" } }))
    assert.equal("keep", (played { body = "a", headers = { connection = "keep-alive" } }))
    assert.equal("keep", (played { body = "a", framing = "close", headers = { connection = false,
      ["Content-Length"] = 1 } }))
    assert.equal("keep", (played({ body = "a", headers = { ["content-length"] = false } }, { method = "HEAD" })))
  end)

  it("sends interim answers before its head", function()
    local _, done = played { interim = { 100, { status = 103, reason = "Soon", headers = { A = "b" } } } }
    assert.same({ 0, "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Soon\r\nA: b\r\n\r\n" },
      { done[1], done[2], done[3] })
  end)

  it("may be a fault instead, after its delay", function()
    assert.same({ "close", { 3 } }, { played { close = true, delay = 3, interim = { 100 } } })
    assert.same({ "reset", { 0 } }, { played { reset = true } })
    assert.same({ "hang", { 0, math.huge } }, { played { hang = true } })
  end)

  it("ends where it is cut", function()
    for field, outcome in pairs { cut_after = "close", reset_after = "reset", hang_after = "hang" } do
      for limit, text in pairs { [0] = "", [1] = "a", [3] = "abc", [4] = "abcd", [6] = "abcdef", [9] = "abcdef" } do
        local sent, got = text_of { body = "abcdef", splits = { 3 }, [field] = limit }
        assert.equal(HEAD .. "Content-Length: 6\r\n\r\n" .. text, sent)
        assert.equal(outcome, got)
      end
    end
    assert.matches("\r\n\r\n3\r\nab$", (text_of { events = { "abc" }, cut_after = 2 }))
    assert.matches("\r\n\r\n3\r\nabc\r\n$", (text_of { events = { "abc", "d" }, cut_after = 3 }))
    local _, done = played { body = "abc", hang_after = 1 }
    assert.equal(math.huge, done[#done])
  end)

  it("ends within its head", function()
    assert.same({ "HTTP/", "close" }, { text_of { body = "abc", cut_headers = 5 } })
    assert.same({ "", "close" }, { text_of { body = "abc", cut_headers = 0 } })
  end)

  it("sends its body as often as it says", function()
    local text, outcome = text_of { body = "ab", repeats = 3 }
    assert.equal(HEAD .. "Content-Length: 6\r\n\r\nababab", text)
    assert.equal("keep", outcome)
    assert.matches("\r\n\r\nababa$", (text_of { body = "ab", repeats = 3, cut_after = 5 }))
    assert.matches("Content%-Length: 0\r\n\r\n$", (text_of { body = "ab", repeats = 0 }))
  end)

  it("may be raw bytes", function()
    assert.same({ "a\0b", "close" }, { text_of { raw = "a\0b" } })
    assert.same({ "a\0b", "keep" }, { text_of { raw = "a\0b", keep_open = true } })
    assert.same({ "a", "reset" }, { text_of { raw = "ab", reset_after = 1, keep_open = true } })
    assert.same({ "HTTP/1.1 100 Continue\r\n\r\nx", "close" }, { text_of { raw = "x", interim = { 100 } } })
    assert.same({ "ababab", "close" }, { text_of { raw = "ab", repeats = 3 } })
  end)
end)
