local directories = require "spec.support.directory"
local profiles = require "anthropic.http.profiles"
local service = require "spec.support.service"

describe("a profile", function()
  local directory

  before_each(function()
    directory = directories.new()
    directory:run "mkdir configs"
  end)

  after_each(function()
    service.clear()
    directory:remove()
  end)

  local function environment(variables)
    variables = variables or {}
    variables.ANTHROPIC_CONFIG_DIR = variables.ANTHROPIC_CONFIG_DIR or directory.root
    service.environment(variables)
  end

  local function profile(name, text)
    directory:write("configs/" .. name .. ".json", text)
  end

  local USER = '{"authentication":{"type":"user_oauth"}}'

  it("is the one that is named, else that of the environment, of the file, or the default one", function()
    for _, name in ipairs { "a", "b", "c", "default" } do
      profile(name, USER)
    end
    environment()
    assert.equal("default", profiles.find().name)
    directory:write("active_config", " c \n")
    assert.equal("c", profiles.find().name)
    environment { ANTHROPIC_PROFILE = " b " }
    assert.equal("b", profiles.find().name)
    assert.equal("a", profiles.find("a").name)
    directory:write("active_config", " \n")
    environment()
    assert.equal("default", profiles.find().name)
  end)

  it("is missing where nothing names one, and a problem where one is named", function()
    environment()
    assert.same({}, { profiles.find() })
    assert.same({ nil, ('there is no profile "x" in %s'):format(directory.root) }, { profiles.find "x" })
    for _, name in ipairs { "../x", "..", ".", "a/b", "", "a b" } do
      assert.same({ nil, "the name of a profile has letters, digits, '_', '.' and '-'" }, { profiles.find(name) })
    end
  end)

  it("is refused where a path in it contains NUL", function()
    environment()
    for _, authentication in ipairs {
      '{"type":"user_oauth","credentials_path":"a\\u0000b"}',
      '{"type":"oidc_federation","identity_token":{"source":"file","path":"a\\u0000b"}}',
    } do
      profile("default", '{"authentication":' .. authentication .. "}")
      assert.same({ nil, 'the profile "default": a path in it contains NUL' }, { profiles.find() })
    end
  end)

  it("is refused where group or others may write it", function()
    profile("default", USER)
    environment()
    local path = directory:path "configs/default.json"
    for mode, may_be_used in pairs { ["600"] = true, ["644"] = true, ["755"] = true, ["620"] = false, ["602"] = false,
      ["666"] = false, ["664"] = false } do
      directory:run("chmod " .. mode .. " configs/default.json")
      local config, problem = profiles.find()
      assert.equal(may_be_used, config ~= nil, mode)
      if not may_be_used then
        assert.equal(("%s: group or others may write it (run: chmod go-w %s)"):format(path, path), problem)
      end
    end
  end)

  it("stands below the user's folder where no other is named", function()
    directory:run "mkdir -p .config/anthropic/configs config/anthropic/configs"
    directory:write(".config/anthropic/configs/default.json", USER)
    directory:write("config/anthropic/configs/other.json", USER)
    service.environment { HOME = directory.root, XDG_CONFIG_HOME = " ", ANTHROPIC_CONFIG_DIR = " " }
    assert.equal(directory.root .. "/.config/anthropic/credentials/default.json", profiles.find().credentials_path)
    service.environment { XDG_CONFIG_HOME = directory.root .. "/config", ANTHROPIC_CONFIG_DIR = " " }
    assert.equal("other", profiles.find("other").name)
  end)

  it("stands below the folder of the user's settings on Windows", function()
    local config = package.config
    finally(function() rawset(package, "config", config) end)
    rawset(package, "config", "\\" .. config:sub(2))
    directory:run "mkdir -p Anthropic/configs AppData/Roaming/Anthropic/configs .config/anthropic/configs"
    directory:write("Anthropic/configs/one.json", USER)
    directory:write("AppData/Roaming/Anthropic/configs/two.json", USER)
    directory:write(".config/anthropic/configs/three.json", USER)
    local root = directory.root
    for name, folders in pairs { one = { root, "/nowhere" }, two = { " ", root }, three = { " ", " " } } do
      service.environment {
        ANTHROPIC_CONFIG_DIR = " ", XDG_CONFIG_HOME = " ", HOME = root, APPDATA = folders[1], USERPROFILE = folders[2],
      }
      assert.equal(name, profiles.find(name).name)
    end
  end)

  it("has what its file says, with the environment in its gaps", function()
    profile("a", '{"base_url":"https://h.test","organization_id":"","workspace_id":"w","authentication":{'
      .. '"type":"oidc_federation","federation_rule_id":"r","client_id":7,'
      .. '"identity_token":{"source":"file","path":"/token"}}}')
    environment { ANTHROPIC_ORGANIZATION_ID = "o", ANTHROPIC_WORKSPACE_ID = "other",
      ANTHROPIC_SERVICE_ACCOUNT_ID = "s", ANTHROPIC_IDENTITY_TOKEN_FILE = "/other" }
    assert.same({
      type = "oidc_federation", name = "a", base_url = "https://h.test", organization_id = "o", workspace_id = "w",
      federation_rule_id = "r", service_account_id = "s", identity_file = "/token",
      credentials_path = directory.root .. "/credentials/a.json",
    }, profiles.find "a")
  end)

  it("says what it lacks", function()
    environment()
    for text, words in pairs {
      ["[]"] = "configs/a.json: no JSON object", ["no"] = "configs/a.json: no JSON object",
      ["{}"] = "authentication.type",
      ['{"authentication":{"type":"x"}}'] = "neither oidc_federation nor user_oauth",
      ['{"authentication":{"type":"user_oauth","identity_token":{"source":"url","path":"x"}}}'] = "is no file",
      ['{"authentication":{"type":"user_oauth","identity_token":{"source":"file"}}}'] = "is no file",
      ['{"authentication":{"type":"oidc_federation"}}'] = "no federation rule: set",
      ['{"authentication":{"type":"oidc_federation","federation_rule_id":"r"}}'] = "no organization: set",
      ['{"organization_id":"o","authentication":{"type":"oidc_federation","federation_rule_id":"r"}}'] =
        "no identity token: set",
    } do
      profile("a", text)
      local config, problem = profiles.find "a"
      assert.is_nil(config)
      assert.matches(words, problem, 1, true)
    end
  end)

  it("yields to the environment's federation where that is whole", function()
    profile("default", USER)
    local variables = { ANTHROPIC_FEDERATION_RULE_ID = "r", ANTHROPIC_ORGANIZATION_ID = "o" }
    environment(variables)
    assert.equal("user_oauth", profiles.find().type)
    variables.ANTHROPIC_IDENTITY_TOKEN = "t"
    assert.same({ type = "oidc_federation", federation_rule_id = "r", organization_id = "o" }, profiles.find())
    assert.equal("user_oauth", profiles.find("default").type)
    variables.ANTHROPIC_ORGANIZATION_ID = nil
    assert.equal("user_oauth", profiles.find().type)
    os.remove(directory:path "configs/default.json")
    variables.ANTHROPIC_ORGANIZATION_ID, variables.ANTHROPIC_IDENTITY_TOKEN = "o", nil
    assert.equal("workload identity federation: no identity token: set ANTHROPIC_IDENTITY_TOKEN_FILE or "
      .. "ANTHROPIC_IDENTITY_TOKEN", select(2, profiles.find()))
  end)

  it("is a small file", function()
    local path = directory:write("large", ("x"):rep(1024 * 1024))
    assert.equal(1024 * 1024, #profiles.read(path))
    directory:write("large", ("x"):rep(1024 * 1024 + 1))
    assert.same({ nil, path .. ": larger than 1 MiB" }, { profiles.read(path) })
    assert.equal("", profiles.read(directory:write("empty", "")))
    assert.same({}, { profiles.read(directory:path "none") })
    assert.is_string(select(2, profiles.read(directory:path "configs")))
  end)
end)
