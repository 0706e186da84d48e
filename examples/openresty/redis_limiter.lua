--- A limiter for a fleet: what is known of the server's limits stands in Redis, which takes each place by a script, so
--- that no two workers take the same one. While Redis is away requests go on, paced by what each worker knows.
--
--     local client = anthropic.new { limiter = require("redis_limiter").new { host = "10.0.0.7", port = 6379 } }

local anthropic = require "anthropic"
local window = require "limit_window"

local found, redis = pcall(require, "resty.redis")
if not found then
  redis = require "nginx.redis" -- Debian's lua-nginx-redis
end

local TIMEOUT = 200 -- milliseconds
local AWAY = 1 -- seconds until a Redis that was away is asked again
local MOST_MODELS = 64 -- a model's name may be a user's word

local SCRIPT = [[
local window = (function() %s end)()
local time = redis.call("TIME")
local now = time[1] + time[2] / 1e6
local state = cjson.decode(redis.call("GET", KEYS[1]) or "{}")
local result = 0
if ARGV[1] == "take" then
  result = window.take(state, now)
else
  window.learn(state, now, tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]))
end
redis.call("SET", KEYS[1], cjson.encode(state), "EX", 3600)
return tostring(result)
]]

local RedisLimiter = {}
RedisLimiter.__index = RedisLimiter

local redis_limiter = {}

local function source_of(module)
  local file = assert(io.open(assert(package.searchpath(module, package.path))))
  local text = file:read "*a"
  file:close()
  return text
end

---@param options { host: string, port: integer, prefix?: string, longest_wait?: number } longest_wait: seconds after
---which a request fails that found no room; default 300
function redis_limiter.new(options)
  return setmetatable({
    host = options.host,
    port = options.port,
    prefix = options.prefix or "anthropic:limits:",
    longest_wait = options.longest_wait,
    script = SCRIPT:format(source_of "limit_window"),
    states = {}, -- what this worker knows, by model
    earlier_states = {}, -- not asked for since there were so many
    count = 0,
    away_until = 0,
  }, RedisLimiter)
end

local function eval(self, model, ...)
  local connection = redis:new()
  connection:set_timeout(TIMEOUT)
  local ok, problem = connection:connect(self.host, self.port)
  if not ok then
    return nil, problem
  end
  local result
  result, problem = connection:eval(self.script, 1, self.prefix .. model, ...)
  if not result then
    return nil, problem
  end
  connection:set_keepalive(10000, 16)
  return tonumber(result)
end

-- Asks Redis; nil where it is away, which is said once.
local function ask(self, model, ...)
  if ngx.now() < self.away_until then
    return nil
  end
  local result, problem = eval(self, model, ...)
  if not result and not self.is_away then
    ngx.log(ngx.ERR, "limits: Redis is away, each worker keeps to what it knows: ", problem)
  elseif result and self.is_away then
    ngx.log(ngx.NOTICE, "limits: Redis is back")
  end
  self.is_away = not result
  self.away_until = result and 0 or ngx.now() + AWAY
  return result
end

local function state_of(self, model)
  local state = self.states[model]
  if not state then
    state = self.earlier_states[model] or {}
    if self.count == MOST_MODELS then
      self.states, self.earlier_states, self.count = {}, self.states, 0
    end
    self.states[model], self.count = state, self.count + 1
  end
  return state
end

function RedisLimiter:acquire(request)
  local model = request.model or ""
  return window.wait(function()
    return ask(self, model, "take") or window.take(state_of(self, model), ngx.now())
  end, self.longest_wait, ngx.now, anthropic.sleep)
end

function RedisLimiter:observe(request, response)
  local model, now = request.model or "", ngx.now()
  local date = ngx.parse_http_time(response.headers.date or "")
  local limit, remaining, reset_in, retry_in = window.told(response, now, date)
  window.learn(state_of(self, model), now, limit, remaining, reset_in, retry_in)
  ask(self, model, "learn", limit or "", remaining or "", reset_in or "", retry_in or "")
end

return redis_limiter
