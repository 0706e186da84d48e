--- From a list of requests to their results, through as many batches as it takes.
--
-- The list is cut into batches in the same way every time, so that IDs stored by `on_created` say
-- which requests were sent when a run is resumed. All batches are sent, then asked after until they
-- end; each one's results are read as soon as it has ended, and every custom_id is accounted for.

local batch_plan = require "anthropic.helpers.batches.plan"
local batch_results = require "anthropic.helpers.batches.results"
local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"
local protected = require "anthropic.loop.protected"
local retry = require "anthropic.http.retry"

local batch_run = {}

-- The API's limits of one batch, and how often it is asked after.
local DEFAULTS = {
  max_requests = 100000,
  max_bytes = 256e6, -- of its JSON
  poll_interval = 5, -- seconds, at first
  max_poll_interval = 60,
}
local INTERVAL_GROWTH = 1.5
-- So often in a row a poll may fail, or reading results may bring nothing new.
local MOST_FAILURES = 5
-- Results between two reports of progress.
local PROGRESS_EVERY = 100

local OUTCOMES = { "succeeded", "errored", "canceled", "expired" }
local IS_OUTCOME = { succeeded = true, errored = true, canceled = true, expired = true }
-- Fields of a report that do not count a type of results, even if a server has a type of that name.
local OF_REPORT = { total = true, batches = true, failed = true, missing = true, doubled = true, unexpected = true }

---@class anthropic.BatchRequest one request of a batch
---@field custom_id string names the request among those of one run; 1 to 64 letters, digits, "_" and "-"
---@field params anthropic.MessageParams

---@class anthropic.BatchSettings: anthropic.Options the settings of batches.run; options of the requests stand in
---  the same table
---@field on_created? fun(batch: table) called when a batch was made: store its `id` to resume with
---@field on_progress? fun(progress: anthropic.BatchProgress) called when the numbers have changed
---@field on_result? fun(result: anthropic.BatchResult) called with each result; no result is held in memory then
---@field resume? string|string[] IDs of batches that an earlier run made of the same requests, in order
---@field skip? table<string, any>|fun(custom_id: string): any the `custom_id`s whose results are already there
---@field max_requests? integer requests in one batch. Default: 100000
---@field max_bytes? integer bytes of JSON in one batch. Default: 256000000 (256 MB)
---@field poll_interval? number seconds until a batch is first looked at again. Default: 5
---@field max_poll_interval? number seconds between two looks at most. Default: 60

---@class anthropic.BatchProgress
---@field state "creating"|"processing"|"results"
---@field total integer requests
---@field done integer requests that the API has ended
---@field delivered integer results that were read
---@field processing integer requests that the API works on
---@field succeeded integer requests that have a message
---@field errored integer requests that failed
---@field canceled integer requests that were cancelled first
---@field expired integer requests that were not begun in time

---@class anthropic.BatchReport
---@field total integer requests
---@field succeeded integer requests that have a message
---@field errored integer requests that failed
---@field canceled integer requests that were cancelled first
---@field expired integer requests that were not begun in time
---@field failed anthropic.BatchResult[] those that did not succeed
---@field batches string[] IDs of the batches, in order

local function size_of(chunk)
  return chunk.first and chunk.last - chunk.first + 1
end

local function tell(run, state)
  if not run.settings.on_progress then
    return
  end
  local progress = { state = state, total = 0, done = 0, processing = 0, delivered = run.delivered }
  for _, name in ipairs(OUTCOMES) do
    progress[name] = 0
  end
  for _, chunk in ipairs(run.chunks) do
    local counts = chunk.batch and chunk.batch.request_counts
    counts = type(counts) == "table" and counts or {}
    local done = 0
    for _, name in ipairs(OUTCOMES) do
      local count = tonumber(counts[name]) or 0
      progress[name] = progress[name] + count
      done = done + count
    end
    local size = size_of(chunk) or done + (tonumber(counts.processing) or 0)
    progress.done = progress.done + done
    progress.total = progress.total + size
    progress.processing = progress.processing + size - done
  end
  run.settings.on_progress(progress)
end

