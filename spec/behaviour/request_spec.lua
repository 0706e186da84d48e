-- What goes over the wire: body, headers, credential, URL; and what is refused before it.

local anthropic = require "anthropic"
local loop = require "anthropic.loop"
local options = require "anthropic.http.options"
local raw_client = require "spec.support.raw_client"
local request = require "anthropic.http.request"
local service = require "spec.support.service"
local testing = require "anthropic.testing"

local KEY = service.KEY
local header = service.header
local params = service.params

-- The requests of one call with these options and parameters.
local function sent(client_options, given, request_options)
  local server = service.serve(testing.message { text = "Hello!" })
  local client = service.client(server, client_options)
  local message, err = client.messages.create(params(given), request_options)
  return server:requests()[1], err, message, server
end

-- The header lines that one attempt would have, by lower-case name; nothing is sent.
local function built(given, request_given)
  local resolved = options.of_request(options.of_client(given), request_given)
  local wire, err = request.builder(resolved) { method = "POST", path = "/v1/messages", body = "{}" }
  if not wire then
    return nil, err
  end
  local fields = {}
  for _, line in ipairs(wire.headers) do
    local name, value = line:match "^([^:;]+): (.+)$"
    if name then -- not one that is removed or empty
      fields[name:lower()] = value
    end
  end
  return fields, wire
end

