-- How a server may write what it was sent, and what a reader can make of a text.
--
--     for name, text in pairs(spellings.of "sk-secret") do ... end
--     spellings.holds(text, "sk-secret")   -- the spelling in which it does, or nil

local core = require "anthropic.core"

local spellings = {}

local function each(text, form)
  return (text:gsub(".", function(char)
    return form:format(char:byte())
  end))
end

-- Forms that are written in a JSON string; each is what the server means to say, escaped as it is.
local FORMS = {
  plain = function(text) return text end,
  ["JSON escapes"] = function(text) return each(text, "\\u%04x") end,
  ["one JSON escape"] = function(text)
    return text:sub(1, 4) .. ("\\u%04X"):format(text:byte(5)) .. text:sub(6)
  end,
  ["JSON in JSON"] = function(text) return each(text, "\\\\u%04x") end,
  ["escaped slashes"] = function(text) return (text:gsub("[/\"\\]", "\\%0")) end,
  ["percent-encoding"] = function(text) return each(text, "%%%02x") end,
  ["one percent-encoding"] = function(text) return text:sub(1, 7) .. ("%%%02X"):format(text:byte(8)) .. text:sub(9) end,
  ["percent-encoding twice"] = function(text) return each(text, "%%25%02X") end,
  ["percent-encoding in JSON escapes"] = function(text) return each(text, "\\u0025%02X") end,
  HTML = function(text) return each(text, "&#%d;") end,
  ["HTML in hexadecimal"] = function(text) return each(text, "&#x%X;") end,
  ["unseen characters between"] = function(text) return text:sub(1, 6) .. "\226\128\174" .. text:sub(7) end,
  ["control characters between"] = function(text) return text:sub(1, 6) .. "\\u0007\\u200b" .. text:sub(7) end,
  base64 = core.base64,
  ["base64 of a pair"] = function(text) return core.base64("user:" .. text) end,
  ["base64 of more"] = function(text) return core.base64("x-key: " .. text .. "\r\nx: y") end,
}

--- The spellings of a secret, by their names, to be put between the quotes of a JSON string.
---@param secret string
---@return table<string, string>
function spellings.of(secret)
  local list = {}
  for name, write in pairs(FORMS) do
    list[name] = write(secret)
  end
  return list
end

local DIGITS = {}
for i, char in ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"):gmatch "()(.)" do
  DIGITS[char] = i - 1
end

local function from_base64(text)
  local bytes, bits, count = {}, 0, 0
  for char in text:gmatch "." do
    bits, count = bits % 4096 * 64 + DIGITS[char], count + 6
    if count >= 8 then
      count = count - 8
      bytes[#bytes + 1] = string.char(math.floor(bits / 2 ^ count) % 256)
    end
  end
  return table.concat(bytes)
end

local function character(code)
  return code < 128 and string.char(code) or "?"
end

-- What each way of reading makes of a text.
local READERS = {
  function(text)
    return (text:gsub("\\+u(%x%x%x%x)", function(hex) return character(tonumber(hex, 16)) end))
  end,
  function(text) return (text:gsub("\\+([/\"\\])", "%1")) end,
  function(text) return (text:gsub("%%(%x%x)", function(hex) return character(tonumber(hex, 16)) end)) end,
  function(text)
    return (text:gsub("&#(%d+);", function(digits) return character(tonumber(digits)) end)
      :gsub("&#x(%x+);", function(hex) return character(tonumber(hex, 16)) end))
  end,
  function(text) return (text:gsub("[^\32-\126]", ""):gsub("%?", "")) end,
}

--- Whether a reader can find the secret in a text, however it is written there.
---@param text string
---@param secret string
---@return boolean
function spellings.holds(text, secret)
  for _ = 1, 3 do
    if text:find(secret, 1, true) then
      return true
    end
    for word in text:gmatch "[%w+/]+" do
      for skipped = 0, #word > #secret and 3 or -1 do
        if from_base64(word:sub(1 + skipped)):find(secret, 1, true) then
          return true
        end
      end
    end
    for _, read in ipairs(READERS) do
      text = read(text)
    end
  end
  return text:find(secret, 1, true) ~= nil
end

return spellings
