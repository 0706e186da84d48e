local anthropic = require "anthropic"
local certificates = require "spec.support.certificates"
local child = require "spec.support.child"
local loop = require "anthropic.loop"
local raw_client = require "spec.support.raw_client"
local socket = require "socket"

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

  local function serve(name)
    local path = directory .. "/" .. name
    server = child.start("spec/support/tls_server.lua", path .. ".crt", path .. ".key", MESSAGE)
    return server
  end

  local function ask(options)
    options.base_url = ("https://%s:%d"):format(options.host or "127.0.0.1", server.port)
    options.host = nil
    options.api_key = KEY
    return anthropic.new(options).messages.create(params)
  end

  local function assert_refused(message, err, words)
    assert.is_nil(message)
    assert.equal("connection", err.kind)
    assert.matches(words, err.message)
    assert.equal(1, err.attempts)
    assert.is_nil(server:log():find(KEY, 1, true))
    assert.is_nil(server:log():find("POST", 1, true))
  end

  it("refuses an authority that nobody vouches for, once, before the key is sent", function()
    serve "here"
    local message, err = ask {}
    assert_refused(message, err, "certificate")
    assert.matches("^anthropic: connection error: ", tostring(err))
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
    assert.equal("Hello!", assert(ask { ca_file = path }):text())
  end)

  it("takes authorities from ca_path", function()
    serve "here"
    assert.equal("Hello!", assert(ask { ca_path = directory .. "/authorities" }):text())
  end)

  it("checks the host by its name, too", function()
    serve "here"
    assert.equal("Hello!", assert(ask { host = "localhost", ca_file = directory .. "/ca.crt" }):text())
  end)

  it("says that a ca_file cannot be read, and sends nothing", function()
    serve "here"
    local message, err = ask { ca_file = directory .. "/none.crt" }
    assert_refused(message, err, "none%.crt")
  end)

  it("refuses another host's certificate", function()
    serve "elsewhere"
    local message, err = ask { ca_file = directory .. "/ca.crt" }
    assert_refused(message, err, "127%.0%.0%.1")
  end)

  it("refuses an expired certificate", function()
    serve "old"
    local message, err = ask { ca_file = directory .. "/ca.crt" }
    assert_refused(message, err, "expired")
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
    server = child.start("spec/support/proxy_server.lua", "400")
    local message, err = ask { max_retries = 0 }
    assert.is_nil(message)
    assert.equal("connection", err.kind)
    assert.is_nil(tostring(err):find(KEY, 1, true))
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
