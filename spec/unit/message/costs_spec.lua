-- What the sums of a model cost.

local costs = require "anthropic.message.costs"

describe("the cost of a model's tokens", function()
  local function cost(sums, prices)
    local unpriced = {}
    local found = costs.of_model("m", sums, prices, unpriced)
    table.sort(unpriced)
    return found, unpriced
  end

  for _, case in ipairs {
    { "is a price for each kind", { input_tokens = 10, output_tokens = 5 },
      { input_tokens = 3, output_tokens = 15 }, 105 },
    { "is the whole's for a part without a price", { output_tokens = 5, thinking_tokens = 2 },
      { output_tokens = 10 }, 50 },
    { "is the part's where that has one", { output_tokens = 5, thinking_tokens = 2 },
      { output_tokens = 10, thinking_tokens = 1 }, 32 },
    { "is never that of a part larger than the whole", { output_tokens = 5, thinking_tokens = 9 },
      { output_tokens = 10, thinking_tokens = 1 }, 5 },
    { "counts cache writes by their parts where there is no whole",
      { cache_creation_input_tokens = 0, ephemeral_5m_input_tokens = 3, ephemeral_1h_input_tokens = 1 },
      { cache_creation_input_tokens = 2, ephemeral_1h_input_tokens = 10 }, 16 },
    { "has the uses of a server's tools", { web_search_requests = 2 }, { web_search_requests = 10000 }, 20000 },
    { "leaves out any other count without a price", { something_new = 7 }, {}, 0 },
  } do
    it(case[1], function()
      assert.same({ case[4], {} }, { cost(case[2], case[3]) })
    end)
  end

  it("names what has no price, unless nothing was used", function()
    local sums = { input_tokens = 10, output_tokens = 5, web_search_requests = 1, cache_read_input_tokens = 0 }
    assert.same({ 30, { "m: output_tokens", "m: web_search_requests" } }, { cost(sums, { input_tokens = 3 }) })
    for _, price in ipairs { -1, 0 / 0, math.huge, "3" } do
      assert.same({ "m: input_tokens" }, select(2, cost({ input_tokens = 1 }, { input_tokens = price })))
    end
  end)
end)
