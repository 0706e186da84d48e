-- Messages and events in the shape of a chat completion, and what is read of that again.

local chunk_events = require "spec.support.chunk_events"
local completion_writer = require "anthropic.message.completion_writer"
local json = require "anthropic.base.json"
local message = require "anthropic.message.message"
local odd_streams = require "spec.support.odd_streams"
local stop_reasons = require "anthropic.message.stop_reasons"
local streams = require "spec.support.streams"

local function inputs_of(read)
  local calls = {}
  for i, call in ipairs(read:tool_uses()) do
    calls[i] = { call.id, call.name, call.input_json or json.input_text(call.input) }
  end
  return calls
end

local function prompt_of(usage)
  return (usage.input_tokens or 0) + (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)
end

-- All that both shapes know of an answer.
local function facts_of(read)
  local calls = inputs_of(read)
  local usage = read.usage or {}
  return {
    text = read:text(),
    thinking = read:thinking(),
    calls = calls,
    reason = stop_reasons.of(stop_reasons.to_completion(read.stop_reason, calls[1] ~= nil), calls[1] ~= nil),
    prompt = prompt_of(usage),
    cached = usage.cache_read_input_tokens,
    output = usage.output_tokens or 0,
    reasoning = type(usage.output_tokens_details) == "table" and usage.output_tokens_details.thinking_tokens or nil,
  }
end

