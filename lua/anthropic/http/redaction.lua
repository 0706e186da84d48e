--- Blots secrets out of text: a server may quote what it was sent, in whatever spelling.
--
-- A secret is looked for as it is, in base64, and in the text without invisible characters and with decoded escapes:
-- those of JSON and other languages (`\u0038`, `\/`, `\x38`), of URLs (`%38`) and of HTML (`&#56;`), also nested. In
-- the original text only what spells the secret is replaced.

local core = require "anthropic.base.core"

local redaction = {}

-- A secret shorter than this is not looked for: it would be found in ordinary words.
local SHORTEST = 8
-- A longer secret is not looked for: no server would quote it.
local LONGEST = 16384

local function add(needles, text, secret)
  if #text >= SHORTEST and #text <= LONGEST then
    needles[#needles + 1], needles.secrets[#needles + 1] = text, secret
  end
end

-- Adds the base64 of the secret between other bytes: for each alignment, what depends on the secret alone.
local function add_base64(needles, secret)
  for before, begin in pairs { [0] = 1, [1] = 3, [2] = 4 } do
    local text = core.base64(("x"):rep(before) .. secret):gsub("=", "")
    text = text:sub(begin, (before + #secret) % 3 == 0 and -1 or -2)
    add(needles, text, secret)
    if text:find "[+/]" then
      add(needles, text:gsub("%+", "-"):gsub("/", "_"), secret)
    end
  end
end

-- The ranges in which a text holds one of the needles, each with its secret.
local function ranges_of(found, needles)
  local ranges = {}
  for i = 1, #found, 3 do
    ranges[#ranges + 1] = { found[i], found[i + 1], needles.secrets[found[i + 2]] }
  end
  return ranges
end

-- A text may end within a secret. Less than half of a secret may be a prefix that all keys share. The end of a text
-- that is known to be cut off is dispensable: there a shorter beginning is enough.
local function range_at_end(text, secrets, is_cut)
  for i, secret in ipairs(secrets) do
    local half = math.ceil(#secret / 2)
    local least = is_cut and math.min(half, SHORTEST) or math.max(half, SHORTEST)
    local beginning = least < SHORTEST and secret:sub(1, least) or secrets.beginnings[i]
    local first = text:find(beginning, -#secret, true)
    while first do
      local length = #text - first + 1
      if length >= least and text:sub(first) == secret:sub(1, length) then
        return { first, #text, secret }
      end
      first = text:find(beginning, first + 1, true)
    end
  end
end

-- Puts a replacement in place of each range; overlapping ranges count as one.
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

-- Returns the texts to look for, each with its secret, and the secrets, each with its beginning.
local function needles_of(list)
  local needles, secrets = { secrets = {} }, { beginnings = {} }
  for _, secret in ipairs(list) do
    if #secret >= SHORTEST and #secret <= LONGEST then
      secrets[#secrets + 1], secrets.beginnings[#secrets + 1] = secret, secret:sub(1, SHORTEST)
      add(needles, secret, secret)
      local decoded = core.decode_escapes(secret) -- it may itself look like an escape
      if decoded ~= secret then
        add(needles, decoded, secret)
      end
      add_base64(needles, secret)
    end
  end
  return needles, secrets
end

--- Returns a function that replaces every spelling of the secrets in any text.
---@param list string[] the secrets
---@return fun(text: string, replacement?: fun(found: string, secret: string): string, is_cut: true?): string redact the
--- default replacement is "[redacted]"; with `is_cut`, for a text that was cut off, a shorter beginning of a secret
--- at its end is replaced, too
function redaction.redactor(list)
  local needles, secrets = needles_of(list)
  return function(text, replacement, is_cut)
    local found, at_end = core.find_spelled(text, needles), range_at_end(text, secrets, is_cut)
    if not found and not at_end then
      return text
    end
    local ranges = ranges_of(found or {}, needles)
    ranges[#ranges + 1] = at_end
    return replace(text, ranges, replacement)
  end
end

return redaction
