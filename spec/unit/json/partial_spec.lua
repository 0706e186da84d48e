local core = require "anthropic.core"
local exhaustion = require "spec.support.exhaustion"
local json = require "anthropic.base.json"

local CORPUS = {
  '{"foo": "bar", "thing": "baz"}',
  "{}",
  "[]",
  ' { "a" : [ ] , "b" : { } , "c" : [ { } , [ ] ] } ',
  '{"a":{"b":{"c":{"d":"e"}}}}',
  '[[[[1],2],3],{"x":[null,true,false,"",-1]}]',
  '{"n":[0,-0,1.0,10,123.456,8.2156e-15,1.5e+10,2E8,1e5,-1.5e-3,-7]}',
  '{"more":[0.5,-0.5,0.0,-0.0,0e1,0E-1,0.25e+2,1.0e1,-1E-7,100,0]}',
  '{"big":[9007199254740991,9007199254740992,9007199254740993,-9223372036854775808,'
    .. '9223372036854775807,9223372036854775808,123456789012345678901234567890,1e400]}',
  '{"escapes":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20ac\\u0000"}',
  '{"pair":"\\ud83d\\ude00","and more":"x\\uD83D\\uDE00y\\ud83d\\ude00\\ud83d\\ude00"}',
  '{"raw":"aé€😀","известни":"中文字符"}',
  '{"twice":1,"twice":{"a":[1]},"twice":"last"}',
  '{"null":null,"true":true,"false":false}',
  '"a root string"',
  "true",
  "\t\r\n[1 , 2\n]\n",
}

-- A number at the outermost level ends with the byte after it.
local function read(text, cuts)
  local reader = core.json_partial()
  local from = 1
  for _, cut in ipairs(cuts or {}) do
    assert(reader:feed(text:sub(from, cut)))
    from = cut + 1
  end
  assert(reader:feed(text:sub(from)))
  return reader:value(), reader
end

