-- How the requests of a client are held back by what its responses say of its rate limits.

local core = require "anthropic.core"
local errors = require "anthropic.base.error"
local headers = require "anthropic.http.headers"
local limiter = require "anthropic.http.limiter"

local real_now = core.now

describe("a client's limiter", function()
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
    pace:learn { headers = fields, rate_limit = headers.rate_limit(fields) }
  end

  local function learn_requests(remaining, reset)
    learn { ["requests-remaining"] = remaining, ["requests-reset"] = reset or "2025-01-01T00:00:10Z" }
  end

  local function hear(status, delay, retry_after)
    pace:hear(errors.new { kind = "api", status = status, retry_after = retry_after }, delay)
  end

  -- The waits of a new request, which comes back at once.
  local function waits_of()
    waits = {}
    local exchange = new_exchange()
    assert.is_true(pace:wait(exchange))
    pace:release(exchange)
    return waits
  end

  it("holds nobody back at first", function()
    for _ = 1, 100 do
      assert.is_true(pace:wait(new_exchange()))
    end
    assert.same({}, waits)
  end)

  it("learns nothing from a response without limits", function()
    pace:learn { headers = {} }
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
      assert.is_true(pace:wait(first))
      assert.is_true(pace:wait(second))
      assert.same({}, waits)
      assert.same({ 10 }, waits_of())
    end)

    it("until one comes back", function()
      learn_requests(1)
      local first = new_exchange()
      assert.is_true(pace:wait(first))
      during = function()
        now = 1001
        pace:release(first)
        return true
      end
      assert.same({ 10 }, waits_of())
      assert.equal(1001, now)
    end)

    it("but only where requests are limited, not tokens", function()
      learn { ["tokens-remaining"] = 1, ["tokens-reset"] = "2025-01-01T00:00:10Z" }
      assert.is_true(pace:wait(new_exchange()))
      assert.is_true(pace:wait(new_exchange()))
      assert.same({}, waits)
    end)

    it("unless they were lost", function()
      learn_requests(1)
      assert.is_true(pace:wait(new_exchange()))
      collectgarbage()
      collectgarbage()
      assert.same({}, waits_of())
    end)

    it("once, also where one comes back twice", function()
      learn_requests(2)
      local first, second = new_exchange(), new_exchange()
      pace:wait(first)
      pace:wait(second)
      pace:release(first)
      pace:release(first)
      assert.same({}, waits_of())
      assert.is_true(pace:wait(new_exchange()))
      assert.same({ 10 }, waits_of())
      pace:release(second)
    end)

    it("and not those that were never held back", function()
      learn_requests(1)
      pace:release(new_exchange())
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

    it("for as long as its own request waits", function()
      hear(429, 0.25, 7)
      assert.same({ 0.25 }, waits_of())
    end)

    it("for as long as the server asks, where it is not sent again", function()
      hear(429, nil, 7)
      assert.same({ 7 }, waits_of())
    end)

    it("for a second, where nothing is said", function()
      hear(529)
      assert.same({ 1 }, waits_of())
    end)

    it("for five minutes at most", function()
      hear(429, nil, 300)
      assert.same({ 300 }, waits_of())
      hear(429, nil, 301)
      assert.same({ 300 }, waits_of())
      hear(429, 86400)
      assert.same({ 300 }, waits_of())
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
      assert.is_true(pace:wait(exchange))
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
    assert.is_true(pace:wait(exchange))
    assert.same({ 5 }, waits)
    assert.is_falsy(exchange:has_news())
    exchange:call()
    assert.is_true(pace:wait(exchange))
    assert.is_falsy(exchange:has_news())
  end)

  it("waits no longer than the exchange's deadline, and lets it find out by itself", function()
    hear(429, 20)
    local exchange = new_exchange(now + 5)
    assert.is_true(pace:wait(exchange))
    assert.same({ 5 }, waits)
    assert.is_true(pace:wait(new_exchange(now)))
    assert.is_true(pace:wait(new_exchange(now - 1)))
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
    assert.is_true(pace:wait(exchange))
    assert.same({ "loop" }, chosen)
    assert.same({}, waits)
  end)

  describe("calls those that wait", function()
    -- Waits with an exchange; `act` is what happens meanwhile. Returns how often it was called.
    local function calls_during(act)
      local exchange, calls = new_exchange(), nil
      hear(429, 5)
      during = function()
        act(exchange)
        calls = exchange.calls
        return true
      end
      pace:wait(exchange)
      during = nil
      return calls
    end

    it("when a response tells of limits", function()
      assert.equal(1, calls_during(function() learn_requests(5) end))
      assert.equal(0, calls_during(function() pace:learn { headers = {} } end))
    end)

    it("when a request comes back that was held back before", function()
      local other = new_exchange()
      pace:wait(other)
      assert.equal(1, calls_during(function()
        pace:release(other)
        pace:release(other)
      end))
      assert.equal(0, calls_during(function() pace:release(new_exchange()) end))
    end)

    it("each of them", function()
      local one, other, calls = new_exchange(), new_exchange(), nil
      hear(429, 5)
      during = function(count)
        if count == 1 then
          hear(429, 5)
          pace:wait(other)
        else
          learn_requests(5)
          calls = { one.calls, other.calls }
        end
        return true
      end
      pace:wait(one)
      assert.same({ 1, 1 }, calls)
    end)

    it("but not those whose wait is over, nor those that were given up", function()
      local over, given_up = new_exchange(), new_exchange()
      hear(429, 5)
      pace:wait(over)
      hear(429, 5)
      during = function()
        pace:release(given_up)
        learn_requests(5)
        return true
      end
      pace:wait(given_up)
      assert.equal(0, over.calls)
      assert.equal(0, given_up.calls)
    end)
  end)

  describe("gives nothing", function()
    -- That it neither waits nor counts as a request under way afterwards.
    local function assert_refused(exchange)
      assert.is_nil((pace:wait(exchange)))
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
      assert.is_nil((pace:wait(exchange)))
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

  it("remembers 16 limits at most, and forgets those whose time is over", function()
    for i = 1, 40 do
      learn { ["invented-" .. i .. "-remaining"] = "0", ["invented-" .. i .. "-reset"] = "2025-01-01T00:00:10Z" }
    end
    local held = 0
    for _ in pairs(pace.budgets) do
      held = held + 1
    end
    assert.equal(16, held)
    now = now + 11
    learn { ["requests-remaining"] = "0", ["requests-reset"] = "2025-01-01T00:00:30Z" }
    assert.is_table(pace.budgets.requests)
    assert.is_nil(next(pace.budgets, "requests"))
  end)
end)
