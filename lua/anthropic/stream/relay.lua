--- A stream's body as it came, for a relay: pieces that end with an empty line, and the events in each.
-- An answer that is not an event stream, and what was read before, is written as an event stream.

local attempts = require "anthropic.stream.attempts"
local choice_of = require("anthropic.message.events").choice_of
local core = require "anthropic.base.core"
local json = require "anthropic.base.json"
local reading = require "anthropic.stream.reading"
local responses = require "anthropic.message.response"
local tables = require "anthropic.base.tables"
local waiting = require "anthropic.loop.waiting"

local relay = {}

-- Seconds that the rest of a body may take to come once the message has ended.
local MOST_AFTER_END = 1

-- The API's event stream has one message: of several choices the first one is written.
local function sse_of(self, event)
  if choice_of(event) ~= 0 then
    return ""
  end
  local plain = event
  if event.raw ~= nil then
    plain = tables.copy(event)
    plain.raw = nil
  end
  local data, problem = json.encode_mended(plain)
  if not data then
    return nil, responses.protocol_error(self.exchange, "an event cannot be written: " .. problem)
  end
  local name = type(event.type) == "string" and not event.type:find "[%c]" and "event: " .. event.type .. "\n" or ""
  return name .. "data: " .. data .. "\n\n"
end

local function sse_of_all(self, list)
  local texts = {}
  for i, event in ipairs(list) do
    local text, err = sse_of(self, event)
    if not text then
      return nil, err
    end
    texts[i] = text
  end
  return table.concat(texts)
end

