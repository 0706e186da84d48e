-- core.json_encode(value, rules, mode): Lua values as JSON text. The rules are the caller's.

local core = require "anthropic.core"

local ARRAY, EMPTY_ARRAY, OBJECT, RAW, STRANGE, WRONG = {}, {}, {}, {}, {}, {}

local function rules(given)
  local all = {
    kinds = { [ARRAY] = "array", [EMPTY_ARRAY] = "empty array", [OBJECT] = "object", [RAW] = "raw",
      [STRANGE] = "strange", [WRONG] = 5 },
    literals = { [core.null] = "null" },
    fields = {},
    kept = require "spec.support.kept",
    inputs = {},
    digits = {},
    is_unchanged = function() return true end,
  }
  for name, value in pairs(given or {}) do
    all[name] = value
  end
  return all
end

local function encode(value, given)
  return core.json_encode(value, rules(given))
end

local function encode_request(value, given)
  return core.json_encode(value, rules(given), core.json_request)
end

local function fails(expected, value, given)
  local text, message = encode(value, given)
  assert.is_nil(text)
  assert.equal(expected, message)
end

local function of(metatable, value)
  return setmetatable(value, metatable)
end

-- A value below so many tables, each the first element of the next.
local function nested(value, levels)
  for _ = 1, levels do
    value = { value }
  end
  return value
end

describe("the encoder raises for", function()
  it("a missing value, but not for nil", function()
    assert.error_matches(function() core.json_encode() end, "bad argument #1 to '.*' %(value expected%)")
    fails("value: a nil has no JSON form", nil)
  end)

  it("rules that are no table", function()
    for _, wrong in ipairs { "x", 1, true } do
      assert.error_matches(function() core.json_encode(1, wrong) end, "bad argument #2 to '.*' %(table expected")
    end
    assert.error_matches(function() core.json_encode(1) end, "bad argument #2 to '.*' %(table expected")
  end)

  it("a part of the rules that is missing or no table", function()
    for _, name in ipairs { "kinds", "literals", "fields", "inputs", "digits" } do
      for _, wrong in ipairs { "x", 1, false } do
        assert.error_matches(function() encode(1, { [name] = wrong }) end, "table expected, got " .. type(wrong))
      end
      local incomplete = rules()
      incomplete[name] = nil
      assert.error_matches(function() core.json_encode(1, incomplete) end, "table expected, got nil")
    end
  end)

  it("a mode that is no number", function()
    assert.error_matches(function() core.json_encode(1, rules(), "x") end, "bad argument #3 to '.*' %(number expected")
    assert.equal("1", core.json_encode(1, rules(), nil))
  end)

  it("nothing where there are more arguments than three", function()
    assert.equal("[1]", core.json_encode({ 1 }, rules(), 0, 2, 3))
  end)
end)

describe("a value without members", function()
  it("is a word, a number or a string", function()
    assert.equal("true", encode(true))
    assert.equal("false", encode(false))
    assert.equal("12", encode(12))
    assert.equal("0.5", encode(0.5))
    assert.equal('"a\\n"', encode "a\n")
    assert.equal('""', encode "")
    assert.equal("null", encode(core.null))
    assert.equal(1, select("#", encode(true)))
  end)

  it("is a literal of the caller's, whatever its type", function()
    local function f() end
    local thread = coroutine.create(f)
    local literals = { [f] = "1", [thread] = "[2]", [io.stdout] = '"\0"' }
    assert.equal("1", encode(f, { literals = literals }))
    assert.equal('[[2],"\0"]', encode({ thread, io.stdout }, { literals = literals }))
    fails("value: a function has no JSON form", f, { literals = { [f] = 5 } })
    fails("value: a userdata has no JSON form", core.null, { literals = {} })
    fails("[2]: a thread has no JSON form", { 1, thread })
  end)

  it("is an integer of 64 bits to the last digit, where Lua has them", function()
    if not math.type then
      assert.equal("[9007199254740992]", encode { 2 ^ 53 })
      return
    end
    for _, text in ipairs { "9007199254740993", "9223372036854775807", "-9223372036854775808" } do
      local integer = math.tointeger(text) or tonumber(text)
      assert.equal(text, encode(integer))
      assert.equal("[" .. text .. "]", encode { integer })
      assert.equal('{"a":' .. text .. "}", encode { a = integer })
    end
  end)

  it("must be a finite number", function()
    fails("value: NaN has no JSON form", 0 / 0)
    fails("value: infinity has no JSON form", 1 / 0)
    fails("a: infinity has no JSON form", { a = -1 / 0 })
    assert.equal("1.7976931348623157e+308", encode(1.7976931348623157e308))
  end)

  it("must be UTF-8", function()
    fails("value: invalid UTF-8 at byte 1", "\255")
    fails("value: invalid UTF-8 at byte 4", "abc\255")
    fails("a: invalid UTF-8 at byte 2", { a = "x\128" })
  end)
end)

