--- Tokens of the vendor's token endpoint: for the identity of a workload, and for a user's login.
--
--     local source = oauth.source(profiles.find(), resolved)
--     local token, expires_at = source.ask(false)     -- nil and an error

local require = require

local core = require "anthropic.base.core"
local errors = require "anthropic.base.error"
local json = require "anthropic.base.json"
local options = require "anthropic.http.options"
local profiles = require "anthropic.http.profiles"
local redaction = require "anthropic.http.redaction"
local tables = require "anthropic.base.tables"
local urls = require "anthropic.http.url"

local oauth = {}

--- The beta that goes with every request that has such a token.
oauth.BETA = "oauth-2025-04-20"

local FEDERATION_BETA = "oidc-federation-2026-04-01"
local ENDPOINT = "/v1/oauth/token"
local LARGEST_ASSERTION = 16 * 1024
local LEAST_LEFT = 30 -- seconds that a token from a file is to last
local MAX_RETRIES = 2

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
  return url .. ENDPOINT
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
  -- A login's refresh token may be used up once it is sent: its exchange does not end with the request that needs it.
  local outer = not body.refresh_token and resolved.exchange or nil
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

-- The endpoint may return another refresh token, and no longer take the old one. `unkept` has the tokens that could not
-- be written: they are used instead of the file's until another process writes the file.
local function ask_user(config, resolved, base, is_refused, unkept)
  local kept, problem = read_kept(config.credentials_path)
  if not kept then
    return invalid(problem or config.credentials_path .. ": there is no such file: log in first")
  end
  local of_file = kept.refresh_token
  if unkept.fields and unkept.instead_of == of_file then
    kept = unkept.fields
  end
  if not is_refused and is_fresh(kept) then
    return kept.access_token, tonumber(kept.expires_at) or math.huge
  elseif not config.client_id or type(kept.refresh_token) ~= "string" or kept.refresh_token == "" then
    return invalid(config.credentials_path .. ": its token has ended, and nothing in it brings another: log in again")
  end
  local answer, second = send(resolved, base, {
    grant_type = "refresh_token", refresh_token = kept.refresh_token, client_id = config.client_id,
  }, { oauth.BETA })
  if not answer then
    return nil, second
  end
  local is_written, fields = keep(config.credentials_path, kept, {
    access_token = answer.access_token, expires_at = second,
    refresh_token = type(answer.refresh_token) == "string" and answer.refresh_token or kept.refresh_token,
  })
  unkept.fields, unkept.instead_of = not is_written and fields or nil, of_file
  return answer.access_token, second
end

local WAYS = { oidc_federation = ask_federation, user_oauth = ask_user }

--- Where tokens come from, for token_source.lua.
---@param config anthropic.Profile.Config
---@param resolved table options of the client
---@return { name: string, ask: fun(is_refused: boolean, exchange?: anthropic.Exchange): string?, any } source
function oauth.source(config, resolved)
  local base, unkept = config.base_url or resolved.base_url, {}
  return {
    name = config.name and ("the profile %q"):format(config.name) or "workload identity federation",
    ask = function(is_refused, exchange)
      local asking = setmetatable({ exchange = exchange }, { __index = resolved })
      return WAYS[config.type](config, asking, base, is_refused, unkept)
    end,
  }
end

return oauth
