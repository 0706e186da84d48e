local anthropic = require "anthropic"
local clock = require "spec.support.clock"
local hosted = require "spec.support.hosted"
local raw_client = require "spec.support.raw_client"
local socket = require "socket"
local testing = require "anthropic.testing"

local params = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } } }

local function with(fields)
  local copy = {}
  for name, value in pairs(params) do
    copy[name] = value
  end
  for name, value in pairs(fields) do
    copy[name] = value
  end
  return copy
end

describe("task:cancel", function()
  local server

  setup(function()
    server = hosted.server { script = { routes = {
      { path = "/hang/v1/messages", answers = { { hang = true } } },
      { path = "/slow/v1/messages", answers = {
        testing.stream { text = ("word "):rep(400), delay_between = 0.05 },
      } },
      { path = "/stuck/v1/messages", answers = { testing.stream { text = "one two three", hang_after = 450 } } },
      { path = "/busy/v1/messages", answers = { testing.error { status = 529, retry_after = 60 } } },
      { path = "/v1/messages", body_contains = '"stream":true', answers = {
        testing.stream { text = "one two three four five", delay_between = 0.02 },
      } },
      { path = "/v1/messages", answers = { testing.message { text = "Hello!" } } },
    } } }
  end)

  teardown(function()
    server:stop()
  end)

  local function client_at(path, options)
    options = options or {}
    options.base_url, options.api_key = server.url .. path, "a key of a test"
    return anthropic.new(options)
  end

  -- How many requests for the model were closed by the client before they were answered.
  local function closed_early(model)
    local count = 0
    for _, request in ipairs(server:requests()) do
      if request.closed_early and request.body:find('"model":"' .. model .. '"', 1, true) then
        count = count + 1
      end
    end
    return count
  end

  local function requests_for(model)
    local count = 0
    for _, request in ipairs(server:requests()) do
      count = count + (request.body:find('"model":"' .. model .. '"', 1, true) and 1 or 0)
    end
    return count
  end

  local function eventually_closed(model)
    return raw_client.eventually(function() return closed_early(model) == 1 end)
  end

  -- Cancels f(...) once it has come so far; returns what f returned, and what join returns.
  local function cancel_when(is_far_enough, f, ...)
    local inside, joined
    anthropic.run(function(...)
      local arguments = { ... }
      local task = anthropic.spawn(function()
        inside = { f((unpack or table.unpack)(arguments)) }
      end)
      repeat
        anthropic.sleep(0.05)
      until is_far_enough() or task.done
      task:cancel()
      joined = { task:join() }
    end, ...)
    return inside, joined
  end

  -- The same after a moment.
  local function cancel_during(f, ...)
    return cancel_when(function() return true end, f, ...)
  end

  local function assert_cancelled(result)
    assert.is_nil(result[1])
    assert.equal("cancelled", result[2].kind)
  end

  it("before the start: the task never begins", function()
    local began = false
    anthropic.run(function()
      local task = anthropic.spawn(function() began = true end)
      task:cancel()
      assert_cancelled { task:join() }
      anthropic.sleep(0)
    end)
    assert.is_false(began)
  end)

  it("during a sleep", function()
    local inside, joined = cancel_during(anthropic.sleep, 60)
    assert_cancelled(inside)
    assert_cancelled(joined)
  end)

  it("while waiting for the headers: the connection is closed at once", function()
    local inside, joined = cancel_during(client_at("/hang").messages.create, with { model = "headers" })
    assert_cancelled(inside)
    assert.equal(1, inside[2].attempts)
    assert_cancelled(joined)
    assert.is_true(eventually_closed "headers")
  end)

  it("while a stream is read: the error holds what came, the connection is closed at once", function()
    local stream
    local looks = 0 -- since it has been there
    local inside = cancel_when(function()
      looks = looks + (stream and 1 or 0)
      return looks == 2
    end, function()
      stream = assert(client_at("/stuck").messages.stream(with { model = "reading" }))
      return stream:message()
    end)
    assert_cancelled(inside)
    assert.equal("msg_test", inside[2].partial.id)
    assert.is_true(eventually_closed "reading")
    assert.equal(inside[2], select(2, stream:next()))
  end)

  it("during the wait before a retry: nothing more is sent", function()
    local is_waiting = false
    local inside = cancel_when(function() return is_waiting end, client_at("/busy").messages.create,
      with { model = "retry" }, { on_retry = function() is_waiting = true end })
    assert_cancelled(inside)
    assert.equal(1, inside[2].attempts)
    assert.equal(529, inside[2].history[1].status)
  end)

  it("while joining: the joined task goes on", function()
    local ended
    local inside = cancel_during(function()
      return anthropic.spawn(function()
        anthropic.sleep(0.1)
        ended = true
      end):join()
    end)
    assert_cancelled(inside)
    assert.is_true(ended)
  end)

  it("while joining, where the joined task then fails: run raises its error", function()
    local ok, err = pcall(cancel_during, function()
      return anthropic.spawn(function()
        anthropic.sleep(0.1)
        error("nobody asked", 0)
      end):join()
    end)
    assert.is_false(ok)
    assert.equal("nobody asked", err)
  end)

  it("of itself: the next wait ends at once", function()
    anthropic.run(function()
      local result
      local task
      task = anthropic.spawn(function()
        task:cancel()
        result = { anthropic.sleep(60) }
      end)
      assert_cancelled { task:join() }
      assert_cancelled(result)
    end)
  end)

  it("of an ended task changes nothing", function()
    anthropic.run(function()
      local task = anthropic.spawn(function() return 5 end)
      task:join()
      task:cancel()
      assert.equal(5, task:join())
      assert.equal("anthropic.Task (done)", tostring(task))
    end)
  end)

  it("twice is the same as once", function()
    anthropic.run(function()
      local results = {}
      local task = anthropic.spawn(function()
        results[1] = { anthropic.sleep(60) }
        results[2] = "on"
      end)
      anthropic.sleep(0)
      task:cancel()
      task:cancel()
      assert_cancelled { task:join() }
      task:cancel()
      assert_cancelled(results[1])
      assert.equal("on", results[2])
    end)
  end)

  it("raises the error in a task that goes on and waits again", function()
    local client = client_at("/hang")
    anthropic.run(function()
      local turns = 0
      local task = anthropic.spawn(function()
        while true do
          turns = turns + 1
          client.messages.create(with { model = "again" })
        end
      end)
      clock.await(function() return requests_for "again" == 1 end)
      task:cancel()
      assert_cancelled { task:join() }
      assert.equal(2, turns)
    end)
    assert.is_true(eventually_closed "again")
    anthropic.sleep(0.05)
    assert.equal(1, requests_for "again")
  end)

  it("leaves a stream closed that the task went on to read", function()
    anthropic.run(function()
      local stream = assert(client_at("/stuck").messages.stream(with { model = "second" }))
      local task = anthropic.spawn(function()
        anthropic.sleep(60)
        stream:message()
        error "not reached"
      end)
      anthropic.sleep(0)
      task:cancel()
      assert_cancelled { task:join() }
      local _, err = stream:next()
      assert.equal("cancelled", err.kind)
      assert.equal(err, select(2, stream:next()))
      assert.is_true(eventually_closed "second")
    end)
  end)

  it("disturbs no other task", function()
    local client = client_at("")
    local texts = {}
    anthropic.run(function()
      for i = 1, 4 do
        anthropic.spawn(function()
          texts[i] = assert(client.messages.stream(params)):message():text()
        end)
      end
      for _ = 1, 4 do
        local task = anthropic.spawn(function()
          return assert(client_at("/slow").messages.stream(with { model = "disturb" })):message()
        end)
        anthropic.spawn(function()
          anthropic.sleep(0.05)
          task:cancel()
          assert_cancelled { task:join() }
        end)
      end
    end)
    for i = 1, 4 do
      assert.equal("one two three four five", texts[i])
    end
    assert.is_true(raw_client.eventually(function() return closed_early "disturb" == 4 end))
  end)

  it("reaches a task that waits inside a coroutine of its own", function()
    local inside = cancel_during(function()
      return coroutine.wrap(function() return anthropic.sleep(60) end)()
    end)
    assert_cancelled(inside)
  end)

  it("wins over a result that comes in the same turn", function()
    anthropic.run(function()
      local other = anthropic.spawn(function() return "result" end)
      local result
      local task = anthropic.spawn(function() result = { other:join() } end)
      anthropic.sleep(0)
      task:cancel()
      task:join()
      assert.equal("result", other:join())
      assert.is_true(result[1] == "result" or result[2].kind == "cancelled")
    end)
  end)
end)

