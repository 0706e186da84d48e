-- The programs of the README and of the pages that it leads to run as they stand.

local documentation = require "spec.support.documentation"
local testing = require "anthropic.testing"

local PAGES = { "README.md", "doc/conversations.md", "doc/how-to/http-transport.md" }

describe("A program of the documentation", function()
  local server

  setup(function()
    server = testing.server { script = { routes = {
      { path = "/v1/chat/completions", answers = { {
        headers = { ["Content-Type"] = "text/event-stream" }, body = 'data: {"choices":[]}\n\ndata: [DONE]\n\n',
      } } },
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

  for _, page in ipairs(PAGES) do
    local programs = documentation.programs(page)

    it("is found on " .. page, function()
      assert.is_true(#programs > 0)
    end)

    for i, program in ipairs(programs) do
      it(("%d, in %s under %q, runs as it stands"):format(i, page, program.title), function()
        local output, code = documentation.run(program,
          ("ANTHROPIC_API_KEY=test-key-1 ANTHROPIC_BASE_URL=%s OPENAI_BASE_URL=%s/v1"):format(server.url, server.url))
        assert.equal(0, code, output)
        assert.is_nil(output:find("[Ee]rror:"), output)
      end)
    end
  end
end)
