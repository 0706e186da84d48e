--- Plain Lua data as bytes, for the pipe between a test and its server: nil-free
--- tables, strings of any bytes, numbers and booleans. Every length is written
--- down, so nothing is quoted, nothing is run as code, and every Lua reads the
--- same.
---
---     local value = serialize.load(serialize.dump { status = 200, body = "\0\1" })

local serialize = {}

local named_numbers = { inf = math.huge, ["-inf"] = -math.huge }

local function number_text(value)
  if value ~= value then
    return nil
  elseif value == math.huge then
    return "inf"
  elseif value == -math.huge then
    return "-inf"
  elseif math.type and math.type(value) == "integer" then
    return string.format("%d", value)
  end
  return string.format("%.17g", value)
end

local dump

local writers = {
  boolean = function(out, value)
    out[#out + 1] = value and "t" or "f"
  end,
  number = function(out, value, path)
    local text = number_text(value)
    if not text then
      error(path .. ": not a number", 0)
    end
    out[#out + 1] = "n" .. text .. ";"
  end,
  string = function(out, value)
    out[#out + 1] = "s" .. #value .. ":"
    out[#out + 1] = value
  end,
  table = function(out, value, path, parents)
    if parents[value] then
      error(path .. ": the table contains itself", 0)
    end
    parents[value] = true
    out[#out + 1] = "{"
    for key, item in pairs(value) do
      local item_path = path .. (type(key) == "number" and "[" .. key .. "]" or "." .. tostring(key))
      dump(out, key, item_path, parents)
      dump(out, item, item_path, parents)
    end
    out[#out + 1] = "}"
    parents[value] = nil
  end,
}

function dump(out, value, path, parents)
  local writer = writers[type(value)]
  if not writer then
    error(path .. ": a " .. type(value) .. " cannot be sent to the server", 0)
  end
  writer(out, value, path, parents)
end

--- Writes a value as bytes. Raises an error that names the place of anything
--- that is no plain data.
---@param value any
---@param name? string what the error calls the value (default "value")
---@return string
function serialize.dump(value, name)
  local out = {}
  dump(out, value, name or "value", {})
  return table.concat(out)
end

local load_value

local readers = {
  t = function(_, position)
    return true, position
  end,
  f = function(_, position)
    return false, position
  end,
  n = function(text, position)
    local digits, after = text:match("^([^;]*);()", position)
    return named_numbers[digits] or tonumber(digits), after
  end,
  s = function(text, position)
    local length, first = text:match("^(%d+):()", position)
    local after = first + tonumber(length)
    return text:sub(first, after - 1), after
  end,
  ["{"] = function(text, position)
    local result = {}
    while text:sub(position, position) ~= "}" do
      local key, value
      key, position = load_value(text, position)
      value, position = load_value(text, position)
      result[key] = value
    end
    return result, position + 1
  end,
}

function load_value(text, position)
  local reader = readers[text:sub(position, position)]
  if not reader then
    error("broken data at byte " .. position, 0)
  end
  return reader(text, position + 1)
end

--- Reads back what `dump` wrote.
---@param text string
---@return any
function serialize.load(text)
  return (load_value(text, 1))
end

return serialize
