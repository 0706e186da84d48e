-- Answers in the chat-completion shape.

local completions = require "anthropic.testing.completions"
local json = require "anthropic.testing.json"

local function whole(fields)
  return json.encode(completions.completion(fields).body)
end

-- The chunks of a stream as JSON.
local function chunks(fields)
  local list = {}
  for i, event in ipairs(completions.completion_stream(fields).events) do
    list[i] = type(event.data) == "string" and event.data or json.encode(event.data)
    assert.is_nil(event.event)
  end
  return list
end

local USAGE = '"usage":{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21}'

local function object(kind, choices, rest)
  return ('{"id":"chatcmpl-test","object":"%s","created":1700000000,"model":"claude-test","choices":[%s]%s}')
    :format(kind, choices, rest or "")
end

local function choice(delta, reason)
  return object("chat.completion.chunk",
    ('{"index":0,"delta":%s,"finish_reason":%s}'):format(delta, reason or "null"))
end

describe("a whole completion", function()
  it("has what the API sends", function()
    assert.equal(object("chat.completion",
      '{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}', "," .. USAGE),
      whole { content = "Hi" })
    assert.equal('{"id":"i","object":"chat.completion","created":5,"model":"m","choices":['
      .. '{"index":0,"message":{"role":"assistant","content":"","reasoning_content":"R"},"finish_reason":"length"}],'
      .. '"usage":{"x":1}}',
      whole { id = "i", created = 5, model = "m", usage = { x = 1 }, reasoning = "R", finish_reason = "length" })
  end)

  it("has tool calls", function()
    local text = whole { tool_calls = { { name = "f" }, { name = "g", id = "c", arguments = { a = 1 } },
      { name = "h", arguments = '{"b":' } } }
    assert.matches('"content":null,"tool_calls":[{"type":"function","id":"call_test_1","function":{"name":"f",'
      .. '"arguments":"{}"}},{"type":"function","id":"c","function":{"name":"g","arguments":"{\\"a\\":1}"}},'
      .. '{"type":"function","id":"call_test_3","function":{"name":"h","arguments":"{\\"b\\":"}}]', text, 1, true)
    assert.matches('"finish_reason":"tool_calls"', text, 1, true)
    assert.matches('"content":"x","tool_calls"', whole { content = "x", tool_calls = { { name = "f" } } }, 1, true)
    assert.is_nil(whole({ tool_calls = {} }):find('"tool_calls":[', 1, true))
  end)

  it("has several choices", function()
    local body = completions.completion({
      choices = { { content = "a" }, { content = "b", finish_reason = "x" } },
    }).body
    assert.same({ 0, "a", "stop" }, { body.choices[1].index, body.choices[1].message.content,
      body.choices[1].finish_reason })
    assert.same({ 1, "b", "x" }, { body.choices[2].index, body.choices[2].message.content,
      body.choices[2].finish_reason })
    assert.equal("[]", json.encode(completions.completion({ choices = {} }).body.choices))
  end)

  it("takes an answer's own fields, and refuses others", function()
    assert.equal(3, completions.completion({ delay = 3 }).delay)
    for _, build in ipairs { completions.completion, completions.completion_stream } do
      local ok, message = pcall(build, { contents = "x" })
      assert.same({ false, "anthropic.testing: no such field: contents" }, { ok, message })
    end
    local ok, message = pcall(completions.completion, { pieces = 2 })
    assert.same({ false, "anthropic.testing: no such field: pieces" }, { ok, message })
  end)
end)

describe("a streamed completion", function()
  local BEGIN, DONE = choice '{"role":"assistant","content":""}', "[DONE]"

  local function last(reason)
    return (choice("{}", reason):gsub("}$", "," .. USAGE .. "}"))
  end

  it("comes in words, or in as many pieces as asked for", function()
    assert.same({ BEGIN, choice '{"content":"Hello"}', choice '{"content":" you"}', last '"stop"', DONE },
      chunks { content = "Hello you" })
    assert.same({ BEGIN, choice '{"content":"He"}', choice '{"content":"llo"}', last '"stop"', DONE },
      chunks { content = "Hello", pieces = 2 })
    assert.same({ BEGIN, last '"stop"', DONE }, chunks {})
  end)

  it("has reasoning first, then text, then tool calls", function()
    assert.same({
      BEGIN, choice '{"reasoning_content":"r"}', choice '{"content":"c"}',
      choice '{"tool_calls":[{"type":"function","id":"call_test_1","index":0,"function":{"name":"f","arguments":""}}]}',
      choice '{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}',
      choice '{"tool_calls":[{"type":"function","id":"c","index":1,"function":{"name":"g","arguments":""}}]}',
      choice '{"tool_calls":[{"index":1,"function":{"arguments":"[1]"}}]}',
      last '"tool_calls"', DONE,
    }, chunks { content = "c", reasoning = "r", tool_calls = { { name = "f" }, { id = "c", name = "g",
      arguments = "[1]" } } })
  end)

  it("has its choices in turn, each with an end of its own", function()
    local seen = {}
    for i, event in ipairs(completions.completion_stream({ done = false, choices = {
      { content = "a b c" }, { content = "d", finish_reason = "x" } } }).events) do
      local one = event.data.choices[1]
      seen[i] = one.index .. (one.delta.role or one.delta.content or one.finish_reason)
        .. (event.data.usage and "!" or "")
    end
    assert.same({ "0assistant", "1assistant", "0a", "1d", "0 b", "0 c", "0stop", "1x!" }, seen)
  end)

  it("has its usage alone, and no mark at its end, where it is to", function()
    local list = chunks { usage_alone = true, done = false, usage = { x = 1 } }
    assert.equal(3, #list)
    assert.equal(choice("{}", '"stop"'), list[2])
    assert.equal(object("chat.completion.chunk", "", ',"usage":{"x":1}'), list[3])
  end)
end)
