--- What an exchange does after a failure: it waits for another attempt, or ends with an error.

local require = require
local core = require "anthropic.base.core"
local errors = require "anthropic.base.error"
local limiting = require "anthropic.http.limiting"
local log = require "anthropic.http.log"
local outcome = require "anthropic.http.outcome"
local protected = require "anthropic.loop.protected"
local retry = require "anthropic.http.retry"
local waiting = require "anthropic.loop.waiting"

local recovering = {}

local UNAUTHORIZED = 401

-- A request that could not be sent would fail again; but if a member of a pool gets no credential, another may.
local function can_go_on(self, err)
  local was_tried = self.attempts > 0 or self.route ~= nil and err.unprocessed
  return was_tried and not self.closed and self.retries < self.option "max_retries"
end

-- Whether the credential, which was refused, is asked for once more.
local function is_renewed(self, err)
  return can_go_on(self, err) and err.status == UNAUTHORIZED and self.can_renew and not self.has_renewed
end

--- Seconds to wait before another attempt, or nil when there will be none.
---@param self anthropic.Exchange
---@param err anthropic.Error
---@return number?
function recovering.next_delay(self, err)
  if not can_go_on(self, err) then
    return nil
  elseif is_renewed(self, err) then
    if self.route then
      self.route:stay(self)
    end
    return 0
  end
  local delay
  if self.route then
    delay = self.route:delay(self, err)
  else
    delay = retry.is_worthwhile(err, self.policy) and retry.delay(err, self.retries, self.losses > 0)
  end
  return delay and core.now() + delay < self.deadline and delay or nil
end

-- Enters the attempt into the history, and its request into the error.
local function record(self, err, waited)
  local describe_sent = self.request
  if describe_sent then
    err.url = self.url()
    errors.set_command(err, function()
      return require("anthropic.http.curl_command").command(describe_sent())
    end)
  end
  self:enter(err.kind, waited)
end

local function describe_failure(self, err, delay)
  return log.of_exchange(self, { error = tostring(err), seconds = delay }, err)
end

--- After a failure with nothing handed over: waits, if another attempt is worthwhile.
---@param self anthropic.Exchange
---@param err anthropic.Error
---@return true|nil
---@return anthropic.Error? err the final error, with attempts and history
function recovering.recover(self, err)
  if err.kind == "cancelled" then
    return nil, self:fail(err)
  elseif self.route and not is_renewed(self, err) then
    self.route:failed(self, err)
  end
  local delay = recovering.next_delay(self, err)
  if err.kind == "api" and not self.closed then
    delay = delay or self.planned_delay
  end
  self.planned_delay = nil
  limiting.release(self, err)
  if not delay then
    return nil, self:fail(err)
  end
  record(self, err, delay)
  self.retries = self.retries + 1
  self.has_renewed = self.has_renewed or err.status == UNAUTHORIZED
  if err.lost then
    self.losses, self.lost = self.losses + 1, err.lost
  end
  self:end_attempt()
  log.write(self, "retry", describe_failure, err, delay)
  local on_retry = self.option "on_retry"
  if on_retry then
    protected.call_for(self, on_retry, {
      attempt = self.attempts,
      max_retries = self.option "max_retries",
      error = err,
      delay = delay,
    })
  end
  local ok, reason = waiting.wait(self.option "loop", self, delay)
  if ok and not self.closed then
    return true
  end
  local is_refused = waiting.is_refusal(reason)
  return nil, self:fail(is_refused and err or self:describe(errors.cancelled "the request was cancelled"))
end

--- Ends the exchange with an error that will not be retried. A second call with the same error does nothing.
---@param self anthropic.Exchange
---@param err anthropic.Error
---@param complete? fun(timings: table) adds what its reader knows
---@return anthropic.Error err with attempts and history
function recovering.fail(self, err, complete)
  if err.history then -- it has failed with it before
    return err
  end
  if self.permit then
    limiting.release(self, err)
  end
  if self.route then
    self.route:failed(self, err)
  end
  record(self, err, 0)
  err.attempts = self.attempts
  err.history = self.history
  self:shut()
  if err.kind ~= "cancelled" then
    log.write(self, "error", describe_failure, err)
  end
  if complete and self.timings then
    complete(self.timings)
  end
  outcome.tell(self, err.kind == "cancelled" and "closed" or "error", err)
  return err
end

return recovering
