--- The events of one attempt at a stream: what comes over the wire, decoded, translated, and buffered
--- until the first content comes, up to which a failure can be hidden from the reader.
--
--     local source = event_source.new(exchange, accumulator, false)
--     local event = source:take()
--     if not event and not source.complete then
--       local ok, err = source:pull(source:read())
--     end

local aws_events = require "anthropic.message.aws_events"
local chat_completion = require "anthropic.message.chat_completion"
local responses = require "anthropic.message.response"
local error_signs = require "anthropic.http.error_signs"
local errors = require "anthropic.base.error"
local events = require "anthropic.message.events"
local native_events = require "anthropic.message.native_events"
local whole_events = require "anthropic.message.whole_events"
local json = require "anthropic.base.json"
local options = require "anthropic.http.options"
local stream_clock = require "anthropic.stream.clock"
local surrogates = require "anthropic.message.surrogates"

-- Whether a payload is the end mark, with blanks around it or not.
local function is_done(data)
  return #data < 64 and data:match "^%s*%[DONE%]%s*$" ~= nil
end

-- A server may send only pings for ever: no more than these are buffered.
local MOST_KEPT_BACK = 64
local MOST_BYTES_KEPT_BACK = 1024 * 1024

---@class anthropic.EventSource
---@field complete boolean the end mark has come
---@field released boolean content has come
---@field clock anthropic.StreamClock
---@field translator? anthropic.ChunkTranslator where the server speaks chat completion
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
    native = native_events.reader(),
    translator = nil, -- once a chunk of a chat completion has come
    document = nil, -- the message, where the answer came whole
    raw = nil, -- the foreign object that it was
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

--- The error of a stream that holds more than it may.
---@return anthropic.Error
function Source:too_large()
  local limit = self.exchange.option "max_response_bytes"
  return protocol_error(self, ("the answer is larger than %d bytes"):format(limit))
end

local function in_stream_error(self, data, name)
  local err = self.exchange:api_error(data, nil, name)
  err.in_stream = true
  return err
end

local function is_understood(self)
  return self.native.has_begun or self.translator ~= nil and self.translator.has_begun
end

local function not_understood(self)
  return nil, protocol_error(self, "nothing in the stream was understood", self.stray)
end

--- Whether the stream, which has ended, was a message's: one without an end mark of its own may be anything.
---@return true|nil
---@return anthropic.Error?
function Source:check_message()
  if is_understood(self) or self.document or not self.open_ended then
    return true
  end
  return not_understood(self)
end

local function put_all(self, list)
  for _, event in ipairs(list) do
    self:put(event)
  end
  return true
end

-- Takes in an event of the API's own shape.
local function receive_native(self, event, data)
  local list, problem = self.native:feed(event)
  if not list then
    return nil, protocol_error(self, "a malformed event: " .. problem, data)
  elseif self.translator and self.native.has_begun then
    return nil, protocol_error(self, "the stream holds events of two shapes", data)
  elseif event.type ~= "ping" and not self.native.has_begun then
    self.stray = data
  end
  return put_all(self, list)
end

-- Takes in a chunk of a chat completion.
local function receive_chunk(self, chunk, data, halves)
  self.translator = self.translator or chat_completion.translator()
  local list, problem = self.translator:feed(chunk, halves and json.decode_answer(data) or chunk)
  if not list then
    return nil, protocol_error(self, "a malformed chunk: " .. problem, data)
  elseif self.native.has_begun then
    return nil, protocol_error(self, "the stream holds events of two shapes", data)
  elseif not self.translator.has_begun then
    self.stray = data
  end
  return put_all(self, list)
end

-- A name that an event can have as its type.
local function type_of_name(name)
  return name ~= "" and name ~= "message" and json.encode(name) and name or nil
end

-- Events that say nothing, whatever stands in them.
local HEARTBEATS = { ping = true, heartbeat = true, keepalive = true, ["keep-alive"] = true, keep_alive = true }

-- Takes in what is no object: a heartbeat, an event of a server's own, or what cannot be read.
local function receive_other(self, value, problem, data, name)
  if value == json.null or not data:find "%S" then
    return true
  elseif HEARTBEATS[name] then
    return put_all(self, { { type = name } })
  elseif value ~= nil and type(value) ~= "table" and type_of_name(name) then
    return put_all(self, { { type = name, data = value } })
  end
  local words = "the stream holds something that is not an event: " .. (problem or "not an object")
  return nil, protocol_error(self, words, data)
end

