-- Texts that a server says once more.

local budgets = require "anthropic.message.budget"
local heard_text = require "anthropic.message.heard_text"

describe("a text that was heard", function()
  local budget, heard

  before_each(function()
    budget = budgets.new()
    heard = heard_text.new(budget)
  end)

  it("is known again, also with more to it", function()
    assert.equal("Hello", heard:rest "Hello")
    assert.equal("", heard:rest "")
    heard:add "Hel"
    heard:add ""
    heard:add "lo"
    assert.equal("", heard:rest "Hello")
    assert.equal(", you", heard:rest "Hello, you")
    assert.equal("Hello", heard:text())
    assert.is_true(heard:may_hold "" and heard:may_hold "Hell" and heard:may_hold "Hello")
    assert.is_false(heard:may_hold "Hello!" or heard:may_hold "Hallo")
    for _, other in ipairs { "", "Hell", "Hallo", "hello, you" } do
      assert.is_nil(heard:rest(other))
    end
  end)

  it("counts what is kept of it, and is not kept where it is long", function()
    heard:add "12345"
    assert.equal(5, budget.held)
    local long = ("x"):rep(64 * 1024 - 5)
    heard:add(long)
    assert.equal("!", heard:rest("12345" .. long .. "!"))
    heard:add "y"
    assert.equal(64 * 1024, budget.held)
    heard:add "z"
    assert.is_nil(heard:rest("12345" .. long .. "yz"))
    assert.is_nil(heard:text())
    assert.is_true(heard:may_hold(("x"):rep(64 * 1024 + 2)))
    assert.is_false(heard:may_hold(("x"):rep(64 * 1024 + 3)))
  end)
end)
