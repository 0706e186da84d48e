-- Nobody who waits may be forgotten, and whatever is raised or closed in the middle leaves
-- everything else as it was.

local anthropic = require "anthropic"
local clock = require "spec.support.clock"
local core_peer = require "spec.support.core_peer"
local descriptor = require "spec.support.descriptor"
local loop = require "anthropic.loop"
local hosted = require "spec.support.hosted"
local raw_client = require "spec.support.raw_client"
local testing = require "anthropic.testing"

local KIB = 1024
local WINDOW = 256 * KIB -- body bytes that wait before an unread transfer pauses

local params = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } } }

-- A stream of `bytes` at once, and the rest after a pause.
local function burst(bytes)
  local events = {
    { event = "message_start", data = { type = "message_start", message = {
      id = "msg", type = "message", role = "assistant", model = "m", content = testing.array {},
      usage = { input_tokens = 1, output_tokens = 1 },
    } } },
    { event = "content_block_start", data = {
      type = "content_block_start", index = 0, content_block = { type = "text", text = "" },
    } },
  }
  for _ = 1, math.floor(bytes / (2 * KIB)) do
    events[#events + 1] = { event = "content_block_delta", data = {
      type = "content_block_delta", index = 0,
      delta = { type = "text_delta", text = ("x"):rep(2 * KIB - 136) },
    } }
  end
  for _, data in ipairs {
    { type = "content_block_stop", index = 0 },
    { type = "message_delta", delta = { stop_reason = "end_turn" }, usage = { output_tokens = 2 } },
    { type = "message_stop" },
  } do
    events[#events + 1] = { event = data.type, data = data, delay = data.index and 0.6 or 0 }
  end
  return { events = events }
end

local BURSTS = {}
for i = 0, 15 do
  BURSTS[i + 1] = WINDOW + i * 2 * KIB
end

describe("waiting", function()
  local server

  setup(function()
    local routes = {
      { path = "/hang/v1/messages", answers = { { hang = true } } },
      { path = "/stuck/v1/messages", answers = { testing.stream { text = "one two three", hang_after = 450 } } },
      { path = "/lingering/v1/messages", answers = { { events = {
        { event = "message_start", data = { type = "message_start", message = { id = "msg" } } },
        { event = "message_stop", data = { type = "message_stop" } },
        { event = "ping", data = { type = "ping" }, delay = 30 },
      } } } },
      { path = "/once/v1/messages", answers = {
        testing.error { status = 529, retry_after = 0.05 }, testing.message { text = "Hello!" },
      } },
      { path = "/v1/messages", body_contains = '"stream":true', answers = {
        testing.stream { text = "one two three four", delay_between = 0.02 },
      } },
      { path = "/v1/messages", answers = { testing.message { text = "Hello!" } } },
    }
    for i, bytes in ipairs(BURSTS) do
      table.insert(routes, 1, { path = "/burst" .. i .. "/v1/messages", answers = { burst(bytes) } })
    end
    server = hosted.server { script = { routes = routes } }
  end)

  teardown(function()
    server:stop()
  end)

  local function client_at(path, options)
    options = options or {}
    options.base_url, options.api_key = server.url .. path, "a key of a test"
    return anthropic.new(options)
  end

  -- Runs f; all that it began in time, or it fails.
  local function run_watched(seconds, f)
    local forgotten = 0
    local tasks = {}
    local spawn = anthropic.spawn
    local function spawn_watched(...)
      local task = spawn(...)
      tasks[#tasks + 1] = task
      return task
    end
    anthropic.run(function()
      local main = spawn_watched(f, spawn_watched)
      local watchdog = spawn(function()
        anthropic.sleep(seconds)
        for _, task in ipairs(tasks) do
          forgotten = forgotten + (task.done and 0 or 1)
          task:cancel()
        end
      end)
      local _, err = main:join()
      for _, task in ipairs(tasks) do
        local _, failure = task:join()
        err = err or task ~= main and type(failure) == "string" and failure or nil
      end
      watchdog:cancel()
      assert.equal(0, forgotten, "tasks waited for ever")
      if err then
        error(err, 0)
      end
    end)
  end

  describe("for news", function()
    it("does not miss what comes after a pause at the buffer's limit", function()
      run_watched(4, function(spawn)
        local tasks = {}
        for i, bytes in ipairs(BURSTS) do
          tasks[i] = spawn(function()
            local stream = assert(client_at("/burst" .. i).messages.stream(params))
            anthropic.sleep(0.05)
            local text = assert(stream:message()):text()
            return #text == math.floor(bytes / (2 * KIB)) * (2 * KIB - 136)
          end)
        end
        for i = 1, #tasks do
          assert.is_true((tasks[i]:join()))
        end
      end)
    end)

    it("wakes two whose answers come in the same step", function()
      run_watched(5, function(spawn)
        local client = client_at ""
        local one = spawn(client.messages.create, params)
        local two = spawn(client.messages.create, params)
        anthropic.sleep(0)
        anthropic.sleep(0) -- both requests are under way
        local until_both_are_there = os.clock() + 0.2
        while os.clock() < until_both_are_there do end -- nobody steps
        assert.equal("Hello!", one:join():text())
        assert.equal("Hello!", two:join():text())
      end)
    end)

    it("wakes one whose answer comes while another one blocks in a step of its own", function()
      run_watched(5, function(spawn)
        local other = spawn(client_at("").messages.create, params)
        anthropic.sleep(0)
        assert.equal("Hello!", assert(client_at("/once", { loop = "blocking" }).messages.create(params)):text())
        anthropic.sleep(0)
        anthropic.sleep(0)
        assert.is_true(other.done)
        assert.equal("Hello!", other:join():text())
      end)
    end)

    it("wakes one whose answer comes while another one's end is drained", function()
      run_watched(10, function(spawn)
        local client = client_at ""
        local tasks = {}
        for i = 1, 20 do
          tasks[i] = spawn(function()
            for _ = 1, 5 do
              assert.equal("Hello!", assert(client.messages.create(params)):text())
            end
            return true
          end)
        end
        for i = 1, 20 do
          assert.is_true((tasks[i]:join()))
        end
      end)
    end)

    it("wakes the others at once after one wake-up raised", function()
      local clients = { client_at "", client_at "" }
      local transfers, woken = {}, false
      for i, client in ipairs(clients) do
        transfers[i] = assert(client.messages.stream(params)).exchange.transfer
        repeat until not transfers[i]:event() -- all that has come
      end
      for i = 1, 2 do
        loop.on_news(transfers[i], function()
          loop.on_news(transfers[3 - i], function() woken = true end)
          error("of the host", 0)
        end)
      end
      local until_both_have_news = os.clock() + 0.2
      while os.clock() < until_both_have_news do end
      local ok, err = pcall(loop.step, 5)
      assert.is_false(ok)
      assert.equal("of the host", err)
      assert.is_false(woken)
      if descriptor.is_there then -- which a host may watch
        assert.is_true(core_peer.is_readable(loop.descriptor()))
      end
      local began = require("anthropic.core").now()
      loop.step(30)
      assert.is_true(woken)
      assert.is_true(require("anthropic.core").now() - began < 15)
      for i = 1, 2 do
        loop.on_news(transfers[i], nil)
      end
    end)

    it("takes news that were there before, without a turn", function()
      local asked = 0
      local subject = {}
      function subject.has_news()
        asked = asked + 1
        return true
      end
      anthropic.run(function()
        local others = 0
        anthropic.spawn(function() others = others + 1 end)
        assert.is_true(loop.driver().wait(subject))
        assert.equal(0, others)
      end)
      assert.is_true(loop.driver().wait(subject))
      assert.equal(2, asked)
    end)

    it("goes on where somebody else's wake-up came without news", function()
      local has_news = false
      local subject = { has_news = function() return has_news end }
      run_watched(5, function(spawn)
        local task = spawn(function() return loop.driver().wait(subject) end)
        anthropic.sleep(0)
        anthropic.sleep(0.02)
        assert.is_false(task.done)
        has_news = true
        loop.wake(subject)
        assert.is_true((task:join()))
      end)
    end)
  end)

  describe("for a stream that somebody else closes", function()
    for _, path in ipairs { "/stuck", "" } do
      it("ends at once, with one error for all" .. (path == "" and ", also between two events" or ""), function()
        run_watched(5, function(spawn)
          local stream = assert(client_at(path).messages.stream(params))
          local reader = spawn(function()
            local event, err
            repeat
              event, err = stream:next()
            until not event
            return err
          end)
          anthropic.sleep(0.03)
          stream:close()
          local err = reader:join()
          assert.equal("cancelled", err.kind)
          assert.equal(err, select(2, stream:next()))
          assert.equal(err, select(2, stream:message()))
          stream:close()
        end)
      end)
    end

    it("ends at once when it is the client that is closed", function()
      run_watched(5, function(spawn)
        local client, is_open = client_at "/stuck", false
        local before = #server:requests()
        local tasks = {
          spawn(function()
            local stream = assert(client.messages.stream(params))
            is_open = true
            return select(2, stream:message())
          end),
          spawn(function()
            return select(2, client.messages.create(params, { base_url = server.url .. "/hang" }))
          end),
        }
        repeat
          anthropic.sleep(0.02)
        until is_open and #server:requests() >= before + 2
        client:close()
        for _, task in ipairs(tasks) do
          assert.equal("cancelled", task:join().kind)
        end
        assert.equal("cancelled", select(2, client.messages.create(params)).kind)
      end)
      assert.is_true(raw_client.eventually(function()
        local requests = server:requests()
        return requests[#requests].closed_early and requests[#requests - 1].closed_early
      end))
    end)

    it("is refused while another coroutine reads", function()
      run_watched(5, function(spawn)
        local stream = assert(client_at("/stuck").messages.stream(params))
        spawn(function() stream:message() end)
        anthropic.sleep(0)
        local ok, err = pcall(stream.next, stream)
        assert.is_false(ok)
        assert.matches("read by another coroutine", err)
        stream:close()
      end)
    end)
  end)

  describe("for nothing any more", function()
    it("gives up, and forgets, a stream that does not end after its end mark", function()
      local watch = setmetatable({}, { __mode = "v" })
      local client = client_at "/lingering"
      local function read()
        local stream = assert(client.messages.stream(params))
        watch[1] = stream.exchange.transfer
        assert.equal("msg", assert(stream:message()).id)
        assert.is_false(watch[1]:done())
      end
      read()
      client:close()
      clock.advance(1.3)
      clock.await(function() return loop.core():active() == 0 end)
      if rawget(_G, "jit") then
        jit.flush() -- traces keep what they came across
      end
      collectgarbage()
      collectgarbage()
      assert.is_nil(watch[1])
    end)

    it("retries a transfer that cannot be started, and then gives an error", function()
      local client = client_at("", { max_retries = 1 })
      local real_core, starts = loop.core, 0
      loop.core = function()
        return setmetatable({ start = function()
          starts = starts + 1
          return nil, "cannot start: not enough memory or descriptors"
        end }, { __index = function(_, name)
          return function(_, ...) return real_core()[name](real_core(), ...) end
        end })
      end
      local ok, message, err = pcall(client.messages.create, params)
      loop.core = real_core
      assert.is_true(ok, message)
      assert.is_nil(message)
      assert.equal("connection", err.kind)
      assert.equal(2, err.attempts)
      assert.equal(2, starts)
    end)
  end)
end)
