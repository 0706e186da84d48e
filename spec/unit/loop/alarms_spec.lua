-- What is to be called at which time.

local alarms = require "anthropic.loop.alarms"
local broken_off = require "spec.support.broken_off"

describe("a set of alarms", function()
  -- Takes the soonest out until there is none: what each calls.
  local function drain(set)
    local calls = {}
    local alarm = set:soonest()
    while alarm do
      calls[#calls + 1] = alarm.call
      set:remove(alarm)
      alarm = set:soonest()
    end
    return calls
  end

  it("gives them by their time, those of equal times in their order", function()
    local set = alarms.new()
    for i, time in ipairs { 5, 1, 3, 1, 9, 3, 1 } do
      set:add(time, i)
    end
    assert.same({ 2, 4, 7, 3, 6, 1, 5 }, drain(set))
    assert.is_nil(set:soonest())
  end)

  it("gives what is left after some were taken out, whichever", function()
    local state = 1
    local function random(n)
      state = state * 48271 % 2147483647
      return state % n + 1
    end
    for _ = 1, 50 do
      local set, added, expected = alarms.new(), {}, {}
      for i = 1, 60 do
        added[i] = set:add(random(20), i)
        set:remove(added[random(i)])
      end
      for _, alarm in ipairs(added) do
        expected[#expected + 1] = set.live[alarm] and alarm or nil
      end
      table.sort(expected, function(a, b)
        if a.time ~= b.time then
          return a.time < b.time
        end
        return a.number < b.number
      end)
      for i, alarm in ipairs(expected) do
        expected[i] = alarm.call
      end
      assert.same(expected, drain(set))
    end
  end)

  it("passes over what is out already", function()
    local set = alarms.new()
    local one, other = set:add(1, "one"), set:add(2, "other")
    set:remove(one)
    set:remove(one)
    assert.equal(other, set:soonest())
    set:remove(other)
    set:remove(other)
    assert.is_nil(set:soonest())
  end)

  it("loses none and keeps none where an error breaks a change off, wherever", function()
    broken_off.everywhere(function(break_off)
      local set, added = alarms.new(), {}
      for i, time in ipairs { 5, 1, 3, 1, 9, 3, 1 } do
        added[i] = set:add(time, i)
      end
      break_off(function() set:remove(added[2]) end)
      break_off(function() set:add(2, 8) end)
      break_off(function() set:soonest() end)
      local expected = {}
      for _, call in ipairs { 2, 4, 7, 8, 3, 6, 1, 5 } do
        for alarm in pairs(set.live) do
          expected[#expected + 1] = alarm.call == call and call or nil
        end
      end
      assert.is_true(#expected >= 6)
      assert.same(expected, drain(set))
    end)
  end)

  it("has those that a finalizer adds and takes out in the middle of a change", function()
    local set = alarms.new()
    local one, two = set:add(1, "one"), set:add(2, "two")
    setmetatable(set.live, { __newindex = function(live, alarm, value)
      setmetatable(live, nil)
      rawset(live, alarm, value)
      set:remove(one)
      set:add(0, "of the finalizer")
    end })
    set:add(3, "three")
    assert.equal(2, two.time)
    assert.same({ "of the finalizer", "two", "three" }, drain(set))
  end)
end)
