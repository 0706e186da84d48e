--- One request with its retries: attempts, waits, deadlines, and what they left behind.
--
-- An exchange runs until its response's headers report success and the reader of the body
-- accepts it. A later reader (a stream) can ask it to recover from a failure as long as
-- nothing was handed over.

local require = require
local answer = require "anthropic.http.answer"
local core = require "anthropic.base.core"
local draining = require "anthropic.loop.draining"
local errors = require "anthropic.base.error"
local lazy = require "anthropic.base.lazy"
local limiting = require "anthropic.http.limiting"
local loop = require "anthropic.loop"
local options = require "anthropic.http.options"
local outcome = require "anthropic.http.outcome"
local redirects = require "anthropic.http.redirects"
local request = require "anthropic.http.request"
local waiting = require "anthropic.loop.waiting"

local middleware = lazy.module "anthropic.http.middleware"
local recovering = lazy.module_for_failure "anthropic.http.recovering"

---@class anthropic.Attempt
---@field status? integer HTTP status, if a response came
---@field kind? anthropic.ErrorKind of its error
---@field seconds number that it took
---@field waited number seconds until the next one
---@field member? integer the pool's member that was asked, counted in their order

---@class anthropic.Exchange
---@field response? anthropic.Response
---@field lost? string how the latest of its losses was
---@field parts? anthropic.api.Usage[] the counts of the earlier messages, which were interrupted
---@field route? anthropic.Route through a pool: it chooses each attempt's member
---@field member? integer
---@field inner? anthropic.Exchange the one that asks for its credential
---@field accumulator? table whose `fields` are what has come of its message
---@field redirects_to? fun(): string the target of a redirect that is followed
---@field planned_delay? number before the next attempt, if the status alone has decided that there is one
local Exchange = {}
Exchange.__index = Exchange
for name, method in pairs(answer) do
  Exchange[name] = method
end

---@class anthropic.Profile what exchanges with the same options have in common
---@field option fun(name: string): any
---@field loop? string|table the option
---@field timeouts table<string, number|false>
---@field is_logged boolean
---@field takes_json boolean JSON between the events of an answer counts as an event, as in answers of the API
---@field send fun(exchange: anthropic.Exchange, driver: table): true?, anthropic.Error? one attempt

local exchange = {}

-- Sends a request as it is built.
local function plain_sender(build)
  return function(self, driver)
    local wire, err = build(self.spec(), self)
    if not wire then
      return nil, err
    end
    return redirects.send(self, wire, driver)
  end
end

-- The sender of requests that go through the caller's functions, or are signed; nil if they do neither.
local function changed_sender(resolved)
  return (resolved.middleware or resolved.signing) and middleware.sender(resolved)
end

--- What exchanges with the same options have in common. Values that may hold a credential are behind
--- functions, so that a dump of an exchange, or of a stream, shows no credential.
---@param resolved table
---@param build? fun(spec: table): table|nil, anthropic.Error? makes a request; default: one of the API
---@param address? string what the caller calls the server's address; default: base_url
---@return anthropic.Profile
function exchange.profile(resolved, build, address)
  return {
    option = function(name)
      return resolved[name]
    end,
    loop = resolved.loop,
    timeouts = options.timeouts(resolved.timeout),
    is_logged = resolved.on_log ~= nil or resolved.log_level ~= nil,
    send = changed_sender(resolved) or plain_sender(build or request.builder(resolved)),
    takes_json = build == nil,
    address = address,
  }
end

