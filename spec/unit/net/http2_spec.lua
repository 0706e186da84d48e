-- Seen through transfers to a server of HTTP/2: on which connection each goes out, and how those end that share one.

local certificates = require "spec.support.certificates"
local child = require "spec.support.child"
local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local libcurl = require "spec.support.libcurl"

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

describe("over HTTP/2, a loop", function()
  local directory, server, loop

  setup(function()
    directory = assert(certificates.make())
  end)

  teardown(function()
    certificates.remove(directory)
  end)

  before_each(function()
    loop, server = core.loop(), nil
  end)

  after_each(function()
    loop:close()
    if server then
      server:stop()
    end
  end)

  local function serve(...)
    server = child.start("spec/support/http2_server.lua", directory .. "/here.crt", directory .. "/here.key", ...)
  end

  -- The numbers of the connections on which requests arrived, in their order.
  local function arrived()
    local numbers = {}
    for number in server:log():gmatch "(%d+) HTTP/%S+\n" do
      numbers[#numbers + 1] = tonumber(number)
    end
    return numbers
  end

  local function start(options)
    local all = {
      method = "POST", url = "https://127.0.0.1:" .. server.port .. "/", body = "{}", http2 = true,
      ca_file = directory .. "/ca.crt",
    }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    return assert(loop:start(all))
  end

  -- Starts a request, and waits until so many have arrived.
  local function sent(count, options)
    local transfer = start(options)
    core_peer.run(loop, function()
      return #arrived() >= count
    end)
    return transfer
  end

  -- Starts a request, and waits until the head of its answer is here.
  local function answering()
    local transfer = start()
    core_peer.run(loop, function()
      return transfer:status()
    end)
    return transfer
  end

  -- The failure of a request, false where it is answered.
  local function outcome(transfer)
    core_peer.finish(loop, transfer)
    return (transfer:failure()) or false
  end

  local function answered(options)
    local transfer = start(options)
    assert.is_false(outcome(transfer))
    assert.equal(200, transfer:status())
    transfer:close()
  end

  describe("whose request timed out", function()
    it("sends none on its connection any more, and all that follow on one new one", function()
      serve("answer", "silent", "answer")
      answered()
      local transfer = sent(2, { first_byte_timeout = 50 })
      core.advance(60)
      assert.equal("first_byte", outcome(transfer))
      answered()
      answered()
      assert.same({ 1, 1, 2, 2 }, arrived())
    end)

    it("takes a new one after each timeout", function()
      serve("silent", "silent", "silent", "answer")
      for i = 1, 3 do
        local transfer = sent(i, { total_timeout = 50 })
        core.advance(60)
        assert.equal("total", outcome(transfer))
      end
      answered()
      assert.same({ 1, 2, 3, 4 }, arrived())
    end)

    it("takes one new one after several on one connection", function()
      serve("silent", "silent", "answer")
      local transfers = { sent(1, { total_timeout = 50 }), sent(2, { total_timeout = 51 }) }
      core.advance(60)
      for _, transfer in ipairs(transfers) do
        assert.equal("total", outcome(transfer))
      end
      answered()
      answered()
      assert.same({ 1, 1, 2, 2 }, arrived())
    end)

    it("keeps the new one where one of the old one times out later", function()
      serve("silent", "silent", "answer")
      local first, second = sent(1, { total_timeout = 50 }), sent(2, { total_timeout = 500 })
      core.advance(60)
      assert.equal("total", outcome(first))
      answered()
      core.advance(600)
      assert.equal("total", outcome(second))
      answered()
      assert.same({ 1, 1, 2, 2 }, arrived())
    end)

    it("lets the others on its connection go on, which ends with the last of them", function()
      serve("begin", "begin", "silent", "finish", "answer")
      local others = { answering(), answering() } -- what waits while the loop stands still would put the timeout off
      local transfer = sent(3, { first_byte_timeout = 50 })
      core.advance(60)
      assert.equal("first_byte", outcome(transfer))
      assert.is_nil(server:log():find("ended", 1, true))
      answered()
      for _, other in ipairs(others) do
        assert.is_false(outcome(other))
        other:close()
      end
      answered()
      assert.same({ 1, 1, 1, 2, 2 }, arrived())
      core_peer.run(loop, function()
        return server:log():find("1 ended", 1, true) and loop:connections() == 1
      end)
      assert.is_nil(server:log():find("2 ended", 1, true))
    end)

    it("lets those of a newer connection keep theirs", function()
      serve("silent", "silent", "begin", "finish", "answer")
      local old, older = sent(1, { total_timeout = 50 }), sent(2, { total_timeout = 500 })
      core.advance(60)
      assert.equal("total", outcome(old))
      local begun = sent(3)
      core.advance(600)
      assert.equal("total", outcome(older))
      answered()
      assert.is_false(outcome(begun))
      begun:close()
      answered()
      assert.same({ 1, 1, 2, 2, 2 }, arrived())
    end)

    it("has no say in connections of HTTP/1.1", function()
      local peer = core_peer.listen()
      serve("silent")
      local plain = core_peer.start(loop, peer, {})
      local connection = peer:accept(loop)
      local transfer = sent(1, { total_timeout = 50 })
      core.advance(60)
      assert.equal("total", outcome(transfer))
      connection:send(core_peer.head_of(2) .. "ok")
      core_peer.finish(loop, plain)
      plain:close()
      local again = core_peer.start(loop, peer, {})
      core_peer.read_request(loop, connection)
      connection:send(core_peer.head_of(2) .. "ok")
      core_peer.finish(loop, again)
      assert.is_true(again:timings().reused)
      connection:close()
      peer:close()
    end)

    it("takes none of the connections that it had, however many and often", function()
      serve("begin", "silent", "begin", "silent", "begin", "finish")
      local others = { sent(1) }
      for i = 2, 4, 2 do
        local transfer = sent(i, { fresh = true, total_timeout = 50 })
        core.advance(60)
        assert.equal("total", outcome(transfer))
        others[#others + 1] = sent(i + 1)
      end
      answered()
      assert.same({ 1, 2, 3, 4, 5, 5 }, arrived())
      for _, other in ipairs(others) do
        assert.is_false(outcome(other))
        other:close()
      end
    end)

    it("takes a new one where its URL names an interface, too", function()
      serve("silent", "answer")
      local zoned = {
        url = "https://[::ffff:127.0.0.1%251]:" .. server.port .. "/", insecure = true, total_timeout = 50,
      }
      local transfer = start(zoned)
      core_peer.run(loop, function()
        return transfer:done() or #arrived() == 1
      end)
      if transfer:done() then
        pending "this system has no IPv6"
      end
      core.advance(60)
      assert.equal("total", outcome(transfer))
      answered(zoned)
      answered(zoned)
      assert.same({ 1, 2, 3 }, arrived()) -- there is no other way to keep them from the old one
    end)
  end)

  describe("whose request was cancelled", function()
    local function after_cancelling(seconds, in_doubt)
      serve("answer", "silent", "answer")
      answered()
      local transfer = sent(2)
      core.advance(seconds)
      transfer:close(in_doubt)
      answered()
      answered()
      local numbers = arrived()
      server:stop()
      server = nil
      return { numbers[3], numbers[4] }
    end

    it("keeps its connection", function()
      assert.same({ 1, 1 }, after_cancelling(0))
    end)

    it("takes a new one where nothing was heard of it for long, or it was in doubt", function()
      assert.same({ 2, 2 }, after_cancelling(10))
      assert.same({ 2, 2 }, after_cancelling(0, true))
    end)
  end)

  describe("with several requests on a connection that ends", function()
    local function endings(...)
      local steps = { ... }
      serve(unpack(steps))
      local transfers, names = {}, {}
      for i = 1, #steps do
        transfers[i] = sent(i)
      end
      for _, transfer in ipairs(transfers) do
        transfer:limit(2) -- before its peer goes away altogether
      end
      for i, transfer in ipairs(transfers) do
        names[i] = outcome(transfer)
      end
      return names
    end

    it("tells all of them at once", function()
      for _, name in ipairs(endings("begin", "begin", "begin", "begin", "begin", "notify")) do
        assert.is_true(name == "truncated" or name == "connection", name) -- from 8.1 on the latter
      end
    end)

    it("tells those, too, that had no answer yet", function()
      for _, name in ipairs(endings("silent", "silent", "silent", "notify")) do
        assert.is_true(name == "lost" or name == "connection" or name == "truncated", name)
      end
    end)

    it("tells those whose answer came together with the end", function()
      for _, name in ipairs(endings("hold", "hold", "hold", "hold", "burst")) do
        assert.is_true(name == "truncated" or name == "connection", name)
      end
    end)

    it("lets the others go on where one of them ends alone", function()
      serve("begin", "begin", "cut", "finish")
      local others = { sent(1), sent(2) }
      assert.is_true(outcome(start()) ~= false)
      answered()
      for _, other in ipairs(others) do
        assert.is_false(outcome(other))
      end
      assert.same({ 1, 1, 1, 1 }, arrived())
    end)

    it("lets those on another one go on", function()
      serve("begin", "close", "finish")
      local other = sent(1)
      assert.is_true(outcome(start { fresh = true }) ~= false)
      answered()
      assert.is_false(outcome(other))
    end)
  end)

  describe("to which frames come without end that carry nothing", function()
    for _, kind in ipairs { "window", "priority", "data" } do
      it("ends their connection: " .. kind, function()
        serve("flood:" .. kind)
        local name = outcome(start { total_timeout = libcurl.reads_in_steps and 0.9 or 20 })
        assert.is_true(name == "flooded" or libcurl.reads_in_steps and name == "total", name)
      end)
    end
  end)

  -- nghttp2's own limit is lower, where it has one.
  local function taken(transfer)
    local name = outcome(transfer)
    assert.is_true(name == false or libcurl.reads_in_steps and name == "flooded", name)
  end

  it("takes many such frames where others come between that carry something", function()
    serve "mixed"
    local transfer = start { total_timeout = 20 }
    transfer:body() -- it is wanted as a whole
    taken(transfer)
  end)

  it("takes many such frames where they come one step after the other", function()
    serve "rest"
    taken(start { total_timeout = 20 })
  end)
end)
