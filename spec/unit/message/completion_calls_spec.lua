-- The calls of a choice: their blocks, whatever servers say of them first, and what they say once more.

local budgets = require "anthropic.message.budget"
local calls = require "anthropic.message.completion_calls"
local json = require "anthropic.base.json"
local tool_calls = require "anthropic.message.tool_calls"

local function new_choice()
  return {
    number = 0, next_index = 0, shared = { events = {}, has_begun = false, id = "c1", chunk = 1 },
    calls = tool_calls.new(budgets.new()), call_pieces = 0, begun_calls = 0, ids = {}, kept = {},
    budget = budgets.new(),
  }
end

-- The events since the last time: "start 0 a f", "delta 0 {}", "stop 0", "unknown 0".
local function news_of(choice)
  local list = {}
  for i, event in ipairs(choice.shared.events) do
    local block, delta = event.content_block or {}, event.delta or {}
    local words = { event.type:match "([a-z]+)$", event.index, block.id, block.name, delta.partial_json }
    list[i] = event.type == "unknown_delta" and "unknown " .. json.encode(delta) or nil
    if not list[i] then
      local said = {}
      for j = 1, 5 do
        said[#said + 1] = words[j] ~= nil and tostring(words[j]) or nil
      end
      list[i] = table.concat(said, " ")
    end
  end
  choice.shared.events = {}
  choice.shared.chunk = choice.shared.chunk + 1
  return list
end

local function piece(id, name, arguments, index)
  return { index = index, id = id, ["function"] = { name = name, arguments = arguments } }
end

describe("the calls of a choice", function()
  local choice

  before_each(function()
    choice = new_choice()
  end)

  it("begin once their name and ID are known, and end together", function()
    calls.add_all(choice, { piece("a", nil, nil, 0) })
    assert.same({}, news_of(choice))
    calls.add_all(choice, { piece(nil, "f", "{", 0), piece("b", "g", "{}", 1) })
    assert.same({ "start 0 a f", "delta 0 {", "start 1 b g" }, news_of(choice))
    calls.add(choice, piece(nil, nil, "}", 0))
    calls.finish(choice)
    assert.same({ "delta 0 }", "stop 0", "delta 1 {}", "stop 1" }, news_of(choice)) -- more might have come
    assert.equal(2, choice.begun_calls)
  end)

  it("keep what is no call", function()
    calls.add_all(choice, 5)
    calls.add_all(choice, { "x", { "y" }, { index = 3, extra = "e" } })
    assert.same({
      'unknown {"tool_calls":5}', 'unknown {"tool_calls":"x"}', 'unknown {"tool_calls":["y"]}',
      'unknown {"tool_calls":{"extra":"e","index":3}}',
    }, news_of(choice))
    assert.is_false(choice.shared.has_begun)
  end)

  it("that are said once more bring what had not come of them", function()
    calls.add_all(choice, { piece("a", "f", '{"x":', 0), piece("b", "g", "", 1) })
    news_of(choice)
    calls.add_rest_of_all(choice, { piece("a", "f", '{"x":1}'), piece("b", "g", "{}"), piece("c", "h", "{}") })
    assert.same({ "delta 0 1}", "start 2 c h" }, news_of(choice))
    calls.add_rest_of_all(choice, { piece("a", "f", '{"x":1}'), piece("b", "g", "{}"), piece("c", "h", "{}") })
    assert.same({}, news_of(choice))
    for _ = 1, 2 do
      calls.add_rest_of_all(choice, piece("a", "f", '{"y":2}'))
    end
    assert.same({ -- what came stays
      'unknown {"tool_calls":{"function":{"arguments":"{\\"y\\":2}","name":"f"},"id":"a"}}',
    }, news_of(choice))
    calls.add_rest_of_all(choice, { piece("a", "f", { x = 1 }), piece("b", "g", { y = 2 }) })
    assert.same({ 'delta 1 {"y":2}' }, news_of(choice))
  end)

  it("that are said once more are found by their place where they have no ID, or one of their own", function()
    calls.add_all(choice, { piece(nil, "f", "{}", 0), piece("b", "g", "{", 1) })
    news_of(choice)
    calls.add_rest_of_all(choice, { piece("x", "f", "{}"), piece("y", "g", "{}") })
    assert.same({ "delta 1 }" }, news_of(choice))
    calls.add_rest_of_all(choice, { piece("x", "f", "{}"), piece("z", "other", "{}") })
    assert.same({ "start 2 z other" }, news_of(choice))
  end)
end)
