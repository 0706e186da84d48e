-- How the pieces of a chat completion's tool calls become calls, however servers tell them apart.

local budgets = require "anthropic.message.budget"
local json = require "anthropic.base.json"
local tool_calls = require "anthropic.message.tool_calls"

-- A piece as servers send it.
local function piece(index, id, name, arguments)
  return { index = index, id = id, type = "function", ["function"] = { name = name, arguments = arguments } }
end

-- The calls that the pieces of some chunks (a list of lists) are put together to, each as "id name arguments".
local function calls_of(chunks)
  local calls, arguments = tool_calls.new(), {}
  for number, chunk in ipairs(chunks) do
    for _, one in ipairs(chunk) do
      local said = tool_calls.read(one)
      local call = calls:take(said, number)
      arguments[call] = (arguments[call] or "") .. said.arguments
    end
  end
  local shown = {}
  for i, call in ipairs(calls.list) do
    shown[i] = ("%s %s %s"):format(call.id or "-", call.name or "-", arguments[call] .. (call.held or ""))
  end
  return shown
end

-- { what, the piece, what it says }
local PIECES = {
  { "all of it", piece(0, "a", "f", "{}"), { index = 0, id = "a", name = "f", arguments = "{}" } },
  { "nothing", {}, { arguments = "" } },
  { "an index in a string", piece("1"), { index = 1, arguments = "" } },
  { "an index in words", piece("first"), { index = "first", arguments = "" } },
  { "an index that is none", piece("nan"), { index = "nan", arguments = "" } },
  { "an index that is null", piece(json.null, "a"), { id = "a", arguments = "" } },
  { "an index that is a table", piece({}, "a"), { id = "a", arguments = "" } },
  { "an index that is empty", piece("", "a"), { id = "a", arguments = "" } },
  { "empty words", piece(0, "", "", ""), { index = 0, arguments = "" } },
  { "nulls", piece(0, json.null, json.null, json.null), { index = 0, arguments = "" } },
  { "words that are tables", piece(0, {}, {}, ""), { index = 0, arguments = "" } },
  { "an ID that is a number", piece(0, 12), { index = 0, id = "12", arguments = "" } },
  { "arguments that are an object", piece(0, "a", "f", { b = 1, a = { 2 } }),
    { index = 0, id = "a", name = "f", arguments = '{"a":[2],"b":1}', is_whole = true } },
  { "arguments that hold nothing but null", json.decode_answer '{"function":{"name":"f","arguments":{"a":null}}}',
    { name = "f", arguments = '{"a":null}', is_whole = true } },
  { "arguments that hold NaN", json.decode_answer '{"function":{"name":"f","arguments":{"a":NaN}}}',
    { name = "f", arguments = '{"a":NaN}', is_whole = true } },
  { "an input that holds NaN", json.decode_answer '{"type":"tool_use","name":"f","input":{"a": NaN}}',
    { name = "f", arguments = '{"a": NaN}' } },
  { "an input as it is written", json.decode_answer '{"type":"tool_use","name":"f","input":{"b": 1,"a":[ ]}}',
    { name = "f", arguments = '{"b": 1,"a":[ ]}', is_whole = true } },
  { "an input of nothing but a space", json.decode_answer '{"type":"tool_use","name":"f","input":{ }}',
    { name = "f", arguments = "", is_whole = true } },
  { "arguments that are a list", piece(0, "a", "f", { 1 }),
    { index = 0, id = "a", name = "f", arguments = "[1]", is_whole = true } },
  { "arguments that are an empty table", piece(0, "a", "f", {}),
    { index = 0, id = "a", name = "f", arguments = "", is_whole = true } },
  { "arguments that JSON cannot say", piece(0, "a", "f", { print }),
    { index = 0, id = "a", name = "f", arguments = "", is_whole = true } },
  { "arguments that are a number", piece(0, "a", "f", 0.1), { index = 0, id = "a", name = "f", arguments = "0.1" } },
  { "arguments that are true", piece(0, "a", "f", true), { index = 0, id = "a", name = "f", arguments = "" } },
  { "arguments under another name", { ["function"] = { name = "f", parameters = { a = 1 } } },
    { name = "f", arguments = '{"a":1}', is_whole = true } },
  { "an input", { id = "a", custom = { name = "f", input = "text" } }, { id = "a", name = "f", arguments = "text" } },
  { "arguments before an input", { ["function"] = { arguments = "{}", input = "x", parameters = "y" } },
    { arguments = "{}" } },
  { "no function around it", { id = "a", name = "f", arguments = "{}" }, { id = "a", name = "f", arguments = "{}" } },
  { "a name beside the function",
    { name = "f", ["function"] = { arguments = "{}" } }, { name = "f", arguments = "{}" } },
  { "a function that is its name", { id = "a", ["function"] = "f" }, { id = "a", name = "f", arguments = "" } },
  { "a function that is a number", { id = "a", ["function"] = 5 }, { id = "a", arguments = "" } },
}

