-- What one choice of a chat completion says, in whatever dress, and the events of its message.

local choice_events = require "spec.support.choice_events"
local completion_choice = require "anthropic.message.completion_choice"
local json = require "anthropic.base.json"

local added, shown, events_of = choice_events.added, choice_events.shown, choice_events.events_of
local delta, TEXT, THINKING = choice_events.delta, choice_events.TEXT, choice_events.THINKING
local SIGNATURE, INPUT, START = choice_events.SIGNATURE, choice_events.INPUT, choice_events.START
local CALL, STOP, call = choice_events.CALL, choice_events.STOP, choice_events.call

local HI = { START(0, "text"), TEXT(0, "Hi") }
local HM = { START(0, "thinking"), THINKING(0, "Hm.") }
local F = { CALL(0, "a", "f"), INPUT(0, "[0]") }

-- { what, the parts, what comes of them }
local CASES = {
  ["where a piece stands"] = {
    { "in a delta", { delta { content = "Hi" } }, HI },
    { "in a message", { { message = { role = "assistant", content = "Hi" } } }, HI },
    { "bare, as content", { { content = "Hi" } }, HI },
    { "bare, as text", { { text = "Hi" } }, HI },
    { "in a delta, as text", { delta { text = "Hi" } }, HI },
    { "in a delta that is a text", { { delta = "Hi" } }, HI },
    { "in a message that is a text", { { message = "Hi" } }, HI },
    { "in a delta that is a list", { { delta = { { type = "text", text = "Hi" } } } }, HI },
    { "in a message beside an empty delta", { { delta = {}, message = { content = "Hi" } } }, HI },
    { "bare beside an empty delta and message", { { delta = { content = "" }, message = {}, text = "Hi" } }, HI },
    { "in a delta and once more in a message", { { delta = { content = "Hi" }, message = { content = "Hi" } } }, HI },
    { "in a delta and once more as text", { { delta = { content = "Hi" }, text = "Hi" } }, HI },
    { "in a message and once more as text", { { message = { content = "Hi" }, text = "Hi" } }, HI },
    { "in content before text", { delta { content = "Hi", text = "Ho" } }, HI },
    { "in deltas, and whole in the message after them",
      { delta { content = "H" }, delta { content = "i" }, { message = { content = "Hi" } } },
      { START(0, "text"), TEXT(0, "H"), TEXT(0, "i") } },
    { "in messages only", { { message = { content = "H" } }, { message = { content = "i" } } },
      { START(0, "text"), TEXT(0, "H"), TEXT(0, "i") } },
    { "in a delta and then as text", { delta { content = "H" }, { text = "i" } },
      { START(0, "text"), TEXT(0, "H"), TEXT(0, "i") } },
    { "text in deltas, calls in the message after them",
      { delta { content = "Hi" }, { message = { content = "Hi", tool_calls = { call("a", "f", "[0]") } } } },
      { HI[1], HI[2], STOP(0), CALL(1, "a", "f"), INPUT(1, "[0]") } },
    { "calls in deltas, text in the message after them",
      { delta { tool_calls = { call("a", "f", "[0]") } },
        { message = { content = "Hi", tool_calls = { call("a", "f", "[0]") } } } },
      { F[1], F[2], START(1, "text"), TEXT(1, "Hi") } },
    { "a call in a delta that tells little of it, and in the message beside it",
      { { delta = { tool_calls = { call(nil, "f") } }, message = { tool_calls = { call("a", "f", "[0]") } } } }, {} },
    { "in deltas, and with more to it in the message after them",
      { delta { content = "H" }, { message = { content = "Hi" } }, { message = { content = { { text = "Hi!" } } } } },
      { START(0, "text"), TEXT(0, "H"), TEXT(0, "i"), TEXT(0, "!") } },
    { "in deltas, and another in the message after them, or a beginning of it",
      { delta { content = "Hi" }, { message = { content = "Ho, ho" } }, { message = { content = "H" } } },
      { HI[1], HI[2], "unknown {content:Ho, ho}" } },
    { "in deltas, and other thinking in the message after them",
      { delta { reasoning = "Hm." }, { message = { thinking_blocks = { { thinking = "Oh." } }, reasoning = "Oh." } } },
      { HM[1], HM[2], "unknown {reasoning:Oh.}" } },
    { "in deltas, and a refusal in the message after them",
      { delta { content = "H" }, { message = { content = "H", refusal = "i" } }, { message = { content = "Hi" } } },
      { START(0, "text"), TEXT(0, "H"), TEXT(0, "i") } },
    { "a refusal in deltas, and in the message after them", { delta { content = "H" }, delta { refusal = "i" },
      { message = { content = "H", refusal = "i" } } }, { START(0, "text"), TEXT(0, "H"), TEXT(0, "i") } },
    { "in deltas, and a part that refuses in the message after them", { delta { content = "H" },
      { message = { content = { { type = "text", text = "H" }, { type = "refusal", refusal = "i" } } } } },
      { START(0, "text"), TEXT(0, "H"), TEXT(0, "i") } },
    { "in deltas, and other parts in the message after them, once", { delta { content = "H" },
      { message = { content = { { type = "text", text = "Hi" }, { type = "image", n = 1 } } } },
      { message = { content = { { type = "text", text = "Hi" }, { type = "image", n = 1 } } } } },
      { START(0, "text"), TEXT(0, "H"), "unknown {content:{n:1,type:image}}", TEXT(0, "i") } },
    { "a part in deltas, and again in the message after them", { delta { content = { { type = "image" } } },
      { message = { content = { { type = "image" } } } } }, { "unknown {content:{type:image}}" } },
    { "thinking in deltas, and among the content of the message after them", { delta { reasoning = "Hm." },
      delta { content = "H" }, { message = { content = { { type = "thinking", thinking = "Hm.", signature = "s" },
        { type = "text", text = "H" } } } } },
      { HM[1], HM[2], STOP(0), START(1, "text"), TEXT(1, "H"), SIGNATURE(0, "s") } },
    { "text in deltas, and a call among the content of the message after them", { delta { content = "Hi" },
      { message = { content = { { text = "Hi" }, { type = "tool_use", id = "a", name = "f", input = { 1 } } } } } },
      { HI[1], HI[2], STOP(0), CALL(1, "a", "f"), INPUT(1, "[1]") } },
    { "thinking in deltas, and what is not shown in the message after them", { delta { reasoning = "Hm." },
      { message = { thinking_blocks = { { type = "thinking", thinking = "Hm.", signature = "s" },
        { type = "redacted_thinking", data = "x" } } } } },
      { HM[1], HM[2], SIGNATURE(0, "s"), STOP(0), "start 1 redacted_thinking {data:x}" } },
    { "text in deltas, and thinking that is not shown in the message after them",
      { delta { reasoning = "Hm." }, delta { content = "Hi" }, { message = { thinking_blocks = {
        { type = "redacted_thinking", data = "x" } } } } },
      { HM[1], HM[2], STOP(0), START(1, "text"), TEXT(1, "Hi"),
        "unknown {reasoning:{data:x,type:redacted_thinking}}" } },
    { "thinking in deltas that is not shown, and again in the message after them",
      { delta { thinking_blocks = { { type = "redacted_thinking", data = "x" } } },
        { message = { thinking_blocks = { { type = "redacted_thinking", data = "x" } } } } },
      { "start 0 redacted_thinking {data:x}" } },
    { "signed thinking in deltas, and with another signature in the message after them",
      { delta { thinking_blocks = { { thinking = "Hm.", signature = "s" } } },
        { message = { thinking_blocks = { { thinking = "Hm.", signature = "s" } } } },
        { message = { thinking_blocks = { { thinking = "Hm.", signature = "t" } } } } },
      { HM[1], HM[2], SIGNATURE(0, "s"), "unknown {reasoning:{signature:t}}" } },
    { "thinking in deltas, and with more to it and a signature in the message after them",
      { delta { reasoning = "Hm" }, { message = { thinking_blocks = { { thinking = "Hm.", signature = "s" } } } } },
      { START(0, "thinking"), THINKING(0, "Hm"), THINKING(0, "."), SIGNATURE(0, "s") } },
    { "a call among the content", { { message = { content = {
      { type = "text", text = "Hi" }, { type = "tool_use", id = "a", name = "f", input = { 1 } },
      { type = "function", id = "b", ["function"] = { name = "g", arguments = "[0]" } },
    } } } }, { HI[1], HI[2], STOP(0), CALL(1, "a", "f"), INPUT(1, "[1]"), CALL(2, "b", "g"), INPUT(2, "[0]") } },
    { "a call among the content and in its own place", { { message = {
      content = { { type = "tool_use", id = "a", name = "f", input = json.object {} } },
      tool_calls = { call("a", "f", "[0]") },
    } } }, { "unknown {content:{id:a,input:{},name:f,type:tool_use}}", F[1], F[2] } },
    { "a call in deltas, and its arguments in the message after them",
      { delta { tool_calls = { call("a", "f", "") } }, { message = { tool_calls = { call("a", "f", "[0]") } } } }, F },
    { "a call in deltas, and the rest of its arguments in the message after them",
      { delta { tool_calls = { call("a", "f", "[") } }, { message = { tool_calls = { call("a", "f", "[0]") } } } },
      { F[1], INPUT(0, "["), INPUT(0, "0]") } },
    { "a call in deltas, and another in the message after them",
      { delta { tool_calls = { call("a", "f", "[0]") } },
        { message = { tool_calls = { call("a", "f", "[0]"), call("b", "g", "[0]") } } } },
      { F[1], F[2], CALL(1, "b", "g"), INPUT(1, "[0]") } },
    { "calls without IDs in deltas, and again in the message after them",
      { delta { tool_calls = { call(nil, "f", "[0]") } }, { message = { tool_calls = { call("x", "f", "[0]") } } } },
      { CALL(0, "call_c1_1", "f"), INPUT(0, "[0]") } },
    { "a function_call in deltas, and its arguments in the message after them",
      { delta { function_call = { name = "f", arguments = "" } },
        { message = { function_call = { name = "f", arguments = "[0]" } } } },
      { CALL(0, "call_c1_1", "f"), INPUT(0, "[0]") } },
    { "thinking in deltas, and whole in the message after them", { delta { reasoning = "Hm." },
      { message = { reasoning = "Hm.", content = "Hi" } } },
      { HM[1], HM[2], STOP(0), START(1, "text"), TEXT(1, "Hi") } },
    { "in a delta, a call in the message beside it",
      { { delta = { content = "Hi" }, message = { tool_calls = { call("a", "f", "[0]") } } } },
      { HI[1], HI[2], STOP(0), CALL(1, "a", "f"), INPUT(1, "[0]") } },
    { "nowhere", { {}, delta {}, { message = {} }, { delta = "", message = "", text = "" }, { index = 5 } }, {} },
  },

  ["a refusal"] = {
    { "in its member", { delta { refusal = "No." } }, { START(0, "text"), TEXT(0, "No.") } },
    { "in a part", { delta { content = { { type = "refusal", refusal = "No." } } } },
      { START(0, "text"), TEXT(0, "No.") } },
    { "after content", { delta { content = "Hi", refusal = "No." } }, { HI[1], HI[2], TEXT(0, "No.") } },
  },

  calls = {
    { "in tool_calls", { delta { tool_calls = { call("a", "f", "[0]") } } }, F },
    { "in one that is no list", { delta { tool_calls = call("a", "f", "[0]") } }, F },
    { "in a function_call", { delta { function_call = { name = "f", arguments = "[0]" } } },
      { CALL(0, "call_c1_1", "f"), INPUT(0, "[0]") } },
    { "in a function_call in pieces", { delta { function_call = { name = "f" } },
      delta { function_call = { arguments = "{" } }, delta { function_call = { arguments = "}" } } },
      { CALL(0, "call_c1_1", "f"), INPUT(0, "{"), INPUT(0, "}") } },
    { "in an empty function_call", { delta { function_call = { name = "", arguments = "" } } }, {} },
    { "in an empty call", { delta { tool_calls = { { type = "function", ["function"] = {} }, { index = 0 } } } }, {} },
    { "whose name and ID come in different pieces", { delta { tool_calls = { call("a") } },
      delta { tool_calls = { call(nil, "f") } }, delta { tool_calls = { call(nil, nil, "[0]") } } }, F },
    { "whose name comes after the first arguments", { delta { tool_calls = { call("a", nil, "{") } },
      delta { tool_calls = { call(nil, "f", "}") } }, delta { tool_calls = { call(nil, "f", " ") } } },
      { "start 0 tool_use {id:a,input:{}}", INPUT(0, "{"), CALL(0, "a", "f"), INPUT(0, "}"), INPUT(0, " ") } },
    { "before a later one, whatever is missing of them", { delta { tool_calls = { call(nil, "f"), call(nil, "g") } },
      delta { tool_calls = { call(nil, "h", "[0]") } }, delta { tool_calls = { call("a", "f") } } },
      { CALL(0, "call_c1_1", "f"), CALL(1, "call_c1_2", "g"), CALL(2, "call_c1_3", "h"), INPUT(2, "[0]"),
        CALL(3, "a", "f") } },
    { "between texts", { delta { content = "Hi" }, delta { tool_calls = { call("a", "f") } }, delta { content = "Ho" },
      delta { tool_calls = { call("a", nil, "[0]") } } },
      { HI[1], HI[2], STOP(0), CALL(1, "a", "f"), START(2, "text"), TEXT(2, "Ho"), INPUT(1, "[0]") } },
  },

  ["what is not understood"] = {
    { "a member of a delta", { delta { audio = { id = "x" } } }, { "unknown {audio:{id:x}}" } },
    { "a member of a message", { { message = { images = { 1 } } } }, { "unknown {images:[1]}" } },
    { "a member of the choice", { { grade = 5 } }, { "unknown {grade:5}" } },
    { "several, by their names",
      { delta { c = 1, a = 2, b = 3 } }, { "unknown {a:2}", "unknown {b:3}", "unknown {c:1}" } },
    { "a part of content", { delta { content = { { type = "image" } } } }, { "unknown {content:{type:image}}" } },
    { "content that is true", { delta { content = true } }, { "unknown {content:true}" } },
    { "calls that are none", { delta { tool_calls = { 5 }, function_call = true } },
      { "unknown {tool_calls:5}", "unknown {function_call:true}" } },
    { "members that say nothing", { delta { audio = {}, images = json.null, note = "", grade = false } }, {} },
  },
}

