-- What becomes of an answer that breaks off after its first content: an error, or with `on_interrupt`
-- another attempt or the rest of it.

local anthropic = require "anthropic"
local testing = require "anthropic.testing"

local function params(fields)
  local whole = { model = "m", max_tokens = 99, messages = { { role = "user", content = "Hello" } } }
  for name, value in pairs(fields or {}) do
    whole[name] = value
  end
  return whole
end

local function event(data, delay)
  return { event = data.type, data = data, delay = delay }
end

local function start(id)
  return event { type = "message_start", message = {
    id = id, type = "message", role = "assistant", model = "m", content = testing.array {},
    usage = { input_tokens = 7, output_tokens = 1 },
  } }
end

local function block(index, content_block)
  return event { type = "content_block_start", index = index, content_block = content_block }
end

local function text(index, piece)
  return event { type = "content_block_delta", index = index, delta = { type = "text_delta", text = piece } }
end

local function stop(index)
  return event { type = "content_block_stop", index = index }
end

local function ending(output_tokens)
  return event { type = "message_delta", delta = { stop_reason = "end_turn" },
    usage = { output_tokens = output_tokens } }, event { type = "message_stop" }
end

local TEXT_BLOCK = { type = "text", text = "" }

-- Ends before its end mark.
local function broken(...)
  return { events = { start "msg_1", ... } }
end

