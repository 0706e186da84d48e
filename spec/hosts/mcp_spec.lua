-- anthropic.mcp with the reference servers of the Model Context Protocol: a scripted model calls their tools.

local anthropic = require "anthropic"
local background = require "spec.support.background"
local mcp_stdio = require "spec.support.mcp_stdio"
local npm = require "spec.support.npm"
local testing = require "anthropic.testing"

local directory = background.make_directory()

-- Each server: its arguments, and calls: a tool, its input, and patterns of the JSON of its result.
local SERVERS = {
  { "everything", "stdio", {
    { "echo", { message = "Grüße, 世界" }, 'Echo: Grüße, 世界' },
    { "get-sum", { a = 2, b = 40 }, "42" },
    { "get-sum", { a = "two" }, '"is_error":true' },
    { "get-tiny-image", {}, '"media_type":"image/png","type":"base64"' },
    { "get-structured-content", { location = "Chicago" }, "temperature" },
    { "get-resource-reference", { resourceType = "Text", resourceId = 1 }, '"media_type":"text/plain","type":"text"' },
    { "get-resource-reference", { resourceType = "Blob", resourceId = 1 }, '"type":"document"' },
    { "get-resource-links", { count = 2 }, "[a resource: demo://" },
    { "get-annotated-message", { messageType = "error", includeImage = true }, '"type":"image"' },
    { "no-such-tool", {}, "can be run" },
  } },
  { "filesystem", directory, {
    { "write_file", { path = directory .. "/a.txt", content = "Hello" }, "Successfully wrote" },
    { "read_text_file", { path = directory .. "/a.txt" }, "Hello" },
    { "list_directory", { path = directory }, "a.txt" },
    { "read_text_file", { path = "/etc/passwd" }, '"is_error":true' },
  } },
  { "memory", "", {
    { "create_entities", { entities = {
      { name = "Ada", entityType = "person", observations = { "counts" } },
    } }, "Ada" },
    { "read_graph", {}, "counts" },
  } },
}

describe("the tools of an MCP server", function()
  teardown(function()
    os.execute("rm -rf " .. directory)
  end)

  for _, each in ipairs(SERVERS) do
    local name, arguments, calls = each[1], each[2], each[3]
    local entry, reason = npm.find("@modelcontextprotocol/server-" .. name .. "/dist/index.js")

    it("run, of " .. name, function()
      if not entry then
        return pending(reason)
      end
      local uses = {}
      for i, call in ipairs(calls) do
        uses[i] = { name = call[1], id = "t" .. i, input = call[2] }
      end
      local server = testing.server {
        script = { testing.message { tool_uses = uses }, testing.message { text = "Done." } }, on_end = "error",
      }
      local client = anthropic.new { base_url = server.url, api_key = "test-key" }
      local session = mcp_stdio.start(("env MEMORY_FILE_PATH=%s/graph.json node %s %s"):format(directory,
        background.absolute(entry), arguments))
      local message, run = client.messages.run {
        model = "m", max_tokens = 100, messages = { { role = "user", content = "go" } },
        tools = anthropic.mcp.tools(session:request("tools/list", anthropic.object {}), function(tool, input)
          return session:request("tools/call", { name = tool, arguments = input })
        end),
      }
      session:stop()
      local requests = server:requests()
      client:close()
      server:stop()
      assert.equal("Done.", assert(message, run):text())
      assert.is_true(#requests[1].json.tools > 5)
      local results = requests[2].json.messages[3].content
      assert.equal(#calls, #results)
      for i, call in ipairs(calls) do
        local text = assert(anthropic.encode(results[i]))
        assert.truthy(text:find(call[3], 1, true), text:sub(1, 400))
        assert.equal("t" .. i, results[i].tool_use_id)
      end
    end)
  end
end)
