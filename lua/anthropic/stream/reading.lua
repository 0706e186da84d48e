--- The reading of one answer as events, and the message that they make: what a Stream (init.lua) and a reader of bytes
-- that came by other ways (reader.lua) have in common. Neither waits here.
--
-- Both are tables with these fields: `exchange`, `open_ended`, and what `begin` sets.

local accumulator = require "anthropic.message.accumulator"
local budgets = require "anthropic.message.budget"
local event_source = require "anthropic.stream.source"
local events = require "anthropic.message.events"
local memory = require "anthropic.base.memory"
local message = require "anthropic.message.message"
local responses = require "anthropic.message.response"
local tables = require "anthropic.base.tables"

local reading = {}

---@class anthropic.Reading
---@field exchange anthropic.Exchange
---@field open_ended? boolean the stream has no end mark of its own
---@field response anthropic.Response
---@field budget anthropic.Budget what all messages of the answer hold
---@field accumulators table<integer, anthropic.Accumulator> by the number of the choice
---@field source anthropic.EventSource
---@field continuations? anthropic.Interruption[]
---@field whole? anthropic.Message once it has ended

--- Begins with a response whose headers have come. Forgets what an earlier attempt brought.
---@param self anthropic.Reading
function reading.begin(self)
  self.response = self.exchange:response_so_far()
  self.budget = budgets.new(self.exchange.option "max_response_bytes")
  self.accumulators = { [0] = accumulator.new(self.budget) }
  self.exchange.accumulator = self.accumulators[0]
  self.source = event_source.new(self.exchange, self.accumulators[0], self.open_ended)
end

--- Takes in an event.
---@param self anthropic.Reading
---@param event table
---@return boolean false when the event is malformed
function reading.accumulate(self, event)
  local choice = events.choice_of(event)
  local own = self.accumulators[choice]
  if not own then
    own = accumulator.new(self.budget)
    self.accumulators[choice] = own
  end
  return own:add(event)
end

--- The next event that is there, taken into the message.
---@param self anthropic.Reading
---@param all? boolean also those that are buffered
---@return table|nil event nil alone if none is there
---@return anthropic.Error? err the event is malformed, or the answer too large
function reading.take(self, all)
  local event = self.source:take(all)
  if not event then
    return nil
  elseif not reading.accumulate(self, event) then
    return nil, responses.protocol_error(self.exchange, "a malformed event: " .. tostring(event.type))
  elseif self.budget:is_exceeded() then
    return nil, self.source:too_large()
  end
  return event
end

local function attach(self, whole)
  responses.attach(self.exchange, whole, self.response)
  whole.response.continuations = self.continuations
  local translator = self.source.translator
  whole.raw = translator and translator.raw or self.source.raw or whole.raw
  return whole
end

--- The message so far.
---@param self anthropic.Reading
---@return anthropic.Message
function reading.snapshot(self)
  return self.whole or attach(self, self.accumulators[0]:snapshot())
end

--- Takes the buffered events into the message.
---@param self anthropic.Reading
function reading.take_rest(self)
  local event = self.source:take(true)
  while event do
    reading.accumulate(self, event)
    event = self.source:take(true)
  end
end

--- What arrived; nil if nothing did, or if there is not enough memory to show it.
---@param self anthropic.Reading
---@return anthropic.Message?
function reading.partial(self)
  reading.take_rest(self)
  if self.accumulators[0]:is_empty() then
    return nil
  end
  return (memory.attempt(reading.snapshot, self))
end

local function whole_of(self)
  local document = self.source.document
  if document and not self.source.continuation then -- else the document is only the rest
    responses.attach_all(self.exchange, document, self.response)
    return document
  end
  local choices = {}
  for i, number in ipairs(tables.sorted_keys(self.accumulators)) do
    choices[i] = attach(self, self.accumulators[number]:finish())
  end
  local whole = message.of_choices(choices)
  if whole.choices then -- the first of them is a copy
    responses.attach(self.exchange, whole.choices[1], self.response)
  end
  return whole
end

--- The whole message, at the end of its events.
---@param self anthropic.Reading
---@return anthropic.Message|nil
---@return anthropic.Error? err if there was no message, or there is not enough memory for it
function reading.finish(self)
  if not self.whole then
    local ok, err = self.source:check_message()
    if not ok then
      return nil, err
    end
    local whole, problem = memory.attempt(whole_of, self)
    if not whole then
      return nil, responses.protocol_error(self.exchange, problem .. " for the message")
    end
    self.whole = whole
  end
  return self.whole
end

return reading
