local child = require "spec.support.child"
local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local exhaustion = require "spec.support.exhaustion"
local full_queue = require "spec.support.full_queue"
local gzip = require "spec.support.gzip"

local head_of = core_peer.head_of

describe("the options of libcurl for a transfer", function()
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

  -- A connection that was kept after an answer.
  local function kept()
    local transfer, connection = start()
    connection:send(head_of(2) .. "ok")
    core_peer.finish(loop, transfer)
    transfer:close()
    return connection
  end

  it("takes a new connection where it is told to", function()
    kept()
    local transfer, connection = start { fresh = true }
    connection:send(head_of(2) .. "ok")
    core_peer.finish(loop, transfer)
    assert.is_false(transfer:timings().reused)
  end)

  it("takes no connection that was idle for as long as it is told, or longer", function()
    local connection = kept()
    local transfer = core_peer.start(loop, peer, { max_idle = 1 })
    core_peer.read_request(loop, connection)
    connection:send(head_of(2) .. "ok")
    core_peer.finish(loop, transfer)
    assert.is_true(transfer:timings().reused)
    transfer:close()
    core_peer.pass(loop, 1.01) -- libcurl's own clock, and its unit
    transfer, connection = start { max_idle = 1 }
    connection:send(head_of(2) .. "ok")
    core_peer.finish(loop, transfer)
    assert.is_false(transfer:timings().reused)
  end)

  it("is refused where libcurl refuses an option of it", function()
    local long = ("x"):rep(8000001) -- above libcurl's limit for any string
    for name, value in pairs {
      url = "http://" .. long, method = long, proxy = long, ca_file = long, ca_path = long,
    } do
      local transfer, message, kind = loop:start {
        url = name == "url" and value or peer.url, method = name == "method" and value or "GET",
        proxy = name == "proxy" and value or nil, ca_file = name == "ca_file" and value or nil,
        ca_path = name == "ca_path" and value or nil,
      }
      assert.is_nil(transfer, name)
      assert.is_true(#message > 0 and #message < 200, name)
      assert.is_nil(kind)
    end
    assert.equal(0, loop:active())
    assert.is_nil(loop:next_ready())
  end)

  it("is refused where there is no memory for one of its options", function()
    if not exhaustion.is_possible "curl" then
      pending "of this system has memory at all times"
    end
    local function attempt()
      return loop:answer {
        method = "POST", url = peer.url, body = "{}", ca_file = "/f", ca_path = "/d", http2 = true, max_idle = 10,
        answer = { status = 200, head = "", body = "" },
      }
    end
    attempt():close() -- what is done once is done
    local made = 0
    assert.is_true(exhaustion.run("curl", attempt, function(ok, transfer)
      assert.is_true(ok)
      if transfer then
        made = made + 1
        transfer:close()
      end
    end) > 8)
    assert.equal(2, made) -- where all of it was there
  end)

  it("goes to a Unix socket where it is given one", function()
    local path = os.tmpname()
    os.remove(path)
    local server = child.start("spec/support/unix_server.lua", path, "from there")
    local transfer = core_peer.start(loop, peer, { unix_socket = path })
    core_peer.finish(loop, transfer)
    assert.equal("from there", transfer:body())
    server:stop()
    os.remove(path)
  end)

  it("speaks http and https only, as a redirect too", function()
    local transfer = assert(loop:start { method = "GET", url = "file:///etc/hostname" })
    core_peer.finish(loop, transfer)
    assert.equal("connection", (transfer:failure()))
    assert.equal(1, (select(3, transfer:failure())))
    assert.equal("", transfer:body())
    transfer = answered("HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 4\r\n\r\nthis")
    assert.equal(307, transfer:status())
    assert.equal("this", transfer:body())
  end)

  it("neither asks whether it may send a large body, nor for a compressed answer", function()
    local transfer = core_peer.start(loop, peer, { body = ("x"):rep(2 * 1024 * 1024) })
    local connection, request = peer:accept(loop)
    local fields = request:match "^(.-)\r\n\r\n"
    assert.is_nil(fields:lower():find("\r\nexpect:", 1, true))
    assert.is_nil(fields:lower():find("\r\naccept-encoding:", 1, true))
    connection:close()
    transfer:close()
  end)

  it("unpacks what comes compressed all the same", function()
    local packed = gzip "data: unpacked\n\n"
    local transfer = answered("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" .. packed)
    assert.is_nil(transfer:failure())
    assert.equal("unpacked", (transfer:event()))
  end)

  it("keeps its connection from dying unnoticed: the system asks after a minute", function()
    local file = io.open "/proc/net/tcp"
    if not file then
      pending "this system does not tell"
      return
    end
    file:close()
    local transfer, connection = start()
    local _, port = connection:getpeername()
    local jiffies
    core_peer.run(loop, function() -- at first it waits for the request to be acknowledged
      for line in io.lines "/proc/net/tcp" do
        local own, timer, left = line:match "^%s*%d+: 0100007F:(%x+) 0100007F:%x+ %x+ %x+:%x+ (%x+):(%x+)"
        if own and tonumber(own, 16) == tonumber(port) and timer == "02" then
          jiffies = tonumber(left, 16)
        end
      end
      return jiffies
    end)
    assert.is_true(jiffies > 5000 and jiffies <= 6000, jiffies)
    transfer:close()
    connection:close()
  end)

  it("sends a request as it is: its method, and its body to the last byte", function()
    for _, case in ipairs {
      { "POST", "a\0b", "3" }, { "PUT", "", "0" }, { "PATCH", "x", "1" }, { "DELETE", false }, { "GET", false },
      { "POST", ("x"):rep(65535), "65535" }, { "PUT", ("a\0\n"):rep(22000), "66000" },
    } do
      local transfer, connection, request = start { method = case[1], body = case[2], headers = {} }
      assert.equal(case[1], request:match "^%u+")
      assert.equal(case[3], request:match "\r\nContent%-Length: (%d+)", case[1])
      assert.is_nil(request:match "Transfer%-Encoding")
      assert.is_true((case[2] or "") == request:match "\r\n\r\n(.*)$")
      transfer:close()
      connection:close()
    end
    for _, body in ipairs { false, ("x"):rep(66000) } do -- which is not sent
      local transfer, connection, request = start { method = "HEAD", body = body, headers = {} }
      assert.equal("HEAD", request:match "^%u+")
      connection:send(head_of(5))
      core_peer.finish(loop, transfer)
      assert.is_nil(transfer:failure())
      assert.equal("", transfer:body())
      connection:close()
    end
  end)

  it("waits for a connection as long as it is told, and without end where it is not", function()
    local queue = full_queue.open()
    if not queue then
      pending "this system answers connections above its queue"
      return
    end
    local limited, others = core_peer.start(loop, peer, { url = queue.url, connect_timeout = 0.0005 }), {}
    for i, seconds in ipairs { 0, 20, -1, math.huge } do
      others[i] = core_peer.start(loop, peer, { url = queue.url, connect_timeout = seconds })
    end
    core_peer.finish(loop, limited)
    core_peer.pass(loop, 0.03)
    assert.equal("connect", (limited:failure()))
    for _, transfer in ipairs(others) do
      assert.is_false(transfer:done())
      transfer:close()
    end
    queue:close()
  end)
end)
