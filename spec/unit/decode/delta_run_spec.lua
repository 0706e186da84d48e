local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"

local FIELDS = { text_delta = "text", thinking_delta = "thinking", input_json_delta = "partial_json" }

local function payload(kind, index, text)
  return ('{"type":"content_block_delta","index":%d,"delta":{"type":"%s","%s":"%s"}}'):format(index, kind,
    FIELDS[kind], text)
end

local function event(kind, index, text)
  return "event: content_block_delta\ndata: " .. payload(kind, index, text) .. "\n\n"
end

-- The event as a table, as the core gives it.
local function delta(kind, index, text)
  return { type = "content_block_delta", index = index, delta = { type = kind, [FIELDS[kind]] = text } }
end

describe("a run of deltas", function()
  local loop, peer, run

  before_each(function()
    loop = core.loop()
    peer = core_peer.listen()
    run = core.delta_run()
  end)

  after_each(function()
    loop:close()
    peer:close()
  end)

  local function body_of(text, options)
    local transfer = core_peer.start(loop, peer, options)
    local connection = peer:accept(loop)
    connection:send(core_peer.head .. text)
    connection:close()
    core_peer.finish(loop, transfer)
    transfer:follow(run)
    return transfer
  end

  it("takes in the text of its own kind in its own block, and gives each delta all the same", function()
    run:follow("text_delta", 1, "Before")
    local transfer = body_of(event("text_delta", 1, " a") .. event("text_delta", 1, "b") .. event("text_delta", 1, "c"))
    for _, text in ipairs { " a", "b", "c" } do
      assert.same({ delta("text_delta", 1, text), true }, { transfer:next_event() })
    end
    assert.same({ nil, "done" }, { transfer:next_event() })
    assert.equal("Before abc", run:take())
    assert.is_nil(run:take())
  end)

  it("takes in nothing of another kind or block", function()
    run:follow("text_delta", 1, "")
    local others = { { "text_delta", 0 }, { "text_delta", 2 }, { "thinking_delta", 1 }, { "input_json_delta", 1 } }
    local text = {}
    for i, other in ipairs(others) do
      text[2 * i - 1] = event("text_delta", 1, "own" .. i)
      text[2 * i] = event(other[1], other[2], "other" .. i)
    end
    local transfer = body_of(table.concat(text))
    for i, other in ipairs(others) do
      assert.same({ delta("text_delta", 1, "own" .. i), true }, { transfer:next_event() })
      assert.same({ delta(other[1], other[2], "other" .. i) }, { transfer:next_event() })
    end
    assert.equal("own1own2own3own4", run:take())
  end)

  it("leaves every other event as it is", function()
    run:follow("text_delta", 0, "")
    local transfer = body_of(event("text_delta", 0, "a") .. "event: ping\ndata: {\"type\": \"ping\"}\n\n"
      .. event("text_delta", 0, "b") .. "data: plain\n\n" .. event("text_delta", 0, "c") .. ": note\n\n"
      .. event("text_delta", 0, "d"))
    assert.same({ delta("text_delta", 0, "a"), true }, { transfer:next_event() })
    assert.same({ '{"type": "ping"}', "ping" }, { transfer:next_event() })
    assert.same({ delta("text_delta", 0, "b"), true }, { transfer:next_event() })
    assert.same({ "plain", "" }, { transfer:next_event() })
    assert.same({ delta("text_delta", 0, "c"), true }, { transfer:next_event() })
    assert.same({ delta("text_delta", 0, "d"), true }, { transfer:next_event() })
    assert.equal("abcd", run:take())
  end)

  it("gives texts where those are wanted, and nothing of what brings none", function()
    run:follow("text_delta", 0, "")
    local transfer = body_of(event("text_delta", 0, "") .. event("text_delta", 0, "a") .. event("text_delta", 0, "")
      .. event("text_delta", 0, "b\\n") .. event("thinking_delta", 0, "t") .. "data: x\n\n")
    assert.same({ "a", true }, { transfer:next_text() })
    assert.same({ "b\n", true }, { transfer:next_text() })
    assert.same({ delta("thinking_delta", 0, "t") }, { transfer:next_text() })
    assert.same({ "x", "" }, { transfer:next_text() })
    assert.same({ nil, "done" }, { transfer:next_text() })
    assert.equal("ab\n", run:take())
  end)

  it("gives no text of what is not the message's", function()
    run:follow("thinking_delta", 0, "")
    local transfer = body_of(event("thinking_delta", 0, "a") .. event("thinking_delta", 0, "b") .. "data: x\n\n")
    assert.same({ "x", "" }, { transfer:next_text() })
    assert.equal("ab", run:take())
  end)

  it("gives the rest where only that is wanted", function()
    run:follow("input_json_delta", 3, "")
    local transfer = body_of(event("input_json_delta", 3, "{") .. event("input_json_delta", 3, "}")
      .. event("input_json_delta", 4, "[") .. "data: x\n\n" .. event("input_json_delta", 3, "!"))
    assert.same({ delta("input_json_delta", 4, "[") }, { transfer:skip_deltas() })
    assert.same({ "x", "" }, { transfer:skip_deltas() })
    assert.same({ nil, "done" }, { transfer:skip_deltas() })
    assert.equal("{}!", run:take())
  end)

  it("stops when it is told so, and begins again with what it has", function()
    run:follow("text_delta", 0, "")
    local transfer = body_of(event("text_delta", 0, "a") .. event("text_delta", 0, "b") .. event("text_delta", 0, "c"))
    assert.same({ delta("text_delta", 0, "a"), true }, { transfer:next_event() })
    run:stop()
    assert.same({ delta("text_delta", 0, "b") }, { transfer:next_event() })
    run:follow("text_delta", 0, "+")
    assert.same({ delta("text_delta", 0, "c"), true }, { transfer:next_event() })
    assert.equal("a+c", run:take())
  end)

  it("follows another kind or block when it is told so", function()
    local text = {}
    for _, kind in ipairs { "text_delta", "thinking_delta", "input_json_delta" } do
      for index = 0, 2 do
        text[#text + 1] = event(kind, index, "a") .. event(kind, index, "b") .. event(kind, index, "c")
      end
    end
    local transfer = body_of(table.concat(text))
    for _, kind in ipairs { "text_delta", "thinking_delta", "input_json_delta" } do
      for index = 0, 2 do
        run:follow(kind, index, "")
        for _, piece in ipairs { "a", "b", "c" } do
          assert.same({ delta(kind, index, piece), true }, { transfer:next_event() })
        end
        assert.equal("abc", run:take())
      end
    end
  end)

  it("goes on with its block after its text was taken", function()
    run:follow("text_delta", 0, "")
    local transfer = body_of(event("text_delta", 0, "a") .. event("text_delta", 0, "b") .. event("text_delta", 0, "c"))
    for _, text in ipairs { "a", "b", "c" } do
      transfer:next_event()
      assert.equal(text, run:take())
      assert.is_nil(run:take())
    end
  end)

  it("is not touched by event()", function()
    run:follow("text_delta", 0, "")
    local transfer = body_of(event("text_delta", 0, "a"))
    assert.same({ delta("text_delta", 0, "a") }, { transfer:event() })
    assert.is_nil(run:take())
  end)

  it("follows nothing where the index is none of a delta", function()
    for _, index in ipairs { -1, 0.5, 1e9, 1e300 } do
      run:follow("text_delta", index, "")
      local transfer = body_of(event("text_delta", 0, "a") .. event("text_delta", 1, "b"))
      assert.same({ delta("text_delta", 0, "a") }, { transfer:next_event() })
      assert.same({ delta("text_delta", 1, "b") }, { transfer:next_event() })
      assert.is_nil(run:take())
    end
  end)

  it("refuses a kind that does not grow a text", function()
    for _, kind in ipairs { "signature_delta", "", "text_delta " } do
      local ok, message = pcall(run.follow, run, kind, 0, "")
      assert.is_false(ok)
      assert.matches("no delta of growing text", message)
    end
    assert.has_error(function() run:follow("text_delta", "x", "") end)
    assert.has_error(function() run:follow("text_delta", 0) end)
  end)

  -- The events of a run differ in nothing but their text; each of these follows one of the usual form.
  describe("reads an event that is nearly of its form", function()
    local first = event("text_delta", 0, "1") .. event("text_delta", 0, "2")
    local usual = payload("text_delta", 0, "3")
    local function own(text)
      return { delta("text_delta", 0, text), true }
    end

    for name, row in pairs {
      ["with a line break of CR LF"] = { "event: content_block_delta\r\ndata: " .. usual .. "\r\n\r\n", own "3" },
      ["with a line break of CR LF only at its end"] = {
        "event: content_block_delta\ndata: " .. usual .. "\r\n\r\n", own "3" },
      ["with an empty line of CR LF"] = { "event: content_block_delta\ndata: " .. usual .. "\n\r\n", own "3" },
      ["without a space"] = { "event:content_block_delta\ndata:" .. usual .. "\n\n", own "3" },
      ["without a name"] = { "data: " .. usual .. "\n\n", own "3" },
      ["with spaces in its JSON"] = {
        "event: content_block_delta\ndata: " .. usual:gsub(":", ": ") .. "\n\n", own "3" },
      ["with a space at its end"] = { "event: content_block_delta\ndata: " .. usual .. " \n\n",
        { usual .. " ", "content_block_delta" } },
      ["with another field behind its data"] = {
        "event: content_block_delta\ndata: " .. usual .. "\nid: 1\n\n", own "3" },
      ["with another name behind its data"] = {
        "event: content_block_delta\ndata: " .. usual .. "\nevent: ping\n\n", own "3" },
      ["in two lines of data"] = {
        "event: content_block_delta\ndata: " .. usual:sub(1, -2) .. "\ndata: }\n\n", own "3" },
      ["with a second line of data behind it"] = {
        "event: content_block_delta\ndata: " .. usual .. "\ndata: x\n\n", { usual .. "\nx", "content_block_delta" } },
      ["with a text of escapes"] = { event("text_delta", 0, [[\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00]]),
        own "\"\\/\b\f\n\r\té😀" },
      ["with an empty text"] = { event("text_delta", 0, ""), own "" },
      ["with an escaped quote at its end"] = { event("text_delta", 0, [[x\"]]), own 'x"' },
      ["with another member behind its text"] = {
        'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta",'
          .. '"text":"3","more":1}}\n\n',
        { '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"3","more":1}}',
          "content_block_delta" } },
      ["with one brace too many"] = { "event: content_block_delta\ndata: " .. usual .. "}\n\n",
        { usual .. "}", "content_block_delta" } },
      ["with one brace too few"] = { "event: content_block_delta\ndata: " .. usual:sub(1, -2) .. "\n\n",
        { usual:sub(1, -2), "content_block_delta" } },
      ["with a control character"] = { event("text_delta", 0, "a\tb"),
        { payload("text_delta", 0, "a\tb"), "content_block_delta" } },
      ["with broken UTF-8"] = { event("text_delta", 0, "a\255b"),
        { payload("text_delta", 0, "a\255b"), "content_block_delta" } },
      ["with half a surrogate"] = { event("text_delta", 0, [[\ud83d]]),
        { payload("text_delta", 0, [[\ud83d]]), "content_block_delta" } },
      ["with a line of one byte and more data behind it"] = {
        "event: content_block_delta\ndata: " .. usual .. "\nx\ndata: y\n\n",
        { usual .. "\ny", "content_block_delta" } },
      ["of another kind"] = { event("thinking_delta", 0, "3"), { delta("thinking_delta", 0, "3") } },
      ["of a block whose number begins the same"] = { event("text_delta", 01, "3"):gsub('"index":1', '"index":00') ,
        { (payload("text_delta", 1, "3"):gsub('"index":1', '"index":00')), "content_block_delta" } },
    } do
      it(name, function()
        run:follow("text_delta", 0, "")
        local last = event("text_delta", 0, "last")
        local transfer = body_of(first .. row[1] .. last .. last)
        assert.same(own "1", { transfer:next_event() })
        assert.same(own "2", { transfer:next_event() })
        assert.same(row[2], { transfer:next_event() })
        assert.same(own "last", { transfer:next_event() })
        assert.same(own "last", { transfer:next_event() })
        assert.same({ nil, "done" }, { transfer:next_event() })
        assert.equal("12" .. (row[2][2] == true and row[2][1].delta.text or "") .. "lastlast", run:take())
      end)
    end
  end)

  it("learns no form from an event with fields behind its data, or before it", function()
    run:follow("text_delta", 0, "")
    local odd = "event: content_block_delta\ndata: " .. payload("text_delta", 0, "a") .. "\nid: 7\n\n"
    local transfer = body_of(odd .. odd .. event("text_delta", 0, "b") .. odd)
    for _, text in ipairs { "a", "a", "b", "a" } do
      assert.same({ delta("text_delta", 0, text), true }, { transfer:next_event() })
    end
    assert.same({ nil, "done" }, { transfer:next_event() })
    assert.equal("aaba", run:take())
  end)

  it("learns no form from an event of several lines of data, which do not stand as they came", function()
    run:follow("text_delta", 0, "")
    local beginning = '{"type":"content_block_delta","index":0,"delta":'
    local rest = '{"type":"text_delta","text":"a"}}'
    local broken = "event: content_block_delta\ndata: " .. beginning .. "\ndata: " .. rest .. "\n\n"
    local transfer = body_of(broken .. broken .. "event: content_block_delta\ndata: " .. beginning .. "\n" .. rest
      .. "\n\n")
    for _ = 1, 2 do
      assert.same({ delta("text_delta", 0, "a"), true }, { transfer:next_event() })
    end
    assert.same({ beginning, "content_block_delta" }, { transfer:next_event() })
    assert.equal("aa", run:take())
  end)

  it("reads events whose beginning is very long", function()
    for _, length in ipairs { 20, 89, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 300 } do
      run:follow("text_delta", 0, "")
      local long = "event: " .. ("n"):rep(length) .. "\ndata: " .. payload("text_delta", 0, "a") .. "\n\n"
      local transfer = body_of(long .. long .. long)
      for _ = 1, 3 do
        assert.same({ delta("text_delta", 0, "a"), true }, { transfer:next_event() })
      end
      assert.same({ nil, "done" }, { transfer:next_event() })
      assert.equal("aaa", run:take())
    end
  end)

  it("reads events that come byte by byte", function()
    local transfer = core_peer.start(loop, peer)
    local connection = peer:accept(loop)
    connection:send(core_peer.head)
    transfer:follow(run)
    run:follow("text_delta", 0, "")
    local text = event("text_delta", 0, "one") .. event("text_delta", 0, "two") .. event("text_delta", 0, "3")
    local texts = {}
    for i = 1, #text do
      connection:send(text:sub(i, i))
      loop:wait(0.01)
      local piece, state = transfer:next_text()
      while piece do
        texts[#texts + 1] = piece
        piece, state = transfer:next_text()
      end
      assert.equal("again", state)
    end
    core_peer.run(loop, function()
      texts[#texts + 1] = transfer:next_text()
      return #texts == 3
    end)
    assert.same({ "one", "two", "3" }, texts)
    assert.equal("onetwo3", run:take())
    connection:close()
  end)

  it("reads events that come in two pieces, wherever they break, where their form is known", function()
    local transfer = core_peer.start(loop, peer, { record = true })
    local connection = peer:accept(loop)
    connection:send(core_peer.head)
    transfer:follow(run)
    run:follow("text_delta", 0, "")
    local one = event("text_delta", 0, "one") -- what came before it stands where its end will be
    local count = 0
    local function read(piece)
      count = count + 1
      connection:send(piece)
      core_peer.run(loop, function()
        return #transfer:pieces() == count
      end)
      return transfer:next_text()
    end
    for at = 1, #one - 1 do
      assert.same({ "one", true }, { read(one) })
      assert.same({ nil, "again" }, { read(one:sub(1, at)) })
      assert.same({ "one", true }, { read(one:sub(at + 1)) })
      assert.same({ nil, "again" }, { transfer:next_text() })
    end
    connection:close()
  end)

  it("keeps the limit of an event, also in its form", function()
    local size = #payload("text_delta", 0, "")
    for extra = 0, 1 do
      run:follow("text_delta", 0, "")
      local text = event("text_delta", 0, "a") .. event("text_delta", 0, "b")
        .. event("text_delta", 0, ("x"):rep(100 + extra)) .. event("text_delta", 0, "c")
      local transfer = body_of(text, { max_event_bytes = size + 100 })
      assert.is_true(select(2, transfer:next_event()))
      assert.is_true(select(2, transfer:next_event()))
      if extra == 0 then
        assert.is_true(select(2, transfer:next_event()))
        assert.is_true(select(2, transfer:next_event()))
        assert.same({ nil, "done" }, { transfer:next_event() })
      else
        assert.same({ nil, "too_large" }, { transfer:next_event() })
        assert.same({ nil, "too_large" }, { transfer:next_event() })
      end
      run:take()
    end
  end)

  it("reads a long event of its form that comes in small pieces, in linear time", function()
    local fed = core.fed(200, 2 ^ 30, 2 ^ 30)
    fed:follow(run)
    run:follow("text_delta", 0, "")
    local first, last = payload("text_delta", 0, "|"):match "^(.*)|(.*)$"
    fed:feed(("data: " .. first .. "a" .. last .. "\n\n"):rep(2) .. "data: " .. first)
    local piece = ("b"):rep(64)
    for _ = 1, 2 ^ 21 / #piece do
      fed:feed(piece)
      assert(select(2, fed:skip_deltas()) == "again")
    end
    fed:feed(last .. "\n\n")
    fed:skip_deltas()
    assert.equal(2 + 2 ^ 21, #run:take())
    fed:close()
  end)

  it("may serve one transfer after another", function()
    run:follow("text_delta", 0, "")
    for _, text in ipairs { "a", "b" } do
      local transfer = body_of(event("text_delta", 0, text) .. event("text_delta", 0, text))
      assert.same({ nil, "done" }, { transfer:skip_deltas() })
    end
    assert.equal("aabb", run:take())
  end)

  it("keeps last event IDs and names apart from what it skips", function()
    run:follow("text_delta", 0, "")
    local transfer = body_of(event("text_delta", 0, "a") .. event("text_delta", 0, "b") .. "data: plain\n\n")
    assert.same({ "plain", "" }, { transfer:skip_deltas() })
  end)

  it("is refused in the place of a transfer, and the other way round", function()
    local transfer = body_of ""
    assert.has_error(function() transfer:follow(transfer) end)
    assert.has_error(function() transfer:follow(nil) end)
    assert.has_error(function() run.take(transfer) end)
  end)

  it("grows by no more than its texts, however many they are", function()
    run:follow("text_delta", 0, "")
    local one = event("text_delta", 0, "0123456789")
    local transfer = core_peer.start(loop, peer)
    local connection = peer:accept(loop)
    connection:send(core_peer.head)
    transfer:follow(run)
    local text, sent, total = one:rep(20000), 0, 0
    core_peer.run(loop, function()
      if sent == #text then
        connection:shutdown "send"
      else
        sent = core_peer.send_some(connection, text, sent)
      end
      local _, state = transfer:skip_deltas()
      total = total + #(run:take() or "")
      return state == "done"
    end)
    assert.equal(200000, total)
    connection:close()
  end)

  -- An event of the known form that is not the run's any more.
  it("knows the form of its own block only", function()
    for _, other in ipairs { { "text_delta", 1 }, { "thinking_delta", 0 } } do
      run:follow("text_delta", 0, "")
      local old = event("text_delta", 0, "old")
      local transfer = body_of(old .. old .. old .. old .. event(other[1], other[2], "new"))
      transfer:next_event()
      transfer:next_event()
      run:follow(other[1], other[2], "")
      assert.same({ delta("text_delta", 0, "old") }, { transfer:next_event() })
      assert.same({ delta("text_delta", 0, "old") }, { transfer:next_event() })
      assert.same({ delta(other[1], other[2], "new"), true }, { transfer:next_event() })
      assert.equal("oldoldnew", run:take())
    end
  end)

  it("waits for the last byte of an event, although its place held that byte before", function()
    run:follow("text_delta", 0, "")
    local transfer = core.fed(200, 1000, 100000)
    transfer:follow(run)
    local one = event("text_delta", 0, "abcd")
    transfer:feed(one:rep(2))
    for _ = 1, 2 do
      assert.same({ delta("text_delta", 0, "abcd"), true }, { transfer:next_event() })
    end
    for length = #one - 1, 1, -1 do
      assert.same({ nil, "again" }, { transfer:next_event() })
      transfer:feed(one:sub(1, length))
      assert.same({ nil, "again" }, { transfer:next_event() }, length)
      transfer:feed(one:sub(length + 1))
      assert.same({ delta("text_delta", 0, "abcd"), true }, { transfer:next_event() }, length)
    end
    assert.equal(("abcd"):rep(#one + 1), run:take())
  end)

  it("takes as many bytes as it has room for, and not one more", function()
    for room, result in pairs { [8] = "abcdabcd", [7] = "abcd", [4] = "abcd", [3] = "" } do
      run:follow("text_delta", 0, "", room)
      local transfer = core.fed(200, 1000, 100000)
      transfer:follow(run)
      transfer:feed(event("text_delta", 0, "abcd"):rep(2))
      local _, state
      repeat
        _, state = transfer:next_event()
      until state ~= true
      assert.equal(result == "abcdabcd" and "again" or "full", state)
      assert.equal(result ~= "" and result or nil, (run:take()))
    end
  end)
end)
