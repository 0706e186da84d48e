--- Where a module lies: every file that a path of Lua's leads to, in the order in which they are tried.

local places = {}

---@param name string of a module
---@param templates? string `package.path` or `package.cpath`
---@return string[]
function places.of(name, templates)
  local found, seen = {}, {}
  for template in (templates or ""):gmatch "[^;]+" do
    local path = template:gsub("%?", (name:gsub("%.", "/")))
    local file = not seen[path] and io.open(path, "rb")
    if file then
      file:close()
      found[#found + 1] = path
    end
    seen[path] = true
  end
  return found
end

return places
