--- A gateway: sends what its teams ask to the API with a key of its own, in either shape, and bounds what each team may
-- take. gateway.conf bounds the bodies, the rates and the connections, and says in which phase each function runs.

local anthropic = require "anthropic"
local records = require "records"
local relay = require "relay"

local gateway = {}

-- By the key that a team sends to the gateway. `budget`: tokens a day.
local TEAMS = {
  ["key-of-red"] = { name = "red", budget = 1000000 },
  ["key-of-blue"] = { name = "blue", budget = 100 },
}

-- What may be asked for: the most that `max_tokens` may be.
local MODELS = { ["claude-sonnet-5-5"] = 4096 }

-- The kinds of tokens that count. Those of a cache cost less, or more: weigh them as your prices do.
local KINDS = { "input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens" }

local DAY = 24 * 60 * 60

local function new_client(api_key, base_url)
  return anthropic.new {
    api_key = api_key,
    base_url = base_url,
    timeout = { connect = 5, first_byte = 60, idle = 30, total = 600 },
    max_response_bytes = 4 * 1024 * 1024,
    max_event_bytes = 1024 * 1024,
    on_log = records.on_log,
  }
end

-- The API by the environment's key, and where that fails by the key or at the address of FALLBACK_*.
local members = { new_client() }
if os.getenv "FALLBACK_API_KEY" then
  members[2] = new_client(os.getenv "FALLBACK_API_KEY", os.getenv "FALLBACK_BASE_URL")
end
local pool = anthropic.pool { members = members, max_retries = 1 } -- the teams' own clients try again as well

--- In the access phase: who asks, and whether anything is left for today.
---@param shape "messages"|"chat_completions" that a refusal has
function gateway.authorize(shape)
  local team = TEAMS[ngx.var.team_key] -- of gateway.conf
  if not team then
    return relay.refuse(shape, 401, "authentication_error", "this key is not known here")
  elseif (ngx.shared.spent:get(team.name) or 0) >= team.budget then
    return relay.refuse(shape, 429, "rate_limit_error", "the team's tokens for today are spent")
  end
  ngx.ctx.team = team
end

-- What is refused: status, type and words.
local function check(params)
  local most = MODELS[params.model]
  if not most then
    return 403, "permission_error", "this model is not offered here"
  elseif type(params.max_tokens) ~= "number" or params.max_tokens > most then
    return 400, "invalid_request_error", "max_tokens: at most " .. most
  end
end

--- In the content phase: checks the request and passes it on. Its body is in memory, as gateway.conf says.
---@param shape "messages"|"chat_completions"
function gateway.answer(shape)
  return relay.answer(shape, { client = pool, check = check })
end

--- In the log phase, which runs also after a client that hung up: counts what was used.
function gateway.count()
  local answer = ngx.ctx.answer -- a message, or a stream
  local message = answer and (answer.usage and answer or answer:snapshot())
  local usage = message and message.usage
  local tokens = 0
  for _, kind in ipairs(KINDS) do
    tokens = tokens + (usage and tonumber(usage[kind]) or 0)
  end
  if tokens > 0 then
    ngx.shared.spent:incr(ngx.ctx.team.name, tokens, 0, DAY)
  end
end

return gateway
