-- Which block is said again by content that comes whole.

local repeated_blocks = require "anthropic.message.repeated_blocks"

local function no_input() end

local function call(id, name)
  return { type = "tool_use", id = id, name = name or "f", input = {} }
end

-- A block that has come; `given`: its ID as the server gave it.
local function come(content, given, added)
  return { content = content, given_id = given, added = added }
end

describe("a block that is said again", function()
  it("is the first of its type that was not", function()
    local one, two = come { type = "text", text = "a" }, come { type = "text", text = "b" }
    local thought = come { type = "thinking", thinking = "h" }
    local said = { { type = "text", text = "a" }, { type = "text", text = "b" }, { type = "text", text = "c" } }
    local repeated = repeated_blocks.new({ one, thought, two }, said, no_input)
    assert.equal(one, repeated:take(said[1]))
    assert.equal(two, repeated:take(said[2]))
    assert.same({ nil, true }, { repeated:take(said[3]) })
    assert.equal(thought, repeated:take { type = "thinking" })
  end)

  it("is the call of that ID, else one that the server gave none", function()
    local first, second = come(call("t1"), "t1"), come(call("t2"), "t2")
    local unnamed = come(call("made here"))
    local waiting = { pending = { content_block = { type = "tool_use", id = "t3" } } }
    local repeated = repeated_blocks.new({ first, unnamed, second, waiting }, {}, no_input)
    assert.equal(second, repeated:take(call("t2")))
    assert.equal(waiting, repeated:take(call("t3")))
    assert.equal(unnamed, repeated:take(call("t4")))
    assert.is_nil((repeated:take(call("t5"))))
    assert.equal(first, repeated:take(call(nil)))
    assert.is_nil((repeated:take(call(nil))))
    assert.is_true((select(2, repeated:take(call("t6", "g")))))
  end)

  it("is a call of the same name and input whose own ID is not said", function()
    local inputs = {}
    local function come_with(id, input, name)
      local block = come(call(id, name), id)
      inputs[block] = input
      return block
    end
    local function said(id, input, name)
      return { type = "tool_use", id = id, name = name or "f", input = input }
    end
    local first, second = come_with("t1", '{"a": 1}'), come_with("t2", '{"a":1}')
    local other, broken, named = come_with("t3", '{"a":2}'), come_with("t4", '{"a":'), come_with("t5", { a = 1 }, "g")
    local all = { first, second, other, broken, named, come { type = "text", text = "" } }
    local content = { said("x1", { a = 1 }), said("x2", { a = 1 }), said("t3", { a = 2 }), said("x3", { a = 2 }),
      said("x4", { a = 1 }, "g"), said("x5", nil) }
    local repeated = repeated_blocks.new(all, content, function(block)
      return inputs[block]
    end)
    for i, expected in ipairs { first, second, other, false, named, false } do
      assert.equal(expected, repeated:take(content[i]) or false, i)
    end
  end)

  it("may be a part of a longer text", function()
    local said = { { type = "text", text = "a" }, { type = "text", text = "b" } }
    local whole = come({ type = "text", text = "" }, nil, 2)
    local repeated = repeated_blocks.new({ whole }, said, no_input)
    assert.equal(whole, repeated:take(said[1]))
    assert.same({ nil, false }, { repeated:take(said[2]) })
  end)
end)
