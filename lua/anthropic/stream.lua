--- A stream of events, each accumulated into the message however it is read.
--
--     local stream = assert(client.messages.create { stream = true, ... })
--     for text in stream:text_deltas() do io.write(text) end
--     print(stream:message().usage.output_tokens)
--
-- Events that come before the first content are kept back until it comes: up to then a failure is
-- retried, and the reader sees one stream.

local accumulator = require "anthropic.accumulator"
local answer = require "anthropic.answer"
local errors = require "anthropic.error"
local events = require "anthropic.events"
local json = require "anthropic.json"
local loop = require "anthropic.loop"
local message = require "anthropic.message"
local stream_clock = require "anthropic.stream_clock"
local surrogates = require "anthropic.surrogates"
local tool_inputs = require "anthropic.tool_inputs"

local ITERATORS_CANNOT_WAIT = loop.ITERATORS_CANNOT_WAIT
local DONE = "[DONE]"
-- A server that sends only pings is not waited for with ever more of them kept back.
local MOST_KEPT_BACK = 64

---@class anthropic.Stream
---@field response anthropic.Response
---@operator call: anthropic.api.RawMessageStreamEvent?
local Stream = {}
Stream.__index = Stream
Stream.__name = "anthropic.Stream"

local stream = {}

-- Forgets what an earlier attempt brought.
local function begin(self)
  self.response = self.exchange.response
  self.queue, self.first, self.last = {}, 1, 0
  self.accumulators = { [0] = accumulator.new() }
  self.translator = nil
  self.joiner = nil -- once a character was cut in two
  self.released = false
  self.readers = nil
  self.flow = nil -- the readers, while deltas flow
  self.clock = stream_clock.new()
  self.complete = false
  self.saw_event = false
end

--- Whether a value is a stream.
function stream.is(value)
  return getmetatable(value) == Stream
end

--- Wraps an exchange whose response's headers have come.
---@param exchange anthropic.Exchange
---@param open_ended? boolean the stream has no end mark of its own
---@return anthropic.Stream
function stream.new(exchange, open_ended)
  local self = setmetatable({ exchange = exchange, open_ended = open_ended }, Stream)
  begin(self)
  return self
end

-- --- from the wire to the queue ------------------------------------------------------------------

local function protocol_error(self, words, body)
  return answer.protocol_error(self.exchange, words, body)
end

local function put(self, event)
  self.last = self.last + 1
  self.queue[self.last] = event
  self.released = self.released or events.is_content(event) or self.last - self.first >= MOST_KEPT_BACK
  self.clock:note(event)
  if event.type == "message_stop" and events.choice_of(event) == 0 then
    self.complete = true
  end
end

local function enqueue(self, event)
  if not self.joiner then
    return put(self, event)
  end
  for _, whole in ipairs(self.joiner:join(event)) do
    put(self, whole)
  end
end

local function accumulate(self, event)
  local choice = events.choice_of(event)
  self.accumulators[choice] = self.accumulators[choice] or accumulator.new()
  return self.accumulators[choice]:add(event)
end

local function take(self)
  local event = self.queue[self.first]
  self.queue[self.first] = nil
  self.first = self.first + 1
  return event
end

local function in_stream_error(self, data)
  local err = self.exchange:api_error(data)
  err.in_stream = true
  return err
end

local function is_error(event, name)
  return event.type == "error" or (event.type == nil and (event.error ~= nil or name == "error"))
end

-- Takes one decoded payload in. nil and an error when it ends the stream.
local function receive(self, data, name)
  local event, problem, halves = json.decode_event(data)
  if type(event) ~= "table" then
    problem = problem or "not an object"
    return nil, protocol_error(self, "the stream holds what is no event: " .. problem, data)
  end
  if not self.translator and answer.is_completion_chunk(event) then
    self.translator = answer.translator()
  end
  if is_error(event, name) then
    return nil, in_stream_error(self, data)
  end
  if halves then
    self.joiner = self.joiner or surrogates.joiner()
  end
  if self.translator and event.type == nil then
    for _, translated in ipairs(self.translator:feed(event, halves and json.decode_answer(data) or event)) do
      enqueue(self, translated)
    end
    return true
  end
  event.type = event.type or (name ~= "" and json.encode(name) and name or nil)
  enqueue(self, event)
  return true
end

local function receive_done(self)
  if self.translator then
    for _, translated in ipairs(self.translator:finish()) do
      enqueue(self, translated)
    end
  elseif self.accumulators[0].fields.stop_reason then
    self.complete = true
  end
  return true
