-- The option `limiter`: what it is asked, when, and what becomes of what it says and raises.

local anthropic = require "anthropic"
local hosted = require "spec.support.hosted"
local testing = require "anthropic.testing"

local PARAMS = { model = "m", max_tokens = 9, messages = { { role = "user", content = ("Hello "):rep(100) } } }

-- A limiter that notes what it is asked.
local function noting(calls, methods)
  local self = {}
  for _, name in ipairs { "acquire", "observe", "release" } do
    self[name] = function(me, ...)
      assert(me == self, "called without a colon")
      calls[#calls + 1] = { name, ... }
      if methods and methods[name] then
        return methods[name](...)
      end
      return true
    end
  end
  return self
end

local function names_of(calls)
  local names = {}
  for i, call in ipairs(calls) do
    names[i] = call[1]
  end
  return table.concat(names, " ")
end

describe("a limiter", function()
  local server, calls, client

  local function serve(script, options, methods)
    server = hosted.server { script = script }
    calls = {}
    options = options or {}
    options.base_url, options.api_key = server.url, "k"
    options.max_retries = options.max_retries or 0
    options.limiter = noting(calls, methods)
    client = anthropic.new(options)
    return client
  end

  after_each(function()
    if server then
      server:stop()
      server = nil
    end
  end)

  it("is asked before an attempt, and told of its answer and its end", function()
    serve({ testing.message { text = "x", request_id = "req_1" } }, { tag = "t" })
    assert(client.messages.create(PARAMS))
    assert.equal("acquire observe release", names_of(calls))
    local request = calls[1][2]
    assert.is_true(request.tokens > 150 and request.tokens < 300)
    request.tokens = nil
    assert.same({ method = "POST", path = "/v1/messages", model = "m", attempt = 1, tag = "t" }, request)
    assert.equal(request, calls[2][2])
    assert.equal(request, calls[3][2])
    assert.equal("req_1", calls[2][3].request_id)
    assert.equal(calls[2][3], calls[3][3])
    assert.is_nil(calls[3][4])
  end)

  it("is asked for each attempt", function()
    serve({ testing.error { status = 529, retry_after = 0 }, testing.message { text = "x" } }, { max_retries = 1 })
    assert(client.messages.create(PARAMS))
    assert.equal("acquire observe release acquire observe release", names_of(calls))
    assert.equal(529, calls[2][3].status)
    assert.equal(529, calls[3][4].status)
    assert.equal(2, calls[4][2].attempt)
  end)

  it("is told of what brought no answer", function()
    serve { { reset = true } }
    assert.is_nil((client.messages.create(PARAMS)))
    assert.equal("acquire release", names_of(calls))
    assert.is_nil(calls[2][3])
    assert.is_not_nil(calls[2][4].kind)
  end)

  it("is not asked twice for a redirect", function()
    serve { { status = 307, headers = { Location = "/v1/elsewhere" } }, testing.message { text = "x" } }
    assert(client.messages.create(PARAMS))
    assert.equal("acquire observe release", names_of(calls))
  end)

  it("is asked of every method", function()
    serve { { body = { id = "m" } }, { body = { data = {} } }, { body = { input_tokens = 3 } } }
    assert(client.models.retrieve "m")
    assert(client.models.list())
    assert(client.messages.count_tokens { model = "n", messages = PARAMS.messages })
    assert.equal("acquire observe release acquire observe release acquire observe release", names_of(calls))
    assert.equal("/v1/models/m", calls[1][2].path)
    assert.equal("GET", calls[1][2].method)
    assert.equal("n", calls[7][2].model)
  end)

  it("is asked by map, run and parse", function()
    serve { testing.message { text = "{}" } }
    assert(client.messages.map({ PARAMS, PARAMS }))
    assert(client.messages.run { model = "m", max_tokens = 9, messages = PARAMS.messages, max_turns = 1 })
    assert(client.messages.parse { model = "m", max_tokens = 9, messages = PARAMS.messages,
      schema = { type = "object", properties = {}, additionalProperties = false } })
    local acquired, released = 0, 0
    for _, call in ipairs(calls) do
      acquired = acquired + (call[1] == "acquire" and 1 or 0)
      released = released + (call[1] == "release" and 1 or 0)
    end
    assert.same({ 4, 4 }, { acquired, released })
  end)

  it("is released at once where a task goes on though it was cancelled", function()
    local ended
    serve({ hang = true }, {
      on_log = function(record) ended = record.event == "done" and record.outcome or ended end,
    }, { acquire = function()
      anthropic.sleep(10) -- which is cancelled, and nobody looks
      return true
    end })
    anthropic.run(function()
      local task = anthropic.spawn(client.messages.create, PARAMS)
      anthropic.sleep(0.01)
      task:cancel()
      local message, err = task:join()
      assert.is_nil(message)
      assert.equal("cancelled", err.kind)
    end)
    assert.equal("acquire release", names_of(calls))
    assert.equal("closed", ended)
  end)

  it("is an object", function()
    for _, wrong in ipairs { anthropic.null, {}, 5, true } do
      local ok, problem = pcall(anthropic.new, { limiter = wrong })
      assert.is_false(ok)
      assert.matches('option "limiter": an object with the method acquire, or false expected', problem, 1, true)
    end
  end)

  it("may be another one, or none, for one request", function()
    serve { testing.message { text = "x" } }
    local others = {}
    assert(client.messages.create(PARAMS, { limiter = noting(others) }))
    assert(client.messages.create(PARAMS, { limiter = false }))
    assert.same({}, calls)
    assert.equal("acquire observe release", names_of(others))
  end)

  it("may wait", function()
    serve({ testing.message { text = "x" } }, nil, { acquire = function() return anthropic.sleep(0.02) end })
    local began = anthropic.now()
    anthropic.run(function()
      assert(client.messages.create(PARAMS))
    end)
    assert.is_true(anthropic.now() - began >= 0.02)
  end)

  it("that waits for longer than the request may take: nothing is sent", function()
    local ended
    serve({ testing.message { text = "x" } }, {
      timeout = 0.01, max_retries = 2, on_log = function(record) ended = record.event == "done" and record or ended end,
    }, { acquire = function() return anthropic.sleep(0.03) end })
    local message, err = client.messages.create(PARAMS)
    assert.is_nil(message)
    assert.same({ "timeout", "total", 0 }, { err.kind, err.timeout, err.attempts })
    assert.equal("acquire release", names_of(calls))
    assert.equal(err, calls[2][4])
    assert.same({ "error", 0 }, { ended.outcome, ended.attempt })
    assert.equal(0, #server:requests())
  end)

  describe("is told once of a stream that", function()
    local HANGING = testing.stream { text = "one two three", hang_after = 600 }

    it("is read to its end", function()
      serve { testing.stream { text = "x" } }
      local stream = assert(client.messages.stream(PARAMS))
      assert.equal("acquire observe", names_of(calls))
      assert(stream:message())
      stream:close()
      assert.equal("acquire observe release", names_of(calls))
      assert.is_nil(calls[3][4])
    end)

    it("breaks off", function()
      serve { testing.stream { text = "x", error = { type = "overloaded_error", message = "Overloaded" } } }
      assert.is_nil((assert(client.messages.stream(PARAMS)):message()))
      assert.equal("acquire observe release", names_of(calls))
      assert.equal("overloaded_error", calls[3][4].type)
    end)

    it("is closed", function()
      serve { HANGING }
      local stream = assert(client.messages.stream(PARAMS))
      stream:close()
      stream:close()
      assert.equal("acquire observe release", names_of(calls))
      assert.equal("cancelled", calls[3][4].kind)
    end)

    it("is left with its client", function()
      serve { HANGING }
      local stream = assert(client.messages.stream(PARAMS))
      client:close()
      assert.equal("acquire observe release", names_of(calls))
      stream:close()
      assert.equal(3, #calls)
    end)

    it("is cancelled with its task", function()
      serve { HANGING }
      anthropic.run(function()
        local task = anthropic.spawn(function()
          return assert(client.messages.stream(PARAMS)):message()
        end)
        local deadline = anthropic.now() + 10
        while #calls < 2 and anthropic.now() < deadline do
          anthropic.sleep(0.005)
        end
        task:cancel()
        task:join()
      end)
      assert.equal("acquire observe release", names_of(calls))
    end)

    it("nobody holds any more", function()
      serve { HANGING }
      local function leave()
        assert(client.messages.stream(PARAMS)):next()
      end
      leave()
      for _ = 1, 10 do
        collectgarbage()
      end
      anthropic.sleep(0) -- with LuaJIT the next step tells of it
      assert.equal("acquire observe release", names_of(calls))
    end)
  end)

  describe("refuses a request", function()
    local function refusal_of(methods, options)
      serve({ testing.message { text = "x" } }, options, methods)
      local message, err = client.messages.create(PARAMS)
      assert.is_nil(message)
      return err
    end

    it("with words", function()
      local err = refusal_of({ acquire = function() return nil, "not today" end }, { max_retries = 2 })
      assert.equal("invalid_request", err.kind)
      assert.equal("limiter: acquire: not today", err.message)
      assert.equal("acquire", names_of(calls))
      assert.equal(0, #server:requests())
    end)

    it("with nothing", function()
      assert.equal("limiter: acquire: returned nothing", refusal_of({ acquire = function() end }).message)
    end)

    it("with an error of this library, also of another request", function()
      local other
      local err = refusal_of { acquire = function()
        local _
        _, other = anthropic.new { base_url = "http://127.0.0.1:1", api_key = "k", max_retries = 0 }.models.list()
        return nil, other
      end }
      assert.equal("connection", err.kind)
      assert.equal(other.message, err.message)
      assert.equal(0, err.attempts)
      assert.equal(1, other.attempts)
    end)

    it("on a later attempt with another request's error, which is not tried again", function()
      local count, headers = 0, { ["x-should-retry"] = "true" }
      serve({ testing.error { status = 529, retry_after = 0 } }, { max_retries = 2 }, { acquire = function()
        count = count + 1
        return count == 1 or nil, { kind = "api", status = 529, message = "m", headers = headers }
      end })
      local _, err = client.messages.create(PARAMS)
      assert.equal("m", err.message)
      assert.equal(2, count)
    end)

    it("where it raises", function()
      local err = refusal_of { acquire = function() error("broken", 0) end }
      assert.equal("limiter: acquire: broken", err.message)
      assert.equal("acquire", names_of(calls))
    end)

    it("where it raises after waiting", function()
      serve({ testing.message { text = "x" } }, nil, { acquire = function()
        anthropic.sleep(0.001)
        error("broken", 0)
      end })
      local err
      anthropic.run(function()
        local _
        _, err = client.messages.create(PARAMS)
      end)
      assert.equal("limiter: acquire: broken", err.message)
    end)

    it("where it raises at the headers, and is told of the end all the same", function()
      local err = refusal_of({ observe = function() error("broken", 0) end }, { max_retries = 2 })
      assert.equal("limiter: observe: broken", err.message)
      assert.equal("acquire observe release", names_of(calls))
      assert.equal(err, calls[3][4])
    end)

    it("where it raises at the end", function()
      local err = refusal_of({ release = function() error("broken", 0) end })
      assert.equal("limiter: release: broken", err.message)
      assert.equal("acquire observe release", names_of(calls))
    end)
  end)

  it("that raises at the end of a stream ends it with that error", function()
    serve({ testing.stream { text = "x" } }, nil, { release = function() error("broken", 0) end })
    local message, err = assert(client.messages.stream(PARAMS)):message()
    assert.is_nil(message)
    assert.equal("limiter: release: broken", err.message)
    assert.equal("x", err.partial:text())
  end)

  it("is refused where it is none", function()
    serve { {} }
    for _, value in ipairs { "x", 1, true, {} } do
      assert.has_error(function() anthropic.new { limiter = value } end)
    end
  end)
end)

describe("anthropic.limiter", function()
  local server

  after_each(function()
    server:stop()
  end)

  local function limited(seconds, remaining)
    local now = os.time()
    local message = { id = "m", type = "message", role = "assistant", content = {}, model = "m", usage = {} }
    return { body = message, headers = {
      Date = os.date("!%a, %d %b %Y %H:%M:%S GMT", now),
      ["anthropic-ratelimit-requests-limit"] = "2",
      ["anthropic-ratelimit-requests-remaining"] = tostring(remaining or 0),
      ["anthropic-ratelimit-requests-reset"] = os.date("!%Y-%m-%dT%H:%M:%SZ", now + seconds),
    } }
  end

  it("takes no options", function()
    server = hosted.server { script = { {} } }
    assert.has_error(function() anthropic.limiter.new { concurency = 1 } end)
    assert.has_error(function() anthropic.limiter.new "x" end)
    assert.equal(anthropic.limiter, require "anthropic.limiter")
  end)

  it("lets all requests of its clients wait until the limit is reset", function()
    server = hosted.server { script = { limited(1) } }
    local limiter = anthropic.limiter.new {}
    local one = anthropic.new { base_url = server.url, api_key = "k", limiter = limiter }
    local other = anthropic.new { base_url = server.url, api_key = "k", limiter = limiter }
    assert(one.messages.create(PARAMS))
    local began = anthropic.now()
    assert(other.messages.create(PARAMS))
    assert.is_true(anthropic.now() - began > 0.9)
  end)

  it("does not let what a middleware sends wait for the request that it is sent for", function()
    for _, run in ipairs { anthropic.run, function(f) return f() end } do
      local first = limited(1)
      first.headers["anthropic-ratelimit-requests-limit"] = "1"
      local answers = { first, testing.message { text = "inner" }, testing.message { text = "outer" } }
      server = hosted.server { script = answers }
      local client, inner
      client = anthropic.new {
        base_url = server.url, api_key = "k", limiter = anthropic.limiter.new(),
        middleware = { function(request, send)
          inner = request.tag == "outer" and assert(client.messages.create(PARAMS)):text() or inner
          return send(request)
        end },
      }
      assert(client.messages.create(PARAMS))
      assert.equal("outer", assert(run(function()
        return client.messages.create(PARAMS, { tag = "outer", timeout = 20 })
      end)):text())
      assert.equal("inner", inner)
      server:stop()
    end
  end)

  it("ends a wait with the request's time, and with its task", function()
    server = hosted.server { script = { limited(100) } }
    local client = anthropic.new { base_url = server.url, api_key = "k", limiter = anthropic.limiter.new() }
    assert(client.messages.create(PARAMS))
    local _, err = client.messages.create(PARAMS, { timeout = 0.02, max_retries = 0 })
    assert.equal("timeout", err.kind)
    assert.equal("total", err.timeout)
    anthropic.run(function()
      local task = anthropic.spawn(function()
        local _, cancelled = client.messages.create(PARAMS)
        return cancelled
      end)
      anthropic.sleep(0.01)
      task:cancel()
      task:join()
      task = anthropic.spawn(function()
        return select(2, client.messages.create(PARAMS))
      end)
      anthropic.sleep(0.01)
      client:close()
      assert.equal("cancelled", task:join().kind)
    end)
    assert.equal(1, #server:requests())
  end)
end)
