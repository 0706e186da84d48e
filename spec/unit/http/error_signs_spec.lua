-- What is an error among answers and events, and what only looks like one.

local error_signs = require "anthropic.http.error_signs"
local json = require "anthropic.base.json"

local function is_error(text, name, is_open)
  return error_signs.is_error(json.decode_event(text), name, is_open)
end

-- Errors whatever was asked for.
local ERRORS = {
  '{"type":"error"}',
  '{"type":"error","error":{"type":"overloaded_error","message":"no"}}',
  '{"error":{"message":"no"}}',
  '{"error":{"code":429}}',
  '{"error":"no"}',
  '{"error":["a","b"]}',
  '{"error":true,"message":"no"}',
  '{"error":500}',
  '{"error":{"code":"","message":"no"},"choices":[{"delta":{"content":"x"}}]}',
  '{"id":"c","choices":[],"error":{"message":"no"}}',
  '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}',
  '{"object":"error","message":"no","type":"BadRequestError","code":400}',
  '{"event":"error","status":400,"message":"no"}',
  '{"type":"overloaded_error"}',
  '{"type":"overloaded_error","message":"no"}',
  '{"type":"chat.completion.chunk","choices":[],"error":{"code":502}}',
  '{"object":"chat.completion.chunk","choices":[],"error":{"code":502}}',
  '{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error","error":{"code":502}}]}',
  '{"choices":[{"index":0,"delta":{"error":"no"}}]}',
  '{"choices":[{"index":0,"message":{"error":"no"}}]}',
  '{"error_message":"no","choices":[{"delta":{"content":"x"}}]}',
  '{"error_msg":"no","error_code":17}',
  '{"errorMessage":"no"}',
  '{"errorCode":"E1"}',
  '{"errcode":40001,"errmsg":"no"}',
  '{"base_resp":{"status_code":1002,"status_msg":"no"}}',
  '{"base_resp":{"status_code":"1002"},"choices":[{"delta":{"content":"x"}}]}',
  '{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{}}],"x_groq":{"id":"r","error":"no"}}',
  '{"type":"message","content":[],"error":{"message":"no"}}',
  '{"type":"message","content":[],"base_resp":{"status_code":1002}}',
  '{"type":"message_start","message":{"type":"error","error":{"message":"no"}}}',
  '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"},"error":{"message":"no"}}',
  '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""},"error":"no"}',
  '{"type":"message_start","message":{"role":"assistant","content":[]},"error":{"code":500}}',
  '{"type":"message_stop","error":{"message":"no"}}',
  '{"type":"ping","error":{"type":"overloaded_error"}}',
  '[{"error":{"code":400,"message":"no"}}]',
  '[{"error":"a"},{"type":"error"}]',
  '{"type":"","object":"","error":{"message":"no"}}',
  [["{\"error\":\"no\"}"]],
}

-- Errors where it is known what else there would be.
local BARE = {
  '{"code":500,"message":"no"}',
  '{"code":"500","msg":"no"}',
  '{"code":1113,"msg":"no","data":null}',
  '{"code":"InvalidParameter","message":"no","request_id":"r"}',
  '{"code":500}',
  '{"status":503}',
  '{"statusCode":429,"message":"no"}',
  '{"message":"no"}',
  '{"Message":"no"}',
  '{"id":"1","message":"no"}',
  '{"message":{"text":"no"}}',
  '{"__type":"ThrottlingException"}',
  '{"detail":"no"}',
  '{"detail":[{"loc":["body"],"msg":"no"}]}',
  '{"errors":["no"]}',
  '{"title":"no","status":522,"detail":"no"}',
  '{"type":"about:blank","title":"no"}',
  '{"type":"https://x/y","title":"no","status":400}',
  '{"success":false,"errors":[{"code":10000,"message":"no"}],"messages":[],"result":null}',
  '{"success":false}',
  '{"ok":false,"description":"no"}',
  '{"status":"error","message":"no"}',
  '{"status":"failed"}',
  '{"status":"UNAVAILABLE","message":"no"}',
  '{"error":{}}',
  '{"Error":{"Code":"Throttling","Message":"no"}}',
  '{"err":"no"}',
  '{"fault":{"faultstring":"no","detail":{"errorcode":"policies.ratelimit.QuotaViolation"}}}',
  '{"Fault":"no"}',
  '{"exception":"no"}',
  '{"failure":{"reason":"no"}}',
  '{"type":"requests","message":"no","code":"rate_limit_exceeded"}',
  '{"type":"server_error","message":"no"}',
  '{"type":"SomeException","detail":"no"}',
  '{"id":"r","object":"response","status":"failed","error":{"code":"server_error"}}',
  '[{"code":500,"message":"no"}]',
}

