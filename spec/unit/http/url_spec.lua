local json = require "anthropic.base.json"
local url = require "anthropic.http.url"

describe("a URL without its query", function()
  it("ends where the query or the fragment begins", function()
    for given, expected in pairs {
      ["http://x/y"] = "http://x/y", ["http://x/y?key=1"] = "http://x/y", ["http://x?a?b"] = "http://x",
      ["http://x/y#z"] = "http://x/y", [""] = "",
    } do
      assert.equal(expected, url.without_query(given))
    end
  end)
end)

-- What was refused, as words.
local function refusal(result, err)
  assert.is_nil(result)
  assert.equal("invalid_request", err.kind)
  return err.message
end

describe("a base URL", function()
  it("is taken as it is, less the slashes at its end", function()
    for given, expected in pairs {
      ["https://api.anthropic.com"] = "https://api.anthropic.com",
      ["http://h"] = "http://h",
      ["http://h/"] = "http://h",
      ["http://h///"] = "http://h",
      ["http://h/a/b/"] = "http://h/a/b",
      ["http://h//a"] = "http://h//a",
      ["HTTPS://Host:8443/Path"] = "HTTPS://Host:8443/Path",
      ["hTtP://127.0.0.1:1"] = "hTtP://127.0.0.1:1",
      ["http://[::1]:80"] = "http://[::1]:80",
      ["http://h/a@b"] = "http://h/a@b",
      ["http://h:80/a@b"] = "http://h:80/a@b",
      ["http://[::1]:80/a@b"] = "http://[::1]:80/a@b",
      ["http://h:port/a"] = "http://h:port/a",
      ["http://h/%20"] = "http://h/%20",
      ["http://é"] = "http://é",
    } do
      assert.equal(expected, url.check_base(given))
      assert.equal(1, select("#", url.check_base(given)))
    end
  end)

  it("is taken without the white space around it", function()
    for _, given in ipairs { " http://h/v1", "http://h/v1\n", "\t http://h/v1/ \r\n", "http://h/v1// " } do
      assert.equal("http://h/v1", url.check_base(given))
    end
  end)

  it("begins with a scheme of HTTP and a host", function()
    for _, given in ipairs { "", "h", "//h", "http:", "http:h", "http:/h", "http://", "https:///", "http:///h",
                             "ftp://h", "httpss://h", "xhttp://h", "file:///etc/passwd" } do
      assert.equal(("base_url %q: must begin with http:// or https:// and a host"):format(given),
        refusal(url.check_base(given)))
    end
  end)

  for given, suggested in pairs {
    ["localhost:8080"] = "http://localhost:8080", ["localhost/v1"] = "http://localhost/v1",
    ["localhost"] = "http://localhost", ["127.0.0.1:4000/v1"] = "http://127.0.0.1:4000/v1",
    ["10.0.0.7"] = "http://10.0.0.7", ["gateway:4000"] = "http://gateway:4000",
    ["gateway.example.com"] = "https://gateway.example.com", ["api.example.com/v1"] = "https://api.example.com/v1",
    ["example.com:443/x"] = "https://example.com:443/x", ["[::1]:8080/v1"] = "http://[::1]:8080/v1",
    ["[::1]"] = "http://[::1]",
  } do
    it("is suggested where it lacks its scheme: " .. given, function()
      assert.equal(('base_url %q: must begin with http:// or https:// and a host; did you mean %q?')
        :format(given, suggested), refusal(url.check_base(given)))
    end)
  end

  it("is not suggested for what may hold a key, nor for what names no host", function()
    for _, given in ipairs { "example.com/v1?key=secret", "user:secret@example.com", "sk-ant-api03-abcdefgh",
                             "localhost:", "host:port", "a b.c", ".", ":80", "C:/x" } do
      assert.is_nil(refusal(url.check_base(given)):find "did you mean")
    end
  end)

  it("holds no user and no password, and these are not quoted", function()
    for _, given in ipairs { "http://user:secret@h", "http://user@h", "https://:secret@h/x", "http://@h",
                             "HTTP://a@b@h", "http://h?k=@", "http://user:sec/ret@h", "http://user:a?b@h" } do
      assert.equal("base_url: must not hold a user name or password", refusal(url.check_base(given)))
    end
    assert.equal("base_url: must begin with http:// or https:// and a host",
      refusal(url.check_base "ftp://user:secret@h"))
  end)

  it("holds no space, control character, '?', '#' or backslash", function()
    for _, given in ipairs { "http://h h", "http://h\tx", "http://h\nx", "http://h/\0x", "http://h/\127",
                             "http://h/a b",
                             "http://h#", "http://h/#a", "http://h\\x", "http://h/ /", "http://h/\27[m" } do
      assert.equal(("base_url %q: must not hold spaces, control characters, '?', '#' or '\\'"):format(given),
        refusal(url.check_base(given)))
    end
  end)

  it("is not quoted where it may hold a key", function()
    for _, given in ipairs { "http://h?key=secret", "http://h/a?key=secret", "http://h/a b@c", "http://h/?" } do
      assert.equal("base_url: must not hold spaces, control characters, '?', '#' or '\\'",
        refusal(url.check_base(given)))
    end
    assert.equal("base_url: must begin with http:// or https:// and a host", refusal(url.check_base "h?key=secret"))
  end)
end)

