--- The secrets of a request: every value that the caller passed, unless its name is known to be harmless. A request is
--- shown with a variable of the shell, `$NAME`, in place of each, named after it: `$ANTHROPIC_API_KEY`, `$X_TEAM` for
--- the header x-team, `$KEY` for the parameter key of a query.
--
--     local list = secrets.new()
--     secrets.add(list, "x-team", "blue-team")      --> "X_TEAM"
--     list[1], list.variables[list[1]]              --> "blue-team", "X_TEAM"
--
-- The list itself is for redaction.lua, which blots the secrets out of a server's words.

local core = require "anthropic.base.core"
local proxies = require "anthropic.http.proxy"
local tables = require "anthropic.base.tables"

---@class anthropic.Secrets: { [integer]: string }
---@field variables table<string, string> a secret -> the variable that stands for it
---@field headers table<string, { prefix: string, variable: string }> by names in lower case: how a value is shown
---@field taken table the numbered variables, by their names without the number
local secrets = {}

local function set_of(words)
  local set = {}
  for word in words:gmatch "%S+" do
    set[word] = true
  end
  return set
end

-- --- names ---------------------------------------------------------------------------------------

-- The headers that the library adds are among them: callers have no variable for a value that they never passed.
local HARMLESS_HEADERS = set_of [[
  accept accept-encoding anthropic-beta anthropic-version content-length content-type priority transfer-encoding
  user-agent
]]
local HARMLESS_PARAMETERS = set_of "limit after_id before_id page beta"

-- The ends of header names that mean a credential, after a hyphen or as the whole name; and ends that only look so.
local CREDENTIALS = set_of [[
  accesskey accesstoken apikey apitoken assertion auth authentication authorization authtoken bearer cookie credential
  credentials jwt key passwd password secret secretkey signature token
]]
local NO_CREDENTIALS = set_of "proxy-authorization idempotency-key cache-key routing-key surrogate-key"

-- By the same rule, headers whose values occur in answers for other reasons: they are not shown, but not looked for.
local EVERYDAY = set_of "cache-control connection correlation-id date host request-id traceparent"
local EVERYDAY_BEGINS = { "^accept%-", "^anthropic%-", "^content%-" }

local function ends_like(name, set)
  for position in ("-" .. name):gmatch "%-()" do
    if set[name:sub(position - 1)] then
      return true
    end
  end
  return false
end

--- Whether a parameter of a query is known to hold no secret.
---@param name string
---@return boolean
function secrets.is_harmless_parameter(name)
  return HARMLESS_PARAMETERS[name] or false
end

--- Whether a header carries a credential for the server, by its name.
---@param name string
---@return boolean
function secrets.is_credential(name)
  name = name:lower():gsub("_", "-")
  return ends_like(name, CREDENTIALS) and not ends_like(name, NO_CREDENTIALS)
end

local function is_everyday(name)
  name = name:lower()
  for _, pattern in ipairs(EVERYDAY_BEGINS) do
    if name:find(pattern) then
      return not secrets.is_credential(name)
    end
  end
  return ends_like(name, EVERYDAY)
end

-- --- variables -----------------------------------------------------------------------------------

-- Variables that mean something to a shell or to curl.
local RESERVED = set_of [[
  ALL_PROXY BASH_ENV CDPATH CURL_CA_BUNDLE CURL_HOME ENV HOME HTTPS_PROXY HTTP_PROXY IFS LANG LANGUAGE LC_ALL LOGNAME
  NO_PROXY OLDPWD OPTIND PATH PPID PS1 PS2 PS4 PWD SHELL SSL_CERT_DIR SSL_CERT_FILE SSLKEYLOGFILE TERM TMPDIR TZ USER
  LD_PRELOAD LD_LIBRARY_PATH
]]

--- The variable for a value: the same for the same value, another one for another.
---@param list anthropic.Secrets
---@param name string of a header or a parameter
---@param value string
---@return string
function secrets.variable_of(list, name, value)
  local variable = name:upper():gsub("[^A-Z0-9]+", "_"):gsub("^_", ""):gsub("_$", "")
  if RESERVED[variable] or not variable:find "^%a" then
    variable = "MY_" .. variable
  end
  local numbers = list.taken[variable]
  if not numbers then
    numbers = { count = 0, of = {} }
    list.taken[variable] = numbers
  end
  if not numbers.of[value] then
    numbers.count = numbers.count + 1
    numbers.of[value] = numbers.count > 1 and variable .. "_" .. numbers.count or variable
  end
  return numbers.of[value]
end

-- --- values --------------------------------------------------------------------------------------

local SHORTEST_PIECE = 16 -- of a value of several words, if its name does not mean a credential
local MOST_PIECES = 20

