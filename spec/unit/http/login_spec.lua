-- What asks for a token where nothing names a credential.

local credentials = require "anthropic.http.credentials"
local login = require "anthropic.http.login"
local service = require "spec.support.service"

local VENDOR, OTHER = "https://api.anthropic.com", "https://gateway.test"

describe("a login", function()
  after_each(service.clear)

  it("is asked for by a federation of the environment", function()
    service.environment { ANTHROPIC_FEDERATION_RULE_ID = "r", ANTHROPIC_ORGANIZATION_ID = "o",
      ANTHROPIC_IDENTITY_TOKEN = "t", ANTHROPIC_WORKSPACE_ID = "w" }
    local resolved = { base_url = VENDOR }
    login.find(resolved)
    assert.is_table(resolved.auth_token)
    assert.is_truthy(resolved.token_source)
    assert.is_true(resolved.credential_of_environment)
    assert.same({ betas = { "oauth-2025-04-20" }, headers = {} }, resolved.login)
    for _, given in ipairs { { api_key = "k" }, { auth_token = "t" }, { platform = "bedrock" } } do
      credentials.complete(given)
      assert.is_nil(given.login)
    end
    resolved = { platform = "anthropic" }
    credentials.complete(resolved)
    assert.is_truthy(resolved.login)
  end)

  it("is not asked for where the client's headers carry one", function()
    service.environment { ANTHROPIC_FEDERATION_RULE_ID = "r", ANTHROPIC_ORGANIZATION_ID = "o",
      ANTHROPIC_IDENTITY_TOKEN = "t" }
    for _, given in ipairs { { custom_headers = "Cookie: a=b" }, { headers = { ["X-API-Key"] = "k" } } } do
      login.find(given)
      assert.same({}, { given.auth_token, given.login, given.missing_credential })
    end
    local given = { custom_headers = "Cookie: a=b", headers = { cookie = false } }
    login.find(given)
    assert.is_truthy(given.login)
  end)

  it("says what is wrong with the profile that was asked for", function()
    service.environment {}
    local resolved = { profile = "x" }
    login.find(resolved)
    assert.equal('there is no profile "x" in /nowhere', resolved.missing_credential)
    assert.is_nil(resolved.auth_token)
  end)

  it("is of a profile, which may name the server and the workspace", function()
    local directory = require("spec.support.directory").new()
    directory:run "mkdir configs"
    directory:write("configs/a.json",
      '{"base_url":"https://own.test","workspace_id":"w","authentication":{"type":"user_oauth"}}')
    service.environment { ANTHROPIC_CONFIG_DIR = directory.root }
    local resolved, fixed = { profile = "a", base_url = VENDOR }, { profile = "a", base_url = OTHER }
    login.find(resolved)
    login.find(fixed, true)
    directory:remove()
    assert.equal("https://own.test", resolved.base_url)
    assert.equal(OTHER, fixed.base_url)
    assert.same({ ["anthropic-workspace-id"] = "w" }, resolved.login.headers)
    assert.is_nil(resolved.credential_of_environment)
  end)
end)
