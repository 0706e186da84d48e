local token_counts = require "anthropic.message.token_counts"

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
