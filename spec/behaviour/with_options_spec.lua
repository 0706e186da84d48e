-- A client made of another one.

local anthropic = require "anthropic"
local service = require "spec.support.service"
local testing = require "anthropic.testing"

local params, header = service.params, service.header

local HELLO = testing.message { text = "Hello!" }

describe("a client with other options", function()
  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  it("has these and those of the first, which keeps its own", function()
    local server = service.serve { HELLO }
    local client = service.client(server, {
      headers = { ["X-Team"] = "blue", ["X-Kept"] = "yes" }, betas = { "one" }, api_version = "2020-01-01",
    })
    local other = client:with_options {
      headers = { ["x-team"] = "red", ["X-Kept"] = false }, betas = { "two" }, auth_token = "another-token",
    }
    assert(other.messages.create(params()))
    assert(client.messages.create(params()))
    local of_other, of_client = server:requests()[1], server:requests()[2]
    assert.equal("red", header(of_other, "x-team"))
    assert.is_nil(header(of_other, "x-kept"))
    assert.equal("one,two", header(of_other, "anthropic-beta"))
    assert.equal("2020-01-01", header(of_other, "anthropic-version"))
    assert.equal("Bearer another-token", header(of_other, "authorization"))
    assert.equal("blue", header(of_client, "x-team"))
    assert.equal("one", header(of_client, "anthropic-beta"))
    assert.equal("Bearer " .. service.KEY, header(of_client, "authorization"))
  end)

  it("may be made of such a client", function()
    local server = service.serve { HELLO }
    local other = service.client(server):with_options({ headers = { a = "1", b = "1" } })
      :with_options { headers = { b = "2" }, api_version = false }
    assert(other.messages.create(params()))
    local request = server:requests()[1]
    assert.same({ "1", "2", "2023-06-01" },
      { header(request, "a"), header(request, "b"), header(request, "anthropic-version") })
  end)

  it("counts into the same usage", function()
    local client = service.client(service.serve { HELLO })
    local other = client:with_options { max_retries = 1 }
    assert(other.messages.create(params()))
    assert.equal(client.usage, other.usage)
    assert.is_true(client.usage:total().output_tokens > 0)
  end)

  it("is closed by itself", function()
    local client = service.client(service.serve { HELLO })
    local one, other = client:with_options {}, client:with_options {}
    one:close()
    assert.equal("cancelled", select(2, one.messages.create(params())).kind)
    assert(other.messages.create(params()))
    client:close()
    assert(other.messages.create(params()))
    assert.equal("cancelled", select(2, client.messages.create(params())).kind)
  end)

  it("asks for no credential that is remembered", function()
    local calls = 0
    local server = service.serve { HELLO }
    local client = service.client(server, { auth_token = function()
      calls = calls + 1
      return "token-" .. calls, os.time() + 3600
    end })
    assert(client.messages.create(params()))
    assert(client:with_options({ max_retries = 1 }).messages.create(params()))
    assert.equal(1, calls)
    assert(client:with_options({ api_key = "another" }).messages.create(params()))
    assert.equal("Bearer another", header(server:requests()[3], "authorization"))
  end)

  it("is one of the environment again without a credential of its own", function()
    service.environment { ANTHROPIC_API_KEY = "of-the-environment" }
    local server = service.serve { HELLO }
    local client = anthropic.new { base_url = server.url, api_key = "given" }
    assert(client:with_options({ api_key = false }).messages.create(params()))
    assert.equal("Bearer of-the-environment", header(server:requests()[1], "authorization"))
  end)

  it("is refused with an option that is none, and the place is told", function()
    local client = service.client(service.serve { HELLO })
    local ok, message = pcall(function() client:with_options { modle = "m" } end)
    assert.is_false(ok)
    assert.matches('with_options_spec.lua:%d+: unknown option "modle"; did you mean "model"%?$', message)
    assert.has_error(function() client:with_options() end)
  end)
end)
