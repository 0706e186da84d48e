local check = require "anthropic.base.check"
local json = require "anthropic.base.json"
local loop = require "anthropic.loop"
local options = require "anthropic.http.options"
local service = require "spec.support.service"

local NUL = "a\0b"

-- The message that the check of options raises, less the position (the call here), or nil.
local function refusal(given, settings)
  local ok, message = pcall(function()
    options.check(given, 1, settings)
  end)
  return not ok and assert(message:match "^spec/unit/http/options_spec%.lua:%d+: (.*)$", message) or nil
end

local function f() end

describe("an option", function()
  local whole = "a whole number, 0 or more"
  local size = "a whole number, 1 or more"
  local seconds = "a positive number of seconds, or a table of connect, first_byte, idle, total"
  local a_credential = "string, function or table of a command"
  local a_driver = "a driver or the name of one (" .. table.concat(loop.names(), ", ") .. ")"
  for _, row in ipairs { -- name, what is expected, values that are taken, values that are not
    { "api_key", a_credential, { "k", "", f, { command = { "op" } }, { command = { "op", "x" }, expires_in = 0.5 } },
      { 1, {}, true, false, { command = {} }, { command = "op" }, { command = { 1 } }, { "op" }, { expires_in = 1 },
        { command = { "op" }, expires_in = 0 }, { command = { "op" }, expires_on = 1 },
        { command = { "op", NUL } } }, true },
    { "auth_token", a_credential, { "k", "", f, { command = { "op" } } }, { 1, {}, true, false }, true },
    { "middleware", "a list of functions", { {}, { f }, { f, f } }, { f, "f", 1, true, { "f" }, { f = f }, { f, 1 } } },
    { "tag", "anything", { 1, "a", {}, f, true, false }, {} },
    { "certificate_file", "a path", { "/a b/c.pem" }, { "", "a\nb", NUL, 1, {}, true, false } },
    { "key_file", "a path", { "/a b/c.pem" }, { "", "a\nb", NUL, 1, {}, true, false } },
    { "unix_socket", "a path", { "/a b/c" }, { "", "a\nb", NUL, 1, {}, true, false } },
    { "auth", 'one of "x-api-key", "bearer"', { "x-api-key", "bearer" }, { "Bearer", "", "x", 1, {}, true, false, f } },
    { "base_url", "string", { "http://h", "" }, { 1, {}, f, true, false } },
    { "api_version", "string", { "2023-06-01", "" }, { 20230601, {}, f, false } },
    { "betas", "a list of strings", { {}, { "a" }, { "a", "b" } },
      { "a", 1, true, false, f, { 1 }, { "a", 2 }, { a = "b" }, { "a", b = "c" }, { { "a" } }, { true } } },
    { "headers", "table", { {}, { a = "b" }, { a = false } }, { "a: b", 1, true, false, f } },
    { "model", "the name of a model", { "m", " m ", "a/b:c@d" }, { "", " \t\n", 1, {}, true, false, f } },
    { "max_retries", whole, { 0, 1, 2.0, 100 }, { -1, -0.5, 0.5, 1.5, 0 / 0, 1 / 0, "1", {}, true, false } },
    { "timeout", seconds,
      { 1, 0.001, 1 / 0, {}, { connect = 1 }, { first_byte = 0.5 }, { idle = 2 }, { total = 3 }, { connect = false },
        { first_byte = false, idle = false, total = false } },
      { 0, -1, 0 / 0, "1", true, f, { connect = 0 }, { idle = -1 }, { total = "1" }, { total = true },
        { first_byte = {} }, { read = 1 }, { 1 }, { connect = 1, read = false } } },
    { "proxy", "a line of text", { "", "http://user:pass@h:1" }, { "a\nb", "a\rb", NUL, 1, {}, true, false }, true },
    { "ca_file", "a path", { "/a b/c.pem" }, { "", "a\nb", "a\rb", NUL, "a\n", 1, {}, true, false } },
    { "ca_path", "a path", { "/a b" }, { "", "a\nb", "a\rb", NUL, "\n", 1, {}, true, false } },
    { "insecure", "boolean", { true, false }, { 0, 1, "true", {}, f } },
    { "http_version", 'one of "1.1", "2"', { "1.1", "2" }, { "1.0", "2.0", "", 2, 1.1, {}, true, false } },
    { "max_event_bytes", size, { 1, 2 ^ 40, math.huge }, { 0, 0.5, 1.5, -1, 0 / 0, "1", {}, true, false } },
    { "max_response_bytes", size, { 1, 2 ^ 40, math.huge }, { 0, 0.5, 1.5, -1, 0 / 0, "1", {}, true, false } },
    { "max_download_bytes", size, { 1, 2 ^ 40, math.huge }, { 0, 0.5, 1.5, -1, 0 / 0, "1", {}, true, false } },
    { "max_idle", "a positive number of seconds", { 0.5, 1, 1 / 0 }, { 0, -1, 0 / 0, "1", {}, true, false } },
    { "loop", a_driver, { "blocking", "scheduler", { wait = f } }, { "Blocking", "", 1, {}, f, true, false } },
    { "retry", 'one of "safe", "always"', { "safe", "always" }, { "never", "", 1, {}, true, false, f } },
    { "on_interrupt", 'one of "retry", "continue"', { "retry", "continue" }, { "error", "", 1, {}, true, false, f } },
    { "platform", 'one of "anthropic", "bedrock", "bedrock_mantle", "aws", "vertex", "foundry", "google_cloud"',
      { "anthropic", "bedrock", "bedrock_mantle", "aws", "vertex", "foundry", "google_cloud" },
      { "Bedrock", "", 1, {}, true, false, f } },
    { "profile", "string", { "p", "" }, { 1, {}, f, true, false } },
    { "region", "string", { "r", "" }, { 1, {}, f, true, false } },
    { "project_id", "string", { "p", "" }, { 1, {}, f, true, false } },
    { "resource", "string", { "r", "" }, { 1, {}, f, true, false } },
    { "workspace_id", "string", { "w", "" }, { 1, {}, f, true, false } },
    { "location", "string", { "l", "" }, { 1, {}, f, true, false } },
    { "aws_access_key_id", "string", { "k", "" }, { 1, {}, f, true, false } },
    { "aws_secret_access_key", "string", { "k", "" }, { 1, {}, f, true, false } },
    { "aws_session_token", "string", { "t", "" }, { 1, {}, f, true, false } },
    { "aws_profile", "string", { "p", "" }, { 1, {}, f, true, false } },
    { "limiter", "an object with the method acquire, or false", { false, { acquire = f }, io.stdout },
      { true, {}, { release = f }, 1, "x", f, json.null } },
    { "on_retry", "function", { f }, { "f", 1, {}, true, false } },
    { "on_log", "function", { f }, { "f", 1, {}, true, false } },
  } do
    local name, expected, taken, refused, is_hidden = row[1], row[2], row[3], row[4], row[5]

    it(name .. " takes " .. expected, function()
      for _, value in ipairs(taken) do
        assert.is_nil(refusal { [name] = value })
      end
    end)

    it(name .. " refuses all else, and says what it expects", function()
      for _, value in ipairs(refused) do
        local is_word = type(value) == "string" and value:find "^[%w%s._-]*$" -- else it may hold a secret
        local got = is_word and not is_hidden and ("%q"):format(value) or type(value)
        assert.equal(("option %q: %s expected, got %s"):format(name, expected, got), refusal { [name] = value })
      end
    end)
  end

  it("that is misspelt is refused with the nearest name", function()
    for wrong, right in pairs {
      apikey = "api_key", API_KEY = "api_key", base_uri = "base_url", maxRetries = "max_retries",
      time_out = "timeout", header = "headers", on_logs = "on_log", beta = "betas", ["ca-file"] = "ca_file",
      [""] = "tag", x = "tag",
    } do
      assert.equal(('unknown option %q; did you mean %q?'):format(wrong, right), refusal { [wrong] = 1 })
    end
  end)

  it("without a name is refused", function()
    assert.matches('^unknown option "1"; did you mean "[%w_]+"%?$', refusal { "api_key" })
    assert.matches('^unknown option "true"; did you mean "[%w_]+"%?$', refusal { [true] = 1 })
    assert.matches('^unknown option "table: .+"; did you mean "[%w_]+"%?$', refusal { [{}] = 1 })
  end)

  it("is quoted up to 15 letters: what is longer may be a credential in a wrong place", function()
    local words = ("x"):rep(15)
    assert.matches('got "' .. words .. '"$', refusal { max_retries = words })
    assert.matches("got string$", refusal { max_retries = words .. "x" })
  end)

  it("that holds a password is not quoted", function()
    assert.is_nil(refusal { proxy = "http://user:secret@host" })
    local message = refusal { proxy = "http://user:secret@host\n" }
    assert.equal('option "proxy": a line of text expected, got string', message)
  end)
end)

