local request = require "anthropic.http.request"

local KEY, TOKEN = "sk-test-0123456789", "token-0123456789"
local VENDOR, GATEWAY = "https://api.anthropic.com", "http://gateway:8080"
local AGENT = "User-Agent: anthropic-lua/" .. require "anthropic.version"
local NO_CREDENTIAL = "no credential: set ANTHROPIC_API_KEY or give the option api_key or auth_token"

-- Resolved options with a key of the vendor's, and those given on top; false leaves one out.
local function resolved(given)
  local all = { base_url = VENDOR, api_version = "2023-06-01", http_version = "1.1", api_key = KEY }
  for name, value in pairs(given or {}) do
    all[name] = value or nil
  end
  return all
end

local function post(given)
  local spec = { method = "POST", path = "/v1/messages", body = "{}" }
  for name, value in pairs(given or {}) do
    spec[name] = value or nil
  end
  return spec
end

local GET = { method = "GET", path = "/v1/models" }

local function build(given, spec)
  return request.builder(resolved(given))(spec or post())
end

local function lines(given, spec)
  return assert(build(given, spec)).headers
end

-- The line of a field, nil where there is none; fails where it appears twice.
local function line(name, given, spec)
  local found
  for _, text in ipairs(lines(given, spec)) do
    if text:lower():match "^([^:;]+)[:;]" == name:lower() then
      assert.is_nil(found, text)
      found = text
    end
  end
  return found
end

local function refusal(given, spec)
  local wire, err = build(given, spec)
  assert.is_nil(wire)
  assert.equal("invalid_request", err.kind)
  return err.message
end

