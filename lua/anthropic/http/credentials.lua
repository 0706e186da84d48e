--- The one header of a request that carries a credential of the options.

local require = require
local credential_text = require "anthropic.http.credential_text"
local errors = require "anthropic.base.error"
local headers = require "anthropic.http.headers"
local lazy = require "anthropic.base.lazy"
local secrets = require "anthropic.http.secrets"
local urls = require "anthropic.http.url"

local token_source = lazy.module "anthropic.http.token_source"

local credentials = {}

local function name_of(options)
  return options.auth_token and "auth_token" or "api_key"
end

--- Whether the credential of all requests is the same.
---@param options table resolved
---@return boolean
function credentials.are_constant(options)
  local given = options[name_of(options)]
  return given == nil or type(given) == "string"
end

-- Whether a set of the caller's own headers carries a credential.
local function has_own(set)
  for _, key in ipairs(set.names) do
    if set.fields[key].value and set.fields[key].value ~= "" and secrets.is_credential(key) then
      return true
    end
  end
  return false
end

--- Whether header fields carry a credential. The later ones replace the others.
---@param ... table<string, string|number|false>|nil
---@return boolean
function credentials.are_in(...)
  local set = headers.new()
  for i = 1, select("#", ...) do
    headers.set_all(set, (select(i, ...)))
  end
  return has_own(set)
end

--- Removes the credential from options, and all that came with it.
---@param options table resolved
function credentials.forget(options)
  options.api_key, options.auth_token, options.token_source = nil, nil, nil
  options.credential_of_environment, options.credential_variable, options.missing_credential = nil, nil, nil
  options.profile, options.login = nil, nil
  options.base_url, options.base_before_login = options.base_before_login or options.base_url, nil
end

--- If neither the options nor the environment name a credential, looks for a source of tokens: a profile, or the
--- identity of a workload. A source that no option names is not used beside a credential in headers.
---@param resolved table of a client
---@param has_base_url? boolean the base URL is the caller's
function credentials.complete(resolved, has_base_url)
  if resolved.api_key or resolved.auth_token or (resolved.platform or "anthropic") ~= "anthropic" then
    return
  end
  require("anthropic.http.login").find(resolved, has_base_url)
end

--- The source of a credential that is asked for, each time or now and then; nil if it is a string or missing.
---@param options table
---@return anthropic.TokenSource|nil
function credentials.source(options)
  local name = name_of(options)
  return not credentials.are_constant(options) and token_source.new(name, options[name]) or nil
end

-- The credential, and if it comes from a source, a function to call when the server refuses it.
local function evaluate(name, options, exchange)
  local given = options[name]
  if type(given) == "string" then
    return credential_text.check(name, given)
  end
  options.token_source = options.token_source or credentials.source(options)
  local source = options.token_source
  local value, err = source:get(exchange)
  if not value then
    return nil, err
  end
  return value, function()
    source:reject(value)
  end
end

-- The name of the option, and whether it goes as a bearer token.
local function form_of(options, base)
  local name = name_of(options)
  local scheme = name == "api_key" and (options.auth or urls.is_vendor(base) and "x-api-key") or "bearer"
  return name, scheme == "bearer"
end

-- Whether the caller's headers carry the credential of a request, or remove the field of the options' credential.
local function is_replaced(set, options, name, field)
  if headers.get(set, "Authorization") or headers.get(set, "X-Api-Key") or headers.get(set, field) == false then
    return true
  end
  return (options.credential_of_environment or not options[name]) and has_own(set)
end

--- Whether the token of a login goes out with a set of the caller's headers.
---@param set table of header fields
---@param options table resolved
---@return boolean
function credentials.has_login(set, options)
  return options.login ~= nil and not is_replaced(set, options, "auth_token", "Authorization")
end

--- Sets the header that carries the credential, and returns the credential; false if the caller's headers carry one or
--- remove the field. Beside one under another name the options' credential is sent, never the environment's.
---@param set table of header fields
---@param options table resolved
---@param base string the base URL
---@param exchange? anthropic.Exchange that needs it
---@return table|false|nil credential { field, prefix, value, variable, reject }
---@return anthropic.Error?
function credentials.add(set, options, base, exchange)
  local name, is_bearer = form_of(options, base)
  local field = is_bearer and "Authorization" or "X-Api-Key"
  if is_replaced(set, options, name, field) then
    return false
  elseif not options[name] then
    return nil, errors.invalid_request(options.missing_credential
      or "no credential: set ANTHROPIC_API_KEY or give the option api_key or auth_token")
  end
  local value, second = evaluate(name, options, exchange)
  if not value then
    return nil, second
  end
  local prefix = is_bearer and "Bearer " or ""
  headers.set(set, field, prefix .. value)
  local variable = options.credential_variable or "ANTHROPIC_" .. name:upper()
  return { field = field, prefix = prefix, value = value, variable = variable, reject = second }
end

return credentials
