-- HTTP/2 by nginx, in front of our own server: what a gateway makes of answers and faults.

local anthropic = require "anthropic"
local background = require "spec.support.background"
local certificates = require "spec.support.certificates"
local child = require "spec.support.child"
local core = require "anthropic.core"
local http = require "anthropic.http"
local libcurl = require "spec.support.libcurl"
local loop = require "anthropic.loop"
local service = require "spec.support.service"
local testing = require "anthropic.testing"

local params = service.params
local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

local CONFIGURATION = [[
daemon off; master_process off; pid $directory/nginx.pid; error_log $directory/nginx.log;
events { worker_connections 512; }
http {
  access_log off;
  client_body_temp_path $directory/t1; proxy_temp_path $directory/t2; fastcgi_temp_path $directory/t3;
  uwsgi_temp_path $directory/t4; scgi_temp_path $directory/t5;
  client_max_body_size 50m; keepalive_requests $requests;
  server {
    listen 127.0.0.1:$port ssl http2;
    ssl_certificate $directory/here.crt; ssl_certificate_key $directory/here.key;
    location / {
      proxy_pass http://127.0.0.1:$upstream; proxy_http_version 1.1; proxy_buffering off;
      add_header X-Protocol $server_protocol always;
    }
  }
}
]]

local _, missing = background.output_of "PATH=$PATH:/usr/sbin; command -v nginx >/dev/null"

