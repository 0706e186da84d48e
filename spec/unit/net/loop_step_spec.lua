-- What a step of a loop does, and what it leaves to the next one. What a loop does is loop_spec.lua's.

local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local exhaustion = require "spec.support.exhaustion"
local http2_peer = require "spec.support.http2_peer"
local socket = require "socket"

local HELD_AT_FIRST = core_peer.held_signals()

describe("a step of the core's loop", function()
  local loop, peer

  before_each(function()
    loop, peer = core.loop(), core_peer.listen()
  end)

  after_each(function()
    loop:close()
    peer:close()
  end)

  local function seconds_of(f)
    local before = core.now()
    f()
    return core.now() - before
  end

  it("tells whether there was work", function()
    assert.is_false(loop:wait(0))
    local each = core_peer.pair(loop, peer)
    while loop:wait(0) do end -- luacheck: ignore
    assert.is_false(loop:wait(0))
    each.connection:send(core_peer.head)
    assert.is_true(loop:wait(5))
    assert.equal(200, each.transfer:status())
    core_peer.close_all { each }
  end)

  it("takes out what ended, and notes that its connection is idle", function()
    local each = core_peer.pair(loop, peer)
    each.connection:send(core_peer.head_of(2) .. "ok")
    core_peer.finish(loop, each.transfer)
    assert.equal(0, loop:active())
    each.connection:send "x" -- nobody asked for it
    local other = core_peer.pair(loop, peer)
    other.connection:send(core_peer.head_of(2) .. "ok")
    assert.equal("ok", core_peer.finish(loop, other.transfer):body())
    assert.equal(HELD_AT_FIRST, core_peer.held_signals())
    core_peer.close_all { each, other }
  end)

  it("tells a command of what it wrote, beside transfers", function()
    local each = core_peer.pair(loop, peer)
    local process = assert(loop:run { "echo", "x" })
    core_peer.run(loop, function() return process:has_news() end)
    each.connection:send(core_peer.head_of(2) .. "ok")
    assert.equal("ok", core_peer.finish(loop, each.transfer):body())
    process:close()
    core_peer.close_all { each }
  end)

  it("ends what is under way for lack of memory where libcurl says so", function()
    if not exhaustion.is_possible "curl" then
      pending "of this system has memory at all times"
    end
    local failed = exhaustion.run("curl", function()
      local own = core.loop()
      local transfer = own:start { method = "GET", url = peer.url }
      for _ = 1, 5 do
        own:wait(0)
      end
      local name, _, code
      if transfer then
        name, _, code = transfer:failure()
      end
      own:close()
      return name, code
    end, function(ok, name, code)
      assert.is_true(ok)
      assert.not_equal(2, code, name) -- CURLE_FAILED_INIT
    end)
    assert.is_true(failed > 10)
  end)

  it("does not wait while a transfer is ready", function()
    local each = core_peer.pair(loop, peer)
    each.connection:send(core_peer.head)
    core_peer.run(loop, function()
      return each.transfer:status()
    end)
    assert.is_true(seconds_of(function() loop:wait(5) end) < 2)
    assert.equal(each.transfer, loop:next_ready())
    while each.transfer:event() do end -- luacheck: ignore
    assert.is_true(seconds_of(function() loop:wait(0.03) end) >= 0.03)
    core_peer.close_all { each }
  end)

  it("waits as long as it is told where nothing happens", function()
    for _, seconds in ipairs { 0, 0.03 } do
      local took = seconds_of(function()
        assert.is_false(loop:wait(seconds))
      end)
      assert.is_true(took >= seconds and took < seconds + 1)
    end
  end)

  it("begins anew where the system refuses to watch a socket, and ends what was under way", function()
    if not loop:fd() then
      pending "which this poller does not ask"
    end
    local function sockets()
      local pipe = assert(io.popen "ls -l /proc/$PPID/fd 2>/dev/null")
      local set = {}
      for number in pipe:read("*a"):gmatch "(%d+) %-> socket:" do
        set[tonumber(number)] = true
      end
      pipe:close()
      return set
    end
    local idle = core_peer.pair(loop, peer)
    idle.connection:send(core_peer.head_of(2) .. "ok")
    core_peer.finish(loop, idle.transfer)
    local before = sockets()
    local transfer = core_peer.start(loop, peer, { fresh = true })
    local taken
    for one in pairs(sockets()) do
      taken = not before[one] and one or taken
    end
    if not taken then
      pending "whose number cannot be had"
    end
    local other = core_peer.start(loop, peer, { fresh = true })
    local connection = peer:accept(loop)
    connection:send(core_peer.head)
    local text, sent = ("data: x\n\n"):rep(500000), 0
    for _ = 1, 200 do -- until it is watched no more: nobody reads it
      sent = core_peer.send_some(connection, text, sent)
      loop:step()
    end
    local gone = socket.tcp()
    gone:setfd(taken)
    gone:close()
    while transfer:event() do end -- luacheck: ignore
    assert.equal("connection", (transfer:failure()))
    assert.equal("connection", (other:failure()))
    assert.equal(0, loop:active())
    connection:close()
    connection = peer:connection(loop) -- the other's
    connection:close()
    local each = core_peer.pair(loop, peer)
    each.connection:send(core_peer.head_of(2) .. "ok")
    core_peer.finish(loop, each.transfer)
    assert.equal("ok", each.transfer:body())
    assert.equal(1, loop:connections()) -- the idle one has ended, too
    core_peer.close_all { each, idle }
  end)

  it("ends a transfer at its time, one that is alone and one whose loop goes on with others", function()
    local first, second = core_peer.pair(loop, peer), core_peer.pair(loop, peer)
    first.transfer:limit(50)
    core.advance(49)
    loop:step()
    assert.is_false(first.transfer:done())
    core.advance(2)
    loop:step()
    assert.equal("total", (first.transfer:failure()))
    assert.equal(1, loop:active())
    assert.is_false(second.transfer:done())
    second.transfer:limit(50)
    core.advance(51)
    loop:step()
    assert.equal("total", (second.transfer:failure()))
    core_peer.close_all { first, second }
  end)

  it("does at most 64 sockets' work in a step, and the rest of it in the next ones", function()
    local list = core_peer.pairs(loop, peer, 100)
    while loop:wait(0) do end -- luacheck: ignore
    for _, each in ipairs(list) do
      each.connection:send(core_peer.head)
    end
    local function count()
      local answered = 0
      for _, each in ipairs(list) do
        answered = answered + (each.transfer:status() and 1 or 0)
      end
      return answered
    end
    loop:step()
    assert.is_true(count() >= 1 and count() <= 64)
    for _ = 1, 99 do -- each does something, however slow the machine is
      loop:step()
    end
    assert.equal(100, count())
    core_peer.close_all(list)
  end)

  it("ends a transfer at its time although many others are always busy", function()
    local list = core_peer.pairs(loop, peer, 80)
    for _, each in ipairs(list) do
      each.connection:send(core_peer.head)
    end
    local silent = core_peer.pair(loop, peer, { idle_timeout = 0.1 })
    silent.connection:send(core_peer.head)
    local deadline = core.now() + 5
    while not silent.transfer:done() and core.now() < deadline do
      for _, each in ipairs(list) do
        each.connection:send ":\n"
      end
      loop:step()
      for _, each in ipairs(list) do
        each.transfer:event()
      end
    end
    assert.equal("idle", (silent.transfer:failure()))
    list[#list + 1] = silent
    core_peer.close_all(list)
  end)

  it("does not end for its timeout what has bytes waiting, however many wait before it", function()
    local list = {}
    for i = 1, 130 do
      list[i] = core_peer.pair(loop, peer, { idle_timeout = 30 })
    end
    for _, each in ipairs(list) do
      each.connection:send(core_peer.head)
    end
    core_peer.run(loop, function()
      local count = 0
      for _, each in ipairs(list) do
        count = count + (each.transfer:status() and 1 or 0)
      end
      return count == #list
    end)
    loop:step()
    for _, each in ipairs(list) do
      each.connection:send "data: 1\n\n"
    end
    core.advance(31)
    for _ = 1, #list do -- each does something, however slow the machine is
      loop:step()
    end
    for _, each in ipairs(list) do
      assert.is_false(each.transfer:done())
      assert.equal("1", (each.transfer:event()))
    end
    core_peer.close_all(list)
  end)

  describe("by HTTP/2", function()
    local server

    after_each(function()
      server:stop()
    end)

    it("ends all transfers of a connection that ends", function()
      server = http2_peer.serve("begin", "begin", "notify")
      local list = {}
      for i = 1, 3 do
        list[i] = server:send(loop)
      end
      for _, transfer in ipairs(list) do
        transfer:limit(2) -- before its peer goes away altogether
      end
      for i, transfer in ipairs(list) do
        core_peer.finish(loop, transfer)
        assert.is_string((transfer:failure()), i)
        assert.not_equal("total", (transfer:failure()), i)
      end
    end)

    it("has no part any more in one that ended while libcurl read for others", function()
      server = http2_peer.serve("pour", "silent")
      local unread = server:send(loop, { max_body_bytes = 1e6 })
      local other = server:start(loop, { total_timeout = 50 })
      assert.equal(2, loop:active())
      core_peer.finish(loop, unread)
      assert.equal("too_large", (unread:failure()))
      assert.equal(1, loop:active())
      core.advance(60)
      core_peer.finish(loop, other) -- it has gone on
      assert.equal("total", (other:failure()))
    end)

    it("puts no timeout off where nothing came", function()
      server = http2_peer.serve "begin"
      local transfer = server:send(loop, { idle_timeout = 50 })
      core_peer.wait_for_headers(loop, transfer)
      core.advance(60)
      loop:step()
      assert.equal("idle", (transfer:failure()))
    end)

    it("puts no timeout off where the host stood still for less than half of it", function()
      server = http2_peer.serve("begin", "answer")
      local transfer = server:send(loop, { idle_timeout = 50 })
      core_peer.wait_for_headers(loop, transfer)
      core.advance(30) -- which is over when the time is
      loop:step()
      server:start(loop)
      if not server:await_bytes() then
        pending "which this system does not tell"
      end
      core.advance(21)
      loop:step()
      assert.equal("idle", (transfer:failure()))
    end)

    it("puts a timeout off where the host stood still and something came on its connection", function()
      server = http2_peer.serve("begin", "answer")
      local transfer = server:send(loop, { total_timeout = 1000, idle_timeout = 50 })
      local plain = core_peer.pair(loop, peer)
      core_peer.wait_for_headers(loop, transfer)
      server:start(loop)
      if not server:await_bytes() then
        pending "which this system does not tell"
      end
      core.advance(60)
      core_peer.pass(loop, 0.01)
      assert.is_false(transfer:done())
      plain.connection:send(core_peer.head) -- what comes on another one does not count
      core.advance(60)
      core_peer.finish(loop, transfer)
      assert.equal("idle", (transfer:failure()))
      core_peer.close_all { plain }
    end)
  end)
end)
