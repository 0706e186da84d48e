--- An exchange whose answer the caller got by other means: there is no request, nothing is sent and nothing awaited.
-- What reads an exchange's answer reads this one's, too.
--
--     local exchange = fed_exchange.new(200, { ["content-type"] = "text/event-stream" }, function() end)
--     exchange.transfer:feed(bytes)
--     local body, err = exchange:read_body()      -- nil and fed_exchange.MORE before exchange.transfer:finish()

local core = require "anthropic.base.core"
local errors = require "anthropic.base.error"
local exchanges = require "anthropic.http.exchange"
local headers = require "anthropic.http.headers"
local options = require "anthropic.http.options"

local fed_exchange = {}

--- Returned in place of an error if more bytes are needed.
fed_exchange.MORE = errors.new { kind = "invalid_request", message = "the answer has not ended" }

local function same(text)
  return text
end

local function unknown() end

-- No server was asked, by whatever proxy.
local function no_way()
  return "", ""
end

local LARGEST = 2 ^ 52

--- Makes such an exchange.
---@param status integer
---@param fields table<string, string|number|table> of the answer's headers, names in any case
---@param option fun(name: string): any
---@return anthropic.Exchange
function fed_exchange.new(status, fields, option)
  local profile = { option = option, timeouts = {}, is_logged = false }
  local exchange = exchanges.new({}, profile, {})
  local came = headers.of_table(fields)
  exchange.response = {
    status = status,
    headers = came,
    request_id = came["request-id"] or came["x-request-id"],
    attempts = 1,
    timings = {},
    rate_limit = headers.rate_limit(came),
  }
  exchange.attempts = 1
  exchange.redact, exchange.url, exchange.way = same, unknown, no_way
  exchange.transfer = core.fed(status, options.event_limit(option), option "max_response_bytes" or LARGEST)
  function exchange.wait()
    return nil, fed_exchange.MORE
  end
  function exchange.response_so_far()
    return exchange.response
  end
  return exchange
end

return fed_exchange
