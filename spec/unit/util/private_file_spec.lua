-- Files that hold secrets.

local core = require "anthropic.core"
local directories = require "spec.support.directory"

describe("a private file", function()
  local directory

  before_each(function()
    directory = directories.new()
  end)

  after_each(function()
    directory:remove()
  end)

  it("is its owner's alone, in a folder that is made", function()
    local path = directory:path "folder/file"
    assert.is_true(core.write_private(path, "a\0b"))
    assert.equal("a\0b", directory:read "folder/file")
    assert.equal(tonumber("600", 8), core.file_mode(path))
    assert.equal(tonumber("700", 8), core.file_mode(directory:path "folder"))
  end)

  it("takes the place of another, where a link leads", function()
    directory:write("file", "before")
    directory:run "chmod 644 file; ln -s file link"
    assert.is_true(core.write_private(directory:path "link", "after"))
    assert.equal("after", directory:read "file")
    assert.equal(tonumber("600", 8), core.file_mode(directory:path "link"))
    assert.same({ "file", "link" }, directory:names())
  end)

  it("leaves all as it was where it cannot be written", function()
    directory:run "mkdir there"
    local ok, message = core.write_private(directory:path "there", "x")
    assert.is_nil(ok)
    assert.equal("Is a directory", message)
    assert.same({ "there" }, directory:names())
    assert.equal("No such file or directory", select(2, core.write_private(directory:path "a/b/c", "x")))
  end)

  it("that is not there has no mode", function()
    assert.is_nil(core.file_mode(directory:path "none"))
    assert.has_error(function() core.file_mode "a\0b" end)
  end)
end)
