-- core.sink(path): a file that takes its place when it is complete.

local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local temporary = require "spec.support.directory"

local function count_and_pack(...)
  return { n = select("#", ...), ... }
end

describe("a sink", function()
  local directory

  before_each(function()
    directory = temporary.new()
  end)

  after_each(function()
    directory:remove()
  end)

  -- The sink with these bytes in it.
  local function filled(path, bytes)
    local sink = assert(core.sink(path))
    local loop, peer = core.loop(), core_peer.listen()
    local transfer = core_peer.start(loop, peer, { sink = sink })
    local connection = peer:accept(loop)
    connection:send(core_peer.head_of(#bytes) .. bytes)
    core_peer.finish(loop, transfer)
    connection:close()
    loop:close()
    peer:close()
    return sink
  end

  it("raises for a path that is none", function()
    for _, wrong in ipairs { {}, true, print } do
      assert.error_matches(function() core.sink(wrong) end, "bad argument #1 to '.*' %(string expected, got "
        .. type(wrong))
    end
    assert.error_matches(function() core.sink() end, "bad argument #1 to '.*' %(string expected, got no value%)")
  end)

  it("is none where the file cannot be written, in words", function()
    for path, problem in pairs {
      [directory.root] = "it is a directory", ["/dev/null"] = "it is no regular file",
      [directory:path "no/such"] = "No such file or directory",
    } do
      assert.same({ n = 2, nil, ("cannot write %s: %s"):format(path, problem) }, count_and_pack(core.sink(path)))
    end
    for path, shown in pairs { ["a\0b"] = "a", ["\0"] = "", ["a\0"] = "a" } do
      assert.same({ n = 2, nil, ("cannot write %s: the path contains NUL"):format(shown) },
        count_and_pack(core.sink(path)))
    end
    assert.same({}, directory:names())
  end)

  it("is a file beside the path until it is committed", function()
    local path = directory:path "file"
    local results = count_and_pack(core.sink(path))
    assert.equal(1, results.n)
    assert.equal(0, results[1]:length())
    assert.equal(1, #directory:names())
    assert.matches("^file%..*%.part$", directory:names()[1])
    assert.same({ n = 1, true }, count_and_pack(results[1]:commit()))
    assert.same({ "file" }, directory:names())
    assert.equal("", directory:read "file")
    assert.same({ n = 2, nil, "it is closed" }, count_and_pack(results[1]:commit()))
    assert.same({ "file" }, directory:names())
  end)

  it("tells how many bytes it has", function()
    local sink = filled(directory:path "file", "one\0two")
    assert.same({ n = 1, 7 }, count_and_pack(sink:length()))
    if math.type then
      assert.equal("integer", math.type(sink:length()))
    end
    assert.is_true(sink:commit())
    assert.equal("one\0two", directory:read "file")
    assert.equal(0, sink:length())
  end)

  it("leaves what stood there before where it is closed", function()
    for _, name in ipairs { "close", "__gc", "__close" } do
      directory:write("file", "before")
      local sink = filled(directory:path "file", "after")
      assert.equal(2, #directory:names())
      local method = sink[name] or getmetatable(sink)[name]
      assert.same({ n = 0 }, count_and_pack(method(sink)))
      assert.same({ "file" }, directory:names())
      assert.equal("before", directory:read "file")
      assert.same({ n = 0 }, count_and_pack(method(sink)))
      assert.same({ n = 2, nil, "it is closed" }, count_and_pack(sink:commit()))
      assert.equal(0, sink:length())
    end
  end)

  it("says why it could not take its place, and leaves nothing", function()
    local sink = filled(directory:path "file", "text")
    directory:run "mkdir -p file/x"
    local ok, problem = sink:commit()
    assert.is_nil(ok)
    assert.matches("directory", problem:lower())
    assert.same({ "file" }, directory:names())
    directory:run "rm -r file"
  end)

  it("leaves nothing where nobody holds it", function()
    local function open()
      filled(directory:path "file", "text")
    end
    open()
    collectgarbage()
    collectgarbage()
    assert.same({}, directory:names())
  end)

  it("refuses what is no sink", function()
    local sink = core.sink(directory:path "file")
    for _, name in ipairs { "length", "commit", "close" } do
      for _, wrong in ipairs { 5, {}, io.stdout } do
        assert.error_matches(function() sink[name](wrong) end, "anthropic%.sink expected")
      end
    end
    sink:close()
  end)
end)
