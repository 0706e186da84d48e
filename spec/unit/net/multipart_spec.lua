local child = require "spec.support.child"
local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local directories = require "spec.support.directory"
local exhaustion = require "spec.support.exhaustion"

local head_of = core_peer.head_of

-- Whether what begins a transfer fails where memory runs out, and keeps none.
local function survives(begin)
  for _, source in ipairs { "core", "curl" } do
    if not exhaustion.is_possible(source) then
      pending "of this system has memory at all times"
    end
    assert.is_true(exhaustion.survive(function()
      local transfer, message = begin()
      if transfer then
        transfer:close()
        return "started"
      end
      return not message:lower():find("memory", 1, true) and message or nil
    end, source) > 2)
  end
end

describe("a multipart body", function()
  local loop, peer, directory

  before_each(function()
    loop, peer, directory = core.loop(), core_peer.listen(), directories.new()
  end)

  after_each(function()
    loop:close()
    peer:close()
    directory:remove()
  end)

  local function start(parts, options)
    local all = { method = "POST", url = peer.url, multipart = parts }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    return loop:start(all)
  end

  -- The parts of a request: of each its head and its content.
  local function parts_of(request)
    local head, body = request:match "^(.-\r\n)\r\n(.*)$"
    local boundary = head:match "[Cc]ontent%-[Tt]ype: multipart/form%-data; boundary=([^\r]+)\r\n"
    local length = tonumber(head:match "[Cc]ontent%-[Ll]ength: (%d+)")
    assert.equal(length, #body)
    local parts, rest = {}, "\r\n" .. body
    local mark = "\r\n--" .. boundary
    assert.equal(mark .. "--\r\n", rest:sub(-#mark - 4))
    local at = 1
    while rest:sub(at, at + #mark + 1) == mark .. "\r\n" do
      local first = at + #mark + 2
      at = rest:find(mark, first, true)
      local part_head, content = rest:sub(first, at - 1):match "^(.-\r\n)\r\n(.*)$"
      parts[#parts + 1] = { head = part_head, content = content }
    end
    assert.equal(#rest, at + #mark + 3)
    return parts
  end

  local function sent(parts, options)
    local transfer, message = start(parts, options)
    assert(transfer, message)
    local connection, request = peer:accept(loop)
    connection:send(head_of(2) .. "ok")
    core_peer.finish(loop, transfer)
    connection:close()
    assert.is_nil(transfer:failure())
    assert.equal("ok", transfer:body())
    return parts_of(request), request
  end

  it("has the parts in order, from memory and from files, byte by byte", function()
    local all = {}
    for byte = 0, 255 do
      all[#all + 1] = string.char(byte)
    end
    all = table.concat(all)
    local parts = sent {
      { name = "one", data = "text" },
      { name = "two", path = directory:write("a.bin", all), filename = "shown.bin", content_type = "image/png" },
      { name = "three", data = all, filename = "b.bin" },
      { name = "four", data = "", content_type = "text/plain" },
      { name = "five", path = directory:write("empty", "") },
    }
    assert.same({ "text", all, all, "", "" }, {
      parts[1].content, parts[2].content, parts[3].content, parts[4].content, parts[5].content,
    })
    assert.equal(5, #parts)
    assert.equal('Content-Disposition: form-data; name="one"\r\n', parts[1].head)
    assert.equal('Content-Disposition: form-data; name="two"; filename="shown.bin"\r\nContent-Type: image/png\r\n',
      parts[2].head)
    assert.matches('^Content%-Disposition: form%-data; name="three"; filename="b.bin"\r\n', parts[3].head)
    assert.equal('Content-Disposition: form-data; name="four"\r\nContent-Type: text/plain\r\n', parts[4].head)
    assert.equal('Content-Disposition: form-data; name="five"\r\n', parts[5].head)
  end)

  it("is of any size, in one part or in many", function()
    for _, size in ipairs { 1, 16384, 65535, 65536, 65537, 1000000 } do
      local bytes = ("0123456789abcdef!"):rep(math.ceil(size / 17)):sub(1, size)
      local parts = sent { { name = "a", path = directory:write("a", bytes) }, { name = "b", data = bytes } }
      assert.is_true(parts[1].content == bytes and parts[2].content == bytes, size)
    end
    local many = {}
    for i = 1, 300 do
      many[i] = { name = "n" .. i, data = "content " .. i }
    end
    local parts = sent(many)
    assert.equal(300, #parts)
    for i = 1, 300 do
      assert.equal("content " .. i, parts[i].content)
    end
  end)

  it("is none where there are no parts", function()
    local transfer = assert(start({}, { body = "{}" }))
    local connection, request = peer:accept(loop)
    assert.equal("{}", request:sub(-2))
    assert.is_nil(request:find("multipart", 1, true))
    transfer:close()
    connection:close()
  end)

  it("escapes a quote in a name", function()
    local parts = sent { { name = 'a"b', data = "x", filename = 'c"d' } }
    assert.matches('name="a%%22b"; filename="c%%22d"', parts[1].head)
  end)

  it("is sent by any method", function()
    local _, request = sent({ { name = "a", data = "x" } }, { method = "PUT" })
    assert.matches("^PUT / HTTP/1.1\r\n", request)
  end)

  it("keeps its memory while it is sent", function()
    local transfer = assert(start { { name = "a", data = ("x"):rep(4000000) .. "y" } })
    collectgarbage()
    collectgarbage()
    local connection, request = peer:accept(loop)
    assert.is_true(parts_of(request)[1].content == ("x"):rep(4000000) .. "y")
    transfer:close()
    connection:close()
  end)

  describe("is not sent again where its connection, which was kept, turns out dead", function()
    local function idle_connection()
      local first = core_peer.start(loop, peer)
      local connection = peer:accept(loop)
      connection:send(head_of(2) .. "ok")
      core_peer.finish(loop, first)
      return connection
    end

    local function assert_lost(transfer)
      core_peer.finish(loop, transfer)
      assert.same({ "lost", "", 52 }, { transfer:failure() })
      assert.is_false(transfer:unprocessed())
      core_peer.pass(loop, 0.01)
      local other = peer.listener:accept() -- libcurl was about to
      if other then
        other:settimeout(0)
        assert.same({ "", "closed" }, { select(3, other:receive(1)), (select(2, other:receive(1))) })
        other:close()
      end
      transfer:close()
    end

    it("when all of it was sent", function()
      local bytes = ("0123456789"):rep(20000)
      local path = directory:write("a", bytes)
      for _ = 1, 3 do
        local connection = idle_connection()
        local transfer = assert(start { { name = "a", path = path }, { name = "b", data = bytes } })
        core_peer.read_request(loop, connection)
        connection:close()
        assert_lost(transfer)
      end
    end)

    it("in the middle of it", function()
      local bytes = ("0123456789"):rep(1000000) -- more than the system keeps
      for _, part in ipairs { { name = "a", path = directory:write("a", bytes) }, { name = "a", data = bytes } } do
        local connection = idle_connection()
        local transfer = assert(start({ part, { name = "b", data = "end" } }))
        while loop:wait(0.01) do end -- luacheck: ignore
        connection:close()
        assert_lost(transfer)
      end
    end)
  end)

  it("counts what is sent, so that it is idle no more when all of it was", function()
    local transfer = assert(start({ { name = "a", data = "short" }, { name = "b", data = "also" } }, {
      idle_timeout = 0.03, first_byte_timeout = 0.12,
    }))
    local connection = peer:accept(loop)
    core_peer.finish(loop, transfer)
    assert.equal("first_byte", (transfer:failure()))
    connection:close()
  end)

  describe("of a file", function()
    local path

    before_each(function()
      path = directory:write("a", ("x"):rep(3000000))
    end)

    it("that becomes shorter, or changes before it is opened, fails and says so", function()
      for change, problem in pairs {
        ["rm a"] = "No such file or directory", ["truncate -s 2999999 a"] = "it changed while it was sent",
        ["truncate -s 3000001 a"] = "it changed while it was sent", ["rm a; mkdir a"] = "it is a directory",
      } do
        directory:run("rm -rf a; truncate -s 3000000 a")
        local transfer = assert(start { { name = "a", path = path } })
        directory:run(change) -- it is opened when there is a connection
        local connection = peer:connection(loop)
        core_peer.finish(loop, transfer)
        assert.same({ "file", "cannot read " .. path .. ": " .. problem, 0 }, { transfer:failure() })
        core_peer.run(loop, function()
          return loop:active() == 0
        end)
        connection:close()
      end
    end)

    -- The file is larger than what the system keeps for a peer that does not read.
    local function under_way(change)
      directory:run "truncate -s 33554432 a"
      local transfer = assert(start { { name = "a", path = path } })
      local connection = peer:connection(loop)
      core_peer.pass(loop, 0.02)
      directory:run(change)
      local text, count = "", 0
      core_peer.run(loop, function()
        local all, _, partial = connection:receive(1000000)
        count = count + #(all or partial)
        text = (text .. (all or partial)):sub(-100)
        return transfer:done() or text:find "%-%-[%w-]+%-%-\r\n$"
      end)
      if not transfer:done() then
        connection:send(head_of(2) .. "ok")
        core_peer.finish(loop, transfer)
      end
      connection:close()
      return count, transfer:failure()
    end

    it("that becomes shorter while it is sent fails, and says so", function()
      local _, name, message = under_way "truncate -s 1000 a"
      assert.equal("file", name)
      assert.equal("cannot read " .. path .. ": it became shorter", message)
    end)

    it("that grows while it is sent is sent as far as was announced", function()
      local count, name = under_way "echo more >>a"
      assert.is_nil(name)
      assert.is_true(count > 33554432 and count < 33554432 + 1000)
    end)

    it("is open only while it is sent", function()
      local before = core_peer.descriptors()
      local function count()
        return select(2, core_peer.descriptors():gsub("/a\n", "")) - select(2, before:gsub("/a\n", ""))
      end
      local transfer = assert(start { { name = "a", path = path }, { name = "b", path = path } })
      assert.is_true(count() <= 1)
      local connection = peer:accept(loop)
      assert.equal(0, count())
      connection:send(head_of(2) .. "ok")
      core_peer.finish(loop, transfer)
      connection:close()
      transfer:close()
      transfer = assert(start { { name = "a", path = path }, { name = "b", path = directory:write("b", "x") } })
      connection = peer:connection(loop)
      core_peer.pass(loop, 0.02)
      transfer:close()
      assert.equal(0, count())
      connection:close()
    end)
  end)

  describe("that is a file's content alone", function()
    local path

    before_each(function()
      path = directory:write("a", ("x"):rep(3000000))
    end)

    local function begin(options)
      return loop:start { method = "POST", url = peer.url, body_file = path,
        idle_timeout = options and options.idle_timeout, first_byte_timeout = options and options.first_byte_timeout }
    end

    it("is refused where that cannot be read, which is named", function()
      for change, problem in pairs {
        ["rm a"] = "No such file or directory", ["rm a; mkdir a"] = "it is a directory",
      } do
        directory:run("rm -rf a; truncate -s 3000000 a; " .. change)
        assert.same({ nil, "cannot read " .. path .. ": " .. problem, "file" }, { begin() })
      end
      assert.equal(0, loop:active())
    end)

    it("fails where that changes before it is opened, or while it is sent", function()
      for change, problem in pairs {
        ["rm a"] = "No such file or directory", ["truncate -s 10 a"] = "it changed while it was sent",
      } do
        directory:run "rm -rf a; truncate -s 3000000 a"
        local transfer = assert(begin())
        directory:run(change)
        local connection = peer:connection(loop)
        core_peer.finish(loop, transfer)
        assert.same({ "file", "cannot read " .. path .. ": " .. problem, 0 }, { transfer:failure() })
        connection:close()
      end
    end)

    it("has the timeout of a silence while it is sent, and that of the headers after it", function()
      directory:run "truncate -s 33554432 a"
      local transfer = assert(begin { idle_timeout = 0.05 })
      local connection = peer:connection(loop) -- which does not read
      core_peer.finish(loop, transfer)
      assert.equal("idle", (transfer:failure()))
      connection:close()
      directory:run "truncate -s 10 a"
      transfer = assert(begin { idle_timeout = 0.03, first_byte_timeout = 0.12 })
      connection = peer:accept(loop)
      core_peer.finish(loop, transfer)
      assert.equal("first_byte", (transfer:failure()))
      connection:close()
    end)

    it("is an error without memory, and keeps none", function()
      survives(begin)
    end)
  end)

  it("is read from a file that a host without a standard input gets as descriptor 0", function()
    local bytes = ("0123456789"):rep(30000)
    local program = directory:write("program.lua", ([[
      local first = io.open "/dev/null"
      local core = require "anthropic.core"
      local url, path = %q, %q
      local loop = core.loop()
      local function finish(options)
        options.method, options.url, options.total_timeout = "POST", url, 20
        local transfer = assert(loop:start(options))
        repeat loop:wait(1) until transfer:done()
        io.write(tostring((transfer:failure())), ", ")
      end
      finish { body = "{}" } -- the connection has its descriptor
      first:close()
      finish { multipart = { { name = "a", path = path } } }
      io.write(tostring(io.open "/proc/self/fd/0"))
    ]]):format(peer.url, directory:write("a", bytes)))
    local pipe = assert(io.popen(("(exec <&-; %s %s) 2>&1"):format(child.interpreter(), program)))
    local connection = peer:accept(loop)
    connection:send(head_of(2) .. "ok")
    local request = core_peer.read_request(loop, connection)
    connection:send(head_of(2) .. "ok")
    assert.equal("nil, nil, nil", pipe:read "*a")
    pipe:close()
    connection:close()
    assert.is_true(parts_of(request)[1].content == bytes)
  end)

  it("is an error without memory, and keeps none", function()
    local path = directory:write("a", "x")
    survives(function()
      return start {
        { name = "a", data = "x", filename = "b", content_type = "text/plain" }, { name = "b", path = path },
      }
    end)
  end)

  describe("is refused", function()
    it("where a file cannot be read, which it names", function()
      local before = core_peer.descriptors()
      for path, problem in pairs {
        [directory:path "none"] = "No such file or directory", [directory.root] = "it is a directory",
        ["/dev/null"] = "it is no regular file",
      } do
        assert.same({ nil, "cannot read " .. path .. ": " .. problem, "file" }, {
          start { { name = "a", data = "x" }, { name = "b", path = path } },
        })
      end
      assert.equal(before, core_peer.descriptors())
      assert.equal(0, loop:active())
    end)

    it("without keeping anything of what was there already", function()
      if package.preload.host then
        pending "a sanitizer keeps what was freed for a while"
        return
      end
      local parts = {}
      for i = 1, 2000 do
        parts[i] = { name = "n", data = "x" }
      end
      parts[2001] = { name = "n", path = directory:path "none" }
      local before
      for i = 1, 80 do
        assert.is_nil((start(parts)))
        collectgarbage()
        before = i == 20 and core_peer.memory() or before
      end
      assert.is_true(core_peer.memory() - before < 3 * 1024 * 1024)
    end)

    it("where a part is none, by its number", function()
      for _, part in ipairs {
        { name = "a" }, { data = "x" }, { path = "/dev/null" }, { name = "a", data = "x", path = "/dev/null" }, {},
      } do
        local ok, message = pcall(start, { { name = "good", data = "x" }, part })
        assert.is_false(ok)
        assert.matches("part 2 must have a name and either a path or data", message, 1, true)
      end
      assert.has_error(function() start { "text" } end)
    end)

    it("where a field of a part is of a wrong type, or would break the line that it is in", function()
      for _, row in ipairs {
        { "name", 1, "name must be a string" }, { "data", {}, "data must be a string" },
        { "path", true, "path must be a string" }, { "filename", 1, "filename must be a string" },
        { "content_type", {}, "content_type must be a string" },
        { "name", "a\r\nb", "name must not contain NUL or a line break" },
        { "name", "a\0b", "name must not contain NUL or a line break" },
        { "filename", "a\nb", "filename must not contain NUL or a line break" },
        { "content_type", "a\rb", "content_type must not contain NUL or a line break" },
        { "path", "a\0b", "path must not contain NUL" },
      } do
        local part = { name = "a", data = "x" }
        part[row[1]] = row[2]
        local ok, message = pcall(start, { part })
        assert.is_false(ok)
        assert.matches(row[3], message, 1, true)
      end
      assert.equal(0, loop:active())
    end)
  end)
end)

describe("a body of several strings", function()
  local loop, peer

  before_each(function()
    loop, peer = core.loop(), core_peer.listen()
  end)

  after_each(function()
    loop:close()
    peer:close()
  end)

  local function answer(connection, transfer)
    connection:send(head_of(2) .. "ok")
    core_peer.finish(loop, transfer)
    assert.is_nil(transfer:failure())
  end

  -- What came of a request with such a body: its length as the head has it, and the bytes.
  local function sent(strings)
    local transfer, connection, request = core_peer.open(loop, peer, { body = strings })
    answer(connection, transfer)
    connection:close()
    local head, body = request:match "^(.-\r\n)\r\n(.*)$"
    assert.equal("POST / HTTP/1.1", head:match "^[^\r]*")
    assert.is_nil(head:lower():find("expect:", 1, true))
    return tonumber(head:lower():match "\r\ncontent%-length: (%d+)"), body
  end

  it("is sent as if they were one", function()
    local large = ("0123456789"):rep(30000)
    for _, strings in ipairs {
      { "a" }, { "a", "b" }, { "", "a", "", "", "b\0c", "" }, { large, large, "\n" }, { "" },
    } do
      local whole = table.concat(strings)
      local length, body = sent(strings)
      assert.equal(#whole, length)
      assert.is_true(whole == body)
    end
  end)

  it("is kept while it is sent", function()
    local size = 8 * 1024 * 1024
    local transfer = core_peer.start(loop, peer, { body = { "<", ("x"):rep(size), ">" } })
    local connection = peer:connection(loop)
    for _ = 1, 3 do
      collectgarbage()
      core_peer.pass(loop, 0.01)
    end
    local request = core_peer.read_request(loop, connection)
    assert.is_true(request:sub(-size - 2) == "<" .. ("x"):rep(size) .. ">")
    answer(connection, transfer)
    connection:close()
  end)

  it("is not sent again where its connection, which was kept, turns out dead", function()
    local strings = { "<", ("x"):rep(100000), ">" }
    local first, connection = core_peer.open(loop, peer, { body = strings })
    answer(connection, first)
    local transfer = core_peer.start(loop, peer, { body = strings })
    core_peer.read_request(loop, connection)
    connection:close()
    core_peer.finish(loop, transfer)
    assert.same({ "lost", "", 52 }, { transfer:failure() })
    assert.is_false(transfer:unprocessed())
  end)

  it("must be of strings", function()
    for _, wrong in ipairs { { 1 }, { "a", false }, { "a", {} } } do
      assert.error_matches(function()
        core_peer.start(loop, peer, { body = wrong })
      end, "body%[" .. #wrong .. "%] must be a string")
    end
  end)

  it("has the timeout of a silence while it is sent, and that of the headers after it", function()
    local transfer = core_peer.start(loop, peer, { body = { ("x"):rep(33554432), "y" }, idle_timeout = 0.05 })
    local connection = peer:connection(loop) -- which does not read
    core_peer.finish(loop, transfer)
    assert.equal("idle", (transfer:failure()))
    connection:close()
    transfer = core_peer.start(loop, peer, { body = { "x", "y" }, idle_timeout = 0.03, first_byte_timeout = 0.12 })
    connection = peer:accept(loop)
    core_peer.finish(loop, transfer)
    assert.equal("first_byte", (transfer:failure()))
    connection:close()
  end)

  it("is an error without memory, and keeps none", function()
    survives(function()
      return loop:start { method = "POST", url = peer.url, body = { "a", "b" } }
    end)
  end)
end)
