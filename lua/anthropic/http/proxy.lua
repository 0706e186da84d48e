--- The proxy that a request goes by: what the caller or the environment names, apart from the credentials in it.
--
--     proxy.read "http://user:pa%2Fss@host:3128"
--     --> { address = "http://host:3128", user_info = "user:pa%2Fss", user = "user", password = "pa/ss" }

local urls = require "anthropic.http.url"

local proxy = {}

---@class anthropic.Proxy
---@field address? string without credentials; nil if the text has another form, and all of it may be secret
---@field user_info? string as it was given
---@field user? string
---@field password? string

local ADDRESSES = { "^[%w%._-]*:?%d*/?$", "^%[[%x:%%.]+%]:?%d*/?$" }

local function is_address(text)
  return text:find(ADDRESSES[1]) ~= nil or text:find(ADDRESSES[2]) ~= nil
end

--- Reads a proxy as libcurl takes it. A password may hold characters that a URL must escape: the last "@" ends it.
---@param text string
---@return anthropic.Proxy
function proxy.read(text)
  local scheme, rest = text:match "^(%a[%w+.-]*://)(.*)$"
  scheme, rest = scheme or "", rest or text
  local user_info, address = rest:match "^(.*)@([^@]*)$"
  address = address or rest
  local read = { address = is_address(address) and scheme .. address or nil, user_info = user_info }
  if user_info then
    local user, password = user_info:match "^([^:]*):(.*)$"
    read.user, read.password = urls.unescape(user or user_info), password and urls.unescape(password)
  end
  return read
end

-- The variables in which libcurl looks for a proxy if the option is missing.
local VARIABLES = { "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" }

--- The proxies that a request may go by.
---@param given? string the option
---@return string[]
function proxy.candidates(given)
  if given then
    return { given }
  end
  local found = {}
  for _, name in ipairs(VARIABLES) do
    found[#found + 1] = os.getenv(name)
  end
  return found
end

-- The variables that libcurl looks up for a URL's scheme, in its order.
local VARIABLES_OF = {
  http = { "http_proxy", "all_proxy", "ALL_PROXY" },
  https = { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" },
}

local function of_environment(names)
  for _, name in ipairs(names) do
    local value = os.getenv(name)
    if value then
      return value, name
    end
  end
end

-- An IPv4 address as a number, or nil.
local function number_of(address)
  local a, b, c, d = address:match "^(%d+)%.(%d+)%.(%d+)%.(%d+)$"
  return a and ((a * 256 + b) * 256 + c) * 256 + d
end

local function is_in_network(host, network, bits)
  local one, other = number_of(host), number_of(network)
  local size = 2 ^ (32 - math.min(tonumber(bits), 32))
  return one ~= nil and other ~= nil and math.floor(one / size) == math.floor(other / size)
end

-- As libcurl reads it: "*" for all, names with all below them, addresses, networks (here of IPv4 alone).
local function is_exempt(host)
  local list = os.getenv "no_proxy" or os.getenv "NO_PROXY" or ""
  if list == "*" then
    return true
  end
  for entry in list:lower():gmatch "[^%s,]+" do
    local network, bits = entry:match "^([%d.]+)/(%d+)$"
    local name = entry:match "^%.?([^.].*)$" or entry
    name = name:match "^(.*[^.])%.$" or name
    if network and is_in_network(host, network, bits) or host == name or host:sub(-#name - 1) == "." .. name then
      return true
    end
  end
  return false
end

--- The proxy that libcurl uses for a URL, and where it is named: "proxy" for the option, or a variable of the
--- environment. Nil if it uses no proxy.
---@param url string
---@param given? string the option
---@return string|nil
---@return string|nil source
function proxy.used(url, given)
  local scheme, rest = url:match "^(%a+)://(.*)$"
  local used, source = given, "proxy"
  if not given then
    used, source = of_environment(VARIABLES_OF[(scheme or ""):lower()] or {})
  end
  if not used or used == "" then
    return nil
  end
  local host = (rest or ""):match "^[^/?#]*":gsub("^.*@", ""):gsub(":%d*$", ""):gsub("[%[%]]", ""):lower()
  if is_exempt((host:gsub("%.$", ""))) then
    return nil
  end
  return used, source
end

--- Whether a proxy may answer a request in the server's place. It cannot if it only passes bytes on: those of TLS, or
--- any by SOCKS.
---@param url string
---@param given? string the option
---@return boolean
function proxy.may_answer(url, given)
  local used = url:lower():find "^http:" and proxy.used(url, given)
  return used and not used:lower():find "^socks" or false
end

--- The proxy that a request went by, as an error or the health check names it: without credentials.
---@param url string
---@param given? string the option
---@return string|nil
function proxy.describe(url, given)
  local used, source = proxy.used(url, given)
  local address = used and (proxy.read(used).address or "that is not shown")
  return address and ("%s, from %s"):format(address, source == "proxy" and "the option proxy" or source)
end

return proxy
