-- What an exchange reads of its answer, with a transfer of the spec's own; that an exchange has these methods, and what
-- each word of a transfer's failure means, are exchange_spec.lua's and failures_spec.lua's.

local answer = require "anthropic.http.answer"
local errors = require "anthropic.base.error"

-- Has come after so many waits.
local function transfer_of(plan)
  local transfer = { waits = 0 }
  local function has_come()
    return transfer.waits >= (plan.after or 0)
  end
  function transfer.body(_, is_json, is_wanted)
    transfer.asked = { is_json, is_wanted }
    return has_come() and plan.body or nil
  end
  function transfer.form()
    if has_come() then
      return plan.form, plan.form and "known" or nil
    end
    return nil, "again"
  end
  function transfer.failure()
    if plan.failure then
      return plan.failure, "words of libcurl", 18, plan.verify_result
    end
  end
  function transfer.unprocessed()
    return plan.unprocessed or false
  end
  return transfer
end

local function exchange_of(plan)
  local transfer = transfer_of(plan)
  local self = {
    transfer = transfer,
    response = plan.status and {
      status = plan.status, headers = plan.headers or {}, request_id = plan.request_id, rate_limit = plan.rate_limit,
    },
    profile = { is_logged = false, option = function() end, timeouts = {} },
    way = function() return "http://api.example/v1/x", plan.is_proxied and "http://p.test" or "" end,
  }
  function self.spec()
    return { takes_any_status = plan.takes_any_status }
  end
  function self.redact(text, _, is_broken_off)
    text = text:gsub("secret", "***")
    return is_broken_off and text:gsub("sec$", "***") or text
  end
  function self.url()
    return "https://api.example/v1/x"
  end
  function self.wait()
    transfer.waits = transfer.waits + 1
    if plan.ends_at == transfer.waits then
      return nil, errors.cancelled "the request was cancelled"
    end
    return true
  end
  return setmetatable(self, { __index = answer })
end

