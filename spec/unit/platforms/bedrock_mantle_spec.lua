local mantle = require "spec.support.platform" "bedrock_mantle"

local BASE = "https://bedrock-mantle.eu-west-1.api.aws/anthropic"

describe("Amazon Bedrock Mantle", function()
  before_each(mantle.begin)
  after_each(mantle.clear)

  it("is in a region", function()
    assert.equal(BASE, mantle.base { region = "eu-west-1" })
  end)

  it("has what belongs to messages", function()
    assert.is_true(mantle.has("POST", "/v1/messages"))
    assert.is_true(mantle.has("POST", "/v1/messages/count_tokens"))
    assert.is_true(mantle.has("GET", "/v1/messages/batches/b_1"))
    assert.is_false(mantle.has("GET", "/v1/models"))
    assert.is_false(mantle.has("GET", "/v1/messages_elsewhere"))
  end)

  it("has a request as the first party does, but for the user profile", function()
    for _, path in ipairs { "/v1/messages", "/v1/messages/count_tokens" } do
      local request = mantle.write({ region = "eu-west-1" }, path, { model = "m", stream = true }, {
        ["anthropic-version"] = "2023-06-01", ["anthropic-user-profile-id"] = "p",
      })
      assert.equal(BASE .. path, request.url)
      assert.same({ model = "m", stream = true, user_profile_id = "p" }, request.body)
      assert.same({ ["anthropic-version"] = "2023-06-01" }, request.headers)
    end
  end)

  it("signs with the options' keys, whatever key the environment has", function()
    mantle.begin { ANTHROPIC_AWS_API_KEY = "second" }
    assert.equal("second", mantle.apply({ region = "eu-west-1" }).api_key)
    mantle.begin { ANTHROPIC_AWS_API_KEY = "second", AWS_BEARER_TOKEN_BEDROCK = "first" }
    assert.equal("first", mantle.apply({ region = "eu-west-1" }).api_key)
    local resolved = mantle.apply { region = "eu-west-1", aws_access_key_id = "a", aws_secret_access_key = "b" }
    assert.is_nil(resolved.api_key)
  end)
end)
