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
  { "whole", "of a server that always answers whole, which the proxy calls an event stream" },
  { "responses", "of a server that speaks the Responses API" },
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

-- The same in the shape of the Responses API, as far as the proxy reads it.
local function responses_routes()
  local item = {
    type = "message", id = "msg_1", role = "assistant", status = "completed",
    content = { { type = "output_text", text = TEXT, annotations = testing.array {} } },
  }
  local function response(status, output)
    return {
      id = "resp_1", object = "response", created_at = 1700000000, status = status, model = "m", output = output,
      usage = { input_tokens = 10, output_tokens = 7, total_tokens = 17 },
    }
  end
  local events = {}
  local function add(type, fields)
    fields.type, fields.sequence_number = type, #events
    events[#events + 1] = { event = type, data = fields }
  end
  local function add_in_text(type, fields)
    fields.item_id, fields.output_index, fields.content_index = "msg_1", 0, 0
    add(type, fields)
  end
  local empty = { type = "message", id = "msg_1", role = "assistant", status = "in_progress" }
  empty.content = testing.array {}
  add("response.created", { response = response("in_progress", testing.array {}) })
  add("response.output_item.added", { output_index = 0, item = empty })
  add_in_text("response.content_part.added", { part = { type = "output_text", text = "" } })
  for piece in TEXT:gmatch "%S+%s*" do
    add_in_text("response.output_text.delta", { delta = piece })
  end
  add_in_text("response.output_text.done", { text = TEXT })
  add("response.output_item.done", { output_index = 0, item = item })
  add("response.completed", { response = response("completed", { item }) })
  return { path = "/v1/responses", body_match = '"stream": ?true', answers = { { events = events } } },
    { path = "/v1/responses", answers = { { body = response("completed", { item }) } } }
end

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
  list[1] = { body_contains = "always-whole", answers = { testing.message { text = TEXT } } }
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
  list[#list + 1], list[#list + 2] = responses_routes()
  return list
end

local function configuration(upstream)
  local function model(name, params)
    params.api_key = params.api_key or "a key of the server behind"
    return { model_name = name, litellm_params = params }
  end
  local function mocked(name, response)
    return model(name, { model = "hosted_vllm/m", mock_response = response })
  end
  return {
    general_settings = { master_key = KEY },
    router_settings = { num_retries = 0, disable_cooldowns = true },
    litellm_settings = { num_retries = 0, telemetry = false, drop_params = true },
    model_list = {
      mocked("mocked", TEXT),
      model("adapted", { model = "hosted_vllm/m", api_base = upstream .. "/v1" }),
      model("native", { model = "anthropic/m", api_base = upstream }),
      model("whole", { model = "anthropic/always-whole", api_base = upstream }),
      model("responses", { model = "openai/m", api_base = upstream .. "/v1" }),
      model("calls", {
        model = "hosted_vllm/m",
        mock_response = LOOKS,
        mock_tool_calls = each_call(function(call)
          return { id = "call_1", type = "function", ["function"] = { name = call.name, arguments = call.input } }
        end),
      }),
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
    proxy = litellm.start(configuration(upstream.url))
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

    it("keeps a whole one as it came", function()
      local completion = assert(client:request {
        method = "POST", path = "/v1/chat/completions", body = params_of("calls", "Hello"),
      })
      assert.equal("chat.completion", completion.object)
      local message = completion.choices[1].message
      assert.equal(LOOKS, message.content)
      for i, call in ipairs(CALLS) do
        assert.same({ name = call.name, arguments = call.input }, message.tool_calls[i]["function"])
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
