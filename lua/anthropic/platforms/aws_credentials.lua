--- AWS's credentials, in the order of its own programs: the options, the environment, a profile of its files
--- (`~/.aws/config`, `~/.aws/credentials`; keys, or a `credential_process`), a container's address, and an instance's
--- if that is asked for.

local errors = require "anthropic.base.error"
local fetch = require "anthropic.platforms.fetch"
local files = require "anthropic.platforms.files"
local json = require "anthropic.base.json"
local tables = require "anthropic.base.tables"
local token_source = require "anthropic.http.token_source"
local values = require "anthropic.base.values"

local aws_credentials = {}

local function invalid(words)
  return nil, errors.invalid_request(words)
end

-- Credentials as a command or an address writes them.
local function of_object(what, value, token_name)
  local credentials = {
    access_key_id = values.word(value.AccessKeyId),
    secret_access_key = values.word(value.SecretAccessKey),
    session_token = values.word(value[token_name]),
  }
  if not credentials.access_key_id or not credentials.secret_access_key then
    return nil, errors.new { kind = "connection", message = ("no %s: missing in the answer"):format(what) }
  end
  return credentials, fetch.time(value.Expiration) or math.huge -- until AWS says that they have expired
end

-- The three options without the white space around them, as files and variables are read; nil and what is wrong.
local function of_options(option)
  local given = {}
  for _, name in ipairs { "aws_access_key_id", "aws_secret_access_key", "aws_session_token" } do
    local value = option(name)
    given[name] = value and value:match "^%s*(.*)$":match "^.*%S"
    if value and not given[name] and name ~= "aws_session_token" then
      return invalid(name .. ": is empty")
    end
  end
  local id, secret = given.aws_access_key_id, given.aws_secret_access_key
  if not id and not secret then
    return nil
  elseif not id or not secret then
    return invalid "options aws_access_key_id and aws_secret_access_key: one needs the other"
  end
  return { access_key_id = id, secret_access_key = secret, session_token = given.aws_session_token }
end

local function of_environment()
  local id, secret = files.variable "AWS_ACCESS_KEY_ID", files.variable "AWS_SECRET_ACCESS_KEY"
  if not id or not secret then
    return nil
  end
  return { access_key_id = id, secret_access_key = secret, session_token = files.variable "AWS_SESSION_TOKEN" }
end

local function of_process(line, exchange)
  local what = "AWS credentials from the profile's credential_process"
  local text, err = fetch.output(what, { "/bin/sh", "-c", line }, exchange)
  if not text then
    return nil, err
  end
  local value = json.decode(text)
  if type(value) ~= "table" then
    return nil, errors.new { kind = "connection", message = ("no %s: it wrote no JSON"):format(what) }
  end
  return of_object(what, value, "SessionToken")
end

local INSTANCE = "http://169.254.169.254"

-- An instance's own credentials, by version 2 of its metadata service.
local function of_instance(_, exchange)
  local base = (files.variable "AWS_EC2_METADATA_SERVICE_ENDPOINT" or INSTANCE):gsub("/+$", "")
  local what = "AWS credentials from the instance's metadata"
  local token, err = fetch.text(what, {
    url = base .. "/latest/api/token", method = "PUT", body = "", proxy = "",
    headers = { ["x-aws-ec2-metadata-token-ttl-seconds"] = "21600" },
  }, exchange)
  if not token then
    return nil, err
  end
  local fields = { ["x-aws-ec2-metadata-token"] = token }
  local path = base .. "/latest/meta-data/iam/security-credentials/"
  local role
  role, err = fetch.text(what, { url = path, proxy = "", headers = fields }, exchange)
  role = role and role:match "^%s*([%w+=,.@_-]+)"
  if not role then
    return nil, err or errors.new { kind = "connection", message = ("no %s: it has no role"):format(what) }
  end
  local value
  value, err = fetch.object(what, { url = path .. role, proxy = "", headers = fields }, exchange)
  if not value then
    return nil, err
  end
  return of_object(what, value, "Token")
end

local CONTAINER_HOSTS = tables.set {
  "localhost", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]", "[::1]",
}

