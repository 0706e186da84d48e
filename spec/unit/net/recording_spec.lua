-- Seen through transfer:pieces().

local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local exhaustion = require "spec.support.exhaustion"

describe("a recording", function()
  local loop, peer

  before_each(function()
    loop, peer = core.loop(), core_peer.listen()
  end)

  after_each(function()
    loop:close()
    peer:close()
  end)

  -- A transfer whose body comes in these pieces, with a second between each two.
  local function recorded(pieces)
    local transfer = core_peer.start(loop, peer, { record = true })
    local connection = peer:accept(loop)
    connection:send(core_peer.head)
    for i, piece in ipairs(pieces) do
      core.advance(1)
      connection:send(piece)
      core_peer.run(loop, function()
        return #transfer:pieces() == i
      end)
    end
    connection:close()
    return core_peer.finish(loop, transfer)
  end

  it("has each piece of the body as it came, and when", function()
    local texts = { "a", "\0", ("x"):rep(3000), "data: 1\n\n", "z" }
    local transfer = recorded(texts)
    local pieces = transfer:pieces()
    assert.equal(#texts, #pieces)
    for i, text in ipairs(texts) do
      assert.equal(text, pieces[i][2])
      assert.is_true(pieces[i][1] >= i and pieces[i][1] < i + 10)
    end
    assert.equal(table.concat(texts), transfer:body())
  end)

  it("has none before the first, where the body is empty, and where nobody wants it", function()
    local transfer = core_peer.start(loop, peer, { record = true })
    local connection = peer:accept(loop)
    assert.same({}, transfer:pieces())
    connection:send(core_peer.head_of(0))
    core_peer.finish(loop, transfer)
    assert.same({}, transfer:pieces())
    connection:close()
    transfer = core_peer.start(loop, peer)
    connection = peer:accept(loop)
    connection:send(core_peer.head .. "text")
    connection:close()
    assert.same({}, core_peer.finish(loop, transfer):pieces())
  end)

  it("holds as many as come", function()
    local transfer = core_peer.start(loop, peer, { record = true })
    local connection = peer:accept(loop)
    connection:send(core_peer.head)
    for i = 1, 200 do
      connection:send("piece " .. i)
      core_peer.run(loop, function()
        return #transfer:pieces() == i
      end)
    end
    for i, piece in ipairs(transfer:pieces()) do
      assert.equal("piece " .. i, piece[2])
    end
    connection:close()
  end)

  it("is given back with its transfer, also where memory runs out", function()
    if not exhaustion.is_possible "core" then
      pending "of this system has memory at all times"
    end
    assert.is_true(exhaustion.survive(function()
      local transfer = core_peer.start(loop, peer, { record = true })
      local connection = peer:accept(loop)
      connection:send(core_peer.head)
      for i = 1, 3 do
        connection:send(("x"):rep(200 * i))
        core_peer.run(loop, function()
          return #transfer:pieces() == i or transfer:done()
        end)
      end
      connection:close()
      core_peer.finish(loop, transfer)
      local count, failure = #transfer:pieces(), transfer:failure()
      transfer:close()
      if failure then
        return failure ~= "memory" and failure or nil
      end
      return count
    end) > 3)
  end)
end)
