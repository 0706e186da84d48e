-- The limiters of examples/openresty: workers of two nginx share the limits of one upstream.

local nginx = require "spec.support.nginx"
local raw_client = require "spec.support.raw_client"
local redis = require "spec.support.redis"
local background = require "spec.support.background"

-- An upstream of 20 requests in 2 seconds, counted from the first one on.
local LIMIT = 20
local UPSTREAM = [[
  location /v1/messages {
    content_by_lua_block {
      local seen = ngx.shared.upstream
      ngx.req.read_body()
      ngx.update_time()
      local now = ngx.now()
      local window_end = seen:get "end" or 0
      if now >= window_end then
        if seen:get "waits" then -- a window that began although others waited for it: how late
          seen:set("latest", math.max(seen:get "latest" or 0, now - window_end))
        end
        seen:set("waits", nil)
        window_end = now + 2
        seen:set("end", window_end)
        seen:set("used", 0)
        seen:incr("windows", 1, 0)
      end
      local used = seen:incr("used", 1)
      if used == 20 then
        seen:set("waits", true)
      end
      ngx.header.content_type = "application/json"
      ngx.header["anthropic-ratelimit-requests-limit"] = 20
      ngx.header["anthropic-ratelimit-requests-remaining"] = math.max(20 - used, 0)
      ngx.header["anthropic-ratelimit-requests-reset"] = os.date("!%Y-%m-%dT%H:%M:", math.floor(window_end))
        .. ("%06.3fZ"):format(window_end % 60)
      if used > 20 then
        seen:incr("throttled", 1, 0)
        ngx.status = 429
        ngx.header["retry-after-ms"] = math.ceil((window_end - now) * 1000)
        ngx.print '{"type":"error","error":{"type":"rate_limit_error","message":"too many"}}'
        return
      end
      ngx.sleep(0.05)
      ngx.print '{"id":"m","type":"message","role":"assistant","model":"m","content":[],"usage":{"output_tokens":1}}'
    }
  }
  location /seen {
    content_by_lua_block {
      local seen = ngx.shared.upstream
      ngx.print(seen:get "windows" or 0, " ", seen:get "throttled" or 0, " ", seen:get "latest" or 0)
    }
  }
]]

local GATEWAY = [[
  location /ask {
    content_by_lua_block {
      local message, err = client.messages.create {
        model = ("m"):rep(tonumber(ngx.var.arg_letters or 1)), max_tokens = 9,
        messages = { { role = "user", content = "Hello" } },
      }
      ngx.print(message and "done" or tostring(err))
    }
  }
]]

describe("the limiters of the examples", function()
  local upstream, machines

  setup(function()
    background.output_of "make -s LUA=luajit >&2"
  end)

  -- A machine with two workers.
  local function gateway(limiter)
    return nginx.start {
      workers = 2,
      http = "lua_shared_dict limits 1m; init_by_lua_block { "
        .. 'package.path = ngx.config.prefix() .. "../../examples/openresty/?.lua;" .. package.path '
        .. ('client = require("anthropic").new { base_url = "%s", api_key = "k", limiter = %s } }')
          :format(upstream.url, limiter),
      server = GATEWAY,
    }
  end

  local function start(count, limiter)
    upstream = nginx.start { http = "lua_shared_dict upstream 1m;", server = UPSTREAM }
    machines = {}
    for i = 1, count do
      machines[i] = gateway(limiter)
    end
  end

  -- Asks so many times at once; returns how many failed.
  local function ask(count)
    local clients, failed = {}, 0
    for i = 1, count do
      clients[i] = machines[i % #machines + 1]:open "/ask"
    end
    for _, client in ipairs(clients) do
      client:settimeout(30)
      local answer = client:receive "*a" or ""
      client:close()
      failed = failed + (answer:find "done$" and 0 or 1)
    end
    return failed
  end

  local function seen()
    local windows, throttled, latest = upstream:get("/seen"):match "^(%d+) (%d+) (.+)$"
    return tonumber(windows), tonumber(throttled), tonumber(latest)
  end

  -- All are answered, one in twenty is throttled at most, and no window begins late while others wait.
  local function assert_paced(count)
    assert.equal(0, ask(count))
    local windows, throttled, latest = seen()
    assert.is_true(throttled <= count / 20, throttled .. " throttled")
    assert.is_true(windows <= math.ceil(count / LIMIT) + 1, windows .. " windows")
    assert.is_true(latest < 1, latest .. " s unused") -- 0.1 on a quiet machine
  end

  local function stop()
    for _, machine in ipairs(machines) do
      assert.equal("", machine:stop())
    end
    assert.equal("", upstream:stop())
  end

  it("keep the workers of one nginx below the limit by a shared dictionary", function()
    if not nginx.is_installed() then
      return pending "nginx is not installed"
    end
    start(1, 'require("shared_limiter").new "limits"')
    assert_paced(50)
    -- a name that no dictionary takes for a key
    assert.matches("limiter: acquire: limits: key too long", (machines[1]:get "/ask?letters=70000"))
    stop()
  end)

  it("are told at once of a browser that hangs up, as the log is", function()
    if not nginx.is_installed() then
      return pending "nginx is not installed"
    end
    upstream = nginx.start { server = "location / { content_by_lua_block { ngx.sleep(20) } }" }
    local server = nginx.start {
      http = "lua_shared_dict seen 1m; init_by_lua_block { "
        .. 'client = require("anthropic").new { base_url = "' .. upstream.url .. [[", api_key = "k",
          limiter = {
            acquire = function() ngx.shared.seen:incr("acquired", 1, 0) return true end,
            release = function(_, _, _, err) ngx.shared.seen:incr("released " .. err.kind, 1, 0) end,
          },
          on_log = function(record) ngx.shared.seen:incr(record.outcome or record.event, 1, 0) end,
        } }]],
      server = [[
        location /ask {
          lua_check_client_abort on;
          content_by_lua_block { client.messages.create { model = "m", max_tokens = 9, messages = {} } }
        }
        location /seen {
          content_by_lua_block {
            local seen = ngx.shared.seen
            ngx.print(seen:get "acquired" or 0, seen:get "released cancelled" or 0, seen:get "closed" or 0)
          }
        }
      ]],
    }
    local function eventually(words)
      return raw_client.eventually(function() return server:get "/seen" == words end)
    end
    local client = server:open "/ask"
    assert.is_true(eventually "100")
    client:close()
    assert.is_true(eventually "111")
    assert.equal("", server:stop())
    upstream:stop()
  end)

  it("keep a fleet below the limit by Redis, and go on without it", function()
    local is_installed, why_not = redis.is_installed()
    if not nginx.is_installed() or not is_installed then
      return pending(why_not or "nginx is not installed")
    end
    local store = redis.start()
    start(2, ('require("redis_limiter").new { host = "127.0.0.1", port = %d }'):format(store.port))
    assert_paced(50)
    store:stop()
    assert.equal(0, ask(12))
    for _, machine in ipairs(machines) do
      local log = machine:log()
      local _, said = log:gsub("limits: Redis is away", "")
      assert.is_true(said >= 1 and said <= 2, log) -- once a worker
      machine:stop()
    end
    upstream:stop()
  end)
end)
