-- The event decoder alone: its queue, its errors, its end. What is an event is spec/unit/decode/sse_spec.lua's.

local errors = require "anthropic.base.error"
local sse = require "anthropic.sse"

local function count_and_pack(...)
  return { n = select("#", ...), ... }
end

local function event(data, name, id)
  return { event = name or "message", data = data, id = id or "" }
end

describe("a decoder", function()
  it("gives events in order, also while more are fed, and then nil", function()
    local decoder = sse.decoder()
    assert.is_nil(decoder:next())
    assert.same({ n = 1, true }, count_and_pack(decoder:feed "data: 1\n\nevent: a\nid: 7\ndata: 2\n\ndata: 3\n"))
    assert.same(event "1", decoder:next())
    assert.same({ n = 1, true }, count_and_pack(decoder:feed "\ndata: 4\n\n"))
    assert.same(event("2", "a", "7"), decoder:next())
    assert.same(event("3", nil, "7"), decoder:next())
    assert.same(event("4", nil, "7"), decoder:next())
    assert.is_nil(decoder:next())
    assert.is_nil(decoder:next())
    decoder:feed "data: 5\n\n"
    assert.same(event("5", nil, "7"), decoder:next())
    assert.is_nil(decoder:next())
  end)

  it("calls an event without a name a message", function()
    local decoder = sse.decoder()
    decoder:feed "event:\ndata: 1\n\nevent: ping\ndata: 2\n\n"
    assert.equal("message", decoder:next().event)
    assert.equal("ping", decoder:next().event)
  end)

  it("has the time to wait once the server said so", function()
    local decoder = sse.decoder()
    assert.is_nil(decoder.retry)
    decoder:feed "data: 1\n\n"
    assert.is_nil(decoder.retry)
    decoder:feed "retry: 20\n"
    assert.equal(20, decoder.retry)
    decoder:feed "data: 2\n\n"
    assert.equal(20, decoder.retry)
  end)

  it("keeps nothing of events that were taken", function()
    local decoder = sse.decoder()
    local seen = setmetatable({}, { __mode = "v" })
    decoder:feed "data: 1\n\ndata: 2\n\n"
    seen[1] = decoder:next()
    collectgarbage()
    collectgarbage()
    assert.is_nil(seen[1])
    assert.equal("2", decoder:next().data)
  end)

  it("has an error above its limit, for good", function()
    local decoder = sse.decoder { max_event_bytes = 5 }
    local results = count_and_pack(decoder:feed "data: 12345\n\ndata: 123456\n\ndata: 1\n\n")
    assert.equal(2, results.n)
    assert.is_nil(results[1])
    assert.is_true(errors.is(results[2]))
    assert.equal("protocol", results[2].kind)
    assert.equal("an event is larger than 5 bytes", results[2].message)
    assert.same({ 63, 63 }, { results[2].code, results[2]:exit_code() })
    assert.equal("12345", decoder:next().data)
    assert.is_nil(decoder:next())
    local again = count_and_pack(decoder:feed "data: 1\n\n")
    assert.is_nil(again[1])
    assert.equal(results[2], again[2])
    local ended = count_and_pack(decoder:finish())
    assert.is_nil(ended[1])
    assert.equal(results[2], ended[2])
    assert.equal(results[2], select(2, decoder:feed "x"))
    assert.is_nil(decoder:next())
  end)

  it("has a limit of 32 MiB where none is given", function()
    for _, options in ipairs { {}, { max_event_bytes = false }, "none" } do
      local decoder = sse.decoder(options ~= "none" and options or nil)
      assert.equal(33554432, decoder.limit)
    end
    assert.equal(7, sse.decoder({ max_event_bytes = 7 }).limit)
  end)

  it("takes no more once it is finished, and says so", function()
    local decoder = sse.decoder()
    decoder:feed "data: 1\n\ndata: 2\n"
    assert.same({ n = 1, true }, count_and_pack(decoder:finish()))
    assert.same({ n = 1, true }, count_and_pack(decoder:finish()))
    local ok, err = decoder:feed "\n"
    assert.is_nil(ok)
    assert.equal("invalid_request", err.kind)
    assert.equal("the decoder is finished", err.message)
    assert.equal("1", decoder:next().data)
    assert.is_nil(decoder:next())
    assert.equal(err, select(2, decoder:finish()))
  end)

  it("is its own", function()
    local one, two = sse.decoder(), sse.decoder()
    one:feed "data: 1\n\n"
    assert.is_nil(two:next())
    assert.equal("1", one:next().data)
  end)

  it("has no limit where that is infinite, or larger than any event", function()
    for _, limit in ipairs { math.huge, 1e300, 2 ^ 53 } do
      local decoder = sse.decoder { max_event_bytes = limit }
      decoder:feed "data: 1\n\n"
      assert.equal("1", decoder:next().data)
    end
  end)

  it("raises for a limit or bytes that are none", function()
    for _, limit in ipairs { 0, -1, "x", {}, 0 / 0 } do
      assert.has_error(function() sse.decoder { max_event_bytes = limit } end)
    end
    for given, words in pairs {
      [5] = "sse.decoder: options: table expected, got number",
      [{ max_events_bytes = 5 }] = 'unknown option "max_events_bytes"; did you mean "max_event_bytes"?',
    } do
      local ok, message = pcall(function() sse.decoder(given) end)
      assert.is_false(ok)
      assert.truthy(message:find(words, 1, true), message)
      assert.truthy(message:find "sse_spec", message)
    end
    assert.has_error(function() sse.decoder():feed {} end)
    assert.has_error(function() sse.decoder():feed() end)
  end)
end)
