local objects = require "anthropic.stream.objects"

-- A stream of which some text has been seen.
local function stream_of(text)
  return {
    is_seen = text ~= nil,
    snapshot = function() return { content = { { type = "text", text = text } } } end,
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

  it("begins again behind an event that parts texts", function()
    local function start(block, choice)
      return { type = "content_block_start", content_block = block, choice = choice, raw = choice and {} }
    end
    local CALL = { type = "server_tool_use" }
    assert.equal(CALL, (objects.parts(start(CALL)) or {}).content_block)
    for _, event in ipairs {
      start { type = "text" }, start { type = "thinking" }, start(nil), start(CALL, 1), { type = "content_block_stop" },
      { type = "content_block_delta", content_block = CALL },
    } do
      assert.is_nil(objects.parts(event))
    end
    local reader = objects.reader(stream_of "I look")
    assert.is_nil((reader:read(start(CALL))))
    assert.same({ a = 1 }, (reader:read '{"a":1,'))
    assert.is_string(select(2, reader:read "!").message)
    assert.is_nil((reader:read(start(CALL))))
    local object, progress = reader:read '{"b":2}'
    assert.same({ b = 2 }, object)
    assert.is_nil(progress.message)
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