describe("the vendor's host", function()
  it("is known by its name and what is below it", function()
    for _, given in ipairs { "https://api.anthropic.com", "https://anthropic.com", "https://anthropic.com/v1",
                             "https://a.b.anthropic.com", "http://api.anthropic.com:8080/x",
                             "https://anthropic.com:443", "HTTPS://API.Anthropic.COM" } do
      assert.is_true(url.is_vendor(given), given)
    end
  end)

  it("is no other", function()
    for _, given in ipairs { "", "anthropic.com", "api.anthropic.com", "https://notanthropic.com",
                             "https://api-anthropic.com", "https://anthropic.com.example", "https://anthropic.co",
                             "https://anthropic.comx", "https://h/anthropic.com", "https://h/.anthropic.com",
                             "https://h:1.anthropic.com", "https://xanthropic.com:443", "https://", "://anthropic.com",
                             "https://nthropic.com", "https://anthropic.com." } do
      assert.is_false(url.is_vendor(given), given)
    end
  end)
end)

describe("the origin of a URL", function()
  it("is its scheme, host and port, in lower case", function()
    for given, expected in pairs {
      ["https://host"] = "https://host:443",
      ["http://host"] = "http://host:80",
      ["http://host/"] = "http://host:80",
      ["http://host/a:1"] = "http://host:80",
      ["http://host?a"] = "http://host:80",
      ["http://host#a"] = "http://host:80",
      ["http://host?a@b"] = "http://host:80",
      ["http://host:"] = "http://host:80",
      ["http://host:8080/x"] = "http://host:8080",
      ["https://host:80"] = "https://host:80",
      ["HTTPS://Host.Example:443"] = "https://host.example:443",
      ["http://127.0.0.1:8080"] = "http://127.0.0.1:8080",
      ["http://[::1]/"] = "http://[::1]:80",
      ["http://[::1]:81"] = "http://[::1]:81",
      ["ftp://host"] = "ftp://host:",
      ["ftp://host:21"] = "ftp://host:21",
    } do
      assert.equal(expected, url.origin(given), given)
    end
  end)

  it("is missing where the URL has another form", function()
    for _, given in ipairs { "", "host", "/path", "//host", "http:", "http:host", "http:/host", "http://", "http:///x",
                             "http://?", "http://:80", "http://user@host", "http://user:pass@host", "http://a\\b",
                             "http://a b", "http://a\tb", "http://a\nb", "http://a\0b", "http://a\127",
                             " http://host", "h2://host" } do
      assert.is_nil(url.origin(given), given)
    end
  end)

  it("keeps the digits at the end of a host: http://gateway2 is not http://gateway:2", function()
    for given, expected in pairs {
      ["http://gateway2"] = "http://gateway2:80",
      ["http://gateway2:8080"] = "http://gateway2:8080",
      ["http://127.0.0.1/x"] = "http://127.0.0.1:80",
      ["https://10"] = "https://10:443",
    } do
      assert.equal(expected, url.origin(given), given)
    end
    assert.is_nil((url.of("https://gateway2", "https://gateway:2/x")))
    assert.equal("http://127.0.0.1:80/x", url.of("http://127.0.0.1", "http://127.0.0.1:80/x"))
  end)
end)

