-- What json_encode.c checks of the value that the bytes stand for (values.lua): it is encoded as
-- JSON that lua-cjson reads, that says the same, and that does not depend on the order in which a
-- table's members came into it.

local json = require "anthropic.base.json"
local values = require "spec.fuzz.values"

local decode = require("cjson").new().decode

-- The same value, its members entered in another order.
local function rebuild(value)
  if type(value) ~= "table" or json.is_raw(value) or value == json.null then
    return value
  end
  local keys, copy = {}, {}
  for key in next, value do
    keys[#keys + 1] = key
  end
  for i = #keys, 1, -1 do
    copy[keys[i]] = rebuild(value[keys[i]])
  end
  return setmetatable(copy, getmetatable(value))
end

local function same(value, decoded)
  if type(value) ~= "table" then
    return value == decoded and (value ~= 0 or 1 / value == 1 / decoded)
  elseif type(decoded) ~= "table" then
    return false
  end
  local members = 0
  for key, member in next, value do
    members = members + 1
    local other = decoded[key]
    if other == nil then
      other = decoded[type(key) == "number" and ("%d"):format(key) or key]
    end
    if not same(member, other) then
      return false
    end
  end
  for _ in next, decoded do
    members = members - 1
  end
  return members == 0
end

return function(bytes)
  local value, is_free = values.read(bytes)
  local text, message = json.encode(value)
  if not text then
    assert(type(message) == "string" and message:find ": ", "an error without a place or a reason")
    assert(select(2, json.encode(value)) == message, "another error of the same value")
    return
  end
  decode(text)
  local decoded, problem = json.decode(text)
  assert(decoded ~= nil, problem)
  local again
  again, problem = json.encode(decoded)
  if not again then -- raw JSON may hold a number beyond the largest double
    assert(not is_free and problem:find("infinity", 1, true), problem)
    return
  end
  assert(json.encode(json.decode(again)) == again, "it changes with every turn")
  if is_free then
    assert(again == text, "it is not read as it was written")
    assert(same(value, decoded), "it says something else")
    assert(json.encode(rebuild(value)) == text, "it depends on the order of its members")
  end
end
