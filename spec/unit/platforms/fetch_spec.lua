-- What is asked for credentials, with answers of the spec's own.

local call = require "anthropic.http.call"
local errors = require "anthropic.base.error"
local fetch = require "anthropic.platforms.fetch"

local waiting = { deadline = math.huge, option = function() end } -- for what is fetched

describe("what is fetched", function()
  local run, asked, outer = call.run, nil, nil

  after_each(function()
    call.run = run
  end)

  local function answer(response, err)
    function call.run(request, exchange)
      asked, outer = request, exchange
      return response, err
    end
  end

  it("comes as text, within limits of its own", function()
    answer { status = 200, body = "text" }
    local exchange = { option = function(name) return name == "loop" and "blocking" or nil end }
    assert.equal("text", fetch.text("keys", { url = "http://h/x" }, exchange))
    assert.equal(exchange, outer)
    assert.same({ connect = 2, first_byte = 5, total = 10 }, asked.timeout)
    assert.same({ "blocking", 1024 * 1024 }, { asked.loop, asked.max_response_bytes })
  end)

  it("comes as an object", function()
    answer { status = 200, body = '{"a":1}' }
    assert.same({ a = 1 }, fetch.object("keys", { url = "http://h/x" }, waiting))
    for _, body in ipairs { "1", "", "null", "secret" } do
      answer { status = 200, body = body }
      local value, err = fetch.object("keys", { url = "http://h/x" }, waiting)
      assert.is_nil(value)
      assert.same({ "connection", "no keys: the answer is no JSON" }, { err.kind, err.message })
    end
  end)

  it("is refused in words without the answer's or the query's", function()
    for status, retryable in pairs { [204] = false, [400] = false, [403] = false, [429] = 1, [499] = false, [500] = 1 }
    do
      answer { status = status, body = "secret" }
      local text, err = fetch.text("keys", { url = "http://h/x?secret" }, waiting)
      assert.is_nil(text)
      assert.same({ "connection", ("no keys: HTTP %d from http://h/x"):format(status) }, { err.kind, err.message })
      assert.equal(retryable == false and false or nil, err.retryable, status)
    end
    answer { status = 500, body = '{"secret":1}' }
    local _, err = fetch.object("keys", { url = "http://h/x" }, waiting)
    assert.equal("no keys: HTTP 500 from http://h/x", err.message)
  end)

  it("fails as the connection does, but for what the caller has ended", function()
    answer(nil, errors.new { kind = "timeout", message = "too slow", timeout = "connect" })
    local _, err = fetch.text("keys", { url = "http://h/x" }, waiting)
    assert.same({ "connection", "no keys: too slow" }, { err.kind, err.message })
    for _, own in ipairs { errors.cancelled "c", errors.new { kind = "invalid_request", type = "cannot_wait" } } do
      answer(nil, own)
      assert.equal(own, select(2, fetch.text("keys", { url = "http://h/x" }, waiting)))
    end
  end)

  it("comes from a command, without the blanks around it", function()
    local exchange = { option = waiting.option, deadline = math.huge }
    function exchange.has_news()
      return exchange.was_called
    end
    assert.equal("a b", fetch.output("keys", { "/bin/sh", "-c", "echo; echo '  a b '" }, exchange))
    for script, words in pairs {
      ["echo secret; exit 1"] = "no keys: the command failed", ["echo"] = "no keys: the command wrote nothing",
    } do
      local text, err = fetch.output("keys", { "/bin/sh", "-c", script }, exchange)
      assert.is_nil(text)
      assert.same({ "connection", words }, { err.kind, err.message })
    end
    local _, err = fetch.output("keys", { "cat" }, {
      option = waiting.option, deadline = math.huge, closed = true, has_news = function() return true end,
    })
    assert.equal("cancelled", err.kind)
  end)

  it("has times in seconds", function()
    assert.equal(951782400, fetch.time "2000-02-29T00:00:00Z")
    assert.is_nil(fetch.time "soon")
    assert.is_nil(fetch.time(951782400))
  end)
end)
