-- `make release` refuses on anything less than what a release needs. What takes long (make check) is not played here.

local background = require "spec.support.background"

local COMMIT = "git -c user.name=a -c user.email=a@b commit -qa"

describe("A release", function()
  local clone

  setup(function()
    clone = background.make_directory()
    background.output_of(("git clone -q . %s/tree 2>&1 && cp tools/release tools/rockspec.lua %s/tree/tools"):format(
      clone, clone))
    background.output_of(("cd %s/tree && git add -A; %s -m tools; git tag v0.1.0 2>&1"):format(clone, COMMIT))
  end)

  teardown(function()
    os.execute("rm -rf " .. clone)
  end)

  local function refusal(version, preparation)
    if background.output_of(("ls -d %s/tree/.git 2>/dev/null"):format(clone)) == "" then
      return pending "this tree is no clone of git's"
    end
    local output, code = background.output_of(
      ("cd %s/tree && %s; tools/release %s 2>&1 </dev/null; code=$?; git checkout -q .; exit $code"):format(
        clone, preparation or "true", version))
    assert.not_equal(0, code)
    return output
  end

  it("needs a version of three numbers", function()
    for _, version in ipairs { "", "1", "0.2", "v0.2.0", "0.2.0-rc1" } do
      assert.matches("usage: make release VERSION=1%.2%.3", refusal(version))
    end
  end)

  it("needs a version above the last one", function()
    assert.matches("there is a tag v0%.1%.0", refusal "0.1.0")
    assert.matches("v0%.1%.0 is newer", refusal "0.0.9")
  end)

  it("needs a tree without changes", function()
    assert.matches("README%.md.*Not released: nothing is uncommitted", refusal("0.2.0", "echo more >>README.md"))
  end)

  it("needs an entry in CHANGELOG.md, with what breaks", function()
    assert.matches('has no "What breaks"',
      refusal("0.2.0", "sed -i 's/^### What breaks/### More/' CHANGELOG.md && " .. COMMIT .. " -m x"))
    assert.matches("says nothing about 0%.2%.0",
      refusal("0.2.0", "sed -i 's/^## /## Others /' CHANGELOG.md && " .. COMMIT .. " -m x"))
  end)
end)
