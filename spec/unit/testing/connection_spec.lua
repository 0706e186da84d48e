-- One client of the testing server: what it waits for, and what wakes it.

local connection = require "anthropic.testing.connection"

-- A socket that gives and takes what the spec says.
local function new_socket()
  local socket = { options = {}, sent = {}, input = {}, output = {} }
  function socket:settimeout(seconds) self.timeout = seconds end
  function socket:setoption(name, value) self.options[name] = value end
  function socket:receive(limit)
    self.limit = limit
    local next_one = table.remove(self.input, 1) or { nil, "timeout", "" }
    return next_one[1], next_one[2], next_one[3]
  end
  function socket:send(bytes, first)
    self.sent[#self.sent + 1] = bytes:sub(first)
    local answer = table.remove(self.output, 1)
    if answer then
      return answer[1], answer[2], answer[3]
    end
    return #bytes
  end
  function socket:close() self.is_closed = true end
  return socket
end

local function new(...)
  local socket = new_socket()
  socket.input = { ... }
  local client = connection.new(socket, 3)
  client.now = 100
  return client, socket
end

-- Runs a method in a coroutine: a function that goes on, and gives what it yields or returns.
local function started(method, ...)
  local thread = coroutine.create(method)
  local function go(...)
    local ok, result = coroutine.resume(thread, ...)
    if coroutine.status(thread) == "suspended" then
      return "waits"
    elseif ok then
      return result
    end
    return { result }
  end
  return go, go(...)
end

describe("a connection", function()
  it("begins with nothing, and never blocks", function()
    local client, socket = new()
    assert.same({ 3, "", false }, { client.number, client.input, client.closed })
    assert.equal(0, socket.timeout)
    assert.is_true(socket.options["tcp-nodelay"])
  end)

  it("takes in what has come", function()
    local client, socket = new({ "abc" }, { nil, "timeout", "de" }, { nil, "timeout", "" }, { nil, "closed", "f" })
    client:fill()
    assert.same({ "abc", true, false }, { client.input, client.fresh, client.closed })
    assert.equal(262144, socket.limit)
    client.fresh = false
    client:fill()
    assert.same({ "abcde", true, false }, { client.input, client.fresh, client.closed })
    client.fresh = false
    client:fill()
    assert.same({ "abcde", false, false }, { client.input, client.fresh, client.closed })
    client:fill()
    assert.same({ "abcdef", true, true }, { client.input, client.fresh, client.closed })
  end)

  it("wants input up to 1 MiB, and none once it is closed", function()
    local client = new()
    assert.is_true(client:wants_input())
    client.input = ("x"):rep(1024 * 1024 - 1)
    assert.is_true(client:wants_input())
    client.input = client.input .. "x"
    assert.is_false(client:wants_input())
    client.input, client.closed = "", true
    assert.is_false(client:wants_input())
  end)

  it("is due when what it waits for is there", function()
    local client = new()
    local function is_due(fields, now, writable)
      client.waiting, client.fresh, client.deadline, client.closed = fields.waiting, fields.fresh, fields.deadline,
        fields.closed or false
      return client:is_due(now or 0, writable) and true or false
    end
    assert.is_false(is_due {})
    assert.is_true(is_due { closed = true })
    assert.is_false(is_due { waiting = "input" })
    assert.is_true(is_due { waiting = "input", fresh = true })
    assert.is_false(is_due { waiting = "output", fresh = true })
    assert.is_true(is_due({ waiting = "output" }, 0, true))
    assert.is_false(is_due({ waiting = "input" }, 0, true))
    assert.is_false(is_due({ waiting = "time", deadline = 5 }, 4.9))
    assert.is_true(is_due({ waiting = "time", deadline = 5 }, 5))
    assert.is_true(is_due({ waiting = "time", deadline = 5 }, 6))
  end)

  it("sleeps until its clock says so", function()
    local client = new()
    local go, result = started(client.sleep, client, 5)
    assert.equal("waits", result)
    assert.same({ "time", 105 }, { client.waiting, client.deadline })
    client.now = 104.9
    assert.equal("waits", go())
    client.now = 105
    assert.is_nil(go())
    assert.same({}, { client.waiting, client.deadline })
    go, result = started(client.sleep, client, 0)
    assert.equal("waits", result)
    assert.is_nil(go())
  end)

  it("ends its sleep with an error when the peer closes", function()
    local client = new()
    local go = started(client.sleep, client, 5)
    client.closed = true
    assert.same({ connection.CLOSED }, go())
    client.closed = false
    go = started(client.sleep, client, 5)
    client.closed, client.now = true, 200
    assert.same({ connection.CLOSED }, go())
    assert.same({ connection.CLOSED }, select(2, started(client.sleep, client, 0)))
  end)

  it("reads up to a mark, which may come later and in pieces", function()
    local client = new()
    client.input = "one\r\ntwo\r"
    assert.equal("one\r\n", client:read_until("\r\n", 100))
    assert.equal("two\r", client.input)
    local go, result = started(client.read_until, client, "\r\n", 100)
    assert.equal("waits", result)
    assert.equal("input", client.waiting)
    client.input = client.input .. "\nthree"
    assert.equal("two\r\n", go())
    assert.equal("three", client.input)
    assert.is_nil(client.waiting)
    client.input = "a.b"
    assert.equal("a.", client:read_until(".", 100)) -- no pattern
  end)

  it("gives up a mark that does not come within the limit", function()
    local client = new()
    client.input = "12345"
    assert.equal("waits", select(2, started(client.read_until, client, "\n", 5)))
    client.input = "123456"
    assert.is_nil(client:read_until("\n", 5))
    client.input = "123456\n"
    assert.equal("123456\n", client:read_until("\n", 5))
  end)

  it("reads some bytes, at least one", function()
    local client = new()
    local go, result = started(client.read_some, client, 3)
    assert.equal("waits", result)
    assert.equal("waits", go())
    client.input = "abcde"
    assert.equal("abc", go())
    assert.equal("de", client:read_some(3))
    assert.equal("", client.input)
  end)

  it("still reads what came before the peer closed, and then no more", function()
    local client = new()
    client.input, client.closed = "abc\n", true
    assert.equal("ab", client:read_some(2))
    assert.equal("c\n", client:read_until("\n", 100))
    assert.same({ connection.CLOSED }, select(2, started(client.read_some, client, 1)))
    assert.same({ connection.CLOSED }, select(2, started(client.read_until, client, "\n", 1)))
  end)

  it("sends all bytes, waiting for room", function()
    local client, socket = new()
    client:send("abc")
    client:send("")
    assert.same({ "abc" }, socket.sent)
    socket.sent, socket.output = {}, { { nil, "timeout", 2 }, { nil, "timeout", 2 } }
    local go, result = started(client.send, client, "abcde")
    assert.equal("waits", result)
    assert.equal("output", client.waiting)
    assert.equal("waits", go())
    assert.is_nil(go())
    assert.same({ "abcde", "cde", "cde" }, socket.sent)
  end)

  it("ends its sending with an error when the peer has gone", function()
    local client, socket = new()
    socket.output = { { nil, "closed", 1 } }
    assert.same({ connection.CLOSED }, select(2, started(client.send, client, "abc")))
    assert.is_true(client.closed)
    assert.same({ connection.CLOSED }, select(2, started(client.send, client, "abc")))
    assert.equal(1, #socket.sent)
  end)

  it("is closed in order, by a reset, or after the peer", function()
    local client, socket = new { "unread" }
    client:close()
    assert.is_true(socket.is_closed)
    assert.equal("unread", client.input)
    assert.is_nil(socket.options.linger)
    client = new { "unread" }
    client:close "close"
    assert.equal("unread", client.input)
    client, socket = new { "unread" }
    client:close "reset"
    assert.same({ on = true, timeout = 0 }, socket.options.linger)
    assert.equal("", client.input)
    assert.is_true(socket.is_closed)
    client, socket = new { "unread" }
    client.closed = true
    client:close()
    assert.equal("", client.input)
    assert.is_true(socket.is_closed)
  end)
end)
