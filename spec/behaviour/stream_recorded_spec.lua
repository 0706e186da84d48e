local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"
local extent = require "spec.support.extent"
local sent = require "spec.support.sent"
local streams = require "spec.support.streams"

local function normal(text)
  return json.encode(assert(json.decode(text)))
end

-- What comes of each recorded stream: the message (all its fields, and the content that is sent), the
-- pieces of text, what is sent of the message to the byte, and the types of events.
local RECORDED = {
  text = {
    message = [[{"id":"msg_01Text","type":"message","role":"assistant","model":"claude-sonnet-4-5-20250929",
      "content":[{"type":"text","text":"Hello,\n\"world\" \\ café!"}],"stop_reason":"end_turn",
      "usage":{"input_tokens":25,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,
        "cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},
        "output_tokens":15,"service_tier":"standard"}}]],
    pieces = { "Hello", ',\n"world" \\ café!' },
    events = "message_start content_block_start ping content_block_delta content_block_delta content_block_delta "
      .. "content_block_stop message_delta message_stop",
  },
  thinking = {
    message = [[{"id":"msg_01Think","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[
      {"type":"thinking","thinking":"用户用中文提问,我也用中文。",
        "signature":"EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pk/+A=="},
      {"type":"text","text":"你好 😀👩‍👩‍👧 𠮷野家"}],"stop_reason":"end_turn",
      "usage":{"input_tokens":43,"output_tokens":40,"output_tokens_details":{"thinking_tokens":21}}}]],
    pieces = { "你", "好 😀", "👩‍👩‍👧 𠮷野家" },
    thinking = "用户用中文提问,我也用中文。",
  },
  redacted_thinking = {
    message = [[{"id":"msg_01Redacted","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[
      {"type":"redacted_thinking","data":"EmwKAhgBEgy3va3pzix/LafPsn4aDFIT2Xlxh0L5L8rLVyIwxtE3rAFBa8cr3qpPkNRj2YfWXG]]
      .. [[mKDxH4mPnZ5sQ7vB9URj2pLmN3kF8/dW5hR7xJ0aP1oLs9yTcMnKVf2wRpEGH9XZaBq4gvPoTtdDDt4tEq"},
      {"type":"text","text":"Done.","citations":null}],"stop_reason":"stop_sequence","stop_sequence":"\n\nEND",
      "usage":{"input_tokens":10,"output_tokens":9}}]],
    pieces = { "Done." },
  },
  tool_use = {
    message = [[{"id":"msg_01Tools","type":"message","role":"assistant","model":"claude-sonnet-4-5",
      "stop_reason":"tool_use","usage":{"input_tokens":472,"output_tokens":89}}]],
    pieces = { "Let me check." },
    sent = [==[{"content":[{"text":"Let me check.","type":"text"},{"id":"toolu_01A","input":]==]
      .. [==[{"location": "San \"Francisco\", 北京 \ud83d\ude00", "days":[ ],"at": 1.50, "unit":null ,]==]
      .. [==[ "id":9007199254740993},"name":"get_weather","type":"tool_use"},]==]
      .. [==[{"id":"toolu_01B","input":{},"name":"get_time","type":"tool_use"}],"role":"assistant"}]==],
  },
  interleaved = {
    message = [[{"id":"msg_01Inter","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[
      {"type":"text","text":"ABC"},{"type":"tool_use","id":"toolu_01I","name":"f","input":{"b":[1,{}]}}],
      "stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":7}}]],
    pieces = { "A", "B", "C" },
  },
  citations = {
    message = [[{"id":"msg_01Cite","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[
      {"type":"text","text":"the grass is green","citations":[
        {"type":"char_location","cited_text":"The grass is green.","document_index":0,"document_title":"Facts",
          "start_char_index":0,"end_char_index":20,"file_id":null},
        {"type":"page_location","cited_text":"Page two.","document_index":1,"document_title":null,
          "start_page_number":2,"end_page_number":3,"file_id":null}]}],
      "stop_reason":"end_turn","usage":{"input_tokens":610,"output_tokens":45}}]],
    pieces = { "the grass is green" },
  },
  web_search = {
    message = [[{"id":"msg_01Web","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[
      {"type":"server_tool_use","id":"srvtoolu_01W","name":"web_search","input":{"query":"weather NYC today"}},
      {"type":"web_search_tool_result","tool_use_id":"srvtoolu_01W","content":[{"type":"web_search_result",
        "title":"Weather","url":"https://example.com/nyc","encrypted_content":"Ev0DCioIAxgCIiQ3NmU4ZmI4OC1k",
        "page_age":null}]},
      {"type":"web_search_tool_result","tool_use_id":"srvtoolu_02W","content":[]},
      {"type":"text","text":"Sunny."}],"stop_reason":"pause_turn",
      "container":{"id":"container_01","expires_at":"2026-01-01T00:00:00Z"},
      "usage":{"input_tokens":10682,"cache_creation_input_tokens":12,"cache_read_input_tokens":7,"output_tokens":510,
        "server_tool_use":{"web_search_requests":1,"web_fetch_requests":0}}}]],
    pieces = { "Sunny." },
    sent = [==[{"content":[{"id":"srvtoolu_01W","input":{"query": "weather NYC today"},"name":"web_search",]==]
      .. [==["type":"server_tool_use"},{"content":[{"encrypted_content":"Ev0DCioIAxgCIiQ3NmU4ZmI4OC1k",]==]
      .. [==["page_age":null,"title":"Weather","type":"web_search_result","url":"https://example.com/nyc"}],]==]
      .. [==["tool_use_id":"srvtoolu_01W","type":"web_search_tool_result"},{"content":[],]==]
      .. [==["tool_use_id":"srvtoolu_02W","type":"web_search_tool_result"},]==]
      .. [==[{"text":"Sunny.","type":"text"}],"role":"assistant"}]==],
  },
  compaction = {
    message = [[{"id":"msg_01Compact","type":"message","role":"assistant","model":"claude-opus-4-6","content":[
      {"type":"compaction","content":"Summary of the conversation so far.","encrypted_content":null}],
      "stop_reason":"compaction","context_management":{"applied_edits":[]},"usage":{"input_tokens":0,
      "output_tokens":0,"iterations":[{"type":"compaction","input_tokens":55000,"output_tokens":250}]}}]],
    pieces = {},
  },
  refusal = {
    message = [[{"id":"msg_01Refuse","type":"message","role":"assistant","model":"claude-opus-4-6","content":[
      {"type":"text","text":"I can't"}],"stop_reason":"refusal",
      "stop_details":{"type":"refusal","category":"cyber","explanation":null},
      "usage":{"input_tokens":30,"output_tokens":4}}]],
    pieces = { "I can't" },
  },
  max_tokens = {
    message = [[{"id":"msg_01Cut","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[
      {"type":"tool_use","id":"toolu_01C","name":"make_file","input":{}}],
      "stop_reason":"max_tokens","usage":{"input_tokens":450,"output_tokens":124}}]],
    pieces = {},
  },
  fallback = {
    message = [[{"id":"msg_01Fall","type":"message","role":"assistant","model":"claude-opus-4-8","content":[
      {"type":"fallback","from":{"model":"claude-fable-5"},"to":{"model":"claude-opus-4-8"},
        "trigger":{"type":"refusal","category":null}},
      {"type":"text","text":"Instead"}],"stop_reason":"end_turn",
      "usage":{"input_tokens":12,"output_tokens":20,"iterations":[
        {"type":"message","input_tokens":12,"output_tokens":1},
        {"type":"fallback_message","model":"claude-opus-4-8","input_tokens":12,"output_tokens":19}]}}]],
    pieces = { "Instead" },
  },
  unknown = {
    message = [[{"id":"msg_01New","type":"message","role":"assistant","model":"claude-next","mood":"fine","content":[
      {"type":"hologram","shape":"cube","layers":[],"label":null,"image":"abcdef","depth":4},
      {"type":"text","text":"Hi"}],"stop_reason":"new_reason","weather":{"sky":"blue"},
      "unknown_deltas":[{"index":1,"delta":{"type":"tone_delta","tone":"warm"}}],
      "usage":{"input_tokens":5,"output_tokens":15}}]],
    pieces = { "Hi" },
    events = "message_start weather_report content_block_start content_block_delta content_block_delta "
      .. "content_block_stop content_block_start content_block_delta content_block_delta content_block_stop "
      .. "message_delta message_stop",
  },
  deltas = {
    message = [[{"id":"msg_01Merge","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[
      {"type":"text","text":"x"}],"stop_reason":"end_turn",
      "stop_details":{"type":"refusal","category":null,"explanation":"no"},
      "container":{"id":"container_1","expires_at":"2026-01-01T00:00:00Z"},
      "usage":{"input_tokens":50,"cache_creation_input_tokens":100,"cache_read_input_tokens":250,
        "cache_creation":{"ephemeral_5m_input_tokens":60,"ephemeral_1h_input_tokens":40},"output_tokens":8,
        "service_tier":"priority","server_tool_use":{"web_search_requests":2}}}]],
    pieces = { "x" },
  },
  chat_text = {
    message = [[{"id":"chatcmpl-1","type":"message","role":"assistant","model":"claude-sonnet-4",
      "content":[{"type":"text","text":"你好 😀!"}],"stop_reason":"end_turn",
      "usage":{"input_tokens":5,"cache_read_input_tokens":4,"output_tokens":12,
        "output_tokens_details":{"thinking_tokens":3}}}]],
    pieces = { "你好", " 😀!" },
    events = "message_start content_block_start content_block_delta content_block_delta content_block_stop "
      .. "message_delta message_stop",
  },
  chat_reasoning = {
    message = [[{"id":"chatcmpl-2","type":"message","role":"assistant","model":"m",
      "content":[{"type":"thinking","thinking":"让我想想"},{"type":"text","text":"答案。"}],"stop_reason":"max_tokens",
      "usage":{"input_tokens":5,"output_tokens":6}}]],
    pieces = { "答案", "。" },
    thinking = "让我想想",
  },
  chat_tools = {
    message = [[{"id":"chatcmpl-3","type":"message","role":"assistant","model":"m","content":[
      {"type":"text","text":"Two calls."},
      {"type":"tool_use","id":"call_a","name":"get_weather","input":{"city":"北京"}},
      {"type":"tool_use","id":"call_b","name":"get_time","input":{"zone":"UTC"}},
      {"type":"tool_use","id":"call_c","name":"now","input":{}}],
      "stop_reason":"tool_use","usage":{"input_tokens":50,"output_tokens":30}}]],
    pieces = { "Two calls." },
    sent = [==[{"content":[{"text":"Two calls.","type":"text"},]==]
      .. [==[{"id":"call_a","input":{"city": "北京"},"name":"get_weather","type":"tool_use"},]==]
      .. [==[{"id":"call_b","input":{"zone":"UTC"},"name":"get_time","type":"tool_use"},]==]
      .. [==[{"id":"call_c","input":{},"name":"now","type":"tool_use"}],"role":"assistant"}]==],
  },
  chat_choices = {
    message = [[{"id":"chatcmpl-4","type":"message","role":"assistant","model":"m",
      "content":[{"type":"text","text":"one two"}],"stop_reason":"end_turn",
      "usage":{"input_tokens":4,"output_tokens":8}}]],
    pieces = { "one", " two" },
  },
  chat_refusal = {
    message = [[{"id":"chatcmpl-5","type":"message","role":"assistant","model":"m",
      "content":[{"type":"text","text":"I can't help."}],"stop_reason":"refusal","usage":{}}]],
    pieces = { "I can't ", "help." },
  },
  chat_bare = {
    message = [[{"type":"message","role":"assistant","content":[{"type":"text","text":"abc"},
      {"type":"tool_use","id":"x","name":"f","input":{"a":1}},{"type":"tool_use","id":"y","name":"g","input":{}}],
      "stop_reason":"tool_use","usage":{}}]],
    pieces = { "a", "bc" },
  },
}

