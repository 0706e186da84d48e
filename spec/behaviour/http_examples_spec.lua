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
  end)

  it("sends what it is given", function()
    local directory = directories.new()
    local path = directory:write("body", "of a file")
    local server = serve { { body = "" }, { body = "" }, { body = "" }, { body = "" }, { body = "" } }
    curl.post(server.url, {
      headers = { content_type = "application/json", ["x-api-key"] = "k" }, body = "{}", accept = "text/event-stream",
      auth = "me:p@ss", raw = { "--no-buffer", "--connect-timeout", "10", "--retry=2", "-H", "x-more: 1" },
    })
    curl.post(server.url, { body = path })
    curl.post(server.url, { body = { a = 1, b = "2" } })
    curl.post(server.url, { form = { file = "@" .. path, field = "v" } })
    curl.put { url = server.url, in_file = path, http_version = "HTTP/1.1", compressed = true }
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
