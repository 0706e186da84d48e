-- AWS's signature, by the vectors of spec/fixtures/aws/sigv4.json, which botocore made. That it computes the same for
-- any request: spec/hosts/sigv4_botocore_spec.lua.

local json = require "anthropic.base.json"
local sigv4 = require "anthropic.platforms.sigv4"
local aws_frames = require "spec.support.aws_frames"

local CREDENTIALS = {
  access_key_id = "AKIDEXAMPLE", secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
}

local function lower(fields)
  local result = {}
  for name, value in pairs(fields) do
    result[name:lower()] = value
  end
  return result
end

-- Seconds since the epoch of "20261128T030000Z".
local function time_of(text)
  local dates = require "anthropic.http.dates"
  local year, month, day, hour, minute, second = text:match "^(%d%d%d%d)(%d%d)(%d%d)T(%d%d)(%d%d)(%d%d)Z$"
  return math.floor(dates.timestamp(("%s-%s-%sT%s:%s:%sZ"):format(year, month, day, hour, minute, second)))
end

local function sign(changes)
  local asked = {
    method = "POST", url = "https://host.example/model/m/invoke", headers = {}, body = "{}", region = "eu-west-1",
    service = "bedrock", credentials = CREDENTIALS, time = 1700000000,
  }
  for name, value in pairs(changes) do
    asked[name] = value
  end
  return sigv4.sign(asked)
end

-- A line of the canonical request: 1 the method, 2 the path, 3 the query, 4 the first header.
local function line(signed, number)
  local count = 0
  for text in (signed.canonical_request .. "\n"):gmatch "([^\n]*)\n" do
    count = count + 1
    if count == number then
      return text
    end
  end
end

describe("a signature of AWS", function()
  for _, vector in ipairs(assert(json.decode(aws_frames.fixture "sigv4.json"))) do
    it("is botocore's: " .. vector.name, function()
      local signed = sigv4.sign {
        method = vector.method, url = vector.url, headers = lower(vector.headers), body = vector.body,
        region = vector.region, service = vector.service, credentials = CREDENTIALS, time = time_of(vector.date),
      }
      assert.equal(vector.canonical_request, signed.canonical_request)
      assert.equal(vector.string_to_sign, signed.string_to_sign)
      assert.equal(vector.signature, signed.signature)
      assert.equal(vector.signed_headers, signed.signed_headers)
      assert.equal(vector.date, signed.headers["x-amz-date"])
      assert.equal("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/" .. vector.date:sub(1, 8) .. "/" .. vector.region .. "/"
        .. vector.service .. "/aws4_request, SignedHeaders=" .. vector.signed_headers .. ", Signature="
        .. vector.signature, signed.headers.authorization)
      assert.is_nil(signed.headers["x-amz-security-token"])
    end)
  end

  it("covers a session token", function()
    local with_token = { access_key_id = "A", secret_access_key = "s", session_token = "tok+en/==" }
    local signed = sign { credentials = with_token }
    assert.equal("tok+en/==", signed.headers["x-amz-security-token"])
    assert.equal("host;x-amz-date;x-amz-security-token", signed.signed_headers)
    assert.matches("x%-amz%-security%-token:tok%+en/==\n", signed.canonical_request)
  end)

  it("encodes once more what is encoded on the wire, and takes dots and empty segments out of a path", function()
    for path, canonical in pairs {
      ["/model/a:0/invoke"] = "/model/a%3A0/invoke", ["/model/a%3A0/invoke"] = "/model/a%253A0/invoke",
      ["/model/arn%2Fb"] = "/model/arn%252Fb", ["/a;b,c@d"] = "/a%3Bb%2Cc%40d", ["/~-._"] = "/~-._",
      [""] = "/", ["/"] = "/", ["//a//b/"] = "/a/b/", ["/a/./b/../c"] = "/a/c", ["/.."] = "/", ["/a/.."] = "/",
      ["/\195\169"] = "/%C3%A9",
    } do
      assert.equal(canonical, line(sign { url = "https://host.example" .. path }, 2), path)
    end
  end)

  it("sorts a query by its bytes", function()
    for query, canonical in pairs {
      ["?beta"] = "beta=", ["?b=1&a=2"] = "a=2&b=1", ["?a=2&a=1&A=3"] = "A=3&a=1&a=2", ["?a-b=1&a=1"] = "a=1&a-b=1",
      ["?"] = "", [""] = "", ["?a=b=c"] = "a=b=c", ["?a%5B%5D=x&&b="] = "=&a%5B%5D=x&b=",
    } do
      assert.equal(canonical, line(sign { url = "https://host.example/" .. query }, 3), query)
    end
  end)

  it("has the host without the scheme's own port", function()
    for url, host in pairs {
      ["https://a.example:443/x"] = "a.example", ["https://a.example:80/x"] = "a.example:80",
      ["http://a.example:80"] = "a.example", ["http://127.0.0.1:8080/x"] = "127.0.0.1:8080",
      ["http://[::1]:8080/x"] = "[::1]:8080", ["https://a.example?b"] = "a.example",
    } do
      assert.equal("host:" .. host, line(sign { url = url }, 4), url)
    end
    assert.equal("host:other", line(sign { headers = { host = "other" } }, 4))
  end)

  it("leaves out what may change on the way", function()
    local signed = sign { headers = {
      ["user-agent"] = "u", connection = "close", expect = "x", ["transfer-encoding"] = "chunked", traceparent = "t",
      ["x-amzn-trace-id"] = "t", accept = "a", ["x-team"] = "blue", ["anthropic-beta"] = "a,b",
      ["content-type"] = false,
      ["x-amz-target"] = " a \t b ", ["anthropic-version"] = "2023-06-01",
    } }
    assert.equal("anthropic-beta;anthropic-version;host;x-amz-date;x-amz-target", signed.signed_headers)
    assert.matches("x%-amz%-target:a b\n", signed.canonical_request)
  end)

  it("takes a missing body for an empty one, and changes with every part", function()
    local seen = {}
    for _, changes in ipairs {
      {}, { body = "" }, { method = "GET" }, { region = "us-east-1" }, { service = "bedrock-mantle" },
      { time = 1700000001 }, { time = 1700086400 }, { url = "https://host.example/" },
      { credentials = { access_key_id = "AKIDEXAMPLE", secret_access_key = "other" } },
    } do
      local signature = sign(changes).signature
      assert.is_nil(seen[signature])
      seen[signature] = true
    end
    local asked = { method = "GET", url = "https://h/", headers = {}, region = "r", service = "s", time = 0,
      credentials = CREDENTIALS }
    assert.matches("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855$",
      sigv4.sign(asked).canonical_request)
  end)
end)
