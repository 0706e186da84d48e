-- Hosts testing servers in one process, where a process for each would take longer: lua server_host.lua log
--
-- On its control connection it takes "start BYTES LOG" and the settings, and answers "PORT" or "error: ..."; it takes
-- "stop PORT", and answers an empty line. It ends with that connection.

local socket = require "socket"

local LIFETIME = 3600 -- seconds

-- What the servers wait with: a yield to the loop below.
package.loaded.socket = setmetatable({
  select = function(readers, writers, seconds)
    local parent
    for index, reader in ipairs(readers) do
      if type(reader) == "table" then -- the server's standard input, which only a stop makes readable
        parent = table.remove(readers, index)
      end
    end
    return coroutine.yield(readers, writers, socket.gettime() + seconds, parent)
  end,
}, { __index = socket })

local serialize = require "anthropic.testing.serialize"
local server = require "anthropic.testing.server"

local hosted = {} -- by port

-- Goes on with a server until it waits again, or ends.
local function resume(one, ...)
  local ok, readers, writers, deadline, parent = coroutine.resume(one.thread, ...)
  one.readers, one.writers, one.deadline, one.parent = readers, writers, deadline, parent
  if coroutine.status(one.thread) == "dead" then
    hosted[one.port or 0] = nil
    one.log:close()
    one.failure = not ok and tostring(readers)
  end
end

local function start(text, log_path)
  local settings = serialize.load(text)
  local one = { log = assert(io.open(log_path, "ab")), thread = coroutine.create(server.run) }
  settings.log, settings.parent = one.log, true
  settings.ready = function(port)
    hosted[port], one.port = one, port
  end
  resume(one, settings)
  return one.port and ("%d"):format(one.port) or "error: " .. one.failure:gsub("\n", " ")
end

local function stop(port)
  local one = hosted[port]
  if one then
    resume(one, { [one.parent] = true }, {})
  end
  return ""
end

-- Takes one command. Returns nil once the parent has gone.
local function obey(control)
  local line = control:receive "*l"
  if not line then
    return nil
  end
  local bytes, log_path = line:match "^start (%d+) (.*)$"
  if bytes then
    return control:send(start(control:receive(tonumber(bytes)), log_path) .. "\n")
  end
  return control:send(stop(tonumber(line:match "^stop (%d+)$")) .. "\n")
end

local listener = assert(socket.bind("127.0.0.1", 0))
print((select(2, listener:getsockname())))
io.stdout:flush()
listener:settimeout(60)
local control = assert(listener:accept())
control:setoption("tcp-nodelay", true)

local function turn()
  local readers, writers, deadline = { control }, {}, socket.gettime() + 1
  for _, one in pairs(hosted) do
    for _, reader in ipairs(one.readers) do
      readers[#readers + 1] = reader
    end
    for _, writer in ipairs(one.writers) do
      writers[#writers + 1] = writer
    end
    deadline = math.min(deadline, one.deadline)
  end
  local readable, writable = socket.select(readers, writers, math.max(0, deadline - socket.gettime()))
  local now = socket.gettime()
  local due = {}
  for _, one in pairs(hosted) do
    local is_due = one.deadline <= now
    for _, reader in ipairs(one.readers) do
      is_due = is_due or readable[reader]
    end
    for _, writer in ipairs(one.writers) do
      is_due = is_due or writable[writer]
    end
    due[#due + 1] = is_due and one or nil
  end
  for _, one in ipairs(due) do
    resume(one, readable, writable)
    if one.failure then
      io.stderr:write(one.failure, "\n")
    end
  end
  return not readable[control] or obey(control)
end

local ends = socket.gettime() + LIFETIME
repeat
until not turn() or socket.gettime() > ends
