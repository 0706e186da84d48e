local json = require "anthropic.base.json"
local streams = require "spec.support.streams"
local surrogates = require "anthropic.message.surrogates"

local HALF = "\237[\160-\191]"
local UNKNOWN = "\239\191\189"

local function delta(text, fields)
  fields = fields or {}
  return ('{"type":"content_block_delta","index":%d,"delta":{"type":"%s","%s":"%s"}}'):format(
    fields.index or 0, fields.type or "text_delta", fields.field or "text", text)
end

local function thinking(text)
  return delta(text, { type = "thinking_delta", field = "thinking" })
end

local function input(text)
  return delta(text, { type = "input_json_delta", field = "partial_json" })
end

local START = '{"type":"message_start","message":{"type":"message","role":"assistant","content":[],"usage":{}}}'
local STOP = '{"type":"content_block_stop","index":0}'
local END = { '{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{}}', '{"type":"message_stop"}' }

local function start(kind, index)
  return ('{"type":"content_block_start","index":%d,"content_block":{"type":"%s"}}'):format(index or 0, kind)
end

-- A stream of one message: a list of payloads without its start and end.
local function open(...)
  local payloads = { START }
  for _, payload in ipairs { ... } do
    payloads[#payloads + 1] = payload
  end
  payloads[#payloads + 1] = END[1]
  payloads[#payloads + 1] = END[2]
  return streams.open(streams.of(payloads))
end

local function chunk(fields)
  return ('{"id":"c","choices":[{"index":0,"delta":{%s}}]}'):format(fields)
end

local function pieces_of(opened)
  local pieces = {}
  for text in opened:text_deltas() do
    pieces[#pieces + 1] = text
  end
  return pieces
end

-- Reads it to the end; nothing that it gives has half a character in it.
local function read(opened)
  local digest = streams.digest(opened)
  assert.is_nil(digest:find(HALF))
  return digest
end

describe("a character that the server cut between two deltas", function()
  it("arrives whole in the pieces of text", function()
    assert.same({ "a", "😀b" }, pieces_of(open(start "text", delta [[a\ud83d]], delta [[\ude00b]], STOP)))
    assert.same({ "😀" }, pieces_of(open(start "text", delta [[\uD83D]], delta [[\uDE00]], STOP)))
  end)

  it("arrives whole in the message", function()
    local opened = open(start "text", delta [[a\ud83d]], delta [[\ude00b\ud83d]], delta [[\ude01]], STOP)
    assert.equal("a😀b😁", opened:message():text())
  end)

  it("arrives whole in thinking", function()
    local opened = open(start "thinking", thinking [[\ud83d]], thinking [[\ude00]], STOP)
    assert.equal("😀", opened:message():thinking())
  end)

  it("arrives whole in a tool's input", function()
    local message = open(start "tool_use", input [[{\"a\":\"\ud83d]], input [[\ude00\"}]], STOP):message()
    assert.equal("😀", message.content[1].input.a)
    assert.equal('{"a":"😀"}', json.encode(message.content[1].input))
  end)

  it("is joined for every plane", function()
    for code, text in pairs {
      [ [[\ud800 \udc00]] ] = "\240\144\128\128",
      [ [[\ud842 \udfb7]] ] = "𠮷",
      [ [[\udbff \udfff]] ] = "\244\143\191\191",
      [ [[\uD83F \uDFFF]] ] = "\240\159\191\191",
    } do
      local high, low = code:match "(%S+) (%S+)"
      assert.equal(text, open(start "text", delta(high), delta(low), STOP):message():text())
    end
  end)

  it("waits through other events, other blocks and empty deltas", function()
    local opened = open(start("text", 0), start("text", 1), delta [[\ud83d]], '{"type":"ping"}',
      delta([[\ud83c]], { index = 1 }), delta "", delta([[\udf89]], { index = 1 }), delta [[\ude00]], STOP)
    assert.equal("😀🎉", opened:message():text())
  end)

  it("is in no snapshot before it is whole", function()
    local opened = open(start "text", delta [[a\ud83d]], delta [[\ude00]], STOP)
    local texts = {}
    for event in opened do
      if event.type == "content_block_delta" then
        texts[#texts + 1] = opened:snapshot():text()
      end
    end
    assert.same({ "a", "a😀" }, texts)
  end)

  it("leaves as many events as the server sent", function()
    local types = {}
    for event in open(start "text", delta [[\ud83d]], delta [[\ude00]], STOP) do
      types[#types + 1] = event.type
    end
    assert.equal(7, #types)
  end)

  it("arrives whole in a chat completion's content, reasoning and arguments", function()
    local opened = streams.open(streams.of {
      chunk [["reasoning_content":"\ud83e"]], chunk [["reasoning_content":"\udd14"]],
      chunk [["content":"a\ud83d"]], chunk [["content":"\ude00b"]],
      chunk [=["tool_calls":[{"index":0,"id":"t","function":{"name":"f","arguments":"{\"a\":\"\ud83d"}}]]=],
      chunk [=["tool_calls":[{"index":0,"function":{"arguments":"\ude01\"}"}}]]=],
      "[DONE]",
    })
    read(opened)
    local message = opened:message()
    assert.equal("🤔", message:thinking())
    assert.equal("a😀b", message:text())
    assert.equal("😁", message.content[3].input.a)
  end)

  it("arrives whole in each choice of its own", function()
    local function both(first, second)
      return ([[{"choices":[{"index":0,"delta":{"content":"%s"}},{"index":1,"delta":{"content":"%s"}}]}]]):format(
        first, second)
    end
    local message = streams.open(streams.of {
      both([[\ud83d]], [[\ud83c]]), both([[\ude00]], [[\udf89]]), "[DONE]",
    }):message()
    assert.equal("😀", message.choices[1]:text())
    assert.equal("🎉", message.choices[2]:text())
  end)

  it("arrives whole however the wire is cut", function()
    local payloads = { START, start "text", delta [[a\ud83d]], delta [[\ude00b]], STOP, END[1], END[2] }
    local bytes = streams.of(payloads)
    local whole = streams.digest(streams.open(bytes))
    for position = 1, #bytes - 1 do
      assert.equal(whole, streams.digest(streams.open(bytes:sub(1, position), bytes:sub(position + 1))))
    end
  end)
end)

describe("half a character without its partner", function()
  local function text_of(...)
    local opened = open(...)
    read(opened)
    return opened:message():text()
  end

  it("becomes U+FFFD where something else follows", function()
    assert.equal(UNKNOWN .. "b", text_of(start "text", delta [[\ud83d]], delta "b", STOP))
    assert.equal(UNKNOWN .. "😀", text_of(start "text", delta [[\ud83d]], delta [[\ud83d]], delta [[\ude00]], STOP))
  end)

  it("becomes U+FFFD where the first half is missing", function()
    assert.equal("a" .. UNKNOWN .. "b", text_of(start "text", delta "a", delta [[\ude00b]], STOP))
    assert.equal(UNKNOWN .. "a", text_of(start "text", delta [[\ude00a]], STOP))
  end)

  it("becomes U+FFFD in the middle of a text", function()
    assert.equal("a" .. UNKNOWN .. "b", text_of(start "text", delta [[a\ud83db]], STOP))
    assert.equal(UNKNOWN .. UNKNOWN, text_of(start "text", delta [[\ude00\ud83d]], STOP))
    assert.equal('"' .. UNKNOWN .. '"', text_of(start "text", delta [[\"\ude00\"]], STOP))
  end)

  it("is handed out before its block's end", function()
    local opened = open(start "text", delta [[a\ud83d]], STOP)
    assert.same({ "a", UNKNOWN }, pieces_of(opened))
    assert.equal("a" .. UNKNOWN, opened:message():text())
  end)

  it("is handed out before the message's end where the block has none", function()
    assert.equal("a" .. UNKNOWN, text_of(start "text", delta [[a\ud83d]]))
  end)

  it("is handed out before another block of the same index begins", function()
    local types = {}
    for event in open(start "text", delta [[\ud83d]], start "thinking", delta [[\ude00]]) do
      types[#types + 1] = event.delta and event.delta.text or event.type
    end
    assert.equal("message_start content_block_start  " .. UNKNOWN .. " content_block_stop content_block_start "
      .. "content_block_start " .. UNKNOWN .. " message_delta content_block_stop content_block_stop message_stop",
      table.concat(types, " "))
  end)

  it("arrives whole where the block's start is repeated between its halves", function()
    local again = '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"","citations":[1]}}'
    assert.equal("😀", text_of(start "text", delta [[\ud83d]], start "text", again, delta [[\ude00]], STOP))
  end)

  it("ends with its choice", function()
    local message = streams.open(streams.of { chunk [["content":"a\ud83d"]], "[DONE]" }):message()
    assert.equal("a" .. UNKNOWN, message:text())
  end)

  it("does not join a delta of another kind or block", function()
    local opened = open(start("thinking", 0), thinking [[\ud83d]], start("text", 1),
      delta([[\ude00]], { index = 1 }), '{"type":"content_block_stop","index":1}', STOP)
    read(opened)
    assert.equal(UNKNOWN, opened:message():text())
    assert.equal(UNKNOWN, opened:message():thinking())
  end)

  it("is dropped where the stream fails", function()
    local opened = streams.open(streams.of { START, start "text", delta [[a\ud83d]] })
    local _, err = opened:message()
    assert.equal("truncated", err.kind)
    assert.equal("a", err.partial:text())
  end)

  it("is let through nowhere", function()
    read(streams.open(streams.of {
      [[{"type":"message_start","message":{"id":"a\ud83d","role":"assistant","content":[],"model":"\ude00",
        "list":["\ud83d",{"x":"\ude00"}],"\ud83d":1}}]],
      [[{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"\ud83d"}}]],
      delta [[\ude00]], delta([[\ud83d]], { type = "signature_delta", field = "signature" }),
      delta([[\ud83d]], { type = "new_delta", field = "new" }),
      [[{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{"t":"\ud83d"}}}]],
      [[{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","input":{"a":"\ud83d"}}}]],
      [[{"type":"other\ud83d","text":"\ude00"}]],
      [[{"type":"message_delta","delta":{"stop_reason":"\ud83d"},"usage":{"tier":"\ud83d"}}]],
      END[2],
    }))
    local opened = streams.open(streams.of {
      [[{"id":"\ud83d","model":"\ude00","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"x\ud83d"}]}]],
      [[{"choices":[{"index":0,"delta":{"tool_calls":[{"id":"\ud83d","function":{"name":"\ud83d"}}]}}]}]],
      [[{"choices":[],"note":"\ud83d","usage":{"prompt_tokens":1}}]],
      "[DONE]",
    })
    read(opened)
    assert.is_nil(json.encode(opened:message().raw):find(HALF))
  end)

  describe("in an input that comes as an object", function()
    local OBJECT = [[{"path":"/x","n":null,"list":[{"text":"\ud83d"}],"low":"\ude00"}]]
    local WHOLE = ([[{"path":"/x","n":null,"list":[{"text":"?"}],"low":"?"}]]):gsub("%?", UNKNOWN)
    local CALL = '"type":"tool_use","id":"t","name":"f"'
    local OPEN_CALL = '{"type":"content_block_start","index":0,"content_block":{' .. CALL .. "}}"

    local function chunks(fields)
      return { chunk(fields), "[DONE]" }
    end

    for name, payloads in pairs {
      ["arguments"] = chunks('"tool_calls":[{"id":"t","function":{"name":"f","arguments":' .. OBJECT .. "}}]"),
      ["a part of the content"] = chunks('"content":[{' .. CALL .. ',"input":' .. OBJECT .. "}]"),
      ["a delta"] = { START, OPEN_CALL,
        '{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","input":' .. OBJECT .. "}}",
        STOP, END[1], END[2] },
      ["a stop that repeats the block"] = { START, OPEN_CALL,
        '{"type":"content_block_stop","index":0,"content_block":{' .. CALL .. ',"input":' .. OBJECT .. "}}",
        END[1], END[2] },
    } do
      it("is U+FFFD, and the rest stays: " .. name, function()
        local opened = streams.open(streams.of(payloads))
        read(opened)
        local message = opened:message()
        assert.equal(1, #message.content)
        assert.same(json.decode(WHOLE), message.content[1].input)
      end)
    end
  end)

  it("is U+FFFD in an error event", function()
    local _, err = streams.open(streams.of {
      [[{"type":"error","error":{"type":"overloaded_error","message":"full \ud83d"}}]],
    }):message()
    assert.equal("full " .. UNKNOWN, err.message)
  end)

  it("sent as bytes is what all invalid UTF-8 is", function()
    local opened = open(start "text", delta "a\237\160\189", delta "\237\184\128b", STOP)
    read(opened)
    assert.equal("ab", (opened:message():text():gsub(UNKNOWN, "")))
    assert.is_true(#opened:message():text() > 2)
  end)
end)

describe("decode_event", function()
  it("says whether halves are left, and only at the ends of values", function()
    local function decode(text)
      local value, message, halves = json.decode_event(text)
      assert.is_nil(message)
      return value, halves
    end
    assert.same({ { a = "x\237\160\189" }, true }, { decode [[{"a":"x\ud83d"}]] })
    assert.same({ { a = "\237\184\128x" }, true }, { decode [[{"a":"\ude00x"}]] })
    assert.same({ { a = UNKNOWN .. "x" }, false }, { decode [[{"a":"\ud83dx"}]] })
    assert.same({ { a = "x" .. UNKNOWN }, false }, { decode [[{"a":"x\ude00"}]] })
    assert.same({ { a = '"' .. UNKNOWN }, false }, { decode [[{"a":"\"\ude00"}]] })
    assert.same({ { [UNKNOWN] = 1 }, false }, { decode [[{"\ud83d":1}]] })
    assert.same({ { a = "😀" }, false }, { decode [[{"a":"\ud83d\ude00"}]] })
    assert.same({ { "\237\160\189" }, true }, { decode [==[["\ud83d"]]==] })
  end)

  it("fails as decode_answer does", function()
    local value, message, halves = json.decode_event [[{"a":"\ud83d"]]
    assert.is_nil(value)
    assert.is_string(message)
    assert.is_nil(halves)
  end)
end)

-- The joiner alone: the event as the decoder leaves it, to the events that the reader gets.
describe("a joiner", function()
  local HIGH, LOW, FACE = "\237\160\189", "\237\184\128", "😀"

  local function delta_of(kind, field, text, index, choice)
    local delta_fields = { type = kind, [field] = text }
    return { type = "content_block_delta", index = index or 0, delta = delta_fields, choice = choice }
  end

  local function text_of(text, index, choice)
    return delta_of("text_delta", "text", text, index, choice)
  end

  -- The events of all, each alone or with what came before it.
  local function joined(...)
    local joiner, all = surrogates.joiner(), {}
    for _, event in ipairs { ... } do
      for _, whole in ipairs(joiner:join(event)) do
        all[#all + 1] = whole
      end
    end
    return all
  end

  it("gives the event itself, mended", function()
    local joiner = surrogates.joiner()
    local event = text_of("a" .. HIGH .. LOW .. LOW)
    local events = joiner:join(event)
    assert.equal(1, #events)
    assert.equal(event, events[1])
    assert.equal("a" .. FACE .. UNKNOWN, event.delta.text)
  end)

  for kind, field in pairs { text_delta = "text", thinking_delta = "thinking", input_json_delta = "partial_json" } do
    it("holds a half back until its field goes on: " .. kind, function()
      assert.same({ delta_of(kind, field, "a"), delta_of(kind, field, FACE .. "b") },
        joined(delta_of(kind, field, "a" .. HIGH), delta_of(kind, field, LOW .. "b")))
    end)

    it("gives a held half up at its block's end, as a delta of its own: " .. kind, function()
      local stop = { type = "content_block_stop", index = 3, raw = {} }
      local events = joined(delta_of(kind, field, HIGH, 3), stop)
      local expected = delta_of(kind, field, UNKNOWN, 3)
      expected.raw = stop.raw
      assert.same({ delta_of(kind, field, "", 3), expected, stop }, events)
      assert.equal(stop.raw, events[2].raw)
      assert.equal(stop, events[3])
    end)
  end

  for _, case in ipairs {
    { { type = "content_block_start", index = 0 }, false },
    { { type = "content_block_stop", index = 0 }, true },
    { { type = "message_delta" }, true },
    { { type = "message_stop" }, true },
    { { type = "content_block_start", index = 1 }, false },
    { { type = "content_block_stop", index = 1 }, false },
    { { type = "content_block_stop", index = 0, choice = 1 }, false },
    { { type = "message_stop", choice = 1 }, false },
    { { type = "ping" }, false },
    { { type = "message_start", message = {} }, false },
    { { type = "of_a_later_api" }, false },
    { text_of("x", 1), false },
    { text_of("x", 0, 1), false },
    { delta_of("thinking_delta", "thinking", "x"), false },
    { delta_of("signature_delta", "signature", "x"), false },
    { delta_of("text_delta", "text", nil), false },
    { delta_of("text_delta", "text", 5), false },
    { { type = "content_block_delta", index = 0 }, false },
    { { type = "content_block_delta", index = 0, delta = "x" }, false },
  } do
    local event = case[1]
    local name = (case[2] and "gives a half up at " or "holds a half through ")
      .. (type(event.delta) == "table" and event.delta.type or event.type)
      .. (event.index and " of block " .. event.index or "") .. (event.choice and " of choice " .. event.choice or "")
    it(name, function()
      local joiner = surrogates.joiner()
      joiner:join(text_of(HIGH))
      local events = joiner:join(event)
      assert.equal(event, events[#events])
      assert.equal(case[2] and 2 or 1, #events)
      local last = joiner:join(text_of(LOW))[1]
      assert.equal(case[2] and UNKNOWN or FACE, last.delta.text)
    end)
  end

  it("gives up several halves in the order they came in, and keeps those of other blocks", function()
    local joiner = surrogates.joiner()
    joiner:join(text_of(HIGH, 0))
    joiner:join(delta_of("thinking_delta", "thinking", HIGH, 1))
    joiner:join(text_of(HIGH, 0, 2))
    joiner:join(delta_of("input_json_delta", "partial_json", HIGH, 0))
    local stop = { type = "content_block_stop", index = 0 }
    assert.same({ text_of(UNKNOWN, 0), delta_of("input_json_delta", "partial_json", UNKNOWN, 0), stop },
      joiner:join(stop))
    assert.same({ { type = "content_block_stop", index = 0 } }, joiner:join { type = "content_block_stop", index = 0 })
    local finish = { type = "message_stop", choice = 2 }
    assert.same({ text_of(UNKNOWN, 0, 2), finish }, joiner:join(finish))
    assert.equal(FACE, joiner:join(delta_of("thinking_delta", "thinking", LOW, 1))[1].delta.thinking)
  end)

  it("joins every pair of halves at the boundaries of its bytes", function()
    for pair, text in pairs {
      ["\237\160\128\237\176\128"] = "\240\144\128\128", -- U+10000
      ["\237\160\128\237\176\191"] = "\240\144\128\191", -- U+1003F
      ["\237\160\128\237\177\128"] = "\240\144\129\128", -- U+10040
      ["\237\160\131\237\191\191"] = "\240\144\191\191", -- U+10FFF
      ["\237\160\132\237\176\128"] = "\240\145\128\128", -- U+11000
      ["\237\161\191\237\191\191"] = "\240\175\191\191", -- U+2FFFF
      ["\237\162\128\237\176\128"] = "\240\176\128\128", -- U+30000
      ["\237\162\191\237\191\191"] = "\240\191\191\191", -- U+3FFFF
      ["\237\163\128\237\176\128"] = "\241\128\128\128", -- U+40000
      ["\237\175\191\237\191\191"] = "\244\143\191\191", -- U+10FFFF
    } do
      assert.equal(text, joined(text_of(pair))[1].delta.text)
      local events = joined(text_of(pair:sub(1, 3)), text_of(pair:sub(4)))
      assert.same({ "", text }, { events[1].delta.text, events[2].delta.text })
    end
  end)

  it("knows the first and the last half of each kind", function()
    for half, is_high in pairs {
      ["\237\160\128"] = true, ["\237\160\191"] = true, ["\237\175\128"] = true, ["\237\175\191"] = true,
      ["\237\176\128"] = false, ["\237\176\191"] = false, ["\237\191\128"] = false, ["\237\191\191"] = false,
    } do
      assert.equal("a" .. UNKNOWN .. "b", joined(text_of("a" .. half .. "b"))[1].delta.text)
      local events = joined(text_of("a" .. half), text_of "b")
      assert.equal(is_high and "a" or "a" .. UNKNOWN, events[1].delta.text)
      assert.equal(is_high and UNKNOWN .. "b" or "b", events[2].delta.text)
      local pair = joined(text_of(half .. LOW .. "."))[1].delta.text
      assert.equal(is_high and 5 or #(UNKNOWN .. UNKNOWN .. "."), #pair)
      pair = joined(text_of(HIGH .. half .. "."))[1].delta.text
      assert.equal(is_high and #(UNKNOWN .. UNKNOWN .. ".") or 5, #pair)
    end
  end)

  it("leaves what is no half as it is", function()
    for _, text in ipairs { "", "a", "\237\159\191", "\238\128\128", "ünï 日本 😀", UNKNOWN, "\237\160", "\237" } do
      assert.same({ text_of(text), text_of("x") }, joined(text_of(text), text_of("x")))
    end
  end)

  it("gives up all halves at the message's end, in the order that they came in, of its choice alone", function()
    local held = { text_of(HIGH, 2), text_of(HIGH, 0), text_of(HIGH, 1), text_of(HIGH, 2, 1) }
    held[5], held[6] = delta_of("thinking_delta", "thinking", HIGH, 0), { type = "message_stop" }
    local shown = {}
    for i, event in ipairs(joined((rawget(table, "unpack") or rawget(_G, "unpack"))(held))) do
      shown[i] = event.index and event.delta.type:sub(1, 4) .. event.index or event.type
    end
    assert.same({
      "text2", "text0", "text1", "text2", "thin0", "text2", "text0", "text1", "thin0", "message_stop",
    }, shown)
  end)

  it("takes time in proportion to the halves that it holds", function()
    local joiner = surrogates.joiner()
    for index = 1, 20000 do
      joiner:join(text_of(HIGH, index))
    end
    for index = 1, 20000 do
      assert.equal(2, #joiner:join { type = "content_block_stop", index = index })
    end
  end)

  it("takes each half once", function()
    local events = joined(text_of(HIGH), text_of(LOW), text_of(LOW), text_of(HIGH), text_of "x", text_of(LOW))
    local texts = {}
    for i, event in ipairs(events) do
      texts[i] = event.delta.text
    end
    assert.same({ "", FACE, UNKNOWN, "", UNKNOWN .. "x", UNKNOWN }, texts)
  end)

  it("mends all other strings in place, however deep", function()
    local message = { id = "a" .. HIGH, deep = { { { LOW } }, HIGH .. LOW }, count = 1, flag = true }
    local event = { type = "message_start", message = message }
    assert.equal(event, surrogates.joiner():join(event)[1])
    assert.equal(message, event.message)
    assert.same({ id = "a" .. UNKNOWN, deep = { { { UNKNOWN } }, FACE }, count = 1, flag = true }, message)
  end)

  it("is one stream's own", function()
    surrogates.joiner():join(text_of(HIGH))
    assert.same({ text_of(UNKNOWN) }, surrogates.joiner():join(text_of(LOW)))
  end)
end)
