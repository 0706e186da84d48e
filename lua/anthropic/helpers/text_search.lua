--- The places of a text in another, found in time linear in both, whatever they are.
--
--     text_search.places("banana", "an", 10)   --> { 2, 4 }

local text_search = {}

-- string.find may compare all of the text at each place: up to here that is cheap.
local SHORT = 256

-- For each length of a beginning of the text, the longest shorter one that it ends with (Knuth, Morris, Pratt).
local function borders_of(text)
  local borders, length = { [0] = 0, [1] = 0 }, 0
  for i = 2, #text do
    local byte = text:byte(i)
    while length > 0 and text:byte(length + 1) ~= byte do
      length = borders[length]
    end
    if text:byte(length + 1) == byte then
      length = length + 1
    end
    borders[i] = length
  end
  return borders
end

local function find_long(text, wanted, from, borders)
  local length = 0
  for i = from, #text do
    local byte = text:byte(i)
    while length > 0 and wanted:byte(length + 1) ~= byte do
      length = borders[length]
    end
    if wanted:byte(length + 1) == byte then
      length = length + 1
    end
    if length == #wanted then
      return i - length + 1
    end
  end
end

--- The places of a text that is not empty in another, without those that overlap.
---@param text string
---@param wanted string
---@param most integer no more than so many
---@return integer[]
function text_search.places(text, wanted, most)
  local borders = #wanted > SHORT and borders_of(wanted)
  local places, from = {}, 1
  while #places < most do
    local at
    if borders then
      at = find_long(text, wanted, from, borders)
    else
      at = text:find(wanted, from, true)
    end
    if not at then
      break
    end
    places[#places + 1] = at
    from = at + #wanted
  end
  return places
end

return text_search
