--- The proxy that a caller named, apart from the credentials in it.
--
--     proxy.read "http://user:pa%2Fss@host:3128"
--     --> { address = "http://host:3128", user_info = "user:pa%2Fss", user = "user", password = "pa/ss" }

local urls = require "anthropic.http.url"

local proxy = {}

---@class anthropic.Proxy
---@field address? string without credentials; nil where the text has another form, and all of it may be secret
---@field user_info? string as it was given
---@field user? string
---@field password? string

local ADDRESSES = { "^[%w%._-]*:?%d*/?$", "^%[[%x:%%.]+%]:?%d*/?$" }

local function is_address(text)
  return text:find(ADDRESSES[1]) ~= nil or text:find(ADDRESSES[2]) ~= nil
end

--- Reads what libcurl is given. A password may hold what a URL would have to escape: the last "@" ends it.
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

-- Where libcurl looks for a proxy that is not given.
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

local function of_environment(names)
  for _, name in ipairs(names) do
    local value = os.getenv(name)
    if value then
      return value
    end
  end
end

--- Whether a proxy may answer a request in the server's place. It cannot where it passes bytes on: TLS, or all that
--- comes by SOCKS.
---@param url string
---@param given? string the option
---@return boolean
function proxy.may_answer(url, given)
  local used = given or of_environment { "http_proxy", "all_proxy", "ALL_PROXY" } or ""
  return used ~= "" and url:lower():find "^http:" ~= nil and not used:lower():find "^socks"
end

return proxy
