--- What the server's process is on Windows, seen from its parent: `cmd` in place of `sh`. It has no process id here,
--- and does not notice the end of its parent: it ends when a file named `stop` is put beside its own, or after its
--- lifetime. Plain Lua.

local windows = {}

local function quote(path)
  return '"' .. path:gsub("/", "\\") .. '"'
end

-- In a file of commands a per cent sign counts double.
local function quote_in_script(path)
  return (quote(path):gsub("%%", "%%%%"))
end

-- cmd takes the first and the last quote of a line away.
local function run(command)
  os.execute('"' .. command .. '"')
end

--- A new directory, or nil.
---@return string?
function windows.make_directory()
  local folder = os.getenv "TEMP" or os.getenv "TMP" or "."
  local unique = tostring({}):gsub("^table: ", ""):gsub("^0[xX]", "")
  local directory = ("%s\\anthropic-testing.%x%s"):format(folder, os.time(), unique)
  run("mkdir " .. quote(directory) .. " >NUL 2>NUL")
  local file = io.open(directory .. "\\owner", "wb")
  return file and file:close() and directory or nil
end

--- The script that runs the first of the interpreters that is there.
---@param directory string
---@param names string[] of interpreters
---@return string name of its file
---@return string text
function windows.script(directory, names)
  local lines = { "@echo off", "set LUA_PATH=", "set LUA_CPATH=" }
  for index, name in ipairs(names) do
    lines[#lines + 1] = quote_in_script(name) .. " -v >NUL 2>NUL"
    lines[#lines + 1] = "if not errorlevel 1 goto run" .. index
  end
  local all = table.concat(names, " "):gsub("[&|<>^%%]", "?")
  lines[#lines + 1] = ("echo no Lua interpreter found: tried %s >&2"):format(all)
  lines[#lines + 1] = "goto ended"
  for index, name in ipairs(names) do
    lines[#lines + 1] = ":run" .. index
    lines[#lines + 1] = quote_in_script(name) .. " " .. quote_in_script(directory .. "\\start.lua") .. " 0"
    lines[#lines + 1] = "goto ended"
  end
  lines[#lines + 1] = ":ended"
  lines[#lines + 1] = "echo.>" .. quote_in_script(directory .. "\\ended")
  return "start.cmd", table.concat(lines, "\r\n") .. "\r\n"
end

--- The command that runs it.
---@param directory string
---@return string
function windows.command(directory)
  return ('"%s >%s 2>%s"'):format(quote(directory .. "\\start.cmd"), quote(directory .. "\\ready"),
    quote(directory .. "\\errors"))
end

--- Waits, at most `seconds`, until something is true. Plain Lua has no pause: a command that does nothing is one.
---@param seconds number
---@param has_come fun(): boolean
function windows.wait(seconds, has_come)
  local deadline = os.time() + math.ceil(seconds)
  while not has_come() and os.time() <= deadline do
    run "ver >NUL"
  end
end

--- Has the child end.
---@param child table
function windows.stop(child)
  local file = io.open(child.directory .. "\\stop", "wb")
  if file then
    file:close()
  end
end

---@param child table
function windows.remove(child)
  run("rmdir /s /q " .. quote(child.directory))
end

return windows
