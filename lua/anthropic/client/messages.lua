--- `client.messages`: creating messages.
--
--     local message, err = client.messages.create {
--       model = "claude-sonnet-5-5", max_tokens = 1024,
--       messages = { { role = "user", content = "Hello" } },
--     }
--     print(message and message:text() or err)
--
-- `client.beta.messages` has the same methods. Parameters that are wrong in themselves are refused before anything is
-- sent: the error is of kind "invalid_request".

local require = require
local check = require "anthropic.base.check"
local lazy = require "anthropic.base.lazy"
local whole_messages = require "anthropic.message.message"
local responses = require "anthropic.message.response"
local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"
local params_of = require "anthropic.api.params"
local log = require "anthropic.http.log"
local options = require "anthropic.http.options"
local paths = require "anthropic.base.path"
local request = require "anthropic.http.request"

local callbacks = lazy.module "anthropic.loop.callbacks"
local concurrent = lazy.module "anthropic.helpers.concurrent"
local continuation = lazy.module "anthropic.stream.continuation"
local stream = lazy.module "anthropic.stream"
local stream_callbacks = lazy.module "anthropic.stream.callbacks"

local messages = {}

local function expect(path, value, kind, other_kind)
  local found = type(value)
  if found == kind or found == other_kind then
    return nil
  elseif value == nil then
    return path .. ": missing"
  end
  return ("%s: %s expected, got %s"):format(path, kind .. (other_kind and " or " .. other_kind or ""), found)
end

local function problem_of_message(position, message)
  local path = ("messages[%d]"):format(position)
  local problem = expect(path, message, "table")
  if problem or json.is_raw(message) then
    return problem
  end
  return expect(path .. ".role", message.role, "string")
    or expect(path .. ".content", message.content, "string", "table")
end

local function is_well_formed(message)
  if type(message) ~= "table" then
    return false
  end
  local kind = type(message.content)
  return type(message.role) == "string" and (kind == "string" or kind == "table")
end

-- What the API would refuse anyway: reported before anything is sent.
local function problem_of(params)
  local problem = expect("model", params.model, "string")
    or expect("messages", params.messages, "table")
    or (params.stream ~= nil and expect("stream", params.stream, "boolean"))
    or (params.betas ~= nil and not check.is_list_of_strings(params.betas) and "betas: list of strings expected")
    or nil
  if problem or json.is_raw(params.messages) then
    return problem
  end
  problem = paths.problem_of_list("messages", params.messages)
  if problem then
    return problem
  end
  for i, message in ipairs(params.messages) do
    problem = not is_well_formed(message) and problem_of_message(i, message)
    if problem then
      return problem
    end
  end
end

local function is_body(params)
  for name in pairs(params) do
    if name == "betas" or request.PARAMETER_HEADERS[name] then
      return false
    end
  end
  return true
end

-- Splits the parameters into a body, headers and betas. Mostly they are the body.
local function split(params, streamed)
  if (params.stream or false) == streamed and is_body(params) then
    return params, nil, nil
  end
  local body, headers = {}, {}
  for name, value in pairs(params) do
    if request.PARAMETER_HEADERS[name] then
      headers[request.PARAMETER_HEADERS[name]] = value
    elseif name ~= "betas" then
      json.set(params, body, name)
    end
  end
  body.stream = streamed or body.stream
  return body, headers, params.betas
end

-- Reads a Stream or, if the answer comes whole, a Message: what comes decides, whatever was asked for.
local function read_whole(exchange)
  local form, err = exchange:read_form()
  if err then
    return nil, err
  elseif responses.is_stream(exchange.response, form) then
    return stream.new(exchange)
  end
  return responses.read_message(exchange)
end

-- A stream is returned as soon as its headers have come. An answer that calls itself a document may be an error,
-- which is better known before.
local function read_stream(exchange)
  if responses.is_document(exchange.response) then
    return read_whole(exchange)
  end
  return stream.new(exchange)
end

