local core = require "anthropic.core"

local CHECK, REPAIR, STRICT = core.json_check, core.json_repair, core.json_strict
local ANSWER, EVENT = core.json_answer, core.json_event
local has_integers = math.type ~= nil -- luacheck: ignore 143

-- A mark of the core's: see src/json/scan.h.
local EMPTY_ARRAY = '"\255a"'

local function integer(digits)
  return has_integers and '"\255i' .. digits .. '"' or digits
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
      assert.same({ text, 0, false }, { core.json_prepare(text, CHECK) })
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
      assert.same({ expected, 0, false }, { core.json_prepare(text, REPAIR) })
    end
  end)

  it("has one for each ill-formed part of its bytes", function()
    for text, expected in pairs {
      ['"\255"'] = '"' .. R .. '"', ['"a\226\130b"'] = '"a' .. R .. 'b"', ['"\226\130"'] = '"' .. R .. '"',
      ['"\237\160\128"'] = '"' .. R:rep(3) .. '"', ['"\240\159\152"'] = '"' .. R .. '"',
      ['"é\128é"'] = '"é' .. R .. 'é"',
      ['"\192\175"'] = '"' .. R .. R .. '"',
    } do
      assert.same({ expected, 0, false }, { core.json_prepare(text, REPAIR) })
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
    assert.same({ "[]", 0, false }, { core.json_prepare("[]", CHECK) })
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

  it("has large integers marked, and larger ones given an exponent", function()
    for text, expected in pairs {
      ["999999999999999"] = "999999999999999", ["1000000000000000"] = "1000000000000000",
      ["9007199254740992"] = "9007199254740992", ["-9007199254740992"] = "-9007199254740992",
      ["9007199254740993"] = integer "9007199254740993", ["-9007199254740993"] = integer "-9007199254740993",
      ["9223372036854775807"] = integer "9223372036854775807",
      ["-9223372036854775808"] = integer "-9223372036854775808",
      ["9223372036854775808"] = "9223372036854775808e0", ["-9223372036854775809"] = "-9223372036854775809e0",
      ["18446744073709551616"] = "18446744073709551616e0", ["99999999999999999999"] = "99999999999999999999e0",
      ["12345678901234567890123"] = "12345678901234567890123e0",
      ["9007199254740993.0"] = "9007199254740993.0", ["9007199254740993e0"] = "9007199254740993e0",
      ["12345678901234567890123.5"] = "12345678901234567890123.5", ["-0"] = "-0.0", ["-0.0"] = "-0.0", ["0"] = "0",
      ["-1"] = "-1", ["-0e1"] = "-0e1",
    } do
      assert.equal(expected, prepared(text, STRICT), text)
      assert.equal("[" .. expected .. "," .. expected .. "]", prepared("[" .. text .. "," .. text .. "]", STRICT))
      assert.equal(text, prepared(text, CHECK))
    end
  end)
end)

describe("an answer's JSON text", function()
  -- The mark of an input, whose text it holds.
  local function input(text)
    return '"\255r' .. text:gsub('["\\]', "\\%0"):gsub("\n", "\\n"):gsub("\r", "\\r"):gsub("\t", "\\t") .. '"'
  end

  it("has the inputs in its content blocks taken whole", function()
    for _, text in ipairs {
      "{}", "[]", '{"a":[]}', '{"a":{"input":{"b":1}}}', "[1,[2,[]],null]", '{ "a" : 9007199254740993 }',
      '{"a":"\\"\\\\\\n","b":-0}', '{\n"a":\t1\r}', '{"content":[{"input":{}}]}', '{"\\u0041":"é"}',
    } do
      assert.same({ '{"content":[{"input":' .. input(text) .. "}]}", 1, false },
        { core.json_prepare('{"content":[{"input":' .. text .. "}]}", ANSWER) })
      assert.same({ '{"content_block":{"input":' .. input(text) .. "}}", 1, false },
        { core.json_prepare('{"content_block":{"input":' .. text .. "}}", ANSWER) })
    end
  end)

  it("has several of them, in nested content too", function()
    assert.equal('{"content":[{"input":' .. input "{}" .. '},{"content":[{"input":' .. input "[]" .. '}],"input":'
      .. input '{"a":1}' .. "}]}",
      prepared('{"content":[{"input":{}},{"content":[{"input":[]}],"input":{"a":1}}]}', ANSWER))
  end)

  it("has no input taken that is a scalar, or in what is no content block", function()
    for _, text in ipairs {
      '{"content":[{"input":"x"}]}', '{"content":[{"input":true}]}', '{"input":{"a":true}}', '[{"input":{"a":true}}]',
      '{"content":{"input":{"a":true}}}', '{"content_block":[{"input":{"a":true}}]}',
      '{"content":[[{"input":{"a":true}}]]}',
      '{"contents":[{"input":{"a":true}}]}', '{"conten":[{"input":{"a":true}}]}', '{"Content":[{"input":{"a":true}}]}',
      '{"content":[{"inputs":{"a":true}}]}', '{"content":[{"inpu":{"a":true}}]}', '{"content":[{"Input":{"a":true}}]}',
      '{"content":[{"a":{"input":{"a":true}}}]}', '{"content_bloc":{"input":{"a":true}}}',
      '{"content_blocks":{"input":{"a":true}}}', '{"content_block":{"a":{"input":{"a":true}}}}',
      '{"a":"content","b":[{"input":{"a":true}}]}', '{"content":[true],"b":{"input":{"a":true}}}',
      '{"content":["input",{"a":true}]}',
    } do
      assert.same({ text, 0, false }, { core.json_prepare(text, ANSWER) })
    end
    assert.equal('{"content":[{"input":{"a":true}}]}', prepared('{"content":[{"input":{"a":true}}]}', STRICT))
  end)

  it("has what is no UTF-8 in an input repaired", function()
    local text = prepared('{"content":[{"input":{"a":"\255\\ud800"}}]}', ANSWER)
    assert.equal('{"content":[{"input":' .. input '{"a":"\239\191\189\239\191\189"}' .. "}]}", text)
    assert.equal(text, prepared('{"content":[{"input":{"a":"\255\\ud800"}}]}', EVENT))
  end)

  it("is refused where its input is broken", function()
    assert.same({ nil, "expected a value at byte 28", 28 },
      { core.json_prepare('{"content":[{"input":{"a": ,}}]}', ANSWER) })
    assert.same({ nil, "unexpected end of the text at byte 28", 28 },
      { core.json_prepare('{"content":[{"input":{"a":1', ANSWER) })
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
      assert.same({ expected, 0, true }, { core.json_prepare(text, EVENT) })
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
    assert.same({ '"' .. R .. HIGH .. '"', 0, true }, { core.json_prepare('"\\ud83d\\ud83d"', EVENT) })
    assert.same({ '"' .. LOW .. R .. '"', 0, true }, { core.json_prepare('"\\ude00\\ude00"', EVENT) })
  end)

  it("keeps none in an answer", function()
    assert.same({ '"' .. R .. '"', 0, false }, { core.json_prepare('"\\ud83d"', ANSWER) })
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
