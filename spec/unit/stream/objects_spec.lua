local objects = require "anthropic.stream.objects"

-- A stream of which some text has been seen.
local function stream_of(text)
  return {
    is_seen = text ~= nil,
    snapshot = function() return { text = function() return text end } end,
  }
end

describe("the object of a stream's text", function()
  it("grows with each piece", function()
    local reader = objects.reader(stream_of(nil))
    local object, progress = reader:read '{"a":"on'
    assert.same({}, object) -- a text counts once it is whole
    assert.is_truthy(progress)
    object, progress = reader:read 'e","b":[1,'
    assert.same({ a = "one", b = { 1 } }, object)
    object = reader:read "2]}"
    assert.same({ a = "one", b = { 1, 2 } }, object)
    assert.is_nil(progress.message)
  end)

  it("has what came of it before", function()
    assert.same({ a = 1, b = "x" }, (objects.reader(stream_of '{"a":1,"b"'):read ':"x",'))
    local reader = objects.reader(stream_of '{"a":1')
    reader:read ","
    assert.same({ a = 1, b = 2 }, (reader:read '"b":2}'))
    local unseen = stream_of '{"a":1'
    unseen.is_seen = false
    assert.same({ b = 1 }, (objects.reader(unseen):read '{"b":1}'))
  end)

  it("is as it was where its JSON breaks, and none after that", function()
    local reader = objects.reader(stream_of(nil))
    reader:read '{"a":1,'
    local object, progress = reader:read "!"
    assert.same({ a = 1 }, object)
    assert.is_string(progress.message)
    assert.is_nil((reader:read "}"))
  end)
end)
