--- A gateway: sends what its teams ask to the API with a key of its own, and bounds what each team may take.
-- gateway.conf bounds the bodies, the rates and the connections, and says in which phase each function runs.

local anthropic = require "anthropic"

local gateway = {}

-- By the key that a team sends to the gateway. `budget`: tokens a day.
local TEAMS = {
  ["key-of-red"] = { name = "red", budget = 1000000 },
  ["key-of-blue"] = { name = "blue", budget = 100 },
}

-- What may be asked for: the most that `max_tokens` may be.
local MODELS = { ["claude-sonnet-5-5"] = 4096 }

-- What is answered where the API did not answer.
local STATUS_OF_KIND = { timeout = 504, invalid_request = 400 }

local DAY = 24 * 60 * 60

local client = anthropic.new {
  timeout = { connect = 5, first_byte = 60, idle = 30, total = 600 },
  max_response_bytes = 4 * 1024 * 1024,
  max_event_bytes = 1024 * 1024,
  max_retries = 1, -- the teams' own clients try again as well
}

local function refuse(status, type, message, err)
  ngx.status = status
  ngx.header.content_type = "application/json"
  ngx.header.retry_after = err and err.retry_after
  ngx.header.request_id = err and err.request_id
  ngx.print(anthropic.encode { type = "error", error = { type = type, message = message } })
  return ngx.exit(ngx.HTTP_OK) -- with the status from above
end

-- The API's own words go to the team, those of the network to the log.
local function words_of(err)
  if err.kind ~= "api" then
    ngx.log(ngx.ERR, tostring(err))
  end
  return err.type or "api_error", err.kind == "api" and err.message or "no answer from the API: " .. err.kind
end

local function refuse_as(err)
  local type, message = words_of(err)
  return refuse(err.status or STATUS_OF_KIND[err.kind] or 502, type, message, err)
end

--- In the access phase: who asks, and whether anything is left for today.
function gateway.authorize()
  local key = ngx.var.http_x_api_key or (ngx.var.http_authorization or ""):match "^Bearer (%S+)$"
  local team = TEAMS[key]
  if not team then
    return refuse(401, "authentication_error", "this key is not known here")
  elseif (ngx.shared.spent:get(team.name) or 0) >= team.budget then
    return refuse(429, "rate_limit_error", "the team's tokens for today are spent")
  end
  ngx.ctx.team = team
end

local function send(event)
  ngx.print("event: ", event.type, "\ndata: ", anthropic.encode(event), "\n\n")
  return ngx.flush(true)
end

local function stream_answer(params)
  local stream, err = client.messages.stream(params)
  if not stream then
    return refuse_as(err)
  end
  ngx.ctx.stream = stream -- for `count`
  ngx.header.content_type = "text/event-stream"
  local event
  event, err = stream:next()
  while event and send(event) do
    event, err = stream:next()
  end
  if err then
    local type, message = words_of(err)
    send { type = "error", error = { type = type, message = message } }
  end
  stream:close() -- the team's client may be gone
end

--- In the content phase: checks the request and passes it on. Its body is in memory, as gateway.conf says.
function gateway.answer()
  ngx.req.read_body()
  local params, err = anthropic.decode(ngx.req.get_body_data() or "")
  if type(params) ~= "table" then
    return refuse(400, "invalid_request_error", err and err.message or "the body is not an object")
  end
  local most = MODELS[params.model]
  if not most then
    return refuse(403, "permission_error", "this model is not offered here")
  elseif type(params.max_tokens) ~= "number" or params.max_tokens > most then
    return refuse(400, "invalid_request_error", "max_tokens: at most " .. most)
  elseif params.stream == true then
    return stream_answer(params)
  end
  local message
  message, err = client.messages.create(params)
  if not message then
    return refuse_as(err)
  end
  ngx.ctx.message = message
  ngx.header.content_type = "application/json"
  ngx.print(anthropic.encode(message))
end

--- In the log phase, which runs also after a client that hung up: counts what was used.
function gateway.count()
  local stream = ngx.ctx.stream
  local message = ngx.ctx.message or stream and stream:snapshot()
  local usage = message and message.usage
  if usage then
    local tokens = (usage.input_tokens or 0) + (usage.output_tokens or 0)
    ngx.shared.spent:incr(ngx.ctx.team.name, tokens, 0, DAY)
  end
end

return gateway
