-- One attempt: the connection that its request asks for, and what its answer becomes. Exchange, transfer and clock are
-- the spec's own.

local core = require "anthropic.core"
local draining = require "anthropic.loop.draining"
local errors = require "anthropic.base.error"
local loop = require "anthropic.loop"
local sending = require "anthropic.http.sending"

local real = { now = core.now, core = loop.core, unsettled = draining.unsettled }

local SECRET = "sk-test/0123456789abcdef"

describe("sending", function()
  local now -- the clock
  local refused -- why no transfer can be started: { words, reason }
  local wires -- of the transfers that were started, in order
  local steps -- of the transfer until its headers come
  local answer -- { status =, headers = }, or { failure = }
  local records -- of the log
  local waits -- what the driver was asked for, in order
  local driver

  local function redact(text)
    return (text:gsub("sk%-test/%w+", "[redacted]"))
  end

  local transfer = {
    status = function() return steps <= 0 and answer.status or nil end,
    headers = function() return "HTTP/1.1 200 OK\r\n" .. (answer.headers or "") .. "\r\n" end,
    done = function() return steps <= 0 end,
  }

  before_each(function()
    now, refused, wires, steps, answer = 100, nil, {}, 1, { status = 200 }
    records, waits = {}, {}
    core.now = function() return now end
    draining.unsettled = function() return nil, 0.02 end
    loop.core = function()
      return {
        start = function(_, wire)
          if refused then
            return nil, refused[1], refused[2]
          end
          wires[#wires + 1] = wire
          return transfer
        end,
      }
    end
    driver = {
      wait = function(subject, seconds)
        waits[#waits + 1] = { subject, seconds }
        return true
      end,
    }
  end)

  after_each(function()
    core.now, loop.core, draining.unsettled = real.now, real.core, real.unsettled
  end)

  local function new_wire(fields)
    local wire = {
      method = "POST", url = "http://x.test/v1/messages?beta=true", headers = {}, body = "{}", secrets = {},
      redact = redact, proxy = "",
    }
    for name, value in pairs(fields or {}) do
      wire[name] = value
    end
    return wire
  end

  -- The exchange of an attempt; `fields` are its own, `options` the client's.
  local function new(fields, options)
    local all = { max_retries = 2, loop = driver, base_url = "http://x.test" }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    local function option(name)
      return all[name]
    end
    local exchange = {
      option = option,
      profile = { option = option, timeouts = { total = 60 }, is_logged = all.on_log ~= nil },
      spec = function() return { method = "POST" } end,
      shared = {},
      deadline = math.huge, attempts = 0, retries = 0, losses = 0, closed = false,
      waited = {},
      wait = function(self, its_driver)
        steps = steps - 1
        self.waited[#self.waited + 1] = its_driver
        return true
      end,
      failure = function() return errors.new { kind = "connection", message = answer.failure } end,
    }
    for name, value in pairs(fields or {}) do
      exchange[name] = value
    end
    return exchange
  end

  -- The connection that a request asks for.
  local function asked(fields, wire, options)
    wire = new_wire(wire)
    assert(sending.send(new(fields, options), wire, driver))
    return { once = wire.once, fresh = wire.fresh, max_idle = wire.max_idle, http2 = wire.http2 }
  end

  describe("takes a connection", function()
    for _, case in ipairs {
      { "that was kept", {}, { once = false, fresh = false } },
      { "that was idle for less than 5 seconds, where nothing may go out twice",
        { policy = "safe" }, { once = true, fresh = false, max_idle = 5 } },
      { "as any other where its policy is another", { policy = "always" }, { once = false, fresh = false } },
      { "on which nothing goes out twice, with its last retry",
        { retries = 2 }, { once = true, fresh = false } },
      { "as any other with the retry before that", { retries = 1 }, { once = false, fresh = false } },
      { "that is new after a loss", { losses = 1, lost = "lost" }, { once = false, fresh = true } },
      { "that is new after two", { losses = 2, lost = "lost" }, { once = false, fresh = true } },
      { "that is new after a loss where nothing may go out twice",
        { losses = 1, policy = "safe" }, { once = true, fresh = true, max_idle = 5 } },
    } do
      it(case[1], function()
        assert.same(case[3], asked(case[2]))
        case[3].http2 = false
        assert.same(case[3], asked(case[2], { http2 = false }))
      end)
    end

    for _, case in ipairs {
      { "that others share by HTTP/2", {}, { once = false, fresh = false } },
      { "that others share by HTTP/2 after one loss", { losses = 1, lost = "lost" }, { once = false, fresh = false } },
      { "that is new by HTTP/2 after the second loss", { losses = 2, lost = "lost" }, { once = false, fresh = true } },
      { "of its own by HTTP/2, where nothing may go out twice",
        { policy = "safe" }, { once = true, fresh = true, max_idle = 5 } },
      { "that others share by HTTP/2 with its last retry, too", { retries = 2 }, { once = true, fresh = false } },
    } do
      it(case[1], function()
        case[3].http2 = true
        assert.same(case[3], asked(case[2], { http2 = true }))
      end)
    end

    it("that is new and speaks HTTP/1.1, where the server wanted that", function()
      assert.same({ once = false, fresh = true, http2 = false },
        asked({ losses = 1, lost = "downgraded" }, { http2 = true }))
    end)

    it("on which nothing goes out twice, where there are no retries at all", function()
      assert.is_true(asked({}, nil, { max_retries = 0 }).once)
    end)

    it("that was idle for no longer than the option says, in whole seconds", function()
      local idle = { fresh = false, once = false, http2 = false }
      for given, expected in pairs { [7] = 7, [7.9] = 7, [1] = 1, [2 ^ 40] = false, [math.huge] = false } do
        idle.max_idle = expected or nil
        assert.same(idle, asked({}, { http2 = false }, { max_idle = given }))
      end
      assert.equal(3, asked({ policy = "safe" }, nil, { max_idle = 3 }).max_idle)
      assert.equal(5, asked({ policy = "safe" }, nil, { max_idle = 30 }).max_idle)
      assert.is_true(asked({}, nil, { max_idle = 0.9 }).fresh)
      assert.is_true(asked({}, { http2 = true }, { max_idle = 0.9 }).fresh)
    end)

    it("anew for each attempt", function()
      local wire = new_wire { once = true, max_idle = 5, fresh = true }
      assert(sending.send(new(), wire, driver))
      assert.same({ false, false }, { wire.once, wire.fresh })
      assert.is_nil(wire.max_idle)
    end)
  end)

  describe("has what its transfer needs", function()
    it("the time that is left of the total timeout, where there is one", function()
      assert(sending.send(new { deadline = 107.5 }, new_wire(), driver))
      assert(sending.send(new(), new_wire(), driver))
      assert.equal(7.5, wires[1].total_timeout)
      assert.is_nil(wires[2].total_timeout)
    end)

    it("a record, where somebody observes", function()
      assert(sending.send(new(), new_wire(), driver))
      local exchange = new()
      exchange.shared.observer = function() end
      assert(sending.send(exchange, new_wire(), driver))
      assert.is_false(wires[1].record)
      assert.is_true(wires[2].record)
    end)
  end)

  describe("begins", function()
    it("with the attempt counted, and its time and its request noted", function()
      local exchange = new { attempts = 3 }
      assert(sending.send(exchange, new_wire(), driver))
      assert.equal(4, exchange.attempts)
      assert.equal(100, exchange.attempt_began)
      assert.is_true(exchange.under_way)
      assert.equal(transfer, exchange.transfer)
      assert.equal(redact, exchange.redact)
      assert.equal("http://x.test/v1/messages", exchange.url())
      assert.equal("http://x.test/v1/messages?beta=true", exchange.request().url)
      assert.equal("{}", exchange.request().body)
    end)

    it("with a proxy in mind that may answer in the server's place", function()
      local exchange = new()
      assert(sending.send(exchange, new_wire { proxy = "http://p.test" }, driver))
      assert.same({ "http://x.test/v1/messages?beta=true", "http://p.test" }, { exchange.way() })
    end)

    it("after another whose connection is nearly free", function()
      local subject = {}
      draining.unsettled = function() return subject, 0.02 end
      driver.wait = function(...)
        waits[#waits + 1] = { ... }
        assert.same({}, wires)
        return true
      end
      assert(sending.send(new(), new_wire(), driver))
      assert.equal(1, #waits)
      assert.equal(subject, waits[1][1])
      assert.equal(0.02, waits[1][2])
      assert.equal(1, #wires)
    end)

    it("without a wait where there is no such connection", function()
      assert(sending.send(new(), new_wire(), driver))
      assert.same({}, waits)
    end)
  end)

  describe("has not begun, and says so,", function()
    local function unsent(fields, kind)
      local exchange = new(fields)
      local result, err = sending.send(exchange, new_wire(), driver)
      assert.is_nil(result)
      assert.equal(kind, err.kind)
      assert.is_true(err.unprocessed)
      assert.same({}, wires)
      assert.is_nil(exchange.transfer)
      assert.is_nil(exchange.response)
      assert.equal(1, exchange.attempts)
      return err
    end

    it("where it is closed", function()
      assert.equal("the request was cancelled", unsent({ closed = true }, "cancelled").message)
    end)

    it("where it is cancelled or closed while it waits for a connection", function()
      draining.unsettled = function() return {}, 0.02 end
      driver.wait = function() return nil, "cancelled" end
      unsent({}, "cancelled")
      local exchange = new()
      driver.wait = function()
        exchange.closed = true
        return true
      end
      local result, err = sending.send(exchange, new_wire(), driver)
      assert.is_nil(result)
      assert.equal("cancelled", err.kind)
      assert.same({}, wires)
    end)

    it("where its time is over", function()
      for _, deadline in ipairs { 99, 100 } do
        local err = unsent({ deadline = deadline }, "timeout")
        assert.equal("total", err.timeout)
        assert.equal("not finished within 60 seconds", err.message)
      end
      assert(sending.send(new { deadline = 100.001 }, new_wire(), driver))
    end)

    it("where no transfer can be started", function()
      refused = { "not enough sockets" }
      assert.equal("not enough sockets", unsent({}, "connection").message)
      refused = { "cannot read /x: No such file", "file" }
      assert.equal("cannot read /x: No such file", unsent({}, "invalid_request").message)
      refused = { "", "memory" }
      assert.equal("not enough memory", unsent({}, "connection").message)
    end)
  end)

  describe("waits for the headers of its answer", function()
    it("by the driver of the calling code, as often as it takes", function()
      for _, count in ipairs { 0, 1, 3 } do
        steps = count
        local exchange = new()
        assert(sending.send(exchange, new_wire(), driver))
        assert.equal(count, #exchange.waited)
        for _, its_driver in ipairs(exchange.waited) do
          assert.equal(driver, its_driver)
        end
      end
    end)

    it("until its transfer fails", function()
      answer = { failure = "gone" }
      local exchange = new()
      local fields, err = sending.send(exchange, new_wire(), driver)
      assert.is_nil(fields)
      assert.equal("gone", err.message)
      assert.is_nil(exchange.response)
    end)

    it("until its wait ends with an error", function()
      local problem = errors.cancelled "the request was cancelled"
      local exchange = new { wait = function() return nil, problem end }
      local fields, err = sending.send(exchange, new_wire(), driver)
      assert.is_nil(fields)
      assert.equal(problem, err)
      assert.is_nil(exchange.response)
    end)
  end)

  describe("has a response", function()
    local function response_of(headers, status)
      answer = { status = status or 200, headers = headers }
      local exchange = new { attempts = 1 }
      local fields = assert(sending.send(exchange, new_wire(), driver))
      return exchange.response, fields
    end

    it("with the status, the headers and how often it was tried", function()
      local response, fields = response_of("Request-Id: r\r\nanthropic-ratelimit-tokens-remaining: 7\r\n", 429)
      assert.equal(429, response.status)
      assert.equal("r", response.headers["request-id"])
      assert.equal("r", fields["request-id"])
      assert.equal("r", response.request_id)
      assert.equal(2, response.attempts)
      assert.same({ tokens = { remaining = 7 } }, response.rate_limit)
    end)

    it("with another server's ID of the request where there is no other", function()
      assert.equal("x", response_of("X-Request-Id: x\r\n").request_id)
      assert.equal("r", response_of("X-Request-Id: x\r\nRequest-Id: r\r\n").request_id)
      assert.is_nil(response_of("").request_id)
    end)

    it("without a credential, though its headers are returned as they came", function()
      local response, fields = response_of("Location: /x?key=" .. SECRET .. "\r\nEcho: " .. SECRET .. "\r\n")
      assert.equal("[redacted]", response.headers.echo)
      assert.equal("/x?key=[redacted]", response.headers.location)
      assert.equal("/x?key=" .. SECRET, fields.location)
    end)

    it("with its headers as they came where there is none in them", function()
      local response, fields = response_of "Location: /x\r\n"
      assert.equal(fields, response.headers)
    end)
  end)

  it("tells the log of request and response, without a credential", function()
    steps = 2
    local exchange = new({ attempts = 1, wait = function()
      steps, now = steps - 1, now + 2
      return true
    end }, { on_log = function(record) records[#records + 1] = record end })
    answer.headers = "Request-Id: r\r\n"
    assert(sending.send(exchange, new_wire { body = '{"key":"' .. SECRET .. '"}' }, driver))
    assert.equal(2, #records)
    assert.equal('{"key":"[redacted]"}', records[1].request_body(true))
    records[1].request_body = nil
    assert.same({
      event = "request", level = "debug", attempt = 2, method = "POST", url = "http://x.test/v1/messages?beta=true",
    }, records[1])
    assert.same({
      event = "response", level = "info", attempt = 2, status = 200, request_id = "r", seconds = 4,
      method = "POST", url = "http://x.test/v1/messages",
    }, records[2])
  end)

  it("tells the log of a request that cannot be sent, too", function()
    refused = { "no" }
    assert.is_nil((sending.send(new({}, { on_log = function(record) records[#records + 1] = record end }),
      new_wire(), driver)))
    assert.equal(1, #records)
    assert.equal("request", records[1].event)
  end)
end)
