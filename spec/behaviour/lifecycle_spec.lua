-- The ends that a program, a state or an object can come to while requests are under way. Also:
-- objects collected and closed in any order (core_spec.lua), forks (core_fork_spec.lua,
-- concurrency_spec.lua), tasks cancelled and runs interrupted (cancel_spec.lua), `break` and reading
-- on (stream_spec.lua), a stream closed by its scope (stream_spec.lua).

local anthropic = require "anthropic"
local background = require "spec.support.background"
local certificates = require "spec.support.certificates"
local child = require "spec.support.child"
local directories = require "spec.support.directory"
local hosted = require "spec.support.hosted"
local raw_client = require "spec.support.raw_client"
local service = require "spec.support.service"
local testing = require "anthropic.testing"

-- A stream that stays open behind its first words.
local OPEN = testing.stream { text = ("word "):rep(50), hang_after = 1200 }

describe("what is dropped", function()
  local server, client

  before_each(function()
    server = service.serve { OPEN }
    client = service.client(server)
  end)

  after_each(service.clear)

  local function open()
    return assert(client.messages.stream(service.params()))
  end

  -- Whether the server sees all connections end.
  local function all_ended()
    return raw_client.eventually(function()
      collectgarbage()
      require("anthropic.loop").step(0)
      return server:connections().open == 0
    end)
  end

  it("ends its connection: a stream, read or not", function()
    open()
    local stream = open()
    assert.equal("message_start", stream:next().type)
    stream = nil -- luacheck: ignore
    assert.is_true(all_ended())
  end)

  it("ends its connection: a stream whose `for` raised", function()
    local ok, err = pcall(function()
      for _ in open() do
        error("in the body", 0)
      end
    end)
    assert.is_false(ok)
    assert.equal("in the body", err)
    assert.is_true(all_ended())
  end)

  it("ends its connection: a stream whose `for` was left", function()
    for event in open() do -- luacheck: ignore 512
      assert.equal("message_start", event.type)
      break
    end
    for text in open():text_deltas() do -- luacheck: ignore 512
      assert.equal("word", text)
      break
    end
    assert.is_true(all_ended())
  end)

  it("ends its connection: a coroutine that was reading", function()
    local thread = coroutine.create(function()
      local stream = open()
      while true do
        coroutine.yield((stream:next()))
      end
    end)
    assert.is_true(coroutine.resume(thread))
    assert.equal("suspended", coroutine.status(thread))
    thread = nil -- luacheck: ignore
    assert.is_true(all_ended())
  end)

  it("ends its connection: a coroutine that waits in a driver that never resumes it", function()
    local waiting
    local thread = coroutine.wrap(function()
      local driver = { wait = function() waiting = true return coroutine.yield() end }
      local stream = client.messages.stream(service.params(), { loop = driver })
      return stream
    end)
    thread()
    assert.is_true(waiting)
    thread = nil -- luacheck: ignore
    assert.is_true(all_ended())
  end)

  it("ends its connection: a client", function()
    local other = anthropic.new { base_url = server.url, api_key = "test-key" }
    local stream = assert(other.messages.stream(service.params()))
    assert.equal("message_start", stream:next().type)
    other, stream = nil, nil -- luacheck: ignore
    assert.is_true(all_ended())
  end)
end)

