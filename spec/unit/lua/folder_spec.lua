-- The type of a folder; what it does with files is in spec/unit/util/folder_spec.lua.

local core = require "anthropic.core"
local directories = require "spec.support.directory"

describe("the type of a folder", function()
  local inside, folder

  before_each(function()
    inside = directories.new()
    folder = assert(core.folder(inside.root))
  end)

  after_each(function()
    folder:close()
    inside:remove()
  end)

  it("is closed once, and does nothing more", function()
    folder:close()
    folder:close()
    for _, case in ipairs {
      { "look", "" }, { "look", "a" }, { "list", "", 1 }, { "create", "a", "" }, { "measure", 1 },
    } do
      assert.is_nil((folder[case[1]](folder, case[2], case[3])))
    end
  end)

  it("is asked for by a path, and has paths of text", function()
    for _, path in ipairs { {}, true } do
      assert.has_error(function() core.folder(path) end)
      assert.has_error(function() folder:look(path) end)
      assert.has_error(function() folder:create("a", path) end)
      assert.has_error(function() folder:rename("a", path) end)
    end
    for _, arguments in ipairs { { "look", "a\0b" }, { "create", "a\0b", "" }, { "read", "a\0b", 1 },
      { "rename", "a", "a\0b" }, { "rename", "a\0b", "a" }, { "list", "a\0b", 1 }, { "remove", "a\0b" } } do
      local result, words, word = folder[arguments[1]](folder, arguments[2], arguments[3])
      assert.same({ nil, "the path contains NUL" }, { result, words, word })
    end
  end)

  it("tells kinds and sizes", function()
    folder:create("file", "12345")
    folder:create("directory/x", "")
    inside:run "ln -s file link"
    assert.same({ "file", 5 }, { folder:look "file" })
    assert.equal("directory", (folder:look "directory"))
    assert.equal("other", (folder:look "link"))
  end)

  it("is no other type", function()
    assert.has_error(function() folder.look(core.loop(), "a") end)
    assert.has_error(function() folder.look(nil, "a") end)
  end)

  it("closes itself once nobody holds it", function()
    for _ = 1, 3000 do -- more than a process has descriptors
      assert(core.folder(inside.root))
      if _ % 100 == 0 then
        collectgarbage()
      end
    end
  end)
end)