describe("a reference to a URL", function()
  it("is read from the place where it stands", function()
    for reference, expected in pairs {
      ["http://other/x"] = "http://other/x",
      ["HTTPS://h/x"] = "HTTPS://h/x",
      ["mailto:a@b"] = "mailto:a@b",
      ["//other:1/x?q"] = "http://other:1/x?q",
      ["/x"] = "http://h:8080/x",
      ["/x?a=/b"] = "http://h:8080/x?a=/b",
      ["/x#y"] = "http://h:8080/x",
      ["?q=1"] = "http://h:8080/v1/messages?q=1",
      ["?"] = "http://h:8080/v1/messages?",
      ["x"] = "http://h:8080/v1/x",
      ["x/y:z"] = "http://h:8080/v1/x/y:z",
      ["./x:y"] = "http://h:8080/v1/./x:y",
      ["../x"] = "http://h:8080/v1/../x",
      [""] = "http://h:8080/v1/messages?beta=true&a=/b/c",
      ["#y"] = "http://h:8080/v1/messages?beta=true&a=/b/c",
    } do
      assert.equal(expected, url.resolve("http://h:8080/v1/messages?beta=true&a=/b/c", reference), reference)
    end
    assert.equal("https://h/x", url.resolve("https://h", "x"))
    assert.equal("https://h/?x", url.resolve("https://h/", "?x"))
    assert.equal("https://other", url.resolve("https://h/v1/", "//other"))
  end)
end)

describe("a segment of a path", function()
  it("looks like a token where it is long and has a digit or a capital", function()
    for _, text in ipairs { "abcdefghijklmno1", "abcdefghijklmnoP", "0123456789abcdef", "sk-ant-api03-xyzxyz" } do
      assert.is_true(url.is_token(text))
    end
    for _, text in ipairs { "", "abcdefghijklmn1", "an-anthropic-compatible-gateway", "v1" } do
      assert.is_false(url.is_token(text))
    end
  end)
end)

describe("percent-encoding", function()
  it("leaves the unreserved characters alone", function()
    local unreserved = "ABCXYZabcxyz0189-._~"
    assert.equal(unreserved, url.escape(unreserved))
    assert.equal(1, select("#", url.escape "a b"))
    assert.equal("", url.escape "")
  end)

  it("encodes all other bytes in upper case", function()
    for char, expected in pairs {
      [" "] = "%20", ["%"] = "%25", ["/"] = "%2F", ["?"] = "%3F", ["&"] = "%26", ["="] = "%3D", ["+"] = "%2B",
      ["#"] = "%23", [":"] = "%3A", ["@"] = "%40", ["["] = "%5B", ["]"] = "%5D", ["!"] = "%21", ["*"] = "%2A",
      ["'"] = "%27", ["("] = "%28", [")"] = "%29", [","] = "%2C", ["\0"] = "%00", ["\n"] = "%0A", ["\127"] = "%7F",
      ["\255"] = "%FF", ["é"] = "%C3%A9", ["^"] = "%5E", ["a b%c"] = "a%20b%25c",
    } do
      assert.equal(expected, url.escape(char))
      assert.equal(char, url.unescape(expected))
    end
  end)

  it("is decoded, and what is none is left", function()
    assert.equal("a/b c%", url.unescape "a%2fb%20c%25")
    assert.equal("% %2 %zz %", url.unescape "% %2 %zz %")
    assert.equal(1, select("#", url.unescape "%41"))
  end)
end)

