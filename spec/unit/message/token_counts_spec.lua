-- The token counts of an answer: what a later one does to an earlier, and those of a chat completion.

local json = require "anthropic.base.json"
local token_counts = require "anthropic.message.token_counts"

-- { what, counts before, later counts, merged }
local MERGES = {
  { "nothing and nothing", nil, nil, nil },
  { "nothing and something that is no table", nil, 5, nil },
  { "something that is no table and nothing", 5, "x", nil },
  { "something that is no table and counts", "x", { input_tokens = 1 }, { input_tokens = 1 } },
  { "counts and nothing", { input_tokens = 1 }, nil, { input_tokens = 1 } },
  { "counts and null", { input_tokens = 1 }, json.null, { input_tokens = 1 } },
  { "nothing and an empty list", nil, json.array {}, nil },
  { "an empty list and counts", json.array {}, { input_tokens = 1 }, { input_tokens = 1 } },
  { "counts and a list", { input_tokens = 1 }, { -1, 5 }, { input_tokens = 1 } },
  { "counts and none", { input_tokens = 1 }, {}, { input_tokens = 1 } },
  { "other counts", { input_tokens = 1 }, { output_tokens = 2 }, { input_tokens = 1, output_tokens = 2 } },
  { "a higher count", { output_tokens = 1 }, { output_tokens = 2 }, { output_tokens = 2 } },
  { "a lower count", { output_tokens = 5 }, { output_tokens = 2 }, { output_tokens = 2 } },
  { "a zero after a count", { input_tokens = 5 }, { input_tokens = 0 }, { input_tokens = 5 } },
  { "a count after a zero", { input_tokens = 0 }, { input_tokens = 5 }, { input_tokens = 5 } },
  { "a zero after nothing", {}, { input_tokens = 0 }, { input_tokens = 0 } },
  { "a count after an empty value", { a = false, b = {}, c = "" }, { a = 1, b = 2, c = 0 }, { a = 1, b = 2, c = 0 } },
  { "a zero after a word", { input_tokens = "many" }, { input_tokens = 0 }, { input_tokens = 0 } },
  { "digits", nil, { input_tokens = "12" }, { input_tokens = 12 } },
  { "digits of zero after a count", { input_tokens = 5 }, { input_tokens = "0" }, { input_tokens = 5 } },
  { "a negative count", { input_tokens = 5 }, { input_tokens = -1 }, { input_tokens = 5 } },
  { "a negative count after nothing", nil, { input_tokens = -1, output_tokens = "-2" }, {} },
  { "an endless count", { input_tokens = 5 }, { input_tokens = math.huge }, { input_tokens = 5 } },
  { "no number", { input_tokens = 5 }, { input_tokens = 0 / 0 }, { input_tokens = 5 } },
  { "a fraction", nil, { seconds = 0.5 }, { seconds = 0.5 } },
  { "a word", nil, { service_tier = "standard" }, { service_tier = "standard" } },
  { "a word after a word", { service_tier = "a" }, { service_tier = "b" }, { service_tier = "b" } },
  { "no word after a word", { service_tier = "a" }, { service_tier = "" }, { service_tier = "a" } },
  { "no word after nothing", nil, { service_tier = "" }, {} },
  { "a word after a count", { input_tokens = 5 }, { input_tokens = "many" }, { input_tokens = 5 } },
  { "a truth", nil, { cached = true }, { cached = true } },
  { "a truth after another", { cached = true }, { cached = false }, { cached = false } },
  { "a truth after a count", { input_tokens = 5 }, { input_tokens = true }, { input_tokens = 5 } },
  { "a table after a count", { input_tokens = 5 }, { input_tokens = { 1 } }, { input_tokens = 5 } },
  { "a table after a word", { service_tier = "a" }, { service_tier = { a = 1 } }, { service_tier = "a" } },
  { "a count after a table", { output = { a = 1 } }, { output = 5 }, { output = { a = 1 } } },
  { "a table after nothing", nil, { output = { a = "5", b = -1 } }, { output = { a = 5 } } },
  { "a table after a table", { output = { a = 5, b = 1 } }, { output = { a = 0, c = 2 } },
    { output = { a = 5, b = 1, c = 2 } } },
  { "a list after nothing", nil, { iterations = { { input_tokens = 1 } } }, { iterations = { { input_tokens = 1 } } } },
  { "a list after a list", { iterations = { 1, 2 } }, { iterations = { 3 } }, { iterations = { 3 } } },
}

