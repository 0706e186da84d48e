-- The programs of the README and of the pages that it leads to run as they stand.

local descriptor = require "spec.support.descriptor"
local documentation = require "spec.support.documentation"
local hosted = require "spec.support.hosted"

describe("A program of the documentation", function()
  local server

  setup(function()
    server = hosted.server { script = documentation.script() }
  end)

  teardown(function()
    server:stop()
  end)

  it("is found on the README, in the tutorial and on every how-to page that is not a list", function()
    for _, page in ipairs(documentation.pages()) do
      if page:find "how%-to/" or page == "README.md" or page == "doc/tutorial.md" then
        assert.is_true(#documentation.programs(page) > 0, page)
      end
    end
  end)

  it("leaves nothing behind of what it makes under a temporary name", function()
    local code = 'local path = os.tmpname() assert(io.open(path, "wb")):close() io.write(path)'
    local path, status = documentation.run({ code = code }, "")
    assert.equal(0, status, path)
    assert.is_nil((io.open(path)))
  end)

  for _, page in ipairs(documentation.pages()) do
    for i, program in ipairs(documentation.programs(page)) do
      if not documentation.HOSTS[program.host] then
        it(("%d, in %s under %q, runs as it stands"):format(i, page, program.title), function()
          if not descriptor.is_there and program.code:find "descriptor%(" then
            pending(descriptor.MISSING)
          end
          local output, code = documentation.run(program,
            ("ANTHROPIC_API_KEY=test-key-1 ANTHROPIC_BASE_URL=%s OPENAI_BASE_URL=%s/v1"):format(server.url, server.url))
          assert.equal(0, code, output)
          if not documentation.shows_an_error(program) then
            assert.is_nil(output:find("[Ee]rror:"), output)
          end
        end)
      end
    end
  end
end)
