-- The model that the documentation names: one, of tools/models.tsv, that lives on for half a year.

local background = require "spec.support.background"
local directories = require "spec.support.directory"

local TOOL = background.absolute "tools/models.lua"

local TABLE = "# words\n"
  .. "claude-new-5-5\t2027-09-28\tfrom\tdocs\n"
  .. "claude-old-4-5\t2026-11-30\tby\t\n"
  .. "claude-older\t2020-01-01\tkept\texamples/demo.lua doc/old/\n"

describe("tools/models.lua", function()
  local directory

  before_each(function()
    directory = directories.new()
    directory:run "mkdir -p tools doc/old examples lua"
    directory:write("tools/models.tsv", TABLE)
    directory:write("README.md", 'model = "claude-new-5-5"\n')
  end)

  after_each(function()
    directory:remove()
  end)

  -- What it prints, and its exit code.
  local function run(arguments)
    local output = directory:run(("lua5.4 %s %s; echo $?"):format(TOOL, arguments or ""))
    return output:match "^(.-)(%d+)\n$"
  end

  local function assert_run(output, code, arguments)
    local printed, exit_code = run(arguments)
    assert.equal(output, printed)
    assert.equal(tostring(code), exit_code)
  end

  it("finds nothing wrong with the model of the docs, and with what is kept in its place", function()
    directory:write("doc/a.md", "claude-new-5-5, claude-new-5-5-20260928. `anthropic.claude-new-5-5-20260928-v1:0` "
      .. "ce-claude-code-settings claude_x /claude-new-5-5/")
    directory:write("examples/demo.lua", '"claude-older-20200101"')
    directory:write("doc/old/a.md", "claude-older")
    assert_run("", 0)
    assert_run("", 0, "release 2027-03-28")
  end)

  it("finds another model, and one that the table does not have, once in a file", function()
    directory:write("README.md", "claude-old-4-5 claude-old-4-5-20250929 claude-older claude-old-4-5\n")
    directory:write("lua/a.lua", '-- "claude-unknown-9"')
    directory:write("examples/a.lua", '"claude-older"')
    local is_not = " is not the model of the docs, claude-new-5-5: make models\n"
    assert_run("README.md: claude-old-4-5" .. is_not .. "README.md: claude-old-4-5-20250929" .. is_not
      .. "README.md: claude-older" .. is_not .. "examples/a.lua: claude-older" .. is_not
      .. "lua/a.lua: claude-unknown-9 is not in tools/models.tsv\n", 1)
  end)

  it("refuses a release half a year before the end of the model", function()
    assert_run("README.md: claude-new-5-5 ends on 2027-09-28\n", 1, "release 2027-03-30")
    assert_run("README.md: claude-new-5-5 ends on 2027-09-28\n", 1, "release 2028-01-01")
    directory:write("tools/models.tsv", (TABLE:gsub("2027%-09%-28", "2020-09-28")))
    assert_run("README.md: claude-new-5-5 ends on 2020-09-28\n", 1, "release")
    directory:write("tools/models.tsv", (TABLE:gsub("2027%-09%-28", "2199-09-28")))
    assert_run("", 0, "release")
  end)

  it("writes the model of the docs where another one is named", function()
    directory:write("README.md", '"claude-old-4-5", claude-old-4-5-20250929; claude-older-x claude-unknown-9\n')
    directory:write("examples/demo.lua", '"claude-older-20200101" "claude-old-4-5"')
    directory:write("doc/a.md", "claude-new-5-5")
    assert_run("README.md\nexamples/demo.lua\n", 0, "write")
    assert.equal('"claude-new-5-5", claude-new-5-5; claude-older-x claude-unknown-9\n', directory:read "README.md")
    assert.equal('"claude-older-20200101" "claude-new-5-5"', directory:read "examples/demo.lua")
    assert.equal("claude-new-5-5", directory:read "doc/a.md")
    assert_run("", 0, "write")
  end)

  it("refuses a table without the model of the docs, or with two", function()
    for _, wrong in ipairs { TABLE:gsub("\tdocs", "\t"), TABLE:gsub("by\t", "by\tdocs"), TABLE .. "claude-x 2027\n" } do
      directory:write("tools/models.tsv", wrong)
      local printed, code = run()
      assert.matches("tools/models.tsv: ", printed)
      assert.equal("1", code)
    end
  end)
end)
