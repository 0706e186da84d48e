-- Deltas in the API's own form are read in C; everything else by the JSON decoder. Nobody must be
-- able to tell which it was.

local anthropic = require "anthropic"
local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local json = require "anthropic.base.json"
local hosted = require "spec.support.hosted"

local FORM = '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":%s}}'

-- JSON strings, as text.
local STRINGS = {
  '""', '"Hello"', '"a b  c"', [["\""]], [["\\"]], [["\/"]], [["\b\f\n\r\t"]], [["\u0000"]], [["\u001f"]],
  [["\u0041\u00e9\u4f60\uffff"]], [["\ud83d\ude00"]], [["\uD83D\uDE00!"]], [["x\ud83d\ude00y\u00e9z"]],
  '"h\195\169llo"', '"\228\189\160\229\165\189"', '"\240\159\152\128"', '"\239\187\191"', '"\127"',
  [["\\u0041"]], [["\\\\n"]], [["{\"a\":[1,2,{\"b\":\"\\u00e9\\n\"}]}"]], [["ends with a backslash\\"]],
  '"' .. ("long and plain "):rep(500) .. '"', '"' .. ([[\n\u00e9]]):rep(500) .. '"', '"</script> data: x"',
  '"\255"', '"\192\128"', '"\237\160\128"', '"\228\189"', -- invalid UTF-8
}

local OTHER_FORMS = {
  '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}      ',
  '  { "type" : "content_block_delta" , "index" : 0 , "delta" : { "type" : "text_delta" , "text" : "x" } } ',
  '{"index":0,"type":"content_block_delta","delta":{"text":"x","type":"text_delta"}}',
  '{"type":"content_block_delta","index":12345,"delta":{"type":"text_delta","text":"x"}}',
  '{"type":"content_block_delta","index":1234567890,"delta":{"type":"text_delta","text":"x"}}',
  '{"type":"content_block_delta","index":1e0,"delta":{"type":"text_delta","text":"x"}}',
  '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x","more":[1]}}',
  '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"},"more":{}}',
  '{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"x"}}',
  '{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"x","estimated_tokens":3}}',
  '{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\\"a\\":"}}',
  '{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"x=="}}',
  '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","t\\u0065xt":"x"}}',
}

-- The kind of block that deltas belong to.
local KIND_OF = {
  text_delta = "text", thinking_delta = "thinking", signature_delta = "thinking", input_json_delta = "tool_use",
}

local function plain(value)
  if type(value) ~= "table" then
    return value
  end
  local copy = {}
  for key, member in pairs(value) do
    copy[key] = plain(member)
  end
  return copy
end

describe("A delta", function()
  local server, client

  -- A stream of deltas of one block, whose start has been read.
  local function stream_of(payloads, kind, index)
    local block = { type = kind or "text", id = "toolu_1", name = "f" }
    local events = {
      'event: x\ndata: {"type":"later_event"}\n\n', -- content: nothing is kept back
      "event: x\ndata: " .. json.encode { type = "content_block_start", index = index or 0, content_block = block }
        .. "\n\n",
    }
    for i, payload in ipairs(payloads) do
      events[i + 2] = "event: content_block_delta\ndata: " .. payload .. "\n\n"
    end
    server = hosted.server { script = { { headers = { ["Content-Type"] = "text/event-stream" }, events = events } } }
    client = anthropic.new { base_url = server.url, api_key = "test-key" }
    local stream = assert(client.messages.stream { model = "m", messages = {} })
    for _, name in ipairs { "later_event", "message_start", "content_block_start" } do
      assert.equal(name, assert(stream:next()).type)
    end
    return stream
  end

  local function stop()
    client:close()
    server:stop()
  end

  after_each(stop)

  it("is the same event whichever way its string is written", function()
    local payloads = {}
    for i, text in ipairs(STRINGS) do
      payloads[i] = FORM:format(text:gsub("%%", "%%%%"))
    end
    local stream = stream_of(payloads)
    for i, payload in ipairs(payloads) do
      local expected = json.decode_answer(payload)
      assert.same(plain(expected), plain((assert(stream:next()))), STRINGS[i]:sub(1, 60))
    end
  end)

  it("is the same event in every form it may have", function()
    for _, payload in ipairs(OTHER_FORMS) do
      local expected = json.decode_answer(payload)
      local event = assert(stream_of({ payload }, KIND_OF[expected.delta.type], expected.index):next())
      assert.same(plain(expected), plain(event), payload)
      if math.type then
        assert.equal("integer", math.type(event.index), payload)
      end
      stop()
    end
    stream_of {}
  end)

  it("that is cut short is no event", function()
    local payload = FORM:format [["x\u00e9\n"]]
    for length = 0, #payload - 1 do
      assert.is_nil((json.decode_answer(payload:sub(1, length))))
    end
    local stream = stream_of { payload:sub(1, -2) }
    local event, err = stream:next()
    assert.is_nil(event)
    assert.equal("protocol", err.kind)
  end)
end)

