--- Whether a failed request is sent again, and after how long. Pure decisions; waiting is the
--- caller's.
--
-- There are two policies. "always" repeats after any failure that may pass by itself. "safe" is for requests whose
-- result is billed or kept: it repeats only those that the server cannot have acted on.

local core = require "anthropic.base.core"
local dates = require "anthropic.http.dates"
local failures = require "anthropic.http.failures"

local retry = {}

local FIRST_DELAY, LARGEST_DELAY = 0.5, 8 -- seconds
-- If a server asks to wait longer than this, the call fails now.
local LONGEST_WAIT = 300

local function is_retryable_status(status)
  return status == 408 or status == 409 or status == 429 or status >= 500
end

local function may_pass(err)
  if err.retryable == false then
    return false
  elseif err.kind == "api" then
    return err.status ~= nil and is_retryable_status(err.status)
  elseif err.kind == "connection" then
    return not failures.lasts(err)
  elseif err.kind == "timeout" then
    return err.timeout ~= "total"
  end
  return err.kind == "truncated"
end

-- Whether nothing was sent, or the server says that it did not act. `word` is what its headers say of retries.
local function is_safe(err, word)
  local status = not err.in_stream and err.status or 0
  return err.unprocessed or status == 429 or status >= 400 and word == "true"
end

-- What the headers of the answer say of retries; headers that came before an `error` event say nothing of the error.
local function word_of(err)
  return not err.in_stream and err.headers and err.headers["x-should-retry"]
end

--- Whether the server says that it did not act on the request, or nothing was sent.
---@param err anthropic.Error
---@return boolean
function retry.is_refused(err)
  local word = word_of(err)
  local status = not err.in_stream and err.status
  return is_safe(err, word) or status == 401 or status == 403
end

--- Whether the server says that the same request will not help.
---@param err anthropic.Error
---@return boolean
function retry.is_ruled_out(err)
  local word = word_of(err)
  return word == "false" or word ~= "true" and err.retryable == false
end

--- Whether the failed request is to be sent again. If the headers of the answer say so or deny it, they decide.
---@param err anthropic.Error
---@param policy? "safe"|"always" default "always"
---@return boolean
function retry.is_worthwhile(err, policy)
  local word = word_of(err)
  if word == "false" then
    return false
  elseif word == "true" and err.kind == "api" then
    return true
  end
  return may_pass(err) and (policy ~= "safe" or is_safe(err, word)) or false
end

local function positive(number)
  return number and number > 0 and number < math.huge and number or nil
end

-- A decimal number: tonumber alone would take other forms, too.
local function decimal(text)
  return text and text:find "^%s*%-?[%d.]+%s*$" and tonumber(text) or nil
end

--- A wait that a server asks for in a body, as a number or as text; nil if it is neither.
---@param value any
---@return number?
function retry.wait(value)
  return positive(type(value) == "number" and value or type(value) == "string" and decimal(value) or nil)
end

--- Seconds that the response asks to wait, or nil: `retry-after-ms`, then `retry-after` in seconds
--- or as a date (reckoned from the response's own date, if it has one).
---@param fields? table<string, string>
---@return number?
function retry.after(fields)
  if not fields then
    return nil
  end
  local milliseconds = positive(decimal(fields["retry-after-ms"]))
  if milliseconds then
    return milliseconds / 1000
  end
  local value = fields["retry-after"]
  local seconds = decimal(value)
  if seconds then
    return positive(seconds)
  end
  local date = dates.http(value)
  return date and positive(date - (dates.http(fields.date) or os.time()))
end

--- Seconds to wait if the server does not say how long: twice as long each time, less a random part.
---@param retries integer made so far
---@return number
function retry.backoff(retries)
  local random = core.now() * 1e6 % 1 -- the clock's fraction of a microsecond; math.random is the user's
  return math.min(FIRST_DELAY * 2 ^ retries, LARGEST_DELAY) * (1 - random / 4)
end

--- Seconds to wait before the next attempt, or nil when the server asks for too long.
---@param err anthropic.Error
---@param retries integer made so far
---@param was_lost? boolean an attempt before ended with the connection that it had been kept for
---@return number?
function retry.delay(err, retries, was_lost)
  if err.lost and not was_lost then
    return 0
  end
  if err.retry_after then
    return err.retry_after <= LONGEST_WAIT and err.retry_after or nil
  end
  return retry.backoff(retries)
end

return retry
