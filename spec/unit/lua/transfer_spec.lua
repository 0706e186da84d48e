-- The methods of the core's transfers, and what loop:start gives where there is none. The transfers themselves are
-- spec/unit/net/transfer_spec.lua's.

local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"

local head, head_of = core_peer.head, core_peer.head_of

local function count_and_pack(...)
  return { n = select("#", ...), ... }
end

local NOTHING = { n = 0 }

describe("a transfer's methods", function()
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
    return transfer, (peer:accept(loop))
  end

  local function answered(text, options)
    return core_peer.answered(loop, peer, text, options)
  end

  it("are these", function()
    local names = {}
    for name in pairs(getmetatable((start())).__index) do
      names[#names + 1] = name
    end
    table.sort(names)
    assert.equal("aws_event body bytes close done event event_with_id failure feed finish follow form has_news headers"
      .. " limit line next_event next_text pieces raw_piece received rest skip_deltas status timings unprocessed",
      table.concat(names, " "))
  end)

  it("say in words what it does", function()
    local transfer = start()
    assert.equal("anthropic.transfer (under way)", tostring(transfer))
    transfer:close()
    assert.equal("anthropic.transfer (closed)", tostring(transfer))
    assert.equal("anthropic.transfer (done)", tostring(answered(head)))
  end)

  describe("status and headers", function()
    it("tell nothing before the headers are complete", function()
      local transfer, connection = start()
      assert.same(NOTHING, count_and_pack(transfer:status()))
      assert.same({ n = 1, "" }, count_and_pack(transfer:headers()))
      connection:send("HTTP/1.1 404 Not Found\r\nA: 1\r\n")
      core_peer.pass(loop, 0.02)
      assert.same(NOTHING, count_and_pack(transfer:status()))
      assert.same({ n = 1, "" }, count_and_pack(transfer:headers()))
      connection:send("B:  2\r\n\r\n")
      core_peer.run(loop, function() return transfer:status() end)
      assert.same({ n = 1, 404 }, count_and_pack(transfer:status()))
      assert.same({ n = 1, "HTTP/1.1 404 Not Found\r\nA: 1\r\nB:  2\r\n\r\n" }, count_and_pack(transfer:headers()))
      if math.type then
        assert.equal("integer", math.type(transfer:status()))
      end
      connection:close()
    end)

    it("stay when it is done, and tell nothing of a closed one", function()
      local transfer = answered(head .. "x")
      assert.equal(200, transfer:status())
      assert.equal(head, transfer:headers())
      transfer:close()
      assert.same(NOTHING, count_and_pack(transfer:status()))
      assert.same(NOTHING, count_and_pack(transfer:headers()))
    end)
  end)

  describe("done and has_news", function()
    it("tell how far it is", function()
      local transfer, connection = start()
      assert.is_false(transfer:done())
      assert.is_false(transfer:has_news())
      connection:send(head)
      core_peer.wait_for_headers(loop, transfer)
      assert.is_true(transfer:has_news())
      assert.same({ n = 2, nil, "again" }, count_and_pack(transfer:event()))
      assert.is_false(transfer:has_news())
      connection:send("data")
      core_peer.run(loop, function() return transfer:has_news() end)
      assert.same({ n = 2, nil, "again" }, count_and_pack(transfer:line()))
      assert.is_false(transfer:has_news())
      connection:send(": x\n\n")
      core_peer.run(loop, function() return transfer:has_news() end)
      assert.is_nil(transfer:body())
      assert.is_false(transfer:has_news())
      assert.is_false(transfer:done())
      connection:close()
      core_peer.run(loop, function() return transfer:has_news() end)
      assert.is_true(transfer:done())
      assert.equal("data: x\n\n", transfer:body())
      assert.is_false(transfer:has_news())
      assert.is_true(transfer:done())
      transfer:close()
      assert.is_true(transfer:done())
      assert.is_true(transfer:has_news())
    end)

    it("keep news while there is still a line or an event", function()
      local transfer = answered(head .. "one\ntwo\ndata: x\n\n")
      assert.equal("one", transfer:line())
      assert.is_true(transfer:has_news())
      assert.equal("two", transfer:line())
      assert.is_true(transfer:has_news())
    end)
  end)

  it("take events up to max_event_bytes", function()
    local transfer = answered(head .. "data: 12345\n\ndata: 123456\n\n", { max_event_bytes = 5 })
    assert.equal("12345", (transfer:event()))
    assert.same({ n = 2, nil, "too_large" }, count_and_pack(transfer:event()))
    assert.equal(("x"):rep(50000), (answered(head .. "data: " .. ("x"):rep(50000) .. "\n\n"):event()))
  end)

  describe("pieces", function()
    it("are what came of the body and when, where that is recorded", function()
      local transfer, connection = start { record = true }
      assert.same({}, transfer:pieces())
      connection:send(head .. "one\0")
      core_peer.wait_for_headers(loop, transfer)
      core_peer.run(loop, function() return #transfer:pieces() == 1 end)
      connection:send("two")
      connection:close()
      core_peer.finish(loop, transfer)
      local pieces = transfer:pieces()
      assert.equal(2, #pieces)
      assert.equal("one\0", pieces[1][2])
      assert.equal("two", pieces[2][2])
      assert.equal(2, #pieces[1])
      assert.is_true(pieces[1][1] > 0 and pieces[1][1] <= pieces[2][1] and pieces[2][1] < 5)
      transfer:body()
      assert.same(pieces, transfer:pieces())
      transfer:close()
      assert.same({ n = 1, {} }, count_and_pack(transfer:pieces()))
    end)

    it("are none else", function()
      assert.same({}, answered(head .. "one"):pieces())
      assert.same({}, answered(head .. "one", { record = false }):pieces())
      assert.same({}, answered(head_of(0), { record = true }):pieces())
    end)
  end)

  describe("failure", function()
    it("is nothing while it is under way, and where it succeeded", function()
      local transfer = start()
      assert.same(NOTHING, count_and_pack(transfer:failure()))
      assert.same(NOTHING, count_and_pack(answered(head .. "x"):failure()))
      assert.same(NOTHING, count_and_pack(answered("HTTP/1.1 500 No\r\n\r\n"):failure()))
    end)

    it("is a name, words and libcurl's code", function()
      local refused = core_peer.start(loop, peer, { url = "http://127.0.0.1:1/" })
      core_peer.finish(loop, refused)
      local name, message, code = refused:failure()
      assert.equal("connection", name)
      assert.matches("127%.0%.0%.1", message)
      assert.equal(7, code)
      name, message, code = answered(head_of(5) .. "12"):failure()
      assert.equal("truncated", name)
      assert.is_string(message)
      assert.equal(18, code)
      if math.type then
        assert.equal("integer", math.type(code))
      end
    end)

    for _, case in ipairs {
      { "total", { total_timeout = 0.03 } },
      { "first_byte", { first_byte_timeout = 0.03 } },
      { "idle", { idle_timeout = 0.03 }, head },
      { "too_large", { max_body_bytes = 3 }, head_of(4) .. "1234" },
      { "large_headers", {}, "HTTP/1.1 200 OK\r\nX: " .. ("y"):rep(300000) .. "\r\n\r\n" },
    } do
      it("may be " .. case[1], function()
        local transfer, connection = start(case[2])
        connection:send(case[3] or "")
        core_peer.run(loop, function()
          transfer:body()
          return transfer:done()
        end)
        local name, message = transfer:failure()
        assert.equal(case[1], name)
        assert.is_string(message)
        connection:close()
      end)
    end

    it("may be a file, which the words name", function()
      local path = os.tmpname()
      local sink = assert(core.sink(path))
      local transfer, connection = start { sink = sink }
      sink:close()
      connection:send(head_of(4) .. "1234")
      core_peer.finish(loop, transfer)
      local name, message = transfer:failure()
      assert.equal("file", name)
      assert.matches("^cannot write .*: it is closed$", message)
      connection:close()
      os.remove(path)
    end)

    it("is that it was cancelled where its loop or it was closed", function()
      local transfer = start()
      loop:close()
      assert.equal("cancelled", (transfer:failure()))
      transfer:close()
      assert.same({ n = 3, "cancelled", "", 0 }, count_and_pack(transfer:failure()))
    end)
  end)

  describe("timings", function()
    local names = { "name_lookup", "connect", "tls", "request", "first_byte", "total" }

    it("are seconds, and whether the connection was used before", function()
      local transfer, connection = start()
      core_peer.pass(loop, 0.02)
      connection:send(head_of(2) .. "ok")
      core_peer.finish(loop, transfer)
      local timings = transfer:timings()
      assert.is_false(timings.reused)
      for _, name in ipairs(names) do
        assert.equal("number", type(timings[name]), name)
        assert.is_true(timings[name] >= 0 and timings[name] < 5, name)
      end
      assert.is_true(timings.connect > 0)
      assert.equal(0, timings.tls)
      assert.is_true(timings.first_byte >= 0.02)
      assert.is_true(timings.first_byte >= timings.request and timings.total >= timings.first_byte)
      local count = 0
      for _ in pairs(timings) do
        count = count + 1
      end
      assert.equal(7, count)
      local second = core_peer.start(loop, peer)
      core_peer.read_request(loop, connection)
      connection:send(head_of(0))
      assert.is_true(core_peer.finish(loop, second):timings().reused)
      connection:close()
    end)

    it("are none of a closed one", function()
      local transfer = answered(head)
      transfer:close()
      assert.same({ n = 1, {} }, count_and_pack(transfer:timings()))
    end)
  end)

  describe("limit", function()
    it("gives it so long from now", function()
      local transfer = start()
      assert.same(NOTHING, count_and_pack(transfer:limit(0.03)))
      local began = core.now()
      core_peer.finish(loop, transfer)
      assert.equal("total", (transfer:failure()))
      assert.is_true(core.now() - began > 0.02)
    end)

    it("raises for what is no number, unless it is closed", function()
      local transfer = start()
      assert.error_matches(function() transfer:limit() end, "bad argument #1 to 'limit' %(number expected")
      assert.error_matches(function() transfer:limit {} end, "number expected, got table")
      transfer:close()
      assert.same(NOTHING, count_and_pack(transfer:limit(1)))
      assert.same(NOTHING, count_and_pack(transfer:limit()))
    end)
  end)

  describe("close", function()
    it("cancels it, and can be repeated", function()
      local transfer, connection = start()
      assert.equal(1, loop:active())
      assert.same(NOTHING, count_and_pack(transfer:close()))
      assert.equal(0, loop:active())
      transfer:close()
      core_peer.run(loop, function() return select(2, connection:receive(1)) == "closed" end)
      connection:close()
    end)

    it("is there for to-be-closed variables and for the collector", function()
      local kept = start()
      local metatable = getmetatable(kept)
      for _, name in ipairs { "__close", "__gc" } do
        local transfer, connection = start()
        local before = loop:active()
        assert.same(NOTHING, count_and_pack(metatable[name](transfer)))
        assert.equal(before - 1, loop:active())
        assert.equal("anthropic.transfer (closed)", tostring(transfer))
        metatable[name](transfer)
        connection:close()
      end
    end)

    it("frees what was read of an event", function()
      if package.preload.host then
        pending "a sanitizer keeps what was freed for a while"
        return
      end
      local metatable = getmetatable((start()))
      local long = ("x"):rep(3e6)
      local function round(end_it)
        local transfer, connection = start()
        connection:send(head)
        local text, sent = "event: " .. long .. "\ndata: x\n\n", 0
        core_peer.run(loop, function()
          sent = sent < #text and core_peer.send_some(connection, text, sent) or sent
          return (transfer:event())
        end)
        end_it(transfer)
        connection:close()
        collectgarbage()
        return transfer
      end
      local before
      local kept = {} -- closed is enough
      for i = 1, 20 do
        kept[i] = round(i % 2 == 0 and metatable.__gc or metatable.__close)
        before = before or core_peer.memory()
      end
      assert.is_true(core_peer.memory() - before < 20e6)
      assert.equal(20, #kept)
    end)

    it("is what ends a loop that only it holds", function()
      local alive = setmetatable({}, { __mode = "v" })
      local function begin()
        local own = core.loop()
        alive.loop = own
        local transfer = core_peer.start(own, peer)
        return transfer, (peer:accept(own))
      end
      local transfer, connection = begin()
      collectgarbage()
      collectgarbage()
      assert.is_false(transfer:done())
      assert.equal(1, alive.loop:active())
      transfer:close()
      assert.equal(0, alive.loop:active())
      connection:close()
    end)

    it("leaves its connection to the next one", function()
      local transfer, connection = start()
      connection:send(head_of(0))
      core_peer.finish(loop, transfer):close()
      assert.equal(1, loop:connections())
      local second = core_peer.start(loop, peer)
      core_peer.read_request(loop, connection)
      second:close()
      connection:close()
    end)
  end)

  describe("of none, as", function()
    it("libcurl refuses an option: nil and its words", function()
      local results = count_and_pack(loop:start { method = "GET", url = "http://127.0.0.1/" .. ("x"):rep(8000001) })
      assert.equal(3, results.n)
      assert.is_nil(results[1])
      assert.matches("bad argument", results[2])
      assert.is_nil(results[3])
      assert.equal(0, loop:active())
    end)

    it("a part's file cannot be read: nil, words and that it is a file", function()
      assert.same({ n = 3, nil, "cannot read /nowhere/at all: No such file or directory", "file" },
        count_and_pack(loop:start { method = "POST", url = peer.url, multipart = {
          { name = "file", path = "/nowhere/at all" },
        } }))
      assert.same({ n = 3, nil, "cannot read /: it is a directory", "file" },
        count_and_pack(loop:start { method = "POST", url = peer.url, multipart = { { name = "f", path = "/" } } }))
      assert.equal(0, loop:active())
    end)

    it("its sink is closed: nil, words and that it is a file", function()
      local path = os.tmpname()
      local sink = core.sink(path)
      sink:close()
      assert.same({ n = 3, nil, "cannot write a file: it is closed", "file" },
        count_and_pack(loop:start { method = "GET", url = peer.url, sink = sink }))
      os.remove(path)
    end)
  end)
end)