describe("a table is", function()
  it("an array by keys from 1 to n, else an object", function()
    assert.equal("{}", encode {})
    assert.equal("[1]", encode { 1 })
    assert.equal("[1,2,3]", encode { 1, 2, 3 })
    assert.equal('{"a":1}', encode { a = 1 })
    assert.equal('{"a":1,"b":[2,{"c":3}]}', encode { b = { 2, { c = 3 } }, a = 1 })
    assert.equal("[" .. ("0,"):rep(9999) .. "0]", encode((function()
      local list = {}
      for i = 1, 10000 do
        list[i] = 0
      end
      return list
    end)()))
  end)

  it("refused where its keys are neither", function()
    local holes = "an array with holes; fill them with anthropic.null, or make it an object with anthropic.object()"
    local both = "both names and numbers as keys; anthropic.object() makes all of them names"
    for _, case in ipairs {
      { holes, { [0] = 0 } }, { holes, { [0] = 0, 1 } }, { holes, { [2] = 2 } }, { holes, { 1, [3] = 3 } },
      { holes, { [-1] = 0, 1 } }, { holes, { [-1] = 0, [0] = 0, 1, 2 } },
      { both, { 1, a = 1 } }, { both, { a = 1, [7] = 1 } },
      { "a key is a boolean that cannot be a name", { [true] = 1 } },
      { "a key is a boolean that cannot be a name", { 1, 2, [true] = 1 } },
      { "a key is a table that cannot be a name", { a = 1, [{}] = 1 } },
      { "a key is a number that cannot be a name", { [1.5] = 1 } },
    } do
      fails("value: " .. case[1], case[2])
      fails("x.y: " .. case[1], { x = { y = case[2] } })
    end
  end)

  it("read without its metamethods", function()
    local value = { b = 1 }
    assert.equal('{"b":1}', encode(setmetatable(value, {
      __index = { a = 2 }, __pairs = error, __len = error, __nulls = 1, __unencoded = "b", __merged = "b",
    })))
    assert.equal("[1]", encode(setmetatable({ 1 }, { __index = function() return 2 end, __len = error })))
  end)

  it("sorted by names, and shorter names come first", function()
    assert.equal('{"":0,"A":1,"a":2,"a\\u0000":3,"aa":4,"b":5}', encode { b = 5, [""] = 0, aa = 4, A = 1, ["a\0"] = 3,
      a = 2 })
  end)

  it("refused where a name is no UTF-8", function()
    fails("value: a name has invalid UTF-8 at byte 1", { ["\255"] = 1 })
    fails("a[1]: a name has invalid UTF-8 at byte 3", { a = { { ["xy\128z"] = 1 } } })
  end)
end)

