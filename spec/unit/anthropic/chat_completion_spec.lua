-- The public face of the other shape's writer.

local anthropic = require "anthropic"
local odd_streams = require "spec.support.odd_streams"

describe("anthropic.chat_completion", function()
  local chat_completion = anthropic.chat_completion

  it("is the module of this name", function()
    assert.equal(require "anthropic.chat_completion", chat_completion)
  end)

  it("reads a request, or says what it cannot", function()
    local body = { model = "m", messages = { { role = "user", content = "Hi" } }, stream = true }
    local params = assert(chat_completion.to_params(body))
    assert.same({ { role = "user", content = "Hi" } }, params.messages)
    assert.is_true(params.stream)
    body.seed = 5
    local none, err = chat_completion.to_params(body)
    assert.is_nil(none)
    assert.equal("invalid_request", err.kind)
    assert.equal("seed: cannot be translated", err.message)
  end)

  it("reads JSON, too, and never raises on what came", function()
    local text = '{"model":"m","messages":[{"role":"user","content":"Hi"}]}'
    assert.equal("m", assert(chat_completion.to_params(text)).model)
    for _, body in ipairs { "", "{", "5", "null", "[]", '"x"', anthropic.null, 5, true } do
      local params, err = chat_completion.to_params(body)
      assert.is_nil(params)
      assert.equal("invalid_request", err.kind)
    end
    assert.equal("invalid_request", select(2, chat_completion.to_params()).kind)
    for seed = 1, 100 do
      local odd = odd_streams.anything(seed)
      for _, role in ipairs { "system", "user", "assistant", "tool" } do
        for i, value in ipairs(odd) do
          local body = { messages = { { role = role, content = value, tool_calls = value }, value }, tools = value }
          assert.is_true(pcall(chat_completion.to_params, body), seed .. " " .. i)
        end
      end
      assert.is_true(pcall(chat_completion.to_params, { messages = odd, response_format = odd[1], stop = odd }))
      assert.is_true(pcall(chat_completion.from_message, { content = odd, usage = odd[1] }))
    end
  end)

  it("leaves what it was given as it is", function()
    local body = assert(anthropic.decode [[{"messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]}],
      "tools":[{"type":"function","function":{"name":"f"}}],"parallel_tool_calls":false,
      "response_format":{"type":"json_schema","json_schema":{"schema":{"type":"object"}}}}]])
    local before = anthropic.encode(body)
    assert(chat_completion.to_params(body))
    assert.equal(before, anthropic.encode(body))
  end)

  it("writes messages and events", function()
    local completion = chat_completion.from_message { content = { { type = "text", text = "Hi" } } }
    assert.equal("Hi", completion.choices[1].message.content)
    assert.equal("Hi", chat_completion.from_message({ content = "Hi" }).choices[1].message.content)
    assert.equal("", chat_completion.from_message({ content = { 5 } }).choices[1].message.content)
    local encoder = chat_completion.encoder { id = "c", model = "m", created = 1, include_usage = true, index = 0 }
    local chunk = encoder:feed({ type = "message_start", message = {} })[1]
    assert.equal("c", chunk.id)
    assert.equal("chat.completion.chunk", chunk.object)
    assert.equal(1, #encoder:finish())
  end)

  it("refuses wrong arguments", function()
    for words, call in pairs {
      ["from_message: table expected, got nil"] = function() chat_completion.from_message() end,
      ["encoder: table expected, got string"] = function() chat_completion.encoder "x" end,
      ['option "include_usage"'] = function() chat_completion.encoder { include_usage = 1 } end,
      ['unknown option "idx"'] = function() chat_completion.encoder { idx = 1 } end,
    } do
      local ok, message = pcall(call)
      assert.is_false(ok)
      assert.truthy(message:find(words, 1, true), message)
      assert.truthy(message:find("chat_completion_spec", 1, true), message)
    end
  end)
end)
