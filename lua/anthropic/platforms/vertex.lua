--- Google's Vertex AI: the model is in the path, the version in the body. What the fields mean: platforms/init.lua.

local MODELS = "/projects/{project_id}/locations/{region}/publishers/anthropic/models/"
local VERSION = { anthropic_version = "anthropic-version" }

return {
  name = "Vertex AI",
  options = { "region", "project_id" },
  base_variable = "ANTHROPIC_VERTEX_BASE_URL",
  bases = {
    {
      template = "https://{region}-aiplatform.googleapis.com/v1",
      by_region = {
        global = "https://aiplatform.googleapis.com/v1",
        us = "https://aiplatform.us.rep.googleapis.com/v1",
        eu = "https://aiplatform.eu.rep.googleapis.com/v1",
      },
    },
  },
  variables = { region = { "CLOUD_ML_REGION" }, project_id = { "ANTHROPIC_VERTEX_PROJECT_ID" } },
  sources = { project_id = "anthropic.platforms.google_project" },
  serves = { "^POST /v1/messages$", "^POST /v1/messages/count_tokens$" },
  auth = "bearer",
  provider = "anthropic.platforms.google_token",
  escaped = ";",
  dropped_headers = { "anthropic-version" },
  version = "vertex-2023-10-16", -- if the client's is the default
  endpoints = {
    ["/v1/messages"] = {
      path = MODELS .. "{model}:rawPredict",
      streamed_path = MODELS .. "{model}:streamRawPredict",
      dropped = { "model" },
      members = VERSION,
    },
    ["/v1/messages/count_tokens"] = { path = MODELS .. "count-tokens:rawPredict", members = VERSION },
  },
}
