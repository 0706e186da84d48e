local json = require "anthropic.base.json"

describe("the names of the API's fields", function()
  -- Field -> what its empty table is, and what an empty `content` inside is.
  local ROWS = {
    array = { "allowed_callers", "allowed_domains", "allowed_tools", "allOf", "anyOf", "applied_edits", "betas",
              "blocked_domains", "choices", "citations", "clear_tool_inputs", "content", "data", "edits",
              "exclude_tools", "fallbacks", "input_transformations", "lines", "mcp_servers", "messages", "oneOf",
              "prefixItems", "remove_to_redeem", "requests", "required", "skills", "state_changes", "stop",
              "stop_sequences", "system", "tabs", "tool_calls", "tool_changes", "tool_references", "tools",
              "view_range", empty = "[]", inside = "[]" },
    array_of_user_data = { "enum", "examples", "input_examples", empty = "[]", inside = "{}" },
    user_data = { "arguments", "const", "default", "input", "metadata", empty = "{}", inside = "{}" },
    names_of_the_user = { "$defs", "definitions", "dependentSchemas", "patternProperties", "properties",
                          empty = "{}", inside = "{}" },
    object = { "logit_bias", empty = "{}", inside = "[]" },
    any = { "x", "Content", "content_", "tool", "role", empty = "{}", inside = "[]" },
  }

  for kind, row in pairs(ROWS) do
    for _, name in ipairs(row) do
      it("say that " .. name .. " is of kind " .. kind:gsub("_", " "), function()
        assert.equal(('{"%s":%s}'):format(name, row.empty), json.encode { [name] = {} })
        assert.equal(('{"%s":{"content":%s}}'):format(name, row.inside), json.encode { [name] = { content = {} } })
        assert.equal(('{"%s":[{"content":%s}]}'):format(name, kind == "names_of_the_user" and "[]" or row.inside),
          json.encode { [name] = json.array { { content = {} } } })
        assert.equal(('{"%s":{"x":{"content":%s}}}'):format(name, kind == "names_of_the_user" and "[]" or row.inside),
          json.encode { [name] = { x = { content = {} } } })
      end)
    end
  end
end)
