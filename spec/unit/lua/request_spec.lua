-- What a request is made of: the options table of loop:start.

local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local temporary = require "spec.support.directory"

local head, head_of = core_peer.head, core_peer.head_of

local WORDS = { method = "must be a string", url = "must be a string", body = "must be a string",
  proxy = "must be a string", ca_file = "must be a string", ca_path = "must be a string",
  certificate_file = "must be a string", key_file = "must be a string", unix_socket = "must be a string",
  body_file = "must be a string",
  connect_timeout = "must be a number", first_byte_timeout = "must be a number",
  idle_timeout = "must be a number", total_timeout = "must be a number",
  max_body_bytes = "must be a number", max_event_bytes = "must be a number",
  max_download_bytes = "must be a number" }

describe("a request", function()
  local loop, peer, directory

  before_each(function()
    loop = core.loop()
    peer = core_peer.listen()
  end)

  after_each(function()
    loop:close()
    peer:close()
    if directory then
      directory:remove()
      directory = nil
    end
  end)

  -- What the peer gets of a request.
  local function sent(options)
    local transfer = core_peer.start(loop, peer, options)
    local connection, request = peer:accept(loop)
    transfer:close()
    connection:close()
    return request
  end

  local function refusal_of(options)
    local ok, message = pcall(core_peer.start, loop, peer, options)
    assert.is_false(ok)
    assert.equal(0, loop:active())
    return (message:gsub("^.-:%d+: ", ""))
  end

  describe("is refused with", function()
    it("options of a wrong type, by name", function()
      for name, words in pairs(WORDS) do
        for _, wrong in ipairs { true, {}, words:find "string" and 5 or "5", print } do
          assert.equal(name .. " " .. words, refusal_of { [name] = wrong })
        end
      end
    end)

    it("NUL or a line break where libcurl would pass it on", function()
      for _, name in ipairs {
        "method", "url", "proxy", "ca_file", "ca_path", "certificate_file", "key_file", "unix_socket",
      } do
        for _, text in ipairs { "a\0b", "a\rb", "a\nb", "a\0", "\n", "\0" } do
          assert.equal(name .. " must not contain NUL or a line break", refusal_of { [name] = text })
        end
      end
    end)

    it("NUL in the path of its body", function()
      assert.equal("body_file must not contain NUL", refusal_of { body = false, body_file = "a\0b" })
    end)

    it("no method or no URL", function()
      for _, options in ipairs { {}, { method = "GET" }, { url = peer.url } } do
        local _, message = pcall(loop.start, loop, options)
        assert.matches("method and url must be given$", message)
      end
    end)

    it("headers that are no line", function()
      for _, wrong in ipairs { 5, true, {}, "a: \0", "a: \r", "a: b\nc: d", "\0", "a: b\r\n" } do
        for place = 1, 2 do
          local headers = { "X: y" }
          headers[place] = wrong
          assert.equal(("header %d must be a string without NUL or a line break"):format(place),
            refusal_of { headers = headers })
        end
      end
    end)

    it("a sink that is none", function()
      for _, wrong in ipairs { "path", 5, {}, io.stdout, loop } do
        assert.matches("anthropic%.sink expected", refusal_of { sink = wrong })
      end
    end)

    it("parts that are none", function()
      local name = "part 1 must have a name and either a path or data"
      for _, case in ipairs {
        { name, {} }, { name, { name = "a" } }, { name, { data = "a" } }, { name, { path = "/" } },
        { name, { name = "a", path = "/", data = "b" } },
        { "name must be a string", { name = 5, data = "a" } },
        { "filename must be a string", { name = "a", data = "a", filename = {} } },
        { "content_type must be a string", { name = "a", data = "a", content_type = true } },
        { "path must be a string", { name = "a", path = 5 } },
        { "data must be a string", { name = "a", data = 5 } },
        { "name must not contain NUL or a line break", { name = "a\n", data = "a" } },
        { "filename must not contain NUL or a line break", { name = "a", data = "a", filename = "\r" } },
        { "content_type must not contain NUL or a line break", { name = "a", data = "a", content_type = "a\0" } },
        { "path must not contain NUL", { name = "a", path = "a\0b" } },
      } do
        assert.equal(case[1], refusal_of { body = false, multipart = { case[2] } })
      end
      assert.equal("part 2 must have a name and either a path or data",
        refusal_of { body = false, multipart = { { name = "a", data = "b" }, {} } })
      assert.matches("table expected, got string", refusal_of { body = false, multipart = { "x" } })
    end)
  end)

  describe("sends", function()
    it("its method, URL, headers and body", function()
      local request = sent { method = "PATCH", url = peer.url .. "a/b?c=d", body = "x\0y",
        headers = { "X-One: 1", "X-Two:  2 ", "Content-Type: text/plain" } }
      assert.matches("^PATCH /a/b%?c=d HTTP/1%.1\r\n", request)
      assert.matches("\r\nX%-One: 1\r\n", request)
      assert.matches("\r\nX%-Two:  2 ?\r\n", request)
      assert.matches("\r\nContent%-Type: text/plain\r\n", request)
      assert.matches("\r\nContent%-Length: 3\r\n", request)
      assert.equal("\r\n\r\nx\0y", request:sub(-7))
    end)

    it("a file as its body, of any size", function()
      directory = temporary.new()
      for _, size in ipairs { 0, 1, 65536, 65537, 3000000 } do
        local bytes = ("0123456789abcdef!"):rep(math.ceil(size / 17)):sub(1, size)
        local request = sent { body = false, body_file = directory:write("a", bytes), method = "PUT" }
        assert.is_true(request:sub(-size - 4) == "\r\n\r\n" .. bytes, size)
        assert.matches("^PUT / ", request)
        assert.matches("\r\nContent%-Length: " .. size .. "\r\n", request)
        assert.is_nil(request:find("Expect", 1, true))
      end
    end)

    it("no certificate where that is false", function()
      assert.matches("^POST / ", sent { certificate_file = false, key_file = false })
    end)

    it("an empty body, and none", function()
      assert.matches("\r\nContent%-Length: 0\r\n", sent { body = "" })
      local request = sent { method = "GET", body = false, headers = false }
      assert.is_nil(request:find "Content%-Length")
      assert.matches("^GET / HTTP/1%.1\r\n", request)
    end)

    it("headers of a list only", function()
      for _, headers in ipairs { "X: y", 5, { x = "X: y" }, {} } do
        assert.is_nil((sent { headers = headers }):find "X: y")
      end
    end)

    it("to a proxy", function()
      local other = core_peer.listen()
      local transfer = core_peer.start(loop, peer, { proxy = other.url })
      local connection, request = other:accept(loop)
      assert.equal("POST " .. peer.url .. " HTTP/1.1", request:match "^[^\r]*")
      transfer:close()
      connection:close()
      other:close()
    end)

    it("parts of text and of files, in their order", function()
      directory = temporary.new()
      local path = directory:write("name\nwith a break", "from\0the file")
      local request = sent { body = false, headers = {}, multipart = {
        { name = "one", data = "text\0" },
        { name = "two", path = path, filename = "b.bin", content_type = "x/y" },
        { name = "three", data = "" },
      } }
      local boundary = request:match "boundary=([^\r]*)\r\n"
      local body = request:match "\r\n\r\n(.*)$"
      assert.matches('Content-Type: multipart/form-data; boundary=', request, 1, true)
      assert.equal(("--B\r\nContent-Disposition: form-data; name=\"one\"\r\n\r\ntext\0\r\n"
        .. "--B\r\nContent-Disposition: form-data; name=\"two\"; filename=\"b.bin\"\r\nContent-Type: x/y\r\n\r\n"
        .. "from\0the file\r\n"
        .. "--B\r\nContent-Disposition: form-data; name=\"three\"\r\n\r\n\r\n--B--\r\n"):gsub("B", boundary), body)
    end)

    it("nothing of parts where there are none", function()
      for _, parts in ipairs { {}, "x", 5 } do
        local request = sent { multipart = parts }
        assert.is_nil(request:find "multipart")
        assert.equal("{}", request:sub(-2))
      end
    end)
  end)

  describe("is limited", function()
    it("by each timeout", function()
      for name, case in pairs {
        first_byte_timeout = { "first_byte", "" }, idle_timeout = { "idle", head }, total_timeout = { "total", "" },
      } do
        local transfer = core_peer.start(loop, peer, { [name] = 0.02 })
        local connection = peer:accept(loop)
        connection:send(case[2])
        core_peer.finish(loop, transfer)
        assert.equal(case[1], (transfer:failure()), name)
        connection:close()
      end
    end)

    it("in its body by sizes from 1 on", function()
      local function body_of(limit)
        local transfer = core_peer.start(loop, peer, { max_body_bytes = limit })
        local connection = peer:accept(loop)
        connection:send(head_of(3) .. "123")
        core_peer.run(loop, function() return transfer:body() end)
        connection:close()
        return transfer:body()
      end
      assert.equal("1", body_of(1))
      assert.equal("1", body_of(1.9))
      assert.equal("12", body_of(2))
      for _, none in ipairs { 0, 0.9, -1, 1e300, 1 / 0, -1 / 0, 0 / 0, 2 ^ 63 } do
        assert.equal("123", body_of(none))
      end
    end)
  end)

  describe("keeps", function()
    it("what is true of its options", function()
      for _, value in ipairs { true, 1, "x", 0 } do
        local transfer = core_peer.start(loop, peer, { record = value })
        local connection = peer:accept(loop)
        connection:send(head .. "x")
        connection:close()
        core_peer.finish(loop, transfer)
        assert.equal(1, #transfer:pieces())
      end
    end)

    it("its body, parts, sink and loop alive", function()
      directory = temporary.new()
      local alive = setmetatable({}, { __mode = "v" })
      local function begin()
        local own, sink = core.loop(), core.sink(directory:path "sink")
        local parts = { { name = "a", data = ("p"):rep(1e6) } }
        alive.loop, alive.sink, alive.parts = own, sink, parts
        local transfer = core_peer.start(own, peer, { body = false, multipart = parts, sink = sink })
        return transfer, (peer:connection(own))
      end
      local transfer, connection = begin()
      collectgarbage()
      collectgarbage()
      assert.is_userdata(alive.loop)
      assert.is_userdata(alive.sink)
      assert.is_table(alive.parts)
      local request = core_peer.read_request(alive.loop, connection)
      assert.is_true(request:find(("p"):rep(1e6), 1, true) ~= nil)
      connection:send(head_of(4) .. "12\0" .. "4")
      core_peer.finish(alive.loop, transfer)
      assert.equal(4, alive.sink:length())
      assert.is_true(alive.sink:commit())
      assert.equal("12\0" .. "4", directory:read "sink")
      connection:close()
      transfer = nil -- luacheck: ignore 311
      collectgarbage()
      collectgarbage()
      assert.is_nil(alive.loop)
      assert.is_nil(alive.sink)
      assert.is_nil(alive.parts)
    end)

    it("a long body alive that nobody else holds", function()
      local transfer = core_peer.start(loop, peer, { body = ("b"):rep(4e6) })
      collectgarbage()
      collectgarbage()
      local connection = peer:connection(loop)
      local request = core_peer.read_request(loop, connection)
      assert.is_true(request:sub(-4e6) == ("b"):rep(4e6))
      transfer:close()
      connection:close()
    end)
  end)

  describe("with a sink", function()
    it("begins with an empty file, each time", function()
      directory = temporary.new()
      local sink = core.sink(directory:path "file")
      for _, text in ipairs { "a longer one", "short" } do
        local transfer = core_peer.start(loop, peer, { sink = sink })
        assert.equal(0, sink:length())
        local connection = peer:accept(loop)
        connection:send(head_of(#text) .. text)
        core_peer.finish(loop, transfer)
        assert.equal(#text, sink:length())
        assert.equal("", transfer:body())
        connection:close()
        transfer:close()
      end
      assert.is_true(sink:commit())
      assert.equal("short", directory:read "file")
    end)

    it("is not made where the sink is closed", function()
      directory = temporary.new()
      local sink = core.sink(directory:path "file")
      sink:close()
      local transfer, message, what = loop:start { method = "GET", url = peer.url, sink = sink }
      assert.same({ nil, "cannot write a file: it is closed", "file" }, { transfer, message, what })
    end)
  end)

  it("accepts any certificate only where it says so", function()
    -- The peer speaks no TLS: both fail, but neither for its options.
    for _, insecure in ipairs { true, false } do
      local transfer = core_peer.start(loop, peer, { url = peer.url:gsub("^http", "https"), insecure = insecure,
        ca_file = "/nowhere/ca.pem", ca_path = "/nowhere" })
      local connection = peer:connection(loop)
      connection:send("no TLS\r\n\r\n")
      core_peer.finish(loop, transfer)
      assert.equal("connection", (transfer:failure()))
      connection:close()
    end
  end)
end)
