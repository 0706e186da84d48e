-- Batches from requests to results: when they are made, asked after and read, and what is accounted for.

local batch_run = require "anthropic.helpers.batches.run"
local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

local GIVEN = { max_retries = 7 }

local function requests_of(...)
  local requests = {}
  for i, id in ipairs { ... } do
    requests[i] = { custom_id = id, params = { model = "m" } }
  end
  return requests
end

local function numbered(count)
  local ids = {}
  for i = 1, count do
    ids[i] = "r" .. i
  end
  return ids
end

local function result(id, kind)
  return { custom_id = id, result = { type = kind or "succeeded", message = { id = "msg_" .. id } } }
end

local function counts(succeeded, processing, others)
  local all = { succeeded = succeeded, processing = processing or 0, errored = 0, canceled = 0, expired = 0 }
  for name, value in pairs(others or {}) do
    all[name] = value
  end
  return all
end

local function ended(id, succeeded, others)
  return { id = id, processing_status = "ended", request_counts = counts(succeeded, 0, others) }
end

local function in_progress(id, processing, succeeded)
  return { id = id, processing_status = "in_progress", request_counts = counts(succeeded or 0, processing) }
end

local function connection_error(words)
  return errors.new { kind = "connection", message = words or "gone" }
end

local function protocol_error()
  return errors.new { kind = "protocol", message = "odd" }
end

local log, sent, progress, closed

-- Passes what is no failure on; errors as nil and the error.
local function outcome(value)
  if errors.is(value) then
    return nil, value
  end
  return value
end

-- An iterator over results; an error among them stands in the place of all further ones.
local function iterate(list)
  local i = 0
  return { next = function()
    i = i + 1
    return outcome(list[i])
  end, close = function() closed = closed + 1 end }
end

