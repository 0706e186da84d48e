-- What a loop has of libcurl, and that a forked process has from its parent.

local abilities = require "spec.support.abilities"
local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local directories = require "spec.support.directory"
local exhaustion = require "spec.support.exhaustion"
local full_queue = require "spec.support.full_queue"
local http2_peer = require "spec.support.http2_peer"
local socket = require "socket"

local HELD_AT_FIRST = core_peer.held_signals()

describe("the state of a loop", function()
  local loop, peer

  before_each(function()
    loop, peer = core.loop(), core_peer.listen()
  end)

  after_each(function()
    loop:close()
    peer:close()
  end)

  it("has 64 idle connections and no more", function()
    local list = core_peer.pairs(loop, peer, 66)
    for _, each in ipairs(list) do
      each.connection:send(core_peer.head_of(2) .. "ok")
    end
    for _, each in ipairs(list) do
      core_peer.finish(loop, each.transfer)
    end
    assert.equal(64, loop:connections())
    core_peer.close_all(list)
  end)

  it("holds no signal once a transfer was detached, or the loop closed", function()
    local each = core_peer.pair(loop, peer)
    each.transfer:close()
    assert.equal(HELD_AT_FIRST, core_peer.held_signals())
    loop:close()
    assert.equal(HELD_AT_FIRST, core_peer.held_signals())
    core_peer.close_all { each }
  end)

  it("closes an idle connection with the loop", function()
    local each = core_peer.pair(loop, peer)
    each.connection:send(core_peer.head_of(2) .. "ok")
    core_peer.finish(loop, each.transfer)
    loop:close()
    each.connection:settimeout(5)
    assert.equal("closed", select(2, each.connection:receive(1)))
    core_peer.close_all { each }
  end)

  it("has libcurl called when it wants to be", function()
    local queue = full_queue.open()
    if not queue then
      pending "this system answers connections above its queue"
    end
    local transfer = core_peer.start(loop, peer, { url = queue.url, connect_timeout = 0.02 })
    core_peer.finish(loop, transfer)
    assert.equal("connect", (transfer:failure()))
    queue:close()
  end)

  it("uses no connection again on which a request timed out, and others (HTTP/2)", function()
    local server = http2_peer.serve("answer", "silent", "silent", "answer")
    core_peer.finish(loop, server:send(loop)):close()
    local other, silent = server:send(loop), server:send(loop, { total_timeout = 50 })
    core.advance(60)
    assert.equal("total", (core_peer.finish(loop, silent):failure()))
    core_peer.finish(loop, server:start(loop))
    assert.same({ 1, 1, 1, 2 }, server:arrived())
    assert.is_false(other:done())
    server:stop()
  end)

  it("gives back what libcurl holds of one that nobody reads (HTTP/2)", function()
    if not exhaustion.is_possible "curl" then
      pending "which cannot be counted here"
    end
    local server = http2_peer.serve "pour"
    local function attempt()
      local own = core.loop()
      local transfer, other = server:start(own), server:start(own)
      core_peer.run(own, function()
        return transfer:received() > 256 * 1024 and other:received() > 256 * 1024
      end)
      core_peer.pass(own, 0.02)
      transfer:close()
      other:close()
      own:close()
    end
    attempt()
    local before = exhaustion.blocks "curl"
    attempt()
    assert.equal(before, exhaustion.blocks "curl")
    server:stop()
  end)

  it("is open as soon as there is memory for it", function()
    for _, source in ipairs { "core", "curl" } do
      if not exhaustion.is_possible(source) then
        pending "of this system has memory at all times"
      end
      local own
      exhaustion.run(source, function()
        return own and own:fd()
      end, function(ok)
        assert.is_true(ok)
        if own then
          core_peer.close_all { core_peer.pair(own, peer) }
          own:close()
        end
        own = core.loop()
      end)
      own:close()
    end
  end)

  it("is not open where there is no memory for it, and keeps none", function()
    for _, source in ipairs { "core", "curl" } do
      if not exhaustion.is_possible(source) then
        pending "of this system has memory at all times"
      end
      assert.is_true(exhaustion.survive(function()
        local own = core.loop()
        own:fd()
        own:alarm(core.now() + 60)
        local transfer = own:start { method = "GET", url = peer.url }
        local is_open = transfer and not transfer:done() or nil
        own:close()
        return is_open
      end, source) > 3)
    end
  end)
end)

