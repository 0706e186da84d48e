--- Cuts a text into the pieces of a stream. The pieces joined are the text, and
--- none begins inside a UTF-8 character.
---
---     pieces.words("Hello big world")     --> { "Hello", " big", " world" }
---     pieces.count("abcdef", 3)           --> { "ab", "cd", "ef" }

local pieces = {}

local longest_word = 12

local function begins_character(text, position)
  local byte = text:byte(position)
  return not byte or byte < 128 or byte >= 192
end

--- Where the characters of the text begin.
local function character_starts(text)
  local starts = { 1 }
  for position = 2, #text do
    if begins_character(text, position) then
      starts[#starts + 1] = position
    end
  end
  return starts
end

--- Adds a text in parts of at most `limit` bytes, or of one character where that is longer.
local function add_parts(list, text, limit)
  local first = 1
  while first <= #text do
    local stop = math.min(first + limit, #text + 1)
    while stop > first + 1 and not begins_character(text, stop) do
      stop = stop - 1
    end
    while not begins_character(text, stop) do
      stop = stop + 1
    end
    list[#list + 1] = text:sub(first, stop - 1)
    first = stop
  end
end

--- Pieces of a word each, with the white space before it; a long word in several.
---@param text string
---@return string[]
function pieces.words(text)
  local list, last = {}, 0
  for word, after in text:gmatch("(%s*%S+)()") do
    add_parts(list, word, longest_word)
    last = after - 1
  end
  add_parts(list, text:sub(last + 1), longest_word)
  return list
end

--- `count` pieces of about the same number of characters, fewer where the text is shorter.
---@param text string
---@param count integer
---@return string[]
function pieces.count(text, count)
  local list = {}
  if text == "" then
    return list
  end
  local starts = character_starts(text)
  count = math.max(1, math.min(count, #starts))
  for index = 1, count do
    local first = starts[math.floor((index - 1) * #starts / count) + 1]
    local next_first = index < count and starts[math.floor(index * #starts / count) + 1] or #text + 1
    list[index] = text:sub(first, next_first - 1)
  end
  return list
end

return pieces
