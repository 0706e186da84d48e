-- A stream for programs that think in callbacks: who is called with what, in which order, and how often.

local core = require "anthropic.core"
local errors = require "anthropic.base.error"
local loop = require "anthropic.loop"
local stream_callbacks = require "anthropic.stream.callbacks"
local loop_waiting = require "anthropic.loop.waiting"

local function text(piece)
  return { type = "content_block_delta", index = 0, delta = { type = "text_delta", text = piece } }
end

local EVENTS = { { type = "message_start", message = {} }, text "Hel", text "", text "lo", { type = "message_stop" } }

-- A stream of the events given, which ends with the error given, if any. It notes what it is asked for.
local function stream_of(events, err)
  local stream = { position = 0, closed = 0, whole = { "the message" }, read_to_end = 0 }
  function stream.next()
    if stream.closed > 0 then
      stream.position = #events
    end
    stream.position = stream.position + 1
    if events[stream.position] then
      return events[stream.position]
    end
    return nil, err
  end
  function stream.message()
    stream.read_to_end = stream.read_to_end + 1
    if stream.closed > 0 then
      return nil, errors.new { kind = "cancelled", message = "the stream was closed" }
    elseif err then
      return nil, err
    end
    return stream.whole
  end
  function stream.close()
    stream.closed = stream.closed + 1
  end
  return stream
end

