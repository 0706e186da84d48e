local core = require "anthropic.core"
local directories = require "spec.support.directory"

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

-- The rules once more, bit by bit.
local function reference(bytes)
  local bits = bytes:gsub(".", function(byte)
    local value, text = byte:byte(), ""
    for _ = 1, 8 do
      text = value % 2 .. text
      value = math.floor(value / 2)
    end
    return text
  end)
  bits = bits .. ("0"):rep(-#bits % 6)
  local text = bits:gsub("......", function(six)
    local index = tonumber(six, 2) + 1
    return ALPHABET:sub(index, index)
  end)
  return text .. ("="):rep(-#text % 4)
end

describe("base64", function()
  it("is that of RFC 4648", function()
    for bytes, text in pairs {
      [""] = "", ["f"] = "Zg==", ["fo"] = "Zm8=", ["foo"] = "Zm9v", ["foob"] = "Zm9vYg==", ["fooba"] = "Zm9vYmE=",
      ["foobar"] = "Zm9vYmFy", ["\0"] = "AA==", ["\0\0"] = "AAA=", ["\0\0\0"] = "AAAA", ["\255"] = "/w==",
      ["\255\255"] = "//8=", ["\255\255\255"] = "////", ["\251\239\190"] = "++++", ["\0\16\131"] = "ABCD",
    } do
      assert.equal(text, core.base64(bytes))
    end
  end)

  it("knows every byte in every place, and every character", function()
    local all = {}
    for byte = 0, 255 do
      local char = string.char(byte)
      for _, bytes in ipairs { char, "a" .. char, "ab" .. char, char .. "b", char .. "bc", char:rep(4) } do
        assert.equal(reference(bytes), core.base64(bytes))
      end
      all[#all + 1] = char
    end
    all = table.concat(all)
    assert.equal(reference(all), core.base64(all))
    local seen = {}
    for character in core.base64(all:rep(3)):gmatch "." do
      seen[character] = true
    end
    for character in ALPHABET:gmatch "." do
      assert.is_true(seen[character])
    end
  end)

  it("is on one line, however long", function()
    local text = core.base64(("x"):rep(300000))
    assert.equal(400000, #text)
    assert.is_true(text == ("eHh4"):rep(100000))
  end)

  it("raises for what is no string", function()
    for _, value in ipairs { {}, true, print } do
      local ok, message = pcall(core.base64, value)
      assert.is_false(ok)
      assert.matches("string expected", message)
    end
    assert.has_error(function() core.base64() end)
  end)

  describe("of a file", function()
    local directory

    before_each(function()
      directory = directories.new()
    end)

    after_each(function()
      directory:remove()
    end)

    it("is that of its bytes, also where it is read in pieces", function()
      local piece = 48 * 1024
      for _, size in ipairs { 0, 1, 2, 3, 4, piece - 1, piece, piece + 1, piece + 2, 2 * piece, 3 * piece + 1 } do
        local bytes = ("\0\1\2abc\253\254\255"):rep(math.ceil(size / 9)):sub(1, size)
        local text = assert(core.base64_file(directory:write("file", bytes)))
        assert.is_true(text == core.base64(bytes), size)
      end
    end)

    it("is not there for what cannot be read", function()
      local path = directory:path "none"
      assert.same({ nil, "cannot read " .. path .. ": No such file or directory" }, { core.base64_file(path) })
      path = directory.root
      assert.same({ nil, "cannot read " .. path .. ": it is a directory" }, { core.base64_file(path) })
      assert.same({ nil, "cannot read a: the path contains NUL" }, { core.base64_file "a\0b" })
    end)
  end)
end)
