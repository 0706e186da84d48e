local child = require "spec.support.child"
local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local exhaustion = require "spec.support.exhaustion"
local socket = require "socket"

describe("the poller", function()
  local loop, peer, descriptor

  before_each(function()
    loop, peer, descriptor = core.loop(), core_peer.listen(), nil
  end)

  after_each(function()
    loop:close()
    peer:close()
  end)

  local probe = core.loop()
  if not probe:fd() then
    probe:alarm(core.now()) -- which it can do all the same
    pending "of this system has no descriptor of its own"
    return
  end

  local function readable(seconds)
    descriptor = descriptor or loop:fd() -- once, as a host does: asking makes it ready to wait
    local watched = { getfd = function() return descriptor end, dirty = function() return false end }
    return #socket.select({ watched }, nil, seconds or 0) > 0
  end

  -- Takes all that is due, so that no timer of libcurl's comes later.
  local function settle()
    core.advance(1)
    repeat
      loop:step()
    until not readable(0.02)
  end

  local function count_of(what)
    return select(2, ("\n" .. core_peer.descriptors()):gsub("\n[^\n]*" .. what, ""))
  end

  it("has two descriptors, one of them for the timer, and closes them with its loop", function()
    local function counts()
      return { epolls = count_of "eventpoll", timers = count_of "timerfd", all = count_of "anon_inode" }
    end
    local before = counts()
    loop:fd()
    local during = counts()
    assert.equal(before.epolls + 1, during.epolls)
    assert.equal(before.timers + 1, during.timers)
    loop:close()
    assert.same(before, counts())
  end)

  it("waits for a time to the millisecond, and not shorter", function()
    for _, milliseconds in ipairs { 1, 5, 20 } do
      local before = core.now()
      loop:wait(milliseconds / 1000)
      assert.is_true(core.now() - before >= milliseconds / 1000)
    end
    local before = core.now()
    loop:wait(0.0001)
    assert.is_true(core.now() - before >= 0.0001)
  end)

  it("has a timer of less than a second and of more", function()
    loop:fd()
    for _, seconds in ipairs { 0.3, 1.3 } do
      loop:alarm(core.now() + seconds)
      local before = core.now()
      assert.is_false(readable())
      if seconds < 1 then
        assert.is_true(readable(5))
        assert.is_true(core.now() - before >= seconds - 0.005)
      else
        assert.is_false(readable(0.05))
      end
    end
  end)

  -- What a program of its own writes that has a loop.
  local function run(prefix, program)
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write('local core = require "anthropic.core"\nlocal loop = core.loop()\n' .. program)
    file:close()
    local pipe = assert(io.popen(("(%sexec timeout 20 %s %s) 2>&1"):format(prefix, child.interpreter(), path)))
    local output = pipe:read "*a"
    pipe:close()
    os.remove(path)
    return output
  end

  it("sets its timer to the millisecond, once, and to nothing where none is wanted", function()
    local fd = loop:fd()
    local function timer()
      return core_peer.timer(fd)
    end
    if not timer() then
      pending "of this system does not tell"
    end
    assert.equal(0, timer())
    for _, seconds in ipairs { 1234567, 86399.5, 1234.5, 61.75, 5 } do
      local before = core.now()
      loop:alarm(before + seconds)
      local left, again = timer()
      local wanted = math.min(seconds, 86400)
      assert.equal(0, again)
      assert.is_true(left <= wanted + 0.001 and left >= wanted - (core.now() - before) - 0.001, seconds .. ": " .. left)
    end
    loop:alarm(core.now())
    assert.is_true(readable(1))
    loop:alarm(nil)
    assert.equal(0, timer())
    assert.is_false(readable(0.01))
    loop:step()
    assert.equal(0, timer())
  end)

  it("gives back what it has where it cannot have all of it", function()
    assert.matches("^%d", run("ulimit -n 64; ", [[
      local files = {}
      local function take_all()
        local count, file = 0, io.open "/dev/null"
        while file do
          count, files[#files + 1] = count + 1, file
          file = io.open "/dev/null"
        end
        return count
      end
      take_all()
      local room = 0
      while not loop:fd() do
        room = room + 1
        table.remove(files):close()
      end
      loop:close()
      assert(take_all() == room)
      io.write(room)
    ]]))
  end)

  it("closes what it has where a host without a standard input gave it descriptor 0", function()
    assert.equal("0, 0", run("exec <&-; ", [[
      io.write(loop:fd(), ", ")
      loop:close()
      io.write(core.loop():fd())
    ]]))
  end)

  it("gives its memory back, and is not there without any", function()
    if not exhaustion.is_possible "core" then
      pending "of this system has memory at all times"
      return
    end
    assert.is_true(exhaustion.survive(function()
      local own = core.loop()
      local is_there = own:fd() ~= nil or nil
      own:close()
      return is_there
    end) > 1)
  end)

  it("has a timer that is over at once, that is moved, and that is none", function()
    loop:fd()
    loop:alarm(core.now())
    assert.is_true(readable(1))
    loop:alarm(core.now() + 60)
    loop:step()
    assert.is_false(readable(0.02))
    loop:alarm(core.now() - 1)
    assert.is_true(readable(1))
    loop:alarm(nil)
    loop:step()
    assert.is_false(readable(0.02))
  end)

  it("is silent once its timer was seen", function()
    loop:fd()
    for _ = 1, 3 do
      loop:alarm(core.now() + 0.01)
      assert.is_true(readable(5))
      loop:alarm(nil)
      loop:step()
      assert.is_false(readable(0.01))
    end
  end)

  it("tells of bytes, of their end and of a broken connection", function()
    for _, ending in ipairs { "bytes", "end", "reset" } do
      local transfer = core_peer.start(loop, peer)
      loop:fd()
      local connection = peer:accept(loop)
      settle()
      if ending == "bytes" then
        connection:send(core_peer.head)
      else
        if ending == "reset" then
          connection:setoption("linger", { on = true, timeout = 0 })
        end
        connection:close()
      end
      assert.is_true(readable(5), ending)
      core_peer.run(loop, function()
        return transfer:has_news()
      end)
      transfer:close()
      connection:close()
    end
  end)

  it("tells that a connection came about, or was refused", function()
    loop:fd()
    local gone = core_peer.listen()
    gone:close()
    local transfer = core_peer.start(loop, gone)
    assert.is_true(transfer:done() or readable(5))
    core_peer.finish(loop, transfer)
    assert.equal("connection", (transfer:failure()))
  end)

  it("tells that there is room again for what is sent", function()
    local body = ("x"):rep(16 * 1024 * 1024)
    local transfer = core_peer.start(loop, peer, { body = body })
    local connection = peer:connection(loop)
    loop:fd()
    settle()
    assert.is_false(readable())
    local count = 0
    for _ = 1, 100 do
      local all, _, partial = connection:receive(1024 * 1024)
      count = count + #(all or partial)
    end
    assert.is_true(count > 0)
    assert.is_true(readable(5))
    core_peer.run(loop, function()
      local all, _, partial = connection:receive(1024 * 1024)
      count = count + #(all or partial)
      return count > #body
    end)
    connection:send(core_peer.head_of(0))
    core_peer.finish(loop, transfer)
    assert.is_nil(transfer:failure())
    connection:close()
  end)

  it("tells of nothing after a socket was given up", function()
    local transfer = core_peer.start(loop, peer)
    local connection = peer:accept(loop)
    loop:fd()
    transfer:close()
    settle()
    connection:send "more"
    assert.is_false(readable(0.02))
    connection:close()
    assert.is_false(readable(0.02))
  end)

  it("tells of nothing on a connection that is idle", function()
    local transfer = core_peer.start(loop, peer)
    local connection = peer:accept(loop)
    loop:fd()
    connection:send(core_peer.head_of(2) .. "ok")
    core_peer.finish(loop, transfer)
    settle()
    assert.equal(1, loop:connections())
    for _ = 1, 3 do
      connection:send "more"
      assert.is_false(readable(0.02))
    end
    connection:close()
    assert.is_false(readable(0.02))
  end)

  it("tells of nothing on a connection whose transfer nobody reads", function()
    local transfer = core_peer.start(loop, peer)
    local connection = peer:accept(loop)
    loop:fd()
    connection:send(core_peer.head)
    local text, sent = (":\n"):rep(1000000), 0
    for _ = 1, 60 do
      sent = core_peer.send_some(connection, text, sent)
      loop:step()
    end
    settle()
    local wakeups = 0
    while wakeups < 10 and readable(0.05) do -- by a timer of libcurl's perhaps
      loop:step()
      wakeups = wakeups + 1
    end
    assert.is_true(wakeups < 10)
    while transfer:event() do end -- luacheck: ignore
    assert.is_true(readable(5))
    connection:close()
  end)

  it("waits without end until a byte comes", function()
    local transfer = core_peer.start(loop, peer)
    local connection = peer:accept(loop)
    while loop:wait(0) do end -- luacheck: ignore
    connection:send(core_peer.head)
    assert.is_true(loop:wait(-1))
    connection:close()
    core_peer.finish(loop, transfer)
  end)

  it("serves more sockets than it can name at once", function()
    local list = {}
    for i = 1, 150 do
      list[i] = { core_peer.start(loop, peer), (peer:accept(loop)) }
    end
    for _, each in ipairs(list) do
      each[2]:send(core_peer.head_of(2) .. "ok")
    end
    for _ = 1, 150 do -- each does something, however slow the machine is
      loop:step()
    end
    for _, each in ipairs(list) do
      assert.is_true(each[1]:done())
      each[2]:close()
    end
  end)
end)