describe("options", function()
  it("may be missing or empty", function()
    options.check(nil, 1)
    options.check({}, 1)
    options.check(nil, 1, {})
  end)

  it("must be a table", function()
    for _, value in ipairs { "key", 1, true, false, f } do
      assert.equal("options: table expected, got " .. type(value), refusal(value))
    end
    assert.equal("options: table expected, got boolean", refusal(false))
  end)

  it("hold one form of credential, not both", function()
    assert.equal("options api_key and auth_token exclude each other", refusal { api_key = "a", auth_token = "b" })
    assert.equal("options api_key and auth_token exclude each other", refusal { api_key = f, auth_token = f })
    assert.is_nil(refusal { api_key = "a" })
    assert.is_nil(refusal { auth_token = "a" })
    for _, name in ipairs { "api_key", "auth_token" } do
      assert.equal("the option profile excludes api_key and auth_token", refusal { profile = "p", [name] = "a" })
    end
  end)

  it("take a method's own settings beside all others", function()
    local settings = {
      concurrency = check.positive(),
      path = check.of_type("string"),
      on_done = check.of_type("function", "table"),
    }
    assert.is_nil(refusal({ concurrency = 1, path = "x", on_done = f, timeout = 5 }, settings))
    assert.is_nil(refusal({ on_done = {} }, settings))
    assert.equal('option "concurrency": a positive number expected, got number', refusal({ concurrency = 0 }, settings))
    assert.equal('option "path": string expected, got number', refusal({ path = 1 }, settings))
    assert.equal('option "on_done": function or table expected, got "x"', refusal({ on_done = "x" }, settings))
    assert.equal('option "timeout": a positive number of seconds, or a table of connect, first_byte, idle, total'
      .. ' expected, got number', refusal({ timeout = 0 }, settings))
    assert.equal('unknown option "concurency"; did you mean "concurrency"?', refusal({ concurency = 1 }, settings))
  end)

  it("of one method are none of the next", function()
    assert.is_nil(refusal({ path = "x" }, { path = check.of_type("string") }))
    assert.matches('^unknown option "path"', refusal { path = "x" })
  end)

  it("put the blame where the level says", function()
    local function method(given, level) -- as a method that checks for its caller
      options.check(given, level)
      return true
    end
    for _, given in ipairs {
      { x = 1 }, { api_key = 1 }, { api_key = "a", auth_token = "b" }, { profile = "p", api_key = "a" }, "text",
    } do
      local line = debug.getinfo(1, "l").currentline + 2
      local _, message = pcall(function()
        local result = method(given, 2)
        return result
      end)
      assert.matches("^spec/unit/http/options_spec%.lua:" .. line .. ": ", message)
      _, message = pcall(function()
        local result = method(given, 1)
        return result
      end)
      local of_method = debug.getinfo(method, "S").linedefined + 1
      assert.matches("^spec/unit/http/options_spec%.lua:" .. of_method .. ": ", message)
    end
  end)
end)

