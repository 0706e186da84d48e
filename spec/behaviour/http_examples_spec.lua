-- The examples of anthropic.http: shapes that plugins know, on this transport.

local anthropic = require "anthropic"
local directories = require "spec.support.directory"
local editor_async = require "spec.support.editor_async"
local service = require "spec.support.service"

local serve, header = service.serve, service.header

local function load(name)
  return dofile("examples/http/" .. name .. ".lua")
end

before_each(function()
  service.environment {}
end)

after_each(service.clear)

describe("plenary.curl's shape", function()
  local curl = load "plenary_curl"

  it("has its methods, and its response", function()
    local methods = { "get", "post", "put", "patch", "delete", "head" }
    local script = {}
    for i in ipairs(methods) do
      script[i] = { status = 201, body = "x", headers = { ["X-A"] = "b" } }
    end
    local server = serve(script)
    for i, method in ipairs(methods) do
      local response = curl[method](server.url .. "/x", { query = { b = "c d", a = 1 } })
      assert.same({ 201, method == "head" and "" or "x", 0 }, { response.status, response.body, response.exit })
      assert.matches("X%-A: b", table.concat(response.headers, "\n"))
      local request = server:requests()[i]
      assert.equal(method:upper(), request.method)
      assert.equal("/x?a=1&b=c%20d", request.target)
    end
    assert.equal(200, curl.request({ url = serve { { body = "x" } }.url }).status)
    assert.equal(200, curl.get({ url = serve { { body = "x" } }.url }).status)
    assert.equal(200, curl.get((serve { { body = "x" } }.url:gsub("^http://", ""))).status)
  end)

  it("sends what it is given", function()
    local directory = directories.new()
    local path = directory:write("body", "of a file")
    local server = serve { { body = "" }, { body = "" }, { body = "" }, { body = "" }, { body = "" }, { body = "" } }
    curl.post(server.url, {
      headers = { content_type = "application/json", ["x-api-key"] = "k" }, body = "{}", accept = "text/event-stream",
      auth = "me:p@ss", raw = { "--no-buffer", "--connect-timeout", "10", "--retry=2", "-H", "x-more: 1" },
    })
    curl.post(server.url, { body = path })
    curl.post(server.url, { body = { a = 1, b = "2" } })
    curl.post(server.url, { form = { file = "@" .. path, field = "v" } })
    curl.put { url = server.url, in_file = path, http_version = "HTTP/1.1", compressed = true }
    local headers = directory:write("headers", "X-Api-Key: k\nX-Team: blue\n")
    curl.get(server.url, { sync = true, raw = { "--header", "@" .. headers } })
    local requests = server:requests()
    directory:remove()
    for name, value in pairs {
      ["content-type"] = "application/json", ["x-api-key"] = "k", accept = "text/event-stream", ["x-more"] = "1",
      authorization = "Basic bWU6cEBzcw==",
    } do
      assert.equal(value, header(requests[1], name))
    end
    assert.equal("{}", requests[1].body)
    assert.equal("of a file", requests[2].body)
    assert.equal("a=1&b=2", requests[3].body)
    assert.matches("multipart/form%-data", header(requests[4], "content-type"))
    assert.same({ "k", "blue" }, { header(requests[6], "x-api-key"), header(requests[6], "x-team") })
    assert.same({ "PUT", "of a file", "gzip" },
      { requests[5].method, requests[5].body, header(requests[5], "accept-encoding") })
  end)

  it("calls back, with lines as they come", function()
    local lines, outputs = {}, {}
    local server = serve { { body = "data: a\n\ndata: b\n" }, { status = 401, body = '{"error":1}' }, { body = "x" } }
    local function ask(opts)
      opts.callback = function(output) outputs[#outputs + 1] = output.status .. " " .. output.body end
      return curl.post(server.url, opts)
    end
    local function on_line(err, line, job)
      assert.is_nil(err)
      assert.is_function(job.shutdown)
      lines[#lines + 1] = line
    end
    ask { body = "{}", stream = on_line }
    ask { body = "{}", stream = on_line }
    ask { body = "{}" }
    assert.same({ "data: a", "", "data: b", '{"error":1}' }, lines)
    assert.same({ "200 data: a\n\ndata: b", '401 {"error":1}', "200 x" }, outputs)
  end)

  it("calls nothing after a shutdown", function()
    local lines = 0
    local server = serve { { body = ("x\n"):rep(1000) } }
    curl.get(server.url, {
      stream = function(_, _, job)
        lines = lines + 1
        job:shutdown()
      end,
      callback = function() lines = lines + 1000 end,
      on_error = function() lines = lines + 1000 end,
    })
    assert.equal(1, lines)
  end)

  it("gives the callback what has come after a shutdown with the code 0, once", function()
    local server, got, closing = serve { { status = 201, body = ("x\n"):rep(1000) }, { body = "whole" } }, {}, {}
    local job
    local function on_end(response)
      got[#got + 1] = response.status .. " " .. response.body
    end
    curl.get(server.url, {
      stream = function(_, _, this)
        closing[1] = this:is_closing()
        this:shutdown(0)
        this:shutdown(0)
        closing[2] = this:is_closing()
      end,
      callback = on_end,
    })
    job = curl.get(server.url, { callback = on_end })
    job:shutdown(0)
    assert.same({ "201 x", "200 whole" }, got)
    assert.same({ false, true }, closing)
  end)

  it("tells of failures by on_error, or raises", function()
    local told
    local function on_error(e) told = e end
    curl.get("http://127.0.0.1:1/", { callback = print, on_error = on_error })
    assert.equal(7, told.exit)
    assert.matches("exit_code=7", told.message)
    curl.get("http://127.0.0.1:1/", { on_error = on_error })
    assert.matches("get http://127.0.0.1:1/ %- curl error", select(2, pcall(curl.get, "http://127.0.0.1:1/")))
    curl.get(serve { { body = "x", delay = 5 } }.url, { timeout = 50, on_error = on_error })
    assert.equal(28, told.exit)
    curl.get(serve { { status = 404, body = "no" } }.url, { raw = "--fail-with-body", on_error = on_error })
    assert.equal(22, told.exit)
  end)

  it("dumps headers, and writes to a file", function()
    local directory = directories.new()
    local server = serve { { body = "x", headers = { ["X-A"] = "b" } } }
    curl.get(server.url, { dump = { "-D", directory:path "dump" }, output = directory:path "out" })
    assert.matches("^HTTP/1.1 200\r\n.*X%-A: b\r\n", directory:read "dump")
    assert.equal("x", directory:read "out")
    directory:remove()
  end)

  it("refuses what it does not know", function()
    for words, opts in pairs {
      ['the option "strem" is not known here'] = { strem = print },
      ['raw "--proxy-user" is not known here'] = { raw = { "--proxy-user", "x" } },
      ['raw "--retry": a value expected'] = { raw = { "--retry" } },
      ["dry_run"] = { dry_run = true },
      ["http_version"] = { http_version = "HTTP/3" },
    } do
      assert.truthy(select(2, pcall(curl.get, "http://127.0.0.1:1/", opts)):find(words, 1, true), words)
    end
  end)
end)

describe("vim.net.request's shape", function()
  local request = load "net_request"

  it("gives the body, lines as they come, or a file", function()
    local directory = directories.new()
    local got, lines = {}, {}
    local function on_response(err, response)
      got[#got + 1] = err or response.body
    end
    local server = serve { { body = "x" }, { body = "a\nb" }, { body = "file" }, { status = 404, body = "no" } }
    request(server.url, nil, on_response)
    request(server.url, { on_line = function(line) lines[#lines + 1] = line end }, on_response)
    request(server.url, { outpath = directory:path "out" }, on_response)
    request(server.url, { retry = 0 }, on_response)
    request("http://127.0.0.1:1/", { retry = 0 }, on_response)
    assert.same({ "a", "b" }, lines)
    assert.same({ "x", "", true }, { got[1], got[2], got[3] })
    assert.equal("file", directory:read "out")
    assert.matches("HTTP 404", got[4])
    assert.matches("connection error", got[5])
    directory:remove()
  end)

  it("calls nothing once it is closed", function()
    local called = false
    anthropic.run(function()
      local handle = request(serve { { body = "x", delay = 5 } }.url, {}, function() called = true end)
      anthropic.sleep(0.02)
      handle.close()
      anthropic.sleep(0.01)
    end)
    assert.is_false(called)
  end)
end)

describe("lua-openai's http_provider", function()
  local provider = load "openai_provider"

  local function string_source(text)
    return function()
      local piece = text
      text = nil
      return piece
    end
  end

  it("takes a source and a sink", function()
    local out = {}
    local function sink(piece) out[#out + 1] = piece return 1 end
    local server = serve { { status = 201, body = "answer" } }
    local ok, status, headers = provider.request {
      url = server.url, method = "POST", source = string_source "{}", sink = sink,
      headers = { Host = "127.0.0.1", ["Content-Length"] = 2, ["Content-Type"] = "application/json" },
    }
    assert.same({ 1, 201, "6" }, { ok, status, headers["content-length"] })
    assert.equal("answer", table.concat(out))
    local sent = server:requests()[1]
    assert.same({ "{}", "2", "127.0.0.1" }, { sent.body, header(sent, "content-length"), header(sent, "host") })
  end)

  it("gives much that came at once in pieces, between which others have their turn", function()
    local server = serve { { body = ("0123456789"):rep(20000) } }
    local out, most, turns = {}, 0, 0
    anthropic.run(function()
      local other = anthropic.spawn(function()
        while true do
          anthropic.sleep(0)
          turns = turns + 1
        end
      end)
      provider.request { url = server.url, sink = function(piece)
        out[#out + 1] = piece
        most = math.max(most, #(piece or ""))
        turns = piece and #out == 1 and 0 or turns
        return 1
      end }
      other:cancel()
    end)
    assert.equal(200000, #table.concat(out))
    assert.is_true(most <= 16384)
    assert.is_true(turns > 0)
  end)

  it("tells of what broke off, and of a sink that takes no more", function()
    local server = serve { { body = "0123456789", cut_after = 4 }, { body = "x" } }
    local ok, problem = provider.request { url = server.url }
    assert.is_nil(ok)
    assert.matches("truncated", problem)
    assert.same({ n = 2, nil, "full" }, (function(...) return { n = select("#", ...), ... } end)(
      provider.request { url = server.url, sink = function() return nil, "full" end }))
    assert.is_nil((provider.request { url = "http://127.0.0.1:1/" }))
  end)
end)

describe("one line for a library that awaits callbacks", function()
  local await = load "await"

  it("returns what came", function()
    local plenary = { run = editor_async.plenary.run, wrap = function(f, count)
      return function(...) return coroutine.yield(f, count, ...) end
    end }
    local libraries = { nio = editor_async.nio, async = editor_async.async, plenary = plenary }
    for name, library in pairs(libraries) do
      local request = await[name](library)
      local url = serve { { body = name } }.url
      local task = library.run(function()
        return request({ url = url }).body
      end)
      assert.same({ "done", name }, { task.state, task.results[1] }, name)
    end
  end)
end)

-- An example that a plugin of Neovim is to load, with what it takes of the editor. (The global would be the host.)
local function load_in_editor(name)
  local function deepcopy(value)
    if type(value) ~= "table" then
      return value
    end
    local copy = {}
    for key, member in pairs(value) do
      copy[key] = deepcopy(member)
    end
    return copy
  end
  local globals = setmetatable({ vim = { deepcopy = deepcopy } }, { __index = _G })
  local path = "examples/http/" .. name .. ".lua"
  if rawget(_G, "setfenv") then
    return rawget(_G, "setfenv")(assert(loadfile(path)), globals)()
  end
  return assert(loadfile(path, "t", globals))()
end

local function with_modules(modules, call)
  local before = {}
  for name, module in pairs(modules) do
    before[name], package.loaded[name] = package.loaded[name] or false, module
  end
  local ok, err = pcall(call)
  for name, module in pairs(before) do
    package.loaded[name] = module or nil
  end
  assert.is_true(ok, err)
end

-- The loaders of modules find nothing of the library.
local function without_library(call)
  local searchers = rawget(package, "searchers") or rawget(package, "loaders")
  local http, kept = package.loaded["anthropic.http"], {}
  package.loaded["anthropic.http"] = nil
  for i = #searchers, 1, -1 do
    kept[i], searchers[i] = searchers[i], nil
  end
  local ok, err = pcall(call)
  for i, searcher in ipairs(kept) do
    searchers[i] = searcher
  end
  package.loaded["anthropic.http"] = http
  assert.is_true(ok, err)
end

describe("codecompanion.nvim's requests", function()
  local client, modules, events, handled

  -- The plugin as far as the example calls it.
  before_each(function()
    events, handled = {}, {}
    client = {
      merge_body = function(_, payload) return payload.messages end,
      resolve_method = function() return "post" end,
      request = function() return "by curl" end,
      send_sync = function() return "by curl" end,
    }
    modules = {
      ["codecompanion.http"] = client,
      ["codecompanion.adapters"] = {
        call_handler = function(provider, name, value)
          handled[#handled + 1] = name .. (type(value) == "table" and " " .. value.status or "")
          return provider.setup
        end,
        get_handler = function() end,
      },
      ["codecompanion.adapters.utils"] = {
        get_env_vars = function(provider) return provider end,
        set_env_vars = function(_, value) return value end,
      },
      ["codecompanion.config"] = { adapters = { opts = {}, http = { opts = {} } } },
      ["codecompanion.utils.log"] = { wrap_cb = function(_, call) return call end, error = function() end },
      ["codecompanion.utils"] = { fire = function(event) events[#events + 1] = event end },
    }
  end)

  local function provider_of(server, is_streamed)
    return {
      name = "p", url = server.url, headers = { ["api-key"] = service.KEY }, opts = { stream = is_streamed },
      schema = { model = { default = function() return "m" end } },
    }
  end

  local function self_of(provider)
    return { adapter = provider, methods = { encode = function(text) return text end }, user_args = {} }
  end

  -- What its callback got, and the words of errors.
  local function ask(provider, stop_after)
    local got, job = {}, nil
    anthropic.run(function()
      job = client.request(self_of(provider), { messages = "the body" }, {
        callback = function(err, data)
          got[#got + 1] = err and { err.message, type(err.stderr) == "table" and err.stderr.body or err.stderr }
            or type(data) == "table" and data.body or data
          if #got == stop_after then
            job:shutdown()
          end
        end,
        done = function() got[#got + 1] = "done" end,
      })
    end)
    return got
  end

  it("bring lines, whole answers, refusals and failures in its shapes", function()
    local server = serve { { body = "data: a\n\ndata: b\n" }, { body = "whole" }, { status = 401, body = "no" },
      { body = "0123\n456", cut_after = 6 }, { body = '{"error":{}}' } }
    with_modules(modules, function()
      assert.is_true(load_in_editor("codecompanion").setup())
      assert.same({ "data: a", "", "data: b", "done" }, ask(provider_of(server, true)))
      assert.same({ "whole", "done" }, ask(provider_of(server, false)))
      assert.same({ "done", { "401 error: ", "no" } }, ask(provider_of(server, true)))
      local got = ask(provider_of(server, true))
      assert.equal("0123", got[1])
      assert.matches("truncated", got[2][1])
      assert.matches("truncated", got[2][2])
      assert.same({ "done", { "Request failed", '{"error":{}}' } }, ask(provider_of(server, true)))
    end)
    assert.same({ "RequestStarted", "RequestStreaming", "RequestFinished" }, { events[1], events[2], events[3] })
    assert.same({ "setup", "on_exit 200", "teardown" }, { handled[1], handled[2], handled[3] })
    local sent = server:requests()[1]
    assert.same({ "POST", "the body", service.KEY }, { sent.method, sent.body, header(sent, "api-key") })
  end)

  it("call nothing after a cancel", function()
    local server = serve { { body = ("x\n"):rep(1000) } }
    with_modules(modules, function()
      load_in_editor("codecompanion").setup()
      assert.same({ "x", "x" }, ask(provider_of(server, true), 2))
    end)
    assert.equal("RequestFinished", events[#events])
  end)

  it("wait for an answer as a whole", function()
    local server = serve { { body = "whole" }, { status = 401, body = "no" } }
    with_modules(modules, function()
      load_in_editor("codecompanion").setup()
      local self = self_of(provider_of(server, true))
      assert.equal("whole", client.send_sync(self, { messages = "x" }).body)
      local response, err = client.send_sync(self, { messages = "x" })
      assert.same({ nil, 401, "no" }, { response, err.status, err.stderr.body })
      self.adapter.setup = false
      assert.matches("setup", select(2, client.send_sync(self, { messages = "x" })).message)
    end)
  end)

  it("go by curl where somebody speaks to curl, and where the library is missing", function()
    with_modules(modules, function()
      without_library(function()
        assert.is_false(load_in_editor("codecompanion").setup())
      end)
      assert.equal("by curl", client.request())
      load_in_editor("codecompanion").setup()
      assert.equal("by curl", client.request { adapter = { raw = {} } })
      assert.equal("by curl", client.send_sync { adapter = { opts = { request = print } } })
    end)
  end)
end)

describe("gp.nvim's requests", function()
  local tasker, modules, errors, directory

  before_each(function()
    errors, directory = {}, directories.new()
    tasker = { _handles = {}, commands = {} }
    function tasker.run(_, command) tasker.commands[#tasker.commands + 1] = command end
    function tasker.stop() tasker.is_stopped = true end
    function tasker.is_busy() return tasker._handles[1] ~= nil end
    function tasker.add_handle(handle, id, buf)
      table.insert(tasker._handles, { handle = handle, pid = id, buf = buf })
    end
    function tasker.remove_handle() table.remove(tasker._handles) end
    modules = {
      ["gp.tasker"] = tasker,
      ["gp.logger"] = { error = function(words) errors[#errors + 1] = words end },
    }
  end)

  after_each(function() directory:remove() end)

  local function ask(url, on_chunk)
    local got = {}
    anthropic.run(function()
      local words = { "--no-buffer", "-s", url, "-H", "Content-Type: application/json", "-d",
        "@" .. directory:write("body", "{}"), "-H", "api-key: " .. service.KEY, "--max-time", "20" }
      tasker.run(1, "curl", words, function(code, _, out) got[#got + 1] = code .. " " .. out end, function(_, chunk)
        got[#got + 1] = chunk or "end"
        if on_chunk and chunk then
          on_chunk()
        end
      end)
    end)
    return got
  end

  it("bring what curl would print, and errors that it would not", function()
    local server = serve { { body = "data: a\ndata: b" }, { status = 401, body = "no" },
      { body = "0123\n456", cut_after = 6 } }
    with_modules(modules, function()
      assert.is_true(load_in_editor("gp").setup())
      assert.same({ "data: a\n", "data: b\n", "end", "0 data: a\ndata: b\n" }, ask(server.url))
      assert.same({ "no\n", "end", "0 no\n" }, ask(server.url))
      assert.same({}, errors)
      assert.same({ "0123\n", "end", "18 0123\n" }, ask(server.url))
    end)
    assert.matches("truncated", errors[1])
    assert.same({}, tasker._handles)
    local sent = server:requests()[1]
    assert.same({ "POST", "{}", service.KEY }, { sent.method, sent.body, header(sent, "api-key") })
  end)

  it("are one for a buffer, and stop", function()
    with_modules(modules, function()
      load_in_editor("gp").setup()
      local url = serve { { body = ("x\n"):rep(1000) }, { body = "x" } }.url
      local lines = ask(url, function()
        assert.same({ 1, "request 1" }, { tasker._handles[1].buf, tasker._handles[1].pid })
        tasker.run(1, "curl", { url }, error)
        tasker.stop()
        assert.is_true(tasker._handles[1].handle:is_closing())
      end)
      assert.same({ "x\n", "end" }, { lines[1], lines[2] })
      assert.is_true(tasker.is_stopped)
      assert.same({}, errors)
    end)
  end)

  it("go by curl where only that knows the words, and where the library is missing", function()
    with_modules(modules, function()
      without_library(function()
        assert.is_false(load_in_editor("gp").setup())
      end)
      load_in_editor("gp").setup()
      tasker.run(nil, "curl", { "http://127.0.0.1:1/", "-F", "file=@x" })
      tasker.run(nil, "curl", { "--socks5", "x" })
      tasker.run(nil, "grep", { "x" })
    end)
    assert.same({ "curl", "curl", "grep" }, tasker.commands)
  end)
end)
