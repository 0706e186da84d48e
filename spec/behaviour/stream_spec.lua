local json = require "anthropic.base.json"
local sent = require "spec.support.sent"
local streams = require "spec.support.streams"

local function types_of(opened)
  local types = {}
  for event in opened do
    types[#types + 1] = event.type
  end
  return types
end

local function texts_of(opened)
  local pieces = {}
  for text in opened:text_deltas() do
    pieces[#pieces + 1] = text
  end
  return pieces
end

local function open_recorded(name)
  return streams.open(streams.read(name))
end

describe("a stream", function()
  -- LuaJIT keeps the closures that its compiled loops came across.
  for name, iterate in pairs {
    ["a for"] = function(opened) return opened end,
    ["text_deltas"] = function(opened) return opened:text_deltas() end,
    ["tool_inputs"] = function(opened) return opened:tool_inputs() end,
  } do
    it("is forgotten after it was read by " .. name, function()
      local payloads = {
        '{"type":"message_start","message":{"content":[]}}',
        '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
        '{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"a","name":"f","input":{}}}',
      }
      for i = 1, 300 do
        payloads[#payloads + 1] = i % 2 == 0
          and '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}'
          or '{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":" "}}'
      end
      payloads[#payloads + 1] = '{"type":"message_stop"}'
      local bytes = streams.of(payloads)
      local alive = setmetatable({}, { __mode = "k" })
      for _ = 1, 3 do
        local opened = streams.open(bytes)
        alive[opened] = true
        local count = 0
        for _ in iterate(opened) do
          count = count + 1
        end
        assert.is_true(count > 100)
      end
      collectgarbage()
      collectgarbage()
      assert.is_nil(next(alive))
    end)
  end

  describe("read with next", function()
    it("gives each event, then nil alone for ever", function()
      local opened = open_recorded "text"
      for _ = 1, 9 do
        assert.is_table((opened:next()))
      end
      for _ = 1, 3 do
        assert.same({}, { opened:next() })
      end
    end)

    it("gives the same error at every call", function()
      local opened = streams.open "data: nonsense\n\n"
      local event, err = opened:next()
      assert.is_nil(event)
      assert.equal("protocol", err.kind)
      assert.same({ nil, err }, { opened:next() })
      assert.equal(err, select(2, opened:message()))
      assert.equal(err, select(2, pcall(opened)))
      assert.equal(err, select(2, pcall(opened:text_deltas())))
    end)

    it("gives nulls as absent and empty lists as lists", function()
      local event = open_recorded("text"):next()
      assert.is_nil(event.message.stop_reason)
      assert.equal("[]", json.encode(event.message.content))
      assert.truthy(json.encode(event):find('"stop_reason":null', 1, true))
    end)
  end)

  describe("iterated over", function()
    it("mixes its ways of being read", function()
      local opened = open_recorded "thinking"
      assert.equal("message_start", opened:next().type)
      for event in opened do
        if event.delta then
          assert.equal("用户用中文", event.delta.thinking)
          break
        end
      end
      assert.equal("用户用中文", opened:snapshot():thinking())
      for text in opened:text_deltas() do
        if text == "你" then
          break
        end
      end
      assert.equal("content_block_delta", opened:next().type)
      assert.same({ "👩‍👩‍👧 𠮷野家" }, texts_of(opened))
      assert.same({}, texts_of(opened))
      assert.same({}, types_of(opened))
      assert.equal("你好 😀👩‍👩‍👧 𠮷野家", opened:message():text())
      assert.equal("用户用中文提问,我也用中文。", opened:message():thinking())
    end)

    it("goes on with a second iterator of text where the first one was left", function()
      local opened = open_recorded "interleaved"
      local first, second = opened:text_deltas(), opened:text_deltas()
      assert.same({ "A", "B", "C" }, { first(), second(), first() })
      assert.is_nil(first())
      assert.is_nil(second())
    end)

    it("passes over empty pieces of text and those of other kinds", function()
      assert.same({ "Hello", ',\n"world" \\ café!' }, texts_of(open_recorded "text"))
      assert.same({}, texts_of(open_recorded "max_tokens"))
    end)

    it("takes the text of a block's start for its first piece", function()
      assert.same({ "x" }, texts_of(open_recorded "deltas"))
    end)

    it("gives no text of further choices", function()
      assert.same({ "one", " two" }, texts_of(open_recorded "chat_choices"))
    end)

    it("raises the error of a failure after what came before it", function()
      local opened = streams.open((streams.read("text"):gsub("event: content_block_stop.*", "")))
      local pieces = {}
      local ok, err = pcall(function()
        for text in opened:text_deltas() do
          pieces[#pieces + 1] = text
        end
      end)
      assert.is_false(ok)
      assert.equal("truncated", err.kind)
      assert.same({ "Hello", ',\n"world" \\ café!' }, pieces)
      assert.equal('Hello,\n"world" \\ café!', err.partial:text())
    end)
  end)

  describe("asked for its message", function()
    it("gives the same one each time", function()
      local opened = open_recorded "text"
      local message = opened:message()
      assert.equal(message, opened:message())
      assert.equal(message, opened:snapshot())
      assert.equal(opened.response, message.response)
    end)

    it("has an empty snapshot before anything was read", function()
      local snapshot = open_recorded("text"):snapshot()
      assert.same({}, snapshot.content)
      assert.equal("", snapshot:text())
    end)

    it("shows the input of a tool under way as its text so far", function()
      local opened = open_recorded "interleaved"
      repeat
        local event = opened:next()
      until event.delta and event.delta.partial_json
      local block = opened:snapshot():tool_uses()[1]
      assert.is_nil(block.input)
      assert.equal('{"b"', block.input_json)
      assert.is_string(block.input_error)
      assert.truthy(sent(opened:snapshot()):find('"input":{}', 1, true))
      assert.truthy(json.encode(opened:snapshot()):find('"input_json":"{\\"b\\""', 1, true))
      assert.equal('{"b":[1,{}]}', json.encode(opened:message():tool_uses()[1].input))
    end)
  end)

  describe("closed", function()
    it("fails as cancelled from then on, and keeps what came", function()
      local opened = open_recorded "text"
      for _ = 1, 4 do
        opened:next()
      end
      opened:close()
      opened:close()
      local event, err = opened:next()
      assert.is_nil(event)
      assert.equal("cancelled", err.kind)
      assert.equal("Hello", err.partial:text())
      assert.equal("Hello", opened:snapshot():text())
      assert.equal(err, select(2, opened:message()))
    end)

    it("after its end keeps its message", function()
      local opened = open_recorded "text"
      local message = opened:message()
      opened:close()
      assert.equal(message, opened:message())
      assert.is_nil(opened:next())
    end)

    it("after a failure keeps its error", function()
      local opened = streams.open "data: {\n\n"
      local _, err = opened:next()
      opened:close()
      assert.equal(err, select(2, opened:next()))
    end)

    it("is closed at the end of its scope", function()
      if not load or _VERSION ~= "Lua 5.4" and _VERSION ~= "Lua 5.5" then
        return pending "needs Lua 5.4 or later"
      end
      local scope = assert(load "local opened <close> = ...; opened:next()")
      local opened = open_recorded "text"
      scope(opened)
      assert.equal("cancelled", select(2, opened:next()).kind)
    end)
  end)

  it("says what state it is in", function()
    local opened = open_recorded "text"
    assert.equal("anthropic.Stream (open)", tostring(opened))
    opened:message()
    assert.equal("anthropic.Stream (ended)", tostring(opened))
    opened = streams.open ""
    opened:next()
    assert.equal("anthropic.Stream (failed)", tostring(opened))
  end)

  it("refuses a second reader while one waits", function()
    local opened = open_recorded "text"
    local exchange = opened.exchange
    local reason
    function exchange.wait()
      local ok
      ok, reason = coroutine.wrap(function()
        return pcall(opened.next, opened)
      end)()
      assert.is_false(ok)
      return true
    end
    assert.is_table((opened:next()))
    assert.truthy(reason:find("another coroutine", 1, true))
    assert.is_table(opened:message())
  end)

  describe("with an end mark", function()
    local function cut_before(mark)
      local text = streams.read "text"
      return text:sub(1, text:find("event: " .. mark, 1, true) - 1)
    end

    it("ends there, whatever follows", function()
      for _, after in ipairs { "data: [DONE]\n\n", "event: ping\ndata: {}\n\n", "data: nonsense\n\n", "junk" } do
        local opened = streams.open(streams.read "text" .. after)
        assert.equal(9, #types_of(opened))
        assert.equal("end_turn", opened:message().stop_reason)
        assert.is_true(opened.exchange.finished)
      end
    end)

    it("is truncated without it", function()
      for _, mark in ipairs { "message_stop", "message_delta", "content_block_stop", "message_start" } do
        local message, err = streams.open(cut_before(mark)):message()
        assert.is_nil(message)
        assert.equal("truncated", err.kind)
        assert.equal(mark ~= "message_start" and 'Hello,\n"world" \\ café!' or nil, err.partial and err.partial:text())
      end
    end)

    it("takes [DONE] for it once the stop reason has come", function()
      local message = assert(streams.open(cut_before "message_stop" .. "data: [DONE]\n\n"):message())
      assert.equal("end_turn", message.stop_reason)
      local _, err = streams.open(cut_before "message_delta" .. "data: [DONE]\n\n"):message()
      assert.equal("truncated", err.kind)
    end)

    it("is truncated where chunks end without [DONE]", function()
      local bytes = streams.read("chat_text"):gsub("data: %[DONE%]\n\n", "")
      local _, err = streams.open(bytes):message()
      assert.equal("truncated", err.kind)
      assert.equal("你好 😀!", err.partial:text())
    end)

    it("has nothing in it that was understood where [DONE] is all there is", function()
      assert.equal("protocol", select(2, streams.open("data: [DONE]\n\n"):message()).kind)
    end)
  end)

  describe("of events that are not as usual", function()
    it("is read without names", function()
      local bytes = streams.read("text"):gsub("event: [^\n]*\n", "")
      assert.equal(streams.digest(open_recorded "text"), streams.digest(streams.open(bytes)))
    end)

    it("is read without types, by the names", function()
      local bytes = streams.read("text"):gsub('data: {"type": ?"[a-z_]+",?', "data: {")
      assert.equal(streams.digest(open_recorded "text"), streams.digest(streams.open(bytes)))
    end)

    it("takes no name that is not UTF-8, so that each event has a JSON form", function()
      local opened = streams.open('event: \255\ndata: {"a":1}\n\nevent: \195\169\ndata: {"a":2}\n\n')
      local event = assert(opened:next())
      assert.is_nil(event.type)
      assert.equal('{"a":1}', json.encode(event))
      assert.equal("\195\169", opened:next().type)
    end)

    it("trusts the type more than the name", function()
      local bytes = streams.read("text"):gsub("event: [^\n]*\n", "event: message\n")
      assert.equal(streams.digest(open_recorded "text"), streams.digest(streams.open(bytes)))
    end)

    it("takes blocks without a start", function()
      local bytes = streams.read("text"):gsub("event: content_block_start\n[^\n]*\n\n", "")
      assert.equal('Hello,\n"world" \\ café!', streams.open(bytes):message():text())
    end)

    it("takes blocks without an end", function()
      local bytes = streams.read("tool_use"):gsub("event: content_block_stop\n[^\n]*\n\n", "")
      local recorded = open_recorded("tool_use"):message()
      assert.equal(json.encode(recorded), json.encode(streams.open(bytes):message()))
    end)

    it("takes content that its start has", function()
      local message = streams.open(streams.of {
        [[{"type":"message_start","message":{"role":"assistant","content":[{"type":"text","text":"a"}]}}]],
        [[{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"b"}}]],
        [[{"type":"content_block_start","index":1,"content_block":{"type":"text","text":"c"}}]],
        [[{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}]],
        [[{"type":"message_stop"}]],
      }):message()
      assert.equal("abc", message:text())
      assert.equal(2, #message.content)
      assert.equal(1, message.usage.output_tokens)
    end)

    it("takes blocks whose numbers have gaps and come in any order", function()
      local message = streams.open(streams.of {
        [[{"type":"message_start","message":{"role":"assistant","content":[]}}]],
        [[{"type":"content_block_start","index":9,"content_block":{"type":"text","text":"c"}}]],
        [[{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"a"}}]],
        [[{"type":"content_block_start","index":4,"content_block":{"type":"text","text":"b"}}]],
        [[{"type":"message_stop"}]],
      }):message()
      assert.equal("abc", message:text())
    end)

    it("passes over the end of a block that never began", function()
      local bytes = streams.of { { type = "content_block_stop", index = 8 } }
      assert.equal("Done.", streams.open(bytes .. streams.read "redacted_thinking"):message():text())
    end)

    it("fails at what is no object", function()
      for _, data in ipairs { "[", "nonsense", "[]", "1", '"text"' } do
        local _, err = streams.open("data: " .. data .. "\n\n"):message()
        assert.equal("protocol", err.kind)
      end
    end)

    it("fails at an event that lacks what it must have", function()
      for _, event in ipairs {
        { type = "message_start", message = "x" },
        { type = "message_start", message = { content = 5 } },
        { type = "content_block_start", index = 0, content_block = 5 },
        { type = "content_block_delta", index = 0, delta = 5 },
        { type = "content_block_delta", index = 0, delta = { later = "x" } },
        { type = "content_block_delta", index = 0, delta = { type = "text_delta", text = true } },
        { type = "content_block_delta", index = 0, delta = { type = "input_json_delta", json = "{}" } },
        { type = "message_delta", delta = "end_turn" },
      } do
        local content = { type = "content_block_start", index = 3, content_block = { type = "hologram" } }
        local opened = streams.open(streams.of { event, content })
        local _, err = opened:message()
        assert.equal("protocol", err.kind)
        assert.truthy(err.message:find("^a malformed event: [a-z_]+: ") or err.message:find(event.type, 1, true))
      end
    end)

    it("takes a field `choice` of the server's own for any other", function()
      for _, value in ipairs { "1", '"a"', "[1]", "true" } do
        local text = streams.read("text"):gsub('{"type":', '{"choice":' .. value .. ',"type":')
        local message = assert(streams.open(text):message())
        assert.equal(open_recorded("text"):message():text(), message:text())
        assert.is_nil(message.choices)
      end
    end)

    it("is read where events that look like choices stand among chunks", function()
      local opened = streams.open('data: {"choice":[{"delta":{}}]}\n\n' .. streams.read "chat_text")
      assert.equal(open_recorded("chat_text"):message():text(), assert(opened:message()):text())
    end)

    it("keeps events of unknown types that look like others", function()
      local opened = streams.open(streams.of { { type = "content_block_undo", index = 7 } }
        .. streams.read "text")
      assert.equal("content_block_undo", types_of(opened)[1])
    end)

    it("fails at an error event, in each of its forms", function()
      for _, event in ipairs {
        'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
        'data: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
        'data: {"error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
        'event: error\ndata: {"error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
        'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"},"message":"x"}\n\n',
      } do
        local opened = streams.open(streams.read("text"):gsub("event: content_block_stop.*", "") .. event)
        local _, err = opened:message()
        assert.equal("api", err.kind)
        assert.equal("overloaded_error", err.type)
        assert.is_true(err.in_stream)
        assert.equal('Hello,\n"world" \\ café!', err.partial:text())
      end
    end)

    it("fails at an event that is named an error", function()
      local _, err = streams.open('event: error\ndata: {"message":"Overloaded"}\n\n'):message()
      assert.equal("api", err.kind)
    end)

    it("fails at an error object between chunks", function()
      local chunk = streams.read("chat_text"):match "^.-\n\n.-\n\n"
      local _, err = streams.open(chunk .. 'data: {"error":{"message":"boom","type":"server_error"}}\n\n'):message()
      assert.equal("api", err.kind)
      assert.equal("boom", err.message)
      assert.equal("你好", err.partial:text())
    end)
  end)

  describe("of chat-completion chunks", function()
    it("shows each event the chunk that it came from", function()
      for event in open_recorded "chat_text" do
        assert.is_table(event.raw)
        assert.is_nil(event.choice)
        if event.delta and event.delta.text then
          assert.equal(event.delta.text, event.raw.choices[1].delta.content)
        end
      end
    end)

    it("takes choices in any order, with any numbers", function()
      local message = streams.open(streams.of {
        '{"choices":[{"index":2,"delta":{"content":"c"}}]}', '{"choices":[{"index":0,"delta":{"content":"a"}}]}',
        "[DONE]",
      }):message()
      assert.equal("a", message:text())
      assert.equal("a", message.choices[1]:text())
      assert.equal("c", message.choices[#message.choices]:text())
    end)

    it("has reasoning as thinking, which goes back to the host that sent it", function()
      local message = open_recorded("chat_reasoning"):message()
      assert.equal("让我想想", message:thinking())
      assert.equal('{"content":[{"thinking":"让我想想","type":"thinking"},{"text":"答案。","type":"text"}],'
        .. '"role":"assistant"}', sent(message))
    end)

    it("keeps broken arguments of a call", function()
      local message = streams.open(streams.of {
        '{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\\"x"}}]}}]}',
        '{"choices":[{"delta":{},"finish_reason":"length"}]}', "[DONE]",
      }):message()
      local block = message:tool_uses()[1]
      assert.is_nil(block.input)
      assert.equal('{"x', block.input_json)
      assert.is_string(block.input_error)
      assert.equal("max_tokens", message.stop_reason)
    end)
  end)
end)
