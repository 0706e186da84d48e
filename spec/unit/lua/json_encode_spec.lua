-- core.json_encode(value, rules, mode): Lua values as JSON text. The rules are the caller's. What a metatable says
-- is in json_shape_spec.lua, and how a place is named in json_place_spec.lua.

local core = require "anthropic.core"
local encoder = require "spec.support.encoder"

local ARRAY, EMPTY_ARRAY, OBJECT, RAW = encoder.ARRAY, encoder.EMPTY_ARRAY, encoder.OBJECT, encoder.RAW
local rules, encode, encode_request = encoder.rules, encoder.encode, encoder.encode_request
local fails, of, nested = encoder.fails, encoder.of, encoder.nested

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
    assert.equal('"x\239\191\189y"', core.json_encode("x\255y", rules(), core.json_mend))
    assert.equal('{"xy":"z"}', core.json_encode({ xy = "z" }, rules(), core.json_mend))
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

  it("an array where its metatable says so", function()
    assert.equal("[]", encode(of(ARRAY, {})))
    assert.equal("[1,2]", encode(of(ARRAY, { 1, 2 })))
    for _, value in ipairs { { a = 1 }, { 1, a = 1 }, { a = 1, b = 2 } } do
      fails("value: an array has names as keys", of(ARRAY, value))
    end
  end)

  it("refused where a name stands twice", function()
    fails("value: 1 is a key both as a number and as a string", of(OBJECT, { 0, ["1"] = 0 }))
    local beside = of({ __merged = "more", __unencoded = { more = true } }, { a = 1, more = { a = 2 } })
    fails("x: a is a key both of the table and of what stands beside it", { x = beside })
  end)

  it("its text where that is all it has", function()
    assert.equal("[1.0, 2]", encode(of(RAW, { "[1.0, 2]" })))
    assert.equal('{"a":{ },"b":[]}', encode { a = of(RAW, { "{ }" }), b = of(EMPTY_ARRAY, {}) })
    fails("a: the raw JSON is gone", { a = of(RAW, { 5 }) })
  end)

  it("refused where a name is no UTF-8", function()
    fails("value: a name has invalid UTF-8 at byte 1", { ["\255"] = 1 })
    fails("a[1]: a name has invalid UTF-8 at byte 3", { a = { { ["xy\128z"] = 1 } } })
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

  it("has them beside members that stand beside the table", function()
    local value = of({ __merged = "more", __unencoded = { more = true } }, { a = 100, more = { b = 1 } })
    assert.equal('{"a":1e2,"b":1}', noted(value, { [value] = { a = "1e2", b = "1.0" } }))
  end)

  it("has none where there are none", function()
    local value = { 1, 2 }
    assert.equal("[1,2]", noted(value, { [{}] = { "3" } }))
    assert.equal('{"a":1,"b":{}}', noted({ a = 1, b = {} }, { [value] = { "3" } }))
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

    it("is an empty object beside one that has its text", function()
      local input = { a = 1 }
      assert.equal('[{"input":RAW,"type":"tool_use"},{"input":{},"type":"tool_use"}]',
        encode_request({ block(input), block(nil, { input_json = "{" }) }, { inputs = { [input] = "RAW" } }))
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

describe("depth", function()
  it("is 1000 tables at most", function()
    assert.equal(("["):rep(999) .. "{}" .. ("]"):rep(999), encode(nested({}, 999)))
    assert.equal(("["):rep(1000) .. "1" .. ("]"):rep(1000), encode(nested(1, 1000)))
    local _, message = encode(nested({}, 1000))
    assert.equal(("[1]"):rep(14) .. "..." .. ("[1]"):rep(17) .. ": nested deeper than 1000", message)
    local objects = {}
    for _ = 1, 999 do
      objects = { a = objects }
    end
    assert.equal(('{"a":'):rep(999) .. "{}" .. ("}"):rep(999), encode(objects))
    objects = { a = objects }
    assert.matches(": nested deeper than 1000$", (select(2, encode(objects))))
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
    value = {}
    for i = 1, 50000 do
      value[("%05d"):format(i)] = i
    end
    assert.matches('"49999":49999,"50000":50000}$', encode(value))
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
