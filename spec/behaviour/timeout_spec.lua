-- The four timeouts. They are short here, and what is asserted of the clock is wide.

local anthropic = require "anthropic"
local clock = require "spec.support.clock"
local full_queue = require "spec.support.full_queue"
local options = require "anthropic.http.options"
local service = require "spec.support.service"
local socket = require "socket"
local testing = require "anthropic.testing"

local params = service.params

local SHORT, LONG = 0.2, 8 -- seconds: what is set, and what nothing may take

-- What f gives, after checking that it took at least `least` seconds and no more than LONG.
local function timed(least, f)
  local began = socket.gettime()
  local first, second = f()
  local took = socket.gettime() - began
  assert.is_true(took >= least * 0.9, "took only " .. took)
  assert.is_true(took < LONG, "took " .. took)
  return first, second
end

local function check(err, name, status)
  assert.equal("timeout", err.kind, tostring(err))
  assert.equal(name, err.timeout, tostring(err))
  assert.equal(status, err.status)
  assert.equal(1, err.attempts)
  assert.equal(1, #err.history)
  assert.equal("timeout", err.history[1].kind)
  assert.equal(status, err.history[1].status)
  assert.matches("^anthropic: timeout error %(" .. name .. "%)", tostring(err))
  assert.equal(status and "req_test_1", err.request_id)
end

-- Calls f once in a plain program and once under the scheduler.
local function everywhere(f)
  f()
  anthropic.run(f)
end

-- Lets the reader be slow, after what the server sent has come.
local function be_slow(seconds)
  socket.sleep(0.05)
  clock.advance(seconds)
end

describe("the timeout", function()
  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  describe("connect", function()
    local queue

    after_each(function()
      if queue then
        queue:close()
        queue = nil
      end
    end)

    it("is named where no connection comes about", function()
      queue = full_queue.open()
      if not queue then
        pending "this system answers connections above its queue"
        return
      end
      local client = service.client(nil, { base_url = queue.url, timeout = { connect = SHORT } })
      everywhere(function()
        for _, streamed in ipairs { false, true } do
          local message, err = timed(SHORT, function()
            return client.messages.create(params { stream = streamed })
          end)
          assert.is_nil(message)
          check(err, "connect")
          assert.matches("no connection within 0.2 seconds", err.message)
        end
      end)
    end)

    it("gives way to a shorter one", function()
      queue = full_queue.open()
      if not queue then
        pending "this system answers connections above its queue"
        return
      end
      for name, timeout in pairs { total = SHORT, first_byte = { first_byte = SHORT } } do
        local client = service.client(nil, { base_url = queue.url, timeout = timeout })
        local _, err = timed(SHORT, function()
          return client.messages.create(params())
        end)
        check(err, name)
      end
    end)
  end)

  describe("first_byte", function()
    it("is named where no answer comes", function()
      everywhere(function()
        local client = service.client(service.serve { hang = true }, { timeout = { first_byte = SHORT } })
        local message, err = timed(SHORT, function()
          return client.messages.create(params())
        end)
        assert.is_nil(message)
        check(err, "first_byte")
        assert.matches("no answer within 0.2 seconds", err.message)
      end)
    end)

    it("is named where nobody takes the connection up", function()
      local listener = assert(socket.bind("127.0.0.1", 0))
      local _, port = listener:getsockname()
      local client = service.client(nil, {
        base_url = "http://127.0.0.1:" .. port, timeout = { first_byte = SHORT },
      })
      local message, err = timed(SHORT, function()
        return client.messages.create(params { stream = true })
      end)
      listener:close()
      assert.is_nil(message)
      check(err, "first_byte")
    end)

    it("runs until the headers are whole", function()
      local client = service.client(service.serve {
        raw = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}", hang_after = 30,
      }, { timeout = { first_byte = SHORT } })
      local _, err = timed(SHORT, function()
        return client.messages.create(params())
      end)
      check(err, "first_byte")
    end)

    it("does not concern what comes after the headers", function()
      local answer = testing.stream { text = "one two three four", delay_between = 0.05 }
      local client = service.client(service.serve(answer), { timeout = { first_byte = SHORT } })
      local message = timed(2 * SHORT, function()
        return assert(client.messages.stream(params())):message()
      end)
      assert.equal("one two three four", message:text())
    end)
  end)

  describe("idle", function()
    it("is named where a whole answer stops", function()
      everywhere(function()
        local client = service.client(service.serve(testing.message { text = "Hello!", hang_after = 20 }),
          { timeout = { idle = SHORT } })
        local message, err = timed(SHORT, function()
          return client.messages.create(params())
        end)
        assert.is_nil(message)
        check(err, "idle", 200)
        assert.matches("nothing came for 0.2 seconds", err.message)
      end)
    end)

    it("is named where a stream stops, with what came", function()
      everywhere(function()
        local client = service.client(service.serve(testing.stream { text = "one two three", hang_after = 700 }),
          { timeout = { idle = SHORT } })
        local stream = assert(client.messages.stream(params()))
        local message, err = timed(SHORT, function()
          return stream:message()
        end)
        assert.is_nil(message)
        check(err, "idle", 200)
        assert.matches("^one", err.partial:text())
      end)
    end)

    it("is named where a stream stops before its first event", function()
      local answer = testing.stream { text = "one two three", hang_after = 0 }
      local client = service.client(service.serve(answer), { timeout = { idle = SHORT } })
      local stream = assert(client.messages.stream(params()))
      local _, err = timed(SHORT, function()
        return stream:message()
      end)
      check(err, "idle", 200)
      assert.is_nil(err.partial)
    end)

    it("counts any byte: pings, comments and pieces of events keep a stream alive", function()
      local whole = testing.stream { text = "Hello!", ping = false }
      local events = {}
      for i, event in ipairs(whole.events) do
        events[#events + 1] = event
        if i < #whole.events then
          events[#events + 1] = { event = "ping", data = { type = "ping" }, delay = 0.15 }
          events[#events + 1] = ": comment\n\n"
        end
      end
      local in_pieces = { events = whole.events, chunk_bytes = 150, delay_between = 0.15 }
      for _, answer in ipairs { { events = events }, in_pieces } do
        local client = service.client(service.serve(answer), { timeout = { idle = 0.5 } })
        local message = timed(0.6, function()
          return assert(client.messages.stream(params())):message()
        end)
        assert.equal("Hello!", message:text())
      end
    end)

    it("stops while it is the reader who is slow", function()
      everywhere(function()
        local client = service.client(service.serve(testing.stream { text = "one two three" }),
          { timeout = { idle = SHORT } })
        local stream = assert(client.messages.stream(params()))
        assert(stream:next())
        be_slow(3 * SHORT)
        assert.equal("one two three", assert(stream:message()):text())
      end)
    end)

    it("stops while a slow reader holds the sender up", function()
      local text = ("x"):rep(100) .. " "
      everywhere(function()
        local client = service.client(service.serve(testing.stream { text = text:rep(15000), pieces = 150 }),
          { timeout = { idle = SHORT } })
        local stream = assert(client.messages.stream(params()))
        local bytes = 0
        for i = 1, 150 do
          local event = assert(stream:next())
          bytes = bytes + #(event.delta and event.delta.text or "")
          if i == 50 then
            be_slow(3 * SHORT)
          end
        end
        assert.is_true(bytes > 500000)
        assert.equal(15000 * 101, #assert(stream:message()):text())
      end)
    end)

    it("begins with the headers, however long they took", function()
      local answer = testing.message { text = "Hello!", delay = 2 * SHORT }
      local client = service.client(service.serve(answer), { timeout = { idle = SHORT } })
      assert.equal("Hello!", assert(client.messages.create(params())):text())
    end)
  end)

  describe("total", function()
    it("is named in every phase", function()
      for _, case in ipairs {
        { { hang = true } },
        { testing.message { text = "Hello!", hang_after = 20 }, 200 },
        { testing.message { text = "one two three four", chunk_bytes = 10, delay_between = 0.1 }, 200 },
      } do
        local client = service.client(service.serve(case[1]), { timeout = SHORT })
        local message, err = timed(SHORT, function()
          return client.messages.create(params())
        end)
        assert.is_nil(message)
        check(err, "total", case[2])
        assert.matches("not finished within 0.2 seconds", err.message)
      end
    end)

    it("is named in a stream that goes on and on, with what came", function()
      everywhere(function()
        local client = service.client(
          service.serve(testing.stream { text = ("word "):rep(100), delay_between = 0.05 }), { timeout = 0.5 })
        local message, err = timed(0.5, function()
          return assert(client.messages.stream(params())):message()
        end)
        assert.is_nil(message)
        check(err, "total", 200)
        assert.matches("^word", err.partial:text())
      end)
    end)

    it("counts the time that the reader takes", function()
      local client = service.client(
        service.serve(testing.stream { text = "one two three", delay_between = 0.1 }), { timeout = SHORT })
      local stream = assert(client.messages.stream(params()))
      clock.advance(2 * SHORT)
      local _, err = stream:message()
      check(err, "total", 200)
    end)

    it("leaves alone what has ended", function()
      local client = service.client(service.serve(testing.stream { text = "one two three" }), { timeout = 0.5 })
      local stream = assert(client.messages.stream(params()))
      local message = assert(stream:message())
      clock.advance(0.6)
      assert.equal(message, stream:message())
    end)
  end)

  describe("as an option", function()
    it("is the total where it is a number, and the defaults for the rest", function()
      assert.same({ connect = 30, first_byte = 600, idle = 300, total = false }, options.timeouts(nil))
      assert.same({ connect = 30, first_byte = 600, idle = 300, total = 5 }, options.timeouts(5))
      assert.same({ connect = 30, first_byte = 600, idle = 9, total = false }, options.timeouts { idle = 9 })
      assert.same({ connect = false, first_byte = false, idle = false, total = false },
        options.timeouts { connect = false, first_byte = false, idle = false, total = false })
    end)

    it("of a request is merged with the client's", function()
      local function merged(of_client, of_request)
        local resolved = options.of_request(options.of_client { timeout = of_client }, { timeout = of_request })
        return options.timeouts(resolved.timeout)
      end
      assert.same({ connect = 30, first_byte = 2, idle = 1, total = false }, merged({ idle = 1 }, { first_byte = 2 }))
      assert.same({ connect = 30, first_byte = 600, idle = 3, total = false }, merged({ idle = 1 }, { idle = 3 }))
      assert.same({ connect = 30, first_byte = 600, idle = 1, total = 9 }, merged(9, { idle = 1 }))
      assert.same({ connect = 30, first_byte = 600, idle = 1, total = 9 }, merged({ idle = 1 }, 9))
      assert.same({ connect = 30, first_byte = 600, idle = 300, total = false }, merged(9, { total = false }))
      assert.same({ connect = 30, first_byte = 600, idle = 300, total = 4 }, merged(9, 4))
      assert.same({ connect = 30, first_byte = 600, idle = 1, total = false }, merged({ idle = 1 }, nil))
    end)

    it("of a request holds for that request alone", function()
      local server = service.serve { { hang = true }, testing.message { text = "Hello!", delay = 2 * SHORT } }
      local client = service.client(server, { timeout = { idle = 5 } })
      local _, err = timed(SHORT, function()
        return client.messages.create(params(), { timeout = { first_byte = SHORT } })
      end)
      check(err, "first_byte")
      assert.equal("Hello!", assert(client.messages.create(params())):text())
    end)

    it("is none where it is false", function()
      local none = { connect = false, first_byte = false, idle = false, total = false }
      local answer = testing.stream { text = "one two", delay_between = 0.03, delay = 0.1 }
      everywhere(function()
        local client = service.client(service.serve(answer), { timeout = none })
        assert.equal("one two", assert(assert(client.messages.stream(params())):message()):text())
      end)
    end)
  end)
end)
