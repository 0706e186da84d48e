-- Answers every request over TLS with one body, for so many seconds (60), by one version of the
-- protocol (any): lua tls_server.lua log certificate key body [seconds [protocol [authority]]]
-- With an authority it asks for a certificate of that.
-- Logs each request's head, and each failed handshake.

local socket = require "socket"
local ssl = require "ssl"

local log_path, certificate, key, body, lifetime, protocol, authority = ...
protocol = protocol ~= "" and protocol or nil
local log = assert(io.open(log_path, "a"))
log:setvbuf "no"

local context = assert(ssl.newcontext {
  mode = "server", protocol = protocol or "any", certificate = certificate, key = key,
  verify = authority and { "peer", "fail_if_no_peer_cert" } or "none", cafile = authority,
  options = { "all" }, ciphers = protocol and "ALL:@SECLEVEL=0", -- OpenSSL's own rule for old protocols
})
local listener = assert(socket.bind("127.0.0.1", 0))
print((select(2, listener:getsockname())))
io.stdout:flush()

local function serve(client)
  local length, head = 0, {}
  repeat
    local line = client:receive "*l"
    if not line then
      return
    end
    head[#head + 1] = line
    length = tonumber(line:lower():match "^content%-length: (%d+)") or length
  until line == ""
  log:write(table.concat(head, "\n"), "\n")
  if length > 0 then
    client:receive(length)
  end
  client:send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
    .. ("Content-Length: %d\r\n\r\n"):format(#body) .. body)
end

local deadline = socket.gettime() + tonumber(lifetime or 60)
while socket.gettime() < deadline do
  listener:settimeout(1)
  local plain = listener:accept()
  if plain then
    plain:settimeout(5)
    local client = assert(ssl.wrap(plain, context))
    client:settimeout(5)
    local ok, problem = client:dohandshake()
    if ok then
      serve(client)
    else
      log:write("handshake failed: ", tostring(problem), "\n")
    end
    client:close()
  end
end
