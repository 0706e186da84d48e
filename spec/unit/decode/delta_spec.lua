-- Deltas in the API's own form are read in C; everything else by the JSON decoder. Nobody must be
-- able to tell which it was.

local anthropic = require "anthropic"
local json = require "anthropic.base.json"
local testing = require "anthropic.testing"

local FORM = '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":%s}}'

-- JSON strings, as text.
local STRINGS = {
  '""', '"Hello"', '"a b  c"', [["\""]], [["\\"]], [["\/"]], [["\b\f\n\r\t"]], [["\u0000"]], [["\u001f"]],
  [["\u0041\u00e9\u4f60\uffff"]], [["\ud83d\ude00"]], [["\uD83D\uDE00!"]], [["x\ud83d\ude00y\u00e9z"]],
  '"h\195\169llo"', '"\228\189\160\229\165\189"', '"\240\159\152\128"', '"\239\187\191"', '"\127"',
  [["\\u0041"]], [["\\\\n"]], [["{\"a\":[1,2,{\"b\":\"\\u00e9\\n\"}]}"]], [["ends with a backslash\\"]],
  '"' .. ("long and plain "):rep(500) .. '"', '"' .. ([[\n\u00e9]]):rep(500) .. '"', '"</script> data: x"',
  '"\255"', '"\192\128"', '"\237\160\128"', '"\228\189"', -- invalid UTF-8
}

local OTHER_FORMS = {
  '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}      ',
  '  { "type" : "content_block_delta" , "index" : 0 , "delta" : { "type" : "text_delta" , "text" : "x" } } ',
  '{"index":0,"type":"content_block_delta","delta":{"text":"x","type":"text_delta"}}',
  '{"type":"content_block_delta","index":12345,"delta":{"type":"text_delta","text":"x"}}',
  '{"type":"content_block_delta","index":1234567890,"delta":{"type":"text_delta","text":"x"}}',
  '{"type":"content_block_delta","index":1e0,"delta":{"type":"text_delta","text":"x"}}',
  '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x","more":[1]}}',
  '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"},"more":{}}',
  '{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"x"}}',
  '{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"x","estimated_tokens":3}}',
  '{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\\"a\\":"}}',
  '{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"x=="}}',
  '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","t\\u0065xt":"x"}}',
}

local function plain(value)
  if type(value) ~= "table" then
    return value
  end
  local copy = {}
  for key, member in pairs(value) do
    copy[key] = plain(member)
  end
  return copy
end

describe("A delta", function()
  local server, client

  local function stream_of(payloads)
    local events = { 'event: x\ndata: {"type":"later_event"}\n\n' } -- content: nothing is kept back
    for i, payload in ipairs(payloads) do
      events[i + 1] = "event: content_block_delta\ndata: " .. payload .. "\n\n"
    end
    server = testing.server { script = { { headers = { ["Content-Type"] = "text/event-stream" }, events = events } } }
    client = anthropic.new { base_url = server.url, api_key = "test-key" }
    local stream = assert(client.messages.stream { model = "m", messages = {} })
    assert.equal("later_event", assert(stream:next()).type)
    return stream
  end

  after_each(function()
    server:stop()
  end)

  it("is the same event whichever way its string is written", function()
    local payloads = {}
    for i, text in ipairs(STRINGS) do
      payloads[i] = FORM:format(text:gsub("%%", "%%%%"))
    end
    local stream = stream_of(payloads)
    for i, payload in ipairs(payloads) do
      local expected = json.decode_answer(payload)
      assert.same(plain(expected), plain((assert(stream:next()))), STRINGS[i]:sub(1, 60))
    end
  end)

  it("is the same event in every form it may have", function()
    local stream = stream_of(OTHER_FORMS)
    for _, payload in ipairs(OTHER_FORMS) do
      local event = assert(stream:next())
      assert.same(plain(json.decode_answer(payload)), plain(event), payload)
      if math.type then
        assert.equal("integer", math.type(event.index), payload)
      end
    end
  end)

  it("that is cut short is no event", function()
    local payload = FORM:format [["x\u00e9\n"]]
    for length = 0, #payload - 1 do
      assert.is_nil((json.decode_answer(payload:sub(1, length))))
    end
    local stream = stream_of { payload:sub(1, -2) }
    local event, err = stream:next()
    assert.is_nil(event)
    assert.equal("protocol", err.kind)
  end)
end)
