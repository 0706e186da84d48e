local anthropic = require "anthropic"
local clock = require "spec.support.clock"
local child = require "spec.support.child"
local core = require "anthropic.core"
local extent = require "spec.support.extent"
local loop = require "anthropic.loop"
local hosted = require "spec.support.hosted"
local raw_client = require "spec.support.raw_client"
local testing = require "anthropic.testing"

local STOCK_5_1 = _VERSION == "Lua 5.1" and rawget(_G, "jit") == nil

local params = { model = "m", max_tokens = 9, messages = { { role = "user", content = "Hello" } } }

-- A number from /proc/self/status, or nil where there is none.
local function status_field(name)
  local file = io.open("/proc/self/status")
  local text = file and file:read("*a") or ""
  if file then
    file:close()
  end
  return tonumber(text:match(name .. ":%s*(%d+)"))
end

-- Without pipes: ends of this one are open for a while (musl's popen has another one beside it).
local function count_descriptors()
  local pid = assert(status_field "Pid")
  local pipe = io.popen("ls -l /proc/" .. pid .. "/fd 2>/dev/null | sed '/->/!d; /-> pipe:/d' | wc -l")
  local count = tonumber(pipe:read("*a"))
  pipe:close()
  return count
end

local function read_file(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

local function read_all(stream)
  local count = 0
  local event, err = stream:next()
  while event do
    count = count + 1
    event, err = stream:next()
  end
  assert(not err, tostring(err))
  return count
end

describe("many requests at once", function()
  local server, flood

  before_each(function()
    server = hosted.server { script = { routes = {
      { path = "/stuck/v1/messages", answers = { testing.stream { text = "one two three", hang_after = 800 } } },
      { path = "/fifty/v1/messages", answers = {
        testing.stream { text = ("word "):rep(44):sub(1, -2), delay_between = 0.015 },
      } },
      { path = "/v1/messages", body_contains = '"stream":true', answers = {
        testing.stream { text = "one two three four", delay_between = 0.02 },
      } },
      { path = "/v1/messages", answers = { testing.message { text = "Hello!" } } },
    } } }
  end)

  after_each(function()
    collectgarbage()
    server:stop()
    if flood then
      flood:stop()
      flood = nil
    end
  end)

  local function client_at(path, options)
    options = options or {}
    options.base_url, options.api_key = server.url .. path, "a key of a test"
    return anthropic.new(options)
  end

  local function eventually_open(count)
    return raw_client.eventually(function() return server:connections().open <= count end)
  end

  it("reads a hundred streams of fifty events in one thread", function()
    local client = client_at "/fifty"
    local events, most_threads, most_open = {}, 0, 0
    local threads_before = status_field "Threads"
    anthropic.run(function()
      for i = 1, 100 do
        anthropic.spawn(function()
          events[i] = read_all(assert(client.messages.stream(params)))
        end)
      end
      for _ = 1, 20 do
        anthropic.sleep(0.02)
        most_threads = math.max(most_threads, status_field "Threads" or 0)
        most_open = math.max(most_open, server:connections().open)
      end
    end)
    for i = 1, 100 do
      assert.equal(50, events[i])
    end
    assert.equal(100, most_open)
    assert.equal(threads_before or 0, most_threads)
  end)

  it("frees the sockets of those that are closed midway at once, and finishes the others", function()
    local client = client_at "/fifty"
    anthropic.run(function()
      local streams, readers = {}, {}
      for i = 1, 40 do
        streams[i] = anthropic.spawn(client.messages.stream, params)
      end
      for i = 1, 40 do
        streams[i] = assert(streams[i]:join())
        assert(streams[i]:next())
      end
      for i = 2, 40, 2 do
        readers[#readers + 1] = anthropic.spawn(function() return streams[i]:message() end)
      end
      assert.equal(40, server:connections().open)
      for i = 1, 40, 2 do
        streams[i]:close()
      end
      assert.is_true(eventually_open(20))
      assert.equal(20, loop.core():active())
      for _, reader in ipairs(readers) do
        assert.is_false(reader.done)
      end
      for _, reader in ipairs(readers) do
        assert.equal(44 * 5 - 1, #assert(reader:join()):text())
      end
    end)
  end)

  it("starves no slow stream beside one that never pauses", function()
    flood = child.start "spec/support/flood_server.lua"
    local slow_events, flood_events = 0, 0
    anthropic.run(function()
      local stream = assert(anthropic.new({
        base_url = "http://127.0.0.1:" .. flood.port, api_key = "k",
      }).messages.stream(params))
      local flooded = anthropic.spawn(function()
        while stream:next() do
          flood_events = flood_events + 1
        end
      end)
      local readers = {}
      for i = 1, 20 do
        readers[i] = anthropic.spawn(function()
          local count = read_all(assert(client_at("/fifty").messages.stream(params)))
          slow_events = slow_events + count
        end)
      end
      for i = 1, 20 do
        readers[i]:join()
      end
      assert.equal(20 * 50, slow_events)
      assert.is_false(flooded.done)
      assert.is_true(flood_events > 0)
      stream:close()
    end)
  end)

  it("mixes streams and whole messages, of one client and of many", function()
    local shared = client_at ""
    local texts, messages = 0, 0
    anthropic.run(function()
      for i = 1, 20 do
        local client = i % 2 == 0 and shared or client_at ""
        anthropic.spawn(function()
          if assert(client.messages.create(params)):text() == "Hello!" then
            messages = messages + 1
          end
          if assert(client.messages.stream(params)):message():text() == "one two three four" then
            texts = texts + 1
          end
        end)
      end
    end)
    assert.equal(20, messages)
    assert.equal(20, texts)
  end)

  it("sends a thousand requests one after the other over one connection", function()
    local clients = { client_at "", client_at "" }
    for i = 1, 1000 do
      local message = assert(clients[i % 2 + 1].messages.create(params))
      assert.equal(i > 1, message.response.timings.reused)
    end
    assert.same({ opened = 1, open = 1 }, server:connections())
  end)

  it("uses a connection again after a stream", function()
    anthropic.run(function()
      for _ = 1, 10 do
        assert(assert(client_at("").messages.stream(params)):message())
        anthropic.sleep(0.05)
      end
    end)
    assert.equal(1, server:connections().opened)
  end)

  it("grows by nothing when very many streams are made and closed", function()
    local client = client_at "/stuck"
    local function cycle(count)
      for _ = 1, count do
        local stream = assert(client.messages.stream(params))
        assert(stream:next())
        stream:close()
      end
      collectgarbage()
      collectgarbage()
      return collectgarbage "count"
    end
    local memory = cycle(200)
    local descriptors = status_field "Pid" and count_descriptors()
    local grown = cycle(extent(1800, 600)) - memory
    assert.is_true(grown < 300, "grown by KiB: " .. grown)
    if descriptors then
      assert.is_true(count_descriptors() <= descriptors + 1)
    end
    assert.is_true(eventually_open(1))
  end)

  it("frees the sockets of streams that nobody holds any more", function()
    local client = client_at "/stuck"
    anthropic.run(function()
      for _ = 1, 10 do
        anthropic.spawn(function()
          assert(client.messages.stream(params))
        end)
      end
      clock.await(function() return server:connections().open == 10 end)
      local finisher = anthropic.spawn(function()
        return assert(client_at("/fifty").messages.stream(params)):message()
      end)
      anthropic.sleep(0.05)
      collectgarbage()
      collectgarbage()
      assert.is_true(eventually_open(1))
      assert(finisher:join())
    end)
  end)

  it("frees the socket of a task that raises while it reads", function()
    local client = client_at "/fifty"
    anthropic.run(function()
      local function spawn_and_join()
        return anthropic.spawn(function()
          local stream = assert(client.messages.stream(params))
          for _ = 1, 5 do
            stream:next()
          end
          error("in the middle", 0)
        end):join()
      end
      local other = anthropic.spawn(function() return read_all(assert(client.messages.stream(params))) end)
      assert.equal("in the middle", select(2, spawn_and_join()))
      assert.is_true(raw_client.eventually(function()
        collectgarbage()
        return server:connections().open == 1
      end))
      assert.equal(50, other:join())
    end)
  end)

  it("hands a stream from one task to another", function()
    anthropic.run(function()
      local stream = assert(client_at("").messages.stream(params))
      local text = {}
      local function read_some(count)
        return anthropic.spawn(function()
          for _ = 1, count do
            local event = stream:next()
            if event and event.type == "content_block_delta" then
              text[#text + 1] = event.delta.text
            end
          end
        end)
      end
      read_some(4):join()
      read_some(3):join()
      read_some(99):join()
      assert.equal("one two three four", table.concat(text))
      assert.equal("one two three four", stream:message():text())
    end)
  end)

  it("reads streams inside coroutines of the caller's own", function()
    local texts = {}
    anthropic.run(function()
      for i = 1, 12 do
        anthropic.spawn(function()
          local stream = assert(client_at("").messages.stream(params))
          local pieces = coroutine.wrap(function()
            local event = stream:next()
            while event do
              if event.type == "content_block_delta" then
                coroutine.yield(event.delta.text)
              end
              event = stream:next()
            end
          end)
          texts[i] = ""
          for piece in pieces do
            texts[i] = texts[i] .. piece
          end
        end)
      end
    end)
    for i = 1, 12 do
      assert.equal("one two three four", texts[i])
    end
  end)

  it("iterates with a generic for where the Lua can, else says what to do", function()
    anthropic.run(function()
      for _, iterator_of in ipairs {
        function(stream) return stream end,
        function(stream) return stream:text_deltas() end,
      } do
        local stream = assert(client_at("").messages.stream(params))
        local task = anthropic.spawn(function()
          local count = 0
          for _ in iterator_of(stream) do
            count = count + 1
          end
          return count
        end)
        local count, err = task:join()
        if STOCK_5_1 then
          assert.matches("use stream:next%(%)", err)
          assert(stream:next())
          assert.equal("one two three four", stream:message():text())
        else
          assert.is_true(count >= 4)
        end
      end
    end)
  end)

  it("loses no event to an iterator that cannot wait", function()
    anthropic.run(function()
      for _, iterator_of in ipairs {
        function(stream) return stream end,
        function(stream) return stream:text_deltas() end,
      } do
        local stream = assert(client_at("").messages.stream(params))
        repeat
          local event = assert(stream:next())
        until event.type == "content_block_delta"
        clock.await(function() return stream.exchange.transfer:done() end) -- the rest has come
        local ended = {}
        local _, err = anthropic.spawn(function()
          for event in iterator_of(stream) do
            ended[type(event) == "table" and event.type or event] = true
          end
        end):join()
        assert.equal(STOCK_5_1, err ~= nil)
        local event = stream:next()
        while event do
          ended[event.type] = true
          event = stream:next()
        end
        assert.is_true(not STOCK_5_1 or ended.content_block_stop)
        assert.equal("one two three four", stream:message():text())
      end
    end)
  end)

  it("moves the others along while one blocks", function()
    local waiting = assert(client_at("").messages.stream(params))
    local transfer = waiting.exchange.transfer
    assert.is_false(transfer:done())
    clock.await(function() return transfer:done() end)
    assert.equal("one two three four", waiting:message():text())
    waiting = assert(client_at("").messages.stream(params))
    assert(assert(client_at("/fifty").messages.stream(params)):message())
    local began = core.now()
    assert.equal("one two three four", waiting:message():text())
    assert.is_true(core.now() - began < 5)
  end)

  it("goes on with a stream after a forked child has used the library and ended", function()
    local has_ffi, ffi = pcall(require, "ffi")
    if not has_ffi then
      pending "only LuaJIT can fork without a further module"
      return
    end
    ffi.cdef [[
      int fork(void);
      int waitpid(int pid, int *status, int options);
      void _exit(int status);
    ]]
    local stream = assert(client_at("/fifty").messages.stream(params))
    assert(stream:next())
    local path = os.tmpname()
    local pid = ffi.C.fork()
    if pid == 0 then
      local file = io.open(path, "w")
      local _, message = pcall(client_at("").messages.create, params)
      local _, _, err = pcall(stream.message, stream)
      file:write(type(message) == "table" and message.text and message:text() or tostring(message), " ",
        type(err) == "table" and err.kind or tostring(err))
      file:close()
      ffi.C._exit(0)
    end
    ffi.C.waitpid(pid, nil, 0)
    assert.equal("Hello! cancelled", read_file(path))
    os.remove(path)
    assert.equal(49, read_all(stream))
    assert.equal("Hello!", assert(client_at("").messages.create(params)):text())
  end)

  it("tells tasks that wait in a forked child that their requests are gone", function()
    local has_ffi, ffi = pcall(require, "ffi")
    if not has_ffi then
      pending "only LuaJIT can fork without a further module"
      return
    end
    local path = os.tmpname()
    local pid
    anthropic.run(function()
      local stream = assert(client_at("/fifty").messages.stream(params))
      local reader = anthropic.spawn(function() return stream:message() end)
      anthropic.sleep(0.05)
      pid = ffi.C.fork()
      local message, err = reader:join()
      if pid == 0 then
        local file = io.open(path, "w")
        file:write(message and "a message" or err.kind)
        file:close()
        ffi.C._exit(0)
      end
      assert.equal(44 * 5 - 1, #assert(message):text())
      ffi.C.waitpid(pid, nil, 0)
    end)
    assert.equal("cancelled", read_file(path))
    os.remove(path)
  end)
end)
