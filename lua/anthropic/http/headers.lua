--- Header fields: what a request sends and what a response brought.

local core = require "anthropic.base.core"
local number = require "anthropic.base.number"
local segments = require "anthropic.base.segments"
local tables = require "anthropic.base.tables"

local headers = {}

-- RFC 9110, section 5.1: a field name is a token.
local TOKEN = "^[%w!#$%%&'*+%-.^_`|~]+$"

local CaseInsensitive = {
  __index = function(fields, name)
    return type(name) == "string" and rawget(fields, name:lower()) or nil
  end,
  __newindex = function(fields, name, value)
    rawset(fields, type(name) == "string" and name:lower() or name, value)
  end,
}

--- A value without the white space around it, in linear time.
---@param value string
---@return string
function headers.trim(value)
  return value:match("^[ \t]*(.*)$"):match "^.*[^ \t]" or ""
end

local function refuse(name, problem)
  return nil, ("headers[%q]: %s"):format(tostring(name), problem)
end

local LONGEST_QUOTED = 15

-- The beginning of a wrong name, which may be a whole line with its value.
local function beginning(name)
  local text = tostring(name)
  return #text > LONGEST_QUOTED and text:match("^[^:=]*"):sub(1, LONGEST_QUOTED) .. "..." or text
end

--- A set of header fields that keeps order and spelling, and replaces regardless of case.
---@return table
function headers.new()
  return { names = {}, fields = {} }
end

