--- The one shape of every failure.
--
--     local message, err = client.messages.create(params)
--     if not message then
--       print(err)             -- anthropic: api error 529 overloaded_error: Overloaded (req_1)
--       print(err.kind, err.status, err.retry_after)
--     end

local printable = require "anthropic.base.printable"

--- What `err.kind` can be.
---@alias anthropic.ErrorKind
---| "api" # the server refused the request, or sent an `error` event: see `status`, `type` and `message`
---| "connection" # no connection, or a broken one: the name, the address, TLS, a proxy, the network
---| "timeout" # `err.timeout` names the one of the option `timeout` that ran out
---| "truncated" # the answer ended before its end
---| "protocol" # the answer is no message, breaks HTTP's rules, or is above a limit
---| "cancelled" # the program cancelled it: `task:cancel`, `stream:close`, `client:close`
---| "invalid_request" # refused before anything was sent: the message names what is wrong

--- What `err.type` is, in the API's own words; other servers have further ones.
---@alias anthropic.ErrorType
---| "invalid_request_error" # status 400: the request is wrong
---| "authentication_error" # status 401: the credential is wrong or missing
---| "billing_error" # status 402: the account cannot pay
---| "permission_error" # status 403: the credential does not allow it
---| "not_found_error" # status 404: there is no such thing, or `base_url` is wrong
---| "conflict_error" # status 409: what the request changes has changed
---| "request_too_large" # status 413: the request is too large
---| "rate_limit_error" # status 429: too many requests or tokens
---| "api_error" # status 500: the server failed
---| "timeout_error" # status 504, 408: the server took too long
---| "overloaded_error" # status 529: the server has too much to do
---| "cannot_wait" # this library's own: the calling code cannot be suspended; see [waiting](waiting.md)

---@class anthropic.Error `tostring(err)` is one line: kind, status, type, message and request ID, never a credential
---@field kind anthropic.ErrorKind
---@field message string what happened, and what to do
---@field type? anthropic.ErrorType|string the API's error type, or the one that the status stands for
---@field status? integer HTTP status; of an error inside a 200 the status that its code or its type stands for
---@field in_stream? boolean true for an `error` event
---@field request_id? string the API's ID of the request
---@field headers? table<string, string> of the response, names in lower case
---@field body? string of the response, without secrets
---@field url? string that was asked, without its query
---@field timeout? "connect"|"first_byte"|"idle"|"total" the timeout that ran out
---@field rate_limit? table<string, anthropic.RateLimit> from the `anthropic-ratelimit-*` headers
---@field retry_after? number seconds that the server asked to wait
---@field code? integer libcurl's number, if it has one for the failure
---@field response? anthropic.http.Response of `anthropic.http`: the interrupted response, as far as it came
---@field retryable? boolean false: sending it again will not help, as the server said or a proxy refuses
---@field unprocessed? boolean true: the server cannot have acted: nothing was sent, or it said so (HTTP/2)
---@field details? any of the API's error object
---@field attempts? integer how often the request was sent
---@field history? anthropic.Attempt[] one entry for each attempt
---@field partial? anthropic.Message the part of the answer that came
---@field batches? string[] of batches.run: the IDs to resume with
---@field results? table<string, anthropic.BatchResult> of batches.run: the results that came
---@field report? anthropic.BatchReport of batches.run: the counts so far
---@field messages? table of messages.map, when all was cancelled: the messages that came
---@field errors? table of messages.map, when all was cancelled: the errors of those that failed
---@field run? anthropic.Run of messages.run: what was done before the failure
local Error = {}
Error.__index = Error

local errors = {}

--- The API's error types and the HTTP statuses that they stand for. The names that other servers use are in
--- http/error_codes.lua.
errors.STATUS_OF_TYPE = {
  invalid_request_error = 400,
  authentication_error = 401,
  billing_error = 402,
  permission_error = 403,
  not_found_error = 404,
  conflict_error = 409,
  request_too_large = 413,
  rate_limit_error = 429,
  api_error = 500,
  timeout_error = 504,
  overloaded_error = 529,
}

local TYPE_OF_STATUS = { [408] = "timeout_error" }
for name, status in pairs(errors.STATUS_OF_TYPE) do
  TYPE_OF_STATUS[status] = name
