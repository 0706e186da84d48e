--- The testing server itself: one process, one `select` loop, a coroutine for
--- each connection, on LuaSocket. `anthropic.testing` starts it as a child.
---
---     server.run { plan = script.prepare(answers), ready = print }

local connection = require "anthropic.testing.connection"
local http = require "anthropic.testing.http"
local play = require "anthropic.testing.play"
local serialize = require "anthropic.testing.serialize"

local server = {}

local CLOSED = connection.CLOSED

-- Descriptor 0, readable when the parent has closed its end of the pipe.
local standard_input = {
  getfd = function() return 0 end,
  dirty = function() return false end,
}

local function route_fits(route, request)
  local path, body = request.path, request.body
  if route.method and route.method ~= request.method
    or route.path and route.path ~= path
    or route.target and route.target ~= request.target
    or route.body and route.body ~= body
    or route.match and not request.target:find(route.match)
    or route.body_contains and not body:find(route.body_contains, 1, true) then
    return false
  end
  for _, pattern in ipairs(route.body_match or {}) do
    if not body:find(pattern) then
      return false
    end
  end
  return true
end

local function choose_answer(plan, request)
  for _, route in ipairs(plan.routes) do
    if route_fits(route, request) then
      route.used = (route.used or 0) + 1
      return route.answers[route.used] or route.at_end or route.answers[#route.answers]
    end
  end
  return plan.otherwise
end

--- Appends an entry to the log: the lengths of its two parts, its data, its body.
local function write_log(state, entry, body)
  local log = state.log
  if log then
    local data = serialize.dump(entry)
    log:write(string.format("%012d %012d\n", #data, #body), data, body)
    log:flush()
  end
end

local function record(state, client, request)
  state.requests = state.requests + 1
  request.number, request.connection = state.requests, client.number
  request.time = client.now - state.started
  local entry = { kind = "request" }
  for name, value in pairs(request) do
    if name ~= "body" then
      entry[name] = value
    end
  end
  write_log(state, entry, request.body)
end

--- The life of a connection: requests and answers until one of the two closes.
local function serve(state, client)
  local outcome
  repeat
    local request, status = http.read_request(client, state.max_record_bytes)
    if not request then
      client:send(http.head(status, nil, { { "Content-Length", "0" }, { "Connection", "close" } }))
      return "close"
    end
    record(state, client, request)
    client.unanswered = request.number
    outcome = play(client, request, choose_answer(state.plan, request))
    client.unanswered = nil
  until outcome ~= "keep" or not request.keep_alive
  return outcome
end

local function finish(state, client, how)
  state.clients[client.socket] = nil
  state.open = state.open - 1
  client:close(how)
  if client.unanswered then
    write_log(state, { kind = "closed_early", number = client.unanswered }, "")
  end
  write_log(state, { kind = "close", connection = client.number }, "")
end

local function resume(state, client, now)
  client.now = now
  local ok, result = coroutine.resume(client.thread, state, client)
  if not ok and tostring(result):find("interrupted!", 1, true) then
    error(result, 0) -- the interpreter raises it in whatever runs: with LuaJIT in a coroutine, too
  elseif not ok and result ~= CLOSED then
    io.stderr:write(debug.traceback(client.thread, tostring(result)), "\n")
  end
  if coroutine.status(client.thread) == "dead" then
    finish(state, client, ok and result or nil)
  end
end

local function accept(state, now)
  while state.open < state.max_open do
    local socket = state.listener:accept()
    if not socket then
      return
    end
    state.opened, state.open = state.opened + 1, state.open + 1
    local client = connection.new(socket, state.opened)
    client.thread = coroutine.create(serve)
    state.clients[socket] = client
    write_log(state, { kind = "open", connection = client.number }, "")
    resume(state, client, now)
  end
end

-- How often a child that can only be told so by a file looks whether it is to stop.
local STOP_SECONDS = 0.02

--- What to wait for: the sockets to read, those to write, and until when.
local function interests(state, now)
  local readers, writers = {}, {}
  local deadline = math.min(state.ends, now + (state.stop and STOP_SECONDS or 1))
  if state.open < state.max_open then
    readers[1] = state.listener
  end
  if state.parent then
    readers[#readers + 1] = standard_input
  end
  for socket, client in pairs(state.clients) do
    if client:wants_input() then
      readers[#readers + 1] = socket
    end
    if client.waiting == "output" then
      writers[#writers + 1] = socket
    end
    if client.deadline and client.deadline < deadline then
      deadline = client.deadline
    end
  end
  return readers, writers, math.max(0, deadline - now)
end

local function is_told_to_stop(state)
  local file = state.stop and io.open(state.stop)
  return file and file:close()
end

--- One turn of the loop. Returns false when the parent has gone, or has had it end.
local function turn(state, socket)
  local readable, writable = socket.select(interests(state, socket.gettime()))
  if readable[standard_input] or is_told_to_stop(state) then
    return false
  end
  local now = socket.gettime()
  local due = {}
  for client_socket, client in pairs(state.clients) do
    if readable[client_socket] then
      client:fill()
    end
    if client:is_due(now, writable[client_socket]) then
      due[#due + 1] = client
    end
  end
  for _, client in ipairs(due) do
    resume(state, client, now)
  end
  if readable[state.listener] then
    accept(state, now)
  end
  return true
end

--- Runs until its lifetime is over ("lifetime") or its parent has gone ("parent").
--- Raises an error where LuaSocket is missing or the port is taken.
---@param settings table `plan` (a prepared script), `ready(port)`, and optionally
---  `port` (default: any free one), `lifetime` in seconds (default: no end),
---  `log` (an open file), `parent` (true: standard input ends with the parent),
---  `max_record_bytes` (default 64 MiB)
---@return "lifetime"|"parent"
function server.run(settings)
  local found, socket = pcall(require, "socket")
  if not found then
    error("anthropic.testing needs LuaSocket (Debian: lua-socket, LuaRocks: luasocket)", 0)
  end
  local listener, failure = socket.bind("127.0.0.1", settings.port or 0, 1024)
  if not listener then
    error("cannot listen on 127.0.0.1: " .. tostring(failure), 0)
  end
  listener:settimeout(0)
  local started = socket.gettime()
  local state = {
    listener = listener,
    plan = settings.plan,
    log = settings.log,
    parent = settings.parent,
    stop = settings.stop,
    max_record_bytes = settings.max_record_bytes or 64 * 1024 * 1024,
    started = started,
    ends = started + (settings.lifetime or math.huge),
    max_open = (socket._SETSIZE or 1024) - 32,
    clients = {}, requests = 0, opened = 0, open = 0,
  }
  local _, port = listener:getsockname()
  settings.ready(tonumber(port))
  local reason = "lifetime"
  while socket.gettime() < state.ends and reason == "lifetime" do
    reason = turn(state, socket) and reason or "parent"
  end
  listener:close()
  for client_socket in pairs(state.clients) do
    client_socket:close()
  end
  return reason
end

--- The child's program: settings and log are files of the directory; the first
--- line on standard output is the process id and the port. The directory is
--- removed here only when the parent cannot do it any more.
---@param directory string
---@param process_id string
function server.child(directory, process_id)
  local file = assert(io.open(directory .. "/settings", "rb"))
  local settings = serialize.load(file:read("*a"))
  file:close()
  if package.config:sub(1, 1) == "\\" then -- no select there takes a pipe
    settings.stop = directory .. "\\stop"
  else
    settings.parent = true
  end
  settings.log = assert(io.open(directory .. "/log", "ab"))
  settings.ready = function(port)
    io.stdout:write(process_id, " ", string.format("%d", port), "\n")
    io.stdout:flush()
  end
  if server.run(settings) == "parent" and settings.parent then
    os.execute("rm -rf '" .. directory:gsub("'", "'\\''") .. "'")
  end
end

return server
