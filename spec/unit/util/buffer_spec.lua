local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local exhaustion = require "spec.support.exhaustion"

-- The decoder of event streams keeps what it has not read in a buffer, and drops from its front.
describe("a buffer", function()
  local rules = { kinds = {}, literals = {}, fields = {}, inputs = {}, digits = {}, is_unchanged = function() end }

  local function random_numbers(seed)
    return function(limit)
      seed = (seed * 16807) % 2147483647
      return seed % limit + 1
    end
  end

  it("holds what was appended, of any size around its steps", function()
    for _, size in ipairs { 0, 1, 242, 249, 250, 251, 255, 256, 257, 506, 511, 512, 513, 1024, 4095, 65536, 1048577 } do
      local decoder = core.sse(1e8)
      local text = ("0123456789"):rep(math.ceil(size / 10)):sub(1, size)
      decoder:feed "data:"
      decoder:feed(text)
      decoder:feed "\n\n"
      assert.is_true((decoder:next()) == text, size)
      assert.is_true(core.json_encode(text, rules) == '"' .. text .. '"', size)
    end
  end)

  it("holds what is appended piece by piece", function()
    for piece_size = 1, 300, 23 do
      local decoder, pieces = core.sse(1e8), {}
      decoder:feed "data:"
      for i = 1, 200 do
        pieces[i] = string.char(97 + i % 26):rep(piece_size)
        decoder:feed(pieces[i])
        assert.is_nil((decoder:next()))
      end
      decoder:feed "\n\n"
      assert.is_true((decoder:next()) == table.concat(pieces))
    end
  end)

  it("takes nothing for nothing", function()
    local decoder = core.sse(100)
    decoder:feed ""
    decoder:feed "data: x"
    decoder:feed ""
    decoder:feed "\n\n"
    decoder:feed ""
    assert.equal("x", (decoder:next()))
    decoder:feed ""
    assert.is_nil((decoder:next()))
  end)

  it("keeps what is behind the front, however often that is dropped", function()
    local random = random_numbers(7)
    for _ = 1, 20 do
      local decoder, expected, unread = core.sse(1e8), {}, ""
      local first, last = 1, 0
      for i = 1, 300 do
        local text = string.char(97 + i % 26):rep(random(random(20) == 1 and 3000 or 60))
        last = last + 1
        expected[last] = text
        unread = unread .. "data:" .. text .. "\n\n"
        local count = random(#unread)
        decoder:feed(unread:sub(1, count))
        unread = unread:sub(count + 1)
        for _ = 1, random(4) - 1 do
          local data = decoder:next()
          if data then
            assert.is_true(data == expected[first])
            first = first + 1
          end
        end
      end
      decoder:feed(unread)
      for data in function() return (decoder:next()) end do
        assert.is_true(data == expected[first])
        first = first + 1
      end
      assert.equal(last + 1, first)
    end
  end)

  it("does not grow while as much is dropped as comes", function()
    local decoder = core.sse(1e6)
    local text = "data:" .. ("x"):rep(50000) .. "\n\n"
    decoder:feed(text:rep(3))
    local before
    for i = 1, 3000 do
      decoder:feed(text)
      assert.equal(50000, #(decoder:next()))
      if i == 300 then
        collectgarbage()
        before = core_peer.memory()
      end
    end
    collectgarbage()
    if not package.preload.host then -- a sanitizer keeps what was freed for a while
      assert.is_true(core_peer.memory() - before < 4 * 1024 * 1024)
    end
  end)

  it("is given back when its owner is collected", function()
    local function fill()
      for _ = 1, 40 do
        core.sse(1e8):feed(("data: "):rep(100000)) -- 600 KB
      end
      collectgarbage()
      collectgarbage()
    end
    fill()
    local before = core_peer.memory()
    for _ = 1, 10 do
      fill()
    end
    if not package.preload.host then -- a sanitizer keeps what was freed for a while
      assert.is_true(core_peer.memory() - before < 32 * 1024 * 1024)
    end
  end)

  it("is as it was where it cannot grow", function()
    if not exhaustion.is_possible "core" then
      pending "of this system always can"
    end
    assert.is_true(exhaustion.survive(function()
      local decoder, seen = core.sse(1e8), {}
      for i = 1, 8 do -- what was read is dropped from the front, or nothing was
        decoder:feed(i % 2 == 0 and "data: first\n\n" or "")
        decoder:feed("data: " .. ("x"):rep(50 * 4 ^ i))
        seen[#seen + 1] = #(decoder:next() or "")
        decoder:feed "\n\n"
        seen[#seen + 1] = #(decoder:next() or "")
      end
      return table.concat(seen, " ")
    end) > 4)
  end)

  it("takes time in proportion to what is appended", function()
    local decoder, piece = core.sse(1e9), ("x"):rep(10)
    local before = os.clock()
    decoder:feed "data:"
    for _ = 1, 500000 do
      decoder:feed(piece)
    end
    decoder:feed "\n\n"
    assert.equal(5000000, #(decoder:next()))
    assert.is_true(os.clock() - before < 1.5)
  end)

  it("takes time in proportion to what is dropped, however much stands behind", function()
    local decoder = core.sse(1e9)
    local before = os.clock()
    decoder:feed(("data:x\n\n"):rep(500000))
    for _ = 1, 500000 do
      assert(decoder:next())
      decoder:feed "y"
    end
    assert.is_true(os.clock() - before < 3)
  end)
end)
