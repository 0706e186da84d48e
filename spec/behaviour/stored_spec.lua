-- Conversations that are stored as text, read again and gone on with.

local anthropic = require "anthropic"
local json = require "anthropic.base.json"
local hosted = require "spec.support.hosted"
local testing = require "anthropic.testing"

describe("a stored conversation", function()
  local server, client

  local function serve(...)
    server = hosted.server { script = { ... }, on_end = "error" }
    client = anthropic.new { base_url = server.url, api_key = "test-key", max_retries = 0 }
  end

  after_each(function()
    if server then
      client:close()
      server:stop()
      server = nil
    end
  end)

  -- Through text, as a file would keep it.
  local function stored(value)
    local text = assert(anthropic.encode(value))
    local again = assert(anthropic.decode(text))
    assert.equal(text, anthropic.encode(again))
    return again
  end

  local INPUTS = {
    '{ "z": 1.0,"a" :[ ], "o":{ },"n":null, "s":"\\u00e9\\/", "l":[{"x":1e2}]}',
    '{"id":12345678901234567890,"at":9007199254740993,"far":-9223372036854775809}',
    '{"huge":1e400,"zero":-0,"one":1.0,"tiny":1e-400}',
    '{"a":1,"a":2}',
    "{}",
    '{"type":"tool_use","input":{ "b":[ ]}}',
  }

  local function blocks_with(inputs)
    local blocks = {}
    for i, input in ipairs(inputs) do
      local kind = ({ "tool_use", "server_tool_use", "mcp_tool_use" })[i % 3 + 1]
      blocks[i] = ('{"type":"%s","id":"t%d","name":"f","input":%s}'):format(kind, i, input)
    end
    return table.concat(blocks, ",")
  end

  local ANSWER = '{"id":"msg_1","type":"message","role":"assistant","model":"m","content":['
    .. '{"type":"thinking","thinking":"Hm.","signature":"EqQB+/=="},'
    .. '{"type":"text","text":"Let me see.","citations":null},' .. blocks_with(INPUTS)
    .. ',{"type":"hologram","at":12345678901234567890,"layers":[],"label":null}],"stop_reason":"tool_use",'
    .. '"stop_sequence":null,"mood":"fine","container":null,"usage":{"input_tokens":1,"output_tokens":2,'
    .. '"cache_creation":null}}'

  -- The same answer as a stream, the inputs in pieces.
  local function as_stream()
    local function event(data)
      return ("event: %s\ndata: %s\n\n"):format(data:match '"type":"([%w_]+)"', data)
    end
    local events, index = {}, 0
    local function add(data)
      events[#events + 1] = event(data)
    end
    local function block(start, delta)
      add(('{"type":"content_block_start","index":%d,"content_block":%s}'):format(index, start))
      for _, data in ipairs(delta or {}) do
        add(('{"type":"content_block_delta","index":%d,"delta":%s}'):format(index, data))
      end
      add(('{"type":"content_block_stop","index":%d}'):format(index))
      index = index + 1
    end
    add('{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m",'
      .. '"content":[],"stop_reason":null,"stop_sequence":null,"mood":"fine","container":null,'
      .. '"usage":{"input_tokens":1,"output_tokens":1,"cache_creation":null}}}')
    block('{"type":"thinking","thinking":"","signature":""}', {
      '{"type":"thinking_delta","thinking":"Hm."}', '{"type":"signature_delta","signature":"EqQB+/=="}',
    })
    block('{"type":"text","text":"","citations":null}', { '{"type":"text_delta","text":"Let me see."}' })
    for i, input in ipairs(INPUTS) do
      local kind = ({ "tool_use", "server_tool_use", "mcp_tool_use" })[i % 3 + 1]
      local pieces = {}
      for piece in input:gmatch "..?.?.?.?.?.?" do
        pieces[#pieces + 1] = '{"type":"input_json_delta","partial_json":' .. json.encode(piece) .. "}"
      end
      block(('{"type":"%s","id":"t%d","name":"f","input":{}}'):format(kind, i), pieces)
    end
    block '{"type":"hologram","at":12345678901234567890,"layers":[],"label":null}'
    add '{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":2}}'
    add '{"type":"message_stop"}'
    return { headers = { ["Content-Type"] = "text/event-stream" }, body = table.concat(events) }
  end

  local TOOLS = { { name = "f", input_schema = { type = "object", properties = { big = { maximum = 2 ^ 63 } } } } }

  local function params(messages)
    return { model = "m", max_tokens = 10, tools = TOOLS, messages = messages }
  end

  local function history(answer)
    return {
      { role = "user", content = "Hi" },
      answer,
      { role = "user", content = { { type = "tool_result", tool_use_id = "t2", content = "21", is_error = false } } },
    }
  end

  for name, given in pairs { ["whole answer"] = { body = ANSWER }, ["streamed answer"] = as_stream() } do
    it("goes out with the same bytes: " .. name, function()
      local done = testing.message { text = "Done." }
      serve(given, done, done, done)
      local first = params { { role = "user", content = "Hi" } }
      first.stream = name == "streamed answer" or nil
      local answer = assert(client.messages.create(first))
      answer = first.stream and assert(answer:message()) or answer
      assert(client.messages.create(params(history(answer))))
      assert(client.messages.create(params(stored(history(answer)))))
      assert(client.messages.create(stored(params(history(answer)))))
      local requests = server:requests()
      assert.equal(requests[2].body, requests[3].body)
      assert.equal(requests[2].body, requests[4].body)
      for _, input in ipairs(INPUTS) do
        assert.truthy(requests[4].body:find('"input":' .. input .. ',"name"', 1, true), input)
      end
      assert.truthy(requests[4].body:find('{"at":12345678901234567890,', 1, true))
      assert.is_nil(requests[4].body:find("msg_1", 1, true))
    end)

    it("has all of the answer: " .. name, function()
      serve(given)
      local first = params { { role = "user", content = "Hi" } }
      first.stream = name == "streamed answer" or nil
      local answer = assert(client.messages.create(first))
      answer = first.stream and assert(answer:message()) or answer
      answer.parsed = print
      assert.equal(anthropic.encode(anthropic.decode(ANSWER)), anthropic.encode(answer))
      local again = stored { answer }[1]
      assert.equal("msg_1", again.id)
      assert.equal(2, again.usage.output_tokens)
      assert.equal("tool_use", again.stop_reason)
      assert.equal(anthropic.null, again.container)
      assert.equal(anthropic.null, again.usage.cache_creation)
      assert.is_nil(again.response)
    end)
  end

  it("keeps what is known of a broken input, which no request sends", function()
    serve(
      testing.stream {
        tool_uses = { { name = "f", id = "t1", input_json = '{"path": "/tm' } }, stop_reason = "max_tokens",
      },
      testing.message { text = "Done." }, testing.message { text = "Done." })
    local answer = assert(client.messages.stream(params { { role = "user", content = "Hi" } })):message()
    local again = stored(history(answer))
    local block = again[2].content[1]
    assert.is_nil(block.input)
    assert.equal('{"path": "/tm', block.input_json)
    assert.matches("unexpected end", block.input_error)
    assert(client.messages.create(params(history(answer))))
    assert(client.messages.create(params(again)))
    local requests = server:requests()
    assert.equal(requests[2].body, requests[3].body)
    assert.truthy(requests[3].body:find('{"id":"t1","input":{},"name":"f","type":"tool_use"}', 1, true))
  end)

  it("is that of a run, too", function()
    local tool = anthropic.tool { name = "f", run = function(input) return input end }
    serve(
      testing.message { tool_uses = { { name = "f", id = "t1", input_json = '{ "b":[ ],"a":12345678901234567890}' } } },
      testing.message { text = "Done." }, testing.message { text = "Bye." }, testing.message { text = "Bye." })
    local fields = params { { role = "user", content = "Hi" } }
    fields.tools = { tool }
    local _, run = assert(client.messages.run(fields))
    local more = { role = "user", content = "More" }
    local kept = stored(run.messages)
    run.messages[#run.messages + 1], kept[#kept + 1] = more, more
    assert(client.messages.create(params(run.messages)))
    assert(client.messages.create(params(kept)))
    local requests = server:requests()
    assert.equal(requests[3].body, requests[4].body)
    assert.truthy(requests[4].body:find('"input":{ "b":[ ],"a":12345678901234567890}', 1, true))
  end)

  it("has fields of the answer at their place that would hide something of ours", function()
    serve { body = '{"type":"message","role":"assistant","content":[{"type":"text","text":"Hello"}],"text":"t",'
      .. '"response":{"a":[]},"raw":"r","choices":[],"parsed":null,"extra":1,"usage":{}}' }
    local answer = assert(client.messages.create(params { { role = "user", content = "Hi" } }))
    assert.equal("Hello", answer:text())
    assert.equal(200, answer.response.status)
    assert.equal("t", answer.extra.text)
    assert.equal("r", answer.extra.raw)
    assert.equal('{"choices":[],"content":[{"text":"Hello","type":"text"}],"extra":1,"parsed":null,"raw":"r",'
      .. '"response":{"a":[]},"role":"assistant","text":"t","type":"message","usage":{}}', anthropic.encode(answer))
  end)

  it("has its parameters sent with the same digits, however they are divided on the way", function()
    local TEXT = '{"max_tokens":1,"messages":[{"content":"Hi","role":"user"}],"model":"m",'
      .. '"seed":12345678901234567890,"share":0.1234567890123456789}'
    local function with_betas()
      local fields = anthropic.decode(TEXT)
      fields.betas = { "b" }
      return fields
    end
    local answer = testing.message { text = "Hello." }
    serve(answer, answer, answer, testing.stream { text = "Hello." }, { body = { input_tokens = 1 } }, answer, answer,
      answer)
    assert(client.messages.create(anthropic.decode(TEXT)))
    assert(client.messages.create(with_betas()))
    assert(client:request { path = "/v1/messages", body = anthropic.decode(TEXT) })
    assert(assert(client.messages.stream(anthropic.decode(TEXT))):message())
    assert(client.messages.count_tokens(with_betas()))
    assert(client.messages.map { anthropic.decode(TEXT) })
    assert(client.messages.run(anthropic.decode(TEXT)))
    local fields = anthropic.decode(TEXT)
    fields.messages = nil
    assert(client:chat(fields):say "Hi")
    local streamed = TEXT:gsub("}$", ',"stream":true}')
    for i, expected in ipairs { TEXT, TEXT, TEXT, streamed, TEXT, TEXT, TEXT, TEXT } do
      assert.equal(expected, server:requests()[i].body, i)
    end
  end)
end)
