-- What streams through nginx cost: CPU time of the worker, delay, memory. After `make`, `make LUA=luajit` and `make
-- build/stream_load`:
--
--     eval "$(make -s env)"
--     LUA_PATH="./?.lua;$LUA_PATH" lua5.4 bench/nginx_streams.lua WAY [STREAMS] [EVENTS] [MILLISECONDS] [DIRECTIVES]
--
-- WAY: raw (raw_events), text (text_deltas), pass (proxy_pass), cosocket (anthropic.reader on a socket of nginx's),
-- sleep (no service: what a request of nginx's Lua module holds), or tls-1.1, tls-2 (raw, by TLS to an nginx before the
-- service, in that version).

local background = require "spec.support.background"
local certificates = require "spec.support.certificates"
local nginx = require "spec.support.nginx"
local socket = require "socket"
local stream_load = require "spec.support.stream_load"
local testing = require "anthropic.testing"

local way, streams, events, milliseconds, directives = ...
streams, events, milliseconds = tonumber(streams or 100), tonumber(events or 200), tonumber(milliseconds or 50)

local HTTP = [[
  lua_http10_buffering off;
  init_by_lua_block {
    local anthropic = require "anthropic"
    client = anthropic.new {
      api_key = "a key", max_retries = 0, ca_file = os.getenv "CA_FILE", http_version = os.getenv "VERSION",
    }
    params = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } } }
    function relay(base_url)
      local stream = assert(client.messages.stream(params, { base_url = base_url }))
      for bytes in stream:raw_events() do
        ngx.print(bytes)
        if not ngx.flush(true) then
          return
        end
      end
    end
  }
]]

-- KiB of Lua's heap, and of what was allocated elsewhere (nginx, libcurl, the core).
local MEMORY = [[ content_by_lua_block {
  local ffi = require "ffi"
  pcall(ffi.cdef, "struct mallinfo2 { size_t fields[10]; }; struct mallinfo2 mallinfo2(void);")
  local function heaps()
    local info = ffi.C.mallinfo2() -- fields: hblkhd, uordblks
    return collectgarbage "count", (tonumber(info.fields[4]) + tonumber(info.fields[7])) / 1024
  end
  local with_garbage = heaps()
  collectgarbage()
  collectgarbage()
  local lua, other = heaps()
  ngx.print(("%.1f %.1f %.1f"):format(with_garbage, lua, other))
} ]]

local WAYS = {
  raw = [[ content_by_lua_block { relay("http://127.0.0.1:" .. ngx.var.args) } ]],
  tls = [[ content_by_lua_block { relay("https://127.0.0.1:" .. os.getenv "FRONT") } ]],
  text = [[ content_by_lua_block {
    local stream = assert(client.messages.stream(params, { base_url = "http://127.0.0.1:" .. ngx.var.args }))
    for text in stream:text_deltas() do
      ngx.print(text)
      if not ngx.flush(true) then
        return
      end
    end
  } ]],
  pass = [[
    proxy_method POST; proxy_set_body '{}'; proxy_buffering off; proxy_http_version 1.1;
    proxy_pass http://127.0.0.1:$args/v1/messages;
  ]],
  sleep = [[ content_by_lua_block {
    for _ = 1, 100 do
      ngx.print(": nothing\n\n")
      ngx.flush(true)
      ngx.sleep(0.1)
    end
  } ]],
  cosocket = [[ content_by_lua_block {
    local sock = ngx.socket.tcp()
    assert(sock:connect("127.0.0.1", tonumber(ngx.var.args)))
    local body = '{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"Hello"}]}'
    sock:send("POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body)
    local is_chunked = false
    local line = sock:receive "*l"
    while line ~= "" do
      is_chunked = is_chunked or line:lower():find "^transfer%-encoding: chunked" ~= nil
      line = sock:receive "*l"
    end
    local headers = { ["content-type"] = "text/event-stream" }
    local reader = require("anthropic.reader").new { status = 200, headers = headers }
    local function hand_on(bytes)
      reader:feed(bytes)
      while reader:next() do end
      ngx.print(bytes)
      ngx.flush(true)
    end
    while true do
      if is_chunked then
        local size = tonumber(sock:receive "*l", 16)
        if size == 0 then break end
        hand_on(sock:receive(size))
        sock:receive(2)
      else
        local bytes = sock:receiveany(65536)
        if not bytes then break end
        hand_on(bytes)
      end
    end
  } ]],
}

local FRONT = [[
daemon off; master_process off; pid $directory/nginx.pid; error_log $directory/nginx.log;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path $directory/t1; proxy_temp_path $directory/t2; fastcgi_temp_path $directory/t3;
  uwsgi_temp_path $directory/t4; scgi_temp_path $directory/t5;
  server {
    listen 127.0.0.1:$port ssl http2;
    ssl_certificate $directory/here.crt; ssl_certificate_key $directory/here.key;
    location / {
      proxy_pass http://127.0.0.1:$upstream; proxy_http_version 1.1; proxy_buffering off;
    }
  }
}
]]

