--- The times that header fields and answers name, as seconds since the epoch.

local dates = {}

local MONTHS = {}
for i, name in ipairs { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" } do
  MONTHS[name] = i
end

-- RFC 9110, section 5.6.7: the form of today, and two older ones that are to be read as well.
local PREFERRED = "^%a%a%a, (%d%d) (%a%a%a) (%d%d%d%d) (%d%d):(%d%d):(%d%d) GMT$"
local RFC_850 = "^%a%a%a%a%a%a+, (%d%d)%-(%a%a%a)%-(%d%d) (%d%d):(%d%d):(%d%d) GMT$"
local ASCTIME = "^%a%a%a (%a%a%a) ([%d ]%d) (%d%d):(%d%d):(%d%d) (%d%d%d%d)$"

-- Days from 1970-01-01 in the Gregorian calendar; March is taken for the first month of a year.
local function days_from_epoch(year, month, day)
  if month <= 2 then
    year, month = year - 1, month + 12
  end
  local leap_days = math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
  return 365 * year + leap_days + math.floor((153 * (month - 3) + 2) / 5) + day - 719469
end

local function seconds_of(year, month, day, hour, minute, second)
  local days = days_from_epoch(tonumber(year), tonumber(month), tonumber(day))
  return ((days * 24 + tonumber(hour)) * 60 + tonumber(minute)) * 60 + tonumber(second)
end

-- A year of two digits lies at most fifty years ahead (RFC 9110, section 5.6.7).
local function whole_year(text)
  local year, now = tonumber(text), tonumber(os.date "!%Y")
  if #text > 2 then
    return year
  end
  year = now - now % 100 + year
  return year > now + 50 and year - 100 or year
end

--- Seconds since the epoch of an HTTP date (RFC 9110, section 5.6.7), or nil.
---@param text? string
---@return number?
function dates.http(text)
  text = text or ""
  local day, name, year, hour, minute, second = text:match(PREFERRED)
  if not day then
    day, name, year, hour, minute, second = text:match(RFC_850)
  end
  if not day then
    name, day, hour, minute, second, year = text:match(ASCTIME)
  end
  local month = MONTHS[name]
  return month and seconds_of(whole_year(year), month, day, hour, minute, second)
end

--- Seconds since the epoch of a time stamp (RFC 3339), or nil.
---@param text? string
---@return number?
function dates.timestamp(text)
  local year, month, day, hour, minute, second, zone =
    tostring(text):match("^(%d%d%d%d)-(%d%d)-(%d%d)[Tt ](%d%d):(%d%d):(%d%d%.?%d*)(.*)$")
  local sign, hours, minutes = (zone or ""):match("^([+-])(%d%d):?(%d%d)$")
  if not year or not sign and not zone:match("^[Zz]$") then
    return nil
  end
  local offset = sign and (hours * 60 + minutes) * 60 * (sign == "-" and -1 or 1) or 0
  return seconds_of(year, month, day, hour, minute, second) - offset
end

return dates