-- { what, the counts of a chat completion, the API's }
local COMPLETIONS = {
  { "nothing", nil, nil },
  { "a number", 5, nil },
  { "a text", "many", nil },
  { "null", json.null, nil },
  { "an empty table", {}, {} },
  { "both sides", { prompt_tokens = 10, completion_tokens = 3, total_tokens = 13 },
    { input_tokens = 10, output_tokens = 3 } },
  { "the API's names", { input_tokens = 10, output_tokens = 3 }, { input_tokens = 10, output_tokens = 3 } },
  { "both names", { prompt_tokens = 10, input_tokens = 1, completion_tokens = 3, output_tokens = 2 },
    { input_tokens = 10, output_tokens = 3 } },
  { "digits", { prompt_tokens = "10", completion_tokens = "3" }, { input_tokens = 10, output_tokens = 3 } },
  { "words under one name, a count under the other", { prompt_tokens = "many", input_tokens = 5 },
    { input_tokens = 5 } },
  { "negative counts", { prompt_tokens = -1, completion_tokens = -2 }, {} },
  { "cached tokens among the prompt's", { prompt_tokens = 10, prompt_tokens_details = { cached_tokens = 4 } },
    { input_tokens = 6, cache_read_input_tokens = 4 } },
  { "cached tokens that are the prompt's", { prompt_tokens = 4, prompt_tokens_details = { cached_tokens = 4 } },
    { input_tokens = 0, cache_read_input_tokens = 4 } },
  { "more cached tokens than the prompt has", { prompt_tokens = 3, prompt_tokens_details = { cached_tokens = 4 } },
    { input_tokens = 3, cache_read_input_tokens = 4 } },
  { "cached tokens of an input that is counted apart", { input_tokens = 3, cache_read_input_tokens = 2 },
    { input_tokens = 3, cache_read_input_tokens = 2 } },
  { "cached tokens under input_tokens_details", { input_tokens = 9, input_tokens_details = { cached_tokens = 4 } },
    { input_tokens = 5, cache_read_input_tokens = 4 } },
  { "cached tokens without an input", { input_tokens_details = { cached_tokens = 4 } },
    { cache_read_input_tokens = 4 } },
  { "cached tokens as DeepSeek counts them", { prompt_tokens = 10, prompt_cache_hit_tokens = 4 },
    { input_tokens = 6, cache_read_input_tokens = 4 } },
  { "cached tokens in the API's name", { prompt_tokens = 10, cache_read_input_tokens = 4 },
    { input_tokens = 6, cache_read_input_tokens = 4 } },
  { "tokens written to the cache", { prompt_tokens = 10, cache_creation_input_tokens = 4 },
    { input_tokens = 6, cache_creation_input_tokens = 4 } },
  { "details that are none", { prompt_tokens = 1, prompt_tokens_details = "x", completion_tokens_details = 5 },
    { input_tokens = 1 } },
  { "thinking, part of the answer's", { completion_tokens = 9, completion_tokens_details = { reasoning_tokens = 5 } },
    { output_tokens = 9, output_tokens_details = { thinking_tokens = 5 } } },
  { "thinking in the API's names", { output_tokens = 9, output_tokens_details = { thinking_tokens = 5 } },
    { output_tokens = 9, output_tokens_details = { thinking_tokens = 5 } } },
  { "no thinking", { completion_tokens_details = { reasoning_tokens = 0 } },
    { output_tokens_details = { thinking_tokens = 0 } } },
  { "the uses of a server's tools", { prompt_tokens = 1, server_tool_use = { web_search_requests = 2 } },
    { input_tokens = 1, server_tool_use = { web_search_requests = 2 } } },
  { "tokens written to the cache, by how long they are kept", { prompt_tokens = 9, prompt_tokens_details = {
    cached_tokens = 0, cache_creation_tokens = 7,
    cache_creation_token_details = { ephemeral_5m_input_tokens = 4, ephemeral_1h_input_tokens = 3 },
  } }, { input_tokens = 2, cache_read_input_tokens = 0, cache_creation_input_tokens = 7,
    cache_creation = { ephemeral_5m_input_tokens = 4, ephemeral_1h_input_tokens = 3 } } },
  { "what has a price of its own", { completion_tokens = 1, service_tier = "priority", speed = "fast",
    inference_geo = "us", iterations = { { type = "compaction", output_tokens = 5 } }, cost = 1 },
    { output_tokens = 1, service_tier = "priority", speed = "fast", inference_geo = "us",
      iterations = { { type = "compaction", output_tokens = 5 } } } },
  { "nulls", { completion_tokens = 1, server_tool_use = json.null }, { output_tokens = 1 } },
  { "thinking in words", { completion_tokens_details = { reasoning_tokens = "much" } }, {} },
}

describe("token counts", function()
  for _, case in ipairs(MERGES) do
    it("are merged: " .. case[1], function()
      assert.same(case[4], token_counts.merge(case[2], case[3]))
    end)
  end

  it("are left as they were by a merge", function()
    local before, later = { a = 1, details = { b = 2 } }, { a = 3, details = { b = 4, c = "5" } }
    local merged = token_counts.merge(before, later)
    assert.same({ a = 3, details = { b = 4, c = 5 } }, merged)
    merged.a, merged.details.b = 9, 9
    assert.same({ a = 1, details = { b = 2 } }, before)
    assert.same({ a = 3, details = { b = 4, c = "5" } }, later)
  end)

  for _, case in ipairs(MERGES) do
    it("that nobody else holds become the same: " .. case[1], function()
      assert.same(case[4], token_counts.hold(token_counts.merge(nil, case[2]), case[3]))
    end)
  end

  it("that nobody else holds are changed in place, and tell what changes", function()
    local into, noted = { a = 1, details = { b = 2 } }, {}
    local details = into.details
    assert.equal(into, token_counts.hold(into, { a = 3, details = { b = 4 }, c = 5 }, function(name, value, before)
      noted[name] = { value, before }
    end))
    assert.same({ a = 3, details = { b = 4 }, c = 5 }, into)
    assert.equal(details, into.details)
    assert.same({ a = { 3, 1 }, b = { 4, 2 }, c = { 5 } }, noted)
    assert.is_nil(token_counts.hold(nil, nil))
  end)

  it("can be encoded, whatever came first", function()
    local merged = token_counts.merge(token_counts.merge(nil, json.array {}), { input_tokens = 1 })
    assert.equal('{"input_tokens":1}', json.encode(merged))
  end)

  it("of one answer are encoded as they came", function()
    local text = '{"cache_creation":null,"input_tokens":1,"iterations":[],"output_tokens_details":{}}'
    assert.equal(text, json.encode(token_counts.merge(nil, json.decode_answer(text))))
  end)

  it("keep digits that a number does not hold, and lose them to a later count", function()
    local first = json.decode_answer '{"cost":0.1234567890123456789,"tiles":{"n":12345678901234567890},"n":1}'
    local later = json.decode_answer '{"n":0.9876543210987654321,"tiles":{"n":0,"m":98765432109876543210}}'
    for _, join in ipairs { token_counts.merge, function(a, b)
      return token_counts.hold(token_counts.merge(nil, a), b)
    end } do
      local joined = join(first, later)
      assert.equal('{"cost":0.1234567890123456789,"n":0.9876543210987654321,'
        .. '"tiles":{"m":98765432109876543210,"n":12345678901234567890}}', json.encode(joined))
      assert.equal('{"cost":0.5,"n":2,"tiles":{"m":98765432109876543210,"n":12345678901234567890}}',
        json.encode(join(joined, { cost = "0.5", n = 2 })))
    end
    assert.equal('{"cost":0.1234567890123456789,"n":1,"tiles":{"n":12345678901234567890}}', json.encode(first))
  end)

  for _, case in ipairs(COMPLETIONS) do
    it("of a chat completion are the API's: " .. case[1], function()
      assert.same(case[3], token_counts.of_completion(case[2]))
    end)
  end
end)

-- What a chat completion counts, and what the API would: input, read from the cache, written to it.
local CACHED = {
  { "read, part of the prompt's", { prompt_tokens = 100, prompt_tokens_details = { cached_tokens = 60 } }, { 40, 60 } },
  { "read and written, part of the prompt's", {
    prompt_tokens = 130, completion_tokens = 7, total_tokens = 137, cache_creation_input_tokens = 20,
    cache_read_input_tokens = 100, prompt_tokens_details = { cached_tokens = 100, cache_creation_tokens = 20 },
  }, { 10, 100, 20 } },
  { "the whole prompt", {
    prompt_tokens = 120, cache_creation_input_tokens = 20, cache_read_input_tokens = 100,
  }, { 0, 100, 20 } },
  { "written alone", { prompt_tokens = 100, cache_creation_input_tokens = 20 }, { 80, nil, 20 } },
  { "none", { prompt_tokens = 10, cache_creation_input_tokens = 0, cache_read_input_tokens = 0 }, { 10, 0, 0 } },
  { "more than the prompt's: beside it", { prompt_tokens = 10, cache_read_input_tokens = 60 }, { 10, 60 } },
  { "together more than the prompt's: what is written is beside it", {
    prompt_tokens = 110, cache_creation_input_tokens = 50, cache_read_input_tokens = 100,
  }, { 10, 100, 50 } },
  { "written more than the prompt's: beside it", {
    prompt_tokens = 194, total_tokens = 201, completion_tokens = 7, cache_creation_input_tokens = 9474,
  }, { 194, nil, 9474 } },
  { "beside the prompt's, by a total that adds them up", {
    prompt_tokens = 200, completion_tokens = 7, total_tokens = 327, cache_creation_input_tokens = 20,
    cache_read_input_tokens = 100, prompt_tokens_details = { cached_tokens = 100 },
  }, { 200, 100, 20 } },
  { "part of the prompt's, by a total that is neither", {
    prompt_tokens = 200, completion_tokens = 7, total_tokens = 250, cache_read_input_tokens = 100,
  }, { 100, 100 } },
  { "without a prompt's", { cache_creation_input_tokens = 5, cache_read_input_tokens = 6 }, { nil, 6, 5 } },
  { "negative or no numbers", {
    prompt_tokens = 10, cache_creation_input_tokens = -5, cache_read_input_tokens = "many",
  }, { 10 } },
  { "read, under DeepSeek's name", { prompt_tokens = 10, prompt_cache_hit_tokens = 4 }, { 6, 4 } },
}

-- Where servers put what was written to the cache.
for _, name in ipairs {
  "cache_creation_input_tokens", "cache_creation_tokens", "cache_write_tokens", "cached_creation_tokens",
} do
  CACHED[#CACHED + 1] = { "written, by the prompt's details as " .. name, {
    prompt_tokens = 30, prompt_tokens_details = { cached_tokens = 10, [name] = 15 },
  }, { 5, 10, 15 } }
end

describe("the counts of a chat completion", function()
  for _, case in ipairs(CACHED) do
    it("have cached tokens apart: " .. case[1], function()
      local counts = token_counts.of_completion(case[2])
      assert.same({ case[3][1], case[3][2], case[3][3] }, {
        counts.input_tokens, counts.cache_read_input_tokens, counts.cache_creation_input_tokens,
      })
    end)
  end
end)
