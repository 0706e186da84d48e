-- Where Google's token comes from, with answers of the spec's own.

local call = require "anthropic.http.call"
local command = require "anthropic.loop.command"
local directories = require "spec.support.directory"
local google_token = require "anthropic.platforms.google_token"
local json = require "anthropic.base.json"
local service = require "spec.support.service"

describe("Google's token", function()
  local run, output, time = call.run, command.output, os.time
  local directory, asked, answer

  before_each(function()
    directory = directories.new()
    answer = { access_token = "token", expires_in = 3600 }
    function call.run(request)
      asked[#asked + 1] = request
      return { status = 200, body = assert(json.encode(answer)) }
    end
    asked = {}
  end)

  after_each(function()
    call.run, command.output, os.time = run, output, time -- luacheck: ignore 122
    service.clear()
    directory:remove()
  end)

  local USER = { type = "authorized_user", client_id = "c", client_secret = "s", refresh_token = "r&" }

  local function source(credentials)
    service.environment { GOOGLE_APPLICATION_CREDENTIALS = directory:write("c.json", assert(json.encode(credentials))) }
    return google_token.source()
  end

  local function exchange(options)
    return { deadline = math.huge, option = function(name) return options and options[name] end }
  end

  it("is asked of Google for the user's credentials, by the options' way", function()
    assert.equal("token", source(USER):get(exchange { proxy = "http://p", ca_file = "a", ca_path = "b" }))
    assert.equal("https://oauth2.googleapis.com/token", asked[1].url)
    assert.equal("grant_type=refresh_token&client_id=c&client_secret=s&refresh_token=r%26", asked[1].body)
    assert.same({ "http://p", "a", "b" }, { asked[1].proxy, asked[1].ca_file, asked[1].ca_path })
  end)

  it("is remembered as long as it lasts, and each time asked for where it names no end", function()
    local remembered = source(USER)
    assert(remembered:get(exchange()))
    assert(remembered:get(exchange()))
    assert.equal(1, #asked)
    local now = time()
    os.time = function(...) return select("#", ...) > 0 and time(...) or now + 3600 end -- luacheck: ignore 122
    assert(remembered:get(exchange()))
    assert.equal(2, #asked)
    answer = { access_token = "token", expires_in = "3600" }
    local forgotten = source(USER)
    assert(forgotten:get(exchange()))
    assert(forgotten:get(exchange()))
    assert.equal(4, #asked)
  end)

  it("is asked of the server that the credentials name", function()
    USER.token_uri = "https://own.test/token"
    assert(source(USER):get(exchange()))
    USER.token_uri = nil
    assert.equal("https://own.test/token", asked[1].url)
  end)

  it("needs all of the user's credentials", function()
    for _, name in ipairs { "client_id", "client_secret", "refresh_token" } do
      local value = USER[name]
      USER[name] = nil
      local _, err = source(USER):get(exchange())
      USER[name] = value
      assert.matches("credentials have no " .. name, err.message, 1, true)
    end
    assert.same({}, asked)
  end)

  it("is in the answer, or there is none", function()
    answer = { access_token = 1 }
    local token, err = source(USER):get(exchange())
    assert.is_nil(token)
    assert.matches("missing in the answer", err.message, 1, true)
  end)

  it("is not had for credentials that sign", function()
    local _, err = source({ type = "service_account", private_key = "secret" }):get(exchange())
    assert.matches('of the type "service_account", which needs a signature', err.message, 1, true)
    assert.is_nil(err.message:find("secret", 1, true))
    service.environment { GOOGLE_APPLICATION_CREDENTIALS = directory:write("c.json", "secret") }
    _, err = google_token.source():get(exchange())
    assert.matches("the file cannot be read as JSON", err.message, 1, true)
  end)

  it("is asked of the metadata server without a proxy, where the environment says so", function()
    for variable, host in pairs { GCE_METADATA_HOST = "meta.test", K_SERVICE = "metadata.google.internal" } do
      asked = {}
      service.environment { HOME = "/nowhere", [variable] = "meta.test" }
      assert.equal("token", google_token.source():get(exchange { proxy = "http://p" }))
      assert.equal("http://" .. host .. "/computeMetadata/v1/instance/service-accounts/default/token", asked[1].url)
      assert.same({ "", "Google" }, { asked[1].proxy, asked[1].headers["metadata-flavor"] })
    end
  end)

  it("is asked of gcloud, which is not missing where it is slow", function()
    service.environment { HOME = "/nowhere" }
    local one = exchange()
    one.profile = { timeouts = { total = 7 } }
    function command.output() return "token\n", 0 end
    assert.equal("token", google_token.source():get(one))
    function command.output() end -- there is no such program
    local _, err = google_token.source():get(one)
    assert.matches("no Google credentials: run", err.message, 1, true)
    function command.output()
      one.deadline = 0
      return nil, "cancelled"
    end
    _, err = google_token.source():get(one)
    assert.same({ "timeout", "total" }, { err.kind, err.timeout })
  end)
end)
