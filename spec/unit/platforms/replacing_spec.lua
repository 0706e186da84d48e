-- Options that take the place of others, where a platform or a credential is among them.

local platforms = require "anthropic.platforms"
local replacing = require "anthropic.platforms.replacing"

describe("options of a platform", function()
  it("are replaced by others", function()
    local before = { platform = "bedrock", region = "a", base_url = "u", api_key = "k", auth = "bearer", timeout = 1,
      aws_access_key_id = "i", aws_secret_access_key = "s", aws_session_token = "t" }
    assert.same({ platform = "vertex", project_id = "p", timeout = 1 },
      replacing.replace(before, { platform = "vertex", project_id = "p" }))
    local replaced = replacing.replace(before, { aws_access_key_id = "j", aws_secret_access_key = "r" })
    assert.same({ "j", "r", "a", "k" },
      { replaced.aws_access_key_id, replaced.aws_secret_access_key, replaced.region, replaced.api_key })
    assert.is_nil(replaced.aws_session_token)
    replaced = replacing.replace(before, { platform = "bedrock", region = "b" })
    assert.same({ "b", "k", "i", "t" },
      { replaced.region, replaced.api_key, replaced.aws_access_key_id, replaced.aws_session_token })
    assert.same({ base_url = "u", platform = "anthropic" },
      replacing.replace({ base_url = "u" }, { platform = "anthropic" }))
    assert.equal("a", before.region)
  end)

  it("have the same credential unless that, or the platform, is among the others", function()
    local before = { platform = "bedrock", region = "a" }
    for _, given in ipairs { {}, { region = "b", base_url = "u", tag = 1 }, { platform = "bedrock" } } do
      assert.is_true(replacing.has_same_credential(before, given))
    end
    for _, given in ipairs {
      { platform = "aws" }, { platform = false }, { api_key = "k" }, { auth_token = false }, { aws_profile = "p" },
      { aws_session_token = false }, { profile = "p" },
    } do
      assert.is_false(replacing.has_same_credential(before, given))
    end
    assert.is_true(replacing.has_same_credential({}, { platform = "anthropic" }))
  end)

  it("take no credential in headers to another platform", function()
    local before = { platform = "bedrock", headers = { Authorization = "a", ["x-api-key"] = false, ["X-Team"] = "blue",
      accept = false } }
    assert.same({ ["X-Team"] = "blue", accept = false }, replacing.replace(before, { platform = "foundry" }).headers)
    assert.equal(before.headers, replacing.replace(before, { platform = "bedrock", region = "b" }).headers)
    assert.equal("a", before.headers.Authorization)
  end)

  it("are reached by the platforms' own functions", function()
    assert.same({ region = "b" }, platforms.replace({ region = "a" }, { region = "b" }))
    assert.is_false(platforms.has_same_credential({}, { api_key = "k" }))
  end)
end)
