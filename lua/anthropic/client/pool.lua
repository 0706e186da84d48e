--- Pools: several clients as one, which goes on with the next where one fails.
--
-- An exchange of a pool asks its route before each attempt which member's options it is made with, and after a failure
-- whether there is another attempt. All else is the exchange's: one budget of attempts, one history, streams as well.

local chat = require "anthropic.client.chat"
local check = require "anthropic.base.check"
local clients = require "anthropic.client"
local core = require "anthropic.base.core"
local errors = require "anthropic.base.error"
local exchange = require "anthropic.http.exchange"
local options = require "anthropic.http.options"
local owned_names = require "anthropic.client.owned_names"
local paths = require "anthropic.base.path"
local platforms = require "anthropic.platforms"
local retry = require "anthropic.http.retry"
local routes = require "anthropic.client.routing"
local tables = require "anthropic.base.tables"
local usage = require "anthropic.message.usage"

local pools = {}

local DEFAULT_COOLDOWN = 30
-- What is longer than this is not waited for.
local LONGEST_WAIT = 300

---@class anthropic.PoolOptions
---@field members (anthropic.Client|anthropic.PoolMember)[]
---@field cooldown? number seconds for which nothing goes to a member that failed, where its server does not say how
---  long. Default: 30
---@field max_retries? integer of one request, over all members; theirs are ignored. Default: one less than twice the
---  members, so that each can be asked twice

---@class anthropic.PoolMember
---@field client anthropic.Client
---@field weight? number its part of the requests, in proportion to the others'. Default: 1
---@field models? table<string, string> what a model is called there, by the name that requests have

local ROWS = {
  members = check.of_type "table",
  cooldown = { expected = "a number of seconds, 0 or more", check = function(value)
    return type(value) == "number" and value >= 0
  end },
  max_retries = check.whole(0),
}

local MEMBER_ROWS = {
  client = { expected = "a client", check = function(value) return clients.own(value) ~= nil end },
  weight = check.positive(),
  models = { expected = "a table of names of models", check = function(value)
    if type(value) ~= "table" then
      return false
    end
    for name, there in pairs(value) do
      if type(name) ~= "string" or type(there) ~= "string" then
        return false
      end
    end
    return true
  end },
}

-- --- one request ---------------------------------------------------------------------------------

---@class anthropic.MadeBody what a member gets
---@field body? string
---@field path? string nil: that of all members
---@field model? string by its name there
---@field completed? table the parameters that the body is made of

---@class anthropic.Route
---@field parts fun(): table, table?, anthropic.MadeBody the pool, the request's options, and what is sent to a member
---  that differs in nothing; behind a function, as they may hold a credential
---@field tried table<integer, integer> how often it went to each member
---@field barred table<integer, boolean> members whose platform cannot serve it, or that said not to ask again
---@field only? integer the member that has what the request names
---@field following? integer the member of the next attempt, where it is chosen
local Route = {}
Route.__index = Route

-- A member's options for a request; nil and why it cannot serve it.
local function options_of(member, given, spec)
  local resolved, err = member.own.options, nil
  if given then
    resolved, err = clients.options_of(member.own, given)
  end
  err = err or platforms.refusal(resolved, spec)
  return not err and resolved or nil, err
end

local function profile_of(member, pool, given, spec)
  local resolved, err = options_of(member, given, spec)
  if err then
    return nil, err
  elseif not given then
    return member.profile
  end
  resolved.max_retries = given.max_retries or pool.max_retries
  return exchange.profile(resolved)
end

--- Chooses the member of the next attempt, unless that has been done, and has it made with its options.
---@param made anthropic.Exchange
---@return true|nil
---@return anthropic.Error?
function Route:enter(made)
  local pool, given, plain = self.parts()
  local following = self.following
  if following and pool.members[following].is_closed() then -- since it was chosen
    following = nil
  end
  local i = following or self.only or pool.routing:choose(made, self.tried, self.barred)
  if not i then
    return nil, errors.cancelled "the clients of the pool are closed"
  end
  local member, spec = pool.members[i], made.spec()
  if member.is_closed() then
    return nil, errors.cancelled "the client that has what the request names is closed"
  end
  self.following, self.tried[i] = nil, (self.tried[i] or 0) + 1
  if spec.remake then
    local body, problem = plain, nil
    if not member.is_plain then
      body, problem = spec.remake(member)
    end
    if not body then
      return nil, problem
    end
    spec.body, spec.model, spec.completed = body.body, body.model, body.completed
    spec.path = body.path or spec.path
  end
  local profile, err = profile_of(member, pool, given, spec)
  if not profile then
    return nil, err
  end
  made:use(profile, member.shared, i)
  return true