--- Sets a field; false removes it, libcurl's own default included.
---@param set table
---@param name string
---@param value string|number|false
---@return true|nil, string? message what is wrong with it
function headers.set(set, name, value)
  if type(name) ~= "string" or not name:find(TOKEN) then
    return refuse(beginning(name), "not a header name")
  end
  if type(value) == "number" then
    value = number.text(value)
    if not value then
      return refuse(name, "a finite number expected")
    end
  end
  if value ~= false then
    if type(value) ~= "string" then
      return refuse(name, "string expected, got " .. type(value))
    elseif value:find("[\r\n%z]") then
      return refuse(name, "must not contain a line break or NUL")
    end
    value = headers.trim(value)
  end
  local key = name:lower()
  if not set.fields[key] then
    set.names[#set.names + 1] = key
  end
  set.fields[key] = { name = name, value = value }
  return true
end

--- Sets every field of a table.
---@param set table
---@param given? table<string, string|number|false>
---@return true|nil, string? message
function headers.set_all(set, given)
  for _, name in ipairs(tables.sorted_keys(given or {}, tables.is_before_as_text)) do
    local ok, message = headers.set(set, name, given[name])
    if not ok then
      return nil, message
    end
  end
  return true
end

--- The value of a field: false when it was removed, nil when it was never set.
---@param set table
---@param name string
---@return string|false|nil
function headers.get(set, name)
  local field = set.fields[name:lower()]
  return field and field.value
end

--- What is wrong with the fields that say where the body ends. With a wrong length, or none, the body's rest would be
--- taken for the next request on the connection; with chunks that do not come, the next request for the body.
---@param set table
---@param spec { method?: string, body?: string|string[], body_file?: string, multipart?: table }
---@return string? message
function headers.problem_of_length(set, spec)
  local coding, length = headers.get(set, "transfer-encoding"), headers.get(set, "content-length")
  local is_sent = spec.method ~= "HEAD"
  local has_file = is_sent and (spec.body_file ~= nil or spec.multipart ~= nil)
  local body = is_sent and spec.body or nil
  if coding and not has_file and not body then
    return select(2, refuse("transfer-encoding", "must be left out: there is no body"))
  elseif coding and coding:lower() ~= "chunked" or coding == false and has_file then
    return select(2, refuse("transfer-encoding", 'must be "chunked" or left out'))
  end
  if length == nil then
    return nil
  end
  local own = not has_file and not coding and segments.size(body or "")
  if length ~= tostring(own) and (length or own ~= 0) then
    return select(2, refuse("content-length", "must be left out: the body's own is sent"))
  end
end

--- The "Name: value" lines, in the order in which the fields were first set. libcurl takes
--- "Name;" for a field without a value, and "Name:" for one that it must not add by itself.
---@param set table
---@return string[]
function headers.lines(set)
  local lines = {}
  for i, key in ipairs(set.names) do
    local field = set.fields[key]
    if field.value == "" then
      lines[i] = field.name .. ";"
    else
      lines[i] = field.name .. ":" .. (field.value and " " .. field.value or "")
    end
  end
  return lines
end

--- Reads "Name: value" lines, as in ANTHROPIC_CUSTOM_HEADERS. Lines without a colon are passed over.
---@param text? string
---@return table<string, string>
function headers.parse_lines(text)
  local given = {}
  for line in (text or ""):gmatch("[^\r\n]+") do
    local name, value = line:match "^([^:]*):(.*)$"
    if name and name:find "%S" then
      given[name:match "^%s*(.*%S)"] = value:match "^%s*(.*%S)" or ""
    end
  end
  return given
end

-- Whether a field that came several times said the same each time.
local function are_equal(values)
  for i = 2, #values do
    if values[i] ~= values[1] then
      return false
    end
  end
  return true
end

--- Reads a response's header block: names in lower case (looked up regardless of case), repeated
--- fields joined by ", ", but equal ones of `location` kept once.
---@param block string
---@return table<string, string>
function headers.parse(block)
  local fields, repeated = core.parse_headers(block)
  if repeated then
    for name, values in pairs(repeated) do
      fields[name] = name == "location" and are_equal(values) and values[1] or table.concat(values, ", ")
    end
  end
  return setmetatable(fields, CaseInsensitive)
end

--- Whether a block has several `location` fields that differ.
---@param block string
---@return boolean
function headers.has_places(block)
  local _, repeated = core.parse_headers(block)
  return repeated ~= nil and repeated.location ~= nil and not are_equal(repeated.location)
end

-- The types of a value; any other, such as a library's null, is left out.
local VALUES = tables.set { "string", "number", "boolean" }

--- The fields of a response that another library read: names in any case, a list for a field that was repeated.
---@param given table<string, string|number|table>
---@return table<string, string>
function headers.of_table(given)
  local fields = {}
  for name, value in pairs(given) do
    local texts = {}
    for _, each in ipairs(type(value) == "table" and value or { value }) do
      texts[#texts + 1] = VALUES[type(each)] and tostring(each) or nil
    end
    fields[tostring(name):lower()] = texts[1] and table.concat(texts, ", ")
  end
  return setmetatable(fields, CaseInsensitive)
end

--- The fields of a response without secrets. The API's own names stay: the limits are read from them.
---@param fields table<string, string>
---@param redact fun(text: string): string
---@return table<string, string>
function headers.redacted(fields, redact)
  local redacted = {}
  for name, value in pairs(fields) do
    redacted[name:find "^anthropic%-" and name or redact(name)] = redact(value)
  end
  return setmetatable(redacted, CaseInsensitive)
end

--- Fields by their names in lower case, looked up regardless of case.
---@param fields table<string, string>
---@return table<string, string>
function headers.copy(fields)
  local copied = {}
  for name, value in pairs(fields) do
    copied[name:lower()] = value
  end
  return setmetatable(copied, CaseInsensitive)
end

--- The media type that a response names, in lower case; "" if it names none.
---@param fields table<string, string> of the response
---@return string
function headers.media_type(fields)
  return (fields["content-type"] or ""):lower():match "^[ \t]*([^; \t]*)"
end

local FIRST_BYTE = ("a"):byte()
local RATE_LIMIT = "^anthropic%-ratelimit%-(.+)%-(%a+)$"

--- The `anthropic-ratelimit-*` fields: { requests = { limit=, remaining=, reset= }, tokens = ... }.
--- Numbers are numbers, `reset` is the API's time stamp.
---@param fields table<string, string>
---@return table?
function headers.rate_limit(fields)
  local limits
  for name, value in pairs(fields) do
    local what, member
    if name:byte() == FIRST_BYTE then -- most fields begin with another
      what, member = name:match(RATE_LIMIT)
    end
    if what then
      what = what:gsub("%-", "_")
      limits = limits or {}
      limits[what] = limits[what] or {}
      limits[what][member] = tonumber(value) or value
    end
  end
  return limits
end

return headers
