--- A small JSON encoder for scripted answers, without any dependency. Keys come
--- in the order in which the API sends its own ("type" first), the others sorted.
---
---     json.encode { type = "ping" }                --> {"type":"ping"}
---     json.encode { content = json.array {} }      --> {"content":[]}

local json = {}

local array_mark = {}
local raw_mark = {}

--- JSON's null inside a table.
json.null = setmetatable({}, { __tostring = function() return "null" end })

--- Marks a table as an array, which an empty one needs: `{}` alone is an object.
---@generic T: table
---@param list T
---@return T
function json.array(list)
  return setmetatable(list, array_mark)
end

--- A text that is put into the JSON as it is, valid or not.
---@param text string
---@return table
function json.raw(text)
  return setmetatable({ text = text }, raw_mark)
end

local key_rank = {}
for rank, key in ipairs {
  "type", "id", "object", "created", "index", "role", "model", "name", "message", "delta",
  "content_block", "choices", "content", "thinking", "prompt_tokens",
} do
  key_rank[key] = rank
end

local function comes_before(a, b)
  local rank_a, rank_b = key_rank[a] or math.huge, key_rank[b] or math.huge
  if rank_a ~= rank_b then
    return rank_a < rank_b
  end
  return a < b
end

local escapes = {
  ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t",
}
for byte = 0, 31 do
  local character = string.char(byte)
  escapes[character] = escapes[character] or string.format("\\u%04x", byte)
end

local function encode_string(text)
  return '"' .. text:gsub('[%c"\\]', escapes) .. '"'
end

local function encode_number(value)
  if value ~= value or value == math.huge or value == -math.huge then
    error("JSON has no " .. tostring(value), 0)
  elseif math.type and math.type(value) == "integer" then
    return string.format("%d", value)
  elseif value == math.floor(value) and math.abs(value) < 2 ^ 53 then
    return string.format("%.0f", value)
  end
  for digits = 15, 17 do
    local text = string.format("%." .. digits .. "g", value)
    if tonumber(text) == value then
      return text
    end
  end
end

local encode

--- What stands behind a hole, or under a name, would be left out.
local function encode_array(list)
  local items, count = {}, 0
  for key in pairs(list) do
    if type(key) ~= "number" then
      error("a JSON array cannot have the key " .. tostring(key), 0)
    end
    count = count + 1
  end
  for index = 1, count do
    if list[index] == nil then
      error("a JSON array has a hole at " .. index, 0)
    end
    items[index] = encode(list[index])
  end
  return "[" .. table.concat(items, ",") .. "]"
end

local function encode_object(object)
  local keys, members = {}, {}
  for key in pairs(object) do
    if type(key) ~= "string" then
      error("a JSON object cannot have the key " .. tostring(key), 0)
    end
    keys[#keys + 1] = key
  end
  table.sort(keys, comes_before)
  for index, key in ipairs(keys) do
    members[index] = encode_string(key) .. ":" .. encode(object[key])
  end
  return "{" .. table.concat(members, ",") .. "}"
end

-- Whether a metatable of other makers is known to say "object": the client's, where it is loaded, and Neovim's.
local function is_object_mark(mark)
  local core, vim = package.loaded["anthropic.core"], rawget(_G, "vim")
  return type(core) == "table" and mark == core.json_object_metatable or type(mark) == "table" and mark.__nulls ~= nil
    or type(vim) == "table" and vim.empty_dict ~= nil and mark == getmetatable(vim.empty_dict())
end

-- A table of other makers is plain data, such as a message. Refused is what its metatable may say, and what would be
-- lost: that an empty one is an array, that a list is an object, that a string is a piece of JSON.
local function check_foreign(value, mark)
  local first = rawget(value, 1)
  if is_object_mark(mark) then
    if first ~= nil then
      error("an object with numbers as keys: write them as strings", 0)
    end
  elseif next(value) == nil then
    error("an empty table with a metatable of others: write testing.array {}, or {} for an object", 0)
  elseif type(first) == "string" and next(value, next(value)) == nil and type(mark) == "table" and mark.__tostring then
    error("a text with a metatable of others (anthropic.raw?): write a table, or the whole body as a string", 0)
  end
end

local function encode_table(value)
  local mark = getmetatable(value)
  if value == json.null then
    return "null"
  elseif mark == raw_mark then
    return value.text
  elseif mark ~= nil and mark ~= array_mark then
    check_foreign(value, mark)
  end
  if mark == array_mark or value[1] ~= nil then
    return encode_array(value)
  end
  return encode_object(value)
end

local encoders = {
  string = encode_string,
  number = encode_number,
  boolean = tostring,
  table = encode_table,
}

--- Encodes a value. Raises an error for what JSON cannot hold.
---@param value any
---@return string
function encode(value)
  local encoder = encoders[type(value)]
  if not encoder then
    error("JSON has no " .. type(value), 0)
  end
  return encoder(value)
end

json.encode = encode

return json
