--- `client.messages`.

local answer = require "anthropic.answer"
local errors = require "anthropic.error"
local json = require "anthropic.json"
local map = require "anthropic.map"
local options = require "anthropic.options"
local stream = require "anthropic.stream"

local messages = {}

-- Parameters that travel as headers.
local HEADERS = {
  user_profile_id = "anthropic-user-profile-id",
  workspace_id = "anthropic-workspace-id",
}

local function expect(path, value, ...)
  local kinds = { ... }
  for _, kind in ipairs(kinds) do
    if type(value) == kind then
      return nil
    end
  end
  if value == nil then
    return path .. ": missing"
  end
  return ("%s: %s expected, got %s"):format(path, table.concat(kinds, " or "), type(value))
end

local function problem_of_message(path, message)
  local problem = expect(path, message, "table")
  if problem or json.is_raw(message) then
    return problem
  end
  return expect(path .. ".role", message.role, "string")
    or expect(path .. ".content", message.content, "string", "table")
end

-- What would be refused anyway, said before anything is sent.
local function problem_of(params)
  local problem = expect("model", params.model, "string")
    or expect("messages", params.messages, "table")
    or (params.stream ~= nil and expect("stream", params.stream, "boolean"))
    or (params.betas ~= nil and not options.is_list_of_strings(params.betas) and "betas: list of strings expected")
  if problem or json.is_raw(params.messages) then
    return problem
  end
  for position in pairs(params.messages) do
    if type(position) ~= "number" then
      return "messages: a list expected, got a table with the key " .. tostring(position)
    end
  end
  for i, message in ipairs(params.messages) do
    problem = problem_of_message(("messages[%d]"):format(i), message)
    if problem then
      return problem
    end
  end
end

-- Splits the parameters into a body, headers and betas.
local function split(params)
  local body, headers = {}, {}
  for name, value in pairs(params) do
    if HEADERS[name] then
      headers[HEADERS[name]] = value
    elseif name ~= "betas" then
      body[name] = value
    end
  end
  return body, headers, params.betas
end

local function read_stream(exchange)
  if not answer.is_document(exchange.response) then
    return stream.new(exchange)
  end
  local whole, err = answer.read_message(exchange)
  if not whole then
    return nil, err
  end
  return stream.of_message(exchange, whole)
end

local function read_message(exchange)
  if answer.is_event_stream(exchange.response) then -- a server that always streams
    return stream.new(exchange):message()
  end
  return answer.read_message(exchange)
end

-- `paced`: held back while the rate limits say so.
local function send(client, params, given, paced)
  local problem = problem_of(params)
  if problem then
    return nil, errors.invalid_request(problem)
  end
  local body, headers, betas = split(params)
  local text, message = json.encode(body)
  if not text then
    return nil, errors.invalid_request(message)
  end
  local exchange, err = client:exchange({
    method = "POST",
    path = "/v1/messages",
    body = text,
    headers = headers,
    betas = betas,
    paced = paced,
  }, given)
  if not exchange then
    return nil, err
  end
  return exchange:run(params.stream and read_stream or read_message)
end

messages.methods = {}

--- Creates a message: a Message, or with `stream = true` a Stream.
messages.methods.create = {
  names = {},
  needs_params = true,
  call = function(client, _, params, given)
    return send(client, params, given)
  end,
}

--- The same with `stream = true`.
messages.methods.stream = {
  names = {},
  needs_params = true,
  call = function(client, _, params, given)
    local streamed = {}
    for name, value in pairs(params) do
      streamed[name] = value
    end
    streamed.stream = true
    return send(client, streamed, given)
  end,
}

--- Answers many requests at once, in their order: see map.lua.
messages.methods.map = {
  names = {},
  needs_params = true,
  settings = map.settings,
  call = function(client, _, list, given)
    local settings, rest = options.split(given, map.settings)
    return map.run(client, list, settings, rest, function(params)
      return send(client, params, rest, true)
    end)
  end,
}

return messages