-- A token goes over TLS, or to this machine and the addresses that AWS's containers have.
local function is_container_address(url)
  local authority = url:match "^http://([^/?#]*)" or ""
  local host = authority:match "^(%[[%x:]+%]):?%d*$" or authority:match "^([%w.-]+):?%d*$"
  return url:find "^https://" ~= nil or host ~= nil
    and (CONTAINER_HOSTS[host] or host:find "^127%.%d+%.%d+%.%d+$" ~= nil)
end

local function of_container(_, exchange)
  local relative = files.variable "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
  local url = relative and "http://169.254.170.2" .. relative or files.variable "AWS_CONTAINER_CREDENTIALS_FULL_URI"
  if not url then
    return nil
  elseif not is_container_address(url) then
    return invalid "AWS_CONTAINER_CREDENTIALS_FULL_URI: must be https, or an address of this machine"
  end
  local path = files.variable "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
  local token = path and files.read(path) or files.variable "AWS_CONTAINER_AUTHORIZATION_TOKEN"
  local what = "AWS credentials from the container's address"
  local value, err = fetch.object(what, {
    url = url, proxy = "", headers = { authorization = token and token:match "^%s*(.*%S)" },
  }, exchange)
  if not value then
    return nil, err
  end
  return of_object(what, value, "Token")
end

-- The error for a profile that needs a web page or another signature: for that the user names a command.
local function words_of_profile(name, profile)
  local has_sso = profile.sso_session or profile.sso_start_url
  local how = has_sso and "needs a login (SSO)" or profile.role_arn and "takes on a role"
    or profile.web_identity_token_file and "has a web identity" or "has no keys"
  return ('the AWS profile %q %s: give one with "credential_process = aws configure export-credentials --profile %s '
    .. '--format process"'):format(name, how, name)
end

-- The credentials of a profile; nil if it says nothing of credentials.
local function of_profile(option, exchange, is_wanted)
  local profile, name = files.aws_profile(option "aws_profile")
  if not profile then
    if is_wanted or name ~= "default" then
      return invalid(("there is no AWS profile %q in ~/.aws/credentials and ~/.aws/config"):format(name))
    end
    return nil
  elseif profile.role_arn then -- its other fields are what it takes the role with
    return invalid(words_of_profile(name, profile))
  elseif values.word(profile.aws_access_key_id) and values.word(profile.aws_secret_access_key) then
    return {
      access_key_id = profile.aws_access_key_id, secret_access_key = profile.aws_secret_access_key,
      session_token = values.word(profile.aws_session_token),
    }
  elseif values.word(profile.credential_process) then
    return of_process(profile.credential_process, exchange)
  elseif profile.credential_source == "Ec2InstanceMetadata" then
    return of_instance(option, exchange)
  elseif is_wanted or profile.sso_session or profile.sso_start_url then
    return invalid(words_of_profile(name, profile))
  end
end

local function is_instance_asked_for()
  return files.variable "AWS_EC2_METADATA_SERVICE_ENDPOINT" ~= nil
    or (files.variable "AWS_EC2_METADATA_DISABLED" or ""):lower() == "false"
end

local MISSING = "no AWS credentials: give aws_access_key_id and aws_secret_access_key or an api_key, "
  .. "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or keep a profile in ~/.aws/credentials"

-- Each step returns credentials and when they expire, nil alone if it has none, or nil and an error.
local function find(option, exchange)
  local steps = { of_options }
  if option "aws_profile" then
    steps[2] = function() return of_profile(option, exchange, true) end
  else
    steps[2], steps[3], steps[4] = of_environment, of_profile, of_container
    steps[5] = is_instance_asked_for() and of_instance or nil
  end
  for _, step in ipairs(steps) do
    local credentials, second = step(option, exchange)
    if credentials or second then
      return credentials, second
    end
  end
  return invalid(MISSING)
end

local function as_they_are(_, credentials)
  return credentials
end

--- Makes a source of credentials (anthropic.AwsCredentials). Credentials of a command or an address are remembered.
---@return anthropic.TokenSource
function aws_credentials.source()
  return token_source.new("credentials", function(exchange)
    return find(exchange.option, exchange)
  end, as_they_are)
end

return aws_credentials
