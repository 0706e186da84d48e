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
