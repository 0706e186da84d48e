local anthropic = require "anthropic"
local clock = require "spec.support.clock"
local core = require "anthropic.core"
local hosted = require "spec.support.hosted"
local testing = require "anthropic.testing"

local function timestamp(seconds_from_now)
  return os.date("!%Y-%m-%dT%H:%M:%SZ", os.time() + seconds_from_now)
end

local function prompts(count)
  local list = {}
  for i = 1, count do
    list[i] = { messages = { { role = "user", content = "prompt " .. i } } }
  end
  return list
end

local shared = { model = "m", max_tokens = 9 }

describe("messages.map", function()
  local server, client

  local function serve(script, options)
    server = hosted.server { script = script }
    options = options or {}
    options.base_url, options.api_key = server.url, "test-key"
    client = anthropic.new(options)
  end

  -- A route for each prompt, whose answer is its number.
  local function serve_prompts(count, delay, answers)
    local routes = {}
    for i = 1, count do
      routes[i] = {
        body_contains = ('"prompt %d"'):format(i),
        answers = { answers and answers[i] or testing.message { text = "answer " .. i, delay = delay and delay(i) } },
      }
    end
    serve({ routes = routes }, { max_retries = 0 })
  end

  -- How many requests were at the server at the same time, each for `seconds`.
  local function most_at_once(seconds)
    local most = 0
    for _, request in ipairs(server:requests()) do
      local count = 0
      for _, other in ipairs(server:requests()) do
        if other.time <= request.time and other.time + seconds > request.time + 0.01 then
          count = count + 1
        end
      end
      most = math.max(most, count)
    end
    return most
  end

  after_each(function()
    server:stop()
  end)

  it("gives the answers in the order of the requests, whichever comes first", function()
    serve_prompts(6, function(i) return (6 - i) * 0.03 end)
    local messages, errs = client.messages.map(prompts(6), { params = shared })
    assert.equal(6, messages.n)
    assert.same({}, errs)
    for i = 1, 6 do
      assert.equal("answer " .. i, messages[i]:text())
    end
  end)

  it("sends several at a time, and not more than it may", function()
    serve_prompts(12, function() return 0.15 end)
    local began = core.now()
    assert(client.messages.map(prompts(12), { params = shared, concurrency = 4 }))
    assert.is_true(core.now() - began < 12 * 0.15)
    assert.is_true(most_at_once(0.15) <= 4)
    assert.is_true(most_at_once(0.15) >= 2)
  end)

  it("can send one after the other", function()
    serve_prompts(4, function() return 0.05 end)
    assert(client.messages.map(prompts(4), { params = shared, concurrency = 1 }))
    assert.equal(1, most_at_once(0.05))
  end)

  it("keeps the failures at their places", function()
    serve_prompts(4, nil, { [2] = testing.error { status = 400, message = "no" }, [4] = { close = true } })
    local messages, errs = client.messages.map(prompts(4), { params = shared })
    assert.equal(4, messages.n)
    assert.equal("answer 1", messages[1]:text())
    assert.is_nil(messages[2])
    assert.equal("answer 3", messages[3]:text())
    assert.is_nil(messages[4])
    assert.equal("no", errs[2].message)
    assert.is_nil(errs[1])
    assert.is_nil(errs[3])
    assert.is_not_nil(errs[4].kind)
  end)

  it("says of a request that cannot be sent what is wrong, in its place", function()
    serve_prompts(2)
    local list = prompts(2)
    list[1].messages = "hello"
    local messages, errs = client.messages.map(list, { params = shared })
    assert.equal("invalid_request", errs[1].kind)
    assert.equal("answer 2", messages[2]:text())
    assert.equal(1, #server:requests())
  end)

  it("joins the common parameters with a request's own, which come first, and changes neither", function()
    serve { testing.message { text = "x" } }
    local list = { { model = "mine", messages = { { role = "user", content = "1" } }, stream = true } }
    local common = { model = "theirs", max_tokens = 5, system = "be brief" }
    local messages = assert(client.messages.map(list, { params = common, headers = { ["x-mine"] = "1" } }))
    assert.equal("x", messages[1]:text())
    local request = server:requests()[1]
    assert.equal("mine", request.json.model)
    assert.equal(5, request.json.max_tokens)
    assert.equal("be brief", request.json.system)
    assert.is_nil(request.json.stream)
    assert.equal("1", request.headers["x-mine"])
    assert.same({ model = "theirs", max_tokens = 5, system = "be brief" }, common)
    assert.is_true(list[1].stream)
  end)

  it("gives nothing for nothing", function()
    serve { {} }
    local messages, errs = client.messages.map {}
    assert.same({ n = 0 }, messages)
    assert.same({}, errs)
    assert.equal(0, #server:requests())
  end)

  it("tells of every answer", function()
    serve_prompts(5, nil, { [3] = testing.error { status = 400 } })
    local seen = {}
    assert(client.messages.map(prompts(5), {
      params = shared,
      concurrency = 2,
      on_progress = function(progress)
        seen[#seen + 1] = progress.index
        assert.equal(#seen, progress.done)
        assert.equal(5, progress.total)
        assert.equal(progress.index == 3, progress.error ~= nil)
        assert.equal(progress.index ~= 3, progress.message ~= nil)
      end,
    }))
    table.sort(seen)
    assert.same({ 1, 2, 3, 4, 5 }, seen)
  end)

  it("raises what on_progress raises, and ends the rest", function()
    serve_prompts(8, function() return 0.02 end)
    local ok, err = pcall(client.messages.map, prompts(8), {
      params = shared,
      concurrency = 2,
      on_progress = function() error("my mistake", 0) end,
    })
    assert.is_false(ok)
    assert.equal("my mistake", err)
    assert.is_true(#server:requests() <= 4)
    assert.equal("answer 1", assert(client.messages.create {
      model = "m", max_tokens = 1, messages = prompts(1)[1].messages,
    }):text())
  end)

  it("raises on a wrong setting, and refuses a wrong list", function()
    serve { {} }
    assert.has_error(function() client.messages.map({}, { concurrency = 0 }) end)
    assert.has_error(function() client.messages.map({}, { concurrency = 1.5 }) end)
    assert.has_error(function() client.messages.map({}, { concurency = 1 }) end)
    assert.has_error(function() client.messages.map("x") end)
    local messages, err = client.messages.map { "hello" }
    assert.is_nil(messages)
    assert.equal("invalid_request", err.kind)
    assert.truthy(err.message:find("list[1]", 1, true))
    err = select(2, client.messages.map { model = "m" })
    assert.equal("invalid_request", err.kind)
  end)

  it("adds its tasks to a scheduler that is running", function()
    serve_prompts(4, function() return 0.1 end)
    local ticks = 0
    local messages = anthropic.run(function()
      local ticker = anthropic.spawn(function()
        while true do
          anthropic.sleep(0.01)
          ticks = ticks + 1
        end
      end)
      local found = client.messages.map(prompts(4), { params = shared, concurrency = 2 })
      ticker:cancel()
      return found
    end)
    assert.equal("answer 4", messages[4]:text())
    assert.is_true(ticks > 3)
  end)

  it("cancels all when it is cancelled", function()
    serve_prompts(6, function() return 30 end)
    local messages, err
    local began = core.now()
    anthropic.run(function()
      local task = anthropic.spawn(function()
        messages, err = client.messages.map(prompts(6), { params = shared, concurrency = 3 })
      end)
      clock.await(function() return #server:requests() == 3 end)
      task:cancel()
    end)
    assert.is_true(core.now() - began < 10)
    assert.is_nil(messages)
    assert.equal("cancelled", err.kind)
    assert.equal(6, err.messages.n)
    assert.equal(3, #server:requests())
  end)

  it("sends nothing for a task that has been told of its cancelling", function()
    serve_prompts(3, function() return 0 end)
    local err
    anthropic.run(function()
      local task = anthropic.spawn(function()
        anthropic.sleep(30)
        return client.messages.map(prompts(3), { params = shared })
      end)
      anthropic.sleep(0.01)
      task:cancel()
      err = select(2, task:join())
      anthropic.sleep(0.1)
    end)
    assert.equal("cancelled", err.kind)
    assert.equal(0, #server:requests())
  end)

  it("ends when its client is closed", function()
    serve_prompts(6, function() return 30 end)
    local messages, errs
    anthropic.run(function()
      local task = anthropic.spawn(function()
        messages, errs = client.messages.map(prompts(6), { params = shared, concurrency = 3 })
      end)
      clock.await(function() return #server:requests() == 3 end)
      client:close()
      task:join()
    end)
    assert.equal(6, messages.n)
    for i = 1, 6 do
      assert.equal("cancelled", errs[i].kind)
    end
  end)

  describe("under rate limits", function()
    local function limited(what, remaining, reset, fields)
      fields = fields or { text = "x" }
      fields.headers = {
        [("anthropic-ratelimit-%s-limit"):format(what)] = "50",
        [("anthropic-ratelimit-%s-remaining"):format(what)] = remaining,
        [("anthropic-ratelimit-%s-reset"):format(what)] = timestamp(reset),
      }
      return testing.message(fields)
    end

    local function times()
      local list = {}
      for i, request in ipairs(server:requests()) do
        list[i] = request.time
      end
      return list
    end

    -- Runs `f` while the clock stands until so many requests were made and no more come, and lets seconds pass then.
    -- What `f` returned, and how many requests there were before that.
    local function advanced(count, seconds, f)
      local result, before
      anthropic.run(function()
        local task = anthropic.spawn(function() result = f() end)
        clock.await(function() return #server:requests() >= count end)
        anthropic.sleep(0.05)
        before = #server:requests()
        clock.advance(seconds)
        task:join()
      end)
      return result, before
    end

    it("waits for the reset before it would be refused", function()
      for _, what in ipairs { "requests", "input-tokens" } do
        serve { limited(what, "0", 30), testing.message { text = "y" } }
        local messages, before = advanced(1, 31, function()
          return client.messages.map(prompts(3), { params = shared, concurrency = 1 })
        end)
        assert.equal("y", messages[3]:text())
        assert.equal(1, before, what)
        local at = times()
        assert.equal(3, #at)
        assert.is_true(at[3] - at[2] < 10, what)
        server:stop()
      end
      serve { {} }
    end)

    it("holds back the requests that are too many, not those that are not", function()
      serve { limited("requests", "2", 30), limited("requests", "2", 30), limited("requests", "1", 30),
        testing.message { text = "y" } }
      local messages, before = advanced(4, 31, function()
        return client.messages.map(prompts(6), { params = shared, concurrency = 1 })
      end)
      assert.equal("y", messages[6]:text())
      assert.equal(4, before)
      assert.equal(6, #times())
    end)

    it("learns from what other coroutines of the client were told", function()
      serve { limited("tokens", "0", 30), testing.message { text = "y" } }
      local messages, before = advanced(1, 31, function()
        assert(client.messages.create { model = "m", max_tokens = 1, messages = prompts(1)[1].messages })
        return client.messages.map(prompts(2), { params = shared })
      end)
      assert.equal("y", messages[2]:text())
      assert.equal(1, before)
    end)

    it("does not hold back a single request", function()
      serve { limited("tokens", "0", 30), testing.message { text = "y" } }
      for _ = 1, 3 do
        assert(client.messages.create { model = "m", max_tokens = 1, messages = prompts(1)[1].messages })
      end
      assert.is_true(times()[3] - times()[1] < 10)
    end)

    it("does not wait for a reset that is far away or cannot be read", function()
      serve { limited("requests", "0", 4000), limited("tokens", "0", -5),
        testing.message { text = "x", headers = { ["anthropic-ratelimit-tokens-remaining"] = "0",
          ["anthropic-ratelimit-tokens-reset"] = "soon" } } }
      assert(client.messages.map(prompts(5), { params = shared, concurrency = 2 }))
      assert.is_true(times()[5] - times()[1] < 10)
    end)

    it("slows everyone down at a 429", function()
      local refusal = testing.error { status = 429, retry_after = 30 }
      serve({ refusal, testing.message { text = "x", delay = 0.02 } }, { max_retries = 1 })
      local messages, before = advanced(2, 31, function()
        return client.messages.map(prompts(8), { params = shared, concurrency = 2 })
      end)
      for i = 1, 8 do
        assert.equal("x", messages[i]:text())
      end
      assert.equal(2, before) -- nothing else before the pause is over
      assert.equal(9, #times())
    end)

    it("does not count a refused request as under way for ever", function()
      serve({ limited("requests", "1", 60), testing.error { status = 400 }, testing.error { status = 400 },
        limited("requests", "1", 60) }, { max_retries = 0 })
      local messages = assert(client.messages.map(prompts(6), { params = shared, concurrency = 3 }))
      assert.equal(6, messages.n)
      assert.is_true(times()[6] - times()[1] < 20)
    end)

    it("does not outlast the total timeout", function()
      serve { limited("tokens", "0", 100), testing.message { text = "y" } }
      local began = core.now()
      local messages, errs = client.messages.map(prompts(2), { params = shared, concurrency = 1, timeout = 0.5 })
      assert.is_true(core.now() - began < 20)
      assert.equal("x", messages[1]:text())
      assert.equal("timeout", errs[2].kind)
      assert.equal("total", errs[2].timeout)
    end)
  end)
end)
