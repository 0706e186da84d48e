--- The option `middleware`: functions of the caller that each attempt of a request goes through, the first of them
--- outermost.
--
--     anthropic.new { middleware = { function(request, send)
--       request.headers["x-trace"] = trace_id()
--       local response, err = send()
--       print(request.method, request.url, response and response.status or err)
--       return response, err
--     end } }
--
-- The last of them is `resolved.signing`, which signs requests in place of a credential of the options: a function of
-- `request`, `send` and the exchange. It sees the final bytes and all headers, and is not called for another server.
-- `send(nil, true)` adds the credential of the options, too.

local core = require "anthropic.base.core"
local drafts = require "anthropic.http.drafts"
local errors = require "anthropic.base.error"
local headers = require "anthropic.http.headers"
local memory = require "anthropic.base.memory"
local protected = require "anthropic.loop.protected"
local redirects = require "anthropic.http.redirects"
local sending = require "anthropic.http.sending"
local tables = require "anthropic.base.tables"

---@class anthropic.MiddlewareRequest what a middleware may change before it sends: all but `attempt` and `tag`
---@field method string
---@field url string
---@field headers table<string, string|number|false> looked up regardless of case; without credentials
---@field body? string nil for an upload
---@field attempt integer from 1
---@field tag? any the option

---@class anthropic.MiddlewareResponse
---@field status? integer default: 200
---@field headers? table<string, string|number> looked up regardless of case
---@field body? string of a whole answer; nil for one that is still coming: a stream, a download to a file

---@alias anthropic.MiddlewareSend fun(request?: anthropic.MiddlewareRequest): anthropic.MiddlewareResponse?, any

---@alias anthropic.Middleware fun(request: anthropic.MiddlewareRequest, send: anthropic.MiddlewareSend): any, any

local middleware = {}

-- --- what it sees --------------------------------------------------------------------------------

-- Header fields that can be changed, regardless of the case of their names: each keeps the spelling that it had first.
local function fields_of(set, secret)
  local spelling = {}
  local fields = setmetatable({}, {
    spelling = spelling,
    __index = function(fields, name)
      return type(name) == "string" and rawget(fields, name:lower()) or nil
    end,
    __newindex = function(fields, name, value)
      local key = type(name) == "string" and name:lower() or name
      spelling[key] = spelling[key] or name
      rawset(fields, key, value)
    end,
  })
  for _, key in ipairs(set.names) do
    local field = set.fields[key]
    if field.value and not secret[key] then
      fields[field.name] = field.value
    end
  end
  return fields
end

-- The fields with their names as they are spelt.
local function spelt(fields)
  local metatable = type(fields) == "table" and getmetatable(fields)
  local spelling = type(metatable) == "table" and metatable.spelling
  if not spelling then
    return fields
  end
  local result = {}
  for key, value in pairs(fields) do
    result[spelling[key] or key] = value
  end
  return result
end

local function request_of(self, draft)
  return {
    method = draft.method,
    url = draft.url,
    headers = fields_of(draft.set, draft.secret),
    body = draft.body,
    attempt = self.attempt,
    tag = self.exchange.option "tag",
  }
end

-- --- what it brings about ------------------------------------------------------------------------

local function invalid(words)
  return errors.invalid_request("middleware: " .. words)
end

-- Answers that come bit by bit.
local STREAMS = tables.set { "text/event-stream", "application/vnd.amazon.eventstream" }

-- Whether the answer is read before it is handed on; nil and an error if it was interrupted.
local function comes_whole(exchange)
  local spec, response = exchange.spec(), exchange.response
  if response.status < 200 or response.status >= 300 then
    return true
  elseif spec.sink or spec.has_lines or STREAMS[headers.media_type(response.headers)] then
    return false
  end
  local form, err = exchange:read_form()
  if err then
    return nil, err
  end
  return form ~= "events"
end

-- Each response that was handed to a middleware, and its table of headers -> what had come.
local handed = setmetatable({}, { __mode = "k" })

