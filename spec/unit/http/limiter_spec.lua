-- How requests are held back by what the answers say of rate limits.

local core = require "anthropic.core"
local errors = require "anthropic.base.error"
local headers = require "anthropic.http.headers"
local limiter = require "anthropic.http.limiter"
local protected = require "anthropic.loop.protected"

local real_now = core.now

describe("the limiter", function()
  local now -- the clock; waiting is what moves it
  local waits -- how long each wait was to be
  local during -- called in each wait, once the time has passed
  local pace

  local driver = {
    wait = function(_, seconds)
      waits[#waits + 1] = seconds
      assert.is_true(#waits < 100, "it waits for ever")
      now = now + seconds
      if during then
        return during(#waits)
      end
      return true
    end,
  }

  before_each(function()
    now, waits, during = 1000, {}, nil
    core.now = function() return now end
    pace = limiter.new()
  end)

  after_each(function()
    core.now = real_now
  end)

  local function new_exchange(deadline)
    local exchange = {
      deadline = deadline or math.huge,
      calls = 0,
      option = function(name)
        return name == "loop" and driver or nil
      end,
    }
    exchange.request = setmetatable({ method = "POST", path = "/v1/messages", model = "m", tokens = 1, attempt = 1 },
      { __index = { exchange = exchange } })
    function exchange.has_news(self)
      return self.closed or self.was_called
    end
    function exchange.call(self)
      self.calls, self.was_called = self.calls + 1, true
    end
    return exchange
  end

  -- A response whose server's clock says midnight.
  local function learn(limits, date)
    local lines = { "HTTP/1.1 200 OK", "date: " .. (date or "Wed, 01 Jan 2025 00:00:00 GMT") }
    for name, value in pairs(limits) do
      lines[#lines + 1] = "anthropic-ratelimit-" .. name .. ": " .. value
    end
    local fields = headers.parse(table.concat(lines, "\r\n") .. "\r\n\r\n")
    pace:learn("m", { headers = fields, rate_limit = headers.rate_limit(fields) })
  end

  local function learn_requests(remaining, reset)
    learn { ["requests-remaining"] = remaining, ["requests-reset"] = reset or "2025-01-01T00:00:10Z" }
  end

  local function hear(status, retry_after)
    pace:hear("m", errors.new { kind = "api", status = status, retry_after = retry_after })
  end

  -- Asks for an exchange, as limiting.lua does.
  local function acquire(exchange)
    local ok, err = pace:acquire(exchange.request)
    return ok, err
  end

  local function release(exchange, err)
    pace:release(exchange.request, nil, err)
  end

  local function answer(exchange, status, fields)
    pace:observe(exchange.request, { status = status or 200, headers = fields or {},
      rate_limit = headers.rate_limit(fields or {}) })
  end

  -- The waits of a new request, which comes back at once.
  local function waits_of()
    waits = {}
    local exchange = new_exchange()
    assert.is_true(acquire(exchange))
    release(exchange)
    return waits
  end

  it("holds nobody back at first", function()
    for _ = 1, 100 do
      assert.is_true(acquire(new_exchange()))
    end
    assert.same({}, waits)
  end)

  it("learns nothing from a response without limits", function()
    pace:learn("m", { headers = {} })
    assert.same({}, waits_of())
  end)

  describe("waits until a limit is reset", function()
    it("where nothing is left", function()
      learn_requests(0)
      assert.same({ 10 }, waits_of())
      assert.same({}, waits_of())
    end)

    it("and not where something is left", function()
      learn_requests(1)
      assert.same({}, waits_of())
    end)

    it("where less than nothing is left", function()
      learn_requests(-1)
      assert.same({ 10 }, waits_of())
    end)

    it("of any name", function()
      for _, name in ipairs { "tokens", "input-tokens", "output-tokens", "something-new" } do
        learn { [name .. "-remaining"] = 1, [name .. "-reset"] = "2025-01-01T00:00:07Z" }
        assert.same({}, waits_of(), name)
        learn { [name .. "-remaining"] = 0, [name .. "-reset"] = "2025-01-01T00:00:07Z" }
        assert.same({ 7 }, waits_of(), name)
      end
    end)

    it("of all that are used up the last", function()
      learn {
        ["tokens-remaining"] = 0, ["tokens-reset"] = "2025-01-01T00:00:03Z",
        ["input-tokens-remaining"] = 0, ["input-tokens-reset"] = "2025-01-01T00:00:09Z",
        ["output-tokens-remaining"] = 0, ["output-tokens-reset"] = "2025-01-01T00:00:05Z",
        ["requests-remaining"] = 9, ["requests-reset"] = "2025-01-01T00:00:59Z",
      }
      assert.same({ 9 }, waits_of())
    end)

    it("to the fraction of a second", function()
      learn_requests(0, "2025-01-01T00:00:00.25Z")
      assert.same({ 0.25 }, waits_of())
    end)

    it("in every time zone", function()
      learn_requests(0, "2025-01-01T01:00:10+01:00")
      assert.same({ 10 }, waits_of())
    end)

    it("as it was said last, also where that is less", function()
      learn_requests(0, "2025-01-01T00:04:00Z")
      learn_requests(0, "2025-01-01T00:00:02Z")
      assert.same({ 2 }, waits_of())
      learn_requests(0)
      learn_requests(5)
      assert.same({}, waits_of())
    end)

    it("and keeps what a later response does not mention", function()
      learn_requests(0)
      learn { ["tokens-remaining"] = 100, ["tokens-reset"] = "2025-01-01T00:00:01Z" }
      assert.same({ 10 }, waits_of())
    end)

    it("and no longer than from when it was told", function()
      learn_requests(0)
      now = now + 4
      assert.same({ 6 }, waits_of())
      learn_requests(0)
      now = now + 10
      assert.same({}, waits_of())
    end)

    it("up to five minutes away, and not for a later one: the refusal says more", function()
      learn_requests(0, "2025-01-01T00:05:00Z")
      assert.same({ 300 }, waits_of())
      learn_requests(0, "2025-01-01T00:05:00.5Z")
      assert.same({}, waits_of())
      now = now + 0.5
      assert.same({ 300 }, waits_of())
    end)

    it("and not for one in the past", function()
      learn_requests(0, "2024-12-31T23:59:00Z")
      assert.same({}, waits_of())
      learn_requests(0, "2025-01-01T00:00:00Z")
      assert.same({}, waits_of())
    end)

    it("by the local clock where the response has no date", function()
      local reset = os.date("!%Y-%m-%dT%H:%M:%SZ", os.time() + 100)
      learn({ ["requests-remaining"] = 0, ["requests-reset"] = reset }, "unknown")
      local seconds = waits_of()[1]
      assert.is_true(seconds > 90 and seconds <= 100, tostring(seconds))
    end)

    it("and passes over limits that do not say all", function()
      for _, limits in ipairs {
        { ["requests-remaining"] = 0 },
        { ["requests-reset"] = "2025-01-01T00:00:10Z" },
        { ["requests-limit"] = 0, ["requests-reset"] = "2025-01-01T00:00:10Z" },
        { ["requests-remaining"] = "none", ["requests-reset"] = "2025-01-01T00:00:10Z" },
        { ["requests-remaining"] = 0, ["requests-reset"] = "soon" },
        { ["requests-remaining"] = 0, ["requests-reset"] = "10" },
      } do
        learn(limits)
        assert.same({}, waits_of())
      end
    end)
  end)

  describe("takes requests under way for not counted yet", function()
    it("and sends no more than are left", function()
      learn_requests(2)
      local first, second = new_exchange(), new_exchange()
      assert.is_true(acquire(first))
      assert.is_true(acquire(second))
      assert.same({}, waits)
      assert.same({ 10 }, waits_of())
    end)

    it("until one comes back", function()
      learn_requests(1)
      local first = new_exchange()
      assert.is_true(acquire(first))
      during = function()
        now = 1001
        release(first)
        return true
      end
      assert.same({ 10 }, waits_of())
      assert.equal(1001, now)
    end)

    it("by the tokens that they are estimated at, where tokens are limited", function()
      learn { ["input-tokens-remaining"] = 100, ["input-tokens-reset"] = "2025-01-01T00:00:10Z" }
      local large = new_exchange()
      large.request.tokens = 80
      assert.is_true(acquire(large))
      local small = new_exchange()
      small.request.tokens = 20
      assert.is_true(acquire(small))
      assert.same({}, waits)
      assert.same({ 10 }, waits_of())
    end)

    it("until their headers have come: then they are counted", function()
      learn_requests(1)
      local first = new_exchange()
      assert.is_true(acquire(first))
      answer(first, 200, headers.parse("HTTP/1.1 200 OK\r\ndate: Wed, 01 Jan 2025 00:00:00 GMT\r\n"
        .. "anthropic-ratelimit-requests-remaining: 1\r\n"
        .. "anthropic-ratelimit-requests-reset: 2025-01-01T00:00:10Z\r\n\r\n"))
      assert.is_true(acquire(new_exchange()))
      assert.same({}, waits)
    end)

    it("and spent, where the answer says nothing of it", function()
      learn_requests(1)
      local first = new_exchange()
      assert.is_true(acquire(first))
      answer(first)
      release(first)
      assert.same({ 10 }, waits_of())
    end)

    it("unless they were lost", function()
      learn_requests(1)
      assert.is_true(acquire(new_exchange()))
      collectgarbage()
      collectgarbage()
      assert.same({}, waits_of())
    end)

    it("once, also where one comes back twice", function()
      learn_requests(2)
      local first, second = new_exchange(), new_exchange()
      acquire(first)
      acquire(second)
      release(first)
      release(first)
      assert.same({}, waits_of())
      assert.is_true(acquire(new_exchange()))
      assert.same({ 10 }, waits_of())
      release(second)
    end)

    it("and not those that were never held back", function()
      learn_requests(1)
      release(new_exchange())
      assert.same({}, waits_of())
    end)
  end)

  describe("slows all down after a refusal", function()
    it("of status 429 or 529, and of no other", function()
      for _, status in ipairs { 400, 408, 428, 430, 500, 503, 528, 530 } do
        hear(status, 5)
        assert.same({}, waits_of(), status)
      end
      hear(nil, 5)
      assert.same({}, waits_of())
      for _, status in ipairs { 429, 529 } do
        hear(status, 5)
        assert.same({ 5 }, waits_of(), status)
        assert.same({}, waits_of(), status)
      end
    end)

    it("for as long as the server asks", function()
      hear(429, 7)
      assert.same({ 7 }, waits_of())
    end)

    it("for a second where nothing is said, and twice as long after each further one, up to 8", function()
      for _, seconds in ipairs { 1, 2, 4, 8, 8 } do
        hear(529)
        assert.same({ seconds }, waits_of())
      end
    end)

    it("anew for a second after an answer", function()
      hear(529)
      waits_of()
      local exchange = new_exchange()
      assert.is_true(acquire(exchange))
      answer(exchange)
      release(exchange)
      hear(529)
      assert.same({ 1 }, waits_of())
    end)

    it("once, where those that were under way are refused as well", function()
      local together = {}
      for i = 1, 4 do
        together[i] = new_exchange()
        assert.is_true(acquire(together[i]))
      end
      now = now + 0.1
      for _, exchange in ipairs(together) do
        release(exchange, errors.new { kind = "api", status = 429 })
      end
      assert.same({ 1 }, waits_of())
    end)

    it("for five minutes at most", function()
      hear(429, 300)
      assert.same({ 300 }, waits_of())
      hear(429, 301)
      assert.same({ 300 }, waits_of())
      hear(429, 86400)
      assert.same({ 300 }, waits_of())
    end)

    it("of one model, and not those for another", function()
      hear(429, 5)
      learn_requests(0)
      local other = new_exchange()
      other.request.model = "n"
      assert.is_true(acquire(other))
      assert.same({}, waits)
    end)

    it("and a later one makes that longer, never shorter", function()
      hear(429, 5)
      hear(429, 2)
      assert.same({ 5 }, waits_of())
      hear(429, 2)
      hear(529, 5)
      assert.same({ 5 }, waits_of())
      hear(429, 5)
      now = now + 4
      hear(429, 3)
      assert.same({ 3 }, waits_of())
    end)

    it("or until a limit is reset, whichever is later", function()
      hear(429, 5)
      learn_requests(0)
      assert.same({ 10 }, waits_of())
      hear(429, 20)
      learn_requests(0)
      assert.same({ 20 }, waits_of())
    end)
  end)

  describe("goes on waiting", function()
    it("where what it waited for is put off meanwhile", function()
      hear(429, 5)
      during = function(count)
        if count == 1 then
          hear(429, 3)
        end
        return true
      end
      assert.same({ 5, 3 }, waits_of())
    end)

    it("where it was woken too early", function()
      hear(429, 5)
      during = function(count)
        if count == 1 then
          now = now - 3
        end
        return true
      end
      assert.same({ 5, 3 }, waits_of())
    end)

    it("and forgets that it was called, so that each wait is one", function()
      hear(429, 5)
      local exchange = new_exchange()
      during = function(count)
        assert.is_falsy(exchange.was_called)
        if count == 1 then
          exchange:call()
          hear(429, 3)
        end
        return true
      end
      exchange.was_called = true
      assert.is_true(acquire(exchange))
      assert.is_falsy(exchange.was_called)
      assert.same({ 5, 3 }, waits)
    end)
  end)

  it("leaves nothing of being called to the exchange's next wait", function()
    hear(429, 5)
    local exchange = new_exchange()
    during = function()
      exchange:call()
      return true
    end
    assert.is_true(acquire(exchange))
    assert.same({ 5 }, waits)
    assert.is_falsy(exchange:has_news())
    exchange:call()
    assert.is_true(acquire(exchange))
    assert.is_falsy(exchange:has_news())
  end)

  it("waits no longer than the exchange's deadline, and lets it find out by itself", function()
    hear(429, 20)
    local exchange = new_exchange(now + 5)
    assert.is_true(acquire(exchange))
    assert.same({ 5 }, waits)
    assert.is_true(acquire(new_exchange(now)))
    assert.is_true(acquire(new_exchange(now - 1)))
    assert.same({ 5 }, waits)
  end)

  it("waits in the way that the exchange's own options say", function()
    local chosen = {}
    hear(429, 5)
    local exchange = new_exchange()
    exchange.option = function(name)
      chosen[#chosen + 1] = name
      return { wait = function(subject, seconds)
        assert.equal(exchange, subject)
        now = now + seconds
        return true
      end }
    end
    assert.is_true(acquire(exchange))
    assert.same({ "loop" }, chosen)
    assert.same({}, waits)
  end)

  describe("calls the first of those that wait", function()
    -- Waits with an exchange; `act` is what happens meanwhile. Returns how often it was called.
    local function calls_during(act)
      local exchange, calls = new_exchange(), nil
      hear(429, 5)
      during = function()
        act(exchange)
        calls = exchange.calls
        return true
      end
      acquire(exchange)
      during = nil
      return calls
    end

    it("when a response tells of limits", function()
      assert.equal(1, calls_during(function() learn_requests(5) end))
      assert.equal(0, calls_during(function() pace:learn("m", { headers = {} }) end))
    end)

    it("when a request comes back", function()
      local other = new_exchange()
      acquire(other)
      assert.is_true(calls_during(function() release(other) end) >= 1)
    end)
  end)

  describe("lets requests go in their order", function()
    -- Runs what waits in coroutines; each wait ends when its time has come or its subject is called.
    local sleepers
    local plain_wait = driver.wait

    after_each(function()
      driver.wait = plain_wait
    end)

    before_each(function()
      sleepers = {}
      driver.wait = function(subject, seconds)
        table.insert(sleepers, { thread = protected.running(), subject = subject, at = now + seconds })
        return coroutine.yield()
      end
    end)

    -- Starts one that waits; it enters its name when it may go.
    local function start(name, gone, exchange)
      coroutine.wrap(function()
        if acquire(exchange) then
          gone[#gone + 1] = name
        end
      end)()
    end

    local function advance(seconds)
      local until_then = now + seconds
      while true do
        local soonest
        for _, sleeper in ipairs(sleepers) do
          local at = sleeper.subject:has_news() and now or sleeper.at
          if at <= until_then and (not soonest or at < soonest.at) then
            soonest = { at = at, sleeper = sleeper }
          end
        end
        if not soonest then
          break
        end
        now = math.max(now, soonest.at)
        for i, sleeper in ipairs(sleepers) do
          if sleeper == soonest.sleeper then
            table.remove(sleepers, i)
            break
          end
        end
        assert(coroutine.resume(soonest.sleeper.thread, true))
      end
      now = until_then
    end

    it("also where a later one would fit sooner", function()
      local gone = {}
      learn { ["input-tokens-remaining"] = 50, ["input-tokens-reset"] = "2025-01-01T00:00:10Z",
        ["input-tokens-limit"] = 100 }
      local large = new_exchange()
      large.request.tokens = 80
      start("large", gone, large)
      start("small", gone, new_exchange())
      assert.same({}, gone)
      advance(10)
      assert.same({ "large", "small" }, gone)
    end)

    it("and no more than the limit after a reset", function()
      local gone = {}
      learn { ["requests-remaining"] = 0, ["requests-reset"] = "2025-01-01T00:00:10Z", ["requests-limit"] = 3 }
      for i = 1, 5 do
        start(i, gone, new_exchange())
      end
      advance(11)
      assert.same({ 1, 2, 3 }, gone)
      learn { ["requests-remaining"] = 3, ["requests-reset"] = "2025-01-01T00:00:10Z", ["requests-limit"] = 3 }
      assert.same({ 1, 2, 3 }, gone)
    end)

    it("past one that is closed while it waits", function()
      local gone, first = {}, new_exchange()
      hear(429, 5)
      start("first", gone, first)
      start("second", gone, new_exchange())
      first.closed = true
      advance(5)
      assert.same({ "second" }, gone)
    end)

    it("past one that is lost with its host, a second after its turn", function()
      local gone = {}
      hear(429, 5)
      start("lost", gone, new_exchange())
      sleepers = {}
      start("next", gone, new_exchange())
      advance(5.5)
      assert.same({}, gone)
      advance(1.5)
      assert.same({ "next" }, gone)
    end)
  end)

  describe("knows a limit that comes back bit by bit", function()
    local function learn_bucket(remaining, seconds)
      learn { ["requests-remaining"] = remaining, ["requests-limit"] = 60,
        ["requests-reset"] = ("2025-01-01T00:00:%02dZ"):format(seconds) }
    end

    it("by the time of its reset, which moves away, and waits for what is needed alone", function()
      learn_bucket(57, 3)
      learn_bucket(50, 10)
      learn_bucket(0, 59)
      local waited = waits_of()[1]
      assert.is_true(waited > 0.9 and waited < 1.1, tostring(waited))
    end)

    it("and one that is reset at a time by that time, which stays", function()
      learn_bucket(57, 30)
      learn_bucket(50, 30)
      learn_bucket(0, 30)
      assert.same({ 30 }, waits_of())
    end)
  end)

  describe("gives nothing", function()
    -- That it neither waits nor counts as a request under way afterwards.
    local function assert_refused(exchange)
      assert.is_nil((acquire(exchange)))
      during = nil
      now = now + 1000
      learn_requests(1)
      assert.equal(0, exchange.calls, "it still waits")
      assert.same({}, waits_of())
    end

    it("where the exchange is closed already", function()
      local exchange = new_exchange()
      exchange.closed = true
      assert_refused(exchange)
      hear(429, 5)
      waits = {}
      assert.is_nil((acquire(exchange)))
      assert.same({}, waits)
    end)

    it("where the exchange is closed while it waits", function()
      hear(429, 5)
      local exchange = new_exchange()
      during = function(count)
        assert.equal(1, count)
        exchange.closed = true
        now = now - 4
        return true
      end
      assert_refused(exchange)
    end)

    it("where the wait is cancelled, and does not wait again", function()
      hear(429, 5)
      during = function(count)
        assert.equal(1, count)
        now = now - 4
        return nil, "cancelled"
      end
      assert_refused(new_exchange())
    end)
  end)

  it("knows nothing of another client's limits", function()
    hear(429, 5)
    learn_requests(0)
    pace = limiter.new()
    assert.same({}, waits_of())
  end)

  it("has a lane for each of 64 models, one for all others, and forgets the idle ones then", function()
    local function lanes()
      local names = {}
      for name in pairs(pace.lanes) do
        names[#names + 1] = name
      end
      return #names
    end
    local limit = errors.new { kind = "api", status = 429, retry_after = 5 }
    for i = 1, 70 do
      pace:hear("m" .. i, limit)
    end
    assert.equal(65, lanes())
    assert.is_table(pace.lanes.m64)
    assert.is_nil(pace.lanes.m65)
    local first, others = pace.lanes.m1.refusals, pace.lanes[""].refusals
    now = now + 1
    pace:hear("m1", limit)
    assert.equal(first + 1, pace.lanes.m1.refusals)
    assert.equal(others, pace.lanes[""].refusals)
    assert.is_nil(pace.lanes.m65)
    now = now + 1000 -- nothing is known of them any more
    pace:hear("m99", limit)
    assert.equal(1, lanes())
    assert.is_table(pace.lanes.m99)
  end)

  it("forgets a model's limits whose time is over, before another model has to do without a lane", function()
    local function send(model)
      local request = { model = model }
      assert(pace:acquire(request))
      pace:observe(request, { status = 200, headers = { date = "Wed, 01 Jan 2025 00:00:00 GMT" },
        rate_limit = { requests = { limit = 5, remaining = 4, reset = "2025-01-01T00:00:10Z" } } })
      pace:release(request)
    end
    for i = 1, 64 do
      send("m" .. i)
    end
    now = now + 11
    send "m99"
    assert.is_table(pace.lanes.m99)
    assert.is_nil(pace.lanes[""])
  end)

  it("takes a request for answered whose model had no lane of its own when it began", function()
    for i = 1, 64 do
      pace:hear("m" .. i, errors.new { kind = "api", status = 429, retry_after = 5 })
    end
    local request = { model = "m99" }
    assert(pace:acquire(request))
    assert.equal(pace.lanes[""].pending[request], now)
    now = now + 6
    pace:hear("m99", errors.new { kind = "api", status = 429, retry_after = 5 })
    assert.is_table(pace.lanes.m99)
    pace:observe(request, { status = 200, headers = {} })
    pace:release(request)
    assert.is_nil(next(pace.lanes[""].pending))
  end)

  it("remembers 16 limits at most, and forgets those whose time is over", function()
    for i = 1, 40 do
      learn { ["invented-" .. i .. "-remaining"] = "0", ["invented-" .. i .. "-reset"] = "2025-01-01T00:00:10Z" }
    end
    local held = 0
    for _ in pairs(pace.lanes.m.limits.budgets) do
      held = held + 1
    end
    assert.equal(16, held)
    now = now + 11
    learn { ["requests-remaining"] = "0", ["requests-reset"] = "2025-01-01T00:00:30Z" }
    assert.is_table(pace.lanes.m.limits.budgets.requests)
    assert.is_nil(next(pace.lanes.m.limits.budgets, "requests"))
  end)
end)
