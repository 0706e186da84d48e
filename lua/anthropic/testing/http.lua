--- HTTP/1.1 as the testing server needs it: reads a request from a connection,
--- writes the head of a response.
---
---     local request, status = http.read_request(client, 1024)
---     client:send(http.head(200, nil, { { "Content-Length", "0" } }))

local http = {}

local head_limit = 1024 * 1024
local body_limit = 512 * 1024 * 1024

local reasons = {
  [100] = "Continue", [102] = "Processing", [103] = "Early Hints",
  [200] = "OK", [201] = "Created", [202] = "Accepted", [204] = "No Content",
  [301] = "Moved Permanently", [302] = "Found", [303] = "See Other", [304] = "Not Modified",
  [307] = "Temporary Redirect", [308] = "Permanent Redirect",
  [400] = "Bad Request", [401] = "Unauthorized", [402] = "Payment Required", [403] = "Forbidden",
  [404] = "Not Found", [405] = "Method Not Allowed", [408] = "Request Timeout", [409] = "Conflict",
  [413] = "Content Too Large", [422] = "Unprocessable Content", [429] = "Too Many Requests",
  [500] = "Internal Server Error", [501] = "Not Implemented", [502] = "Bad Gateway",
  [503] = "Service Unavailable", [504] = "Gateway Timeout",
}

--- The status line and the headers, with the empty line.
---@param status integer
---@param reason? string
---@param headers table list of { name, value }
---@return string
function http.head(status, reason, headers)
  local lines = { string.format("HTTP/1.1 %d %s", status, reason or reasons[status] or "") }
  for _, header in ipairs(headers) do
    lines[#lines + 1] = header[1] .. ": " .. header[2]
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

local function parse_headers(text)
  local headers, raw_headers = {}, {}
  for line in text:gmatch("([^\r\n]+)\r?\n") do
    local name, value = line:match "^([^%s:]+):[ \t]*(.*)$"
    if not name then
      return nil
    end
    value = value:match "^.*[^ \t]" or ""
    raw_headers[#raw_headers + 1] = { name, value }
    headers[name:lower()] = value
  end
  return headers, raw_headers
end

local function parse_head(text)
  local method, target, version, rest = text:match("^(%S+) (%S+) HTTP/(1%.[01])\r?\n(.*)$")
  local headers, raw_headers = parse_headers(rest or "")
  if not method or not headers then
    return nil
  end
  local path, query = target:match("^([^?]*)%??(.*)$")
  local connection_option = (headers.connection or ""):lower()
  return {
    method = method, target = target, path = path, query = query,
    headers = headers, raw_headers = raw_headers, version = version,
    keep_alive = version == "1.1" and not connection_option:find("close", 1, true),
  }
end

--- Collects a body: its length, and as much of its beginning as is kept.
local function new_sink(limit)
  return { parts = {}, length = 0, limit = limit }
end

local function add(sink, bytes)
  local room = sink.limit - sink.length
  if room > 0 then
    sink.parts[#sink.parts + 1] = bytes:sub(1, room)
  end
  sink.length = sink.length + #bytes
end

local function read_bytes(client, sink, length)
  while length > 0 do
    local bytes = client:read_some(length)
    add(sink, bytes)
    length = length - #bytes
  end
end

local function read_chunks(client, sink)
  while true do
    local line = client:read_until("\r\n", head_limit)
    local size = tonumber(line and line:match("^%x+") or "", 16)
    if not size then
      return 400
    elseif sink.length + size > body_limit then
      return 413
    elseif size == 0 then
      break
    end
    read_bytes(client, sink, size)
    if client:read_until("\r\n", 2) ~= "\r\n" then
      return 400
    end
  end
  repeat
    local line = client:read_until("\r\n", head_limit)
  until line == "\r\n" or not line
end

--- Reads the body into the sink; returns a status where that fails.
local function read_body(client, headers, sink)
  local chunked = (headers["transfer-encoding"] or ""):lower():find("chunked", 1, true)
  local length = tonumber((headers["content-length"] or "0"):match("^%d+$"))
  if not length then
    return 400
  elseif length > body_limit then
    return 413
  elseif (headers.expect or ""):lower() == "100-continue" then
    client:send(http.head(100, nil, {}))
  end
  if chunked then
    return read_chunks(client, sink)
  end
  read_bytes(client, sink, length)
end

--- Reads one request. On failure nil and the status to answer with.
---@param client table a connection
---@param kept_bytes integer how much of the body is kept
---@return table? request with `body` (its kept beginning) and `body_bytes` (its length)
---@return integer? status
function http.read_request(client, kept_bytes)
  local text
  repeat
    text = client:read_until("\r\n", head_limit)
  until text ~= "\r\n"
  while text do
    local line = client:read_until("\r\n", head_limit)
    if line == "\r\n" then
      break
    end
    text = line and #text + #line <= head_limit and text .. line
  end
  if not text then
    return nil, 431
  end
  local request = parse_head(text)
  if not request then
    return nil, 400
  end
  local sink = new_sink(kept_bytes)
  local failure = read_body(client, request.headers, sink)
  if failure then
    return nil, failure
  end
  request.body = table.concat(sink.parts)
  request.body_bytes = sink.length
  return request
end

return http
