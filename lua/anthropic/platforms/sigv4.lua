--- AWS's signature of a request, version 4: over the bytes that go out.
--
--     local signed = sigv4.sign {
--       method = "POST", url = "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/invoke", body = body,
--       headers = { ["content-type"] = "application/json" }, region = "us-east-1", service = "bedrock",
--       credentials = { access_key_id = id, secret_access_key = secret }, time = os.time(),
--     }
--     signed.headers.authorization    --> "AWS4-HMAC-SHA256 Credential=..."

local core = require "anthropic.base.core"
local tables = require "anthropic.base.tables"
local urls = require "anthropic.http.url"

local sigv4 = {}

local ALGORITHM = "AWS4-HMAC-SHA256"

-- The headers that no proxy changes; a proxy may add, drop or rewrite any other.
local SIGNED = { "^host$", "^content%-type$", "^x%-amz%-", "^anthropic%-" }

local function is_signed(name)
  for _, pattern in ipairs(SIGNED) do
    if name:find(pattern) then
      return true
    end
  end
  return false
end

-- The path without "." and "..", and without empty segments, as AWS reads it.
local function normal_path(path)
  local segments = {}
  for segment in path:gmatch "[^/]+" do
    if segment == ".." then
      segments[#segments] = nil
    elseif segment ~= "." then
      segments[#segments + 1] = segment
    end
  end
  local is_folder = #segments > 0 and path:find "/$"
  return "/" .. table.concat(segments, "/") .. (is_folder and "/" or "")
end

-- The path, percent-encoded once more than on the wire.
local function canonical_path(path)
  return (normal_path(path):gsub("[^/]+", urls.escape))
end

-- By bytes, whatever the locale.
local function is_before(one, other)
  for i = 1, #one do
    local a, b = one:byte(i), other:byte(i)
    if a ~= b then
      return b ~= nil and a < b
    end
  end
  return #one < #other
end

-- The pairs as they are in the URL, sorted by name, then by value.
local function canonical_query(query)
  local pairs_of = {}
  for pair in (query ~= "" and query .. "&" or ""):gmatch "([^&]*)&" do
    local name, value = pair:match "^([^=]*)=?(.*)$"
    pairs_of[#pairs_of + 1] = { name = name, value = value }
  end
  table.sort(pairs_of, function(a, b)
    if a.name ~= b.name then
      return is_before(a.name, b.name)
    end
    return is_before(a.value, b.value)
  end)
  for i, pair in ipairs(pairs_of) do
    pairs_of[i] = pair.name .. "=" .. pair.value
  end
  return table.concat(pairs_of, "&")
end

local DEFAULT_PORTS = { http = ":80", https = ":443" }

-- The value of the header Host that libcurl sends.
local function host_of(scheme, authority)
  local port = authority:match ":%d*$" or ""
  if port == ":" or port == DEFAULT_PORTS[scheme:lower()] then
    return authority:sub(1, -#port - 1)
  end
  return authority
end

-- The signed headers, in order of their names, and the names.
local function canonical_headers(fields)
  local lines, names = {}, {}
  for name, value in pairs(fields) do
    if value and is_signed(name) then
      names[#names + 1] = name
    end
  end
  table.sort(names, is_before)
  for i, name in ipairs(names) do
    local value = tostring(fields[name]):gsub("[ \t]+", " "):gsub("^ ", ""):gsub(" $", "")
    lines[i] = name .. ":" .. value .. "\n"
  end
  return table.concat(lines), table.concat(names, ";")
end

local function signing_key(secret, date, region, service)
  local key = core.hmac_sha256("AWS4" .. secret, date)
  key = core.hmac_sha256(key, region)
  key = core.hmac_sha256(key, service)
  return core.hmac_sha256(key, "aws4_request")
end

---@class anthropic.AwsCredentials
---@field access_key_id string
---@field secret_access_key string
---@field session_token? string
---@field expires_at? number seconds since the epoch

---@class anthropic.SigV4Request
---@field method string
---@field url string as it goes out
---@field headers table<string, string|number|false> names in lower case
---@field body? string
---@field region string
---@field service string
---@field credentials anthropic.AwsCredentials
---@field time integer seconds since the epoch

--- Signs a request. Afterwards only headers that are not signed may change.
---@param asked anthropic.SigV4Request
---@return { headers: table<string, string>, canonical_request: string, string_to_sign: string, signature: string,
---  signed_headers: string } signed `headers` are to be added
function sigv4.sign(asked)
  local scheme, authority, path, query = asked.url:match "^(%a+)://([^/?#]*)([^?#]*)%??([^#]*)"
  local time = os.date("!%Y%m%dT%H%M%SZ", asked.time) --[[@as string]]
  local date = time:sub(1, 8)
  local added = { ["x-amz-date"] = time, ["x-amz-security-token"] = asked.credentials.session_token }
  local fields = tables.merge({ host = host_of(scheme, authority) }, asked.headers)
  local headers, names = canonical_headers(tables.merge(fields, added))
  local canonical_request = table.concat({
    asked.method, canonical_path(path), canonical_query(query), headers, names, core.hex(core.sha256(asked.body or "")),
  }, "\n")
  local scope = table.concat({ date, asked.region, asked.service, "aws4_request" }, "/")
  local string_to_sign = table.concat({ ALGORITHM, time, scope, core.hex(core.sha256(canonical_request)) }, "\n")
  local key = signing_key(asked.credentials.secret_access_key, date, asked.region, asked.service)
  local signature = core.hex(core.hmac_sha256(key, string_to_sign))
  added.authorization = ("%s Credential=%s/%s, SignedHeaders=%s, Signature=%s"):format(
    ALGORITHM, asked.credentials.access_key_id, scope, names, signature)
  return {
    headers = added, canonical_request = canonical_request, string_to_sign = string_to_sign, signature = signature,
    signed_headers = names,
  }
end

return sigv4
