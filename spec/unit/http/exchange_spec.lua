-- One request with its retries. The transfers, the waiting and the clock are the spec's own.

local core = require "anthropic.core"
local draining = require "anthropic.loop.draining"
local errors = require "anthropic.base.error"
local exchanges = require "anthropic.http.exchange"
local loop = require "anthropic.loop"

local SECRET = "sk-test/0123456789abcdef"

local real_now, real_core = core.now, loop.core

describe("an exchange", function()
  local now -- the clock; waiting is what moves it
  local plans -- of the transfers to come, in order; the last one again
  local started -- { wire =, transfer = } in order
  local transfers -- all of the test's
  local waits -- { subject, seconds } in order
  local during -- called in each wait, after the time has passed
  local records -- of the log
  local made -- all exchanges of the test: none is collected in the midst of another one, and tells of it
  local infos -- of on_retry
  local retained -- the limiter's and the account's calls, in order

  -- --- fakes -------------------------------------------------------------------------------------

  -- A transfer that comes on by one step with each wait for it: its headers after `headers_at` steps, its end
  -- after `done_at`.
  local Transfer = {}
  Transfer.__index = Transfer

  function Transfer:status()
    return not self.closed and self.step >= self.plan.headers_at and self.plan.status or nil
  end

  function Transfer:headers()
    return self.plan.headers
  end

  function Transfer:done()
    return self.closed or self.step >= self.plan.done_at
  end

  function Transfer:body()
    return self.closed and "" or self:done() and self.plan.body or nil
  end

  function Transfer:failure()
    if self.closed then
      return "cancelled", "", 0
    elseif self:done() and self.plan.failure then
      return self.plan.failure[1], self.plan.failure[2], self.plan.failure[3]
    end
  end

  function Transfer:unprocessed()
    return self.plan.unprocessed or false
  end

  function Transfer.form()
    return "json"
  end

  function Transfer:received()
    return self:done() and #self.plan.body or 0
  end

  function Transfer:timings()
    return { total = self.step }
  end

  function Transfer:limit(seconds)
    self.limited = seconds
  end

  function Transfer.has_news()
    return true
  end

  function Transfer:close()
    self.closed = true
  end

  local function plan_of(given)
    local plan = { status = 200, headers_at = 1, done_at = (given.headers_at or 1) + 1, body = "", fields = {} }
    for name, value in pairs(given) do
      plan[name] = value
    end
    local lines = { "HTTP/1.1 " .. plan.status .. " Words" }
    for name, value in pairs(plan.fields) do
      lines[#lines + 1] = name .. ": " .. value
    end
    plan.headers = table.concat(lines, "\r\n") .. "\r\n\r\n"
    if plan.failure and not given.headers_at then
      plan.headers_at = math.huge
    end
    return plan
  end

  local fake_core = {
    start = function(_, wire)
      local plan = plans[math.min(#started + 1, #plans)]
      if plan.refused then
        started[#started + 1] = { wire = wire }
        return nil, plan.refused[1], plan.refused[2]
      end
      local transfer = setmetatable({ plan = plan_of(plan), step = 0 }, Transfer)
      started[#started + 1], transfers[#transfers + 1] = { wire = wire, transfer = transfer }, transfer
      return transfer
    end,
    wait = function() return false end,
    next_ready = function() end,
    alarm = function() end,
  }

  local driver

  local function new_driver()
    return {
      wait = function(subject, seconds)
        waits[#waits + 1] = { subject = subject, seconds = seconds }
        assert.is_true(#waits < 1000, "it waits for ever")
        if getmetatable(subject) == Transfer then
          subject.step = subject.step + 1
        end
        now = now + (seconds or 0)
        if during then
          return during(#waits, subject)
        end
        return true
      end,
    }
  end

  local shared

  local function note(name)
    return function(_, ...)
      retained[#retained + 1] = { name, ... }
      return true
    end
  end

  before_each(function()
    now, plans, started, transfers, waits, during = 5000, { {} }, {}, {}, {}, nil
    records, infos, retained, made = {}, {}, {}, {}
    core.now = function() return now end
    loop.core = function() return fake_core end
    driver = new_driver()
    shared = {
      limiter = {
        learn = note "learn", hear = note "hear",
        acquire = note "acquire", observe = note "observe", release = note "release",
      },
      usage = { add = note "add" },
      observer = nil,
    }
  end)

  after_each(function()
    for _, exchange in ipairs(made) do
      exchange:close()
    end
    for _, transfer in ipairs(transfers) do -- some come to their end by themselves
      transfer.step = math.huge
      loop.wake(transfer)
    end
    core.now, loop.core = real_now, real_core
  end)

  local function options_of(given)
    local options = {
      base_url = "http://x.test", api_key = SECRET, api_version = "2023-06-01", max_retries = 0, http_version = "1.1",
      max_response_bytes = 1000, max_event_bytes = 1000, loop = driver,
      timeout = { connect = 3, first_byte = 4, idle = 5 },
    }
    for name, value in pairs(given or {}) do
      options[name] = value
    end
    return options
  end

  local function new(given, spec)
    spec = spec or { method = "POST", path = "/v1/messages", body = "{}" }
    made[#made + 1] = exchanges.new(spec, exchanges.profile(options_of(given)), shared)
    return made[#made]
  end

  local function logged(given)
    given = given or {}
    given.on_log = function(record)
      records[#records + 1] = record
    end
    given.on_retry = function(info)
      infos[#infos + 1] = info
    end
    return new(given)
  end

  -- The calls of the limiter or the account of that name.
  local function calls_of(name)
    local found = {}
    for _, call in ipairs(retained) do
      found[#found + 1] = call[1] == name and call or nil
    end
    return found
  end

  local function assert_cancelled(ok, err)
    assert.is_nil(ok)
    assert.equal("cancelled", err.kind)
    assert.equal("the request was cancelled", err.message)
  end

  -- The error of an attempt that has failed.
  local function failure_of(exchange)
    local ok, err = exchange:attempt()
    assert.is_nil(ok)
    assert.is_true(errors.is(err))
    return err
  end

  -- One whose only attempt got its headers.
  local function answered(plan, given)
    plans = { plan or {} }
    local exchange = logged(given)
    assert.is_true(exchange:attempt())
    return exchange, started[1].transfer
  end

  -- --- before anything is sent -------------------------------------------------------------------

  describe("that is new", function()
    it("has sent nothing", function()
      local exchange = new()
      assert.equal(0, exchange.attempts)
      assert.is_nil(exchange.response)
      assert.is_falsy(exchange:has_news())
      assert.same({}, started)
      assert.same({}, retained)
    end)

    it("has its deadline after the total timeout, or never", function()
      assert.equal(5007.5, new({ timeout = { total = 7.5 } }).deadline)
      assert.equal(5007.5, new({ timeout = 7.5 }).deadline)
      assert.equal(math.huge, new().deadline)
      assert.equal(math.huge, new({ timeout = { total = false } }).deadline)
    end)

    it("shows no credential in a dump, nor does one whose request was sent", function()
      local seen = {}
      local function search(value)
        if type(value) == "string" then
          assert.is_nil(value:find(SECRET, 1, true))
        elseif type(value) == "table" and not seen[value] then
          seen[value] = true
          for key, member in pairs(value) do
            search(key)
            search(member)
          end
        end
      end
      local exchange = new({}, { method = "POST", path = "/", body = SECRET })
      search(exchange)
      assert.is_true(exchange:attempt())
      seen[started[1].transfer] = true
      seen[exchange] = nil
      search(exchange)
    end)
  end)

  describe("has a profile", function()
    it("that gives its options by name", function()
      local profile = exchanges.profile(options_of { max_retries = 7 })
      assert.equal(7, profile.option "max_retries")
      assert.is_nil(profile.option "unheard_of")
    end)

    it("with all timeouts", function()
      local timeouts = exchanges.profile(options_of()).timeouts
      assert.same({ connect = 3, first_byte = 4, idle = 5, total = false }, timeouts)
    end)

    it("that takes JSON between events for one, unless its requests are of no API", function()
      assert.is_true(exchanges.profile(options_of()).takes_json)
      assert.is_false(exchanges.profile(options_of(), function() end).takes_json)
    end)

    it("whose requests go through middleware, what signs them, or neither", function()
      local function pass(name)
        return function(request, next)
          request.headers["x-by"] = name
          return next()
        end
      end
      for _, case in ipairs {
        { {} }, { { middleware = {} } }, { { middleware = { pass "middleware" } }, "middleware" },
        { { signing = pass "signing" }, "signing" },
      } do
        plans, started = { {} }, {}
        assert.is_true(new(case[1]):attempt())
        assert.equal(case[2], table.concat(started[1].wire.headers, "\n"):match "[Xx]%-[Bb]y: (%a+)")
      end
    end)

    it("that says whether anybody wants a log", function()
      assert.is_false(exchanges.profile(options_of()).is_logged)
      assert.is_true(exchanges.profile(options_of { on_log = print }).is_logged)
      assert.is_true(exchanges.profile(options_of { log_level = "off" }).is_logged)
    end)
  end)

  -- --- one attempt -------------------------------------------------------------------------------

  describe("sends its request", function()
    it("with URL, method, headers and body, and waits for the headers of the answer", function()
      plans = { { headers_at = 3 } }
      local exchange = new()
      assert.is_true(exchange:attempt())
      local wire = started[1].wire
      assert.equal("POST", wire.method)
      assert.equal("http://x.test/v1/messages", wire.url)
      assert.equal("{}", wire.body)
      assert.truthy(table.concat(wire.headers, "\n"):find("Authorization: Bearer " .. SECRET, 1, true))
      assert.equal(3, #waits)
      for _, wait in ipairs(waits) do
        assert.equal(started[1].transfer, wait.subject)
        assert.is_nil(wait.seconds)
      end
      assert.equal(1, exchange.attempts)
      assert.is_false(exchange.complete)
    end)

    it("without a wait where the answer is there at once", function()
      plans = { { headers_at = 0 } }
      assert.is_true(new():attempt())
      assert.same({}, waits)
    end)

    it("with the body that was set last", function()
      plans = { { status = 500, headers_at = 0, done_at = 0 } }
      local exchange = new()
      failure_of(exchange)
      exchange:set_body "[1]"
      failure_of(exchange)
      assert.equal("{}", started[1].wire.body)
      assert.equal("[1]", started[2].wire.body)
    end)

    it("within what is left of its total timeout", function()
      local exchange = new { timeout = { total = 10 } }
      now = now + 4
      assert.is_true(exchange:attempt())
      assert.equal(6, started[1].wire.total_timeout)
      assert.is_nil((new():attempt() and started[2].wire.total_timeout or nil))
    end)

    it("and has it recorded where somebody observes", function()
      new():attempt()
      assert.is_false(started[1].wire.record)
      shared.observer = function() end
      new():attempt()
      assert.is_true(started[2].wire.record)
    end)

    it("not where the calling code cannot wait: nothing has begun, and it can be sent elsewhere", function()
      driver.check = function()
        return nil, "not here"
      end
      local exchange = new({}, { method = "GET", path = "/", paced = true })
      local err = failure_of(exchange)
      assert.equal("cannot_wait", err.type)
      assert.equal("not here", err.message)
      assert.equal(0, exchange.attempts)
      assert.is_false(exchange.closed)
      assert.same({}, started)
      assert.same({}, retained)
      driver.check = nil
      assert.is_true(exchange:attempt())
    end)

    it("not where it is closed", function()
      local exchange = new()
      exchange:close()
      assert_cancelled(exchange:attempt())
      assert.same({}, started)
      assert.equal(0, exchange.attempts)
    end)

    it("not where the request cannot be built", function()
      local exchange = new { api_key = "" }
      local err = failure_of(exchange)
      assert.equal("invalid_request", err.kind)
      assert.equal("api_key: is empty", err.message)
      assert.same({}, started)
      assert.equal(0, exchange.attempts)
      assert.is_nil(exchange.request)
    end)

    it("not once its total timeout has passed", function()
      for left, sent in pairs { [-1] = false, [0] = false, [0.001] = true } do
        started = {}
        local exchange = new { timeout = { total = 10 } }
        now = exchange.deadline - left
        local ok, err = exchange:attempt()
        assert.equal(sent, ok or false, left)
        assert.equal(sent and 1 or 0, #started, left)
        if not sent then
          assert.equal("timeout", err.kind)
          assert.equal("total", err.timeout)
          assert.equal("not finished within 10 seconds", err.message)
          assert.equal(1, exchange.attempts)
        end
      end
    end)

    it("and says why it could not be started", function()
      plans = { { refused = { "not enough sockets" } } }
      local err = failure_of(new())
      assert.equal("connection", err.kind)
      assert.equal("not enough sockets", err.message)
      plans = { { refused = { "cannot open /x", "file" } } }
      err = failure_of(new())
      assert.equal("invalid_request", err.kind)
      assert.equal("cannot open /x", err.message)
    end)

    it("when the limiter lets it, where it is paced", function()
      local exchange = new({}, { method = "GET", path = "/", paced = true })
      shared.limiter.acquire = function(_, request)
        assert.same({ method = "GET", path = "/", tokens = 0, attempt = 1 }, request)
        assert.same({}, started)
        retained[#retained + 1] = { "acquire" }
        return true
      end
      assert.is_true(exchange:attempt())
      assert.equal(1, #calls_of "acquire")
      assert.is_true(new():attempt())
      assert.equal(1, #calls_of "acquire")
    end)

    it("not where it was cancelled while the limiter held it back", function()
      local exchange = new({}, { method = "GET", path = "/", paced = true })
      shared.limiter.acquire = function()
        exchange:close()
        return true
      end
      assert_cancelled(exchange:attempt())
      assert.equal("cancelled", calls_of("release")[1][4].kind)
      assert.same({}, started)
    end)

    describe("after another one whose connection is nearly free", function()
      -- A finished exchange whose transfer is still coming to its end.
      local function drain()
        local exchange, transfer = answered { done_at = 10 }
        exchange:finish()
        waits, started = {}, {}
        return transfer
      end

      local function settle(transfer)
        during = nil
        transfer.step = 10
        loop.wake(transfer)
        assert.is_nil((draining.unsettled()))
      end

      it("has ended, or 20 ms have passed", function()
        local transfer = drain()
        local exchange = new()
        during = function(count)
          if count == 1 then
            assert.is_falsy(waits[1].subject:has_news())
            settle(transfer)
            assert.is_true(waits[1].subject:has_news())
          end
          return true
        end
        assert.is_true(exchange:attempt())
        assert.equal(0.02, waits[1].seconds)
        assert.equal(2, #waits)
        assert.equal(1, #started)
      end)

      it("not where it is closed or cancelled meanwhile", function()
        local transfer = drain()
        local exchange = new()
        during = function()
          exchange:close()
          return true
        end
        assert_cancelled(exchange:attempt())
        during = function() return nil, "cancelled" end
        assert_cancelled(new():attempt())
        assert.same({}, started)
        settle(transfer)
      end)
    end)
  end)

  describe("that is answered", function()
    it("has a response with what the headers say", function()
      local exchange = answered { status = 201, fields = {
        ["Request-Id"] = "req_1", ["X-Request-Id"] = "other", ["Anthropic-RateLimit-Tokens-Remaining"] = 7,
      } }
      local response = exchange.response
      assert.equal(201, response.status)
      assert.equal("req_1", response.request_id)
      assert.equal("req_1", response.headers["REQUEST-ID"])
      assert.equal(1, response.attempts)
      assert.same({ tokens = { remaining = 7 } }, response.rate_limit)
    end)

    it("takes another server's ID of the request where there is no other", function()
      assert.equal("other", answered({ fields = { ["x-request-id"] = "other" } }).response.request_id)
      started = {}
      assert.is_nil(answered({}).response.request_id)
    end)

    it("has no credential in its response, where the server repeats it", function()
      local response = answered({ fields = { echo = "Bearer " .. SECRET } }).response
      assert.equal("Bearer [redacted]", response.headers.echo)
    end)

    it("has succeeded from status 200 to 299", function()
      for status, succeeded in pairs {
        [101] = false, [199] = false, [200] = true, [204] = true, [299] = true, [300] = false, [304] = false,
        [400] = false, [500] = false,
      } do
        plans, started = { { status = status } }, {}
        local ok, err = new():attempt()
        assert.equal(succeeded, ok or false, status)
        assert.equal(not succeeded and status or nil, err and err.status)
      end
    end)

    it("has succeeded with any status where the request says so, unless it is to be tried for again", function()
      local spec = { method = "POST", path = "/", body = "{}", takes_any_status = true }
      plans = { { status = 404 } }
      assert.is_true(new({ max_retries = 1 }, spec):attempt())
      plans, started = { { status = 503 } }, {}
      local exchange = new({ max_retries = 1 }, spec)
      local err = failure_of(exchange)
      assert.equal(503, err.status)
      assert.is_true(exchange:recover(err))
      assert.is_true(exchange:attempt())
      assert.equal(503, exchange.response.status)
    end)

    it("teaches the limiter, also by a refusal, where it tells of a limit", function()
      for _, status in ipairs { 200, 429 } do
        local fields = { ["anthropic-ratelimit-requests-remaining"] = "3" }
        plans, started, retained = { { status = status, fields = fields } }, {}, {}
        local exchange = new()
        exchange:attempt()
        assert.same({ { "learn", nil, exchange.response } }, calls_of "learn")
        assert.equal(status, exchange.response.status)
      end
      plans, started, retained = { {} }, {}, {}
      new():attempt()
      assert.same({}, calls_of "learn")
    end)
  end)

  describe("that gets no answer", function()
    it("has the failure as an error, without a response", function()
      plans = { { failure = { "connection", "Could not connect to " .. SECRET, 7 } } }
      local exchange = new()
      local err = failure_of(exchange)
      assert.equal("connection", err.kind)
      assert.equal("Could not connect to [redacted]", err.message)
      assert.equal(7, err.code)
      assert.is_nil(err.status)
      assert.is_nil(err.headers)
      assert.is_nil(err.request_id)
      assert.is_nil(err.retry_after)
      assert.is_nil(exchange.response)
      assert.equal(2, #waits)
    end)

    it("has its own timeouts in the error", function()
      plans = { { failure = { "first_byte", "Timeout was reached", 28 } } }
      assert.equal("no answer within 4 seconds", failure_of(new()).message)
    end)

    it("is cancelled where its wait is", function()
      plans = { { headers_at = 5, done_at = 6 } }
      during = function() return nil, "cancelled" end
      local exchange = new()
      assert_cancelled(exchange:attempt())
      assert.equal(1, #waits)
      assert.is_true(exchange.closed)
      assert.is_true(started[1].transfer.closed)
    end)

    it("is cancelled where it is closed meanwhile", function()
      plans = { { headers_at = 5, done_at = 6 } }
      local exchange = new()
      during = function()
        exchange:close()
        return true
      end
      assert_cancelled(exchange:attempt())
      assert.equal(1, #waits)
    end)
  end)

  describe("that is sent again", function()
    it("has left its transfer and its response behind", function()
      plans = { { status = 503, fields = { ["request-id"] = "req_1" } }, { failure = { "connection", "no", 7 } } }
      local exchange = new()
      failure_of(exchange)
      assert.equal("req_1", exchange.response.request_id)
      local err = failure_of(exchange)
      assert.is_nil(err.request_id)
      assert.is_nil(exchange.response)
      assert.is_true(started[1].transfer.closed)
      assert.equal(2, exchange.attempts)
      assert.equal(started[2].transfer, exchange.transfer)
    end)

    it("has none of either where what it is sent through, or its limiter, refuses it", function()
      local refusal = errors.new { kind = "invalid_request", message = "no" }
      local function limiter(result, problem)
        return { acquire = function() return result, problem end }
      end
      for _, refuse in ipairs {
        function(exchange)
          exchange.route = { enter = function() return nil, refusal end }
        end,
        function(exchange)
          exchange:use(exchanges.profile(options_of { limiter = limiter(nil, refusal) }), shared, 1)
        end,
      } do
        started = {}
        local exchange = new()
        assert.is_true(exchange:attempt())
        refuse(exchange)
        assert.equal("no", failure_of(exchange).message)
        assert.is_nil(exchange.transfer)
        assert.is_nil(exchange.response)
        assert.equal(1, #started)
      end
    end)

    it("is not sent where its limiter closes it", function()
      local exchange
      exchange = new { limiter = { acquire = function()
        exchange:close()
        return true
      end } }
      assert_cancelled(exchange:attempt())
      assert.same({}, started)
    end)

    it("tells its route of an answer that it is content with, and of no other", function()
      local told = 0
      local exchange = new()
      exchange.route = { enter = function() return true end, answered = function() told = told + 1 end }
      plans = { { status = 503 }, {} }
      failure_of(exchange)
      assert.equal(0, told)
      assert.is_true(exchange:attempt())
      assert.equal(1, told)
    end)

    it("asks for the credential again", function()
      local count = 0
      local exchange = new { api_key = function()
        count = count + 1
        return "key number " .. count
      end }
      assert.is_true(exchange:attempt())
      assert.is_true(exchange:attempt())
      for i = 1, 2 do
        assert.truthy(table.concat(started[i].wire.headers, "\n"):find("Bearer key number " .. i, 1, true))
      end
    end)
  end)

  describe("tells the observer", function()
    it("of each attempt once, while its transfer is there", function()
      local seen = {}
      shared.observer = function(exchange)
        assert.is_false(exchange.transfer.closed or false)
        seen[#seen + 1] = exchange.attempts
      end
      plans = { { status = 503 }, { status = 503 }, {} }
      local exchange = new { max_retries = 2 }
      exchange:run(function(answering)
        answering:finish()
        return true
      end)
      exchange:close()
      assert.same({ 1, 2, 3 }, seen)
    end)

    it("of one that is closed", function()
      local seen = 0
      local exchange = answered()
      shared.observer = function() seen = seen + 1 end
      exchange:close()
      exchange:close()
      assert.equal(1, seen)
    end)

    it("of none that never began", function()
      shared.observer = function() error "it was told" end
      plans = { { refused = { "no" } } }
      local exchange = new()
      exchange:fail(failure_of(exchange))
      new():close()
    end)
  end)

  -- --- waiting -----------------------------------------------------------------------------------

  describe("that waits", function()
    it("goes on with news", function()
      local exchange, transfer = answered()
      waits = {}
      assert.is_true(exchange:wait())
      assert.same({ { subject = transfer } }, waits)
    end)

    it("waits by the driver that the caller knows", function()
      local exchange = answered()
      local other = { wait = function(subject)
        assert.equal(exchange.transfer, subject)
        return true
      end }
      waits = {}
      assert.is_true(exchange:wait(other))
      assert.same({}, waits)
    end)

    it("goes on where the calling code cannot wait, and says so", function()
      local exchange, transfer = answered()
      driver.check = function() return nil, "not here" end
      local ok, err = exchange:wait()
      assert.is_nil(ok)
      assert.equal("cannot_wait", err.type)
      assert.is_false(exchange.closed)
      assert.is_nil(transfer.closed)
      driver.check = nil
      assert.is_true(exchange:wait())
    end)

    it("is cancelled where the calling code cannot wait and it is closed", function()
      local exchange = answered()
      driver.check = function() return nil, "not here" end
      exchange:close()
      assert_cancelled(exchange:wait())
    end)

    it("has news when it is called, and wakes whoever waits for it", function()
      local exchange, woken = new(), 0
      loop.on_news(exchange, function() woken = woken + 1 end)
      exchange:call()
      assert.equal(1, woken)
      assert.is_true(exchange:has_news())
      assert.is_false(exchange.closed)
    end)
  end)

  describe("that is closed", function()
    it("has news, and wakes those who wait for it and for its transfer", function()
      local exchange, transfer = answered()
      local woken = {}
      loop.on_news(exchange, function() woken[#woken + 1] = "exchange" end)
      loop.on_news(transfer, function()
        assert.is_true(transfer.closed)
        woken[#woken + 1] = "transfer"
      end)
      exchange:close()
      exchange:close()
      table.sort(woken)
      assert.same({ "exchange", "transfer" }, woken)
      assert.is_true(exchange:has_news())
    end)

    it("closes its transfer once, and tells its log of the end once", function()
      local exchange, transfer = answered()
      local closed = 0
      function transfer.close(self)
        closed, self.closed = closed + 1, true
      end
      records = {}
      exchange:close()
      exchange:close()
      assert.equal(1, closed)
      assert.same({ 1, "done", "closed" }, { #records, records[1].event, records[1].outcome })
    end)

    it("is given back to the limiter, once", function()
      local exchange = new({}, { method = "GET", path = "/", paced = true })
      exchange:attempt()
      exchange:close()
      exchange:close()
      assert.equal(1, #calls_of "release")
      assert.equal(exchange.response, calls_of("release")[1][3])
      assert.equal("cancelled", calls_of("release")[1][4].kind)
    end)
  end)

  describe("that is finished", function()
    it("gives its transfer up, which comes to its end by itself", function()
      local exchange, transfer = answered { done_at = 10 }
      exchange:finish()
      assert.is_true(exchange.complete)
      assert.equal(1, transfer.limited)
      exchange:close()
      assert.is_nil(transfer.closed)
      transfer.step = 10
      loop.wake(transfer)
      assert.is_true(transfer.closed)
    end)

    it("is given back to the limiter without an error", function()
      local exchange = new({}, { method = "GET", path = "/", paced = true })
      exchange:attempt()
      assert.is_true(exchange:finish())
      exchange:close()
      assert.equal(1, #calls_of "release")
      assert.is_nil(calls_of("release")[1][4])
    end)

    it("has its reader's times added, and tells its log of the end", function()
      local exchange = answered()
      exchange:count { model = "m", usage = { output_tokens = 3 } }
      records = {}
      exchange:finish(function(timings) timings.first_text = 7 end)
      assert.equal(7, exchange.response.timings.first_text)
      assert.same({ 1, "done", "ok" }, { #records, records[1].event, records[1].outcome })
      assert.same({ "m", { output_tokens = 3 }, 7 },
        { records[1].model, records[1].usage, records[1].timings.first_text })
    end)

    it("closes a transfer that has ended", function()
      local exchange, transfer = answered { headers_at = 1, done_at = 1 }
      assert.is_true(exchange:finish())
      assert.is_true(transfer.closed)
    end)

    it("has the timings of its end in its response", function()
      local exchange, transfer = answered { done_at = 1 }
      assert.is_nil(exchange.response.timings)
      assert.equal(exchange.response, exchange:response_so_far())
      assert.equal(1, exchange.response.timings.total)
      transfer.step = 3
      exchange:finish()
      assert.equal(3, exchange.response.timings.total)
      transfer.step = 4
      assert.equal(3, exchange:response_so_far().timings.total)
    end)
  end)

  -- --- bodies and errors -------------------------------------------------------------------------

  describe("that reads its body", function()
    it("waits for all of it", function()
      local exchange = answered { headers_at = 1, done_at = 4, body = "all of it" }
      local body, err = exchange:read_body()
      assert.equal("all of it", body)
      assert.is_nil(err)
      assert.equal(4, #waits)
    end)

    it("has what came of it, and why it is not all", function()
      local exchange = answered {
        headers_at = 1, body = "half of " .. SECRET, failure = { "truncated", "closed early " .. SECRET, 18 },
        fields = { ["request-id"] = "req_1", ["retry-after"] = 3 },
      }
      local body, err = exchange:read_body()
      assert.equal("half of " .. SECRET, body)
      assert.equal("truncated", err.kind)
      assert.equal("closed early [redacted]", err.message)
      assert.equal("half of [redacted]", err.body)
      assert.equal(200, err.status)
      assert.equal("req_1", err.request_id)
      assert.equal(3, err.retry_after)
      assert.equal(exchange.response.headers, err.headers)
    end)

    it("has no body in the error where nothing came", function()
      local exchange = answered { headers_at = 1, failure = { "truncated", "closed early", 18 } }
      local body, err = exchange:read_body()
      assert.equal("", body)
      assert.is_nil(err.body)
    end)

    it("is cancelled where its wait is", function()
      local exchange = answered { done_at = 10 }
      during = function() return nil, "cancelled" end
      assert_cancelled(exchange:read_body())
    end)

    it("tells the log of it", function()
      local exchange = answered { body = '{"a":"' .. SECRET .. '"}' }
      exchange:read_body()
      local record = records[#records]
      assert.equal("body", record.event)
      assert.equal(#SECRET + 8, record.bytes)
      assert.equal('{"a":"[redacted]"}', record.response_body(true))
    end)
  end)

  describe("that is refused", function()
    it("has the API's own words in its error, and what the headers say", function()
      local body = '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded","details":{"a":1}},'
        .. '"request_id":"req_body"}'
      plans = { { status = 529, body = body, fields = { ["request-id"] = "req_1", ["retry-after-ms"] = 250 } } }
      local exchange = new()
      local err = failure_of(exchange)
      assert.equal("api", err.kind)
      assert.equal("overloaded_error", err.type)
      assert.equal(529, err.status)
      assert.equal("Overloaded", err.message)
      assert.equal("req_1", err.request_id)
      assert.equal(body, err.body)
      assert.same({ a = 1 }, err.details)
      assert.equal(exchange.response.headers, err.headers)
      assert.equal(0.25, err.retry_after)
    end)

    it("has the body's ID of the request where the headers have none", function()
      for _, case in ipairs { { "" }, { "{}" }, { '{"request_id":7}' }, { '{"request_id":"a"}', "a" } } do
        plans, started = { { status = 400, body = case[1] } }, {}
        assert.equal(case[2], failure_of(new()).request_id)
      end
    end)

    it("has the body's wait where the headers have none", function()
      for _, case in ipairs {
        { {}, 120 }, { { ["retry-after"] = 3 }, 3 }, { { ["retry-after"] = 0 } }, { { ["retry-after"] = "soon" } },
      } do
        plans, started = { { status = 522, body = '{"title":"no","retry_after":120}', fields = case[1] } }, {}
        assert.equal(case[2], failure_of(new()).retry_after)
      end
    end)

    it("has no secret in what it decoded either", function()
      local in_code = SECRET:gsub("s", "\\u0073", 1)
      local form = '{"error":{"type":"%s","message":"no","details":{"%s":["%s"]}},"request_id":"%s"}'
      plans = { { status = 401, body = form:format(in_code, in_code, in_code, in_code) } }
      local err = failure_of(new())
      assert.equal("[redacted]", err.type)
      assert.same({ ["[redacted]"] = { "[redacted]" } }, err.details)
      assert.equal("[redacted]", err.request_id)
    end)

    for _, case in ipairs {
      { '{"error":{"message":"a"},"message":"b","detail":"c"}', "a" },
      { '{"error":{"message":7},"message":"b","detail":"c"}', "b" },
      { '{"error":"a","message":"b","detail":"c"}', "a: b" },
      { '{"message":"b","detail":"c"}', "b" },
      { '{"error":null,"message":null,"detail":"c"}', "c" },
      { '{"detail":[1]}', "HTTP 418" },
      { '{"error":{"type":7}}', "HTTP 418" },
      { '{"error":[]}', "HTTP 418" },
      { '{"error":true}', "HTTP 418" },
      { "[1]", "HTTP 418" },
      { '"error"', "error" },
      { "null", "HTTP 418" },
      { "<html>No</html>", "HTTP 418" },
      { '{"message":"cut', '{"message":"cut' },
      { "", "HTTP 418" },
    } do
      it(("by %s says %q"):format(case[1] == "" and "nothing" or case[1], case[2]), function()
        plans = { { status = 418, body = case[1] } }
        local err = failure_of(new())
        assert.equal("api", err.kind)
        assert.equal(case[2], err.message)
        assert.equal("invalid_request_error", err.type)
        assert.equal(case[1], err.body)
        assert.is_nil(err.details)
      end)
    end

    it("by a redirect says where from and where to, whatever its body says", function()
      plans = { { status = 302, body = "Found", fields = { location = "/v1/messages/" } } }
      assert.equal("HTTP 302: http://x.test/v1/messages redirects to http://x.test/v1/messages/ (not followed)",
        failure_of(new()).message)
      plans = { { status = 400, body = "No", fields = { location = "/v1/messages/" } } }
      assert.equal("No", failure_of(new()).message)
    end)

    it("by a redirect shows no secret", function()
      plans = { { status = 307, fields = { location = "https://y/" .. SECRET } } }
      local err = failure_of(new())
      assert.equal("HTTP 307: http://x.test/v1/messages redirects to https://y/[redacted] (not followed)",
        err.message)
      assert.is_nil(err.type)
    end)

    it("has the type that the status stands for where the body names none", function()
      for status, name in pairs {
        [400] = "invalid_request_error", [404] = "not_found_error", [429] = "rate_limit_error", [503] = "api_error",
      } do
        plans, started = { { status = status, body = "{}" } }, {}
        assert.equal(name, failure_of(new()).type)
      end
    end)

    it("is refused also where its body breaks off", function()
      plans = { { status = 500, headers_at = 1, body = "Inter", failure = { "truncated", "closed early", 18 } } }
      local err = failure_of(new())
      assert.equal("api", err.kind)
      assert.equal(500, err.status)
      assert.equal("Inter", err.body)
    end)

    it("is cancelled where it is closed while the body is read", function()
      plans = { { status = 500, done_at = 10 } }
      local exchange = new()
      during = function(count)
        if count == 2 then
          exchange:close()
        end
        return true
      end
      assert_cancelled(exchange:attempt())
    end)

    it("has no credential in its error, however the server spells it", function()
      local escaped = SECRET:gsub("/", "\\/")
      local in_code = SECRET:gsub("s", "\\u0073", 1)
      for _, spelling in ipairs { SECRET, escaped, in_code } do
        plans, started = { { status = 401, body = '{"error":{"message":"wrong key ' .. spelling .. '!"}}' } }, {}
        assert.equal("wrong key [redacted]!", failure_of(new()).message)
      end
      plans, started = { { status = 401, body = SECRET .. "!" } }, {}
      assert.equal("[redacted]!", failure_of(new()).body)
    end)
  end)

  describe("in whose stream an error comes", function()
    it("has the status that its type stands for", function()
      local exchange = answered { fields = { ["request-id"] = "req_1" } }
      local err = exchange:api_error '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
      assert.equal(529, err.status)
      assert.equal("overloaded_error", err.type)
      assert.equal("Overloaded", err.message)
      assert.equal("req_1", err.request_id)
    end)

    it("has the event's name where that is a word for errors", function()
      local err = answered():api_error('{"message":"Busy"}', nil, "throttlingException")
      assert.equal(429, err.status)
      assert.equal("throttlingException", err.type)
      assert.equal("Busy", err.message)
      err = answered():api_error('{"message":"Busy"}', nil, "error")
      assert.is_nil(err.status)
      assert.is_nil(err.type)
    end)

    it("has the status of its code before that of its word, and a status's type where it has no word", function()
      local err = answered():api_error '{"error":{"type":"server_error","code":"503","message":"no"}}'
      assert.equal(503, err.status)
      assert.equal("server_error", err.type)
      err = answered():api_error '{"error":{"code":429}}'
      assert.equal(429, err.status)
      assert.equal("rate_limit_error", err.type)
    end)

    it("is not worth a retry where its word says so", function()
      local err = answered():api_error '{"error":{"type":"insufficient_quota","message":"no"}}'
      assert.equal(429, err.status)
      assert.is_false(err.retryable)
      assert.is_nil(answered():api_error('{"error":{"code":429}}').retryable)
    end)

    it("has neither where nothing names them", function()
      local err = answered({ fields = { location = "x" } }):api_error "{}"
      assert.equal("api", err.kind)
      assert.is_nil(err.status)
      assert.is_nil(err.type)
      assert.equal("the server sent an error without a message", err.message)
    end)

    it("has a type that is unknown, without a status", function()
      local err = answered():api_error '{"error":{"type":"new_error","message":"New"}}'
      assert.equal("new_error", err.type)
      assert.is_nil(err.status)
    end)
  end)

  -- --- connections -------------------------------------------------------------------------------

  describe("takes a connection", function()
    local function wire_of(given, retry)
      started = {}
      local exchange = new(given, { method = "POST", path = "/v1/x", body = "{}", retry = retry })
      assert.is_true(exchange:attempt())
      return started[1].wire
    end

    it("that was kept, as long as nothing forbids it", function()
      local wire = wire_of { max_retries = 2 }
      assert.is_false(wire.fresh)
      assert.is_false(wire.once)
      assert.is_nil(wire.max_idle)
    end)

    it("on which libcurl cannot send twice, where there are no retries left", function()
      assert.is_true(wire_of({ max_retries = 0 }).once)
      plans = { { status = 500 }, {} }
      local exchange = new { max_retries = 1 }
      started = {}
      assert.is_true(exchange:recover(failure_of(exchange)))
      assert.is_true(exchange:attempt())
      assert.is_false(started[1].wire.once)
      assert.is_true(started[2].wire.once)
    end)

    it("that was not idle for 5 seconds, where the request must not be sent twice", function()
      local wire = wire_of({ max_retries = 2 }, "safe")
      assert.is_true(wire.once)
      assert.equal(5, wire.max_idle)
      assert.is_false(wire.fresh)
      assert.equal(5, wire_of({ retry = "safe" }).max_idle)
      assert.is_nil(wire_of({ retry = "always" }, "safe").max_idle)
    end)

    it("of its own by HTTP/2, where the request must not be sent twice", function()
      assert.is_true(wire_of({ http_version = "2" }, "safe").fresh)
      assert.is_false(wire_of({ http_version = "2" }).fresh)
    end)

    it("that is new after one was lost, and speaks HTTP/1.1 where the server wants that", function()
      for name, http2 in pairs { lost = false, downgraded = true } do
        plans = { { failure = { name, "", 52 } }, {} }
        started = {}
        local exchange = new { max_retries = 1, http_version = http2 and "2" or "1.1" }
        assert.is_true(exchange:recover(failure_of(exchange)))
        assert.is_true(exchange:attempt())
        assert.equal(http2, started[1].wire.http2)
        assert.is_false(started[2].wire.http2)
        assert.is_true(started[2].wire.fresh)
      end
    end)

    it("of others by HTTP/2 after one was lost, and a new one after the second", function()
      plans = { { failure = { "lost", "", 52 } }, { failure = { "lost", "", 52 } }, {} }
      local exchange = new { max_retries = 2, http_version = "2" }
      assert.is_true(exchange:recover(failure_of(exchange)))
      assert.is_true(exchange:recover(failure_of(exchange)))
      assert.is_true(exchange:attempt())
      for i, fresh in ipairs { false, false, true } do
        assert.is_true(started[i].wire.http2)
        assert.equal(fresh, started[i].wire.fresh)
      end
    end)
  end)

  -- --- retries -----------------------------------------------------------------------------------

  local function api_error(fields)
    local err = errors.new { kind = "api", status = 500, message = "no", retry_after = 2 }
    for name, value in pairs(fields or {}) do
      err[name] = value
    end
    return err
  end

  -- One whose first attempt was refused.
  local function refused(given, plan)
    plans = { plan or { status = 500, fields = { ["retry-after"] = 2 } } }
    local exchange = logged(given)
    local err = failure_of(exchange)
    waits, records, retained = {}, {}, {}
    return exchange, err
  end

  describe("that fails", function()
    it("names its URL in the error, without its query and without credentials", function()
      plans = { { status = 404 } }
      local exchange = new({}, { method = "GET", path = "/v1/" .. SECRET, query = { key = "other secret" } })
      local err = exchange:fail(failure_of(exchange))
      assert.equal("http://x.test/v1/$ANTHROPIC_API_KEY", err.url)
      assert.equal("anthropic: api error 404 not_found_error: HTTP 404 at http://x.test/v1/$ANTHROPIC_API_KEY",
        tostring(err))
      plans, started = { { failure = { "connection", "no", 7 } } }, {}
      exchange = new()
      assert.equal("http://x.test/v1/messages", exchange:fail(failure_of(exchange)).url)
    end)

    it("names no URL where nothing was sent", function()
      local exchange = new { base_url = "x" }
      assert.is_nil(exchange:fail(failure_of(exchange)).url)
    end)
  end)

  describe("that recovers", function()
    it("waits as long as the failure asks, and then goes on", function()
      local exchange, err = refused { max_retries = 1 }
      local ok, again = exchange:recover(err)
      assert.is_true(ok)
      assert.is_nil(again)
      assert.same({ { subject = exchange, seconds = 2 } }, waits)
      assert.is_true(started[1].transfer.closed)
      assert.is_false(exchange.closed)
      assert.is_nil(err.attempts)
      assert.is_nil(err.history)
    end)

    it("waits longer each time, where the failure asks for nothing", function()
      local exchange, err = refused({ max_retries = 3 }, { failure = { "connection", "no", 7 } })
      for _, longest in ipairs { 0.5, 1, 2 } do
        waits = {}
        assert.is_true(exchange:recover(err))
        assert.is_true(waits[1].seconds <= longest and waits[1].seconds >= longest * 0.75, waits[1].seconds)
        err = failure_of(exchange)
      end
    end)

    it("as often as max_retries says", function()
      for _, retries in ipairs { 0, 1, 2, 5 } do
        started = {}
        local exchange, err = refused { max_retries = retries }
        for _ = 1, retries do
          assert.is_true(exchange:recover(err))
          err = failure_of(exchange)
        end
        local ok, final = exchange:recover(err)
        assert.is_nil(ok)
        assert.equal(err, final)
        assert.equal(retries + 1, final.attempts)
        assert.equal(retries + 1, #final.history)
        assert.is_true(exchange.closed)
      end
    end)

    it("at once from a connection that was lost, and after a wait from the next one", function()
      local exchange, err = refused({ max_retries = 2 }, { failure = { "lost", "", 52 } })
      assert.is_true(exchange:recover(err))
      assert.equal(0, waits[1].seconds)
      assert.equal(0, infos[1].delay)
      waits = {}
      assert.is_true(exchange:recover(failure_of(exchange)))
      assert.is_true(waits[#waits].seconds >= 0.75, waits[#waits].seconds)
    end)

    it("as its policy says: the option's, else the request's own", function()
      for _, case in ipairs {
        { nil, nil, true }, { nil, "safe", false }, { "safe", nil, false }, { "always", "safe", true },
        { "safe", "always", false },
      } do
        plans, started = { { status = 500 } }, {}
        local exchange = new({ max_retries = 1, retry = case[1] }, { method = "POST", path = "/", retry = case[2] })
        assert.equal(case[3], exchange:recover(failure_of(exchange)) or false)
      end
    end)

    it("safely, where the server cannot have acted", function()
      for unprocessed, expected in pairs { [true] = true, [false] = false } do
        plans, started = { { failure = { "connection", "no", 7 }, unprocessed = unprocessed } }, {}
        local exchange = new { max_retries = 1, retry = "safe" }
        local err = failure_of(exchange)
        assert.equal(unprocessed or nil, err.unprocessed)
        assert.equal(expected, exchange:recover(err) or false)
      end
      plans, started = { { refused = { "no memory" } } }, {}
      local exchange = new { max_retries = 1, retry = "safe" }
      assert.is_true(exchange:recover(failure_of(exchange)))
    end)

    it("not from what stays as it is", function()
      local exchange, err = refused({ max_retries = 5 }, { status = 400 })
      local ok, final = exchange:recover(err)
      assert.is_nil(ok)
      assert.equal(err, final)
      assert.equal(1, final.attempts)
      assert.same({}, waits)
      assert.same({}, infos)
    end)

    it("not where the server asks to wait for too long", function()
      local exchange, err = refused({ max_retries = 5 }, { status = 500, fields = { ["retry-after"] = 301 } })
      assert.is_nil((exchange:recover(err)))
      assert.equal(301, err.retry_after)
      assert.same({}, waits)
    end)

    it("not where nothing was sent", function()
      local exchange = logged { max_retries = 5 }
      local err = api_error()
      local ok, final = exchange:recover(err)
      assert.is_nil(ok)
      assert.equal(err, final)
      assert.equal(0, final.attempts)
      assert.same({}, final.history)
      assert.same({}, waits)
      assert.equal("no request was sent", (select(2, final:to_curl())))
    end)

    it("not where it is closed", function()
      local exchange, err = refused { max_retries = 5 }
      exchange:close()
      assert.is_nil((exchange:recover(err)))
      assert.same({}, waits)
    end)

    it("not where the wait would end at its deadline or later", function()
      for seconds, recovers in pairs { [1.5] = false, [2] = false, [2.001] = true } do
        started = {}
        local exchange, err = refused { max_retries = 5, timeout = { total = seconds } }
        assert.equal(recovers, exchange:recover(err) or false, seconds)
        assert.equal(recovers and 1 or 0, #waits, seconds)
      end
    end)

    it("and ends with a cancellation where it is closed meanwhile", function()
      local exchange, err = refused { max_retries = 5 }
      during = function()
        exchange:close()
        return true
      end
      local ok, final = exchange:recover(err)
      assert_cancelled(ok, final)
      assert.equal(1, final.attempts)
      assert.equal(1, #final.history)
      assert.equal("api", final.history[1].kind)
      assert.equal(2, final.retry_after)
    end)

    it("and ends with a cancellation where its wait is cancelled", function()
      local exchange, err = refused { max_retries = 5 }
      during = function() return nil, "cancelled" end
      assert_cancelled(exchange:recover(err))
      assert.is_true(exchange.closed)
    end)

    it("and ends with the failure itself where the calling code cannot wait", function()
      local exchange, err = refused { max_retries = 5 }
      driver.check = function() return nil, "not here" end
      local ok, final = exchange:recover(err)
      assert.is_nil(ok)
      assert.equal(err, final)
      assert.equal(1, final.attempts)
      assert.equal(1, #final.history)
      assert.is_true(exchange.closed)
    end)

    it("tells on_retry before it waits", function()
      local exchange, err = refused { max_retries = 4 }
      during = function()
        assert.equal(1, #infos)
        return true
      end
      exchange:recover(err)
      assert.same({ { attempt = 1, max_retries = 4, error = err, delay = 2 } }, infos)
      assert.truthy(infos[1].error:to_curl():find("http://x.test/v1/messages", 1, true))
    end)

    it("does without on_retry", function()
      plans = { { status = 500, headers_at = 0, done_at = 0 } }
      local exchange = new { max_retries = 1 }
      assert.is_true(exchange:recover(failure_of(exchange)))
    end)

    it("raises what on_retry raises, with its transfer closed", function()
      plans = { { status = 500, headers_at = 0, done_at = 0 } }
      local object = {}
      local exchange = new { max_retries = 1, on_retry = function() error(object) end }
      local err = failure_of(exchange)
      local ok, raised = pcall(exchange.recover, exchange, err)
      assert.is_false(ok)
      assert.equal(object, raised)
      assert.is_true(started[1].transfer.closed)
      assert.same({}, waits)
    end)

    it("tells the limiter of the failure, once", function()
      local exchange, err = refused { max_retries = 1 }
      exchange:recover(err)
      assert.same({ { "hear", nil, err } }, calls_of "hear")
      err = failure_of(exchange)
      retained = {}
      exchange:recover(err)
      assert.same({ { "hear", nil, err } }, calls_of "hear")
    end)

    it("is given back to the limiter with the failure, once for each attempt", function()
      plans = { { status = 503, fields = { ["retry-after"] = 2 } } }
      local exchange = exchanges.new({ method = "GET", path = "/", paced = true },
        exchanges.profile(options_of { max_retries = 1 }), shared)
      exchange:run()
      assert.equal(2, #calls_of "acquire")
      assert.equal(2, #calls_of "observe")
      assert.equal(2, #calls_of "release")
      assert.equal(503, calls_of("release")[2][4].status)
      assert.same({}, calls_of "hear")
    end)

    it("tells the log", function()
      local exchange, err = refused { max_retries = 1 }
      exchange:recover(err)
      assert.same({
        {
          event = "retry", level = "warn", attempt = 1, seconds = 2, error = tostring(err),
          method = "POST", url = "http://x.test/v1/messages", status = 500,
        },
      }, records)
    end)
  end)

  describe("that fails", function()
    it("ends, and says how often it was tried and what happened each time", function()
      plans = {
        { status = 503, fields = { ["retry-after"] = 2 } },
        { headers_at = 1, failure = { "truncated", "closed early", 18 } },
        { failure = { "connection", "no", 7 } },
      }
      local exchange = new { max_retries = 2, timeout = { total = 100 } }
      during = function(_, subject)
        now = now + (subject == exchange and 0 or 0.5)
        return true
      end
      local value, err = exchange:run(function(answering)
        return nil, select(2, answering:read_body())
      end)
      assert.is_nil(value)
      assert.equal("connection", err.kind)
      assert.equal(3, err.attempts)
      assert.equal(3, #err.history)
      assert.same({ status = 503, kind = "api", seconds = 1, waited = 2 }, err.history[1])
      assert.equal(200, err.history[2].status)
      assert.equal("truncated", err.history[2].kind)
      assert.equal(1, err.history[2].seconds)
      assert.is_true(err.history[2].waited >= 0.75 and err.history[2].waited <= 1)
      assert.same({ kind = "connection", seconds = 1, waited = 0 }, err.history[3])
      assert.is_true(exchange.closed)
      assert.is_true(started[3].transfer.closed)
    end)

    it("once: again with the same error changes nothing", function()
      local exchange, err = refused()
      assert.equal(err, exchange:fail(err))
      local count, history = #records, err.history
      assert.equal(err, exchange:fail(err))
      assert.equal(count, #records)
      assert.equal(history, err.history)
      assert.equal(1, #history)
    end)

    it("tells the log, but not of a cancellation", function()
      local exchange, err = refused()
      exchange:fail(err)
      assert.same({
        event = "error", level = "error", attempt = 1, error = tostring(err),
        method = "POST", url = "http://x.test/v1/messages", status = 500,
      }, records[1])
      assert.same({ "done", "error", 2 }, { records[2].event, records[2].outcome, #records })
      started = {}
      exchange = refused()
      exchange:fail(errors.new { kind = "cancelled", message = "no more" })
      assert.same({ "done", "closed", 1 }, { records[1].event, records[1].outcome, #records })
    end)

    it("has the request in its error as a command, without the credential", function()
      local exchange, err = refused()
      local command = assert(exchange:fail(err):to_curl())
      assert.truthy(command:find("http://x.test/v1/messages", 1, true))
      assert.truthy(command:find("$ANTHROPIC_API_KEY", 1, true))
      assert.is_nil(command:find(SECRET, 1, true))
    end)
  end)

  describe("that runs", function()
    it("gives what was read", function()
      local exchange = new()
      local value = {}
      assert.equal(value, exchange:run(function(answering)
        assert.equal(exchange, answering)
        return value
      end))
      assert.equal(1, exchange.attempts)
    end)

    it("takes false for a result", function()
      local exchange = new()
      assert.is_false(exchange:run(function() return false end))
      assert.equal(1, exchange.attempts)
    end)

    it("is sent again after a refusal, and after a failure while it is read", function()
      plans = { { status = 503 }, {}, {} }
      local reads = 0
      local exchange = logged { max_retries = 2 }
      assert.equal("read", exchange:run(function()
        reads = reads + 1
        if reads == 1 then
          return nil, errors.new { kind = "truncated", message = "closed early" }
        end
        return "read"
      end))
      assert.equal(3, exchange.attempts)
      assert.equal(2, reads)
      assert.equal(3, exchange.response.attempts)
      assert.equal("api", infos[1].error.kind)
      assert.equal("truncated", infos[2].error.kind)
    end)

    it("gives the last error where it cannot be sent again", function()
      plans = { { status = 503 }, { status = 400 } }
      local value, err = new({ max_retries = 5 }):run(function() error "it was read" end)
      assert.is_nil(value)
      assert.equal(400, err.status)
      assert.equal(2, err.attempts)
    end)

    it("raises what reading raises", function()
      local object = {}
      local ok, err = pcall(function()
        return new({ max_retries = 5 }):run(function() error(object) end)
      end)
      assert.is_false(ok)
      assert.equal(object, err)
      assert.equal(1, #started)
    end)

    it("tells the log of each step", function()
      plans = { { status = 500, fields = { ["request-id"] = "req_1" }, body = "no" }, { headers_at = 2 } }
      during = function()
        now = now + 0.25
        return true
      end
      local exchange = logged { max_retries = 1 }
      exchange:run(function() return true end)
      local events = {}
      for i, record in ipairs(records) do
        events[i] = record.event .. " " .. record.attempt
      end
      assert.same({ "request 1", "response 1", "body 1", "retry 1", "request 2", "response 2" }, events)
      assert.equal("POST", records[1].method)
      assert.equal("http://x.test/v1/messages", records[1].url)
      assert.equal("{}", records[1].request_body())
      assert.same({ 500, "req_1", 0.25 }, { records[2].status, records[2].request_id, records[2].seconds })
      assert.same({ 200, 0.5 }, { records[6].status, records[6].seconds })
    end)

    it("has no credential in the log", function()
      plans = { { status = 500, body = SECRET } }
      local exchange = exchanges.new(
        { method = "POST", path = "/v1/x", query = { key = SECRET }, body = '{"a":"' .. SECRET .. '"}' },
        exchanges.profile(options_of { on_log = function(record) records[#records + 1] = record end }), shared)
      exchange:run(function() end)
      assert.equal(5, #records)
      for _, record in ipairs(records) do
        for name, value in pairs(record) do
          local text = type(value) == "function" and value() .. value(true) or tostring(value)
          assert.is_nil(text:find("0123456789abcdef", 1, true), record.event .. " " .. name)
        end
      end
    end)
  end)

  it("has names learned from an answer, and from a message that is counted", function()
    local names, message = { learn = note "names" }, {}
    shared.names = names
    new():note(message)
    new():count(message)
    assert.same({ { "names", message }, { "names", message } }, calls_of "names")
  end)

  it("enters a message into the client's account", function()
    local message = {}
    new():count(message)
    assert.same({ { "add", message } }, retained)
  end)

  describe("whose credential is asked for", function()
    local asked

    local function renewing(given)
      asked = 0
      given = given or {}
      given.max_retries = given.max_retries or 2
      given.api_key = given.api_key or function()
        asked = asked + 1
        return SECRET .. asked, os.time() + 1000
      end
      return logged(given)
    end

    local function run(exchange)
      return exchange:run(function() return true end)
    end

    it("asks for it once more where the server refuses it, without a wait", function()
      plans = { { status = 401 }, {} }
      assert.is_true(run(renewing()))
      assert.equal(2, #started)
      assert.equal(2, asked)
      assert.equal(5000, now)
    end)

    it("asks no more than once more", function()
      plans = { { status = 401 } }
      local ok, err = run(renewing())
      assert.is_nil(ok)
      assert.same({ 401, 2 }, { err.status, err.attempts })
    end)

    it("asks no more for another status, a constant credential, or without retries", function()
      for _, case in ipairs {
        { 403 }, { 400 }, { 401, { api_key = SECRET } }, { 401, { max_retries = 0 } },
      } do
        plans, started = { { status = case[1] } }, {}
        local _, err = run(renewing(case[2]))
        assert.same({ case[1], 1 }, { err.status, err.attempts })
      end
    end)

    it("asks anew for each member of a pool", function()
      plans = { { status = 401 } }
      local exchange = renewing()
      exchange.has_renewed = true
      exchange:use(exchange.profile, shared, 2)
      assert.is_false(exchange.has_renewed)
      exchange.has_renewed = true
      exchange:use(exchange.profile, shared, 2)
      assert.is_true(exchange.has_renewed)
    end)
  end)

  describe("whose end is told of", function()
    it("is watched from its beginning where somebody wants a log, and not where nobody does", function()
      assert.is_truthy(logged().guard)
      assert.is_nil(new().guard)
    end)

    it("has its reader's times added where it failed, where there are any", function()
      local exchange = answered({}, {})
      local seen = {}
      exchange:fail(errors.new { kind = "protocol", message = "m" }, function(timings) seen[#seen + 1] = timings end)
      assert.equal(1, #seen)
      assert.equal(exchange.timings, seen[1])
      exchange = new()
      exchange:fail(errors.new { kind = "protocol", message = "m" }, function(timings) seen[#seen + 1] = timings end)
      assert.equal(1, #seen)
    end)
  end)

  describe("that uses another profile", function()
    it("has its options, and tells its log of the end when nobody holds it any more", function()
      local exchange = new()
      assert.is_nil(exchange.guard)
      local profile = exchanges.profile(options_of { on_log = print, max_retries = 7 })
      exchange:use(profile, shared, 1)
      assert.equal(7, exchange.option "max_retries")
      assert.equal(profile, exchange.profile)
      assert.is_truthy(exchange.guard)
      exchange.losses = 3
      exchange:use(profile, shared, 1)
      assert.equal(3, exchange.losses)
      exchange:use(profile, shared, 2)
      assert.equal(0, exchange.losses)
    end)

    it("has its total timeout, from the beginning of the request, and its policy before the request's own", function()
      local exchange = new(nil, { method = "POST", path = "/", body = "{}", retry = "safe" })
      now = now + 2
      exchange:use(exchanges.profile(options_of { timeout = 7, retry = "always" }), shared, 1)
      assert.same({ 5007, "always" }, { exchange.deadline, exchange.policy })
      exchange:use(exchanges.profile(options_of()), shared, 2)
      assert.same({ math.huge, "safe" }, { exchange.deadline, exchange.policy })
    end)
  end)
end)
