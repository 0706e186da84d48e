-- Which keys of a Lua table become names of a JSON object, and in which order: seen through core.json_encode.

local core = require "anthropic.core"

local OBJECT = {}
local has_integers = math.type ~= nil

local function encode(value, given)
  local rules = { kinds = { [OBJECT] = "object" }, literals = {}, fields = {}, inputs = {}, digits = {},
    kept = require "spec.support.kept" }
  local mode
  for name, part in pairs(given or {}) do
    if name == "mode" then
      mode = part
    else
      rules[name] = part
    end
  end
  return core.json_encode(value, rules, mode)
end

local function object(value)
  return setmetatable(value, OBJECT)
end

local function with_metatable(metatable, value)
  return encode(setmetatable(value, metatable))
end

-- The names of the object that comes of a table, whose values are all 0.
local function names_of(value)
  local text = assert(encode(value))
  return (text:gsub("^{(.*)}$", "%1"):gsub(":0", ""))
end

local function message_of(...)
  local text, message = encode(...)
  assert.is_nil(text)
  return message
end

describe("the names of an object", function()
  it("stand in the order of their bytes", function()
    assert.equal('"","\\u0000","!","0","A","Z","a","z","\127","é","\239\191\191","\240\144\128\128"', names_of {
      a = 0, z = 0, A = 0, Z = 0, ["0"] = 0, [""] = 0, ["\0"] = 0, ["!"] = 0, ["\127"] = 0, ["é"] = 0,
      ["\239\191\191"] = 0, ["\240\144\128\128"] = 0,
    })
  end)

  it("stand behind those that they begin with", function()
    assert.equal('"a","a\\u0000","a\\u0000\\u0000","a\\u0000b","aa","aaa","ab","b"', names_of {
      aa = 0, ["a\0b"] = 0, b = 0, aaa = 0, a = 0, ["a\0"] = 0, ab = 0, ["a\0\0"] = 0,
    })
  end)

  it("stand in that order whether they are few or many", function()
    for count = 1, 40 do
      local value, sorted = {}, {}
      for i = 1, count do
        sorted[i] = ("k"):rep(i % 3) .. i * 7919 % 101
        value[sorted[i]] = 0
      end
      table.sort(sorted) -- letters and digits: as their bytes
      assert.equal('"' .. table.concat(sorted, '","') .. '"', names_of(value))
    end
  end)

  it("stand in the same order however they came into the table", function()
    local names = {}
    for i = 1, 300 do
      names[i] = ("n%03d"):format(i)
    end
    local expected = '"' .. table.concat(names, '","') .. '"'
    for step = 1, 299, 37 do
      local value = {}
      for i = 0, 299 do
        value[names[i * (step % 2 == 1 and 7 or 11) % 300 + 1]] = 0
      end
      for i = 1, 300 do
        value[names[i]] = 0
      end
      assert.equal(expected, names_of(value))
    end
  end)

  it("are refused where their UTF-8 is broken at their end, whatever stands behind them", function()
    for _, name in ipairs { "\226\130", "\240\159\152", "\195", "a\226" } do
      assert.matches("invalid UTF%-8", message_of { [name] = 1, ["\172"] = 2, ["\128"] = 3 })
      assert.matches("invalid UTF%-8", message_of(setmetatable({ [name] = 1 }, { __encode = { name } })))
      assert.matches("invalid UTF%-8",
        message_of(setmetatable({ [name] = 1, ["\130"] = 2 }, { __encode = { name, "\130" } })))
    end
  end)

  it("may be long, and many", function()
    local long = ("x"):rep(100000)
    assert.equal('"' .. long .. '","' .. long .. 'y"', names_of { [long] = 0, [long .. "y"] = 0 })
    local value = {}
    for i = 1, 20000 do
      value["k" .. i] = 0
    end
    assert.equal(20000, select(2, names_of(value):gsub('"k%d+"', "")))
  end)
end)