describe("a kind of the metatable", function()
  it("makes an array, empty or not", function()
    assert.equal("[]", encode(of(ARRAY, {})))
    assert.equal("[1,2]", encode(of(ARRAY, { 1, 2 })))
    fails("value: an array has names as keys", of(ARRAY, { a = 1 }))
    fails("value: an array has names as keys", of(ARRAY, { 1, a = 1 }))
    fails("value: a key is a boolean that cannot be a name", of(ARRAY, { [false] = 1 }))
    fails("value: an array with holes; fill them with anthropic.null, or make it an object with anthropic.object()",
      of(ARRAY, { 1, nil, 3 }))
  end)

  it("is refused where a name says something else, and its keys too", function()
    local given = { fields = { map = "object" } }
    fails("map: an array has names as keys", { map = of(ARRAY, { x = 1 }) }, given)
    fails("map: an array has names as keys", { map = of(ARRAY, { 1, x = 1 }) }, given)
    fails("map: an array with holes; fill them with anthropic.null, or make it an object with anthropic.object()",
      { map = of(ARRAY, { [3] = 1 }) }, given)
    assert.equal('{"map":[1,2]}', encode({ map = of(ARRAY, { 1, 2 }) }, given))
    assert.equal('{"map":[]}', encode({ map = of(ARRAY, {}) }, given))
    assert.equal('{"map":[]}', encode({ map = of(EMPTY_ARRAY, {}) }, given))
    assert.equal('{"map":{"1":5}}', encode({ map = of(EMPTY_ARRAY, { 5 }) }, given))
    assert.equal('{"map":{"1":5}}', encode({ map = of(OBJECT, { 5 }) }, given))
  end)

  it("makes an array of an empty table only", function()
    assert.equal("[]", encode(of(EMPTY_ARRAY, {})))
    assert.equal("[1]", encode(of(EMPTY_ARRAY, { 1 })))
    assert.equal('{"a":1}', encode(of(EMPTY_ARRAY, { a = 1 })))
    fails("value: both names and numbers as keys; anthropic.object() makes all of them names",
      of(EMPTY_ARRAY, { 1, a = 1 }))
  end)

  it("makes an object, also of numbers", function()
    assert.equal("{}", encode(of(OBJECT, {})))
    assert.equal('{"-5":1,"1":2,"10":3,"a":4}', encode(of(OBJECT, { [-5] = 1, 2, [10] = 3, a = 4 })))
    fails("value: a key is a boolean that cannot be a name", of(OBJECT, { [true] = 1 }))
    fails("value: 10 is a key both as a number and as a string", of(OBJECT, { [10] = 1, ["10"] = 2 }))
    fails("x: -1 is a key both as a number and as a string", { x = of(OBJECT, { [-1] = 1, ["-1"] = 2, a = 3 }) })
  end)

  it("puts raw text in as it is", function()
    assert.equal(" any\0thing ", encode(of(RAW, { " any\0thing " })))
    assert.equal('{"a":[1, 2],"b":3}', encode { a = of(RAW, { "[1, 2]" }), b = 3 })
    for _, gone in ipairs { {}, { 5 }, { false }, { a = "x" } } do
      fails("[1]: the raw JSON is gone", { of(RAW, gone) })
    end
  end)

  it("says nothing where it is another word or no word", function()
    for _, metatable in ipairs { STRANGE, WRONG } do
      assert.equal("{}", encode(of(metatable, {})))
      assert.equal("[1]", encode(of(metatable, { 1 })))
      assert.equal('{"a":1}', encode(of(metatable, { a = 1 })))
    end
    assert.equal('{"x":[]}', encode({ x = of({}, {}) }, { fields = { x = "array" } }))
  end)
end)

describe("a metatable with __unencoded", function()
  local ours = { __unencoded = { response = true, text = true, a = false } }

  it("names what is left out", function()
    assert.equal('{"id":1,"texts":2}', encode(of(ours, { id = 1, texts = 2, text = 3, response = print, a = 4 })))
    assert.equal("{}", encode(of(ours, { text = 1 })))
    assert.equal('{"x":[{"id":false}]}', encode { x = { of(ours, { id = false, response = {} }) } })
    assert.equal('{"response":{"text":1}}', encode { response = { text = 1 } })
  end)

  it("makes an object of the table", function()
    assert.equal('{"1":1}', encode(of(ours, { 1 })))
    assert.equal('{"x":{}}', encode({ x = of(ours, {}) }, { fields = { x = "array" } }))
    fails("value: a key is a boolean that cannot be a name", of(ours, { [true] = 1 }))
  end)

  it("says nothing where the metatable has a kind", function()
    local metatable = { __unencoded = { a = true } }
    assert.equal('{"a":1}', encode(of(metatable, { a = 1 }), { kinds = { [metatable] = "object" } }))
  end)
end)

