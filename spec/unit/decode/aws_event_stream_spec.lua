-- The frames of AWS's event stream, by transfer:aws_event. The vectors (spec/fixtures/aws) are another encoder's.

local aws_frames = require "spec.support.aws_frames"
local core = require "anthropic.core"

local header, text_header, frame = aws_frames.header, aws_frames.text_header, aws_frames.frame

-- All messages of bytes that come in these pieces, and what ended them.
local function read(pieces, limit)
  local transfer = core.fed(200, limit or 1000000, 2000000)
  local messages, state = {}, nil
  for _, piece in ipairs(pieces) do
    assert(transfer:feed(piece))
    local payload, kind, name, text = transfer:aws_event()
    while payload do
      messages[#messages + 1] = { payload = payload, kind = kind, name = name, text = text }
      payload, kind, name, text = transfer:aws_event()
    end
    state = kind
  end
  return messages, state
end

local function kinds_of(messages)
  local kinds = {}
  for i, message in ipairs(messages) do
    kinds[i] = message.kind .. " " .. message.name
  end
  return table.concat(kinds, ", ")
end

-- All that was read, as one text.
local function shown(messages)
  local lines = {}
  for i, message in ipairs(messages) do
    lines[i] = ("%q %q %q %q"):format(message.payload, message.kind, message.name, message.text)
  end
  return table.concat(lines, "\n")
end

-- The bytes with another one at a position.
local function broken_at(bytes, position)
  local other = string.char((bytes:byte(position) + 1) % 256)
  return bytes:sub(1, position - 1) .. other .. bytes:sub(position + 1)
end

describe("the decoder of AWS's event stream", function()
  local OK, THROTTLED = aws_frames.fixture "bedrock_ok.bin", aws_frames.fixture "bedrock_throttle.bin"

  it("reads the vectors of another encoder", function()
    local messages, state = read { OK }
    assert.equal(("event chunk, "):rep(6), kinds_of(messages) .. ", ")
    assert.equal("again", state)
    assert.matches('^{"bytes":"eyJ0eXBlIjoibWVzc2FnZV9zdGFydCI', messages[1].payload)
    messages = read { THROTTLED }
    assert.equal(("event chunk, "):rep(3) .. "exception throttlingException", kinds_of(messages))
    assert.equal('{"message":"Too many tokens"}', messages[4].payload)
  end)

  it("reads the same however they are cut", function()
    for _, bytes in ipairs { OK, THROTTLED } do
      local whole = shown(read { bytes })
      for cut = 1, #bytes - 1 do
        assert.is_true(whole == shown(read { bytes:sub(1, cut), bytes:sub(cut + 1) }), cut)
      end
      local single = {}
      for i = 1, #bytes do
        single[i] = bytes:sub(i, i)
      end
      assert.equal(whole, shown(read(single)))
    end
  end)

  it("refuses a byte that is wrong, wherever it stands, and all that follows", function()
    for position = 1, #THROTTLED do
      local messages, state = read { broken_at(THROTTLED, position), OK }
      assert.is_true(#messages < 4, position)
      for _, message in ipairs(messages) do
        assert.equal("chunk", message.name)
      end
      assert.equal("broken", state, position)
    end
  end)

  it("waits for what is not whole", function()
    local HEADERS = { event = 75 } -- so many bytes of them
    for length = 0, #THROTTLED - 1 do
      local messages, state = read { THROTTLED:sub(1, length) }
      assert.equal("again", state)
      local held = 0
      for _, message in ipairs(messages) do
        held = held + 16 + #message.payload + HEADERS[message.kind]
      end
      assert.is_true(held <= length) -- no message before its last byte
    end
  end)

  it("passes over headers of every type", function()
    local others = header("true", 0, "") .. header("false", 1, "") .. header("byte", 2, "x") .. header("short", 3, "xx")
      .. header("int", 4, "xxxx") .. header("long", 5, ("x"):rep(8)) .. header("bytes", 6, "\0\3a\0b")
      .. header("time", 8, ("x"):rep(8)) .. header("uuid", 9, ("x"):rep(16)) .. header("", 7, "\0\0")
    local wanted = text_header(":event-type", "chunk")
    local kind = text_header(":message-type", "event")
    for _, headers in ipairs { others .. wanted .. kind, wanted .. others .. kind, wanted .. kind .. others } do
      assert.same({ { payload = "{}", kind = "event", name = "chunk", text = "" } }, (read { frame(headers, "{}") }))
    end
    assert.same({ { payload = "p", kind = "", name = "", text = "" } }, (read { frame(others, "p") }))
  end)

  it("takes a header that should be a string for none where it is another", function()
    local headers = header(":message-type", 6, "\0\5event") .. header(":event-type", 0, "")
    assert.same({ { payload = "", kind = "", name = "", text = "" } }, (read { frame(headers, "") }))
  end)

  it("reads an error's code and words, and an empty frame", function()
    assert.same({ { payload = "", kind = "error", name = "InternalError", text = "oops \0" } },
      (read { aws_frames.error("InternalError", "oops \0") }))
    assert.same({ { payload = "", kind = "", name = "", text = "" } }, (read { frame("", "") }))
  end)

  it("refuses headers that do not end where they should", function()
    local whole = text_header(":message-type", "event")
    for length = 1, #whole - 1 do
      assert.same({ {}, "broken" }, { (read { frame(whole:sub(1, length), "payload") }),
        (select(2, read { frame(whole:sub(1, length), "payload") })) })
    end
    for _, kind in ipairs { 10, 11, 127, 128, 255 } do
      assert.equal("broken", select(2, read { frame(header("x", kind, ("x"):rep(20)), "") }))
    end
  end)

  it("refuses lengths that cannot be, before more has come", function()
    local function prelude(total, headers)
      return aws_frames.prelude(aws_frames.number(total, 4) .. aws_frames.number(headers, 4))
    end
    for _, case in ipairs { { 0, 0 }, { 15, 0 }, { 16, 1 }, { 20, 5 }, { 20, 4294967295 }, { 100, 85 } } do
      assert.equal("broken", select(2, read { prelude(case[1], case[2]) }))
    end
    assert.equal("again", select(2, read { prelude(100, 84) }))
  end)

  it("refuses a frame above the limit once its length is known, for good", function()
    local bytes = frame("", ("x"):rep(84))
    assert.equal(1, #read({ bytes }, 100))
    assert.equal("too_large", (select(2, read({ bytes:sub(1, 12) }, 99))))
    assert.equal("too_large", (select(2, read({ bytes, frame("", "") }, 99))))
    assert.equal("too_large", (select(2, read({ aws_frames.prelude(aws_frames.number(4294967295, 4) .. "\0\0\0\0") }))))
  end)
end)
