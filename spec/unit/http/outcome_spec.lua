-- The "done" record of a request.

local core = require "anthropic.core"
local errors = require "anthropic.base.error"
local outcome = require "anthropic.http.outcome"

describe("the end of a request", function()
  local records

  before_each(function()
    records = {}
  end)

  local function new(fields)
    local exchange = {
      profile = { is_logged = true }, attempts = 1, began = core.now() - 2,
      spec = function() return { method = "POST", path = "/v1/messages", model = "asked" } end,
      option = function(name)
        return name == "on_log" and function(record) records[#records + 1] = record end
          or name == "log_level" and "debug" or nil
      end,
      redact = function(text) return (text:gsub("secret", "***")) end,
    }
    for name, value in pairs(fields or {}) do
      exchange[name] = value
    end
    return exchange
  end

  it("is told once", function()
    local exchange = new()
    outcome.tell(exchange, "ok")
    outcome.tell(exchange, "error", errors.cancelled "no")
    assert.equal(1, #records)
    assert.same({ "done", "ok", "asked", 0 },
      { records[1].event, records[1].outcome, records[1].model, records[1].bytes })
    assert.is_true(records[1].seconds >= 2 and records[1].seconds < 60)
    assert.is_true(exchange.has_ended)
  end)

  it("has what the message counted, without what is secret", function()
    outcome.tell(new { message = {
      model = "secret", stop_reason = "end_turn",
      usage = { input_tokens = 1, tier = "a secret",
      cache = { five = 2, deep = { er = { est = 3, more = { x = 1 } } } } },
    } }, "ok")
    assert.same({ "***", "end_turn" }, { records[1].model, records[1].stop_reason })
    assert.same({ input_tokens = 1, tier = "a ***", cache = { five = 2, deep = { er = { est = 3 } } } },
      records[1].usage)
    outcome.tell(new { message = { model = 7, usage = "none", stop_reason = {} } }, "ok")
    assert.same({ "asked" }, { records[2].model, records[2].usage, records[2].stop_reason })
    local unfinished = { fields = { model = "so far" } }
    outcome.tell(new { accumulator = unfinished, message = { model = "whole" } }, "ok")
    assert.equal("so far", records[3].model)
  end)

  it("copies so many counts and no more", function()
    local usage = {}
    for i = 1, 65 do
      usage["n" .. i] = i
    end
    outcome.tell(new { message = { usage = usage } }, "ok")
    local count = 0
    for _ in pairs(records[1].usage) do
      count = count + 1
    end
    assert.equal(64, count)
    usage.n65 = nil
    outcome.tell(new { message = { usage = usage } }, "ok")
    assert.same(usage, records[2].usage)
  end)

  it("has the error that it was", function()
    local err = errors.new { kind = "api", type = "overloaded_error", message = "busy", status = 529 }
    outcome.tell(new { timings = { total = 1 }, bytes = 7, response = { timings = { total = 2 } } }, "error", err)
    local record = records[1]
    assert.same({ "error", "api", "overloaded_error", tostring(err), 7, 1 },
      { record.outcome, record.kind, record.type, record.error, record.bytes, record.timings.total })
    outcome.tell(new { timings = { total = 1 }, response = { timings = { total = 2 } } }, "ok")
    assert.equal(2, records[2].timings.total)
  end)

  it("has what the transfer knew, if there is one", function()
    local transfer = { received = function() return 5 end, timings = function() return { total = 3 } end }
    local exchange = new { transfer = transfer }
    outcome.measure(exchange)
    assert.same({ 5, 3 }, { exchange.bytes, exchange.timings.total })
    local other = new()
    outcome.measure(other)
    assert.is_nil(other.bytes)
  end)

  it("comes when nobody holds the request any more", function()
    local closes = 0
    local function watched(has_ended)
      local exchange = new { has_ended = has_ended }
      function exchange.close()
        closes = closes + 1
      end
      outcome.watch(exchange)
      local guard = exchange.guard
      outcome.watch(exchange)
      assert.equal(guard, exchange.guard)
    end
    watched(false)
    watched(true)
    for _ = 1, 3 do
      collectgarbage()
    end
    outcome.watch(new()) -- what LuaJIT owes is done with the next one
    assert.equal(1, closes)
  end)
end)
