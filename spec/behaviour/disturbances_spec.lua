-- What disturbs who waits, in every host that runs in a program of its own: a call that cannot be
-- suspended, a wake-up without news, an error in the middle of a wait.

local anthropic = require "anthropic"
local child = require "spec.support.child"
local clock = require "spec.support.clock"
local descriptor = require "spec.support.descriptor"
local disturbances = require "spec.support.disturbances"
local service = require "spec.support.service"
local testing = require "anthropic.testing"

local LUA = rawget(_G, "jit") and "luajit" or _VERSION:gsub("Lua ", "lua")
local HOSTS = { "plain", "luv", "cqueues", "copas", "polling", "resuming", "frames" }
local MODULES = { luv = "luv", cqueues = "cqueues", copas = "copas" } -- Debian has none of some for some Luas

local WATCHES = { cqueues = true, copas = true, polling = true }

local function is_there(host)
  if WATCHES[host] and not descriptor.is_there then
    return false
  end
  local command = ("%s -e 'require %q' >/dev/null 2>&1"):format(child.quote(child.interpreter()), MODULES[host] or "io")
  local result = os.execute(command)
  return result == true or result == 0
end

describe("A wait in the host", function()
  local server, pipes

  setup(function()
    server, pipes = disturbances.server(), {}
    for _, host in ipairs(HOSTS) do
      for _, what in ipairs(is_there(host) and { "calls", "wake_ups", "errors" } or {}) do
        pipes[host .. what] = io.popen(("exec timeout -k 2 90 %s spec/support/event_loop_program.lua %s %s %s 2>&1")
          :format(child.quote(child.interpreter()), host, "disturbing_" .. what, server.url))
      end
    end
  end)

  teardown(function()
    for _, pipe in pairs(pipes) do
      pipe:close()
    end
    server:stop()
  end)

  local function check(host, what)
    if not pipes[host .. what] then
      pending(host .. " is not there for " .. LUA)
      return
    end
    local output = pipes[host .. what]:read "*a"
    local seen = anthropic.decode(output)
    assert.is_table(seen, output)
    assert.same(disturbances.expected(what, LUA), seen)
  end

  for _, host in ipairs(HOSTS) do
    it(host .. " is refused where a call cannot be suspended, before anything is sent", function()
      check(host, "calls")
    end)

    it(host .. " goes on after a wake-up without news, with the time that is left", function()
      check(host, "wake_ups")
    end)

    it(host .. " that an error breaks off leaves nothing behind, and the next request works", function()
      check(host, "errors")
    end)
  end
end)

describe("A request from inside string.gsub", function()
  after_each(service.clear)

  it("reaches no server, and says why and what to do", function()
    local server = service.serve { testing.message { text = "Hello!" } }
    local client = service.client(server, { max_retries = 2 })
    local message, err, text
    anthropic.run(function()
      ("x"):gsub("x", function()
        message, err = client.messages.create(service.params())
      end)
      text = client.messages.create(service.params()):text()
    end)
    assert.is_nil(message)
    assert.equal("invalid_request", err.kind)
    assert.equal("cannot_wait", err.type)
    assert.equal(0, err.attempts)
    assert.matches("the calling code cannot wait", tostring(err), 1, true)
    assert.matches("anthropic.spawn", tostring(err), 1, true)
    assert.equal("Hello!", text)
    assert.equal(1, #server:requests())
  end)

  it("raises the same from an iterator, and leaves the stream as it was", function()
    local client = service.client(service.serve { testing.stream { text = "one two", delay_between = 0.02 } })
    local ok, err, text
    anthropic.run(function()
      local stream = assert(client.messages.stream(service.params()))
      string.gsub("x", "x", function()
        ok, err = pcall(function()
          for _ in stream:text_deltas() do -- luacheck: ignore 542
          end
        end)
      end)
      text = stream:message():text()
    end)
    assert.is_false(ok)
    assert.is_true(type(err) == "string" or err.type == "cannot_wait", tostring(err)) -- 5.1 says so of any `for`
    assert.equal("one two", text)
  end)

  it("waits where waiting blocks, and where the scheduler runs others in a coroutine inside a task", function()
    local client = service.client(service.serve { testing.message { text = "Hello!" },
      testing.message { text = "Hello!" } })
    local texts = {}
    local function ask()
      texts[#texts + 1] = client.messages.create(service.params()):text()
    end
    ("x"):gsub("x", function() ask() end)
    anthropic.run(function()
      coroutine.wrap(function()
        ("x"):gsub("x", function() ask() end)
      end)()
    end)
    assert.same({ "Hello!", "Hello!" }, texts)
  end)
end)

describe("A task that a hook raises in, wherever that is", function()
  after_each(service.clear)

  it("leaves nothing behind, and its next request works", function()
    if _VERSION == "Lua 5.1" then
      pending "LuaJIT hooks all coroutines, Lua 5.1 cannot catch an error of code that waits"
      return
    end
    local loop = require "anthropic.loop"
    local script = {}
    for i = 1, 400 do
      script[i] = testing.message { text = "Hello!" }
    end
    local client = service.client(service.serve(script))
    local broken, texts = 0, 0
    anthropic.run(function()
      for instructions = 1, 3000, 19 do
        anthropic.spawn(function()
          local here = coroutine.running()
          local ok = pcall(function()
            debug.sethook(here, function()
              debug.sethook(here)
              error("of a hook", 0)
            end, "", instructions)
            anthropic.sleep(0.001)
            client.messages.create(service.params())
            debug.sethook(here)
          end)
          broken = broken + (ok and 0 or 1)
          texts = texts + (client.messages.create(service.params()):text() == "Hello!" and 1 or 0)
        end):join()
        clock.await(loop.is_idle) -- connections and timers come to rest
      end
    end)
    assert.is_true(broken > 10)
    assert.equal(158, texts)
  end)
end)

describe("A wait whose coroutine is closed", function()
  after_each(service.clear)

  it("leaves nothing behind", function()
    local loop = require "anthropic.loop"
    local close = rawget(coroutine, "close")
    if not close then
      pending "this Lua closes no coroutines"
      return
    end
    local client = service.client(service.serve({ { hang = true } }), { loop = "yield" })
    local thread = coroutine.create(function() client.messages.create(service.params()) end)
    coroutine.resume(thread)
    assert.is_false(loop.is_idle())
    assert.is_true(close(thread))
    assert.is_true(loop.is_idle())
    local sleeper = coroutine.create(function() anthropic.sleep(3600) end)
    loop.use "yield"
    coroutine.resume(sleeper)
    loop.use(nil)
    assert.is_false(loop.is_idle())
    close(sleeper)
    assert.is_true(loop.is_idle())
  end)
end)
