--- Which member of a pool a request goes to: by weights, without members that failed until their cool-down is over.
--
--     local routing = routes.new({ { weight = 2 }, { weight = 1 } }, 30)
--     local i = routing:choose(exchange, {})     -- 1, 2, 1, 1, 2, 1, ...
--     routing:failed(i, err)                     -- for the time being nothing goes to it

local core = require "anthropic.base.core"

local routes = {}

---@class anthropic.PoolRoute a member
---@field weight number
---@field current number of the smooth round robin: the largest is next
---@field dead_until? number by core.now(); nil: it is alive
---@field is_asked? boolean the server asked to wait so long
---@field is_closed fun(): boolean nothing goes to it any more
---@field probe { [1]?: anthropic.Exchange } the exchange that tries it again, as long as that is in use

---@class anthropic.Routing
---@field members anthropic.PoolRoute[]
---@field cooldown number
local Routing = {}
Routing.__index = Routing

--- Makes the routes to members.
---@param members { weight: number, is_closed?: fun(): boolean }[]
---@param cooldown number seconds
---@return anthropic.Routing
function routes.new(members, cooldown)
  local list = {}
  for i, member in ipairs(members) do
    list[i] = {
      weight = member.weight,
      current = 0,
      probe = setmetatable({}, { __mode = "v" }),
      is_closed = member.is_closed or function() return false end,
    }
  end
  return setmetatable({ members = list, cooldown = cooldown }, Routing)
end

local FAILING_STATUSES = { [401] = true, [403] = true, [408] = true, [429] = true }

--- Whether an error says that another member may do better.
---@param err anthropic.Error
---@return boolean
function routes.is_of_member(err)
  if err.kind == "api" then
    return err.status ~= nil and (FAILING_STATUSES[err.status] or err.status >= 500)
  end
  return err.kind == "connection" or err.kind == "truncated" or err.kind == "timeout" and err.timeout ~= "total"
end

local function is_tried_again(member)
  local exchange = member.probe[1]
  return exchange ~= nil and not exchange.has_ended
end

-- The members that a request can go to: the dead ones whose cool-down is over (for one request each), and the others.
local function candidates(self, tried, barred, now)
  local due, alive = {}, {}
  for i, member in ipairs(self.members) do
    local is_open = not tried[i] and not barred[i] and not member.is_closed()
    if is_open and not member.dead_until then
      alive[#alive + 1] = i
    elseif is_open and member.dead_until <= now and not is_tried_again(member) then
      due[#due + 1] = i
    end
  end
  return due, alive
end

-- The smooth weighted round robin: each gains its weight, the winner pays for all.
local function next_in_turn(self, list)
  local total, best = 0, nil
  for _, i in ipairs(list) do
    local member = self.members[i]
    member.current, total = member.current + member.weight, total + member.weight
    if not best or member.current > self.members[best].current then
      best = i
    end
  end
  self.members[best].current = self.members[best].current - total
  return best
end

-- The rest of the seconds that the server of a dead member asked to wait.
local function asked_wait(member, now)
  return member.is_asked and math.max(member.dead_until - now, 0) or 0
end

-- If all are dead: a member that is back in time comes first, then the one that was tried least, then the one whose
-- cool-down ends first.
local function least_bad(self, tried, barred, now, longest)
  local best, best_rank
  for i, member in ipairs(self.members) do
    local rank = { asked_wait(member, now) > longest and 1 or 0, tried[i] or 0, member.dead_until or 0 }
    local place = 1
    while best and place < #rank and rank[place] == best_rank[place] do
      place = place + 1
    end
    local is_better = not best or rank[place] < best_rank[place]
    if is_better and not barred[i] and not member.is_closed() then
      best, best_rank = i, rank
    end
  end
  return best
end

--- The member that a request goes to next.
---@param exchange anthropic.Exchange
---@param tried table<integer, integer> how often it went to each
---@param barred? table<integer, boolean> those that cannot serve it
---@param longest? number seconds that it can wait. Default: no limit
---@return integer|nil member nil: all are closed
---@return number? seconds nil: at once; otherwise all are dead: how long its server asked to wait, or 0
function Routing:choose(exchange, tried, barred, longest)
  local now = core.now()
  barred = barred or {}
  local due, alive = candidates(self, tried, barred, now)
  if due[1] then
    self.members[due[1]].probe[1] = exchange
    return due[1]
  elseif alive[1] then
    return next_in_turn(self, alive)
  end
  local i = least_bad(self, tried, barred, now, longest or math.huge)
  if not i then
    return nil
  end
  return i, asked_wait(self.members[i], now)
end

--- A member has answered: it is alive.
---@param i integer
function Routing:answered(i)
  local member = self.members[i]
  member.dead_until, member.is_asked, member.probe[1] = nil, nil, nil
end

--- A member has failed.
---@param i integer
---@param err anthropic.Error
function Routing:failed(i, err)
  local member = self.members[i]
  member.probe[1] = nil
  member.dead_until = core.now() + (err.retry_after or self.cooldown)
  member.is_asked = err.retry_after ~= nil
  member.current = 0
end

return routes