describe("numbers as names", function()
  it("are sorted as text", function()
    assert.equal('"-1","-10","0","1","10","2","a"', names_of(object { [-10] = 0, [-1] = 0, [0] = 0, [1] = 0, [2] = 0,
      [10] = 0, a = 0 }))
  end)

  it("give their own values", function()
    assert.equal('{"-3":"c","1":"a","2":"b","x":"d"}', encode(object { "a", "b", [-3] = "c", x = "d" }))
  end)

  it("are those that doubles hold, on every Lua", function()
    assert.equal('"-9007199254740992","9007199254740992"', names_of(object { [2 ^ 53] = 0, [-2 ^ 53] = 0 }))
    for _, key in ipairs { 0.5, -1.5, 1e300, 2 ^ 64, 1 / 0, -1 / 0 } do
      assert.equal("value: a key is a number that cannot be a name", message_of(object { [key] = 0 }))
    end
  end)

  it("are all integers of 64 bits, where Lua has them", function()
    if not has_integers then
      for _, key in ipairs { 2 ^ 53 + 2, -2 ^ 53 - 2 } do
        assert.equal("value: a key is a number that cannot be a name", message_of(object { [key] = 0 }))
      end
      return
    end
    local largest, smallest = math.maxinteger, math.mininteger
    assert.equal('"-9223372036854775808","9223372036854775807"', names_of(object { [largest] = 0, [smallest] = 0 }))
    assert.equal('"-9223372036854775806","-9223372036854775807","-9223372036854775808"',
      names_of(object { [smallest] = 0, [smallest + 1] = 0, [smallest + 2] = 0 }))
    assert.equal('{"-9223372036854775808":1,"9223372036854775807":2}', encode(object { [largest] = 2, [smallest] = 1 }))
    assert.equal('"9007199254740994"', names_of(object { [2 ^ 53 + 2] = 0 }))
    assert.matches("an array with holes", message_of { [largest] = 0 })
    assert.matches("an array with holes", message_of { [smallest] = 0 })
  end)

  it("must not stand twice", function()
    assert.equal("value: 1 is a key both as a number and as a string", message_of(object { 0, ["1"] = 0 }))
    assert.equal("value: -7 is a key both as a number and as a string",
      message_of(object { a = 0, [-7] = 0, ["-7"] = 0, z = 0, [5] = 0 }))
    assert.equal('"1","1.0"', names_of(object { 0, ["1.0"] = 0 }))
    assert.equal('"01","1"', names_of(object { 0, ["01"] = 0 }))
  end)
end)

describe("keys of an array", function()
  it("are all from 1 to n", function()
    local list = {}
    for i = 100, 1, -1 do
      list[i] = i
      assert.equal(i == 1, encode(list) ~= nil, i)
    end
    list[50] = nil
    assert.matches("an array with holes", message_of(list))
    list[50], list[101] = 50, 101
    assert.is_string(encode(list))
    list[103] = 103
    assert.matches("an array with holes", message_of(list))
  end)

  it("are no others, whichever of them comes first", function()
    for _, value in ipairs { { 1, [0] = 0, [3] = 3 }, { 1, 2, [0] = 0, [4] = 4 }, { 1, [-1] = 0, [3] = 3 }, { [0] = 0 },
      { [2] = 2 }, { [0] = 0, 1, 2 } } do
      assert.matches("an array with holes", message_of(value))
    end
  end)

  it("may be written as doubles", function()
    assert.equal("[1,2]", encode { [1.0] = 1, [2.0] = 2 })
  end)
end)

describe("keys of other types", function()
  it("are named", function()
    for _, key in ipairs { true, {}, print, io.stdout, coroutine.create(function() end) } do
      assert.equal(("value: a key is a %s that cannot be a name"):format(type(key)), message_of { [key] = 0 })
      assert.equal(("value: a key is a %s that cannot be a name"):format(type(key)), message_of { 1, a = 2, [key] = 0 })
    end
  end)
end)

describe("a set of names that are left out", function()
  it("is no list, and may hold more than the table has", function()
    assert.equal('{"b":2}', with_metatable({ __unencoded = { a = true, c = true, [5] = true } }, { a = 1, b = 2 }))
    assert.equal('{"a":1}', with_metatable({ __unencoded = { "a" } }, { a = 1 }))
    assert.equal('{"1":1}', with_metatable({ __unencoded = { true } }, { 1 }))
  end)

  it("does not look at __index", function()
    assert.equal('{"a":1}', with_metatable({ __unencoded = setmetatable({}, { __index = { a = true } }) }, { a = 1 }))
  end)

  it("may be long", function()
    local set, value = {}, {}
    for i = 1, 1000 do
      local name = ("name %04d %s"):format(i, ("x"):rep(i % 50))
      set[name], value[name] = i % 2 == 0 or nil, i
    end
    assert.equal(500, select(2, with_metatable({ __unencoded = set }, value):gsub('"name', "")))
  end)
end)

describe("a table whose members stand beside another's", function()
  it("has its names among the other's, sorted", function()
    assert.equal('{"a":1,"b":2,"c":3,"d":4}',
      with_metatable({ __merged = "x", __unencoded = { x = true } }, { a = 1, c = 3, x = { b = 2, d = 4 } }))
  end)

  it("is read without numbers and other keys, and without __index", function()
    local beside = setmetatable({ "one", [true] = 2, b = 3 }, { __index = { c = 4 } })
    assert.equal('{"a":1,"b":3}', with_metatable({ __merged = "x", __unencoded = { x = true } }, { a = 1, x = beside }))
  end)

  it("may be long beside many", function()
    local beside, value = {}, { x = nil }
    for i = 1, 700 do
      value["name " .. i], beside["beside " .. i] = 0, 0
    end
    value.x = beside
    assert.equal(1400, select(2, with_metatable({ __merged = "x", __unencoded = { x = true } }, value):gsub(":0", "")))
  end)
end)

