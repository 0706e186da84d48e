-- Deltas that follow each other are accumulated in C, and only those who want events get them. Nobody
-- must be able to tell: a stream from a server is compared with one whose every event goes the plain
-- way (spec/support/fake_exchange.lua knows no other).

local accumulator = require "anthropic.message.accumulator"
local anthropic = require "anthropic"
local clock = require "spec.support.clock"
local json = require "anthropic.base.json"
local extent = require "spec.support.extent"
local hosted = require "spec.support.hosted"
local streams = require "spec.support.streams"

local NAMES = {
  "chat_bare", "chat_choices", "chat_reasoning", "chat_refusal", "chat_text", "chat_tools", "citations",
  "compaction", "deltas", "fallback", "interleaved", "max_tokens", "redacted_thinking", "refusal", "text",
  "thinking", "tool_use", "unknown", "web_search",
}

local function rest_of(stream)
  local message, err = stream:message()
  return streams.whole(message or error(err, 0))
end

-- Each way of reading gives all that came of it, as one text.
local ways = {}

function ways.events(stream)
  local lines = {}
  for event in stream do
    lines[#lines + 1] = assert(json.encode(event))
  end
  lines[#lines + 1] = rest_of(stream)
  return table.concat(lines, "\n")
end

function ways.text(stream)
  local lines = {}
  for text in stream:text_deltas() do
    lines[#lines + 1] = json.encode(text)
  end
  lines[#lines + 1] = rest_of(stream)
  return table.concat(lines, "\n")
end

function ways.message(stream)
  return rest_of(stream)
end

function ways.snapshots(stream)
  local lines = {}
  for event in stream do
    lines[#lines + 1] = json.encode(event) .. streams.whole(stream:snapshot())
  end
  return table.concat(lines, "\n")
end

function ways.tool_inputs(stream)
  local lines = {}
  for id, name, input, is_complete, progress in stream:tool_inputs() do
    lines[#lines + 1] = assert(json.encode { id, name or false, input, is_complete, progress:added() })
  end
  lines[#lines + 1] = rest_of(stream)
  return table.concat(lines, "\n")
end

-- One event, the next piece of text, and so on, and the message of what is left.
function ways.mixed(stream)
  local lines, read_text = {}, stream:text_deltas()
  for i = 1, 40 do
    local event, err = stream:next()
    if err then
      error(err, 0)
    end
    local text = i % 3 == 0 and read_text()
    lines[#lines + 1] = assert(json.encode { event or false, text or false })
    lines[#lines + 1] = i % 7 == 0 and streams.whole(stream:snapshot()) or nil
  end
  lines[#lines + 1] = rest_of(stream)
  return table.concat(lines, "\n")
end

-- What a way gives, or the error and what had come.
local function outcome(way, stream)
  local ok, result = pcall(ways[way], stream)
  if ok then
    return result
  end
  return result.kind .. ": " .. result.message .. streams.whole(result.partial)
end

local WAYS = { "events", "text", "message", "snapshots", "tool_inputs", "mixed" }

-- Every delta of the stream several times: it flows where the recorded one is over too soon.
local function lengthened(bytes)
  return (bytes:gsub("event: content_block_delta\ndata: [^\n]*\n\n", function(event)
    return event:rep(7)
  end))
end

describe("A stream that flows", function()
  local server, client

  local function serve(answers)
    for _, answer in ipairs(answers) do
      answer.headers = { ["Content-Type"] = "text/event-stream" }
    end
    server = hosted.server { script = answers }
    client = anthropic.new { base_url = server.url, api_key = "test-key", max_retries = 0 }
  end

  local function open()
    return assert(client.messages.stream { model = "m", messages = {} })
  end

  after_each(function()
    client:close()
    server:stop()
  end)

  local function expect_same(bytes, answers)
    local expected = {}
    for _, way in ipairs(WAYS) do
      expected[way] = outcome(way, streams.open(bytes))
    end
    local list = {}
    for _, answer in ipairs(answers) do
      for _ in ipairs(WAYS) do
        list[#list + 1] = answer
      end
    end
    serve(list)
    for i, answer in ipairs(answers) do
      for _, way in ipairs(WAYS) do
        assert.equal(expected[way], outcome(way, open()), way .. " of answer " .. i .. ", "
          .. (answer.splits and "cut at " .. answer.splits[1] or "whole"))
      end
    end
  end

  for _, name in ipairs(NAMES) do
    it("is the same as one that does not: " .. name, function()
      local bytes = lengthened(streams.read(name))
      local answers = { { body = bytes }, { body = bytes, chunk_bytes = 3 } }
      for i = 1, 4, extent(1, 2) do
        local position = math.floor(#bytes * i / 5)
        answers[#answers + 1] = { body = bytes, splits = { position, position + 1 }, delay_between = 0.002 }
      end
      expect_same(bytes, answers)
    end)
  end

  it("takes no event's name for its own state", function()
    local bytes = lengthened(streams.read "text")
    for _, name in ipairs { "again", "done", "too_large", "memory" } do
      bytes = bytes:gsub("event: content_block_stop", ('event: %s\ndata: {"type":"ping"}\n\n%%0'):format(name))
    end
    expect_same(bytes, { { body = bytes }, { body = bytes, chunk_bytes = 3 } })
    local _, sent = bytes:gsub('"ping"', "")
    local _, received = ways.events(streams.open(bytes)):gsub('"ping"', "")
    assert.equal(sent, received)
  end)

  local STRINGS = {
    '""', '"Hello"', '" world"', [["\"quoted\" \\ \n"]], [["\u00e9\u4f60"]], [["\ud83d\ude00"]], '"h\195\169llo"',
    '"\228\189\160"', '"}}"', [["\"}}"]], '"data: x"', '"' .. ("long "):rep(60) .. '"', [["\ud83d"]], [["\ude00"]],
    '"\255"', '"a\tb"',
  }
  local KINDS = {
    [0] = '{"type":"text_delta","text":%s}', '{"type":"thinking_delta","thinking":%s}',
    '{"type":"input_json_delta","partial_json":%s}', '{"type":"text_delta","text":%s}',
  }
  local DATA = '{"type":"content_block_delta","index":%d,"delta":%s}'
  -- The forms of an event, the first two of them mostly.
  local FORMS = {
    "event: content_block_delta\ndata: %s\n\n", "data: %s\n\n", "data: %s\nid: 5\n\n", "data: %s\ndata:\n\n",
    "data: %s \n\n", "data: %s\r\n\r\n", "data: %s\r\r", "id: 6\ndata: %s\n: a comment\n\n", "%s\n\n",
    "data: %s\n" .. (": a comment of some length\n"):rep(200) .. "\n",
  }
  -- What may stand between two.
  local OTHERS = {
    'event: ping\ndata: {"type":"ping"}\n\n', ": a comment\n\n", ": a comment\n", "id: 5\n", "\n", "retry: 100\n",
    'data: {"type":"later_event"}\n\n', "event: x\n\n",
  }

  -- A stream made of chance, with long runs.
  local function chance_stream(seed)
    local state = seed
    local function chance(n)
      state = (state * 16807) % 2147483647
      return state % n + 1
    end
    local parts = {
      'data: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant","content":[],'
        .. '"model":"m","usage":{"input_tokens":1,"output_tokens":1}}}\n\n',
      'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n',
      'data: {"type":"content_block_start","index":1,"content_block":{"type":"thinking","thinking":"First"}}\n\n',
      'data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t","name":"f",'
        .. '"input":{}}}\n\n',
      'data: {"type":"content_block_start","index":3,"content_block":{"type":"text","text":"Third"}}\n\n',
    }
    local index = 0
    for _ = 1, 200 do
      local what = chance(40)
      if what == 1 then
        parts[#parts + 1] = OTHERS[chance(#OTHERS)]
      elseif what == 2 then
        index = chance(4) - 1
      elseif what == 3 and chance(6) == 1 then
        parts[#parts + 1] = ('data: {"type":"content_block_stop","index":%d}\n\n'):format(index)
      elseif what == 4 and chance(6) == 1 then
        parts[#parts + 1] = ('data: {"type":"content_block_start","index":%d,"content_block":'
          .. '{"type":"text","text":"again"}}\n\n'):format(index)
      else
        local at = chance(15) == 1 and chance(4) - 1 or index
        local text = STRINGS[chance(60) == 1 and chance(#STRINGS) or chance(11)]
        local form = FORMS[chance(15) == 1 and chance(#FORMS) or chance(40) == 1 and 2 or 1]
        local data = DATA:format(at, (KINDS[at]:gsub("%%s", function() return text end)))
        parts[#parts + 1] = form:gsub("%%s", function() return data end)
      end
    end
    parts[#parts + 1] = 'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{}}\n\n'
    parts[#parts + 1] = 'data: {"type":"message_stop"}\n\n'
    return table.concat(parts)
  end

  for seed = 1, 10 do
    it("is the same as one that does not, made of chance " .. seed, function()
      local bytes = chance_stream(seed * 7919)
      expect_same(bytes, { { body = bytes }, { body = bytes, chunk_bytes = 300 } })
    end)
  end

  -- How many events went the plain way.
  local function count_added(read)
    local added = 0
    local Accumulator = getmetatable(accumulator.new())
    local add = Accumulator.add
    Accumulator.add = function(...)
      added = added + 1
      return add(...)
    end
    local ok, err = pcall(read)
    Accumulator.add = add
    return assert(ok, err) and added
  end

  it("does not make an event of each delta for those who do not want it", function()
    serve { { body = lengthened(lengthened(streams.read "text")) } }
    local added = count_added(function()
      assert.is_true(#open():message():text() > 49 * 3 * 5)
    end)
    assert.is_true(added < 15, added)
  end)

  it("flows on after each wait", function()
    local bytes = lengthened(lengthened(streams.read "text"))
    local first = assert(bytes:find "content_block_delta")
    local splits = {}
    for i = 1, 40 do
      splits[i] = first + 137 * i
    end
    local answer = { body = bytes, splits = splits, delay_between = 0.005 }
    serve { answer, answer, answer }
    for _, way in ipairs { "events", "text", "message" } do
      local added = count_added(function() ways[way](open()) end)
      assert.is_true(added < 15, way .. " " .. added)
    end
  end)

  it("is nobody else's while one waits for more of it, and keeps what came when it is closed then", function()
    local bytes = lengthened(streams.read "text")
    local last = assert(bytes:find "event: content_block_stop")
    serve { { body = bytes, splits = { last }, delay_between = 30 } }
    anthropic.run(function()
      local stream, texts = open(), {}
      local reader = anthropic.spawn(function()
        local event, err = stream:next()
        while event do
          texts[#texts + 1] = event.delta and event.delta.text
          event, err = stream:next()
        end
        return err
      end)
      clock.await(function() return #texts > 7 end)
      local ok, problem = pcall(stream.next, stream)
      assert.is_false(ok)
      assert.matches("read by another coroutine", problem)
      stream:close()
      local err = reader:join()
      assert.equal("cancelled", err.kind)
      assert.equal(table.concat(texts), err.partial:text())
      assert.equal(err, select(2, stream:next()))
    end)
  end)

  it("that breaks off keeps what came", function()
    local bytes = lengthened(streams.read "text")
    local cut = assert(bytes:find "content_block_stop") - 60
    local expected = select(2, streams.open(bytes:sub(1, cut)):message())
    serve { { body = bytes, cut_after = cut }, { body = bytes, cut_after = cut } }
    local message, err = open():message()
    assert.is_nil(message)
    assert.equal("truncated", err.kind)
    assert.equal(streams.whole(expected.partial), streams.whole(err.partial))
    local stream = open()
    assert.has_error(function()
      for _ in stream:text_deltas() do end -- luacheck: ignore
    end)
    assert.equal(streams.whole(expected.partial), streams.whole(select(2, stream:next()).partial))
  end)

  it("that is closed keeps what came", function()
    local bytes = lengthened(streams.read "text")
    serve { { body = bytes } }
    local stream, count = open(), 0
    for text in stream:text_deltas() do
      count = count + #text
      if count > 60 then
        break
      end
    end
    stream:close()
    local _, err = stream:next()
    assert.equal("cancelled", err.kind)
    assert.equal(count, #err.partial:text())
  end)

  it("with an event above the limit fails as any other", function()
    local bytes = lengthened(streams.read "text"):gsub("Hello", ("Hello"):rep(100), 3)
    serve { { body = bytes } }
    local stream = assert(client.messages.stream({ model = "m", messages = {} }, { max_event_bytes = 400 }))
    local message, err = stream:message()
    assert.is_nil(message)
    assert.equal("protocol", err.kind)
    assert.truthy(err.message:find("larger than 400", 1, true))
  end)
end)
