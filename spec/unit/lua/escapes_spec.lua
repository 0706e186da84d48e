-- Where words stand in a text once its escapes are decoded: core.find_spelled.

local core = require "anthropic.core"

-- The places, each once, as "first-last:word".
local function found(text, words)
  local list = core.find_spelled(text, words)
  assert.is_true(list == nil or #list > 0 and #list % 3 == 0)
  list = list or {}
  local places, seen = {}, {}
  for i = 1, #list, 3 do
    local place = ("%d-%d:%s"):format(list[i], list[i + 1], words[list[i + 2]])
    if not seen[place] then
      seen[place] = true
      places[#places + 1] = place
    end
  end
  table.sort(places)
  return table.concat(places, " ")
end

describe("looking for words among escapes", function()
  it("tells where they stand in the text as it came", function()
    assert.equal("2-10:word", found([[ w\u006Frd ]], { "word" }))
    assert.equal("1-16:word 17-21:x&y", found([[\u0077%6f&#114;d%78&y]], { "word", "x&y" }))
    assert.equal("1-4:ab 4-5:bc", found("%61bc", { "ab", "bc" }))
    assert.equal("", found([[\u0077 ord]], { "word" }))
  end)

  it("finds a word that lies across escapes of escapes, with all that stands for it", function()
    local text = "x" .. [[\\u0025]] .. "77o&amp;#114;d" .. "y"
    assert.equal("2-" .. #text - 1 .. ":word", found(text, { "word" }))
  end)

  it("finds every one, and the longer of two", function()
    assert.equal("1-6:ab 11-12:ab 7-10:ab", found("%61%62a%62ab", { "ab" }))
    assert.truthy(found("%61bcd", { "ab", "abcd" }):find("1-6:abcd", 1, true))
  end)

  it("finds them in a text without escapes too", function()
    assert.equal("3-6:word 9-12:word", found("a word, word", { "word" }))
    assert.equal("1-2:aa 3-4:aa", found("aaaaa", { "aa" }))
    assert.same({ 2, 3, 1 }, core.find_spelled("xa\0a", { "a\0" }))
  end)

  it("finds none", function()
    for _, case in ipairs { { "", "word" }, { "wor", "word" }, { "a Word", "word" }, { "%41", "%" .. "4B" } } do
      assert.equal("", found(case[1], { case[2] }))
    end
    assert.is_nil(core.find_spelled("%41", {}))
    assert.equal(1, select("#", core.find_spelled("", {})))
  end)

  it("finds them wherever they stand in a long text, also across the ends of what is decoded at once", function()
    local word, spelt = "secret-word", "secret%2Dw\\u006frd"
    for _, before in ipairs { 0, 1, 65000, 65530, 65536, 65180, 131072 - 360, 200000 } do
      for shift = 0, 19 do
        local text = ("x"):rep(before + shift) .. spelt .. ("y"):rep(70000)
        local first = before + shift + 1
        assert.equal(("%d-%d:%s"):format(first, first + #spelt - 1, word), found(text, { word }))
      end
    end
  end)

  it("finds words longer than what is usually decoded at once", function()
    local word = ("long-"):rep(2000)
    local spelt = word:gsub("%-", "%%2d")
    local text = ("x"):rep(300000) .. spelt .. "y"
    assert.equal(("300001-%d:%s"):format(300000 + #spelt, word), found(text, { word }))
  end)

  it("refuses what are no words", function()
    for _, words in ipairs { { "" }, { 1 }, { ("x"):rep(65537) }, { {} } } do
      assert.has_error(function() core.find_spelled("%41", words) end)
    end
    assert.has_error(function() core.find_spelled("%41") end)
    assert.has_error(function() core.find_spelled({}, {}) end)
  end)
end)
