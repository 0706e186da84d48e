--- The credential if no key is set: a profile of the vendor's tools, or the identity of a workload.
--
--     profiles.find()          --> { type = "user_oauth", name = "default", base_url = "https://...", ... }, or nil
--
-- In this order: the profile that is named, $ANTHROPIC_PROFILE, the environment's federation
-- ($ANTHROPIC_FEDERATION_RULE_ID and $ANTHROPIC_ORGANIZATION_ID), the profile that the file `active_config` names, the
-- profile "default". Profiles are files, configs/NAME.json, below $ANTHROPIC_CONFIG_DIR, $XDG_CONFIG_HOME/anthropic or
-- ~/.config/anthropic, on Windows %APPDATA%\Anthropic.

local package = package
local core = require "anthropic.base.core"
local json = require "anthropic.base.json"

local profiles = {}

---@class anthropic.Profile.Config
---@field type "oidc_federation"|"user_oauth"
---@field name? string of the profile; nil: of the environment
---@field base_url? string that the profile names
---@field organization_id? string
---@field workspace_id? string
---@field federation_rule_id? string
---@field service_account_id? string
---@field identity_file? string the file of the identity token; else $ANTHROPIC_IDENTITY_TOKEN
---@field client_id? string
---@field credentials_path? string the file that keeps the tokens

local NO_SUCH_FILE = 2
local LARGEST_FILE = 1024 * 1024

local TYPES = { oidc_federation = true, user_oauth = true }

local function variable(name)
  local value = os.getenv(name)
  return value and value:match "^%s*(.*)$":match "^.*%S" or nil
end

local function text(value)
  return type(value) == "string" and value ~= "" and value or nil
end

-- On Windows the folder of the user's settings.
local function roaming_folder()
  local home = variable "USERPROFILE"
  return package.config:sub(1, 1) == "\\" and (variable "APPDATA" or home and home .. "/AppData/Roaming") or nil
end

local function folder()
  local roaming, config_home, home = roaming_folder(), variable "XDG_CONFIG_HOME", variable "HOME"
  return variable "ANTHROPIC_CONFIG_DIR"
    or roaming and roaming .. "/Anthropic"
    or config_home and config_home .. "/anthropic"
    or home and home .. "/.config/anthropic"
end

--- The bytes of a small file.
---@param path string
---@return string|nil bytes nil alone: there is no such file
---@return string? message
function profiles.read(path)
  local file, message, number = io.open(path, "rb")
  if not file then
    return nil, number ~= NO_SUCH_FILE and message or nil
  end
  local bytes
  bytes, message = file:read(LARGEST_FILE + 1)
  file:close()
  if bytes and #bytes > LARGEST_FILE then
    return nil, path .. ": larger than 1 MiB"
  end
  return bytes or not message and "" or nil, message
end

--- The object in a file of JSON.
---@param path string
---@return table|nil object nil alone: there is no such file
---@return string? message
function profiles.read_json(path)
  local bytes, message = profiles.read(path)
  if not bytes then
    return nil, message
  end
  local value = json.decode(bytes)
  if type(value) ~= "table" or json.is_array(value) then
    return nil, path .. ": no JSON object"
  end
  return value
end

local function federation_of_environment()
  local config = {
    type = "oidc_federation",
    organization_id = variable "ANTHROPIC_ORGANIZATION_ID",
    workspace_id = variable "ANTHROPIC_WORKSPACE_ID",
    federation_rule_id = variable "ANTHROPIC_FEDERATION_RULE_ID",
    service_account_id = variable "ANTHROPIC_SERVICE_ACCOUNT_ID",
    identity_file = variable "ANTHROPIC_IDENTITY_TOKEN_FILE",
  }
  return config.federation_rule_id and config.organization_id and config or nil
end

