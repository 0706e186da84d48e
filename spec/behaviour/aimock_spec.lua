-- The client against a server that was written by others.

local anthropic = require "anthropic"
local background = require "spec.support.background"
local npm = require "spec.support.npm"

local KEY = "a key that the server knows"
local SYSTEM = "你是由一家中转网关提供的助手。"
local THINKING = "用户在打招呼。A greeting 🤝, nothing more."
local TEXT = "你好！👋🏽 Hello, 世界 🌍. 👨‍👩‍👧 Done."

local function fixtures()
  local function fixture(user_message, fields)
    local whole = { match = {} }
    for name, value in pairs(fields) do
      whole[name] = value
    end
    whole.match.userMessage = user_message
    return whole
  end
  local function answer(content)
    return { content = content }
  end
  local function failure(status, type, message, retry_after)
    return { status = status, error = { type = type, message = message }, retryAfter = retry_after }
  end
  local weather = {
    reasoning = "The weather has to be looked up.",
    reasoningSignature = "c2lnbmVk",
    toolCalls = { { id = "toolu_weather", name = "get_weather", arguments = '{"city":"上海","days":[1,2],"more":{}}' } },
  }
  return {
    fixtures = {
      fixture("你好", {
        chunkSize = 1,
        response = {
          content = TEXT, reasoning = THINKING, reasoningSignature = "c2lnbmF0dXJl",
          usage = { input_tokens = 31, output_tokens = 45 },
        },
      }),
      fixture("plain", { response = answer "Just text." }),
      fixture("weather", { match = { hasToolResult = false }, chunkSize = 4, response = weather }),
      fixture("weather", { match = { hasToolResult = true }, response = answer "It is sunny." }),
      fixture("three tools", {
        match = { hasToolResult = false },
        chunkSize = 3,
        response = {
          reasoning = "All at once.",
          reasoningSignature = "c2lnbmVk",
          toolCalls = {
            { id = "toolu_1", name = "get_weather", arguments = '{"city":"上海"}' },
            { id = "toolu_2", name = "get_stock", arguments = '{"symbol":"X"}' },
            { id = "toolu_3", name = "delete", arguments = '{"path":"/"}' },
          },
        },
      }),
      fixture("three tools", { match = { hasToolResult = true }, response = answer "One worked." }),
      fixture("overloaded once", {
        match = { sequenceIndex = 0 },
        response = failure(529, "overloaded_error", "Overloaded"),
      }),
      fixture("overloaded once", { match = { sequenceIndex = 1 }, response = answer "Now." }),
      fixture("limited once", {
        match = { sequenceIndex = 0 },
        response = failure(429, "rate_limit_error", "Slow down", 1),
      }),
      fixture("limited once", { match = { sequenceIndex = 1 }, response = answer "Now." }),
      fixture("always overloaded", { response = failure(529, "overloaded_error", "Overloaded") }),
      fixture("cut short", {
        latency = 20, chunkSize = 5, truncateAfterChunks = 6,
        response = answer "This answer will never come to its end.",
      }),
    },
  }
end