describe("the headers of a request", function()
  it("with a body are these", function()
    assert.same({
      "Content-Type: application/json",
      "Accept: application/json",
      AGENT,
      "anthropic-version: 2023-06-01",
      "anthropic-beta:",
      "X-Api-Key: " .. KEY,
    }, lines())
  end)

  it("without a body name no content type, nor does libcurl", function()
    assert.same({
      "Content-Type:",
      "Accept: application/json",
      AGENT,
      "anthropic-version: 2023-06-01",
      "anthropic-beta:",
      "X-Api-Key: " .. KEY,
    }, lines({}, GET))
  end)

  it("of an upload leave the content type to libcurl, which knows the boundary", function()
    local parts = { { name = "file", data = "x" } }
    assert.is_nil(line("Content-Type", {}, { method = "POST", path = "/v1/files", multipart = parts }))
    assert.is_nil(line("Content-Type", {}, post { multipart = parts }))
    assert.equal("Accept: application/json", line("Accept", {}, post { multipart = parts }))
  end)

  it("accept what the request asks for", function()
    assert.equal("Accept: text/event-stream", line("Accept", {}, post { accept = "text/event-stream" }))
    assert.equal("Accept: application/binary", line("Accept", {}, { method = "GET", path = "/", accept =
      "application/binary" }))
  end)

  it("name the betas of client, request and method once each, in this order", function()
    local given = { betas = { "b", "a" }, request_betas = { "c", "b" } }
    assert.equal("anthropic-beta: b,a,c,d", line("anthropic-beta", given, post { betas = { "a", "d", "d" } }))
    assert.equal("anthropic-beta: b,a", line("anthropic-beta", { betas = { "b", "a" } }))
    assert.equal("anthropic-beta: c", line("anthropic-beta", { request_betas = { "c" } }))
    assert.equal("anthropic-beta: d", line("anthropic-beta", {}, post { betas = { "d" } }))
    assert.equal("anthropic-beta:", line("anthropic-beta", { betas = {}, request_betas = {} }, post { betas = {} }))
  end)

  it("come from the environment, the client, the method and the request, the last of which wins", function()
    local given = {
      custom_headers = "X-A: environment\nX-B: environment\nX-C: environment\nX-D: environment",
      headers = { ["x-b"] = "client", ["x-c"] = "client", ["x-d"] = "client" },
      request_headers = { ["x-d"] = "request" },
    }
    local spec = post { headers = { ["x-c"] = "method", ["x-d"] = "method" } }
    assert.equal("X-A: environment", line("x-a", given, spec))
    assert.equal("x-b: client", line("x-b", given, spec))
    assert.equal("x-c: method", line("x-c", given, spec))
    assert.equal("x-d: request", line("x-d", given, spec))
  end)

  it("of the caller replace every default", function()
    for name, value in pairs {
      ["content-type"] = "text/plain", ["accept"] = "a/b", ["user-agent"] = "mine",
      ["Anthropic-Version"] = "2020-01-01",
    } do
      for _, place in ipairs { "headers", "request_headers" } do
        assert.equal(name .. ": " .. value, line(name, { [place] = { [name] = value }, betas = { "b" } }))
        assert.equal(name .. ":", line(name, { [place] = { [name] = false }, betas = { "b" } }))
      end
    end
  end)

  it("of the caller's client name betas beside those of its options, a method and a request", function()
    local spec = post { betas = { "of-method" } }
    for _, given in ipairs {
      { headers = { ["Anthropic-Beta"] = "own, of-method" } }, { custom_headers = "Anthropic-Beta: own,of-method" },
    } do
      given.betas, given.request_betas = { "of-client" }, { "of-request" }
      assert.equal("Anthropic-Beta: own,of-method,of-client,of-request", line("anthropic-beta", given, spec))
      given.betas, given.request_betas = nil, nil
      assert.equal("Anthropic-Beta: own,of-method", line("anthropic-beta", given, spec))
    end
    assert.equal("anthropic-beta: a,  b", line("anthropic-beta", { headers = { ["anthropic-beta"] = "a,  b" } }))
    assert.equal("anthropic-beta:", line("anthropic-beta", { headers = { ["anthropic-beta"] = false } }, spec))
  end)

  it("of the caller's request say all betas", function()
    local spec = post { betas = { "of-method" } }
    for _, value in ipairs { "own", false } do
      local given = {
        headers = { ["anthropic-beta"] = "x" }, betas = { "b" }, request_headers = { ["Anthropic-Beta"] = value },
      }
      assert.equal("Anthropic-Beta:" .. (value and " " .. value or ""), line("anthropic-beta", given, spec))
    end
  end)

  it("of the caller set the content type of an upload too", function()
    local spec = { method = "POST", path = "/", multipart = {} }
    assert.equal("Content-Type: x/y", line("Content-Type", { headers = { ["Content-Type"] = "x/y" } }, spec))
  end)

  it("are refused where one is wrong, wherever it comes from", function()
    local wrong, problem = { ["a b"] = "1" }, 'headers["a b"]: not a header name'
    assert.equal(problem, refusal { headers = wrong })
    assert.equal(problem, refusal { request_headers = wrong })
    assert.equal(problem, refusal { custom_headers = "a b: 1" })
    assert.equal(problem, refusal({}, post { headers = wrong }))
    assert.equal(problem, refusal({ request_headers = { A = "1" }, headers = wrong }))
    assert.equal('headers["A"]: must not contain a line break or NUL', refusal { headers = { A = "1\r\nB: 2" } })
    assert.equal('headers["anthropic-version"]: must not contain a line break or NUL',
      refusal { api_version = "1\nA: 2" })
    assert.equal('headers["anthropic-beta"]: must not contain a line break or NUL', refusal { betas = { "a\nb" } })
    assert.equal('headers["Accept"]: must not contain a line break or NUL', refusal({}, post { accept = "a\nb" }))
    assert.equal('headers["anthropic-version"]: must not contain a line break or NUL',
      refusal { api_version = "1\nA: 2", betas = { "a\nb" }, headers = wrong })
  end)

  it("are refused before a credential is asked for", function()
    assert.equal('headers["a b"]: not a header name', refusal {
      headers = { ["a b"] = "1" },
      api_key = function() error "asked" end,
    })
  end)
end)

describe("the priority of a request", function()
  it("asks for a bit of each answer in turn where they share a connection", function()
    assert.equal("Priority: i", line("Priority", { http_version = "2" }))
    assert.is_nil(line "Priority")
  end)

  it("is the caller's, or not sent, where the caller says so", function()
    assert.equal("priority: u=1", line("priority", { http_version = "2", headers = { priority = "u=1" } }))
    -- so it is not sent
    assert.equal("Priority:", line("priority", { http_version = "2", headers = { Priority = false } }))
  end)
end)

