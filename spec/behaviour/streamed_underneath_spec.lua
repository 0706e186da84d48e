local anthropic = require "anthropic"
local hosted = require "spec.support.hosted"
local testing = require "anthropic.testing"

describe("a message that is streamed underneath", function()
  local server, client

  local function serve(script)
    server = hosted.server { script = script }
    client = anthropic.new { base_url = server.url, api_key = "test-key", max_retries = 1 }
  end

  local function params(fields)
    fields.model, fields.messages = "m", { { role = "user", content = "go" } }
    return fields
  end

  after_each(function()
    if server then
      client:close()
      server:stop()
      server = nil
    end
  end)

  it("is one that may take longer than ten minutes", function()
    serve { testing.stream { text = "whole" } }
    local message = assert(client.messages.create(params { max_tokens = 21334 }))
    assert.equal("whole", message:text())
    assert.equal("end_turn", message.stop_reason)
    assert.equal(200, message.response.status)
    assert.is_true(server:requests()[1].json.stream)
  end)

  it("is not one that takes less", function()
    serve { testing.message { text = "whole" } }
    local message = assert(client.messages.create(params { max_tokens = 21333 }))
    assert.equal("whole", message:text())
    assert.is_nil(server:requests()[1].json.stream)
  end)

  it("is not one that the caller wants whole", function()
    serve { testing.message { text = "whole" } }
    assert(client.messages.create(params { max_tokens = 100000, stream = false }))
    assert.is_false(server:requests()[1].json.stream)
  end)

  it("comes whole from a server that does not stream", function()
    serve { testing.message { text = "whole" } }
    local message = assert(client.messages.create(params { max_tokens = 100000 }))
    assert.equal("whole", message:text())
    assert.is_nil(message.response.timings.tokens_per_second)
  end)

  it("is asked for again when the stream breaks before its content", function()
    local broken = testing.stream { content = {}, error = { type = "overloaded_error", message = "busy" } }
    serve { broken, testing.stream { text = "whole" } }
    local message = assert(client.messages.create(params { max_tokens = 100000 }))
    assert.equal("whole", message:text())
    assert.equal(2, message.response.attempts)
  end)

  it("leaves what arrived in the error when the stream breaks later", function()
    serve { testing.stream { text = "half of it", error = { type = "overloaded_error", message = "busy" } } }
    local message, err = client.messages.create(params { max_tokens = 100000 })
    assert.is_nil(message)
    assert.equal("overloaded_error", err.type)
    assert.equal("half of it", err.partial:text())
    assert.equal(1, err.attempts)
  end)
end)

describe("the timings of a stream", function()
  local server

  after_each(function()
    server:stop()
  end)

  local function read(answer, fields)
    server = hosted.server { script = { answer } }
    local client = anthropic.new { base_url = server.url, api_key = "test-key" }
    local stream = assert(client.messages.stream {
      model = "m", max_tokens = 10, messages = { { role = "user", content = "go" } }, stream = fields,
    })
    return assert(stream:message()).response.timings
  end

  it("have the first text and the speed", function()
    local timings = read(testing.stream {
      thinking = "Hm.", text = "one two three", delay_between = 0.02, usage = { output_tokens = 100 },
    })
    assert.is_true(timings.first_text > timings.first_byte)
    assert.is_true(timings.first_text < timings.total)
    assert.is_true(timings.tokens_per_second > 100 / (timings.total + 1))
    assert.is_true(timings.tokens_per_second < 100 / 0.04)
  end)

  it("have no first text where there is no text", function()
    local timings = read(testing.stream { tool_uses = { { name = "f", input = {} } } })
    assert.is_nil(timings.first_text)
    assert.is_number(timings.tokens_per_second)
  end)
end)
