-- A stream as its reader sees it: the ways to read it, who may, and how it ends.

local core = require "anthropic.core"
local errors = require "anthropic.base.error"
local fed_answer = require "spec.support.fed_answer"
local json = require "anthropic.base.json"
local loop = require "anthropic.loop"
local message = require "anthropic.message.message"
local hosted = require "spec.support.hosted"
local scripted_exchange = require "spec.support.scripted_exchange"
local streams = require "spec.support.streams"
local stream_module = require "anthropic.stream"

local IS_LUAJIT = rawget(_G, "jit") ~= nil

local START = {
  type = "message_start",
  message = { type = "message", role = "assistant", content = json.array {}, usage = { output_tokens = 1 } },
}
local ENDING = { type = "message_delta", delta = { stop_reason = "end_turn" }, usage = { output_tokens = 7 } }
local STOP = { type = "message_stop" }

local function block(index, content)
  return { type = "content_block_start", index = index, content_block = content or { type = "text", text = "" } }
end

local function text(index, piece)
  return { type = "content_block_delta", index = index, delta = { type = "text_delta", text = piece } }
end

local function input_json(index, piece)
  return { type = "content_block_delta", index = index, delta = { type = "input_json_delta", partial_json = piece } }
end

local function block_stop(index)
  return { type = "content_block_stop", index = index }
end

-- What a transfer gives for the events; who waits stands between them as "again".
local function script_of(events)
  local list = {}
  for i, event in ipairs(events) do
    if event == "again" then
      list[i] = { nil, "again" }
    else
      list[i] = { assert(json.encode(event)), "" }
    end
  end
  return list
end

local function open(events, fields, open_ended)
  local script = fields or {}
  script.events = script_of(events)
  local exchange = scripted_exchange(script)
  return stream_module.new(exchange, open_ended), exchange
end

local function hello(...)
  return open({ START, block(0), text(0, "Hel"), text(0, "lo"), block_stop(0), ENDING, STOP }, ...)
end