describe("the parameters that travel as headers", function()
  it("are these", function()
    assert.same({
      user_profile_id = "anthropic-user-profile-id",
      workspace_id = "anthropic-workspace-id",
      worker_id = "Anthropic-Worker-ID",
    }, request.PARAMETER_HEADERS)
  end)
end)

describe("the credential", function()
  for _, case in ipairs { -- what, options, X-Api-Key, Authorization
    { "a key at the vendor's host", {}, KEY },
    { "a key at a host below it", { base_url = "https://eu.api.anthropic.com/" }, KEY },
    { "a key elsewhere", { base_url = GATEWAY }, nil, "Bearer " .. KEY },
    { "a key at a host that only looks like the vendor's", { base_url = "https://anthropic.com.example" }, nil,
      "Bearer " .. KEY },
    { "a key that is to be a bearer token", { auth = "bearer" }, nil, "Bearer " .. KEY },
    { "a key that is to be one of x-api-key elsewhere", { base_url = GATEWAY, auth = "x-api-key" }, KEY },
    { "a token at the vendor's host", { api_key = false, auth_token = TOKEN }, nil, "Bearer " .. TOKEN },
    { "a token elsewhere", { base_url = GATEWAY, api_key = false, auth_token = TOKEN }, nil, "Bearer " .. TOKEN },
    { "a token, whatever auth says", { api_key = false, auth_token = TOKEN, auth = "x-api-key" }, nil,
      "Bearer " .. TOKEN },
  } do
    it("may be " .. case[1], function()
      assert.equal(case[3] and "X-Api-Key: " .. case[3], line("X-Api-Key", case[2]))
      assert.equal(case[4] and "Authorization: " .. case[4], line("Authorization", case[2]))
      local list = build(case[2]).secrets
      assert.equal(1, #list)
      assert.equal(case[2].auth_token or KEY, list[1])
      assert.equal(case[2].auth_token and "ANTHROPIC_AUTH_TOKEN" or "ANTHROPIC_API_KEY", list.variables[list[1]])
    end)
  end

  it("is missing", function()
    assert.equal(NO_CREDENTIAL, refusal { api_key = false })
    assert.equal(NO_CREDENTIAL, refusal { api_key = false, base_url = GATEWAY })
    assert.equal(NO_CREDENTIAL, refusal { api_key = false, headers = { ["X-Other"] = "1" } })
  end)

  it("is empty", function()
    for _, value in ipairs { "", " ", "\n\t", "Bearer", " bearer \n" } do
      assert.equal("api_key: is empty", refusal { api_key = value })
      assert.equal("auth_token: is empty", refusal { api_key = false, auth_token = value })
      assert.equal("api_key: is empty", refusal { api_key = function() return value end })
    end
  end)

  it("would end its line, and is not quoted", function()
    for _, value in ipairs { "key\r\nA: 1", "Bearer key\nA: 1", "ke\0y" } do
      assert.equal("api_key: must not contain a line break or NUL", refusal { api_key = value })
      assert.equal("api_key: must not contain a line break or NUL", refusal { api_key = value, base_url = GATEWAY })
      assert.equal("auth_token: must not contain a line break or NUL",
        refusal { api_key = false, auth_token = function() return value end })
    end
  end)

  it("may come from a function, which is asked for each attempt", function()
    local calls = 0
    local make = request.builder(resolved { api_key = function()
      calls = calls + 1
      return "key-0123456789-" .. calls
    end })
    for i = 1, 3 do
      local wire = assert(make(post()))
      assert.equal("X-Api-Key: key-0123456789-" .. i, wire.headers[6])
      assert.equal("key-0123456789-" .. i, wire.secrets[1])
      assert.equal("[redacted]", wire.redact("key-0123456789-" .. i))
    end
    assert.equal(3, calls)
  end)

  it("may be a token from a function, likewise", function()
    local calls = 0
    local make = request.builder(resolved { api_key = false, auth_token = function()
      calls = calls + 1
      return "token" .. calls
    end })
    assert.equal("Authorization: Bearer token1", make(post()).headers[6])
    assert.equal("Authorization: Bearer token2", make(post()).headers[6])
  end)

  it("is one that a function fails to give", function()
    assert.equal("api_key: the function returned nothing", refusal { api_key = function() end })
    assert.equal("api_key: the function returned nothing: no vault", refusal { api_key = function()
      return nil, "no vault"
    end })
    assert.equal("auth_token: the function returned nothing: 7", refusal {
      api_key = false,
      auth_token = function() return nil, 7 end,
    })
    assert.equal("api_key: string expected, got boolean", refusal { api_key = function() return false end })
    assert.equal("api_key: string expected, got table", refusal { api_key = function() return {} end })
    assert.equal("api_key: string expected, got number", refusal { api_key = function() return 5 end })
    assert.equal("api_key: the function raised: vault", refusal { api_key = function() error("vault", 0) end })
  end)

  it("can come after a failure", function()
    local answers = { false, KEY }
    local make = request.builder(resolved { api_key = function() return table.remove(answers, 1) end })
    assert.is_nil((make(post())))
    assert.equal("X-Api-Key: " .. KEY, assert(make(post())).headers[6])
  end)

  for _, case in ipairs { -- what, the caller's headers, secrets
    { "an Authorization with a scheme", { Authorization = "Basic dXNlcjpwYXNz" },
      { "Basic dXNlcjpwYXNz", "dXNlcjpwYXNz", "user:pass", "pass" } },
    { "an authorization without one", { authorization = "dXNlcjpwYXNz" }, { "dXNlcjpwYXNz" } },
    { "a scheme with much space", { Authorization = "Bearer \t a b" }, { "Bearer \t a b", "a", "b" } },
    { "an X-Api-Key", { ["x-api-key"] = "own-0123456789" }, { "own-0123456789" } },
    { "both", { Authorization = "Bearer own", ["X-Api-Key"] = "own too" }, { "own", "own too" } },
    { "an X-Api-Key that has a space", { ["X-Api-Key"] = "a b" }, { "a b" } },
  } do
    for _, place in ipairs { "headers", "request_headers" } do
      it("is the caller's own, as " .. case[1] .. " of " .. place, function()
        for _, of_library in ipairs { KEY, false, function() error "asked" end } do
          local given = { [place] = case[2], api_key = of_library }
          local list = build(given).secrets
          for _, secret in ipairs(case[3]) do
            assert.truthy(list.variables[secret], secret)
          end
          for _, text in ipairs(lines(given)) do
            assert.is_nil(text:find(KEY, 1, true))
          end
        end
      end)
    end
  end

  it("is the caller's own, from ANTHROPIC_CUSTOM_HEADERS", function()
    local given = { custom_headers = "Authorization: Bearer own-0123456789" }
    assert.equal("AUTHORIZATION", build(given).secrets.variables["own-0123456789"])
    assert.is_nil(line("X-Api-Key", given))
  end)

  it("is left out where the caller removes its header", function()
    local given = { api_key = false, headers = { ["X-Api-Key"] = false } }
    assert.equal("x-api-key:", line("X-Api-Key", given):lower())
    assert.equal(0, #build(given).secrets)
    given = { api_key = function() error "asked" end, headers = { ["X-Api-Key"] = false } }
    assert.equal(0, #build(given).secrets)
    given = { base_url = GATEWAY, headers = { authorization = false } }
    assert.equal("authorization:", line("Authorization", given))
    assert.is_nil(line("X-Api-Key", given))
  end)

  it("is sent where the caller removes the other header", function()
    assert.equal("Authorization: Bearer " .. KEY,
      line("Authorization", { base_url = GATEWAY, headers = { ["X-Api-Key"] = false } }))
    assert.equal("X-Api-Key: " .. KEY, line("X-Api-Key", { headers = { Authorization = false } }))
    assert.equal("X-Api-Key: own", line("X-Api-Key", { headers = { Authorization = false, ["X-Api-Key"] = "own" } }))
  end)

  it("of the environment is not sent beside one of the caller's own, under whatever name", function()
    local of_environment = { credential_of_environment = true, headers = { ["api-key"] = "own" } }
    assert.is_nil(line("X-Api-Key", of_environment))
    assert.equal("X-Api-Key: " .. KEY, line("X-Api-Key", { headers = { ["api-key"] = "own" } }))
    assert.is_nil(line("X-Api-Key", { api_key = false, headers = { ["api-key"] = "own" } }))
    for _, value in ipairs { "", false } do
      assert.equal("X-Api-Key: " .. KEY,
        line("X-Api-Key", { credential_of_environment = true, headers = { ["api-key"] = value } }))
    end
    assert.is_nil(line("X-Api-Key", { credential_of_environment = true, custom_headers = "Cookie: a=b" }))
  end)

  it("is blotted out of text", function()
    local wire = build()
    assert.equal("key [redacted] is wrong", wire.redact("key " .. KEY .. " is wrong"))
    wire = build { headers = { Authorization = "Bearer own-0123456789" } }
    assert.equal("[redacted] " .. KEY, wire.redact("own-0123456789 " .. KEY))
    wire = build { headers = { ["X-Api-Key"] = false } }
    assert.equal(KEY, wire.redact(KEY))
  end)

  it("that was written down as a header's value is sent with one scheme, or with none", function()
    for _, value in ipairs { "Bearer " .. KEY, "bearer " .. KEY, " BEARER \t" .. KEY .. "\n", "Bearer\r\n" .. KEY } do
      for _, given in ipairs {
        { api_key = value, base_url = GATEWAY }, { api_key = value, auth = "bearer" },
        { api_key = false, auth_token = function() return value end, base_url = GATEWAY },
      } do
        assert.equal("Authorization: Bearer " .. KEY, line("Authorization", given))
      end
      assert.equal("X-Api-Key: " .. KEY, line("X-Api-Key", { api_key = value }))
      assert.equal("you sent Bearer [redacted].", build({ api_key = value }).redact("you sent Bearer " .. KEY .. "."))
    end
    for _, value in ipairs { "Bearer-" .. KEY, "Bearer" .. KEY, "Token " .. KEY } do
      assert.equal("X-Api-Key: " .. value, line("X-Api-Key", { api_key = value }))
    end
  end)

  it("with white space around it is blotted out as it is sent, without", function()
    local wire = build { api_key = " " .. KEY .. "\t\r\n" }
    assert.equal("X-Api-Key: " .. KEY, wire.headers[6])
    assert.equal("invalid key [redacted].", wire.redact("invalid key " .. KEY .. "."))
    assert.equal(KEY, wire.secrets[1])
    assert.equal("Authorization: Bearer " .. KEY, line("Authorization", { api_key = " " .. KEY, auth = "bearer" }))
  end)
end)

describe("the URL of a request", function()
  it("is the base and the path", function()
    assert.equal(VENDOR .. "/v1/messages", build().url)
    assert.equal(GATEWAY .. "/v1/messages", build({ base_url = GATEWAY .. "//" }).url)
    assert.equal(VENDOR .. "/v1/messages?a=1", build({}, post { query = { a = 1 } }).url)
  end)

  it("is refused, and names why", function()
    assert.equal('base_url "nonsense": must begin with http:// or https:// and a host',
      refusal { base_url = "nonsense" })
    assert.equal([[path "/a b": must not hold spaces, control characters or '#']], refusal({}, post { path = "/a b" }))
    assert.equal("path: a URL of another host than base_url", refusal({}, post { path = "https://other/x" }))
  end)

  it("is refused before a credential is asked for", function()
    local function fail() error "asked" end
    assert.equal('base_url "x": must begin with http:// or https:// and a host',
      refusal { base_url = "x", api_key = fail })
    assert.equal("path: a URL of another host than base_url",
      refusal({ api_key = fail }, post { path = "https://other/x" }))
  end)

  it("is refused again", function()
    local make = request.builder(resolved { base_url = "x" })
    for _ = 1, 3 do
      local wire, err = make(post())
      assert.is_nil(wire)
      assert.matches("^base_url", err.message)
    end
  end)

  it("is that of each request, whatever came before", function()
    local make = request.builder(resolved())
    local function url_of(path, query)
      local wire = make { method = "GET", path = path, query = query }
      return wire and wire.url:sub(#VENDOR + 1)
    end
    assert.equal("/a", url_of("/a"))
    assert.equal("/a?x=1", url_of("/a", { x = 1 }))
    assert.equal("/a", url_of("/a"))
    assert.equal("/b?x=1", url_of("/b", { x = 1 }))
    assert.equal("/b", url_of("/b"))
    assert.equal("/b", url_of("/b"))
    assert.is_nil(url_of("/b c"))
    assert.is_nil(url_of("/b c"))
    assert.equal("/b", url_of("/b"))
    assert.equal("/a", url_of("/a", {}))
    assert.equal("/c", url_of("/c"))
    assert.is_nil(url_of("https://other/"))
    assert.equal("/c?y=2", url_of("/c", { y = 2 }))
  end)
end)

describe("requests with the same options", function()
  it("have the headers of their own kind, whatever came before", function()
    local kinds = {
      post = post(),
      get = GET,
      upload = post { multipart = {} },
      binary = post { accept = "a/b" },
      other_binary = post { accept = "c/d" },
      betas = post { betas = { "b" } },
      no_betas = post { betas = {} },
      headers = post { headers = { A = "1" } },
      no_headers = post { headers = {} },
    }
    for _, first in pairs(kinds) do
      local make = request.builder(resolved { betas = { "own" } })
      assert(make(first))
      for name, spec in pairs(kinds) do
        assert.same(lines({ betas = { "own" } }, spec), assert(make(spec)).headers, name)
      end
    end
  end)

  it("have bodies and other fields of their own", function()
    local make = request.builder(resolved())
    local sink, parts = {}, {}
    local one = make(post { body = "1", sink = sink })
    local other = make { method = "PUT", path = "/x", multipart = parts }
    assert.equal("POST", one.method)
    assert.equal("1", one.body)
    assert.equal(sink, one.sink)
    assert.is_nil(one.multipart)
    assert.equal("PUT", other.method)
    assert.is_nil(other.body)
    assert.is_nil(other.sink)
    assert.equal(parts, other.multipart)
    assert.is_false(one.record)
    assert.is_nil(one.total_timeout)
    one.record, one.total_timeout = true, 1
    assert.is_false(other.record)
    assert.is_nil(other.total_timeout)
    assert.is_nil(make(post()).total_timeout)
  end)

  it("are not those of other options", function()
    local one, other = request.builder(resolved()), request.builder(resolved { base_url = GATEWAY, proxy = "p" })
    assert.equal(VENDOR .. "/v1/messages", one(post()).url)
    assert.equal(GATEWAY .. "/v1/messages", other(post()).url)
    assert.is_nil(one(post()).proxy)
    assert.equal("p", other(post()).proxy)
  end)
end)

describe("what a request tells the transfer", function()
  it("are the options", function()
    local wire = build { proxy = "http://proxy", ca_file = "/ca.pem", ca_path = "/ca", insecure = true,
                         max_response_bytes = 10, max_event_bytes = 5, max_download_bytes = 7, http_version = "2" }
    assert.equal("http://proxy", wire.proxy)
    assert.equal("/ca.pem", wire.ca_file)
    assert.equal("/ca", wire.ca_path)
    assert.is_true(wire.insecure)
    assert.equal(10, wire.max_body_bytes)
    assert.equal(5, wire.max_event_bytes)
    assert.equal(7, wire.max_download_bytes)
    assert.is_true(wire.http2)
  end)

  it("is nothing where none is given", function()
    local wire = build()
    for _, name in ipairs { "proxy", "ca_file", "ca_path", "insecure", "total_timeout", "sink", "multipart" } do
      assert.is_nil(wire[name], name)
    end
    assert.is_false(wire.http2)
  end)

  it("are the timeouts, of which false is none; the total is the exchange's", function()
    local wire = build()
    assert.same({ 30, 600, 300 }, { wire.connect_timeout, wire.first_byte_timeout, wire.idle_timeout })
    wire = build { timeout = { connect = 1, first_byte = 2, idle = 3, total = 4 } }
    assert.same({ 1, 2, 3 }, { wire.connect_timeout, wire.first_byte_timeout, wire.idle_timeout })
    assert.is_nil(wire.total_timeout)
    wire = build { timeout = { connect = false, first_byte = false, idle = false } }
    assert.is_nil(wire.connect_timeout)
    assert.is_nil(wire.first_byte_timeout)
    assert.is_nil(wire.idle_timeout)
    wire = build { timeout = 5 }
    assert.same({ 30, 600, 300 }, { wire.connect_timeout, wire.first_byte_timeout, wire.idle_timeout })
    assert.is_nil(wire.total_timeout)
  end)
end)
