local core = require "anthropic.core"

local CHECK, REPAIR, STRICT = core.json_check, core.json_repair, core.json_strict
local ANSWER, EVENT = core.json_answer, core.json_event
local has_integers = math.type ~= nil -- luacheck: ignore 143

-- A mark of the core's: see src/json/scan.h.
local EMPTY_ARRAY = '"\255a"'

-- A number whose digits Lua's do not hold, or may not.
local function number(digits)
  return '"\255n' .. digits .. '"'
end

local function integer(digits)
  return has_integers and '"\255i' .. digits .. '"' or number(digits)
end

local function prepared(text, options)
  return (core.json_prepare(text, options))
end

describe("the check of a JSON text", function()
  it("gives what is right as it is", function()
    for _, text in ipairs {
      "0", "-0", "1.5e+10", "true", "false", "null", '""', "[]", "{}", " [ 1 , 2 ] ", '{"a":{"b":[]}}', "\t\r\n1\n",
      '"\\u0041\\ud83d\\ude00"', '"\\u0000"', '"\\uD83D\\uDE00"', '{"a":1,"a":2}', "12345678901234567890123",
      '[{"type":"x","content":[{"input":{}}]}]',
    } do
      assert.same({ text, 0, false, 0 }, { core.json_prepare(text, CHECK) })
    end
  end)

  it("says what is wrong and at which byte", function()
    for _, row in ipairs {
      { "", "unexpected end of the text", 1 }, { "  ", "unexpected end of the text", 3 },
      { "x", "expected a value", 1 }, { "[1,]", "expected a value", 4 }, { '{"a":}', "expected a value", 6 },
      { "{,}", "expected a name", 2 }, { "{1:1}", "expected a name", 2 }, { '{"a":1,}', "expected a name", 8 },
      { '{"a"1}', "expected ':'", 5 }, { '{"a" }', "expected ':'", 6 },
      { "[1 2]", "expected ',' or ']'", 4 }, { "[1}", "expected ',' or ']'", 3 },
      { '{"a":1]', "expected ',' or '}'", 7 }, { '{"a":1 "b":2}', "expected ',' or '}'", 8 },
      { "1 2", "expected the end of the text", 3 }, { "[]]", "expected the end of the text", 3 },
      { "trux", "invalid value", 4 }, { "nul]", "invalid value", 4 }, { "falsy", "invalid value", 5 },
      { "[-]", "invalid number", 3 }, { "[1.]", "invalid number", 4 }, { "[1e]", "invalid number", 4 },
      { "[1e+]", "invalid number", 5 }, { "[1.e1]", "invalid number", 4 }, { "[-a]", "invalid number", 3 },
      { "01", "expected the end of the text", 2 }, { "[00]", "expected ',' or ']'", 3 },
      { '"\\x"', "invalid escape", 3 }, { '"\\u12g4"', "invalid \\u escape", 6 }, { '"\\u"', "invalid \\u escape", 4 },
      { '"\\ud800"', "lone surrogate", 2 }, { '"a\\udc00"', "lone surrogate", 3 },
      { '"\\ud800\\u0041"', "lone surrogate", 2 }, { '"\\ud800\\ud800"', "lone surrogate", 2 },
      { '"\\udbff\\ue000"', "lone surrogate", 2 }, { '"\\ud800x"', "lone surrogate", 2 },
      { '"\\ud800\\n"', "lone surrogate", 2 }, { '"\\udfff"', "lone surrogate", 2 },
      { '"a\nb"', "control character in a string", 3 }, { '"\31"', "control character in a string", 2 },
      { '"\0"', "control character in a string", 2 }, { '"ab\255"', "invalid UTF-8", 4 },
      { '"é\128"', "invalid UTF-8", 4 }, { '"\237\160\128"', "invalid UTF-8", 2 },
      { "\239\187\1911", "expected a value", 1 },
      { '"abc', "unexpected end of the text", 5 }, { '{"a":[1', "unexpected end of the text", 8 },
      { "[1,", "unexpected end of the text", 4 }, { "tru", "unexpected end of the text", 4 },
      { "1e", "unexpected end of the text", 3 }, { '"\\', "unexpected end of the text", 3 },
      { '"\\u00', "unexpected end of the text", 6 }, { "-", "unexpected end of the text", 2 },
      { "1\0", "expected the end of the text", 2 },
      { "NaN", "NaN and infinities are not JSON", 1 }, { "[1,Infinity]", "NaN and infinities are not JSON", 4 },
      { '{"a":-Infinity}', "NaN and infinities are not JSON", 6 }, { "nan", "invalid value", 2 },
      { "Inf", "expected a value", 1 }, { "NAN", "expected a value", 1 }, { "-Inf", "expected a value", 1 },
      { "+Infinity", "expected a value", 1 }, { "-NaN", "invalid number", 2 },
    } do
      for _, options in ipairs { CHECK, STRICT } do
        assert.same({ nil, row[2] .. " at byte " .. row[3], row[3] }, { core.json_prepare(row[1], options) })
      end
    end
  end)

  it("takes a thousand levels and refuses one more", function()
    for _, pair in ipairs { { "[", "]" }, { '{"a":', "}" } } do
      local inner = pair[1] == "[" and "" or "1"
      local text = pair[1]:rep(1000) .. inner .. pair[2]:rep(1000)
      assert.equal(text, prepared(text, CHECK))
      local _, message, position = core.json_prepare(pair[1]:rep(1001), CHECK)
      assert.equal(1000 * #pair[1] + 1, position)
      assert.equal("nested deeper than 1000 at byte " .. ("%d"):format(position), message)
    end
    -- one after the other they are no deeper
    assert.is_string((prepared("[" .. ("[],"):rep(2000) .. "{}]", CHECK)))
  end)

  it("takes nothing but a string and a number", function()
    assert.has_error(function() core.json_prepare({}, CHECK) end)
    assert.has_error(function() core.json_prepare("1", "x") end)
    assert.has_error(function() core.json_prepare "1" end)
  end)
end)

describe("a JSON text that is repaired", function()
  local R = "\239\191\189"

  it("has a replacement for each lone surrogate", function()
    for text, expected in pairs {
      ['"\\ud800"'] = '"' .. R .. '"', ['"\\udc00"'] = '"' .. R .. '"', ['"a\\udc00b"'] = '"a' .. R .. 'b"',
      ['"\\ud800\\ud800"'] = '"' .. R .. R .. '"', ['"\\ud800\\ud83d\\ude00"'] = '"' .. R .. '\\ud83d\\ude00"',
      ['"\\ude00\\ud83d"'] = '"' .. R .. R .. '"', ['"\\ud800\\u0041"'] = '"' .. R .. '\\u0041"',
      ['"\\ud83d\\ude00"'] = '"\\ud83d\\ude00"', ['["\\ud800",1,"\\udbff"]'] = '["' .. R .. '",1,"' .. R .. '"]',
      ['{"\\ud800":1}'] = '{"' .. R .. '":1}',
    } do
      assert.same({ expected, 0, false, 0 }, { core.json_prepare(text, REPAIR) })
    end
  end)

  it("has one for each ill-formed part of its bytes", function()
    for text, expected in pairs {
      ['"\255"'] = '"' .. R .. '"', ['"a\226\130b"'] = '"a' .. R .. 'b"', ['"\226\130"'] = '"' .. R .. '"',
      ['"\237\160\128"'] = '"' .. R:rep(3) .. '"', ['"\240\159\152"'] = '"' .. R .. '"',
      ['"é\128é"'] = '"é' .. R .. 'é"',
      ['"\192\175"'] = '"' .. R .. R .. '"',
    } do
      assert.same({ expected, 0, false, 0 }, { core.json_prepare(text, REPAIR) })
    end
  end)

  it("loses a byte order mark at its beginning, and nowhere else", function()
    assert.equal("[1]", prepared("\239\187\191[1]", REPAIR))
    assert.equal(" [1]", prepared("\239\187\191 [1]", REPAIR))
    assert.equal('"\239\187\191"', prepared('"\239\187\191"', REPAIR))
    for _, text in ipairs { " \239\187\191[1]", "[\239\187\1911]", "\239\187\191\239\187\191[1]", "\239\187[1]" } do
      assert.is_nil((core.json_prepare(text, REPAIR)))
    end
    assert.same({ nil, "unexpected end of the text at byte 4", 4 }, { core.json_prepare("\239\187\191", REPAIR) })
  end)

  it("is refused for everything else", function()
    for _, text in ipairs { '"\\x"', "[1,]", '"\n"', "\255", '"\\ud8"', "[\255]" } do
      assert.is_nil((core.json_prepare(text, REPAIR)))
    end
  end)
end)

describe("a JSON text that is marked", function()
  it("has empty arrays marked, wherever they are, and how much there is to restore", function()
    for text, expected in pairs {
      ["[]"] = EMPTY_ARRAY, ["[ ]"] = EMPTY_ARRAY, ["[\n\t]"] = EMPTY_ARRAY, ["[[]]"] = "[" .. EMPTY_ARRAY .. "]",
      ['{"a":[],"b":[[],[]]}'] = '{"a":' .. EMPTY_ARRAY .. ',"b":[' .. EMPTY_ARRAY .. "," .. EMPTY_ARRAY .. "]}",
    } do
      local got, pending, halves = core.json_prepare(text, STRICT)
      assert.equal(expected, got)
      assert.equal(select(2, expected:gsub("\255", "")), pending)
      assert.is_false(halves)
    end
    assert.same({ "[]", 0, false, 0 }, { core.json_prepare("[]", CHECK) })
  end)

  it("has nulls and empty objects counted, and numbers where Lua has integers", function()
    for text, counts in pairs {
      ["null"] = { 1, 1 }, ["{}"] = { 1, 1 }, ["[null,{},null]"] = { 3, 3 }, ["true"] = { 0, 0 }, ['"x"'] = { 0, 0 },
      ["[1,2.5,-3]"] = { 3, 0 }, ['{"a":{"b":1}}'] = { 1, 0 }, ["[true,false]"] = { 0, 0 },
    } do
      local got, pending = core.json_prepare(text, STRICT)
      assert.equal(text, got)
      assert.equal(has_integers and counts[1] or counts[2], pending, text)
    end
  end)

  it("has the numbers marked whose digits doubles do not hold, or may not", function()
    for text, expected in pairs {
      ["999999999999999"] = "999999999999999", ["1000000000000000"] = "1000000000000000",
      ["9007199254740992"] = "9007199254740992", ["-9007199254740992"] = "-9007199254740992",
      ["9007199254740993"] = integer "9007199254740993", ["-9007199254740993"] = integer "-9007199254740993",
      ["9223372036854775807"] = integer "9223372036854775807",
      ["-9223372036854775808"] = integer "-9223372036854775808",
      ["9223372036854775808"] = number "9223372036854775808", ["-9223372036854775809"] = number "-9223372036854775809",
      ["18446744073709551616"] = number "18446744073709551616",
      ["99999999999999999999"] = number "99999999999999999999",
      ["12345678901234567890123"] = number "12345678901234567890123",
      ["9007199254740993.0"] = "9007199254740993.0", ["9007199254740993e0"] = "9007199254740993e0",
      ["12345678901234567890123.5"] = number "12345678901234567890123.5",
      ["-0"] = "-0.0", ["-0.0"] = "-0.0", ["0"] = "0",
      ["-1"] = "-1", ["-0e1"] = "-0e1", ["1e99"] = "1e99", ["1.5e-99"] = "1.5e-99", ["1e400"] = number "1e400",
      ["-1.5E+400"] = number "-1.5E+400", ["1e-400"] = number "1e-400", ["1e100"] = number "1e100",
      [("9"):rep(200) .. ".5e99"] = number(("9"):rep(200) .. ".5e99"),
      ["0.12345678901234567"] = "0.12345678901234567", ["0.123456789012345678"] = number "0.123456789012345678",
      ["-1.2345678901234567"] = "-1.2345678901234567", ["-1.23456789012345678"] = number "-1.23456789012345678",
      ["0.0000000000000000000012345"] = "0.0000000000000000000012345",
      ["123456789012345678e0"] = number "123456789012345678e0", ["12345678901234567E5"] = "12345678901234567E5",
      ["0.00000000000000000000e1"] = "0.00000000000000000000e1",
      [("9"):rep(201) .. ".5"] = number(("9"):rep(201) .. ".5"),
    } do
      assert.equal(expected, prepared(text, STRICT), text)
      assert.equal("[" .. expected .. "," .. expected .. "]", prepared("[" .. text .. "," .. text .. "]", STRICT))
      assert.equal(text, prepared(text, CHECK))
      local pending = expected:find("\255", 1, true) and 1 or 0
      assert.equal(has_integers and 1 or pending, (select(2, core.json_prepare(text, STRICT))), text)
    end
  end)
end)

describe("NaN and the infinities", function()
  it("are null in what servers send", function()
    for text, expected in pairs {
      ["NaN"] = "null", ["[Infinity,-Infinity]"] = "[null,null]", ['{"a":NaN,"b":[true, -Infinity ]}'] =
      '{"a":null,"b":[true, null ]}',
    } do
      for _, options in ipairs { ANSWER, EVENT } do
        local count = select(2, expected:gsub("null", ""))
        assert.same({ expected, count, false, 0 }, { core.json_prepare(text, options) })
      end
      for _, options in ipairs { CHECK, REPAIR, STRICT } do
        assert.is_nil((core.json_prepare(text, options)))
      end
    end
  end)

  it("are nothing else, and none but these", function()
    for _, text in ipairs { "nan", "NAN", "Nan", "-NaN", "+Infinity", "infinity", "Inf", "-Inf", "INFINITY", "NaNs",
      "- Infinity", "--Infinity", "{NaN:1}", "1Infinity", "I", "N", "-I", "undefined", "None" } do
      assert.is_nil((core.json_prepare(text, ANSWER)), text)
    end
    assert.equal('"NaN"', prepared('"NaN"', ANSWER))
    assert.equal('{"Infinity":true}', prepared('{"Infinity":true}', ANSWER))
  end)
end)

describe("a text in which inputs are looked for", function()
  local function prepare(text, options)
    return core.json_prepare(text, options, "input")
  end

  local function marks_of(text, options)
    return (prepare(text, options))
  end

  -- The text, in which each "@" is the mark of the input before it, and without them.
  local function marked(given)
    local text = given:gsub("@", "")
    local open, closed, inputs, result, at = {}, nil, 0, {}, 0
    for char in given:gmatch "." do
      if char == "@" then
        inputs = inputs + 1
        result[#result + 1] = (',"\255":"%d %d"'):format(closed, at)
      else
        at = at + 1
        result[#result + 1] = char
        if char == "{" or char == "[" then
          open = { first = at, outer = open }
        elseif char == "}" or char == "]" then
          closed, open = open.first, open.outer
        end
      end
    end
    return text, table.concat(result), inputs
  end

  it("has their places marked, wherever they stand", function()
    for _, given in ipairs {
      '{"input":{"a":true}@}', '{"input":{"a":true}@,"type":"tool_use"}', '[{"input":[true]@}]',
      '{"type":"x","content":[{"input":{"b":"c"}@,"d":true}]}', '{"a":{"b":{"input":{"c":{"d":true}}@}}}',
      '{"input":{"input":{"input":[true]@}@}@}', '{"input" : { "a" : true }@ , "b":true}',
      '{"\\u0069nput":[true]@}', '{"in\\u0070u\\u0074":[true]@}', '{"input":[true]@,"input":{"a":true}@}',
    } do
      local text, expected, inputs = marked(given)
      for _, options in ipairs { STRICT, ANSWER, EVENT } do
        assert.same({ expected, inputs, false, inputs }, { prepare(text, options) })
      end
      assert.same({ text, 0, false, 0 }, { core.json_prepare(text, STRICT) })
    end
  end)

  it("has what is in them marked, too", function()
    assert.equal('{"input":{"a":' .. EMPTY_ARRAY .. ',"b":' .. number "1e400" .. '},"\255":"10 27"}',
      marks_of('{"input":{"a":[],"b":1e400}}', STRICT))
    assert.equal('{"input":' .. EMPTY_ARRAY .. ',"\255":"10 11"}', marks_of('{"input":[]}', STRICT))
    assert.same({ '{"input":{},"\255":"10 11"}', 2, false, 1 }, { prepare('{"input":{}}', STRICT) })
    assert.equal('{"input":{"a":"\239\191\189"},"\255":"10 18"}', marks_of('{"input":{"a":"\255"}}', ANSWER))
    assert.equal('{"input":[null],"\255":"10 14"}', marks_of('{"input":[NaN]}', ANSWER))
    assert.equal('{"input":[true],"\255":"13 18"}', marks_of('\239\187\191{"input":[true]}', ANSWER))
  end)

  it("has none that is no object and no list, or of another name", function()
    for _, text in ipairs {
      '{"input":"x"}', '{"input":true}', '[{"input":"x"},{"a":[true]}]', '[{"input":true},[true]]',
      '{"inputs":[true]}', '{"inpu":[true]}', '{"Input":[true]}', '{"a":"input","b":[true]}', '["input",[true]]',
      '{"":[true]}', '{"\\u0049nput":[true]}', '{"input\\u0000":[true]}', '{"\\input":[true]}',
    } do
      if text:find("\\i", 1, true) then
        assert.is_nil((marks_of(text, STRICT)))
      else
        assert.same({ text, 0, false, 0 }, { prepare(text, STRICT) })
      end
    end
  end)

  it("is refused where its input is broken", function()
    assert.same({ nil, "expected a value at byte 28", 28 },
      { prepare('{"content":[{"input":{"a": ,}}]}', ANSWER) })
    assert.same({ nil, "unexpected end of the text at byte 28", 28 },
      { prepare('{"content":[{"input":{"a":1', ANSWER) })
  end)

  it("may look for another name", function()
    assert.same({ '{"a":[true],"\255":"6 11","input":{}}', 2, false, 1 },
      { core.json_prepare('{"a":[true],"input":{}}', STRICT, "a") })
    assert.same({ '{"":[true],"\255":"5 10"}', 1, false, 1 }, { core.json_prepare('{"":[true]}', STRICT, "") })
  end)

  it("may have them a thousand levels deep", function()
    local text = ('{"input":'):rep(999) .. "[]" .. ("}"):rep(999)
    local got, pending, _, inputs = prepare(text, STRICT)
    assert.equal(999, inputs)
    assert.equal(1000, pending)
    assert.equal(999, (select(2, got:gsub('"\255":', ""))))
  end)
end)

describe("an event's JSON text", function()
  local HIGH, LOW = "\237\160\189", "\237\184\128" -- the halves of one character
  local R = "\239\191\189"

  it("keeps half a character where the other half may be in another text", function()
    for text, expected in pairs {
      ['"\\ud83d"'] = '"' .. HIGH .. '"', ['"\\ude00"'] = '"' .. LOW .. '"', ['"a\\ud83d"'] = '"a' .. HIGH .. '"',
      ['"\\ude00a"'] = '"' .. LOW .. 'a"', ['["\\ude00 \\ud83d"]'] = '["' .. LOW .. " " .. HIGH .. '"]',
      ['{"a":"\\ud83d","b":"\\ude00"}'] = '{"a":"' .. HIGH .. '","b":"' .. LOW .. '"}',
    } do
      assert.same({ expected, 0, true, 0 }, { core.json_prepare(text, EVENT) })
    end
  end)

  it("replaces it everywhere else", function()
    for text, expected in pairs {
      ['"\\ud83da"'] = '"' .. R .. 'a"', ['"a\\ude00"'] = '"a' .. R .. '"', ['"\\ud83d\\n"'] = '"' .. R .. '\\n"',
      ['{"\\ud83d":1}'] = '{"' .. R .. '":1}', ['{"\\ude00":true}'] = '{"' .. R .. '":true}',
    } do
      local got, _, halves = core.json_prepare(text, EVENT)
      assert.equal(expected, got)
      assert.is_false(halves)
    end
    assert.same({ '"' .. R .. HIGH .. '"', 0, true, 0 }, { core.json_prepare('"\\ud83d\\ud83d"', EVENT) })
    assert.same({ '"' .. LOW .. R .. '"', 0, true, 0 }, { core.json_prepare('"\\ude00\\ude00"', EVENT) })
  end)

  it("keeps none in an answer", function()
    assert.same({ '"' .. R .. '"', 0, false, 0 }, { core.json_prepare('"\\ud83d"', ANSWER) })
  end)

  it("knows the edges of both halves", function()
    for unit, kept in pairs {
      d7ff = false, d800 = "\237\160\128", dbff = "\237\175\191", dc00 = "\237\176\128", dfff = "\237\191\191",
      e000 = false, D8FF = "\237\163\191", DCFF = "\237\179\191",
    } do
      local text = '"\\u' .. unit .. '"'
      assert.equal(kept and '"' .. kept .. '"' or text, prepared(text, EVENT))
    end
  end)
end)
