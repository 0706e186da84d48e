-- The plain way of reading a stream, without the ways around it.

local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"
local plain = require "anthropic.stream.plain"
local scripted_exchange = require "spec.support.scripted_exchange"
local stream_module = require "anthropic.stream"

local START = {
  type = "message_start",
  message = { type = "message", role = "assistant", content = json.array {}, usage = { output_tokens = 1 } },
}
local BLOCK = { type = "content_block_start", index = 0, content_block = { type = "text", text = "" } }
local TEXT = { type = "content_block_delta", index = 0, delta = { type = "text_delta", text = "Hi" } }
local BLOCK_STOP = { type = "content_block_stop", index = 0 }
local STOP = { type = "message_stop" }

local function item(event)
  return { assert(json.encode(event)), "" }
end

local function open(list, fields)
  local script = fields or {}
  script.events = list
  local exchange = scripted_exchange(script)
  return stream_module.new(exchange), exchange
end

describe("a stream that is read in the plain way", function()
  it("has its events one by one, then nil alone", function()
    local opened, exchange = open { item(START), item(BLOCK), item(TEXT), item(BLOCK_STOP), item(STOP) }
    for _, event in ipairs { START, BLOCK, TEXT, BLOCK_STOP, STOP } do
      assert.same(event, plain.next(opened))
    end
    for _ = 1, 2 do
      assert.same({}, { plain.next(opened) })
      assert.equal(1, exchange.finished)
      assert.is_falsy(opened.reader)
    end
  end)

  it("takes first the event that ended the flow, or the piece that was found begun", function()
    local opened = open { item(BLOCK), item(TEXT), item(BLOCK_STOP), item(STOP) }
    for _, event in ipairs { START, BLOCK, TEXT } do
      assert.same(event, plain.next(opened, event == START and item(START)[1] or nil, event == START and "" or nil))
    end
    opened.is_unpieced = true
    assert.same(BLOCK_STOP, plain.next(opened, nil, "piece"))
    assert.is_false(opened.is_unpieced)
  end)

  it("says from which event on deltas can flow, and follows them then", function()
    local opened, exchange = open { item(START), item(BLOCK), item(TEXT), item(STOP) }
    plain.next(opened)
    plain.next(opened)
    assert.is_nil(exchange.transfer.followed)
    plain.next(opened)
    assert.equal(exchange.transfer, opened.flow)
    assert.is_userdata(exchange.transfer.followed)
    plain.next(opened)
    assert.is_nil(opened.flow)
  end)

  it("counts as seen by what was not for itself, and forgets what was relayed", function()
    local opened = open { item(START), item(BLOCK), item(TEXT), item(STOP) }
    opened.relayed = {}
    plain.next(opened, nil, nil, true)
    assert.is_falsy(opened.is_seen)
    assert.is_nil(opened.relayed)
    plain.next(opened)
    assert.is_true(opened.is_seen)
    plain.next(opened, nil, nil, true)
    assert.is_true(opened.is_seen)
  end)

  it("stays as it is where the caller cannot wait", function()
    local refusal = errors.new { kind = "invalid_request", type = "cannot_wait", message = "not here" }
    local opened, exchange = open({ { nil, "again" }, item(START), item(BLOCK), item(TEXT) },
      { waits = { { nil, refusal } } })
    assert.same({ nil, refusal }, { plain.next(opened) })
    assert.same({}, exchange.failed)
    assert.same(START, plain.next(opened))
  end)

  it("fails for ever, after the attempts that may follow", function()
    local opened, exchange = open({ item(START) }, {
      recoveries = { { events = { item(START), item(BLOCK), item(TEXT), { "{", "" } } } },
    })
    for _, event in ipairs { START, BLOCK, TEXT } do
      assert.same(event, plain.next(opened))
    end
    assert.equal("truncated", exchange.recovered[1].kind)
    local event, err = plain.next(opened)
    assert.is_nil(event)
    assert.equal("protocol", err.kind)
    assert.same({ nil, err }, { plain.next(opened) })
    assert.same({ nil, err }, { plain.enter(opened) })
  end)

  it("has failed where an error broke off its reading", function()
    local opened = open { item(START) }
    assert.is_true(plain.enter(opened))
    local ok, err = plain.enter(opened)
    assert.is_nil(ok)
    assert.equal("cancelled", err.kind)
    assert.same({ nil, err }, { plain.next(opened) })
  end)
end)
