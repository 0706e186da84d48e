-- Changes to decoded JSON by its structure: a member of the wrong type, missing, of another name, there twice, moved.
--
--     local random = mutate.random(7)
--     local answer = mutate.copy(seed)
--     mutate.change(answer, random)
--
-- Nothing here uses math.random: a seed is the same inputs on every Lua.

local json = require "anthropic.base.json"

local mutate = {}

-- Names that an answer may have, and those that this library gives its own fields and methods.
local NAMES = {
  "text", "thinking", "tool_uses", "to_param", "response", "raw", "choices", "choice", "parsed", "parse_error",
  "extra", "next", "next_page", "next_page_token", "data", "has_more", "first_id", "last_id", "type", "index", "delta",
  "content", "usage", "id", "name", "input", "input_json", "input_error", "content_block", "message", "citations",
  "citation", "partial_json", "signature", "model", "role", "stop_reason", "stop_sequence", "tool_calls", "function",
  "arguments", "error", "errors", "detail", "details", "code", "status", "container", "iterations", "custom_id",
  "result", "request_counts", "results_url", "processing_status", "by_model", "add", "of", "total", "cost", "reset",
  "requests", "input_tokens", "output_tokens", "toolset_name", "tool_changes", "tool", "kind", "partial", "batches",
  "unknown_deltas", "index", "finish_reason", "1", "__index", "__nulls", "__merged", "__unencoded",
}

local VALUES = {
  function() return json.null end,
  function() return 5 end,
  function() return -1.5 end,
  function() return 1e300 end,
  function() return "" end,
  function() return " \n" end,
  function() return "x" end,
  function() return "12" end,
  function() return '{"a":1}' end,
  function() return "add" end,
  function() return true end,
  function() return false end,
  function() return {} end,
  function() return json.array {} end,
  function() return json.array { json.null, 1 } end,
  function() return { 1, "a", {} } end,
  function() return { a = { b = 1 } } end,
  function() return { type = "text", text = "q" } end,
  function() return { { type = "tool_use", id = "a", name = "f", input = { 1 } } } end,
}

--- Numbers as they come: `random(n)` is one of 1 to n.
---@param seed integer
---@return fun(n: integer): integer
function mutate.random(seed)
  local state = seed * 2654435761 % 2147483646 + 1
  return function(n)
    state = state * 48271 % 2147483647
    return state % n + 1
  end
end

--- A copy all the way down.
function mutate.copy(value)
  if type(value) ~= "table" then
    return value
  end
  local whole = setmetatable({}, getmetatable(value))
  for name, member in pairs(value) do
    whole[name] = mutate.copy(member)
  end
  return whole
end

-- Names in one order on every Lua.
local function names_of(object)
  local names = {}
  for name in pairs(object) do
    names[#names + 1] = name
  end
  table.sort(names, function(a, b)
    return tostring(a) < tostring(b)
  end)
  return names
end

local function collect(value, found)
  if type(value) == "table" then
    found[#found + 1] = value
    for _, name in ipairs(names_of(value)) do
      collect(value[name], found)
    end
  end
  return found
end

local function is_list(value)
  return value[1] ~= nil
end

-- Each takes a table, one of its names, another table of the same value, and the random numbers.
local CHANGES = {
  function(object, name, _, random) -- the wrong type
    object[name] = VALUES[random(#VALUES)]()
  end,
  function(object, name) -- missing
    if is_list(object) then
      table.remove(object, name)
    else
      object[name] = nil
    end
  end,
  function(object, _, _, random) -- an extra name
    if not is_list(object) then
      object[NAMES[random(#NAMES)]] = VALUES[random(#VALUES)]()
    end
  end,
  function(object, name, other, random) -- moved, or there twice under another name
    local value = mutate.copy(object[name])
    if random(2) == 1 and not is_list(object) then
      object[name] = nil
    end
    if is_list(other) then
      table.insert(other, random(#other), value)
    else
      other[NAMES[random(#NAMES)]] = value
    end
  end,
  function(object, name, _, random) -- doubled
    if is_list(object) then
      table.insert(object, random(#object), mutate.copy(object[name]))
    end
  end,
  function(object, name) -- a list of it, or what is in the list
    object[name] = is_list(object) and object[name] or { object[name] }
  end,
}

--- Changes a value in one to three places.
---@param value table
---@param random fun(n: integer): integer
---@return table value
function mutate.change(value, random)
  for _ = 1, random(3) do
    local tables = collect(value, {})
    local object, other = tables[random(#tables)], tables[random(#tables)]
    local names = names_of(object)
    if names[1] ~= nil then
      CHANGES[random(#CHANGES)](object, names[random(#names)], other, random)
    else
      CHANGES[3](object, nil, other, random)
    end
  end
  return value
end

--- Changes a list of objects, such as the events of a stream: some of them, or which there are.
---@param list table[]
---@param random fun(n: integer): integer
---@return table[] list
function mutate.change_list(list, random)
  local what = random(4)
  if what == 1 and #list > 1 then
    table.remove(list, random(#list))
  elseif what == 2 then
    table.insert(list, random(#list), mutate.copy(list[random(#list)]))
  end
  local one = list[random(#list)]
  if type(one) == "table" and what ~= 3 then
    mutate.change(one, random)
  end
  return list
end

return mutate
