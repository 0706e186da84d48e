--- Values that came from elsewhere, by their type.
--
--     local choices = values.table_or_nil(answer.choices) or {}

local values = {}

--- A table, or nil.
---@param value any
---@return table?
function values.table_or_nil(value)
  return type(value) == "table" and value or nil
end

--- A string, or nil.
---@param value any
---@return string?
function values.string_or_nil(value)
  return type(value) == "string" and value or nil
end

--- A string that holds something, or nil.
---@param value any
---@return string?
function values.word(value)
  return type(value) == "string" and value ~= "" and value or nil
end

return values
