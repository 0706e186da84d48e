-- What signs requests in place of a credential of the options: spec/behaviour/middleware_spec.lua has the rest.

local exchanges = require "anthropic.http.exchange"
local limiter = require "anthropic.http.limiter"
local options = require "anthropic.http.options"
local service = require "spec.support.service"

local header = service.header

describe("what signs a request", function()
  before_each(function()
    service.environment {}
  end)

  after_each(service.clear)

  local function send(server, resolved, spec)
    resolved = options.of_request(options.of_client { base_url = server.url, max_retries = 0 }, resolved)
    local profile = exchanges.profile(resolved)
    local made = exchanges.new(spec or { method = "POST", path = "/v1/x", body = "{}" }, profile, {
      limiter = limiter.new(),
    })
    return made:run(function() return made:read_body() end)
  end

  it("sees what all middleware has made, and is the only credential", function()
    local server = service.serve { { body = "ok" } }
    local seen
    assert(send(server, {
      middleware = { function(request, next)
        request.headers["X-Early"], request.body = "yes", '{"a":1}'
        return next()
      end },
      headers = { ["x-own-token"] = "own-token" },
      api_key = "never-sent",
      signing = function(request, next)
        seen = request
        request.headers.Authorization = "Signature " .. #request.body
        return next()
      end,
    }))
    assert.equal("yes", seen.headers["x-early"])
    assert.equal("own-token", seen.headers["x-own-token"])
    assert.equal('{"a":1}', seen.body)
    local request = server:requests()[1]
    assert.equal("Signature 7", header(request, "authorization"))
    assert.is_nil(header(request, "x-api-key"))
    assert.equal('{"a":1}', request.body)
  end)

  it("signs nothing for another server", function()
    local other = service.serve { { body = "ok" } }
    assert(send(service.serve { { body = "ok" } }, {
      middleware = { function(request, next)
        request.url = other.url .. "/elsewhere"
        return next()
      end },
      signing = function(request, next)
        request.headers.authorization = "Signature"
        return next()
      end,
    }))
    assert.is_nil(header(other:requests()[1], "authorization"))
  end)

  it("leaves an answer as it came, also header names which are no tokens", function()
    local server = service.serve { { body = "ok", headers = { { "X@y", "2" } } } }
    assert.equal("ok", send(server, { signing = function(_, next) return next() end }))
  end)

  it("may fail", function()
    local ok, err = send(service.serve { { body = "ok" } }, {
      signing = function() return nil, { kind = "connection", message = "no credentials" } end,
    })
    assert.is_nil(ok)
    assert.equal("anthropic: connection error: no credentials", tostring(err))
  end)
end)
