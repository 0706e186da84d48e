-- Answers that a server, or a gateway on the way, has compressed.

local gzip = require "spec.support.gzip"
local json = require "anthropic.base.json"
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
