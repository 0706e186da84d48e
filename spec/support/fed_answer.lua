-- An exchange of `anthropic.http` that needs no server: its answer comes in the pieces given, one with each wait. A
-- piece that is an error ends the wait with that.
--
--     local reader = body_reader.new(fed_answer { "one\nt", "wo\n" })

local core = require "anthropic.core"
local errors = require "anthropic.base.error"
local fed_exchange = require "anthropic.http.fed_exchange"

---@param pieces (string|table)[]
---@param options? table
---@param status? integer
---@return anthropic.Exchange
return function(pieces, options, status)
  local exchange = fed_exchange.new(status or 200, {}, function(name)
    return options and options[name]
  end)
  local transfer, position = exchange.transfer, 0
  exchange.attempt_began = core.now()
  exchange.shared.usage = { add = function() end }

  function exchange.way()
    return "http://h.test/x"
  end
  exchange.url = exchange.way

  function exchange.redact(text)
    return (text:gsub("secret", "***"))
  end

  function exchange.wait()
    if exchange.closed then
      return nil, errors.cancelled "the request was cancelled"
    end
    position = position + 1
    local piece = pieces[position]
    if errors.is(piece) then
      return nil, piece
    elseif piece then
      transfer:feed(piece)
    else
      transfer:finish()
    end
    return true
  end

  function exchange.run(_, read)
    return not read or read(exchange)
  end

  return exchange
end
