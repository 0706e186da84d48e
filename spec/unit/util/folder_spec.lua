-- core.folder: files below a directory, by paths that cannot leave it.

local abilities = require "spec.support.abilities"
local child = require "spec.support.child"
local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local directories = require "spec.support.directory"

describe("a folder", function()
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

  it("closes no file that has got the number of its descriptor", function()
    if not abilities then
      pending "this needs to close a descriptor"
    end
    local pipe = assert(io.popen "ls -l /proc/$PPID/fd")
    local numbers = {}
    for number, path in pipe:read("*a"):gmatch "(%d+) %-> ([^\n]*)" do
      numbers[path] = tonumber(number)
    end
    pipe:close()
    assert.is_true(abilities.close(numbers[inside.root]))
    local files = {}
    for i = 1, 20 do -- one of which has that number
      files[i] = assert(io.open(outside:path(i), "w"))
    end
    folder:close()
    for i, file in ipairs(files) do
      file:write(i)
      file:close()
      assert.equal(tostring(i), outside:read(i))
    end
  end)

  it("makes its directory, and those above it", function()
    local path = inside:path "a/b c/d"
    local made = assert(core.folder(path))
    assert.equal("directory", (made:look ""))
    assert.equal("700\n", inside:run "stat -c %a a")
    assert.is_true(made:create("x", "1"))
    assert.equal("1", inside:read "a/b c/d/x")
  end)

  it("is none where its path is no directory", function()
    inside:write("file", "")
    for path, problem in pairs {
      [inside:path "file"] = "Not a directory", [inside:path "file/x"] = "Not a directory",
      [""] = "No such file or directory", [inside:path "a\0b"] = "the path contains NUL",
      [("x"):rep(5000)] = "the path is too long", [inside:path(("x"):rep(300))] = "the path is too long",
    } do
      assert.same({ nil, problem }, { core.folder(path) })
    end
    assert.same({ "file" }, inside:names())
  end)

  it("tells what a path is", function()
    inside:run "mkfifo pipe; ln -s pipe link; mkdir directory; printf 123 >file; printf 1234 >directory/file"
    for path, kind in pairs { file = "file", directory = "directory", pipe = "other", link = "other" } do
      assert.equal(kind, (folder:look(path)))
    end
    assert.same({ "file", 3 }, { folder:look "file" })
    assert.same({ "file", 4 }, { folder:look "directory/file" })
    assert.equal("it is a symbolic link", select(2, folder:rename("link", "x")))
    assert.equal("it is no regular file", select(2, folder:rename("pipe", "x")))
  end)

  it("creates, reads, replaces, lists, renames and removes", function()
    assert.is_true(folder:create("a/b/c.txt", "one\0\255"))
    assert.equal("one\0\255", folder:read("a/b/c.txt", 100))
    assert.is_true(folder:replace("a/b/c.txt", ""))
    assert.equal("", folder:read("a/b/c.txt", 0))
    assert.is_true(folder:rename("a/b", "d/e"))
    assert.is_true(folder:create("d/big", ("x"):rep(100000)))
    local list = folder:list("d", 10)
    table.sort(list, function(one, other) return one[1] < other[1] end)
    assert.same({ "big", "file", 100000 }, list[1])
    assert.same({ "e", "directory" }, { list[2][1], list[2][2] })
    assert.equal(1, #folder:list("d", 1))
    local entries, bytes = folder:measure(100)
    assert.same({ 5, 100000 }, { entries, bytes }) -- a, d, d/big, d/e, d/e/c.txt
    assert.equal(3, (folder:measure(2)))
    assert.is_true(folder:remove "d")
    assert.is_true(folder:remove "a")
    assert.same({}, inside:names())
  end)

  it("tells what is missing and what is there", function()
    folder:create("a", "1")
    for _, case in ipairs {
      { "missing", "look", "b" }, { "missing", "look", "b/c" }, { "missing", "read", "b", 1 },
      { "missing", "replace", "b", "" }, { "missing", "remove", "b" }, { "missing", "rename", "b", "c" },
      { "missing", "list", "b", 1 }, { "missing", "list", "b/c", 1 }, { "missing", "read", "b/c", 1 },
      { "missing", "replace", "b/c", "" }, { "missing", "remove", "b/c" }, { "missing", "rename", "b/c", "c" },
      { "exists", "create", "a", "" }, { "exists", "rename", "a", "a" },
    } do
      local result, words, word = folder[case[2]](folder, case[3], case[4])
      assert.is_nil(result)
      assert.is_string(words)
      assert.equal(case[1], word)
    end
    assert.same({ "a" }, inside:names())
    assert.equal("1", folder:read("a", 1))
    assert.matches("too large", select(2, folder:read("a", 0)))
  end)

    it("stays where it was opened, whatever its path becomes", function()
    folder:create("file", "inside")
    local moved = inside.root .. ".moved"
    os.rename(inside.root, moved)
    os.execute(("ln -s '%s' '%s'"):format(outside.root, inside.root))
    assert.equal("inside", folder:read("file", 100))
    assert.is_nil((folder:read("secret", 100)))
    os.remove(inside.root)
    os.rename(moved, inside.root)
  end)

  it("reads no file that has another name, no pipe and no device", function()
    inside:run(("ln %s/secret hard; mkfifo pipe"):format(outside.root))
    assert.matches("hard link", select(2, folder:read("hard", 100)))
    assert.matches("no regular file", select(2, folder:read("pipe", 100)))
    assert.is_nil((folder:replace("pipe", "")))
    assert.is_true(folder:replace("hard", "changed")) -- another file takes that name
    assert.equal("outside", outside:read "secret")
  end)

  it("keeps a file's mode, and leaves nothing behind", function()
    folder:create("file", "1")
    assert.equal("600\n", inside:run "stat -c %a file")
    inside:run "chmod 640 file"
    folder:replace("file", "2")
    assert.equal("640\n", inside:run "stat -c %a file")
    assert.is_nil((folder:create("file", "3")))
    assert.same({ "file" }, inside:names())
  end)

  it("leaves a file alone that nobody may write", function()
    folder:create("file", "kept")
    inside:run "chmod 444 file"
    assert.same({ nil, "Permission denied" }, { folder:replace("file", "changed") })
    assert.equal("kept", inside:read "file")
    assert.same({ "file" }, inside:names())
  end)

  it("measures more directories side by side than a path has names", function()
    for i = 1, 33 do
      folder:create("d" .. i .. "/f", "x")
    end
    assert.same({ 66, 33 }, { folder:measure(1000) })
  end)

  it("measures so many files and no more, with all that they hold", function()
    for i = 1, 3 do
      folder:create("d" .. i .. "/f", ("x"):rep(i))
    end
    assert.same({ 6, 6 }, { folder:measure(6) })
    assert.equal(6, (folder:measure(5)))
    assert.equal(1, (folder:measure(0)))
  end)

  it("measures what has a path of 32 names, and nothing below", function()
    inside:run("mkdir -p " .. ("a/"):rep(31) .. "b && printf 12 >" .. ("a/"):rep(31) .. "c")
    assert.same({ 33, 2 }, { folder:measure(100) })
    inside:run("printf 345 >" .. ("a/"):rep(31) .. "b/c")
    assert.same({ 33, 2 }, { folder:measure(100) })
  end)

  it("removes 64 directories inside each other, and leaves more", function()
    inside:run("mkdir -p " .. ("a/"):rep(64))
    assert.is_true(folder:remove "a")
    inside:run("mkdir -p " .. ("a/"):rep(65))
    assert.equal("it has too many directories inside each other", select(2, folder:remove "a"))
    assert.same({ "a" }, inside:names())
  end)

  it("tells why a directory stays, in the system's words", function()
    local empty = io.open "/proc/tty/ldisc"
    if not empty then
      pending "this system has no empty directory that nobody can remove"
      return
    end
    empty:close()
    local system = assert(core.folder "/proc/tty")
    local ok, words = system:remove "ldisc"
    assert.is_nil(ok)
    assert.equal(select(2, os.remove "/proc/tty/ldisc"):match ": ([^:]*)$", words)
    system:close()
  end)

  it("leaves the file that stands there where another cannot be written whole", function()
    folder:create("file", "old")
    local program = outside:write("program.lua", [[
      local folder = assert(require "anthropic.core".folder(arg[1]))
      for _, name in ipairs { "replace", "create" } do
        print(folder[name](folder, name == "replace" and "file" or "new", ("x"):rep(100000)))
      end
    ]])
    local pipe = assert(io.popen(("trap '' XFSZ; ulimit -f 16; exec %s %s %s 2>&1"):format(child.interpreter(), program,
      inside.root)))
    assert.equal(("nil\tFile too large\tnil\n"):rep(2), pipe:read "*a")
    pipe:close()
    assert.same({ "file" }, inside:names())
    assert.equal("old", inside:read "file")
  end)

  it("reads a file of so many bytes, and none of more", function()
    for _, size in ipairs { 0, 1, 4095, 4096, 4097, 70000 } do
      folder:create("f" .. size, ("x"):rep(size))
      assert.equal(size, #folder:read("f" .. size, size))
      if size > 0 then
        assert.is_nil((folder:read("f" .. size, size - 1)))
      end
    end
  end)

  it("may have the lowest descriptor, which standard input has left", function()
    local program = inside:write("program.lua", [[
      local core = require "anthropic.core"
      for i = 1, 2 do
        local folder = assert(core.folder(arg[1]))
        assert(folder:create("made" .. i, "x"))
        assert(folder:read("made" .. i, 1) == "x")
        folder:close()
        local again = assert(core.folder(arg[1])) -- its number is there again
        again:close()
      end
      print "done"
    ]])
    local pipe = assert(io.popen(("%s %s %s <&- 2>&1"):format(child.interpreter(), program, inside.root)))
    assert.equal("done\n", pipe:read "*a")
    pipe:close()
  end)

  it("leaves no descriptor open, whatever becomes of a path", function()
    local function try_all()
      folder:create("d/e/f", "x")
      for _, path in ipairs { "d/e/f", "d/e", "d", "none", "none/x", "d/e/f/g", "..", "a//b", ("a/"):rep(40) .. "a" } do
        folder:look(path)
        folder:read(path, 10)
        folder:read(path, 0)
        folder:list(path, 10)
        folder:create(path, "")
        folder:replace(path, "y")
        folder:rename(path, "d/e/f")
      end
      assert(core.folder(inside.root)):close()
      folder:measure(10)
      folder:measure(1)
      folder:remove "d"
      folder:remove "none"
    end
    try_all()
    collectgarbage() -- what other specs have left
    local before = core_peer.descriptors()
    for _ = 1, 3 do
      try_all()
    end
    assert.equal(before, core_peer.descriptors())
  end)
end)
