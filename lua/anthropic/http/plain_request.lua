--- Requests whose URL, headers and body are all the caller's: without a credential, a header or a base URL of the
--- library's.

local core = require "anthropic.base.core"
local errors = require "anthropic.base.error"
local headers = require "anthropic.http.headers"
local redaction = require "anthropic.http.redaction"
local request = require "anthropic.http.request"
local secrets = require "anthropic.http.secrets"
local urls = require "anthropic.http.url"

local plain_request = {}

-- The header for a user name and a password in a URL. In the URL they would be shown with it.
local function basic(user_info)
  local user, password = user_info:match "^([^:]*):?(.*)$"
  return "Basic " .. core.base64(urls.unescape(user) .. ":" .. urls.unescape(password))
end

-- Methods whose body has a meaning: if it is absent, the length 0 is sent. (RFC 9110, 8.6)
local WITH_BODY = { POST = true, PUT = true, PATCH = true }

local function lacks_length(spec, set)
  return WITH_BODY[spec.method] and not (spec.body or spec.body_file or spec.multipart)
    and headers.get(set, "Content-Length") == nil
end

local function build_headers(spec, options, user_info)
  local set = headers.new()
  local ok, message = headers.set_all(set, spec.headers)
  message = ok and headers.problem_of_length(set, spec) or message
  if message then
    return nil, errors.invalid_request(message)
  end
  if lacks_length(spec, set) then
    headers.set(set, "Content-Length", "0")
  end
  if user_info and headers.get(set, "Authorization") == nil then
    headers.set(set, "Authorization", basic(user_info))
  end
  local list = secrets.new()
  secrets.add_headers(list, set)
  for name in pairs(spec.secret_headers) do
    local value = headers.get(set, name)
    if value then
      secrets.add(list, name, value)
    end
  end
  secrets.add_proxies(list, options.proxy)
  return { lines = headers.lines(set), secrets = list, redact = redaction.redactor(list) }
end

--- Makes the function that builds the attempts of requests with the same options, as request.builder does. `spec` is
--- { method, url, headers?, secret_headers, body?, body_file?, multipart?, sink? }, `secret_headers` a set of names in
--- lower case.
---@param options table resolved
---@return fun(spec: table): table|nil, anthropic.Error?
function plain_request.builder(options)
  local metatable = { __index = request.common_fields(options) }
  return function(spec)
    local url, second = urls.check(spec.url)
    if not url then
      return nil, second
    end
    local head, err = build_headers(spec, options, second)
    if not head then
      return nil, err
    end
    return request.wire(spec, url, head, metatable)
  end
end

return plain_request
