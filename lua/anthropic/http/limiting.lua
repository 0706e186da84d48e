--- How an exchange uses the option `limiter`: each attempt acquires, and releases once.
--
--     anthropic.new { limiter = {
--       acquire = function(self, request) return may_go(request.tag), "not today" end,
--       observe = function(self, request, response) print(response.status) end,
--       release = function(self, request, response, err) print(request.path, err) end,
--     } }
--
-- Without the option, the client's own limiter learns from every answer, and holds back the requests of `map`.

local core = require "anthropic.base.core"
local errors = require "anthropic.base.error"
local lazy = require "anthropic.base.lazy"
local outcome = require "anthropic.http.outcome"
local protected = require "anthropic.loop.protected"
local tables = require "anthropic.base.tables"
local token_estimate = require "anthropic.http.token_estimate"
local urls = require "anthropic.http.url"

local failures = lazy.module_for_failure "anthropic.http.failures"
local limiters = lazy.module "anthropic.http.limiter"

---@class anthropic.RequestLimiter what the option `limiter` can be; called with a colon, for each attempt
---@field acquire fun(self: table, request: anthropic.LimiterRequest): boolean?, any true: it may go out; nil and an
---  error or words: it fails with them. May wait: neither the option `timeout` nor `client:close` ends a wait of your
---  own, so bound it
---@field observe? fun(self: table, request: anthropic.LimiterRequest, response: anthropic.Response) headers have come
---@field release? fun(self: table, request: anthropic.LimiterRequest, response: anthropic.Response?, err:
---  anthropic.Error?) once for each acquire that returned true, whatever ended the attempt; must not wait

---@class anthropic.LimiterRequest an attempt that a limiter is asked for
---@field method string
---@field path string without the query, such as "/v1/messages"
---@field model? string
---@field tokens integer an estimate of the input's
---@field attempt integer from 1
---@field tag any the option `tag`

local limiting = {}

-- A limiter may keep requests: they do not keep an exchange alive.
local function link_to(exchange)
  return { __index = setmetatable({ exchange = exchange }, { __mode = "v" }) }
end

local function request_of(exchange)
  local spec = exchange.spec()
  return setmetatable({
    method = spec.method,
    path = (urls.without_query(spec.path):gsub("^%a+://[^/]*", "")),
    model = type(spec.model) == "string" and spec.model or nil,
    tokens = token_estimate.of(spec.body),
    attempt = exchange.attempts + 1,
    tag = exchange.option "tag",
  }, link_to(exchange))
end

-- The error of a request for what its limiter raised or returned. The request is not sent again.
local function error_of(name, problem)
  -- an error of the library's may belong to another request
  local err = errors.is(problem) and errors.new(tables.copy(problem)) or errors.of_caller(problem)
  if not err then
    local words = problem == nil and "returned nothing" or tostring(problem)
    return errors.invalid_request(("limiter: %s: %s"):format(name, words))
  end
  err.history, err.attempts, err.retryable = nil, nil, false
  if type(err.headers) == "table" then -- what they say of retries is about that other request
    err.headers = setmetatable(tables.copy(err.headers), getmetatable(err.headers))
    err.headers["x-should-retry"] = nil
  end
  return err
end

-- Calls a method, if there is one. Returns false and an error if it raises.
local function call(limiter, protect, name, ...)
  local method, arguments = limiter[name], { ... }
  if not method then
    return true
  elseif limiters.is(limiter) then
    return true, method(limiter, ...)
  end
  local ok, first, second = protect(function()
    return method(limiter, arguments[1], arguments[2], arguments[3])
  end)
  if not ok then
    return false, error_of(name, first)
  end
  return true, first, second
end

-- The built-in limiter, if the client has one: made when there is something to learn. If its module cannot be loaded
-- for lack of descriptors, the next answer tries again.
local function limiter_of(shared)
  if shared.is_paced and not shared.limiter then
    local ok, made = pcall(function() return limiters.new() end)
    shared.limiter = ok and made or nil
  end
  return shared.limiter
end

--- Waits until an attempt may begin.
---@param exchange anthropic.Exchange
---@return true|nil
---@return anthropic.Error?
function limiting.acquire(exchange)
  local limiter = exchange.option "limiter"
  if limiter == nil then
    limiter = exchange.is_held_back and limiter_of(exchange.shared)
  end
  if not limiter then
    return true
  end
  local request = request_of(exchange)
  local ok, result, problem = call(limiter, protected.call, "acquire", request)
  if not ok then
    return nil, result
  elseif not result then
    return nil, error_of("acquire", problem)
  end
  exchange.permit = { limiter = limiter, request = request }
  outcome.watch(exchange)
  if exchange.closed then
    limiting.release(exchange, errors.cancelled "the request was cancelled")
  elseif exchange.deadline <= core.now() then -- the permit is released with this error
    local err = failures.error("total", "", nil, exchange.profile)
    err.unprocessed = true
    return nil, err
  end
  return true
end

local function learner_of(exchange)
  return exchange.option "limiter" == nil and limiter_of(exchange.shared) or nil
end

--- Tells the limiter that the headers have come.
---@param exchange anthropic.Exchange
---@return true|nil
---@return anthropic.Error?
function limiting.observe(exchange)
  local permit = exchange.permit
  if permit then
    local ok, err = call(permit.limiter, protected.call, "observe", permit.request, exchange.response)
    return ok or nil, err
  end
  local learner = exchange.response.rate_limit and learner_of(exchange)
  if learner then
    learner:learn(exchange.spec().model, exchange.response)
  end
  return true
end

--- The attempt is over.
---@param exchange anthropic.Exchange
---@param err? anthropic.Error
function limiting.release(exchange, err)
  local permit = exchange.permit
  if permit then
    exchange.permit = nil
    local ok, problem = call(permit.limiter, pcall, "release", permit.request, exchange.response, err)
    exchange.limiter_problem = exchange.limiter_problem or not ok and problem or nil
    return
  end
  local learner = err and err.status and learner_of(exchange)
  if learner then
    learner:hear(exchange.spec().model, err)
  end
end

return limiting