-- The response of what was sent.
local function response_of(self)
  local exchange = self.exchange
  local body
  local is_whole, err = comes_whole(exchange)
  if is_whole then
    body, err = exchange:await_body()
    local failure = body and exchange.response.status < 300 and exchange:failure()
    if failure then
      return nil, failure
    end
  end
  if err then
    return nil, err
  end
  local came = exchange.response.headers
  local response = { status = exchange.response.status, headers = headers.copy(came), body = body }
  self.sent = { headers = came, body = body }
  handed[response], handed[response.headers] = self.sent, self.sent
  return response
end

-- Sends what the last middleware asks for.
local function transmit(self, draft, is_complete)
  local wire, err = self.steps.wire(draft, self.exchange, is_complete)
  if not wire then
    return nil, err
  elseif self.is_over then -- while a credential was waited for
    return nil, errors.cancelled "the attempt has ended"
  end
  if self.has_sent then -- the request before was a try of its own
    self.exchange:enter(self.failure_kind, 0)
  end
  self.exchange:reset()
  self.sent, self.has_sent = nil, true
  local ok, response
  ok, err = redirects.send(self.exchange, wire, self.driver)
  if ok then
    response, err = response_of(self)
  end
  self.failure_kind = err and err.kind or response.status >= 300 and "api" or nil
  return response, err
end

local function changed(self, draft, asked)
  return self.steps.change(draft, {
    method = asked.method, url = asked.url, headers = spelt(asked.headers), body = asked.body,
  })
end

-- Has the request signed, if a credential of the options does not do that.
local function sign(self, asked)
  local draft, err = changed(self, self.draft, asked)
  if not draft then
    return nil, err
  elseif not self.signing or draft.is_elsewhere then
    return transmit(self, draft, false)
  end
  local unsigned = request_of(self, draft)
  return self.signing(unsigned, function(_, takes_credential)
    local signed
    signed, err = changed(self, draft, unsigned)
    if not signed then
      return nil, err
    end
    return transmit(self, signed, not takes_credential)
  end, self.exchange)
end

-- Notes that a send has ended, for whatever reason.
local function leave(at)
  at.self.under_way[at.position] = nil
end

local function call(self, position, asked)
  local f = self.chain[position]
  if not f then
    return sign(self, asked)
  end
  asked.attempt, asked.tag = self.attempt, self.exchange.option "tag"
  return f(asked, function(other)
    if self.is_over then
      return nil, invalid "its send was called after the attempt had ended"
    elseif self.under_way[position] then
      return nil, invalid "its send is already under way: call it again once it has returned"
    end
    self.under_way[position] = true
    return protected.finally_around(function()
      return call(self, position + 1, type(other) == "table" and other or asked)
    end, leave, { self = self, position = position })
  end)
end

-- --- what it returns -----------------------------------------------------------------------------

-- What was raised or returned in place of a response, as an error of the request.
local function error_of(self, reason)
  if errors.is(reason) then
    if reason.history then -- of another request
      reason = errors.new(tables.copy(reason))
      reason.history, reason.attempts = nil, nil
    end
    return reason
  elseif reason == nil then
    return invalid "returned neither a response nor an error"
  end
  return errors.of_caller(reason) or invalid(self.exchange.redact(tostring(reason)))
end

-- Header fields by their names in lower case; nil and what is wrong. Fields of the server's answer are not checked: its
-- names may not be tokens.
local function checked_fields(given, came)
  if given ~= nil and type(given) ~= "table" then
    return nil, "headers: table expected, got " .. type(given)
  end
  local fields, made, set = {}, {}, headers.new()
  for name, value in pairs(given or {}) do
    if type(name) == "string" and value == came[name:lower()] then
      fields[name:lower()] = value
    else
      made[name] = value
    end
  end
  local ok, message = headers.set_all(set, made)
  if not ok then
    return nil, message
  end
  for _, name in ipairs(set.names) do
    fields[name] = set.fields[name].value or nil
  end
  return fields
