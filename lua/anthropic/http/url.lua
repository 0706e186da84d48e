--- URLs: the base that a client is given, and what is made of it and a path.

local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"
local number = require "anthropic.base.number"
local paths = require "anthropic.base.path"

local url = {}

local VENDOR_HOST = "anthropic.com"

local function invalid(message)
  return nil, errors.invalid_request(message)
end

--- Percent-encodes all but the unreserved characters of RFC 3986.
---@param text string
---@return string
function url.escape(text)
  return (text:gsub("[^%w%-._~]", function(char)
    return ("%%%02X"):format(char:byte())
  end))
end

--- Decodes what is percent-encoded.
---@param text string
---@return string
function url.unescape(text)
  return (text:gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end))
end

local SHORTEST_TOKEN = 16

--- Whether a segment of a path looks like a token, not like a name.
---@param segment string
---@return boolean
function url.is_token(segment)
  return #segment >= SHORTEST_TOKEN and segment:find "[%d%u]" ~= nil
end

-- The name of what is wrong, and its text unless that may hold a secret.
local function quoted(name, text)
  local is_secret = text:find "[@?]" ~= nil
  for segment in text:gmatch "[^/]+" do
    is_secret = is_secret or url.is_token(segment)
  end
  return is_secret and name or ("%s %q"):format(name, text)
end

-- Whether a user name and a password stand before the host. If they hold a slash, they look like a host and a port that
-- is not a number.
local function has_user_info(base_url)
  local authority = base_url:match "^%a+://([^/]*)"
  return authority:find("@", 1, true) ~= nil
    or base_url:find("@", 1, true) ~= nil and not authority:find "^[^:]*:?%d*$" and not authority:find "^%[.*%]:?%d*$"
end

-- The URL that a text without a scheme may mean. localhost, an address or a host with a port is mostly without TLS.
local function meant(text)
  local host, port = text:match "^([%w.-]+)(:?%d*)%f[/%z]"
  if not host then
    host, port = text:match "^(%[[%x:.]+%])(:?%d*)%f[/%z]"
  end
  local is_name = host and not host:find "^%["
  if not host or port == ":" or is_name and host ~= "localhost" and port == "" and not host:find "%w%.%w" then
    return nil
  end
  local is_plain = not is_name or host == "localhost" or port ~= "" and port ~= ":443" or host:find "^[%d.]+$"
  return (is_plain and "http://" or "https://") .. text
end

--- Checks a base URL and takes away the white space around it and the slashes at its end. What may hold a
--- secret is not quoted.
---@param base_url string
---@return string|nil
---@return anthropic.Error?
function url.check_base(base_url)
  base_url = base_url:match "^%s*(.-)%s*$"
  local where = quoted("base_url", base_url)
  if not base_url:match("^[hH][tT][tT][pP][sS]?://[^/]") then
    local suggested = where ~= "base_url" and meant(base_url)
    return invalid(where .. ": must begin with http:// or https:// and a host"
      .. (suggested and ("; did you mean %q?"):format(suggested) or ""))
  elseif has_user_info(base_url) then
    return invalid("base_url: must not hold a user name or password")
  elseif base_url:find("[%s%c?#\\]") then
    return invalid(where .. ": must not hold spaces, control characters, '?', '#' or '\\'")
  end
  return (base_url:gsub("/+$", ""))
end

local LARGEST_PORT = 65535

-- Whether more than a port stands behind a host. A password with '/', '#' or '?' looks like that: the user name would
-- be the URL's host, and the password a part of the path.
local function has_wrong_port(host)
  local behind = host:match "^%[[^%]]*%](.*)$" or host:match "^[^:]*(.*)$"
  return behind ~= "" and (not behind:find "^:%d*$" or (tonumber(behind:sub(2)) or 0) > LARGEST_PORT)
end

--- Checks a complete URL, and takes a user name and a password out of it. What may hold a secret is not
--- quoted.
---@param text string
---@return string|nil
---@return anthropic.Error|string|nil second what is wrong, or the user name and the password as they stood in it
function url.check(text)
  local where = quoted("url", text)
  local scheme, authority, rest = text:match "^(%a+://)([^/?#]*)(.*)$"
  if not scheme or not scheme:find "^[hH][tT][tT][pP][sS]?:" or authority == "" then
    return invalid(where .. ": must begin with http:// or https:// and a host")
  elseif text:find "[%s%c\\]" then
    return invalid(where .. ": must not hold spaces, control characters or '\\'")
  end
  local user_info, host = authority:match "^(.*)@([^@]*)$"
  if host == "" then
    return invalid "url: the host is missing"
  elseif has_wrong_port(host or authority) then
    return invalid("url: a number up to 65535 expected behind the host and its ':'; in a user name or a password "
      .. "write %2F for '/', %23 for '#' and %3F for '?'")
  end
  return scheme .. (host or authority) .. rest, user_info
end

