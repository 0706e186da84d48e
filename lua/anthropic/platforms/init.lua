--- Where else Claude is served: how a platform changes a client's options and requests, and which requests it lacks.
--
-- A file of this folder is a platform as data:
--
--     name               in words
--     options            its own options, beside those of every client
--     base_variable      of the environment, for base_url
--     bases              templates of the base URL, each for `paths` (patterns; none: all others); `by_region`: others
--     variables          option -> variables of the environment that stand for it
--     defaults, sources  option -> its value, or the module that finds it, if nothing else sets it
--     serves, lacks      patterns of "METHOD /path": all that it has, or what it lacks
--     auth               how api_key is sent
--     key_variables      of the environment, for api_key; `has_key_first`: before keys to sign with
--     provider           the module whose source finds a credential: keys to sign with for AWS's `service`, or a token
--     service_region     the region to sign for if only a base URL is known
--     headers            header -> option that it carries
--     dropped_headers    headers that it does not take
--     escaped            a character that has a meaning to the server in a path
--     endpoints          path -> `path` and `streamed_path` in its place, members of the body that are `dropped`, and
--                        `members` of the body that come from headers
--     version            the body's, in place of the default one
--
-- The first party's credential and base URL are neither read nor sent there. The rest of a request goes through the
-- caller's middleware first.

local require = require

local check = require "anthropic.base.check"
local errors = require "anthropic.base.error"
local secrets = require "anthropic.http.secrets"
local tables = require "anthropic.base.tables"

local platforms = {}

local AWS_OPTIONS = { "aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_profile" }
platforms.AWS_OPTIONS = AWS_OPTIONS

-- A module that is needed only if a platform is named.
local function part(name)
  return require("anthropic.platforms." .. name)
end

local function platform_of(resolved)
  local name = resolved.platform
  return name and name ~= "anthropic" and part(name) or nil
end

-- --- options -------------------------------------------------------------------------------------

local COMPANIONS = { "region", "project_id", "resource", "workspace_id", "location" }
for _, name in ipairs(AWS_OPTIONS) do
  COMPANIONS[#COMPANIONS + 1] = name
end
platforms.COMPANIONS = COMPANIONS

local OWN = tables.set(COMPANIONS)
OWN.platform = true

--- Whether options name a platform, or have an option of a platform's own.
---@param given table
---@return boolean
function platforms.are_concerned(given)
  for name in pairs(given) do
    if OWN[name] then
      return true
    end
  end
  return false
end

--- Whether options are of a platform other than the first party's own.
---@param given table
---@return boolean
function platforms.is_elsewhere(given)
  return platform_of(given) ~= nil
end

--- What is wrong with the combination of a client's options, each of which is right by itself; or nil.
---@param given table
---@return string?
function platforms.problem_of(given)
  local platform = platform_of(given)
  local known = tables.set(platform and platform.options or {})
  for _, name in ipairs(COMPANIONS) do
    if given[name] ~= nil and not known[name] then
      if not platform then
        return ("option %q: belongs to a platform; name it, as in platform = \"bedrock\""):format(name)
      end
      return ("option %q: the platform %q does not know it; did you mean %q?"):format(name, given.platform,
        check.nearest(name, known))
    end
  end
  if platform and given.profile ~= nil then
    return ("option \"profile\": is the vendor's own; the platform %q does not know it"):format(given.platform)
  elseif given.resource ~= nil and given.base_url ~= nil then
    return "options resource and base_url exclude each other"
  elseif (given.aws_access_key_id == nil) ~= (given.aws_secret_access_key == nil) then
    return "options aws_access_key_id and aws_secret_access_key: one needs the other"
  end
end

-- --- requests ------------------------------------------------------------------------------------

--- Why a request cannot be sent to the client's platform, or nil.
---@param resolved table options
---@param spec table
---@return anthropic.Error?
function platforms.refusal(resolved, spec)
  local platform = platform_of(resolved)
  if not platform then
    return nil
  end
  local function option(name)
    return resolved[name]
  end
  local places = part "places"
  local path = places.first_party_path(spec, resolved.base_url)
  local called = spec.method:upper() .. " " .. path
  local is_missing = platform.serves and not places.fits(platform.serves, called) or places.fits(platform.lacks, called)
  if path:find "^/v1/" and is_missing then
    return errors.invalid_request(("%s has no %s (platform = %q)"):format(platform.name, called, resolved.platform))
  elseif resolved.has_derived_base then
    local base, problem = places.base_for(platform, option, path)
    return not base and errors.invalid_request(problem) or nil
  end
end

-- --- credentials ---------------------------------------------------------------------------------

--- Whether options name keys of AWS's, or a profile.
---@param resolved table
---@return boolean
function platforms.has_aws_option(resolved)
  for _, name in ipairs(AWS_OPTIONS) do
    if resolved[name] ~= nil then
      return true
    end
  end
  return false
end

-- If the options have no credential, sets that of the environment or of the platform's own files.
local function find_credential(platform, resolved)
  if resolved.api_key or resolved.auth_token then
    return
  end
  if platform.has_key_first or not platforms.has_aws_option(resolved) then
    for _, variable in ipairs(platform.key_variables or {}) do
      local key = not resolved.api_key and part("files").variable(variable)
      if key then
        resolved.api_key, resolved.credential_variable, resolved.credential_of_environment = key, variable, true
      end
    end
  end
  if platform.provider and not platform.service then
    resolved.token_source = require(platform.provider).source()
    resolved.auth_token, resolved.credential_of_environment = resolved.token_source.given, true
  end
end

-- Lines of headers without the first party's credential.
local function harmless_lines(lines)
  local kept = {}
  for line in (lines or ""):gmatch "[^\r\n]+" do
    if not secrets.is_credential((line:match "^%s*([^:%s]*)" or "")) then
      kept[#kept + 1] = line
    end
  end
  return table.concat(kept, "\n")
end

--- Whether a client's options have the same credential after others have replaced some: see replacing.lua.
---@param before table
---@param given table
---@return boolean
function platforms.has_same_credential(before, given)
  return part("replacing").has_same_credential(before, given)
end

--- A client's options after others have replaced some: see replacing.lua.
---@param before table
---@param given table
---@return table
function platforms.replace(before, given)
  return part("replacing").replace(before, given)
end

--- Changes a client's options for its platform: base URL, credential, and what its requests go through.
---@param resolved table as options.of_client made it
---@return table resolved
function platforms.apply(resolved)
  local platform = platform_of(resolved)
  if not platform then
    return resolved
  end
  local function option(name)
    return resolved[name]
  end
  local given = resolved.base_url or resolved.resource == nil and part("files").variable(platform.base_variable) or nil
  for name in pairs(platform.variables) do
    resolved[name] = part("places").find_value(platform, option, name)
  end
  resolved.has_derived_base = given == nil or nil
  resolved.base_url = given or part("places").find_base(platform, option)
  resolved.auth = resolved.auth or platform.auth
  resolved.custom_headers = harmless_lines(resolved.custom_headers)
  find_credential(platform, resolved)
  resolved.missing_credential = "no credential: give the option api_key or auth_token"
    .. (platform.key_variables and ", or set " .. table.concat(platform.key_variables, " or ") or "")
  resolved.signing = part("signing").of(platform)
  return resolved
end

return platforms
