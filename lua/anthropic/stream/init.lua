--- A stream of events, each accumulated into the message however it is read.
--
--     local stream = assert(client.messages.create { stream = true, ... })
--     for text in stream:text_deltas() do io.write(text) end
--     print(stream:message().usage.output_tokens)
--
-- The ways of reading can be mixed, and one that is left early leaves the stream usable. Events that come before the
-- first content are buffered until it comes: up to then a failed attempt is repeated, and the reader sees one stream.
-- After a failure every call returns, or raises, the same error.
--
-- Events are the API's: `event.type`, and the fields of that type; `ping` and types of later versions as well. A server
-- that speaks chat completion is read as the same events: `event.raw` is the chunk as it came, and `event.choice` is
-- the number of the answer, from the second one on.

local errors = require "anthropic.base.error"
local events = require "anthropic.message.events"
local loop = require "anthropic.loop"
local objects = require "anthropic.stream.objects"
local attempts = require "anthropic.stream.attempts"
local plain = require "anthropic.stream.plain"
local reader_base = require "anthropic.http.reader_base"
local reading = require "anthropic.stream.reading"
local relay = require "anthropic.stream.relay"
local waiting = require "anthropic.loop.waiting"
local tool_inputs = require "anthropic.stream.tool_inputs"
local whole_events = require "anthropic.message.whole_events"

local running = coroutine.running
local ITERATORS_CANNOT_WAIT = loop.ITERATORS_CANNOT_WAIT

---@class anthropic.Stream `for event in stream do` iterates over the events, and raises the error on failure; see
---  anthropic.api.RawMessageStreamEvent
---@field response anthropic.Response status, headers and timings, there from the start
---@operator call: anthropic.api.RawMessageStreamEvent?
local Stream = {}
Stream.__index = Stream
Stream.__name = "anthropic.Stream"

local stream = {}

--- Wraps an exchange whose response's headers have come.
---@param exchange anthropic.Exchange
---@param open_ended? boolean the stream has no end mark of its own
---@return anthropic.Stream
function stream.new(exchange, open_ended)
  local self = setmetatable({ exchange = exchange, open_ended = open_ended, reader = false }, Stream)
  attempts.begin(self)
  return self
end

--- A stream of a message that came whole: a server may answer so.
---@param exchange anthropic.Exchange
---@param whole anthropic.Message
---@return anthropic.Stream
function stream.of_message(exchange, whole)
  local self = stream.new(exchange)
  self.budget:lift() -- it has come within its limit
  for _, event in ipairs(whole_events.of(whole)) do
    self.source:put(event)
  end
  self.whole = whole
  return self
end

-- --- reading -------------------------------------------------------------------------------------

-- Waits for more deltas, which have one reader while they flow. If the transfer failed, the flow ends, and the plain
-- way returns the failure. An error if the calling code cannot wait.
local function await_flow(self)
  local transfer = self.flow
  self.flow, self.reader = false, running() or reader_base.MAIN
  local ok, err = self.exchange:wait()
  local is_refused = not ok and waiting.is_refusal(err)
  if ok or is_refused then
    self.flow = transfer
  else
    attempts.recover(self, err)
  end
  self.reader = false
  return is_refused and err or nil
end

-- What a reader can want. `take`: the field with the transfer's method that returns it while deltas flow. `of`: returns
-- it from an event that comes in the plain way; nil, and the reader goes on to the next event.
local EVENT = { take = "take_event", of = function(event) return event end }
local TEXT = { take = "take_text", of = events.text_of }
local ANSWER = { take = "take_text", of = function(event) return events.text_of(event) or objects.parts(event) end }
local END = { take = "take_other", of = function() end, is_for_us = true }
local BOUNDARY = {
  take = "take_other",
  of = function(event) return event.type ~= "content_block_delta" and event or nil end,
  is_for_us = true,
}

-- Reads on to what is wanted. `data` and `name` are what the flow returned, if it was asked: callers that read single
-- deltas ask it themselves, which saves a call for each.
local function step(self, want, data, name)
  while true do
    if self.flow and not data and not name then
      data, name = self[want.take](self.flow)
      if name == true then
        return data
      end
    end
    local event, err
    if name == "again" and not data then
      err = await_flow(self)
      event = not err
    else
      event, err = plain.next(self, data, name, want.is_for_us)
      local found = event and want.of(event)
      if found then
        return found
      end
    end
    if not event then
      return nil, err
    end
    data, name = nil, nil
  end
end

--- Reads on to the next event that is not a delta. It does not count as seen by the reader: if the stream is
--- interrupted, the request may be sent again.
---@private
---@return table|nil event nil alone is the end
---@return anthropic.Error? err
function Stream:next_boundary()
  return step(self, BOUNDARY)
end

--- The block that an event of the first choice belongs to, as far as it came, and its input's text if that came in
--- pieces.
---@private
---@param event table
---@return table|nil block at its end the one that the whole message has
---@return string? json
function Stream:block_of(event)
  local entry = events.choice_of(event) == 0 and not self.whole and self.accumulators[0].by_index[event.index]
  if entry then
    return entry.block, entry.json and self.accumulators[0]:input_json(entry)
  end
end

local function check_iteration(self)
  loop.check_iteration(self.exchange.option "loop", "stream:next()", 4)
end

--- Returns the next event. Waits for it in the host's way.
---@return anthropic.api.RawMessageStreamEvent|nil event nil alone is the end
---@return anthropic.Error? err the same at every call after a failure
function Stream:next()
  local transfer, data, name = self.flow, nil, nil
  if transfer then
    data, name = self.take_event(transfer)
    if name == true then
      return data
    end
  end
  local event, err = step(self, EVENT, data, name)
  return event, err
end

