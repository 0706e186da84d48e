--- A limiter for all workers of one nginx: what is known of the server's limits stands in a shared dictionary.
--
--     lua_shared_dict anthropic_limits 1m;
--
--     local client = anthropic.new { limiter = require("shared_limiter").new "anthropic_limits" }

local anthropic = require "anthropic"
local window = require "limit_window"

local LONGEST_LOCK = 1 -- seconds: a worker may have died inside

local SharedLimiter = {}
SharedLimiter.__index = SharedLimiter

local shared_limiter = {}

---@param name string of the dictionary
---@param longest_wait? number seconds after which a request fails that found no room; default 300
function shared_limiter.new(name, longest_wait)
  local dictionary = assert(ngx.shared[name], "no lua_shared_dict " .. name)
  return setmetatable({ dictionary = dictionary, longest_wait = longest_wait }, SharedLimiter)
end

-- Calls `f` with the state of a model, while no other worker does.
local function with_state(self, model, f)
  local dictionary, lock, name = self.dictionary, "lock " .. model, "state " .. model
  local is_mine, problem = dictionary:add(lock, true, LONGEST_LOCK)
  while not is_mine do
    if problem ~= "exists" then
      error("limits: " .. problem, 0) -- such as a model's name that is too long for a key
    end
    ngx.sleep(0.001)
    is_mine, problem = dictionary:add(lock, true, LONGEST_LOCK)
  end
  local state = anthropic.decode(dictionary:get(name) or "{}")
  local result = f(state, ngx.now())
  dictionary:set(name, anthropic.encode(anthropic.object(state)))
  dictionary:delete(lock)
  return result
end

function SharedLimiter:acquire(request)
  return window.wait(function()
    return with_state(self, request.model or "", window.take)
  end, self.longest_wait, ngx.now, anthropic.sleep)
end

function SharedLimiter:observe(request, response)
  local date = ngx.parse_http_time(response.headers.date or "")
  with_state(self, request.model or "", function(state, now)
    window.learn(state, now, window.told(response, now, date))
  end)
end

return shared_limiter
