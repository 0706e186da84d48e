--- Many requests at once: `client.messages.map` returns the answers in the order of the requests.
--
--     local messages, errs = client.messages.map({
--       { messages = { { role = "user", content = "One?" } } },
--       { messages = { { role = "user", content = "Two?" } } },
--     }, { params = { model = "claude-sonnet-5-5", max_tokens = 1024 }, concurrency = 8 })
--     for i = 1, messages.n do print(messages[i] and messages[i]:text() or errs[i]) end
--
-- The requests are paced by what the responses say of the rate limits, and run as tasks of an `anthropic.run`.

local check = require "anthropic.base.check"
local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"
local loop = require "anthropic.loop"
local paths = require "anthropic.base.path"
local protected = require "anthropic.loop.protected"
local tasks = require "anthropic.loop.task"
local waiting = require "anthropic.loop.waiting"

local concurrent = {}

---@class anthropic.MapSettings: anthropic.Options the settings of messages.map; options of the requests stand in the
---  same table
---@field concurrency? integer requests under way at a time. Default: 8
---@field params? table parameters that all requests have in common; a request's own come first
---@field on_progress? fun(progress: anthropic.MapProgress) called after each answer

---@class anthropic.MapProgress
---@field total integer requests
---@field done integer requests that have an answer or an error
---@field failed integer requests that have an error
---@field index integer of the request that ended now, from 1
---@field message? anthropic.Message its answer
---@field error? anthropic.Error its error

local DEFAULT_CONCURRENCY = 8

concurrent.settings = {
  concurrency = check.whole(1),
  params = check.of_type "table",
  on_progress = check.of_type "function",
}

local function join(shared, own)
  local params = json.merge(json.merge({}, shared), own)
  params.stream = nil -- only a whole message has a place in the results
  return params
end

-- Answers requests until all are answered.
local function work(state)
  while state.next <= state.messages.n do
    local i = state.next
    state.next = i + 1
    local message, err = state.send(join(state.settings.params, state.list[i]))
    state.messages[i], state.errors[i] = message, err
    state.done, state.failed = state.done + 1, state.failed + (err and 1 or 0)
    if state.settings.on_progress then
      state.settings.on_progress {
        total = state.messages.n,
        done = state.done,
        failed = state.failed,
        index = i,
        message = message,
        error = err,
      }
    end
  end
  return true
end

local function cancel_all(workers, but)
  for _, worker in ipairs(workers) do
    if worker ~= but then
      worker:cancel()
    end
  end
end

-- One of several workers. If it raises, the others end at once: what they still ask for would be paid for.
local function work_among_others(state, workers)
  local task = waiting.current()
  local ok, result = protected.call(function() return work(state) end)
  if not ok and not task.is_cancelled then
    state.raised = { result }
    cancel_all(workers, task)
  elseif not ok then
    error(result, 0)
  end
  return ok
end

-- Runs several workers. nil and an error when it is cancelled; what a worker raised is raised.
local function work_together(state)
  local workers = {}
  for i = 1, math.min(state.settings.concurrency or DEFAULT_CONCURRENCY, state.messages.n) do
    workers[i] = tasks.spawn(work_among_others, state, workers)
  end
  for _, worker in ipairs(workers) do
    local ok, err = worker:join()
    if state.raised then
      error(state.raised[1], 0)
    elseif not ok then
      cancel_all(workers)
      return nil, err
    end
  end
  return true
end

-- Whether the requests can be tasks: not in a host that runs only one coroutine, nor if a client blocks because the
-- host cannot wait there.
local function runs_several(driver)
  return driver.spawn or not driver.suspends and (not loop.driver().spawn or waiting.is_possible())
end

--- Sends the requests.
---@param client anthropic.Client
---@param list table[] parameters of messages.create
---@param settings anthropic.MapSettings
---@param given anthropic.Options of every request
---@param send fun(params: table): anthropic.Message?, anthropic.Error?
---@return table|nil messages with `n`; nil at the places of those that failed
---@return table|anthropic.Error errs those that failed, at their places; an error when all was
--- cancelled, which has what came as `messages` and `errors`
function concurrent.run(client, list, settings, given, send)
  for key, params in pairs(list) do
    local is_raw = json.is_raw(params)
    if type(key) ~= "number" or type(params) ~= "table" or is_raw then
      return nil, errors.invalid_request(("list[%s]: parameters of messages.create expected, got %s"):format(
        tostring(key), is_raw and "anthropic.raw" or type(params)))
    end
  end
  local problem = paths.problem_of_list("list", list)
  if problem then
    return nil, errors.invalid_request(problem)
  end
  local state = {
    list = json.copy(list), -- the caller's may change meanwhile
    settings = settings, send = send,
    messages = { n = #list }, errors = {}, next = 1, done = 0, failed = 0,
  }
  local ok, err
  if runs_several(loop.driver(client:options_for(given) "loop")) then
    ok, err = tasks.run(work_together, state)
  else
    ok, err = work(state)
  end
  if not ok then
    err.messages, err.errors = state.messages, state.errors
    return nil, err
  end
  return state.messages, state.errors
end

return concurrent