local NO_ERRORS = {
  "null", "5", '"text"', '"error"', "[]", "{}", "[{}]", "[1]", "[[]]", '{"a":1}',
  '{"error":null}', '{"error":false}', '{"error":false,"message":"done"}', '{"error":""}', '{"error":0}',
  '{"error":null,"choices":[{"delta":{"content":"x"}}]}',
  '{"error":{},"choices":[{"delta":{"content":"x"}}]}',
  '{"error":"","choices":[{"delta":{}}]}',
  '{"choices":[{"message":{"content":"x"}}],"error":{"message":"","type":"","param":"","code":null}}',
  '{"choices":[{"message":{"content":"x"}}],"error":{"message":"","code":0,"details":{"reasons":[]}}}',
  '{"choices":[],"usage":{"total_tokens":3},"error":{"message":"","type":"","param":"","code":null}}',
  '{"choices":[],"usage":{"total_tokens":3},"error":{}}',
  '{"choices":[{"delta":{"content":"x"},"error":{"code":0,"message":""}}]}',
  '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"},"error":{"message":""}}',
  '{"error":{"code":0,"message":"success"},"choices":[{"delta":{"content":"x"}}]}',
  '{"error":{"code":0,"message":""}}',
  '{"error":"none"}',
  '{"err":null,"exception":false,"fault":""}', '{"err":"none"}',
  '{"error_code":0,"error_msg":"Success","choices":[{"delta":{"content":"x"}}]}',
  '{"errcode":0,"errmsg":"ok"}',
  '{"error_message":null,"error_msg":""}',
  '{"base_resp":{"status_code":0,"status_msg":""},"choices":[]}',
  '{"base_resp":{"status_code":"0"}}',
  '{"base_resp":5}',
  '{"choices":[{"delta":{"content":"x"},"error":null}]}',
  '{"choices":[{"delta":{"content":"x"},"error":{}}]}',
  '{"choices":[5,null,{"delta":5}]}',
  '{"choices":[],"usage":{"total_tokens":3}}',
  '{"choices":[{"delta":{"content":"x"}}],"x_groq":{"id":"req_1","usage":{"total_tokens":3},"error":null}}',
  '{"choices":[{"message":{"role":"assistant","content":"error"}}],"message":"hi"}',
  '{"type":"message","role":"assistant","content":[{"type":"text","text":"x"}],"error":{}}',
  '{"type":"message","role":"assistant","content":[{"type":"text","text":"x"}],"error":{"message":"kept"}}',
  '{"type":"message","role":"assistant","content":[]}',
  '{"role":"assistant","content":[{"type":"text","text":"x"}],"message":"hi"}',
  '{"type":"message_start","message":{"role":"assistant","content":[]}}',
  '{"type":"content_block_start","index":0,"content_block":{"type":"web_search_tool_result",'
    .. '"content":{"type":"web_search_tool_result_error","error_code":"unavailable"}}}',
  '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"error"},"error":{}}',
  '{"type":"message_stop","error":null}',
  '{"type":"message_delta","delta":{"stop_reason":"end_turn"},"error":{"a":1}}',
  '{"type":"ping","message":"no"}',
  '{"type":"event_of_tomorrow","message":"x","code":500}',
  '{"type":"session.error","error":{"type":"overloaded_error","message":"x"}}',
  '{"type":"session.status_idle","message":"x"}',
  '{"type":"model","id":"claude-test","display_name":"x"}',
  '{"type":"model","id":"claude-test","message":"deprecated"}',
  '{"type":"message_batch","id":"b","request_counts":{"errored":1}}',
  '{"type":"file","id":"f","error":{"message":"of the file"}}',
  '{"object":"list","data":[{"id":"a"}]}',
  '{"data":[{"error":{"message":"of an item"}}],"has_more":false}',
  '[{"id":"a","content":"x","error":{"message":"of an item"}}]',
  '[{"error":"a"},{"id":"b"}]',
  '{"custom_id":"a","result":{"type":"errored","error":{"type":"error","error":{"type":"api_error"}}}}',
  '{"input_tokens":9}',
  '{"message":{"role":"assistant","content":"x"},"done":false}',
  '{"code":0,"msg":"success"}', '{"code":200,"message":"OK"}', '{"code":"ok","message":"x"}',
  '{"code":0,"message":"ok","data":{"id":"a"}}', '{"status":200,"message":"x"}', '{"status":"ok","message":"x"}',
  '{"status":"queued","message":"position 3"}', '{"success":true,"message":"x"}',
  '{"code":500,"message":"x","data":[1]}',
  '{"event":"progress","message":"x"}',
  '{"text":"x"}', '{"completion":"x","stop_reason":"stop","message":"x"}',
}

