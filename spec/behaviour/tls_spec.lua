local anthropic = require "anthropic"
local certificates = require "spec.support.certificates"
local child = require "spec.support.child"
local core = require "anthropic.core"
local http = require "anthropic.http"
local hosted = require "spec.support.hosted"
local libcurl = require "spec.support.libcurl"
local loop = require "anthropic.loop"
local raw_client = require "spec.support.raw_client"
local socket = require "socket"

local IS_OPENSSL = core.curl_info().tls:find("OpenSSL", 1, true) ~= nil

local KEY = "sk-a-secret-of-the-test"
local MESSAGE = '{"id":"msg","type":"message","role":"assistant","model":"m","content":'
  .. '[{"type":"text","text":"Hello!"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}'

local params = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } } }

local function write_file(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

local directory

setup(function()
  directory = assert(certificates.make())
end)

teardown(function()
  certificates.remove(directory)
end)

describe("TLS", function()
  local server

  after_each(function()
    if server then
      server:stop()
      server = nil
    end
  end)

  local function serve(name, protocol, authority)
    local path = directory .. "/" .. name
    server = child.start("spec/support/tls_server.lua", path .. ".crt", path .. ".key", MESSAGE, 60, protocol or "",
      authority)
    return server
  end

  local function ask(options)
    options.base_url = options.base_url or ("https://%s:%d"):format(options.host or "127.0.0.1", server.port)
    options.host = nil
    options.api_key = KEY
    return anthropic.new(options).messages.create(params)
  end

  -- Refused before the key is sent, with words that say why and what to do.
  local function assert_refused(message, err, why, what_to_do)
    assert.is_nil(message)
    assert.equal("connection", err.kind)
    if IS_OPENSSL then -- whose words these are
      assert.matches(why, err.message)
    end
    assert.matches(what_to_do, err.message)
    assert.matches("^anthropic: connection error: ", tostring(err))
    assert.is_nil(server:log():find(KEY, 1, true))
    assert.is_nil(server:log():find("POST", 1, true))
  end

  for _, case in ipairs {
    { "an authority that nobody vouches for", "here", nil, "issuer", "set ca_file or ca_path" },
    { "a certificate of another authority", "self", "ca.crt", "self.signed", "set ca_file or ca_path" },
    { "a certificate that vouches for itself", "self", nil, "self.signed", "set ca_file or ca_path" },
    { "another host's certificate", "elsewhere", "ca.crt", "127%.0%.0%.1", "check base_url" },
    { "an expired certificate", "old", "ca.crt", "expired", "this machine's clock" },
    { "a ca_file that cannot be read", "here", "none.crt", "none%.crt", "check ca_file" },
    { "a ca_file without certificates", "here", "ca.key", "ca%.key", IS_OPENSSL and "check ca_file" or "ca_file" },
  } do
    it("refuses " .. case[1] .. ", once, and says what to do", function()
      serve(case[2])
      local message, err = ask { ca_file = case[3] and directory .. "/" .. case[3] }
      assert_refused(message, err, case[4], case[5])
      assert.equal(1, err.attempts)
    end)
  end

  it("refuses a ca_path that is not there", function()
    serve "here"
    local message, err = ask { ca_path = directory .. "/none" }
    assert_refused(message, err, "", "ca_") -- libcurl 8.17 and later wants a file of it
  end)

  it("refuses TLS below 1.2, whatever the system allows", function()
    local configuration = directory .. "/openssl.cnf" -- allows all
    write_file(configuration, "openssl_conf = init\n[init]\nssl_conf = ssl\n[ssl]\nsystem_default = any\n"
      .. "[any]\nMinProtocol = TLSv1\nCipherString = ALL:@SECLEVEL=0\n")
    local program = directory .. "/ask.lua"
    write_file(program, [[
      local anthropic = require "anthropic"
      local url, ca_file = ...
      local message, err = anthropic.new {
        base_url = url, ca_file = ca_file, api_key = "]] .. KEY .. [[", max_retries = 0,
      }.messages.create { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } } }
      print(message and message:text() or err)
    ]])
    for protocol, expected in pairs { tlsv1 = false, tlsv1_1 = false, tlsv1_2 = "Hello!" } do
      serve("here", protocol)
      local pipe = io.popen(("OPENSSL_CONF=%s %s %s https://127.0.0.1:%d %s/ca.crt 2>&1"):format(
        configuration, child.interpreter(), program, server.port, directory))
      local output = pipe:read "*l"
      pipe:close()
      if expected then
        assert.equal(expected, output)
      else
        assert.matches("TLS 1%.2 or later is needed", output)
        assert.is_nil(server:log():find(KEY, 1, true))
      end
      server:stop()
      server = nil
    end
  end)

  it("takes an authority from ca_file", function()
    serve "here"
    local message = assert(ask { ca_file = directory .. "/ca.crt" })
    assert.equal("Hello!", message:text())
    assert.matches("authorization: Bearer " .. KEY:gsub("%-", "%%-"), server:log():lower():gsub("bearer", "Bearer"))
    assert.is_true(message.response.timings.tls > 0)
  end)

  it("reads ca_file once for all connections", function()
    serve "here"
    local path = directory .. "/once.crt"
    os.execute(("cp %s/ca.crt %s"):format(directory, path))
    assert(ask { ca_file = path })
    write_file(path, "no certificate")
    local message, err = ask { ca_file = path }
    if err and libcurl.may_read_its_directory then
      return pending "this libcurl was built with a directory of authorities"
    end
    assert.equal("Hello!", assert(message, err):text())
  end)

  it("takes authorities from ca_path", function()
    serve "here"
    assert.equal("Hello!", assert(ask { ca_path = directory .. "/authorities" }):text())
  end)

  -- For tools/platforms: what the system trusts is changed.
  it("takes none of the system's authorities where ca_file or ca_path names others", function()
    if not os.getenv "SPEC_CHANGES_SYSTEM" then
      return pending "may not change what the system trusts (tools/platforms)"
    end
    os.execute(([[
      cd %s && mkdir others && cp self.crt others && openssl rehash others && system=/etc/ssl/certs &&
      cp $system/ca-certificates.crt kept.crt && cat ca.crt >>$system/ca-certificates.crt &&
      cp ca.crt $system/$(openssl x509 -hash -noout -in ca.crt).0]]):format(directory))
    serve "here"
    local trusted, problem = ask {}
    local by_file, file_err = ask { ca_file = directory .. "/self.crt" }
    local by_path, path_err = ask { ca_path = directory .. "/others" }
    os.execute(([[
      cd %s && cp kept.crt /etc/ssl/certs/ca-certificates.crt &&
      rm /etc/ssl/certs/$(openssl x509 -hash -noout -in ca.crt).0]]):format(directory))
    assert(trusted, problem)
    for _, answer in ipairs { { by_file, file_err }, { by_path, path_err } } do
      assert.is_nil(answer[1])
      assert.matches("set ca_file or ca_path", answer[2].message)
    end
  end)

  it("checks the host by its name, too", function()
    serve "here"
    assert.equal("Hello!", assert(ask { host = "localhost", ca_file = directory .. "/ca.crt" }):text())
  end)

  it("shows a certificate of the caller's where the server asks for one", function()
    serve("here", nil, directory .. "/ca.crt")
    local both = directory .. "/both.pem"
    os.execute(("cat %s/elsewhere.crt %s/elsewhere.key > %s"):format(directory, directory, both))
    local ca_file = directory .. "/ca.crt"
    local files = { certificate_file = directory .. "/elsewhere.crt", key_file = directory .. "/elsewhere.key" }
    assert.equal("Hello!", assert(ask {
      ca_file = ca_file, certificate_file = files.certificate_file, key_file = files.key_file,
    }):text())
    assert.equal("Hello!", assert(ask { ca_file = ca_file, certificate_file = both }):text())
    server:stop()
    serve("here", nil, ca_file) -- LuaSec's servers cannot go on with a session of one who showed a certificate
    local url = "https://127.0.0.1:" .. server.port
    files.url, files.ca_file = url, ca_file
    assert.equal(MESSAGE, assert(http.request(files)).body)
    local response, err = http.request { url = url, ca_file = ca_file }
    assert.is_nil(response)
    assert.equal("connection", err.kind)
    response, err = http.request { url = url, ca_file = ca_file, certificate_file = directory .. "/none.crt" }
    assert.is_nil(response)
    assert.same({ "connection", IS_OPENSSL and 58 or 35 }, { err.kind, err:exit_code() })
  end)

  it("keeps a certificate of the caller's from the servers that a redirect leads to", function()
    serve("here", nil, directory .. "/ca.crt")
    local first = hosted.server {
      script = { status = 302, headers = { Location = "https://127.0.0.1:" .. server.port .. "/" } },
    }
    local _, err = http.request {
      url = first.url, redirects = 1, ca_file = directory .. "/ca.crt",
      certificate_file = directory .. "/elsewhere.crt", key_file = directory .. "/elsewhere.key",
    }
    first:stop()
    assert.equal("connection", err.kind)
  end)

  it("accepts any certificate with insecure = true, for that client alone", function()
    for _, name in ipairs { "here", "elsewhere", "old" } do
      serve(name)
      assert.equal("Hello!", assert(ask { insecure = true }):text())
      assert.is_nil((ask {}))
      server:stop()
      server = nil
    end
  end)

  it("says so where the server speaks no TLS", function()
    server = child.start("spec/support/greeter.lua", "220 mail.example.com ESMTP\r\n")
    local message, err = ask { max_retries = 0 }
    assert_refused(message, err, "wrong version number", "speaks no TLS")
  end)

  it("to a proxy is checked in the same way", function()
    serve "here"
    local options = { base_url = "http://127.0.0.1:9", proxy = "https://127.0.0.1:" .. server.port }
    local message, err = ask(options)
    assert_refused(message, err, "issuer", "set ca_file or ca_path")
    options.ca_file = directory .. "/ca.crt"
    assert.equal("Hello!", assert(ask(options)):text())
    options.ca_file, options.insecure = nil, true
    assert.equal("Hello!", assert(ask(options)):text())
    assert.matches("^POST http://127.0.0.1:9/v1/messages", server:log():match "POST.*")
  end)
