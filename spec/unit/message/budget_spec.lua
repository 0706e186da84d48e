-- What the messages of one exchange may hold.

local budgets = require "anthropic.message.budget"
local core = require "anthropic.core"

local MEBIBYTE = 1024 * 1024

describe("a budget", function()
  it("is exceeded past its limit, and by nothing where there is none", function()
    local budget = budgets.new(100)
    budget:take(100)
    assert.is_false(budget:is_exceeded())
    assert.equal(0, budget:room())
    budget:take(1)
    assert.is_true(budget:is_exceeded())
    budget:take(-1)
    assert.is_false(budget:is_exceeded())
    budget = budgets.new()
    budget:take(1e15)
    assert.is_false(budget:is_exceeded())
    assert.is_nil(budget:room())
    assert.is_nil(budgets.new(math.huge):room())
  end)

  it("leaves room for a copy above 16 MiB", function()
    assert.equal(16 * MEBIBYTE, budgets.new(16 * MEBIBYTE):room())
    assert.equal(40 * MEBIBYTE, budgets.new(64 * MEBIBYTE):room())
  end)

  it("counts a value in the place of another one", function()
    local budget = budgets.new(1e6)
    budget:replace({ "x" })
    assert.equal(core.weigh { "x" }, budget.held)
    budget:replace("long enough", { "x" })
    assert.equal(core.weigh "long enough", budget.held)
    budget:replace(nil, "long enough")
    assert.equal(0, budget.held)
  end)
end)
