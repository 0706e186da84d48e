local aws = require "spec.support.platform" "aws"

describe("the Claude Platform on AWS", function()
  before_each(aws.begin)
  after_each(aws.clear)

  it("is in a region", function()
    assert.equal("https://aws-external-anthropic.eu-west-1.api.aws", aws.base { region = "eu-west-1" })
    aws.begin { AWS_DEFAULT_REGION = "us-east-2" }
    assert.equal("https://aws-external-anthropic.us-east-2.api.aws", aws.base {})
    aws.begin { AWS_DEFAULT_REGION = "us-east-2", AWS_REGION = "us-west-2" }
    assert.equal("https://aws-external-anthropic.us-west-2.api.aws", aws.base {})
    aws.begin { ANTHROPIC_AWS_BASE_URL = "https://own.test" }
    assert.equal("https://own.test", aws.base { region = "eu-west-1" })
  end)

  it("has all but the URLs of a user profile's actions", function()
    assert.is_true(aws.has("GET", "/v1/models"))
    assert.is_true(aws.has("POST", "/v1/user_profiles"))
    assert.is_false(aws.has("POST", "/v1/user_profiles/p_1/action_urls"))
  end)

  it("is told the workspace", function()
    local request = aws.write({ region = "eu-west-1", workspace_id = "w_1" }, "/v1/messages", { model = "m" })
    assert.equal("w_1", request.headers["anthropic-workspace-id"])
    assert.equal("https://aws-external-anthropic.eu-west-1.api.aws/v1/messages", request.url)
    assert.same({ model = "m" }, request.body)
    local _, err = aws.write({ region = "eu-west-1" }, "/v1/messages", { model = "m" })
    assert.equal("workspace_id: missing; name one (workspace_id = ...), or set ANTHROPIC_AWS_WORKSPACE_ID", err.message)
  end)

  it("takes a key of its own", function()
    aws.begin { ANTHROPIC_AWS_API_KEY = "key", ANTHROPIC_API_KEY = "first party's" }
    local resolved = aws.apply { region = "eu-west-1" }
    assert.same({ "key", "x-api-key" }, { resolved.api_key, resolved.auth })
  end)
end)
