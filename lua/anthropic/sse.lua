--- The decoder of server-sent events alone, for other transports. It follows the WHATWG's HTML standard (9.2.6).
--
--     local decoder = require("anthropic.sse").decoder()
--     decoder:feed(bytes)
--     for event in function() return decoder:next() end do print(event.event, event.data) end

local core = require "anthropic.base.core"
local errors = require "anthropic.base.error"
local lazy = require "anthropic.base.lazy"
local options = require "anthropic.http.options"

local failures = lazy.module_for_failure "anthropic.http.failures"

local DEFAULT_MAX_EVENT_BYTES = 32 * 1024 * 1024

---@class anthropic.sse.Event
---@field event string "message" if the event has no name
---@field data string its lines, joined by line breaks
---@field id string the last event ID; "" before the first

---@class anthropic.sse.Options
---@field max_event_bytes? integer bytes of data in one event. Default: 33554432 (32 MiB)

---@class anthropic.sse.Decoder
---@field retry? integer milliseconds to wait before the next connection, as the server asked last
local Decoder = {}
Decoder.__index = Decoder

---@class anthropic.sse
local sse = {}

local limit_row = options.transport_rows().max_event_bytes
local ROWS = {
  max_event_bytes = {
    expected = limit_row.expected,
    check = function(value) return value == false or limit_row.check(value) end, -- false is the default
  },
}

--- Makes a decoder. Raises only on a wrong option.
---@param given? anthropic.sse.Options
---@return anthropic.sse.Decoder decoder
function sse.decoder(given)
  given = given or {}
  if type(given) ~= "table" then
    error("sse.decoder: options: table expected, got " .. type(given), 2)
  end
  options.check_rows("option", given, ROWS, 2)
  local limit = given.max_event_bytes or DEFAULT_MAX_EVENT_BYTES
  return setmetatable({
    core = core.sse(math.min(limit, options.LARGEST_SIZE)),
    limit = limit,
    queue = {},
    first = 1,
    last = 0,
  }, Decoder)
end

local function fail(self, kind, message, code)
  self.err = errors.new { kind = kind, message = message, code = code }
  return nil, self.err
end

--- Takes bytes in; they may be cut anywhere.
---@param bytes string
---@return true|nil ok
---@return anthropic.Error? err of kind "protocol": an event is above the limit; every later call returns it too
function Decoder:feed(bytes)
  if self.err then
    return nil, self.err
  elseif self.finished then
    return fail(self, "invalid_request", "the decoder is finished")
  end
  self.core:feed(bytes)
  local data, name, id = self.core:next()
  while data do
    self.last = self.last + 1
    self.queue[self.last] = { event = name ~= "" and name or "message", data = data, id = id }
    data, name, id = self.core:next()
  end
  self.retry = self.core:retry()
  if name == "too_large" then
    return fail(self, "protocol", ("an event is larger than %d bytes"):format(self.limit),
      failures.CODES.FILESIZE_EXCEEDED)
  end
  return true
end

--- Returns the next event, or nil when more bytes are needed.
---@return anthropic.sse.Event? event
function Decoder:next()
  local event = self.queue[self.first]
  if event then
    self.queue[self.first] = nil
    self.first = self.first + 1
  end
  return event
end

--- Ends the input. An event that was not ended by a blank line is dropped, as the rules say.
---@return true|nil ok
---@return anthropic.Error? err
function Decoder:finish()
  self.finished = true
  if self.err then
    return nil, self.err
  end
  return true
end

return sse
