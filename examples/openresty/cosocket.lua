--- The same answer by a socket of nginx's own: all that is taken from the library is JSON and the
--- decoder of event streams. Retries, timeouts, proxies and errors are the writer's.

local anthropic = require "anthropic"
local chat = require "chat"
local sse = require "anthropic.sse"

local cosocket = {}

local function environment(name, default)
  local value = os.getenv(name)
  return value and value ~= "" and value or default
end

local BASE_URL = environment("ANTHROPIC_BASE_URL", "https://api.anthropic.com")
local API_KEY = environment("ANTHROPIC_API_KEY", "")

local function connect()
  local scheme, host, port, path = BASE_URL:match "^(https?)://([^:/]+):?(%d*)(.-)/?$"
  local socket = ngx.socket.tcp()
  socket:settimeouts(30000, 30000, 300000)
  assert(socket:connect(host, tonumber(port) or scheme == "https" and 443 or 80))
  if scheme == "https" then
    assert(socket:sslhandshake(nil, host, true))
  end
  return socket, host, path .. "/v1/messages"
end

local function request(socket, host, path, body)
  assert(socket:send {
    "POST ", path, " HTTP/1.1\r\nHost: ", host, "\r\nConnection: close\r\nContent-Type: application/json\r\n",
    "anthropic-version: 2023-06-01\r\nx-api-key: ", API_KEY, "\r\n",
    "Content-Length: ", #body, "\r\n\r\n", body,
  })
end

local function read_head(socket)
  local status = tonumber(assert(socket:receive "*l"):match "^HTTP/%S+ (%d+)")
  local is_chunked = false
  for line in function() return assert(socket:receive "*l") end do
    if line == "" then
      return status, is_chunked
    end
    is_chunked = is_chunked or line:lower():find "^transfer%-encoding:.*chunked" ~= nil
  end
end

-- The next bytes of the body; nil at its end.
local function read_some(socket, is_chunked)
  if not is_chunked then
    return (socket:receiveany(65536))
  end
  local size = tonumber(assert(socket:receive "*l"):match "^%x+", 16)
  local bytes = size > 0 and assert(socket:receive(size)) or nil
  assert(socket:receive "*l")
  return bytes
end

function cosocket.answer()
  local body = assert(anthropic.encode {
    model = "claude-sonnet-5-5",
    max_tokens = 8000,
    stream = true,
    messages = chat.messages() or ngx.exit(ngx.HTTP_BAD_REQUEST),
  })
  local socket, host, path = connect()
  request(socket, host, path, body)
  local status, is_chunked = read_head(socket)
  ngx.status = status
  ngx.header.content_type = "text/plain; charset=utf-8"
  local decoder = sse.decoder()
  for bytes in function() return read_some(socket, is_chunked) end do
    assert(decoder:feed(bytes))
    for event in function() return decoder:next() end do
      local data = anthropic.decode(event.data)
      if event.event == "content_block_delta" and data.delta.type == "text_delta" then
        ngx.print(data.delta.text)
        ngx.flush(true)
      end
    end
  end
  socket:close()
end

return cosocket
