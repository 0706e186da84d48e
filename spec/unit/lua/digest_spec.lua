-- core.sha256, core.hmac_sha256 (their values: spec/unit/util/sha256_spec.lua), core.hex, core.is_same and
-- core.base64_decode.

local core = require "anthropic.core"

describe("a digest", function()
  it("is raw bytes, and takes strings alone", function()
    assert.equal(32, #core.sha256 "")
    assert.equal(32, #core.hmac_sha256("", ""))
    assert.not_equal(core.sha256 "a\0b", core.sha256 "a\0c")
    assert.not_equal(core.hmac_sha256("a\0b", "x"), core.hmac_sha256("a\0c", "x"))
    for _, call in ipairs {
      function() core.sha256() end,
      function() core.sha256 {} end,
      function() core.hmac_sha256("key") end,
      function() core.hex {} end,
      function() core.is_same "a" end,
      function() core.base64_decode() end,
    } do
      assert.has_error(call)
    end
  end)

  it("is written in hexadecimal digits", function()
    assert.equal("", core.hex "")
    assert.equal("00017f80ff", core.hex "\0\1\127\128\255")
    assert.equal(128, #core.hex(("x"):rep(64)))
    assert.has_error(function() core.hex(("x"):rep(65)) end)
  end)

  it("is compared whole", function()
    assert.is_true(core.is_same("", ""))
    assert.is_true(core.is_same("a\0b", "a\0b"))
    for _, other in ipairs { "", "a", "a\0c", "b\0b", "a\0b\0", "a\1b" } do
      assert.is_false(core.is_same("a\0b", other))
      assert.is_false(core.is_same(other, "a\0b"))
    end
  end)
end)

describe("base64 that is decoded", function()
  it("is what was encoded, of every length and with every byte", function()
    local bytes = {}
    for i = 0, 255 do
      bytes[#bytes + 1] = string.char(i)
      local text = table.concat(bytes)
      assert.equal(text, core.base64_decode(core.base64(text)))
      assert.equal(text, core.base64_decode((core.base64(text):gsub("=", ""))))
    end
    local large = ("x"):rep(1000001)
    assert.is_true(core.base64_decode(core.base64(large)) == large)
  end)

  it("is nil for what is none", function()
    for _, text in ipairs {
      "A", "AAAAA", "=", "==", "====", "A===", "AB=", "ABC==", "ABCD=", "AB=C", "A B=", "AB\0=", "AB-_", "AB==AB==",
      "ABCD\n", "\255\255\255\255",
    } do
      assert.is_nil(core.base64_decode(text), text)
    end
  end)
end)
