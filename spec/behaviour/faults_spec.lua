-- Every fault by every way of reading: see support/faults.lua.

local fault_matrix = require "spec.support.fault_matrix"
local faults = require "spec.support.faults"
local libcurl = require "spec.support.libcurl"
local readings = require "spec.support.readings"

describe("under every fault, a request", function()
  local report

  setup(function()
    report = fault_matrix.run()
  end)

  it("ends as it should", function()
    local shown = {}
    for i = 1, math.min(20, #report.problems) do
      shown[i] = report.problems[i]
    end
    assert.equal("", table.concat(shown, "\n"))
    assert.is_true(report.all.tried > 0)
    assert.equal(report.all.tried, report.all.survived)
  end)

  it("loses nothing that came", function()
    assert.equal(0, report.all.lost)
  end)

  it("never hangs", function()
    assert.equal(0, report.all.hung)
  end)

  it("leaves nothing behind", function()
    assert.same({ descriptors = 0, connections = 0, transfers = 0 }, report.leaked)
  end)

  it("is in the table of doc/explanation/reliability.md (make reliability)", function()
    if not readings.all or os.getenv "SPEC_LUA" then
      pending "not everything is tried on this Lua, or under a sanitizer"
      return
    end
    local function comparable(text) -- where not all is tried, its numbers are less
      return faults.step == 1 and text or text:gsub("| %d+ | %d+ | (%d+ | %d+ |)", "| %1")
    end
    local file = assert(io.open "doc/explanation/reliability.md")
    local page = file:read "*a"
    file:close()
    local made = fault_matrix.with_table(page, report)
    if not libcurl.passes_unknown_encodings then -- what the page says below its table
      made = made:gsub("(| an unknown encoding |) `protocol` | `protocol` |", "%1 the message | the message |")
    end
    assert.equal(comparable(page), comparable(made))
  end)
end)
