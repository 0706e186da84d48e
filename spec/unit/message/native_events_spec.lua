-- What is said of a message by the API's own events, wherever and however often a server says it.

local accumulator = require "anthropic.message.accumulator"
local json = require "anthropic.base.json"
local native_events = require "anthropic.message.native_events"

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

local function plain(value)
  if type(value) ~= "table" then
    return value
  end
  local copy = {}
  for name, member in pairs(value) do
    copy[name] = plain(member)
  end
  return copy
end

-- Events as a server sends them: encoded and decoded, so that nulls are absent.
local function received(event)
  return json.decode_event(assert(json.encode(event)))
end

-- All events that come of what was sent, and the reader.
local function read(...)
  local reader, all = native_events.reader(), {}
  for _, sent in ipairs { ... } do
    local list, problem = reader:feed(received(sent))
    assert.is_nil(problem)
    for _, event in ipairs(list) do
      all[#all + 1] = plain(event)
    end
  end
  return all, reader
end

local function types_of(events)
  local types = {}
  for i, event in ipairs(events) do
    types[i] = event.type or "-"
  end
  return table.concat(types, " ")
end

-- The message that the events make up.
local function message_of(...)
  local made = accumulator.new()
  for _, event in ipairs((read(...))) do
    assert.is_true(made:add(event))
  end
  return made:finish()
end

local function begin(fields, beside)
  local event = { type = "message_start", message = fields }
  for name, value in pairs(beside or {}) do
    event[name] = value
  end
  return event
end

local FULL = {
  id = "msg_1", type = "message", role = "assistant", model = "m", content = json.array {}, stop_reason = json.null,
  usage = { input_tokens = 11, output_tokens = 1 },
}
local START = begin(FULL)
local BLOCK = { type = "content_block_start", index = 0, content_block = { type = "text", text = "" } }
local TEXT = { type = "content_block_delta", index = 0, delta = { type = "text_delta", text = "a" } }
local BLOCK_END = { type = "content_block_stop", index = 0 }
local ENDING = { type = "message_delta", delta = { stop_reason = "end_turn" }, usage = { output_tokens = 5 } }
local STOP = { type = "message_stop" }

describe("events as the API sends them", function()
  it("stay as they are", function()
    local sent = { START, { type = "ping" }, BLOCK, TEXT, BLOCK_END, ENDING, STOP }
    local expected = {}
    for i, event in ipairs(sent) do
      expected[i] = plain(received(event))
    end
    assert.same(expected, (read(unpack(sent))))
  end)

  it("pass where they are of a later API, and are not understood", function()
    for _, event in ipairs {
      { type = "of_a_later_api", delta = { text = "a" }, message = { id = "x" } }, { type = "ping" },
      { later = 1 }, { type = "error", error = "x" }, { type = 5 }, { type = "message", id = "x" },
    } do
      local events, reader = read(event)
      assert.same({ plain(received(event)) }, events)
      assert.is_false(reader.has_begun)
    end
  end)

  it("are none where there is nothing in them", function()
    local events, reader = read(json.object {})
    assert.same({}, events)
    assert.is_false(reader.has_begun)
  end)
end)

describe("a message's start", function()
  it("comes before everything else", function()
    for _, case in ipairs {
      { BLOCK, "message_start content_block_start" },
      { TEXT, "message_start content_block_start content_block_delta" },
      { ENDING, "message_start message_delta" },
      { STOP, "message_start message_stop" },
    } do
      local events, reader = read(case[1])
      assert.equal(case[2], types_of(events))
      assert.same({ type = "message", role = "assistant", content = {}, usage = {} }, events[1].message)
      assert.is_true(reader.has_begun)
    end
    assert.equal("[]", json.encode(native_events.reader():feed(received(TEXT))[1].message.content))
  end)

  it("does not come of what says nothing", function()
    for _, event in ipairs {
      BLOCK_END, { type = "content_block_delta", index = 0, delta = {} }, { type = "content_block_start", index = 0 },
      { type = "content_block_delta", index = 0, delta = { type = "text_delta", text = "" } },
    } do
      local events, reader = read(event)
      assert.same({}, events)
      assert.is_false(reader.has_begun)
    end
  end)

  -- { what, the start, the message in it }
  for _, case in ipairs {
    { "nothing", { type = "message_start" }, { type = "message", role = "assistant", content = {}, usage = {} } },
    { "null", begin(json.null), { type = "message", role = "assistant", content = {}, usage = {} } },
    { "an empty message", begin {}, { type = "message", role = "assistant", content = {}, usage = {} } },
    { "empty words", begin { type = "", role = "", id = "x" },
      { type = "message", role = "assistant", id = "x", content = {}, usage = {} } },
    { "another type and role", begin { type = "a", role = "b" }, { type = "a", role = "b", content = {}, usage = {} } },
    { "words that are none", begin { type = 5, role = {} },
      { type = "message", role = "assistant", content = {}, usage = {} } },
    { "an empty stop reason", begin { stop_reason = "", stop_sequence = "" },
      { type = "message", role = "assistant", content = {}, usage = {} } },
    { "content null", begin { content = json.null },
      { type = "message", role = "assistant", content = {}, usage = {} } },
    { "usage beside the message", begin({ id = "x" }, { usage = { input_tokens = "7" } }),
      { type = "message", role = "assistant", id = "x", content = {}, usage = { input_tokens = 7 } } },
    { "usage in both", begin({ usage = { input_tokens = 5 } }, { usage = { input_tokens = 7, output_tokens = 2 } }),
      { type = "message", role = "assistant", content = {}, usage = { input_tokens = 5, output_tokens = 2 } } },
    { "usage that is a number", begin { usage = 5 },
      { type = "message", role = "assistant", content = {}, usage = {} } },
    { "its fields in the event", begin(nil, { id = "x", model = "m", usage = { input_tokens = 7 } }),
      { type = "message", role = "assistant", id = "x", model = "m", content = {}, usage = { input_tokens = 7 } } },
    { "unknown fields", begin { container = { id = "c" } },
      { type = "message", role = "assistant", container = { id = "c" }, content = {}, usage = {} } },
  } do
    it("is made whole: " .. case[1], function()
      local events, reader = read(case[2])
      assert.equal("message_start", types_of(events))
      assert.same(case[3], events[1].message)
      assert.is_nil(events[1].usage)
      assert.is_true(reader.has_begun)
    end)
  end

  it("keeps what stands beside the message", function()
    assert.equal(1, read(begin({ id = "x" }, { later = 1 }))[1].later)
  end)

  for _, case in ipairs {
    { "a list", { { type = "text", text = "a" }, { type = "hologram" } }, 2 },
    { "a block", { type = "text", text = "a" }, 1 },
    { "a text", "a", 1 },
  } do
    it("begins the blocks that are in it: " .. case[1], function()
      local events = read(begin { content = case[2] }, STOP)
      assert.equal("message_start" .. (" content_block_start"):rep(case[3]) .. (" content_block_stop"):rep(case[3])
        .. " message_stop", types_of(events))
      assert.same({}, events[1].message.content)
      assert.equal("a", events[2].content_block.text)
      assert.equal("ab", message_of(begin { content = case[2] },
        { type = "content_block_delta", index = 0, delta = { type = "text_delta", text = "b" } }):text())
    end)
  end

  describe("that is repeated", function()
    it("is dropped where it says the same", function()
      assert.equal("message_start", types_of((read(START, START))))
      assert.equal("message_start content_block_start content_block_delta content_block_delta",
        types_of((read(START, BLOCK, TEXT, START, TEXT))))
      assert.equal("aa", message_of(START, BLOCK, TEXT, START, TEXT):text())
    end)

    it("adds what it says more", function()
      local events = read(begin { id = "x", usage = { output_tokens = 0 } }, begin {
        id = "x", model = "m", type = "other", stop_reason = "", usage = { input_tokens = 7, output_tokens = 1 },
      }, begin { model = "n", usage = { input_tokens = 9 } })
      assert.same({
        type = "message_delta", delta = { model = "m" }, usage = { input_tokens = 7, output_tokens = 1 },
      }, events[2])
      assert.is_nil(events[3])
    end)

    it("adds usage alone, or a field alone", function()
      assert.same({ type = "message_delta", delta = {}, usage = { input_tokens = 7 } },
        read(begin { id = "x" }, begin { id = "x", usage = { input_tokens = 7 } })[2])
      assert.same({ type = "message_delta", delta = { model = "m" } },
        read(begin { id = "x" }, begin { model = "m" })[2])
    end)

    it("adds the content where none came before", function()
      assert.equal("a", message_of(begin { id = "x" }, begin { id = "x", content = { { text = "a" } } }):text())
      assert.equal("a", message_of(begin { id = "x" }, BLOCK, TEXT,
        begin { id = "x", content = { { text = "a" } } }):text())
    end)
  end)

  describe("whose content comes again at its end", function()
    local CALL = { type = "tool_use", id = "t", name = "f", input = json.object {} }
    local FILLED = { type = "tool_use", id = "t", name = "f", input = { a = 1 } }
    local OTHER = { type = "tool_use", id = "u", name = "f", input = { b = 2 } }
    local CALL_START = { type = "content_block_start", index = 1, content_block = CALL }
    local CALL_END = { type = "content_block_stop", index = 1 }

    local function inputs_of(...)
      local inputs = {}
      for i, use in ipairs(message_of(...):tool_uses()) do
        inputs[i] = use.id .. assert(json.encode(use.input))
      end
      return table.concat(inputs, " ")
    end

    it("takes from it what did not come before", function()
      for _, ending in ipairs {
        { type = "message_delta", content = { { text = "a" }, FILLED } },
        { type = "message_delta", delta = { content = { FILLED } } },
        { type = "message_stop", message = { content = { { text = "a" }, FILLED } } },
        begin { content = { { text = "a" }, FILLED } },
      } do
        assert.equal('t{"a":1}', inputs_of(START, BLOCK, TEXT, BLOCK_END, CALL_START, CALL_END, ending, STOP))
        assert.equal('t{"a":1}', inputs_of(START, BLOCK, TEXT, CALL_START, ending, STOP))
        assert.equal('t{"a":1}', inputs_of(START, BLOCK, TEXT, BLOCK_END, ending, STOP))
      end
      assert.equal('t{"a":1} u{"b":2}', inputs_of(START, BLOCK, CALL_START,
        { type = "message_delta", content = { OTHER, FILLED } }, STOP))
      assert.equal("a", message_of(START, BLOCK, BLOCK_END, { type = "message_delta", content = "a" }, STOP):text())
    end)

    it("takes nothing twice, and fills a call that came without an ID", function()
      local delta = { type = "input_json_delta", partial_json = "{}" }
      local input = { type = "content_block_delta", index = 1, delta = delta }
      local whole = message_of(START, BLOCK, TEXT, CALL_START, input, CALL_END,
        { type = "message_delta", content = { { text = "a" }, { text = "b" }, FILLED } }, STOP)
      assert.equal("ab", whole:text())
      assert.same({}, plain(whole:tool_uses()[1].input))
      assert.equal(3, #whole.content)
      local unnamed = { type = "content_block_start", index = 1, content_block = { type = "tool_use", name = "f" } }
      assert.equal('call_msg_1_1{"a":1}', inputs_of(START, BLOCK, unnamed, CALL_END,
        { type = "message_delta", content = { { text = "a" }, FILLED } }, STOP))
    end)
  end)

  describe("that comes late", function()
    it("says what it has to say in a message_delta", function()
      local events = read(BLOCK, TEXT, START, TEXT)
      assert.equal("message_start content_block_start content_block_delta message_delta content_block_delta",
        types_of(events))
      assert.same({
        type = "message_delta", delta = { id = "msg_1", model = "m" }, usage = { input_tokens = 11, output_tokens = 1 },
      }, events[4])
      local whole = message_of(BLOCK, TEXT, START, TEXT, ENDING, STOP)
      assert.equal("aa", whole:text())
      assert.equal("msg_1", whole.id)
      assert.equal("assistant", whole.role)
      assert.equal("message", whole.type)
      assert.same({ input_tokens = 11, output_tokens = 5 }, whole.usage)
    end)

    it("takes back nothing that the message's end has said", function()
      local whole = message_of(BLOCK, TEXT, ENDING, begin {
        id = "msg_1", model = "m", stop_reason = "max_tokens", usage = { input_tokens = 11, output_tokens = 1 },
      }, STOP)
      assert.equal("end_turn", whole.stop_reason)
      assert.same({ input_tokens = 11, output_tokens = 5 }, whole.usage)
    end)
  end)

  describe("of another message", function()
    local OTHER = begin { id = "msg_2", model = "n", usage = { input_tokens = 3 } }

    it("takes the place of one that had no blocks", function()
      local events = read(START, OTHER, OTHER, TEXT)
      assert.equal("message_start message_delta content_block_start content_block_delta", types_of(events))
      assert.same({ type = "message_delta", delta = { id = "msg_2", model = "n" }, usage = { input_tokens = 3 } },
        events[2])
      assert.equal("msg_2", message_of(START, OTHER, TEXT).id)
      assert.equal("call_msg_2_1", message_of(START, OTHER,
        { type = "content_block_start", index = 0, content_block = { type = "tool_use", name = "f" } },
        BLOCK_END).content[1].id)
    end)

    it("cannot be read after a block of the one before", function()
      local reader = native_events.reader()
      for _, event in ipairs { START, BLOCK, TEXT } do
        reader:feed(received(event))
      end
      local list, problem = reader:feed(received(OTHER))
      assert.is_nil(list)
      assert.equal("another message begins inside a message", problem)
    end)

    it("is the same where one of them has no ID", function()
      assert.equal("message_start content_block_start content_block_delta message_delta",
        types_of((read(begin { model = "m" }, BLOCK, TEXT, OTHER))))
      assert.equal("message_start content_block_start content_block_delta",
        types_of((read(START, BLOCK, TEXT, begin { id = "", model = "m" }))))
    end)
  end)
end)

describe("a message's delta", function()
  -- { what, the event, what comes of it }
  for _, case in ipairs {
    { "a stop reason beside its delta", { stop_reason = "end_turn" }, { stop_reason = "end_turn" } },
    { "an empty stop reason", { delta = { stop_reason = "", stop_sequence = "" } }, { delta = {} } },
    { "an empty stop reason beside it", { stop_reason = "", stop_sequence = "" }, {} },
    { "usage in its delta", { delta = { usage = { output_tokens = 5 } } },
      { delta = {}, usage = { output_tokens = 5 } } },
    { "usage in both", { delta = { usage = { output_tokens = 5 } }, usage = { output_tokens = 7, input_tokens = 1 } },
      { delta = {}, usage = { output_tokens = 5, input_tokens = 1 } } },
    { "usage that is a number", { delta = {}, usage = 5 }, { delta = {} } },
    { "usage that is an empty list", { delta = {}, usage = json.array {} }, { delta = {} } },
    { "counts that are digits", { usage = { output_tokens = "5" } }, { usage = { output_tokens = 5 } } },
    { "a type in its delta", { delta = { type = "message_delta", stop_reason = "end_turn" } },
      { delta = { stop_reason = "end_turn" } } },
    { "other fields", { delta = { later = 1 }, more = 2 }, { delta = { later = 1 }, more = 2 } },
    { "empty content", { content = json.array {}, delta = { content = json.array {} } }, { delta = {} } },
  } do
    it("is the API's: " .. case[1], function()
      local event = { type = "message_delta" }
      for name, value in pairs(case[2]) do
        event[name] = value
      end
      case[3].type = "message_delta"
      assert.same({ case[3] }, { select(2, unpack((read(event)))) })
    end)
  end

  it("has the reason in the API's words", function()
    local call = { type = "content_block_start", index = 0,
      content_block = { type = "tool_use", id = "t", name = "f", input = {} } }
    local server_call = { type = "content_block_start", index = 0,
      content_block = { type = "server_tool_use", id = "t", name = "f", input = {} } }
    -- the reason as it came; of a text; of a call
    for _, case in ipairs {
      { "stop", "end_turn", "tool_use" }, { "length", "max_tokens", "max_tokens" },
      { "tool_calls", "tool_use", "tool_use" }, { "end_turn", "end_turn", "end_turn" },
      { "later", "later", "later" }, { "pause_turn", "pause_turn", "pause_turn" },
    } do
      for _, ending in ipairs {
        { type = "message_delta", delta = { stop_reason = case[1] } },
        { type = "message_delta", stop_reason = case[1] },
        { type = "message_stop", stop_reason = case[1] },
        { type = "message_stop", message = { stop_reason = case[1] } },
      } do
        assert.equal(case[2], message_of(START, BLOCK, ending).stop_reason)
        assert.equal(case[2], message_of(START, server_call, ending).stop_reason)
        assert.equal(case[3], message_of(START, call, ending).stop_reason)
      end
      assert.equal(case[3], message_of({ type = "message", stop_reason = case[1],
        content = { { type = "tool_use", id = "t", name = "f" } } }).stop_reason)
      assert.equal(case[2], message_of({ type = "message", stop_reason = case[1], content = "a" }).stop_reason)
    end
  end)

  it("brings content where no block came before", function()
    for _, event in ipairs {
      { type = "message_delta", content = { { text = "a" } } }, { type = "message_delta", delta = { content = "a" } },
      { type = "message_delta", content = {}, delta = { content = { type = "text", text = "a" } } },
    } do
      local events = read(START, event, STOP)
      assert.equal("message_start content_block_start message_delta content_block_stop message_stop", types_of(events))
      assert.equal("a", message_of(START, event, STOP):text())
      assert.equal("a", message_of(START, TEXT, event, STOP):text())
    end
  end)

  it("brings what of its content had not come, however it is said", function()
    local function content_after(events, content)
      local shown = {}
      for i, event in ipairs {
        { type = "message_delta", content = content }, { type = "message_delta", delta = { content = content } },
        { type = "message_stop", message = { content = content } }, { type = "message_stop", content = content },
        { type = "message_start", message = { content = content } }, { type = "message", content = content },
      } do
        local all = json.copy(events)
        all[#all + 1] = json.copy(event)
        shown[i] = assert(json.encode(message_of(unpack(all)).content))
      end
      for i = 2, #shown do
        assert.equal(shown[1], shown[i])
      end
      return shown[1]
    end
    local function block(index, content, delta)
      return { type = "content_block_start", index = index, content_block = content },
        { type = "content_block_delta", index = index, delta = delta },
        { type = "content_block_stop", index = index }
    end
    local text, call = { type = "text", text = "a" }, { type = "tool_use", id = "t", name = "f", input = { q = 1 } }
    local come = { START, block(0, { type = "text", text = "" }, { type = "text_delta", text = "a" }) }
    local A, CALL = '{"text":"a","type":"text"}', '{"id":"t","input":{"q":1},"name":"f","type":"tool_use"}'
    assert.equal("[" .. A .. "]", content_after(come, { text }))
    assert.equal("[" .. A .. "," .. CALL .. "]", content_after(come, { text, call }))
    assert.equal("[" .. A .. "," .. CALL .. "]", content_after(come, { call }))
    assert.equal("[" .. A .. "," .. A .. "]", content_after(come, { text, text }))
    assert.equal("[" .. A .. ',{"type":"hologram"}]', content_after(come, { { type = "hologram" }, text }))
    local called = { START, block(0, { type = "tool_use", id = "t", name = "f", input = {} }, {}) }
    assert.equal("[" .. CALL .. "]", content_after(called, { call }))
    local thought = { START,
      block(0, { type = "thinking", thinking = "" }, { type = "thinking_delta", thinking = "h" }) }
    assert.equal('[{"signature":"s","thinking":"h","type":"thinking"}]',
      content_after(thought, { { type = "thinking", thinking = "h", signature = "s" } }))
  end)

  it("repeats a text that came as one block, and is said in two", function()
    local come = { type = "content_block_delta", index = 0, delta = { type = "text_delta", text = "ab" } }
    local said = { type = "message_stop", content = { { type = "text", text = "a" }, { type = "text", text = "b" } } }
    assert.equal("ab", message_of(START, come, said):text())
  end)

  it("that is a block's goes into the block", function()
    for _, delta in ipairs { { type = "text_delta", text = "a" }, { type = "text", text = "a" } } do
      local whole = message_of(START, { type = "message_delta", index = 0, delta = delta }, ENDING, STOP)
      assert.same({ { type = "text", text = "a" } }, plain(whole.content))
      assert.equal("message", whole.type)
    end
  end)
end)

describe("a message's end", function()
  it("ends the blocks that are open", function()
    assert.equal("message_start content_block_start content_block_stop message_stop",
      types_of((read(START, BLOCK, STOP))))
    assert.equal("message_start content_block_start content_block_stop message_stop",
      types_of((read(START, BLOCK, BLOCK_END, STOP))))
  end)

  it("says what it brings in a message_delta before it", function()
    for _, stop in ipairs {
      { type = "message_stop", stop_reason = "end_turn", stop_sequence = "", usage = { output_tokens = 5 } },
      { type = "message_stop", usage = { output_tokens = 3 },
        message = { stop_reason = "end_turn", usage = { output_tokens = 5 } } },
    } do
      local events = read(START, BLOCK, stop)
      assert.equal("message_start content_block_start content_block_stop message_delta message_stop", types_of(events))
      assert.same({ type = "message_delta", delta = { stop_reason = "end_turn" }, usage = { output_tokens = 5 } },
        events[4])
    end
  end)

  it("keeps what stands in it", function()
    assert.equal(1, read(START, { type = "message_stop", later = 1 })[2].later)
  end)

  it("brings the content where no block came before", function()
    local stop = { type = "message_stop", message = { content = { { text = "a" } } } }
    assert.equal("a", message_of(START, stop):text())
    assert.equal("a", message_of(START, TEXT, stop):text())
  end)
end)

describe("a whole message among events", function()
  local WHOLE = {
    id = "msg_1", type = "message", role = "assistant", model = "m", stop_reason = "end_turn",
    content = { { type = "text", text = "a" } }, usage = { input_tokens = 1, output_tokens = 2 },
  }

  it("is all of them", function()
    assert.equal("message_start content_block_start content_block_stop message_delta message_stop",
      types_of((read(WHOLE))))
    local whole = message_of(WHOLE)
    assert.same(plain(WHOLE), plain(whole))
  end)

  it("adds what they did not say", function()
    local whole = message_of(START, BLOCK, TEXT, WHOLE)
    assert.equal("a", whole:text())
    assert.equal("end_turn", whole.stop_reason)
    assert.equal(11, whole.usage.input_tokens)
  end)

  it("may have no content, but then has a reason", function()
    assert.equal("refusal", message_of({ type = "message", role = "assistant", stop_reason = "refusal" }).stop_reason)
    assert.equal("message", types_of((read { type = "message", role = "assistant" })))
  end)
end)

describe("usage in an event of a block", function()
  it("is the message's", function()
    for _, event in ipairs { BLOCK, TEXT, BLOCK_END } do
      local sent = plain(event)
      sent.usage = { output_tokens = "5" }
      local events = read(START, BLOCK, sent)
      assert.same({ type = "message_delta", delta = {}, usage = { output_tokens = 5 } }, events[#events])
      sent.usage = 5
      events = read(START, BLOCK, sent)
      assert.are_not.equal("message_delta", events[#events].type)
    end
  end)
end)

describe("an event without a type", function()
  for _, case in ipairs {
    { "message_start", { message = { id = "x" } } },
    { "content_block_start", { index = 0, content_block = { type = "text", text = "a" } } },
    { "content_block_delta", { index = 0, delta = { type = "text_delta", text = "a" } } },
    { "content_block_delta", { index = 0, delta = { text = "a" } } },
    { "content_block_delta", { delta = { text = "a" } } },
    { "content_block_delta", { delta = { text = "a", stop_reason = "x" } } },
    { "content_block_delta", { delta = { text = "a" }, usage = { output_tokens = 1 } } },
    { "content_block_delta", { delta = "a" } },
    { "content_block_delta", { index = 0, delta = { type = "new_delta" } } },
    { "message_delta", { delta = { stop_reason = "end_turn" } } },
    { "message_delta", { delta = { stop_reason = "end_turn" }, usage = { output_tokens = 1 } } },
    { "message_delta", { stop_reason = "end_turn" } },
    { "message_delta", { usage = { output_tokens = 1 } } },
    { "message_delta", { delta = { later = 1 }, usage = { output_tokens = 1 } } },
  } do
    it(("is a %s: %s"):format(case[1], json.encode(case[2])), function()
      local found = false
      for _, event in ipairs((read(case[2]))) do
        found = found or event.type == case[1]
      end
      assert.is_true(found)
      assert.equal("message_start", read(case[2])[1].type)
    end)
  end

  it("passes without one where nothing tells it", function()
    for _, event in ipairs { { message = "x" }, { index = 0, usage = { a = 1 } }, { delta = 5 }, { text = "a" } } do
      assert.same({ event }, (read(event)))
    end
  end)
end)

describe("an event that cannot be read", function()
  for _, case in ipairs {
    { begin "x", "message_start: the message is a string" },
    { begin(5), "message_start: the message is a number" },
    { begin { { role = "assistant" } }, "message_start: the message is a list" },
    { { type = "message_delta", delta = { "end_turn" } }, "message_delta: the delta is a list" },
    { begin { content = 5 }, "message_start: the content is not a list of blocks" },
    { begin { content = { { type = "text" }, 5 } }, "message_start: the content is not a list of blocks" },
    { { type = "message_delta", delta = "x" }, "message_delta: the delta is a string" },
    { { type = "message_delta", delta = false }, "message_delta: the delta is a boolean" },
    { { type = "message_delta", content = 5 }, "message_delta: the content is not a list of blocks" },
    { { type = "message_stop", content = true }, "message_stop: the content is not a list of blocks" },
    { { type = "message", content = 5 }, "message_start: the content is not a list of blocks" },
    { { type = "content_block_start", content_block = 5 }, "content_block_start: the block is a number" },
    { { type = "content_block_delta", delta = 5 }, "content_block_delta: the delta is a number" },
    { { type = "message_delta", delta = { type = "text_delta", text = true } }, "text_delta: text is a boolean" },
  } do
    it("says why: " .. case[2], function()
      local reader = native_events.reader()
      local list, problem = reader:feed(received(case[1]))
      assert.is_nil(list)
      assert.equal(case[2], problem)
    end)
  end
end)

describe("a reader", function()
  it("is plain while each block has the index that the server gave it", function()
    local _, reader = read(START, BLOCK, TEXT)
    assert.is_true(reader:is_plain())
    reader:feed { type = "content_block_delta", index = 0, delta = { thinking = "a" } }
    assert.is_false(reader:is_plain())
  end)

  it("shares nothing with another", function()
    read(START, BLOCK, TEXT)
    assert.equal("message_start", types_of((read(START))))
  end)
end)