describe("a set of names that are null", function()
  it("adds those that the table has not", function()
    local nulls = { __nulls = { a = true, c = true, ["é"] = false } }
    assert.equal('{"a":null,"c":null,"é":null}', with_metatable(nulls, {}))
    assert.equal('{"a":null,"b":1,"c":2,"é":null}', with_metatable(nulls, { b = 1, c = 2 }))
  end)

  it("is read without numbers and other keys", function()
    assert.equal('{"a":null}', with_metatable({ __nulls = { "x", [true] = true, a = true } }, {}))
  end)

  it("may be long beside many names and numbers", function()
    local nulls, value, lines = {}, {}, {}
    for i = 1, 500 do
      nulls[("null %d"):format(i)] = true
      value[("name %d"):format(i)] = 0
      value[i] = 0
      lines[#lines + 1] = ('"null %d":null'):format(i)
      lines[#lines + 1] = ('"name %d":0'):format(i)
      lines[#lines + 1] = ('"%d":0'):format(i)
    end
    table.sort(lines, function(a, b) return a:match '^"[^"]*' < b:match '^"[^"]*' end)
    assert.equal("{" .. table.concat(lines, ",") .. "}", with_metatable({ __nulls = nulls }, value))
  end)
end)

describe("a block of a tool in a request", function()
  local REQUEST = { mode = core.json_request }

  local function encode_with(metatable, value)
    return encode(setmetatable(value, metatable), REQUEST)
  end

  it("has no name of what stands for its input", function()
    assert.equal('{"id":1,"input":{},"type":"tool_use"}',
      encode({ type = "tool_use", id = 1, input_json = "{", input_error = "x" }, REQUEST))
    assert.equal('{"input":[2],"type":"tool_use"}',
      encode({ type = "tool_use", input = { 2 }, input_json = "{", input_error = "x" }, REQUEST))
    assert.equal('{"input_error_":1,"input_jso":2,"type":"tool_use"}',
      encode { type = "tool_use", input_error_ = 1, input_jso = 2 })
    assert.equal('{"input_json_":2,"input_jsox":1,"type":"tool_use"}',
      encode({ type = "tool_use", input_jsox = 1, input_json_ = 2 }, REQUEST))
  end)

  it("is one by the names that the rules give", function()
    local given = { mode = core.json_request,
      kept = { "kind", { call = true }, "arguments", { text = true, why = false } } }
    assert.equal('{"arguments":{},"input_json":2,"kind":"call"}',
      encode({ kind = "call", text = "{", why = "x", input_json = 2 }, given))
    assert.equal('{"kind":"call"}', encode({ kind = "call", why = "x" }, given))
    assert.equal('{"input_json":"{","type":"tool_use"}', encode({ type = "tool_use", input_json = "{" }, given))
    given.kept = nil
    assert.equal('{"input_json":"{"}', encode({ input_json = "{" }, given))
  end)

  it("has an empty object for an input that is null", function()
    assert.equal('{"input":{},"type":"tool_use"}',
      encode_with({ __nulls = { input = true } }, { type = "tool_use" }))
    assert.equal('{"id":null,"input":{},"type":"tool_use"}',
      encode_with({ __nulls = { input = true, id = true } }, { type = "tool_use", input_json = "{" }))
    assert.equal('{"input":7,"type":"tool_use"}',
      encode_with({ __nulls = { input = true } }, { type = "tool_use", input = 7 }))
    assert.equal('{"input":null,"type":"text"}', encode_with({ __nulls = { input = true } }, { type = "text" }))
    assert.equal('{"inpu":null,"type":"tool_use"}',
      encode_with({ __nulls = { inpu = true } }, { type = "tool_use" }))
  end)
end)

describe("a table that changes while it is encoded", function()
  -- What `change` does to the block happens while the input, its first member, is written.
  local function changed(change)
    local input = {}
    local block = { input = input, type = "tool_use", [("later"):rep(20)] = "x" }
    return encode(block, { inputs = { [input] = "{}" }, is_unchanged = function()
      change(block)
      collectgarbage()
      collectgarbage()
      return true
    end })
  end

  it("is sent with the names that it had", function()
    local expected = '{"input":{},"' .. ("later"):rep(20) .. '":"x","type":"tool_use"}'
    assert.equal(expected, changed(function() end))
    assert.equal(expected, changed(function(block)
      for i = 1, 100 do
        block["new" .. i] = i
      end
    end))
    local text, message = changed(function(block) block[("later"):rep(20)] = nil end)
    assert.is_nil(text)
    assert.equal(("later"):rep(20) .. ": a nil has no JSON form", message)
  end)
end)