end

local function truncated(self)
  return self.exchange:describe(errors.new {
    kind = "truncated",
    message = "the stream ended before its end",
    status = self.response.status,
  })
end

-- The transfer is over and all its events are read.
local function receive_end(self)
  local err = self.exchange:failure()
  if err then
    return nil, err
  elseif self.open_ended then
    self.complete = true
    return true
  elseif not self.saw_event and not answer.is_event_stream(self.response) then
    return nil, protocol_error(self, "the answer is no event stream")
  end
  return nil, truncated(self)
end

-- Moves on by one payload (what `transfer:event` gave), or waits for one.
local function pull(self, data, name)
  if data == DONE then
    return receive_done(self)
  elseif type(data) == "table" then -- a delta, decoded in C
    self.saw_event = true
    enqueue(self, data)
    return true
  elseif data then
    self.saw_event = true
    return receive(self, data, name)
  elseif name == "again" then
    return self.exchange:wait()
  elseif name == "done" then
    return receive_end(self)
  elseif name == "too_large" then
    local limit = self.exchange.option "max_event_bytes"
    return nil, protocol_error(self, ("an event is larger than %d bytes"):format(limit))
  end
  return nil, self.exchange:describe(errors.new { kind = "connection", message = "not enough memory" })
end

--- A stream of a message that came whole: a server may answer so.
---@param exchange anthropic.Exchange
---@param whole anthropic.Message
---@return anthropic.Stream
function stream.of_message(exchange, whole)
  local self = stream.new(exchange)
  for _, event in ipairs(answer.events(whole)) do
    enqueue(self, event)
  end
  self.whole = whole
  return self
end

-- --- reading -------------------------------------------------------------------------------------

local function attach(self, whole)
  whole.response = self.response
  if self.translator then
    whole.raw = self.translator.raw
  end
  return whole
end

-- What arrived, kept-back events included.
local function partial(self)
  for i = self.first, self.last do
    accumulate(self, self.queue[i])
  end
  self.first, self.last, self.queue = 1, 0, {}
  if self.accumulators[0]:is_empty() then
    return nil
  end
  return self:snapshot()
end

local function fail(self, err)
  self.flow = nil
  err.partial = partial(self)
  if err.partial and not self.whole then
    self.exchange:count(err.partial)
  end
  self.err = self.exchange:fail(err)
  return nil, self.err
end

-- After a failure: another attempt, or the end.
local function recover(self, err)
  if self.released or self.closed then
    return fail(self, err)
  end
  local again, final = self.exchange:recover(err)
  if again then
    again, final = self.exchange:run(function()
      return true
    end)
  end
  if not again then
    return fail(self, final)
  end
  begin(self)
  return true
end

local function finish(self)
  self.ended = true
  self.readers = nil
  if not self.whole then
    self.exchange:count(self.accumulators[0].fields)
    self.exchange:finish()
    local usage = self.accumulators[0].fields.usage
    self.clock:add_to(self.response.timings, self.exchange.attempt_began, usage)
  end
end

-- The readers of the transfer, where nothing but deltas of the same text can go straight from the
-- wire to the reader: they are accumulated in C, and only those who want them get events.
local function flow_after(self, event)
  if not self.released or self.first <= self.last or self.complete
    or self.joiner or self.translator or self.clock.awaits_text then
    return nil
  end
  local run = self.accumulators[0]:follow(event)
  self.readers = self.readers or run and self.exchange.transfer:readers(run)
  return run and self.readers
end

-- `data` and `name` are what `transfer:event` gave, if it was asked.
local function advance(self, data, name)
  while true do
    if self.first <= self.last and (self.released or self.complete) then
      local event = take(self)
      if accumulate(self, event) then
        self.flow = flow_after(self, event)
        return event
      end
      return fail(self, protocol_error(self, "a malformed event: " .. tostring(event.type)))
    elseif self.complete then
      finish(self)
      return nil
    end
    if not data and not name then
      data, name = self.exchange.transfer:event()
    end
    local ok, err = pull(self, data, name)
    data, name = nil, nil
    if not ok then
      ok, err = recover(self, err)
      if not ok then
        return nil, err
      end
    end
  end
end

local MAIN = {} -- stands for the main coroutine where Lua has no value for it

-- Whether a coroutine that can still go on is inside next().
local function is_being_read(self, coroutine_here)
  local reader = self.reader
  return reader ~= nil and reader ~= coroutine_here
    and (reader == MAIN or coroutine.status(reader) ~= "dead")
