--- What the payloads of a stream mean: the API's own events, chunks of a chat completion, events of a server's own, end
-- marks, errors, and answers that came whole.
--
--     local ok, err = payloads.data(source, '{"type":"ping"}', "ping")   -- source:put follows
--
-- Each takes in what it is given; nil and an error when that ends the stream. `source`: an anthropic.EventSource.

local chat_completion = require "anthropic.message.chat_completion"
local error_signs = require "anthropic.http.error_signs"
local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"
local responses = require "anthropic.message.response"
local surrogates = require "anthropic.message.surrogates"
local whole_events = require "anthropic.message.whole_events"

local payloads = {}

local function protocol_error(self, words, body)
  return responses.protocol_error(self.exchange, words, body)
end

--- Whether anything of a message has come.
---@param self anthropic.EventSource
---@return boolean
function payloads.is_understood(self)
  return self.native.has_begun or self.translator ~= nil and self.translator.has_begun
end

--- The error of a stream of which nothing was understood.
---@param self anthropic.EventSource
---@return nil
---@return anthropic.Error
function payloads.not_understood(self)
  return nil, protocol_error(self, "nothing in the stream was understood", self.stray)
end

--- Whether a payload is the end mark of a chat completion, with blanks around it or not.
---@param data string
---@return boolean
function payloads.is_end_mark(data)
  return #data < 64 and data:match "^%s*%[DONE%]%s*$" ~= nil
end

--- The error in a payload.
---@param self anthropic.EventSource
---@param data string
---@param name? string of the event
---@return anthropic.Error
function payloads.stream_error(self, data, name)
  local err = self.exchange:api_error(data, nil, name)
  err.in_stream = true
  return err
end

local function put_all(self, list)
  for _, event in ipairs(list) do
    self:put(event)
  end
  return true
end

--- Takes in an event of the API's own shape.
---@param self anthropic.EventSource
---@param event table
---@param data? string that it was decoded from
---@return true|nil
---@return anthropic.Error?
function payloads.native(self, event, data)
  local list, problem = self.native:feed(event)
  if not list then
    return nil, protocol_error(self, "a malformed event: " .. problem, data)
  elseif self.translator and self.native.has_begun then
    return nil, protocol_error(self, "the stream holds events of two shapes", data)
  elseif not list[1] and self.accumulator.budget:is_exceeded() then -- if there are events, the reader checks
    return nil, self:too_large()
  elseif event.type ~= "ping" and not self.native.has_begun then
    self.stray = data
  end
  return put_all(self, list)
end

-- Takes in a chunk of a chat completion.
local function receive_chunk(self, chunk, data, halves)
  self.translator = self.translator or chat_completion.translator(self.accumulator.budget)
  local list, problem = self.translator:feed(chunk, halves and json.decode_answer(data) or chunk)
  if not list then
    return nil, protocol_error(self, "a malformed chunk: " .. problem, data)
  elseif self.native.has_begun then
    return nil, protocol_error(self, "the stream holds events of two shapes", data)
  elseif self.translator.budget:is_exceeded() then
    return nil, self:too_large()
  elseif not self.translator.has_begun then
    self.stray = data
  end
  return put_all(self, list)
end

-- A name that an event can have as its type.
local function type_of_name(name)
  return name ~= "" and name ~= "message" and json.encode(name) and name or nil
end

-- Events without a meaning, whatever their data is.
local HEARTBEATS = { ping = true, heartbeat = true, keepalive = true, ["keep-alive"] = true, keep_alive = true }

-- Takes in a payload that is not an object: a heartbeat, an event of a server's own, or one that cannot be read.
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

-- The event of a payload. An empty type is a missing one.
local function decode(data)
  local event, problem, halves = json.decode_event(data)
  if type(event) == "table" and event.type == "" then
    event.type = nil
  end
  return event, problem, halves
end

--- Takes in a payload.
---@param self anthropic.EventSource
---@param data string
---@param name? string of the event
---@return true|nil
---@return anthropic.Error?
function payloads.data(self, data, name)
  self.bytes = self.bytes + #data
  local event, problem, halves = decode(data)
  if error_signs.is_error(event, name, self.open_ended) then
    return nil, payloads.stream_error(self, data, name)
  elseif type(event) ~= "table" or json.is_array(event) then
    return receive_other(self, event, problem, data, name)
  end
  if halves then
    self.joiner = self.joiner or surrogates.joiner()
    surrogates.mend_inputs(event)
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
  return payloads.native(self, event, data)
end

--- Takes in the end mark of a chat completion; some servers send it after the API's own events, too.
---@param self anthropic.EventSource
---@return true|nil
---@return anthropic.Error?
function payloads.done(self)
  if not payloads.is_understood(self) and not self.open_ended then
    return payloads.not_understood(self)
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

--- Takes in an answer that came whole. It becomes the events that would have brought it.
---@param self anthropic.EventSource
---@return true|nil
---@return anthropic.Error?
function payloads.document(self)
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

-- Whether the last event of a body, which lacks its empty line, is the whole end mark, or an error.
local function is_end(self, data, name)
  if payloads.is_end_mark(data) then
    return true
  end
  local event = decode(data)
  return type(event) == "table"
    and ((event.type or name) == "message_stop" or error_signs.is_error(event, name, self.open_ended))
end

--- The transfer is over and all its events are read.
---@param self anthropic.EventSource
---@return true|nil
---@return anthropic.Error?
function payloads.ended(self)
  local err = self.exchange:failure()
  if err then
    return nil, err
  end
  local data, name
  if not self.is_framed then
    data, name = self.exchange.transfer:rest()
  end
  if data and is_end(self, data, name) then
    local ok
    ok, err = self:pull(data, name)
    if not ok or self.complete then
      return ok, err
    end
  end
  local is_understood = payloads.is_understood(self)
  if self.open_ended and not is_understood and not data then -- an event that is cut off is not passed over
    self.complete = true
    return true
  end
  local has_begun = is_understood or self.translator ~= nil and self.translator:has_choices()
  if self.stray and not (has_begun or self.open_ended) then
    return payloads.not_understood(self)
  end
  return nil, truncated(self)
end

return payloads
