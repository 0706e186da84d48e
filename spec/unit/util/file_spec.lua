local background = require "spec.support.background"
local child = require "spec.support.child"
local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local directories = require "spec.support.directory"

describe("a file that is read", function()
  local directory

  before_each(function()
    directory = directories.new()
  end)

  after_each(function()
    directory:remove()
  end)

  it("gives its beginning, 64 bytes at most", function()
    for size = 0, 70 do
      local bytes = ("\0a\255"):rep(30):sub(1, size)
      assert.equal(bytes:sub(1, 64), core.file_head(directory:write("file", bytes)))
    end
  end)

  it("may be reached by a symbolic link", function()
    directory:write("file", "content")
    directory:run "ln -s file link"
    assert.equal("content", core.file_head(directory:path "link"))
  end)

  describe("is refused at once", function()
    local function problem_of(path)
      local refusals = {}
      for i, read in ipairs { core.file_head, core.base64_file } do
        local text, message = read(path)
        assert.is_nil(text)
        assert.equal("cannot read " .. path .. ": ", message:sub(1, 14 + #path))
        refusals[i] = message:sub(15 + #path)
      end
      assert.equal(refusals[1], refusals[2])
      return refusals[1]
    end

    it("where it is a directory", function()
      assert.equal("it is a directory", problem_of(directory.root))
      directory:run "ln -s . link"
      assert.equal("it is a directory", problem_of(directory:path "link"))
    end)

    it("where it is a pipe or a device", function()
      directory:run "mkfifo pipe"
      local before = core.now()
      assert.equal("it is no regular file", problem_of(directory:path "pipe"))
      assert.equal("it is no regular file", problem_of "/dev/null")
      assert.equal("it is no regular file", problem_of "/dev/zero")
      assert.is_true(core.now() - before < 2)
    end)

    it("where the system says why", function()
      assert.equal("No such file or directory", problem_of(directory:path "none"))
      assert.equal("No such file or directory", problem_of "")
      directory:write("file", "content")
      assert.equal("Not a directory", problem_of(directory:path "file/below"))
      directory:run "ln -s loop loop"
      assert.equal(select(2, io.open(directory:path "loop")):match ": ([^:]*)$", problem_of(directory:path "loop"))
      if background.output_of "id -u" ~= "0\n" then
        directory:run "chmod 000 file"
        assert.equal("Permission denied", problem_of(directory:path "file"))
      end
    end)

    it("where its path contains NUL", function()
      assert.same({ nil, "cannot read a: the path contains NUL" }, { core.file_head "a\0b" })
    end)
  end)

  it("raises for what is no path", function()
    assert.has_error(function() core.file_head() end)
    assert.has_error(function() core.file_head {} end)
  end)

  it("that says it is larger than it is has become shorter", function()
    -- the size that this file claims is that of a page, whatever is in it
    local path = "/sys/kernel/notes"
    local found
    for _, candidate in ipairs { "/sys/kernel/fscaps", "/sys/kernel/uevent_seqnum", "/sys/kernel/profiling" } do
      local file = io.open(candidate)
      if file then
        found = candidate
        file:close()
      end
    end
    if not found then
      pending("this system has no such file as " .. path)
      return
    end
    assert.same({ nil, "cannot read " .. found .. ": it became shorter" }, { core.base64_file(found) })
  end)

  it("may have the lowest descriptor, which standard input has left", function()
    local program = directory:write("program.lua", [[
      local core = require "anthropic.core"
      for _ = 1, 3 do
        io.write(assert(core.file_head(arg[1] .. "/file")), " ", assert(core.base64_file(arg[1] .. "/file")), " ")
        assert(not core.file_head(arg[1]))
        local pipe = assert(io.popen "ls -l /proc/$PPID/fd 2>/dev/null") -- an end of its own goes meanwhile
        io.write(select(2, pipe:read("*a"):gsub(arg[1] .. "\n", "")), "\n") -- refused, and left open
        pipe:close()
      end
    ]])
    directory:write("file", "foo")
    local pipe = assert(io.popen(("%s %s %s <&- 2>&1"):format(child.interpreter(), program, directory.root)))
    assert.equal(("foo Zm9v 0\n"):rep(3), pipe:read "*a")
    pipe:close()
  end)

  it("is closed again, read or refused", function()
    local file, pipe = directory:write("file", ("x"):rep(100)), directory:path "pipe"
    directory:run "mkfifo pipe"
    local before = core_peer.descriptors()
    for _ = 1, 3 do
      core.file_head(file)
      core.base64_file(file)
      core.file_head(pipe)
      core.base64_file(directory.root)
      core.base64_file(directory:path "none")
    end
    assert.equal(before, core_peer.descriptors())
  end)
end)
