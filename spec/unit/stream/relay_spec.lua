-- The pieces of a stream's body, and what each meant; spec/behaviour/relay_spec.lua relays what a server sends.

local errors = require "anthropic.base.error"
local fed_answer = require "spec.support.fed_answer"
local json = require "anthropic.base.json"
local relay = require "anthropic.stream.relay"
local stream_module = require "anthropic.stream"

local function sse(data, name)
  return (name and "event: " .. name .. "\n" or "") .. "data: " .. data .. "\n\n"
end

local START = sse('{"type":"message_start","message":{"role":"assistant","content":[]}}', "message_start")
local BLOCK = sse('{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}')
local STOP = sse('{"type":"content_block_stop","index":0}') .. sse('{"type":"message_stop"}')

local function delta(text, index)
  return sse(('{"type":"content_block_delta","index":%d,"delta":{"type":"text_delta","text":"%s"}}'):format(index or 0,
    text))
end

describe("a relayed answer", function()
  local function open(pieces)
    local exchange = fed_answer(pieces, { max_event_bytes = 100000 })
    function exchange.recover(_, err)
      return nil, exchange:fail(err)
    end
    return stream_module.new(exchange)
  end

  -- All pieces, the types of each one's events, and the error.
  local function all_of(stream)
    local pieces, types = {}, {}
    while true do
      local bytes, events, err = relay.next(stream)
      if not bytes then
        return pieces, types, err
      end
      local names = {}
      for i, event in ipairs(events) do
        names[i] = event.type
      end
      pieces[#pieces + 1], types[#types + 1] = bytes, table.concat(names, " ")
    end
  end

  it("comes in pieces as they were sent, with what each meant", function()
    local comment = ": hello\n\n"
    local stream = open { comment .. START, BLOCK .. delta "a" .. delta "b", STOP }
    local pieces, types, err = all_of(stream)
    assert.is_nil(err)
    assert.equal(comment .. START .. BLOCK .. delta "a" .. delta "b" .. STOP, table.concat(pieces))
    assert.equal(" message_start content_block_start content_block_delta content_block_delta content_block_stop "
      .. "message_stop", table.concat(types, " "))
    assert.equal("ab", stream:message():text())
  end)

  it("comes the same however it is cut", function()
    local text = START .. BLOCK .. delta "a" .. ": ping\n\n" .. delta "b" .. delta("c", 0) .. STOP
    local expected, types = all_of(open { text })
    for size = 1, 40, 3 do
      local cut = {}
      for i = 1, #text, size do
        cut[#cut + 1] = text:sub(i, i + size - 1)
      end
      local stream = open(cut)
      local pieces, meant = all_of(stream)
      assert.same(expected, pieces)
      assert.same(types, meant)
      assert.equal("abc", stream:message():text())
    end
  end)

  it("goes on behind what was read before, which is written anew", function()
    local stream = open { START .. BLOCK .. delta "a" .. delta "b" .. STOP }
    assert.equal("message_start", stream:next().type)
    local pieces, types = all_of(stream)
    assert.equal('event: content_block_stop\ndata: {"index":0,"type":"content_block_stop"}\n\n', pieces[4])
    assert.equal("ab", stream:message():text())
    assert.equal("content_block_start content_block_delta content_block_delta content_block_stop message_stop",
      table.concat(types, " "))
  end)

  it("has what follows the message's end", function()
    local pieces = all_of(open { START .. STOP .. ": bye\n\ndata: more\n\n" })
    assert.equal(START .. STOP .. ": bye\n\ndata: more\n\n", table.concat(pieces))
    pieces = all_of(open { START .. STOP, ": la", "te\n\n" })
    assert.equal(START .. STOP .. ": late\n\n", table.concat(pieces))
  end)

  it("that came whole is written as a stream", function()
    local pieces, types = all_of(open {
      '{"type":"message","role":"assistant","content":[{"type":"text","text":"Hi"}]}',
    })
    assert.equal("message_start content_block_start content_block_delta content_block_stop message_delta message_stop",
      table.concat(types, " "))
    for i, piece in ipairs(pieces) do
      local name, data = piece:match "^event: ([%w_]+)\ndata: (.-)\n\n$"
      assert.equal(types[i], name)
      assert.equal(name, json.decode(data).type)
      assert.is_nil(data:find('"raw"', 1, true))
    end
  end)

  it("ends with its error, every time", function()
    local broken = errors.new { kind = "timeout", message = "slow" }
    local stream = open { START .. BLOCK, broken }
    local pieces, _, err = all_of(stream)
    assert.equal(START .. BLOCK, table.concat(pieces))
    assert.equal(broken, err)
    assert.same({ nil, nil, broken }, { relay.next(stream) })
    local told = sse('{"type":"error","error":{"type":"overloaded_error","message":"Over"}}')
    pieces, _, err = all_of(open { START .. told })
    assert.equal(START .. told, table.concat(pieces))
    assert.equal("overloaded_error", err.type)
    pieces, _, err = all_of(open { START .. BLOCK })
    assert.equal(START .. BLOCK, table.concat(pieces))
    assert.equal("truncated", err.kind)
  end)
end)
