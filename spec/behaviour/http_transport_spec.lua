-- `anthropic.http`: a transport that says nothing of its own. What it does about faults is http_faults_spec's; how its
-- callbacks and readers behave is http_reading_spec's.

local abilities = require "spec.support.abilities"
local anthropic = require "anthropic"
local background = require "spec.support.background"
local child = require "spec.support.child"
local directories = require "spec.support.directory"
local http = require "anthropic.http"
local libcurl = require "spec.support.libcurl"
local service = require "spec.support.service"

local serve, header = service.serve, service.header

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

local KEY = "k-0123456789abcdef"

-- The names of the header fields of a recorded request, sorted.
local function names_of(request)
  local names = {}
  for i, pair in ipairs(request.raw_headers) do
    names[i] = pair[1]:lower()
  end
  table.sort(names)
  return table.concat(names, " ")
end

describe("anthropic.http", function()
  before_each(function()
    service.environment { API_KEY = "sk-of-the-environment", CUSTOM_HEADERS = "x-custom: of-the-environment" }
  end)

  after_each(service.clear)

  it("is loaded by its name", function()
    assert.equal(http, anthropic.http)
  end)

  it("sends what it is given, and nothing of its own", function()
    local server = serve { { body = "" }, { body = "" }, { body = "" } }
    assert(http.request { url = server.url })
    assert(http.request { url = server.url, headers = { Accept = false } })
    assert(http.request { url = server.url, body = "{}", headers = { ["Content-Type"] = "application/json", A = 1 } })
    local bare, barer, posted = unpack(server:requests(), 1, 3)
    assert.equal("GET", bare.method)
    assert.equal("accept host", names_of(bare))
    assert.equal("host", names_of(barer))
    assert.equal("POST", posted.method)
    assert.equal("a accept content-length content-type host", names_of(posted))
    assert.equal("application/json", header(posted, "content-type"))
    assert.equal("1", header(posted, "A"))
    assert.equal("{}", posted.body)
  end)

  it("tells the length of a body that is missing where one has a meaning", function()
    local server = serve { routes = { { answers = { { body = "" } } } } }
    for method, length in pairs { POST = "0", put = "0", PATCH = "0", GET = false, DELETE = false } do
      local before = #server:requests()
      assert(http.request { url = server.url, method = method })
      local request = server:requests()[before + 1]
      assert.same({ method:upper(), length or nil }, { request.method, header(request, "content-length") })
      assert.is_nil(header(request, "content-type"))
    end
    assert(http.request { url = server.url, method = "POST", headers = { ["content-length"] = 0 } })
    local requests = server:requests()
    assert.equal("0", header(requests[#requests], "content-length"))
  end)

  it("returns every status as a response", function()
    local statuses = { 200, 201, 204, 304, 400, 401, 404, 407, 429, 500, 503, 529, 599 }
    local script = {}
    for i, status in ipairs(statuses) do
      script[i] = { status = status, body = "status " .. status, headers = { ["X-Number"] = tostring(i) } }
    end
    local server = serve(script)
    for i, status in ipairs(statuses) do
      local response, err = http.request { url = server.url .. "/x?y=z" }
      assert.is_nil(err)
      assert.equal(status, response.status)
      assert.equal(tostring(i), response.headers["X-number"])
      assert.equal((status == 204 or status == 304) and "" or "status " .. status, response.body)
      assert.equal(server.url .. "/x?y=z", response.url)
      assert.equal(1, response.attempts)
      assert.is_number(response.timings.total)
    end
  end)

  it("returns headers as they came, in their order", function()
    local server = serve { { body = "x", headers = { { "Set-Cookie", "a=" .. KEY }, { "Set-Cookie", "b=2" } } } }
    local response = assert(http.request { url = server.url, headers = { Cookie = "a=" .. KEY } })
    local cookies = {}
    for _, line in ipairs(response.header_lines) do
      cookies[#cookies + 1] = line:match "^Set%-Cookie: (.*)$"
    end
    assert.same({ "a=" .. KEY, "b=2" }, cookies)
    assert.equal("a=" .. KEY .. ", b=2", response.headers["set-cookie"])
    assert.is_nil(response.header_lines[1]:find "^HTTP")
  end)

  it("sends a method as it is named, in capitals", function()
    local server = serve { { body = "x" }, { body = "x" }, { body = "x" }, { body = "x" }, { body = "x" } }
    for _, method in ipairs { "PUT", "patch", "DELETE", "HEAD", "PROPFIND" } do
      local response = assert(http.request { url = server.url, method = method })
      assert.equal(method == "HEAD" and "" or "x", response.body)
    end
    local sent = {}
    for i, request in ipairs(server:requests()) do
      sent[i] = request.method
    end
    assert.same({ "PUT", "PATCH", "DELETE", "HEAD", "PROPFIND" }, sent)
  end)

  it("sends a user name and a password in a URL as authorization, and shows them nowhere", function()
    local server = serve { { body = "x" }, { body = "x" } }
    local url = server.url:gsub("//", "//me:p%%40ss@")
    local response = assert(http.request { url = url })
    assert.equal("Basic bWU6cEBzcw==", header(server:requests()[1], "authorization"))
    assert.equal(server.url, response.url)
    assert(http.request { url = url, headers = { authorization = "Bearer x" } })
    assert.equal("Bearer x", header(server:requests()[2], "authorization"))
    local _, err = http.request { url = (url:gsub(":%d+$", ":1")), method = "DELETE" }
    assert.is_nil((err.url .. err:to_curl() .. tostring(err)):find("p@ss", 1, true))
    assert.is_nil((err.url .. err:to_curl() .. tostring(err)):find("p%40ss", 1, true))
  end)

  it("shows no password that would be taken for a path", function()
    for _, mark in ipairs { "/", "#", "?" } do
      local _, err = http.request { url = "http://user:se" .. mark .. "cretpassw0rd@127.0.0.1:1/p" }
      assert.equal("invalid_request", err.kind)
      assert.is_nil(err.url)
      assert.is_nil(tostring(err):find("cretpassw0rd", 1, true))
      assert.same({ n = 2, nil, "no request was sent" }, { n = select("#", err:to_curl()), err:to_curl() })
    end
  end)

  it("tells of a wrong request before anything is sent", function()
    for _, case in ipairs {
      { { url = "ftp://host/" }, 'url "ftp://host/": must begin with http:// or https:// and a host' },
      { { url = "host/x" }, 'url "host/x": must begin with http:// or https:// and a host' },
      { { url = "http://" }, 'url "http://": must begin with http:// or https:// and a host' },
      { { url = "http://me:secret@/" }, "url: the host is missing" },
      { { url = "http://host/a b?key=secret" }, "url: must not hold spaces, control characters or '\\'" },
      { { url = "http://host/", method = "G T" }, 'method "G T": must be letters' },
      { { url = "http://host/", method = "HEAD", body = "x" }, "body: a HEAD request has none" },
      { { url = "http://host/", body = "x", multipart = {} }, "body: excludes multipart" },
      { { url = "http://host/", body = "x", body_file = "y" }, "body: excludes body_file" },
      { { url = "http://host/", multipart = {} }, "multipart: a list of parts expected" },
      { { url = "http://host/", headers = { ["a b"] = "x" } }, 'headers["a b"]: not a header name' },
      { { url = "http://host/", headers = { a = "x\r\nb: c" } }, 'headers["a"]: must not contain a line break or NUL' },
      { { url = "http://host/", body = "abc", headers = { ["content-length"] = "2" } },
        'headers["content-length"]: must be left out: the body\'s own is sent' },
      { { url = "http://host/", headers = { ["Transfer-Encoding"] = "chunked" } },
        'headers["transfer-encoding"]: must be left out: there is no body' },
      { { url = "http://host/", body_file = "/nowhere/x" }, "cannot read /nowhere/x: No such file or directory" },
      { { url = "http://host/", path = "/nowhere/x" }, "cannot write /nowhere/x: No such file or directory" },
    } do
      local response, err = http.request(case[1])
      assert.is_nil(response)
      assert.equal("invalid_request", err.kind)
      assert.equal(case[2], err.message)
    end
  end)

  it("tells a file that cannot be written from one that cannot be read, as curl does", function()
    for field, code in pairs { path = 23, body_file = 26 } do
      local _, err = http.request { url = "http://127.0.0.1:1/", [field] = "/nowhere/x" }
      assert.same({ code, code }, { err.code, err:exit_code() })
    end
  end)

  it("raises on what is no request", function()
    for _, case in ipairs {
      { "http://host/", nil, "a request is a table with a url" },
      { {}, nil, "a request is a table with a url" },
      { { url = "http://host/", heders = {} }, nil, 'unknown field "heders"; did you mean "headers"?' },
      { { url = "http://host/", api_key = "x" }, nil, 'unknown field "api_key"' },
      { { url = 5 }, nil, 'field "url": string expected, got number' },
      { { url = "http://host/", body = {} }, nil, 'field "body": string expected, got table' },
      { { url = "http://host/", timeout = -1 }, nil, 'field "timeout": a positive number' },
      { { url = "http://host/" }, "x", "handlers: table expected, got string" },
      { { url = "http://host/" }, { on_text = print }, 'unknown handler "on_text"; did you mean' },
      { { url = "http://host/" }, { on_line = print, on_bytes = print }, "one of on_line, on_event and on_bytes" },
      { { url = "http://host/", path = "f" }, { on_bytes = print }, "path: excludes on_line, on_event and on_bytes" },
    } do
      local ok, message = pcall(http.request, case[1], case[2])
      assert.is_false(ok)
      assert.truthy(message:find(case[3], 1, true), message)
    end
  end)

  it("tries again where it is told to, after refusals too, and returns the last one", function()
    local server = serve { { status = 429, headers = { ["retry-after-ms"] = "1" } }, { body = "x" },
      { status = 503, headers = { ["retry-after-ms"] = "1" } }, { status = 503, body = "still" }, { status = 503 } }
    local told = {}
    local function on_retry(info)
      told[#told + 1] = info.error.status
    end
    local response = assert(http.request { url = server.url, max_retries = 1, on_retry = on_retry })
    assert.equal("x", response.body)
    assert.equal(2, response.attempts)
    response = assert(http.request { url = server.url, max_retries = 1, on_retry = on_retry })
    assert.same({ 503, "still", 2 }, { response.status, response.body, response.attempts })
    assert.same({ 429, 503 }, told)
    assert.equal(503, assert(http.request { url = server.url }).status)
    assert.equal(5, #server:requests())
  end)

  it("goes by a proxy", function()
    local proxy = serve { { body = "by proxy" } }
    local response = assert(http.request { url = "http://nowhere.invalid/x", proxy = proxy.url })
    assert.equal("by proxy", response.body)
    assert.equal("http://nowhere.invalid/x", proxy:requests()[1].target)
  end)
end)

describe("bodies and files of anthropic.http", function()
  local directory

  before_each(function()
    service.environment {}
    directory = directories.new()
  end)

  after_each(function()
    service.clear()
    directory:remove()
  end)

  local function write(name, text)
    return directory:write(name, text)
  end

  it("send a file as the body", function()
    local server = serve { { body = "" }, { body = "" }, { body = "" } }
    local text = ("0123456789\0\r\n"):rep(20000)
    assert(http.request { url = server.url, body_file = write("big", text) })
    assert(http.request { url = server.url, method = "PUT", body_file = write("empty", "") })
    local big, empty = unpack(server:requests(), 1, 2)
    assert.equal("POST", big.method)
    assert.is_true(big.body == text)
    assert.equal(tostring(#text), header(big, "content-length"))
    assert.equal("PUT", empty.method)
    assert.equal("", empty.body)
    assert.is_nil(header(big, "expect"))
  end)

  it("send an empty file in chunks to its end, so that the next request is not taken for a part of it", function()
    local server = serve { { body = "" }, { body = "" } }
    assert(http.request {
      url = server.url, body_file = write("empty", ""), headers = { ["Transfer-Encoding"] = "chunked" }, timeout = 10,
    })
    assert(http.request { url = server.url .. "/next" })
    assert.equal("/next", server:requests()[2].path)
    assert.equal(1, server:connections().opened)
  end)

  it("send a file again where a request is tried again, or redirected", function()
    local server = serve { { status = 500, headers = { ["retry-after-ms"] = "1" } },
      { status = 307, headers = { Location = "/there" } }, { body = "x" } }
    local path = write("body", "of the file")
    assert(http.request { url = server.url, body_file = path, max_retries = 1, redirects = 1 })
    local requests = server:requests()
    assert.equal("/there", requests[3].target)
    for i = 1, 3 do
      assert.equal("of the file", requests[i].body)
    end
  end)

  it("send the same file again, whatever the current directory becomes", function()
    if not abilities then
      pending "this needs a change of the current directory"
    end
    local server = serve { { status = 500, headers = { ["retry-after-ms"] = "1" } }, { body = "x" } }
    local before = background.output_of("pwd"):match "[^\n]+"
    directory:run "mkdir here there && printf right >here/a && printf wrong >there/a"
    abilities.change_directory(directory:path "here")
    local response, err = http.request {
      url = server.url, body_file = "a", max_retries = 1,
      on_retry = function() abilities.change_directory(directory:path "there") end,
    }
    abilities.change_directory(before)
    assert(response, err)
    assert.equal("right", server:requests()[2].body)
  end)

  it("send a form", function()
    local server = serve { { body = "" } }
    assert(http.request {
      url = server.url,
      multipart = {
        { name = "a", data = "1" },
        { name = 'b"', data = true },
        { name = "c", path = write("c.txt", "of c") },
        { name = "d", data = "of d", filename = "d.json" },
        { name = "e", data = "{}", content_type = "application/json" },
      },
    })
    local body = server:requests()[1].body
    assert.truthy(header(server:requests()[1], "content-type"):find "^multipart/form%-data; boundary=")
    for _, text in ipairs {
      'name="a"\r\n\r\n1\r\n', 'name="b%22"\r\n\r\ntrue\r\n',
      'name="c"; filename="c.txt"\r\nContent-Type: text/plain\r\n\r\nof c\r\n',
      'name="d"; filename="d.json"\r\nContent-Type: application/json\r\n\r\nof d\r\n',
      'name="e"\r\nContent-Type: application/json\r\n\r\n{}\r\n',
    } do
      assert.truthy(body:find(text, 1, true), text)
    end
  end)

  it("write a success to a file, once all of it has come", function()
    local server = serve { { body = "whole" }, { status = 404, body = "not there" },
      { body = "half of it", cut_after = 4 } }
    local path = directory:path "out"
    local response = assert(http.request { url = server.url, path = path })
    assert.is_nil(response.body)
    assert.equal("whole", directory:read "out")
    response = assert(http.request { url = server.url, path = path })
    assert.same({ 404, "not there" }, { response.status, response.body })
    local _, err = http.request { url = server.url, path = path }
    assert.equal("truncated", err.kind)
    assert.equal("whole", directory:read "out")
    assert.same({ "out" }, directory:names())
  end)

  it("leave no file where on_retry raises", function()
    local server = serve { { body = "half of it", cut_after = 4 } }
    collectgarbage "stop"
    local ok, raised = pcall(http.request, {
      url = server.url, path = directory:path "out", max_retries = 1, on_retry = function() error("a bug", 0) end,
    })
    local names = directory:names()
    collectgarbage "restart"
    assert.same({ false, "a bug", {} }, { ok, raised, names })
  end)

  it("write no part to a file that was not asked for", function()
    local server = serve { { status = 206, headers = { ["Content-Range"] = "bytes 5-9/100" }, body = "bytes" } }
    local path = directory:path "out"
    local response, err = http.request { url = server.url, path = path }
    assert.is_nil(response)
    assert.same({ "truncated", 206 }, { err.kind, err.response.status })
    http.request({ url = server.url, path = path }, { on_done = function(_, problem) err = problem end })
    assert.same({ "truncated", 206 }, { err.kind, err.response.status })
    assert.same({}, directory:names())
    assert(http.request { url = server.url, path = path, headers = { Range = "bytes=5-9" } })
    assert.equal("bytes", directory:read "out")
    assert.equal("bytes", assert(http.request { url = server.url }).body)
  end)

  it("write to a file with handlers too", function()
    local server = serve { { body = "whole" }, { status = 500, body = "no" } }
    local path = directory:path "out"
    local calls = {}
    local handlers = {
      on_response = function(response) calls[#calls + 1] = response.status end,
      on_done = function(response) calls[#calls + 1] = response.body or "a file" end,
    }
    http.request({ url = server.url, path = path }, handlers)
    http.request({ url = server.url, path = path }, handlers)
    assert.same({ 200, "a file", 500, "no" }, calls)
    assert.equal("whole", directory:read "out")
    assert.same({ "out" }, directory:names())
  end)

  it("write to no file where the task is cancelled before it begins", function()
    local kinds = {}
    anthropic.run(function()
      http.request({ url = "http://127.0.0.1:1/", path = directory:path "out" }, {
        on_done = function(_, err) kinds[#kinds + 1] = err.kind end,
      }):cancel()
      assert.same({}, directory:names())
    end)
    assert.same({ "cancelled" }, kinds)
  end)
end)

describe("a Unix socket", function()
  local directory, server

  before_each(function()
    service.environment {}
    directory = directories.new()
  end)

  after_each(function()
    server:stop()
    service.clear()
    directory:remove()
  end)

  it("is connected to where it is named, by a client too, and for each path anew", function()
    local path = directory:path "socket"
    local message = '{"type":"message","role":"assistant","model":"m","content":[],"stop_reason":"end_turn"}'
    server = child.start("spec/support/unix_server.lua", path, message)
    local proxy = serve { { body = "by the proxy" } }
    local response = assert(http.request { url = "http://docker.invalid/v1/x", unix_socket = path })
    assert.equal(message, response.body)
    assert.equal(message, assert(http.request { url = "http://x/", unix_socket = path, proxy = proxy.url }).body)
    assert.truthy(server:log():find("GET /v1/x HTTP/1.1\nHost: docker.invalid\n", 1, true))
    local client = service.client(nil, { base_url = "http://api.invalid", unix_socket = path })
    assert(client.messages.create(service.params()))
    local tcp = serve { { body = "by TCP" } }
    assert.equal("by TCP", assert(http.request { url = tcp.url }).body)
    local _, err = http.request { url = tcp.url, unix_socket = directory:path "none" }
    assert.same({ "connection", 7 }, { err.kind, err:exit_code() })
  end)
end)

describe("an idle connection", function()
  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  it("is used again only as long as max_idle says, by a client too", function()
    local server = serve { { body = {} } }
    local client = service.client(server)
    local function is_reused(max_idle)
      local response = assert(http.request { url = server.url, max_idle = max_idle })
      local answer = assert(client:request({ path = "/v1/x" }, { max_idle = max_idle }))
      return response.timings.reused and answer.response.timings.reused
    end
    assert(http.request { url = server.url })
    assert.is_true(is_reused())
    assert.is_true(is_reused(100))
    assert.is_false(is_reused(0.1))
  end)
end)

describe("redirects of anthropic.http", function()
  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  local SECRETS = {
    Authorization = "Bearer " .. KEY, Cookie = "a=b", ["x-api-key"] = KEY, ["api-key"] = KEY, ["x-goog-api-key"] = KEY,
    ["X-Auth-Token"] = KEY, ["Private-Token"] = KEY, ["Proxy-Authorization"] = "Basic x", ["X-Mine"] = KEY,
  }

  local function redirect(status, location)
    return { status = status, headers = { Location = location }, body = "Moved." }
  end

  it("are responses by default, and so is the one that is one too many", function()
    local server = serve { redirect(302, "/a"), redirect(302, "/b"), redirect(302, "/c") }
    local response = assert(http.request { url = server.url })
    assert.same({ 302, "/a", "Moved." }, { response.status, response.headers.location, response.body })
    response = assert(http.request { url = server.url, redirects = 1 })
    assert.same({ 302, "/c", 2 }, { response.status, response.headers.location, response.attempts })
    assert.equal(server.url .. "/b", response.url)
  end)

  it("keep or change the method as browsers do", function()
    for _, case in ipairs {
      { 301, "POST", "GET" }, { 302, "POST", "GET" }, { 303, "POST", "GET" }, { 307, "POST", "POST" },
      { 308, "POST", "POST" }, { 301, "PUT", "PUT" }, { 302, "DELETE", "DELETE" }, { 303, "PUT", "GET" },
      { 303, "HEAD", "HEAD" }, { 302, "HEAD", "HEAD" }, { 308, "PATCH", "PATCH" },
    } do
      local status, method, expected = unpack(case)
      local server = serve { redirect(status, "/there"), { body = "x" } }
      local body = method ~= "HEAD" and "text" or nil
      local response = assert(http.request {
        url = server.url .. "/here", method = method, body = body, redirects = 5,
        headers = { ["Content-Type"] = "text/plain", ["X-Other"] = "1" },
      })
      local sent = server:requests()[2]
      local words = table.concat(case, " ", 2)
      assert.equal(expected, sent.method, words)
      assert.equal(expected == method and body or "", sent.body, words)
      assert.equal(expected == method and "text/plain" or nil, header(sent, "content-type"), words)
      assert.equal("1", header(sent, "x-other"))
      assert.equal(server.url .. "/there", response.url)
    end
  end)

  it("take what is secret to another place of the same server, and to no other", function()
    for _, status in ipairs { 301, 302, 303, 307, 308 } do
      local other = serve { redirect(307, "/again"), { body = "there" } }
      local server = serve { redirect(status, "/near"), redirect(status, other.url .. "/far") }
      local headers = { ["X-Plain"] = "plain" }
      for name, value in pairs(SECRETS) do
        headers[name] = value
      end
      local response = assert(http.request {
        url = server.url, headers = headers, redirects = 5, secret_headers = { "x-mine" },
      })
      assert.equal("there", response.body)
      assert.equal(other.url .. "/again", response.url)
      for name, value in pairs(SECRETS) do
        assert.equal(value, header(server:requests()[2], name))
        for _, sent in ipairs(other:requests()) do
          assert.is_nil(header(sent, name), name)
          assert.equal("plain", header(sent, "x-plain"))
        end
      end
    end
  end)

  it("do not bring what is secret back to where it came from by way of another", function()
    local port = service.free_port()
    local other = serve { redirect(302, ("http://127.0.0.1:%d/back"):format(port)) }
    local server = serve({ redirect(302, other.url), { body = "back" } }, { port = port })
    local response = assert(http.request { url = server.url, headers = { ["api-key"] = KEY }, redirects = 2 })
    assert.equal(server.url .. "/back", response.url)
    assert.equal(KEY, header(server:requests()[1], "api-key"))
    assert.is_nil(header(server:requests()[2], "api-key"))
  end)

  it("lead to http and https alone, and to no user name", function()
    for _, location in ipairs { "ftp://host/", "file:///etc/passwd", "//me:pass@127.0.0.1/", "script:x", "/a\\b" } do
      local server = serve { redirect(302, location) }
      local response = assert(http.request { url = server.url, redirects = 5 })
      assert.same({ 302, location }, { response.status, response.headers.location })
    end
  end)

  it("lead to one place: two that differ are a response, and two that are equal are one", function()
    local function twice(one, other)
      local head = "HTTP/1.1 307 Found\r\nContent-Length: 0\r\nLocation: %s\r\nlocation: %s\r\n\r\n"
      return { raw = head:format(one, other), keep_open = true }
    end
    local server = serve { twice("/a", "/b"), twice("/a", "/a"), { body = "x" } }
    local response, err = http.request { url = server.url, redirects = 5 }
    if libcurl.refuses_two_places then
      assert.same({ "connection", "Multiple Location headers" }, { err.kind, err.message })
    else
      assert.same({ 307, "/a, /b", server.url }, { response.status, response.headers.location, response.url })
    end
    response = assert(http.request { url = server.url, redirects = 5 })
    assert.same({ 200, server.url .. "/a" }, { response.status, response.url })
    assert.equal("/a", server:requests()[3].target)
  end)

  it("lead to places that are not written as a URL should be", function()
    local server = serve { redirect(302, "/a b?c=\195\169"), { body = "x" } }
    assert(http.request { url = server.url, redirects = 1 })
    assert.equal("/a%20b?c=%C3%A9", server:requests()[2].target)
  end)
end)