-- Makes what the caller asked for of what was read.
local function deliver(exchange, read, wants_stream, on_message, ask_for_rest)
  if not whole_messages.is(read) then -- a stream
    read.on_message, read.ask_for_rest = on_message, ask_for_rest
    if not wants_stream then
      return read:message()
    end
    return read
  end
  if on_message then
    local err
    read, err = on_message(read)
    if not read then
      return nil, err
    end
  end
  return wants_stream and stream.of_message(exchange, read) or read
end

-- An answer that may take longer than ten minutes (at 128,000 tokens an hour) is streamed whether
-- the caller sees it or not: a connection that is silent for so long is cut on the way.
local function is_streamed(params)
  if params.stream ~= nil then
    return params.stream
  end
  return type(params.max_tokens) == "number" and params.max_tokens * 3600 / 128000 > 600
end

-- The body of a request, its headers and betas; nil and a message.
local function encode(params, streamed)
  local body, headers, betas = split(params, streamed)
  local text, problem = json.encode_request(body)
  if not text then
    return nil, problem
  end
  return text, headers, betas
end

-- What further attempts are made of: the caller's list of messages may change meanwhile.
local function kept(params)
  if type(params.messages) ~= "table" or json.is_raw(params.messages) then
    return params
  end
  local whole = json.merge({}, params)
  whole.messages = json.copy(params.messages)
  return whole
end

-- The body of a request as a member of a pool takes it.
local function remake(member, params, given, streamed)
  local whole, err = params_of.complete(member, params, given)
  if not whole then
    return nil, err
  end
  local text, problem = encode(whole, streamed)
  if not text then
    return nil, errors.invalid_request(problem)
  end
  return { body = text, model = whole.model, completed = whole }
end

-- Checks and encodes a request, and returns the function that sends it; nil and an error. `on_message` is called with
-- the whole message before the caller has it, and returns that or another one; nil and an error. `paced`: held back
-- while the rate limits say so.
local function prepare(client, params, given, on_message, paced)
  local asked = params
  local err
  params, err = params_of.complete(client, asked, given)
  if not params then
    return nil, err
  end
  local problem = problem_of(params)
  if problem then
    return nil, errors.invalid_request(problem)
  end
  local streamed = is_streamed(params)
  local _ = streamed and stream.new -- what reads it is loaded before it is paid for
  local text, headers, betas = encode(params, streamed)
  if not text then
    return nil, errors.invalid_request(headers)
  end
  local exchange
  exchange, err = client:exchange({
    method = "POST",
    path = "/v1/messages",
    body = text,
    headers = headers,
    betas = betas,
    model = params.model,
    params = params,
    completed = streamed and kept(params) or params, -- of which a stream may ask for the rest
    remake = function(member)
      return remake(member, asked, given, streamed)
    end,
    paced = paced,
  }, given)
  if not exchange then
    return nil, err
  end
  asked = exchange.route and kept(asked) or asked
  return function()
    local read, failure = exchange:run(streamed and read_stream or read_whole)
    if not read then
      return nil, failure
    end
    return deliver(exchange, read, params.stream, on_message, function(content)
      local whole = continuation.params(exchange.spec().completed, content)
      return whole and encode(whole, streamed)
    end)
  end
end

local function send(...)
  local run, err = prepare(...)
  if not run then
    return nil, err
  end
  return run()
end

messages.methods = {}

-- A method that takes further options: the `settings` of a module.
local function with_settings_of(module, method)
  return setmetatable(method, {
    __index = function(_, name)
      return name == "settings" and module.settings or nil
    end,
  })
end

--- Creates a message. With `stream = true` it returns a Stream, as soon as the response's headers have come.
---
--- If `stream` is absent and `max_tokens` is 21,334 or more, the server is asked for a stream, which is read to its
--- end: a Message is returned, and no connection is silent for minutes. `stream = false` asks for a whole answer.
---@overload fun(params: anthropic.StreamParams, options?: anthropic.Options): anthropic.Stream?, anthropic.Error?
---@param params anthropic.MessageParams
---@param options? anthropic.Options options for this request
---@return anthropic.Message? message
---@return anthropic.Error? err
messages.methods.create = {
  names = {},
  needs_params = true,
  call = function(client, _, params, given)
    return send(client, params, given)
  end,
}

