--- A request of `anthropic.http`: its checks, and the exchange that it becomes.

local check = require "anthropic.base.check"
local core = require "anthropic.base.core"
local download = require "anthropic.http.download"
local errors = require "anthropic.base.error"
local exchange = require "anthropic.http.exchange"
local multipart = require "anthropic.http.multipart"
local options = require "anthropic.http.options"
local plain_request = require "anthropic.http.plain_request"
local plain_response = require "anthropic.http.plain_response"
local protected = require "anthropic.loop.protected"
local tables = require "anthropic.base.tables"

local call = {}

local ROWS = {
  url = { expected = "string", check = check.of_type("string").check, hidden = true },
  method = check.of_type "string",
  headers = check.of_type "table",
  secret_headers = { expected = "a list of strings", check = check.is_list_of_strings },
  body = { expected = "string", check = check.of_type("string").check, hidden = true },
  body_file = check.of_type "string",
  multipart = check.of_type "table",
  path = check.of_type "string",
  redirects = check.whole(0),
}

local HANDLERS = {
  on_response = check.of_type "function",
  on_line = check.of_type "function",
  on_event = check.of_type "function",
  on_bytes = check.of_type "function",
  on_done = check.of_type "function",
}

local rows

--- Raises if a request has a member that does not exist, or a value of a wrong type.
---@param request anthropic.http.Request
---@param level integer where to put the blame, as in `error`
function call.check(request, level)
  if type(request) ~= "table" or request.url == nil then
    error("a request is a table with a url", level + 1)
  end
  rows = rows or tables.merge(options.transport_rows(), ROWS)
  options.check_rows("field", request, rows, level + 1)
end

--- The same for handlers of a request.
---@param handlers anthropic.http.Handlers
---@param request anthropic.http.Request checked
---@param level integer
function call.check_handlers(handlers, request, level)
  if type(handlers) ~= "table" then
    error("handlers: table expected, got " .. type(handlers), level + 1)
  end
  options.check_rows("handler", handlers, HANDLERS, level + 1)
  local count = (handlers.on_line and 1 or 0) + (handlers.on_event and 1 or 0) + (handlers.on_bytes and 1 or 0)
  if count > 1 then
    error("handlers: one of on_line, on_event and on_bytes", level + 1)
  elseif count > 0 and request.path ~= nil then
    error("path: excludes on_line, on_event and on_bytes", level + 1)
  end
end

-- --- what goes out -------------------------------------------------------------------------------

local BODIES = { "body", "body_file", "multipart" }

-- What is wrong with a request, or nil.
local function problem_of(request, method)
  local body
  for _, name in ipairs(BODIES) do
    if request[name] ~= nil and body then
      return ("%s: excludes %s"):format(body, name)
    end
    body = body or request[name] ~= nil and name
  end
  if not method:find "^%a+$" then
    return ("method %q: must be letters"):format(method)
  elseif body and method == "HEAD" then
    return body .. ": a HEAD request has none"
  elseif (request.body_file or ""):find "%z" then
    return "body_file: must not contain NUL"
  end
end

local function has_body(request)
  return request.body ~= nil or request.body_file ~= nil or request.multipart ~= nil
end

local function lower_set(names)
  local set = {}
  for _, name in ipairs(names or {}) do
    set[name:lower()] = true
  end
  return set
end

-- A request without retries must not take a connection that its server is about to close. (By HTTP/2 that would mean a
-- new connection for each request.)
local function policy_of(resolved)
  return resolved.max_retries == 0 and resolved.http_version == "1.1" and "safe" or nil
end

local function make_spec(request, resolved)
  local method = (request.method or has_body(request) and "POST" or "GET"):upper()
  local problem, parts, sink, err = problem_of(request, method), nil, nil, nil
  if request.multipart and not problem then
    parts, problem = multipart.list(request.multipart)
  end
  if request.path ~= nil and not problem then
    sink, err = download.open(request.path)
  end
  if problem or err then
    return nil, err or errors.invalid_request(problem)
  end
  return {
    method = method,
    url = request.url,
    headers = tables.copy(request.headers or {}),
    secret_headers = lower_set(request.secret_headers),
    body = request.body,
    body_file = request.body_file and core.whole_path(request.body_file), -- a later attempt reads the same file
    multipart = parts,
    sink = sink,
    redirects = request.redirects or 0,
    retry = policy_of(resolved),
    takes_any_status = true,
  }
end

--- Prepares the exchange of a request; nothing is sent yet.
---@param request anthropic.http.Request checked
---@return anthropic.Exchange|nil
---@return anthropic.Error|userdata|nil sink if the answer goes to a file: the caller closes it
function call.prepare(request)
  local resolved = options.of_transport(request)
  local spec, err = make_spec(request, resolved)
  if not spec then
    return nil, err
  end
  local profile = exchange.profile(resolved, plain_request.builder(resolved), "url")
  return exchange.new(spec, profile, {}), spec.sink
end

-- --- what comes back -----------------------------------------------------------------------------

--- Reads the answer of an exchange whose headers have come: into the response's `body`, or the file.
---@param made anthropic.Exchange
---@param response anthropic.http.Response
---@param request anthropic.http.Request
---@param sink? userdata
---@return anthropic.http.Response|nil
---@return anthropic.Error?
function call.read(made, response, request, sink)
  local body, err = made:read_body()
  if not body or err then
    return nil, err
  elseif sink and response.status >= 200 and response.status < 300 then
    local problem = download.problem_of_part(made) or select(2, download.commit(made, sink, request.path))
    if problem then
      return nil, problem
    end
  else
    response.body = body
  end
  made:finish()
  response.timings = made.response.timings
  return response
end

--- Sends a request and waits for the whole answer.
---@param request anthropic.http.Request checked
---@param outer? anthropic.Exchange that needs the answer: this request ends with it, and no later
---@return anthropic.http.Response|nil
---@return anthropic.Error?
function call.run(request, outer)
  local made, sink = call.prepare(request)
  if not made then
    return nil, sink
  elseif outer then
    made.deadline = math.min(made.deadline, outer.deadline)
    outer.inner = made
  end
  local function send()
    return made:run(function()
      local came, attach = plain_response.of(made)
      local whole, problem = call.read(made, came, request, sink)
      return whole, problem and attach(problem)
    end)
  end
  local response, err
  if sink then
    response, err = protected.finally_around(send, sink.close, sink)
  else
    response, err = send()
  end
  if outer then
    outer.inner = nil
  end
  return response, err
end

return call
