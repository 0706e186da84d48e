local google_cloud = require "spec.support.platform" "google_cloud"

local LOCATION = "https://claude.googleapis.com/v1/projects/p-1/locations/global"

describe("Claude on Google Cloud", function()
  before_each(google_cloud.begin)
  after_each(google_cloud.clear)

  local function options(given)
    given = given or {}
    given.project_id, given.workspace_id, given.auth_token = "p-1", "w-1", "token"
    return given
  end

  it("is in a workspace, everywhere where no location is named", function()
    assert.equal(LOCATION .. "/workspaces/w-1/invoke", google_cloud.base(options()))
    assert.equal((LOCATION:gsub("global", "us-east5")) .. "/workspaces/w-1/invoke",
      google_cloud.base(options { location = "us-east5" }))
  end)

  it("has what belongs to the organization elsewhere", function()
    for path, place in pairs {
      ["/v1/messages"] = "/workspaces/w-1/invoke", ["/v1/organizations/me"] = "/claudeOrganization/invoke",
      ["/v1/user_profiles"] = "/claudeOrganization/invoke", ["/v1/user_profiles/p_1"] = "/claudeOrganization/invoke",
      ["/v1/user_profiles_elsewhere"] = "/workspaces/w-1/invoke",
    } do
      assert.equal(LOCATION .. place .. path, google_cloud.write(options(), path, { model = "m" }).url)
    end
  end)

  it("is known without a workspace for the organization alone", function()
    assert.equal(LOCATION .. "/claudeOrganization/invoke",
      google_cloud.base { project_id = "p-1", auth_token = "token" })
  end)

  it("has its project from the environment, its own variable first", function()
    google_cloud.begin { GOOGLE_CLOUD_PROJECT = "p-2" }
    assert.equal("p-2", google_cloud.apply({ auth_token = "token" }).project_id)
    google_cloud.begin { GOOGLE_CLOUD_PROJECT = "p-2", ANTHROPIC_GOOGLE_CLOUD_PROJECT = "p-3" }
    assert.equal("p-3", google_cloud.apply({ auth_token = "token" }).project_id)
  end)
end)