end)

describe("HTTP/2", function()
  local COUNT = 20000 -- deltas: more than waits for an unread stream
  local server, port

  local function has_nghttpd()
    local pipe = io.popen "command -v nghttpd"
    local path = pipe:read "*l"
    pipe:close()
    return path
  end

  local function event(name, data)
    return ("event: %s\ndata: %s\n\n"):format(name, data)
  end

  local function write_documents()
    os.execute(("mkdir -p %s/documents/v1 %s/documents/stream/v1"):format(directory, directory))
    write_file(directory .. "/documents/v1/messages", MESSAGE)
    write_file(directory .. "/documents/stream/v1/messages", table.concat {
      event("message_start", '{"type":"message_start","message":{"id":"msg","content":[]}}'),
      event("content_block_start",
        '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}'),
      event("content_block_delta",
        '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}'):rep(COUNT),
      event("content_block_stop", '{"type":"content_block_stop","index":0}'),
      event("message_stop", '{"type":"message_stop"}'),
    })
  end

  setup(function()
    if not has_nghttpd() then
      return
    end
    write_documents()
    local listener = assert(socket.bind("127.0.0.1", 0))
    port = select(2, listener:getsockname())
    listener:close()
    server = child.command(("nghttpd -a 127.0.0.1 -d %s/documents %d %s/here.key %s/here.crt >/dev/null"):format(
      directory, port, directory, directory))
    raw_client.eventually(function()
      local connection = socket.connect("127.0.0.1", port)
      return connection and connection:close()
    end)
  end)

  teardown(function()
    if server then
      server:stop()
    end
  end)

  local function client_at(path)
    return anthropic.new {
      base_url = "https://127.0.0.1:" .. port .. path, api_key = KEY, http_version = "2",
      ca_file = directory .. "/ca.crt",
    }
  end

  local function spec(name, f)
    it(name, function()
      if not server then
        pending "nghttpd is missing"
        return
      end
      f()
    end)
  end

  spec("carries a request", function()
    local message = assert(client_at("").messages.create(params))
    assert.equal("Hello!", message:text())
    assert.equal(200, message.response.status)
  end)

  spec("carries two streams over one connection, one unread beside the other", function()
    local client = client_at "/stream"
    assert(client.messages.stream(params)):close()
    local before = loop.core():connections()
    local unread = assert(client.messages.stream(params))
    local read = assert(client.messages.stream(params))
    assert.is_true(read.response.timings.reused or unread.response.timings.reused)
    assert.is_true(loop.core():connections() <= math.max(before, 1))
    assert(unread:next())
    assert.equal(COUNT, #assert(read:message()):text())
    assert.equal(COUNT, #assert(unread:message()):text())
  end)

  spec("carries twenty streams at once", function()
    local client = client_at "/stream"
    local lengths = {}
    anthropic.run(function()
      for i = 1, 20 do
        anthropic.spawn(function()
          lengths[i] = #assert(assert(client.messages.stream(params)):message()):text()
        end)
      end
    end)
    for i = 1, 20 do
      assert.equal(COUNT, lengths[i])
    end
  end)

  spec("does not hand a connection that was not checked to a client that checks", function()
    local options = { base_url = "https://127.0.0.1:" .. port, api_key = KEY, http_version = "2" }
    options.insecure = true
    local careless = anthropic.new(options)
    options.insecure = nil
    assert(careless.messages.create(params))
    local message, err = anthropic.new(options).messages.create(params)
    assert.is_nil(message)
    assert.equal("connection", err.kind)
    assert.is_true(assert(careless.messages.create(params)).response.timings.reused)
  end)

  spec("ends one stream of a connection without the others", function()
    local client = client_at "/stream"
    local closed = assert(client.messages.stream(params))
    local other = assert(client.messages.stream(params))
    assert(closed:next())
    closed:close()
    assert.equal(COUNT, #assert(other:message()):text())
    assert.equal("Hello!", assert(client_at("").messages.create(params)):text())
  end)
end)
