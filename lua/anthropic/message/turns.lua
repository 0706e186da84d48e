--- Puts the texts of overlapping blocks one after the other: a chat completion has one text. The blocks take turns in
-- the order of their indices, after the one that has begun.
--
--     local turns = turns.new()
--     turns:add(first, "Hel")    --> "Hel"
--     turns:add(second, "you")   --> nil: it waits
--     turns:add(first, "lo ")    --> "lo "
--     turns:stop(first)          --> { "you" }

local turns = {}

---@class anthropic.Turn of a block
---@field block table
---@field index number
---@field number integer orders those of one index
---@field held? string[] the text to say once it is its turn
---@field last? any what follows its text
---@field has_said? boolean
---@field is_stopped? boolean

---@class anthropic.Turns
---@field current? anthropic.Turn
---@field waiting anthropic.Turn[] a heap
---@field of table<table, anthropic.Turn> by the block
---@field count integer how many there have been
local Turns = {}
Turns.__index = Turns

--- No turns yet.
---@return anthropic.Turns
function turns.new()
  return setmetatable({ waiting = {}, of = {}, count = 0 }, Turns)
end

local function is_before(one, other)
  if one.index ~= other.index then
    return one.index < other.index
  end
  return one.number < other.number
end

local function push(heap, turn)
  local place = #heap + 1
  local above = math.floor(place / 2)
  while above >= 1 and is_before(turn, heap[above]) do
    heap[place] = heap[above]
    place, above = above, math.floor(above / 2)
  end
  heap[place] = turn
end

local function pop(heap)
  local first, last = heap[1], table.remove(heap)
  if first == last then
    return first
  end
  local place, below = 1, 2
  while heap[below] do
    if heap[below + 1] and is_before(heap[below + 1], heap[below]) then
      below = below + 1
    end
    if not is_before(heap[below], last) then
      break
    end
    heap[place] = heap[below]
    place, below = below, below * 2
  end
  heap[place] = last
  return first
end

local function begin(self, block)
  self.count = self.count + 1
  local turn, current = { block = block, index = block.index, number = self.count }, self.current
  self.of[block] = turn
  if not current or not current.has_said and is_before(turn, current) then
    self.current, turn = turn, current
  end
  if turn then
    push(self.waiting, turn)
  end
end

--- Takes a piece of a block's text.
---@param block { index: number }
---@param piece? string nil: the block begins, and says nothing yet
---@return string? piece nil if the block has to wait
function Turns:add(block, piece)
  if not self.of[block] then
    begin(self, block)
  end
  local turn = self.of[block]
  if not piece then
    return nil
  elseif turn == self.current then
    turn.has_said = true
    return piece
  end
  turn.held = turn.held or {}
  table.insert(turn.held, piece)
end

-- Ends the turns of blocks that have nothing more to say. Returns what is to be said now.
local function go_on(self, is_over)
  local due, turn = {}, self.current
  while turn and (turn.is_stopped or is_over) do
    due[#due + 1], self.of[turn.block] = turn.last, nil
    turn = pop(self.waiting)
    if turn and turn.held then
      due[#due + 1] = table.concat(turn.held)
      turn.held, turn.has_said = nil, true
    end
  end
  self.current = turn
  return due
end

--- Ends a block's text.
---@param block table
---@param last? any what follows it
---@return any[] due what is to be said now
function Turns:stop(block, last)
  local turn = self.of[block]
  if not turn then
    return { last }
  end
  turn.is_stopped, turn.last = true, last
  return go_on(self)
end

--- Ends all of them.
---@return any[] due
function Turns:stop_all()
  return go_on(self, true)
end

return turns
