local rate_limits = require "anthropic.http.rate_limits"

local NOW, DATE = 1000, 1800000000

describe("the rate limits of a model", function()
  local pending, limits

  before_each(function()
    pending = {}
    limits = rate_limits.new(pending)
  end)

  local function time(seconds)
    return os.date("!%Y-%m-%dT%H:%M:%SZ", DATE + seconds)
  end

  local function learn(what, remaining, reset, limit, now)
    local date = DATE + (now or NOW) - NOW
    limits:learn(what, { remaining = remaining, reset = time(reset), limit = limit }, now or NOW, date)
  end

  local function delay(request, now, longest)
    return limits:delay(request or {}, now or NOW, longest or 300)
  end

  it("let everything go while none are known", function()
    assert.equal(0, delay())
    assert.is_true(limits:is_empty(NOW))
  end)

  it("hold a request until a limit that has nothing left is reset", function()
    learn("requests", 0, 20, 50)
    assert.equal(20, delay())
    assert.equal(5, delay({}, NOW + 15))
    assert.equal(0, delay({}, NOW + 20))
    assert.is_false(limits:is_empty(NOW + 20)) -- then the whole limit is there, of which nobody has said so
  end)

  it("hold it by the longest of the delays, but not for one that takes too long", function()
    learn("requests", 0, 20, 50)
    learn("tokens", 0, 40, 50)
    learn("input_tokens", 0, 400, 50)
    assert.equal(40, delay())
    assert.equal(20, delay({}, NOW, 39))
    assert.equal(400, delay({}, NOW, 400))
  end)

  it("take a request for one, and its tokens for what it says of them", function()
    learn("requests", 1, 20, 50)
    learn("input_tokens", 10, 30, 100)
    learn("output_tokens", 1, 40, 100)
    assert.equal(0, delay { tokens = 10 })
    assert.equal(30, delay { tokens = 11 })
    assert.equal(0, delay { tokens = "11" })
    assert.equal(0, delay { tokens = 0 })
    limits:spend({ tokens = 10 }, { requests = {}, output_tokens = {} })
    assert.equal(30, delay { tokens = 1 })
    assert.equal(30, delay { tokens = 0 }) -- one token at least
    limits:spend({ tokens = 10 }, { input_tokens = {}, output_tokens = {} })
    assert.equal(30, delay { tokens = 1 })
    limits:spend({}, { input_tokens = {} })
    assert.equal(40, delay { tokens = 1 })
  end)

  it("hold a request that is larger than a limit until all of it is there", function()
    learn("tokens", 99, 20, 100)
    assert.equal(20, delay { tokens = 1000 })
    learn("tokens", 100, 20, 100)
    assert.equal(0, delay { tokens = 1000 })
  end)

  it("count those under way, of requests and of tokens that are read", function()
    learn("requests", 2, 20, 50)
    learn("input_tokens", 10, 30, 100)
    learn("output_tokens", 1, 40, 100)
    pending[{ tokens = 8 }] = 1
    assert.equal(0, delay { tokens = 2 })
    assert.equal(30, delay { tokens = 3 })
    pending[{}] = 1
    assert.equal(30, delay { tokens = 2 })
    pending[{}] = 1
    assert.equal(30, delay { tokens = 0 })
    learn("input_tokens", 90, 30, 100)
    assert.equal(20, delay { tokens = 2 })
  end)

  it("of which a reset one is used up again hold until another request is answered", function()
    learn("requests", 0, 20, 1)
    assert.equal(0, delay({}, NOW + 20))
    pending[{}] = 1
    assert.equal(60, delay({}, NOW + 20))
    pending = nil
    limits.pending = {}
    limits:spend({}, {})
    assert.equal(0, delay({}, NOW + 21)) -- nobody is under way who could be answered
  end)

  it("are forgotten a minute after their reset, at once where no whole limit was told", function()
    learn("requests", 0, 20, 1)
    assert.equal(0, delay({}, NOW + 20))
    assert.is_false(limits:is_empty(NOW + 80))
    assert.is_true(limits:is_empty(NOW + 80.1))
    learn("requests", 0, 20, nil)
    assert.equal(20, delay())
    assert.equal(0, delay({}, NOW + 20))
    assert.is_true(limits:is_empty(NOW))
  end)

  it("are forgotten at their reset where nobody asks", function()
    learn("requests", 0, 20, 1)
    assert.is_false(limits:is_empty(NOW + 19.9))
    assert.is_true(limits:is_empty(NOW + 20))
  end)

  it("are reset by the server's clock", function()
    limits:learn("requests", { remaining = 0, reset = time(20), limit = 5 }, NOW, DATE + 15)
    assert.equal(5, delay())
    limits:learn("requests", { remaining = 0, reset = time(20), limit = 5 }, NOW, DATE + 25)
    assert.equal(0, delay())
  end)

  it("come back bit by bit where each answer moves the time of the reset", function()
    learn("requests", 5, 10, 10)
    learn("requests", 4, 13, 10, NOW + 1) -- six are missing, in twelve seconds
    assert.equal(0, delay())
    pending[{}], pending[{}], pending[{}], pending[{}] = 1, 1, 1, 1
    assert.equal(2, delay({}, NOW + 1))
    assert.equal(1, delay({}, NOW + 2))
    assert.equal(0, delay({}, NOW + 3))
  end)

  it("do not where it has not moved by more than seconds are told in, nor after it was reset", function()
    learn("requests", 0, 10, 10)
    learn("requests", 0, 11, 10, NOW + 1)
    assert.equal(10, delay({}, NOW + 1))
    limits = rate_limits.new(pending)
    learn("requests", 0, 1, 10)
    learn("requests", 0, 20, 10, NOW + 2)
    assert.equal(18, delay({}, NOW + 2))
    limits = rate_limits.new(pending)
    learn("requests", 0, 10, nil)
    learn("requests", 0, 20, nil, NOW + 1)
    assert.equal(19, delay({}, NOW + 1))
  end)

  it("are not learned from what is no number or no time", function()
    for _, wrong in ipairs {
      { remaining = 0 }, { remaining = 0, reset = "soon" }, { remaining = "0", reset = time(9) }, { reset = time(9) },
    } do
      limits:learn("requests", wrong, NOW, DATE)
    end
    assert.is_true(limits:is_empty(NOW))
    for _, odd in ipairs { 0, -1, "5" } do
      learn("requests", 0, 20, odd)
      assert.equal(0, delay({}, NOW + 20))
      assert.is_true(limits:is_empty(NOW))
    end
  end)

  it("are sixteen at most, those apart whose time is over", function()
    for i = 1, 17 do
      learn(("limit_%d"):format(i), 0, i, nil)
    end
    assert.equal(16, delay())
    learn("limit_16", 0, 30, nil)
    assert.equal(30, delay())
    learn("late", 0, 60, nil, NOW + 1)
    assert.equal(59, delay({}, NOW + 1))
  end)
end)
