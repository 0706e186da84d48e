-- The testing server in the specs' own process: its clients send before it runs, and read after it has ended.

local directories = require "spec.support.directory"
local http = require "anthropic.testing.http"
local interpreter = require("spec.support.child").interpreter
local prepare = require("anthropic.testing.script").prepare
local serialize = require "anthropic.testing.serialize"
local server = require "anthropic.testing.server"
local socket = require "socket"

-- Stops a server from inside of its log.
local STOP = {}

-- A log that keeps what is written, and ends the server when so many connections are closed.
local function new_log(closings)
  local log = { text = "" }
  function log:write(head, data, body)
    self.text = self.text .. head .. data .. body
    if serialize.load(data).kind == "close" then
      closings = closings - 1
    end
  end
  function log.flush()
    if closings == 0 then
      error(STOP, 0)
    end
  end
  return log
end

-- Runs the server until all its clients are gone; these are texts, one for each connection. Gives what each got, and
-- the log.
local function run(script, clients, options)
  local connections = {}
  local settings = { plan = prepare(script, options and options.on_end), lifetime = 10, log = new_log(#clients) }
  for name, value in pairs(options or {}) do
    settings[name] = name ~= "on_end" and value or nil
  end
  function settings.ready(port)
    settings.seen_port = port
    for i, text in ipairs(clients) do
      connections[i] = assert(socket.connect("127.0.0.1", port))
      connections[i]:send(text)
    end
  end
  local ok, how = pcall(server.run, settings)
  if not ok and how ~= STOP then
    error(how, 0)
  end
  local answers = {}
  for i, connection in ipairs(connections) do
    connection:settimeout(0)
    local all, _, partial = connection:receive "*a"
    answers[i] = all or partial
    connection:close()
  end
  return answers, settings.log.text, how, settings
end

-- The log's entries, each { data, body }.
local function entries_of(log)
  local list, position = {}, 1
  while position <= #log do
    local data, body, first = log:match("^(%d%d%d%d%d%d%d%d%d%d%d%d) (%d%d%d%d%d%d%d%d%d%d%d%d)\n()", position)
    assert.is_string(data, "a broken log")
    position = first + tonumber(data) + tonumber(body)
    list[#list + 1] = { serialize.load(log:sub(first, first + tonumber(data) - 1)),
      log:sub(first + tonumber(data), position - 1) }
  end
  return list
end

local function request(line, more, body)
  return (line or "GET /") .. " HTTP/1.1\r\n" .. (more or "")
    .. (body and ("Content-Length: %d\r\n\r\n"):format(#body) .. body or "\r\n")
end

-- The last request of a connection.
local function last(line, more, body)
  return request(line, (more or "") .. "Connection: close\r\n", body)
end

-- The bodies of answers with a length.
local function bodies_of(text)
  local list, position = {}, 1
  while position <= #text do
    local length, first = text:match("Content%-Length: (%d+).-\r\n\r\n()", position)
    if not length then
      break
    end
    list[#list + 1] = text:sub(first, first + length - 1)
    position = first + length
  end
  return list
end

describe("the server", function()
  it("runs for its lifetime, on a port that it tells", function()
    local began = socket.gettime()
    local _, log, how, settings = run({ {} }, {}, { lifetime = 0.03 })
    assert.equal("lifetime", how)
    assert.is_true(socket.gettime() - began >= 0.03)
    assert.equal("", log)
    assert.is_true(settings.seen_port > 0 and settings.seen_port < 65536 and settings.seen_port % 1 == 0)
  end)

  it("takes the port that it is given, and says where it is taken", function()
    local taken = assert(socket.bind("127.0.0.1", 0))
    local port = tonumber((select(2, taken:getsockname())))
    local ok, message = pcall(run, { {} }, {}, { port = port })
    assert.is_false(ok)
    assert.matches("^cannot listen on 127%.0%.0%.1: .*in use", message)
    taken:close()
    local settings = select(4, run({ {} }, {}, { port = port, lifetime = 0 }))
    assert.equal(port, settings.seen_port)
  end)

  it("says which package is missing", function()
    local path, cpath = package.path, package.cpath
    package.loaded.socket, package.path, package.cpath = nil, "", ""
    local ok, message = pcall(server.run, {})
    package.loaded.socket, package.path, package.cpath = socket, path, cpath
    assert.is_false(ok)
    assert.equal("anthropic.testing needs LuaSocket (Debian: lua-socket, LuaRocks: luasocket)", message)
  end)

  it("answers requests of a connection in order, and repeats the last answer", function()
    local answers = run({ { body = "1" }, { body = "2" } }, { request():rep(3) .. last() })
    assert.same({ "1", "2", "2", "2" }, bodies_of(answers[1]))
    assert.matches("request%-id: req_test_4\r\n", answers[1])
  end)

  it("ends with an error where it is to", function()
    local answers = run({ { body = "1" } }, { request():rep(2) .. last() }, { on_end = "error" })
    local bodies = bodies_of(answers[1])
    assert.equal("1", bodies[1])
    assert.matches("the script is at its end", bodies[2])
    assert.matches("the script is at its end", bodies[3])
  end)

  it("chooses the first route that fits in all it names", function()
    local routes = {
      { method = "PUT", answers = { { body = "method" } } },
      { path = "/path", answers = { { body = "path" } } },
      { target = "/target?a=b", answers = { { body = "target" } } },
      { match = "^/m[0-9]+$", answers = { { body = "match" } } },
      { body = "exactly", answers = { { body = "body" } } },
      { body_contains = "%d.", answers = { { body = "contains" } } },
      { body_match = { "^a", "z$" }, answers = { { body = "both" } } },
      { method = "PATCH", path = "/x", body = "y", answers = { { body = "all" } } },
    }
    for _, case in ipairs {
      { "method", "PUT /" }, { "path", "GET /path" }, { "path", "GET /path?x=y" }, { "none", "GET /path/" },
      { "target", "GET /target?a=b" }, { "none", "GET /target" }, { "match", "GET /m12" }, { "none", "GET /m12x" },
      { "none", "GET /m12?x" }, { "body", "POST /", "exactly" }, { "none", "POST /", "exactly so" },
      { "contains", "POST /", "a%d.b" }, { "none", "POST /", "a5!" }, { "both", "POST /", "a to z" },
      { "none", "POST /", "a to y" }, { "none", "POST /", "b to z" }, { "all", "PATCH /x", "y" },
      { "none", "PATCH /x", "z" }, { "none", "PATCH /y", "y" }, { "none", "POST /x", "y" },
    } do
      local answers = run({ routes = routes }, { last(case[2], nil, case[3]) })
      local body = bodies_of(answers[1])[1]
      assert.equal(case[1], body:find "no route for this request" and "none" or body, case[2])
    end
  end)

  it("logs connections and requests with all that they are", function()
    local _, log = run({ {} }, { request("POST /a?b", "X-Y: z\r\nConnection: close\r\n", "body\0") })
    local entries = entries_of(log)
    assert.equal(3, #entries)
    assert.same({ { kind = "open", connection = 1 }, "" }, entries[1])
    assert.same({ { kind = "close", connection = 1 }, "" }, entries[3])
    local entry = entries[2][1]
    assert.is_true(entry.time >= 0 and entry.time < 5)
    entry.time = nil
    assert.same({
      kind = "request", method = "POST", target = "/a?b", path = "/a", query = "b", version = "1.1", keep_alive = false,
      headers = { ["x-y"] = "z", connection = "close", ["content-length"] = "5" },
      raw_headers = { { "X-Y", "z" }, { "Connection", "close" }, { "Content-Length", "5" } },
      body_bytes = 5, number = 1, connection = 1,
    }, entry)
    assert.equal("body\0", entries[2][2])
  end)

  it("counts connections and requests", function()
    local _, log = run({ {} }, { request() .. last(), last() })
    local requests, opened = {}, {}
    for _, entry in ipairs(entries_of(log)) do
      if entry[1].kind == "request" then
        requests[entry[1].number] = entry[1].connection
      elseif entry[1].kind == "open" then
        opened[#opened + 1] = entry[1].connection
      end
    end
    assert.equal(3, #requests)
    assert.same({ 1, 2 }, opened)
  end)

  it("keeps as much of a body as it is told to", function()
    local _, log = run({ {} }, { last("POST /", nil, "abcdef") }, { max_record_bytes = 4 })
    local entry = entries_of(log)[2]
    assert.same({ "abcd", 6 }, { entry[2], entry[1].body_bytes })
  end)

  it("closes a connection after what is no request, with a status", function()
    local answers, log = run({ {} }, { "nonsense\r\n\r\n" .. request() })
    assert.equal("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", answers[1])
    assert.same({ "open", "close" }, { entries_of(log)[1][1].kind, entries_of(log)[2][1].kind })
  end)

  it("closes where the client or the answer says so", function()
    local answers = run({ { body = "1" } }, { request(nil, "Connection: close\r\n") .. request() })
    assert.equal(1, #bodies_of(answers[1]))
    answers = run({ { body = "1", headers = { Connection = "close" } } }, { request():rep(2) })
    assert.equal(1, #bodies_of(answers[1]))
  end)

  it("notes an answer that the peer did not wait for", function()
    local settings = { plan = prepare { { hang = true } }, lifetime = 10, log = new_log(1) }
    function settings.ready(port)
      local connection = socket.connect("127.0.0.1", port)
      connection:send(request())
      connection:close()
    end
    assert.same({ false, STOP }, { pcall(server.run, settings) })
    local kinds = {}
    for _, entry in ipairs(entries_of(settings.log.text)) do
      kinds[#kinds + 1] = entry[1].kind
      assert.is_true(entry[1].kind ~= "closed_early" or entry[1].number == 1)
    end
    assert.same({ "open", "request", "closed_early", "close" }, kinds)
  end)

  it("works without a log", function()
    local connection
    local clock, gettime = 0, socket.gettime
    socket.gettime = function() -- luacheck: ignore 122
      clock = clock + 0.001
      return clock
    end
    local ok, how = pcall(server.run, { plan = prepare { { body = "x" } }, lifetime = 0.05, ready = function(port)
      connection = socket.connect("127.0.0.1", port)
      connection:send(last())
    end })
    socket.gettime = gettime -- luacheck: ignore 122
    assert.same({ true, "lifetime" }, { ok, how })
    connection:settimeout(1)
    assert.matches("\r\n\r\nx$", (connection:receive "*a"))
    connection:close()
  end)

  it("plays the pauses of several connections at the same time", function()
    local began = socket.gettime()
    local answers = run({ { body = "late", delay = 0.02 } }, { last(), last(), last() })
    for i = 1, 3 do
      assert.matches("late$", answers[i])
    end
    assert.is_true(socket.gettime() - began < 1)
  end)
end)

describe("the server's life", function()
  local directory

  before_each(function()
    directory = directories.new()
    directory:write("program.lua", [[
      local server = require "anthropic.testing.server"
      local settings = { plan = { routes = {} }, parent = true, lifetime = tonumber(arg[1]) }
      function settings.ready() end
      io.write(server.run(settings))
    ]])
  end)

  after_each(function()
    directory:remove()
  end)

  -- What it ends for, with this before the program's words and that behind them.
  local function ending(before, lifetime, behind)
    local pipe = assert(io.popen(("%s %s %s/program.lua %s %s 2>&1"):format(before, interpreter(), directory.root,
      lifetime, behind)))
    local output = pipe:read "*a"
    pipe:close()
    return output
  end

  it("ends with its parent's, whose end of standard input is closed then", function()
    assert.equal("parent", ending("", 20, "</dev/null"))
  end)

  it("lasts as long as it is given, while its parent is there", function()
    local path = directory:path "input"
    assert.equal("lifetime", ending(("mkfifo %s; exec 3<>%s;"):format(path, path), 0.02, "<&3"))
  end)
end)

describe("the server's connections", function()
  local size, stderr = socket._SETSIZE, io.stderr

  after_each(function()
    socket._SETSIZE, io.stderr = size, stderr -- luacheck: ignore 122
  end)

  -- What happens to two connections, where so many descriptors can be waited for.
  local function order(limit)
    socket._SETSIZE = limit -- luacheck: ignore 122
    local _, log = run({ { delay = 0.002 } }, { last(), last() })
    local kinds = {}
    for i, entry in ipairs(entries_of(log)) do
      kinds[i] = entry[1].kind
    end
    return table.concat(kinds, " ")
  end

  it("are as many as can be waited for, less 32", function()
    assert.equal("open request close open request close", order(33))
    assert.matches("^open open ", (order(34):gsub("request ", "")))
    assert.matches("^open open ", (order(nil):gsub("request ", "")))
  end)

  -- Runs f; what it wrote to standard error.
  local function complaints(f)
    local words = ""
    io.stderr = { write = function(_, ...) words = words .. table.concat { ... } end } -- luacheck: ignore 122
    f()
    io.stderr = stderr -- luacheck: ignore 122
    return words
  end

  it("end where an answer cannot be chosen, with words on standard error", function()
    local answers
    local words = complaints(function()
      answers = run({ routes = { { match = "[", answers = { {} } } } }, { last() })
    end)
    assert.equal("", answers[1])
    assert.matches("malformed pattern", words)
    assert.matches("stack traceback:.*\n$", words)
  end)

  it("end the server with the interrupt that reaches them", function()
    local read_request = http.read_request
    http.read_request = function() error "interrupted!" end
    local ok, failure
    local words = complaints(function()
      ok, failure = pcall(run, { {} }, { last() })
    end)
    http.read_request = read_request
    assert.is_false(ok)
    assert.matches("interrupted!$", failure)
    assert.equal("", words)
  end)

  it("end without words where the peer has gone", function()
    assert.equal("", complaints(function()
      local settings = { plan = prepare { {} }, lifetime = 10, log = new_log(1) }
      function settings.ready(port)
        socket.connect("127.0.0.1", port):close()
      end
      assert.same({ false, STOP }, { pcall(server.run, settings) })
    end))
  end)

  it("wait for room where a peer does not read", function()
    local connection, got, writes = nil, 0, 0
    local settings = { plan = prepare { { body = ("x"):rep(1e6), repeats = 8 } }, lifetime = 10, log = new_log(1) }
    function settings.ready(port)
      connection = socket.connect("127.0.0.1", port)
      connection:send(last())
      connection:settimeout(0)
    end
    local select_given = socket.select
    socket.select = function(readers, writers, seconds) -- luacheck: ignore 122
      if #writers > 0 then
        writes = writes + 1
        local all, _, partial = connection:receive(1e6)
        got, seconds = got + #(all or partial), math.min(seconds, 0.001)
      end
      return select_given(readers, writers, seconds)
    end
    local ok, how = pcall(server.run, settings)
    socket.select = select_given -- luacheck: ignore 122
    assert.same({ false, STOP }, { ok, how })
    local all, _, partial = connection:receive "*a"
    got = got + #(all or partial)
    connection:close()
    assert.is_true(writes > 0)
    assert.is_true(got > 8e6 and got < 8e6 + 1000)
  end)
end)

describe("the server as a child", function()
  local run_server, stdin_stdout, directory = server.run, io.stdout, nil

  after_each(function()
    server.run, io.stdout = run_server, stdin_stdout -- luacheck: ignore 122
    directory:remove()
  end)

  -- Runs it with a server that ends in this way; what it wrote, and its settings.
  local function child(how)
    directory = require("spec.support.directory").new()
    directory:write("settings", serialize.dump { plan = { routes = {} }, port = 5 })
    directory:write("log", "before ")
    local written, settings = "", nil
    server.run = function(given)
      settings = given
      given.ready(4711)
      given.log:write "after"
      given.log:close()
      return how
    end
    io.stdout = { -- luacheck: ignore 122
      write = function(_, ...) written = written .. table.concat { ... } end,
      flush = function() written = written .. "!" end,
    }
    server.child(directory.root, "99")
    io.stdout = stdin_stdout -- luacheck: ignore 122
    return written, settings
  end

  it("tells its process id and port at once, and writes to its log", function()
    local written, settings = child "lifetime"
    assert.equal("99 4711\n!", written)
    assert.same({ 5, true, { routes = {} } }, { settings.port, settings.parent, settings.plan })
    assert.equal("before after", directory:read "log")
  end)

  it("removes its directory where its parent has gone, and else leaves it", function()
    child "lifetime"
    assert.same({ "log", "settings" }, directory:names())
    directory:remove()
    child "parent"
    assert.is_nil(io.open(directory:path "settings"))
  end)
end)