end

-- error -> the function that makes its curl command. Kept out of the error's table: a body may be large.
local commands = setmetatable({}, { __mode = "k" })

--- Makes an error of the fields given.
---@param fields table `kind` and `message`, and what else applies
---@return anthropic.Error
function errors.new(fields)
  return setmetatable(fields, Error)
end

--- Whether a value is an error of this library.
function errors.is(value)
  return getmetatable(value) == Error
end

local function as_text(value)
  local kind = type(value)
  return (kind == "string" or kind == "number" or kind == "boolean") and tostring(value) or nil
end

local function as_number(value)
  local number = tonumber(value)
  return number and number >= 0 and number or nil
end

-- The fields that the library reads. Those from a header are texts.
local READ = {
  message = as_text, type = as_text, request_id = as_text, timeout = as_text,
  status = as_number, retry_after = as_number,
}

--- The error that a caller's table describes, as `{ kind = "connection", message = "no token" }`; nil for other values.
---@param value any
---@return anthropic.Error?
function errors.of_caller(value)
  if type(value) ~= "table" or type(value.kind) ~= "string" then
    return nil
  end
  local fields = {}
  for name, field in pairs(value) do
    fields[name] = not READ[name] and field or nil
  end
  for name, read in pairs(READ) do
    fields[name] = read(value[name])
  end
  fields.message = fields.message or "no message was given"
  return errors.new(fields)
end

--- An error of kind "invalid_request".
---@param message string
---@return anthropic.Error
function errors.invalid_request(message)
  return errors.new { kind = "invalid_request", message = message }
end

--- An error of kind "cancelled".
---@param what string that was ended: "the request was cancelled"
---@return anthropic.Error
function errors.cancelled(what)
  return errors.new { kind = "cancelled", message = what }
end

--- The HTTP status that an API error type stands for, or nil.
---@param name? string
---@return integer?
function errors.status_of_type(name)
  return errors.STATUS_OF_TYPE[name]
end

--- The API error type that an HTTP status stands for; nil below 400.
---@param status integer
---@return string?
function errors.type_of_status(status)
  return TYPE_OF_STATUS[status] or status >= 500 and "api_error" or status >= 400 and "invalid_request_error" or nil
end

--- Sets the function that makes what `to_curl` returns.
---@param err anthropic.Error
---@param make fun(): string|nil, string?
function errors.set_command(err, make)
  commands[err] = make
end

--- Returns a command line for sh that sends the request again with curl. Variables of the shell replace the
--- secrets: `$ANTHROPIC_API_KEY` or `$ANTHROPIC_AUTH_TOKEN`, and `$X_TEAM` for a header `x-team`.
---@return string|nil command nil if no request was sent
---@return string? message why there is no command
function Error:to_curl()
  local make = commands[self]
  if not make then
    return nil, "no request was sent"
  end
  return make()
end

-- By kind, for errors that have no `code`.
local EXIT_CODES = {
  api = 22,
  cancelled = 42,
  connection = 7,
  invalid_request = 2,
  protocol = 8,
  timeout = 28,
  truncated = 18,
}

--- The number that the curl command would exit with: 6 for a host that is not found, 7 for a connection that is
--- refused, 18 for an interrupted answer, 22 for a status of 400 and above (as with `--fail`), 28 for a timeout.
---@return integer
function Error:exit_code()
  return self.code ~= 0 and self.code or EXIT_CODES[self.kind] or 2
end

function Error:__tostring()
  local words = { "anthropic:", self.kind, "error" }
  if self.timeout then
    words[#words + 1] = "(" .. self.timeout .. ")"
  end
  words[#words + 1] = self.status and tostring(self.status)
  words[#words + 1] = self.type
  local text = table.concat(words, " ") .. ": " .. (self.message or "")
  if self.request_id then
    text = text .. " (" .. self.request_id .. ")"
  end
  if self.status == 404 and self.url and not self.in_stream then -- often it is the base URL that is wrong
    text = text .. " at " .. self.url
  end
  return printable.line(text)
end

--- So that `"it failed: " .. err` works.
function Error.__concat(left, right)
  return tostring(left) .. tostring(right)
end

return errors
