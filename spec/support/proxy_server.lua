-- A small HTTP proxy, for one connection at a time: lua proxy_server.lua log [status]
-- Takes absolute URLs and CONNECT. With a status it refuses everything with that status; with the name of a refusal it
-- is one of SOCKS: rejected (the password), unauthenticated, forbidden, rejected4 (SOCKS 4).
-- Logs the head of each request.

local socket = require "socket"

local LIFETIME = 60 -- seconds

local log_path, refusal = ...
local log = assert(io.open(log_path, "a"))
log:setvbuf "no"

local listener = assert(socket.bind("127.0.0.1", 0))
print((select(2, listener:getsockname())))
io.stdout:flush()

local function read_head(client)
  local lines = {}
  repeat
    local line = client:receive "*l"
    if not line then
      return nil
    end
    lines[#lines + 1] = line
  until line == ""
  return lines
end

local function dial(host, port)
  local target = assert(socket.connect(host, tonumber(port)))
  target:settimeout(0)
  return target
end

-- Passes bytes both ways until one side closes.
local function tunnel(client, target)
  client:settimeout(0)
  local other = { [client] = target, [target] = client }
  while true do
    local readable = socket.select({ client, target }, nil, LIFETIME)
    if #readable == 0 then
      return
    end
    for _, from in ipairs(readable) do
      local bytes, problem, partial = from:receive(65536)
      bytes = bytes or partial
      local to = other[from]
      to:settimeout(5)
      if bytes ~= "" and not to:send(bytes) or problem == "closed" then
        return
      end
      to:settimeout(0)
    end
  end
end

-- What is sent after so many bytes have come.
local SOCKS = {
  rejected = { { 2, "\5\2" }, { 2, "\1\1" } },
  unauthenticated = { { 2, "\5\255" } },
  forbidden = { { 2, "\5\0" }, { 4, "\5\2\0\1\0\0\0\0\0\0" } },
  rejected4 = { { 2, "\0\91\0\0\0\0\0\0" } },
}

local function refuse_by_socks(client, answers)
  client:settimeout(0.05)
  for _, answer in ipairs(answers) do
    client:receive(answer[1])
    client:receive(1000) -- what follows, at once
    client:send(answer[2])
  end
end

local function serve(client)
  if SOCKS[refusal] then
    log:write "SOCKS\n"
    refuse_by_socks(client, SOCKS[refusal])
    return
  end
  local lines = read_head(client)
  if not lines then
    return
  end
  log:write(table.concat(lines, "\n"), "\n")
  if refusal then
    client:send("HTTP/1.1 " .. refusal .. " Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    return
  end
  local method, host, port, rest = lines[1]:match "^(%S+) h?t?t?p?:?/?/?([^:/ ]+):(%d+)(.*)$"
  local target = dial(host, port)
  if method == "CONNECT" then
    client:send "HTTP/1.1 200 Connection established\r\n\r\n"
  else
    lines[1] = method .. " " .. rest
    target:settimeout(5)
    target:send(table.concat(lines, "\r\n") .. "\r\n")
    target:settimeout(0)
  end
  tunnel(client, target)
  target:close()
end

local deadline = socket.gettime() + LIFETIME
while socket.gettime() < deadline do
  listener:settimeout(1)
  local client = listener:accept()
  if client then
    client:settimeout(1)
    serve(client)
    client:close()
  end
end
