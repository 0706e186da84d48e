local certificates = require "spec.support.certificates"
local child = require "spec.support.child"
local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"

local head_of = core_peer.head_of

describe("what a transfer sends", function()
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

  -- A connection that was kept after an answer.
  local function kept()
    local transfer, connection = start()
    connection:send(head_of(2) .. "ok")
    core_peer.finish(loop, transfer)
    transfer:close()
    return connection
  end

  it("sends its body byte by byte, NUL too", function()
    for _, body in ipairs { "a\0b", "\0", "", ("\0\255"):rep(1000) } do
      local transfer = core_peer.start(loop, peer, { body = body })
      local connection, request = peer:accept(loop)
      assert.equal(body, request:match "\r\n\r\n(.*)$")
      transfer:close()
      connection:close()
    end
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

  describe("sends its request once", function()
    -- What arrived on connections after the first one.
    local function sent_elsewhere()
      local text = ""
      core_peer.pass(loop, 0.01)
      local other = peer.listener:accept()
      while other do
        other:settimeout(0)
        local _, _, partial = other:receive(1000)
        text = text .. partial
        other:close()
        other = peer.listener:accept()
      end
      return text
    end

    for name, options in pairs {
      POST = {}, GET = { method = "GET", body = false }, DELETE = { method = "DELETE", body = false },
      HEAD = { method = "HEAD", body = false }, ["a large POST"] = { body = ("x"):rep(3000000) },
    } do
      it("where its connection, which was kept, turns out dead, however often that was so before: " .. name, function()
        for _ = 1, 12 do
          local connection = kept()
          local transfer = core_peer.start(loop, peer, options)
          core_peer.read_request(loop, connection)
          connection:close()
          core_peer.finish(loop, transfer)
          assert.same({ "lost", "", 52 }, { transfer:failure() })
          assert.is_false(transfer:unprocessed())
          assert.equal("", sent_elsewhere())
          transfer:close()
        end
      end)
    end

    it("where there are other connections that were kept", function()
      local connections, transfers = {}, {}
      for i = 1, 3 do
        transfers[i], connections[i] = start()
      end
      for i = 1, 3 do
        connections[i]:send(head_of(2) .. "ok")
        core_peer.finish(loop, transfers[i]):close()
      end
      local transfer = core_peer.start(loop, peer)
      local used
      core_peer.run(loop, function()
        for i, connection in ipairs(connections) do
          used = used or connection:receive(1) and i
        end
        return used
      end)
      connections[used]:close()
      core_peer.finish(loop, transfer)
      assert.equal("lost", (transfer:failure()))
      assert.equal("", sent_elsewhere())
      for i, connection in ipairs(connections) do
        local _, _, partial = connection:receive(1000)
        assert.is_true(i == used or partial == "")
        connection:close()
      end
    end)
  end)
end)

describe("what a server of HTTP/2 says of a request that it did not take", function()
  local directory, server, loop

  setup(function()
    directory = assert(certificates.make())
  end)

  teardown(function()
    certificates.remove(directory)
  end)

  before_each(function()
    loop = core.loop()
  end)

  after_each(function()
    loop:close()
    server:stop()
  end)

  -- The failure, whether the server can have acted, and the version of the request, by what the server does.
  local function sent(...)
    server = child.start("spec/support/http2_server.lua", directory .. "/here.crt", directory .. "/here.key", ...)
    local transfer = core_peer.finish(loop, assert(loop:start {
      method = "POST", url = "https://127.0.0.1:" .. server.port .. "/", body = "{}", http2 = true,
      ca_file = directory .. "/ca.crt",
    }))
    return (transfer:failure()), transfer:unprocessed(), server:log():match "HTTP/%S+"
  end

  it("is known, for a stream and for the whole connection", function()
    assert.same({ "refused", true, "HTTP/2" }, { sent "refuse" })
    server:stop()
    assert.same({ "refused", true, "HTTP/2" }, { sent "away" })
  end)

  it("is not taken from any other end", function()
    for _, step in ipairs { "error", "gone", "close" } do
      local name, unprocessed = sent(step)
      assert.is_string(name)
      assert.not_equal("refused", name, step)
      assert.not_equal("downgraded", name, step)
      assert.is_false(unprocessed, step)
      server:stop()
    end
    assert.same({ nil, false, "HTTP/2" }, { sent "answer" })
  end)

  it("is not that it wants it by HTTP/1.1 where a connection that was kept is lost", function()
    local name = sent("answer", "close")
    assert.is_nil(name)
    local transfer = core_peer.finish(loop, assert(loop:start {
      method = "POST", url = "https://127.0.0.1:" .. server.port .. "/", body = "{}", http2 = true,
      ca_file = directory .. "/ca.crt",
    }))
    name = transfer:failure()
    assert.is_true(name == "lost" or name == "connection" or name == "truncated", name)
  end)

  it("may be that it wants it by HTTP/1.1", function()
    assert.equal("downgraded", (sent("downgrade", "answer")))
  end)
end)
