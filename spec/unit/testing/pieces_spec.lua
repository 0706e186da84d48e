-- A text in the pieces of a stream.

local pieces = require "anthropic.testing.pieces"

describe("words", function()
  for _, case in ipairs {
    { "", {} }, { " ", { " " } }, { "a", { "a" } }, { " a", { " a" } }, { "a ", { "a", " " } },
    { "a  b\nc ", { "a", "  b", "\nc", " " } },
    { "123456789012", { "123456789012" } }, { "1234567890123", { "123456789012", "3" } },
    { " 12345678901", { " 12345678901" } }, { " 123456789012", { " 12345678901", "2" } },
    { ("x"):rep(30), { ("x"):rep(12), ("x"):rep(12), ("x"):rep(6) } },
    { "一二三四五", { "一二三四", "五" } }, { "x一二三四五", { "x一二三", "四五" } },
    { (" "):rep(13), { (" "):rep(12), " " } },
    { "\240\159\152\128", { "\240\159\152\128" } },
    { ("\128"):rep(20), { ("\128"):rep(20) } },
    { "a" .. ("\128"):rep(20) .. "b", { "a" .. ("\128"):rep(20), "b" } },
  } do
    it(("of %q"):format(case[1]), function()
      assert.same(case[2], pieces.words(case[1]))
    end)
  end
end)

describe("so many pieces", function()
  for _, case in ipairs {
    { "", 1, {} }, { "", 5, {} }, { "a", 1, { "a" } }, { "a", 5, { "a" } }, { "ab", 2, { "a", "b" } },
    { "abc", 2, { "a", "bc" } }, { "abcd", 2, { "ab", "cd" } }, { "abcde", 3, { "a", "bc", "de" } },
    { "abc", 0, { "abc" } }, { "abc", -1, { "abc" } }, { "abc", 1, { "abc" } }, { "abc", 3, { "a", "b", "c" } },
    { "一二三", 2, { "一", "二三" } }, { "é", 2, { "é" } }, { "aéb", 3, { "a", "é", "b" } },
    { "\127\128\191\192", 5, { "\127\128\191", "\192" } },
  } do
    it(("%d of %q"):format(case[2], case[1]), function()
      assert.same(case[3], pieces.count(case[1], case[2]))
    end)
  end
end)