describe("the URL of a request", function()
  it("is the base and the path", function()
    for _, row in ipairs { -- base, path, URL
      { "http://h", "/v1/messages", "http://h/v1/messages" },
      { "http://h", "v1/messages", "http://h/v1/messages" },
      { "http://h/proxy", "/v1/messages", "http://h/proxy/v1/messages" },
      { "http://h", "", "http://h/" },
      { "http://h", "//other/x", "http://h//other/x" },
      { "http://h", "@other/x", "http://h/@other/x" },
      { "http://h", ":1/x", "http://h/:1/x" },
      { "http://h", "/v1/models?limit=2", "http://h/v1/models?limit=2" },
      { "http://h", "/next=http://other/x", "http://h/next=http://other/x" },
    } do
      assert.equal(row[3], url.of(row[1], row[2]))
    end
  end)

  it("names the version once where both name it", function()
    for _, row in ipairs { -- base, path, URL
      { "https://h/v1", "/v1/messages", "https://h/v1/messages" },
      { "https://h/v1", "v1/messages", "https://h/v1/messages" },
      { "https://h:8080/v1", "/v1/models?limit=2", "https://h:8080/v1/models?limit=2" },
      { "https://h/api/v1", "/v1/messages/batches/b/results", "https://h/api/v1/messages/batches/b/results" },
      { "https://h/v1/messages", "/v1/messages", "https://h/v1/messages" },
      { "https://h/v1/messages", "/v1/messages/count_tokens", "https://h/v1/messages/count_tokens" },
      { "https://h/api/v1/messages", "/v1/models", "https://h/api/v1/models" },
      { "https://h/v1/proxy/v1", "/v1/models", "https://h/v1/proxy/v1/models" },
    } do
      assert.equal(row[3], url.of(row[1], row[2]))
    end
  end)

  it("is joined as it is where only one of them names the version", function()
    for _, row in ipairs { -- base, path, URL
      { "https://h/v1", "/projects/p/models/m:rawPredict", "https://h/v1/projects/p/models/m:rawPredict" },
      { "https://h/v1", "/v1beta/models", "https://h/v1/v1beta/models" },
      { "https://h/v1", "/v1", "https://h/v1/v1" },
      { "https://h/v1", "/v1?a=1", "https://h/v1/v1?a=1" },
      { "https://h/v1/messages", "/messages", "https://h/v1/messages/messages" },
      { "https://h/v1beta", "/v1/messages", "https://h/v1beta/v1/messages" },
      { "https://h/xv1", "/v1/messages", "https://h/xv1/v1/messages" },
      { "https://h/V1", "/v1/messages", "https://h/V1/v1/messages" },
      { "https://h/v1/x", "/v1/messages", "https://h/v1/x/v1/messages" },
      { "https://h/messages", "/v1/messages", "https://h/messages/v1/messages" },
      { "https://v1", "/v1/messages", "https://v1/v1/messages" },
      { "https://v1/messages", "/v1/messages", "https://v1/messages/v1/messages" },
    } do
      assert.equal(row[3], url.of(row[1], row[2]))
    end
  end)

  it("has no space, control character or '#' in its path", function()
    for _, path in ipairs { "/a b", "/a\t", "/a\nHost: x", "/\0", "/a\127", "/a#b", "#", " ", "http://h/a b",
                            "http://h/#a", "\r" } do
      assert.equal(("path %q: must not hold spaces, control characters or '#'"):format(path),
        refusal(url.of("http://h", path)))
    end
  end)

  it("may be a whole one of the same host", function()
    for _, row in ipairs { -- base, URL
      { "https://h", "https://h/results" },
      { "https://h/v1", "https://h/results" },
      { "https://h", "https://h:443/results" },
      { "https://h:443", "https://h/results" },
      { "http://h:80", "HTTP://H/results" },
      { "http://h:8080", "http://h:8080/results?a=1" },
      { "https://h", "https://h" },
    } do
      assert.equal(row[2], url.of(row[1], row[2]))
    end
    assert.equal("http://h/x?a=1", url.of("http://h", "http://h/x", { a = 1 }))
  end)

  it("is none of another host: the credential would go along", function()
    for _, path in ipairs { "https://other/x", "http://h/x", "https://h:8443/x", "https://h.other/x",
                            "https://other.h/x", "https://user@h/x", "https://h@other/x", "https://h:443@other/x",
                            "https://h\\@other/x", "https:///x", "https://", "ftp://h/x", "file:///etc/passwd",
                            "https://hh/x" } do
      assert.equal("path: a URL of another host than base_url", refusal(url.of("https://h", path)))
      assert.is_nil((url.of("https://h", path, { a = 1 })))
    end
  end)
end)

