--- Why an answer ended, in the API's words, whatever server said it.
--
--     stop_reasons.of("stop", false)        --> "end_turn"
--     stop_reasons.of("stop", true)         --> "tool_use": some servers say "stop" if there are tool calls
--     stop_reasons.native("end_turn", true) --> "end_turn": the API's own words stay as they are

local stop_reasons = {}

-- Other servers' words, in lower case; any other word stays.
local WORDS = {
  stop = "end_turn",
  eos = "end_turn",
  eos_token = "end_turn",
  complete = "end_turn", -- Cohere
  length = "max_tokens",
  max_tokens = "max_tokens",
  tool_calls = "tool_use",
  tool_call = "tool_use", -- Cohere
  function_call = "tool_use",
  content_filter = "refusal",
  content_filtered = "refusal", -- Bedrock, as the next
  guardrail_intervened = "refusal",
  safety = "refusal", -- Google, as the next
  recitation = "refusal",
  blocklist = "refusal",
  prohibited_content = "refusal",
  spii = "refusal",
}

-- A chat completion's words; any other reason is "stop".
local COMPLETION_WORDS = {
  max_tokens = "length",
  model_context_window_exceeded = "length",
  tool_use = "tool_calls",
  refusal = "content_filter",
}

local function word_of(reason)
  return type(reason) == "string" and WORDS[reason:lower()] or nil
end

--- The stop reason of a chat completion.
---@param reason? string as it came
---@param has_calls boolean there are calls that the caller has to answer
---@return string?
function stop_reasons.of(reason, has_calls)
  local word = word_of(reason) or reason
  if has_calls and (word == nil or word == "end_turn") then
    return "tool_use"
  end
  return word
end

--- The stop reason of an answer in the API's own shape. Servers write other words in it, too.
---@param reason any as it came
---@param has_calls boolean
---@return any
function stop_reasons.native(reason, has_calls)
  return word_of(reason) and stop_reasons.of(reason, has_calls) or reason
end

--- The reason in a chat completion's words, which always has one.
---@param reason any
---@param has_calls boolean there are calls that the caller has to answer
---@return string
function stop_reasons.to_completion(reason, has_calls)
  if has_calls and (type(reason) ~= "string" or reason == "end_turn") then
    return "tool_calls"
  end
  return COMPLETION_WORDS[reason] or "stop"
end

return stop_reasons
