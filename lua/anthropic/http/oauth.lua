--- Tokens of the vendor's token endpoint: for the identity of a workload, and for a user's login.
--
--     local source = oauth.source(profiles.find(), resolved)
--     local token, expires_at = source.ask(false)     -- nil and an error

local package, require = package, require

local core = require "anthropic.base.core"
local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"
local loop = require "anthropic.loop"
local options = require "anthropic.http.options"
local profiles = require "anthropic.http.profiles"
local protected = require "anthropic.loop.protected"
local redaction = require "anthropic.http.redaction"
local tables = require "anthropic.base.tables"
local tasks = require "anthropic.loop.task"
local waiting = require "anthropic.loop.waiting"
local urls = require "anthropic.http.url"

local oauth = {}

--- The beta that goes with every request that has such a token.
oauth.BETA = "oauth-2025-04-20"

local FEDERATION_BETA = "oidc-federation-2026-04-01"
local ENDPOINT = "/v1/oauth/token"
local LARGEST_ASSERTION = 16 * 1024
local LEAST_LEFT = 30 -- seconds that a token from a file is to last
local MAX_RETRIES = 2
local PATIENCE, PAUSE = 1, 0.1 -- seconds, for what another process may be about to keep
local LONGEST_RENEWAL = 30 -- seconds, of a user's token

local LOOPBACK = tables.set { "localhost", "127.0.0.1", "[::1]" }

local function invalid(words)
  return nil, errors.invalid_request(words)
end

-- --- the endpoint --------------------------------------------------------------------------------

local function check_endpoint(base)
  local url, err = urls.check_base(base)
  if not url then
    return nil, err
  end
  local host = url:match "^[hH][tT][tT][pP]://(%[[^%]/]*%])" or url:match "^[hH][tT][tT][pP]://([^/:]*)"
  if host and not LOOPBACK[host:lower()] then
    return invalid "a token is asked for over https alone, or on this machine"
  end
  return urls.of(url, ENDPOINT)
end

-- What a refusal says in its two members for words, `error` and `error_description`.
local function words_of(response)
  local value = json.decode(response.body or "")
  local said = type(value) == "table" and {
    type(value.error) == "string" and value.error or nil, type(value.error_description) == "string"
      and value.error_description or nil,
  } or {}
  return ("the token endpoint answered %d%s%s"):format(response.status, said[1] and ": " .. said[1] or "",
    said[2] and ": " .. said[2] or "")
end

local HINT = "; does the federation rule match the identity token?"

-- The error of a refusal, which may quote the secret that was sent.
local function refusal(response, secret, is_federation)
  local words = redaction.redactor { secret }(words_of(response))
  return nil, errors.new {
    kind = "api", status = response.status, type = errors.type_of_status(response.status) or "api_error",
    message = words .. (is_federation and response.status == 401 and HINT or ""),
    request_id = response.headers["request-id"],
  }
end

-- A finite number: an infinite one could not be written to the file.
local function seconds_of(given)
  local seconds = tonumber(given)
  return seconds and seconds > -math.huge and seconds < math.huge and seconds or nil
end

-- Sends a request for a token; returns the answer's object, which has the token, and the time when it ends.
local function send(resolved, base, body, betas)
  local url, err = check_endpoint(base)
  if not url then
    return nil, err
  end
  local text, problem = json.encode(body)
  if not text then
    return invalid(problem)
  end
  local request = { url = url, method = "POST", body = text, max_retries = MAX_RETRIES, headers = {
    ["Content-Type"] = "application/json",
    ["anthropic-beta"] = table.concat(betas, ","),
    ["User-Agent"] = "anthropic-lua/" .. require "anthropic.version",
  } }
  for name in pairs(options.transport_rows()) do
    if request[name] == nil and name ~= "on_retry" then
      request[name] = resolved[name]
    end
  end
  local outer = resolved.exchange
  if body.refresh_token then -- may be used up once it is sent: its exchange does not end with the request that needs it
    outer, request.timeout = nil, options.timeouts(resolved.timeout)
    request.timeout.total = math.min(request.timeout.total or LONGEST_RENEWAL, LONGEST_RENEWAL)
  end
  local response
  response, err = require("anthropic.http.call").run(request, outer)
  if not response then
    return nil, err
  elseif response.status < 200 or response.status >= 300 then
    return refusal(response, body.assertion or body.refresh_token, body.assertion ~= nil)
  end
  local value = json.decode(response.body)
  local is_bearer = type(value) == "table" and (type(value.token_type) ~= "string"
    or value.token_type:lower() == "bearer")
  local seconds = is_bearer and seconds_of(value.expires_in)
  if not seconds or type(value.access_token) ~= "string" then
    return nil, errors.new {
      kind = "protocol", status = response.status,
      message = "the token endpoint's answer has no bearer token with its expires_in",
    }
  end
  return value, os.time() + seconds
end

-- --- files ---------------------------------------------------------------------------------------

