--- A set that knows the number of its members.
--
--     local set = counted_set.new()
--     set:put(task, true)
--     set:count() --> 1
--
-- `members` is the truth, and each change of it is one write. If an error, such as one of a debug hook, interrupts a
-- change, or a finalizer makes another change meanwhile, the members are counted anew.

local counted_set = {}

---@class anthropic.CountedSet
---@field members table<any, true>
---@field counted integer|false false while it is being changed
---@field change integer the latest
local CountedSet = {}
CountedSet.__index = CountedSet

---@return anthropic.CountedSet
function counted_set.new()
  return setmetatable({ members = {}, counted = 0, change = 0 }, CountedSet)
end

--- Adds a member, or removes it, which takes no memory.
---@param member any
---@param is_in true|nil
function CountedSet:put(member, is_in)
  if self.members[member] == is_in then
    return
  end
  local counted, change = self.counted, self.change + 1
  self.counted, self.change = false, change
  self.members[member] = is_in
  if self.change == change then
    self.counted = counted and counted + (is_in and 1 or -1)
  end
end

---@return integer
function CountedSet:count()
  if not self.counted then
    local counted = 0
    for _ in pairs(self.members) do
      counted = counted + 1
    end
    self.counted = counted
  end
  return self.counted
end

return counted_set
