-- What comes after a failure of a stream: another attempt, the rest of the answer, or the end.

local attempts = require "anthropic.stream.attempts"
local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"
local reading = require "anthropic.stream.reading"
local scripted_exchange = require "spec.support.scripted_exchange"
local stream_module = require "anthropic.stream"

local START = { type = "message_start", message = { role = "assistant", usage = { input_tokens = 3 } } }
local STOP = { type = "message_stop" }

local function block(index)
  return { type = "content_block_start", index = index, content_block = { type = "text", text = "" } }
end

local function text(index, piece)
  return { type = "content_block_delta", index = index, delta = { type = "text_delta", text = piece } }
end

local function ending(tokens)
  return { type = "message_delta", delta = { stop_reason = "end_turn" }, usage = { output_tokens = tokens } }
end

local function script_of(events)
  local list = {}
  for i, event in ipairs(events) do
    list[i] = { assert(json.encode(event)), "" }
  end
  return list
end

-- A stream of which so many events have been given, or were taken in unseen.
local function open(events, fields)
  fields.events = script_of(events)
  local exchange = scripted_exchange(fields)
  local opened = stream_module.new(exchange)
  return opened, exchange
end

local function read(opened, count)
  for _ = 1, count do
    assert(opened:next())
  end
end

local function failure(kind)
  return errors.new { kind = kind or "connection", message = "reset" }
end

local CUT = { START, block(0), text(0, "Hel") }
local WHOLE = { START, block(0), text(0, "Hello"), { type = "content_block_stop", index = 0 }, ending(7), STOP }

