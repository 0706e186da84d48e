-- Plain data as bytes, and back.

local serialize = require "anthropic.testing.serialize"

local dump, load_value = serialize.dump, serialize.load

local function round(value)
  return load_value(dump(value))
end

-- What a function raises, which blames nobody's line.
local function raises(expected, f, ...)
  local ok, message = pcall(f, ...)
  assert.is_false(ok)
  assert.equal(expected, message)
end

describe("serialized data", function()
  it("is short and readable", function()
    for _, case in ipairs {
      { true, "t" }, { false, "f" }, { "", "s0:" }, { "a:b", "s3:a:b" }, { {}, "{}" }, { { "x" }, "{n1;s1:x}" },
      { 1 / 0, "ninf;" }, { -1 / 0, "n-inf;" }, { 0.5, "n0.5;" }, { -3, "n-3;" },
    } do
      assert.equal(case[2], dump(case[1]))
      assert.same(case[1], load_value(case[2]))
    end
  end)

  it("keeps numbers to the last bit", function()
    for _, number in ipairs { 0.1, 1 / 3, 1e300, -5e-324, 2 ^ 53, 1 / 0, -1 / 0, 123456789.123 } do
      assert.equal(number, round(number))
    end
    if math.type then
      assert.equal("integer", math.type(round(7)))
      assert.equal(math.maxinteger, round(math.maxinteger))
      assert.equal(math.mininteger, round(math.mininteger))
      assert.equal("float", math.type(round(0.5)))
    end
  end)

  it("keeps every byte of strings and every kind of key", function()
    local all = {}
    for byte = 0, 255 do
      all[byte + 1] = string.char(byte)
    end
    local bytes = table.concat(all)
    local value = { bytes, [bytes] = { [2.5] = "}", [true] = false, ["{"] = {} } }
    assert.same(value, round(value))
    assert.equal("\0\1", round("\0\1"))
  end)

  it("takes one table twice, and none in itself", function()
    local shared = { 1 }
    assert.same({ { 1 }, { 1 }, a = { b = { 1 } } }, round { shared, shared, a = { b = shared } })
    local loop = { a = {} }
    loop.a.b = loop
    raises("x.a.b: the table contains itself", dump, loop, "x")
    loop = {}
    loop[1] = loop
    raises("value[1]: the table contains itself", dump, loop)
    raises("value.a[1]: the table contains itself", dump, { a = loop })
  end)

  it("names the place of what is no plain data", function()
    for _, case in ipairs {
      { print, "value: a function cannot be sent to the server" },
      { io.stdout, "value: a userdata cannot be sent to the server" },
      { 0 / 0, "value: not a number" },
      { { a = { [3] = print } }, "value.a[3]: a function cannot be sent to the server" },
      { { [true] = 0 / 0 }, "value.true: not a number" },
      { { [print] = 1 }, "value." .. tostring(print) .. ": a function cannot be sent to the server" },
    } do
      raises(case[2], dump, case[1])
    end
    raises("x: a nil cannot be sent to the server", dump, nil, "x")
    raises("my thing[1]: a function cannot be sent to the server", dump, { print }, "my thing")
  end)

  it("is refused where it is broken, with the byte", function()
    for text, byte in pairs { [""] = 1, ["x"] = 1, ["{n1;"] = 5, ["{n1;x}"] = 5, ["{x"] = 2 } do
      raises("broken data at byte " .. byte, load_value, text)
    end
  end)

  it("is read as data, never as code", function()
    assert.equal("os.exit(1)", load_value "s10:os.exit(1)")
    assert.equal("t", load_value "s1:tf")
  end)
end)
