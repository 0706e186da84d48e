--- What goes over the wire: URL, header lines, exactly one credential.

local errors = require "anthropic.error"
local headers = require "anthropic.headers"

local request = {}

local VENDOR_HOST = "anthropic.com"

local function invalid(message)
  return nil, errors.invalid_request(message)
end

--- Percent-encodes all but the unreserved characters of RFC 3986.
---@param text string
---@return string
function request.escape(text)
  return (text:gsub("[^%w%-._~]", function(char)
    return ("%%%02X"):format(char:byte())
  end))
end

-- Scheme, host and path of a base URL, without the slashes at its end.
local function check_base_url(base_url)
  local where = ("base_url %q"):format(base_url)
  if not base_url:match("^[hH][tT][tT][pP][sS]?://[^/]") then
    return invalid(where .. ": must begin with http:// or https:// and a host")
  elseif base_url:match("^%a+://[^/]*@") then
    return invalid("base_url: must not hold a user name or password")
  elseif base_url:find("[%s%c?#\\]") then
    return invalid(where .. ": must not hold spaces, control characters, '?', '#' or '\\'")
  end
  return (base_url:gsub("/+$", ""))
end

local function host_of(url)
  return (url:match("^%a+://([^/:]+)") or ""):lower()
end

local function is_vendor(url)
  local host = host_of(url)
  return host == VENDOR_HOST or host:sub(-#VENDOR_HOST - 1) == "." .. VENDOR_HOST
end

local DEFAULT_PORTS = { http = "80", https = "443" }

--- The scheme, host and port of a URL, or nil where it has another form.
---@param url string
---@return string?
function request.origin(url)
  local scheme, authority = url:match "^(%a+)://([^/?#]*)"
  local host, port = (authority or ""):match "^(.-):?(%d*)$"
  if not scheme or host == "" or authority:find "[@\\%c%s]" then
    return nil
  end
  scheme = scheme:lower()
  return scheme .. "://" .. host:lower() .. ":" .. (port ~= "" and port or DEFAULT_PORTS[scheme] or "")
end

local function query_string(query)
  local names, pairs_of = {}, {}
  for name in pairs(query or {}) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local value = query[name]
    for _, item in ipairs(type(value) == "table" and value or { value }) do
      local key = type(value) == "table" and name .. "[]" or name
      pairs_of[#pairs_of + 1] = request.escape(key) .. "=" .. request.escape(tostring(item))
    end
  end
  return #pairs_of > 0 and "?" .. table.concat(pairs_of, "&") or ""
end

--- The URL of a request. A path that is a whole URL stands for itself.
---@return string|nil, anthropic.Error?
function request.url(base_url, path, query)
  local base, err = check_base_url(base_url)
  if not base then
    return nil, err
  end
  if path:match("^%a+://") then
    local whole
    whole, err = check_base_url(path:match "^[^?]*")
    local more = query_string(query)
    return whole and path .. (path:find("?", 1, true) and more:gsub("^?", "&") or more), err
  end
  return base .. path .. query_string(query)
end

-- The value of a credential option: a string, or a function that gives one.
local function evaluate(name, credential)
  local value = credential
  if type(credential) == "function" then
    local err
    value, err = credential()
    if value == nil then
      return invalid(name .. ": the function gave none" .. (err and ": " .. tostring(err) or ""))
    end
  end
  if type(value) ~= "string" then
    return invalid(name .. ": string expected, got " .. type(value))
  elseif not value:match("%S") then
    return invalid(name .. ": is empty")
  end
  return value
end

-- Sets the one header that carries the credential, unless the caller's own headers carry one; gives
-- the credential and the environment variable that is its usual place.
local function authenticate(set, option, url)
  local own = headers.get(set, "authorization") or headers.get(set, "x-api-key")
  if own then
    return own:match "%S*$", "ANTHROPIC_API_KEY"
  end
  local name = option "auth_token" and "auth_token" or "api_key"
  if not option(name) then
    return invalid "no credential: set ANTHROPIC_API_KEY or give the option api_key or auth_token"
  end
  local value, err = evaluate(name, option(name))
  if not value then
    return nil, err
  end
  local scheme = option "auth" or (is_vendor(url) and "x-api-key" or "bearer")
  local ok
  if name == "api_key" and scheme == "x-api-key" then
    ok = headers.set(set, "X-Api-Key", value)
  else
    ok = headers.set(set, "Authorization", "Bearer " .. value)
  end
  if not ok then
    return invalid(name .. ": must not contain a line break or NUL")
  end
  return value, "ANTHROPIC_" .. name:upper()
end

local function join_betas(...)
  local names, seen = {}, {}
  for i = 1, select("#", ...) do
    for _, name in ipairs(select(i, ...) or {}) do
      if not seen[name] then
        seen[name] = true
        names[#names + 1] = name
      end
    end
  end
  return #names > 0 and table.concat(names, ",") or false
end

-- A header whose own value the caller gave as `false` is left out; so it is set after the defaults.
local function build_wire(spec, option, url)
  local set = headers.new()
  headers.set(set, "Content-Type", spec.body and "application/json" or false)
  headers.set(set, "Accept", spec.accept or "application/json")
  headers.set(set, "User-Agent", "anthropic-lua/" .. require "anthropic.version")
  local betas = join_betas(option "betas", option "request_betas", spec.betas)
  local ok, message = headers.set(set, "anthropic-version", option "api_version")
  if ok then
    ok, message = headers.set(set, "anthropic-beta", betas)
  end
  for _, given in ipairs {
    headers.parse_lines(option "custom_headers"),
    option "headers" or {},
    spec.headers or {},
    option "request_headers" or {},
  } do
    if ok then
      ok, message = headers.set_all(set, given)
    end
  end
  if not ok then
    return invalid(message)
  end
  local credential, variable = authenticate(set, option, url)
  if not credential then
    return nil, variable
  end
  return { url = url, headers = headers.lines(set), credential = credential, variable = variable }
end

--- Builds one attempt of a request.
---@param spec table { method, path, query?, body?, headers?, betas?, accept? }
---@param option fun(name: string): any the resolved options
---@return table|nil wire { url, headers, credential, variable }
---@return anthropic.Error?
function request.build(spec, option)
  local url, err = request.url(option "base_url", spec.path, spec.query)
  if not url then
    return nil, err
  end
  return build_wire(spec, option, url)
end

return request
