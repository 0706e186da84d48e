-- The platforms where Claude is served, as a user of a client sees them: what goes out, what comes back, and which
-- credential is taken. The subjects are those that the Python SDK's tests of these platforms have.

local anthropic = require "anthropic"
local core = require "anthropic.core"
local aws_frames = require "spec.support.aws_frames"
local directories = require "spec.support.directory"
local json = require "anthropic.base.json"
local hosted = require "spec.support.hosted"
local service = require "spec.support.service"
local sigv4 = require "anthropic.platforms.sigv4"
local tables = require "anthropic.base.tables"
local testing = require "anthropic.testing"

local ID, SECRET, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "session+token/=="
local FIRST_PARTY = { ANTHROPIC_API_KEY = "sk-first-party", ANTHROPIC_AUTH_TOKEN = "first-party-token",
  ANTHROPIC_BASE_URL = "http://127.0.0.1:9", ANTHROPIC_CUSTOM_HEADERS = "X-Api-Key: sk-custom\nX-Team: blue" }
local MODEL = "claude-test"

local SSE = testing.stream { text = "Hi" }
local ROUTES = { routes = {
  { match = "^/fail", answers = { { status = 429, body = { message = "Too many requests" }, headers = {
    ["x-amzn-errortype"] = "ThrottlingException:http://x/", ["x-amzn-requestid"] = "aws_1", ["request-id"] = false,
    ["retry-after"] = "0",
  } } } },
  { match = "count[-_]tokens", answers = { { body = { input_tokens = 7 } } } },
  { match = "invoke%-with%-response%-stream$", answers = { { headers = { ["content-type"] = aws_frames.CONTENT_TYPE },
    body = aws_frames.fixture "bedrock_ok.bin" } } },
  { match = "streamRawPredict$", answers = { SSE } },
  { body_contains = '"stream":true', answers = { SSE } },
  { match = "/models$", answers = { { body = { data = testing.array {}, has_more = false } } } },
  { match = "/organizations/", answers = { { body = { id = "x" } } } },
  { answers = { testing.message { text = "Hi" } } },
} }

local PARAMS = { model = MODEL, max_tokens = 9, messages = { { role = "user", content = "Hello" } } }
local BODY = '"max_tokens":9,"messages":[{"content":"Hello","role":"user"}]'

-- What each platform needs, and what is sent to it.
local AWS = { aws_access_key_id = ID, aws_secret_access_key = SECRET, region = "eu-west-1" }
local PLATFORMS = {
  bedrock = {
    options = AWS, service = "bedrock",
    create = { "/model/claude-test/invoke", '{"anthropic_version":"bedrock-2023-05-31",' .. BODY .. "}" },
    stream = { "/model/claude-test/invoke-with-response-stream",
      '{"anthropic_version":"bedrock-2023-05-31",' .. BODY .. "}" },
    text = "Hé€😀",
  },
  bedrock_mantle = { options = AWS, service = "bedrock-mantle", count = { "/v1/messages/count_tokens" } },
  aws = {
    options = tables.merge({ workspace_id = "wrkspc_1" }, AWS), service = "aws-external-anthropic",
    headers = { ["anthropic-workspace-id"] = "wrkspc_1" }, count = { "/v1/messages/count_tokens" },
  },
  vertex = {
    options = { auth_token = "ya29.token", region = "us-east5", project_id = "proj" },
    headers = { authorization = "Bearer ya29.token" }, base = "/v1",
    create = { "/v1/projects/proj/locations/us-east5/publishers/anthropic/models/claude-test:rawPredict",
      '{"anthropic_version":"vertex-2023-10-16",' .. BODY .. "}" },
    stream = { "/v1/projects/proj/locations/us-east5/publishers/anthropic/models/claude-test:streamRawPredict",
      '{"anthropic_version":"vertex-2023-10-16",' .. BODY .. ',"stream":true}' },
    count = { "/v1/projects/proj/locations/us-east5/publishers/anthropic/models/count-tokens:rawPredict",
      '{"anthropic_version":"vertex-2023-10-16",' .. BODY .. ',"model":"claude-test"}' },
  },
  foundry = {
    options = { api_key = "foundry-key-1" }, headers = { ["x-api-key"] = "foundry-key-1" }, base = "/anthropic/",
    create = { "/anthropic/v1/messages" }, stream = { "/anthropic/v1/messages" },
    count = { "/anthropic/v1/messages/count_tokens" },
  },
  google_cloud = {
    options = { auth_token = function() return "ya29.token" end, project_id = "proj", workspace_id = "wrkspc_1" },
    headers = { authorization = "Bearer ya29.token" }, count = { "/v1/messages/count_tokens" },
  },
}

local function header(request, name)
  return service.header(request, name)
end

