-- What the tools read and write: `local files = require "tools.files"`.

local files = {}

--- The text of a file; raises where there is none.
---@param path string
---@return string
function files.read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

---@param path string
---@param text string
function files.write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

--- The lines that a command prints, such as one that lists paths, in the order of their bytes.
---@param command string of sh
---@return string[]
function files.list(command)
  local pipe = assert(io.popen(command .. " | LC_ALL=C sort"))
  local list = {}
  for line in pipe:lines() do
    list[#list + 1] = line
  end
  pipe:close()
  return list
end

return files
