local core = require "anthropic.core"

local function from_hex(text)
  return (text:gsub("%s", ""):gsub("%x%x", function(pair)
    return string.char(tonumber(pair, 16))
  end))
end

local function digest(bytes)
  return core.hex(core.sha256(bytes))
end

describe("SHA-256", function()
  it("is that of FIPS 180-4", function()
    for bytes, hash in pairs {
      [""] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq =
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
      ["\189"] = "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b",
      ["\201\140\142\085"] = "7abc22c0ae5af26ce93dbb94433a0e0b2e119d014f8e7f65bd56c61ccccd9504",
    } do
      assert.equal(hash, digest(bytes))
    end
    assert.equal("cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
      digest("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
        .. "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"))
  end)

  it("is right wherever the length stands in the last blocks", function()
    -- NIST's additional vectors, and a chain over every length about a block's ends
    for count, hash in pairs {
      [55] = "02779466cdec163811d078815c633f21901413081449002f24aa3e80f0b88ef7",
      [56] = "d4817aa5497628e7c77e6b606107042bbba3130888c5f47a375e6179be789fbb",
      [57] = "65a16cb7861335d5ace3c60718b5052e44660726da4cd13bb745381b235a1785",
      [64] = "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b",
      [1000] = "541b3e9daa09b20bf85fa273e5cbd3e80185aa4ec298e765db87742b70138a53",
    } do
      assert.equal(hash, digest(("\0"):rep(count)))
    end
    assert.equal("c2e686823489ced2017f6059b8b239318b6364f6dcd835d0a519105a1eadd6e4", digest(("A"):rep(1000)))
    assert.equal("f4d62ddec0f3dd90ea1380fa16a5ff8dc4c54b21740650f24afc4120903552b0", digest(("U"):rep(1005)))
  end)

  it("is right for a million bytes", function()
    assert.equal("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", digest(("a"):rep(1000000)))
  end)
end)

describe("HMAC with SHA-256", function()
  it("is that of RFC 4231", function()
    for _, case in ipairs {
      { ("0b"):rep(20), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
      { "4a656665", "what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
      { ("aa"):rep(20), ("\221"):rep(50), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
      { "0102030405060708090a0b0c0d0e0f10111213141516171819", ("\205"):rep(50),
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },
      { ("aa"):rep(131), "Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
      { ("aa"):rep(131), "This is a test using a larger than block-size key and a larger than block-size data. "
        .. "The key needs to be hashed before being used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
    } do
      assert.equal(case[3], core.hex(core.hmac_sha256(from_hex(case[1]), case[2])))
    end
    local truncated = core.hmac_sha256(("\12"):rep(20), "Test With Truncation"):sub(1, 16)
    assert.equal("a3b6167473100ee06e0c796c2955552b", core.hex(truncated))
  end)

  it("takes an empty key, an empty text, and a key of just a block", function()
    assert.equal("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad",
      core.hex(core.hmac_sha256("", "")))
    local block = ("k"):rep(64)
    assert.equal(core.hmac_sha256(block, "x"), core.hmac_sha256(block, "x"))
    assert.not_equal(core.hmac_sha256(block, "x"), core.hmac_sha256(block .. "k", "x"))
    assert.equal(core.hmac_sha256(core.sha256(block .. "k"), "x"), core.hmac_sha256(block .. "k", "x"))
  end)
end)