describe("over HTTP/2 by nginx", function()
  local directory, proxy, url

  setup(function()
    directory = assert(certificates.make())
  end)

  teardown(function()
    certificates.remove(directory)
  end)

  before_each(function()
    service.environment {}
  end)

  after_each(function()
    service.clear()
    if proxy then
      proxy:stop()
      proxy = nil
    end
  end)

  local function serve(script, requests)
    local server = service.serve(script)
    local port = background.free_port()
    local values = { directory = directory, port = port, upstream = server.port, requests = requests or 1000 }
    local path = directory .. "/nginx.conf"
    background.write_file(path, (CONFIGURATION:gsub("%$(%l+)%f[^%l_]", values)))
    proxy = background.serve("nginx -p " .. directory .. " -c " .. path, port)
    url = "https://127.0.0.1:" .. port
    return server
  end

  local function new_client(options)
    local all = { base_url = url, ca_file = directory .. "/ca.crt", http_version = "2" }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    return service.client(nil, all)
  end

  local function spec(name, f)
    it(name, function()
      if missing ~= 0 then
        pending "nginx is missing"
        return
      end
      f()
    end)
  end

  local function read(client)
    local stream, err = client.messages.stream(params())
    if not stream then
      return nil, err
    end
    return stream:message()
  end

  spec("a message and a stream come", function()
    local server = serve { testing.message { text = "Hello!" }, testing.stream { text = "one two three" } }
    local client = new_client()
    local message = assert(client.messages.create(params()))
    assert.equal("Hello!", message:text())
    assert.equal("HTTP/2.0", message.response.headers["x-protocol"])
    message = assert(read(client))
    assert.equal("one two three", message:text())
    assert.is_true(message.response.timings.reused)
    assert.equal("Bearer " .. service.KEY, service.header(server:requests()[1], "authorization"))
  end)

  spec("1.1 is spoken where it is asked for, and where the server knows nothing else", function()
    serve(testing.message { text = "Hello!" })
    local message = assert(new_client({ http_version = "1.1" }).messages.create(params()))
    assert.equal("HTTP/1.1", message.response.headers["x-protocol"])
    local old = child.start("spec/support/tls_server.lua", directory .. "/here.crt", directory .. "/here.key",
      '{"type":"message","role":"assistant","content":[{"type":"text","text":"Hello!"}]}')
    local err
    message, err = new_client({ base_url = "https://127.0.0.1:" .. old.port }).messages.create(params())
    old:stop()
    assert.equal("Hello!", assert(message, tostring(err)):text())
  end)

  spec("it is spoken where another client left an idle connection of 1.1, and the other way round", function()
    serve(testing.message { text = "Hello!" })
    local spoken = {}
    for i, version in ipairs { "1.1", "2", "1.1", "2" } do
      local response = assert(new_client({ http_version = version }).messages.create(params())).response
      spoken[i] = response.headers["x-protocol"] .. (response.timings.reused and " again" or "")
    end
    assert.same({ "HTTP/1.1", "HTTP/2.0", "HTTP/1.1 again", "HTTP/2.0 again" }, spoken)
  end)

  spec("events come when they are sent", function()
    serve(testing.stream { text = "one two three", delay_between = 0.3 })
    local stream = assert(new_client().messages.stream(params()))
    local began = core.now()
    local first
    for _ in stream:text_deltas() do
      first = first or core.now() - began
    end
    local all = core.now() - began
    assert.is_true(all - first > 0.5, ("%g of %g"):format(first, all))
  end)

  spec("a body of 5 MB goes out whole", function()
    local server = serve(testing.message { text = "Hello!" })
    local text = ("0123456789"):rep(500000)
    assert(new_client().messages.create(params { messages = { { role = "user", content = text } } }))
    assert.equal(text, server:requests()[1].json.messages[1].content)
  end)

  spec("a cut stream is an error with what came, and the others of its connection go on", function()
    serve { routes = {
      { body_contains = "cut", answers = { testing.stream { text = ("one two "):rep(200), cut_after = 12000 } } },
      { answers = { testing.stream { text = "one two three four", delay_between = 0.1 } } },
    } }
    local client = new_client()
    local before = loop.core():connections()
    local cut, err
    anthropic.run(function()
      local tasks = {}
      for i = 1, 5 do
        tasks[i] = anthropic.spawn(function()
          return assert(read(client)):text()
        end)
      end
      anthropic.sleep(0.05)
      local stream = assert(client.messages.stream(params { metadata = { user_id = "cut" } }))
      cut, err = stream:message()
      assert.is_true(loop.core():connections() <= before + 1)
      for i = 1, 5 do
        assert.equal("one two three four", (tasks[i]:join()))
      end
    end)
    assert.is_nil(cut)
    assert.is_true(err.kind == "connection" or err.kind == "truncated", tostring(err))
    assert.matches("^one", err.partial:text())
    assert.equal(200, err.status)
    assert.equal(1, err.attempts)
  end)

  spec("a stream that is cut before its content is asked for again", function()
    serve { testing.stream { text = "one", cut_after = 30 }, testing.stream { text = "one two" } }
    local message = assert(read(new_client { max_retries = 1 }))
    assert.equal("one two", message:text())
    assert.equal(2, message.response.attempts)
  end)

  spec("an overload, and a server that is gone, are tried again", function()
    serve { testing.error { status = 529, retry_after = 0.01 }, { close = true }, testing.message { text = "Hello!" } }
    local message = assert(new_client({ max_retries = 2 }).messages.create(params()))
    assert.equal(3, message.response.attempts)
  end)

  spec("a connection that the server ends after some requests costs none of them", function()
    serve(testing.stream { text = "one two three" }, 5)
    local client = new_client { max_retries = 2 } -- a refused stream is one that was sent
    anthropic.run(function()
      local tasks = {}
      for i = 1, 40 do
        tasks[i] = anthropic.spawn(function()
          return assert(read(client)):text()
        end)
        if i % 10 == 0 then
          anthropic.sleep(0.05)
        end
      end
      for i = 1, 40 do
        assert.equal("one two three", (tasks[i]:join()))
      end
    end)
  end)

  spec("silence is a timeout, and a cancelled stream leaves the connection to the others", function()
    serve { routes = {
      { body_contains = "silent", answers = { testing.stream { text = "one two", hang_after = 700 } } },
      { answers = { testing.message { text = "Hello!" } } },
    } }
    local client = new_client()
    local silent = params { metadata = { user_id = "silent" } }
    local stream = assert(client.messages.stream(silent, { timeout = { idle = 0.4 } }))
    local message, err = stream:message()
    assert.is_nil(message)
    assert.equal("idle", err.timeout)
    assert.matches("^one", err.partial:text())
    stream = assert(client.messages.stream(silent))
    assert(stream:next())
    stream:close()
    message = assert(client.messages.create(params()))
    assert.is_true(message.response.timings.reused)
  end)
end)

