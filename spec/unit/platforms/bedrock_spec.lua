local bedrock = require "spec.support.platform" "bedrock"

local BASE = "https://bedrock-runtime.eu-west-1.amazonaws.com"

describe("Amazon Bedrock", function()
  before_each(bedrock.begin)
  after_each(bedrock.clear)

  it("is in a region", function()
    assert.equal(BASE, bedrock.base { region = "eu-west-1" })
  end)

  it("has messages alone", function()
    assert.is_true(bedrock.has("POST", "/v1/messages"))
    local has, words = bedrock.has("POST", "/v1/messages/count_tokens")
    assert.is_false(has)
    assert.equal('Amazon Bedrock has no POST /v1/messages/count_tokens (platform = "bedrock")', words)
    assert.is_false(bedrock.has("GET", "/v1/messages"))
  end)

  it("has the model in the path, and version and betas in the body", function()
    local request = bedrock.write({ region = "eu-west-1" }, "/v1/messages", { model = "a.b-v1:0", max_tokens = 1 }, {
      ["anthropic-version"] = "2023-06-01", ["anthropic-beta"] = "x,y", ["anthropic-user-profile-id"] = "p",
    })
    assert.equal(BASE .. "/model/a.b-v1:0/invoke", request.url)
    assert.same({
      max_tokens = 1, anthropic_version = "bedrock-2023-05-31", anthropic_beta = { "x", "y" }, user_profile_id = "p",
    }, request.body)
    assert.is_nil(request.headers["anthropic-version"])
    assert.is_nil(request.headers["anthropic-user-profile-id"])
    assert.equal("x,y", request.headers["anthropic-beta"])
  end)

  it("has a path of its own for streams, which says it all", function()
    local request = bedrock.write({ region = "eu-west-1" }, "/v1/messages", { model = "m", stream = true })
    assert.equal(BASE .. "/model/m/invoke-with-response-stream", request.url)
    assert.is_nil(request.body.stream)
  end)

  it("takes a key of the environment before it signs", function()
    bedrock.begin { AWS_BEARER_TOKEN_BEDROCK = "token" }
    local resolved = bedrock.apply { region = "eu-west-1", aws_access_key_id = "a", aws_secret_access_key = "b" }
    assert.same({ "token", "bearer" }, { resolved.api_key, resolved.auth })
  end)
end)