local function note(list, variable, value)
  if value ~= "" and not list.variables[value] then
    list.variables[value] = variable
    list[#list + 1] = value
  end
end

local DIGITS = {}
for i, char in ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"):gmatch "()(.)" do
  DIGITS[char] = i - 1
end

local function decode_base64(text)
  local bytes, bits, count = {}, 0, 0
  for char in text:gmatch "[%w+/]" do
    bits, count = bits % 0x10000 * 64 + DIGITS[char], count + 6
    if count >= 8 then
      count = count - 8
      bytes[#bytes + 1] = string.char(math.floor(bits / 2 ^ count) % 256)
    end
  end
  return table.concat(bytes)
end

-- Words that servers say of themselves, and media types.
local EVERYDAY_VALUES = set_of "anthropic development localhost production"
local MEDIA_TYPES = set_of "application audio font image message model multipart text video"

local function is_everyday_value(value)
  local kind = value:match "^(%l+)/[%w.+-]+$"
  return EVERYDAY_VALUES[value] or kind ~= nil and MEDIA_TYPES[kind] or false
end

-- Adds a value, and the parts of it that a server may quote alone: the token after a scheme, each cookie, the user name
-- and the password that Basic encodes.
local function add_value(list, variable, value, is_credential)
  local signature = value:match "^AWS4%-HMAC%-SHA256 .*Signature=(%x+)$"
  if signature then -- whose other words are common
    note(list, variable, value)
    note(list, variable, signature)
    return
  end
  if not is_credential and is_everyday_value(value) then
    return
  end
  note(list, variable, value)
  local count, after_scheme = 0, value:match "^%a[%w-]*%s+()"
  for piece in value:sub(after_scheme or 1):gmatch "[^%s;,]+" do
    count = count + 1
    if count > MOST_PIECES then
      break
    end
    for _, text in ipairs { piece, piece:match '^[^=]*="?([^"]+)' } do
      if is_credential or #text >= SHORTEST_PIECE then
        note(list, variable, text)
      end
    end
  end
  local basic = value:match "^[Bb][Aa][Ss][Ii][Cc]%s+(.*)$"
  if basic then
    local pair = decode_base64(basic)
    note(list, variable, pair)
    note(list, variable, pair:match "^[^:]*:(.*)$" or "")
  end
end

--- An empty list.
---@return anthropic.Secrets
function secrets.new()
  return { variables = {}, headers = {}, taken = {} }
end

--- A copy of a list, to which other secrets can be added.
---@param list anthropic.Secrets
---@return anthropic.Secrets
function secrets.copy(list)
  local copied = tables.copy(list)
  copied.variables, copied.taken = tables.copy(list.variables), tables.copy(list.taken)
  for variable, numbers in pairs(list.taken) do
    copied.taken[variable] = { count = numbers.count, of = tables.copy(numbers.of) }
  end
  return copied
end

--- Adds a value, and returns the variable for it.
---@param list anthropic.Secrets
---@param name string of a header or a parameter
---@param value string
---@param other? string the same in another spelling
---@return string
function secrets.add(list, name, value, other)
  local variable = secrets.variable_of(list, name, value)
  note(list, variable, value)
  note(list, variable, other or "")
  return variable
end

--- The secrets in header fields.
---@param list anthropic.Secrets
---@param set table see headers.new
---@param credential? { field: string, prefix: string, variable: string, value: string } the credential of the options,
--- if it is sent
function secrets.add_headers(list, set, credential)
  if credential then
    local variable = secrets.add(list, credential.variable, credential.value)
    list.headers[credential.field:lower()] = { prefix = credential.prefix, variable = variable }
  end
  for _, key in ipairs(set.names) do
    local value = set.fields[key].value
    if value and value ~= "" and not list.headers[key] and not HARMLESS_HEADERS[key] then
      local variable = secrets.variable_of(list, key, value)
      list.headers[key] = { prefix = "", variable = variable }
      if not is_everyday(key) then
        add_value(list, variable, value, secrets.is_credential(key))
      end
    end
  end
end

--- The secrets in proxies.
---@param list anthropic.Secrets
---@param given? string the option
function secrets.add_proxies(list, given)
  for _, text in ipairs(proxies.candidates(given)) do
    local read = proxies.read(text)
    if not read.address then
      note(list, "PROXY", text)
    end
    if read.user_info then
      local user, password = read.user, read.password or ""
      local pair = user .. ":" .. password
      for _, secret in ipairs { read.user_info, pair, core.base64(pair) } do
        note(list, "PROXY", secret)
      end
      note(list, "PROXY_PASSWORD", password)
      note(list, "PROXY_USER", user)
    end
    -- libcurl may take any part of it for the host
    for piece in (read.address and (read.user_info or "") or text):gmatch "[^:/@?#]+" do
      note(list, "PROXY", piece)
    end
  end
end

return secrets