--- Creates a message and returns a Stream, as `create` with `stream = true` does.
---
--- With `on_event`, `on_text` or `on_done` among the options it returns a handle at once, and calls these functions
--- when something has come; see anthropic.StreamCallbacks.
---@overload fun(params: anthropic.MessageParams, callbacks: anthropic.StreamCallbacks): anthropic.StreamHandle?,
---  anthropic.Error?
---@param params anthropic.MessageParams
---@param options? anthropic.Options options for this request
---@return anthropic.Stream? stream
---@return anthropic.Error? err
messages.methods.stream = with_settings_of(stream_callbacks, {
  names = {},
  needs_params = true,
  call = function(client, _, params, given)
    local streamed = json.merge({}, params)
    streamed.stream = true
    if not given then
      return send(client, streamed)
    end
    local handlers, rest = options.split(given, stream_callbacks.settings)
    if next(handlers) == nil then
      return send(client, streamed, given)
    end
    if type(params.messages) == "table" then -- further attempts may read it
      streamed.messages = json.copy(params.messages)
    end
    return stream_callbacks.start(client:options_for(rest) "loop", handlers, callbacks.prepared(function()
      return prepare(client, streamed, rest)
    end))
  end,
})

--- Sends many requests, several at a time, and returns their answers in the order of the requests. What the responses
--- say of the rate limits sets the pace.
---@param list anthropic.MessageParams[] the parameters of each request; `stream` is ignored
---@param settings? anthropic.MapSettings
---@return table? messages `messages[i]` is the Message for `list[i]`, nil if it failed; `messages.n` is their
---  number. nil if all was cancelled, or the list is wrong
---@return table|anthropic.Error errors `errors[i]` is the error of `list[i]`, if it failed. If all was cancelled,
---  one error, which has what came as `messages` and `errors`
messages.methods.map = with_settings_of(concurrent, {
  names = {},
  needs_params = true,
  call = function(client, _, list, given)
    local settings, rest = options.split(given, concurrent.settings)
    return concurrent.run(client, list, settings, rest, function(params)
      return send(client, params, rest, nil, true)
    end)
  end,
})

--- Creates a message whose text is JSON that fits a schema. `message.parsed` is the decoded text. If the text is not
--- JSON, or does not fit, `message.parse_error` says why, and the message is still returned: with `repair = n` after
--- the model was asked again so often. A stream shows the first answer; its `message` returns the last one.
---@overload fun(params: anthropic.StreamParseParams, options?: anthropic.Options): anthropic.Stream?, anthropic.Error?
---@param params anthropic.ParseParams
---@param options? anthropic.Options options for this request
---@return anthropic.Message? message
---@return anthropic.Error? err
messages.methods.parse = {
  names = {},
  needs_params = true,
  call = function(client, _, params, given)
    local structured_output = require "anthropic.helpers.structured_output"
    local whole, problem = structured_output.params(params)
    if not whole then
      return nil, errors.invalid_request(problem)
    end
    return send(client, whole, given, function(message)
      return structured_output.converge(message, params, whole, function(again)
        return send(client, again, given)
      end)
    end)
  end,
}

--- Sends requests and runs the tools that the answers call, in turn, until an answer calls none. See [tools](tools.md).
---@param params anthropic.RunParams
---@param options? anthropic.Options options for each request
---@return anthropic.Message? message the last one
---@return anthropic.Run|anthropic.Error run what was done; on failure an error, whose `run` is what was done before
messages.methods.run = {
  names = {},
  needs_params = true,
  call = function(client, _, params, given)
    local option = client:options_for(given)
    return require("anthropic.helpers.tool_runner").run(client, function(turn)
      return send(client, turn, given)
    end, params, log.teller(option), option)
  end,
}

return messages
