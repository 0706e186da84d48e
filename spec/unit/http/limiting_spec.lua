-- Acquire and release around each attempt; what a limiter of the library's does is in limiter_spec.lua.

local core = require "anthropic.core"
local errors = require "anthropic.base.error"
local guard = require "anthropic.base.guard"
local limiters = require "anthropic.http.limiter"
local limiting = require "anthropic.http.limiting"
local retry = require "anthropic.http.retry"

describe("a limiter", function()
  local calls -- { name, request, response, err } each

  before_each(function()
    calls = {}
  end)

  -- Notes its calls; `results`: what each returns, or does.
  local function limiter_of(results)
    local limiter = {}
    for _, name in ipairs { "acquire", "observe", "release" } do
      limiter[name] = function(self, ...)
        assert.equal(limiter, self)
        calls[#calls + 1] = { name, ... }
        local result = results and results[name]
        if type(result) == "function" then
          return result()
        end
        return result == nil or result
      end
    end
    return limiter
  end

  local function new(options, fields)
    local exchange = {
      attempts = 1, shared = {}, profile = { is_logged = false, timeouts = {} }, deadline = math.huge,
      spec = function()
        return { method = "POST", path = "https://h.test/v1/messages?beta=true", model = "m", body = ("x"):rep(40) }
      end,
      option = function(name) return options[name] end,
      close = function() end,
    }
    for name, value in pairs(fields or {}) do
      exchange[name] = value
    end
    return exchange
  end

  it("is asked for each attempt, with what it is, and released once", function()
    local exchange = new { limiter = limiter_of(), tag = "t" }
    assert.is_true(limiting.acquire(exchange))
    local request = calls[1][2]
    assert.same({ "POST", "/v1/messages", "m", 2, "t" },
      { request.method, request.path, request.model, request.attempt, request.tag })
    assert.is_true(request.tokens > 0)
    exchange.response = "response"
    assert.is_true(limiting.observe(exchange))
    local problem = errors.new { kind = "api", message = "m" }
    limiting.release(exchange, problem)
    limiting.release(exchange, problem)
    assert.same({ { "acquire", request }, { "observe", request, "response" },
      { "release", request, "response", problem } }, calls)
  end)

  it("may have no more than acquire", function()
    local exchange = new { limiter = { acquire = function() return true end } }
    assert.is_true(limiting.acquire(exchange))
    assert.is_true(limiting.observe(exchange))
    limiting.release(exchange)
    assert.is_nil(exchange.limiter_problem)
  end)

  it("keeps no exchange alive by its requests", function()
    local kept
    do
      local exchange = new { limiter = limiter_of() }
      limiting.acquire(exchange)
      kept = exchange.permit.request
      assert.equal(exchange, kept.exchange)
    end
    calls = {}
    for _ = 1, 2 do
      collectgarbage()
      collectgarbage()
      guard.run_due()
    end
    assert.is_nil(kept.exchange)
  end)

  it("that refuses ends the request, in its own words", function()
    for _, case in ipairs {
      { function() return nil, "not today" end, "limiter: acquire: not today" },
      { function() return false end, "limiter: acquire: returned nothing" },
      { function() error("broken", 0) end, "limiter: acquire: broken" },
    } do
      local exchange = new { limiter = limiter_of { acquire = case[1] } }
      local ok, err = limiting.acquire(exchange)
      assert.is_nil(ok)
      assert.same({ "invalid_request", case[2] }, { err.kind, err.message })
      assert.is_nil(exchange.permit)
    end
  end)

  it("may refuse with an error of its own making", function()
    local given = { kind = "api", status = "429", message = "not today" }
    local _, err = limiting.acquire(new { limiter = limiter_of { acquire = function() return nil, given end } })
    assert.same({ "api", 429, "not today", false }, { err.kind, err.status, err.message, err.retryable })
  end)

  it("may refuse with another request's error, which is not tried again", function()
    local given = errors.new { kind = "api", message = "m", status = 429, attempts = 3, history = {} }
    local _, err = limiting.acquire(new { limiter = limiter_of { acquire = function() return nil, given end } })
    assert.same({ "api", "m", 429, false }, { err.kind, err.message, err.status, err.retryable })
    assert.is_nil(err.attempts)
    assert.is_nil(err.history)
    assert.equal(3, given.attempts)
  end)

  it("may refuse with an error whose headers say that another request should be sent again", function()
    local headers = { ["x-should-retry"] = "true", ["request-id"] = "r" }
    for _, given in ipairs { errors.new { kind = "api", message = "m", status = 429, headers = headers },
      { kind = "api", message = "m", status = 429, headers = headers } } do
      local _, err = limiting.acquire(new { limiter = limiter_of { acquire = function() return nil, given end } })
      assert.same({ ["request-id"] = "r" }, err.headers)
      assert.is_false(retry.is_worthwhile(err))
    end
    assert.equal("true", headers["x-should-retry"])
  end)

  it("that raises later is a problem of the request", function()
    local exchange = new { limiter = limiter_of { observe = function() error("seen", 0) end,
      release = function() error("gone", 0) end } }
    limiting.acquire(exchange)
    local ok, err = limiting.observe(exchange)
    assert.is_nil(ok)
    assert.equal("limiter: observe: seen", err.message)
    limiting.release(exchange)
    assert.equal("limiter: release: gone", exchange.limiter_problem.message)
  end)

  it("is released at once where the request was cancelled meanwhile", function()
    local exchange
    exchange = new { limiter = limiter_of { acquire = function()
      exchange.closed = true
      return true
    end } }
    limiting.acquire(exchange)
    assert.same({ "acquire", "release" }, { calls[1][1], calls[2] and calls[2][1] })
    assert.equal("cancelled", calls[2][4].kind)
  end)

  it("that waits for longer than the request may take ends it before it is sent", function()
    local exchange = new({ limiter = limiter_of() },
      { deadline = core.now(), profile = { is_logged = false, timeouts = { total = 0.5 } } })
    local ok, err = limiting.acquire(exchange)
    assert.is_nil(ok)
    assert.same({ "timeout", "total", "not finished within 0.5 seconds", true },
      { err.kind, err.timeout, err.message, err.unprocessed })
    limiting.release(exchange, err)
    assert.same({ "acquire", "release" }, { calls[1][1], calls[2][1] })
    assert.equal(err, calls[2][4])
  end)

  it("of the client learns nothing where its module cannot be loaded, and no request fails for that", function()
    local new_limiter = limiters.new
    finally(function() limiters.new = new_limiter end)
    limiters.new = function() error "no descriptor is left" end
    local shared = { is_paced = true }
    local exchange = new({}, { shared = shared, response = { rate_limit = {} } })
    assert.is_true(limiting.observe(exchange))
    limiting.release(exchange, { status = 429 })
    assert.is_nil(shared.limiter)
  end)

  it("of the client holds back what is paced alone, and learns from all", function()
    local RESPONSE = { rate_limit = {} }
    local own = limiters.new()
    local learned, heard = {}, {}
    local shared = { limiter = setmetatable({
      learn = function(_, ...) learned = { ... } end,
      hear = function(_, ...) heard = { ... } end,
    }, { __index = own }) }
    local exchange = new({}, { shared = shared, response = RESPONSE })
    assert.is_true(limiting.acquire(exchange))
    assert.is_nil(exchange.permit)
    assert.is_true(limiting.observe(exchange))
    assert.same({ "m", RESPONSE }, learned)
    limiting.release(exchange)
    assert.same({}, heard)
    limiting.release(exchange, { kind = "connection" }) -- says nothing of limits
    assert.same({}, heard)
    limiting.release(exchange, { status = 429 })
    assert.same({ "m", { status = 429 } }, heard)
    learned, heard = {}, {}
    exchange = new({ limiter = false }, { shared = shared, is_held_back = true, response = RESPONSE })
    assert.is_true(limiting.acquire(exchange))
    limiting.observe(exchange)
    limiting.release(exchange, { status = 429 })
    assert.is_nil(exchange.permit)
    assert.same({ {}, {} }, { learned, heard })
    exchange = new({}, { shared = { limiter = limiter_of() }, is_held_back = true })
    limiting.acquire(exchange)
    assert.is_truthy(exchange.permit)
  end)
end)
