-- How attacks end: see support/attacks.lua.

local attacks = require "spec.support.attacks"
local documentation = require "spec.support.documentation"

describe("every attack", function()
  it("ends as the table of doc/explanation/reliability.md says (make attacks)", function()
    local file = assert(io.open "doc/explanation/reliability.md")
    local page = file:read "*a"
    file:close()
    assert.equal(documentation.with_table(page, "make attacks", attacks.play()), page)
  end)
end)
