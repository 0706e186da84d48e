--- Microsoft Foundry: the API except batches and models. What the fields mean: platforms/init.lua.

return {
  name = "Microsoft Foundry",
  options = { "resource" },
  base_variable = "ANTHROPIC_FOUNDRY_BASE_URL",
  bases = { { template = "https://{resource}.services.ai.azure.com/anthropic" } },
  variables = { resource = { "ANTHROPIC_FOUNDRY_RESOURCE" } },
  lacks = { "^%a+ /v1/messages/batches$", "^%a+ /v1/messages/batches/", "^%a+ /v1/models$", "^%a+ /v1/models/" },
  auth = "x-api-key",
  key_variables = { "ANTHROPIC_FOUNDRY_API_KEY" },
}
