-- The library inside nginx with its Lua module.

local anthropic = require "anthropic"
local background = require "spec.support.background"
local disturbances = require "spec.support.disturbances"
local host_scenarios = require "spec.support.host_scenarios"
local nginx = require "spec.support.nginx"
local raw_client = require "spec.support.raw_client"
local socket = require "socket"
local stream_load = require "spec.support.stream_load"
local testing = require "anthropic.testing"

local is_installed, why_not = nginx.is_installed()

local HTTP = [[
  lua_http10_buffering off;
  init_by_lua_block {
    local anthropic = require "anthropic"
    SERVICE = os.getenv "SERVICE"
    client = anthropic.new { api_key = "a key of a test", base_url = SERVICE, max_retries = 0 }
    require("anthropic.loop").core():fd() -- so that the workers have to leave the master's alone
    params = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } } }
    function ask()
      local message, err = client.messages.create(params)
      return message and message:text() or tostring(err)
    end
    at_hang, at_slow = { base_url = SERVICE .. "/hang" }, { base_url = SERVICE .. "/slow" }
    in_init = select(2, pcall(ask))
  }
]]

-- The text of a stream as it comes, from the service whose port is the query.
local STREAM = [[
  location /ping { return 200; }
  location /active { content_by_lua_block {
    ngx.print(require("anthropic.loop").core():active())
  } }
  location /stream { content_by_lua_block {
    local stream = assert(client.messages.stream(params, { base_url = "http://127.0.0.1:" .. ngx.var.args }))
    for text in stream:text_deltas() do
      ngx.print(text)
      if not ngx.flush(true) then
        return
      end
    end
  } }
]]

local function eventually(condition, seconds)
  assert.is_true(raw_client.eventually(condition, seconds))
end

local describe_nginx = is_installed and describe or function(name)
  describe(name, function()
    it("is tested where it is installed", function() pending(why_not) end)
  end)
end

