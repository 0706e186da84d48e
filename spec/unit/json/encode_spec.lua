local child = require "spec.support.child"
local core = require "anthropic.core"
local directory = require "spec.support.directory"
local exhaustion = require "spec.support.exhaustion"

local rules = { kinds = {}, literals = {}, fields = {}, inputs = {}, digits = {}, is_unchanged = function() end }

local function encode(value)
  return core.json_encode(value, rules)
end

describe("a string in JSON", function()
  it("has the escapes of its quote, its backslash and its control characters, and no others", function()
    local letters = { [8] = "\\b", [9] = "\\t", [10] = "\\n", [12] = "\\f", [13] = "\\r", [34] = '\\"', [92] = "\\\\" }
    for byte = 0, 127 do
      local char = string.char(byte)
      local expected = letters[byte] or byte < 32 and ("\\u%04x"):format(byte) or char
      assert.equal('"' .. expected .. '"', encode(char))
      assert.equal('"a' .. expected .. 'b"', encode("a" .. char .. "b"))
      assert.equal('"' .. expected:rep(20) .. '"', encode(char:rep(20)))
    end
  end)

  it("has the same escapes wherever they stand in it, or none", function()
    for length = 0, 40 do
      local plain = ("x"):rep(length)
      assert.equal('"' .. plain .. '"', encode(plain))
      for at = 1, length do
        local text = plain:sub(1, at - 1) .. '"' .. plain:sub(at + 1)
        assert.equal('"' .. text:gsub('"', '\\"') .. '"', encode(text))
      end
    end
  end)

  it("has all other characters as they are", function()
    for _, text in ipairs { "", "/", "é", "字", "😀", "\194\128", "\239\191\191", "\244\143\191\191", "\226\128\168" } do
      assert.equal('"' .. text .. '"', encode(text))
      assert.equal('"x' .. text .. '\\n' .. text .. '"', encode("x" .. text .. "\n" .. text))
    end
  end)

  it("is refused at the first byte that is no UTF-8", function()
    for text, position in pairs {
      ["\128"] = 1, ["a\255"] = 2, ["é\195"] = 3, ["\n\n\226\130"] = 3, ["\237\160\128"] = 1, ["\240\159\152"] = 1,
      [("x"):rep(100) .. "\192\128"] = 101, ["\128\128"] = 1,
    } do
      assert.same({ nil, "value: invalid UTF-8 at byte " .. position }, { encode(text) })
      assert.same({ nil, "[2]: invalid UTF-8 at byte " .. position }, { encode { "fine", text } })
    end
  end)
end)

