-- stream:raw_events() hands on an answer as it came, for a relay, and reads it all the same.

local core = require "anthropic.core"
local json = require "anthropic.base.json"
local service = require "spec.support.service"
local streams = require "spec.support.streams"
local testing = require "anthropic.testing"

local EVENT_STREAM = { ["content-type"] = "text/event-stream" }
local START = 'event: message_start\ndata: {"type":"message_start","message":{"role":"assistant"}}\n\n'
local CONTENT = 'event: content_block_delta\ndata: {"delta":{"text":"Hi","type":"text_delta"},"index":0,'
  .. '"type":"content_block_delta"}\n\n'
local OVERLOADED = 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Over"}}\n\n'

-- A stream of an answer: its body, or the answer's fields.
local function open(answers, options)
  local script = {}
  for i, answer in ipairs(type(answers) == "table" and answers or { answers }) do
    answer = type(answer) == "table" and answer or { body = answer }
    answer.headers = answer.headers or EVENT_STREAM
    script[i] = answer
  end
  local client = service.client(service.serve(script), options)
  return assert(client.messages.stream(service.params()))
end

-- The pieces, the events of each, and the error that was raised.
local function relay(stream)
  local pieces, events = {}, {}
  local ok, err = pcall(function()
    for bytes, meant in stream:raw_events() do
      pieces[#pieces + 1], events[#events + 1] = bytes, meant
    end
  end)
  return pieces, events, not ok and err or nil
end

local function flat(lists)
  local all = {}
  for _, list in ipairs(lists) do
    for _, event in ipairs(list) do
      all[#all + 1] = json.encode(event)
    end
  end
  return all
end

local function events_of(stream)
  local all = {}
  local event = assert(stream:next())
  while event do
    all[#all + 1] = json.encode(event)
    event = stream:next()
  end
  return all
end

local function types_of(events)
  local types = {}
  for i, event in ipairs(events) do
    types[i] = event.type
  end
  return table.concat(types, " ")
end

local function ends_with_empty_line(bytes)
  return bytes:find "\n\r?\n$" ~= nil or bytes:find "\r\r$" ~= nil or bytes:find "^\r?\n$" ~= nil
end

describe("a relayed stream", function()
  after_each(service.clear)

  it("is the body byte for byte, and what it says", function()
    local routes, cases = {}, {}
    for _, name in ipairs { "text", "tool_use", "web_search", "chat_tools", "chat_text" } do
      local recorded = ": first\n\n" .. streams.read(name)
      for _, line_end in ipairs { "\n", "\r\n", "\r" } do
        local body = recorded:gsub("\n", line_end)
        for _, size in ipairs { 1, 50, #body } do
          local path = "/a" .. #cases
          cases[#cases + 1] = { path = path, body = body, name = ("%s, %q, %d"):format(name, line_end, size) }
          routes[#routes + 1] = { match = "^" .. path .. "/", answers = { {
            headers = EVENT_STREAM, body = body, chunk_bytes = size > 1 and size or nil,
            splits = size == 1 and { 9, 10, 11, #body - 3, #body - 2, #body - 1 } or nil,
          } } }
        end
      end
    end
    local server = service.serve { routes = routes }
    for _, case in ipairs(cases) do
      local stream = assert(service.client(nil, { base_url = server.url .. case.path }).messages
        .stream(service.params()))
      local pieces, events, err = relay(stream)
      assert.is_nil(err)
      assert.equal(case.body, table.concat(pieces), case.name)
      for _, bytes in ipairs(pieces) do
        assert.is_true(ends_with_empty_line(bytes), case.name)
      end
      assert.same({}, events[1], case.name)
      local plain = streams.open(case.body)
      assert.same(events_of(plain), flat(events), case.name)
      assert.equal(streams.whole(plain:message()), streams.whole(stream:message()), case.name)
    end
  end)

  it("hands on comments at once", function()
    local stream = open({ { body = ": ping\n\n" .. START, hang_after = 8 } }, { timeout = { idle = 0.05 } })
    local pieces, events, err = relay(stream)
    assert.same({ ": ping\n\n" }, pieces)
    assert.same({ {} }, events)
    assert.equal("timeout", err.kind)
  end)

  it("hands on the message's start before its content comes", function()
    local answer = { body = START .. "x", hang_after = #START }
    local stream = open({ answer }, { timeout = { idle = 0.05 }, max_retries = 2 })
    local pieces, events, err = relay(stream)
    assert.same({ START }, pieces)
    assert.equal("message_start", types_of(events[1]))
    assert.equal("timeout", err.kind)
    assert.equal(1, err.attempts) -- what was handed on cannot be taken back
  end)

  it("goes on behind the message's end", function()
    local body = streams.read "text" .. "data: [DONE]\n\n: bye\n\n\nrest"
    local pieces, _, err = relay(open(body))
    assert.is_nil(err)
    assert.equal(body, table.concat(pieces))
    assert.equal("rest", pieces[#pieces])
  end)

  it("waits a little for what follows the end", function()
    local body = streams.read "text"
    local stream = open { { body = body .. "rest", hang_after = #body } }
    local pieces, _, err = relay(stream)
    assert.is_nil(err)
    assert.equal(body, table.concat(pieces))
    assert.equal("end_turn", stream:message().stop_reason)
  end)

  it("does not wait for the end of comments that follow the end for ever", function()
    local stop = 'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    local splits = {}
    for i = 1, 30 do
      splits[i] = #START + #CONTENT + #stop + 3 * (i - 1)
    end
    local body = START .. CONTENT .. stop .. (":\n\n"):rep(30)
    local stream = open { { body = body, splits = splits, delay_between = 0.1 } }
    local began = core.now()
    local pieces, _, err = relay(stream)
    assert.is_nil(err)
    assert.is_true(#pieces > 5 and #pieces < 25, #pieces)
    assert.is_true(core.now() - began < 2.5)
    assert(stream:message())
  end)

  it("hands on an end without its empty line", function()
    local body = (streams.read("text"):gsub("\n+$", ""))
    local stream = open(body)
    local pieces, events, err = relay(stream)
    assert.is_nil(err)
    assert.equal(body, table.concat(pieces))
    assert.equal("message_stop", types_of(events[#events]))
    assert.equal("end_turn", stream:message().stop_reason)
  end)

  it("that breaks off is handed on as far as it came, and raises the error", function()
    for _, size in ipairs { 600, 700 } do
      local body = streams.read("text"):sub(1, size)
      local stream = open(body)
      local pieces, _, err = relay(stream)
      assert.equal(body, table.concat(pieces))
      assert.equal("truncated", err.kind)
      assert.equal("msg_01Text", err.partial.id)
      assert.equal(err, select(2, stream:message()))
      assert.equal(err, select(3, relay(stream)))
    end
  end)

  it("hands on the event that tells of an error, and raises it", function()
    local pieces, events, err = relay(open(START .. OVERLOADED))
    assert.same({ START, OVERLOADED }, pieces)
    assert.same({}, events[2])
    assert.equal("overloaded_error", err.type)
    assert.is_true(err.in_stream)
    assert.equal("assistant", err.partial.role)
  end)

  it("hands on an error that was read before the bytes were asked for", function()
    local stream = open(START .. CONTENT .. OVERLOADED)
    assert.equal("message_start", assert(stream:next()).type)
    local pieces, _, err = relay(stream)
    assert.equal(CONTENT, pieces[#pieces - 1])
    assert.same({ type = "error", error = { type = "overloaded_error", message = "Over" } },
      json.decode(pieces[#pieces]:match "^event: error\ndata: (.*)\n\n$"))
    assert.equal("overloaded_error", err.type)
    assert.equal(err, select(3, relay(stream)))
  end)

  it("is asked for again as long as comments alone were handed on", function()
    local body = streams.read "text"
    local stream = open({ ": a\n\n" .. OVERLOADED, body }, { max_retries = 1 })
    local pieces, _, err = relay(stream)
    assert.is_nil(err)
    assert.equal(": a\n\n" .. body, table.concat(pieces))
    assert.equal(2, stream:message().response.attempts)
  end)

  it("is not asked for again after that", function()
    local _, _, err = relay(open({ START .. OVERLOADED, streams.read "text" }, { max_retries = 1 }))
    assert.equal("overloaded_error", err.type)
    assert.equal(1, err.attempts)
  end)

  it("has the error of bytes that are no event", function()
    local body = START .. "data: nonsense\n\n"
    local pieces, _, err = relay(open(body))
    assert.equal(body, table.concat(pieces))
    assert.equal("protocol", err.kind)
  end)

  it("is written as events where it came whole", function()
    local uses = { { name = "f", input = { a = 1 } } }
    local message = testing.message { text = "Hello!", thinking = "Hm.", tool_uses = uses }
    for _, kind in ipairs { "application/json", "text/event-stream", "text/plain" } do
      local stream = open { { headers = { ["content-type"] = kind }, body = message.body } }
      local pieces, events, err = relay(stream)
      assert.is_nil(err)
      assert.equal(#pieces, #events)
      local again = streams.open(table.concat(pieces))
      assert.same(flat(events), events_of(again))
      assert.equal(streams.whole(stream:message()), streams.whole(again:message()))
      assert.equal("event: message_start\n", pieces[1]:match "^[^\n]*\n")
    end
  end)

  it("is written as events where comments came before a whole answer", function()
    local body = ': a\n\n: b\n\n{"type":"message","role":"assistant","content":[{"type":"text","text":"Hi"}]}'
    for _, pause in ipairs { 0, 0.03 } do
      local stream = open { { body = body, splits = { 5, 10 }, delay_between = pause } }
      local pieces, _, err = relay(stream)
      assert.is_nil(err)
      assert.equal("Hi", streams.open(table.concat(pieces)):message():text())
      assert.equal("Hi", stream:message():text())
    end
  end)

  it("is written as the message alone where a chat completion came whole with several choices", function()
    local stream = open { { headers = { ["content-type"] = "application/json" }, body = json.encode {
      id = "c", object = "chat.completion", model = "m", choices = {
        { index = 0, message = { role = "assistant", content = "A" }, finish_reason = "stop" },
        { index = 1, message = { role = "assistant", content = "B" }, finish_reason = "length" },
      },
    } } }
    local pieces, events, err = relay(stream)
    assert.is_nil(err)
    local others = 0
    for _, event in ipairs(flat(events)) do
      others = others + (event:find('"choice":1', 1, true) and 1 or 0)
    end
    assert.equal(6, others)
    local again = streams.open(table.concat(pieces)):message()
    assert.equal("A", again:text())
    assert.equal("end_turn", again.stop_reason)
    assert.equal("B", stream:message().choices[2]:text())
  end)

  it("is written as the API's events where a chat completion came whole", function()
    local stream = open { { headers = { ["content-type"] = "application/json" }, body = json.encode {
      id = "c", object = "chat.completion", model = "m",
      choices = { { index = 0, message = { role = "assistant", content = "Hi" }, finish_reason = "stop" } },
    } } }
    local pieces, _, err = relay(stream)
    assert.is_nil(err)
    local text = table.concat(pieces)
    assert.is_nil(text:find("choices", 1, true))
    assert.equal("Hi", streams.open(text):message():text())
    assert.equal("Hi", stream:message():text())
  end)

  it("can be left and read otherwise, and gone on with", function()
    local body = streams.read "text"
    local stream = open(body)
    local bytes, events = stream:raw_events()()
    assert.equal("message_start", types_of(events))
    assert.equal(body:sub(1, #bytes), bytes)
    assert.equal("content_block_start", stream:next().type)
    local pieces, lists = relay(stream)
    assert.equal("ping", types_of(lists[1]))
    assert.equal("ping", assert(json.decode(pieces[1]:match "data: ([^\n]*)")).type)
    assert.equal(streams.whole(streams.open(body):message()), streams.whole(stream:message()))
    assert.same({ {}, {} }, { relay(stream) })

    stream = open(body)
    stream:raw_events()()
    assert.equal('Hello,\n"world" \\ café!', assert(stream:message()):text())
  end)

  it("can be gone on with after deltas, also inside of an event", function()
    local body = streams.read "text"
    for cut = 700, #body - 1, 90 do
      local stream = open { { body = body, splits = { cut }, delay_between = 0.01 } }
      local text = stream:text_deltas()()
      local pieces, _, err = relay(stream)
      assert.is_nil(err)
      for data in table.concat(pieces):gmatch "data: ([^\n]*)" do
        local event = assert(json.decode(data))
        text = text .. (event.delta and event.delta.text or "")
      end
      assert.equal('Hello,\n"world" \\ café!', text)
    end
  end)

  it("can be left after each event that had come before, and read otherwise", function()
    local body = START .. CONTENT:rep(6) .. 'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    for count = 1, 5 do
      local stream = open { { body = body, splits = { #START + 4 * #CONTENT + 20 }, delay_between = 0.02 } }
      assert(stream:next())
      local next_piece = stream:raw_events()
      for _ = 1, count do
        next_piece()
      end
      local message, err = stream:message()
      assert.is_nil(err)
      assert.equal(("Hi"):rep(6), message:text())
    end
  end)

  it("is refused where the answer may be put together of several", function()
    local stream = open({ streams.read "text" }, { on_interrupt = "continue" })
    local iterator, err = stream:raw_events()
    assert.is_nil(iterator)
    assert.equal("invalid_request", err.kind)
    assert.equal("end_turn", stream:message().stop_reason)
  end)

  it("holds no more than it may", function()
    local endless = open({ START .. "data: " .. ("x"):rep(3000) }, { max_response_bytes = 2500 })
    local _, _, err = relay(endless)
    assert.equal("the answer is larger than 2500 bytes", err.message)
    local large = open({ START .. "data: " .. ("x"):rep(3000) .. "\n\n" }, { max_event_bytes = 2000 })
    _, _, err = relay(large)
    assert.equal("an event is larger than 2000 bytes", err.message)
  end)

  it("is over once it is closed", function()
    local stream = open(streams.read "text")
    stream:raw_events()()
    stream:close()
    local _, _, err = relay(stream)
    assert.equal("cancelled", err.kind)
  end)
end)
