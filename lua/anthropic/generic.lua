--- `client:request`: any endpoint, with the client's credentials, retries and errors.

local answer = require "anthropic.answer"
local errors = require "anthropic.error"
local json = require "anthropic.json"
local stream = require "anthropic.stream"

local generic = {}

local function read_value(exchange)
  local value, err = answer.read_json(exchange)
  if err then
    return nil, err
  end
  exchange:finish()
  return { value = value }
end

---@param client anthropic.Client
---@param spec table
---@param given? table
function generic.request(client, spec, given)
  local body = spec.body
  if body ~= nil and type(body) ~= "string" then
    local message
    body, message = json.encode(body)
    if not body then
      return nil, errors.invalid_request(message)
    end
  end
  local method = spec.method or (body and "POST" or "GET")
  if not method:match("^%a+$") then
    return nil, errors.invalid_request(("method %q: must be letters"):format(method))
  end
  local exchange, err = client:exchange({
    method = method,
    path = spec.path,
    query = spec.query,
    headers = spec.headers,
    body = body or (method ~= "GET" and method ~= "HEAD" and method ~= "DELETE" and "" or nil),
  }, given)
  if not exchange then
    return nil, err
  end
  if spec.stream then
    return exchange:run(function()
      return stream.new(exchange, not spec.path:match("/v1/messages$"))
    end)
  end
  local result
  result, err = exchange:run(read_value)
  if not result then
    return nil, err
  end
  return result.value, exchange.response
end

return generic
