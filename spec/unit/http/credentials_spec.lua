-- The header that carries a credential; spec/behaviour/credentials_spec.lua has what is sent by it.

local credentials = require "anthropic.http.credentials"
local errors = require "anthropic.base.error"
local headers = require "anthropic.http.headers"
local service = require "spec.support.service"

local VENDOR, OTHER = "https://api.anthropic.com", "https://gateway.test"

local function set_of(fields)
  local set = headers.new()
  assert(headers.set_all(set, fields or {}))
  return set
end

-- The line that was added, or what stands in its place.
local function line(options, base, fields)
  local set = set_of(fields)
  local credential, err = credentials.add(set, options, base or VENDOR)
  if not credential then
    return credential, err and err.message
  end
  return credential.field .. ": " .. headers.get(set, credential.field), credential
end

describe("a credential", function()
  it("goes in the header of its server's kind", function()
    assert.equal("X-Api-Key: k", (line({ api_key = "k" })))
    assert.equal("Authorization: Bearer k", (line({ api_key = "k" }, OTHER)))
    assert.equal("X-Api-Key: k", (line({ api_key = "k", auth = "x-api-key" }, OTHER)))
    assert.equal("Authorization: Bearer k", (line { api_key = "k", auth = "bearer" }))
    assert.equal("Authorization: Bearer t", (line { api_key = "k", auth_token = "t", auth = "x-api-key" }))
  end)

  it("is described for errors and logs", function()
    local _, credential = line { auth_token = " t " }
    assert.same({ "Bearer ", "t", "ANTHROPIC_AUTH_TOKEN" },
      { credential.prefix, credential.value, credential.variable })
    _, credential = line { api_key = "k" }
    assert.same({ "", "ANTHROPIC_API_KEY" }, { credential.prefix, credential.variable })
    _, credential = line { api_key = "k", credential_variable = "OTHER" }
    assert.equal("OTHER", credential.variable)
    assert.is_nil(credential.reject)
  end)

  it("yields to the caller's own header, or to its removal", function()
    for _, fields in ipairs { { Authorization = "own" }, { ["x-api-key"] = "own" }, { ["x-api-key"] = false } } do
      assert.is_false((line({ api_key = "k" }, VENDOR, fields)))
    end
    assert.equal("X-Api-Key: k", (line({ api_key = "k" }, VENDOR, { Authorization = false })))
    assert.is_false((line({ api_key = "k" }, OTHER, { Authorization = false })))
  end)

  it("is sent beside one under another name where the options name it, but not where the environment does", function()
    local own = { ["X-Access-Token"] = "own" }
    assert.equal("X-Api-Key: k", (line({ api_key = "k" }, VENDOR, own)))
    assert.is_false((line({ api_key = "k", credential_of_environment = true }, VENDOR, own)))
    assert.is_false((line({}, VENDOR, own)))
    for _, fields in ipairs { { ["X-Access-Token"] = "" }, { ["X-Other"] = "x" } } do
      assert.equal("X-Api-Key: k", (line({ api_key = "k", credential_of_environment = true }, VENDOR, fields)))
    end
  end)

  it("that is missing is an error that says what to do", function()
    assert.same({ nil, "no credential: set ANTHROPIC_API_KEY or give the option api_key or auth_token" }, { line {} })
    assert.same({ nil, "own words" }, { line { missing_credential = "own words" } })
  end)

  it("is a line of text", function()
    assert.same({ nil, "api_key: is empty" }, { line { api_key = " " } })
    assert.same({ nil, "auth_token: must not contain a line break or NUL" }, { line { auth_token = "a\nb" } })
  end)

  it("may be asked for, and is told when it is refused", function()
    local count = 0
    local options = { api_key = function()
      count = count + 1
      return "k" .. count, os.time() + 3600
    end }
    local first, credential = line(options)
    assert.equal("X-Api-Key: k1", first)
    assert.equal("X-Api-Key: k1", (line(options)))
    credential.reject()
    assert.equal("X-Api-Key: k2", (line(options)))
    local problem = errors.new { kind = "timeout", message = "slow" }
    assert.same({ nil, "api_key: slow" }, { line { api_key = function() return nil, problem end } })
  end)

  it("is the same for all requests, unless it is asked for", function()
    assert.is_true(credentials.are_constant {})
    assert.is_true(credentials.are_constant { api_key = "k" })
    assert.is_false(credentials.are_constant { api_key = print })
    assert.is_true(credentials.are_constant { api_key = print, auth_token = "t" })
    assert.is_nil(credentials.source { api_key = "k" })
    assert.is_truthy(credentials.source { api_key = print })
  end)
end)

describe("a credential that nothing names", function()
  after_each(service.clear)

  it("is taken away with all that came with it", function()
    local options = { base_url = OTHER, base_before_login = VENDOR, auth_token = "t", token_source = {}, login = {},
      credential_of_environment = true, profile = "p", missing_credential = "x", max_retries = 1 }
    credentials.forget(options)
    assert.same({ base_url = VENDOR, max_retries = 1 }, options)
    options = { base_url = OTHER, api_key = "k", credential_variable = "V" }
    credentials.forget(options)
    assert.same({ base_url = OTHER }, options)
  end)

  it("goes out unless the caller's headers carry one or remove its field", function()
    local named, found = { login = {}, auth_token = "t" }, { login = {}, auth_token = "t",
      credential_of_environment = true }
    for _, case in ipairs {
      { {}, true, true }, { { ["X-Token"] = "own" }, true, false }, { { ["x-api-key"] = false }, true, true },
      { { Authorization = false }, false, false }, { { ["X-Api-Key"] = "own" }, false, false },
    } do
      assert.equal(case[2], credentials.has_login(set_of(case[1]), named))
      assert.equal(case[3], credentials.has_login(set_of(case[1]), found))
    end
    assert.is_false(credentials.has_login(set_of {}, { auth_token = "t" }))
  end)

end)
