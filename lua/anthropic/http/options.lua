--- The options of a client and of a single request: what there is, of which type, with which
--- default. A wrong name or type is a mistake in the calling program and raises.

local loop = require "anthropic.loop"
local paths = require "anthropic.base.path"

local options = {}

--- Whether a value is a list of strings, without names and holes.
function options.is_list_of_strings(value)
  if paths.problem_of_list("", value) then
    return false
  end
  for _, item in ipairs(value) do
    if type(item) ~= "string" then
      return false
    end
  end
  return true
end

local function is_positive(value)
  return type(value) == "number" and value > 0
end

local TIMEOUTS = { connect = 30, first_byte = 600, idle = 300, total = false }

local function one_of(...)
  local allowed = {}
  for _, word in ipairs { ... } do
    allowed[word] = true
  end
  local expected = 'one of "' .. table.concat({ ... }, '", "') .. '"'
  return { expected = expected, check = function(value) return allowed[value] or false end }
end

local function of_type(...)
  local allowed = {}
  for _, name in ipairs { ... } do
    allowed[name] = true
  end
  return {
    expected = table.concat({ ... }, " or "),
    check = function(value) return allowed[type(value)] or false end,
  }
end

-- A string for libcurl. `hidden`: it may hold a password.
local function line(hidden)
  return {
    expected = "a line of text",
    hidden = hidden,
    check = function(value) return type(value) == "string" and not value:find "[\r\n%z]" end,
  }
end

-- Of bytes; math.huge is no limit.
local size = {
  expected = "a whole number, 1 or more",
  check = function(value) return type(value) == "number" and value >= 1 and math.floor(value) == value end,
}

-- What an event may have though a whole answer may not; `max_event_bytes` can be less.
local SMALLEST_EVENT_LIMIT = 1024 * 1024

local positive_number = { expected = "a positive number", check = is_positive }

-- Each row: the check of a given value; the default, where it is not nil, stands in DEFAULTS.
local ROWS = {
  api_key = of_type("string", "function"),
  auth_token = of_type("string", "function"),
  auth = one_of("x-api-key", "bearer"),
  base_url = of_type("string"),
  api_version = of_type("string"),
  betas = { expected = "a list of strings", check = options.is_list_of_strings },
  headers = of_type("table"),
  model = {
    expected = "the name of a model",
    check = function(value) return type(value) == "string" and value:find "%S" ~= nil end,
  },
  max_retries = {
    expected = "a whole number, 0 or more",
    check = function(value) return type(value) == "number" and value >= 0 and value % 1 == 0 end,
  },
  timeout = {
    expected = "a positive number of seconds, or a table of connect, first_byte, idle, total",
    check = function(value)
      if type(value) ~= "table" then
        return is_positive(value)
      end
      for name, seconds in pairs(value) do
        if TIMEOUTS[name] == nil or not (seconds == false or is_positive(seconds)) then
          return false
        end
      end
      return true
    end,
  },
  proxy = line(true),
  ca_file = line(),
  ca_path = line(),
  insecure = of_type("boolean"),
  http_version = one_of("1.1", "2"),
  max_event_bytes = size,
  max_response_bytes = size,
  max_download_bytes = size,
  loop = {
    expected = "a driver or the name of one (" .. table.concat(loop.names(), ", ") .. ")",
    check = loop.is_driver,
  },
  retry = one_of("safe", "always"),
  on_interrupt = one_of("retry", "continue"),
  on_retry = of_type("function"),
  on_log = of_type("function"),
}

local DEFAULTS = {
  base_url = "https://api.anthropic.com",
  api_version = "2023-06-01",
  max_retries = 2,
  http_version = "1.1",
  max_event_bytes = 32 * 1024 * 1024,
  max_response_bytes = 64 * 1024 * 1024,
  max_download_bytes = 1024 * 1024 * 1024,
}

