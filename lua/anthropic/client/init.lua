--- A client sends requests by its options: it has a method for every endpoint of the API.
--
--     local client = anthropic.new { max_retries = 5, timeout = { total = 120 } }
--     local page = assert(client.models.list())
--
-- Every method returns its result, or nil and an error (see [errors](errors.md)); it raises only if an argument is
-- of a wrong type. Its last argument is a table of options for this request alone. All clients of a Lua state share
-- one loop and its connections.

local require = require("anthropic.base.lazy").require
local errors = require "anthropic.base.error"
local exchange = require "anthropic.http.exchange"
local json = require "anthropic.base.json"
local lazy = require "anthropic.base.lazy"
local loop = require "anthropic.loop"
local number = require "anthropic.base.number"
local options = require "anthropic.http.options"
local platforms = require "anthropic.platforms"
local shown_url = require "anthropic.http.shown_url"
local tables = require "anthropic.base.tables"
local waiting = require "anthropic.loop.waiting"
local usage = require "anthropic.message.usage"

local option_changes = lazy.module "anthropic.http.option_changes"

---@class anthropic.Client the resources of the API are fields as well: `client.messages`, `client.models`, ...; see
---  [messages](messages.md) and [resources](resources.md)
---@field messages anthropic.Messages see [messages](messages.md)
---@field usage anthropic.Usage the tokens that its messages used; see [usage](usage.md)
local Client = {}

---@class anthropic.RequestParams
---@field method? string Default: "GET", with a body or a form "POST"
---@field path string such as "/v1/models", below the base URL; or a whole URL on the same host
---@field query? table<string, any> strings, numbers, booleans; lists and tables of such
---@field body? table|string a table is encoded as JSON; a string is sent as it is. Excludes `multipart`
---@field multipart? anthropic.UploadParams the fields and files of a form
---@field headers? table<string, string|number|false> further headers; `false` removes a default
---@field betas? string[] sent as `anthropic-beta`
---@field stream? boolean true: the answer is an event stream, and a Stream is returned
---@field binary? boolean true: the answer's bytes are returned as a string
---@field accept? string the header `accept`. Default: "*/*" with `binary`, else "application/json"

local client = {}

-- client -> { given, options, profile, exchanges, shared, closed }; see exchange.lua for `profile` and `shared`
local private = setmetatable({}, { __mode = "k" })

-- Methods that are more than a row of resources.lua: modules with a table of methods.
local MODULES = {
  messages = "anthropic.client.messages",
  ["messages.batches"] = "anthropic.helpers.batches",
  ["beta.messages"] = "anthropic.client.messages",
  ["beta.messages.batches"] = "anthropic.helpers.batches",
}

local function expected(where, what, value)
  return ("%s: %s expected, got %s"):format(where, what, type(value))
end

-- Sorts a method's arguments out: the path parameters, then params, then options. The error for a
-- wrong type blames the caller of the method.
local function check_arguments(name, method, ...)
  local values = {}
  local count = #method.names
  for i, parameter in ipairs(method.names) do
    local value = select(i, ...)
    local text = type(value) == "number" and number.text(value) or value
    if type(text) ~= "string" then
      error(expected(name .. ": " .. parameter, "string", value), 3)
    end
    values[parameter] = text
  end
  local params, given = select(count + 1, ...)
  if type(params) ~= "table" and (params ~= nil or method.needs_params) then
    error(expected(name .. ": params", "table", params), 3)
  end
  options.check(given, 3, given and method.settings)
  return values, params, given
end

local RAW = "%s: params: anthropic.raw is not taken; send such text by client:request { path = ..., body = ... }"

-- A method works with a dot and with a colon.
local function bind(self, resource, name, method)
  return function(first, ...)
    local values, params, given
    if first == resource then
      values, params, given = check_arguments(name, method, ...)
    else
      values, params, given = check_arguments(name, method, first, ...)
    end
    if json.is_raw(params) then
      return nil, errors.invalid_request(RAW:format(name))
    end
    return method.call(self, values, params, given, resource)
  end
end

local function find_method(path, name)
  local own = MODULES[path] and require(MODULES[path]).methods[name]
  if own then
    return own
  end
  local rows = require("anthropic.api.resources")[path]
  if rows and rows[name] and name ~= "beta" then
    return require("anthropic.api.endpoint").method(rows[name], rows.beta)
  end
