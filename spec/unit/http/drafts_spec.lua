local drafts = require "anthropic.http.drafts"
local options = require "anthropic.http.options"

local function steps_of(given)
  given.base_url = given.base_url or "https://x.test"
  return drafts.steps(options.of_client(given))
end

local SPEC = { method = "POST", path = "/v1/messages", body = "{}" }
local EXCHANGE = { spec = function() return SPEC end }

local function headers_of(wire)
  return "\n" .. table.concat(wire.headers, "\n") .. "\n"
end

-- A draft's fields as a middleware has them, without those that carry a credential.
local function fields_of(draft)
  local fields = {}
  for _, key in ipairs(draft.set.names) do
    fields[draft.set.fields[key].name] = not draft.secret[key] and draft.set.fields[key].value or nil
  end
  return fields
end

local function changed(steps, changes)
  local draft = assert(steps.draft(SPEC))
  local whole = { method = "POST", url = draft.url, headers = fields_of(draft), body = draft.body }
  for name, value in pairs(changes) do
    whole[name] = value
  end
  return steps.change(draft, whole)
end

describe("the draft of a request", function()
  it("is what goes out, less the credential", function()
    local draft = assert(steps_of({ api_key = "k" }).draft(SPEC))
    assert.equal("https://x.test/v1/messages", draft.url)
    assert.equal("POST", draft.method)
    assert.equal("{}", draft.body)
    assert.is_nil(draft.set.fields.authorization)
  end)

  it("gets the credential on its way", function()
    local steps = steps_of { api_key = "k" }
    assert.matches("\nAuthorization: Bearer k\n", headers_of(assert(steps.wire(changed(steps, {}), EXCHANGE))))
  end)

  it("has a method in capitals", function()
    assert.equal("GET", changed(steps_of { api_key = "k" }, { method = "get" }).method)
  end)

  it("gets none where it is complete, or leads to another server", function()
    local steps = steps_of { api_key = "k" }
    local elsewhere = changed(steps, { url = "https://y.test/v1/messages" })
    assert.not_matches("Bearer k", headers_of(assert(steps.wire(elsewhere, EXCHANGE))))
    assert.not_matches("Bearer k", headers_of(assert(steps.wire(changed(steps, {}), EXCHANGE, true))))
  end)

  it("takes a caller's own credential to its own server alone", function()
    local steps = steps_of { headers = { ["X-Api-Key"] = "mine" } }
    assert.matches("\nX%-Api%-Key: mine\n", headers_of(assert(steps.wire(changed(steps, {}), EXCHANGE))))
    local elsewhere = changed(steps, { url = "https://y.test/v1/messages" })
    assert.not_matches("mine", headers_of(assert(steps.wire(elsewhere, EXCHANGE))))
  end)

  it("presents the client's certificate to its own server alone", function()
    local steps = steps_of { api_key = "k", certificate_file = "c.pem" }
    assert.equal("c.pem", assert(steps.wire(changed(steps, {}), EXCHANGE)).certificate_file)
    local elsewhere = changed(steps, { url = "https://y.test/v1/messages" })
    assert.is_false(assert(steps.wire(elsewhere, EXCHANGE)).certificate_file)
  end)

  it("has the fields that the change leaves, as they were spelt", function()
    local steps = steps_of { api_key = "k", headers = { ["X-One"] = "1", ["X-Two"] = "2" } }
    local draft = changed(steps, { headers = { ["x-one"] = "3", ["x-three"] = "4" } })
    assert.equal("X-One: 3\nX-Two:\nx-three: 4", table.concat(assert(steps.wire(draft, EXCHANGE, true)).headers, "\n")
      :match "X%-One.*")
  end)

  for what, case in pairs {
    ["a method"] = { { method = "a b" }, "method: letters expected" },
    ["a URL"] = { { url = 1 }, "url: string expected, got number" },
    ["a user name"] = { { url = "https://a:b@x.test/" }, "url: must not hold a user name or password" },
    ["a body"] = { { body = 1 }, "body: string expected, got number" },
    ["headers"] = { { headers = 1 }, "headers: table expected, got number" },
  } do
    it("is refused with " .. what .. " that is wrong", function()
      local draft, err = changed(steps_of { api_key = "k" }, case[1])
      assert.is_nil(draft)
      assert.equal(case[2], err.message)
    end)
  end
end)
