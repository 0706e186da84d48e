-- What is written from the sources must be of today's sources.

local background = require "spec.support.background"
local directories = require "spec.support.directory"

describe("What is written from the sources", function()
  for path, written in pairs {
    ["types/anthropic.lua"] = { target = "types", command = "lua5.4 tools/types.lua" },
    ["doc/explanation/benchmark.svg"] = {
      target = "bench-plot", command = "lua5.4 bench/plot.lua <doc/explanation/benchmark.tsv",
    },
    ["doc/demo.svg"] = {
      target = "demo-picture",
      command = "env -u ANTHROPIC_API_KEY -u ANTHROPIC_AUTH_TOKEN -u ANTHROPIC_BASE_URL -u ANTHROPIC_MODEL -u NO_COLOR "
        .. "TERM=xterm " .. background.interpreter() .. " tools/demo_picture.lua",
    },
  } do
    it("is up to date: " .. path, function()
      local output = background.output_of(written.command)
      assert.is_true(#output > 10000)
      assert.is_true(output == background.read_file(path), "run `make " .. written.target .. "`")
    end)
  end

  it("is up to date: doc/reference", function()
    local written = directories.new()
    background.output_of("lua5.4 tools/reference.lua " .. written.root)
    local names = written:names()
    local differences = background.output_of("diff -rq doc/reference " .. written.root)
    written:remove()
    assert.is_true(#names > 15)
    assert.equal("", differences, "run `make doc`")
  end)

  it("is up to date: Neovim's help", function()
    local written = directories.new()
    background.output_of("lua5.4 tools/vimdoc.lua " .. written.root)
    for _, name in ipairs { "anthropic.txt", "anthropic-reference.txt" } do
      local text = written:read(name)
      assert.is_true(#text > 10000)
      assert.is_true(text == background.read_file("doc/" .. name), "run `make doc`")
    end
    written:remove()
  end)
end)
