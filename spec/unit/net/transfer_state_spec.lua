local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local full_queue = require "spec.support.full_queue"
local http2_peer = require "spec.support.http2_peer"
local socket = require "socket"

local host = package.preload.host and require "host"
local head = core_peer.head

describe("the state of a transfer", function()
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

  describe("times out", function()
    it("when nothing comes after the headers, however long other timeouts are", function()
      for _, others in ipairs { 0, 60 } do
        local transfer, connection = start { idle_timeout = 0.05, first_byte_timeout = others, total_timeout = others }
        connection:send(head)
        core_peer.finish(loop, transfer)
        assert.equal("idle", (transfer:failure()))
        assert.equal(0, loop:active())
        connection:close()
      end
    end)

    it("not while bytes come", function()
      local transfer, connection = start { idle_timeout = 100 }
      connection:send(head)
      core_peer.wait_for_headers(loop, transfer)
      for i = 1, 8 do
        core.advance(90)
        loop:step()
        connection:send(":\n")
        core_peer.run(loop, function()
          transfer:event()
          return transfer:received() == 2 * i
        end)
      end
      connection:close()
      core_peer.finish(loop, transfer)
      assert.is_nil(transfer:failure())
    end)

    it("when no headers come, interim ones aside", function()
      local transfer, connection = start { first_byte_timeout = 0.05 }
      connection:send("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
      core_peer.finish(loop, transfer)
      assert.is_nil(transfer:status())
      assert.equal("first_byte", (transfer:failure()))
      connection:close()
    end)

    it("when it takes too long as a whole", function()
      local transfer, connection = start { total_timeout = 0.05, idle_timeout = 60 }
      connection:send(head)
      core_peer.run(loop, function()
        connection:send(":\n")
        return transfer:done()
      end)
      assert.equal("total", (transfer:failure()))
      connection:close()
    end)

    it("when no connection comes about, and keeps nothing of it", function()
      local queue = full_queue.open()
      if not queue then
        pending "this system answers connections above its queue"
        return
      end
      local transfer = core_peer.start(loop, peer, { url = queue.url, connect_timeout = 0.05 })
      core_peer.finish(loop, transfer)
      assert.equal("connect", (transfer:failure()))
      assert.equal(0, loop:connections())
      queue:close()
    end)

    it("while the name is looked up, and can be closed then, without waiting for the resolver", function()
      if not host then
        pending("needs a slow resolver (make asan)")
        return
      end
      local before = core.now()
      local transfer = core_peer.start(loop, peer, { url = "http://slow.test/", connect_timeout = 0.3 })
      core_peer.finish(loop, transfer)
      assert.equal("connect", (transfer:failure()))
      local closed = core_peer.start(loop, peer, { url = "http://slow.test/" })
      core_peer.pass(loop, 0.3)
      closed:close()
      core_peer.start(loop, peer, { url = "http://slow.test/" })
      core_peer.pass(loop, 0.1)
      loop:close()
      assert.is_true(core.now() - before < 1.8)
    end)

    it("at once when a limit is over", function()
      for _, seconds in ipairs { 0, -1, -math.huge } do
        local transfer, connection = start()
        transfer:limit(seconds)
        core_peer.finish(loop, transfer)
        assert.equal("total", (transfer:failure()))
        connection:close()
      end
    end)

    it("not for bytes that wait because the host did not step", function()
      local transfer, connection = start { idle_timeout = 0.3 }
      connection:send(head)
      core_peer.run(loop, function()
        return transfer:status()
      end)
      connection:send("data: 1\n\n")
      socket.sleep(0.02)
      core.advance(0.6)
      loop:step()
      assert.is_false(transfer:done())
      assert.equal("1", (transfer:event()))
      connection:close()
    end)

    it("although many others are always busy", function()
      local others = {}
      for i = 1, 100 do
        local transfer, connection = start()
        connection:send(head)
        others[i] = { transfer = transfer, connection = connection }
      end
      local silent, connection = start { idle_timeout = 0.5 }
      connection:send(head)
      local deadline = core.now() + 8
      while not silent:done() and core.now() < deadline do
        for _, other in ipairs(others) do
          other.connection:send(":\n")
          other.transfer:event()
        end
        loop:step()
      end
      assert.equal("idle", (silent:failure()))
      for _, other in ipairs(others) do
        other.connection:close()
      end
      connection:close()
    end)
  end)

  describe("has a timeout", function()
    -- Ends after at least `seconds`, by the failure.
    local function assert_ends(seconds, name, options, answer)
      local before = core.now()
      local transfer = core_peer.start(loop, peer, options)
      local connection = peer:connection(loop)
      if answer then
        connection:send(answer)
      end
      core_peer.finish(loop, transfer)
      assert.equal(name, (transfer:failure()))
      assert.is_true(core.now() - before >= seconds, name)
      assert.equal(0, loop:active())
      connection:close()
    end

    it("of which the first to run out ends it", function()
      for _, row in ipairs {
        { "total", { total_timeout = 0.04, first_byte_timeout = 0.3, idle_timeout = 0.3 } },
        { "total", { total_timeout = 0.04, first_byte_timeout = 0.3, idle_timeout = 0.3 }, head },
        { "first_byte", { total_timeout = 0.3, first_byte_timeout = 0.04, idle_timeout = 0.3 } },
        { "idle", { total_timeout = 0.3, first_byte_timeout = 0.3, idle_timeout = 0.04 }, head },
        { "idle", { idle_timeout = 0.04 }, head .. "data: 1\n\n" },
        { "total", { total_timeout = 0.04, first_byte_timeout = 0.04 } }, -- the more general of two at once
      } do
        assert_ends(0.04, row[1], row[2], row[3])
      end
    end)

    it("of the first byte that no header but the last one stops", function()
      assert_ends(0.04, "first_byte", { first_byte_timeout = 0.04 }, "HTTP/1.1 200 OK\r\nX: 1\r\n")
    end)

    it("between two bytes that does not run before the headers", function()
      assert_ends(0.1, "total", { total_timeout = 0.1, idle_timeout = 0.02 })
      assert_ends(0.1, "total", { total_timeout = 0.1, idle_timeout = 0.02 }, "HTTP/1.1 200 OK\r\nX: 1\r\n")
    end)

    it("between two bytes that begins with the last one of the headers", function()
      local transfer, connection = start { idle_timeout = 50 }
      core.advance(100)
      connection:send(head)
      core_peer.run(loop, function()
        return transfer:status()
      end)
      core.advance(40)
      loop:step()
      assert.is_false(transfer:done())
      core.advance(20)
      loop:step()
      assert.equal("idle", (transfer:failure()))
      connection:close()
    end)

    it("for the first byte that does not run after the headers", function()
      assert_ends(0.1, "total", { total_timeout = 0.1, first_byte_timeout = 0.05 }, head)
    end)

    it("that a limit replaces, from now on", function()
      local transfer = core_peer.start(loop, peer, { total_timeout = 0.03 })
      transfer:limit(5)
      local connection = peer:connection(loop)
      core_peer.pass(loop, 0.05)
      assert.is_false(transfer:done())
      local before = core.now()
      transfer:limit(0.05)
      core_peer.finish(loop, transfer)
      assert.equal("total", (transfer:failure()))
      assert.is_true(core.now() - before >= 0.05)
      assert.is_true(core.now() - before < 2)
      connection:close()
    end)

    it("to connect that is its own: neither that of the first byte nor of idleness runs meanwhile", function()
      local queue = full_queue.open()
      if not queue then
        pending "this system answers connections above its queue"
        return
      end
      local before = core.now()
      local transfer = core_peer.start(loop, peer, { url = queue.url, connect_timeout = 0.15, idle_timeout = 0.02 })
      core_peer.finish(loop, transfer)
      local name, _, code = transfer:failure()
      assert.equal("connect", name)
      assert.equal(28, code)
      assert.is_true(core.now() - before >= 0.14)
      -- nor for an upload, of which no byte has been asked for yet
      local upload = core_peer.start(loop, peer, {
        url = queue.url, connect_timeout = 0.15, idle_timeout = 0.02, body = false,
        multipart = { { name = "file", data = "hello" } },
      })
      core_peer.finish(loop, upload)
      assert.equal("connect", (upload:failure()))
      queue:close()
    end)
  end)

  describe("that uploads", function()
    local large = ("x"):rep(24 * 1024 * 1024)

    local function upload(options, data)
      if not options.body then
        options.body, options.multipart = false, { { name = "file", data = data or large } }
      end
      local transfer = core_peer.start(loop, peer, options)
      return transfer, peer:connection(loop)
    end

    -- Reads at most so many bytes of what has come.
    local function drain(connection, most)
      local count = 0
      while count < most do
        local bytes, problem, partial = connection:receive(math.min(most - count, 1024 * 1024))
        bytes = bytes or partial
        count = count + #bytes
        if bytes == "" then
          return count, problem
        end
      end
      return count
    end

    it("is idle when no byte moves", function()
      for _, body in ipairs { false, large } do
        local transfer, connection = upload { body = body, idle_timeout = 0.1, first_byte_timeout = 5 }
        core_peer.finish(loop, transfer)
        assert.equal("idle", (transfer:failure()))
        assert.equal(0, loop:active())
        connection:close()
      end
    end)

    it("is idle then where that is its only timeout", function()
      local transfer, connection = upload { idle_timeout = 0.1 }
      core_peer.finish(loop, transfer)
      assert.equal("idle", (transfer:failure()))
      connection:close()
    end)

    local function has_its_time(body)
      local transfer, connection = upload { body = body, idle_timeout = 5, first_byte_timeout = 0.4 }
      local before, total = core.now(), 0
      while core.now() < before + 0.55 do
        total = total + drain(connection, 768 * 1024)
        core_peer.pass(loop, 0.03)
      end
      assert.is_false(transfer:done())
      assert.is_true(total < #large)
      core_peer.run(loop, function()
        total = total + drain(connection, 2 * #large)
        return total > #large
      end)
      core_peer.finish(loop, transfer)
      assert.equal("first_byte", (transfer:failure()))
      connection:close()
    end

    it("has the timeout of the first byte from its last byte on", function()
      has_its_time(false)
    end)

    it("has it so where its body is one string", function()
      has_its_time(large)
    end)

    it("is not idle while its answer is waited for", function()
      local transfer, connection = upload({ idle_timeout = 0.03, first_byte_timeout = 0.12 }, "short")
      local before = core.now()
      core_peer.finish(loop, transfer)
      assert.equal("first_byte", (transfer:failure()))
      assert.is_true(core.now() - before >= 0.1)
      connection:close()
    end)

    it("names the file that cannot be read, its beginning if it is long", function()
      local long = "/" .. ("0123456789"):rep(60)
      for path, shown in pairs { ["/none/such"] = "/none/such", [long] = long:sub(1, 400) } do
        local transfer, message, kind = loop:start {
          method = "POST", url = peer.url, multipart = { { name = "file", path = path } },
        }
        assert.is_nil(transfer)
        assert.equal("file", kind)
        assert.equal("cannot read " .. shown .. ": ", message:sub(1, 14 + #shown))
        assert.is_true(#message > 14 + #shown)
      end
    end)
  end)

  it("tells of what ends it, whatever that is", function()
    for name, ending in pairs {
      total = function(transfer) transfer:limit(0.001) end,
      truncated = function(_, connection)
        connection:send "HTTP/1.1 200 OK\r\n"
        connection:close()
      end,
    } do
      local transfer, connection = core_peer.open(loop, peer)
      assert.is_false(transfer:has_news())
      ending(transfer, connection)
      local ready
      core_peer.run(loop, function()
        ready = ready or loop:next_ready()
        return transfer:done()
      end)
      assert.equal(transfer, ready or loop:next_ready())
      assert.is_true(transfer:has_news())
      assert.equal(name, (transfer:failure()))
      transfer:close()
      connection:close()
    end
  end)

  it("is processed by nobody as long as it is not sent", function()
    local gone = core_peer.listen()
    gone:close()
    assert.is_true(core_peer.finish(loop, core_peer.start(loop, gone)):unprocessed())
    local transfer, connection = start()
    assert.is_false(transfer:unprocessed())
    connection:close()
    assert.is_false(core_peer.finish(loop, transfer):unprocessed())
  end)

  it("has libcurl's words for its failure where they say more than its name", function()
    local gone = core_peer.listen()
    gone:close()
    local name, words, code = core_peer.finish(loop, core_peer.start(loop, gone)):failure()
    assert.same({ "connection", 7 }, { name, code })
    assert.matches("onnect", words)
    name, words, code = core_peer.answered(loop, peer, "HTTP/1.1 200 OK\r\n"):failure()
    assert.same({ "truncated", "", 0 }, { name, words, code })
    local long = "X: " .. ("y"):rep(200000) .. "\r\n"
    name, words = core_peer.answered(loop, peer, "HTTP/1.1 200 OK\r\n" .. long .. "\r\n"):failure()
    assert.same({ "large_headers", "" }, { name, words })
  end)

  describe("by HTTP/2", function()
    local server

    after_each(function()
      server:stop()
    end)

    it("says that the server did not take it, as long as it has no answer", function()
      server = http2_peer.serve "refuse"
      local transfer = core_peer.finish(loop, server:send(loop))
      assert.same({ "refused", true }, { (transfer:failure()), transfer:unprocessed() })
    end)

    it("doubts its connection where it is cancelled after a silence, or in doubt", function()
      server = http2_peer.serve "silent"
      for i, row in ipairs { { 0, false, 1 }, { 4, false, 1 }, { 0, true, 1 }, { 5.5, false, 2 }, { 0, false, 3 } } do
        local transfer = server:send(loop)
        assert.equal(row[3], server:arrived()[i], i)
        core_peer.pass(loop, 0.02) -- libcurl 7.88 may take a connection on which something waits for dead
        core.advance(row[1])
        transfer:close(row[2])
      end
    end)

    it("has time anew where the host stood still for long and something came on its connection", function()
      for _, row in ipairs {
        { { idle_timeout = 50 }, "begin", "idle" }, { { first_byte_timeout = 50 }, "silent", "first_byte" },
      } do
        server = http2_peer.serve(row[2], "answer")
        local transfer = server:send(loop, row[1])
        core_peer.pass(loop, 0.01)
        server:start(loop)
        if not server:await_bytes() then
          pending "which this system does not tell"
        end
        core.advance(60)
        core_peer.pass(loop, 0.01)
        assert.is_false(transfer:done())
        core.advance(40)
        core_peer.pass(loop, 0.01)
        assert.is_false(transfer:done())
        core.advance(20) -- less than half of its time
        core_peer.finish(loop, transfer)
        assert.equal(row[3], (transfer:failure()))
        server:stop()
      end
      server = http2_peer.serve("silent", "answer") -- the client's own limit, not the peer's
      local limited = server:send(loop, { total_timeout = 50 })
      server:start(loop)
      server:await_bytes()
      core.advance(60)
      core_peer.finish(loop, limited)
      assert.equal("total", (limited:failure()))
    end)

    it("doubts it where it ran out of time, and not where it had ended", function()
      server = http2_peer.serve("answer", "answer", "silent", "answer")
      for i, connection in ipairs { 1, 1, 1, 2 } do
        local transfer = server:send(loop, { total_timeout = 50 })
        if i == 3 then
          core.advance(60)
        end
        core_peer.finish(loop, transfer)
        assert.equal(i == 3 and "total" or nil, (transfer:failure()))
        core.advance(10)
        transfer:close(true)
        assert.equal(connection, server:arrived()[i], i)
      end
    end)
  end)
end)
