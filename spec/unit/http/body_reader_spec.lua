-- The body of an answer, read as it comes; spec/behaviour/http_reading_spec.lua reads those of a server.

local body_reader = require "anthropic.http.body_reader"
local errors = require "anthropic.base.error"
local fed_answer = require "spec.support.fed_answer"

-- All that a method returns until nil, and the error.
local function all_of(reader, method, ...)
  local list = {}
  while true do
    local value, err = reader[method](reader, ...)
    if value == nil then
      return list, err
    end
    list[#list + 1] = value
  end
end

describe("a body", function()
  it("comes as lines, the last of which may lack its end", function()
    for _, case in ipairs {
      { { "one\r\n\ntwo", "\nthr", "ee" }, { "one", "", "two", "three" } }, { { "one\n" }, { "one" } }, { { "" }, {} },
    } do
      local reader = body_reader.new(fed_answer(case[1]))
      assert.same(case[2], (all_of(reader, "next_line")))
      assert.is_nil(reader:next_line())
      assert.is_truthy(reader.response.timings)
    end
  end)

  it("comes as bytes, at most so many", function()
    local reader = body_reader.new(fed_answer { "abcde", "f" })
    assert.same({ "ab", "cd", "e", "f" }, (all_of(reader, "read", 2)))
    assert.same({ "abcde", "f" }, (all_of(body_reader.new(fed_answer { "abcde", "f" }), "read")))
    assert.equal("a", body_reader.new(fed_answer { "ab" }):read(1))
    for _, most in ipairs { 0, -1, 0 / 0, "1", {} } do
      reader = body_reader.new(fed_answer { "ab" })
      local ok, message = pcall(reader.read, reader, most)
      assert.is_false(ok)
      assert.matches("a number of bytes, 1 or more, expected", message, 1, true)
    end
  end)

  it("comes as events, with the ID of the one before", function()
    local reader = body_reader.new(fed_answer { "event: a\nid: 7\nda", "ta: 1\n\ndata: 2\n\n", "data: lost" })
    assert.same({ { event = "a", data = "1", id = "7" }, { event = "message", data = "2", id = "7" } },
      (all_of(reader, "next_event")))
  end)

  it("that is no event stream is an error, with what it is", function()
    local reader = body_reader.new(fed_answer { '{"a":"secret"}' })
    reader.response.headers = { ["content-type"] = "application/json" }
    local event, err = reader:next_event()
    assert.is_nil(event)
    assert.same({ "protocol", "the answer is not an event stream but application/json", 200, '{"a":"***"}' },
      { err.kind, err.message, err.status, err.body })
    assert.equal(err, select(2, reader:next_event()))
    err = select(2, body_reader.new(fed_answer { "plain" }):next_event())
    assert.equal("the answer is not an event stream", err.message)
    reader = body_reader.new(fed_answer { "plain" })
    reader.response.headers = { ["content-type"] = "text/event-stream; charset=utf-8" }
    assert.is_nil((reader:next_event()))
    assert.is_nil(reader.err)
  end)

  it("is read as events, or as anything else", function()
    local reader = body_reader.new(fed_answer { "data: 1\n\ndata: 2\n\n" })
    reader:next_event()
    for _, method in ipairs { "next_line", "read", "body" } do
      assert.has_error(function() reader[method](reader) end, "the body is being read as events")
    end
    reader = body_reader.new(fed_answer { "one\ntwo\nthree" })
    assert.equal("one", reader:next_line())
    assert.has_error(function() reader:next_event() end, "the body is being read as lines")
    assert.equal("tw", reader:read(2))
    assert.equal("o\nthree", reader:body())
    assert.equal("", reader:body())
    assert.is_nil(reader:next_line())
  end)

  it("has an event or a line within the limit", function()
    for method, bytes in pairs { next_event = "data: ", next_line = "" } do
      local options = { max_event_bytes = 10 }
      local fits = body_reader.new(fed_answer({ bytes .. ("x"):rep(10 - #bytes) .. "\n\n" }, options))
      assert.is_truthy(fits[method](fits))
      local reader = body_reader.new(fed_answer({ bytes .. ("x"):rep(11) .. "\n\n" }, options))
      local _, err = reader[method](reader)
      assert.same({ "protocol", "an event or a line is larger than 10 bytes", 200, 63 },
        { err.kind, err.message, err.status, err:exit_code() })
    end
  end)

  it("says that memory is short", function()
    local exchange = fed_answer { "one" }
    local reader = body_reader.new(exchange)
    exchange.transfer = { line = function() return nil, "memory" end, close = function() end }
    local _, err = reader:next_line()
    assert.same({ "connection", "not enough memory", 27 }, { err.kind, err.message, err:exit_code() })
  end)

  it("ends with the error of its wait, of which a refusal to wait leaves all as it was", function()
    local refusal = errors.new { kind = "invalid_request", type = "cannot_wait", message = "not here" }
    local reader = body_reader.new(fed_answer { "one", refusal, "\n" })
    local line, err = reader:next_line()
    assert.is_nil(line)
    if err == refusal then
      assert.equal("one", reader:next_line())
    end
    local broken = errors.new { kind = "timeout", message = "slow" }
    reader = body_reader.new(fed_answer { "one\ntwo", broken })
    local lines
    lines, err = all_of(reader, "next_line")
    assert.same({ "one" }, lines)
    assert.equal(broken, err)
    assert.equal(200, err.response.status)
    assert.equal(err, select(2, reader:next_line()))
  end)

  it("raises what went wrong in a loop", function()
    local broken = errors.new { kind = "timeout", message = "slow" }
    local lines = {}
    local ok, err = pcall(function()
      for line in body_reader.new(fed_answer { "one\ntwo", broken }):lines() do
        lines[#lines + 1] = line
      end
    end)
    assert.is_false(ok)
    assert.equal(broken, err)
    assert.same({ "one" }, lines)
    local count = 0
    for event in body_reader.new(fed_answer { "data: 1\n\n" }):events() do
      count = count + tonumber(event.data)
    end
    assert.equal(1, count)
  end)

  it("that is closed is cancelled, unless it has ended", function()
    local reader = body_reader.new(fed_answer { "one\ntwo\n" })
    assert.equal("anthropic.http.Reader (200, open)", tostring(reader))
    reader:next_line()
    reader:close()
    assert.equal("cancelled", select(2, reader:next_line()).kind)
    assert.equal("the reader was closed", select(2, reader:body()).message)
    assert.equal("anthropic.http.Reader (200, failed)", tostring(reader))
    reader = body_reader.new(fed_answer { "one" })
    assert.equal("one", reader:body())
    reader:close()
    assert.equal("", reader:body())
    assert.equal("anthropic.http.Reader (200, ended)", tostring(reader))
  end)

  it("is opened once the headers have come", function()
    local exchange = fed_answer { "x" }
    assert.equal("x", body_reader.open(exchange):body())
    local problem = errors.new { kind = "connection", message = "refused" }
    function exchange.run()
      return nil, problem
    end
    assert.same({ nil, problem }, { body_reader.open(exchange) })
  end)
end)
