--- A stream's body as it came, for whoever hands it on: pieces that end with an empty line, and what each of them
-- meant. What came otherwise than as an event stream, and what was read before, is written as one.

local attempts = require "anthropic.stream.attempts"
local json = require "anthropic.base.json"
local reading = require "anthropic.stream.reading"
local responses = require "anthropic.message.response"
local tables = require "anthropic.base.tables"
local tasks = require "anthropic.loop.task"

local relay = {}

-- Seconds that the rest of a body may take to come once the message has ended.
local MOST_AFTER_END = 1

local function sse_of(self, event)
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

-- What the piece that came last meant. An error where it ends the stream.
local function read_piece(self, events)
  local err
  while not err and not self.source.complete do
    local data, name = self.source:read()
    if name == "piece" and not data then
      return nil
    end
    local ok, problem = self.source:pull(data, name)
    err = take_all(self, events) or not ok and problem or nil
  end
  return err
end

-- nil, "document" where the body is none of a stream; otherwise as transfer:raw_piece.
local function next_piece(self)
  local is_stream, state = self.source:settle()
  if state == "document" then
    return nil, state
  end
  return self.exchange.transfer:raw_piece(is_stream)
end

local function wait(self)
  local ok, err = self.exchange:wait()
  if ok or tasks.is_refusal(err) then
    return ok, err
  end
  return attempts.recover(self, err)
end

-- Reads on in what was read before, and is in no piece.
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

-- Hands on what a piece meant. "" with no events where an attempt failed and another has begun.
local function hand_on(self, bytes, is_cut)
  local events = {}
  if not self.source.is_stream then -- comments, before anything else has come
    return bytes, events
  end
  local err = read_piece(self, events)
  if err and attempts.recover(self, err) then
    return "", {}
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
  return bytes, events
end

-- An event that stands in no piece.
local function hand_on_event(self, event)
  local bytes, err = sse_of(self, event)
  if not bytes then
    return attempts.fail(self, err)
  end
  self.is_seen, self.source.released = true, true
  return bytes, { event }
end

-- What follows the end of the message.
local function read_rest(self)
  local transfer = not self.whole and self.exchange.transfer
  if transfer and self.source.is_stream then
    local bytes, state = transfer:raw_piece(true)
    if not bytes and state == "again" then
      transfer:limit(MOST_AFTER_END)
    end
    while not bytes and state == "again" do
      local ok, err = self.exchange:wait()
      if not ok and tasks.is_refusal(err) then
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
  attempts.finish(self)
  return nil
end

-- More bytes, or the end of what comes.
local function read_on(self, state)
  if state == "again" then
    return wait(self)
  end
  local ok, err = self.source:pull(nil, state)
  if ok or tasks.is_refusal(err) then
    return ok, err
  end
  return attempts.recover(self, err)
end

-- One step: what was handed on, "" where nothing was; or nil and an error.
local function step(self)
  if self.err then
    return nil, self.err
  end
  local event, err = reading.take(self, true)
  if event then
    return hand_on_event(self, event)
  elseif err then
    return attempts.fail(self, err)
  elseif self.source.complete then
    return read_rest(self)
  end
  local bytes, state, ok
  if not self.is_unpieced then
    bytes, state = next_piece(self)
  end
  if bytes and bytes ~= "" then
    return hand_on(self, bytes, state)
  elseif bytes or self.is_unpieced then
    self.is_unpieced = true
    ok, err = read_unpieced(self)
  else
    ok, err = read_on(self, state)
  end
  if not ok then
    return nil, err
  end
  return "", {}
end

--- The next piece.
---@param self anthropic.Stream
---@return string|nil bytes nil alone at the end
---@return table[]|nil events what they meant
---@return anthropic.Error? err
function relay.next(self)
  local bytes, events
  repeat
    bytes, events = step(self)
  until bytes ~= "" or #events > 0
  if not bytes then
    return nil, nil, events
  end
  return bytes, events
end

return relay
