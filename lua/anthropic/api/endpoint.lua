--- From a row of resources.lua, or from `client:request`, to a request and its result.

local check = require "anthropic.base.check"
local responses = require "anthropic.message.response"
local download = require "anthropic.http.download"
local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"
local option_changes = require "anthropic.http.option_changes"
local params_of = require "anthropic.api.params"
local multipart = require "anthropic.http.multipart"
local pages = require "anthropic.api.pages"
local protected = require "anthropic.loop.protected"
local request = require "anthropic.http.request"
local stream = require "anthropic.stream"
local tables = require "anthropic.base.tables"
local urls = require "anthropic.http.url"

---@class anthropic.DownloadParams the parameters of a download
---@field path? string the file to write, by a temporary name until it is whole. Without it the bytes are returned
---@field [string] any a further parameter of the request

---@class anthropic.Download what a download to a file returns
---@field path string as it was given
---@field bytes integer length of the file
---@field response anthropic.Response never encoded

local endpoint = {}

local ANYTHING = "*/*" -- what bytes are accepted as
local BODILESS = { GET = true, HEAD = true, DELETE = true }

-- --- sending -------------------------------------------------------------------------------------

-- Methods whose success says it all, and statuses that stand for an answer without a body.
local SILENT_METHODS = { DELETE = true, HEAD = true }
local SILENT_STATUSES = { [202] = true, [204] = true, [205] = true }

local function may_be_empty(spec, status)
  return SILENT_METHODS[spec.method] or SILENT_STATUSES[status]
end

local function read_value(exchange, spec)
  local value, err = responses.read_json(exchange, spec.is_open, may_be_empty(spec, exchange.response.status))
  if err then
    return nil, err
  end
  local ok
  ok, err = exchange:finish()
  exchange:note(value)
  return ok and { value = value }, err
end

local function read_bytes(exchange)
  local body, err = exchange:read_body()
  err = err or download.problem_of_part(exchange)
  if err then
    return nil, err
  end
  local ok
  ok, err = exchange:finish()
  return ok and { value = body }, err
end

-- The body goes to the file; `read_bytes` only waits for its end.
local function read_file(exchange, spec)
  local result, err = read_bytes(exchange)
  if not result then
    return nil, err
  end
  local bytes
  bytes, err = download.commit(exchange, spec.sink, spec.target)
  if not bytes then
    return nil, err
  end
  return { value = { path = spec.target, bytes = bytes } }
end

-- A stream of any kind cannot be told from a page of HTML by its content: its content type has to call it a
-- stream. An answer without a body is not one.
local function read_stream(exchange)
  local response = exchange.response
  local is_stream = responses.is_event_stream(response) or responses.is_aws_event_stream(response)
  if is_stream and not SILENT_STATUSES[response.status] then
    return { value = stream.new(exchange, true) }
  end
  return nil, responses.no_stream_error(exchange)
end

local function reader_of(spec)
  return spec.stream and read_stream or spec.sink and read_file or spec.binary and read_bytes or read_value
end

-- Replaces what the caller passed by what is sent, and opens the file that is to be written. Returns
-- what is wrong.
local function prepare(spec)
  local message, err
  if spec.multipart then
    spec.multipart, message = multipart.parts(spec.multipart)
  elseif type(spec.body) == "table" then
    spec.model = spec.body.model
    spec.body, message = json.encode_request(spec.body)
  elseif spec.body == nil and not BODILESS[spec.method] then
    spec.body = ""
  end
  if spec.target ~= nil and not message then
    spec.sink, err = download.open(spec.target)
  end
  return message and errors.invalid_request(message) or err
end

local function run(client, spec, given)
  local exchange, err = client:exchange(spec, given)
  if not exchange then
    return nil, err
  end
  local read = reader_of(spec)
  local result, failure = exchange:run(function()
    return read(exchange, spec)
  end)
  return result, result and exchange or failure
end

-- Sends; returns a result and the exchange, or nil and an error.
local function exchange_of(client, spec, given)
  local err = prepare(spec)
  if err then
    return nil, err
  elseif not spec.sink then
    return run(client, spec, given)
  end
  return protected.finally_around(function()
    return run(client, spec, given)
  end, spec.sink.close, spec.sink)
end

-- A table whose `response` can be read, unless the answer has a field of that name. It is not a field of the table: it
-- is neither iterated over nor encoded.
local function with_response(value, response)
  local members = { response = response }
  if type(value) ~= "table" then
    return value
  elseif json.is_array(value) then
    return json.list(value, members)
  end
  local metatable = getmetatable(value)
  return setmetatable(value, { __index = members, __nulls = metatable and metatable.__nulls })
end

-- Sends; returns a stream or the value, or nil and an error.
local function send(client, spec, given)
  local result, exchange = exchange_of(client, spec, given)
  if not result then
    return nil, exchange
  elseif spec.stream then
    return result.value
  end
  return with_response(result.value, exchange.response)
end

local LIST_OF_STRINGS = { expected = "list of strings", check = check.is_list_of_strings }

-- What `client:request` takes.
local FIELDS = {
  method = check.of_type "string",
  path = check.of_type "string",
  query = check.of_type "table",
  body = check.of_type("string", "table"),
  multipart = check.of_type "table",
  headers = check.of_type "table",
  betas = LIST_OF_STRINGS,
  stream = check.of_type "boolean",
  binary = check.of_type "boolean",
  accept = check.of_type "string",
}

