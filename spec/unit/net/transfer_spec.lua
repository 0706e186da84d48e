local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local full_queue = require "spec.support.full_queue"
local socket = require "socket"

local host = package.preload.host and require "host"
local head, head_of = core_peer.head, core_peer.head_of

describe("a transfer of the core", function()
  local loop, peer

  before_each(function()
    loop = core.loop()
    peer = core_peer.listen()
  end)

  after_each(function()
    loop:close()
    peer:close()
  end)

  local function start(options)
    local transfer = core_peer.start(loop, peer, options)
    return transfer, peer:accept(loop)
  end

  local function answered(text, options)
    local transfer, connection = start(options)
    connection:send(text)
    connection:shutdown("send")
    core_peer.finish(loop, transfer)
    connection:close()
    return transfer
  end

  local function readable(seconds)
    local watched = { getfd = function() return loop:fd() end, dirty = function() return false end }
    return #socket.select({ watched }, nil, seconds or 0) > 0
  end

  local function settle()
    local deadline = core.now() + 10
    while readable(0.1) do
      assert.is_true(core.now() < deadline)
      loop:step()
    end
  end

  describe("is told of by the loop's descriptor", function()
    if not core.loop():fd() then
      pending("there is none with this poller")
      return
    end

    it("exactly while there is work", function()
      assert.is_false(readable(0.1))
      local transfer = core_peer.start(loop, peer)
      assert.is_true(readable(1))
      local connection = peer:accept(loop)
      settle()
      connection:send(head)
      assert.is_true(readable(5))
      settle()
      assert.equal(200, transfer:status())
      connection:send("data: 1\n\n")
      assert.is_true(readable(5))
      settle()
      assert.equal("1", (transfer:event()))
      connection:close()
      assert.is_true(readable(5))
      settle()
      assert.is_true(transfer:done())
    end)

    it("when starting another transfer has brought news of this one", function()
      local queue = full_queue.open()
      if not queue then
        pending "this system answers connections above its queue"
        return
      end
      local first = core_peer.start(loop, peer, { url = queue.url, connect_timeout = 0.2 })
      loop:fd()
      socket.sleep(0.5) -- nobody steps; the next transfer finds the time run out
      local second = core_peer.start(loop, peer, { url = queue.url, connect_timeout = 30 })
      assert.is_true(first:done())
      assert.is_true(readable())
      assert.equal(first, loop:next_ready())
      first:close()
      second:close()
      queue:close()
    end)

    it("when a timeout runs out", function()
      local transfer = start { total_timeout = 0.4 }
      settle()
      assert.is_true(readable(5))
      core_peer.finish(loop, transfer)
      assert.equal("total", (transfer:failure()))
      settle()
    end)

    it("when a limit is set, or a paused transfer goes on", function()
      local transfer, connection = start()
      settle()
      transfer:limit(0.2)
      assert.is_true(readable(5))
      core_peer.finish(loop, transfer)
      connection:close()
      transfer, connection = start()
      connection:send(head)
      local text = ("data: x\n\n"):rep(200000)
      local sent = 0
      for _ = 1, 300 do
        sent = core_peer.send_some(connection, text, sent)
        loop:step()
      end
      settle()
      while transfer:event() do end -- luacheck: ignore
      assert.is_true(readable(5))
    end)
  end)

  describe("times out", function()
    it("when nothing comes after the headers, however long other timeouts are", function()
      for _, others in ipairs { 0, 60 } do
        local transfer, connection = start { idle_timeout = 0.3, first_byte_timeout = others, total_timeout = others }
        connection:send(head)
        core_peer.finish(loop, transfer)
        assert.equal("idle", (transfer:failure()))
        assert.equal(0, loop:active())
        connection:close()
      end
    end)

    it("not while bytes come", function()
      local transfer, connection = start { idle_timeout = 1 }
      connection:send(head)
      for _ = 1, 8 do
        core_peer.pass(loop, 0.2)
        connection:send(":\n")
      end
      connection:close()
      core_peer.finish(loop, transfer)
      assert.is_nil(transfer:failure())
    end)

    it("when no headers come, interim ones aside", function()
      local transfer, connection = start { first_byte_timeout = 0.4 }
      connection:send("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
      core_peer.finish(loop, transfer)
      assert.is_nil(transfer:status())
      assert.equal("first_byte", (transfer:failure()))
      connection:close()
    end)

    it("when it takes too long as a whole", function()
      local transfer, connection = start { total_timeout = 0.5, idle_timeout = 60 }
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
      local transfer = core_peer.start(loop, peer, { url = queue.url, connect_timeout = 0.4 })
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
      socket.sleep(0.6)
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

  describe("with a limited body", function()
    local function body_of(text, limit, wanted_late)
      local transfer, connection = start { max_body_bytes = limit }
      connection:send(head_of(#text) .. text)
      if wanted_late then
        core_peer.pass(loop, 0.1)
      end
      local body = core_peer.run(loop, function()
        return transfer:body()
      end)
      connection:close()
      assert.equal(0, loop:active())
      return body, (transfer:failure())
    end

    it("takes as much as that and no more", function()
      for _, late in ipairs { false, true } do
        assert.same({ "12345" }, { body_of("12345", 5, late) })
        assert.same({ "12345", "too_large" }, { body_of("123456", 5, late) })
        assert.same({ ("x"):rep(300000), "too_large" }, { body_of(("x"):rep(500000), 300000, late) })
        assert.same({ "1", "too_large" }, { body_of(("1"):rep(100), 1, late) })
      end
    end)

    it("ends at once when too much is there already", function()
      local transfer, connection = start { max_body_bytes = 3 }
      connection:send(head .. "12345")
      core_peer.pass(loop, 0.1)
      assert.equal(1, loop:active())
      assert.equal("123", transfer:body())
      assert.equal("too_large", (transfer:failure()))
      assert.equal(0, loop:active())
      connection:close()
    end)

    it("reports an event above the limit, for good", function()
      local transfer = answered(head .. "data: 12345\n\ndata: 123456\n\ndata: 1\n\n", { max_event_bytes = 5 })
      assert.equal("12345", (transfer:event()))
      assert.same({ nil, "too_large" }, { transfer:event() })
      assert.same({ nil, "too_large" }, { transfer:event() })
    end)
  end)

  describe("has the final response's headers", function()
    local function headers_of(text)
      local transfer = answered(text)
      return transfer:headers(), transfer:status(), (transfer:failure()), transfer:body()
    end

    it("without interim responses", function()
      local final = "HTTP/1.1 200 OK\r\nX: 1\r\nContent-Length: 2\r\n\r\n"
      for _, interim in ipairs { "100 Continue", "102 Processing", "103 Early Hints" } do
        local before = ("HTTP/1.1 " .. interim .. "\r\nInterim: 1\r\n\r\n"):rep(3)
        assert.same({ final, 200, nil, "ok" }, { headers_of(before .. final .. "ok") })
      end
    end)

    it("without trailers", function()
      local final = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n"
      local headers, _, failure, body = headers_of(final .. "2\r\nok\r\n0\r\nX: 1\r\nHTTP/1.1 500 x: y\r\n\r\n")
      assert.equal(final, headers)
      assert.is_nil(failure)
      assert.equal("ok", body)
    end)

    it("without those of a proxy's tunnel", function()
      local transfer = core_peer.start(loop, peer, { url = "https://127.0.0.1:1/", proxy = peer.url })
      local connection = peer:accept(loop)
      connection:send("HTTP/1.1 200 Tunnel\r\nX-Proxy: 1\r\n\r\n")
      connection:close()
      core_peer.finish(loop, transfer)
      assert.equal("", transfer:headers())
      assert.is_nil(transfer:status())
      assert.equal("connection", (transfer:failure()))
    end)

    it("but not a proxy's refusal", function()
      local transfer = core_peer.start(loop, peer, { url = "https://127.0.0.1:1/", proxy = peer.url })
      local connection = peer:accept(loop)
      connection:send("HTTP/1.1 407 No\r\nContent-Length: 4\r\n\r\nnope")
      core_peer.finish(loop, transfer)
      assert.is_nil(transfer:status())
      assert.equal("connection", (transfer:failure()))
      assert.equal("", transfer:body())
      connection:close()
    end)

    it("when there are no fields, and in HTTP/1.0", function()
      assert.same({ "HTTP/1.1 200 OK\r\n\r\n", 200, nil, "x" }, { headers_of("HTTP/1.1 200 OK\r\n\r\nx") })
      assert.same({ "HTTP/1.0 500 No\r\n\r\n", 500, nil, "x" }, { headers_of("HTTP/1.0 500 No\r\n\r\nx") })
      assert.same({ "HTTP/1.1 204 \r\n\r\n", 204, nil, "" }, { headers_of("HTTP/1.1 204 \r\n\r\n") })
    end)

    it("up to a limit", function()
      local fields = ("X: " .. ("y"):rep(1000) .. "\r\n"):rep(1100)
      local _, status, failure = headers_of("HTTP/1.1 200 OK\r\n" .. fields .. "\r\nok")
      assert.is_nil(status)
      assert.equal("large_headers", failure)
      _, status, failure = headers_of("HTTP/1.1 200 OK\r\nX: " .. ("y"):rep(200000) .. "\r\n\r\nok")
      assert.is_nil(status)
      assert.equal("large_headers", failure)
    end)
  end)

  describe("that breaks off", function()
    it("inside its headers or its body is truncated", function()
      for _, text in ipairs {
        "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n1234",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n123",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
      } do
        assert.equal("truncated", (answered(text):failure()), text)
      end
    end)

    it("before its headers, or is no HTTP, is a failed connection", function()
      for _, text in ipairs {
        "", "hello\r\n\r\n", "\0\1\2\r\n\r\n", "HTTP/9.9 200 OK\r\n\r\n", "HTTP/1.1 99999999999 x\r\n\r\n",
      } do
        assert.equal("connection", (answered(text):failure()), text)
      end
    end)

    it("with a wrong chunk is a failed connection", function()
      local name = answered("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n123"):failure()
      assert.truthy(name == "connection" or name == "truncated", name)
    end)
  end)

  it("can be given no more bytes after its end", function()
    local transfer, connection = start()
    connection:send(head_of(2) .. "okHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nagain")
    core_peer.finish(loop, transfer)
    assert.equal("ok", transfer:body())
    connection:close()
  end)

  it("uses a connection again, unless the peer closed it meanwhile", function()
    local first, connection = start()
    connection:send(head_of(2) .. "ok")
    core_peer.finish(loop, first)
    assert.equal(1, loop:connections())
    local second = core_peer.start(loop, peer)
    core_peer.read_request(loop, connection)
    connection:send(head_of(2) .. "ok")
    core_peer.finish(loop, second)
    assert.is_false(first:timings().reused)
    assert.is_true(second:timings().reused)
    connection:close()
    local third, another = start()
    another:send(head_of(2) .. "ok")
    core_peer.finish(loop, third)
    assert.equal("ok", third:body())
    assert.is_false(third:timings().reused)
    another:close()
  end)

  -- Handles are used again as well: what one request set must not be found in the next.
  it("sends nothing of the request before it on the same connection", function()
    local plain = { method = "POST", body = "{}", headers = { "Content-Type: application/json" } }
    local requests = {
      plain,
      { method = "PUT", body = "a longer body", headers = { "X-One: 1" }, expected = "X-One: 1\r\n" },
      plain,
      { method = "GET", body = false, headers = {}, expected = "" },
      plain,
      { method = "HEAD", body = false, headers = { "X-Two: 2" }, expected = "X-Two: 2\r\n" },
      { method = "POST", body = "", headers = {}, expected = "" },
      { method = "DELETE", body = false, headers = {}, expected = "" },
      plain,
    }
    local connection
    for i, request in ipairs(requests) do
      local transfer = core_peer.start(loop, peer, {
        method = request.method, body = request.body, headers = request.headers,
      })
      connection = connection or peer:connection(loop)
      local sent = core_peer.read_request(loop, connection)
      local first, fields, body = sent:match "^(.-)\r\n(.-\r\n)\r\n(.*)$"
      assert.equal(request.method .. " / HTTP/1.1", first, i)
      assert.equal(request.body or "", body, i)
      assert.equal(request.body and tostring(#request.body) or nil, fields:match "Content%-Length: (%d+)", i)
      for _, of_libcurl in ipairs { "Host: ", "Content%-Length: ", "Accept: ", "Content%-Type: application/x%-www" } do
        fields = fields:gsub(of_libcurl .. "[^\r]*\r\n", "")
      end
      assert.equal(request.expected or "Content-Type: application/json\r\n", fields, i)
      connection:send(request.method == "HEAD" and head_of(5) or head_of(2) .. "ok")
      core_peer.finish(loop, transfer)
      assert.is_nil(transfer:failure())
      assert.equal(request.method == "HEAD" and "" or "ok", transfer:body())
      assert.equal(i > 1, transfer:timings().reused)
      transfer:close()
    end
    connection:close()
  end)

  it("asks by HTTP/1.1 after an answer of HTTP/1.0", function()
    for _, version in ipairs { "1.1", "1.0", "1.1" } do
      local transfer = core_peer.start(loop, peer)
      local connection, request = peer:accept(loop)
      assert.matches("^POST / HTTP/1%.1\r\n", request)
      connection:send("HTTP/" .. version .. " 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
      core_peer.finish(loop, transfer)
      assert.equal("ok", transfer:body())
      transfer:close()
      connection:close()
    end
  end)

  it("is sent again where its connection turns out dead, however often that was so before", function()
    local first, connection = start()
    connection:send(head_of(2) .. "ok")
    core_peer.finish(loop, first)
    first:close()
    for i = 1, 12 do
      local transfer = core_peer.start(loop, peer)
      core_peer.read_request(loop, connection)
      connection:close()
      connection = peer:accept(loop)
      connection:send(head_of(2) .. "ok")
      core_peer.finish(loop, transfer)
      assert.is_nil(transfer:failure(), i)
      assert.equal("ok", transfer:body())
      transfer:close()
    end
    connection:close()
  end)

  it("keeps handles of a few transfers only, and frees those of all others", function()
    local transfers = {}
    for i = 1, 40 do
      transfers[i] = answered(head_of(2) .. "ok")
    end
    for _, transfer in ipairs(transfers) do
      transfer:close()
      transfer:close()
    end
    for _ = 1, 40 do
      local transfer = answered(head_of(2) .. "ok")
      assert.equal("ok", transfer:body())
    end
  end)
end)
