-- anthropic.memory_tool: the commands of the API's memory tool on a directory. The first rows of the table are the
-- subjects that the vendor's SDK for TypeScript tests of its own (BetaLocalFilesystemMemoryTool.test.ts).

local anthropic = require "anthropic"
local core = require "anthropic.core"
local directories = require "spec.support.directory"
local played_cases = require "spec.support.played_cases"
local testing = require "anthropic.testing"

local LIST = "Here're the files and directories up to 2 levels deep in %s, excluding hidden items and node_modules:\n"
local MISSING = "The path %s does not exist. Please provide a valid path."

local function command(name, fields)
  local input = { command = name }
  for key, value in pairs(fields) do
    input[key] = value
  end
  return input
end

local function view(path, range)
  return command("view", { path = path, view_range = range })
end

local function create(path, text)
  return command("create", { path = path, file_text = text or "x" })
end

local function replace(path, old, new)
  return command("str_replace", { path = path, old_str = old, new_str = new })
end

local function insert(path, line, text)
  return command("insert", { path = path, insert_line = line, insert_text = text })
end

local function rename(from, to)
  return command("rename", { old_path = from, new_path = to })
end

local function delete(path)
  return command("delete", { path = path })
end

-- Each: the subject; the files before; the commands; what the last one says (a failure: a table of it); the files then.
local SUBJECTS = {
  { "create: a file", {}, { create("/memories/a.txt", "Hello") },
    "File created successfully at: /memories/a.txt", { ["a.txt"] = "Hello" } },
  { "create: nested directories", {}, { create("/memories/a/b/c.txt", "deep") },
    "File created successfully at: /memories/a/b/c.txt", { ["a/b/c.txt"] = "deep" } },
  { "create: refused if the file exists", { ["a.txt"] = "old" }, { create("/memories/a.txt", "new") },
    { "File /memories/a.txt already exists" }, { ["a.txt"] = "old" } },
  { "view: a file with line numbers", { ["a.txt"] = "one\ntwo" }, { view "/memories/a.txt" },
    "Here's the content of /memories/a.txt with line numbers:\n     1\tone\n     2\ttwo" },
  { "view: a directory", { ["a.txt"] = "12", ["d/b.txt"] = ("x"):rep(1536), ["d/e/f.txt"] = "", [".h"] = "" },
    { view "/memories" },
    LIST:format "/memories" .. "4K\t/memories\n2B\t/memories/a.txt\n4K\t/memories/d/\n"
      .. "1.5K\t/memories/d/b.txt\n4K\t/memories/d/e/" },
  { "view: a file with a range", { ["a.txt"] = "1\n2\n3\n4" }, { view("/memories/a.txt", { 2, 3 }) },
    "Here's the content of /memories/a.txt with line numbers:\n     2\t2\n     3\t3" },
  { "view: a file that is not there", {}, { view "/memories/a.txt" }, { MISSING:format "/memories/a.txt" } },
  { "view: a file with too many lines", { ["a.txt"] = ("\n"):rep(999999) }, { view "/memories/a.txt" },
    { "File /memories/a.txt has too many lines (1000000). Maximum is 999999 lines." } },
  { "str_replace: a text", { ["a.txt"] = "one\ntwo\nthree\nfour\nfive" }, { replace("/memories/a.txt", "three", "3") },
    "The memory file has been edited. Here is the snippet showing the change (with line numbers):\n"
      .. "     1\tone\n     2\ttwo\n     3\t3\n     4\tfour\n     5\tfive",
    { ["a.txt"] = "one\ntwo\n3\nfour\nfive" } },
  { "str_replace: a text that is not there", { ["a.txt"] = "one" }, { replace("/memories/a.txt", "two", "2") },
    { "No replacement was performed, old_str `two` did not appear verbatim in /memories/a.txt." } },
  { "str_replace: a text that is there twice", { ["a.txt"] = "x\ny\nx" }, { replace("/memories/a.txt", "x", "z") },
    { "No replacement was performed. Multiple occurrences of old_str `x` in lines: 1, 3. Please ensure it is unique" },
    { ["a.txt"] = "x\ny\nx" } },
  { "str_replace: a file that is not there", {}, { replace("/memories/a.txt", "x", "y") },
    { MISSING:format "/memories/a.txt" } },
  { "insert: at a line", { ["a.txt"] = "one\nthree" }, { insert("/memories/a.txt", 1, "two\n") },
    "The file /memories/a.txt has been edited.", { ["a.txt"] = "one\ntwo\nthree" } },
  { "insert: at the beginning", { ["a.txt"] = "two" }, { insert("/memories/a.txt", 0, "one") },
    "The file /memories/a.txt has been edited.", { ["a.txt"] = "one\ntwo" } },
  { "insert: at the end", { ["a.txt"] = "one" }, { insert("/memories/a.txt", 1, "two") },
    "The file /memories/a.txt has been edited.", { ["a.txt"] = "one\ntwo" } },
  { "insert: into a file that is not there", {}, { insert("/memories/a.txt", 0, "x") },
    { MISSING:format "/memories/a.txt" } },
  { "insert: at a line that is none", { ["a.txt"] = "one" }, { insert("/memories/a.txt", 2, "x") },
    { "Invalid `insert_line` parameter: 2. It should be within the range of lines of the file: [0, 1]" },
    { ["a.txt"] = "one" } },
  { "delete: a file", { ["a.txt"] = "", ["b.txt"] = "" }, { delete "/memories/a.txt" },
    "Successfully deleted /memories/a.txt", { ["b.txt"] = "" } },
  { "delete: a directory", { ["d/a.txt"] = "", ["d/e/b.txt"] = "" }, { delete "/memories/d" },
    "Successfully deleted /memories/d", {} },
  { "delete: what is not there", {}, { delete "/memories/a.txt" }, { "The path /memories/a.txt does not exist" } },
  { "delete: not /memories itself", { ["a.txt"] = "" }, { delete "/memories" },
    { "Cannot delete the /memories directory itself" }, { ["a.txt"] = "" } },
  { "rename: a file", { ["a.txt"] = "1" }, { rename("/memories/a.txt", "/memories/b.txt") },
    "Successfully renamed /memories/a.txt to /memories/b.txt", { ["b.txt"] = "1" } },
  { "rename: to a nested path", { ["a.txt"] = "1" }, { rename("/memories/a.txt", "/memories/d/e/b.txt") },
    "Successfully renamed /memories/a.txt to /memories/d/e/b.txt", { ["d/e/b.txt"] = "1" } },
  { "rename: what is not there", {}, { rename("/memories/a.txt", "/memories/b.txt") },
    { "The path /memories/a.txt does not exist" } },
  { "rename: to what is there", { ["a.txt"] = "1", ["b.txt"] = "2" }, { rename("/memories/a.txt", "/memories/b.txt") },
    { "The destination /memories/b.txt already exists" }, { ["a.txt"] = "1", ["b.txt"] = "2" } },
  { "paths: not beginning with /memories", {}, { create "/etc/passwd" },
    { "Path must start with /memories, got: /etc/passwd" }, {} },
  { "paths: out of /memories", {}, { create "/memories/../../x" },
    { "Path /memories/../../x would escape /memories directory" }, {} },
  { "paths: beside it, with the same beginning", {}, { create "/memories_of_another/x" },
    { "Path must start with /memories, got: /memories_of_another/x" }, {} },

  -- What that has no test for.
  { "a text over several lines is replaced", { ["a.txt"] = "1\n2\n3\n4" },
    { replace("/memories/a.txt", "2\n3\n", "") },
    "The memory file has been edited. Here is the snippet showing the change (with line numbers):\n"
      .. "     1\t1\n     2\t4",
    { ["a.txt"] = "1\n4" } },
  { "a text that is there twice in one line is not replaced", { ["a.txt"] = "xx" },
    { replace("/memories/a.txt", "x", "") },
    { "No replacement was performed. Multiple occurrences of old_str `x` in lines: 1. Please ensure it is unique" } },
  { "an empty text is not replaced", { ["a.txt"] = "x" }, { replace("/memories/a.txt", "", "y") },
    { "No replacement was performed, old_str `` did not appear verbatim in /memories/a.txt." } },
  { "names and texts may be in any script", {},
    { create("/memories/ноты/梅 花.txt", "été\n"), view "/memories/ноты" },
    LIST:format "/memories/ноты" .. "4K\t/memories/ноты\n6B\t/memories/ноты/梅 花.txt", { ["ноты/梅 花.txt"] = "été\n" } },
  { "a path may have needless slashes and dots", {}, { create "/memories//./a/b", view "/memories/a/" },
    LIST:format "/memories/a" .. "4K\t/memories/a\n1B\t/memories/a/b" },
  { "/memories is not renamed, nor a destination", { a = "" }, { rename("/memories", "/memories/a") },
    { "Cannot rename the /memories directory itself" } },
  { "a command that there is not", {}, { command("fly", { path = "/memories" }) },
    { "fly is not a command of the memory tool" } },
}