local function types_of(opened)
  local types = {}
  for event in opened do
    types[#types + 1] = event.type
  end
  return types
end

-- A coroutine that is inside of opened:next(), and what ends its wait.
local function reading(opened, exchange)
  local result = {}
  exchange.waits[exchange.waited + 1] = function()
    return coroutine.yield()
  end
  local thread = coroutine.create(function()
    result.event, result.err = opened:next()
    result.done = true
  end)
  assert(coroutine.resume(thread))
  return result, function(...)
    return coroutine.resume(thread, ...)
  end
end

local function cannot_wait()
  return errors.new { kind = "invalid_request", type = "cannot_wait", message = "not here" }
end

describe("a stream", function()
  it("has the response whose headers have come", function()
    local opened, exchange = hello()
    assert.equal(exchange.response, opened.response)
  end)

  it("gives each event, then nil alone for ever", function()
    local opened, exchange = hello()
    for _, event in ipairs { START, block(0), text(0, "Hel"), text(0, "lo"), block_stop(0), ENDING } do
      assert.same(event, opened:next())
    end
    assert.equal(0, exchange.finished)
    assert.same(STOP, opened:next())
    assert.equal(0, exchange.finished)
    for _ = 1, 3 do
      assert.equal(1, select("#", opened()))
      assert.same({}, { opened:next() })
      assert.equal(1, exchange.finished)
    end
  end)

  it("gives all but its deltas to who wants the boundaries", function()
    local opened = hello()
    for _, event in ipairs { START, block(0), block_stop(0), ENDING, STOP } do
      assert.same(event, opened:next_boundary())
    end
    assert.is_nil((opened:next_boundary()))
    assert.equal("Hello", opened:message():text())
  end)

  it("of a message is truncated without an end mark, whatever it was asked for", function()
    for _, open_ended in ipairs { true, false } do
      for _, events in ipairs {
        { START }, { START, block(0), text(0, "Hel") }, { { type = "one" }, START, block(0), text(0, "Hel"), ENDING },
      } do
        local opened = open(events, nil, open_ended)
        local whole, err = opened:message()
        assert.is_nil(whole)
        assert.equal("truncated", err.kind)
      end
    end
  end)

  it("ends without an end mark where it has none", function()
    assert.same({ "one", "two" }, types_of((open({ { type = "one" }, { type = "two" } }, nil, true))))
    local opened = open { { type = "one" }, { type = "two" } }
    assert.equal("one", opened:next().type)
    assert.equal("two", opened:next().type)
    assert.equal("protocol", select(2, opened:next()).kind)
    local none, err = open({ { type = "one" } }, nil, true):message()
    assert.is_nil(none)
    assert.equal("protocol", err.kind) -- it was no message's
    opened = open { { type = "one" }, START, { type = "two" } }
    assert.equal("one", opened:next().type)
    assert.equal("message_start", opened:next().type)
    assert.equal("two", opened:next().type)
    assert.equal("truncated", select(2, opened:next()).kind)
  end)

  it("waits as often as it is told to", function()
    local opened, exchange = open { "again", START, "again", "again", block(0), text(0, "a"), block_stop(0), STOP }
    assert.same({
      "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_stop",
    }, types_of(opened))
    assert.equal(3, exchange.waited)
  end)

  describe("with a malformed event", function()
    local function fail(malformed)
      local opened, exchange = open { START, block(0), text(0, "Hel"), malformed, STOP }
      local event, err
      repeat
        event, err = opened:next()
      until not event
      return err, opened, exchange
    end

    it("fails, and says what is wrong with it", function()
      local err, opened, exchange = fail { type = "content_block_delta", index = 0, delta = 5 }
      assert.equal("protocol", err.kind)
      assert.equal("a malformed event: content_block_delta: the delta is a number", err.message)
      assert.equal(200, err.status)
      assert.equal("Hel", err.partial:text())
      assert.same({ nil, err }, { opened:next() })
      assert.same({ err }, exchange.failed)
      assert.same({}, exchange.recovered)
    end)

    it("fails, and names its type, where only the message cannot take it", function()
      assert.equal("a malformed event: content_block_delta",
        fail({ type = "content_block_delta", index = 0, delta = { later = "x" } }).message)
    end)
  end)

  describe("that failed", function()
    it("gives the same error to every way of reading", function()
      local opened, exchange = open({ START, block(0), text(0, "a") })
      local event, err
      repeat
        event, err = opened:next()
      until not event
      assert.equal("truncated", err.kind)
      for _ = 1, 2 do
        assert.same({ nil, err }, { opened:next() })
        assert.same({ nil, err }, { opened:message() })
        assert.same({ false, err }, { pcall(opened) })
        assert.same({ false, err }, { pcall(opened:text_deltas()) })
        assert.same({ false, err }, { pcall(opened:tool_inputs()) })
      end
      assert.equal("anthropic.Stream (failed)", tostring(opened))
      assert.equal("a", err.partial:text())
      assert.equal("a", opened:snapshot():text())
      assert.equal(1, #exchange.failed)
      assert.equal(0, exchange.finished)
    end)

    it("raises the error itself where it is iterated over", function()
      for _, iterate in ipairs {
        function(opened) return opened end,
        function(opened) return opened:text_deltas() end,
        function(opened) return opened:tool_inputs() end,
      } do
        local opened = open { START, block(0), text(0, "a") }
        local ok, err = pcall(function()
          for _ in iterate(opened) do end -- luacheck: ignore 542
        end)
        assert.is_false(ok)
        assert.is_true(errors.is(err))
        assert.equal("truncated", err.kind)
      end
    end)
  end)

  it("recovers from a failure before the first content, unseen", function()
    local opened, exchange = open({ START }, {
      recoveries = { { events = script_of { START, block(0), text(0, "Hello"), STOP } } },
    })
    assert.equal("message_start", opened:next().type)
    assert.equal("truncated", exchange.recovered[1].kind)
    assert.equal("Hello", opened:message():text())
    assert.equal("req_2", opened.response.request_id)
  end)

  describe("where the calling code cannot wait", function()
    for name, read in pairs {
      next = function(opened) return opened:next() end,
      message = function(opened) return opened:message() end,
      ["a for"] = function(opened)
        local _, err = pcall(opened)
        return nil, err
      end,
      text_deltas = function(opened)
        local _, err = pcall(opened:text_deltas())
        return nil, err
      end,
      tool_inputs = function(opened)
        local _, err = pcall(opened:tool_inputs())
        return nil, err
      end,
    } do
      it("says so and goes on elsewhere: " .. name, function()
        local refusal = cannot_wait()
        local opened, exchange = open({ START, block(0), text(0, "Hel"), "again", text(0, "lo"), STOP },
          { waits = { { nil, refusal } } })
        for _ = 1, 3 do
          opened:next()
        end
        assert.same({ nil, refusal }, { read(opened) })
        assert.equal("anthropic.Stream (open)", tostring(opened))
        assert.same({}, exchange.failed)
        assert.same({}, exchange.recovered)
        assert.equal("Hello", opened:message():text())
      end)
    end
  end)

  describe("that a coroutine reads", function()
    it("can be read by no other, and goes on for the first", function()
      local opened, exchange = open({ START, block(0), text(0, "Hel"), "again", text(0, "lo"), STOP })
      for _ = 1, 3 do
        opened:next()
      end
      local result, resume = reading(opened, exchange)
      for _, read in pairs {
        function() return (opened:next()) end,
        function() return (opened()) end,
        function() return (opened:message()) end,
        function() return (opened:text_deltas()()) end,
        function() return (opened:tool_inputs()()) end,
      } do
        local ok, problem = pcall(read)
        assert.is_false(ok)
        assert.matches("the stream is being read by another coroutine$", problem)
      end
      assert.is_nil(result.done)
      assert.is_true(resume(true))
      assert.equal("lo", result.event.delta.text)
      assert.equal("Hello", opened:message():text())
    end)

    it("blames who reads it as well", function()
      local opened, exchange = open({ "again" })
      reading(opened, exchange)
      for _, read in ipairs {
        function() local event = opened:next() return event end,
        function() local event = opened() return event end,
        function() local whole = opened:message() return whole end,
        function() for _ in opened do end end, -- luacheck: ignore 542
      } do
        local _, problem = pcall(read)
        assert.matches("^spec/unit/stream/stream_spec.lua:%d+: the stream is being read", problem)
      end
    end)

    it("can be read by another one after that", function()
      local opened, exchange = open({ "again", START, block(0), text(0, "a"), STOP })
      local result, resume = reading(opened, exchange)
      resume(true)
      assert.equal("message_start", result.event.type)
      assert.equal("content_block_start", opened:next().type)
    end)

    it("has failed where an error interrupted the reading", function()
      local opened, exchange = open({ START, block(0), text(0, "Hel"), "again", text(0, "lo"), STOP })
      for _ = 1, 3 do
        opened:next()
      end
      exchange.waits[1] = function()
        coroutine.yield()
        error("stop", 0)
      end
      local thread = coroutine.create(function()
        opened:next()
      end)
      assert.is_true(coroutine.resume(thread))
      assert.same({ false, "stop" }, { coroutine.resume(thread) })
      local event, err = opened:next()
      assert.is_nil(event)
      assert.equal("cancelled", err.kind)
      assert.equal("an error interrupted the reading", err.message)
      assert.equal("Hel", err.partial:text())
      assert.same({ nil, err }, { opened:next() })
    end)

    it("has failed also where the same coroutine reads on after an error", function()
      local opened = open({ "again", START }, { waits = { function() error("from outside", 0) end } })
      assert.same({ false, "from outside" }, { pcall(opened.next, opened) })
      local _, err = opened:next()
      assert.equal("an error interrupted the reading", err.message)
    end)
  end)

  describe("its pieces of text", function()
    local function texts_of(opened)
      local pieces = {}
      for piece in opened:text_deltas() do
        pieces[#pieces + 1] = piece
      end
      return pieces
    end

    it("are those of the deltas and the blocks' own, and none that is empty", function()
      assert.same({ "a", "b", "c" }, texts_of((open {
        START, block(0), text(0, ""), text(0, "a"), text(0, ""), text(0, "b"), block_stop(0),
        block(1, { type = "thinking", thinking = "" }),
        { type = "content_block_delta", index = 1, delta = { type = "thinking_delta", thinking = "hm" } },
        block(2, { type = "text", text = "c" }), ENDING, STOP,
      })))
    end)

    it("are nil after the last, for ever", function()
      local opened = hello()
      local read = opened:text_deltas()
      assert.equal("Hel", read())
      assert.equal("lo", read())
      for _ = 1, 3 do
        assert.is_nil((read()))
      end
      assert.equal("anthropic.Stream (ended)", tostring(opened))
    end)

    it("go on where another way of reading stopped", function()
      local opened = hello()
      for _ = 1, 3 do
        opened:next()
      end
      assert.same({ "lo" }, texts_of(opened))
    end)
  end)

  describe("its tool inputs", function()
    local function tool()
      return open {
        START, block(0, { type = "tool_use", id = "toolu_1", name = "f", input = {} }),
        input_json(0, '{"a":'), input_json(0, "1}"), block_stop(0), ENDING, STOP,
      }
    end

    it("come with their ID, name, whether they are complete, and progress", function()
      local opened = tool()
      local seen = {}
      for id, name, input, is_complete, progress in opened:tool_inputs() do
        assert.equal("toolu_1", id)
        assert.equal("f", name)
        assert.is_nil(progress:problem())
        seen[#seen + 1] = json.encode(input) .. tostring(is_complete)
      end
      assert.same({ "{}false", "{}false", '{"a":1}false', '{"a":1}true' }, seen)
    end)

    it("are none where no tool is called", function()
      local opened = hello()
      assert.is_nil((opened:tool_inputs()()))
      assert.equal("anthropic.Stream (ended)", tostring(opened))
    end)
  end)

  describe("its message", function()
    it("is the whole one, the same at every call", function()
      local opened, exchange = hello()
      local whole = assert(opened:message())
      assert.equal("Hello", whole:text())
      assert.equal("end_turn", whole.stop_reason)
      assert.equal(7, whole.usage.output_tokens)
      assert.equal(exchange.response, whole.response)
      assert.is_nil(whole.response.continuations)
      assert.is_nil(whole.raw)
      assert.is_nil(whole.choices)
      assert.equal(whole, opened:message())
      assert.equal(whole, opened:snapshot())
      assert.equal(1, exchange.finished)
    end)

    it("counts once, with how fast it came", function()
      local opened, exchange = hello()
      exchange.attempt_began = core.now() - 1
      local whole = opened:message()
      opened:message()
      assert.equal(1, #exchange.counted)
      assert.equal(7, exchange.counted[1].usage.output_tokens)
      local timings = whole.response.timings
      assert.is_true(timings.first_text >= 1 and timings.first_text < 60)
      assert.is_true(timings.tokens_per_second > 0)
    end)

    it("counts also where only its events are read", function()
      local opened, exchange = hello()
      types_of(opened)
      assert.equal(1, #exchange.counted)
      assert.equal(1, exchange.finished)
    end)

    it("is handed to who waits for it, once, before the caller has it", function()
      local opened = hello()
      local given = {}
      opened.on_message = function(whole)
        given[#given + 1] = whole
        whole.parsed = "parsed"
        return whole
      end
      types_of(opened)
      assert.same({}, given)
      assert.equal("parsed", opened:message().parsed)
      opened:message()
      assert.equal(1, #given)
    end)

    it("is not handed on after a failure", function()
      local opened = open { START }
      opened.on_message = function()
        error "called"
      end
      assert.equal("truncated", select(2, opened:message()).kind)
    end)

    it("holds what came so far, without reading", function()
      local opened, exchange = hello()
      assert.equal("", opened:snapshot():text())
      for _ = 1, 3 do
        opened:next()
      end
      local so_far = opened:snapshot()
      assert.equal("Hel", so_far:text())
      assert.equal(exchange.response, so_far.response)
      assert.equal("Hel", opened:snapshot():text())
      opened:next()
      assert.equal("Hel", so_far:text())
      assert.equal("Hello", opened:snapshot():text())
    end)

    it("names what had broken off", function()
      local opened = hello()
      opened.continuations = { "one" }
      assert.same({ "one" }, opened:snapshot().response.continuations)
      assert.same({ "one" }, opened:message().response.continuations)
    end)

    it("has its choices from two on", function()
      local function events_of(count)
        local list = {}
        for i = 1, count do
          list[i] = { id = "chatcmpl_1", choices = { { index = i - 1, delta = { content = "a" } } } }
        end
        return list
      end
      for count = 1, 2 do
        local opened, exchange = open(events_of(count))
        table.insert(exchange.transfer.events, { "[DONE]", "" })
        local whole = assert(opened:message())
        assert.equal(count == 2 and 2 or nil, whole.choices and #whole.choices)
      end
    end)

    it("has all choices, the first its own", function()
      local function chunk(index, content, reason)
        return { id = "chatcmpl_1", model = "m", choices = {
          { index = index, delta = { content = content }, finish_reason = reason },
        } }
      end
      local exchange = scripted_exchange { events = script_of {
        chunk(2, "third", "stop"), chunk(0, "first", "length"), chunk(1, "second", "stop"),
      } }
      table.insert(exchange.transfer.events, { "[DONE]", "" })
      local opened = stream_module.new(exchange)
      local given
      opened.on_message = function(whole)
        given = whole
        return whole
      end
      local whole = assert(opened:message())
      assert.equal(whole, given)
      assert.equal("first", whole:text())
      assert.equal("max_tokens", whole.stop_reason)
      assert.equal(1, whole.raw.choices[1].index)
      assert.equal(3, #whole.choices)
      for i, words in ipairs { "first", "second", "third" } do
        assert.equal(words, whole.choices[i]:text())
        assert.equal(exchange.response, whole.choices[i].response)
      end
      assert.are_not.equal(whole, whole.choices[1])
      assert.is_nil(whole.choices[1].choices)
    end)
  end)

  describe("of a message that came whole", function()
    local function whole()
      local made = message.new {
        role = "assistant", content = { { type = "text", text = "Hello" } }, stop_reason = "end_turn",
        usage = { output_tokens = 7 },
      }
      made.response = "its own"
      return made
    end

    it("has the events that would have made it up, and is it", function()
      local given = whole()
      local exchange = scripted_exchange {}
      local opened = stream_module.of_message(exchange, given)
      assert.equal(given, opened:snapshot())
      assert.same({
        "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
        "message_stop",
      }, types_of(opened))
      assert.equal(given, opened:message())
      assert.equal("its own", given.response)
      assert.equal("anthropic.Stream (ended)", tostring(opened))
    end)

    it("is not counted nor read again", function()
      local exchange = scripted_exchange {}
      local opened = stream_module.of_message(exchange, whole())
      opened.on_message = function()
        error "called"
      end
      assert.equal("Hello", opened:message():text())
      assert.same({}, exchange.counted)
      assert.equal(0, exchange.finished)
      assert.same({}, exchange.transfer.asked)
      local closed = stream_module.of_message(exchange, whole())
      closed:close()
      assert.same({}, exchange.counted)
    end)

    it("is not measured again: it came within its limit", function()
      local opened = stream_module.of_message(scripted_exchange { options = { max_response_bytes = 1 } }, whole())
      assert.equal("message_start", assert(opened:next()).type)
      assert.equal("Hello", assert(opened:message()):text())
    end)

    it("has pieces of text", function()
      local opened = stream_module.of_message(scripted_exchange {}, whole())
      assert.equal("Hello", opened:text_deltas()())
    end)
  end)

  describe("closed", function()
    it("is cancelled, and keeps what had come", function()
      local opened, exchange = hello()
      for _ = 1, 3 do
        opened:next()
      end
      opened:close()
      local event, err = opened:next()
      assert.is_nil(event)
      assert.equal("cancelled", err.kind)
      assert.equal("the stream was closed", err.message)
      assert.equal("Hel", err.partial:text())
      assert.same({ err }, exchange.failed)
      assert.same({ nil, err }, { opened:message() })
      opened:close()
      assert.same({ err }, exchange.failed)
      assert.equal("anthropic.Stream (failed)", tostring(opened))
    end)

    it("is as it was where it had ended", function()
      local opened, exchange = hello()
      local whole = opened:message()
      opened:close()
      assert.same({}, exchange.failed)
      assert.equal(whole, opened:message())
      assert.is_nil(exchange.closed)
    end)

    it("is as it was where it had failed", function()
      local opened, exchange = open { START }
      local _, err = opened:message()
      opened:close()
      assert.same({ nil, err }, { opened:next() })
      assert.equal(1, #exchange.failed)
      assert.is_nil(exchange.closed)
    end)

    it("lets the one who waits find out, once", function()
      local opened, exchange = open({ START, block(0), text(0, "a"), "again" }, { recoveries = { {} } })
      for _ = 1, 3 do
        opened:next()
      end
      local result, resume = reading(opened, exchange)
      opened:close()
      opened:close()
      assert.equal(1, exchange.closed)
      assert.same({}, exchange.failed)
      local err = errors.new { kind = "cancelled", message = "the request was cancelled" }
      assert.is_true(resume(nil, err))
      assert.equal(err, result.err)
      assert.equal("a", err.partial:text())
      assert.same({}, exchange.recovered)
      assert.same({ nil, err }, { opened:next() })
    end)

    it("is closed at the end of its scope", function()
      local opened = hello()
      getmetatable(opened).__close(opened)
      assert.equal("the stream was closed", select(2, opened:next()).message)
    end)

    if _VERSION == "Lua 5.4" or _VERSION == "Lua 5.5" then
      it("is closed by a variable that goes out of scope", function()
        local opened = hello()
        assert(load("local opened <close> = ..."))(opened)
        assert.equal("the stream was closed", select(2, opened:next()).message)
      end)
    end
  end)

  it("tells its state as a text", function()
    local opened = hello()
    assert.equal("anthropic.Stream (open)", tostring(opened))
    opened:next()
    assert.equal("anthropic.Stream (open)", tostring(opened))
    opened:message()
    assert.equal("anthropic.Stream (ended)", tostring(opened))
  end)

  -- "retry" asks again as long as nobody has seen anything.
  describe("counts as seen", function()
    local function broken()
      return open({ START, block(0), text(0, "Hel") }, {
        options = { on_interrupt = "retry" },
        recoveries = { { events = script_of { START, block(0), text(0, "Hello"), STOP } } },
      })
    end

    it("once an event was given", function()
      local opened = broken()
      opened:next()
      assert.equal("truncated", select(2, opened:message()).kind)
    end)

    it("once a piece of text was given", function()
      local opened = broken()
      assert.equal("Hel", opened:text_deltas()())
      assert.equal("truncated", select(2, opened:message()).kind)
    end)

    it("not where only the message was asked for", function()
      assert.equal("Hello", assert(broken():message()):text())
    end)

    it("not once an event was given as a boundary", function()
      local opened = broken()
      assert.same(START, opened:next_boundary())
      assert.equal("Hello", assert(opened:message()):text())
    end)
  end)

  describe("under a scheduler", function()
    local function iterate(opened, iterator)
      return pcall(function()
        for _ in iterator(opened) do end -- luacheck: ignore 542
      end)
    end

    local iterators = {
      { "itself", function(opened) return opened end },
      { "text_deltas", function(opened) return opened:text_deltas() end },
      { "tool_inputs", function(opened) return opened:tool_inputs() end, true },
    }

    for _, row in ipairs(iterators) do
      it("can be iterated over unless that cannot be suspended: " .. row[1], function()
        local opened, exchange = hello { options = { loop = { suspends = true } } }
        local ok, problem = iterate(opened, row[2])
        if not loop.ITERATORS_CANNOT_WAIT then
          assert.is_true(ok, tostring(problem))
          return
        end
        assert.is_false(ok)
        assert.matches("use stream:next%(%)$", problem)
        if not row[3] then
          assert.matches("^spec/unit/stream/stream_spec.lua:%d+: stock Lua 5.1 cannot wait inside", problem)
        end
        assert.same({}, exchange.transfer.asked)
        assert.equal("Hello", opened:message():text())
      end)

      it("can be iterated over where waiting blocks: " .. row[1], function()
        local opened = hello { options = { loop = { suspends = false } } }
        assert.is_true(iterate(opened, row[2]))
      end)
    end

    pending "blames who iterates over tool_inputs on stock Lua 5.1"
  end)

  if not IS_LUAJIT then
    describe("where an iterator cannot be suspended", function()
      local original, fresh = loop.ITERATORS_CANNOT_WAIT, nil

      -- The module looks once.
      setup(function()
        loop.ITERATORS_CANNOT_WAIT = true
        package.loaded["anthropic.stream"] = nil
        fresh = require "anthropic.stream"
        package.loaded["anthropic.stream"] = stream_module
      end)

      teardown(function()
        loop.ITERATORS_CANNOT_WAIT = original
      end)

      local function fresh_stream(suspends)
        local exchange = scripted_exchange {
          events = script_of { START, block(0), text(0, "Hello"), STOP }, options = { loop = { suspends = suspends } },
        }
        return fresh.new(exchange), exchange
      end

      for _, row in ipairs {
        { "itself", function(opened) for _ in opened do end end }, -- luacheck: ignore 542
        { "text_deltas", function(opened) for _ in opened:text_deltas() do end end }, -- luacheck: ignore 542
        { "tool_inputs", function(opened) for _ in opened:tool_inputs() do end end }, -- luacheck: ignore 542
      } do
        it("tells who iterates over it under a scheduler what to call: " .. row[1], function()
          local opened, exchange = fresh_stream(true)
          local ok, problem = pcall(row[2], opened)
          assert.is_false(ok)
          assert.matches("stock Lua 5.1 cannot wait inside a generic `for` under a scheduler: use stream:next%(%)$",
            problem)
          if row[1] ~= "tool_inputs" or _VERSION ~= "Lua 5.1" then
            assert.matches("^spec/unit/stream/stream_spec.lua:", problem)
          end
          assert.same({}, exchange.transfer.asked)
          assert.equal("Hello", opened:message():text())
        end)

        it("can be iterated over elsewhere: " .. row[1], function()
          assert.is_true((pcall(row[2], (fresh_stream(false)))))
        end)
      end
    end)
  end

  describe("that flows", function()
    -- Up to where deltas flow: then the transfer gives what follows.
    local function flowing(following, fields)
      local opened, exchange = open({ START, block(0), text(0, "Hel") }, fields)
      for _, item in ipairs(following) do
        table.insert(exchange.transfer.events, item)
      end
      for _ = 1, 3 do
        opened:next()
      end
      exchange.transfer.asked = {}
      return opened, exchange
    end

    local FLOWN = { text(0, "lo"), true }
    local END = { assert(json.encode(STOP)), "" }

    it("takes its deltas straight from the transfer", function()
      local opened, exchange = flowing { FLOWN, FLOWN, { assert(json.encode(block_stop(0))), "" }, END }
      assert.is_userdata(exchange.transfer.followed)
      assert.equal(FLOWN[1], opened:next())
      assert.equal(FLOWN[1], (opened()))
      assert.same(block_stop(0), opened:next())
      assert.same({ "next_event", "next_event", "next_event" }, exchange.transfer.asked)
      assert.same(STOP, opened:next())
      assert.equal("event", exchange.transfer.asked[4])
    end)

    it("adds nothing to the message that the run takes in, whoever reads", function()
      for _, read in ipairs {
        function(opened) return opened:next() end, function(opened) return opened() end,
        function(opened) return opened:text_deltas()() end, function(opened) return opened:next_boundary() end,
      } do
        local opened = flowing { FLOWN, FLOWN, END }
        read(opened)
        assert.equal("Hel", opened:snapshot():text()) -- no run of the core's is behind this transfer
      end
    end)

    it("takes its texts straight from the transfer", function()
      local opened, exchange = flowing { { "lo", true }, { "!", true }, END }
      local read = opened:text_deltas()
      assert.equal("lo", read())
      assert.equal("!", read())
      assert.is_nil((read()))
      assert.same({ "next_text", "next_text", "next_text" }, exchange.transfer.asked)
    end)

    it("skips its deltas on the way to the message", function()
      local opened, exchange = flowing { END }
      assert.equal("Hel", opened:message():text())
      assert.same({ "skip_deltas" }, exchange.transfer.asked)
    end)

    it("does not flow where the events go the plain way", function()
      local opened, exchange = open { START, block(0, { type = "server_tool_use" }), block_stop(0), STOP }
      types_of(opened)
      assert.is_nil(exchange.transfer.followed)
      for _, name in ipairs(exchange.transfer.asked) do
        assert.equal("event", name)
      end
    end)

    it("waits in its flow, and flows on", function()
      for _, read in ipairs {
        function(opened) return opened:next().delta.text end,
        function(opened) return opened().delta.text end,
      } do
        local opened, exchange = flowing { { nil, "again" }, { nil, "again" }, FLOWN, FLOWN, END }
        assert.equal("lo", read(opened))
        assert.equal("lo", read(opened))
        assert.equal(2, exchange.waited)
        assert.same({ "next_event", "next_event", "next_event", "next_event" }, exchange.transfer.asked)
      end
      local opened, exchange = flowing { { nil, "again" }, { "lo", true }, { nil, "again" }, { "!", true }, END }
      local read = opened:text_deltas()
      assert.equal("lo", read())
      assert.equal("!", read())
      assert.is_nil((read()))
      assert.equal(2, exchange.waited)
      opened, exchange = flowing { { nil, "again" }, { nil, "again" }, END }
      assert.is_table(opened:message())
      assert.same({ "skip_deltas", "skip_deltas", "skip_deltas" }, exchange.transfer.asked)
    end)

    for name, read in pairs {
      next = function(opened) return opened:next() end,
      message = function(opened) return opened:message() end,
      ["a for"] = function(opened) return nil, select(2, pcall(opened)) end,
      text_deltas = function(opened) return nil, select(2, pcall(opened:text_deltas())) end,
    } do
      it("fails with what its wait failed with: " .. name, function()
        local err = errors.new { kind = "cancelled", message = "no" }
        local opened, exchange = flowing({ { nil, "again" }, END }, { waits = { { nil, err } } })
        assert.same({ nil, err }, { read(opened) })
        assert.equal("Hel", err.partial:text())
        assert.same({ nil, err }, { opened:next() })
        assert.equal(1, #exchange.transfer.asked)
      end)

      it("goes on flowing where a wait was refused: " .. name, function()
        local refusal = cannot_wait()
        local opened, exchange = flowing({ { nil, "again" }, FLOWN, END }, { waits = { { nil, refusal } } })
        assert.same({ nil, refusal }, { read(opened) })
        assert.same({}, exchange.failed)
        assert.equal(FLOWN[1], opened:next())
        assert.same(block_stop(0), opened:next())
        assert.same(STOP, opened:next())
        assert.is_nil((opened:next()))
      end)
    end

    it("goes on with another attempt where its wait failed", function()
      local opened, exchange = open({ START, block(0), text(0, "Hel"), "again" }, {
        options = { on_interrupt = "retry" },
        waits = { { nil, errors.new { kind = "connection", message = "reset" } } },
        recoveries = { { events = script_of { START, block(0), text(0, "Hello"), STOP } } },
      })
      assert.equal("Hello", assert(opened:message()):text())
      assert.equal(2, exchange.attempts)
    end)

    it("can be read by no other while one waits in its flow", function()
      local opened, exchange = flowing { { nil, "again" }, FLOWN, END }
      local result, resume = reading(opened, exchange)
      local ok, problem = pcall(function() return (opened:next()) end)
      assert.is_false(ok)
      assert.matches("the stream is being read by another coroutine$", problem)
      assert.is_true(resume(true))
      assert.equal(FLOWN[1], result.event)
      assert.same(block_stop(0), opened:next())
    end)

    it("gives the delta that ends its flow", function()
      for _, read in ipairs {
        function(opened) return opened:next() end,
        function(opened) return (opened()) end,
      } do
        local other = text(1, "other")
        local opened = flowing { { other }, END }
        assert.same(block(1), read(opened))
        assert.equal(other, read(opened))
        assert.same(block_stop(0), read(opened))
        assert.equal("Hel", opened:message().content[1].text)
        assert.equal("other", opened:message().content[2].text)
      end
      local opened = flowing { { text(1, "other") }, END }
      local read = opened:text_deltas()
      assert.equal("other", read())
      assert.is_nil((read()))
      assert.equal("Helother", flowing({ { text(1, "other") }, END }):message():text())
    end)

    it("asks its transfer for nothing after its end", function()
      local opened, exchange = flowing { END }
      while opened:next() do end -- luacheck: ignore 542
      for _ = 1, 3 do
        assert.is_nil((opened:next()))
      end
      assert.same({ "next_event" }, exchange.transfer.asked)
      assert.equal("Hel", opened:message():text())
      assert.same({ "next_event" }, exchange.transfer.asked)
    end)

    it("is truncated where its transfer ends", function()
      local opened, exchange = flowing {}
      local _, err = opened:next()
      assert.equal("truncated", err.kind)
      assert.equal("Hel", err.partial:text())
      assert.same({ nil, err }, { opened:message() })
      assert.same({ "next_event" }, exchange.transfer.asked)
    end)

    it("is cancelled by close", function()
      local opened, exchange = flowing { FLOWN, END }
      opened:close()
      local _, err = opened:next()
      assert.equal("the stream was closed", err.message)
      assert.same({}, exchange.transfer.asked)
    end)

    it("is cancelled by close while one waits in its flow", function()
      local opened, exchange = flowing { { nil, "again" }, FLOWN, END }
      local result, resume = reading(opened, exchange)
      opened:close()
      assert.equal(1, exchange.closed)
      local err = errors.new { kind = "cancelled", message = "the request was cancelled" }
      resume(nil, err)
      assert.equal(err, result.err)
    end)

    it("counts as seen where it flowed to somebody", function()
      local opened = open({ START, block(0), text(0, "Hel") }, { options = { on_interrupt = "retry" },
        recoveries = { { events = script_of { START, STOP } } } })
      opened:next()
      assert.equal("truncated", select(2, opened:message()).kind)
    end)
  end)

  describe("from a server", function()
    local server

    after_each(function()
      server:stop()
    end)

    it("gives the same message and texts however it is cut", function()
      local pieces = {}
      for i = 1, 40 do
        pieces[i] = "piece " .. i .. ". "
      end
      local payloads = { START, block(0) }
      for _, piece in ipairs(pieces) do
        payloads[#payloads + 1] = text(0, piece)
      end
      for _, event in ipairs { block_stop(0), ENDING, STOP } do
        payloads[#payloads + 1] = event
      end
      local bytes = streams.of(payloads)
      local answer = {
        body = bytes, headers = { ["Content-Type"] = "text/event-stream" }, chunk_bytes = 700, delay_between = 0.001,
      }
      server = hosted.server { script = { answer, answer, answer } }
      local client = require("anthropic").new { base_url = server.url, api_key = "test-key", max_retries = 0 }
      local function start()
        return assert(client.messages.stream { model = "m", messages = {} })
      end
      local expected = table.concat(pieces)
      assert.equal(expected, start():message():text())
      local texts = {}
      for piece in start():text_deltas() do
        texts[#texts + 1] = piece
      end
      assert.same(pieces, texts)
      local opened, count = start(), 0
      for event in opened do
        count = count + 1
        if event.delta and event.delta.text == pieces[20] then
          assert.equal(table.concat(pieces, "", 1, 20), opened:snapshot():text())
        end
      end
      assert.equal(#payloads, count)
      assert.equal(expected, opened:message():text())
      client:close()
    end)
  end)

  it("is forgotten once nobody has it", function()
    local alive = setmetatable({}, { __mode = "k" })
    for _ = 1, IS_LUAJIT and 100 or 3 do
      local opened = hello()
      alive[opened] = true
      for _ in opened:text_deltas() do end -- luacheck: ignore 542
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(alive))
  end)
end)

describe("a block of a stream", function()
  it("is found by its events, with the text of its input", function()
    local opened = open { START, block(0), block(1, { type = "tool_use", id = "t", name = "f", input = {} }),
      input_json(1, '{"a":'), input_json(1, "1}"), block_stop(1), ENDING, STOP }
    for _ = 1, 5 do
      opened:next()
    end
    local found, text_of_input = opened:block_of { index = 1 }
    assert.same({ "f", '{"a":1}' }, { found.name, text_of_input })
    found, text_of_input = opened:block_of { index = 0 }
    assert.same({ "text", nil }, { found.type, text_of_input })
    assert.is_falsy((opened:block_of { index = 2 }))
    assert.is_falsy((opened:block_of { index = 1, choice = 1, raw = {} }))
    opened:message()
    assert.is_falsy((opened:block_of { index = 1 }))
  end)
end)

describe("the body of a stream", function()
  local function fed(pieces)
    local exchange = fed_answer(pieces, { max_event_bytes = 100000 })
    function exchange.recover(_, err)
      return nil, exchange:fail(err)
    end
    return stream_module.new(exchange)
  end

  -- Deltas as the API writes them, which are decoded in C.
  local DELTA = 'data: {"type":"content_block_delta","index":%d,"delta":{"type":"text_delta","text":"%s"}}\n\n'

  local function sse(event)
    if event.delta and event.delta.text then
      return DELTA:format(event.index, event.delta.text)
    end
    return "data: " .. assert(json.encode(event)) .. "\n\n"
  end

  it("is handed on in pieces, and read all the same", function()
    local opened = fed { sse(START), sse(block(0)) .. sse(text(0, "Hi")), sse(STOP) }
    local pieces = {}
    for bytes, meant in opened:raw_events() do
      pieces[#pieces + 1] = bytes
      assert.is_table(meant)
    end
    assert.equal(sse(START) .. sse(block(0)) .. sse(text(0, "Hi")) .. sse(STOP), table.concat(pieces))
    assert.equal("Hi", opened:message():text())
    assert.is_nil((opened:raw_events()()))
  end)

  it("may be read by turns with the events: each comes once, in order, and a piece says what it meant", function()
    local sent = {
      START, block(0), text(0, "a"), text(0, "b"), block_stop(0), block(1), text(1, "c"), text(1, "d"), block_stop(1),
      STOP,
    }
    local texts, expected = {}, {}
    for i, event in ipairs(sent) do
      texts[i], expected[i] = sse(event), assert(json.encode(event))
    end
    local whole = table.concat(texts)
    for _, pieces in ipairs {
      texts, { whole }, { whole:sub(1, 300), whole:sub(301, 500), whole:sub(501) },
      { texts[1] .. texts[2], texts[3] .. texts[4] .. texts[5], table.concat(texts, "", 6) },
    } do
      for turns = 0, 63 do
        local given = {}
        for i, piece in ipairs(pieces) do
          given[i] = piece
        end
        local opened, seen, left = fed(given), {}, turns
        local read = opened:raw_events()
        while true do
          local by_pieces = left % 2 == 1
          left = (left - left % 2) / 2
          local bytes, meant = nil, {}
          if by_pieces then
            bytes, meant = read()
          else
            meant[1] = opened:next()
          end
          if not bytes and not (meant and meant[1]) then
            break
          end
          local told, said = {}, {}
          for k, event in ipairs(meant) do
            told[k] = assert(json.encode(event))
            seen[#seen + 1] = told[k]
          end
          for data in (bytes or ""):gmatch "data: ([^\n]*)\n" do
            said[#said + 1] = json.encode(json.decode(data))
          end
          assert.same(bytes and told or {}, said)
        end
        assert.same(expected, seen)
        assert.equal("abcd", opened:message():text())
      end
    end
  end)

  it("may be read by one coroutine after the other, and not by two", function()
    local opened = fed { sse(START), sse(STOP) }
    local read = opened:raw_events()
    assert.is_string((read()))
    local other = coroutine.wrap(function() return (read()) end)
    assert.is_string(other())
    opened = fed { sse(START), sse(STOP) }
    local wait = opened.exchange.wait
    function opened.exchange.wait(...)
      coroutine.yield()
      return wait(...)
    end
    local held = opened:raw_events()
    local first = coroutine.create(function() return held() end)
    read = opened:raw_events()
    assert.is_true(coroutine.resume(first))
    local ok, message_of_error = pcall(read)
    assert.is_false(ok)
    assert.matches("the stream is being read by another coroutine", message_of_error, 1, true)
  end)

  it("is in pieces as they came again behind what was read in another way", function()
    local opened = fed {
      sse(START) .. sse(block(0)) .. sse(text(0, "a")) .. sse(text(0, "b")), sse(text(0, "c")), sse(text(0, "d")),
      sse(block_stop(0)) .. sse(STOP),
    }
    local read = opened:raw_events()
    for _, event in ipairs { START, block(0), text(0, "a") } do
      assert.same(event, opened:next())
    end
    assert.matches("^event: content_block_delta\n", (read()))
    assert.same(text(0, "c"), opened:next())
    assert.equal(sse(text(0, "d")), (read()))
  end)

  it("is for who reads it alone, also where deltas flowed before", function()
    local opened = fed { sse(START), sse(block(0)), sse(text(0, "a")), sse(text(0, "b")), sse(STOP) }
    for _ = 1, 3 do
      opened:next()
    end
    function opened.exchange.wait()
      coroutine.yield()
    end
    local held = opened:raw_events()
    assert.is_true(coroutine.resume(coroutine.create(function() return held() end)))
    local ok, problem = pcall(opened.next, opened)
    assert.is_false(ok)
    assert.matches("the stream is being read by another coroutine", problem, 1, true)
  end)

  it("raises its error, every time", function()
    local broken = errors.new { kind = "timeout", message = "slow" }
    local read = fed({ sse(START), broken }):raw_events()
    assert.is_string((read()))
    for _ = 1, 2 do
      local ok, err = pcall(read)
      assert.is_false(ok)
      assert.equal(broken, err)
    end
  end)

  it("is not handed on where another answer may follow it", function()
    local opened = hello { options = { on_interrupt = "continue" } }
    local iterator, err = opened:raw_events()
    assert.is_nil(iterator)
    assert.equal("invalid_request", err.kind)
    assert.matches('not with on_interrupt = "continue"', err.message, 1, true)
    assert.is_truthy(hello({ options = { on_interrupt = "retry" } }):raw_events())
    assert.is_truthy(hello():raw_events())
  end)
end)

describe("the object of a stream", function()
  it("is shown at each piece of its text", function()
    local opened = open {
      START, block(0), text(0, '{"a":'), text(0, '1,"b"'), text(0, ":2}"), block_stop(0), ENDING, STOP,
    }
    local shown = {}
    for object, progress in opened:objects() do
      shown[#shown + 1] = json.encode(object)
      assert.is_truthy(progress)
    end
    assert.same({ "{}", '{"a":1}', '{"a":1,"b":2}' }, shown)
    assert.equal('{"a":1,"b":2}', opened:message():text())
  end)

  it("is shown no further where its JSON broke, and the stream is read on", function()
    local opened = open { START, block(0), text(0, '{"a":1}'), text(0, "!"), text(0, "?"), block_stop(0), ENDING, STOP }
    local count = 0
    for _ in opened:objects() do
      count = count + 1
    end
    assert.equal(2, count)
    assert.equal('{"a":1}!?', opened:message():text())
  end)

  it("raises the stream's error", function()
    local opened = open { START, block(0), text(0, "{") }
    local read = opened:objects()
    read()
    local ok, err = pcall(read)
    assert.is_false(ok)
    assert.equal("truncated", err.kind)
  end)
end)

describe("a message that came in a stream", function()
  it("is noted, for pools, once it is whole", function()
    local opened, exchange = hello()
    local noted = {}
    function exchange.note(_, value)
      noted[#noted + 1] = value
    end
    local whole = opened:message()
    opened:message()
    assert.equal(1, #noted)
    assert.equal(whole, noted[1])
  end)
end)