-- Takes the events that are there into the message and the list.
local function take_all(self, events)
  local event, err = reading.take(self, true)
  while event do
    events[#events + 1] = event
    event, err = reading.take(self, true)
  end
  return err
end

-- nil, "document" if the body is not a stream's; otherwise as transfer:raw_piece returns it.
local function next_piece(self)
  local is_stream, state = self.source:settle()
  if state == "document" then
    return nil, state
  end
  return self.exchange.transfer:raw_piece(is_stream)
end

local NOTHING = {} -- no events, in a step that hands nothing on

local function wait(self)
  local ok, err = self.exchange:wait()
  if ok or waiting.is_refusal(err) then
    return ok, err
  end
  return attempts.recover(self, err)
end

-- Reads on in bytes that were taken before, and are in no piece.
local function read_unpieced(self)
  local data, name = self.source:read()
  if name == "piece" and not data then
    self.is_unpieced = false
    return true
  end
  local ok, err = self.source:pull(data, name)
  if ok then
    return true
  end
  self.is_unpieced = false
  return attempts.recover(self, err)
end

-- Hands on the event of an error whose bytes are in no piece: the relay's client has to know.
local function hand_on_error(self, err)
  local told = { type = err.type or "api_error", message = err.message }
  return sse_of(self, { type = "error", error = told }), {}
end

-- Takes in the event of a piece. Returns an error if that ends the stream.
local function take_in(self, data, name, events)
  if name == "piece" and not data then
    return nil
  end
  local ok, err = self.source:pull(data, name)
  return take_all(self, events) or not ok and err or nil
end

-- Whether deltas after this one can go straight into the message, as stream/init.lua lets them flow.
local function lets_follow(self, data, event)
  return type(data) == "table" and event == data and self.source:lets_flow() and self.accumulators[0]:grows(event)
end

-- Hands on a piece and its events; "" with no events if an attempt failed and another has begun.
local function hand_on(self, bytes, is_cut, data, name)
  local events = {}
  if not self.source.is_stream then -- comments, before anything else has come
    return bytes, events
  end
  local err = take_in(self, data, name, events)
  if err and attempts.recover(self, err) then
    return "", NOTHING
  end
  if is_cut then -- its beginning was read before
    bytes, err = sse_of_all(self, events)
    if not bytes then
      return attempts.fail(self, err)
    end
  end
  if #events > 0 then
    self.is_seen, self.source.released = true, true
  end
  self.relayed = not is_cut and lets_follow(self, data, events[#events]) and data or nil
  return bytes, events
end

-- The next piece, if it brings a delta that continues the text of the one before it. Otherwise what it brings is
-- returned for `step`.
local function follow(self)
  local before = self.relayed
  local bytes, is_cut, data, name = self.exchange.transfer:raw_piece(true)
  if type(data) ~= "table" or data.index ~= before.index or data.delta.type ~= before.delta.type then
    self.relayed = is_cut == "again" and before or nil
    return nil, bytes, is_cut, data, name
  end
  self.accumulators[0]:add(data)
  if self.budget:is_exceeded() then
    self.relayed = nil
    attempts.fail(self, self.source:too_large())
  end
  return bytes, { data }
end

-- Hands on an event that is in no piece.
local function hand_on_event(self, event)
  local bytes, err = sse_of(self, event)
  if not bytes then
    return attempts.fail(self, err)
  end
  self.is_seen, self.source.released = true, true
  return bytes, { event }
end

-- Hands on what follows the end of the message. In AWS's frames that is not text.
local function read_rest(self)
  local transfer = not self.whole and not self.source.is_framed and self.exchange.transfer
  if transfer and self.source.is_stream then
    local bytes, state = transfer:raw_piece(true)
    if not bytes and state == "again" and not self.is_rest_limited then -- once: comments may come without end
      self.is_rest_limited = true
      transfer:limit(math.min(MOST_AFTER_END, self.exchange.deadline - core.now()))
    end
    while not bytes and state == "again" do
      local ok, err = self.exchange:wait()
      if not ok and waiting.is_refusal(err) then
        return nil, err
      elseif not ok then
        return attempts.fail(self, err)
      end
      bytes, state = transfer:raw_piece(true)
    end
    if bytes then
      return bytes, {}
    end
  end
  return attempts.finish(self)
end

-- Waits for more bytes, or takes in the end of the body.
local function read_on(self, state)
  if state == "again" then
    return wait(self)
  end
  local ok, err = self.source:pull(nil, state)
  if ok or waiting.is_refusal(err) then
    return ok, err
  end
  return attempts.recover(self, err)
end

-- One step: returns what was handed on, "" if nothing was; or nil and an error. The further arguments are a piece that
-- has come.
local function step(self, bytes, state, data, name)
  if self.err then
    return nil, self.err
  elseif bytes and bytes ~= "" then
    return hand_on(self, bytes, state, data, name)
  end
  local event, err = reading.take(self, true)
  if event then
    return hand_on_event(self, event)
  elseif err then
    return attempts.fail(self, err)
  elseif self.source.complete then
    return read_rest(self)
  end
  self.is_unpieced = self.is_unpieced or self.source.is_framed -- its bytes are no text
  if not state and not self.is_unpieced then
    bytes, state, data, name = next_piece(self)
  end
  if bytes and bytes ~= "" then
    return hand_on(self, bytes, state, data, name)
  end
  local ok
  if bytes or self.is_unpieced then
    self.is_unpieced = true
    ok, err = read_unpieced(self)
    if not ok and err.in_stream then
      return hand_on_error(self, err)
    end
  else
    ok, err = read_on(self, state)
  end
  if not ok then
    return nil, err
  end
  return "", NOTHING
end

--- The next piece.
---@param self anthropic.Stream
---@return string|nil bytes nil alone at the end
---@return table[]|nil events the events in them
---@return anthropic.Error? err
function relay.next(self)
  local bytes, events
  repeat
    local state, data, name
    bytes, events = nil, nil
    if self.relayed then
      bytes, events, state, data, name = follow(self)
    end
    if self.relayed and state == "again" then -- nothing else is there
      local ok, err = wait(self)
      if not ok then
        return nil, nil, err
      end
      bytes, events = "", NOTHING
    elseif not bytes then
      bytes, events = step(self, events, state, data, name)
    end
  until bytes ~= "" or #events > 0
  if not bytes then
    return nil, nil, events
  end
  return bytes, events
end

return relay
