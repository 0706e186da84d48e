--- Blots credentials out of text: a server may quote what it was sent.

local json = require "anthropic.base.json"
local urls = require "anthropic.http.url"

local redaction = {}

-- A credential shorter than this is not looked for: it would be found in ordinary words.
local SHORTEST = 8

-- How a text may spell it: as it is, as JSON writes it, with or without escaped slashes, and in a URL.
local function add_spellings(list, credential)
  local written = (json.encode(credential) or ""):match '^"(.*)"$' or credential
  for _, spelling in ipairs { credential, written, (written:gsub("/", "\\/")), urls.escape(credential) } do
    if not list[spelling] then
      list[spelling] = true
      list[#list + 1] = spelling
    end
  end
end

--- Gives a function that replaces every spelling of the credentials in a text.
---@param secrets string[]
---@return fun(text: string, replacement?: fun(found: string): string): string the default
--- replacement is "[redacted]"
function redaction.redactor(secrets)
  local list = {}
  for _, credential in ipairs(secrets) do
    if #credential >= SHORTEST then
      add_spellings(list, credential)
    end
  end
  table.sort(list, function(a, b) return #a > #b end) -- one may begin another
  return function(text, replacement)
    for _, spelling in ipairs(list) do
      if text:find(spelling, 1, true) then
        text = text:gsub(spelling:gsub("%W", "%%%0"), replacement or "[redacted]")
      end
    end
    return text
  end
end

return redaction
