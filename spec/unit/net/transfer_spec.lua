local child = require "spec.support.child"
local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local directories = require "spec.support.directory"
local exhaustion = require "spec.support.exhaustion"
local http2_peer = require "spec.support.http2_peer"

local host = package.preload.host and require "host"
local head, head_of = core_peer.head, core_peer.head_of

describe("a transfer of the core", function()
  local loop, peer

  before_each(function()
    loop, peer = core.loop(), core_peer.listen()
  end)

  after_each(function()
    loop:close()
    peer:close()
  end)

  local function start(options)
    return core_peer.open(loop, peer, options)
  end

  local function answered(text, options)
    return core_peer.answered(loop, peer, text, options)
  end

  it("reports an event above the limit of events, for good", function()
    local transfer = answered(head .. "data: 12345\n\ndata: 123456\n\ndata: 1\n\n", { max_event_bytes = 5 })
    assert.equal("12345", (transfer:event()))
    assert.same({ nil, "too_large" }, { transfer:event() })
    assert.same({ nil, "too_large" }, { transfer:event() })
  end)

  it("gives back all that it held, headers, body and record", function()
    if host then
      pending "a sanitizer keeps what was freed for a while"
      return
    end
    local text = "HTTP/1.1 200 OK\r\n" .. ("X: " .. ("y"):rep(1000) .. "\r\n"):rep(100) .. "\r\n"
      .. ("x"):rep(100 * 1024)
    local before
    for i = 1, 150 do
      local transfer = answered(text, { record = true, headers = { "X: " .. ("y"):rep(60000) } })
      if i % 2 == 0 then
        transfer:body()
      end
      transfer:close()
      if i == 50 then
        collectgarbage()
        collectgarbage()
        before = core_peer.memory()
      end
    end
    collectgarbage()
    collectgarbage()
    assert.is_true(core_peer.memory() - before < 4 * 1024 * 1024)
  end)

  it("gives back all that it held, and libcurl for it, however it ended", function()
    if not exhaustion.is_possible "curl" then
      pending "which cannot be counted here"
    end
    local gone = core_peer.listen()
    gone:close()
    local endings = {
      ["an answer"] = function(own)
        local transfer = core_peer.start(own, peer)
        local connection = peer:accept(own)
        connection:send(head_of(2) .. "ok")
        core_peer.finish(own, transfer):close()
        connection:close()
      end,
      ["a failure"] = function(own)
        core_peer.finish(own, core_peer.start(own, gone)):close()
      end,
      cancelling = function(own)
        local transfer = core_peer.start(own, peer)
        peer:accept(own):close()
        transfer:close()
      end,
      ["the loop's end"] = function(own)
        core_peer.start(own, peer)
        peer:accept(own):close()
      end,
      ["a header that is too large"] = function(own)
        local transfer = core_peer.start(own, peer)
        local connection = peer:accept(own)
        local text, sent = "HTTP/1.1 200 OK\r\nX: " .. ("y"):rep(200000) .. "\r\n\r\n", 0
        core_peer.run(own, function()
          sent = core_peer.send_some(connection, text, sent)
          return sent == #text or transfer:done()
        end)
        assert.equal("large_headers", (core_peer.finish(own, transfer):failure()))
        transfer:close()
        connection:close()
      end,
      ["a file that is not there"] = function(own)
        assert.is_nil((own:start { method = "GET", url = peer.url, multipart = { { name = "a", path = "/none" } } }))
      end,
      ["an option that libcurl refuses"] = function(own)
        assert.is_nil((own:start { method = "GET", url = "http://" .. ("x"):rep(8000001) }))
      end,
    }
    for name, ending in pairs(endings) do
      local function attempt()
        local own = core.loop()
        ending(own)
        own:close()
      end
      attempt()
      local before = { exhaustion.blocks "core", exhaustion.blocks "curl" }
      attempt()
      assert.same(before, { exhaustion.blocks "core", exhaustion.blocks "curl" }, name)
    end
  end)

  it("fails for want of memory, says so, and keeps none", function()
    if not exhaustion.is_possible "core" then
      pending "of this system has memory at all times"
    end
    local text = "HTTP/1.1 200 OK\r\n" .. ("X: " .. ("y"):rep(100) .. "\r\n"):rep(30) .. "Content-Length: 5000\r\n\r\n"
      .. ("x"):rep(5000)
    for source, possible in pairs { core = { memory = true }, curl = { memory = true, connection = true } } do
      assert.is_true(exhaustion.survive(function()
        local own = core.loop()
        local transfer = own:start { method = "GET", url = peer.url, record = true, headers = { "X-Own: 1" } }
        local connection, result, _, request
        if transfer then
          core_peer.run(own, function()
            connection = peer.listener:accept()
            return connection or transfer:done()
          end)
        end
        if connection then
          connection:settimeout(0)
          _, request = pcall(core_peer.read_request, { wait = function(_, seconds)
            assert(not transfer:done())
            own:wait(seconds)
          end }, connection)
          connection:send(text)
          core_peer.finish(own, transfer)
          connection:close()
          local failure = transfer:failure()
          if not failure then
            result = request:find("X-Own: 1", 1, true) and #transfer:body() or "sent without its header"
          elseif not possible[failure] and (transfer:status() or failure ~= "large_headers") then
            result = failure -- libcurl may take a header that it has no memory for for too large
          end
        end
        own:close()
        return result
      end, source) > 10)
    end
  end)

  it("keeps a record of what comes where that is wanted", function()
    for _, record in ipairs { true, false } do
      local transfer = answered(head_of(2) .. "ok", { record = record })
      assert.equal(record and 1 or 0, #transfer:pieces())
    end
  end)

  it("fails above the limit of a body that is wanted as a whole, also where it had ended well", function()
    for most, failure in pairs { [6] = false, [5] = "too_large" } do
      local transfer = answered(head_of(6) .. "123456", { max_body_bytes = most })
      assert.is_nil(transfer:failure())
      while loop:next_ready() do end -- luacheck: ignore
      for _ = 1, 2 do
        assert.equal(("123456"):sub(1, most), transfer:body())
        assert.equal(failure, (transfer:failure()) or false)
      end
    end
  end)

  describe("read line by line", function()
    it("gives lines, then what is left without an end", function()
      local transfer, connection = start()
      connection:send(head .. "one\r\ntwo\n\nthr")
      local lines = {}
      core_peer.run(loop, function()
        local line, state = transfer:line()
        while line do
          lines[#lines + 1] = line
          line, state = transfer:line()
        end
        assert.equal("again", state)
        return #lines == 3
      end)
      assert.same({ "one", "two", "" }, lines)
      assert.is_false(transfer:has_news())
      connection:send "ee\nfour"
      connection:close()
      core_peer.finish(loop, transfer)
      assert.same({ "three" }, { transfer:line() })
      assert.same({ nil, "done", "four" }, { transfer:line() })
      assert.same({ nil, "done", "four" }, { transfer:line() })
      transfer:close()
      assert.same({ nil, "done" }, { transfer:line() })
    end)

    it("takes a line of the limit, and none above it", function()
      local transfer = answered(head .. "12345\n12345\r\n123456\n1\n", { max_event_bytes = 5 })
      assert.equal("12345", transfer:line())
      assert.equal("12345", transfer:line())
      for _ = 1, 2 do
        assert.same({ nil, "too_large" }, { transfer:line() })
      end
    end)

    it("gives all lines of a body above its window", function()
      local text, count = ("0123456789abcde\n"):rep(65536), 0
      local transfer, connection = start()
      connection:send(head)
      local sent = 0
      core_peer.run(loop, function()
        sent = sent < #text and core_peer.send_some(connection, text, sent) or sent
        if sent == #text then
          connection:shutdown "send"
        end
        local line, state = transfer:line()
        while line do
          count = count + 1
          assert(line == "0123456789abcde")
          line, state = transfer:line()
        end
        return state == "done"
      end)
      assert.equal(65536, count)
      connection:close()
    end)
  end)

  describe("into a file", function()
    local directory, path, sink

    before_each(function()
      directory = directories.new()
      path = directory:path "answer"
      sink = assert(core.sink(path))
    end)

    after_each(function()
      sink:close()
      directory:remove()
    end)

    it("writes the body of a success, and only of that", function()
      for status, is_success in pairs { ["200"] = true, ["299"] = true, ["300"] = false, ["500"] = false } do
        local transfer = answered("HTTP/1.1 " .. status .. " X\r\nContent-Length: 5\r\n\r\nhello", { sink = sink })
        assert.is_nil(transfer:failure())
        assert.equal(is_success and 5 or 0, sink:length(), status)
        assert.equal(is_success and "" or "hello", transfer:body())
      end
      assert.is_true(answered(head_of(5) .. "world", { sink = sink }):done())
      assert.is_true(sink:commit())
      assert.equal("world", directory:read "answer")
    end)

    it("begins anew with each request", function()
      assert.equal("truncated", (answered(head_of(50) .. "a broken beginning", { sink = sink }):failure()))
      assert.is_nil(answered(head_of(5) .. "whole", { sink = sink }):failure())
      assert.is_true(sink:commit())
      assert.equal("whole", directory:read "answer")
    end)

    it("ends where the file cannot be written", function()
      local transfer, connection = start { sink = sink }
      sink:close()
      connection:send(head_of(5) .. "hello")
      core_peer.finish(loop, transfer)
      assert.same({ "file", "cannot write a file: it is closed", 0 }, { transfer:failure() })
      assert.equal(0, loop:active())
      connection:close()
      local none, message, kind = loop:start { method = "GET", url = peer.url, sink = sink }
      assert.is_nil(none)
      assert.equal("cannot write a file: it is closed", message)
      assert.equal("file", kind)
    end)

    it("names the file that the system refuses to write further", function()
      sink:close()
      local program = directory:write("program.lua", ([[
        local core = require "anthropic.core"
        local loop, sink = core.loop(), assert(core.sink(%q))
        local transfer = assert(loop:start { method = "GET", url = %q, sink = sink, total_timeout = 20 })
        repeat loop:wait(1) until transfer:done()
        local name, message = transfer:failure()
        io.write(tostring(name), " ", tostring(message))
      ]]):format(path, peer.url))
      local pipe = assert(io.popen(("trap '' XFSZ; ulimit -f 8; exec %s %s 2>&1"):format(child.interpreter(), program)))
      local connection = peer:accept(loop)
      connection:settimeout(5)
      connection:send(head_of(64 * 1024) .. ("x"):rep(64 * 1024)) -- as far as it is read
      local output = pipe:read "*a"
      pipe:close()
      assert.equal("file cannot write " .. path .. ": File too large", output)
      assert.same({ "program.lua" }, directory:names())
      connection:close()
    end)
  end)

  -- In a process of its own: where little is in memory, finalizers run soon.
  it("loses nothing that comes while a finalizer runs inside its reader", function()
    local directory = directories.new()
    local program = directory:write("program.lua", [[
      local core = require "anthropic.core"
      local core_peer = require "spec.support.core_peer"
      local loop, peer = core.loop(), core_peer.listen()
      local transfer = core_peer.start(loop, peer)
      local connection = peer:accept(loop)
      local newproxy = rawget(_G, "newproxy")
      local inside, stepped = false, 0
      local function finalizer()
        if inside then
          stepped = stepped + 1
          loop:step()
        end
      end
      local texts = {}
      for i = 1, 1500 do
        texts[i] = ("data: %06d%s\n\n"):format(i, ("x"):rep(2000))
      end
      local text = table.concat(texts)
      texts = nil
      if _VERSION == "Lua 5.5" then
        collectgarbage("param", "pause", 110)
      else
        collectgarbage("setpause", 110)
      end
      collectgarbage()
      for _ = 1, 500 do
        if newproxy then
          getmetatable(newproxy(true)).__gc = finalizer
        else
          setmetatable({}, { __gc = finalizer })
        end
      end
      connection:send(core_peer.head)
      local sent, rounds, count = 0, 1, 0
      core_peer.run(loop, function()
        if sent == #text and stepped < 5 and rounds < 50 then
          sent, rounds = 0, rounds + 1
        elseif sent == #text then
          connection:shutdown "send"
        else
          sent = core_peer.send_some(connection, text, sent)
        end
        inside = true
        local data, state = transfer:event()
        while data do
          assert(tonumber(data:sub(1, 6)) == count % 1500 + 1 and #data == 2006)
          count = count + 1
          data, state = transfer:event()
        end
        inside = false
        return state == "done"
      end)
      assert(count == 1500 * rounds)
      io.write(stepped >= 5 and "stepped" or "not stepped", " ", tostring((transfer:failure())))
    ]])
    local pipe = assert(io.popen(("%s %s 2>&1"):format(child.interpreter(), program)))
    local output = pipe:read "*a"
    pipe:close()
    directory:remove()
    assert.equal("stepped nil", output)
  end)

  it("leaves nothing of itself to the next one, which is given its handle", function()
    local first, connection, request = start {
      headers = { "X-Own: 1" }, body = "abc", idle_timeout = 100, total_timeout = 100,
    }
    assert.matches("X-Own: 1", request, 1, true)
    connection:send(head_of(2) .. "ok")
    core_peer.finish(loop, first):close()
    local second = core_peer.start(loop, peer, { method = "GET", body = false, headers = { "X-Other: 2" } })
    request = core_peer.read_request(loop, connection)
    assert.matches("^GET / ", request)
    assert.is_nil(request:find("X-Own", 1, true))
    assert.is_nil(request:lower():find("content-", 1, true))
    assert.is_nil(request:lower():find("expect:", 1, true))
    assert.is_nil(request:lower():find("accept-encoding:", 1, true))
    core.advance(500)
    connection:send(head_of(2) .. "ok")
    core_peer.finish(loop, second)
    assert.is_nil(second:failure())
    connection:close()
  end)

  describe("that is fed", function()
    it("takes bytes up to its limit, and none after its end", function()
      local transfer = core.fed(200, 100, 5)
      assert.is_false(transfer:has_news())
      assert.is_true(transfer:feed "12345")
      assert.is_true(transfer:has_news())
      assert.is_false(transfer:done())
      transfer:finish()
      assert.is_true(transfer:done())
      assert.is_false(transfer:feed "6")
      assert.equal("12345", transfer:body())
      assert.is_nil(transfer:failure())
    end)

    it("fails above its limit", function()
      local transfer = core.fed(404, 100, 5)
      assert.equal(404, transfer:status())
      assert.is_false(transfer:feed "123456")
      assert.is_true(transfer:done())
      assert.equal("too_large", (transfer:failure()))
      assert.is_false(transfer:feed "1")
      transfer:finish()
      assert.equal("too_large", (transfer:failure()))
    end)
  end)

  it("of HTTP/2 keeps the interface that its URL names, and takes a new connection after one timed out", function()
    local server = http2_peer.serve("silent", "answer")
    local zoned = { url = server.url:gsub("127.0.0.1", "[::ffff:127.0.0.1%%251]"), insecure = true, total_timeout = 50 }
    local transfer = server:send(loop, zoned)
    if transfer:done() then
      server:stop()
      pending "this system has no IPv6"
    end
    core.advance(60)
    assert.equal("total", (core_peer.finish(loop, transfer):failure()))
    for _ = 1, 2 do
      assert.is_nil(core_peer.finish(loop, server:send(loop, zoned)):failure())
    end
    assert.same({ 1, 2, 3 }, server:arrived())
    server:stop()
  end)

  it("sends parts, and begins none where a file of them, or the body's, cannot be read: it names that", function()
    local transfer, connection, request = start {
      body = false, multipart = { { name = "one", data = "first" }, { name = "two", data = "second" } },
    }
    assert.matches('name="one"\r\n\r\nfirst\r\n', request, 1, true)
    assert.matches('name="two"\r\n\r\nsecond\r\n', request, 1, true)
    connection:send(head_of(2) .. "ok")
    assert.equal("ok", core_peer.finish(loop, transfer):body())
    connection:close()
    for _, body in ipairs {
      { multipart = { { name = "one", data = "first" }, { name = "two", path = "/none" } } }, { body_file = "/none" },
    } do
      body.method, body.url = "POST", peer.url
      local none, message, kind = loop:start(body)
      assert.same({ nil, "file" }, { none, kind })
      assert.matches("^cannot read /none: ", message)
    end
  end)

  it("ends after so many seconds from now where it is limited", function()
    local transfer, connection = start { total_timeout = 100000 }
    core.advance(10000)
    transfer:limit(1000)
    core.advance(900)
    core_peer.pass(loop, 0.01)
    assert.is_false(transfer:done())
    core.advance(100)
    core_peer.finish(loop, transfer)
    assert.equal("total", (transfer:failure()))
    connection:close()
  end)
end)