describe("the limit of an event", function()
  it("is its own, and a whole answer's where that is above 1 MiB", function()
    for _, case in ipairs {
      { 100, 1000, 100 }, { 5e6, 2e6, 2e6 }, { 5e6, 1000, 1024 * 1024 }, { 100, nil, 100 }, { nil, 2e6, 2e6 },
      { math.huge, math.huge, math.huge }, { nil, nil, math.huge },
    } do
      assert.equal(case[3], options.event_limit(function(name)
        return ({ max_event_bytes = case[1], max_response_bytes = case[2] })[name]
      end))
    end
  end)
end)

describe("the options of a client", function()
  before_each(function() service.environment {} end)
  after_each(service.clear)

  it("have defaults", function()
    assert.same({
      base_url = "https://api.anthropic.com",
      api_version = "2023-06-01",
      max_retries = 2,
      http_version = "1.1",
      max_event_bytes = 33554432,
      max_response_bytes = 67108864,
      max_download_bytes = 1073741824,
    }, options.of_client())
    assert.same(options.of_client(), options.of_client {})
  end)

  it("come from the environment", function()
    service.environment {
      ANTHROPIC_BASE_URL = "http://gateway",
      ANTHROPIC_API_KEY = "key",
      ANTHROPIC_MODEL = "m",
      ANTHROPIC_CUSTOM_HEADERS = "A: 1\nB: 2",
      ANTHROPIC_LOG = "debug",
    }
    local resolved = options.of_client()
    assert.equal("http://gateway", resolved.base_url)
    assert.equal("key", resolved.api_key)
    assert.equal("m", resolved.model)
    assert.equal("A: 1\nB: 2", resolved.custom_headers)
    assert.equal("debug", resolved.log_level)
    assert.is_nil(resolved.auth_token)
  end)

  it("take a token from the environment where it has no key", function()
    service.environment { ANTHROPIC_AUTH_TOKEN = "token" }
    local resolved = options.of_client()
    assert.is_nil(resolved.api_key)
    assert.equal("token", resolved.auth_token)
    service.environment { ANTHROPIC_AUTH_TOKEN = "token", ANTHROPIC_API_KEY = "key" }
    resolved = options.of_client()
    assert.equal("key", resolved.api_key)
    assert.is_nil(resolved.auth_token)
    service.environment { ANTHROPIC_AUTH_TOKEN = "token", ANTHROPIC_API_KEY = "" }
    assert.equal("token", options.of_client().auth_token)
  end)

  it("take a variable without its white space, and an empty one for none", function()
    for _, name in ipairs { "BASE_URL", "API_KEY", "AUTH_TOKEN", "MODEL", "CUSTOM_HEADERS", "LOG" } do
      local field = ({ CUSTOM_HEADERS = "custom_headers", LOG = "log_level" })[name] or name:lower()
      local default = options.of_client()[field]
      service.environment { ["ANTHROPIC_" .. name] = " \t a b \r\n" }
      assert.equal("a b", options.of_client()[field])
      for _, empty in ipairs { "", " ", "\n\t " } do
        service.environment { ["ANTHROPIC_" .. name] = empty }
        assert.equal(default, options.of_client()[field])
      end
      service.environment {}
    end
  end)

  it("stand above the environment", function()
    service.environment { ANTHROPIC_BASE_URL = "http://gateway", ANTHROPIC_API_KEY = "key" }
    local resolved = options.of_client { base_url = "http://given", api_key = "given", max_retries = 0, timeout = 5 }
    assert.equal("http://given", resolved.base_url)
    assert.equal("given", resolved.api_key)
    assert.equal(0, resolved.max_retries)
    assert.equal(5, resolved.timeout)
  end)

  it("replace a credential of the environment by either form", function()
    service.environment { ANTHROPIC_API_KEY = "key" }
    local resolved = options.of_client { auth_token = "given" }
    assert.is_nil(resolved.api_key)
    assert.equal("given", resolved.auth_token)
    service.environment { ANTHROPIC_AUTH_TOKEN = "token" }
    resolved = options.of_client { api_key = f }
    assert.equal(f, resolved.api_key)
    assert.is_nil(resolved.auth_token)
  end)

  it("have what remembers a credential that is asked for, and nothing of it once that is replaced", function()
    local resolved = options.of_client { api_key = f }
    assert.is_truthy(resolved.token_source)
    local other = options.of_request(resolved, { auth_token = f })
    assert.is_truthy(other.token_source)
    assert.not_equal(resolved.token_source, other.token_source)
    assert.is_nil(options.of_request(resolved, { api_key = "k" }).token_source)
    assert.equal(resolved.token_source, options.of_request(resolved, { max_retries = 1 }).token_source)
  end)

  it("have neither the vendor's base URL nor its credential where they are of another platform", function()
    for _, name in ipairs { "API_KEY", "AUTH_TOKEN" } do
      service.environment { ["ANTHROPIC_" .. name] = "k", ANTHROPIC_BASE_URL = "http://gateway", ANTHROPIC_MODEL = "m" }
      local resolved = options.of_client({ max_retries = 1 }, true)
      assert.same({ "m", 1 }, { resolved.model, resolved.max_retries })
      for _, field in ipairs { "base_url", "api_key", "auth_token", "credential_of_environment" } do
        assert.is_nil(resolved[field])
      end
    end
  end)

  it("have a base URL that somebody named where one is", function()
    for given, is_derived in pairs { [{}] = true, [{ base_url = "x" }] = false } do
      assert.equal(is_derived, options.merge({ has_derived_base = true }, given).has_derived_base or false)
    end
  end)

  it("keep false where it is given", function()
    assert.is_false(options.of_client({ insecure = false }).insecure)
  end)

  it("are not changed by what becomes of the caller's tables", function()
    local given = { headers = { a = "1" }, betas = { "b" }, timeout = { idle = 1 }, max_retries = 1 }
    local resolved = options.of_client(given)
    given.headers.a, given.headers.c, given.betas[2], given.timeout.idle, given.max_retries = "2", "3", "x", 9, 7
    assert.same({ a = "1" }, resolved.headers)
    assert.same({ "b" }, resolved.betas)
    assert.same({ idle = 1 }, resolved.timeout)
    assert.equal(1, resolved.max_retries)
  end)

  it("leave the caller's table alone", function()
    service.environment { ANTHROPIC_API_KEY = "key" }
    local given = { headers = { a = "1" } }
    options.of_client(given).max_retries = 9
    assert.same({ headers = { a = "1" } }, given)
    assert.equal(2, options.of_client().max_retries)
  end)

  it("keep the very driver that they are given", function()
    local driver = { wait = f }
    assert.equal(driver, options.of_client({ loop = driver }).loop)
  end)
end)

