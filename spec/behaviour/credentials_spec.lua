-- Credentials that live: functions and commands, asked in time, once for all.

local anthropic = require "anthropic"
local directories = require "spec.support.directory"
local service = require "spec.support.service"
local testing = require "anthropic.testing"

local params, header = service.params, service.header

local HELLO = testing.message { text = "Hello!" }
local REFUSED = testing.error { status = 401, headers = { ["x-should-retry"] = "false" } }

local function client_of(script, options)
  local server = service.serve(script)
  return service.client(server, options), server
end

-- What the server was sent.
local function tokens(server)
  local sent = {}
  for i, request in ipairs(server:requests()) do
    sent[i] = header(request, "authorization"):match "^Bearer (.*)$"
  end
  return sent
end

local function ask(client, times)
  for _ = 1, times do
    assert(client.messages.create(params()))
  end
end

-- So many requests at once.
local function ask_at_once(client, count)
  local failures = {}
  anthropic.run(function()
    local tasks = {}
    for i = 1, count do
      tasks[i] = anthropic.spawn(function() return client.messages.create(params()) end)
    end
    for _, task in ipairs(tasks) do
      local message, err = task:join()
      failures[#failures + 1] = not message and err or nil
    end
  end)
  return failures
end

local function repeated(answer, times)
  local script = {}
  for i = 1, times do
    script[i] = answer
  end
  return script
end

before_each(function()
  service.environment {}
end)

after_each(service.clear)

describe("a function for a credential", function()
  local calls

  before_each(function()
    calls = 0
  end)

  -- A function whose n-th result is "token-n", for so many seconds.
  local function source(seconds, wait)
    return function()
      calls = calls + 1
      local token = "token-" .. calls
      if wait and not anthropic.sleep(wait) then
        return nil
      end
      return token, seconds and os.time() + seconds
    end
  end

  it("is asked before each attempt", function()
    local overloaded = testing.error { status = 529, headers = { ["retry-after-ms"] = "1" } }
    local client, server = client_of({ overloaded, HELLO, HELLO }, { auth_token = source(), max_retries = 1 })
    ask(client, 2)
    assert.same({ "token-1", "token-2", "token-3" }, tokens(server))
  end)

  it("is asked again only near the end of what it returned", function()
    local client, server = client_of(repeated(HELLO, 3), { auth_token = source(3600) })
    ask(client, 3)
    assert.same({ "token-1", "token-1", "token-1" }, tokens(server))
  end)

  it("is asked again where that has ended", function()
    for _, seconds in ipairs { 0, -5 } do
      calls = 0
      local client, server = client_of(repeated(HELLO, 2), { api_key = source(seconds) })
      ask(client, 2)
      assert.same({ "token-1", "token-2" }, tokens(server))
    end
  end)

  it("is asked once for all that are under way", function()
    local client, server = client_of(repeated(HELLO, 20), { auth_token = source(3600, 0.03) })
    assert.same({}, ask_at_once(client, 20))
    assert.equal(1, calls)
    for _, token in ipairs(tokens(server)) do
      assert.equal("token-1", token)
    end
  end)

  it("that names no end is asked for each at its own time", function()
    local client = client_of(repeated(HELLO, 5), { auth_token = source(nil, 0.001) })
    assert.same({}, ask_at_once(client, 5))
    assert.equal(5, calls)
  end)

  it("fails for all that wait for it, each with an error and an end of its own", function()
    local ended, released = 0, 0
    local client, server = client_of({ HELLO }, { auth_token = function()
      calls = calls + 1
      anthropic.sleep(0.02)
      return nil, "no vault"
    end, on_log = function(record)
      ended = ended + (record.event == "done" and 1 or 0)
    end, limiter = { acquire = function() return true end, release = function() released = released + 1 end } })
    local failures = ask_at_once(client, 5)
    assert.same({ 5, 5 }, { ended, released })
    assert.is_false(rawequal(failures[1], failures[5]))
    assert.equal(5, #failures)
    assert.equal(1, calls)
    assert.equal("auth_token: the function returned nothing: no vault", failures[5].message)
    assert.equal(0, #server:requests())
  end)

  it("goes on with the next one where the one that asks is cancelled", function()
    local client = client_of({ HELLO }, { auth_token = source(3600, 0.03) })
    anthropic.run(function()
      local first = anthropic.spawn(function() return client.messages.create(params()) end)
      anthropic.sleep(0)
      local second = anthropic.spawn(function() return client.messages.create(params()) end)
      anthropic.sleep(0)
      first:cancel()
      assert(second:join())
    end)
    assert.equal(2, calls)
  end)

  it("keeps nobody waiting whose client is closed", function()
    local asked = source(3600, 0.05)
    local client = client_of({ HELLO }, { auth_token = asked })
    anthropic.run(function()
      local first = anthropic.spawn(function() return client.messages.create(params()) end)
      anthropic.sleep(0)
      local second = anthropic.spawn(function() return client.messages.create(params()) end)
      anthropic.sleep(0)
      client:close()
      assert.equal("cancelled", select(2, second:join()).kind)
      assert.equal("cancelled", select(2, first:join()).kind)
    end)
  end)

  it("may send requests of another client, but none that needs what it returns", function()
    local client
    client = client_of({ HELLO }, { auth_token = function()
      local message, err = client.messages.create(params())
      return message and "token", err
    end })
    local message, err = client.messages.create(params())
    assert.is_nil(message)
    assert.equal("invalid_request", err.kind)
    assert.truthy(err.message:find("needs what it is to return", 1, true))
  end)

  it("that raises is an error of the request, which gives back what it acquired", function()
    for _, raised in ipairs { "no vault", {}, 5 } do
      local held = 0
      local client, server = client_of({ HELLO }, {
        auth_token = function() error(raised, 0) end,
        limiter = {
          acquire = function() held = held + 1 return true end,
          release = function() held = held - 1 end,
        },
      })
      local message, err = client.messages.create(params())
      assert.is_nil(message)
      assert.equal("invalid_request", err.kind)
      assert.truthy(err.message:find("^auth_token: the function raised: "))
      assert.same({ 0, 0 }, { held, #server:requests() })
    end
  end)

  it("keeps the kind of another request's error", function()
    local vault = service.client { url = "http://127.0.0.1:" .. service.refusing_port() }
    local client = client_of({ HELLO }, { auth_token = function() return nil, select(2, vault.models.list()) end })
    local message, err = client.messages.create(params())
    assert.is_nil(message)
    assert.equal("connection", err.kind)
    assert.truthy(err.message:find("^auth_token: "))
  end)

  it("is asked once more where the server refuses, without a wait", function()
    local client, server = client_of({ REFUSED, HELLO, HELLO }, { auth_token = source(3600), max_retries = 1 })
    local waits = {}
    local message = assert(client.messages.create(params(), { on_retry = function(info)
      waits[#waits + 1] = info.delay
    end }))
    assert.same({ 0 }, waits)
    assert.equal(2, message.response.attempts)
    ask(client, 1)
    assert.same({ "token-1", "token-2", "token-2" }, tokens(server))
  end)

  it("is asked once more and no more", function()
    local client, server = client_of(repeated(REFUSED, 3), { auth_token = source(3600), max_retries = 2 })
    local message, err = client.messages.create(params())
    assert.is_nil(message)
    assert.same({ 401, 2 }, { err.status, err.attempts })
    assert.same({ "token-1", "token-2" }, tokens(server))
  end)

  it("is not asked once more where there are no retries, but for the next request", function()
    local client, server = client_of({ REFUSED, HELLO }, { auth_token = source(3600), max_retries = 0 })
    assert.equal(401, select(2, client.messages.create(params())).status)
    ask(client, 1)
    assert.same({ "token-1", "token-2" }, tokens(server))
  end)

  it("is asked once more for a stream and for what must not be sent twice, too", function()
    local client, server = client_of({ REFUSED, testing.stream { text = "Hello!" }, REFUSED, { body = { id = "b" } } },
      { auth_token = source(3600), max_retries = 1 })
    assert.equal("Hello!", assert(assert(client.messages.stream(params())):message()):text())
    assert(client.messages.batches.create { requests = {} })
    assert.same({ "token-1", "token-2", "token-2", "token-3" }, tokens(server))
  end)

  it("is asked once more where a 200 refuses, and for the next request where that comes late", function()
    local refusal = { type = "authentication_error", message = "expired" }
    local client, server = client_of({
      { body = { type = "error", error = refusal } }, HELLO,
      { events = { { event = "error", data = { type = "error", error = refusal } } } },
      testing.stream { text = "Hello!" },
      testing.stream { text = "Hello!", error = refusal }, HELLO,
    }, { auth_token = source(3600), max_retries = 1 })
    ask(client, 1)
    assert.equal("Hello!", assert(assert(client.messages.stream(params())):message()):text())
    local stream, text = assert(client.messages.stream(params())), ""
    local event, err = stream:next()
    while event do
      text = text .. (event.delta and event.delta.text or "")
      event, err = stream:next()
    end
    assert.same({ "Hello!", 401, true }, { text, err.status, err.in_stream })
    ask(client, 1)
    assert.same({ "token-1", "token-2", "token-2", "token-3", "token-3", "token-4" }, tokens(server))
  end)

  it("is asked by a request that blocks the others, though one of them asks it already", function()
    local client, server = client_of(repeated(HELLO, 2), { auth_token = source(3600, 0.2), max_retries = 0 })
    anthropic.run(function()
      local task = anthropic.spawn(client.messages.create, params())
      anthropic.sleep(0.05)
      assert(client.messages.create(params(), { loop = "blocking" }))
      assert(task:join())
    end)
    assert.equal(2, #server:requests())
  end)

  it("is asked once for all that were refused", function()
    local late = testing.error { status = 401, headers = { ["x-should-retry"] = "false" }, delay = 0.3 }
    local script = {}
    for i = 1, 40 do
      script[i] = i <= 20 and late or HELLO
    end
    local client = client_of(script, { auth_token = source(3600, 0.01), max_retries = 2 })
    assert.same({}, ask_at_once(client, 20))
    assert.equal(2, calls)
  end)

  it("works inside middleware", function()
    local client, server = client_of({ REFUSED, HELLO }, {
      auth_token = source(3600), max_retries = 1, middleware = { function(_, send) return send() end },
    })
    ask(client, 1)
    assert.same({ "token-1", "token-2" }, tokens(server))
  end)
end)

describe("a string for a credential that the server refuses", function()
  it("is not sent again", function()
    local client, server = client_of({ REFUSED }, { max_retries = 2 })
    assert.equal(401, select(2, client.messages.create(params())).status)
    assert.equal(1, #server:requests())
  end)
end)

describe("a command for a credential", function()
  local directory

  before_each(function()
    directory = directories.new()
  end)

  after_each(function()
    directory:remove()
  end)

  -- A command that writes "token-n" when it runs for the n-th time.
  local function counting(before)
    local script = ('%s; echo x >>%s; echo " token-$(($(wc -l <%s)))"; echo'):format(before or ":",
      directory:path "runs", directory:path "runs")
    return { "/bin/sh", "-c", script }
  end

  it("is run once, and its output is trimmed", function()
    local client, server = client_of(repeated(HELLO, 2), { api_key = { command = counting() } })
    ask(client, 2)
    assert.same({ "token-1", "token-1" }, tokens(server))
  end)

  it("is run again when its output has ended", function()
    local now = os.time
    local client, server = client_of(repeated(HELLO, 3), { api_key = { command = counting(), expires_in = 100 } })
    ask(client, 2)
    local later = now() + 95
    os.time = function(...) return select("#", ...) > 0 and now(...) or later end -- luacheck: ignore 122
    local ok, err = pcall(ask, client, 1)
    os.time = now -- luacheck: ignore 122
    assert(ok, err)
    assert.same({ "token-1", "token-1", "token-2" }, tokens(server))
  end)

  it("is run once more where the server refuses", function()
    local client, server = client_of({ REFUSED, HELLO }, { api_key = { command = counting() }, max_retries = 1 })
    ask(client, 1)
    assert.same({ "token-1", "token-2" }, tokens(server))
  end)

  it("is run once for all, and lets others go on", function()
    local client, server = client_of(repeated(HELLO, 20), { api_key = { command = counting "sleep 0.05" } })
    local turns, is_over = 0, false
    anthropic.run(function()
      anthropic.spawn(function()
        while not is_over do
          turns = turns + 1
          anthropic.sleep(0.002)
        end
      end)
      local tasks = {}
      for i = 1, 20 do
        tasks[i] = anthropic.spawn(function() return client.messages.create(params()) end)
      end
      for _, task in ipairs(tasks) do
        assert(task:join())
      end
      is_over = true
    end)
    assert.is_true(turns > 2)
    for _, token in ipairs(tokens(server)) do
      assert.equal("token-1", token)
    end
  end)

  it("may write to its standard error, and reads nothing", function()
    local client, server = client_of({ HELLO }, {
      api_key = { command = { "/bin/sh", "-c", "cat; echo noise >/dev/null; echo token" } },
    })
    ask(client, 1)
    assert.same({ "token" }, tokens(server))
  end)

  -- What is wrong, and nothing of what it wrote.
  local function failure(command)
    local client, server = client_of({ HELLO }, { api_key = { command = command }, max_retries = 2 })
    local message, err = client.messages.create(params())
    assert.is_nil(message)
    assert.equal(0, #server:requests())
    assert.equal("invalid_request", err.kind)
    assert.is_nil(tostring(err):find("hush", 1, true))
    return err.message
  end

  it("fails, and nothing of its output or its arguments is told", function()
    local sh = "/bin/sh"
    assert.equal('api_key: the command "/bin/sh" failed with status 3', failure { sh, "-c", "echo hush; exit 3" })
    assert.equal('api_key: the command "/bin/sh" was ended by signal 9',
      failure { sh, "-c", "echo hush; kill -9 $$" })
    assert.equal('api_key: the command "true" wrote nothing', failure { "true", "hush" })
    assert.equal("api_key: must not contain a line break or NUL", failure { sh, "-c", "echo hush; echo hush" })
    assert.matches('^api_key: the command "no%-such%-command%-here" cannot be run: ',
      failure { "no-such-command-here", "hush" })
    assert.equal('api_key: the command "yes" wrote too much', failure { "yes", "hush" })
  end)

  it("is ended with what waits for it", function()
    local client = client_of({ HELLO }, {
      api_key = { command = { "/bin/sh", "-c", ("echo $$ >%s; exec sleep 60"):format(directory:path "pid") } },
    })
    anthropic.run(function()
      local task = anthropic.spawn(function() return client.messages.create(params()) end)
      repeat
        anthropic.sleep(0.01)
      until directory:run "cat pid 2>/dev/null || true":find "%d\n"
      task:cancel()
    end)
    local pid = directory:read("pid"):match "%d+"
    assert.matches("No such process", directory:run("kill -0 " .. pid))
  end)

  it("takes no longer than the whole request may", function()
    local client = client_of({ HELLO }, { api_key = { command = { "sleep", "60" } }, timeout = 0.05 })
    local message, err = client.messages.create(params())
    assert.is_nil(message)
    assert.same({ "timeout", "total" }, { err.kind, err.timeout })
  end)

  it("fails where nobody knows how it ended", function()
    local runs = {}
    local client, server = client_of({ HELLO }, { api_key = { command = { "a", "b" } }, loop = {
      wait = require("anthropic.loop").driver("blocking").wait,
      run = function(arguments)
        runs[#runs + 1] = arguments[#arguments - 1] .. arguments[#arguments]
        return { output = function() return "hush", "unknown" end, close = function() end }
      end,
    } })
    local message, err = client.messages.create(params())
    assert.is_nil(message)
    assert.same({ "ab", "ab" }, runs) -- the second time by a shell that is to tell
    assert.equal('api_key: the command "a" ended, and nobody knows how', err.message)
    assert.equal(0, #server:requests())
  end)
end)
