--- URLs: the base that a client is given, and what is made of it and a path.

local errors = require "anthropic.base.error"

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

-- What is wrong, quoted where it holds no secret.
local function quoted(name, text)
  local is_secret = text:find "[@?]" ~= nil
  for segment in text:gmatch "[^/]+" do
    is_secret = is_secret or url.is_token(segment)
  end
  return is_secret and name or ("%s %q"):format(name, text)
end

-- Whether a user name and a password stand before the host. One that holds a slash looks like a host and a port that
-- is no number.
local function has_user_info(base_url)
  local authority = base_url:match "^%a+://([^/]*)"
  return authority:find("@", 1, true) ~= nil
    or base_url:find("@", 1, true) ~= nil and not authority:find "^[^:]*:?%d*$" and not authority:find "^%[.*%]:?%d*$"
end

--- Checks a base URL and takes the slashes at its end away. What may hold a secret is not quoted.
---@param base_url string
---@return string|nil
---@return anthropic.Error?
function url.check_base(base_url)
  local where = quoted("base_url", base_url)
  if not base_url:match("^[hH][tT][tT][pP][sS]?://[^/]") then
    return invalid(where .. ": must begin with http:// or https:// and a host")
  elseif has_user_info(base_url) then
    return invalid("base_url: must not hold a user name or password")
  elseif base_url:find("[%s%c?#\\]") then
    return invalid(where .. ": must not hold spaces, control characters, '?', '#' or '\\'")
  end
  return (base_url:gsub("/+$", ""))
end

--- Whether the host is the vendor's own.
---@param text string a URL
---@return boolean
function url.is_vendor(text)
  local host = (text:match("^%a+://([^/:]+)") or ""):lower()
  return host == VENDOR_HOST or host:sub(-#VENDOR_HOST - 1) == "." .. VENDOR_HOST
end

local DEFAULT_PORTS = { http = "80", https = "443" }

--- The scheme, host and port of a URL, or nil where it has another form.
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

local function add_query(text, query)
  if not query or next(query) == nil then
    return text
  end
  local names, pairs_of = {}, {}
  for name in pairs(query) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local value = query[name]
    for _, item in ipairs(type(value) == "table" and value or { value }) do
      local key = type(value) == "table" and name .. "[]" or name
      pairs_of[#pairs_of + 1] = url.escape(key) .. "=" .. url.escape(tostring(item))
    end
  end
  if #pairs_of == 0 then
    return text
  end
  return text .. (text:find("?", 1, true) and "&" or "?") .. table.concat(pairs_of, "&")
end

--- The URL of a request. A path that is a whole URL stands for itself, if it is of the same host: the
--- credential goes along.
---@param base string as `check_base` gave it
---@param path string
---@param query? table<string, any> lists stand for repeated names with "[]"
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
  return add_query(base .. (path:match("^/") and "" or "/") .. path, query)
end

return url