describe("the options of a request", function()
  it("are those of its client where it has none", function()
    local of_client = { max_retries = 1 }
    assert.equal(of_client, options.of_request(of_client))
    assert.same({ max_retries = 1 }, options.of_request(of_client, {}))
  end)

  it("stand above those of the client, and leave these alone", function()
    local of_client, given = { max_retries = 1, base_url = "a", insecure = true }, { max_retries = 5, insecure = false }
    assert.same({ max_retries = 5, base_url = "a", insecure = false }, options.of_request(of_client, given))
    assert.same({ max_retries = 1, base_url = "a", insecure = true }, of_client)
    assert.same({ max_retries = 5, insecure = false }, given)
  end)

  it("replace the client's credential by either form, and keep it else", function()
    assert.same({ auth_token = "t" }, options.of_request({ api_key = "k" }, { auth_token = "t" }))
    assert.same({ api_key = "k" }, options.of_request({ auth_token = "t" }, { api_key = "k" }))
    assert.same({ api_key = "k2" }, options.of_request({ api_key = "k" }, { api_key = "k2" }))
    assert.same({ api_key = "k", max_retries = 0 }, options.of_request({ api_key = "k" }, { max_retries = 0 }))
  end)

  it("keep headers and betas of both apart, for later", function()
    local of_client = { headers = { a = "1" }, betas = { "x" } }
    assert.same({ headers = { a = "1" }, request_headers = { a = "2" }, betas = { "x" }, request_betas = { "y" } },
      options.of_request(of_client, { headers = { a = "2" }, betas = { "y" } }))
    assert.same({ request_headers = { a = "2" } }, options.of_request({}, { headers = { a = "2" } }))
    assert.same({ request_betas = { "y" } }, options.of_request({}, { betas = { "y" } }))
    assert.same({ headers = { a = "1" }, betas = { "x" } }, options.of_request(of_client, {}))
  end)

  it("do not take the headers of an earlier request", function()
    local first = options.of_request({}, { headers = { a = "1" }, betas = { "x" } })
    assert.same({}, options.of_request(first, {}))
  end)

  it("have the client's timeouts under their own", function()
    local of_client = { timeout = { connect = 1, idle = false } }
    local function timeout(given)
      return options.of_request(of_client, { timeout = given }).timeout
    end
    assert.same({ connect = 1, first_byte = 600, idle = false, total = 7 }, timeout(7))
    assert.same({ connect = 2, first_byte = 5, idle = false, total = false }, timeout { connect = 2, first_byte = 5 })
    assert.same({ connect = false, first_byte = 600, idle = 4, total = false }, timeout { connect = false, idle = 4 })
    assert.same({ connect = 1, first_byte = 600, idle = false, total = false }, timeout {})
    assert.equal(of_client.timeout, timeout(nil))
    assert.same({ connect = 1, idle = false }, of_client.timeout)
  end)

  it("lift a client's total timeout by false", function()
    assert.same({ connect = 30, first_byte = 600, idle = 300, total = false },
      options.of_request({ timeout = 5 }, { timeout = { total = false } }).timeout)
    assert.same({ connect = 30, first_byte = 600, idle = 300, total = 6 },
      options.of_request({ timeout = 5 }, { timeout = 6 }).timeout)
  end)
end)

