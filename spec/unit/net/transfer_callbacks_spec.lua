local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local directories = require "spec.support.directory"
local exhaustion = require "spec.support.exhaustion"
local extent = require "spec.support.extent"
local gzip = require "spec.support.gzip"
local http2_peer = require "spec.support.http2_peer"
local libcurl = require "spec.support.libcurl"

local host = package.preload.host and require "host"
local head, head_of = core_peer.head, core_peer.head_of

describe("a transfer under libcurl", function()
  local loop, peer

  before_each(function()
    loop, peer = core.loop(), core_peer.listen()
  end)

  after_each(function()
    loop:close()
    peer:close()
  end)

  local function start(options)
    return core_peer.open(loop, peer, options)
  end

  local function answered(text, options)
    return core_peer.answered(loop, peer, text, options)
  end

  describe("that nobody reads", function()
    -- Sends all the time; reads when told so.
    local function fill(connection, text, from, until_stuck)
      local sent, stuck = from, 0
      while sent < #text and stuck < (until_stuck or 1) do
        local before = sent
        sent = core_peer.send_some(connection, text, sent)
        stuck = sent == before and stuck + 1 or 0
        loop:wait(sent == before and 0.002 or 0)
      end
      return sent
    end

    local events = {}
    for i = 1, 2500 do
      events[i] = ("data: %08d%s\n\n"):format(i, ("x"):rep(16000))
    end
    local text = table.concat(events)

    it("stops the sender, and loses nothing when it is read", function()
      local transfer, connection = start { idle_timeout = 0.5 }
      connection:send(head)
      collectgarbage()
      local before = core_peer.memory()
      local sent = fill(connection, text, 0, 100)
      assert.is_true(sent < 24 * 1024 * 1024, "the sender was not stopped")
      if not host then
        assert.is_true(core_peer.memory() - before < 4 * 1024 * 1024)
      end
      core_peer.pass(loop, 1) -- no idle timeout meanwhile
      assert.is_false(transfer:done())
      local count = 0
      while true do
        local data, state = transfer:event()
        if data then
          count = count + 1
          assert.equal(count, tonumber(data:sub(1, 8)))
          assert.equal(16008, #data)
        elseif state == "done" then
          break
        else
          sent = fill(connection, text, sent)
          if sent == #text and connection then
            connection:shutdown("send")
          end
          loop:wait(0.01)
        end
      end
      assert.equal(2500, count)
      assert.is_nil(transfer:failure())
      connection:close()
    end)

    it("gives its whole body when that is wanted", function()
      local body = text:sub(1, 10 * 1024 * 1024)
      local transfer, connection = start()
      connection:send(head_of(#body))
      local sent = fill(connection, body, 0, 100)
      local got
      core_peer.run(loop, function()
        got = transfer:body()
        sent = fill(connection, body, sent)
        return got
      end, 30)
      assert.equal(#body, #got)
      assert.is_true(body == got)
      connection:close()
    end)

    it("can be closed, and its loop too", function()
      for i = 1, 2 do
        local transfer, connection = start()
        connection:send(head)
        fill(connection, text, 0, 20)
        if i == 1 then
          transfer:close()
          assert.equal(0, loop:active())
        else
          loop:close()
          assert.equal("cancelled", (transfer:failure()))
          assert.equal("00000001", transfer:event():sub(1, 8))
        end
        connection:close()
      end
    end)
  end)

  it("that nobody reads takes no more of what it unpacks after its first read", function()
    local size = 4 * 1024 * 1024
    local text = gzip((":"):rep(size - 1) .. "\n")
    local half = math.floor(#text / 2)
    local transfer, connection = start { record = true }
    local function taken()
      local count = 0
      for _, piece in ipairs(transfer:pieces()) do
        count = count + #piece[2]
      end
      return count
    end
    connection:send("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
    core_peer.wait_for_headers(loop, transfer)
    for i, bytes in ipairs { text:sub(1, half), text:sub(half + 1) } do
      connection:send(bytes)
      core_peer.run(loop, function()
        return taken() > size / 3
      end)
      core_peer.pass(loop, 0.01)
      assert.is_true(taken() < size * 2 / 3, i)
    end
    transfer:close()
    connection:close()
  end)

  it("takes a new connection where that is asked for, and else one that was kept", function()
    local first, connection = start()
    connection:send(head_of(2) .. "ok")
    core_peer.finish(loop, first)
    for _, once in ipairs { true, false } do
      local kept = core_peer.start(loop, peer, { once = once })
      core_peer.read_request(loop, connection)
      connection:send(head_of(2) .. "ok")
      core_peer.finish(loop, kept)
      assert.is_true(kept:timings().reused)
    end
    local fresh, other = start { fresh = true }
    other:send(head_of(2) .. "ok")
    core_peer.finish(loop, fresh)
    assert.is_false(fresh:timings().reused)
    connection:close()
    other:close()
  end)

  it("has news once for everything that comes", function()
    local transfer, connection = start()
    assert.is_false(transfer:has_news())
    assert.is_nil(loop:next_ready())
    for _, bytes in ipairs { head, "data: 1\n\n", "data: 2\n\n" } do
      connection:send(bytes)
      core_peer.run(loop, function()
        return transfer:has_news()
      end)
      assert.equal(transfer, loop:next_ready())
      assert.is_nil(loop:next_ready())
      assert.is_true(transfer:has_news())
      while transfer:event() do end -- luacheck: ignore
      assert.is_false(transfer:has_news())
    end
    connection:close()
    core_peer.finish(loop, transfer)
    assert.is_true(transfer:has_news())
    assert.equal(transfer, loop:next_ready())
    assert.equal("", transfer:body())
    assert.is_false(transfer:has_news())
    assert.is_nil(loop:next_ready())
  end)

  describe("whose body is full", function()
    local function full(options)
      local transfer, connection = start(options)
      local text, sent = head .. (":\n"):rep(200 * 1024), 0
      core_peer.run(loop, function()
        sent = core_peer.send_some(connection, text, sent)
        return sent == #text
      end)
      core_peer.pass(loop, 0.03)
      return transfer, connection
    end

    it("has no idle timeout, and a whole one afterwards", function()
      local transfer, connection = full { idle_timeout = 0.2 }
      core_peer.pass(loop, 0.3)
      assert.is_false(transfer:done())
      local before = core.now()
      assert.same({ nil, "again" }, { transfer:event() })
      core_peer.finish(loop, transfer)
      assert.equal("idle", (transfer:failure()))
      assert.is_true(core.now() - before >= 0.2)
      connection:close()
    end)

    it("has the total timeout all the same", function()
      local transfer, connection = full()
      transfer:limit(0.05)
      core_peer.finish(loop, transfer)
      assert.equal("total", (transfer:failure()))
      connection:close()
    end)

    it("does not grow by comments, however many come between events", function()
      local transfer, connection = start()
      connection:send(head)
      local comments = (": keep-alive\n\n"):rep(10000)
      local sent, before = 0, nil
      for round = 1, 200 do
        sent = core_peer.send_some(connection, comments, sent) % #comments
        loop:wait(0.01)
        assert.same({ nil, "again" }, { transfer:event() })
        if round == 40 then
          collectgarbage()
          before = core_peer.memory()
        end
      end
      collectgarbage()
      assert.is_true(core_peer.memory() - before < 4 * 1024 * 1024)
      local rest = comments:sub(sent + 1) .. "data: after\n\n"
      sent = 0
      core_peer.run(loop, function()
        sent = sent < #rest and core_peer.send_some(connection, rest, sent) or sent
        return transfer:event() == "after"
      end)
      connection:close()
    end)
  end)

  describe("has an answer", function()
    it("with the status of its last head, interim ones aside", function()
      local transfer = answered("HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 418 Tea\r\nA: 1\r\n"
        .. "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nTrailer: 2\r\n\r\n")
      assert.equal(418, transfer:status())
      assert.equal("ok", transfer:body())
      assert.is_nil(transfer:headers():find("Link", 1, true))
      assert.is_nil(transfer:headers():find("Trailer", 1, true))
      assert.is_nil(transfer:failure())
    end)

    it("or none, where it has no status", function()
      for _, line in ipairs { "HTTP/1.1 x", "HTTP/1.1 20", "HTTP/1.1 2000 X" } do
        local transfer = answered(line .. "\r\n\r\nbody")
        assert.equal("connection", (transfer:failure()), line)
        assert.is_nil(transfer:status())
      end
    end)

    it("or none, where it switches to another protocol", function()
      local transfer = answered("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\nbody")
      assert.same({ "connection", "the answer switches to another protocol (status 101)", 8 }, { transfer:failure() })
      assert.is_nil(transfer:status())
      local other, connection = start() -- whose peer does not end it
      connection:send "HTTP/1.1 101 Switching Protocols\r\n\r\n"
      core_peer.finish(loop, other)
      assert.equal(0, loop:active())
      connection:close()
    end)

    it("within the limit of headers", function()
      local long = ("X: " .. ("y"):rep(6995) .. "\r\n"):rep(10)
      local transfer = answered("HTTP/1.1 200 OK\r\n" .. long:rep(4) .. "\r\n")
      assert.equal("large_headers", (transfer:failure()))
      assert.is_nil(answered("HTTP/1.1 200 OK\r\n" .. long:rep(3) .. "\r\n"):failure())
    end)

    it("whose encoding is undone, or is no encoding", function()
      for _, word in ipairs { "identity", "", libcurl.passes_unknown_encodings and "utf-8" or nil } do
        local transfer = answered("HTTP/1.1 200 OK\r\nContent-Encoding: " .. word .. "\r\n\r\nplain")
        assert.equal("plain", transfer:body(), word)
        assert.is_nil(transfer:failure())
      end
    end)
  end)

  it("fails where what is packed turns out to be wrong, at its end or from its beginning on", function()
    local packed = gzip(("x"):rep(1000) .. "data"):sub(1, -9) -- without its checksum
    for text, failure in pairs { [packed .. ("\255"):rep(8)] = "connection", [("?"):rep(100)] = "encoding" } do
      local transfer, connection = start()
      connection:send("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
      core_peer.wait_for_headers(loop, transfer)
      connection:send(text)
      core_peer.finish(loop, transfer)
      assert.equal(failure, (transfer:failure()))
      connection:close()
    end
  end)

  it("has the times of its pieces, and libcurl's words for its failure", function()
    local began = core.now()
    local transfer = answered(head_of(2) .. "ok", { record = true })
    local seconds = transfer:pieces()[1][1]
    assert.is_true(seconds >= 0 and seconds <= core.now() - began)
    local gone = core_peer.listen()
    gone:close()
    local _, message = core_peer.finish(loop, core_peer.start(loop, gone)):failure()
    assert.matches(tostring(gone.port), message, 1, true)
  end)

  describe("into a file", function()
    local directory, path, sink

    before_each(function()
      directory = directories.new()
      path = directory:path "answer"
      sink = assert(core.sink(path))
    end)

    after_each(function()
      sink:close()
      directory:remove()
    end)

    it("writes a success alone", function()
      for status, length in pairs { [200] = 2, [299] = 2, [300] = 0, [404] = 0 } do
        local transfer = answered("HTTP/1.1 " .. status .. " X\r\nContent-Length: 2\r\n\r\nok", { sink = sink })
        assert.equal(length, sink:length(), status)
        assert.equal(length == 0 and "ok" or "", transfer:body())
      end
    end)

    it("writes nothing that is encoded", function()
      for status, failure in pairs { [200] = "encoding", [404] = false } do
        local transfer = answered("HTTP/1.1 " .. status
          .. " X\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", { sink = sink })
        local name, words = transfer:failure()
        assert.equal(failure or nil, name)
        assert.equal(failure and "a file is not written from it" or nil, words)
      end
      local transfer, connection = start { sink = sink } -- whose peer does not end it
      connection:send "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n"
      core_peer.finish(loop, transfer)
      assert.equal(0, loop:active())
      connection:close()
    end)

    it("says which file could not be written", function()
      local transfer, connection = start { sink = sink }
      sink:close()
      connection:send(head_of(5) .. "hello")
      core_peer.finish(loop, transfer)
      assert.same({ "file", "cannot write a file: it is closed", 0 }, { transfer:failure() })
      connection:close()
    end)

    it("ends above its limit, and above that of a body where it is none", function()
      local transfer = answered(head .. "123456", { sink = sink, max_download_bytes = 5, max_body_bytes = 1 })
      assert.equal("large_download", (transfer:failure()))
      transfer = answered(head .. "12345", { sink = sink, max_download_bytes = 5, max_body_bytes = 1 })
      assert.is_nil(transfer:failure())
      transfer = answered(head_of(6) .. "123456", { sink = sink, max_download_bytes = 5 })
      assert.is_nil(transfer:failure()) -- it was announced
      assert.equal(6, sink:length())
      transfer = answered("HTTP/1.1 404 X\r\n\r\n12345", { sink = sink, max_download_bytes = 9, max_body_bytes = 4 })
      transfer:body()
      assert.equal("too_large", (transfer:failure()))
    end)
  end)

  describe("that no server answers", function()
    local function answer(given, options)
      local all = { method = "GET", url = peer.url, answer = given }
      for name, value in pairs(options or {}) do
        all[name] = value
      end
      return loop:answer(all)
    end

    it("has ended with its answer", function()
      local transfer = answer { status = 418, head = "HTTP/1.1 418 Tea\r\nA: 1\r\n\r\n", body = "tea" }
      assert.is_true(transfer:done())
      assert.equal(418, transfer:status())
      assert.equal("HTTP/1.1 418 Tea\r\nA: 1\r\n\r\n", transfer:headers())
      assert.equal("tea", transfer:body())
      assert.is_nil(transfer:failure())
      assert.equal(0, loop:active())
      assert.equal("", answer({ status = 204, head = "", body = "" }):body())
      assert.equal("x", answer({ status = 200, head = "", body = "x" }):body())
      assert.same({ { 0, "x" } }, answer({ status = 200, head = "", body = "x" }, { record = true }):pieces())
      assert.same({}, answer({ status = 200, head = "", body = "" }, { record = true }):pieces())
    end)

    it("fails where there is no memory for it", function()
      if not exhaustion.is_possible "core" then
        pending "of this system has memory at all times"
      end
      assert.is_true(exhaustion.survive(function()
        local transfer = answer { status = 200, head = ("x"):rep(1000), body = ("x"):rep(1000) }
        if not transfer then
          return nil
        end
        local failure, body = transfer:failure(), transfer:body()
        transfer:close()
        if failure == "memory" then
          return nil
        end
        return failure or body
      end) > 2)
    end)

    it("has all of it, whatever a transfer holds before it is read", function()
      local many = extent(100000, 20000)
      local body = ("data: x\n\n"):rep(many)
      local transfer, count = answer { status = 200, head = "", body = body }, 0
      while transfer:event() do
        count = count + 1
      end
      assert.equal(many, count)
      transfer = answer { status = 200, head = "", body = ("x"):rep(21 * 1024 * 1024) }
      assert.is_nil(transfer:failure())
    end)

    it("ends above the limits, as any other", function()
      local given = { status = 200, head = "", body = "12345" }
      local transfer = answer(given, { max_body_bytes = 4 })
      transfer:body()
      assert.equal("too_large", (transfer:failure()))
      assert.equal("12345", answer(given, { max_body_bytes = 5 }):body())
      local directory = directories.new()
      local sink = assert(core.sink(directory:path "file"))
      assert.is_nil(answer(given, { sink = sink, max_download_bytes = 5 }):failure())
      assert.equal(5, sink:length())
      assert.is_nil(answer(given, { sink = sink, max_download_bytes = 4 }):failure()) -- its length is known
      sink:close()
      directory:remove()
    end)
  end)

  describe("is idle", function()
    it("from the last byte on that it sent of its parts", function()
      local transfer = core_peer.start(loop, peer, {
        body = false, multipart = { { name = "file", data = ("x"):rep(24 * 1024 * 1024) } }, idle_timeout = 50,
      })
      local connection = peer:connection(loop)
      for _ = 1, 3 do
        local count = 0
        core_peer.run(loop, function()
          local bytes, _, part = connection:receive(65536)
          count = count + #(bytes or part)
          return count > 4e6
        end)
        core.advance(40)
        core_peer.pass(loop, 0.005)
        assert.is_false(transfer:done())
      end
      for _ = 1, 100 do -- until nothing moves any more
        core.advance(60)
        core_peer.pass(loop, transfer:done() and 0 or 0.01)
      end
      assert.equal("idle", (transfer:failure()))
      connection:close()
    end)

    it("from its last byte on, of the head or of the body", function()
      local transfer, connection = start { idle_timeout = 1000 }
      for i, bytes in ipairs { head, "a", "b" } do
        core.advance(i == 1 and 1900 or 900)
        core_peer.pass(loop, 0.005)
        assert.is_false(transfer:done())
        connection:send(bytes)
        core_peer.run(loop, function()
          return transfer:has_news() and (transfer:bytes() or bytes == head and transfer:status())
        end)
      end
      core.advance(900)
      core_peer.pass(loop, 0.01)
      assert.is_false(transfer:done())
      core.advance(100)
      core_peer.finish(loop, transfer)
      assert.equal("idle", (transfer:failure()))
      connection:close()
    end)
  end)

  describe("by HTTP/2", function()
    local server

    after_each(function()
      server:stop()
    end)

    it("hears what libcurl says of it", function()
      server = http2_peer.serve "refuse"
      assert.equal("refused", (core_peer.finish(loop, server:send(loop)):failure()))
    end)

    -- libcurl reads on for others of its connection.
    it("takes no more than its limit while nobody reads it, and any number of bytes while it is read", function()
      server = http2_peer.serve("pour", "silent", "pour") -- 8 MB
      local unread = server:send(loop, { max_body_bytes = 1e6 })
      local other = server:start(loop)
      core_peer.finish(loop, unread)
      assert.equal("too_large", (unread:failure()))
      assert.is_false(other:done())
      assert.equal(1, loop:active())
      local read = server:start(loop, { max_body_bytes = 1e6 })
      core_peer.run(loop, function()
        read:event()
        return read:done() or read:received() > 7e6
      end)
      assert.is_nil(read:failure())
    end)

    it("counts what comes once where it is wanted as a whole", function()
      server = http2_peer.serve "pour" -- 8 MB
      local transfer = server:start(loop, { max_body_bytes = 1e7 })
      transfer:body()
      core_peer.run(loop, function()
        return transfer:done() or transfer:received() >= 8e6
      end)
      assert.is_nil(transfer:failure())
    end)
  end)
end)
