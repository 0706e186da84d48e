local core = require "anthropic.core"

-- What is well-formed, by the table of the Unicode standard (3-7).
local function is_well_formed(text)
  local at = 1
  local function follows(index, lowest, highest)
    local byte = text:byte(index)
    return byte and byte >= lowest and byte <= highest
  end
  while at <= #text do
    local lead = text:byte(at)
    if lead < 0x80 then
      at = at + 1
    elseif lead >= 0xC2 and lead <= 0xDF and follows(at + 1, 0x80, 0xBF) then
      at = at + 2
    elseif lead >= 0xE0 and lead <= 0xEF
      and follows(at + 1, lead == 0xE0 and 0xA0 or 0x80, lead == 0xED and 0x9F or 0xBF)
      and follows(at + 2, 0x80, 0xBF) then
      at = at + 3
    elseif lead >= 0xF0 and lead <= 0xF4
      and follows(at + 1, lead == 0xF0 and 0x90 or 0x80, lead == 0xF4 and 0x8F or 0xBF)
      and follows(at + 2, 0x80, 0xBF) and follows(at + 3, 0x80, 0xBF) then
      at = at + 4
    else
      return false
    end
  end
  return true
end

describe("UTF-8", function()
  local edges = {}
  for _, byte in ipairs {
    0x01, 0x20, 0x22, 0x5C, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED,
    0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
  } do
    edges[#edges + 1] = string.char(byte)
  end

  it("is told from what is none, in every sequence of up to three bytes at the edges", function()
    for _, a in ipairs(edges) do
      assert.equal(is_well_formed(a), core.is_text(a))
      for _, b in ipairs(edges) do
        assert.equal(is_well_formed(a .. b), core.is_text(a .. b))
        for _, c in ipairs(edges) do
          local text = a .. b .. c
          if is_well_formed(text) ~= core.is_text(text) then
            assert.equal(is_well_formed(text), core.is_text(text), ("%02x %02x %02x"):format(text:byte(1, 3)))
          end
        end
      end
    end
  end)

  it("is told from what is none, in every sequence of four bytes at the edges", function()
    for _, a in ipairs { "\239", "\240", "\241", "\243", "\244", "\245" } do
      for _, b in ipairs(edges) do
        for _, c in ipairs { "\127", "\128", "\191", "\192" } do
          for _, d in ipairs { "\127", "\128", "\191", "\192" } do
            local text = a .. b .. c .. d
            if is_well_formed(text) ~= core.is_text(text) then
              assert.equal(is_well_formed(text), core.is_text(text), ("%02x %02x %02x %02x"):format(text:byte(1, 4)))
            end
          end
        end
      end
    end
  end)

  it("has every first byte judged", function()
    for byte = 1, 255 do
      local char = string.char(byte)
      for _, rest in ipairs { "", "\128", "\128\128", "\128\128\128", "\160\128", "\144\128\128" } do
        assert.equal(is_well_formed(char .. rest), core.is_text(char .. rest), byte)
      end
    end
  end)

  -- Long runs are looked through in steps of 16, of 8 and of 1.
  it("is found wrong at every place of a text of any length", function()
    for length = 1, 40 do
      local plain = ("a"):rep(length)
      assert.is_true(core.is_text(plain))
      for place = 1, length do
        for _, wrong in ipairs { "\128", "\255", "\0" } do
          assert.is_false(core.is_text(plain:sub(1, place - 1) .. wrong .. plain:sub(place + 1)))
        end
        for _, right in ipairs { "\n", "\31", '"', "\\", "\127", " ", "!", "#", "[", "]", "é", "😀" } do
          assert.is_true(core.is_text(plain:sub(1, place - 1) .. right .. plain:sub(place + 1)))
        end
      end
    end
  end)

  it("is no text with a NUL, and nothing is one", function()
    assert.is_true(core.is_text "")
    assert.is_false(core.is_text "\0")
    assert.is_false(core.is_text "a\0")
    assert.is_false(core.is_text "a\0\255")
  end)

  it("is judged for strings only", function()
    assert.has_error(function() core.is_text() end)
    assert.has_error(function() core.is_text {} end)
  end)

  -- The same search finds what a writer of JSON has to escape.
  it("has its special characters found at every place", function()
    local rules = { kinds = {}, literals = {}, fields = {}, inputs = {}, digits = {}, is_unchanged = function() end }
    for length = 1, 40 do
      for place = 1, length do
        for char, escape in pairs { ['"'] = '\\"', ["\\"] = "\\\\", ["\31"] = "\\u001f", ["\0"] = "\\u0000" } do
          local before, after = ("\127"):rep(place - 1), (" "):rep(length - place)
          assert.equal('"' .. before .. escape .. after .. '"', core.json_encode(before .. char .. after, rules))
        end
      end
    end
    for byte = 32, 127 do
      local char = string.char(byte)
      if char ~= '"' and char ~= "\\" then
        for _, length in ipairs { 1, 8, 16, 24 } do
          assert.equal('"' .. char:rep(length) .. '"', core.json_encode(char:rep(length), rules))
        end
      end
    end
  end)
end)