local names = {}
for name in pairs(CASES) do
  names[#names + 1] = name
end
table.sort(names)

for _, name in ipairs(names) do
  describe("a choice, " .. name .. ":", function()
    for _, case in ipairs(CASES[name]) do
      it(case[1], function()
        assert.same(case[3], events_of(case[2]))
      end)
    end
  end)
end

describe("a choice", function()
  it("begins its message with what is known of it", function()
    local _, shared = added {}
    assert.same({ {
      type = "message_start",
      message = { id = "c1", type = "message", role = "assistant", model = "m", content = {}, usage = {} },
    } }, shared.events)
    assert.equal("[]", json.encode(shared.events[1].message.content))
  end)

  it("is refused where the message after its deltas says so", function()
    local events = events_of({ delta { content = "Hel" }, { message = { content = "Hel", refusal = "I cannot" },
      finish_reason = "stop" } }, true)
    assert.matches("stop_reason:refusal", table.concat(events, " "))
  end)

  it("but the first has its number in each event, and all have what they were made of", function()
    for number, mark in pairs { [0] = false, [1] = 1, [7] = 7 } do
      local shared = { events = {}, raw = {}, chunk = 1 }
      completion_choice.new(number, shared):add(delta { content = "Hi", audio = 1 })
      assert.equal(4, #shared.events)
      for _, event in ipairs(shared.events) do
        assert.equal(mark or nil, event.choice)
        assert.equal(shared.raw, event.raw)
      end
    end
  end)

  it("knows what members mean nothing", function()
    local members = {}
    for _, name in ipairs {
      "index", "logprobs", "usage", "stop_reason", "matched_stop", "native_finish_reason", "seed", "token_ids",
      "prompt_token_ids", "content_filter_results", "content_filter_result", "avg_logprobs", "safety_ratings", "role",
      "name", "type", "id", "object", "obfuscation", "finish_reason",
    } do
      members[name] = "x"
    end
    assert.same({}, events_of { members, delta(members), { message = members } })
  end)

  it("keeps what a server has in fields of its own, but for what stands beside them as well", function()
    local blocks = { { type = "server_tool_use", id = "s", name = "web_search" } }
    local _, shared = added {
      delta { reasoning_content = "Hm.", provider_specific_fields = {
        blocks = blocks, citations = {}, thinking_blocks = { { thinking = "Hm." } }, logprobs = 1,
      } },
      { message = { provider_specific_fields = { reasoning_content = "Hm." } } },
      delta { provider_specific_fields = "x" }, delta { provider_specific_fields = "x", content = "" }, delta {},
      delta { provider_specific_fields = "x" },
    }
    local unknown = {}
    for _, event in ipairs(shared.events) do
      unknown[#unknown + 1] = event.type == "unknown_delta" and shown(event) or nil
    end
    assert.same({
      "unknown {provider_specific_fields:{blocks:[{id:s,name:web_search,type:server_tool_use}]}}",
      "unknown {provider_specific_fields:x}",
    }, unknown)
  end)

  it("keeps what stands in a server's own fields alone, whatever a delta calls the same", function()
    for _, own in ipairs {
      '{"thinking_blocks":[{"signature":"s","thinking":"","type":"thinking"}]}', '{"reasoning_content":"Hm."}',
      '{"delta":{"type":"new_delta","x":1}}', '{"tool_calls":[{"id":"t"}]}', '{"refusal":"No."}', '{"text":"Hi"}',
    } do
      local kept = "unknown {provider_specific_fields:" .. own:gsub('"', "") .. "}"
      assert.same({ kept }, events_of { delta { provider_specific_fields = json.decode(own) } })
      assert.same({ kept }, events_of { { message = { provider_specific_fields = json.decode(own) } } })
    end
  end)

  it("keeps what a part of the content has beside its text", function()
    assert.same({ "unknown {content:{annotations:[{url:u}]}}", HI[1], HI[2] }, events_of { delta { content = {
      { type = "text", text = "Hi", annotations = { { url = "u" } } }, { type = "text", text = "", annotations = {} },
    } } })
  end)

  it("keeps the signature of a text, which does not sign thinking", function()
    assert.same({ "unknown {content:{signature:s}}", HI[1], HI[2] }, events_of { delta { content = {
      { type = "text", text = "Hi", signature = "s" },
    } } })
  end)

  it("keeps what a call has besides its own, with what tells it from others", function()
    local piece = { index = 0, id = "t", type = "function", ["function"] = { name = "f", arguments = "[0]" },
      extra_content = { google = { thought_signature = "s" } } }
    local events = events_of {
      delta { tool_calls = { piece } }, delta { tool_calls = { { index = 0, caller = "x" } } },
    }
    assert.equal("unknown 0 {tool_calls:{extra_content:{google:{thought_signature:s}},id:t,index:0}}", events[3])
    assert.equal("unknown 0 {tool_calls:{caller:x,index:0}}", events[4])
    assert.equal(4, #events)
    assert.equal("unknown {tool_calls:{caller:x}}", events_of { delta { tool_calls = { { caller = "x" } } } }[1])
    events = events_of { delta { tool_calls = { { id = "t", ["function"] = { name = "f" } }, { caller = "x" } } } }
    assert.equal("unknown 0 {tool_calls:{caller:x}}", events[2])
  end)

  it("has a call begun without its ID and name told of both, and one that is there in both forms once", function()
    local first, second = call(nil), call("a")
    first.index, first["function"], second.index = 0, { arguments = "{" }, 0
    second["function"] = { name = "f", arguments = "}" }
    assert.same({
      "start 0 tool_use {id:call_c1_1,input:{}}", "delta 0 input_json_delta {partial_json:{}",
      "start 0 tool_use {id:call_c1_1,input:{},name:f}", "delta 0 input_json_delta {partial_json:}}",
    }, events_of { delta { tool_calls = { first } }, delta { tool_calls = { second } } })
    local function both(name, arguments)
      local called = { name = name, arguments = arguments }
      return delta { function_call = called, tool_calls = { { index = 0, id = name and "t", ["function"] = called } } }
    end
    assert.same({
      "start 0 tool_use {id:t,input:{},name:f}", "delta 0 input_json_delta {partial_json:{}",
      "delta 0 input_json_delta {partial_json:}}",
    }, events_of { both("f", ""), both(nil, "{"), both(nil, "}") })
  end)

  it("keeps what a call's function has beside its name and arguments, whatever a delta calls the same", function()
    local called = { name = "f", arguments = "[0]", text = "x", provider_specific_fields = { thought_signature = "r" } }
    local piece = {
      id = "t", content = "c", provider_specific_fields = { thought_signature = "s" }, ["function"] = called,
    }
    assert.equal("unknown 0 {tool_calls:{content:c,function:{provider_specific_fields:{thought_signature:r},text:x},"
      .. "id:t,provider_specific_fields:{thought_signature:s}}}", events_of { delta { tool_calls = { piece } } }[3])
    assert.equal("unknown {tool_calls:{function:{x:1},id:t}}",
      events_of { delta { tool_calls = { { id = "t", ["function"] = { x = 1 } } } } }[1])
    assert.equal("unknown {tool_calls:{function:[a],index:function_call}}",
      events_of { delta { function_call = { "a" } } }[1])
  end)

  it("reads a call whatever its arguments are called, and wherever they stand", function()
    for _, name in ipairs { "arguments", "input", "parameters" } do
      local called = { name = "f", [name] = "[0]" }
      for _, piece in ipairs { { ["function"] = called }, { custom = called }, called } do
        piece.id = "a"
        assert.same(F, events_of { delta { tool_calls = { piece } } })
      end
    end
  end)

  it("reads the text of a part beside thinking and a refusal that say nothing, or something", function()
    for _, part in ipairs {
      { type = "text", text = "Hi", thinking = "" }, { type = "text", text = "Hi", refusal = "" },
      { text = "Hi", thinking = json.null, refusal = json.null, signature = "" },
    } do
      assert.same(HI, events_of { delta { content = { part } } })
    end
    assert.same({ "start 0 thinking {thinking:}", THINKING(0, "Hm."), "stop 0", "start 1 text {text:}", TEXT(1, "Hi"),
      TEXT(1, "No.") }, events_of { delta { content = { { text = "Hi", thinking = "Hm.", refusal = "No." } } } })
  end)

  it("keeps lists in the place of objects whole, so that they can be encoded", function()
    for _, given in ipairs {
      delta { tool_calls = { { "", "x" } } }, delta { tool_calls = { { { "x" }, "", "y" } } },
      delta { provider_specific_fields = { "", "x" } }, delta { "", "x" }, { delta = { { a = "" }, {}, "x" } },
      { message = { "", "x" } },
    } do
      local _, shared = added { given }
      local texts = {}
      for i, event in ipairs(shared.events) do
        texts[i] = assert(json.encode(event))
      end
      assert.matches('"x"', table.concat(texts), 1, true)
    end
  end)

  it("has begun with anything that is understood, and with nothing else", function()
    for _, part in ipairs {
      delta { content = "a" }, delta { reasoning = "a" }, delta { tool_calls = { call("a") } }, { finish_reason = "x" },
      delta { thinking_blocks = { { type = "redacted_thinking", data = "x" } } }, { delta = { finish_reason = "x" } },
      delta { thinking_blocks = { { signature = "s" } } },
    } do
      assert.is_true(select(2, added { part }).has_begun)
    end
    for _, part in ipairs {
      {}, delta { content = "" }, delta { audio = 1 }, { finish_reason = "" }, { usage = { a = 1 } },
    } do
      assert.is_false(select(2, added { part }).has_begun)
    end
  end)

  it("counts usage wherever it stands", function()
    for _, part in ipairs {
      { usage = { prompt_tokens = 3 } }, { delta = { usage = { prompt_tokens = 3 } } },
      { message = { usage = { prompt_tokens = 3 } } },
    } do
      local _, shared = added { part, { usage = { completion_tokens = 2 } } }
      assert.same({ prompt_tokens = 3, completion_tokens = 2 }, shared.usage)
    end
  end)
end)

describe("the end of a choice", function()
  local function ending(...)
    local events = events_of({ ... }, true)
    assert.equal("stop", table.remove(events))
    return table.remove(events), events
  end

  for _, case in ipairs {
    -- finish reason, the stop reason of a text, and that of a call
    { "stop", "end_turn", "tool_use" }, { "STOP", "end_turn", "tool_use" }, { "eos", "end_turn", "tool_use" },
    { "eos_token", "end_turn", "tool_use" }, { "end_turn", "end_turn", "tool_use" },
    { "tool_calls", "tool_use", "tool_use" }, { "function_call", "tool_use", "tool_use" },
    { "tool_use", "tool_use", "tool_use" }, { "length", "max_tokens", "max_tokens" },
    { "max_tokens", "max_tokens", "max_tokens" }, { "MAX_TOKENS", "max_tokens", "max_tokens" },
    { "content_filter", "refusal", "refusal" }, { "SAFETY", "refusal", "refusal" }, { "later", "later", "later" },
    { "Later", "Later", "Later" },
  } do
    it("tells the truth: " .. case[1], function()
      for _, place in ipairs { "part", "delta", "message" } do
        local part = { finish_reason = case[1] }
        part = place == "part" and part or { [place] = part }
        assert.equal("end {stop_reason:" .. case[2] .. "}", ending(delta { content = "Hi" }, part))
        assert.equal("end {stop_reason:" .. case[3] .. "}", ending(delta { tool_calls = { call("a", "f") } }, part))
      end
    end)
  end

  it("has no reason where none was told, but for calls", function()
    assert.equal("end {}", ending(delta { content = "Hi" }))
    assert.equal("end {stop_reason:tool_use}", ending(delta { tool_calls = { call("a", "f") } }))
    assert.equal("end {}", ending(delta { content = "Hi" }, { finish_reason = {} }))
  end)

  it("has the last reason that is one", function()
    assert.equal("end {stop_reason:max_tokens}",
      ending({ finish_reason = "stop" }, { finish_reason = "length" }, { finish_reason = "" }, { finish_reason = 5 },
        {}))
  end)

  it("is a refusal once one came", function()
    for _, part in ipairs {
      delta { refusal = "No." }, delta { content = { { refusal = "No." } } }, { message = { refusal = "No." } },
      delta { refusal = { { text = "No." } } },
    } do
      assert.equal("end {stop_reason:refusal}", ending(part, delta { refusal = "" }, { finish_reason = "stop" }))
    end
    assert.equal("end {stop_reason:end_turn}", ending(delta { refusal = "", content = { { refusal = "" } } },
      { finish_reason = "stop" }))
  end)

  it("ends what is open, and begins the calls that had not begun", function()
    local _, events = ending(delta { tool_calls = { call("a", "f"), call(nil, "g") } }, delta { content = "Hi" })
    assert.same({
      CALL(0, "a", "f"), START(1, "text"), TEXT(1, "Hi"), STOP(1), STOP(0), CALL(2, "call_c1_1", "g"), STOP(2),
    }, events)
  end)

  it("ends a text where there are no calls, and keeps a signature behind it", function()
    local _, events = ending(delta { content = "Hi" }, delta { thinking_blocks = { { signature = "s" } } })
    assert.same({ HI[1], HI[2], STOP(0), "unknown {reasoning:{signature:s}}" }, events)
  end)

  it("has the usage in the API's words, and what the beginning did not know", function()
    local shared = { events = {}, chunk = 1 }
    local choice = completion_choice.new(0, shared)
    shared.usage, shared.id, shared.model = { prompt_tokens = 3 }, "c2", "n"
    choice:finish()
    assert.same({
      type = "message_delta", delta = { id = "c2", model = "n" }, usage = { input_tokens = 3 },
    }, shared.events[2])
    shared = { events = {}, id = "c1", model = "m", chunk = 1 }
    completion_choice.new(0, shared):finish()
    assert.same({ type = "message_delta", delta = {}, usage = {} }, shared.events[2])
  end)
end)