-- { what, the chunks, the calls }
local CALLS = {
  { "one, whole", { { piece(0, "a", "f", "{}") } }, { "a f {}" } },
  { "one in pieces, the ID and the name in the first",
    { { piece(0, "a", "f", "") }, { piece(0, nil, nil, "{") }, { piece(0, nil, nil, "}") } }, { "a f {}" } },
  { "one in pieces, the ID and the name in each",
    { { piece(0, "a", "f", "{") }, { piece(0, "a", "f", "}") } }, { "a f {}" } },
  { "one in pieces, the name in each", { { piece(0, "a", "f", "{") }, { piece(0, nil, "f", "}") } }, { "a f {}" } },
  { "one in pieces, the ID in each", { { piece(0, "a", "f", "{") }, { piece(0, "a", nil, "}") } }, { "a f {}" } },
  { "one in pieces, each with an ID of its own",
    { { piece(0, "a", "f", "{") }, { piece(0, "b", nil, "}") }, { piece(0, "c", nil, " ") } }, { "a f {} " } },
  { "one in pieces without an index", { { piece(nil, "a", "f", "{") }, { piece(nil, nil, nil, "}") } }, { "a f {}" } },
  { "one in pieces without an index, the ID in each",
    { { piece(nil, "a", "f", "{") }, { piece(nil, "a", nil, "}") } }, { "a f {}" } },
  { "one whose name comes late", { { piece(0, "a") }, { piece(0, nil, "f", "{}") } }, { "a f {}" } },
  { "one whose name comes after its arguments", { { piece(0, "a", nil, "{}") }, { piece(0, nil, "f") } },
    { "a f {}" } },
  { "one whose ID comes late", { { piece(0, nil, "f") }, { piece(0, "a", nil, "{}") } }, { "a f {}" } },
  { "one whose ID and name come late", { { piece(0, nil, nil, "{") }, { piece(0, "a", "f", "}") } }, { "a f {}" } },
  { "one whose index comes late", { { piece(nil, "a", "f", "{") }, { piece(0, nil, nil, "}") } }, { "a f {}" } },
  { "one whose index comes late, with its ID", { { piece(nil, "a", "f", "{") }, { piece(0, "a", nil, "}") } },
    { "a f {}" } },
  { "one that goes on without its index", { { piece(3, "a", "f", "{") }, { piece(nil, nil, nil, "}") } },
    { "a f {}" } },
  { "one at an index in a string, then in a number", { { piece("0", "a", "f", "{") }, { piece(0, nil, nil, "}") } },
    { "a f {}" } },
  { "one whose text has a brace after a brace", { { piece(0, "a", "f", '"a}') }, { piece(0, "a", "f", '{b"') } },
    { 'a f "a}{b"' } },

  { "one whose ID and name come after the first of its arguments", {
    { piece(0, nil, nil, "1") }, { piece(0, "a", "f", "2") }, { piece(0, "a", nil, "3") },
  }, { "a f 123" } },
  { "one whose ID comes after its name and the first of its arguments", {
    { piece(nil, nil, "f", '{"a"') }, { piece(nil, "a", "f", ":1}") },
  }, { 'a f {"a":1}' } },
  { "two, the second alone with an ID", {
    { piece(nil, nil, "f", "{}") }, { piece(nil, "a", "f", "{}") },
  }, { "- f {}", "a f {}" } },
  { "one whose arguments come whole at the end once more", {
    { piece(0, "a", "f", "") }, { piece(0, "a", nil, '{"b"') }, { piece(0, nil, nil, ":1}") },
    { piece(0, "a", "f", '{"b":1}') }, { piece(0, nil, nil, '{"b":1}') },
  }, { 'a f {"b":1}' } },
  { "one whose arguments come twice as an object", {
    { piece(0, "a", "f", { b = 1 }) }, { piece(0, "a", "f", { b = 1 }) },
  }, { 'a f {"b":1}' } },
  { "one whose arguments come once more as a text in a text", {
    { piece(0, "a", "f", '{"b":') }, { piece(0, "a", nil, ' "}"}') }, { piece(0, "a", "f", '"{\\"b\\":\\"}\\"}"') },
  }, { 'a f {"b": "}"}' } },
  { "one whose arguments have such a text in them, or another one behind", {
    { piece(0, "a", "f", '{"b":["}') }, { piece(0, "a", nil, '"{') }, { piece(0, "a", nil, '"{\\"b\\":2}"') },
  }, { 'a f {"b":["}"{"{\\"b\\":2}"' } },
  { "one whose arguments do not come once more", {
    { piece(0, "a", "f", '{"a":1}') }, { piece(0, "a", nil, '{"b":1}') },
  }, { 'a f {"a":1}{"b":1}' } },
  { "one of the same pieces", { { piece(0, "a", "f", "1") }, { piece(0, nil, nil, "1") } }, { "a f 11" } },
  { "one of long arguments, which are not kept", {
    { piece(0, "a", "f", '{"b":"' .. ("x"):rep(65536) .. '"}') }, { piece(0, "a", nil, "{}") },
  }, { 'a f {"b":"' .. ("x"):rep(65536) .. '"}{}' } },

  { "two, by their index", {
    { piece(0, "a", "f", "1") }, { piece(1, "b", "g", "2") }, { piece(0, nil, nil, "3"), piece(1, nil, nil, "4") },
  }, { "a f 13", "b g 24" } },
  { "two, by indexes from 1", { { piece(1, "a", "f", "1") }, { piece(2, "b", "g", "2") } }, { "a f 1", "b g 2" } },
  { "two, by indexes in words", { { piece("x", "a", "f", "1") }, { piece("y", "b", "f", "2") } },
    { "a f 1", "b f 2" } },
  { "two of one ID, by their index", { { piece(0, "a", "f", "1") }, { piece(1, "a", "f", "2") } },
    { "a f 1", "a f 2" } },
  { "two of one ID in one chunk, by the end of the arguments", { {
    piece(nil, "a", "f", "{}"), piece(nil, "a", "f", '{"b":1}'), piece(0, "a", "f", { c = 1 }), piece(0, "a", nil, " "),
  } }, { "a f {}", 'a f {"b":1}', 'a f {"c":1} ' } },
  { "two without ID and name, by their index", { { piece(0, nil, nil, "1") }, { piece(1, nil, nil, "2") } },
    { "- - 1", "- - 2" } },
  { "two, the second by an index, a name and no ID", { { piece(nil, "a", "f", "1") }, { piece(1, nil, "g", "2") } },
    { "a f 1", "- g 2" } },
  { "two, the second by an index and an ID", { { piece(nil, "a", "f", "1") }, { piece(1, "b", nil, "2") } },
    { "a f 1", "b - 2" } },
  { "two at one index, by their ID", { { piece(0, "a", "f", "{}") }, { piece(0, "b", "f", "{}") } },
    { "a f {}", "b f {}" } },
  { "two at one index in pieces, by their ID", {
    { piece(0, "a", "f", "1") }, { piece(0, nil, nil, "2") }, { piece(0, "b", "f", "3") }, { piece(0, nil, nil, "4") },
  }, { "a f 12", "b f 34" } },
  { "two at one index in one chunk, by their ID alone", { { piece(0, "a"), piece(0, "b") } }, { "a - ", "b - " } },
  { "two without an index, by their ID", { { piece(nil, "a", "f", "1") }, { piece(nil, "b", "f", "2") },
    { piece(nil, "a", nil, "3") } }, { "a f 13", "b f 2" } },
  { "two without an index in one chunk, by their ID", { { piece(nil, "a", "f", "1"), piece(nil, "b", "f", "2") } },
    { "a f 1", "b f 2" } },
  { "two by their names", { { piece(nil, nil, "f", "1") }, { piece(nil, nil, "g", "2") } }, { "- f 1", "- g 2" } },
  { "two at one index by their names", { { piece(0, nil, "f", "1") }, { piece(0, nil, "g", "2") } },
    { "- f 1", "- g 2" } },
  { "two of one ID by their names", { { piece(nil, "0", "f", "1") }, { piece(nil, "0", "g", "2") },
    { piece(nil, "0", nil, "3") } }, { "0 f 1", "0 g 23" } },
  { "two of one name in one chunk", { { piece(nil, nil, "f", "1"), piece(nil, nil, "f", "2") } },
    { "- f 1", "- f 2" } },
  { "two of one name at one index in one chunk", { { piece(0, nil, "f", "1"), piece(0, nil, "f", "2") } },
    { "- f 1", "- f 2" } },
  { "two of one name, each whole", { { piece(nil, nil, "f", '{"a":1}') }, { piece(nil, nil, "f", '{"a":2}') } },
    { '- f {"a":1}', '- f {"a":2}' } },
  { "two of one name at one index, each whole",
    { { piece(0, nil, "f", '{"a":1}') }, { piece(0, nil, "f", ' {"a":2}') } }, { '- f {"a":1}', '- f  {"a":2}' } },
  { "two of one name, the first in pieces", {
    { piece(nil, nil, "f", "{") }, { piece(nil, nil, "f", "}") }, { piece(nil, nil, "f", "") },
    { piece(nil, nil, "f", "{}") },
  }, { "- f {}", "- f {}" } },
  { "two with objects for arguments", { { piece(nil, nil, "f", { a = 1 }) }, { piece(nil, nil, "f", { a = 2 }) } },
    { '- f {"a":1}', '- f {"a":2}' } },
  { "one whose name and ID come in one chunk", { { piece(0, "a"), piece(0, nil, "f") } }, { "a f " } },
  { "one whose ID and name come in one chunk", { { piece(nil, nil, "f"), piece(nil, "a") } }, { "a f " } },
  { "two with empty objects for arguments", { { piece(nil, nil, "f", {}) }, { piece(nil, nil, "f", {}) } },
    { "- f ", "- f " } },
  { "two, an object after a text", { { piece(nil, nil, "f", "{}") }, { piece(nil, nil, "f", {}) } },
    { "- f {}", "- f " } },
  { "one with an object, and an empty piece after it",
    { { piece(0, nil, "f", { a = 1 }) }, { piece(0, nil, "f", "") } },
    { '- f {"a":1}' } },
  { "one with all of it once more, written otherwise",
    { { piece(0, "a", "f", '{"x": ') }, { piece(0, nil, nil, '[1]}') }, { piece(0, "a", "f", '{"x":[1]}') } },
    { 'a f {"x": [1]}' } },
  { "one with a text, and the object once more",
    { { piece(0, "a", "f", '{ "b":"\\u00e9","a":null}') }, { piece(0, "a", "f", { a = json.null, b = "é" }) } },
    { 'a f { "b":"\\u00e9","a":null}' } },
  { "one that begins with an empty object",
    { { piece(0, "a", "f", "{ }") }, { piece(0, nil, nil, '{"x"') }, { piece(0, nil, nil, ":1}") } },
    { 'a f {"x":1}' } },
  { "one that begins with an empty object, said twice",
    { { piece(0, "a", "f", "{}") }, { piece(0, nil, nil, "{}") }, { piece(0, nil, nil, "") } }, { "a f {}" } },
  { "one that is broken after an empty object",
    { { piece(0, "a", "f", "{}") }, { piece(0, nil, nil, "]") }, { piece(0, nil, nil, "{") } }, { "a f {}]{" } },
  { "one with an empty object in a text",
    { { piece(0, "a", "f", '{"x":"') }, { piece(0, nil, nil, "{}") }, { piece(0, nil, nil, '{}"}') } },
    { 'a f {"x":"{}{}"}' } },
  { "three in one chunk", { { piece(0, "a", "f", "1"), piece(1, "b", "f", "2"), piece(2, "c", "f", "3") } },
    { "a f 1", "b f 2", "c f 3" } },
}

