--- A text that came in pieces, kept while it is short, to recognise it when a server repeats it.
--
--     local heard = heard_text.new(budget)
--     heard:add "Hel"
--     heard:rest "Hello"   --> "lo"
--     heard:rest "Hel"     --> ""
--     heard:rest "Ho"      --> nil

local heard_text = {}

-- Bytes of a text that are kept.
local MOST_KEPT = 64 * 1024

---@class anthropic.HeardText
---@field budget anthropic.Budget what is kept counts there
---@field pieces? string[] nil once there is too much of it
---@field bytes integer
local HeardText = {}
HeardText.__index = HeardText

--- Makes an empty text.
---@param budget anthropic.Budget
---@return anthropic.HeardText
function heard_text.new(budget)
  return setmetatable({ budget = budget, pieces = {}, bytes = 0 }, HeardText)
end

--- Takes in a piece.
---@param piece string
function HeardText:add(piece)
  if piece == "" then
    return
  end
  self.bytes = self.bytes + #piece
  if not self.pieces then
    return
  elseif self.bytes > MOST_KEPT then
    self.pieces = nil
    return
  end
  self.budget:take(#piece)
  self.pieces[#self.pieces + 1] = piece
end

--- The text so far.
---@return string? text nil if too much has come
function HeardText:text()
  if self.pieces and self.pieces[2] then
    self.pieces = { table.concat(self.pieces) }
  end
  return self.pieces and (self.pieces[1] or "")
end

--- Whether what has come may begin with a text. If too much has come to tell, it may if the text is not longer.
---@param text string
---@return boolean
function HeardText:may_hold(text)
  local so_far = self:text()
  return so_far == nil and #text <= self.bytes or so_far ~= nil and so_far:sub(1, #text) == text
end

--- The part of a text that has not come.
---@param text string
---@return string? rest "" if it is the same; nil if it is another, or if too much has come to tell
function HeardText:rest(text)
  if not self.pieces or #text < self.bytes or text:sub(1, self.bytes) ~= self:text() then
    return nil
  end
  return text:sub(self.bytes + 1)
end

return heard_text
