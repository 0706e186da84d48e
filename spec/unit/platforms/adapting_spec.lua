-- What a platform's row makes of a request; what each platform's row says is in the spec of its name.

local adapting = require "anthropic.platforms.adapting"
local json = require "anthropic.base.json"

local BASE = "https://base.test"

local PLATFORM = {
  bases = { { template = "https://{region}.test" } },
  variables = { region = { "AWS_REGION" }, workspace_id = { "WORKSPACE" } },
  version = "own-version",
  dropped_headers = { "anthropic-version" },
  endpoints = {
    ["/v1/messages"] = {
      path = "/models/{model}/run", streamed_path = "/models/{model}/stream", dropped = { "model" },
      members = { version = "anthropic-version", betas = "anthropic-beta" },
    },
    ["/v1/count"] = { members = { betas = "anthropic-beta" } },
  },
}

-- The request afterwards, its body decoded, or nil and the words.
local function adapt(given)
  local options = { base_url = BASE, region = "eu" }
  for name, value in pairs(given.options or {}) do
    options[name] = value
  end
  local path = given.path or "/v1/messages"
  local request = { url = given.url or BASE .. path, headers = given.headers or {}, body = given.body }
  local ok, err = adapting.adapt(given.platform or PLATFORM, function(name)
    return options[name]
  end, request, { path = path, method = "POST" })
  if not ok then
    return nil, err.kind .. ": " .. err.message
  end
  request.value = request.body and json.decode(request.body)
  return request
end

describe("a request made a platform's", function()
  it("has its path and its body's members from what it said", function()
    local request = adapt {
      body = '{"model":"a b","max_tokens":1}', headers = { ["anthropic-version"] = "2023-06-01" },
    }
    assert.equal(BASE .. "/models/a%20b/run", request.url)
    assert.same({ max_tokens = 1, version = "own-version" }, request.value)
    assert.same({}, request.headers)
    assert.equal(BASE .. "/models/m/stream", adapt({ body = '{"model":"m","stream":true}' }).url)
    assert.equal(BASE .. "/models/m/run", adapt({ body = '{"model":"m","stream":1}' }).url)
  end)

  it("keeps another version, and a member that is there", function()
    local headers = { ["anthropic-version"] = "2024-01-01" }
    assert.equal("2024-01-01", adapt({ body = '{"model":"m"}', headers = headers }).value.version)
    headers = { ["anthropic-version"] = "2024-01-01" }
    local value = adapt({ body = '{"model":"m","version":"mine","betas":["y"]}', headers = headers }).value
    assert.same({ "mine", { "y" } }, { value.version, value.betas })
  end)

  it("has the betas of its body and of its headers, each once", function()
    for betas, expected in pairs {
      ['["y"]'] = { "y", "x", "z" }, ['["z","y","z"]'] = { "z", "y", "x" }, ["[]"] = { "x", "z" },
      ['["x","z"]'] = { "x", "z" }, ['"own"'] = "own", ["[1]"] = { 1 }, ["null"] = json.null,
    } do
      local body = ('{"model":"m","betas":%s}'):format(betas)
      assert.same(expected, adapt({ body = body, headers = { ["anthropic-beta"] = "x, z,x" } }).value.betas)
    end
    assert.same({}, adapt({ body = '{"model":"m","betas":{}}', headers = { ["anthropic-beta"] = "x" } }).value.betas)
  end)

  it("has betas as a list, whatever stands between them", function()
    local request = adapt { body = '{"model":"m"}', headers = { ["anthropic-beta"] = " a,b ,, c" } }
    assert.same({ "a", "b", "c" }, request.value.betas)
    assert.equal('{"betas":[]}', adapt({ body = '{"model":"m"}', headers = { ["anthropic-beta"] = "," } }).body)
  end)

  it("keeps its query, but for what says that it is a beta", function()
    for query, kept in pairs {
      ["?beta=true"] = "", ["?beta=true&a=1"] = "?a=1", ["?a=1&beta=true"] = "?a=1", ["?a=1"] = "?a=1",
      ["?alphabeta=true"] = "?alphabeta=true",
    } do
      local request = adapt { body = '{"model":"m"}', path = "/v1/messages" .. query }
      assert.equal(BASE .. "/models/m/run" .. kept, request.url)
    end
  end)

  it("needs an object with a model", function()
    for _, body in ipairs { "[]", "null", "1", "no JSON" } do
      assert.same({ nil, "invalid_request: body: a JSON object expected" }, { adapt { body = body } })
    end
    assert.same({ nil, "invalid_request: body: a JSON object expected" }, { adapt {} })
    assert.same({ nil, "invalid_request: model: missing" }, { adapt { body = '{"model":1}' } })
    assert.same({ nil, 'invalid_request: model "..": cannot stand in a path' }, { adapt { body = '{"model":".."}' } })
  end)

  it("stays byte for byte as it is where nothing is to be changed", function()
    local body = '{ "b":1, "a":2 }'
    assert.equal(body, adapt({ body = body, path = "/v1/count" }).body)
    assert.equal("no JSON", adapt({ body = "no JSON", path = "/v1/count" }).body)
    assert.equal("no JSON", adapt({ body = "no JSON", path = "/v1/other" }).body)
    assert.same({ b = 1, betas = { "x" } },
      adapt({ body = '{"b":1}', path = "/v1/count", headers = { ["anthropic-beta"] = "x" } }).value)
  end)

  it("stays where the caller's middleware has led it", function()
    local body, url = '{"model":"m"}', "https://elsewhere.test/v1/messages"
    local request = adapt { body = body, url = url }
    assert.same({ url, body }, { request.url, request.body })
    request = adapt { body = body, url = url, options = { has_derived_base = true } }
    assert.equal(url, request.url)
  end)

  it("goes to the base URL of its path, where the caller named none", function()
    assert.equal("https://eu.test/v1/other", adapt({ path = "/v1/other", options = { has_derived_base = true } }).url)
    assert.equal(BASE .. "/v1/other", adapt({ path = "/v1/other" }).url)
  end)

  it("has headers from options, of which none may be missing", function()
    local platform = { bases = {}, variables = PLATFORM.variables, headers = { ["x-workspace"] = "workspace_id" } }
    assert.equal("w", adapt({ platform = platform, options = { workspace_id = "w" } }).headers["x-workspace"])
    assert.equal("own", adapt({ platform = platform, headers = { ["x-workspace"] = "own" } }).headers["x-workspace"])
    assert.same({ nil, "invalid_request: workspace_id: missing; name one (workspace_id = ...), or set WORKSPACE" },
      { adapt { platform = platform } })
  end)
end)
