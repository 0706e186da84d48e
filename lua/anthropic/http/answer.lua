--- What an exchange does with its answer: methods of anthropic.Exchange that read the body, make an error of a failed
--- transfer or of a refusal, and add a message that came to the client's usage.

local errors = require "anthropic.base.error"
local lazy = require "anthropic.base.lazy"
local log = require "anthropic.http.log"
local memory = require "anthropic.base.memory"
local proxy = require "anthropic.http.proxy"
local redirects = require "anthropic.http.redirects"

local error_body = lazy.module_for_failure "anthropic.http.error_body"
local failures = lazy.module_for_failure "anthropic.http.failures"
local retry = lazy.module_for_failure "anthropic.http.retry"

---@class anthropic.Exchange
local Answer = {}

local UNAUTHORIZED, PROXY_AUTHENTICATION_REQUIRED = 401, 407

-- Fills in the fields of every error that came after the request was sent. Its message may quote the server's.
function Answer:describe(err)
  local response = self.response
  err.message = self.redact and self.redact(err.message) or err.message -- nil: no request was made yet
  if response then
    err.headers, err.rate_limit = response.headers, response.rate_limit
    err.request_id = response.request_id or err.request_id
    local has_header = response.headers["retry-after"] ~= nil
    err.retry_after = retry.after(response.headers) or not has_header and err.retry_after or nil
  end
  return err
end

--- The error that the transfer ended with, or nil.
---@return anthropic.Error?
function Answer:failure()
  local name, message, code, verify_result = self.transfer:failure()
  if not name then
    return nil
  end
  local function describe_proxy()
    return proxy.describe(self.way())
  end
  local err = failures.error(name, self.redact(message), code, self.profile, self.response, describe_proxy,
    verify_result)
  err.unprocessed = self.transfer:unprocessed() or nil
  err.status = self.response and self.response.status
  return self:describe(err)
end

--- Waits until the body shows what it is: its content type may say something else.
---@return "events"|"json"|"text"|nil form nil alone: the body ended and showed nothing
---@return anthropic.Error?
function Answer:read_form()
  local form, state = self.transfer:form()
  while not form and state == "again" do
    local ok, err = self:wait()
    if not ok then
      return nil, err
    end
    form, state = self.transfer:form()
  end
  return form
end

local function describe_body(self, body, is_broken_off)
  return log.of_exchange(self, { bytes = #body, response_body = log.body(self, body, is_broken_off) })
end

--- Waits for the whole body.
---@param is_json? boolean it will be decoded: refused if its values would take too much memory
---@return string|nil body as far as it came
---@return anthropic.Error? err why it is missing
function Answer:await_body(is_json)
  local is_wanted = self.spec().takes_any_status
  local body, problem = memory.attempt(self.transfer.body, self.transfer, is_json, is_wanted)
  while not body and not problem do
    local ok, err = self:wait()
    if not ok then
      return nil, err
    end
    body, problem = memory.attempt(self.transfer.body, self.transfer, is_json, is_wanted)
  end
  if not body then
    return nil, self:describe(errors.new { kind = "protocol", message = problem .. " for the answer" })
  end
  return body
end

--- Reads the whole body.
---@param is_json? boolean it will be decoded: refused if its values would take too much memory
---@return string|nil body as far as it came
---@return anthropic.Error? failure why it is not complete
function Answer:read_body(is_json)
  local body, err = self:await_body(is_json)
  if not body then
    return nil, err
  end
  local failure = self:failure()
  log.write(self, "body", describe_body, body, failure ~= nil)
  if failure and body ~= "" then
    failure.body = self.redact(body, nil, true)
  end
  return body, failure
end

local function message_of(self, said, status)
  local location, url = self.response.headers.location, self.url()
  if status and location and url and (status < 400 or not said) then
    return redirects.words(status, url, location)
  end
  return said or status and ("HTTP %d"):format(status) or "the server sent an error without a message"
end

--- An error of kind "api" from the body of a refusal, or from an error in a 200.
---@param body string as it came
---@param status? integer the HTTP status; nil: the status that the error's code or word stands for
---@param name? string of the event whose data the body is
---@return anthropic.Error
function Answer:api_error(body, status, name)
  local said = error_body.read(body, self.redact, name)
  local err = errors.new(said)
  err.kind = "api"
  err.message = message_of(self, said.message, status)
  err.status = status or said.status
  err.type = said.type or err.status and errors.type_of_status(err.status)
  err.body = self.redact(body)
  if err.status == UNAUTHORIZED and self.reject then -- some servers say so in a 200
    self.reject()
  end
  return self:describe(err)
end

-- The answer of a proxy that wants a credential.
local function proxy_refusal(self, body)
  local message = ("response %d"):format(self.response.status)
  local err = failures.error("proxy", message, nil, self.profile, self.response)
  err.unprocessed, err.status, err.body = true, self.response.status, self.redact(body)
  return self:describe(err)
end

--- The error of an answer that is not a success.
---@return anthropic.Error
function Answer:refusal()
  local body, failure = self:read_body()
  if not body then
    return failure
  end
  body = failure and failure.body or body
  if self.response.status == PROXY_AUTHENTICATION_REQUIRED
    and (proxy.may_answer(self.way()) or self.response.headers["proxy-authenticate"]) then
    return proxy_refusal(self, body)
  end
  local word = self.response.headers["x-amzn-errortype"] -- AWS's, with a URL behind it
  return self:api_error(body, self.response.status, word and word:match "^[^:]*")
end

--- For pools: notes what an answer names. Requests that name the same go to the same server.
---@param value any
function Answer:note(value)
  if self.shared.names then
    self.shared.names:learn(value, self.spec().params)
  end
end

--- Adds a message that came to the client's usage.
---@param message anthropic.Message
function Answer:count(message)
  self:note(message)
  self.message = message
  self.shared.usage:add(message)
end

return Answer
