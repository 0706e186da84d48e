--- What all readers of an answer that is still coming have in common (Stream, BatchResults, http's Reader): only one
--- coroutine reads at a time, an end, an error that stays, and close. Such a reader has the fields
---
---   exchange   of its answer
---   reader     the coroutine that reads now
---   err        what it failed with: every later call returns it
---   ended      whether all has been read
---   closed     whether `close` was called before the end

local errors = require "anthropic.base.error"

local reader_base = {}

local MAIN = {}
reader_base.MAIN = MAIN -- stands for the main coroutine where Lua has no value for it

--- Begins to read; `leave` ends it. Raises if another coroutine is reading. A coroutine that is dead, or whose reading
--- an error interrupted, reads no more.
---@param self table a reader
---@param noun string "the stream is"
---@param level integer at which the error stands, as for `error`
---@return boolean is_first false: a reading was interrupted, and never left
function reader_base.enter(self, noun, level)
  local here, reader = coroutine.running() or MAIN, self.reader
  if reader and reader ~= here and (reader == MAIN or coroutine.status(reader) ~= "dead") then
    error(noun .. " being read by another coroutine", level + 1)
  end
  self.reader = here
  return not reader
end

--- Ends what `enter` began.
---@param self table a reader
---@return any ... what was read
function reader_base.leave(self, ...)
  self.reader = false
  return ...
end

--- What an iterator returns: it raises an error.
---@generic T
---@param found T
---@param err? anthropic.Error
---@return T
function reader_base.raised(found, err)
  if err then
    error(err, 0)
  end
  return found
end

--- Cancels the reading, if it has not ended. A coroutine that waits for the next piece goes on with an error.
---@param self table a reader
---@param noun string "the stream was"
---@param fail fun(self: table, err: anthropic.Error) ends the reading with an error
function reader_base.close(self, noun, fail)
  if self.ended or self.err or self.closed then
    return
  end
  self.closed = true
  if self.reader then
    self.exchange:close()
  else
    fail(self, errors.cancelled(noun .. " closed"))
  end
end

--- A word for `tostring`.
---@param self table a reader
---@return "failed"|"ended"|"open"
function reader_base.state_of(self)
  return self.err and "failed" or self.ended and "ended" or "open"
end

return reader_base
