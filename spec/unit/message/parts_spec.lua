-- The parts of content: their text, their type, what a call must have, and what is empty.

local json = require "anthropic.base.json"
local parts = require "anthropic.message.parts"

local NAN, INFINITY = 0 / 0, math.huge

-- Tables as they are, without what marks them.
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

local function nested(depth, inner)
  for _ = 1, depth do
    inner = { inner }
  end
  return inner
end

describe("the text of a part", function()
  for _, case in ipairs {
    { "nothing", nil, "" },
    { "null", json.null, "" },
    { "a string", "abc", "abc" },
    { "an empty string", "", "" },
    { "an integer", 5, "5" },
    { "a fraction, with all its digits", 0.1, "0.1" },
    { "true", true, "" },
    { "an empty table", {}, "" },
    { "a part", { type = "text", text = "a" }, "a" },
    { "a part whose text is a number", { text = 5 }, "5" },
    { "a part without text", { type = "image", url = "u" }, "" },
    { "a list of strings", { "a", "b" }, "ab" },
    { "a list of parts and strings", { { text = "a" }, "b", 7, true, { type = "image" }, { content = "c" } }, "ab7c" },
    { "a part whose text is a part", { text = { value = "a" } }, "a" },
    { "a part whose text is a list", { thinking = { { type = "text", text = "a" }, "b" } }, "ab" },
    { "content", { content = "a" }, "a" },
    { "thinking", { thinking = "a" }, "a" },
    { "reasoning", { reasoning = "a" }, "a" },
    { "reasoning_content", { reasoning_content = "a" }, "a" },
    { "a summary", { type = "reasoning.summary", summary = "a" }, "a" },
    { "a summary of parts", { summary = { { type = "summary_text", text = "a" }, { text = "b" } } }, "ab" },
    { "a value", { value = "a" }, "a" },
    { "the first member that has any", { text = "", content = {}, thinking = "a", reasoning = "b" }, "a" },
    { "text before content", { text = "a", content = "b" }, "a" },
    { "what is as deep as text is written", nested(4, "a"), "a" },
    { "what is deeper", nested(5, "a"), "" },
  } do
    it("is that of " .. case[1], function()
      assert.equal(case[3], parts.text_of(case[2]))
    end)
  end
end)

describe("an index", function()
  for _, case in ipairs {
    { 0, 0 }, { 7, 7 }, { -1, -1 }, { "3", 3 }, { 1.5, 1.5 }, { 2 ^ 53 - 1, 2 ^ 53 - 1 }, { 2 ^ 53, nil },
    { -2 ^ 53, nil }, { NAN, nil }, { INFINITY, nil }, { -INFINITY, nil }, { "nan", nil }, { "inf", nil }, { "", nil },
    { "first", nil }, { {}, nil }, { true, nil }, { json.null, nil }, { nil, nil },
  } do
    local value = type(case[1]) == "table" and "a table" or tostring(case[1])
    it(("is %s of %s"):format(tostring(case[2]), value), function()
      assert.equal(case[2], parts.index(case[1]))
    end)
  end
end)

describe("a word", function()
  it("is a string that holds something", function()
    assert.equal("a", parts.word "a")
    assert.equal(" ", parts.word " ")
    for _, value in ipairs { "", 5, {}, true, json.null } do
      assert.is_nil(parts.word(value))
    end
    assert.is_nil(parts.word(nil))
  end)
end)

describe("what is empty", function()
  it("says nothing", function()
    for _, value in ipairs { json.null, "", false, {}, json.array {}, json.object {} } do
      assert.is_true(parts.is_empty(value))
    end
    assert.is_true(parts.is_empty(nil))
  end)

  it("is nothing else", function()
    for _, value in ipairs { 0, " ", true, { 1 }, { a = false } } do
      assert.is_false(parts.is_empty(value))
    end
  end)
end)