-- Takes one payload in. nil and an error when it ends the stream.
local function receive(self, data, name)
  self.bytes = self.bytes + #data
  local event, problem, halves = json.decode_event(data)
  if error_signs.is_error(event, name, self.open_ended) then
    return nil, in_stream_error(self, data, name)
  elseif type(event) ~= "table" or json.is_array(event) then
    return receive_other(self, event, problem, data, name)
  end
  if halves then
    self.joiner = self.joiner or surrogates.joiner()
  end
  if chat_completion.is(event) or self.translator and event.type == nil and not HEARTBEATS[name] then
    return receive_chunk(self, event, data, halves)
  end
  event.type = event.type or type_of_name(name)
  if event.type == nil and self.is_framed then -- a gateway's heartbeat
    return true
  elseif event.type == nil and self.open_ended then
    return put_all(self, { event })
  end
  return receive_native(self, event, data)
end

-- The end mark of a chat completion; some servers send it after the API's own events, too.
local function receive_done(self)
  if not is_understood(self) and not self.open_ended then
    return not_understood(self)
  elseif self.translator then
    local list, problem = self.translator:finish()
    if not list then
      return nil, protocol_error(self, "a malformed stream: " .. problem)
    end
    return put_all(self, list)
  elseif self.accumulator.fields.stop_reason then
    return put_all(self, self.native:feed { type = "message_stop" })
  end
  return true
end

local function truncated(self)
  return self.exchange:describe(errors.new {
    kind = "truncated",
    message = "the stream ended before its end",
    status = self.exchange.response.status,
  })
end

-- The answer came whole. Its events are those that would have brought it.
local function receive_document(self)
  if self.open_ended then
    return nil, responses.no_stream_error(self.exchange)
  end
  local whole, err = responses.decode_message(self.exchange)
  if not whole then
    return nil, err
  end
  self.document, self.raw = whole, whole.raw
  self.accumulator.budget:lift() -- it has come within its limit
  return put_all(self, whole_events.of(whole))
end

-- Whether what a body ended with, its empty line missing, is the whole end mark.
local function is_end(data, name)
  if is_done(data) then
    return true
  end
  local event = json.decode_event(data)
  return type(event) == "table" and (event.type or name) == "message_stop"
end

-- The transfer is over and all its events are read.
local function receive_end(self)
  local err = self.exchange:failure()
  if err then
    return nil, err
  end
  local data, name
  if not self.is_framed then
    data, name = self.exchange.transfer:rest()
  end
  if data and is_end(data, name) then
    local ok
    ok, err = self:pull(data, name)
    if not ok or self.complete then
      return ok, err
    end
  end
  if self.open_ended and not is_understood(self) and not data then -- an event that is cut off is not passed over
    self.complete = true
    return true
  elseif self.stray and not is_understood(self) then
    return not_understood(self)
  end
  return nil, truncated(self)
end

-- The next message of AWS's event stream, as `transfer:event` would have given what is in it.
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
  local err = in_stream_error(self, failure.data, failure.name)
  err.type = err.type or failure.name ~= "" and failure.name or nil
  return nil, err
end

-- Whether events stand in a body of this form. A frame begins with its length, of which no JSON is.
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

--- What the transfer gives next, for `pull`: as `transfer:event` does, or nil and "document" where the body is none of
--- a stream, or nil and the error that ends the stream.
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
---@param data? any this and `name` are what `read` gave
---@param name? string|anthropic.Error
---@return true|nil
---@return anthropic.Error?
function Source:pull(data, name)
  if type(data) == "table" then -- a delta, decoded in C
    return receive_native(self, data)
  elseif data and is_done(data) then
    return receive_done(self)
  elseif data then
    return receive(self, data, name)
  elseif name == "again" then
    return self.exchange:wait()
  elseif name == "done" then
    return receive_end(self)
  elseif name == "document" then
    return receive_document(self)
  elseif name == "too_large" then
    local limit = options.event_limit(self.exchange.option)
    return nil, protocol_error(self, ("an event is larger than %d bytes"):format(limit))
  elseif name == "full" then
    return nil, self:too_large()
  elseif name == "broken" then
    return nil, protocol_error(self, "the event stream is broken: a frame's checksum or length is wrong")
  elseif type(name) == "table" then
    return nil, name
  end
  return nil, self.exchange:describe(errors.new { kind = "connection", message = "not enough memory" })
end

--- The next event; nil where none is there.
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

--- Whether deltas need nothing that is done here: they can go straight from the wire to the reader.
---@return boolean
function Source:lets_flow()
  return self.released and self.first > self.last and not self.complete and not self.is_framed
    and not self.joiner and not self.translator and self.native:is_plain() and not self.clock.awaits_text
    and (not self.continuation or self.continuation:is_joined())
end

return event_source
