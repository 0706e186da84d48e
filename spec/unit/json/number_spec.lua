-- Numbers of a text: which are numbers, and which a Lua that has no other than doubles still holds.

local json = require "anthropic.base.json"

local HAS_INTEGERS = math.type ~= nil -- luacheck: ignore 143

describe("a number", function()
  it("is one by the grammar, or none", function()
    for _, text in ipairs { "0", "-0", "7", "-7", "10", "0.5", "-0.5", "1.25", "0e0", "1e5", "1E+5", "1e-5", "1.5e05",
      "100000000000000000000000", "1e99", "0.0" } do
      local value, problem = json.decode("[" .. text .. "]")
      assert.is_nil(problem, text)
      assert.equal(tonumber(text), value[1], text)
    end
    for _, text in ipairs { "-", "+1", "01", "-01", "00", ".5", "1.", "1.e5", "1e", "1e+", "1e-", "1.5e", "--1", "1-",
      "0x1", "1_0", "-a", "1.a", "1ea", "NaN", "Infinity", "-Infinity", "1..5", "1e5.5" } do
      assert.is_nil((json.decode("[" .. text .. "]")), text)
    end
  end)

  it("that is an integer stays one as far as it is exact", function()
    for _, text in ipairs { "0", "999999999999999", "-999999999999999", "9007199254740991", "-9007199254740991",
      "9007199254740992", "-9007199254740992" } do
      local value = json.decode("[" .. text .. "]")[1]
      assert.equal(text, ("%d"):format(value))
      assert.equal(text, json.encode(value))
    end
  end)

  it("that a double does not hold is an integer where Lua has them", function()
    for _, text in ipairs { "9007199254740993", "-9007199254740993", "9223372036854775807", "-9223372036854775808" } do
      local value = json.decode("[" .. text .. "]")[1]
      if HAS_INTEGERS then
        assert.equal(text, ("%d"):format(value))
      else
        assert.equal(tonumber(text), value)
      end
    end
    for _, text in ipairs { "9223372036854775808", "-9223372036854775809", "18446744073709551616" } do
      assert.equal(tonumber(text .. ".0"), json.decode("[" .. text .. "]")[1])
    end
  end)

  it("keeps the sign of zero", function()
    local value = json.decode("[-0]")[1]
    assert.equal(-math.huge, 1 / value)
    assert.equal(math.huge, 1 / json.decode("[0]")[1])
    assert.equal(-math.huge, 1 / json.decode("[-0.0]")[1])
  end)

  it("goes back as it came, though no Lua holds it", function()
    for _, text in ipairs { "1e400", "-1e400", ("9"):rep(200), ("9"):rep(201), ("9"):rep(400), "1.50", "1e5", "-0",
      "9223372036854775808", "9007199254740993", "1e99", "1e100", "0.1e-400" } do
      local block = { type = "tool_use" }
      json.tool_input(block, '{"a":' .. text .. "}")
      assert.equal('{"input":{"a":' .. text .. '},"type":"tool_use"}', json.encode_request(block))
    end
  end)
end)
