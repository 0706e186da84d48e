-- What the values of a chat completion's request must be. completion_messages_spec.lua has the messages.

local completion_reading = require "anthropic.message.completion_reading"
local json = require "anthropic.base.json"

describe("the reading of a chat completion's request", function()
  local reading

  before_each(function()
    reading = completion_reading.new()
  end)

  it("keeps the first problem, with its path", function()
    assert.is_nil(reading.problem)
    assert.is_nil(reading:refuse("a.b", "missing"))
    reading:refuse("c", "missing")
    assert.equal("a.b: missing", reading.problem)
  end)

  it("shows a short text that it refuses, and of anything else its type", function()
    local longest = ("x"):rep(40)
    for value, words in pairs { ["x"] = '"x"', [longest] = '"' .. longest .. '"', [longest .. "x"] = "string",
      [7] = "number", [true] = "boolean" } do
      reading = completion_reading.new()
      assert.is_nil(reading:refuse_value("a", value))
      assert.equal("a: " .. words .. " cannot be translated", reading.problem)
    end
  end)

  it("takes a value of one of two types, and nothing in its place", function()
    assert.equal(7, reading:expect("a", 7, "number"))
    assert.equal("x", reading:expect("a", "x", "number", "string"))
    assert.is_false(reading:expect("a", false, "boolean"))
    assert.is_nil(reading:expect("a", nil, "number"))
    assert.is_nil(reading:expect("a", json.null, "number"))
    assert.is_nil(reading.problem)
    assert.is_nil(reading:expect("a", true, "number", "string"))
    assert.equal("a: number or string expected, got boolean", reading.problem)
    reading = completion_reading.new()
    assert.is_nil(reading:expect("a", "7", "number"))
    assert.equal("a: number expected, got string", reading.problem)
  end)

  it("misses what must be there", function()
    assert.equal("x", reading:need("a", "x", "number", "string"))
    assert.is_nil(reading.problem)
    assert.is_nil(reading:need("a", nil, "number"))
    assert.equal("a: missing", reading.problem)
    reading = completion_reading.new()
    assert.is_nil(reading:need("a", json.null, "number"))
    assert.equal("a: missing", reading.problem)
    reading = completion_reading.new()
    assert.is_nil(reading:need("a", {}, "number"))
    assert.equal("a: number expected, got table", reading.problem)
  end)

  it("takes a list without holes, and an empty one in the place of anything else", function()
    local list = { 1, 2 }
    assert.equal(list, reading:list("a", list))
    assert.is_nil(reading.problem)
    assert.same({}, reading:list("a", { 1, nil, 3 }))
    assert.matches("^a", reading.problem)
    local problem = reading.problem
    assert.same({}, reading:list("b", 7))
    assert.equal(problem, reading.problem)
  end)

  it("refuses the first member by the alphabet that says something and is not known", function()
    reading:check_members("a", { x = 1, y = json.null, z = "" }, { x = true })
    assert.is_nil(reading.problem)
    reading:check_members("a", { c = 1, b = 1, x = 1, [7] = json.null }, { x = true })
    assert.equal("a.b: cannot be translated", reading.problem)
  end)
end)