end

--- A member has answered with a success.
---@param made anthropic.Exchange
function Route:answered(made)
  self.parts().routing:answered(made.member)
end

--- Takes in a failure.
---@param made anthropic.Exchange
---@param err anthropic.Error
function Route:failed(made, err)
  local routing = self.parts().routing
  if not made.member or err.kind == "cancelled" then
    return
  elseif routes.is_of_member(err) and not (err.lost and made.losses == 0) then
    routing:failed(made.member, err)
  elseif err.kind == "api" then
    routing:answered(made.member)
  end
end

--- Has the next attempt made by the same member.
---@param made anthropic.Exchange
function Route:stay(made)
  self.following = made.member
end

-- Another attempt by the same member.
local function stay(self, made, err)
  self.following = made.member
  return retry.is_worthwhile(err, made.policy) and retry.delay(err, made.retries, made.losses > 0) or nil
end

--- Seconds until the next attempt; nil: there will be none. Chooses its member.
---@param made anthropic.Exchange
---@param err anthropic.Error
---@return number?
function Route:delay(made, err)
  if self.only or not routes.is_of_member(err) or err.lost and made.losses == 0 then
    return stay(self, made, err)
  elseif made.policy == "safe" and not retry.is_refused(err) then
    return nil
  elseif made.member and retry.is_ruled_out(err) then
    self.barred[made.member] = true
  end
  local longest = math.min(LONGEST_WAIT, made.deadline - core.now())
  local wait
  self.following, wait = self.parts().routing:choose(made, self.tried, self.barred, longest)
  if not wait then
    return self.following and 0 or nil
  end
  local tried = self.tried[self.following] or 0
  wait = tried > 0 and math.max(wait, retry.backoff(tried - 1)) or wait
  return wait <= LONGEST_WAIT and wait or nil
end

-- The member that a request goes on with, or names something of; or nil.
local function owner_of(pool, spec)
  if spec.member then
    return spec.member
  end
  for i, member in ipairs(pool.members) do
    if member.own.names:are_in(spec) then
      return i
    end
  end
end

-- The first member that can serve a request, and those that cannot; nil and why none can.
local function first_of(pool, spec, given)
  local first, barred, refusal = nil, {}, nil
  for i, member in ipairs(pool.members) do
    local _, err = options_of(member, given, spec)
    barred[i], refusal = err ~= nil or nil, refusal or err
    first = first or not err and member or nil
  end
  return first, first and barred or refusal
end

local function prepare(pool, spec, given)
  local first, barred = first_of(pool, spec, given)
  if not first then
    return nil, barred
  end
  local profile, err = profile_of(first, pool, given, spec)
  if not profile then
    return nil, err
  end
  local made = exchange.new(spec, profile, first.shared)
  local plain = { body = spec.body, path = spec.path, model = spec.model, completed = spec.completed }
  made.route = setmetatable({ tried = {}, barred = barred, only = owner_of(pool, spec), following = nil,
    parts = function()
      return pool, given, plain
    end }, Route)
  return made
end

-- --- the pool ------------------------------------------------------------------------------------

-- A member as requests are made for it: what params.lua needs of a client.
local Member = {}
Member.__index = Member

function Member:options_for(given)
  local option = self.client:options_for(given)
  return function(name)
    if name == "model_names" then
      return self.models
    end
    return option(name)
  end
end

-- Whether requests for a member are the same as for the first one, but for where they go.
local function is_plain(member, first)
  return next(member.models) == nil and member.own.options.model == first.own.options.model
    and member.own.options.base_url == first.own.options.base_url
    and member.own.options.platform == first.own.options.platform
end