describe("the memory tool", function()
  local whole, count = directories.new(), 0
  local directory, tool

  before_each(function()
    count = count + 1
    directory = setmetatable({ root = whole:path(count) }, getmetatable(whole))
    tool = assert(anthropic.memory_tool.new { dir = directory.root })
  end)

  teardown(function()
    whole:remove()
  end)

  local function files()
    local found = {}
    for name in directory:run("find . -type f | sed 's,^./,,'"):gmatch "[^\n]+" do
      found[name] = directory:read(name)
    end
    return found
  end

  for _, subject in ipairs(SUBJECTS) do
    it(subject[1], function()
      local folder = core.folder(directory.root)
      for name, text in pairs(subject[2]) do
        assert(folder:create(name, text))
      end
      local said
      for _, input in ipairs(subject[3]) do
        said = { tool.run(input) }
      end
      local expected = type(subject[4]) == "table" and { nil, subject[4][1] } or { subject[4] }
      -- A file system may have directories of another size.
      if said[1] then
        said[1] = said[1]:gsub("%d[%d.]*[BK](\t/[^\n]*/\n)", "4K%1"):gsub("%d[%d.]*[BK](\t/[^\n]*/)$", "4K%1")
          :gsub(":\n%d[%d.]*[BK]\t", ":\n4K\t", 1)
      end
      assert.same(expected, said)
      if subject[5] then
        assert.same(subject[5], files())
      end
    end)
  end

  it("follows no link out of its directory, and keeps its files for their owner", function()
    local outside = directories.new()
    outside:write("secret", "outside")
    directory:run(("ln -s %s out; ln -s %s/secret file; mkdir d; ln -s ../../ d/up"):format(outside.root, outside.root))
    for _, name in ipairs { "out", "out/secret", "file", "d/up", "d/up/x" } do
      local path = "/memories/" .. name
      for _, input in ipairs {
        view(path), create(path), create(path .. "/new"), replace(path, "o", "x"), insert(path, 0, "x"),
        rename(path, "/memories/moved"), rename("/memories/d", path .. "/d"),
      } do
        assert.is_nil((tool.run(input)))
      end
    end
    assert.same({ "secret" }, outside:names())
    assert.equal("outside", outside:read "secret")
    assert.is_nil((tool.run(view "/memories")):find("secret", 1, true))
    assert.is_nil((tool.run(view "/memories")):find("out", 1, true))
    tool.run(create "/memories/new/file")
    assert.equal("700\n600\n", directory:run "stat -c %a new new/file")
    outside:remove()
  end)

  it("shows a file as it is, and takes null for a text that is not there", function()
    tool.run(create("/memories/a", "x\0y\nz"))
    assert.equal("Here's the content of /memories/a with line numbers:\n     1\tx\0y\n     2\tz",
      tool.run(view "/memories/a"))
    assert.matches("\n     1\tx\n", (tool.run(replace("/memories/a", "\0y", anthropic.null))))
    assert.equal("x\nz", files().a)
  end)

  it("refuses inputs of any other shape", function()
    for _, value in ipairs { 5, true, {}, anthropic.null, 0 / 0, 1.5, -1 } do
      for _, input in ipairs {
        { command = value }, view(value), { command = "create", path = "/memories/a", file_text = value },
        { command = "create", path = value, file_text = "x" }, replace("/memories/a", value, "x"),
        rename("/memories/a", value), delete(value),
      } do
        local said, problem = tool.run(input)
        assert.is_nil(said)
        assert.is_string(problem)
      end
    end
    for _, input in ipairs { 5, "x", true, anthropic.null } do
      assert.same({ nil, "This is not a command of the memory tool" }, { tool.run(input) })
    end
    tool.run(create("/memories/a", "1"))
    for _, range in ipairs { "x", {}, { 1 }, { "1", 2 }, { 1.5, 2 }, { 0 / 0, 1 }, 5 } do
      assert.is_nil((tool.run(view("/memories/a", range))))
    end
    for _, range in ipairs { { -5, 9 }, { 3, 1 }, { 1, -1 }, { 5, 2 ^ 40 } } do
      assert.is_string((tool.run(view("/memories/a", range))))
    end
    for _, line in ipairs { "0", 0.5, -1, 0 / 0, 2 ^ 60 } do
      assert.is_nil((tool.run(insert("/memories/a", line, "x"))))
    end
  end)

  it("bounds a file, all files, and their number", function()
    local limits = { dir = directory.root, max_file_bytes = 10, max_bytes = 25, max_files = 3 }
    tool = assert(anthropic.memory_tool.new(limits))
    assert.is_nil((tool.run(create("/memories/a", ("x"):rep(11)))))
    assert(tool.run(create("/memories/a", ("x"):rep(10))))
    assert.is_nil((tool.run(insert("/memories/a", 0, "y"))))
    assert.is_nil((tool.run(replace("/memories/a", ("x"):rep(10), ("y"):rep(11)))))
    assert(tool.run(replace("/memories/a", ("x"):rep(10), ("y"):rep(10))))
    assert(tool.run(create("/memories/b", ("x"):rep(10))))
    assert.matches("more than 25 bytes", select(2, tool.run(create("/memories/c", ("x"):rep(6)))))
    assert(tool.run(create("/memories/c", "x")))
    assert.matches("at most 3 files", select(2, tool.run(create("/memories/d", "x"))))
    directory:write("large", ("x"):rep(100))
    assert.matches("too large", select(2, tool.run(view "/memories/large")))
  end)

  it("shows a part of a directory with very many files", function()
    directory:run "seq 1 1200 | xargs touch"
    local said = tool.run(view "/memories")
    assert.matches("cut: more than 1000 entries", said)
    assert.equal(1001, select(2, said:gsub("\n", "")))
  end)

  it("finds a text in time linear in both", function()
    local half = 100000
    directory:write("a", ("a"):rep(2 * half))
    assert.matches("did not appear", select(2, tool.run(replace("/memories/a", ("a"):rep(half) .. "b", ""))))
    assert.matches("Multiple", select(2, tool.run(replace("/memories/a", ("a"):rep(300), ""))))
    assert.matches("edited", (tool.run(replace("/memories/a", ("a"):rep(2 * half), "b"))))
    assert.equal("b", directory:read "a")
  end)

  it("says what is wrong with its options", function()
    for _, case in ipairs {
      { nil, "a table with dir expected" }, { {}, "a table with dir expected" },
      { { dir = 5 }, 'option "dir": string expected' }, { { dir = "x", max_file = 1 }, 'did you mean "max_files"' },
      { { dir = "x", max_bytes = 0.5 }, 'option "max_bytes": a whole number' },
    } do
      local ok, problem = pcall(anthropic.memory_tool.new, case[1])
      assert.is_false(ok)
      assert.truthy(problem:find(case[2], 1, true), problem)
    end
    local made, err = anthropic.memory_tool.new { dir = directory:write("file", "") }
    assert.is_nil(made)
    assert.equal("invalid_request", err.kind)
    assert.matches("cannot be opened: Not a directory", err.message)
  end)
end)