describe("a metatable with __merged", function()
  local merging = { __merged = "extra", __unencoded = { extra = true, text = true } }

  it("names a member whose members stand beside the table's", function()
    assert.equal('{"b":1,"text":2,"z":[3]}',
      encode(of(merging, { b = 1, text = print, extra = { text = 2, z = { 3 } } })))
    assert.equal('{"extra":5}', encode(of(merging, { extra = { extra = 5 } })))
    assert.equal('{"b":1}', encode(of(merging, { b = 1, extra = {} })))
    assert.equal('{"list":[]}', encode(of(merging, { extra = { list = {} } }), { fields = { list = "array" } }))
    assert.equal('{"a":1,"b":2,"extra":{"b":2}}',
      encode(of({ __merged = "extra" }, { a = 1, extra = { b = 2 } })))
  end)

  it("says nothing where there is no such table", function()
    for _, extra in ipairs { "x", 5, false } do
      assert.equal('{"b":1}', encode(of(merging, { b = 1, extra = extra })))
    end
    assert.equal("[1]", encode(of({ __merged = "extra" }, { 1 })))
    assert.equal("[1]", encode(of({ __merged = true }, { 1 })))
  end)

  it("refuses a name that stands twice", function()
    fails("x: b is a key both of the table and of what stands beside it",
      { x = of(merging, { a = 0, b = 1, extra = { b = 2, c = 3 } }) })
    -- whatever comes after the two
    fails("value: 10 is a key both as a number and as a string",
      of(merging, { [10] = 1, ["10"] = 2, extra = { ["11"] = 3 } }))
  end)

  it("leaves the place of what cannot be encoded", function()
    fails("x.text[1]: a function has no JSON form", { x = of(merging, { extra = { text = { print } } }) })
  end)

  it("has names that are null where they stand in neither", function()
    local metatable = { __merged = "extra", __unencoded = merging.__unencoded,
      __nulls = { text = true, extra = true, a = true, b = true } }
    assert.equal('{"a":null,"b":1,"extra":null,"text":null}', encode(of(metatable, { b = 1, text = 2, extra = {} })))
    assert.equal('{"a":2,"b":null,"extra":null,"text":1}', encode(of(metatable, { extra = { text = 1, a = 2 } })))
  end)
end)

describe("a metatable with __nulls", function()
  local nulls = { __nulls = { a = true, b = true, [5] = true } }

  it("names what is null unless the table has it", function()
    assert.equal('{"a":null,"b":null}', encode(of(nulls, {})))
    assert.equal('{"a":1,"b":null,"c":2}', encode(of(nulls, { a = 1, c = 2 })))
    assert.equal('{"a":false,"b":0}', encode(of(nulls, { a = false, b = 0 })))
  end)

  it("makes an object of the table", function()
    assert.equal('{"1":1,"a":null,"b":null}', encode(of(nulls, { 1 })))
    assert.equal("{}", encode(of({ __nulls = {} }, {})))
    assert.equal('{"x":{}}', encode({ x = of({ __nulls = {} }, {}) }, { fields = { x = "array" } }))
  end)

  it("says nothing where it is no table", function()
    assert.equal("[1]", encode(of({ __nulls = true }, { 1 })))
    assert.equal('{"x":[]}', encode({ x = of({ __nulls = true }, {}) }, { fields = { x = "array" } }))
  end)
end)

describe("a number whose digits were noted", function()
  local function noted(value, digits)
    return encode(value, { digits = digits })
  end

  it("has them while it has their value", function()
    local inner = { 1 / 0, 2 }
    local value = { a = tonumber "12345678901234567890", b = inner, c = tonumber "9007199254740993" }
    local digits = {
      [value] = { a = "12345678901234567890", c = "9007199254740993", d = "5" },
      [inner] = { "1e400", "3" },
    }
    assert.equal('{"a":12345678901234567890,"b":[1e400,2],"c":9007199254740993}', noted(value, digits))
    value.a, inner[1] = 7, 1
    assert.equal('{"a":7,"b":[1,2],"c":9007199254740993}', noted(value, digits))
    value.a, value.c = "12345678901234567890", true
    assert.equal('{"a":"12345678901234567890","b":[1,2],"c":true}', noted(value, digits))
  end)

  it("may have another number for its key", function()
    local value = of(OBJECT, { [7] = 1e300 })
    assert.equal('{"7":1e0300}', noted(value, { [value] = { [7] = "1e0300" } }))
  end)

  it("has none where there are none", function()
    local value = { 1, 2 }
    assert.equal("[1,2]", noted(value, { [{}] = { "3" } }))
    assert.equal("[1,2]", noted(value, { [value] = "3" }))
    assert.equal("[1,2]", noted(value, { [value] = { 3, {} } }))
    fails("[1]: infinity has no JSON form", { 1 / 0 }, { digits = { [value] = { "1e400" } } })
  end)
end)

