-- The events that would have made up a message that came whole.

local accumulator = require "anthropic.message.accumulator"
local chat_completion = require "anthropic.message.chat_completion"
local json = require "anthropic.base.json"
local message = require "anthropic.message.message"
local native_events = require "anthropic.message.native_events"
local whole_events = require "anthropic.message.whole_events"

local function of(block)
  return message.new { id = "msg_1", type = "message", role = "assistant", content = { block }, usage = {} }
end

-- The events of the only block, each as JSON.
local function block_events(block)
  local events, shown = whole_events.of(of(block)), {}
  for i = 2, #events - 2 do
    shown[#shown + 1] = assert(json.encode(events[i]))
  end
  return shown
end

local function start(block)
  return '{"content_block":' .. block .. ',"index":0,"type":"content_block_start"}'
end

local function delta(text)
  return '{"delta":' .. text .. ',"index":0,"type":"content_block_delta"}'
end

local STOP = '{"index":0,"type":"content_block_stop"}'

local INPUT = json.decode_answer('{"content":[{"type":"tool_use","input":{"b": 1, "a": [ ]}}]}').content[1].input

-- { what, the block, its events but for the last }
local BLOCKS = {
  { "text", { type = "text", text = "a" },
    { start '{"text":"","type":"text"}', delta '{"text":"a","type":"text_delta"}' } },
  { "empty text", { type = "text", text = "" }, { start '{"text":"","type":"text"}' } },
  { "text that is missing", { type = "text" }, { start '{"type":"text"}' } },
  { "text with citations", { type = "text", text = "a", citations = { { n = 1 }, { n = 2 } } },
    { start '{"citations":[],"text":"","type":"text"}', delta '{"text":"a","type":"text_delta"}',
      delta '{"citation":{"n":1},"type":"citations_delta"}', delta '{"citation":{"n":2},"type":"citations_delta"}' } },
  { "text with citations that are none", { type = "text", text = "a", citations = "x" },
    { start '{"citations":"x","text":"","type":"text"}', delta '{"text":"a","type":"text_delta"}' } },
  { "thinking", { type = "thinking", thinking = "a", signature = "s" },
    { start '{"signature":"","thinking":"","type":"thinking"}', delta '{"thinking":"a","type":"thinking_delta"}',
      delta '{"signature":"s","type":"signature_delta"}' } },
  { "thinking without a signature", { type = "thinking", thinking = "a" },
    { start '{"thinking":"","type":"thinking"}', delta '{"thinking":"a","type":"thinking_delta"}' } },
  { "a signature without thinking", { type = "thinking", thinking = "", signature = "s" },
    { start '{"signature":"","thinking":"","type":"thinking"}', delta '{"signature":"s","type":"signature_delta"}' } },
  { "thinking with a text of its own", { type = "thinking", thinking = "a", citations = { 1 }, text = "b" },
    { start '{"citations":[1],"text":"b","thinking":"","type":"thinking"}',
      delta '{"thinking":"a","type":"thinking_delta"}' } },
  { "redacted thinking", { type = "redacted_thinking", data = "x" },
    { start '{"data":"x","type":"redacted_thinking"}' } },
  { "a call", { type = "tool_use", id = "t", name = "f", input = { a = 1 } },
    { start '{"id":"t","input":{},"name":"f","type":"tool_use"}',
      delta '{"partial_json":"{\\"a\\":1}","type":"input_json_delta"}' } },
  { "a call of the server's, its input as it came", { type = "server_tool_use", id = "t", name = "f", input = INPUT },
    { start '{"id":"t","input":{},"name":"f","type":"server_tool_use"}',
      delta '{"partial_json":"{\\"b\\": 1, \\"a\\": [ ]}","type":"input_json_delta"}' } },
  { "a call without an input", { type = "tool_use", id = "t", name = "f", input = {} },
    { start '{"id":"t","input":{},"name":"f","type":"tool_use"}' } },
  { "a call whose input is missing", { type = "tool_use", id = "t", name = "f" },
    { start '{"id":"t","input":{},"name":"f","type":"tool_use"}' } },
  { "a call whose input is a list", { type = "tool_use", id = "t", name = "f", input = { 1 } },
    { start '{"id":"t","input":{},"name":"f","type":"tool_use"}',
      delta '{"partial_json":"[1]","type":"input_json_delta"}' } },
  { "a broken input", { type = "tool_use", id = "t", name = "f", input_json = '{"a', input_error = "why" },
    { start '{"id":"t","input":{},"name":"f","type":"tool_use"}',
      delta '{"partial_json":"{\\"a","type":"input_json_delta"}' } },
  { "a block of a later API", { type = "hologram", text = "a", input = { 1 }, thinking = "b", citations = { 1 } },
    { start '{"citations":[1],"input":[1],"text":"a","thinking":"b","type":"hologram"}' } },
}

describe("the events of a block that came whole", function()
  for _, case in ipairs(BLOCKS) do
    it("are the API's: " .. case[1], function()
      local expected = {}
      for i, event in ipairs(case[3]) do
        expected[i] = event
      end
      expected[#expected + 1] = STOP
      assert.same(expected, block_events(case[2]))
    end)

    it("make up the same block: " .. case[1], function()
      local made, reader = accumulator.new(), native_events.reader()
      for _, event in ipairs(whole_events.of(of(case[2]))) do
        assert.same({ event }, reader:feed(event)) -- there is nothing to be mended in it
        assert.is_true(made:add(event))
      end
      local expected = message.of_answer { role = "assistant", id = "msg_1", content = { case[2] } }
      if case[2].input_json then
        assert.equal(case[2].input_json, made:finish().content[1].input_json)
      else
        assert.equal(json.encode(expected.content), json.encode(made:finish().content))
      end
    end)
  end

  it("leave it as it was", function()
    local block = { type = "text", text = "a", citations = { { n = 1 } } }
    block_events(block)
    assert.same({ type = "text", text = "a", citations = { { n = 1 } } }, block)
    local call = { type = "tool_use", id = "t", input_json = "{", input_error = "why" }
    block_events(call)
    assert.same({ type = "tool_use", id = "t", input_json = "{", input_error = "why" }, call)
  end)
end)

describe("the events of a message that came whole", function()
  it("begin and end with what else is in it", function()
    local whole = message.new {
      id = "msg_1", type = "message", role = "assistant", model = "m", container = { id = "c" }, content = {},
      stop_reason = "stop_sequence", stop_sequence = "x", usage = { input_tokens = 1, output_tokens = 2 },
    }
    whole.response = {}
    local events = whole_events.of(whole)
    local begun = {}
    for name, value in pairs(events[1].message) do
      begun[name] = value
    end
    assert.equal("message_start", events[1].type)
    assert.same({
      id = "msg_1", type = "message", role = "assistant", model = "m", container = { id = "c" }, content = {},
      usage = { input_tokens = 1, output_tokens = 2 },
    }, begun)
    assert.equal("[]", json.encode(begun.content))
    assert.same({
      { type = "message_delta", delta = { stop_reason = "stop_sequence", stop_sequence = "x" },
        usage = { input_tokens = 1, output_tokens = 2 } },
      { type = "message_stop" },
    }, { events[2], events[3] })
    assert.equal("stop_sequence", whole.stop_reason)
  end)

  it("have a usage where it has none", function()
    assert.same({ type = "message_delta", delta = {}, usage = {} },
      whole_events.of(message.new { role = "assistant" })[2])
  end)

  it("number its blocks from 0", function()
    local whole = message.new { content = { { type = "text", text = "a" }, { type = "hologram" }, { type = "text" } } }
    local indexes = {}
    for _, event in ipairs(whole_events.of(whole)) do
      indexes[#indexes + 1] = event.index
    end
    assert.same({ 0, 0, 0, 1, 1, 2, 2 }, indexes)
  end)

  it("are those of its chunk where it is a chat completion, with every choice", function()
    local object = { id = "c", model = "m", choices = {
      { index = 0, message = { reasoning = "Hm.", content = "a", tool_calls = {
        { ["function"] = { name = "f", arguments = { a = 1 } } },
      } }, finish_reason = "stop" },
      { index = 1, message = { content = "b" }, finish_reason = "length" },
    }, usage = { prompt_tokens = 1 } }
    local whole = chat_completion.to_message(object)
    local events, made = whole_events.of(whole), { [0] = accumulator.new(), [1] = accumulator.new() }
    for _, event in ipairs(events) do
      assert.equal(object, event.raw)
      assert.is_true(made[event.choice or 0]:add(event))
    end
    assert.equal(json.encode(whole.choices[1].content), json.encode(made[0]:finish().content))
    assert.equal(json.encode(whole.choices[2].content), json.encode(made[1]:finish().content))
    assert.equal("message_stop", events[#events].type)
    assert.is_nil(events[#events].choice)
  end)
end)

describe("the events of a message with all that it can have", function()
  local whole

  before_each(function()
    whole = message.new {
      id = "msg_1", type = "message", role = "assistant", model = "m", stop_reason = "stop_sequence",
      stop_sequence = "x", usage = { input_tokens = 1, output_tokens = 2 }, container = { id = "c" },
      content = { { type = "text", text = "a" }, { type = "tool_use", id = "t", input = { b = 1 } } },
    }
    whole.response, whole.raw, whole.choices, whole.parsed, whole.parse_error = {}, {}, {}, {}, "x"
  end)

  it("are what would have made it up", function()
    local events = whole_events.of(whole)
    assert.same({
      id = "msg_1", type = "message", role = "assistant", model = "m", usage = { input_tokens = 1, output_tokens = 2 },
      container = { id = "c" }, content = {},
    }, events[1].message)
    events[1].message = nil
    assert.same({
      { type = "message_start" },
      { type = "content_block_start", index = 0, content_block = { type = "text", text = "" } },
      { type = "content_block_delta", index = 0, delta = { type = "text_delta", text = "a" } },
      { type = "content_block_stop", index = 0 },
      { type = "content_block_start", index = 1, content_block = { type = "tool_use", id = "t", input = {} } },
      { type = "content_block_delta", index = 1, delta = { type = "input_json_delta", partial_json = '{"b":1}' } },
      { type = "content_block_stop", index = 1 },
      { type = "message_delta", delta = { stop_reason = "stop_sequence", stop_sequence = "x" },
        usage = { input_tokens = 1, output_tokens = 2 } },
      { type = "message_stop" },
    }, events)
  end)

  it("leave the message as it was", function()
    whole_events.of(whole)
    assert.equal("stop_sequence", whole.stop_reason)
    assert.equal("x", whole.stop_sequence)
    assert.equal(2, #whole.content)
    for _, name in ipairs { "response", "raw", "choices", "parsed", "parse_error" } do
      assert.is_truthy(whole[name], name)
    end
  end)

  it("make up the same message", function()
    local made = accumulator.new()
    for _, event in ipairs(whole_events.of(whole)) do
      assert.is_true(made:add(event))
    end
    for _, name in ipairs { "response", "raw", "choices", "parsed", "parse_error" } do
      whole[name] = nil
    end
    assert.same(whole, made:finish())
  end)

  it("have a member that is false", function()
    local answer = message.of_answer { type = "message", content = "a", is_cached = false, text = false }
    local begun = whole_events.of(answer)[1].message
    assert.is_false(begun.is_cached)
    assert.is_false(begun.text)
  end)

  it("have null where the answer had, and nothing where it had not", function()
    local function ends_of(text)
      local events = whole_events.of(message.of_answer(json.decode_answer(text)))
      return json.encode(events[1].message), json.encode(events[2].delta)
    end
    local started, ended = ends_of('{"type":"message","content":[],'
      .. '"stop_reason":"end_turn","stop_sequence":null,"x":null}')
    assert.equal('{"content":[],"role":"assistant","stop_reason":null,"stop_sequence":null,"type":"message","usage":{},'
      .. '"x":null}', started)
    assert.equal('{"stop_reason":"end_turn","stop_sequence":null}', ended)
    started, ended = ends_of '{"type":"message","content":[],"stop_reason":"end_turn"}'
    assert.equal('{"content":[],"role":"assistant","stop_reason":null,"type":"message","usage":{}}', started)
    assert.equal('{"stop_reason":"end_turn"}', ended)
  end)

  it("have one citation that is no list", function()
    local cited = { type = "text", text = "a", citations = { n = 1 } }
    local answer = message.of_answer { type = "message", content = cited }
    local found
    for _, event in ipairs(whole_events.of(answer)) do
      found = event.delta and event.delta.citation or found
    end
    assert.same({ n = 1 }, found)
    assert.same({ { n = 1 } }, answer.content[1].citations)
  end)

  it("have the IDs that were made for its calls, in both shapes", function()
    local called = { ["function"] = { name = "f", arguments = "{}" } }
    local foreign = { choices = { { message = { tool_calls = { called } } } } }
    local native = { type = "message", content = { { type = "tool_use", name = "f", input = { a = 1 } } } }
    local seen = {}
    for _, answer in ipairs { chat_completion.to_message(foreign), message.of_answer(native) } do
      local id = answer.content[1].id
      assert.matches("^call_%x+_1$", id)
      assert.is_nil(seen[id])
      seen[id] = true
      for _ = 1, 2 do
        for _, event in ipairs(whole_events.of(answer)) do
          assert.equal(id, event.content_block and event.content_block.id or id)
        end
      end
    end
  end)
end)
