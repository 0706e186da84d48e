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
      kind = "protocol", code = 16, message = "the server sends endless empty frames (HTTP/2)",
    } },
    { "large_headers", "Too large", 56,
      { kind = "protocol", code = 100, message = "the answer's headers are too large" } },
    { "costly", "", nil,
      { kind = "protocol", code = 63, message = "the answer's values would take too much memory" } },
    { "file", "cannot read /x", nil, { kind = "invalid_request", code = 26, message = "cannot read /x" } },
    { "file", "cannot write /x", nil, { kind = "invalid_request", code = 23, message = "cannot write /x" } },
    { "memory", "Out of memory", 27, { kind = "connection", code = 27, message = "not enough memory" } },
    { "cancelled", "", 0, { kind = "cancelled", message = "the request was cancelled" } },
  } do
    it(("named %s, %q, %s, is one of kind %s"):format(case[1], case[2], tostring(case[3]), case[4].kind), function()
      assert.same(case[4], fields_of(case[1], case[2], case[3], profile()))
    end)
  end

  it("of a connection names the proxy that the request went by, where it may be the one that did not answer", function()
    local function by_proxy() return "http://p:1, from http_proxy" end
    local function message(name, words, code, describe)
      return failures.error(name, words, code, profile({ connect = 3 }), nil, describe).message
    end
    assert.equal("Failed to connect (by the proxy http://p:1, from http_proxy)",
      message("connection", "Failed to connect", 7, by_proxy))
    assert.equal("Could not resolve proxy (by the proxy http://p:1, from http_proxy: check proxy)",
      message("connection", "Could not resolve proxy", 5, by_proxy))
    assert.equal("no connection within 3 seconds (by the proxy http://p:1, from http_proxy)",
      message("connect", "", 28, by_proxy))
    assert.equal("reset", message("connection", "reset", 56, by_proxy))
    assert.equal("Failed to connect", message("connection", "Failed to connect", 7, function() return nil end))
  end)

  it("of a connection says that no descriptor is left, where that is so", function()
    local open, number = io.open, 24
    local function message(name, code)
      io.open = function() return nil, "too many", number end -- luacheck: ignore 122
      local err = failures.error(name, "Failed to connect", code, profile(), nil, function() return "p" end)
      io.open = open -- luacheck: ignore 122
      return err.message
    end
    for _, code in ipairs { 6, 7 } do
      assert.matches("^Failed to connect %(no file descriptor is left: .*ulimit %-n", message("connection", code))
    end
    number = 23
    assert.matches("no file descriptor", message("connection", 7))
    assert.is_nil(message("connection", 56):find "descriptor")
    number = 13
    assert.equal("Failed to connect (by the proxy p)", message("connection", 7))
  end)

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
    assert.same({ kind = "protocol", code = 63, message = "the answer is larger than 67108864 bytes" },
      fields_of("too_large", "", 23, profile(nil, 67108864)))
    assert.same({ kind = "protocol", code = 63, message = "the file is larger than 1000 bytes" },
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
    local err = failures.error("connection", "Could not resolve host: nowhere", 6, profile())
    assert.equal("Could not resolve host: nowhere (check base_url and the network)", err.message)
    assert.equal("anthropic: connection error: " .. err.message, tostring(err))
  end)

  it("is an error of its own each time", function()
    local one, other = failures.error("memory", "", nil, profile()), failures.error("memory", "", nil, profile())
    one.attempts = 3
    assert.is_nil(other.attempts)
  end)
end)

