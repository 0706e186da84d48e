-- Tokens of the vendor's token endpoint: workload identity federation, and profiles in files.

local anthropic = require "anthropic"
local core = require "anthropic.core"
local directories = require "spec.support.directory"
local service = require "spec.support.service"
local testing = require "anthropic.testing"

local params, header = service.params, service.header

local HELLO = testing.message { text = "Hello!" }
local REFUSED = testing.error { status = 401 }
local FOREVER = 4102444800 -- 2100

local function token(name, fields)
  local body = { access_token = name, expires_in = 3600, token_type = "Bearer" }
  for field, value in pairs(fields or {}) do
    body[field] = value
  end
  return { body = body }
end

describe("where no key is given", function()
  local directory, environment, server

  before_each(function()
    directory = directories.new()
    directory:run "mkdir configs credentials"
    environment = { ANTHROPIC_CONFIG_DIR = directory.root }
    service.environment(environment)
  end)

  after_each(function()
    service.clear()
    directory:remove()
  end)

  local function serve(tokens, answers)
    server = service.serve { routes = {
      { path = "/v1/oauth/token", answers = tokens or { { status = 500 } } },
      { path = "/v1/messages", answers = answers or { HELLO } },
    } }
    environment.ANTHROPIC_BASE_URL = server.url
    return server
  end

  local function ask(options)
    service.environment(environment)
    local client = anthropic.new(options or { max_retries = 1 })
    return client.messages.create(params()), client
  end

  -- The requests to a path.
  local function requests(path)
    local found = {}
    for _, request in ipairs(server:requests()) do
      found[#found + 1] = request.path == path and request or nil
    end
    return found
  end

  local function federate(fields)
    environment.ANTHROPIC_FEDERATION_RULE_ID, environment.ANTHROPIC_ORGANIZATION_ID = "fdrl_1", "org-1"
    environment.ANTHROPIC_IDENTITY_TOKEN = "jwt.of.test"
    for name, value in pairs(fields or {}) do
      environment[name] = value or nil
    end
  end

  local function write_json(name, value, mode)
    directory:write(name, anthropic.encode(value))
    directory:run(("chmod %s %s"):format(mode or "600", name))
  end

  local function write_profile(name, authentication, fields)
    local config = { authentication = authentication }
    for field, value in pairs(fields or {}) do
      config[field] = value
    end
    write_json(("configs/%s.json"):format(name), config)
  end

  local function failure(options)
    service.environment(environment)
    local message, err = anthropic.new(options or {}).messages.create(params())
    assert.is_nil(message)
    return err
  end

  describe("a workload's identity", function()
    it("is exchanged for a token, once", function()
      serve { token "minted" }
      federate { ANTHROPIC_WORKSPACE_ID = "wrkspc_1", ANTHROPIC_SERVICE_ACCOUNT_ID = "svac_1" }
      local message, client = ask()
      assert.equal("Hello!", message:text())
      assert(client.messages.create(params()))
      local exchange = requests("/v1/oauth/token")
      assert.equal(1, #exchange)
      assert.same({
        grant_type = "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion = "jwt.of.test",
        federation_rule_id = "fdrl_1", organization_id = "org-1", service_account_id = "svac_1",
        workspace_id = "wrkspc_1",
      }, anthropic.decode(exchange[1].body))
      assert.equal("oauth-2025-04-20,oidc-federation-2026-04-01", header(exchange[1], "anthropic-beta"))
      assert.is_nil(header(exchange[1], "authorization"))
      for _, request in ipairs(requests "/v1/messages") do
        assert.equal("Bearer minted", header(request, "authorization"))
        assert.equal("oauth-2025-04-20", header(request, "anthropic-beta"))
        assert.is_nil(header(request, "anthropic-workspace-id"))
      end
    end)

    it("may stand in a file, which is read for each exchange", function()
      serve({ token "one", token "two" }, { HELLO, REFUSED, HELLO })
      federate { ANTHROPIC_IDENTITY_TOKEN = false, ANTHROPIC_IDENTITY_TOKEN_FILE = directory:write("jwt", " first\n") }
      local _, client = ask()
      directory:write("jwt", "second")
      assert(client.messages.create(params()))
      local exchange = requests "/v1/oauth/token"
      assert.equal("first", anthropic.decode(exchange[1].body).assertion)
      assert.equal("second", anthropic.decode(exchange[2].body).assertion)
      assert.equal("Bearer two", header(requests("/v1/messages")[3], "authorization"))
    end)

    it("is exchanged in the way that the request waits", function()
      serve { token "minted" }
      federate()
      service.environment(environment)
      local client = anthropic.new()
      local blocking = client:with_options { loop = "blocking" }
      anthropic.run(function()
        ("ab"):gsub(".", function(name) -- where nothing can be suspended
          if name == "a" then
            assert(client.messages.create(params(), { loop = "blocking" }))
          else
            assert(blocking:with_options({ tag = 1 }).messages.create(params()))
          end
        end)
      end)
      assert.equal(1, #requests "/v1/oauth/token")
    end)

    it("is exchanged once for all requests", function()
      serve { token "minted" }
      federate()
      service.environment(environment)
      local client = anthropic.new()
      anthropic.run(function()
        local tasks = {}
        for i = 1, 10 do
          tasks[i] = anthropic.spawn(function() return client.messages.create(params()) end)
        end
        for _, task in ipairs(tasks) do
          assert(task:join())
        end
      end)
      assert.equal(1, #requests "/v1/oauth/token")
    end)

    it("is exchanged once for clients of other options, unless these lead another way", function()
      serve { token "minted" }
      federate()
      local _, client = ask()
      assert(client:with_options({ max_retries = 0, timeout = 7 }).messages.create(params()))
      assert.equal(1, #requests "/v1/oauth/token")
      assert(client:with_options({ proxy = "" }).messages.create(params()))
      assert.equal(2, #requests "/v1/oauth/token")
      local other = service.serve { routes = {
        { path = "/v1/oauth/token", answers = { token "of-the-other" } }, { answers = { HELLO } },
      } }
      assert(client:with_options({ base_url = other.url }).messages.create(params()))
      assert.equal("Bearer of-the-other", header(other:requests()[2], "authorization"))
      assert.equal(2, #requests "/v1/oauth/token")
    end)

    it("gives way to every key", function()
      serve()
      federate { ANTHROPIC_API_KEY = "of-the-environment" }
      ask()
      environment.ANTHROPIC_API_KEY = nil
      ask { auth_token = "given" }
      assert.equal("Bearer of-the-environment", header(server:requests()[1], "authorization"))
      assert.equal("Bearer given", header(server:requests()[2], "authorization"))
      assert.is_nil(header(server:requests()[2], "anthropic-beta"))
    end)

    it("is exchanged for no longer than the request may wait", function()
      local late = token "minted"
      late.delay = 1
      serve { late }
      federate()
      service.environment(environment)
      local client, began = anthropic.new(), core.now()
      local message, err = client.messages.create(params(), { timeout = 0.1 })
      assert.is_nil(message)
      assert.same({ "timeout", "total" }, { err.kind, err.timeout })
      anthropic.run(function()
        local task = anthropic.spawn(function() return client.messages.create(params()) end)
        anthropic.sleep(0.1)
        client:close()
        assert.equal("cancelled", select(2, task:join()).kind)
      end)
      assert.is_true(core.now() - began < 0.6)
    end)

    it("is missing, too large, or not to be sent in clear", function()
      serve()
      federate { ANTHROPIC_IDENTITY_TOKEN = false }
      assert.matches("no identity token", failure().message)
      federate { ANTHROPIC_IDENTITY_TOKEN = ("x"):rep(16 * 1024 + 1) }
      assert.matches("larger than 16 KiB", failure().message)
      federate { ANTHROPIC_IDENTITY_TOKEN = false, ANTHROPIC_IDENTITY_TOKEN_FILE = directory:path "none" }
      assert.matches("cannot be read", failure().message)
      federate()
      environment.ANTHROPIC_IDENTITY_TOKEN_FILE, environment.ANTHROPIC_BASE_URL = nil, "http://gateway.test"
      assert.matches("https alone", failure().message)
      assert.equal(0, #server:requests())
    end)

    it("is refused, and nothing of it is told", function()
      serve { { status = 401, body = {
        error = "invalid_grant", error_description = "no rule", assertion = "jwt.of.test",
      } } }
      federate()
      local err = failure()
      assert.same({ "api", 401 }, { err.kind, err.status })
      assert.matches("^workload identity federation: the token endpoint answered 401: invalid_grant: no rule; does",
        err.message)
      assert.is_nil(tostring(err):find("jwt.of.test", 1, true))
      assert.equal(0, #requests "/v1/messages")
    end)

    it("is exchanged for something else", function()
      for _, answer in ipairs {
        { body = "text" }, { body = { access_token = "t" } }, { body = { expires_in = 3 } },
        token("t", { token_type = "mac" }), token("t", { expires_in = {} }),
      } do
        serve { answer }
        federate()
        assert.equal("protocol", failure().kind)
      end
    end)

    it("is not sent on by a redirect", function()
      local other = service.serve { token "stolen" }
      serve { { status = 307, headers = { Location = other.url .. "/v1/oauth/token" } } }
      federate()
      assert.equal("api", failure().kind)
      assert.equal(0, #other:requests())
    end)
  end)

  describe("a profile", function()
    it("of a user has its token in a file", function()
      serve()
      write_profile("default", { type = "user_oauth" }, { workspace_id = "wrkspc_2" })
      write_json("credentials/default.json", { access_token = "kept", expires_at = FOREVER })
      assert.equal("Hello!", ask():text())
      local request = server:requests()[1]
      assert.equal("Bearer kept", header(request, "authorization"))
      assert.equal("wrkspc_2", header(request, "anthropic-workspace-id"))
      assert.equal("oauth-2025-04-20", header(request, "anthropic-beta"))
    end)

    it("of a user gets another token where its own has ended, and keeps that", function()
      serve { token("renewed", { refresh_token = "r2" }) }
      write_profile("default", { type = "user_oauth", client_id = "c1" })
      write_json("credentials/default.json", { access_token = "old", expires_at = 1, refresh_token = "r1", more = "x" })
      assert.equal("Hello!", ask():text())
      local exchange = requests("/v1/oauth/token")[1]
      assert.same({ grant_type = "refresh_token", refresh_token = "r1", client_id = "c1" },
        anthropic.decode(exchange.body))
      assert.equal("oauth-2025-04-20", header(exchange, "anthropic-beta"))
      assert.equal("Bearer renewed", header(requests("/v1/messages")[1], "authorization"))
      local kept = anthropic.decode(directory:read "credentials/default.json")
      assert.same({ "renewed", "r2", "x" }, { kept.access_token, kept.refresh_token, kept.more })
      assert.is_true(kept.expires_at > os.time() + 3000)
      assert.equal("600\n", directory:run "stat -c %a credentials/default.json")
      assert.equal("default.json\n", directory:run "ls -A credentials")
    end)

    it("of a user gets the whole of another token where the request has no time for it", function()
      local late = token("renewed", { refresh_token = "r2" })
      late.delay = 0.3
      serve { late }
      write_profile("default", { type = "user_oauth", client_id = "c1" })
      write_json("credentials/default.json", { access_token = "old", expires_at = 1, refresh_token = "r1" })
      service.environment(environment)
      local message, err = anthropic.new().messages.create(params(), { timeout = 0.1 })
      assert.is_nil(message)
      assert.same({ "timeout", "total" }, { err.kind, err.timeout })
      assert.equal("r2", anthropic.decode(directory:read "credentials/default.json").refresh_token)
    end)

    it("of a user gets the whole of another token where the task that needs it is cancelled", function()
      local late = token("renewed", { refresh_token = "r2" })
      late.delay = 0.3
      serve { late, { status = 400 } }
      write_profile("default", { type = "user_oauth", client_id = "c1" })
      write_json("credentials/default.json", { access_token = "old", expires_at = 1, refresh_token = "r1" })
      service.environment(environment)
      local client, err, message = anthropic.new(), nil, nil
      anthropic.run(function()
        local task = anthropic.spawn(client.messages.create, params())
        local other = anthropic.spawn(client.messages.create, params())
        anthropic.sleep(0.1)
        task:cancel()
        err, message = select(2, task:join()), assert(other:join())
      end)
      assert.same({ "cancelled", "Hello!" }, { err.kind, message:text() })
      write_json("credentials/default.json", { access_token = "old", expires_at = 1, refresh_token = "r1" })
      serve { late }
      service.environment(environment)
      client = anthropic.new()
      anthropic.run(function()
        local task = anthropic.spawn(client.messages.create, params())
        anthropic.sleep(0.1)
        task:cancel()
      end)
      assert.equal(1, #requests "/v1/oauth/token")
      assert.equal(0, #requests "/v1/messages")
      assert.equal("r2", anthropic.decode(directory:read "credentials/default.json").refresh_token)
    end)

    it("of a user is refused to a request that blocks the task which gets another token", function()
      local late = token("renewed", { refresh_token = "r2" })
      late.delay = 0.3
      serve { late }
      write_profile("default", { type = "user_oauth", client_id = "c1" })
      write_json("credentials/default.json", { access_token = "old", expires_at = 1, refresh_token = "r1" })
      service.environment(environment)
      local client, err = anthropic.new(), nil
      anthropic.run(function()
        local task = anthropic.spawn(client.messages.create, params())
        anthropic.sleep(0.1)
        err = select(2, client.messages.create(params(), { loop = "blocking" }))
        assert(task:join())
        assert(client.messages.create(params(), { loop = "blocking" }))
      end)
      assert.equal("cannot_wait", err.type)
      assert.equal(1, #requests "/v1/oauth/token")
    end)

    it("of a user keeps no request waiting that has no time, or whose client is closed", function()
      serve { { hang = true } }
      write_profile("default", { type = "user_oauth", client_id = "c1" })
      write_json("credentials/default.json", { access_token = "old", expires_at = 1, refresh_token = "r1" })
      service.environment(environment)
      local client, began, errs = anthropic.new { timeout = { total = 1 } }, core.now(), {}
      anthropic.run(function()
        anthropic.spawn(function()
          errs[1] = select(2, client.messages.create(params(), { timeout = 0.1 }))
          errs[2] = core.now() - began
          errs[3] = select(2, client.messages.create(params()))
          errs[4] = core.now() - began
        end)
        anthropic.sleep(0.3)
        client:close()
      end)
      assert.same({ "total", "cancelled" }, { errs[1].timeout, errs[3].kind })
      assert.is_true(errs[2] < 0.3 and errs[4] < 0.6)
      assert.equal(1, #requests "/v1/oauth/token")
    end)

    it("of a user gets another token where the server refuses its own", function()
      serve({ token "renewed" }, { REFUSED, HELLO })
      write_profile("default", { type = "user_oauth", client_id = "c1" })
      write_json("credentials/default.json", { access_token = "kept", expires_at = FOREVER, refresh_token = "r1" })
      assert.equal("Hello!", ask():text())
      assert.equal("Bearer renewed", header(requests("/v1/messages")[2], "authorization"))
      assert.equal("r1", anthropic.decode(directory:read "credentials/default.json").refresh_token)
    end)

    it("of a user whose refresh token another process has used up has what that one keeps", function()
      serve { { status = 400, body = { error = "invalid_grant" } } }
      write_profile("default", { type = "user_oauth", client_id = "c1" })
      write_json("credentials/default.json", { access_token = "old", expires_at = 1, refresh_token = "r1" })
      service.environment(environment)
      local client, message = anthropic.new(), nil
      anthropic.run(function()
        local other = anthropic.spawn(function()
          while #requests "/v1/oauth/token" == 0 do
            anthropic.sleep(0.05)
          end
          anthropic.sleep(0.2)
          local path = directory:path "credentials/default.json"
          assert(core.write_private(path, '{"access_token":"other","refresh_token":"r2"}'))
        end)
        message = assert(client.messages.create(params()))
        other:join()
      end)
      assert.equal("Hello!", message:text())
      assert.equal("Bearer other", header(requests("/v1/messages")[1], "authorization"))
      assert.equal(1, #requests "/v1/oauth/token")
      write_json("credentials/default.json", { access_token = "old", expires_at = 1, refresh_token = "r1" })
      local began = core.now()
      local lost, err = anthropic.new().messages.create(params(), { timeout = 0.3 })
      assert.is_nil(lost)
      assert.same({ "timeout", "total" }, { err.kind, err.timeout })
      assert.is_true(core.now() - began < 0.9)
    end)

    it("of a workload keeps its token", function()
      serve { token "minted" }
      environment.ANTHROPIC_IDENTITY_TOKEN = "jwt"
      write_profile("default", { type = "oidc_federation", federation_rule_id = "fdrl_2" }, { organization_id = "org" })
      directory:run "rmdir credentials"
      ask()
      ask()
      assert.equal(1, #requests "/v1/oauth/token")
      assert.equal("minted", anthropic.decode(directory:read "credentials/default.json").access_token)
    end)

    it("is the one that is named, by an option or the environment, or in a file", function()
      serve()
      for _, name in ipairs { "default", "one", "two", "three" } do
        write_profile(name, { type = "user_oauth" })
        write_json(("credentials/%s.json"):format(name), { access_token = "of-" .. name })
      end
      ask()
      directory:write("active_config", "one\n")
      ask()
      environment.ANTHROPIC_PROFILE = "two"
      ask()
      environment.ANTHROPIC_API_KEY = "k"
      ask { profile = "three" }
      local sent = {}
      for i, request in ipairs(server:requests()) do
        sent[i] = header(request, "authorization")
      end
      assert.same({ "Bearer of-default", "Bearer of-one", "Bearer of-two", "Bearer of-three" }, sent)
    end)

    it("may be one of a request, and gives way to a key of it", function()
      serve()
      write_profile("one", { type = "user_oauth" })
      write_json("credentials/one.json", { access_token = "of-one" })
      service.environment(environment)
      local client = anthropic.new { api_key = "k" }
      assert(client.messages.create(params(), { profile = "one" }))
      assert(client:with_options({ profile = "one" }).messages.create(params(), { api_key = "k" }))
      assert.equal("Bearer of-one", header(server:requests()[1], "authorization"))
      assert.equal("Bearer k", header(server:requests()[2], "authorization"))
      assert.is_nil(header(server:requests()[2], "anthropic-beta"))
      assert.has_error(function() anthropic.new { profile = "one", api_key = "k" } end)
    end)

    it("of a request goes to its own server, as one of a client does", function()
      local staging = service.serve { HELLO }
      serve { token "renewed" }
      environment.ANTHROPIC_BASE_URL = nil
      write_profile("staging", { type = "user_oauth" }, { base_url = staging.url })
      write_json("credentials/staging.json", { access_token = "of-staging" })
      write_profile("prod", { type = "user_oauth", client_id = "c" }, { base_url = server.url })
      write_json("credentials/prod.json", { access_token = "old", expires_at = 1, refresh_token = "r-prod" })
      write_profile("plain", { type = "user_oauth" })
      service.environment(environment)
      local client = anthropic.new { profile = "staging" }
      assert(client.messages.create(params(), { profile = "prod" }))
      assert.equal(0, #staging:requests())
      assert.equal(1, #requests "/v1/oauth/token")
      assert.equal("Bearer renewed", header(requests("/v1/messages")[1], "authorization"))
      assert(client.messages.create(params()))
      assert.equal("Bearer of-staging", header(staging:requests()[1], "authorization"))

      local function base_of(given, made)
        return (made or client):options_for(given) "base_url"
      end
      assert.equal("https://api.anthropic.com", base_of { profile = "plain" })
      assert.equal("https://x.test", base_of { profile = "prod", base_url = "https://x.test" })
      local fixed = anthropic.new { base_url = "https://y.test", api_key = "k" }
      assert.equal("https://y.test", base_of({ profile = "prod" }, fixed))
      environment.ANTHROPIC_BASE_URL = "https://z.test"
      assert.equal("https://z.test", base_of { profile = "prod" })
    end)

    it("of a request is refused on another platform", function()
      serve()
      write_profile("one", { type = "user_oauth" })
      write_json("credentials/one.json", { access_token = "of-one" })
      service.environment(environment)
      local client = anthropic.new { platform = "foundry", base_url = server.url, api_key = "k" }
      for _, given in ipairs { { profile = "one" }, { profile = "one", tag = 1, base_url = server.url } } do
        local message, err = client.messages.create(params(), given)
        assert.is_nil(message)
        assert.equal("invalid_request", err.kind)
        assert.equal('option "profile": is the vendor\'s own; the platform "foundry" does not know it', err.message)
      end
      assert.equal(0, #server:requests())
      assert(client.messages.create(params(), { platform = "anthropic", base_url = server.url, profile = "one" }))
      assert.equal("Bearer of-one", header(server:requests()[1], "authorization"))
    end)

    it("may name the server, where nobody else does", function()
      serve()
      write_profile("default", { type = "user_oauth" }, { base_url = server.url })
      write_json("credentials/default.json", { access_token = "kept" })
      environment.ANTHROPIC_BASE_URL = nil
      assert.equal("Hello!", ask():text())
    end)

    describe("that is merely found", function()
      local client, of_profile

      before_each(function()
        serve()
        of_profile = service.serve { HELLO }
        write_profile("default", { type = "user_oauth" }, { base_url = of_profile.url, workspace_id = "wrkspc_2" })
        write_json("credentials/default.json", { access_token = "kept" })
        environment.ANTHROPIC_BASE_URL = nil
        service.environment(environment)
        client = anthropic.new()
      end)

      local function base_of(given, made)
        return (made or client):options_for(given) "base_url"
      end

      -- Whatever a login adds.
      local function assert_bare(request, authorization)
        assert.equal(authorization, header(request, "authorization"))
        assert.is_nil(header(request, "anthropic-beta"))
        assert.is_nil(header(request, "anthropic-workspace-id"))
      end

      it("is not used where the client's headers carry a credential", function()
        local own = { { Authorization = "Bearer own" }, { ["x-api-key"] = "own" }, { ["X-Token"] = "own" } }
        for _, fields in ipairs(own) do
          assert.equal("https://api.anthropic.com", base_of(nil, anthropic.new { headers = fields }))
          assert.equal("https://api.anthropic.com", base_of(nil, client:with_options { headers = fields }))
          assert(anthropic.new({ headers = fields, base_url = server.url }).messages.create(params()))
        end
        assert_bare(server:requests()[1], "Bearer own")
        assert_bare(server:requests()[2])
        assert_bare(server:requests()[3])
        environment.ANTHROPIC_PROFILE = "default"
        assert.equal("https://api.anthropic.com", base_of(nil, anthropic.new { headers = { ["X-Token"] = "own" } }))
        assert.equal(of_profile.url, base_of(nil, anthropic.new { headers = { ["X-Token"] = "", ["X-Team"] = "a" } }))
        environment.ANTHROPIC_CUSTOM_HEADERS = "X-Token: own"
        assert.equal("https://api.anthropic.com", base_of(nil, anthropic.new {}))
        assert.equal(of_profile.url, base_of(nil, anthropic.new { headers = { ["x-token"] = false } }))
        assert.equal(of_profile.url, base_of(nil, anthropic.new { profile = "default" }))
      end)

      it("is not used for a request whose headers carry a credential", function()
        local own = { authorization = "Bearer own" }
        assert.equal("https://api.anthropic.com", base_of { headers = own })
        assert.equal("https://x.test", base_of { headers = own, base_url = "https://x.test" })
        assert.equal(of_profile.url, base_of { headers = { ["x-team"] = "blue" } })
        assert(client.messages.create(params(), { headers = { ["X-Token"] = "own" }, base_url = server.url }))
        assert_bare(server:requests()[1])
        for i, fields in ipairs { own, { ["X-Token"] = "own" } } do
          local spec = { path = "/v1/messages", body = {}, headers = fields }
          assert(client:request(spec, { base_url = server.url, headers = { ["x-team"] = "blue" } }))
          assert_bare(server:requests()[i + 1], fields.authorization)
          local _, err = client:request(spec, { max_retries = 0, proxy = "http://127.0.0.1:1" })
          assert.equal("https://api.anthropic.com/v1/messages", err.url)
        end
        assert.equal("blue", header(server:requests()[2], "x-team"))
        assert.same({}, of_profile:requests())
      end)

      it("is not used for a request with a key of its own, and neither is one that is named", function()
        for _, made in ipairs { client, (anthropic.new { profile = "default" }) } do
          assert.equal("https://api.anthropic.com", base_of({ api_key = "k" }, made))
          assert.equal("https://api.anthropic.com", base_of({ auth_token = "t" }, made))
          assert.equal("https://x.test", base_of({ api_key = "k", base_url = "https://x.test" }, made))
          assert.equal(of_profile.url, base_of({ tag = 1 }, made))
        end
        assert(client.messages.create(params(), { auth_token = "t", base_url = server.url }))
        assert_bare(server:requests()[1], "Bearer t")
        assert(client.messages.create(params()))
        assert.equal("Bearer kept", header(of_profile:requests()[1], "authorization"))
      end)

      it("or named adds nothing to a request without its token", function()
        local named = anthropic.new { profile = "default" }
        assert(named.messages.create(params(), { headers = { Authorization = "Bearer own" } }))
        assert(named.messages.create(params(), { headers = { Authorization = false }, betas = { "mine" } }))
        assert(named.messages.create(params(), { headers = { ["X-Token"] = "own" } }))
        local sent = of_profile:requests()
        assert_bare(sent[1], "Bearer own")
        assert.is_nil(header(sent[2], "authorization"))
        assert.equal("mine", header(sent[2], "anthropic-beta"))
        assert.is_nil(header(sent[2], "anthropic-workspace-id"))
        assert.equal("Bearer kept", header(sent[3], "authorization")) -- for gateways that want both
        assert.equal("oauth-2025-04-20", header(sent[3], "anthropic-beta"))
      end)

      it("has its beta beside those that a request names by a header", function()
        local fields = { ["Anthropic-Beta"] = "mine, yours" }
        assert(client.messages.create(params(), { headers = fields, betas = { "replaced" } }))
        assert(client:request { path = "/v1/messages", body = {}, headers = fields })
        assert(client.messages.create(params(), { headers = { ["anthropic-beta"] = "oauth-2025-04-20,mine" } }))
        assert(client.messages.create(params(), { headers = { ["anthropic-beta"] = false } }))
        local sent = of_profile:requests()
        assert.equal("mine,yours,oauth-2025-04-20", header(sent[1], "anthropic-beta"))
        assert.equal("mine,yours,oauth-2025-04-20", header(sent[2], "anthropic-beta"))
        assert.equal("oauth-2025-04-20,mine", header(sent[3], "anthropic-beta"))
        assert.is_nil(header(sent[4], "anthropic-beta"))
      end)
    end)

    it("says what is wrong with it", function()
      serve()
      environment.ANTHROPIC_PROFILE = "p"
      assert.matches('there is no profile "p"', failure().message)
      for text, words in pairs {
        ["no json"] = "no JSON object", ["[]"] = "no JSON object", ["{}"] = "authentication.type is neither",
        ['{"authentication":{"type":"other"}}'] = "authentication.type is neither",
        ['{"authentication":{"type":"oidc_federation","identity_token":{"source":"url"}}}'] = "is no file",
        ['{"authentication":{"type":"oidc_federation"}}'] = "no federation rule",
        ['{"authentication":{"type":"oidc_federation","federation_rule_id":"f"}}'] = "no organization",
      } do
        directory:write("configs/p.json", text)
        local err = failure()
        assert.equal("invalid_request", err.kind)
        assert.matches(words, err.message)
      end
      for _, name in ipairs { "../p", "a/b", "..", "a b" } do
        environment.ANTHROPIC_PROFILE = name
        assert.matches("the name of a profile", failure().message)
      end
    end)

    it("of a user says why there is no token", function()
      serve { { status = 400, body = { error = "invalid_grant", refresh_token = "r1-secret" } } }
      write_profile("default", { type = "user_oauth", client_id = "c" })
      assert.matches("log in first", failure().message)
      write_json("credentials/default.json", { access_token = "t", expires_at = 1 })
      assert.matches("log in again", failure().message)
      write_json("credentials/default.json", { access_token = "t", expires_at = FOREVER }, "644")
      assert.matches("chmod 600", failure().message)
      write_json("credentials/default.json", { access_token = "t", expires_at = 1, refresh_token = "r1-secret" })
      local err = failure()
      assert.matches('^the profile "default": the token endpoint answered 400: invalid_grant$', err.message)
      assert.is_nil(tostring(err):find("r1-secret", 1, true))
      assert.equal(0, #requests "/v1/messages")
    end)
  end)

  it("and no profile, that is told", function()
    serve()
    assert.equal("no credential: set ANTHROPIC_API_KEY or give the option api_key or auth_token", failure().message)
  end)
end)
