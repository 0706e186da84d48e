--- The string formats of JSON Schema that structured output knows.
--
--     string_formats.date("2024-02-30")   --> false

local string_formats = {}

local DAYS = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

function string_formats.date(text)
  local year, month, day = text:match "^(%d%d%d%d)%-(%d%d)%-(%d%d)$"
  year, month, day = tonumber(year), tonumber(month), tonumber(day)
  if not year or not DAYS[month] or day < 1 or day > DAYS[month] then
    return false
  end
  local is_leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
  return is_leap or month ~= 2 or day < 29
end

local function is_offset(text)
  local hours, minutes = text:match "^[+-](%d%d):(%d%d)$"
  return text:match "^[Zz]$" ~= nil or hours ~= nil and tonumber(hours) < 24 and tonumber(minutes) < 60
end

function string_formats.time(text)
  local hours, minutes, seconds, rest = text:match "^(%d%d):(%d%d):(%d%d)(.*)$"
  if not hours or tonumber(hours) > 23 or tonumber(minutes) > 59 or tonumber(seconds) > 60 then
    return false
  end
  return is_offset((rest:gsub("^%.%d+", "")))
end

string_formats["date-time"] = function(text)
  local date, time = text:match "^(.-)[Tt](.*)$"
  return date ~= nil and string_formats.date(date) and string_formats.time(time)
end

-- The parts of a duration in their order: each may be absent, not all of them.
local function is_parts(text, units)
  local position, count = 1, 0
  for unit in units:gmatch "." do
    local after = text:match("^%d+" .. unit .. "()", position)
    if after then
      position, count = after, count + 1
    end
  end
  return count > 0 and position > #text
end

function string_formats.duration(text)
  local date, time = text:match "^P([^T]*)T?(.*)$"
  if not date or text:find "T$" then
    return false
  end
  return (date == "" and time ~= "" or is_parts(date, "YMD") or time == "" and is_parts(date, "W"))
    and (time == "" or is_parts(time, "HMS"))
end

function string_formats.hostname(text)
  if #text == 0 or #text > 253 then
    return false
  end
  for label in (text .. "."):gmatch "([^.]*)%." do
    if #label > 63 or not label:find "^[%w-]+$" or label:find "^%-" or label:find "%-$" then
      return false
    end
  end
  return true
end

function string_formats.email(text)
  local name, host = text:match "^(.+)@([^@]+)$"
  return name ~= nil and #name <= 64 and not name:find "[%s@]" and string_formats.hostname(host)
end

function string_formats.uri(text)
  return text:find "^%a[%w+.-]*:[^%s<>\"{}|\\^`]+$" ~= nil
end

function string_formats.ipv4(text)
  local parts = { text:match "^(%d+)%.(%d+)%.(%d+)%.(%d+)$" }
  for _, part in ipairs(parts) do
    if #part > 3 or tonumber(part) > 255 or part:find "^0%d" then
      return false
    end
  end
  return #parts == 4
end

-- How many groups of 16 bits a part of an address is, or nil if it is not one.
local function groups(text)
  local count = 0
  if text == "" then
    return 0
  end
  for part in (text .. ":"):gmatch "([^:]*):" do
    if not part:find "^%x%x?%x?%x?$" then
      return nil
    end
    count = count + 1
  end
  return count
end

function string_formats.ipv6(text)
  local before, last = text:match "^(.*:)([^:]*%.[^:]*)$"
  if before then
    if not string_formats.ipv4(last) then
      return false
    end
    text = before .. "0:0"
  end
  local left, right = text:match "^(.-)::(.*)$"
  if not left then
    return groups(text) == 8
  end
  left, right = groups(left), groups(right)
  return left ~= nil and right ~= nil and left + right < 8
end

function string_formats.uuid(text)
  local a, b, c, d, e = text:match "^(%x+)%-(%x+)%-(%x+)%-(%x+)%-(%x+)$"
  return a ~= nil and #a == 8 and #b == 4 and #c == 4 and #d == 4 and #e == 12
end

return string_formats
