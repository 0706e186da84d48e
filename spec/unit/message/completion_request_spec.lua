-- A chat completion's request as the parameters of a message, and what is refused.

local completion_request = require "anthropic.message.completion_request"
local json = require "anthropic.base.json"

local function read(text)
  local params, problem = completion_request.to_params(assert(json.decode(text)))
  return params and assert(json.encode_request(params)), problem
end

local USER = '"messages":[{"role":"user","content":"Hi"}]'

-- The members of the parameters that a request's further members become.
local function members(text)
  local params, problem = read("{" .. USER .. "," .. text .. "}")
  assert(params, problem)
  local made = assert(json.decode(params))
  made.messages, made.max_tokens = nil, made.max_tokens ~= 4096 and made.max_tokens or nil
  return json.encode(made)
end

local function problem_of(text)
  local params, problem = read("{" .. USER .. "," .. text .. "}")
  assert.is_nil(params)
  return problem
end

local function messages_of(text)
  local params, problem = read('{"messages":' .. text .. "}")
  assert(params, problem)
  local made = assert(json.decode(params))
  return json.encode { made.system or json.null, made.messages }
end

describe("a request", function()
  it("keeps what both shapes call the same", function()
    assert.equal('{"max_tokens":4096,"messages":[{"content":"Hi","role":"user"}],"model":"m"}',
      (read('{"model":"m",' .. USER .. "}")))
    for budget, limit in pairs { [1200] = 4096, [4095] = 4096, [4096] = 8192, [10240] = 14336, ['"x"'] = 4096 } do
      local body = ('{"thinking":{"budget_tokens":%s},%s}'):format(budget, USER)
      assert.equal(limit, json.decode((read(body))).max_tokens)
    end
    assert.equal(5, json.decode((read('{"max_tokens":5,"thinking":{"budget_tokens":9000},' .. USER .. "}"))).max_tokens)
    for _, text in ipairs {
      '{"temperature":0.5}', '{"top_p":0.9}', '{"stream":true}', '{"thinking":{"budget_tokens":1200,"type":"enabled"}}',
      '{"top_k":5}', "{}",
    } do
      assert.equal(text, members((text == "{}" and '"n":1' or text:sub(2, -2))))
    end
  end)

  it("is translated", function()
    for text, made in pairs {
      ['"max_tokens":7'] = '{"max_tokens":7}',
      ['"max_completion_tokens":7'] = '{"max_tokens":7}',
      ['"max_completion_tokens":7,"max_tokens":7'] = '{"max_tokens":7}',
      ['"stop":"END"'] = '{"stop_sequences":["END"]}',
      ['"stop":["a","b"]'] = '{"stop_sequences":["a","b"]}',
      ['"user":"u1"'] = '{"metadata":{"user_id":"u1"}}',
      ['"safety_identifier":"u1","user":"u1"'] = '{"metadata":{"user_id":"u1"}}',
      ['"metadata":{"user_id":"u1"}'] = '{"metadata":{"user_id":"u1"}}',
      ['"tool_choice":"auto"'] = '{"tool_choice":{"type":"auto"}}',
      ['"tool_choice":"none"'] = '{"tool_choice":{"type":"none"}}',
      ['"tool_choice":"required"'] = '{"tool_choice":{"type":"any"}}',
      ['"tool_choice":{"type":"function","function":{"name":"f"}}'] = '{"tool_choice":{"name":"f","type":"tool"}}',
      ['"reasoning_effort":"minimal"'] = '{"output_config":{"effort":"low"}}',
      ['"reasoning_effort":"high"'] = '{"output_config":{"effort":"high"}}',
      ['"reasoning_effort":"none"'] = '{"thinking":{"type":"disabled"}}',
      ['"service_tier":"default"'] = '{"service_tier":"standard_only"}',
      ['"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"type":"object"}}},'
        .. '"reasoning_effort":"low"'] =
        '{"output_config":{"effort":"low","format":{"schema":{"type":"object"},"type":"json_schema"}}}',
      ['"tools":[{"type":"function","function":{"name":"f","description":"d","strict":true,'
        .. '"parameters":{"type":"object","properties":{"b":{"type":"string"},"a":{}}}}}]'] =
        '{"tools":[{"description":"d","input_schema":{"properties":{"a":{},"b":{"type":"string"}},"type":"object"},'
        .. '"name":"f","strict":true}]}',
      ['"tools":[{"type":"function","function":{"name":"f"}}],"parallel_tool_calls":false'] =
        '{"tool_choice":{"disable_parallel_tool_use":true,"type":"auto"},'
        .. '"tools":[{"input_schema":{"type":"object"},"name":"f"}]}',
      ['"tools":[{"type":"function","function":{"name":"f"}}],"parallel_tool_calls":false,"tool_choice":"none"'] =
        '{"tool_choice":{"type":"none"},"tools":[{"input_schema":{"type":"object"},"name":"f"}]}',
    } do
      assert.equal(made, members(text), text)
    end
  end)

  it("may say what is so anyway", function()
    assert.equal("{}", members('"n":1,"presence_penalty":0,"frequency_penalty":0,"logprobs":false,"store":false,'
      .. '"logit_bias":{},"metadata":{},"stop":null,"tools":[],"parallel_tool_calls":true,"modalities":["text"],'
      .. '"response_format":{"type":"text"},"stream_options":{"include_usage":true},"user":null,"seed":null,"stop":[]'))
    assert.equal("{}", members '"stop":"","user":"","safety_identifier":"","metadata":{"user_id":""}')
  end)

  it("is refused for what cannot be translated, with its path", function()
    for text, problem in pairs {
      ['"n":2'] = "n: number cannot be translated",
      ['"seed":1'] = "seed: cannot be translated",
      ['"logit_bias":{"5":1}'] = "logit_bias: cannot be translated",
      ['"web_search_options":{}'] = "web_search_options: table cannot be translated",
      ['"logprobs":true'] = "logprobs: cannot be translated",
      ['"presence_penalty":0.5'] = "presence_penalty: number cannot be translated",
      ['"functions":[{"name":"f"}]'] = "functions: cannot be translated",
      ['"temperature":1.5'] = "temperature: at most 1 expected",
      ['"temperature":"hot"'] = "temperature: number expected, got string",
      ['"max_tokens":1,"max_completion_tokens":2'] = "max_tokens: another number than max_completion_tokens",
      ['"stop":5'] = "stop: a list expected, got number",
      ['"stop":["a",5]'] = "stop[2]: string expected, got number",
      ['"stream_options":{"x":1}'] = "stream_options.x: cannot be translated",
      ['"tools":[{"type":"custom","custom":{}}]'] = 'tools[1].type: "custom" cannot be translated',
      ['"tools":[{"type":"function"}]'] = "tools[1].function: missing",
      ['"tools":[{"type":"function","function":{"name":"f","x":1}}]'] = "tools[1].function.x: cannot be translated",
      ['"tools":[{"type":"function","function":{}}]'] = "tools[1].function.name: missing",
      ['"tools":{"a":1}'] = "tools: a list expected, got a table with the key a",
      ['"tool_choice":"any"'] = 'tool_choice: "any" cannot be translated',
      ['"tool_choice":{"type":"allowed_tools"}'] = 'tool_choice.type: "allowed_tools" cannot be translated',
      ['"tool_choice":{"type":"function","function":{}}'] = "tool_choice.function.name: missing",
      ['"response_format":{"type":"json_object"}'] = 'response_format.type: "json_object" cannot be translated',
      ['"response_format":{"type":"json_schema"}'] = "response_format.json_schema: missing",
      ['"response_format":{"type":"json_schema","json_schema":{"name":"n"}}'] =
        "response_format.json_schema.schema: missing",
      ['"reasoning_effort":"huge"'] = 'reasoning_effort: "huge" cannot be translated',
      ['"service_tier":"flex"'] = 'service_tier: "flex" cannot be translated',
      ['"modalities":["text","audio"]'] = 'modalities[2]: "audio" cannot be translated',
      ['"metadata":{"team":"blue"}'] = "metadata.team: cannot be translated",
      ['"user":"a","safety_identifier":"b"'] = "safety_identifier: another one than before",
      ['"parallel_tool_calls":"no"'] = "parallel_tool_calls: boolean expected, got string",
      ['"model":5'] = "model: string expected, got number",
    } do
      assert.equal(problem, problem_of(text))
    end
    assert.equal("messages: missing", select(2, read "{}"))
    assert.equal("messages: missing", select(2, read '{"messages":[]}'))
    assert.equal("messages: a list expected, got string", select(2, read '{"messages":"Hi"}'))
  end)
end)

