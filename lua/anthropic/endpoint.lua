--- From a row of resources.lua, or from `client:request`, to a request and its result.

local answer = require "anthropic.answer"
local errors = require "anthropic.error"
local json = require "anthropic.json"
local pages = require "anthropic.pages"
local request = require "anthropic.request"
local stream = require "anthropic.stream"

local endpoint = {}

-- Parameters that travel as headers, where a row says so.
local HEADERS = {
  user_profile_id = "anthropic-user-profile-id",
  workspace_id = "anthropic-workspace-id",
  worker_id = "Anthropic-Worker-ID",
}

local BODILESS = { GET = true, HEAD = true, DELETE = true }

-- --- sending -------------------------------------------------------------------------------------

local function read_value(exchange)
  local value, err = answer.read_json(exchange)
  if err then
    return nil, err
  end
  exchange:finish()
  return { value = value ~= json.null and value or nil }
end

local function read_bytes(exchange)
  local body, err = exchange:read_body()
  if err then
    return nil, err
  end
  exchange:finish()
  return { value = body }
end

local function encode_body(spec)
  if type(spec.body) == "table" then
    return json.encode(spec.body)
  elseif spec.body == nil and not BODILESS[spec.method] then
    return ""
  end
  return spec.body
end

-- Sends; gives a stream, or a result and the exchange, or nil and an error.
local function exchange_of(client, spec, given)
  if not spec.method:match "^%a+$" then
    return nil, errors.invalid_request(("method %q: must be letters"):format(spec.method))
  end
  local body, message = encode_body(spec)
  if message then
    return nil, errors.invalid_request(message)
  end
  spec.body = body
  local exchange, err = client:exchange(spec, given)
  if not exchange then
    return nil, err
  elseif spec.stream then
    return exchange:run(function()
      return stream.new(exchange, not spec.path:match "/v1/messages$")
    end)
  end
  local result
  result, err = exchange:run(spec.binary and read_bytes or read_value)
  return result, err or exchange
end

-- Sends; gives a stream, or the value and the response, or nil and an error.
local function send(client, spec, given)
  local result, exchange = exchange_of(client, spec, given)
  if not result then
    return nil, exchange
  elseif spec.stream then
    return result
  end
  return result.value, exchange.response
end

--- Sends what has no name yet: see Client:request.
---@param client anthropic.Client
---@param spec table
---@param given? table checked options
function endpoint.request(client, spec, given)
  local copy = {}
  for name, value in pairs(spec) do
    copy[name] = value
  end
  copy.method = spec.method or (spec.body and "POST" or "GET")
  return send(client, copy, given)
end

-- --- rows ----------------------------------------------------------------------------------------

local function set_of(words)
  local set = {}
  for word in (words or ""):gmatch "[^,]+" do
    set[word] = true
  end
  return set
end

local function parse(row)
  local method, path, rest = row:match "^(%S+) (%S+)(.*)$"
  local parsed = { method = method, path = "/" .. path, names = {} }
  for name in path:gmatch "{([%w_]+)}" do
    parsed.names[#parsed.names + 1] = name
  end
  for word in rest:gmatch "%S+" do
    local name, value = word:match "^(%w+)=(.*)$"
    parsed[name or word] = value or true
  end
  parsed.headers, parsed.query = set_of(parsed.headers), set_of(parsed.query)
  return parsed
end

-- A path parameter must stay one segment: empty, "." and ".." would name another path.
local function fill_path(row, values)
  local problem
  local path = row.path:gsub("{([%w_]+)}", function(name)
    local value = values[name]
    if value == "" or value == "." or value == ".." then
      problem = ("%s: %q is no path segment"):format(name, value)
    end
    return (request.escape(value))
  end)
  return path, problem
end

-- Divides the parameters among headers, betas, query and body.
local function divide(row, params)
  local parts = { headers = {}, query = {}, body = nil, betas = nil }
  for name, value in pairs(params or {}) do
    if name == "betas" then
      parts.betas = value
    elseif row.headers[name] then
      parts.headers[HEADERS[name]] = value
    elseif BODILESS[row.method] or row.query[name] then
      parts.query[name] = value
    else
      parts.body = parts.body or {}
      parts.body[name] = value
    end
  end
  return parts
end

local function join(list, name)
  local joined = {}
  for i, item in ipairs(list or {}) do
    joined[i] = item
  end
  joined[#joined + 1] = name
  return joined
end

local function spec_of(row, path, parts)
  return {
    method = row.method,
    path = path,
    query = parts.query,
    headers = parts.headers,
    betas = join(parts.betas, row.beta),
    body = parts.body,
    stream = row.stream,
    binary = row.binary,
    accept = row.binary and "*/*" or nil,
  }
end

local function list(client, row, path, parts, given)
  local function fetch(query)
    parts.query = query
    local result, exchange = exchange_of(client, spec_of(row, path, parts), given)
    if not result then
      return nil, exchange
    elseif type(result.value) ~= "table" or result.value[1] ~= nil then
      return nil, answer.protocol_error(exchange, "the answer is no page of a list")
    end
    return pages.new(result.value, exchange.response, row.pages, query, fetch, exchange.option "loop")
  end
  return fetch(parts.query)
end

--- A method of a row: `names` of its path parameters, and `call` with their values.
---@param text string the row
---@param beta? string of its resource
---@return table { names: string[], call: function }
function endpoint.method(text, beta)
  local row = parse(text)
  row.beta = row.beta or beta
  return {
    names = row.names,
    call = function(client, values, params, given)
      local path, problem = fill_path(row, values)
      if problem then
        return nil, errors.invalid_request(problem)
      end
      local parts = divide(row, params)
      if row.pages then
        return list(client, row, path, parts, given)
      end
      return send(client, spec_of(row, path, parts), given)
    end,
  }
end

return endpoint
