local child = require "spec.support.child"
local json = require "anthropic.base.json"

local has_integers = math.type ~= nil
local negative_zero = tonumber "-0.0" -- a literal may share its constant with 0 on Lua 5.1

-- Compares by content, and an empty table also by its kind.
local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then
    return a == b and (not has_integers or math.type(a) == math.type(b))
  end
  if next(a) == nil and getmetatable(a) ~= getmetatable(b) then
    return false
  end
  for key, value in pairs(a) do
    if not same(value, b[key]) then
      return false
    end
  end
  for key in pairs(b) do
    if a[key] == nil then
      return false
    end
  end
  return true
end

-- Random numbers that are the same on every Lua.
local function generator(seed)
  return function(limit)
    seed = (seed * 16807) % 2147483647
    return seed % limit + 1
  end
end

describe("decode then encode", function()
  local function round(text)
    return json.encode(assert(json.decode(text)))
  end

  it("keeps empty objects and empty arrays apart at every depth", function()
    for _, text in ipairs { "{}", "[]", '{"a":{},"b":[]}', "[[],{},[[]],[{}]]", '{"a":{"a":[{}]}}' } do
      assert.equal(text, round(text))
    end
  end)

  it("keeps null in objects and arrays", function()
    for _, text in ipairs { "null", '{"a":null}', "[null]", "[1,null,2]", "[null,null]", '[{"a":[null]}]' } do
      assert.equal(text, round(text))
    end
    assert.equal(json.null, json.decode '{"a":null}'.a)
    assert.equal(json.null, json.decode "null")
  end)

  it("keeps every integer up to 2^53", function()
    for _, text in ipairs { "0", "1", "-1", "4096", "999999999999999", "1000000000000000", "9007199254740991",
                            "-9007199254740991", "9007199254740992", "-9007199254740992" } do
      assert.equal(text, round(text))
      assert.equal("[" .. text .. "]", round("[" .. text .. "]"))
    end
  end)

  it("keeps every integer of 64 bits where Lua has integers", function()
    if not has_integers then
      return
    end
    for _, text in ipairs { "9007199254740993", "-9007199254740993", "9223372036854775807", "-9223372036854775808",
                            "1234567890123456789" } do
      assert.equal(text, round(text))
      assert.equal('{"a":[' .. text .. "]}", round('{"a":[' .. text .. "]}"))
      assert.equal("integer", math.type(json.decode(text)))
    end
    assert.equal("integer", math.type(json.decode "[1.0]"[1]))
    assert.equal("float", math.type(json.decode "[1.5]"[1]))
  end)

  it("keeps the digits of every number in an object or a list, on every Lua", function()
    for _, number in ipairs { "9007199254740993", "-9007199254740993", "1234567890123456789", "9223372036854775807",
                              "9223372036854775808", "12345678901234567890", "-18446744073709551616", "1e400",
                              "-1E+400", "1e-400", ("9"):rep(400), ("9"):rep(400) .. ".5", "0.1234567890123456789",
                              "3.14159265358979323846", "-12345678901234567890.5", "1.00000000000000000001e5" } do
      for _, frame in ipairs { '{"a":%s}', "[%s]", '[1,{"a":[[],%s,2]}]', '{"a":{"b":%s},"c":%s}' } do
        local text = frame:gsub("%%s", function() return number end)
        assert.equal(text, round(text))
        assert.equal(text, json.encode(json.decode_answer(text)))
      end
    end
    local value = json.decode '{"a":12345678901234567890,"b":[1e400]}'
    assert.equal(12345678901234567890, value.a)
    assert.equal(1 / 0, value.b[1])
    value.a, value.b[1] = 5, 6
    assert.equal('{"a":5,"b":[6]}', json.encode(value))
  end)

  it("reads integers beyond 64 bits as the nearest double", function()
    assert.equal(9223372036854775808.0, json.decode "9223372036854775808")
    assert.equal(-9223372036854775808.0 * 2, json.decode "-18446744073709551616")
    assert.equal(1e30, json.decode "1000000000000000000000000000000")
    assert.equal(1e22, json.decode "[10000000000000000000000]"[1])
  end)

  it("keeps doubles to the last bit", function()
    for _, number in ipairs { 0.1, 1 / 3, 2 / 3, 1e-5, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 1e21,
                              1e22, 123456.789, 3.141592653589793, 2 ^ 60, 2 ^ 53 + 2, -1e-7 } do
      assert.equal(number, json.decode(json.encode(number)))
      assert.equal(number, json.decode(json.encode { number })[1])
    end
    assert.equal(-1 / 0, 1 / json.decode(json.encode(negative_zero)))
    assert.equal(-1 / 0, 1 / json.decode "-0")
  end)

  it("keeps NUL and every other byte of a string", function()
    for _, text in ipairs { "a\0b", "\0", "", "\1\31\127", "/\\\"", "\t\n\r\b\f", "日本語 ∀ 😀",
      "\239\191\191" } do
      assert.equal(text, json.decode(json.encode(text)))
      assert.same({ [text] = text }, json.decode(json.encode { [text] = text }))
    end
  end)

  it("keeps names that look like numbers", function()
    assert.equal('{"1":1,"2":2}', round '{"1":1,"2":2}')
    assert.equal('{"":0,"01":1,"1.5":2}', round '{"":0,"01":1,"1.5":2}')
  end)

  it("gives back random values of any depth", function()
    local random = generator(20240607)
    local pieces = { "a", "é", "字", "😀", "\0", "\n", '"', "\\", "/", "1", "content", "input", "type",
      "tool_use", " " }
    local function text()
      local parts = {}
      for i = 1, random(6) - 1 do
        parts[i] = pieces[random(#pieces)]
      end
      return table.concat(parts)
    end
    local value
    local function container(depth)
      local made = {}
      if random(2) == 1 then
        for i = 1, random(5) - 1 do
          made[i] = value(depth - 1)
        end
        return next(made) == nil and json.array(made) or made
      end
      for _ = 1, random(5) - 1 do
        made[text()] = value(depth - 1)
      end
      return next(made) == nil and json.object(made) or made
    end
    function value(depth)
      local kind = random(depth > 0 and 9 or 6)
      if kind == 1 then
        return json.null
      elseif kind == 2 then
        return random(2) == 1
      elseif kind == 3 then
        return (random(2000001) - 1000001)
      elseif kind == 4 then
        return random(1000000) / (random(999) + 0.5)
      elseif kind <= 6 then
        return text()
      end
      return container(depth)
    end
    for i = 1, 600 do
      local original = container(i % 40)
      -- a block's input_json is not sent by design, and is not among the names here
      local encoded = assert(json.encode(original))
      local decoded = assert(json.decode(encoded))
      if not has_integers or not encoded:find "%.0[,%]}]" then
        assert.is_true(same(decoded, json.decode(json.encode(decoded))))
      end
      assert.equal(encoded, json.encode(decoded))
      -- white space changes nothing
      assert.equal(encoded, json.encode(json.decode(" \n\t\r" .. encoded .. " ")))
    end
  end)
end)

describe("decode", function()
  local accepted = {
    "0", "-0", "1.5", "-1.5E+10", "1e5", "1E-5", "0.0", "true", "false", "null", '""', "[]", "{}", " [ ] ", "\t{\n}\r",
    '[1,"a",true,false,null,{},[]]', '{"a":{"b":{"c":[]}}}', '"\\u0041\\n\\/\\\\\\"\\b\\f\\r\\t"', '"\\ud83d\\ude00"',
    '{"a":1,"a":2}', '"\127"', '"\\u0000"', "[[[[]]]]", '{"":0}', '"\\uD834\\uDD1E"', '"\\uFFFF"', '"\239\187\191"',
    "1e400", "123456789012345678901234567890", '"\244\143\191\191"', '"\237\159\191"', '"\238\128\128"',
  }
  local refused = {
    "", " ", "[", "{", "]", "}", ",", "[,]", "[1,]", "[1 2]", "[1,,2]", '{"a"}', '{"a":}', '{"a":1,}', "{a:1}", "{1:1}",
    '{"a" 1}', "{,}", "[1}", '{"a":1]', "01", "-", "+1", "1.", ".5", "1e", "1e+", "0x10", "-01", "1.5.5", "nan", "NaN",
    "Infinity", "-Infinity", "inf", "tru", "truee", "True", "nul", "nulll", "'a'", '"', '"a', '"\\"',
      '"\\x41"', '"\\u12"',
    '"\\u12G4"', '"\\', '"\\u', '"\n"', '"\t"', '"\1"', '"\0"', "\0", "1\0", "[]\0", "[] []", "1 1", "{}x", "/* */1",
    "1//", '"\\ud800"', '"\\udc00"', '"\\ud800\\u0041"', '"\\ud800\\ud800"', '"\\ud83d\\ude0"', '"\128"', '"\192\128"',
    '"\193\191"', '"\224\159\191"', '"\237\160\128"', '"\240\143\191\191"', '"\244\144\128\128"', '"\245\128\128\128"',
    '"\255"', '"\226\130"', '"\226', "\239\187\191[]", "[\239\187\191]", "\194\160[]", "[1,\12312]", '{"a":1 "b":2}',
    "--1", "- 1", "1 .5", "1e 5", "\v1", "\f1", "tru e",
  }

  it("accepts what RFC 8259 allows", function()
    for _, text in ipairs(accepted) do
      local value, message = json.decode(text)
      assert.is_nil(message, text)
      assert.not_nil(value, text)
    end
  end)

  it("refuses everything else, and names the byte", function()
    for _, text in ipairs(refused) do
      local value, message = json.decode(text)
      assert.is_nil(value, text)
      assert.matches("at byte %d+$", message, 1, false)
    end
  end)

  it("says what is wrong and where", function()
    local function message_of(text)
      return select(2, json.decode(text))
    end
    assert.equal("unexpected end of the text at byte 5", message_of "[1,2")
    assert.equal("expected ',' or '}' at byte 7", message_of '{"a":01}')
    assert.equal("invalid UTF-8 at byte 4", message_of '"ab\255"')
    assert.equal("lone surrogate at byte 2", message_of '"\\ud800"')
    assert.equal("control character in a string at byte 3", message_of '"a\nb"')
    assert.equal("expected the end of the text at byte 4", message_of "[] x")
  end)

  it("takes the last of equal names", function()
    assert.equal(2, json.decode '{"a":1,"a":2}'.a)
    assert.equal('{"a":[]}', json.encode(json.decode '{"a":{},"a":null,"a":[]}'))
  end)

  it("refuses every prefix of a document", function()
    local text = '{"a":[1,-2.5e3,true,null,"x\\ud83d\\ude00é😀"],"content":[{"type":"tool_use","input":{"b":[]}}]}'
    assert.not_nil(json.decode(text))
    for length = 0, #text - 1 do
      local prefix = text:sub(1, length)
      assert.is_nil((json.decode(prefix)))
      assert.is_nil((json.decode_answer(prefix)))
      local block = {}
      json.tool_input(block, prefix)
      assert.is_true(length == 0 or block.input_error ~= nil)
    end
  end)

  it("survives any change of any byte", function()
    local random = generator(4711)
    local text = '{"content":[{"type":"tool_use","input":{"b":[],"c":9007199254740993}}],"x":"\\ud83d\\ude00é"}'
    for _ = 1, 5000 do
      local at = random(#text)
      local changed = text:sub(1, at - 1) .. string.char(random(256) - 1) .. text:sub(at + random(3) - 1)
      local value = json.decode(changed)
      if value ~= nil then
        local encoded, message = json.encode(value)
        assert.is_true(encoded and encoded == json.encode(json.decode(encoded)) or message:find "infinity" ~= nil)
      end
      local answer = json.decode_answer(changed)
      if answer ~= nil then
        assert.is_true(json.encode(answer) ~= nil or changed:find "%d[eE]%d" ~= nil)
      end
    end
  end)

  it("reads 1000 levels and refuses 1001", function()
    for _, pair in ipairs { { "[", "]", "1" }, { '{"a":', "}", "1" }, { '[{"a":', "}]", "[]", 500 } } do
      local open, close, inner, count = pair[1], pair[2], pair[3], pair[4] or 1000
      local level = inner == "[]" and count - 1 or count
      local text = open:rep(level) .. inner .. close:rep(level)
      local value = assert(json.decode(text))
      assert.equal(text, json.encode(value))
      local deeper = open:rep(count) .. "[]" .. close:rep(count)
      assert.matches("nested deeper than 1000 at byte", (select(2, json.decode(deeper))))
    end
  end)

  it("raises for what is no string", function()
    assert.error_matches(function() json.decode(nil) end, "bad argument #1 to 'decode' %(string expected, got nil%)")
    assert.error_matches(function() json.decode {} end, "string expected, got table")
  end)

  it("takes time in proportion to the text", function()
    local function seconds(text)
      local start = os.clock()
      local value = assert(json.decode(text))
      assert.equal(text, json.encode(value))
      return os.clock() - start
    end
    local unit = '["' .. ("some text é \\n"):rep(7) .. '",[],12345678901234567,{}],'
    if not has_integers then
      unit = unit:gsub("12345678901234567", "1")
    end
    local function text(size)
      return "[" .. unit:rep(math.floor(size / #unit)) .. "0]"
    end
    seconds(text(5e5))
    local small, large = seconds(text(5e5)), seconds(text(5e6))
    assert.is_true(large < 40 * small + 1, small .. " then " .. large)
    local long = '"' .. ("x"):rep(5e6) .. '"'
    assert.is_true(seconds(long) < 2)
  end)

  it("names what to install where no decoder is found", function()
    local output = child.output [[
      package.preload.cjson = function() error "not here" end
      local json = require "anthropic.base.json"
      print(json.encode { a = 1 })
      print(pcall(json.decode, "{}"))
    ]]
    assert.matches('{"a":1}', output, 1, true)
    assert.matches("luarocks install lua%-cjson", output)
  end)

  it("uses the editor's decoder where there is no other, and knows its markers", function()
    local output = child.output [[
      local cjson = require "cjson"
      package.loaded.cjson = nil
      package.preload.cjson = function() error "not here" end
      local null, empty = newproxy and newproxy() or io.stderr, {}
      local function swap(value)
        if value == cjson.null then return null end
        if type(value) == "table" then
          if next(value) == nil then return setmetatable(value, empty) end
          for key, member in pairs(value) do value[key] = swap(member) end
        end
        return value
      end
      vim = {
        NIL = null,
        empty_dict = function() return setmetatable({}, empty) end,
        json = { decode = function(text) return swap(cjson.decode(text)) end },
      }
      local json = require "anthropic.base.json"
      local value = json.decode '{"a":null,"b":{},"c":[],"d":[null]}'
      print(value.a == json.null, json.encode(value))
      print(json.encode { content = vim.empty_dict(), n = vim.NIL })
      print(json.decode_answer('{"a":null}').a)
    ]]
    assert.equal('true\t{"a":null,"b":{},"c":[],"d":[null]}\n{"content":{},"n":null}\nnil\n', output)
  end)

  it("makes a new decoder where the locale has changed", function()
    local output = child.output [[
      local cjson = require "cjson"
      local made = 0
      package.loaded.cjson = { new = function()
        made = made + 1
        local mine, fresh = made, cjson.new()
        return { decode = function(text)
          return mine == 1 and error "invalid token" or fresh.decode(text)
        end }
      end }
      local json = require "anthropic.base.json"
      print(json.encode(json.decode "[1.5]"), json.encode(json.decode "[2.5]"), made)
    ]]
    assert.equal("[1.5]\t[2.5]\t2\n", output)
  end)

  it("tries no second decoder where memory ran out, which it tells as Lua does", function()
    local output = child.output [[
      package.loaded.cjson = { new = function()
        print "made"
        return { decode = function() error("not enough memory", 0) end }
      end }
      local json = require "anthropic.base.json"
      print(pcall(json.decode, "[1]"))
      print(json.decode_answer "[1]")
      print(json.decode_event('"' .. ("x"):rep(2 ^ 20) .. '"'))
    ]]
    local told = "nil\tnot enough memory\n"
    assert.equal("made\nfalse\tnot enough memory\n" .. told .. told, output)
  end)

  it("is not changed by the settings of the shared cjson module", function()
    local output = child.output [[
      local cjson = require "cjson"
      cjson.decode_max_depth(1)
      local json = require "anthropic.base.json"
      print(json.encode(json.decode "[ [ [] ] ]"))
    ]]
    assert.equal("[[[]]]\n", output)
  end)
end)

describe("encode", function()
  local function fails(value, expected)
    local text, message = json.encode(value)
    assert.is_nil(text)
    assert.equal(expected, message)
  end

  it("sorts keys by their bytes", function()
    assert.equal('{"":0,"A":1,"a":2,"aa":3,"b":4,"é":5}', json.encode { b = 4, a = 2, aa = 3, A = 1, ["é"] = 5,
      [""] = 0 })
    assert.equal('{"a":1,"a\\u0000":2,"a\\u0000b":3}', json.encode { ["a\0b"] = 3, a = 1, ["a\0"] = 2 })
  end)

  it("gives the same bytes in every process", function()
    local code = [[
      local json = require "anthropic.base.json"
      local value = {}
      for i = 1, 200 do
        value["key" .. (i * 7919 % 1000)] = { a = i, b = i / 7, ["c" .. i] = { true, x = nil } }
      end
      print(json.encode(value))
    ]]
    local first = child.output(code)
    assert.is_true(#first > 5000)
    assert.equal(first, child.output(code))
    assert.equal(first, child.output(code))
  end)

  it("writes numbers in their shortest form that reads back", function()
    for number, text in pairs {
      [4096.0] = "4096", [-1] = "-1", [0.5] = "0.5", [0.1] = "0.1", [1e15] = "1000000000000000", [1e100] = "1e+100",
      [0.1 + 0.2] = "0.30000000000000004", [2 ^ 53 - 1] = "9007199254740991", [-2.5e-10] = "-2.5e-10",
    } do
      assert.equal(text, json.encode(number))
    end
    assert.equal("-0.0", json.encode(negative_zero))
    assert.equal("0", json.encode(0))
  end)

  it("escapes only what has to be", function()
    assert.equal([=["\"\\/\n\t\r\b\f\u0000\u0001\u001fé😀]=] .. '\127"', json.encode "\"\\/\n\t\r\b\f\0\1\31é😀\127")
  end)

  it("names the path and byte of invalid UTF-8", function()
    fails({ messages = { 1, 2, { content = { { text = ("x"):rep(16) .. "\255" } } } } },
      "messages[3].content[1].text: invalid UTF-8 at byte 17")
    fails("\128", "value: invalid UTF-8 at byte 1")
    fails({ "ok", "é\237\160\128" }, "[2]: invalid UTF-8 at byte 3")
    fails({ a = { ["b\255"] = 1 } }, "a: a name has invalid UTF-8 at byte 2")
    for _, bytes in ipairs { "\192\128", "\224\128\128", "\240\128\128\128", "\244\144\128\128", "\226\130", "\248" } do
      fails(("x"):rep(20) .. bytes, "value: invalid UTF-8 at byte 21")
    end
  end)

  it("refuses what has no JSON form, and names the path", function()
    fails({ a = { b = print } }, "a.b: a function has no JSON form")
    fails({ coroutine.create(function() end) }, "[1]: a thread has no JSON form")
    fails({ f = io.stdout }, "f: a userdata has no JSON form")
    fails(nil, "value: a nil has no JSON form")
    fails({ a = { 1, 0 / 0 } }, "a[2]: NaN has no JSON form")
    fails({ a = 1 / 0 }, "a: infinity has no JSON form")
    fails({ a = { [true] = 1 } }, "a: a key is a boolean that cannot be a name")
    fails({ [1.5] = 1 }, "value: a key is a number that cannot be a name")
    fails({ ["a b"] = { ["1x"] = print } }, '["a b"]["1x"]: a function has no JSON form')
  end)

  it("refuses a table that contains itself, and takes one that stands twice", function()
    local cycle = { x = 1 }
    cycle.a = { { back = cycle } }
    fails(cycle, "a[1].back: the table contains itself")
    local list = {}
    list[1] = list
    fails(list, "[1]: the table contains itself")
    local shared = { 1 }
    assert.equal('{"a":[1],"b":[1]}', json.encode { a = shared, b = shared })
  end)

  it("refuses 1001 levels", function()
    local value = {}
    for _ = 1, 999 do
      value = { value }
    end
    assert.equal(("["):rep(999) .. "{}" .. ("]"):rep(999), json.encode(value))
    local text, message = json.encode { value }
    assert.is_nil(text)
    assert.matches("^%[1%].*%.%.%..*: nested deeper than 1000$", message)
    assert.is_true(#message < 300)
  end)

  it("works after a failure", function()
    for _ = 1, 3 do
      fails({ a = ("x"):rep(1000), b = print }, "b: a function has no JSON form")
      assert.equal('{"a":1}', json.encode { a = 1 })
    end
  end)

  it("tells arrays from objects by their keys", function()
    assert.equal("[1,2,3]", json.encode { 1, 2, 3 })
    assert.equal("[false,null]", json.encode { false, json.null })
    assert.equal("{}", json.encode {})
    fails({ x = { 1, nil, 3 } },
      "x: an array with holes; fill them with anthropic.null, or make it an object with anthropic.object()")
    assert.is_nil((json.encode { [0] = 1 }))
    assert.is_nil((json.encode { [2] = 1 }))
    assert.is_nil((json.encode { [-1] = 1, [1] = 1 }))
    fails({ x = { 1, a = 2 } }, "x: both names and numbers as keys; anthropic.object() makes all of them names")
  end)

  it("reads tables without their metamethods", function()
    local value = setmetatable({ a = 1 }, {
      __index = { b = 2 },
      __pairs = function() error "called" end,
      __len = function() error "called" end,
      __tostring = function() error "called" end,
    })
    assert.equal('{"a":1}', json.encode(value))
    assert.equal("[1]", json.encode(setmetatable({ 1 }, { __index = { 1, 2, 3 } })))
  end)

  it("leaves out the fields that a metatable names, and puts others at their place", function()
    local message = setmetatable({ id = "x", content = {}, response = print, extra = { response = "its own" } },
      { __unencoded = { response = true, extra = true }, __merged = "extra" })
    assert.equal('{"messages":[{"content":[],"id":"x","response":"its own"}]}', json.encode { messages = { message } })
  end)

  it("is safe while entries of a weak table vanish", function()
    local random = generator(99)
    for _ = 1, 50 do
      local weak = setmetatable({}, { __mode = "v" })
      for i = 1, 200 do
        weak["a name that is long enough not to be interned " .. i .. random(1000)] = { { i } }
      end
      local text, message = json.encode(weak)
      assert.truthy(text or message:find("a nil has no JSON form", 1, true)) -- it vanished before its turn
    end
  end)
end)

describe("an empty table under a field of the API", function()
  it("is an array where the API wants one", function()
    for _, name in ipairs { "messages", "content", "tools", "stop_sequences", "required", "enum", "anyOf",
      "betas", "stop",
                            "allowed_callers", "mcp_servers", "system", "input_examples" } do
      assert.equal('{"' .. name .. '":[]}', json.encode { [name] = {} })
    end
    assert.equal('{"a":[{"content":[]}],"x":{}}', json.encode { a = { { content = {} } }, x = {} })
  end)

  it("is an object under a name of the user's", function()
    assert.equal('{"input_schema":{"properties":{"content":{},"enum":{"enum":[]}},"required":[]}}',
      json.encode { input_schema = { properties = { content = {}, enum = { enum = {} } }, required = {} } })
    assert.equal('{"$defs":{"tools":{"properties":{}}}}', json.encode { ["$defs"] = { tools = { properties = {} } } })
  end)

  it("is an object everywhere in user data", function()
    for _, name in ipairs { "input", "metadata", "default", "const", "arguments" } do
      assert.equal('{"' .. name .. '":{"content":{"tools":[{"messages":{}}]}}}',
        json.encode { [name] = { content = { tools = { { messages = {} } } } } })
    end
    assert.equal('{"input_examples":[{"content":{}}]}', json.encode { input_examples = { { content = {} } } })
  end)

  it("takes numbers as names in logit_bias", function()
    assert.equal('{"logit_bias":{"11":-5,"50256":-100}}', json.encode { logit_bias = { [50256] = -100, [11] = -5 } })
    assert.equal('{"logit_bias":{"1":5}}', json.encode { logit_bias = { 5 } })
    assert.equal('{"logit_bias":{}}', json.encode { logit_bias = {} })
  end)
end)

describe("a tool's input that decode reads", function()
  local INPUTS = {
    "{}", "[]", '{"b":1,"a":[1.0,1e2,{}],"n":null}', '{ "a" :\n\t[ ] }', '{"x":"\\u0041\\/\\\\\\" é","y":"]}"}',
    '{"big":12345678901234567890,"id":9007199254740993,"f":0.10}', '{"a":1,"a":2}', '{"huge":1e400,"z":-0}',
    '{"content":[{"type":"tool_use","input":{ "a":1.0}}]}', '{"input":{"input": {}},"type":"tool_use"}',
  }

  it("keeps its text, by the members of its object alone, wherever that stands", function()
    for _, decode in ipairs { json.decode, json.decode_answer, json.decode_event } do
      for _, kind in ipairs { "tool_use", "server_tool_use", "mcp_tool_use" } do
        for _, frame in ipairs { "@", "[@]", '{"content":[@]}', '{"a":{"b":[[@]]}}', '{"metadata":@}',
                                 '{"properties":@}', '[{"content":[{"content":[@]}]},@]', '{"input":@}' } do
          for _, input in ipairs(INPUTS) do
            local block = '{"input":' .. input .. ',"type":"' .. kind .. '"}'
            local text = frame:gsub("@", function() return block end)
            assert.equal(text, json.encode((decode(text))))
            assert.equal(text, json.encode(json.decode(json.encode((decode(text))))))
            local reversed = '{"type":"' .. kind .. '","input":' .. input .. "}"
            local again = frame:gsub("@", function() return reversed end)
            assert.equal(text, json.encode((decode(again))))
          end
        end
      end
    end
  end)

  it("is like any other where the object is of another type", function()
    for _, kind in ipairs { '"xtool_use"', '"tool_use2"', '"Tool_use"', '"tool_result"', '""', "5", "null",
                            '["tool_use"]' } do
      local text = '{"input":{"b": 1,"a":[ ]},"type":' .. kind .. "}"
      assert.equal('{"input":{"a":[],"b":1},"type":' .. kind .. "}", json.encode(json.decode(text)))
    end
    assert.equal('{"input":{"a":1}}', json.encode(json.decode '{"input":{"a": 1}}'))
  end)

  it("is the last of equal names, however they are written", function()
    assert.equal('{"input":{ "b":2},"type":"tool_use"}',
      json.encode(json.decode '{"type":"tool_use","input":{ "a":1},"input":{ "b":2}}'))
    assert.equal('{"input":5,"type":"tool_use"}',
      json.encode(json.decode '{"type":"tool_use","input":{ "a":1},"input":5}'))
    assert.equal('{"input":{ "a":1},"type":"tool_use"}',
      json.encode(json.decode '{"type":"text","input":5,"in\\u0070ut":{ "a":1},"type":"tool\\u005fuse"}'))
    assert.equal('{"input":{"a":1},"type":"text"}',
      json.encode(json.decode '{"type":"tool_use","input":{ "a":1},"type":"text"}'))
  end)

  it("is written anew where it was changed, and its other numbers keep their digits", function()
    local block = json.decode '{"type":"tool_use","input":{ "a":12345678901234567890,"b":[1.0, 1e400]}}'
    block.input.c = 1
    assert.equal('{"input":{"a":12345678901234567890,"b":[1,1e400],"c":1},"type":"tool_use"}', json.encode(block))
    block.input.c = nil
    assert.equal('{"input":{ "a":12345678901234567890,"b":[1.0, 1e400]},"type":"tool_use"}', json.encode(block))
  end)

  it("takes time in proportion to the text, however deep inputs are nested", function()
    local function seconds(size)
      local inner = '"' .. ("x"):rep(size) .. '"'
      for _, kind in ipairs { '{"input":@,"type":"text"}', '{"input":@,"type":"tool_use"}', '{"input":[@]}' } do
        local text = inner
        local before, after = kind:match "^(.*)@(.*)$"
        text = before:rep(400) .. text .. after:rep(400)
        local start = os.clock()
        assert.is_string(json.encode(assert(json.decode(text))))
        assert(os.clock() - start < 2, kind)
      end
    end
    seconds(1e6)
  end)
end)

describe("decode_answer", function()
  it("leaves out nulls of objects and sends them again", function()
    local text = '{"a":null,"b":{"c":null,"d":1},"e":[null,{"f":null}]}'
    local answer = json.decode_answer(text)
    assert.is_nil(answer.a)
    assert.is_nil(answer.b.c)
    assert.equal(1, answer.b.d)
    assert.equal(json.null, answer.e[1])
    assert.is_nil(next(answer.e[2]))
    assert.equal(text, json.encode(answer))
    answer.a, answer.b.c = 5, json.array {}
    assert.equal('{"a":5,"b":{"c":[],"d":1},"e":[null,{"f":null}]}', json.encode(answer))
    assert.equal(answer.b, json.object(answer.b))
  end)

  it("reads every event of a stream as Lua users expect", function()
    local event = json.decode_answer '{"type":"content_block_delta","index":0,"delta":{"text":"Hi"}}'
    assert.same({ type = "content_block_delta", index = 0, delta = { text = "Hi" } }, event)
    if has_integers then
      assert.equal("integer", math.type(event.index))
    end
    assert.equal("[]", json.encode(json.decode_answer '{"message":{"content":[]}}'.message.content))
  end)

  it("mends invalid UTF-8 and lone surrogates", function()
    local mended = "\239\191\189"
    for text, expected in pairs {
      ['"a\255b"'] = "a" .. mended .. "b",
      ['"\\ud800x"'] = mended .. "x",
      ['"\\udc00\\ud83d\\ude00"'] = mended .. "😀",
      ['"\\ud83d\\ud83d\\ude00"'] = mended .. "😀",
      ['"\226\130"'] = mended,
      ['"\226\130x\240\159\152"'] = mended .. "x" .. mended,
      ['"\237\160\128"'] = mended:rep(3),
      ["\239\187\191\"é\""] = "é",
    } do
      assert.equal(expected, json.decode_answer(text))
    end
    assert.same({ ["k" .. mended] = 1 }, json.decode_answer '{"k\255":1}')
    assert.is_nil((json.decode_answer "[1,]"))
  end)

  it("reads NaN and infinities as null, which decode refuses", function()
    local answer = json.decode_answer '{"a":NaN,"b":[Infinity,-Infinity,1],"c":{"d":-Infinity}}'
    assert.is_nil(answer.a)
    assert.equal(json.null, answer.b[1])
    assert.is_nil(answer.c.d)
    assert.equal('{"a":null,"b":[null,null,1],"c":{"d":null}}', json.encode(answer))
    assert.equal('{"a":null}', json.encode((json.decode_event '{"a":NaN}')))
    for _, text in ipairs { "[NaN]", "[Infinity]", "[-Infinity]" } do
      assert.equal("NaN and infinities are not JSON at byte 2", (select(2, json.decode(text))))
    end
  end)

  it("takes a tool's input with NaN in it for broken: null could mean something else to the tool", function()
    for _, number in ipairs { "NaN", "Infinity", "-Infinity" } do
      local input = '{"celsius": ' .. number .. ',"name":"\255"}'
      local block = json.decode_answer('{"content":[{"type":"tool_use","id":"t","input":' .. input .. "}]}").content[1]
      assert.is_nil(block.input)
      assert.equal((input:gsub("\255", "\239\191\189")), block.input_json)
      assert.equal("NaN and infinities are not JSON at byte 13", block.input_error)
      assert.equal('{"id":"t","input":{},"type":"tool_use"}', json.encode_request(block))
      assert.same(block, json.decode(json.encode(block)))
      json.tool_input(block, input)
      assert.equal("NaN and infinities are not JSON at byte 13", block.input_error)
    end
  end)

  it("keeps a tool's input as it came", function()
    local inputs = {
      "{}", "[]", '{"b":1,"a":[1.0,1e2,{}],"n":null}', '{ "a" :\n\t[ ] }', '{"x":"\\u0041\\/\\\\\\" é","y":"]}"}',
      '{"big":12345678901234567890,"id":9007199254740993,"f":0.10}', '{"a":1,"a":2}',
        '{"content":[{"type":"tool_use","input":{}}]}',
      '{"huge":1e400}',
    }
    for _, input in ipairs(inputs) do
      for _, type_first in ipairs { true, false } do
        local block = type_first and '{"type":"tool_use","input":%s}' or '{"input":%s,"id":"t","type":"tool_use"}'
        block = block:gsub("%%s", function() return input end)
        for _, frame in ipairs { '{"content":[@],"role":"assistant"}', '{"message":{"content":[{"type":"text"},@]}}',
                                 '{"type":"content_block_start","content_block":@}',
                                   '[{"result":{"message":{"content":[@]}}}]' } do
          local answer = assert(json.decode_answer((frame:gsub("@", function() return block end))))
          assert.matches('"input":' .. input, json.encode(answer), 1, true)
          assert.matches('"input":' .. input, json.encode(answer), 1, true)
        end
      end
    end
  end)

  it("keeps null in a tool's input", function()
    local answer = json.decode_answer '{"content":[{"type":"server_tool_use","input":{"a":null,"b":[]},"caller":null}]}'
    local block = answer.content[1]
    assert.equal(json.null, block.input.a)
    assert.is_nil(block.caller)
    assert.is_nil(block.input_json)
    assert.equal("[]", json.encode(block.input.b))
  end)

  it("reads an `input` elsewhere like any other field", function()
    for _, text in ipairs { '{"input":{"a":null}}', '{"content":[{"input":{"a":null},"type":"other"}]}',
                            '{"content":[{"input":[1,{}]}]}', '{"content":{"input":{"a":[]},"type":"tool_use"}}',
                            '{"content":[{"input":7,"type":"tool_use"}]}' } do
      local answer = json.decode_answer(text)
      assert.equal(text, json.encode(answer))
    end
    assert.is_nil(json.decode_answer '{"content":[{"input":{"a":null}}]}'.content[1].input.a)
  end)

  it("sends a changed input as it is now", function()
    local text = '{"content":[{"input":{"b": 1,"a": [ 0, {} ,[] ] },"type":"tool_use"}]}'
    local changes = {
      function(input) input.b = 2 end,
      function(input) input.c = json.null end,
      function(input) input.b = nil end,
      function(input) input.a[1] = negative_zero end,
      function(input) input.a[2] = json.array {} end,
      function(input) input.a[3] = {} end,
      function(input) input.a[3][1] = true end,
      function(input) input.a = json.raw "[]" end,
      function(input) input.a = json.object { 0, {}, json.array {} } end,
    }
    for _, change in ipairs(changes) do
      local answer = json.decode_answer(text)
      assert.equal(text, json.encode(answer))
      change(answer.content[1].input)
      local encoded = json.encode(answer)
      assert.is_nil(encoded:find("[ 0", 1, true), encoded)
      answer = json.decode_answer(text)
      answer.content[1].input = { b = 1 }
      assert.equal('{"content":[{"input":{"b":1},"type":"tool_use"}]}', json.encode(answer))
    end
    local answer = json.decode_answer(text)
    answer.content[1].input.b = 2
    answer.content[1].input.b = 1
    assert.equal(text, json.encode(answer))
  end)

  it("keeps every input of several", function()
    local text = '{"content":[{"input":{"a": 1},"type":"tool_use"},{"text":"x","type":"text"},'
      .. '{"input":{"b": []},"type":"server_tool_use"},{"input":{"c":null},"type":"other"},'
      .. '{"input":{"d": {}},"type":"mcp_tool_use"}]}'
    local answer = json.decode_answer(text)
    assert.equal(text, json.encode(answer))
    assert.equal(1, answer.content[1].input.a)
    assert.equal("table", type(answer.content[3].input.b))
    assert.is_nil(answer.content[4].input.c)
    assert.equal("table", type(answer.content[5].input.d))
  end)

  it("gives inputs that can be copied", function()
    local answer = json.decode_answer '{"content":[{"input":{"b": 1,"a":[ ]},"type":"tool_use"}]}'
    local function copy(value)
      if type(value) ~= "table" then
        return value
      end
      local made = {}
      for key, member in pairs(value) do
        made[key] = copy(member)
      end
      return setmetatable(made, getmetatable(value))
    end
    assert.equal('{"content":[{"input":{"a":[],"b":1},"type":"tool_use"}]}', json.encode(copy(answer)))
  end)
end)

describe("tool_input", function()
  local function block_of(text)
    local block = { type = "tool_use", id = "t" }
    json.tool_input(block, text)
    return block
  end

  it("decodes the pieces of a stream and sends them again as they came", function()
    local block = block_of(table.concat { '{"pa', 'th": "a', 'b", "n', '": 1.50}' })
    assert.same({ path = "ab", n = 1.5 }, block.input)
    assert.equal('{"id":"t","input":{"path": "ab", "n": 1.50},"type":"tool_use"}', json.encode(block))
    assert.is_nil(block.input_json)
  end)

  it("takes no text for an empty object", function()
    for _, text in ipairs { "", " \n" } do
      local block = block_of(text)
      assert.is_nil(next(block.input))
      assert.equal('{"id":"t","input":{},"type":"tool_use"}', json.encode(block))
    end
  end)

  it("keeps what is not valid, through text and back, and never sends it", function()
    for _, text in ipairs { '{"a":', '{"a":1}}', "{'a':1}", '{"a":"\n"}' } do
      local block = block_of(text)
      assert.is_nil(block.input)
      assert.equal(text, block.input_json)
      assert.matches("at byte %d+$", block.input_error)
      assert.equal('[{"id":"t","input":{},"type":"tool_use"}]', json.encode_request { block })
      local stored = json.decode(json.encode(block))
      assert.same({ type = "tool_use", id = "t", input_json = text, input_error = block.input_error }, stored)
      assert.equal('[{"id":"t","input":{},"type":"tool_use"}]', json.encode_request { stored })
      block.input = { a = 1 }
      assert.equal('{"id":"t","input":{"a":1},"type":"tool_use"}', json.encode_request(block))
      json.tool_input(block, "{}")
      assert.is_nil(block.input_json)
      assert.is_nil(block.input_error)
    end
  end)

  it("takes for broken what would take too much memory", function()
    local text = "[" .. ("[],"):rep(500000) .. "1]"
    local block = { type = "tool_use", id = "t", input = { a = 1 } }
    json.tool_input(block, text)
    assert.is_nil(block.input)
    assert.is_true(text == block.input_json)
    assert.matches("^the values would take too much memory", block.input_error)
  end)

  it("sends an object in the place of a broken text alone, not of an error that stands by itself", function()
    assert.equal('{"id":"t","type":"tool_use"}',
      json.encode_request { id = "t", input_error = "e", type = "tool_use" })
    assert.equal('{"id":"t","input":{},"type":"tool_use"}',
      json.encode_request { id = "t", input_json = "{", type = "tool_use" })
  end)

  it("sends an object for an input that was null and then broke", function()
    local block = json.decode_answer '{"content_block":{"type":"tool_use","input":null}}'.content_block
    assert.equal('{"input":null,"type":"tool_use"}', json.encode(block))
    assert.equal('{"input":{},"type":"tool_use"}', json.encode_request(block))
    json.tool_input(block, "{")
    assert.equal('{"input":{},"type":"tool_use"}', json.encode_request(block))
    assert.equal('{"input":{},"type":"tool_use"}', json.encode_request(json.decode(json.encode(block))))
  end)

  it("keeps input_json where it is a name of the user's", function()
    assert.equal('{"input":{"input_json":1,"type":"tool_use"}}',
      json.encode_request { input = { input_json = 1, type = "tool_use" } })
    assert.equal('{"input_json":1,"type":"text"}', json.encode_request { input_json = 1, type = "text" })
  end)

  it("takes a value that is no object as it is", function()
    assert.equal(5, block_of("5").input)
    assert.equal('{"id":"t","input":[ 1 ],"type":"tool_use"}', json.encode(block_of "[ 1 ]"))
    assert.equal(json.null, block_of("null").input)
  end)

  it("mends the text before it keeps it", function()
    local block = block_of '{"a": "\\ud83d \255"}'
    assert.equal('{"id":"t","input":{"a": "\239\191\189 \239\191\189"},"type":"tool_use"}', json.encode(block))
  end)
end)

describe("a value that is mended", function()
  local R = "\239\191\189"

  it("is the same one where there is nothing to mend", function()
    for _, value in ipairs { "é", {}, { a = { "b" } }, 5, true, json.null } do
      assert.equal(value, json.mend(value))
    end
  end)

  it("has a replacement for each ill-formed part of its strings and names", function()
    assert.equal("caf" .. R, json.mend "caf\233")
    assert.equal("x" .. R:rep(3) .. "\0y", json.mend "x\237\160\189\0y")
    local value = { ["k\255"] = { "\226\130", { a = "é\128", b = json.array {}, c = json.null } } }
    local mended = json.mend(value)
    assert.equal('{"k' .. R .. '":["' .. R .. '",{"a":"é' .. R .. '","b":[],"c":null}]}', json.encode(mended))
    assert.equal("\226\130", value["k\255"][1])
  end)

  it("is none where there is no JSON for it", function()
    local cycle = { "\255" }
    cycle[2] = cycle
    for expected, value in pairs {
      ["[2]: the table contains itself"] = cycle, ["[2]: a function has no JSON form"] = { "\255", print },
      ["a: NaN has no JSON form"] = { a = 0 / 0 },
    } do
      assert.same({ nil, expected }, { json.mend(value) })
      assert.same({ nil, expected }, { json.encode_mended(value) })
    end
  end)

  it("is written so in one step", function()
    assert.equal('{"' .. R .. '":"' .. R .. '"}', json.encode_mended { ["\255"] = "\255" })
    assert.equal('{"a":1}', json.encode_mended { a = 1 })
  end)
end)

describe("decode_event", function()
  local HALF = "\237\160\189" -- "\ud83d" in three bytes

  it("reads like decode_answer", function()
    local text = '{"a":null,"content_block":{"input":{"b": 1.0,"c":null},"type":"tool_use"}}'
    local event, message, halves = json.decode_event(text)
    assert.is_nil(event.a)
    assert.is_nil(message)
    assert.is_false(halves)
    assert.equal(json.null, event.content_block.input.c)
    assert.equal(text, json.encode(event))
    assert.equal("x\239\191\189y", json.decode_event '"x\255y"')
    assert.equal("x\239\191\189y", json.decode_event '"x\\ud83dy"')
    assert.equal(json.null, json.decode_event "null")
    local large = json.decode_event('{"a":null,"b":"' .. ("x"):rep(2 ^ 20) .. '"}')
    assert.is_nil(large.a)
    assert.equal(2 ^ 20, #large.b)
  end)

  it("keeps halves of characters at the ends of strings, and tells of them", function()
    for text, expected in pairs { ['"x\\ud83d"'] = "x" .. HALF, ['"\\ude00x"'] = "\237\184\128x" } do
      local value, message, halves = json.decode_event(text)
      assert.equal(expected, value)
      assert.is_nil(message)
      assert.is_true(halves)
    end
    local event, _, halves = json.decode_event '{"a":null,"delta":{"text":"\\ud83d"}}'
    assert.equal(HALF, event.delta.text)
    assert.is_true(halves)
    assert.is_false((select(3, json.decode_event '"\\ud83d\\ude00"')))
  end)

  it("refuses what is not valid, with words alone", function()
    for _, text in ipairs { "", "{", "[1,]", '{"a":1}x' } do
      local results = { n = select("#", json.decode_event(text)), json.decode_event(text) }
      assert.is_nil(results[1])
      assert.matches("at byte %d+$", results[2])
      assert.is_nil(results[3])
    end
  end)

  it("is the only one that tells of halves", function()
    assert.equal(2, select("#", json.decode_answer '"\\ud83d"'))
    assert.equal(2, select("#", json.decode '"x"'))
    assert.equal("\239\191\189", json.decode_answer '"\\ud83d"')
  end)
end)

describe("a tool's input that was changed", function()
  -- The input as it is sent after the change.
  local function sent(text, change)
    local answer = assert(json.decode_answer('{"content":[{"input":' .. text .. ',"type":"tool_use"}]}'))
    local block = answer.content[1]
    block.input = change(block.input) or block.input
    return (json.encode(answer):match '^{"content":%[{"input":(.*),"type":"tool_use"}%]}$')
  end

  for _, case in ipairs { -- what, text, change, what is sent
    { "nothing", '{"a": 1}', function() end, '{"a": 1}' },
    { "a table for a number", '{"a": 1}', function(input) input.a = {} end, '{"a":{}}' },
    { "a number for a table", '{"a": [1]}', function(input) input.a = 1 end, '{"a":1}' },
    { "a number for an object", '{"a": {}}', function(input) input.a = 1 end, '{"a":1}' },
    { "a string for a number", '{"a": 1}', function(input) input.a = "1" end, '{"a":"1"}' },
    { "false for true", '{"a": true}', function(input) input.a = false end, '{"a":false}' },
    { "minus zero for zero", '{"a": 0}', function(input) input.a = negative_zero end, '{"a":-0.0}' },
    { "raw text for a list that holds it", '{"a": ["1"]}', function(input) input.a = json.raw "1" end, '{"a":1}' },
    { "a list for its like", '{"a": ["1"]}', function(input) input.a = json.array { "1" } end, '{"a": ["1"]}' },
    { "a plain list for its like", '{"a": ["1"]}', function(input) input.a = { "1" } end, '{"a": ["1"]}' },
    { "an object for a list", '{"a": [1]}', function(input) input.a = json.object { 1 } end, '{"a":{"1":1}}' },
    { "an empty list for an empty object", '{"a": {}}', function(input) input.a = json.array {} end, '{"a":[]}' },
    { "an object of the same names", '{"a": {"b":1}}', function(input) input.a = json.object { b = 1 } end,
      '{"a": {"b":1}}' },
    { "a table that leaves something out", '{"a": {"b":1}}',
      function(input) input.a = setmetatable({ b = 1 }, { __unencoded = { b = true } }) end, '{"a":{}}' },
    { "one element less", '{"a": [1,2]}', function(input) input.a[2] = nil end, '{"a":[1]}' },
    { "one element more", '{"a": [1,2]}', function(input) input.a[3] = 3 end, '{"a":[1,2,3]}' },
    { "the order of a list", '{"a": [1,2]}', function(input) input.a[1], input.a[2] = 2, 1 end, '{"a":[2,1]}' },
    { "null for a value", '{"a": 1}', function(input) input.a = json.null end, '{"a":null}' },
    { "a value that comes back", '{"a": 1}', function(input)
      input.a = 2
      input.a = 1
    end, '{"a": 1}' },
    { "another table with the same in it", '{"a": 1}', function() return { a = 1 } end, '{"a":1}' },
  } do
    it("is sent anew or not: " .. case[1], function()
      assert.equal(case[4], sent(case[2], case[3]))
    end)
  end
end)

describe("the text of a tool's input", function()
  it("is the one that it came as, as long as it says the same", function()
    local block = { type = "tool_use" }
    json.tool_input(block, '{"b": 1, "a": 2}')
    assert.equal('{"b": 1, "a": 2}', json.input_text(block.input))
    block.input.b = 3
    assert.equal('{"a":2,"b":3}', json.input_text(block.input))
  end)

  it("holds NaN where an object under a name for inputs did, and only there", function()
    for _, decode in ipairs { json.decode_answer, json.decode_event } do
      local value = decode '{"input":{"x":NaN,"l":[]},"of":[{"arguments":{"x":[-Infinity]}}],"parameters":{"x":null}}'
      assert.equal('{"l":[],"x":NaN}', json.input_text(value.input))
      assert.equal('{"x":[-Infinity]}', json.input_text(value.of[1].arguments))
      assert.equal('{"x":null}', json.input_text(value.parameters))
      value = decode '{"arguments":{"x":null},"scores":{"x":NaN}}'
      assert.equal('{"x":null}', json.input_text(value.arguments))
      assert.equal('{"x":null}', json.input_text(value.scores))
      assert.equal('{"arguments":{"x":null},"scores":{"x":null}}', json.encode(value))
      value = decode '[{"partial_json":{"half":"\\ud83d","x":NaN}}]'
      assert.equal('{"half":"\239\191\189","x":NaN}', json.input_text(value[1].partial_json))
    end
  end)

  it("is its encoding where it came as none, and nothing alone where it has none", function()
    assert.equal('{"a":2,"b":1}', json.input_text { b = 1, a = 2 })
    assert.equal("5", json.input_text(5))
    assert.same({ n = 1 }, { n = select("#", json.input_text(print)), json.input_text(print) })
  end)
end)

describe("a raw value", function()
  it("is known as one", function()
    assert.is_true(json.is_raw(json.raw "{}"))
    for _, value in ipairs { {}, { "{}" }, json.array {}, json.object {}, "{}", 1, true, json.null } do
      assert.is_false(json.is_raw(value))
    end
    assert.is_false(json.is_raw(nil))
  end)

  it("is its text", function()
    assert.equal('{"a": [ ]}', tostring(json.raw '{"a": [ ]}'))
  end)
end)

describe("copy", function()
  it("gives another table with the same members", function()
    local inner = {}
    local value = { 1, a = inner }
    local copied = json.copy(value)
    assert.are_not.equal(value, copied)
    assert.same(value, copied)
    assert.equal(inner, copied.a)
    copied.b = 1
    assert.is_nil(value.b)
  end)

  it("is encoded like the original", function()
    for _, value in ipairs { {}, json.array {}, json.object {}, json.object { 1 }, json.raw '{"a": 1}', { 1, 2 },
                             json.decode_answer '{"a":null,"b":1}' } do
      assert.equal(json.encode(value), json.encode(json.copy(value)))
    end
    local copied = json.copy(json.decode '{"a":12345678901234567890,"b":1e400}')
    assert.equal('{"a":12345678901234567890,"b":1e400}', json.encode(copied))
  end)

  it("keeps its digits when the copy gets others", function()
    local value = json.decode '{"a":12345678901234567890}'
    local copied = json.copy(value)
    json.set(json.decode '{"a":0.1234567890123456789}', copied, "a")
    assert.equal('{"a":12345678901234567890}', json.encode(value))
    assert.equal('{"a":0.1234567890123456789}', json.encode(copied))
  end)

  it("has nulls of its own where they are set", function()
    local value = json.decode_answer '{"a":null,"b":1}'
    assert.same({ a = true }, json.nulls_of(value))
    local copied = json.copy(value)
    json.set_nulls(copied, { c = true })
    assert.equal('{"b":1,"c":null}', json.encode(copied))
    assert.equal('{"a":null,"b":1}', json.encode(value))
    for _, other in ipairs { {}, json.array {}, json.object {}, setmetatable({}, { __metatable = 5 }) } do
      assert.is_nil(json.nulls_of(other))
    end
  end)

  it("reads no metamethod", function()
    local value = setmetatable({ a = 1 }, { __index = { b = 2 }, __pairs = function() error "called" end })
    local copied = json.copy(value)
    assert.equal(1, rawget(copied, "a"))
    assert.is_nil(rawget(copied, "b"))
    assert.equal(2, copied.b)
  end)
end)

describe("a mistake in the calling program", function()
  local function message_of(f, ...)
    local ok, message = pcall(f, ...)
    assert.is_false(ok)
    return message
  end

  it("is named", function()
    for _, name in ipairs { "array", "object" } do
      for _, value in ipairs { "x", 1, true, print } do
        assert.matches(("bad argument #1 to '%s' (table expected, got %s)"):format(name, type(value)),
          message_of(json[name], value), 1, true)
      end
      assert.matches(("bad argument #1 to '%s' (table expected, got nil)"):format(name), message_of(json[name]), 1,
        true)
    end
    for _, name in ipairs { "raw", "decode" } do
      for _, value in ipairs { 1, true, {}, print } do
        assert.matches(("bad argument #1 to '%s' (string expected, got %s)"):format(name, type(value)),
          message_of(json[name], value), 1, true)
      end
    end
  end)

  it("is a table that has another metatable", function()
    local of_answer = json.decode_answer '{"a":null}'
    assert.equal(of_answer, json.object(of_answer))
    for _, pair in ipairs { { "array", setmetatable({}, {}) }, { "object", setmetatable({}, {}) },
                            { "array", json.object {} }, { "object", json.array {} }, { "array", of_answer },
                            { "array", json.raw "[]" }, { "object", json.raw "{}" },
                            { "object", setmetatable({}, { __metatable = "locked" }) },
                            { "object", setmetatable({}, { __metatable = false }) },
                            { "array", setmetatable({}, { __metatable = false }) } } do
      assert.matches(("bad argument #1 to '%s' (the table has another metatable)"):format(pair[1]),
        message_of(json[pair[1]], pair[2]), 1, true)
    end
  end)

  it("is blamed on the line that called", function()
    for _, call in ipairs {
      function()
        local value = json.raw "["
        return value
      end,
      function()
        local value = json.raw {}
        return value
      end,
      function()
        local value = json.decode {}
        return value
      end,
    } do
      local expected = debug.getinfo(call, "S").linedefined + 1
      assert.matches("^spec/unit/base/json_spec%.lua:" .. expected .. ": ", message_of(call))
    end
  end)

  it("is blamed on the line that called array or object", function()
    for _, call in ipairs {
      function()
        local value = json.array "x"
        return value
      end,
      function()
        local value = json.object(setmetatable({}, {}))
        return value
      end,
    } do
      local expected = debug.getinfo(call, "S").linedefined + 1
      assert.matches("^spec/unit/base/json_spec%.lua:" .. expected .. ": ", message_of(call))
    end
  end)
end)

describe("what reads JSON", function()
  it("has a name", function()
    assert.matches("^lua%-cjson %d", json.library())
    assert.equal(1, select("#", json.library()))
  end)

  it("may be the editor's", function()
    local output = child.output [[
      package.preload.cjson = function() error "not here" end
      vim = { json = { decode = print } }
      print(require "anthropic.base.json".library())
    ]]
    assert.equal("vim.json, Neovim's own build of lua-cjson\n", output)
  end)

  it("is looked for when it is needed; where it is missing, one line says what to do", function()
    for _, vim in ipairs { "", "vim = {}", "vim = 1" } do
      local output = child.output([[
        package.preload.cjson = function() error("not here\nnor there", 0) end
        ]] .. vim .. [[

        local json = require "anthropic.base.json"
        print(pcall(json.library))
        print(pcall(json.decode, "[]"))
      ]])
      local line = "false\tanthropic needs lua-cjson to read JSON: luarocks install lua-cjson (" -- what require says
      local first, second = output:match "^([^\n]*)\n([^\n]*)\n$"
      assert.equal(line, first:sub(1, #line))
      assert.equal(line, second:sub(1, #line))
      assert.matches("%)$", first)
    end
  end)
end)
