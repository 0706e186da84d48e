--- Where the platforms' credentials are asked for: servers on this machine or at the platform, and commands. No error
--- quotes an answer.

local call = require "anthropic.http.call"
local command = require "anthropic.loop.command"
local dates = require "anthropic.http.dates"
local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"
local waiting = require "anthropic.loop.waiting"

local fetch = {}

-- A metadata address without a server must not hold a program up.
local TIMEOUT = { connect = 2, first_byte = 5, total = 10 }

local function connection_error(words)
  return nil, errors.new { kind = "connection", message = words }
end

--- Sends a request and returns the text of its answer.
---@param what string for an error: "AWS credentials from the container's address"
---@param asked table see anthropic.http.Request
---@param exchange anthropic.Exchange that waits for it, no longer than its own time
---@return string|nil
---@return anthropic.Error?
function fetch.text(what, asked, exchange)
  asked.timeout, asked.loop, asked.max_response_bytes = TIMEOUT, exchange.option "loop", 1024 * 1024
  local response, err = call.run(asked, exchange)
  if not response then
    if err.kind == "cancelled" or err.type == "cannot_wait" then
      return nil, err
    end
    return connection_error(("no %s: %s"):format(what, err.message))
  elseif response.status ~= 200 then
    local refused = errors.new {
      kind = "connection", message = ("no %s: HTTP %d from %s"):format(what, response.status, asked.url:match "^[^?]*"),
    }
    refused.retryable = response.status < 500 and response.status ~= 429 and false or nil
    return nil, refused
  end
  return response.body
end

--- The same for an answer that is an object.
---@param what string
---@param asked table
---@param exchange anthropic.Exchange
---@return table|nil
---@return anthropic.Error?
function fetch.object(what, asked, exchange)
  local text, err = fetch.text(what, asked, exchange)
  local value = text and json.decode(text)
  if type(value) == "table" then
    return value
  end
  return nil, err or errors.new { kind = "connection", message = ("no %s: the answer is no JSON"):format(what) }
end

--- What a command writes, without the blanks around it.
---@param what string for an error
---@param arguments string[]
---@param exchange anthropic.Exchange that waits for it
---@return string|nil
---@return anthropic.Error?
function fetch.output(what, arguments, exchange)
  local driver, refusal = waiting.check(exchange.option "loop")
  if not driver then
    return nil, refusal
  end
  local text, status = command.output(driver, arguments, exchange)
  if text and status == 0 and text:find "%S" then
    return text:match "%S.*":match "^.*%S"
  elseif waiting.is_refusal(status) then
    return nil, status
  elseif exchange.closed then
    return nil, errors.cancelled "the request was cancelled"
  end
  local words = text and status == 0 and "wrote nothing" or text and "failed" or "could not be run"
  return connection_error(("no %s: the command %s"):format(what, words))
end

--- Seconds since the epoch of a time stamp, or nil.
---@param text any
---@return number?
function fetch.time(text)
  return type(text) == "string" and dates.timestamp(text) or nil
end

return fetch