describe("a failed connection says what to do", function()
  -- What stands behind the words of the failure, in parentheses.
  local function advice_of(name, words, code)
    local message = failures.error(name, words, code, profile()).message
    return message:match "%(([^()]*)%)$"
  end

  for _, case in ipairs {
    { 5, "Could not resolve proxy: nowhere", "check proxy" },
    { 5, "", "check proxy" },
    { 6, "Could not resolve host: nowhere", "check base_url and the network" },
    { 35, "TLS connect error: error:0A00010B:SSL routines::wrong version number",
      "the server speaks no TLS: check the port, or begin base_url with http://" },
    { 35, "GnuTLS, handshake failed: An unexpected TLS packet was received.",
      "the server speaks no TLS: check the port, or begin base_url with http://" },
    { 35, "error:0A00042E:SSL routines::tlsv1 alert protocol version", "TLS 1.2 or later is needed" },
    { 35, "unsupported protocol", "TLS 1.2 or later is needed" },
    { 35, "Recv failure: Connection reset by peer", nil },
    { 56, "Recv failure: Connection reset by peer", nil },
    { 77, "error adding trust anchors from file: nowhere",
      "check ca_file; without it the system's certificates are needed, such as Debian's ca-certificates" },
    { 97, "cannot complete SOCKS5 connection", nil },
    { 7, "Failed to connect", nil },
    { 28, "timeout, certificate has expired", nil },
    { 52, "Empty reply from server", nil },
    { 0, "", nil },
  } do
    it(("on %d %q: %s"):format(case[1], case[2], case[3] or "nothing"), function()
      assert.equal(case[3], advice_of("connection", case[2], case[1]))
    end)
  end

  it("on a certificate by what the TLS library found, where that is known", function()
    local message = failures.error("connection", "Refused", 60, profile(), nil, nil, nil).message
    assert.equal("Refused (check base_url and this machine's clock, or set ca_file or ca_path to an authority "
      .. "that you trust)",
      message)
  end)

  it("only where there is a code", function()
    assert.is_nil(advice_of("connection", "certificate has expired"))
  end)

  it("only where libcurl's code says what it is", function()
    assert.is_nil(advice_of("truncated", "certificate has expired", 60))
    assert.is_nil(advice_of("lost", "", 6))
  end)

  it("however libcurl writes its words", function()
    assert.equal("TLS 1.2 or later is needed", advice_of("connection", "Unsupported PROTOCOL", 35))
    assert.equal("check the user name and password in proxy", advice_of("proxy", "User was REJECTED"))
  end)

  for text, expected in pairs {
    ["CONNECT tunnel failed, response 401"] = "check the user name and password in proxy",
    ["CONNECT tunnel failed, response 407"] = "check the user name and password in proxy",
    ["Received HTTP code 407 from proxy after CONNECT"] = "check the user name and password in proxy",
    ["Received HTTP code 401 from proxy after CONNECT"] = "check the user name and password in proxy",
    ["response 407"] = "check the user name and password in proxy",
    ["User was rejected by the SOCKS5 server (5 1)."] = "check the user name and password in proxy",
    ["No authentication method was acceptable."] = "check the user name and password in proxy",
    ["CONNECT tunnel failed, response 403"] = "check proxy, and what it lets through",
    ["cannot complete SOCKS5 connection to localhost. (2)"] = "check proxy, and what it lets through",
    [""] = "check proxy, and what it lets through",
  } do
    it(("of a proxy that says %q: %s"):format(text, expected), function()
      assert.equal(expected, advice_of("proxy", text))
    end)
  end

  it("by the first row that fits", function()
    assert.equal("the server speaks no TLS: check the port, or begin base_url with http://",
      advice_of("connection", "protocol: wrong version number", 35))
  end)
end)

describe("a failed connection lasts", function()
  local function lasts(fields)
    fields.kind = "connection"
    return failures.lasts(errors.new(fields))
  end

  it("where its certificate or its URL is bad", function()
    for _, code in ipairs { 3, 4, 58, 59, 60, 64, 66, 77, 80, 82, 83, 90, 91 } do
      assert.is_true(lasts { code = code }, code)
    end
  end)

  it("where libcurl does not know the scheme, which sends nothing", function()
    assert.is_true(lasts { code = 1, unprocessed = true })
    assert.is_false(lasts { code = 1 })
  end)

  it("nowhere else", function()
    for _, code in ipairs { 0, 2, 5, 6, 7, 16, 28, 35, 52, 55, 56, 92, 97 } do
      assert.is_false(lasts { code = code, unprocessed = true }, code)
    end
    assert.is_false(lasts {})
  end)
end)
