-- What is written from the sources must be of today's sources.

local directories = require "spec.support.directory"

local function output_of(command)
  local pipe = assert(io.popen(command))
  local output = pipe:read "*a"
  pipe:close()
  return output
end

local function content_of(path)
  local file = assert(io.open(path))
  local content = file:read "*a"
  file:close()
  return content
end

describe("What is written from the sources", function()
  for path, written in pairs {
    ["types/anthropic.lua"] = { target = "types", command = "lua5.4 tools/types.lua" },
  } do
    it("is up to date: " .. path, function()
      local output = output_of(written.command)
      assert.is_true(#output > 10000)
      assert.is_true(output == content_of(path), "run `make " .. written.target .. "`")
    end)
  end

  it("is up to date: doc/reference", function()
    local written = directories.new()
    output_of("lua5.4 tools/reference.lua " .. written.root)
    local names = written:names()
    local differences = output_of("diff -rq doc/reference " .. written.root)
    written:remove()
    assert.is_true(#names > 15)
    assert.equal("", differences, "run `make doc`")
  end)
end)
