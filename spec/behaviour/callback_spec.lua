-- What the caller's own functions may do: on_retry, on_log, and a driver.

local anthropic = require "anthropic"
local loop = require "anthropic.loop"
local protected = require "anthropic.loop.protected"
local hosted = require "spec.support.hosted"
local raw_client = require "spec.support.raw_client"
local testing = require "anthropic.testing"

local params = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } } }

describe("a client", function()
  local server

  setup(function()
    server = hosted.server { script = { routes = {
      { path = "/hang/v1/messages", answers = { { hang = true } } },
      { path = "/busy/v1/messages", answers = { testing.error { status = 529, retry_after = 0.05 } } },
      { path = "/broken/v1/messages", answers = { testing.stream { text = "one", cut_after = 500 } } },
      { path = "/broken-once/v1/messages", answers = {
        testing.stream { text = "one", cut_after = 500 }, testing.stream { text = "after all" },
      } },
      { path = "/once/v1/messages", answers = {
        testing.error { status = 529, retry_after = 0.05 }, testing.message { text = "Hello!" },
      } },
      { path = "/v1/messages", body_contains = '"stream":true', answers = {
        testing.stream { text = "one two three four", delay_between = 0.02 },
      } },
      { path = "/v1/messages", answers = { testing.message { text = "Hello!" } } },
    } } }
  end)

  teardown(function()
    server:stop()
  end)

  local function client_at(path, options)
    options = options or {}
    options.base_url, options.api_key = server.url .. path, "a key of a test"
    return anthropic.new(options)
  end

  describe("with callbacks", function()
    it("may close the client in on_retry", function()
      for _, run in ipairs { anthropic.run, function(f) return f() end } do
        local client
        client = client_at("/busy", { on_retry = function() client:close() end })
        local value, err = run(function() return client.messages.create(params) end)
        assert.is_nil(value)
        assert.equal("cancelled", err.kind)
        assert.equal(1, err.attempts)
      end
    end)

    it("streams what its parameters were at the call", function()
      local client = client_at("", { max_retries = 0 })
      local history = { { role = "user", content = "first" } }
      local before = #server:requests()
      anthropic.run(function()
        client.messages.stream({ model = "m", max_tokens = 9, messages = history }, { on_done = function() end })
        history[1].content, history[2] = "changed", { role = "assistant", content = "added" }
      end)
      local sent = server:requests()[before + 1]
      assert.same({ { role = "user", content = "first" } }, sent.json.messages)
    end)

    it("may wait and send requests in on_retry", function()
      anthropic.run(function()
        local other
        local client = client_at("/busy", { max_retries = 1, on_retry = function()
          anthropic.sleep(0.01)
          other = assert(client_at("").messages.create(params)):text()
        end })
        local _, err = client.messages.create(params)
        assert.equal(529, err.status)
        assert.equal(2, err.attempts)
        assert.equal("Hello!", other)
      end)
    end)

    it("raises what a callback of a request raises, and the client goes on", function()
      local raising = true
      for _, name in ipairs { "on_retry", "on_log" } do
        local client = client_at("/busy", { max_retries = 1, [name] = function()
          if raising then
            error("of the callback", 0)
          end
        end })
        raising = true
        local ok, err = pcall(client.messages.create, params)
        assert.is_false(ok)
        assert.equal("of the callback", err)
        raising = false
        assert.equal(529, select(2, client.messages.create(params)).status)
      end
    end)

    it("gives back what a request held whose callback raises, and tells of its end", function()
      for event, path in pairs { request = "", response = "", done = "", retry = "/busy", error = "/busy" } do
        for _, send in ipairs { anthropic.run, function(f) return f() end } do
          local held, seen = 0, {}
          local client = client_at(path, {
            max_retries = event == "retry" and 1 or 0,
            limiter = {
              acquire = function()
                held = held + 1
                return true
              end,
              release = function() held = held - 1 end,
            },
            on_log = function(record)
              seen[#seen + 1] = record.event
              if record.event == event then
                error("of the callback", 0)
              end
            end,
          })
          local raised
          send(function()
            raised = select(2, protected.call(function() client.messages.create(params) end))
          end)
          assert.equal("of the callback", raised)
          assert.equal(0, held)
          assert.equal("done", seen[#seen])
        end
      end
    end)

    it("ends all that is open where one raises while the client is closed", function()
      local open_before = server:connections().open
      local client = client_at("", { on_log = function(record)
        if record.event == "done" then
          error("of the callback", 0)
        end
      end })
      local streams = {}
      for i = 1, 3 do
        streams[i] = assert(client.messages.stream(params))
      end
      local ok, raised = pcall(client.close, client)
      assert.is_false(ok)
      assert.equal("of the callback", raised)
      assert.is_true(raw_client.eventually(function()
        return server:connections().open <= open_before
      end))
      assert.equal("cancelled", select(2, streams[3]:next()).kind)
    end)

    it("calls on_done where one raises nil or false", function()
      for _, nothing in ipairs { {}, { false } } do
        local results, joined = {}, nil
        anthropic.run(function()
          local task = client_at("").messages.stream(params, {
            on_text = function() error(nothing[1]) end,
            on_done = function(message, err) results[#results + 1] = { message, err } end,
          })
          joined = { task:join() }
        end)
        assert.equal(1, #results)
        assert.is_nil(results[1][1])
        assert.matches("a callback failed: ", results[1][2].message, 1, true)
        assert.is_nil(joined[1])
        assert.is_truthy(joined[2])
      end
    end)

    it("ends a stream whose callback raises, with one error from then on", function()
      for _, event in ipairs { "retry", "request", "response" } do
        local seen, stream = {}, nil
        local server_of_its_own = hosted.server { script = {
          testing.stream { text = "one", reset_after = 20 },
          testing.stream { text = "after all", hang_after = 20 },
        } }
        stream = assert(anthropic.new({
          base_url = server_of_its_own.url, api_key = "k",
          on_log = function(record)
            seen[#seen + 1] = record.event
            if stream and record.event == event then
              error("of the callback", 0)
            end
          end,
        }).messages.stream(params))
        assert.same({ "request", "response" }, seen)
        local ok, err = pcall(stream.next, stream)
        assert.is_false(ok)
        assert.equal("of the callback", err)
        local _, first = stream:next()
        assert.equal("cancelled", first.kind)
        assert.equal(first, select(2, stream:next()))
        assert.equal(first, select(2, stream:message()))
        stream:close()
        assert.is_true(raw_client.eventually(function()
          return server_of_its_own:connections().open == 0
        end))
        server_of_its_own:stop()
      end
    end)

    it("hears of a final error once", function()
      local errors = 0
      local client = client_at("/broken", { max_retries = 0, on_log = function(record)
        errors = errors + (record.event == "error" and 1 or 0)
      end })
      local _, err = assert(client.messages.stream(params)):message()
      assert.equal("truncated", err.kind)
      assert.equal(1, errors)
    end)

    it("closes the stream in on_retry", function()
      local stream
      local server_of_its_own = hosted.server { script = { testing.stream { text = "one", reset_after = 20 } } }
      stream = assert(anthropic.new({
        base_url = server_of_its_own.url, api_key = "k",
        on_retry = function() stream:close() end,
      }).messages.stream(params))
      local _, err = stream:next()
      assert.equal("cancelled", err.kind)
      assert.equal(err, select(2, stream:next()))
      assert.equal(1, #server_of_its_own:requests())
      server_of_its_own:stop()
    end)

    it("sees one stream where it broke off before its content", function()
      local retries = 0
      local stream = assert(client_at("/broken-once", {
        on_retry = function() retries = retries + 1 end,
      }).messages.stream(params))
      assert.equal("after all", assert(stream:message()):text())
      assert.equal(1, retries)
    end)
  end)

  describe("with a driver of the caller's own", function()
    -- Waits by pumping, and counts.
    local function make_driver()
      local driver = { waits = 0 }
      function driver.wait(subject, seconds)
        driver.waits = driver.waits + 1
        local core = require "anthropic.core"
        local deadline = seconds and core.now() + seconds
        local told = false
        loop.on_news(subject, function() told = true end)
        while not subject:has_news() and not (deadline and core.now() >= deadline) do
          loop.step(0.05)
        end
        driver.told = driver.told or told
        loop.on_news(subject, nil)
        return not driver.refuses or nil, "cancelled"
      end
      return driver
    end

    it("waits by it for headers, events and retries", function()
      local driver = make_driver()
      assert.equal("Hello!", assert(client_at("/once", { loop = driver }).messages.create(params)):text())
      assert.equal("one two three four",
        assert(client_at("", { loop = driver }).messages.stream(params)):message():text())
      assert.is_true(driver.waits > 4)
      assert.is_true(driver.told)
    end)

    it("takes its word that the wait was cancelled", function()
      local driver = make_driver()
      driver.refuses = true
      local open_before = server:connections().open
      local _, err = client_at("/hang", { loop = driver, timeout = { first_byte = 0.2 } }).messages.create(params)
      assert.equal("cancelled", err.kind)
      assert.is_true(raw_client.eventually(function()
        return server:connections().open <= open_before
      end))
    end)

    it("can resume a coroutine straight from the step", function()
      local driver = {}
      function driver.wait(subject)
        local here = coroutine.running()
        while not subject:has_news() do
          loop.on_news(subject, function() assert(coroutine.resume(here)) end)
          coroutine.yield()
        end
        return true
      end
      local texts = {}
      local client = client_at("", { loop = driver })
      for i = 1, 5 do
        assert(coroutine.resume(coroutine.create(function()
          local stream = assert(client.messages.stream(params))
          texts[i] = assert(stream:message()):text()
        end)))
      end
      while not (texts[1] and texts[2] and texts[3] and texts[4] and texts[5]) do
        loop.step(1)
      end
      assert.equal("one two three four", texts[5])
    end)

    it("refuses to wait by the scheduler outside of run", function()
      assert.has_error(function()
        client_at("", { loop = "scheduler" }).messages.create(params)
      end, 'the loop "scheduler" waits inside anthropic.run only')
    end)

    it("are told so where nothing of the scheduler would begin, and nothing is sent", function()
      local before, ends = #server:requests(), {}
      local function on_done(result, err)
        ends[#ends + 1] = { result, err.type, err.message }
      end
      local handle = client_at("", { loop = "scheduler" }).messages.stream(params, { on_done = on_done })
      assert.same({ true, nil, "cannot_wait" }, { handle.done, handle:snapshot(), select(2, handle:join()).type })
      anthropic.http.request({ url = server.url, loop = "scheduler" }, { on_done = on_done })
      local refused = { nil, "cannot_wait", 'the loop "scheduler" waits inside anthropic.run only' }
      assert.same({ refused, refused }, ends)
      assert.equal(before, #server:requests())
    end)
  end)
end)
