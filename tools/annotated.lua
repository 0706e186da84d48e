-- Checks the annotations of the sources: every annotated function names all its parameters, each with a type; every
-- type that is named exists.
--
--     local items_of, is_private = annotated.check({ "lua/anthropic/init.lua" }, complain)

local annotations = require "tools.annotations"
local tables = require "anthropic.base.tables"

local annotated = {}

local function check_types(item, text, defined, complain)
  for name in text:gsub('"[^"]*"', ""):gmatch "anthropic%.[%w_.]*%w" do
    if not defined[name] then
      complain("%s: there is no type %s", item.place, name)
    end
  end
end

local function check_parameters(item, complain)
  local named, has = {}, tables.set(item.arguments or {})
  for _, param in ipairs(item.params) do
    named[param.name] = true
    if param.type == "" then
      complain("%s: parameter %s of %s has no type", item.place, param.name, item.name)
    elseif item.arguments and not has[param.name] then
      complain("%s: %s has no parameter %s", item.place, item.name, param.name)
    end
  end
  for _, argument in ipairs(item.arguments or {}) do
    if not named[argument] and argument ~= "..." and argument ~= "_" then
      complain("%s: parameter %s of %s has no type", item.place, argument, item.name)
    end
  end
end

-- By file: the items, and which of them are private, as "Client:wait". By name: the types that there are.
local function read_all(paths)
  local items_of, is_private, defined = {}, {}, {}
  for _, path in ipairs(paths) do
    items_of[path] = annotations.read(path)
    is_private[path] = {}
    for _, item in ipairs(items_of[path]) do
      if item.kind == "class" or item.kind == "alias" then
        defined[item.name] = true
      end
      is_private[path][item.name or ""] = item.is_private
    end
  end
  return items_of, is_private, defined
end

--- Checks files, and the types of the API beside them.
---@param sources string[] paths
---@param complain fun(format: string, ...)
---@return table<string, table[]> items_of by path
---@return table<string, table<string, boolean>> is_private by path, and by name: "Client:wait"
function annotated.check(sources, complain)
  local paths = tables.copy(sources)
  paths[#paths + 1] = "types/anthropic.lua"
  local items_of, is_private, defined = read_all(paths)
  for path, items in pairs(items_of) do
    for _, item in ipairs(items) do
      local is_annotated = #item.params + #item.returns > 0 and path:find "^lua/"
      if item.kind == "function" and is_annotated then
        check_parameters(item, complain)
      end
      for _, list in ipairs { item.params, item.returns, item.fields } do
        for _, tag in ipairs(list) do
          check_types(item, tag.type, defined, complain)
          if tag.type == "" then
            complain("%s: %s of %s has no type", item.place, tag.name or "a result", item.name)
          end
        end
      end
      check_types(item, item.parent or "", defined, complain)
      for _, overload in ipairs(item.overloads) do
        check_types(item, overload, defined, complain)
      end
    end
  end
  return items_of, is_private
end

return annotated
