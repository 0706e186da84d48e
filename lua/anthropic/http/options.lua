--- The options of a client and of a single request: their names, types and defaults. A wrong name or type
--- is a mistake in the calling program and raises.

local check = require "anthropic.base.check"
local credentials = require "anthropic.http.credentials"
local loop = require "anthropic.loop"
local paths = require "anthropic.base.path"
local tables = require "anthropic.base.tables"

local options = {}

local TIMEOUTS = { connect = 30, first_byte = 600, idle = 300, total = false }

local function is_line(value)
  return type(value) == "string" and not value:find "[\r\n%z]"
end

-- A path for libcurl, which takes an empty one as none.
local function path()
  return {
    expected = "a path",
    check = function(value) return is_line(value) and value ~= "" end,
  }
end

-- The row of an option that holds a secret.
local function hidden(...)
  local row = check.of_type(...)
  row.hidden = true
  return row
end

--- What the core's decoder takes at most; above it there is no limit.
options.LARGEST_SIZE = 2 ^ 52

-- A number of bytes; math.huge is no limit.
local size = {
  expected = "a whole number, 1 or more",
  check = function(value) return type(value) == "number" and value >= 1 and math.floor(value) == value end,
}

local function is_list_of_functions(value)
  if paths.problem_of_list("", value) then
    return false
  end
  for _, item in ipairs(value) do
    if type(item) ~= "function" then
      return false
    end
  end
  return true
end

-- A string; a function, which is asked; or a command: see token_source.lua.
local credential = {
  expected = "string, function or table of a command",
  hidden = true,
  check = function(value)
    if type(value) ~= "table" then
      return type(value) == "string" or type(value) == "function"
    end
    for name in pairs(value) do
      if name ~= "command" and name ~= "expires_in" then
        return false
      end
    end
    return check.is_list_of_strings(value.command) and #value.command > 0
      and not table.concat(value.command):find("%z")
      and (value.expires_in == nil or check.is_positive(value.expires_in))
  end,
}

-- An event may have so many bytes, even if a whole answer may not; `max_event_bytes` can be less.
local SMALLEST_EVENT_LIMIT = 1024 * 1024

-- Each row: the check of a given value; the default, if it is not nil, is in DEFAULTS.
local ROWS = {
  api_key = credential,
  auth_token = credential,
  profile = check.of_type("string"),
  auth = check.one_of("x-api-key", "bearer"),
  base_url = check.of_type("string"),
  api_version = check.of_type("string"),
  betas = { expected = "a list of strings", check = check.is_list_of_strings },
  headers = check.of_type("table"),
  model = {
    expected = "the name of a model",
    check = function(value) return type(value) == "string" and value:find "%S" ~= nil end,
  },
  max_retries = check.whole(0),
  timeout = {
    expected = "a positive number of seconds, or a table of connect, first_byte, idle, total",
    check = function(value)
      if type(value) ~= "table" then
        return check.is_positive(value)
      end
      for name, seconds in pairs(value) do
        if TIMEOUTS[name] == nil or not (seconds == false or check.is_positive(seconds)) then
          return false
        end
      end
      return true
    end,
  },
  http_version = check.one_of("1.1", "2"),
  max_idle = check.positive("a positive number of seconds"),
  max_event_bytes = size,
  max_response_bytes = size,
  max_download_bytes = size,
  loop = {
    expected = "a driver or the name of one (" .. table.concat(loop.names(), ", ") .. ")",
    check = loop.is_driver,
  },
  retry = check.one_of("safe", "always"),
  on_interrupt = check.one_of("retry", "continue"),
  middleware = { expected = "a list of functions", check = is_list_of_functions },
  platform = check.one_of("anthropic", "bedrock", "bedrock_mantle", "aws", "vertex", "foundry", "google_cloud"),
  region = check.of_type("string"),
  project_id = check.of_type("string"),
  resource = check.of_type("string"),
  workspace_id = check.of_type("string"),
  location = check.of_type("string"),
  aws_access_key_id = hidden("string"),
  aws_secret_access_key = hidden("string"),
  aws_session_token = hidden("string"),
  aws_profile = check.of_type("string"),
  tag = { expected = "anything", check = function() return true end },
  on_retry = check.of_type("function"),
  on_log = check.of_type("function"),
  limiter = {
    expected = "an object with the method acquire, or false",
    check = function(value)
      return value == false or type(value) == "table" and value.acquire ~= nil
        or type(value) == "userdata" and getmetatable(value) ~= nil -- null's userdata has no metatable
    end,
  },
}