describe("a piece of a tool call", function()
  for _, case in ipairs(PIECES) do
    it("says " .. case[1], function()
      assert.same(case[3], tool_calls.read(case[2]))
    end)
  end
end)

describe("tool calls", function()
  for _, case in ipairs(CALLS) do
    it("are " .. case[1], function()
      assert.same(case[3], calls_of(case[2]))
    end)
  end

  it("have a function call beside them that is one of them, by its name", function()
    for _, case in ipairs {
      { { piece(0, "a", "f") }, { name = "f" }, true }, { { piece(0, "a", "f") }, { arguments = "{" }, true },
      { piece(0, "a", "f"), { name = "f" }, true }, { { piece(0, "a"), piece(1, "b", "g") }, { name = "g" }, true },
      { { piece(0, "a", "f") }, { name = "g" }, false }, { {}, { name = "f" }, false }, { nil, { name = "f" }, false },
      { { 5, "x" }, {}, false }, { { piece(0, "a", "f") }, "f", false }, { { piece(0, "a", "f") }, nil, false },
    } do
      assert.equal(case[3], tool_calls.has(case[1], case[2]))
    end
  end)

  it("count what is kept of their arguments", function()
    local budget = budgets.new()
    local calls = tool_calls.new(budget)
    calls:take(tool_calls.read(piece(0, "a", "f", "")), 1)
    local before = budget.held
    calls:take(tool_calls.read(piece(0, nil, nil, ("x"):rep(1000))), 2)
    assert.equal(before + 1000, budget.held)
    calls:take(tool_calls.read(piece(0, nil, nil, ("x"):rep(65536))), 3)
    assert.equal(before + 1000, budget.held)
  end)

  it("hand on an empty object with what follows it, unless that begins anew", function()
    for _, case in ipairs { { "{ }", "", "" }, { "{}", " ", "{} " }, { "{}", "{", "{" }, { "{}", "{}", "" } } do
      local calls, second = tool_calls.new(), tool_calls.read(piece(0, nil, nil, case[2]))
      local first = tool_calls.read(piece(0, "a", "f", case[1]))
      local call = calls:take(first, 1)
      assert.equal("", first.arguments)
      assert.equal(case[1], call.held)
      calls:take(second, 2)
      assert.equal(case[3], second.arguments)
    end
  end)

  it("are compared as texts alone where a piece is much shorter", function()
    local calls = tool_calls.new()
    local text = '{"x":"' .. ("{}"):rep(20)
    calls:take(tool_calls.read(piece(0, "a", "f", text)), 1)
    local call = calls:take(tool_calls.read(piece(0, nil, nil, "{}")), 2)
    assert.equal(text .. "{}", call.heard:text())
  end)

  it("say what is others than what has come", function()
    local calls = tool_calls.new()
    local call = calls:take(tool_calls.read(piece(0, "a", "f", '{"x": 1}')), 1)
    for said, rest in pairs { ['{"x":1}'] = "", ['{"x": 1} '] = " ", ['{"x"'] = "", [""] = "" } do
      assert.equal(rest, tool_calls.rest(call, tool_calls.read(piece(nil, "a", "f", said))))
    end
    assert.is_nil(tool_calls.rest(call, tool_calls.read(piece(nil, "a", "f", { x = 2 }))))
    assert.is_nil(tool_calls.rest(call, tool_calls.read(piece(nil, "a", "f", '{"x":['))))
  end)

  it("are known again under another ID where they are the same", function()
    local calls = tool_calls.new()
    local call = calls:take(tool_calls.read(piece(0, "a", "f", '{"x": 1}')), 1)
    for _, arguments in ipairs { { x = 1 }, '{"x":1}', '{"x": 1}' } do
      assert.equal(call, calls:again(tool_calls.read(piece(nil, "b", "f", arguments)), 1))
    end
    for _, arguments in ipairs { { x = 2 }, '{"x":', "", {} } do
      assert.is_nil(calls:again(tool_calls.read(piece(nil, "b", "f", arguments)), 1))
    end
    local empty = calls:take(tool_calls.read(piece(1, "c", "f", "{}")), 1)
    assert.equal(empty, calls:again(tool_calls.read(piece(nil, "d", "f", {})), 2))
  end)

  it("keep what else is noted on them", function()
    local calls = tool_calls.new()
    local call = calls:take(tool_calls.read(piece(0, "a", "f", "1")), 1)
    call.index = 7
    local again = calls:take(tool_calls.read(piece(0, "b", nil, "2")), 2)
    assert.equal(call, again)
    assert.equal(7, again.index)
    assert.equal("a", again.id)
    assert.equal(1, #calls.list)
  end)

  it("of one choice are not those of another", function()
    tool_calls.new():take(tool_calls.read(piece(0, "a", "f", "1")), 1)
    assert.same({}, tool_calls.new().list)
  end)
end)
