local background = require "spec.support.background"
local certificates = require "spec.support.certificates"
local child = require "spec.support.child"
local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local socket = require "socket"

describe("the core over TLS", function()
  local directory, authority

  setup(function()
    directory = assert(certificates.make())
    authority = directory .. "/ca.crt"
  end)

  teardown(function()
    certificates.remove(directory)
  end)

  describe("with HTTP/2", function()
    local loop, server, url
    local large = ("0123456789abcdef"):rep(512 * 1024) -- 8 MiB

    -- nghttpd, with the certificate of a name.
    local function serve(name)
      local port = background.free_port()
      return background.serve(("nghttpd -a 127.0.0.1 -d %s %d %s/%s.key %s/%s.crt"):format(
        directory, port, directory, name, directory, name), port), "https://127.0.0.1:" .. port .. "/"
    end

    setup(function()
      for name, text in pairs { small = "hello", large = large } do
        local file = assert(io.open(directory .. "/" .. name, "wb"))
        file:write(text)
        file:close()
      end
      local file = assert(io.open(directory .. "/endless", "wb"))
      file:seek("set", 1024 * 1024 * 1024)
      file:write("x")
      file:close()
      server, url = serve "here"
    end)

    teardown(function()
      server:stop()
    end)

    before_each(function()
      loop = core.loop()
    end)

    after_each(function()
      loop:close()
    end)

    local function get(name, options)
      local all = { method = "GET", url = url .. name, http2 = true, ca_file = authority }
      for key, value in pairs(options or {}) do
        all[key] = value
      end
      return assert(loop:start(all))
    end

    local function body_of(transfer)
      return core_peer.run(loop, function()
        return transfer:body()
      end, 30)
    end

    it("answers", function()
      local transfer = get "small"
      assert.equal("hello", body_of(transfer))
      assert.is_nil(transfer:failure())
      assert.truthy(transfer:headers():find("^HTTP/2 200 \r\n"))
    end)

    it("is verified", function()
      local another, its_url = serve "elsewhere"
      for _, options in ipairs { { ca_file = "/dev/null" }, { url = its_url .. "small" } } do
        local transfer = get("small", options)
        core_peer.finish(loop, transfer)
        assert.equal("connection", (transfer:failure()))
      end
      another:stop()
      assert.equal("hello", body_of(get("small", { ca_file = "/dev/null", insecure = true })))
    end)

    it("shares one connection", function()
      local transfers = {}
      for i = 1, 20 do
        transfers[i] = get(i % 5 == 0 and "large" or "small")
      end
      for i, transfer in ipairs(transfers) do
        local body = body_of(transfer)
        assert.is_true(body == (i % 5 == 0 and large or "hello"))
      end
      assert.equal(1, loop:connections())
      assert.equal(0, loop:active())
    end)

    it("goes on beside a stream that nobody reads, which loses nothing", function()
      local unread = get("large", { idle_timeout = 1 })
      core_peer.run(loop, function()
        return unread:status()
      end)
      core_peer.pass(loop, 0.3)
      for _ = 1, 3 do
        assert.equal("hello", body_of(get("small", { idle_timeout = 5, first_byte_timeout = 5 })))
      end
      core_peer.pass(loop, 1.5)
      assert.is_false(unread:done())
      assert.is_true(body_of(unread) == large)
      assert.is_nil(unread:failure())
      assert.equal(1, loop:connections())
    end)

    it("does not take in what nobody reads", function()
      get "small"
      local before = core_peer.memory()
      local unread = get "endless"
      core_peer.pass(loop, 1)
      assert.equal(200, unread:status())
      assert.is_true(core_peer.memory() - before < 48 * 1024 * 1024)
    end)

    it("goes on beside a stream that is closed", function()
      local kept = get "large"
      for _ = 1, 3 do
        local closed = get "large"
        core_peer.run(loop, function()
          return closed:status()
        end)
        closed:close()
      end
      assert.is_true(body_of(kept) == large)
      assert.equal(1, loop:connections())
    end)

    it("does not time out for bytes that wait because the host did not step", function()
      local transfers = {}
      for i = 1, 8 do -- not one after the other
        transfers[i] = get("large", { idle_timeout = 10, headers = { "Priority: i" } })
      end
      core_peer.run(loop, function()
        for _, transfer in ipairs(transfers) do
          transfer:body()
        end
        return transfers[1]:status()
      end)
      for _ = 1, 2 do
        socket.sleep(0.05)
        core.advance(15)
        loop:step()
      end
      for _, transfer in ipairs(transfers) do
        assert.is_true(body_of(transfer) == large)
      end
    end)

    it("ends when its server does", function()
      local another, its_url = serve "here"
      local transfer = get("endless", { url = its_url .. "endless" })
      core_peer.run(loop, function()
        return transfer:status()
      end)
      another:stop()
      assert.is_nil(transfer:body())
      core_peer.finish(loop, transfer)
      assert.is_string((transfer:failure()))
    end)
  end)

  -- LuaSocket ignores the signal, so the request is made by a process without it.
  local function send_to_a_peer_that_resets(body_bytes)
    local ssl = require "ssl"
    local listener = assert(socket.bind("127.0.0.1", 0))
    listener:settimeout(20)
    local _, port = listener:getsockname()
    local script = ([[
      local core = require "anthropic.core"
      local loop = core.loop()
      local function post()
        local transfer = assert(loop:start {
          method = "POST", url = "https://127.0.0.1:%d/", ca_file = %q, body = ("x"):rep(%d),
          total_timeout = 20,
        })
        repeat loop:wait(1) until transfer:done()
        return transfer:failure()
      end
      io.write(tostring((post())), " ")
      io.flush()
      loop:wait(0.2)
      loop:close()
      io.write("alive")
    ]]):format(port, authority, body_bytes)
    local path = directory .. "/script.lua"
    local file = assert(io.open(path, "w"))
    file:write(script)
    file:close()
    local command = "timeout 30 env --default-signal=PIPE " .. child.interpreter() .. " " .. path .. " 2>&1"
    local pipe = assert(io.popen(command))
    local connection = assert(listener:accept())
    connection:settimeout(10)
    connection:setoption("linger", { on = true, timeout = 0 })
    connection = assert(ssl.wrap(connection, {
      mode = "server", protocol = "any", key = directory .. "/here.key", certificate = directory .. "/here.crt",
    }))
    assert(connection:dohandshake())
    connection:receive(10)
    if body_bytes == 0 then
      repeat
        local line = connection:receive("*l")
      until not line or line == ""
      connection:send(core_peer.head_of(2) .. "ok")
      assert.equal("nil ", pipe:read(4))
    end
    connection:close() -- with a reset
    listener:close()
    local output = pipe:read("*a")
    pipe:close()
    return output
  end

  it("survives a peer that resets the connection while it is written to", function()
    assert.equal("connection alive", send_to_a_peer_that_resets(32 * 1024 * 1024))
  end)

  it("survives closing an idle connection that the peer has reset", function()
    assert.equal("alive", send_to_a_peer_that_resets(0))
  end)
end)