describe("over HTTP/2, a request", function()
  local directory, server

  setup(function()
    directory = assert(certificates.make())
  end)

  teardown(function()
    certificates.remove(directory)
  end)

  before_each(function()
    service.environment {}
  end)

  local function stop()
    if server then
      server:stop()
      server = nil
    end
  end

  after_each(function()
    service.clear()
    stop()
  end)

  local infos

  local function new_client(steps, options)
    stop()
    server = child.start("spec/support/http2_server.lua", directory .. "/here.crt", directory .. "/here.key",
      unpack(steps))
    infos = {}
    local all = {
      base_url = "https://127.0.0.1:" .. server.port, ca_file = directory .. "/ca.crt", http_version = "2",
      max_retries = 2, on_retry = function(info) infos[#infos + 1] = info end,
    }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    return service.client(nil, all)
  end

  -- The requests that arrived: the number of the connection and the version of each.
  local function arrived()
    local lines = {}
    for line in server:log():gmatch "[^\n]+" do
      lines[#lines + 1] = not line:find "ended$" and line or nil
    end
    return lines
  end

  local function create_batch(client)
    return client.messages.batches.create { requests = {} }
  end

  local function create_message(client)
    return client.messages.create(params())
  end

  for _, step in ipairs { "refuse", "away" } do
    it("that must not be sent twice is sent again where the server did not process it: " .. step, function()
      local client = new_client { step, "answer" }
      local value = assert(create_batch(client))
      assert.equal("made", value.id)
      assert.equal(2, value.response.attempts)
      assert.equal(2, #arrived())
      assert.equal("connection", infos[1].error.kind)
      assert.is_true(infos[1].error.unprocessed)
      assert.equal(0, infos[1].delay)
    end)

    it("that must not be sent twice is so also after others on a connection that was kept: " .. step, function()
      local client = new_client { "answer", step, "answer" }
      assert(create_message(client))
      assert.equal(2, assert(create_batch(client)).response.attempts)
      assert.equal(3, #arrived())
    end)

    it("goes out once without retries, whatever the server did: " .. step, function()
      for _, create in ipairs { create_message, create_batch } do
        local client = new_client({ "answer", step, "answer" }, { max_retries = 0 })
        assert(create_message(client))
        local value, err = create(client)
        assert.is_nil(value)
        assert.equal("connection", err.kind)
        assert.equal(1, err.attempts)
        assert.equal(2, #arrived())
      end
    end)
  end

  it("of anthropic.http shares a connection, and fails with a number of curl's", function()
    new_client { "answer", "answer", "refuse", "error", "cut", "refuse", "answer" }
    local request = {
      url = "https://127.0.0.1:" .. server.port .. "/", ca_file = directory .. "/ca.crt", http_version = "2",
      headers = { ["Content-Type"] = "application/json" }, body = "{}",
    }
    assert.equal(200, assert(http.request(request)).status)
    local reader = assert(http.open(request))
    assert.matches("Hello!", reader:body())
    for _, codes in ipairs { { 16, 52, 92 }, { 16, 52, 92 }, { 18, 92 } } do -- by libcurl's version
      local response, err = http.request(request)
      assert.is_nil(response)
      assert.is_true(err.kind == "connection" or err.kind == "truncated")
      local is_one = false
      for _, code in ipairs(codes) do
        is_one = is_one or err:exit_code() == code
      end
      assert.is_true(is_one, tostring(err) .. err:exit_code())
    end
    request.max_retries = 1
    assert.equal(2, assert(http.request(request)).attempts)
    local lines = arrived()
    assert.equal(7, #lines)
    assert.equal(lines[1], lines[2])
  end)

  it("that must not be sent twice is sent again where the connection was given up before it", function()
    local client = new_client { "busy", "answer" }
    assert.equal("made", assert(create_batch(client)).id)
    assert.equal(0, infos[1].delay)
    assert.is_true(infos[1].error.unprocessed)
  end)

  for _, step in ipairs { "error", "gone", "close", "downgrade" } do
    it("that must not be sent twice is not sent again where the server may have processed it: " .. step, function()
      local client = new_client { step, "answer" }
      local value, err = create_batch(client)
      assert.is_nil(value)
      assert.is_nil(err.unprocessed)
      assert.equal("connection", err.kind) -- nothing of the answer came
      assert.equal(1, err.attempts)
      assert.equal(1, #arrived())
    end)
  end

  for _, step in ipairs { "cut", "broken", "broken_gone" } do
    it("whose answer broke off in its body is truncated, however its connection ended: " .. step, function()
      local _, err = create_batch(new_client { step, "answer" })
      assert.equal("truncated", err.kind)
      assert.equal(200, err.status)
      assert.is_nil(err.unprocessed)
      assert.equal(1, #arrived())
    end)
  end

  it("is sent again where it is lost, and every sending is counted", function()
    for _, step in ipairs { "refuse", "away", "error", "gone", "close" } do
      local client = new_client { "answer", step, "answer" }
      assert(create_message(client))
      local message = assert(create_message(client), step)
      assert.equal(2, message.response.attempts, step)
      assert.equal(3, #arrived(), step)
      assert.equal(1, #infos, step)
    end
  end)

  it("is sent by HTTP/1.1 where the server wants that, and at once", function()
    local client = new_client { "downgrade", "answer" }
    assert.equal(2, assert(create_message(client)).response.attempts)
    assert.same({ "1 HTTP/2", "HTTP/1.1" }, { arrived()[1], arrived()[2]:match "%S+$" })
    assert.equal(0, infos[1].delay)
    assert.matches("HTTP/1.1", infos[1].error.message)
  end)

  -- In a task: when so many have arrived, moves the clock past their timeout and the wait for the next attempt.
  local function let_time_out(count)
    while #arrived() < count do
      anthropic.sleep(0.005)
    end
    core.advance(60)
    anthropic.sleep(0.02)
    core.advance(1)
  end

  local function in_tasks(count, f)
    local tasks = {}
    for i = 1, count do
      tasks[i] = anthropic.spawn(f)
    end
    return tasks
  end

  describe("after the network went away without a word", function()
    it("takes a new connection, and so do those that follow", function()
      local client = new_client({ "answer", "gone_dark", "answer" }, { timeout = { first_byte = 50 } })
      assert(create_message(client))
      anthropic.run(function()
        local task = in_tasks(1, function() return assert(create_message(client)) end)[1]
        let_time_out(2)
        assert.equal(2, (task:join()).response.attempts)
      end)
      assert.equal("first_byte", infos[1].error.timeout)
      assert.is_true(assert(create_message(client)).response.timings.reused)
      assert.same({ "1 HTTP/2", "1 HTTP/2", "2 HTTP/2", "2 HTTP/2" }, arrived())
    end)

    it("takes a new one after every timeout, whichever it was", function()
      for _, case in ipairs { { "first_byte", "silent" }, { "idle", "begin" }, { "total", "silent" } } do
        local client = new_client({ case[2], case[2], "answer" }, { max_retries = 0, timeout = { [case[1]] = 50 } })
        anthropic.run(function()
          for i = 1, 2 do
            local err
            in_tasks(1, function() err = select(2, create_message(client)) end)
            repeat
              let_time_out(i) -- an idle answer has to have begun
            until err
            assert.equal(case[1], err.timeout)
          end
        end)
        assert(create_message(client))
        assert.same({ "1 HTTP/2", "2 HTTP/2", "3 HTTP/2" }, arrived())
      end
    end)

    it("shares the new connection with all that were on the old one", function()
      local client = new_client({ "answer", "gone_dark", "answer" }, { timeout = { first_byte = 50 } })
      assert(create_message(client))
      anthropic.run(function()
        local tasks = in_tasks(20, function() return assert(create_message(client)).response.attempts end)
        let_time_out(2)
        for i = 1, 20 do
          assert.equal(2, (tasks[i]:join()))
        end
      end)
      local lines = arrived() -- of those in the dark the server sees the first
      assert.equal(22, #lines)
      for i = 3, 22 do
        assert.equal("2 HTTP/2", lines[i])
      end
    end)

    it("takes a new one where its client was closed, as do those of other clients", function()
      local client = new_client { "answer", "gone_dark", "answer" }
      assert(create_message(client))
      anthropic.run(function()
        local task = in_tasks(1, function() return select(2, create_message(client)) end)[1]
        anthropic.sleep(0.02)
        client:close()
        assert.equal("cancelled", (task:join()).kind)
      end)
      local other = service.client(nil, {
        base_url = "https://127.0.0.1:" .. server.port, ca_file = directory .. "/ca.crt", http_version = "2",
        timeout = { first_byte = 5 }, max_retries = 0,
      })
      assert(create_message(other))
      assert.equal("2 HTTP/2", arrived()[#arrived()])
    end)

    it("takes a new one after a cancelled request of which nothing was heard for long, and only then", function()
      for _, case in ipairs { { 0, "1 HTTP/2" }, { 10, "2 HTTP/2" } } do
        local client = new_client { "answer", "silent", "answer" }
        assert(create_message(client))
        anthropic.run(function()
          local task = in_tasks(1, function() return select(2, create_message(client)) end)[1]
          while #arrived() < 2 do
            anthropic.sleep(0.005)
          end
          core.advance(case[1])
          task:cancel()
          assert.equal("cancelled", select(2, task:join()).kind)
        end)
        assert(create_message(client))
        assert.equal(case[2], arrived()[3])
      end
    end)
  end)

  it("goes on where another of its connection times out, and then the connection ends", function()
    local client = new_client { "begin", "silent", "finish", "answer" }
    anthropic.run(function()
      local first = in_tasks(1, function() return assert(create_message(client)) end)[1]
      while #arrived() < 1 do
        anthropic.sleep(0.005)
      end
      local second = in_tasks(1, function()
        return assert(client.messages.create(params(), { timeout = { first_byte = 50 } }))
      end)[1]
      let_time_out(2)
      assert.equal(2, (second:join()).response.attempts)
      assert.equal("Hello!", (first:join()):text())
    end)
    assert.same({ "1 HTTP/2", "1 HTTP/2", "2 HTTP/2" }, arrived())
    assert.is_true(assert(create_message(client)).response.timings.reused)
    assert.matches("1 ended", server:log())
    assert.not_matches("2 ended", server:log())
  end)

  it("hears of the end of TLS at once, however many share the connection", function()
    local client = new_client({ "begin", "begin", "begin", "begin", "notify" },
      { max_retries = 0, timeout = { idle = 1 } })
    anthropic.run(function()
      local tasks = in_tasks(5, function() return select(2, create_message(client)) end)
      for i = 1, 5 do
        local kind = (tasks[i]:join()).kind
        assert.is_true(kind == "truncated" or kind == "connection", kind) -- from 8.1 on the latter
      end
    end)
  end)

  for _, kind in ipairs { "window", "priority", "data" } do
    it("ends where frames come without end that carry nothing: " .. kind, function()
      local seconds = libcurl.reads_in_steps and 0.5 or 20 -- how soon a flood is noticed depends on the machine
      local client = new_client({ "flood:" .. kind }, { timeout = { first_byte = seconds, total = 1.8 * seconds } })
      local message, err = create_message(client)
      assert.is_nil(message)
      local is_flooded = err.kind == "protocol"
      assert.is_true(is_flooded or libcurl.reads_in_steps and err.kind == "timeout", err.kind)
      assert.is_true(not is_flooded or err.attempts == 1)
    end)
  end

  it("ends where such frames come on a connection that was used before, and so do all on it", function()
    local client = new_client({ "answer", "begin", "flood:window" },
      { max_retries = 0, timeout = { first_byte = 0.5, idle = 0.5 } })
    assert(create_message(client))
    anthropic.run(function()
      local tasks = in_tasks(2, function() return select(2, create_message(client)).kind end)
      local kinds = { (tasks[1]:join()), (tasks[2]:join()) }
      if libcurl.reads_in_steps then
        assert.same({ "timeout", "timeout" }, kinds)
        return
      end
      table.sort(kinds) -- who of them reads is up to libcurl
      assert.equal(kinds[1] == "connection" and "protocol" or "truncated", kinds[2])
      assert.is_true(kinds[1] == "protocol" or kinds[2] == "protocol")
    end)
  end)

  it("that nobody reads counts with what libcurl keeps of it", function()
    local client = new_client({ "pour" }, { max_response_bytes = 1e6, max_retries = 0 })
    local stream = assert(client.messages.stream(params()))
    local deadline = core.now() + 0.3
    while core.now() < deadline and loop.core():active() > 0 do
      loop.core():wait(0.01)
    end
    local message, err = stream:message()
    assert.is_nil(message)
    assert.equal("protocol", err.kind)
    assert.matches("1000000 bytes", err.message)
  end)
end)
