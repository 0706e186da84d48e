--- Blots secrets out of text: a server may quote what it was sent, in whatever spelling.
--
-- A secret is looked for as it is, in base64, and in the text as it reads once its escapes are decoded: those of JSON
-- and other languages (`\u0038`, `\/`, `\x38`), of URLs (`%38`) and of HTML (`&#56;`), also one inside the other, and
-- without the characters that nobody sees. What stands for it in the text as it came is replaced, the rest stays.

local core = require "anthropic.core"

local redaction = {}

-- A secret shorter than this is not looked for: it would be found in ordinary words.
local SHORTEST = 8

-- --- decoding ------------------------------------------------------------------------------------

local MOST_ROUNDS = 4 -- escapes of escapes

-- Where an escape may begin, or a character that nobody sees.
local ESCAPE = "[\\%%&%c\194\216\226\239]"
-- What a text holds that has any; looked for one by one, which is fast. Control characters as they are do not count:
-- they are never left out of what is shown.
local SIGNS = { "\\", "%", "&", "\194", "\216", "\226", "\239" }

-- Characters that nobody sees: C1 and the soft hyphen; marks of direction; those of no width, separators; a BOM.
local UNSEEN = {
  ["\194"] = { "^\194[\128-\159\173]" },
  ["\216"] = { "^\216\156" },
  ["\226"] = { "^\226\128[\139-\143\168-\174]", "^\226\129[\160-\175]" },
  ["\239"] = { "^\239\187\191" },
}

local ENTITIES = {
  amp = "&", apos = "'", colon = ":", equals = "=", gt = ">", lowbar = "_", lt = "<", period = ".", plus = "+",
  quot = '"', sol = "/",
}

