local fed_exchange = require "anthropic.http.fed_exchange"

describe("an exchange whose answer is fed", function()
  local function new(options, fields)
    return fed_exchange.new(200, fields or {}, function(name) return options and options[name] end)
  end

  it("has a response of what is said of it", function()
    local response = new(nil, { ["X-Request-Id"] = "x", ["anthropic-ratelimit-tokens-remaining"] = 7 }).response
    assert.same({ 200, "x", 1 }, { response.status, response.request_id, response.attempts })
    assert.equal(7, response.rate_limit.tokens.remaining)
    assert.equal("r", new(nil, { ["X-Request-Id"] = "x", ["Request-Id"] = "r" }).response.request_id)
    local exchange = new()
    assert.equal(exchange.response, exchange:response_so_far())
    assert.same({ "a secret", nil }, { exchange.redact "a secret", exchange.url() })
  end)

  it("has a body once that has ended", function()
    local exchange = new()
    exchange.transfer:feed "a"
    assert.same({ nil, fed_exchange.MORE }, { exchange:read_body() })
    exchange.transfer:feed "b"
    exchange.transfer:finish()
    assert.equal("ab", (exchange:read_body()))
    assert.is_nil(exchange:failure())
  end)

  it("waits for nothing", function()
    assert.same({ nil, fed_exchange.MORE }, { new():wait() })
    assert.same({ nil, fed_exchange.MORE }, { new():read_form() })
  end)

  it("takes so much and no more", function()
    local exchange = new { max_response_bytes = 3 }
    assert.is_true(exchange.transfer:feed "abc")
    exchange.transfer:finish()
    assert.equal("abc", (exchange:read_body()))
    exchange = new { max_response_bytes = 3 }
    assert.is_false(exchange.transfer:feed "abcd")
    assert.is_truthy(exchange:failure())
    exchange = new { max_event_bytes = 3 }
    exchange.transfer:feed "data: abcdef\n\n"
    assert.same({ nil, "too_large" }, { exchange.transfer:event() })
    assert.is_true(new().transfer:feed(("x"):rep(1024 * 1024)))
  end)

  it("is refused in the words of its body, whatever its status", function()
    local function refusal(status, fields)
      local exchange = fed_exchange.new(status, fields or {}, function() end)
      exchange.transfer:feed '{"error":{"type":"x","message":"no"}}'
      exchange.transfer:finish()
      return exchange:refusal()
    end
    for _, status in ipairs { 400, 407, 529 } do
      local err = refusal(status)
      assert.same({ "api", "no", status }, { err.kind, err.message, err.status })
    end
    assert.equal("connection", refusal(407, { ["Proxy-Authenticate"] = "Basic" }).kind)
  end)
end)
