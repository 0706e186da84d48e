local directory = require "spec.support.directory"
local places = require "anthropic.base.places"

describe("the places of a module", function()
  local root

  before_each(function()
    root = directory.new()
    root:run "mkdir one two one/a"
  end)

  after_each(function()
    root:remove()
  end)

  it("are the files that the templates lead to, in their order, each once", function()
    root:write("one/a/b.lua", "")
    root:write("two/a%b.so", "")
    local one, two = root:path "one/?.lua", root:path "two/?.lua"
    assert.same({ root:path "one/a/b.lua" }, places.of("a.b", two .. ";" .. one .. ";;" .. one))
    root:run "mkdir two/a"
    root:write("two/a/b.lua", "")
    assert.same({ root:path "two/a/b.lua", root:path "one/a/b.lua" }, places.of("a.b", two .. ";" .. one))
  end)

  it("are none where no file is there, or no path", function()
    assert.same({}, places.of("a.b", root:path "?.lua"))
    assert.same({}, places.of("a.b", ""))
    assert.same({}, places.of("a.b", nil))
  end)
end)
