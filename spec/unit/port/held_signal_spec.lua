-- LuaSocket ignores the signal, so the requests are made by a process without it, which tells what
-- the system says of its signals.

local certificates = require "spec.support.certificates"
local child = require "spec.support.child"
local core_peer = require "spec.support.core_peer"
local socket = require "socket"
local ssl = require "ssl"

local PROGRAM = [[
  local core = require "anthropic.core"
  local url, authority, size, raise, others = ...
  local function signals()
    local text = io.open("/proc/self/status"):read "*a"
    local function has(set)
      local mask = tonumber(text:match(set .. ":%s*(%x+)"):sub(-4), 16)
      return math.floor(mask / 4096) % 2 == 1
    end
    return ((has "SigPnd" or has "ShdPnd") and "pending" or "none") .. (has "SigBlk" and " blocked" or "")
  end
  if raise == "yes" then
    os.execute "kill -PIPE $PPID"
  end
  local before = signals()
  local loop = core.loop()
  local transfer = assert(loop:start {
    method = "POST", url = url, ca_file = authority, body = ("x"):rep(tonumber(size)), total_timeout = 20,
  })
  repeat loop:wait(1) until transfer:done()
  io.write(tostring((transfer:failure())), ", ")
  io.flush()
  if size == "0" then
    loop:wait(0.1)
  end
  local during = signals()
  loop:close()
  io.write(before, ", ", during, ", ", signals(), "\n")
  io.flush()
  if others == "yes" then
    for _ = 1, 100 do
      io.write(("x"):rep(10000))
      io.flush()
    end
    os.exit(7)
  end
]]

-- A newer libcurl asks the system to leave the signal out, and the first write after a reset has another error. With
-- this in the place of the C library's the signal comes, as it may elsewhere. (It names no C library: a shell may have
-- another one than Lua.)
local SEND = [[
#include <errno.h>
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>
ssize_t send(int socket, const void *bytes, size_t count, int flags) {
  ssize_t sent = write(socket, bytes, count);
  (void)flags;
  if (sent < 0 && errno == ECONNRESET) {
    raise(SIGPIPE);
    errno = EPIPE;
  }
  return sent;
}
]]

describe("the signal of a broken pipe", function()
  local directory, send

  setup(function()
    directory = assert(certificates.make())
    for name, text in pairs { ["program.lua"] = PROGRAM, ["send.c"] = SEND } do
      local file = assert(io.open(directory .. "/" .. name, "w"))
      file:write(text)
      file:close()
    end
    send = directory .. "/send.so"
    os.execute(("cc -shared -nostdlib -fPIC -o %s %s/send.c 2>/dev/null"):format(send, directory))
    local file = not package.preload.host and io.open(send) -- a sanitizer is to be the first that is loaded
    send = file and file:close() and send
  end)

  teardown(function()
    certificates.remove(directory)
  end)

  -- Runs the program against a peer that resets its connection while a body is written to it, or
  -- after it has answered one of no bytes.
  local function run(environment, size, options)
    options = options or {}
    local listener = assert(socket.bind("127.0.0.1", 0))
    listener:settimeout(20)
    local _, port = listener:getsockname()
    local words = { "timeout 30 env", environment, options.comes and "LD_PRELOAD=" .. send or "",
      child.interpreter(), directory .. "/program.lua", ("https://127.0.0.1:%d/"):format(port), directory .. "/ca.crt",
      size, options.raise and "yes" or "no", options.wrapped and "yes" or "no" }
    local pipe = assert(io.popen((options.wrapped or "%s 2>&1"):format(table.concat(words, " "))))
    local connection = assert(listener:accept())
    connection:settimeout(10)
    connection:setoption("linger", { on = true, timeout = 0 })
    connection = assert(ssl.wrap(connection, {
      mode = "server", protocol = "any", key = directory .. "/here.key", certificate = directory .. "/here.crt",
    }))
    assert(connection:dohandshake())
    connection:receive(10)
    if size == 0 then
      repeat
        local line = connection:receive "*l"
      until not line or line == ""
      connection:send(core_peer.head_of(2) .. "ok")
      assert.equal("nil,", pipe:read(4))
    end
    connection:close() -- with a reset
    listener:close()
    local output = pipe:read "*a"
    pipe:close()
    return output
  end

  local LARGE = 32 * 1024 * 1024

  for _, comes in ipairs { false, true } do
    describe(comes and "where it comes" or "where libcurl may leave it out", function()
      local function run_so(environment, size, options)
        if comes and not send then
          pending "which cannot be had here"
        end
        options = options or {}
        options.comes = comes
        return run(environment, size, options)
      end

      it("does not end a host that writes to a peer which is gone, nor stays behind", function()
        assert.equal("connection, none, none, none\n", run_so("--default-signal=PIPE", LARGE))
      end)

      it("does not end a host that closes a connection whose peer is gone", function()
        assert.equal(" none, none, none\n", run_so("--default-signal=PIPE", 0))
      end)

      it("stays blocked where the host has blocked it, and is not left to it", function()
        assert.equal("connection, none blocked, none blocked, none blocked\n",
          run_so("--default-signal=PIPE --block-signal=PIPE", LARGE))
      end)

      it("that the host had not taken yet is left to it", function()
        assert.equal("connection, pending blocked, pending blocked, pending blocked\n",
          run_so("--default-signal=PIPE --block-signal=PIPE", LARGE, { raise = true }))
      end)

      it("ends the host all the same for pipes of its own", function()
        local path = directory .. "/code"
        local output = run_so("--default-signal=PIPE", LARGE, { wrapped = "(%s; echo $? >" .. path .. ") | head -n 1" })
        assert.equal("connection, none, none, none\n", output)
        local file = assert(io.open(path))
        assert.equal("141", file:read "*l")
        file:close()
      end)
    end)
  end
end)
