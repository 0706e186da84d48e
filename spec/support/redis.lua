-- Debian's redis-server on a free port, without a file of its own.
--
--     local redis = require("spec.support.redis").start()
--     redis.port
--     redis:stop()

local background = require "spec.support.background"
local socket = require "socket"

local redis = {}
redis.__index = redis

local LIFETIME = 120 -- seconds, whatever becomes of the spec

--- Whether it is installed, with its client for nginx; nil and the reason where it is not.
function redis.is_installed()
  local client = "/usr/share/lua/5.1/nginx/redis.lua"
  local _, code = background.output_of("command -v redis-server >/dev/null && test -e " .. client)
  if code == 0 then
    return true
  end
  return nil, "redis-server and lua-nginx-redis are not installed"
end

---@param port? integer
function redis.start(port)
  port = port or background.free_port()
  os.execute(("timeout %d redis-server --port %d --bind 127.0.0.1 --save '' --appendonly no >/dev/null 2>&1 &")
    :format(LIFETIME, port))
  for _ = 1, 250 do
    local client = socket.connect("127.0.0.1", port)
    if client then
      client:close()
      return setmetatable({ port = port }, redis)
    end
    socket.sleep(0.02)
  end
  error "redis-server has not started"
end

function redis:stop()
  local client = socket.connect("127.0.0.1", self.port)
  if client then
    client:settimeout(5)
    client:send "SHUTDOWN NOSAVE\r\n"
    client:receive "*a"
    client:close()
  end
end

return redis
