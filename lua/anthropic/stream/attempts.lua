--- The attempts that a stream is made of: what each brought, and what comes after a failure.

local continuation = require "anthropic.stream.continuation"
local event_source = require "anthropic.stream.source"
local reader_base = require "anthropic.http.reader_base"
local reading = require "anthropic.stream.reading"
local recovery = require "anthropic.stream.recovery"

local attempts = {}

--- Begins with a response whose headers have come. Forgets what an earlier attempt brought.
---@param self anthropic.Stream
function attempts.begin(self)
  reading.begin(self)
  self.flow = nil -- the transfer, while deltas flow
  self.relayed = nil -- the last delta, while they are handed on as they came (relay.lua)
  self.is_unpieced = false -- what was read before comes first, and is in no piece (relay.lua)
  self.is_counted = false -- whether the tokens of an interrupted answer were counted
end

--- Ends the stream, whose end has come.
---@param self anthropic.Stream
---@return nil
---@return anthropic.Error? err if it fails nevertheless
function attempts.finish(self)
  if not self.whole then
    local fields = self.accumulators[0].fields
    self.exchange:count(fields)
    local ok, err = self.exchange:finish(function(timings)
      self.source.clock:add_to(timings, self.exchange.attempt_began, fields.usage)
    end)
    if not ok then
      return attempts.fail(self, err)
    end
  end
  self.ended = true
  return nil
end

-- Counts an interrupted answer, after which another one is asked for.
local function count_part(self)
  if not self.is_counted then
    local exchange, fields = self.exchange, self.accumulators[0].fields
    exchange:count(fields)
    exchange.parts = exchange.parts or {}
    table.insert(exchange.parts, fields.usage)
    self.is_counted = true
  end
end

--- Ends the stream with an error.
---@param self anthropic.Stream
---@param err anthropic.Error
---@return nil
---@return anthropic.Error err with what had arrived
function attempts.fail(self, err)
  self.flow = nil
  err = self.exchange:fail(err, function(timings)
    self.source.clock:add_to(timings, self.exchange.attempt_began, self.accumulators[0].fields.usage)
  end) -- which frees the memory of the transfer first
  err.partial = reading.partial(self)
  if err.partial and not self.whole and not self.is_counted then
    self.exchange:count(err.partial)
  end
  self.err = err
  return nil, err
end

--- Cancels the stream if it has not ended. A reader that has had the last event has all there is.
---@param self anthropic.Stream
function attempts.close(self)
  if self.source:is_read() and not (self.reader or self.ended or self.err or self.closed) then
    attempts.finish(self)
  end
  reader_base.close(self, "the stream was", attempts.fail)
end

local function send_again(self, err)
  local again, final = self.exchange:recover(err)
  if again then
    return self.exchange:run()
  end
  return nil, final
end

local function begin_anew(self, err)
  if self.source.released then
    count_part(self)
  end
  reading.take_rest(self)
  if self.on_restart then
    self.on_restart()
  end
  local again, final = send_again(self, err)
  if not again then
    return attempts.fail(self, final)
  end
  attempts.begin(self)
  return true
end

-- Asks for the rest of an interrupted answer.
local function go_on(self, err)
  local so_far = self.accumulators[0]
  local content = self:snapshot().content
  local body = self.ask_for_rest and #self.accumulators == 0 and self.ask_for_rest(content)
  if not body then
    return attempts.fail(self, err)
  end
  if self.exchange.route then
    self.exchange.route:failed(self.exchange, err)
  end
  self.exchange:set_body(body)
  local again, final = send_again(self, err)
  if not again then -- the first error says more than that of a server that does not go on
    err.attempts, err.history = final.attempts, final.history
    return attempts.fail(self, final.kind == "cancelled" and final or err)
  end
  local usage = not self.is_counted and so_far.fields.usage or nil
  count_part(self)
  self.continuations = self.continuations or {}
  table.insert(self.continuations, { error = err, usage = usage, request_id = self.response.request_id })
  self.response = self.exchange:response_so_far()
  self.source = event_source.new(self.exchange, so_far, self.open_ended)
  self.source:continue(continuation.new(so_far:last(), content, function(start)
    so_far.fields.usage, self.is_counted = start.usage, false
  end))
  return true
end

local function put_end(self)
  self.source:put { type = "message_stop" }
  return true
end

local RECOVERIES = { begin_anew = begin_anew, go_on = go_on, ["end"] = put_end, fail = attempts.fail }

--- After a failure: another attempt, the rest of this one, or the end.
---@param self anthropic.Stream
---@param err anthropic.Error
---@return true|nil
---@return anthropic.Error? err the final one
function attempts.recover(self, err)
  local what = recovery.after {
    is_closed = self.closed,
    is_released = self.source.released,
    is_seen = self.is_seen,
    has_stopped = self.accumulators[0].fields.stop_reason and true,
    on_interrupt = self.exchange.option "on_interrupt",
  }
  return RECOVERIES[what](self, err)
end

return attempts
