-- The methods by which a transfer's body is read other than as events.

local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"

local head, head_of = core_peer.head, core_peer.head_of

local function count_and_pack(...)
  return { n = select("#", ...), ... }
end

local NOTHING = { n = 0 }

describe("a transfer's body", function()
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

  describe("line", function()
    it("gives a line, and what follows the last line's end when it is done", function()
      local transfer, connection = start()
      assert.same({ n = 2, nil, "again" }, count_and_pack(transfer:line()))
      connection:send(head .. "one\r\n\ntw")
      core_peer.wait_for_headers(loop, transfer)
      core_peer.run(loop, function() return transfer:has_news() end)
      assert.same({ n = 1, "one" }, count_and_pack(transfer:line()))
      assert.same({ n = 1, "" }, count_and_pack(transfer:line()))
      assert.same({ n = 2, nil, "again" }, count_and_pack(transfer:line()))
      connection:send("o\0\nrest")
      connection:close()
      core_peer.finish(loop, transfer)
      assert.same({ n = 1, "two\0" }, count_and_pack(transfer:line()))
      assert.same({ n = 3, nil, "done", "rest" }, count_and_pack(transfer:line()))
      assert.same({ n = 3, nil, "done", "rest" }, count_and_pack(transfer:line()))
      transfer:close()
      assert.same({ n = 2, nil, "done" }, count_and_pack(transfer:line()))
    end)

    it("has no rest where a line's end is the end", function()
      local transfer = answered(head .. "one\n")
      assert.equal("one", transfer:line())
      assert.same({ n = 3, nil, "done", "" }, count_and_pack(transfer:line()))
      assert.same({ n = 3, nil, "done", "" }, count_and_pack(answered(head_of(0)):line()))
    end)

    it("takes lines up to max_event_bytes", function()
      local transfer = answered(head .. "12345\r\n123456\n1\n", { max_event_bytes = 5 })
      assert.equal("12345", transfer:line())
      assert.same({ n = 2, nil, "too_large" }, count_and_pack(transfer:line()))
      assert.same({ n = 2, nil, "too_large" }, count_and_pack(transfer:line()))
    end)

    it("goes on where the transfer had paused", function()
      local text = (("x"):rep(999) .. "\n"):rep(8000)
      local transfer, connection = start()
      connection:send(head_of(#text))
      local sent, count, stuck = 0, 0, 0
      core_peer.run(loop, function() -- until nobody takes any more
        local before = sent
        sent = core_peer.send_some(connection, text, sent)
        stuck = sent == before and stuck + 1 or 0
        return stuck == 3 or sent == #text
      end)
      core_peer.run(loop, function()
        sent = sent < #text and core_peer.send_some(connection, text, sent) or sent
        local line, state = transfer:line()
        while line do
          count = count + 1
          line, state = transfer:line()
        end
        return state == "done"
      end)
      assert.equal(8000, count)
      connection:close()
    end)
  end)

  describe("bytes", function()
    it("gives what has come, at most so much", function()
      local transfer, connection = start()
      assert.same({ n = 2, nil, "again" }, count_and_pack(transfer:bytes()))
      connection:send(head .. "one\0two")
      core_peer.wait_for_headers(loop, transfer)
      core_peer.run(loop, function() return transfer:has_news() end)
      assert.same({ n = 1, "on" }, count_and_pack(transfer:bytes(2)))
      assert.same({ n = 1, "e\0two" }, count_and_pack(transfer:bytes(100)))
      assert.same({ n = 2, nil, "again" }, count_and_pack(transfer:bytes(1)))
      assert.is_false(transfer:has_news())
      connection:send("end")
      connection:close()
      core_peer.finish(loop, transfer)
      assert.same({ n = 1, "end" }, count_and_pack(transfer:bytes()))
      assert.same({ n = 2, nil, "done" }, count_and_pack(transfer:bytes()))
      assert.equal("", transfer:body())
      transfer:close()
      assert.same({ n = 2, nil, "done" }, count_and_pack(transfer:bytes()))
    end)

    it("takes a number from 1 on", function()
      local transfer = answered(head .. "one")
      for _, wrong in ipairs { 0, -1, 0 / 0, "x" } do
        assert.is_false(pcall(transfer.bytes, transfer, wrong))
      end
      assert.equal("o", transfer:bytes(1.5))
      assert.equal("ne", transfer:bytes(math.huge))
    end)

    it("goes on after lines, and before them", function()
      local transfer = answered(head .. "one\r\ntwo\nthree\nfour\nfive")
      assert.equal("one", transfer:line())
      assert.equal("two\nth", transfer:bytes(6))
      assert.equal("ree", transfer:line())
      assert.equal("four\nfive", transfer:body())
      transfer = answered(head .. "one\ntwo")
      assert.equal("one", transfer:line())
      assert.equal("two", transfer:body())
      assert.same({ n = 3, nil, "done", "two" }, count_and_pack(transfer:line()))
    end)

    it("goes on where the transfer had paused", function()
      local text = ("0123456789"):rep(800000)
      local transfer, connection = start()
      connection:send(head_of(#text))
      local sent, pieces, largest = 0, {}, 0
      core_peer.run(loop, function()
        sent = sent < #text and core_peer.send_some(connection, text, sent) or sent
        local bytes, state = transfer:bytes()
        while bytes do
          pieces[#pieces + 1], largest = bytes, math.max(largest, #bytes)
          bytes, state = transfer:bytes()
        end
        return state == "done"
      end)
      assert.is_true(table.concat(pieces) == text)
      assert.is_true(largest < 1024 * 1024)
      connection:close()
    end)
  end)

  describe("body", function()
    it("is nothing before the end, and then all of it", function()
      local transfer, connection = start()
      assert.same(NOTHING, count_and_pack(transfer:body()))
      connection:send(head_of(6) .. "one")
      core_peer.wait_for_headers(loop, transfer)
      assert.same(NOTHING, count_and_pack(transfer:body()))
      connection:send("\0wo")
      core_peer.finish(loop, transfer)
      assert.same({ n = 1, "one\0wo" }, count_and_pack(transfer:body()))
      assert.same({ n = 1, "one\0wo" }, count_and_pack(transfer:body()))
      connection:close()
      transfer:close()
      assert.same({ n = 1, "" }, count_and_pack(transfer:body()))
    end)

    it("is empty where none came, and what came where it broke off", function()
      assert.same({ n = 1, "" }, count_and_pack(answered(head_of(0)):body()))
      assert.same({ n = 1, "" }, count_and_pack(answered(""):body()))
      assert.same({ n = 1, "12" }, count_and_pack(answered(head_of(5) .. "12"):body()))
    end)

    local MIB = 1024 * 1024

    -- How many bytes of an answer of so many MiB the body is.
    local function kept(status, mebibytes, text, is_json, is_wanted)
      local transfer, connection = start()
      local sent, body, whole = 0, nil, text:rep(mebibytes * MIB / #text)
      connection:send(("HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n"):format(status, #whole))
      core_peer.run(loop, function()
        sent = sent < #whole and core_peer.send_some(connection, whole, sent) or sent
        body = transfer:body(is_json, is_wanted)
        return body
      end)
      connection:close()
      assert.is_true(whole:sub(1, #body) == body)
      assert.is_true(transfer:body(is_json, is_wanted) == body)
      return #body / MIB
    end

    it("is all of a success, and 16 MiB of what refuses the request unless all is wanted", function()
      assert.equal(17, kept(200, 17, "0123456789abcdef"))
      assert.equal(16, kept(500, 17, "0123456789abcdef"))
      assert.equal(15, kept(500, 15, "0123456789abcdef"))
      assert.equal(17, kept(500, 17, "0123456789abcdef", false, true))
    end)

    it("is 4 MiB of what would cost too much as JSON, which only a success is read for", function()
      assert.equal(4, kept(200, 8, "[[[[]]]]", true))
      assert.equal(8, kept(200, 8, "[[[[]]]]", false))
      assert.equal(8, kept(500, 8, "[[[[]]]]", true))
    end)
  end)
end)
