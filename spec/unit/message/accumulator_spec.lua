-- How the events of a stream become a message, one after the other.

local accumulator = require "anthropic.message.accumulator"
local budgets = require "anthropic.message.budget"
local core = require "anthropic.core"
local json = require "anthropic.base.json"

local function begin(fields)
  local message = { id = "msg_1", type = "message", role = "assistant", model = "m", content = {}, usage = {} }
  for name, value in pairs(fields or {}) do
    message[name] = value
  end
  return { type = "message_start", message = message }
end

local function start(block, index)
  return { type = "content_block_start", index = index or 0, content_block = block }
end

local function delta(kind, fields, index)
  fields.type = kind
  return { type = "content_block_delta", index = index or 0, delta = fields }
end

local function text(piece, index)
  return delta("text_delta", { text = piece }, index)
end

local function thinking(piece, index)
  return delta("thinking_delta", { thinking = piece }, index)
end

local function input(piece, index)
  return delta("input_json_delta", { partial_json = piece }, index)
end

local function citation(what, index)
  return delta("citations_delta", { citation = what }, index)
end

local function stop(index)
  return { type = "content_block_stop", index = index or 0 }
end

-- An accumulator that has taken in the events, none of them malformed.
local function accumulated(...)
  local made = accumulator.new()
  for _, event in ipairs { ... } do
    assert.is_true(made:add(event))
  end
  return made
end

local function finished(...)
  return accumulated(...):finish()
end

-- Blocks as plain tables, without what marks them.
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

