-- What of a text is shown on one line, and what is not.

local printable = require "anthropic.base.printable"

local UNKNOWN = "\239\191\189"

describe("a line", function()
  it("is the text where that is one", function()
    for _, text in ipairs { "", "a b", "é 好 😀 \194\160", "100% %d [x] \\n", "שלום", "\239\187\191x" } do
      assert.equal(text, printable.line(text))
      assert.equal(1, select("#", printable.line(text)))
    end
  end)

  it("has one blank for blanks and line ends", function()
    assert.equal(" a b c ", printable.line "\r\na \t b\n\n\nc\v\f ")
  end)

  it("has no control characters of C0 and C1", function()
    for code = 0, 31 do
      assert.equal("a b", printable.line("a" .. string.char(code) .. "b"))
    end
    assert.equal("a b", printable.line "a\127b")
    for code = 128, 159 do
      assert.equal("a b", printable.line("a\194" .. string.char(code) .. "b"))
    end
  end)

  it("has no separators and nothing that turns the direction of writing", function()
    for _, character in ipairs {
      "\226\128\168", "\226\128\169", -- U+2028, U+2029
      "\226\128\142", "\226\128\143", "\216\156", -- marks
      "\226\128\170", "\226\128\171", "\226\128\172", "\226\128\173", "\226\128\174", -- embeddings and overrides
      "\226\129\166", "\226\129\167", "\226\129\168", "\226\129\169", -- isolates
    } do
      assert.equal("é b", printable.line("é" .. character .. "b"))
    end
  end)

  it("is UTF-8, whatever the text is", function()
    for text, expected in pairs {
      ["a\255b"] = "a" .. UNKNOWN .. "b", ["\128"] = UNKNOWN, ["\155[31m"] = UNKNOWN .. "[31m",
      ["é\195"] = "é" .. UNKNOWN,
      ["\226\128"] = UNKNOWN .. UNKNOWN, ["\192\128"] = UNKNOWN .. UNKNOWN, ["\237\160\128"] = UNKNOWN:rep(3),
      ["\224\128\174"] = UNKNOWN:rep(3), ["\244\144\128\128"] = UNKNOWN:rep(4), ["\240\159\152"] = UNKNOWN:rep(3),
    } do
      assert.equal(expected, printable.line(text))
    end
  end)

  it("holds nothing that comes about by what was left out", function()
    assert.is_nil(printable.line("\226\128\226\128\174\174"):find("\226\128\174", 1, true))
    assert.is_nil(printable.line("\194\194\155\155"):find("\194\155", 1, true))
  end)
end)
