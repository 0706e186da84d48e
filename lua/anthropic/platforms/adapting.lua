--- Changes a request for a platform: its path, and what is in its body and headers.

local check = require "anthropic.base.check"
local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"
local places = require "anthropic.platforms.places"
local urls = require "anthropic.http.url"

local adapting = {}

-- The first party's default version; platforms that want one in the body have a name of their own for it.
local DEFAULT_VERSION = "2023-06-01"

-- The betas of a body and of a header, each once. If the body's are not a list of strings, they stay as they are.
local function joined_betas(own, text)
  if own ~= nil and not (type(own) == "table" and json.is_array(own) and check.is_list_of_strings(own)) then
    return own
  end
  local list, seen = {}, {}
  local function add(beta)
    list[#list + 1] = not seen[beta] and beta or nil
    seen[beta] = true
  end
  for _, beta in ipairs(own or {}) do
    add(beta)
  end
  for beta in text:gmatch "[^,%s]+" do
    add(beta)
  end
  return json.array(list)
end

-- The value of a member of the body, from its `own` value and a header's.
local function member_of(platform, header, value, own)
  if header == "anthropic-beta" then
    return joined_betas(own, value)
  elseif own ~= nil then
    return own
  elseif header == "anthropic-version" and value == DEFAULT_VERSION then
    return platform.version
  end
  return value
end

-- Moves members from headers into a decoded body, and takes out what the path says.
local function change_body(platform, endpoint, request, body)
  local is_changed = false
  for name, header in pairs(endpoint.members or {}) do
    local value = request.headers[header]
    local member = value and member_of(platform, header, tostring(value), body[name])
    if value and member ~= body[name] then
      body[name], is_changed = member, true
    end
    if value and header == "anthropic-user-profile-id" then
      request.headers[header] = nil
    end
  end
  for _, name in ipairs(endpoint.dropped or {}) do
    is_changed = is_changed or body[name] ~= nil
    body[name] = nil
  end
  return is_changed
end

local function needs_body(endpoint, request)
  if endpoint.path then
    return true
  end
  for _, header in pairs(endpoint.members) do
    if request.headers[header] then
      return true
    end
  end
  return false
end

-- Rewrites a first-party request for an endpoint that has another shape. `base` is the client's.
local function rewrite(platform, option, endpoint, request, base)
  if not needs_body(endpoint, request) then
    return true
  end
  local body = request.body and json.decode(request.body)
  if type(body) ~= "table" or body == json.null or json.is_array(body) then
    return nil, errors.invalid_request "body: a JSON object expected"
  end
  local model, is_streamed = body.model, body.stream == true
  if endpoint.path then
    if type(model) ~= "string" then
      return nil, errors.invalid_request "model: missing"
    end
    local path, problem = places.fill(platform, option, is_streamed and endpoint.streamed_path or endpoint.path, model)
    if not path then
      return nil, errors.invalid_request(problem)
    end
    local query = (request.url:match "%?(.*)$" or ""):gsub("^beta=true&?", "", 1):gsub("&beta=true", "", 1)
    request.url = base .. path .. (query ~= "" and "?" .. query or "")
  end
  if change_body(platform, endpoint, request, body) then
    local text, problem = json.encode(body)
    if not text then
      return nil, errors.invalid_request(problem)
    end
    request.body = text
  end
  return true
end

-- Whether a request still goes where it was meant to: one that middleware has led elsewhere is left as it is.
local function is_as_written(request, base, spec)
  return request.url:match "^[^?#]*" == (urls.of(base, spec.path) or ""):match "^[^?#]*"
end

--- Turns a first-party request into one for the platform.
---@param platform table
---@param option fun(name: string): any
---@param request anthropic.MiddlewareRequest
---@param spec table
---@return true|nil
---@return anthropic.Error?
function adapting.adapt(platform, option, request, spec)
  local base = urls.check_base(option "base_url") or ""
  local path = places.first_party_path(spec, base)
  for header, name in pairs(platform.headers or {}) do
    if not request.headers[header] then
      local value = option(name)
      if not value then
        return nil, errors.invalid_request(places.words_of_missing(platform, name))
      end
      request.headers[header] = value
    end
  end
  local endpoint = platform.endpoints and platform.endpoints[path]
  if endpoint and is_as_written(request, base, spec) then
    local ok, err = rewrite(platform, option, endpoint, request, base)
    if not ok then
      return nil, err
    end
  elseif option "has_derived_base" and is_as_written(request, base, spec) then
    local own = places.base_for(platform, option, path)
    request.url = own and own ~= base and own .. request.url:sub(#base + 1) or request.url
  end
  for _, header in ipairs(platform.dropped_headers or {}) do
    request.headers[header] = nil
  end
  return true
end

return adapting