describe("a run that an interrupt ends", function()
  local server

  setup(function()
    server = hosted.server { script = { routes = {
      { path = "/slow/v1/messages", answers = { testing.stream { text = "one two", hang_after = 450 } } },
      { answers = { { hang = true } } },
    } } }
  end)

  teardown(function()
    server:stop()
  end)

  local function interpreter()
    local lowest = 0
    while arg[lowest - 1] do
      lowest = lowest - 1
    end
    return arg[lowest]
  end

  it("leaves cleanly: a process that gets SIGINT while tasks wait", function()
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(([[
      local anthropic = require "anthropic"
      local client = anthropic.new { base_url = %q, api_key = "k" }
      local params = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hi" } } }
      anthropic.run(function()
        anthropic.spawn(client.messages.create, params)
        anthropic.spawn(anthropic.sleep, 600)
        print "waiting"
        io.stdout:flush()
        anthropic.sleep(600)
      end)
    ]]):format(server.url))
    file:close()
    local command = ("sh -c 'echo $$; exec %s %s' 2>&1"):format(interpreter(), path)
    local pipe = assert(io.popen(command))
    local pid = pipe:read("*l")
    assert.equal("waiting", pipe:read("*l"))
    assert.is_true(raw_client.eventually(function() return server:connections().open == 1 end))
    socket.sleep(0.05) -- until it waits: LuaJIT raises in whichever coroutine runs
    os.execute("kill -INT " .. pid)
    local output = pipe:read("*a")
    pipe:close()
    os.remove(path)
    assert.matches("interrupted!", output)
    assert.is_true(raw_client.eventually(function() return server:connections().open == 0 end))
  end)

  it("frees what the tasks held, and can run again", function()
    local client = anthropic.new { base_url = server.url .. "/slow", api_key = "k" }
    local loop = require "anthropic.loop"
    local step, seen, ok, err = loop.step, 0, nil, nil
    local function run_and_interrupt()
      ok, err = pcall(anthropic.run, function()
        for _ = 1, 3 do
          anthropic.spawn(function()
            local stream = assert(client.messages.stream(params))
            seen = seen + 1
            stream:message()
          end)
        end
        while seen < 3 do
          anthropic.sleep(0.01)
        end
        loop.step = function()
          loop.step = step
          error("interrupted!", 0)
        end
        anthropic.sleep(600)
      end)
    end
    run_and_interrupt()
    loop.step = step
    assert.is_false(ok)
    assert.equal("interrupted!", err)
    assert.is_true(raw_client.eventually(function()
      collectgarbage()
      return server:connections().open == 0
    end))
    assert.equal("on", anthropic.run(function()
      anthropic.sleep(0.01)
      return "on"
    end))
  end)
end)
