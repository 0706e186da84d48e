-- What a platform makes of options; what each platform's row says is in the spec of its name.

local platforms = require "anthropic.platforms"
local service = require "spec.support.service"

describe("the options of a platform", function()
  before_each(function()
    service.environment { HOME = "/nowhere" }
  end)

  after_each(service.clear)

  it("are told from all others", function()
    for _, name in ipairs { "platform", "region", "project_id", "resource", "workspace_id", "location", "aws_profile",
      "aws_access_key_id", "aws_secret_access_key", "aws_session_token" } do
      assert.is_true(platforms.are_concerned { [name] = "x" }, name)
    end
    assert.is_false(platforms.are_concerned { base_url = "x", api_key = "y" })
    assert.is_false(platforms.is_elsewhere { platform = "anthropic" })
    assert.is_false(platforms.is_elsewhere {})
    assert.is_true(platforms.is_elsewhere { platform = "foundry" })
  end)

  it("belong together", function()
    for _, row in ipairs {
      { { region = "x" }, 'option "region": belongs to a platform; name it, as in platform = "bedrock"' },
      { { platform = "anthropic", region = "x" },
        'option "region": belongs to a platform; name it, as in platform = "bedrock"' },
      { { platform = "foundry", region = "x" },
        'option "region": the platform "foundry" does not know it; did you mean "resource"?' },
      { { platform = "foundry", profile = "x" },
        'option "profile": is the vendor\'s own; the platform "foundry" does not know it' },
      { { platform = "foundry", resource = "x", base_url = "y" },
        "options resource and base_url exclude each other" },
      { { platform = "bedrock", aws_access_key_id = "x" },
        "options aws_access_key_id and aws_secret_access_key: one needs the other" },
      { { platform = "bedrock", aws_secret_access_key = "x" },
        "options aws_access_key_id and aws_secret_access_key: one needs the other" },
      { { platform = "bedrock", aws_access_key_id = "x", aws_secret_access_key = "y", region = "z" } },
      { { platform = "foundry", resource = "x" } }, { { platform = "foundry", base_url = "x" } },
      { { profile = "x" } }, { {} },
    } do
      assert.equal(row[2], (platforms.problem_of(row[1])))
    end
  end)

  it("name what a platform has not, and nothing of another path", function()
    local function words(resolved, method, path)
      local err = platforms.refusal(resolved, { method = method, path = path })
      return err and err.kind .. ": " .. err.message
    end
    local bedrock = { platform = "bedrock", base_url = "https://h.test" }
    assert.equal('invalid_request: Amazon Bedrock has no GET /v1/models (platform = "bedrock")',
      words(bedrock, "get", "/v1/models"))
    assert.is_nil(words(bedrock, "post", "/v1/messages?beta=true"))
    assert.is_nil(words(bedrock, "GET", "/other/models"))
    assert.is_nil(words({}, "GET", "/v1/models"))
    assert.matches("^invalid_request: region: missing", words({
      platform = "bedrock", base_url = "", has_derived_base = true,
    }, "POST", "/v1/messages"))
    assert.is_nil(words({ platform = "bedrock", base_url = "", has_derived_base = true, region = "eu" }, "POST",
      "/v1/messages"))
  end)

  it("stay as they are on the first party's own", function()
    local resolved = { base_url = "https://api.anthropic.com" }
    assert.equal(resolved, platforms.apply(resolved))
    assert.same({ base_url = "https://api.anthropic.com" }, resolved)
  end)

  it("become a base URL, which is marked where nobody named it", function()
    local resolved = platforms.apply { platform = "bedrock", region = "eu" }
    assert.is_true(resolved.has_derived_base)
    assert.is_function(resolved.signing)
    resolved = platforms.apply { platform = "bedrock", base_url = "https://own.test" }
    assert.is_nil(resolved.has_derived_base)
    assert.equal("https://own.test", resolved.base_url)
    assert.equal("", platforms.apply({ platform = "bedrock" }).base_url)
  end)

  it("keep the credential that was given, and say what was missing", function()
    service.environment { HOME = "/nowhere", ANTHROPIC_FOUNDRY_API_KEY = "env" }
    local resolved = platforms.apply { platform = "foundry", resource = "r", auth_token = "t", auth = "bearer" }
    assert.is_nil(resolved.api_key)
    assert.equal("bearer", resolved.auth)
    assert.equal("no credential: give the option api_key or auth_token, or set ANTHROPIC_FOUNDRY_API_KEY",
      resolved.missing_credential)
    resolved = platforms.apply { platform = "foundry", resource = "r" }
    assert.same({ "env", "ANTHROPIC_FOUNDRY_API_KEY", true },
      { resolved.api_key, resolved.credential_variable, resolved.credential_of_environment })
  end)

  it("find a token where the platform has one of its own", function()
    local resolved = platforms.apply { platform = "vertex", region = "r", project_id = "p" }
    assert.is_true(resolved.credential_of_environment)
    assert.equal(resolved.token_source.given, resolved.auth_token)
    assert.is_nil(platforms.apply({ platform = "vertex", api_key = "k" }).token_source)
  end)

  it("take no credential along that is the first party's", function()
    local resolved = platforms.apply {
      platform = "bedrock", region = "r", custom_headers = "X-Api-Key: first\nX-A: 1\r\n Authorization : x\nX-B: 2",
    }
    assert.equal("X-A: 1\nX-B: 2", resolved.custom_headers)
  end)
end)