local function content_of(expected)
  return json.encode(json.decode(expected.sent or expected.message).content)
end

local function fields_of(text)
  local fields = json.decode(text)
  fields.content, fields.raw, fields.choices = nil, nil, nil
  return json.encode(fields)
end

local names = {}
for name in pairs(RECORDED) do
  names[#names + 1] = name
end
table.sort(names)

for _, name in ipairs(names) do
  local expected = RECORDED[name]
  describe("the recorded stream " .. name, function()
    local bytes = streams.read(name)

    it("becomes its message", function()
      local message = assert(streams.open(bytes):message())
      assert.equal(fields_of(expected.message), fields_of(streams.whole(message)))
      assert.equal(content_of(expected), normal(json.encode(json.decode(sent(message)).content)))
      assert.equal(expected.sent or sent(message), sent(message))
      assert.equal(table.concat(expected.pieces), message:text())
      assert.equal(expected.thinking or "", message:thinking())
    end)

    it("becomes a message that is sent the same after it was stored", function()
      local message = assert(streams.open(bytes):message())
      local stored = json.decode(json.encode(message))
      assert.equal(sent(message), sent(stored))
    end)

    it("gives its text in pieces", function()
      local pieces = {}
      for text in streams.open(bytes):text_deltas() do
        pieces[#pieces + 1] = text
      end
      assert.same(expected.pieces, pieces)
    end)

    it("gives every event", function()
      local types = {}
      for event in streams.open(bytes) do
        types[#types + 1] = event.type
      end
      assert.equal(expected.events or table.concat(types, " "), table.concat(types, " "))
      assert.equal("message_start", types[1])
      assert.equal("message_stop", types[#types])
    end)

    it("is the same in single bytes and cut at every byte", function()
      local whole = streams.digest(streams.open(bytes))
      local unpack = table.unpack or unpack -- luacheck: ignore
      assert.equal(whole, streams.digest(streams.open(unpack(streams.bytes_of(bytes)))))
      for position = 1, #bytes - 1, extent(1, 7) do
        local cut = streams.digest(streams.open(bytes:sub(1, position), bytes:sub(position + 1)))
        if cut ~= whole then
          assert.equal(whole, cut, "cut after byte " .. position)
        end
      end
    end)

    it("is truncated without its last byte, and keeps what came", function()
      local opened = streams.open((bytes:gsub("\n$", "")))
      local message, err = opened:message()
      assert.is_nil(message)
      assert.equal("truncated", err.kind)
      assert.equal(table.concat(expected.pieces), err.partial:text())
      assert.is_true(opened.exchange.failed)
    end)

    it("has at every event a snapshot of what came so far", function()
      local opened = streams.open(bytes)
      local before = {}
      for event in opened do
        local snapshot = opened:snapshot()
        before[#before + 1] = { snapshot, streams.whole(snapshot) }
        if event.type == "message_stop" and not event.choice then
          assert.equal(json.encode(opened:message().content), json.encode(snapshot.content))
        end
      end
      for _, pair in ipairs(before) do -- later events left them alone
        assert.equal(pair[2], streams.whole(pair[1]))
      end
    end)

    it("leaves its events as they came", function()
      local opened = streams.open(bytes)
      local before = {}
      for event in opened do
        before[#before + 1] = { event, json.encode(event) }
      end
      opened:message()
      for _, pair in ipairs(before) do
        assert.equal(pair[2], json.encode(pair[1]))
      end
    end)
  end)
end

describe("recorded streams", function()
  it("keep a tool's input that was cut, and send an empty one", function()
    local message = streams.open(streams.read "max_tokens"):message()
    local block = message:tool_uses()[1]
    assert.is_nil(block.input)
    assert.equal('{"filename": "poem.txt", "lines_of_text": ["# TITLE", "Filing taxes', block.input_json)
    assert.truthy(block.input_error:find("end of the text", 1, true))
    assert.equal('{"content":[{"id":"toolu_01C","input":{},"name":"make_file","type":"tool_use"}],"role":"assistant"}',
      sent(message))
    assert.equal(block.input_json, json.decode(json.encode(message)).content[1].input_json)
  end)

  it("give a tool's input as a table, nulls included", function()
    local input = streams.open(streams.read "tool_use"):message():tool_uses()[1].input
    assert.equal('San "Francisco", 北京 😀', input.location)
    assert.equal(1.5, input.at)
    assert.equal(json.null, input.unit)
    assert.equal("[]", json.encode(input.days))
  end)

  it("tell the calls of a server from those to answer", function()
    local message = streams.open(streams.read "web_search"):message()
    assert.same({}, message:tool_uses())
    assert.equal("weather NYC today", message.content[1].input.query)
  end)

  it("give the events of further choices with their number, and a message for each", function()
    local opened = streams.open(streams.read "chat_choices")
    local texts = { [0] = "", "" }
    for event in opened do
      assert.is_table(event.raw)
      if event.type == "content_block_delta" then
        local choice = event.choice or 0
        texts[choice] = texts[choice] .. event.delta.text
      end
    end
    assert.same({ [0] = "one two", "uno dos" }, texts)
    local message = opened:message()
    assert.equal(2, #message.choices)
    assert.equal("one two", message.choices[1]:text())
    assert.equal("uno dos", message.choices[2]:text())
    assert.equal("max_tokens", message.choices[2].stop_reason)
    assert.equal(opened.response, message.choices[2].response)
    assert.equal('{"content":[{"text":"one two","type":"text"}],"id":"chatcmpl-4","model":"m","role":"assistant",'
      .. '"stop_reason":"end_turn","type":"message","usage":{"input_tokens":4,"output_tokens":8}}',
      json.encode(message))
  end)
end)

describe("a stream with a wrong value in any place", function()
  local WRONG = extent({ 5, "x", true, json.null, json.array {}, json.object {}, json.array { 5 } },
    { 5, json.array { 5 } })

  -- Visits the table once for each wrong value in the place of each of its own.
  local function each_variant(value, visit)
    for name, member in pairs(value) do
      for _, wrong in ipairs(WRONG) do
        value[name] = wrong
        visit()
      end
      value[name] = member
      if type(member) == "table" then
        each_variant(member, visit)
      end
    end
  end

  -- All that can be asked of a stream; gives what it raised.
  local function use(opened)
    return select(2, pcall(function()
      for _ in opened:text_deltas() do
        opened:snapshot():tool_uses()
      end
      local message = opened:message()
      message:text()
      message:thinking()
      json.encode(message)
    end))
  end

  for _, name in ipairs { "thinking", "tool_use", "citations", "fallback", "deltas", "chat_text", "chat_tools" } do
    it("fails with an error of this library or not at all: " .. name, function()
      local payloads = {}
      for data in streams.read(name):gmatch "data: ([^\n]*)\n" do
        payloads[#payloads + 1] = data
      end
      for i, data in ipairs(payloads) do
        local event = json.decode(data) -- nil for [DONE]
        each_variant(event or {}, function()
          payloads[i] = assert(json.encode(event))
          local err = use(streams.open(streams.of(payloads)))
          if err ~= nil and not errors.is(err) then
            error(payloads[i] .. "\n" .. tostring(err))
          end
        end)
        payloads[i] = data
      end
    end)
  end
end)