describe("a malformed event", function()
  for _, case in ipairs {
    { "a start without a message", { type = "message_start" } },
    { "a start whose message is a string", { type = "message_start", message = "x" } },
    { "a start whose usage is a number", begin { usage = 5 } },
    { "a start with a block that is a string", begin { content = { "x" } } },
    { "a start with a second block that is a number", begin { content = { { type = "text" }, 5 } } },
    { "a block's start without a block", { type = "content_block_start", index = 0 } },
    { "a block's start whose block is a string", start "x" },
    { "a block's start without an index", { type = "content_block_start", content_block = { type = "text" } } },
    { "a block's start whose index is a string", start({ type = "text" }, "0") },
    { "a delta event without a delta", { type = "content_block_delta", index = 0 } },
    { "a delta that is a string", { type = "content_block_delta", index = 0, delta = "text_delta" } },
    { "a delta without a type", { type = "content_block_delta", index = 0, delta = { text = "a" } } },
    { "a delta whose type is a number", { type = "content_block_delta", index = 0, delta = { type = 1 } } },
    { "a delta without an index", { type = "content_block_delta", delta = { type = "text_delta", text = "a" } } },
    { "a delta whose index is a string", text("a", "0") },
    { "a text delta without text", delta("text_delta", {}) },
    { "a text delta whose text is a table", text {} },
    { "a thinking delta without thinking", delta("thinking_delta", { text = "a" }) },
    { "a thinking delta whose thinking is a number", thinking(5) },
    { "a signature delta without a signature", delta("signature_delta", {}) },
    { "a signature delta whose signature is a boolean", delta("signature_delta", { signature = true }) },
    { "an input delta without its text", delta("input_json_delta", {}) },
    { "an input delta whose text is a table", input {} },
    { "a message's delta that is a string", { type = "message_delta", delta = "x" } },
    { "a message's usage that is a number", { type = "message_delta", usage = 5 } },
    { "a message's delta that is false", { type = "message_delta", delta = false } },
  } do
    it("is " .. case[1], function()
      assert.is_false(accumulator.new():add(case[2]))
    end)
  end

  it("leaves what came before as it was", function()
    local made = accumulated(begin(), start { type = "text", text = "" }, text "a",
      start({ type = "tool_use", input = {} }, 1), input('{"a":', 1))
    for _, event in ipairs {
      begin { content = { 5 } }, start "x", delta("text_delta", {}), input({}, 1),
      { type = "message_delta", usage = 1 },
    } do
      assert.is_false(made:add(event))
    end
    assert.is_true(made:add(input("1}", 1)))
    local whole = made:finish()
    assert.equal("msg_1", whole.id)
    assert.equal("a", whole:text())
    assert.same({ a = 1 }, whole.content[2].input)
    assert.equal(2, #whole.content)
  end)
end)

describe("an event that does not concern the message", function()
  for _, event in ipairs {
    { type = "ping" }, { type = "error", error = {} }, { type = "message_stop" },
    { type = "of_a_later_api", index = 0 }, {},
  } do
    it(("is passed over: %s"):format(tostring(event.type)), function()
      local made = accumulator.new()
      assert.is_true(made:add(event))
      assert.is_true(made:is_empty())
      assert.is_nil(made:last())
      assert.same({ content = {} }, plain(made:finish()))
    end)
  end

  it("is the end of a block that was never begun", function()
    local made = accumulated(begin(), stop(0), stop(1), { type = "content_block_stop" })
    assert.same({}, plain(made:finish().content))
  end)
end)

describe("an accumulator without events", function()
  it("is empty and has a message without content", function()
    local made = accumulator.new()
    assert.is_true(made:is_empty())
    assert.is_nil(made:last())
    assert.equal("", made:snapshot():text())
    assert.equal('{"content":[]}', json.encode(made:snapshot()))
    assert.equal('{"content":[]}', json.encode(made:finish()))
  end)

  it("is empty no more after the start of a message or of a block", function()
    assert.is_false(accumulated(begin()):is_empty())
    assert.is_false(accumulated(start { type = "text" }):is_empty())
    assert.is_false(accumulated(text "a"):is_empty())
  end)

  it("shares nothing with another", function()
    accumulated(begin(), text "a", { type = "message_delta", delta = { stop_reason = "end_turn" } })
    assert.same({ content = {} }, plain(accumulator.new():finish()))
  end)
end)

describe("a message's start", function()
  it("gives the message its fields, unknown ones too", function()
    local whole = finished(begin { usage = { input_tokens = 1 }, container = { id = "c" }, new = { 1 } })
    assert.same({
      id = "msg_1", type = "message", role = "assistant", model = "m", content = {}, usage = { input_tokens = 1 },
      container = { id = "c" }, new = { 1 },
    }, plain(whole))
  end)

  it("may have no usage and no content, or content that is none", function()
    assert.same({ role = "assistant", content = {} },
      plain(finished { type = "message_start", message = { role = "assistant" } }))
    assert.equal("[]", json.encode(finished(begin { content = "x" }).content))
  end)

  it("may bring blocks, which go on by their place", function()
    local whole = finished(begin { content = { { type = "text", text = "a" }, { type = "text", text = "b" } } },
      text("c", 0), text("d", 1), text("e", 2))
    assert.same({ "ac", "bd", "e" }, { whole.content[1].text, whole.content[2].text, whole.content[3].text })
  end)

  it("begins anew where there was one", function()
    local whole = finished(begin { id = "old", extra = 1 }, text "a", text("b", 1),
      { type = "message_delta", delta = { stop_reason = "end_turn" }, usage = { output_tokens = 9 } },
      begin { id = "new" }, text "c")
    assert.same({
      id = "new", type = "message", role = "assistant", model = "m", usage = {},
      content = { { type = "text", text = "c" } },
    }, plain(whole))
  end)

  it("stays as it is, whatever follows", function()
    local event = begin { content = { { type = "text", text = "a" } }, usage = { input_tokens = 1 } }
    local before = plain(event)
    finished(event, text "b", text("c", 1), stop(0),
      { type = "message_delta", delta = { stop_reason = "end_turn" }, usage = { output_tokens = 2 } })
    assert.same(before, plain(event))
  end)
end)

describe("blocks", function()
  it("are in the order of their index, whatever the order they begin in", function()
    for _, order in ipairs { { 0, 1, 2 }, { 2, 1, 0 }, { 1, 0, 2 }, { 2, 0, 1 }, { 1, 2, 0 }, { 0, 2, 1 } } do
      local made = accumulator.new()
      for _, index in ipairs(order) do
        assert.is_true(made:add(start({ type = "text", text = tostring(index) }, index)))
      end
      assert.equal("012", made:snapshot():text())
      assert.equal("012", made:finish():text())
    end
  end)

  it("of one index are in the order that they begin in, whatever comes between", function()
    local made = accumulator.new()
    for round = 1, 3 do
      for index = 3, 0, -1 do
        made:add(start({ type = "text", text = ("%d%d "):format(index, round) }, index))
        made:add(stop(index))
        assert.equal(3, made:last().index)
      end
    end
    assert.equal("01 02 03 11 12 13 21 22 23 31 32 33 ", made:snapshot():text())
    assert.equal("01 02 03 11 12 13 21 22 23 31 32 33 ", made:finish():text())
  end)

  it("take time in proportion to their number, whatever the order they begin in", function()
    local made = accumulator.new()
    for index = 50000, 1, -1 do
      made:add(start({ type = "text", text = "x" }, index))
    end
    assert.equal(50000, #made:finish():text())
  end)

  it("may begin anywhere, and leave places out", function()
    assert.equal("abc", finished(text("b", 7), text("c", 1000000), text("a", 3)):text())
    assert.equal(3, #finished(text("b", 7), text("c", 1000000), text("a", 3)).content)
  end)

  it("go on by their index where they are interleaved", function()
    local whole = finished(begin(), start({ type = "text", text = "" }, 0), start({ type = "thinking" }, 1),
      text "a", thinking("x", 1), text "b", stop(0), thinking("y", 1), stop(1))
    assert.equal("ab", whole:text())
    assert.equal("xy", whole:thinking())
  end)

  it("that begin anew under the same index after their end are kept, after each other", function()
    local whole = finished(start { type = "text", text = "a" }, text "b", stop(), start { type = "text", text = "c" },
      text "d", start({ type = "text", text = "e" }, 1))
    assert.equal("abcde", whole:text())
    assert.equal(3, #whole.content)
  end)

  it("that begin anew before their end, with the same type, are one", function()
    local whole = finished(start { type = "text", text = "a" }, text "b", start { type = "text", text = "c" }, text "d")
    assert.same({ { type = "text", text = "abcd" } }, plain(whole.content))
    whole = finished(start { type = "tool_use", id = "t", input = {} }, input '{"a"',
      start { type = "tool_use", id = "u", name = "f", input = {} }, input ":1}")
    assert.same({ { type = "tool_use", id = "t", name = "f", input = { a = 1 } } }, plain(whole.content))
    whole = finished(start { type = "thinking", thinking = "a" }, start { type = "thinking", signature = "s" },
      start { type = "thinking", thinking = "", signature = "other" }, start { type = "thinking", thinking = 5 })
    assert.same({ { type = "thinking", thinking = "a", signature = "s" } }, plain(whole.content))
  end)

  it("that begin anew before their end, with another type, are two", function()
    local whole = finished(start { type = "text", text = "a" }, start { type = "hologram" },
      start { type = "hologram", a = 1 }, start { no = "type" })
    assert.same({ { type = "text", text = "a" }, { type = "hologram", a = 1 }, { no = "type" } }, plain(whole.content))
  end)

  it("of an unknown type are kept as they came", function()
    local block = { type = "hologram", layers = { 1, 2 }, of = { a = 1 } }
    assert.same(block, plain(finished(start(block), stop()).content[1]))
    assert.same({ no = "type" }, plain(finished(start { no = "type" }, stop()).content[1]))
  end)

  it("leave their events as they were", function()
    local events = {
      start { type = "text", text = "a", citations = { 1 } }, text "b", citation(2), stop(),
      start({ type = "tool_use", input = {} }, 1), input('{"a":1}', 1), stop(1),
      start({ type = "hologram" }, 2), delta("hologram_delta", { layer = "x", depth = 1 }, 2),
    }
    local before = plain(events)
    local made = accumulator.new()
    for _, event in ipairs(events) do
      made:add(event)
    end
    made:snapshot()
    made:finish()
    assert.same(before, plain(events))
  end)

  it("are given by their end: the last one, and whether it has ended", function()
    local made = accumulated(start({ type = "text" }, 1))
    local last = made:last()
    assert.equal(1, last.index)
    assert.equal("text", last.block.type)
    assert.is_nil(last.closed)
    made:add(start({ type = "thinking" }, 0))
    assert.equal(1, made:last().index)
    made:add(stop(0))
    assert.is_nil(made:last().closed)
    made:add(stop(1))
    assert.is_true(made:last().closed)
    made:add(start({ type = "tool_use" }, 2))
    assert.equal("tool_use", made:last().block.type)
    assert.is_nil(made:last().closed)
  end)
end)

describe("a block that was never begun", function()
  for _, case in ipairs {
    { "text", text "a", { text = "a" } },
    { "thinking", thinking "a", { thinking = "a" } },
    { "thinking", delta("signature_delta", { signature = "s" }), { signature = "s" } },
    { "tool_use", input '{"a":1}', { input = { a = 1 } } },
    { "text", citation { a = 1 }, { citations = { { a = 1 } } } },
    { "hologram", delta("hologram_delta", { layer = "x" }), { layer = "x" } },
    { "hologram", delta("hologram", { layer = "x" }), { layer = "x" } },
    { "a_delta_b", delta("a_delta_b_delta", { layer = "x" }), { layer = "x" } },
  } do
    it(("is %s where its delta is a %s"):format(case[1], case[2].delta.type), function()
      case[3].type = case[1]
      assert.same({ case[3] }, plain(finished(case[2]).content))
    end)
  end
end)

describe("text that grows", function()
  for field, piece in pairs { text = text, thinking = thinking } do
    it("goes on from what its block began with: " .. field, function()
      for _, case in ipairs {
        { "a", "a" }, { "", "" }, { nil, "" }, { 5, "" }, { false, "" },
      } do
        local function block()
          return start { type = field, [field] = case[1] }
        end
        for count = 1, 5 do
          local made, whole = accumulated(block()), case[2]
          for i = 1, count do
            made:add(piece(tostring(i)))
            whole = whole .. i
          end
          assert.equal(whole, made:snapshot().content[1][field])
          assert.equal(whole, made:finish().content[1][field])
        end
      end
    end)
  end

  it("is what its block began with where no delta comes", function()
    assert.equal("a", finished(start { type = "text", text = "a" }, stop()):text())
    assert.same({ type = "text", text = "" }, plain(finished(start { type = "text", text = "" }).content[1]))
    assert.same({ type = "text" }, plain(finished(start { type = "text" }, stop()).content[1]))
  end)

  it("may have empty pieces", function()
    assert.equal("ab", finished(text "", text "a", text "", text "b", text ""):text())
    assert.equal("", finished(text ""):text())
  end)

  it("goes on after snapshots, which stay as they are", function()
    local made, snapshots, whole = accumulator.new(), {}, ""
    for i = 1, 12 do
      made:add(text(tostring(i)))
      whole = whole .. i
      if i % 3 ~= 1 then
        snapshots[whole] = made:snapshot()
        assert.equal(whole, made:snapshot():text())
      end
    end
    assert.equal(whole, made:finish():text())
    for expected, snapshot in pairs(snapshots) do
      assert.equal(expected, snapshot:text())
    end
  end)

  it("leaves what was handed out of its counts as it was", function()
    local first, made = { input_tokens = 1, details = { a = 1 } }, accumulator.new()
    made:add { type = "message_start", message = { content = {}, usage = first } }
    local snapshots = {}
    for i = 1, 3 do
      made:add { type = "message_delta", delta = {}, usage = { output_tokens = i, details = { a = i + 1 } } }
      snapshots[i] = made:snapshot()
    end
    for i, snapshot in ipairs(snapshots) do
      assert.same({ i, i + 1 }, { snapshot.usage.output_tokens, snapshot.usage.details.a })
    end
    assert.same({ input_tokens = 1, details = { a = 1 } }, first)
  end)

  it("weighs counts that come under new names", function()
    local budget = budgets.new(100000)
    local made = accumulator.new(budget)
    for i = 1, 1000 do
      made:add { type = "message_delta", delta = {}, usage = { ["count_" .. i] = { i } } }
    end
    assert.is_true(budget:is_exceeded())
  end)

  it("goes on after its block's end", function()
    assert.equal("abc", finished(text "a", stop(), text "b", text "c", stop()):text())
  end)

  it("stays as it is where the message is finished twice", function()
    local made = accumulated(text "a", text "b", input('{"a":1}', 1))
    made:finish()
    local whole = made:finish()
    assert.equal("ab", whole:text())
    assert.same({ a = 1 }, whole.content[2].input)
  end)

  it("may come in very many pieces", function()
    local made = accumulator.new()
    for _ = 1, 20000 do
      made:add(text "12345")
    end
    assert.equal(("12345"):rep(20000), made:finish():text())
  end)
end)

describe("a signature", function()
  it("replaces what was there", function()
    local whole = finished(start { type = "thinking", thinking = "", signature = "" }, thinking "a",
      delta("signature_delta", { signature = "x" }), delta("signature_delta", { signature = "y" }), stop())
    assert.same({ type = "thinking", thinking = "a", signature = "y" }, plain(whole.content[1]))
  end)
end)

describe("a tool's input", function()
  local function begun()
    return start { type = "tool_use", id = "t", name = "f", input = json.object {} }
  end

  it("is read at its block's end, and sent as it came", function()
    local made = accumulated(begun(), input "", input '{"b": [ 1', input ',2 ] }', stop())
    local block = made:snapshot().content[1]
    assert.same({ b = { 1, 2 } }, plain(block.input))
    assert.is_nil(block.input_json)
    assert.is_nil(block.input_error)
    assert.equal('{"id":"t","input":{"b": [ 1,2 ] },"name":"f","type":"tool_use"}', json.encode(block))
    assert.equal('{"id":"t","input":{"b": [ 1,2 ] },"name":"f","type":"tool_use"}',
      json.encode(made:finish().content[1]))
  end)

  it("is read at the message's end where its block has none", function()
    assert.same({ a = 1 }, finished(begun(), input '{"a":1}').content[1].input)
  end)

  it("is not complete before", function()
    local made = accumulated(begun(), input '{"a"', input ":")
    for _ = 1, 2 do
      local block = made:snapshot().content[1]
      assert.is_nil(block.input)
      assert.equal('{"a":', block.input_json)
      assert.equal("the input is not complete", block.input_error)
    end
    made:add(input "1")
    made:add(input "}")
    assert.equal('{"a":1}', made:snapshot().content[1].input_json)
    assert.same({ a = 1 }, made:finish().content[1].input)
  end)

  it("is what its block began with where no delta comes", function()
    local made = accumulated(start { type = "tool_use", input = { a = 1 } })
    assert.same({ type = "tool_use", input = { a = 1 } }, plain(made:snapshot().content[1]))
    made:add(stop())
    assert.same({ type = "tool_use", input = { a = 1 } }, plain(made:finish().content[1]))
  end)

  it("is an empty object where all deltas are empty", function()
    local block = finished(begun(), input "", input "", stop()).content[1]
    assert.equal('{"id":"t","input":{},"name":"f","type":"tool_use"}', json.encode(block))
  end)

  it("is read in the blocks of every type that has one", function()
    for _, kind in ipairs { "server_tool_use", "mcp_tool_use", "hologram" } do
      local whole = finished(start { type = kind, input = {} }, input '{"a"', input ":1}", stop())
      assert.same({ { type = kind, input = { a = 1 } } }, plain(whole.content))
    end
  end)

  it("that is broken keeps its text, and says why", function()
    local block = finished(begun(), input '{"a":', stop()).content[1]
    assert.is_nil(block.input)
    assert.equal('{"a":', block.input_json)
    assert.matches("end of the text", block.input_error)
  end)

  it("can be had as far as it came", function()
    local made = accumulated(begun())
    assert.equal("", made:input_json(made:last()))
    for i, piece in ipairs { '{"a"', ":", "[", "1" } do
      made:add(input(piece))
      assert.equal(('{"a":[1'):sub(1, ({ 4, 5, 6, 7 })[i]), made:input_json(made:last()))
    end
    made:add(stop())
    assert.equal('{"a":[1', made:input_json(made:last()))
    assert.equal("", made:input_json(accumulated(start { type = "text" }):last()))
  end)

  it("is told by its index, as a text until it is whole", function()
    local made = accumulated(start({ type = "tool_use", input = { x = 1 } }, 3), start({ type = "tool_use" }, 5))
    assert.same({ x = 1 }, made:input_at(3))
    assert.is_nil(made:input_at(5))
    assert.is_nil(made:input_at(7))
    made:add(input('{"a":', 5))
    assert.equal('{"a":', made:input_at(5))
    made:add(input("1}", 5))
    made:add(stop(5))
    assert.same({ a = 1 }, made:input_at(5))
  end)
end)

describe("citations", function()
  it("are a list from the first one on", function()
    local made = accumulated(start { type = "text", text = "a" })
    assert.is_nil(made:snapshot().content[1].citations)
    made:add(citation { n = 1 })
    local first = made:snapshot()
    made:add(citation { n = 2 })
    assert.equal('[{"n":1},{"n":2}]', json.encode(made:finish().content[1].citations))
    assert.equal('[{"n":1}]', json.encode(first.content[1].citations))
  end)

  it("go on from what the block began with", function()
    local event = start { type = "text", text = "a", citations = json.array { 1 } }
    local made = accumulated(event, citation(2))
    assert.equal("[1,2]", json.encode(made:snapshot().content[1].citations))
    assert.equal("[1,2]", json.encode(made:finish().content[1].citations))
    assert.equal("[1]", json.encode(event.content_block.citations))
  end)

  it("are what the block began with where none comes", function()
    local made = accumulated(start { type = "text", text = "a", citations = json.array {} }, stop())
    assert.equal("[]", json.encode(made:snapshot().content[1].citations))
    assert.equal("[]", json.encode(made:finish().content[1].citations))
  end)

  it("are a list anew where the block began with none", function()
    for _, before in ipairs { "x", 5, true } do
      assert.same({ 1 }, plain(finished(start { type = "text", citations = before }, citation(1)).content[1].citations))
    end
  end)

  it("survive a delta without one", function()
    assert.equal("[]", json.encode(finished(delta("citations_delta", {})).content[1].citations))
    assert.equal("[1]", json.encode(finished(delta("citations_delta", {}), citation(1)).content[1].citations))
  end)
end)

describe("a delta of a later API", function()
  for _, kind in ipairs { "text", "thinking", "tool_use" } do
    it("is kept beside a block of a known type: " .. kind, function()
      local first, second = delta("new_delta", { a = "x", b = 1 }, 3), delta("new_delta", { a = "y" }, 3)
      local whole = finished(start({ type = kind }, 3), first, second, stop(3))
      assert.same({ { type = kind, input = kind == "tool_use" and {} or nil } }, plain(whole.content))
      assert.same({ { index = 3, delta = first.delta }, { index = 3, delta = second.delta } }, whole.unknown_deltas)
    end)
  end

  it("in a block of another type makes strings grow and replaces all else", function()
    local whole = finished(start { type = "hologram", a = "1", b = "1", c = 1 },
      delta("hologram_delta", { a = "2", c = 2, d = { 1 }, e = "1" }), delta("hologram_delta", { a = "3", e = "2" }))
    assert.same({ type = "hologram", a = "123", b = "1", c = 2, d = { 1 }, e = "12" }, plain(whole.content[1]))
    assert.is_nil(whole.unknown_deltas)
  end)

  it("is in snapshots", function()
    local made = accumulated(start { type = "hologram", a = "1" }, delta("hologram_delta", { a = "2" }))
    assert.equal("12", made:snapshot().content[1].a)
    assert.equal("1", made:last().block.a)
    made = accumulated(start { type = "text" }, delta("new_delta", { a = "x" }))
    assert.equal(1, #made:snapshot().unknown_deltas)
  end)
end)

describe("a field of the name that such deltas are kept under", function()
  it("is the server's where there are none, and harms nothing", function()
    local odd = { type = "message_delta", delta = {}, unknown_deltas = "x" }
    local made = accumulated(start { type = "text" }, odd)
    assert.equal("x", made:snapshot().unknown_deltas)
    assert.equal("x", made:finish().unknown_deltas)
    made = accumulated(start { type = "text" }, odd, delta("new_delta", { a = "y" }), odd)
    assert.equal(1, #made:snapshot().unknown_deltas)
    assert.equal(1, #made:finish().unknown_deltas)
  end)
end)

describe("a block that says that another model went on", function()
  for _, case in ipairs {
    { "names the model", { model = "other" }, "other" },
    { "names none", {}, "m" },
    { "is none", "other", "m" },
  } do
    it("changes the message's model only where it " .. case[1], function()
      local whole = finished(begin(), start { type = "fallback", to = case[2] })
      assert.equal(case[3], whole.model)
      assert.equal("fallback", whole.content[1].type)
    end)
  end

  it("may say nothing", function()
    assert.equal("m", finished(begin(), start { type = "fallback" }).model)
  end)

  it("is of the type fallback", function()
    assert.equal("m", finished(begin(), start { type = "text", to = { model = "other" } }).model)
  end)
end)

describe("a message's delta", function()
  it("sets the fields it brings, and leaves the others", function()
    local whole = finished(begin { stop_reason = "a", stop_sequence = "b" },
      { type = "message_delta", delta = { stop_reason = "end_turn", new = 1 } })
    assert.equal("end_turn", whole.stop_reason)
    assert.equal("b", whole.stop_sequence)
    assert.equal(1, whole.new)
  end)

  it("merges usage and adds nothing up", function()
    local whole = finished(begin { usage = { input_tokens = 5, output_tokens = 1 } },
      { type = "message_delta", usage = { output_tokens = 3 } },
      { type = "message_delta", usage = { output_tokens = 7, thinking_tokens = 2 } })
    assert.same({ input_tokens = 5, output_tokens = 7, thinking_tokens = 2 }, whole.usage)
  end)

  it("brings the usage where there was none", function()
    local whole = finished({ type = "message_start", message = { role = "assistant" } },
      { type = "message_delta", usage = { output_tokens = 3 } })
    assert.same({ output_tokens = 3 }, whole.usage)
  end)

  it("leaves the usage of snapshots and events as it was", function()
    local event = { type = "message_delta", usage = { output_tokens = 3 } }
    local made = accumulated(begin { usage = { output_tokens = 1 } })
    local first = made:snapshot()
    made:add(event)
    local second = made:snapshot()
    made:add { type = "message_delta", usage = { output_tokens = 5 } }
    assert.same({ 1, 3, 5 },
      { first.usage.output_tokens, second.usage.output_tokens, made:finish().usage.output_tokens })
    assert.equal(3, event.usage.output_tokens)
  end)

  it("has fields beside, which are the message's", function()
    local whole = finished(begin(), { type = "message_delta", context_management = { a = 1 } })
    assert.same({ a = 1 }, whole.context_management)
  end)

  it("leaves its type, what it stood for and its choice out of the message", function()
    local whole = finished(begin(), { type = "message_delta", raw = {}, choice = 0 })
    assert.equal("message", whole.type)
    assert.is_nil(whole.raw)
    assert.is_nil(whole.choice)
  end)

  it("may have neither delta nor usage", function()
    assert.same(plain(finished(begin())), plain(finished(begin(), { type = "message_delta" })))
  end)
end)

describe("a snapshot", function()
  it("has the message's fields and methods", function()
    local made = accumulated(begin { id = "x" }, text "a", thinking("b", 1), start({ type = "tool_use" }, 2))
    local snapshot = made:snapshot()
    assert.equal("x", snapshot.id)
    assert.equal("a", snapshot:text())
    assert.equal("b", snapshot:thinking())
    assert.equal("tool_use", snapshot:tool_uses()[1].type)
  end)

  it("is the caller's own", function()
    local made = accumulated(begin(), start { type = "text", text = "a" })
    local snapshot = made:snapshot()
    snapshot.id, snapshot.content[1].text, snapshot.content[2] = "changed", "changed", {}
    assert.equal("msg_1", made:finish().id)
    assert.equal('[{"text":"a","type":"text"}]', json.encode(made:finish().content))
  end)

  it("is encoded with its content as a list", function()
    local whole = '{"content":[],"id":"msg_1","model":"m","role":"assistant","type":"message","usage":{}}'
    assert.equal(whole, json.encode(accumulated(begin()):snapshot()))
    assert.equal(whole, json.encode(finished(begin())))
  end)

  it("is encoded with the fields that were null when the message began", function()
    local started = json.decode_answer('{"type":"message_start","message":{"role":"assistant","content":[],'
      .. '"a":null,"b":null}}')
    local made = accumulated(started, { type = "message_delta", delta = { b = "x" }, usage = {} })
    assert.equal('{"a":null,"b":"x","content":[],"role":"assistant","usage":{}}', json.encode(made:snapshot()))
    assert.equal('{"a":null,"b":"x","content":[],"role":"assistant","usage":{}}', json.encode(made:finish()))
  end)
end)

-- A run is filled by the transfer; here by `follow`, which puts its text there too.
describe("a run", function()
  local make_run
  local calls

  before_each(function()
    make_run, calls = core.delta_run, {}
    core.delta_run = function()
      local run = make_run()
      return {
        follow = function(_, ...)
          calls[#calls + 1] = { "follow", ... }
          return run:follow(...)
        end,
        take = function()
          return run:take()
        end,
        stop = function()
          calls[#calls + 1] = { "stop" }
          return run:stop()
        end,
        feed = function(_, piece)
          return run:follow("text_delta", 0, piece)
        end,
      }
    end
  end)

  after_each(function()
    core.delta_run = make_run
  end)

  local function followed(made, event)
    assert.is_true(made:add(event))
    return made:follow(event)
  end

  for _, case in ipairs {
    { "text", text, "text" }, { "thinking", thinking, "thinking" }, { "tool_use", input, "input_json" },
  } do
    it("brings what goes on with a delta: " .. case[1], function()
      local made = accumulated(begin(), start({ type = case[1] }, 4))
      local run = followed(made, case[2]("a", 4))
      assert.equal("a", made:snapshot().content[1][case[3]])
      run:feed "b"
      assert.equal("ab", made:snapshot().content[1][case[3]])
      assert.equal("ab", made:snapshot().content[1][case[3]])
      run:feed "c"
      run:feed "d"
      assert.is_true(made:add(case[2]("e", 4)))
      assert.equal("abcde", made:snapshot().content[1][case[3]])
    end)
  end

  it("is asked for the same kind of delta in the same block", function()
    local made = accumulated(begin(), start({ type = "thinking" }, 4))
    followed(made, thinking("a", 4))
    assert.same({ { "follow", "thinking_delta", 4, "a" } }, calls)
  end)

  it("takes in no more once another event is added", function()
    local made = accumulator.new()
    followed(made, text "a")
    calls = {}
    made:add { type = "ping" }
    assert.same({ { "stop" } }, calls)
    made:add { type = "ping" }
    assert.same({ { "stop" } }, calls)
  end)

  it("is whole at the end", function()
    local made = accumulator.new()
    followed(made, text "a"):feed "b"
    assert.equal("ab", made:finish():text())
  end)

  it("is in the text of an input", function()
    local made = accumulator.new()
    local run = followed(made, input '{"a"')
    run:feed ":1}"
    assert.equal('{"a":1}', made:input_json(made:last()))
    assert.equal('{"a":1}', made:input_json(made:last()))
    run:feed " "
    made:add(stop())
    assert.same({ a = 1 }, made:finish().content[1].input)
  end)

  it("may begin in the middle, and again and again", function()
    local made = accumulated(start { type = "text", text = "0" }, text "a")
    followed(made, text "b"):feed "c"
    followed(made, text "d"):feed "e"
    assert.equal("0abcde", made:snapshot():text())
    followed(made, text "f"):feed "g"
    assert.equal("0abcdefg", made:finish():text())
  end)

  it("may bring nothing", function()
    local made = accumulator.new()
    followed(made, text "")
    followed(made, text "")
    assert.equal("", made:snapshot():text())
    followed(made, text "a")
    assert.equal("a", made:finish():text())
  end)

  it("of one block ends where another's begins", function()
    local made = accumulator.new()
    followed(made, text "a"):feed "b"
    followed(made, thinking("x", 1)):feed "y"
    local whole = made:finish()
    assert.equal("ab", whole:text())
    assert.equal("xy", whole:thinking())
  end)

  for _, case in ipairs {
    { "a signature", delta("signature_delta", { signature = "s" }) },
    { "a citation", citation(1) },
    { "a delta of a later API", delta("new_delta", { a = "x" }) },
    { "a block's start", start { type = "text", text = "a" } },
    { "a block's end", stop() },
    { "a ping", { type = "ping" } },
    { "a message's start", begin() },
  } do
    it("is not there after " .. case[1], function()
      local made = accumulated(start { type = "text" }, text "a")
      assert.is_nil(followed(made, case[2]))
      assert.same({}, calls)
    end)
  end

  it("is not there for a block that has not begun, or has ended", function()
    local made = accumulator.new()
    assert.is_nil(made:follow(text "a"))
    assert.is_nil(accumulated(start { type = "text" }):follow(text "a"))
    made:add(text "a")
    made:add(stop())
    assert.is_nil(made:follow(text "a"))
    assert.same({}, calls)
    assert.equal("a", made:finish():text())
  end)
end)

describe("what a message holds", function()
  -- How many bytes more are held after each of some events.
  local function growth(...)
    local budget = budgets.new(1e9)
    local made, list = accumulator.new(budget), {}
    for i, event in ipairs { ... } do
      local before = budget.held
      assert.is_true(made:add(event))
      list[i] = budget.held - before
    end
    return list
  end

  local LONG = ("x"):rep(10000)

  it("counts, wherever it came", function()
    for name, event in pairs {
      start = begin { other = LONG }, block = start { type = "text", text = LONG }, text = text(LONG),
      thinking = thinking(LONG), delta = { type = "message_delta", delta = { other = LONG } },
      beside = { type = "message_delta", delta = {}, other = LONG }, later = delta("new_delta", { a = LONG }),
      unknown = { type = "unknown_delta", index = 0, delta = { type = "x", a = LONG } },
    } do
      local kind = name == "thinking" and "thinking" or "text"
      local list = name == "start" and growth(event) or name == "block" and growth(begin(), event)
        or growth(begin(), start { type = kind }, event)
      assert.is_true(list[#list] >= 10000 and list[#list] < 12000, name)
    end
  end)

  it("does not count twice what took another's place", function()
    local again = { type = "message_delta", delta = { other = LONG } }
    local list = growth(begin(), again, again, { type = "message_delta", delta = { other = "y" } })
    assert.equal(0, list[3])
    assert.is_true(list[4] < -9000)
  end)
end)

describe("what is stored of a stream", function()
  local START = '{"type":"message_start","message":{"type":"message","content":[],"score":0.9876543210987654321,'
    .. '"stop_sequence":null,"usage":{}}}'

  local function read(...)
    local made, events = accumulator.new(), {}
    for i, event in ipairs { START, ... } do
      events[i] = assert(json.decode_event(event))
      assert.is_true(made:add(events[i]))
    end
    return made, events
  end

  it("has the nulls and the digits of the message's delta", function()
    local made, events = read('{"type":"message_delta","delta":{"stop_reason":"x","container":null,'
      .. '"score":0.1234567890123456789,"stop_sequence":null},"usage":{"a":null,"n":1},"far":1e400,"away":null}',
      '{"type":"message_delta","delta":{"container":null,"score":null},"usage":{"a":null,"b":null,"n":null}}')
    assert.equal('{"away":null,"container":null,"content":[],"far":1e400,"score":0.1234567890123456789,'
      .. '"stop_reason":"x","stop_sequence":null,"type":"message","usage":{"a":null,"b":null,"n":1}}',
      json.encode(made:finish()))
    assert.matches("0.9876543210987654321", json.encode(events[1]), 1, true)
  end)

  it("has none where a field is there, or its nulls were known", function()
    local made = read('{"type":"message_delta","delta":{"score":null,"stop_sequence":null},"usage":null}')
    assert.equal('{"content":[],"score":0.9876543210987654321,"stop_sequence":null,"type":"message","usage":{}}',
      json.encode(made:snapshot()))
    assert.equal(getmetatable(made.fields).__nulls, json.nulls_of(made.fields))
    made:add(json.decode_event '{"type":"message_delta","delta":{"other":null}}')
    made:add { type = "message_delta", delta = { other = 1 } }
    assert.equal(1, made:finish().other)
  end)

  it("is in a snapshot as far as it had come", function()
    local made = read '{"type":"message_delta","delta":{"a":null},"usage":{"a":null}}'
    local before = made:snapshot()
    made:add(json.decode_event '{"type":"message_delta","delta":{"b":null},"usage":{"b":null}}')
    assert.equal('{"a":null,"content":[],"score":0.9876543210987654321,"stop_sequence":null,"type":"message",'
      .. '"usage":{"a":null}}', json.encode(before))
    assert.equal('{"a":null,"b":null}', json.encode(made:snapshot().usage))
  end)

  it("counts the nulls that are noted, each once", function()
    local made = read()
    local before, name = made.budget.held, ("n"):rep(1000)
    for _ = 1, 3 do
      made:add(json.decode_event('{"type":"message_delta","delta":{"' .. name .. '":null}}'))
    end
    assert.is_true(made.budget.held - before > 1000 and made.budget.held - before < 2000)
  end)

  it("has the digits of what a later API's delta, or a repeated start, adds to a block", function()
    local block = '{"type":"content_block_start","index":0,"content_block":{"type":"hologram"%s}}'
    local made, events = read(block:format "", block:format ',"a":0.1234567890123456789',
      '{"type":"content_block_delta","index":0,"delta":{"type":"x_delta","b":12345678901234567890}}')
    assert.equal('[{"a":0.1234567890123456789,"b":12345678901234567890,"type":"hologram"}]',
      json.encode(made:finish().content))
    assert.equal('{"type":"hologram"}', json.encode(events[2].content_block))
  end)
end)

describe("a delta of the other shape that no event says", function()
  it("is kept as it came", function()
    local unknown = { type = "unknown_delta", index = 0, delta = { type = "x", a = 1 } }
    assert.same({ { index = 0, delta = unknown.delta } }, accumulated(begin(), unknown):finish().unknown_deltas)
  end)
end)