-- Runs against an API whose methods are the functions of `api`, each called with the batch's ID and how often
-- it was called with it: `create` (with the number of the batch instead), `retrieve`, `results` (a list) and
-- `wait`. What they leave out is the usual answer.
local function run(requests, settings, api)
  api, settings = api or {}, settings or {}
  log, sent, progress, closed = {}, {}, {}, 0
  local made, slices, counted = 0, {}, {}
  local function note(name, id)
    log[#log + 1] = name .. " " .. id
    counted[name .. id] = (counted[name .. id] or 0) + 1
    return counted[name .. id]
  end
  local resource = {}
  function resource.create(params, given)
    assert.equal(GIVEN, given)
    made = made + 1
    local id = "b" .. made
    sent[made], slices[id] = params, params.requests
    note("create", id)
    return outcome(api.create and api.create(made) or in_progress(id, #params.requests))
  end
  function resource.retrieve(id, params, given)
    assert.is_nil(params)
    assert.equal(GIVEN, given)
    local number = note("retrieve", id)
    return outcome(api.retrieve and api.retrieve(id, number) or ended(id, #slices[id]))
  end
  function resource.results(id, params, given)
    assert.is_nil(params)
    assert.equal(GIVEN, given)
    local number = note("results", id)
    local list = api.results and api.results(id, number)
    if not list then
      list = {}
      for i, request in ipairs(slices[id]) do
        list[i] = result(request.custom_id)
      end
    end
    local fine, err = outcome(list)
    return fine and iterate(fine), err
  end
  local client = {}
  function client:wait(seconds, given)
    assert.equal(client, self)
    assert.equal(GIVEN, given)
    local number = note("wait", tostring(seconds):gsub("%.0$", ""), nil)
    return outcome(api.wait == nil or api.wait(number))
  end
  if settings.on_progress == nil then
    settings.on_progress = function(told) progress[#progress + 1] = told end
  end
  return batch_run.run(client, resource, requests, settings, GIVEN)
end

local function sorted_keys(map)
  local keys = {}
  for key in pairs(map) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

local function ids_of(list)
  local ids = {}
  for i, request in ipairs(list) do
    ids[i] = request.custom_id
  end
  return ids
end

describe("a run of batches", function()
  it("makes a batch, asks after it, and reads its results", function()
    local results, report = assert(run(requests_of("a", "b")))
    assert.same({ "create b1", "retrieve b1", "results b1" }, log)
    assert.same({ "a", "b" }, ids_of(sent[1].requests))
    assert.same({ "a", "b" }, sorted_keys(results))
    assert.equal("msg_a", results.a.result.message.id)
    assert.same({
      total = 2, succeeded = 2, errored = 0, canceled = 0, expired = 0, failed = {}, batches = { "b1" },
      missing = {}, doubled = {}, unexpected = {},
    }, report)
  end)

  it("makes as many batches as it takes before it asks after the first", function()
    local results, report = assert(run(requests_of("a", "b", "c", "d", "e"), { max_requests = 2 }))
    assert.same({
      "create b1", "create b2", "create b3", "retrieve b1", "results b1", "retrieve b2", "results b2",
      "retrieve b3", "results b3",
    }, log)
    assert.same({ "a", "b" }, ids_of(sent[1].requests))
    assert.same({ "c", "d" }, ids_of(sent[2].requests))
    assert.same({ "e" }, ids_of(sent[3].requests))
    assert.same({ "a", "b", "c", "d", "e" }, sorted_keys(results))
    assert.same({ "b1", "b2", "b3" }, report.batches)
    assert.equal(5, report.total)
  end)

  it("sends the very requests", function()
    local requests = requests_of("a", "b")
    assert(run(requests))
    assert.equal(requests[1], sent[1].requests[1])
    assert.equal(requests[2], sent[1].requests[2])
    assert.same({ "requests" }, sorted_keys(sent[1]))
  end)

  it("cuts at 100,000 requests and 256 MB where nothing is said", function()
    local settings = {}
    assert(run(requests_of "a", settings))
    assert.equal(100000, settings.max_requests)
    assert.equal(256e6, settings.max_bytes)
    local size = #json.encode(requests_of("a")[1])
    assert(run(requests_of("a", "b"), { max_bytes = 2 * size + 16 }))
    assert.equal(1, #sent)
    assert(run(requests_of("a", "b"), { max_bytes = 2 * size + 15 }))
    assert.equal(2, #sent)
  end)

  it("of no requests is over at once", function()
    local results, report = assert(run {})
    assert.same({}, results)
    assert.equal(0, report.total)
    assert.same({}, log)
    assert.same({}, progress)
  end)

  it("counts each kind of result, and lists those that failed", function()
    local list = { result "a", result("b", "errored"), result("c", "canceled"), result("d", "expired"),
      result("e", "errored"), result("f", "something new") }
    local results, report = assert(run(requests_of("a", "b", "c", "d", "e", "f"), nil, {
      results = function() return list end,
    }))
    assert.equal(6, report.total)
    assert.equal(1, report.succeeded)
    assert.equal(2, report.errored)
    assert.equal(1, report.canceled)
    assert.equal(1, report.expired)
    assert.equal(1, report["something new"])
    assert.same({ "b", "c", "d", "e", "f" }, ids_of(report.failed))
    assert.equal(list[2], results.b)
  end)

  it("takes whatever the server calls a kind of result, and none", function()
    for _, kind in ipairs { "failed", "missing", "doubled", "unexpected", "batches", "total", 5, {}, false } do
      local given = result "a"
      given.result.type = kind or nil
      local results, report = assert(run(requests_of "a", nil, { results = function() return { given } end }))
      assert.equal(given, results.a)
      assert.same({ given }, report.failed)
      assert.equal(1, report.total)
      assert.equal(0, report.succeeded)
      assert.same({ "b1" }, report.batches)
    end
  end)

  it("passes over counts that count no results", function()
    for _, count in ipairs { 1.5, -1, 1e300, "1", {} } do
      local batch = ended("b1", 1)
      batch.request_counts.errored = count
      local results, report = assert(run(requests_of "a", nil, { retrieve = function() return batch end }))
      assert.is_table(results.a)
      assert.equal(1, report.total)
    end
  end)

  it("refuses what it cannot send, before anything is sent", function()
    for _, case in ipairs {
      { nil, {}, "requests: missing" },
      { requests_of("a", "a"), {}, 'requests[2].custom_id: "a" is that of requests[1] too' },
      { { { custom_id = "a", params = print } }, {}, "requests[1].params: table expected, got function" },
      { requests_of "a", { resume = { "x", "y" } }, "resume: 2 batches, where the requests make up 1" },
      { requests_of "a", { resume = "" }, "resume[1]: the ID of a batch expected" },
      { nil, { resume = { 1 } }, "resume[1]: the ID of a batch expected" },
    } do
      local results, err = run(case[1], case[2])
      assert.is_nil(results)
      assert.equal("invalid_request", err.kind)
      assert.equal(case[3], err.message)
      assert.same({}, log)
    end
  end)
end)

describe("making batches", function()
  it("tells of each one, as it was made", function()
    local created = {}
    assert(run(requests_of("a", "b"), { max_requests = 1, on_created = function(batch)
      created[#created + 1] = batch.id
      assert.equal("create " .. batch.id, log[#log])
    end }))
    assert.same({ "b1", "b2" }, created)
  end)

  it("ends with its error, which names the batches that were made", function()
    local problem = connection_error()
    local results, err = run(requests_of("a", "b", "c"), { max_requests = 1 }, {
      create = function(number) return number == 2 and problem or nil end,
    })
    assert.is_nil(results)
    assert.equal(problem, err)
    assert.same({ "b1" }, err.batches)
    assert.same({}, err.results)
    assert.equal(0, err.report.total)
    assert.same({ "create b1", "create b2" }, log)
  end)

  it("is an error where the answer is not a batch", function()
    for _, answer in ipairs { {}, { id = 5 }, "text", true } do
      local _, err = run(requests_of "a", nil, { create = function() return answer end })
      assert.equal("protocol", err.kind)
      assert.equal("the answer is not a batch", err.message)
      assert.same({}, err.batches)
    end
  end)
end)

describe("asking after batches", function()
  local function until_ended(tries)
    return function(id, number)
      return number < tries and in_progress(id, 1) or ended(id, 1)
    end
  end

  it("waits ever longer between, up to a limit", function()
    assert(run(requests_of "a", nil, { retrieve = until_ended(10) }))
    local waits = {}
    for _, line in ipairs(log) do
      waits[#waits + 1] = line:match "^wait (.*)"
    end
    assert.same({ "5", "7.5", "11.25", "16.875", "25.3125", "37.96875", "56.953125", "60", "60" }, waits)
  end)

  it("takes the intervals that are given", function()
    assert(run(requests_of "a", { poll_interval = 2, max_poll_interval = 4 }, { retrieve = until_ended(5) }))
    assert.same({ "create b1", "retrieve b1", "wait 2", "retrieve b1", "wait 3", "retrieve b1", "wait 4",
      "retrieve b1", "wait 4", "retrieve b1", "results b1" }, log)
  end)

  it("reads each batch as soon as it has ended, and no more asks after it", function()
    local results = assert(run(requests_of("a", "b", "c"), { max_requests = 1 }, {
      retrieve = function(id, number)
        return (id == "b2" or number == 2) and ended(id, 1) or id == "b3" and number == 3 and ended(id, 1)
          or in_progress(id, 1)
      end,
    }))
    assert.same({ "create b1", "create b2", "create b3", "retrieve b1", "retrieve b2", "results b2", "retrieve b3",
      "wait 5", "retrieve b1", "results b1", "retrieve b3", "results b3" }, log)
    assert.same({ "a", "b", "c" }, sorted_keys(results))
  end)

  it("passes over failures that may pass, four in a row", function()
    assert(run(requests_of "a", nil, {
      retrieve = function(id, number) return number % 5 > 0 and number < 12 and connection_error()
        or number < 12 and in_progress(id, 1) or ended(id, 1) end,
    }))
    assert.equal("results b1", log[#log])
    local problem = connection_error "fifth"
    local results, err = run(requests_of "a", nil, {
      retrieve = function(_, number) return number == 5 and problem or connection_error() end,
    })
    assert.is_nil(results)
    assert.equal(problem, err)
    assert.same({ "b1" }, err.batches)
    assert.equal("retrieve b1", log[#log])
    assert.equal(1 + 5 + 4, #log)
  end)

  it("ends with a failure that does not pass", function()
    for _, problem in ipairs {
      protocol_error(),
      errors.new { kind = "api", status = 404, message = "not found" },
      errors.new { kind = "cancelled", message = "closed" },
    } do
      local _, err = run(requests_of("a", "b"), { max_requests = 1 }, { retrieve = function() return problem end })
      assert.equal(problem, err)
      assert.same({ "create b1", "create b2", "retrieve b1" }, log)
      assert.same({ "b1", "b2" }, err.batches)
    end
    local _, err = run(requests_of "a", nil, { retrieve = function() return {} end })
    assert.equal("the answer is not a batch", err.message)
  end)

  it("ends where the wait is cancelled, with the batches to resume", function()
    local problem = errors.new { kind = "cancelled", message = "the wait was cancelled" }
    local results, err = run(requests_of("a", "b"), { max_requests = 1 }, {
      retrieve = function(id) return id == "b1" and ended(id, 1) or in_progress(id, 1) end,
      wait = function() return problem end,
    })
    assert.is_nil(results)
    assert.equal(problem, err)
    assert.same({ "b1", "b2" }, err.batches)
    assert.same({ "a" }, sorted_keys(err.results))
    assert.equal(1, err.report.total)
  end)

  it("refuses a batch of another size than the requests", function()
    for _, size in ipairs { 1, 3 } do
      local _, err = run(requests_of("x", "a", "b"), { max_requests = 2, resume = { "one", "two" } }, {
        retrieve = function(id) return ended(id, id == "one" and size or 1) end,
      })
      assert.equal("invalid_request", err.kind)
      assert.equal(("batch one has %d requests, not the 2 of requests[1] to requests[2]"):format(size), err.message)
      assert.same({ "retrieve one" }, log)
      assert.same({ "one", "two" }, err.batches)
    end
    -- all outcomes count
    assert(run(requests_of("a", "b", "c", "d"), nil, {
      retrieve = function(id) return ended(id, 1, { errored = 1, canceled = 1, expired = 1 }) end,
    }))
  end)

  it("takes a batch whose size is not told", function()
    for _, request_counts in ipairs { false, {}, { succeeded = 9 } } do
      local results = assert(run(requests_of("a", "b"), nil, {
        retrieve = function(id)
          return { id = id, processing_status = "ended", request_counts = request_counts or nil }
        end,
      }))
      assert.same({ "a", "b" }, sorted_keys(results))
    end
  end)
end)

describe("reading results", function()
  it("begins again where they break off, and takes each once", function()
    local seen = {}
    local results, report = assert(run(requests_of("a", "b", "c"), {
      poll_interval = 2,
      on_result = function(given) seen[#seen + 1] = given.custom_id end,
    }, {
      results = function(_, number)
        return ({
          connection_error(),
          { result "a", connection_error() },
          { result "a", result "b", connection_error() },
          { result "a", result "b", result "c" },
        })[number]
      end,
    }))
    assert.same({ "create b1", "retrieve b1", "results b1", "wait 2", "results b1", "wait 2", "results b1", "wait 2",
      "results b1" }, log)
    assert.same({ "a", "b", "c" }, seen)
    assert.same({}, results)
    assert.equal(3, report.total)
    assert.equal(3, report.succeeded)
  end)

  it("gives up when five tries in a row brought nothing new", function()
    local problem = connection_error "last"
    local results, err = run(requests_of("a", "b"), nil, {
      results = function(_, number)
        return number == 1 and { result "a", connection_error() }
          or number == 6 and problem or number < 6 and { result "a", connection_error() } or nil
      end,
    })
    assert.is_nil(results)
    assert.equal(problem, err)
    assert.equal("results b1", log[#log])
    assert.equal(2 + 6 + 5, #log)
    assert.same({ "a" }, sorted_keys(err.results))
    assert.equal(1, err.report.total)
    assert.same({ "b1" }, err.batches)
  end)

  it("goes on as long as each few tries bring something new", function()
    local results = assert(run(requests_of("a", "b", "c"), nil, {
      results = function(_, number)
        return number < 5 and connection_error() or number == 5 and { result "a", connection_error() }
          or number < 10 and { result "a", connection_error() } or { result "a", result "b", result "c" }
      end,
    }))
    assert.same({ "a", "b", "c" }, sorted_keys(results))
  end)

  it("ends with a failure that does not pass", function()
    for _, list in ipairs { protocol_error(), { result "a", protocol_error() } } do
      local _, err = run(requests_of("a", "b"), nil, { results = function() return list end })
      assert.equal("odd", err.message)
      assert.same({ "create b1", "retrieve b1", "results b1" }, log)
    end
  end)

  it("ends where the wait is cancelled", function()
    local problem = errors.new { kind = "cancelled", message = "the wait was cancelled" }
    local _, err = run(requests_of("a", "b"), nil, {
      results = function() return { result "a", connection_error() } end,
      wait = function() return problem end,
    })
    assert.equal(problem, err)
    assert.same({ "a" }, sorted_keys(err.results))
    assert.same({ "create b1", "retrieve b1", "results b1", "wait 5" }, log)
  end)

  it("gives results to on_result and keeps none", function()
    local seen = {}
    local list = { result("b", "errored"), result "a" }
    local results, report = assert(run(requests_of("a", "b"), {
      on_result = function(given) seen[#seen + 1] = given end,
    }, { results = function() return list end }))
    assert.same(list, seen)
    assert.equal(list[1], seen[1])
    assert.same({}, results)
    assert.same({ list[1] }, report.failed)
  end)

  it("sends the requests as they were given, whatever becomes of their list", function()
    local requests = requests_of("a", "b", "c")
    local results = assert(run(requests, { max_requests = 1, on_created = function()
      table.remove(requests, 1)
    end }))
    assert.same({ "a", "b", "c" }, sorted_keys(results))
  end)

  it("leaves none open where a callback raises", function()
    local function raise() error("mine", 0) end
    for _, settings in ipairs { { on_result = raise }, { skip = raise } } do
      local ok, raised = pcall(run, requests_of("a", "b"), settings)
      assert.same({ false, "mine", 1 }, { ok, raised, closed })
    end
  end)

  it("skips those that are there already, by a table or a function", function()
    for _, skip in ipairs { { a = true, c = { 1 }, b = false }, function(id) return id ~= "b" end } do
      local seen = {}
      local results, report = assert(run(requests_of("a", "b", "c"), { skip = skip }))
      assert.same({ "b" }, sorted_keys(results))
      assert.equal(3, report.total)
      assert(run(requests_of("a", "b", "c"), { skip = skip, on_result = function(given)
        seen[#seen + 1] = given.custom_id
      end }))
      assert.same({ "b" }, seen)
    end
  end)
end)

describe("results that are not those of the requests", function()
  local function discrepancy(requests, list, settings)
    local results, err = run(requests, settings, {
      retrieve = function(id) return { id = id, processing_status = "ended" } end,
      results = function() return list end,
    })
    assert.is_nil(results)
    assert.equal("protocol", err.kind)
    assert.same({ "b1" }, err.batches)
    return err.message:match "^the results are not those of the requests: (.*)$", err
  end

  it("are an error that names the missing", function()
    local words, err = discrepancy(requests_of("c", "a", "b"), { result "a" })
    assert.equal("2 missing (b, c)", words)
    assert.same({ "b", "c" }, err.report.missing)
    assert.same({ "a" }, sorted_keys(err.results))
    assert.equal("1 missing (a)", (discrepancy(requests_of "a", {})))
  end)

  it("are an error that names the doubled", function()
    local words, err = discrepancy(requests_of("a", "b"), { result "a", result "b", result "a", result "b" })
    assert.equal("2 doubled (a, b)", words)
    assert.same({ "a", "b" }, err.report.doubled)
    assert.equal(2, err.report.total)
    assert.equal(2, err.report.succeeded)
  end)

  it("are an error that names the unexpected", function()
    local seen = {}
    local words, err = discrepancy(requests_of "a", { result "y", result "a", result("x", "errored") }, {
      on_result = function(given) seen[#seen + 1] = given.custom_id end,
    })
    assert.equal("2 unexpected (x, y)", words)
    assert.same({ "x", "y" }, err.report.unexpected)
    assert.equal(1, err.report.total)
    assert.equal(0, err.report.errored)
    assert.same({}, err.report.failed)
    assert.same({ "a" }, seen)
  end)

  it("are all of it at once, with three IDs of each", function()
    assert.equal("3 missing (c, d, e); 1 doubled (a); 4 unexpected (w, x, y, ...)", (discrepancy(
      requests_of("a", "b", "c", "d", "e"),
      { result "z", result "y", result "a", result "a", result "b", result "w", result "x" })))
  end)

  it("are told of once where they come again after they broke off", function()
    local _, err = run(requests_of("a", "b"), nil, {
      results = function(_, number)
        return number == 1 and { result "x", result "a", connection_error() } or { result "x", result "a", result "b" }
      end,
    })
    assert.equal("the results are not those of the requests: 1 unexpected (x)", err.message)
    assert.same({}, err.report.doubled)
    assert.same({ "a", "b" }, sorted_keys(err.results))
  end)

  it("are found in the second reading, too", function()
    local _, err = run(requests_of("a", "b"), nil, {
      results = function(_, number)
        return number == 1 and { result "a", connection_error() } or { result "a", result "a", result "b" }
      end,
    })
    assert.equal("the results are not those of the requests: 1 doubled (a)", err.message)
  end)

  it("belong to one batch: another one's are unexpected there", function()
    local _, err = run(requests_of("a", "b"), { max_requests = 1 }, {
      results = function(id) return id == "b1" and { result "b" } or { result "a" } end,
    })
    assert.equal("the results are not those of the requests: 2 missing (a, b); 2 unexpected (a, b)", err.message)
  end)
end)

describe("resuming a run", function()
  it("asks after the batches that were made, and makes the others", function()
    local created = {}
    local api = {
      retrieve = function(id) return ended(id, 1) end,
      results = function(id) return { result(id == "one" and "a" or id == "two" and "b" or "c") } end,
    }
    local results, report = assert(run(requests_of("a", "b", "c"), {
      max_requests = 1, resume = { "one", "two" }, on_created = function(batch) created[#created + 1] = batch.id end,
    }, api))
    assert.same({ "create b1", "retrieve one", "results one", "retrieve two", "results two", "retrieve b1",
      "results b1" }, log)
    assert.same({ "c" }, ids_of(sent[1].requests))
    assert.same({ "b1" }, created)
    assert.same({ "one", "two", "b1" }, report.batches)
    assert.same({ "a", "b", "c" }, sorted_keys(results))
  end)

  it("takes one ID as it is", function()
    local _, report = assert(run(requests_of "a", { resume = "one" }, {
      retrieve = function(id) return ended(id, 1) end,
      results = function() return { result "a" } end,
    }))
    assert.same({ "one" }, report.batches)
    assert.same({ "retrieve one", "results one" }, log)
  end)

  it("checks that the results are those of the requests", function()
    local _, err = run(requests_of "a", { resume = "one" }, {
      retrieve = function(id) return ended(id, 1) end,
      results = function() return { result "b" } end,
    })
    assert.equal("the results are not those of the requests: 1 missing (a); 1 unexpected (b)", err.message)
  end)

  it("works without the requests, whatever they were", function()
    local api = {
      retrieve = function(id, number)
        return number == 1 and in_progress(id, 2, 1) or ended(id, 3)
      end,
      results = function(id) return { result(id .. "a"), result(id .. "b", "errored") } end,
    }
    local results, report = assert(run(nil, { resume = { "x", "y" }, max_requests = 1 }, api))
    assert.same({ "xa", "xb", "ya", "yb" }, sorted_keys(results))
    assert.equal(4, report.total)
    assert.equal(2, report.errored)
    assert.same({ "x", "y" }, report.batches)
    assert.same({ total = 3, done = 1, processing = 2, succeeded = 1, errored = 0, canceled = 0, expired = 0,
      delivered = 0, state = "processing" }, progress[1])
    assert.equal(6, progress[#progress].total)
    assert.equal(0, progress[#progress].processing)
    local _, err = run(nil, { resume = "x" }, {
      retrieve = api.retrieve, results = function() return { result "a", result "a" } end,
    })
    assert.equal("the results are not those of the requests: 1 doubled (a)", err.message)
  end)

  it("tells of an ID that two batches have, and keeps the first result", function()
    local seen, lists = {}, {
      x = { result "a", result "b" },
      y = { result("a", "errored"), result "c" },
    }
    local function again(settings)
      settings.resume = { "x", "y" }
      local results, err = run(nil, settings, {
        retrieve = function(id) return ended(id, 2) end,
        results = function(id, number)
          return id == "y" and number == 1 and { lists.y[1], connection_error() } or lists[id]
        end,
      })
      assert.is_nil(results)
      assert.equal("the results are not those of the requests: 1 doubled (a)", err.message)
      assert.same({ "a" }, err.report.doubled)
      assert.equal(3, err.report.total)
      assert.same({}, err.report.failed)
      return err
    end
    local err = again {}
    assert.equal(lists.x[1], err.results.a)
    assert.same({ "a", "b", "c" }, sorted_keys(err.results))
    again { on_result = function(given) seen[#seen + 1] = given end }
    assert.same({ lists.x[1], lists.x[2], lists.y[2] }, seen)
  end)
end)

describe("the progress of a run", function()
  local function states()
    local list = {}
    for i, told in ipairs(progress) do
      list[i] = ("%s %d/%d %d"):format(told.state, told.done, told.total, told.delivered)
    end
    return list
  end

  it("is told when a batch was made, asked after and read", function()
    assert(run(requests_of("a", "b", "c"), { max_requests = 2 }, {
      retrieve = function(id, number)
        return number == 1 and id == "b1" and in_progress(id, 1, 1) or ended(id, id == "b1" and 2 or 1)
      end,
    }))
    assert.same({ "creating 0/3 0", "creating 0/3 0", "processing 1/3 0", "processing 2/3 0", "results 2/3 1",
      "processing 3/3 1", "results 3/3 3" }, states())
  end)

  it("adds up what the batches count", function()
    assert(run(requests_of("a", "b", "c", "d", "e"), { max_requests = 4 }, {
      retrieve = function(id)
        return id == "b1" and ended(id, 1, { errored = 1, canceled = 1, expired = 1 }) or ended(id, 0, { errored = 1 })
      end,
    }))
    assert.same({ state = "creating", total = 5, done = 0, processing = 5, delivered = 0, succeeded = 0, errored = 0,
      canceled = 0, expired = 0 }, progress[1])
    assert.same({ state = "results", total = 5, done = 5, processing = 0, delivered = 5, succeeded = 1, errored = 2,
      canceled = 1, expired = 1 }, progress[#progress])
    assert.same({ state = "processing", total = 5, done = 4, processing = 1, delivered = 0, succeeded = 1, errored = 1,
      canceled = 1, expired = 1 }, progress[3])
  end)

  it("is told every hundred results", function()
    assert(run(requests_of(unpack(numbered(200)))))
    assert.same({ "creating 0/200 0", "processing 200/200 0", "results 200/200 100", "results 200/200 200",
      "results 200/200 200" }, states())
    assert(run(requests_of(unpack(numbered(99)))))
    assert.same({ "creating 0/99 0", "processing 99/99 0", "results 99/99 99" }, states())
  end)

  it("is told of a batch that could not be asked after", function()
    assert(run(requests_of "a", nil, {
      retrieve = function(id, number) return number == 1 and connection_error() or ended(id, 1) end,
    }))
    assert.same({ "creating 0/1 0", "processing 0/1 0", "processing 1/1 0", "results 1/1 1" }, states())
  end)

  it("takes counts that are missing or no numbers for 0", function()
    assert(run(requests_of "a", nil, {
      create = function() return { id = "b1", request_counts = "many" } end,
      retrieve = function(id)
        return { id = id, processing_status = "ended", request_counts = { succeeded = "x", errored = "1" } }
      end,
    }))
    assert.same({ "creating 0/1 0", "processing 1/1 0", "results 1/1 1" }, states())
  end)

  it("need not be told", function()
    assert(run(requests_of "a", { on_progress = false }))
    assert.same({}, progress)
  end)
end)
