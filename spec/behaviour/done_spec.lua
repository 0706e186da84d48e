-- The record that each request ends with: `record.event == "done"`.

local anthropic = require "anthropic"
local hosted = require "spec.support.hosted"
local service = require "spec.support.service"
local testing = require "anthropic.testing"

local SECRET = "sk-ant-very-secret-key-0123456789"
local PARAMS = { model = "asked", max_tokens = 9, messages = { { role = "user", content = "Hello" } } }

describe("the done record", function()
  local server, records

  local function serve(script, options)
    server = hosted.server { script = script }
    records = {}
    options = options or {}
    options.base_url, options.api_key = server.url, SECRET
    options.max_retries = options.max_retries or 0
    options.on_log = function(record)
      if record.event == "done" then
        records[#records + 1] = record
      end
    end
    return anthropic.new(options)
  end

  -- The only record, as far as it is to be like this.
  local function assert_only(expected)
    assert.equal(1, #records)
    for name, value in pairs(expected) do
      assert.same(value, records[1][name], name)
    end
    return records[1]
  end

  after_each(function()
    server:stop()
  end)

  it("of a whole answer has its tokens, its times and its size", function()
    local client = serve { testing.message {
      text = "Hello!", model = "answered", request_id = "req_1", usage = { input_tokens = 3, output_tokens = 5 },
    } }
    assert(client.messages.create(PARAMS))
    local record = assert_only {
      outcome = "ok", level = "info", method = "POST", url = server.url .. "/v1/messages", attempt = 1, status = 200,
      request_id = "req_1", model = "answered", stop_reason = "end_turn",
    }
    assert.equal(3, record.usage.input_tokens)
    assert.equal(5, record.usage.output_tokens)
    assert.is_true(record.bytes > 100)
    assert.is_true(record.timings.first_byte > 0)
    assert.is_true(record.seconds > 0)
    assert.is_nil(record.error)
  end)

  it("counts the attempts, and comes once for all of them", function()
    local client = serve({ testing.error { status = 529, retry_after = 0 }, testing.message { text = "x" } },
      { max_retries = 2 })
    assert(client.messages.create(PARAMS))
    assert_only { outcome = "ok", attempt = 2, status = 200 }
  end)

  it("of a refusal has the error", function()
    local client = serve { testing.error { status = 404, type = "not_found_error", message = "no such model",
      request_id = "req_2" } }
    local _, err = client.messages.create(PARAMS)
    assert_only {
      outcome = "error", status = 404, request_id = "req_2", kind = "api", type = "not_found_error",
      error = tostring(err), model = "asked",
    }
  end)

  it("of what was never sent has no attempt", function()
    local client = serve { {} }
    assert.is_nil((client.messages.create(PARAMS, { headers = { Bad = "a\nb" } })))
    assert_only { outcome = "error", kind = "invalid_request", attempt = 0, bytes = 0 }
  end)

  describe("has an attempt where there was a request record of the first one, and only there", function()
    local function under_way_after(call, options)
      local client, under_way = serve({ {}, testing.message { text = "x" } }, options), 0
      call(client, { on_log = function(record)
        if record.event == "request" and record.attempt == 1 then
          under_way = under_way + 1
        elseif record.event == "done" and record.attempt > 0 then
          under_way = under_way - 1
        end
      end })
      return under_way
    end

    local function create(client, options)
      return client.messages.create(PARAMS, options)
    end

    local answers = 0
    local MIDDLEWARES = {
      ["answers"] = function() return { status = 200, body = anthropic.encode { type = "message", content = {} } } end,
      ["fails"] = function() return nil, { kind = "invalid_request", message = "no" } end,
      ["raises"] = function() error "no" end,
      ["answers the first attempt"] = function(_, send)
        answers = answers + 1
        return answers > 1 and send() or { status = 500, headers = { ["retry-after-ms"] = 1 }, body = "" }
      end,
    }
    for name, middleware in pairs(MIDDLEWARES) do
      it("also where a middleware " .. name, function()
        assert.equal(0, under_way_after(create, { middleware = { middleware }, max_retries = 1 }))
      end)
    end
  end)

  it("names the URL also where a middleware fails", function()
    local client = serve { {} }
    local middleware = { function() return nil, { kind = "invalid_request", message = "no" } end }
    assert.is_nil((client.messages.create(PARAMS, { middleware = middleware })))
    assert_only { outcome = "error", method = "POST", url = server.url .. "/v1/messages", attempt = 1 }
  end)

  it("of other methods comes as well", function()
    local client = serve { { body = { id = "m", type = "model" } }, { body = { data = {} } } }
    assert(client.models.retrieve "m")
    assert_only { outcome = "ok", method = "GET", url = server.url .. "/v1/models/m" }
    assert(client.models.list())
    assert.equal(2, #records)
  end)

  it("is none of a redirect's", function()
    local client = serve { { status = 307, headers = { Location = "/v1/elsewhere" } }, testing.message { text = "x" } }
    assert(client.messages.create(PARAMS))
    assert_only { outcome = "ok", attempt = 2, status = 200 }
  end)

  describe("of a stream", function()
    local function open(answer, options)
      return assert(serve({ answer }, options).messages.stream(PARAMS))
    end

    it("comes at its end, with the time of its first text", function()
      local stream = open(testing.stream { text = "Hello!", usage = { input_tokens = 3, output_tokens = 5 } })
      for _ in stream:text_deltas() do
        assert.equal(0, #records)
      end
      local record = assert_only { outcome = "ok", stop_reason = "end_turn", status = 200 }
      assert.equal(5, record.usage.output_tokens)
      assert.is_true(record.timings.first_text > 0)
      assert(stream:message())
      stream:close()
      assert.equal(1, #records)
    end)

    it("that breaks off has what is known", function()
      local stream = open(testing.stream { text = "Hello!", usage = { input_tokens = 3 },
        error = { type = "overloaded_error", message = "Overloaded" } })
      local _, err = stream:message()
      local record = assert_only {
        outcome = "error", kind = "api", type = "overloaded_error", status = 529, error = tostring(err),
      }
      assert.equal(3, record.usage.input_tokens)
    end)

    it("that breaks off before its first content, too", function()
      local stream = open { events = {
        { event = "message_start", data = { type = "message_start", message = {
          id = "m", type = "message", role = "assistant", content = {}, model = "m", usage = { input_tokens = 7 },
        } } },
      } }
      assert.is_nil((stream:message()))
      assert.equal(7, assert_only({ outcome = "error", kind = "truncated" }).usage.input_tokens)
    end)

    it("that is closed says so", function()
      local stream = open(testing.stream { text = "Hello!", usage = { input_tokens = 3 }, hang_after = 600 })
      stream:next()
      stream:close()
      stream:close()
      assert.equal(3, assert_only({ outcome = "closed" }).usage.input_tokens)
    end)

    it("that is closed after its last event has all of it", function()
      for _, pieces in ipairs { false, true } do
        records = {}
        local stream = open(testing.stream { text = "Hello!", usage = { output_tokens = 5 } })
        if pieces then
          for _, events in stream:raw_events() do
            if events[1] and events[#events].type == "message_stop" then
              break
            end
          end
        else
          repeat
            local event = stream:next()
          until event.type == "message_stop"
        end
        stream:close()
        assert.equal(5, assert_only({ outcome = "ok", stop_reason = "end_turn" }).usage.output_tokens)
        assert.equal("Hello!", assert(stream:message()):text())
      end
    end)

    it("whose client is closed, too", function()
      local client = serve { testing.stream { text = "Hello!", hang_after = 600 } }
      local stream = assert(client.messages.stream(PARAMS))
      client:close()
      assert_only { outcome = "closed" }
      assert.is_nil((stream:message()))
      assert.equal(1, #records)
    end)

    it("whose task is cancelled, too", function()
      local client = serve { testing.stream { text = "Hello!", hang_after = 600 } }
      anthropic.run(function()
        local task = anthropic.spawn(function()
          return assert(client.messages.stream(PARAMS)):message()
        end)
        anthropic.sleep(0.01)
        task:cancel()
        task:join()
      end)
      assert_only { outcome = "closed" }
    end)

    it("that nobody holds any more comes with the garbage collector", function()
      local client = serve { testing.stream { text = "Hello!", usage = { input_tokens = 3 }, hang_after = 600 } }
      local function leave()
        local stream = assert(client.messages.stream(PARAMS))
        stream:next()
      end
      leave()
      for _ = 1, 10 do
        collectgarbage()
      end
      anthropic.sleep(0) -- with LuaJIT the next step tells of it
      assert.equal(3, assert_only({ outcome = "closed" }).usage.input_tokens)
    end)
  end)

  it("comes also where a loop that LuaJIT has compiled runs while garbage is collected", function()
    serve { testing.stream { text = "Hello!", hang_after = 600 } }
    local output = service.run(([[
      local anthropic = require "anthropic"
      local count = 0
      local function on_log(record)
        local words = {}
        for name, value in pairs(record) do
          words[#words + 1] = { name .. tostring(value) }
        end
        count = count + (record.event == "done" and 1 or 0)
      end
      for _ = 1, 300 do
        on_log { event = "none", a = 1, b = 2, c = 3, d = 4 }
      end
      local client = anthropic.new { base_url = %q, api_key = "k", on_log = on_log }
      for _ = 1, 12 do
        local params = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hi" } } }
        assert(client.messages.stream(params)):next()
        collectgarbage()
      end
      collectgarbage()
      anthropic.sleep(0)
      print(count >= 11) -- the last stream's place on the stack may still be there
    ]]):format(server.url))
    assert.equal("true\n", output)
  end)

  it("holds no credential, whatever the server quotes", function()
    local client = serve { testing.message { text = "x", model = SECRET, stop_reason = SECRET,
      usage = { input_tokens = 1, service_tier = SECRET, deep = { deep = { deep = { deep = { deep = 1 } } } } } } }
    assert(client.messages.create(PARAMS))
    local text = anthropic.encode { records[1].usage, records[1].model, records[1].stop_reason }
    assert.is_nil(text:find(SECRET, 1, true))
    assert.truthy(text:find("[redacted]", 1, true))
  end)

  it("and all others have the option `tag`", function()
    local seen = {}
    local client = serve({ testing.message { text = "x" } }, { tag = "the client's" })
    local tag = { user = 7 }
    local function on_log(record)
      seen[#seen + 1] = record.event
      assert.equal(tag, record.tag)
    end
    assert(client.messages.create(PARAMS))
    assert_only { tag = "the client's" }
    assert(client.messages.create(PARAMS, { tag = tag, on_log = on_log }))
    assert.same({ "request", "response", "body", "done" }, seen)
  end)
end)
