--- The results of a batch, one line of JSON each, decoded as they come.
--
--     local results = assert(client.messages.batches.results(batch_id))
--     for result in results do
--       print(result.custom_id, result.result.type, result.result.message)
--     end
--
-- Never more than the line at hand and a window of the transfer is in memory.

local responses = require "anthropic.message.response"
local error_signs = require "anthropic.http.error_signs"
local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"
local loop = require "anthropic.loop"
local options = require "anthropic.http.options"
local reader_base = require "anthropic.http.reader_base"
local waiting = require "anthropic.loop.waiting"

---@class anthropic.BatchResult
---@field custom_id string of the request
---@field result { type: "succeeded"|"errored"|"canceled"|"expired", message: anthropic.Message?, error: table? }
---@field raw? table the line, if it says "succeeded" and has no message that can be read

-- The result in place of a success whose message cannot be read.
local UNREADABLE = {
  type = "errored",
  error = {
    type = "error",
    error = { type = "api_error", message = "the result succeeded, and its message cannot be read" },
  },
}

---@class anthropic.BatchResults `for result in results do` iterates over them; it raises the error on failure
---@field batch table as it was retrieved
---@field response anthropic.Response
---@operator call: anthropic.BatchResult
local Results = {}
Results.__index = Results
Results.__name = "anthropic.BatchResults"

local batch_results = {}

-- A larger number is not a count of results.
local MOST_RESULTS = 2 ^ 31

--- Passes a method's answer on if it is a batch.
---@param batch any
---@param err? anthropic.Error
---@return table|nil batch
---@return anthropic.Error?
function batch_results.check(batch, err)
  if type(batch) == "table" and type(batch.id) == "string" then
    return batch
  elseif not errors.is(err) then
    err = errors.new { kind = "protocol", message = "the answer is not a batch" }
  end
  return nil, err
end

--- How many results the batch's counts promise, or nil.
---@param batch table
---@return integer?
function batch_results.promised(batch)
  local total = 0
  for _, name in ipairs { "succeeded", "errored", "canceled", "expired" } do
    local count = type(batch.request_counts) == "table" and batch.request_counts[name]
    if type(count) ~= "number" or count < 0 or count > MOST_RESULTS or count % 1 ~= 0 then
      return nil
    end
    total = total + count
  end
  return math.floor(total)
end

--- Sends for the results.
---@param exchange anthropic.Exchange not run yet
---@param batch table
---@return anthropic.BatchResults|nil
---@return anthropic.Error?
function batch_results.open(exchange, batch)
  local ok, err = exchange:run()
  if not ok then
    return nil, err
  end
  return setmetatable({
    exchange = exchange,
    batch = batch,
    response = exchange:response_so_far(),
    count = 0, -- results handed out
    lines = 0, -- read, blank ones included
  }, Results)
end

local function truncated(self, words)
  return self.exchange:describe(errors.new { kind = "truncated", message = words, status = self.response.status })
end

local function protocol_error(self, words, line)
  return responses.protocol_error(self.exchange, ("line %d of the results: %s"):format(self.lines, words), line)
end

-- Makes the message of a result a Message. A success without one is a failure, and the line is kept in `raw`.
local function read_message(self, value)
  local result = value.result
  if result.type ~= "succeeded" then
    return
  end
  local whole = responses.to_message(result.message)
  if whole then
    result.message = whole
    self.exchange:note(whole)
  else
    value.raw, value.result = json.copy(value), json.copy(UNREADABLE)
  end
end

local function decode(self, line)
  local value, problem = json.decode_answer(line)
  if type(value) ~= "table" then
    return nil, protocol_error(self, problem or "not an object", line)
  elseif value.custom_id == nil and error_signs.is_error(value) then
    return nil, self.exchange:api_error(line)
  elseif type(value.custom_id) ~= "string" or type(value.result) ~= "table" then
    return nil, protocol_error(self, "no result", line)
  end
  read_message(self, value)
  return value
end

-- The end of the transfer; `rest` is what no line end followed.
local function receive_end(self, rest)
  local err = self.exchange:failure()
  if err then
    return nil, err
  end
  self.at_end = true
  if not rest:find "%S" then
    return nil
  end
  self.lines = self.lines + 1
  local last
  last, err = decode(self, rest)
  if err and err.kind == "protocol" then
    err = truncated(self, "the results ended inside a line")
  end
  return last, err
end

-- The next result; nil alone when none has come yet, or all were returned.
local function receive(self)
  local line, state, rest = self.exchange.transfer:line()
  if line then
    self.lines = self.lines + 1
    if line:find "%S" then
      return decode(self, line)
    end
  elseif state == "again" then
    local ok, err = self.exchange:wait()
    return nil, not ok and err or nil
  elseif state == "done" then
    return receive_end(self, rest or "")
  else
    self.lines = self.lines + 1
    local limit = options.event_limit(self.exchange.option)
    return nil, protocol_error(self, ("longer than %d bytes"):format(limit))
  end
end

local function fail(self, err)
  self.err = self.exchange:fail(err)
  return nil, self.err
end

-- Before the first result a failure is retried.
local function recover(self, err)
  local again, final
  if self.count == 0 and not self.closed then
    again, final = self.exchange:recover(err)
    if again then
      again, final = self.exchange:run()
    end
  else
    return fail(self, err)
  end
  if not again then
    self.err = final
    return nil, final
  end
  self.response, self.lines, self.at_end = self.exchange:response_so_far(), 0, false
  return true
end

local function missing(self)
  local promised = batch_results.promised(self.batch)
  if promised and self.count < promised then
    return truncated(self, ("the results ended after %d of %d"):format(self.count, promised))
  end
end

local function advance(self)
  while true do
    local result, err
    if self.at_end then
      err = missing(self)
      if not err then
        self.ended, err = self.exchange:finish()
        self.err = err
        return nil, err
      end
    else
      result, err = receive(self)
    end
    if result then
      self.count = self.count + 1
      return result
    elseif waiting.is_refusal(err) then
      return nil, err
    elseif err then
      local ok, final = recover(self, err)
      if not ok then
        return nil, final
      end
    end
  end
end

--- Returns the next result. Waits for it in the host's way.
---@return anthropic.BatchResult|nil result nil alone is the end
---@return anthropic.Error? err the same at every call after a failure. Kind "truncated": results are missing
function Results:next()
  if self.err then
    return nil, self.err
  elseif self.ended then
    return nil
  end
  reader_base.enter(self, "the results are", 2)
  return reader_base.leave(self, advance(self))
end

--- Iterates over the results: `for result in results do`. Raises the error on failure.
---@return anthropic.BatchResult?
function Results:__call()
  loop.check_iteration(self.exchange.option "loop", "results:next()")
  return reader_base.raised(self:next())
end

--- Cancels the reading, if it has not ended. Every later call returns an error of kind "cancelled".
function Results:close()
  reader_base.close(self, "the results were", fail)
end

Results.__close = Results.close

function Results:__tostring()
  return ("anthropic.BatchResults (%d read, %s)"):format(self.count, reader_base.state_of(self))
end

return batch_results
