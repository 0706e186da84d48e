-- The client against LiteLLM's proxy: answers that it makes itself, and those that it translates for servers behind it,
-- which speak either shape.

local anthropic = require "anthropic"
local documentation = require "spec.support.documentation"
local litellm = require "spec.support.litellm"
local testing = require "anthropic.testing"

local KEY = "sk-the-key-that-the-proxy-knows"
local TEXT = "Grüße, 世界 🌍. Nothing more."
local THINKING = "Hm, 让我想想。"
local LOOKS = "I look."

local CALLS = {
  { name = "get_weather", input = '{"city": "上海", "days": [1, 2], "more": {}}' },
  { name = "get_stock", input = '{"symbol": "X"}' },
}

-- The ways in which an answer comes about, each a model of the proxy's.
local WAYS = {
  { "mocked", "that the proxy makes up, whole whatever was asked for" },
  { "adapted", "of a server that speaks chat completions" },
  { "native", "of a server that speaks messages" },
  { "itself", "of a proxy behind the proxy, which calls a whole answer an event stream" },
}

-- --- the servers behind the proxy ----------------------------------------------------------------

local function each_call(make)
  local list = {}
  for i, call in ipairs(CALLS) do
    list[i] = make(call)
  end
  return list
end

local SHAPES = {
  { path = "/v1/messages", whole = testing.message, streamed = testing.stream },
  { path = "/v1/chat/completions", whole = testing.completion, streamed = testing.completion_stream },
}

local MESSAGE_USAGE = {
  input_tokens = 10, output_tokens = 7, cache_read_input_tokens = 100, cache_creation_input_tokens = 20,
}
local COMPLETION_USAGE = {
  prompt_tokens = 110, completion_tokens = 7, total_tokens = 117, prompt_tokens_details = { cached_tokens = 100 },
}