local function show(value)
  local kind = math.type and math.type(value) or type(value) -- luacheck: ignore 143
  if type(value) ~= "table" then
    return kind .. ":" .. (type(value) == "number" and ("%.17g"):format(value) or tostring(value))
  end
  local names = {}
  for name, member in pairs(value) do
    names[#names + 1] = show(name) .. "=" .. show(member)
  end
  table.sort(names)
  return tostring(getmetatable(value)) .. "{" .. table.concat(names, ",") .. "}"
end

-- The same numbers at every run.
local function random_numbers(seed)
  return function(limit)
    seed = (seed * 16807) % 2147483647
    return seed % limit + 1
  end
end

describe("the reader of partial JSON", function()
  it("gives what the decoder gives once the text is complete", function()
    for _, text in ipairs(CORPUS) do
      assert.equal(show((json.decode(text))), show((read(text .. " "))), text)
    end
  end)

  it("takes every prefix of valid JSON", function()
    for _, text in ipairs(CORPUS) do
      for length = 0, #text do
        local reader = core.json_partial()
        assert.is_true(reader:feed(text:sub(1, length)), text:sub(1, length))
      end
    end
  end)

  it("knows the same however the text is cut", function()
    for _, text in ipairs(CORPUS) do
      local grown = core.json_partial()
      for length = 1, #text do
        assert(grown:feed(text:sub(length, length)))
        local whole, reader = read(text:sub(1, length))
        assert.equal(show(whole), show(grown:value()), text:sub(1, length))
        assert.equal(reader:text(), grown:text())
        assert.same(reader:path(), grown:path())
      end
    end
  end)

  it("gives the same for random cuts", function()
    local random = random_numbers(42)
    for _, text in ipairs(CORPUS) do
      local expected = show((json.decode(text)))
      for _ = 1, 30 do
        local cuts, at = {}, 0
        while at < #text do
          at = at + random(7) - 1
          cuts[#cuts + 1] = at
        end
        assert.equal(expected, show((read(text .. " ", cuts))), text)
      end
    end
  end)

  it("shows complete values only, and containers as soon as they open", function()
    local function known(prefix)
      return json.encode((read(prefix)))
    end
    assert.equal("{}", known "")
    assert.equal("{}", known '{"foo": "ba')
    assert.equal('{"foo":"bar"}', known '{"foo": "bar"')
    assert.equal('{"foo":{}}', known '{"foo": {')
    assert.equal('{"foo":[]}', known '{"foo": [')
    assert.equal('{"foo":[]}', known '{"foo": [12')
    assert.equal('{"foo":[12]}', known '{"foo": [12,')
    assert.equal('{"foo":[12]}', known '{"foo": [12 ')
    assert.equal('{"foo":[12]}', known '{"foo": [12, -')
    assert.equal('{"foo":[12,"a"]}', known '{"foo": [12, "a", "b')
    assert.equal("{}", known '{"foo": tru')
    assert.equal('{"foo":true}', known '{"foo": true')
    assert.equal('{"a":{"b":{"c":{}}}}', known '{"a":{"b":{"c":{"d":"e')
    assert.equal('{"a":1}', known '{"a":1,"a')
    assert.equal('{"a":1}', known '{"a":1,"a":2')
    assert.equal('{"a":2}', known '{"a":1,"a":2,')
  end)

  it("lets one table grow", function()
    local reader = core.json_partial()
    local root = reader:value()
    assert(reader:feed '{"list":[')
    local list = root.list
    assert(reader:feed '1,{"a":')
    assert.equal(list, root.list)
    assert.equal(1, list[1])
    local member = list[2]
    assert(reader:feed '"x"}]}')
    assert.equal("x", member.a)
    assert.equal(root, reader:value())
  end)

  it("keeps empty arrays and empty objects apart, also while they are open", function()
    assert.equal("[]", json.encode((read "[")))
    assert.equal('{"a":[],"b":{}}', json.encode((read '{"a":[],"b":{')))
    assert.is_nil(getmetatable((read "[1,")))
    assert.is_nil(getmetatable((read '{"a":1,')))
  end)

  it("shows the string that is being written, what was added to it, and where it is", function()
    local reader = core.json_partial()
    assert(reader:feed '{"file":{"lines":["one","tw')
    assert.equal("tw", reader:text())
    assert.equal("tw", reader:added())
    assert.same({ "file", "lines", 2 }, reader:path())
    assert(reader:feed "o and ")
    assert.equal("two and ", reader:text())
    assert.equal("o and ", reader:added())
    assert(reader:feed "")
    assert.equal("", reader:added())
    assert(reader:feed 'a half","th')
    assert.equal("th", reader:text())
    assert.equal("th", reader:added())
    assert.same({ "file", "lines", 3 }, reader:path())
    assert(reader:feed 'ree"]}')
    assert.is_nil(reader:text())
    assert.is_nil(reader:path())
    assert.equal("", reader:added())
  end)

  it("does not take a name for a string that is being written", function()
    local _, reader = read '{"na'
    assert.is_nil(reader:text())
    assert.is_nil(reader:path())
  end)

  it("holds back half a character", function()
    local reader = core.json_partial()
    assert(reader:feed '["\\ud83d')
    assert.equal("", reader:text())
    assert(reader:feed "\\ude")
    assert.equal("", reader:text())
    assert(reader:feed "00!\226\130")
    assert.equal("😀!", reader:text())
    assert(reader:feed "\172")
    assert.equal("😀!€", reader:text())
  end)

  it("replaces lone surrogates and invalid UTF-8 as the decoder of tool inputs does", function()
    local texts = {
      '{"a":"\\ud83dx"}', '{"a":"\\ud83d"}', '{"a":"\\ude00\\ud83d\\ud83d\\ude00"}', '{"a":"\\ud83d\\n"}',
      '{"a":"\\ud83d\\u0041"}', '{"a":"\\ud83d\195\169"}', '{"a":"\255x"}', '{"a":"\226\130"}', '{"a":"\226\130A"}',
      '{"a":"\224\128\128\240\159\152"}', '{"a":"\195\195\169\192\175"}', '{"a":"\237\160\128"}', '{"a":"\226\130\\n"}',
    }
    for _, text in ipairs(texts) do
      local block = {}
      json.tool_input(block, text)
      for cut = 0, #text do
        assert.equal(block.input.a, (read(text, { cut })).a, text)
      end
    end
  end)

  it("says what is wrong and where, and stays so", function()
    local wrong = {
      ["{a"] = "expected a name at byte 2",
      ['{"a"x'] = "expected ':' at byte 5",
      ['{"a":x'] = "expected a value at byte 6",
      ["[1,]"] = "expected a value at byte 4",
      ['{"a":1,}'] = "expected a name at byte 8",
      ["[1}"] = "expected ',' or ']' at byte 3",
      ['{"a":1]'] = "expected ',' or '}' at byte 7",
      ["[nul]"] = "invalid value at byte 5",
      ["[truee"] = "expected ',' or ']' at byte 6",
      ["[01"] = "expected ',' or ']' at byte 3",
      ["[-]"] = "invalid number at byte 3",
      ["[1.]"] = "invalid number at byte 4",
      ["[1e+]"] = "invalid number at byte 5",
      ['["\\x'] = "invalid escape at byte 4",
      ['["\\u12g'] = "invalid \\u escape at byte 7",
      ['["a\nb'] = "control character in a string at byte 4",
      ["{} x"] = "expected the end of the text at byte 4",
      ["[\0"] = "expected a value at byte 2",
    }
    for text, message in pairs(wrong) do
      for cut = 0, #text do
        local reader = core.json_partial()
        local ok, problem = reader:feed(text:sub(1, cut))
        if ok then
          ok, problem = reader:feed(text:sub(cut + 1))
        end
        assert.is_nil(ok)
        assert.equal(message, problem)
        assert.equal(message, (select(2, reader:feed "1")))
      end
    end
  end)

  it("takes no number with a part too many, however it is cut", function()
    for _, text in ipairs { "[1.5.2]", "[0.5.]", "[1e5.2]", "[1e5e5]", "[00]", "[01]", "[-01]", "[1..2]", "[1.e5]",
      "[1e+-5]", "[1-]", "[--1]", "[.5]", "[+1]", "[0x1]", "[1ee5]", "[1.5e5.5]" } do
      for cut = 1, #text - 1 do
        local reader = core.json_partial()
        local ok = reader:feed(text:sub(1, cut)) and reader:feed(text:sub(cut + 1))
        assert.is_falsy(ok, text)
      end
    end
  end)

  it("keeps what was known before the text broke", function()
    local reader = core.json_partial()
    assert.is_nil((reader:feed '{"a":[1,2,x'))
    assert.equal('{"a":[1,2]}', json.encode(reader:value()))
  end)

  it("takes a thousand levels and refuses one more", function()
    local reader = core.json_partial()
    assert.is_true(reader:feed(("["):rep(1000)))
    local ok, message = reader:feed "["
    assert.is_nil(ok)
    assert.equal("nested deeper than 1000 at byte 1001", message)
    assert((core.json_partial():feed(("["):rep(1000) .. ("]"):rep(1000))))
  end)

  it("reads a long string in many pieces", function()
    local reader = core.json_partial()
    assert(reader:feed '{"text":"')
    for i = 1, 20000 do
      assert(reader:feed(("%05d "):format(i)))
    end
    assert.equal(120000, #reader:text())
    assert(reader:feed '"}')
    assert.equal(120000, #reader:value().text)
    assert.equal("20000 ", reader:value().text:sub(-6))
  end)

  it("raises where there is no memory for a part of a string or a number, and makes none up", function()
    if not exhaustion.is_possible "core" then
      pending "allocations cannot fail here"
      return
    end
    for _, piece in ipairs { "x", "é", "\255", "\226\130", "\\n", "\\u0041", "\\u20ac", "\\ud83d\\ude00", "\\ud83d",
      "\\ude00", "\\ud83dx", "\226\\n", "\226x" } do
      for _, before in ipairs { 0, 254, 255 } do -- its memory grows behind 256 bytes
        local text = '["' .. ("y"):rep(before) .. piece:rep(before > 0 and 1 or 300) .. '"]'
        for _, size in ipairs { 1, #text } do
          exhaustion.survive(function()
            local reader = core.json_partial()
            for at = 1, #text, size do
              assert(reader:feed(text:sub(at, at + size - 1)))
            end
            return reader:value()[1]
          end)
        end
      end
    end
    for _, size in ipairs { 1, 600 } do
      local digits = ("1"):rep(300) .. "." .. ("2"):rep(300)
      assert.is_true(exhaustion.survive(function()
        local reader = core.json_partial()
        for at = 1, #digits, size do
          assert(reader:feed(digits:sub(at, at + size - 1)))
        end
        assert(reader:feed " ")
        return reader:value()
      end) > 0)
    end
  end)

  it("can be dropped at any time", function()
    for _ = 1, 100 do
      core.json_partial():feed('{"a":["' .. ("x"):rep(10000))
    end
    collectgarbage()
    collectgarbage()
  end)

  it("knows every character at the edges of its length", function()
    for escape, bytes in pairs {
      ["\\u0000"] = "\0", ["\\u007f"] = "\127", ["\\u0080"] = "\194\128", ["\\u07ff"] = "\223\191",
      ["\\u0800"] = "\224\160\128", ["\\ud7ff"] = "\237\159\191", ["\\ue000"] = "\238\128\128",
      ["\\uffff"] = "\239\191\191", ["\\uFFFD"] = "\239\191\189", ["\\ud800\\udc00"] = "\240\144\128\128",
      ["\\udbff\\udfff"] = "\244\143\191\191", ["\\uDBFF\\uDC00"] = "\244\143\176\128",
      ["\\ud800\\udfff"] = "\240\144\143\191", ["\\u00aF"] = "\194\175",
    } do
      local text = '{"a":"' .. escape .. '"}'
      for cut = 0, #text do
        assert.equal(bytes, (read(text, { cut })).a, escape)
      end
    end
  end)

  it("replaces each half of a character that stands alone, at the edges of both", function()
    local R = "\239\191\189"
    for escape, bytes in pairs {
      ["\\ud800"] = R, ["\\udbff"] = R, ["\\udc00"] = R, ["\\udfff"] = R, ["\\ud800\\ud800"] = R .. R,
      ["\\udbff\\ue000"] = R .. "\238\128\128", ["\\udbff\\ud7ff"] = R .. "\237\159\191",
      ["\\udc00\\ud800"] = R .. R, ["\\ud800\\udbff\\udfff"] = R .. "\244\143\191\191",
    } do
      assert.equal(bytes, (read('{"a":"' .. escape .. '"}')).a, escape)
    end
  end)

  it("refuses what is no digit of a character, next to the digits and the letters", function()
    for _, letter in ipairs { "/", ":", "@", "G", "`", "g", " ", "\0" } do
      for place = 1, 4 do
        local digits = ("0"):rep(place - 1) .. letter
        local ok, message = core.json_partial():feed('"\\u' .. digits)
        assert.is_nil(ok)
        assert.equal("invalid \\u escape at byte " .. 3 + place, message)
      end
    end
  end)

  it("has white space between all tokens, and nothing else", function()
    local tokens = { "{", '"a"', ":", "[", "1", ",", "true", ",", "null", "]", ",", '"b"', ":", '"x"', "}" }
    local reader = core.json_partial()
    assert(reader:feed(" \t\r\n" .. table.concat(tokens, " \t\r\n") .. " \t\r\n"))
    assert.equal('{"a":[1,true,null],"b":"x"}', json.encode(reader:value()))
    for _, other in ipairs { "\v", "\f", "\0", "\194\160", "\239\187\191" } do
      assert.is_nil((core.json_partial():feed(other .. "{}")))
      assert.is_nil((core.json_partial():feed("{" .. other .. "}")))
    end
  end)

  it("raises for what is no string, and for what is no reader", function()
    local reader = core.json_partial()
    assert.has_error(function() reader:feed() end)
    assert.has_error(function() reader:feed {} end)
    for _, name in ipairs { "feed", "value", "path", "text", "added" } do
      assert.has_error(function() reader[name]({}, "1") end)
      assert.has_error(function() reader[name](io.stdout, "1") end)
    end
    assert.is_true(reader:feed "[1]")
  end)
end)
