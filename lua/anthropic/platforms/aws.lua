--- The Claude Platform on AWS: the whole API, in a workspace. What the fields mean: platforms/init.lua.

return {
  name = "the Claude Platform on AWS",
  options = {
    "region", "workspace_id", "aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_profile",
  },
  base_variable = "ANTHROPIC_AWS_BASE_URL",
  bases = { { template = "https://aws-external-anthropic.{region}.api.aws" } },
  variables = { region = { "AWS_REGION", "AWS_DEFAULT_REGION" }, workspace_id = { "ANTHROPIC_AWS_WORKSPACE_ID" } },
  sources = { region = "anthropic.platforms.aws_region" },
  lacks = { "^%a+ /v1/user_profiles/[^/]+/action_urls$" },
  auth = "x-api-key",
  key_variables = { "ANTHROPIC_AWS_API_KEY" },
  provider = "anthropic.platforms.aws_credentials",
  service = "aws-external-anthropic",
  headers = { ["anthropic-workspace-id"] = "workspace_id" },
}
