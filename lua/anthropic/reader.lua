--- Reads an answer whose bytes came by other means, such as another HTTP client: the events, errors and messages of a
-- Stream, without a transport. Nothing is sent, nothing waits, no loop is made.
--
--     local reader = anthropic.reader { status = 200, headers = headers }
--     assert(reader:feed(bytes))                 -- as they come, cut anywhere
--     local event, err = reader:next()           -- nil alone: feed more
--     assert(reader:finish())                    -- no more comes
--     print(reader:message():text())
--
-- It reads both shapes, streamed and whole. A whole answer becomes events, too, once it has ended.

local check = require "anthropic.base.check"
local core = require "anthropic.base.core"
local errors = require "anthropic.base.error"
local fed_exchange = require "anthropic.http.fed_exchange"
local options = require "anthropic.http.options"
local reading = require "anthropic.stream.reading"

---@class anthropic.reader.Options
---@field framing? "sse"|"event_stream"|"auto" how events are framed: server-sent events, or AWS's binary event stream;
---  "auto": as the content type says. A whole answer is read as well. Default: "auto"
---@field status? integer of the response; one that is no success is the API's error. Default: 200
---@field headers? table<string, string|string[]> of the response, names in any case
---@field max_event_bytes? integer bytes in one event. Default: 33554432 (32 MiB)
---@field max_response_bytes? integer bytes that are held in memory: what was fed and not read yet, or the message.
---  Default: 67108864 (64 MiB)

---@class anthropic.Reader
---@field response anthropic.Response status and headers as they were given
local Reader = {}
Reader.__index = Reader
Reader.__name = "anthropic.Reader"

---@class anthropic.reader
---@overload fun(options: anthropic.reader.Options): anthropic.Reader
local module = {}

local rows = options.transport_rows()
local ROWS = {
  framing = check.one_of("sse", "event_stream", "auto"),
  status = {
    expected = "a whole number from 100 to 999",
    check = function(value) return check.whole(100).check(value) and value <= 999 end,
  },
  headers = check.of_type "table",
  max_event_bytes = rows.max_event_bytes,
  max_response_bytes = rows.max_response_bytes,
}

-- Whether the events are in AWS's frames, if the option says so; else the content type decides.
local IS_FRAMED = { sse = false, event_stream = true }

local function make(given)
  given = given or {}
  if type(given) ~= "table" then
    error("reader.new: options: table expected, got " .. type(given), 3)
  end
  options.check_rows("option", given, ROWS, 3)
  local limits = options.of_transport {
    max_event_bytes = given.max_event_bytes,
    max_response_bytes = given.max_response_bytes,
  }
  local exchange = fed_exchange.new(given.status or 200, given.headers or {}, function(name)
    return limits[name]
  end)
  local self = setmetatable({
    exchange = exchange,
    is_finished = false,
    ahead = {}, first = 1, last = 0, -- events that finish() has read
  }, Reader)
  reading.begin(self)
  if IS_FRAMED[given.framing] ~= nil then
    self.source.is_framed = IS_FRAMED[given.framing]
  end
  return self
end

-- No tail calls: an error about the options blames the caller's line.

--- Makes a reader. Raises only on a wrong option. Also called as `anthropic.reader { ... }`.
---@param given? anthropic.reader.Options
---@return anthropic.Reader reader
function module.new(given)
  local reader = make(given)
  return reader
end

setmetatable(module, { __call = function(_, given)
  local reader = make(given)
  return reader
end })

-- --- reading -------------------------------------------------------------------------------------

-- Bytes of events that `finish` reads ahead of `next`, or as many as the answer may have.
local MOST_AHEAD = 16 * 1024 * 1024

local function fail(self, err)
  err.partial = reading.partial(self)
  err.attempts = err.attempts or self.response.attempts
  self.err = err
  return nil
end

local function is_success(self)
  return self.response.status >= 200 and self.response.status < 300
end

-- The next event that is there, taken into the message. After nil, `self.err` is the failure, if there was one.
local function advance(self)
  while not self.err do
    local event, err = reading.take(self, true)
    if event then
      return event
    elseif err then
      return fail(self, err)
    elseif self.source.complete then
      return nil
    end
    local ok
    if is_success(self) then
      ok, err = self.source:pull(self.source:read())
    else
      err = self.exchange:refusal()
    end
    if err == fed_exchange.MORE then
      return nil
    elseif not ok then
      return fail(self, err)
    end
  end
end

local function read_ahead(self)
  local bytes, most = 0, math.max(MOST_AHEAD, self.exchange.option "max_response_bytes" or 0)
  while bytes < most do
    local event = advance(self)
    if not event then
      return
    end
    self.last = self.last + 1
    self.ahead[self.last] = event
    bytes = bytes + core.weigh(event)
  end
end

--- Takes bytes in; they may be cut anywhere.
---@param bytes string
---@return true|nil ok
---@return anthropic.Error? err what is wrong with the answer; every later call returns it too
function Reader:feed(bytes)
  if type(bytes) ~= "string" then
    error("reader:feed: bytes: string expected, got " .. type(bytes), 2)
  elseif self.err then
    return nil, self.err
  elseif self.source.complete then -- what follows says nothing
    return true
  elseif self.is_finished then
    return nil, errors.invalid_request "the reader is finished"
  elseif self.exchange.transfer:feed(bytes) then
    return true
  end
  return self:finish()
end

--- Returns the next event that is there.
---@return anthropic.api.RawMessageStreamEvent|nil event nil alone: more bytes are needed, or the answer has ended
---@return anthropic.Error? err the same at every call after a failure
function Reader:next()
  local event = self.ahead[self.first]
  if event then
    self.ahead[self.first] = nil
    self.first = self.first + 1
    return event
  end
  event = advance(self)
  return event, not event and self.err or nil
end

--- Ends the input. Events that are still there can be read after it. If none were read, they may be too many to be
--- read ahead; then what is wrong is known once they are read: `next` and `message` return it.
---@return true|nil ok
---@return anthropic.Error? err what is wrong with the answer: that it ended before its end, or the API's error
function Reader:finish()
  if not self.is_finished then
    self.is_finished = true
    self.exchange.transfer:finish()
    read_ahead(self)
  end
  if self.err then
    return nil, self.err
  end
  return true
end

--- Reads what is there, and returns the whole message.
---@return anthropic.Message|nil message
---@return anthropic.Error? err if the answer has failed, or has not ended
function Reader:message()
  self.ahead, self.first, self.last = {}, 1, 0
  while advance(self) do end -- luacheck: ignore 542
  if self.err then
    return nil, self.err
  elseif not self.source.complete then
    return nil, errors.invalid_request "the answer has not ended: feed the rest, or call finish"
  end
  return reading.finish(self)
end

--- Returns the message so far, as far as its events were read.
---@return anthropic.Message message
function Reader:snapshot()
  return reading.snapshot(self)
end

function Reader:__tostring()
  local state = self.err and "failed" or self.source.complete and "ended" or "open"
  return "anthropic.Reader (" .. state .. ")"
end

return module
