-- transfer:aws_event. What it reads is spec/unit/decode/aws_event_stream_spec.lua's.

local aws_frames = require "spec.support.aws_frames"
local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"

local function count_and_pack(...)
  return { n = select("#", ...), ... }
end

describe("a transfer read as AWS's event stream", function()
  it("gives payload, kind, name and text of each message, then nil and why there is none", function()
    local transfer = core.fed(200, 1000, 100000)
    assert.same({ n = 2, nil, "again" }, count_and_pack(transfer:aws_event()))
    transfer:feed(aws_frames.event("a", "x\0y") .. aws_frames.error("code", "words"))
    assert.same({ n = 4, "x\0y", "event", "a", "" }, count_and_pack(transfer:aws_event()))
    assert.same({ n = 4, "", "error", "code", "words" }, count_and_pack(transfer:aws_event()))
    transfer:feed(("x"):rep(11))
    assert.same({ n = 2, nil, "again" }, count_and_pack(transfer:aws_event()))
    transfer:feed "x"
    for _ = 1, 2 do
      assert.same({ n = 2, nil, "broken" }, count_and_pack(transfer:aws_event()))
    end
    transfer = core.fed(200, 16, 100000)
    transfer:feed(aws_frames.event("a", ""))
    for _ = 1, 2 do
      assert.same({ n = 2, nil, "too_large" }, count_and_pack(transfer:aws_event()))
    end
  end)

  it("waits, ends, and has nothing once it is closed", function()
    local loop, peer = core.loop(), core_peer.listen()
    local transfer = core_peer.start(loop, peer, { max_event_bytes = 3000000 })
    local connection = peer:accept(loop)
    assert.same({ nil, "again" }, { transfer:aws_event() })
    local size = aws_frames.is_slow and 10000 or 1100000
    local large = aws_frames.event("b", ("x"):rep(size))
    connection:send(core_peer.head .. aws_frames.event("a", "1"))
    core_peer.run(loop, function() return transfer:status() ~= nil end)
    local payload, kind, name
    core_peer.run(loop, function()
      payload, kind, name = transfer:aws_event()
      return payload
    end)
    assert.same({ "1", "event", "a" }, { payload, kind, name })
    local sent = 0
    core_peer.run(loop, function()
      if sent < #large then
        connection:send(large:sub(sent + 1, sent + 100000))
        sent = sent + 100000
      end
      payload, kind, name = transfer:aws_event()
      return payload
    end)
    assert.same({ size, "event", "b" }, { #payload, kind, name })
    connection:close()
    core_peer.finish(loop, transfer)
    assert.same({ nil, "done" }, { transfer:aws_event() })
    transfer:close()
    assert.same({ nil, "done" }, { transfer:aws_event() })
    loop:close()
    peer:close()
  end)
end)