describe("a server written by others", function()
  local cli, reason = npm.find "@copilotkit/aimock/dist/cli.js"
  if not cli then
    it("is talked to", function()
      pending(reason)
    end)
    return
  end

  local server, directory, client

  setup(function()
    directory = background.make_directory()
    background.write_file(directory .. "/fixtures.json", assert(anthropic.encode(fixtures())))
    server = background.start(
      ("AIMOCK_API_KEYS=%s node %s -p 0 --strict -f %s"):format(background.quote(KEY), cli, directory),
      "listening on (%S+)")
    client = anthropic.new { base_url = server.ready, api_key = KEY, timeout = 30 }
  end)

  teardown(function()
    client:close()
    server:stop()
    os.execute("rm -rf " .. directory)
  end)

  -- The gateway page's example request, with further fields.
  local function params(user_message, further)
    local whole = {
      model = "claude-sonnet-4-20250514",
      system = SYSTEM,
      messages = { { role = "user", content = user_message } },
      max_tokens = 8000,
      thinking = { type = "enabled", budget_tokens = 1200 },
    }
    for name, value in pairs(further or {}) do
      whole[name] = value
    end
    return whole
  end

  local function last_request()
    local journal = assert(client:request { method = "GET", path = "/__aimock/journal" })
    return journal[#journal]
  end

  local WEATHER_TOOL = {
    name = "get_weather",
    description = "Tells the weather.",
    input_schema = { type = "object", properties = { city = { type = "string" } }, required = { "city" } },
  }

  local function ask(user_message, streamed, further, options)
    local whole = params(user_message, further)
    whole.stream = streamed or nil
    local answer, err = client.messages.create(whole, options)
    if answer and streamed then
      return answer:message()
    end
    return answer, err
  end

  for _, streamed in ipairs { false, true } do
    describe(streamed and "streaming" or "answering whole", function()
      it("gives thinking and text, with the emoji and Chinese it was given", function()
        local message = assert(ask("你好", streamed))
        assert.equal(TEXT, message:text())
        assert.equal(THINKING, message:thinking())
        assert.equal("c2lnbmF0dXJl", message.content[1].signature)
        assert.equal("claude-sonnet-4-20250514", message.model)
        assert.equal("end_turn", message.stop_reason)
        assert.is_nil(message.stop_sequence)
        assert.same({ input_tokens = 31, output_tokens = 45 }, message.usage)
        assert.equal(200, message.response.status)
        assert.is_string(message.response.request_id)
      end)

      it("receives the fields of the page's request", function()
        assert(ask("你好", streamed, { temperature = 0.5, tools = { WEATHER_TOOL } }))
        local received = last_request()
        assert.equal("POST", received.method)
        assert.equal("/v1/messages", received.path)
        assert.equal("application/json", received.headers["content-type"])
        assert.equal("application/json", received.headers.accept)
        assert.is_string(received.headers.authorization)
        assert.is_nil(received.headers["x-api-key"])
        local body = received.body
        assert.equal("claude-sonnet-4-20250514", body.model)
        assert.same({ role = "system", content = SYSTEM }, body.messages[1])
        assert.same({ role = "user", content = "你好" }, body.messages[2])
        assert.equal(8000, body.max_tokens)
        assert.equal(0.5, body.temperature)
        assert.equal(streamed or nil, body.stream)
        assert.equal("get_weather", body.tools[1]["function"].name)
        assert.equal("string", body.tools[1]["function"].parameters.properties.city.type)
      end)

      it("calls a tool, and takes its result together with the signed thinking", function()
        local message = assert(ask("weather", streamed, { tools = { WEATHER_TOOL } }))
        assert.equal("tool_use", message.stop_reason)
        local use = message:tool_uses()[1]
        assert.equal("toolu_weather", use.id)
        assert.equal("get_weather", use.name)
        assert.equal("上海", use.input.city)
        assert.same({ 1, 2 }, { use.input.days[1], use.input.days[2] })
        assert.equal("c2lnbmVk", message.content[1].signature)

        local final = assert(ask("weather", streamed, {
          tools = { WEATHER_TOOL },
          messages = {
            { role = "user", content = "weather" },
            message,
            { role = "user", content = { { type = "tool_result", tool_use_id = use.id, content = "sunny" } } },
          },
        }))
        assert.equal("It is sunny.", final:text())
        local sent = last_request().body.messages
        assert.equal('{"city":"上海","days":[1,2],"more":{}}', sent[3].tool_calls[1]["function"].arguments)
        assert.equal("toolu_weather", sent[4].tool_call_id)
        assert.equal("sunny", sent[4].content)
      end)

      it("holds a conversation with tools at once, one failing and one refused", function()
        local message, run = anthropic.run(function()
          return client.messages.run(params("three tools", {
            stream = streamed or nil,
            tools = {
              anthropic.tool { name = "get_weather", run = function(input)
                anthropic.sleep(0.02)
                return { city = input.city, celsius = 21 }
              end },
              anthropic.tool { name = "get_stock", run = function() return nil, "the market is closed" end },
              anthropic.tool { name = "delete", run = function() error("must not run") end },
            },
            on_tool_use = function(call) return call.name ~= "delete", "not allowed" end,
          }))
        end)
        assert.equal("One worked.", message:text())
        assert.equal("end_turn", run.stopped)
        local sent = last_request().body.messages
        assert.equal("All at once.", run.turns[1].message:thinking())
        assert.equal('{"city":"上海"}', sent[3].tool_calls[1]["function"].arguments)
        assert.same({
          { "toolu_1", '{"celsius":21,"city":"上海"}' },
          { "toolu_2", "the market is closed" },
          { "toolu_3", "not allowed" },
        }, {
          { sent[4].tool_call_id, sent[4].content },
          { sent[5].tool_call_id, sent[5].content },
          { sent[6].tool_call_id, sent[6].content },
        })
        table.insert(run.messages, { role = "user", content = "plain" })
        assert.equal("Just text.", assert(ask("plain", streamed, { messages = run.messages })):text())
      end)

      it("is refused its tool's result without the thinking that came before", function()
        local message, err = ask("weather", streamed, {
          tools = { WEATHER_TOOL },
          messages = {
            { role = "user", content = "weather" },
            { role = "assistant", content = { { type = "tool_use", id = "t", name = "get_weather", input = {} } } },
            { role = "user", content = { { type = "tool_result", tool_use_id = "t", content = "sunny" } } },
          },
        })
        assert.is_nil(message)
        assert.equal("api", err.kind)
        assert.equal(400, err.status)
        assert.equal("invalid_request_error", err.type)
        assert.truthy(err.message:find("thinking", 1, true))
      end)
    end)
  end

  it("outlives a 529", function()
    local message = assert(ask("overloaded once", true))
    assert.equal("Now.", message:text())
    assert.equal(2, message.response.attempts)
  end)

  it("outlives a 429, after the time that its Retry-After names", function()
    local waited
    local message = assert(ask("limited once", false, nil, {
      on_retry = function(info)
        waited = info
      end,
    }))
    assert.equal("Now.", message:text())
    assert.equal(2, message.response.attempts)
    assert.equal(429, waited.error.status)
    assert.equal("rate_limit_error", waited.error.type)
    assert.equal(1, waited.delay)
  end)

  it("gives up on a 529 that stays", function()
    local message, err = ask("always overloaded", true, nil, { max_retries = 1 })
    assert.is_nil(message)
    assert.same({ "api", 529, "overloaded_error", "Overloaded", 2 },
      { err.kind, err.status, err.type, err.message, err.attempts })
    assert.is_string(err.request_id)
    assert.equal(529, err.history[1].status)
  end)

  it("breaks off in the middle of a stream, and what arrived is kept", function()
    local message, err = ask("cut short", true)
    assert.is_nil(message)
    assert.truthy(err.kind == "truncated" or err.kind == "connection", err.kind)
    local partial = err.partial:text()
    assert.truthy(#partial > 0)
    assert.equal(partial, ("This answer will never come to its end."):sub(1, #partial))
    assert.equal(1, err.attempts)
  end)

  it("refuses a wrong key, and the error does not tell it", function()
    local message, err = ask("plain", false, nil, { api_key = "some other key" })
    assert.is_nil(message)
    assert.same({ "api", 401, "authentication_error" }, { err.kind, err.status, err.type })
    assert.is_nil(tostring(err):find("some other key", 1, true))
  end)

  describe("misbehaving", function()
    local function misbehave(way, streamed)
      return ask("plain", streamed, nil, {
        headers = { ["x-aimock-chaos-" .. way] = "1" },
        max_retries = 1,
      })
    end

    for _, streamed in ipairs { false, true } do
      local how = streamed and ", streaming" or ""

      it("sends malformed JSON" .. how, function()
        local message, err = misbehave("malformed", streamed)
        assert.is_nil(message)
        assert.equal("protocol", err.kind)
        assert.equal(200, err.status)
        assert.truthy(err.body:find("malformed json", 1, true))
      end)

      it("hangs up without an answer" .. how, function()
        local message, err = misbehave("disconnect", streamed)
        assert.is_nil(message)
        assert.truthy(err.kind == "connection" or err.kind == "truncated", err.kind)
        assert.equal(2, err.attempts)
      end)

      it("answers 500" .. how, function()
        local message, err = misbehave("drop", streamed)
        assert.is_nil(message)
        assert.same({ "api", 500, 2 }, { err.kind, err.status, err.attempts })
      end)
    end
  end)
end)