describe("timeouts", function()
  local defaults = { connect = 30, first_byte = 600, idle = 300, total = false }

  it("have defaults", function()
    assert.same(defaults, options.timeouts())
    assert.same(defaults, options.timeouts {})
  end)

  it("are the total where they are a number", function()
    assert.same({ connect = 30, first_byte = 600, idle = 300, total = 1.5 }, options.timeouts(1.5))
  end)

  it("are taken by name, and false is none", function()
    assert.same({ connect = 1, first_byte = 2, idle = 3, total = 4 },
      options.timeouts { connect = 1, first_byte = 2, idle = 3, total = 4 })
    assert.same({ connect = false, first_byte = false, idle = false, total = false },
      options.timeouts { connect = false, first_byte = false, idle = false, total = false })
    assert.same({ connect = 30, first_byte = 600, idle = 9, total = false }, options.timeouts { idle = 9 })
  end)

  it("are a table of their own each time", function()
    local given = { idle = 9 }
    options.timeouts(given).idle = 1
    options.timeouts().connect = 1
    assert.same({ idle = 9 }, given)
    assert.same(defaults, options.timeouts())
  end)
end)

describe("the options of the way to the server", function()
  local core = require "anthropic.core"

  it("are what the core looks at by these names", function()
    local own, seen = core.loop(), {}
    own:start(setmetatable({ method = "GET", url = "http://127.0.0.1:9/" }, { __index = function(_, name)
      seen[name] = true
    end })):close()
    own:close()
    for _, each in ipairs(options.ROUTE) do
      assert.is_true(seen[each.name], each.name)
    end
  end)

  it("are in the annotations and on the page of options", function()
    for _, path in ipairs { "lua/anthropic/init.lua", "doc/how-to/options.md" } do
      local file = assert(io.open(path))
      local text = file:read "*a"
      file:close()
      for _, each in ipairs(options.ROUTE) do
        local pattern = path:find "lua$" and "%-%-%-@field " .. each.name .. "%? " or "| [^|\n]*`" .. each.name .. "`"
        assert.matches(pattern, text, nil, nil, each.name .. " in " .. path)
      end
    end
  end)
end)

