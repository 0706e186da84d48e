local anthropic = require "anthropic"
local json = require "anthropic.base.json"
local hosted = require "spec.support.hosted"
local sent = require "spec.support.sent"
local testing = require "anthropic.testing"

local function normal(text)
  return json.encode(assert(json.decode(text)))
end

-- A copy of everything, as editors and libraries make it: metatables are kept.
local function deep_copy(value)
  if type(value) ~= "table" then
    return value
  end
  local copy = {}
  for key, member in pairs(value) do
    copy[key] = deep_copy(member)
  end
  return setmetatable(copy, getmetatable(value))
end

describe("a message", function()
  local server, client

  -- What a server's whole answers become, one after the other.
  local function serve(...)
    server = hosted.server { script = { ... } }
    client = anthropic.new { base_url = server.url, api_key = "test", max_retries = 0 }
  end

  local function create(messages)
    return client.messages.create {
      model = "m", max_tokens = 10, messages = messages or { { role = "user", content = "Hi" } },
    }
  end

  local function receive(body)
    serve { body = body }
    return create()
  end

  -- A native message with the blocks that the text lists.
  local function with_content(content)
    return assert(receive('{"id":"msg_1","type":"message","role":"assistant","model":"m","stop_reason":"end_turn",'
      .. '"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":2},"content":[' .. content .. "]}"))
  end

  local function with_input(input)
    return with_content('{"type":"tool_use","id":"t","name":"f","input":' .. input .. "}")
  end

  -- The input as it goes over the wire.
  local function sent_input(message)
    return sent(message):match '"input":(.*),"name":"f"'
  end

  after_each(function()
    if server then
      client:close()
      server:stop()
      server = nil
    end
  end)

  describe("in the native shape", function()
    local BLOCKS = {
      '{"type":"text","text":"a \\u00e9 \\"quoted\\"","citations":null}',
      '{"type":"text","text":"b","citations":[{"type":"char_location","cited_text":"x","document_index":0,'
        .. '"document_title":null,"start_char_index":0,"end_char_index":1}]}',
      '{"type":"text","text":"","citations":[]}',
      '{"type":"thinking","thinking":"嗯 😀","signature":"EqQB+/=="}',
      '{"type":"thinking","thinking":"","signature":""}',
      '{"type":"redacted_thinking","data":"EmwKAhgB"}',
      '{"type":"tool_use","id":"t1","name":"f","input":{},"caller":{"type":"direct"}}',
      '{"type":"server_tool_use","id":"s1","name":"web_search","input":{"query":"q"}}',
      '{"type":"web_search_tool_result","tool_use_id":"s1","content":[]}',
      '{"type":"web_search_tool_result","tool_use_id":"s1","content":[{"type":"web_search_result","title":"t",'
        .. '"url":"u","encrypted_content":"e","page_age":null}]}',
      '{"type":"web_search_tool_result","tool_use_id":"s1","content":{"type":"web_search_tool_result_error",'
        .. '"error_code":"unavailable"}}',
      '{"type":"web_fetch_tool_result","tool_use_id":"s2","content":{"type":"web_fetch_result","url":"u",'
        .. '"retrieved_at":null,"content":{"type":"document","source":{"type":"text","media_type":"text/plain",'
        .. '"data":"d"},"title":null,"citations":{"enabled":true}}}}',
      '{"type":"code_execution_tool_result","tool_use_id":"s3","content":{"type":"code_execution_result",'
        .. '"stdout":"1\\n","stderr":"","return_code":0,"content":[]}}',
      '{"type":"bash_code_execution_tool_result","tool_use_id":"s4","content":{'
        .. '"type":"bash_code_execution_result","stdout":"","stderr":"","return_code":0,"content":[{'
        .. '"type":"bash_code_execution_output","file_id":"file_1"}]}}',
      '{"type":"text_editor_code_execution_tool_result","tool_use_id":"s5","content":{'
        .. '"type":"text_editor_code_execution_str_replace_result","lines":[],"old_start":null,"new_start":1}}',
      '{"type":"tool_search_tool_result","tool_use_id":"s6","content":{"type":"tool_search_tool_search_result",'
        .. '"tool_references":[]}}',
      '{"type":"container_upload","file_id":"file_2"}',
      '{"type":"mcp_tool_use","id":"m1","name":"echo","server_name":"s","input":{"a":[ 1,2 ]}}',
      '{"type":"mcp_tool_result","tool_use_id":"m1","is_error":false,"content":[{"type":"text","text":"x"}]}',
      '{"type":"compaction","content":null,"encrypted_content":"e"}',
      '{"type":"fallback","from":{"model":"a"},"to":{"model":"b"},"trigger":{"type":"refusal","category":null}}',
      '{"type":"hologram","layers":[],"label":null,"input":{"a":null,"b":[]},"nested":{"content":[{"input":[]}]}}',
    }

    it("keeps every type of block, and sends it again, but for those that say nothing", function()
      for _, block in ipairs(BLOCKS) do
        local message = with_content(block)
        if block:find '"text":"",' or block:find '"thinking":"",' then
          assert.is_nil(sent(message))
        else
          assert.equal(normal('{"role":"assistant","content":[' .. block .. "]}"), normal(sent(message)))
        end
        client:close()
        server:stop()
      end
    end)

    it("keeps all of them in order", function()
      local all = table.concat(BLOCKS, ",")
      local message = with_content(all)
      assert.equal(#BLOCKS, #message.content)
      assert.equal(normal("[" .. all .. "]"), normal(json.encode(message.content)))
    end)

    it("has its text, its thinking and the tools to answer", function()
      local message = with_content(table.concat(BLOCKS, ","))
      assert.equal('a é "quoted"b', message:text())
      assert.equal("嗯 😀", message:thinking())
      assert.same({}, message:tool_uses()) -- the model of the only call gave up
      message = with_content(table.concat(BLOCKS, ",", 1, 7))
      local uses = message:tool_uses()
      assert.equal(1, #uses)
      assert.equal(message.content[#message.content], uses[1])
      assert.same({}, uses[1].input)
    end)

    it("has none of them where there is none", function()
      local message = with_content ""
      assert.equal("", message:text())
      assert.equal("", message:thinking())
      assert.same({}, message:tool_uses())
      assert.is_nil(sent(message))
    end)

    it("has the response's fields, without those that were null", function()
      local message = assert(receive [[{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],
        "stop_reason":"refusal","stop_sequence":null,"stop_details":{"type":"refusal","category":null,
        "explanation":"no"},"container":null,"new":{"list":[]},"usage":{"input_tokens":1,"output_tokens":2,
        "cache_read_input_tokens":null,"server_tool_use":{"web_search_requests":3}}}]])
      assert.equal("msg_1", message.id)
      assert.equal("message", message.type)
      assert.equal("refusal", message.stop_reason)
      assert.is_nil(message.stop_sequence)
      assert.is_nil(message.container)
      assert.is_nil(message.stop_details.category)
      assert.equal("no", message.stop_details.explanation)
      assert.is_nil(message.usage.cache_read_input_tokens)
      assert.equal(3, message.usage.server_tool_use.web_search_requests)
      assert.equal("[]", json.encode(message.new.list))
      assert.is_nil(message.raw)
      assert.is_nil(message.choices)
    end)

    it("has what HTTP said", function()
      serve(testing.message { text = "Hi", request_id = "req_9", headers = {
        ["anthropic-ratelimit-requests-remaining"] = "49",
        ["anthropic-ratelimit-input-tokens-reset"] = "2026-01-01T00:00:00Z",
      } })
      local response = assert(create()).response
      assert.equal(200, response.status)
      assert.equal("req_9", response.request_id)
      assert.equal("req_9", response.headers["Request-Id"])
      assert.equal(1, response.attempts)
      assert.is_true(response.timings.total > 0)
      assert.equal(49, response.rate_limit.requests.remaining)
      assert.equal("2026-01-01T00:00:00Z", response.rate_limit.input_tokens.reset)
    end)

    it("has the text of blocks that have it in another form", function()
      local message = assert(receive [[{"type":"message","role":"assistant","content":[{"type":"text","text":5},
        {"type":"thinking"},{"text":"x"},{"type":"text","text":"y"},{"type":"text","text":null},
        {"type":"thinking","thinking":[{"type":"text","text":"Hm."}]},{"type":"hologram","text":"z"}],"usage":{}}]])
      assert.equal("5xy", message:text())
      assert.equal("Hm.", message:thinking())
      assert.equal(7, #message.content)
    end)
  end)

  describe("sent as part of the next request", function()
    it("is its role and content alone", function()
      serve(
        testing.message { thinking = "Hm.", signature = "sig", text = "Hello", tool_uses = { { name = "f", id = "t",
          input_json = '{"b":1, "a":[ ]}' } } },
        testing.message { text = "Bye" }
      )
      local first = assert(create())
      assert(create { { role = "user", content = "Hi" }, first, { role = "user", content = "More" } })
      assert.equal('{"max_tokens":10,"messages":[{"content":"Hi","role":"user"},{"content":['
        .. '{"signature":"sig","thinking":"Hm.","type":"thinking"},{"text":"Hello","type":"text"},'
        .. '{"id":"t","input":{"b":1, "a":[ ]},"name":"f","type":"tool_use"}],"role":"assistant"},'
        .. '{"content":"More","role":"user"}],"model":"m"}', server:requests()[2].body)
    end)

    it("is the same as a deep copy", function()
      local message = with_content('{"type":"text","text":"a","citations":null},'
        .. '{"type":"tool_use","id":"t","name":"f","input":{"a":[],"b":{},"c":null,"d":[{}]}},'
        .. '{"type":"web_search_tool_result","tool_use_id":"s1","content":[]}')
      assert.equal(sent(message), sent(deep_copy(message)))
      assert.equal(normal(sent(message)), normal(sent { role = "assistant", content = deep_copy(message.content) }))
    end)

    it("is not changed by that", function()
      local message = with_input '{"a": 1}'
      local once = sent(message)
      assert.equal(once, sent(message))
      assert.equal(1, message:tool_uses()[1].input.a)
      assert.equal(200, message.response.status)
    end)

    it("has what was changed or added in it", function()
      local message = with_content '{"type":"text","text":"a","citations":null}'
      message.content[1].text = "b"
      message.content[1].cache_control = { type = "ephemeral" }
      message.content[2] = { type = "text", text = "c" }
      message.role = "user"
      assert.equal('{"content":[{"cache_control":{"type":"ephemeral"},"citations":null,"text":"b","type":"text"},'
        .. '{"text":"c","type":"text"}],"role":"user"}', sent(message))
    end)
  end)

  describe("with a tool's input", function()
    local RAW = '{ "z": 1.0,"a" :[ ], "o":{ },"n":null, "s":"\\u00e9\\/", "big":12345678901234567890,"l":[{"x":1e2}]}'

    it("sends it byte for byte as it came", function()
      assert.equal(RAW, sent_input(with_input(RAW)))
    end)

    it("sends it so also where it was set to what it was", function()
      local message = with_input(RAW)
      local input = message:tool_uses()[1].input
      input.z, input.l[1].x, input.s = 1, 100, "é/"
      input.new = true
      input.new = nil
      assert.equal(RAW, sent_input(message))
    end)

    it("sends it as it is now where it was changed", function()
      local changes = {
        [ [[{"a":[],"n":null,"o":{"x":1}}]] ] = function(input) input.o.x = 1 end,
        [ [[{"a":[1],"n":null,"o":{}}]] ] = function(input) input.a[1] = 1 end,
        [ [[{"a":[],"n":1,"o":{}}]] ] = function(input) input.n = 1 end,
        [ [[{"a":[],"o":{}}]] ] = function(input) input.n = nil end,
        [ [[{"a":[],"k":{"l":[]},"n":null,"o":{}}]] ] = function(input) input.k = { l = anthropic.array {} } end,
        [ [[{"a":{},"n":null,"o":{}}]] ] = function(input) input.a = anthropic.object {} end,
      }
      local message = with_input '{"o": {}, "a": [], "n": null}'
      local block = message:tool_uses()[1]
      for expected, change in pairs(changes) do
        json.tool_input(block, '{"o": {}, "a": [], "n": null}')
        assert.equal('{"o": {}, "a": [], "n": null}', sent_input(message))
        change(block.input)
        assert.equal(expected, sent_input(message))
      end
      block.input = { other = true }
      assert.equal('{"other":true}', sent_input(message))
    end)

    it("keeps null and empty lists in it", function()
      local input = with_input(RAW):tool_uses()[1].input
      assert.equal(anthropic.null, input.n)
      assert.equal("[]", json.encode(input.a))
      assert.equal("{}", json.encode(input.o))
      assert.equal("é/", input.s)
    end)

    it("keeps a list and a text, and sends an object in their place", function()
      for _, input in ipairs { "[1, 2]", '"text"', "null", "5" } do
        local message = with_input(input)
        assert.equal(input == "null" and "{}" or normal(input), json.encode(message:tool_uses()[1].input))
        assert.equal("{}", sent_input(message))
        client:close()
        server:stop()
      end
    end)
  end)

  describe("in the chat-completion shape", function()
    local function completion(choices, rest)
      return assert(receive('{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"m",'
        .. '"choices":[' .. choices .. "]" .. (rest or "") .. "}"))
    end

    it("is the page's example as a message", function()
      local message = completion('{"index":0,"message":{"role":"assistant","content":"\\n\\nHello there."},'
        .. '"finish_reason":"stop"}', ',"usage":{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21}')
      assert.equal("\n\nHello there.", message:text())
      assert.equal("message", message.type)
      assert.equal("assistant", message.role)
      assert.equal("chatcmpl-1", message.id)
      assert.equal("m", message.model)
      assert.equal("end_turn", message.stop_reason)
      assert.same({ input_tokens = 9, output_tokens = 12 }, message.usage)
      assert.equal("chat.completion", message.raw.object)
      assert.equal(1700000000, message.raw.created)
      assert.equal(21, message.raw.usage.total_tokens)
      assert.is_nil(message.choices)
      assert.equal(200, message.response.status)
      assert.equal('{"content":[{"text":"\\n\\nHello there.","type":"text"}],"role":"assistant"}', sent(message))
    end)

    it("has its reasoning as thinking, which goes back to the host that sent it and to no other", function()
      for _, name in ipairs { "reasoning_content", "reasoning" } do
        local message = completion('{"message":{"content":"a","' .. name .. '":"Hm."},"finish_reason":"stop"}')
        assert.equal("Hm.", message:thinking())
        assert.equal("thinking", message.content[1].type)
        assert.is_nil(message.content[1].signature)
        assert.equal('{"content":[{"thinking":"Hm.","type":"thinking"},{"text":"a","type":"text"}],'
          .. '"role":"assistant"}', sent(message:to_param()))
        assert.same(message:to_param(), deep_copy(message):to_param())
        client:close()
        server:stop()
      end
    end)

    it("has its tool calls as blocks, their arguments as they came", function()
      local message = completion([=[{"message":{"content":null,"tool_calls":[
        {"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\": [ ]}"}},
        {"id":"b","type":"function","function":{"name":"g","arguments":""}},
        {"id":"c","type":"function","function":{"name":"h"}},
        {"type":"function","function":{"name":"i","arguments":{"y":1}}}]},"finish_reason":"tool_calls"}]=])
      assert.equal("tool_use", message.stop_reason)
      assert.equal("", message:text())
      assert.equal('{"content":[{"id":"a","input":{"x": [ ]},"name":"f","type":"tool_use"},'
        .. '{"id":"b","input":{},"name":"g","type":"tool_use"},{"id":"c","input":{},"name":"h","type":"tool_use"},'
        .. '{"id":"call_chatcmpl-1_1","input":{"y":1},"name":"i","type":"tool_use"}],"role":"assistant"}',
        sent(message:to_param()))
    end)

    it("keeps broken arguments beside the block, and never sends them", function()
      local message = completion([=[{"message":{"content":"x","tool_calls":[
        {"id":"a","function":{"name":"f","arguments":"{\"x\": "}}]},"finish_reason":"length"}]=])
      local block = message:tool_uses()[1]
      assert.is_nil(block.input)
      assert.equal('{"x": ', block.input_json)
      assert.truthy(block.input_error:find("end of the text", 1, true))
      assert.equal("max_tokens", message.stop_reason)
      assert.equal('{"content":[{"text":"x","type":"text"},{"id":"a","input":{},"name":"f","type":"tool_use"}],'
        .. '"role":"assistant"}', sent(message))
    end)

    it("survives tool calls that are none", function()
      local message = completion([=[{"message":{"content":"x","tool_calls":[5,"y",null,{"function":7},
        {"id":"a","function":{"name":"f","arguments":true}}]},"finish_reason":{}}]=])
      assert.equal("x", message:text())
      assert.equal("a", message:tool_uses()[#message:tool_uses()].id)
    end)

    it("has its finish reason in the API's words", function()
      for theirs, ours in pairs {
        stop = "end_turn", length = "max_tokens", tool_calls = "tool_use", function_call = "tool_use",
        content_filter = "refusal", other = "other",
      } do
        local message = completion('{"message":{"content":"x"},"finish_reason":"' .. theirs .. '"}')
        assert.equal(ours, message.stop_reason)
        client:close()
        server:stop()
      end
      assert.is_nil(completion('{"message":{"content":"x"},"finish_reason":null}').stop_reason)
    end)

    it("has a refusal as text and stop reason", function()
      local message = completion '{"message":{"content":null,"refusal":"No."},"finish_reason":"stop"}'
      assert.equal("No.", message:text())
      assert.equal("refusal", message.stop_reason)
    end)

    it("counts cached tokens apart from the prompt's", function()
      local message = completion('{"message":{"content":"x"}}', [[,"usage":{"prompt_tokens":100,
        "completion_tokens":50,"total_tokens":150,"prompt_tokens_details":{"cached_tokens":40},
        "completion_tokens_details":{"reasoning_tokens":20}}]])
      assert.same({
        input_tokens = 60, output_tokens = 50, cache_read_input_tokens = 40,
        output_tokens_details = { thinking_tokens = 20 },
      }, message.usage)
    end)

    it("has an empty usage where none was sent, and survives one that is none", function()
      assert.same({}, completion('{"message":{"content":"x"}}').usage)
      client:close()
      server:stop()
      assert.same({}, completion('{"message":{"content":"x"}}', ',"usage":{"prompt_tokens":"many"}').usage)
    end)

    it("joins content in parts", function()
      local message = completion [=[{"message":{"content":[{"type":"text","text":"a"},{"type":"image"},7,
        {"type":"text","text":"b"}]}}]=]
      assert.equal("a7b", message:text())
      assert.same({ { delta = { content = { type = "image" } } } }, message.unknown_deltas)
    end)

    it("has a message for each of several choices", function()
      local message = completion('{"index":0,"message":{"content":"a","reasoning_content":"Hm."},'
        .. '"finish_reason":"stop"},{"index":1,"message":{"content":"b"},"finish_reason":"length"}',
        ',"usage":{"prompt_tokens":1,"completion_tokens":2}')
      assert.equal("a", message:text())
      assert.equal(2, #message.choices)
      assert.equal("a", message.choices[1]:text())
      assert.equal("Hm.", message.choices[1]:thinking())
      assert.equal("b", message.choices[2]:text())
      assert.equal("max_tokens", message.choices[2].stop_reason)
      assert.equal(message.response, message.choices[2].response)
      assert.equal('{"content":[{"thinking":"Hm.","type":"thinking"},{"text":"a","type":"text"}],"role":"assistant"}',
        sent(message:to_param()))
      assert.equal('{"content":[{"text":"b","type":"text"}],"role":"assistant"}', sent(message.choices[2]:to_param()))
    end)

    it("is not a message without a choice", function()
      for _, body in ipairs { '{"choices":[]}', '{"choices":[5]}', '{"choices":{}}' } do
        local message, err = receive(body)
        assert.is_nil(message)
        assert.equal("protocol", err.kind)
        client:close()
        server:stop()
      end
    end)
  end)
end)
