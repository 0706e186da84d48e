local aws_region = require "anthropic.platforms.aws_region"
local directories = require "spec.support.directory"
local service = require "spec.support.service"

describe("the region of AWS's files", function()
  local directory

  before_each(function()
    directory = directories.new()
    service.environment {
      AWS_CONFIG_FILE = directory:write("config", "[default]\nregion = one\n[profile other]\nregion = two\n"),
      AWS_SHARED_CREDENTIALS_FILE = "/nowhere",
    }
  end)

  after_each(function()
    service.clear()
    directory:remove()
  end)

  local function of(profile)
    return aws_region(function(name)
      return name == "aws_profile" and profile or nil
    end)
  end

  it("is that of the profile", function()
    assert.equal("one", of(nil))
    assert.equal("two", of "other")
    assert.is_nil(of "none")
  end)
end)
