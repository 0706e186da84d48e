-- Requests that call back, their answers fed; spec/behaviour/http_reading_spec.lua has those of a server.

local anthropic = require "anthropic"
local call = require "anthropic.http.call"
local errors = require "anthropic.base.error"
local fed_answer = require "spec.support.fed_answer"
local handlers = require "anthropic.http.handlers"

local prepare = call.prepare

local EVENTS = "data: 1\n\nevent: x\ndata: 2\n\n"
local READ = { { event = "message", data = "1", id = "" }, { event = "x", data = "2", id = "" } }

describe("handlers", function()
  after_each(function()
    call.prepare = prepare
  end)

  -- What was called, in order: { name, value }. `given`: what else a handler does, by its name.
  local function start(exchange, names, given, sink)
    local calls = {}
    function call.prepare()
      return exchange, sink
    end
    local all = {}
    for name in names:gmatch "%S+" do
      all[name] = function(value, err)
        calls[#calls + 1] = { name, value, err }
        local more = given and given[name]
        if more then
          more(value)
        end
      end
    end
    anthropic.run(function()
      handlers.start({ url = "http://h.test/" }, all):join()
    end)
    return calls
  end

  local function values_of(calls, name)
    local list = {}
    for _, each in ipairs(calls) do
      if each[1] == name then
        list[#list + 1] = each[2]
      end
    end
    return list
  end

  it("are called with the response first and with the end last", function()
    local calls = start(fed_answer { "a\nb" }, "on_response on_line on_done")
    assert.equal("on_response", calls[1][1])
    assert.equal(200, calls[1][2].status)
    assert.same({ "a", "b" }, values_of(calls, "on_line"))
    assert.equal("on_done", calls[4][1])
    assert.equal(calls[1][2], calls[4][2])
    assert.is_nil(calls[4][2].body)
    assert.equal(4, #calls)
  end)

  it("take events, or bytes of which not all come at once", function()
    local calls = start(fed_answer { EVENTS }, "on_event on_done")
    assert.same(READ, values_of(calls, "on_event"))
    for _, status in ipairs { 200, 500 } do
      for _, size in ipairs { 1, 16384, 16385, 40000 } do
        local body = ("x"):rep(size - 1) .. "y"
        local pieces = values_of(start(fed_answer({ body }, nil, status), "on_bytes"), "on_bytes")
        assert.equal(body, table.concat(pieces))
        for _, piece in ipairs(pieces) do
          assert.is_true(#piece > 0 and #piece <= 16384)
        end
      end
    end
  end)

  it("have the body in the response where none of them takes it", function()
    assert.equal("ab", start(fed_answer { "a", "b" }, "on_done")[1][2].body)
  end)

  it("hands on the events of a refusal where nothing is limited", function()
    local unlimited = { max_event_bytes = math.huge, max_response_bytes = math.huge }
    local calls = start(fed_answer({ EVENTS }, unlimited, 500), "on_event on_done")
    assert.same(READ, values_of(calls, "on_event"))
  end)

  it("have a refusal whole, and it is handed on", function()
    for status, has_body in pairs { [199] = true, [200] = false, [299] = false, [300] = true, [500] = true } do
      local calls = start(fed_answer({ "a\n", "b\r\nc\r" }, nil, status), "on_line on_done")
      assert.equal(has_body and "a\nb\r\nc\r" or nil, calls[#calls][2].body, status)
      assert.same({ "a", "b", "c\r" }, values_of(calls, "on_line"))
    end
    local calls = start(fed_answer({ EVENTS }, { max_event_bytes = 100 }, 500), "on_event on_done")
    assert.same(READ, values_of(calls, "on_event"))
    assert.same({ "ab" }, values_of(start(fed_answer({ "a", "b" }, nil, 500), "on_bytes"), "on_bytes"))
    assert.same({}, values_of(start(fed_answer({ "" }, nil, 500), "on_bytes"), "on_bytes"))
    assert.same({}, values_of(start(fed_answer({ "" }, nil, 500), "on_line"), "on_line"))
  end)

  it("are told of what went wrong", function()
    local broken = errors.new { kind = "timeout", message = "slow" }
    local calls = start(fed_answer { "a\nb", broken }, "on_line on_done")
    assert.same({ "a" }, values_of(calls, "on_line"))
    assert.same({ "on_done", nil, broken }, calls[#calls])
    calls = start(fed_answer({ "a", broken }, nil, 500), "on_done")
    assert.same({ { "on_done", nil, broken } }, calls)
    assert.same({ { "on_done", nil, broken } }, start(nil, "on_response on_done", nil, broken))
  end)

  it("are called no more after a cancel, but for the end", function()
    for _, name in ipairs { "on_response", "on_line" } do
      local calls = start(fed_answer { "a\nb\n" }, "on_response on_line on_done", {
        [name] = function() anthropic.current().is_cancelled = true end,
      })
      assert.equal("on_done", calls[#calls][1])
      assert.equal("cancelled", calls[#calls][3].kind)
      assert.equal(name, calls[#calls - 1][1])
      assert.is_true(#values_of(calls, "on_line") <= 1)
    end
  end)

  it("leave no file open", function()
    local closes = 0
    local sink = { close = function() closes = closes + 1 end, length = function() return 0 end }
    function sink.commit()
      return true
    end
    start(fed_answer { "" }, "on_done", nil, sink)
    assert.equal(1, closes)
  end)
end)
