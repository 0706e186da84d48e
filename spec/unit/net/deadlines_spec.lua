local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local full_queue = require "spec.support.full_queue"
local socket = require "socket"

local head = core_peer.head

describe("the deadlines of a loop", function()
  local loop, peer, descriptor

  before_each(function()
    loop, peer = core.loop(), core_peer.listen()
    descriptor = nil
  end)

  after_each(function()
    loop:close()
    peer:close()
  end)

  local function start(options)
    return core_peer.open(loop, peer, options)
  end

  local function readable(seconds)
    descriptor = descriptor or loop:fd() -- once, as a host does: asking makes it ready to wait
    return core_peer.is_readable(descriptor, seconds)
  end

  local function settle()
    local deadline = core.now() + 10
    while readable(0.1) do
      assert.is_true(core.now() < deadline)
      loop:step()
    end
  end

  local function seconds_of(f)
    local before = core.now()
    f()
    return core.now() - before
  end

  -- A transfer and the peer's side of it.
  local function open(options)
    return core_peer.pair(loop, peer, options)
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
      local first = core_peer.start(loop, peer, { url = queue.url, connect_timeout = 0.01 })
      loop:fd()
      socket.sleep(0.05) -- nobody steps; the next transfer finds the time run out
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

  it("ends at its time a transfer that one later in time stands behind", function()
    local late, soon, later = open { total_timeout = 60 }, open(), open()
    later.transfer:limit(30)
    soon.transfer:limit(0.04)
    core_peer.finish(loop, soon.transfer)
    assert.equal(soon.transfer, loop:next_ready())
    local longest = 0 -- libcurl may want to be called now and then
    for _ = 1, 5 do
      longest = math.max(longest, seconds_of(function() loop:wait(0.02) end))
    end
    assert.is_true(longest >= 0.02) -- what is over is waited for no more
    assert.is_false(later.transfer:done())
    core.advance(31)
    core_peer.finish(loop, later.transfer)
    assert.is_false(late.transfer:done())
    assert.equal(1, loop:active())
    core_peer.close_all { late, soon, later }
  end)

  describe("with an alarm", function()
    it("waits until then at most, again and again until it is moved", function()
      local at = core.now() + 0.03
      loop:alarm(at)
      loop:alarm(at)
      loop:wait(5)
      assert.is_true(core.now() >= at - 0.002 and core.now() < at + 2)
      assert.is_true(seconds_of(function() loop:wait(5) end) < 2)
      loop:alarm(core.now() + 60)
      assert.is_true(seconds_of(function() loop:wait(0.02) end) >= 0.02)
      loop:alarm(core.now() - 1)
      assert.is_true(seconds_of(function() loop:wait(5) end) < 2)
      loop:alarm()
      assert.is_true(seconds_of(function() loop:wait(0.02) end) >= 0.02)
    end)

    it("takes times that are far away", function()
      for _, time in ipairs { core.now() + 1e9, math.huge, 1e300 } do
        loop:alarm(time)
        assert.is_false(readable())
        assert.is_true(seconds_of(function() loop:wait(0.02) end) >= 0.02)
      end
      loop:alarm(-math.huge)
      assert.is_true(seconds_of(function() loop:wait(5) end) < 2)
    end)

    it("refuses what is no time", function()
      for _, time in ipairs { 0 / 0, "soon", {}, true } do
        local ok, message = pcall(loop.alarm, loop, time)
        assert.is_false(ok)
        assert.matches("bad argument", message)
      end
    end)

    it("makes its descriptor readable then, and not before", function()
      if not loop:fd() then
        pending "there is none with this poller"
        return
      end
      loop:alarm(core.now() + 0.05)
      assert.is_false(readable())
      local before = core.now()
      assert.is_true(readable(5))
      assert.is_true(core.now() - before >= 0.03)
      loop:step()
      assert.is_true(readable()) -- still due
      loop:alarm(nil)
      loop:step()
      assert.is_false(readable(0.02))
      loop:alarm(core.now() - 5)
      assert.is_true(readable(1))
      loop:alarm(core.now() + 60)
      loop:step()
      assert.is_false(readable(0.02))
    end)

    it("that was set before its descriptor was asked for, too", function()
      loop:alarm(core.now() + 0.03)
      if loop:fd() then
        assert.is_true(readable(5))
      end
    end)
  end)

  describe("with a timeout", function()
    local function is_told_of(transfer)
      while not transfer:done() do
        assert.is_true(readable(5))
        loop:step()
      end
      return (transfer:failure())
    end

    it("makes its descriptor readable, of one transfer after the other", function()
      if not loop:fd() then
        pending "there is none with this poller"
      end
      local first, second = open(), open()
      first.transfer:limit(0.04)
      second.transfer:limit(0.08)
      assert.equal("total", is_told_of(first.transfer))
      assert.equal("total", is_told_of(second.transfer))
      core_peer.close_all { first, second }
    end)

    it("sets its descriptor's timer where no step was made since it began or was limited", function()
      local fd = loop:fd()
      if not fd or not core_peer.timer(fd) then
        pending "which the system does not tell"
      end
      local first = open()
      first.connection:send(core_peer.head_of(2) .. "ok")
      core_peer.finish(loop, first.transfer)
      local second = core_peer.start(loop, peer, { total_timeout = 60 })
      while readable(0.02) do
        loop:step()
      end
      second:limit(0.04)
      assert.is_true(core_peer.timer(fd) <= 0.041)
      core_peer.start(loop, peer, { total_timeout = 0.01 })
      assert.is_true(core_peer.timer(fd) <= 0.011)
      assert.equal("total", is_told_of(second))
      core_peer.close_all { first }
    end)

    it("ends a transfer that was paused and goes on", function()
      local each = open { idle_timeout = 50 }
      each.connection:send(core_peer.head)
      local text, sent = ("data: x\n\n"):rep(100000), 0
      for _ = 1, 100 do
        sent = core_peer.send_some(each.connection, text, sent)
        loop:step()
      end
      core.advance(60)
      loop:step()
      assert.is_false(each.transfer:done()) -- it is not the peer that is silent
      local count = 0
      core_peer.run(loop, function()
        while each.transfer:event() do
          count = count + 1
        end
        sent = sent < #text and core_peer.send_some(each.connection, text, sent) or sent
        return count == 100000
      end)
      core.advance(40)
      loop:step()
      assert.is_false(each.transfer:done())
      core.advance(20)
      loop:step()
      assert.equal("idle", (each.transfer:failure()))
      core_peer.close_all { each }
    end)
  end)

  it("sets its descriptor's timer to whole milliseconds, none too soon, and to a day at most", function()
    local function timer_of(seconds)
      local own = core.loop()
      local fd, now = own:fd(), core.now()
      own:alarm(now + seconds)
      own:fd()
      local left = fd and core_peer.timer(fd)
      own:close()
      return left, core.now() - now
    end
    if not timer_of(1) then
      pending "which the system does not tell"
    end
    for _, seconds in ipairs { 0.25, 10, 3600, 86399, 86400, 1e9 } do
      local left, passed = timer_of(seconds)
      local most = math.min(seconds, 86400)
      assert.is_true(left <= most + 0.001 and left >= most - passed - 0.001, seconds)
    end
    for _, seconds in ipairs { 0, -0.5, -1e9 } do
      assert.is_true(timer_of(seconds) <= 0.001)
    end
  end)

  it("sets it anew when a day of a longer time has passed, and when none was left meanwhile", function()
    local fd = loop:fd()
    if not fd or not core_peer.timer(fd) then
      pending "which the system does not tell"
    end
    local function left_of(time)
      loop:alarm(time)
      loop:wait(0)
      loop:fd()
      return core_peer.timer(fd)
    end
    local time = core.now() + 100000
    assert.is_true(left_of(time) > 86399)
    core.advance(86401)
    local left = left_of(time)
    assert.is_true(left > 13500 and left < 13600, left)
    core.advance(14000)
    assert.equal(0, left_of(nil))
    assert.is_true(left_of(core.now() + 200000) > 86399)
  end)
end)
