-- What is known of tool inputs at each event. How JSON is read that is not complete has a spec of its own
-- (spec/unit/json/partial_spec.lua).

local accumulator = require "anthropic.message.accumulator"
local json = require "anthropic.base.json"
local tool_inputs = require "anthropic.stream.tool_inputs"

local function tool_use(index, fields)
  local block = { type = "tool_use", id = "toolu_" .. index, name = "f", input = json.object {} }
  for name, value in pairs(fields or {}) do
    block[name] = value
  end
  return { type = "content_block_start", index = index, content_block = block }
end

local function delta(index, text)
  return { type = "content_block_delta", index = index, delta = { type = "input_json_delta", partial_json = text } }
end

local function stop(index)
  return { type = "content_block_stop", index = index }
end

-- Takes events in, and gives what the watcher gives for the last of them.
local function watching()
  local stream = { accumulators = { [0] = accumulator.new() } }
  local watch = tool_inputs.watcher(stream)
  local function add(event)
    assert(stream.accumulators[0]:add(event))
  end
  return function(event)
    add(event)
    return watch(event)
  end, add, watch
end

describe("a tool's input", function()
  it("grows in one table, and holds what is complete", function()
    local see = watching()
    local id, name, the_input, is_complete, progress = see(tool_use(0))
    assert.equal("toolu_0", id)
    assert.equal("f", name)
    assert.same({}, the_input)
    assert.is_false(is_complete)
    for _, step in ipairs {
      { '{"a":"', {} },
      { "xy", {} },
      { '","b":[1', { a = "xy", b = {} } },
      { ",2]}", { a = "xy", b = { 1, 2 } } },
    } do
      local step_id, step_name, input, complete, same_progress = see(delta(0, step[1]))
      assert.equal("toolu_0", step_id)
      assert.equal("f", step_name)
      assert.equal(the_input, input)
      assert.same(step[2], input)
      assert.is_false(complete)
      assert.equal(progress, same_progress)
    end
    local last_id, _, input, complete = see(stop(0))
    assert.equal("toolu_0", last_id)
    assert.equal(the_input, input)
    assert.is_true(complete)
    assert.is_nil(progress:problem())
  end)

  it("tells of the string that is being written", function()
    local see = watching()
    local _, _, _, _, progress = see(tool_use(0))
    assert.is_nil(progress:path())
    assert.is_nil(progress:text())
    assert.equal("", progress:added())
    see(delta(0, '{"list":[1,"on'))
    assert.same({ "list", 2 }, progress:path())
    assert.equal("on", progress:text())
    assert.equal("on", progress:added())
    see(delta(0, "e t"))
    assert.equal("one t", progress:text())
    assert.equal("e t", progress:added())
    see(delta(0, '"]'))
    assert.is_nil(progress:path())
    assert.equal("", progress:added())
    assert.equal("anthropic.ToolInputProgress", getmetatable(progress).__name)
  end)

  it("is shown at its start and its end, and by no empty piece", function()
    local see = watching()
    assert.equal("toolu_0", (see(tool_use(0))))
    assert.is_nil((see(delta(0, ""))))
    assert.equal("toolu_0", (see(delta(0, "{}"))))
    assert.is_nil((see(delta(0, ""))))
    assert.equal("toolu_0", (see(stop(0))))
  end)

  it("is complete and empty where nothing came", function()
    local see = watching()
    see(tool_use(0))
    local _, _, input, is_complete, progress = see(stop(0))
    assert.same({}, input)
    assert.is_true(is_complete)
    assert.is_nil(progress:problem())
  end)

  it("is the block's own where that came whole", function()
    local see = watching()
    local whole = { a = { b = 1 } }
    local _, _, input, is_complete = see(tool_use(0, { input = whole }))
    assert.equal(whole, input)
    assert.is_false(is_complete)
    local _, _, last, complete = see(stop(0))
    assert.equal(whole, last)
    assert.is_true(complete)
  end)

  it("is what came in pieces where both are there", function()
    local see = watching()
    see(tool_use(0, { input = { a = 1 } }))
    local _, _, input = see(delta(0, '{"b":2}'))
    assert.same({ b = 2 }, input)
    local _, _, last, is_complete = see(stop(0))
    assert.same({ b = 2 }, last)
    assert.is_true(is_complete)
  end)

  it("is the block's own where pieces behind it say nothing", function()
    for _, piece in ipairs { "{}", "{ }", "null", "[]" } do
      local see = watching()
      local whole = { a = 1 }
      see(tool_use(0, { input = whole }))
      see(delta(0, piece))
      local _, _, input, is_complete, progress = see(stop(0))
      assert.equal(whole, input)
      assert.is_true(is_complete)
      assert.is_nil(progress:problem())
    end
  end)

  it("that is no table is shown as far as pieces of it came", function()
    local see = watching()
    local _, _, input = see(tool_use(0, { input = "words" }))
    assert.same({}, input)
    local _, _, last, is_complete, progress = see(stop(0))
    assert.same({}, last)
    assert.is_false(is_complete)
    assert.is_string(progress:problem())
  end)

  it("that is a number is never complete, and said so at its end", function()
    local see = watching()
    see(tool_use(0))
    see(delta(0, "5"))
    local _, _, _, is_complete, progress = see(stop(0))
    assert.is_false(is_complete)
    assert.equal("the input is neither an object nor a list", progress:problem())
  end)

  it("that is the text of an object is complete as that object", function()
    local see = watching()
    see(tool_use(0))
    see(delta(0, [["{\"a\":1}"]]))
    local _, _, input, is_complete = see(stop(0))
    assert.same({ a = 1 }, input)
    assert.is_true(is_complete)
  end)

  it("that goes on after the end of its block is told at the stream's end", function()
    local see, _, watch = watching()
    for index = 0, 2 do
      see(tool_use(index))
      see(delta(index, '{"a":'))
      assert.is_false((select(4, see(stop(index)))))
    end
    see(delta(2, "2"))
    assert.is_false((select(4, see(delta(1, "1}")))))
    local id, name, input, is_complete, progress = watch:late()
    assert.same({ "toolu_1", "f", { a = 1 }, true }, { id, name, input, is_complete })
    assert.is_nil(progress:problem())
    id, name, input, is_complete, progress = watch:late()
    assert.same({ "toolu_2", "f", {}, false }, { id, name, input, is_complete })
    assert.is_string(progress:problem())
    assert.is_nil((watch:late()))
  end)

  describe("of broken JSON", function()
    it("says why, once, and is never complete", function()
      local see = watching()
      see(tool_use(0))
      local id, _, input, is_complete, progress = see(delta(0, '{"a":1,"b":tru}'))
      assert.equal("toolu_0", id)
      assert.same({ a = 1 }, input)
      assert.is_false(is_complete)
      assert.matches("invalid value at byte 15", progress:problem())
      assert.is_nil((see(delta(0, ',"c":2'))))
      assert.matches("byte 15", progress:problem())
      local last_id, _, last, complete = see(stop(0))
      assert.equal("toolu_0", last_id)
      assert.same({ a = 1 }, last)
      assert.is_false(complete)
      assert.matches("byte 15", progress:problem())
    end)

    it("that is not complete is so only at its end", function()
      local see = watching()
      see(tool_use(0))
      local _, _, _, _, progress = see(delta(0, '{"a":1,"b":"x'))
      assert.is_nil(progress:problem())
      local _, _, input, is_complete = see(stop(0))
      assert.same({ a = 1 }, input)
      assert.is_false(is_complete)
      assert.is_string(progress:problem())
    end)
  end)

  it("is not there in other blocks", function()
    local see = watching()
    for _, block in ipairs {
      { type = "text", text = "" }, { type = "tool_user" }, { type = "tool_result" }, { input = {} }, { type = 7 },
    } do
      assert.is_nil((see { type = "content_block_start", index = 0, content_block = block }))
      assert.is_nil((see(stop(0))))
    end
  end)

  it("is there in blocks of every kind of tool use", function()
    for _, kind in ipairs { "tool_use", "server_tool_use", "mcp_tool_use" } do
      local see = watching()
      assert.equal("toolu_0", (see(tool_use(0, { type = kind }))))
    end
  end)

  it("is not there in events that concern no block", function()
    local see = watching()
    see(tool_use(0))
    assert.is_nil((see { type = "message_delta", delta = {} }))
    assert.is_nil((see { type = "ping" }))
    assert.is_nil((see { type = "later", index = 0 }))
    assert.is_nil((see(stop(1))))
  end)

  it("does not grow by another kind of delta", function()
    local see = watching()
    see(tool_use(0))
    local later = { type = "later_delta", partial_json = "{" }
    assert.is_nil((see { type = "content_block_delta", index = 0, delta = later }))
    local _, _, input = see(delta(0, '{"a":1'))
    assert.same({}, input)
  end)

  it("is that of the first choice only", function()
    local see, add = watching()
    add(tool_use(0))
    local other = tool_use(0)
    other.choice, other.raw = 1, {}
    assert.is_nil((see(other)))
  end)

  it("is told apart from others by its block", function()
    local see = watching()
    local _, _, first, _, first_progress = see(tool_use(0))
    local id, _, second, _, second_progress = see(tool_use(1))
    assert.equal("toolu_1", id)
    assert.are_not.equal(first, second)
    assert.are_not.equal(first_progress, second_progress)
    see(delta(0, '{"a":'))
    see(delta(1, '{"b":2'))
    see(delta(0, "1}"))
    see(delta(1, "}"))
    assert.same({ a = 1 }, first)
    assert.same({ b = 2 }, second)
    assert.is_true((select(4, see(stop(1)))))
    assert.is_true((select(4, see(stop(0)))))
  end)

  it("is told by its number where the block has no ID", function()
    local see = watching()
    local start = tool_use(3)
    start.content_block.id, start.content_block.name = nil, nil
    local id, name = see(start)
    assert.equal(3, id)
    assert.is_nil(name)
  end)

  it("whose start was read elsewhere is taken up where it stands", function()
    local see, add = watching()
    add(tool_use(0))
    add(delta(0, '{"a":1,"b":"on'))
    local id, _, input, is_complete, progress = see(delta(0, "e"))
    assert.equal("toolu_0", id)
    assert.same({ a = 1 }, input)
    assert.is_false(is_complete)
    assert.equal("one", progress:text())
    assert.equal("one", progress:added())
    see(delta(0, '"}'))
    assert.same({ a = 1, b = "one" }, input)
  end)

  it("of which only the end is read is the block's own", function()
    local see, add = watching()
    add(tool_use(0))
    add(delta(0, '{"a":1}'))
    local id, _, input, is_complete = see(stop(0))
    assert.equal("toolu_0", id)
    assert.same({ a = 1 }, input)
    assert.is_true(is_complete)
  end)

  it("is there in events that have a field `choice` of the server's own", function()
    local see = watching()
    local use = tool_use(0)
    use.choice = 0
    assert.equal("toolu_0", (see(use)))
  end)
end)
