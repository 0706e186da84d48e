-- A server of a spec's own in a child process: a Lua program that is given the name of a file for
-- its log and further arguments, and prints its port on its first line.

local child = {}
child.__index = child

local running = {} -- set

local function interpreter()
  local lowest = 0
  while arg[lowest - 1] do
    lowest = lowest - 1
  end
  return arg[lowest]
end

local function quote(text)
  return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

local function read_file(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

--- Starts any command and reads its first line of output.
function child.command(command)
  local self = setmetatable({ errors = os.tmpname() }, child)
  local shell = "echo $$; exec " .. command .. " 2>" .. quote(self.errors)
  self.pipe = assert(io.popen("exec sh -c " .. quote(shell)))
  self.pid = assert(tonumber(self.pipe:read("*l")))
  self.first_line = self.pipe:read("*l")
  running[self] = true
  return self
end

--- Starts the program. Raises with its own words where it does not come up.
function child.start(program, ...)
  local log = os.tmpname()
  local words = { interpreter(), program, log, ... }
  for i, word in ipairs(words) do
    words[i] = quote(word)
  end
  local self = child.command(table.concat(words, " "))
  self.log_path, self.port = log, tonumber(self.first_line)
  if not self.port then
    local problem = read_file(self.errors)
    self:stop()
    error(program .. " did not start: " .. problem, 2)
  end
  return self
end

--- What a Lua program in a process of its own writes, standard error too.
function child.output(code)
  local pipe = assert(io.popen(("%s -e %s 2>&1"):format(quote(interpreter()), quote(code))))
  local output = pipe:read("*a")
  pipe:close()
  return output
end

--- What the program has logged so far.
function child:log()
  return read_file(self.log_path)
end

function child:stop()
  running[self] = nil
  os.execute("kill " .. self.pid .. " 2>/dev/null")
  self.pipe:close()
  os.remove(self.errors)
  os.remove(self.log_path or self.errors)
end

--- Ends those that a set-up which failed has left behind: this process would wait for them when it ends.
function child.stop_all()
  for one in pairs(running) do
    one:stop()
  end
end

child.interpreter = interpreter
child.quote = quote

return child