-- By what is found in the request; the first that fits answers.
local function routes()
  local list = {}
  local function answer(words, ...)
    for i, shape in ipairs(SHAPES) do
      local fields = select(i, ...)
      list[#list + 1] = {
        path = shape.path, body_match = { words, '"stream": ?true' }, answers = { shape.streamed(fields) },
      }
      list[#list + 1] = { path = shape.path, body_contains = words, answers = { shape.whole(fields) } }
    end
  end
  answer("It is sunny", { text = "Take a hat." }, { content = "Take a hat." })
  answer("the weather", {
    thinking = THINKING, text = LOOKS, usage = MESSAGE_USAGE,
    tool_uses = each_call(function(call)
      return { name = call.name, input_json = call.input }
    end),
  }, {
    reasoning = THINKING, content = LOOKS, usage = COMPLETION_USAGE,
    tool_calls = each_call(function(call)
      return { name = call.name, arguments = call.input }
    end),
  })
  answer("two answers", { text = TEXT }, { choices = { { content = "one" }, { content = "two" } } })
  list[#list + 1] = {
    body_contains = "break off",
    answers = { testing.stream { text = "one two", error = { type = "overloaded_error", message = "Overloaded" } } },
  }
  list[#list + 1] = { body_contains = "too busy", answers = { testing.error { status = 529 } } }
  list[#list + 1] = { path = "/v1/messages/count_tokens", answers = { { body = { input_tokens = 42 } } } }
  answer("messages", { text = TEXT, thinking = THINKING, usage = MESSAGE_USAGE },
    { content = TEXT, reasoning = THINKING, usage = COMPLETION_USAGE })
  return list
end

local function configuration(url, upstream)
  local function model(name, params)
    params.api_key = params.api_key or "a key of the server behind"
    return { model_name = name, litellm_params = params }
  end
  local function mocked(name, response)
    return model(name, { model = "hosted_vllm/m", mock_response = response })
  end
  local calls = model("mocked-calls", {
    model = "hosted_vllm/m",
    mock_response = LOOKS,
    mock_tool_calls = each_call(function(call)
      local named = { name = call.name, arguments = call.input }
      return { id = "call_" .. call.name, type = "function", ["function"] = named }
    end),
  })
  return {
    general_settings = { master_key = KEY },
    router_settings = { num_retries = 0, disable_cooldowns = true },
    litellm_settings = { num_retries = 0, telemetry = false },
    model_list = {
      mocked("mocked", TEXT),
      model("adapted", { model = "hosted_vllm/m", api_base = upstream .. "/v1" }),
      model("native", { model = "anthropic/m", api_base = upstream }),
      model("itself", { model = "anthropic/mocked", api_base = url, api_key = KEY }),
      model("responses", { model = "openai/mocked", api_base = url .. "/v1", api_key = KEY }),
      calls,
      model("calls", { model = "hosted_vllm/mocked-calls", api_base = url .. "/v1", api_key = KEY }),
      mocked("limited", "litellm.RateLimitError"),
      mocked("too-long", "litellm.ContextWindowExceededError"),
      mocked("failing", "litellm.InternalServerError"),
    },
  }
end

-- --- the proxy's clients -------------------------------------------------------------------------

local client

local function params_of(model, words, further)
  local params = { model = model, max_tokens = 2000, messages = { { role = "user", content = words } } }
  for name, value in pairs(further or {}) do
    params[name] = value
  end
  return params
end

local function stream_of(model, words)
  return assert(client.messages.create(params_of(model, words or "Hello", { stream = true })))
end

local function all_of(pieces)
  local list = {}
  for piece in pieces do
    list[#list + 1] = piece
  end
  return table.concat(list)
end

-- The README's loops, each with the text that it prints.
local LOOPS = {
  { "for event in stream", function(model)
    local list = {}
    for event in stream_of(model) do
      if event.type == "content_block_delta" and event.delta.type == "text_delta" then
        list[#list + 1] = event.delta.text
      end
    end
    return table.concat(list)
  end },
  { "stream:text_deltas()", function(model) return all_of(stream_of(model):text_deltas()) end },
  { "stream:message()", function(model) return assert(stream_of(model):message()):text() end },
  { "messages.create", function(model) return assert(client.messages.create(params_of(model, "Hello"))):text() end },
  { "client:ask", function(model) return assert(client:ask("Hello", { model = model })) end },
  { "chat:say", function(model)
    local chat = client:chat { model = model }
    assert(chat:say "Hello")
    return assert(chat:say "Hello again")
  end },
  { "chat:stream", function(model)
    local chat = client:chat { model = model }
    all_of(chat:stream "Hello")
    return all_of(chat:stream "Hello again")
  end },
}

local function whole_or_streamed(streamed, model, words, further)
  local params = params_of(model, words, further)
  params.stream = streamed or nil
  local answer, err = client.messages.create(params)
  if answer and streamed then
    return answer:message()
  end
  return answer, err
end

-- A stream of a path that this library has no method for.
local function completion_stream(model, words, further)
  local body = params_of(model, words, further)
  body.stream, body.stream_options = true, { include_usage = true }
  return client:request { method = "POST", path = "/v1/chat/completions", body = body, stream = true }
end

local function assert_calls(message)
  assert.equal(LOOKS, message:text())
  assert.equal("tool_use", message.stop_reason)
  local uses = message:tool_uses()
  assert.equal(#CALLS, #uses)
  for i, call in ipairs(CALLS) do
    assert.equal(call.name, uses[i].name)
    assert.same(anthropic.decode(call.input), anthropic.decode(anthropic.encode(uses[i].input)))
    assert.is_true(#uses[i].id > 0)
  end
end

local function assert_error(expected, err)
  assert.same(expected, { err.kind, err.status, err.type })
  assert.is_nil(tostring(err):find(KEY, 1, true))
end

local TOOLS = {}
for i, call in ipairs(CALLS) do
  TOOLS[i] = { name = call.name, description = "Looks.", input_schema = { type = "object", properties = {} } }
end

describe("LiteLLM's proxy", function()
  local program, reason = litellm.find()
  if not program then
    it("is talked to", function()
      pending(reason)
    end)
    return
  end

  local upstream, proxy

  setup(function()
    upstream = testing.server { script = { routes = routes() } }
    proxy = litellm.start(function(url)
      return configuration(url, upstream.url)
    end)
    client = anthropic.new { base_url = proxy.url, api_key = KEY, timeout = 60, max_retries = 0 }
  end)

  teardown(function()
    client:close()
    proxy:stop()
    upstream:stop()
  end)

  for _, way in ipairs(WAYS) do
    describe("with answers " .. way[2], function()
      for _, loop in ipairs(LOOPS) do
        it("prints the text by " .. loop[1], function()
          assert.equal(TEXT, loop[2](way[1]))
        end)
      end

      for i, shown in ipairs(documentation.programs "README.md") do
        if shown.title == "A first program" or shown.title == "Streaming" then
          it(("prints the text by the README's program %d, under %q"):format(i, shown.title), function()
            local code = shown.code:gsub('"claude%-[^"]*"', '"' .. way[1] .. '"')
            local output, status = documentation.run({ code = code },
              ("ANTHROPIC_API_KEY=%s ANTHROPIC_BASE_URL=%s"):format(KEY, proxy.url))
            assert.equal(0, status, output)
            assert.truthy(output:find(TEXT, 1, true), output)
          end)
        end
      end
    end)
  end

  for _, streamed in ipairs { false, true } do
    describe(streamed and "streaming" or "answering whole", function()
      for _, row in ipairs {
        { "mocked", "", { 2095, 503, 0, 0 } },
        { "adapted", THINKING, { 10, 7, 100, 0 } },
        { "native", THINKING, { 10, 7, 100, 20 } },
      } do
        it("has the thinking, the counts and the end of an answer: " .. row[1], function()
          local message = assert(whole_or_streamed(streamed, row[1], "Hello"))
          assert.equal(row[2], message:thinking())
          assert.equal("end_turn", message.stop_reason)
          assert.equal(row[1], message.model)
          local usage = message.usage
          assert.same(row[3], {
            usage.input_tokens, usage.output_tokens, usage.cache_read_input_tokens or 0,
            usage.cache_creation_input_tokens or 0,
          })
        end)
      end

      for _, model in ipairs { "adapted", "native" } do
        it("calls tools, and takes their results and its thinking back: " .. model, function()
          assert_calls(assert(whole_or_streamed(streamed, model, "What is the weather?", { tools = TOOLS })))
          local message, run = client.messages.run(params_of(model, "What is the weather?", {
            stream = streamed or nil,
            tools = {
              anthropic.tool { name = "get_weather", run = function(input) return "It is sunny in " .. input.city end },
              anthropic.tool { name = "get_stock", run = function() return nil, "The market is closed." end },
            },
          }))
          assert.equal("Take a hat.", assert(message, run):text())
          assert.equal(THINKING, run.turns[1].message:thinking())
          local requests = upstream:requests()
          local sent = requests[#requests].json.messages
          if model == "native" then
            assert.equal(THINKING, sent[2].content[1].thinking)
            assert.equal(sent[2].content[3].id, sent[3].content[1].tool_use_id)
            assert.is_true(sent[3].content[2].is_error)
          else
            assert.equal(sent[2].tool_calls[1].id, sent[3].tool_call_id)
            assert.equal("It is sunny in 上海", sent[3].content)
            assert.equal("The market is closed.", sent[4].content)
          end
        end)
      end

      for _, row in ipairs {
        { "no such model", 400, "invalid_request_error", "no such model" },
        { "limited", 429, "rate_limit_error", "mock rate limit error" },
        { "too-long", 400, "invalid_request_error", "context window" },
        { "failing", 500, "api_error", "mock internal server error" },
      } do
        it("tells of an error in the API's words: " .. row[1], function()
          local message, err = whole_or_streamed(streamed, row[1], "Hello")
          assert.is_nil(message)
          assert_error({ "api", row[2], row[3] }, err)
          assert.truthy(err.message:find(row[4], 1, true), err.message)
        end)
      end

      it("tells of an error of the server behind", function()
        local message, err = whole_or_streamed(streamed, "adapted", "You are too busy")
        assert.is_nil(message)
        assert_error({ "api", 529, "overloaded_error" }, err)
      end)

      it("refuses a wrong key, and the error does not tell it", function()
        local wrong = "sk-some-other-key"
        local message, err = client.messages.create(params_of("mocked", "Hello", { stream = streamed or nil }),
          { api_key = wrong })
        assert.is_nil(message)
        assert_error({ "api", 400, "no_db_connection" }, err) -- its own words for a key that it does not know
        assert.is_nil(tostring(err):find(wrong, 1, true))
      end)
    end)
  end

  it("breaks off in the middle of a stream, and what arrived is kept", function()
    local message, err = stream_of("native", "break off"):message()
    assert.is_nil(message)
    assert_error({ "api", 529, "overloaded_error" }, err)
    assert.is_true(err.in_stream)
    assert.equal("one two", err.partial:text())
  end)

  it("translates answers of the Responses API", function()
    assert.equal(TEXT, assert(whole_or_streamed(false, "responses", "Hello")):text())
  end)

  it("makes up tool calls", function()
    assert_calls(assert(whole_or_streamed(false, "calls", "Hello", { tools = TOOLS })))
  end)

  it("counts tokens itself or lets them be counted", function()
    assert.is_true(assert(client.messages.count_tokens(params_of("mocked", "Hello"))).input_tokens > 0)
    assert.equal(42, assert(client.messages.count_tokens(params_of("native", "Hello"))).input_tokens)
  end)

  it("lists its models", function()
    local names = {}
    for model in assert(client.models.list { limit = 20 }) do
      names[model.id] = true
    end
    for _, way in ipairs(WAYS) do
      assert.is_true(names[way[1]], way[1])
    end
    assert.equal("mocked", assert(client.models.retrieve "mocked").id)
  end)

  describe("asked for chat completions", function()
    for _, model in ipairs { "mocked", "adapted", "native" } do
      it("streams chunks that become the API's events: " .. model, function()
        local types, list = {}, {}
        local stream = assert(completion_stream(model, "Hello"))
        for event in stream do
          types[event.type] = true
          if event.type == "content_block_delta" and event.delta.type == "text_delta" then
            list[#list + 1] = event.delta.text
          end
        end
        assert.same({
          message_start = true, content_block_start = true, content_block_delta = true, content_block_stop = true,
          message_delta = true, message_stop = true,
        }, types)
        assert.equal(TEXT, table.concat(list))
        local message = assert(stream:message())
        assert.equal(TEXT, message:text())
        assert.equal("end_turn", message.stop_reason)
      end)
    end

    it("counts cached tokens apart, as the API does", function()
      local message = assert(assert(completion_stream("native", "Hello")):message())
      assert.equal(THINKING, message:thinking())
      for name, count in pairs(MESSAGE_USAGE) do
        assert.equal(count, message.usage[name], name)
      end
    end)

    it("calls tools", function()
      for _, model in ipairs { "adapted", "native" } do
        local tools = {}
        for i, tool in ipairs(TOOLS) do
          tools[i] = { type = "function", ["function"] = { name = tool.name, parameters = tool.input_schema } }
        end
        local stream = assert(completion_stream(model, "What is the weather?", { tools = tools }))
        assert_calls(assert(stream:message()))
      end
    end)

    it("has several choices", function()
      local message = assert(assert(completion_stream("adapted", "Give two answers", { n = 2 })):message())
      assert.equal("one", message:text())
      assert.equal("two", message.choices[2]:text())
    end)

    for _, row in ipairs {
      { "no such model", 400 }, { "limited", 429 }, { "too-long", 400 }, { "failing", 500 },
    } do
      it("tells of an error before the stream: " .. row[1], function()
        local stream, err = completion_stream(row[1], "Hello")
        assert.is_nil(stream)
        assert_error({ "api", row[2], err.type }, err)
        assert.is_string(err.type)
      end)
    end

    it("breaks off in the middle of a stream, and what arrived is kept", function()
      local message, err = assert(completion_stream("native", "break off")):message()
      assert.is_nil(message)
      assert.same({ "api", 500, true }, { err.kind, err.status, err.in_stream })
      assert.truthy(err.message:find("Overloaded", 1, true), err.message)
      assert.equal("one two", err.partial:text())
    end)
  end)
end)