local function create(run, chunk)
  local slice = {}
  for i = chunk.first, chunk.last do
    slice[#slice + 1] = run.requests[i]
  end
  local batch, err = batch_results.check(run.resource.create({ requests = slice }, run.given))
  if not batch then
    return nil, err
  end
  chunk.id, chunk.batch = batch.id, batch
  if run.settings.on_created then
    run.settings.on_created(batch)
  end
  return true
end

local function wrong_batch(chunk, batch)
  local size, promised = size_of(chunk), batch_results.promised(batch)
  if size and promised and size ~= promised then
    return errors.invalid_request(("batch %s has %d requests, not the %d of requests[%d] to requests[%d]"):format(
      chunk.id, promised, size, chunk.first, chunk.last))
  end
end

-- Asks after a batch. A failure that may pass counts as no news.
local function poll(run, chunk)
  local batch, err = batch_results.check(run.resource.retrieve(chunk.id, nil, run.given))
  if batch then
    chunk.batch, run.failures = batch, 0
    local has_ended = batch.processing_status == "ended"
    err = has_ended and wrong_batch(chunk, batch) or nil
    return has_ended and not err, err
  end
  run.failures = run.failures + 1
  if retry.is_worthwhile(err) and run.failures < MOST_FAILURES then
    return false
  end
  return nil, err
end

local function is_skipped(run, id)
  local skip = run.settings.skip
  if type(skip) == "function" then
    return skip(id)
  end
  return skip and skip[id]
end

-- Takes a result in. `chunk.seen` is custom_id -> the pass over the results in which it came.
local function take(run, chunk, result)
  local id, kind = result.custom_id, result.result.type
  local before = chunk.seen[id]
  chunk.seen[id] = chunk.pass
  if before then
    if before == chunk.pass then
      table.insert(run.report.doubled, id)
    end
    return
  elseif chunk.expected and not chunk.expected[id] then
    table.insert(run.report.unexpected, id)
    return
  elseif run.taken and run.taken[id] then -- from another batch
    table.insert(run.report.doubled, id)
    return
  elseif run.taken then
    run.taken[id] = true
  end
  run.delivered = run.delivered + 1
  run.report.total = run.report.total + 1
  if IS_OUTCOME[kind] or type(kind) == "string" and not OF_REPORT[kind] then
    run.report[kind] = (run.report[kind] or 0) + 1
  end
  if kind ~= "succeeded" then
    table.insert(run.report.failed, result)
  end
  if not is_skipped(run, id) then
    if run.settings.on_result then
      run.settings.on_result(result)
    else
      run.results[id] = result
    end
  end
  if run.delivered % PROGRESS_EVERY == 0 then
    tell(run, "results")
  end
end

local function take_all(reading)
  local result, err = reading.results:next()
  while result do
    take(reading.run, reading.chunk, result)
    result, err = reading.results:next()
  end
  return not err, err
end

local function leave(reading)
  pcall(reading.results.close, reading.results)
end

-- Reads the results once. true at their end. What a callback raises ends the transfer.
local function read(run, chunk)
  local results, err = run.resource.results(chunk.id, nil, run.given)
  if not results then
    return nil, err
  end
  chunk.pass = chunk.pass + 1
  return protected.finally_around(take_all, leave, { run = run, chunk = chunk, results = results })
end

local function expect(run, chunk)
  chunk.seen, chunk.pass = {}, 0
  if chunk.first then
    chunk.expected = {}
    for i = chunk.first, chunk.last do
      chunk.expected[run.requests[i].custom_id] = true
    end
  end
end

-- Reads the results of a batch that has ended. After an interruption it reads them again from the beginning
-- and skips those that it has.
local function collect(run, chunk)
  expect(run, chunk)
  local fruitless = 0
  while true do
    local before = run.delivered
    local ok, err = read(run, chunk)
    if ok then
      break
    end
    fruitless = run.delivered > before and 0 or fruitless + 1
    if fruitless >= MOST_FAILURES or not retry.is_worthwhile(err) then
      return nil, err
    end
    ok, err = run.client:wait(run.settings.poll_interval, run.given)
    if not ok then
      return nil, err
    end
  end
  for id in pairs(chunk.expected or {}) do
    if not chunk.seen[id] then
      table.insert(run.report.missing, id)
    end
  end
  chunk.is_collected, chunk.seen, chunk.expected = true, nil, nil
  tell(run, "results")
  return true
end

-- Creates the batches that do not exist yet.
local function create_all(run)
  for _, chunk in ipairs(run.chunks) do
    if not chunk.id then
      local ok, err = create(run, chunk)
      if not ok then
        return nil, err
      end
      tell(run, "creating")
    end
    table.insert(run.report.batches, chunk.id)
  end
  return true
end

-- Asks after every batch that is not done, and reads the results of those that have ended.
local function visit(run)
  local open = 0
  for _, chunk in ipairs(run.chunks) do
    if not chunk.is_collected then
      local has_ended, err = poll(run, chunk)
      tell(run, "processing")
      if has_ended then
        has_ended, err = collect(run, chunk)
      end
      if err then
        return nil, err
      end
      open = open + (has_ended and 0 or 1)
    end
  end
  return open
end

local function wait_for_all(run)
  local interval = run.settings.poll_interval
  local open, err = visit(run)
  while open and open > 0 do
    local ok
    ok, err = run.client:wait(interval, run.given)
    if not ok then
      return nil, err
    end
    interval = math.min(interval * INTERVAL_GROWTH, run.settings.max_poll_interval)
    open, err = visit(run)
  end
  return open and true, err
end

-- The error if the results do not match the requests, or nil.
local function discrepancy(report)
  local words = {}
  for _, name in ipairs { "missing", "doubled", "unexpected" } do
    local ids = report[name]
    table.sort(ids)
    if #ids > 0 then
      words[#words + 1] = ("%d %s (%s%s)"):format(#ids, name, table.concat(ids, ", ", 1, math.min(#ids, 3)),
        #ids > 3 and ", ..." or "")
    end
  end
  return words[1] and errors.new {
    kind = "protocol",
    message = "the results are not those of the requests: " .. table.concat(words, "; "),
  }
end

local function new_report()
  local report = { total = 0, batches = {}, failed = {}, missing = {}, doubled = {}, unexpected = {} }
  for _, name in ipairs(OUTCOMES) do
    report[name] = 0
  end
  return report
end

--- Runs requests through batches. Cancelling it (task:cancel(), client:close()) leaves the batches
--- themselves alone.
---@param client anthropic.Client
---@param resource table client.messages.batches, or its beta twin
---@param requests? table[] { custom_id =, params = }; nil: those of the batches to resume, whatever they are
---@param settings anthropic.BatchSettings
---@param given anthropic.Options of every request
---@return table<string, anthropic.BatchResult>|nil results by custom_id; empty if on_result got them
---@return anthropic.BatchReport|anthropic.Error err has `batches` to resume with, `results` and `report`
function batch_run.run(client, resource, requests, settings, given)
  for name, value in pairs(DEFAULTS) do
    settings[name] = settings[name] or value
  end
  if not requests and not settings.resume then
    return nil, errors.invalid_request "requests: missing"
  end
  local chunks, message = batch_plan.make(requests or {}, settings)
  local ok = chunks
  if chunks then
    ok, message = batch_plan.resume(chunks, settings.resume, requests == nil)
  end
  if not ok then
    return nil, errors.invalid_request(message)
  end
  local run = {
    client = client, resource = resource, settings = settings, given = given,
    requests = requests and json.copy(requests), -- the caller's may change meanwhile
    chunks = chunks, results = {}, report = new_report(), delivered = 0, failures = 0,
    taken = not requests and #chunks > 1 and {} or nil, -- by custom_id, if the requests do not say whose an ID is
  }
  local err
  ok, err = create_all(run)
  if ok then
    ok, err = wait_for_all(run)
  end
  if ok then
    err = discrepancy(run.report)
  end
  if err then
    err.batches, err.results, err.report = run.report.batches, run.results, run.report
    return nil, err
  end
  return run.results, run.report
end

return batch_run
