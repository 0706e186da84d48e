-- Proxies that are not ours: tinyproxy (HTTP, CONNECT) and microsocks (SOCKS 5).

local anthropic = require "anthropic"
local background = require "spec.support.background"
local certificates = require "spec.support.certificates"
local child = require "spec.support.child"
local hosted = require "spec.support.hosted"
local service = require "spec.support.service"
local testing = require "anthropic.testing"

local SECRET = "pass-word-of-the-proxy"
local USER = "user:" .. SECRET .. "@"
local params = service.params

local function has(name)
  local _, code = background.output_of("PATH=$PATH:/usr/sbin; command -v " .. name .. " >/dev/null")
  return code == 0
end

-- What is shown of an error holds no credential.
local function assert_no_secret(err)
  local shown = { tostring(err), err.message, err.body or "", err:to_curl() or "" }
  for _, value in pairs(err.headers or {}) do
    shown[#shown + 1] = value
  end
  for _, text in ipairs(shown) do
    assert.is_nil(text:find(SECRET, 1, true), text)
    assert.is_nil(text:find(service.KEY, 1, true), text)
  end
end

describe("through a proxy of others,", function()
  local directory, tls, server

  setup(function()
    directory = assert(certificates.make())
    tls = child.start("spec/support/tls_server.lua", directory .. "/here.crt", directory .. "/here.key",
      '{"id":"msg","type":"message","role":"assistant","content":[{"type":"text","text":"Hello!"}]}')
    server = hosted.server { script = { routes = {
      { body_contains = '"stream":true', answers = { testing.stream { text = "one two three" } } },
      { answers = { testing.message { text = "Hello!" } } },
    } } }
  end)

  teardown(function()
    server:stop()
    tls:stop()
    certificates.remove(directory)
  end)

  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  local function client_through(proxy, options)
    local all = { base_url = server.url, proxy = proxy }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    return service.client(nil, all)
  end

  local function over_tls(host)
    return { base_url = ("https://%s:%d"):format(host or "127.0.0.1", tls.port), ca_file = directory .. "/ca.crt" }
  end

  -- What a program with these variables prints when it asks over TLS.
  local function ask_with(environment)
    local path = directory .. "/ask.lua"
    background.write_file(path, ([[
      local anthropic = require "anthropic"
      local client = anthropic.new { base_url = %q, ca_file = %q, api_key = "k", max_retries = 0 }
      local message, err = client.messages.create {
        model = "m", max_tokens = 9, messages = { { role = "user", content = "Hi" } },
      }
      print(message and message:text() or err)
    ]]):format(over_tls().base_url, over_tls().ca_file))
    return (background.output_of(("env -u no_proxy -u NO_PROXY %s %s %s 2>&1"):format(
      environment, child.interpreter(), path)):gsub("%s+$", ""))
  end

  -- The requests of a client by this proxy, in every way, all answered. A proxy may end its connection while the next
  -- request comes.
  local function assert_works(proxy)
    local client = client_through(proxy, { max_retries = 1 })
    assert.equal("Hello!", assert(client.messages.create(params())):text())
    assert.equal("one two three", assert(assert(client.messages.stream(params())):message()):text())
    anthropic.run(function()
      local tasks = {}
      for i = 1, 10 do
        tasks[i] = anthropic.spawn(function()
          return assert(assert(client.messages.stream(params())):message()):text()
        end)
      end
      for i = 1, 10 do
        assert.equal("one two three", (tasks[i]:join()))
      end
    end)
    assert.equal("Hello!", assert(client_through(proxy, over_tls()).messages.create(params())):text())
    local message, err = client_through(proxy, { base_url = over_tls().base_url }).messages.create(params())
    assert.is_nil(message)
    assert.matches("set ca_file", err.message)
  end

  local function assert_refused(proxy, options, words)
    local message, err = client_through(proxy, options).messages.create(params())
    assert.is_nil(message)
    assert.matches(words, err.message)
    assert_no_secret(err)
    return err
  end

  describe("tinyproxy", function()
    local program, port, log

    local function start(lines)
      if not has "tinyproxy" then
        pending "tinyproxy is missing"
        return false
      end
      port, log = background.free_port(), directory .. "/tinyproxy.log"
      local path = directory .. "/tinyproxy.conf"
      os.remove(log)
      background.write_file(path, ("Port %d\nListen 127.0.0.1\nAllow 127.0.0.1\nTimeout 30\nMaxClients 50\n"
        .. "LogFile \"%s\"\n%s"):format(port, log, lines or ""))
      program = background.serve("tinyproxy -d -c " .. path, port)
      return true
    end

    after_each(function()
      if program then
        program:stop()
        program = nil
      end
    end)

    it("requests and streams come through, over TLS in a tunnel that hides them", function()
      if start() then
        assert_works("http://127.0.0.1:" .. port)
        local seen = background.read_file(log)
        assert.matches("POST http://127", seen)
        assert.matches("CONNECT 127.0.0.1:" .. tls.port, seen)
        assert.is_nil(seen:find(service.KEY, 1, true))
        assert.is_nil(tls:log():find("CONNECT", 1, true))
      end
    end)

    it("with a name and password they do too", function()
      if start("BasicAuth user " .. SECRET .. "\n") then
        assert_works("http://" .. USER .. "127.0.0.1:" .. port)
        assert.is_nil(tls:log():lower():find("proxy-authorization", 1, true))
        for _, request in ipairs(server:requests()) do
          assert.is_nil(service.header(request, "proxy-authorization"))
        end
      end
    end)

    it("a wrong password is refused, with words of what to do", function()
      if start("BasicAuth user another\n") then
        local proxy = "http://" .. USER .. "127.0.0.1:" .. port
        local err = assert_refused(proxy, over_tls(), "40[17].*name and password in proxy")
        assert.equal("connection", err.kind)
        err = assert_refused(proxy, nil, "40[17]")
        -- its later versions say 407, as a proxy should
        assert.equal(err.message:find("407", 1, true) and "connection" or "api", err.kind)
      end
    end)

    it("a port that it does not connect to is refused", function()
      if start("ConnectPort 443\n") then
        local err = assert_refused("http://127.0.0.1:" .. port, over_tls(), "403")
        assert.equal("connection", err.kind)
      end
    end)

    it("https_proxy is used, but not for the hosts of no_proxy", function()
      if start() then
        local proxy = "https_proxy=http://127.0.0.1:" .. port
        assert.equal("Hello!", ask_with(proxy .. " no_proxy=127.0.0.1"))
        assert.equal("Hello!", ask_with(proxy .. " no_proxy='*'"))
        assert.is_nil(background.read_file(log):find("CONNECT 127", 1, true))
        assert.equal("Hello!", ask_with(proxy .. " no_proxy=example.com"))
        assert.truthy(background.read_file(log):find("CONNECT 127", 1, true))
      end
    end)
  end)

  describe("microsocks", function()
    local program, port

    local function start(arguments)
      if not has "microsocks" then
        pending "microsocks is missing"
        return false
      end
      port = background.free_port()
      program = background.serve(("microsocks -i 127.0.0.1 -p %d %s"):format(port, arguments or ""), port)
      return true
    end

    after_each(function()
      if program then
        program:stop()
        program = nil
      end
    end)

    it("requests and streams come through, names resolved here or there", function()
      if start() then
        assert_works("socks5://127.0.0.1:" .. port)
        assert_works("socks5h://127.0.0.1:" .. port)
        local client = client_through("socks5h://127.0.0.1:" .. port, over_tls "localhost")
        assert.equal("Hello!", assert(client.messages.create(params())):text())
      end
    end)

    it("with a name and password they do too", function()
      if start("-u user -P " .. SECRET) then
        assert_works("socks5://" .. USER .. "127.0.0.1:" .. port)
      end
    end)

    it("a wrong password is refused, with words of what to do", function()
      if start("-u user -P another") then
        for _, options in ipairs { over_tls(), {} } do
          local err = assert_refused("socks5://" .. USER .. "127.0.0.1:" .. port, options,
            "rejected.*name and password in proxy")
          assert.equal("connection", err.kind)
        end
      end
    end)

    it("a server that is not there is a failed connection", function()
      if start() then
        local err = assert_refused("socks5://127.0.0.1:" .. port, { base_url = "http://127.0.0.1:1" }, "SOCKS5")
        assert.equal("connection", err.kind)
      end
    end)

    it("all_proxy is used", function()
      if start("-u user -P another") then
        assert.matches("rejected", ask_with("all_proxy=socks5://" .. USER .. "127.0.0.1:" .. port))
        assert.equal("Hello!", ask_with("all_proxy=socks5://user:another@127.0.0.1:" .. port))
      end
    end)
  end)
end)
