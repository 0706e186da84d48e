--- The body of an answer, read as it comes: as lines, as events or as bytes. A body that is not read waits at its
--- server.

local errors = require "anthropic.base.error"
local headers = require "anthropic.http.headers"
local lazy = require "anthropic.base.lazy"
local loop = require "anthropic.loop"
local options = require "anthropic.http.options"
local plain_response = require "anthropic.http.plain_response"
local reader_base = require "anthropic.http.reader_base"
local waiting = require "anthropic.loop.waiting"

local failures = lazy.module_for_failure "anthropic.http.failures"

---@class anthropic.http.Reader
---@field response anthropic.http.Response without its body
local Reader = {}
Reader.__index = Reader
Reader.__name = "anthropic.http.Reader"

local body_reader = {}

--- Wraps an exchange whose response's headers have come.
---@param exchange anthropic.Exchange
---@return anthropic.http.Reader
function body_reader.new(exchange)
  local self = setmetatable({ exchange = exchange }, Reader)
  self.response, self.attach = plain_response.of(exchange)
  return self
end

--- Sends a request, and waits for the headers of the answer.
---@param exchange anthropic.Exchange not run yet
---@return anthropic.http.Reader|nil
---@return anthropic.Error?
function body_reader.open(exchange)
  local ok, err = exchange:run()
  if not ok then
    return nil, err
  end
  return body_reader.new(exchange)
end

-- --- the end -------------------------------------------------------------------------------------

--- Ends the reading with an error.
---@param self anthropic.http.Reader
---@param err anthropic.Error
---@return nil
---@return anthropic.Error
function body_reader.fail(self, err)
  self.attach(err)
  self.err = self.exchange:fail(err)
  return nil, self.err
end

local fail = body_reader.fail

local function finish(self)
  self.ended = true
  self.exchange:finish()
  self.response.timings = self.exchange.response.timings
end

-- Ends the reading after a failed wait; a refusal to wait changes nothing.
local function after_wait(self, err)
  if waiting.is_refusal(err) then
    return nil, err
  end
  return fail(self, err)
end

local function broken(self, kind, words, code)
  return fail(self, self.exchange:describe(errors.new {
    kind = kind, message = words, status = self.response.status, code = code,
  }))
end

-- The transfer is over, and all of it has been read but `rest`, the beginning of a line.
local function receive_end(self, rest)
  local err = self.exchange:failure()
  if err then
    err.body = rest and rest ~= "" and self.exchange.redact(rest, nil, true) or nil
    return fail(self, err)
  end
  finish(self)
  if rest and rest ~= "" then
    return rest
  end
  return nil
end

-- --- pieces --------------------------------------------------------------------------------------

local function receive(self, take, argument)
  while true do
    local value, second, third = take(self.exchange.transfer, argument)
    if value then
      return value, second, third
    elseif value == false then
      return nil, second
    elseif second == "again" then
      local ok, err = self.exchange:wait()
      if not ok then
        return after_wait(self, err)
      end
    elseif second == "done" then
      return receive_end(self, third)
    elseif second == "too_large" then
      local limit = options.event_limit(self.exchange.option)
      return broken(self, "protocol", ("an event or a line is larger than %d bytes"):format(limit),
        failures.CODES.FILESIZE_EXCEEDED)
    else
      return broken(self, "connection", "not enough memory", failures.CODES.OUT_OF_MEMORY)
    end
  end
end

-- Takes the next piece. `as`: how the body is read; if as events, then only as events.
local function take_next(self, as, take, argument)
  if self.read_as and (as == "events") ~= (self.read_as == "events") then
    error("the body is being read as " .. self.read_as, 3)
  elseif self.err then
    return nil, self.err
  elseif self.ended then
    return nil
  end
  reader_base.enter(self, "the body is", 3)
  self.read_as = as
  return reader_base.leave(self, receive(self, take, argument))
end

local function take_line(transfer)
  return transfer:line()
end

local function take_bytes(transfer, most)
  return transfer:bytes(most)
end

--- The next line, without its end.
---@return string|nil line nil alone is the end
---@return anthropic.Error? err the same at every call after a failure
function Reader:next_line()
  return take_next(self, "lines", take_line)
end

--- The bytes that have come, or else those that come next.
---@param max? integer at most so many
---@return string|nil bytes nil alone is the end
---@return anthropic.Error? err the same at every call after a failure
function Reader:read(max)
  if max ~= nil and not (type(max) == "number" and max >= 1) then
    error("reader:read: a number of bytes, 1 or more, expected", 2)
  end
  return take_next(self, "bytes", take_bytes, max)
end

-- --- events --------------------------------------------------------------------------------------

-- Checks that the body is an event stream. Any other body would bring no event, and be lost.
local function check_form(self)
  local form, err = self.exchange:read_form()
  if err then
    return after_wait(self, err)
  end
  local kind = headers.media_type(self.response.headers)
  if form == "events" or form == nil or form == "text" and kind == "text/event-stream" then
    self.is_stream = true
    return true
  end
  local body, failure = self.exchange:read_body()
  if not body or failure then
    return after_wait(self, failure)
  end
  err = self.exchange:describe(errors.new {
    kind = "protocol",
    message = ("the answer is not an event stream%s"):format(kind ~= "" and " but " .. kind or ""),
    status = self.response.status,
    body = self.exchange.redact(body),
  })
  return fail(self, err)
end

local function take_event(transfer, self)
  if not self.is_stream then
    local ok, err = check_form(self)
    if not ok then
      return false, err
    end
  end
  return transfer:event_with_id()
end

--- The next event.
---@return anthropic.sse.Event|nil event nil alone is the end
---@return anthropic.Error? err the same at every call after a failure
function Reader:next_event()
  local data, name, id = take_next(self, "events", take_event, self)
  if not data then
    return nil, name
  end
  return { event = name ~= "" and name or "message", data = data, id = id }
end

-- --- all of it -----------------------------------------------------------------------------------

-- An iterator that raises what `next` returns as an error.
local function iterator(self, name)
  loop.check_iteration(self.exchange.option "loop", "reader:" .. name .. "()", 4)
  return function()
    return reader_base.raised(self[name](self))
  end
end

--- Iterates over the lines, without their ends. Raises the error on failure.
---@return fun(): string?
function Reader:lines()
  return iterator(self, "next_line")
end

--- Iterates over the events of an event stream. Raises the error on failure, also for a body that is
--- not an event stream.
---@return fun(): anthropic.sse.Event?
function Reader:events()
  return iterator(self, "next_event")
end

local function take_rest(self)
  local body, err = self.exchange:read_body()
  if not body or err then
    return after_wait(self, err)
  end
  finish(self)
  return body
end

--- The whole body, or the part that has not been read.
---@return string|nil
---@return anthropic.Error? err with what came as its `body`
function Reader:body()
  if self.read_as == "events" then
    error("the body is being read as events", 2)
  elseif self.err then
    return nil, self.err
  elseif self.ended then
    return ""
  end
  reader_base.enter(self, "the body is", 2)
  return reader_base.leave(self, take_rest(self))
end

--- Cancels the reading, if it has not ended. Every later call returns an error of kind "cancelled".
function Reader:close()
  reader_base.close(self, "the reader was", fail)
end

Reader.__close = Reader.close

function Reader:__tostring()
  return ("anthropic.http.Reader (%d, %s)"):format(self.response.status, reader_base.state_of(self))
end

return body_reader