describe("a string that is mended", function()
  local R = "\239\191\189"

  it("has a replacement for each ill-formed part, and is else as any other", function()
    for bytes, expected in pairs {
      ["\255"] = R, ["a\255b"] = "a" .. R .. "b", ["caf\233"] = "caf" .. R, ["\226\130"] = R,
      ["\226\130x\240\159\152"] = R .. "x" .. R, ["\237\160\189"] = R:rep(3), ["\192\175"] = R .. R,
      ["\128\129"] = R .. R, ["é\128é"] = "é" .. R .. "é", ["\255\n\""] = R .. '\\n\\"', ["😀"] = "😀", [""] = "",
      [("x"):rep(40) .. "\255" .. ("y"):rep(40)] = ("x"):rep(40) .. R .. ("y"):rep(40),
    } do
      assert.equal('"' .. expected .. '"', core.json_encode(bytes, rules, core.json_mend))
      assert.equal('{"' .. expected .. '":["' .. expected .. '"]}',
        core.json_encode({ [bytes] = { bytes } }, rules, core.json_mend))
    end
  end)

  it("is mended in time that is linear in its bytes", function()
    assert.equal(6e5 + 2, #core.json_encode(("\255"):rep(2e5), rules, core.json_mend))
  end)
end)

describe("a number in JSON", function()
  it("has no point where it is whole and below 2^53", function()
    for number, text in pairs {
      [0] = "0", [1] = "1", [-1] = "-1", [1e15] = "1000000000000000", [2 ^ 53 - 1] = "9007199254740991",
      [-(2 ^ 53 - 1)] = "-9007199254740991", [123456789012] = "123456789012",
    } do
      assert.equal(text, encode(number))
    end
  end)

  it("has the fewest digits that read back, where it is not", function()
    local two_to_53, two_to_64 = 2 ^ 53, 2 ^ 64
    for text, number in pairs {
      ["0.5"] = 0.5, ["-0.5"] = -0.5, ["0.1"] = 0.1, ["0.3"] = 0.3, ["0.30000000000000004"] = 0.1 + 0.2,
      ["0.3333333333333333"] = 1 / 3, ["1.5"] = 1.5, ["1e+100"] = 1e100, ["1e-10"] = 1e-10, ["-2.5e-10"] = -2.5e-10,
      ["1.7976931348623157e+308"] = 1.7976931348623157e308, ["4.94065645841247e-324"] = 5e-324,
      ["9007199254740992"] = two_to_53, ["-9007199254740992"] = -two_to_53, ["1.8446744073709552e+19"] = two_to_64,
      ["123456.789"] = 123456.789, ["0.07"] = 0.07, ["0.1234567890123456"] = 0.1234567890123456, ["1e+16"] = 1e16,
    } do
      assert.equal(text, encode(number))
      assert.equal(number, tonumber(text))
    end
  end)

  it("keeps the sign of zero", function()
    assert.equal("-0.0", encode(tonumber "-0.0"))
    assert.equal("0", encode(0))
  end)

  it("is every integer of 64 bits where Lua has them", function()
    if not math.type then -- luacheck: ignore 143
      return
    end
    for _, text in ipairs { "9223372036854775807", "-9223372036854775808", "9007199254740993", "0", "-1" } do
      assert.equal(text, encode(math.tointeger(tonumber(text)))) -- luacheck: ignore 143
    end
  end)

  it("is none where it is no number or not finite", function()
    assert.same({ nil, "value: NaN has no JSON form" }, { encode(0 / 0) })
    assert.same({ nil, "value: infinity has no JSON form" }, { encode(math.huge) })
    assert.same({ nil, "value: infinity has no JSON form" }, { encode(-math.huge) })
  end)

  it("has a point whatever the locale has, also where that is of several bytes", function()
    local folder = directory.new()
    folder:write("source", [[
comment_char %
escape_char /
LC_NUMERIC
decimal_point "<U066B>"
thousands_sep ""
grouping -1
END LC_NUMERIC
]])
    folder:write("program.lua", [[
      local core = require "anthropic.core"
      local rules = { kinds = {}, literals = {}, fields = {}, inputs = {}, digits = {}, is_unchanged = function() end }
      local has_locale = os.setlocale("of_spec.UTF-8", "numeric") ~= nil
      io.write(tostring(has_locale), " ", core.json_encode({ 0.5, -1.25e-10, 1e100, 1 / 3, 12, 1.5 }, rules))
    ]])
    folder:run "localedef -c -i ./source -f UTF-8 ./of_spec.UTF-8"
    -- the C library gives up what it read from LOCPATH, which a sanitizer would report
    local command = "ASAN_OPTIONS=detect_leaks=0 LOCPATH=%s %s %s/program.lua 2>&1"
    local pipe = assert(io.popen(command:format(folder.root, child.interpreter(), folder.root)))
    local has_locale, text = pipe:read("*a"):match "^(%a+) (.*)"
    pipe:close()
    folder:remove()
    assert.equal("[0.5,-1.25e-10,1e+100,0.3333333333333333,12,1.5]", text)
    if has_locale ~= "true" then
      pending "this system makes no locale with another decimal point"
    end
  end)
end)

describe("JSON without memory", function()
  it("is an error, and keeps none", function()
    if not exhaustion.is_possible "core" then
      pending "of this system has memory at all times"
      return
    end
    local names, long = {}, ("é\n\1"):rep(300)
    for i = 1, 200 do
      names["name\n" .. i] = { i, i + 0.5, long:sub(1, 7 * i) .. "x", true }
    end
    assert.is_true(exhaustion.survive(function()
      return (encode(names))
    end) > 1)
    for length = 235, 256 do -- so that there is no room for any of what follows
      local value = { ("x"):rep(length), "é\n", 1.5 }
      assert.is_true(exhaustion.survive(function()
        return (encode(value))
      end) > 1)
    end
  end)
end)