-- What writes to it writes to what it stands for.
local function beside(shared, fields)
  return setmetatable(fields, { __index = shared, __newindex = shared })
end

-- Clients that with_options made have much in common, but maybe not the server.
local function learn_names(own)
  if not own.names then
    own.names = owned_names.new()
    own.shared = beside(own.shared, { names = own.names })
  end
end

local function new_member(pool, given)
  local own = clients.own(given.client)
  learn_names(own)
  local resolved = tables.copy(own.options)
  resolved.max_retries = pool.max_retries
  local counts = { add = function(_, message)
    pool.usage:add(message)
    own.shared.usage:add(message)
  end }
  return setmetatable({
    client = given.client,
    own = own,
    weight = given.weight or 1,
    models = tables.copy(given.models),
    is_closed = function()
      return own.closed
    end,
    profile = exchange.profile(resolved),
    shared = beside(own.shared, { usage = counts }),
  }, Member)
end

local function check_members(list, level)
  local members = {}
  local problem = paths.problem_of_list("members", list)
  if problem then
    error("pool: " .. problem, level + 1)
  end
  for i, given in ipairs(list) do
    if clients.own(given) then
      given = { client = given }
    elseif type(given) ~= "table" then
      error(("pool: members[%d]: a client, or a table with one, expected, got %s"):format(i, type(given)), level + 1)
    end
    options.check_rows(("field of members[%d]"):format(i), given, MEMBER_ROWS, level + 1)
    if not given.client then
      error(("pool: members[%d]: has no client"):format(i), level + 1)
    end
    members[i] = given
  end
  if #members == 0 then
    error("pool: members: a list of clients expected", level + 1)
  end
  return members
end

---@class anthropic.Pool like a client; further methods of the API are its members'
---@field messages anthropic.Messages as of a client
---@field models table as of a client
---@field usage anthropic.Usage the tokens that its requests used, over all members; each client counts its own as well
local Pool = {}

local private = setmetatable({}, { __mode = "k" }) -- pool -> the client that stands for it

local SHARED = { messages = true, models = true, usage = true }

local metatable = { __name = "anthropic.Pool" }

function metatable.__index(self, name)
  return Pool[name] or SHARED[name] and private[self][name] or nil
end

function metatable.__tostring(self)
  return ("anthropic.Pool (%d members)"):format(#clients.own(private[self]).pool.members)
end

--- Asks one question, as client:ask does.
---@param prompt string|table text, or a list of content blocks
---@param params? anthropic.ChatParams
---@return string|nil text of the answer
---@return anthropic.Message|anthropic.Error message on failure an error
---@return anthropic.Run? run where tools were run
function Pool:ask(prompt, params)
  return chat.ask(private[self], prompt, params)
end

--- Begins a conversation, as client:chat does.
---@param params? anthropic.ChatParams
---@return anthropic.Chat chat
function Pool:chat(params)
  return chat.new(private[self], params)
end

--- Cancels what the pool has under way. Later requests of it fail. Its members stay open.
function Pool:close()
  private[self]:close()
end

metatable.__close = Pool.close

--- Makes a pool.
---@param given anthropic.PoolOptions
---@param level integer where to put the blame, as in `error`
---@return anthropic.Pool
function pools.new(given, level)
  if type(given) ~= "table" or given.members == nil then
    error("pool: a table with members expected", level + 1)
  end
  options.check_rows("field of a pool", given, ROWS, level + 1)
  local members = check_members(given.members, level + 1)
  local pool = { max_retries = given.max_retries or 2 * #members - 1, usage = usage.new(), members = {} }
  for i, member in ipairs(members) do
    pool.members[i] = new_member(pool, member)
    pool.members[i].is_plain = is_plain(pool.members[i], pool.members[1])
  end
  pool.routing = routes.new(pool.members, given.cooldown or DEFAULT_COOLDOWN)
  local self = setmetatable({}, metatable)
  private[self] = clients.around {
    options = pool.members[1].own.options,
    profile = pool.members[1].own.profile,
    given = pool.members[1].own.given,
    shared = { usage = pool.usage },
    pool = pool,
    prepare = function(spec, request_options)
      return prepare(pool, spec, request_options)
    end,
  }
  return self
end

return pools