describe_nginx("nginx", function()
  local service, server

  setup(function()
    background.output_of "make -s LUA=luajit >&2 && make -s build/stream_load >&2"
  end)

  before_each(function()
    service = testing.server { script = { routes = {
      { path = "/hang/v1/messages", answers = { { hang = true } } },
      { path = "/slow/v1/messages", answers = { testing.stream { text = ("word "):rep(400), delay_between = 0.05 } } },
      { path = "/stall/v1/messages", answers = { testing.stream { text = ("word "):rep(400), hang_after = 40000 } } },
      { path = "/v1/messages", body_contains = '"stream":true', answers = {
        testing.stream { text = "Hello there!", delay_between = 0.02 },
      } },
      { path = "/v1/messages", answers = { testing.message { text = "Hello!" } } },
    } } }
  end)

  after_each(function()
    service:stop()
    if server then
      server:stop()
      server = nil
    end
  end)

  local function start(parts)
    parts.environment = "SERVICE=" .. service.url
    parts.main = "env SERVICE;" .. (parts.main or "")
    parts.http = HTTP .. (parts.http or "")
    server = nginx.start(parts)
    return server
  end

  local function stop_without_complaint()
    local errors = server:stop()
    server = nil
    assert.equal("", errors)
  end

  local function answer_of(path)
    local body, status = server:get(path)
    assert.equal(200, status, body)
    return body
  end

  it("gives what a plain program gives", function()
    local plain, hosted = host_scenarios.server(), host_scenarios.server()
    start { server = [[ location / { content_by_lua_block {
      ngx.print(require("host_scenarios").run(ngx.var.arg_service))
    } } ]] }
    local expected = anthropic.run(host_scenarios.run, plain.url)
    assert.equal(expected, answer_of("/?service=" .. hosted.url))
    plain:stop()
    hosted:stop()
    stop_without_complaint()
  end)

  it("refuses a wait that cannot be suspended, wakes in vain, and leaves nothing of one that broke off", function()
    local disturbed = disturbances.server()
    start { server = [[ location / { content_by_lua_block {
      local semaphore = require "ngx.semaphore"
      local methods = getmetatable(semaphore.new(0)).__index
      local disturb = require("disturbances")[ngx.var.arg_what]
      local results = disturb(require "anthropic", ngx.var.arg_service, methods, "wait")
      ngx.print(require("anthropic").encode(results))
    } } ]] }
    for _, what in ipairs { "calls", "wake_ups", "errors" } do
      local seen = anthropic.decode(answer_of(("/?what=%s&service=%s"):format(what, disturbed.url)))
      assert.same(disturbances.expected(what, "luajit"), seen)
    end
    disturbed:stop()
    stop_without_complaint()
  end)

  it("serves others while a command brings the key", function()
    start { server = [[
      location /ping { return 200; }
      location / { content_by_lua_block {
        local client = require("anthropic").new { base_url = SERVICE, max_retries = 0, api_key = {
          command = { "sh", "-c", ngx.var.arg_quick and "echo hush >&2; exit 3" or "echo hush >&2; sleep 1; echo key" },
        } }
        local message, err = client.messages.create(params)
        ngx.print(message and message:text() or tostring(err))
      } }
    ]] }
    local waiting = server:open "/"
    answer_of "/ping"
    waiting:settimeout(0)
    assert.is_nil(waiting:receive(1))
    waiting:settimeout(10)
    assert.matches("Hello!$", waiting:receive "*a")
    assert.equal('anthropic: invalid_request error: api_key: the command "sh" failed with status 3',
      answer_of "/?quick=yes")
    stop_without_complaint()
  end)

  it("can wait while it rewrites, checks access, makes content, and in timers", function()
    start {
      http = "lua_shared_dict results 1m;",
      server = [[
        location /server_rewrite { return 200; }
        location /rewrite { rewrite_by_lua_block { ngx.print(ask()) ngx.exit(200) } }
        location /access { access_by_lua_block { ngx.print(ask()) ngx.exit(200) } }
        location /content { content_by_lua_block { ngx.print(ask()) } }
        location /timer { content_by_lua_block {
          ngx.timer.at(0, function() ngx.shared.results:set("timer", ask()) end)
          repeat
            ngx.sleep(0.01)
          until ngx.shared.results:get "timer"
          ngx.print(ngx.shared.results:get "timer")
        } }
        location /threads { content_by_lua_block {
          local one, two = ngx.thread.spawn(ask), ngx.thread.spawn(ask)
          ngx.print(select(2, ngx.thread.wait(one)), select(2, ngx.thread.wait(two)))
        } }
        location /coroutine { content_by_lua_block { ngx.print(coroutine.wrap(ask)()) } }
        location /pcall { content_by_lua_block { ngx.print(select(2, pcall(ask))) } }
        location /iterator { content_by_lua_block {
          for text in assert(client.messages.stream(params)):text_deltas() do
            ngx.print(text)
          end
        } }
      ]],
    }
    for _, path in ipairs { "/rewrite", "/access", "/content", "/timer", "/coroutine", "/pcall" } do
      assert.equal("Hello!", answer_of(path), path)
    end
    assert.equal("Hello!Hello!", answer_of "/threads")
    assert.equal("Hello there!", answer_of "/iterator")
    stop_without_complaint()
  end)

  it("can wait while it chooses a certificate", function()
    local certificates = require "spec.support.certificates"
    local directory = assert(certificates.make())
    local port = background.free_port()
    background.output_of("chmod a+rx " .. directory .. " && chmod a+r " .. directory .. "/*")
    start { http = ([[
      lua_shared_dict results 1m;
      server {
        listen 127.0.0.1:%d ssl;
        ssl_certificate %s/here.crt;
        ssl_certificate_key %s/here.key;
        ssl_certificate_by_lua_block { ngx.shared.results:set("answer", ask()) }
        location / { content_by_lua_block { ngx.print(ngx.shared.results:get "answer") } }
      }
    ]]):format(port, directory, directory) }
    local body = require("ssl.https").request(("https://127.0.0.1:%d/"):format(port))
    assert.equal("Hello!", body)
    certificates.remove(directory)
    stop_without_complaint()
  end)

  it("says where it cannot wait, before anything is sent", function()
    start {
      http = [[
        lua_shared_dict results 1m;
        init_worker_by_lua_block {
          ngx.shared.results:set("init_worker", (select(2, pcall(ask))))
        }
        upstream balanced {
          server 127.0.0.1:1;
          balancer_by_lua_block {
            ngx.shared.results:set("balancer", (select(2, pcall(ask))))
            assert(require("ngx.balancer").set_current_peer("127.0.0.1", tonumber(ngx.var.server_port)))
          }
        }
      ]],
      server = [[
        location /ping { return 200; }
        location /set {
          set_by_lua_block $answer { return (select(2, pcall(ask))) }
          content_by_lua_block { ngx.shared.results:set("set", ngx.var.answer) }
        }
        location /filters {
          content_by_lua_block { ngx.print("content") }
          header_filter_by_lua_block { ngx.shared.results:set("header_filter", (select(2, pcall(ask)))) }
          body_filter_by_lua_block { ngx.shared.results:set("body_filter", (select(2, pcall(ask)))) }
          log_by_lua_block {
            ngx.shared.results:set("log", (select(2, pcall(ask))))
            ngx.shared.results:set("spawn", (select(2, pcall(require("anthropic").spawn, ask))))
          }
        }
        location /balancer { rewrite ^ /ping break; proxy_pass http://balanced; }
        location /results { content_by_lua_block { ngx.print(ngx.shared.results:get(ngx.var.args)) } }
      ]],
    }
    server:get "/set"
    server:get "/filters"
    server:get "/balancer"
    for _, phase in ipairs { "init_worker", "set", "header_filter", "body_filter", "log", "balancer" } do
      assert.equal(('nginx cannot wait in its phase "%s": make the request in a timer, ngx.timer.at(0, ...)')
        :format(phase), (answer_of("/results?" .. phase)))
    end
    assert.matches('phase "log"', (answer_of "/results?spawn"))
    assert.equal(0, #service:requests())
    stop_without_complaint()
  end)

  it("says so while it reads its configuration", function()
    start { server = "location / { content_by_lua_block { ngx.print(in_init) } }" }
    assert.equal('nginx cannot wait in its phase "init": make the request in a timer, ngx.timer.at(0, ...)'
      .. " of init_worker_by_lua", (answer_of "/"))
    stop_without_complaint()
  end)

  it("shares a client that the master made, and its connections, among the requests of a worker", function()
    start { workers = 2, server = [[ location /ask { content_by_lua_block {
      ngx.header.worker = ngx.worker.pid()
      ngx.print(ask())
    } } ]] }
    local workers, count = {}, 0
    eventually(function()
      local body, _, headers = server:get "/ask"
      assert.equal("Hello!", body)
      count = count + (workers[headers.worker] and 0 or 1)
      workers[headers.worker] = true
      return count == 2
    end)
    assert.is_true(service:connections().opened <= 4)
    assert.is_true(#service:requests() >= 2)
    stop_without_complaint()
  end)

  it("keeps no memory of tasks that have ended", function()
    start { server = [[ location / { content_by_lua_block {
      local anthropic = require "anthropic"
      local function spawn_many()
        for _ = 1, 2000 do
          anthropic.spawn(function() end):join()
        end
        collectgarbage()
        collectgarbage()
        return collectgarbage "count"
      end
      local before = spawn_many()
      ngx.print(spawn_many() - before)
    } } ]] }
    assert.is_true(tonumber((answer_of "/")) < 200)
    stop_without_complaint()
  end)

  describe("frees the connection of a request whose browser hangs up", function()
    -- The seconds that it takes, with the code of the location.
    local function seconds_to_free(code, parts)
      parts = parts or {}
      parts.server = ("%s %s location /request { lua_check_client_abort on; content_by_lua_block { %s } }")
        :format(STREAM, parts.server or "", code)
      start(parts)
      local browser = server:open "/request"
      eventually(function() return service:connections().open == 1 end)
      socket.sleep(0.2)
      assert.equal("1", (answer_of "/active"))
      browser:close()
      local began = socket.gettime()
      eventually(function() return service:connections().open == 0 end)
      assert.equal("0", (answer_of "/active"))
      return socket.gettime() - began
    end

    it("while it waits for an answer", function()
      assert.is_true(seconds_to_free "client.messages.create(params, at_hang)" < 1)
      stop_without_complaint()
    end)

    it("while it waits for a task", function()
      assert.is_true(seconds_to_free [[
        local anthropic = require "anthropic"
        anthropic.run(function()
          anthropic.spawn(function() client.messages.create(params, at_hang) end):join()
        end)
      ]] < 1)
      stop_without_complaint()
    end)

    it("by the request's own on_abort", function()
      assert.is_true(seconds_to_free [[
        local stream = assert(client.messages.stream(params, at_slow))
        ngx.on_abort(function()
          stream:close()
          ngx.exit(499)
        end)
        stream:message()
      ]] < 1)
      stop_without_complaint()
    end)

    it("while it waits for a stream that calls back", function()
      assert.is_true(seconds_to_free [[
        client.messages.stream(params, { base_url = at_slow.base_url, on_text = function() end })
      ]] < 1)
      stop_without_complaint()
    end)

    it("while it is busy with something else", function()
      seconds_to_free [[
        local stream = assert(client.messages.stream(params, at_slow))
        stream:next()
        ngx.sleep(60)
        stream:close()
      ]]
      stop_without_complaint()
    end)
  end)

  it("frees the connection of a stream that a request left behind", function()
    start { server = STREAM .. [[ location /leave { content_by_lua_block {
      local count = 0
      for _ in assert(client.messages.stream(params, { base_url = SERVICE .. "/stall" })):text_deltas() do
        count = count + 1
        if count == 200 then
          break
        end
      end
      ngx.sleep(1)
    } } ]] }
    for _ = 1, 3 do
      answer_of "/leave"
      eventually(function() return service:connections().open == 0 end)
    end
    stop_without_complaint()
  end)

  it("frees the connections of 100 streams whose browsers hang up, told of it or not", function()
    for _, directive in ipairs { "lua_check_client_abort on;", "lua_check_client_abort off;" } do
      start { http = directive, server = STREAM }
      local results = stream_load.begin {
        port = server.port, streams = 100, milliseconds = 50, events = 200, abort_after = 2,
      }:results()
      assert.equal(100, results.connections)
      assert.is_true(results.freed < 1000, directive .. results.freed)
      stop_without_complaint()
    end
  end)

  it("loses no stream when it is reloaded, and the old worker leaves", function()
    start { server = STREAM .. [[ location /later { content_by_lua_block {
      ngx.sleep(1.5)
      ngx.print(ask())
    } } ]] }
    local old = server:workers()[1]
    local later = server:open "/later" -- its worker has asked for nothing when it is told to leave
    socket.sleep(0.3)
    server:signal "HUP"
    eventually(function() return #server:workers() == 2 end)
    assert.matches("Hello!$", raw_client.read_to_end(later))
    eventually(function() return #server:workers() == 1 end)
    assert.is_not.equal(old, server:workers()[1])

    local load = stream_load.begin { port = server.port, streams = 50, milliseconds = 50, events = 60 }
    socket.sleep(1.5)
    server:signal "HUP"
    local results = load:results()
    assert.equal(50, results.finished)
    assert.equal(50 * 60, results.late_count)
    eventually(function() return #server:workers() == 1 end, 3)
    stop_without_complaint()
  end)

  it("ends at once when it is told to, with streams under way", function()
    start { server = STREAM }
    local load = stream_load.begin { port = server.port, streams = 20, milliseconds = 50, events = 60 }
    socket.sleep(1.5)
    local began = socket.gettime()
    stop_without_complaint()
    assert.is_true(socket.gettime() - began < 3)
    load.process:stop()
  end)

  for name, directives in pairs {
    ["as many timers run as may"] = [[
      lua_max_running_timers 1;
      init_worker_by_lua_block { ngx.timer.at(0, function() ngx.sleep(3600) end) } ]],
    ["as many timers are pending as may"] = [[
      lua_max_pending_timers 1;
      init_worker_by_lua_block { ngx.timer.at(3600, function() end) } ]],
  } do
    it("goes on streaming when " .. name, function()
      start { http = directives, server = STREAM }
      local results = stream_load.begin { port = server.port, streams = 20, milliseconds = 50, events = 20 }:results()
      assert.equal(20, results.finished)
      assert.equal(20 * 20, results.late_count)
      local errors = server:stop()
      server = nil
      for line in errors:gmatch "[^\n]+" do
        assert.matches("lua_max_running_timers are not enough", line)
      end
    end)
  end

  it("takes no time when nothing is asked for", function()
    start { server = STREAM .. "location /ask { content_by_lua_block { ngx.print(ask()) } }" }
    assert.equal("Hello!", (answer_of "/ask"))
    socket.sleep(1.5)
    local worker = server:workers()[1]
    local before = server.cpu_seconds(worker)
    socket.sleep(5)
    assert.is_true(server.cpu_seconds(worker) - before < 0.005)
    stop_without_complaint()
  end)

  it("adds little time to 200 streams, and to the other requests of their worker", function()
    -- The machine may be busy with something else: the best of three counts.
    local STREAMS, EVENTS = 200, 60
    local runner = stream_load.first_on_the_machine()
    local figures
    for _ = 1, 3 do
      start { server = STREAM, runner = runner }
      local results = stream_load.begin {
        port = server.port, streams = STREAMS, milliseconds = 50, events = EVENTS, runner = runner,
      }:results()
      assert.equal(STREAMS, results.connections)
      assert.equal(STREAMS, results.finished)
      assert.equal(STREAMS * EVENTS, results.late_count)
      stop_without_complaint()
      figures = ("%.2f ms at the median; a ping %.2f ms at the median, %.2f ms at the 99th percentile")
        :format(results.late_median, results.ping_median, results.ping_99)
      if results.late_median < 3 and results.ping_median < 1 and results.ping_99 < 10 then
        return
      end
    end
    error(figures, 0)
  end)
end)