describe("a name of the rules", function()
  local fields = { list = "array", map = "object", names = "members", data = "data", rows = "data array",
    odd = "something" }

  local function with(value)
    return encode(value, { fields = fields })
  end

  it("makes an empty table an array", function()
    assert.equal('{"list":[]}', with { list = {} })
    assert.equal('{"a":{"list":[]}}', with { a = { list = {} } })
    assert.equal('[{"list":[]}]', with { { list = {} } })
    assert.equal('{"list":[{}]}', with { list = { {} } })
    assert.equal('{"list":{"a":{}}}', with { list = { a = {} } })
    assert.equal('{"list":5}', with { list = 5 })
    assert.equal('{"list":{}}', with { list = of(OBJECT, {}) })
    assert.equal('{"list":[]}', with { list = of(EMPTY_ARRAY, {}) })
    assert.equal('{"list":{}}', with { list = of({ __unencoded = {} }, {}) })
  end)

  it("makes numbers names", function()
    assert.equal('{"map":{"1":5,"3":6,"a":7}}', with { map = { 5, [3] = 6, a = 7 } })
    assert.equal('{"map":{}}', with { map = {} })
    assert.equal('{"map":{"a":[1]}}', with { map = { a = { 1 } } })
    fails("map: a key is a boolean that cannot be a name", { map = { [true] = 1 } }, { fields = fields })
  end)

  it("makes the names in it the user's, one level deep", function()
    assert.equal('{"names":{"data":{},"list":{},"names":{"list":[]}}}',
      with { names = { list = {}, data = {}, names = { list = {} } } })
    assert.equal('{"names":{"x":{"list":[]}}}', with { names = { x = { list = {} } } })
    assert.equal('{"names":[{"list":[]}]}', with { names = { { list = {} } } })
    assert.equal('{"names":{}}', with { names = {} })
  end)

  it("makes all in it the user's", function()
    assert.equal('{"data":{"list":{},"x":{"list":{},"y":[{"list":{}}]}}}',
      with { data = { list = {}, x = { list = {}, y = { { list = {} } } } } })
    assert.equal('{"data":{}}', with { data = {} })
    assert.equal('{"data":[{"list":{}},[{"list":{}}]]}', with { data = { { list = {} }, { { list = {} } } } })
    assert.equal('{"data":{"map":[1]}}', with { data = { map = { 1 } } })
  end)

  it("makes an empty one an array, and all in it the user's", function()
    assert.equal('{"rows":[]}', with { rows = {} })
    assert.equal('{"rows":[{},{"list":{}}]}', with { rows = { {}, { list = {} } } })
  end)

  it("says nothing where it is none of these words", function()
    assert.equal('{"odd":{}}', with { odd = {} })
    assert.equal('{"none":{}}', with { none = {} })
    assert.equal('{"odd":{"list":[]}}', with { odd = { list = {} } })
  end)
end)

