--- Functions to call at given times, the soonest first.
--
--     local set = alarms.new()
--     local alarm = set:add(core.now() + 2, f)
--     set:soonest() --> alarm
--     set:remove(alarm)
--
-- `live` is the truth, and each change of it is one write. The heap is an index of it: if an error, such as one of a
-- debug hook, interrupts a change, or a finalizer makes another change meanwhile, the heap is made anew.

local alarms = {}

---@class anthropic.Alarm
---@field time number
---@field call fun()
---@field number integer orders alarms of equal times
---@field place integer in the heap

---@class anthropic.Alarms
---@field live table<anthropic.Alarm, true>
---@field heap anthropic.Alarm[]|false false while it is being changed
---@field change integer the latest
local Alarms = {}
Alarms.__index = Alarms

---@return anthropic.Alarms
function alarms.new()
  return setmetatable({ live = {}, heap = {}, change = 0 }, Alarms)
end

local function is_before(one, other)
  if one.time ~= other.time then
    return one.time < other.time
  end
  return one.number < other.number
end

local function put(heap, place, alarm)
  heap[place], alarm.place = alarm, place
end

local function rise(heap, alarm, place)
  local above = math.floor(place / 2)
  while above >= 1 and is_before(alarm, heap[above]) do
    put(heap, place, heap[above])
    place, above = above, math.floor(above / 2)
  end
  put(heap, place, alarm)
end

local function sink(heap, alarm, place)
  while true do
    local below = place * 2
    if heap[below + 1] and is_before(heap[below + 1], heap[below]) then
      below = below + 1
    end
    if not heap[below] or not is_before(heap[below], alarm) then
      break
    end
    put(heap, place, heap[below])
    place = below
  end
  put(heap, place, alarm)
end

-- Takes the heap away for a change.
local function begin(self)
  local heap = self.heap
  self.heap, self.change = false, self.change + 1
  return heap, self.change
end

-- Puts the heap back, unless there was another change meanwhile.
local function finish(self, heap, change)
  if self.change == change then
    self.heap = heap
  end
end

---@param time number of core.now
---@param call fun()
---@return anthropic.Alarm
function Alarms:add(time, call)
  local heap, change = begin(self)
  local alarm = { time = time, call = call, number = change, place = 0 }
  self.live[alarm] = true
  if heap then
    rise(heap, alarm, #heap + 1)
  end
  finish(self, heap, change)
  return alarm
end

--- Removes an alarm, if it is in the set. Takes no memory.
---@param alarm anthropic.Alarm
function Alarms:remove(alarm)
  if not self.live[alarm] then
    return
  end
  local heap, change = begin(self)
  self.live[alarm] = nil
  if heap then
    local last = heap[#heap]
    heap[#heap] = nil
    if last ~= alarm then
      rise(heap, last, alarm.place)
      sink(heap, last, last.place)
    end
  end
  finish(self, heap, change)
end

-- All alarms in their order, which is a heap, too.
local function sorted(live)
  local heap = {}
  for alarm in pairs(live) do
    heap[#heap + 1] = alarm
  end
  table.sort(heap, is_before)
  for place, alarm in ipairs(heap) do
    alarm.place = place
  end
  return heap
end

--- The alarm whose time comes first, or nil.
---@return anthropic.Alarm?
function Alarms:soonest()
  while not self.heap do
    local _, change = begin(self)
    finish(self, sorted(self.live), change)
  end
  return self.heap[1]
end

return alarms