describe("a query", function()
  local function query_of(query, path)
    return (url.of("http://h", path or "/p", query):match "^http://h/p(.*)$")
  end

  it("may be missing or empty", function()
    assert.equal("", query_of(nil))
    assert.equal("", query_of {})
    assert.equal("?a=1", query_of({}, "/p?a=1"))
  end)

  it("is sorted by its names", function()
    assert.equal("?a=4&aa=3&b=2&c=1", query_of { c = 1, b = 2, aa = 3, a = 4 })
  end)

  it("follows what the path has of one", function()
    assert.equal("?a=1&b=2", query_of({ b = 2 }, "/p?a=1"))
    assert.equal("?&b=2", query_of({ b = 2 }, "/p?"))
    assert.equal("?b=2&c=3", query_of({ b = 2, c = 3 }))
  end)

  it("says every value as text", function()
    assert.equal("?a=true&b=false&c=0.5&d=x&e=", query_of { a = true, b = false, c = 0.5, d = "x", e = "" })
  end)

  it("repeats the name of a list, with brackets", function()
    assert.equal("?ids%5B%5D=b&ids%5B%5D=a", query_of { ids = { "b", "a" } })
    assert.equal("?ids%5B%5D=1", query_of { ids = { 1 } })
    assert.equal("?a%5B%5D=1&a%5B%5D=2&b=3", query_of { a = { 1, 2 }, b = 3 })
    assert.equal("?a%5B%5D=false&a%5B%5D=true", query_of { a = { false, true } })
  end)

  it("is percent-encoded, names and values", function()
    assert.equal("?a%26b%3D=c%26d%3De", query_of { ["a&b="] = "c&d=e" })
    assert.equal("?a=%20%23%0D%0A%3F%C3%A9", query_of { a = " #\r\n?é" })
    assert.equal("?a%5B%5D=x%20y", query_of { a = { "x y" } })
  end)

  it("says a table's members in brackets, as the vendor's libraries do", function()
    for _, case in ipairs {
      { { created_at = { gte = "2026-01-01", lt = "2026-02-01" } },
        "created_at[gte]=2026-01-01&created_at[lt]=2026-02-01" },
      { { a = { b = { c = { d = 1 } } } }, "a[b][c][d]=1" },
      { { a = { b = true, c = false } }, "a[b]=true&a[c]=false" },
      { { a = { b = { "x", "y" } } }, "a[b][]=x&a[b][]=y" },
      { { a = { "x", { b = { c = { "d", "e" } } } } }, "a[]=x&a[][b][c][]=d&a[][b][c][]=e" },
      { { a = { { 1, 2 }, { 3 } } }, "a[][]=1&a[][]=2&a[][]=3" },
      { { a = json.object { b = 1 }, c = json.array { 1 } }, "a[b]=1&c[]=1" },
      { { a = json.decode '{"b":[1,2.5],"c":"d"}' }, "a[b][]=1&a[b][]=2.5&a[c]=d" },
      { { ["created_at[gte]"] = 1 }, "created_at[gte]=1" }, -- as it stands on the wire
      { { ["ids[]"] = "x" }, "ids[]=x" },
    } do
      assert.equal("?" .. case[2], (query_of(case[1]):gsub("%%5B", "["):gsub("%%5D", "]")))
    end
    assert.equal("?a%5Bb%26%3D%5D=c%26", query_of { a = { ["b&="] = "c&" } })
  end)

  it("says a whole number without a point and an exponent, and any other as it reads back", function()
    for _, case in ipairs {
      { 5, "5" }, { 10 / 2, "5" }, { -3, "-3" }, { 1e15, "1000000000000000" }, { 1e16, "10000000000000000" },
      { 1e20, "100000000000000000000" }, { -2 ^ 53, "-9007199254740992" }, { -0.0, "0" }, { 0.5, "0.5" },
      { 0.1 + 0.2, "0.30000000000000004" }, { 1 / 3, "0.3333333333333333" },
    } do
      assert.equal("?a=" .. case[2], query_of { a = case[1] })
      assert.equal("?a%5B%5D=" .. case[2], query_of { a = { case[1] } })
      assert.equal("?a%5Bb%5D=" .. case[2], query_of { a = { b = case[1] } })
    end
  end)

  it("refuses what it cannot say, with its path", function()
    local function nested(levels)
      local value = "x"
      for _ = 1, levels do
        value = { a = value }
      end
      return value
    end
    local loop = {}
    loop.again = loop
    local UNSAYABLE = {
      { print, "a function" }, { coroutine.create(function() end), "a thread" }, { io.stdout, "a userdata" },
      { json.null, "null" }, { json.raw '"x"', "raw JSON" }, { {}, "an empty table" },
      { json.array {}, "an empty table" }, { json.object {}, "an empty table" },
      { setmetatable({}, { __tostring = function() return "x" end }), "an empty table" },
      { 0 / 0, "a number that is not finite" }, { math.huge, "a number that is not finite" },
      { -math.huge, "a number that is not finite" },
    }
    for _, case in ipairs(UNSAYABLE) do
      local words = ": " .. case[2] .. " cannot be said in a query"
      assert.equal("query.a" .. words, refusal(url.of("http://h", "/p", { a = case[1] })))
      assert.equal("query.a.b" .. words, refusal(url.of("http://h", "/p", { a = { b = case[1] } })))
      assert.equal("query.a[2]" .. words, refusal(url.of("http://h", "/p", { a = { "x", case[1] } })))
    end
    for _, case in ipairs {
      { { ids = { "a", nil, "c" } }, "query.ids[2]: missing" },
      { { ids = { nil, "b" } }, "query.ids[1]: missing" },
      { { a = { ids = { [3] = 1 } } }, "query.a.ids[1]: missing" },
      { { ids = { [1.5] = 1 } }, "query.ids[1]: missing" },
      { { ids = { "a", x = 1 } }, "query.ids: a list expected, got a table with the key x" },
      { { a = { [true] = 1 } }, "query.a: a table of names expected, got the key true" },
      { { "a" }, "query: a table of names expected, got the key 1" },
      { { a = { ["b]"] = 1 } }, 'query.a["b]"]: this name cannot be said in a query' },
      { { a = { ["[b"] = 1 } }, 'query.a["[b"]: this name cannot be said in a query' },
      { { a = { [""] = 1 } }, 'query.a[""]: this name cannot be said in a query' },
      { { [""] = 1 }, 'query[""]: this name cannot be said in a query' },
      { { ["a b"] = { c = print } }, 'query["a b"].c: a function cannot be said in a query' },
    } do
      assert.equal(case[2], refusal(url.of("http://h", "/p", case[1])))
    end
    assert.is_string(query_of(nested(101)))
    assert.matches("^query%.a%.a.*: nested deeper than 100$", refusal(url.of("http://h", "/p", nested(102))))
    assert.matches("^query%.again%.again.*: nested deeper than 100$", refusal(url.of("http://h", "/p", loop)))
    assert.matches("nested deeper than 100$", refusal(url.of("http://h", "/p", { a = { loop, loop } })))
  end)

  it("is a table of names", function()
    for _, case in ipairs {
      { "a=b", "string" }, { 5, "number" }, { true, "boolean" }, { false, "boolean" }, { json.null, "null" },
      { json.raw "{}", "raw JSON" },
    } do
      assert.equal("query: a table of names expected, got " .. case[2], refusal(url.of("http://h", "/p", case[1])))
    end
  end)
end)

