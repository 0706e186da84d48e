-- The events of one attempt: how payloads become events, which are kept back, and how an attempt ends.

local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"
local sources = require "spec.support.event_sources"

local REPLACEMENT = "\239\191\189"

local chunk, new, pull, taken = sources.chunk, sources.new, sources.pull, sources.taken

local function text_delta(text, index)
  return { type = "content_block_delta", index = index or 0, delta = { type = "text_delta", text = text } }
end

local START = { type = "message_start", message = { type = "message", role = "assistant" } }
local TEXT_BLOCK = { type = "content_block_start", index = 0, content_block = { type = "text", text = "" } }
local PING = { type = "ping" }

describe("a source of events", function()
  it("takes a delta that was decoded before", function()
    local source = new()
    pull(source, START)
    pull(source, TEXT_BLOCK)
    assert.same({ "message_start", "content_block_start" }, taken(source, true))
    local delta = text_delta "a"
    assert.is_true(source:pull(delta, nil))
    assert.equal(delta, source:take())
    assert.is_nil(source:take())
  end)

  it("gives events in their order, each once", function()
    local source = new()
    for _, event in ipairs { START, TEXT_BLOCK, text_delta "a", text_delta "b" } do
      assert.is_true(pull(source, event))
    end
    assert.equal("message_start", source:take().type)
    assert.equal("content_block_start", source:take().type)
    assert.equal("a", source:take().delta.text)
    source:put(text_delta "c")
    assert.equal("b", source:take().delta.text)
    assert.equal("c", source:take().delta.text)
    assert.is_nil(source:take())
    assert.is_nil(source:take(true))
  end)

  it("lets go of events that were taken", function()
    local source = new()
    local alive = setmetatable({}, { __mode = "k" })
    local function pass(event)
      alive[event] = true
      source:put(event)
      source:take()
    end
    pass(text_delta "a")
    pass(text_delta "b")
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(alive))
    assert.is_nil(source:take(true))
  end)

  describe("keeps back", function()
    it("all events up to the first content", function()
      local source = new()
      for _, event in ipairs { START, PING, TEXT_BLOCK } do
        pull(source, event)
        assert.is_nil(source:take())
        assert.is_false(source.released)
      end
      pull(source, text_delta "a")
      assert.is_true(source.released)
      assert.same({ "message_start", "ping", "content_block_start", "content_block_delta" }, taken(source))
      pull(source, PING)
      assert.same({ "ping" }, taken(source))
    end)

    it("64 events and no more", function()
      local source = new()
      for _ = 1, 64 do
        pull(source, PING)
      end
      assert.is_false(source.released)
      assert.is_nil(source:take())
      pull(source, PING)
      assert.is_true(source.released)
      assert.equal(65, #taken(source))
    end)

    it("nothing of those who ask for all", function()
      local source = new()
      pull(source, START)
      pull(source, PING)
      assert.same({ "message_start", "ping" }, taken(source, true))
      assert.is_false(source.released)
    end)

    it("nothing once the end has come", function()
      local source = new()
      source:put { type = "message_start", message = {} }
      source:put { type = "message_stop" }
      assert.is_true(source.complete)
      assert.same({ "message_start", "message_stop" }, taken(source))
    end)

    it("nothing of a stream that has ended without content", function()
      local source = new(nil, true)
      pull(source, PING)
      assert.is_nil(source:take())
      assert.is_true(source:pull(nil, "done"))
      assert.same({ "ping" }, taken(source))
    end)
  end)

  describe("has the message's end", function()
    it("with message_stop", function()
      local source = new()
      pull(source, text_delta "a")
      assert.is_false(source.complete)
      pull(source, { type = "message_stop" })
      assert.is_true(source.complete)
    end)

    it("not with that of another choice", function()
      local source = new()
      source:put { type = "message_stop", choice = 1, raw = {} }
      assert.is_false(source.complete)
      source:put { type = "message_stop", raw = {} }
      assert.is_true(source.complete)
    end)

    it("with [DONE], where the message has a stop reason", function()
      local source, _, so_far = new()
      pull(source, text_delta "a")
      assert.is_true(source:pull("[DONE]", ""))
      assert.is_false(source.complete)
      so_far.fields.stop_reason = "end_turn"
      assert.is_true(source:pull(" [DONE]\t", ""))
      assert.is_true(source.complete)
      assert.same({
        "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_stop",
      }, taken(source))
    end)

    it("not with a string of these letters", function()
      local source = new()
      assert.is_nil((source:pull('"[DONE]"', "")))
      assert.is_false(source.complete)
    end)
  end)

  describe("that ends before its end mark", function()
    it("is truncated", function()
      local source = new()
      pull(source, START)
      local ok, err = source:pull(nil, "done")
      assert.is_nil(ok)
      assert.equal("truncated", err.kind)
      assert.equal("the stream ended before its end", err.message)
      assert.equal(200, err.status)
      assert.is_true(err.is_described)
      assert.is_false(source.complete)
    end)

    it("has ended where only the empty line behind that is missing", function()
      for _, case in ipairs {
        { '{"type":"message_stop"}', "" }, { '{"type":"message_stop"}', "message_stop" }, { "{}", "message_stop" },
        { '{"type":"message_stop"} ', "message_stop" },
      } do
        for _, open_ended in ipairs { true, false } do
          local source = new({ rest = case }, open_ended)
          pull(source, START)
          assert.is_true(source:pull(nil, "done"))
          assert.is_true(source.complete)
          assert.same({ "message_start", "message_stop" }, taken(source))
        end
      end
    end)

    it("is truncated where more than that is missing, or something else stands there", function()
      for _, case in ipairs {
        { '{"type":"message_stop"', "message_stop" }, { "", "message_stop" }, { "{}", "" }, { "[DONE", "" },
        { '{"type":"message_delta","delta":{"stop_reason":"end_turn"}}', "" }, { '"message_stop"', "message_stop" },
        { '{"type":"content_block_stop","index":0}', "message_stop" }, { "null", "message_stop" },
      } do
        for _, open_ended in ipairs { true, false } do
          local source = new({ rest = case }, open_ended)
          pull(source, START)
          local ok, err = source:pull(nil, "done")
          assert.is_nil(ok)
          assert.equal("truncated", err.kind)
          assert.is_false(source.complete)
          assert.same({ "message_start" }, taken(source, true))
        end
      end
    end)

    it("fails with what the transfer failed with, whatever it ended with", function()
      local failure = errors.new { kind = "truncated", message = "cut" }
      local source = new { failure = failure, rest = { '{"type":"message_stop"}', "" } }
      pull(source, START)
      assert.same({ nil, failure }, { source:pull(nil, "done") })
    end)

    it("fails with what the transfer failed with", function()
      local failure = errors.new { kind = "connection", message = "reset" }
      for _, open_ended in ipairs { true, false } do
        local source = new({ failure = failure }, open_ended)
        assert.same({ nil, failure }, { source:pull(nil, "done") })
        assert.is_false(source.complete)
      end
    end)

    it("has ended where it has no end mark", function()
      local source = new({ response = { status = 200, headers = {} } }, true)
      assert.is_true(source:pull(nil, "done"))
      assert.is_true(source.complete)
    end)
  end)

  describe("reads what comes", function()
    local EVENT = { '{"type":"ping"}', "" }
    local LABELLED = { status = 200, headers = { ["content-type"] = "text/event-stream; charset=utf-8" } }
    local UNLABELLED = { status = 200, headers = { ["content-type"] = "application/json" } }

    it("as events, once the body has shown that it holds some", function()
      for _, response in ipairs { LABELLED, UNLABELLED } do
        local source = new {
          response = response, forms = { { nil, "again" }, { nil, "again" }, { "events" }, { "json" } },
          events = { EVENT, EVENT },
        }
        assert.same({ nil, "again" }, { source:read() })
        assert.same({ nil, "again" }, { source:read() })
        assert.same(EVENT, { source:read() })
        assert.same(EVENT, { source:read() })
        assert.same({ nil, "done" }, { source:read() })
      end
    end)

    it("as a document where the body has shown that it holds none, whatever it is called", function()
      for _, response in ipairs { LABELLED, UNLABELLED } do
        for _, form in ipairs { "json", "text" } do
          assert.same({ nil, "document" }, { new({ response = response, forms = { { form } } }):read() })
        end
      end
    end)

    it("as what it is called where the body shows nothing", function()
      assert.same({ nil, "done" }, { new({ response = LABELLED, forms = { { nil, "done" } } }):read() })
      assert.same({ nil, "document" }, { new({ response = UNLABELLED, forms = { { nil, "done" } } }):read() })
    end)
  end)

  describe("makes of a document", function()
    it("the events that would have brought it, and shows what came in their message's `raw`", function()
      local source = new { body = '{"type":"message","role":"assistant","content":"Hello","stop_reason":"end_turn"}' }
      assert.is_true(source:pull(nil, "document"))
      assert.is_true(source.complete)
      assert.is_nil(source.raw)
      local types = taken(source)
      assert.equal("message_start", types[1])
      assert.equal("message_stop", types[#types])
      source = new { body = '{"choices":[{"message":{"content":"Hello"},"finish_reason":"stop"}]}' }
      assert.is_true(source:pull(nil, "document"))
      assert.equal("Hello", source.raw.choices[1].message.content)
      assert.equal("message_start", source:take().type)
    end)

    it("an error where it is not a message", function()
      for _, case in ipairs {
        { "<html>", "the answer is not JSON" }, { '{"type":"other"}', "the answer is not a message" },
        { "", "the answer is empty" },
      } do
        local source = new { body = case[1] }
        local ok, err = source:pull(nil, "document")
        assert.is_nil(ok)
        assert.equal("protocol", err.kind)
        assert.equal(case[2], err.message)
        assert.equal("redacted " .. case[1], err.body)
      end
    end)

    it("the error that it tells of", function()
      for _, open_ended in ipairs { true, false } do
        local source = new({ body = '{"type":"error","error":{"message":"no"}}' }, open_ended)
        local ok, err = source:pull(nil, "document")
        assert.is_nil(ok)
        assert.equal("api", err.kind)
        assert.equal("no", err.message)
      end
    end)

    it("an error where any stream was asked for, be it a message", function()
      local source = new({ body = '{"type":"message","role":"assistant","content":"Hello"}' }, true)
      local ok, err = source:pull(nil, "document")
      assert.is_nil(ok)
      assert.equal("protocol", err.kind)
      assert.equal("the answer is not an event stream", err.message)
    end)

    it("what it breaks off with", function()
      local failure = errors.new { kind = "truncated", message = "cut" }
      assert.same({ nil, failure }, { new({ body = '{"type":', failure = failure }):pull(nil, "document") })
    end)
  end)

  it("waits where more has to come first", function()
    local source, exchange = new()
    assert.is_true(source:pull(nil, "again"))
    assert.equal(1, exchange.waited)
    local err = errors.new { kind = "cancelled", message = "no" }
    source = new { waits = { { nil, err } } }
    assert.same({ nil, err }, { source:pull(nil, "again") })
  end)

  it("names the limit that an event passes", function()
    local source = new { options = { max_event_bytes = 4096 } }
    local ok, err = source:pull(nil, "too_large")
    assert.is_nil(ok)
    assert.equal("protocol", err.kind)
    assert.equal("an event is larger than 4096 bytes", err.message)
    assert.equal(63, err:exit_code())
    assert.is_true(err.is_described)
  end)

  it("says that memory is short", function()
    local ok, err = new():pull(nil, "memory")
    assert.is_nil(ok)
    assert.equal("connection", err.kind)
    assert.equal("not enough memory", err.message)
    assert.equal(27, err:exit_code())
    assert.is_true(err.is_described)
  end)

  describe("of chat completions", function()
    it("translates them", function()
      local source = new()
      assert.is_true(pull(source, chunk { delta = { content = "a" } }))
      assert.same({ "message_start", "content_block_start", "content_block_delta" }, taken(source))
      assert.is_true(pull(source, chunk { delta = {}, finish_reason = "stop" }))
      assert.same({}, taken(source))
      assert.is_true(source:pull("[DONE]", ""))
      assert.is_true(source.complete)
      assert.same({ "content_block_stop", "message_delta", "message_stop" }, taken(source))
    end)

    it("have ended where only the empty line behind [DONE] is missing", function()
      local source = new { rest = { " [DONE] ", "" } }
      assert.is_true(pull(source, chunk { delta = { content = "a" }, finish_reason = "stop" }))
      assert.is_true(source:pull(nil, "done"))
      assert.is_true(source.complete)
    end)

    it("has nothing that was understood in a [DONE] before any choice that says something", function()
      for _, choices in ipairs { json.array {}, { { delta = { role = "assistant" } } } } do
        local source = new()
        assert.is_true(pull(source, { choices = choices }))
        local ok, err = source:pull("[DONE]", "")
        assert.is_nil(ok)
        assert.equal("protocol", err.kind)
        assert.equal("nothing in the stream was understood", err.message)
        assert.equal("redacted " .. json.encode { choices = choices }, err.body)
        assert.is_false(source.complete)
      end
    end)

    it("has been cut off where a choice had begun, and shows what it has where none had", function()
      for kind, choices in pairs { truncated = { { delta = { role = "assistant" } } }, protocol = json.array {} } do
        local source = new()
        assert.is_true(pull(source, { choices = choices }))
        local ok, err = source:pull(nil, "done")
        assert.is_nil(ok)
        assert.equal(kind, err.kind)
        assert.equal(kind == "protocol" and "redacted " .. json.encode { choices = choices } or nil, err.body)
      end
    end)

    it("passes native events on as they are", function()
      local source = new()
      pull(source, chunk { delta = { content = "a" } })
      taken(source)
      pull(source, PING)
      local event = source:take()
      assert.same(PING, event)
    end)

    it("takes objects without choices for chunks once there was one", function()
      local source = new()
      pull(source, chunk { delta = { content = "a" } })
      taken(source)
      assert.is_true(pull(source, { usage = { prompt_tokens = 3 } }, "a name"))
      assert.same({}, taken(source))
      source:pull("[DONE]", "")
      local stop = source:take()
      while stop.type ~= "message_delta" do
        stop = source:take()
      end
      assert.equal(3, stop.usage.input_tokens)
    end)

    it("does not take a native event for one that has a field `choices`", function()
      local source = new()
      pull(source, { type = "later", choices = { {} } })
      assert.is_nil(source.translator)
      assert.same({ "later" }, taken(source))
    end)

    it("joins characters cut in two, and shows them as they came in `raw`", function()
      local source = new()
      local first = '{"choices":[{"index":0,"delta":{"content":"a\\ud83d"}}]}'
      local second = '{"choices":[{"index":0,"delta":{"content":"\\ude00b"}}]}'
      assert.is_true(source:pull(first, ""))
      assert.is_true(source:pull(second, ""))
      local texts, raw = {}, {}
      local event = source:take()
      while event do
        if event.delta then
          texts[#texts + 1] = event.delta.text
          raw[#raw + 1] = event.raw.choices[1].delta.content
        end
        event = source:take()
      end
      assert.same({ "a", "\240\159\152\128b" }, texts)
      assert.same({ "a" .. REPLACEMENT, REPLACEMENT .. "b" }, raw)
    end)
  end)

  it("joins characters cut in two", function()
    local source = new()
    local function payload(text)
      return ('{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%s"}}'):format(text)
    end
    pull(source, START)
    pull(source, TEXT_BLOCK)
    taken(source, true)
    source:pull(payload "a\\ud83d", "")
    source:pull(payload "\\ude00b", "")
    source:pull(payload "c\\ud83d", "")
    source:put { type = "content_block_stop", index = 0 }
    assert.equal("a", source:take().delta.text)
    assert.equal("\240\159\152\128b", source:take().delta.text)
    assert.equal("c", source:take().delta.text)
    assert.equal(REPLACEMENT, source:take().delta.text)
    assert.same({ "content_block_stop" }, taken(source))
  end)

  describe("that goes on with an earlier attempt", function()
    local function continuing(is_joined)
      local source = new()
      source:continue {
        join = function(_, event)
          if event.type == "message_start" then
            return {}
          end
          return { { type = "first " .. event.type }, { type = "second " .. event.type } }
        end,
        is_joined = function()
          return is_joined
        end,
      }
      return source
    end

    it("gives what its events are joined to, and keeps nothing back", function()
      local source = continuing(true)
      assert.is_true(source.released)
      source:put { type = "message_start" }
      assert.is_nil(source:take(true))
      source:put { type = "ping" }
      assert.same({ "first ping", "second ping" }, taken(source))
    end)

    it("lets deltas flow once its events are passed on as they come", function()
      assert.is_true(continuing(true):lets_flow())
      assert.is_false(continuing(false):lets_flow())
    end)
  end)

  describe("lets deltas flow", function()
    local function flowing()
      local source = new()
      source:put(text_delta "a")
      source:take()
      return source
    end

    it("after the first content", function()
      local source = new()
      assert.is_false(source:lets_flow())
      source:put(TEXT_BLOCK)
      source:take(true)
      assert.is_false(source:lets_flow())
      source:put(text_delta "a")
      assert.is_false(source:lets_flow(), "an event is still there")
      source:take()
      assert.is_true(source:lets_flow())
    end)

    it("not after the end", function()
      local source = flowing()
      source:put { type = "message_stop" }
      source:take()
      assert.is_false(source:lets_flow())
    end)

    it("not while the time of the first text is awaited", function()
      local source = new()
      source:put { type = "content_block_start", index = 0, content_block = { type = "tool_use" } }
      source:put(TEXT_BLOCK)
      taken(source)
      assert.is_true(source.released)
      assert.is_false(source:lets_flow())
      source:put(text_delta "a")
      source:take()
      assert.is_true(source:lets_flow())
    end)

    it("not once a character was cut in two", function()
      local source = flowing()
      source:pull('{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\\ud83d"}}', "")
      taken(source)
      assert.is_false(source:lets_flow())
    end)

    it("not where chat completions are translated", function()
      local source = new()
      pull(source, chunk { delta = { content = "a" } })
      taken(source)
      assert.is_false(source:lets_flow())
    end)
  end)

  it("notes the time of the first text", function()
    local source, exchange = new()
    source:put(text_delta "a")
    local timings = {}
    source.clock:add_to(timings, exchange.attempt_began, nil)
    assert.is_true(timings.first_text >= 0)
  end)
end)