end

local function is_resource(path)
  if MODULES[path] then
    return true
  end
  for name in pairs(require "anthropic.api.resources") do
    if name == path or name:sub(1, #path + 1) == path .. "." then
      return true
    end
  end
  return false
end

-- The resource at a path, "" for the client itself. Its members are made when they are first used.
local function member(self, resource, path, name)
  if type(name) ~= "string" then
    return nil
  end
  local whole = path == "" and name or path .. "." .. name
  local method = not MODULES[whole] and find_method(path, name)
  local found
  if method then
    found = bind(self, resource, whole, method)
  elseif is_resource(whole) then
    found = setmetatable({}, {
      __name = "anthropic.Resource",
      __index = function(child, child_name)
        return member(self, child, whole, child_name)
      end,
    })
  end
  rawset(resource, name, found)
  return found
end

local metatable = { __name = "anthropic.Client" }

function metatable.__index(self, name)
  if name == "usage" then
    return private[self].shared.usage
  end
  return Client[name] or member(self, self, "", name)
end

function metatable.__tostring(self)
  return ("anthropic.Client (%s)"):format(shown_url.of_base(private[self].options.base_url))
end

-- The options of a client, as its platform changes them. Raises if they do not go together.
local function resolve(given, level)
  local problem = platforms.problem_of(given)
  if problem then
    error(problem, level + 1)
  end
  return platforms.apply(options.of_client(given, platforms.is_elsewhere(given)))
end

-- The same for another client's options with `changes`: what that client remembers of the same credential is kept.
local function resolve_again(own, changes, given, level)
  local resolved = resolve(given, level + 1)
  if platforms.has_same_credential(own.given, changes) then
    options.keep_sources(resolved, own.options)
  end
  return resolved
end

--- The options of a request. With another platform, region or profile they are those of another client. For pools.
---@private
---@param own table of the client
---@param given anthropic.Options checked
---@return table|nil
---@return anthropic.Error?
function client.options_of(own, given)
  if given.profile == nil and not platforms.are_concerned(given) then
    return options.of_request(own.options, given)
  end
  local merged, rest = platforms.replace(own.given, given), tables.copy(given)
  if given.profile ~= nil then
    options.merge(merged, { profile = given.profile })
    rest.profile = nil -- it is the client's by then
  end
  local problem = platforms.problem_of(merged)
  if problem then
    return nil, errors.invalid_request(problem)
  end
  return options.of_request(resolve_again(own, given, merged, 0), rest)
end

-- Makes a client of checked options, and of what it shares with other clients.
local function make(given, resolved, shared)
  local self = setmetatable({}, metatable)
  private[self] = {
    given = options.copy(given),
    options = resolved,
    profile = exchange.profile(resolved),
    exchanges = setmetatable({}, { __mode = "k" }),
    shared = shared,
  }
  return self
end

--- Makes a client.
---@param given? anthropic.Options
---@return anthropic.Client
function client.new(given)
  options.check(given, 3)
  return make(given or {}, resolve(given or {}, 3), { is_paced = true, usage = usage.new() })
end

--- The parts of a client; nil if the value is not a client. For pools.
---@private
---@param value any
---@return table?
function client.own(value)
  return private[value]
end

--- Makes a client of given parts. For pools.
---@private
---@param own table with `prepare`, which makes its exchanges
---@return anthropic.Client
function client.around(own)
  local self = setmetatable({}, metatable)
  own.exchanges = setmetatable({}, { __mode = "k" })
  private[self] = own
  return self
end

-- An exchange of a client that does not stand for a pool.
local function prepare(own, spec, given)
  local profile, resolved, err = own.profile, own.options, nil
  if given then
    resolved, err = client.options_of(own, given)
    profile = resolved and exchange.profile(resolved)
  end
  err = err or platforms.refusal(resolved, spec)
  if err then
    return nil, err
  end
  return exchange.new(spec, profile, own.shared)
end

--- Prepares an exchange. For the resources.
---@private
---@param spec table see exchange.new
---@param given? anthropic.Options checked
---@return anthropic.Exchange|nil
---@return anthropic.Error?
function Client:exchange(spec, given)
  local own = private[self]
  if own.closed then
    return nil, errors.cancelled "the client is closed"
  end
  json.load()
  local made, err
  if own.prepare then
    made, err = own.prepare(spec, given)
  else
    made, err = prepare(own, spec, given)
  end
  if not made then
    return nil, err
  end
  own.exchanges[made] = true
  return made
end

--- The options that hold for a request; the client's alone if `given` does not go together. For the resources.
---@private
---@param given? anthropic.Options checked
---@return fun(name: string): any
function Client:options_for(given)
  local own = private[self]
  local resolved = given and client.options_of(own, given)
  if not resolved then
    return own.profile.option
  end
  return function(name)
    return resolved[name]
  end
end

--- Waits in the host's way. client:close() ends it. For the resources.
---@private
---@param seconds number
---@param given? anthropic.Options
---@return true|nil
---@return anthropic.Error?
function Client:wait(seconds, given)
  local own = private[self]
  local pause = { has_news = function(pause) return pause.closed end }
  function pause.close()
    pause.closed = true
    loop.wake(pause)
  end
  own.exchanges[pause] = true
  pause.closed = own.closed
  local ok, reason = waiting.wait(self:options_for(given) "loop", pause, seconds)
  if ok and not own.closed then
    return true
  elseif waiting.is_refusal(reason) then
    return nil, reason
  end
  return nil, errors.cancelled "the wait was cancelled"
end

--- Sets a function to call with every exchange whose attempt ends; nil removes it. For
--- `anthropic.testing`.
---@private
---@param observer? fun(exchange: anthropic.Exchange)
function Client:observe(observer)
  private[self].shared.observer = observer
end

--- The function that `observe` has set.
---@private
---@return nil|fun(exchange: anthropic.Exchange)
function Client:observer()
  return private[self].shared.observer
end

--- Sends a request that has no method of its own yet.
---@param spec anthropic.RequestParams
---@param given? anthropic.Options options for this request
---@return any result the decoded answer (a table has its `response`; null is anthropic.null), with `stream = true` a
---  Stream, with `binary = true` a string; nil on failure
---@return anthropic.Error? err
function Client:request(spec, given)
  if type(spec) ~= "table" or type(spec.path) ~= "string" then
    error("request: a table with a path expected", 2)
  end
  options.check(given, 2)
  return require("anthropic.api.endpoint").request(self, spec, given)
end

--- Makes another client with some options changed. Both count into one `usage` and pace themselves together; `close`
--- closes one of them.
---@param given anthropic.Options `headers`, `betas` and the times of `timeout` are joined with the client's; false
---  removes an option
---@return anthropic.Client
function Client:with_options(given)
  local own = private[self]
  local is_moved = type(given) == "table" and platforms.are_concerned(given)
  local changed = option_changes.changed(is_moved and platforms.replace(own.given, given) or own.given, given, 2)
  return make(changed, resolve_again(own, given, changed, 2), own.shared)
end

--- Asks one question, of the model that `params` or the option `model` names. Tools made by `anthropic.tool` are run.
---@param prompt string|table text, or a list of content blocks
---@param params? anthropic.ChatParams further parameters of messages.create or messages.run
---@return string|nil text of the answer
---@return anthropic.Message|anthropic.Error message on failure an error
---@return anthropic.Run? run if tools were run
function Client:ask(prompt, params)
  return require("anthropic.client.chat").ask(self, prompt, params)
end

--- Begins a conversation. Sends nothing. Tools made by `anthropic.tool` are run.
---@param params? anthropic.ChatParams parameters of messages.create or messages.run for every turn
---@return anthropic.Chat chat
function Client:chat(params)
  return require("anthropic.client.chat").new(self, params)
end

--- Cancels what this client has under way. Later requests fail with an error of kind "cancelled". May be called twice.
function Client:close()
  local own = private[self]
  own.closed = true
  local raised -- the first that a callback raises; the rest is closed, too
  for made in pairs(own.exchanges) do
    local ok, value = pcall(made.close, made, true)
    raised = raised or not ok and { value } or nil
  end
  if raised then
    error(raised[1], 0)
  end
end

metatable.__close = Client.close

return client
