-- Answers that a server, or a gateway on the way, has compressed.

local gzip = require "spec.support.gzip"
local json = require "anthropic.base.json"
local libcurl = require "spec.support.libcurl"
local service = require "spec.support.service"
local socket = require "socket"
local streams = require "spec.support.streams"
local testing = require "anthropic.testing"

local params = service.params

local function packed(bytes, kind)
  return { body = gzip(bytes), headers = { ["Content-Type"] = kind, ["Content-Encoding"] = "gzip" } }
end

local function packed_stream(bytes)
  return packed(bytes, "text/event-stream")
end

local function packed_message(text)
  return packed(assert(json.encode {
    id = "msg", type = "message", role = "assistant", model = "m", stop_reason = "end_turn",
    content = { { type = "text", text = text } }, usage = { input_tokens = 1, output_tokens = 1 },
  }), "application/json")
end

local function long_stream(text, count)
  local events = {
    { type = "message_start", message = { id = "msg", type = "message", role = "assistant", content = json.array {} } },
    { type = "content_block_start", index = 0, content_block = { type = "text", text = "" } },
  }
  for _ = 1, count do
    events[#events + 1] = { type = "content_block_delta", index = 0, delta = { type = "text_delta", text = text } }
  end
  events[#events + 1] = { type = "content_block_stop", index = 0 }
  events[#events + 1] = { type = "message_stop" }
  return streams.of(events)
end

describe("a compressed answer", function()
  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  it("is read as any other, whole and streamed, also when it is an error", function()
    local refusal = packed('{"type":"error","error":{"type":"not_found_error","message":"No."}}', "application/json")
    refusal.status = 404
    local client = service.client(service.serve {
      packed_message "Hello!", packed_stream(streams.read "thinking"), refusal,
    })
    assert.equal("Hello!", assert(client.messages.create(params())):text())
    local message = assert(assert(client.messages.stream(params())):message())
    assert.equal("你好 😀👩‍👩‍👧 𠮷野家", message:text())
    local _, err = client.messages.create(params())
    assert.equal("No.", err.message)
    assert.equal(404, err.status)
  end)

  it("is read where its bytes come one by one", function()
    local answer = packed_stream(streams.read "text")
    answer.chunk_bytes, answer.framing = 1, "chunked"
    local message = assert(assert(service.client(service.serve(answer)).messages.stream(params())):message())
    assert.equal("end_turn", message.stop_reason)
  end)

  it("is not asked for, unless the caller does", function()
    local server = service.serve { packed_message "Hello!" }
    local client = service.client(server)
    assert(client.messages.create(params()))
    assert(client.messages.create(params(), { headers = { ["Accept-Encoding"] = "gzip" } }))
    local requests = server:requests()
    assert.is_nil(service.header(requests[1], "accept-encoding"))
    assert.equal("gzip", service.header(requests[2], "accept-encoding"))
  end)

  it("loses nothing while nobody reads it", function()
    local text = ("x"):rep(1000)
    local client = service.client(service.serve(packed_stream(long_stream(text, 3000))))
    local stream = assert(client.messages.stream(params()))
    assert(stream:next())
    socket.sleep(0.05)
    assert.equal(3000 * 1000, #assert(stream:message()):text())
  end)

  it("may be no larger than max_response_bytes once it is unpacked", function()
    local client = service.client(service.serve(packed_message(("x"):rep(1000000))), { max_response_bytes = 100000 })
    local message, err = client.messages.create(params())
    assert.is_nil(message)
    assert.equal("protocol", err.kind)
    assert.matches("larger than 100000 bytes", err.message)
  end)

  it("is recorded unpacked", function()
    local path = os.tmpname()
    local client = service.client(service.serve { packed_message "Hello!" })
    local recorder = testing.record(client, path)
    assert(client.messages.create(params()))
    recorder:stop()
    local replayed = testing.replay(path)
    local message, err = service.client(replayed).messages.create(params())
    replayed:stop()
    os.remove(path)
    assert.equal("Hello!", assert(message, tostring(err)):text())
  end)
end)

describe("an answer that calls its content encoded", function()
  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  -- The text of the message, or the error.
  local function ask(client, streamed)
    local message, err = client.messages.create(params { stream = streamed })
    if message and streamed then
      message, err = message:message()
    end
    return message and message:text() or err
  end

  it("by a word that names no encoding is read as it is, or refused by the header's name and asked for once", function()
    for _, value in ipairs { "utf-8", "UTF-8", "aws-chunked", "utf-8, identity", "binary" } do
      local whole, streamed = testing.message { text = "Hello!" }, testing.stream { text = "Hello!" }
      whole.headers = { ["Content-Encoding"] = value }
      streamed.headers = { ["Content-Encoding"] = value }
      local server = service.serve { whole, streamed }
      local client = service.client(server, { max_retries = 2 })
      for _, is_streamed in ipairs { false, true } do
        local result = ask(client, is_streamed)
        if libcurl.passes_unknown_encodings then
          assert.equal("Hello!", result)
        else
          assert.equal("protocol", result.kind)
          assert.truthy(result.message:find(('Content-Encoding "%s"'):format(value), 1, true))
        end
      end
      assert.equal(2, #server:requests())
    end
  end)

  it("though it is not is refused by the header's name, and asked for once", function()
    for _, value in ipairs { "gzip", "compress", "br, compress", "gzip, utf-8" } do
      for _, framing in ipairs { "length", "chunked", "close" } do
        local whole, streamed = testing.message { text = "Hello!" }, testing.stream { text = "Hello!" }
        whole.headers, whole.framing = { ["Content-Encoding"] = value }, framing
        streamed.headers, streamed.framing = { ["Content-Encoding"] = value }, framing
        local server = service.serve { whole, streamed }
        local client = service.client(server, { max_retries = 2 })
        for _, is_streamed in ipairs { false, true } do
          local err = ask(client, is_streamed)
          assert.equal("protocol", err.kind)
          assert.equal(200, err.status)
          assert.equal(1, err.attempts)
          assert.truthy(err.message:find(('Content-Encoding "%s"'):format(value), 1, true))
        end
        assert.equal(2, #server:requests())
      end
    end
  end)

  it("and is an error has its status, and is retried by it", function()
    local server = service.serve {
      testing.error { status = 529, retry_after = 0, headers = { ["Content-Encoding"] = "utf-8" } },
      testing.error { status = 503, retry_after = 0, headers = { ["Content-Encoding"] = "compress" } },
      testing.message { text = "Hello!" },
    }
    assert.equal("Hello!", ask(service.client(server, { max_retries = 2 })))
    assert.equal(3, #server:requests())
  end)
end)