-- The credentials in a set of fields, as "name: value" each.
local function credentials(fields)
  local found = {}
  for _, name in ipairs { "authorization", "x-api-key" } do
    if fields[name] then
      found[#found + 1] = name .. ": " .. fields[name]
    end
  end
  return found
end

describe("a request", function()
  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  describe("of the gateway's page", function()
    local page = {
      model = "claude-sonnet-4-20250514",
      system = "你是一个名叫小明的助手。",
      messages = { { role = "user", content = "Hello!" } },
      stream = true,
      max_tokens = 8000,
      thinking = { type = "enabled", budget_tokens = 1200 },
    }

    it("goes out as documented", function()
      local server = service.serve(testing.stream { thinking = "Hm.", text = "Hello!" })
      local stream = assert(service.client(server).messages.create(page))
      assert.equal("Hello!", assert(stream:message()):text())
      local got = server:requests()[1]
      assert.equal("POST", got.method)
      assert.equal("/v1/messages", got.target)
      assert.equal("Bearer " .. KEY, header(got, "Authorization"))
      assert.equal("application/json", header(got, "Content-Type"))
      assert.equal("application/json", header(got, "Accept"))
      assert.is_nil(header(got, "x-api-key"))
      assert.equal('{"max_tokens":8000,"messages":[{"content":"Hello!","role":"user"}],'
        .. '"model":"claude-sonnet-4-20250514","stream":true,"system":"你是一个名叫小明的助手。",'
        .. '"thinking":{"budget_tokens":1200,"type":"enabled"}}', got.body)
    end)

    it("takes every field of the page's table as given", function()
      local got = sent(nil, {
        temperature = 0.2,
        top_p = 0.1,
        n = 2,
        stream = false,
        stop = "END",
        presence_penalty = -2.0,
        frequency_penalty = 0.5,
        logit_bias = { ["50256"] = -100 },
        user = "user-1",
        response_format = { type = "json_object" },
        seen = 7,
        tools = { { type = "function", ["function"] = { name = "weather" } } },
        tool_choice = { type = "function", ["function"] = { name = "weather" } },
        system = "Be brief.",
        a_field_of_tomorrow = { deep = { true, false, anthropic.null } },
      })
      local body = anthropic.decode(got.body)
      assert.equal(0.2, body.temperature)
      assert.equal(0.1, body.top_p)
      assert.equal(2, body.n)
      assert.is_false(body.stream)
      assert.equal("END", body.stop)
      assert.equal(-2, body.presence_penalty)
      assert.equal(0.5, body.frequency_penalty)
      assert.equal("user-1", body.user)
      assert.equal("json_object", body.response_format.type)
      assert.equal(7, body.seen)
      assert.equal("weather", body.tools[1]["function"].name)
      assert.equal("weather", body.tool_choice["function"].name)
      assert.equal("Be brief.", body.system)
      assert.truthy(got.body:find('"logit_bias":{"50256":-100}', 1, true))
      assert.truthy(got.body:find('"a_field_of_tomorrow":{"deep":[true,false,null]}', 1, true))
    end)

    it("sends what the page allows besides: lists, null, words", function()
      local got = sent(nil, {
        stop = { "a", "b", "c", "d" },
        logit_bias = anthropic.null,
        tools = {},
        tool_choice = "none",
      })
      for _, part in ipairs {
        '"stop":["a","b","c","d"]', '"logit_bias":null', '"tools":[]', '"tool_choice":"none"',
      } do
        assert.truthy(got.body:find(part, 1, true), part .. " in " .. got.body)
      end
    end)

    it("adds nothing to the body", function()
      local got = sent(nil, { max_tokens = false })
      assert.equal('{"max_tokens":false,"messages":[{"content":"Hello","role":"user"}],"model":"claude-test"}',
        got.body)
    end)
  end)

  describe("carries exactly one credential:", function()
    local LOCAL, VENDOR = "http://127.0.0.1:1", "https://api.anthropic.com"
    local cases = {
      { "a key, another host", { api_key = KEY }, {}, "authorization: Bearer " .. KEY },
      { "a key, the vendor's host", { api_key = KEY, base_url = VENDOR }, {}, "x-api-key: " .. KEY },
      { "a key, the vendor's host by default", { api_key = KEY, base_url = false }, {}, "x-api-key: " .. KEY },
      { "a key, the vendor's host in capitals", { api_key = KEY, base_url = "HTTPS://API.Anthropic.COM:443/x" }, {},
        "x-api-key: " .. KEY },
      { "a key, a host that begins like the vendor's",
        { api_key = KEY, base_url = "https://api.anthropic.com.example.org" }, {}, "authorization: Bearer " .. KEY },
      { "a key, a host that ends like the vendor's", { api_key = KEY, base_url = "https://notanthropic.com" }, {},
        "authorization: Bearer " .. KEY },
      { "a key, the vendor's name in the path", { api_key = KEY, base_url = "https://example.org/api.anthropic.com" },
        {}, "authorization: Bearer " .. KEY },
      { "a token", { auth_token = KEY }, {}, "authorization: Bearer " .. KEY },
      { "a token, the vendor's host", { auth_token = KEY, base_url = VENDOR }, {}, "authorization: Bearer " .. KEY },
      { "the environment's key", {}, { API_KEY = KEY }, "authorization: Bearer " .. KEY },
      { "the environment's key, the vendor's host", { base_url = VENDOR }, { API_KEY = KEY }, "x-api-key: " .. KEY },
      { "the environment's token", { base_url = VENDOR }, { AUTH_TOKEN = KEY }, "authorization: Bearer " .. KEY },
      { "the environment's key and token", { base_url = VENDOR }, { API_KEY = KEY, AUTH_TOKEN = "token" },
        "x-api-key: " .. KEY },
      { "a key over the environment's key", { api_key = KEY }, { API_KEY = "other" }, "authorization: Bearer " .. KEY },
      { "a key over the environment's token", { api_key = KEY, base_url = VENDOR }, { AUTH_TOKEN = "other" },
        "x-api-key: " .. KEY },
      { "a token over the environment's key", { auth_token = KEY, base_url = VENDOR }, { API_KEY = "other" },
        "authorization: Bearer " .. KEY },
      { "a token over both of the environment", { auth_token = KEY }, { API_KEY = "other", AUTH_TOKEN = "another" },
        "authorization: Bearer " .. KEY },
      { "a blank key in the environment", {}, { API_KEY = " ", AUTH_TOKEN = KEY }, "authorization: Bearer " .. KEY },
      { "a key written as a header's value", { api_key = "Bearer " .. KEY }, {}, "authorization: Bearer " .. KEY },
      { "such a key, the vendor's host", { api_key = "bearer  " .. KEY .. "\n", base_url = VENDOR }, {},
        "x-api-key: " .. KEY },
      { "such a token", { auth_token = " BEARER " .. KEY }, {}, "authorization: Bearer " .. KEY },
      { "such a key from a function", { api_key = function() return "Bearer\t" .. KEY end }, {},
        "authorization: Bearer " .. KEY },
      { "such a key in the environment", {}, { API_KEY = "Bearer " .. KEY .. " \n" }, "authorization: Bearer " .. KEY },
      { "such a token in the environment", {}, { AUTH_TOKEN = "Bearer " .. KEY }, "authorization: Bearer " .. KEY },
      { "a line end after a key", { api_key = KEY .. "\n" }, {}, "authorization: Bearer " .. KEY },
      { "blanks around the environment's key", {}, { API_KEY = " " .. KEY .. "\n" }, "authorization: Bearer " .. KEY },
      { "auth = x-api-key", { api_key = KEY, auth = "x-api-key" }, {}, "x-api-key: " .. KEY },
      { "auth = bearer", { api_key = KEY, auth = "bearer", base_url = VENDOR }, {}, "authorization: Bearer " .. KEY },
      { "auth = x-api-key with a token", { auth_token = KEY, auth = "x-api-key" }, {},
        "authorization: Bearer " .. KEY },
      { "a function", { api_key = function() return KEY end }, {}, "authorization: Bearer " .. KEY },
      { "an Authorization header of one's own", { api_key = "other", headers = { Authorization = "Basic abc" } }, {},
        "authorization: Basic abc" },
      { "an x-api-key header of one's own", { api_key = "other", headers = { ["X-API-Key"] = "own" } }, {},
        "x-api-key: own" },
      { "a header of one's own and no key", { headers = { authorization = "Basic abc" } }, {},
        "authorization: Basic abc" },
      { "a header in the environment", { api_key = "other" }, { CUSTOM_HEADERS = "Authorization: Basic abc" },
        "authorization: Basic abc" },
      { "false for the other header", { api_key = KEY, headers = { ["x-api-key"] = false } }, {},
        "authorization: Bearer " .. KEY },
    }
    for _, case in ipairs(cases) do
      local name, given, variables, expected = case[1], case[2], case[3], case[4]
      it(name, function()
        local environment = {}
        for variable, value in pairs(variables) do
          environment["ANTHROPIC_" .. variable] = value
        end
        service.environment(environment)
        local all = { base_url = LOCAL }
        for option, value in pairs(given) do
          all[option] = value or nil
        end
        if given.base_url == false then
          all.base_url = nil
        end
        assert.same({ expected }, credentials((assert(built(all)))))
      end)
    end

    it("a credential of the request's options over the client's of the other form", function()
      local with_key = built({ auth_token = "other", base_url = VENDOR }, { api_key = KEY })
      assert.same({ "x-api-key: " .. KEY }, credentials(with_key))
      local with_token = built({ api_key = "other", base_url = VENDOR }, { auth_token = KEY })
      assert.same({ "authorization: Bearer " .. KEY }, credentials(with_token))
    end)

    it("on the wire too", function()
      local server = service.serve(testing.message { text = "Hello!" })
      for _, given in ipairs { { api_key = KEY }, { auth_token = KEY }, { api_key = KEY, auth = "bearer" } } do
        assert(service.client(server, given).messages.create(params()))
      end
      assert(service.client(server, { auth = "x-api-key" }).messages.create(params()))
      for i, got in ipairs(server:requests()) do
        assert.equal(i < 4 and "Bearer " .. KEY or nil, header(got, "Authorization"))
        assert.equal(i == 4 and KEY or nil, header(got, "x-api-key"))
      end
      assert.equal(4, #server:requests())
    end)

    it("none where its header is set to false", function()
      local got, err = sent { headers = { Authorization = false } }
      assert.is_nil(err)
      assert.is_nil(header(got, "Authorization"))
      assert.is_nil(header(got, "x-api-key"))
      assert.same({}, credentials((assert(built { base_url = LOCAL, headers = { authorization = false } }))))
    end)

    it("none at all is refused, naming the ways to give one", function()
      local got, err = sent { api_key = false }
      assert.is_nil(got)
      assert.equal("invalid_request", err.kind)
      assert.matches("ANTHROPIC_API_KEY", err.message)
      assert.matches("auth_token", err.message)
    end)

    it("a key that is empty or has a line break inside is refused without showing it", function()
      for _, key in ipairs { "", "  ", KEY .. "\nX-Evil: 1", KEY .. "\0" } do
        local got, err = sent { api_key = key }
        assert.is_nil(got)
        assert.equal("invalid_request", err.kind)
        assert.matches("^api_key", err.message)
        assert.is_nil(tostring(err):find(KEY, 1, true))
      end
    end)

    it("both forms as options raise", function()
      assert.has_error(function()
        anthropic.new { api_key = KEY, auth_token = KEY }
      end, "options api_key and auth_token exclude each other")
    end)
  end)

  describe("with a function for its key", function()
    it("asks it anew for each attempt", function()
      local server = service.serve {
        { status = 500, headers = { ["retry-after-ms"] = 1 } },
        testing.message { text = "Hello!" },
      }
      local calls = 0
      local client = service.client(server, {
        max_retries = 2,
        api_key = function()
          calls = calls + 1
          return "key-number-" .. calls
        end,
      })
      assert(client.messages.create(params()))
      assert.equal("Bearer key-number-1", header(server:requests()[1], "Authorization"))
      assert.equal("Bearer key-number-2", header(server:requests()[2], "Authorization"))
    end)

    it("gives its error on", function()
      local got, err = sent { api_key = function() return nil, "the vault is locked" end }
      assert.is_nil(got)
      assert.equal("invalid_request", err.kind)
      assert.matches("api_key: .*the vault is locked", err.message)
    end)

    it("refuses what is no string", function()
      local got, err = sent { auth_token = function() return 42 end }
      assert.is_nil(got)
      assert.equal("auth_token: string expected, got number", err.message)
    end)
  end)

  describe("has headers that", function()
    it("are replaced regardless of case, the request's over the client's", function()
      local got = sent(
        { headers = { ["X-One"] = "client", ["x-two"] = "client", ["ANTHROPIC-VERSION"] = "2099-01-01" } },
        nil,
        { headers = { ["x-one"] = "request", accept = "text/plain" } }
      )
      assert.equal("request", header(got, "X-One"))
      assert.equal("client", header(got, "X-Two"))
      assert.equal("2099-01-01", header(got, "anthropic-version"))
      assert.equal("text/plain", header(got, "Accept"))
    end)

    it("are removed by false, and come back in a single request", function()
      local server = service.serve(testing.message { text = "Hello!" })
      local client = service.client(server, {
        headers = { ["User-Agent"] = false, Accept = false, ["content-type"] = false, ["Anthropic-Version"] = false },
      })
      assert(client.messages.create(params()))
      assert(client.messages.create(params(), { headers = { accept = "application/json", ["x-one"] = "1" } }))
      local first, second = server:requests()[1], server:requests()[2]
      for _, name in ipairs { "User-Agent", "Accept", "Content-Type", "anthropic-version" } do
        assert.is_nil(header(first, name), name)
      end
      assert.equal("application/json", header(second, "Accept"))
      assert.equal("1", header(second, "X-One"))
    end)

    it("are of their own request only, whatever was sent before and after", function()
      local server = service.serve(testing.message { text = "Hello!" })
      local client = service.client(server, { headers = { ["X-All"] = "1" } })
      local calls = {
        {},
        { { betas = { "one" } } },
        { { user_profile_id = "u" } },
        { nil, { headers = { ["X-All"] = "2", ["X-Own"] = "3" } } },
        { nil, { api_key = "sk-another-0123456789" } },
        { nil, { betas = { "two" } } },
        {},
      }
      for _, call in ipairs(calls) do
        assert(client.messages.create(params(call[1]), call[2]))
      end
      local seen = {}
      for i, one in ipairs(server:requests()) do
        seen[i] = {
          header(one, "X-All"), header(one, "X-Own") or "", header(one, "anthropic-beta") or "",
          header(one, "anthropic-user-profile-id") or "", header(one, "Authorization"),
        }
      end
      local key = "Bearer " .. KEY
      assert.same({
        { "1", "", "", "", key },
        { "1", "", "one", "", key },
        { "1", "", "", "u", key },
        { "2", "3", "", "", key },
        { "1", "", "", "", "Bearer sk-another-0123456789" },
        { "1", "", "two", "", key },
        { "1", "", "", "", key },
      }, seen)
    end)

    it("are the client's as they were when it was made", function()
      local server = service.serve(testing.message { text = "Hello!" })
      local given = { headers = { ["X-All"] = "1" }, betas = { "one" }, timeout = { idle = 9 } }
      local client = service.client(server, given)
      given.headers["X-All"], given.headers["X-More"], given.betas[1] = "2", "3", "two"
      for _ = 1, 2 do
        assert(client.messages.create(params()))
        given.headers["X-All"] = "4"
      end
      for _, one in ipairs(server:requests()) do
        assert.equal("1", header(one, "X-All"))
        assert.is_nil(header(one, "X-More"))
        assert.equal("one", header(one, "anthropic-beta"))
      end
    end)

    it("may be empty, numbers, and surrounded by blanks", function()
      local got = sent { headers = { ["x-empty"] = "", ["x-number"] = 5, ["x-blank"] = "  a b\t" } }
      assert.equal("", header(got, "x-empty"))
      assert.equal("5", header(got, "x-number"))
      assert.equal("a b", header(got, "x-blank"))
    end)

    it("come from ANTHROPIC_CUSTOM_HEADERS, under the options' own", function()
      service.environment {
        ANTHROPIC_CUSTOM_HEADERS = "X-One: 1\r\n  X-Two :  two: colons  \n\nno colon\n: no name\nX-Three: environment",
      }
      local got = sent { headers = { ["x-three"] = "option" } }
      assert.equal("1", header(got, "X-One"))
      assert.equal("two: colons", header(got, "X-Two"))
      assert.equal("option", header(got, "X-Three"))
    end)

    it("never hold a line break or NUL, nor a bad name or type: nothing is sent", function()
      for _, case in ipairs {
        { { ["x-one"] = "a\r\nX-Evil: 1" }, 'headers["x-one"]: must not contain a line break or NUL' },
        { { ["x-one"] = "a\nb" }, 'headers["x-one"]: must not contain a line break or NUL' },
        { { ["x-one"] = "a\0b" }, 'headers["x-one"]: must not contain a line break or NUL' },
        { { ["Content-Length"] = 3 }, 'headers["content-length"]: must be left out: the body\'s own is sent' },
        { { ["x one"] = "a" }, 'headers["x one"]: not a header name' },
        { { ["x:one"] = "a" }, 'headers["x:one"]: not a header name' },
        { { [""] = "a" }, 'headers[""]: not a header name' },
        { { ["é"] = "a" }, 'headers["é"]: not a header name' },
        { { "X-One: 1" }, 'headers["1"]: not a header name' },
        { { ["x-one"] = {} }, 'headers["x-one"]: string expected, got table' },
        { { ["x-one"] = true }, 'headers["x-one"]: string expected, got boolean' },
      } do
        local got, err = sent { headers = case[1] }
        assert.is_nil(got)
        assert.equal("invalid_request", err.kind)
        assert.equal(case[2], err.message)
        got, err = sent(nil, nil, { headers = case[1] })
        assert.is_nil(got)
        assert.equal(case[2], err.message)
      end
    end)

    it("merge the betas of client, request and parameters into one", function()
      local got = sent({ betas = { "one", "two" } }, { betas = { "three", "one" } }, { betas = { "two", "four" } })
      assert.equal("one,two,four,three", header(got, "anthropic-beta"))
      assert.is_nil(got.body:find "betas")
      assert.is_nil(header(sent(), "anthropic-beta"))
    end)

    it("refuse betas that are no list of strings", function()
      for _, betas in ipairs { "one", 1, { {} }, { "a\nb" } } do
        local got, err = sent(nil, { betas = betas })
        assert.is_nil(got)
        assert.equal("invalid_request", err.kind)
        assert.matches("beta", err.message)
      end
    end)

    it("carry user_profile_id and workspace_id, which leave the body", function()
      local got = sent(nil, { user_profile_id = "profile-1", workspace_id = "workspace-1" })
      assert.equal("profile-1", header(got, "anthropic-user-profile-id"))
      assert.equal("workspace-1", header(got, "anthropic-workspace-id"))
      assert.is_nil(got.body:find "_id")
    end)
  end)

  describe("goes to a base URL", function()
    it("with and without a slash at the end, with a prefix", function()
      local server = service.serve(testing.message { text = "Hello!" })
      for _, suffix in ipairs { "", "/", "//", "/relay/v2", "/relay/v2/" } do
        assert(service.client(server, { base_url = server.url .. suffix }).messages.create(params()))
      end
      local paths = {}
      for i, got in ipairs(server:requests()) do
        paths[i] = got.target
      end
      assert.same({ "/v1/messages", "/v1/messages", "/v1/messages", "/relay/v2/v1/messages", "/relay/v2/v1/messages" },
        paths)
    end)

    it("that names the API's version, or the endpoint, and has blanks around it", function()
      local server = service.serve(testing.message { text = "Hello!" })
      for _, suffix in ipairs { "/v1", "/v1/", "/v1//  ", "/v1/messages", "/v1/messages/\n" } do
        local client = service.client(server, { base_url = " " .. server.url .. "/api" .. suffix })
        assert(client.messages.create(params()))
        client:request { path = "/v1/models" }
        client:request { path = "/projects/p" }
      end
      for i, got in ipairs(server:requests()) do
        local base = i > 9 and "/api/v1/messages" or "/api/v1"
        assert.equal(({ "/api/v1/messages", "/api/v1/models", base .. "/projects/p" })[(i - 1) % 3 + 1], got.target)
      end
      assert.equal(15, #server:requests())
    end)

    it("that ends in something like the version", function()
      local server = service.serve(testing.message { text = "Hello!" })
      for i, suffix in ipairs { "/v1beta", "/xv1", "/v1/x" } do
        assert(service.client(server, { base_url = server.url .. suffix }).messages.create(params()))
        assert.equal(suffix .. "/v1/messages", server:requests()[i].target)
      end
    end)

    it("of the environment, unless blank or given as an option", function()
      local server = service.serve(testing.message { text = "Hello!" })
      service.environment { ANTHROPIC_BASE_URL = " " .. server.url .. "/ " }
      assert(anthropic.new { api_key = KEY }.messages.create(params()))
      assert.equal(1, #server:requests())
      service.environment { ANTHROPIC_BASE_URL = "http://127.0.0.1:1" }
      assert(service.client(server).messages.create(params()))
      service.environment { ANTHROPIC_BASE_URL = "  " }
      assert.equal("anthropic.Client (https://api.anthropic.com)", tostring(anthropic.new()))
    end)

    it("of a single request", function()
      local server = service.serve(testing.message { text = "Hello!" })
      assert(anthropic.new { api_key = KEY }.messages.create(params(), { base_url = server.url .. "/once" }))
      assert.equal("/once/v1/messages", server:requests()[1].target)
    end)

    it("that is refused where it is none", function()
      for _, url in ipairs {
        "", "127.0.0.1", "localhost:80", "ftp://127.0.0.1", "file:///etc/passwd", "http://", "http:///path", "//host",
        "http://127.0.0.1/?a=1", "http://127.0.0.1/#a", "http://127.0.0.1/a b", "http://127.0.0.1\r\nX: 1",
        "http://127.0.0.1\\@example.org", "http://127.0.0.1/\0",
      } do
        local message, err = service.client(nil, { base_url = url }).messages.create(params())
        assert.is_nil(message)
        assert.equal("invalid_request", err.kind)
        assert.matches("^base_url", err.message)
        assert.equal(0, err.attempts)
        assert.is_nil(tostring(err):find("[\r\n]"))
      end
    end)

    it("that holds no credential, and none is shown", function()
      for _, url in ipairs {
        "http://me:open-sesame@127.0.0.1", "http://open-sesame@127.0.0.1", "me:open-sesame@127.0.0.1",
        "ftp://me:open-sesame@127.0.0.1", "http:///me:open-sesame@127.0.0.1", "http://127.0.0.1/?key=open-sesame",
      } do
        local client = service.client(nil, { base_url = url })
        local message, err = client.messages.create(params())
        assert.is_nil(message)
        assert.equal("invalid_request", err.kind)
        assert.is_nil(tostring(err):find("open-sesame", 1, true), tostring(err))
        assert.is_nil(tostring(client):find("open-sesame", 1, true), tostring(client))
      end
    end)
  end)

  describe("has options", function()
    it("whose unknown names raise and name the nearest", function()
      for name, nearest in pairs {
        apikey = "api_key", timeouts = "timeout", base_uri = "base_url", max_retry = "max_retries",
        header = "headers", onretry = "on_retry",
      } do
        local expected = ("unknown option %q; did you mean %q?"):format(name, nearest)
        local ok, message = pcall(anthropic.new, { [name] = 1 })
        assert.is_false(ok)
        assert.truthy(message:find(expected, 1, true), message)
        local client = anthropic.new { api_key = KEY }
        ok, message = pcall(client.messages.create, params(), { [name] = 1 })
        assert.is_false(ok)
        assert.truthy(message:find(expected, 1, true), message)
      end
    end)

    it("whose wrong values raise and name the right ones", function()
      for name, values in pairs {
        api_key = { 1, true, {} },
        auth_token = { 1 },
        auth = { "basic", 1 },
        base_url = { 1, {} },
        api_version = { 20230601 },
        betas = { "one", { 1 }, { a = "b" } },
        headers = { "X: 1", 1 },
        max_retries = { -1, 1.5, "2", math.huge, 0 / 0 },
        timeout = { 0, -1, "5", 0 / 0, { conect = 1 }, { idle = 0 }, { idle = "1" }, { idle = true } },
        proxy = { 1 },
        ca_file = { true },
        ca_path = { 1 },
        insecure = { "yes", 1 },
        http_version = { "3", 2 },
        max_event_bytes = { 0, -1, "1" },
        max_response_bytes = { 0, "1" },
        max_download_bytes = { 0, "1" },
        loop = { "epoll", 1 },
        on_retry = { "f", {} },
        on_log = { "f", {} },
      } do
        for _, value in ipairs(values) do
          local ok, message = pcall(anthropic.new, { [name] = value })
          assert.is_false(ok, name .. " = " .. tostring(value))
          assert.truthy(message:find(("option %q: "):format(name), 1, true), message)
        end
      end
    end)

    it("that go to libcurl as one line, else raise without showing a password", function()
      for _, name in ipairs { "proxy", "ca_file", "ca_path" } do
        for _, value in ipairs { "http://user:hidden@host\r\nX-Evil: 1", "hidden\0", "hidden\n" } do
          local ok, message = pcall(anthropic.new, { api_key = KEY, [name] = value })
          assert.is_false(ok)
          assert.matches(name, message)
          assert.matches(name == "proxy" and "a line of text" or "a path", message)
          assert.is_nil(name == "proxy" and message:find("hidden", 1, true) or nil)
        end
      end
    end)

    it("that are a table, else raise", function()
      assert.has_error(function() anthropic.new "key" end)
      local client = service.client(nil, { base_url = "http://127.0.0.1:1" })
      assert.has_error(function() client.messages.create(params(), "options") end)
      assert.has_error(function() client.messages.create "Hello" end)
      assert.has_error(function() client.messages.create() end)
    end)

    it("blames the caller's line", function()
      local _, message = pcall(function() anthropic.new { apikey = 1 } end)
      assert.matches("request_spec", message)
      local client = anthropic.new { api_key = KEY }
      _, message = pcall(function() client.messages.create(params(), { apikey = 1 }) end)
      assert.matches("request_spec", message)
      _, message = pcall(function() client.messages.create "Hello" end)
      assert.matches("request_spec", message)
    end)

    it("for one request, which leave the client's as they are", function()
      local server = service.serve(testing.message { text = "Hello!" })
      local client = service.client(server)
      local for_one = { api_version = "2099-01-01", api_key = "another-key", max_retries = 1, timeout = 9 }
      assert(client.messages.create(params(), for_one))
      assert(client.messages.create(params()))
      local first, second = server:requests()[1], server:requests()[2]
      assert.equal("2099-01-01", header(first, "anthropic-version"))
      assert.equal("Bearer another-key", header(first, "Authorization"))
      assert.equal("2023-06-01", header(second, "anthropic-version"))
      assert.equal("Bearer " .. KEY, header(second, "Authorization"))
      assert.same({ api_version = "2099-01-01", api_key = "another-key", max_retries = 1, timeout = 9 }, for_one)
    end)
  end)

  describe("is refused with nothing sent, and the place named:", function()
    local cyclic = { role = "user" }
    cyclic.content = { { type = "text", text = "a", again = cyclic } }
    local function user(content)
      return { messages = { { role = "user", content = content } } }
    end
    local cases = {
      { "no messages", { messages = false }, "^messages: " },
      { "messages that are a string", { messages = "Hello" }, "^messages: table expected, got string" },
      { "messages with names", { messages = { role = "user", content = "x" } }, "^messages: a list expected" },
      { "a message that is a number", { messages = { { role = "user", content = "x" }, 5 } },
        "^messages%[2%]: table expected, got number" },
      { "a message without role", { messages = { { content = "x" } } }, "^messages%[1%]%.role: missing" },
      { "a message without content", { messages = { { role = "user" } } }, "^messages%[1%]%.content: missing" },
      { "content that is a number", user(5), "^messages%[1%]%.content: string or table expected, got number" },
      { "a hole in messages", { messages = { { role = "user", content = "x" }, nil, { role = "user" } } },
        "^messages" },
      { "no model", { model = false }, "^model: string expected, got boolean" },
      { "a stream that is a string", { stream = "yes" }, "^stream: boolean expected, got string" },
      { "a cyclic table", { messages = { cyclic } }, "^messages%[1%]%.content%[1%]%.again" },
      { "invalid UTF-8", user { { type = "text", text = "abc\255" } },
        "^messages%[1%]%.content%[1%]%.text: .*UTF%-8.*4" },
      { "invalid UTF-8 in a name", { metadata = { ["\255"] = 1 } }, "^metadata.*UTF%-8" },
      { "NaN", { temperature = 0 / 0 }, "^temperature: " },
      { "infinity", { top_p = math.huge }, "^top_p: " },
      { "a function", { metadata = { f = print } }, "^metadata%.f: .*function" },
      { "a coroutine", { metadata = { coroutine.create(function() end) } }, "^metadata%[1%]: .*thread" },
      { "keys of both kinds", { metadata = { 1, a = 2 } }, "^metadata" },
      { "a table for a key", { metadata = { [{}] = 1 } }, "^metadata" },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        local got, err, message, server = sent(nil, case[2])
        assert.is_nil(message)
        assert.is_nil(got)
        assert.equal("invalid_request", err.kind)
        assert.matches(case[3], err.message)
        assert.is_nil(tostring(err):find "\n")
        assert.equal(0, #server:requests())
        local stream
        stream, err = anthropic.new { api_key = KEY, base_url = server.url }.messages.stream(
          params(case[2]))
        if case[1] ~= "a stream that is a string" then
          assert.is_nil(stream)
          assert.matches(case[3], err.message)
          assert.equal(0, #server:requests())
        end
      end)
    end

    it("what is missing altogether", function()
      local server = service.serve(testing.message { text = "Hello!" })
      local client = service.client(server)
      local _, err = client.messages.create { model = "claude-test" }
      assert.equal("messages: missing", err.message)
      _, err = client.messages.create { messages = {} }
      assert.matches("^model: missing; ", err.message)
      _, err = client.messages.create {}
      assert.equal("invalid_request", err.kind)
      assert.equal(0, #server:requests())
    end)

    it("very deep nesting, without a crash", function()
      local deep = {}
      for _ = 1, 100000 do
        deep = { deep }
      end
      local got, err = sent(nil, { metadata = deep })
      assert.is_nil(got)
      assert.equal("invalid_request", err.kind)
    end)
  end)

  describe("has a body that", function()
    it("goes out exactly at 30 MB", function()
      local unit = ("Größe 大 \\ \" \n"):rep(8)
      local text = unit:rep(math.floor(30e6 / #unit))
      local got = sent(nil, { messages = { { role = "user", content = text } } })
      local escaped = text:gsub('[\\"\n]', { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n" })
      local expected = '{"max_tokens":100,"messages":[{"content":"' .. escaped
        .. '","role":"user"}],"model":"claude-test"}'
      assert.equal(#expected, got.body_bytes)
      assert.is_true(expected == got.body)
      assert.is_nil(header(got, "Expect"))
    end)

    it("is the same in every process", function()
      local server = service.serve(testing.message { text = "Hello!" })
      local program = [[
        local anthropic = require "anthropic"
        local schema = { type = "object", properties = {} }
        for i = 1, 50 do schema.properties["field" .. i] = { type = "string", description = "d" .. i } end
        assert(anthropic.new().messages.create {
          model = "claude-test", max_tokens = 10, temperature = 0.1, top_k = 5, metadata = { a = 1, b = 2.5, c = "x" },
          tools = { { name = "tool", description = "A tool.", input_schema = schema } },
          messages = { { role = "user", content = "Hello" } },
        })
        io.write "sent"
      ]]
      for _ = 1, 3 do
        assert.equal("sent", service.run(program, { ANTHROPIC_API_KEY = KEY, ANTHROPIC_BASE_URL = server.url }))
      end
      local requests = server:requests()
      assert.equal(3, #requests)
      assert.equal(requests[1].body, requests[2].body)
      assert.equal(requests[1].body, requests[3].body)
      assert.truthy(#requests[1].body > 1000)
    end)

    local content = '[{"type":"thinking","thinking":"Hm.","signature":"c2ln=="},'
      .. '{"type":"redacted_thinking","data":"cmVkYWN0ZWQ="},'
      .. '{"type":"text","text":"Let me look.","citations":null},'
      .. '{"type":"tool_use","id":"toolu_1","name":"look","input":{"z": 1.0,  "a": [], "b": {}, "n": null, "e":1e2}},'
      .. '{"type":"block_of_tomorrow","value":null,"list":[],"deep":{"b":2,"a":1}}]'
    local returned = '{"content":[{"signature":"c2ln==","thinking":"Hm.","type":"thinking"},'
      .. '{"data":"cmVkYWN0ZWQ=","type":"redacted_thinking"},'
      .. '{"citations":null,"text":"Let me look.","type":"text"},'
      .. '{"id":"toolu_1","input":{"z": 1.0,  "a": [], "b": {}, "n": null, "e":1e2},"name":"look","type":"tool_use"},'
      .. '{"deep":{"a":1,"b":2},"list":[],"type":"block_of_tomorrow","value":null}],"role":"assistant"}'

    local function send_back(server, client, message)
      local turns = { { role = "user", content = "Look!" }, message }
      turns[3] = { role = "user", content = { { type = "tool_result", tool_use_id = "toolu_1", content = "." } } }
      assert(client.messages.create(params { messages = turns }))
      local requests = server:requests()
      return requests[#requests].body
    end

    it("holds a Message given back as its role and content, as they came", function()
      local server = service.serve {
        { body = '{"id":"msg_1","type":"message","role":"assistant","model":"m","stop_reason":"tool_use",'
          .. '"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":2},"content":' .. content .. "}" },
        testing.message { text = "Done." },
      }
      local client = service.client(server)
      local message = assert(client.messages.create(params()))
      local body = send_back(server, client, message)
      assert.truthy(body:find(returned, 1, true), body)
      assert.is_nil(body:find("msg_1", 1, true))
      assert.is_nil(body:find("usage", 1, true))
    end)

    it("holds a streamed Message given back likewise", function()
      local input = '{"z": 1.0,  "a": [], "b": {}, "n": null, "e":1e2}'
      local function event(data)
        return { event = data:match '"type":"([^"]*)"', data = data }
      end
      local function block(index, start, ...)
        local events = {
          event('{"type":"content_block_start","index":' .. index .. ',"content_block":' .. start .. "}"),
        }
        for _, delta in ipairs { ... } do
          events[#events + 1] = event('{"type":"content_block_delta","index":' .. index .. ',"delta":' .. delta .. "}")
        end
        events[#events + 1] = event('{"type":"content_block_stop","index":' .. index .. "}")
        return events
      end
      local events = {
        event('{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],'
          .. '"model":"m","stop_reason":null,"usage":{"input_tokens":1}}}'),
      }
      local function partial_json(from, to)
        return '{"type":"input_json_delta","partial_json":' .. anthropic.encode(input:sub(from, to)) .. "}"
      end
      for _, list in ipairs {
        block(0, '{"type":"thinking","thinking":"","signature":""}', '{"type":"thinking_delta","thinking":"Hm."}',
          '{"type":"signature_delta","signature":"c2ln=="}'),
        block(1, '{"type":"redacted_thinking","data":"cmVkYWN0ZWQ="}'),
        block(2, '{"type":"text","text":"","citations":null}', '{"type":"text_delta","text":"Let me "}',
          '{"type":"text_delta","text":"look."}'),
        block(3, '{"type":"tool_use","id":"toolu_1","name":"look","input":{}}', partial_json(1, 7),
          partial_json(8, 20), partial_json(21, -1)),
        block(4, '{"type":"block_of_tomorrow","value":null,"list":[],"deep":{"b":2,"a":1}}'),
      } do
        for _, one in ipairs(list) do
          events[#events + 1] = one
        end
      end
      events[#events + 1] = event '{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{}}'
      events[#events + 1] = event '{"type":"message_stop"}'
      local server = service.serve { { events = events }, testing.message { text = "Done." } }
      local client = service.client(server)
      local message = assert(assert(client.messages.stream(params())):message())
      local body = send_back(server, client, message)
      assert.truthy(body:find(returned, 1, true), body)
    end)
  end)

  describe("by client:request", function()
    it("has the method, path, query, body and headers given", function()
      local server = service.serve { body = { ok = true } }
      local client = service.client(server)
      local value = client:request {
        method = "PUT",
        path = "/v1/things/1",
        query = { limit = 5, name = "a b&c=ä", list = { "x", "y" }, flag = true },
        body = { b = 1, a = {} },
        headers = { ["X-One"] = "1" },
      }
      assert.is_true(value.ok)
      assert.equal(200, value.response.status)
      assert.equal("req_test_1", value.response.request_id)
      local got = server:requests()[1]
      assert.equal("PUT", got.method)
      assert.equal("/v1/things/1?flag=true&limit=5&list%5B%5D=x&list%5B%5D=y&name=a%20b%26c%3D%C3%A4", got.target)
      assert.equal('{"a":{},"b":1}', got.body)
      assert.equal("1", header(got, "X-One"))
      assert.equal("Bearer " .. KEY, header(got, "Authorization"))
      assert.equal("application/json", header(got, "Content-Type"))
    end)

    it("says what a query can say, and sends nothing where it cannot", function()
      local server = service.serve { body = {} }
      local client = service.client(server)
      assert(client:request {
        path = "/v1/things",
        query = { created_at = { gte = "2026-01-01", lt = 10 / 2 }, ids = { 1, 2 }, deep = { a = { b = { true } } } },
      })
      assert.equal("created_at[gte]=2026-01-01&created_at[lt]=5&deep[a][b][]=true&ids[]=1&ids[]=2",
        (server:requests()[1].query:gsub("%%5B", "["):gsub("%%5D", "]")))
      for path, query in pairs {
        ["query.created_at.gte: "] = { created_at = { gte = print } },
        ["query.created_at.lt: "] = { created_at = { gte = "2026-01-01", lt = anthropic.null } },
        ["query.limit: "] = { limit = 0 / 0 },
        ["query.ids: "] = { ids = {} },
        ["query.ids[2]: "] = { ids = { "a", nil, "c" } },
        ["query: "] = { "a" },
      } do
        local value, err = client:request { path = "/v1/things", query = query }
        assert.is_nil(value)
        assert.equal("invalid_request", err.kind)
        assert.equal(path, err.message:sub(1, #path))
      end
      assert.equal(1, #server:requests())
    end)

    it("is GET without a body and POST with one", function()
      local server = service.serve { body = "[1,2]" }
      local client = service.client(server)
      assert.same({ 1, 2 }, client:request { path = "/v1/things" })
      assert(client:request { path = "/v1/things", body = "[ 1 ]" })
      assert(client:request { path = "/v1/things", method = "POST" })
      assert(client:request { path = "/v1/things", method = "DELETE" })
      local requests = server:requests()
      assert.equal("GET", requests[1].method)
      assert.is_nil(header(requests[1], "Content-Type"))
      assert.is_nil(header(requests[1], "Content-Length"))
      assert.equal("POST", requests[2].method)
      assert.equal("[ 1 ]", requests[2].body)
      assert.equal("0", header(requests[3], "Content-Length"))
      assert.equal("DELETE", requests[4].method)
    end)

    it("posts a form", function()
      local server = service.serve { body = { id = "file_1" } }
      local form = { file = { data = "x", filename = "x.txt" } }
      assert(service.client(server):request { path = "/v1/things", multipart = form })
      assert.equal("POST", server:requests()[1].method)
    end)

    it("keeps to the base URL's host", function()
      local server = service.serve { body = {} }
      local client = service.client(server)
      assert(client:request { path = "v1/things" })
      assert(client:request { path = "/v1/things?beta=true", query = { limit = 1 } })
      assert.equal("/v1/things", server:requests()[1].target)
      assert.equal("/v1/things?beta=true&limit=1", server:requests()[2].target)
      local _, err = client:request { path = "@127.0.0.2/" }
      assert.equal("api", err and err.kind or "api")
      assert.equal("/@127.0.0.2/", server:requests()[3].target)
    end)

    it("takes a whole URL of the same host, and refuses one of another", function()
      local server, other = service.serve { body = {} }, service.serve { body = {} }
      local client = service.client(server)
      assert(client:request { path = server.url .. "/v1/things?a=b" })
      assert.equal("/v1/things?a=b", server:requests()[1].target)
      for _, url in ipairs {
        other.url .. "/v1/things", server.url:gsub("127.0.0.1", "localhost") .. "/v1/things",
        server.url:gsub("http:", "https:") .. "/v1/things", "http://127.0.0.1/v1/things", "ftp://127.0.0.1/",
        server.url .. "@" .. other.url:gsub("http://", ""),
      } do
        local value, err = client:request { path = url }
        assert.is_nil(value)
        assert.equal("invalid_request", err.kind, url)
      end
      assert.equal(1, #server:requests())
      assert.equal(0, #other:requests())
    end)

    it("refuses a method or path that would break the request line", function()
      local server = service.serve { body = {} }
      local client = service.client(server)
      for _, spec in ipairs {
        { path = "/v1/things\r\nX-Evil: 1" }, { path = "/v1/things 1" }, { path = "/v1/\0" }, { path = "/v1/things#x" },
        { path = "/v1/things", method = "GET / HTTP/1.1\r\nX-Evil: 1\r\n" }, { path = "/v1/things", method = "" },
      } do
        local value, err = client:request(spec)
        assert.is_nil(value)
        assert.equal("invalid_request", err.kind)
        assert.matches(spec.method and "^method" or "^path", err.message)
      end
      assert.equal(0, #server:requests())
      assert.has_error(function() client:request {} end)
      assert.has_error(function() client:request "/v1/things" end)
    end)

    it("refuses a body that is no JSON value", function()
      local server = service.serve { body = {} }
      local value, err = service.client(server):request { path = "/v1/things", body = { f = print } }
      assert.is_nil(value)
      assert.equal("invalid_request", err.kind)
      assert.equal(0, #server:requests())
    end)

    it("streams, with and without an end mark", function()
      local server = service.serve {
        testing.stream { text = "Hello!" },
        { events = { { event = "status", data = { n = 1 } }, { data = { n = 2 } } } },
      }
      local client = service.client(server)
      local body = params { stream = true }
      local stream = assert(client:request { path = "/v1/messages", body = body, stream = true })
      assert.equal("Hello!", assert(stream:message()):text())
      stream = assert(client:request { path = "/v1/things/1/stream", stream = true })
      local first, second = stream:next(), stream:next()
      assert.equal("status", first.type)
      assert.equal(1, first.n)
      assert.equal(2, second.n)
      local last, err = stream:next()
      assert.is_nil(last)
      assert.is_nil(err)
    end)

    it("makes no message of a stream in which none was", function()
      local headers = { ["Content-Type"] = "text/event-stream" }
      for _, body in ipairs { "", ": hello\n\n", "data: [DONE]\n\n", "event: status\ndata: {\"n\":1}\n\n" } do
        local client = service.client(service.serve { headers = headers, body = body })
        local stream = assert(client:request { path = "/v1/things/1/stream", stream = true })
        local message, err = stream:message()
        assert.is_nil(message)
        assert.equal("protocol", err.kind)
        assert.equal("nothing in the stream was understood", err.message)
      end
    end)

    it("gives errors as every method does", function()
      local server = service.serve(testing.error { status = 404, message = "no such thing" })
      local value, err = service.client(server):request { path = "/v1/things/2" }
      assert.is_nil(value)
      assert.equal("api", err.kind)
      assert.equal("not_found_error", err.type)
      assert.equal("no such thing", err.message)
    end)
  end)

  describe("of a client", function()
    it("may be made with a dot or a colon", function()
      local server = service.serve(testing.message { text = "Hello!" })
      local client = service.client(server)
      assert(client.messages.create(params(), { headers = { ["x-one"] = "1" } }))
      assert(client.messages:create(params(), { headers = { ["x-one"] = "1" } }))
      local create = client.messages.create
      assert(create(params(), { headers = { ["x-one"] = "1" } }))
      for _, got in ipairs(server:requests()) do
        assert.equal("1", header(got, "x-one"))
      end
      assert.equal(3, #server:requests())
    end)

    it("that is closed is refused, and what was under way ends", function()
      local server = service.serve(testing.stream { text = "one two three", delay_between = 0.05 })
      local client = service.client(server)
      local stream = assert(client.messages.stream(params()))
      assert(stream:next())
      client:close()
      client:close()
      local event, err = stream:next()
      while event do
        event, err = stream:next()
      end
      assert.equal("cancelled", err.kind)
      local message
      message, err = client.messages.create(params())
      assert.is_nil(message)
      assert.equal("cancelled", err.kind)
      message, err = client:request { path = "/v1/things" }
      assert.is_nil(message)
      assert.equal("cancelled", err.kind)
      assert.equal(1, #server:requests())
    end)

    it("that is closed leaves nothing behind for which other clients' requests wait", function()
      local server = service.serve(testing.stream { text = "Hello!", hang_after = 100000 })
      local client = service.client(server)
      assert(assert(client.messages.stream(params())):message())
      client:close()
      local waited = require("anthropic.loop.draining").unsettled()
      if waited then -- the response is given time to end, but ends
        raw_client.eventually(function()
          loop.step(0.05)
          return waited:has_news()
        end, 5)
        assert.is_true(waited:has_news())
      end
    end)

    it("leaves other clients alone when it is closed", function()
      local server = service.serve(testing.stream { text = "one two three", delay_between = 0.02 })
      local one, two = service.client(server), service.client(server)
      local stream = assert(two.messages.stream(params()))
      one:close()
      assert.equal("one two three", assert(stream:message()):text())
    end)
  end)

  describe("never shows its key", function()
    -- Every string that can be reached by tables and metatables.
    local function strings_in(value, found, seen)
      found, seen = found or {}, seen or {}
      if type(value) == "string" then
        found[#found + 1] = value
      elseif type(value) == "table" and not seen[value] then
        seen[value] = true
        for key, item in next, value do
          strings_in(key, found, seen)
          strings_in(item, found, seen)
        end
      end
      local metatable = debug.getmetatable(value)
      if type(value) ~= "string" and metatable then
        strings_in(metatable, found, seen)
      end
      return found
    end

    local function assert_hidden(value, secret)
      for _, text in ipairs(strings_in(value)) do
        assert.is_nil(text:find(secret or KEY, 1, true), text)
      end
      assert.is_nil(tostring(value):find(secret or KEY, 1, true), tostring(value))
    end

    it("in a client, stream, message and response", function()
      local server = service.serve {
        testing.stream { text = "Hello!", headers = { ["x-echo"] = "you sent " .. KEY } },
        testing.message { text = "Hello!", headers = { ["x-echo"] = "you sent Bearer " .. KEY } },
      }
      local client = service.client(server)
      local stream = assert(client.messages.stream(params()))
      stream:next()
      assert_hidden(client)
      assert_hidden(stream)
      assert_hidden(stream.response)
      assert_hidden(assert(stream:message()))
      assert_hidden(stream)
      local message = assert(client.messages.create(params()))
      assert_hidden(message)
      assert.equal("you sent Bearer [redacted]", message.response.headers["x-echo"])
      assert_hidden(client)
      assert_hidden(client.messages)
    end)

    local function echoing(secret)
      return {
        { status = 401, headers = { ["x-echo"] = secret }, request_id = "req_" .. secret, body = {
          type = "error",
          error = { type = "authentication_error", message = "no such key: " .. secret, details = { key = secret } },
          request_id = "req_" .. secret,
        } },
        { status = 500, body = "<html>" .. secret .. "</html>" },
        { body = "<html>" .. secret .. "</html>" },
        { status = 302, headers = { location = "http://127.0.0.1:1/?key=" .. secret } },
        { status = 400, body = { error = secret } },
        { status = 400, body = { error = { type = secret, message = secret } } },
      }
    end

    local function assert_errors_hidden(secret, client_options, request_options)
      local script = echoing(secret)
      local server = service.serve(script)
      local records = {}
      client_options.on_log = function(record)
        records[#records + 1] = record
      end
      local client = service.client(server, client_options)
      for _ = 1, #script do
        local message, err = client.messages.create(params(), request_options)
        assert.is_nil(message)
        assert_hidden(err, secret)
      end
      assert.truthy(#records >= #script)
      assert_hidden(records, secret)
      assert_hidden(client, secret)
    end

    it("in an error, also where the server echoes it", function()
      assert_errors_hidden(KEY, {})
    end)

    it("in an error, where it was sent as x-api-key, as a token or by a function", function()
      assert_errors_hidden(KEY, { auth = "x-api-key" })
      assert_errors_hidden(KEY, { auth_token = KEY })
      assert_errors_hidden(KEY, { api_key = function() return KEY end })
    end)

    it("in an error, where it was sent in a header of one's own", function()
      assert_errors_hidden(KEY, { headers = { Authorization = "Bearer " .. KEY } })
      assert_errors_hidden(KEY, {}, { headers = { ["x-api-key"] = KEY } })
    end)

    it("in an error, where it holds characters that patterns or JSON treat apart", function()
      local key = 'sk+%d(test)."/\\0123456789'
      local server = service.serve {
        status = 401,
        body = { error = { type = "authentication_error", message = "no such key: " .. key } },
      }
      local _, err = service.client(server, { api_key = key }).messages.create(params())
      assert.equal("no such key: [redacted]", err.message)
    end)

    it("in an error event, or in what is no event", function()
      local server = service.serve {
        testing.stream {
          text = "Hello",
          error = { type = "authentication_error", message = "no such key: " .. KEY, details = { key = KEY } },
        },
        { events = { { data = "not JSON " .. KEY } } },
      }
      local client = service.client(server)
      for _ = 1, 2 do
        local stream = assert(client.messages.stream(params()))
        local message, err = stream:message()
        assert.is_nil(message)
        assert_hidden(err)
        assert_hidden(stream)
      end
    end)

    it("in a stream, where it was sent in a header of client:request", function()
      local server = service.serve(testing.stream { text = "Hello!" })
      local stream = assert(service.client(server, { api_key = false }):request {
        path = "/v1/messages", body = params(), stream = true, headers = { Authorization = "Bearer " .. KEY },
      })
      assert_hidden(stream)
    end)

    it("on standard error, nor in the process's arguments", function()
      local server = service.serve {
        { status = 500, headers = { ["retry-after-ms"] = 1, ["x-echo"] = KEY }, body = KEY },
        testing.message { text = "Hello!" },
        { status = 400, body = { error = { message = KEY } } },
      }
      local output = service.run([[
        local anthropic = require "anthropic"
        local client = anthropic.new()
        local params = { model = "m", messages = { { role = "user", content = "Hello" } } }
        assert(client.messages.create(params))
        print(select(2, client.messages.create(params)))
        local file = io.open "/proc/self/cmdline"
        print(file and file:read "*a" or "")
      ]], { ANTHROPIC_API_KEY = KEY, ANTHROPIC_BASE_URL = server.url, ANTHROPIC_LOG = "debug" })
      assert.is_nil(output:find(KEY, 1, true), output)
      assert.matches("anthropic debug request", output)
      assert.matches("anthropic info response", output)
      assert.matches("anthropic warn retry", output)
      assert.matches("anthropic error error", output)
      assert.equal(3, #server:requests())
    end)
  end)
end)
