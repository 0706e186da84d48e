local directories = require "spec.support.directory"
local google_project = require "anthropic.platforms.google_project"
local service = require "spec.support.service"

describe("the project of Google's credentials", function()
  local directory

  before_each(function()
    directory = directories.new()
  end)

  after_each(function()
    service.clear()
    directory:remove()
  end)

  local function of(json)
    service.environment { GOOGLE_APPLICATION_CREDENTIALS = directory:write("credentials.json", json) }
    return google_project()
  end

  it("is theirs, else the one that pays", function()
    assert.equal("a", of '{"project_id":"a","quota_project_id":"b"}')
    assert.equal("b", of '{"quota_project_id":"b"}')
  end)

  it("is none where they name none", function()
    assert.is_nil(of '{"project_id":1}')
    assert.is_nil(of "{}")
    assert.is_nil(of "no JSON")
    service.environment { HOME = "/nowhere" }
    assert.is_nil(google_project())
  end)
end)
