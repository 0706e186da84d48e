-- A transfer of the core that was fed bytes, and the pieces that they make.

local core = require "anthropic.core"

local fed_pieces = {}

--- A transfer with these bytes.
function fed_pieces.fed(...)
  local transfer = core.fed(200, 100, 1000)
  for _, bytes in ipairs { ... } do
    transfer:feed(bytes)
  end
  return transfer
end

--- The pieces that are there: { bytes, data of its event, if any }, or { bytes, true, data } where the piece is cut.
function fed_pieces.take(transfer, list)
  list = list or {}
  local bytes, is_cut, data, name = transfer:raw_piece(true)
  while bytes do
    local piece = { bytes, is_cut or data }
    piece[3] = is_cut and data or nil
    list[#list + 1] = piece
    if not data and name ~= "piece" and name ~= "done" then
      error(name)
    end
    bytes, is_cut, data, name = transfer:raw_piece(true)
  end
  return list
end

return fed_pieces
