--- Amazon Bedrock by the Messages API: messages only. What the fields mean: platforms/init.lua.

local MESSAGE = { members = { user_profile_id = "anthropic-user-profile-id" } }

return {
  name = "Amazon Bedrock Mantle",
  options = { "region", "aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_profile" },
  base_variable = "ANTHROPIC_BEDROCK_MANTLE_BASE_URL",
  bases = { { template = "https://bedrock-mantle.{region}.api.aws/anthropic" } },
  variables = { region = { "AWS_REGION", "AWS_DEFAULT_REGION" } },
  sources = { region = "anthropic.platforms.aws_region" },
  serves = { "^%a+ /v1/messages$", "^%a+ /v1/messages/" },
  auth = "bearer",
  key_variables = { "AWS_BEARER_TOKEN_BEDROCK", "ANTHROPIC_AWS_API_KEY" },
  provider = "anthropic.platforms.aws_credentials",
  service = "bedrock-mantle",
  endpoints = { ["/v1/messages"] = MESSAGE, ["/v1/messages/count_tokens"] = MESSAGE },
}