describe("a program that ends", function()
  after_each(service.clear)

  -- Runs a program that has a stream under way; how it ended and what it printed.
  local function run(ending, environment, first)
    local server = service.serve { OPEN }
    local output = service.run(([[
      %s
      local anthropic = require "anthropic"
      local client = anthropic.new { base_url = %q, api_key = "k", max_retries = 0 }
      local params = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hi" } } }
      local function open()
        return assert(client.messages.stream(params))
      end
      stream = open()
      assert(stream:next().type == "message_start")
      io.stdout:write("reading ")
      io.stdout:flush()
      %s
    ]]):format(first or "", server.url, ending), environment)
    assert.is_true(raw_client.eventually(function() return server:connections().open == 0 end))
    return output
  end

  it("may do so at its last line, with a stream in a global", function()
    assert.equal("reading ", run "")
  end)

  it("may do so by os.exit, with the state closed or not", function()
    assert.equal("reading ", run "os.exit(0)")
    assert.equal("reading ", run "os.exit(0, true)")
    assert.equal("reading ", run "os.exit(0, false)")
  end)

  it("may do so by os.exit inside a `for`, a task and a coroutine", function()
    assert.equal("reading ", run "for _ in stream do os.exit(0, true) end")
    assert.equal("reading ", run [[
      anthropic.run(function()
        anthropic.spawn(function() open():message() end)
        anthropic.spawn(anthropic.sleep, 60)
        anthropic.sleep(0.05)
        os.exit(0, true)
      end)]])
    assert.equal("reading ", run "coroutine.wrap(function() local own = open() own:next() os.exit(0, true) end)()")
  end)

  it("may do so by an error", function()
    assert.matches("^reading .*the end", run "error 'the end'")
  end)

  -- From 5.4.3 on Lua finalizes nothing that was made while the state closes: that is lost. LuaJIT before August 2023
  -- never ends a `pairs` loop that it has compiled, if a finalizer runs it: there nothing is compiled.
  for _, late in ipairs {
    'late = loop:start { method = "GET", url = "http://127.0.0.1:9/" } loop:wait(0)', "stream:next()", "open()",
  } do
    it("may do so with transfers of the bare core, and with a finalizer that calls " .. late, function()
      assert.equal("reading ", run(([[
        local core = require "anthropic.core"
        local loop = core.loop()
        transfer = loop:start { method = "GET", url = client and "http://127.0.0.1:9/" }
        loop:wait(0)
        local function at_end()
          pcall(function() %s end)
        end
        if newproxy then
          proxy = newproxy(true)
          getmetatable(proxy).__gc = at_end
        else
          proxy = setmetatable({}, { __gc = at_end })
        end
      ]]):format(late), { ASAN_OPTIONS = "detect_leaks=0" }, "if jit then jit.off() end"))
    end)
  end
end)

describe("the module loaded twice", function()
  after_each(service.clear)

  local PROGRAM = [[
    local function load_anew()
      for name in pairs(package.loaded) do
        if name:find "^anthropic" then
          package.loaded[name] = nil
        end
      end
      return require "anthropic"
    end
    local function ask(anthropic)
      local client = anthropic.new { base_url = %q, api_key = "k", max_retries = 0 }
      local params = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hi" } } }
      return assert(client.messages.stream(params))
    end
    local one = require "anthropic"
    local first = ask(one)
    %s
    local two = load_anew()
    assert(one ~= two)
    local second = ask(two)
    io.write(first:message():text(), " ", second:message():text(), " ", ask(one):message():text())
    first, second, one, two = nil, nil, nil, nil
    collectgarbage()
    collectgarbage()
  ]]

  local function run(between)
    local server = service.serve { testing.stream { text = "Hello!" } }
    return service.run(PROGRAM:format(server.url, between))
  end

  it("works in both, from one file", function()
    assert.equal("Hello! Hello! Hello!", run "")
  end)

  it("works in both, from two files", function()
    local path = package.searchpath and package.searchpath("anthropic.core", package.cpath)
    if not path then
      pending "package.searchpath is missing, or the core is linked in"
      return
    end
    assert.equal("Hello! Hello! Hello!", run(([[
      local directory = os.tmpname()
      os.remove(directory)
      os.execute("mkdir -p " .. directory .. "/anthropic && cp %s " .. directory .. "/anthropic/core.so")
      package.cpath = directory .. "/?.so;" .. package.cpath
      local before = require "anthropic.core"
      package.loaded["anthropic.core"] = nil
      assert(require "anthropic.core" ~= before)
      assert(not package.searchpath or package.searchpath("anthropic.core", package.cpath):find(directory, 1, true))
      os.execute("rm -rf " .. directory)
    ]]):format(path)))
  end)
end)