describe("a URL that stands for itself", function()
  it("is as it is, without a user name and a password", function()
    for text, expected in pairs {
      ["http://h"] = { "http://h" }, ["HTTPS://h:1/p?q=a@b#f"] = { "HTTPS://h:1/p?q=a@b#f" },
      ["http://u:p@h/x"] = { "http://h/x", "u:p" }, ["http://u@h?x"] = { "http://h?x", "u" },
      ["http://u:p@w@h"] = { "http://h", "u:p@w" }, ["http://[::1]:80/"] = { "http://[::1]:80/" },
      ["http://h/@user"] = { "http://h/@user" }, ["http://h:80/a@b"] = { "http://h:80/a@b" },
      ["http://h:?a@b:c"] = { "http://h:?a@b:c" }, ["http://[::1]#a@b:c"] = { "http://[::1]#a@b:c" },
      ["http://u:1%2F2@h:65535/x:y@z"] = { "http://h:65535/x:y@z", "u:1%2F2" },
    } do
      assert.same(expected, { url.check(text) }, text)
    end
  end)

  it("is refused with words that show no secret", function()
    for text, words in pairs {
      ["h/x"] = 'url "h/x": must begin with http:// or https:// and a host',
      ["ftp://h"] = 'url "ftp://h": must begin with http:// or https:// and a host',
      ["https:///x"] = 'url "https:///x": must begin with http:// or https:// and a host',
      ["http://h/a b"] = 'url "http://h/a b": must not hold spaces, control characters or \'\\\'',
      ["http://h/\0?key=secret"] = "url: must not hold spaces, control characters or '\\'",
      ["http://h\\@other/"] = "url: must not hold spaces, control characters or '\\'",
      ["http://user:secret@/x"] = "url: the host is missing",
      [""] = 'url "": must begin with http:// or https:// and a host',
    } do
      assert.equal(words, refusal(url.check(text)))
    end
  end)

  it("is refused where a password may stand in the place of its port", function()
    for _, text in ipairs {
      "http://user:se/cret@127.0.0.1:1/p", "http://user:se#cret@h", "http://user:s?cret@h/", "http://user:65536/cret@h",
      "http://u:p@user:se/cret@h", "http://h:x/", "http://a:1:2/", "http://::1/", "http://[::1/", "http://[::1]x/",
    } do
      assert.equal("url: a number up to 65535 expected behind the host and its ':'; in a user name or a password "
        .. "write %2F for '/', %23 for '#' and %3F for '?'", refusal(url.check(text)))
    end
  end)
end)
