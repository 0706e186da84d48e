--- Google's access token, if the options have none: from the application default credentials that
--- `gcloud auth application-default login` makes, from the metadata server if that is asked for, or from `gcloud`.

local credential_text = require "anthropic.http.credential_text"
local errors = require "anthropic.base.error"
local fetch = require "anthropic.platforms.fetch"
local files = require "anthropic.platforms.files"
local token_source = require "anthropic.http.token_source"
local urls = require "anthropic.http.url"

local google_token = {}

local TOKEN_URL = "https://oauth2.googleapis.com/token"
local METADATA = "/computeMetadata/v1/instance/service-accounts/default/token"
local COMMAND = { "gcloud", "auth", "print-access-token" }
local COMMAND_SECONDS = 300 -- its token lives an hour, of which some may have passed

local function of_answer(what, value, err)
  if not value then
    return nil, err
  elseif type(value.access_token) ~= "string" then
    return nil, errors.new { kind = "connection", message = ("no %s in the answer"):format(what) }
  end
  return value.access_token, type(value.expires_in) == "number" and os.time() + value.expires_in or nil
end

local function form(fields)
  local pairs_of = {}
  for i, field in ipairs(fields) do
    pairs_of[i] = field[1] .. "=" .. urls.escape(field[2])
  end
  return table.concat(pairs_of, "&")
end

local function of_user(credentials, exchange)
  local option = exchange.option
  local fields = { { "grant_type", "refresh_token" } }
  for _, name in ipairs { "client_id", "client_secret", "refresh_token" } do
    if type(credentials[name]) ~= "string" then
      return nil, errors.invalid_request(("Google's application default credentials have no %s"):format(name))
    end
    fields[#fields + 1] = { name, credentials[name] }
  end
  local url = type(credentials.token_uri) == "string" and credentials.token_uri or TOKEN_URL
  local what = "Google access token for the application default credentials"
  return of_answer(what, fetch.object(what, {
    url = url, body = form(fields), headers = { ["content-type"] = "application/x-www-form-urlencoded" },
    proxy = option "proxy", ca_file = option "ca_file", ca_path = option "ca_path",
  }, exchange))
end

local function of_metadata(exchange)
  local host = files.variable "GCE_METADATA_HOST" or "metadata.google.internal"
  local what = "Google access token from the metadata server"
  return of_answer(what, fetch.object(what, {
    url = "http://" .. host .. METADATA, headers = { ["metadata-flavor"] = "Google" }, proxy = "",
  }, exchange))
end

-- Cloud Run says so by K_SERVICE.
local function is_metadata_asked_for()
  return files.variable "GCE_METADATA_HOST" ~= nil or files.variable "K_SERVICE" ~= nil
end

local HOW = 'give auth_token a function, or { command = { "gcloud", "auth", "print-access-token" } }'

local function find(exchange)
  local credentials = files.google_credentials()
  if credentials and credentials.type == "authorized_user" then
    return of_user(credentials, exchange)
  elseif credentials then
    return nil, errors.invalid_request(("Google's application default credentials are of the type %q, which needs a "
      .. "signature: %s"):format(tostring(credentials.type):match "^[%w_]*", HOW))
  elseif files.variable "GOOGLE_APPLICATION_CREDENTIALS" then
    return nil, errors.invalid_request "GOOGLE_APPLICATION_CREDENTIALS: the file cannot be read as JSON"
  elseif is_metadata_asked_for() then
    return of_metadata(exchange)
  end
  local token, err = fetch.output("Google access token", COMMAND, exchange)
  if token then
    return token, os.time() + COMMAND_SECONDS
  elseif err.kind == "cancelled" or err.type == "cannot_wait" then
    return nil, err
  end
  return nil, errors.invalid_request("no Google credentials: run `gcloud auth application-default login`, or " .. HOW)
end

--- Makes a source of access tokens.
---@return anthropic.TokenSource
function google_token.source()
  return token_source.new("credentials", function(exchange)
    return find(exchange)
  end, credential_text.check)
end

return google_token