local GROUP_AND_OTHERS = 64 -- the modes of a file are a number of three digits to the base 8, the owner's the first

-- The tokens that a file keeps; nil alone if there are none.
local function read_kept(path)
  local mode = core.file_mode(path)
  if mode and mode % GROUP_AND_OTHERS ~= 0 then
    return nil, ("%s: others may read or write it (run: chmod 600 %s)"):format(path, path)
  end
  return profiles.read_json(path)
end

local function is_fresh(kept)
  local expires_at = tonumber(kept.expires_at)
  return type(kept.access_token) == "string" and kept.access_token ~= ""
    and (not expires_at or os.time() < expires_at - LEAST_LEFT)
end

-- Changes fields of the kept tokens. Returns whether they were written, and the tokens.
local function keep(path, kept, fields)
  kept = tables.merge(json.copy(kept), fields)
  kept.version, kept.type = "1.0", "oauth_token"
  return core.write_private(path, json.encode(kept)) ~= nil, kept
end

-- --- the two ways --------------------------------------------------------------------------------

local function identity_of(config)
  if not config.identity_file then
    return os.getenv "ANTHROPIC_IDENTITY_TOKEN"
  end
  local token, message = profiles.read(config.identity_file)
  if not token then
    return nil, "the identity token cannot be read: " .. (message or config.identity_file .. ": no such file")
  end
  return token:match "^%s*(.*)$":match "^.*%S", "the file of the identity token is empty"
end

local function exchange_identity(config, resolved, base)
  local identity, problem = identity_of(config)
  if not identity then
    return invalid(problem)
  elseif #identity > LARGEST_ASSERTION then
    return invalid "the identity token is larger than 16 KiB"
  end
  return send(resolved, base, {
    grant_type = "urn:ietf:params:oauth:grant-type:jwt-bearer",
    assertion = identity,
    federation_rule_id = config.federation_rule_id,
    organization_id = config.organization_id,
    service_account_id = config.service_account_id,
    workspace_id = config.workspace_id,
  }, { oauth.BETA, FEDERATION_BETA })
end

-- A profile's file keeps the token, which is used as long as it lasts. A file that cannot be written is no failure.
local function ask_federation(config, resolved, base, is_refused)
  local kept, problem
  if config.credentials_path then
    kept, problem = read_kept(config.credentials_path)
    if problem and problem:find("chmod", 1, true) then
      return invalid(problem)
    elseif kept and not is_refused and is_fresh(kept) then
      return kept.access_token, tonumber(kept.expires_at) or math.huge
    end
  end
  local answer, second = exchange_identity(config, resolved, base)
  if not answer then
    return nil, second
  elseif config.credentials_path then
    keep(config.credentials_path, kept or {}, { access_token = answer.access_token, expires_at = second })
  end
  return answer.access_token, second
end

-- The kept tokens, if they have changed: another process has got a token, or the user has logged in again.
local function kept_since(path, before)
  local kept = read_kept(path)
  local is_other = kept and (kept.access_token ~= before.access_token or kept.refresh_token ~= before.refresh_token)
  return is_other and kept or nil
end

-- The same if they can be used. Waits for them a little, as long as a request waits for the token.
local function await_kept(path, before, waiter, driver)
  local deadline = waiter and math.min(core.now() + PATIENCE, waiter.deadline) or 0
  local kept = kept_since(path, before)
  while not kept and core.now() < deadline and not waiter.closed and waiting.sleep(PAUSE, driver) do
    kept = kept_since(path, before)
  end
  return kept and is_fresh(kept) and kept or nil
end

-- Refusals of a refresh token: another process may have used it up.
local REFUSALS = { [400] = true, [401] = true, [403] = true }

-- Exchanges a refresh token. Returns the tokens that are kept then; nil and an error on failure.
--
-- The endpoint may return another refresh token, and no longer take the old one. `own` has the tokens that could not be
-- written: they are used instead of the file's until another process writes the file.
local function refresh(config, resolved, base, kept, file, own, waiter)
  local path = config.credentials_path
  local answer, second = send(resolved, base, {
    grant_type = "refresh_token", refresh_token = kept.refresh_token, client_id = config.client_id,
  }, { oauth.BETA })
  if not answer then
    return await_kept(path, file, REFUSALS[second.status] and waiter or nil, resolved.loop), second
  end
  local fields = {
    access_token = answer.access_token, expires_at = second,
    refresh_token = type(answer.refresh_token) == "string" and answer.refresh_token or kept.refresh_token,
  }
  local now, problem = read_kept(path)
  if now and now.refresh_token ~= file.refresh_token or not now and not problem then -- logged in again, or out
    return now and is_fresh(now) and now or fields
  end
  local is_written
  is_written, fields = keep(path, kept, fields)
  own.fields, own.instead_of = not is_written and fields or nil, file.refresh_token
  return fields
end

