local abilities = require "spec.support.abilities"
local child = require "spec.support.child"
local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local exhaustion = require "spec.support.exhaustion"
local full_queue = require "spec.support.full_queue"
local http2_peer = require "spec.support.http2_peer"
local libcurl = require "spec.support.libcurl"
local socket = require "socket"

local head_of = core_peer.head_of

describe("the connections of a loop", function()
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

  -- A transfer and the peer's side of it.
  local function open(options)
    return core_peer.pair(loop, peer, options)
  end

  local function open_many(count)
    return core_peer.pairs(loop, peer, count)
  end

  -- The number that the next descriptor gets.
  local function next_descriptor()
    local listener = assert(socket.bind("127.0.0.1", 0))
    local number = listener:getfd()
    listener:close()
    return number
  end

  -- Starts a request whose answer is more than waits for a reader, and waits until it is watched no more.
  local function open_paused(body, options)
    local transfer, connection = start(options)
    connection:send(head_of(#body))
    local sent = 0
    core_peer.run(loop, function()
      sent = core_peer.send_some(connection, body, sent)
      return sent == #body and not loop:wait(0)
    end)
    assert.is_true(transfer:received() < #body)
    return transfer, connection
  end

  it("can be given no more bytes after its end", function()
    local transfer, connection = start()
    connection:send(head_of(2) .. "okHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nagain")
    core_peer.finish(loop, transfer)
    assert.equal("ok", transfer:body())
    connection:close()
  end)

  it("uses a connection again, unless the peer closed it meanwhile", function()
    local first, connection = start()
    connection:send(head_of(2) .. "ok")
    core_peer.finish(loop, first)
    assert.equal(1, loop:connections())
    local second = core_peer.start(loop, peer)
    core_peer.read_request(loop, connection)
    connection:send(head_of(2) .. "ok")
    core_peer.finish(loop, second)
    assert.is_false(first:timings().reused)
    assert.is_true(second:timings().reused)
    connection:close()
    local third, another = start()
    another:send(head_of(2) .. "ok")
    core_peer.finish(loop, third)
    assert.equal("ok", third:body())
    assert.is_false(third:timings().reused)
    another:close()
  end)

  -- Handles are used again as well: what one request set must not be found in the next.
  it("sends nothing of the request before it on the same connection", function()
    local plain = { method = "POST", body = "{}", headers = { "Content-Type: application/json" } }
    local requests = {
      plain,
      { method = "PUT", body = "a longer body", headers = { "X-One: 1" }, expected = "X-One: 1\r\n" },
      plain,
      { method = "GET", body = false, headers = {}, expected = "" },
      plain,
      { method = "HEAD", body = false, headers = { "X-Two: 2" }, expected = "X-Two: 2\r\n" },
      { method = "POST", body = "", headers = {}, expected = "" },
      { method = "DELETE", body = false, headers = {}, expected = "" },
      plain,
    }
    local connection
    for i, request in ipairs(requests) do
      local transfer = core_peer.start(loop, peer, {
        method = request.method, body = request.body, headers = request.headers,
      })
      connection = connection or peer:connection(loop)
      local sent = core_peer.read_request(loop, connection)
      local first, fields, body = sent:match "^(.-)\r\n(.-\r\n)\r\n(.*)$"
      assert.equal(request.method .. " / HTTP/1.1", first, i)
      assert.equal(request.body or "", body, i)
      assert.equal(request.body and tostring(#request.body) or nil, fields:match "Content%-Length: (%d+)", i)
      for _, of_libcurl in ipairs { "Host: ", "Content%-Length: ", "Accept: ", "Content%-Type: application/x%-www" } do
        fields = fields:gsub(of_libcurl .. "[^\r]*\r\n", "")
      end
      assert.equal(request.expected or "Content-Type: application/json\r\n", fields, i)
      connection:send(request.method == "HEAD" and head_of(5) or head_of(2) .. "ok")
      core_peer.finish(loop, transfer)
      assert.is_nil(transfer:failure())
      assert.equal(request.method == "HEAD" and "" or "ok", transfer:body())
      assert.equal(i > 1, transfer:timings().reused)
      transfer:close()
    end
    connection:close()
  end)

  it("has a connection where a host without a standard input gets descriptor 0 for it", function()
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(([[
      local first = io.open "/dev/null"
      local loop = require("anthropic.core").loop()
      loop:fd()
      first:close()
      local transfer = assert(loop:start { method = "GET", url = %q, total_timeout = 10 })
      repeat loop:wait(1) until transfer:done()
      io.write(tostring((transfer:failure())), " ", transfer:body(), " ", loop:connections(), " ")
      loop:close()
      io.write(tostring(require("anthropic.core").loop():fd()))
    ]]):format(peer.url))
    file:close()
    local pipe = assert(io.popen(("(exec <&-; %s %s) 2>&1"):format(child.interpreter(), path)))
    local connection = peer:accept(loop)
    connection:send(core_peer.head_of(2) .. "ok")
    assert.matches("^nil ok 1 [0n]", pipe:read "*a") -- it is free again
    pipe:close()
    connection:close()
    os.remove(path)
  end)

  it("counts the connections that are open, idle ones too", function()
    assert.equal(0, loop:connections())
    local list = open_many(20)
    assert.equal(20, loop:connections())
    for i = 1, 10 do
      list[i].connection:send(core_peer.head_of(2) .. "ok")
      core_peer.finish(loop, list[i].transfer)
    end
    assert.equal(20, loop:connections())
    for i = 11, 20 do
      list[i].transfer:close()
    end
    assert.equal(10, loop:connections())
    core_peer.close_all(list)
    core_peer.pass(loop, 0.03)
    local each = open() -- libcurl looks at the idle ones that their peers have closed
    assert.is_true(loop:connections() <= 11 and loop:connections() >= 1)
    core_peer.close_all { each }
  end)

  it("has no connection where none came about", function()
    local gone = core_peer.listen()
    gone:close()
    core_peer.finish(loop, core_peer.start(loop, gone))
    assert.equal(0, loop:connections())
  end)

  it("has none any more where one did not come about in time", function()
    local queue = full_queue.open()
    if not queue then
      pending "this system answers connections above its queue"
    end
    local transfer = core_peer.start(loop, peer, { url = queue.url, connect_timeout = 0.02 })
    assert.equal(1, loop:connections())
    core_peer.finish(loop, transfer)
    assert.equal(0, loop:connections())
    queue:close()
  end)

  it("sends at once where a connection is idle", function()
    local first = open()
    first.connection:send(core_peer.head_of(2) .. "ok")
    core_peer.finish(loop, first.transfer)
    local second = core_peer.start(loop, peer)
    first.connection:settimeout(5)
    assert.equal("POST / HTTP/1.1", first.connection:receive "*l") -- nobody has moved the loop along
    second:close()
    core_peer.close_all { first }
  end)

  it("uses no connection again on which something came that nobody asked for, and others all the same", function()
    local busy = open()
    local pairs_of = open_many(2)
    for _, each in ipairs(pairs_of) do
      each.connection:send(head_of(2) .. "ok")
      core_peer.finish(loop, each.transfer):close()
    end
    assert.equal(3, loop:connections())
    pairs_of[1].connection:send "x"
    local transfer = core_peer.start(loop, peer)
    local connection = libcurl.notes_ends_late and peer:connection(loop) or pairs_of[2].connection
    core_peer.read_request(loop, connection)
    connection:send(head_of(2) .. "ok")
    core_peer.finish(loop, transfer)
    assert.equal(not libcurl.notes_ends_late, transfer:timings().reused)
    connection:send "x"
    local other, another = start()
    another:send(head_of(2) .. "ok")
    core_peer.finish(loop, other)
    assert.is_false(other:timings().reused)
    assert.equal("ok", other:body())
    another:close()
    connection:close()
    busy.connection:send(head_of(2) .. "ok")
    assert.equal("ok", core_peer.finish(loop, busy.transfer):body())
    core_peer.close_all(pairs_of)
    core_peer.close_all { busy }
  end)

  it("ends none that is used again, though bytes wait on it when another request begins", function()
    local each = open()
    each.connection:send(head_of(2) .. "ok")
    core_peer.finish(loop, each.transfer)
    local again = core_peer.start(loop, peer)
    core_peer.read_request(loop, each.connection)
    each.connection:send(head_of(2) .. "ok")
    local other = open()
    core_peer.finish(loop, again)
    assert.is_true(again:timings().reused)
    assert.equal("ok", again:body())
    core_peer.close_all { each, other }
  end)

  it("ends none that another request has at once, before the loop has heard of the end of the first one", function()
    local body = ("data: x\n\n"):rep(40000)
    local first, connection = open_paused(body)
    while first:event() do end -- luacheck: ignore
    local second = core_peer.start(loop, peer)
    core_peer.pass(loop, 0.02)
    if not first:done() or not core_peer.is_readable(connection:getfd()) then
      pending "which this libcurl does not do"
    end
    core_peer.read_request(loop, connection)
    connection:send(head_of(4) .. "ok")
    local third = open()
    connection:send "ok"
    core_peer.finish(loop, second)
    assert.is_true(second:timings().reused)
    assert.equal("okok", second:body())
    connection:close()
    core_peer.close_all { third }
  end)

  it("does not wake for a connection that could take more, while an answer is waited for", function()
    local transfer, connection = start()
    loop:fd()
    while loop:wait(0) do end -- luacheck: ignore
    for _ = 1, 3 do
      assert.is_false(loop:wait(0.01))
    end
    connection:send(head_of(2) .. "ok")
    core_peer.finish(loop, transfer)
    while loop:wait(0) do end -- luacheck: ignore
    assert.is_false(loop:wait(0.01))
    connection:close()
  end)

  it("does not wake for what comes on one that is idle", function()
    local each = open()
    each.connection:send(head_of(2) .. "ok")
    core_peer.finish(loop, each.transfer)
    while loop:wait(0) do end -- luacheck: ignore
    each.connection:send "x"
    for _ = 1, 3 do
      assert.is_false(loop:wait(0.005))
    end
    core_peer.close_all { each }
  end)

  it("sends the rest of a body that its peer takes in pieces", function()
    local body = ("x"):rep(8 * 1024 * 1024)
    local transfer = core_peer.start(loop, peer, { body = body })
    local connection = peer:connection(loop)
    core_peer.pass(loop, 0.01) -- what the system keeps is full
    assert.equal(body, core_peer.read_request(loop, connection):sub(-#body))
    transfer:close()
    connection:close()
  end)

  it("fail where the system refuses to watch one, with none left of those that were idle", function()
    if not loop:fd() then
      pending "which this poller does not ask"
    end
    local list, others = open_many(2), {}
    for _, each in ipairs(list) do
      each.connection:send(head_of(2) .. "ok")
      core_peer.finish(loop, each.transfer)
    end
    local number = next_descriptor()
    local transfer, connection = open_paused(("x"):rep(300 * 1024), { fresh = true })
    local gone = socket.tcp()
    gone:setfd(number)
    gone:close()
    transfer:body() -- it is to go on
    assert.equal("connection", (transfer:failure()))
    for i = 1, 10 do
      others[i] = core_peer.listen() -- with the numbers of those that are closed
    end
    list[3] = open()
    assert.equal(1, loop:connections())
    for _, other in ipairs(others) do
      other:close()
    end
    connection:close()
    core_peer.close_all(list)
  end)

  describe("of a process that forks", function()
    if not abilities then
      pending "which this system cannot"
      return
    end

    it("are closed in the other one, which has its parent's no more", function()
      local function sockets()
        return select(2, core_peer.descriptors():gsub("socket", ""))
      end
      local list = open_many(2)
      core_peer.in_child(function()
        local before = sockets()
        assert.equal(0, loop:connections())
        assert.equal(2, before - sockets())
      end)
      assert.equal(2, loop:connections())
      core_peer.close_all(list)
    end)

    it("are none where there were none", function()
      loop:fd()
      core_peer.in_child(function()
        assert.equal(0, loop:connections())
      end)
    end)

    it("close no other's descriptor there that has the number of one of them", function()
      local queue = full_queue.open()
      if not queue then
        pending "this system answers connections above its queue"
      end
      local transfers, files = {}, {}
      for i = 1, 3 do
        transfers[i] = core_peer.start(loop, peer, { url = queue.url, connect_timeout = 0.02 })
      end
      for _, transfer in ipairs(transfers) do
        core_peer.finish(loop, transfer) -- libcurl has closed its socket and called nobody
      end
      queue:close()
      for i = 1, 20 do
        files[i] = assert(io.open "/dev/zero")
      end
      core_peer.in_child(function()
        loop:step()
        for _, file in ipairs(files) do
          assert.is_string(file:read(1))
        end
      end)
      for _, file in ipairs(files) do
        file:close()
      end
    end)
  end)

  it("keep no descriptor for which there is no memory", function()
    if not exhaustion.is_possible "core" then
      pending "of this system has memory at all times"
    end
    local each = open() -- libcurl has what it keeps
    collectgarbage()
    collectgarbage()
    local before = core_peer.descriptors()
    exhaustion.run("core", function()
      local own = core.loop()
      pcall(own.start, own, { method = "GET", url = peer.url })
      own:close()
    end, function()
      assert.equal(before, core_peer.descriptors())
    end)
    core_peer.close_all { each }
  end)

  it("give back the memory that they took", function()
    if not exhaustion.is_possible "core" then
      pending "which cannot be counted here"
    end
    local function attempt()
      local own = core.loop()
      local each = core_peer.pair(own, peer)
      assert.equal(1, own:connections())
      own:close()
      core_peer.close_all { each }
    end
    attempt()
    local before = exhaustion.blocks "core"
    attempt()
    assert.equal(before, exhaustion.blocks "core")
  end)

  it("come about where there was no memory for the loop at first", function()
    if not exhaustion.is_possible "core" then
      pending "of this system has memory at all times"
    end
    local own
    exhaustion.run("core", function()
      return own and own:fd()
    end, function(ok)
      assert.is_true(ok)
      if own then
        core_peer.close_all { core_peer.pair(own, peer) }
        own:close()
      end
      own = core.loop()
    end)
  end)

  describe("that are shared (HTTP/2)", function()
    local server

    after_each(function()
      server:stop()
    end)

    it("are used again though a frame waits on them", function()
      server = http2_peer.serve("late", "answer")
      core_peer.finish(loop, server:start(loop))
      if not server:await_bytes() then
        pending "which this system does not tell"
      end
      core_peer.finish(loop, server:start(loop))
      assert.same({ 1, 1 }, server:arrived())
    end)

    it("are known of a request that ends before libcurl has told of its one", function()
      server = http2_peer.serve("leave", "answer")
      local waiting = server:send(loop, { total_timeout = 2 }) -- before its peer goes away altogether
      if not server:await_bytes() then
        pending "which this system does not tell"
      end
      core_peer.finish(loop, server:start(loop)) -- it reads the end
      core_peer.finish(loop, waiting)
      assert.is_string((waiting:failure()))
      assert.not_equal("total", (waiting:failure()))
    end)
  end)
end)
