--- One attempt of an exchange: its request goes out, until the headers of the answer have come.

local require = require
local core = require "anthropic.base.core"
local draining = require "anthropic.loop.draining"
local errors = require "anthropic.base.error"
local headers = require "anthropic.http.headers"
local lazy = require "anthropic.base.lazy"
local log = require "anthropic.http.log"
local loop = require "anthropic.loop"
local options = require "anthropic.http.options"
local shown_url = require "anthropic.http.shown_url"
local waiting = require "anthropic.loop.waiting"
local urls = require "anthropic.http.url"

local failures = lazy.module_for_failure "anthropic.http.failures"

local sending = {}

-- A request that must not go out twice takes no connection that was idle for so many seconds: its server may be about
-- to close it.
local LONGEST_IDLE = 5

local UNAUTHORIZED = 401

-- Decides whether libcurl may send a request again by itself, and which connection it may take. After a loss it takes a
-- new one: by HTTP/2, where many requests are lost at once and can share one, after the second loss. On a connection
-- that was used before, libcurl does not tell whether the server refused a stream of HTTP/2.
local function choose_connection(self, wire)
  local is_safe = self.policy == "safe"
  wire.once = is_safe or self.retries >= self.option "max_retries"
  local max_idle = math.min(self.option "max_idle" or math.huge, is_safe and LONGEST_IDLE or math.huge)
  wire.max_idle = max_idle < 2 ^ 31 and math.floor(max_idle) or nil -- libcurl counts whole seconds
  if self.lost == "downgraded" then
    wire.http2 = false
  end
  if wire.http2 then
    wire.fresh = is_safe or self.losses > 1
  else
    wire.fresh = self.losses > 0
  end
  wire.fresh = wire.fresh or wire.max_idle == 0
end

-- An error before anything was sent.
local function unsent(name, message, profile)
  local err = failures.error(name, message, nil, profile)
  err.unprocessed = true
  return err
end

local function cancelled()
  return errors.cancelled "the request was cancelled"
end

-- Starts the transfer of a request.
local function start(exchange, wire, turn)
  local unsettled, seconds = draining.unsettled()
  if unsettled and not waiting.wait(exchange.option "loop", unsettled, seconds) or exchange.closed
    or exchange.turn ~= turn then
    local err = cancelled()
    err.unprocessed = true
    return nil, err
  end
  local left = exchange.deadline - core.now()
  if left <= 0 then
    return nil, unsent("total", "", exchange.profile)
  end
  choose_connection(exchange, wire)
  wire.total_timeout = left < math.huge and left or nil
  wire.record, wire.takes_json = exchange.shared.observer ~= nil, exchange.profile.takes_json
  local transfer, message, reason = loop.core():start(wire)
  if not transfer then
    return nil, unsent(reason or "connection", message, exchange.profile)
  end
  exchange.transfer = transfer
  if exchange.guard then -- its end is to be recorded
    loop.own(transfer, exchange)
  end
  return true
end

--- Sets the response that a caller sees.
---@param self anthropic.Exchange
---@param status integer
---@param fields table<string, string> without secrets
function sending.set_response(self, status, fields)
  self.response = {
    status = status,
    headers = fields,
    request_id = fields["request-id"] or fields["x-request-id"] or fields["x-amzn-requestid"],
    attempts = self.attempts,
    member = self.member,
    rate_limit = headers.rate_limit(fields),
  }
end

-- Sets the response of the transfer. Returns the header fields as they came.
local function read_response(self)
  local block = self.transfer:headers()
  local came = headers.parse(block)
  local fields = self.redact(block) ~= block and headers.redacted(came, self.redact) or came
  sending.set_response(self, self.transfer:status(), fields)
  return came
end

local function describe_request(self, wire)
  return {
    method = wire.method,
    url = shown_url.text(wire.url, wire.secrets, wire.redact),
    request_body = log.body(self, wire.body),
  }
end

local function describe_response(self)
  return log.of_exchange(self, { seconds = core.now() - self.attempt_began })
end

--- Sets how a request is shown. The function is made here: when nginx ends a request, it empties its stack, and with it
--- the variables of functions that have not returned.
---@param self anthropic.Exchange
---@param wire table
function sending.show(self, wire)
  self.redact, self.url = wire.redact, function()
    return shown_url.text(urls.without_query(wire.url), wire.secrets, wire.redact)
  end
end

-- Begins an attempt, and sets what an error or a record shows of it. The functions are made here for the same reason.
local function begin(self, wire)
  self.way = function() return wire.url, wire.proxy end
  sending.show(self, wire)
  self.can_renew, self.reject = wire.reject ~= nil, wire.reject
  self.under_way = true
  self.attempts = self.attempts + 1
  self.attempt_began = core.now()
  local option = self.option
  self.request = function() -- for err:to_curl(); behind a function, as the options are
    return require("anthropic.http.curl_command").describe({ option = option, redact = wire.redact }, wire)
  end
end

--- Records that an attempt begins, even one that a middleware answers: each has its record, whatever comes of it.
---@param self anthropic.Exchange
---@param wire table
function sending.log_request(self, wire)
  log.write(self, "request", describe_request, wire)
end

--- Sends the request of an exchange and waits for the headers of its answer.
---@param self anthropic.Exchange
---@param wire table as request.builder's function made it
---@param driver table of the calling code
---@return table<string, string>|nil fields of the answer's headers, as they came
---@return anthropic.Error? err if no answer came
function sending.send(self, wire, driver)
  lazy.load_for_failure() -- later there may be no descriptor for that
  local turn = self.turn
  begin(self, wire)
  sending.log_request(self, wire)
  local ok, err = start(self, wire, turn)
  while ok and not self.transfer:status() do
    if self.transfer:done() then
      return nil, self:failure()
    end
    ok, err = self:wait(driver)
  end
  if not ok then
    return nil, err
  end
  local fields = read_response(self)
  if self.response.status == UNAUTHORIZED and wire.reject then
    wire.reject()
  end
  log.write(self, "response", describe_response)
  if self.turn ~= turn then -- on_log has waited
    return nil, cancelled()
  end
  return fields
end

--- Makes an answer come at once that no server sent.
---@param self anthropic.Exchange
---@param answer { status: integer, head: string, body: string }
---@param wire? table the request that it answers; nil: the one that was sent
---@return true|nil
---@return anthropic.Error?
function sending.answer(self, answer, wire)
  if wire then
    begin(self, wire)
    sending.log_request(self, wire)
  end
  local transfer, message, reason = loop.core():answer {
    method = "GET",
    url = (self.way()),
    sink = self.spec().sink,
    record = self.shared.observer ~= nil,
    max_body_bytes = self.option "max_response_bytes",
    max_event_bytes = options.event_limit(self.option),
    takes_json = self.profile.takes_json,
    answer = answer,
  }
  if not transfer then
    return nil, unsent(reason or "connection", message, self.profile)
  end
  self.transfer, self.under_way = transfer, true
  read_response(self)
  log.write(self, "response", describe_response)
  return true
end

return sending
