local anthropic = require "anthropic"
local certificates = require "spec.support.certificates"
local child = require "spec.support.child"
local hosted = require "spec.support.hosted"
local testing = require "anthropic.testing"

local SECRET = "pass-word-of-the-proxy"
local KEY = "sk-a-secret-of-the-test"
local MESSAGE = '{"id":"msg","type":"message","role":"assistant","model":"m","content":'
  .. '[{"type":"text","text":"Hello!"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}'

local params = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } } }

-- Looks for the text everywhere in a value.
local function holds(value, text, seen)
  seen = seen or {}
  if type(value) == "string" then
    return value:find(text, 1, true) ~= nil
  elseif type(value) ~= "table" or seen[value] then
    return false
  end
  seen[value] = true
  for key, item in pairs(value) do
    if holds(key, text, seen) or holds(item, text, seen) then
      return true
    end
  end
  return false
end

describe("a proxy", function()
  local server, proxy

  setup(function()
    server = hosted.server { script = { routes = {
      { body_contains = '"stream":true', answers = { testing.stream { text = "one two three" } } },
      { answers = { testing.message { text = "Hello!" } } },
    } } }
  end)

  teardown(function()
    server:stop()
  end)

  after_each(function()
    if proxy then
      proxy:stop()
      proxy = nil
    end
  end)

  local function start_proxy(...)
    proxy = child.start("spec/support/proxy_server.lua", ...)
    return "127.0.0.1:" .. proxy.port
  end

  local function client_through(url, options)
    options = options or {}
    options.proxy, options.api_key = url, KEY
    options.base_url = options.base_url or server.url
    options.max_retries = options.max_retries or 0
    return anthropic.new(options)
  end

  local function assert_no_secret(err)
    assert.is_false(holds(err, SECRET))
    assert.is_false(holds(err, KEY))
    assert.is_nil(tostring(err):find(SECRET, 1, true))
  end

  it("passes http requests on by their whole URL, with its credentials", function()
    local address = start_proxy()
    local url = ("http://user:%s@%s"):format(SECRET, address)
    local message = assert(client_through(url).messages.create(params))
    assert.equal("Hello!", message:text())
    assert.matches("^POST " .. server.url:gsub("%p", "%%%0") .. "/v1/messages HTTP/1.1", proxy:log())
    assert.matches("Proxy%-Authorization: Basic ", proxy:log())
    local requests = server:requests()
    assert.equal("/v1/messages", requests[#requests].target)
  end)

  it("may be given without a scheme", function()
    assert.equal("Hello!", assert(client_through(start_proxy()).messages.create(params)):text())
  end)

  it("passes streams on", function()
    local stream = assert(client_through("http://" .. start_proxy()).messages.stream(params))
    assert.equal("one two three", assert(stream:message()):text())
  end)

  it("passes https through a tunnel, and sees neither key nor request", function()
    local directory = assert(certificates.make())
    local tls = child.start("spec/support/tls_server.lua",
      directory .. "/here.crt", directory .. "/here.key", MESSAGE)
    local message, err = client_through("http://" .. start_proxy(), {
      base_url = "https://127.0.0.1:" .. tls.port, ca_file = directory .. "/ca.crt",
    }).messages.create(params)
    tls:stop()
    certificates.remove(directory)
    assert.equal("Hello!", assert(message, tostring(err)):text())
    assert.matches("^CONNECT 127%.0%.0%.1:" .. tls.port, proxy:log())
    assert.is_nil(proxy:log():find(KEY, 1, true))
    assert.is_nil(proxy:log():find("v1/messages", 1, true))
    assert.equal(200, message.response.status)
  end)

  -- The error of a request that the proxy refuses, which was sent once.
  local function refused(scheme, refusal, base_url)
    local url = ("%s://user:%s@%s"):format(scheme, SECRET, start_proxy(refusal))
    local message, err = client_through(url, { base_url = base_url, max_retries = 2 }).messages.create(params)
    assert.is_nil(message)
    assert.equal("connection", err.kind)
    assert.equal(1, err.attempts)
    assert.is_false(err.retryable)
    assert.is_true(err.unprocessed)
    assert.matches("^the proxy refused the request: ", err.message)
    assert_no_secret(err)
    proxy:stop()
    proxy = nil
    return err
  end

  it("that wants another credential gives a connection error that says so", function()
    local err = refused("http", "407")
    assert.equal(407, err.status)
    assert.matches("check the user name and password in proxy", err.message)
    for _, status in ipairs { "401", "407" } do
      err = refused("http", status, "https://127.0.0.1:9")
      assert.matches(status, err.message)
      assert.matches("check the user name and password in proxy", err.message)
    end
  end)

  it("that refuses a tunnel gives a connection error that says so", function()
    local err = refused("http", "403", "https://127.0.0.1:9")
    assert.matches("403", err.message)
    assert.matches("check proxy", err.message)
  end)

  it("of SOCKS that refuses gives a connection error that says so", function()
    for _, case in ipairs {
      { "socks5", "rejected", "check the user name and password in proxy" },
      { "socks5h", "unauthenticated", "check the user name and password in proxy" },
      { "socks5", "forbidden", "check proxy" },
      { "socks4", "rejected4", "check proxy" },
    } do
      assert.matches(case[3], refused(case[1], case[2]).message)
    end
  end)

  it("that is too busy for a tunnel is asked again", function()
    for _, status in ipairs { "408", "429", "502", "503" } do
      local url = "http://" .. start_proxy(status)
      local message, err = client_through(url, { base_url = "https://127.0.0.1:9" }).messages.create(params)
      assert.is_nil(message)
      assert.equal("connection", err.kind)
      assert.is_nil(err.retryable)
      proxy:stop()
      proxy = nil
    end
  end)

  it("has no part in a 407 of a server that is asked without one", function()
    local own = hosted.server { script = { { status = 407, body = '{"error":{"message":"no"}}' } } }
    local message, err = client_through("", { base_url = own.url }).messages.create(params)
    own:stop()
    assert.is_nil(message)
    assert.equal("api", err.kind)
    assert.equal(407, err.status)
  end)

  it("that is not there gives a connection error without credentials", function()
    local address = start_proxy()
    proxy:stop()
    proxy = nil
    local message, err = client_through(("http://user:%s@%s"):format(SECRET, address)).messages.create(params)
    assert.is_nil(message)
    assert.equal("connection", err.kind)
    assert_no_secret(err)
  end)

  it("with a URL that is none gives an error without credentials", function()
    for _, url in ipairs {
      "http://user:" .. SECRET .. "@127.0.0.1:port",
      "http://user:" .. SECRET .. "@[127.0.0.1",
      "gopher://user:" .. SECRET .. "@127.0.0.1:9",
      "user:" .. SECRET .. "@127.0.0.1:99999999",
      "http://user:" .. SECRET .. "%zz@ :1",
      "http://user:" .. SECRET .. "%21@127.0.0.1:port",
    } do
      local message, err = client_through(url).messages.create(params)
      assert.is_nil(message)
      assert.equal("connection", err.kind)
      assert_no_secret(err)
    end
  end)

  it("is kept out of what a client shows", function()
    local client = client_through("http://user:" .. SECRET .. "@127.0.0.1:9")
    assert.is_false(holds(client, SECRET))
    assert.is_nil(tostring(client):find(SECRET, 1, true))
  end)

  describe("of the environment", function()
    -- What a process with these variables prints when it asks.
    local function ask_with(environment, proxy_option)
      local path = os.tmpname()
      local file = assert(io.open(path, "w"))
      file:write(([[
        local anthropic = require "anthropic"
        local client = anthropic.new { base_url = %q, api_key = "k", max_retries = 0, proxy = %s }
        local message, err = client.messages.create {
          model = "m", max_tokens = 9, messages = { { role = "user", content = "Hi" } },
        }
        print(message and message:text() or err)
      ]]):format(server.url, proxy_option and ("%q"):format(proxy_option) or "nil"))
      file:close()
      local pipe = io.popen(("env -u no_proxy -u NO_PROXY -u all_proxy -u ALL_PROXY %s %s %s 2>&1"):format(
        environment, child.interpreter(), path))
      local output = pipe:read "*a"
      pipe:close()
      os.remove(path)
      return (output:gsub("%s+$", ""))
    end

    it("is used", function()
      local address = start_proxy()
      assert.equal("Hello!", ask_with("http_proxy=http://" .. address))
      assert.matches("^POST http://", proxy:log())
    end)

    it("is not used for the hosts of no_proxy", function()
      local address = start_proxy()
      assert.equal("Hello!", ask_with("no_proxy=127.0.0.1 http_proxy=http://" .. address))
      assert.equal("", proxy:log())
    end)

    it("gives way to the option, and to an empty option: none", function()
      local address = start_proxy()
      assert.equal("Hello!", ask_with("http_proxy=http://127.0.0.1:9", "http://" .. address))
      assert.matches("^POST http://", proxy:log())
      assert.equal("Hello!", ask_with("http_proxy=http://127.0.0.1:9", ""))
    end)

    it("shows no credentials in an error", function()
      local output = ask_with("http_proxy=http://user:" .. SECRET .. "@127.0.0.1:9")
      assert.matches("connection error", output)
      assert.is_nil(output:find(SECRET, 1, true))
      output = ask_with("http_proxy=http://user:" .. SECRET .. "@127.0.0.1:port")
      assert.matches("connection error", output)
      assert.is_nil(output:find(SECRET, 1, true))
    end)
  end)
end)
