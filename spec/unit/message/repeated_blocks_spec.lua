-- Which block is said again by content that comes whole.

local repeated_blocks = require "anthropic.message.repeated_blocks"

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
    local repeated = repeated_blocks.new({ one, thought, two }, said)
    assert.equal(one, repeated:take(said[1]))
    assert.equal(two, repeated:take(said[2]))
    assert.same({ nil, true }, { repeated:take(said[3]) })
    assert.equal(thought, repeated:take { type = "thinking" })
  end)

  it("is the call of that ID, else one that the server gave none", function()
    local first, second = come(call("t1"), "t1"), come(call("t2"), "t2")
    local unnamed = come(call("made here"))
    local waiting = { pending = { content_block = { type = "tool_use", id = "t3" } } }
    local repeated = repeated_blocks.new({ first, unnamed, second, waiting }, {})
    assert.equal(second, repeated:take(call("t2")))
    assert.equal(waiting, repeated:take(call("t3")))
    assert.equal(unnamed, repeated:take(call("t4")))
    assert.is_nil((repeated:take(call("t5"))))
    assert.equal(first, repeated:take(call(nil)))
    assert.is_nil((repeated:take(call(nil))))
    assert.is_true((select(2, repeated:take(call("t6", "g")))))
  end)

  it("may be a part of a longer text", function()
    local said = { { type = "text", text = "a" }, { type = "text", text = "b" } }
    local whole = come({ type = "text", text = "" }, nil, 2)
    local repeated = repeated_blocks.new({ whole }, said)
    assert.equal(whole, repeated:take(said[1]))
    assert.same({ nil, false }, { repeated:take(said[2]) })
  end)
end)
