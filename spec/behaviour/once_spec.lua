-- What is not asked for twice: methods that make what is billed or kept, `retry = "safe"` and `max_retries = 0`. The
-- requests are counted where they arrive.

local anthropic = require "anthropic"
local libcurl = require "spec.support.libcurl"
local resources = require "anthropic.api.resources"
local service = require "spec.support.service"
local socket = require "socket"
local testing = require "anthropic.testing"

local params = service.params
local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

-- The methods that the table marks, each as a function of a client and options.
local function safe_methods()
  local list = {}
  for resource, rows in pairs(resources) do
    for name, row in pairs(rows) do
      if name ~= "beta" and row:find("retry=safe", 1, true) then
        local values = {}
        for parameter in row:gmatch "{[%w_]+}" do
          values[#values + 1] = "id_" .. parameter:sub(2, -2)
        end
        local body = row:find("multipart", 1, true) and { file = { data = "x", filename = "x.txt" } } or { name = "x" }
        list[#list + 1] = {
          name = resource .. "." .. name,
          call = function(client, options)
            local object = client
            for member in resource:gmatch "[^.]+" do
              object = object[member]
            end
            local arguments = { unpack(values) }
            arguments[#values + 1], arguments[#values + 2] = body, options
            return object[name](unpack(arguments, 1, #values + 2))
          end,
        }
      end
    end
  end
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

local SAFE = safe_methods()

local function create_batch(client, options)
  return client.messages.batches.create({ requests = {} }, options)
end

local function create_message(client, options)
  return client.messages.create(params(), options)
end

local function good()
  local content = { { type = "text", text = "Hello!" } }
  return { body = { id = "made", type = "message", role = "assistant", content = content } }
end

local function failing(status, headers)
  local answer = { status = status, headers = { ["retry-after-ms"] = 1 }, body = "" }
  for name, value in pairs(headers or {}) do
    answer.headers[name] = value
  end
  return answer
end

-- After each of these the server may have acted.
local OPEN_ENDS = {
  ["408"] = failing(408),
  ["409"] = failing(409),
  ["500"] = failing(500),
  ["503"] = failing(503),
  ["529"] = failing(529),
  ["a close"] = { close = true },
  ["a reset"] = { reset = true },
  ["silence"] = { hang = true },
  ["a cut in the headers"] = { body = "{}", cut_headers = 20 },
  ["a cut in the body"] = { body = { id = "made" }, cut_after = 3 },
  ["a reset in the body"] = { body = { id = "made" }, reset_after = 3 },
  ["silence in the body"] = { body = { id = "made" }, hang_after = 3 },
  ["a garbled answer"] = { raw = "garbled\r\n\r\n" },
  ["a status that is none"] = { raw = "HTTP/1.1 abc OK\r\n\r\n" },
}

-- After each of these it cannot have.
local SHUT_ENDS = {
  ["429"] = failing(429),
  ["429, cut"] = { status = 429, headers = { ["retry-after-ms"] = 1 }, body = "no", cut_after = 1 },
  ["500 that says so"] = failing(500, { ["x-should-retry"] = "true" }),
  ["400 that says so"] = failing(400, { ["x-should-retry"] = "true" }),
}

local QUICK = { first_byte = 0.3, idle = 0.3 }

describe("a request for what is billed or kept", function()
  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  it("is one of 31 methods", function()
    assert.equal(31, #SAFE)
  end)

  for _, method in ipairs(SAFE) do
    it("goes out once where its answer is lost, and again after 429: " .. method.name, function()
      local server = service.serve { { close = true }, failing(429), good() }
      local client = service.client(server, { max_retries = 2 })
      local value, err = method.call(client)
      assert.is_nil(value)
      assert.equal("connection", err.kind)
      assert.equal(1, err.attempts)
      assert.equal(1, #server:requests())
      value = assert(method.call(client))
      assert.equal("made", value.id)
      assert.equal(2, value.response.attempts)
      assert.equal(3, #server:requests())
    end)
  end

  for name, answer in pairs(OPEN_ENDS) do
    it("goes out once, after " .. name, function()
      local server = service.serve { answer, good() }
      local value, err = create_batch(service.client(server, { max_retries = 2, timeout = QUICK }))
      assert.is_nil(value)
      assert.equal(1, err.attempts)
      assert.equal(1, #err.history)
      assert.is_nil(err.unprocessed)
      assert.equal(1, #server:requests())
    end)
  end

  for name, answer in pairs(SHUT_ENDS) do
    it("goes out again, after " .. name, function()
      local server = service.serve { answer, good() }
      local value = assert(create_batch(service.client(server, { max_retries = 2, timeout = QUICK })))
      assert.equal(2, value.response.attempts)
      assert.equal(2, #server:requests())
    end)
  end

  it("goes out once after what the server says not to repeat, whatever it is", function()
    for _, status in ipairs { 429, 500 } do
      for _, retry in ipairs { "safe", "always" } do
        local server = service.serve { failing(status, { ["x-should-retry"] = "false" }), good() }
        local _, err = create_batch(service.client(server, { max_retries = 2, retry = retry }))
        assert.equal(status, err.status)
        assert.equal(1, #server:requests())
      end
    end
  end)

  it("goes out again where no connection came about", function()
    local listener = assert(socket.bind("127.0.0.1", 0))
    local _, port = listener:getsockname()
    listener:close()
    local server, first
    local client = service.client(nil, {
      base_url = "http://127.0.0.1:" .. port, max_retries = 2,
      on_retry = function(info)
        first = first or info.error
        server = server or service.serve(good(), { port = tonumber(port) })
      end,
    })
    assert.equal("made", assert(create_batch(client)).id)
    assert.equal("connection", first.kind)
    assert.is_true(first.unprocessed)
    assert.equal(1, #server:requests())
  end)

  it("is repeated where the connection fails before it is sent", function()
    local server = service.serve { status = 502 }
    local port = server.url:match "%d+$"
    for name, options in pairs {
      ["no answer to TLS"] = { base_url = "https://127.0.0.1:" .. port },
      ["no host"] = { base_url = "http://host.invalid" },
      ["no proxy"] = { base_url = server.url, proxy = "http://127.0.0.1:1" },
      ["no tunnel"] = { base_url = "https://127.0.0.1:1", proxy = server.url },
    } do
      options.max_retries, options.timeout = 1, { connect = 0.3 }
      local _, err = create_batch(service.client(nil, options))
      assert.is_true(err.unprocessed, name)
      assert.equal(2, err.attempts, name)
    end
    local _, err = create_batch(service.client(nil, { -- whose request the proxy passed on, or not
      base_url = "http://127.0.0.1:1", proxy = server.url, max_retries = 1,
    }))
    assert.equal(502, err.status)
    assert.equal(1, err.attempts)
  end)

  it("is repeated by the option retry, of the client or of the request", function()
    local server = service.serve { failing(500), good() }
    local client = service.client(server, { max_retries = 2, retry = "always" })
    assert.equal(2, assert(create_batch(client)).response.attempts)
    server = service.serve { failing(500), good() }
    client = service.client(server, { max_retries = 2, retry = "safe" })
    assert.equal(2, assert(create_batch(client, { retry = "always" })).response.attempts)
    assert.has_error(function()
      service.client(server, { retry = "never" })
    end, [[option "retry": one of "safe", "always" expected, got "never"]])
  end)

  it("goes out once on a connection that was kept and is lost", function()
    for _, method in ipairs(SAFE) do
      local server = service.serve { good(), { close = true }, good() }
      local client = service.client(server, { max_retries = 2 })
      assert(create_message(client))
      local value, err = method.call(client)
      assert.is_nil(value)
      assert.equal("connection", err.kind)
      assert.matches("used before", err.message, nil, true)
      assert.equal(1, err.attempts)
      assert.equal(2, #server:requests(), method.name)
    end
  end)
end)

describe("with retry = safe, any other request", function()
  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  local function content_then(...)
    local events = {
      { data = { type = "message_start", message = { id = "m", role = "assistant", content = testing.array {} } } },
    }
    for _, event in ipairs { ... } do
      events[#events + 1] = { data = event }
    end
    return { events = events, headers = { ["retry-after-ms"] = 1 } }
  end

  it("goes out once where its answer is lost", function()
    for name, answer in pairs(OPEN_ENDS) do
      local server = service.serve { answer, good() }
      local _, err = create_message(service.client(server, { max_retries = 2, timeout = QUICK, retry = "safe" }))
      assert.equal(1, err.attempts, name)
      assert.equal(1, #server:requests(), name)
    end
  end)

  it("goes out once where its stream breaks off or fails before its content", function()
    for _, on_interrupt in ipairs { false, "retry", "continue" } do
      for _, answer in ipairs {
        content_then(),
        content_then { type = "error", error = { type = "overloaded_error", message = "No." } },
        content_then { type = "error", error = { type = "rate_limit_error", message = "No." } },
        content_then(
          { type = "content_block_start", index = 0, content_block = { type = "text", text = "" } },
          { type = "content_block_delta", index = 0, delta = { type = "text_delta", text = "x" } }),
      } do
        local server = service.serve { answer, testing.stream { text = "again" } }
        local client = service.client(server, {
          max_retries = 2, retry = "safe", on_interrupt = on_interrupt or nil,
        })
        local stream = assert(client.messages.stream(params()))
        local message, err = stream:message()
        assert.is_nil(message)
        assert.equal(1, err.attempts)
        assert.equal(1, #server:requests())
      end
    end
  end)
end)

-- Every way to ask.
local WAYS = {
  POST = create_message,
  stream = function(client, options)
    local stream, err = client.messages.stream(params(), options)
    if not stream then
      return nil, err
    end
    return stream:message()
  end,
  GET = function(client, options)
    return client.models.retrieve("m", nil, options)
  end,
  DELETE = function(client, options)
    return client.files.delete("f", nil, options)
  end,
  HEAD = function(client, options)
    return client:request({ method = "HEAD", path = "/v1/things" }, options)
  end,
  upload = function(client, options)
    local file = { data = ("x"):rep(300000), filename = "x.txt" }
    return client:request({ path = "/v1/things", method = "POST", multipart = { file = file } }, options)
  end,
  ["upload of a file"] = function(client, options)
    local file = { path = "README.md" }
    return client:request({ path = "/v1/things", method = "POST", multipart = { file = file } }, options)
  end,
  ["large body"] = function(client, options)
    return client.messages.create(params { system = ("x"):rep(3000000) }, options)
  end,
  download = function(client, options)
    return client.files.download("f", nil, options)
  end,
}

describe("on a connection that was kept and is closed before an answer", function()
  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  -- Where many connections have just ended, libcurl may have been told to make a new one.
  local KEPT = "the connection, which had been used before, ended without an answer"
  local LOST = {
    [KEPT] = true,
    ["Empty reply from server"] = libcurl.notes_ends_late,
    ["Recv failure: Connection reset by peer"] = libcurl.notes_ends_late,
  }

  -- Returns whether it had been kept.
  local function is_lost(err)
    assert.equal("connection", err.kind)
    assert.is_true(LOST[err.message], err.message)
    return err.message == KEPT
  end

  for name, ask in pairs(WAYS) do
    for how, loss in pairs { closed = { close = true }, reset = { reset = true } } do
      it(("a request goes out once without retries: %s, %s"):format(name, how), function()
        local server = service.serve { good(), loss, good() }
        local client = service.client(server)
        assert(create_message(client))
        local value, err = ask(client)
        assert.is_nil(value)
        is_lost(err)
        assert.equal(1, err.attempts)
        assert.equal(1, #err.history)
        assert.equal(2, #server:requests())
      end)
    end

    it("a request goes out again at once, and that is a retry: " .. name, function()
      local server = service.serve { good(), { close = true }, good() }
      local infos = {}
      local client = service.client(server, {
        max_retries = 1,
        on_retry = function(info)
          infos[#infos + 1] = info
        end,
      })
      assert(create_message(client))
      assert(ask(client))
      assert.equal(1, #infos)
      assert.is_true(not is_lost(infos[1].error) or infos[1].delay == 0)
      local requests = server:requests()
      assert.equal(3, #requests)
      assert.equal(requests[2].method, requests[3].method)
      assert.is_true(requests[2].body == requests[3].body or name:find "upload" ~= nil)
    end)
  end

  it("every sending is counted, and stands in the history", function()
    local server = service.serve { good(), { close = true }, failing(500), failing(400) }
    local client = service.client(server, { max_retries = 5 })
    assert(create_message(client))
    local _, err = create_message(client)
    assert.equal(400, err.status)
    assert.equal(3, err.attempts)
    assert.equal(4, #server:requests())
    assert.equal("connection", err.history[1].kind)
    assert.equal(0, err.history[1].waited)
    assert.equal(500, err.history[2].status)
  end)

  it("a second loss is waited after as after any other failure", function()
    local server = service.serve { good(), { close = true }, { close = true }, good() }
    local delays = {}
    local client = service.client(server, {
      max_retries = 3,
      on_retry = function(info)
        delays[#delays + 1] = info.delay
      end,
    })
    assert(create_message(client))
    assert.equal(3, assert(create_message(client)).response.attempts)
    assert.equal(0, delays[1])
    assert.is_true(delays[2] >= 0.75 and delays[2] <= 1, delays[2])
  end)

  it("many requests at once go out again, each once", function()
    local server = service.serve { routes = {
      { body_contains = "again", answers = { { close = true }, good() } },
      { answers = { good() } },
    } }
    local client = service.client(server, { max_retries = 1 })
    anthropic.run(function()
      for _, system in ipairs { "first", "again" } do
        local tasks = {}
        for i = 1, 8 do
          tasks[i] = anthropic.spawn(function()
            return client.messages.create(params { system = system })
          end)
        end
        for i = 1, 8 do
          assert((tasks[i]:join()))
        end
      end
    end)
    assert.is_true(#server:requests() >= 16 and #server:requests() <= 17)
  end)
end)

describe("an answer that is no HTTP", function()
  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  it("is asked for again, though its code is that of a scheme that nobody knows", function()
    for _, raw in ipairs { "garbled\r\n\r\n", "HTTP/1.1 abc OK\r\n\r\n", "220 mail.example.com ESMTP\r\n" } do
      local server = service.serve { { raw = raw }, good() }
      local first
      local client = service.client(server, {
        max_retries = 1,
        on_retry = function(info)
          first = info.error
        end,
      })
      assert.equal(2, assert(create_message(client)).response.attempts)
      assert.equal("connection", first.kind)
      assert.equal(2, #server:requests())
    end
  end)
end)
