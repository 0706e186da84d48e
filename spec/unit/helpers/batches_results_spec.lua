-- The results of a batch, line by line: an exchange that needs no server hands the lines out.

local batch_results = require "anthropic.helpers.batches.results"
local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"
local loop = require "anthropic.loop"

local AGAIN, LONG = {}, {}

-- The end of a transfer: what no line end followed, or why it failed.
local function done(rest, failure)
  return { rest = rest, failure = failure }
end

local function line(id, kind)
  return ('{"custom_id":"%s","result":{"type":"%s","message":{"type":"message","role":"assistant",'
    .. '"content":[{"type":"text","text":"of %s"}]}}}'):format(id, kind or "succeeded", id)
end

local function connection_error(words)
  return errors.new { kind = "connection", message = words or "gone" }
end

local function refusal()
  return errors.new { kind = "invalid_request", type = "cannot_wait", message = "not here" }
end

-- `attempts`: what each attempt gives: a list of lines, AGAIN, LONG and, as its last, done(); or an error.
-- `fields`: `waits`, the outcomes of waits in their order (default: true); `retries`, how many there are.
local function exchange_of(attempts, fields)
  fields = fields or {}
  local exchange = { log = {}, attempt = 0, waits = 0, retries = fields.retries or 0 }

  local function note(word)
    exchange.log[#exchange.log + 1] = word
  end

  exchange.transfer = {
    line = function()
      exchange.position = exchange.position + 1
      local step = exchange.steps[exchange.position]
      assert(step, "read past the end")
      if type(step) == "string" then
        return step
      elseif step == AGAIN then
        return nil, "again"
      elseif step == LONG then
        return nil, "too_large"
      end
      return nil, "done", step.rest
    end,
  }

  function exchange:run(read)
    self.attempt = self.attempt + 1
    note "run"
    local attempt = attempts[self.attempt]
    if errors.is(attempt) then
      return nil, attempt
    end
    self.steps, self.position = attempt, 0
    self.response = { status = 200, number = self.attempt }
    return not read or read(self)
  end

  function exchange:recover(err)
    note("recover " .. err.kind)
    if self.retries == 0 then
      return nil, self:fail(err)
    end
    self.retries = self.retries - 1
    return true
  end

  function exchange.fail(_, err)
    note("fail " .. err.kind)
    err.attempts = 7
    return err
  end

  function exchange:wait()
    self.waits = self.waits + 1
    local outcome = fields.waits and fields.waits[self.waits]
    if type(outcome) == "function" then
      outcome = outcome()
    end
    if errors.is(outcome) then
      return nil, outcome
    end
    return true
  end

  function exchange:failure()
    return self.steps[self.position].failure
  end

  function exchange.note() end

  function exchange.describe(_, err)
    err.request_id = "req_1"
    return err
  end

  function exchange.redact(text)
    return (text:gsub("secret", "***"))
  end

  function exchange.option(name)
    return ({ max_event_bytes = 1000, loop = fields.loop })[name]
  end

  function exchange.api_error(_, body)
    return errors.new { kind = "api", message = json.decode(body).error.message }
  end

  function exchange.finish()
    note "finish"
    return true
  end

  function exchange.close()
    note "close"
  end

  function exchange:response_so_far()
    return self.response
  end

  return exchange
end

local function open(attempts, fields, counts)
  local exchange = exchange_of(attempts, fields)
  return assert(batch_results.open(exchange, { id = "b", request_counts = counts })), exchange
end

-- What could be read, and the error that ended it.
local function drain(results)
  local ids = {}
  local result, err = results:next()
  while result do
    ids[#ids + 1] = result.custom_id
    result, err = results:next()
  end
  return table.concat(ids, " "), err
end

local function counts_of(succeeded, errored, canceled, expired)
  return { processing = 0, succeeded = succeeded, errored = errored or 0, canceled = canceled or 0,
    expired = expired or 0 }
end

describe("an answer that should be a batch", function()
  it("is passed on if it is one", function()
    local batch = { id = "b" }
    local found, err = batch_results.check(batch)
    assert.equal(batch, found)
    assert.is_nil(err)
  end)

  it("gives its error, or one that says so", function()
    local problem = connection_error()
    local found, err = batch_results.check(nil, problem)
    assert.is_nil(found)
    assert.equal(problem, err)
    for _, answer in ipairs { { {} }, { { id = 1 } }, { "text", { status = 200 } }, { true }, {} } do
      found, err = batch_results.check(answer[1], answer[2])
      assert.is_nil(found)
      assert.equal("protocol", err.kind)
      assert.equal("the answer is not a batch", err.message)
    end
  end)
end)

describe("how many results a batch promises", function()
  it("is the sum of all outcomes", function()
    assert.equal(10, batch_results.promised { request_counts = counts_of(1, 2, 3, 4) })
    assert.equal(0, batch_results.promised { request_counts = counts_of(0) })
    assert.equal(1, batch_results.promised { request_counts = { succeeded = 1, errored = 0, canceled = 0, expired = 0,
      processing = 5 } })
  end)

  it("is not known where a count is missing", function()
    for _, name in ipairs { "succeeded", "errored", "canceled", "expired" } do
      for _, value in ipairs { "none", "1" } do
        local counts = counts_of(1)
        counts[name] = value ~= "none" and value or nil
        assert.is_nil(batch_results.promised { request_counts = counts })
      end
    end
    assert.is_nil(batch_results.promised {})
    assert.is_nil(batch_results.promised { request_counts = "x" })
    assert.is_nil(batch_results.promised { request_counts = json.null })
  end)
end)

describe("opening results", function()
  it("gives the error of the request", function()
    local problem = connection_error()
    local results, err = batch_results.open(exchange_of { problem }, { id = "b" })
    assert.is_nil(results)
    assert.equal(problem, err)
  end)

  it("gives the batch and the response with them", function()
    local results = open { { done "" } }
    assert.equal("b", results.batch.id)
    assert.equal(1, results.response.number)
  end)
end)

describe("reading results", function()
  it("gives each line in its order, then nil for good", function()
    local results, exchange = open({ { line "a", line("b", "errored"), line "c", done "" } }, nil, counts_of(2, 1))
    assert.equal("a", results:next().custom_id)
    assert.equal("errored", results:next().result.type)
    assert.equal("c", results:next().custom_id)
    for _ = 1, 2 do
      local result, err = results:next()
      assert.is_nil(result)
      assert.is_nil(err)
    end
    assert.same({ "run", "finish" }, exchange.log)
  end)

  it("makes messages of those that succeeded only", function()
    local results = open { {
      line "a", line("b", "errored"),
      '{"custom_id":"c","result":{"type":"succeeded","message":"text"}}',
      '{"custom_id":"d","result":{"type":"succeeded"}}',
      '{"custom_id":"e","result":{"type":"succeeded","message":{"object":"chat.completion","choices":'
        .. '[{"index":0,"message":{"role":"assistant","content":"of e"},"finish_reason":"stop"}]}}}',
      done "",
    } }
    assert.equal("of a", results:next().result.message:text())
    assert.is_nil(results:next().result.message.text)
    for _ = 1, 2 do -- no message can be read
      local unreadable = results:next()
      assert.equal("errored", unreadable.result.type)
      assert.is_nil(unreadable.result.message)
      assert.equal("api_error", unreadable.result.error.error.type)
      assert.equal("succeeded", unreadable.raw.result.type)
    end
    assert.equal("of e", results:next().result.message:text())
  end)

  it("waits where nothing has come yet", function()
    local results, exchange = open { { AGAIN, AGAIN, line "a", AGAIN, line "b", AGAIN, done "" } }
    assert.equal("a b", (drain(results)))
    assert.equal(4, exchange.waits)
  end)

  it("passes over blank lines, and takes a last line without an end", function()
    local results = open({ { "", "  \t", line "a", "\r", line "b" .. "\r", "", done(line "c") } }, nil, counts_of(3))
    assert.equal("a b c", (drain(results)))
    for _, rest in ipairs { "", " \r", "none" } do
      local read, err = drain((open { { line "a", done(rest ~= "none" and rest or nil) } }))
      assert.equal("a", read)
      assert.is_nil(err)
    end
  end)

  it("takes more results than were promised, and any number where none were", function()
    for _, counts in ipairs { counts_of(1), { succeeded = 9 } } do
      local read, err = drain((open({ { line "a", line "b", done "" } }, nil, counts)))
      assert.equal("a b", read)
      assert.is_nil(err)
    end
    assert.is_nil((select(2, drain((open { { done "" } })))))
  end)

  it("can be an iteration, which raises the error", function()
    local ids = {}
    local results = open { { line "a", line "b", done "" } }
    local result = results()
    while result do
      ids[#ids + 1] = result.custom_id
      result = results()
    end
    assert.same({ "a", "b" }, ids)
    local problem = connection_error()
    results = open { { line "a", done("", problem) } }
    assert.equal("a", results().custom_id)
    for _ = 1, 2 do
      local ok, raised = pcall(results)
      assert.is_false(ok)
      assert.equal(problem, raised)
    end
  end)

  it("tells what state it is in", function()
    local results = open { { line "a", line "b", done "" } }
    assert.equal("anthropic.BatchResults (0 read, open)", tostring(results))
    results:next()
    assert.equal("anthropic.BatchResults (1 read, open)", tostring(results))
    drain(results)
    assert.equal("anthropic.BatchResults (2 read, ended)", tostring(results))
    results = open { { line "a", LONG } }
    drain(results)
    assert.equal("anthropic.BatchResults (1 read, failed)", tostring(results))
  end)
end)

describe("a line that is no result", function()
  for _, case in ipairs {
    { "is not JSON", '{"custom_id":', "line 3 of the results: unexpected end of the text at byte 14" },
    { "is no object", "5", "line 3 of the results: not an object" },
    { "is null", "null", "line 3 of the results: not an object" },
    { "has no custom_id", '{"result":{}}', "line 3 of the results: no result" },
    { "has a number for it", '{"custom_id":1,"result":{}}', "line 3 of the results: no result" },
    { "has no result", '{"custom_id":"a"}', "line 3 of the results: no result" },
    { "has a text for it", '{"custom_id":"a","result":"secret"}', "line 3 of the results: no result" },
    { "is a list", "[1]", "line 3 of the results: no result" },
  } do
    it("is an error where it " .. case[1], function()
      local results = open { { line "a", "", case[2], line "b", done "" } }
      local read, err = drain(results)
      assert.equal("a", read)
      assert.equal("protocol", err.kind)
      assert.equal(case[3], err.message)
      assert.equal(200, err.status)
      assert.equal("req_1", err.request_id)
      assert.equal((case[2]:gsub("secret", "***")), err.body)
      assert.equal(7, err.attempts)
      assert.equal(err, select(2, results:next()))
    end)
  end

  it("is an error where it is too long, without its text", function()
    local read, err = drain((open { { line "a", LONG } }))
    assert.equal("a", read)
    assert.equal("protocol", err.kind)
    assert.equal("line 2 of the results: longer than 1000 bytes", err.message)
    assert.is_nil(err.body)
  end)

  it("is the server's own error where it is one", function()
    local text = '{"type":"error","error":{"type":"api_error","message":"broken"}}'
    local read, err = drain((open { { line "a", text } }))
    assert.equal("a", read)
    assert.equal("api", err.kind)
    assert.equal("broken", err.message)
    assert.equal("broken", select(2, drain((open { { line "a", done(text) } }))).message)
  end)
end)

describe("results that end too soon", function()
  it("are truncated inside of a line", function()
    local read, err = drain((open { { line "a", done(line("b"):sub(1, 20)) } }))
    assert.equal("a", read)
    assert.equal("truncated", err.kind)
    assert.equal("the results ended inside a line", err.message)
    assert.equal(200, err.status)
    assert.equal("req_1", err.request_id)
    assert.is_nil(err.body)
  end)

  it("are truncated where fewer came than the batch counts, after the last", function()
    local results, exchange = open({ { line "a", done(line "b") } }, nil, counts_of(1, 1, 1))
    local read, err = drain(results)
    assert.equal("a b", read)
    assert.equal("truncated", err.kind)
    assert.equal("the results ended after 2 of 3", err.message)
    assert.equal(200, err.status)
    assert.equal(err, select(2, results:next()))
    assert.same({ "run", "fail truncated" }, exchange.log)
  end)

  it("have the transfer's error where it failed, whatever of a line had come", function()
    for _, rest in ipairs { "", line "b", '{"cus' } do
      local problem = connection_error()
      local read, err = drain((open({ { line "a", done(rest, problem) } }, nil, counts_of(3))))
      assert.equal("a", read)
      assert.equal(problem, err)
    end
  end)
end)

describe("a failure before the first result", function()
  it("is retried, and the reader sees one beginning", function()
    for _, attempt in ipairs {
      { done("", connection_error()) }, { "no JSON" }, { LONG }, { done "" }, { done "{" }, { "", "", done "" },
    } do
      local results, exchange = open({ attempt, { line "a", line "b", done "" } }, { retries = 1 }, counts_of(2))
      local read, err = drain(results)
      assert.equal("a b", read)
      assert.is_nil(err)
      assert.equal(2, exchange.attempt)
      assert.equal(2, results.response.number)
      assert.equal("finish", exchange.log[#exchange.log])
    end
  end)

  it("is final where there are no more retries", function()
    local problem = connection_error "second"
    local results, exchange = open({ { done("", connection_error()) }, { done("", problem) } }, { retries = 1 })
    local read, err = drain(results)
    assert.equal("", read)
    assert.equal(problem, err)
    assert.equal(7, err.attempts)
    assert.same({ "run", "recover connection", "run", "recover connection", "fail connection" }, exchange.log)
  end)

  it("is that of the new request where that failed", function()
    local problem = connection_error "new"
    local results = open({ { done("", connection_error()) }, problem }, { retries = 1 })
    assert.equal(problem, select(2, results:next()))
    assert.equal(problem, select(2, results:next()))
  end)

  it("counts the lines from the beginning again", function()
    local results = open({ { "", "", done("", connection_error()) }, { "", "no JSON" } }, { retries = 1 })
    assert.matches("^line 2 of the results: ", select(2, results:next()).message)
  end)

  it("is not retried after the first", function()
    local results, exchange = open({ { line "a", done("", connection_error()) } }, { retries = 1 })
    assert.equal("a", (drain(results)))
    assert.same({ "run", "fail connection" }, exchange.log)
  end)
end)

describe("waiting for results", function()
  it("fails with the error of the wait", function()
    local problem = errors.new { kind = "cancelled", message = "closed" }
    local results, exchange = open({ { line "a", AGAIN } }, { waits = { problem } })
    local read, err = drain(results)
    assert.equal("a", read)
    assert.equal(problem, err)
    assert.same({ "run", "fail cancelled" }, exchange.log)
  end)

  it("can go on elsewhere where the calling code cannot wait", function()
    local problem = refusal()
    local results, exchange = open({ { AGAIN, line "a", done "" } }, { waits = { problem } })
    local result, err = results:next()
    assert.is_nil(result)
    assert.equal(problem, err)
    assert.equal("a", (drain(results)))
    assert.same({ "run", "finish" }, exchange.log)
  end)

  it("can go on after a wait that raised", function()
    local results = open({ { AGAIN, line "a", done "" } }, { waits = { function() error("raised", 0) end } })
    assert.is_false((pcall(results.next, results)))
    assert.equal("a", results:next().custom_id)
  end)

  it("raises for another reader meanwhile, in its line", function()
    local results, message
    results = open({ { AGAIN, line "a", done "" } }, { waits = { function()
      local ok
      ok, message = coroutine.resume(coroutine.create(function()
        local result = results:next()
        return result
      end))
      assert.is_false(ok)
      return true
    end } })
    assert.equal("a", results:next().custom_id)
    assert.matches("the results are being read by another coroutine", message)
    assert.matches("^spec/unit/helpers/batches_results_spec.lua:", (message:gsub("^%./", "")))
    assert.is_nil((results:next()))
  end)
end)

describe("closing results", function()
  it("cancels them, once", function()
    local results, exchange = open { { line "a", line "b", done "" } }
    results:next()
    results:close()
    results:close()
    for _ = 1, 2 do
      local result, err = results:next()
      assert.is_nil(result)
      assert.equal("cancelled", err.kind)
      assert.equal("the results were closed", err.message)
      assert.equal(7, err.attempts)
    end
    assert.same({ "run", "fail cancelled" }, exchange.log)
    assert.equal("anthropic.BatchResults (1 read, failed)", tostring(results))
  end)

  it("changes nothing after their end or a failure", function()
    local results, exchange = open { { line "a", done "" } }
    drain(results)
    results:close()
    assert.is_nil((select(2, results:next())))
    assert.same({ "run", "finish" }, exchange.log)
    local problem = connection_error()
    results, exchange = open { { line "a", done("", problem) } }
    drain(results)
    results:close()
    assert.equal(problem, select(2, results:next()))
    assert.same({ "run", "fail connection" }, exchange.log)
  end)

  it("ends the wait of the one who reads, without a retry", function()
    local results, exchange
    results, exchange = open({ { AGAIN } }, { retries = 1, waits = { function()
      results:close()
      results:close()
      return errors.new { kind = "cancelled", message = "the request was cancelled" }
    end } })
    local result, err = results:next()
    assert.is_nil(result)
    assert.equal("cancelled", err.kind)
    assert.same({ "run", "close", "fail cancelled" }, exchange.log)
    assert.equal(err, select(2, results:next()))
  end)

  it("is done by Lua 5.4 at the end of a block", function()
    local metatable = getmetatable((open { { done "" } }))
    local results, exchange = open { { line "a" } }
    metatable.__close(results, nil)
    assert.equal("cancelled", select(2, results:next()).kind)
    assert.same({ "run", "fail cancelled" }, exchange.log)
  end)
end)

describe("iterating in a host", function()
  it("asks its driver, where an iteration cannot wait", function()
    local results = open({ { line "a", done "" } }, { loop = { suspends = true, wait = function() return true end } })
    local ok, raised = pcall(function()
      local result = results()
      return result
    end)
    if loop.ITERATORS_CANNOT_WAIT then
      assert.is_false(ok)
      assert.matches("use results:next%(%)$", raised)
      assert.matches("^spec/unit/helpers/batches_results_spec.lua:", (raised:gsub("^%./", "")))
      assert.equal("a", results:next().custom_id)
    else
      assert.equal("a", raised.custom_id)
    end
  end)
end)
