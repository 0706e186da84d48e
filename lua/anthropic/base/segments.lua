--- Text that is a string, or a list of strings that make it, as json.encode_request returns it: long strings are not
--- copied.

local segments = {}

--- The text in one string.
---@param text string|string[]|nil
---@return string?
function segments.text(text)
  if type(text) == "table" then
    return table.concat(text)
  end
  return text
end

--- Its length.
---@param text string|string[]
---@return integer bytes
function segments.size(text)
  if type(text) == "string" then
    return #text
  end
  local size = 0
  for _, segment in ipairs(text) do
    size = size + #segment
  end
  return size
end

return segments
