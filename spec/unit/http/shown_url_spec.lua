-- A URL as it is shown.

local redaction = require "anthropic.http.redaction"
local secrets = require "anthropic.http.secrets"
local shown_url = require "anthropic.http.shown_url"

local TOKEN = "0123456789abcdef0123456789abcdef"

local function shown(text, base, list)
  list = list or secrets.new()
  shown_url.add_base(list, base or "http://h")
  list = shown_url.with_query(list, text)
  local redact = redaction.redactor(list)
  return shown_url.text(text, list, redact), shown_url.pieces(text, list, redact), list
end

describe("a URL", function()
  it("is shown with what is known in its query", function()
    for _, text in ipairs {
      "http://h", "http://h/v1/models", "http://h/v1/x?limit=5&after_id=a&before_id=b%20c&page=x%3D&beta=true",
      "/a?beta", "?",
      "http://h/?", "http://h/?&&limit=&x=&", "http://h/a?limit=1?2",
    } do
      assert.equal(text, (shown(text)))
    end
  end)

  it("has variables for all else", function()
    for text, expected in pairs {
      ["http://h/a?key=k-1&limit=5"] = "http://h/a?key=$KEY&limit=5",
      ["/a?k=1&k=2&k=1"] = "/a?k=$K&k=$K_2&k=$K",
      ["/a?created_at%5Bgte%5D=2024&ids[]=x"] = "/a?created_at%5Bgte%5D=$CREATED_AT_GTE&ids[]=$IDS",
      ["/a?secret"] = "/a?$QUERY", ["/a?secret&limit=5"] = "/a?$QUERY&limit=5",
      ["/a?key=a=b=c"] = "/a?key=$KEY", ["/a?=x"] = "/a?=$MY_", ["/a?LIMIT=5"] = "/a?LIMIT=$LIMIT",
      ["/a?limit[]=5"] = "/a?limit[]=$LIMIT", ["/a?key=x?y"] = "/a?key=$KEY", ["/a?path=x"] = "/a?path=$MY_PATH",
    } do
      assert.equal(expected, (shown(text)))
    end
  end)

  it("has a dollar sign of its own escaped, so that variables are what they look like", function()
    local text, pieces = shown "/a$b?page=$c&key=$d"
    assert.equal("/a%24b?page=%24c&key=$KEY", text)
    assert.same({ "/a$b?page=$c&key=", "KEY", "" }, pieces)
  end)

  it("has a variable for each secret in its path and in what is known", function()
    local list = secrets.new()
    secrets.add(list, "x-team", "blue-and-green")
    local url = "http://h/blue%2Dand-green/blue-and-greenblue-and-green/x?page=blue-and-green"
    local text, pieces = shown(url, nil, list)
    assert.equal("http://h/$X_TEAM/$X_TEAM$X_TEAM/x?page=$X_TEAM", text)
    assert.same({ "http://h/", "X_TEAM", "/", "X_TEAM", "", "X_TEAM", "/x?page=", "X_TEAM", "" }, pieces)
  end)

  it("has one for what looks like a token in the base URL", function()
    for base, expected in pairs {
      ["https://h/v1/" .. TOKEN .. "/gate"] = "https://h/v1/$BASE_URL_TOKEN/gate/x",
      ["https://h/" .. TOKEN .. "/" .. TOKEN:reverse()] = "https://h/$BASE_URL_TOKEN/$BASE_URL_TOKEN_2/x",
      ["https://h/abcdefghijKlmnop"] = "https://h/$BASE_URL_TOKEN/x",
      ["https://h/abcdefghijKlmno"] = "https://h/abcdefghijKlmno/x",
      ["https://h/an-anthropic-compatible-gateway"] = "https://h/an-anthropic-compatible-gateway/x",
      ["https://gateway-0123456789.example"] = "https://gateway-0123456789.example/x",
    } do
      assert.equal(expected, (shown(base .. "/x", base)))
    end
    assert.equal("https://h/" .. TOKEN, (shown("https://h/" .. TOKEN)))
  end)

  it("adds to the secrets of a request only where it has some", function()
    local list = secrets.new()
    assert.equal(list, shown_url.with_query(list, "http://h/a?limit=5&beta&x="))
    local extended = shown_url.with_query(list, "http://h/a?key=a%20b")
    assert.not_equal(list, extended)
    assert.same({ "a%20b", "a b" }, { extended[1], extended[2] })
    assert.equal(0, #list)
  end)
end)

describe("a base URL", function()
  it("is shown without user name, password, query and token", function()
    for base, expected in pairs {
      ["https://h/p"] = "https://h/p", ["http://127.0.0.1:9"] = "http://127.0.0.1:9",
      ["http://[::1]:9/x"] = "http://[::1]:9/x",
      ["http://h/a@b"] = "http://h/a@b", ["http://user:secret@h/p?key=secret"] = "http://h/p",
      ["http://h/p?key=secret"] = "http://h/p", ["http://h/p#secret"] = "http://h/p",
      ["http://us@er:secret@h"] = "http://h",
      ["https://user:sec/ret@h/p"] = "https://h/p", ["https://user:sec?ret@h"] = "https://...",
      ["https://user:secret"] = "https://...", ["secret"] = "...", [""] = "...", ["http:///secret"] = "http:///secret",
      ["ftp://h/" .. TOKEN] = "ftp://h/$BASE_URL_TOKEN",
    } do
      assert.equal(expected, shown_url.of_base(base))
    end
  end)
end)
