-- The messages of a chat completion's request; the rest of it is in completion_request_spec.lua.

local completion_messages = require "anthropic.message.completion_messages"
local completion_reading = require "anthropic.message.completion_reading"
local json = require "anthropic.base.json"

-- The messages as JSON, and the system's as JSON or nil.
local function read(text)
  local reading = completion_reading.new()
  local messages, system = completion_messages.read(reading, "messages", json.decode(text))
  assert.is_nil(reading.problem)
  return json.encode(messages), system and json.encode(system)
end

local function problem_of(text)
  local reading = completion_reading.new()
  completion_messages.read(reading, "messages", json.decode(text))
  return reading.problem
end

-- The content of one message of a role.
local function content(role, fields)
  local messages = json.decode(read(('[{"role":"%s",%s}]'):format(role, fields)))
  assert.equal(1, #messages)
  return json.encode(messages[1].content)
end

describe("the messages of a chat completion", function()
  it("have what the system's say apart, wherever they stand", function()
    local messages, system = read('[{"role":"user","content":"Hi"},{"role":"system","content":"a"},'
      .. '{"role":"developer","content":"b"}]')
    assert.equal('[{"content":"Hi","role":"user"}]', messages)
    assert.equal('"a\\nb"', system)
    assert.equal('"a"', (select(2, read '[{"role":"system","content":"a"}]')))
    system = select(2, read('[{"role":"system","content":"a"},{"role":"system","content":[{"type":"text","text":"b",'
      .. '"cache_control":{"type":"ephemeral"}},"c"]}]'))
    assert.equal('[{"text":"a","type":"text"},{"cache_control":{"type":"ephemeral"},"text":"b","type":"text"},'
      .. '{"text":"c","type":"text"}]', system)
    assert.same({ "[]" }, { read "[]" })
  end)

  it("have the cache_control of a system's message on the last of its parts", function()
    local mark = '"cache_control":{"type":"ephemeral"}'
    assert.equal("[{" .. mark .. ',"text":"a","type":"text"},{"text":"b","type":"text"}]', (select(2,
      read('[{"role":"system","content":"a",' .. mark .. '},{"role":"system","content":"b","cache_control":null}]'))))
    assert.equal('[{"text":"a","type":"text"},{' .. mark .. ',"text":"b","type":"text"}]', (select(2,
      read('[{"role":"developer","content":["a","b"],' .. mark .. "}]"))))
    assert.equal('[{"cache_control":{"ttl":"1h","type":"ephemeral"},"text":"a","type":"text"}]', (select(2,
      read('[{"role":"system","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"1h"}}],'
        .. mark .. "}]"))))
    assert.equal("messages[1].cache_control: cannot be translated",
      problem_of('[{"role":"system","content":[],' .. mark .. "}]"))
  end)

  it("have no empty text beside others, as the API takes none", function()
    local EMPTY, MARK = '{"type":"text","text":""}', '"cache_control":{"type":"ephemeral"}'
    local marked = '{"type":"text","text":"",' .. MARK .. "}"
    local image = '{"source":{"type":"url","url":"https://h/x"},"type":"image"}'
    local given = '{"type":"image_url","image_url":"https://h/x"}'
    assert.equal("[" .. image .. "]", content("user", '"content":[' .. EMPTY .. "," .. given .. "," .. EMPTY .. "]"))
    assert.equal("[{" .. MARK .. "," .. image:sub(2) .. "]",
      content("user", '"content":[' .. marked .. "," .. given .. "," .. EMPTY .. "," .. marked .. "]"))
    assert.equal('[{"text":"","type":"text"}]', content("user", '"content":[' .. EMPTY .. "]")) -- the API's to refuse
    assert.equal('""', content("user", '"content":""'))
    assert.equal('[{"content":[' .. image .. '],"tool_use_id":"t","type":"tool_result"}]',
      content("tool", '"tool_call_id":"t","content":[' .. given .. ',""]'))
    assert.equal('[{"tool_use_id":"t","type":"tool_result"}]',
      content("tool", '"tool_call_id":"t","content":[' .. EMPTY .. "]"))

    local function system(...)
      local list = { ... }
      for i, fields in ipairs(list) do
        list[i] = ('{"role":"system",%s}'):format(fields)
      end
      return (select(2, read("[" .. table.concat(list, ",") .. "]")))
    end
    local empty, text = '"content":""', '"content":"a"'
    local parts, blocks = '"content":["","a"]', '[{"text":"a","type":"text"}]'
    assert.equal('"a"', system(empty, text, empty))
    assert.equal(blocks, system(empty, parts))
    assert.equal('"a"', system(text, '"content":[""]'))
    assert.equal('"a"', system(empty .. "," .. MARK, text))
    assert.equal('"a"', system('"content":[""],' .. MARK, text))
    assert.is_nil(system(empty))
    assert.is_nil(system(empty .. "," .. MARK, '"content":[""]'))
  end)

  it("have a user's texts, images and files", function()
    for part, block in pairs {
      ['{"type":"text","text":"a"}'] = '{"text":"a","type":"text"}',
      ['{"type":"image_url","image_url":"https://h/x"}'] =
        '{"source":{"type":"url","url":"https://h/x"},"type":"image"}',
      ['{"type":"image_url","image_url":{"url":"HTTP://h/x","detail":"high"}}'] =
        '{"source":{"type":"url","url":"HTTP://h/x"},"type":"image"}',
      ['{"type":"image_url","image_url":{"url":"https://h/y","detail":"auto"}}'] =
        '{"source":{"type":"url","url":"https://h/y"},"type":"image"}',
      ['{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}'] =
        '{"source":{"data":"AA==","media_type":"image/png","type":"base64"},"type":"image"}',
      ['{"type":"file","file":{"file_data":"data:application/pdf;base64,AA==","filename":"a.pdf"}}'] =
        '{"source":{"data":"AA==","media_type":"application/pdf","type":"base64"},"title":"a.pdf","type":"document"}',
    } do
      assert.equal("[" .. block .. "]", content("user", '"content":[' .. part .. "]"))
    end
    assert.equal('"a"', content("user", '"content":"a"'))
  end)

  it("have what may be cached of each part, and refuse what else a part has", function()
    local CACHED, MARK = '"cache_control":{"type":"ephemeral"}', { type = "ephemeral" }
    for role, list in pairs {
      user = {
        { '"type":"text","text":"a"', "" }, { '"type":"image_url","image_url":{"url":"https://h/x"%s}', ".image_url" },
        { '"type":"file","file":{"file_data":"data:application/pdf;base64,AA=="%s}', ".file" },
      },
      system = { { '"type":"text","text":"a"', "" } },
      assistant = { { '"type":"refusal","refusal":"no"', "" }, { '"type":"text","text":"a"', "" } },
      tool = { { '"type":"text","text":"a"', "" }, { '"type":"image_url","image_url":{"url":"https://h/x"%s}', "" } },
    } do
      for _, case in ipairs(list) do
        local function text(inside, beside)
          return ('[{"role":"%s",%s"content":[{%s%s}]}]'):format(role, role == "tool" and '"tool_call_id":"t",' or "",
            case[1]:gsub("%%s", inside), beside)
        end
        local messages, system = read(text("", "," .. CACHED))
        local blocks = system and json.decode(system) or json.decode(messages)[1].content
        blocks = role == "tool" and blocks[1].content or blocks
        assert.same({ 1, MARK }, { #blocks, blocks[1].cache_control })
        local place = "messages[1].content[1]"
        assert.equal(place .. ".x: cannot be translated", problem_of(text("", ',"x":1')))
        if case[2] ~= "" then
          assert.equal(place .. case[2] .. ".x: cannot be translated", problem_of(text(',"x":1', "")))
        end
      end
    end
  end)

  it("have what an assistant thought, said and called, in this order", function()
    assert.equal('"a"', content("assistant", '"content":"a"'))
    assert.equal('[{"text":"a","type":"text"},{"text":"no","type":"text"},'
      .. '{"id":"i","input":{"x":1},"name":"f","type":"tool_use"}]',
      content("assistant", '"content":"a","refusal":"no","tool_calls":[{"id":"i","type":"function","index":0,'
        .. '"function":{"name":"f","arguments":"{\\"x\\":1}"}}]'))
    assert.equal('[{"thinking":"t","type":"thinking"},{"text":"a","type":"text"}]',
      content("assistant", '"content":[{"type":"text","text":"a"}],"reasoning_content":"t"'))
    assert.equal('[{"signature":"s","thinking":"t","type":"thinking"},{"type":"own"},{"text":"a","type":"text"}]',
      content("assistant", '"content":"a","reasoning_content":"not this","thinking_blocks":[{"type":"thinking",'
        .. '"thinking":"t","signature":"s"}],"provider_specific_fields":{"blocks":[{"type":"own"}],"citations":[1],'
        .. '"deltas":[{"images":[1]}],"delta":{"type":"new_delta"}}'))
    assert.equal("[]", (read '[{"role":"assistant","content":null,"tool_calls":[]}]'))
  end)

  it("have what the API's calls have beside their input", function()
    local function call(beside)
      return ('"tool_calls":[{"id":"i","type":"function",%s,"function":{"name":"f","arguments":"{}"}}]'):format(beside)
    end
    local caller = '"caller":{"tool_id":"s","type":"code_execution_20250825"}'
    assert.equal("[{" .. caller .. ',"id":"i","input":{},"name":"f","toolset_name":"t","type":"tool_use"}]',
      content("assistant", call(caller .. ',"toolset_name":"t"')))
    assert.equal('[{"id":"i","input":{},"name":"f","type":"tool_use"}]',
      content("assistant", call '"caller":null,"toolset_name":null'))
    assert.equal("messages[1].tool_calls[1].caller: table expected, got string",
      problem_of('[{"role":"assistant",' .. call '"caller":"x"' .. "}]"))
  end)

  it("lose what else an answer brought, as no request takes it", function()
    assert.equal('[{"text":"a","type":"text"},{"id":"i","input":{},"name":"f","type":"tool_use"}]',
      content("assistant", '"content":"a","images":[{"url":"u"}],"annotations":[1],"reasoning":{"signature":"s"},'
        .. '"provider_specific_fields":{"x":1},"tool_calls":[{"id":"i","type":"function","extra_content":{"x":1},'
        .. '"function":{"name":"f","arguments":"{}","thought_signature":"t"}}]'))
  end)

  it("have arguments that are no object as {}, and note what the model wrote", function()
    local function call_of(arguments)
      local reading = completion_reading.new()
      local messages = completion_messages.read(reading, "messages", { { role = "assistant", tool_calls = {
        { id = "i", type = "function", ["function"] = { name = "f", arguments = arguments } },
      } } })
      assert.is_nil(reading.problem)
      return messages[1].content[1], json.encode_request(messages[1].content)
    end
    local sent_empty = '[{"id":"i","input":{},"name":"f","type":"tool_use"}]'
    for _, arguments in ipairs {
      '{"a": 1.0', '{"x":NaN,"y":1}', "Paris", "[1]", "5", "true", '"Paris"', '"{\\"a\\":"',
    } do
      local call, sent = call_of(arguments)
      assert.equal(sent_empty, sent)
      assert.is_nil(call.input)
      assert.is_string(call.input_error)
      assert.is_string(call.input_json)
    end
    assert.equal('{"a": 1.0', call_of('{"a": 1.0').input_json)
    assert.equal("[1]", call_of("[1]").input_json)
    for _, arguments in ipairs { "", " ", "{}", "null", "[]", '""' } do
      local call, sent = call_of(arguments)
      assert.equal(sent_empty, sent)
      assert.is_nil(call.input_json)
    end
    assert.equal('[{"id":"i","input":{ },"name":"f","type":"tool_use"}]', (select(2, call_of "{ }")))
    assert.equal('[{"id":"i","input":{"a": 1},"name":"f","type":"tool_use"}]',
      (select(2, call_of '"{\\"a\\": 1}"'))) -- a text in a text
  end)

  it("have thinking whose text and signature a stream brought apart", function()
    local function thinking(blocks)
      return content("assistant", '"reasoning_content":"t","thinking_blocks":[' .. blocks .. "]")
    end
    local signed = '{"type":"thinking","thinking":"","signature":"s"}'
    local redacted = '{"data":"d","type":"redacted_thinking"}'
    assert.equal('[{"signature":"s","thinking":"t","type":"thinking"}]', thinking(signed))
    assert.equal('[{"signature":"s","thinking":"t","type":"thinking"}]', thinking '{"type":"thinking","signature":"s"}')
    assert.equal('[{"thinking":"t","type":"thinking"},' .. redacted .. "]", thinking(redacted))
    local two = signed .. "," .. signed
    assert.equal("[" .. two:gsub('"type":"thinking","thinking":"","signature":"s"',
      '"signature":"s","thinking":"","type":"thinking"') .. "]", thinking(two))
  end)

  it("have thinking by whatever name an answer had it", function()
    for _, name in ipairs { "reasoning_content", "reasoning", "reasoning_text", "thinking" } do
      assert.equal('[{"thinking":"t","type":"thinking"},{"text":"a","type":"text"}]',
        content("assistant", '"content":"a","' .. name .. '":"t"'))
      assert.equal('"a"', content("assistant", '"content":"a","' .. name .. '":null'))
    end
    local function details(list)
      return content("assistant", '"content":"a","reasoning":"not this","reasoning_details":[' .. list .. "]")
        :gsub(',{"text":"a","type":"text"}%]$', "]")
    end
    assert.equal('[{"signature":"s","thinking":"t","type":"thinking"},{"data":"d","type":"redacted_thinking"}]',
      (details('{"type":"reasoning.text","text":"t","signature":"s","format":"anthropic-claude-v1","index":0},'
        .. '{"type":"reasoning.encrypted","data":"d"}')))
    assert.equal('[{"thinking":"t","type":"thinking"},{"thinking":"u","type":"thinking"}]', -- signed by others
      (details('{"type":"reasoning.text","text":"t","signature":"s","format":"google-gemini-v1"},'
        .. '{"type":"reasoning.encrypted","data":"d","format":"openai-responses-v1"},'
        .. '{"type":"reasoning.summary","summary":"u","format":"openai-responses-v1"}')))
    assert.equal("messages[1].reasoning_details[1]: table expected, got string",
      problem_of '[{"role":"assistant","reasoning_details":["x"]}]')
  end)

  it("have blocks without what clients put the chunks of a stream together by", function()
    assert.equal('[{"signature":"s","thinking":"t","type":"thinking"},{"type":"own"}]',
      content("assistant", '"thinking_blocks":[{"index":0,"type":"thinking","thinking":"t","signature":"s"}],'
        .. '"provider_specific_fields":{"blocks":[{"index":0,"type":"own"}]}'))
  end)

  it("mark a turn that thought as a message", function()
    local list = json.decode(read('[{"role":"assistant","content":"a","reasoning_content":"t"},'
      .. '{"role":"assistant","content":"a"}]'))
    assert.same({ "message", nil }, { list[1].type, list[2].type })
  end)

  it("have the results of tools that follow each other in one turn", function()
    local function result(id)
      return ('{"role":"tool","tool_call_id":"%s","content":"r%s"}'):format(id, id)
    end
    local function block(id)
      return ('{"content":"r%s","tool_use_id":"%s","type":"tool_result"}'):format(id, id)
    end
    assert.equal('[{"content":[' .. block(1) .. "," .. block(2) .. '],"role":"user"},{"content":"x","role":"user"},'
      .. '{"content":[' .. block(3) .. '],"role":"user"}]',
      (read("[" .. result(1) .. "," .. result(2) .. ',{"role":"user","content":"x"},' .. result(3) .. "]")))
  end)

  it("have what may be cached of a system's message, a call and a result", function()
    local CACHED = '"cache_control":{"type":"ephemeral"}'
    local system = select(2, read('[{"role":"system","content":"a",' .. CACHED .. "}]"))
    assert.equal("[{" .. CACHED .. ',"text":"a","type":"text"}]', system)
    system = select(2, read('[{"role":"system","content":["a","b"],' .. CACHED .. "}]"))
    assert.equal('[{"text":"a","type":"text"},{' .. CACHED .. ',"text":"b","type":"text"}]', system)
    assert.equal("messages[1].cache_control: cannot be translated",
      problem_of('[{"role":"system","content":[],' .. CACHED .. "}]"))
    assert.equal("[{" .. CACHED .. ',"id":"i","input":{},"name":"f","type":"tool_use"}]',
      content("assistant", '"tool_calls":[{"id":"i","function":{"name":"f","arguments":"{}"},' .. CACHED .. "}]"))
    assert.equal("[{" .. CACHED .. ',"content":"r","tool_use_id":"i","type":"tool_result"}]',
      content("tool", '"content":"r","tool_call_id":"i","name":"f",' .. CACHED))
  end)

  it("are refused, the first problem with its place", function()
    for text, problem in pairs {
      ["7"] = "messages: ", ["[7]"] = "messages[1]: table expected, got number", ["[null]"] = "messages[1]: missing",
      ["[{}]"] = "messages[1].role: missing", ['[{"role":"x"}]'] = 'messages[1].role: "x" cannot be translated',
      ['[{"role":"' .. ("x"):rep(41) .. '"}]'] = "messages[1].role: string cannot be translated",
      ['[{"role":"' .. ("x"):rep(40) .. '"}]'] = 'messages[1].role: "' .. ("x"):rep(40) .. '" cannot be translated',
      ['[{"role":"user"}]'] = "messages[1].content: missing",
      ['[{"role":"user","content":7}]'] = "messages[1].content: string or table expected, got number",
      ['[{"role":"user","content":"a","name":"n"}]'] = "messages[1].name: cannot be translated",
      ['[{"role":"user","content":"a","name":""},{"role":"x"}]'] = 'messages[2].role: "x" cannot be translated',
      ['[{"role":"user","content":[{"type":"input_audio"}]}]'] =
        'messages[1].content[1].type: "input_audio" cannot be translated',
      ['[{"role":"system","content":[{"type":"image_url"}]}]'] =
        'messages[1].content[1].type: "image_url" cannot be translated',
      ['[{"role":"user","content":[{"type":"refusal"}]}]'] =
        'messages[1].content[1].type: "refusal" cannot be translated',
      ['[{"role":"user","content":[{"type":"text"}]}]'] = "messages[1].content[1].text: missing",
      ['[{"role":"user","content":[{"type":"image_url","image_url":"ftp://h"}]}]'] =
        "messages[1].content[1].image_url.url: a URL of http, https or data (with base64) expected",
      ['[{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://h","detail":"low"}}]}]'] =
        'messages[1].content[1].image_url.detail: "low" cannot be translated',
      ['[{"role":"user","content":[{"type":"file","file":{"file_data":"data:text/plain;base64,AA=="}}]}]'] =
        "messages[1].content[1].file.file_data: a data: URL of a PDF expected",
      ['[{"role":"user","content":[{"type":"file","file":{"file_id":"f"}}]}]'] =
        "messages[1].content[1].file.file_id: cannot be translated",
      ['[{"role":"assistant","tool_calls":[{"id":"i","type":"custom","function":{}}]}]'] =
        'messages[1].tool_calls[1].type: "custom" cannot be translated',
      ['[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}]'] =
        "messages[1].tool_calls[1].id: missing",
      ['[{"role":"assistant","tool_calls":[{"id":"i","function":{"name":"f","arguments":{}}}]}]'] =
        "messages[1].tool_calls[1].function.arguments: string expected, got table",
      ['[{"role":"system","content":"a","x":1}]'] = "messages[1].x: cannot be translated",
      ['[{"role":"assistant","content":"a","name":"n","audio":{"id":"x"},"function_call":{"name":"f"}}]'] =
        "messages[1].audio: cannot be translated",
      ['[{"role":"assistant","content":"a","name":"n","cache_control":{"type":"ephemeral"}}]'] =
        "messages[1].cache_control: cannot be translated",
      ['[{"role":"assistant","content":"a","name":"n"}]'] = "messages[1].name: cannot be translated",
      ['[{"role":"tool","content":"a","tool_call_id":"i","x":1}]'] = "messages[1].x: cannot be translated",
      ['[{"role":"assistant","provider_specific_fields":{"blocks":[7]}}]'] =
        "messages[1].provider_specific_fields.blocks[1]: table expected, got number",
      ['[{"role":"tool","content":"a"}]'] = "messages[1].tool_call_id: missing",
    } do
      assert.equal(problem, (problem_of(text):sub(1, problem == "messages: " and #problem or -1)))
    end
  end)

  it("name the first unknown member by the alphabet", function()
    assert.equal("messages[1].a: cannot be translated", problem_of '[{"role":"user","content":"x","b":1,"a":1,"c":1}]')
  end)
end)
