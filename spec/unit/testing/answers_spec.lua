local json = require "anthropic.testing.json"
local pieces = require "anthropic.testing.pieces"
local script = require "anthropic.testing.script"
local serialize = require "anthropic.testing.serialize"
local testing = require "anthropic.testing"

local all_bytes = {}
for byte = 0, 255 do
  all_bytes[#all_bytes + 1] = string.char(byte)
end
all_bytes = table.concat(all_bytes)

describe("serialized data", function()
  it("comes back equal", function()
    local value = {
      1, -2, 0.1, 1e300, math.huge, -math.huge, true, false, "", all_bytes, "}t{n1;",
      { nested = { deeper = { "x" } }, [3.5] = "half", [all_bytes] = 1 }, {},
    }
    assert.same(value, serialize.load(serialize.dump(value)))
  end)

  it("refuses what is no plain data, by name", function()
    local loop = {}
    loop.again = loop
    local function refused(value, message)
      assert.has_error(function() serialize.dump(value, "x") end, message)
    end
    refused({ a = { print } }, "x.a[1]: a function cannot be sent to the server")
    refused(loop, "x.again: the table contains itself")
    refused({ 0 / 0 }, "x[1]: not a number")
  end)

  it("takes the same table twice where it does not contain itself", function()
    local shared = { 1 }
    assert.same({ { 1 }, { 1 } }, serialize.load(serialize.dump { shared, shared }))
  end)
end)

describe("the JSON of answers", function()
  it("escapes what JSON needs escaped and leaves the rest", function()
    assert.equal('"a\\"\\\\/\\n\\u0000\\u001f\127é😀"', json.encode('a"\\/\n\0\31\127é😀'))
  end)

  it("writes numbers exactly", function()
    assert.equal("[1,-5,0.1,1e+300,1.5,9007199254740991]", json.encode { 1, -5, 0.1, 1e300, 1.5, 9007199254740991 })
  end)

  it("tells arrays from objects and puts raw text in", function()
    assert.equal('{"a":[],"b":{},"c":null,"d":{broken}',
      json.encode { a = json.array {}, b = {}, c = json.null, d = json.raw "{broken" })
  end)

  it("refuses what JSON has not", function()
    assert.has_error(function() json.encode { print } end, "JSON has no function")
    assert.has_error(function() json.encode { a = 1, [true] = 2 } end)
  end)
end)

describe("pieces of a text", function()
  local texts = {
    "", " ", "a", "Hello big world", "  leading and trailing  ", "你好世界，很高兴见到你们大家", "a👩‍👩‍👧b",
    ("long"):rep(50), all_bytes, ("\128"):rep(40), "tab\tand\nline\n\n",
  }

  it("make up the text again", function()
    for _, text in ipairs(texts) do
      assert.equal(text, table.concat(pieces.words(text)))
      for count = 1, 20 do
        assert.equal(text, table.concat(pieces.count(text, count)))
      end
    end
  end)

  it("are not empty and begin with a character", function()
    for _, text in ipairs { texts[4], texts[6], texts[7], texts[8] } do
      for _, list in ipairs { pieces.words(text), pieces.count(text, 3), pieces.count(text, 1000) } do
        for _, piece in ipairs(list) do
          local byte = piece:byte()
          assert.is_true(byte < 128 or byte >= 192)
        end
      end
    end
  end)

  it("are words, or as many as asked for", function()
    assert.same({ "Hello", " big", " world", " " }, pieces.words("Hello big world "))
    assert.same({ "ab", "cd", "ef" }, pieces.count("abcdef", 3))
    assert.same({ "你", "好" }, pieces.count("你好", 5))
    assert.same({}, pieces.count("", 3))
  end)
end)

describe("an answer's builder", function()
  local function event_names(answer)
    local names = {}
    for index, event in ipairs(answer.events) do
      names[index] = event.data.delta and event.data.delta.type or event.data.type
      assert.equal(event.data.type, event.event)
    end
    return names
  end

  local function joined(answer, field)
    local parts = {}
    for _, event in ipairs(answer.events) do
      parts[#parts + 1] = event.data.delta and event.data.delta[field]
    end
    return table.concat(parts)
  end

  it("makes a whole message", function()
    local body = testing.message({
      thinking = "Hm", signature = "sig", text = "Hi", tool_uses = { { name = "look", input = { at = "x" } } },
      usage = { input_tokens = 3 },
    }).body
    assert.equal('{"type":"message","id":"msg_test","role":"assistant","model":"claude-test","content":['
      .. '{"type":"thinking","thinking":"Hm","signature":"sig"},{"type":"text","text":"Hi"},'
      .. '{"type":"tool_use","id":"toolu_test_1","name":"look","input":{"at":"x"}}],'
      .. '"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":20}}',
      json.encode(body))
  end)

  it("streams events in the API's order", function()
    local answer = testing.stream {
      thinking = "Let me see", text = "Hello 你好", pieces = 2,
      tool_uses = { { name = "look", input = { at = "x" } } }, usage = { input_tokens = 7, output_tokens = 99 },
    }
    assert.same({
      "message_start",
      "content_block_start", "ping", "thinking_delta", "thinking_delta", "signature_delta", "content_block_stop",
      "content_block_start", "text_delta", "text_delta", "content_block_stop",
      "content_block_start", "input_json_delta", "input_json_delta", "input_json_delta", "content_block_stop",
      "message_delta", "message_stop",
    }, (function()
      local names = event_names(answer)
      names[#names - 1] = answer.events[#names - 1].data.type
      return names
    end)())
    assert.equal("Let me see", joined(answer, "thinking"))
    assert.equal("Hello 你好", joined(answer, "text"))
    assert.equal('{"at":"x"}', joined(answer, "partial_json"))
    local start = answer.events[1].data.message
    assert.same({ input_tokens = 7, output_tokens = 1 }, start.usage)
    assert.equal("[]", json.encode(start.content))
    local final = answer.events[#answer.events - 1].data
    assert.equal("tool_use", final.delta.stop_reason)
    assert.same({ output_tokens = 99 }, final.usage)
  end)

  it("streams a tool's broken JSON and a block of unknown type as they are", function()
    local answer = testing.stream {
      content = { { type = "redacted_thinking", data = "abc" } },
    }
    assert.same({ type = "redacted_thinking", data = "abc" }, answer.events[2].data.content_block)
    assert.equal("content_block_stop", answer.events[4].data.type)
    answer = testing.stream { tool_uses = { { name = "x", input_json = '{"a":' } } }
    assert.equal('{"a":', joined(answer, "partial_json"))
  end)

  it("ends a stream with an error event", function()
    local answer = testing.stream { text = "Hi", error = { type = "overloaded_error", message = "busy" } }
    assert.same({ "message_start", "content_block_start", "ping", "text_delta", "error" }, event_names(answer))
  end)

  it("passes an answer's own fields on, and refuses others", function()
    local answer = testing.stream { text = "Hi", delay_between = 0.5, cut_after = 3, headers = { a = "b" } }
    assert.equal(0.5, answer.delay_between)
    assert.equal(3, answer.cut_after)
    assert.same({ a = "b" }, answer.headers)
    assert.has_error(function() testing.stream { txt = "Hi" } end, "anthropic.testing: no such field: txt")
    assert.has_error(function() testing.error { text = "Hi" } end, "anthropic.testing: no such field: text")
  end)

  it("refuses fields that would be left out, or are none", function()
    for words, build in pairs {
      ["text: string expected, got number"] = function() testing.stream { text = 5 } end,
      ["thinking: string expected, got boolean"] = function() testing.message { thinking = true } end,
      ["content: list expected, got string"] = function() testing.message { content = "x" } end,
      ["content: a list of tables expected"] = function() testing.message { content = { "x" } } end,
      ["tool_uses: list expected, got string"] = function() testing.message { tool_uses = "x" } end,
      ["tool_uses: a list of tables expected"] = function() testing.stream { tool_uses = { name = "f" } } end,
      ["tool_uses: a list of tables expected, [2] is missing"] = function()
        testing.stream { tool_uses = { { name = "f" }, nil, { name = "g" } } }
      end,
      ["usage: table expected, got number"] = function() testing.message { usage = 5 } end,
      ["pieces: a whole number, 1 or more, expected"] = function() testing.stream { text = "ab", pieces = 0 } end,
      ["status: number expected, got string"] = function() testing.error { status = "500" } end,
      ["choices: list expected, got string"] = function() testing.completion { choices = "x" } end,
      ["tool_calls: a list of tables expected"] = function() testing.completion_stream { tool_calls = { "x" } } end,
    } do
      assert.has_error(build, "anthropic.testing: " .. words)
    end
  end)

  it("makes an error", function()
    local answer = testing.error { status = 529, message = "busy", retry_after = 2, request_id = "req_x" }
    assert.equal(529, answer.status)
    assert.equal("req_x", answer.request_id)
    assert.same({ ["retry-after"] = 2 }, answer.headers)
    assert.equal('{"type":"error","error":{"type":"overloaded_error","message":"busy"},"request_id":"req_x"}',
      json.encode(answer.body))
    assert.equal("api_error", testing.error({}).body.error.type)
    assert.equal("mine", testing.error({ status = 400, type = "mine" }).body.error.type)
  end)

  it("makes a chat completion", function()
    local body = testing.completion({
      choices = {
        { content = "a", reasoning = "r" },
        { tool_calls = { { name = "look", arguments = { at = "x" } } } },
      },
    }).body
    assert.equal('{"index":0,"message":{"role":"assistant","content":"a","reasoning_content":"r"},'
      .. '"finish_reason":"stop"}',
      json.encode(body.choices[1]))
    assert.equal('{"index":1,"message":{"role":"assistant","content":null,"tool_calls":['
      .. '{"type":"function","id":"call_test_1","function":{"name":"look","arguments":"{\\"at\\":\\"x\\"}"}}]},'
      .. '"finish_reason":"tool_calls"}', json.encode(body.choices[2]))
    body.choices = nil
    assert.equal('{"id":"chatcmpl-test","object":"chat.completion","created":1700000000,"model":"claude-test",'
      .. '"usage":{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21}}', json.encode(body))
  end)

  it("streams a chat completion, its choices in turn", function()
    local answer = testing.completion_stream {
      choices = { { content = "a b" }, { reasoning = "r", tool_calls = { { name = "f", arguments = "{}" } } } },
    }
    local seen = {}
    for index, event in ipairs(answer.events) do
      assert.is_nil(event.event)
      if type(event.data) == "table" then
        local choice = event.data.choices[1]
        local delta = choice.delta
        local call = delta.tool_calls and delta.tool_calls[1]["function"]
        seen[index] = choice.index .. ":" .. (delta.role or delta.content or delta.reasoning_content
          or call and (call.name or call.arguments) or choice.finish_reason)
      else
        seen[index] = event.data
      end
    end
    assert.same({
      "0:assistant", "1:assistant", "0:a", "1:r", "0: b", "1:f", "1:{}", "0:stop", "1:tool_calls", "[DONE]",
    }, seen)
    assert.is_nil(answer.events[8].data.usage)
    assert.equal(21, answer.events[9].data.usage.total_tokens)
  end)

  it("can send usage in a chunk of its own and leave the end mark out", function()
    local events = testing.completion_stream({ content = "a", usage_alone = true, done = false }).events
    assert.equal("[]", json.encode(events[#events].data.choices))
    assert.equal(21, events[#events].data.usage.total_tokens)
    assert.is_nil(events[#events - 1].data.usage)
  end)
end)

describe("a message's builder", function()
  it("says why the message ends by what is in it, unless it is told", function()
    for _, build in ipairs {
      function(fields) return testing.message(fields).body end,
      function(fields)
        local events = testing.stream(fields).events
        return events[#events - 1].data.delta
      end,
    } do
      assert.equal("end_turn", build({ text = "x" }).stop_reason)
      assert.equal("end_turn", build({}).stop_reason)
      assert.equal("tool_use", build({ text = "x", tool_uses = { { name = "n" } } }).stop_reason)
      assert.equal("end_turn", build({ content = { { type = "server_tool_use", input = {} } } }).stop_reason)
      assert.equal("max_tokens", build({ tool_uses = { { name = "n" } }, stop_reason = "max_tokens" }).stop_reason)
      assert.equal(testing.null, build({}).stop_sequence)
      assert.equal("END", build({ stop_sequence = "END" }).stop_sequence)
    end
  end)

  it("takes blocks as they are, and leaves the caller's list alone", function()
    local content = { { type = "text", text = "x" } }
    local body = testing.message({ content = content, id = "i", model = "m", thinking = "unused" }).body
    assert.same({ "i", "m" }, { body.id, body.model })
    assert.equal(content[1], body.content[1])
    assert.not_equal(content, body.content)
    assert.is_nil(getmetatable(content))
    assert.equal("[]", json.encode(testing.message({ content = {} }).body.content))
    assert.equal("[]", json.encode(testing.message({}).body.content))
  end)

  it("numbers tool uses, and has an empty input where none is given", function()
    local content = testing.message({ thinking = "t", tool_uses = {
      { name = "a" }, { name = "b", id = "mine", input = { x = 1 } }, { name = "c", input_json = "{1" },
    } }).body.content
    assert.matches("c2lnbmF0dXJl", content[1].signature, 1, true)
    assert.equal('[{"type":"tool_use","id":"toolu_test_1","name":"a","input":{}},'
      .. '{"type":"tool_use","id":"mine","name":"b","input":{"x":1}},'
      .. '{"type":"tool_use","id":"toolu_test_3","name":"c","input":{1}]',
      json.encode(json.array { content[2], content[3], content[4] }))
  end)
end)

describe("a stream's builder", function()
  local function data_of(fields)
    local list = {}
    for i, event in ipairs(testing.stream(fields).events) do
      list[i] = json.encode(event.data)
    end
    return list
  end

  it("begins and ends blocks by their positions", function()
    local list = data_of { content = { { type = "text", text = "a" }, { type = "text", text = "b" } }, ping = false }
    assert.same({
      '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
      '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}',
      '{"type":"content_block_stop","index":0}',
      '{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}',
      '{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"b"}}',
      '{"type":"content_block_stop","index":1}',
    }, { list[2], list[3], list[4], list[5], list[6], list[7] })
    assert.equal(9, #list)
  end)

  it("counts its deltas as tokens where no usage is given", function()
    local list = data_of { text = "one two three" }
    assert.matches('"usage":{"output_tokens":4}', list[#list - 1], 1, true)
    assert.matches('"usage":{"input_tokens":10,"output_tokens":1}', list[1], 1, true)
    list = data_of {}
    assert.matches('"usage":{"output_tokens":1}', list[#list - 1], 1, true)
  end)

  it("sends citations before the text, signatures after the thinking, inputs in pieces", function()
    local list = data_of { ping = false, pieces = 1, content = {
      { type = "text", text = "x", citations = { { n = 1 }, { n = 2 } } },
      { type = "thinking", thinking = "h", signature = "s" }, { type = "thinking", thinking = "h" },
      { type = "mcp_tool_use", input = { a = 1 } },
    } }
    local text = table.concat(list, "\n")
    assert.matches('"content_block":{"type":"text","citations":[],"text":""}', text, 1, true)
    assert.matches('"delta":{"type":"citations_delta","citation":{"n":1}}}\n{"type":"content_block_delta","index":0,'
      .. '"delta":{"type":"citations_delta","citation":{"n":2}}}\n{"type":"content_block_delta","index":0,'
      .. '"delta":{"type":"text_delta","text":"x"}}\n', text, 1, true)
    assert.matches('"content_block":{"type":"thinking","thinking":"","signature":""}', text, 1, true)
    assert.matches('"delta":{"type":"thinking_delta","thinking":"h"}}\n{"type":"content_block_delta","index":1,'
      .. '"delta":{"type":"signature_delta","signature":"s"}}', text, 1, true)
    assert.equal(1, select(2, text:gsub("signature_delta", "")))
    assert.matches('"content_block":{"type":"mcp_tool_use","input":{}}', text, 1, true)
    assert.matches('"delta":{"type":"input_json_delta","partial_json":""}}\n{"type":"content_block_delta","index":3,'
      .. '"delta":{"type":"input_json_delta","partial_json":"{\\"a\\":1}"}}', text, 1, true)
  end)

  it("has a ping after the first block's start only, or none", function()
    local content = { { type = "text", text = "a" }, { type = "text", text = "b" } }
    local list = data_of { content = content }
    assert.equal('{"type":"ping"}', list[3])
    assert.equal(1, select(2, table.concat(list):gsub('"ping"', "")))
    assert.is_nil(table.concat(data_of { content = content, ping = false }):find "ping")
  end)

  it("ends with an error in place of the last block's end", function()
    local list = data_of { request_id = "req_1", error = { type = "t", message = "m" }, content = {
      { type = "text", text = "a" }, { type = "text", text = "b" } } }
    assert.equal('{"type":"error","error":{"type":"t","message":"m"},"request_id":"req_1"}', list[#list])
    assert.equal(1, select(2, table.concat(list):gsub("content_block_stop", "")))
    assert.is_nil(table.concat(list):find("message_stop", 1, true))
  end)
end)

describe("an error's builder", function()
  it("knows the type of each status", function()
    for status, name in pairs {
      [400] = "invalid_request_error", [401] = "authentication_error", [402] = "billing_error",
      [403] = "permission_error", [404] = "not_found_error", [409] = "conflict_error", [413] = "request_too_large",
      [429] = "rate_limit_error", [500] = "api_error", [504] = "timeout_error", [529] = "overloaded_error",
      [418] = "invalid_request_error", [499] = "invalid_request_error", [501] = "api_error", [503] = "api_error",
      [405] = "invalid_request_error", [505] = "api_error", [530] = "api_error", [414] = "invalid_request_error",
    } do
      local answer = testing.error { status = status }
      assert.same({ status, name }, { answer.status, answer.body.error.type })
    end
    assert.equal(500, testing.error({}).status)
  end)

  it("has words, an ID and headers of its own", function()
    local answer = testing.error {}
    assert.same({ "an error of the testing server", "req_test_error", "req_test_error" },
      { answer.body.error.message, answer.body.request_id, answer.request_id })
    assert.is_nil(answer.headers)
    local headers = { a = "b" }
    assert.same({ a = "b", ["retry-after"] = 3 }, testing.error({ headers = headers, retry_after = 3 }).headers)
    assert.same({ a = "b" }, headers)
    assert.equal(headers, testing.error({ headers = headers }).headers)
  end)
end)

describe("a wrong script", function()
  local function refused(source, message, on_end)
    local ok, failure = pcall(script.prepare, source, on_end)
    assert.is_false(ok)
    assert.equal("anthropic.testing: " .. message, failure)
  end

  it("is refused with the place of what is wrong", function()
    refused({}, "script: an answer, a list of answers, or routes expected")
    refused("other", "script: an answer, a list of answers, or routes expected")
    refused({ { statsu = 1 } }, "script[1]: no such field: statsu")
    refused({ {}, 5 }, "script[2]: a table expected, got number")
    refused({ { status = "200" } }, "script[1].status: number expected, got string")
    refused({ { body = print } }, "script[1].body: string or table expected, got function")
    refused({ { body = { f = print } } }, "script[1].body: JSON has no function")
    refused({ { headers = { a = print } } },
      "script[1].headers.a: a header's value is a string, a number or false, got function")
    refused({ { headers = { { 1 } } } }, "script[1].headers[1]: { name, value } expected")
    refused({ { events = { 5 } } }, "script[1].events[1]: a table expected, got number")
    refused({ { events = { { dta = "" } } } }, "script[1].events[1]: no such field: dta")
    refused({ { framing = "none" } }, "script[1].framing: chunked, length or close expected")
    refused({ { body = "a", raw = "b" } }, "script[1]: only one of body, events and raw")
    refused({ { cut_after = 1, hang_after = 2 } }, "script[1]: only one of cut_after, reset_after and hang_after")
    refused({ { body = "abc", splits = { 2, 1 } } }, "script[1].splits: growing positive offsets expected")
    refused({ { body = "abc", chunk_bytes = 0 } }, "script[1].chunk_bytes: at least 1 expected")
    refused({ {} }, "on_end: repeat or error expected", "stop")
    refused({ routes = { { answers = {} } } }, "script.routes[1].answers: no answers")
    refused({ routes = { { pth = "/" } } }, "script.routes[1]: no such field: pth")
    refused({ routes = { { answers = { { delay = true } } } } },
      "script.routes[1].answers[1].delay: number expected, got boolean")
  end)
end)
