--- Numbers as text where there is no JSON: in a URL, a form field, a header.
--
--     number.text(1e15)    --> "1000000000000000"
--     number.text(2.0)     --> "2"

local json = require "anthropic.base.json"

local number = {}

--- A number as text that reads back as the same number. A whole number has neither a point nor an exponent.
---@param value number
---@return string|nil text nil if it is not finite
function number.text(value)
  if value ~= value or value == math.huge or value == -math.huge then
    return nil
  elseif value == 0 then -- -0 too
    return "0"
  elseif math.type and math.type(value) == "integer" then -- luacheck: ignore 143
    return ("%d"):format(value)
  elseif value % 1 == 0 then
    return ("%.0f"):format(value)
  end
  return (json.encode(value))
end

return number
