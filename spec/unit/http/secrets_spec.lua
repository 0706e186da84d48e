-- What of a request is secret, and the variables that stand for it.

local core = require "anthropic.core"
local headers = require "anthropic.http.headers"
local secrets = require "anthropic.http.secrets"

local function of_headers(fields, credential)
  local set, list = headers.new(), secrets.new()
  assert(headers.set_all(set, fields))
  secrets.add_headers(list, set, credential)
  return list
end

local function of_proxy(text)
  local list = secrets.new()
  secrets.add_proxies(list, text)
  return list
end

local function assert_searched(list, expected)
  for _, secret in ipairs(expected) do
    local found = false
    for _, candidate in ipairs(list) do
      found = found or candidate == secret
    end
    assert.is_true(found, secret)
    assert.truthy(list.variables[secret], secret)
  end
end

describe("a header", function()
  it("carries a credential, by its name", function()
    for _, name in ipairs {
      "Authorization", "X-API-KEY", "api-key", "apikey", "x_api_key", "X-Goog-Api-Key", "Cookie", "key",
      "x-access-token", "X-APIToken", "X-AccessToken", "X-AuthToken", "X-SecretKey", "Authentication", "x-bearer",
      "X-Auth", "cf-aig-authorization", "Ocp-Apim-Subscription-Key", "x-client-secret", "x-amz-security-token",
      "cf-access-jwt-assertion", "X-Signature", "password",
    } do
      assert.is_true(secrets.is_credential(name), name)
    end
  end)

  it("carries none", function()
    for _, name in ipairs {
      "X-Team", "Accept", "Proxy-Authorization", "Idempotency-Key", "X-Idempotency-Key", "x-prompt-cache-key",
      "x-tokens",
      "author", "monkey", "x-keys", "anthropic-version", "", "-", "x-authority", "cookies",
    } do
      assert.is_false(secrets.is_credential(name), name)
    end
  end)

  it("that is known is not secret, every other one is", function()
    local list = of_headers {
      ["Content-Type"] = "application/json", ACCEPT = "text/x-something", ["anthropic-version"] = "2023-06-01",
      ["Anthropic-Beta"] = "some-beta-of-today", ["User-Agent"] = "an-agent/1.0", ["X-Team"] = "blue-and-green",
      ["x-empty"] = "", ["x-removed"] = false, ["Content-Length"] = "0", ["Transfer-Encoding"] = "chunked",
      ["Accept-Encoding"] = "identity", Priority = "i",
    }
    assert.same({ ["x-team"] = { prefix = "", variable = "X_TEAM" } }, list.headers)
    assert.same({ "blue-and-green" }, { list[1], list[2] })
  end)

  it("of an everyday name is not shown, but not looked for in answers", function()
    for _, name in ipairs {
      "accept-language", "cache-control", "connection", "x-request-id", "x-correlation-id", "traceparent",
      "x-forwarded-host",
      "anthropic-user-profile-id", "content-language",
    } do
      local list = of_headers { [name] = "something-of-length" }
      assert.truthy(list.headers[name], name)
      assert.equal(0, #list, name)
    end
    assert.equal(1, #of_headers { ["anthropic-api-key"] = "something-of-length" })
  end)

  it("of an everyday value is not shown, but not looked for in answers", function()
    for _, value in ipairs { "anthropic", "application/json", "text/event-stream", "production" } do
      assert.equal(0, #of_headers { ["x-portkey-provider"] = value }, value)
      assert.equal(1, #of_headers { ["x-token"] = value }, value)
    end
    for _, value in ipairs { "anthropics", "secret/json", "text/a b" } do
      assert.is_true(#of_headers { ["x-portkey-provider"] = value } > 0, value)
    end
  end)

  it("is looked for as a whole, and by what a server may quote alone", function()
    assert_searched(of_headers { authorization = "Bearer sk-1" }, { "Bearer sk-1", "sk-1" })
    assert_searched(of_headers { cookie = 'a=b; session="t1"; c=d,e' }, { 'session="t1"', "a=b", "b", "t1", "d" })
    assert_searched(of_headers { authorization = "basic " .. core.base64 "me:pa:ss" }, { "me:pa:ss", "pa:ss" })
    local list = of_headers { ["x-title"] = "My Application Name, a-token-of-16-characters" }
    assert_searched(list, { "My Application Name, a-token-of-16-characters", "a-token-of-16-characters" })
    assert.equal(2, #list)
    for _, value in ipairs { "Negotiate abc=", "AWS4-HMAC-SHA256 Credential=a/b" } do
      assert.is_nil(of_headers({ authorization = value }).variables[value:match "%S+"])
    end
  end)

  it("with very many words is not looked for by each", function()
    assert.is_true(#of_headers { cookie = ("a=b%d; "):rep(1000) } < 50)
    local words = {}
    for i = 1, 1000 do
      words[i] = "name=value-" .. i
    end
    assert.is_true(#of_headers { cookie = table.concat(words, "; ") } < 50)
  end)

  it("of the library's own has the variable that its credential comes from", function()
    local list = of_headers({ Authorization = "Bearer k" },
      { field = "Authorization", prefix = "Bearer ", variable = "ANTHROPIC_AUTH_TOKEN", value = "k" })
    assert.same({ authorization = { prefix = "Bearer ", variable = "ANTHROPIC_AUTH_TOKEN" } }, list.headers)
    assert.same({ "k", "ANTHROPIC_AUTH_TOKEN" }, { list[1], list.variables.k })
    assert.equal(1, #list)
  end)
end)

describe("a variable", function()
  it("is named after what it stands for", function()
    for name, expected in pairs {
      ["x-team"] = "X_TEAM", key = "KEY", ["created_at[gte]"] = "CREATED_AT_GTE", ["ids[]"] = "IDS",
      ["a.b c"] = "A_B_C",
      ["é"] = "MY_", [""] = "MY_", ["1st"] = "MY_1ST", path = "MY_PATH", Home = "MY_HOME",
      ["http-proxy"] = "MY_HTTP_PROXY",
      ["$(id)"] = "ID", ["a\nb"] = "A_B",
    } do
      assert.equal(expected, secrets.variable_of(secrets.new(), name, "x"))
    end
  end)

  it("is the same for the same value, and another one for another", function()
    local list = secrets.new()
    local named = {}
    for i, value in ipairs { "a", "b", "a", "c", "b" } do
      named[i] = secrets.variable_of(list, i % 2 == 0 and "X-Key" or "x_key", value)
    end
    assert.same({ "X_KEY", "X_KEY_2", "X_KEY", "X_KEY_3", "X_KEY_2" }, named)
  end)
end)

describe("a list of secrets", function()
  it("is copied whole", function()
    local list = of_headers { ["x-team"] = "blue-team" }
    local copied = secrets.copy(list)
    assert.same(list, copied)
    assert.equal("X_TEAM_2", secrets.add(copied, "x-team", "green-team", "green%2Dteam"))
    assert.equal(1, #list)
    assert.equal(3, #copied)
    assert.is_nil(list.variables["green-team"])
    assert.equal("X_TEAM_2", secrets.add(list, "x-team", "red-team"))
  end)
end)

describe("a proxy", function()
  it("has a user name and a password, together and alone, as they are and as Basic encodes them", function()
    assert_searched(of_proxy "http://user:pa%2Fss@host:3128",
      { "user:pa%2Fss", "user:pa/ss", core.base64 "user:pa/ss", "pa/ss", "user", "pa%2Fss" })
    assert_searched(of_proxy "user:a/b:c@d@host", { "a/b:c@d", "a", "b", "c", "d" })
  end)

  it("is secret as a whole where it cannot be read", function()
    assert_searched(of_proxy "host:1:user:pass", { "host:1:user:pass", "user", "pass" })
  end)

  it("has none", function()
    for _, text in ipairs { "http://host:3128", "host", "" } do
      assert.equal(0, #of_proxy(text))
    end
  end)
end)
