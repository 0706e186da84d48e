-- The gateway of examples/openresty and its users: curl, and the vendors' clients in TypeScript and Python. Each asks
-- the API itself and the gateway the same, and the results are equal.

local background = require "spec.support.background"
local json = require "anthropic.base.json"
local nginx = require "spec.support.nginx"
local npm = require "spec.support.npm"
local testing = require "anthropic.testing"

local is_installed, why_not = nginx.is_installed()

local PYTHON_SDKS = "build/python-sdks"

-- The words of a question, and what is answered: the message's fields and those of a chat completion.
local ANSWERS = {
  { "Greet", { text = "Hello, \"world\"! 👋" } },
  { "Think", { thinking = "Hm. 让我想想。", text = "Done." } },
  { "Look", {
    text = "I will look.",
    tool_uses = {
      { id = "toolu_1", name = "look", input_json = '{"at": 1.50, "in": {"deep": [true, null]}}' },
      { id = "toolu_2", name = "look", input_json = '{"at":"梅花"}' },
    },
  } },
  { "Go on", { text = "One, two", stop_reason = "max_tokens" } },
}
local FINISH_REASONS = { max_tokens = "length" }
local USAGE = { input_tokens = 40, output_tokens = 30 }
local COMPLETION_USAGE = { prompt_tokens = 40, completion_tokens = 30, total_tokens = 70 }

-- Errors, before the answer and inside it.
local REFUSED = testing.error { status = 400, message = "messages: not so", request_id = "req_refused" }
local BUSY = testing.error {
  status = 529, retry_after = 0.01, message = "Overloaded", request_id = "req_busy",
  headers = { ["x-should-retry"] = "false" },
}
local BROKEN = testing.stream {
  text = "one two", error = { type = "overloaded_error", message = "Overloaded" }, request_id = "req_broken",
}
local BROKEN_COMPLETION = {
  headers = { ["content-type"] = "text/event-stream" },
  events = {
    { data = '{"id":"c","object":"chat.completion.chunk","created":1,"model":"claude-test","choices":'
      .. '[{"index":0,"delta":{"role":"assistant","content":"one"},"finish_reason":null}]}' },
    { data = '{"error":{"message":"Overloaded","type":"overloaded_error","param":null,"code":null}}' },
  },
}
local QUESTIONS = { "Greet", "Think", "Look", "Go on", "Refuse", "Busy", "Break" }

local function completion_fields(fields)
  local calls
  for i, use in ipairs(fields.tool_uses or {}) do
    calls = calls or {}
    calls[i] = { id = use.id, name = use.name, arguments = use.input_json }
  end
  return {
    content = fields.text, reasoning = fields.thinking, tool_calls = calls, usage = COMPLETION_USAGE,
    finish_reason = FINISH_REASONS[fields.stop_reason],
  }
end