local function utf8_of(code)
  if code < 0x80 then
    return string.char(code)
  elseif code < 0x800 then
    return string.char(0xC0 + math.floor(code / 0x40), 0x80 + code % 0x40)
  elseif code < 0x10000 then
    return string.char(0xE0 + math.floor(code / 0x1000), 0x80 + math.floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
  elseif code < 0x110000 then
    return string.char(0xF0 + math.floor(code / 0x40000), 0x80 + math.floor(code / 0x1000) % 0x40,
      0x80 + math.floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
  end
  return ""
end

-- A character as it counts: those that nobody sees do not.
local function seen(character)
  if character:find "^%c" then
    return ""
  end
  for _, pattern in ipairs(UNSEEN[character:sub(1, 1)] or {}) do
    if character:find(pattern) then
      return ""
    end
  end
  return character
end

-- Each reads the escape at a position: what it stands for and its last byte, or nil where there is none.
local READERS = {}

-- However many backslashes: JSON in JSON doubles them.
READERS["\\"] = function(text, first)
  local _, last = text:find("^\\+", first)
  local high = text:match("^u([dD][89aAbB]%x%x)", last + 1)
  local low, stop = text:match("^\\+u([dD][c-fC-F]%x%x)()", high and last + 6 or #text + 1)
  if low then
    return utf8_of(0x10000 + (tonumber(high, 16) - 0xD800) * 0x400 + tonumber(low, 16) - 0xDC00), stop - 1
  end
  local hex, past = text:match("^u(%x%x%x%x)()", last + 1)
  if not hex then
    hex, past = text:match("^x(%x%x)()", last + 1)
  end
  if not hex then
    hex, past = text:match("^u{(%x%x?%x?%x?%x?%x?)}()", last + 1)
  end
  if hex then
    return seen(utf8_of(tonumber(hex, 16))), past - 1
  end
  local character = text:sub(last + 1, last + 1)
  if character ~= "" and ("/\"'"):find(character, 1, true) then
    return character, last + 1
  elseif character ~= "" and ("bfnrt"):find(character, 1, true) then
    return "", last + 1
  end
  return last > first and "\\" or nil, last
end

READERS["%"] = function(text, first)
  local position = first + 1
  while text:find("^25", position) do -- a percent sign that was itself escaped
    position = position + 2
  end
  local hex = text:match("^%x%x", position)
  if hex then
    return seen(string.char(tonumber(hex, 16))), position + 1
  elseif position > first + 1 then
    return "%", position - 1
  end
end

READERS["&"] = function(text, first)
  local digits, past = text:match("^#(%d%d?%d?%d?%d?%d?%d?);()", first + 1)
  local code = tonumber(digits)
  if not code then
    digits, past = text:match("^#[xX](%x%x?%x?%x?%x?%x?);()", first + 1)
    code = digits and tonumber(digits, 16)
  end
  if code then
    return seen(utf8_of(code)), past - 1
  end
  local name, stop = text:match("^(%l%l?%l?%l?%l?%l?);()", first + 1)
  if ENTITIES[name] then
    return ENTITIES[name], stop - 1
  end
end

for lead, patterns in pairs(UNSEEN) do
  READERS[lead] = function(text, first)
    for _, pattern in ipairs(patterns) do
      local _, last = text:find(pattern, first)
      if last then
        return "", last
      end
    end
  end
end

local function read_control(_, first)
  return "", first
end

-- The text with its escapes decoded, and where each piece of it comes from; nil where it has none. An entry of the
-- map: where the piece begins in the decoded text, where in the text, and where its escape ends, if it is one.
local function decode(text)
  local pieces, map = {}, { decoded = {}, first = {}, last = {} }
  local length, position, search = 0, 1, 1
  local function add(piece, first, last)
    local n = #pieces + 1
    pieces[n], map.decoded[n], map.first[n], map.last[n] = piece, length + 1, first, last or false
    length = length + #piece
  end
  while true do
    local at = text:find(ESCAPE, search)
    if not at then
      break
    end
    local piece, last = (READERS[text:sub(at, at)] or read_control)(text, at)
    search = (last or at) + 1
    if piece then
      if at > position then
        add(text:sub(position, at - 1), position)
      end
      add(piece, at, last)
      position = search
    end
  end
  if #pieces == 0 then
    return nil
  end
  add(text:sub(position), position)
  return table.concat(pieces), map
end

-- The entry of a map for a position in the decoded text: the last that begins there or before.
local function entry_at(map, position)
  local low, high = 1, #map.decoded
  while low < high do
    local middle = math.ceil((low + high) / 2)
    if map.decoded[middle] <= position then
      low = middle
    else
      high = middle - 1
    end
  end
  return low
end

local function place(map, first, last)
  local from, to = entry_at(map, first), entry_at(map, last)
  return map.last[from] and map.first[from] or map.first[from] + first - map.decoded[from],
    map.last[to] or map.first[to] + last - map.decoded[to]
end

-- A secret as it reads decoded: it may itself look like an escape.
local function decode_all(text)
  for _ = 1, MOST_ROUNDS do
    local decoded = decode(text)
    if not decoded or decoded == text then
      break
    end
    text = decoded
  end
  return text
end

-- --- looking -------------------------------------------------------------------------------------

-- Base64 of bytes among which the secret stands, as far as it does not depend on the others.
local function add_base64(needles, secret)
  for before, begin in pairs { [0] = 1, [1] = 3, [2] = 4 } do
    local text = core.base64(("x"):rep(before) .. secret):gsub("=", "")
    text = text:sub(begin, (before + #secret) % 3 == 0 and -1 or -2)
    if #text >= SHORTEST then
      needles[#needles + 1] = { text, secret }
      local of_urls = text:gsub("%+", "-"):gsub("/", "_")
      needles[#needles + 1] = of_urls ~= text and { of_urls, secret } or nil
    end
  end
end

-- The ranges in which a text holds one of the needles, each with its secret.
local function find_in(text, needles, maps, ranges)
  for _, needle in ipairs(needles) do
    local first, last = text:find(needle[1], 1, true)
    while first do
      local from, to = first, last
      for i = #maps, 1, -1 do
        from, to = place(maps[i], from, to)
      end
      ranges[#ranges + 1] = { from, to, needle[2] }
      first, last = text:find(needle[1], last + 1, true)
    end
  end
end

-- A text that was cut off may end within a secret. Less than half of one is a prefix that all keys have.
local function find_at_end(text, secrets, ranges)
  for _, secret in ipairs(secrets) do
    local first = text:find(secret:sub(1, SHORTEST), -#secret, true)
    local length = first and #text - first + 1
    if first and length * 2 >= #secret and text:sub(first) == secret:sub(1, length) then
      ranges[#ranges + 1] = { first, #text, secret }
    end
  end
end

local function has_signs(text)
  for _, sign in ipairs(SIGNS) do
    if text:find(sign, 1, true) then
      return true
    end
  end
  return false
end

-- Puts a replacement in place of each range; those that overlap are one.
local function replace(text, ranges, replacement)
  table.sort(ranges, function(a, b)
    return a[1] < b[1] or a[1] == b[1] and a[2] > b[2]
  end)
  local pieces, position = {}, 1
  local i = 1
  while i <= #ranges do
    local first, last, secret = ranges[i][1], ranges[i][2], ranges[i][3]
    while ranges[i + 1] and ranges[i + 1][1] <= last do
      i = i + 1
      last = math.max(last, ranges[i][2])
    end
    pieces[#pieces + 1] = text:sub(position, first - 1)
    pieces[#pieces + 1] = replacement and replacement(text:sub(first, last), secret) or "[redacted]"
    position, i = last + 1, i + 1
  end
  pieces[#pieces + 1] = text:sub(position)
  return table.concat(pieces)
end

-- What is looked for in a text as it is, and in one that is decoded.
local function needles_of(secrets)
  local plain, decoded, kept = {}, {}, {}
  for _, secret in ipairs(secrets) do
    if #secret >= SHORTEST then
      local text = decode_all(secret)
      kept[#kept + 1] = secret
      plain[#plain + 1] = { secret, secret }
      decoded[#decoded + 1] = #text >= SHORTEST and { text, secret } or nil
      add_base64(plain, secret)
      add_base64(decoded, secret)
    end
  end
  return plain, decoded, kept
end

--- Returns a function that replaces every spelling of the secrets in a text, whatever the text.
---@param secrets string[]
---@return fun(text: string, replacement?: fun(found: string, secret: string): string): string redact the default
--- replacement is "[redacted]"
function redaction.redactor(secrets)
  local plain, decoded, kept = needles_of(secrets)
  return function(text, replacement)
    local ranges, maps = {}, {}
    find_in(text, plain, maps, ranges)
    find_at_end(text, kept, ranges)
    local reading = #kept > 0 and has_signs(text) and text or nil
    while reading and #maps < MOST_ROUNDS do
      local map
      reading, map = decode(reading)
      if reading then
        maps[#maps + 1] = map
        find_in(reading, decoded, maps, ranges)
      end
    end
    return ranges[1] and replace(text, ranges, replacement) or text
  end
end

return redaction