-- How many letters have to be inserted, removed or replaced to turn one word into the other.
local function distance(from, to)
  local row = {}
  for j = 0, #to do
    row[j] = j
  end
  for i = 1, #from do
    local diagonal = row[0]
    row[0] = i
    for j = 1, #to do
      local cost = from:byte(i) == to:byte(j) and 0 or 1
      local value = math.min(row[j] + 1, row[j - 1] + 1, diagonal + cost)
      diagonal, row[j] = row[j], value
    end
  end
  return row[#to]
end

--- The name in `names` (a set) that is written most like `name`.
---@return string
function options.nearest(name, names)
  local best, best_distance
  for candidate in pairs(names) do
    local d = distance(tostring(name), candidate)
    if not best or d < best_distance or (d == best_distance and candidate < best) then
      best, best_distance = candidate, d
    end
  end
  return best
end

options.of_type, options.positive_number = of_type, positive_number

local function join(one, other)
  local joined = {}
  for _, rows in ipairs { one, other } do
    for name, row in pairs(rows) do
      joined[name] = row
    end
  end
  return joined
end

-- A misspelt word is quoted. What is longer may be a credential in a wrong place.
local function is_word(value)
  return type(value) == "string" and #value < 16 and value:find "^[%w%s._-]*$" ~= nil
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
  local rows = settings and join(ROWS, settings) or ROWS
  for name, value in pairs(given) do
    local row = rows[name]
    if not row then
      error(
        ("unknown option %q; did you mean %q?"):format(tostring(name), options.nearest(name, rows)),
        level + 1
      )
    end
    if not row.check(value) then
      error(("option %q: %s expected, got %s"):format(
        name,
        row.expected,
        not row.hidden and is_word(value) and ("%q"):format(value) or type(value)
      ), level + 1)
    end
  end
  if given.api_key and given.auth_token then
    error("options api_key and auth_token exclude each other", level + 1)
  end
end

local function environment(name)
  local value = os.getenv(name)
  return value and value:match "^%s*(.*%S)" or nil
end

-- The credential counts as one option: whoever gives one form replaces the other.
local function merge(target, given)
  if given.api_key or given.auth_token then
    target.api_key, target.auth_token, target.credential_of_environment = nil, nil, nil
  end
  for name, value in pairs(given) do
    target[name] = value
  end
  return target
end

-- A list or table of headers that the caller changes later is none of the client's any more.
local function copies_of_tables(given)
  local copied = {}
  for name, value in pairs(given) do
    copied[name] = type(value) == "table" and name ~= "loop" and merge({}, value) or value
  end
  return copied
end

--- The options of a client: the environment under what was given.
---@param given? table checked options
---@return table
function options.of_client(given)
  local resolved = merge({}, DEFAULTS)
  resolved.base_url = environment("ANTHROPIC_BASE_URL") or resolved.base_url
  resolved.api_key = environment("ANTHROPIC_API_KEY")
  resolved.auth_token = not resolved.api_key and environment("ANTHROPIC_AUTH_TOKEN") or nil
  resolved.model = environment("ANTHROPIC_MODEL")
  resolved.credential_of_environment = (resolved.api_key or resolved.auth_token) and true or nil
  resolved.custom_headers = environment("ANTHROPIC_CUSTOM_HEADERS")
  resolved.log_level = environment("ANTHROPIC_LOG")
  return merge(resolved, copies_of_tables(given or {}))
end

--- The options of one request. `headers` and `betas` of both apply and are merged later.
---@param of_client table
---@param given? table checked options
---@return table
function options.of_request(of_client, given)
  if not given then
    return of_client
  end
  local resolved = merge(merge({}, of_client), given)
  resolved.headers, resolved.request_headers = of_client.headers, given.headers
  resolved.betas, resolved.request_betas = of_client.betas, given.betas
  if given.timeout then
    resolved.timeout = options.timeouts(of_client.timeout)
    for name, seconds in pairs(type(given.timeout) == "table" and given.timeout or { total = given.timeout }) do
      resolved.timeout[name] = seconds
    end
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
  local all = {}
  for name, seconds in pairs(TIMEOUTS) do
    all[name] = seconds
  end
  if type(timeout) == "number" then
    all.total = timeout
  end
  for name, seconds in pairs(type(timeout) == "table" and timeout or {}) do
    all[name] = seconds
  end
  return all
end

return options