describe("a table of a method's settings and options", function()
  local rows = { concurrency = check.positive(), on_progress = check.of_type "function" }

  it("is divided by the names of the settings", function()
    local own, rest = options.split({ concurrency = 1, timeout = 2, on_progress = f, headers = {} }, rows)
    assert.same({ concurrency = 1, on_progress = f }, own)
    assert.same({ timeout = 2, headers = {} }, rest)
  end)

  it("keeps false on its side", function()
    local own, rest = options.split({ concurrency = false, insecure = false }, rows)
    assert.same({ concurrency = false }, own)
    assert.same({ insecure = false }, rest)
  end)

  it("may be missing", function()
    local own, rest = options.split(nil, rows)
    assert.same({}, own)
    assert.same({}, rest)
  end)

  it("is left alone", function()
    local given = { concurrency = 1, timeout = 2 }
    options.split(given, rows)
    assert.same({ concurrency = 1, timeout = 2 }, given)
  end)
end)

describe("the options of a client", function()
  after_each(service.clear)

  it("know a credential of the environment from one that was given", function()
    service.environment { ANTHROPIC_API_KEY = "of the environment" }
    assert.is_true(options.of_client({}).credential_of_environment)
    local resolved = options.of_client { api_key = "given" }
    assert.equal("given", resolved.api_key)
    assert.is_nil(resolved.credential_of_environment)
    service.environment { ANTHROPIC_AUTH_TOKEN = "of the environment" }
    assert.is_true(options.of_client({}).credential_of_environment)
    service.environment {}
    assert.is_nil(options.of_client({}).credential_of_environment)
  end)

  it("take over what another client remembers of the same credential", function()
    local function kept(resolved, other)
      resolved.token_source = resolved.token_source or { name = "auth_token" }
      other.token_source = { name = "auth_token" }
      options.keep_sources(resolved, other)
      return resolved.token_source == other.token_source
    end
    assert.is_true(kept({ base_url = "a", proxy = "p" }, { base_url = "b" }))
    assert.is_true(kept({ login = {}, base_url = "a", proxy = "p", max_retries = 1 }, { base_url = "a", proxy = "p" }))
    assert.is_false(kept({ login = {}, base_url = "a" }, { base_url = "b" }))
    assert.is_false(kept({ login = {}, base_url = "a", proxy = "p" }, { base_url = "a" }))
    assert.is_false(kept({ token_source = { name = 'the profile "p"' } }, {}))
    local resolved = { signing = 1 }
    options.keep_sources(resolved, { signing = 2, token_source = {} })
    assert.same({ signing = 2 }, resolved)
    options.keep_sources(resolved, { token_source = {} })
    assert.same({}, resolved)
  end)

  it("keep the base URL that somebody named before that of a profile", function()
    local directory = require("spec.support.directory").new()
    directory:run "mkdir configs"
    directory:write("configs/default.json",
      '{"base_url":"https://profile.test","authentication":{"type":"user_oauth"}}')
    service.environment { ANTHROPIC_CONFIG_DIR = directory.root }
    assert.equal("https://profile.test", options.of_client({}).base_url)
    assert.equal("https://given.test", options.of_client({ base_url = "https://given.test" }).base_url)
    service.environment { ANTHROPIC_CONFIG_DIR = directory.root, ANTHROPIC_BASE_URL = "https://environment.test" }
    assert.equal("https://environment.test", options.of_client({}).base_url)
    assert.is_truthy(options.of_client({}).login)
    directory:remove()
  end)
end)

describe("the options of a plain request", function()
  it("have no retries but those that are asked for, and all other defaults", function()
    assert.equal(0, options.of_transport({}).max_retries)
    assert.equal(3, options.of_transport({ max_retries = 3 }).max_retries)
    assert.equal(options.of_client({ api_key = "k" }).max_event_bytes, options.of_transport({}).max_event_bytes)
    assert.is_nil(options.of_transport({ api_key = "k", model = "m" }).api_key)
  end)

  it("are checked as a client's, and are those alone", function()
    local rows = options.transport_rows()
    for _, name in ipairs { "max_retries", "timeout", "proxy", "insecure", "max_download_bytes", "loop", "on_retry" } do
      assert.equal(options.ROWS[name], rows[name])
    end
    for _, name in ipairs { "api_key", "base_url", "headers", "model", "limiter" } do
      assert.is_nil(rows[name])
    end
  end)
end)
