-- What the platforms' own programs keep in files.

local directories = require "spec.support.directory"
local files = require "anthropic.platforms.files"

describe("the files of a platform's programs", function()
  local directory
  local getenv, variables = os.getenv, {}

  before_each(function()
    directory, variables = directories.new(), {}
    os.getenv = function(name) -- luacheck: ignore 122
      return variables[name]
    end
  end)

  after_each(function()
    os.getenv = getenv -- luacheck: ignore 122
    directory:remove()
  end)

  local function profile(text, name)
    variables.AWS_SHARED_CREDENTIALS_FILE = directory:write("credentials", text)
    return (files.aws_profile(name))
  end

  it("have variables without blanks, of which an empty one is none", function()
    variables = { A = " x y \n", B = "", C = " \t" }
    assert.equal("x y", files.variable "A")
    for _, name in ipairs { "B", "C", "D" } do
      assert.is_nil(files.variable(name))
    end
  end)

  it("are read as AWS's programs read them", function()
    assert.same({ a = "1", b = "x = y", c = "" }, profile "[default]\na=1\nb = x = y  \nc =\r\n")
    assert.same({ a = "2" }, profile("[one]\na=1\n[ two ]\nA = 2\n[three]\na=3", "two"))
    assert.same({ a = "1", b = "2" }, profile "[default]\na=1\n[x]\na=0\n[default]\nb=2\n")
    assert.same({ region = "r" }, profile "# [x]\n; y\n[default] # mine\nregion = r\n  nested = 1\nnonsense\n")
    assert.is_nil(profile("[default]\na=1", "none"))
    assert.is_nil(profile "a=1")
    assert.is_nil(profile "")
  end)

  it("have profiles whose names AWS's programs write with blanks or quotes", function()
    variables.AWS_CONFIG_FILE = directory:write("config",
      "[profile \t two ]\na=2\n[profile \"of mine\"]\na=3\n[ profile 'of yours' ]\na=4\n[profiles]\na=5")
    for name, value in pairs { two = "2", ["of mine"] = "3", ["of yours"] = "4" } do
      assert.same({ a = value }, profile("", name), name)
    end
    assert.is_nil(profile("", "s"))
    assert.same({ a = "6" }, profile("['of hers']\na=6", "of hers"))
  end)

  it("are two for AWS, of which that of the credentials wins", function()
    local config = "[profile w]\nregion=r\na=config\n[w]\na=none\n[default]\nd=1"
    variables.AWS_CONFIG_FILE = directory:write("config", config)
    assert.same({ region = "r", a = "mine" }, profile("[w]\na=mine", "w"))
    assert.same({ d = "1" }, profile "")
    variables.AWS_PROFILE = "w"
    assert.same({ region = "r", a = "config" }, profile "")
    assert.equal("w", select(2, files.aws_profile()))
    assert.equal("default", select(2, files.aws_profile "default"))
  end)

  it("may have all keys of a section behind blanks, but no value that goes on", function()
    for text, expected in pairs {
      ["[default]\n    a = 1\n    b = 2\n"] = { a = "1", b = "2" },
      ["[default]\n\ta = 1\n\n\t# c = 0\n\tb = 2\n"] = { a = "1", b = "2" },
      ["[default]\n  a = 1\n    n = 0\n  b = 2\nc = 3\n  n = 0\nd =\n n = 0\n"] = { a = "1", b = "2", c = "3", d = "" },
      ["[x]\na = 0\n  [default]\n  a = 1\n[y]\n a = 0\n"] = { a = "1" },
    } do
      assert.same(expected, profile(text), text)
    end
  end)

  it("are two for AWS, whose keys are not mixed", function()
    local function keys(config, credentials)
      variables.AWS_CONFIG_FILE = directory:write("config", "[default]\nregion=r\n" .. config)
      local found = profile("[default]\noutput=json\n" .. credentials)
      assert.same({ "r", "json" }, { found.region, found.output })
      return { found.aws_access_key_id, found.aws_secret_access_key, found.aws_session_token }
    end
    local temporary = "aws_access_key_id=ASIA\naws_secret_access_key=s1\naws_session_token=t\n"
    local lasting = "aws_access_key_id=AKIA\naws_secret_access_key=s2\n"
    assert.same({ "AKIA", "s2" }, keys(temporary, lasting))
    assert.same({ "ASIA", "s1", "t" }, keys(lasting, temporary))
    assert.same({ "ASIA", "s1", "t" }, keys(temporary, "aws_secret_access_key=s2\naws_access_key_id=\n"))
    assert.same({ "AKIA", "s2" }, keys(lasting, "aws_session_token=t"))
    assert.same({ "AKIA" }, keys(temporary, "aws_access_key_id=AKIA"))
    assert.same({}, keys("aws_session_token=t", ""))
  end)

  it("have the default profile under either of its names", function()
    variables.AWS_CONFIG_FILE = directory:write("config", "[profile default]\na=1\n")
    assert.same({ a = "1" }, profile "")
    variables.AWS_CONFIG_FILE = directory:write("config", "[profile default]\na=1\n[default]\na=2\nb=2\n")
    assert.same({ a = "1" }, profile "")
    assert.same({ a = "1" }, profile "[profile default]\na=3\n")
  end)

  it("are below the user's folder where no variable says it", function()
    os.execute("mkdir -p " .. directory:path ".aws" .. " " .. directory:path ".config/gcloud")
    directory:write(".aws/credentials", "[default]\na=home")
    directory:write(".config/gcloud/application_default_credentials.json", '{"type":"authorized_user"}')
    assert.is_nil((files.aws_profile()))
    assert.is_nil(files.google_credentials())
    variables.HOME = directory.root
    assert.same({ a = "home" }, (files.aws_profile()))
    assert.equal("authorized_user", files.google_credentials().type)
    variables.GOOGLE_APPLICATION_CREDENTIALS = directory:path "none"
    assert.is_nil(files.google_credentials())
    variables.GOOGLE_APPLICATION_CREDENTIALS = directory:write("x.json", "no JSON")
    assert.is_nil(files.google_credentials())
  end)
end)