-- --- renewing a user's token, cancelled or not -----------------------------------------------------

local BLOCKED = "another task renews the login, and cannot go on while this request blocks"
local NEVER_ENDS = { deadline = math.huge } -- what waits for a renewal in a task of its own

-- Whether nothing more will come of it: its host has ended it.
local function is_lost(renewal)
  local task, thread = renewal.task, renewal.thread
  return task ~= nil and task.done or core.now() >= renewal.latest
    or thread ~= nil and coroutine.status(thread) == "dead"
end

-- Starts `f` in a task of its own, which goes on where that of the request is cancelled.
local function start_renewal(own, driver, f)
  local renewal = { latest = core.now() + LONGEST_RENEWAL + 2 * PATIENCE }
  local function finish(ok, kept, problem)
    renewal.ok, renewal.kept, renewal.problem = ok, kept, problem
    if own.renewal == renewal then
      own.renewal = nil
    end
    local waiter = renewal.waiter
    if waiter then
      waiter.was_called = true
      loop.wake(waiter)
    end
  end
  renewal.task = tasks.start(driver, function()
    renewal.thread = protected.running()
    finish(protected.call(f))
  end, function(failure)
    if renewal.ok == nil then
      finish(false, failure)
    end
  end)
  own.renewal = renewal.ok == nil and renewal or nil
  return renewal
end

-- Waits for what a renewal brings, as long as the request may.
local function await_renewal(renewal, exchange)
  local driver = exchange.option "loop"
  renewal.waiter = exchange
  while renewal.ok == nil and not is_lost(renewal) and not exchange.closed and core.now() < exchange.deadline do
    exchange.was_called = false
    local ok, reason = waiting.wait(driver, exchange, math.min(PATIENCE, exchange.deadline - core.now()))
    if not ok then
      renewal.waiter = nil
      return nil, waiting.is_refusal(reason) and reason or errors.cancelled "the request was cancelled"
    end
  end
  renewal.waiter = nil
  if renewal.ok == false and not errors.is(renewal.kept) then
    error(renewal.kept, 0)
  elseif not renewal.ok then
    return nil, renewal.kept or errors.cancelled "the request was cancelled"
  end
  return renewal.kept, renewal.problem
end

-- Whether tasks of a driver go on in no step of the loop, but when their scheduler has its turn.
local function takes_turns(driver)
  return driver == package.loaded["anthropic.loop.scheduler"]
end

-- Renews what is kept. A task can be cancelled, and the refresh token be used up by then.
local function renew(config, resolved, base, kept, file, own)
  local exchange, renewal = resolved.exchange, own.renewal
  if renewal and is_lost(renewal) then
    renewal = nil
  end
  if not exchange or not (renewal or waiting.current()) then
    return refresh(config, resolved, base, kept, file, own, exchange)
  elseif renewal and exchange.option "loop" == "blocking" and takes_turns(renewal.task.driver) then
    return nil, errors.new { kind = "invalid_request", type = "cannot_wait", message = BLOCKED }
  end
  renewal = renewal or start_renewal(own, exchange.option "loop", function()
    return refresh(config, resolved, base, kept, file, own, NEVER_ENDS)
  end)
  return await_renewal(renewal, exchange)
end

-- What is kept is read each time: another process may have written it since.
local function ask_user(config, resolved, base, is_refused, own)
  local file, problem = read_kept(config.credentials_path)
  if not file then
    return invalid(problem or config.credentials_path .. ": there is no such file: log in first")
  end
  local kept = own.fields and own.instead_of == file.refresh_token and own.fields or file
  local is_other = own.last ~= nil and kept.access_token ~= own.last
  if not is_fresh(kept) or is_refused and not is_other then
    if not config.client_id or type(kept.refresh_token) ~= "string" or kept.refresh_token == "" then
      return invalid(config.credentials_path .. ": its token has ended, and nothing in it brings another: log in again")
    end
    kept, problem = renew(config, resolved, base, kept, file, own)
    if not kept then
      return nil, problem
    end
  end
  own.last = kept.access_token
  return kept.access_token, tonumber(kept.expires_at) or math.huge
end

local WAYS = { oidc_federation = ask_federation, user_oauth = ask_user }

--- Where tokens come from, for token_source.lua.
---@param config anthropic.Profile.Config
---@param resolved table options of the client
---@return { name: string, ask: fun(is_refused: boolean, exchange?: anthropic.Exchange): string?, any } source
function oauth.source(config, resolved)
  local base, own = config.base_url or resolved.base_url, {} -- own: of a user, see above
  return {
    name = config.name and ("the profile %q"):format(config.name) or "workload identity federation",
    ask = function(is_refused, exchange)
      local asking = tables.copy(resolved)
      asking.exchange = exchange
      if exchange then -- which may be of another client with the same login
        asking.loop = exchange.option "loop"
      end
      return WAYS[config.type](config, asking, base, is_refused, own)
    end,
  }
end

return oauth