--- Whether the host is the vendor's own.
---@param text string a URL
---@return boolean
function url.is_vendor(text)
  local host = (text:match("^%a+://([^/:]+)") or ""):lower()
  return host == VENDOR_HOST or host:sub(-#VENDOR_HOST - 1) == "." .. VENDOR_HOST
end

--- A URL without its query, which may hold a secret.
---@param text string
---@return string
function url.without_query(text)
  return (text:match "^[^?#]*")
end

local DEFAULT_PORTS = { http = "80", https = "443" }

--- The scheme, host and port of a URL, or nil if it has another form.
---@param text string
---@return string?
function url.origin(text)
  local scheme, authority = text:match "^(%a+)://([^/?#]*)"
  if not scheme or authority:find "[@\\%c%s]" then
    return nil
  end
  local host, port = authority:match "^(.*):(%d*)$"
  if not host then
    host, port = authority, ""
  end
  if host == "" then
    return nil
  end
  scheme = scheme:lower()
  return scheme .. "://" .. host:lower() .. ":" .. (port ~= "" and port or DEFAULT_PORTS[scheme] or "")
end

--- The URL that a reference stands for. What "." and ".." in a path mean is left to libcurl.
---@param base string the URL in whose answer it stands
---@param reference string
---@return string without a fragment
function url.resolve(base, reference)
  reference = reference:match "^[^#]*"
  local scheme, authority, path = base:match "^(%a+:)(//[^/?#]*)([^?#]*)"
  if reference == "" then
    return (base:match "^[^#]*")
  elseif reference:find "^%a[%w+.-]*:" then
    return reference
  elseif reference:find "^//" then
    return scheme .. reference
  elseif reference:find "^/" then
    return scheme .. authority .. reference
  elseif reference:find "^%?" then
    return scheme .. authority .. path .. reference
  end
  return scheme .. authority .. (path:match "^.*/" or "/") .. reference
end

-- --- queries

local MOST_LEVELS = 100

-- The text of a value that is neither a list nor a table, by its type.
local TEXTS = {
  string = function(value)
    return value
  end,
  boolean = tostring,
  number = number.text,
}

local function kind_of(value)
  if value == json.null then
    return "null"
  elseif json.is_raw(value) then
    return "raw JSON"
  end
  return type(value)
end

local function unsayable(value)
  local kind = kind_of(value)
  if kind == "number" then
    return "a number that is not finite"
  elseif kind == "table" then
    return "an empty table"
  end
  return kind == type(value) and "a " .. kind or kind
end

local function is_list(value)
  for key in next, value do
    if type(key) == "number" then
      return true
    end
  end
  return json.is_array(value)
end

-- The positions in a list or the sorted names in a table; nil and what is wrong with one. Brackets within a name would
-- make it another name.
local function keys_of(value, at, is_outermost)
  local keys = {}
  if not is_outermost and is_list(value) then
    for i in ipairs(value) do
      keys[i] = i
    end
    return keys, paths.problem_of_list(at, value)
  end
  for name in next, value do
    if type(name) ~= "string" then
      return nil, ("%s: a table of names expected, got the key %s"):format(at, tostring(name))
    elseif name == "" or not is_outermost and name:find "[%[%]]" then
      return nil, paths.join(at, name) .. ": this name cannot be said in a query"
    end
    keys[#keys + 1] = name
  end
  table.sort(keys)
  return keys
end

-- Adds "name=value" for a value, `name[]=element` for each of a list, `name[member]=value` for each of a table, as
-- the vendor's libraries write them. Returns what a query cannot express, and its place.
local function add_value(pairs_of, name, value, at, level)
  local say = TEXTS[type(value)]
  local text = say and say(value)
  if text then
    pairs_of[#pairs_of + 1] = url.escape(name) .. "=" .. url.escape(text)
    return nil
  elseif kind_of(value) ~= "table" or next(value) == nil then
    return ("%s: %s cannot be said in a query"):format(at, unsayable(value))
  elseif level > MOST_LEVELS then
    return ("%s: nested deeper than %d"):format(at, MOST_LEVELS)
  end
  local keys, problem = keys_of(value, at)
  if problem then
    return problem
  end
  for _, key in ipairs(keys) do
    local member = ("%s[%s]"):format(name, type(key) == "string" and key or "")
    problem = add_value(pairs_of, member, value[key], paths.join(at, key), level + 1)
    if problem then
      return problem
    end
  end
end

local function add_query(text, query)
  if query == nil then
    return text
  elseif kind_of(query) ~= "table" then
    return invalid("query: a table of names expected, got " .. kind_of(query))
  end
  local pairs_of = {}
  local names, problem = keys_of(query, "query", true)
  for _, name in ipairs(names or {}) do
    problem = problem or add_value(pairs_of, name, query[name], paths.join("query", name), 1)
  end
  if problem then
    return invalid(problem)
  elseif #pairs_of == 0 then
    return text
  end
  return text .. (text:find("?", 1, true) and "&" or "?") .. table.concat(pairs_of, "&")
end

-- Bases that end in the API's version, or in its first endpoint. A path that begins with the version replaces
-- that end; before any other path the end stays: Vertex's own base has it.
local VERSIONED = { "^(%a+://[^/]+.-)/v1$", "^(%a+://[^/]+.-)/v1/messages$" }

local function without_version(base)
  for _, pattern in ipairs(VERSIONED) do
    local rest = base:match(pattern)
    if rest then
      return rest
    end
  end
  return base
end

--- The URL of a request. A path that is a whole URL is taken as it is, but only for the same host: the
--- credential goes along.
---@param base string as `check_base` returned it
---@param path string
---@param query? table<string, any> strings, numbers, booleans, and lists and tables of such
---@return string|nil
---@return anthropic.Error?
function url.of(base, path, query)
  if path:find("[%s%c#]") then
    return invalid(quoted("path", path) .. ": must not hold spaces, control characters or '#'")
  end
  if path:match("^%a+://") then
    if not url.origin(path) or url.origin(path) ~= url.origin(base) then
      return invalid "path: a URL of another host than base_url"
    end
    return add_query(path, query)
  end
  base = path:find "^/?v1/" and without_version(base) or base
  return add_query(base .. (path:match("^/") and "" or "/") .. path, query)
end

return url
