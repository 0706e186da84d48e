-- Which member of a pool is next, and how long a failure counts.

local core = require "anthropic.core"
local errors = require "anthropic.base.error"
local routes = require "anthropic.client.routing"

local real_now = core.now

describe("the routing of a pool", function()
  local now, routing

  local function route(weights, cooldown)
    local members = {}
    for i, weight in ipairs(weights) do
      members[i] = { weight = weight }
    end
    routing = routes.new(members, cooldown or 30)
  end

  before_each(function()
    now = 1000
    core.now = function() return now end
  end)

  after_each(function()
    core.now = real_now
  end)

  local function choose(tried, exchange)
    return routing:choose(exchange or {}, tried or {})
  end

  local function choices(count)
    local list = {}
    for i = 1, count do
      list[i] = choose()
    end
    return list
  end

  local function fail(i, seconds)
    routing:failed(i, errors.new { kind = "api", status = 429, retry_after = seconds })
  end

  it("goes round, by weights, smoothly", function()
    route { 1, 1, 1 }
    assert.same({ 1, 2, 3, 1, 2, 3 }, choices(6))
    route { 3, 1 }
    assert.same({ 1, 1, 2, 1, 1, 1, 2, 1 }, choices(8))
    route { 0.5, 0.25 }
    assert.same({ 1, 2, 1 }, choices(3))
  end)

  it("passes those by that were tried, while there are others", function()
    route { 5, 1 }
    assert.equal(2, (choose { 1 }))
  end)

  it("passes a dead one by until its cool-down is over", function()
    route({ 1, 1 }, 30)
    fail(1)
    assert.same({ 2, 2, 2 }, choices(3))
    now = now + 29.9
    assert.equal(2, (choose()))
    now = now + 0.1
    assert.equal(1, (choose()))
  end)

  it("takes what the server asks for as the cool-down, longer or shorter", function()
    route({ 1, 1 }, 30)
    fail(1, 2)
    now = now + 2
    assert.equal(1, (choose()))
    fail(1, 100)
    now = now + 99
    assert.equal(2, (choose()))
  end)

  it("tries a dead one again by one request at a time", function()
    route({ 1, 1 }, 1)
    fail(1)
    now = now + 1
    local probe = {}
    assert.equal(1, (choose({}, probe)))
    assert.same({ 2, 2, 2 }, choices(3))
    fail(1)
    now = now + 1
    assert.equal(1, (choose({}, probe)))
    routing:answered(1)
    assert.same({ 1, 2 }, choices(2))
  end)

  it("tries it by another where the first one ended, or nobody holds it", function()
    route({ 1, 1 }, 1)
    fail(1)
    now = now + 1
    local probe = {}
    assert.equal(1, (choose({}, probe)))
    probe.has_ended = true
    assert.equal(1, (choose()))
    collectgarbage()
    collectgarbage()
    assert.equal(1, (choose()))
  end)

  it("takes the least tried where all are dead, then the one that is back first", function()
    route({ 1, 1, 1 }, 30)
    fail(1)
    now = now + 1
    fail(2)
    fail(3)
    local i, seconds = choose()
    assert.same({ 1, 0 }, { i, seconds })
    i, seconds = choose { 1, 1, nil }
    assert.same({ 3, 0 }, { i, seconds })
  end)

  it("says how long a server asked to wait where all are dead", function()
    route({ 1, 1 }, 30)
    fail(1, 7)
    fail(2, 5)
    local i, seconds = choose { 1, 1 }
    assert.same({ 2, 5 }, { i, seconds })
  end)

  it("waits for none whose server asked for too long, where another one can be asked again", function()
    route({ 1, 1 }, 30)
    fail(1, 3600)
    fail(2)
    local i, seconds = routing:choose({}, { 1, 2 }, nil, 300)
    assert.same({ 2, 0 }, { i, seconds })
    i = choose { 1, 2 } -- it has the time
    assert.equal(1, i)
    fail(2, 4000)
    i, seconds = routing:choose({}, { 1, 2 }, nil, 300)
    assert.same({ 1, 3600 }, { i, seconds })
  end)

  describe("takes for a member's own failure", function()
    local function is(fields)
      return routes.is_of_member(errors.new(fields)) or false
    end

    it("what another one may do better", function()
      for _, status in ipairs { 401, 403, 408, 429, 500, 502, 503, 504, 529, 599 } do
        assert.is_true(is { kind = "api", status = status }, status)
      end
      for _, name in ipairs { "connect", "first_byte", "idle" } do
        assert.is_true(is { kind = "timeout", timeout = name })
      end
      assert.is_true(is { kind = "connection" })
      assert.is_true(is { kind = "truncated" })
    end)

    it("and nothing else", function()
      for _, status in ipairs { 400, 402, 404, 409, 413, 422 } do
        assert.is_false(is { kind = "api", status = status }, status)
      end
      assert.is_false(is { kind = "api" })
      assert.is_false(is { kind = "timeout", timeout = "total" })
      for _, kind in ipairs { "protocol", "cancelled", "invalid_request" } do
        assert.is_false(is { kind = kind })
      end
    end)
  end)
end)
