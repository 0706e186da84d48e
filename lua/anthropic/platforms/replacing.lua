--- Replaces options of a client by others, as far as a platform and a credential are concerned.

local platforms = require "anthropic.platforms"
local secrets = require "anthropic.http.secrets"
local tables = require "anthropic.base.tables"

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

local replacing = {}

local function is_another(before, given)
  return given.platform ~= nil and given.platform ~= (before.platform or "anthropic")
end

--- Whether a client's options keep the same credential when others replace some of them.
---@param before table
---@param given table
---@return boolean
function replacing.has_same_credential(before, given)
  return not is_another(before, given) and not platforms.has_aws_option(given)
    and given.api_key == nil and given.auth_token == nil and given.profile == nil
end

-- Header fields except those of credentials, whatever their value.
local function harmless_fields(fields)
  local kept = {}
  for name, value in pairs(fields) do
    if not secrets.is_credential(tostring(name)) then
      kept[name] = value
    end
  end
  return kept
end

--- A client's options, some of them replaced by others. With another platform, nothing that belongs to the one before
--- is kept. AWS's keys are replaced as a whole.
---@param before table
---@param given table
---@return table
function replacing.replace(before, given)
  local merged = tables.copy(before)
  if is_another(before, given) then
    for _, name in ipairs { "base_url", "api_key", "auth_token", "auth", "profile" } do
      merged[name] = nil
    end
    for _, name in ipairs(platforms.COMPANIONS) do
      merged[name] = nil
    end
    merged.headers = merged.headers and harmless_fields(merged.headers)
  elseif platforms.has_aws_option(given) then
    for _, name in ipairs(platforms.AWS_OPTIONS) do
      merged[name] = nil
    end
  end
  for _, name in ipairs { "platform", "base_url", unpack(platforms.COMPANIONS) } do
    if given[name] ~= nil then
      merged[name] = given[name]
    end
  end
  return merged
end

return replacing
