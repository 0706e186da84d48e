local core = require "anthropic.core"
local core_peer = require "spec.support.core_peer"

describe("the decoder of lines", function()
  local loop, peer

  before_each(function()
    loop = core.loop()
    peer = core_peer.listen()
  end)

  after_each(function()
    loop:close()
    peer:close()
  end)

  -- All lines of a body that comes in these pieces, what is left, and how it ended.
  local function read(pieces, limit)
    local transfer = core_peer.start(loop, peer, { max_event_bytes = limit, record = true })
    local connection = peer:accept(loop)
    connection:send(core_peer.head)
    local lines, state, rest = {}, nil, nil
    local function take()
      local line
      repeat
        line, state, rest = transfer:line()
        lines[#lines + 1] = line
      until not line
      return state
    end
    for i, piece in ipairs(pieces) do
      connection:send(piece)
      core_peer.run(loop, function()
        return #transfer:pieces() >= i or take() == "too_large"
      end)
      take()
    end
    connection:close()
    core_peer.finish(loop, transfer)
    take()
    return lines, state, rest
  end

  local function bytes_of(text)
    local list = {}
    for i = 1, #text do
      list[i] = text:sub(i, i)
    end
    return list
  end

  it("ends lines at LF, and takes a CR before it for a part of the end", function()
    for text, lines in pairs {
      ["a\n"] = { "a" }, ["a\r\n"] = { "a" }, ["a\r\r\n"] = { "a\r" }, ["a\rb\n"] = { "a\rb" }, ["\n"] = { "" },
      ["\r\n"] = { "" }, ["\n\n\r\n"] = { "", "", "" }, ["a\0b\n"] = { "a\0b" }, ["\255\n"] = { "\255" },
      ["one\ntwo\r\nthree\n"] = { "one", "two", "three" },
    } do
      assert.same({ lines, "done", "" }, { read { text } })
    end
    assert.same({ {}, "done", "" }, { read {} })
  end)

  it("leaves what has no end", function()
    for text, expected in pairs {
      ["a"] = { {}, "a" }, ["a\r"] = { {}, "a\r" }, ["\r"] = { {}, "\r" }, ["a\nb"] = { { "a" }, "b" },
      ["a\n\r"] = { { "a" }, "\r" },
    } do
      assert.same({ expected[1], "done", expected[2] }, { read { text } })
    end
  end)

  it("gives the same lines however they are cut", function()
    local text = "\none\r\n\r\r\ntwo\rthree\nrest\r"
    local expected = { { "", "one", "\r", "two\rthree" }, "done", "rest\r" }
    assert.same(expected, { read(bytes_of(text)) })
    for cut = 1, #text - 1 do
      assert.same(expected, { read { text:sub(1, cut), text:sub(cut + 1) } })
    end
  end)

  describe("with a limit", function()
    it("takes a line of so many bytes, without its end", function()
      for _, pieces in ipairs {
        { "12345\n" }, { "12345\r\n" }, { "12345", "\n" }, { "12345", "\r\n" }, { "12345\r", "\n" },
        { "1234", "5\r\n" }, { "1", "2", "3", "4", "5", "\r", "\n" },
      } do
        assert.same({ { "12345" }, "done", "" }, { read(pieces, 5) })
      end
      assert.same({ { "12345", "12345", "" }, "done", "12345" }, { read({ "12345\n12345\r\n\n12345" }, 5) })
      assert.same({ {}, "done", "12345\r" }, { read({ "12345\r" }, 5) })
    end)

    it("refuses one byte more, with and without its end, for good", function()
      for _, pieces in ipairs {
        { "123456\n" }, { "123456\r\n" }, { "123456" }, { "123456", "\n" }, { "12345", "6" }, { "12345\r", "6\n" },
        { "12345\r\r\n" }, { "123456\r" }, { "123456\n1\n" },
      } do
        assert.same({ {}, "too_large" }, { read(pieces, 5) })
      end
    end)

    it("gives the lines before the one above it", function()
      assert.same({ { "1", "12345" }, "too_large" }, { read({ "1\n12345\n123456\n2\n" }, 5) })
    end)
  end)

  it("has a line whole that comes piece by piece", function()
    local transfer = core_peer.start(loop, peer, { max_event_bytes = 1e8 })
    local connection = peer:accept(loop)
    connection:send(core_peer.head)
    local piece = ("x"):rep(8192)
    for _ = 1, 300 do
      connection:send(piece)
      loop:wait(0.01)
      assert.is_nil((transfer:line()))
    end
    connection:send "\nafter"
    connection:close()
    local line
    core_peer.run(loop, function()
      line = line or transfer:line()
      return line and transfer:done()
    end)
    assert.equal(piece:rep(300), line)
    assert.same({ nil, "done", "after" }, { transfer:line() })
  end)
end)