end

local function is_status(value)
  return type(value) == "number" and value >= 200 and value <= 599 and value % 1 == 0
end

local function problem_of(response)
  if type(response) ~= "table" then
    return "a response is a table, got " .. type(response)
  elseif response.status ~= nil and not is_status(response.status) then
    return "response.status: a number from 200 to 599 expected"
  elseif response.body ~= nil and type(response.body) ~= "string" then
    return "response.body: string expected, got " .. type(response.body)
  end
end

-- The answer is what the middleware made, whatever was sent.
local function put(self, response, fields)
  local status = math.floor(response.status or 200)
  local lines = { ("HTTP/1.1 %d"):format(status) }
  for _, name in ipairs(tables.sorted_keys(fields)) do
    lines[#lines + 1] = name .. ": " .. fields[name]
  end
  self.exchange:reset()
  return sending.answer(self.exchange, {
    status = status, head = table.concat(lines, "\r\n") .. "\r\n\r\n", body = response.body or "",
  }, not self.has_sent and self.unsent or nil)
end

-- The answer is the one that came, with another status or other headers.
local function adopt(self, response, fields)
  sending.set_response(self.exchange, response.status or 200, headers.copy(fields))
  return true
end

local function take(self, response)
  local problem = problem_of(response)
  if problem then
    return nil, invalid(problem)
  end
  local sent, given = self.sent, response.headers
  local came = handed[response] or given and handed[given]
  local fields
  fields, problem = checked_fields(given, (given and handed[given] or sent or { headers = {} }).headers)
  if problem then
    return nil, invalid(problem)
  elseif came and came ~= sent and not came.body and not response.body then
    return nil, invalid "returned a stream or a download of another send than its last"
  elseif sent and sent.body == response.body then -- the same, or a copy of it
    return adopt(self, response, fields)
  end
  return put(self, response, fields)
end

-- The result of the attempt after all calls: `ok` as pcall's.
local function finish(self, ok, response, err)
  local exchange = self.exchange
  self.is_over = true
  if next(self.under_way) and not exchange.closed then -- what was sent is not waited for
    exchange:reset()
  end
  if not ok and (memory.is_lack(response) or exchange.callback_raised) then
    error(response, 0)
  elseif exchange.closed then
    return nil, errors.cancelled "the request was cancelled"
  elseif ok and response then
    local taken
    taken, err = take(self, response)
    if taken then
      return true
    end
  else
    err = error_of(self, not ok and response or err)
  end
  if not self.has_sent and exchange.attempts < self.attempt then -- it counts as an attempt nevertheless
    exchange.attempts = self.attempt
    sending.log_request(exchange, self.unsent)
  end
  return nil, err
end

--- Makes the function that sends requests with the same options through their middleware; nil if they have none.
---@param resolved table options
---@return nil|fun(exchange: anthropic.Exchange, driver: table): true?, anthropic.Error?
function middleware.sender(resolved)
  local chain, signing = resolved.middleware or {}, resolved.signing
  if #chain == 0 and not signing then
    return nil
  end
  local steps = drafts.steps(resolved)
  return function(exchange, driver)
    local draft, err = steps.draft(exchange.spec())
    if not draft then
      return nil, err
    end
    local self = {
      exchange = exchange, driver = driver, steps = steps, chain = chain, signing = signing, draft = draft,
      attempt = exchange.attempts + 1, -- its number
      unsent = steps.wire(draft, exchange, true), -- what is shown if nothing is sent
      has_sent = false,
      is_over = false,
      under_way = {}, -- set of the positions in the chain whose `send` has not returned
      failure_kind = nil, -- of what was sent last
      sent = nil, -- the headers and the body that came for what was sent last
    }
    exchange.attempt_began = core.now()
    sending.show(exchange, self.unsent)
    return finish(self, protected.call(function()
      return call(self, 1, request_of(self, draft))
    end))
  end
end

return middleware
