-- What a body is by its first line that says something, whatever the pieces it comes in.

local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"

local BOM = "\239\187\191"

-- The body, and what it is: nil is "it shows nothing". What stands before `decided` bytes does not tell.
local CASES = {
  -- body, form, decided
  { '{"type":"message"}', "json", 1 },
  { "[1]", "json", 1 },
  { ' \t\r\n\n {"a":1}', "json", 7 },
  { BOM .. "{}", "json", 4 },
  { BOM .. "\n\n[", "json", 6 },
  { "{", "json", 1 },

  { "data: {}\n\n", "events", 5 },
  { "data\n\n", "events", 5 },
  { "data\r\n\r\n", "events", 5 },
  { "data:", "events", 5 },
  { "event: message_start\ndata: {}\n\n", "events", 6 },
  { "id:1\n", "events", 3 },
  { "retry: 3000\n", "events", 6 },
  { BOM .. "event:", "events", 9 },
  { "\n\n\r\n  data: {}\n\n", "events", 11 },
  { ": ping\n\n: ping\r\rdata: {}\n\n", "events", 21 },
  { ":\ndata:", "events", 7 },
  { "\n" .. BOM .. "data:", "text", 2 },

  { ": ping\n\n{\"type\":\"error\"}", "json", 9 },
  { ": {}\n[", "json", 6 },

  { "<html>", "text", 1 },
  { "null", "text", 1 },
  { '"data: "', "text", 1 },
  { "Data: x", "text", 1 },
  { "data : x", "text", 5 },
  { "database: x", "text", 5 },
  { "datum", "text", 4 },
  { "events: x", "text", 6 },
  { "identity: x", "text", 3 },
  { "idle", "text", 3 },
  { "Bad gateway", "text", 1 },
  { "\0", "text", 1 },
  { "\255\254", "text", 1 },
  { "\239\187x", "text", 3 },
  { "message: x", "text", 1 },
  { ": a\nError: b", "text", 5 },

  { "", nil },
  { "\n", nil },
  { " \t\r\n", nil },
  { BOM, nil },
  { "\239\187", nil },
  { "dat", nil },
  { "data", nil },
  { "\n\nretr", nil },
  { ":", "events" },
  { ": ping", "events" },
  { ": ping\n\n", "events" },
  { ": ping\n\nda", "events" },
}

describe("the form of a body", function()
  local loop, peer

  before_each(function()
    loop, peer = core.loop(), core_peer.listen()
  end)

  after_each(function()
    loop:close()
    peer:close()
  end)

  local function start(options)
    local transfer = core_peer.start(loop, peer, options)
    local connection = peer:accept(loop)
    connection:send(core_peer.head)
    core_peer.run(loop, function()
      return transfer:status()
    end)
    return transfer, connection
  end

  for _, case in ipairs(CASES) do
    it(("%q is %s"):format(case[1], case[2] or "not shown"), function()
      local transfer, connection = start()
      connection:send(case[1])
      connection:close()
      core_peer.finish(loop, transfer)
      local form, state = transfer:form()
      assert.equal(case[2], form)
      assert.equal(not case[2] and "done" or nil, state)
      assert.equal(form, (transfer:form()))
      assert.equal(case[1], transfer:body()) -- nothing was taken out of it
      transfer:close()
    end)

    it(("%q is %s, byte by byte"):format(case[1], case[2] or "not shown"), function()
      local transfer, connection = start { record = true }
      local body = case[1]
      for i = 1, #body do
        connection:send(body:sub(i, i))
        core_peer.run(loop, function()
          return #transfer:pieces() >= i
        end)
        local form, state = transfer:form()
        if case[3] and i >= case[3] then
          assert.equal(case[2], form, i)
        else
          assert.is_nil(form, i)
          assert.equal("again", state)
          assert.is_false(transfer:has_news())
        end
      end
      connection:close()
      core_peer.finish(loop, transfer)
      assert.equal(case[2], (transfer:form()))
      transfer:close()
    end)
  end

  it("is found behind more silence than a transfer holds before it pauses, in linear time", function()
    local transfer, connection = start()
    local silence, sent = (": ping\n\n"):rep(100000), 0
    local text = silence .. "data: {}\n\n"
    local form
    core_peer.run(loop, function()
      sent = sent < #text and core_peer.send_some(connection, text, sent) or sent
      form = transfer:form()
      return form
    end)
    assert.equal("events", form)
    connection:close()
    core_peer.run(loop, function()
      return (transfer:event()) == "{}"
    end)
    transfer:close()
  end)

  it("is text where silence goes on above what a body may hold", function()
    for _, silence in ipairs { "\n", ":" } do -- lines, and one line
      local transfer, connection = start { max_body_bytes = 1000 }
      connection:send(silence:rep(999))
      core_peer.pass(loop, 0.02)
      assert.is_nil((transfer:form()))
      connection:send(silence:rep(500))
      local form
      core_peer.run(loop, function()
        form = transfer:form()
        return form
      end)
      assert.equal("text", form)
      core_peer.run(loop, function()
        return transfer:body()
      end)
      assert.equal("too_large", (transfer:failure()))
      connection:close()
      transfer:close()
    end
  end)

  it("is told by nothing that was taken out of it before", function()
    local transfer = core.fed(200, 100, 100)
    transfer:feed ":[{\n\n"
    assert.same({ nil, "again" }, { transfer:form() })
    assert.equal(":[{\n\n", (transfer:raw_piece(false)))
    for _ = 1, 2 do
      transfer:feed "\n"
      assert.same({ nil, "again" }, { transfer:form() })
    end
    transfer:feed "data"
    assert.same({ nil, "again" }, { transfer:form() })
    transfer:feed ":"
    assert.equal("events", (transfer:form()))
    transfer:close()
  end)

  it("is what it was before the transfer failed", function()
    local transfer, connection = start()
    connection:send "data"
    connection:setoption("linger", { on = true, timeout = 0 })
    core_peer.pass(loop, 0.01)
    connection:close()
    core_peer.finish(loop, transfer)
    assert.same({ nil, "done" }, { transfer:form() })
    transfer:close()
    assert.same({ nil, "done" }, { transfer:form() })
  end)
end)
