-- A part of make torture: of the later allocations of each scenario only some fail.

local exhaustion = require "spec.support.exhaustion"

local DENSITY = 16

describe("with allocations failing", function()
  if not exhaustion.is_possible "lua" then
    pending("needs allocations that fail (make asan)")
    return
  end

  it("every scenario gives the right result or a clear error, and leaves nothing behind", function()
    local wrong, scenarios = {}, {}
    require("spec.torture.torture").each(DENSITY, function() return true end, function(scenario, source, tally)
      scenarios[scenario.name] = true
      for _, problem in ipairs(tally.wrong) do
        wrong[#wrong + 1] = scenario.name .. ", " .. source .. ": " .. problem
      end
      if source == "lua" then
        assert.is_true(tally.errors > 0, scenario.name)
      end
    end)
    assert.equal("", table.concat(wrong, "\n"))
    assert.is_true(scenarios["a message over TLS"])
  end)
end)