describe("an error", function()
  for _, text in ipairs(ERRORS) do
    it("is " .. text, function()
      assert.is_true(is_error(text))
      assert.is_true(is_error(text, ""))
      assert.is_true(is_error(text, "message"))
      assert.is_true(is_error(text, "", true))
    end)
  end

  for _, text in ipairs(BARE) do
    it("where it is known what else there would be, and only there, is " .. text, function()
      assert.is_true(is_error(text))
      assert.is_true(is_error(text, "message"))
      assert.is_false(is_error(text, "", true))
    end)
  end

  for _, text in ipairs(NO_ERRORS) do
    it("is not " .. text, function()
      assert.is_false(is_error(text))
      assert.is_false(is_error(text, "message"))
      assert.is_false(is_error(text, "", true))
    end)
  end

  it("is all that comes under the name error", function()
    for _, list in ipairs { ERRORS, BARE, NO_ERRORS } do
      for _, text in ipairs(list) do
        assert.is_true(is_error(text, "error"))
        assert.is_true(is_error(text, "error", true))
      end
    end
    assert.is_true(error_signs.is_error(nil, "error"))
  end)

  it("is what comes under an error's name, with words", function()
    for _, name in ipairs { "modelStreamErrorException", "overloaded_error", "throttlingException", "server_error" } do
      assert.is_true(is_error('{"message":"no"}', name))
    end
    assert.is_true(is_error("{}", "overloaded_error"))
    assert.is_false(is_error("{}", "server_error"))
  end)

  it("is not what comes under another name, unless it calls itself one", function()
    for _, text in ipairs { '{"message":"queued"}', '{"status":500}', '{"detail":"x"}' } do
      assert.is_false(is_error(text, "status"))
    end
    assert.is_true(is_error('{"error":{"message":"no"}}', "status"))
    assert.is_false(is_error('{"id":"j","error":{"message":"of the job"}}', "job.failed", true))
  end)

  it("is found in a choice, in a base_resp and in Groq's own member", function()
    local groq = { error = "no" }
    assert.equal(groq, error_signs.inside { choices = { { delta = {} } }, x_groq = groq })
    assert.is_nil(error_signs.inside { x_groq = { error = "", usage = {} } })
    assert.is_nil(error_signs.inside { x_groq = 5 })
    assert.equal("no", error_signs.inside { choices = { { error = "no" } } })
    assert.equal("no", error_signs.in_choices { 5, { delta = {} }, { error = "no" } })
    assert.is_nil(error_signs.in_choices { { error = {} } })
    assert.is_nil(error_signs.in_choices "x")
    local base = { status_code = 1002 }
    assert.equal(base, error_signs.in_base_resp { base_resp = base })
    assert.is_nil(error_signs.in_base_resp { base_resp = { status_code = 0 } })
    assert.is_nil(error_signs.in_base_resp {})
  end)
end)
