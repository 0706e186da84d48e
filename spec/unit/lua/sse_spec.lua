-- core.sse(max_event_bytes): the decoder of an event stream. What it reads is spec/unit/decode/sse_spec.lua's.

local core = require "anthropic.core"

local function count_and_pack(...)
  return { n = select("#", ...), ... }
end

local function decoder_of(bytes, limit)
  local decoder = core.sse(limit or 100)
  decoder:feed(bytes)
  return decoder
end

describe("the core's event decoder", function()
  it("takes a limit from 1 up to 2^53", function()
    for _, limit in ipairs { 1, 1.5, 2 ^ 31, 2 ^ 32, 2 ^ 53 - 1 } do
      assert.is_userdata(core.sse(limit))
    end
    for _, limit in ipairs { 0, 0.999, -1, 2 ^ 53, 2 ^ 64, 1 / 0, -1 / 0, 0 / 0 } do
      assert.error_matches(function() core.sse(limit) end, "bad argument #1 to '.*' %(must be at least 1%)")
    end
    for _, wrong in ipairs { "x", {}, true } do
      assert.error_matches(function() core.sse(wrong) end, "bad argument #1 to '.*' %(number expected, got "
        .. type(wrong))
    end
    assert.error_matches(function() core.sse() end, "bad argument #1 to '.*' %(number expected, got no value%)")
  end)

  it("raises for what are no bytes", function()
    local decoder = core.sse(1)
    assert.error_matches(function() decoder:feed {} end, "bad argument #1 to 'feed' %(string expected, got table%)")
    assert.error_matches(function() decoder:feed() end, "bad argument #1 to 'feed' %(string expected, got no value%)")
  end)

  it("gives data, name and id of each event, and nil and \"again\" after the last", function()
    local decoder = decoder_of "data: 1\n\nevent: a\0b\nid: 7\ndata: 2\0\ndata: x\n\ndata: 3\n\ndata: 4\n"
    assert.same({ n = 3, "1", "", "" }, count_and_pack(decoder:next()))
    assert.same({ n = 3, "2\0\nx", "a\0b", "7" }, count_and_pack(decoder:next()))
    assert.same({ n = 3, "3", "", "7" }, count_and_pack(decoder:next()))
    assert.same({ n = 2, nil, "again" }, count_and_pack(decoder:next()))
    assert.same({ n = 0 }, count_and_pack(decoder:feed "\n"))
    assert.same({ n = 3, "4", "", "7" }, count_and_pack(decoder:next()))
    assert.same({ n = 2, nil, "again" }, count_and_pack(decoder:next()))
    assert.same({ n = 2, nil, "again" }, count_and_pack(core.sse(1):next()))
  end)

  it("gives nil and \"too_large\" above the limit, for good", function()
    local decoder = decoder_of("data: 12345\n\ndata: 123456\n\ndata: 1\n\n", 5)
    assert.equal("12345", (decoder:next()))
    for _ = 1, 2 do
      assert.same({ n = 2, nil, "too_large" }, count_and_pack(decoder:next()))
    end
    decoder:feed "data: 1\n\n"
    assert.same({ n = 2, nil, "too_large" }, count_and_pack(decoder:next()))
    assert.equal("1", (decoder_of("data: 1\n\n", 1.9):next()))
    assert.same({ nil, "too_large" }, { decoder_of("data: 12\n\n", 1.9):next() })
  end)

  it("tells the time to wait once it is known", function()
    local decoder = decoder_of "data: 1\n\nretry: 250\ndata: 2\n\n"
    assert.same({ n = 0 }, count_and_pack(decoder:retry()))
    decoder:next()
    assert.same({ n = 0 }, count_and_pack(decoder:retry()))
    decoder:next()
    assert.same({ n = 1, 250 }, count_and_pack(decoder:retry()))
    local zero, large = decoder_of "retry: 0\n", decoder_of "retry: 99999999999999999999\n"
    zero:next()
    large:next()
    assert.equal(0, zero:retry())
    assert.equal(2 ^ 53, large:retry())
    if math.type then
      assert.equal("integer", math.type(zero:retry()))
      assert.equal("integer", math.type(large:retry()))
    end
  end)

  it("refuses what is no decoder", function()
    local decoder = core.sse(1)
    for _, name in ipairs { "feed", "next", "retry" } do
      for _, wrong in ipairs { 5, {}, io.stdout, core.delta_run() } do
        assert.error_matches(function() decoder[name](wrong, "x") end, "anthropic%.sse%.decoder expected")
      end
    end
  end)

  it("frees what it holds, and can be asked then", function()
    local decoder = decoder_of("event: " .. ("n"):rep(50) .. "\ndata: " .. ("x"):rep(50))
    decoder:next()
    local free = getmetatable(decoder).__gc
    assert.same({ n = 0 }, count_and_pack(free(decoder)))
    assert.same({ n = 0 }, count_and_pack(free(decoder)))
  end)

  it("gives its memory back", function()
    if package.preload.host then
      pending "a sanitizer keeps what was freed for a while"
      return
    end
    local memory = require("spec.support.core_peer").memory
    local long = ("x"):rep(1e6)
    local before
    for _ = 1, 30 do
      decoder_of("event: " .. long .. "\nid: " .. long .. "\ndata: " .. long, 1e7):next()
      collectgarbage()
      before = before or memory()
    end
    assert.is_true(memory() - before < 20e6)
  end)
end)
