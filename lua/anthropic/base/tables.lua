--- Copies of tables, and their contents.
--
--     tables.merge(tables.copy(params), { stream = true })

local tables = {}

--- Sets the fields of one table in another.
---@generic T: table
---@param target T
---@param source? table
---@return T target
function tables.merge(target, source)
  for name, value in pairs(source or {}) do
    target[name] = value
  end
  return target
end

--- A table with the same fields, and without a metatable.
---@param source? table
---@return table
function tables.copy(source)
  return tables.merge({}, source)
end

--- The keys of a table, in order.
---@param given table
---@param is_before? fun(one: any, other: any): boolean default: `<`
---@return any[]
function tables.sorted_keys(given, is_before)
  local keys = {}
  for key in pairs(given) do
    keys[#keys + 1] = key
  end
  table.sort(keys, is_before)
  return keys
end

--- The values of a list in order, also behind a hole: some decoders leave one for null.
---@param list table
---@return any[]
function tables.items(list)
  local places, items = {}, {}
  for key in next, list do
    if type(key) == "number" then
      places[#places + 1] = key
    end
  end
  table.sort(places)
  for i, place in ipairs(places) do
    items[i] = rawget(list, place)
  end
  return items
end

--- How many keys a table has.
---@param given table
---@return integer
function tables.count(given)
  local count = 0
  for _ in pairs(given) do
    count = count + 1
  end
  return count
end

--- Whether one key comes before another by its text: for keys of more than one type.
function tables.is_before_as_text(one, other)
  return tostring(one) < tostring(other)
end

--- A table that has true at each value of a list.
---@param list any[]
---@return table<any, true>
function tables.set(list)
  local set = {}
  for _, value in ipairs(list) do
    set[value] = true
  end
  return set
end

return tables
