--- Claude on Google Cloud, managed by Anthropic: the whole API, behind a path. What the fields mean:
--- platforms/init.lua.

local LOCATION = "https://claude.googleapis.com/v1/projects/{project_id}/locations/{location}"

return {
  name = "Claude on Google Cloud",
  options = { "project_id", "location", "workspace_id" },
  base_variable = "ANTHROPIC_GOOGLE_CLOUD_BASE_URL",
  bases = {
    {
      paths = { "^/v1/organizations/", "^/v1/user_profiles$", "^/v1/user_profiles/" },
      template = LOCATION .. "/claudeOrganization/invoke",
    },
    { template = LOCATION .. "/workspaces/{workspace_id}/invoke" },
  },
  variables = {
    project_id = { "ANTHROPIC_GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_PROJECT" },
    location = { "ANTHROPIC_GOOGLE_CLOUD_LOCATION" },
    workspace_id = { "ANTHROPIC_GOOGLE_CLOUD_WORKSPACE_ID" },
  },
  defaults = { location = "global" },
  sources = { project_id = "anthropic.platforms.google_project" },
  auth = "bearer",
  provider = "anthropic.platforms.google_token",
}
