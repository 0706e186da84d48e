local option_changes = require "anthropic.http.option_changes"

local function f() end

describe("options that take the place of others", function()
  local function changed(before, given)
    return option_changes.changed(before, given, 1)
  end

  it("leave the others", function()
    assert.same({ model = "a", max_retries = 3, tag = false },
      changed({ model = "a", max_retries = 1 }, { max_retries = 3, tag = false }))
  end)

  it("are taken away by false, where it is no value", function()
    assert.same({ insecure = false }, changed({ model = "a", headers = { a = "b" }, insecure = true, api_key = "k" },
      { model = false, headers = false, insecure = false, api_key = false }))
  end)

  it("join headers regardless of case, betas once each, and times", function()
    assert.same({
      headers = { ["x-a"] = "2", b = "1", C = false }, betas = { "one", "two", "three" },
      timeout = { connect = 1, total = 5 },
    }, changed({
      headers = { ["X-A"] = "1", b = "1", c = "1" }, betas = { "one", "two" }, timeout = { connect = 1, total = 9 },
    }, { headers = { ["x-a"] = "2", C = false }, betas = { "two", "three" }, timeout = 5 }))
    assert.same({ timeout = { total = 9, idle = 2 } }, changed({ timeout = 9 }, { timeout = { idle = 2 } }))
    assert.same({ headers = { a = "b" } }, changed({}, { headers = { a = "b" } }))
  end)

  it("replace one form of the credential by the other", function()
    assert.same({ auth_token = "t" }, changed({ api_key = "k" }, { auth_token = "t" }))
    assert.same({ api_key = "k" }, changed({ auth_token = f }, { api_key = "k" }))
  end)

  it("change nothing in their place", function()
    local before = { headers = { a = "b" }, betas = { "x" } }
    changed(before, { headers = { a = "c" }, betas = { "y" }, model = "m" })
    assert.same({ headers = { a = "b" }, betas = { "x" } }, before)
  end)

  it("are refused as any", function()
    local both = { api_key = "a", auth_token = "b" }
    for _, given in ipairs { { modle = "a" }, { modle = false }, { model = 1 }, "x", both } do
      assert.has_error(function() changed({}, given) end)
    end
    assert.has_error(function() option_changes.changed({}, nil, 1) end)
  end)
end)