describe("a tool's input", function()
  local function block(input, more)
    local made = { type = "tool_use", input = input }
    for name, value in pairs(more or {}) do
      made[name] = value
    end
    return made
  end

  it("is its text while that says what the table says", function()
    local input, seen = { a = 1 }, nil
    local given = { inputs = { [input] = '{"a": 1.0\0}' }, is_unchanged = function(...)
      seen = { n = select("#", ...), ... }
      return true
    end }
    assert.equal('{"input":{"a": 1.0\0},"type":"tool_use"}', encode(block(input), given))
    assert.same({ n = 2, input, '{"a": 1.0\0}' }, seen)
    assert.equal(input, seen[1])
    given.is_unchanged = function() return 0 end
    assert.equal('{"id":1,"input":{"a": 1.0\0},"type":"tool_use"}', encode(block(input, { id = 1 }), given))
    for _, falsy in ipairs { false, "nil" } do
      given.is_unchanged = function() return falsy ~= "nil" and falsy or nil end
      assert.equal('{"input":{"a":1},"type":"tool_use"}', encode(block(input), given))
    end
  end)

  it("lets an error through", function()
    local input = {}
    assert.error_matches(function()
      encode(block(input), { inputs = { [input] = "{}" }, is_unchanged = function() error "on purpose" end })
    end, "on purpose")
  end)

  it("is its table where there is no text", function()
    local input = { a = 1 }
    assert.equal('{"input":{"a":1},"type":"tool_use"}', encode(block(input)))
    assert.equal('{"input":{"a":1},"type":"tool_use"}', encode(block(input), { inputs = { [input] = 5 } }))
    assert.equal('{"input":"x","type":"tool_use"}', encode(block "x", { inputs = { x = "{}" } }))
  end)

  it("is read from the blocks of tools only", function()
    local input = { a = 1 }
    local given = { inputs = { [input] = "RAW" }, fields = { data = "data", names = "members" } }
    local function encoded(type)
      return encode({ type = type, input = input }, given)
    end
    for _, kind in ipairs { "tool_use", "server_tool_use", "mcp_tool_use" } do
      assert.equal(('{"input":RAW,"type":"%s"}'):format(kind), encoded(kind))
    end
    for _, kind in ipairs { "ool_use", "tool_us", "tool_use ", "Tool_use", "xtool_use", "server_tool_uses", "text",
                            "" } do
      assert.equal(('{"input":{"a":1},"type":"%s"}'):format(kind), encoded(kind))
    end
    assert.equal('{"input":{"a":1}}', encoded(nil))
    assert.equal('{"input":{"a":1},"type":5}', encoded(5))
    assert.equal('{"inpuT":{"a":1},"type":"tool_use"}', encode({ type = "tool_use", inpuT = input }, given))
  end)

  it("is its text wherever the block stands", function()
    local input = { a = 1 }
    local given = { inputs = { [input] = "RAW" }, fields = { data = "data", names = "members" } }
    for _, place in ipairs { "data", "names", "x" } do
      local text = ('{"%s":{"input":RAW,"type":"tool_use"}}'):format(place)
      assert.equal(text, encode({ [place] = block(input) }, given))
      assert.equal(text, encode_request({ [place] = block(input) }, given))
    end
  end)

  describe("that is broken", function()
    it("is what is known of it", function()
      assert.equal('{"input_error":"x","input_json":"{","type":"tool_use"}',
        encode(block(nil, { input_json = "{", input_error = "x" })))
      assert.equal('{"input":null,"type":"tool_use"}', encode(of({ __nulls = { input = true } }, block())))
      assert.equal('{"type":"tool_use"}', encode(block()))
    end)

    it("is an empty object in a request", function()
      for _, kind in ipairs { "tool_use", "server_tool_use", "mcp_tool_use" } do
        assert.equal(('{"input":{},"type":"%s"}'):format(kind),
          encode_request(block(nil, { input_json = "{", input_error = "x", type = kind })))
      end
      assert.equal('{"input":5,"type":"tool_use"}', encode_request(block(5, { input_json = "{" })))
      assert.equal('{"type":"tool_use"}', encode_request(block(nil, { input_error = "x" })))
      assert.equal('{"type":"tool_use"}', encode_request(block()))
      assert.equal('{"input":{},"type":"tool_use"}', encode_request(of({ __nulls = { input = true } }, block())))
      assert.equal('{"input":{},"type":"tool_use"}', encode_request(block(core.null, { input_json = "{" })))
      assert.equal('{"input":{},"type":"tool_use"}', encode_request(block(core.null)))
      assert.equal('{"input":null,"type":"text"}', encode_request { type = "text", input = core.null })
      assert.equal('{"input_error":1,"input_json":2,"type":"text"}',
        encode_request { type = "text", input_json = 2, input_error = 1 })
    end)

    it("is nothing but data where the names are the user's", function()
      local given = { fields = { data = "data", names = "members" } }
      for _, place in ipairs { "data", "names" } do
        assert.equal(('{"%s":{"input_json":1,"type":"tool_use"}}'):format(place),
          encode_request({ [place] = { type = "tool_use", input_json = 1 } }, given))
      end
    end)
  end)
end)

