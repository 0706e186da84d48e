-- Failures of transfers as errors.

local errors = require "anthropic.base.error"
local failures = require "anthropic.http.failures"

local function profile(timeouts, limit)
  return {
    timeouts = timeouts or {},
    option = function(name)
      return (name == "max_response_bytes" or name == "max_download_bytes") and limit or nil
    end,
  }
end

-- The fields of the error that a failure is.
local function fields_of(...)
  local err = failures.error(...)
  assert.is_true(errors.is(err))
  local fields = {}
  for name, value in pairs(err) do
    fields[name] = value
  end
  return fields
end

describe("a failure of a transfer", function()
  for _, case in ipairs {
    { "connection", "Failed to connect", 7, { kind = "connection", message = "Failed to connect", code = 7 } },
    { "connection", "Something", nil, { kind = "connection", message = "Something" } },
    { "connection", "", 52, { kind = "connection", message = "", code = 52 } },
    { "connection", "Could not resolve host: x", 6,
      { kind = "connection", message = "Could not resolve host: x (check base_url and the network)", code = 6 } },
    { "lost", "", 52, {
      kind = "connection", code = 52, lost = "lost",
      message = "the connection, which had been used before, ended without an answer",
    } },
    { "refused", "", 16, {
      kind = "connection", code = 16, lost = "refused", message = "the server says that it did not process the request",
    } },
    { "downgraded", "", 52, {
      kind = "connection", code = 52, lost = "downgraded",
      message = 'the server wants the request by HTTP/1.1 (set http_version = "1.1")',
    } },
    { "truncated", "transfer closed with 7 bytes remaining to read", 18,
      { kind = "truncated", message = "transfer closed with 7 bytes remaining to read" } },
    { "truncated", "", 18,
      { kind = "truncated", message = "the connection was closed before the headers were complete" } },
    { "proxy", "response 407", nil, {
      kind = "connection", retryable = false,
      message = "the proxy refused the request: response 407 (check the user name and password in proxy)",
    } },
    { "proxy", "Unsupported: 'http://user:secret@host'", 97, {
      kind = "connection", retryable = false, code = 97,
      message = "the proxy refused the request: Unsupported: '[redacted]@host' (check proxy, and what it lets through)",
    } },
    { "flooded", "", 56, {
      kind = "protocol", message = "the server sends frames without end that carry nothing (HTTP/2)",
    } },
    { "large_headers", "Too large", 56, { kind = "protocol", message = "the answer's headers are too large" } },
    { "costly", "", nil, { kind = "protocol", message = "the answer's values would take too much memory" } },
    { "file", "cannot open /x", nil, { kind = "invalid_request", message = "cannot open /x" } },
    { "memory", "Out of memory", 27, { kind = "connection", message = "not enough memory" } },
    { "cancelled", "", 0, { kind = "cancelled", message = "the request was cancelled" } },
  } do
    it(("named %s, %q, %s, is one of kind %s"):format(case[1], case[2], tostring(case[3]), case[4].kind), function()
      assert.same(case[4], fields_of(case[1], case[2], case[3], profile()))
    end)
  end

  for name, words in pairs {
    connect = "no connection within %s seconds",
    first_byte = "no answer within %s seconds",
    idle = "nothing came for %s seconds",
    total = "not finished within %s seconds",
  } do
    it("named " .. name .. " is a timeout that says how long was waited", function()
      for text, seconds in pairs { ["30"] = 30, ["0.25"] = 0.25, ["600"] = 600, ["1e+06"] = 1000000 } do
        assert.same({ kind = "timeout", timeout = name, message = words:format(text) },
          fields_of(name, "Timeout was reached", 28, profile { [name] = seconds }))
      end
    end)

    it("named " .. name .. " is a timeout also where none was set", function()
      assert.equal(words:format "0", failures.error(name, "", 28, profile { [name] = false }).message)
      assert.equal(words:format "0", failures.error(name, "", 28, profile()).message)
    end)
  end

  it("names the header that an encoding stands in, where its answer has come", function()
    local response = { headers = { ["content-encoding"] = "compress" } }
    local err = failures.error("encoding", "Unrecognized", 61, profile(), response)
    assert.equal("protocol", err.kind)
    assert.equal('Content-Encoding "compress": Unrecognized', err.message)
    assert.equal("Reject response", failures.error("encoding", "Reject response", 61, profile()).message)
    assert.equal("Unrecognized", failures.error("encoding", "Unrecognized", 61, profile(), { headers = {} }).message)
  end)

  it("says which size was too large", function()
    assert.same({ kind = "protocol", message = "the answer is larger than 67108864 bytes" },
      fields_of("too_large", "", 23, profile(nil, 67108864)))
    assert.same({ kind = "protocol", message = "the file is larger than 1000 bytes" },
      fields_of("large_download", "", 23, profile(nil, 1000)))
  end)

  it("shows no user name and no password of a proxy, also where they hold a quote or an @", function()
    for text, expected in pairs {
      ["Unsupported proxy scheme for 'ftp://user:secret@host:1'"] = "Unsupported proxy scheme for '[redacted]@host:1'",
      ["Unsupported proxy syntax in 'http://us'er:se@cr'et@host'"] = "Unsupported proxy syntax in '[redacted]@host'",
      ["Unsupported proxy syntax in 'user:secret@host': no"] = "Unsupported proxy syntax in '[redacted]@host': no",
      ["no such 'host'"] = "no such 'host'",
      ["user@host"] = "user@host",
    } do
      assert.equal(expected, failures.error("connection", text, 7, profile()).message)
    end
  end)

  it("says what to do by the words of the failure", function()
    local err = failures.error("connection", "SSL certificate problem: certificate has expired", 60, profile())
    assert.equal("SSL certificate problem: certificate has expired "
      .. "(check the server's certificate and this machine's clock)", err.message)
    assert.equal("anthropic: connection error: " .. err.message, tostring(err))
  end)

  it("is an error of its own each time", function()
    local one, other = failures.error("memory", "", nil, profile()), failures.error("memory", "", nil, profile())
    one.attempts = 3
    assert.is_nil(other.attempts)
  end)
end)
