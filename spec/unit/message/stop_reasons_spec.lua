-- Why an answer ended, in the API's words.

local stop_reasons = require "anthropic.message.stop_reasons"

-- { as it came, of a chat completion, with calls, in the API's own shape, with calls }
local REASONS = {
  { nil, nil, "tool_use", nil, nil },
  { "stop", "end_turn", "tool_use", "end_turn", "tool_use" },
  { "STOP", "end_turn", "tool_use", "end_turn", "tool_use" },
  { "eos", "end_turn", "tool_use", "end_turn", "tool_use" },
  { "eos_token", "end_turn", "tool_use", "end_turn", "tool_use" },
  { "length", "max_tokens", "max_tokens", "max_tokens", "max_tokens" },
  { "max_tokens", "max_tokens", "max_tokens", "max_tokens", "max_tokens" },
  { "MAX_TOKENS", "max_tokens", "max_tokens", "max_tokens", "max_tokens" },
  { "tool_calls", "tool_use", "tool_use", "tool_use", "tool_use" },
  { "function_call", "tool_use", "tool_use", "tool_use", "tool_use" },
  { "content_filter", "refusal", "refusal", "refusal", "refusal" },
  { "SAFETY", "refusal", "refusal", "refusal", "refusal" },
  { "RECITATION", "refusal", "refusal", "refusal", "refusal" },
  { "BLOCKLIST", "refusal", "refusal", "refusal", "refusal" },
  { "PROHIBITED_CONTENT", "refusal", "refusal", "refusal", "refusal" },
  { "SPII", "refusal", "refusal", "refusal", "refusal" },
  { "content_filtered", "refusal", "refusal", "refusal", "refusal" },
  { "guardrail_intervened", "refusal", "refusal", "refusal", "refusal" },
  { "COMPLETE", "end_turn", "tool_use", "end_turn", "tool_use" },
  { "TOOL_CALL", "tool_use", "tool_use", "tool_use", "tool_use" },
  { "end_turn", "end_turn", "tool_use", "end_turn", "end_turn" },
  { "tool_use", "tool_use", "tool_use", "tool_use", "tool_use" },
  { "stop_sequence", "stop_sequence", "stop_sequence", "stop_sequence", "stop_sequence" },
  { "STOP_SEQUENCE", "stop_sequence", "stop_sequence", "stop_sequence", "stop_sequence" },
  { "model_length", "model_context_window_exceeded", "model_context_window_exceeded",
    "model_context_window_exceeded", "model_context_window_exceeded" },
  { "Later", "Later", "Later", "Later", "Later" },
}

describe("a stop reason", function()
  for _, case in ipairs(REASONS) do
    it("tells the truth: " .. tostring(case[1]), function()
      assert.equal(case[2], stop_reasons.of(case[1], false))
      assert.equal(case[3], stop_reasons.of(case[1], true))
      assert.equal(case[4], stop_reasons.native(case[1], false))
      assert.equal(case[5], stop_reasons.native(case[1], true))
    end)
  end

  it("stays what it is where it is no text", function()
    local odd = {}
    for _, reason in ipairs { odd, 5, false } do
      assert.equal(reason, stop_reasons.native(reason, true))
    end
  end)
end)
