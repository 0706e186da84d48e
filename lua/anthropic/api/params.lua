--- Completes the parameters of a message: with a model if they name none (the option `model`; none is built in), and
--- with each answer among the messages in the form that a request takes.

local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"
local param = require "anthropic.message.param"

local params = {}

local MISSING = "model: missing; name one in the request (model = ...), "
  .. "in the options of the client or of the request (model = ...), or in ANTHROPIC_MODEL"

-- The models that are asked if the first one gives up, by the names that a member of a pool has for them.
local function renamed_fallbacks(list, names)
  if not names or type(list) ~= "table" or list == json.null or json.is_raw(list) then
    return list
  end
  local whole
  for i, fallback in pairs(list) do
    local name = type(fallback) == "table" and not json.is_raw(fallback) and names[fallback.model]
    if name then
      whole = whole or json.copy(list)
      whole[i] = json.copy(fallback)
      whole[i].model = name
    end
  end
  return whole or list
end

--- Parameters with a model and with messages that can be sent: those given, or a copy. Without a model, what has
--- `messages` is refused.
---@param client anthropic.Client
---@param fields table
---@param given? anthropic.Options of the request
---@param as_given? boolean parameters without a model stay so
---@return table|nil fields
---@return anthropic.Error?
function params.complete(client, fields, given, as_given)
  local option, model = client:options_for(given), fields.model
  if model == nil and not as_given then
    model = option "model"
  end
  if model == nil and not as_given and fields.messages ~= nil then
    return nil, errors.invalid_request(MISSING)
  end
  local names = option "model_names" -- only of a pool's member
  model = names and names[model] or model
  local messages, problem = param.list(fields.messages, option "base_url")
  if problem then
    return nil, errors.invalid_request(problem)
  end
  local fallbacks = renamed_fallbacks(fields.fallbacks, names)
  if model == fields.model and messages == fields.messages and fallbacks == fields.fallbacks then
    return fields
  end
  local whole = json.copy(fields)
  whole.model, whole.messages, whole.fallbacks = model, messages, fallbacks
  return whole
end

local function has_messages(fields)
  return type(fields) == "table" and fields.messages ~= nil
end

--- The requests of a batch, completed: the list given, or a copy.
---@param client anthropic.Client
---@param requests any a list of { custom_id =, params = }; any other value is left for others to refuse
---@param given? anthropic.Options
---@param as_given? boolean
---@return any|nil requests
---@return anthropic.Error?
function params.complete_requests(client, requests, given, as_given)
  local whole
  for i, request in ipairs(type(requests) == "table" and requests or {}) do
    if type(request) == "table" and has_messages(request.params) then
      local fields, err = params.complete(client, request.params, given, as_given)
      if not fields then
        err.message = ("requests[%d].params.%s"):format(i, err.message)
        return nil, err
      end
      if fields ~= request.params then
        whole = whole or json.copy(requests)
        whole[i] = json.copy(request)
        whole[i].params = fields
      end
    end
  end
  return whole or requests
end

--- The same for the parameters of any method: those with `messages`, and those with `requests` that have them.
---@param client anthropic.Client
---@param fields table|nil
---@param given? anthropic.Options
---@param as_given? boolean
---@return table|nil fields
---@return anthropic.Error?
function params.complete_any(client, fields, given, as_given)
  if has_messages(fields) then
    return params.complete(client, fields, given, as_given)
  elseif type(fields) ~= "table" or fields.requests == nil then
    return fields
  end
  local requests, err = params.complete_requests(client, fields.requests, given, as_given)
  if err or requests == fields.requests then
    return not err and fields or nil, err
  end
  local whole = json.copy(fields)
  whole.requests = requests
  return whole
end

return params
