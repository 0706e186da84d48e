local abilities = require "spec.support.abilities"
local background = require "spec.support.background"
local child = require "spec.support.child"
local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local directories = require "spec.support.directory"
local exhaustion = require "spec.support.exhaustion"

local is_root = background.output_of "id -u" == "0\n"

describe("a sink", function()
  local directory, path, loop, peer

  before_each(function()
    directory = directories.new()
    path = directory:path "file"
    loop, peer = core.loop(), core_peer.listen()
  end)

  after_each(function()
    loop:close()
    peer:close()
    directory:run "chmod -R u+w ."
    directory:remove()
  end)

  -- Writes by way of an answer.
  local function write(sink, bytes)
    local transfer = core_peer.start(loop, peer, { sink = sink })
    local connection = peer:accept(loop)
    connection:send(core_peer.head_of(#bytes) .. bytes)
    core_peer.finish(loop, transfer)
    connection:close()
    transfer:close()
  end

  local function mode_of(name)
    return directory:run("stat -c %a " .. name):match "%d+"
  end

  it("puts its file in its place when it is complete, and not before", function()
    local sink = assert(core.sink(path))
    assert.equal(0, sink:length())
    local names = directory:names()
    assert.equal(1, #names)
    assert.matches("^file%.%x+%.part$", names[1])
    write(sink, "content")
    assert.equal(7, sink:length())
    assert.is_nil(io.open(path))
    assert.is_true(sink:commit())
    assert.same({ "file" }, directory:names())
    assert.equal("content", directory:read "file")
  end)

  it("puts it where its path led at first, whatever the current directory becomes", function()
    if not abilities then
      pending "this needs a change of the current directory"
    end
    local before = background.output_of("pwd"):match "[^\n]+"
    directory:run "mkdir here there"
    abilities.change_directory(directory:path "here")
    local sink = core.sink "file"
    abilities.change_directory(directory:path "there")
    local ok = sink and sink:commit()
    abilities.change_directory(before)
    assert.is_true(ok)
    assert.equal("./here/file\n", directory:run "find . -type f")
  end)

  it("takes a name as long as the longest, by a temporary one of whole characters", function()
    for _, character in ipairs { "a", "\195\164", "\226\130\172" } do
      for _, length in ipairs { 224, 225, 226, 227, 228, 229, 255 } do
        local name = ("x"):rep(length % #character) .. character:rep(math.floor(length / #character))
        local sink = assert(core.sink(directory:path(name)))
        local kept = directory:names()[1]:match "^(.*)%.%x+%.part$"
        assert.equal(kept, name:sub(1, #kept))
        assert.equal("", (kept:gsub("^x*", ""):gsub(character, "")))
        assert.is_true(sink:commit())
        assert.same({ name }, directory:names())
        assert(os.remove(directory:path(name)))
      end
    end
  end)

  it("takes a single byte", function()
    local sink = assert(core.sink(path))
    write(sink, "x")
    assert.equal(1, sink:length())
    assert.is_true(sink:commit())
    assert.equal("x", directory:read "file")
  end)

  it("may have the lowest descriptor, which standard input has left", function()
    directory:write("old", "old")
    directory:run "chmod 640 old"
    local program = directory:write("program.lua", [[
      local core = require "anthropic.core"
      for _, name in ipairs { "new", "old" } do
        local sink = assert(core.sink(arg[1] .. "/" .. name))
        assert(sink:commit())
        assert(core.sink(arg[1] .. "/" .. name)):close()
      end
      print "done"
    ]])
    local pipe = assert(io.popen(("%s %s %s <&- 2>&1"):format(child.interpreter(), program, directory.root)))
    assert.equal("done\n", pipe:read "*a")
    pipe:close()
    assert.same({ "new", "old", "program.lua" }, directory:names())
    assert.equal("640", mode_of "old")
  end)

  it("makes an empty file of no bytes", function()
    assert.is_true(core.sink(path):commit())
    assert.equal("", directory:read "file")
  end)

  it("leaves nothing when it is closed or nobody holds it any more", function()
    local sink = assert(core.sink(path))
    write(sink, "content")
    sink:close()
    assert.same({}, directory:names())
    assert(core.sink(path))
    collectgarbage()
    collectgarbage()
    assert.same({}, directory:names())
  end)

  it("may be closed twice, and after its commit", function()
    local sink = assert(core.sink(path))
    assert.is_true(sink:commit())
    sink:close()
    sink:close()
    assert.same({ nil, "it is closed" }, { sink:commit() })
    assert.equal("", directory:read "file")
    sink = assert(core.sink(path))
    sink:close()
    assert.same({ nil, "it is closed" }, { sink:commit() })
    assert.equal(0, sink:length())
  end)

  it("begins anew with each answer", function()
    local sink = assert(core.sink(path))
    write(sink, "a long beginning")
    write(sink, "short")
    assert.equal(5, sink:length())
    assert.is_true(sink:commit())
    assert.equal("short", directory:read "file")
  end)

  it("gives a new file the mode that the system gives", function()
    local umask = directory:run "umask":match "%d+"
    assert.is_true(core.sink(path):commit())
    assert.equal(("%03o"):format(438 - tonumber(umask, 8)), mode_of "file") -- 0666
  end)

  it("keeps the mode of the file that it replaces", function()
    for _, mode in ipairs { "600", "640", "755", "777", is_root and "0" or nil } do
      directory:write("file", "old")
      directory:run("chmod " .. mode .. " file")
      local sink = assert(core.sink(path))
      assert.equal("old", directory:read "file")
      assert.is_true(sink:commit())
      assert.equal(mode, mode_of "file")
      assert.equal("", directory:read "file")
    end
  end)

  it("leaves the file that stands there as it is until then", function()
    directory:write("file", "old")
    local sink = assert(core.sink(path))
    write(sink, "new")
    assert.equal("old", directory:read "file")
    sink:close()
    assert.equal("old", directory:read "file")
    assert.same({ "file" }, directory:names())
  end)

  it("follows a symbolic link to a file, and keeps it", function()
    directory:run "mkdir below; echo old >below/target; ln -s below/target file"
    local sink = assert(core.sink(path))
    assert.equal(2, #directory:names())
    write(sink, "new")
    assert.is_true(sink:commit())
    assert.equal("new", directory:read "below/target")
    assert.equal("new", directory:read "file")
    assert.equal("target\n", directory:run "ls -A below")
    assert.equal("file\n", directory:run "find . -type l -printf '%f\n'")
  end)

  it("takes the place of a symbolic link that leads nowhere", function()
    directory:run "ln -s nowhere file"
    local sink = assert(core.sink(path))
    write(sink, "new")
    assert.is_true(sink:commit())
    assert.equal("new", directory:read "file")
  end)

  it("may be opened many times for one path", function()
    local sinks = {}
    for i = 1, 20 do
      sinks[i] = assert(core.sink(path))
    end
    assert.equal(20, #directory:names())
    for i, sink in ipairs(sinks) do
      write(sink, "number " .. i)
    end
    for i, sink in ipairs(sinks) do
      assert.is_true(sink:commit())
      assert.equal("number " .. i, directory:read "file")
    end
    assert.same({ "file" }, directory:names())
  end)

  describe("is refused", function()
    local function refused(target, problem)
      assert.same({ nil, "cannot write " .. target .. ": " .. problem }, { core.sink(target) })
    end

    it("for a directory, a pipe or a device", function()
      directory:run "mkfifo pipe"
      refused(directory.root, "it is a directory")
      refused(directory:path "pipe", "it is no regular file")
      refused("/dev/null", "it is no regular file")
      assert.same({ "pipe" }, directory:names())
    end)

    it("for an empty path, at once", function()
      refused("", "the path is empty")
    end)

    it("where there is no such directory", function()
      refused(directory:path "none/file", "No such file or directory")
      directory:write("file", "x")
      refused(directory:path "file/below", "Not a directory")
    end)

    it("for a path with NUL, and raises where there is none", function()
      assert.same({ nil, "cannot write a: the path contains NUL" }, { core.sink "a\0b" })
      assert.has_error(function() core.sink() end)
      assert.has_error(function() core.sink {} end)
    end)

    it("for a name that is too long", function()
      local long = directory:path(("n"):rep(256))
      refused(long, select(2, io.open(("n"):rep(300))):match ": ([^:]*)$") -- in the words of the system
      assert.same({}, directory:names())
    end)

    it("for a file or a directory that may not be written", function()
      if is_root then
        pending "root may write everything"
        return
      end
      directory:write("file", "old")
      directory:run "chmod 400 file"
      refused(path, "Permission denied")
      directory:run "mkdir locked; chmod 500 locked"
      refused(directory:path "locked/file", "Permission denied")
      assert.same({ "file", "locked" }, directory:names())
    end)
  end)

  it("tells why its file could not take its place, and leaves nothing", function()
    directory:run "mkdir below"
    local sink = assert(core.sink(directory:path "below/file"))
    directory:run "rm -r below"
    assert.same({ nil, "No such file or directory" }, { sink:commit() })
    sink = assert(core.sink(path))
    directory:run "mkdir file"
    assert.same({ nil, "Is a directory" }, { sink:commit() })
    assert.same({ "file" }, directory:names())
    assert.same({ nil, "it is closed" }, { sink:commit() })
  end)

  it("closes its descriptor, whatever becomes of it", function()
    local before = core_peer.descriptors()
    assert.is_true(core.sink(path):commit())
    core.sink(path):close()
    core.sink(directory:path "none/file")
    local sink = assert(core.sink(path))
    directory:run "rm -f file; mkdir file"
    assert.is_nil((sink:commit()))
    assert.equal(before, core_peer.descriptors())
  end)

  it("gives its memory back, whatever becomes of it", function()
    if not exhaustion.is_possible "core" then
      pending "which cannot be counted here"
    end
    directory:write("old", "")
    local before = exhaustion.blocks "core"
    for _, name in ipairs { "new", "old", "none/file", ("n"):rep(250), "." } do
      assert.is_true(exhaustion.survive(function()
        local committed, closed = core.sink(directory:path(name)), core.sink(directory:path(name))
        local is_there = committed and closed and committed:commit()
        if closed then
          closed:close()
        end
        return is_there
      end) > (name == "." and -1 or 0))
    end
    assert.equal(before, exhaustion.blocks "core")
    assert.same({ "new", ("n"):rep(250), "old" }, directory:names())
  end)

  it("gives no program that is started meanwhile its file", function()
    local sink = assert(core.sink(path))
    local pipe = assert(io.popen "ls -l /proc/self/fd 2>/dev/null")
    local list = pipe:read "*a"
    pipe:close()
    assert.is_nil(list:find(".part", 1, true))
    sink:close()
  end)

  it("is refused in any other place, and takes no other object for one", function()
    local sink = assert(core.sink(path))
    for _, name in ipairs { "length", "commit", "close" } do
      assert.has_error(function() sink[name](loop) end)
      assert.has_error(function() sink[name]() end)
    end
    assert.has_error(function() core_peer.start(loop, peer, { sink = loop }) end)
    assert.has_error(function() core_peer.start(loop, peer, { sink = path }) end)
    sink:close()
  end)
end)
