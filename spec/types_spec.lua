describe("The editors' types", function()
  it("are those of the tree", function()
    local pipe = assert(io.popen "lua5.4 tools/types.lua")
    local written = pipe:read "*a"
    pipe:close()
    local file = assert(io.open "types/anthropic.lua")
    local present = file:read "*a"
    file:close()
    assert.is_true(#written > 100000)
    assert.is_true(written == present, "run `make types`")
  end)
end)
