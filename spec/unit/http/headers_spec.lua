-- How a response's header block is read.

local headers = require "anthropic.http.headers"

-- The fields without the metatable that looks them up regardless of case.
local function fields_of(block)
  local fields = {}
  for name, value in pairs(headers.parse(block)) do
    fields[name] = value
  end
  return fields
end

describe("a response's headers", function()
  for _, case in ipairs {
    { "nothing", "", {} },
    { "a status line alone", "HTTP/1.1 200 OK\r\n\r\n", {} },
    { "a field", "HTTP/1.1 200 OK\r\nRequest-Id: req_1\r\n\r\n", { ["request-id"] = "req_1" } },
    { "line ends without CR", "HTTP/2 200\na: 1\nb: 2\n\n", { a = "1", b = "2" } },
    { "a last line without an end", "a: 1\r\nb: 2", { a = "1", b = "2" } },
    { "names of every case, and digits and marks in them", "X-A1_b!: 1\r\nÄ: 2\r\n",
      { ["x-a1_b!"] = "1", ["Ä"] = "2" } },
    { "white space around values, and none within taken", "a:1\r\nb: \t 2 \t\r\nc: 3  4 \r\n",
      { a = "1", b = "2", c = "3  4" } },
    { "empty values", "a:\r\nb: \t\r\n", { a = "", b = "" } },
    { "colons in values", "a: b: c\r\n", { a = "b: c" } },
    { "values that repeat", "a: 1\r\nB: 2\r\nA: 3\r\na:\r\na: 4\r\n", { a = "1, 3, , 4", b = "2" } },
    { "values that repeat very often", ("a: x\r\nB:\r\n"):rep(5000),
      { a = ("x, "):rep(4999) .. "x", b = (", "):rep(4999) } },
    { "a CR inside of a value", "a: 1\r2\r\n", { a = "1\r2" } },
    { "NUL inside of a value", "a: 1\0002\r\nb: 3\r\n", { a = "1\0002", b = "3" } },
    { "bytes above ASCII", "a: \228\255\r\n", { a = "\228\255" } },
    { "lines that are no fields", "no colon\r\n: no name\r\na b: c\r\n d: e\r\n\tf: g\r\nh\0i: j\r\nk: 1\r\n",
      { k = "1" } },
    { "a name without an end", ("x"):rep(70000), {} },
    { "a long name and a long value", ("X"):rep(70000) .. ": " .. ("y"):rep(70000) .. "\r\n",
      { [("x"):rep(70000)] = ("y"):rep(70000) } },
  } do
    it("may be " .. case[1], function()
      assert.same(case[3], fields_of(case[2]))
    end)
  end

  it("are looked up regardless of case", function()
    local fields = headers.parse "Retry-After: 3\r\n"
    assert.equal("3", fields["RETRY-AFTER"])
    assert.equal("3", fields["retry-after"])
    assert.is_nil(fields.retry)
    assert.is_nil(fields[1])
  end)

  it("tell of rate limits where they have any", function()
    assert.is_nil(headers.rate_limit(headers.parse "a: 1\r\nx-anthropic-ratelimit-requests-limit: 2\r\n"))
    assert.same({
      requests = { limit = 50, remaining = 49, reset = "2026-01-01T00:00:00Z" },
      input_tokens = { remaining = 7 },
    }, headers.rate_limit(headers.parse(table.concat({
      "anthropic-ratelimit-requests-limit: 50",
      "Anthropic-RateLimit-Requests-Remaining: 49",
      "anthropic-ratelimit-requests-reset: 2026-01-01T00:00:00Z",
      "anthropic-ratelimit-input-tokens-remaining: 7",
      "anthropic-ratelimit-",
      "",
    }, "\r\n"))))
  end)
end)