describe("the core in a forked process", function()
  if not abilities then
    pending "of this system cannot be had"
    return
  end

  local loop, peer

  before_each(function()
    loop = core.loop()
    peer = core_peer.listen()
  end)

  after_each(function()
    loop:close()
    peer:close()
  end)

  local function exchange(text)
    local own = core_peer.listen()
    local transfer = core_peer.start(loop, own)
    local connection = own:accept(loop)
    connection:send(core_peer.head_of(#text) .. text)
    assert.equal(text, core_peer.run(loop, function()
      return transfer:body()
    end))
    connection:close()
    own:close()
  end

  local function stream()
    local transfer = core_peer.start(loop, peer)
    local connection = peer:accept(loop)
    connection:send(core_peer.head .. "data: 1\n\n")
    core_peer.run(loop, function()
      return transfer:event() == "1"
    end)
    return transfer, connection
  end

  it("leaves the parent's stream alone, and works in both", function()
    local transfer, connection = stream()
    core_peer.in_child(function()
      assert.equal("1", "1")
      loop:step()
      assert.is_true(transfer:done())
      assert.equal("cancelled", (transfer:failure()))
      assert.same({}, transfer:timings())
      assert.equal(0, loop:connections())
      exchange "child"
      transfer:close()
    end)
    connection:send("data: 2\n\n")
    core_peer.run(loop, function()
      return transfer:event() == "2"
    end)
    exchange "parent"
    connection:close()
    assert.is_nil(core_peer.finish(loop, transfer):failure())
  end)

  it("has a descriptor of its own", function()
    local transfer, connection = stream()
    local parent = loop:fd()
    core_peer.in_child(function()
      assert.equal(type(parent), type(loop:fd()))
      assert.equal(0, loop:connections())
      exchange "child"
    end)
    assert.equal(parent, loop:fd())
    connection:close()
    core_peer.finish(loop, transfer)
  end)

  it("tells those who wait for the parent's transfers", function()
    local transfer, connection = stream()
    assert.equal(transfer, loop:next_ready())
    local before = core.now()
    for _, notice in pairs {
      wait = function() loop:wait(20) end,
      descriptor = function()
        local fd = loop:fd()
        assert.is_true(not fd or core_peer.is_readable(fd, 5))
        loop:wait(20)
      end,
      request = function() exchange "child" end,
    } do
      core_peer.in_child(function()
        while transfer:event() do end -- luacheck: ignore
        notice()
        assert.equal(transfer, loop:next_ready())
        assert.is_true(transfer:has_news())
        assert.same({ nil, "done" }, { transfer:event() })
      end)
    end
    assert.is_true(core.now() - before < 15)
    connection:close()
  end)

  it("has no command of the parent's, and times of its own", function()
    local process = assert(loop:run { "/bin/sh", "-c", "sleep 0.1; echo x" })
    local fd = loop:fd()
    local transfer, connection = stream()
    transfer:limit(50)
    core_peer.in_child(function()
      local own = loop:fd()
      assert.is_true(transfer:done())
      assert.is_true(process:has_news())
      assert.same({ "", -9 }, { process:output() })
      while loop:wait(0) or loop:next_ready() do end -- luacheck: ignore
      core.advance(60)
      loop:alarm(core.now() + 0.01)
      assert.is_true(not own or core_peer.is_readable(own, 5))
      loop:alarm(core.now() + 60)
      loop:alarm(core.now() + 0.01)
      assert.is_true(not fd or core_peer.is_readable(own, 5))
    end)
    assert.is_false(transfer:done())
    core_peer.run(loop, function() return process:output() == "x\n" end)
    process:close()
    connection:close()
  end)

  it("has a timer of its own for the alarm that the parent has set", function()
    local fd = loop:fd()
    if not fd or not core_peer.timer(fd) then
      pending "which this system does not tell"
    end
    loop:alarm(core.now() + 50)
    core_peer.in_child(function()
      assert.is_true(core_peer.timer(loop:fd()) > 0)
    end)
  end)

  it("may close, collect or limit the parent's objects in any order", function()
    local transfer, connection = stream()
    for _, f in ipairs {
      function() transfer:close() loop:close() end,
      function() loop:close() transfer:close() end,
      function() transfer:limit(1) transfer:body() transfer:event() end,
      function() loop, transfer = nil, nil collectgarbage() collectgarbage() end,
    } do
      core_peer.in_child(f)
    end
    connection:send("data: 2\n\n")
    core_peer.run(loop, function()
      return transfer:event() == "2"
    end)
    connection:close()
  end)

  it("does not end the parent's idle connection", function()
    local first = core_peer.start(loop, peer)
    local connection = peer:accept(loop)
    connection:send(core_peer.head_of(2) .. "ok")
    core_peer.finish(loop, first)
    assert.equal(1, loop:connections())
    core_peer.in_child(function()
      exchange "child"
      loop:close()
    end)
    local second = core_peer.start(loop, peer)
    core_peer.read_request(loop, connection)
    connection:send(core_peer.head_of(2) .. "ok")
    core_peer.finish(loop, second)
    assert.is_true(second:timings().reused)
    connection:close()
  end)

  local function count_of(what)
    return select(2, core_peer.descriptors():gsub(what, ""))
  end

  it("keeps none of the parent's descriptors", function()
    local sockets, events = count_of "socket", count_of "eventfd"
    loop:fd()
    -- libcurl's, for itself: the parent's are given up
    local own, own_events = count_of "socket" - sockets, count_of "eventfd" - events
    local pollers = count_of "anon_inode"
    local list = {}
    for i = 1, 3 do
      list[i] = { stream() }
    end
    assert.equal(sockets + own + 6, count_of "socket")
    core_peer.in_child(function()
      loop:step()
      assert.equal(sockets + 2 * own + 3, count_of "socket") -- the peer's ends
      assert.equal(pollers + own_events, count_of "anon_inode")
    end)
    for _, each in ipairs(list) do
      each[2]:close()
    end
  end)

  -- The numbers of epolls and their timers.
  local function numbers_of_pollers()
    local pipe, numbers = assert(io.popen "ls -l /proc/$PPID/fd"), {}
    for number, kind in pipe:read("*a"):gmatch "(%d+) %-> anon_inode:%[(%a+)%]" do
      numbers[tonumber(number)] = (kind == "eventpoll" or kind == "timerfd") or nil
    end
    pipe:close()
    return numbers
  end

  it("closes no file that has the number of one of the parent's descriptors", function()
    local before, directory = numbers_of_pollers(), directories.new()
    loop:fd()
    local now = numbers_of_pollers()
    core_peer.in_child(function() -- as in a program that becomes a daemon
      for number in pairs(now) do
        assert.is_true(before[number] or abilities.close(number))
      end
      local files = {}
      for i = 1, 20 do -- some of which have these numbers
        files[i] = assert(io.open(directory:path(i), "w"))
      end
      loop:step()
      for i, file in ipairs(files) do
        file:write(i)
        file:close()
        assert.equal(tostring(i), directory:read(i))
      end
    end)
    directory:remove()
  end)

  it("does not have the parent told of a socket that only it still has", function()
    local descriptor = loop:fd()
    if not descriptor then
      pending "with this poller"
    end
    local function readable(seconds)
      local watched = { getfd = function() return descriptor end, dirty = function() return false end }
      return #socket.select({ watched }, nil, seconds) > 0
    end
    local transfer, connection = stream()
    local pid = abilities.fork()
    if pid == 0 then
      socket.sleep(0.05)
      abilities.exit(0)
    end
    transfer:close()
    core.advance(1) -- no timer of libcurl's comes later
    repeat
      loop:step()
    until not readable(0)
    connection:send "more"
    connection:close()
    assert.is_false(readable(0.02))
    abilities.wait(pid)
  end)
end)
