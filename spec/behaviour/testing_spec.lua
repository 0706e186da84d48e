local raw_client = require "spec.support.raw_client"
local socket = require "socket"
local child = require "spec.support.child"
local testing = require "anthropic.testing"

local connect = raw_client.connect
local request_text = raw_client.request_text
local read_to_end = raw_client.read_to_end
local fetch = raw_client.fetch
local read_answer = raw_client.read_answer
local dechunk = raw_client.dechunk
local eventually = raw_client.eventually
local closing = { "Connection: close" }

local has_cjson = pcall(require, "cjson")

local function is_running(pid)
  local pipe = io.popen("kill -0 " .. pid .. " 2>/dev/null && cat /proc/" .. pid .. "/stat 2>/dev/null || echo gone")
  local answer = pipe:read("*a")
  pipe:close()
  return not answer:find("gone") and not answer:find(") Z ", 1, true)
end

local function exists(path)
  local file = io.open(path)
  return file ~= nil and file:close()
end

local function interpreter()
  local lowest = 0
  while arg[lowest - 1] do
    lowest = lowest - 1
  end
  return arg[lowest]
end

local function executable(command)
  local path = os.tmpname()
  local file = io.open(path, "w")
  file:write("#!/bin/sh\n" .. command .. "\n")
  file:close()
  os.execute("chmod +x " .. path)
  return path
end

