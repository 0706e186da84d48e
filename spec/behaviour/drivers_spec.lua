-- Callbacks and tasks by the drivers that need no host's program.

local anthropic = require "anthropic"
local coroutines = require "anthropic.loop.coroutines"
local descriptor = require "spec.support.descriptor"
local loop = require "anthropic.loop"
local hosted = require "spec.support.hosted"
local protected = require "anthropic.loop.protected"
local testing = require "anthropic.testing"

local params = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } } }

describe("callbacks", function()
  local server

  setup(function()
    server = hosted.server { script = { routes = {
      { path = "/slow/v1/messages", answers = { testing.stream { text = ("word "):rep(400), delay_between = 0.05 } } },
      { path = "/late/v1/messages", answers = { testing.stream { text = "one two three", delay = 0.01 } } },
      { path = "/hang/v1/messages", answers = { { hang = true } } },
      { path = "/busy/v1/messages", answers = { testing.error { status = 400, type = "invalid_request_error" } } },
      { path = "/v1/messages", answers = { testing.stream { thinking = "Hm.", text = "one two three" } } },
    } } }
  end)

  teardown(function()
    server:stop()
  end)

  local function client_at(path, name)
    return anthropic.new { base_url = server.url .. path, api_key = "a key of a test", loop = name, max_retries = 0 }
  end

  local function recorder()
    local seen = { events = {}, texts = {}, done = 0 }
    return seen, {
      on_event = function(event) seen.events[#seen.events + 1] = event.type end,
      on_text = function(text) seen.texts[#seen.texts + 1] = text end,
      on_done = function(message, err) seen.done, seen.message, seen.err = seen.done + 1, message, err end,
    }
  end

  local function step_until(condition)
    local deadline = anthropic.now() + 10
    while not condition() and anthropic.now() < deadline do
      loop.step(0.05)
    end
    assert.is_true(condition())
  end

  for _, name in ipairs { "frame", "yield" } do
    describe("with the loop " .. name, function()
      it("come while the loop is stepped, and on_done once", function()
        local seen, callbacks = recorder()
        local handle = client_at("", name).messages.stream(params, callbacks)
        assert.equal(0, seen.done)
        assert.is_false(handle:is_closing())
        step_until(function() return handle.done end)
        assert.equal("one two three", table.concat(seen.texts))
        assert.equal("message_start", seen.events[1])
        assert.equal("message_stop", seen.events[#seen.events])
        assert.equal(1, seen.done)
        assert.equal("one two three", seen.message:text())
        assert.equal("Hm.", seen.message:thinking())
        assert.is_true(handle:is_closing())
        assert.is_true(loop.is_idle() or loop.core():active() > 0)
      end)

      it("hear of an error", function()
        local seen, callbacks = recorder()
        local handle = client_at("/busy", name).messages.stream(params, callbacks)
        step_until(function() return handle.done end)
        assert.is_nil(seen.message)
        assert.equal(400, seen.err.status)
        assert.equal(1, seen.done)
      end)

      it("hear of a request that is refused before it is sent", function()
        local seen, callbacks = recorder()
        local handle = client_at("", name).messages.stream({ model = 5, messages = {} }, callbacks)
        step_until(function() return handle.done end)
        assert.equal("invalid_request", seen.err.kind)
      end)

      it("stop at once when one of them cancels, with what had come", function()
        local seen, callbacks = recorder()
        local handle
        function callbacks.on_text(text)
          seen.texts[#seen.texts + 1] = text
          handle:cancel()
        end
        handle = client_at("", name).messages.stream(params, callbacks)
        step_until(function() return handle.done end)
        assert.equal(1, #seen.texts)
        assert.equal("cancelled", seen.err.kind)
        assert.equal(seen.texts[1], seen.err.partial:text())
        assert.equal(1, seen.done)
      end)

      for _, path in ipairs { "/hang", "/slow" } do
        it("hear of a cancelled wait at " .. path, function()
          local seen, callbacks = recorder()
          local handle = client_at(path, name).messages.stream(params, callbacks)
          loop.step(0.2)
          loop.step(0.2)
          handle:cancel()
          assert.is_true(handle:is_closing())
          step_until(function() return handle.done end)
          assert.equal("cancelled", seen.err.kind)
          assert.equal(1, seen.done)
          handle:cancel()
          assert.equal(1, seen.done)
        end)
      end

      it("hear of a request that is cancelled before it began", function()
        local seen, callbacks = recorder()
        client_at("", name).messages.stream(params, callbacks):cancel()
        assert.equal("cancelled", seen.err.kind)
        assert.equal(1, seen.done)
      end)

      it("that raise end the stream; the error is raised by the step, and on_done hears of it", function()
        local seen, callbacks = recorder()
        callbacks.on_text = function() error("of the caller", 0) end
        local handle = client_at("/slow", name).messages.stream(params, callbacks)
        local ok, err = pcall(step_until, function() return handle.done end)
        assert.is_false(ok)
        assert.equal("of the caller", err)
        assert.equal("cancelled", seen.err.kind)
        assert.matches("of the caller", seen.err.message)
        assert.equal(1, seen.done)
        step_until(function() return loop.core():active() == 0 end)
      end)

      it("that take long leave the host its turns, however much has come", function()
        local turns, seen = 0, nil
        local handle = client_at("", name).messages.stream(params, {
          on_event = function()
            local began = anthropic.now()
            while anthropic.now() - began < 0.02 do end -- a slow one
          end,
          on_done = function(message) seen = message end,
        })
        local deadline = anthropic.now() + 10
        while not handle.done and anthropic.now() < deadline do
          local began = anthropic.now()
          loop.step(1)
          turns = turns + (anthropic.now() - began > 0.015 and 1 or 0)
        end
        assert.equal("one two three", seen:text())
        assert.is_true(turns >= 8, turns .. " turns")
      end)

      it("may be fewer", function()
        local text
        local handle = client_at("", name).messages.stream(params, {
          on_done = function(message) text = message:text() end,
        })
        step_until(function() return handle.done end)
        assert.equal("one two three", text)
        handle = client_at("", name).messages.stream(params, { on_event = function() end })
        step_until(function() return handle.done end)
      end)

      it("close as a host's handle is closed", function()
        local seen, callbacks = recorder()
        local closed = 0
        local handle = client_at("/hang", name).messages.stream(params, callbacks)
        loop.step(0.1)
        handle:close(function() closed = closed + 1 end)
        step_until(function() return closed == 1 end)
        assert.equal("cancelled", seen.err.kind)
        handle:close(function() closed = closed + 1 end)
        assert.equal(2, closed)
      end)
    end)
  end

  it("are refused where nothing could go on with the stream: nothing is sent, and on_done hears of it", function()
    local seen, callbacks = recorder()
    local handle, err = client_at("/refused").messages.stream(params, callbacks)
    assert.is_nil(handle)
    assert.equal("invalid_request", err.kind)
    assert.equal("cannot_wait", err.type)
    for _, way in ipairs { "anthropic.run", "anthropic.loop.frame", 'loop = "blocking"' } do
      assert.is_truthy(err.message:find(way, 1, true), way)
    end
    assert.equal(err, seen.err)
    assert.equal(1, seen.done)
    for _, request in ipairs(server:requests()) do
      assert.is_nil(request.path:find("/refused", 1, true))
    end
  end)

  it("have all come when the call returns, by the driver that blocks", function()
    local seen, callbacks = recorder()
    local handle = client_at("", "blocking").messages.stream(params, callbacks)
    assert.is_true(handle.done)
    assert.equal("one two three", handle:snapshot():text())
    assert.equal("one two three", table.concat(seen.texts))
    assert.equal(1, seen.done)
  end)

  it("have all come by then in a host that only sleeps, which resumes no coroutine but its own", function()
    local seen, callbacks = recorder()
    local driver = { suspends = true, check = coroutines.check, wait = coroutines.poll(coroutine.yield) }
    local handle, failure, later
    local thread = coroutine.create(function()
      handle = client_at("/late", driver).messages.stream(params, callbacks)
      failure = select(2, protected.call(function()
        client_at("/late", driver).messages.stream(params, { on_text = function() error("of a callback", 0) end })
      end))
      handle:cancel()
      later = client_at("/late", driver).messages.create(params)
    end)
    local deadline = anthropic.now() + 10
    while coroutine.status(thread) ~= "dead" and anthropic.now() < deadline do
      assert(coroutine.resume(thread))
    end
    assert.is_true(handle.done)
    assert.equal("one two three", handle:snapshot():text())
    assert.equal("one two three", table.concat(seen.texts))
    assert.equal(1, seen.done)
    assert.equal("of a callback", failure)
    assert.equal("one two three", later:text())
  end)

  it("come in a task of anthropic.run, which waits for them", function()
    local seen, callbacks = recorder()
    anthropic.run(function()
      client_at("").messages.stream(params, callbacks)
      assert.equal(0, seen.done)
    end)
    assert.equal("one two three", seen.message:text())
  end)

  it("are checked", function()
    assert.has_error(function()
      client_at("").messages.stream(params, { on_done = true })
    end, 'option "on_done": function expected, got boolean')
  end)
end)

describe("a client that blocks in a game", function()
  local server, client

  setup(function()
    local answer = testing.message { text = "Done." }
    server = hosted.server { script = { routes = {
      { path = "/v1/messages", body_contains = "tool_result", answers = { answer } },
      { path = "/v1/messages", body_contains = '"tools"', answers = { testing.stream { tool_uses = {
        { name = "a", id = "1" }, { name = "a", id = "2" } } } } },
      { path = "/v1/messages", answers = { answer } },
    } } }
  end)

  teardown(function()
    server:stop()
  end)

  before_each(function()
    loop.use "frame"
    client = anthropic.new { base_url = server.url, api_key = "a key of a test", loop = "blocking", max_retries = 0 }
  end)

  after_each(function()
    client:close()
    loop.use(nil)
    loop.driver "frame".is_chosen = false
  end)

  local function run(eager, f)
    return assert(client.messages.run {
      model = "m", max_tokens = 9, messages = params.messages, eager = eager,
      tools = { anthropic.tool { name = "a", run = f } },
    })
  end

  for _, eager in ipairs { false, true } do
    it("runs tools one after the other outside of a coroutine, with eager = " .. tostring(eager), function()
      local ran = {}
      local message = run(eager, function(_, call)
        ran[#ran + 1] = call.id
        return client.messages.create(params):text()
      end)
      assert.equal("Done.", message:text())
      assert.same({ "1", "2" }, ran)
    end)
  end

  it("maps one request after the other outside of a coroutine", function()
    local list = {}
    for i = 1, 3 do
      list[i] = params
    end
    local messages, errs = client.messages.map(list)
    assert.same({}, errs)
    assert.equal(3, messages.n)
    assert.equal("Done.", messages[3]:text())
  end)

  it("runs tools as tasks in a coroutine", function()
    local order, message = {}, nil
    local task = anthropic.spawn(function()
      message = run(false, function(_, call)
        order[#order + 1] = "begin " .. call.id
        anthropic.sleep(0.01)
        order[#order + 1] = "end " .. call.id
      end)
    end)
    local deadline = anthropic.now() + 5
    while not task.done and anthropic.now() < deadline do
      loop.driver "frame".update()
    end
    assert.equal("Done.", message:text())
    assert.same({ "begin 1", "begin 2", "end 1", "end 2" }, order)
  end)
end)

describe("a task", function()
  local frame = loop.driver "frame"

  before_each(function()
    loop.use "frame"
  end)

  after_each(function()
    loop.use(nil)
    frame.is_chosen = false
  end)

  it("in a host needs no run, and can be joined and cancelled", function()
    local results = {}
    local sleeper = anthropic.spawn(function()
      results.sleep = { anthropic.sleep(60) }
    end)
    local main = anthropic.spawn(function()
      local quick = anthropic.spawn(function()
        anthropic.sleep(0.02)
        return "quick", nil, 3
      end)
      results.quick = { quick:join() }
      sleeper:cancel()
      results.sleeper = { sleeper:join() }
      return anthropic.run(function()
        anthropic.spawn(function() results.inner = true end)
        return "run"
      end)
    end)
    local deadline = anthropic.now() + 5
    while not main.done and anthropic.now() < deadline do
      frame.update()
    end
    assert.is_true(main.done)
    assert.same({ "quick", nil, 3 }, results.quick)
    assert.equal("cancelled", results.sleep[2].kind)
    assert.equal("cancelled", results.sleeper[2].kind)
    assert.is_true(results.inner)
    assert.equal("run", (main:join()))
  end)

  it("that fails in a host while nobody waits for it raises from the step", function()
    anthropic.spawn(error, "unheard", 0)
    local ok, err = pcall(frame.update)
    assert.is_false(ok)
    assert.equal("unheard", err)
    frame.update()
  end)

  it("is left to the next frame when this one has no time left", function()
    local order = {}
    local function work(seconds)
      local over = anthropic.now() + seconds
      repeat until anthropic.now() > over
    end
    for i = 1, 10 do
      anthropic.spawn(function()
        work(0.01)
        order[#order + 1] = i
        anthropic.sleep(0)
        work(0.01)
        order[#order + 1] = i
      end)
    end
    local frames = 0
    while #order < 20 and frames < 100 do
      local before = #order
      frame.update(0.015)
      frames = frames + 1
      assert.is_true(#order - before <= 3)
    end
    assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, order)
    assert.is_true(frames >= 7)
    for _ = 1, 10 do
      anthropic.spawn(function() work(0.002) order[#order + 1] = 0 end)
    end
    frame.update(10)
    assert.equal(30, #order)
  end)

  it("goes on frame by frame where frames leave no time at all", function()
    local server = hosted.server { script = testing.stream { text = "one two three" } }
    for _, budget in ipairs { 0, -1 } do
      local client = anthropic.new { base_url = server.url, api_key = "k", loop = "frame" }
      local text
      client.messages.stream(params, { on_done = function(message, err) text = message and message:text() or err end })
      local deadline = anthropic.now() + 10
      while not text and anthropic.now() < deadline do
        frame.update(budget)
      end
      assert.equal("one two three", text)
    end
    server:stop()
  end)

  it("cannot wait outside of coroutines in a game", function()
    assert.has_error(function() anthropic.sleep(1) end,
      "the frame loop cannot wait here: use anthropic.spawn, or on_done of messages.stream")
  end)
end)

describe("loop.use", function()
  after_each(function()
    loop.use(nil)
  end)

  it("names the driver for tasks, sleeping and clients that name none", function()
    local waits = {}
    loop.use { wait = function(subject, seconds)
      waits[#waits + 1] = seconds or "a subject"
      return require("anthropic.loop.blocking").wait(subject, seconds)
    end }
    anthropic.sleep(0.01)
    local client = anthropic.new { base_url = "http://127.0.0.1:9", api_key = "a key of a test", max_retries = 0 }
    assert.equal("connection", select(2, client.messages.create(params)).kind)
    assert.equal(0.01, waits[1])
    assert.is_true(#waits > 1)
    waits = {}
    loop.use(nil)
    anthropic.sleep(0.01)
    assert.same({}, waits)
  end)

  it("says what there is", function()
    assert.has_error(function() loop.use "no_such" end,
      "no such loop: no_such (there are " .. table.concat(loop.names(), ", ") .. ")")
  end)
end)

describe("the loop yield", function()
  it("raises what a task raised, in the coroutine that steps, and forgets what that waited for", function()
    loop.use "yield"
    local thread = coroutine.create(function()
      anthropic.spawn(error, "unheard", 0)
      anthropic.sleep(60)
    end)
    local ok, err = coroutine.resume(thread)
    local deadline = anthropic.now() + 5
    while ok and coroutine.status(thread) == "suspended" and anthropic.now() < deadline do
      ok, err = coroutine.resume(thread)
    end
    loop.use(nil)
    assert.is_false(ok)
    assert.equal("unheard", err)
    assert.is_true(loop.is_idle())
  end)
end)

describe("a driver as doc/how-to/event-loops.md writes it", function()
  it("runs tasks in a host that watches the descriptor", function()
    if not descriptor.is_there then
      pending(descriptor.MISSING)
    end
    local file = assert(io.open "doc/how-to/event-loops.md")
    local program = file:read "*a":match "```lua my_host\n(.-)```"
    file:close()
    local step
    assert((loadstring or load)("local my_host = ...\n" .. program)) {
      when_readable = function(_, f) step = f end,
    }
    local results = {}
    local main = anthropic.spawn(function()
      local quick = anthropic.spawn(function()
        anthropic.sleep(0.01)
        return "quick"
      end)
      local endless = anthropic.spawn(anthropic.sleep, 60)
      results[1] = quick:join()
      endless:cancel()
      results[2] = select(2, endless:join()).kind
    end)
    local deadline = anthropic.now() + 5
    while not main.done and anthropic.now() < deadline do
      loop.core():wait(0.1)
      step()
    end
    loop.use(nil)
    assert.same({ "quick", "cancelled" }, results)
  end)
end)
