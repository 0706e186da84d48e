-- What core.write_private and core.file_mode take and return; the file itself: spec/unit/util/private_file_spec.lua.

local core = require "anthropic.core"
local directories = require "spec.support.directory"

describe("the functions of private files", function()
  local directory

  before_each(function()
    directory = directories.new()
  end)

  after_each(function()
    directory:remove()
  end)

  it("take paths of text without NUL", function()
    for _, path in ipairs { "a\0b", "\0", {}, true } do
      assert.has_error(function() core.file_mode(path) end)
      assert.has_error(function() core.write_private(path, "x") end)
    end
    assert.has_error(function() core.write_private(directory:path "a", {}) end)
    assert.has_error(function() core.write_private(directory:path "a") end)
    assert.same({}, directory:names())
  end)

  it("return true, or nil and words", function()
    assert.same({ true }, { core.write_private(directory:path "a", "") })
    assert.equal("", directory:read "a")
    assert.same({ nil, "Is a directory" }, { core.write_private(directory.root, "x") })
  end)

  it("return a mode, or nothing", function()
    for _, mode in ipairs { "644", "600", "755", "200" } do
      directory:write("b", "")
      directory:run("chmod " .. mode .. " b")
      assert.equal(tonumber(mode, 8), core.file_mode(directory:path "b"))
    end
    assert.equal(0, select("#", core.file_mode(directory:path "none")))
  end)
end)
