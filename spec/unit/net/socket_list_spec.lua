local certificates = require "spec.support.certificates"
local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local exhaustion = require "spec.support.exhaustion"
local full_queue = require "spec.support.full_queue"
local http2_peer = require "spec.support.http2_peer"
local libcurl = require "spec.support.libcurl"
local ssl = require "ssl"

-- The loop counts what it has open by this list.
describe("the list of a loop's sockets", function()
  local loop, peer, list

  before_each(function()
    loop, peer, list = core.loop(), core_peer.listen(), {}
  end)

  after_each(function()
    for _, each in ipairs(list) do
      each.transfer:close()
      each.connection:close()
    end
    loop:close()
    peer:close()
  end)

  local function open(count)
    for _ = 1, count do
      local transfer = core_peer.start(loop, peer)
      list[#list + 1] = { transfer = transfer, connection = peer:accept(loop) }
    end
  end

  it("has each that is open, also above its first room", function()
    for count = 1, 40 do
      open(1)
      assert.equal(count, loop:connections())
    end
  end)

  it("has none that was closed, whichever is first, and room for new ones", function()
    open(36)
    local order = {}
    for i = 1, 36 do
      order[i] = (i * 7) % 37 -- every one once
    end
    for i, gone in ipairs(order) do
      list[gone].transfer:close()
      assert.equal(36 - i, loop:connections())
    end
    open(36)
    assert.equal(36, loop:connections())
  end)

  it("has one whose connection did not come about no more", function()
    local queue = full_queue.open()
    if not queue then
      pending "this system answers connections above its queue"
      return
    end
    open(2)
    local transfers = {}
    for i = 1, 3 do
      transfers[i] = core_peer.start(loop, peer, { url = queue.url, connect_timeout = 0.05 * i })
    end
    assert.equal(5, loop:connections())
    for i, transfer in ipairs(transfers) do
      core_peer.finish(loop, transfer)
      assert.is_true(loop:connections() <= 5 - i) -- the others may have ended meanwhile
    end
    assert.equal(2, loop:connections())
    open(3) -- their numbers are there again
    assert.equal(5, loop:connections())
    queue:close()
  end)

  it("keeps no other's descriptor that has the number of one of its own", function()
    local queue = full_queue.open()
    if not queue then
      pending "this system answers connections above its queue"
      return
    end
    local transfer = core_peer.start(loop, peer, { url = queue.url, connect_timeout = 0.05 })
    core_peer.finish(loop, transfer)
    queue:close()
    local files = {}
    for i = 1, 10 do
      files[i] = assert(io.open "/dev/null")
    end
    assert.equal(0, loop:connections())
    loop:close()
    for _, file in ipairs(files) do
      assert.equal("", file:read "*a" or "") -- it was not closed with the loop's
      file:close()
    end
  end)

  it("is empty when its loop is closed, and begins anew with another", function()
    open(20)
    loop:close()
    loop = core.loop()
    assert.equal(0, loop:connections())
    open(3)
    assert.equal(3, loop:connections())
  end)

  it("finds the one of a transfer that came to a connection later, among others", function()
    open(2)
    local server = http2_peer.serve("begin", "begin", "answer")
    finally(function() server:stop() end)
    local first = server:send(loop)
    local later = server:send(loop, { idle_timeout = 50 })
    for _, transfer in ipairs { first, later } do
      core_peer.wait_for_headers(loop, transfer)
    end
    server:start(loop)
    if not server:await_bytes() then
      pending "which this system does not tell"
    end
    core.advance(60) -- its time begins anew where something came on its connection
    core_peer.pass(loop, 0.01)
    assert.is_false(later:done())
  end)

  it("takes no socket that it has no room for, and gives its memory back", function()
    if not exhaustion.is_possible "core" then
      pending "of this system has memory at all times"
    end
    assert.is_true(exhaustion.survive(function()
      local own, transfers, count = core.loop(), {}, 0
      for _ = 1, 18 do -- above its first room
        local ok, transfer = pcall(own.start, own, { method = "GET", url = peer.url })
        transfers[#transfers + 1] = ok and transfer or nil
      end
      for _, transfer in ipairs(transfers) do -- poll(2) may lack room for one, which ends all
        count = count + (transfer:done() and 0 or 1)
      end
      local connections = own:connections()
      own:close()
      if connections ~= count then
        return ("%d of %d"):format(connections, count)
      end
      return count == 18 or nil
    end) > 18)
  end)
end)

describe("a connection that is idle", function()
  local loop, peer, connections
  local OK = core_peer.head_of(2) .. "ok"

  before_each(function()
    loop, peer, connections = core.loop(), core_peer.listen(), {}
  end)

  after_each(function()
    for _, connection in ipairs(connections) do
      connection:close()
    end
    loop:close()
    peer:close()
  end)

  local function note(connection, ...)
    connections[#connections + 1] = connection
    return connection, ...
  end

  -- A connection on which a request was answered.
  local function idle_connection()
    local transfer = core_peer.start(loop, peer)
    local connection = note(peer:accept(loop))
    connection:send(OK)
    core_peer.finish(loop, transfer):close()
    return connection
  end

  -- Whether another request goes out on it. It is answered as it should be in either case.
  local function is_used_again(connection, options)
    local transfer = core_peer.start(loop, peer, options)
    local other
    core_peer.run(loop, function()
      other = peer.listener:accept()
      local byte = not other and connection:receive(1)
      return other or byte
    end)
    local answering = other and note(other) or connection
    answering:settimeout(0)
    core_peer.read_request(loop, answering)
    answering:send(core_peer.head_of(5) .. "right")
    core_peer.finish(loop, transfer)
    assert.equal("right", transfer:body())
    assert.equal(other == nil, transfer:timings().reused)
    transfer:close()
    return other == nil
  end

  it("is used again", function()
    local connection = idle_connection()
    for _ = 1, 3 do
      assert.is_true(is_used_again(connection))
    end
    assert.equal(1, loop:connections())
  end)

  local UNASKED = {
    ["an answer"] = core_peer.head_of(5) .. "stale",
    ["a refusal"] = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    ["a single byte"] = "x",
    ["a line end"] = "\r\n",
    ["much"] = core_peer.head_of(500000) .. ("x"):rep(150000),
  }

  for what, bytes in pairs(UNASKED) do
    for _, is_closed in ipairs { false, true } do
      local name = what .. (is_closed and ", and the end" or "")
      it("is not used again where something came that nobody asked for: " .. name, function()
        local connection = idle_connection()
        assert.is_true(is_used_again(connection))
        connection:send(bytes)
        if is_closed then
          connection:close()
        end
        assert.is_false(is_used_again(connection))
      end)
    end
  end

  it("is not used again where something came while others were busy and idle", function()
    local busy = core_peer.start(loop, peer)
    local busy_connection = note(peer:accept(loop))
    busy_connection:send(core_peer.head_of(7) .. "in")
    local list = {}
    for i = 1, 70 do
      list[i] = core_peer.start(loop, peer)
      note(peer:accept(loop))
    end
    for i = 1, 70 do
      connections[i + 1]:send(OK)
      core_peer.finish(loop, list[i]):close()
    end
    for i = 1, 70 do
      connections[i + 1]:send("x")
    end
    assert.is_false(is_used_again(connections[2]))
    busy_connection:send "dividu"
    core_peer.finish(loop, busy)
    assert.equal("individ", busy:body())
    busy:close()
  end)

  it("is not used again where something came after a request beside it was given up", function()
    local connection = idle_connection()
    local other = core_peer.start(loop, peer, { fresh = true })
    note(peer:accept(loop))
    other:close()
    connection:send "x"
    assert.is_false(is_used_again(connection))
  end)

  it("is counted no more once its peer has ended it, and those beside it are", function()
    local used = core_peer.start(loop, peer)
    note(peer:accept(loop))
    local list = {}
    for i = 1, 4 do
      list[i] = core_peer.start(loop, peer)
      note(peer:accept(loop))
    end
    for i = 1, 3 do
      connections[i + 1]:send(OK)
      core_peer.finish(loop, list[i])
    end
    connections[2]:close()
    connections[3]:close()
    assert.equal(not libcurl.notes_ends_late, is_used_again(connections[4]))
    local count = loop:connections()
    assert.is_true(count >= 3 and count <= (libcurl.notes_ends_late and 6 or 5), count) -- it may not have looked at all
    connections[5]:send(OK)
    assert.equal("ok", core_peer.finish(loop, list[4]):body())
    connections[1]:send(OK)
    assert.equal("ok", core_peer.finish(loop, used):body())
  end)

  it("is not taken for one where its transfer is paused, and bytes wait", function()
    local connection = idle_connection()
    local paused = core_peer.start(loop, peer)
    core_peer.read_request(loop, connection)
    local text = ("data: x\n\n"):rep(100000)
    connection:send(core_peer.head_of(#text))
    local sent = 0
    for _ = 1, 50 do
      sent = core_peer.send_some(connection, text, sent)
      loop:wait(0.001)
    end
    assert.is_false(paused:done())
    idle_connection()
    assert.is_true(is_used_again(connections[2]))
    local count = 0
    core_peer.run(loop, function()
      sent = sent < #text and core_peer.send_some(connection, text, sent) or sent
      local data, name = paused:event()
      while data do
        count = count + 1
        data, name = paused:event()
      end
      return name == "done"
    end)
    assert.is_nil(paused:failure())
    assert.equal(100000, count)
    paused:close()
  end)

  it("is looked at over TLS too, and used again where nothing came", function()
    local directory = assert(certificates.make())
    local context = assert(ssl.newcontext {
      mode = "server", protocol = "any", options = { "all" }, verify = "none",
      certificate = directory .. "/here.crt", key = directory .. "/here.key",
    })
    local options = { url = peer.url:gsub("^http:", "https:"), ca_file = directory .. "/ca.crt" }
    local function answer_on(connection)
      core_peer.read_request(loop, connection)
      connection:send(OK)
    end
    local function request()
      return core_peer.start(loop, peer, options)
    end
    local function accept()
      local connection = assert(ssl.wrap(peer:connection(loop), context))
      connection:settimeout(0)
      core_peer.run(loop, function()
        return (connection:dohandshake())
      end)
      return note(connection)
    end
    local transfer = request()
    local connection = accept()
    answer_on(connection)
    core_peer.finish(loop, transfer):close()
    for _ = 1, 3 do -- what TLS itself sends after its handshake is no answer
      transfer = request()
      answer_on(connection)
      core_peer.finish(loop, transfer)
      assert.is_true(transfer:timings().reused)
      transfer:close()
    end
    for what, bytes in pairs(UNASKED) do
      local sent = 0
      core_peer.run(loop, function()
        sent = core_peer.send_some(connection, bytes, sent)
        return sent == #bytes or what == "much"
      end)
      transfer = request()
      connection = accept()
      answer_on(connection)
      core_peer.finish(loop, transfer)
      assert.equal("ok", transfer:body(), what)
      assert.is_false(transfer:timings().reused, what)
      transfer:close()
    end
    certificates.remove(directory)
  end)
end)
