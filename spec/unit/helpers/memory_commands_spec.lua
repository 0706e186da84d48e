-- The memory tool's commands on a folder; spec/behaviour/memory_tool_spec.lua holds what the model is told.

local core = require "anthropic.core"
local directories = require "spec.support.directory"
local json = require "anthropic.base.json"
local memory_commands = require "anthropic.helpers.memory_commands"

describe("the commands of the memory tool", function()
  local directory, folder, limits

  before_each(function()
    directory = directories.new()
    folder = assert(core.folder(directory.root))
    limits = { file_bytes = 100, bytes = 150, files = 3 }
  end)

  after_each(function()
    folder:close()
    directory:remove()
  end)

  local function run(command, fields)
    fields = fields or {}
    fields.command = command
    return memory_commands.new(folder, limits):run(fields)
  end

  local function problem(...)
    local text, message = run(...)
    assert.is_nil(text)
    return message
  end

  it("have each input of its kind, and a name", function()
    local commands = memory_commands.new(folder, limits)
    for _, input in ipairs { 7, {}, { command = 7 } } do
      assert.same({ nil, "This is not a command of the memory tool" }, { commands:run(input) })
    end
    assert.equal("undo is not a command of the memory tool", problem("undo", { path = "/memories/a" }))
    for _, case in ipairs {
      { "view", {}, "path" }, { "create", { path = "/memories/a" }, "file_text" },
      { "create", { path = "/memories/a", file_text = json.null }, "file_text" },
      { "str_replace", { path = "/memories/a", old_str = 1 }, "old_str" },
      { "str_replace", { path = "/memories/a", old_str = "a", new_str = 1 }, "new_str" },
      { "insert", { path = "/memories/a", insert_line = 0.5, insert_text = "" }, "insert_line" },
      { "insert", { path = "/memories/a", insert_line = 2 ^ 53, insert_text = "" }, "insert_line" },
      { "rename", { old_path = "/memories/a" }, "new_path" },
    } do
      assert.equal(("Invalid `%s` parameter of %s"):format(case[3], case[1]), problem(case[1], case[2]))
    end
  end)

  it("have paths below /memories", function()
    for _, path in ipairs { "", "/", "/memory", "/memories2/a", "memories/a", "/tmp" } do
      assert.equal("Path must start with /memories, got: " .. path, problem("view", { path = path }))
    end
    for _, path in ipairs { "/memories/..", "/memories/a/../b", "/memories/a\0b" } do
      assert.equal(("Path %s would escape /memories directory"):format(path), problem("view", { path = path }))
    end
    directory:write("a", "x")
    assert.is_string(run("view", { path = "/memories/./a" }))
    assert.is_string(run("view", { path = "/memories//a" }))
    assert.is_string(run("view", { path = "/memories/" }))
  end)

  it("show a range of lines, as far as it is there", function()
    directory:write("a", "1\n2\n3\0x\n4")
    local function view(range)
      local text = assert(run("view", { path = "/memories/a", view_range = range }))
      return text:match ":\n(.*)$"
    end
    assert.equal("     1\t1\n     2\t2\n     3\t3\0x\n     4\t4", view(nil))
    assert.equal(view(nil), view(json.null))
    assert.equal("     2\t2", view { 2, 2 })
    assert.equal("     3\t3\0x\n     4\t4", view { 3, -1 })
    assert.equal("     1\t1", view { -5, 1 })
    assert.equal("     4\t4", view { 4, 99 })
    assert.equal("", view { 5, 9 })
    for _, range in ipairs { 7, {}, { 1 }, { 1, "2" }, { 1.5, 2 } } do
      assert.equal("Invalid `view_range` parameter: a list of two line numbers expected",
        problem("view", { path = "/memories/a", view_range = range }))
    end
  end)

  it("show no file of more lines than can be numbered", function()
    limits.file_bytes = 1e6
    directory:write("a", ("\n"):rep(999998))
    assert.matches("Invalid `view_range`", problem("view", { path = "/memories/a", view_range = 7 }), 1, true)
    directory:write("a", ("\n"):rep(999999))
    assert.equal("File /memories/a has too many lines (1000000). Maximum is 999999 lines.",
      problem("view", { path = "/memories/a", view_range = 7 }))
  end)

  it("show sizes in the largest unit, and two levels", function()
    limits.file_bytes = 1e6
    directory:run "mkdir -p d/e/f node_modules .hidden && touch d/e/f/deep node_modules/x && ln -s d link"
    directory:write("a", ("x"):rep(1023))
    directory:write("b", ("x"):rep(1024))
    directory:write("c", ("x"):rep(1025))
    local text = assert(run("view", { path = "/memories" }))
    assert.matches("Here're the files and directories up to 2 levels deep in /memories, excluding hidden items and "
      .. "node_modules:\n", text, 1, true)
    assert.equal(text, run("view", { path = "/memories//" }))
    local names = {}
    for size, name in text:gmatch "\n([^\t\n]+)\t([^\n]+)" do
      names[#names + 1] = name:find "/$" and name or size .. " " .. name
    end
    table.remove(names, 1)
    assert.same({ "1023B /memories/a", "1K /memories/b", "1.0K /memories/c", "/memories/d/", "/memories/d/e/" }, names)
  end)

  it("show no size in a larger unit than gigabytes", function()
    local vast = {
      look = function() return "directory", 2 ^ 50 end,
      list = function() return { { "a", "file", 2 ^ 40 }, { "b", "file", 2 ^ 40 - 2 ^ 29 } } end,
    }
    assert.matches("\n1048576G\t/memories\n1024G\t/memories/a\n1023.5G\t/memories/b",
      memory_commands.new(vast, limits):run { command = "view", path = "/memories" }, 1, true)
  end)

  it("show no directory as empty that cannot be read", function()
    local broken = { [""] = true }
    local locked = {
      look = function() return "directory", 10 end,
      list = function(_, path)
        if broken[path] then
          return nil, "Too many open files"
        end
        return { { "a", "directory", 20 }, { "b", "file", 3 } }
      end,
    }
    local commands = memory_commands.new(locked, limits)
    assert.same({ nil, "The path /memories cannot be used: Too many open files" },
      { commands:run { command = "view", path = "/memories" } })
    broken = { a = true }
    assert.matches("\n10B\t/memories\n20B\t/memories/a/ [cannot be read: Too many open files]\n3B\t/memories/b",
      commands:run { command = "view", path = "/memories" }, 1, true)
  end)

  it("show a thousand lines, that of the directory among them, and say that there are more", function()
    directory:run "mkdir many && cd many && seq -f %04g 1 999 | xargs touch"
    local text = assert(run("view", { path = "/memories/many" }))
    assert.is_truthy(text:find("/memories/many/0999", 1, true))
    assert.is_nil(text:find("[cut", 1, true))
    directory:run "touch many/0000"
    text = assert(run("view", { path = "/memories/many/" }))
    assert.is_nil(text:find("/0999", 1, true))
    assert.matches("/0997\n[^\n]*/0998\n%[cut: more than 1000 entries%]$", text)
  end)

  it("create up to the limits, and nothing that is there", function()
    assert.is_string(run("create", { path = "/memories/a", file_text = ("x"):rep(100) }))
    assert.equal("File /memories/a already exists", problem("create", { path = "/memories/a", file_text = "" }))
    assert.equal("File /memories/b was not created: the file would have 101 bytes; at most 100 are allowed",
      problem("create", { path = "/memories/b", file_text = ("x"):rep(101) }))
    assert.equal("File /memories/b was not created: the directory would have more than 150 bytes",
      problem("create", { path = "/memories/b", file_text = ("x"):rep(51) }))
    assert.is_string(run("create", { path = "/memories/b", file_text = ("x"):rep(50) }))
    assert.is_string(run("create", { path = "/memories/c", file_text = "" }))
    assert.equal("File /memories/d was not created: the directory is full: at most 3 files are allowed",
      problem("create", { path = "/memories/d", file_text = "" }))
    assert.equal("File /memories already exists", problem("create", { path = "/memories", file_text = "" }))
  end)

  it("count the directories on the way to what they create or rename", function()
    local full = "the directory is full: at most 3 files are allowed"
    assert.equal("File /memories/a/b/c/d was not created: " .. full,
      problem("create", { path = "/memories/a/b/c/d", file_text = "" }))
    assert.same({}, directory:names())
    assert.is_string(run("create", { path = "/memories/a/b", file_text = "" }))
    assert.is_string(run("rename", { old_path = "/memories/a/b", new_path = "/memories/c/b" }))
    assert.equal("/memories/c/b was not renamed: " .. full,
      problem("rename", { old_path = "/memories/c/b", new_path = "/memories/d/b" }))
    assert.same({ "a", "c" }, directory:names())
    assert.is_string(run("rename", { old_path = "/memories/c/b", new_path = "/memories/a/b" }))
  end)

  it("may make a file smaller where there is more than there may be", function()
    directory:write("a", "xx")
    directory:write("b", ("y"):rep(200))
    assert.is_string(run("str_replace", { path = "/memories/a", old_str = "xx", new_str = "x" }))
    assert.equal("The file /memories/a was not changed: the directory would have more than 150 bytes",
      problem("str_replace", { path = "/memories/a", old_str = "x", new_str = "xx" }))
  end)

  it("replace what is there once", function()
    directory:write("a", "one\ntwo\nthree\nfour\nfive\nsix")
    local function replace(old, new)
      return run("str_replace", { path = "/memories/a", old_str = old, new_str = new })
    end
    assert.equal("     2\ttwo\n     3\tthree\n     4\t4\n     5\tfive\n     6\tsix",
      (replace("four", "4"):match ":\n(.*)$"))
    assert.equal("     1\to%e\n     2\ttwo\n     3\tthree", (replace("ne", "%e"):match ":\n(.*)$"))
    assert.is_string(replace("six", json.null))
    assert.equal("o%e\ntwo\nthree\n4\nfive\n", directory:read "a")
    local _, message = replace("e", "")
    assert.matches("Multiple occurrences of old_str `e` in lines: 1, 3, 5. Please", message, 1, true)
    directory:write("b", "\ne\n\ne")
    _, message = run("str_replace", { path = "/memories/b", old_str = "e", new_str = "" })
    assert.matches("in lines: 2, 4. Please", message, 1, true)
    assert.matches("`` did not appear verbatim", select(2, replace("", "x")), 1, true)
    assert.matches("`TWO` did not appear", select(2, replace("TWO", "x")), 1, true)
    assert.equal("The path /memories is not a file.", problem("str_replace", { path = "/memories", old_str = "a" }))
    limits.file_bytes = 21
    _, message = replace("two", "four")
    assert.matches("The file /memories/a was not changed: the file would have 22 bytes", message, 1, true)
    limits.file_bytes = 22
    assert.is_string((replace("two", "four")))
  end)

  it("count a line's end to the line, and name a hundred places at most", function()
    directory:write("a", "1\n2\n3\n4\n5\n6")
    local text = assert(run("str_replace", { path = "/memories/a", old_str = "\n5", new_str = "\nfive" }))
    assert.equal("     2\t2\n     3\t3\n     4\t4\n     5\tfive\n     6\t6", text:match ":\n(.*)$")
    limits.file_bytes = 1000
    directory:write("b", ("e\n"):rep(101))
    assert.matches("in lines: 1, 2, .*, 99, 100%. Please",
      problem("str_replace", { path = "/memories/b", old_str = "e", new_str = "" }))
  end)

  it("replace what finds room in the place of the old", function()
    directory:write("a", ("x"):rep(79) .. "y")
    directory:write("b", ("x"):rep(69))
    local function replace(old, new)
      return run("str_replace", { path = "/memories/a", old_str = old, new_str = new })
    end
    assert.is_string((replace("y", "yz")))
    assert.equal("The file /memories/a was not changed: the directory would have more than 150 bytes",
      select(2, replace("z", "zz")))
  end)

  it("insert behind a line", function()
    directory:write("a", "1\n2")
    local function insert(line, text)
      return run("insert", { path = "/memories/a", insert_line = line, insert_text = text })
    end
    assert.is_string(insert(2, "3\n"))
    assert.is_string(insert(0, "0"))
    assert.is_string(insert(1, "x\n\n"))
    assert.equal("0\nx\n\n1\n2\n3", directory:read "a")
    for _, line in ipairs { -1, 7 } do
      assert.equal(("Invalid `insert_line` parameter: %d. It should be within the range of lines of the file: [0, 6]")
        :format(line), select(2, insert(line, "y")))
    end
    assert.is_string(insert(6, "4"))
    assert.equal("The path /memories/b does not exist. Please provide a valid path.",
      problem("insert", { path = "/memories/b", insert_line = 0, insert_text = "" }))
  end)

  it("delete and rename, but not the directory itself", function()
    directory:write("a", "x")
    directory:write("b", "y")
    assert.equal("Cannot delete the /memories directory itself", problem("delete", { path = "/memories/" }))
    assert.equal("The path /memories/c does not exist", problem("delete", { path = "/memories/c" }))
    local function rename(from, to)
      return run("rename", { old_path = from, new_path = to })
    end
    assert.equal("Cannot rename the /memories directory itself", select(2, rename("/memories", "/memories/c")))
    assert.equal("The destination /memories already exists", select(2, rename("/memories/a", "/memories")))
    assert.equal("The destination /memories/b already exists", select(2, rename("/memories/a", "/memories/b")))
    assert.equal("The path /memories/c does not exist", select(2, rename("/memories/c", "/memories/d")))
    assert.equal("Path must start with /memories, got: /tmp/x", select(2, rename("/memories/a", "/tmp/x")))
    assert.equal("Successfully renamed /memories/a to /memories/n/a", (rename("/memories/a", "/memories/n/a")))
    assert.equal("x", directory:read "n/a")
    assert.equal("Successfully deleted /memories/n", (run("delete", { path = "/memories/n" })))
    assert.same({ "b" }, directory:names())
  end)
end)
