--- The last step of a platform's request before it goes out.

local require = require

local adapting = require "anthropic.platforms.adapting"
local errors = require "anthropic.base.error"
local multipart = require "anthropic.http.multipart"
local places = require "anthropic.platforms.places"
local secrets = require "anthropic.http.secrets"
local sigv4 = require "anthropic.platforms.sigv4"

local signing = {}

-- Whether the caller's headers carry the credential, or say that none is to be sent. Beside a credential under another
-- name, only keys that the options name are used, never keys that were found elsewhere.
local function has_own_credential(option, request)
  local is_named = option "aws_access_key_id" or option "aws_profile"
  for name in pairs(request.headers) do
    if name == "authorization" or name == "x-api-key" or secrets.is_credential(name) and not is_named then
      return true
    end
  end
  for _, list in ipairs { "headers", "request_headers" } do
    for name, value in pairs(option(list) or {}) do
      if value == false and type(name) == "string" and name:lower() == "authorization" then
        return true
      end
    end
  end
  return false
end

-- Signs a request as it goes out.
local function sign(platform, source, request, exchange)
  local option, parts = exchange.option, exchange.spec().multipart
  if parts and not request.body then
    local text, second = multipart.text(parts)
    if not text then
      return nil, errors.invalid_request(second)
    end
    request.body, request.headers["content-type"] = text, second
  end
  local region = option "region" or platform.service_region
  if not region then
    return nil, errors.invalid_request(places.words_of_missing(platform, "region"))
  end
  local credentials, err = source:get(exchange)
  if not credentials then
    return nil, err
  end
  local fields = {}
  for name, value in pairs(request.headers) do
    fields[name:lower()] = value
  end
  local signed = sigv4.sign {
    method = request.method, url = request.url, headers = fields, body = request.body, region = region,
    service = platform.service, credentials = credentials, time = os.time(),
  }
  for name, value in pairs(signed.headers) do
    request.headers[name] = value
  end
  return credentials
end

-- Whether AWS says that the keys have expired.
local function is_expired(response)
  return response ~= nil and (response.headers["x-amzn-errortype"] or ""):find "^ExpiredToken" ~= nil
end

--- Makes the innermost middleware: it turns the request into one for the platform, and signs it if a signature takes
--- the place of a credential.
---@param platform table
---@return function
function signing.of(platform)
  local source = platform.service and require(platform.provider).source()
  return function(request, send, exchange)
    local option = exchange.option
    local ok, err = adapting.adapt(platform, option, request, exchange.spec())
    if not ok then
      return nil, err
    elseif option "api_key" or option "auth_token" or not source then
      return send(nil, true)
    elseif has_own_credential(option, request) then
      return send()
    end
    local credentials
    credentials, err = sign(platform, source, request, exchange)
    if not credentials then
      return nil, err
    end
    local response
    response, err = send()
    if is_expired(response) then
      source:reject(credentials)
    end
    return response, err
  end
end

return signing