describe("a message names the place", function()
  local function place(value)
    local _, message = encode(value)
    return (message:match "^(.*): a function has no JSON form$")
  end

  it("as the value, by name and by position", function()
    assert.equal("value", place(print))
    assert.equal("a", place { a = print })
    assert.equal("[2]", place { 1, print })
    assert.equal("a.b[3].c", place { a = { b = { 1, 2, { c = print } } } })
    assert.equal("[1][2]", place { { 1, print } })
    assert.equal("[1].a", place { { a = print } })
  end)

  it("quotes names that are no words", function()
    for _, name in ipairs { "a", "Z", "_", "z9", "A0", "a_b", "_1", "aZ", "za", "AZ" } do
      assert.equal("x." .. name, place { x = { [name] = print } })
    end
    for _, name in ipairs { "", "0", "9a", "a b", "a-b", "a.b", "a/", "a:", "a@", "a[", "a`", "a{", "{", "@", "é" } do
      assert.equal('x["' .. name .. '"]', place { x = { [name] = print } })
    end
    assert.equal('["a\\"\\n"]', place { ['a"\n'] = print })
    assert.equal('["\\u0000"].b', place { ["\0"] = { b = print } })
    assert.equal('["7"]', place(of(OBJECT, { [7] = print })))
  end)

  it("whole up to 32 levels, and without the middle from 33 on", function()
    local function named(levels)
      local value = print
      for i = levels, 1, -1 do
        value = { ["a" .. i] = value }
      end
      return place(value)
    end
    local function names(from, to)
      local list = {}
      for i = from, to do
        list[#list + 1] = "a" .. i
      end
      return table.concat(list, ".")
    end
    assert.equal(names(1, 31), named(31))
    assert.equal(names(1, 14) .. "..." .. "." .. names(16, 32), named(32))
    assert.equal(names(1, 14) .. "..." .. "." .. names(17, 33), named(33))
    assert.equal(names(1, 14) .. "..." .. "." .. names(84, 100), named(100))
    assert.equal(("[1]"):rep(31), place(nested(print, 31)))
    assert.equal(("[1]"):rep(14) .. "..." .. ("[1]"):rep(17), place(nested(print, 500)))
  end)
end)

describe("depth", function()
  it("is 1000 tables at most", function()
    assert.equal(("["):rep(999) .. "{}" .. ("]"):rep(999), encode(nested({}, 999)))
    assert.equal(("["):rep(1000) .. "1" .. ("]"):rep(1000), encode(nested(1, 1000)))
    local _, message = encode(nested({}, 1000))
    assert.equal(("[1]"):rep(14) .. "..." .. ("[1]"):rep(17) .. ": nested deeper than 1000", message)
    local objects = {}
    for _ = 1, 1000 do
      objects = { a = objects }
    end
    assert.matches(": nested deeper than 1000$", (select(2, encode(objects))))
  end)

  it("is endless for a table in itself, at whatever distance", function()
    local value = {}
    value.a = value
    fails("a: the table contains itself", value)
    value = { 1, 2, {} }
    value[3].x = { value }
    fails("[3].x[1]: the table contains itself", value)
    local inner = {}
    inner[1] = inner
    fails("a.b[1]: the table contains itself", { a = { b = inner } })
  end)

  it("is none where a table stands twice side by side", function()
    local shared = { 1 }
    assert.equal('{"a":[1],"b":[[1],[1]]}', encode { a = shared, b = { shared, shared } })
  end)
end)

describe("the encoder", function()
  it("works again after a failure", function()
    for _ = 1, 3 do
      fails("b: a function has no JSON form", { a = ("x"):rep(1000), b = print })
      assert.equal('{"a":1}', encode { a = 1 })
    end
  end)

  it("takes many members and long strings", function()
    local value, parts = {}, {}
    for i = 1, 5000 do
      local name = ("%05d"):format(i)
      value[name] = { i }
      parts[i] = ('"%s":[%d]'):format(name, i)
    end
    assert.equal("{" .. table.concat(parts, ",") .. "}", encode(value))
    local long = ("x"):rep(1e6)
    assert.is_true(encode { long, long } == '["' .. long .. '","' .. long .. '"]')
  end)
end)

describe("names with broken UTF-8", function()
  it("are errors, whatever stands behind them", function()
    for _, name in ipairs { "\226\130", "\240\159\152", "\195", "a\226" } do
      local text, message = core.json_encode({ [name] = 1, ["\172"] = 2, ["\128"] = 3 }, rules())
      assert.is_nil(text)
      assert.truthy(message:find("invalid UTF-8", 1, true))
      local merged = setmetatable({ extra = { [name] = 1 } }, { __merged = "extra" })
      assert.is_nil((core.json_encode(merged, rules())))
    end
  end)
end)