describe("the memory tool in a run", function()
  local directory = directories.new()
  local played = played_cases.new(it, teardown, {})

  teardown(function()
    directory:remove()
  end)

  played.case("is sent as the API defines it, and its results are read", {
    testing.message { tool_uses = {
      { name = "memory", input = create("/memories/a.txt", "one") },
      { name = "memory", input = view "/memories/a.txt" }, { name = "memory", input = view "/memories/b.txt" },
    } }, testing.message { text = "Done." },
  }, function()
    local tool = assert(anthropic.memory_tool.new { dir = directory.root, cache_control = { type = "ephemeral" } })
    assert(played.client.messages.run {
      model = "m", max_tokens = 10, tools = { tool }, messages = { { role = "user", content = "go" } },
    })
    local requests = played.requests()
    assert.same({ { type = "memory_20250818", name = "memory", cache_control = { type = "ephemeral" } } },
      requests[1].json.tools)
    local results = requests[2].json.messages[3].content
    assert.equal("File created successfully at: /memories/a.txt", results[1].content)
    assert.equal("Here's the content of /memories/a.txt with line numbers:\n     1\tone", results[2].content)
    assert.equal(MISSING:format "/memories/b.txt", results[3].content)
    assert.same({ nil, nil, true }, { results[1].is_error, results[2].is_error, results[3].is_error })
  end)
end)