--- The way to the server: options that the core takes by the same name (src/net/easy_options.c). `curl` is the
--- option of the command `curl` for it, if that is as simple.
options.ROUTE = {
  { name = "proxy", row = { expected = "a line of text", hidden = true, check = is_line } }, -- it may hold a password
  { name = "ca_file", row = path(), curl = "cacert" },
  { name = "ca_path", row = path(), curl = "capath" },
  { name = "certificate_file", row = path(), curl = "cert" },
  { name = "key_file", row = path(), curl = "key" },
  { name = "unix_socket", row = path(), curl = "unix-socket" },
  { name = "insecure", row = check.of_type("boolean"), curl = "insecure" },
}

for _, each in ipairs(options.ROUTE) do
  ROWS[each.name] = each.row
end

options.ROWS = ROWS

local DEFAULTS = {
  base_url = "https://api.anthropic.com",
  api_version = "2023-06-01",
  max_retries = 2,
  http_version = "1.1",
  max_event_bytes = 32 * 1024 * 1024,
  max_response_bytes = 64 * 1024 * 1024,
  max_download_bytes = 1024 * 1024 * 1024,
}

-- A misspelt word is quoted. A longer text may be a credential in a wrong place.
local function is_word(value)
  return type(value) == "string" and #value < 16 and value:find "^[%w%s._-]*$" ~= nil
end

--- Raises if a table has a member that has no row, or a value of a wrong type.
---@param what string that a member is, such as "option"
---@param given table
---@param rows table<string, anthropic.Check>
---@param level integer where to put the blame, as in `error`
function options.check_rows(what, given, rows, level)
  for name, value in pairs(given) do
    local row = rows[name]
    if not row then
      error(
        ("unknown %s %q; did you mean %q?"):format(what, tostring(name), check.nearest(name, rows)),
        level + 1
      )
    end
    if not row.check(value) then
      error(("%s %q: %s expected, got %s"):format(
        what,
        name,
        row.expected,
        not row.hidden and is_word(value) and ("%q"):format(value) or type(value)
      ), level + 1)
    end
  end
end

--- Raises if the table has an option that does not exist or a value of a wrong type.
---@param given? table
---@param level integer where to put the blame, as in `error`
---@param settings? table rows of a method's own, which its table of options may hold too
function options.check(given, level, settings)
  if given == nil then
    return
  end
  if type(given) ~= "table" then
    error("options: table expected, got " .. type(given), level + 1)
  end
  local rows = settings and tables.merge(tables.copy(ROWS), settings) or ROWS
  options.check_rows("option", given, rows, level + 1)
  if given.api_key and given.auth_token then
    error("options api_key and auth_token exclude each other", level + 1)
  elseif given.profile and (given.api_key or given.auth_token) then
    error("the option profile excludes api_key and auth_token", level + 1)
  end
end

local function environment(name)
  local value = os.getenv(name)
  return value and value:match "^%s*(.*%S)" or nil
end

--- Sets options. All forms of a credential count as one option: one form replaces the other.
---@param target table
---@param given table
---@return table target
function options.merge(target, given)
  if given.api_key or given.auth_token or given.profile then
    credentials.forget(target)
    target.token_source = credentials.source(given)
  end
  if given.base_url then
    target.has_derived_base, target.base_before_login = nil, nil
  end
  return tables.merge(target, given)
end

-- A list or table of headers is copied: the caller may change it later.
local COPIED = tables.set { "headers", "betas", "timeout", "middleware" }

--- A copy of options, which later changes of the caller's tables do not reach.
---@param given table
---@return table
function options.copy(given)
  local copied = {}
  for name, value in pairs(given) do
    copied[name] = COPIED[name] and type(value) == "table" and tables.copy(value) or value
  end
  return copied
end

