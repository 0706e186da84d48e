local anthropic = require "anthropic"

describe("anthropic.now", function()
  it("goes forward by the seconds that anthropic.sleep waits", function()
    local began = anthropic.now()
    anthropic.sleep(0.2)
    local passed = anthropic.now() - began
    assert.is_true(passed >= 0.19 and passed < 60, tostring(passed))
  end)
end)
