-- A set that knows how many are in it.

local broken_off = require "spec.support.broken_off"
local counted_set = require "anthropic.loop.counted_set"

describe("a counted set", function()
  it("counts each member once, and none that has left", function()
    local set = counted_set.new()
    assert.equal(0, set:count())
    set:add "one"
    set:add "two"
    set:add "one"
    assert.equal(2, set:count())
    set:remove "one"
    set:remove "one"
    set:remove "three"
    assert.equal(1, set:count())
    assert.same({ two = true }, set.members)
  end)

  it("counts its members where an error breaks a change off, wherever", function()
    broken_off.everywhere(function(break_off)
      local set = counted_set.new()
      set:add "one"
      set:add "two"
      break_off(function() set:remove "one" end)
      break_off(function() set:add "three" end)
      break_off(function() set:count() end)
      local members = 0
      for _ in pairs(set.members) do
        members = members + 1
      end
      assert.equal(members, set:count())
      set:add "four"
      assert.equal(members + 1, set:count())
    end)
  end)

  it("counts what a finalizer adds in the middle of a change", function()
    local set = counted_set.new()
    set:add "one"
    setmetatable(set.members, { __newindex = function(members, member, value)
      setmetatable(members, nil)
      rawset(members, member, value)
      set:remove "one"
      set:add "three"
      set:add "four"
    end })
    set:add "two"
    assert.equal(3, set:count())
    set:remove "three"
    assert.equal(2, set:count())
  end)
end)
