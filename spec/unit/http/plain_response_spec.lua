local errors = require "anthropic.base.error"
local plain_response = require "anthropic.http.plain_response"

describe("a response", function()
  local block = "HTTP/1.1 200 OK\r\nSet-Cookie: a=secret\r\nset-cookie: b\r\nEmpty:\r\n\r\n"
  local so_far, exchange

  before_each(function()
    so_far = { status = 201, headers = { ["set-cookie"] = "***" }, attempts = 2, timings = { total = 1 } }
    exchange = { response = so_far, transfer = { headers = function() return block end } }
    function exchange.response_so_far()
      return so_far
    end
    function exchange.redact(text)
      return (text:gsub("secret", "***"))
    end
    function exchange.way()
      return "https://h.test/?key=secret"
    end
    function exchange.url()
      return "https://h.test/?key=***"
    end
  end)

  it("has all headers as they came, and the line of each", function()
    local response = plain_response.of(exchange)
    assert.equal("", response.headers.empty)
    assert.same({ "Set-Cookie: a=secret", "set-cookie: b", "Empty:" }, response.header_lines)
    assert.same({ 201, 2, 1, "https://h.test/?key=secret" },
      { response.status, response.attempts, response.timings.total, response.url })
  end)

  it("is noted in an error without what is secret, and without its body", function()
    local response, attach = plain_response.of(exchange)
    response.body = "body"
    so_far.timings = { total = 3 }
    local err = errors.new { kind = "connection", message = "lost" }
    assert.equal(err, attach(err))
    assert.same({
      status = 201, headers = { ["set-cookie"] = "***" }, attempts = 2, timings = { total = 3 },
      header_lines = { "Set-Cookie: a=***", "set-cookie: b", "Empty:" }, url = "https://h.test/?key=***",
    }, err.response)
    assert.equal("body", response.body)
  end)

  it("of an attempt before is not that of a later error", function()
    local _, attach = plain_response.of(exchange)
    exchange.response = { status = 500 }
    assert.is_nil(attach(errors.new { kind = "api", message = "m" }).response)
  end)
end)
