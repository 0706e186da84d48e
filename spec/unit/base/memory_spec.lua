-- Steps that may run out of memory.

local memory = require "anthropic.base.memory"

describe("an attempt", function()
  it("gives what the step gives", function()
    assert.same({ 1, nil, 3, n = 3 }, { n = select("#", memory.attempt(function() return 1, nil, 3 end)),
      memory.attempt(function() return 1, nil, 3 end) })
    assert.equal("a b", memory.attempt(function(...) return table.concat({ ... }, " ") end, "a", "b"))
    assert.equal(0, select("#", memory.attempt(function() end)) - 1)
  end)

  it("gives nil and words where memory ran out", function()
    for _, raised in ipairs { "not enough memory", "json.lua:131: not enough memory" } do
      assert.is_true(memory.is_lack(raised))
      assert.same({ nil, "not enough memory" }, { memory.attempt(error, raised, 0) })
    end
    assert.is_false(memory.is_lack {})
    assert.is_false(memory.is_lack(nil))
  end)

  it("raises any other error as it is", function()
    local reason = {}
    local ok, raised = pcall(memory.attempt, error, reason)
    assert.is_false(ok)
    assert.equal(reason, raised)
    assert.has_error(function() memory.attempt(error, "not enough memory left", 0) end, "not enough memory left")
  end)
end)
