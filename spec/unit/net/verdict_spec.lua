local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local exhaustion = require "spec.support.exhaustion"
local http2_peer = require "spec.support.http2_peer"

local head_of = core_peer.head_of

describe("the verdict on a transfer", function()
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

  describe("that breaks off", function()
    it("inside its headers or its body is truncated", function()
      for _, text in ipairs {
        "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\n\r",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n1234",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n123",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
      } do
        assert.equal("truncated", (answered(text):failure()), text)
      end
    end)

    it("before its headers, or is no HTTP, is a failed connection", function()
      for _, text in ipairs {
        "", "hello\r\n\r\n", "\0\1\2\r\n\r\n", "HTTP/9.9 200 OK\r\n\r\n", "HTTP/1.1 99999999999 x\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 2000 OK\r\n\r\n",
      } do
        assert.equal("connection", (answered(text):failure()), text)
      end
    end)

    it("with a wrong chunk is a failed connection", function()
      local name = answered("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n123"):failure()
      assert.truthy(name == "connection" or name == "truncated", name)
    end)
  end)

  it("says whether the server can have processed it", function()
    local transfer, connection = start()
    assert.is_false(transfer:unprocessed())
    connection:close()
    core_peer.finish(loop, transfer)
    assert.is_false(transfer:unprocessed())
    transfer:close()
    assert.is_false(transfer:unprocessed())
    local gone = core_peer.listen()
    gone:close()
    transfer = core_peer.finish(loop, core_peer.start(loop, gone))
    assert.is_true(transfer:unprocessed())
    transfer = core_peer.finish(loop, core_peer.start(loop, peer, { url = "http://" .. ("a"):rep(64) .. ".invalid/" }))
    assert.is_true(transfer:unprocessed())
    transfer = core_peer.finish(loop, core_peer.start(loop, peer, { url = "no://127.0.0.1/" }))
    assert.same({ true, 1 }, { transfer:unprocessed(), (select(3, transfer:failure())) })
    transfer, connection = start()
    connection:send "no HTTP at all\r\n\r\n"
    core_peer.finish(loop, transfer)
    assert.same({ false, 1 }, { transfer:unprocessed(), (select(3, transfer:failure())) })
  end)

  describe("says of its failure", function()
    it("libcurl's words and number where no connection comes about", function()
      local gone = core_peer.listen()
      gone:close()
      local transfer = core_peer.finish(loop, core_peer.start(loop, gone))
      local name, message, code = transfer:failure()
      assert.equal("connection", name)
      assert.matches("onnect", message)
      assert.matches(gone.port, message, 1, true) -- which the name of the code does not have
      assert.equal(7, code)
      assert.equal(0, loop:active())
    end)

    it("the same of an answer that broke off", function()
      local name, message, code = answered(head_of(5) .. "1234"):failure()
      assert.equal("truncated", name)
      assert.is_true(#message > 0)
      assert.equal(18, code)
    end)

    it("no words of a connection that was kept and is lost", function()
      local transfer, connection = start()
      connection:send(head_of(2) .. "ok")
      core_peer.finish(loop, transfer)
      transfer = core_peer.start(loop, peer)
      core_peer.read_request(loop, connection)
      connection:close()
      core_peer.finish(loop, transfer)
      assert.same({ "lost", "", 52 }, { transfer:failure() })
    end)

    it("no words of one that the server refused, or wants by HTTP/1.1", function()
      for step, expected in pairs { refuse = "refused", downgrade = "downgraded" } do
        local server = http2_peer.serve(step)
        local name, words = core_peer.finish(loop, server:send(loop)):failure()
        server:stop()
        assert.same({ expected, "" }, { name, words })
      end
    end)

    it("no more than its name where that says all", function()
      local transfer = answered("HTTP/1.1 200 OK\r\n")
      assert.same({ "truncated", "", 0 }, { transfer:failure() })
      local connection
      transfer, connection = start()
      transfer:limit(0.02)
      core_peer.finish(loop, transfer)
      assert.same({ "total", "", 0 }, { transfer:failure() })
      connection:close()
    end)

    it("nothing while it is under way and where there was none", function()
      local transfer, connection = start()
      assert.same({}, { transfer:failure() })
      connection:send(head_of(0))
      core_peer.finish(loop, transfer)
      assert.same({}, { transfer:failure() })
      connection:close()
    end)

    it("which was first: a closed one keeps what it had", function()
      local transfer, connection = start()
      transfer:limit(0.02)
      core_peer.finish(loop, transfer)
      loop:close()
      assert.equal("total", (transfer:failure()))
      connection:close()
    end)
  end)

  it("keeps its failure where its body is cut to the limit as well", function()
    local transfer = answered(head_of(50) .. "12345678", { max_body_bytes = 5 })
    assert.equal("truncated", (transfer:failure()))
    assert.equal("12345", transfer:body())
    assert.equal("truncated", (transfer:failure()))
  end)

  it("is that headers were too large, unless the answer's have come", function()
    local long = "X: " .. ("y"):rep(200000) .. "\r\n"
    local name, words = answered("HTTP/1.1 200 OK\r\n" .. long .. "\r\n"):failure()
    assert.same({ "large_headers", "" }, { name, words })
    assert.equal("large_headers", (answered("HTTP/1.1 103 E\r\n\r\nHTTP/1.1 200 OK\r\n" .. long .. "\r\n"):failure()))
    local trailer = answered("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" .. long .. "\r\n"):failure()
    assert.is_string(trailer)
    assert.not_equal("large_headers", trailer)
    if exhaustion.is_possible "curl" then
      local function attempt()
        local own = core.loop()
        core_peer.answered(own, peer, "HTTP/1.1 200 OK\r\n" .. long .. "\r\n"):close()
        own:close()
      end
      attempt()
      local held = exhaustion.blocks "curl"
      attempt()
      assert.equal(held, exhaustion.blocks "curl")
    end
  end)

  it("is that a body could not be unpacked where none of it could", function()
    local function unpacked(bytes)
      return (answered("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" .. bytes):failure())
    end
    assert.equal("encoding", unpacked "no gzip at all, and long enough to tell")
  end)

  it("is a proxy's refusal where that will be the same next time", function()
    for status, name in pairs {
      [400] = "proxy", [403] = "proxy", [407] = "proxy", [499] = "proxy", [408] = "connection", [425] = "connection",
      [429] = "connection", [500] = "connection", [503] = "connection",
    } do
      local transfer = core_peer.start(loop, peer, { url = "https://127.0.0.1:1/", proxy = peer.url })
      local connection = peer:accept(loop)
      connection:send("HTTP/1.1 " .. status .. " No\r\nContent-Length: 0\r\n\r\n")
      core_peer.finish(loop, transfer)
      assert.equal(name, (transfer:failure()), status)
      connection:close()
    end
    assert.is_nil(answered("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"):failure())
  end)

  it("is a refusal of a SOCKS proxy's where that will be the same next time", function()
    -- By the number of its reply; nil: it takes none of the ways to log in.
    local function refused(reply)
      local transfer = core_peer.start(loop, peer, {
        url = "http://127.0.0.1:1/", proxy = "socks5h://127.0.0.1:" .. peer.port,
      })
      local connection = peer:connection(loop)
      local function expect(count)
        local bytes = ""
        core_peer.run(loop, function()
          local all, _, part = connection:receive(count - #bytes)
          bytes = bytes .. (all or part)
          return #bytes == count
        end)
      end
      expect(3)
      connection:send(reply and "\5\0" or "\5\255")
      if reply then
        expect(10)
        connection:send("\5" .. string.char(reply) .. "\0\1\127\0\0\1\0\1")
      end
      core_peer.finish(loop, transfer)
      connection:close()
      return (transfer:failure())
    end
    for reply, name in pairs {
      [1] = "connection", [2] = "proxy", [3] = "connection", [4] = "connection", [5] = "connection", [7] = "proxy",
      [8] = "connection",
    } do
      assert.equal(name, refused(reply), reply)
    end
    assert.equal("proxy", refused(nil))
  end)
end)
