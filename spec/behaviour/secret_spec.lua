-- Where what is secret must not go: the list of all places where text leaves the library, and of all that is secret.
-- What else each place shows: request_spec, log_spec, record_spec, curl_spec, proxy_spec.

local anthropic = require "anthropic"
local background = require "spec.support.background"
local child = require "spec.support.child"
local core = require "anthropic.core"
local service = require "spec.support.service"
local spellings = require "spec.support.spellings"
local testing = require "anthropic.testing"
local urls = require "anthropic.http.url"

local params = service.params

describe("a credential", function()
  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  it("is not carried to where a redirect leads, but for another place of the same server (redirect_spec)", function()
    local elsewhere = service.serve(testing.message { text = "Hello!" })
    local script = { routes = {} }
    local requests = {
      function(client, options) return client.messages.create(params(), options) end,
      function(client, options) return client.messages.stream(params(), options) end,
      function(client, options) return client.models.retrieve("m", nil, options) end,
      function(client, options) return client.files.download("f", nil, options) end,
    }
    for _, status in ipairs { 301, 302, 303, 307, 308 } do
      local places = { elsewhere.url .. "/v1/messages", elsewhere.url:gsub("^http:", ""), elsewhere.url .. "\\" }
      places[#places + 1] = status < 307 and "/elsewhere/v1/messages" or nil
      for _, place in ipairs(places) do
        script.routes[#script.routes + 1] = {
          match = ("^/%d/"):format(#script.routes + 1),
          answers = { { status = status, headers = { Location = place } } },
        }
      end
    end
    local server = service.serve(script)
    for _, credential in ipairs { { auth = "bearer" }, { auth = "x-api-key" }, { auth_token = service.KEY } } do
      local client = service.client(server, credential)
      for i in ipairs(script.routes) do
        for _, request in ipairs(requests) do
          local answer, err = request(client, { base_url = server.url .. "/" .. i })
          assert.is_nil(answer)
          assert.equal("api", err.kind)
          assert.matches("redirects to .* %(not followed%)$", err.message)
        end
      end
    end
    assert.equal(3 * 18 * #requests, #server:requests())
    for _, request in ipairs(server:requests()) do
      assert.is_nil(request.path:find("elsewhere", 1, true))
    end
    assert.same({}, elsewhere:requests())
    assert.equal(0, elsewhere:connections().opened)
  end)

  it("is not in what came of an answer that broke off", function()
    local script = {
      testing.message { text = "you sent " .. service.KEY .. ".", framing = "chunked", cut_after = 1e6 },
      testing.message { text = "you sent " .. service.KEY .. ".", framing = "chunked", reset_after = 1e6 },
    }
    local client = service.client(service.serve(script))
    for _ in ipairs(script) do
      local _, err = client.messages.create(params())
      assert.truthy(err.body:find("you sent [redacted].", 1, true), err.body)
      assert.is_nil(err.body:find(service.KEY, 1, true))
    end
  end)

  it("is not in the end of an answer that broke off within it", function()
    local echo, records = "you sent " .. service.KEY, {}
    for _, status in ipairs { 200, 400 } do
      local server = service.serve { { status = status, body = echo, cut_after = #"you sent " + 9 } }
      local client = service.client(server, { on_log = function(record) records[#records + 1] = record end })
      local _, err = client.models.retrieve "m"
      assert.equal("you sent [redacted]", err.body)
      assert.is_nil(tostring(err):find(service.KEY:sub(1, 9), 1, true))
    end
    local count = 0
    for _, record in ipairs(records) do
      if record.event == "body" then
        count = count + 1
        assert.equal("you sent [redacted]", record.response_body())
      end
    end
    assert.equal(2, count)
  end)

  -- What a program prints that has made requests of every sort with a key of its own, read from a file.
  it("is in no process's arguments, and in no recording", function()
    local directory = background.make_directory()
    local key = ("sk-ant-%d-%s"):format(os.time(), tostring({}):match "%x+$"):rep(2)
    background.write_file(directory .. "/key", key)
    background.write_file(directory .. "/program.lua", [[
      local anthropic = require "anthropic"
      local testing = require "anthropic.testing"
      local directory = ...
      local file = io.open(directory .. "/key")
      local key = file:read "*l"
      file:close()
      local server = testing.server { script = {
        testing.error { status = 500, message = "you sent " .. key, retry_after = 0.01 },
        testing.stream { text = "one two three", delay_between = 0.05 },
      } }
      local records = {}
      local client = anthropic.new {
        api_key = key, base_url = server.url, on_log = function(record) records[#records + 1] = record end,
      }
      local recorder = testing.record(client, directory .. "/recording")
      local stream = assert(client.messages.stream {
        model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } },
      })
      assert(stream:next())
      local seen = 0
      for path in io.popen("ls -d /proc/[0-9]* 2>/dev/null"):lines() do
        local arguments = io.open(path .. "/cmdline")
        local text = arguments and arguments:read "*a" or ""
        if arguments then
          arguments:close()
        end
        if text:find(key, 1, true) then
          print("in the arguments of " .. path)
        end
        seen = seen + (text:find(directory, 1, true) and 1 or 0)
      end
      assert(stream:message())
      recorder:stop()
      local recording = io.open(directory .. "/recording", "rb")
      local recorded = recording:read "*a"
      recording:close()
      if recorded:find(key, 1, true) then
        print "in the recording"
      end
      server:stop()
      print(seen > 0 and recorded:find "one" and #records > 3 and "looked at all" or "saw nothing")
    ]])
    local output = background.output_of(("env -u ANTHROPIC_API_KEY %s %s/program.lua %s 2>&1"):format(
      child.interpreter(), directory, directory))
    os.execute("rm -r " .. directory)
    assert.equal("looked at all\n", output)
  end)
end)

-- --- every secret, at every place ----------------------------------------------------------------

local SECRET = "s3cr/t+Zq9=for-the-specs-01"

-- What a caller gives: options of the client, parameters and a path of the request, variables of the environment.
-- `server` is the URL to be asked.
local KINDS = {
  ["the key"] = { options = { api_key = SECRET } },
  ["the key as x-api-key"] = { options = { api_key = SECRET, auth = "x-api-key" } },
  ["the token"] = { options = { auth_token = SECRET } },
  ["a key of a function"] = { options = { api_key = function() return SECRET end } },
  ["a token of a function"] = { options = { auth_token = function() return SECRET end } },
  ["the key of the environment"] = { options = { api_key = false }, environment = { ANTHROPIC_API_KEY = SECRET } },
  ["the token of the environment"] = {
    options = { api_key = false }, environment = { ANTHROPIC_AUTH_TOKEN = SECRET },
  },
  ["an Authorization of the caller's"] = { options = { headers = { Authorization = "Bearer " .. SECRET } } },
  ["an Authorization with a name before the secret"] = {
    options = { headers = { Authorization = "Token user=bob, token=" .. SECRET } },
  },
  ["an Authorization by name and password"] = {
    options = { headers = { Authorization = "Basic " .. core.base64("bob:" .. SECRET) } },
  },
  ["a key under another name"] = { options = { headers = { ["x-goog-api-key"] = SECRET } } },
  ["a cookie"] = { options = { headers = { Cookie = "a=b; session=" .. SECRET .. "; c=d" } } },
  ["a header that nobody knows"] = { options = { headers = { ["X-Team"] = SECRET } } },
  ["a header of the request"] = { given = { headers = { ["x-team"] = SECRET } } },
  ["a header of the environment"] = { environment = { ANTHROPIC_CUSTOM_HEADERS = "X-Team: " .. SECRET } },
  ["a parameter of the query"] = { query = { key = SECRET, limit = 5 } },
  ["a query in the path"] = { path_query = "?key=" .. urls.escape(SECRET) .. "&limit=5" },
  ["a query that is nothing but a secret"] = { path_query = "?" .. urls.escape(SECRET) },
  ["a part of the base URL"] = { base = "/" .. urls.escape(SECRET) .. "/gate" },
  ["the proxy's password"] = { proxy = "http://user:%s@" },
  ["the proxy's user name"] = { proxy = "http://%s@" },
  ["the proxy's password without a scheme"] = { proxy = "user:%s@" },
}

-- The answers of a server that quotes the secret in a spelling. The last ones are for streams.
local function answers_with(spelling)
  local said = ('{"type":"error","error":{"type":"%s","message":"no such key: %s.","details":{"%s":["%s"]}},'
    .. '"request_id":"req_%s"}'):format(spelling, spelling, spelling, spelling, spelling)
  local fields = { ["x-echo"] = spelling, ["retry-after-ms"] = 1, ["Content-Type"] = "application/json" }
  local page = "<html><title>" .. spelling .. "</title></html>"
  return {
    { status = 500, headers = fields, request_id = spelling, body = said },
    { status = 400, headers = fields, request_id = spelling, body = said },
    { status = 502, headers = { ["retry-after-ms"] = 1 }, body = page },
    { status = 403, body = page },
    { status = 302, headers = { location = "http://127.0.0.1:1/?key=" .. spelling } },
    { status = 307, headers = { location = "http://127.0.0.1:1/?key=" .. spelling } },
    { body = page },
    { body = said },
    { body = '{"id":"' .. spelling .. '","type":"completion"}', headers = fields },
    { body = said, headers = fields, framing = "chunked", cut_after = #said - 2 },
    { body = "[]" },
  }, {
    testing.stream { text = "Hello", headers = fields, request_id = spelling },
    { events = { { event = "error", data = said } } },
    { events = { { data = said:gsub("^{", "{[") } } },
    { events = { { data = '{"type":"' .. spelling .. '"}' }, { data = '{"type":"content_block_delta","index":7}' } } },
  }
end

-- Every text that can be reached from a value by tables and metatables, and the value as text.
local function add_texts(found, name, value, seen)
  if type(value) == "table" and not seen[value] then
    seen[value] = true
    found[tostring(value)] = name
    for key, member in next, value do
      add_texts(found, name, key, seen)
      add_texts(found, name, member, seen)
    end
    add_texts(found, name, getmetatable(value), seen)
  elseif type(value) == "string" or type(value) == "userdata" then
    found[tostring(value)] = name
  end
end

-- The texts that were seen, each with a place, and the places.
local function new_places()
  local texts, places = {}, {}
  return texts, places, function(name, value)
    places[name] = true
    add_texts(texts, name, value, {})
  end
end

local function add_error(add, err)
  add("an error", tostring(err))
  add("the fields of an error", err)
  add("a command for curl", err:to_curl())
  add("a traceback", select(2, xpcall(function() error(err, 0) end, debug.traceback)))
  add("a traceback of a text", debug.traceback(tostring(err)))
end

local function copy(given, more)
  local copied = {}
  for _, fields in ipairs { given or {}, more or {} } do
    for name, value in pairs(fields) do
      copied[name] = value
    end
  end
  return copied
end

-- Asks all that a server answers, and returns what was seen at every place.
local function ask_all(kind, spelling)
  local texts, places, add = new_places()
  local whole, streamed = answers_with(spelling)
  local server = service.serve { routes = {
    { match = "stream", answers = streamed }, { answers = whole },
  } }
  service.environment(kind.environment or {})
  local options = copy({ base_url = server.url .. (kind.base or ""), max_retries = 1 }, kind.options)
  options.on_retry = function(info) add("on_retry", info) add_error(add, info.error) end
  options.on_log = function(record)
    for name, value in pairs(record) do
      add("a record of the log", { name, type(value) == "function" and value() .. value(true) or value })
    end
  end
  local proxy
  if kind.proxy then
    proxy = child.start "spec/support/proxy_server.lua"
    options.proxy = kind.proxy:format(urls.escape(SECRET)) .. "127.0.0.1:" .. proxy.port
  end
  local client = service.client(server, options)
  local path = os.tmpname()
  local recorder = testing.record(client, path)
  for i = 1, #whole + #streamed do
    local is_streamed = i > #whole
    local result, err = client:request({
      method = "POST",
      path = (is_streamed and "/stream" or "/v1/messages") .. (kind.path_query or ""),
      query = kind.query,
      body = params { user = SECRET, stream = is_streamed, system = ("x"):rep(50) .. SECRET },
      stream = is_streamed,
    }, kind.given)
    if is_streamed and result then
      add("an open stream", result)
      result, err = result:message()
    end
    add("a result", type(result) == "table" and result.response or nil)
    if err and err.kind then
      add_error(add, err)
    end
  end
  add("a client", client)
  add("a resource", client.messages)
  recorder:stop()
  add("a recording", background.read_file(path))
  os.remove(path)
  client:close()
  server:stop()
  if proxy then
    proxy:stop()
  end
  return texts, places
end

local PLACES = {
  "a client", "a command for curl", "a record of the log", "a recording", "a resource", "a result", "a traceback",
  "a traceback of a text", "an error", "an open stream", "on_retry", "the fields of an error",
}

local function assert_hidden(texts, places)
  for text, place in pairs(texts) do
    assert.is_false(spellings.holds(text, SECRET), place .. ": " .. text)
  end
  for _, place in ipairs(PLACES) do
    assert.is_true(places[place], place)
  end
end

describe("what a caller gave", function()
  after_each(service.clear)

  local spelt = {}
  for _, spelling in pairs(spellings.of(SECRET)) do
    spelt[#spelt + 1] = spelling
  end

  for name, kind in pairs(KINDS) do
    it("is shown nowhere, however the server writes it: " .. name, function()
      assert_hidden(ask_all(kind, table.concat(spelt, " and ")))
    end)
  end
end)

-- Credentials that begin and end with what libcurl takes for another part of a URL.
local PROXIES = {
  "http://user:%s@127.0.0.1:1", "user:%s@127.0.0.1:1", "http://%s@127.0.0.1:1", "%s@127.0.0.1:1",
  "http://user:%s@127.0.0.1:port", "user:%s@127.0.0.1:port", "http://user:%s@[127.0.0.1",
  "gopher://user:%s@127.0.0.1:1",
  "http://user:p@ss@%s@127.0.0.1:1", "http://user:a/%s@127.0.0.1:1", "http://user:12/%s@127.0.0.1:1",
  "http://%s/x@127.0.0.1:1",
  "http://user:a?b#%s@127.0.0.1:1", "127.0.0.1:1:user:%s", "http://127.0.0.1:1:user:%s", "user:%s:127.0.0.1:1",
  "http://127.0.0.1:1/?key=%s", "http://127.0.0.1:1/%s", "socks5://user:%s@127.0.0.1:1", "socks5h://%s:x@127.0.0.1:1",
  "http://user:%s@", "http://:%s@127.0.0.1:1", "://user:%s@127.0.0.1:1", "http:/user:%s@127.0.0.1:1",
}

describe("what a proxy's URL holds", function()
  after_each(service.clear)

  local SECRETS = { "a-password-for-the-specs", SECRET, "with%40escaped%2Fsigns-1", ("long-"):rep(80) .. "end" }

  it("is in no words of libcurl's, and in no command, however the URL is wrong", function()
    service.environment {}
    for _, form in ipairs(PROXIES) do
      for _, secret in ipairs(SECRETS) do
        local proxy = form:gsub("%%s", (secret:gsub("%%", "%%%%")))
        for _, base_url in ipairs { "http://127.0.0.1:9", "https://127.0.0.1:9" } do
          local client = service.client(nil, { proxy = proxy, base_url = base_url })
          local _, err = client.models.retrieve "m"
          for _, text in ipairs { tostring(err), err.message, err.url, assert(err:to_curl()), tostring(client) } do
            local decoded = urls.unescape(secret)
            for _, part in ipairs { secret, secret:sub(1, 12), decoded, decoded:sub(-12) } do
              assert.is_nil(text:find(part, 1, true), proxy .. ": " .. text)
            end
          end
        end
      end
    end
  end)

  it("is in no words about a proxy of the environment", function()
    local program = [[
      local anthropic = require "anthropic"
      local client = anthropic.new { base_url = "http://127.0.0.1:9", api_key = "key", max_retries = 0 }
      local _, err = client.models.retrieve "m"
      print(err, err:to_curl())
    ]]
    for i = 1, #PROXIES, 4 do
      local form = PROXIES[i]
      local output = service.run(program, { http_proxy = form:format(SECRET), no_proxy = "" })
      assert.matches("connection error", output)
      assert.is_false(spellings.holds(output, SECRET), output)
    end
  end)
end)

describe("what stands in a wrong place", function()
  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  it("is not quoted by what refuses an option", function()
    for _, name in ipairs {
      "auth", "http_version", "loop", "headers", "betas", "max_retries", "timeout", "insecure", "max_event_bytes",
      "on_log", "on_retry", "on_interrupt",
    } do
      local ok, message = pcall(anthropic.new, { [name] = SECRET })
      assert.is_false(ok)
      assert.is_nil(tostring(message):find(SECRET, 1, true), message)
    end
  end)

  it("is not quoted by what refuses a request", function()
    local refused = {
      { { base_url = "ftp://host/" .. SECRET } }, { { base_url = "http://user:" .. SECRET .. "@host" } },
      { { base_url = SECRET } }, { { base_url = "http://host/?key=" .. SECRET } },
      { { base_url = "https://user:p/" .. SECRET .. "@host" } }, { { base_url = "http://host/#" .. SECRET } },
      { { headers = { ["Authorization: Bearer " .. SECRET] = "" } } },
      { { headers = { ["X-Key"] = SECRET .. "\n" } } }, { { headers = { ["X-Key"] = { SECRET } } } },
      { { headers = { "Authorization: Bearer " .. SECRET } } }, { { headers = { [SECRET] = { 1 } } } },
      { {}, "/v1/x y?key=" .. SECRET }, { {}, "/v1/x#" .. SECRET }, { {}, "https://other.host/" .. SECRET },
      { { api_key = SECRET .. "\nX: y" } }, { { api_key = SECRET .. "\0" } },
    }
    for i, case in ipairs(refused) do
      local options = copy({ base_url = "http://127.0.0.1:1" }, case[1])
      local client = service.client(nil, options)
      local _, err = client:request { path = case[2] or "/v1/models" }
      assert.equal("invalid_request", err and err.kind, i)
      for _, text in ipairs { tostring(err), tostring(client) } do
        assert.is_nil(text:find(SECRET, 1, true), text)
        assert.is_nil(text:find("for-the-specs", 1, true), text)
      end
    end
  end)
end)

describe("what a program prints", function()
  after_each(service.clear)

  it("holds nothing secret: log, traceback of what nobody catches, warnings, the health check", function()
    local server = service.serve {
      { status = 500, headers = { ["retry-after-ms"] = 1, ["x-echo"] = SECRET }, body = SECRET },
      { status = 400, body = { error = { type = SECRET, message = "\27[31m" .. SECRET } } },
    }
    local output = service.run([[
      if warn then warn "@on" end
      local anthropic = require "anthropic"
      require("anthropic.health").check()
      local client = anthropic.new()
      client.models.list { limit = 7, key = os.getenv "QUERY_KEY" }
      collectgarbage()
      local function inner(secret)
        local model, err = client.models.retrieve("m", { key = secret })
        error(tostring(err))
      end
      xpcall(inner, function(message) print(debug.traceback(message, 1)) end, os.getenv "QUERY_KEY")
      client:close()
      client = nil
      collectgarbage()
      error(select(2, anthropic.new().models.retrieve "m"), 0)
    ]], {
      ANTHROPIC_API_KEY = SECRET, ANTHROPIC_LOG = "debug",
      ANTHROPIC_BASE_URL = server.url .. "/" .. urls.escape(SECRET),
      ANTHROPIC_CUSTOM_HEADERS = "X-Team: team-" .. SECRET, QUERY_KEY = SECRET, no_proxy = "127.0.0.1",
      https_proxy = "http://user:" .. urls.escape(SECRET) .. "@127.0.0.1:1",
    })
    assert.is_false(spellings.holds(output, SECRET), output)
    assert.matches("requests go to " .. server.url:gsub("%p", "%%%0") .. "/%$BASE_URL_TOKEN", output)
    assert.matches("debug request .*url=%S+/%$BASE_URL_TOKEN/v1/models%?key=%$KEY&limit=7", output)
    assert.matches("warn retry", output)
    assert.matches("error error", output)
    assert.matches("stack traceback", output)
    assert.is_nil(output:find "[%z\1-\8\11-\31\127]")
  end)
end)

describe("beside a credential in the caller's headers", function()
  local server

  before_each(function()
    server = service.serve { {} }
  end)

  after_each(service.clear)

  local function sent(options, environment)
    local before = #server:requests()
    service.environment(environment)
    service.client(server, copy({ api_key = false }, options)).models.retrieve "m"
    return server:requests()[before + 1]
  end

  local function holds(request, secret)
    for _, pair in ipairs(request.raw_headers) do
      if pair[2]:find(secret, 1, true) then
        return true
      end
    end
    return false
  end

  local NAMES = {
    "Authorization", "x-api-key", "api-key", "X-Goog-Api-Key", "Cookie", "x-auth-token", "X_Api_Key", "apikey",
    "Ocp-Apim-Subscription-Key", "cf-aig-authorization", "Helicone-Auth", "X-Gateway-Secret", "x-access-token",
  }

  it("no key of the environment goes along", function()
    for _, name in ipairs(NAMES) do
      for _, environment in ipairs { { ANTHROPIC_API_KEY = SECRET }, { ANTHROPIC_AUTH_TOKEN = SECRET } } do
        local request = assert(sent({ headers = { [name] = "own" } }, environment))
        assert.is_false(holds(request, SECRET), name)
        assert.equal("own", service.header(request, name))
      end
    end
    local request = assert(sent({}, { ANTHROPIC_API_KEY = SECRET, ANTHROPIC_CUSTOM_HEADERS = "api-key: own" }))
    assert.is_false(holds(request, SECRET))
  end)

  it("no key is needed", function()
    for _, name in ipairs(NAMES) do
      assert.equal("own", service.header(assert(sent({ headers = { [name] = "own" } }, {})), name))
    end
  end)

  it("a key of the options goes along, but not beside Authorization and x-api-key", function()
    for _, name in ipairs(NAMES) do
      local request = assert(sent({ api_key = SECRET, headers = { [name] = "own" } }, { ANTHROPIC_API_KEY = "other" }))
      local is_ours = name == "Authorization" or name == "x-api-key"
      assert.equal(not is_ours, holds(request, SECRET), name)
    end
  end)

  it("that is none, a key of the environment is sent", function()
    for _, name in ipairs {
      "X-Team", "Idempotency-Key", "Proxy-Authorization", "X-Cache-Key", "anthropic-max-tokens", "X-Tokens", "x-author",
    } do
      local request = assert(sent({ headers = { [name] = "own" } }, { ANTHROPIC_API_KEY = SECRET }))
      assert.is_true(holds(request, SECRET), name)
    end
    for _, value in ipairs { "", false } do
      local request = assert(sent({ headers = { ["api-key"] = value } }, { ANTHROPIC_API_KEY = SECRET }))
      assert.is_true(holds(request, SECRET))
    end
  end)
end)
