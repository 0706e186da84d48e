-- A client of bare sockets for the specs: what a server sends is seen byte by byte.

local assert = require "luassert"
local socket = require "socket"

local raw_client = {}

function raw_client.connect(server)
  local client = assert(socket.connect("127.0.0.1", server.port))
  client:settimeout(10)
  client:setoption("tcp-nodelay", true)
  return client
end

function raw_client.request_text(options)
  options = options or {}
  local body = options.body or "{}"
  local lines = { (options.method or "POST") .. " " .. (options.target or "/v1/messages") .. " HTTP/1.1", "Host: test" }
  for _, header in ipairs(options.headers or {}) do
    lines[#lines + 1] = header
  end
  lines[#lines + 1] = "Content-Length: " .. #body
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. body
end

function raw_client.read_to_end(client)
  local all, failure, partial = client:receive("*a")
  client:close()
  return all or partial, failure
end

--- Everything the server sends for one request, until it closes.
function raw_client.exchange(server, options)
  local client = raw_client.connect(server)
  client:send(raw_client.request_text(options))
  return raw_client.read_to_end(client)
end

local closing = { "Connection: close" }

function raw_client.fetch(server, options)
  options = options or {}
  options.headers = options.headers or closing
  local text, failure = raw_client.exchange(server, options)
  local head, body = text:match("^(.-\r\n)\r\n(.*)$")
  return body, head, failure
end

--- Reads one answer with a Content-Length, and leaves the connection open.
function raw_client.read_answer(client)
  local head = {}
  repeat
    local line = assert(client:receive("*l"))
    head[#head + 1] = line
  until line == ""
  head = table.concat(head, "\r\n")
  return client:receive(tonumber(head:match("Content%-Length: (%d+)"))), head
end

function raw_client.chunks_of(body)
  local chunks, position = {}, 1
  while true do
    local size, first = body:match("^(%x+)\r\n()", position)
    size = tonumber(size, 16)
    if size == 0 then
      assert.equal("0\r\n\r\n", body:sub(position))
      return chunks
    end
    chunks[#chunks + 1] = body:sub(first, first + size - 1)
    assert.equal("\r\n", body:sub(first + size, first + size + 1))
    position = first + size + 2
  end
end

function raw_client.dechunk(body)
  return table.concat(raw_client.chunks_of(body))
end

function raw_client.eventually(condition, seconds)
  local deadline = socket.gettime() + (seconds or 10)
  repeat
    if condition() then
      return true
    end
    socket.sleep(0.02)
  until socket.gettime() > deadline
  return false
end

return raw_client
