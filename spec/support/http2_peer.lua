-- A server of HTTP/2 (http2_server.lua) for transfers of the bare core.
--
--     local peer = http2_peer.serve("silent", "answer")
--     local transfer = peer:send(loop, { total_timeout = 5 }) -- which has arrived
--     peer:stop()

local certificates = require "spec.support.certificates"
local child = require "spec.support.child"
local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local socket = require "socket"

local http2_peer = {}
http2_peer.__index = http2_peer

--- Starts one. Each of its steps says how a request is answered.
function http2_peer.serve(...)
  local self = setmetatable({ directory = assert(certificates.make()) }, http2_peer)
  local here = self.directory .. "/here"
  self.server = child.start("spec/support/http2_server.lua", here .. ".crt", here .. ".key", ...)
  self.url = "https://127.0.0.1:" .. self.server.port .. "/"
  return self
end

--- The numbers of the connections on which requests have arrived, in their order.
function http2_peer:arrived()
  local numbers = {}
  for number in self.server:log():gmatch "(%d+) HTTP/%S+\n" do
    numbers[#numbers + 1] = tonumber(number)
  end
  return numbers
end

--- Starts a request.
function http2_peer:start(loop, options)
  local all = { method = "POST", url = self.url, body = "{}", http2 = true, ca_file = self.directory .. "/ca.crt" }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  return assert(loop:start(all))
end

--- Starts a request, and waits until it has arrived, or ended.
function http2_peer:send(loop, options)
  local before = #self:arrived()
  local transfer = self:start(loop, options)
  core_peer.run(loop, function()
    return #self:arrived() > before or transfer:done()
  end)
  return transfer
end

-- Whether bytes that it sent wait in the system; nil where that does not tell.
local function has_bytes(self)
  local file = io.open "/proc/net/tcp"
  local text = file and file:read "*a" or ""
  local waiting = file and file:close() and 0
  for port, count in text:gmatch "\n%s*%d+: %x+:%x+ %x+:(%x+) %x+ %x+:(%x+)" do
    waiting = tonumber(port, 16) == self.server.port and waiting + tonumber(count, 16) or waiting
  end
  return waiting and waiting > 0
end

--- Waits, without a step of the loop, until bytes that it sent are here; false where the system does not tell.
function http2_peer:await_bytes()
  local deadline = core.now() + 10
  while has_bytes(self) == false and core.now() < deadline do
    socket.sleep(0.002)
  end
  return has_bytes(self) or false
end

function http2_peer:stop()
  self.server:stop()
  certificates.remove(self.directory)
end

return http2_peer