local function rest(...)
  local events = { start "msg_2", block(0, TEXT_BLOCK) }
  for _, piece in ipairs { ... } do
    events[#events + 1] = text(0, piece)
  end
  events[#events + 1] = stop(0)
  events[#events + 1], events[#events + 2] = ending(5)
  return { events = events }
end

describe("on_interrupt", function()
  local server

  after_each(function()
    if server then
      server:stop()
      server = nil
    end
  end)

  local function client_of(options, ...)
    server = testing.server { script = { ... }, on_end = "error" }
    options.base_url, options.api_key = server.url, "a key of a test"
    return anthropic.new(options)
  end

  for _, how in ipairs { "retry", "continue" } do
    it("has one record with the tokens of all answers that came: " .. how, function()
      local cut = broken(block(0, TEXT_BLOCK), text(0, "Hel"))
      for _, last in ipairs { rest(how == "retry" and "Hello" or "lo"), cut, { status = 400 } } do
        local record
        local client = client_of({ on_interrupt = how, max_retries = 1, on_log = function(each)
          record = each.event == "done" and each or record
        end }, cut, last)
        assert(client.messages.stream(params())):message()
        local total = client.usage:total()
        assert.equal(total.input_tokens, record.usage.input_tokens)
        assert.equal(total.output_tokens, record.usage.output_tokens)
        server:stop()
      end
    end)
  end

  it("is checked", function()
    assert.has_error(function()
      anthropic.new { on_interrupt = "go on" }
    end, 'option "on_interrupt": one of "retry", "continue" expected, got "go on"')
  end)

  it("is an error by default", function()
    local client = client_of({}, broken(block(0, TEXT_BLOCK), text(0, "Hel")), rest "Hello")
    local message, err = assert(client.messages.stream(params())):message()
    assert.is_nil(message)
    assert.equal("truncated", err.kind)
    assert.equal("Hel", err.partial:text())
    assert.equal(1, #server:requests())
  end)

  describe("retry", function()
    it("asks again for a message of which nobody has seen a part", function()
      local client = client_of({ on_interrupt = "retry" }, broken(block(0, TEXT_BLOCK), text(0, "Hel")), rest "Hello")
      local message = assert(assert(client.messages.stream(params())):message())
      assert.equal("Hello", message:text())
      assert.equal("msg_2", message.id)
      assert.equal(2, message.response.attempts)
      local requests = server:requests()
      assert.equal(2, #requests)
      assert.equal(requests[1].body, requests[2].body)
    end)

    it("does so for a message that is streamed underneath", function()
      local client = client_of({ on_interrupt = "retry" }, broken(block(0, TEXT_BLOCK), text(0, "Hel")), rest "Hello")
      assert.equal("Hello", assert(client.messages.create(params { max_tokens = 64000 })):text())
    end)

    it("does so after an error event of a kind that is retried, and after no other", function()
      local function failing(name)
        return broken(block(0, TEXT_BLOCK), text(0, "Hel"),
          event { type = "error", error = { type = name, message = "no" } })
      end
      local client = client_of({ on_interrupt = "retry" }, failing "overloaded_error", rest "Hello",
        failing "invalid_request_error")
      assert.equal("Hello", assert(assert(client.messages.stream(params())):message()):text())
      local _, err = assert(client.messages.stream(params())):message()
      assert.equal("invalid_request_error", err.type)
      assert.equal(3, #server:requests())
    end)

    it("does so as often as max_retries says", function()
      local cut = broken(block(0, TEXT_BLOCK), text(0, "Hel"))
      local client = client_of({ on_interrupt = "retry", max_retries = 1 }, cut, cut, rest "Hello")
      local _, err = assert(client.messages.stream(params())):message()
      assert.equal("truncated", err.kind)
      assert.equal(2, err.attempts)
      assert.equal(2, #err.history)
    end)

    it("counts the tokens of every attempt", function()
      local client = client_of({ on_interrupt = "retry" }, broken(block(0, TEXT_BLOCK), text(0, "Hel")), rest "Hello")
      assert(assert(client.messages.stream(params())):message())
      assert.equal(14, client.usage.by_model.m.input_tokens)
    end)

    it("counts each attempt once where the last one fails", function()
      local cut = broken(block(0, TEXT_BLOCK), text(0, "Hel"))
      for _, last in ipairs { { status = 400 }, cut } do
        local client = client_of({ on_interrupt = "retry", max_retries = 1 }, cut, last)
        assert.is_nil((assert(client.messages.stream(params())):message()))
        local times = last == cut and 2 or 1
        assert.same({ 7 * times, times }, { client.usage:total().input_tokens, client.usage:total().requests })
        server:stop()
      end
    end)

    it("is an error once an event was handed over", function()
      local client = client_of({ on_interrupt = "retry" }, broken(block(0, TEXT_BLOCK), text(0, "Hel")), rest "Hello")
      local stream = assert(client.messages.stream(params()))
      assert(stream:next())
      local _, err = stream:message()
      assert.equal("truncated", err.kind)
      assert.equal(1, #server:requests())
    end)
  end)

  describe("continue", function()
    local function read(stream)
      local events, pieces = {}, {}
      local one, err = stream:next()
      while one do
        events[#events + 1] = one.type .. (one.index or "")
        if one.type == "content_block_delta" then
          pieces[#pieces + 1] = one.delta.text
        end
        one, err = stream:next()
      end
      return table.concat(events, " "), table.concat(pieces), err
    end

    it("asks for the rest, and goes on in the same block", function()
      local client = client_of({ on_interrupt = "continue" },
        broken(block(0, TEXT_BLOCK), text(0, "Hel")), rest("lo", " world"))
      local stream = assert(client.messages.stream(params()))
      local events, whole, err = read(stream)
      assert.is_nil(err)
      assert.equal("Hello world", whole)
      assert.equal("message_start content_block_start0 content_block_delta0 content_block_delta0 content_block_delta0"
        .. " content_block_stop0 message_delta message_stop", events)
      local message = assert(stream:message())
      assert.equal("Hello world", message:text())
      assert.equal(1, #message.content)
      assert.equal("msg_1", message.id)
      assert.equal("end_turn", message.stop_reason)
      assert.equal(5, message.usage.output_tokens)
      assert.equal(2, message.response.attempts)
      assert.equal(1, #message.response.continuations)
      assert.equal("truncated", message.response.continuations[1].error.kind)
      assert.equal(1, message.response.continuations[1].usage.output_tokens)
      local messages = server:requests()[2].json.messages
      assert.equal(2, #messages)
      assert.same({ role = "assistant", content = { { type = "text", text = "Hel" } } }, messages[2])
    end)

    it("joins a rest that comes whole, in both shapes", function()
      local native = { id = "msg_2", type = "message", role = "assistant", model = "m", stop_reason = "end_turn",
        content = { { type = "text", text = "lo" } }, usage = { input_tokens = 7, output_tokens = 5 } }
      local foreign = { id = "c", object = "chat.completion", model = "m",
        choices = { { index = 0, message = { role = "assistant", content = "lo" }, finish_reason = "stop" } },
        usage = { prompt_tokens = 7, completion_tokens = 5 } }
      for _, body in ipairs { native, foreign } do
        local client = client_of({ on_interrupt = "continue" },
          broken(block(0, TEXT_BLOCK), text(0, "Hel")), { body = body })
        local message = assert(client.messages.create(params { max_tokens = 64000 }))
        assert.equal("Hello", message:text())
        assert.same({ "msg_1", "end_turn", 5 }, { message.id, message.stop_reason, message.usage.output_tokens })
        assert.equal(1, #message.response.continuations)
        assert.same({ 14, 6, 2 }, { client.usage:total().input_tokens, client.usage:total().output_tokens,
          client.usage:total().requests })
        assert.equal(body == foreign, message.raw ~= nil)
        server:stop()
      end
    end)

    it("counts each answer once, and none that has not begun", function()
      local silent = { events = { ": nothing\n\n" } }
      local client = client_of({ on_interrupt = "continue", max_retries = 2 },
        broken(block(0, TEXT_BLOCK), text(0, "Hel")), silent, rest "lo")
      local message = assert(assert(client.messages.stream(params())):message())
      assert.equal("Hello", message:text())
      assert.same({ 14, 2 }, { client.usage:total().input_tokens, client.usage:total().requests })
      assert.equal(7, message.response.continuations[1].usage.input_tokens)
      assert.is_nil(message.response.continuations[2].usage)
      client = client_of({ on_interrupt = "continue", max_retries = 1 },
        broken(block(0, TEXT_BLOCK), text(0, "Hel")), silent)
      local _, err = assert(client.messages.stream(params())):message()
      assert.equal("Hel", err.partial:text())
      assert.same({ 7, 1 }, { client.usage:total().input_tokens, client.usage:total().requests })
    end)

    it("does so for message() and for text_deltas(), and in callbacks", function()
      local cut = broken(block(0, TEXT_BLOCK), text(0, "Hel"))
      local client = client_of({ on_interrupt = "continue" }, cut, rest "lo", cut, rest "lo")
      assert.equal("Hello", assert(assert(client.messages.stream(params())):message()):text())
      local pieces, text_of_message = {}, nil
      client.messages.stream(params(), {
        loop = "blocking",
        on_text = function(piece) pieces[#pieces + 1] = piece end,
        on_done = function(message) text_of_message = message:text() end,
      })
      assert.equal("Hello", table.concat(pieces))
      assert.equal("Hello", text_of_message)
    end)

    it("goes on from the messages that were asked with, whatever was added to them since", function()
      local client = client_of({ on_interrupt = "continue" }, broken(block(0, TEXT_BLOCK), text(0, "Hel")), rest "lo")
      local asked = params { stream = true }
      local stream = assert(client.messages.create(asked))
      for piece in stream:text_deltas() do
        asked.messages[2] = { role = "assistant", content = "as shown: " .. piece }
      end
      assert.equal("Hello", stream:message():text())
      local messages = server:requests()[2].json.messages
      assert.same({ 2, "Hel" }, { #messages, messages[2].content[1].text })
    end)

    it("goes on more than once", function()
      local client = client_of({ on_interrupt = "continue" },
        broken(block(0, TEXT_BLOCK), text(0, "one ")),
        { events = { start "msg_2", block(0, TEXT_BLOCK), text(0, "two "), text(0, "three") } },
        rest " four")
      local message = assert(assert(client.messages.stream(params())):message())
      assert.equal("one two three four", message:text())
      assert.equal(2, #message.response.continuations)
      assert.equal("one two three", server:requests()[3].json.messages[2].content[1].text)
    end)

    it("sends no white space at the end, and does not repeat it", function()
      for _, pieces in ipairs { { " two" }, { " ", "two" }, { "two" }, { " \n", "two" }, { "", " ", "two" } } do
        local client = client_of({ on_interrupt = "continue" },
          broken(block(0, TEXT_BLOCK), text(0, "one \n")), rest((unpack or table.unpack)(pieces)))
        local message = assert(assert(client.messages.stream(params())):message())
        assert.equal("one", server:requests()[2].json.messages[2].content[1].text)
        assert.matches("^one \n ?two$", message:text())
        server:stop()
      end
    end)

    it("asks the same again when only white space had come", function()
      local client = client_of({ on_interrupt = "continue" }, broken(block(0, TEXT_BLOCK), text(0, "\n")), rest "\nHi")
      assert.equal("\nHi", assert(assert(client.messages.stream(params())):message()):text())
      local requests = server:requests()
      assert.equal(requests[1].body, requests[2].body)
    end)

    it("opens a new block after one that had been closed", function()
      local client = client_of({ on_interrupt = "continue" },
        broken(block(0, TEXT_BLOCK), text(0, "one"), stop(0)), rest " two")
      local stream = assert(client.messages.stream(params()))
      local events = read(stream)
      assert.equal("message_start content_block_start0 content_block_delta0 content_block_stop0"
        .. " content_block_start1 content_block_delta1 content_block_stop1 message_delta message_stop", events)
      assert.equal("one two", stream:message():text())
    end)

    it("goes on with a tool call", function()
      local client = client_of({ on_interrupt = "continue" },
        broken(block(0, TEXT_BLOCK), text(0, "I look")),
        { events = { start "msg_2", block(0, { type = "tool_use", id = "t", name = "look", input = {} }), event {
          type = "content_block_delta", index = 0, delta = { type = "input_json_delta", partial_json = '{"a":1}' },
        }, stop(0), ending(5) } })
      local message = assert(assert(client.messages.stream(params())):message())
      assert.equal("I look", message:text())
      assert.equal(1, message:tool_uses()[1].input.a)
    end)

    it("needs no rest when only the end mark was missing", function()
      local delta = ending(5)
      local client = client_of({ on_interrupt = "continue" },
        broken(block(0, TEXT_BLOCK), text(0, "Hello"), stop(0), delta))
      local stream = assert(client.messages.stream(params()))
      local events = read(stream)
      assert.matches("message_delta message_stop$", events)
      assert.equal("Hello", stream:message():text())
      assert.equal(1, #server:requests())
    end)

    it("gives the first error, with what came, where the server does not go on", function()
      local client = client_of({ on_interrupt = "continue" },
        broken(block(0, TEXT_BLOCK), text(0, "Hel")),
        testing.error { status = 400, type = "invalid_request_error", message = "no prefill" })
      local _, err = assert(client.messages.stream(params())):message()
      assert.equal("truncated", err.kind)
      assert.equal("Hel", err.partial:text())
      assert.equal(2, err.attempts)
      assert.equal(400, err.history[2].status)
    end)

    for what, case in pairs {
      ["after thinking"] = { broken(
        block(0, { type = "thinking", thinking = "", signature = "" }),
        event { type = "content_block_delta", index = 0, delta = { type = "thinking_delta", thinking = "Hm" } }) },
      ["in a tool's input"] = { broken(
        block(0, { type = "tool_use", id = "t", name = "look", input = {} }),
        event { type = "content_block_delta", index = 0, delta = { type = "input_json_delta", partial_json = "{" } }) },
      ["where it was asked to think"] = {
        broken(block(0, TEXT_BLOCK), text(0, "Hel")), { thinking = { type = "enabled", budget_tokens = 1024 } } },
      ["after an error that is not retried"] = { broken(block(0, TEXT_BLOCK), text(0, "Hel"),
        event { type = "error", error = { type = "invalid_request_error", message = "no" } }) },
    } do
      it("is an error " .. what, function()
        local client = client_of({ on_interrupt = "continue" }, case[1], rest "lo")
        local message, err = assert(client.messages.stream(params(case[2]))):message()
        assert.is_nil(message)
        assert.equal(what:find "retried" and "api" or "truncated", err.kind)
        assert.equal(1, #server:requests())
      end)
    end
  end)
end)