describe("the answer of an exchange", function()
  it("is waited for until its form shows", function()
    local exchange = exchange_of { form = "json", after = 3, status = 200 }
    assert.equal("json", exchange:read_form())
    assert.equal(3, exchange.transfer.waits)
    assert.is_nil((exchange_of { status = 200 }:read_form()))
    local form, err = exchange_of { form = "json", after = 3, ends_at = 2, status = 200 }:read_form()
    assert.is_nil(form)
    assert.equal("cancelled", err.kind)
  end)

  it("is waited for until its body has come", function()
    local exchange = exchange_of { body = "all", after = 2, status = 200 }
    assert.equal("all", exchange:await_body(true))
    assert.equal(2, exchange.transfer.waits)
    assert.same({ true, nil }, exchange.transfer.asked)
    exchange = exchange_of { body = "all", status = 500, takes_any_status = true }
    exchange:await_body()
    assert.same({ nil, true }, { exchange.transfer.asked[1], exchange.transfer.asked[2] })
    local body, err = exchange_of { body = "all", after = 2, ends_at = 1, status = 200 }:await_body()
    assert.is_nil(body)
    assert.equal("cancelled", err.kind)
  end)

  it("is too large where there is no memory for it", function()
    local exchange = exchange_of { status = 200, request_id = "req_1" }
    function exchange.transfer.body()
      error("not enough memory", 0)
    end
    local body, err = exchange:read_body()
    assert.is_nil(body)
    assert.equal("protocol", err.kind)
    assert.equal("not enough memory for the answer", err.message)
    assert.equal("req_1", err.request_id)
  end)

  it("comes with its failure, which has what came, without secrets", function()
    local body, failure = exchange_of { body = "a secret", failure = "truncated", status = 200 }:read_body()
    assert.equal("a secret", body)
    assert.equal("truncated", failure.kind)
    assert.equal("a ***", failure.body)
    assert.equal(200, failure.status)
    body, failure = exchange_of { body = "", failure = "truncated", status = 200 }:read_body()
    assert.equal("", body)
    assert.is_nil(failure.body)
    body, failure = exchange_of { body = "whole", status = 200 }:read_body()
    assert.equal("whole", body)
    assert.is_nil(failure)
  end)

  it("that broke off shows no beginning of a secret at its end, in a refusal neither", function()
    local _, failure = exchange_of({ body = "a sec", failure = "truncated", status = 200 }):read_body()
    assert.equal("a ***", failure.body)
    for _, status in ipairs { 400, 407 } do
      local err = exchange_of({ body = "a sec", failure = "truncated", status = status, is_proxied = true }):refusal()
      assert.equal("a ***", err.body)
      assert.is_nil(tostring(err):find("a sec", 1, true))
    end
    assert.equal("a sec", exchange_of({ body = "a sec", status = 400 }):refusal().body)
  end)

  it("tells whether the server can have acted", function()
    assert.is_true(exchange_of({ failure = "lost", unprocessed = true }):failure().unprocessed)
    assert.is_nil(exchange_of({ failure = "lost" }):failure().unprocessed)
    assert.is_nil(exchange_of({ failure = "lost" }):failure().status)
  end)

  it("has its error's wait from the headers first, and from the body where they have none", function()
    local function retry_after(headers)
      local err = errors.new { kind = "api", message = "m", retry_after = 7 }
      return exchange_of({ status = 429, headers = headers }):describe(err).retry_after
    end
    assert.equal(7, retry_after {})
    assert.equal(3, retry_after { ["retry-after"] = "3" })
    assert.is_nil(retry_after { ["retry-after"] = "soon" })
  end)

  it("is refused in the server's own words, and with its types and statuses", function()
    local exchange = exchange_of { status = 400, request_id = "req_1" }
    local err = exchange:api_error('{"type":"error","error":{"type":"not_found_error","message":"no secret"}}', 400)
    assert.equal("api", err.kind)
    assert.equal("no ***", err.message)
    assert.equal("not_found_error", err.type)
    assert.equal(400, err.status)
    assert.equal("req_1", err.request_id)
    err = exchange:api_error('{"type":"error","error":{"type":"overloaded_error","message":"m"}}')
    assert.equal(529, err.status)
    err = exchange:api_error("", 503)
    assert.equal("HTTP 503", err.message)
    assert.equal("overloaded_error", errors.type_of_status(529))
    assert.equal(errors.type_of_status(503), err.type)
    err = exchange:api_error ""
    assert.equal("the server sent an error without a message", err.message)
    assert.is_nil(err.status)
  end)

  it("is refused by a redirect, which says where to", function()
    local headers = { location = "https://other.example/" }
    local err = exchange_of({ status = 307, headers = headers }):api_error('{"error":{"message":"said"}}', 307)
    assert.matches("other.example", err.message, 1, true)
    err = exchange_of({ status = 401, headers = headers }):api_error('{"error":{"message":"said"}}', 401)
    assert.equal("said", err.message)
  end)

  it("is a proxy's where that wants a credential", function()
    for _, plan in ipairs { { is_proxied = true }, { headers = { ["proxy-authenticate"] = "Basic" } } } do
      plan.status, plan.body = 407, "a secret"
      local err = exchange_of(plan):refusal()
      assert.equal("connection", err.kind)
      assert.is_true(err.unprocessed)
      assert.equal(407, err.status)
      assert.equal("a ***", err.body)
    end
    assert.equal("api", exchange_of({ status = 407, body = "x" }):refusal().kind)
    assert.equal("api", exchange_of({ status = 403, body = "x", is_proxied = true }):refusal().kind)
  end)

  it("has AWS's word for its type where it names one", function()
    local headers = { ["x-amzn-errortype"] = "ThrottlingException:http://internal" }
    local err = exchange_of({ status = 429, headers = headers, body = '{"message":"Slow down"}' }):refusal()
    assert.equal("Slow down", err.message)
    assert.equal(429, err.status)
  end)
end)
