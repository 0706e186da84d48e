local foundry = require "spec.support.platform" "foundry"

describe("Microsoft Foundry", function()
  before_each(foundry.begin)
  after_each(foundry.clear)

  it("is at a resource's address", function()
    assert.equal("https://my-res.services.ai.azure.com/anthropic", foundry.base { resource = "my-res" })
    foundry.begin { ANTHROPIC_FOUNDRY_RESOURCE = "other" }
    assert.equal("https://other.services.ai.azure.com/anthropic", foundry.base {})
  end)

  it("is never at another host, whatever the resource says", function()
    assert.equal("", foundry.base { resource = "evil.test/" })
  end)

  it("prefers an option to the environment's address", function()
    foundry.begin { ANTHROPIC_FOUNDRY_BASE_URL = "https://own.test" }
    assert.equal("https://own.test", foundry.base {})
    assert.equal("https://my-res.services.ai.azure.com/anthropic", foundry.base { resource = "my-res" })
  end)

  it("has all but batches and models", function()
    for path, has in pairs {
      ["/v1/messages"] = true, ["/v1/messages/count_tokens"] = true, ["/v1/files"] = true,
      ["/v1/messages/batches"] = false, ["/v1/messages/batches/b_1"] = false, ["/v1/models"] = false,
      ["/v1/models/m"] = false, ["/v1/models_elsewhere"] = true,
    } do
      assert.equal(has, (foundry.has("POST", path)), path)
    end
  end)

  it("takes a key of its own", function()
    foundry.begin { ANTHROPIC_FOUNDRY_API_KEY = "key", ANTHROPIC_API_KEY = "first party's" }
    local resolved = foundry.apply { resource = "my-res" }
    assert.same({ "key", "x-api-key" }, { resolved.api_key, resolved.auth })
  end)
end)
