--- What goes over the wire: URL, header lines, exactly one credential.

local require = require
local credentials = require "anthropic.http.credentials"
local errors = require "anthropic.base.error"
local headers = require "anthropic.http.headers"
local option_rows = require "anthropic.http.options"
local redaction = require "anthropic.http.redaction"
local secrets = require "anthropic.http.secrets"
local shown_url = require "anthropic.http.shown_url"
local urls = require "anthropic.http.url"

local request = {}

--- Parameters that are sent as headers: by messages.create, and if a row of resources.lua says so.
request.PARAMETER_HEADERS = {
  user_profile_id = "anthropic-user-profile-id",
  workspace_id = "anthropic-workspace-id",
  worker_id = "Anthropic-Worker-ID",
}

local function invalid(message)
  return nil, errors.invalid_request(message)
end

local BETA = "anthropic-beta"

local NO_LOGIN = { betas = {}, headers = {} }

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

local function split_betas(text)
  local names = {}
  for name in text:gmatch "[^,%s]+" do
    names[#names + 1] = name
  end
  return names
end

-- The fields with what a login adds to them: see credentials.complete.
local function fields_with(login, spec, options)
  local set = headers.new()
  if not spec.multipart then -- else libcurl names it, with its boundary
    headers.set(set, "Content-Type", spec.body and "application/json" or false)
  end
  local ok, message = headers.set(set, "Accept", spec.accept or "application/json")
  if spec.sink then -- what is written is what was announced
    headers.set(set, "Accept-Encoding", "identity")
  end
  if options.http_version == "2" then -- else a server may answer the requests of a connection one by one
    headers.set(set, "Priority", "i")
  end
  headers.set(set, "User-Agent", "anthropic-lua/" .. require "anthropic.version")
  local betas = join_betas(options.betas, options.request_betas, spec.betas, login.betas)
  for _, each in ipairs { { "anthropic-version", options.api_version }, { BETA, betas } } do
    if ok then
      ok, message = headers.set(set, each[1], each[2])
    end
  end
  local function set_all(...)
    for i = 1, select("#", ...) do
      if ok then
        ok, message = headers.set_all(set, (select(i, ...)))
      end
    end
  end
  set_all(login.headers, headers.parse_lines(options.custom_headers), options.headers)
  local own = headers.get(set, BETA)
  if ok and own and betas and own ~= betas then -- it is for all requests: what this one needs is added
    ok, message = headers.set(set, set.fields[BETA].name, join_betas(split_betas(own), split_betas(betas)))
  end
  set_all(spec.headers, options.request_headers)
  own = headers.get(set, BETA)
  if ok and own and login.betas[1] then -- which takes the place of all but the one that the token needs
    ok, message = headers.set(set, set.fields[BETA].name, join_betas(split_betas(own), login.betas))
  end
  message = ok and headers.problem_of_length(set, spec) or message
  if message then
    return invalid(message)
  end
  return set
end

--- All header fields but the credential's. A field that the caller set to `false` is left out; for this the caller's
--- fields are set after the defaults.
---@param spec table
---@param options table resolved
---@return table|nil set see headers.new
---@return anthropic.Error?
function request.fields(spec, options)
  local set, err = fields_with(NO_LOGIN, spec, options)
  if set and credentials.has_login(set, options) then
    return fields_with(options.login, spec, options)
  end
  return set, err
end

--- The header lines, with what is secret in them.
---@param set table of header fields
---@param options table resolved
---@param base string
---@param credential table|false see credentials.add
---@return table head see request.wire
function request.head(set, options, base, credential)
  local list = secrets.new()
  secrets.add_headers(list, set, credential or nil)
  shown_url.add_base(list, base)
  secrets.add_proxies(list, options.proxy)
  return {
    lines = headers.lines(set), secrets = list, redact = redaction.redactor(list),
    reject = credential and credential.reject or nil,
  }
end

local function build_headers(spec, options, base, exchange)
  local set, err = request.fields(spec, options)
  if not set then
    return nil, err
  end
  local credential
  credential, err = credentials.add(set, options, base, exchange)
  if credential == nil then
    return nil, err
  end
  return request.head(set, options, base, credential)
end

--- What all requests with the same options have in common: the way to the server, timeouts and limits.
---@param options table resolved
---@return table
function request.common_fields(options)
  local timeouts = option_rows.timeouts(options.timeout)
  local fields = {
    http2 = options.http_version == "2",
    connect_timeout = timeouts.connect or nil,
    first_byte_timeout = timeouts.first_byte or nil,
    idle_timeout = timeouts.idle or nil,
    max_body_bytes = options.max_response_bytes,
    max_event_bytes = option_rows.event_limit(function(name)
      return options[name]
    end),
    max_download_bytes = options.max_download_bytes,
  }
  for _, each in ipairs(option_rows.ROUTE) do
    fields[each.name] = options[each.name]
  end
  return fields
end

-- Whether all requests like this one have the same header lines, as long as the credential is the same.
local function is_usual(spec)
  return spec.body and not spec.multipart and not spec.accept and not spec.sink
    and (not spec.betas or spec.betas[1] == nil) and (not spec.headers or next(spec.headers) == nil)
end

-- The secrets of a request and its redactor, with what is secret in the query of its URL.
local function with_query(url, list, redact)
  local extended = url:find("?", 1, true) and shown_url.with_query(list, url) or list
  return extended, extended == list and redact or redaction.redactor(extended)
end

--- One attempt, as the core's loop takes it.
---@param spec table
---@param url string
---@param head { lines: string[], secrets: anthropic.Secrets, redact: function, reject: function? } its header lines;
--- `reject`, if another credential can be had, is called when the server refuses the one in them
---@param metatable table of what all requests with the same options have in common
---@return table wire
function request.wire(spec, url, head, metatable)
  local list, redact = with_query(url, head.secrets, head.redact)
  return setmetatable({
    method = spec.method,
    url = url,
    headers = head.lines,
    body = spec.body,
    body_file = spec.body_file,
    multipart = spec.multipart,
    sink = spec.sink,
    secrets = list,
    redact = redact,
    reject = head.reject,
    total_timeout = nil, -- set by the exchange, as is `record`
    record = false,
  }, metatable)
end

--- Sends a request to another URL.
---@param wire table as request.builder's function made it
---@param url string
function request.redirect(wire, url)
  wire.url = url
  wire.secrets, wire.redact = with_query(url, wire.secrets, wire.redact)
end

--- Makes the function that builds the attempts of requests with the same options, as the core's loop
--- takes them, with the `secrets` in them (see secrets.lua) and a function `redact` for text that may hold them.
--- `spec` is { method, path, query?, body?, multipart?, sink?, headers?, betas?, accept? }.
---@param options table resolved
---@return fun(spec: table, exchange?: anthropic.Exchange): table|nil, anthropic.Error?
function request.builder(options)
  local metatable, base, usual, last_path, last_url
  local is_constant = credentials.are_constant(options)

  return function(spec, exchange)
    local url, err
    if not base then
      metatable = { __index = request.common_fields(options) }
      base, err = urls.check_base(options.base_url)
    end
    if base and spec.path == last_path and not spec.query then
      url = last_url
    elseif base then
      url, err = urls.of(base, spec.path, spec.query)
    end
    if not url then
      return nil, err
    elseif not spec.query then
      last_path, last_url = spec.path, url
    end
    local head = usual
    if not head or not is_usual(spec) then
      head, err = build_headers(spec, options, base, exchange)
      if not head then
        return nil, err
      end
      usual = usual or is_constant and is_usual(spec) and head or nil
    end
    return request.wire(spec, url, head, metatable)
  end
end

return request
