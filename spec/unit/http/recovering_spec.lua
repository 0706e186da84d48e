local errors = require "anthropic.base.error"
local recovering = require "anthropic.http.recovering"

-- What an exchange knows when an attempt has failed.
local function exchange_with(fields)
  local self = {
    attempts = 1, retries = 0, losses = 0, deadline = math.huge, policy = "always",
    option = function() return 2 end,
  }
  for name, value in pairs(fields) do
    self[name] = value
  end
  return self
end

local function api_error(status)
  return errors.new { kind = "api", message = "x", status = status, headers = {}, retry_after = 3 }
end

describe("the wait before another attempt", function()
  for what, case in pairs { -- what the exchange knows, the status, seconds
    ["is what the server asks for"] = { {}, 529, 3 },
    ["is missing after what will fail again"] = { {}, 400 },
    ["is missing where enough were made"] = { { retries = 2 }, 529 },
    ["is missing where nothing was sent"] = { { attempts = 0 }, 529 },
    ["is missing where it was closed"] = { { closed = true }, 529 },
    ["is missing where the time is over before"] = { { deadline = 0 }, 529 },
    ["is missing where the server may have acted"] = { { policy = "safe" }, 529 },
    ["is no time where the credential is asked for again"] = { { can_renew = true }, 401, 0 },
    ["is missing where that was done"] = { { can_renew = true, has_renewed = true }, 401 },
  } do
    it(what, function()
      assert.equal(case[3], recovering.next_delay(exchange_with(case[1]), api_error(case[2])))
    end)
  end

  it("is a pool's to say, which is asked to stay where the credential is", function()
    local stays = 0
    local route = { delay = function() return 7 end, stay = function() stays = stays + 1 end }
    assert.equal(7, recovering.next_delay(exchange_with { route = route }, api_error(400)))
    assert.equal(0, stays)
    assert.equal(0, recovering.next_delay(exchange_with { route = route, can_renew = true }, api_error(401)))
    assert.equal(1, stays)
  end)
end)
