--- Options of a client that take the place of others: client:with_options.

local options = require "anthropic.http.options"
local tables = require "anthropic.base.tables"

local option_changes = {}

--- The header fields of both; those of the second replace the others regardless of case.
---@param before table<string, string|number|false>
---@param given table<string, string|number|false>
---@return table<string, string|number|false>
function option_changes.joined_headers(before, given)
  local replaced, joined = {}, tables.copy(given)
  for name in pairs(given) do
    replaced[tostring(name):lower()] = true
  end
  for name, value in pairs(before) do
    if not replaced[tostring(name):lower()] then
      joined[name] = value
    end
  end
  return joined
end

local function joined_betas(before, given)
  local joined, seen = {}, {}
  for _, list in ipairs { before, given } do
    for _, name in ipairs(list) do
      joined[#joined + 1] = not seen[name] and name or nil
      seen[name] = true
    end
  end
  return joined
end

local function joined_timeouts(before, given)
  local joined = {}
  for _, timeout in ipairs { before, given } do
    tables.merge(joined, type(timeout) == "table" and timeout or { total = timeout })
  end
  return joined
end

local JOINED = { headers = option_changes.joined_headers, betas = joined_betas, timeout = joined_timeouts }

--- The options of a client with changes. Headers, betas and timeouts are joined; false removes an option, unless false
--- is one of its values. Raises if an option does not exist or has a wrong type.
---@param before table checked
---@param given table
---@param level integer where to put the blame, as in `error`
---@return table
function option_changes.changed(before, given, level)
  local changes, changed = {}, tables.copy(before)
  for name, value in pairs(type(given) == "table" and given or {}) do
    local is_taken_away = value == false and options.ROWS[name] and not options.ROWS[name].check(false)
    if is_taken_away then
      changed[name] = nil
    else
      changes[name] = value
    end
  end
  options.check(type(given) == "table" and changes or given or false, level + 1)
  for name, value in pairs(changes) do
    local join = JOINED[name]
    changes[name] = join and changed[name] ~= nil and join(changed[name], value) or value
  end
  return options.merge(changed, changes)
end

return option_changes
