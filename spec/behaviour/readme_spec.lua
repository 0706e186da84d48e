-- The programs of the README and of the pages that it leads to run as they stand.

local testing = require "anthropic.testing"

local PRELUDE = 'local anthropic = require "anthropic"\nlocal client = anthropic.new()\n'

local PAGES = { "README.md", "doc/conversations.md" }

-- Every block of Lua, with the heading it stands under.
local function blocks()
  local found = {}
  for _, page in ipairs(PAGES) do
    local title, code = "", nil
    for line in io.lines(page) do
      if line == "```lua" then
        code = {}
      elseif line == "```" and code then
        found[#found + 1] = { page = page, title = title, code = table.concat(code, "\n") .. "\n" }
        code = nil
      elseif code then
        code[#code + 1] = line
      else
        title = line:match "^#+ (.*)" or title
      end
    end
  end
  return found
end

local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function run(server, code)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(code)
  file:close()
  local interpreter = rawget(_G, "jit") and "luajit" or _VERSION:lower():gsub(" ", "")
  local environment = "ANTHROPIC_BASE_URL=" .. quoted(server.url) .. " ANTHROPIC_API_KEY=test-key-1"
  local pipe = io.popen(("%s %s %s 2>&1; echo status $?"):format(environment, interpreter, path))
  local output = pipe:read "*a"
  pipe:close()
  os.remove(path)
  return output
end

describe("A program of the documentation", function()
  local server

  setup(function()
    server = testing.server { script = { routes = {
      { path = "/v1/models", answers = { { body = { data = { { id = "m" } }, has_more = false } } } },
      { path = "/v1/files", answers = { { body = { id = "file_1", type = "file" } } } },
      { path = "/v1/files/file_1/content", answers = { { body = "bytes" } } },
      { match = "count_tokens", answers = { { body = { input_tokens = 10 } } } },
      {
        body_contains = "tool_result",
        answers = { testing.message { text = "It is sunny in Paris." } },
      },
      {
        body_contains = "get_weather",
        answers = { testing.message {
          tool_uses = { { id = "toolu_1", name = "get_weather", input = { city = "Paris" } } },
          stop_reason = "tool_use",
        } },
      },
      {
        body_contains = '"stream":true',
        answers = { testing.stream { thinking = "Hm.", text = "Rayleigh scattering." } },
      },
      { answers = { testing.message { text = "Rayleigh scattering." } } },
    } } }
  end)

  teardown(function()
    server:stop()
  end)

  it("is found on each page", function()
    assert.is_true(#blocks() >= 8)
    for _, page in ipairs(PAGES) do
      local found = false
      for _, block in ipairs(blocks()) do
        found = found or block.page == page
      end
      assert.is_true(found, page)
    end
  end)

  for i, block in ipairs(blocks()) do
    it(("%d, in %s under %q, runs as it stands"):format(i, block.page, block.title), function()
      local code = block.code
      if not code:find "require \"anthropic\"\n" then
        code = PRELUDE .. code
      end
      local output = run(server, code)
      assert.equal("status 0", output:match "status %d+\n$":sub(1, -2), output)
      assert.is_nil(output:find("[Ee]rror:"), output)
    end)
  end
end)
