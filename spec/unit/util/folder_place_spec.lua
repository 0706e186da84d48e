-- Where the paths of core.folder lead: to nothing but what is below it.

local core = require "anthropic.core"
local directories = require "spec.support.directory"

local NO_NAMES = { "..", ".", "a/..", "../x", "a/../../x", "/etc", "a//b", "a/", "/", "a/./b", "a\0b",
    ("a/"):rep(40) .. "a", ("a"):rep(5000), ("a"):rep(300) }

describe("the place of a path in a folder", function()
  local outside, inside, folder

  before_each(function()
    outside = directories.new()
    inside = directories.new()
    outside:write("secret", "outside")
    folder = assert(core.folder(inside.root))
  end)

  after_each(function()
    folder:close()
    inside:remove()
    outside:remove()
  end)

  it("is refused for a path that leads elsewhere", function()
    folder:create("a/b", "")
    local function check(path)
      for _, case in ipairs {
        { "look", path }, { "read", path, 9 }, { "list", path, 9 }, { "create", path, "" }, { "replace", path, "" },
        { "remove", path }, { "rename", path, "q" }, { "rename", "a", path },
      } do
        assert.is_nil((folder[case[1]](folder, case[2], case[3])), case[1] .. " " .. path)
      end
    end
    for _, path in ipairs(NO_NAMES) do
      check(path)
    end
    assert.same({ "a" }, inside:names())
    assert.same({ "b" }, { folder:list("a", 9)[1][1] })
  end)

  it("is behind no link, wherever it stands and whenever it was made", function()
    folder:create("dir/deep/file", "inside")
    inside:run(("ln -s %s out; ln -s %s/secret file; ln -s ../dir dir/self; ln -s nowhere none; ln -s dir in"):format(
      outside.root, outside.root))
    for _, path in ipairs { "out", "file", "out/secret", "dir/self/deep/file", "none", "in/deep/file", "in" } do
      assert.is_nil((folder:read(path, 100)), path)
      assert.is_nil((folder:list(path, 100)), path)
      assert.is_nil((folder:replace(path, "changed")), path)
      assert.is_nil((folder:create(path, "changed")), path)
      assert.is_nil((folder:create(path .. "/new", "changed")), path)
      assert.is_nil((folder:rename(path, "moved")), path)
      assert.is_nil((folder:rename("dir/deep", path .. "/moved")), path)
    end
    -- A directory that was looked at becomes a link.
    assert.equal("inside", folder:read("dir/deep/file", 100))
    inside:run("rm -r dir/deep; ln -s " .. outside.root .. " dir/deep")
    assert.is_nil((folder:read("dir/deep/secret", 100)))
    assert.is_nil((folder:create("dir/deep/new", "")))
    -- What is removed is the link.
    for _, path in ipairs { "dir", "out", "file", "none", "in" } do
      assert.is_true(folder:remove(path))
    end
    assert.same({}, inside:names())
    assert.same({ "secret" }, outside:names())
    assert.equal("outside", outside:read "secret")
  end)

  it("has a path of 32 names and 4095 bytes at most", function()
    local deep = ("a/"):rep(31) .. "b"
    assert.is_true(folder:create(deep, "deep"))
    assert.equal("deep", folder:read(deep, 4))
    assert.equal("the path has too many names", select(2, folder:create("a/" .. deep, "")))
    assert.is_nil((folder:read("a/" .. deep, 4)))
    local name = ("n"):rep(127) .. "/"
    local long = name:rep(31) .. ("n"):rep(127) -- 4095 bytes
    assert.is_true(folder:create(long, "long"))
    assert.equal("long", folder:read(long, 4))
    assert.equal("the path is too long", select(2, folder:read(long .. "n", 4)))
    assert.is_true(folder:remove "a")
    assert.is_true(folder:remove(("n"):rep(127)))
    assert.same({}, inside:names())
  end)

  it("is nowhere deeper, also not for what is in a directory that gets another path", function()
    assert.is_true(folder:create("x/y/z", ""))
    local deep = ("a/"):rep(28)
    assert.is_true(folder:create(deep .. "b", ""))
    assert.is_true(folder:rename("x", deep .. "x"))
    assert.is_true(folder:rename(deep .. "x", "x"))
    assert.is_true(folder:create(deep .. "b2/c", ""))
    assert.is_true(folder:rename("x/y", deep .. "b2/y"))
    assert.is_true(folder:create("x/y/z", ""))
    assert.same({ nil, "the path has too many names" }, { folder:rename("x", deep .. "b2/d/x") })
    assert.is_true(folder:rename("x/y/z", deep .. "b2/d/z"))
  end)

  it("has no directories made on its way where it is refused", function()
    assert.is_nil((folder:create("a/" .. ("b/"):rep(31) .. "c", "")))
    assert.is_nil((folder:rename("none", "a/b")))
    assert.same({}, inside:names())
    folder:create("a/b", "")
    assert.is_nil((folder:rename("a", "a/c/d")))
    assert.same({ "b" }, { folder:list("a", 9)[1][1], (folder:list("a", 9)[2]) })
  end)

  it("is refused once the folder is closed", function()
    folder:create("a", "")
    folder:close()
    assert.same({ nil, "it is closed" }, { folder:look "a" })
    assert.same({ nil, "it is closed" }, { folder:create("b/c", "") })
  end)

  it("has the directories on its way made for what is new, and for nothing else", function()
    assert.same({ nil, "it does not exist", "missing" }, { folder:replace("a/b/c", "") })
    assert.same({}, inside:names())
    assert.is_true(folder:create("a/b/c", ""))
    assert.is_true(folder:rename("a/b/c", "d/e/f"))
    assert.same({ "a", "d" }, inside:names())
    assert.same({ nil, "Not a directory" }, { folder:create("d/e/f/g", "") })
  end)
end)