local function problem_of(name, row, value)
  if not row then
    return ("unknown field %q; did you mean %q?"):format(tostring(name), check.nearest(name, FIELDS))
  elseif not row.check(value) then
    local got = row == LIST_OF_STRINGS and "" or ", got " .. type(value)
    return ("%s: %s expected%s"):format(name, row.expected, got)
  end
end

-- The headers of a request decide on its credential as those of its options do.
local function with_headers(given, fields)
  if not fields or next(fields) == nil then
    return given
  end
  local joined = tables.copy(given or {})
  joined.headers = option_changes.joined_headers(fields, joined.headers or {})
  return joined
end

--- Sends a request that has no method yet: see Client:request.
---@param client anthropic.Client
---@param spec table
---@param given? table checked options
function endpoint.request(client, spec, given)
  local copy, problem = {}, nil
  for name, value in pairs(spec) do
    problem = problem or problem_of(name, FIELDS[name], value)
    copy[name] = value
  end
  copy.is_open = true -- its answer may have any form
  local err
  copy.body, err = params_of.complete_any(client, spec.body, given, true)
  local body = spec.body ~= nil and "body" or spec.multipart ~= nil and "multipart" or nil
  copy.method = spec.method or (body and "POST" or "GET")
  copy.accept = spec.accept or spec.binary and ANYTHING or nil
  if problem or err then
    return nil, problem and errors.invalid_request(problem) or err
  elseif not copy.method:match "^%a+$" then
    return nil, errors.invalid_request(("method %q: must be letters"):format(copy.method))
  end
  copy.method = copy.method:upper()
  if spec.body and spec.multipart then
    return nil, errors.invalid_request "body: excludes multipart"
  elseif body and copy.method == "HEAD" then
    return nil, errors.invalid_request(body .. ": a HEAD request has none")
  end
  return send(client, copy, with_headers(given, spec.headers))
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
      problem = ("%s: %q is not a path segment"):format(name, value)
    end
    return (urls.escape(value))
  end)
  return path, problem
end

-- Divides the parameters among headers, betas, query and body; the `path` of a download is not sent.
local function divide(row, params)
  local parts = { headers = {}, query = {}, body = nil, betas = nil }
  for name, value in pairs(params or {}) do
    if name == "betas" then
      parts.betas = value
    elseif row.headers[name] then
      parts.headers[request.PARAMETER_HEADERS[name]] = value
    elseif row.binary and name == "path" then
      parts.target = value
    elseif BODILESS[row.method] or row.query[name] then
      parts.query[name] = value
    else
      parts.body = parts.body or {}
      json.set(params, parts.body, name)
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
    body = not row.multipart and parts.body or nil,
    multipart = row.multipart and (parts.body or {}) or nil,
    target = parts.target,
    stream = row.stream,
    binary = row.binary,
    accept = row.binary and ANYTHING or nil,
    retry = row.retry,
  }
end

-- Whether an answer can be a page: an answer that lists its items in another form would lose them.
local function is_page(value)
  if type(value) ~= "table" or value[1] ~= nil then
    return false
  end
  local data = value.data
  return data == nil or type(data) == "table" and (next(data) == nil or json.is_array(data))
end

local function list(client, row, path, parts, given)
  local member -- the pool's member that has the list
  local function fetch(query)
    parts.query = query
    local spec = spec_of(row, path, parts)
    spec.member = member
    local result, exchange = exchange_of(client, spec, given)
    member = result and exchange.member or member
    if not result then
      return nil, exchange
    elseif not is_page(result.value) then
      return nil, responses.protocol_error(exchange, "the answer is not a page of a list")
    end
    return pages.new(result.value, exchange.response, row.pages, query, fetch, exchange.option "loop")
  end
  return fetch(parts.query)
end

-- The body of a request as a member of a pool takes it.
local function remake(member, row, params, given)
  local whole, err = params_of.complete_any(member, params, given)
  if not whole then
    return nil, err
  end
  local body = divide(row, whole).body
  local text, problem = json.encode_request(body)
  if not text then
    return nil, errors.invalid_request(problem)
  end
  return { body = text, model = body.model }
end

-- The path of a request as a member of a pool takes it, which may have another name for the model.
local function remake_path(member, row, values, given)
  local names = member:options_for(given) "model_names" or {}
  local path, problem = fill_path(row, tables.merge(tables.copy(values), { model_id = names[values.model_id] }))
  if problem then
    return nil, errors.invalid_request(problem)
  end
  return { path = path }
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
      if params and params.betas ~= nil then
        problem = problem or problem_of("betas", LIST_OF_STRINGS, params.betas)
      end
      if problem then
        return nil, errors.invalid_request(problem)
      end
      local whole, err = params_of.complete_any(client, params, given)
      if err then
        return nil, err
      end
      local parts = divide(row, whole)
      if row.pages then
        return list(client, row, path, parts, given)
      end
      local spec = spec_of(row, path, parts)
      spec.params = params
      if type(spec.body) == "table" then
        spec.remake = function(member)
          return remake(member, row, params, given)
        end
      elseif values.model_id then
        spec.remake = function(member)
          return remake_path(member, row, values, given)
        end
      end
      return send(client, spec, given)
    end,
  }
end

return endpoint
