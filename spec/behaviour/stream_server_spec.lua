local anthropic = require "anthropic"
local clock = require "spec.support.clock"
local json = require "anthropic.base.json"
local loop = require "anthropic.loop"
local hosted = require "spec.support.hosted"
local raw_client = require "spec.support.raw_client"
local streams = require "spec.support.streams"
local testing = require "anthropic.testing"

local eventually = raw_client.eventually

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

describe("a stream from a server", function()
  local server, client

  local function serve(script)
    server = hosted.server { script = script }
    client = anthropic.new { base_url = server.url, api_key = "test", max_retries = 0 }
  end

  local function create(fields)
    local params = {
      model = "m", max_tokens = 10, messages = { { role = "user", content = "Hi" } }, stream = true,
    }
    for name, value in pairs(fields or {}) do
      params[name] = value
    end
    return client.messages.create(params)
  end

  after_each(function()
    client:close()
    server:stop()
  end)

  local function recorded(name, fields)
    local answer = { events = { streams.read(name) } }
    for field, value in pairs(fields or {}) do
      answer[field] = value
    end
    return answer
  end

  it("is what the specs' exchange makes of the same bytes", function()
    local script = {}
    local names = { "text", "thinking", "tool_use", "citations", "web_search", "unknown", "chat_text", "chat_tools" }
    for _, name in ipairs(names) do
      script[#script + 1] = recorded(name)
      script[#script + 1] = recorded(name, { chunk_bytes = 1 })
      script[#script + 1] = recorded(name, { chunk_bytes = 7, framing = "close" })
      script[#script + 1] = recorded(name, { splits = { 333, 334, 600 }, delay_between = 0.01, framing = "length" })
    end
    serve(script)
    for _, name in ipairs(names) do
      local expected = streams.digest(open_recorded(name))
      for _ = 1, 4 do
        assert.equal(expected, streams.digest(assert(create())))
      end
    end
  end)

  it("arrives whole where a character is cut on the wire", function()
    local bytes = streams.read "thinking"
    local splits = {}
    for position in bytes:gmatch "()[\128-\255]" do
      splits[#splits + 1] = position
    end
    serve { recorded("thinking", { splits = splits, delay_between = 0.001 }) }
    local opened = assert(create())
    assert.same({ "你", "好 😀", "👩‍👩‍👧 𠮷野家" }, texts_of(opened))
    assert.equal("用户用中文提问,我也用中文。", opened:message():thinking())
  end)

  it("has timings before it is read, also where all of it came with its headers", function()
    serve(testing.stream { text = "Hello!" })
    for _ = 1, 20 do
      local opened = assert(create())
      assert.is_true(opened.response.timings.first_byte > 0)
      assert(opened:message())
      assert.is_true(opened.response.timings.total > 0)
    end
  end)

  it("has the response from the start, and its timings to the end", function()
    serve { recorded("text", { headers = { ["request-id"] = "req_7" }, splits = { 400 }, delay_between = 0.05 }) }
    local opened = assert(create())
    assert.equal(200, opened.response.status)
    assert.equal("req_7", opened.response.request_id)
    assert.equal(1, opened.response.attempts)
    assert.equal("text/event-stream; charset=utf-8", opened.response.headers["Content-Type"])
    local message = opened:message()
    assert.equal(opened.response, message.response)
    assert.is_true(message.response.timings.total >= message.response.timings.first_byte)
    assert.is_true(message.response.timings.total >= 0.05)
  end)

  it("keeps its connection once it was read to its end", function()
    serve { recorded "text", recorded("chat_text"), recorded("text", { framing = "length" }),
            recorded("text", { framing = "close" }), recorded "text" }
    for _ = 1, 5 do
      assert(assert(create()):message())
    end
    local connections = {}
    for i, request in ipairs(server:requests()) do
      connections[i] = request.connection
    end
    assert.same({ 1, 1, 1, 1, 2 }, connections)
  end)

  it("keeps its connection also where the last chunk comes late", function()
    local bytes = streams.read "text"
    serve { { events = { bytes, { data = "[DONE]", delay = 0.2 } } }, recorded "text" }
    local opened = assert(create())
    assert(opened:message())
    clock.await(function() return loop.core():active() == 0 end)
    assert(assert(create()):message())
    assert.equal(1, server:requests()[2].connection)
  end)

  it("closes its connection when it is left", function()
    serve { recorded("text", { splits = { 700 }, delay_between = 30 }), recorded "text" }
    local opened = assert(create())
    assert.equal("message_start", opened:next().type)
    opened:close()
    assert.is_true(eventually(function()
      return server:connections().open == 0
    end))
    assert.is_true(server:requests()[1].closed_early)
    assert(assert(create()):message())
    assert.equal(2, server:requests()[2].connection)
  end)

  it("closes its connection when nobody holds it", function()
    serve { recorded("text", { splits = { 700 }, delay_between = 30 }) }
    local function read_a_little()
      for event in assert(create()) do
        if event.type == "message_start" then
          return event.type
        end
      end
    end
    assert.equal("message_start", read_a_little())
    collectgarbage()
    collectgarbage()
    assert.is_true(eventually(function()
      return server:connections().open == 0
    end))
  end)

  it("is made of a message that came whole", function()
    serve { testing.message {
      thinking = "Hm.", text = "Hello, world", tool_uses = { { name = "f", input_json = '{"a": [ ]}' } },
      usage = { cache_read_input_tokens = 3 }, stop_sequence = "x",
    } }
    local opened = assert(create())
    assert.equal("message_start content_block_start content_block_delta content_block_delta content_block_stop "
      .. "content_block_start content_block_delta content_block_stop "
      .. "content_block_start content_block_delta content_block_stop message_delta message_stop",
      table.concat(types_of(opened), " "))
    local message = opened:message()
    assert.equal("Hello, world", message:text())
    assert.equal("Hm.", message:thinking())
    assert.equal(3, message.usage.cache_read_input_tokens)
    assert.equal("x", message.stop_sequence)
    assert.truthy(json.encode(message):find('"input":{"a": [ ]}', 1, true))
    assert.is_true(message.response.timings.total > 0)
    assert.equal(opened.response, message.response)
  end)

  it("gives the text of a message that came whole as its one piece", function()
    serve { testing.message { text = "Hello, world" }, testing.completion { content = "Hallo", reasoning = "Hm." } }
    assert.same({ "Hello, world" }, texts_of(assert(create())))
    local opened = assert(create())
    assert.same({ "Hallo" }, texts_of(opened))
    assert.equal("Hm.", opened:message():thinking())
    assert.equal("chat.completion", opened:message().raw.object)
  end)

  it("can be closed where its message came whole", function()
    serve { testing.message { text = "Hello" } }
    local opened = assert(create())
    opened:next()
    opened:close()
    assert.equal("cancelled", select(2, opened:next()).kind)
  end)

  it("becomes the message where none was asked for", function()
    serve { recorded "thinking", recorded "chat_tools", recorded("text", { cut_after = 900 }) }
    local message = assert(create { stream = false })
    assert.equal("你好 😀👩‍👩‍👧 𠮷野家", message:text())
    assert.equal(200, message.response.status)
    message = assert(create { stream = false })
    assert.equal(3, #message:tool_uses())
    local nothing, err = create { stream = false }
    assert.is_nil(nothing)
    assert.equal("truncated", err.kind)
  end)

  it("is read whatever its content type", function()
    serve {
      recorded("text", { headers = { ["Content-Type"] = false } }),
      recorded("text", { headers = { ["Content-Type"] = "text/plain" } }),
      recorded("text", { headers = { ["Content-Type"] = "TEXT/EVENT-STREAM;charset=utf-8" } }),
      recorded("text", { headers = { ["Content-Type"] = "application/json" } }),
      { body = "<html>no</html>", headers = { ["Content-Type"] = "text/html" } },
      { body = "no such thing", headers = { ["Content-Type"] = "text/plain" } },
      { body = "" , headers = { ["Content-Type"] = "text/event-stream" } },
    }
    for _ = 1, 4 do
      assert.equal("end_turn", assert(assert(create()):message()).stop_reason)
    end
    local opened, err = create()
    assert.is_nil(opened)
    assert.equal("protocol", err.kind)
    assert.equal("protocol", select(2, assert(create()):message()).kind)
    assert.equal("truncated", select(2, assert(create()):message()).kind)
  end)

  it("is a stream by its own method too", function()
    serve { recorded "text" }
    local params = { model = "m", max_tokens = 10, messages = { { role = "user", content = "Hi" } } }
    assert(assert(client.messages.stream(params)):message())
    assert.is_nil(params.stream)
    assert.is_true(server:requests()[1].json.stream)
  end)
end)
