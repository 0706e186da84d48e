--- The plain way of reading a stream: each event is decoded and accumulated in Lua, and a failure that may pass leads
-- to another attempt. As soon as deltas can flow past it, init.lua reads them.
--
--     local event, err = plain.next(stream)

local attempts = require "anthropic.stream.attempts"
local errors = require "anthropic.base.error"
local reader_base = require "anthropic.http.reader_base"
local reading = require "anthropic.stream.reading"
local waiting = require "anthropic.loop.waiting"

local plain = {}

-- The transfer, if deltas can go straight from the wire to the reader: then they are accumulated in
-- C, and events are made only if they are wanted.
local function flow_after(self, event)
  if not self.source:lets_flow() or not self.accumulators[0]:follow(event) then
    return nil
  end
  local transfer = self.exchange.transfer
  transfer:follow(self.accumulators[0].run)
  self.take_event, self.take_text, self.take_other = transfer.next_event, transfer.next_text, transfer.skip_deltas
  return transfer
end

-- `data` and `name` are what the flow returned, if it was asked.
local function advance(self, data, name)
  while true do
    local event, err = reading.take(self)
    if event then
      self.flow = flow_after(self, event)
      return event
    elseif err then
      return attempts.fail(self, err)
    elseif self.source.complete then
      return attempts.finish(self)
    end
    if not data and not name then
      data, name = self.source:read()
    end
    local ok = not data and name == "piece"
    if ok then -- what raw_events had found begun is read
      self.is_unpieced = false
    else
      ok, err = self.source:pull(data, name)
    end
    data, name = nil, nil
    if not ok then
      if waiting.is_refusal(err) then
        return nil, err
      end
      ok, err = attempts.recover(self, err)
      if not ok then
        return nil, err
      end
    end
  end
end

--- Whether there is more to read; if so, only the calling coroutine may read, until `reader_base.leave`.
---@param self anthropic.Stream
---@return true|nil ok nil alone at the end
---@return anthropic.Error? err
function plain.enter(self)
  self.flow = nil
  if self.err then
    return nil, self.err
  elseif self.ended then
    return nil
  end
  if not reader_base.enter(self, "the stream is", 5) then
    return attempts.fail(self, errors.cancelled "an error interrupted the reading")
  end
  return true
end

--- The next event.
---@param self anthropic.Stream
---@param data? string of the event that ended the flow, if there was one
---@param name? string its name
---@param is_for_us? boolean the caller drops the event, so the reader does not see it
---@return table|nil event nil alone at the end
---@return anthropic.Error? err
function plain.next(self, data, name, is_for_us)
  local ok, err = plain.enter(self)
  if not ok then
    return nil, err
  end
  self.relayed = nil
  local event
  event, err = advance(self, data, name)
  reader_base.leave(self)
  self.is_seen = self.is_seen or event ~= nil and not is_for_us
  return event, err
end

return plain
