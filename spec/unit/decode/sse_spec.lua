local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"
local exhaustion = require "spec.support.exhaustion"
local extent = require "spec.support.extent"
local sse = require "anthropic.sse"

local BOM = "\239\187\191"
local LINE_SEPARATOR = "\226\128\168"
local LIMIT = 100

-- Feeds the chunks and gives all events as one text that shows every byte, and the decoder.
local function decode(chunks, options)
  local decoder = sse.decoder(options)
  local shown = {}
  for _, chunk in ipairs(chunks) do
    local ok, err = decoder:feed(chunk)
    for event in function() return decoder:next() end do
      shown[#shown + 1] = ("%q %q %q"):format(event.event, event.data, event.id)
    end
    if not ok then
      shown[#shown + 1] = tostring(err)
      break
    end
  end
  decoder:finish()
  shown[#shown + 1] = "retry " .. tostring(decoder.retry)
  return table.concat(shown, "\n"), decoder
end

local function events(text)
  local decoder, list = sse.decoder(), {}
  assert(decoder:feed(text))
  for event in function() return decoder:next() end do
    list[#list + 1] = event
  end
  return list
end

local function data_of(text)
  local list = {}
  for i, event in ipairs(events(text)) do
    list[i] = event.data
  end
  return list
end

local function bytes_of(text)
  local list = {}
  for i = 1, #text do
    list[i] = text:sub(i, i)
  end
  return list
end

-- The rules once more, in the plainest way: the whole text at once, line by line.
local function reference(text)
  local shown, data, name, id, retry = {}, nil, "", "", nil
  if text:sub(1, 3) == BOM then
    text = text:sub(4)
  end
  text = text:gsub("\r\n", "\n"):gsub("\r", "\n")
  for line in text:gmatch "([^\n]*)\n" do
    local field, value = line:match "^([^:]*):(.*)$"
    field, value = field or line, value or ""
    value = value:gsub("^ ", "")
    if line == "" then
      if data then
        shown[#shown + 1] = ("%q %q %q"):format(name ~= "" and name or "message", data, id)
      end
      data, name = nil, ""
    elseif field == "data" then
      data = data and data .. "\n" .. value or value
    elseif field == "event" then
      name = value
    elseif field == "id" and not value:find "%z" then
      id = value
    elseif field == "retry" and value:match "^[0-9]+$" then
      retry = tonumber(value)
    end
  end
  shown[#shown + 1] = "retry " .. tostring(retry)
  return table.concat(shown, "\n")
end

-- Whole, cut in two at every byte, and byte by byte.
local function assert_same_however_cut(text)
  local expected = reference(text)
  assert.equal(expected, (decode { text }))
  assert.equal(expected, (decode(bytes_of(text))))
  for position = 0, #text do
    local shown = decode { text:sub(1, position), text:sub(position + 1) }
    if shown ~= expected then
      assert.equal(expected, shown, "cut after byte " .. position .. " of " .. ("%q"):format(text))
    end
  end
end

describe("the event stream decoder", function()
  describe("reads", function()
    it("an event with a name and data", function()
      assert.same({ { event = "completion", data = '{"foo":true}', id = "" } },
        events 'event: completion\ndata: {"foo":true}\n\n')
    end)

    it("an event without a name as a message", function()
      assert.same({ { event = "message", data = '{"foo":true}', id = "" } }, events 'data: {"foo":true}\n\n')
      assert.equal("message", events("event:\ndata: x\n\n")[1].event)
    end)

    it("no event where there was no data", function()
      assert.same({}, events "event: foo\n\n")
      assert.same({}, events "event: foo\n\nevent: ping\n\n")
      assert.same({}, events "id: 1\n\n\n\n")
    end)

    it("a name for its own event only", function()
      local list = events "event: foo\n\ndata: x\n\nevent: a\ndata: y\n\ndata: z\n\n"
      assert.same({ "message", "a", "message" }, { list[1].event, list[2].event, list[3].event })
    end)

    it("the last of two names", function()
      assert.equal("b", events("event: a\nevent: b\ndata: x\n\n")[1].event)
    end)

    it("several events in order", function()
      assert.same({ "1", "2", "3" }, data_of "data: 1\n\nevent: ping\ndata: 2\n\ndata: 3\n\n")
    end)

    it("several data lines as one text with line feeds between", function()
      assert.same({ '{\n"foo":\n\n\ntrue}' },
        data_of 'event: ping\ndata: {\ndata: "foo":\ndata: \ndata:\ndata: true}\n\n\n')
    end)

    it("an empty data line as an event with empty data", function()
      assert.same({ "", "", "\n" }, data_of "data\n\ndata:\n\ndata: \ndata\n\n")
    end)

    it("escaped line feeds as they are", function()
      assert.same({ [[{"foo": "my long\n\ncontent"}]] }, data_of 'data: {"foo": "my long\\n\\ncontent"}\n\n')
    end)

    it("other fields between the data lines of an event", function()
      local list = events "data: a\n: note\nretry: 5\nevent: x\nunknown: y\nid: 7\ndata: b\n\n"
      assert.same({ { event = "x", data = "a\nb", id = "7" } }, list)
    end)
  end)

  describe("ends lines", function()
    local lines = { "event: a", "data: 1", "data: 2", "", ": c", "id: 4", "data: x", "", "", "retry: 10", "data", "" }

    it("at LF, CR and CR LF", function()
      for _, ending in ipairs { "\n", "\r", "\r\n" } do
        assert_same_however_cut(table.concat(lines, ending) .. ending)
      end
    end)

    it("at every mixture of them", function()
      local endings = { "\n", "\r", "\r\n" }
      for first = 1, 3 do
        for second = 1, 3 do
          for third = 1, 3 do
            local mixture = { endings[first], endings[second], endings[third] }
            local text = {}
            for i, line in ipairs(lines) do
              text[i] = line .. mixture[i % 3 + 1]
            end
            assert_same_however_cut(table.concat(text))
          end
        end
      end
    end)

    it("as the line decoders of others are tested", function()
      for _, case in ipairs {
        { "data:foo", " bar\n\n" },
        { "data:foo", " bar\r\n", "\r\ndata:baz" },
        { "data:foo\r", "\n", "data:bar\n\n" },
        { "data:foo\r", "data:bar\n\n" },
        { "data:foo\r", "data:bar\r", "\r" },
        { "data:foo\r", "\r", "data:bar" },
        { "data:foo\r", "\r", "\r", "\n", "data:bar", "\n", "\n" },
        { "data:foo\n", "\n", "\n", "data:bar", "\n", "\r" },
        { "data:foo \r \r\n\r\n" },
        {},
      } do
        assert.equal(reference(table.concat(case)), (decode(case)))
      end
    end)

    it("at a CR as soon as it has come", function()
      local decoder = sse.decoder()
      decoder:feed "data: x\r\r"
      assert.equal("x", decoder:next().data)
      decoder:feed "\n"
      decoder:feed "data: y\n\n"
      assert.equal("y", decoder:next().data)
      assert.is_nil(decoder:next())
    end)

    it("nowhere else", function()
      for _, text in ipairs { LINE_SEPARATOR, "\226\128\169", "\194\133", "\11", "\12", "\28" } do
        assert.same({ "a" .. text .. "b" }, data_of("data: a" .. text .. "b\n\n"))
      end
      local shown = decode { "data: 1\n\ndata: ", LINE_SEPARATOR, "\n\ndata: 3\n\n" }
      assert.equal(reference("data: 1\n\ndata: " .. LINE_SEPARATOR .. "\n\ndata: 3\n\n"), shown)
    end)
  end)

  describe("reads a field", function()
    it("without a colon as one without a value", function()
      assert.same({ "" }, data_of "data\n\n")
      assert.equal("message", events("event: x\nevent\ndata: 1\n\n")[1].event)
      assert.equal("", events("id: 1\nid\ndata: 1\n\n")[1].id)
    end)

    it("less one leading space", function()
      assert.same({ "x", "x", " x", "\tx", "x ", ":x" },
        data_of "data:x\n\ndata: x\n\ndata:  x\n\ndata:\tx\n\ndata: x \n\ndata::x\n\n")
    end)

    it("only under its exact name", function()
      assert.same({}, events "Data: x\n\n data: x\n\ndata : x\n\ndat: x\n\ndatum: x\n\nDATA\n\n")
    end)

    it("of the standard alone, not one that some servers have for errors", function()
      local list = events 'error: {"a":1}\n\nerror: {"b":1}\ndata: x\n\n'
      assert.same({ 1, "message", "x" }, { #list, list[1].event, list[1].data })
    end)

    it("but not a comment", function()
      assert.same({ "x" }, data_of ":data: no\n: data: no\n:\ndata: x\n:\n\n")
    end)
  end)

  describe("keeps the last event ID", function()
    it("for all later events", function()
      local list = events "data: 0\n\nid: 1\ndata: 1\n\ndata: 2\n\nid: 3\n\ndata: 4\n\n"
      assert.same({ "", "1", "1", "3" }, { list[1].id, list[2].id, list[3].id, list[4].id })
    end)

    it("until an empty one resets it", function()
      local list = events "id: 1\ndata: 1\n\nid:\ndata: 2\n\nid: 3\ndata: 3\n\nid\ndata: 4\n\n"
      assert.same({ "1", "", "3", "" }, { list[1].id, list[2].id, list[3].id, list[4].id })
    end)

    it("over one that contains NUL", function()
      assert.equal("1", events("id: 1\nid: 2\0\ndata: x\n\n")[1].id)
      assert.equal("1", events("id: 1\nid: \0\ndata: x\n\n")[1].id)
    end)
  end)

  describe("keeps the retry time", function()
    local function retry_of(value)
      local _, decoder = decode { "retry: 1\nretry" .. value .. "\n" }
      return decoder.retry
    end

    it("from the first byte of its line end, also without an event", function()
      local decoder = sse.decoder()
      assert.is_nil(decoder.retry)
      decoder:feed "retry: 2500"
      assert.is_nil(decoder.retry)
      decoder:feed "\n"
      assert.equal(2500, decoder.retry)
    end)

    it("where it is all digits", function()
      assert.equal(0, retry_of ": 0")
      assert.equal(7, retry_of ":007")
      for _, value in ipairs { "", ":", ": ", ": abc", ": 1.5", ": -1", ": +1", ": 2s", ":  2", ": 2 ", ": 0x2" } do
        assert.equal(1, retry_of(value), "retry" .. value)
      end
    end)

    it("and does not overflow", function()
      assert.equal(9007199254740992, retry_of(": " .. ("9"):rep(40)))
    end)
  end)

  describe("passes a byte order mark", function()
    it("over at the start, whole or split", function()
      assert_same_however_cut(BOM .. "data: x\n\n")
      assert_same_however_cut(BOM .. "\n\ndata: x\n\n")
    end)

    it("on anywhere else", function()
      assert_same_however_cut("data: " .. BOM .. "x" .. BOM .. "\n\n")
      assert_same_however_cut(BOM .. BOM .. "data: x\n\ndata: y\n\n")
      assert_same_however_cut("data: x\n\n" .. BOM .. "data: y\n\ndata: z\n\n")
      assert.same({ "y" }, data_of(BOM .. BOM .. "data: x\ndata: y\n\n"))
    end)

    it("on where it is not whole", function()
      assert_same_however_cut "\239data: x\n\ndata: y\n\n"
      assert_same_however_cut "\239\187data: x\n\ndata: y\n\n"
      assert_same_however_cut "\239\187\n\ndata: y\n\n"
    end)
  end)

  describe("passes bytes on", function()
    it("whatever they are", function()
      local all = {}
      for byte = 0, 255 do
        all[#all + 1] = byte ~= 10 and byte ~= 13 and string.char(byte) or nil
      end
      all = table.concat(all)
      assert.same({ all }, data_of("data:" .. all .. "\n\n"))
      assert.equal(all:sub(2), events("event:" .. all:sub(2) .. "\ndata: x\n\n")[1].event)
    end)

    it("where NUL is among the data", function()
      assert_same_however_cut "event: a\0b\ndata: x\0\0y\ndata: \0\n\n"
    end)

    it("where they are no UTF-8", function()
      assert_same_however_cut "data: \255\254 \192\128 \237\160\189 \240\159\152\n\n"
    end)

    it("where a character is cut between two chunks", function()
      assert_same_however_cut "data: известни 你好 😀👩‍👩‍👧\n\n"
    end)
  end)

  describe("gives the same events however the bytes are cut", function()
    it("for a stream of everything", function()
      assert_same_however_cut(BOM .. ": hello\r\nevent: a\rdata: 1\ndata:2\r\n\r\nid: x\0\nid: y\r\rretry: 12\r\n"
        .. "data: é" .. LINE_SEPARATOR .. "\r\ndata\r\n\rdata:  last\n:\n\nevent: lost\ndata: unterminated\n")
    end)

    it("for random streams", function()
      local seed = 20
      local function random(limit)
        seed = (seed * 16807) % 2147483647
        return seed % limit + 1
      end
      local words = { "data", "event", "id", "retry", ":", ": ", " ", "\n", "\n\n", "\r", "\r\n", "x", "1", "\0", "é",
                      BOM, "\ndata:", "\ndata: ", "\nevent: ", "\nid: ", "\r\nretry: " }
      for _ = 1, extent(300, 60) do
        local text = {}
        for i = 1, random(25) do
          text[i] = words[random(#words)]
        end
        text = table.concat(text)
        local chunks, first = {}, 1
        while first <= #text do
          local length = random(5)
          chunks[#chunks + 1] = text:sub(first, first + length - 1)
          first = first + length
        end
        assert_same_however_cut(text)
        assert.equal(reference(text), (decode(chunks)))
      end
    end)

    it("for a data line of MiBs in chunks of 1 KiB", function()
      local decoder, chunks = sse.decoder(), extent(8192, 2048)
      local chunk = ("0123456789abcdef"):rep(64)
      decoder:feed "data: "
      for _ = 1, chunks do
        assert(decoder:feed(chunk))
        assert.is_nil(decoder:next())
      end
      decoder:feed "\n\ndata: after\n\n"
      local event = decoder:next()
      assert.equal(chunks * 1024, #event.data)
      assert.is_true(event.data == chunk:rep(chunks))
      assert.equal("after", decoder:next().data)
    end)

    it("for very many data lines and comments in one event", function()
      local decoder, many = sse.decoder(), extent(20000, 4000)
      for _ = 1, many do
        decoder:feed "data: x\n"
        decoder:feed ": keep-alive\n\r"
        decoder:feed "\n"
      end
      local count = 0
      for event in function() return decoder:next() end do
        count = count + 1
        assert.equal("x", event.data)
      end
      assert.equal(many, count)
      for _ = 1, many do
        decoder:feed "data: x\n: keep-alive\n"
      end
      decoder:feed "\n"
      assert.is_true(decoder:next().data == ("x\n"):rep(many - 1) .. "x")
    end)
  end)

  describe("at the end", function()
    it("drops an event without a blank line after it", function()
      for _, text in ipairs { "data: x", "data: x\n", "data: x\r", "event: a\ndata: x\r\n", "data" } do
        local decoder = sse.decoder()
        decoder:feed(text)
        assert.is_true(decoder:finish())
        assert.is_nil(decoder:next())
      end
    end)

    it("still gives the events that were not taken", function()
      local decoder = sse.decoder()
      decoder:feed "data: 1\n\ndata: 2\n\ndata: 3"
      decoder:finish()
      assert.equal("1", decoder:next().data)
      assert.equal("2", decoder:next().data)
      assert.is_nil(decoder:next())
    end)

    it("takes no more bytes", function()
      local decoder = sse.decoder()
      assert.is_true(decoder:finish())
      assert.is_true(decoder:finish())
      local ok, err = decoder:feed "data: x\n\n"
      assert.is_nil(ok)
      assert.equal("invalid_request", err.kind)
      assert.is_nil(decoder:next())
    end)
  end)

  describe("with a limit", function()
    local options = { max_event_bytes = LIMIT }

    -- Whether it is refused: whole, in two pieces at each byte, and byte by byte.
    local function is_refused(text)
      local shown = decode({ text }, options)
      assert.equal(shown, (decode(bytes_of(text), options)))
      for position = 1, #text - 1 do
        assert.equal(shown, (decode({ text:sub(1, position), text:sub(position + 1) }, options)))
      end
      return shown:find("protocol error: an event is larger than 100 bytes", 1, true) ~= nil
    end

    it("takes data of exactly so many bytes and refuses one more", function()
      for _, field in ipairs { "data:", "data: " } do
        assert.is_false(is_refused(field .. ("x"):rep(LIMIT) .. "\n\n"))
        assert.is_true(is_refused(field .. ("x"):rep(LIMIT + 1) .. "\n\n"))
      end
    end)

    it("counts the data lines of an event together, and the line feeds between", function()
      local half = ("x"):rep(LIMIT / 2 - 1)
      assert.is_false(is_refused("data:" .. half .. "\ndata: " .. half .. "y\r\n\r\n"))
      assert.is_true(is_refused("data:" .. half .. "\ndata: " .. half .. "yz\r\n\r\n"))
      assert.is_false(is_refused(("data\n"):rep(LIMIT + 1) .. "\n"))
      assert.is_true(is_refused(("data\n"):rep(LIMIT + 2) .. "\n"))
    end)

    it("counts each event apart", function()
      assert.is_false(is_refused(("data:" .. ("x"):rep(LIMIT) .. "\n\n"):rep(5)))
    end)

    it("does not count comments and blank lines between", function()
      assert.is_false(is_refused("data:" .. ("x"):rep(LIMIT - 1) .. "\n" .. (": note\n"):rep(LIMIT) .. "data\n\n"))
      assert.is_false(is_refused(("\n"):rep(10 * LIMIT) .. "data: x\n\n"))
    end)

    it("refuses a line without an end", function()
      assert.is_true(is_refused(": " .. ("x"):rep(2 * LIMIT)))
      assert.is_true(is_refused(("x"):rep(2 * LIMIT)))
      assert.is_true(is_refused("event: " .. ("x"):rep(2 * LIMIT)))
    end)

    it("gives what came before, and stays with its error", function()
      local decoder = sse.decoder(options)
      local ok, err = decoder:feed("data: 1\n\ndata: " .. ("x"):rep(LIMIT + 1) .. "\n\ndata: 3\n\n")
      assert.is_nil(ok)
      assert.equal("protocol", err.kind)
      assert.equal("1", decoder:next().data)
      assert.is_nil(decoder:next())
      assert.same({ nil, err }, { decoder:feed "data: 4\n\n" })
      assert.same({ nil, err }, { decoder:finish() })
      assert.is_nil(decoder:next())
    end)

    it("is 32 MiB where none is given", function()
      local decoder = sse.decoder()
      local piece = ("x"):rep(1024 * 1024)
      assert(decoder:feed "data:")
      for _ = 1, 32 do
        assert(decoder:feed(piece))
      end
      assert(decoder:feed "\n\n")
      assert.equal(32 * 1024 * 1024, #decoder:next().data)
      assert(decoder:feed "data:")
      for _ = 1, 32 do
        assert(decoder:feed(piece))
      end
      local ok, err = decoder:feed "x\n\n"
      assert.is_nil(ok)
      assert.equal("protocol", err.kind)
    end)

    it("raises for a limit that is none", function()
      assert.has_error(function() sse.decoder { max_event_bytes = 0 } end)
      assert.has_error(function() sse.decoder { max_event_bytes = "x" } end)
      assert.has_error(function() sse.decoder { max_event_bytes = {} } end)
    end)
  end)
end)

describe("the event stream decoder of the core", function()
  it("gives data, name and last event ID, then asks for more", function()
    local decoder = core.sse(100)
    assert.same({ nil, "again" }, { decoder:next() })
    decoder:feed "event: a\nid: 7\ndata: x\n\ndata: y\n\n"
    assert.same({ "x", "a", "7" }, { decoder:next() })
    assert.same({ "y", "", "7" }, { decoder:next() })
    assert.same({ nil, "again" }, { decoder:next() })
    assert.same({ nil, "again" }, { decoder:next() })
  end)

  it("takes a limit of 1 to 2^53", function()
    for _, limit in ipairs { 1, 1.5, 2 ^ 52 } do
      local decoder = core.sse(limit)
      decoder:feed "data: x\n\n"
      assert.equal("x", (decoder:next()))
    end
    for _, limit in ipairs { 0, 0.5, -1, 2 ^ 53, 2 ^ 53 * 2, math.huge, -math.huge, 0 / 0 } do
      local ok, message = pcall(core.sse, limit)
      assert.is_false(ok)
      assert.matches("must be at least 1", message)
    end
    assert.has_error(function() core.sse() end)
    assert.has_error(function() core.sse "x" end)
  end)

  -- Whether a line of so many bytes passes where the limit is 100.
  local function passes(line, cut)
    local decoder = core.sse(100)
    if cut then
      decoder:feed(line)
      if select(2, decoder:next()) == "too_large" then
        return false
      end
      decoder:feed "\ndata: x\n\n"
    else
      decoder:feed(line .. "\ndata: x\n\n")
    end
    return (decoder:next()) == "x"
  end

  it("takes eight bytes more than the limit in any line, and not one more", function()
    for _, cut in ipairs { false, true } do
      for _, beginning in ipairs { ": ", "event: ", "id: ", "retry: ", "other: ", "x" } do
        assert.is_true(passes(beginning .. ("x"):rep(108 - #beginning), cut), beginning)
        assert.is_false(passes(beginning .. ("x"):rep(109 - #beginning), cut), beginning)
      end
    end
  end)

  it("keeps the order of fields before the limit is found", function()
    local decoder = core.sse(10)
    decoder:feed("data: 1\n\nretry: 5\ndata: 12345678901\n\n")
    assert.equal("1", (decoder:next()))
    assert.same({ nil, "too_large" }, { decoder:next() })
    assert.equal(5, decoder:retry())
    decoder:feed "data: 2\n\n"
    assert.same({ nil, "too_large" }, { decoder:next() })
  end)

  describe("does not grow", function()
    -- What of memory is more after many such texts, each followed by a call.
    local function growth(decoder, text, count, between)
      local before
      for i = 1, count do
        decoder:feed(text)
        assert.equal("again", select(2, decoder:next()))
        if between then
          between(i)
        end
        if i == math.floor(count / 10) then
          collectgarbage()
          before = core_peer.memory()
        end
      end
      collectgarbage()
      return core_peer.memory() - before
    end

    local keep_alives = (": keep-alive\n\n"):rep(1000) -- 14 KB
    local COUNT = extent(1500, 500) -- 7 MB at least

    it("by comments between events", function()
      assert.is_true(growth(core.sse(1000), keep_alives, COUNT) < 4 * 1024 * 1024)
      assert.is_true(growth(core.sse(1000), (": keep-alive\r\n\r\n"):rep(1000), COUNT) < 4 * 1024 * 1024)
      assert.is_true(growth(core.sse(1000), ("event: ping\n\n"):rep(1000), COUNT) < 4 * 1024 * 1024)
    end)

    it("by comments inside an event", function()
      local decoder = core.sse(1000)
      decoder:feed "data: begun\n"
      assert.is_true(growth(decoder, (": keep-alive\n"):rep(1000), COUNT) < 4 * 1024 * 1024)
      decoder:feed "data: ended\n\n"
      assert.equal("begun\nended", (decoder:next()))
    end)

    it("by names and IDs that are replaced", function()
      local decoder = core.sse(10000)
      assert.is_true(growth(decoder, ("event: " .. ("n"):rep(9000) .. "\nid: " .. ("i"):rep(9000) .. "\n"), COUNT)
        < 4 * 1024 * 1024)
      decoder:feed "data: x\n\n"
      assert.same({ "x", ("n"):rep(9000), ("i"):rep(9000) }, { decoder:next() })
    end)
  end)

  it("gathers data behind comments that are closed up, whatever their size", function()
    for _, size in ipairs { 4000, 4080, 4090, 4095, 4096, 4097, 4100, 5000, 9000 } do
      for _, rest in ipairs { "", "d", "data: unfinished", "data: " .. ("y"):rep(size + 100) } do
        local decoder = core.sse(100000)
        decoder:feed("data: first\n:" .. ("c"):rep(size) .. "\n" .. rest)
        assert.equal("again", select(2, decoder:next()))
        decoder:feed(rest == "" and "data: last\n\n" or rest == "d" and "ata: last\n\n" or "\n\n")
        local expected = rest:match "^data: (.*)" or "last"
        assert.equal("first\n" .. expected, (decoder:next()))
        decoder:feed "data: after\r\r"
        assert.equal("after", (decoder:next()))
      end
    end
  end)

  it("takes one long line in many pieces", function()
    local decoder, piece, count = core.sse(1e9), ("x"):rep(512), extent(32768, 4096)
    decoder:feed "data: begun\ndata: "
    for _ = 1, count do
      decoder:feed(piece)
      decoder:next()
    end
    decoder:feed "\n\n"
    assert.equal(#"begun\n" + count * 512, #decoder:next())
  end)

  it("takes many short events in one piece", function()
    local most = extent(200000, 50000)
    for _, ending in ipairs { "\n", "\r", "\r\n" } do
      local decoder = core.sse(1e9)
      decoder:feed(("data: x" .. ending .. ending):rep(most))
      local count = 0
      while decoder:next() do
        count = count + 1
      end
      assert.equal(most, count)
    end
  end)

  it("keeps the largest retry time at 2^53", function()
    for text, expected in pairs {
      ["9007199254740991"] = 9007199254740991, ["9007199254740992"] = 9007199254740992,
      ["9007199254740993"] = 9007199254740992, ["18446744073709551616"] = 9007199254740992, ["0"] = 0,
      ["/"] = false, [":"] = false, ["1/"] = false, ["1:"] = false, ["9"] = 9,
    } do
      local decoder = core.sse(100)
      decoder:feed("retry: " .. text .. "\n")
      decoder:next()
      assert.equal(expected or nil, decoder:retry(), text)
    end
  end)

  -- A reader that knows the form of an event reads it itself (delta_run.c), but only at its beginning.
  describe("lets nobody read ahead", function()
    local delta = '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}'
    local loop, peer, run

    before_each(function()
      loop, peer, run = core.loop(), core_peer.listen(), core.delta_run()
      run:follow("text_delta", 0, "")
    end)

    after_each(function()
      loop:close()
      peer:close()
    end)

    -- All that the pieces bring, each read before the next comes.
    local function read(pieces, limit)
      local transfer = core_peer.start(loop, peer, { record = true, max_event_bytes = limit })
      local connection = peer:accept(loop)
      transfer:follow(run)
      connection:send(core_peer.head)
      local found = {}
      for i, piece in ipairs(pieces) do
        connection:send(piece)
        core_peer.run(loop, function()
          return #transfer:pieces() == i
        end)
        local event, more = transfer:next_event()
        while event do
          found[#found + 1] = type(event) == "table" and event.delta.text or more .. "|" .. event
          event, more = transfer:next_event()
        end
        found.state = more
      end
      connection:close()
      transfer:close()
      return found
    end

    it("inside an event that has data", function()
      assert.same({ "x", "x", "|1\n" .. delta, "x", state = "again" }, read {
        "data: " .. delta .. "\n\ndata: " .. delta .. "\n\n", "data: 1\n", "data: " .. delta .. "\n\n",
        "data: " .. delta .. "\n\n",
      })
    end)

    it("inside an event that has a name, which ends with it", function()
      assert.same({ "x", "x", "x", "|plain", state = "again" }, read {
        "data: " .. delta .. "\n\ndata: " .. delta .. "\n\n", "event: odd\n", "data: " .. delta .. "\n\n",
        "data: plain\n\n",
      })
    end)

    it("behind a CR whose LF may come", function()
      assert.same({ "x", "x", "x", "|plain", state = "again" }, read {
        "data: " .. delta .. "\n\ndata: " .. delta .. "\r\r", "\ndata: " .. delta .. "\n\n", "data: plain\n\n",
      })
    end)

    it("after an event above the limit, nor beyond it", function()
      local long = "data: " .. delta:gsub('"x"', '"' .. ("y"):rep(100) .. '"') .. "\n\n"
      assert.same({ "x", "x", state = "too_large" }, read({
        "data: " .. delta .. "\n\ndata: " .. delta .. "\n\n", long, "data: " .. delta .. "\n\n",
      }, #delta + 20))
    end)
  end)
end)

describe("a decoder without memory", function()
  it("is an error, and keeps nothing of its names and IDs", function()
    if not exhaustion.is_possible "core" then
      pending "of this system has memory at all times"
      return
    end
    local text = "event: a\nid: 1\ndata: 1\n\nevent: " .. ("n"):rep(1000) .. "\nid: " .. ("i"):rep(1000)
      .. "\ndata: " .. ("d"):rep(3000) .. "\n\n"
    assert.is_true(exhaustion.survive(function()
      local decoder, seen = core.sse(10000), {}
      for i = 1, #text, 500 do
        decoder:feed(text:sub(i, i + 499))
        for data, name, id in function() return decoder:next() end do
          seen[#seen + 1] = data .. name .. id
        end
      end
      return table.concat(seen)
    end) > 3)
  end)
end)

describe("what stands behind the last empty line", function()
  -- All events of a text, and then what is left, as "data name" each.
  local function read(text, limit)
    local transfer, list = core.fed(200, limit or 100, 1000), {}
    transfer:feed(text)
    for data, name in function() return transfer:event() end do
      list[#list + 1] = data .. " " .. name
    end
    transfer:finish()
    for _ = 1, 2 do
      local data, name = transfer:rest()
      list[#list + 1] = data and "rest: " .. data .. " " .. name or "nothing"
    end
    return table.concat(list, ", ")
  end

  it("is an event, once", function()
    for text, expected in pairs {
      ["data: a\n\ndata: b"] = "a , rest: b , nothing", ["data: a\n\ndata: b\n"] = "a , rest: b , nothing",
      ["data: a\n\nevent: x\ndata: b\ndata: c"] = "a , rest: b\nc x, nothing",
      ["data: a"] = "rest: a , nothing", ["data"] = "rest:  , nothing", ["data:\n"] = "rest:  , nothing",
      ["data: a\r"] = "rest: a , nothing", ["\239\187\191data: a"] = "rest: a , nothing",
    } do
      assert.equal(expected, read(text), text)
    end
  end)

  it("is nothing without data", function()
    for text, expected in pairs {
      ["data: a\n\n"] = "a , nothing, nothing", ["data: a\n\nevent: x"] = "a , nothing, nothing",
      ["data: a\n\n: c"] = "a , nothing, nothing", [""] = "nothing, nothing", ["\n\n"] = "nothing, nothing",
      ["dat"] = "nothing, nothing", ["event: x\nid: 1\n"] = "nothing, nothing",
    } do
      assert.equal(expected, read(text), text)
    end
  end)

  it("has the limit of any event", function()
    assert.equal("rest: 12345 , nothing", read("data: 12345", 5))
    assert.equal("nothing, nothing", read("data: 123456", 5))
    assert.equal("rest: 12\n45 , nothing", read("data: 12\ndata: 45", 5))
    assert.equal("nothing, nothing", read("data: 12\ndata: 456", 5))
    assert.equal("nothing, nothing", read("x: " .. ("x"):rep(20), 5))
  end)

  it("is nothing before the answer has ended", function()
    local transfer = core.fed(200, 100, 1000)
    transfer:feed "data: a"
    assert.same({ nil, "again" }, { transfer:event() })
    assert.is_nil(transfer:rest())
  end)
end)

describe("JSON where an event could begin", function()
  -- What is read of a text that comes in pieces of so many bytes.
  local function read(text, size, take_rest)
    local transfer, shown = core.fed(200, 1000, 10000), {}
    for at = 1, #text, size do
      transfer:feed(text:sub(at, at + size - 1))
      local data, name = transfer:event()
      while data do
        shown[#shown + 1] = name .. "|" .. data
        data, name = transfer:event()
      end
    end
    transfer:finish()
    if take_rest then
      transfer:event()
      shown[#shown + 1] = "rest|" .. tostring((transfer:rest()))
    end
    return shown
  end

  it("is an event's data up to the empty line, however it comes", function()
    for text, expected in pairs {
      ['{"error":"x"}\n\n'] = { '|{"error":"x"}' },
      ['{\n  "error": "x"\n}\n\ndata: a\n\n'] = { '|{\n  "error": "x"\n}', "|a" },
      ['data: a\n\n{"b":1}\r\n\r\n{"c":1}\n\n'] = { "|a", '|{"b":1}', '|{"c":1}' },
      ['\n: c\n{"b":1}\n: d\ndata: e\n\ndata: f\n\n'] = { '|{"b":1}\n: d\ndata: e', "|f" },
      ['retry: 3\n{"b":1}\n\n'] = { '|{"b":1}' },
      ['[{\n"error":"x"}]\n\n[DONE]\n\n'] = { '|[{\n"error":"x"}]', "|[DONE]" },
    } do
      for size = 1, 9 do
        assert.same(expected, read(text, size), text)
      end
    end
  end)

  it("is what is left where the answer ends in it", function()
    for size = 1, 5 do
      assert.same({ "|a", 'rest|{"b":1}' }, read('data: a\n\n{"b":1}', size, true))
      assert.same({ 'rest|{\n"b":1' }, read('{\n"b":1\n', size, true))
      assert.same({ '|{"b":1}', "rest|nil" }, read('{"b":1}\n\n', size, true))
    end
  end)

  it("is a field without a meaning inside an event, and any other text everywhere", function()
    assert.same({ "|a" }, read('data: a\n{"b":1}\n\n', 3))
    assert.same({ "n|c" }, read('event: n\n{"b":1}\ndata: c\n\n', 3))
    assert.same({ "|a" }, read(' {"b":1}\n\nerror: x\n\ndata: a\n\n', 3))
  end)

  it("has the limit of any event", function()
    local text = '{"a":"' .. ("x"):rep(995) .. '"}\n\n'
    local transfer = core.fed(200, 1000, 10000)
    transfer:feed(text)
    assert.same({ nil, "too_large" }, { transfer:event() })
  end)

  it("means nothing to a decoder of events alone", function()
    local decoder = sse.decoder()
    decoder:feed '{"a":1}\n\ndata: b\n\n'
    assert.equal("b", decoder:next().data)
  end)
end)
