--- What is to be called at which time. A heap: setting or forgetting one does not look at all others.
--
--     local set = alarms.new()
--     local alarm = set:add(core.now() + 5, call)
--     set:remove(alarm)
--     set:soonest()         --> the next one: its `time` and `call`; of equal times the one that was added first

---@class anthropic.Alarm
---@field time number
---@field call fun()
---@field number integer how many were added before it
---@field place integer|false where it stands; false: nowhere any more

---@class anthropic.Alarms
local Alarms = {}
Alarms.__index = Alarms

local alarms = {}

---@return anthropic.Alarms
function alarms.new()
  return setmetatable({ heap = {}, added = 0 }, Alarms)
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

local function rise(heap, alarm)
  local place = alarm.place
  local above = math.floor(place / 2)
  while above >= 1 and is_before(alarm, heap[above]) do
    put(heap, place, heap[above])
    place, above = above, math.floor(above / 2)
  end
  put(heap, place, alarm)
end

local function sink(heap, alarm)
  local place = alarm.place
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

---@param time number
---@param call fun()
---@return anthropic.Alarm
function Alarms:add(time, call)
  local heap = self.heap
  local alarm = { time = time, call = call, number = self.added, place = #heap + 1 }
  heap[#heap + 1] = alarm
  self.added = self.added + 1
  rise(heap, alarm)
  return alarm
end

--- Takes one out, if it is there. Takes no memory.
---@param alarm anthropic.Alarm
function Alarms:remove(alarm)
  local heap, place = self.heap, alarm.place
  if not place then
    return
  end
  local last = heap[#heap]
  heap[#heap], alarm.place = nil, false
  if last ~= alarm then
    put(heap, place, last)
    rise(heap, last)
    sink(heap, last)
  end
end

--- The one whose time comes first, or nil.
---@return anthropic.Alarm?
function Alarms:soonest()
  return self.heap[1]
end

return alarms