local function routes()
  local list = {
    { body_contains = "Refuse", answers = { REFUSED } },
    { body_contains = "Busy", answers = { BUSY } },
    { path = "/v1/chat/completions", body_contains = "Break", answers = { BROKEN_COMPLETION } },
    { body_contains = "Break", answers = { BROKEN } },
  }
  for _, answer in ipairs(ANSWERS) do
    local words, fields = answer[1], answer[2]
    local completion = completion_fields(fields)
    fields.usage, fields.request_id = USAGE, "req_" .. words:lower():gsub(" ", "_")
    for _, route in ipairs {
      { "/v1/messages", testing.message(fields), testing.stream(fields) },
      { "/v1/chat/completions", testing.completion(completion), testing.completion_stream(completion) },
    } do
      list[#list + 1] = { path = route[1], body_match = { words, '"stream": ?true' }, answers = { route[3] } }
      list[#list + 1] = { path = route[1], body_contains = words, answers = { route[2] } }
    end
  end
  return list
end

local SCHEMA = { type = "object", properties = json.object {} }

-- Parameters of a shape. `tools` and the limit are called otherwise there.
local PARAMS = {
  messages = { max_tokens = 100, tools = { { name = "look", input_schema = SCHEMA } } },
  chat_completions = {
    max_completion_tokens = 100,
    tools = { { type = "function", ["function"] = { name = "look", parameters = SCHEMA } } },
  },
}

-- Every question, whole and streamed.
local function requests(shape)
  local list = {}
  for _, words in ipairs(QUESTIONS) do
    for _, streamed in ipairs { false, true } do
      if streamed or words ~= "Break" then
        local params = { model = "claude-sonnet-5-5", messages = { { role = "user", content = words } } }
        for name, value in pairs(PARAMS[shape]) do
          params[name] = value
        end
        params.stream = streamed or nil
        params.stream_options = streamed and shape == "chat_completions" and { include_usage = true } or nil
        list[#list + 1] = params
      end
    end
  end
  return list
end

-- Of a chat completion what both shapes know.
local function common(result)
  local err = result.error
  if err then
    return { error = { status = err.status, message = err.body.message, type = err.body.type } }
  end
  local choice = result.choices[1]
  local message = choice.message
  return {
    model = result.model, finish_reason = choice.finish_reason, choices = #result.choices,
    content = message.content, reasoning = message.reasoning_content, tool_calls = message.tool_calls,
    prompt_tokens = result.usage.prompt_tokens, completion_tokens = result.usage.completion_tokens,
    total_tokens = result.usage.total_tokens,
  }
end

local function every_field(result)
  return result
end

local function by_node(package)
  return function()
    local entry, reason = npm.find(package .. "/index.mjs")
    return entry and "node spec/support/sdk_user.mjs VENDOR " .. entry, reason
  end
end

local function by_python(package)
  return function()
    local found = io.open(PYTHON_SDKS .. "/" .. package .. "/__init__.py")
    if not found then
      return nil, package .. " for Python is not installed (tools/peers installs it, where pip is there)"
    end
    found:close()
    return ("env PYTHONPATH=%s python3 spec/support/sdk_user.py VENDOR"):format(PYTHON_SDKS)
  end
end

local USERS = {
  { name = "the vendor's client in TypeScript", vendor = "anthropic", shape = "messages",
    command = by_node "@anthropic-ai/sdk" },
  { name = "the vendor's client in Python", vendor = "anthropic", shape = "messages", command = by_python "anthropic" },
  { name = "OpenAI's client in TypeScript", vendor = "openai", shape = "chat_completions", base = "/v1",
    command = by_node "openai" },
  { name = "OpenAI's client in Python", vendor = "openai", shape = "chat_completions", base = "/v1",
    command = by_python "openai" },
}

describe("the gateway in nginx, as its users see it,", function()
  local upstream, gateway

  if not is_installed then
    it("is there", function() pending(why_not) end)
    return
  end

  setup(function()
    background.output_of "make -s LUA=luajit >&2"
    upstream = testing.server { script = { routes = routes() } }
    gateway = nginx.start_example {
      name = "gateway.conf", environment = "ANTHROPIC_API_KEY=real-secret ANTHROPIC_BASE_URL=" .. upstream.url,
    }
  end)

  teardown(function()
    upstream:stop()
    local errors = gateway:stop()
    assert.is_nil(errors:find("real-secret", 1, true))
    assert.is_nil(errors:find("traceback", 1, true), errors)
  end)

  for _, user in ipairs(USERS) do
    it("answers as the API itself does: " .. user.name, function()
      local command, reason = user.command()
      if not command then
        return pending(reason)
      end
      local asked = requests(user.shape)
      local file = os.tmpname()
      background.write_file(file, assert(json.encode(asked)))
      local running = {}
      for i, url in ipairs { upstream.url, gateway.url } do -- at the same time
        running[i] = io.popen(("timeout 100 %s %s key-of-red %s 2>&1"):format(
          command:gsub("VENDOR", user.vendor), url .. (user.base or ""), file))
      end
      local results = {}
      for i, output in ipairs(running) do
        results[i] = {}
        for line in output:lines() do
          local value = json.decode(line) or error(line .. "\n" .. output:read "*a")
          table.insert(results[i], (user.vendor == "openai" and common or every_field)(value))
        end
        output:close()
      end
      os.remove(file)
      assert.equal(#asked, #results[1])
      assert.equal(#asked, #results[2])
      for i, params in ipairs(asked) do
        local what = params.messages[1].content .. (params.stream and ", streamed" or "")
        assert.same(results[1][i], results[2][i], what)
        local is_error = what:find "^Refuse" or what:find "^Busy" or what:find "^Break"
        assert.equal(is_error ~= nil, results[2][i].error ~= nil, what)
      end
    end)
  end

  -- Status, the head's fields that say something of the answer, and the body.
  local function curl(url, body)
    local file = os.tmpname()
    background.write_file(file, body)
    local output = background.output_of(("curl -s -i -m 30 %s/v1/messages -H 'x-api-key: key-of-red' -d @%s")
      :format(url, file))
    os.remove(file)
    local head, answer = output:match "^(.-)\r\n\r\n(.*)$"
    local fields = {}
    for name, value in head:gmatch "\r\n([^:]+): ([^\r]*)" do
      fields[name:lower()] = value
    end
    return {
      status = head:match "^HTTP/1.1 (%d+)", request_id = fields["request-id"], retry_after = fields["retry-after"],
      x_should_retry = fields["x-should-retry"], content_type = fields["content-type"],
    }, answer
  end

  it("answers as the API itself does: curl", function()
    for _, params in ipairs(requests "messages") do
      local body = assert(json.encode(params))
      local head, answer = curl(upstream.url, body)
      local head_through, answer_through = curl(gateway.url, body)
      assert.same(head, head_through)
      if params.stream and head.status == "200" then
        assert.equal(answer, answer_through)
      else
        assert.same(json.decode(answer), json.decode(answer_through))
      end
    end
  end)
end)
