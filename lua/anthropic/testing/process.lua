--- The server's process, seen from its parent: finds the Lua to run, starts the
--- child with its files in a private directory, and ends it. Plain Lua and `sh`; on Windows `cmd`
--- (process_windows.lua).
---
---     local child = process.start(settings, nil, 10)
---     child:stop()

local process = {}

---@class anthropic.testing.Child
---@field port integer
---@field pid integer
---@field log string the file that the server writes
---@field directory string of all its files
local Child = {}
Child.__index = Child

local windows = package.config:sub(1, 1) == "\\" and require "anthropic.testing.process_windows" or nil

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function read_file(path)
  local file = io.open(path, "rb")
  if not file then
    return ""
  end
  local text = file:read("*a")
  file:close()
  return text
end

local function write_file(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
end

--- The Lua programs to try: the given one, or this process's own and its usual names.
local function interpreters(given)
  if given then
    return { given }
  end
  local list = {}
  local arguments = rawget(_G, "arg") or {}
  local lowest = 0
  while arguments[lowest - 1] do
    lowest = lowest - 1
  end
  local program = arguments[lowest]
  if program and program:match("[^/\\]*$"):gsub("%.exe$", ""):find("^lua[jit%d.-]*$") then
    list[1] = program
  end
  local version = _VERSION:match("%d.*")
  if rawget(_G, "jit") then
    list[#list + 1] = "luajit"
  else
    list[#list + 1] = "lua" .. version
    list[#list + 1] = "lua" .. version:gsub("%.", "")
    list[#list + 1] = "lua-" .. version
  end
  list[#list + 1] = "lua"
  return list
end

--- The child's first lines: where its modules are. It has its own paths, as if the environment named none. In a Lua
--- of the same version this process's come first; to another its C modules are of no use.
local function start_program(directory)
  local root = debug.getinfo(1, "S").source:match("^@(.*)anthropic[/\\]testing[/\\]process%.lua$")
  local here = root and root .. "?.lua;" .. root .. "?/init.lua;" or ""
  local function paths_of_environment(name)
    return (os.getenv(name) or ""):gsub(";;+", ";"):gsub("^;", "")
  end
  return string.format([[
if _VERSION == %q and (jit ~= nil) == %s then
  package.path, package.cpath = %q .. ";" .. package.path, %q .. ";" .. package.cpath
else
  package.path, package.cpath = package.path .. ";" .. %q, package.cpath .. ";" .. %q
end
package.path = %q .. package.path
require("anthropic.testing.server").child(%q, ...)
]], _VERSION, tostring(rawget(_G, "jit") ~= nil), package.path, package.cpath, paths_of_environment "LUA_PATH",
    paths_of_environment "LUA_CPATH", here, directory)
end

-- The name of a script that runs the first of the interpreters that is there, and its text.
local function start_script(directory, lua)
  if windows then
    return windows.script(directory, interpreters(lua))
  end
  local names = {}
  for index, name in ipairs(interpreters(lua)) do
    names[index] = quote(name)
  end
  local all = table.concat(names, " ")
  return "start.sh", string.format([[
echo $$ >%s
unset LUA_PATH LUA_CPATH
for lua in %s; do
  command -v "$lua" >/dev/null 2>&1 && exec "$lua" %s $$
done
echo "no Lua interpreter found: tried" %s >&2
]], quote(directory .. "/pid"), all, quote(directory .. "/start.lua"), all)
end

local function has_ended(child)
  local mark = io.open(child.directory .. "/ended")
  return mark ~= nil and mark:close()
end

--- Waits, in a shell and at most `seconds`, until the child is ready or has ended.
local function wait_for_start(child, seconds)
  local directory = child.directory
  if windows then
    return windows.wait(seconds, function()
      return read_file(directory .. "/ready"):find "\n" ~= nil or has_ended(child)
    end)
  end
  os.execute(string.format([[
cd %s && count=0
until [ -s ready ] || [ -e ended ] || [ $count -ge %d ]; do sleep 0.01; count=$((count + 1)); done
]], quote(directory), math.ceil(seconds * 100)))
end

local function make_directory()
  local directory
  if windows then
    directory = windows.make_directory()
  else
    local pipe = assert(io.popen('mktemp -d "${TMPDIR:-/tmp}/anthropic-testing.XXXXXX"'))
    directory = pipe:read("*l")
    pipe:close()
  end
  if not directory then
    error("anthropic.testing: cannot make a temporary directory", 0)
  end
  return directory
end

-- The command that runs the script, with its output in files.
local function start_command(directory)
  if windows then
    return windows.command(directory)
  end
  local commands = "echo $PPID >DIR/owner; exec >DIR/ready 2>DIR/errors; sh DIR/start.sh; : >DIR/ended"
  return (commands:gsub("DIR", function()
    return quote(directory)
  end))
end

--- Runs a command where this process is the one that started the child: another, forked from it, leaves it alone.
local function as_parent(child, command)
  local owner = read_file(child.directory .. "/owner"):match("%d+") or ""
  os.execute(('if [ "$PPID" = "%s" ]; then %s; fi'):format(owner, command))
end

--- Ends the child and waits until it is gone; its directory stays. In a process that was forked from the child's parent
--- the child goes on.
function Child:stop()
  if windows then
    windows.stop(self)
  elseif not has_ended(self) then
    as_parent(self, "kill " .. read_file(self.directory .. "/pid"):match("%d*") .. " 2>/dev/null")
  end
  self.pipe:close()
end

-- By `os.execute` where nobody can have forked from the child's parent yet: a child that did not start may not have
-- said yet whose it is.
local function remove(child, execute)
  if windows then
    windows.remove(child)
  else
    execute("rm -rf " .. quote(child.directory))
  end
end

--- Removes the child's directory.
function Child:remove()
  remove(self, function(command)
    as_parent(self, command)
  end)
end

-- Writes the child's files and starts it; raises why it could not.
local function begin(child, settings, lua)
  local directory = child.directory
  write_file(directory .. "/settings", settings)
  write_file(directory .. "/start.lua", start_program(directory))
  local name, script = start_script(directory, lua)
  write_file(directory .. "/" .. name, script)
  local pipe, problem = io.popen(start_command(directory), "w")
  child.pipe = pipe or error(problem, 0)
end

--- Starts the child. Its standard input is a pipe that ends with this process,
--- whichever way that ends, and the child ends with it. Raises an error with the
--- child's own words where it does not come up.
---@param settings string for the child's file `settings`
---@param lua? string the interpreter
---@param seconds number how long to wait for it
---@return anthropic.testing.Child child
function process.start(settings, lua, seconds)
  local directory = make_directory()
  local child = setmetatable({ directory = directory, log = directory .. "/log" }, Child)
  local begun, failure = pcall(begin, child, settings, lua)
  if not begun then
    remove(child, os.execute)
    error("anthropic.testing: the server did not start: " .. tostring(failure), 0)
  end
  wait_for_start(child, seconds)
  local pid, port = read_file(directory .. "/ready"):match("^(%d+) (%d+)\r?\n")
  if not pid then
    local reason = has_ended(child) and read_file(directory .. "/errors") or "not ready after " .. seconds .. " seconds"
    child:stop()
    remove(child, os.execute)
    error("anthropic.testing: the server did not start: " .. reason, 0)
  end
  child.pid, child.port = tonumber(pid), tonumber(port)
  return child
end

return process
