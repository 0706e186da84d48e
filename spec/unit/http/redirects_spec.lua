local redirects = require "anthropic.http.redirects"

local FROM = "https://host/v1/messages?beta=true"

describe("a redirect", function()
  it("leads to another place of the same server, by 307 and 308", function()
    for location, to in pairs {
      ["/x"] = "https://host/x",
      ["x/y?z"] = "https://host/v1/x/y?z",
      ["?q"] = "https://host/v1/messages?q",
      ["//host/x"] = "https://host/x",
      ["//HOST:443/x"] = "https://HOST:443/x",
      ["https://host/x#y"] = "https://host/x",
      ["https://host:/x"] = "https://host:/x",
      ["https://host"] = "https://host",
      ["/x@y"] = "https://host/x@y",
      ["/http://other/"] = "https://host/http://other/",
    } do
      assert.equal(to, redirects.target(307, FROM, location), location)
      assert.equal(to, redirects.target(308, FROM, location), location)
      for _, status in ipairs { 200, 201, 300, 301, 302, 303, 304, 305, 306, 309, 400, 500 } do
        assert.is_nil(redirects.target(status, FROM, location))
      end
    end
  end)

  it("leads to no other server", function()
    for _, location in ipairs {
      "http://host/x", "https://host:80/x", "https://other/x", "//other/x", "//host:444/x", "https://host.other/x",
      "https://user@host/x", "//user:pass@host/x", "https://host@other/", "https://host./x", "https://ahost/",
      "ftp://host/x", "https:/x", "https:x", "javascript:x", "https://", "https:///x", "//", "//\\host", "\\\\other\\x",
      "/\\other/x", "https:\\\\host", "https://host\\@other/", "https://h%6fst/x",
    } do
      assert.is_nil(redirects.target(307, FROM, location), location)
    end
  end)

  it("leads nowhere without a place, or with one that is garbled", function()
    assert.is_nil(redirects.target(307, FROM, nil))
    for _, location in ipairs {
      "", " ", "/x y", "/x\ty", "/x\0", "/x\r\nHost: other", "/x\127", "/\195\169", "/a, /b", "/x ", " /x",
    } do
      assert.is_nil(redirects.target(307, FROM, location), location)
    end
  end)

  it("is told of with both places, without what may be a secret", function()
    for location, shown in pairs {
      ["/x?key=1#y"] = "https://host/x",
      ["https://user:pass@other:1/x?key=1"] = "https://other:1/x",
      ["//user@other/x"] = "https://other/x",
      ["ftp://user:pass@other/x"] = "ftp://other/x",
      ["mailto:user@other"] = "mailto:other",
      ["x y"] = "https://host/v1/x y",
      [""] = "https://host/v1/messages",
    } do
      assert.equal(("HTTP 303: https://host/v1/messages redirects to %s (not followed)"):format(shown),
        redirects.words(303, "https://host/v1/messages", location), location)
    end
  end)
end)

describe("a redirect of a request that follows every one", function()
  it("leads to any server, by http and https", function()
    for location, to in pairs {
      ["/x"] = "https://host/x", ["//other/x"] = "https://other/x", ["http://other:1/x#y"] = "http://other:1/x",
      ["HTTPS://other/"] = "HTTPS://other/", ["/a b"] = "https://host/a%20b", ["/\195\169"] = "https://host/%C3%A9",
    } do
      for _, status in ipairs { 301, 302, 303, 307, 308 } do
        assert.equal(to, redirects.place(status, FROM, location), location)
      end
      for _, status in ipairs { 200, 300, 304, 305, 306, 404 } do
        assert.is_nil(redirects.place(status, FROM, location))
      end
    end
    for _, location in ipairs {
      "", "ftp://host/", "file:///x", "https://user@host/", "https://", "\\\\host", "/x\r\nA: b", "/x\0", "mailto:a@b",
    } do
      assert.is_nil(redirects.place(302, FROM, location), location)
    end
    assert.is_nil(redirects.place(302, FROM, nil))
  end)

  local function adapted(status, method, to, secret)
    local wire = {
      url = FROM, method = method, body = "x", body_file = "f", multipart = {},
      headers = {
        "Content-Type: a", "content-length: 1", "Authorization: b", "Cookie: c", "X-Api-Key;", "my-token: d",
        "Accept:", "X-Mine: e", "Proxy-Authorization: f", "Idempotency-Key: g",
        "Host: virtual",
      },
      certificate_file = "cert", key_file = "key",
    }
    redirects.adapt(wire, status, to, secret or {})
    return wire
  end

  it("keeps the method and the body, or is a GET without one", function()
    for _, case in ipairs {
      { 301, "POST", "GET" }, { 302, "POST", "GET" }, { 303, "POST", "GET" }, { 303, "DELETE", "GET" },
      { 301, "PUT", "PUT" }, { 302, "HEAD", "HEAD" }, { 303, "HEAD", "HEAD" }, { 303, "GET", "GET" },
      { 307, "POST", "POST" }, { 308, "PATCH", "PATCH" },
    } do
      local wire = adapted(case[1], case[2], "https://host/x")
      assert.equal(case[3], wire.method)
      local is_kept = case[2] == case[3]
      assert.same({ is_kept and "x" or nil, is_kept and "f" or nil }, { wire.body, wire.body_file })
      assert.equal(is_kept and 11 or 9, #wire.headers)
      assert.equal("cert", wire.certificate_file)
    end
  end)

  it("leaves what is secret behind where the server is another one, and the name of the first", function()
    for _, to in ipairs { "https://other/", "http://host/", "https://host:444/", "https://host.other/" } do
      local wire = adapted(307, "POST", to, { ["x-mine"] = true })
      assert.same({ "Content-Type: a", "content-length: 1", "Accept:", "Idempotency-Key: g" }, wire.headers)
      assert.same({ false, false }, { wire.certificate_file, wire.key_file })
    end
    assert.equal(11, #adapted(307, "POST", "https://HOST:443/y", { ["x-mine"] = true }).headers)
  end)
end)
