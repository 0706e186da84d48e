-- Lua values as bytes: any bytes are some value, and JSON's values can be written so.
--
-- A value is a byte that says what it is, and what belongs to that. Where the bytes end, all that
-- is missing is 0.

local json = require "anthropic.base.json"

local values = {}

-- Without logit_bias, where a table without a metatable is an object even if it was read as an array.
local NAMES = {
  "content", "type", "input", "tools", "input_schema", "properties", "enum", "required", "messages", "metadata",
  "arguments", "citations", "$defs", "text", "x", "input_json", "input_error",
}

local Reader = {}
Reader.__index = Reader

function Reader:byte()
  local byte = self.bytes:byte(self.at) or 0
  self.at = self.at + 1
  return byte
end

function Reader:string()
  local length = self:byte()
  if length == 255 then
    length = 255 + self:byte() * 256 + self:byte()
  end
  local text = self.bytes:sub(self.at, self.at + length - 1)
  self.at = self.at + length
  return text
end

-- An integer of eight bytes where Lua has them; elsewhere the nearest number.
function Reader:integer()
  local high, low = 0, 0
  for _ = 1, 4 do
    high = high * 256 + self:byte()
  end
  for _ = 1, 4 do
    low = low * 256 + self:byte()
  end
  return (high - (high >= 2 ^ 31 and 2 ^ 32 or 0) % 2 ^ 33) * 2 ^ 32 + low
end

if math.type then
  function Reader:integer() -- luacheck: ignore 122
    local value = 0
    for _ = 1, 8 do
      value = value * 256 + self:byte()
    end
    return value
  end
end

function Reader:number()
  return tonumber(self:string()) or 0 / 0
end

local KINDS = {
  [0] = function() return false end,
  function() return true end,
  function(self) return self:byte() end,
  function(self) return self:integer() end,
  function(self) return self:integer() / 2 ^ self:byte() end,
  Reader.number,
  Reader.string,
  Reader.string,
  function(self) return self:array({}) end,
  function(self) return self:object({}) end,
  function(self) return self:mixed({}) end,
  function(self) return json.array(self:array({})) end,
  function(self) return json.object(self:mixed({})) end,
  function() return json.null end,
  function(self)
    local text = self:string()
    self.is_free = false
    local ok, raw = pcall(json.raw, text)
    return ok and raw or text
  end,
  function(self) -- a table that this stands in, or what has no form
    local depth = self:byte()
    return self.open[#self.open - depth] or print
  end,
  function(self)
    self.is_free = false
    local block = self:object({ type = "tool_use" })
    json.tool_input(block, self:string())
    return block
  end,
}

function Reader:value()
  return KINDS[self:byte() % (#KINDS + 1)](self)
end

local function fill(self, container, add)
  self.open[#self.open + 1] = container
  for i = 1, self:byte() do
    if self.at > #self.bytes then
      break
    end
    add(i)
  end
  self.open[#self.open] = nil
  local kind = rawget(container, "type")
  self.is_free = self.is_free and not (type(kind) == "string" and kind:find "tool_use$")
  return container
end

function Reader:array(array)
  return fill(self, array, function(i) array[i] = self:value() end)
end

function Reader:name()
  local byte = self:byte()
  return NAMES[byte] or self:string()
end

function Reader:object(object)
  return fill(self, object, function() object[self:name()] = self:value() end)
end

function Reader:mixed(object)
  return fill(self, object, function()
    local key = self:value()
    if key == nil or key ~= key then
      key = 1
    end
    object[key] = self:value()
  end)
end

--- The value that the bytes say, and whether nothing in it has a text of its own.
function values.read(bytes)
  local reader = setmetatable({ bytes = bytes, at = 1, open = {}, is_free = true }, Reader)
  local value = reader:value()
  return value, reader.is_free
end

local number_of = {}
for number, name in ipairs(NAMES) do
  number_of[name] = string.char(number)
end

local function write_string(text)
  local length = #text
  if length < 255 then
    return string.char(length) .. text
  end
  return string.char(255, math.floor((length - 255) / 256), (length - 255) % 256) .. text
end

--- The bytes of a value as json.decode gives it, with fewer than 256 members in each table.
function values.write(value)
  if type(value) == "boolean" then
    return value and "\1" or "\0"
  elseif type(value) == "number" then
    return "\5" .. write_string(("%.17g"):format(value))
  elseif type(value) == "string" then
    return "\6" .. write_string(value)
  elseif value == json.null then
    return "\13"
  end
  local parts = {}
  if json.is_array(value) then
    for i, element in ipairs(value) do
      parts[i] = values.write(element)
    end
    return "\11" .. string.char(#parts) .. table.concat(parts)
  end
  for name, member in pairs(value) do
    parts[#parts + 1] = (number_of[name] or "\0" .. write_string(name)) .. values.write(member)
  end
  return "\9" .. string.char(#parts) .. table.concat(parts)
end

return values
