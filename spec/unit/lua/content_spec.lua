-- What content blocks are made of: core.file_head, core.file_bytes, core.base64_file, core.whole_path, core.base64 and
-- core.is_text.

local abilities = require "spec.support.abilities"
local background = require "spec.support.background"
local core = require "anthropic.core"
local temporary = require "spec.support.directory"

local mime_found, mime = pcall(require, "mime")

local function count_and_pack(...)
  return { n = select("#", ...), ... }
end

-- So many bytes, all different values in turn.
local function bytes_of(count)
  local all = {}
  for i = 0, 255 do
    all[i + 1] = string.char(i * 7 % 256)
  end
  local block = table.concat(all)
  return block:rep(math.floor(count / 256)) .. block:sub(1, count % 256)
end

describe("a whole path", function()
  it("begins in the root, whether something stands there or not", function()
    local here = background.output_of("pwd -P"):match "[^\n]+"
    assert.equal(here .. "/a/../b", core.whole_path "a/../b")
    assert.equal("/a/./b", core.whole_path "/a/./b")
  end)

  it("is the path as it was passed if that is empty, or the whole one would be too long", function()
    for _, path in ipairs { "", ("x"):rep(4094) } do
      assert.equal(path, core.whole_path(path))
    end
  end)

  it("is the path as it is where the current directory is gone", function()
    if not abilities then
      pending "this needs a change of the current directory"
    end
    local before, directory = background.output_of("pwd"):match "[^\n]+", temporary.new()
    abilities.change_directory(directory.root)
    directory:remove()
    local path = core.whole_path "a"
    abilities.change_directory(before)
    assert.equal("a", path)
  end)
end)

describe("a file", function()
  local directory

  setup(function()
    directory = temporary.new()
  end)

  teardown(function()
    directory:remove()
  end)

  local function both(path, expected)
    for _, name in ipairs { "file_head", "file_bytes", "base64_file" } do
      assert.same({ n = 2, nil, expected }, count_and_pack(core[name](path)))
    end
  end

  it("that cannot be read gives nil and words with its path", function()
    local missing = directory:path "missing"
    both(missing, "cannot read " .. missing .. ": No such file or directory")
    both(directory.root, "cannot read " .. directory.root .. ": it is a directory")
    both("/dev/null", "cannot read /dev/null: it is no regular file")
    both("", "cannot read : No such file or directory")
    both("a\0b", "cannot read a: the path contains NUL")
    both("\0", "cannot read : the path contains NUL")
    directory:write("there", "x")
    both(directory:path "there" .. "\0", "cannot read " .. directory:path "there" .. ": the path contains NUL")
  end)

  it("that ends before its size says gives nil and words", function()
    local path = "/sys/devices/system/cpu/online" -- a page by its size, some bytes when it is read
    local file = io.open(path)
    if not file then
      pending "this system has no such file"
      return
    end
    file:close()
    both(path, "cannot read " .. path .. ": it became shorter")
  end)

  it("must have a path that is a string", function()
    for _, name in ipairs { "file_head", "file_bytes", "base64_file" } do
      assert.error_matches(function() core[name] {} end, "bad argument #1 to '.*' %(string expected, got table%)")
      assert.error_matches(function() core[name]() end, "bad argument #1 to '.*' %(string expected")
    end
  end)

  it("has a head of 64 bytes at most", function()
    for _, size in ipairs { 0, 1, 63, 64, 65, 1000 } do
      local bytes = bytes_of(size)
      assert.same({ n = 1, bytes:sub(1, 64) }, count_and_pack(core.file_head(directory:write("head", bytes))))
    end
  end)

  it("is read whole, as its bytes are", function()
    for _, size in ipairs { 0, 1, 64, 65, 200000 } do
      local bytes = bytes_of(size)
      local results = count_and_pack(core.file_bytes(directory:write("file", bytes)))
      assert.equal(1, results.n)
      assert.is_true(results[1] == bytes, size)
    end
  end)

  it("in base64 is what its bytes are in base64", function()
    for _, size in ipairs { 0, 1, 2, 3, 4, 100, 49151, 49152, 49153, 98304, 98305, 200000 } do
      local bytes = bytes_of(size)
      local results = count_and_pack(core.base64_file(directory:write("file", bytes)))
      assert.equal(1, results.n)
      assert.is_true(results[1] == core.base64(bytes), size)
    end
  end)

  it("does not stay open", function()
    local path = directory:write("file", "text")
    local function open_files()
      return tonumber((directory:run "ls /proc/$PPID/fd | wc -l"))
    end
    local before = open_files()
    for _ = 1, 50 do
      core.file_head(path)
      core.file_bytes(path)
      core.base64_file(path)
      core.file_head(directory.root)
      core.file_bytes(directory.root)
      core.base64_file(directory.root)
    end
    assert.is_true(open_files() < before + 50) -- this program's own come and go
  end)
end)

describe("base64", function()
  it("is as it should be", function()
    for bytes, text in pairs {
      [""] = "", ["f"] = "Zg==", ["fo"] = "Zm8=", ["foo"] = "Zm9v", ["foob"] = "Zm9vYg==", ["fooba"] = "Zm9vYmE=",
      ["foobar"] = "Zm9vYmFy", ["\0"] = "AA==", ["\0\0\0"] = "AAAA",
      ["\255\255\255"] = "////", ["\251\239\190"] = "++++",
    } do
      assert.same({ n = 1, text }, count_and_pack(core.base64(bytes)))
    end
    if mime_found then
      for size = 0, 300 do
        assert.equal((mime.b64(bytes_of(size))) or "", core.base64(bytes_of(size)))
      end
    end
  end)

  it("raises for what are no bytes", function()
    assert.error_matches(function() core.base64 {} end, "bad argument #1 to '.*' %(string expected, got table%)")
    assert.error_matches(function() core.base64() end, "bad argument #1 to '.*' %(string expected, got no value%)")
  end)
end)

describe("text", function()
  it("is UTF-8 without NUL", function()
    for _, text in ipairs { "", "a", "\1\127", "é", "é日本😀x", "\239\187\191x", ("x"):rep(100) .. "é" .. ("y"):rep(100),
      "\244\143\191\191" } do
      assert.same({ n = 1, true }, count_and_pack(core.is_text(text)))
    end
    for _, bytes in ipairs { "\0", "a\0", "\0a", "\255", "a\128", "\195", "é\195", "\237\160\128", "\192\128",
      ("x"):rep(100) .. "\0", ("x"):rep(100) .. "\255" .. ("y"):rep(100), "é\0", "\0\255" } do
      assert.same({ n = 1, false }, count_and_pack(core.is_text(bytes)))
    end
  end)

  it("raises for what are no bytes", function()
    assert.error_matches(function() core.is_text {} end, "bad argument #1 to '.*' %(string expected, got table%)")
    assert.error_matches(function() core.is_text() end, "bad argument #1 to '.*' %(string expected, got no value%)")
  end)
end)