-- A host whose waits come back at once; it notes their seconds.
local function host()
  local self = { waits = {} }
  function self.wait(_, seconds)
    self.waits[#self.waits + 1] = seconds
    return true
  end
  return self
end

local function failure(kind)
  return errors.new { kind = kind or "connection", message = "reset" }
end

local function loop_spawn(f)
  loop.after(0, coroutine.wrap(f))
end

-- Starts with callbacks of the names given that note their calls.
local function start(stream, names, chosen)
  local calls, callbacks = {}, {}
  for name in names:gmatch "%S+" do
    callbacks[name] = function(...)
      calls[#calls + 1] = { name, n = select("#", ...), ... }
    end
  end
  local handle = stream_callbacks.start(chosen or host(), callbacks, function()
    return stream
  end)
  return calls, handle
end

describe("the settings of callbacks", function()
  for _, name in ipairs { "on_event", "on_text", "on_done" } do
    it("take a function for " .. name .. ", and nothing else", function()
      local row = stream_callbacks.settings[name]
      assert.is_true(row.check(print))
      assert.equal("function", row.expected)
      for _, value in ipairs { {}, "print", 1, true, setmetatable({}, { __call = print }) } do
        assert.is_false(row.check(value))
      end
    end)
  end

  it("are no others", function()
    local names = {}
    for name in pairs(stream_callbacks.settings) do
      names[#names + 1] = name
    end
    table.sort(names)
    assert.same({ "on_done", "on_event", "on_text" }, names)
  end)
end)

describe("callbacks", function()
  it("are called with each event, each piece of text after its event, and the message", function()
    local stream = stream_of(EVENTS)
    local calls, handle = start(stream, "on_event on_text on_done")
    assert.same({
      { "on_event", n = 1, EVENTS[1] },
      { "on_event", n = 1, EVENTS[2] }, { "on_text", n = 1, "Hel" },
      { "on_event", n = 1, EVENTS[3] },
      { "on_event", n = 1, EVENTS[4] }, { "on_text", n = 1, "lo" },
      { "on_event", n = 1, EVENTS[5] },
      { "on_done", n = 2, { "the message" } },
    }, calls)
    assert.equal(stream.whole, calls[8][2])
    assert.equal(EVENTS[2], calls[2][2])
    assert.is_true(handle.done)
    assert.equal(0, stream.closed)
  end)

  it("come with a handle that has the message so far, and at its end the whole", function()
    local seen, handle = {}, nil
    local stream = stream_of(EVENTS)
    function stream.snapshot() return { "so far", stream.position } end
    local core_loop = { wait = function() return true end, spawn = loop_spawn }
    handle = stream_callbacks.start(core_loop, { on_text = function()
      seen[#seen + 1] = handle:snapshot()
    end }, function() return stream end)
    assert.is_nil(handle:snapshot())
    while not handle.done do
      loop.step(0)
    end
    assert.same({ { "so far", 2 }, { "so far", 4 } }, seen)
    assert.equal(stream.whole, handle:snapshot())
  end)

  it("come with a handle that has what had arrived where the stream fails", function()
    local err = failure()
    err.partial = { "a part" }
    local _, handle = start(stream_of({}, err), "on_done")
    assert.equal(err.partial, handle:snapshot())
  end)

  it("are not called where nothing goes on with a stream, but for on_done, and nothing is sent", function()
    loop.use(nil)
    local told, opened = {}, 0
    local handle, err = stream_callbacks.start(nil, {
      on_text = error, on_event = error, on_done = function(...) told[#told + 1] = { n = select("#", ...), ... } end,
    }, function() opened = opened + 1 end)
    assert.is_nil(handle)
    assert.equal("cannot_wait", err.type)
    assert.same({ { n = 2, nil, err } }, told)
    assert.equal(0, opened)
  end)

  it("may be those of text alone", function()
    local calls = start(stream_of(EVENTS), "on_text")
    assert.same({ { "on_text", n = 1, "Hel" }, { "on_text", n = 1, "lo" } }, calls)
  end)

  it("may be those of events alone", function()
    local stream = stream_of(EVENTS)
    local calls = start(stream, "on_event")
    assert.equal(#EVENTS, #calls)
    assert.equal(1, stream.read_to_end)
  end)

  it("read no events where nobody wants them", function()
    local stream = stream_of(EVENTS)
    local calls = start(stream, "on_done")
    assert.same({ { "on_done", n = 2, { "the message" } } }, calls)
    assert.equal(0, stream.position)
    assert.equal(1, stream.read_to_end)
  end)

  it("are told once of a failure", function()
    for _, names in ipairs { "on_event on_text on_done", "on_done" } do
      local err = failure()
      local calls, handle = start(stream_of({}, err), names)
      assert.same({ { "on_done", n = 2, nil, err } }, calls)
      assert.equal(err, calls[1][3])
      assert.is_true(handle.done)
    end
  end)

  it("are told once where the request was not answered", function()
    local err, calls = failure(), {}
    stream_callbacks.start(host(), {
      on_text = error,
      on_done = function(...)
        calls[#calls + 1] = { n = select("#", ...), ... }
      end,
    }, function()
      return nil, err
    end)
    assert.same({ { n = 2, nil, err } }, calls)
    assert.equal(err, calls[1][2])
  end)

  it("need not ask for the end", function()
    local handle = stream_callbacks.start(host(), { on_text = function() end }, function()
      return nil, failure()
    end)
    assert.is_true(handle.done)
  end)

  describe("that raise", function()
    for _, name in ipairs { "on_event", "on_text" } do
      it("end the stream, are told of it, and are raised: " .. name, function()
        local stream, calls = stream_of(EVENTS), {}
        local ok, raised = pcall(stream_callbacks.start, host(), {
          [name] = function()
            error("oops", 0)
          end,
          on_done = function(...)
            calls[#calls + 1] = { n = select("#", ...), ... }
          end,
        }, function()
          return stream
        end)
        assert.is_false(ok)
        assert.matches("oops$", raised)
        assert.equal(1, stream.closed)
        assert.equal(1, #calls)
        assert.equal(2, calls[1].n)
        assert.is_nil(calls[1][1])
        assert.is_true(errors.is(calls[1][2]))
        assert.equal("cancelled", calls[1][2].kind)
        assert.equal("a callback failed: oops", calls[1][2].message)
      end)
    end

    it("what is no text are told in words", function()
      local given
      local object = setmetatable({}, { __tostring = function() return "my error" end })
      local _, raised = pcall(stream_callbacks.start, host(), {
        on_text = function() error(object) end,
        on_done = function(_, err) given = err end,
      }, function()
        return stream_of(EVENTS)
      end)
      assert.equal(object, raised)
      assert.equal("a callback failed: my error", given.message)
    end)

    it("an error of the library are told that", function()
      local given
      local err = failure()
      pcall(stream_callbacks.start, host(), {
        on_text = function() error(err) end,
        on_done = function(_, told) given = told end,
      }, function()
        return stream_of(EVENTS)
      end)
      assert.equal(err, given)
    end)

    it("at the end are not told of it again", function()
      local stream, count = stream_of(EVENTS), 0
      local ok, raised = pcall(stream_callbacks.start, host(), {
        on_done = function()
          count = count + 1
          error("oops", 0)
        end,
      }, function()
        return stream
      end)
      assert.is_false(ok)
      assert.matches("oops$", raised)
      assert.equal(1, count)
      assert.equal(0, stream.closed)
    end)
  end)

  it("are told where the sending raises", function()
    local given
    local ok, raised = pcall(stream_callbacks.start, host(), {
      on_done = function(...) given = { n = select("#", ...), ... } end,
    }, function()
      error("oops", 0)
    end)
    assert.is_false(ok)
    assert.matches("oops$", raised)
    assert.equal(2, given.n)
    assert.is_nil(given[1])
    assert.equal("a callback failed: oops", given[2].message)
  end)

  describe("of a handle that is cancelled", function()
    -- The callback of the name cancels the handle at its first call.
    local function cancelled_by(name, fields)
      local stream, calls = stream_of(EVENTS), {}
      local waiting = { wait = function() return true end }
      local callbacks = fields or {}
      callbacks[name] = function(...)
        calls[#calls + 1] = { name, ... }
        loop_waiting.current():cancel()
      end
      callbacks.on_done = function(...)
        calls[#calls + 1] = { "on_done", n = select("#", ...), ... }
      end
      local handle = stream_callbacks.start(waiting, callbacks, function()
        return stream
      end)
      return calls, stream, handle
    end

    it("are called no more, but told of the end", function()
      local calls, stream, handle = cancelled_by "on_event"
      assert.equal(2, #calls)
      assert.equal("on_event", calls[1][1])
      assert.equal("on_done", calls[2][1])
      assert.equal(2, calls[2].n)
      assert.is_nil(calls[2][2])
      assert.equal("cancelled", calls[2][3].kind)
      assert.equal("the stream was closed", calls[2][3].message)
      assert.equal(1, stream.closed)
      assert.equal(1, stream.position)
      assert.equal("anthropic.Task (cancelled)", tostring(handle))
    end)

    it("by a piece of text are called no more", function()
      local calls, stream = cancelled_by "on_text"
      assert.same({ "on_text", "Hel" }, calls[1])
      assert.equal("on_done", calls[2][1])
      assert.is_nil(calls[3])
      assert.equal(2, stream.position)
    end)

    it("while they are waited for, are told once", function()
      local calls, stream, thread = {}, stream_of {}, nil
      local driver = {
        wait = function()
          coroutine.yield()
          return true
        end,
        spawn = function(body)
          thread = coroutine.create(body)
          assert(coroutine.resume(thread))
        end,
      }
      local function resume()
        assert(coroutine.resume(thread))
      end
      function stream.next()
        local ok, reason = loop_waiting.wait(driver, { has_news = function() return false end })
        if not ok then
          return nil, failure(reason)
        end
        return text "a"
      end
      local handle = stream_callbacks.start(driver, {
        on_text = function(piece) calls[#calls + 1] = piece end,
        on_done = function(_, err) calls[#calls + 1] = err.kind end,
      }, function()
        return stream
      end)
      assert.same({}, calls)
      assert.is_false(handle.done)
      resume()
      assert.same({ "a" }, calls)
      handle:cancel()
      resume()
      assert.same({ "a", "cancelled" }, calls)
      assert.is_true(handle.done)
      assert.equal(1, stream.closed)
      handle:cancel()
      assert.same({ "a", "cancelled" }, calls)
    end)

    it("before it has begun are told of the end", function()
      local bodies, given = {}, nil
      local driver = {
        wait = function() return true end,
        spawn = function(body) bodies[#bodies + 1] = body end,
      }
      local handle = stream_callbacks.start(driver, {
        on_done = function(...) given = { n = select("#", ...), ... } end,
      }, function()
        error "sent"
      end)
      assert.is_nil(given)
      handle:cancel()
      assert.equal(2, given.n)
      assert.is_nil(given[1])
      assert.equal("cancelled", given[2].kind)
      assert.equal("the task was cancelled", given[2].message)
      bodies[1]()
      assert.is_true(handle.done)
    end)
  end)

  describe("that take long", function()
    local original, now = core.now, 0

    local function spend(seconds)
      now = now + seconds
    end

    before_each(function()
      now = 0
      core.now = function() -- luacheck: ignore 122
        return now
      end
    end)

    after_each(function()
      core.now = original -- luacheck: ignore 122
    end)

    local function waits_of(seconds, names, events)
      local chosen, callbacks = host(), {}
      for _, name in ipairs(names) do
        callbacks[name] = function()
          spend(seconds)
        end
      end
      stream_callbacks.start(chosen, callbacks, function()
        return stream_of(events)
      end)
      return chosen.waits
    end

    it("let the host go on, after more than five milliseconds", function()
      assert.same({}, waits_of(0.005, { "on_event" }, { text "a" }))
      assert.same({ 0 }, waits_of(0.0051, { "on_event" }, { text "a" }))
      assert.same({ 0, 0 }, waits_of(0.006, { "on_event" }, { text "a", text "b" }))
      assert.same({ 0 }, waits_of(0.006, { "on_text" }, { text "a", text "" }))
    end)

    it("do so once all of them together have taken long, and then begin anew", function()
      assert.same({ 0 }, waits_of(0.003, { "on_event", "on_text" }, { text "a" }))
      assert.same({ 0 }, waits_of(0.003, { "on_event" }, { text "a", text "b", text "c" }))
      assert.same({ 0, 0 }, waits_of(0.003, { "on_event" }, { text "a", text "b", text "c", text "d" }))
    end)

    it("do not count the time that is waited for events", function()
      local stream, chosen = stream_of(EVENTS), host()
      local next_event = stream.next
      function stream.next()
        spend(1)
        return next_event()
      end
      local calls = start(stream, "on_event", chosen)
      assert.equal(#EVENTS, #calls)
      assert.same({}, chosen.waits)
    end)

    it("wait in the host's way where none is named", function()
      local chosen = host()
      loop.use(chosen)
      local ok, err = pcall(stream_callbacks.start, nil, { on_text = function() spend(0.006) end }, function()
        return stream_of { text "a" }
      end)
      loop.use(nil)
      assert.is_true(ok, tostring(err))
      assert.same({ 0 }, chosen.waits)
    end)

    it("are called no more where they were cancelled meanwhile", function()
      local count, stream, told = 0, stream_of(EVENTS), nil
      local chosen = { wait = function()
        loop_waiting.current():cancel()
        return true
      end }
      local handle = stream_callbacks.start(chosen, {
        on_event = function()
          count = count + 1
          spend(0.006)
        end,
        on_done = function(_, err) told = err end,
      }, function()
        return stream
      end)
      assert.equal(1, count)
      assert.equal(1, stream.position)
      assert.equal("cancelled", told.kind)
      assert.is_true(handle.done)
    end)
  end)

  it("are let go of once they were told of the end", function()
    local seen = setmetatable({}, { __mode = "k" })
    local handle
    do
      local stream, object = stream_of(EVENTS), {}
      seen[stream], seen[object] = true, true
      handle = stream_callbacks.start(host(), {
        on_text = function() return object end,
        on_done = function() return object end,
      }, function()
        return stream
      end)
    end
    if rawget(_G, "jit") then
      jit.flush() -- traces keep what they came across
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(seen))
    assert.is_true(handle.done)
  end)
end)