describe("a stream that fails", function()
  it("has the error for good, with what had arrived", function()
    local opened, exchange = open(CUT, {})
    read(opened, 3)
    local err = failure()
    assert.same({ nil, err }, { attempts.fail(opened, err) })
    assert.equal(err, opened.err)
    assert.same({ err }, exchange.failed)
    assert.equal(1, err.attempts)
    assert.equal("Hel", err.partial:text())
    assert.equal(opened.response, err.partial.response)
    assert.same({ err.partial }, exchange.counted)
    assert.is_nil(opened.flow)
  end)

  it("counts what was kept back as arrived", function()
    local opened, exchange = open({ START, block(0) }, {})
    for _ = 1, 2 do
      opened.source:pull(exchange.transfer:event())
    end
    assert.is_nil(opened.source:take())
    local err = failure()
    attempts.fail(opened, err)
    assert.equal("assistant", err.partial.role)
    assert.equal(1, #err.partial.content)
    assert.equal(3, exchange.counted[1].usage.input_tokens)
  end)

  it("has nothing where nothing had arrived", function()
    local opened, exchange = open({}, {})
    local err = failure()
    attempts.fail(opened, err)
    assert.is_nil(err.partial)
    assert.same({}, exchange.counted)
    opened = open({ { type = "ping" } }, {})
    err = select(2, opened:next())
    assert.equal("truncated", err.kind)
    assert.is_nil(err.partial)
  end)

  it("counts no message that came whole, which is counted already", function()
    local exchange = scripted_exchange {}
    local whole = require("anthropic.message.message").new {
      role = "assistant", content = { { type = "text", text = "Hello" } }, usage = {},
    }
    local opened = stream_module.of_message(exchange, whole)
    read(opened, 2)
    local err = failure()
    attempts.fail(opened, err)
    assert.equal(whole, err.partial)
    assert.same({}, exchange.counted)
  end)
end)

describe("after a failure", function()
  describe("before the first content", function()
    for _, on_interrupt in ipairs { false, "retry", "continue" } do
      it("the request is sent again, with on_interrupt = " .. tostring(on_interrupt), function()
        local opened, exchange = open({ START, block(0) }, {
          options = { on_interrupt = on_interrupt or nil },
          recoveries = { { events = script_of(WHOLE) } },
        })
        opened.ask_for_rest = function()
          error "asked for the rest"
        end
        local types = {}
        for event in opened do
          types[#types + 1] = event.type
        end
        assert.same({
          "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
          "message_stop",
        }, types)
        assert.equal("truncated", exchange.recovered[1].kind)
        assert.same({}, exchange.bodies)
        assert.equal("Hello", opened:message():text())
        assert.equal("req_2", opened.response.request_id)
        assert.is_nil(opened.response.continuations)
        assert.equal(1, #exchange.counted) -- of what was not seen, nothing
        assert.equal(7, exchange.counted[1].usage.output_tokens)
      end)
    end

    it("it is final where there is no other attempt", function()
      local opened, exchange = open({ START }, {})
      local _, err = opened:next()
      assert.equal("truncated", err.kind)
      assert.equal("assistant", err.partial.role)
      assert.same({ err }, exchange.recovered)
      assert.same({ err }, exchange.failed)
    end)

    it("that of the last attempt is final", function()
      local refused = failure "api"
      local opened, exchange = open({ START }, { recoveries = { { err = refused } } })
      local _, err = opened:next()
      assert.equal(refused, err)
      assert.equal("assistant", err.partial.role)
      assert.equal("truncated", exchange.recovered[1].kind)
      assert.equal(refused, opened.err)
    end)

    it("another attempt may fail as well", function()
      local opened, exchange = open({ START }, {
        recoveries = { { events = script_of { START } }, { events = script_of(WHOLE) } },
      })
      assert.equal("Hello", opened:message():text())
      assert.equal(2, #exchange.recovered)
      assert.equal("req_3", opened.response.request_id)
    end)
  end)

  describe("once there was content", function()
    it("it is final", function()
      local opened, exchange = open(CUT, { recoveries = { { events = script_of(WHOLE) } } })
      local _, err = opened:message()
      assert.equal("truncated", err.kind)
      assert.equal("Hel", err.partial:text())
      assert.same({}, exchange.recovered)
      assert.equal(1, #exchange.counted)
    end)

    it("it is final also where nobody can be told of the rest", function()
      local opened, exchange = open(CUT, { options = { on_interrupt = "continue" }, recoveries = { {} } })
      local _, err = opened:message()
      assert.equal("truncated", err.kind)
      assert.same({}, exchange.recovered)
    end)
  end)

  it("of a stream that was closed, it is final", function()
    for _, on_interrupt in ipairs { "retry", "continue" } do
      local opened, exchange = open({}, { options = { on_interrupt = on_interrupt }, recoveries = { {} } })
      opened.closed = true
      local err = failure()
      assert.same({ nil, err }, { attempts.recover(opened, err) })
      assert.same({}, exchange.recovered)
    end
  end)

  describe('with on_interrupt = "retry"', function()
    local function cut(fields)
      fields.options = { on_interrupt = "retry" }
      return open(CUT, fields)
    end

    it("the request is sent again while nobody has seen anything, and its tokens are counted", function()
      local opened, exchange = cut { recoveries = { { events = script_of(WHOLE) } } }
      assert.equal("Hello", opened:message():text())
      assert.equal(2, #exchange.counted)
      assert.equal(3, exchange.counted[1].usage.input_tokens)
      assert.is_nil(exchange.counted[1].stop_reason)
      assert.equal("end_turn", exchange.counted[2].stop_reason)
    end)

    it("it is final once an event was seen", function()
      local opened, exchange = cut { recoveries = { { events = script_of(WHOLE) } } }
      read(opened, 1)
      local _, err = opened:message()
      assert.equal("truncated", err.kind)
      assert.same({}, exchange.recovered)
    end)

    it("it is final where there is no other attempt", function()
      local opened = cut {}
      local _, err = opened:message()
      assert.equal("truncated", err.kind)
      assert.equal("Hel", err.partial:text())
    end)
  end)

  describe('with on_interrupt = "continue"', function()
    local function cut(fields, events)
      fields.options = { on_interrupt = "continue" }
      local opened, exchange = open(events or CUT, fields)
      opened.ask_for_rest = function(content)
        opened.asked_with = content
        return "the rest of " .. content[#content].text
      end
      return opened, exchange
    end

    local REST = {
      { type = "message_start", message = { role = "assistant", id = "msg_2", usage = { input_tokens = 5 } } },
      block(0), text(0, "lo"), { type = "content_block_stop", index = 0 }, ending(9), STOP,
    }

    it("the rest is asked for, and joins what came", function()
      local opened, exchange = cut { recoveries = { { events = script_of(REST) } } }
      read(opened, 3)
      assert.same({}, exchange.recovered)
      local types = {}
      for event in opened do
        types[#types + 1] = event.type .. " " .. (event.delta and event.delta.text or "")
      end
      assert.same({ "content_block_delta lo", "content_block_stop ", "message_delta ", "message_stop " }, types)
      local whole = opened:message()
      assert.equal("Hello", whole:text())
      assert.equal(1, #whole.content)
      assert.same({ "the rest of Hel" }, exchange.bodies)
      assert.equal("req_2", whole.response.request_id)
      assert.same({ input_tokens = 5, output_tokens = 9 }, whole.usage)
    end)

    it("the response tells of what broke off", function()
      local opened, exchange = cut { recoveries = { { events = script_of(REST) } } }
      local whole = opened:message()
      local broke_off = whole.response.continuations
      assert.equal(1, #broke_off)
      assert.equal(exchange.recovered[1], broke_off[1].error)
      assert.equal("truncated", broke_off[1].error.kind)
      assert.same({ input_tokens = 3 }, broke_off[1].usage)
      assert.equal("req_1", broke_off[1].request_id)
    end)

    it("the tokens of both are counted", function()
      local opened, exchange = cut { recoveries = { { events = script_of(REST) } } }
      local counted = {}
      function exchange.count(_, fields)
        counted[#counted + 1] = fields.usage
      end
      opened:message()
      assert.same({ { input_tokens = 3 }, { input_tokens = 5, output_tokens = 9 } }, counted)
    end)

    it("the rest may break off as well", function()
      local opened, exchange = cut {
        recoveries = {
          { events = script_of { REST[1], block(0), text(0, "l") } },
          { events = script_of { REST[1], block(0), text(0, "o"), ending(9), STOP } },
        },
      }
      local whole = opened:message()
      assert.equal("Hello", whole:text())
      assert.equal(2, #whole.response.continuations)
      assert.same({ "the rest of Hel", "the rest of Hell" }, exchange.bodies)
      assert.equal("req_3", whole.response.request_id)
      assert.equal("req_2", whole.response.continuations[2].request_id)
    end)

    it("the rest is asked for also where it has brought nothing yet", function()
      local opened, exchange = cut {
        recoveries = { { events = {} }, { events = script_of(REST) } },
      }
      assert.equal("Hello", opened:message():text())
      assert.same({ "the rest of Hel", "the rest of Hel" }, exchange.bodies)
    end)

    it("the rest has its own time of the first text", function()
      local opened = cut { recoveries = { { events = script_of(REST) } } }
      local whole = opened:message()
      assert.is_true(whole.response.timings.first_text >= 0)
    end)

    it("there is no rest after a stop reason", function()
      local opened, exchange = cut({ recoveries = { {} } }, { START, block(0), text(0, "Hello"), ending(7) })
      local whole = opened:message()
      assert.equal("Hello", whole:text())
      assert.equal("end_turn", whole.stop_reason)
      assert.same({}, exchange.recovered)
      assert.is_nil(whole.response.continuations)
    end)

    it("it is final where the rest cannot be asked for", function()
      local opened, exchange = cut { recoveries = { {} } }
      opened.ask_for_rest = function() end
      local _, err = opened:message()
      assert.equal("truncated", err.kind)
      assert.equal("Hel", err.partial:text())
      assert.same({}, exchange.recovered)
      assert.same({}, exchange.bodies)
      assert.is_nil(opened.continuations)
    end)

    it("it is final where there are several choices", function()
      local opened, exchange = cut { recoveries = { {} } }
      read(opened, 3)
      reading.accumulate(opened, { type = "message_start", choice = 1, raw = {}, message = {} })
      local _, err = opened:message()
      assert.equal("truncated", err.kind)
      assert.is_nil(opened.asked_with)
      assert.same({}, exchange.recovered)
    end)

    it("the first error is final where the server does not go on", function()
      local refused = failure "api"
      local opened, exchange = cut { recoveries = { { err = refused } } }
      local _, err = opened:message()
      assert.equal("truncated", err.kind)
      assert.equal(refused.attempts, err.attempts)
      assert.equal(refused.history, err.history)
      assert.is_table(err.history)
      assert.equal("Hel", err.partial:text())
      assert.is_nil(refused.partial)
      assert.same({ nil, err }, { opened:next() })
      assert.is_nil(opened.continuations)
      assert.equal(1, #exchange.counted)
    end)

    it("that of who cancels it is final", function()
      local cancelled = failure "cancelled"
      local opened = cut { recoveries = { { err = cancelled } } }
      local _, err = opened:message()
      assert.equal(cancelled, err)
      assert.equal("Hel", err.partial:text())
    end)

    it("it is final where there is no other attempt", function()
      local opened, exchange = cut {}
      local _, err = opened:message()
      assert.equal("truncated", err.kind)
      assert.equal(1, err.attempts)
      assert.same({ err }, exchange.recovered)
    end)
  end)
end)

describe("another attempt", function()
  it("forgets what the one before brought", function()
    local opened, exchange = open(CUT, {})
    read(opened, 3)
    opened.flow = "flow"
    exchange.response = { status = 200, headers = {} }
    attempts.begin(opened)
    assert.equal(exchange.response, opened.response)
    assert.same({}, opened:snapshot().content)
    assert.is_nil(opened.flow)
    assert.is_nil(opened.source:take(true))
    assert.is_false(opened.source.released)
  end)

  it("ends with [DONE], where the message has a stop reason", function()
    local opened, exchange = open({ START, block(0), text(0, "Hello"), ending(7) }, {})
    table.insert(exchange.transfer.events, { "[DONE]", "" })
    assert.equal("Hello", opened:message():text())
  end)

  it("has no end mark where the stream has none", function()
    local exchange = scripted_exchange { recoveries = { { events = {} } }, failure = failure() }
    local opened = stream_module.new(exchange, true)
    assert.is_nil(select(2, opened:next()))
    assert.equal(2, exchange.attempts)
    assert.equal("anthropic.Stream (ended)", tostring(opened))
  end)
end)
