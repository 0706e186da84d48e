--- Where a module lies: every file that a path of Lua's leads to, in the order in which they are tried.

local package = package

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

--- The files that Neovim's own search leads to, which comes before the paths.
---@param name string of a module
---@param extension string ".lua", ".so" or ".dll"
---@return string[]
function places.of_editor(name, extension)
  local vim = rawget(_G, "vim")
  local find = type(vim) == "table" and vim.api and vim.api.nvim_get_runtime_file
  return find and find("lua/" .. name:gsub("%.", "/") .. extension, true) or {}
end

--- The file that is loaded for a module.
---@param name string
---@param field "path"|"cpath" of `package`
---@return string path "?" if none is found, as of a module that is linked in
function places.first(name, field)
  local extension = field == "path" and ".lua" or package and package.config:sub(1, 1) == "\\" and ".dll" or ".so"
  return places.of_editor(name, extension)[1] or places.of(name, package and package[field])[1] or "?"
end

--- One name for a folder, however a path spells it: from its root, without "." and doubled separators. On Windows "/"
--- is a separator, too, ".." is resolved as Windows itself does, and the case of letters does not count.
---@param path string
---@param current string the folder where a path without a root begins
---@param separator string "\\" on Windows, else "/"
---@return string folder with a separator at its end
---@return string key equal for equal folders
function places.folder(path, current, separator)
  local is_windows = separator == "\\"
  if is_windows then
    path, current = path:gsub("/", "\\"):gsub("^\\\\%?\\", ""), current:gsub("/", "\\")
  end
  if is_windows and path:find "^\\[^\\]" then -- on the drive of the current folder
    path = (current:match "^%a:" or "") .. path
  elseif path:sub(1, 1) ~= separator and not (is_windows and path:find "^%a:") then
    path = current .. separator .. path
  end
  local root = is_windows and (path:match "^%a:\\?" or path:match "^\\*") or path:match "^/*":sub(1, 1)
  local names = {}
  for name in path:sub(#root + 1):gmatch("[^" .. separator .. "]+") do
    if name == ".." and is_windows and (names[#names] or root) ~= "" and names[#names] ~= "..\\" then
      names[#names] = nil
    elseif name ~= "." then
      names[#names + 1] = name .. separator
    end
  end
  local folder = root .. table.concat(names)
  return folder, is_windows and folder:lower() or folder
end

return places