describe("the messages of a request", function()
  it("are those of the system, wherever they stand, and the others", function()
    for text, made in pairs {
      ['[{"role":"user","content":"Hi"},{"role":"assistant","content":"Ho"}]'] =
        '[null,[{"content":"Hi","role":"user"},{"content":"Ho","role":"assistant"}]]',
      ['[{"role":"system","content":"A"},{"role":"user","content":"Hi"}]'] = '["A",[{"content":"Hi","role":"user"}]]',
      ['[{"role":"system","content":"A"},{"role":"user","content":"Hi"},{"role":"developer","content":"B"}]'] =
        '["A\\nB",[{"content":"Hi","role":"user"}]]',
      ['[{"role":"system","content":"A"},{"role":"developer","content":[{"type":"text","text":"B",'
        .. '"cache_control":{"type":"ephemeral"}}]},{"role":"user","content":"Hi"}]'] =
        '[[{"text":"A","type":"text"},{"cache_control":{"type":"ephemeral"},"text":"B","type":"text"}],'
        .. '[{"content":"Hi","role":"user"}]]',
    } do
      assert.equal(made, messages_of(text))
    end
  end)

  it("have texts, images and documents", function()
    assert.equal('[null,[{"content":[{"text":"What?","type":"text"},'
      .. '{"source":{"data":"aGk=","media_type":"image/png","type":"base64"},"type":"image"},'
      .. '{"source":{"type":"url","url":"https://example.com/a.png"},"type":"image"},'
      .. '{"source":{"data":"JVBE","media_type":"application/pdf","type":"base64"},"title":"a.pdf","type":"document"}],'
      .. '"role":"user"}]]', messages_of [=[[{"role":"user","content":[{"type":"text","text":"What?"},
        {"type":"image_url","image_url":{"url":"data:image/png;base64,aGk=","detail":"auto"}},
        {"type":"image_url","image_url":{"url":"https://example.com/a.png"}},
        {"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,JVBE"}}]}]]=])
  end)

  it("have calls, whose input keeps its bytes, and their results", function()
    assert.equal([=[[null,[{"content":[{"text":"Let me see.","type":"text"},]=]
      .. [=[{"id":"a","input":{"b": 1.0, "a":[ ]},"name":"f","type":"tool_use"},]=]
      .. [=[{"id":"b","input":{},"name":"g","type":"tool_use"}],"role":"assistant"},]=]
      .. [=[{"content":[{"content":"1","tool_use_id":"a","type":"tool_result"},]=]
      .. [=[{"content":[{"text":"2","type":"text"}],"tool_use_id":"b","type":"tool_result"}],"role":"user"},]=]
      .. [=[{"content":"Go on","role":"user"}]]]=], messages_of [=[[{"role":"assistant","content":"Let me see.",
        "refusal":null,"annotations":[],"audio":null,"function_call":null,"tool_calls":[
        {"id":"a","type":"function","function":{"name":"f","arguments":"{\"b\": 1.0, \"a\":[ ]}"}},
        {"id":"b","type":"function","function":{"name":"g","arguments":""}}]},
        {"role":"tool","tool_call_id":"a","content":"1"},
        {"role":"tool","tool_call_id":"b","content":[{"type":"text","text":"2"}]},
        {"role":"user","content":"Go on"}]]=])
  end)

  it("bring back thinking, refusals, and blocks that the answer had no place for", function()
    assert.equal('[null,[{"content":[{"signature":"s","thinking":"Hm","type":"thinking"},'
      .. '{"id":"x","input":{},"name":"web_search","type":"server_tool_use"},{"text":"A","type":"text"},'
      .. '{"text":"No","type":"text"}],"role":"assistant","type":"message"}]]', messages_of [=[[{"role":"assistant",
        "content":[{"type":"text","text":"A"}],"refusal":"No","reasoning_content":"Hm",
        "thinking_blocks":[{"type":"thinking","thinking":"Hm","signature":"s"}],
        "provider_specific_fields":{"blocks":[{"type":"server_tool_use","id":"x","name":"web_search","input":{}}],
        "citations":[{"type":"page_location"}]}}]]=])
    assert.equal('[null,[{"content":[{"thinking":"Hm","type":"thinking"},{"text":"A","type":"text"}],'
      .. '"role":"assistant","type":"message"}]]',
      messages_of '[{"role":"assistant","content":"A","reasoning_content":"Hm"}]')
  end)

  it("may say nothing", function()
    assert.equal("[null,[]]", messages_of '[{"role":"assistant","content":""},{"role":"assistant","content":null}]')
  end)

  it("lose the blank texts of an answer, which the API refuses", function()
    for _, blank in ipairs {
      '"\\n"', '[{"type":"text","text":""}]', '[{"type":"text","text":" "},{"type":"refusal","refusal":""}]',
    } do
      assert.equal("[null,[]]", messages_of('[{"role":"assistant","content":' .. blank .. "}]"))
      assert.equal('[null,[{"content":[{"id":"a","input":{},"name":"f","type":"tool_use"}],"role":"assistant"}]]',
        messages_of('[{"role":"assistant","content":' .. blank
          .. ',"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]}]'))
    end
  end)

  it("are refused for what cannot be translated, with its path", function()
    for text, problem in pairs {
      ['[5]'] = "messages[1]: table expected, got number",
      ['[{"content":"Hi"}]'] = "messages[1].role: missing",
      ['[{"role":"function","name":"f","content":"x"}]'] = 'messages[1].role: "function" cannot be translated',
      ['[{"role":{}}]'] = "messages[1].role: table cannot be translated",
      ['[{"role":"user"}]'] = "messages[1].content: missing",
      ['[{"role":"user","content":5}]'] = "messages[1].content: string or table expected, got number",
      ['[{"role":"user","content":"Hi","name":"Ann"}]'] = "messages[1].name: cannot be translated",
      ['[{"role":"user","content":[{"type":"input_audio","input_audio":{}}]}]'] =
        'messages[1].content[1].type: "input_audio" cannot be translated',
      ['[{"role":"user","content":[{"type":"text"}]}]'] = "messages[1].content[1].text: missing",
      ['[{"role":"user","content":[{"type":"text","text":"a","x":1}]}]'] =
        "messages[1].content[1].x: cannot be translated",
      ['[{"role":"user","content":[{"type":"image_url","image_url":{"url":"ftp://x"}}]}]'] =
        "messages[1].content[1].image_url.url: a URL of http, https or data (with base64) expected",
      ['[{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://x","detail":"low"}}]}]'] =
        'messages[1].content[1].image_url.detail: "low" cannot be translated',
      ['[{"role":"user","content":[{"type":"file","file":{"file_id":"f"}}]}]'] =
        "messages[1].content[1].file.file_id: cannot be translated",
      ['[{"role":"system","content":[{"type":"image_url","image_url":{"url":"http://x"}}]}]'] =
        'messages[1].content[1].type: "image_url" cannot be translated',
      ['[{"role":"assistant","tool_calls":[{"id":"a","type":"custom","custom":{}}]}]'] =
        'messages[1].tool_calls[1].type: "custom" cannot be translated',
      ['[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}]'] =
        "messages[1].tool_calls[1].id: missing",
      ['[{"role":"assistant","content":"A","audio":{"id":"x"}}]'] = "messages[1].audio: cannot be translated",
      ['[{"role":"assistant","function_call":{"name":"f"}}]'] = "messages[1].function_call: cannot be translated",
      ['[{"role":"tool","content":"1"}]'] = "messages[1].tool_call_id: missing",
    } do
      assert.equal(problem, select(2, read('{"messages":' .. text .. "}")))
    end
  end)
end)