-- The chunks, the message, and whether the blocks began in the order of their indices: a text that was handed on cannot
-- come behind one that begins later.
local function chunks_of(bytes, options)
  local opened, encoder, chunks = streams.open(bytes), completion_writer.encoder(options), {}
  local last, is_ordered = {}, true
  local event, err = opened:next()
  while event do
    if event.type == "content_block_start" then
      local kind = event.content_block.type
      is_ordered = is_ordered and event.index >= (last[kind] or event.index)
      last[kind] = event.index
    end
    for _, chunk in ipairs(encoder:feed(event)) do
      chunks[#chunks + 1] = chunk
    end
    event, err = opened:next()
  end
  for _, chunk in ipairs(encoder:finish()) do
    chunks[#chunks + 1] = chunk
  end
  return chunks, not err and opened:message() or nil, is_ordered
end

local function read_again(chunks)
  local payloads = {}
  for i, chunk in ipairs(chunks) do
    payloads[i] = assert(json.encode(chunk))
  end
  payloads[#payloads + 1] = "[DONE]"
  return assert(streams.open(streams.of(payloads)):message())
end

local function check_round_trip(bytes, name)
  local chunks, whole, is_ordered = chunks_of(bytes, { include_usage = true })
  if not whole then
    return false
  end
  local expected, came = facts_of(whole), facts_of(read_again(chunks))
  if not is_ordered then
    assert.equal(#expected.text, #came.text)
    assert.equal(#expected.thinking, #came.thinking)
    came.text, came.thinking = expected.text, expected.thinking
    for _, facts in ipairs { came, expected } do
      table.sort(facts.calls, function(one, other) return one[1] < other[1] end)
    end
  end
  assert.same(expected, came, name)
  expected = facts_of(whole)
  local completion = assert(json.encode(completion_writer.from_message(whole)))
  assert.same(expected, facts_of(assert(streams.open(completion):message())), name .. ", whole")
  return true
end

describe("what is written as a chat completion", function()
  it("is read as the same, for all recorded streams", function()
    for name in io.popen("ls spec/fixtures/*.sse"):lines() do
      assert.is_true(check_round_trip(streams.read(name:match "([%w_]+)%.sse$"), name))
    end
  end)

  it("is read as the same, for streams of chance", function()
    for _, kind in ipairs { "native", "chat" } do
      for seed = 1, 60 do
        assert.is_true(check_round_trip(streams.of((odd_streams[kind](seed))), kind .. " " .. seed))
      end
    end
  end)

  it("never raises", function()
    for seed = 1, 100 do
      check_round_trip(streams.of((odd_streams.anything(seed))), "anything " .. seed)
    end
  end)
end)

describe("the chunks of events", function()
  local feed, encoder

  before_each(function()
    encoder, feed = chunk_events.encoder_of { id = "c", model = "m", created = 1 }
    assert.equal("[" .. chunk_events.chunk '{"content":"","role":"assistant"}' .. "]",
      feed { type = "message_start", message = { id = "msg_1", model = "x" } })
  end)

  it("have the tokens at the end where they are asked for", function()
    local counting = completion_writer.encoder { include_usage = true, created = 1 }
    local first = counting:feed { type = "message_start", message = {
      id = "msg_1", model = "m", usage = { input_tokens = 3, cache_read_input_tokens = 4, output_tokens = 1 },
    } }
    assert.equal(json.null, first[1].usage)
    counting:feed { type = "message_delta", delta = { stop_reason = "end_turn" }, usage = {
      output_tokens = 7, output_tokens_details = { thinking_tokens = 2 }, server_tool_use = { web_search_requests = 1 },
    } }
    counting:feed { type = "message_stop" }
    assert.equal('[{"choices":[],"created":1,"id":"msg_1","model":"m","object":"chat.completion.chunk","usage":'
      .. '{"completion_tokens":7,"completion_tokens_details":{"reasoning_tokens":2},"prompt_tokens":7,'
      .. '"prompt_tokens_details":{"cached_tokens":4},"server_tool_use":{"web_search_requests":1},"total_tokens":14}}]',
      json.encode(counting:finish()))
    local empty = completion_writer.encoder { include_usage = true }
    assert.same({ prompt_tokens = 0, completion_tokens = 0, total_tokens = 0 }, empty:finish()[1].usage)
  end)

  it("end once, and with an error", function()
    local counting = completion_writer.encoder { include_usage = true }
    counting:feed { type = "message_start", message = {} }
    counting:feed { type = "message_stop" }
    assert.equal(1, #counting:finish())
    assert.same({}, counting:finish())
    assert.same({}, counting:feed(chunk_events.start { type = "text", text = "late" }))

    assert.equal('[{"error":{"code":null,"message":"Busy","param":null,"type":"overloaded_error"}}]',
      feed { type = "error", error = { type = "overloaded_error", message = "Busy" } })
    assert.equal("[]", feed { type = "error", error = 5 })
    assert.same({}, encoder:finish())
    local silent = completion_writer.encoder()
    assert.equal("api_error", silent:feed({ type = "error" })[1].error.type)
    for _, event in ipairs { { type = "error", error = "Busy" }, { type = "error", message = "Busy" } } do
      assert.equal("Busy", completion_writer.encoder():feed(event)[1].error.message)
    end
  end)

  it("are of events alone", function()
    for _, value in ipairs { "x", 5, true } do
      local ok, words = pcall(encoder.feed, encoder, value)
      assert.is_false(ok)
      assert.truthy(words:find("encoder:feed: table expected, got " .. type(value), 1, true), words)
    end
  end)

  it("have the number of the choice", function()
    local third = completion_writer.encoder { index = 2 }
    assert.equal(2, third:feed({ type = "message_start", message = {} })[1].choices[1].index)
    local other = { type = "message_start", message = {}, choice = 1, raw = {} }
    assert.equal(3, third:feed(other)[1].choices[1].index)
  end)
end)

describe("a message as a chat completion", function()
  local function completion_of(fields)
    local completion = completion_writer.from_message(message.new(fields))
    assert.is_number(completion.created)
    completion.created = nil
    return json.encode(completion)
  end

  it("may say nothing at all", function()
    assert.equal('{"choices":[{"finish_reason":"stop","index":0,"logprobs":null,"message":{"content":"","refusal":null,'
      .. '"role":"assistant"}}],"id":"","model":"","object":"chat.completion"}', completion_of {})
    assert.equal(completion_of {}, completion_of { content = {}, usage = {} })
  end)

  it("has text, thinking, calls, the reason and the tokens", function()
    local call = { type = "tool_use", id = "a", name = "f" }
    json.tool_input(call, '{"x": 1.0}')
    assert.equal('{"choices":[{"finish_reason":"tool_calls","index":0,"logprobs":null,"message":{"content":"AB",'
      .. '"reasoning_content":"Hm","refusal":null,"role":"assistant",'
      .. '"thinking_blocks":[{"signature":"s","thinking":"Hm","type":"thinking"},'
      .. '{"data":"d","type":"redacted_thinking"}],'
      .. '"tool_calls":[{"function":{"arguments":"{\\"x\\": 1.0}","name":"f"},"id":"a","type":"function"}]}}],'
      .. '"id":"msg_1","model":"m","object":"chat.completion",'
      .. '"usage":{"completion_tokens":2,"prompt_tokens":1,"total_tokens":3}}', completion_of {
      id = "msg_1", model = "m", stop_reason = "tool_use", usage = { input_tokens = 1, output_tokens = 2 },
      content = {
        { type = "thinking", thinking = "Hm", signature = "s" }, { type = "redacted_thinking", data = "d" },
        { type = "text", text = "A" }, { type = "text", text = "B" }, call,
      },
    })
  end)

  it("has null for content where it only calls", function()
    local completion = completion_writer.from_message { content = { { type = "tool_use", id = "a", name = "f" } } }
    assert.equal(json.null, completion.choices[1].message.content)
    assert.equal("{}", completion.choices[1].message.tool_calls[1]["function"].arguments)
    local broken = { type = "tool_use", id = "a", name = "f", input_json = '{"x', input_error = "cut off" }
    assert.equal('{"x', completion_writer.from_message({ content = { broken } }).choices[1].message
      .tool_calls[1]["function"].arguments)
  end)

  it("has what else a call's block has beside the call", function()
    local completion = completion_writer.from_message { content = { {
      type = "tool_use", id = "a", name = "f", input = {}, index = 3, ["function"] = "x", toolset_name = json.null,
      caller = { type = "code_execution_20250825", tool_id = "s" },
    } } }
    assert.equal('[{"caller":{"tool_id":"s","type":"code_execution_20250825"},"function":{"arguments":"{}","name":"f"},'
      .. '"id":"a","type":"function"}]', json.encode(completion.choices[1].message.tool_calls))
  end)

  it("has the input of a call as its text, however it stands in a message from elsewhere", function()
    for input, text in pairs { ['{"x":'] = '{"x":', ['{"x": 1}'] = '{"x": 1}', [json.null] = "{}" } do
      local block = { type = "tool_use", id = "a", name = "f", input = input }
      assert.equal(text, completion_writer.from_message({ content = { block } }).choices[1].message
        .tool_calls[1]["function"].arguments)
      assert.equal(input, block.input)
    end
  end)

  it("keeps what has no place of its own", function()
    local block = { type = "web_search_tool_result", tool_use_id = "s", content = {} }
    local made = completion_writer.from_message {
      content = { block, { type = "text", text = "A", citations = { { type = "page_location" } } } },
    }
    assert.same({ blocks = { block }, citations = { { type = "page_location" } } },
      made.choices[1].message.provider_specific_fields)
  end)

  it("has the calls of the model that answered last alone, and those before a fallback as blocks", function()
    local function call(id)
      return { type = "tool_use", id = id, name = "f", input = { x = id } }
    end
    local fallback = { type = "fallback", from = { model = "m" }, to = { model = "n" } }
    local said = completion_writer.from_message({ content = { call "a", fallback, call "b" } }).choices[1].message
    assert.equal(1, #said.tool_calls)
    assert.equal("b", said.tool_calls[1].id)
    assert.same({ call "a", fallback }, said.provider_specific_fields.blocks)
    local made = completion_writer.from_message { content = { call "a", fallback }, stop_reason = "end_turn" }
    assert.is_nil(made.choices[1].message.tool_calls)
    assert.equal("stop", made.choices[1].finish_reason)
  end)

  it("has what a server sent that no block says", function()
    local images = { images = { "i" } }
    local signature = { tool_calls = { id = "a", extra_content = { x = 1 } } }
    local made = completion_writer.from_message {
      content = { { type = "text", text = "A" } },
      unknown_deltas = { { delta = images }, { index = 0, delta = signature }, { index = 1 } },
    }
    assert.same({ deltas = { images, signature } }, made.choices[1].message.provider_specific_fields)
  end)

  it("takes a field of the server's own for no deltas", function()
    for _, field in ipairs { 5, "x", {}, { 5 }, { { delta = "x" } }, { x = 1 }, { { delta = { 5 } } } } do
      local content = { { type = "text", text = "A" } }
      local made = completion_writer.from_message { content = content, unknown_deltas = field }
      assert.equal("A", made.choices[1].message.content)
      assert.is_string(json.encode(made))
    end
  end)

  it("takes a field of the server's own for no choices", function()
    for _, field in ipairs { 5, "x", {}, { 5 }, { { content = "B" } }, { {}, 5 } } do
      local made = completion_writer.from_message { content = { { type = "text", text = "A" } }, choices = field }
      assert.equal("A", made.choices[1].message.content)
    end
  end)

  it("keeps what is no block among the content of a message from elsewhere", function()
    local written = completion_writer.from_message { content = { "A", 5, { type = "text", text = "B" } } }
    local said = written.choices[1].message
    assert.same({ "AB", { 5 } }, { said.content, said.provider_specific_fields.blocks })
  end)

  it("has one citation that is no list", function()
    local made = completion_writer.from_message { content = { type = "text", text = "A", citations = { n = 1 } } }
    assert.same({ { n = 1 } }, made.choices[1].message.provider_specific_fields.citations)
  end)

  it("has what stands behind a missing block", function()
    local content = { { type = "text", text = "a" }, { type = "tool_use", id = "t", name = "f", input = { b = 1 } } }
    content[1] = nil
    local written = completion_writer.from_message(message.new { role = "assistant", content = content })
    assert.equal("t", written.choices[1].message.tool_calls[1].id)
  end)

  it("has a choice for each", function()
    local whole = message.of_choices {
      message.new { content = { { type = "text", text = "A" } } },
      message.new { content = { { type = "text", text = "B" } } },
    }
    local made = completion_writer.from_message(whole)
    assert.equal("A", made.choices[1].message.content)
    assert.equal("B", made.choices[2].message.content)
    assert.equal(1, made.choices[2].index)
  end)
end)
