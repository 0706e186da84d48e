local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"

local host = package.preload.host and require "host"
local head, head_of = core_peer.head, core_peer.head_of

describe("a transfer under libcurl", function()
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

  it("has news once for everything that comes", function()
    local transfer, connection = start()
    assert.is_false(transfer:has_news())
    assert.is_nil(loop:next_ready())
    for _, bytes in ipairs { head, "data: 1\n\n", "data: 2\n\n" } do
      connection:send(bytes)
      core_peer.run(loop, function()
        return transfer:has_news()
      end)
      assert.equal(transfer, loop:next_ready())
      assert.is_nil(loop:next_ready())
      assert.is_true(transfer:has_news())
      while transfer:event() do end -- luacheck: ignore
      assert.is_false(transfer:has_news())
    end
    connection:close()
    core_peer.finish(loop, transfer)
    assert.is_true(transfer:has_news())
    assert.equal(transfer, loop:next_ready())
    assert.equal("", transfer:body())
    assert.is_false(transfer:has_news())
    assert.is_nil(loop:next_ready())
  end)

  describe("whose body is full", function()
    local function full(options)
      local transfer, connection = start(options)
      local text, sent = head .. (":\n"):rep(200 * 1024), 0
      core_peer.run(loop, function()
        sent = core_peer.send_some(connection, text, sent)
        return sent == #text
      end)
      core_peer.pass(loop, 0.03)
      return transfer, connection
    end

    it("has no idle timeout, and a whole one afterwards", function()
      local transfer, connection = full { idle_timeout = 0.2 }
      core_peer.pass(loop, 0.3)
      assert.is_false(transfer:done())
      local before = core.now()
      assert.same({ nil, "again" }, { transfer:event() })
      core_peer.finish(loop, transfer)
      assert.equal("idle", (transfer:failure()))
      assert.is_true(core.now() - before >= 0.2)
      connection:close()
    end)

    it("has the total timeout all the same", function()
      local transfer, connection = full()
      transfer:limit(0.05)
      core_peer.finish(loop, transfer)
      assert.equal("total", (transfer:failure()))
      connection:close()
    end)

    it("does not grow by comments, however many come between events", function()
      local transfer, connection = start()
      connection:send(head)
      local comments = (": keep-alive\n\n"):rep(10000)
      local sent, before = 0, nil
      for round = 1, 200 do
        sent = core_peer.send_some(connection, comments, sent) % #comments
        loop:wait(0.01)
        assert.same({ nil, "again" }, { transfer:event() })
        if round == 40 then
          collectgarbage()
          before = core_peer.memory()
        end
      end
      collectgarbage()
      assert.is_true(core_peer.memory() - before < 4 * 1024 * 1024)
      local rest = comments:sub(sent + 1) .. "data: after\n\n"
      sent = 0
      core_peer.run(loop, function()
        sent = sent < #rest and core_peer.send_some(connection, rest, sent) or sent
        return transfer:event() == "after"
      end)
      connection:close()
    end)
  end)
end)
