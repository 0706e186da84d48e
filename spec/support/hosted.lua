-- Testing servers that share one process (server_host.lua), which starts with the first of them.
--
--     local server = hosted.server { script = { testing.message { text = "Hello!" } } }

local child = require "spec.support.child"
local process = require "anthropic.testing.process"
local socket = require "socket"
local testing = require "anthropic.testing"

local hosted = {}

local host -- the process
local control -- the connection to it
local is_asking = false
local late = {} -- commands of a finalizer that ran within `ask`

local function connect()
  host = child.start "spec/support/server_host.lua"
  control = assert(socket.connect("127.0.0.1", host.port))
  control:setoption("tcp-nodelay", true)
end

local function ask(command)
  if is_asking then
    late[#late + 1] = command
    return
  end
  if not control then
    connect()
  end
  is_asking = true
  local sent, problem = control:send(command)
  local answer
  if sent then
    answer, problem = control:receive "*l"
  end
  is_asking = false
  assert(answer, problem)
  while late[1] do
    ask(table.remove(late))
  end
  return answer
end

local Child = {}
Child.__index = Child

function Child:stop()
  ask(("stop %d\n"):format(self.port))
end

function Child:remove()
  os.remove(self.log)
end

local function start(settings)
  local log = os.tmpname()
  local answer = ask(("start %d %s\n%s"):format(#settings, log, settings))
  local port = tonumber(answer)
  if not port then
    os.remove(log)
    error("anthropic.testing: the server did not start: " .. answer, 0)
  end
  return setmetatable({ log = log, port = port, pid = host.pid }, Child)
end

--- As testing.server, without a process of its own.
function hosted.server(options)
  local start_alone = process.start
  process.start = start
  local ok, server = pcall(testing.server, options)
  process.start = start_alone
  if not ok then
    error(server, 0)
  end
  return server
end

return hosted
