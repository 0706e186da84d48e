local number = require "anthropic.base.number"

describe("the text of a number", function()
  it("has neither a point nor an exponent where it is whole", function()
    for _, case in ipairs {
      { 0, "0" }, { -0.0, "0" }, { 1, "1" }, { -1, "-1" }, { 6 / 2, "3" }, { 1e15, "1000000000000000" },
      { 2 ^ 53, "9007199254740992" }, { -1e20, "-100000000000000000000" }, { 1e22, "10000000000000000000000" },
    } do
      assert.equal(case[2], number.text(case[1]))
    end
  end)

  it("keeps all the digits of an integer", function()
    local largest = rawget(math, "maxinteger")
    if largest then
      assert.equal("9223372036854775807", number.text(largest))
      assert.equal("-9223372036854775808", number.text(rawget(math, "mininteger")))
      assert.equal("9007199254740993", number.text(math.tointeger("9007199254740993") or tonumber "9007199254740993"))
    end
  end)

  it("reads back as the same number", function()
    for _, value in ipairs { 0.1, 0.1 + 0.2, 1 / 3, -1e-7, 123456.789, 5e-324, 1.7976931348623157e308 } do
      assert.equal(value, tonumber(number.text(value)))
    end
    assert.equal("0.5", number.text(0.5))
  end)

  it("is missing where it is not finite", function()
    assert.is_nil(number.text(0 / 0))
    assert.is_nil(number.text(math.huge))
    assert.is_nil(number.text(-math.huge))
  end)
end)
