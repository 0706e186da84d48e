-- What many servers write though JSON has no such thing.

local json = require "anthropic.base.json"
local json_nan = require "anthropic.base.json_nan"

describe("NaN and infinities", function()
  local function again(text)
    return json_nan.unmark(assert(json.encode(assert(json.decode(json_nan.mark(text))))))
  end

  it("are marked, and come back", function()
    for text, count in pairs {
      ['{"x":NaN}'] = 1, ["NaN"] = 1, ["[Infinity,-Infinity,NaN]"] = 3, ['{"a":"\\"NaN","b":NaN}'] = 1,
      ['{"a":"\\\\","b":[-Infinity,-1,"I"]}'] = 1, ['{"NaN":{"Infinity":Infinity}}'] = 1,
    } do
      assert.same({ text, count }, { again(text) })
    end
    assert.equal('{"a":1,"x":-Infinity}', (again '{ "x" : -Infinity , "a" : 1 }'))
  end)

  it("are none in a string or a name", function()
    for _, text in ipairs {
      '{"x":1}', '{"NaN":"Infinity"}', '"a\\"NaN"', '"\\\\\\"NaN"', '["-Infinity"]', "", '"NaN',
    } do
      assert.is_nil(json_nan.mark(text))
    end
    assert.same({ '{"x":"NaN"}', 0 }, { json_nan.unmark '{"x":"NaN"}' })
  end)

  it("are noted with the input that held them", function()
    local text, texts = '[{"arguments":{"b":[NaN],"a":1},"input":{"x":"NaN"},"scores":{"x":NaN}},null]', {}
    local value = json.decode_answer(text)
    json_nan.note(value, json.decode(json_nan.mark(text)), json, texts)
    assert.same({ [value[1].arguments] = '{"a":1,"b":[NaN]}' }, texts)
  end)

  it("are found in time linear in the text", function()
    local text = "[" .. ('"\\\\\\"I",'):rep(50000) .. "NaN]"
    assert.is_string(json_nan.mark(text))
    assert.is_nil(json_nan.mark('"NaN' .. ("\\"):rep(100001)))
  end)
end)
