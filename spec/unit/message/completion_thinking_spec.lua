-- The thinking of one choice of a chat completion, in whatever form, and the events of its message.

local choice_events = require "spec.support.choice_events"
local json = require "anthropic.base.json"

local events_of, delta, TEXT = choice_events.events_of, choice_events.delta, choice_events.TEXT
local THINKING, SIGNATURE, START = choice_events.THINKING, choice_events.SIGNATURE, choice_events.START
local STOP = choice_events.STOP

local HI = { START(0, "text"), TEXT(0, "Hi") }
local HM = { START(0, "thinking"), THINKING(0, "Hm.") }

-- { the place of the thinking, the parts that are added, the events }
local CASES = {
  { "in reasoning_content", { delta { reasoning_content = "Hm." } }, HM },
  { "in reasoning", { delta { reasoning = "Hm." } }, HM },
  { "in reasoning_text", { delta { reasoning_text = "Hm." } }, HM },
  { "in thinking", { delta { thinking = "Hm." } }, HM },
  { "in several, once", { delta { reasoning_content = "Hm.", reasoning = "Hm.", thinking = "Hm." } }, HM },
  { "empty in one, there in another", { delta { reasoning_content = "", reasoning = "Hm." } }, HM },
  { "as an object", { delta { reasoning = { content = "Hm." } } }, HM },
  { "as an object with a summary", { delta { reasoning = { summary = { { text = "Hm." } } } } }, HM },
  { "as a list", { delta { reasoning = { "Hm.", { text = "x" } } } },
    { HM[1], HM[2], THINKING(0, "x") } },
  { "as a number", { delta { reasoning = 5 } }, { HM[1], THINKING(0, "5") } },
  { "as an object of its own", { delta { thinking = { thinking = "Hm.", signature = "s" } } },
    { HM[1], HM[2], SIGNATURE(0, "s") } },
  { "in details", { delta { reasoning_details = { { type = "reasoning.text", text = "Hm.", signature = "s" } },
    reasoning = "Hm." } }, { HM[1], HM[2], SIGNATURE(0, "s") } },
  { "in a summary among details",
    { delta { reasoning_details = { { type = "reasoning.summary", summary = "Hm." } } } },
    HM },
  { "encrypted in details, beside its text", { delta { reasoning = "Hm.",
    reasoning_details = { { type = "reasoning.encrypted", data = "x" } } } },
    { "unknown {reasoning:{data:x,type:reasoning.encrypted}}", HM[1], HM[2] } },
  { "in blocks", { delta { thinking_blocks = { { type = "thinking", thinking = "Hm.", signature = "s" } },
    reasoning_content = "Hm." } }, { HM[1], HM[2], SIGNATURE(0, "s") } },
  { "in blocks, the signature in a later one",
    { delta { thinking_blocks = { { type = "thinking", thinking = "Hm." } } },
    delta { reasoning_content = "", thinking_blocks = { { type = "thinking", thinking = "", signature = "s" } } } },
    { HM[1], HM[2], SIGNATURE(0, "s") } },
  { "in blocks with a signature each", { delta { thinking_blocks = {
    { thinking = "a", signature = "s" }, { thinking = "b", signature = "t" } } } },
    { START(0, "thinking"), THINKING(0, "a"), SIGNATURE(0, "s"), STOP(0), START(1, "thinking"), THINKING(1, "b"),
      SIGNATURE(1, "t") } },
  { "in blocks with the same signature", { delta { thinking_blocks = { { thinking = "a", signature = "s" } } },
    delta { thinking_blocks = { { thinking = "b", signature = "s" } } } },
    { START(0, "thinking"), THINKING(0, "a"), SIGNATURE(0, "s"), THINKING(0, "b"), SIGNATURE(0, "s") } },
  { "without a signature after signed thinking",
    { delta { thinking_blocks = { { thinking = "a", signature = "s" } } },
    delta { reasoning = "b" }, delta { thinking_blocks = { { signature = "t" } } } },
    { START(0, "thinking"), THINKING(0, "a"), SIGNATURE(0, "s"), STOP(0), START(1, "thinking"), THINKING(1, "b"),
      SIGNATURE(1, "t") } },
  { "redacted", { delta { thinking_blocks = { { type = "redacted_thinking", data = "x" }, { thinking = "Hm." } } } },
    { "start 0 redacted_thinking {data:x}", STOP(0), START(1, "thinking"), THINKING(1, "Hm.") } },
  { "redacted after other thinking",
    { delta { reasoning = "Hm." }, delta { thinking_blocks = { { type = "redacted_thinking", data = "x" } } } },
    { HM[1], HM[2], STOP(0), "start 1 redacted_thinking {data:x}" } },
  { "redacted, and once more as text", { delta { reasoning_content = "Hm.",
    thinking_blocks = { { type = "redacted_thinking", data = "x" } } } }, { "start 0 redacted_thinking {data:x}" } },
  { "redacted without any", { delta { thinking_blocks = { { type = "redacted_thinking", data = "" } } } }, {} },
  { "among the parts of content", { delta { content = {
    { type = "thinking", thinking = { { type = "text", text = "Hm." } }, signature = "s" },
    { type = "text", text = "Hi" } } } },
    { HM[1], HM[2], SIGNATURE(0, "s"), STOP(0), START(1, "text"), TEXT(1, "Hi") } },
  { "between texts",
    { delta { content = { "a", { type = "reasoning", text = "b" }, { type = "text", text = "c" } } } },
    { START(0, "text"), TEXT(0, "a"), STOP(0), START(1, "thinking"), THINKING(1, "b"), STOP(1), START(2, "text"),
      TEXT(2, "c") } },
  { "in a part with a type and a plain text", { delta { content = { type = "thinking", text = "Hm." } } }, HM },
  { "in a part without a type", { delta { content = { thinking = "Hm.", text = "" } } }, HM },
  { "a signature alone, before text",
    { delta { thinking_blocks = { { type = "thinking", thinking = "", signature = "s" } } },
      delta { content = "Hi" } },
    { START(0, "thinking"), SIGNATURE(0, "s"), STOP(0), START(1, "text"), TEXT(1, "Hi") } },
  { "a signature alone, before text and a call", { delta { content = "Hi" },
    delta { thinking_blocks = { { signature = "s" } } },
    delta { tool_calls = { { id = "t", ["function"] = { name = "f", arguments = "[0]" } } } } },
    { HI[1], HI[2], STOP(0), START(1, "thinking"), SIGNATURE(1, "s"), STOP(1),
      "start 2 tool_use {id:t,input:{},name:f}",
      "delta 2 input_json_delta {partial_json:[0]}" } },
  { "two signatures alone", { delta { thinking_blocks = { { signature = "s" }, { signature = "t" } } },
    delta { content = "Hi" } }, { START(0, "thinking"), SIGNATURE(0, "s"), STOP(0), START(1, "thinking"),
    SIGNATURE(1, "t"), STOP(1), START(2, "text"), TEXT(2, "Hi") } },
  { "a signature alone, then signed thinking", { delta { thinking_blocks = { { signature = "s" },
    { thinking = "Hm.", signature = "t" } } } },
    { START(0, "thinking"), SIGNATURE(0, "s"), STOP(0), START(1, "thinking"), THINKING(1, "Hm."),
      SIGNATURE(1, "t") } },
  { "a signature in blocks whose text is beside them", { delta { reasoning_content = "Hm.",
    thinking_blocks = { { type = "thinking", thinking = "", signature = "s" } } } },
    { HM[1], HM[2], SIGNATURE(0, "s") } },
  { "a signature that comes after text", { delta { reasoning = "Hm." }, delta { content = "Hi" },
    delta { reasoning_details = { { type = "reasoning.text", signature = "s" } } } },
    { HM[1], HM[2], STOP(0), START(1, "text"), TEXT(1, "Hi"), SIGNATURE(0, "s") } },
  { "in a part of an unknown form",
    { delta { reasoning_details = { { type = "reasoning.encrypted", secret = "x" } } } },
    { "unknown {reasoning:{secret:x,type:reasoning.encrypted}}" } },
  { "in a part that has all but a text",
    { delta { reasoning_details = { { type = "t", id = "i", index = 0, format = "f", role = "assistant" } } } }, {} },
  { "none", { delta { reasoning = "", thinking = {}, reasoning_details = {}, thinking_blocks = { {} } } }, {} },
}

