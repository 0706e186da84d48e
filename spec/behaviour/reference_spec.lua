-- `make lint` fails where the reference and what the library exports differ (tools/documented.lua).

local directories = require "spec.support.directory"

describe("The check of the reference", function()
  it("finds nothing in these sources", function()
    local pipe = io.popen "lua5.4 tools/documented.lua 2>&1"
    local output = pipe:read "*a"
    pipe:close()
    assert.equal("", output)
  end)

  -- What is changed where, and what is said of it.
  local CHANGES = {
    ["a method without an entry"] = {
      "lua/anthropic/stream/init.lua", "function Stream:close()",
      "function Stream:end_it() end\nfunction Stream:close()",
      "anthropic.Stream: `end_it` is not in the reference",
    },
    ["a field of the module without an entry"] = {
      "lua/anthropic/init.lua", "function anthropic.now()", "anthropic.later = 1\nfunction anthropic.now()",
      "anthropic: `later` is not in the reference",
    },
    ["an option without an entry"] = {
      "lua/anthropic/http/options.lua", "  http_version = check", "  ca_data = path(),\n  http_version = check",
      "anthropic.Options: `ca_data` is not in the reference",
    },
    ["an endpoint without an entry"] = {
      "lua/anthropic/api/resources.lua", '    archive = "POST v1/agents', '    shelve = "POST v1/agents',
      "the resources: `beta.agents.shelve` is not in the reference",
    },
    ["an entry of what does not exist"] = {
      "doc/reference/usage.md", "## `client.usage:reset()`", "## `client.usage:forget()`",
      "anthropic.Usage: the reference has `forget`, which does not exist",
    },
    ["a field of an entry that does not exist"] = {
      "doc/reference/tools.md", "| `max_turns?` |", "| `max_rounds?` |",
      "anthropic.RunParams: the reference has `max_rounds`, which does not exist",
    },
    ["a parameter without a type"] = {
      "lua/anthropic/client/init.lua", "function Client:ask(prompt, params)",
      "function Client:ask(prompt, params, more)",
      "parameter more of Client:ask has no type",
    },
    ["a type that does not exist"] = {
      "lua/anthropic/client/init.lua", "---@return anthropic.Chat chat", "---@return anthropic.Chats chat",
      "there is no type anthropic.Chats",
    },
  }

  local output

  setup(function()
    local copy = directories.new()
    os.execute(("mkdir '%s/doc' && cp -r lua tools types '%s' && cp -r doc/reference '%s/doc'"):format(
      copy.root, copy.root, copy.root))
    for _, change in pairs(CHANGES) do
      local path, old, new = change[1], change[2], change[3]
      local text = copy:read(path)
      local first, last = assert(text:find(old, 1, true))
      copy:write(path, text:sub(1, first - 1) .. new .. text:sub(last + 1))
    end
    output = copy:run "lua5.4 tools/documented.lua"
    copy:remove()
  end)

  for what, change in pairs(CHANGES) do
    it("finds " .. what, function()
      assert.truthy(output:find(change[4], 1, true))
    end)
  end
end)
