local anthropic = require "anthropic"
local hosted = require "spec.support.hosted"
local testing = require "anthropic.testing"

local function ask(content, extra)
  local params = { model = "asked", max_tokens = 9, messages = { { role = "user", content = content or "?" } } }
  for name, value in pairs(extra or {}) do
    params[name] = value
  end
  return params
end

describe("client.usage", function()
  local server, client

  local function serve(script)
    server = hosted.server { script = script }
    client = anthropic.new { base_url = server.url, api_key = "test-key", max_retries = 1 }
  end

  after_each(function()
    server:stop()
  end)

  local full = {
    input_tokens = 10,
    output_tokens = 20,
    cache_creation_input_tokens = 3,
    cache_read_input_tokens = 4,
    cache_creation = { ephemeral_5m_input_tokens = 1, ephemeral_1h_input_tokens = 2 },
    output_tokens_details = { thinking_tokens = 5 },
    server_tool_use = { web_search_requests = 6 },
    service_tier = "standard",
    iterations = { { input_tokens = 1000 } },
  }

  it("sums every number by the model that answered", function()
    serve {
      testing.message { text = "a", model = "one", usage = full },
      testing.message { text = "b", model = "two", usage = { input_tokens = 1, output_tokens = 2 } },
      testing.message { text = "c", model = "one", usage = full },
    }
    for _ = 1, 3 do
      assert(client.messages.create(ask()))
    end
    assert.same({
      requests = 2,
      input_tokens = 20,
      output_tokens = 40,
      cache_creation_input_tokens = 6,
      cache_read_input_tokens = 8,
      thinking_tokens = 10,
      ephemeral_5m_input_tokens = 2,
      ephemeral_1h_input_tokens = 4,
      web_search_requests = 12,
    }, client.usage.by_model.one)
    assert.same({
      requests = 1, input_tokens = 1, output_tokens = 2, cache_creation_input_tokens = 0,
      cache_read_input_tokens = 0, thinking_tokens = 0,
    }, client.usage.by_model.two)
    assert.equal(3, client.usage:total().requests)
    assert.equal(21, client.usage:total().input_tokens)
    assert.equal(12, client.usage:total().web_search_requests)
  end)

  it("is empty at first, and again after reset", function()
    serve { testing.message { text = "a", model = "one" } }
    assert.is_nil(next(client.usage.by_model))
    assert.equal(0, client.usage:total().requests)
    assert(client.messages.create(ask()))
    assert.equal("one", (next(client.usage.by_model)))
    client.usage:reset()
    assert.is_nil(next(client.usage.by_model))
  end)

  it("counts a stream once, at its end", function()
    serve { testing.stream { text = "a b c", model = "one", usage = { input_tokens = 7, output_tokens = 9 } } }
    local stream = assert(client.messages.stream(ask()))
    assert.is_table(stream:next())
    assert.is_nil(client.usage.by_model.one)
    assert(stream:message())
    stream:message()
    stream:close()
    assert.equal(1, client.usage.by_model.one.requests)
    assert.equal(7, client.usage.by_model.one.input_tokens)
    assert.equal(9, client.usage.by_model.one.output_tokens)
  end)

  it("counts what is known of a stream that broke off or was closed", function()
    serve {
      testing.stream { text = "a b c d e f", model = "cut", usage = { input_tokens = 7 }, cut_after = 900 },
      testing.stream { text = "a b c", model = "closed", usage = { input_tokens = 8 }, delay_between = 0.01 },
    }
    local _, err = assert(client.messages.stream(ask())):message()
    assert.equal("truncated", err.kind)
    assert.equal(1, client.usage.by_model.cut.requests)
    assert.equal(7, client.usage.by_model.cut.input_tokens)
    local stream = assert(client.messages.stream(ask()))
    for text in stream:text_deltas() do
      if text then break end
    end
    stream:close()
    assert.equal(1, client.usage.by_model.closed.requests)
    assert.equal(8, client.usage.by_model.closed.input_tokens)
  end)

  it("counts once what comes in an unexpected form", function()
    local document = testing.message { text = "a", model = "document" }
    local events = testing.stream { text = "b", model = "events" }
    serve { document, events, testing.completion { content = "c", model = "foreign" },
      testing.completion_stream { content = "d", model = "foreign stream" } }
    assert(assert(client.messages.stream(ask())):message())
    assert(client.messages.create(ask()))
    assert(client.messages.create(ask()))
    assert(assert(client.messages.stream(ask())):message())
    for _, model in ipairs { "document", "events", "foreign", "foreign stream" } do
      assert.equal(1, client.usage.by_model[model].requests, model)
      assert.is_true(client.usage.by_model[model].output_tokens > 0, model)
    end
  end)

  it("does not count what failed without a message, and counts a retried one once", function()
    serve { testing.error { status = 529, retry_after = 0 }, testing.message { text = "a", model = "one" },
      testing.error { status = 400 } }
    assert(client.messages.create(ask()))
    assert.is_nil((client.messages.create(ask())))
    assert.equal(1, client.usage:total().requests)
  end)

  it("does not count what is not a message", function()
    serve { { body = { input_tokens = 55 } } }
    assert(client.messages.count_tokens { model = "m", messages = {} })
    assert.is_nil(next(client.usage.by_model))
  end)

  it("belongs to one client", function()
    serve { testing.message { text = "a", model = "one" } }
    local other = anthropic.new { base_url = server.url, api_key = "test-key" }
    assert(client.messages.create(ask()))
    assert.is_nil(next(other.usage.by_model))
  end)

  it("takes messages from elsewhere", function()
    serve { { } }
    client.usage:add { model = "batch", usage = { input_tokens = 1, output_tokens = 2 } }
    client.usage:add { usage = { input_tokens = 1 } }
    client.usage:add { model = "nothing" }
    assert.equal(2, client.usage.by_model.batch.output_tokens)
    assert.equal(1, client.usage.by_model.unknown.input_tokens)
    assert.is_nil(client.usage.by_model.nothing)
  end)

  it("gives the cost by the caller's prices for a million, nil where one is missing", function()
    serve {
      testing.message { text = "a", model = "one-20260101", usage = { input_tokens = 500000, output_tokens = 100000,
        cache_read_input_tokens = 1000000 } },
      testing.message { text = "a", model = "two", usage = { input_tokens = 1000000, output_tokens = 0,
        server_tool_use = { web_search_requests = 2 } } },
    }
    assert(client.messages.create(ask()))
    assert(client.messages.create(ask()))
    local prices = {
      one = { input_tokens = 3, output_tokens = 15, cache_read_input_tokens = 0.3, web_search_requests = 10000 },
      two = { input_tokens = 1, web_search_requests = 10000 },
      unused = { input_tokens = 99 },
    }
    local cost, unpriced = client.usage:cost(prices)
    assert.is_true(math.abs(cost - (1.5 + 1.5 + 0.3 + 1 + 0.02)) < 1e-9)
    assert.same({}, unpriced)
    prices.two.web_search_requests = nil
    cost, unpriced = client.usage:cost(prices)
    assert.is_nil(cost)
    assert.same({ "two: web_search_requests" }, unpriced)
    prices.two = nil
    cost, unpriced = client.usage:cost(prices)
    assert.is_nil(cost)
    assert.same({ "two" }, unpriced)
  end)

  it("is found by the alias that was asked for", function()
    serve { testing.message { text = "a", model = "claude-x-4-5-20250929" } }
    assert(client.messages.create(ask(nil, { model = "claude-x-4-5" })))
    assert.equal(client.usage.by_model["claude-x-4-5-20250929"], client.usage:of "claude-x-4-5")
    assert.equal(1, client.usage:of("claude-x-4-5").requests)
    assert.is_nil(client.usage:of "claude-x")
  end)

  -- What servers say of models and tokens is theirs; JSON as it came.
  for _, model in ipairs { '"total"', '"by_model"', '"__index"', '"add"', "5", "true", "null", '{"a":[1]}', "[]", '""',
                           '"' .. ("m"):rep(1e6) .. '"' } do
    it("survives a model called " .. model:sub(1, 20), function()
      serve { { body = '{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"text","text":"Hi"}],'
        .. '"stop_reason":"end_turn","model":' .. model .. ',"usage":{"input_tokens":3,"output_tokens":4}}' } }
      client.messages.create(ask())
      client.messages.create(ask())
      assert.equal(6, client.usage:total().input_tokens)
      assert.equal(2, client.usage:total().requests)
      assert.is_nil((client.usage:cost {}))
      client.usage:reset()
      assert.is_nil(next(client.usage.by_model))
    end)
  end

  for _, case in ipairs {
    { '"12"', 12 }, { "-5", 0 }, { '"-5"', 0 }, { "1e999", 0 }, { "true", 0 }, { '"many"', 0 }, { "null", 0 },
    { "[5]", 0 }, { '{"input_tokens":5}', 0 }, { "1e300", 0 }, { "9223372036854775807", 0 },
    { "99999999999999999999", 0 }, { ("["):rep(900) .. ("]"):rep(900), 0 },
    { ('{"a":'):rep(900) .. "1" .. ("}"):rep(900), 0 },
  } do
    it("takes " .. case[1]:sub(1, 30) .. " tokens for " .. case[2], function()
      serve { { body = '{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"text","text":"Hi"}],'
        .. '"stop_reason":"end_turn","model":"one","usage":{"input_tokens":' .. case[1] .. ',"output_tokens":4}}' } }
      assert(client.messages.create(ask()))
      assert(client.messages.create(ask()))
      assert.equal(2 * case[2], client.usage.by_model.one.input_tokens)
      assert.equal(8, client.usage:total().output_tokens)
    end)
  end
end)