describe("the thinking of a choice", function()
  for _, case in ipairs(CASES) do
    it("is read " .. case[1], function()
      assert.same(case[3], events_of(case[2]))
    end)
  end

  it("keeps what a part of the thinking has beside its text", function()
    local events = events_of { delta { thinking_blocks = {
      { type = "thinking", thinking = "Hm.", signature = "s", cache_control = { type = "ephemeral" } },
    } } }
    assert.equal("unknown {reasoning:{cache_control:{type:ephemeral}}}", events[4])
    assert.equal("unknown {reasoning:{data:d}}", events_of { delta { reasoning_details = {
      { type = "reasoning.text", text = "Hm.", signature = json.null, data = "d", format = "f", index = 0 },
    } } }[3])
  end)

  it("reads signed thinking inside of a part of it", function()
    local function part(text, signature)
      return { type = "summary_text", text = text, signature = signature }
    end
    for _, name in ipairs { "summary", "thinking", "content" } do
      local content = { { type = "reasoning", [name] = { part("Hm.", "s"), part("So.", "t") } }, { text = "Hi" } }
      assert.same({
        HM[1], HM[2], SIGNATURE(0, "s"), STOP(0), START(1, "thinking"), THINKING(1, "So."), SIGNATURE(1, "t"), STOP(1),
        START(2, "text"), TEXT(2, "Hi"),
      }, events_of { { message = { content = content } } })
    end
    assert.same({ HM[1], HM[2], SIGNATURE(0, "s") }, events_of {
      delta { content = { { type = "reasoning", summary = { part("Hm.", "") } } } },
      delta { content = { { type = "reasoning", summary = { part("", "s") } } } },
    })
    assert.same({ HM[1], HM[2], SIGNATURE(0, "s"), "unknown {reasoning:{x:1}}" }, events_of { delta { content = {
      { type = "reasoning", summary = { part("Hm.", "s"), json.null }, signature = "s", x = 1 },
    } } })
  end)

  it("keeps what stands beside a text inside of a part", function()
    assert.same({ HM[1], HM[2], "unknown {reasoning:{x:1}}" }, events_of { delta { content = {
      { type = "thinking", thinking = { { type = "text", text = "Hm.", x = 1 } } },
    } } })
    assert.same({ "unknown {content:{annotations:[1]}}", HI[1], HI[2] }, events_of { delta { content = {
      { type = "text", text = { value = "Hi", annotations = { 1 } } },
    } } })
  end)

  it("knows what members of a part mean nothing beside its text, wherever that stands", function()
    local function part(name, text)
      return { [name] = text, type = "t", id = "i", index = 0, role = "assistant" }
    end
    for _, name in ipairs { "text", "content", "thinking", "reasoning", "reasoning_content", "summary", "value" } do
      local thought = part(name, "Hm.")
      thought.format = "f"
      assert.same(HM, events_of { delta { reasoning_details = { thought } } })
    end
    local text = part("text", "Hi")
    text.logprobs = { { token = "Hi" } }
    assert.same(HI, events_of { delta { content = { text } } })
    assert.same({ HM[1], HM[2], "unknown {content:{annotations:[{url:u}]}}" },
      events_of { delta { content = { thinking = "Hm.", annotations = { { url = "u" } } } } })
    text.thinking, text.signature = "Hm.", "s"
    assert.same({ HM[1], HM[2], SIGNATURE(0, "s"), STOP(0), START(1, "text"), TEXT(1, "Hi") },
      events_of { delta { content = { text } } })
  end)
end)
