-- The body of a transfer as events: event(), with a run next_event(), next_text() and skip_deltas(), and at the end
-- rest(). What form() gives is in decode/body_form_spec.lua.

local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

local head = core_peer.head

local function count_and_pack(...)
  return { n = select("#", ...), ... }
end

local FIELDS = { text_delta = "text", thinking_delta = "thinking", input_json_delta = "partial_json" }

-- The event of a delta, as it is sent.
local function delta(type, index, text, field)
  return ('event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"%s","%s":"%s"}}'
    .. "\n\n"):format(index, type, field or FIELDS[type], text)
end

-- The table that it becomes.
local function event_of(type, index, text)
  return { type = "content_block_delta", index = index, delta = { type = type, [FIELDS[type]] = text } }
end

local OTHER = "event: ping\ndata: {}\n\n"

describe("events of a transfer", function()
  local loop, peer

  before_each(function()
    loop = core.loop()
    peer = core_peer.listen()
  end)

  after_each(function()
    loop:close()
    peer:close()
  end)

  local function start(options)
    local transfer = core_peer.start(loop, peer, options)
    return transfer, (peer:accept(loop))
  end

  local function answered(body, options)
    local transfer, connection = start(options)
    connection:send(head .. body)
    connection:close()
    return core_peer.finish(loop, transfer)
  end

  local function run_of(type, index, text)
    local run = core.delta_run()
    run:follow(type, index, text or "")
    return run
  end

  -- All results of a method until there is nothing more.
  local function all_of(transfer, method)
    local list = {}
    repeat
      local results = count_and_pack(transfer[method](transfer))
      list[#list + 1] = results
    until results[1] == nil
    return list
  end

  describe("by event_with_id()", function()
    it("are data, name and ID of each, deltas too", function()
      local text = delta("text_delta", 0, "Hi")
      local transfer = answered("data: 1\n\nid: 7\n" .. OTHER .. text .. "id\ndata\n\nid: lost\ndata: lost")
      assert.same({
        { n = 3, "1", "", "" }, { n = 3, "{}", "ping", "7" },
        { n = 3, text:match "data: (.-)\n", "content_block_delta", "7" }, { n = 3, "", "", "" }, { n = 2, nil, "done" },
      }, all_of(transfer, "event_with_id"))
      transfer:close()
      assert.same({ n = 2, nil, "done" }, count_and_pack(transfer:event_with_id()))
    end)

    it("wait for what is to come, and have a limit", function()
      local transfer, connection = start { max_event_bytes = 5 }
      assert.same({ n = 2, nil, "again" }, count_and_pack(transfer:event_with_id()))
      connection:send(head .. "data: 12345\n\ndata: 123456\n\n")
      connection:close()
      core_peer.finish(loop, transfer)
      assert.equal("12345", transfer:event_with_id())
      assert.same({ n = 2, nil, "too_large" }, count_and_pack(transfer:event_with_id()))
    end)

    it("go on behind a large one, where the transfer had paused", function()
      local transfer, connection = start()
      local text = head .. "data: " .. ("x"):rep(3000000) .. "\n\ndata: y\n\n"
      local sent, sizes = 0, {}
      core_peer.run(loop, function()
        sent = sent < #text and core_peer.send_some(connection, text, sent) or sent
        sizes[#sizes + 1] = #(transfer:event_with_id() or "")
        return sizes[#sizes] == 1
      end)
      assert.equal(3000000, math.max(unpack(sizes)))
      connection:close()
    end)
  end)

  describe("by event()", function()
    it("are data and name, or a delta's table", function()
      local transfer = answered("data: 1\n\n" .. OTHER .. "event: a\0b\ndata: c\0\ndata: d\n\n"
        .. delta("text_delta", 0, "Hi") .. "event:\ndata\n\n")
      assert.same({
        { n = 2, "1", "" }, { n = 2, "{}", "ping" }, { n = 2, "c\0\nd", "a\0b" },
        { n = 1, event_of("text_delta", 0, "Hi") }, { n = 2, "", "" }, { n = 2, nil, "done" },
      }, all_of(transfer, "event"))
    end)

    it("are tables for each kind of delta", function()
      for type in pairs(FIELDS) do
        for _, index in ipairs { 0, 7, 999999 } do
          local event, more = answered(delta(type, index, "a\\n\\u00e9\\\\")):event()
          assert.same(event_of(type, index, "a\né\\"), event)
          assert.is_nil(more)
          if math.type then
            assert.equal("integer", math.type(event.index))
          end
        end
        assert.same(event_of(type, 3, ""), (answered(delta(type, 3, "")):event()))
      end
    end)

    it("are data for a delta in any other form", function()
      for _, text in ipairs { delta("signature_delta", 0, "x", "signature"), delta("text_delta", 1000000, "x"),
        delta("text_delta", 0, "\\ud800"), delta("text_delta", 0, "x", "thinking") } do
        local data, name = answered(text):event()
        assert.equal(text:match "data: (.-)\n", data)
        assert.equal("content_block_delta", name)
      end
    end)

    it("are not there yet, or no more", function()
      local transfer, connection = start()
      assert.same({ n = 2, nil, "again" }, count_and_pack(transfer:event()))
      connection:send(head .. "data: 1\n\ndata: 2\n")
      core_peer.run(loop, function() return transfer:has_news() and transfer:status() end)
      core_peer.pass(loop, 0.01)
      assert.same({ { n = 2, "1", "" }, { n = 2, nil, "again" } }, all_of(transfer, "event"))
      assert.is_false(transfer:has_news())
      connection:send("\n")
      connection:close()
      core_peer.finish(loop, transfer)
      assert.same({ { n = 2, "2", "" }, { n = 2, nil, "done" } }, all_of(transfer, "event"))
      assert.is_false(transfer:has_news())
      assert.same({ n = 2, nil, "done" }, count_and_pack(transfer:event()))
      transfer:close()
      assert.same({ n = 2, nil, "done" }, count_and_pack(transfer:event()))
    end)

    it("end with what failed, too", function()
      local transfer, connection = start()
      connection:send(core_peer.head_of(100) .. "data: 1\n\ndata: 2")
      connection:close()
      core_peer.finish(loop, transfer)
      assert.same({ { n = 2, "1", "" }, { n = 2, nil, "done" } }, all_of(transfer, "event"))
      assert.equal("truncated", (transfer:failure()))
    end)

    it("are too large above the limit, for good", function()
      local transfer = answered("data: 12345\n\ndata: 123456\n\ndata: 1\n\n", { max_event_bytes = 5 })
      assert.equal("12345", (transfer:event()))
      for _, method in ipairs { "event", "next_event", "next_text", "skip_deltas" } do
        assert.same({ n = 2, nil, "too_large" }, count_and_pack(transfer[method](transfer)))
      end
    end)

    it("go on where the transfer had paused", function()
      local text = ("data: " .. ("x"):rep(992) .. "\n\n"):rep(8000)
      local transfer, connection = start()
      connection:send(core_peer.head_of(#text))
      local sent, count, stuck = 0, 0, 0
      core_peer.run(loop, function() -- until nobody takes any more
        local before = sent
        sent = core_peer.send_some(connection, text, sent)
        stuck = sent == before and stuck + 1 or 0
        return stuck == 3 or sent == #text
      end)
      core_peer.run(loop, function()
        sent = sent < #text and core_peer.send_some(connection, text, sent) or sent
        local data, state = transfer:event()
        while data do
          count = count + 1
          data, state = transfer:event()
        end
        return state == "done"
      end)
      assert.equal(8000, count)
      connection:close()
    end)
  end)

  local MIXED = OTHER .. delta("text_delta", 1, "one ") .. delta("text_delta", 1, "") .. delta("text_delta", 0, "zero")
    .. delta("thinking_delta", 1, "hm") .. delta("text_delta", 1, "two") .. OTHER

  describe("without a run", function()
    for _, method in ipairs { "next_event", "next_text", "skip_deltas" } do
      it("are by " .. method .. "() what they are by event()", function()
        assert.same(all_of(answered(MIXED), "event"), all_of(answered(MIXED), method))
        assert.equal(8, #all_of(answered(MIXED), method))
      end)

      it("are none by " .. method .. "() where nothing came or the transfer is closed", function()
        local transfer = start()
        assert.same({ n = 2, nil, "again" }, count_and_pack(transfer[method](transfer)))
        transfer:close()
        assert.same({ n = 2, nil, "done" }, count_and_pack(transfer[method](transfer)))
      end)
    end
  end)

  describe("with a run", function()
    local ZERO, HM = { n = 1, event_of("text_delta", 0, "zero") }, { n = 1, event_of("thinking_delta", 1, "hm") }
    local PING, DONE = { n = 2, "{}", "ping" }, { n = 2, nil, "done" }

    local function followed(method, run, body)
      local transfer = answered(body or MIXED)
      assert.equal(0, select("#", transfer:follow(run)))
      return all_of(transfer, method)
    end

    it("are the same by event(), and the run takes nothing in", function()
      local run = run_of("text_delta", 1)
      assert.same(all_of(answered(MIXED), "event"), followed("event", run))
      assert.is_nil(run:take())
    end)

    it("are by next_event() those of the run with true, and all others", function()
      local run = run_of("text_delta", 1, "before, ")
      assert.same({
        PING, { n = 2, event_of("text_delta", 1, "one "), true }, { n = 2, event_of("text_delta", 1, ""), true },
        ZERO, HM, { n = 2, event_of("text_delta", 1, "two"), true }, PING, DONE,
      }, followed("next_event", run))
      assert.equal("before, one two", run:take())
    end)

    it("are by next_text() the run's texts with true, and all others", function()
      local run = run_of("text_delta", 1)
      assert.same({ PING, { n = 2, "one ", true }, ZERO, HM, { n = 2, "two", true }, PING, DONE },
        followed("next_text", run))
      assert.equal("one two", run:take())
    end)

    it("are by skip_deltas() all others", function()
      local run = run_of("text_delta", 1)
      assert.same({ PING, ZERO, HM, PING, DONE }, followed("skip_deltas", run))
      assert.equal("one two", run:take())
    end)

    it("are no texts by next_text() where the run is no text", function()
      for _, type in ipairs { "thinking_delta", "input_json_delta" } do
        local run = run_of(type, 2)
        assert.same({ PING, DONE }, followed("next_text", run, delta(type, 2, "a") .. OTHER .. delta(type, 2, "b")))
        assert.equal("ab", run:take())
      end
      local run = run_of("thinking_delta", 2)
      assert.same({ { n = 2, event_of("thinking_delta", 2, "a"), true }, DONE },
        followed("next_event", run, delta("thinking_delta", 2, "a")))
      assert.equal("a", run:take())
    end)

    it("are unescaped, also in the run", function()
      local run = run_of("text_delta", 0)
      assert.same({ { n = 2, 'é"\n', true }, { n = 2, "\0", true }, DONE },
        followed("next_text", run, delta("text_delta", 0, '\\u00e9\\"\\n') .. delta("text_delta", 0, "\\u0000")))
      assert.equal('é"\n\0', run:take())
    end)

    it("are none of it where it follows nothing", function()
      local run = core.delta_run()
      assert.same(all_of(answered(MIXED), "event"), followed("next_text", run))
      assert.is_nil(run:take())
      run = run_of("text_delta", 1)
      run:stop()
      assert.same(all_of(answered(MIXED), "event"), followed("skip_deltas", run))
    end)

    it("wait for what is not there, also behind deltas of the run", function()
      local transfer, connection = start()
      local run = run_of("text_delta", 0)
      transfer:follow(run)
      connection:send(head .. delta("text_delta", 0, "a") .. delta("text_delta", 0, "b"):sub(1, -2))
      core_peer.run(loop, function() return transfer:status() end)
      core_peer.pass(loop, 0.01)
      assert.same({ n = 2, nil, "again" }, count_and_pack(transfer:skip_deltas()))
      assert.equal("a", run:take())
      connection:send("\n")
      connection:close()
      core_peer.finish(loop, transfer)
      assert.same({ n = 2, nil, "done" }, count_and_pack(transfer:skip_deltas()))
      assert.equal("b", run:take())
    end)

    it("go into the run that was given last", function()
      local first, second = run_of("text_delta", 1), run_of("text_delta", 0)
      local transfer = answered(MIXED)
      transfer:follow(first)
      transfer:follow(second)
      assert.equal("ping", select(2, transfer:next_text()))
      assert.same({ n = 1, event_of("text_delta", 1, "one ") }, count_and_pack(transfer:next_text()))
      all_of(transfer, "next_text")
      assert.is_nil(first:take())
      assert.equal("zero", second:take())
    end)

    it("go into a run that nobody else holds, which lives as long as the transfer", function()
      local alive = setmetatable({}, { __mode = "v" })
      local function open()
        local run = run_of("text_delta", 1)
        local transfer = answered(MIXED)
        transfer:follow(run)
        alive.run = run
        return transfer
      end
      local transfer = open()
      collectgarbage()
      collectgarbage()
      assert.is_userdata(alive.run)
      assert.equal(5, #all_of(transfer, "skip_deltas"))
      assert.equal("one two", alive.run:take())
    end)

    it("are refused where it is none", function()
      local transfer = start()
      for _, wrong in ipairs { 5, "x", {}, io.stdout, transfer, loop } do
        assert.error_matches(function() transfer:follow(wrong) end, "anthropic%.delta_run expected")
      end
      assert.error_matches(function() transfer:follow() end, "anthropic%.delta_run expected")
    end)
  end)
end)

describe("what a stream of events leaves at its end", function()
  local loop, peer

  before_each(function()
    loop, peer = core.loop(), core_peer.listen()
  end)

  after_each(function()
    loop:close()
    peer:close()
  end)

  -- The events, and what rest() gives after them.
  local function rest_of(body, limit)
    local transfer = core_peer.start(loop, peer, { max_event_bytes = limit })
    local connection = peer:accept(loop)
    connection:send(core_peer.head .. body)
    connection:close()
    core_peer.finish(loop, transfer)
    while transfer:event() do end -- luacheck: ignore 542
    local data, name = transfer:rest()
    assert.is_nil((transfer:rest()))
    assert.is_nil((transfer:event()))
    transfer:close()
    return data, name
  end

  for _, case in ipairs {
    -- body, data, name
    { "data: 1", "1", "" },
    { "data: 1\n", "1", "" },
    { "data: 1\r\n", "1", "" },
    { "data: 1\r", "1", "" },
    { "data: 1\ndata: 2", "1\n2", "" },
    { "data: 1\ndata: 2\n", "1\n2", "" },
    { "event: a\ndata: 1", "1", "a" },
    { "data: 1\nevent: a", "1", "a" },
    { "data: 0\n\nevent: a\r\ndata:1", "1", "a" },
    { "data: 1\n: comment", "1", "" },
    { "data: 1\nother: x", "1", "" },
    { "data", "", "" },
    { 'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}',
      '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}', "" },

    { "" }, { "\n" }, { "data: 1\n\n" }, { "data: 1\r\n\r\n" }, { "data: 1\r\r" }, { "event: a\n" }, { "event: a" },
    { ": data: 1" }, { "dat" }, { "\239\187" }, { "\239\187\191" },
  } do
    it(("is %s of %q"):format(case[2] and ("%q"):format(case[2]) or "nothing", case[1]), function()
      local data, name = rest_of(case[1])
      assert.equal(case[2], data)
      assert.equal(case[3], name)
    end)
  end

  it("has a byte order mark before it", function()
    assert.equal("1", (rest_of "\239\187\191data: 1"))
  end)

  it("is nothing above the limit", function()
    assert.is_nil((rest_of("data: 12345", 4)))
    assert.is_nil((rest_of("data: 123\ndata: 4", 4)))
    assert.equal("1234", (rest_of("data: 1234", 4)))
  end)

  it("is nothing before the end has come, and of a transfer that is closed", function()
    local transfer = core_peer.start(loop, peer)
    local connection = peer:accept(loop)
    connection:send(core_peer.head .. "data: 1\n")
    core_peer.pass(loop, 0.01)
    assert.same({ nil, "again" }, { transfer:event() })
    assert.is_nil((transfer:rest()))
    connection:close()
    core_peer.finish(loop, transfer)
    transfer:close()
    assert.is_nil((transfer:rest()))
  end)
end)
