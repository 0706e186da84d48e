-- Blocks whose texts overlap, and what is said when.

local turns = require "anthropic.message.turns"

local function block(index)
  return { index = index }
end

describe("the turns of blocks", function()
  local all

  before_each(function()
    all = turns.new()
  end)

  it("let one speak at a time, and the next one say what it has to at its end", function()
    local first, second = block(0), block(1)
    assert.equal("a", all:add(first, "a"))
    assert.is_nil(all:add(second, "c"))
    assert.is_nil(all:add(second, "d"))
    assert.equal("b", all:add(first, "b"))
    assert.same({ "cd" }, all:stop(first))
    assert.equal("e", all:add(second, "e"))
    assert.same({}, all:stop(second))
    assert.same({}, all:stop_all())
  end)

  it("go by the index, behind the one that has begun to speak", function()
    local blocks = {}
    for _, index in ipairs { 5, 3, 4, 1, 2 } do
      blocks[index] = block(index)
      assert.is_nil(all:add(blocks[index]))
    end
    assert.is_nil(all:add(blocks[2], "2"))
    assert.equal("1", all:add(blocks[1], "1"))
    blocks[0] = block(0)
    assert.is_nil(all:add(blocks[0], "0"))
    for i = 3, 5 do
      all:add(blocks[i], tostring(i))
    end
    assert.same({}, all:stop(blocks[3]))
    assert.same({ "0" }, all:stop(blocks[1]))
    assert.same({ "2" }, all:stop(blocks[0]))
    assert.same({ "3", "4" }, all:stop(blocks[2]))
    assert.same({ "5" }, all:stop_all())
  end)

  it("are in the order of their beginning under one index", function()
    local list = {}
    for i = 1, 9 do
      list[i] = block(7)
      all:add(list[i], tostring(i))
    end
    local said = {}
    for i = 1, 9 do
      said[i] = table.concat(all:stop(list[i]))
    end
    assert.equal("23456789", table.concat(said))
  end)

  it("have what comes last behind their text", function()
    local first, second, unknown = block(0), block(1), block(2)
    all:add(first, "a")
    all:add(second, "b")
    assert.same({}, all:stop(second, "behind b"))
    assert.same({ "behind a", "b", "behind b" }, all:stop(first, "behind a"))
    assert.same({ "behind nothing" }, all:stop(unknown, "behind nothing"))
    assert.same({}, all:stop(unknown))
  end)

  it("are in order for any blocks of chance", function()
    for seed = 1, 200 do
      local number = seed
      local function chance(most) -- the same on every Lua
        number = (number * 16807) % 2147483647
        return number % most + 1
      end
      local made, expected = turns.new(), {}
      local first = block(-1)
      assert.equal("first", made:add(first, "first"))
      for i = 1, chance(40) do
        local one = block(chance(10))
        made:add(one, ("%02d.%02d "):format(one.index, i))
        expected[i] = ("%02d.%02d "):format(one.index, i)
        made:stop(one)
      end
      table.sort(expected)
      assert.same(expected, made:stop(first))
    end
  end)
end)
