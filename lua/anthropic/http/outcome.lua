--- How a request ended: its "done" record.
--
-- Every request that was begun has exactly one, whatever ended it: its answer, an error, a cancel, or the garbage
-- collection of its stream.

local core = require "anthropic.base.core"
local guard = require "anthropic.base.guard"
local log = require "anthropic.http.log"

local outcome = {}

-- A server may send any number of counts: more than this are not copied.
local MOST_COUNTS, DEEPEST = 64, 4

-- A copy of a server's counts: the original may change with the message, and quote what is secret.
local function copy_counts(counts, redact, depth)
  local copy, room = {}, MOST_COUNTS
  for name, value in pairs(counts) do
    if type(value) == "table" then
      value = depth < DEEPEST and copy_counts(value, redact, depth + 1) or nil
    elseif type(value) == "string" then
      value = redact(value)
    end
    room = room - 1
    if room >= 0 and type(name) ~= "table" and type(value) ~= "userdata" then
      copy[name] = value
    end
  end
  return copy
end

local function add(into, counts)
  for name, value in pairs(counts) do
    local before = into[name]
    if type(value) == "number" and type(before) == "number" then
      into[name] = before + value
    elseif type(value) == "table" and type(before) == "table" and value[1] == nil then
      add(before, value)
    elseif before == nil then
      into[name] = value
    end
  end
end

-- The counts of an answer and of its interrupted parts, of which the answer may be the last.
local function sum_of(usage, parts, redact)
  local sum = type(usage) == "table" and copy_counts(usage, redact, 1) or nil
  for _, part in ipairs(parts or {}) do
    if part ~= usage and type(part) == "table" then
      sum = sum or {}
      add(sum, copy_counts(part, redact, 1))
    end
  end
  return sum
end

local function word(value, redact)
  return type(value) == "string" and redact(value) or nil
end

local function same(text)
  return text
end

local function describe(exchange, how, err)
  local spec, response = exchange.spec(), exchange.response or {}
  local message = exchange.accumulator and exchange.accumulator.fields or exchange.message or {}
  local redact = exchange.redact or same
  return log.of_exchange(exchange, {
    outcome = how,
    member = exchange.member,
    seconds = core.now() - exchange.began,
    timings = how == "ok" and response.timings or exchange.timings,
    bytes = exchange.bytes or 0,
    model = word(message.model, redact) or word(spec.model, redact),
    usage = sum_of(message.usage, exchange.parts, redact),
    stop_reason = word(message.stop_reason, redact),
    kind = err and err.kind,
    type = err and err.type,
    error = err and tostring(err),
  }, err)
end

--- Records the end of an exchange, once.
---@param exchange anthropic.Exchange
---@param how "ok"|"error"|"closed"
---@param err? anthropic.Error
function outcome.tell(exchange, how, err)
  if exchange.has_ended then
    return
  end
  exchange.has_ended = true
  if exchange.profile.is_logged then
    log.write(exchange, "done", describe, how, err)
  end
end

--- Notes what the transfer knows before it is gone, for the record.
---@param exchange anthropic.Exchange
function outcome.measure(exchange)
  if exchange.transfer then
    exchange.bytes, exchange.timings = exchange.transfer:received(), exchange.transfer:timings()
  end
end

--- Closes an exchange once nothing refers to it: with LuaJIT by the next step of the loop, or the next request.
---@param exchange anthropic.Exchange
function outcome.watch(exchange)
  guard.run_due()
  exchange.guard = exchange.guard or guard.new(function()
    if not exchange.has_ended then
      exchange:close()
    end
  end)
end

return outcome