--- Prepares an exchange; nothing is sent yet.
---@param spec table what the profile's `build` takes, and `paced`; `takes_any_status`: an answer of any status is a
---success, unless the request is retried; `redirects`: how many are followed, to any server (redirects.lua)
---@param profile anthropic.Profile
---@param shared table what the client's exchanges have in common: `is_paced` and `usage`, if it has them, and
--- `observer`, which is called with every exchange whose attempt ends, while its transfer is there
---@return anthropic.Exchange
function exchange.new(spec, profile, shared)
  local total, began = profile.timeouts.total, core.now()
  local self = setmetatable({
    spec = function()
      return spec
    end,
    profile = profile,
    option = profile.option,
    policy = profile.option "retry" or spec.retry, -- see retry.lua
    is_held_back = spec.paced, -- while the rate limits say so
    shared = shared,
    began = began,
    deadline = total and began + total or math.huge,
    attempts = 0, -- how often the request was sent
    retries = 0,
    losses = 0, -- attempts that were lost with their connection: see failures.lua
    turn = 0, -- how often it was reset: waits for an earlier request end
    closed = false,
    has_ended = false, -- and its end was recorded
    message = nil, -- that it brought
    -- of the latest attempt; named here so that the table has room for them
    attempt_began = nil,
    complete = false,
    redact = nil,
    url = nil, -- returns what an error may show of it
    way = nil, -- returns it as it is, and the option `proxy`
    request = nil,
    response = nil,
    transfer = nil,
    under_way = false,
    reject = nil, -- is told that the server refuses the credential
    can_renew = false, -- its credential has a source; has_renewed: it was asked again after a refusal
    has_renewed = false,
  }, Exchange)
  if profile.is_logged then
    outcome.watch(self)
  end
  return self
end

--- Sets the body of later attempts, which stay with the same member of a pool.
---@param body string
function Exchange:set_body(body)
  self.spec().body, self.route = body, nil
end

--- Makes the next attempt use other options. For pools.
---@param profile anthropic.Profile
---@param shared table
---@param member integer
function Exchange:use(profile, shared, member)
  self.profile, self.option, self.shared = profile, profile.option, shared
  self.policy = profile.option "retry" or self.spec().retry
  self.deadline = self.began + (profile.timeouts.total or math.huge)
  if self.member ~= member then
    self.member, self.losses, self.lost, self.has_renewed = member, 0, nil, false
    self.request, self.redact, self.url, self.way = nil, nil, nil, nil
  end
  if profile.is_logged then
    outcome.watch(self)
  end
end

function Exchange:has_news()
  return self.closed or self.was_called
end

--- Wakes the coroutine that waits for the exchange.
function Exchange:call()
  self.was_called = true
  loop.wake(self)
end

-- The attempt is over, its transfer still exists: the record and the observer take what they need, once.
local function leave(self)
  if self.profile.is_logged then
    outcome.measure(self)
  end
  if self.under_way and self.transfer and self.shared.observer then
    self.shared.observer(self)
  end
  self.under_way = false
end

local function close_transfer(self, in_doubt)
  leave(self)
  if self.transfer then
    self.transfer:close(in_doubt)
    loop.wake(self.transfer)
  end
end

--- Forgets the answer to an earlier request of the exchange; a middleware may send several in one attempt.
function Exchange:reset()
  self.turn = self.turn + 1
  self.response, self.complete = nil, false
  if self.transfer then
    close_transfer(self)
    self.transfer = nil
  end
end

--- Ends the attempt that is under way.
---@param in_doubt? boolean its connection is not used again
function Exchange:end_attempt(in_doubt)
  close_transfer(self, in_doubt)
  if self.permit then
    limiting.release(self, errors.cancelled "the request was cancelled")
  end
end

--- Ends the exchange without recording its outcome. May be called twice.
---@param in_doubt? boolean its connection is not used again
function Exchange:shut(in_doubt)
  if self.closed and not self.under_way then
    return
  end
  self.closed = true
  self:end_attempt(in_doubt)
  if self.inner then
    self.inner:shut()
  end
  loop.wake(self)
end

--- Cancels the exchange: what is under way ends, and a coroutine that waits for it goes on with an error.
---@param in_doubt? boolean its connection is not used again
function Exchange:close(in_doubt)
  self:shut(in_doubt)
  outcome.tell(self, "closed")
end

--- The response, with its timings by now.
---@return anthropic.Response
function Exchange:response_so_far()
  if self.transfer then
    self.response.timings = self.transfer:timings()
  end
  return self.response
end

