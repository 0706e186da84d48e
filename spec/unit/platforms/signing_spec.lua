-- The last step before a platform's request goes out, with a platform and answers of the spec's own.

local service = require "spec.support.service"
local signing = require "anthropic.platforms.signing"

local KEYS = { aws_access_key_id = "id", aws_secret_access_key = "secret", region = "eu" }

describe("a platform's request", function()
  local sent, response

  before_each(function()
    service.environment { HOME = "/nowhere", AWS_CONFIG_FILE = "/nowhere", AWS_SHARED_CREDENTIALS_FILE = "/nowhere" }
    sent, response = {}, { headers = {} }
  end)

  after_each(service.clear)

  local function new(platform)
    local all = {
      bases = {}, variables = { region = { "AWS_REGION" } }, service = "bedrock",
      provider = "anthropic.platforms.aws_credentials",
    }
    for name, value in pairs(platform or {}) do
      all[name] = value or nil
    end
    return signing.of(all)
  end

  -- The request as it was sent, or nil and the error's words.
  local function send(step, options, request, spec)
    request = request or {}
    request.method, request.url, request.headers = "POST", "https://h.test/v1/x", request.headers or {}
    request.body = request.body or not spec and "{}" or nil
    local function option(name)
      if name == "base_url" then
        return "https://h.test"
      end
      return options[name]
    end
    spec = spec or {}
    spec.path, spec.method = "/v1/x", "POST"
    local result, err = step(request, function(...)
      sent[#sent + 1] = { request, ... }
      return response
    end, { option = option, spec = function() return spec end, deadline = math.huge })
    if not result then
      return nil, err.message
    end
    assert.equal(response, result)
    return request, sent[#sent][3]
  end

  it("is signed with AWS's keys", function()
    local request, has_credential = send(new(), KEYS)
    assert.matches("^AWS4%-HMAC%-SHA256 Credential=id/%d+/eu/bedrock/aws4_request", request.headers.authorization)
    assert.is_nil(has_credential)
  end)

  it("is not signed where there is a key or a token, or the platform has no signature", function()
    for _, options in ipairs { { api_key = "k", region = "eu" }, { auth_token = "t", region = "eu" } } do
      local request, has_credential = send(new(), options)
      assert.same({}, request.headers)
      assert.is_true(has_credential)
    end
    local request, has_credential = send(new { service = false }, KEYS)
    assert.same({}, request.headers)
    assert.is_true(has_credential)
  end)

  it("is not signed where the caller's headers carry a credential, or refuse one", function()
    for _, headers in ipairs { { authorization = "own" }, { ["x-api-key"] = "own" } } do
      local request, has_credential = send(new(), KEYS, { headers = headers })
      assert.equal(headers, request.headers)
      assert.is_nil(has_credential)
    end
    for _, name in ipairs { "headers", "request_headers" } do
      local options = { region = "eu", [name] = { Authorization = false } }
      assert.same({}, send(new(), options).headers)
    end
  end)

  it("beside a credential under another name is signed with the options' keys alone", function()
    local found = { region = "eu" }
    service.environment { AWS_ACCESS_KEY_ID = "env", AWS_SECRET_ACCESS_KEY = "s" }
    assert.matches("Credential=env/", send(new(), found).headers.authorization)
    local request = send(new(), found, { headers = { ["x-access-token"] = "own" } })
    assert.same({ ["x-access-token"] = "own" }, request.headers)
    request = send(new(), KEYS, { headers = { ["x-access-token"] = "own" } })
    assert.matches("Credential=id/", request.headers.authorization)
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write "[work]\naws_access_key_id = of-profile\naws_secret_access_key = s\n"
    file:close()
    service.environment { AWS_SHARED_CREDENTIALS_FILE = path, AWS_CONFIG_FILE = "/nowhere" }
    request = send(new(), { region = "eu", aws_profile = "work" }, { headers = { ["x-access-token"] = "own" } })
    os.remove(path)
    assert.matches("Credential=of%-profile/", request.headers.authorization)
  end)

  it("is signed for the platform's own region where none is known, or not sent", function()
    local options = { aws_access_key_id = "id", aws_secret_access_key = "secret" }
    local request = send(new { service_region = "home" }, options)
    assert.matches("/home/bedrock/", request.headers.authorization, 1, true)
    local none, words = send(new(), options)
    assert.is_nil(none)
    assert.equal("region: missing; name one (region = ...), or set AWS_REGION", words)
    assert.equal(1, #sent)
  end)

  it("is not sent without keys", function()
    local none, words = send(new(), { region = "eu" })
    assert.is_nil(none)
    assert.matches("no AWS credentials", words, 1, true)
    assert.same({}, sent)
  end)

  it("is signed with its parts as they go out", function()
    local request = send(new(), KEYS, nil, { multipart = { { name = "a", data = "data" } } })
    assert.matches('name="a"', request.body, 1, true)
    assert.matches("^multipart/form%-data; boundary=", request.headers["content-type"])
    assert.is_nil((send(new(), KEYS, nil, { multipart = { { name = "a", file = "/nowhere/x" } } })))
  end)

  it("asks for other keys after an answer that says that they have expired", function()
    service.environment { AWS_EC2_METADATA_SERVICE_ENDPOINT = "http://127.0.0.1:1", AWS_CONFIG_FILE = "/nowhere",
      AWS_SHARED_CREDENTIALS_FILE = "/nowhere", HOME = "/nowhere" }
    local call = require "anthropic.http.call"
    local run, count, bodies = call.run, 0, { "token", "role", '{"AccessKeyId":"i","SecretAccessKey":"s"}' }
    function call.run()
      count = count + 1
      return { status = 200, body = bodies[(count - 1) % 3 + 1] }
    end
    local step, counts = new(), {}
    for i, kind in ipairs { "ThrottlingException", "ExpiredTokenException:http://x", "ExpiredToken", nil } do
      response = { headers = { ["x-amzn-errortype"] = kind } }
      send(step, { region = "eu" })
      counts[i] = count
    end
    send(step, { region = "eu" })
    counts[4] = count
    call.run = run
    assert.same({ 3, 3, 6, 9 }, counts)
  end)
end)
