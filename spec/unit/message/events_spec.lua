-- What there is to know of a single event.

local events = require "anthropic.message.events"

local function start(block)
  return { type = "content_block_start", index = 0, content_block = block }
end

local function delta(fields)
  return { type = "content_block_delta", index = 0, delta = fields }
end

describe("an event", function()
  for _, case in ipairs {
    -- whether it brings content, and the text that it brings
    { "a message's start", { type = "message_start", message = {} }, false },
    { "a ping", { type = "ping" }, false },
    { "a block of text that is empty", start { type = "text", text = "" }, false },
    { "a block of text without text", start { type = "text" }, false },
    { "a block of text", start { type = "text", text = "a" }, true, "a" },
    { "a block of text that is none", start { type = "text", text = 5 }, true },
    { "a block of text that is false", start { type = "text", text = false }, true },
    { "a block of thinking that is empty", start { type = "thinking", thinking = "" }, false },
    { "a block of thinking without any", start { type = "thinking", text = "a" }, false },
    { "a block of thinking", start { type = "thinking", thinking = "a" }, true },
    { "a block of a tool's use", start { type = "tool_use", input = {} }, true },
    { "a block of redacted thinking", start { type = "redacted_thinking", data = "x" }, true },
    { "a block of an unknown type", start { type = "hologram", text = "a" }, true },
    { "a block without a type", start { text = "a" }, true },
    { "a start without a block", start(nil), true },
    { "a start whose block is a string", start "text", true },
    { "a delta of text", delta { type = "text_delta", text = "a" }, true, "a" },
    { "a delta of text that is empty", delta { type = "text_delta", text = "" }, true },
    { "a delta of text without text", delta { type = "text_delta" }, true },
    { "a delta of text that is none", delta { type = "text_delta", text = { "a" } }, true },
    { "a delta of thinking", delta { type = "thinking_delta", thinking = "a", text = "b" }, true },
    { "a delta of an input", delta { type = "input_json_delta", partial_json = "a" }, true },
    { "a delta that a block's type stands in", delta { type = "text", text = "a" }, true },
    { "a delta event without a delta", delta(nil), true },
    { "a delta that is a string", delta "text_delta", true },
    { "a block that a delta's type stands in", start { type = "text_delta", text = "a" }, true },
    { "a block's end", { type = "content_block_stop", index = 0 }, true },
    { "a message's delta", { type = "message_delta", delta = { type = "text_delta", text = "a" } }, true },
    { "a message's end", { type = "message_stop" }, true },
    { "what no event says", { type = "unknown_delta", delta = { audio = {} } }, true },
    { "what no event says, in no table", { type = "unknown_delta", delta = "x" }, true },
    { "a server's own fields", { type = "unknown_delta", delta = { provider_specific_fields = { a = 1 } } }, false },
    { "an error", { type = "error", error = {} }, true },
    { "an unknown event", { type = "of_a_later_api", text = "a" }, true },
    { "an event without a type", { delta = { type = "text_delta", text = "a" } }, true },
  } do
    it(("brings %s and %s: %s"):format(case[3] and "content" or "no content", case[4] and "text" or "no text", case[1]),
      function()
        assert.equal(case[3], events.is_content(case[2]))
        assert.equal(case[4], events.text_of(case[2]))
      end)
  end

  for _, case in ipairs {
    { "the first one's where it has no mark", nil, nil, 0 },
    { "the first one's where it stands for a chunk", nil, {}, 0 },
    { "the one that it is marked with", 1, {}, 1 },
    { "the one that it is marked with, negative", -1, {}, -1 },
    { "the first one's where that is its mark", 0, {}, 0 },
    { "the first one's where the server has such a field", 1, nil, 0 },
    { "the first one's where the mark is a string", "1", {}, 0 },
    { "the first one's where the mark is a table", {}, {}, 0 },
  } do
    it("is of a choice: " .. case[1], function()
      local event = delta { type = "text_delta", text = "a" }
      event.choice, event.raw = case[2], case[3]
      assert.equal(case[4], events.choice_of(event))
      assert.equal(case[4] == 0 and "a" or nil, events.text_of(event))
    end)
  end
end)
