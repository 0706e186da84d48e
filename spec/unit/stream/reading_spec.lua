-- What a Stream and a reader of bytes have in common: events taken in, and the message that they make.

local json = require "anthropic.base.json"
local param = require "anthropic.message.param"
local reading = require "anthropic.stream.reading"
local scripted_exchange = require "spec.support.scripted_exchange"
local stream_module = require "anthropic.stream"

local START = { type = "message_start", message = { role = "assistant", usage = { input_tokens = 3 } } }

local function open()
  return stream_module.new(scripted_exchange { events = {} })
end

describe("an event taken in", function()
  it("goes to the choice that it belongs to", function()
    local opened = open()
    assert.is_true(reading.accumulate(opened, START))
    local other = json.decode '{"type":"message_start","choice":2,"raw":{},"message":{"id":"other"}}'
    assert.is_true(reading.accumulate(opened, other))
    assert.equal("other", opened.accumulators[2].fields.id)
    assert.is_nil(opened.accumulators[0].fields.id)
    assert.is_nil(opened.accumulators[1])
    other.message.model = "m"
    local same = opened.accumulators[2]
    assert.is_true(reading.accumulate(opened, { type = "message_delta", choice = 2, raw = {}, delta = { x = 1 } }))
    assert.equal(same, opened.accumulators[2])
  end)

  it("may be malformed", function()
    assert.is_false(reading.accumulate(open(), { type = "content_block_delta", index = 0 }))
  end)
end)

describe("the next event", function()
  it("is taken into the message", function()
    local opened = open()
    opened.source:put(START)
    assert.is_nil(reading.take(opened))
    assert.equal(START, reading.take(opened, true))
    assert.same({}, { reading.take(opened, true) })
    assert.equal(3, reading.snapshot(opened).usage.input_tokens)
  end)

  it("is an error where it is malformed", function()
    local opened = open()
    opened.source:put { type = "content_block_delta", index = 0 }
    local event, err = reading.take(opened)
    assert.is_nil(event)
    assert.equal("protocol", err.kind)
    assert.equal("a malformed event: content_block_delta", err.message)
  end)

  it("is an error where the message is too large with it", function()
    local opened = open()
    opened.budget.most = opened.budget.held
    opened.exchange.option = function() return 1 end
    opened.source:put(START)
    local event, err = reading.take(opened, true)
    assert.is_nil(event)
    assert.equal("protocol", err.kind)
  end)
end)

describe("the whole message", function()
  it("of several choices has its sender noted on each", function()
    local chunk = '{"choices":[{"index":0,"delta":{"reasoning":"Hm.","content":"a"}},'
      .. '{"index":1,"delta":{"reasoning":"Hm.","content":"b"}}]}'
    local opened = stream_module.new(scripted_exchange { events = { { chunk }, { "[DONE]" } } })
    opened.exchange.option = function(name)
      return name == "base_url" and "https://gateway.example" or nil
    end
    local whole = opened:message()
    assert.equal(2, #whole.choices)
    for _, one in ipairs { whole, whole.choices[1], whole.choices[2] } do
      assert.equal(2, #param.of_message(one, "https://gateway.example").content)
      assert.equal(1, #param.of_message(one, "https://other.example").content)
      assert.equal(opened.response, one.response)
    end
  end)
end)
