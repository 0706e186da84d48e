-- Which names name the same model.

local model_names = require "anthropic.message.model_names"

describe("the names of a model", function()
  local MODELS = {
    ["m-20260101"] = 1, ["m-20270101"] = 1, ["m@20250101"] = 1, ["m-2025-01-31"] = 1, ["n"] = 1, ["m-20270101-x"] = 1,
    [5] = 1,
  }

  for _, case in ipairs {
    { "are the name itself where that is there", "n", { "n" } },
    { "are an alias's dated names, the newest last", "m",
      { "m-2025-01-31", "m-20260101", "m-20270101", "m@20250101" } },
    { "are the alias of a dated name", "n-20270101", { "n" } },
    { "are none of another date", "m-20280101", {} },
    { "are none where nothing fits", "x", {} },
    { "end in a date alone", "m-20270101-x-20270101", { "m-20270101-x" } },
  } do
    it(case[1], function()
      assert.same(case[3], model_names.of(case[2], MODELS))
    end)
  end

  it("end in a date that can be one", function()
    for _, name in ipairs { "m-19990101", "m-20272001", "m-20270141", "m20270101", "m-2027-21-01", "m-2027010" } do
      assert.same({}, model_names.of("m", { [name] = 1 }), name)
    end
  end)
end)