local function resident(pid)
  return tonumber(background.read_file(("/proc/%d/status"):format(pid)):match "VmRSS:%s+(%d+)")
end

local function connections_to(pid, port)
  local command = "ss -Htnp state established dport = :%d | grep -c pid=%d,"
  return tonumber((background.output_of(command:format(port, pid))))
end

local version = way:match "^tls%-(.*)"
local runner = stream_load.first_on_the_machine()
local environment, front, front_port, directory = "", nil, nil, nil
if version then
  directory = assert(certificates.make())
  background.output_of("chmod -R a+rX " .. directory)
  front_port = background.free_port()
  environment = ("VERSION=%s CA_FILE=%s/ca.crt FRONT=%d"):format(version, directory, front_port)
end
local server = nginx.start {
  environment = environment, runner = runner, http = HTTP .. (directives or ""),
  main = "env VERSION; env CA_FILE; env FRONT; worker_rlimit_nofile 8192;", connections = 4 * streams + 100,
  server = "location /ping { return 200; } location /memory { " .. MEMORY .. " } location /stream { "
    .. WAYS[version and "tls" or way] .. " }",
}
local function heaps()
  return { server:get("/memory"):match "(%S+) (%S+) (%S+)" }
end
-- The first stream of a worker loads the modules: what it leaves behind is no stream's.
if not version then
  local service = testing.server { script = testing.stream { text = "first" } }
  server:get("/stream?" .. service.port)
  service:stop()
end
local first_heaps = heaps()
local worker = server:workers()[1]
local before, memory = server.cpu_seconds(worker), resident(worker)
local function start_front(upstream)
  local values = { directory = directory, port = front_port, upstream = upstream }
  background.write_file(directory .. "/nginx.conf", (FRONT:gsub("%$(%l+)%f[^%l_]", values)))
  front = background.serve("nginx -p " .. directory .. " -c " .. directory .. "/nginx.conf", front_port)
end
local load = stream_load.begin {
  port = server.port, streams = streams, milliseconds = milliseconds, events = events, runner = runner,
  before = version and start_front,
}
local seconds = events * milliseconds / 1000
local middle = {}
for i = 1, 4 do
  socket.sleep(seconds / 5)
  middle[i] = resident(worker)
end
local last_heaps = heaps()
local connections = version and connections_to(worker, front_port)
local results = load:results()
print(("%s: %d streams, %d events each every %d ms; %d finished"):format(way, streams, events, milliseconds,
  results.finished))
print(("  CPU for 1,000 events: %.1f ms"):format((server.cpu_seconds(worker) - before) * 1e6 / (streams * events)))
if results.late_count then
  print(("  an event later by %.2f ms at the median, %.2f at the 99th percentile; a ping takes %.2f and %.2f")
    :format(results.late_median, results.late_99, results.ping_median, results.ping_99))
end
print(("  KiB of a stream in the worker, at 1/5, 2/5, 3/5, 4/5: %.1f %.1f %.1f %.1f"):format(
  (middle[1] - memory) / streams, (middle[2] - memory) / streams, (middle[3] - memory) / streams,
  (middle[4] - memory) / streams))
print(("  at 4/5 Lua's heap is %.1f of it, after a collection %.1f; other allocations are %.1f"):format(
  (last_heaps[1] - first_heaps[1]) / streams, (last_heaps[2] - first_heaps[2]) / streams,
  (last_heaps[3] - first_heaps[3]) / streams))
if connections then
  print(("  connections to the service: %d"):format(connections))
end
print(server:stop():sub(1, 300))
if front then
  front:stop()
  certificates.remove(directory)
end
