--- Blots a credential out of text: a server may quote what it was sent.

local request = require "anthropic.request"

local secret = {}

-- A credential shorter than this is not looked for: it would be found in ordinary words.
local SHORTEST = 8

-- How a text may spell it: as it is, in a URL, and in JSON with escaped slashes.
local function spellings(credential)
  local list = { credential }
  for _, other in ipairs { request.escape(credential), (credential:gsub("/", "\\/")) } do
    if other ~= credential then
      list[#list + 1] = other
    end
  end
  return list
end

--- Gives a function that replaces every spelling of the credential in a text.
---@param credential string
---@return fun(text: string, replacement?: fun(found: string): string): string the default
--- replacement is "[redacted]"
function secret.redactor(credential)
  if #credential < SHORTEST then
    return function(text)
      return text
    end
  end
  local list = spellings(credential)
  return function(text, replacement)
    for _, spelling in ipairs(list) do
      if text:find(spelling, 1, true) then
        text = text:gsub(spelling:gsub("%W", "%%%0"), replacement or "[redacted]")
      end
    end
    return text
  end
end

return secret