describe("the type of a block", function()
  for _, case in ipairs {
    { "its own", { type = "hologram", text = "a", thinking = "b" }, "hologram" },
    { "that of thinking", { thinking = "", text = "a" }, "thinking" },
    { "that of a signature", { signature = "s", text = "a" }, "thinking" },
    { "that of an input", { input = {}, text = "a" }, "tool_use" },
    { "that of a piece of an input", { partial_json = "{" }, "tool_use" },
    { "that of text", { text = "" }, "text" },
    { "that of a citation", { citation = {} }, "text" },
    { "that of a call with a name and an ID", { name = "f", id = "a" }, "tool_use" },
    { "that of text where the type is empty", { type = "", text = "a" }, "text" },
    { "that of text where the type is a number", { type = 5, text = "a" }, "text" },
    { "unknown where there is only a name", { name = "f" }, nil },
    { "unknown where there is only an ID", { id = "a" }, nil },
    { "unknown where nothing tells it", { layers = 1 }, nil },
  } do
    it("is " .. case[1], function()
      assert.equal(case[3], parts.type_of(case[2]))
    end)
  end
end)

describe("a tool's use", function()
  it("is told by the end of its type", function()
    for _, kind in ipairs { "tool_use", "server_tool_use", "mcp_tool_use" } do
      assert.is_true(parts.is_tool_use(kind))
    end
    for _, kind in ipairs { "text", "tool_use_result", "tool_result", "", 5, {} } do
      assert.is_false(parts.is_tool_use(kind))
    end
    assert.is_false(parts.is_tool_use(nil))
  end)
end)

describe("the input of a call", function()
  for _, case in ipairs {
    { "an object", { a = 1 }, '{"a":1}' },
    { "missing", nil, "{}" },
    { "null", json.null, "{}" },
    { "an empty string", "", "{}" },
    { "an empty list", json.array {}, "{}" },
    { "false", false, "{}" },
    { "the text of an object, as it is written", '{"b": 1, "a": 2}', '{"b": 1, "a": 2}' },
    { "the text of an empty object", " {} ", " {} " },
    { "the text of an object behind an empty one", '{}{"a": 1}', '{"a": 1}' },
    { "the text of an object, twice", '{"a":1}{"a": 1}', '{"a": 1}' },
    { "the text of an object, and that as a text", '{"a":1}"{\\"a\\": 1}"', '{"a": 1}' },
    { "the text of a list", "[1]", "[1]" },
    { "the text of nothing", "  ", "{}" },
    { "the text of a number", "5", '"5"' },
    { "the text of a text", '"a"', '"\\"a\\""' },
    { "a text that is no JSON", "hello", '"hello"' },
    { "a number", 5, "5" },
    { "a list", { 1 }, "[1]" },
  } do
    it("is made an object where it says the same: " .. case[1], function()
      for _, kind in ipairs { "tool_use", "server_tool_use", "mcp_tool_use" } do
        local block = { type = kind, input = case[2] }
        parts.read_input(block)
        assert.equal(case[3], json.input_text(block.input) or json.encode(block.input))
        assert.is_nil(block.input_json)
        assert.is_nil(block.input_error)
      end
    end)
  end

  it("is told of as broken where it is a text of broken JSON", function()
    for _, text in ipairs { '{"a":', " [1" } do
      local block = { type = "tool_use", input = text }
      parts.read_input(block)
      assert.is_nil(block.input)
      assert.equal(text, block.input_json)
      assert.is_string(block.input_error)
    end
  end)

  it("has a text, that which came where it is broken", function()
    for _, case in ipairs {
      { { input = { a = 1 } }, '{"a":1}' }, { {}, "{}" }, { { input = json.null }, "{}" }, { { input = "" }, "{}" },
      { { input = '{"b": 1, "a": 2}' }, '{"b": 1, "a": 2}' }, { { input = '{"a":' }, '{"a":' },
      { { input = "hello" }, '"hello"' }, { { input = 5 }, "5" },
      { { input_json = "{", input_error = "cut" }, "{" }, { { input_error = "cut" }, "{}" },
    } do
      case[1].type = "tool_use"
      assert.equal(case[2], parts.input_text(case[1]))
    end
  end)

  it("stays broken where it is", function()
    local block = { type = "tool_use", input_json = "{", input_error = "why" }
    parts.read_input(block)
    assert.same({ type = "tool_use", input_json = "{", input_error = "why" }, block)
  end)

  it("is nothing that other blocks have", function()
    local block = { type = "text", input = "" }
    parts.read_input(block)
    assert.same({ type = "text", input = "" }, block)
  end)
end)

