-- The order in which AWS's credentials are looked for, with answers of the spec's own; what a request is signed with is
-- in spec/behaviour/platforms_spec.lua.

local aws_credentials = require "anthropic.platforms.aws_credentials"
local call = require "anthropic.http.call"
local directories = require "spec.support.directory"
local service = require "spec.support.service"

describe("AWS's credentials", function()
  local run = call.run
  local directory, asked, answers

  before_each(function()
    directory, asked, answers = directories.new(), {}, {}
    function call.run(request)
      asked[#asked + 1] = request
      return { status = 200, body = answers[#asked] }
    end
  end)

  after_each(function()
    call.run = run
    service.clear()
    directory:remove()
  end)

  -- The three of them, or nil and the error's words.
  local function find(variables, options)
    variables.AWS_CONFIG_FILE = variables.AWS_CONFIG_FILE or "/nowhere"
    variables.AWS_SHARED_CREDENTIALS_FILE = variables.AWS_SHARED_CREDENTIALS_FILE or "/nowhere"
    service.environment(variables)
    local exchange = { deadline = math.huge, option = function(name) return options and options[name] end }
    function exchange.has_news()
      return exchange.was_called
    end
    local found, err = aws_credentials.source():get(exchange)
    if not found then
      return nil, err.message, err.kind
    end
    return found.access_key_id .. " " .. found.secret_access_key .. " " .. tostring(found.session_token)
  end

  local function profile(text)
    return { AWS_SHARED_CREDENTIALS_FILE = directory:write("credentials", text) }
  end

  local KEYS = { AWS_ACCESS_KEY_ID = "env-id", AWS_SECRET_ACCESS_KEY = "env-secret" }

  it("are the options', before all", function()
    KEYS.AWS_SESSION_TOKEN = nil
    assert.equal("id secret nil", find(KEYS, { aws_access_key_id = "id", aws_secret_access_key = "secret" }))
    assert.equal("id secret token",
      find(KEYS, { aws_access_key_id = "id", aws_secret_access_key = "secret", aws_session_token = "token" }))
    for _, options in ipairs { { aws_access_key_id = "id" }, { aws_secret_access_key = "secret" } } do
      assert.matches("one needs the other", select(2, find(KEYS, options)), 1, true)
    end
  end)

  it("are the options' without the white space around them, and not empty", function()
    assert.equal("id secret token", find(KEYS,
      { aws_access_key_id = " id\n", aws_secret_access_key = "secret\r\n", aws_session_token = "\ttoken\n" }))
    assert.equal("id secret nil",
      find(KEYS, { aws_access_key_id = "id", aws_secret_access_key = "secret", aws_session_token = "" }))
    for _, empty in ipairs { "", " \n" } do
      for _, name in ipairs { "aws_access_key_id", "aws_secret_access_key" } do
        local options = { aws_access_key_id = "id", aws_secret_access_key = "secret", [name] = empty }
        local _, words, kind = find(KEYS, options)
        assert.equal(name .. ": is empty", words:match "aws.*")
        assert.equal("invalid_request", kind)
      end
    end
  end)

  it("are the environment's, where both are there", function()
    local variables = profile "[default]\naws_access_key_id=file-id\naws_secret_access_key=file-secret\n"
    variables.AWS_ACCESS_KEY_ID = "env-id"
    assert.equal("file-id file-secret nil", find(variables))
    variables.AWS_SECRET_ACCESS_KEY, variables.AWS_SESSION_TOKEN = "env-secret", "env-token"
    assert.equal("env-id env-secret env-token", find(variables))
  end)

  it("are the profile's that an option names, before the environment's", function()
    local variables = profile "[mine]\naws_access_key_id=file-id\naws_secret_access_key=s\naws_session_token=t\n"
    variables.AWS_ACCESS_KEY_ID, variables.AWS_SECRET_ACCESS_KEY = "env-id", "env-secret"
    assert.equal("file-id s t", find(variables, { aws_profile = "mine" }))
    assert.matches('there is no AWS profile "none"', select(2, find(variables, { aws_profile = "none" })), 1, true)
  end)

  it("are those that a profile's command writes", function()
    for token, words in pairs { t = "p s t", [""] = "p s nil" } do
      assert.equal(words, find(profile("[default]\ncredential_process = echo "
        .. "'{\"AccessKeyId\":\"p\",\"SecretAccessKey\":\"s\",\"SessionToken\":\"" .. token .. "\"}'")))
    end
    for output, words in pairs {
      ['{"AccessKeyId":"p"}'] = "missing in the answer", ["1"] = "it wrote no JSON",
      ['{"SecretAccessKey":"s"}'] = "missing in the answer",
      ['{"AccessKeyId":"","SecretAccessKey":"s"}'] = "missing in the answer",
    } do
      local none, message = find(profile("[default]\ncredential_process = echo '" .. output .. "'"))
      assert.is_nil(none)
      assert.equal("credentials: no AWS credentials from the profile's credential_process: " .. words, message)
    end
  end)

  it("are none of a profile that needs more, which is said where it was asked for", function()
    for text, words in pairs {
      ["sso_session=x"] = "needs a login (SSO)", ["sso_start_url=x"] = "needs a login (SSO)",
      ["role_arn=x"] = "takes on a role",
    } do
      assert.matches('the AWS profile "default" ' .. words, select(2, find(profile("[default]\n" .. text))), 1, true)
    end
    assert.matches("no AWS credentials: give", select(2, find(profile "[default]\nregion=x")), 1, true)
    for text, words in pairs { ["region=x"] = "has no keys", ["web_identity_token_file=x"] = "has a web identity" } do
      local _, message = find(profile("[mine]\n" .. text), { aws_profile = "mine" })
      assert.matches('the AWS profile "mine" ' .. words, message, 1, true)
    end
  end)

  it("are no keys of a profile that takes on a role with them", function()
    local keys = "[mine]\naws_access_key_id=id\naws_secret_access_key=s\ncredential_process=echo\nrole_arn=x\n"
    local variables, words = profile(keys .. "source_profile=mine\n"), 'the AWS profile "mine" takes on a role'
    assert.matches(words, select(2, find(variables, { aws_profile = "mine" })), 1, true)
    variables.AWS_PROFILE = "mine"
    assert.matches(words, select(2, find(variables)), 1, true)
  end)

  it("are those of a container's address, with its token", function()
    answers = { '{"AccessKeyId":"c","SecretAccessKey":"s","Token":"t"}' }
    assert.equal("c s t", find {
      AWS_CONTAINER_CREDENTIALS_RELATIVE_URI = "/creds", AWS_CONTAINER_AUTHORIZATION_TOKEN = " word ",
    })
    assert.equal("http://169.254.170.2/creds", asked[1].url)
    assert.same({ "word", "" }, { asked[1].headers.authorization, asked[1].proxy })
    asked = {}
    find {
      AWS_CONTAINER_CREDENTIALS_FULL_URI = "http://[::1]:80/x", AWS_CONTAINER_AUTHORIZATION_TOKEN = "word",
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE = directory:write("token", "of the file\n"),
    }
    assert.equal("of the file", asked[1].headers.authorization)
  end)

  it("are asked of an address over TLS, or of this machine and a container's own", function()
    for url, is_asked in pairs {
      ["https://any.test/x"] = true, ["http://localhost/x"] = true, ["http://localhost:80/x"] = true,
      ["http://127.0.0.1/x"] = true, ["http://127.9.9.9:1/x"] = true, ["http://[::1]/x"] = true,
      ["http://169.254.170.2/x"] = true, ["http://169.254.170.23/x"] = true, ["http://[fd00:ec2::23]/x"] = true,
      ["http://169.254.170.24/x"] = false, ["http://localhost.evil.test/x"] = false, ["http://evil.test/x"] = false,
      ["http://[fd00:ec2::23]:80/x"] = true, ["http://[::1]"] = true, ["http://[fd00:ec2::24]/x"] = false,
      ["http://[::1].evil.test/x"] = false, ["http://localhost:x@evil.test/x"] = false,
      ["http://127.evil.test/x"] = false, ["http://127.0.0.1@evil.test/x"] = false,
      ["http://localhost\\@evil.test/x"] = false, ["http://1127.0.0.1/x"] = false, ["ftp://localhost/x"] = false,
    } do
      asked, answers = {}, { '{"AccessKeyId":"c","SecretAccessKey":"s"}' }
      local found, message, kind = find { AWS_CONTAINER_CREDENTIALS_FULL_URI = url }
      assert.equal(is_asked and "c s nil" or nil, found, url)
      assert.equal(is_asked and 1 or 0, #asked, url)
      if not is_asked then
        assert.equal("invalid_request", kind)
        assert.matches("must be https, or an address of this machine", message, 1, true)
      end
    end
  end)

  it("are an instance's, where the environment or the profile says so", function()
    for _, variables in ipairs {
      { AWS_EC2_METADATA_DISABLED = "False" }, { AWS_EC2_METADATA_SERVICE_ENDPOINT = "http://169.254.169.254/" },
      profile "[default]\ncredential_source = Ec2InstanceMetadata\n",
    } do
      asked, answers = {}, { "token", " role-1\nrole-2", '{"AccessKeyId":"i","SecretAccessKey":"s","Token":"t"}' }
      assert.equal("i s t", find(variables))
      local base = "http://169.254.169.254/latest"
      assert.same({ "PUT", base .. "/api/token" }, { asked[1].method, asked[1].url })
      assert.equal(base .. "/meta-data/iam/security-credentials/", asked[2].url)
      assert.equal(base .. "/meta-data/iam/security-credentials/role-1", asked[3].url)
      for i = 2, 3 do
        assert.equal("token", asked[i].headers["x-aws-ec2-metadata-token"])
      end
    end
    asked, answers = {}, { "token", " \n" }
    assert.matches("it has no role", select(2, find { AWS_EC2_METADATA_DISABLED = "false" }), 1, true)
    asked = {}
    assert.matches("no AWS credentials: give", select(2, find { AWS_EC2_METADATA_DISABLED = "true" }), 1, true)
    assert.same({}, asked)
  end)
end)
