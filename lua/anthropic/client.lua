--- A client: options, and the resources that send with them.
--
-- It owns no connection; all clients of a Lua state share one loop. Its options, the credential
-- among them, stay out of its table.

local errors = require "anthropic.error"
local exchange = require "anthropic.exchange"
local options = require "anthropic.options"

---@class anthropic.Client
---@field messages anthropic.Messages
local Client = {}

local client = {}

local private = setmetatable({}, { __mode = "k" }) -- client -> { options, exchanges, closed }

local RESOURCES = { messages = "anthropic.messages" }

-- A resource's functions work with a dot and with a colon.
local function bind(self, methods)
  local resource = {}
  for name, method in pairs(methods) do
    resource[name] = function(first, ...)
      local params, given
      if first == resource then
        params, given = ...
      else
        params, given = first, ...
      end
      if type(params) ~= "table" then
        error(("%s: params: table expected, got %s"):format(name, type(params)), 2)
      end
      options.check(given, 2)
      return method(self, params, given)
    end
  end
  return resource
end

local metatable = { __name = "anthropic.Client" }

function metatable.__index(self, name)
  if RESOURCES[name] then
    local resource = bind(self, require(RESOURCES[name]).methods)
    rawset(self, name, resource)
    return resource
  end
  return Client[name]
end

function metatable.__tostring(self)
  local base_url = private[self].options.base_url:gsub("[^/]*@", ""):gsub("%?.*", "")
  return ("anthropic.Client (%s)"):format(base_url)
end

--- Makes a client.
---@param given? anthropic.Options
---@return anthropic.Client
function client.new(given)
  options.check(given, 3)
  local self = setmetatable({}, metatable)
  private[self] = {
    options = options.of_client(given),
    exchanges = setmetatable({}, { __mode = "k" }),
  }
  return self
end

--- Prepares an exchange. For the resources.
---@param spec table see exchange.new
---@param given? anthropic.Options checked
---@return anthropic.Exchange|nil
---@return anthropic.Error?
function Client:exchange(spec, given)
  local own = private[self]
  if own.closed then
    return nil, errors.new { kind = "cancelled", message = "the client is closed" }
  end
  local resolved = options.of_request(own.options, given)
  local made = exchange.new(spec, function(name)
    return resolved[name]
  end)
  own.exchanges[made] = true
  return made
end

--- Sends a request that has no name yet.
---@param spec { method?: string, path: string, query?: table, body?: table, headers?: table, stream?: boolean }
---@param given? anthropic.Options
---@return any decoded answer, or a Stream with `stream = true`; nil on failure
---@return anthropic.Error|anthropic.Response|nil
function Client:request(spec, given)
  if type(spec) ~= "table" or type(spec.path) ~= "string" then
    error("request: a table with a path expected", 2)
  end
  options.check(given, 2)
  return require("anthropic.generic").request(self, spec, given)
end

--- Asks one question.
---@param prompt string|table text, or a list of content blocks
---@param params? table further parameters of messages.create, such as model, max_tokens, system
---@return string|nil text
---@return anthropic.Message|anthropic.Error
function Client:ask(prompt, params)
  return require("anthropic.chat").ask(self, prompt, params)
end

--- Begins a conversation.
---@param params? table parameters of messages.create for every turn
---@return anthropic.Chat
function Client:chat(params)
  return require("anthropic.chat").new(self, params)
end

--- Cancels what this client has under way. Later requests fail. Idempotent.
function Client:close()
  local own = private[self]
  own.closed = true
  for made in pairs(own.exchanges) do
    made:close()
  end
end

metatable.__close = Client.close

return client
