-- Tokens of the token endpoint, with answers of the spec's own; spec/behaviour/federation_spec.lua sends them.

local call = require "anthropic.http.call"
local core = require "anthropic.core"
local directories = require "spec.support.directory"
local json = require "anthropic.base.json"
local oauth = require "anthropic.http.oauth"
local service = require "spec.support.service"

describe("the token endpoint", function()
  local run = call.run
  local directory, asked, response

  before_each(function()
    directory, asked = directories.new(), {}
    response = { status = 200, headers = {}, body = '{"access_token":"new","token_type":"Bearer","expires_in":100}' }
    function call.run(request)
      asked[#asked + 1] = request
      return response
    end
    service.environment { ANTHROPIC_IDENTITY_TOKEN = "identity" }
  end)

  after_each(function()
    call.run = run
    service.clear()
    directory:remove()
  end)

  local function federation(fields)
    local config = { type = "oidc_federation", federation_rule_id = "r", organization_id = "o" }
    for name, value in pairs(fields or {}) do
      config[name] = value
    end
    return oauth.source(config, { base_url = "https://h.test", timeout = 7, on_retry = print })
  end

  local function user(kept, fields)
    local path = directory:path "kept.json"
    if kept then
      assert(core.write_private(path, kept))
    end
    local config = { type = "user_oauth", name = "a", client_id = "c", credentials_path = path }
    for name, value in pairs(fields or {}) do
      config[name] = value or nil
    end
    return oauth.source(config, { base_url = "https://h.test" })
  end

  local function kept_token(seconds, refresh)
    return assert(json.encode { access_token = "kept", expires_at = os.time() + seconds, refresh_token = refresh })
  end

  it("exchanges an identity, on the way that the options name", function()
    local began = os.time()
    local token, expires_at = federation({ service_account_id = "s" }).ask(false)
    assert.equal("new", token)
    assert.is_true(expires_at >= began + 100 and expires_at <= os.time() + 100)
    local request = asked[1]
    assert.same({ "https://h.test/v1/oauth/token", "POST", 7 }, { request.url, request.method, request.timeout })
    assert.is_nil(request.on_retry)
    assert.equal("oauth-2025-04-20,oidc-federation-2026-04-01", request.headers["anthropic-beta"])
    assert.same({
      grant_type = "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion = "identity", federation_rule_id = "r",
      organization_id = "o", service_account_id = "s",
    }, json.decode(request.body))
  end)

  it("is beside the API's own paths, however the base URL ends", function()
    for base, url in pairs {
      ["https://h.test/"] = "https://h.test", ["https://h.test/v1"] = "https://h.test",
      [" https://h.test/gateway/v1/messages/"] = "https://h.test/gateway",
    } do
      assert.equal("new", (federation({ base_url = base }).ask(false)))
      assert.equal(url .. "/v1/oauth/token", asked[#asked].url)
    end
  end)

  it("takes an identity of so many bytes, from a file or the environment", function()
    local path = directory:write("identity", " " .. ("x"):rep(16 * 1024) .. "\n")
    assert.equal("new", (federation({ identity_file = path }).ask(false)))
    directory:write("identity", ("x"):rep(16 * 1024 + 1))
    for _, case in ipairs {
      { path, "the identity token is larger than 16 KiB" },
      { directory:write("empty", " \n"), "the file of the identity token is empty" },
      { directory:path "none", "the identity token cannot be read: " .. directory:path "none" .. ": no such file" },
    } do
      local token, err = federation({ identity_file = case[1] }).ask(false)
      assert.is_nil(token)
      assert.equal(case[2], err.message)
    end
    assert.equal(1, #asked)
  end)

  it("is asked over TLS, or on this machine", function()
    for url, is_asked in pairs {
      ["http://h.test"] = false, ["HTTP://h.test"] = false, ["http://localhost.test"] = false,
      ["http://localhost:80"] = true, ["http://LOCALHOST"] = true, ["http://127.0.0.1/x"] = true,
      ["http://[::1]:80"] = true, ["http://[::2]"] = false, ["https://h.test"] = true,
    } do
      local token, err = federation({ base_url = url }).ask(false)
      assert.equal(is_asked, token == "new", url)
      if not is_asked then
        assert.equal("a token is asked for over https alone, or on this machine", err.message)
      end
    end
  end)

  it("refuses in words of its own, and nothing else is quoted", function()
    for body, words in pairs {
      ['{"error":"invalid_grant","error_description":"no rule","secret":"x"}'] = ": invalid_grant: no rule",
      ['{"error":{"secret":1},"error_description":"d"}'] = ": d", secret = "", ["[]"] = "",
    } do
      response = { status = 400, headers = { ["request-id"] = "req" }, body = body }
      local token, err = federation().ask(false)
      assert.is_nil(token)
      assert.same({ "api", 400, "req", "the token endpoint answered 400" .. words },
        { err.kind, err.status, err.request_id, err.message })
    end
    response = { status = 401, headers = {}, body = "{}" }
    assert.matches("; does the federation rule match", select(2, federation().ask(false)).message, 1, true)
  end)

  it("quotes what was sent, which is told to nobody", function()
    service.environment { ANTHROPIC_IDENTITY_TOKEN = "jwt.of.test" }
    response = { status = 400, headers = {},
      body = '{"error":"invalid_grant","error_description":"not valid: jwt.of.test, refresh-of-test"}' }
    local _, of_federation = federation().ask(false)
    local _, of_user = user(kept_token(-5, "refresh-of-test")).ask(false)
    assert.equal("the token endpoint answered 400: invalid_grant: not valid: [redacted], refresh-of-test",
      of_federation.message)
    assert.equal("the token endpoint answered 400: invalid_grant: not valid: jwt.of.test, [redacted]", of_user.message)
  end)

  it("has a bearer token and its seconds in its answer", function()
    for _, body in ipairs {
      "", "[]", '{"access_token":"a"}', '{"expires_in":1}', '{"access_token":7,"expires_in":1}',
      '{"access_token":"a","expires_in":1,"token_type":"mac"}', '{"access_token":"a","expires_in":1e400}',
      '{"access_token":"a","expires_in":-1e400}', '{"access_token":"a","expires_in":"nan"}',
    } do
      response.body = body
      local token, err = federation().ask(false)
      assert.is_nil(token)
      assert.equal("the token endpoint's answer has no bearer token with its expires_in", err.message)
    end
    for _, body in ipairs {
      '{"access_token":"a","expires_in":"1"}', '{"access_token":"a","expires_in":1,"token_type":"BEARER"}',
    } do
      response.body = body
      assert.equal("a", (federation().ask(false)))
    end
  end)

  it("is not asked while what is kept lasts", function()
    assert.equal("kept", (user(kept_token(60)).ask(false)))
    assert.equal("kept", (federation({ credentials_path = directory:path "kept.json" }).ask(false)))
    assert.same({ "kept", math.huge }, { user('{"access_token":"kept"}').ask(false) })
    assert.same({}, asked)
    assert.equal("new", (user(kept_token(30, "r")).ask(false)))
    assert.equal("new", (user(kept_token(1000, "r")).ask(true)))
    assert.equal(2, #asked)
  end)

  it("brings a user another token, and perhaps another refresh token, which are kept", function()
    assert.equal("new", (user(kept_token(0, "old"), {}).ask(false)))
    assert.same({ grant_type = "refresh_token", refresh_token = "old", client_id = "c" }, json.decode(asked[1].body))
    assert.equal("oauth-2025-04-20", asked[1].headers["anthropic-beta"])
    assert.equal(30, asked[1].timeout.total)
    local kept = json.decode(directory:read "kept.json")
    assert.same({ "new", "old", "1.0", "oauth_token" },
      { kept.access_token, kept.refresh_token, kept.version, kept.type })
    assert.equal(tonumber("600", 8), core.file_mode(directory:path "kept.json"))
    response.body = '{"access_token":"newer","expires_in":100,"refresh_token":"second"}'
    assert.equal("newer", (user(kept_token(0, "old")).ask(false)))
    assert.equal("second", json.decode(directory:read "kept.json").refresh_token)
  end)

  it("brings a user a token that is used where the file cannot be replaced, and goes on with what came", function()
    local write, is_writable = core.write_private, false
    finally(function() core.write_private = write end)
    local source = user(kept_token(1000, "r0"))
    function core.write_private(...)
      if is_writable then
        return write(...)
      end
      return nil, "read-only"
    end
    local function answer(token, refresh)
      response.body = json.encode { access_token = token, expires_in = 100, refresh_token = refresh }
    end
    answer("one", "r1")
    assert.equal("one", (source.ask(true)))
    assert.equal("one", (source.ask(false))) -- the file's was refused
    assert.equal(1, #asked)
    answer("two", "r2")
    assert.equal("two", (source.ask(true)))
    answer "three"
    assert.equal("three", (source.ask(true)))
    assert.equal("r0", json.decode(directory:read "kept.json").refresh_token)
    is_writable = true
    assert.equal("three", (source.ask(true)))
    assert.same({ "three", "r2" }, { json.decode(directory:read "kept.json").access_token,
      json.decode(directory:read "kept.json").refresh_token })
    is_writable = false
    answer("four", "r4")
    assert.equal("four", (source.ask(true)))
    write(directory:path "kept.json", kept_token(1000, "of another login"))
    assert.equal("kept", (source.ask(false)))
    assert.equal("four", (source.ask(true)))
    local sent = {}
    for i, request in ipairs(asked) do
      sent[i] = json.decode(request.body).refresh_token
    end
    assert.same({ "r0", "r1", "r2", "r2", "r2", "of another login" }, sent)
  end)

  -- What another process keeps while the endpoint is asked, whose answer is `answer`.
  local function meanwhile(kept, answer)
    function call.run(request)
      asked[#asked + 1] = request
      assert(core.write_private(directory:path "kept.json", json.encode(kept)))
      return answer or response
    end
  end

  it("is not believed that a refresh token is used up, where another process has kept what it got", function()
    local refused = { status = 400, headers = {}, body = '{"error":"invalid_grant"}' }
    local source = user(kept_token(0, "r1"))
    local ends = os.time() + 1000
    meanwhile({ access_token = "other's", expires_at = ends, refresh_token = "r2" }, refused)
    assert.same({ "other's", ends }, { source.ask(false) })
    for _, kept in ipairs { { access_token = "kept" }, { access_token = "other's", expires_at = 1 } } do
      source = user(kept_token(0, "r1"))
      kept.refresh_token = "r1"
      meanwhile(kept, refused)
      assert.equal("the token endpoint answered 400: invalid_grant", select(2, source.ask(false)).message)
    end
    assert.equal(3, #asked)
  end)

  it("brings no token in the place of another login's", function()
    local source = user(kept_token(0, "r1"))
    meanwhile { access_token = "of a login", expires_at = os.time() + 1000, refresh_token = "r9" }
    assert.equal("of a login", (source.ask(false)))
    assert.equal("r9", json.decode(directory:read "kept.json").refresh_token)
    source = user(kept_token(0, "r1"))
    meanwhile { access_token = "of a login", expires_at = 1, refresh_token = "r9" }
    assert.equal("new", (source.ask(false)))
    assert.equal("r9", json.decode(directory:read "kept.json").refresh_token)
  end)

  it("brings no file back that a logout has removed", function()
    local source = user(kept_token(0, "r1"))
    function call.run()
      os.remove(directory:path "kept.json")
      return response
    end
    assert.equal("new", (source.ask(false)))
    assert.same({}, directory:names())
    assert.matches("there is no such file: log in first", select(2, source.ask(false)).message)
  end)

  it("is not asked after a refusal where another process has kept another token since", function()
    for _, fields in ipairs { {}, { client_id = false } } do
      local source = user(kept_token(1000, "r1"), fields)
      assert.equal("kept", (source.ask(false)))
      user('{"access_token":"rotated\\n","refresh_token":"r2"}')
      assert.equal("rotated\n", (source.ask(true)))
      assert.same({}, asked)
      if fields.client_id == nil then
        assert.equal("new", (source.ask(true)))
        asked = {}
      end
    end
  end)

  it("leaves what else stands beside a kept token as it is", function()
    local more = '"w":[],"x":{},"y":null,"z":12345678901234567890}'
    user('{"expires_at":1,"refresh_token":"old",' .. more).ask(false)
    local kept = directory:read "kept.json"
    assert.matches('"access_token":"new"', kept, 1, true)
    assert.equal(more, kept:sub(-#more))
  end)

  it("keeps the token of a workload, too, where it can", function()
    local path = directory:path "sub/kept.json"
    assert.equal("new", (federation({ credentials_path = path }).ask(false)))
    assert.equal("new", json.decode(directory:read "sub/kept.json").access_token)
    assert.equal("new", (federation({ credentials_path = "/nowhere/a/b/c" }).ask(false)))
  end)

  it("is not asked where nothing brings another token, or others may read it", function()
    local path = directory:path "kept.json"
    local ended = path .. ": its token has ended, and nothing in it brings another: log in again"
    assert.equal(path .. ": there is no such file: log in first", select(2, user().ask(false)).message)
    for _, kept in ipairs { kept_token(0), kept_token(0, ""), '{"access_token":"","refresh_token":7}' } do
      assert.equal(ended, select(2, user(kept).ask(false)).message)
    end
    assert.equal(ended, select(2, user(kept_token(0, "r"), { client_id = false }).ask(false)).message)
    for _, mode in ipairs { "640", "604", "601" } do
      user(kept_token(100))
      directory:run("chmod " .. mode .. " kept.json")
      local words = ("%s: others may read or write it (run: chmod 600 %s)"):format(path, path)
      assert.equal(words, select(2, user().ask(false)).message)
      assert.equal(words, select(2, federation({ credentials_path = path }).ask(false)).message)
    end
    assert.same({}, asked)
  end)

  it("is named by the profile", function()
    assert.equal('the profile "a"', user().name)
    assert.equal("workload identity federation", federation().name)
  end)
end)