--- Iterates over the events: `for event in stream do`. Raises the error on failure.
---@return anthropic.api.RawMessageStreamEvent|nil event
function Stream:__call()
  if ITERATORS_CANNOT_WAIT then
    check_iteration(self)
  end
  local transfer, data, name = self.flow, nil, nil
  if transfer then
    data, name = self.take_event(transfer)
    if name == true then
      return data
    end
  end
  return reader_base.raised(step(self, EVENT, data, name))
end

-- workaround: LuaJIT's traces keep the closures that they came across, and with them what those hold: there an
-- iterator is a table.
local CLOSURES_ARE_KEPT = rawget(_G, "jit") ~= nil

local function iteration(next_one, self, state)
  return setmetatable({ stream = self, state = state }, {
    __call = function(iterator)
      return next_one(iterator.stream, iterator.state)
    end,
  })
end

local function next_text(self)
  return reader_base.raised(step(self, TEXT))
end

--- Iterates over the non-empty pieces of text, in order: `for text in stream:text_deltas() do`. Raises the error on
--- failure.
---@return fun(): string? iterator
function Stream:text_deltas()
  if CLOSURES_ARE_KEPT then
    return iteration(next_text, self)
  end
  return function()
    if ITERATORS_CANNOT_WAIT then
      check_iteration(self)
    end
    local transfer, data, name = self.flow, nil, nil
    if transfer then
      data, name = self.take_text(transfer)
      if name == true then
        return data
      end
    end
    local text, err = step(self, TEXT, data, name)
    if err then
      error(err, 0)
    end
    return text
  end
end

local function next_tool_input(self, watch)
  if ITERATORS_CANNOT_WAIT then
    check_iteration(self)
  end
  local event, err = self:next()
  while event do
    local id, name, input, is_complete, progress = watch(event)
    if id then
      return id, name, input, is_complete, progress
    end
    event, err = self:next()
  end
  if err then
    return reader_base.raised(nil, err)
  end
  return watch:late()
end

--- Iterates over the inputs of tool calls as far as they are known: `for id, name, input, is_complete, progress in
--- stream:tool_inputs() do`. It yields at a block's start, after each piece, and at the block's end, or the stream's
--- if its input goes on after that. `input` is one table that grows. Raises the error on failure.
---@return fun(): string?, string?, table?, boolean?, anthropic.ToolInputProgress? iterator
function Stream:tool_inputs()
  return iteration(next_tool_input, self, tool_inputs.watcher(self))
end

local function next_object(self, reader)
  if ITERATORS_CANNOT_WAIT then
    check_iteration(self)
  end
  local piece, err = step(self, ANSWER)
  while piece do
    local object, progress = reader:read(piece)
    if object then
      return object, progress
    end
    piece, err = step(self, ANSWER)
  end
  return reader_base.raised(nil, err)
end

--- Iterates over the object of `messages.parse { stream = true }` as far as it is known: `for object, progress in
--- stream:objects() do`. It yields at each piece of text. `object` is one table that grows and holds complete values
--- only; `progress` shows the string that is being written. Raises the error on failure.
---@return fun(): table?, anthropic.ToolInputProgress? iterator
function Stream:objects()
  return iteration(next_object, self, objects.reader(self))
end

local function next_piece(self)
  if ITERATORS_CANNOT_WAIT then
    check_iteration(self)
  end
  local bytes, list
  local ok, err = plain.enter(self)
  if ok then
    bytes, list, err = relay.next(self)
    reader_base.leave(self)
  end
  reader_base.raised(nil, err)
  return bytes, list
end

--- Iterates over the body as it came, for a relay: `for bytes, events in stream:raw_events() do`. Each piece ends with
--- an empty line, comments and heartbeats come at once, and the pieces joined are the body. All of it goes into the
--- message. An answer of one JSON document is written as an event stream. Raises the error on failure, after the piece
--- that reports it. Once a piece with events was handed on, the request is not sent again.
---@return fun(): string?, anthropic.api.RawMessageStreamEvent[]? iterator the bytes, and the events in them;
---  nil with `on_interrupt = "continue"`, which reads more than one body
---@return anthropic.Error? err
function Stream:raw_events()
  if self.exchange.option "on_interrupt" == "continue" then
    return nil, errors.invalid_request 'raw_events: not with on_interrupt = "continue": the bytes are of one answer'
  end
  return iteration(next_piece, self)
end

--- Reads to the end.
---@return anthropic.Message|nil message the whole message
---@return anthropic.Error? err
function Stream:message()
  local _, err = step(self, END)
  if err then
    return nil, err
  end
  if self.is_finishing then -- for the first caller
    reader_base.enter(self, "the stream is", 2)
  end
  if self.whole then
    return self.whole, self.err
  end
  local whole
  whole, err = reading.finish(self)
  if whole then
    self.exchange:note(whole)
  end
  if whole and self.on_message then
    reader_base.enter(self, "the stream is", 2)
    self.is_finishing = true
    self.whole, self.err = self.on_message(whole)
    self.is_finishing = nil
    reader_base.leave(self)
  end
  return self.whole, err or self.err
end

--- Returns the message so far, without reading. Each call copies what has come: to show an answer as it grows, use the
--- events or `text_deltas`.
---@return anthropic.Message message
function Stream:snapshot()
  return reading.snapshot(self)
end

--- Cancels the stream, if it has not ended. Every later call returns an error of kind "cancelled". May be called twice;
--- a variable with `<close>` and the garbage collector call it as well.
function Stream:close()
  if not self.ended then
    self.flow = nil
  end
  attempts.close(self)
end

Stream.__close = Stream.close

function Stream:__tostring()
  return ("anthropic.Stream (%s)"):format(reader_base.state_of(self))
end

return stream
