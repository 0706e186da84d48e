-- Requests by chance, whose signatures botocore (AWS's own, in Python) computes the same.

local background = require "spec.support.background"
local json = require "anthropic.base.json"
local sigv4 = require "anthropic.platforms.sigv4"

local REQUESTS = 2000
local SEED = 20261128
local PYTHON = "PYTHONPATH=build/botocore python3 "

-- Older versions sign what may change on the way.
local CHECK = 'import botocore.auth as auth; assert "traceparent" in auth.SIGNED_HEADERS_BLACKLIST'

local random_state = SEED

-- The same numbers on every Lua.
local function random(limit)
  random_state = random_state * 16807 % 2147483647
  return random_state % limit
end

local function pick(list)
  return list[random(#list) + 1]
end

local function text_of(characters, most)
  local text = {}
  for i = 1, random(most) do
    local at = random(#characters) + 1
    text[i] = characters:sub(at, at)
  end
  return table.concat(text)
end

local PATH = "abcXYZ019-._~!$&'()*+,;=:@"
local QUERY = "abZ09-._~!*'();:@/,+"
local ENCODED = { "%2F", "%3A", "%20", "%C3%A9", "%25", "%2f" }

local function segment()
  local pieces = {}
  for i = 1, 1 + random(3) do
    pieces[i] = random(4) == 0 and pick(ENCODED) or text_of(PATH, 12)
  end
  return table.concat(pieces)
end

local function path()
  local segments = {}
  for i = 1, random(6) do
    segments[i] = random(12) == 0 and pick { ".", "..", "" } or segment()
  end
  return "/" .. table.concat(segments, "/")
end

local function query()
  local pairs_of = {}
  for i = 1, random(5) do
    local name = text_of(QUERY, 6) .. (random(5) == 0 and pick(ENCODED) or "")
    pairs_of[i] = random(6) == 0 and name or name .. "=" .. text_of(QUERY, 8)
  end
  return #pairs_of > 0 and "?" .. table.concat(pairs_of, "&") or ""
end

local function header_value()
  local value = text_of("abc XYZ\t019,;=/\"'()<>{}|", 30)
  return (value:gsub("^[ \t]+", ""):gsub("[ \t]+$", ""))
end

local function fields()
  local result = {}
  for _, name in ipairs {
    "content-type", "anthropic-version", "anthropic-beta", "x-amz-target", "anthropic-workspace-id", "connection",
    "expect", "user-agent", "x-amzn-trace-id", "traceparent", "baggage", "transfer-encoding",
  } do
    if random(3) == 0 then
      result[name] = header_value()
    end
  end
  return result
end

local function body()
  local bytes = {}
  for i = 1, random(200) do
    bytes[i] = string.char(random(256))
  end
  return table.concat(bytes)
end

local function request()
  local year, seconds = 1700000000, random(2000000) * 50
  local time = year + seconds
  return {
    method = pick { "POST", "GET", "DELETE", "PUT" },
    url = pick { "https://", "http://" } .. pick { "bedrock-runtime.us-east-1.amazonaws.com", "127.0.0.1", "h.example" }
      .. pick { "", "", ":443", ":80", ":8080" } .. path() .. query(),
    headers = fields(), body = random(4) == 0 and "" or body(), time = time,
    region = pick { "us-east-1", "eu-west-1", "ap-south-1" },
    service = pick { "bedrock", "bedrock-mantle", "aws-external-anthropic" },
    credentials = {
      access_key_id = "AKID" .. text_of("ABC123", 12), secret_access_key = "s" .. text_of("abcXYZ09+/=", 60),
      session_token = random(2) == 0 and "t" .. text_of("abcXYZ09+/=", 80) or nil,
    },
  }
end

-- A text of bytes as JSON, a character for each.
local function quoted(bytes)
  return '"' .. bytes:gsub('[%c"\\\128-\255]', function(byte)
    return ("\\u%04x"):format(byte:byte())
  end) .. '"'
end

local function line_of(asked)
  local headers = {}
  for name, value in pairs(asked.headers) do
    headers[#headers + 1] = quoted(name) .. ":" .. quoted(value)
  end
  local words = { '"headers":{' .. table.concat(headers, ",") .. "}" }
  for name, value in pairs {
    method = asked.method, url = asked.url, body = asked.body, region = asked.region, service = asked.service,
    date = os.date("!%Y%m%dT%H%M%SZ", asked.time), id = asked.credentials.access_key_id,
    secret = asked.credentials.secret_access_key, token = asked.credentials.session_token,
  } do
    words[#words + 1] = quoted(name) .. ":" .. quoted(value)
  end
  return "{" .. table.concat(words, ",") .. "}\n"
end

local function succeeds(command)
  local status = os.execute(command .. " >/dev/null 2>&1")
  return status == true or status == 0
end

describe("a signature by chance", function()
  it("is botocore's", function()
    if not succeeds(PYTHON .. "-c '" .. CHECK .. "'") then
      return pending "a current botocore is not installed (tools/peers installs it, where pip is there)"
    end
    local path_of_requests = os.tmpname()
    local all, lines = {}, {}
    for i = 1, REQUESTS do
      all[i] = request()
      lines[i] = line_of(all[i])
    end
    background.write_file(path_of_requests, table.concat(lines))
    local output = background.output_of(PYTHON .. "spec/support/botocore_sign.py " .. path_of_requests)
    os.remove(path_of_requests)
    local count = 0
    for line in output:gmatch "[^\n]+" do
      count = count + 1
      local expected, asked = assert(json.decode(line)), all[count]
      local signed = sigv4.sign(asked)
      if signed.signature ~= expected.signature then
        assert.equal(expected.canonical_request, signed.canonical_request, asked.url)
        assert.equal(expected.signature, signed.signature)
      end
    end
    assert.equal(REQUESTS, count)
  end)
end)