end

-- The next event in the plain way. `data` and `name` are what a reader of the flow gave that ended
-- it, if it was asked.
local function read(self, data, name)
  self.flow = nil
  if self.err then
    return nil, self.err
  elseif self.ended then
    return nil
  end
  local here = coroutine.running() or MAIN
  if is_being_read(self, here) then
    error("the stream is being read by another coroutine", 3)
  elseif self.reader then
    return fail(self, errors.new { kind = "cancelled", message = "an error broke off the reading" })
  end
  self.reader = here
  local event, err = advance(self, data, name)
  self.reader = nil
  return event, err
end

local function check_iteration(self)
  loop.check_iteration(self.exchange.option "loop", "stream:next()", 4)
end

--- The next event, waiting for it in the host's way.
---@return anthropic.api.RawMessageStreamEvent|nil event nil alone is the end
---@return anthropic.Error? err the same at every call after a failure
function Stream:next()
  local flow, data, name = self.flow, nil, nil
  if flow then
    data, name = flow.event()
    if name == true then
      return data
    end
  end
  return read(self, data, name)
end

--- Iterates over the events: `for event in stream do`. Raises the error on failure.
---@return anthropic.api.RawMessageStreamEvent|nil event
function Stream:__call()
  if ITERATORS_CANNOT_WAIT then
    check_iteration(self)
  end
  local flow, data, name = self.flow, nil, nil
  if flow then
    data, name = flow.event()
    if name == true then
      return data
    end
  end
  local event, err = read(self, data, name)
  if err then
    error(err, 0)
  end
  return event
end

--- Iterates over the non-empty pieces of text, in order. Raises the error on failure.
---@return fun(): string?
function Stream:text_deltas()
  return function()
    if ITERATORS_CANNOT_WAIT then
      check_iteration(self)
    end
    while true do
      local flow, data, name = self.flow, nil, nil
      if flow then
        data, name = flow.text()
        if name == true then
          return data
        end
      end
      local event, err = read(self, data, name)
      if err then
        error(err, 0)
      elseif not event then
        return nil
      end
      local text = events.text_of(event)
      if text then
        return text
      end
    end
  end
end

--- Iterates over the inputs of tool calls as far as they are known, at a block's start, after each
--- piece, and at the block's end: `for id, name, input, is_complete, progress in`. `input` is the
--- same table throughout; see tool_inputs.lua. Raises the error on failure.
---@return fun(): string?, string?, table?, boolean?, anthropic.ToolInputProgress?
function Stream:tool_inputs()
  local watch = tool_inputs.watcher(function()
    return self.accumulators[0]
  end)
  return function()
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
      error(err, 0)
    end
  end
end

local function choice_numbers(self)
  local numbers = {}
  for number in pairs(self.accumulators) do
    numbers[#numbers + 1] = number
  end
  table.sort(numbers)
  return numbers
end

--- Reads to the end.
---@return anthropic.Message|nil message the whole message
---@return anthropic.Error?
function Stream:message()
  local event, err
  repeat
    local data, name
    if self.flow then
      data, name = self.flow.rest()
    end
    event, err = read(self, data, name)
  until not event
  if err then
    return nil, err
  end
  if not self.whole then
    local choices = {}
    for i, number in ipairs(choice_numbers(self)) do
      choices[i] = attach(self, self.accumulators[number]:finish())
    end
    self.whole = choices[1]
    if #choices > 1 then
      choices[1] = message.new(json.copy(self.whole))
      self.whole.choices = choices
    end
    if self.on_message then
      self.on_message(self.whole)
    end
  end
  return self.whole
end

--- The message so far, without reading.
---@return anthropic.Message
function Stream:snapshot()
  return self.whole or attach(self, self.accumulators[0]:snapshot())
end

--- Cancels the stream, if it has not ended. Every later call gives an error of kind "cancelled".
function Stream:close()
  if self.ended or self.err or self.closed then
    return
  end
  self.closed = true
  self.flow = nil
  if self.reader then -- the one who waits finds out
    self.exchange:close()
  else
    fail(self, errors.new { kind = "cancelled", message = "the stream was closed" })
  end
end

Stream.__close = Stream.close

function Stream:__tostring()
  local state = self.err and "failed" or self.ended and "ended" or "open"
  return "anthropic.Stream (" .. state .. ")"
end

return stream
