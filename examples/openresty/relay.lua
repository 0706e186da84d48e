--- A relay: takes requests of the Messages API and chat completions, and hands the answers on in the same shape.
--
--     location = /v1/messages { content_by_lua_block { require("relay").answer "messages" } }
--     location = /v1/chat/completions { content_by_lua_block { require("relay").answer "chat_completions" } }
--
-- gateway.lua puts keys, limits and fail-over before it.

local anthropic = require "anthropic"
local chat_completion = anthropic.chat_completion

local relay = {}

-- What an answer's head tells the user's client, too.
local HANDED_ON = { "request-id", "retry-after", "retry-after-ms", "x-should-retry" }

-- Whether the user is still there.
local function send(...)
  ngx.print(...)
  return ngx.flush(true)
end

local function set_headers(headers)
  for _, name in ipairs(HANDED_ON) do
    ngx.header[name] = headers and headers[name]
  end
end

-- --- the two shapes ------------------------------------------------------------------------------

-- Each: what a request asks for, an error, a whole message, and how a stream and its error are handed on.
local SHAPES = {}

SHAPES.messages = {
  params = function(body)
    return body
  end,
  error = function(type, message, request_id)
    return { type = "error", error = { type = type, message = message }, request_id = request_id }
  end,
  message = function(message)
    return message
  end,
  hand_on = function(stream) -- the bytes as they come
    for bytes in stream:raw_events() do
      if not send(bytes) then
        return
      end
    end
  end,
  tell = function(value, err)
    if not err.in_stream then -- else it was handed on
      send("event: error\ndata: ", anthropic.encode(value), "\n\n")
    end
  end,
}

local function send_chunks(chunks)
  local texts = {}
  for i, chunk in ipairs(chunks) do
    texts[i] = "data: " .. anthropic.encode(chunk) .. "\n\n"
  end
  return #texts == 0 or send(texts)
end

SHAPES.chat_completions = {
  params = chat_completion.to_params,
  error = function(type, message)
    return { error = { message = message, type = type, param = anthropic.null, code = anthropic.null } }
  end,
  message = chat_completion.from_message,
  hand_on = function(stream, body)
    local asked = type(body.stream_options) == "table" and body.stream_options.include_usage == true
    local encoder = chat_completion.encoder { include_usage = asked }
    for event in stream do
      if not send_chunks(encoder:feed(event)) then
        return
      end
    end
    send_chunks(encoder:finish())
    send "data: [DONE]\n\n"
  end,
  tell = function(value)
    send("data: ", anthropic.encode(value), "\n\n")
  end,
}

-- --- answering -----------------------------------------------------------------------------------

--- Answers with an error in a shape's form, and ends the request.
---@param shape "messages"|"chat_completions"
---@param status integer
---@param type string such as "invalid_request_error"
---@param message string
---@param err? anthropic.Error that it comes from
function relay.refuse(shape, status, type, message, err)
  ngx.status = status
  ngx.header.content_type = "application/json"
  set_headers(err and err.headers)
  ngx.print(anthropic.encode(SHAPES[shape].error(type, message, err and err.request_id)))
  return ngx.exit(ngx.HTTP_OK) -- with the status from above
end

-- What a user is told: status, type and words. What the service says of our own key, and the network's words, go to
-- the log alone.
local function told(err)
  if err.kind == "invalid_request" then
    return 400, "invalid_request_error", err.message
  elseif err.kind ~= "api" then
    ngx.log(ngx.ERR, tostring(err))
    return err.kind == "timeout" and 504 or 502, "api_error", "no whole answer from the service: " .. err.kind
  elseif err.status == 401 or err.status == 403 then
    ngx.log(ngx.ERR, tostring(err))
    return 502, "api_error", "the service refuses the gateway"
  end
  return err.status or 502, err.type or "api_error", err.message
end

local function relay_stream(shape, stream, body)
  ngx.header.content_type = "text/event-stream; charset=utf-8"
  ngx.header.cache_control = "no-cache"
  local ok, err = pcall(shape.hand_on, stream, body)
  if not ok and type(err) ~= "table" then
    ngx.log(ngx.ERR, err)
  elseif not ok then
    local _, type, message = told(err)
    shape.tell(shape.error(type, message, err.request_id), err)
  end
  stream:close() -- the user may be gone
end

-- The beta features that a request's head asks for.
local function betas()
  local list = {}
  for name in (ngx.var.http_anthropic_beta or ""):gmatch "[^%s,]+" do
    list[#list + 1] = name
  end
  return #list > 0 and list or nil
end

local own -- client of a relay that is given none

--- Answers a request, whose body is in memory. The message or stream is in `ngx.ctx.answer` from then on.
---@param name "messages"|"chat_completions" the shape
---@param given? { client?: anthropic.Client|anthropic.Pool, check?: fun(params: table): integer?, string?, string? }
--- check: returns status, type and words of a refusal
function relay.answer(name, given)
  local shape = SHAPES[name]
  local client = given and given.client or own
  if not client then
    own = anthropic.new()
    client = own
  end
  ngx.req.read_body()
  local body, err = anthropic.decode(ngx.req.get_body_data() or "")
  if type(body) ~= "table" then
    return relay.refuse(name, 400, "invalid_request_error", err and err.message or "the body is not an object")
  end
  local params, made
  params, err = shape.params(body)
  if params and given and given.check then
    local status, type, message = given.check(params)
    if status then
      return relay.refuse(name, status, type, message)
    end
  end
  if params then
    made, err = client.messages.create(params, { betas = betas(), tag = ngx.var.request_id })
  end
  if not made then
    local status, type, message = told(err)
    return relay.refuse(name, status, type, message, err)
  end
  ngx.ctx.answer = made
  set_headers(made.response and made.response.headers)
  if params.stream == true then
    return relay_stream(shape, made, body)
  end
  ngx.header.content_type = "application/json"
  ngx.print(anthropic.encode(shape.message(made)))
end

return relay
