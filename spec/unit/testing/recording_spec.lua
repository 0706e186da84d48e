-- What is written of an exchange, and the script that comes of it: with clients and exchanges that are made up.
-- spec/behaviour/record_spec.lua has real ones.

local recording = require "anthropic.testing.recording"
local serialize = require "anthropic.testing.serialize"

local FIRST_LINE = "anthropic recording 1\n"

describe("a recording", function()
  local path, client, recorder

  before_each(function()
    path = os.tmpname()
    client = { observe = function(self, f) self.tell = f end, observer = function(self) return self.tell end }
    recorder = nil
  end)

  after_each(function()
    if recorder then
      recorder:stop()
    end
    os.remove(path)
  end)

  local function write(text)
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
  end

  local function contents()
    local file = assert(io.open(path, "rb"))
    local text = file:read "*a"
    file:close()
    return text
  end

  -- An exchange whose parts are those of a success, with those given on top.
  local function exchange(given)
    given = given or {}
    local failure = given.failure
    return {
      complete = given.complete,
      response = given.response ~= false and { status = given.status or 200 } or nil,
      request = function()
        return {
          method = given.method or "POST", url = given.url or "http://h/v1/messages", body = given.body,
          base_url = given.base_url or "http://h", is_redacted = given.is_redacted,
        }
      end,
      redact = given.redact or function(text) return text end,
      transfer = {
        pieces = function() return given.pieces or {} end,
        headers = function() return given.headers or "HTTP/1.1 200 OK\r\n\r\n" end,
        failure = function() return failure end,
        done = function() return given.done ~= false end,
      },
    }
  end

  -- What is written of an exchange.
  local function recorded(given)
    recorder = recording.record(client, path)
    client.tell(exchange(given))
    local length, data = contents():match("^" .. FIRST_LINE .. "(%d+)\n(.*)\n$")
    assert.equal(tonumber(length), #data)
    recorder:stop()
    return serialize.load(data)
  end

  it("has a first line at once, and nothing of what was there", function()
    write "something else"
    recorder = recording.record(client, path)
    assert.equal(FIRST_LINE, contents())
    assert.is_function(client.tell)
    recorder:stop()
    assert.is_nil(client.tell)
    recorder:stop()
    assert.equal(FIRST_LINE, contents())
  end)

  it("raises where its file cannot be written", function()
    local ok, message = pcall(recording.record, client, "/nowhere/x")
    assert.is_false(ok)
    assert.equal("anthropic.testing: /nowhere/x: No such file or directory", message)
    assert.is_nil(client.tell)
  end)

  it("says what was asked, below the base URL", function()
    local entry = recorded { method = "PUT", body = "b\0" }
    assert.same({ "PUT", "/v1/messages", "b\0" }, { entry.method, entry.target, entry.body })
    assert.equal("", recorded({}).body)
    for _, case in ipairs {
      { "http://h/a?b", "http://h", "/a?b" }, { "http://h/gate/a", "http://h/gate", "/a" },
      { "http://h/gate/a", "http://h/gate//", "/a" }, { "http://h/gateway/a", "http://h/gate", "/gateway/a" },
      { "http://h?x", "http://h", "?x" }, { "http://other/a?b=c", "http://h", "/a?b=c" },
      { "https://other?b", "http://h", "?b" }, { "http://h/v1/a", "http://h/v1", "/v1/a" },
      { "http://h/gate/v1/messages", "http://h/gate/v1/messages", "/v1/messages" },
      { "http://h/v1/a", " http://h/v1/ ", "/v1/a" }, { "http://h/xv1/a", "http://h/xv1", "/a" },
    } do
      assert.equal(case[3], recorded({ url = case[1], base_url = case[2] }).target)
    end
  end)

  it("has the answer's pieces with the pauses between", function()
    local answer = recorded({ pieces = { { 0.5, "a" }, { 0.75, "b" }, { 0.7, "c" } } }).answer
    assert.equal(0.5, answer.delay)
    assert.same({ { raw = "a" }, { raw = "b", delay = 0.25 }, { raw = "c", delay = 0 } }, answer.events)
    assert.is_nil(recorded({ pieces = {} }).answer.delay)
    assert.same({}, recorded({}).answer.events)
  end)

  it("has the status and headers, but those of the connection and secrets", function()
    local answer = recorded({ status = 429, headers = "HTTP/1.1 429 No\r\nContent-Type: a/b\r\n"
      .. "Request-Id:  r \r\nX-A: 1\r\nConnection: x\r\n"
      .. "Content-Encoding: x\r\nContent-Length: 5\r\nKeep-Alive: x\r\nSet-Cookie: x\r\n"
      .. "Transfer-Encoding: x\r\nX-A: 2\r\n\r\n" }).answer
    assert.equal(429, answer.status)
    assert.same({ { "Content-Type", "a/b" }, { "Request-Id", "r" }, { "X-A", "1" }, { "X-A", "2" } }, answer.headers)
    assert.same({ { "content-type", false }, { "request-id", false } }, recorded({}).answer.headers)
  end)

  it("is framed by length where it was", function()
    assert.equal("length", recorded({ headers = "HTTP/1.1 200 OK\r\nCONTENT-length: 0\r\n\r\n" }).answer.framing)
    assert.equal("chunked", recorded({ headers = "HTTP/1.1 200 OK\r\nX: content-length: 0\r\n\r\n" }).answer.framing)
    assert.equal("chunked", recorded({ failure = "truncated",
      headers = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n" }).answer.framing)
  end)

  it("ends as it ended", function()
    local function fault(given)
      given.pieces = { { 0, "abc" }, { 0, "de" } }
      local answer = recorded(given).answer
      for _, name in ipairs { "hang", "close", "hang_after", "cut_after" } do
        if answer[name] ~= nil then
          return name, answer[name]
        end
      end
    end
    assert.is_nil(fault {})
    assert.is_nil(fault { failure = "truncated", complete = true })
    assert.is_nil(fault { done = false, complete = true })
    assert.same({ "cut_after", 5 }, { fault { failure = "truncated" } })
    assert.same({ "cut_after", 5 }, { fault { done = false } })
    assert.same({ "close", true }, { fault { failure = "connection", response = false } })
    assert.same({ "close", true }, { fault { done = false, response = false } })
    for _, timeout in ipairs { "connect", "first_byte", "idle", "total" } do
      assert.same({ "hang_after", 5 }, { fault { failure = timeout } })
      assert.same({ "hang", true }, { fault { failure = timeout, response = false } })
    end
    assert.is_nil(recorded({ failure = "connection", response = false }).answer.status)
    assert.is_nil(recorded({ failure = "connection", response = false }).answer.headers)
  end)

  it("has no credential, also where it is cut into pieces", function()
    local function redact(text, replace)
      return (text:gsub("secret", replace or "[redacted]"))
    end
    local entry = recorded { redact = redact, base_url = "http://h/$TOKEN", url = "http://h/$TOKEN/a?b=$B",
      headers = "HTTP/1.1 200 OK\r\nX: secret\r\n\r\n",
      pieces = { { 0, "a sec" }, { 0, "ret b" }, { 0, "" }, { 0, "secret" } } }
    assert.equal("/a?b=$B", entry.target)
    assert.same({ "X", "[redacted]" }, entry.answer.headers[1])
    local texts = {}
    for i, event in ipairs(entry.answer.events) do
      texts[i] = event.raw
    end
    assert.same({ "a ***", "*** b", "", "******" }, texts)
  end)

  it("holds each exchange as soon as it is over", function()
    recorder = recording.record(client, path)
    client.tell(exchange { url = "http://h/1" })
    local first = contents()
    client.tell(exchange { url = "http://h/2" })
    assert.equal(first, contents():sub(1, #first))
    local script = recording.script(path)
    assert.same({ "/1", "/2" }, { script.routes[1].target, script.routes[2].target })
    assert.equal(getmetatable(recorder).__close, recorder.stop)
  end)

  it("is the only one of its client", function()
    recorder = recording.record(client, path)
    client.tell(exchange())
    local before = contents()
    local ok, message = pcall(recording.record, client, path)
    assert.is_false(ok)
    assert.matches("the client is being recorded already", message, 1, true)
    assert.equal(before, contents())
    recorder:stop()
    local second = recording.record(client, path)
    recorder:stop()
    client.tell(exchange())
    assert.equal(before, contents())
    recorder, client.tell = second, print
    second:stop() -- of whoever has come in between
    assert.equal(print, client.tell)
  end)

  describe("as a script", function()
    local function entry(target, body, answer)
      local data = serialize.dump { method = "POST", target = target, body = body or "", answer = answer }
      return ("%d\n%s\n"):format(#data, data)
    end

    local function answer(name, delay)
      return { delay = delay, events = { { raw = name, delay = delay } } }
    end

    it("has a route for each request, with its answers in order", function()
      write(FIRST_LINE .. entry("/a", "x", answer "1") .. entry("/b", "x", answer "2") .. entry("/a", "x", answer "3")
        .. entry("/a", "y", answer "4"))
      local script = recording.script(path)
      assert.equal(3, #script.routes)
      local seen = {}
      for i, route in ipairs(script.routes) do
        local names = {}
        for k, one in ipairs(route.answers) do
          names[k] = one.events[1].raw
        end
        seen[i] = { route.method, route.target, route.body, table.concat(names, " ") }
      end
      assert.same({ { "POST", "/a", "x", "1 3" }, { "POST", "/b", "x", "2" }, { "POST", "/a", "y", "4" } }, seen)
    end)

    it("has a pattern where something secret stood", function()
      local function route_of(target, body, is_redacted)
        local data = serialize.dump {
          method = "POST", target = target, body = body, is_redacted = is_redacted, answer = answer "1",
        }
        write(FIRST_LINE .. ("%d\n%s\n"):format(#data, data))
        return recording.script(path).routes[1]
      end
      local route = route_of("/a.b/$KEY/c?limit=1&q=$Q_2&r[]=%24", "x")
      assert.is_nil(route.target)
      assert.equal("x", route.body)
      for target, fits in pairs {
        ["/a.b/any/c?limit=1&q=any/thing?&r[]=%24"] = true, ["/a.b//c?limit=1&q=&r[]=%24"] = true,
        ["/axb/any/c?limit=1&q=any&r[]=%24"] = false, ["/a.b/any/more/c?limit=1&q=any&r[]=%24"] = false,
        ["/a.b/any/c?limit=1&q=any&more=1&r[]=%24"] = false, ["/a.b/any/c?limit=2&q=any&r[]=%24"] = false,
        ["/a.b/any/c?limit=1&q=any&r[]=%24&s"] = false, ["x/a.b/any/c?limit=1&q=any&r[]=%24"] = false,
      } do
        assert.equal(fits, target:find(route.match) ~= nil, target)
      end
      route = route_of("/a", "a.\0%[redacted]-[redacted]", true)
      assert.equal("/a", route.target)
      assert.is_nil(route.body)
      assert.equal(2, #route.body_match)
      for i, piece in ipairs { "a.\0%", "-" } do
        assert.truthy(("x" .. piece .. "y"):find(route.body_match[i]))
        assert.is_nil(("x" .. piece:sub(1, -2) .. "y"):find(route.body_match[i]))
      end
      assert.equal("[redacted]", route_of("/a", "[redacted]").body)
    end)

    it("has all answers in order where that is asked for", function()
      write(FIRST_LINE .. entry("/a", "x", answer "1") .. entry("/b", "x", answer "2") .. entry("/a", "x", answer "3"))
      local script = recording.script(path, { in_order = true })
      assert.equal(3, #script)
      assert.equal("3", script[3].events[1].raw)
      assert.is_nil(script.routes)
    end)

    it("has pauses as fast as it is told, and none by default", function()
      write(FIRST_LINE .. entry("/a", "x", answer("1", 3)) .. entry("/b", "x", answer "2"))
      for _, case in ipairs { { nil, nil }, { 1, 3 }, { 2, 1.5 }, { 0.5, 6 } } do
        local script = recording.script(path, { in_order = true, speed = case[1] })
        assert.equal(case[2], script[1].delay)
        assert.equal(case[2], script[1].events[1].delay)
        assert.is_nil(script[2].delay)
      end
    end)

    it("leaves out what was being written when its process died", function()
      local whole = entry("/a", "x", answer "1")
      local second = entry("/b", "x", answer "2")
      for length = 0, #second - 1 do
        write(FIRST_LINE .. whole .. second:sub(1, length))
        local script = recording.script(path)
        assert.equal("/a", script.routes[1].target)
        assert.is_nil(script.routes[2])
      end
      write(FIRST_LINE .. whole .. second)
      assert.equal(2, #recording.script(path).routes)
    end)

    it("raises where the file is missing, none, or empty", function()
      local function raises(expected, file)
        local ok, message = pcall(recording.script, file)
        assert.is_false(ok)
        assert.equal("anthropic.testing: " .. expected, message)
      end
      raises("/nowhere/x: No such file or directory", "/nowhere/x")
      raises("/: Is a directory", "/")
      for _, text in ipairs { "", "anthropic recording 1", "anthropic recording 2\n", "x" .. FIRST_LINE } do
        write(text)
        raises(path .. ": not a recording", path)
      end
      write(FIRST_LINE)
      raises(path .. ": nothing was recorded", path)
    end)
  end)
end)