-- What the core reads by itself is a table; what it leaves to the JSON decoder is text, as it came.
describe("a delta in the core", function()
  local loop, peer

  before_each(function()
    loop = core.loop()
    peer = core_peer.listen()
  end)

  after_each(function()
    loop:close()
    peer:close()
  end)

  local function read_all(payloads)
    local transfer = core_peer.start(loop, peer)
    local connection = peer:accept(loop)
    connection:send(core_peer.head)
    for _, payload in ipairs(payloads) do
      connection:send("data: " .. payload:gsub("\n", "\ndata: ") .. "\n\n")
    end
    connection:close()
    core_peer.finish(loop, transfer)
    local events = {}
    for i = 1, #payloads do
      events[i] = (transfer:event())
    end
    assert.same({ nil, "done" }, { transfer:event() })
    return events
  end

  local function text_delta(text, index)
    return { type = "content_block_delta", index = index or 0, delta = { type = "text_delta", text = text } }
  end

  it("is read in every kind that grows a text", function()
    local events = read_all {
      '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}',
      '{"type":"content_block_delta","index":1,"delta":{"type":"thinking_delta","thinking":"b"}}',
      '{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"c"}}',
    }
    assert.same({
      text_delta "a",
      { type = "content_block_delta", index = 1, delta = { type = "thinking_delta", thinking = "b" } },
      { type = "content_block_delta", index = 2, delta = { type = "input_json_delta", partial_json = "c" } },
    }, events)
  end)

  it("is read with white space between its tokens", function()
    for _, space in ipairs { " ", "  ", "\t", " \t ", "\n" } do
      local payloads, expected = {}, {}
      for position in FORM:format('"x"'):gmatch "()[{}:,]" do
        local payload = FORM:format('"x"')
        if position < #payload then
          payloads[#payloads + 1] = payload:sub(1, position) .. space .. payload:sub(position + 1)
        end
        payloads[#payloads + 1] = payload:sub(1, position - 1) .. space .. payload:sub(position)
      end
      for i in ipairs(payloads) do
        expected[i] = text_delta "x"
      end
      -- an event's data loses the space before it
      assert.same(expected, read_all(payloads))
    end
  end)

  it("has an index of one to six digits", function()
    local payloads, expected = {}, {}
    for index, value in pairs {
      ["0"] = 0, ["1"] = 1, ["9"] = 9, ["10"] = 10, ["99999"] = 99999, ["100000"] = 100000, ["999999"] = 999999,
      ["1000000"] = false, ["00"] = false, ["01"] = false, ["09"] = false, ["-1"] = false, [""] = false,
      ["1.0"] = false, ["1e1"] = false,
      ['"1"'] = false, ["/"] = false, [":"] = false, ["0/"] = false, ["0:"] = false, ["1:"] = false,
    } do
      payloads[#payloads + 1] = FORM:format('"x"'):gsub('"index":0', '"index":' .. index)
      expected[#payloads] = value and text_delta("x", value) or payloads[#payloads]
    end
    assert.same(expected, read_all(payloads))
  end)

  it("has a text of any characters and escapes", function()
    local rows = {
      ['""'] = "", ['"x"'] = "x", [ [["\""]] ] = '"', [ [["\\"]] ] = "\\", [ [["\/"]] ] = "/",
      [ [["\b\f\n\r\t"]] ] = "\b\f\n\r\t",
      [ [["\u0041"]] ] = "A", [ [["\u007f"]] ] = "\127", [ [["\u0080"]] ] = "\194\128", [ [["\u07ff"]] ] = "\223\191",
      [ [["\u0800"]] ] = "\224\160\128", [ [["\uffff"]] ] = "\239\191\191", [ [["\ud7ff"]] ] = "\237\159\191",
      [ [["\ue000"]] ] = "\238\128\128", [ [["\ud800\udc00"]] ] = "\240\144\128\128",
      [ [["\uDBFF\uDFFF"]] ] = "\244\143\191\191", [ [["\u0000"]] ] = "\0", [ [["a\u00e9b\nc"]] ] = "a\195\169b\nc",
      [ [["\u00aF"]] ] = "\194\175", [ [["\u00Af"]] ] = "\194\175", [ [["\u00F9"]] ] = "\195\185",
      ['"\127"'] = "\127", ['" "'] = " ", ['"\194\128"'] = "\194\128",
      ['"\240\144\128\128x"'] = "\240\144\128\128x", [ [["\\u0041"]] ] = "\\u0041",
      [ [["\ud83d\ude00\ud83d\ude00"]] ] = "😀😀",
    }
    local payloads, expected = {}, {}
    for string, text in pairs(rows) do
      payloads[#payloads + 1] = FORM:gsub("%%s", function() return string end)
      expected[#payloads] = text_delta(text)
    end
    assert.same(expected, read_all(payloads))
  end)

  it("is left to the decoder where its text is not plain and whole", function()
    local payloads = {}
    for _, string in ipairs {
      [["\x"]], [["\x0041"]], '"\\\0"', [["\u"]], [["\u004"]], [["\u004g"]], [["\u004G"]], [["\u00/0"]], [["\u00:0"]],
      [["\u00@0"]], [["\u00`0"]],
      [["\ud800"]], [["\udc00"]], [["\udfff"]], [["\ud800\u0041"]], [["\ud800\ue000"]], [["\ud800\ud800"]],
      [["\ud800x"]], [["\ud800\n"]], [["\ud800\udbff"]], [["\udbff\u"]], [["\ud800xudc00"]],
      [["\ud800\ndc00"]], [["\udc00\udc00"]], [["\udfff\udfff"]], '"\31"', '"\1"', '"a\tb"', '"\128"',
      '"\192\128"', '"\237\160\128"', '"\226\130"', '"\245\128\128\128"', '"\0"', [["\]], '"',
      "x", "1", "null", '"x', 'x"',
      '"x"x', '"x",', '"x"}', "", [["\"]], [["\\\"]],
    } do
      payloads[#payloads + 1] = FORM:gsub("%%s", function() return string end)
    end
    assert.same(payloads, read_all(payloads))
  end)

  it("is left to the decoder in any other form", function()
    local payloads = {
      '{"type":"content_block_stop","index":0}',
      '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","thinking":"x"}}',
      '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}',
      '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}} ',
      '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}}',
      '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}x}',
      '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"},"a":{}}',
      '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x","a":{}}}',
      '{"type":"content_block_delta ","index":0,"delta":{"type":"text_delta","text":"x"}}',
      '{"type":"content_block_ delta","index":0,"delta":{"type":"text_delta","text":"x"}}',
      '{"type":"content_block_delta","index":0,"delta":{"type":"text_ delta","text":"x"}}',
      '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text"',
      '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta"}}',
      '{"type":"content_block_delta","index":0',
      '{"type":"content_block_delta","index":',
      '{"type":"content_block_delta","index":0,"delta":{"type":"',
      "{", "}", '"}', '"}}', "{}",
    }
    assert.same(payloads, read_all(payloads))
  end)

  it("is left to the decoder where one byte of its form is another", function()
    local payload, payloads = FORM:format '"x"', {}
    for at = 1, #payload do
      local other = string.char(payload:byte(at) + 1)
      if not payload:sub(at, at):find "[0x]" then -- the index and the text may be others
        payloads[#payloads + 1] = payload:sub(1, at - 1) .. other .. payload:sub(at + 1)
      end
    end
    assert.same(payloads, read_all(payloads))
  end)

  it("is left to the decoder wherever it is cut off", function()
    local payload, payloads = FORM:format [["x\u00e9\ud83d\ude00\n"]], {}
    for length = 1, #payload - 1 do
      payloads[length] = payload:sub(1, length)
    end
    assert.same(payloads, read_all(payloads))
  end)
end)