describe("Lua states in threads of one process", function()
  after_each(service.clear)

  -- Streams at once, a message as it is and one over TLS, and a stream left to the end.
  local PROGRAM = [[
    local number, url, port, ca_file = ...
    local anthropic = require "anthropic"
    local client = anthropic.new { base_url = url, api_key = "k", max_retries = 0 }
    local trusting = anthropic.new {
      base_url = "https://127.0.0.1:" .. port, api_key = "k", max_retries = 0, ca_file = ca_file,
    }
    local params = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hi" } } }
    local words = 0
    for _ = 1, 5 do
      anthropic.run(function()
        for _ = 1, 4 do
          anthropic.spawn(function()
            local message = assert(assert(client.messages.stream(params)):message())
            words = words + select(2, message:text():gsub("word", ""))
          end)
        end
      end)
      assert(assert(client.messages.create(params)):text() == "Hello!")
      assert(assert(trusting.messages.create(params)):text() == "Hello!")
      left = assert(client.messages.stream(params))
      assert(left:next().type == "message_start")
    end
    io.write(("thread %d: %d words\n"):format(number, words))
  ]]

  local MESSAGE = '{"type":"message","role":"assistant","content":[{"type":"text","text":"Hello!"}]}'

  local function run(program, threads)
    local server = hosted.server { script = { routes = {
      { body_contains = '"stream":true', answers = { testing.stream { text = ("word "):rep(20) } } },
      { answers = { testing.message { text = "Hello!" } } },
    } } }
    local directory = assert(certificates.make())
    local files = directory .. "/here"
    local tls_server = child.start("spec/support/tls_server.lua", files .. ".crt", files .. ".key", MESSAGE)
    local path = os.tmpname()
    background.write_file(path, PROGRAM)
    local output, code = background.output_of(("%s %d %s %s %s %s/ca.crt 2>&1"):format(
      program, threads, path, server.url, tls_server.port, directory))
    os.remove(path)
    tls_server:stop()
    server:stop()
    certificates.remove(directory)
    return output, code
  end

  local function threads()
    local lua = background.interpreter()
    local program = os.getenv "SPEC_THREADS"
    if not program then
      program = "build/threads/" .. lua
      local built, status = background.output_of(("env -u MAKEFLAGS make -s LUA=%s all %s 2>&1"):format(lua, program))
      assert.equal(0, status, built)
    end
    return program
  end

  -- In the place of the C library's: who has seen a signal waits a little before it is taken.
  local SLOW_TO_TAKE = [[
    #define _GNU_SOURCE
    #include <signal.h>
    #include <sys/syscall.h>
    #include <unistd.h>
    int sigpending(sigset_t *set) {
      int code = (int)syscall(SYS_rt_sigpending, set, 8);
      if (sigismember(set, SIGINT) == 1)
        usleep(30000);
      return code;
    }
  ]]

  it("go on where many see one Ctrl-C, which one of them takes", function()
    local directory = directories.new()
    directory:write("slow.c", SLOW_TO_TAKE)
    directory:write("program.lua", [[
      local core = require "anthropic.core"
      local loop, taken, over = core.loop(), 0, core.now() + 1
      repeat
        taken = taken + (select(2, loop:wait(0.01, true)) and 1 or 0)
      until core.now() > over
      io.write("ended " .. taken .. "\n")
    ]])
    local slow = directory:path "slow.so"
    directory:run "cc -shared -fPIC -o slow.so slow.c"
    local file = not package.preload.host and io.open(slow)
    if not file then
      directory:remove()
      pending "needs a function in the place of the C library's, which a sanitizer or this system does not let in"
      return
    end
    file:close()
    local output, code = background.output_of(([[timeout -k 1 10 sh -c '
      LD_PRELOAD=%s %s 8 %s & program=$!
      sleep 0.5; kill -INT $program
      wait $program' 2>&1]]):format(slow, threads(), directory:path "program.lua"))
    directory:remove()
    assert.equal(0, code, output)
    local ended, taken = 0, 0
    for count in output:gmatch "ended (%d+)\n" do
      ended, taken = ended + 1, taken + tonumber(count)
    end
    if os.getenv "SPEC_WITHOUT_SIGTIMEDWAIT" then -- each that sees it takes it (src/util/held_signal.c)
      taken = math.min(taken, 1)
    end
    assert.same({ 8, 1 }, { ended, taken }, output)
  end)

  it("work at once, each with a loop of its own", function()
    local output, code = run(threads(), 4)
    local lines = {}
    for line in output:gmatch "[^\n]+" do
      lines[#lines + 1] = line
    end
    table.sort(lines)
    assert.same({ "thread 1: 400 words", "thread 2: 400 words", "thread 3: 400 words", "thread 4: 400 words" }, lines)
    assert.equal(0, code)
  end)
end)
