-- Which objects keep the text of a member, as specs of the core have it: see src/lua/json.h.

return {
  "type",
  { tool_use = true, server_tool_use = true, mcp_tool_use = true },
  "input",
  { input_json = true, input_error = false },
}
