-- Text as it reads once its escapes are decoded, as core.decode_escapes returns it.

local core = require "anthropic.core"

local decode = core.decode_escapes

local function assert_decoded(cases)
  for text, expected in pairs(cases) do
    assert.equal(expected, decode(text), text)
  end
end

describe("decoding escapes", function()
  it("leaves a text without any as it is", function()
    for _, text in ipairs { "", "a", "plain words", "é 好 😀", ("x"):rep(60000) } do
      assert.equal(text, decode(text))
    end
  end)

  it("reads those of JSON, however many backslashes there are", function()
    assert_decoded {
      [ [[a\u0041b]] ] = "aAb", [ [[\\u0041\\\\u0042]] ] = "AB", [ [[\u00e9\u597D]] ] = "é好",
      [ [[\/\"\'\\/]] ] = [[/"'/]], [ [[a\/b\\"c]] ] = [[a/b"c]],
      [ [[\ud83d\ude00]] ] = "😀", [ [[\\ud83D\\uDE00x]] ] = "😀x", [ [[a\nb\\tc\rd\be\ff]] ] = "abcdef",
      [ [[C:\\dir]] ] = [[C:\dir]], [ [[\\\\]] ] = [[\]], [ [[\u0020\u007e]] ] = " ~",
    }
  end)

  it("reads two halves of a character as one, and each that stands alone as it is", function()
    local HIGH, LOW = "\237\160\189", "\237\184\128"
    assert_decoded {
      [ [[\ud83dx]] ] = HIGH .. "x", [ [[\ud83d]] ] = HIGH, [ [[\ude00]] ] = LOW,
      [ [[\ud83dxude00]] ] = HIGH .. "xude00", [ [[\ud83dude00]] ] = HIGH .. "ude00",
      [ [[\ud83d\u0041]] ] = HIGH .. "A", [ [[\u0041\ude00]] ] = "A" .. LOW, [ [[\ud83d\x]] ] = HIGH .. [[\x]],
      [ [[\ude00\ud83d]] ] = LOW .. HIGH, [ [[\ud800\udc00\udbff\udfff]] ] = "\240\144\128\128\244\143\191\191",
    }
  end)

  it("reads those of other languages", function()
    assert_decoded {
      [ [[\x41\x6a]] ] = "Aj", [ [[\x41b]] ] = "Ab", [ [[\u{41}\u{1F600}]] ] = "A😀", [ [[a\u{9}b]] ] = "ab",
      [ [[\u{000041}\u{0000041}]] ] = [[A\u{0000041}]],
    }
  end)

  it("reads those of URLs, however often the percent sign is escaped itself", function()
    assert_decoded { ["%41%6a%6A"] = "Ajj", ["%2541%252541"] = "AA", ["100%25"] = "100%", ["%C3%a9"] = "é",
                     ["%00%0a%7F"] = "", ["%1f%20%7e"] = " ~", ["%41a%2041"] = "Aa 41", ["%35%25"] = "5%",
                     ["%" .. ("25"):rep(20) .. "41"] = "A" }
  end)

  it("reads those of HTML", function()
    assert_decoded { ["&#65;&#x41;&#X6A;&#0000065;"] = "AAjA", ["&amp;&lt;&gt;&quot;&apos;&sol;"] = "&<>\"'/",
                     ["&#8364;&#x1F600;"] = "€😀" }
  end)

  it("reads numbers of HTML of one digit and of so many, and leaves longer ones", function()
    assert_decoded {
      ["a&#x9;b"] = "ab", ["a&#9;b"] = "ab", ["&#x0000041;"] = "A", ["&#x00000041;"] = "&#x00000041;",
      ["&#00000065;"] = "A", ["&#000000065;"] = "&#000000065;", ["&#x;"] = "&#x;", ["&#;"] = "&#;", ["&#x41"] = "&#x41",
      ["&#65"] = "&#65", ["&#x110000;"] = "&#x110000;", ["&#x10FFFF;"] = "\244\143\191\191", ["&#6a;"] = "&#6a;",
      ["&#;;"] = "&#;;", ["&#x;;"] = "&#x;;", ["&#127;&#128;&#159;&#160;"] = "\194\160",
    }
  end)

  it("reads one inside the other", function()
    assert_decoded {
      [ [[\u002541]] ] = "A", ["%5cu0041"] = "A", ["&#37;41"] = "A", ["&amp;#65;"] = "A", ["%26%2365%3b"] = "A",
      [ [[\u0026#x25;35c]] ] = "5c",
      ["a&amp;#37;5cu0007b"] = "ab", ["a&amp;#37;5cu202eb"] = "ab", ["a&amp;#37;c2\173b"] = "ab",
    }
  end)

  it("keeps where each byte began and ended", function()
    for text, place in pairs {
      ["xyz"] = "1-3", [ [[\u0078yz]] ] = "1-8", [ [[xy\u007A]] ] = "1-8", ["a%78%79%7ab"] = "2-10",
      ["--x&#121;z"] = "3-10", ["x\ny\226\128\139z%"] = "1-7", ["&amp;#120;y&#122;&"] = "1-17",
      [ [[%25xyz]] ] = "4-6", [ [[\u00e9xyz%]] ] = "7-9", [ [[x%25%32x\u{78}yz]] ] = "9-16",
    } do
      local found = core.find_spelled(text, { "xyz" })
      assert.equal(place, found[1] .. "-" .. found[2], text)
    end
    local found = core.find_spelled([[\u00e9&#x597d;]], { "é好" })
    assert.same({ 1, 14 }, { found[1], found[2] })
  end)

  it("leaves out what nobody sees", function()
    for _, unseen in ipairs {
      "\0", "\n", "\27", "\127", "\194\128", "\194\159", "\194\173", "\216\156", "\226\128\139", "\226\128\142",
      "\226\128\168", "\226\128\174", "\226\129\160", "\226\129\169", "\239\187\191", [[\u0007]], [[\u202e]], "&#8203;",
      "%e2%80%8b", "%1b",
    } do
      assert.equal("ab", decode("a" .. unseen .. "b"))
    end
    for _, seen in ipairs { " ", "\194\160", "\216\157", "\226\128\138", "\226\130\172", "\239\188\161" } do
      assert.equal("a" .. seen .. "b", decode("a" .. seen .. "b"))
    end
  end)

  it("reads nothing behind the text, where it was longer before", function()
    assert_decoded { ["&#37;4"] = "%4", ["&#92;u00&#52;"] = [[\u004]], ["a&#38;lt"] = "a&lt" }
    -- what is decoded at once is shorter at the end than before
    assert.is_nil(core.find_spelled(("1"):rep(65536) .. [[\u004]], { "A" }))
  end)

  it("leaves what is none", function()
    for _, text in ipairs {
      "\\", "\\u", "\\u004", "\\u00zz", "\\x4", "\\u{}", "\\u{41", "\\u{1234567}", "\\q", "%", "%4", "%zz",
      "%%", "&", "&#", [[\41]], [[\q{41}]], [[\u41}]], [[\u{}}]], [[\u{4g}]],
      "&#;", "&#x;", "&#65", "&#123456789;", "&#x110000;", "&none;", "&am", "\194", "\226\128", "\226\255\174",
      "\237\160\128", "\255",
    } do
      assert.equal(text, decode(text))
      assert.equal(text .. "!" .. text, decode(text .. "!" .. text), text)
    end
  end)

  it("is of short text", function()
    assert.has_error(function() decode(("x"):rep(65537)) end)
    assert.equal(65536, #decode(("x"):rep(65536)))
  end)
end)
