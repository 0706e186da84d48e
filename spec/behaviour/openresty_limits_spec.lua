-- What the limiters of examples/openresty decide, by a clock of the spec's. spec/hosts/openresty_limits_spec.lua has
-- them in nginx, with a server that counts.

local window = dofile "examples/openresty/limit_window.lua"

local BEGAN = 1000000.4

local function stamp(time)
  return os.date("!%Y-%m-%dT%H:%M:%SZ", math.floor(time))
end

local function answer(limit, remaining, reset, status, fields)
  return { status = status or 200, headers = fields or {}, rate_limit = {
    requests = { limit = limit, remaining = remaining, reset = reset },
  } }
end

describe("the limits that several share", function()
  -- Asks without end until a time; returns how many got a place. An answer comes `latency` after, if any.
  local function asked(state, now, seconds, latency, answer_of, clock)
    local count, under_way, over = 0, {}, now + seconds
    while now < over do
      local wait = window.take(state, now)
      if wait <= 0 then
        count = count + 1
        under_way[#under_way + 1] = latency and { due = now + latency, response = answer_of(now) }
        wait = 0.02
      end
      now = now + math.min(wait, 0.02)
      while under_way[1] and under_way[1].due <= now do
        local told_at = clock and clock(now) or now
        window.learn(state, now, window.told(table.remove(under_way, 1).response, told_at, clock and math.floor(now)))
      end
    end
    return count
  end

  -- A server whose limit comes back bit by bit, and is back at once.
  local function light(now)
    return answer(4000, 3999, stamp(now))
  end

  it("hold nobody back where the reset is past when it is told", function()
    assert.is_true(asked({}, BEGAN, 20, 0.1, light) > 900)
  end)

  it("go by the server's clock", function()
    local function minute(now)
      return answer(10, 9, stamp(now + 60))
    end
    for _, ahead in ipairs { -500, 0, 500 } do
      local function clock(now)
        return now + ahead
      end
      assert.is_true(asked({}, BEGAN, 20, 0.1, light, clock) > 900, ahead)
      local state = {}
      asked(state, BEGAN, 3, 0.1, minute, clock)
      assert.is_true(math.abs(state.reset - BEGAN - 60) < 4, ahead)
    end
  end)

  it("count on one limit a minute where an answer's date is not known and the clock is ahead", function()
    local count = asked({}, BEGAN, 55, 0.1, function(now)
      return answer(100, 99, stamp(now - 500))
    end)
    assert.is_true(count >= 100 and count <= 250, count)
  end)

  it("let no second limit out while the answers of a window are slow", function()
    local state = { limit = 50, used = 50, reset = 1000, began = 940 }
    assert.equal(50, asked(state, 1000, 30))
    -- the window was not a minute's: one at a time finds out
    state = { limit = 50, used = 50, reset = 1000, began = 995 }
    local count = asked(state, 1000, 30)
    assert.is_true(count >= 60 and count <= 63, count)
    -- what was lost is not waited for without end
    state = { limit = 50, used = 50, reset = 1000, began = 940 }
    assert.equal(100, asked(state, 1000, 61))
  end)

  it("let a limit out for each answer's time where answers are slow and their resets past", function()
    local state = {}
    asked(state, BEGAN, 1, 0.1, light)
    assert.equal(4000, state.limit)
    state.limit = 50
    local count = asked(state, BEGAN + 10, 30, 20, function(now)
      return answer(50, 49, stamp(now + 1))
    end)
    assert.is_true(count <= 120, count)
  end)

  it("know an answer of an earlier window", function()
    local state = { limit = 5, used = 5, reset = 1000, began = 940 }
    assert.equal(0, window.take(state, 1000.1))
    window.learn(state, 1000.2, 5, 0, -0.2)
    assert.equal(1, state.used)
    assert.is_nil(state.ends)
    window.learn(state, 1000.3, 5, 4, 60)
    assert.equal(1, state.used)
    assert.equal(1060.3, state.reset)
    window.learn(state, 1000.4, 5, 0, 10)
    assert.equal(1060.3, state.reset)
  end)

  it("begin anew after a refusal that says that the window has not begun", function()
    local state = { limit = 5, used = 5, reset = 1000, began = 940 }
    for _ = 1, 5 do
      assert.equal(0, window.take(state, 1000))
    end
    window.learn(state, 1000.1, window.told(answer(5, 0, stamp(1000), 429, { ["retry-after"] = "1" }), 1000.1))
    assert.equal(1, window.take(state, 1000.1))
    assert.equal(0, window.take(state, 1001.1))
  end)

  it("take a limit of nothing, and what is no number, for none that is told", function()
    for _, requests in ipairs {
      { limit = 0, remaining = 0, reset = stamp(BEGAN + 60) }, { limit = -1, remaining = 0, reset = stamp(BEGAN + 60) },
      { limit = "inf", remaining = "nan", reset = stamp(BEGAN + 60) },
      { limit = 5, remaining = 5, reset = "soon" }, { limit = 5, remaining = 5, reset = "2026-01-01T00:00:1.2.3Z" },
      { limit = 5, remaining = 5, reset = ("9"):rep(400) .. "-01-01T00:00:00Z" },
    } do
      local state, response = {}, { status = 200, headers = {}, rate_limit = { requests = requests } }
      window.learn(state, BEGAN, window.told(response, BEGAN))
      assert.is_nil(state.limit)
      assert.equal(0, window.take(state, BEGAN))
      assert.equal(0, window.take(state, BEGAN))
    end
  end)

  -- Its windows begin with the first request, and so many are under way for a moment each.
  it("let all through and refuse none where windows are told to the millisecond", function()
    local state, now, window_end, used, late, refused, through = {}, BEGAN, 0, 0, 0, 0, 0
    local under_way = {}
    while through < 100 and now < BEGAN + 100 do
      while through < 100 and window.take(state, now) <= 0 do
        if now >= window_end then
          late = window_end > 0 and math.max(late, now - window_end) or 0
          window_end, used = now + 10, 0
        end
        used, through = used + 1, through + 1
        refused = refused + (used > 20 and 1 or 0)
        local reset = os.date("!%Y-%m-%dT%H:%M:", math.floor(window_end)) .. ("%06.3fZ"):format(window_end % 60)
        under_way[#under_way + 1] = { due = now + 0.05, response = answer(20, math.max(20 - used, 0), reset) }
      end
      now = now + 0.005
      while under_way[1] and under_way[1].due <= now do
        window.learn(state, now, window.told(table.remove(under_way, 1).response, now, math.floor(now)))
      end
    end
    assert.equal(100, through)
    assert.equal(0, refused)
    assert.is_true(late <= 0.1, late)
  end)
end)

-- nginx with its shared dictionaries, and a Redis, as far as the limiters use them. Its clock moves when they sleep.
local function new_nginx()
  local json = require "anthropic.base.json"
  local host = { clock = BEGAN, is_away = false, kept = {} }
  local dictionary = { kept = {} }
  function dictionary:add(name, value)
    local is_new = self.kept[name] == nil
    self.kept[name] = is_new and value or self.kept[name]
    return is_new, not is_new and "exists" or nil
  end
  function dictionary:get(name) return self.kept[name] end
  function dictionary:set(name, value) self.kept[name] = value end
  function dictionary:delete(name) self.kept[name] = nil end
  local Redis = { set_timeout = function() end, set_keepalive = function() end }
  function Redis.connect() return not host.is_away, "refused" end
  function Redis.eval(_, script, _, key, ...)
    local environment = {
      cjson = json, KEYS = { key }, ARGV = { ... }, math = math, tostring = tostring, tonumber = tonumber,
      redis = { call = function(name, ...)
        local given = { ... }
        if name == "TIME" then
          return { math.floor(host.clock), host.clock % 1 * 1e6 }
        elseif name == "SET" then
          host.kept[given[1]] = given[2]
        end
        return host.kept[given[1]] or false
      end },
    }
    local run = setfenv and setfenv(loadstring(script), environment) or load(script, "=script", "t", environment)
    return run()
  end
  local modules = {
    limit_window = window,
    ["resty.redis"] = { new = function() return setmetatable({}, { __index = Redis }) end },
    anthropic = {
      decode = json.decode, encode = json.encode, object = function(value) return value end,
      sleep = function(seconds)
        host.clock = host.clock + seconds
        return not host.is_cancelled or nil, host.is_cancelled and "cancelled" or nil
      end,
    },
  }
  local environment = setmetatable({
    require = function(name) return assert(modules[name], name) end,
    package = { searchpath = function(name) return "examples/openresty/" .. name .. ".lua" end },
    ngx = {
      shared = { limits = dictionary }, ERR = 1, NOTICE = 2, log = function() end,
      now = function() return host.clock end, sleep = function() end, parse_http_time = function() return nil end,
    },
  }, { __index = _G })
  function host.load(name)
    local chunk = assert(loadfile("examples/openresty/" .. name .. ".lua", "t", environment))
    return (setfenv and setfenv(chunk, environment) or chunk)()
  end
  return host
end

for _, case in ipairs {
  { "by a shared dictionary", function(host, longest) return host.load("shared_limiter").new("limits", longest) end },
  { "by Redis", function(host, longest)
    return host.load("redis_limiter").new { host = "h", port = 1, longest_wait = longest }
  end },
  { "without its Redis", function(host, longest)
    host.is_away = true
    return host.load("redis_limiter").new { host = "h", port = 1, longest_wait = longest }
  end },
} do
  describe("the limiter " .. case[1], function()
    local host, request

    before_each(function()
      host, request = new_nginx(), { model = "m" }
    end)

    -- One whose window of one request is used up for so many seconds.
    local function used_up(seconds, longest)
      local limiter = case[2](host, longest)
      assert.is_true(limiter:acquire(request))
      limiter:observe(request, answer(1, 0, stamp(BEGAN + seconds + 0.6)))
      return limiter
    end

    it("waits until the window is over", function()
      assert.is_true(used_up(60):acquire(request))
      assert.is_true(math.abs(host.clock - BEGAN - 60) <= 1, host.clock - BEGAN)
    end)

    it("refuses at once what it cannot let through in time", function()
      local ok, err = used_up(60, 10):acquire(request)
      assert.is_nil(ok)
      assert.same({ kind = "api", status = 429, type = "rate_limit_error",
        message = "limits: no room for a request within 10 seconds" }, err)
      assert.equal(BEGAN, host.clock)
      assert.is_nil((used_up(400):acquire(request)))
    end)

    it("refuses what it has not let through in time", function()
      local limiter = case[2](host, 1)
      assert.is_true(limiter:acquire(request))
      local ok, err = limiter:acquire(request) -- the first finds out
      assert.is_nil(ok)
      assert.equal(429, err.status)
      assert.is_true(host.clock - BEGAN <= 1.1)
    end)

    it("lets all wait after a refusal, also of a server that has too much to do", function()
      for _, status in ipairs { 429, 529 } do
        local limiter, began = case[2](host), host.clock
        request.model = "m" .. status
        assert.is_true(limiter:acquire(request))
        limiter:observe(request, { status = status, headers = { ["retry-after"] = "7" } })
        assert.is_true(limiter:acquire(request))
        assert.is_true(math.abs(host.clock - began - 7) < 0.1, host.clock - began)
      end
    end)

    it("ends its wait with the request", function()
      local limiter = used_up(60)
      host.is_cancelled = true
      assert.same({ nil, "cancelled" }, { limiter:acquire(request) })
    end)
  end)
end

describe("the limiter by Redis", function()
  it("remembers by itself few of the names of models that are asked for, and those in use", function()
    local host = new_nginx()
    local limiter = host.load("redis_limiter").new { host = "h", port = 1 }
    local used = answer(1, 0, stamp(BEGAN + 60))
    limiter:observe({ model = "m" }, used)
    for i = 1, 1000 do
      limiter:observe({ model = "bogus" .. i }, used)
      if i % 63 == 0 then
        limiter:observe({ model = "m" }, used)
      end
    end
    local count = 0
    for _, states in ipairs { limiter.states, limiter.earlier_states } do
      for _ in pairs(states) do
        count = count + 1
      end
    end
    assert.is_true(count <= 128, count)
    host.is_away = true
    assert.is_true(limiter:acquire { model = "m" })
    assert.is_true(host.clock - BEGAN > 50, host.clock - BEGAN)
  end)
end)
