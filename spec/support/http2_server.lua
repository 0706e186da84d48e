-- Speaks as much HTTP/2 over TLS as it takes to refuse, to fall silent and to flood:
--     lua http2_server.lua log certificate key step ...
-- Each step says what comes of a request, in the order in which they arrive; the last one holds for all that follow:
--   answer    200 and a body of JSON
--   refuse    RST_STREAM, REFUSED_STREAM
--   error     RST_STREAM, INTERNAL_ERROR
--   downgrade RST_STREAM, HTTP_1_1_REQUIRED; later connections speak HTTP/1.1
--   away      GOAWAY that says that the stream was not processed
--   gone      GOAWAY that does not, and the end
--   close     the end
--   late      an answer, and 20 ms later a frame that carries nothing
--   silent    nothing
--   leave     nothing, and 20 ms later the end as by notify
--   gone_dark nothing, and nothing is read from its connection any more
--   notify    the end of TLS on its connection, but not that of TCP
--   begin     200 and the head of a body, which comes with the next `finish`
--   finish    an answer, and the rest of those that have begun
--   pour      200 and 8 MB of an event stream's comments
--   rest      4 MB of frames that carry nothing, five times, with a rest after each was read; then an answer
--   mixed     200 and 9 MB of frames that carry nothing, 1 MB of a body, and 9 MB of such frames again
--   cut       200 and a body that ends before its length
--   broken    200 and the beginning of a body, and the end
--   broken_gone  the same, with a GOAWAY before the end
--   hold      nothing until the next `burst`
--   burst     200 and the beginning of a body for each that is held, and the end as by notify, all at once
--   flood:K   frames of a kind without end: window, priority, or (after a head) data, of which each is empty
-- or, before one, of the connection to come: `busy`, GOAWAY before any request.
-- Logs a line for each request: the number of its connection and the version; and one for the end of a connection.

local socket = require "socket"
local ssl = require "ssl"

local LIFETIME = 60
local BODY = '{"id":"made","type":"message","role":"assistant","content":[{"type":"text","text":"Hello!"}]}'

local log_path, certificate, key = ...
local steps = { select(4, ...) }
local log = assert(io.open(log_path, "a"))
log:setvbuf "no"

local DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 2, 3, 4, 6, 7, 8
local END_STREAM, END_HEADERS, ACK = 1, 4, 1
local NO_ERROR, INTERNAL_ERROR, REFUSED_STREAM, HTTP_1_1_REQUIRED = 0, 2, 7, 13
local PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

local protocol = "h2"
local context = assert(ssl.newcontext {
  mode = "server", protocol = "any", certificate = certificate, key = key, verify = "none", options = { "all" },
  alpn = function()
    return protocol
  end,
})
local listener = assert(socket.bind("127.0.0.1", 0))
print((select(2, listener:getsockname())))
io.stdout:flush()

local function number(value, size)
  local bytes = {}
  for i = size, 1, -1 do
    bytes[i] = string.char(value % 256)
    value = math.floor(value / 256)
  end
  return table.concat(bytes)
end

local function read_number(text)
  local value = 0
  for i = 1, #text do
    value = value * 256 + text:byte(i)
  end
  return value
end

