-- A command in the background, such as a server, while a spec talks to it: ready when its output says
-- so, or when it listens on a port.
--
--     local server = background.start("node server.js", "listening on (%S+)")
--     ... server.ready ...
--     server:stop()
--
--     local port = background.free_port()
--     local server = background.serve("nghttpd " .. port, port)

local socket = require "socket"

local background = {}
background.__index = background

local LIFETIME = 120 -- seconds, whatever becomes of the spec
local PATIENCE = 20

function background.quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

function background.read_file(path)
  local file = io.open(path, "rb")
  local text = file and file:read("*a") or ""
  if file then
    file:close()
  end
  return text
end

function background.write_file(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
end

--- The whole standard output of a command, and its exit code.
function background.output_of(command)
  local pipe = assert(io.popen("(" .. command .. "); echo \" $?\""))
  local output, code = pipe:read("*a"):match("^(.*) (%d+)\n$")
  pipe:close()
  return output, tonumber(code)
end

--- A path in the project's directory, from anywhere.
function background.absolute(path)
  return background.output_of("pwd"):match "[^\n]+" .. "/" .. path
end

--- The plain command of the Lua that runs the specs.
function background.interpreter()
  return rawget(_G, "jit") and "luajit" or (_VERSION:lower():gsub(" ", ""))
end

--- A new directory for temporary files.
function background.make_directory()
  return background.output_of('mktemp -d /tmp/anthropic-spec.XXXXXX'):match("[^\n]+")
end

--- A port that nobody listens on.
function background.free_port()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:close()
  return port
end

-- Starts a command and waits until `is_ready`.
local function launch(command, timeout, is_ready, limits)
  local self = setmetatable({ directory = background.make_directory() }, background)
  self.pipe = assert(io.popen(("exec >%s/output 2>&1; echo $$ >%s/pid; PATH=$PATH:/usr/sbin exec timeout %s %d env %s")
    :format(self.directory, self.directory, timeout, limits.lifetime or LIFETIME, command), "w"))
  local deadline = socket.gettime() + (limits.patience or PATIENCE)
  repeat
    socket.sleep(0.02)
    self.ready = is_ready(self)
  until self.ready or socket.gettime() > deadline
  if not self.ready then
    local output = self:output()
    self:stop()
    error("not ready: " .. command .. ": " .. output, 3)
  end
  return self
end

--- Starts a shell command (one program with its arguments, after assignments if it needs any) and
--- waits until its output has the pattern, whose first capture is then `ready`.
---@param command string
---@param pattern string
---@param limits? { patience: number?, lifetime: number? } seconds, for what is slow
function background.start(command, pattern, limits)
  return launch(command, "-k 2", function(self)
    return self:output():match(pattern)
  end, limits or {})
end

--- Starts a command that listens on the port, and waits until it does.
function background.serve(command, port)
  local self = launch(command, "-s KILL", function()
    local client = socket.connect("127.0.0.1", port)
    return client and client:close() and true
  end, {})
  self.ending = "ALRM" -- as if its time were over: it may have blocked any other signal
  return self
end

--- What it has printed so far, errors included.
function background:output()
  return background.read_file(self.directory .. "/output")
end

function background:signal(name)
  os.execute(("kill -%s %s 2>/dev/null"):format(name, background.read_file(self.directory .. "/pid"):match("%d+")))
end

--- Waits until it is gone; returns all that it printed and, where Lua tells, its exit code.
function background:wait()
  local _, _, exit_code = self.pipe:close()
  self.pipe = nil
  return self:output(), exit_code
end

--- Ends it, if it has not ended.
function background:stop()
  if self.pipe then
    self:signal(self.ending or "TERM")
    self:wait()
  end
  os.execute("rm -rf " .. background.quote(self.directory))
end

return background