describe("the testing server", function()
  local server

  local function serve(script, options)
    options = options or {}
    options.script = script
    server = testing.server(options)
    return server
  end

  after_each(function()
    if server then
      server:stop()
      server = nil
    end
  end)

  describe("as a process", function()
    it("gives its URL, port and process", function()
      serve { {} }
      assert.equal("http://127.0.0.1:" .. server.port, server.url)
      assert.is_true(is_running(server.pid))
    end)

    it("ends when it is stopped, and stopping again does nothing", function()
      serve { {} }
      local directory = server.child.directory
      server:stop()
      assert.is_false(is_running(server.pid))
      assert.is_false(exists(directory .. "/log"))
      assert.is_nil((socket.connect("127.0.0.1", server.port)))
      server:stop()
    end)

    it("keeps its records readable after it was stopped", function()
      serve { {} }
      fetch(server, { body = "kept" })
      server:stop()
      assert.equal("kept", server:requests()[1].body)
      assert.same({ opened = 1, open = 0 }, server:connections())
    end)

    it("ends when nobody holds it any more", function()
      local function start_and_drop()
        return testing.server({ script = { {} } }).pid
      end
      local pid = start_and_drop()
      assert.is_true(eventually(function()
        collectgarbage()
        return not is_running(pid)
      end))
    end)

    it("ends, and leaves no file, when its parent is killed", function()
      local pipe = io.popen("exec " .. interpreter() .. [[ -e '
        local server = require("anthropic.testing").server { script = { {} } }
        print(server.pid, server.child.directory)
        io.stdout:flush()
        os.execute("kill -9 $PPID")']])
      local pid, directory = pipe:read("*l"):match("^(%d+)%s+(%S+)")
      pipe:close()
      assert.is_true(eventually(function() return not is_running(pid) end))
      assert.is_true(eventually(function() return not exists(directory .. "/log") end))
    end)

    it("ends when its lifetime is over", function()
      serve({ {} }, { lifetime = 0.3 })
      assert.is_true(is_running(server.pid))
      assert.is_true(eventually(function() return not is_running(server.pid) end))
    end)

    it("says so when the interpreter does not exist", function()
      local ok, message = pcall(testing.server, { script = { {} }, lua = "no-such-lua" })
      assert.is_false(ok)
      assert.matches("did not start: no Lua interpreter found: tried no%-such%-lua", message)
    end)

    it("says which package is missing where there is no LuaSocket", function()
      local program = executable(("LUA_PATH=nowhere/?.lua LUA_CPATH=nowhere/?.so exec %s \"$@\"")
        :format(child.quote(child.interpreter())))
      local path, cpath = package.path, package.cpath
      package.path, package.cpath = "nowhere/?.lua", "nowhere/?.so"
      local ok, message = pcall(testing.server, { script = { {} }, lua = program })
      package.path, package.cpath = path, cpath
      os.remove(program)
      assert.is_false(ok)
      assert.matches("needs LuaSocket", message)
      assert.matches("lua%-socket", message)
    end)

    it("finds LuaSocket where its Lua does, though this process has paths of its own, as editors have", function()
      local path, cpath = package.path, package.cpath
      package.path, package.cpath = "nowhere/?.lua", "nowhere/?.so"
      local ok, message = pcall(serve, { {} })
      package.path, package.cpath = path, cpath
      assert.is_true(ok, message)
    end)

    it("starts by another Lua, whatever paths the environment has for this one", function()
      local other = _VERSION == "Lua 5.4" and "lua5.1" or "lua5.4"
      local probe = assert(io.popen("command -v " .. other))
      local is_there = probe:read "*l" ~= nil
      probe:close()
      if not is_there then
        pending("there is no " .. other)
        return
      end
      local getenv = os.getenv
      os.getenv = function(name) -- luacheck: ignore 122
        return name:find "^LUA_C?PATH$" and "nowhere/?.lua" or getenv(name)
      end
      local ok, message = pcall(serve, { {} }, { lua = other })
      os.getenv = getenv -- luacheck: ignore 122
      assert.is_true(ok, message)
    end)

    it("does not wait for ever for an interpreter that says nothing", function()
      local program = executable "exec sleep 100"
      local ok, message = pcall(testing.server, { script = { {} }, lua = program, start_timeout = 0.2 })
      os.remove(program)
      assert.is_false(ok)
      assert.matches("not ready after 0.2 seconds", message)
    end)

    it("takes the port that it is given, and fails when that is taken", function()
      serve { {} }
      local ok, message = pcall(testing.server, { script = { {} }, port = server.port })
      assert.is_false(ok)
      assert.matches("cannot listen", message)
      local port = server.port
      server:stop()
      serve({ {} }, { port = port })
      assert.equal(port, server.port)
    end)

    it("runs beside others", function()
      local other = testing.server { script = { { body = "other" } } }
      serve { { body = "this" } }
      assert.equal("other", (fetch(other)))
      other:stop()
      assert.equal("this", (fetch(server)))
    end)

    it("refuses an unknown option", function()
      assert.has_error(function() testing.server { scrpt = {} } end, "anthropic.testing: no such option: scrpt")
    end)
  end)

  describe("as a recorder", function()
    it("records a request exactly", function()
      serve { {} }
      local bytes = {}
      for byte = 0, 255 do
        bytes[#bytes + 1] = string.char(byte)
      end
      local body = table.concat(bytes):rep(40)
      fetch(server, {
        method = "PUT", target = "/v1/files?limit=2&after=x", body = body,
        headers = { "Connection: close", "X-Twice: one", "x-twice:  two ", "X-Empty:" },
      })
      local request = server:requests()[1]
      assert.equal("PUT", request.method)
      assert.equal("/v1/files?limit=2&after=x", request.target)
      assert.equal("/v1/files", request.path)
      assert.equal("limit=2&after=x", request.query)
      assert.is_true(request.body == body)
      assert.equal(#body, request.body_bytes)
      assert.equal("two", request.headers["x-twice"])
      assert.equal("", request.headers["x-empty"])
      assert.same({
        { "Host", "test" }, { "Connection", "close" }, { "X-Twice", "one" }, { "x-twice", "two" }, { "X-Empty", "" },
        { "Content-Length", tostring(#body) },
      }, request.raw_headers)
      assert.equal(1, request.connection)
      assert.equal(1, request.number)
      assert.is_true(request.time >= 0 and request.time < 60)
      assert.is_nil(request.closed_early)
    end)

    it("gives new requests with each call, in order", function()
      serve { {} }
      assert.same({}, server:requests())
      for count = 1, 3 do
        fetch(server, { body = "body " .. count })
        assert.equal(count, #server:requests())
        assert.equal("body " .. count, server:requests()[count].body)
      end
    end)

    it("decodes JSON bodies where lua-cjson is there", function()
      serve { {} }
      fetch(server, { body = '{"model":"m","messages":[{"role":"user"}]}' })
      fetch(server, { body = "no JSON" })
      local requests = server:requests()
      assert.equal(has_cjson and "user" or nil, requests[1].json and requests[1].json.messages[1].role)
      assert.is_nil(requests[2].json)
    end)

    it("has recorded a request before its answer begins", function()
      serve { { hang = true } }
      local client = connect(server)
      client:send(request_text { body = "early" })
      assert.is_true(eventually(function() return #server:requests() == 1 end))
      assert.equal("early", server:requests()[1].body)
      client:close()
    end)

    it("reads a chunked request", function()
      serve { { body = "ok" } }
      local client = connect(server)
      client:send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        .. "5\r\nhello\r\nA;extension=1\r\n\0\1\2\3\4\r\n678\r\n0\r\nTrailer: x\r\n\r\n")
      assert.matches("\r\n\r\nok$", read_to_end(client))
      assert.equal("hello\0\1\2\3\4\r\n678", server:requests()[1].body)
    end)

    it("answers Expect: 100-continue before it reads the body", function()
      serve { { body = "ok" } }
      local client = connect(server)
      client:send("POST / HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
      assert.equal("HTTP/1.1 100 Continue", client:receive("*l"))
      client:send("body")
      assert.matches("HTTP/1.1 200 OK.*ok$", read_to_end(client))
      assert.equal("body", server:requests()[1].body)
    end)

    it("keeps the beginning of a body above the limit, and its length", function()
      serve({ { body = "ok" } }, { max_record_bytes = 1000 })
      assert.equal("ok", (fetch(server, { body = ("x"):rep(999) .. ("y"):rep(3000000) })))
      local request = server:requests()[1]
      assert.equal(("x"):rep(999) .. "y", request.body)
      assert.equal(3000999, request.body_bytes)
    end)

    it("reads a request that comes byte by byte", function()
      serve { { body = "ok" } }
      local client = connect(server)
      local text = request_text { body = "slow", headers = closing }
      for position = 1, #text do
        client:send(text:sub(position, position))
      end
      assert.matches("ok$", read_to_end(client))
      assert.equal("slow", server:requests()[1].body)
    end)

    it("answers what is no HTTP with 400", function()
      serve { {} }
      local client = connect(server)
      client:send("hello\r\n\r\n")
      assert.matches("^HTTP/1.1 400 Bad Request\r\n", read_to_end(client))
      assert.same({}, server:requests())
    end)

    it("serves several requests on one connection, also when they come at once", function()
      serve { { body = "1" }, { body = "22" }, { body = "333" } }
      local client = connect(server)
      client:send(request_text { body = "a" })
      assert.equal("1", (read_answer(client)))
      client:send(request_text { body = "b" } .. request_text { body = "c" })
      assert.equal("22", (read_answer(client)))
      assert.equal("333", (read_answer(client)))
      assert.same({ opened = 1, open = 1 }, server:connections())
      client:close()
      fetch(server)
      local connections = {}
      for index, request in ipairs(server:requests()) do
        connections[index] = request.connection
      end
      assert.same({ 1, 1, 1, 2 }, connections)
    end)

    it("notices at once that a peer has closed, in the middle of a pause", function()
      serve { { events = { { data = "a" }, { data = "b", delay = 60 } } } }
      local client = connect(server)
      client:send(request_text())
      assert.equal("HTTP/1.1 200 OK", client:receive("*l"))
      assert.is_true(eventually(function() return server:connections().open == 1 end))
      assert.is_nil(server:requests()[1].closed_early)
      client:close()
      assert.is_true(eventually(function() return server:connections().open == 0 end, 5))
      assert.is_true(server:requests()[1].closed_early)
    end)

    it("notices a peer that leaves while it does not read what is sent", function()
      serve { { body = ("x"):rep(30000000) } }
      local client = connect(server)
      client:send(request_text())
      assert.equal("HTTP/1.1 200 OK", client:receive("*l"))
      client:close()
      assert.is_true(eventually(function() return server:connections().open == 0 end))
      assert.is_true(server:requests()[1].closed_early)
    end)

    it("does not call a peer early that had its whole answer", function()
      serve { { body = "whole" } }
      local client = connect(server)
      client:send(request_text())
      read_answer(client)
      client:close()
      assert.is_true(eventually(function() return server:connections().open == 0 end))
      assert.is_nil(server:requests()[1].closed_early)
    end)
  end)

  describe("under load", function()
    --- Opens `count` connections, sends a request on each, reads all to their ends.
    local function read_all_at_once(count)
      local texts, sockets, open = {}, {}, count
      for index = 1, count do
        local client = connect(server)
        client:send(request_text { headers = closing })
        client:settimeout(0)
        sockets[index], texts[client] = client, {}
      end
      local deadline = socket.gettime() + 60
      while open > 0 and socket.gettime() < deadline do
        for _, client in ipairs((socket.select(sockets, nil, 1))) do
          local bytes, failure, partial = client:receive(100000)
          table.insert(texts[client], bytes or partial)
          if failure == "closed" then
            for index, other in ipairs(sockets) do
              if other == client then
                table.remove(sockets, index)
                break
              end
            end
            client:close()
            open = open - 1
          end
        end
      end
      return texts
    end

    it("plays a hundred slow streams at the same time", function()
      local answer = testing.stream { text = ("word "):rep(30), delay_between = 0.03 }
      serve { { events = answer.events }, answer }
      local whole = dechunk((fetch(server)))
      local start = socket.gettime()
      local texts = read_all_at_once(100)
      assert.is_true(socket.gettime() - start < 30)
      local count = 0
      for _, parts in pairs(texts) do
        assert.equal(whole, dechunk(table.concat(parts):match("\r\n\r\n(.*)$")))
        count = count + 1
      end
      assert.equal(100, count)
      assert.equal(101, #server:requests())
    end)

    it("holds three hundred connections open", function()
      serve { { delay = 1, body = "held" } }
      local clients = {}
      for index = 1, 300 do
        clients[index] = connect(server)
        clients[index]:send(request_text { headers = closing })
      end
      assert.is_true(eventually(function() return server:connections().open == 300 end, 5))
      for _, client in ipairs(clients) do
        assert.matches("held$", read_to_end(client))
      end
      assert.is_true(eventually(function() return server:connections().open == 0 end))
    end)
  end)

  describe("as a demo", function()
    local request = '{"model":"m","stream": true,"thinking":{"type":"enabled","budget_tokens":1200}}'

    it("streams thinking and text where they are asked for", function()
      serve "demo"
      local start = socket.gettime()
      local body = dechunk((fetch(server, { body = request })))
      assert.is_true(socket.gettime() - start > 0.5)
      assert.matches("thinking_delta.*signature_delta.*text_delta.*message_stop", body)
      body = dechunk((fetch(server, { body = '{"stream":true}' })))
      assert.is_nil(body:find("thinking_delta", 1, true))
    end)

    it("answers whole where no stream is asked for", function()
      serve "demo"
      local body, head = fetch(server, { body = '{"thinking":{"type":"enabled"}}' })
      assert.matches("Content%-Type: application/json", head)
      assert.matches('"type":"thinking".*"type":"text".*👋', body)
      assert.is_nil((fetch(server)):find('"type":"thinking"', 1, true))
    end)

    local function command_serves(command, expected)
      local pipe = io.popen(interpreter() .. " " .. command .. " 2>&1")
      local port = pipe:read("*l"):match("^http://127%.0%.0%.1:(%d+)$")
      assert.matches(expected, (fetch { port = tonumber(port) }))
      assert.is_nil(pipe:read("*l"))
      pipe:close()
    end

    it("is a command", function()
      if _VERSION == "Lua 5.1" and not rawget(_G, "jit") or _VERSION == "Lua 5.2" then -- no `arg` there
        command_serves([[-e 'require("anthropic.testing").main { "--lifetime", "1" }']], "你好")
      else
        command_serves([[-e 'require("anthropic.testing").main()' -- --lifetime 1]], "你好")
      end
    end)

    it("is an example that plays a script of the user's", function()
      local script = os.tmpname()
      local file = io.open(script, "w")
      file:write('return { { body = "mine" } }')
      file:close()
      command_serves("examples/testing_server.lua --lifetime 1 --script " .. script, "^mine$")
      os.remove(script)
    end)

    it("refuses other arguments", function()
      for _, arguments in ipairs { "--nonsense 1", "--port", "--port x", "word" } do
        local pipe = io.popen(interpreter() .. " examples/testing_server.lua " .. arguments .. " 2>&1")
        assert.matches("^Runs a local server", pipe:read("*a"))
        pipe:close()
      end
    end)
  end)
end)
