-- The JSON of scripted answers.

local client_json = require "anthropic.base.json"
local json = require "anthropic.testing.json"

local encode = json.encode

-- What a function raises, which blames nobody's line.
local function raises(expected, f, ...)
  local ok, message = pcall(f, ...)
  assert.is_false(ok)
  assert.equal(expected, message)
end

describe("the encoder of the testing server", function()
  it("writes words, strings and null", function()
    assert.equal("true", encode(true))
    assert.equal("false", encode(false))
    assert.equal("null", encode(json.null))
    assert.equal("null", tostring(json.null))
    assert.equal('""', encode "")
    assert.equal('"é😀/"', encode "é😀/")
  end)

  it("escapes what has to be", function()
    assert.equal([["\"\\\b\f\n\r\t"]], encode "\"\\\b\f\n\r\t")
    for byte = 0, 31 do
      local text = encode(string.char(byte))
      local known = ({ [8] = '"\\b"', [9] = '"\\t"', [10] = '"\\n"', [12] = '"\\f"', [13] = '"\\r"' })[byte]
      assert.equal(known or ('"\\u%04x"'):format(byte), text)
    end
    assert.equal('" \127"', encode " \127")
    assert.equal('{"a\\"\\n":1}', encode { ['a"\n'] = 1 })
  end)

  it("writes numbers so that they read back", function()
    for _, case in ipairs {
      { 0, "0" }, { 1, "1" }, { -7, "-7" }, { 1.5, "1.5" }, { 0.1, "0.1" }, { 1e300, "1e+300" },
      { 0.1 + 0.2, "0.30000000000000004" }, { 1 / 3, "0.3333333333333333" }, { 2 ^ 53 - 1, "9007199254740991" },
      { -(2 ^ 53 - 1), "-9007199254740991" }, { 100000, "100000" }, { 2.0 ^ 40, "1099511627776" },
      { 2.0 ^ 60, "1.152921504606847e+18" }, { 5e-324, "4.94065645841247e-324" },
    } do
      assert.equal(case[2], encode(case[1]))
    end
    for _, number in ipairs { 2 ^ 53, -2 ^ 53, 2 ^ 60, 1e22, 5e-324, 1.7976931348623157e308, 123456.789 } do
      assert.equal(number, tonumber(encode(number)))
    end
    if math.type then
      assert.equal("9223372036854775807", encode(math.maxinteger))
      assert.equal("-9223372036854775808", encode(math.mininteger))
    end
  end)

  it("refuses an array that would lose something", function()
    raises("a JSON array has a hole at 2", encode, { 1, nil, 3 })
    raises("a JSON array has a hole at 1", encode, json.array { nil, 2 })
    raises("a JSON array cannot have the key more", encode, { 1, 2, more = 3 })
    raises("a JSON array cannot have the key more", encode, { inner = json.array { more = 3 } })
  end)

  it("tells arrays from objects", function()
    assert.equal("{}", encode {})
    assert.equal("[]", encode(json.array {}))
    assert.equal("[1,[2]]", encode { 1, { 2 } })
    assert.equal("[false]", encode { false })
    assert.equal('{"a":[]}', encode { a = json.array {} })
    local list = { 1 }
    assert.equal(list, json.array(list))
  end)

  it("takes the tables of the client as plain data", function()
    local decoded = client_json.decode_answer '{"a":null,"b":{},"c":["d"],"e":{"f":null},"g":[1]}'
    assert.equal('{"b":{},"c":["d"],"e":{},"g":[1]}', encode(decoded))
    assert.equal('{"a":{},"b":{"c":1},"d":["e"]}', encode {
      a = client_json.object {}, b = client_json.object { c = 1 }, d = client_json.array { "e" },
    })
    assert.equal('{"id":"m"}', encode(setmetatable({ id = "m" }, { __index = { text = print }, __tostring = print })))
  end)

  it("refuses what the marks of others say, and its own do not", function()
    local empty = "an empty table with a metatable of others: write testing.array {}, or {} for an object"
    raises(empty, encode, { content = client_json.array {} })
    raises(empty, encode, client_json.decode '{"content":[]}')
    raises(empty, encode, client_json.list(client_json.decode "[]", {}))
    raises(empty, encode, setmetatable({}, { __metatable = "locked" }))
    raises("a text with a metatable of others (anthropic.raw?): write a table, or the whole body as a string",
      encode, { input = client_json.raw '{"a":1}' })
    raises("an object with numbers as keys: write them as strings", encode, client_json.object { "a" })
  end)

  it("puts raw text in as it is", function()
    assert.equal("{broken", encode(json.raw "{broken"))
    assert.equal('[{"a":1.0},2]', encode { json.raw '{"a":1.0}', 2 })
  end)

  it("writes names in the API's order, the others by the alphabet behind them", function()
    assert.equal('{"type":1,"id":2,"object":3,"created":4,"index":5,"role":6,"model":7,"name":8,"message":9,"delta":10,'
      .. '"content_block":11,"choices":12,"content":13,"thinking":14,"prompt_tokens":15,"A":0,"a":0,"b":0,"zz":0}',
      encode { type = 1, id = 2, object = 3, created = 4, index = 5, role = 6, model = 7, name = 8, message = 9,
        delta = 10, content_block = 11, choices = 12, content = 13, thinking = 14, prompt_tokens = 15, zz = 0, b = 0,
        a = 0, A = 0 })
  end)

  it("refuses what JSON has not", function()
    for _, case in ipairs {
      { print, "JSON has no function" }, { { a = { io.stdout } }, "JSON has no userdata" },
      { 1 / 0, "JSON has no " .. tostring(1 / 0) }, { -1 / 0, "JSON has no " .. tostring(-1 / 0) },
      { { 0 / 0 }, "JSON has no " .. tostring(0 / 0) },
      { { a = 1, [true] = 2 }, "a JSON object cannot have the key true" },
      { { [2] = 2 }, "a JSON object cannot have the key 2" },
    } do
      raises(case[2], encode, case[1])
    end
    raises("JSON has no nil", encode, nil)
  end)
end)
