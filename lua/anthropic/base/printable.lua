--- Foreign text as one line that a terminal or a log shows as it is: no control characters, no line or paragraph
--- separators, nothing that turns the direction of writing around, no bytes that are not UTF-8.
--
--     printable.line "no\27[2Jsuch\226\128\174 key\r\n"     --> "no [2Jsuch key "

local core = require "anthropic.base.core"

local printable = {}

local REPLACEMENT = "\239\191\189" -- U+FFFD, for a byte that belongs to no character

-- The forms of a character in UTF-8. (The Unicode Standard, table 3-7)
local CHARACTERS = {
  "^[\194-\223][\128-\191]",
  "^[\225-\236\238\239][\128-\191][\128-\191]",
  "^\224[\160-\191][\128-\191]",
  "^\237[\128-\159][\128-\191]",
  "^[\241-\243][\128-\191][\128-\191][\128-\191]",
  "^\240[\144-\191][\128-\191][\128-\191]",
  "^\244[\128-\143][\128-\191][\128-\191]",
}

-- C1; the Arabic letter mark; marks, separators, embeddings and overrides; isolates.
local CONTROLS = { "\194[\128-\159]", "\216\156", "\226\128[\142\143\168-\174]", "\226\129[\166-\169]" }

-- Bytes above 127 as UTF-8.
local function repair(bytes)
  local characters, position = {}, 1
  while position <= #bytes do
    local last
    for _, form in ipairs(CHARACTERS) do
      last = last or select(2, bytes:find(form, position))
    end
    characters[#characters + 1] = last and bytes:sub(position, last) or REPLACEMENT
    position = (last or position) + 1
  end
  return table.concat(characters)
end

--- The text as one line; runs of blanks and of what must not be shown become one blank.
---@param text string
---@return string
function printable.line(text)
  text = text:gsub("[%z\1-\32\127]+", " ")
  if text:find "[\128-\255]" then
    text = core.is_text(text) and text or text:gsub("[\128-\255]+", repair)
    for _, control in ipairs(CONTROLS) do
      text = text:gsub(control, " ")
    end
    text = text:gsub("  +", " ")
  end
  return text
end

return printable
