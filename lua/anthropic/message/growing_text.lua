--- A text that comes in pieces: a list of them, joined when it is asked for, which keeps the whole linear.
--
--     local pieces = { "Hel" }
--     growing_text.add(pieces, "lo")
--     growing_text.joined(pieces)   --> "Hello"

local growing_text = {}

-- When so many loose pieces have come, they are joined: many small ones take several times the memory of their text.
local MOST_LOOSE = 256

--- Adds a piece.
---@param pieces table
---@param piece string
function growing_text.add(pieces, piece)
  local count = #pieces + 1
  pieces[count] = piece
  local loose = (pieces.loose or 0) + 1
  if loose == MOST_LOOSE then
    local first = count - loose + 1
    local text = table.concat(pieces, "", first)
    for i = count, first + 1, -1 do
      pieces[i] = nil
    end
    pieces[first], loose = text, 0
  end
  pieces.loose = loose
end

--- The text so far. (`..` with nothing copies nothing, with another piece once; table.concat twice.)
---@param pieces table
---@return string
function growing_text.joined(pieces)
  local text = #pieces > 2 and table.concat(pieces) or (pieces[1] or "") .. (pieces[2] or "")
  for i = #pieces, 2, -1 do
    pieces[i] = nil
  end
  pieces[1], pieces.loose = text, 0
  return text
end

return growing_text
