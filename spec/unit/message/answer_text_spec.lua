-- The text of an answer that is to be JSON, and what it is not.

local answer_text = require "anthropic.message.answer_text"

describe("the text of an answer", function()
  local function text(words)
    return { type = "text", text = words }
  end

  local CALL = { type = "server_tool_use", id = "s" }

  for _, case in ipairs {
    { "is that of all blocks of text", "ab", { text "a", text "b" } },
    { "goes on behind thinking", "abc",
      { text "a", { type = "thinking", thinking = "x" }, text "b", { type = "redacted_thinking" }, text "c" } },
    { "begins behind the last other block", "c", { text "a", CALL, text "b", CALL, { type = "new_kind" }, text "c" } },
    { "is empty where nothing follows", "", { text "a", CALL } },
    { "is empty without any block", "", {} },
    { "leaves out a text that is no string", "b", { { type = "text" }, { type = "text", text = 5 }, text "b" } },
    { "begins behind a block without a type", "b", { text "a", {}, text "b" } },
  } do
    it(case[1], function()
      assert.equal(case[2], answer_text.of(case[3]))
    end)
  end

  it("begins behind a block alone", function()
    assert.is_true(answer_text.begins_behind(CALL))
    assert.is_false(answer_text.begins_behind(text "a"))
    assert.is_false(answer_text.begins_behind(nil))
    assert.is_false(answer_text.begins_behind "server_tool_use")
  end)
end)
