--- What `anthropic.http` returns of an answer: all of its headers as they came, whatever its status.

local headers = require "anthropic.http.headers"
local tables = require "anthropic.base.tables"

local plain_response = {}

-- The lines of a header block after its status line.
local function lines_of(block)
  local lines, is_first = {}, true
  for line in block:gmatch "[^\r\n]+" do
    lines[#lines + 1] = not is_first and line or nil
    is_first = false
  end
  return lines
end

--- The response of an exchange whose headers have come.
---@param exchange anthropic.Exchange
---@return anthropic.http.Response
---@return fun(err: anthropic.Error): anthropic.Error attach notes in an error what may be shown of the response
function plain_response.of(exchange)
  local block = exchange.transfer:headers()
  local so_far = exchange:response_so_far()
  local response = {
    status = so_far.status,
    headers = headers.parse(block),
    header_lines = lines_of(block),
    url = (exchange.way()),
    attempts = so_far.attempts,
    timings = so_far.timings,
  }
  return response, function(err)
    if exchange.response ~= so_far then -- of an earlier attempt
      return err
    end
    local shown = tables.copy(response)
    shown.headers, shown.header_lines = so_far.headers, lines_of(exchange.redact(block))
    shown.url, shown.body, shown.timings = exchange.url(), nil, exchange:response_so_far().timings
    err.response = shown
    return err
  end
end

return plain_response
