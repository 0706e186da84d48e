-- A set that knows how many are in it.

local broken_off = require "spec.support.broken_off"
local counted_set = require "anthropic.loop.counted_set"

describe("a counted set", function()
  it("counts each member once, and none that has left", function()
    local set = counted_set.new()
    assert.equal(0, set:count())
    set:put("one", true)
    set:put("two", true)
    set:put("one", true)
    assert.equal(2, set:count())
    set:put("one", nil)
    set:put("one", nil)
    set:put("three", nil)
    assert.equal(1, set:count())
    assert.same({ two = true }, set.members)
  end)

  it("counts its members where an error breaks a change off, wherever", function()
    broken_off.everywhere(function(break_off)
      local set = counted_set.new()
      set:put("one", true)
      set:put("two", true)
      break_off(function() set:put("one", nil) end)
      break_off(function() set:put("three", true) end)
      break_off(function() set:count() end)
      local members = 0
      for _ in pairs(set.members) do
        members = members + 1
      end
      assert.equal(members, set:count())
      set:put("four", true)
      assert.equal(members + 1, set:count())
    end)
  end)

  it("counts what a finalizer adds in the middle of a change", function()
    local set = counted_set.new()
    set:put("one", true)
    setmetatable(set.members, { __newindex = function(members, member, value)
      setmetatable(members, nil)
      rawset(members, member, value)
      set:put("one", nil)
      set:put("three", true)
      set:put("four", true)
    end })
    set:put("two", true)
    assert.equal(3, set:count())
    set:put("three", nil)
    assert.equal(2, set:count())
  end)
end)
