local options = require "anthropic.http.options"
local plain_request = require "anthropic.http.plain_request"

local function build(given, resolved)
  local spec = { method = "GET", url = "https://h.test/x", secret_headers = {}, headers = {} }
  for name, value in pairs(given or {}) do
    spec[name] = value
  end
  return plain_request.builder(options.of_transport(resolved or {}))(spec)
end

describe("a request that the caller writes", function()
  it("has the caller's headers, and none of the library's", function()
    assert.same({ "X-A: 1" }, build({ headers = { ["X-A"] = "1" } }).headers)
    assert.same({}, build().headers)
    assert.same({ "User-Agent:" }, build({ headers = { ["User-Agent"] = false } }).headers)
  end)

  it("has what the spec says", function()
    local wire = build { method = "PUT", body = "b", body_file = "f", multipart = {}, sink = "s" }
    assert.same({ "PUT", "https://h.test/x", "b", "f", {}, "s" },
      { wire.method, wire.url, wire.body, wire.body_file, wire.multipart, wire.sink })
    assert.equal("/ca.pem", build(nil, { ca_file = "/ca.pem" }).ca_file)
  end)

  it("has user name and password of its URL in a header", function()
    local wire = build { url = "https://us%40er:pa%3Ass:w@h.test/x" }
    assert.equal("https://h.test/x", wire.url)
    assert.same({ "Authorization: Basic dXNAZXI6cGE6c3M6dw==" }, wire.headers) -- us@er:pa:ss:w
    assert.same({ "Authorization: Basic dXNlcjo=" }, build({ url = "https://user@h.test/" }).headers)
    assert.same({ "authorization: own" },
      build({ url = "https://user@h.test/", headers = { authorization = "own" } }).headers)
    assert.same({ "authorization:" },
      build({ url = "https://user@h.test/", headers = { authorization = false } }).headers)
  end)

  it("shows no credential, nor what the caller calls secret", function()
    local wire = build({
      headers = { Authorization = "Bearer token-0123", ["X-Own"] = "own-0123456", ["X-Shown"] = "value" },
      secret_headers = { ["x-own"] = true, ["x-none"] = true },
    }, { proxy = "http://user:proxy-0123@p.test" })
    assert.equal("[redacted] [redacted] value [redacted]",
      (wire.redact "token-0123 own-0123456 value proxy-0123"))
  end)

  it("is refused where its URL or a header cannot be sent", function()
    for _, given in ipairs { { url = "ftp://h.test/" }, { url = "" }, { headers = { A = "a\nb" } } } do
      local wire, err = build(given)
      assert.is_nil(wire)
      assert.equal("invalid_request", err.kind)
    end
  end)
end)
