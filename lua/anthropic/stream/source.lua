--- The events of one attempt at a stream: what comes over the wire, decoded, translated, and buffered
--- until the first content comes. A failure before that can be hidden from the reader.
--
--     local source = event_source.new(exchange, accumulator, false)
--     local event = source:take()
--     if not event and not source.complete then
--       local ok, err = source:pull(source:read())
--     end

local aws_events = require "anthropic.message.aws_events"
local responses = require "anthropic.message.response"
local errors = require "anthropic.base.error"
local events = require "anthropic.message.events"
local lazy = require "anthropic.base.lazy"
local native_events = require "anthropic.message.native_events"
local options = require "anthropic.http.options"
local payloads = require "anthropic.stream.payloads"
local stream_clock = require "anthropic.stream.clock"

local failures = lazy.module_for_failure "anthropic.http.failures"

-- A server may send only pings for ever: no more than these are buffered.
local MOST_KEPT_BACK = 64
local MOST_BYTES_KEPT_BACK = 1024 * 1024

---@class anthropic.EventSource
---@field complete boolean the end mark has come
---@field released boolean content has come
---@field clock anthropic.StreamClock
---@field translator? anthropic.ChunkTranslator if the server speaks chat completion
local Source = {}
Source.__index = Source

local event_source = {}

--- The events of the exchange's present attempt.
---@param exchange anthropic.Exchange
---@param accumulator anthropic.Accumulator what is taken goes there: to know whether the message has ended
---@param open_ended boolean the stream has no end mark of its own
---@return anthropic.EventSource
function event_source.new(exchange, accumulator, open_ended)
  return setmetatable({
    exchange = exchange,
    accumulator = accumulator,
    open_ended = open_ended,
    queue = {}, first = 1, last = 0,
    bytes = 0, -- of the payloads that have come, deltas aside
    joiner = nil, -- once a character was cut in two
    released = false,
    complete = false,
    is_stream = false, -- until the body has shown that it is one
    is_framed = responses.is_aws_event_stream(exchange.response),
    clock = stream_clock.new(),
    native = native_events.reader(accumulator.budget, function(index)
      return accumulator:input_at(index)
    end),
    translator = nil, -- once a chunk of a chat completion has come
    document = nil, -- the message, if the answer came whole
    raw = nil, -- the foreign object that the document was
    stray = nil, -- the last payload that was not understood, until one is
  }, Source)
end

local function protocol_error(self, words, body)
  return responses.protocol_error(self.exchange, words, body)
end

--- Joins what comes to what an earlier attempt brought.
---@param joiner anthropic.Continuation
function Source:continue(joiner)
  self.continuation = joiner
  self.released = true
end

local function queue(self, event)
  self.last = self.last + 1
  self.queue[self.last] = event
  self.released = self.released or events.is_content(event) or self.last - self.first >= MOST_KEPT_BACK
    or self.bytes > MOST_BYTES_KEPT_BACK
  self.clock:note(event)
  if event.type == "message_stop" and events.choice_of(event) == 0 then
    self.complete = true
  end
end

local function put(self, event)
  if not self.continuation then
    return queue(self, event)
  end
  for _, joined in ipairs(self.continuation:join(event)) do
    queue(self, joined)
  end
end

--- Adds an event, as if it had come over the wire.
---@param event table
function Source:put(event)
  if not self.joiner then
    return put(self, event)
  end
  for _, whole in ipairs(self.joiner:join(event)) do
    put(self, whole)
  end
end

local function too_large(self, words, limit)
  local err = protocol_error(self, words:format(limit))
  err.code = failures.CODES.FILESIZE_EXCEEDED
  return err
end

--- The error of a stream that is larger than allowed.
---@return anthropic.Error
function Source:too_large()
  return too_large(self, "the answer is larger than %d bytes", self.exchange.option "max_response_bytes")
end

--- Whether the stream, which has ended, was a message's: a stream without an end mark of its own may be anything.
---@return true|nil
---@return anthropic.Error?
function Source:check_message()
  if payloads.is_understood(self) or self.document or not self.open_ended then
    return true
  end
  return payloads.not_understood(self)
end

-- The next message of AWS's event stream; its content is returned as `transfer:event` returns an event.
local function read_framed(self)
  local payload, kind, name, text = self.exchange.transfer:aws_event()
  if not payload then
    return nil, kind
  end
  local data, problem, failure = aws_events.read(payload, kind, name, text)
  if data then
    return data, problem
  elseif not failure then
    return nil, protocol_error(self, "a malformed event: " .. problem, payload)
  end
  local err = payloads.stream_error(self, failure.data, failure.name)
  err.type = err.type or failure.name ~= "" and failure.name or nil
  return nil, err
end

-- Whether a body of this form holds events. A frame begins with its length, which does not look like JSON.
local function has_events(self, form)
  if self.is_framed then
    return form ~= "json"
  end
  return responses.is_stream(self.exchange.response, form)
end

--- Finds out what the body is, if that is not known.
---@return true|nil is_stream
---@return "again"|"document"|nil state
function Source:settle()
  if not self.is_stream then
    local form, state = self.exchange.transfer:form()
    if not form and state == "again" then
      return nil, state
    elseif not has_events(self, form) then
      return nil, "document"
    end
    self.is_stream = true
  end
  return true
end

--- What the transfer returns next, for `pull`: as `transfer:event` does, or nil and "document" if the body is not a
--- stream's, or nil and the error that ends the stream.
---@return any data
---@return string|anthropic.Error? name
function Source:read()
  if not self.is_stream then
    local ok, state = self:settle()
    if not ok then
      return nil, state
    end
  end
  if self.is_framed then
    return read_framed(self)
  end
  return self.exchange.transfer:event()
end

--- Moves on by one payload, or waits for one.
---@param data? any this and `name` are what `read` returned
---@param name? string|anthropic.Error
---@return true|nil
---@return anthropic.Error?
function Source:pull(data, name)
  if type(data) == "table" then -- a delta, decoded in C
    return payloads.native(self, data)
  elseif data and payloads.is_end_mark(data) then
    return payloads.done(self)
  elseif data then
    return payloads.data(self, data, name)
  elseif name == "again" then
    return self.exchange:wait()
  elseif name == "done" then
    return payloads.ended(self)
  elseif name == "document" then
    return payloads.document(self)
  elseif name == "too_large" then
    return nil, too_large(self, "an event is larger than %d bytes", options.event_limit(self.exchange.option))
  elseif name == "full" then
    return nil, self:too_large()
  elseif name == "broken" then
    return nil, protocol_error(self, "the event stream is broken: a frame's checksum or length is wrong")
  elseif type(name) == "table" then
    return nil, name
  end
  return nil, self.exchange:describe(errors.new {
    kind = "connection", message = "not enough memory", code = failures.CODES.OUT_OF_MEMORY,
  })
end

--- The next event; nil if none is there.
---@param all? boolean also those that are buffered
---@return table|nil
function Source:take(all)
  if self.first > self.last or not (self.released or self.complete or all) then
    return nil
  end
  local event = self.queue[self.first]
  self.queue[self.first] = nil
  self.first = self.first + 1
  return event
end

--- Whether the reader has all of the message, though it has not asked for the end.
---@return boolean
function Source:is_read()
  return self.complete and self.first > self.last
end

--- Whether deltas need no work here, so that they can go straight from the wire to the reader.
---@return boolean
function Source:lets_flow()
  return self.released and self.first > self.last and not self.complete and not self.is_framed
    and not self.joiner and not self.translator and self.native:is_plain() and not self.clock.awaits_text
    and (not self.continuation or self.continuation:is_joined())
end

return event_source