local function frame(kind, flags, stream, payload)
  return number(#payload, 3) .. string.char(kind, flags) .. number(stream, 4) .. payload
end

local function send(client, kind, flags, stream, payload)
  client:send(frame(kind, flags, stream, payload))
end

local function send_away(client, last)
  send(client, GOAWAY, 0, 0, number(last, 4) .. number(NO_ERROR, 4))
end

-- HPACK: the static table's names, values as they are.
local HEAD = "\136\15\16\16application/json\15\13" .. string.char(#tostring(#BODY)) .. #BODY

local STREAM_HEAD = "\136\15\16\17text/event-stream"

local COMMENTS = (":" .. ("x"):rep(98) .. "\n"):rep(160)

local function resetter(code)
  return function(client, stream)
    send(client, RST_STREAM, 0, stream, number(code, 4))
    return true
  end
end

-- What is unread when a connection is closed makes a reset of it, and takes away what was sent.
local function drain(client)
  client:settimeout(0.02)
  repeat
    local byte = client:receive(1)
  until not byte
  return false
end

local FLOODS = {
  window = function() return frame(WINDOW_UPDATE, 0, 0, number(1, 4)) end,
  priority = function(stream) return frame(PRIORITY, 0, stream, number(0, 4) .. "\1") end,
  data = function(stream) return frame(DATA, 0, stream, "") end,
}

local function flood(client, stream, kind)
  if kind == "data" then
    send(client, HEADERS, END_HEADERS, stream, HEAD)
  end
  local frames = FLOODS[kind](stream):rep(1000)
  while client:send(frames) do end -- luacheck: ignore
  return false
end

-- Waits until all that was sent has been read.
local function await_reader(client)
  send(client, PING, 0, 0, ("\0"):rep(8))
  local kind
  repeat
    local head = client:receive(9)
    local length = head and read_number(head:sub(1, 3)) or 0
    kind = head and head:byte(4)
    if length > 0 then
      client:receive(length)
    end
  until not head or kind == PING
end

local holders = {} -- processes
local begun = {} -- { client, stream }
local held = {} -- streams

-- Ends TLS, but not TCP: the connection has two owners, of which one goes on.
local function leave_half(client)
  holders[#holders + 1] = io.popen "exec sleep 3"
  client:close()
  return nil
end

-- So many MB of frames that carry nothing.
local function send_idle(client, stream, size)
  local frames = FLOODS.priority(stream):rep(math.floor(1e5 / 14))
  for _ = 1, size * 10 do
    client:send(frames)
  end
end

local function send_beginning(client, stream)
  send(client, HEADERS, END_HEADERS, stream, HEAD)
  send(client, DATA, 0, stream, "{")
end

-- What comes of a request; false: the end of its connection, nil: nobody looks at it any more.
local ACTIONS = {
  answer = function(client, stream)
    send(client, HEADERS, END_HEADERS, stream, HEAD)
    send(client, DATA, END_STREAM, stream, BODY)
    return true
  end,
  late = function(client, stream)
    send(client, HEADERS, END_HEADERS, stream, HEAD)
    send(client, DATA, END_STREAM, stream, BODY)
    socket.sleep(0.02)
    send(client, WINDOW_UPDATE, 0, 0, number(1, 4))
    return true
  end,
  refuse = resetter(REFUSED_STREAM),
  error = resetter(INTERNAL_ERROR),
  downgrade = function(client, stream)
    protocol = "http/1.1"
    return resetter(HTTP_1_1_REQUIRED)(client, stream)
  end,
  away = function(client, stream)
    send_away(client, math.max(stream - 2, 0))
    return true
  end,
  gone = function(client, stream)
    send_away(client, stream)
    return drain(client)
  end,
  close = drain,
  silent = function()
    return true
  end,
  begin = function(client, stream)
    send(client, HEADERS, END_HEADERS, stream, HEAD)
    begun[#begun + 1] = { client, stream }
    return true
  end,
  finish = function(client, stream)
    begun[#begun + 1] = { client, stream }
    send(client, HEADERS, END_HEADERS, stream, HEAD)
    for _, each in ipairs(begun) do
      send(each[1], DATA, END_STREAM, each[2], BODY)
    end
    begun = {}
    return true
  end,
  pour = function(client, stream)
    send(client, HEADERS, END_HEADERS, stream, STREAM_HEAD)
    local piece = frame(DATA, 0, stream, COMMENTS)
    for _ = 1, 500 do
      client:send(piece)
    end
    return true
  end,
  mixed = function(client, stream)
    send(client, HEADERS, END_HEADERS, stream, STREAM_HEAD)
    send_idle(client, stream, 9)
    local piece = frame(DATA, 0, stream, COMMENTS)
    for _ = 1, 1.2e6 / #piece do
      client:send(piece)
    end
    send_idle(client, stream, 9)
    send(client, DATA, END_STREAM, stream, "")
    return true
  end,
  cut = function(client, stream)
    send(client, HEADERS, END_HEADERS, stream, HEAD)
    await_reader(client) -- libcurl 7.88 takes both at once for a connection that died, and makes another one
    socket.sleep(0.02)
    await_reader(client)
    return resetter(NO_ERROR)(client, stream)
  end,
  broken = function(client, stream)
    send_beginning(client, stream)
    return drain(client)
  end,
  broken_gone = function(client, stream)
    send_beginning(client, stream)
    send_away(client, stream)
    return drain(client)
  end,
  hold = function(_, stream)
    held[#held + 1] = stream
    return true
  end,
  burst = function(client, stream)
    held[#held + 1] = stream
    local frames = {}
    for i, each in ipairs(held) do
      frames[i] = frame(HEADERS, END_HEADERS, each, HEAD) .. frame(DATA, 0, each, "{")
    end
    client:send(table.concat(frames))
    return leave_half(client)
  end,
  rest = function(client, stream)
    for _ = 1, 5 do
      send_idle(client, stream, 4)
      await_reader(client)
      socket.sleep(0.02)
    end
    send(client, HEADERS, END_HEADERS, stream, HEAD)
    send(client, DATA, END_STREAM, stream, BODY)
    return true
  end,
  gone_dark = function()
    return nil
  end,
  notify = leave_half,
  leave = function(client)
    socket.sleep(0.02)
    return leave_half(client)
  end,
}

local count = 0

local function next_step()
  return #steps > 1 and table.remove(steps, 1) or steps[1]
end

local function act(connection, stream)
  log:write(connection.number, " HTTP/2\n")
  local step, kind = next_step():match "^([%l_]+):?(%l*)$"
  return (ACTIONS[step] or flood)(connection.client, stream, kind)
end

-- Reads one frame and answers it.
local function read_frame(connection)
  local client = connection.client
  local head = client:receive(9)
  if not head then
    return false
  end
  local length, kind, flags, stream =
    read_number(head:sub(1, 3)), head:byte(4), head:byte(5), read_number(head:sub(6, 9))
  local payload = length > 0 and client:receive(length) or ""
  if kind == SETTINGS and flags % 2 == 0 then
    send(client, SETTINGS, ACK, 0, "")
  elseif kind == PING and flags % 2 == 0 then
    send(client, PING, ACK, 0, payload)
  elseif (kind == HEADERS or kind == DATA) and flags % 2 == END_STREAM then
    return act(connection, stream)
  end
  return true
end

local function serve_old(connection)
  local client, length = connection.client, 0
  local line
  repeat
    line = client:receive "*l"
    length = line and tonumber(line:lower():match "^content%-length: (%d+)") or length
  until not line or line == ""
  if line then
    client:receive(length)
    log:write(connection.number, " HTTP/1.1\n")
    client:send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " .. #BODY .. "\r\n\r\n" .. BODY)
  end
  return line ~= nil
end

local function accept()
  local plain = listener:accept()
  if not plain then
    return nil
  end
  count = count + 1
  plain:settimeout(5)
  local client = assert(ssl.wrap(plain, context))
  client:settimeout(5)
  if not client:dohandshake() then
    client:close()
    return nil
  end
  if client:getalpn() ~= "h2" then
    return { client = client, number = count, read = serve_old }
  end
  send(client, SETTINGS, 0, 0, "")
  if steps[1] == "busy" then
    next_step()
    send_away(client, 0)
  end
  if client:receive(#PREFACE) ~= PREFACE then
    client:close()
    return nil
  end
  return { client = client, number = count, read = read_frame }
end

local connections, sockets = {}, { listener } -- connections by their sockets

local function leave(client)
  for i, each in ipairs(sockets) do
    if each == client then
      table.remove(sockets, i)
      break
    end
  end
end

local deadline = socket.gettime() + LIFETIME
while socket.gettime() < deadline do
  for _, ready in ipairs((socket.select(sockets, nil, 1))) do
    local connection = connections[ready]
    if ready == listener then
      connection = accept()
      if connection then
        sockets[#sockets + 1] = connection.client
        connections[connection.client] = connection
      end
    else
      local goes_on = connection.read(connection)
      if not goes_on then
        leave(ready)
        if goes_on == false then
          log:write(connection.number, " ended\n")
          connections[ready] = nil
          ready:close()
        end -- else it stays in the list, or the collector would close it
      end
    end
  end
end
