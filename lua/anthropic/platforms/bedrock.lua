--- Amazon Bedrock's own way: the model is in the path, betas and version in the body. What the fields mean:
--- platforms/init.lua.

return {
  name = "Amazon Bedrock",
  options = { "region", "aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_profile" },
  base_variable = "ANTHROPIC_BEDROCK_BASE_URL",
  bases = { { template = "https://bedrock-runtime.{region}.amazonaws.com" } },
  variables = { region = { "AWS_REGION", "AWS_DEFAULT_REGION" } },
  sources = { region = "anthropic.platforms.aws_region" },
  serves = { "^POST /v1/messages$" },
  auth = "bearer",
  key_variables = { "AWS_BEARER_TOKEN_BEDROCK" },
  has_key_first = true, -- of the environment, before what signs
  provider = "anthropic.platforms.aws_credentials",
  service = "bedrock",
  service_region = "us-east-1", -- if only a base URL is known
  dropped_headers = { "anthropic-version" },
  version = "bedrock-2023-05-31", -- if the client's is the default
  endpoints = {
    ["/v1/messages"] = {
      path = "/model/{model}/invoke",
      streamed_path = "/model/{model}/invoke-with-response-stream",
      dropped = { "model", "stream" },
      members = {
        anthropic_version = "anthropic-version", anthropic_beta = "anthropic-beta",
        user_profile_id = "anthropic-user-profile-id",
      },
    },
  },
}