describe("a block", function()
  for _, case in ipairs {
    { "a table with a type", { type = "hologram", a = 1 }, { type = "hologram", a = 1 } },
    { "a table whose type is told by its members", { text = "a" }, { type = "text", text = "a" } },
    { "a table whose type nothing tells", { a = 1 }, { a = 1 } },
    { "a string", "a", { type = "text", text = "a" } },
    { "an empty string", "", { type = "text", text = "" } },
    { "text that is a number", { type = "text", text = 5 }, { type = "text", text = "5" } },
    { "text that is a list", { type = "text", text = { "a", { text = "b" } } }, { type = "text", text = "ab" } },
    { "text under another name", { type = "text", content = "a" }, { type = "text", text = "a" } },
    { "thinking that is a list of parts", { type = "thinking", thinking = { { type = "text", text = "a" } } },
      { type = "thinking", thinking = "a" } },
    { "thinking under another name", { type = "thinking", text = "a", signature = "s" },
      { type = "thinking", thinking = "a", signature = "s" } },
    { "thinking as content", { type = "thinking", content = { { text = "a" } } },
      { type = "thinking", thinking = "a" } },
    { "text that is there", { type = "text", text = "", content = "b" }, { type = "text", text = "", content = "b" } },
    { "text that is missing", { type = "text" }, { type = "text" } },
    { "text that is no text", { type = "text", text = { a = true } }, { type = "text", text = { a = true } } },
    { "content of another type", { type = "hologram", content = "a" }, { type = "hologram", content = "a" } },
    { "one citation that is no list", { type = "text", text = "a", citations = { n = 1 } },
      { type = "text", text = "a", citations = { { n = 1 } } } },
    { "a list of citations", { type = "text", text = "a", citations = { { n = 1 } } },
      { type = "text", text = "a", citations = { { n = 1 } } } },
    { "citations of another block", { type = "document", citations = { enabled = true } },
      { type = "document", citations = { enabled = true } } },
    { "an input under another name", { type = "tool_use", arguments = '{"a":1}' },
      { type = "tool_use", input = '{"a":1}' } },
    { "an input under another name beside an empty one",
      { type = "server_tool_use", input = {}, parameters = { a = 1 } },
      { type = "server_tool_use", input = { a = 1 } } },
    { "an input that is there", { type = "tool_use", input = { a = 1 }, arguments = "{}" },
      { type = "tool_use", input = { a = 1 }, arguments = "{}" } },
    { "an input that is broken", { type = "tool_use", input_json = "{", input_error = "cut", arguments = "{}" },
      { type = "tool_use", input_json = "{", input_error = "cut", arguments = "{}" } },
    { "an input under another name that says nothing", { type = "tool_use", arguments = "" },
      { type = "tool_use", arguments = "" } },
    { "arguments of another type", { type = "hologram", arguments = "{}" }, { type = "hologram", arguments = "{}" } },
  } do
    it("is made of " .. case[1], function()
      assert.same(case[3], plain(parts.block(case[2])))
    end)
  end

  it("is not made of anything else", function()
    for _, value in ipairs { 5, true, json.null, { 1 }, json.array {}, { { type = "text" } } } do
      assert.is_nil(parts.block(value))
    end
    assert.is_nil(parts.block(nil))
  end)

  it("is the reader's own, and is encoded like the original", function()
    local original = json.decode_answer '{"type":"text","text":"a","citations":null}'
    local block = parts.block(original)
    assert.are_not.equal(original, block)
    assert.equal('{"citations":null,"text":"a","type":"text"}', json.encode(block))
    block.text = "b"
    assert.equal("a", original.text)
  end)
end)

