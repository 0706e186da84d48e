-- nginx with its Lua module, in a directory of its own, by an unprivileged user where the specs are
-- run by root. The library is copied there: the user may not be able to read this tree.
--
--     local nginx = require("spec.support.nginx").start { server = "location /ping { return 200; }" }
--     nginx.url, nginx.port, nginx:get("/ping"), nginx:errors()
--     nginx:stop()

local background = require "spec.support.background"
local http = require "socket.http"
local socket = require "socket"

local nginx = {}
nginx.__index = nginx

local CONFIGURATION = [[
load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
daemon off;
worker_processes $workers;
pid nginx.pid;
error_log error.log notice;
$main
events { worker_connections $connections; }
http {
  access_log off;
  client_body_temp_path temporary;
  proxy_temp_path temporary;
  fastcgi_temp_path temporary;
  uwsgi_temp_path temporary;
  scgi_temp_path temporary;
  lua_package_path "$root/lua/?.lua;$root/lua/?/init.lua;;";
  lua_package_cpath "$root/build/luajit/?.so;;";
  $http
  server {
    listen 127.0.0.1:$port;
    $server
  }
}
]]

http.TIMEOUT = 60

local LIFETIME = 120 -- seconds, whatever becomes of the spec

local function is_root()
  return background.output_of "id -u" == "0\n"
end

--- Whether nginx and its Lua module are installed; nil and the reason where they are not.
function nginx.is_installed()
  local _, code = background.output_of("PATH=$PATH:/usr/sbin command -v nginx >/dev/null && "
    .. "test -e /usr/lib/nginx/modules/ngx_http_lua_module.so")
  if code == 0 then
    return true
  end
  return nil, "nginx and libnginx-mod-http-lua are not installed"
end

-- A tree that nginx can read: the library, built for LuaJIT, the examples and the hosts' scenarios.
local function make_tree()
  local root = background.make_directory()
  local _, code = background.output_of(([[
    mkdir -p ROOT/build/luajit/anthropic ROOT/build/openresty ROOT/examples &&
    cp -r lua ROOT/lua && cp build/luajit/anthropic/core.so ROOT/build/luajit/anthropic/ &&
    cp -r examples/openresty ROOT/examples/ &&
    cp spec/support/host_scenarios.lua spec/support/disturbances.lua ROOT/lua/ &&
    chmod -R a+rX ROOT && if [ "$(id -u)" = 0 ]; then chown -R nobody ROOT; fi]]):gsub("ROOT", root))
  assert(code == 0, "the library is not built for LuaJIT")
  return root
end

local function start(root, port, configuration, parts)
  local prefix = root .. "/build/openresty"
  background.write_file(prefix .. "/nginx.conf", configuration)
  local as_nobody = is_root() and "setpriv --reuid=nobody --regid=nogroup --clear-groups" or ""
  os.execute(("PATH=$PATH:/usr/sbin; timeout %d env %s %s %s nginx -p %s -c %s/nginx.conf >%s/output 2>&1 &")
    :format(LIFETIME, parts.environment or "", parts.runner or "", as_nobody, prefix, prefix, prefix))
  for _ = 1, 250 do
    local client = socket.connect("127.0.0.1", port)
    if client then
      client:close()
      return setmetatable({
        root = root, prefix = prefix, port = port, url = "http://127.0.0.1:" .. port,
      }, nginx)
    end
    socket.sleep(0.02)
  end
  error("nginx has not started: " .. background.read_file(prefix .. "/output"))
end

--- Starts nginx with a configuration's parts: `main`, `http`, `server`; `workers`, default 1;
--- `connections` of each worker, default 1024; `environment`: assignments; `runner`: a command that runs it.
function nginx.start(parts)
  local root, port = make_tree(), background.free_port()
  return start(root, port, (CONFIGURATION:gsub("%$(%l+)", {
    root = root,
    port = port,
    workers = parts.workers or 1,
    connections = parts.connections or 1024,
    main = parts.main or "",
    http = parts.http or "",
    server = parts.server or "",
  })), parts)
end

--- Starts an example's own configuration, at another port.
---@param parts { environment: string, name?: string } name: of the file, default "nginx.conf"
function nginx.start_example(parts)
  local root, port = make_tree(), background.free_port()
  local configuration = background.read_file("examples/openresty/" .. (parts.name or "nginx.conf"))
  configuration = configuration:gsub("127%.0%.0%.1:808[01]", "127.0.0.1:" .. port)
    :gsub("error_log stderr", "error_log error.log")
  return start(root, port, configuration, parts)
end

--- The answer to a GET: body, status.
function nginx:get(path)
  return http.request(self.url .. path)
end

--- Asks for the path and leaves the answer to be read.
function nginx:open(path)
  local client = assert(socket.connect("127.0.0.1", self.port))
  client:settimeout(10)
  assert(client:send("GET " .. path .. " HTTP/1.0\r\nHost: test\r\n\r\n"))
  return client
end

function nginx:signal(name)
  os.execute(("kill -s %s $(cat %s/nginx.pid)"):format(name, self.prefix))
end

--- The process ids of the workers, those that are about to leave included.
function nginx:workers()
  local list = {}
  for pid in background.output_of(("pgrep -P $(cat %s/nginx.pid)"):format(self.prefix)):gmatch "[^\n]+" do
    if tonumber(pid) then
      list[#list + 1] = tonumber(pid)
    end
  end
  return list
end

--- The process' CPU time so far, in seconds, of all its threads.
function nginx.cpu_seconds(pid)
  local total = 0
  for runtime in background.output_of(("cat /proc/%d/task/*/schedstat"):format(pid)):gmatch "(%d+) %d+ %d+\n" do
    total = total + tonumber(runtime) / 1e9
  end
  return total
end

--- The error log.
function nginx:log()
  return background.read_file(self.prefix .. "/error.log")
end

--- What it complains of.
function nginx:errors()
  local lines = {}
  for line in self:log():gmatch "[^\n]+" do
    if not line:find("[notice]", 1, true) and not line:find("[info]", 1, true) then
      lines[#lines + 1] = line
    end
  end
  return table.concat(lines, "\n")
end

--- Ends it and waits until it is gone; then returns all that it complained of.
function nginx:stop()
  self:signal "TERM"
  local deadline = socket.gettime() + 5
  while background.read_file(self.prefix .. "/nginx.pid") ~= "" and socket.gettime() < deadline do
    socket.sleep(0.02)
  end
  local errors = self:errors()
  os.execute("rm -r " .. background.quote(self.root))
  return errors
end

return nginx
