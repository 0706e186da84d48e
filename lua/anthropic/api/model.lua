--- The model of requests that name none: the option `model`. None is built in.

local errors = require "anthropic.base.error"

local model = {}

local MISSING = "model: missing; name one in the request (model = ...), "
  .. "in the options of the client or of the request (model = ...), or in ANTHROPIC_MODEL"

local function copy(fields)
  local copied = {}
  for name, value in pairs(fields) do
    copied[name] = value
  end
  return copied
end

--- Parameters of a message with a model: those given, or a copy with the one that the options name. Without
--- one, what has `messages` is refused.
---@param client anthropic.Client
---@param params table
---@param given? anthropic.Options of the request
---@return table|nil params
---@return anthropic.Error?
function model.fill(client, params, given)
  if params.model ~= nil then
    return params
  end
  local name = client:option("model", given)
  if name then
    params = copy(params)
    params.model = name
  elseif params.messages ~= nil then
    return nil, errors.invalid_request(MISSING)
  end
  return params
end

local function lacks_model(params)
  return type(params) == "table" and params.messages ~= nil and params.model == nil
end

--- The requests of a batch, each with a model: the list given, or a copy.
---@param client anthropic.Client
---@param requests any a list of { custom_id =, params = }; what is none is left for others to refuse
---@param given? anthropic.Options
---@return any|nil requests
---@return anthropic.Error?
function model.fill_requests(client, requests, given)
  local filled
  for i, request in ipairs(type(requests) == "table" and requests or {}) do
    if type(request) == "table" and lacks_model(request.params) then
      local params, err = model.fill(client, request.params, given)
      if not params then
        err.message = ("requests[%d].params.%s"):format(i, err.message)
        return nil, err
      end
      filled = filled or copy(requests)
      filled[i] = copy(request)
      filled[i].params = params
    end
  end
  return filled or requests
end

--- The same for the parameters of any method: those with `messages`, and those with `requests` that have them.
---@param client anthropic.Client
---@param params table|nil
---@param given? anthropic.Options
---@return table|nil params
---@return anthropic.Error?
function model.fill_any(client, params, given)
  if lacks_model(params) then
    return model.fill(client, params, given)
  elseif not params or params.requests == nil then
    return params
  end
  local requests, err = model.fill_requests(client, params.requests, given)
  if err or requests == params.requests then
    return not err and params or nil, err
  end
  params = copy(params)
  params.requests = requests
  return params
end

return model