--- The options of a client: what was given, over what the environment sets.
---@param given? table checked options
---@param is_elsewhere? boolean of a platform that is to know neither the vendor's base URL nor its credential
---@return table
function options.of_client(given, is_elsewhere)
  local resolved = tables.copy(DEFAULTS)
  if is_elsewhere then
    resolved.base_url = nil
  else
    resolved.base_url = environment("ANTHROPIC_BASE_URL") or resolved.base_url
    resolved.api_key = environment("ANTHROPIC_API_KEY")
    resolved.auth_token = not resolved.api_key and environment("ANTHROPIC_AUTH_TOKEN") or nil
    resolved.credential_of_environment = (resolved.api_key or resolved.auth_token) and true or nil
  end
  resolved.model = environment("ANTHROPIC_MODEL")
  resolved.custom_headers = environment("ANTHROPIC_CUSTOM_HEADERS")
  resolved.log_level = environment("ANTHROPIC_LOG")
  given = given or {}
  options.merge(resolved, options.copy(given))
  if not is_elsewhere then
    credentials.complete(resolved, given.base_url ~= nil or environment("ANTHROPIC_BASE_URL") ~= nil)
  end
  return resolved
end

-- Whether requests go to the same server in the same way.
local function go_the_same_way(resolved, other)
  for _, each in ipairs(options.ROUTE) do
    if resolved[each.name] ~= other[each.name] then
      return false
    end
  end
  return resolved.base_url == other.base_url
end

--- Takes over what another client remembers of the same credential. A login asks for its token by the way of the
--- client's own requests: that must be the same, too.
---@param resolved table of a client
---@param other table
function options.keep_sources(resolved, other)
  resolved.signing = other.signing
  local own, kept = resolved.token_source, other.token_source
  if own and kept and own.name == kept.name and (not resolved.login or go_the_same_way(resolved, other)) then
    resolved.token_source = kept
  end
end

-- The options that do not depend on an API.
local OF_TRANSPORT = {
  "max_retries", "timeout", "proxy", "ca_file", "ca_path", "certificate_file", "key_file", "unix_socket", "insecure",
  "http_version", "max_idle", "max_event_bytes", "max_response_bytes", "max_download_bytes", "loop", "on_retry",
}

--- Rows of the options that do not depend on an API.
---@return table<string, anthropic.Check>
function options.transport_rows()
  local rows = {}
  for _, name in ipairs(OF_TRANSPORT) do
    rows[name] = ROWS[name]
  end
  return rows
end

--- The options that do not depend on an API: what was given, over the defaults; no retries unless given.
---@param given table checked
---@return table
function options.of_transport(given)
  local resolved = { max_retries = 0 }
  for _, name in ipairs(OF_TRANSPORT) do
    if given[name] ~= nil then
      resolved[name] = given[name]
    elseif name ~= "max_retries" then
      resolved[name] = DEFAULTS[name]
    end
  end
  return resolved
end

--- The options of one request. `headers` and `betas` of both apply and are merged later.
---@param of_client table
---@param given? table checked options without `profile`, which only a client has
---@return table
function options.of_request(of_client, given)
  if not given then
    return of_client
  end
  local resolved = options.merge(tables.copy(of_client), given)
  if resolved.login and resolved.credential_of_environment and credentials.are_in(given.headers) then
    credentials.forget(resolved)
  end
  resolved.headers, resolved.request_headers = of_client.headers, given.headers
  resolved.betas, resolved.request_betas = of_client.betas, given.betas
  if given.timeout then
    resolved.timeout = options.timeouts(of_client.timeout)
    tables.merge(resolved.timeout, type(given.timeout) == "table" and given.timeout or { total = given.timeout })
  end
  return resolved
end

--- Divides a table that holds a method's settings and the options of its requests.
---@param given? table checked
---@param settings table rows
---@return table own
---@return table rest
function options.split(given, settings)
  local own, rest = {}, {}
  for name, value in pairs(given or {}) do
    local target = settings[name] and own or rest
    target[name] = value
  end
  return own, rest
end

--- The most bytes of one event, or of one line of results: it is held as a whole.
---@param option fun(name: string): any
---@return number
function options.event_limit(option)
  local held = math.max(option "max_response_bytes" or math.huge, SMALLEST_EVENT_LIMIT)
  return math.min(option "max_event_bytes" or math.huge, held)
end

--- The four timeouts in seconds; false: none.
---@param timeout? number|table
---@return table
function options.timeouts(timeout)
  local all = tables.copy(TIMEOUTS)
  if type(timeout) == "number" then
    all.total = timeout
  end
  return tables.merge(all, type(timeout) == "table" and timeout or nil)
end

return options
