--- The source of tokens if neither the options nor the environment name a credential: a profile of the vendor's tools,
--- or the identity of a workload.

local credentials = require "anthropic.http.credentials"
local headers = require "anthropic.http.headers"
local lazy = require "anthropic.base.lazy"
local profiles = require "anthropic.http.profiles"

local oauth = lazy.module "anthropic.http.oauth"

local login = {}

--- Looks for a source. One that no option names is not used beside a credential in headers.
---@param resolved table options of a client without a credential
---@param has_base_url? boolean the base URL is the caller's
function login.find(resolved, has_base_url)
  local of_environment = headers.parse_lines(resolved.custom_headers)
  if not resolved.profile and credentials.are_in(of_environment, resolved.headers) then
    return
  end
  local config, problem = profiles.find(resolved.profile)
  resolved.missing_credential = problem
  if not config then
    return
  end
  if config.base_url and not has_base_url then
    resolved.base_url, resolved.base_before_login = config.base_url, resolved.base_url
  end
  resolved.auth_token = oauth.source(config, resolved)
  resolved.token_source = credentials.source(resolved)
  resolved.credential_of_environment = not resolved.profile or nil
  resolved.login = {
    betas = { oauth.BETA },
    headers = { ["anthropic-workspace-id"] = config.type == "user_oauth" and config.workspace_id or nil },
  }
end

return login