describe("what else an object says", function()
  it("is what is neither known nor empty, and a list whole", function()
    assert.same({ b = 1 }, parts.others({ a = 1, b = 1, c = "", d = false, e = {}, f = json.null }, { a = true }))
    assert.is_nil(parts.others({ a = 1, b = "" }, { a = true }))
    local list = json.array { 1 }
    assert.equal(list, parts.others(list, {}))
  end)
end)

describe("an input under another name, or in a block without a type", function()
  it("has its nulls, as inputs have", function()
    for _, given in ipairs { '"type":"tool_use","arguments"', '"name":"f","input"' } do
      local block = parts.block(json.decode_answer('{"id":"t",' .. given .. ':{"a":null,"b":[{"c":null}]}}'))
      assert.equal(json.null, block.input.a)
      assert.equal(json.null, block.input.b[1].c)
      assert.equal('{"a":null,"b":[{"c":null}]}', json.encode(block.input))
      assert.is_nil(block.arguments)
      block = parts.block(json.decode_answer('{"id":"t",' .. given .. ':{"a":null}}'))
      assert.equal(json.null, block.input.a)
      assert.is_nil(block.arguments)
    end
  end)

  it("is broken where it holds NaN, as inputs are", function()
    for _, given in ipairs { '"type":"tool_use","arguments"', '"name":"f","input"' } do
      local block = parts.block(json.decode_answer('{"id":"t",' .. given .. ':{"b":[-Infinity],"a":"\\"NaN"}}'))
      assert.is_nil(block.input)
      assert.is_nil(block.arguments)
      assert.equal('{"a":"\\"NaN","b":[-Infinity]}', block.input_json)
      assert.matches("NaN and infinities are not JSON", block.input_error)
    end
  end)

  it("is the text of an object as well", function()
    assert.equal('{"a":1}', parts.block({ id = "t", name = "f", input = '{"a":1}' }).input)
  end)
end)

describe("two inputs", function()
  it("are the same where their values are", function()
    for _, case in ipairs {
      { '{"b": 1, "a": null}', { a = json.null, b = 1 }, true }, { "", {}, true }, { "[1]", { 1 }, true },
      { { a = 1 }, { a = 1 }, true }, { { a = 1 }, { a = 2 }, false }, { '{"a":', '{"a":', false }, { nil, nil, false },
      { json.decode_answer('{"input":{"a":NaN}}').input, '{"a":null}', false },
    } do
      assert.equal(case[3], parts.is_same_input(case[1], case[2]))
    end
  end)
end)

describe("content", function()
  for _, case in ipairs {
    { "missing", nil, {} },
    { "null", json.null, {} },
    { "an empty text", "", {} },
    { "an empty list", {}, {} },
    { "a text", "a", { { type = "text", text = "a" } } },
    { "one block", { type = "text", text = "a" }, { { type = "text", text = "a" } } },
    { "a list of nulls", { json.null, json.null }, {} },
    { "a list", { json.null, { text = "a" }, "b", json.null, { type = "hologram" } },
      { { type = "text", text = "a" }, { type = "text", text = "b" }, { type = "hologram" } } },
  } do
    it("has its blocks where it is " .. case[1], function()
      local blocks = parts.blocks(case[2])
      assert.same(case[3], plain(blocks))
      assert.is_true(json.is_array(blocks))
    end)
  end

  it("has none where anything in it is none", function()
    for _, content in ipairs { 5, true, { 5 }, { { type = "text" }, 5 }, { { type = "text" }, { { } } } } do
      assert.is_nil(parts.blocks(content))
    end
  end)
end)