-- What a profile's file says. The environment fills its gaps.
local function config_of(name, read, directory)
  local given = read.authentication
  if type(given) ~= "table" or not TYPES[given.type] then
    return nil, "its authentication.type is neither oidc_federation nor user_oauth"
  end
  local identity = given.identity_token
  if type(identity) == "table" and (identity.source ~= "file" or not text(identity.path)) then
    return nil, "its authentication.identity_token is no file"
  end
  for _, path in ipairs { text(given.credentials_path) or "", type(identity) == "table" and identity.path or "" } do
    if path:find("\0", 1, true) then -- else a part of it would be opened
      return nil, "a path in it contains NUL"
    end
  end
  return {
    type = given.type,
    name = name,
    base_url = text(read.base_url),
    organization_id = text(read.organization_id) or variable "ANTHROPIC_ORGANIZATION_ID",
    workspace_id = text(read.workspace_id) or variable "ANTHROPIC_WORKSPACE_ID",
    federation_rule_id = text(given.federation_rule_id) or variable "ANTHROPIC_FEDERATION_RULE_ID",
    service_account_id = text(given.service_account_id) or variable "ANTHROPIC_SERVICE_ACCOUNT_ID",
    identity_file = type(identity) == "table" and identity.path or variable "ANTHROPIC_IDENTITY_TOKEN_FILE",
    client_id = text(given.client_id),
    credentials_path = text(given.credentials_path) or directory .. "/credentials/" .. name .. ".json",
  }
end

-- What a profile lacks for its type of authentication.
local function missing(config)
  if config.type ~= "oidc_federation" then
    return nil
  elseif not config.federation_rule_id then
    return "no federation rule: set ANTHROPIC_FEDERATION_RULE_ID"
  elseif not config.organization_id then
    return "no organization: set ANTHROPIC_ORGANIZATION_ID"
  elseif not config.identity_file and not variable "ANTHROPIC_IDENTITY_TOKEN" then
    return "no identity token: set ANTHROPIC_IDENTITY_TOKEN_FILE or ANTHROPIC_IDENTITY_TOKEN"
  end
end

local function checked(config)
  local problem = missing(config)
  if problem then
    local what = config.name and ("the profile %q"):format(config.name) or "workload identity federation"
    return nil, what .. ": " .. problem
  end
  return config
end

local function is_name(name)
  return name:find "^[%w_.-]+$" ~= nil and name ~= "." and name ~= ".."
end

-- Whether group or others may write a file, by its mode, whose last two digits to the base 8 are theirs.
local function may_others_write(mode)
  return math.floor(mode / 16) % 2 == 1 or math.floor(mode / 2) % 2 == 1
end

-- The profile of a name; nil alone if it is missing.
local function find_profile(directory, name)
  if not is_name(name) then
    return nil, "the name of a profile has letters, digits, '_', '.' and '-'"
  end
  local path = directory .. "/configs/" .. name .. ".json"
  if may_others_write(core.file_mode(path) or 0) then -- it says where tokens and requests go
    return nil, ("%s: group or others may write it (run: chmod go-w %s)"):format(path, path)
  end
  local read, message = profiles.read_json(path)
  if not read then
    return nil, message
  end
  local config, problem = config_of(name, read, directory)
  if not config then
    return nil, ("the profile %q: %s"):format(name, problem)
  end
  return checked(config)
end

--- The profile, or the identity, that a token is asked for with.
---@param named? string a profile
---@return anthropic.Profile.Config|nil config nil alone: none is named
---@return string? problem
function profiles.find(named)
  local directory = folder()
  local name = named or variable "ANTHROPIC_PROFILE"
  local of_environment = not name and federation_of_environment()
  if of_environment and (of_environment.identity_file or variable "ANTHROPIC_IDENTITY_TOKEN") then
    return of_environment
  elseif not directory then
    return nil, name and "no folder of profiles: set ANTHROPIC_CONFIG_DIR" or nil
  elseif name then
    local config, problem = find_profile(directory, name)
    return config, problem or not config and ("there is no profile %q in %s"):format(name, directory) or nil
  end
  local active, message = profiles.read(directory .. "/active_config")
  if message then
    return nil, message
  end
  name = (active or ""):match "^%s*(.*)$":match "^.*%S" or "default"
  local config, problem = find_profile(directory, name)
  if config or problem or not of_environment then
    return config, problem
  end
  return checked(of_environment)
end

return profiles
