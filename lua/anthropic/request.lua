--- What goes over the wire: URL, header lines, exactly one credential.

local errors = require "anthropic.error"
local headers = require "anthropic.headers"

local request = {}

local VENDOR_HOST = "anthropic.com"

--- Parameters that travel as headers: of messages.create, and where a row of resources.lua says so.
request.PARAMETER_HEADERS = {
  user_profile_id = "anthropic-user-profile-id",
  workspace_id = "anthropic-workspace-id",
  worker_id = "Anthropic-Worker-ID",
}

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

--- Checks a base URL and takes the slashes at its end away. What may hold a secret is not quoted.
---@param base_url string
---@return string|nil
---@return anthropic.Error?
function request.check_base_url(base_url)
  local where = base_url:find("[@?]") and "base_url" or ("base_url %q"):format(base_url)
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

local function add_query(url, query)
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
  if #pairs_of == 0 then
    return url
  end
  return url .. (url:find("?", 1, true) and "&" or "?") .. table.concat(pairs_of, "&")
end

--- The URL of a request. A path that is a whole URL stands for itself, if it is of the same host: the
--- credential goes along.
---@return string|nil, anthropic.Error?
function request.url(base_url, path, query)
  local base, err = request.check_base_url(base_url)
  if not base then
    return nil, err
  elseif path:find("[%s%c#]") then
    return invalid(("path %q: must not hold spaces, control characters or '#'"):format(path))
  end
  if path:match("^%a+://") then
    if not request.origin(path) or request.origin(path) ~= request.origin(base) then
      return invalid "path: a URL of another host than base_url"
    end
    return add_query(path, query)
  end
  return add_query(base .. (path:match("^/") and "" or "/") .. path, query)
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

-- The credentials in the caller's own headers, without their scheme.
local function own_credentials(set)
  local found = {}
  local authorization = headers.get(set, "Authorization")
  found[1] = authorization and (authorization:match("^%S+%s+(.*)$") or authorization) or nil
  found[#found + 1] = headers.get(set, "X-Api-Key") or nil
  return found
end

-- Sets the one header that carries the credential, unless the caller's own headers carry one or
-- remove it. Gives the list of what is secret.
local function authenticate(set, option, url)
  local secrets = own_credentials(set)
  if secrets[1] then
    return secrets
  end
  local name = option "auth_token" and "auth_token" or "api_key"
  local scheme = option "auth" or (is_vendor(url) and "x-api-key" or "bearer")
  local is_bearer = name == "auth_token" or scheme == "bearer"
  local field = is_bearer and "Authorization" or "X-Api-Key"
  if headers.get(set, field) == false then
    return secrets
  end
  if not option(name) then
    return invalid "no credential: set ANTHROPIC_API_KEY or give the option api_key or auth_token"
  end
  local value, err = evaluate(name, option(name))
  if not value then
    return nil, err
  end
  if not headers.set(set, field, is_bearer and "Bearer " .. value or value) then
    return invalid(name .. ": must not contain a line break or NUL")
  end
  secrets[1], secrets.variable = value, "ANTHROPIC_" .. name:upper()
  return secrets
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
local function build_headers(spec, option, url)
  local set = headers.new()
  if not spec.multipart then -- else libcurl names it, with its boundary
    headers.set(set, "Content-Type", spec.body and "application/json" or false)
  end
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
  local secrets, err = authenticate(set, option, url)
  if not secrets then
    return nil, err
  end
  return headers.lines(set), secrets
end

--- Builds one attempt of a request.
---@param spec table { method, path, query?, body?, multipart?, sink?, headers?, betas?, accept? }
---@param option fun(name: string): any the resolved options
---@return table|nil wire { method, url, headers, body, multipart, sink, secrets }
---@return anthropic.Error?
function request.build(spec, option)
  local url, err = request.url(option "base_url", spec.path, spec.query)
  if not url then
    return nil, err
  end
  local lines, secrets = build_headers(spec, option, url)
  if not lines then
    return nil, secrets
  end
  return {
    method = spec.method,
    url = url,
    headers = lines,
    body = spec.body,
    multipart = spec.multipart,
    sink = spec.sink,
    secrets = secrets,
  }
end

return request
