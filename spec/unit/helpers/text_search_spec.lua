local text_search = require "anthropic.helpers.text_search"

-- The same by trying each place.
local function by_trying(text, wanted, most)
  local places, at = {}, 1
  while at <= #text - #wanted + 1 and #places < most do
    if text:sub(at, at + #wanted - 1) == wanted then
      places[#places + 1] = at
      at = at + #wanted
    else
      at = at + 1
    end
  end
  return places
end

describe("the places of a text", function()
  it("are found, without those that overlap", function()
    assert.same({ 2, 4 }, text_search.places("banana", "an", 10))
    assert.same({ 1, 3 }, text_search.places("aaaaa", "aa", 10))
    assert.same({ 1 }, text_search.places("aaaaa", "aa", 1))
    assert.same({}, text_search.places("", "a", 10))
    assert.same({ 1 }, text_search.places("a.%", "a.%", 10))
  end)

  it("are those that trying each place finds, of long texts too", function()
    math.randomseed(7)
    for _ = 1, 60 do
      local letters = {}
      for i = 1, 2000 do
        letters[i] = math.random(20) == 1 and "b" or "a"
      end
      local text = table.concat(letters)
      local from, length = math.random(1000), math.random(250, 700)
      for _, wanted in ipairs {
        text:sub(from, from + length), ("a"):rep(length), ("ab"):rep(200), ("a"):rep(300) .. "b",
      } do
        assert.same(by_trying(text, wanted, 5), text_search.places(text, wanted, 5))
      end
    end
  end)
end)
