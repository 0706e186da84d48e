--- The part that is sent of a credential, as a user or a program wrote it down.
--
--     credential_text.check("api_key", " Bearer sk-ant-...\n")  --> "sk-ant-..."

local errors = require "anthropic.base.error"

local credential_text = {}

local function invalid(name, words)
  return nil, errors.invalid_request(name .. ": " .. words)
end

--- A credential without the white space around it and, if it was written down as a header's value, without its
--- scheme.
---@param credential string
---@return string
function credential_text.bare(credential)
  local value = credential:match "^%s*(.*)$":match "^.*%S" or ""
  local rest = (value .. " "):match "^[Bb][Ee][Aa][Rr][Ee][Rr]%s+(.*)$"
  return rest and (rest:match "^.*%S" or "") or value
end

--- What a credential is, or what is wrong with it.
---@param name string of the option
---@param value any
---@return string|nil
---@return anthropic.Error?
function credential_text.check(name, value)
  if type(value) ~= "string" then
    return invalid(name, "string expected, got " .. type(value))
  end
  value = credential_text.bare(value)
  if value == "" then
    return invalid(name, "is empty")
  elseif value:find "[\r\n%z]" then
    return invalid(name, "must not contain a line break or NUL")
  end
  return value
end

return credential_text