describe("the ID of a call", function()
  it("is its own, once", function()
    local seen = {}
    assert.equal("a", parts.call_id(seen, "a", "msg_1"))
    assert.equal("b", parts.call_id(seen, "b", "msg_1"))
    assert.equal("call_msg_1_1", parts.call_id(seen, "a", "msg_1"))
    assert.equal("call_msg_1_2", parts.call_id(seen, "b", "msg_1"))
    assert.equal("1", parts.call_id(seen, "1", "msg_1"))
  end)

  it("is made where it is missing, empty or no text", function()
    local seen = {}
    assert.equal("call_m_1", parts.call_id(seen, nil, "m"))
    assert.equal("call_m_2", parts.call_id(seen, "", "m"))
    assert.equal("call_m_3", parts.call_id(seen, 5, "m"))
    assert.equal("call_m_4", parts.call_id(seen, json.null, "m"))
  end)

  it("is not made like another's", function()
    local seen = {}
    parts.call_id(seen, "call_m_1", "m")
    parts.call_id(seen, "call_m_2", "m")
    assert.equal("call_m_3", parts.call_id(seen, nil, "m"))
    assert.equal("call_m_4", parts.call_id(seen, "call_m_3", "m"))
  end)

  it("is one that the API takes, whatever the message's is", function()
    for id, made in pairs {
      [""] = "call_1", ["a b.ü/c"] = "call_a_b____c_1", ["x-y_Z9"] = "call_x-y_Z9_1",
      [("x"):rep(70)] = "call_" .. ("x"):rep(64) .. "_1",
    } do
      assert.equal(made, parts.call_id({}, nil, id))
    end
    for _, id in ipairs { 5, {}, json.null } do
      assert.equal("call_1", parts.call_id({}, nil, id))
    end
    assert.equal("call_1", parts.call_id({}, nil, nil))
  end)

  it("is like no other answer's, where the answer that arrives has no ID", function()
    local seen, others = parts.answer_ids(), {}
    local first, second = parts.call_id(seen, nil, nil), parts.call_id(seen, "", json.null)
    local word = first:match "^call_(%x+)_1$"
    assert.equal(16, #word)
    assert.equal(("call_%s_2"):format(word), second)
    assert.equal("call_m_3", parts.call_id(seen, nil, "m"))
    assert.equal("call_mine_1", parts.call_id(parts.answer_ids "mine"))
    for _ = 1, 100 do
      local id = parts.call_id(parts.answer_ids())
      assert.is_nil(others[id])
      others[id] = true
    end
  end)

  it("takes time in proportion to the calls, whatever their IDs", function()
    local seen = {}
    for i = 1, 20000 do
      parts.call_id(seen, "call_m_" .. i, "m")
    end
    for i = 1, 20000 do
      assert.equal("call_m_" .. 20000 + i, parts.call_id(seen, nil, "m"))
    end
  end)
end)

describe("calls among blocks", function()
  it("have an input and an ID of their own, and others stay as they are", function()
    local blocks = {
      { type = "text", text = "a", id = "x" }, { type = "tool_use", id = "x", input = "" },
      { type = "server_tool_use" }, { type = "tool_use", id = "x", input = '{"a":1}' }, { type = "text" },
    }
    parts.complete_calls(blocks, "m")
    assert.same({
      { type = "text", text = "a", id = "x" }, { type = "tool_use", id = "x", input = {} },
      { type = "server_tool_use", id = "call_m_1", input = {} },
      { type = "tool_use", id = "call_m_2", input = { a = 1 } }, { type = "text" },
    }, plain(blocks))
  end)
end)

describe("what is noted of a broken input", function()
  it("is a text, whatever a server sends under its name", function()
    local block = parts.block { type = "tool_use", input_error = { 1 }, input_json = 5 }
    assert.is_nil(block.input_error)
    assert.is_nil(block.input_json)
    block = parts.block { type = "tool_use", input_error = "cut", input_json = "{" }
    assert.equal("cut", block.input_error)
    assert.equal("{", block.input_json)
  end)
end)

describe("a text without the space behind it", function()
  it("ends with what is no space, or is empty", function()
    for text, expected in pairs { ["a b \n\t"] = "a b", [" a"] = " a", ["   "] = "", [""] = "", ["a"] = "a" } do
      assert.equal(expected, parts.without_space_behind(text))
    end
  end)
end)