--- Hands the transfer to the loop to be drained: if it ends soon, its connection is used again.
function Exchange:drain()
  self.complete = true
  leave(self)
  self:response_so_far()
  local transfer = self.transfer
  self.transfer = nil -- from here on, close() must not close it
  draining.drain(transfer)
end

--- Ends the exchange: all that was asked for has come.
---@param complete? fun(timings: table) adds what its reader knows
---@return true|nil
---@return anthropic.Error? err of the limiter
function Exchange:finish(complete)
  self:drain()
  limiting.release(self)
  if complete then
    complete(self.response.timings)
  end
  if self.limiter_problem then
    return nil, self:fail(self.limiter_problem)
  end
  outcome.tell(self, "ok")
  return true
end

local function cancelled()
  return errors.cancelled "the request was cancelled"
end

--- Waits for news of the transfer. If the calling code cannot wait (waiting.is_refusal), the transfer goes on.
---@param driver? table if the caller knows it
---@return true|nil, anthropic.Error?
function Exchange:wait(driver)
  local turn = self.turn
  local ok, reason = waiting.wait(driver or self.profile.loop, self.transfer)
  if self.turn ~= turn then
    return nil, cancelled()
  elseif ok and not self.closed then
    return true
  elseif waiting.is_refusal(reason) and not self.closed then
    return nil, reason
  end
  self:shut()
  return nil, cancelled()
end

--- Enters the attempt into the history, once.
---@param kind? string of its error
---@param waited number seconds until the next one
function Exchange:enter(kind, waited)
  self.history = self.history or {}
  if #self.history < self.attempts then
    self.history[self.attempts] = {
      status = self.response and self.response.status,
      kind = kind,
      seconds = core.now() - self.attempt_began,
      waited = waited,
      member = self.member,
    }
  end
end

-- Whether the answer is final and no error: a success, or with `takes_any_status` any that is not retried.
local function is_taken(self)
  local status = self.response.status
  if status >= 200 and status < 300 then
    return true
  elseif not self.spec().takes_any_status then
    return false
  end
  local err = self:describe(errors.new { kind = "api", message = "", status = status })
  self.planned_delay = recovering.next_delay(self, err)
  return not self.planned_delay
end

--- Sends the request, once but for redirects, and waits for the headers of a success. Sends nothing if the calling
--- code cannot wait.
---@return true|nil, anthropic.Error?
function Exchange:attempt()
  local driver, refusal_to_wait = waiting.check(self.option "loop")
  if not driver then
    return nil, refusal_to_wait
  end
  self:reset()
  if self.closed then
    return nil, cancelled()
  end
  local ok, err = true, nil
  if self.route then
    ok, err = self.route:enter(self)
  end
  if ok then
    ok, err = limiting.acquire(self)
  end
  if not ok or self.closed then
    return nil, self.closed and cancelled() or err
  end
  ok, err = self.profile.send(self, driver)
  if ok then
    ok, err = limiting.observe(self)
  end
  if not ok then
    return nil, err
  elseif is_taken(self) then
    if self.route then
      self.route:answered(self)
    end
    return true
  end
  return nil, self:refusal()
end

--- After a failure with nothing handed over: waits, if another attempt is worthwhile.
---@param err anthropic.Error
---@return true|nil
---@return anthropic.Error? err the final error, with attempts and history
function Exchange:recover(err)
  return recovering.recover(self, err)
end

--- Ends the exchange with an error that will not be retried. A second call with the same error does nothing.
---@param err anthropic.Error
---@param complete? fun(timings: table) adds what its reader knows
---@return anthropic.Error err with attempts and history
function Exchange:fail(err, complete)
  return recovering.fail(self, err, complete)
end

--- Attempts until `read` returns a result, or an error is final.
---@param read? fun(exchange: anthropic.Exchange): any, anthropic.Error? nil: only the headers of a success are awaited,
---and the result is true
---@return any result
---@return anthropic.Error?
function Exchange:run(read)
  while true do
    local result, err = self:attempt()
    if result and read then
      result, err = read(self)
    end
    if result ~= nil then
      return result
    end
    local again
    again, err = self:recover(err)
    if not again then
      return nil, err
    end
  end
end

return exchange
