-- core.aws_events(max_event_bytes): the decoder of AWS's event stream. What it reads is
-- spec/unit/decode/aws_event_stream_spec.lua's; transfer:aws_event is read by spec/behaviour/aws_event_stream_spec.lua.

local aws_frames = require "spec.support.aws_frames"
local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"

local function count_and_pack(...)
  return { n = select("#", ...), ... }
end

describe("the core's decoder of AWS's event stream", function()
  it("takes a limit from 1 up to 2^53", function()
    for _, limit in ipairs { 1, 1.5, 2 ^ 32, 2 ^ 53 - 1 } do
      assert.is_userdata(core.aws_events(limit))
    end
    for _, limit in ipairs { 0, -1, 2 ^ 53, 1 / 0, 0 / 0 } do
      assert.error_matches(function() core.aws_events(limit) end, "must be at least 1")
    end
    assert.has_error(function() core.aws_events() end)
    assert.has_error(function() core.aws_events(1):feed {} end)
  end)

  it("gives payload, kind, name and text of each message, then nil and why there is none", function()
    local decoder = core.aws_events(1000)
    assert.same({ n = 2, nil, "again" }, count_and_pack(decoder:next()))
    decoder:feed(aws_frames.event("a", "x\0y") .. aws_frames.error("code", "words"))
    assert.same({ n = 4, "x\0y", "event", "a", "" }, count_and_pack(decoder:next()))
    assert.same({ n = 4, "", "error", "code", "words" }, count_and_pack(decoder:next()))
    assert.equal(0, decoder:rest())
    decoder:feed(("x"):rep(11))
    assert.same({ n = 2, nil, "again" }, count_and_pack(decoder:next()))
    assert.equal(11, decoder:rest())
    decoder:feed "x"
    for _ = 1, 2 do
      assert.same({ n = 2, nil, "broken" }, count_and_pack(decoder:next()))
    end
    decoder = core.aws_events(16)
    decoder:feed(aws_frames.event("a", ""))
    for _ = 1, 2 do
      assert.same({ n = 2, nil, "too_large" }, count_and_pack(decoder:next()))
    end
  end)

  it("can be closed and collected at any time", function()
    local decoder = core.aws_events(100000)
    decoder:feed(aws_frames.event("a", ("x"):rep(5000)):sub(1, -2))
    decoder = nil -- luacheck: ignore 311
    collectgarbage()
    collectgarbage()
  end)
end)

describe("a transfer read as AWS's event stream", function()
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