describe("a platform", function()
  local server, home

  setup(function()
    server = hosted.server { script = ROUTES }
    home = directories.new()
  end)

  teardown(function()
    server:stop()
    home:remove()
  end)

  before_each(function()
    service.environment { HOME = home.root }
  end)

  after_each(service.clear)

  local function client_of(name, options, environment)
    service.environment(tables.merge({ HOME = home.root }, environment))
    return anthropic.new(tables.merge({ platform = name, base_url = server.url, max_retries = 0 }, options))
  end

  local function last()
    local requests = server:requests()
    return requests[#requests]
  end

  local function sent_by(name, options, environment, params)
    assert(client_of(name, options, environment).messages.create(params or PARAMS))
    return last()
  end

  -- The signature once more, over what the server got.
  local function assert_signed(request, service_name, region, credentials)
    local authorization = header(request, "authorization")
    local names = authorization:match "SignedHeaders=([^,]+)"
    local fields, time = {}, header(request, "x-amz-date")
    for key in names:gmatch "[^;]+" do
      fields[key] = header(request, key)
    end
    for _, pair in ipairs(request.raw_headers) do
      local key = pair[1]:lower()
      local is_to_be_signed = key:find "^anthropic%-" or key:find "^x%-amz%-" or key == "content-type"
      assert.is_true(fields[key] ~= nil or not is_to_be_signed, key)
    end
    local stamp = time:gsub("(%d%d%d%d)(%d%d)(%d%d)T(%d%d)(%d%d)(%d%d)Z", "%1-%2-%3T%4:%5:%6Z")
    local signed = sigv4.sign {
      method = request.method, url = "http://" .. fields.host .. request.target, headers = fields, body = request.body,
      region = region or "eu-west-1", service = service_name,
      credentials = credentials or { access_key_id = ID, secret_access_key = SECRET },
      time = math.floor(require("anthropic.http.dates").timestamp(stamp)),
    }
    assert.equal(signed.headers.authorization, authorization)
  end

  for name, expected in pairs(PLATFORMS) do
    describe(name, function()
      local function client()
        local options = tables.copy(expected.options)
        options.base_url = server.url .. (expected.base or "")
        return client_of(name, options, FIRST_PARTY)
      end

      -- Path, body and headers of the request that was sent last.
      local function check(wanted, default_path, default_body)
        local request = last()
        assert.equal(wanted and wanted[1] or default_path, request.path)
        assert.equal(wanted and wanted[2] or default_body, request.body)
        for key, value in pairs(expected.headers or {}) do
          assert.equal(value, header(request, key))
        end
        local has_version = name ~= "bedrock" and name ~= "vertex"
        assert.equal(has_version and "2023-06-01" or nil, header(request, "anthropic-version"))
        assert.equal("blue", header(request, "x-team"))
        if expected.service then
          assert_signed(request, expected.service)
        end
        for _, pair in ipairs(request.raw_headers) do
          assert.is_nil(pair[2]:find("first-party", 1, true))
          assert.is_nil(pair[2]:find("sk-custom", 1, true))
        end
      end

      it("answers a message, with the path, body and headers that it wants", function()
        local message = assert(client().messages.create(PARAMS))
        assert.equal("Hi", message:text())
        check(expected.create, "/v1/messages", "{" .. BODY .. ',"model":"claude-test"}')
      end)

      it("streams one", function()
        local stream = assert(client().messages.stream(PARAMS))
        assert.equal(expected.text or "Hi", assert(stream:message()):text())
        check(expected.stream, "/v1/messages", "{" .. BODY .. ',"model":"claude-test","stream":true}')
        local texts = {}
        for text in assert(client().beta.messages.stream(PARAMS)):text_deltas() do
          texts[#texts + 1] = text
        end
        assert.equal(expected.text or "Hi", table.concat(texts))
      end)

      it("counts tokens, or says that it does not", function()
        local params = { model = MODEL, messages = PARAMS.messages, max_tokens = 9 }
        local counted, err = client().messages.count_tokens(params)
        if expected.count then
          assert.equal(7, assert(counted, err).input_tokens)
          check(expected.count, nil, "{" .. BODY .. ',"model":"claude-test"}')
        else
          assert.equal("invalid_request", err.kind)
          assert.matches("Amazon Bedrock has no POST /v1/messages/count_tokens", err.message)
        end
      end)

      it("has errors of the API's, which are retried", function()
        local options = tables.copy(expected.options)
        options.base_url, options.max_retries = server.url .. "/fail", 1
        local message, err = client_of(name, options).messages.create(PARAMS)
        assert.is_nil(message)
        assert.same({ "api", 429, "Too many requests", "aws_1", 2, "ThrottlingException" },
          { err.kind, err.status, err.message, err.request_id, err.attempts, err.type })
        assert.is_nil(tostring(err):find(SECRET, 1, true))
        local command = assert(err:to_curl())
        for _, secret in ipairs { SECRET, "ya29", "foundry-key-1", "Signature=" } do
          assert.is_nil(command:find(secret, 1, true), command)
        end
      end)

      it("shows no secret in a log or a dump", function()
        local shown = {}
        local function dump(value, seen)
          shown[#shown + 1] = tostring(value)
          if type(value) == "table" and not seen[value] then
            seen[value] = true
            for key, item in pairs(value) do
              dump(key, seen)
              dump(item, seen)
            end
          end
        end
        local options = tables.copy(expected.options)
        options.on_log = function(record)
          dump(record, {})
          shown[#shown + 1] = record.request_body and record.request_body(true)
        end
        local made = client_of(name, options)
        local message = assert(made.messages.create(PARAMS))
        dump(message, {})
        dump(made, {})
        dump(assert(made.messages.stream(PARAMS)), {})
        local text = table.concat(shown, "\n")
        for _, secret in ipairs { SECRET, "ya29", "foundry-key-1", "Signature=" } do
          assert.is_nil(text:find(secret, 1, true))
        end
      end)
    end)
  end

  describe("has its base URL by", function()
    local function base_of(name, options, environment)
      service.environment(tables.merge({ HOME = home.root }, environment))
      local made = anthropic.new(tables.merge({ platform = name }, options))
      return made:options_for() "base_url", made
    end

    for _, case in ipairs {
      { "bedrock", { region = "us-west-2" }, {}, "https://bedrock-runtime.us-west-2.amazonaws.com" },
      { "bedrock", {}, { AWS_REGION = "eu-west-1" }, "https://bedrock-runtime.eu-west-1.amazonaws.com" },
      { "bedrock", {}, { AWS_DEFAULT_REGION = "eu-west-2" }, "https://bedrock-runtime.eu-west-2.amazonaws.com" },
      { "bedrock", { region = "a" }, { AWS_REGION = "b", AWS_DEFAULT_REGION = "c" },
        "https://bedrock-runtime.a.amazonaws.com" },
      { "bedrock", {}, { AWS_REGION = "b", AWS_DEFAULT_REGION = "c" }, "https://bedrock-runtime.b.amazonaws.com" },
      { "bedrock", { region = "a" }, { ANTHROPIC_BEDROCK_BASE_URL = "http://x" }, "http://x" },
      { "bedrock", { base_url = "http://y" }, { ANTHROPIC_BEDROCK_BASE_URL = "http://x" }, "http://y" },
      { "bedrock", { region = "a" }, { ANTHROPIC_BASE_URL = "http://x" }, "https://bedrock-runtime.a.amazonaws.com" },
      { "bedrock_mantle", { region = "us-west-2" }, {}, "https://bedrock-mantle.us-west-2.api.aws/anthropic" },
      { "bedrock_mantle", {}, { ANTHROPIC_BEDROCK_MANTLE_BASE_URL = "http://x" }, "http://x" },
      { "aws", { region = "us-west-2" }, {}, "https://aws-external-anthropic.us-west-2.api.aws" },
      { "aws", {}, { ANTHROPIC_AWS_BASE_URL = "http://x" }, "http://x" },
      { "vertex", { region = "us-east5" }, {}, "https://us-east5-aiplatform.googleapis.com/v1" },
      { "vertex", {}, { CLOUD_ML_REGION = "global" }, "https://aiplatform.googleapis.com/v1" },
      { "vertex", { region = "us" }, {}, "https://aiplatform.us.rep.googleapis.com/v1" },
      { "vertex", { region = "eu" }, {}, "https://aiplatform.eu.rep.googleapis.com/v1" },
      { "vertex", {}, { ANTHROPIC_VERTEX_BASE_URL = "http://x" }, "http://x" },
      { "foundry", { resource = "my-res" }, {}, "https://my-res.services.ai.azure.com/anthropic" },
      { "foundry", {}, { ANTHROPIC_FOUNDRY_RESOURCE = "r" }, "https://r.services.ai.azure.com/anthropic" },
      { "foundry", {}, { ANTHROPIC_FOUNDRY_BASE_URL = "http://x" }, "http://x" },
      { "foundry", { resource = "r" }, { ANTHROPIC_FOUNDRY_BASE_URL = "http://x" },
        "https://r.services.ai.azure.com/anthropic" },
      { "google_cloud", { project_id = "p", workspace_id = "w" }, {},
        "https://claude.googleapis.com/v1/projects/p/locations/global/workspaces/w/invoke" },
      { "google_cloud", { project_id = "p", workspace_id = "w", location = "us" }, {},
        "https://claude.googleapis.com/v1/projects/p/locations/us/workspaces/w/invoke" },
      { "google_cloud", {}, { ANTHROPIC_GOOGLE_CLOUD_PROJECT = "a", GOOGLE_CLOUD_PROJECT = "b",
        ANTHROPIC_GOOGLE_CLOUD_LOCATION = "l", ANTHROPIC_GOOGLE_CLOUD_WORKSPACE_ID = "w" },
        "https://claude.googleapis.com/v1/projects/a/locations/l/workspaces/w/invoke" },
      { "google_cloud", {}, { GOOGLE_CLOUD_PROJECT = "b", ANTHROPIC_GOOGLE_CLOUD_WORKSPACE_ID = "w" },
        "https://claude.googleapis.com/v1/projects/b/locations/global/workspaces/w/invoke" },
      { "google_cloud", {}, { ANTHROPIC_GOOGLE_CLOUD_BASE_URL = "http://x" }, "http://x" },
    } do
      it(("%s %s %s: %s"):format(case[1], table.concat(tables.sorted_keys(case[2]), " "),
        table.concat(tables.sorted_keys(case[3]), " "), case[4]), function()
        assert.equal(case[4], (base_of(case[1], case[2], case[3])))
      end)
    end

    it("nothing: then it says what is missing, when something is sent", function()
      for name, words in pairs {
        bedrock = "region: missing; name one %(region = ...%), or set AWS_REGION or AWS_DEFAULT_REGION",
        bedrock_mantle = "region: missing", aws = "region: missing", vertex = "region: missing; .*CLOUD_ML_REGION",
        foundry = "resource: missing; .*ANTHROPIC_FOUNDRY_RESOURCE", google_cloud = "project_id: missing",
      } do
        local _, made = base_of(name, { api_key = "k" }, FIRST_PARTY)
        local message, err = made.messages.create(PARAMS)
        assert.is_nil(message)
        assert.equal("invalid_request", err.kind)
        assert.matches(words, err.message)
        assert.equal("anthropic.Client (...)", tostring(made))
      end
    end)

    it("the region of a profile in ~/.aws/config", function()
      home:write("config", "[default]\nregion = eu-north-1\n[profile work]\nregion=ap-south-1 \n")
      local environment = { AWS_CONFIG_FILE = home:path "config" }
      assert.equal("https://bedrock-runtime.eu-north-1.amazonaws.com", (base_of("bedrock", {}, environment)))
      assert.matches("ap%-south%-1", (base_of("aws", { aws_profile = "work" }, environment)))
      environment.AWS_PROFILE = "work"
      assert.matches("ap%-south%-1", (base_of("bedrock_mantle", {}, environment)))
    end)

    it("no region or resource that leads to another host, and no part of a path that leads up", function()
      for _, case in ipairs {
        { "bedrock", { region = "x.evil.example/" } }, { "vertex", { region = "a b" } },
        { "foundry", { resource = "evil.example#" } }, { "google_cloud", { project_id = "..", workspace_id = "w" } },
        { "google_cloud", { project_id = "p", workspace_id = ".;x" } },
      } do
        local _, made = base_of(case[1], tables.merge({ api_key = "k" }, case[2]))
        local _, err = made.messages.create(PARAMS)
        assert.equal("invalid_request", err.kind)
      end
    end)
  end)

  describe("has the credential", function()
    for _, case in ipairs {
      { "bedrock", { api_key = "k" }, { AWS_BEARER_TOKEN_BEDROCK = "e" }, "authorization", "Bearer k" },
      { "bedrock", {}, { AWS_BEARER_TOKEN_BEDROCK = "e" }, "authorization", "Bearer e" },
      { "bedrock", AWS, { AWS_BEARER_TOKEN_BEDROCK = "e" }, "authorization", "Bearer e" },
      { "bedrock", AWS, {}, "authorization", "AWS4%-HMAC%-SHA256 Credential=" .. ID },
      { "bedrock", { region = "r" }, { AWS_ACCESS_KEY_ID = "ENVID", AWS_SECRET_ACCESS_KEY = "s" }, "authorization",
        "Credential=ENVID/%d+/r/bedrock/aws4_request" },
      { "bedrock", {}, { AWS_ACCESS_KEY_ID = "ENVID", AWS_SECRET_ACCESS_KEY = "s" }, "authorization",
        "Credential=ENVID/%d+/us%-east%-1/" },
      { "bedrock", AWS, { AWS_ACCESS_KEY_ID = "ENVID", AWS_SECRET_ACCESS_KEY = "s" }, "authorization",
        "Credential=" .. ID },
      { "bedrock", { region = "r" }, { AWS_ACCESS_KEY_ID = "ENVID", AWS_SECRET_ACCESS_KEY = "s", AWS_PROFILE = "p" },
        "authorization", "Credential=ENVID" },
      { "bedrock_mantle", { region = "r" }, { AWS_BEARER_TOKEN_BEDROCK = "e", AWS_ACCESS_KEY_ID = "ENVID",
        AWS_SECRET_ACCESS_KEY = "s" }, "authorization", "Bearer e" },
      { "bedrock_mantle", { region = "r" }, { ANTHROPIC_AWS_API_KEY = "e" }, "authorization", "Bearer e" },
      { "bedrock_mantle", AWS, { AWS_BEARER_TOKEN_BEDROCK = "e" }, "authorization", "Credential=" .. ID },
      { "aws", { workspace_id = "w", api_key = "k" }, {}, "x-api-key", "k" },
      { "aws", { workspace_id = "w", auth_token = "k" }, {}, "authorization", "Bearer k" },
      { "aws", { workspace_id = "w" }, { ANTHROPIC_AWS_API_KEY = "e", AWS_ACCESS_KEY_ID = "ENVID",
        AWS_SECRET_ACCESS_KEY = "s" }, "x-api-key", "e" },
      { "foundry", {}, { ANTHROPIC_FOUNDRY_API_KEY = "e" }, "x-api-key", "e" },
      { "foundry", { api_key = "k" }, { ANTHROPIC_FOUNDRY_API_KEY = "e" }, "x-api-key", "k" },
      { "foundry", { auth_token = function() return "entra" end }, { ANTHROPIC_FOUNDRY_API_KEY = "e" }, "authorization",
        "Bearer entra" },
      { "vertex", { region = "r", project_id = "p", api_key = "k" }, {}, "authorization", "Bearer k" },
      { "bedrock", { region = "r", headers = { Authorization = "Mine x" } }, {}, "authorization", "Mine x" },
      { "bedrock", tables.merge({ headers = { ["x-gateway-key"] = "g" } }, AWS), {}, "authorization", ID },
      { "bedrock", { api_key = "k", headers = { ["x-gateway-key"] = "g" } }, {}, "authorization", "Bearer k" },
      { "foundry", { headers = { ["X-Api-Key"] = "mine" } }, { ANTHROPIC_FOUNDRY_API_KEY = "e" }, "x-api-key", "mine" },
    } do
      it(("%s %s %s: %s %s"):format(case[1], table.concat(tables.sorted_keys(case[2]), " "),
        table.concat(tables.sorted_keys(case[3]), " "), case[4], case[5]), function()
        local request = sent_by(case[1], case[2], tables.merge(tables.copy(FIRST_PARTY), case[3]))
        assert.matches(case[5], header(request, case[4]))
        local others = { authorization = true, ["x-api-key"] = true }
        others[case[4]] = nil
        assert.is_nil(header(request, next(others)))
      end)
    end

    it("none beside a gateway's own, where the environment alone has one", function()
      local request = sent_by("bedrock", { region = "r", headers = { ["x-gateway-key"] = "g" } },
        { AWS_ACCESS_KEY_ID = "ENVID", AWS_SECRET_ACCESS_KEY = "s" })
      assert.is_nil(header(request, "authorization"))
    end)

    it("none where the caller's headers say so: a gateway adds its own", function()
      local request = sent_by("bedrock", { region = "r", headers = { authorization = false } })
      assert.is_nil(header(request, "authorization"))
      assert.is_nil(header(request, "x-amz-date"))
      local client = client_of("bedrock", tables.merge({ region = "r" }, AWS))
      for _, value in ipairs { false, "Bearer own" } do
        assert(client:request { path = "/v1/messages", body = PARAMS, headers = { Authorization = value } })
        assert.equal(value or nil, header(last(), "authorization"))
        assert.is_nil(header(last(), "x-amz-date"))
      end
    end)

    it("none, and says what to do", function()
      for name, words in pairs {
        bedrock = "no AWS credentials: give aws_access_key_id and aws_secret_access_key or an api_key",
        aws = "no AWS credentials", foundry = "no credential: give the option api_key or auth_token, or set "
          .. "ANTHROPIC_FOUNDRY_API_KEY",
      } do
        local options = { region = name ~= "foundry" and "r" or nil, workspace_id = name == "aws" and "w" or nil }
        local message, err = client_of(name, options, FIRST_PARTY).messages.create(PARAMS)
        assert.is_nil(message)
        assert.equal("invalid_request", err.kind)
        assert.matches(words, err.message)
      end
    end)

    it("of a session, which is signed", function()
      local request = sent_by("bedrock", tables.merge({ aws_session_token = TOKEN }, AWS))
      assert.equal(TOKEN, header(request, "x-amz-security-token"))
      assert_signed(request, "bedrock", nil,
        { access_key_id = ID, secret_access_key = SECRET, session_token = TOKEN })
    end)
  end)

  describe("by AWS's files", function()
    local function environment(text, more)
      home:write("credentials", text)
      return tables.merge({ AWS_SHARED_CREDENTIALS_FILE = home:path "credentials", AWS_REGION = "r" }, more)
    end
    local TWO = "# mine\n[default]\naws_access_key_id = DEFAULTID\naws_secret_access_key=s\n\n[work]\n"
      .. "aws_access_key_id=WORKID\naws_secret_access_key = t \naws_session_token=tok\n"

    it("takes the profile that options, environment or nothing names", function()
      assert.matches("Credential=DEFAULTID", header(sent_by("bedrock", {}, environment(TWO)), "authorization"))
      local request = sent_by("bedrock", { aws_profile = "work" }, environment(TWO))
      assert.matches("Credential=WORKID", header(request, "authorization"))
      assert.equal("tok", header(request, "x-amz-security-token"))
      request = sent_by("bedrock_mantle", {}, environment(TWO, { AWS_PROFILE = "work" }))
      assert.matches("Credential=WORKID", header(request, "authorization"))
      request = sent_by("bedrock_mantle", { aws_profile = "work" }, environment(TWO, { AWS_BEARER_TOKEN_BEDROCK = "e",
        AWS_ACCESS_KEY_ID = "ENVID", AWS_SECRET_ACCESS_KEY = "s" }))
      assert.matches("Credential=WORKID", header(request, "authorization"))
    end)

    it("runs a credential_process, and remembers what expires", function()
      local count = home:path "count"
      local text = '[default]\ncredential_process = echo x >>' .. count
        .. [[; echo '{"Version":1,"AccessKeyId":"PROCID","SecretAccessKey":"s","SessionToken":"t","Expiration":"%s"}']]
      local function runs()
        local _, number = (home:read "count"):gsub("x", "")
        return number
      end
      local client = client_of("bedrock", {}, environment(text:format "2099-01-01T00:00:00Z"))
      for _ = 1, 3 do
        assert(client.messages.create(PARAMS))
        assert.matches("Credential=PROCID", header(last(), "authorization"))
      end
      assert.equal(1, runs())
      client = client_of("bedrock", {}, environment(text:format "2000-01-01T00:00:00Z"))
      assert(client.messages.create(PARAMS))
      assert(client.messages.create(PARAMS))
      assert.equal(3, runs())
      local expired = { ["x-amzn-errortype"] = "ExpiredTokenException" }
      local refused = { status = 403, headers = expired, body = { message = "m" } }
      local ok = testing.message { text = "Hi" }
      local strict = service.serve { ok, ok, refused, ok }
      client = client_of("bedrock", { base_url = strict.url }, environment((text:gsub(',"Expiration":"%%s"', ""))))
      assert(client.messages.create(PARAMS))
      assert(client.messages.create(PARAMS))
      assert.equal(4, runs())
      assert.equal(403, select(2, client.messages.create(PARAMS)).status)
      assert(client.messages.create(PARAMS))
      assert.equal(5, runs())
    end)

    it("says what is wrong, and nothing that is secret", function()
      for text, words in pairs {
        ["[default]\ncredential_process = false"] = "the command failed",
        ["[default]\ncredential_process = echo"] = "the command wrote nothing",
        ["[default]\ncredential_process = echo hunter2"] = "wrote no JSON",
        ["[default]\ncredential_process = echo '{\"SecretAccessKey\":\"hunter2\"}'"] = "missing in the answer",
        ["[default]\nsso_session = x"] = "needs a login %(SSO%).*aws configure export%-credentials %-%-profile default",
        ["[default]\nrole_arn = x"] = "takes on a role",
      } do
        local _, err = client_of("bedrock", {}, environment(text)).messages.create(PARAMS)
        assert.matches(words, err.message)
        assert.is_nil(err.message:find("hunter2", 1, true))
      end
      local _, err = client_of("bedrock", { aws_profile = "none" }, environment "").messages.create(PARAMS)
      assert.matches('there is no AWS profile "none"', err.message)
      assert.equal("invalid_request", err.kind)
    end)
  end)

  describe("by an address", function()
    local function counted(requests, path)
      local count = 0
      for _, request in ipairs(requests) do
        count = count + (request.path == path and 1 or 0)
      end
      return count
    end

    it("of a container, once for many requests at the same time", function()
      local metadata = service.serve { routes = { { path = "/creds", answers = { { delay = 0.05, body = {
        AccessKeyId = "CONTID", SecretAccessKey = "s", Token = "tok", Expiration = "2099-01-01T00:00:00Z" } } } } } }
      home:write("token", "container-token\n")
      local client = client_of("bedrock", { region = "r" }, {
        AWS_CONTAINER_CREDENTIALS_FULL_URI = metadata.url .. "/creds",
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE = home:path "token",
      })
      anthropic.run(function()
        local all = {}
        for i = 1, 20 do
          all[i] = anthropic.spawn(function() return assert(client.messages.create(PARAMS)):text() end)
        end
        for i = 1, 20 do
          assert.equal("Hi", (assert(all[i]:join())))
        end
      end)
      assert.equal(1, #metadata:requests())
      assert.equal("container-token", header(metadata:requests()[1], "authorization"))
      assert.matches("Credential=CONTID", header(last(), "authorization"))
      assert.equal("tok", header(last(), "x-amz-security-token"))
    end)

    it("once for clients of other options and requests to other regions", function()
      local metadata = service.serve { routes = { { path = "/creds", answers = { { body = {
        AccessKeyId = "CONTID", SecretAccessKey = "s", Expiration = "2099-01-01T00:00:00Z" } } } } } }
      local environment = { AWS_CONTAINER_CREDENTIALS_FULL_URI = metadata.url .. "/creds" }
      local client = client_of("bedrock", { region = "r" }, environment)
      assert(client.messages.create(PARAMS))
      local other = client:with_options { tag = 1 }
      assert(other.messages.create(PARAMS))
      assert(other.messages.create(PARAMS, { region = "us-west-2" }))
      assert.matches("Credential=CONTID/%d+/us%-west%-2/", header(last(), "authorization"))
      assert(client:with_options({ platform = "bedrock", region = "r2" }).messages.create(PARAMS))
      assert.equal(1, #metadata:requests())
      assert(other.messages.create(PARAMS, { aws_access_key_id = "OTHER", aws_secret_access_key = "s" }))
      assert.matches("Credential=OTHER", header(last(), "authorization"))
      assert(other.messages.create(PARAMS, { platform = "bedrock_mantle", region = "r", base_url = server.url }))
      assert.matches("/bedrock%-mantle/", header(last(), "authorization"))
      assert.equal(2, #metadata:requests())

      local calls = 0
      local vertex = client_of("vertex", { region = "r", project_id = "p", auth_token = function()
        calls = calls + 1
        return "ya29." .. calls, os.time() + 3600
      end })
      assert(vertex.messages.create(PARAMS))
      assert(vertex.messages.create(PARAMS, { region = "us-east5" }))
      assert(vertex:with_options({ region = "us-east5" }).messages.create(PARAMS))
      assert.equal("Bearer ya29.1", header(last(), "authorization"))
    end)

    it("of a container only where that is on this machine, or over TLS", function()
      local _, err = client_of("bedrock", { region = "r" }, {
        AWS_CONTAINER_CREDENTIALS_FULL_URI = "http://evil.example/creds",
      }).messages.create(PARAMS)
      assert.same({ "invalid_request" }, { err.kind })
      assert.matches("must be https, or an address of this machine", err.message)
    end)

    it("of an instance where it is asked for", function()
      local metadata = service.serve { routes = {
        { method = "PUT", path = "/latest/api/token", answers = { { body = "imds-token" } } },
        { path = "/latest/meta-data/iam/security-credentials/", answers = { { body = "my-role\n" } } },
        { path = "/latest/meta-data/iam/security-credentials/my-role", answers = { { body = {
          AccessKeyId = "IMDSID", SecretAccessKey = "s", Token = "tok", Expiration = "2099-01-01T00:00:00Z" } } } },
      } }
      local client = client_of("bedrock", { region = "r" }, { AWS_EC2_METADATA_SERVICE_ENDPOINT = metadata.url .. "/" })
      assert(client.messages.create(PARAMS))
      assert(client.messages.create(PARAMS))
      assert.matches("Credential=IMDSID", header(last(), "authorization"))
      local requests = metadata:requests()
      assert.equal(3, #requests)
      assert.equal("imds-token", header(requests[3], "x-aws-ec2-metadata-token"))
    end)

    it("that fails, as an error of the connection, which is tried again", function()
      local metadata = service.serve { { status = 500, body = "hunter2" },
        { body = { AccessKeyId = "CONTID", SecretAccessKey = "s" } } }
      local environment = { AWS_CONTAINER_CREDENTIALS_FULL_URI = metadata.url .. "/creds" }
      local _, err = client_of("bedrock", { region = "r" }, environment).messages.create(PARAMS)
      assert.same({ "connection" }, { err.kind })
      assert.matches("no AWS credentials from the container's address: HTTP 500", err.message)
      assert.is_nil(err.message:find("hunter2", 1, true))
      assert(client_of("bedrock", { region = "r" }, environment).messages.create(PARAMS))
    end)

    describe("that answers late", function()
      local DELAY = 1
      local late

      before_each(function()
        local keys = { AccessKeyId = "CONTID", SecretAccessKey = "s", access_token = "t", expires_in = 3600 }
        late = service.serve { { delay = DELAY, body = keys } }
      end)

      local NEEDED = { bedrock = { region = "r" }, google_cloud = { project_id = "p", workspace_id = "w" } }

      local function waiting(platform, options)
        return client_of(platform, tables.merge(tables.copy(NEEDED[platform]), options), {
          AWS_CONTAINER_CREDENTIALS_FULL_URI = late.url .. "/creds",
          GCE_METADATA_HOST = late.url:gsub("^http://", ""),
        })
      end

      for _, platform in ipairs { "bedrock", "google_cloud" } do
        it("is waited for no longer than the timeout total says, with " .. platform, function()
          local began = core.now()
          local _, err = waiting(platform, { timeout = 0.1 }).messages.create(PARAMS)
          assert.same({ "timeout", "total" }, { err.kind, err.timeout })
          assert.is_true(core.now() - began < DELAY / 2)
        end)
      end

      it("is waited for no longer than the client is open", function()
        local client = waiting("bedrock", {})
        local began = core.now()
        anthropic.run(function()
          local task = anthropic.spawn(function() return client.messages.create(PARAMS) end)
          anthropic.sleep(0.1)
          client:close()
          assert.equal("cancelled", select(2, task:join()).kind)
        end)
        assert.is_true(core.now() - began < DELAY / 2)
      end)
    end)

    it("of Google, for the credentials that gcloud has made", function()
      local google = service.serve { { body = { access_token = "ya29.fresh", expires_in = 3600 } } }
      home:write("adc.json", assert(json.encode { type = "authorized_user", client_id = "c", client_secret = "s&s",
        refresh_token = "r/r", token_uri = google.url .. "/token", quota_project_id = "quota" }))
      local client = client_of("vertex", { region = "r", base_url = server.url .. "/v1" },
        { GOOGLE_APPLICATION_CREDENTIALS = home:path "adc.json" })
      assert(client.messages.create(PARAMS))
      assert(client.messages.create(PARAMS))
      assert.equal("Bearer ya29.fresh", header(last(), "authorization"))
      assert.matches("/projects/quota/", last().path)
      local requests = google:requests()
      assert.equal(1, #requests)
      assert.equal("grant_type=refresh_token&client_id=c&client_secret=s%26s&refresh_token=r%2Fr", requests[1].body)
    end)

    it("of Google's metadata server where it is asked for", function()
      local google = service.serve { { body = { access_token = "ya29.meta", expires_in = 3600 } } }
      local client = client_of("google_cloud", { project_id = "p", workspace_id = "w" },
        { GCE_METADATA_HOST = google.url:gsub("^http://", "") })
      assert(client.messages.create(PARAMS))
      assert.equal("Bearer ya29.meta", header(last(), "authorization"))
      assert.is_nil(header(last(), "x-api-key"))
      local request = google:requests()[1]
      assert.equal("/computeMetadata/v1/instance/service-accounts/default/token", request.path)
      assert.equal("Google", header(request, "metadata-flavor"))
      assert.equal(1, counted(google:requests(), request.path))
    end)

    it("of Google's, where a service account needs a signature: says what to do", function()
      home:write("sa.json", assert(json.encode { type = "service_account", private_key = "hunter2", project_id = "p" }))
      local _, err = client_of("vertex", { region = "r" }, { GOOGLE_APPLICATION_CREDENTIALS = home:path "sa.json" })
        .messages.create(PARAMS)
      assert.equal("invalid_request", err.kind)
      assert.matches('of the type "service_account".*gcloud', err.message)
      assert.is_nil(err.message:find("hunter2", 1, true))
    end)
  end)

  describe("writes a request", function()
    it("with the model in the path as it is, but for what would be another path", function()
      for model, path in pairs {
        ["us.anthropic.claude-v1:0"] = "/model/us.anthropic.claude-v1:0/invoke",
        ["arn:aws:bedrock:us-east-1:1:application-inference-profile/abc"] =
          "/model/arn:aws:bedrock:us-east-1:1:application-inference-profile%2Fabc/invoke",
        ["a b?c#d%2e"] = "/model/a%20b%3Fc%23d%252e/invoke", ["a;b"] = "/model/a;b/invoke",
        ["é"] = "/model/%C3%A9/invoke",
      } do
        local request = sent_by("bedrock", AWS, nil, tables.merge(tables.copy(PARAMS), { model = model }))
        assert.equal(path, request.path)
        assert_signed(request, "bedrock")
      end
      for _, model in ipairs { ".", "..", ";x", ".;x", "..;x" } do
        local params = tables.merge(tables.copy(PARAMS), { model = model })
        local _, err = client_of("bedrock", AWS).messages.create(params)
        assert.equal("invalid_request", err.kind)
      end
      local options = { auth_token = "t", region = "r", project_id = "p" }
      local request = sent_by("vertex", options, nil, tables.merge(tables.copy(PARAMS), { model = "a;b@c" }))
      assert.matches("/models/a%%3Bb@c:rawPredict$", request.path)
    end)

    it("with betas, version and user profile where the platform has them", function()
      local params = tables.merge(tables.copy(PARAMS), { betas = { "a-1", "b-2" }, user_profile_id = "prof_1" })
      local function body_of(name, options, more)
        return assert(json.decode(sent_by(name, options, nil, tables.merge(tables.copy(params), more)).body))
      end
      local body = body_of("bedrock", AWS)
      assert.same({ { "a-1", "b-2" }, "prof_1", "bedrock-2023-05-31" },
        { body.anthropic_beta, body.user_profile_id, body.anthropic_version })
      assert.is_nil(header(last(), "anthropic-user-profile-id"))
      assert.equal("mine", body_of("bedrock", AWS, { anthropic_version = "mine" }).anthropic_version)
      body = body_of("bedrock", AWS, { anthropic_beta = { "c-3", "a-1" } })
      assert.same({ "c-3", "a-1", "b-2" }, body.anthropic_beta)
      local newer = tables.merge({ api_version = "2026-10-21" }, AWS)
      assert.equal("2026-10-21", body_of("bedrock", newer).anthropic_version)
      body = body_of("bedrock_mantle", AWS)
      assert.same({ "prof_1" }, { body.user_profile_id, body.anthropic_beta, body.anthropic_version })
      assert.equal("a-1,b-2", header(last(), "anthropic-beta"))
      body = body_of("vertex", PLATFORMS.vertex.options)
      assert.same({ "vertex-2023-10-16" }, { body.anthropic_version, body.anthropic_beta })
      assert.equal("a-1,b-2", header(last(), "anthropic-beta"))
      assert.equal("prof_1", header(last(), "anthropic-user-profile-id"))
      sent_by("foundry", PLATFORMS.foundry.options, nil, params)
      assert.equal("prof_1", header(last(), "anthropic-user-profile-id"))
    end)

    it("whose other parts stay as they were", function()
      local input = { list = {}, object = anthropic.object {}, none = anthropic.null, number = 1.50 }
      local params = tables.merge(tables.copy(PARAMS), { metadata = anthropic.object {}, stop_sequences = { "\1é" },
        tools = { { name = "n", input_schema = { type = "object", properties = anthropic.object {} } } },
        messages = { { role = "user", content = "Hi" }, { role = "assistant", content = {
          { type = "tool_use", id = "t", name = "n", input = input } } } } })
      local plain = sent_by("foundry", PLATFORMS.foundry.options, nil, params).body
      local adapted = sent_by("bedrock", AWS, nil, params).body
      local expected = plain:gsub(',"model":"claude%-test"', "", 1)
      expected = expected:gsub("^{", '{"anthropic_version":"bedrock-2023-05-31",', 1)
      assert.equal(expected, adapted)
    end)

    it("anew for each attempt, and signed again", function()
      local busy = { status = 529, headers = { ["retry-after"] = "0" } }
      local flaky = service.serve { busy, testing.message { text = "Hi" } }
      local client = client_of("bedrock", tables.merge({ base_url = flaky.url, max_retries = 1 }, AWS))
      assert.equal("Hi", assert(client.messages.create(PARAMS)):text())
      local requests = flaky:requests()
      assert.equal(2, #requests)
      assert.equal(requests[1].body, requests[2].body)
      assert_signed(requests[2], "bedrock")
    end)

    it("after middleware, which sees the API's own shape and no credential", function()
      local seen
      local client = client_of("bedrock", tables.merge({ middleware = { function(request, send)
        seen = { request.url, request.headers.authorization or "none", request.body }
        request.headers["anthropic-beta"] = "added"
        return send()
      end } }, AWS))
      assert(client.messages.create(PARAMS))
      assert.equal(server.url .. "/v1/messages", seen[1])
      assert.equal("none", seen[2])
      assert.matches('"model"', seen[3])
      assert.same({ "added" }, json.decode(last().body).anthropic_beta)
      assert_signed(last(), "bedrock")
    end)

    it("of the platform's own, by client:request", function()
      local client = client_of("bedrock", AWS)
      assert(client:request { path = "/model/m/converse", body = { messages = {} } })
      assert.equal("/model/m/converse", last().path)
      assert_signed(last(), "bedrock")
      assert(client:request { path = "/model/m/count-tokens", query = { b = "x y", a = 1 }, method = "GET" })
      assert_signed(last(), "bedrock")
      local stream = assert(client:request { path = "/model/m/invoke-with-response-stream", body = {}, stream = true })
      assert.equal("message_start", stream:next().type)
      stream:close()
    end)

    it("to the organisation's address, where a route is of that", function()
      service.environment { HOME = home.root }
      local urls = {}
      local client = anthropic.new { platform = "google_cloud", project_id = "p", auth_token = "t", max_retries = 0,
        workspace_id = "w", middleware = {} }
      local function url_of(path)
        local found
        local options = { timeout = 1, base_url = nil, proxy = "http://127.0.0.1:1", max_retries = 0 }
        local _, err = client:request({ path = path, method = "GET" }, options)
        found = err.url
        urls[#urls + 1] = found
        return found
      end
      assert.equal("https://claude.googleapis.com/v1/projects/p/locations/global/claudeOrganization/invoke"
        .. "/v1/organizations/me", url_of "/v1/organizations/me")
      assert.equal("https://claude.googleapis.com/v1/projects/p/locations/global/claudeOrganization/invoke"
        .. "/v1/user_profiles", url_of "/v1/user_profiles")
      assert.equal("https://claude.googleapis.com/v1/projects/p/locations/global/workspaces/w/invoke/v1/models",
        url_of "/v1/models")
    end)
  end)

  it("refuses what it has not, before anything is sent", function()
    local before = #server:requests()
    for _, case in ipairs {
      { "bedrock", AWS, function(client) return client.models.list() end, "Amazon Bedrock has no GET /v1/models" },
      { "bedrock", AWS, function(client) return client.messages.batches.create { requests = {} } end, "batches" },
      { "bedrock_mantle", AWS, function(client) return client.models.list() end, "Amazon Bedrock Mantle has no GET" },
      { "aws", PLATFORMS.aws.options, function(client)
        return client:request { path = "/v1/user_profiles/x/action_urls", body = {} }
      end, "action_urls" },
      { "vertex", PLATFORMS.vertex.options, function(client) return client.beta.files.list() end, "/v1/files" },
      { "foundry", PLATFORMS.foundry.options, function(client) return client.models.list() end, "/v1/models" },
      { "foundry", PLATFORMS.foundry.options, function(client)
        return client.messages.batches.retrieve "b"
      end, "/v1/messages/batches/b" },
    } do
      local result, err = case[3](client_of(case[1], case[2]))
      assert.is_nil(result)
      assert.equal("invalid_request", err.kind)
      assert.truthy(err.message:find(case[4], 1, true), err.message)
      assert.truthy(err.message:find(('platform = "%s"'):format(case[1]), 1, true), err.message)
    end
    assert.equal(before, #server:requests())
  end)

  it("signs an upload, the same parts as are sent with a key", function()
    home:write("b.txt", "bytes of a file\0\r\n")
    local params = { file = { path = home:path "b.txt", filename = 'b "quoted".txt' }, expires_in_seconds = 60 }
    local function parts_of(options)
      assert(client_of("aws", options).beta.files.upload(params))
      local request = last()
      local boundary = header(request, "content-type"):match "^multipart/form%-data; boundary=(%S+)$"
      local body, count = request.body:gsub("%-%-" .. boundary:gsub("%-", "%%-"), "--BOUNDARY")
      assert.equal(3, count)
      return body, request
    end
    local signed, request = parts_of(PLATFORMS.aws.options)
    assert_signed(request, "aws-external-anthropic")
    assert.equal((parts_of { workspace_id = "w", api_key = "k" }), signed)
    params.file = home:path "none"
    local _, err = client_of("aws", PLATFORMS.aws.options).beta.files.upload(params)
    assert.equal("invalid_request", err.kind)
    assert.matches("cannot read .*none: No such file", err.message)
  end)

  it("needs its workspace, but for where a request names one", function()
    local options = tables.copy(PLATFORMS.aws.options)
    options.workspace_id = nil
    local _, err = client_of("aws", options).messages.create(PARAMS)
    assert.matches("workspace_id: missing; .*ANTHROPIC_AWS_WORKSPACE_ID", err.message)
    assert.equal("e", header(sent_by("aws", options, { ANTHROPIC_AWS_WORKSPACE_ID = "e" }), "anthropic-workspace-id"))
    service.environment { HOME = home.root }
    local google = anthropic.new { platform = "google_cloud", project_id = "p", auth_token = "t" }
    _, err = google.messages.create(PARAMS)
    assert.equal("invalid_request", err.kind)
    assert.matches("workspace_id: missing; .*ANTHROPIC_GOOGLE_CLOUD_WORKSPACE_ID", err.message)
  end)

  describe("works as ever", function()
    it("with tools, also where the answer is streamed underneath", function()
      local weather = { id = "toolu_1", name = "weather", input = { city = "Paris" } }
      local bedrock = service.serve { routes = {
        { body_contains = "tool_result", answers = { testing.message { text = "Sunny." } } },
        { match = "/invoke$", answers = { testing.message { tool_uses = { weather }, stop_reason = "tool_use" } } },
        { answers = { { headers = { ["content-type"] = aws_frames.CONTENT_TYPE },
          body = aws_frames.fixture "bedrock_ok.bin" } } },
      } }
      local client = client_of("bedrock", tables.merge({ base_url = bedrock.url }, AWS))
      local asked
      local message = assert(client.messages.run {
        model = MODEL, max_tokens = 9, messages = PARAMS.messages,
        tools = { anthropic.tool {
          name = "weather", description = "The weather.", input_schema = { type = "object" },
          run = function(input)
            asked = input.city
            return "sun"
          end,
        } },
      })
      assert.same({ "Sunny.", "Paris" }, { message:text(), asked })
      local params = tables.merge(tables.copy(PARAMS), { max_tokens = 30000 })
      assert.equal("Hé€😀", assert(client.messages.create(params)):text())
      local requests = bedrock:requests()
      assert.equal("/model/claude-test/invoke-with-response-stream", requests[#requests].path)
      assert_signed(requests[#requests], "bedrock")
    end)

    it("with map, ask, chats and callbacks", function()
      local client = client_of("bedrock", tables.merge({ model = MODEL }, AWS))
      local messages, errs = client.messages.map { PARAMS, PARAMS, PARAMS }
      assert.same({ "Hi", "Hi", "Hi" }, { messages[1]:text(), messages[2]:text(), messages[3]:text() })
      assert.is_nil(next(errs))
      assert.equal("Hi", client:ask "Hello")
      local chat = client:chat()
      assert.equal("Hi", chat:say "Hello")
      assert.equal("Hi", chat:say "And again")
      assert.equal(3, #json.decode(last().body).messages)
      local texts = {}
      anthropic.run(function()
        client.messages.stream(PARAMS, {
          on_text = function(text) texts[#texts + 1] = text end, on_done = function() end,
        })
      end)
      assert.same({ "Hé€😀" }, texts)
    end)

    it("with a stream that breaks off, and is taken up again", function()
      local whole = aws_frames.fixture "bedrock_ok.bin"
      local type_of_frames = { ["content-type"] = aws_frames.CONTENT_TYPE, ["retry-after"] = "0" }
      local bedrock = service.serve {
        { headers = type_of_frames, body = whole, cut_after = 700 },
        { headers = type_of_frames, body = whole },
      }
      local client = client_of("bedrock", tables.merge({
        base_url = bedrock.url, on_interrupt = "retry", max_retries = 1,
      }, AWS))
      assert.equal("Hé€😀", assert(assert(client.messages.stream(PARAMS)):message()):text())
      assert.equal(2, #bedrock:requests())
      assert_signed(bedrock:requests()[2], "bedrock")
    end)
  end)

  describe("as an option", function()
    it("raises for what it does not know, and names the nearest", function()
      for words, options in pairs {
        ['option "region": belongs to a platform'] = { region = "r" },
        ['option "resource": the platform "bedrock" does not know it; did you mean "region"?'] =
          { platform = "bedrock", resource = "r" },
        ['option "aws_profile": the platform "vertex" does not know it'] = { platform = "vertex", aws_profile = "p" },
        ['option "platform": one of'] = { platform = "bedrok" },
        ['"profile"'] = { platform = "bedrock", profile = "p" },
        ["options resource and base_url exclude each other"] =
          { platform = "foundry", resource = "r", base_url = "http://x" },
        ["aws_access_key_id and aws_secret_access_key: one needs the other"] =
          { platform = "bedrock", aws_access_key_id = "x" },
        ['option "aws_secret_access_key": string expected, got number'] =
          { platform = "bedrock", aws_secret_access_key = 7 },
      } do
        local ok, message = pcall(function() anthropic.new(options) end)
        assert.is_false(ok)
        assert.truthy(message:find(words, 1, true), message)
        assert.truthy(message:find("platforms_spec.lua", 1, true), message)
      end
      assert.is_table(anthropic.new { platform = "anthropic", api_key = "k" })
    end)

    it("can be another one's for a client made by with_options", function()
      local bedrock = client_of("bedrock", tables.merge({ aws_session_token = TOKEN, region = nil }, AWS))
      local west = bedrock:with_options { region = "us-west-2" }
      assert(west.messages.create(PARAMS))
      assert_signed(last(), "bedrock", "us-west-2",
        { access_key_id = ID, secret_access_key = SECRET, session_token = TOKEN })
      local other = bedrock:with_options { aws_access_key_id = "OTHER", aws_secret_access_key = "s" }
      assert(other.messages.create(PARAMS))
      assert.is_nil(header(last(), "x-amz-security-token"))
      assert.matches("Credential=OTHER", header(last(), "authorization"))
      local foundry = bedrock:with_options { platform = "foundry", resource = "r", api_key = "k" }
      assert.equal("https://r.services.ai.azure.com/anthropic", foundry:options_for() "base_url")
      local mantle = anthropic.new { platform = "bedrock_mantle", region = "a", api_key = "k" }
      local moved = mantle:with_options { region = "b" }
      assert.equal("https://bedrock-mantle.b.api.aws/anthropic", moved:options_for() "base_url")
      local ok, message = pcall(function() mantle:with_options { resource = "r" } end)
      assert.is_false(ok)
      local words = 'platforms_spec.lua:%d+: option "resource": the platform "bedrock_mantle" does not know it'
      assert.matches(words, message)
      service.environment(FIRST_PARTY)
      local first = mantle:with_options { platform = "anthropic" }
      assert.equal(FIRST_PARTY.ANTHROPIC_BASE_URL, first:options_for() "base_url")
    end)

    it("holds for one request, and takes nothing of the client's own along", function()
      service.environment(FIRST_PARTY)
      local client = anthropic.new { base_url = "http://127.0.0.1:9", api_key = "sk-first-party", max_retries = 0 }
      assert(client.messages.create(PARAMS, tables.merge({ platform = "bedrock", base_url = server.url }, AWS)))
      assert.equal("/model/claude-test/invoke", last().path)
      assert_signed(last(), "bedrock")
      local bedrock = client_of("bedrock", tables.merge({ aws_session_token = TOKEN }, AWS))
      assert(bedrock.messages.create(PARAMS, { region = "us-west-2" }))
      assert_signed(last(), "bedrock", "us-west-2",
        { access_key_id = ID, secret_access_key = SECRET, session_token = TOKEN })
      assert(bedrock.messages.create(PARAMS, { aws_access_key_id = "OTHER", aws_secret_access_key = "s" }))
      assert.is_nil(header(last(), "x-amz-security-token"))
      assert.matches("Credential=OTHER", header(last(), "authorization"))
      assert(bedrock.messages.create(PARAMS, { api_key = "k" }))
      assert.equal("Bearer k", header(last(), "authorization"))
      local _, err = bedrock.messages.create(PARAMS, { resource = "r" })
      assert.same({ "invalid_request" }, { err.kind })
    end)

    it("takes no credential in the client's headers along", function()
      service.environment {}
      local client = anthropic.new { base_url = server.url, max_retries = 0, headers = {
        Authorization = "Bearer vendor", ["X-Api-Key"] = "vendor", ["X-Team"] = "blue",
      } }
      local given = { platform = "foundry", base_url = server.url, api_key = "foundry-key" }
      assert(client.messages.create(PARAMS, given))
      assert.same({ nil, "foundry-key", "blue" },
        { header(last(), "authorization"), header(last(), "x-api-key"), header(last(), "x-team") })
      given.headers = { ["X-Token"] = "own" }
      local foundry = client:with_options(given)
      assert(foundry.messages.create(PARAMS))
      assert.same({ nil, "foundry-key", "own" },
        { header(last(), "authorization"), header(last(), "x-api-key"), header(last(), "x-token") })
      assert(foundry.messages.create(PARAMS, { platform = "foundry", base_url = server.url }))
      assert.equal("own", header(last(), "x-token"))
      assert(client.messages.create(PARAMS))
      assert.equal("Bearer vendor", header(last(), "authorization"))
    end)
  end)
end)
