-- One turn: what becomes of an answer, of each call in it, and of the request that follows.

local anthropic = require "anthropic"
local json = require "anthropic.base.json"
local message = require "anthropic.message.message"
local tool_turn = require "anthropic.helpers.tool_turn"

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

local client = {}

local function tool(name, run)
  return anthropic.tool { name = name, run = run or function(input) return input end }
end

local function use(name, input, fields)
  local block = { type = "tool_use", id = "id_" .. tostring(name), name = name, input = input }
  for key, value in pairs(fields or {}) do
    block[key] = value
  end
  return block
end

local function answer(blocks, stop_reason, fields)
  local whole = { type = "message", role = "assistant", content = blocks, stop_reason = stop_reason or "tool_use" }
  for key, value in pairs(fields or {}) do
    whole[key] = value
  end
  return message.new(whole)
end

-- A run before its first turn; its parameters are sent but for the callbacks.
local function new(params)
  params = params or {}
  local request = {
    messages = { { role = "user", content = "go" } }, tools = params.tools, container = params.container,
  }
  return {
    client = client, params = params, request = request, tools = params.tools, limits = {},
    run = { messages = request.messages, turns = {} },
  }
end

-- The turn of one call, and its result.
local function turn_of(block, params, stop_reason)
  local turn = assert(tool_turn.take(new(params), answer({ block }, stop_reason)))
  assert.equal(1, #turn.calls)
  assert.equal(1, #turn.results)
  return turn, turn.results[1]
end

local function raise()
  error "it ran"
end

describe("a turn", function()
  it("is entered into its run, with its number and the answer", function()
    local self = new { tools = { tool "a" } }
    for number = 1, 2 do
      local whole = answer { use("a", {}) }
      local turn = tool_turn.take(self, whole)
      assert.equal(number, turn.number)
      assert.equal(number, turn.calls[1].turn)
      assert.equal(whole, turn.message)
      assert.equal(turn, self.run.turns[number])
    end
    assert.equal(2, #self.run.turns)
  end)

  it("without a call adds the answer alone to the history", function()
    local self = new()
    local whole = answer({ { type = "text", text = "Done." } }, "end_turn")
    local turn = tool_turn.take(self, whole)
    assert.same({}, turn.calls)
    assert.same({}, turn.results)
    assert.equal(2, #self.request.messages)
    assert.equal(whole, self.request.messages[2])
  end)

  it("adds the answer and the results of all calls, in the order of the blocks", function()
    local self = new { tools = { tool("b", function() return "of b" end), tool "a" } }
    local whole = answer { { type = "text", text = "See." }, use("a", { x = 1 }), use("b", {}) }
    local turn = tool_turn.take(self, whole)
    assert.equal(3, #self.request.messages)
    assert.equal(whole, self.request.messages[2])
    assert.same({ role = "user", content = turn.results }, self.request.messages[3])
    assert.is_true(json.is_array(self.request.messages[3].content))
    assert.same({
      { type = "tool_result", tool_use_id = "id_a", content = '{"x":1}' },
      { type = "tool_result", tool_use_id = "id_b", content = "of b" },
    }, turn.results)
  end)

  it("adds no answer without content", function()
    local self = new()
    assert(tool_turn.take(self, answer({}, "pause_turn")))
    assert.equal(1, #self.request.messages)
  end)

  it("of a refusal runs nothing and adds nothing, but is told", function()
    local told
    local self = new { tools = { tool("a", raise) }, on_tool_use = raise, on_turn = function(turn) told = turn end }
    local turn = tool_turn.take(self, answer({ use("a", {}) }, "refusal", { container = { id = "c" } }))
    assert.same({}, turn.calls)
    assert.same({}, turn.results)
    assert.equal(1, #self.request.messages)
    assert.is_nil(self.request.container)
    assert.equal(turn, told)
  end)

  it("is told when its results are in the history", function()
    local told
    local self
    self = new { tools = { tool "a" }, on_turn = function(turn)
      told = turn
      assert.equal(3, #self.request.messages)
      assert.equal(1, #turn.results)
    end }
    assert.equal(tool_turn.take(self, answer { use("a", {}) }), told)
  end)

  it("that is cancelled adds nothing, and its error has the answer", function()
    local self = new { tools = { tool("a", function() anthropic.sleep(60) end) }, on_turn = raise }
    local whole = answer({ use("a", {}) }, nil, { container = { id = "c" } })
    local turn, err
    anthropic.run(function()
      local task = anthropic.spawn(function()
        turn, err = tool_turn.take(self, whole)
      end)
      anthropic.sleep(0.001)
      task:cancel()
      task:join()
    end)
    assert.is_nil(turn)
    assert.equal("cancelled", err.kind)
    assert.equal(whole, err.partial)
    assert.equal(1, #self.request.messages)
    assert.equal(1, #self.run.turns)
    assert.is_nil(self.request.container)
  end)

  it("has the limits of its run", function()
    local self = new { tools = { tool("a", function() return ("x"):rep(20) end) } }
    self.limits = { bytes = 10 }
    assert.equal("xxxxxxxxxx\n[cut: the first 10 of 20 bytes]",
      tool_turn.take(self, answer { use("a", {}) }).results[1].content)
  end)
end)

describe("the calls of an answer", function()
  it("are its tool_use blocks, each with what it is", function()
    local a = tool "a"
    local whole = answer { { type = "server_tool_use", id = "s", name = "a", input = {} }, use("a", { x = 1 }) }
    local calls = tool_turn.take(new { tools = { a } }, whole).calls
    assert.equal(1, #calls)
    local call = calls[1]
    assert.equal("id_a", call.id)
    assert.equal("a", call.name)
    assert.same({ x = 1 }, call.input)
    assert.equal(a, call.tool)
    assert.equal(whole.content[2], call.block)
    assert.equal(whole, call.message)
    assert.equal(client, call.client)
    assert.is_nil(call.toolset_name)
    assert.is_nil(call.answer)
  end)

  it("are those behind the last fallback", function()
    local turn = tool_turn.take(new { tools = { tool("a", raise), tool("b", raise), tool("c") } }, answer {
      use("a", {}), { type = "fallback" }, use("b", {}), { type = "fallback" }, { type = "text", text = "x" },
      use("c", {}),
    })
    assert.equal(1, #turn.calls)
    assert.equal("c", turn.calls[1].name)
  end)

  it("have the name of their toolset", function()
    local set = anthropic.tool { type = "computer_toolset_1", run = function() return "seen" end }
    local turn = turn_of(use("click", {}, { toolset_name = "computer" }), { tools = { set } })
    assert.equal("computer", turn.calls[1].toolset_name)
    assert.equal(set, turn.calls[1].tool)
  end)

  it("have a name only where it is one", function()
    for _, name in ipairs { 5, {}, json.null, "" } do
      assert.is_nil(turn_of(use(name, {})).calls[1].name)
    end
  end)

  it("are looked up in the tools as the history has left them", function()
    local self = new { tools = { tool("a", raise) } }
    self.request.messages[2] = { role = "system", content = {
      { type = "tool_removal", tool = { type = "tool_reference", name = "a" } },
    } }
    local turn = tool_turn.take(self, answer { use("a", {}) })
    assert.is_true(turn.results[1].is_error)
    assert.is_nil(turn.calls[1].tool)
  end)

  it("have a copy of the input, with what its tables are", function()
    local input = { list = json.array { 1 }, empty = json.array {}, deep = { x = { 1 } } }
    local whole = answer { use("a", input) }
    local turn = tool_turn.take(new { tools = { tool("a", function(given)
      assert.equal("[]", json.encode(given.empty))
      given.list[2], given.deep.x, given.new = 2, 2, true
    end) } }, whole)
    assert.same({ list = { 1 }, empty = {}, deep = { x = { 1 } } }, whole.content[1].input)
    assert.same({ list = { 1, 2 }, empty = {}, deep = { x = 2 }, new = true }, turn.calls[1].input)
    assert.is_true(json.is_array(turn.calls[1].input.list))
  end)
end)

describe("a call that cannot be run", function()
  local function assert_answered(words, block, params, stop_reason)
    params = params or { tools = { tool("a", raise) } }
    params.on_tool_use = raise
    local turn, result = turn_of(block, params, stop_reason)
    assert.same({ type = "tool_result", tool_use_id = block.id, content = words, is_error = true }, result)
    assert.equal(result, turn.calls[1].answer)
  end

  it("was cut off", function()
    for _, reason in ipairs { "max_tokens", "model_context_window_exceeded" } do
      local words = ("the call was cut off (%s); it was not run"):format(reason)
      assert_answered(words, use("a", {}), nil, reason)
      assert_answered(words, use("none", nil, { input_error = "x" }), {}, reason) -- whatever else is wrong with it
    end
  end)

  it("is the last block alone of an answer that was cut off", function()
    for _, last in ipairs { use("b", {}), { type = "text", text = "and" } } do
      local turn = tool_turn.take(new { tools = { tool "a", tool("b", raise) } },
        answer({ use("a", { x = 1 }), last }, "max_tokens"))
      assert.equal('{"x":1}', turn.results[1].content)
      assert.equal(last.type == "tool_use" and 2 or 1, #turn.results)
    end
    assert.is_nil(select(2, turn_of(use("a", {}), { tools = { tool "a" } }, "end_turn")).is_error)
  end)

  it("has an input that is no JSON", function()
    local block = use("a", { x = 1 }, { input_error = "unexpected end at byte 3", input_json = "{" })
    assert_answered("the input is not valid JSON: unexpected end at byte 3; the tool was not run", block)
    assert.is_nil(turn_of(block).calls[1].input)
  end)

  it("has an input that is no object", function()
    for _, input in ipairs { "x", "[1]", 5, true, json.array { 1 } } do
      assert_answered("the input is not an object; the tool was not run", use("a", input))
    end
  end)

  it("has no tool, and the result its name", function()
    for name, words in pairs {
      none = '"none"', [5] = '"5"', [("x"):rep(128)] = '"' .. ("x"):rep(128) .. '"',
      [("x"):rep(129)] = '"' .. ("x"):rep(128) .. '..."', ["a\"b"] = '"a\\"b"', [{}] = "(a table)",
      [json.null] = "(null)", [true] = '"true"',
    } do
      assert_answered(("no tool named %s can be run"):format(words), use(name, {}))
    end
  end)

  it("is not one whose input says nothing, or is the text of an object", function()
    for _, input in ipairs { json.null, "", json.array {}, "{}" } do
      local block = use("a", input)
      local turn, result = turn_of(block, { tools = { tool "a" } })
      assert.equal("{}", result.content)
      assert.same({}, turn.calls[1].input)
      assert.equal(input, block.input) -- it is sent again as it came
    end
  end)

  it("does not keep the others from running, nor from being asked about", function()
    local asked = {}
    local turn = tool_turn.take(new { tools = { tool "a" }, on_tool_use = function(call)
      asked[#asked + 1] = call.name
      return true
    end }, answer { use("none", {}), use("a", { x = 1 }) })
    assert.same({ "a" }, asked)
    assert.is_true(turn.results[1].is_error)
    assert.same({ type = "tool_result", tool_use_id = "id_a", content = '{"x":1}' }, turn.results[2])
  end)
end)

describe("the hook of a turn", function()
  local function decide(...)
    local count, values = select("#", ...), { ... }
    local _, result = turn_of(use("a", { x = 1 }), {
      tools = { tool "a" },
      on_tool_use = function()
        return unpack(values, 1, count)
      end,
    })
    return result
  end

  it("is asked about every call before the first tool runs", function()
    local steps = {}
    local function noted(name)
      return tool(name, function() steps[#steps + 1] = "run " .. name end)
    end
    assert(tool_turn.take(new { tools = { noted "a", noted "b" }, on_tool_use = function(call)
      steps[#steps + 1] = "ask " .. call.name
      return true
    end }, answer { use("a", {}), use("b", {}) }))
    assert.same({ "ask a", "ask b", "run a", "run b" }, steps)
  end)

  it("lets a call run by true alone", function()
    assert.same({ type = "tool_result", tool_use_id = "id_a", content = '{"x":1}' }, decide(true, "ignored"))
    for _, values in ipairs { { n = 1, false }, { n = 0 }, { n = 1 }, { n = 1, "yes" }, { n = 1, 1 } } do
      assert.same({ type = "tool_result", tool_use_id = "id_a", content = "the call was refused", is_error = true },
        decide(unpack(values, 1, values.n)))
    end
  end)

  it("has the reason of its refusal sent", function()
    assert.same({ type = "tool_result", tool_use_id = "id_a", content = "not allowed", is_error = true },
      decide(false, "not allowed"))
    assert.equal("not allowed", decide(nil, "not allowed").content)
    assert.equal("false", decide(false, false).content)
  end)

  it("gives another input by a table", function()
    assert.equal('{"y":2}', decide({ y = 2 }).content)
  end)
end)

describe("the container of the next request", function()
  local function container(given, of_answer)
    local self = new { container = given }
    local before = json.encode(given == nil and json.null or given)
    assert(tool_turn.take(self, answer({}, "end_turn", { container = of_answer })))
    assert.equal(before, json.encode(given == nil and json.null or given)) -- the caller's stays as it is
    return self.request.container
  end

  it("is the answer's, where the caller named none", function()
    assert.equal("c1", container(nil, { id = "c1" }))
    assert.equal("c1", container(json.null, { id = "c1" }))
    assert.same({ id = "c1", skills = { "s" } }, container({ skills = { "s" } }, { id = "c1" }))
    assert.same({ id = "c1" }, container({ id = json.null }, { id = "c1" }))
  end)

  it("is the caller's, where it has a name", function()
    assert.equal("c1", container("c1", { id = "c2" }))
    assert.same({ id = "c1" }, container({ id = "c1" }, { id = "c2" }))
    local raw = json.raw '{"skills":[]}'
    assert.equal(raw, container(raw, { id = "c2" }))
  end)

  it("is the caller's, where the answer names none", function()
    for _, odd in ipairs { {}, "c2", 5, true, json.null, { id = "" }, { id = 5 }, { id = {} }, { id = json.null } } do
      assert.is_nil(container(nil, odd))
      assert.same({ skills = { "s" } }, container({ skills = { "s" } }, odd))
    end
    assert.equal("c1", container("c1"))
  end)

  it("follows from turn to turn", function()
    for _, given in ipairs { false, { skills = { "s" } } } do
      local self = new { container = given or nil }
      for _, id in ipairs { "c1", "c2" } do
        assert(tool_turn.take(self, answer({}, "pause_turn", { container = { id = id } })))
        assert.equal(id, given and self.request.container.id or self.request.container)
      end
    end
  end)
end)
