--- Names of the same model: an alias (`m`) and those of its snapshots (`m-20270101`, `m@20270101`).
--
--     model_names.of("m", client.usage.by_model)     --> { "m-20260101", "m-20270101" }

local model_names = {}

-- How the name of a snapshot ends, and how long that is.
local DATES = {
  { 9, "^[-@]20%d%d[01]%d[0-3]%d$" },
  { 11, "^%-20%d%d%-[01]%d%-[0-3]%d$" },
}

-- A model's name without its date, and whether it has one.
local function split_date(name)
  for _, date in ipairs(DATES) do
    if name:sub(-date[1]):find(date[2]) then
      return name:sub(1, -date[1] - 1), true
    end
  end
  return name, false
end

--- The keys of a table that name the same model: the name itself, else the dated names of an alias or the alias of a
--- dated name.
---@param name string
---@param models table<string, any>
---@return string[] names sorted, so that the newest is last
function model_names.of(name, models)
  if models[name] then
    return { name }
  end
  local names = {}
  local alias, is_dated = split_date(name)
  for candidate in pairs(models) do
    if type(candidate) == "string" then
      local its_alias, has_date = split_date(candidate)
      if its_alias == alias and not (is_dated and has_date) then
        names[#names + 1] = candidate
      end
    end
  end
  table.sort(names)
  return names
end

return model_names
