-- What the answers of spec/fuzz/answers.lua begin as, beside those of spec/fixtures/dialects.lua.

local seeds = {}

local function message(fields)
  local whole = {
    id = "msg_1", type = "message", role = "assistant", model = "m", stop_reason = "end_turn",
    content = { { type = "text", text = "Hello" } },
    usage = { input_tokens = 3, output_tokens = 5, cache_creation = { ephemeral_1h_input_tokens = 0 } },
  }
  for name, value in pairs(fields or {}) do
    whole[name] = value
  end
  return whole
end

seeds.messages = {
  message(),
  message {
    stop_reason = "tool_use",
    content = {
      { type = "thinking", thinking = "Hm.", signature = "s" },
      { type = "tool_use", id = "t1", name = "f", input = { a = 1 } },
      { type = "tool_use", id = "t2", name = "f", input = {} },
    },
  },
  message {
    container = { id = "c1", expires_at = "2099-01-01T00:00:00Z" },
    content = {
      { type = "text", text = '{"a":1}', citations = { { type = "char_location", cited_text = "x" } } },
      { type = "server_tool_use", id = "s1", name = "web_search", input = { query = "q" } },
      { type = "web_search_tool_result", tool_use_id = "s1", content = { { type = "web_search_result", url = "u" } } },
      { type = "compaction", content = "so far", tool_changes = {
        { type = "tool_removal", tool = { type = "tool_reference", name = "f" } },
      } },
      { type = "fallback", to = { model = "n" } },
    },
    usage = { input_tokens = 1, output_tokens = 1, iterations = {
      { type = "compaction", input_tokens = 7, output_tokens = 1 },
      { type = "advisor_message", model = "n", input_tokens = 7, output_tokens = 1 },
    } },
  },
}

seeds.counts = { { input_tokens = 12 }, { input_tokens = 12, context_management = { original_input_tokens = 13 } } }

seeds.pages = {
  { data = { { id = "a", type = "model" }, { id = "b" } }, has_more = true, first_id = "a", last_id = "b" },
  { data = { { id = "c" } }, has_more = false, first_id = "c", last_id = "c" },
  { data = { { id = "d" } }, next_page = "t" },
  { data = {}, next_page = "u", has_more = true },
}

seeds.batches = {
  {
    id = "b", type = "message_batch", processing_status = "ended", results_url = "http://127.0.0.1:9/results",
    request_counts = { processing = 0, succeeded = 2, errored = 0, canceled = 0, expired = 0 },
  },
  {
    id = "b", type = "message_batch", processing_status = "ended", results_url = "http://elsewhere/results",
    request_counts = { processing = 0, succeeded = 1, errored = 1, canceled = 0, expired = 0 },
  },
}

seeds.results = {
  { custom_id = "a", result = { type = "succeeded", message = message() } },
  { custom_id = "b", result = { type = "errored", error = { type = "error", error = { type = "api_error" } } } },
}

seeds.errors = {
  { type = "error", error = { type = "overloaded_error", message = "Overloaded", details = { error_code = "x" } },
    request_id = "req_1" },
  { error = { message = "no", code = "insufficient_quota", type = "insufficient_quota", param = "model" } },
  { error = "invalid", error_description = "words" },
  { detail = { { loc = { "body", "model" }, msg = "field required", type = "missing" } } },
  { type = "about:blank", title = "Not found", status = 404, detail = "nothing here", errors = { a = { "b" } } },
  { error = { code = 429, message = '{"error":{"message":"inner","status":"RESOURCE_EXHAUSTED"}}',
    metadata = { raw = "r" }, details = { { retryDelay = "0.001s" } } } },
  { choices = { { error = { message = "broken", code = 502 }, finish_reason = "error" } } },
  { base_resp = { status_code = 1002, status_msg = "rate limit" } },
  { success = false, errors = { "one", { message = "two" } }, code = 400 },
  { message = "gone", status = "error", retry_after = 0.001, retryable = false },
}

return seeds
